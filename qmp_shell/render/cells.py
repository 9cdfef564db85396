"""A JSON value as rows of cells: nested members become columns with dotted names. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from ..schema import Array, Type, as_object
from ..static_typing import Any
from ..vm.block_records import parse_file_name
from ..vm.device_names import format_device_name
from ..vm.read import read_integer
from .quantities import format_size

Row = dict[str, Any]
"""The scalars in an object, by their dotted paths; a list is one of them."""

NAMES = ("device", "id", "name", "node-name", "label", "qdev_id", "qdev", "qom-path", "path")
"""The members by which objects are told apart, those that users know best first."""

# QEMU writes long objects in JSON there, in which people look for one name.
_FILES = ("file", "filename", "backing_file", "full-backing-filename")
# How many objects deep members are columns; deeper ones are JSON in one cell.
_DEEPEST = 8
# A VM may send a type of any size.
_MOST_COLUMNS = 500
# The column of values that are no objects.
VALUE = "value"
VM = "vm"
"""The column, and the member of a message, that has the name of the VM, if there are several."""
# Members of these names are numbers of bytes, wherever QEMU has them.
_SIZE = re.compile(
    r"(?:.*[-_.])?(?:size|bytes|memory)|(?:.*\.)?ram\.(?:total|remaining|transferred)"
)


def name_of(value: Any) -> str:
    """What an object is called; empty if it has no name, or is no object."""
    members = value if isinstance(value, dict) else {}
    names = (members.get(key) for key in NAMES)
    return next((name for name in names if isinstance(name, str) and name), "")


def make_rows(values: Iterable[Any]) -> list[Row]:
    """A row for each value."""
    return [_collect(_members(value, "", lists=False)) for value in values]


def make_record(value: Any) -> Row:
    """One value with all that is in it: the items of its lists have numbers in their paths."""
    return _collect(_members(value, "", lists=True))


def _collect(members: Iterable[tuple[str, Any]]) -> Row:
    """A row. A path that occurs twice, as in ``{"a.b": 1, "a": {"b": 2}}``, gets a number."""
    row: Row = {}
    numbers: dict[str, int] = {}  # the last one that each path got
    for path, value in members:
        unique = path
        while unique in row:
            numbers[path] = numbers.get(path, 1) + 1
            unique = f"{path} ({numbers[path]})"
        row[unique] = value
    return row


def _members(value: Any, path: str, *, lists: bool, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The paths and values of what is to be a cell of its own.

    :param lists: lists of objects are divided, too.
    """
    is_list_of_objects = isinstance(value, list) and any(isinstance(each, dict) for each in value)
    if depth > _DEEPEST:
        yield path, value
    elif isinstance(value, dict) and (value or not path):
        for key, item in value.items():
            yield from _members(item, _join(path, key), lists=lists, depth=depth + 1)
    elif lists and is_list_of_objects:
        for index, item in enumerate(value):
            yield from _members(item, _join(path, str(index)), lists=lists, depth=depth + 1)
    else:
        yield path or VALUE, value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def typed_columns(type_: Type | None) -> list[str]:
    """The columns that the values of a type have, as far as that is fixed."""
    element = type_.element if isinstance(type_, Array) else type_
    found = islice(_typed_members(element, "", ()), _MOST_COLUMNS)
    return list(found) or [VALUE] * (element is not None)


def _typed_members(type_: Type | None, path: str, outer: tuple[Type, ...]) -> Iterator[str]:
    of_object = as_object(type_)
    if of_object is None or of_object in outer or len(outer) >= _DEEPEST or not of_object.members:
        if path:
            yield path
        return
    for member in of_object.members.values():
        yield from _typed_members(member.type, _join(path, member.name), (*outer, of_object))


def format_cell(path: str, value: Any) -> str:
    """The text of a cell."""
    if isinstance(value, str):
        last = path.rpartition(".")[2]
        if last in _FILES:
            return parse_file_name(value)
        return format_device_name(value) if last == "qdev" else value
    if is_size(path, value):
        return format_size(value)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return f"({len(value)})"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(format_plain, value))
    return format_plain(value)


def format_plain(value: Any) -> str:
    """A value as JSON, a string without its quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_size(path: str, value: object) -> bool:
    """Whether a value is a number of bytes, of a size that QEMU has."""
    return read_integer(value) is not None and _SIZE.fullmatch(path) is not None
