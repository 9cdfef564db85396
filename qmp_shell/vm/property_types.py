"""QOM's names for the types of properties, as types of the schema."""

from __future__ import annotations

import re

from ..schema import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Alternate,
    Builtin,
    Enum,
    EnumValue,
    Member,
    Type,
)
from .records import Property

# Names of QAPI's own types begin with a capital letter; those are enumerations, or lists and
# structures that cannot be written as one word.
_TYPES = (
    (re.compile(r"bool"), BOOLEAN),
    (re.compile(r"u?int(?:8|16|32|64)?(?:_t)?|size"), INTEGER),
    (re.compile(r"number|double|float"), NUMBER),
    (re.compile(r"str|string"), STRING),
    (
        re.compile(r"[A-Z]\w*(?<!List)"),
        Alternate("enumeration or structure", [lambda: STRING, lambda: ANY]),
    ),
)
# How a property's description lists its values: "on/off/auto", "Policy, report/ignore/stop".
_WORD = re.compile(r"[\w.-]+")
# A PCI address is an int32 to QEMU before 10, which reads 5 as slot 0, function 5 in JSON
# and as slot 5 in a string; people mean the latter. An address in memory is a uint64.
_PCI_ADDRESS = ("addr", "int32")


def property_member(entry: Property) -> Member:
    """A property as a member of an object."""
    is_slot = (entry.name, entry.type) == _PCI_ADDRESS
    type_ = STRING if is_slot else property_type(entry.type, entry.description)
    link = entry.type if entry.type.startswith("link<") else ""
    return Member(
        entry.name,
        lambda: type_,
        default=entry.default,
        description=entry.description or link,
    )


def property_type(name: str, description: str = "") -> Type:
    """The type that QOM's name for it means.

    :param description: of the property; it may list the values.
    """
    if name.startswith("link<"):
        return Builtin(name, STRING.json_type)
    found = next((type_ for pattern, type_ in _TYPES if pattern.fullmatch(name)), ANY)
    values = _listed_values(description)
    if (found is STRING or isinstance(found, Alternate)) and values:
        return Enum(name, map(EnumValue, values))
    return found


def _listed_values(description: str) -> list[str]:
    """The values that a description ends in, separated by slashes; none if there are no such."""
    text = description.removesuffix(")")
    start = max(text.rfind("("), text.rfind(",")) + 1
    values = text[start:].strip(" ").split("/")
    is_list = len(values) > 1 and all(_WORD.fullmatch(value) for value in values)
    return values if is_list and "/" not in text[:start] else []
