"""The arguments of a command or an action: their names and their values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ..language.dotted_names import value_at
from ..language.words import APPEND, OPERATORS, READ, READ_WRITE, WRITE
from ..schema import (
    MAX_LIST_DEPTH,
    Alternate,
    Array,
    Builtin,
    Enum,
    Member,
    Object,
    Type,
    as_array,
    as_object,
    branches,
)
from ..schema.text import describe_member, format_type, required_first
from ..static_typing import Any
from .analysis import follow_path
from .draft import ActionDraft, CommandDraft
from .kinds import FILE_KINDS, Kind, kind_of, kind_of_several, place_in_menu
from .protocols import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource


def complete_argument(
    command: CommandDraft, types: TypeSource, names: NameSource
) -> Completions | None:
    """What can stand where an argument is being typed."""
    action, word = command.actions[-1], command.word
    type_ = action.find_type(types)
    if word.value is None:
        if type_ is None:
            return Completions(word.key, [])
        candidates = list(_keys(action, type_, word.key, types))
        several = kind_of_several(action.name.key, type_.members)
        if several is not None:
            request = NameRequest(several, word.key, action.given)
            candidates = [*names.candidates(request), *candidates]
        return Completions(word.key, candidates)
    if word.key in (READ, READ_WRITE, WRITE, APPEND):
        return _complete_file(word.value)
    if word.key in OPERATORS:
        return None
    if word.value.startswith("$"):
        references = names.candidates(NameRequest(Kind.REFERENCE, word.value))
        return Completions(word.value, list(references), syntax=Syntax.REFERENCE)
    quote = word.value[:1] if word.value[:1] in ('"', "'") else ""
    typed = word.value[len(quote) :]
    place = follow_path(type_, action.given, word.key.split(".")) if type_ is not None else None
    if place is None:
        return Completions(typed, [], quote, syntax=Syntax.VALUE)
    takes_names = any(scalars(place.type))  # a list does not
    kind = kind_at(action.name.key, ".".join(place.path), place.type) if takes_names else None
    candidates = list(values(place.type))
    if kind is not None and kind not in FILE_KINDS:
        request = NameRequest(kind, typed, action.given, word.key)
        candidates = [*names.candidates(request), *candidates]
    return Completions(
        typed,
        candidates,
        quote,
        files=kind if kind in FILE_KINDS else None,
        syntax=Syntax.VALUE,
        is_any=isinstance(place.type, Alternate)
        or (isinstance(place.type, Builtin) and place.type.is_any),
    )


def _complete_file(value: str) -> Completions:
    """A file of this host, behind ``<`` or ``>``."""
    quote = value[:1] if value[:1] in ('"', "'") else ""
    return Completions(value[len(quote) :], [], quote, files=Kind.FILE, syntax=Syntax.VALUE)


def kind_at(command: str, path: str, type_: Type) -> str | None:
    """The kind of name that can stand for an argument, by its name or its type."""
    kind = kind_of(command, path, type_.name)
    if kind is not None:
        return kind
    of_object = as_object(type_)
    if isinstance(type_, Alternate) and of_object is not None and "node-name" in of_object.members:
        return Kind.NODE  # a block node is defined there, or named
    return None


def scalars(type_: Type) -> tuple[bool, bool]:
    """Whether a value can be a string, and whether it can be a number."""
    kinds = {each.json_type for each in branches(type_) if isinstance(each, Builtin)}
    is_enum = any(isinstance(each, Enum) for each in branches(type_))
    return is_enum or bool(kinds & {"string", "value"}), bool(kinds & {"int", "number"})


def values(type_: Type) -> Iterator[Candidate]:
    """The words of a type itself: the values of an enumeration, ``true``, ``false``, ``null``."""
    for branch in branches(type_):
        if isinstance(branch, Enum):
            for value in branch.values.values():
                yield Candidate(value.name, ", ".join(value.features), is_word=True)
        elif isinstance(branch, Builtin) and branch.json_type == "boolean":
            yield Candidate("true", "or on, yes", is_word=True)
            yield Candidate("false", "or off, no", is_word=True)
        elif isinstance(branch, Builtin) and branch.json_type == "null":
            yield Candidate("null", "nothing", is_word=True)


def _keys(action: ActionDraft, type_: Object, typed: str, types: TypeSource) -> Iterator[Candidate]:
    """The keys that can stand there, each with the ``=`` or the dot that follows it."""
    *path, _ = typed.split(".")
    begun = ""
    place = follow_path(type_, action.given, path)
    if path and (place is None or not _has_parts(place.type)):  # a name with a dot in it has begun
        *path, first = path
        begun = f"{first}."
        place = follow_path(type_, action.given, path)
    if place is None:
        return
    inner, given, _ = place
    prefix = "".join(part + "." for part in path)
    of_object, of_array = as_object(inner), as_array(inner)
    command = action.name.key
    if of_object is not None:
        members = required_first(of_object.members_for(given))
        members = [member for member in members if member.name.startswith(begun)]
        if not path:
            members.sort(key=lambda each: (not each.required, place_in_menu(command, each.name)))
        for member in members:
            if not member.description:
                about = types.argument_summary(command, [*path, member.name], action.given)
                member = member._replace(description=about)
            yield from _member_keys(prefix, member, given)
    elif of_array is not None and not begun:
        for index in _indexes(given):
            for end, item in _ends(of_array.element, None).items():
                yield Candidate(f"{prefix}{index}{end}", format_type(item), is_key=end[-1:] == "=")


def _has_parts(type_: Type) -> bool:
    return as_object(type_) is not None or as_array(type_) is not None


def _member_keys(prefix: str, member: Member, given: Any) -> Iterator[Candidate]:
    parts = member.name.split(".")
    *outer, before = [value_at(given, parts[:end]) for end in range(1, len(parts) + 1)]
    if not all(each is None or isinstance(each, dict) for each in (*outer, before)):
        return
    for end, type_ in _ends(member.type, before).items():
        note = describe_member(member, type_)
        yield Candidate(f"{prefix}{member.name}{end}", note, is_key=end[-1:] == "=")


def _ends(type_: Type, given: object, depth: int = MAX_LIST_DEPTH) -> dict[str, Type]:
    """What can follow a key, and the type after it: ``=`` before a value, a dot before a member.

    :param depth: how many levels of lists are followed.
    """
    ends: dict[str, Type] = {}
    for branch in branches(type_):
        if isinstance(branch, Object):
            ends["."] = branch
        elif isinstance(branch, Array) and depth:
            for index in _indexes(given):
                for end, inner in _ends(branch.element, None, depth - 1).items():
                    ends[f".{index}{end}"] = inner
        elif given is None and not isinstance(branch, Array):
            ends["="] = type_ if len(branches(type_)) == 1 else ends.get("=", branch)
    return ends


def _indexes(given: object) -> list[str]:
    """The indexes of a list: those whose items have members already, and the first free one."""
    items = given if isinstance(given, dict) else {}
    begun = [key for key, item in items.items() if isinstance(item, dict) and key.isdecimal()]
    return [*begun, next(index for index in map(str, count()) if index not in items)]
