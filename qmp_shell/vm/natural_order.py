"""The order of names in which numbers count by their value."""

from __future__ import annotations

import re


def natural_key(name: str) -> list[tuple[int, str]]:
    """A sort key by which ``device[10]`` comes after ``device[9]``."""
    pieces = re.split(r"0*([0-9]+)", name)  # every second one is a number
    return [(len(piece) * (index % 2), piece) for index, piece in enumerate(pieces)]
