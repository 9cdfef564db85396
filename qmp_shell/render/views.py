"""The views: how a reply can be shown. Each is a function and a row of :data:`VIEWS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..protocol import Message
from .text import format_compact, format_pretty


class Look(NamedTuple):
    """What an output can show.

    :ivar colour: terminal escapes for colours.
    :ivar ascii_only: no characters beyond ASCII.
    """

    colour: bool
    ascii_only: bool


View = Callable[[Message, Look], str]
"""Makes text of a reply; text of the VM's in it must be safe for a terminal."""


def view_pretty(message: Message, look: Look) -> str:
    """JSON over many lines, indented."""
    return _highlight(format_pretty(message, ascii_only=look.ascii_only), look)


def view_compact(message: Message, look: Look) -> str:
    """JSON on one line."""
    return _highlight(format_compact(message), look)


def _highlight(text: str, look: Look) -> str:
    if not look.colour:
        return text
    from .highlight import highlight_json

    return highlight_json(text)


VIEWS: dict[str, View] = {"pretty": view_pretty, "compact": view_compact}
"""All views, by the names that users choose them by."""
