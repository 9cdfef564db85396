"""Completion of a line for the human monitor: what QEMU's own monitor completes, and more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..schema import Builtin, Object, Type, branches
from ..static_typing import Any
from .analysis import follow_path
from .arguments import kind_at, values
from .kinds import (
    CHARDEV_OPTIONS,
    CHARDEV_SWITCHES,
    COMMON_CHARDEV_OPTIONS,
    FILE_KINDS,
    HUMAN_ARGUMENTS,
    HUMAN_OPTIONS,
    Kind,
    kind_of,
)
from .protocols import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource

# A word is in double quotes, in which a backslash escapes, or ends at a blank.
_WORD = re.compile(r'"(?:\\.|[^"\\])*(?:"|\\?\Z)|\S+')
_CLOSED = re.compile(r'"(?:\\.|[^"\\])*"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r"}


def complete_human(line: str, types: TypeSource, names: NameSource) -> Completions | None:
    """What can stand at the end of a line for the human monitor."""
    before, typed, quote = _split(line)
    completions = _complete_word(before, typed, types, names)
    if completions is None or (quote and completions.syntax != Syntax.HUMAN):
        return None
    return completions._replace(quote=quote)


def _split(line: str) -> tuple[list[str], str, str]:
    """The words before the one that the line ends in, this word, and the quote that opens it."""
    *before, last = [match[0] for match in _WORD.finditer(line)] or [""]
    if line[-1:].isspace() and not _is_open(last):
        before, last = [*before, last], ""
    quote = last[:1] if last.startswith('"') else ""
    return [_unquoted(word) for word in before if word], last[len(quote) :], quote


def _is_open(word: str) -> bool:
    """Whether a string in quotes is not closed."""
    return word.startswith('"') and _CLOSED.fullmatch(word) is None


def _unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), word[1:].removesuffix('"'))


def _complete_word(
    before: list[str], typed: str, types: TypeSource, names: NameSource
) -> Completions | None:
    words = [word for word in before if not word.startswith("-")]
    if not words:
        return Completions(
            typed, list(names.candidates(NameRequest(Kind.HUMAN, typed))), syntax=Syntax.HUMAN
        )
    command, *arguments = words
    if command == "info" and arguments:
        command, *arguments = f"info {arguments[0]}", *arguments[1:]
    if command == "sendkey" and not arguments:
        return _keys(typed, names)
    if command in HUMAN_OPTIONS and not arguments:
        return _options(command, typed, types, names)
    takes = HUMAN_ARGUMENTS.get(command, ())
    if command == "migrate_set_parameter" and len(arguments) == 1:
        return _by_type("migrate-set-parameters", arguments[0], typed, types, names)
    if len(arguments) >= len(takes) or not takes[len(arguments)]:
        return None
    take = takes[len(arguments)]
    if isinstance(take, tuple):
        return _by_type(*take, typed, types, names)
    given = {"path": arguments[0], "device": arguments[0]} if arguments else {}
    return _by_kind(take, typed, given, names)


def _by_kind(kind: str, typed: str, given: dict[str, Any], names: NameSource) -> Completions:
    if kind in FILE_KINDS:
        return Completions(typed, [], files=kind, syntax=Syntax.HUMAN)
    if kind == Kind.SWITCH:
        candidates = [Candidate("on"), Candidate("off")]
    else:
        candidates = list(names.candidates(NameRequest(kind, typed, given)))
    return Completions(typed, candidates, syntax=Syntax.HUMAN)


def _by_type(
    command: str, path: str, typed: str, types: TypeSource, names: NameSource
) -> Completions | None:
    """The values of a QMP command's argument."""
    type_ = types.arguments(command, {})
    place = follow_path(type_, {}, path.split(".")) if type_ is not None else None
    if place is None:
        return None
    return _values(kind_at(command, path, place.type), place.type, typed, {}, names)


def _values(
    kind: str | None, type_: Type, typed: str, given: dict[str, Any], names: NameSource
) -> Completions:
    """The names of a kind, and the words that a type itself has."""
    completions = Completions(typed, [], syntax=Syntax.HUMAN)
    if kind is not None:
        completions = _by_kind(kind, typed, given, names)
    return completions._replace(candidates=[*completions.candidates, *_words(type_)])


def _words(type_: Type) -> Iterator[Candidate]:
    """The words of a type: on and off for true and false. The human monitor has none for null."""
    words = {"true": "on", "false": "off"}
    for branch in branches(type_):
        if not isinstance(branch, Builtin) or branch.json_type != "null":
            for each in values(branch):
                yield each._replace(text=words.get(each.text, each.text))


def _keys(typed: str, names: NameSource) -> Completions:
    """Keys that are pressed at once: ``ctrl-alt-f1``."""
    *_, key = typed.split("-")
    candidates = list(names.candidates(NameRequest(Kind.KEY, key)))
    return Completions(key, candidates, syntax=Syntax.HUMAN_OPTION)


def _options(command: str, typed: str, types: TypeSource, names: NameSource) -> Completions | None:
    """``DRIVER,key=value,...``: what a QMP command's arguments are, in another notation."""
    completions = _option_part(command, typed, types, names)
    return completions and completions._replace(syntax=Syntax.HUMAN_OPTION)


def _option_part(
    command: str, typed: str, types: TypeSource, names: NameSource
) -> Completions | None:
    qmp_command, first = HUMAN_OPTIONS[command]
    *before, part = typed.split(",")
    if not before and "=" not in part:
        return _by_type(qmp_command, first, part, types, names)
    given: dict[str, Any] = {}
    for index, each in enumerate(before):
        key, equals, value = each.partition("=")
        given.update({key: value} if equals else {first: key} if index == 0 else {})
    if command == "chardev-add":
        return _chardev_option(given.get(first), part, given, names)
    type_ = types.arguments(qmp_command, given)
    if type_ is None:
        return None
    fields = type_.members_for(given)
    key, equals, value = part.partition("=")
    if not equals:
        # An object cannot be written as one value.
        free = [
            member
            for name, member in fields.items()
            if name not in given and name != first and not isinstance(member.type, Object)
        ]
        return Completions(
            part, [Candidate(f"{m.name}=", m.description, is_key=True) for m in free]
        )
    if key not in fields:
        return None
    type_of_value = fields[key].type
    kind = kind_at(qmp_command, key, type_of_value)
    return _values(kind, type_of_value, value, given, names)


def _chardev_option(
    backend: object, part: str, given: dict[str, Any], names: NameSource
) -> Completions | None:
    """An option of a new chardev, which QMP has elsewhere, or under another name."""
    options = ("id", *CHARDEV_OPTIONS.get(str(backend), ()), *COMMON_CHARDEV_OPTIONS)
    key, equals, value = part.partition("=")
    if not equals:
        free = [Candidate(f"{name}=", is_key=True) for name in options if name not in given]
        return Completions(part, free)
    kind = Kind.SWITCH if key in CHARDEV_SWITCHES else kind_of("chardev-add", key, "")
    return _by_kind(kind, value, given, names) if kind is not None and key in options else None
