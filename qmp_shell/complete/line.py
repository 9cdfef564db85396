"""A line that is being typed: its command, or its actions, and the word that the cursor is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..language import LineJoiner
from ..language.command import parse_partial_arguments
from ..language.words import Word, split_partial
from ..schema import ANY, Builtin, Object, Type, as_array, as_object
from ..schema.text import Part, format_signature
from .kinds import Kind, kind_of
from .options import TypeSource

_TRANSACTION = re.compile(r"\s*transaction\s*\(")
# What of the cursor's own word stands behind it.
_REST_OF_WORD = re.compile(r"^\S+")


class Group(NamedTuple):
    """A command or an action, and the words of its arguments."""

    name: Word
    words: list[Word]
    is_action: bool

    def type(self, types: TypeSource) -> Object | None:
        """The type of its arguments; None: nothing is known of it."""
        if self.is_action:
            return types.action(self.name.key)
        return types.arguments(self.name.key, self.given)

    @property
    def given(self) -> dict[str, Any]:
        """Its arguments as far as they are typed."""
        return parse_partial_arguments(self.words)


class Line(NamedTuple):
    """What stands up to the cursor, and behind it.

    :ivar groups: the commands or actions that are named; the last is the one being typed.
    :ivar word: what the cursor is in or behind.
    :ivar is_action: they are actions of a transaction.
    :ivar may_begin: the word may be the name of a command, or of one more action.
    """

    groups: list[Group]
    word: Word
    is_action: bool
    may_begin: bool

    @property
    def is_in_literal(self) -> bool:
        """Whether the cursor is in a ``{...}`` or ``[...]``."""
        return bool(self.word.value) and str(self.word.value)[:1] in "{["

    @classmethod
    def read(cls, before: str, after: str = "", *, in_transaction: bool = False) -> Line | None:
        """Read what is typed before and after the cursor.

        :param in_transaction: it is an action, not a command.
        :return: None: it is of another sort: JSON, or a part of a literal.
        """
        text = open_line(before)
        if text is None or text.lstrip().startswith("{"):
            return None
        opening = _TRANSACTION.match(text)
        words, word = split_partial(text, opening.end() if opening is not None else 0)
        is_action = in_transaction or opening is not None
        several = opening is not None
        if word.value is None and word.key.startswith("#"):
            return None
        groups: list[Group] = []
        for each in words:
            if each.value is None and each.key != ")" and (several or not groups):
                groups.append(Group(each, [], is_action))
            elif each.value is not None and groups:
                groups[-1].words.append(each)
        if groups:
            groups[-1].words.extend(_arguments(_REST_OF_WORD.sub("", after)))
        return cls(groups, word, is_action, word.value is None and (several or not groups))


def open_line(text: str) -> str | None:
    """The line that the end of ``text`` belongs to; None: it is inside a literal."""
    reader = LineJoiner()
    *before, last = text.split("\n")
    for line in before:
        reader.add_line(line)
    pending = reader.continued_text
    return None if pending is None else pending + last


def _arguments(text: str) -> Iterator[Word]:
    """The arguments at the beginning of a text, up to the name of one more action."""
    words, last = split_partial(text.split("\n")[0])
    for word in (*words, last):
        if word.value is None:
            return
        yield word


def walk(type_: Type, given: Any, path: list[str]) -> tuple[Type, Any, list[str]] | None:
    """Follow a dotted path into a type.

    :return: the type there, what of it is given, and the path without list indexes;
        None: it leads nowhere.
    """
    names = []
    for part in path:
        of_object, of_array = as_object(type_), as_array(type_)
        fields = of_object.members_for(given) if of_object is not None else {}
        if part in fields:
            type_ = fields[part].type
            names.append(part)
        elif of_array is not None and part.isdecimal():
            type_ = of_array.element
        elif of_object is not None and of_object.is_open(given):
            type_ = ANY
        elif not (isinstance(type_, Builtin) and type_.json_type == ANY.json_type):
            return None
        given = given.get(part) if isinstance(given, dict) else None
    return type_, given, names


class Signature(NamedTuple):
    """What a command takes, or the object in it that the cursor is in.

    :ivar name: the command, and the path to the object.
    :ivar parts: its members.
    :ivar given: the names of those that are there already.
    :ivar current: the name of the one that the cursor is in; empty: none.
    """

    name: str
    parts: list[Part]
    given: set[str]
    current: str


def signature_of(line: Line, types: TypeSource) -> Signature | None:
    """The signature at the cursor; None: nothing is known of it."""
    group = line.groups[-1] if line.groups else None
    type_ = group.type(types) if group is not None else None
    if group is None or type_ is None:
        return None
    *path, last = line.word.key.split(".")
    found = walk(type_, group.given, path)
    inner = as_object(found[0]) if found is not None else None
    if found is None or inner is None:
        path, found, inner, last = [], (type_, group.given, []), type_, path[0] if path else last
    given = found[1] if isinstance(found[1], dict) else {}
    name = " ".join([group.name.key, ".".join([*path, ""])]).rstrip()
    return Signature(name, format_signature(inner.members_for(given)), set(given), last)


def unknown_words(line: Line, types: TypeSource) -> Iterator[tuple[int, int]]:
    """Where names stand that the VM does not know: from, to; in the line's text.

    A name is not held to be unknown while it may become a known one.
    """
    for group in line.groups:
        known = _known_names(group.is_action, types)
        if known and group.name.key not in known:
            yield _span(group.name)
            continue
        type_ = group.type(types)
        if type_ is None or (group is line.groups[-1] and _is_decisive(line, type_)):
            continue
        words = [*group.words, line.word] if group is line.groups[-1] else group.words
        given = group.given
        for word in words:
            if word.value is not None and walk(type_, given, word.key.split(".")) is None:
                yield _span(word)
    if not line.groups and line.word.value is None:
        known = _known_names(line.is_action, types)
        if known and not any(name.startswith(line.word.key) for name in known):
            yield _span(line.word)


def _is_decisive(line: Line, type_: Object) -> bool:
    """Whether other arguments may become known by the value that is being typed."""
    if line.word.value is None:
        return False
    group = line.groups[-1]
    *path, last = line.word.key.split(".")
    found = walk(type_, group.given, path)
    inner = as_object(found[0]) if found is not None else None
    if kind_of(group.name.key, line.word.key, "") == Kind.DRIVER:
        return True
    return inner is not None and found is not None and inner.is_tag(last, found[1])


def _known_names(is_action: bool, types: TypeSource) -> Iterable[str]:
    """The names that a command or an action can have; empty while they are not known."""
    if not is_action:
        return types.commands()
    actions = types.actions()
    return actions.values if actions is not None else ()


def _span(word: Word) -> tuple[int, int]:
    return word.start, word.start + len(word.key)
