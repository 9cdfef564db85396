"""Compare the arguments of a message with their types, and say what does not fit.

The findings are hints for a user. They do not stop a message from being sent: what is valid is
for the VM to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .inner_members import find_inner_members, find_tag
from .suggestions import suggest, suggest_member
from .text import describe_type
from .types import (
    ANY,
    Array,
    Builtin,
    Enum,
    Object,
    Type,
    TypeCheck,
    UnknownValue,
    branches,
)

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}

_SIGNED_SIZE = r"(?i)[+-][0-9]+(\.[0-9]+)?(b|[kmgtpe](ib)?)"
_NO_SIGN = "a number with a unit has no sign: it is the new value, not a difference"


class Fault(NamedTuple):
    """Something in a message that does not fit the VM's types.

    :ivar problem: what is wrong.
    :ivar advice: what to write instead; empty: that is not known, or the problem says it.
    :ivar names: the names that the problem is about. An error of the VM's that has them says the
        same; none: no error of the VM's says as much.
    :ivar is_missing: whether it is about missing members.
    :ivar is_unknown: whether it is about a member that does not exist.
    """

    problem: str
    advice: str = ""
    names: tuple[str, ...] = ()
    is_missing: bool = False
    is_unknown: bool = False

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.problem, self.advice)))

    def beyond(self, description: str) -> str:
        """What is to be said after an error of the VM's, without what the error says already.

        :param description: of the error.
        :return: empty: the error says it all.
        """
        said = [has_word(description, name) for name in self.names]
        is_said = any(said) if self.is_missing else said and all(said)
        return self.advice if is_said else str(self)


def has_word(text: str, word: str) -> bool:
    """Whether a text has a word that is not a part of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def is_signed_size(text: str) -> bool:
    """Whether a text is as ``+1G``: in ``qemu-img resize`` a difference, here no number."""
    return re.fullmatch(_SIGNED_SIZE, text) is not None


def check_arguments(
    arguments: object, type_: Object, *, after_error: bool = True, shows_values: bool = True
) -> list[Fault]:
    """Describe what is wrong with a command's arguments, the most obvious faults first.

    :param after_error: whether the VM has refused the arguments (see :class:`TypeCheck`).
    :param shows_values: whether a value that is wrong may be in the text.
    """
    applied = (TypeCheck.ALWAYS, TypeCheck.AFTER_ERROR) if after_error else (TypeCheck.ALWAYS,)
    unchecked = [each for each in type_.members.values() if each.check not in applied]
    if unchecked:
        type_ = type_.with_members(
            (member._replace(find_type=lambda: ANY) for member in unchecked),
            is_incomplete=type_.is_incomplete,
        )
    faults = list(_find_faults(arguments, type_, "", shows_values))
    others = [fault for fault in faults if not fault.is_missing]
    missing = [fault for fault in faults if fault.is_missing]
    # If there is a misspelt name, the missing member is most likely the one that it stands for.
    is_misspelt = any("did you mean" in fault.advice for fault in others)
    return others if is_misspelt else others + missing


def _find_faults(value: Any, type_: Type, path: str, shows_values: bool) -> Iterator[Fault]:
    """Yield the faults of a value.

    :param path: the dotted key of the value; empty for the arguments as a whole.
    :param shows_values: see :func:`check_arguments`.
    """
    if isinstance(value, UnknownValue):
        return
    branch = _matching_branch(value, type_)
    if branch is None:
        # That a string or an object is wanted, QEMU's own error says as well.
        is_string = isinstance(type_, Builtin) and type_.json_type == "string"
        names = (path,) if path and (is_string or isinstance(type_, Object)) else ()
        problem = f"{path or 'arguments'} must be {describe_type(type_)}"
        yield Fault(problem, _advise(value, type_, path), names)
    elif isinstance(branch, Object):
        yield from _find_object_faults(value, branch, path, shows_values)
    elif isinstance(branch, Array):
        for index, item in enumerate(value):
            yield from _find_faults(item, branch.element, f"{path}.{index}", shows_values)
    elif isinstance(branch, Enum) and value not in branch.values:
        suggestion = suggest(value, branch.values, f"{path} is one of")
        shown = f"value {value!r}" if shows_values else "such value"
        yield Fault(f"{path} has no {shown}", suggestion, (path,))


def _advise(value: Any, type_: Type, path: str) -> str:
    """What to write instead of a value that has not the type that is wanted; empty: not known."""
    is_number = isinstance(type_, Builtin) and type_.json_type in ("int", "number")
    if is_number and isinstance(value, str) and is_signed_size(value):
        return _NO_SIGN
    tag = find_tag(value, type_) if path else ""
    return f"did you mean {path}.{tag}={value}?" if tag else ""


def _find_object_faults(
    value: dict[str, Any], type_: Object, path: str, shows_values: bool
) -> Iterator[Fault]:
    """Yield the faults of an object: members that are wrong, unknown or missing."""
    prefix = f"{path}." if path else ""
    members = type_.members_for(value)
    is_open = type_.is_open(value)
    inner = find_inner_members(value, members, prefix) if not is_open else {}
    for key, item in value.items():
        if key in members:
            yield from _find_faults(item, members[key].type, prefix + key, shows_values)
        elif not is_open:
            advice = suggest_member(key, value, members, inner.get(key), path)
            yield Fault(f"no argument {prefix + key}", advice, (key,), is_unknown=True)
    missing = [
        prefix + name for name, member in members.items() if member.required and name not in value
    ]
    if missing:
        names = tuple(missing)
        yield Fault(f"missing: {', '.join(missing)}", names=names, is_missing=True)


def _matching_branch(value: Any, type_: Type) -> Type | None:
    """Return the type, or the branch of an alternate, that fits a value's JSON type."""
    return next((branch for branch in branches(type_) if _fits(value, branch)), None)


def _fits(value: Any, type_: Type) -> bool:
    """Whether a value has the JSON type that a type asks for; its contents are not checked."""
    if isinstance(type_, Builtin):
        expected = _PYTHON_TYPES.get(type_.json_type)
        if expected is None:
            return True
        # In Python a bool is an int too.
        return isinstance(value, expected) and (not isinstance(value, bool) or bool in expected)
    if isinstance(type_, Enum):
        return isinstance(value, str)
    return isinstance(value, list if isinstance(type_, Array) else dict)


def feature_warnings(arguments: object, type_: Type, path: str = "") -> Iterator[str]:
    """Yield a text for each member and value in use that is ``deprecated`` or ``unstable``.

    :param path: the dotted key of ``arguments``; empty for the arguments as a whole.
    """
    branch = _matching_branch(arguments, type_)
    if isinstance(branch, Object) and isinstance(arguments, dict):
        members = branch.members_for(arguments)
        for key in (key for key in arguments if key in members):
            name = f"{path}.{key}" if path else key
            for feature in warning_features(members[key].features):
                yield f"{name} is {feature}"
            yield from feature_warnings(arguments[key], members[key].type, name)
    elif isinstance(branch, Array) and isinstance(arguments, list):
        for item in arguments:
            yield from feature_warnings(item, branch.element, path)
    elif isinstance(branch, Enum) and arguments in branch.values:
        value = branch.values[str(arguments)]
        for feature in warning_features(value.features):
            yield f"{path}={value.name} is {feature}"


def warning_features(features: Iterable[str]) -> list[str]:
    """Return those features that a user must be warned of."""
    return [each for each in features if each in ("deprecated", "unstable")]
