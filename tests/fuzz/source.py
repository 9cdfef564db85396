"""Makes texts and JSON values of the bytes that a fuzzer invents.

Any bytes are valid, and a change of one byte is a small change of what is made of them. A byte
below 0x80 stands for itself, so that seeds can be read and written by hand; one above stands for
a word of a table. It does not know what the texts and values are for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.json_values import KEYS, TEXTS

# Python reads no integer of more digits, so a VM cannot send one.
_MOST_DIGITS = 4300
# The framer refuses what is nested deeper than 500.
_DEEPEST = 480
_MOST_BRACKETS = 100
_BLANKS = b" \t\r\n,:"
_NUMBER = frozenset(b"+-.0123456789eE")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
# Characters that are special at a terminal or in Unicode. Only one of a surrogate pair is among
# them: two in a row would be another string after they were sent as JSON.
CHARACTERS = (
    "\0",
    "\x1b[31m",
    "\x7f",
    "\x9b2J",
    "\u2028",
    "\u202e",
    "\ud800",
    "\xe9",
    "\U0001f600",
)


class Source:
    """Reads bytes from the beginning to the end; after the end, it makes empty values."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._depth = 0
        self._brackets = 0

    @property
    def is_empty(self) -> bool:
        """Whether all bytes have been read."""
        return self._position >= len(self._data)

    def byte(self) -> int:
        """The next byte; 0 at the end."""
        value = 0 if self.is_empty else self._data[self._position]
        self._position += 1
        return value

    def rest(self) -> bytes:
        """All bytes that are left."""
        rest, self._position = self._data[self._position :], len(self._data)
        return rest

    def text(self, words: Sequence[str]) -> str:
        """A text of all bytes that are left."""
        return decode(self.rest(), words)

    def value(self) -> Any:
        """The next JSON value, which is written as JSON. What is not valid is skipped.

        Besides: ``@`` and a byte is one of the texts and ``$`` and a byte one of the keys that the
        VM's readers know, ``#`` and a byte an integer of many digits, ``%`` and a byte a long text,
        ``*`` and a byte a list in a list and so on, around the value that follows. The byte ``0``
        is the first text, or a short one.
        """
        chain = 0
        while (byte := self._skip_blanks()) == ord("*"):
            chain += self._number()
        chain = min(chain, _DEEPEST - self._depth)
        self._depth += chain
        value = self._container(byte)
        self._depth -= chain
        for _ in range(chain):
            value = [value]
        return value

    def _container(self, byte: int) -> Any:
        """The object or list that a byte begins; a scalar if it begins none."""
        # Only chains are deeper than this, because each bracket is read by a nested call.
        is_deepest = self._brackets == _MOST_BRACKETS or self._depth == _DEEPEST
        if byte not in (ord("{"), ord("[")) or is_deepest:
            return self._scalar(byte)
        self._depth += 1
        self._brackets += 1
        value = self._object() if byte == ord("{") else self._list()
        self._depth -= 1
        self._brackets -= 1
        return value

    def _number(self) -> int:
        """A byte as a number: 0 for the digit 0."""
        return (self.byte() - ord("0")) % 256

    def _skip_blanks(self) -> int:
        while (byte := self.byte()) in _BLANKS and not self.is_empty:
            pass
        return byte

    def _peek(self) -> int:
        byte = self._skip_blanks()
        self._position -= 1
        return byte

    def _list(self) -> list[Any]:
        items: list[Any] = []
        while not self.is_empty and self._peek() != ord("]"):
            items.append(self.value())
        self._position += 1
        return items

    def _object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not self.is_empty and self._peek() != ord("}"):
            key = self._scalar(self._skip_blanks())
            members[key if isinstance(key, str) else str(len(members))] = self.value()
        self._position += 1
        return members

    def _scalar(self, byte: int) -> Any:
        if byte == ord('"'):
            end = self._data.find(b'"', self._position)
            end = len(self._data) if end < 0 else end
            raw, self._position = self._data[self._position : end], end + 1
            return _unescape(decode(raw, (*CHARACTERS, *TEXTS)))
        if byte in (ord("t"), ord("f"), ord("n")):
            self._skip_letters()
            return {ord("t"): True, ord("f"): False}.get(byte)
        if byte == ord("@"):
            return TEXTS[self._number() % len(TEXTS)]
        if byte == ord("$"):
            return KEYS[self._number() % len(KEYS)]
        if byte == ord("#"):
            return 10 ** min(20 * self._number(), _MOST_DIGITS - 1)
        if byte == ord("%"):
            return "5" * (20 * self._number())
        return self._read_number(byte)

    def _skip_letters(self) -> None:
        while not self.is_empty and chr(self._data[self._position]).isalpha():
            self._position += 1

    def _read_number(self, byte: int) -> Any:
        start = self._position - 1
        while not self.is_empty and self._data[self._position] in _NUMBER:
            self._position += 1
        text = self._data[start : self._position].decode("latin-1")[:_MOST_DIGITS]
        try:
            return int(text)
        except ValueError:
            pass  # it may be a float
        try:
            number = float(text)
        except ValueError:
            return byte
        return number if math.isfinite(number) else 0


def decode(data: bytes, words: Sequence[str]) -> str:
    """A text of bytes: a character for each below 0x80, and a word for each above."""
    return "".join(chr(byte) if byte < 0x80 else words[(byte - 0x80) % len(words)] for byte in data)


def _unescape(text: str) -> str:
    r"""Replace ``\n`` and the like; any other character after a backslash stands for itself."""
    first, *parts = text.split("\\")
    return first + "".join(_ESCAPES.get(part[:1], part[:1]) + part[1:] for part in parts)
