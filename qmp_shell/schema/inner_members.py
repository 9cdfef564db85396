"""Find members that were given in an outer object, but belong in one of its inner objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .types import Enum, Member, Object, Type, as_array, as_object, branches

# How deep a member is looked for.
_MAX_DEPTH = 4
# Most users mean this case, if a member belongs to several.
_COMMON_CASE = "file"


class InnerMember(NamedTuple):
    """A member of an object that is itself a member of another one.

    :ivar key: its dotted key.
    :ivar tags: tags that must have certain values for the member to exist: dotted keys and values.
    """

    key: str
    tags: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([*(f"{key}={value}" for key, value in self.tags), self.key])


class _InnerObject:
    """An object that is a member of another one.

    :ivar path: its dotted key, with a dot behind it.
    :ivar members: those that are known to exist.
    :ivar tag: the member that decides which others exist; empty: none, or it is given.
    :ivar cases: for each value of the tag, the members that exist then.
    """

    def __init__(self, path: str, type_: Object, given: object, *, is_needed: bool) -> None:
        """
        :param given: what is known of its value.
        :param is_needed: it has to be given, or is given already.
        """
        self.path = path
        self.members = type_.members_for(given)
        self.tag = ""
        self.cases: dict[str, dict[str, Member]] = {}
        is_given = isinstance(given, dict) and type_.tag in given
        if is_needed and type_.tag is not None and not is_given:
            self.tag = type_.tag
            branches_ = ((case, type_.branch(case)) for case in type_.cases)
            self.cases = {case: branch.members for case, branch in branches_ if branch is not None}

    def has(self, name: str, value: object) -> bool:
        """Whether a member exists, or does for some value of the tag, and may have a value."""
        return any(
            name in members and _may_be(value, members[name].type)
            for members in (self.members, *self.cases.values())
        )

    def choose_case(self, names: Iterable[str]) -> str:
        """The value of the tag with which most of the names exist; empty: several are as likely."""
        wanted = [name for name in names if name not in self.members]
        counts = {
            case: sum(name in members for name in wanted) for case, members in self.cases.items()
        }
        most = max(counts.values(), default=0)
        best = [case for case, count in counts.items() if count == most]
        if not most or (len(best) > 1 and _COMMON_CASE not in best):
            return ""
        return best[0] if len(best) == 1 else _COMMON_CASE


def _may_be(value: object, type_: Type) -> bool:
    """Whether a value fits a type. Only enumerations are checked."""
    enums = [each for each in branches(type_) if isinstance(each, Enum)]
    return not enums or not isinstance(value, str) or any(value in each.values for each in enums)


def find_inner_members(
    given: dict[str, Any], members: dict[str, Member], prefix: str = ""
) -> dict[str, InnerMember]:
    """Find unknown members in inner objects: ``filename`` of qcow2 belongs in ``file.filename``.

    In some commands, QEMUs of different age want the same members at different levels
    (``object-add props.size=1G``, ``blockdev-add options.driver=file``).

    :param given: the value of the object; what is not in ``members`` is looked for.
    :param members: those of the object.
    :param prefix: of its dotted keys; empty, or with a dot at the end.
    :return: where each of them is, if that is known.
    """
    wrong = {name: value for name, value in given.items() if name not in members}
    if not wrong:
        return {}
    objects = list(_inner_objects(members, given, prefix))
    places: dict[str, _InnerObject] = {}
    for name, value in wrong.items():
        place = next((each for each in objects if each.has(name, value)), None)
        if place is not None:
            places[name] = place
    for name, place in [*places.items()]:
        case = place.cases.get(str(wrong.get(place.tag)))
        is_told = case is not None and places.get(place.tag) is place
        if is_told and name not in {**place.members, **(case or {})}:
            del places[name]  # it exists only with another value of the tag
    return {name: _inner_member(name, places) for name in places}


def _inner_member(name: str, places: dict[str, _InnerObject]) -> InnerMember:
    """
    :param places: the object in which each name belongs; the first name of an object gets its tag.
    """
    place = places[name]
    names = [other for other, its in places.items() if its is place]
    case = place.choose_case(names) if name == names[0] and place.tag not in names else ""
    return InnerMember(place.path + name, ((place.path + place.tag, case),) if case else ())


def _inner_objects(
    members: dict[str, Member], given: object, prefix: str
) -> Iterator[_InnerObject]:
    """The objects in an object: outer ones before inner ones, and required ones first.

    An optional object that is not given is yielded, but not searched further: it would hold a
    member of almost any name. A type is yielded once, or again where a value of it is given.
    """
    seen: set[Type] = set()
    level = [(prefix, members, given)]
    for _ in range(_MAX_DEPTH):
        inner: list[tuple[str, dict[str, Member], object]] = []
        for path, outer, value in level:
            for member in sorted(outer.values(), key=lambda each: not each.required):
                own = value.get(member.name) if isinstance(value, dict) else None
                is_needed = member.required or own is not None
                type_ = as_object(member.type) if is_needed else member.type
                array = as_array(member.type) if member.required and own is None else None
                inside = f"{path}{member.name}."
                if array is not None and type_ is None:  # the first of a list of objects
                    type_, inside = as_object(array.element), f"{inside}0."
                is_known = type_ in seen and own is None
                if not isinstance(type_, Object) or is_known or not isinstance(own, dict | None):
                    continue
                seen.add(type_)
                found = _InnerObject(inside, type_, own, is_needed=is_needed)
                yield found
                if is_needed:
                    inner.append((found.path, found.members, own))
        level = inner


def find_tag(value: object, type_: Type) -> str:
    """The name of a union's tag, if a value is one of the tag's values; empty: it is not."""
    tag = type_.members.get(type_.tag or "") if isinstance(type_, Object) else None
    is_value = tag is not None and isinstance(value, str) and isinstance(tag.type, Enum)
    return tag.name if tag is not None and is_value and _may_be(value, tag.type) else ""
