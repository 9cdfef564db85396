"""Types in words: short ones for a signature, longer ones for a hint or a help page."""

from __future__ import annotations

import json
from typing import NamedTuple

from .model import Alternate, Array, Builtin, Command, Enum, Member, Object, Type

_SHORT = {"string": "str", "int": "int", "number": "number", "boolean": "bool", "null": "null"}
_LONG = {
    "string": "a string",
    "int": "an integer (as 10, 0x10 or 4G)",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "value": "any value",
}
# What of an enumeration still fits a signature.
_ENUM_CHARACTERS = 24
# How far types are spelt out; a VM may say that one is a list of itself.
_DEEPEST = 4


def format_type(type_: Type, depth: int = 0) -> str:
    """A type in a few characters: ``int``, ``on|off|auto``, ``[str]``, ``{...}``."""
    if depth > _DEEPEST:
        return "..."
    if isinstance(type_, Builtin):
        return _SHORT.get(type_.json_type, "any")
    if isinstance(type_, Enum):
        every = "|".join(type_.values)
        return every if len(every) <= _ENUM_CHARACTERS else "enum"
    if isinstance(type_, Array):
        return f"[{format_type(type_.element, depth + 1)}]"
    if isinstance(type_, Alternate):
        return "|".join(format_type(branch, depth + 1) for branch in type_.branches)
    return "{...}"


def describe_type(type_: Type, depth: int = 0) -> str:
    """A type as a sentence has it: ``an integer``, ``one of on, off, auto``."""
    if depth > _DEEPEST:
        return "..."
    if isinstance(type_, Builtin):
        return _LONG.get(type_.json_type, "any value")
    if isinstance(type_, Enum):
        return "one of " + ", ".join(type_.values)
    if isinstance(type_, Array):
        return f"a list, each item {describe_type(type_.element, depth + 1)}"
    if isinstance(type_, Alternate):
        return ", or ".join(describe_type(branch, depth + 1) for branch in type_.branches)
    return "an object"


class Part(NamedTuple):
    """One argument in a signature: ``driver=str``, or ``[id=str]`` if it is optional."""

    name: str
    text: str


def format_signature(fields: dict[str, Member]) -> list[Part]:
    """The arguments as a synopsis has them, the required ones first."""
    parts = []
    for member in required_first(fields):
        text = f"{member.name}={format_type(member.type)}"
        parts.append(Part(member.name, text if member.required else f"[{text}]"))
    return parts


def format_arguments(command: Command) -> str:
    """A command's arguments in a line."""
    return " ".join(part.text for part in format_signature(command.arguments.members))


def required_first(fields: dict[str, Member]) -> list[Member]:
    """Members in the order they are shown: required ones first, else as the VM has them."""
    return sorted(fields.values(), key=lambda member: not member.required)


def describe_member(member: Member, type_: Type) -> str:
    """What a member is, in a line: type, required or not, default, features, the VM's words.

    :param type_: its type, or the part of it that is meant.
    """
    return describe_member_type(member, format_type(type_)) + (
        f": {member.about}" if member.about else ""
    )


def describe_member_type(member: Member, type_text: str) -> str:
    """The same without the VM's words, and with its type as ``type_text`` has it."""
    facts = [type_text, "required" if member.required else "optional"]
    if member.default is not None:
        facts.append(f"default {format_value(member.default)}")
    return ", ".join([*facts, *member.features])


def format_value(value: object) -> str:
    """A value as one would type it."""
    return value if isinstance(value, str) and value else json.dumps(value)


def kind_of_type(type_: Type) -> str:
    """The name of what a type is, as QEMU's manual has it."""
    if isinstance(type_, Object):
        return "Union" if type_.tag is not None else "Object"
    return type(type_).__name__
