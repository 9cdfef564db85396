"""Compare the arguments of a message with their types, and say what does not fit.

The findings are hints for a user. They do not stop a message from being sent: what is valid is
for the VM to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .text import describe_type
from .types import (
    ANY,
    Array,
    Builtin,
    Enum,
    Member,
    Object,
    Type,
    TypeCheck,
    UnknownValue,
    branches,
)

# If no name is similar to a wrong one, at most this many possible names are listed.
_MAX_LISTED = 8
# No name of QEMU's has as many characters. Comparing two texts takes quadratic time.
_LONGEST_NAME = 200

# The member of an object that takes the properties of something, which the schema does not have:
# of a CPU model, and of a new object up to QEMU 5.2.
_PROPERTIES = "props"

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Fault(NamedTuple):
    """Something in a message that does not fit the VM's types.

    :ivar problem: what is wrong.
    :ivar advice: what to write instead; empty: that is not known, or the problem says it.
    :ivar names: the names that the problem is about. An error of the VM's that has them says the
        same; none: no error of the VM's says as much.
    :ivar is_missing: whether it is about missing members.
    """

    problem: str
    advice: str = ""
    names: tuple[str, ...] = ()
    is_missing: bool = False

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


def similar_names(word: str, names: Iterable[str]) -> list[str]:
    """Return at most three of ``names`` that are similar to a word, the most similar first."""
    if len(word) > _LONGEST_NAME:
        return []
    import difflib

    by_lower = {name.lower().replace("_", "-"): name for name in names}
    close = difflib.get_close_matches(word.lower().replace("_", "-"), by_lower, n=3, cutoff=0.7)
    return [by_lower[each] for each in close]


def suggest(word: str, names: Iterable[str], what: str, prefix: str = "") -> str:
    """What may be meant by a name that does not exist.

    :param word: the name that does not exist.
    :param names: the names that do.
    :param what: how a list of the names begins: ``there are``.
    :param prefix: is put before each name that is shown.
    :return: ``did you mean a or b?`` if some names are similar; else ``there are: a, b`` if the
        names are few; else an empty string.
    """
    names = list(names)
    close = [prefix + name for name in similar_names(word, names)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    listed = ", ".join(prefix + name for name in names)
    return f"{what}: {listed}" if 0 < len(names) <= _MAX_LISTED else ""


def format_suggestion(word: str, names: Iterable[str], what: str, prefix: str = "") -> str:
    """The end of a message about a name that does not exist: ``; `` and what :func:`suggest` says.

    :return: empty: nothing is known.
    """
    suggestion = suggest(word, names, what, prefix)
    return suggestion and f"; {suggestion}"


def _find_faults(value: Any, type_: Type, path: str, shows_values: bool) -> Iterator[Fault]:
    """Yield the faults of a value.

    :param path: the dotted key of the value; empty for the arguments as a whole.
    :param shows_values: see :func:`check_arguments`.
    """
    if isinstance(value, UnknownValue):
        return
    branch = _matching_branch(value, type_)
    if branch is None:
        # That a string is wanted, QEMU's own error says as well.
        is_string = isinstance(type_, Builtin) and type_.json_type == "string"
        names = (path,) if path and is_string else ()
        yield Fault(f"{path or 'arguments'} must be {describe_type(type_)}", names=names)
    elif isinstance(branch, Object):
        yield from _find_object_faults(value, branch, path, shows_values)
    elif isinstance(branch, Array):
        for index, item in enumerate(value):
            yield from _find_faults(item, branch.element, f"{path}.{index}", shows_values)
    elif isinstance(branch, Enum) and value not in branch.values:
        suggestion = suggest(value, branch.values, f"{path} is one of")
        shown = f"value {value!r}" if shows_values else "such value"
        yield Fault(f"{path} has no {shown}", suggestion, (path,))


def _find_object_faults(
    value: dict[str, Any], type_: Object, path: str, shows_values: bool
) -> Iterator[Fault]:
    """Yield the faults of an object: members that are wrong, unknown or missing."""
    prefix = f"{path}." if path else ""
    members = type_.members_for(value)
    for key, item in value.items():
        if key in members:
            yield from _find_faults(item, members[key].type, prefix + key, shows_values)
        elif not type_.is_open(value):
            advice = _suggest_member(key, value, members, path)
            yield Fault(f"no argument {prefix + key}", advice, (key,))
    missing = [
        prefix + name for name, member in members.items() if member.required and name not in value
    ]
    if missing:
        names = tuple(missing)
        yield Fault(f"missing: {', '.join(missing)}", names=names, is_missing=True)


def _suggest_member(key: str, value: dict[str, Any], members: dict[str, Member], path: str) -> str:
    """What is probably meant by a member that does not exist.

    In some commands, QEMUs of different age want the same members at different levels
    (``object-add props.size=1G``, ``blockdev-add options.driver=file``).

    :param value: the object that the member is given in.
    :param members: what the object can have.
    """
    prefix = f"{path}." if path else ""
    levels = [name for name, each in members.items() if key in _inner_members(each, value)]
    if levels:
        return f"did you mean {prefix}{levels[0]}.{key}?"
    own = [name for name in value[key] if name in members] if isinstance(value[key], dict) else []
    if own:
        return f"{', '.join(own)} must stand {f'in {path}' if path else 'at the top'}, not in it"
    others = [name for name in members if name not in value]
    if _PROPERTIES in members and not similar_names(key, others):
        return f"did you mean {prefix}{_PROPERTIES}.{key}?"
    return suggest(key, others, "it takes", prefix) if others else "it takes no arguments"


def _inner_members(member: Member, value: dict[str, Any]) -> dict[str, Member]:
    """The members of a member that is an object; ``value`` is the object that it belongs to."""
    inner = member.type
    return inner.members_for(value.get(member.name)) if isinstance(inner, Object) else {}


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
