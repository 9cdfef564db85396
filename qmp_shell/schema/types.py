"""The types of arguments: scalars, enumerations, lists, alternates, objects and unions.

A type may contain itself, so types refer to each other through functions that are called when
the other type is needed. This module does not know where a type comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum as PythonEnum
from enum import auto
from typing import NamedTuple

# How many levels of nested lists are followed. A VM may send a list whose element is itself.
MAX_LIST_DEPTH = 4
# So many JSON types there are, by which the branches of an alternate can be told apart.
_MAX_BRANCHES = 7
# How many unions may be nested in each other's branches; QEMU nests two.
_MAX_UNION_DEPTH = 16


class Type:
    """The base class of all types.

    :ivar name: the name in the schema. QEMU replaces the names of all types that are not built
        in by numbers (QAPI doc: ``SchemaInfo`` in qapi/introspect.json).
    """

    def __init__(self, name: str) -> None:
        self.name = name


class Builtin(Type):
    """A scalar type, or the type of any value.

    :ivar json_type: ``string``, ``int``, ``number``, ``boolean``, ``null`` or ``value``, which is
        any value (QAPI doc: ``JSONType`` in qapi/introspect.json).
    """

    def __init__(self, name: str, json_type: str) -> None:
        super().__init__(name)
        self.json_type = json_type

    @property
    def is_any(self) -> bool:
        """Whether it is the type of any value."""
        return self.json_type == "value"


ANY = Builtin("any", "value")
STRING = Builtin("str", "string")
INTEGER = Builtin("int", "int")
NUMBER = Builtin("number", "number")
BOOLEAN = Builtin("bool", "boolean")


class EnumValue(NamedTuple):
    """A value of an enumeration.

    :ivar name: the string that is sent.
    :ivar features: its features, such as ``deprecated`` and ``unstable``.
    """

    name: str
    features: tuple[str, ...] = ()


class Enum(Type):
    """An enumeration: one of several strings.

    :ivar values: its values, by name, in the order of the schema.
    """

    def __init__(self, name: str, values: Iterable[EnumValue]) -> None:
        super().__init__(name)
        self.values = {value.name: value for value in values}


class Array(Type):
    """A list whose elements are all of one type."""

    def __init__(self, name: str, find_element: Callable[[], Type]) -> None:
        """Create a list type.

        :param find_element: returns the type of the elements.
        """
        super().__init__(name)
        self._find_element = find_element

    @property
    def element(self) -> Type:
        """The type of the elements."""
        return self._find_element()


class Alternate(Type):
    """A value of one of several types, which the JSON type of the value tells apart."""

    def __init__(self, name: str, find_branches: list[Callable[[], Type]]) -> None:
        """Create an alternate type.

        :param find_branches: each returns one of the types.
        """
        super().__init__(name)
        self._find_branches = find_branches

    @property
    def branches(self) -> list[Type]:
        """The types that a value may be of.

        QAPI does not allow an alternate in an alternate, nor two lists; here these would let a
        VM send a type that takes exponential time to describe.
        """
        found: list[Type] = []
        for find in self._find_branches:
            branch = find()
            is_second_list = isinstance(branch, Array) and any(
                isinstance(each, Array) for each in found
            )
            if not isinstance(branch, Alternate) and not is_second_list:
                found.append(branch)
            if len(found) == _MAX_BRANCHES:
                break
        return found or [ANY]


class UnknownValue(str):
    """Stands for a value that is not known, as in a dry run; it is of each type."""

    __slots__ = ()


class TypeCheck(PythonEnum):
    """When a value that is not of its member's type is worth a message."""

    ALWAYS = auto()
    AFTER_ERROR = auto()  # some QEMUs accept it, so it explains an error but predicts none
    NEVER = auto()  # the type is not exact


class Member(NamedTuple):
    """A member of an object.

    :ivar find_type: returns its type.
    :ivar required: whether it must be given.
    :ivar features: its features, such as ``deprecated`` and ``unstable``.
    :ivar default: the value it has if it is not given; None if that is not known.
    :ivar description: the VM's own description of it; empty if there is none.
    :ivar check: when values are compared with the type.
    """

    name: str
    find_type: Callable[[], Type]
    required: bool = False
    features: tuple[str, ...] = ()
    default: object = None
    description: str = ""
    check: TypeCheck = TypeCheck.ALWAYS

    @property
    def type(self) -> Type:
        """Its type."""
        return self.find_type()


class Object(Type):
    """An object or a union: members, some of which may depend on the value of a tag member.

    Methods that have a parameter ``given`` need the members of a value of this type that are
    known so far, in order to choose the union's branch. It may be anything; what is not a
    dictionary has no members.

    :ivar members: the members that do not depend on the tag, by name.
    :ivar tag: the name of the member whose value chooses a branch; None if this is not a union.
    :ivar is_incomplete: whether the object may have members that are not known here.
    :ivar decided_by: members, besides the tag, whose values decide what other members there are.
    """

    is_incomplete = False
    decided_by: frozenset[str] = frozenset()

    def __init__(
        self,
        name: str,
        members: Iterable[Member],
        tag: str | None = None,
        find_branches: Mapping[str, Callable[[], Type]] | None = None,
    ) -> None:
        """Create an object type.

        :param tag: the name of the tag; ignored if there is no such member.
        :param find_branches: for each value of the tag that adds members, a function that returns
            the object type with these members.
        """
        super().__init__(name)
        self.members = {member.name: member for member in members}
        self.tag = tag if tag in self.members else None
        self._find_branches = find_branches or {}

    @property
    def cases(self) -> Iterable[str]:
        """The values of the tag that add members."""
        return self._find_branches

    def branch(self, case: object) -> Object | None:
        """Return the type with the members that a value of the tag adds; None if it adds none."""
        find = self._find_branches.get(case) if isinstance(case, str) else None
        found = find() if find is not None else None
        return found if isinstance(found, Object) else None

    def active_branches(self, given: object) -> Iterator[Object]:
        """Yield this object, the branch that its tag chooses, the branch in that one, and so on."""
        seen: list[Object] = []
        current: Object | None = self
        while current is not None and current not in seen and len(seen) < _MAX_UNION_DEPTH:
            yield current
            seen.append(current)
            current = current.branch(given.get(current.tag)) if isinstance(given, dict) else None

    def members_for(self, given: object) -> dict[str, Member]:
        """Return all members that a value can have, those of the active branches included."""
        return {
            name: member
            for each in self.active_branches(given)
            for name, member in each.members.items()
        }

    def is_open(self, given: object) -> bool:
        """Whether a value may have more members than :meth:`members_for` returns.

        That is so if a tag has no valid value yet, or if an active branch is incomplete.
        """
        return any(
            each.is_incomplete or each._lacks_tag(given) for each in self.active_branches(given)
        )

    def _lacks_tag(self, given: object) -> bool:
        """Whether this is a union whose tag has no valid value."""
        if self.tag is None or not isinstance(given, dict):
            return False
        type_ = self.members[self.tag].type
        value = given.get(self.tag)
        return not (isinstance(type_, Enum) and isinstance(value, str) and value in type_.values)

    def is_tag(self, name: str, given: object) -> bool:
        """Whether the value of a member decides what other members there are."""
        return name in self.decided_by or any(
            each.tag == name for each in self.active_branches(given)
        )

    def with_members(
        self,
        members: Iterable[Member],
        *,
        is_incomplete: bool = False,
        decided_by: frozenset[str] = frozenset(),
    ) -> Object:
        """Return a copy with more members, which replace existing ones of the same names.

        :param is_incomplete: whether the copy may have members that are not known.
        :param decided_by: the members whose values decided which members these are.
        """
        copy = Object(
            self.name,
            (self.members | {member.name: member for member in members}).values(),
            self.tag,
            self._find_branches,
        )
        copy.is_incomplete = is_incomplete
        copy.decided_by = decided_by
        return copy


def branches(type_: Type | None) -> list[Type]:
    """Return the types that a value may be of: those of an alternate, or the type itself."""
    if type_ is None:
        return []
    return type_.branches if isinstance(type_, Alternate) else [type_]


def as_object(type_: Type | None) -> Object | None:
    """Return the type, or a branch of the alternate, that is an object; None if there is none."""
    return next((each for each in branches(type_) if isinstance(each, Object)), None)


def as_array(type_: Type | None) -> Array | None:
    """Return the type, or a branch of the alternate, that is a list; None if there is none."""
    return next((each for each in branches(type_) if isinstance(each, Array)), None)


def innermost_element(type_: Type) -> Type:
    """Return the type of the elements of a list of lists of any depth; else the type itself."""
    for _ in range(MAX_LIST_DEPTH):
        if not isinstance(type_, Array):
            break
        type_ = type_.element
    return type_


def members_named(name: str, type_: Type) -> Iterator[Member]:
    """Yield all members of a name: of an object and its branches, or of a list's elements."""
    type_ = innermost_element(type_)
    if isinstance(type_, Object):
        if name in type_.members:
            yield type_.members[name]
        for case in type_.cases:
            branch = type_.branch(case)
            if branch is not None and name in branch.members:
                yield branch.members[name]
