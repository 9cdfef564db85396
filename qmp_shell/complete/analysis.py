"""What is known of a command while it is typed: its signature, and names that do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..language.dotted_names import join_names, parts_of_name, value_at
from ..language.words import OPERATORS, Word
from ..schema import ANY, Builtin, Object, Type, as_array, as_object
from ..schema.text import Part, format_signature
from .draft import ActionDraft, CommandDraft
from .protocols import TypeSource


class Place(NamedTuple):
    """Where a dotted path leads in a type.

    :ivar type: the type there.
    :ivar given: the value there, as far as it is typed.
    :ivar path: the path without list indexes.
    """

    type: Type
    given: Any
    path: list[str]


class _Step(NamedTuple):
    """One step on the way along a dotted path, or where that begins.

    :ivar type: the type there.
    :ivar given: the value there, as far as it is typed.
    :ivar depth: how many parts of the path lead there.
    :ivar name: the member that the step leads to; None: it leads to none.
    """

    type: Type
    given: Any
    depth: int
    name: str | None


def follow_path(type_: Type, given: Any, path: Sequence[str]) -> Place | None:
    """Follow a dotted path into a type; None: the type has no such member."""
    steps = list(_follow(type_, given, path))
    last = steps[-1]
    if last.depth < len(path):
        return None
    return Place(last.type, last.given, [step.name for step in steps if step.name is not None])


def follow_to_object(type_: Object, given: Any, path: Sequence[str]) -> tuple[Object, Any, int]:
    """Follow a dotted path to the last object on it, as far as the type has what it names.

    :return: the object's type, its value, and how many parts of the path lead to it.
    """
    last = type_, given, 0
    for step in _follow(type_, given, path):
        of_object = as_object(step.type)
        if of_object is not None:
            last = of_object, step.given, step.depth
    return last


def _follow(type_: Type, given: Any, path: Sequence[str]) -> Iterator[_Step]:
    """Follow a dotted path from where it begins, as far as the type has what it names."""
    name: str | None = None
    depth = 0
    yield _Step(type_, given, depth, name)
    while depth < len(path):
        of_object, of_array = as_object(type_), as_array(type_)
        members = of_object.members_for(given) if of_object is not None else {}
        parts = path[depth : depth + parts_of_name(path, depth, members)]
        name = ".".join(parts)
        if name in members:
            type_ = members[name].type
        elif of_array is not None and name.isdecimal():
            type_, name = of_array.element, None
        elif of_object is not None and of_object.is_open(given):
            type_ = ANY
        elif isinstance(type_, Builtin) and type_.is_any:
            name = None
        else:
            return
        given = value_at(given, parts)
        depth += len(parts)
        yield _Step(type_, given, depth, name)


class Signature(NamedTuple):
    """What a command takes, or the object in it that the cursor is in.

    :ivar name: the command, and the path to the object.
    :ivar parts: its members.
    :ivar given: the names of those that are typed already.
    :ivar current: the name of the one that the cursor is in; empty: none.
    """

    name: str
    parts: list[Part]
    given: set[str]
    current: str


def find_signature(command: CommandDraft, types: TypeSource) -> Signature | None:
    """The signature at the cursor; None: the command's type is unknown."""
    action = command.actions[-1] if command.actions else None
    type_ = action.find_type(types) if action is not None else None
    if action is None or type_ is None:
        return None
    if not type_.members and type_.is_incomplete:  # whatever it takes is unknown
        return None
    *path, last = parts = command.word.key.split(".")
    inner, given, depth = follow_to_object(type_, action.given, path)
    if depth < len(path):  # then that of the whole command
        inner, given, path = type_, action.given, []
        last = ".".join(parts[: parts_of_name(parts, 0, type_.members_for(given))])
    return new_signature(action.name.key, path, inner, given, last)


def new_signature(name: str, path: list[str], type_: Object, given: Any, current: str) -> Signature:
    """The signature of an object, to which a path leads from the arguments of a command.

    :param given: the value of the object, as far as it is typed.
    """
    given = given if isinstance(given, dict) else {}
    name = " ".join([name, ".".join([*path, ""])]).rstrip()
    members = type_.members_for(given)
    return Signature(name, format_signature(members), set(join_names(given, members)), current)


def find_unknown_names(command: CommandDraft, types: TypeSource) -> Iterator[tuple[int, int]]:
    """Where names stand that the VM does not know: start and end, in the text of the line.

    A name that may become a known one while it is typed is not among them.
    """
    for action in command.actions:
        is_current = action is command.actions[-1]
        known = _known_names(types, is_action=action.is_action)
        if known and action.name.key not in known:
            yield _span(action.name)
            continue
        type_ = action.find_type(types)
        if type_ is None or (is_current and _decides_members(command, action, type_)):
            continue
        words = [*action.words, command.whole_word] if is_current else action.words
        for word in words:
            is_argument = word.value is not None and word.key not in OPERATORS
            if is_argument and follow_path(type_, action.given, word.key.split(".")) is None:
                yield _span(word)
    if not command.actions and command.whole_word.value is None:
        known = _known_names(types, is_action=command.is_action)
        if known and not any(name.startswith(command.whole_word.key) for name in known):
            yield _span(command.whole_word)


def _decides_members(command: CommandDraft, action: ActionDraft, type_: Object) -> bool:
    """Whether the value that is being typed decides what other arguments there are."""
    if command.word.value is None:
        return False
    *path, last = command.word.key.split(".")
    inner, given, depth = follow_to_object(type_, action.given, path)
    return depth == len(path) and inner.is_tag(last, given)


def _known_names(types: TypeSource, *, is_action: bool) -> Iterable[str]:
    """The names that a command or an action can have; empty while they are not known."""
    if not is_action:
        return types.commands()
    actions = types.actions()
    return actions.values if actions is not None else ()


def _span(word: Word) -> tuple[int, int]:
    return word.start, word.start + len(word.key)
