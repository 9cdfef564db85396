"""Commands whose arguments the schema leaves open, and how the VM is asked for the rest.

``device_add`` takes the properties of the driver that it names, and ``qom-set`` a value of the
property's own type. The schema has neither; QOM tells both, under type names of its own. Old
schemas leave more open, or lack such a command. No other module knows these commands: each is a
row of :data:`OPEN_COMMANDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..messages import Message
from .questions import DEVICE_TYPES, DRIVERS, SCHEMA, driver_properties, object_properties

if TYPE_CHECKING:
    from ..schema import Member, Object
    from .answers import AnswerView
    from .records import Property

# QEMU creates a device to list the properties of its driver. A virtio or vhost driver for a bus
# creates a device of another type within it, its part. If that type is in a module that is not
# installed, QEMU aborts (7.2 does so without its virtio-gpu-gl module). The part of NAME-pci is
# NAME-device or NAME, and that of a VGA device is a GPU's.
_COMPOSED = re.compile(
    r"(?P<part>v(?:irtio|host)-.+)-(?:pci|ccw)(?:-(?:non-)?transitional)?"
    r"|v(?:irtio|host-user)-vga(?:-.+)?"
)
# The drivers whose "addr" is an address in the guest's memory (of all that QEMU 7.2 and 11.1 list
# for x86); that of others is a PCI slot.
MEMORY_DRIVERS = frozenset(
    ("guest-loader", "hv-balloon", "loader", "nvdimm", "pc-dimm", "sgx-epc", "sp-mem")
)


class OpenMembers(NamedTuple):
    """Members that the VM adds to a command's arguments.

    :ivar is_incomplete: there may be more, which the VM did not tell (yet).
    """

    members: list[Member]
    is_incomplete: bool = False


class OpenCommand(NamedTuple):
    """A command that takes more than its schema says.

    :ivar name: the command.
    :ivar decided_by: its arguments whose values decide what else it takes.
    :ivar find_members: asks the VM, given the arguments that are known, and those that the schema
        has.
    :ivar required: strings that it takes in each QEMU, and that have to be given.
    :ivar optional: more strings that it takes in each QEMU.
    :ivar has_dotted_names: the names of members may contain a dot.
    """

    name: str
    decided_by: frozenset[str]
    find_members: Callable[[AnswerView, Message, Object], OpenMembers]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    has_dotted_names: bool = False

    def own_arguments(self) -> Object:
        """What it takes in each QEMU, for one whose schema lacks the command."""
        from ..schema import STRING, Member, Object

        names = (*self.required, *self.optional)
        members = (Member(name, lambda: STRING, name in self.required) for name in names)
        return Object(self.name, members)


def has_dotted_names(command: str) -> bool:
    """Whether a dotted key of a command may be one name and not a path (``zoned.zasl``)."""
    return command in OPEN_COMMANDS and OPEN_COMMANDS[command].has_dotted_names


def _driver_members(answers: AnswerView, given: Message, _: Object) -> OpenMembers:
    from ..schema import INTEGER, STRING, Member, TypeCheck
    from .property_types import property_member

    driver = given.get("driver")
    properties = _properties_of_driver(answers, driver)
    if properties is None:
        is_memory = isinstance(driver, str) and driver in MEMORY_DRIVERS
        type_ = INTEGER if is_memory else STRING
        known = [Member("addr", lambda: type_)] if "addr" in given else []
    else:
        listed = sorted(properties, key=lambda each: each.name)
        known = [property_member(each) for each in listed if not each.child_type]
    # QEMU before 8 took any JSON type for a property.
    members = [each._replace(check=TypeCheck.AFTER_ERROR) for each in known]
    return OpenMembers(members, is_incomplete=properties is None)


def _properties_of_driver(answers: AnswerView, driver: object) -> list[Property] | None:
    """A driver's properties; None: they are not known, or to ask for them might end the VM.

    Only drivers that the VM lists are asked for, and only if it lists their parts too.
    """
    types = answers.get(DEVICE_TYPES) if isinstance(driver, str) and driver else None
    if not types:
        return None
    name = str(driver)
    if name not in types:  # device-list-properties does not know the aliases of drivers
        drivers = answers.get(DRIVERS) or []
        name = next((each.name for each in drivers if each.alias == name), "")
    if name not in types or not _has_parts(name, types):
        return None
    return answers.get(driver_properties(name))


def _has_parts(driver: str, types: list[str]) -> bool:
    """Whether the types of device that a driver creates are among those that the VM lists."""
    composed = _COMPOSED.fullmatch(driver)
    if composed is None:
        return True
    part = composed["part"] or driver.replace("-vga", "-gpu", 1)
    return part in types or f"{part}-device" in types


def _value_of_property(answers: AnswerView, given: Message, listed: Object) -> OpenMembers:
    from ..schema import TypeCheck
    from .property_types import property_member

    path, name = given.get("path"), given.get("property")
    properties: list[Property] = []
    if isinstance(path, str) and isinstance(name, str):
        properties = answers.get(object_properties(str(path))) or []
    # QOM has the same name for a type and for a list of it, so a value is never refused for it.
    return OpenMembers(
        [
            property_member(each)._replace(name="value", required=True, check=TypeCheck.NEVER)
            for each in properties
            if each.name == name
        ],
        is_incomplete="value" not in listed.members,
    )


def _backend_members(_: AnswerView, _given: Message, listed: Object) -> OpenMembers:
    # It is a union since QEMU 5.0. Before that, the schema has not what the types of backend take.
    return OpenMembers([], is_incomplete=listed.tag is None)


def _object_members(answers: AnswerView, _given: Message, listed: Object) -> OpenMembers:
    # QEMU takes the properties of the new object in "props" up to 5.2, and since 5.0 at the top;
    # the schema has them since 6.0. From 5.0 to 5.2, when either will do, netdev_add is a union.
    schema = answers.get(SCHEMA)
    backend = schema.command("netdev_add") if schema is not None else None
    is_both = "props" in listed.members and backend is not None and backend.arguments.tag
    return OpenMembers([], is_incomplete=schema is None or bool(is_both))


OPEN_COMMANDS = {
    command.name: command
    for command in (
        OpenCommand(
            "device_add",
            frozenset({"driver"}),
            _driver_members,
            ("driver",),
            ("bus", "id"),
            has_dotted_names=True,
        ),
        OpenCommand(
            "qom-set", frozenset({"path", "property"}), _value_of_property, ("path", "property")
        ),
        OpenCommand("netdev_add", frozenset(), _backend_members, ("type", "id")),
        OpenCommand("object-add", frozenset(), _object_members, ("qom-type", "id")),
    )
}
