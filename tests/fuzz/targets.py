"""The table of the fuzz targets: each takes any bytes, and raises if it finds a fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import completion, discovery, language, manual, protocol, readers, sharing

CORPUS = Path(__file__).parent / "corpus"
"""A folder of seeds for each target."""

TARGETS: dict[str, Callable[[bytes], None]] = {
    "language": language.check,
    "protocol": protocol.check,
    "completion": completion.check,
    "readers": readers.check,
    "manual": manual.check,
    "discovery": discovery.check,
    "sharing": sharing.check,
}
