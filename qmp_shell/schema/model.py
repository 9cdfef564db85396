"""Commands, events and types, each built when it is first asked for.

The shapes are those of ``SchemaInfo`` (qemu-qmp-ref(7), "QMP introspection"): a flat list of
entries that name each other. What a VM gets wrong in it becomes a value of any type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..protocol import Message

# How deep lists are looked into; a VM may say that one is a list of itself.
_DEEPEST = 4


class Type:
    """What an argument may be.

    :ivar name: as the schema has it; a number where QEMU hides the name.
    """

    def __init__(self, name: str) -> None:
        self.name = name


class Builtin(Type):
    """A type without parts.

    :ivar json_type: ``string``, ``int``, ``number``, ``boolean``, ``null`` or ``value`` (any).
    """

    def __init__(self, name: str, json_type: str) -> None:
        super().__init__(name)
        self.json_type = json_type


ANY = Builtin("any", "value")
STRING = Builtin("str", "string")
INTEGER = Builtin("int", "int")
NUMBER = Builtin("number", "number")
BOOLEAN = Builtin("bool", "boolean")


class EnumValue(NamedTuple):
    """One value of an enumeration."""

    name: str
    features: tuple[str, ...] = ()


class Enum(Type):
    """One of several words."""

    def __init__(self, name: str, values: Iterable[EnumValue]) -> None:
        super().__init__(name)
        self.values = {value.name: value for value in values}


class Array(Type):
    """A list."""

    def __init__(self, name: str, find_element: Callable[[], Type]) -> None:
        super().__init__(name)
        self._find_element = find_element

    @property
    def element(self) -> Type:
        """The type of each item."""
        return self._find_element()


class Alternate(Type):
    """A value of one of several types, told apart by its JSON type."""

    def __init__(self, name: str, find_branches: list[Callable[[], Type]]) -> None:
        super().__init__(name)
        self._find_branches = find_branches

    @property
    def branches(self) -> list[Type]:
        return [find() for find in self._find_branches]


class Member(NamedTuple):
    """One member of an object.

    :ivar features: ``deprecated``, ``unstable`` and others.
    :ivar default: what it is when it is not given, as far as the VM tells; else None.
    :ivar about: what the VM itself says of it.
    """

    name: str
    find_type: Callable[[], Type]
    required: bool = False
    features: tuple[str, ...] = ()
    default: object = None
    about: str = ""

    @property
    def type(self) -> Type:
        return self.find_type()


class Object(Type):
    """An object: its members, and for a union those that a tag's value adds.

    :ivar members: those that are always there, by name.
    :ivar tag: the name of the member whose value chooses a branch; None: no union.
    :ivar is_incomplete: it may have members that are not known.
    """

    is_incomplete = False

    def __init__(
        self,
        name: str,
        members: Iterable[Member],
        tag: str | None = None,
        find_branches: Mapping[str, Callable[[], Type]] | None = None,
    ) -> None:
        super().__init__(name)
        self.members = {member.name: member for member in members}
        self.tag = tag if tag in self.members else None
        self._find_branches = find_branches or {}

    @property
    def cases(self) -> Iterable[str]:
        """The tag's values that add members."""
        return self._find_branches

    def branch(self, case: object) -> Object | None:
        """What the tag's value ``case`` adds."""
        find = self._find_branches.get(case) if isinstance(case, str) else None
        found = find() if find is not None else None
        return found if isinstance(found, Object) else None

    def chain(self, given: object) -> Iterator[Object]:
        """This object and the branches that the tags' values choose, one within the other."""
        seen: list[Object] = []
        current: Object | None = self
        while current is not None and current not in seen:
            yield current
            seen.append(current)
            current = current.branch(given.get(current.tag)) if isinstance(given, dict) else None

    def fields(self, given: object) -> dict[str, Member]:
        """The members of an object of which ``given`` is known."""
        return {name: m for each in self.chain(given) for name, m in each.members.items()}

    def is_open(self, given: object) -> bool:
        """Whether there may be more members: a tag has no value yet, or none that there is."""
        return any(each.is_incomplete or each._lacks_tag(given) for each in self.chain(given))

    def _lacks_tag(self, given: object) -> bool:
        if self.tag is None or not isinstance(given, dict):
            return False
        type_ = self.members[self.tag].type
        return not isinstance(type_, Enum) or given.get(self.tag) not in type_.values

    def has_tag(self, name: str, given: object) -> bool:
        """Whether the value of a member adds members."""
        return any(each.tag == name for each in self.chain(given))

    def extended(self, members: Iterable[Member], *, is_incomplete: bool = False) -> Object:
        """The same with more members, or with others in the place of its own."""
        found = Object(
            self.name,
            (self.members | {member.name: member for member in members}).values(),
            self.tag,
            self._find_branches,
        )
        found.is_incomplete = is_incomplete
        return found


def as_object(type_: Type | None) -> Object | None:
    """A type's object: itself, or that branch of an alternate."""
    for each in branches(type_):
        if isinstance(each, Object):
            return each
    return None


def as_array(type_: Type | None) -> Array | None:
    """A type's list: itself, or that branch of an alternate."""
    for each in branches(type_):
        if isinstance(each, Array):
            return each
    return None


def branches(type_: Type | None) -> list[Type]:
    """The types that a value may be of: one, or an alternate's."""
    if type_ is None:
        return []
    return type_.branches if isinstance(type_, Alternate) else [type_]


class Command(NamedTuple):
    """A command.

    :ivar features: ``deprecated``, ``unstable`` and others.
    :ivar out_of_band: it may be executed out-of-band.
    """

    name: str
    arguments: Object
    returns: Type
    features: tuple[str, ...]
    out_of_band: bool


class EventType(NamedTuple):
    """An event that the VM can send."""

    name: str
    data: Object
    features: tuple[str, ...]


class Schema:
    """All that ``query-qmp-schema`` returned."""

    def __init__(self, entries: Iterable[object]) -> None:
        """:param entries: the list that the command returns."""
        self._entries: dict[str, Message] = {
            str(entry.get("name")): entry for entry in entries if isinstance(entry, dict)
        }
        self._types: dict[str, Type] = {}

    def commands(self) -> list[str]:
        """The names of all commands, sorted."""
        return self._names("command")

    def events(self) -> list[str]:
        """The names of all events, sorted."""
        return self._names("event")

    def _names(self, kind: str) -> list[str]:
        return sorted(
            name for name, entry in self._entries.items() if entry.get("meta-type") == kind
        )

    def command(self, name: str) -> Command | None:
        """A command; None: there is none of this name."""
        entry = self._entry(name, "command")
        return entry and Command(
            name,
            self._object(entry.get("arg-type")),
            self.type(str(entry.get("ret-type"))),
            _features(entry),
            entry.get("allow-oob") is True,
        )

    def event(self, name: str) -> EventType | None:
        """An event; None: there is none of this name."""
        entry = self._entry(name, "event")
        return entry and EventType(name, self._object(entry.get("arg-type")), _features(entry))

    def enums_at(self, command: str, path: Iterable[str]) -> list[Enum]:
        """The enumerations of a member of what a command takes or returns, in any branch."""
        found = self.command(command)
        types: list[Type] = [found.arguments, found.returns] if found is not None else []
        for name in path:
            types = [member.type for type_ in types for member in _members_named(name, type_)]
        return [type_ for type_ in types if isinstance(type_, Enum)]

    def action(self) -> Object | None:
        """What one action of a transaction is: a union, with its arguments in ``data``."""
        transaction = self.command("transaction")
        actions = transaction and transaction.arguments.members.get("actions")
        of_list = actions.type if actions is not None else None
        element = of_list.element if isinstance(of_list, Array) else None
        return element if isinstance(element, Object) and element.tag is not None else None

    def has_type(self, name: str) -> bool:
        """Whether a type has this name: ``str``, or a number."""
        entry = self._entries.get(name, {})
        return entry.get("meta-type") not in ("command", "event", None)

    def type(self, name: str) -> Type:
        """A type. One that is not there is of any type."""
        if name not in self._types:
            self._types[name] = self._build(self._entries.get(name, {}), name)
        return self._types[name]

    def _entry(self, name: str, kind: str) -> Any:
        entry = self._entries.get(name)
        return entry if entry is not None and entry.get("meta-type") == kind else None

    def _object(self, name: object) -> Object:
        found = self.type(str(name))
        return found if isinstance(found, Object) else Object("", ())

    def _build(self, entry: Message, name: str) -> Type:
        kind = entry.get("meta-type")
        if kind == "builtin":
            return Builtin(name, str(entry.get("json-type")))
        if kind == "enum":
            return Enum(name, _values(entry))
        if kind == "array":
            return Array(name, self._finder(entry.get("element-type")))
        if kind == "alternate":
            return Alternate(
                name, [self._finder(each.get("type")) for each in _dicts(entry, "members")]
            )
        if kind == "object":
            return Object(
                name,
                [self._member(each) for each in _dicts(entry, "members")],
                str(entry.get("tag")),
                {
                    str(each.get("case")): self._finder(each.get("type"))
                    for each in _dicts(entry, "variants")
                },
            )
        return ANY

    def _member(self, entry: Message) -> Member:
        # "default" is there for optional members; null says that it is not told.
        return Member(
            str(entry.get("name")),
            self._finder(entry.get("type")),
            "default" not in entry,
            _features(entry),
            entry.get("default"),
        )

    def _finder(self, name: object) -> Callable[[], Type]:
        return lambda: self.type(str(name))


def innermost_element(type_: Type) -> Type:
    """What is in a list, and in the lists in it."""
    for _ in range(_DEEPEST):
        if not isinstance(type_, Array):
            break
        type_ = type_.element
    return type_


def _members_named(name: str, type_: Type) -> Iterator[Member]:
    """An object's members of a name, in its branches too; of a list, its items'."""
    type_ = innermost_element(type_)
    if isinstance(type_, Object):
        if name in type_.members:
            yield type_.members[name]
        for case in type_.cases:
            branch = type_.branch(case)
            if branch is not None and name in branch.members:
                yield branch.members[name]


def _values(entry: Message) -> Iterator[EnumValue]:
    """Newer QEMUs tell ``members``, which may have features; all tell ``values``."""
    if "members" in entry:
        for each in _dicts(entry, "members"):
            yield EnumValue(str(each.get("name")), _features(each))
    else:
        values = entry.get("values")
        for value in values if isinstance(values, list) else []:
            yield EnumValue(str(value))


def _features(entry: Message) -> tuple[str, ...]:
    features = entry.get("features")
    return tuple(str(each) for each in features) if isinstance(features, list) else ()


def _dicts(entry: Message, key: str) -> list[Message]:
    value = entry.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
