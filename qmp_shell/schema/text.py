"""Describe types in text: short forms for a signature, longer ones for hints and help pages.

This module does not know where the text is displayed, nor how wide that is.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from .introspection import Command
from .types import Alternate, Array, Builtin, Enum, Member, Object, Type

_SHORT = {"string": "str", "int": "int", "number": "number", "boolean": "bool", "null": "null"}
_LONG = {
    "string": "a string",
    "int": "an integer (as 10, 0x10 or 4G)",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "value": "any value",
}
# The values of an enumeration are listed in a signature if they take at most this many characters.
_MAX_ENUM_CHARACTERS = 24
# In a sentence, this many values are named if there are more than _MAX_NAMED. (Keys: 150.)
_MAX_NAMED, _FIRST_NAMED = 20, 8
# How many levels of nested types are described. A VM may send a list whose element is itself.
_MAX_DEPTH = 4


def format_type(type_: Type, depth: int = 0) -> str:
    """Format a type for a signature: ``int``, ``on|off|auto``, ``[str]``, ``{...}``.

    :param depth: how many types this one is nested in.
    """
    if depth > _MAX_DEPTH:
        return "..."
    if isinstance(type_, Builtin):
        return _SHORT.get(type_.json_type, "any")
    if isinstance(type_, Enum):
        values = "|".join(type_.values)
        return values if len(values) <= _MAX_ENUM_CHARACTERS else "enum"
    if isinstance(type_, Array):
        return f"[{format_type(type_.element, depth + 1)}]"
    if isinstance(type_, Alternate):
        return "|".join(format_type(branch, depth + 1) for branch in type_.branches)
    return "{...}"


def describe_type(type_: Type, depth: int = 0) -> str:
    """Describe a type for a sentence: ``an integer``, ``one of on, off, auto``.

    :param depth: how many types this one is nested in.
    """
    if depth > _MAX_DEPTH:
        return "..."
    if isinstance(type_, Builtin):
        return _LONG.get(type_.json_type, "any value")
    if isinstance(type_, Enum):
        names = list(type_.values)
        if len(names) > _MAX_NAMED:
            names = [*names[:_FIRST_NAMED], "..."]
        return "one of " + ", ".join(names)
    if isinstance(type_, Array):
        return f"a list, each item {describe_type(type_.element, depth + 1)}"
    if isinstance(type_, Alternate):
        return ", or ".join(describe_type(branch, depth + 1) for branch in type_.branches)
    return "an object"


class Part(NamedTuple):
    """An argument in a signature.

    :ivar name: the argument's name.
    :ivar text: ``driver=str``, or ``[id=str]`` if it is optional.
    """

    name: str
    text: str


def format_signature(members: dict[str, Member]) -> list[Part]:
    """Format arguments as in the synopsis of a manual page, the required ones first."""
    parts = []
    for member in required_first(members):
        text = f"{member.name}={format_type(member.type)}"
        parts.append(Part(member.name, text if member.required else f"[{text}]"))
    return parts


def format_arguments(command: Command) -> str:
    """Format the arguments of a command on one line."""
    return " ".join(part.text for part in format_signature(command.arguments.members))


def required_first(members: dict[str, Member]) -> list[Member]:
    """Return the required members, then the optional ones, both in the order of the schema."""
    return sorted(members.values(), key=lambda member: not member.required)


def describe_member(member: Member, type_: Type) -> str:
    """Describe a member on one line: what :func:`describe_member_type` says, and its description.

    :param type_: the member's type, or the branch of it that is meant.
    """
    text = describe_member_type(member, format_type(type_))
    return f"{text}: {member.description}" if member.description else text


def describe_member_type(member: Member, type_text: str) -> str:
    """Describe a member on one line: type, whether it is required, default value and features.

    :param type_text: the text for its type.
    """
    facts = [type_text, "required" if member.required else "optional"]
    if member.default is not None:
        facts.append(f"default {format_value(member.default)}")
    return ", ".join([*facts, *member.features])


def format_value(value: object) -> str:
    """Format a value as it may be typed in a command: a string as it is, others as JSON."""
    return value if isinstance(value, str) and value else json.dumps(value)


def kind_of_type(type_: Type) -> str:
    """Return the kind of a type, with the name that qemu-qmp-ref(7) uses: ``Object``, ``Enum``."""
    if isinstance(type_, Object):
        return "Union" if type_.tag is not None else "Object"
    return type(type_).__name__
