"""Parse the answer to ``query-qmp-schema`` into commands, events and types.

The answer is a flat list of entries that refer to each other by name (QAPI doc: ``SchemaInfo`` in
qapi/introspect.json; qemu-qmp-ref(7), "QMP introspection"). A type is built when it is first
looked up. The entries come from a VM, so nothing is assumed of them: an entry without a name is
ignored, and a reference to a type that does not exist is a value of any type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..messages import Message
from .types import (
    ANY,
    Alternate,
    Array,
    Builtin,
    Enum,
    EnumValue,
    Member,
    Object,
    Type,
    members_named,
)


class Command(NamedTuple):
    """A command.

    :ivar arguments: the type of its arguments; without members if it takes none.
    :ivar returns: the type of its return value.
    :ivar features: its features, such as ``deprecated`` and ``unstable``.
    :ivar out_of_band: whether it may be executed out-of-band.
    """

    name: str
    arguments: Object
    returns: Type
    features: tuple[str, ...]
    out_of_band: bool


class EventType(NamedTuple):
    """An event that the VM can emit.

    :ivar data: the type of its data; without members if it has none.
    :ivar features: its features, such as ``deprecated`` and ``unstable``.
    """

    name: str
    data: Object
    features: tuple[str, ...]


class Schema:
    """The commands, events and types of a VM."""

    def __init__(self, entries: Iterable[object]) -> None:
        """Create a schema.

        :param entries: the list that ``query-qmp-schema`` returns; anything in it is accepted.
        """
        self._entries: dict[str, Message] = {
            entry["name"]: entry
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        }
        self._types: dict[str, Type] = {}
        self._names = {
            meta_type: sorted(
                name for name, entry in self._entries.items() if entry.get("meta-type") == meta_type
            )
            for meta_type in ("command", "event")
        }

    def commands(self) -> list[str]:
        """Return the names of all commands, sorted."""
        return list(self._names["command"])

    def events(self) -> list[str]:
        """Return the names of all events, sorted."""
        return list(self._names["event"])

    def command(self, name: str) -> Command | None:
        """Return the command of a name; None if there is none."""
        entry = self._entry(name, "command")
        if entry is None:
            return None
        return Command(
            name,
            self._object(entry.get("arg-type")),
            self.type(_string(entry, "ret-type")),
            _strings(entry, "features"),
            entry.get("allow-oob") is True,
        )

    def event(self, name: str) -> EventType | None:
        """Return the event of a name; None if there is none."""
        entry = self._entry(name, "event")
        if entry is None:
            return None
        return EventType(name, self._object(entry.get("arg-type")), _strings(entry, "features"))

    def enums_at(self, command: str, path: Iterable[str]) -> list[Enum]:
        """Return the enumerations at a path in what a command takes or returns.

        :param command: the command's name.
        :param path: the names of members, each within the one before. Lists are skipped, and all
            branches of unions are searched.
        """
        found = self.command(command)
        types: list[Type] = [found.arguments, found.returns] if found is not None else []
        for name in path:
            types = [member.type for type_ in types for member in members_named(name, type_)]
        return [type_ for type_ in types if isinstance(type_, Enum)]

    def action(self) -> Object | None:
        """Return the type of the actions of a transaction; None if the VM has none.

        It is a union whose branches have a member ``data``, the action's arguments (QAPI doc:
        ``TransactionAction`` in qapi/transaction.json).
        """
        transaction = self.command("transaction")
        actions = transaction.arguments.members.get("actions") if transaction is not None else None
        list_type = actions.type if actions is not None else None
        element = list_type.element if isinstance(list_type, Array) else None
        return element if isinstance(element, Object) and element.tag is not None else None

    def has_type(self, name: str) -> bool:
        """Whether there is a type of this name: ``str``, or a number that stands for a name."""
        entry = self._entries.get(name, {})
        return entry.get("meta-type") not in ("command", "event", None)

    def type(self, name: str) -> Type:
        """Return the type of a name; :data:`ANY` if there is none."""
        if name not in self._types:
            self._types[name] = self._build(self._entries.get(name, {}), name)
        return self._types[name]

    def _entry(self, name: str, meta_type: str) -> Message | None:
        entry = self._entries.get(name)
        return entry if entry is not None and entry.get("meta-type") == meta_type else None

    def _object(self, name: object) -> Object:
        """Return the object type with a name; an empty object type if there is none."""
        found = self.type(name) if isinstance(name, str) else None
        return found if isinstance(found, Object) else Object("", ())

    def _build(self, entry: Message, name: str) -> Type:
        meta_type = entry.get("meta-type")
        if meta_type == "builtin":
            return Builtin(name, _string(entry, "json-type"))
        if meta_type == "enum":
            return Enum(name, _enum_values(entry))
        if meta_type == "array":
            return Array(name, self._finder(entry, "element-type"))
        if meta_type == "alternate":
            return Alternate(
                name, [self._finder(each, "type") for each in _dictionaries(entry, "members")]
            )
        if meta_type == "object":
            return Object(
                name,
                [self._member(each) for each in _dictionaries(entry, "members", key="name")],
                _string(entry, "tag") or None,
                {
                    each["case"]: self._finder(each, "type")
                    for each in _dictionaries(entry, "variants", key="case")
                },
            )
        return ANY

    def _member(self, entry: Message) -> Member:
        """Build a member (QAPI doc: ``SchemaInfoObjectMember``).

        An optional member is one that has a ``default``, which may be null: unknown.
        """
        return Member(
            entry["name"],
            self._finder(entry, "type"),
            "default" not in entry,
            _strings(entry, "features"),
            entry.get("default"),
        )

    def _finder(self, entry: Message, key: str) -> Callable[[], Type]:
        """Return a function that looks up the type that an entry refers to."""
        name = _string(entry, key)
        return lambda: self.type(name)


def parse_schema(text: str) -> Schema:
    """Parse a schema that was saved as JSON.

    :param text: the reply to ``query-qmp-schema``, or only the list that it returns.
    :raise ValueError: the text is not JSON, or not a schema.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    entries = content.get("return") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise ValueError("it is neither a list nor a reply that returns one")
    schema = Schema(entries)
    if not schema.commands():
        raise ValueError("it has no commands")
    return schema


def _enum_values(entry: Message) -> Iterator[EnumValue]:
    """Yield the values of an enumeration (QAPI doc: ``SchemaInfoEnum``).

    Since QEMU 6.2 they are in ``members``, with their features; before that, in ``values``.
    """
    if "members" in entry:
        for each in _dictionaries(entry, "members", key="name"):
            yield EnumValue(each["name"], _strings(each, "features"))
    else:
        yield from map(EnumValue, _strings(entry, "values"))


def _string(entry: Message, key: str) -> str:
    """Return a member of an entry if it is a string, else an empty string."""
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _strings(entry: Message, key: str) -> tuple[str, ...]:
    """Return the strings in a member of an entry that is a list."""
    value = entry.get(key)
    items = value if isinstance(value, list) else []
    return tuple(each for each in items if isinstance(each, str))


def _dictionaries(entry: Message, member: str, key: str | None = None) -> list[Message]:
    """Return the dictionaries in a member of an entry that is a list.

    :param key: only those are returned in which the value of this key is a string.
    """
    value = entry.get(member)
    items = value if isinstance(value, list) else []
    found = [each for each in items if isinstance(each, dict)]
    return [each for each in found if key is None or isinstance(each.get(key), str)]
