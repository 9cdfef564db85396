"""Commands whose arguments the schema leaves open, and how the VM is asked for the rest.

``device_add`` takes the properties of the driver that it names, and ``qom-set`` a value of the
property's own type. The schema has neither; QOM tells both, under type names of its own. No other
module knows these commands: each is a row of :data:`OPEN_COMMANDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..protocol import Message
from .questions import DEVICE_TYPES, DRIVERS, driver_properties, object_properties

if TYPE_CHECKING:
    from ..schema import Member
    from .answers import AnswerView
    from .records import Property

# A virtio or vhost driver for a bus creates a device of another type, its part, when it is asked
# for its properties. If that type is in a module that is not installed, QEMU aborts (7.2 does so
# without its virtio-gpu-gl module). The part of NAME-pci is NAME-device or NAME, and that of a
# VGA device is a GPU's.
_COMPOSED = re.compile(
    r"(?P<part>v(?:irtio|host)-.+)-(?:pci|ccw)(?:-(?:non-)?transitional)?"
    r"|v(?:irtio|host-user)-vga(?:-.+)?"
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
    :ivar find_members: asks the VM, given the arguments that are known.
    :ivar has_dotted_names: the names of members may contain a dot.
    """

    name: str
    decided_by: frozenset[str]
    find_members: Callable[[AnswerView, Message], OpenMembers]
    has_dotted_names: bool = False


def has_dotted_names(command: str) -> bool:
    """Whether a dotted key of a command may be one name and not a path (``zoned.zasl``)."""
    return command in OPEN_COMMANDS and OPEN_COMMANDS[command].has_dotted_names


def _driver_members(answers: AnswerView, given: Message) -> OpenMembers:
    from ..schema import STRING, Member, TypeCheck
    from .property_types import property_member

    properties = _properties_of_driver(answers, given.get("driver"))
    if properties is None:
        # Whatever the driver is: a PCI slot, if there is one, is text.
        known = [Member("addr", lambda: STRING)] if "addr" in given else []
        return OpenMembers(known, is_incomplete=True)
    members = (
        property_member(each)
        for each in sorted(properties, key=lambda each: each.name)
        if not each.child_type
    )
    # QEMU before 8 took any JSON type for a property.
    return OpenMembers([each._replace(check=TypeCheck.AFTER_ERROR) for each in members])


def _properties_of_driver(answers: AnswerView, driver: object) -> list[Property] | None:
    """A driver's properties; None: they are not known."""
    if not isinstance(driver, str) or not driver:
        return None
    properties = _ask_if_harmless(answers, str(driver))
    if properties is None:  # device-list-properties does not know the aliases of drivers
        drivers = answers.get(DRIVERS) or []
        name = next((each.name for each in drivers if each.alias == driver), None)
        properties = _ask_if_harmless(answers, name) if name is not None else None
    return properties


def _ask_if_harmless(answers: AnswerView, driver: str) -> list[Property] | None:
    """What the VM lists, if asking for it cannot end the VM; otherwise None."""
    composed = _COMPOSED.fullmatch(driver)
    if composed is not None:
        part = composed["part"] or driver.replace("-vga", "-gpu", 1)
        if not {part, f"{part}-device"} & set(answers.get(DEVICE_TYPES) or ()):
            return None
    return answers.get(driver_properties(driver))


def _value_of_property(answers: AnswerView, given: Message) -> OpenMembers:
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
        ]
    )


OPEN_COMMANDS = {
    command.name: command
    for command in (
        OpenCommand("device_add", frozenset({"driver"}), _driver_members, has_dotted_names=True),
        OpenCommand("qom-set", frozenset({"path", "property"}), _value_of_property),
    )
}
