"""Lines in several colours, and trees of such lines, before they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Part(NamedTuple):
    """A part of a line, with any text of the VM's: it is made safe when it is drawn.

    :ivar kind: what it is, in the words of the palette, as ``key``; empty: plain text.
    """

    text: str
    kind: str = ""


class Node(NamedTuple):
    """A line of a tree, and what is below it."""

    parts: tuple[Part, ...]
    children: Iterable[Node] = ()


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts with two blanks between them; empty ones are left out."""
    joined: list[Part] = []
    for part in parts:
        if part.text:
            joined += [Part("  "), part] if joined else [part]
    return tuple(joined)
