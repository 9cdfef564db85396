"""References to values: ``$_.0.device`` stands for a part of what a command returned.

This module does not know which values there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..static_typing import Any
from .values import BareWord

VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
"""A pattern of the names of variables."""

EACH = "*"
"""A part of a path that stands for all items of a list, or all members of an object."""

_REFERENCE = rf"\$(?P<name>{VARIABLE_NAME})(?P<path>(?:\.[^.\s]+)*)"


class Reference(BareWord):
    """A bare word that is wholly a reference, as ``$_``, ``$disks.0.inserted.node-name``.

    :ivar name: the variable's, without the ``$``.
    :ivar path: the keys and list indexes that lead to a part of its value.
    :ivar offset: where it stands in the logical line, in characters.
    """

    name: str
    path: tuple[str, ...]
    offset: int


def parse_bare_word(text: str, offset: int) -> BareWord:
    """A bare word: a :class:`Reference` if it is wholly one."""
    match = re.fullmatch(_REFERENCE, text)
    if match is None:
        return BareWord(text)
    reference = Reference(text)
    reference.name = match["name"]
    reference.path = tuple(match["path"].split(".")[1:])
    reference.offset = offset
    return reference


def replace_references(value: Any, find: Callable[[Reference], Any]) -> Any:
    """A copy of a tree with a value in the place of each reference.

    :param value: dictionaries and lists; the leaves are values or bare words.
    :param find: finds the value; what it raises is passed on.
    """
    if isinstance(value, dict):
        return {key: replace_references(item, find) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_references(item, find) for item in value]
    return find(value) if isinstance(value, Reference) else value
