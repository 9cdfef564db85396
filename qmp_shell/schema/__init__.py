"""The VM's own types, as ``query-qmp-schema`` tells them. Pure: no socket, no VM."""

from __future__ import annotations

from .model import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Alternate,
    Array,
    Builtin,
    Command,
    Enum,
    EnumValue,
    EventType,
    Member,
    Object,
    Schema,
    Type,
    as_array,
    as_object,
    branches,
)

__all__ = [
    "ANY",
    "BOOLEAN",
    "INTEGER",
    "NUMBER",
    "STRING",
    "Alternate",
    "Array",
    "Builtin",
    "Command",
    "Enum",
    "EnumValue",
    "EventType",
    "Member",
    "Object",
    "Schema",
    "Type",
    "as_array",
    "as_object",
    "branches",
]
