"""Runs one fuzz target with atheris: ``python -m tests.fuzz TARGET [LIBFUZZER ARGUMENT ...]``.

An input that fails is written to ``.fuzz_cache/TARGET-failed``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["qmp_shell"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    program, name, *arguments = sys.argv
    failed = Path(".fuzz_cache", f"{name}-failed")

    def check(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except Exception:
            failed.write_bytes(data)
            raise

    atheris.Setup([program, *arguments], check)
    atheris.Fuzz()


main()
