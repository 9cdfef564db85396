"""Convert bare words to values of the types that the VM's schema gives the arguments.

This module reports no errors, because the VM decides what is valid: a word that is not of its
argument's type is converted as if the type were not known, and the VM refuses it if need be.
"""

from __future__ import annotations

from ..schema import ANY, Builtin, Enum, Type, as_array, as_object, branches
from ..static_typing import Any
from .dotted_names import join_names
from .values import SWITCH_WORDS, BareWord, parse_float, parse_integer, parse_untyped

# None is a value (null), so it cannot mean that there is none.
_MISMATCH = object()


def apply_types(value: Any, type_: Type | None) -> Any:
    """Return a copy of a tree in which each bare word is converted by its type.

    :param value: dictionaries and lists; the leaves are values or :class:`BareWord` objects.
    :param type_: the type of ``value``; None if it is not known.
    """
    if isinstance(value, BareWord):
        return parse_word(value, type_ or ANY)
    if isinstance(value, dict):
        of_object = as_object(type_)
        members = of_object.members_for(value) if of_object is not None else {}
        return {
            key: apply_types(item, members[key].type if key in members else None)
            for key, item in join_names(value, members).items()
        }
    if isinstance(value, list):
        of_array = as_array(type_)
        element = of_array.element if of_array is not None else None
        return [apply_types(item, element) for item in value]
    return value


def parse_word(word: BareWord, type_: Type) -> Any:
    """Convert a bare word to a value of a type, or as if there were no type if that fails."""
    # Any word is a valid string, so an alternate's string branches are tried last.
    for branch in sorted(branches(type_), key=_accepts_any_word):
        value = _convert(word, branch)
        if value is not _MISMATCH:
            return value
    return parse_untyped(word)


def _accepts_any_word(type_: Type) -> bool:
    """Whether any word is a value of a type.

    An enumeration counts too: the VM, not this shell, refuses a value that it does not have.
    """
    return isinstance(type_, Enum) or (isinstance(type_, Builtin) and type_.json_type == "string")


def _convert(word: BareWord, type_: Type) -> Any:
    """Convert a bare word to a value of a scalar type; return ``_MISMATCH`` if it is not one."""
    if _accepts_any_word(type_):
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
    return _MISMATCH if value is None else value
