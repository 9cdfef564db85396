"""Items as words of this shell's notation, in which misspelt names are the ones they are like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple

from ..complete import Kind
from ..language.dotted_names import parts_of_name, value_at
from ..schema import Member, Object, Type, as_array, as_object
from ..schema.suggestions import other_name
from .correction import nearest
from .items import Item, KnownArguments, given_by, words_of

# Names of types are corrected; who has misspelt a thing that exists may mean none that exists.
_TYPE_KINDS = (Kind.DRIVER, Kind.QOM_TYPE, Kind.CPU_MODEL)
# What begins a value that means something by itself.
_MARKS = ("", '"', "'", "{", "[", "$")


# What stands before a value that QEMU does not take alone, by command, argument and value.
_PREFIXES = (
    (r"dump-guest-memory", r"protocol", r"/.*", "file:"),
    (
        r"migrate|migrate-incoming",
        r"uri",
        r"(?!(?:exec|fd|file|rdma|tcp|unix|vsock):)[\w.-]+:\d+",
        "tcp:",
    ),
)


class _Place(NamedTuple):
    """Where a key leads: the key, in which each part is a name that exists, and the member."""

    key: str
    member: Member | None


class Speller:
    """Writes the items of one command.

    :ivar is_rewritten: a value stands for a list of one item, and is written so.
    """

    def __init__(self, known: KnownArguments) -> None:
        self._known = known
        self._counts: dict[str, int] = {}
        self.is_rewritten = False

    def spell(self, items: list[Item]) -> Iterator[str]:
        """The items as words."""
        given = given_by(items)
        type_ = self._known.type_for(given)
        for key, value in items:
            place = _follow(key, type_, given) if type_ is not None else _Place(key, None)
            if place.member is not None and value[:1] not in _MARKS:
                value = self._spell_value(value, place.member, given)
                place = self._into_list(place)
            yield f"{place.key}={value}"

    def _spell_value(self, value: str, member: Member, given: dict[str, Any]) -> str:
        prefix = self._prefix_of(member.name, value)
        if prefix:
            self.is_rewritten = True
            return prefix + value
        known = words_of(member.type)
        if self._known.kind_of(member) in _TYPE_KINDS:
            known = self._known.names_for(member, value, given)
        return value if value in known else nearest(value, known) or value

    def _prefix_of(self, argument: str, value: str) -> str:
        texts = (self._known.command, argument, value)
        rows = ((row[-1], zip(row, texts, strict=False)) for row in _PREFIXES)
        return next((each for each, pairs in rows if all(starmap(re.fullmatch, pairs))), "")

    def _into_list(self, place: _Place) -> _Place:
        """The place of an item, if the argument is a list: of scalars, or of objects with one."""
        type_ = place.member.type if place.member is not None else None
        of_array = as_array(type_)
        if of_array is None or as_object(type_) is not None:
            return place
        inner = ""
        if isinstance(of_array.element, Object):
            if len(of_array.element.members) != 1:
                return place
            inner = f".{next(iter(of_array.element.members))}"
        index = self._counts[place.key] = self._counts.get(place.key, -1) + 1
        self.is_rewritten = True
        return place._replace(key=f"{place.key}.{index}{inner}")


def spell_dotted_keys(items: list[Item], known: KnownArguments) -> list[Item]:
    """Correct misspelt parts of dotted keys, where a similar name exists."""
    given = given_by(items)
    type_ = known.type_for(given)
    if type_ is None:
        return items
    return [
        Item(_follow(key, type_, given).key, value) if "." in key else Item(key, value)
        for key, value in items
    ]


def find_member(key: str, type_: Type | None, given: Any) -> Member | None:
    """The member that a dotted key names; None: it does not exist or is not known."""
    return _follow(key, type_, given).member if type_ is not None else None


def _follow(key: str, type_: Type, given: Any) -> _Place:
    """Follow a dotted key into a type, part by part; each is a name, or the index of a list."""
    parts = key.split(".")
    member: Member | None = None
    index = 0
    while index < len(parts):
        of_array, of_object = as_array(type_), as_object(type_)
        if of_array is not None and member is not None and parts[index].isdecimal():
            type_ = of_array.element
            member = member._replace(find_type=partial(_same, type_))
        else:
            names = of_object.members_for(given) if of_object is not None else ()
            end = index + parts_of_name(parts, index, names)
            name, member = _find_member(".".join(parts[index:end]), of_object, given)
            parts[index:end] = [name]
            if member is None:
                return _Place(".".join(parts), None)
            type_ = member.type
        given = value_at(given, parts[index].split("."))
        index += 1
    return _Place(".".join(parts), member)


def _same(type_: Type) -> Type:
    return type_


def _find_member(name: str, type_: Object | None, given: Any) -> tuple[str, Member | None]:
    """The member of a name, or the one whose name is most like it.

    An object that may have other members has that name, unless one is missing that is like it.
    """
    if type_ is None:
        return name, None
    members = type_.members_for(given)
    if name not in members:
        taken = given if isinstance(given, dict) else {}
        is_open = type_.is_open(given)
        free = [
            each.name
            for each in members.values()
            if each.name not in taken and (each.required or not is_open)
        ]
        name = other_name(name, free) or nearest(name, free) or name
    return name, members.get(name)
