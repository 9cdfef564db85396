"""The words behind a command as items: an argument's name, if it is said, and a value.

``e1000,id=n1`` is two items, as are ``--driver e1000 id = n1``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ..complete import Kind, NameRequest, kind_at
from ..complete.kinds import HUMAN_OPTIONS
from ..language.command import parse_partial_arguments
from ..language.notation import format_text
from ..language.words import Word
from ..schema import Builtin, Enum, Member, Object, Type, branches
from .correction import Vocabulary
from .foreign import join_around_equals, split_key, split_options

KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*", re.ASCII)
"""A pattern of the names of arguments, which may be dotted paths."""

# The argument that QEMU's own notation begins with, by QMP command.
_IMPLIED = {command: first for command, first in HUMAN_OPTIONS.values() if "." not in first}
# QEMU's names for the opposite of a switch: nowait is wait=off.
_NOT = "no"


class Item(NamedTuple):
    """The name of an argument, empty if that is not said, and its value as it is written."""

    key: str
    value: str


def given_by(items: Iterable[Item]) -> dict[str, Any]:
    """The arguments that are known, for a type that depends on them."""
    return parse_partial_arguments(Word(0, key, value, 0) for key, value in items if key)


def words_of(type_: Type) -> Collection[str]:
    """The values of a type, if it is an enumeration; else none."""
    enum = next((each for each in branches(type_) if isinstance(each, Enum)), None)
    return enum.values if enum is not None else ()


def takes_text(type_: Type) -> bool:
    """Whether any text is a value of a type."""
    return any(
        isinstance(each, Builtin) and each.json_type in ("string", "value")
        for each in branches(type_)
    )


class KnownArguments:
    """What is known of the arguments of one command, or of one action of a transaction.

    :ivar command: its name.
    """

    def __init__(self, command: str, vocabulary: Vocabulary) -> None:
        self.command = command
        self._vocabulary = vocabulary

    def type_for(self, given: dict[str, Any]) -> Object | None:
        """Their type, which may depend on those that are given; None: it is not known."""
        return self._vocabulary.arguments(self.command, given)

    def kind_of(self, member: Member) -> str | None:
        """The kind of name that an argument takes; None: it takes no names."""
        return kind_at(self.command, member.name, member.type)

    def names_for(self, member: Member, typed: str, given: dict[str, Any]) -> list[str]:
        """The names that exist in the VM for an argument."""
        kind = self.kind_of(member)
        if kind is None:
            return []
        # QOM paths are listed level by level.
        request = NameRequest(kind, typed if kind == Kind.QOM_PATH else "", given)
        return [each.text for each in self._vocabulary.names.candidates(request)]

    def may_go_on(self, item: Item, given: dict[str, Any]) -> bool:
        """Whether a word behind an item can belong to its value: that is any text, and no name."""
        type_ = self.type_for(given)
        member = type_.members_for(given).get(item.key) if type_ is not None else None
        if member is None or not takes_text(member.type):
            return False
        return item.value not in self.names_for(member, item.value, given)


class ItemReader:
    """Reads words as items.

    :ivar is_rewritten: a word was in another notation.
    :ivar unfinished: the last word, if it is the name of an argument without its value; or empty.
    """

    def __init__(self, known: KnownArguments) -> None:
        self._known = known
        self.is_rewritten = False
        self.unfinished = ""

    def read(self, words: list[str]) -> list[Item] | None:
        """The items of some words; None: there are options that the command lacks, or no keys."""
        joined = join_around_equals(words)
        if any(word.startswith("=") for word in joined):
            return None
        keyed = [Item(*split_key(word)) for word in joined]
        joined = [self._unquote(word, keyed) for word in joined]
        self.is_rewritten = joined != words
        items: list[Item] = []
        waiting = ""  # an argument whose value is the next word: --id n1, or id n1
        is_paired = bool(joined) and self._has_argument([], joined[0])
        for index, word in enumerate(joined):
            if waiting:
                items.append(Item(waiting, word))
                waiting = ""
            elif word.startswith("-") and not word.lstrip("-")[:1].isdecimal():
                key, equals, value = word.lstrip("-").partition("=")
                if not self._has_argument(items, key):
                    return None
                self.is_rewritten = True
                items += [Item(key, value)] if equals else []
                waiting = "" if equals else key
            elif self._has_argument(items, word) and (
                index == len(joined) - 1 or (is_paired and "=" not in joined[index + 1])
            ):
                if items and self._is_stray(word, items):
                    return None
                waiting = word
                self.is_rewritten = True
            else:
                found = self._split(word, items)
                if found is None:
                    return None
                items += found
        self.unfinished = waiting
        return items

    def _has_argument(self, items: list[Item], key: str) -> bool:
        given = given_by(items)
        type_ = self._known.type_for(given)
        return type_ is not None and key in type_.members_for(given)

    def _unquote(self, word: str, items: list[Item]) -> str:
        """Put the quotes of ``"filename=/a b"`` around the value alone."""
        is_quoted = word[0] in "\"'" and word[-1] == word[0]
        key, value = split_key(word[1:-1]) if is_quoted else ("", "")
        return f"{key}={format_text(value)}" if self._has_argument(items, key) else word

    def _is_stray(self, word: str, items: list[Item]) -> bool:
        """Whether a word, which is the name of an optional text, may be a part of a value."""
        given = given_by(items)
        type_ = self._known.type_for(given)
        member = type_.members_for(given).get(word) if type_ is not None else None
        is_text = member is not None and not member.required and takes_text(member.type)
        return is_text and self._known.may_go_on(items[-1], given)

    def _split(self, word: str, before: list[Item]) -> list[Item] | None:
        """The items of one word, which are several if commas separate them.

        :return: None: they are not all the command's.
        """
        if before and "=" not in word and self._has_argument(before, word):
            return None  # the name of an argument, without its value
        parts = split_options(word)
        if len(parts) < 2:
            self.is_rewritten |= word.endswith(",")
            return [self._first(word.rstrip(","), before)]
        items = [self._first(parts[0], before), *(_read_option(part) for part in parts[1:])]
        if self._is_list(parts, [*before, *items]):
            self.is_rewritten = True
            return items
        is_value = items[0].key or not any(item.key for item in items)
        return [self._first(word, before)] if is_value else None

    def _first(self, word: str, before: list[Item]) -> Item:
        """An item; the first one of a command may leave out a certain key."""
        key, value = split_key(word)
        name, colon, rest = word.partition(":")
        if not key and colon and rest and self._has_argument(before, name):
            self.is_rewritten = True
            return Item(name, rest)
        implied = _IMPLIED.get(self._known.command, "")
        if key or before or not implied:
            return Item(key, value)
        self.is_rewritten = True
        return Item(implied, value)

    def _is_list(self, parts: list[str], items: list[Item]) -> bool:
        """Whether commas separate arguments, and are no part of a value.

        :param items: what the parts would be, and the items before them.
        """
        first, *others = (split_key(part)[0] for part in parts)
        if not first and self._known.command in _IMPLIED:
            return True
        given = given_by(items)
        type_ = self._known.type_for(given)
        if type_ is None or not any(others):
            return False
        members, is_open = type_.members_for(given), type_.is_open(given)
        return all(
            KEY.fullmatch(key) is not None and (is_open or key.split(".")[0] in members)
            for key in filter(None, others)
        )


def _read_option(part: str) -> Item:
    """A part of a list of options; one without a value is a switch."""
    key, value = split_key(part)
    if key:
        return Item(key, value)
    is_off = value.startswith(_NOT) and len(value) > len(_NOT)
    return Item(value.removeprefix(_NOT) if is_off else value, "off" if is_off else "on")
