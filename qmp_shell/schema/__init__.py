"""The VM's own types, as ``query-qmp-schema`` returns them: look-up, checks, and descriptions.

This package is pure: it knows nothing of sockets, files or VMs. It informs; what is valid is for
the VM to decide.
"""

from __future__ import annotations

from .introspection import Command, EventType, Schema, parse_schema
from .types import (
    ANY,
    BOOLEAN,
    INTEGER,
    MAX_LIST_DEPTH,
    NUMBER,
    STRING,
    Alternate,
    Array,
    Builtin,
    Enum,
    EnumValue,
    Member,
    Object,
    Type,
    TypeCheck,
    UnknownValue,
    as_array,
    as_object,
    branches,
)

__all__ = [
    "ANY",
    "BOOLEAN",
    "INTEGER",
    "MAX_LIST_DEPTH",
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
    "TypeCheck",
    "UnknownValue",
    "as_array",
    "as_object",
    "branches",
    "parse_schema",
]
