"""Completion in two steps: what kind of name can stand here, and which names there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from ..language import Reader


class Kind:
    """The kinds of name that can stand somewhere."""

    COMMAND = "a command of the VM"
    DOT = "a command to this shell"
    HUMAN = "a command of the human monitor"
    TOPIC = "a topic of the human monitor's info"
    OPTION = "an option of this shell"
    SWITCH = "on or off"
    FILE = "a file on this host"


class Wanted(NamedTuple):
    """What can stand at a place.

    :ivar kind: one of :class:`Kind`.
    :ivar typed: what of it stands there already.
    """

    kind: str
    typed: str


class Candidate(NamedTuple):
    """A name that can stand there, and what it is."""

    text: str
    description: str = ""


class Names(Protocol):
    """Who knows the names."""

    def candidates(self, kind: str) -> Iterable[Candidate]:
        """The names of a kind."""


_FIRST = re.compile(r"\s*(?P<typed>[A-Za-z0-9_-]*)")
_DOT = re.compile(r"\s*(?P<typed>\.\w*)")
_DOT_ARGUMENT = re.compile(r"\s*\.(?P<name>\w+)\s+(?P<argument>.*)", re.DOTALL)
_HUMAN = re.compile(r"\s*(?P<typed>\S*)")
_HUMAN_INFO = re.compile(r"\s*info\s+(?P<typed>\S*)")
_HUMAN_HELP = re.compile(r"\s*(?:help|\?)\s+(?P<typed>\S*)")

_DOT_ARGUMENTS = {
    "commands": Kind.COMMAND,
    "connect": Kind.FILE,
    "log": Kind.FILE,
}


def wanted(text: str, *, human: bool = False, in_transaction: bool = False) -> Wanted | None:
    """What can stand at the end of ``text``.

    :param text: all that is typed up to the cursor.
    :param human: it goes to the human monitor.
    :param in_transaction: it is an action, not a command.
    :return: None: nothing that is known.
    """
    line = _open_line(text)
    if line is None:
        return None
    argument = _DOT_ARGUMENT.fullmatch(line)
    if argument is not None:
        return _wanted_by_dot(argument["name"], argument["argument"])
    if (dot := _DOT.fullmatch(line)) is not None:
        return Wanted(Kind.DOT, dot["typed"])
    if human:
        return _wanted_by_human(line)
    first = _FIRST.fullmatch(line)
    if first is None or in_transaction:
        return None
    return Wanted(Kind.COMMAND, first["typed"])


def candidates(text: str, names: Names, **mode: bool) -> tuple[Wanted, list[Candidate]] | None:
    """Everything of the kind that can stand at the end of ``text``; see :func:`wanted`."""
    what = wanted(text, **mode)
    return None if what is None else (what, list(names.candidates(what.kind)))


def _open_line(text: str) -> str | None:
    """The line that the end of ``text`` belongs to; None: it is inside a literal."""
    reader = Reader()
    *before, last = text.split("\n")
    for line in before:
        reader.push(line)
    return None if reader.open else last


def _wanted_by_dot(name: str, argument: str) -> Wanted | None:
    if name == "hmp":
        return _wanted_by_human(argument)
    if name == "set":
        option, blank, value = argument.partition(" ")
        return Wanted(Kind.SWITCH, value) if blank else Wanted(Kind.OPTION, option)
    kind = _DOT_ARGUMENTS.get(name)
    return Wanted(kind, argument) if kind is not None else None


def _wanted_by_human(line: str) -> Wanted | None:
    for pattern, kind in (
        (_HUMAN, Kind.HUMAN),
        (_HUMAN_INFO, Kind.TOPIC),
        (_HUMAN_HELP, Kind.HUMAN),
    ):
        match = pattern.fullmatch(line)
        if match is not None:
            return Wanted(kind, match["typed"])
    return None
