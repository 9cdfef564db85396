"""Which arguments are meant by values without a name: ``set_link n0 off``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..complete import Kind
from ..language.values import SWITCH_WORDS, BareWord, parse_float, parse_integer
from ..schema import Builtin, Member, Object, Type, as_array, as_object, branches
from .correction import nearest
from .items import Item, KnownArguments, given_by, takes_text, words_of
from .spelling import find_member

_JOINED = '"'  # stands around a value with blanks
# What makes more of a value than a text without quotes.
_QUOTES = {*"\"'\\{}[]"}
_UNIT = re.compile(r".*[A-Za-z]")
# Where a thing may be named by its name or by an id that QEMU gives it, people know the name.
_ID = "id"
# Which of more optional arguments is meant by a text, nobody can tell.
_MOST_TEXTS = 2
_PAIR = 2


class Placement(NamedTuple):
    """Items that all have a key.

    :ivar is_unitless: a number without a unit is for an argument that was not named; the human
        monitor may count it in another unit.
    """

    items: list[Item]
    is_unitless: bool = False


def place(items: list[Item], type_: Object, known: KnownArguments) -> Placement | None:
    """Find the arguments that values without a name are for.

    :param type_: the type of the command's arguments.
    :return: None: there is no argument that a value fits.
    """
    if not type_.members and not type_.is_open({}):  # it takes none at all
        return Placement([item for item in items if item.key])
    pairs = _pairs_in_list(type_, items)
    if pairs:
        return Placement(pairs)
    type_ = _item_of_list(type_, items) or type_
    placed = list(items)
    is_unitless = False
    for find in (_find_sure, _find_similar, _find_possible):
        if find is _find_possible:
            placed = _join_values(placed, type_, known)
        for index, item in enumerate(placed):
            if item.key:
                continue
            given = given_by(placed)
            members = type_.members_for(given)
            free = [each for name, each in members.items() if name not in given]
            if find is _find_possible and index and known.may_go_on(placed[index - 1], given):
                free = _required(free)
            member = find(item.value, free, known, given)
            if member is not None:
                placed[index] = Item(member.name, item.value)
                is_unitless |= _is_number(member.type) and _UNIT.match(item.value) is None
    return Placement(placed, is_unitless) if all(item.key for item in placed) else None


def _item_of_list(type_: Object, items: list[Item]) -> Object | None:
    """The type of an item, if all arguments are one list of objects; None: they are not.

    ``xbzrle on`` is a capability and its state.
    """
    element = _element(type_)
    is_whole = element is not None and len(items) == len(element.members)
    return element if is_whole and not any(item.key for item in items) else None


def _pairs_in_list(type_: Object, items: list[Item]) -> list[Item]:
    """``xbzrle=on multifd=on``: keys that are the first of two values in each element of a list.

    :return: empty: the items are none such.
    """
    element = _element(type_)
    if element is None or len(element.members) != _PAIR:
        return []
    [name] = type_.members
    first, second = element.members.values()
    if not items or not all(item.key in words_of(first.type) for item in items):
        return []
    return [
        Item(f"{name}.{index}.{member.name}", text)
        for index, item in enumerate(items)
        for member, text in ((first, item.key), (second, item.value))
    ]


def _element(type_: Object) -> Object | None:
    """The type of the elements, if the only argument is a list of objects; None: it is not."""
    arrays = [as_array(each.type) for each in type_.members.values()]
    array = arrays[0] if len(arrays) == 1 else None
    return as_object(array.element) if array is not None else None


def _join_values(items: list[Item], type_: Object, known: KnownArguments) -> list[Item]:
    """Make one value of those that blanks separate: ``filename=/a disk.img``, ``size=1 G``."""
    given = given_by(items)
    joined: list[Item] = []
    for item in items:
        last = joined[-1] if joined else Item("", "")
        member = find_member(last.key, type_, given) if last.key and not item.key else None
        value = _join(last.value, item.value, member, known) if member is not None else ""
        if value:
            joined[-1] = Item(last.key, value)
        else:
            joined.append(item)
    return joined


def _join(first: str, second: str, member: Member, known: KnownArguments) -> str:
    """Two words as one value of an argument; empty: they are none."""
    if _is_number(member.type) and _is_of(first + second, member.type):
        return first + second
    text = f"{first.strip(_JOINED)} {second}"
    is_file = known.kind_of(member) == Kind.FILE and not set(text) & _QUOTES
    return f"{_JOINED}{text}{_JOINED}" if is_file else ""


def _find_sure(
    value: str, members: list[Member], known: KnownArguments, given: dict[str, Any]
) -> Member | None:
    """The argument of which it is a value, and hardly of another."""
    named = [
        each
        for each in members
        if value in words_of(each.type) or value in known.names_for(each, value, given)
    ]
    typed = [each for each in members if any(_is_of(value, of) for of in branches(each.type))]
    found = _required(named) or _required(typed) or named or typed[: len(typed) == 1]
    return found[0] if found else None


def _find_similar(value: str, members: list[Member], *_: object) -> Member | None:
    """The required argument that has a value like this one."""
    return next((each for each in _required(members) if nearest(value, words_of(each.type))), None)


def _find_possible(_value: str, members: list[Member], *_: object) -> Member | None:
    """The argument that takes any text, if there are not too many that do."""
    texts = [each for each in members if takes_text(each.type)]
    required = _required(texts)
    if required:
        return required[0]
    texts.sort(key=lambda each: each.name == _ID)
    is_clear = not _required(members) and len(texts) <= _MOST_TEXTS
    return texts[0] if texts and is_clear else None


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
