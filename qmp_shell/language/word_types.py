"""Bare words to values, by the types that the VM's schema gives them.

The VM is the authority: a word that does not fit its type is sent as the rule for words
without a type reads it, and the VM says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..schema import ANY, Alternate, Builtin, Enum, Type, as_array, as_object
from .values import SWITCH_WORDS, BareWord, parse_float, parse_integer, parse_untyped

_NO_VALUE = object()


def apply_types(value: Any, type_: Type | None) -> Any:
    """A value for each bare word in a tree, by its type.

    :param value: dictionaries and lists; the leaves are values or :class:`Bare` words.
    :param type_: None: it is not known.
    """
    if isinstance(value, BareWord):
        return parse_word(value, type_ or ANY)
    if isinstance(value, dict):
        of_object = as_object(type_)
        fields = of_object.fields(value) if of_object is not None else {}
        return {
            key: apply_types(item, fields[key].type if key in fields else None)
            for key, item in _with_dots(value, fields).items()
        }
    if isinstance(value, list):
        of_array = as_array(type_)
        element = of_array.element if of_array is not None else None
        return [apply_types(item, element) for item in value]
    return value


def _with_dots(value: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """The same, with those names in one piece that have a dot in them.

    The properties of some drivers do (``zoned.zasl``), and were taken for a path.
    """
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and any(field.startswith(f"{key}.") for field in fields):
            inner = {f"{key}.{name}": each for name, each in item.items()}
            found |= {name: each for name, each in inner.items() if name in fields}
            item = {name: each for name, each in item.items() if f"{key}.{name}" not in fields}
            if not item:
                continue
        found[key] = item
    return found


def parse_word(word: BareWord, type_: Type) -> Any:
    """Read a bare word as a type has it."""
    if isinstance(type_, Alternate):
        return _read_alternate(word, type_)
    value = _fit(word, type_)
    return parse_untyped(word) if value is _NO_VALUE else value


def _read_alternate(word: BareWord, type_: Alternate) -> Any:
    """The first branch that fits, those of strings last, for any word fits a string."""
    for branch in sorted(type_.branches, key=_takes_any_word):
        value = _fit(word, branch)
        if value is not _NO_VALUE:
            return value
    return parse_untyped(word)


def _takes_any_word(type_: Type) -> bool:
    return isinstance(type_, Enum) or (isinstance(type_, Builtin) and type_.json_type == "string")


def _fit(word: BareWord, type_: Type) -> Any:
    """The word as a value of a type without parts; ``_NO_VALUE``: it is none."""
    if _takes_any_word(type_):
        return str(word)
    kind = type_.json_type if isinstance(type_, Builtin) else None
    value: Any = None
    if kind == "boolean":
        value = SWITCH_WORDS.get(word.lower())
    elif kind == "int":
        value = parse_integer(word)
    elif kind == "number":
        value = parse_integer(word)
        if value is None:
            value = parse_float(word)
    elif kind == "null" and word == "null":
        return None
    return _NO_VALUE if value is None else value
