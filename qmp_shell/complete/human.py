"""The human monitor's lines: what QEMU's own monitor completes there, and more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..schema import Type
from .arguments import kind_at, values
from .kinds import FILE_KINDS, HUMAN_ARGUMENTS, HUMAN_OPTIONS, Kind
from .line import walk
from .options import Candidate, Names, Options, Types, Wanted


def complete_human(line: str, types: Types, names: Names) -> Options | None:
    """What can stand at the end of a line for the human monitor."""
    *before, typed = line.split(" ") if line.strip() else [""]
    words = [word for word in before if word and not word.startswith("-")]
    if not words:
        return Options(typed, list(names.candidates(Wanted(Kind.HUMAN, typed))))
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


def _by_kind(kind: str, typed: str, given: dict[str, Any], names: Names) -> Options:
    if kind in FILE_KINDS:
        return Options(typed, [], files=kind, raw=True)
    return Options(typed, list(names.candidates(Wanted(kind, typed, given))))


def _by_type(command: str, path: str, typed: str, types: Types, names: Names) -> Options | None:
    """The values of a QMP command's argument."""
    type_ = types.arguments(command, {})
    found = walk(type_, {}, path.split(".")) if type_ is not None else None
    if found is None:
        return None
    return _values(kind_at(command, path, found[0]), found[0], typed, {}, names)


def _values(
    kind: str | None, type_: Type, typed: str, given: dict[str, Any], names: Names
) -> Options:
    """The names of a kind, and the words that a type itself has."""
    options = _by_kind(kind, typed, given, names) if kind is not None else Options(typed, [])
    return options._replace(candidates=[*options.candidates, *_switches(values(type_))])


def _switches(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The human monitor has on and off for true and false."""
    words = {"true": "on", "false": "off"}
    return [each._replace(text=words.get(each.text, each.text)) for each in candidates]


def _keys(typed: str, names: Names) -> Options:
    """Keys that are pressed at once: ``ctrl-alt-f1``."""
    *_, key = typed.split("-")
    return Options(key, list(names.candidates(Wanted(Kind.KEY, key))))


def _options(command: str, typed: str, types: Types, names: Names) -> Options | None:
    """``DRIVER,key=value,...``: what a QMP command's arguments are, in another notation."""
    qmp_command, first = HUMAN_OPTIONS[command]
    *before, part = typed.split(",")
    if not before and "=" not in part:
        return _by_type(qmp_command, first, part, types, names)
    given: dict[str, Any] = {}
    for index, each in enumerate(before):
        key, equals, value = each.partition("=")
        given.update({key: value} if equals else {first: key} if index == 0 else {})
    type_ = types.arguments(qmp_command, given)
    if type_ is None:
        return None
    fields = type_.fields(given)
    key, equals, value = part.partition("=")
    if not equals:
        free = [member for name, member in fields.items() if name not in given and name != first]
        return Options(part, [Candidate(f"{m.name}=", m.about) for m in free])
    if key not in fields:
        return None
    type_of_value = fields[key].type
    kind = kind_at(qmp_command, key, type_of_value)
    return _values(kind, type_of_value, value, given, names)
