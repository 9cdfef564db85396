"""Arguments in other notations, in the one of this shell, by the VM's own types.

``device_del rng1``, ``device_add e1000,id=n1`` and ``device_add --driver e1000`` leave the names
of arguments out, or write them otherwise; the types tell which are meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from ..complete import Kind, NameRequest, NameSource, kind_at
from ..complete.kinds import HUMAN_OPTIONS
from ..language import ExecuteStatement, LineJoiner, ParseError, StatementParser
from ..language.command import parse_partial_arguments
from ..language.values import SWITCH_WORDS, BareWord, parse_float, parse_integer
from ..language.word_types import apply_types
from ..language.words import Word
from ..protocol import arguments_of
from ..schema import Builtin, Enum, Member, Object, Type, as_array, as_object, branches
from ..schema.check import check_arguments
from .correction import nearest
from .foreign import join_around_equals, split_key, split_options

# The argument that QEMU's own notation begins with, by QMP command.
_IMPLIED = {command: first for command, first in HUMAN_OPTIONS.values() if "." not in first}
_KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_UNIT = re.compile(r".*[A-Za-z]")
# Names of types are corrected; who has misspelt a thing that exists may mean none that exists.
_TYPE_KINDS = (Kind.DRIVER, Kind.QOM_TYPE, Kind.CPU_MODEL)
# Which of more optional arguments is meant by a text, nobody can tell.
_MOST_TEXTS = 2
# QEMU's names for the opposite of a switch: nowait is wait=off.
_NOT = "no"

TypeFinder = Callable[[str, dict[str, Any]], Object | None]
"""Finds the type of a command's arguments, given its name and those arguments that are known."""


class Arguments(NamedTuple):
    """The arguments of a command, as they are written here.

    :ivar words: ``key=value`` each.
    :ivar missing: the names of arguments that have to be given, but are not.
    :ivar is_rewritten: they were in another notation; otherwise names are misspelt or missing.
    :ivar is_unitless: a number without a unit stands for an argument that was not named; the human
        monitor may count it in another unit.
    """

    words: tuple[str, ...]
    missing: tuple[str, ...]
    is_rewritten: bool
    is_unitless: bool


class _Item(NamedTuple):
    """A word: the argument that it is for, empty if that is not said, and its value as written."""

    key: str
    value: str


class ArgumentReader:
    """Reads the arguments of one command.

    :ivar is_rewritten: a word was in another notation.
    """

    def __init__(self, command: str, find_type: TypeFinder, names: NameSource) -> None:
        self._command = command
        self._find_type = find_type
        self._names = names
        self.is_rewritten = False
        self._is_unitless = False

    def read(self, words: list[str]) -> Arguments | None:
        """Read the words after the command's name.

        :return: None: they cannot be read, or nothing is known of the command.
        """
        joined = join_around_equals(words)
        self.is_rewritten = joined != words
        items = self._split(joined)
        type_ = self._type_of(items or [])
        placed = self._place(items, type_) if items is not None and type_ is not None else None
        if placed is None:
            return None
        corrected = tuple(self._corrected(placed))
        missing = _find_missing(self._command, corrected, self._find_type)
        if missing is None:
            return None
        return Arguments(corrected, missing, self.is_rewritten, self._is_unitless)

    def _type_of(self, items: list[_Item]) -> Object | None:
        return self._find_type(self._command, _given(items))

    # From words to items

    def _split(self, words: list[str]) -> list[_Item] | None:
        """The items of some words; None: one of them has options that the command lacks."""
        items: list[_Item] = []
        waiting = ""  # an argument whose value is the next word: --id n1
        for word in words:
            if waiting:
                items.append(_Item(waiting, word))
                waiting = ""
            elif word.startswith("-") and not word.lstrip("-")[:1].isdecimal():
                key, _, value = word.lstrip("-").partition("=")
                if not self._has_argument(items, key):
                    return None
                self.is_rewritten = True
                items += [_Item(key, value)] if "=" in word else []
                waiting = "" if "=" in word else key
            else:
                found = self._split_word(word, items)
                if found is None:
                    return None
                items += found
        return items if not waiting else None

    def _has_argument(self, items: list[_Item], key: str) -> bool:
        type_ = self._type_of(items)
        return type_ is not None and key in type_.members_for(_given(items))

    def _split_word(self, word: str, before: list[_Item]) -> list[_Item] | None:
        """The items of one word, which are several if commas separate them.

        :return: None: they are not all the command's.
        """
        parts = split_options(word)
        if len(parts) < 2:
            self.is_rewritten |= word.endswith(",")
            return [self._implied(*split_key(word.rstrip(",")), before)]
        first = self._implied(*split_key(parts[0]), before)
        items = [first, *(_switch(part) for part in parts[1:])]
        if not self._is_list(parts, [*before, *items]):
            is_readable = first.key or not any(item.key for item in items)
            return [self._implied(*split_key(word), before)] if is_readable else None
        self.is_rewritten = True
        return items

    def _implied(self, key: str, value: str, before: list[_Item]) -> _Item:
        """The first word of a command may leave out a certain key."""
        implied = _IMPLIED.get(self._command, "")
        if key or before or not implied:
            return _Item(key, value)
        self.is_rewritten = True
        return _Item(implied, value)

    def _is_list(self, parts: list[str], items: list[_Item]) -> bool:
        """Whether a comma separates arguments, and is no part of a value."""
        keys = [split_key(part)[0] for part in parts]
        if not keys[0] and self._command in _IMPLIED:
            return True
        type_ = self._type_of(items)
        if type_ is None or not any(keys[1:]):
            return False
        given = _given(items)
        known = type_.members_for(given)
        return all(
            _KEY.fullmatch(key) is not None and (key.split(".")[0] in known or type_.is_open(given))
            for key in filter(None, keys[1:])
        )

    # From values to arguments

    def _place(self, items: list[_Item], type_: Object) -> list[_Item] | None:
        """Items that all have a key; None: there is no argument that a value fits."""
        if not type_.members and not type_.is_open({}):  # it takes none at all
            kept = [item for item in items if item.key]
            self.is_rewritten |= kept != items
            return kept
        placed = list(items)
        for find in (self._find_sure, _find_similar, _find_possible):
            for index, item in enumerate(placed):
                if item.key:
                    continue
                given = _given(placed)
                members = type_.members_for(given)
                free = [each for name, each in members.items() if name not in given]
                member = find(item.value, free, given)
                if member is not None:
                    placed[index] = _Item(member.name, item.value)
                    is_plain = _UNIT.match(item.value) is None
                    self._is_unitless |= is_plain and _is_number(member.type)
        self.is_rewritten |= placed != items
        return placed if all(item.key for item in placed) else None

    def _find_sure(self, value: str, members: list[Member], given: dict[str, Any]) -> Member | None:
        """The argument of which a value is one, and hardly of another."""
        named = [each for each in members if self._is_name(value, each, given)]
        typed = [each for each in members if any(_is_of(value, of) for of in branches(each.type))]
        found = _required(named) or _required(typed) or named or typed[: len(typed) == 1]
        return found[0] if found else None

    def _is_name(self, value: str, member: Member, given: dict[str, Any]) -> bool:
        """Whether a value is a name that exists for an argument."""
        is_listed = value in _words(member.type)
        return is_listed or value in self._known_names(member, value, given)

    def _known_names(self, member: Member, typed: str, given: dict[str, Any]) -> list[str]:
        """The names that exist in the VM for an argument; empty: it takes any text."""
        kind = kind_at(self._command, member.name, member.type)
        if kind is None:
            return []
        # QOM paths are listed level by level.
        request = NameRequest(kind, typed if kind == Kind.QOM_PATH else "", given)
        return [each.text for each in self._names.candidates(request)]

    # Misspelt names

    def _corrected(self, items: list[_Item]) -> Iterator[str]:
        """The items as words, in which each name that does not exist is the one that it is like."""
        counts: dict[str, int] = {}
        given = _given(items)
        type_ = self._type_of(items)
        for item in items:
            key, place = self._follow(item.key, type_, given) if type_ is not None else ("", None)
            value = self._corrected_value(item.value, place, given)
            key = self._indexed(key or item.key, value, place, counts)
            yield f"{key}={value}"

    def _follow(self, key: str, type_: Type, given: Any) -> tuple[str, Member | None]:
        """A dotted key with its parts as the types have them, and the member that it leads to."""
        parts: list[str] = []
        member: Member | None = None
        whole = as_object(type_)
        if whole is not None and key in whole.members_for(given):  # a name with a dot in it
            return key, whole.members_for(given)[key]
        for part in key.split("."):
            of_object, of_array = as_object(type_), as_array(type_)
            if of_array is not None and part.isdecimal():
                parts.append(part)
                type_ = of_array.element
                given = given.get(part) if isinstance(given, dict) else None
                continue
            members = of_object.members_for(given) if of_object is not None else {}
            if part not in members and of_object is not None and not of_object.is_open(given):
                free = [
                    name for name in members if not isinstance(given, dict) or name not in given
                ]
                part = nearest(part, free) or part
            parts.append(part)
            member = members.get(part)
            if member is None:
                left = key.split(".")[len(parts) :]
                return ".".join([*parts, *left]), None
            type_ = member.type
            given = given.get(part) if isinstance(given, dict) else None
        return ".".join(parts), member

    def _corrected_value(self, value: str, member: Member | None, given: dict[str, Any]) -> str:
        if member is None or value[:1] in ("", '"', "'", "{", "[", "$"):
            return value
        known = _words(member.type)
        if kind_at(self._command, member.name, member.type) in _TYPE_KINDS:
            known = self._known_names(member, value, given)
        return value if value in known else nearest(value, known) or value

    def _indexed(self, key: str, value: str, member: Member | None, counts: dict[str, int]) -> str:
        """The key of an item of a list, if the argument is a list and the value is none."""
        of_array = as_array(member.type) if member is not None and value[:1] != "[" else None
        if of_array is None or as_object(member.type if member is not None else None) is not None:
            return key
        element = of_array.element
        inner = ""
        if isinstance(element, Object):
            if [*element.members] == [] or len(element.members) > 1 or value[:1] == "{":
                return key
            inner = f".{next(iter(element.members))}"
        index = counts[key] = counts.get(key, -1) + 1
        self.is_rewritten = True
        return f"{key}.{index}{inner}"


def _given(items: list[_Item]) -> dict[str, Any]:
    """The arguments that are known, for a type that depends on them."""
    return parse_partial_arguments(Word(0, key, value, 0) for key, value in items if key)


def _switch(part: str) -> _Item:
    """A part of a list of options; one without a value is a switch."""
    key, value = split_key(part)
    if key:
        return _Item(key, value)
    is_off = value.startswith(_NOT) and len(value) > len(_NOT)
    return _Item(value.removeprefix(_NOT) if is_off else value, "off" if is_off else "on")


def _find_similar(value: str, members: list[Member], _: object) -> Member | None:
    """The required argument that has a value like this one."""
    return next((each for each in _required(members) if nearest(value, _words(each.type))), None)


def _find_possible(_value: str, members: list[Member], _given: object) -> Member | None:
    """The argument that takes any text, if there are not too many that do."""
    texts = [each for each in members if _takes_text(each.type)]
    required = _required(texts)
    if required:
        return required[0]
    is_clear = not _required(members) and len(texts) <= _MOST_TEXTS
    return texts[0] if texts and is_clear else None


def _words(type_: Type) -> Collection[str]:
    """The values of a type, if it is an enumeration; else none."""
    enum = next((each for each in branches(type_) if isinstance(each, Enum)), None)
    return enum.values if enum is not None else ()


def _required(members: list[Member]) -> list[Member]:
    return [each for each in members if each.required]


def _is_of(value: str, type_: Type) -> bool:
    """Whether a value is a number or a switch, of the type that is wanted."""
    word = BareWord(value)
    kind = type_.json_type if isinstance(type_, Builtin) else ""
    return (
        (kind == "boolean" and value.lower() in SWITCH_WORDS)
        or (kind == "int" and parse_integer(word) is not None)
        or (kind == "number" and parse_float(word) is not None)
    )


def _is_number(type_: Type) -> bool:
    return isinstance(type_, Builtin) and type_.json_type in ("int", "number")


def _takes_text(type_: Type) -> bool:
    """Whether any text is a value of a type."""
    return any(
        isinstance(each, Builtin) and each.json_type in ("string", "value")
        for each in branches(type_)
    )


def _find_missing(
    command: str, words: tuple[str, ...], find_type: TypeFinder
) -> tuple[str, ...] | None:
    """Which arguments are missing; None: the words cannot be parsed."""
    line = LineJoiner().add_line(" ".join([command, *words]))
    try:
        statement = StatementParser().parse(line) if line is not None else None
    except ParseError:
        return None
    if not isinstance(statement, ExecuteStatement):
        return None
    given = arguments_of(statement.message)
    type_ = find_type(command, given)
    if type_ is None:
        return ()
    faults = check_arguments(apply_types(given, type_), type_)
    return tuple(name for fault in faults if fault.is_missing for name in fault.names)
