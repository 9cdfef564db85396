"""What a message has that its types do not allow. It informs; the VM is the authority."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .model import Alternate, Array, Builtin, Enum, Object, Type
from .text import describe_type

# How many names a fault lists when none is near.
_LISTED = 8

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def check_arguments(arguments: object, type_: Object) -> list[str]:
    """Say what is wrong with a command's arguments, the plainest first."""
    found = list(_faults(arguments, type_, ""))
    others = [text for text, is_missing in found if not is_missing]
    # What is missing is most often what a misspelt name was meant to be.
    missing = [text for text, is_missing in found if is_missing]
    return others if any("did you mean" in text for text in others) else others + missing


def similar_names(word: str, names: Iterable[str]) -> list[str]:
    """The names that are most like a word, the best first."""
    import difflib

    names = list(names)
    by_lower = {name.lower().replace("_", "-"): name for name in names}
    close = difflib.get_close_matches(word.lower().replace("_", "-"), by_lower, n=3, cutoff=0.7)
    return [by_lower[each] for each in close]


def format_suggestion(word: str, names: Iterable[str], what: str, prefix: str = "") -> str:
    """What ends a complaint: ``; did you mean a or b?``, or the names if they are few, or nothing.

    :param prefix: what stands before the names where they are used.
    """
    names = list(names)
    close = [prefix + name for name in similar_names(word, names)]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    listed = ", ".join(prefix + name for name in names)
    return f"; {what}: {listed}" if 0 < len(names) <= _LISTED else ""


Fault = tuple[str, bool]


def _faults(value: Any, type_: Type, path: str) -> Iterator[Fault]:
    branch = _branch(value, type_)
    if branch is None:
        yield f"{path} must be {describe_type(type_)}", False
    elif isinstance(branch, Object):
        yield from _object_faults(value, branch, path)
    elif isinstance(branch, Array):
        for index, item in enumerate(value):
            yield from _faults(item, branch.element, f"{path}.{index}")
    elif isinstance(branch, Enum) and value not in branch.values:
        wanted = format_suggestion(value, branch.values, f"{path} is one of")
        yield f"{path} has no value {value!r}{wanted}", False


def _object_faults(value: dict[str, Any], type_: Object, path: str) -> Iterator[Fault]:
    prefix = f"{path}." if path else ""
    fields = type_.fields(value)
    for key, item in value.items():
        if key in fields:
            yield from _faults(item, fields[key].type, prefix + key)
        elif not type_.is_open(value):
            others = [name for name in fields if name not in value]
            wanted = (
                format_suggestion(key, others, "there are", prefix) if others else "; it takes none"
            )
            yield f"no argument {prefix + key}{wanted}", False
    missing = [prefix + name for name in fields if fields[name].required and name not in value]
    if missing:
        yield f"missing: {', '.join(missing)}", True


def _branch(value: Any, type_: Type) -> Type | None:
    """The type, or the branch of an alternate, that a value is of; None: it is of none."""
    options = type_.branches if isinstance(type_, Alternate) else [type_]
    return next((option for option in options if _is_of(value, option)), None)


def _is_of(value: Any, type_: Type) -> bool:
    if isinstance(type_, Builtin):
        wanted = _PYTHON_TYPES.get(type_.json_type)
        if wanted is None:
            return True
        return isinstance(value, wanted) and (isinstance(value, bool) <= (bool in wanted))
    if isinstance(type_, Enum):
        return isinstance(value, str)
    return isinstance(value, list if isinstance(type_, Array) else dict)


def feature_warnings(arguments: object, type_: Type, path: str = "") -> Iterator[str]:
    """Name what is given and marked ``deprecated`` or ``unstable``."""
    branch = _branch(arguments, type_)
    if isinstance(branch, Object) and isinstance(arguments, dict):
        fields = branch.fields(arguments)
        for key in (key for key in arguments if key in fields):
            name = f"{path}.{key}" if path else key
            yield from (f"{name} is {mark}" for mark in warning_features(fields[key].features))
            yield from feature_warnings(arguments[key], fields[key].type, name)
    elif isinstance(branch, Array) and isinstance(arguments, list):
        for item in arguments:
            yield from feature_warnings(item, branch.element, path)
    elif isinstance(branch, Enum) and arguments in branch.values:
        value = branch.values[str(arguments)]
        yield from (f"{path}={value.name} is {mark}" for mark in warning_features(value.features))


def warning_features(features: Iterable[str]) -> list[str]:
    """Those features that a user should be told of."""
    return [each for each in features if each in ("deprecated", "unstable")]
