"""The types of a command's arguments, as this VM has them.

Most are in its schema. Those of a driver's properties and of a QOM property are not; the VM is
asked for them by name, and they are put where the schema leaves them open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..protocol import Message
from ..schema import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Alternate,
    Builtin,
    Command,
    Enum,
    EnumValue,
    Member,
    Object,
    Schema,
    Type,
)
from .answers import Catalog, LookUp, dicts
from .human import read_drivers


def _string() -> Type:
    return STRING


def _any() -> Type:
    return ANY


# The types of properties, by QOM's names for them. Names of QAPI's own types begin with a
# capital; those are enumerations, or lists and structures that have no word notation.
_SCALARS = (
    (re.compile(r"bool"), BOOLEAN),
    (re.compile(r"u?int(?:8|16|32|64)?(?:_t)?|size"), INTEGER),
    (re.compile(r"number|double|float"), NUMBER),
    (re.compile(r"str|string"), STRING),
    (re.compile(r"[A-Z]\w*(?<!List)"), Alternate("enumeration or structure", [_string, _any])),
)
# How a property's description lists its values: "on/off/auto", "Policy, report/ignore/stop".
_VALUES = re.compile(r"(?:[^/]*[(,] ?)?(?P<values>[\w.-]+(?:/[\w.-]+)+)\)?")
# A PCI address is an int32 to older QEMUs, which read 5 as slot 0, function 5 in JSON
# and as slot 5 in a string; people mean the latter.
_IS_TEXT = re.compile(r".*\bexample: [0-9]")
# A virtio or vhost driver for a bus makes a device of another type, its part, when it is asked for
# its properties. If that type is in a module that is not installed, QEMU aborts (7.2 does, without
# its virtio-gpu-gl module). The part of NAME-pci is NAME-device or NAME; that of a VGA is a GPU's.
_COMPOSED = re.compile(
    r"(?P<part>v(?:irtio|host)-.+)-(?:pci|ccw)(?:-(?:non-)?transitional)?"
    r"|v(?:irtio|host-user)-vga(?:-.+)?"
)


# What lists the types of all devices that can be made.
DEVICE_TYPES: Message = {"implements": "device", "abstract": False}


class VmTypes:
    """What a VM tells of its commands."""

    def __init__(self, catalog: Catalog, look_up: LookUp) -> None:
        """:param look_up: waits for the VM, or does not."""
        self._catalog = catalog
        self._look_up = look_up

    @property
    def schema(self) -> Schema | None:
        """The VM's schema; None: it has none, or it is not here yet."""
        return self._catalog.schema(self._look_up)

    def command(self, name: str) -> Command | None:
        """A command of the schema's."""
        return self.schema.command(name) if self.schema is not None else None

    def commands(self) -> list[str]:
        """The names of all commands; empty while they are not known."""
        return self._catalog.commands(self._look_up)

    def arguments(self, name: str, given: Message) -> Object | None:
        """The type of a command's arguments, of which some are known.

        :return: None: nothing is known of it.
        """
        command = self.command(name)
        if command is None:
            return None
        if name == "device_add":
            properties = self._properties_of_driver(given.get("driver"))
            if properties is None:
                unknown = [Member("addr", _string)] if "addr" in given else []
                return command.arguments.with_members(unknown, is_incomplete=True)
            return command.arguments.with_members(properties)
        if name == "qom-set":
            return command.arguments.with_members(self._value_of_property(given))
        return command.arguments

    def actions(self) -> Enum | None:
        """The types of action that a transaction takes."""
        action = self.schema.action() if self.schema is not None else None
        type_ = action.members[str(action.tag)].type if action is not None else None
        return type_ if isinstance(type_, Enum) else None

    def action(self, name: str) -> Object | None:
        """The type of an action's arguments; None: nothing is known of it."""
        action = self.schema.action() if self.schema is not None else None
        data = action.members_for({action.tag: name}).get("data") if action is not None else None
        type_ = data.type if data is not None else None
        return type_ if isinstance(type_, Object) else None

    def _properties_of_driver(self, driver: object) -> list[Member] | None:
        """A driver's properties; None: they are not known."""
        if not isinstance(driver, str) or not driver:
            return None
        listed = self._listed_properties(str(driver))
        if listed is None:  # it may be another name for one
            drivers = read_drivers(self._catalog.human(self._look_up, "info qdm"))
            known = next((each.name for each in drivers if each.alias == driver), None)
            if known is not None:
                listed = self._listed_properties(known)
        if listed is None:
            return None
        return [
            property_member(each)
            for each in sorted(dicts(listed), key=lambda each: str(each.get("name")))
            if not str(each.get("type")).startswith("child<")
        ]

    def _listed_properties(self, driver: str) -> Any:
        """What the VM lists, if asking for it is harmless; else None."""
        composed = _COMPOSED.fullmatch(driver)
        if composed is not None:
            part = composed["part"] or driver.replace("-vga", "-gpu", 1)
            types = self._look_up("qom-list-types", DEVICE_TYPES)
            names = {each.get("name") for each in dicts(types) if isinstance(each.get("name"), str)}
            if names.isdisjoint((part, f"{part}-device")):
                return None
        return self._look_up("device-list-properties", {"typename": driver})

    def _value_of_property(self, given: Message) -> Iterator[Member]:
        path, name = given.get("path"), given.get("property")
        if not isinstance(path, str) or not isinstance(name, str):
            return
        for each in dicts(self._look_up("qom-list", {"path": str(path)})):
            if each.get("name") == name:
                yield property_member(each)._replace(name="value", required=True)


def property_member(entry: Message) -> Member:
    """A property as ``ObjectPropertyInfo`` tells it, as a member of an object."""
    kind, description = str(entry.get("type")), str(entry.get("description", ""))
    type_ = property_type(kind, description)
    return Member(
        str(entry.get("name")),
        lambda: type_,
        default=entry.get("default-value"),
        description=description or (kind if kind.startswith("link<") else ""),
    )


def property_type(kind: str, description: str = "") -> Type:
    """The type that QOM's name for it means."""
    if kind.startswith("link<"):
        return Builtin(kind, STRING.json_type)
    found = next((type_ for pattern, type_ in _SCALARS if pattern.fullmatch(kind)), ANY)
    if found is INTEGER and _IS_TEXT.match(description):
        return STRING
    values = _VALUES.fullmatch(description)
    if (found is STRING or isinstance(found, Alternate)) and values is not None:
        return Enum(kind, map(EnumValue, values["values"].split("/")))
    return found
