"""The stored inputs of the fuzz targets, replayed without a fuzzer: none finds a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS

SEEDS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.parent.name}/{seed.name}")
@pytest.mark.timeout(30)
def test_no_stored_input_finds_a_fault(seed: Path) -> None:
    TARGETS[seed.parent.name](seed.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_takes_empty_and_random_input(target: str) -> None:
    """No bytes are invalid, so whatever a fuzzer finds is a fault of the package."""
    for data in (b"", b"\0", bytes(range(256)), bytes(reversed(range(256)))):
        TARGETS[target](data)
    assert any(seed.parent.name == target for seed in SEEDS)
