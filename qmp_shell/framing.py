"""Split a stream of bytes into JSON objects, and parse them.

No I/O. Knows nothing of QMP: which members an object has, and what they mean, is
``protocol.py``'s concern.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Iterator
from functools import cached_property

from .errors import ProtocolError
from .static_typing import Any

# The largest message accepted, in bytes. QEMU itself limits one JSON token to 64 MiB; a peer
# that never ends its message must not use up all memory.
MAX_MESSAGE = 1 << 30
# QEMU nests its own messages a dozen deep; Python's JSON reader gives up near 1,000. (Two levels
# more may be accepted, for those are skipped together.)
MAX_DEPTH = 500
_LARGE_MESSAGE = 1 << 20  # characters
# Lines that are parsed together, and bytes of them. For one alone, that takes longer.
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 2, 1 << 16
_CONTAINERS = (dict, list)
_LARGEST_FLOAT = sys.float_info.max


class Notation:
    """What a stream of JSON values is made of.

    :ivar space: matches what may stand between two values.
    :ivar openings: the bytes that a value may begin with.
    :ivar last_bracket: matches a closing brace that may be the last of a value that began with an
        opening one, since nothing follows that could go on with it.
    :ivar to_bracket: outside a string: skips everything that does not change the nesting depth,
        complete strings, objects and lists included, up to the next bracket or to the start of a
        string that is not complete yet. Only objects and lists of at most two levels are skipped
        as a whole; with that, large messages are split in a third of the time.
    :ivar to_quote: inside a string that began with a certain quote: skips to its closing quote, or
        to an escape sequence that is cut off.
    """

    def __init__(self, *, space: bytes, openings: bytes, quotes: bytes) -> None:
        """
        :param space: the inside of a character class.
        :param quotes: the quotes of strings; an open string is closed by the same one.
        """
        self._space = space
        self.space = re.compile(rb"[%s]*" % space)
        self.openings = openings
        self._quotes = quotes
        # No possessive quantifiers here: Python 3.11.2, which Debian 12 has, gets them wrong.
        self._texts = {quote: rb"[^%c\\]*(?:\\.[^%c\\]*)*" % (quote, quote) for quote in quotes}

    # Compiled when a message is no line of its own, or is cut; that is 2 % of a start.

    @cached_property
    def last_bracket(self) -> re.Pattern[bytes]:
        return re.compile(rb"\}[%s]*(?:[^%s,}\]]|\Z)" % (self._space, self._space))

    @cached_property
    def to_quote(self) -> dict[int, re.Pattern[bytes]]:
        return {quote: re.compile(text, re.DOTALL) for quote, text in self._texts.items()}

    @cached_property
    def to_bracket(self) -> re.Pattern[bytes]:
        other = rb"[^%s{}\[\]]*" % self._quotes
        strings = rb"|".join(
            rb"%c%s%c" % (quote, text, quote) for quote, text in self._texts.items()
        )
        whole = strings
        for _ in range(2):
            inner = rb"%s(?:(?:%s)%s)*" % (other, whole, other)
            whole = rb"%s|\{%s\}|\[%s\]" % (strings, inner, inner)
        return re.compile(
            rb"%s(?:(?:%s)%s)*([{}\[\]%s]|\Z)" % (other, whole, other, self._quotes), re.DOTALL
        )


# The guest agent's delimiter 0xFF counts as white space: an earlier client may have left one.
SENT_BY_VM = Notation(space=rb" \t\r\n\xff", openings=b"{", quotes=b'"')
_HUMAN_MONITOR = re.compile(rb"QEMU [0-9.]+ monitor")


class NoObjectError(ProtocolError):
    """Something else was sent where an object should begin."""


class Framer:
    """Splits a stream of bytes into JSON objects, however the stream is cut into chunks.

    QEMU ends a message with CR LF (section "General Definitions" of ``qmp-spec.rst``), but a
    monitor made with ``pretty=on`` spreads one message over many lines, so what is not an object
    alone on its line is split by its brackets. The cost is linear in the number of bytes received.

    ``bool(framer)`` tells whether an object has begun and is not complete yet.
    """

    def __init__(self, limit: int = MAX_MESSAGE, notation: Notation = SENT_BY_VM) -> None:
        """
        :param limit: the largest object accepted, in bytes.
        :param notation: it may allow other values in the place of objects.
        """
        self._limit = limit
        self._notation = notation
        self._buffer = bytearray()
        self._start = 0  # where the next object begins in the buffer
        self._position = 0  # how far the next object has been examined
        self._depth = 0  # how many brackets are open there; 0: none has been examined yet
        self._quote = 0  # the quote of the string in which the examination has stopped
        self._searched = 0  # how far a newline has been looked for
        self._next_line = 0  # no object that begins before this is alone on its line
        self._stop: re.Pattern[bytes] | None = None

    def __bool__(self) -> bool:
        return len(self._buffer) > self._start

    def clear(self) -> None:
        """Discard what is buffered, and begin anew."""
        self._stop = None
        self._buffer.clear()
        self._start = self._position = self._depth = self._quote = 0
        self._searched = self._next_line = 0

    def skip_to(self, stop: re.Pattern[bytes]) -> None:
        """Discard what is buffered, and what will be fed, up to the first match.

        :param stop: matches single bytes, none of them within an object that has begun.
        """
        found = stop.search(self._buffer, self._start)
        if found is not None:
            self._start = self._position = found.start()
        else:
            self.clear()
            self._stop = stop

    def feed(self, data: bytes) -> None:
        """Append received bytes to the buffer."""
        if self._stop is not None:
            found = self._stop.search(data)
            if found is None:
                return
            self._stop = None
            data = data[found.start() :]
        self._buffer += data

    def next_lines(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the texts and the objects of several lines, as long as each is one object.

        That is how QEMU sends its messages. To take all that have arrived at once, instead of one
        by one, saves a fifth of the time that 100,000 events take. :meth:`next_message` takes what
        is left.
        """
        start = self._start
        is_long = len(self._buffer) - start > _MOST_AT_ONCE
        if self._depth or is_long or self._buffer.count(b"\n", start) < _FEWEST_AT_ONCE:
            return []
        end = self._buffer.rfind(b"\n", start) + 1
        try:
            text = decode_object(bytes(self._buffer[start:end]))
        except ProtocolError:
            return []
        newline = "\r\n" if text.endswith("\r\n") else "\n"
        *lines, _ = text.split(newline)
        found = list(_parse_lines(lines))
        if len(found) < len(lines):
            parsed = "".join(f"{line}{newline}" for line, _ in found)
            end = start + len(parsed.encode("utf-8", "surrogatepass"))
        if found:
            self._begin_line(end)
        return found

    def next_message(self) -> tuple[str, dict[str, Any]] | None:
        """Return the text of the next complete object, and the object; None if more must be fed.

        A line is parsed as a whole if that is possible, as it is for most messages: to examine its
        brackets first takes twice as long. The brackets are examined in a line that is not exactly
        one object, and in one that is incomplete but may hold the end of an object. Therefore an
        unmatched bracket, or too deep a nesting, may be reported only at the end of the line.

        :raise NoObjectError, ProtocolError: see :meth:`next_object` and :func:`parse_object`.
        """
        if self._start == len(self._buffer):
            self._drop_consumed()
            return None
        if self._may_begin_line():
            end = self._buffer.find(b"\n", max(self._start, self._searched))
            if end >= 0:
                found = self._parse_line(end)
                if found is not None:
                    return found
            elif not self._may_be_complete():
                self._keep_incomplete()
                return None
        data = self.next_object()
        if data is None:
            return None
        text = decode_object(data)
        del data  # which may be large
        return text, parse_object(text)

    def _may_begin_line(self) -> bool:
        """Whether the next object may be alone on its line."""
        if not self._depth and not self._buffer.startswith(b"{", self._start):
            self._skip_space()
        return self._start >= self._next_line and self._buffer.startswith(b"{", self._start)

    def _may_be_complete(self) -> bool:
        """Whether the buffer may contain the end of the next object; brackets are not counted.

        Only bytes that have come since the last call are searched.
        """
        start = self._searched if self._depth else self._position
        self._searched = len(self._buffer)
        if self._notation.last_bracket.search(self._buffer, start):
            return True
        if not self._depth:
            self._position = self._searched
        return False

    def _parse_line(self, end: int) -> tuple[str, dict[str, Any]] | None:
        """Parse a line; None: it is not one object, or one that is nested too deep.

        :param end: where its newline is.
        """
        buffer, start = self._buffer, self._start
        data = bytes(buffer[start : end - buffer.endswith(b"\r", start, end)])
        self._searched = self._next_line = end + 1
        try:
            text = decode_object(data)
        except ProtocolError:
            return None
        del data  # which may be large
        message = _parse_alone(text)
        if message is None:
            return None
        self._begin_line(end + 1)
        return text, message

    def _begin_line(self, start: int) -> None:
        """The next object begins at the start of a line."""
        self._start = self._position = self._searched = self._next_line = start
        self._depth = self._quote = 0

    def next_object(self) -> bytes | None:
        """Return the text of the next complete object; None if more must be fed first.

        :raise NoObjectError: no object begins where one should; :meth:`skip_to` goes on.
        :raise ProtocolError: the object is too large, or nested too deep.
        """
        end = self._find_end()
        if end is None:
            self._keep_incomplete()
            return None
        text = bytes(memoryview(self._buffer)[self._start : end])
        self._start = end
        return text

    def _keep_incomplete(self) -> None:
        """Keep an incomplete object in the buffer until more is received.

        :raise ProtocolError: it is larger than the limit already.
        """
        self._drop_consumed()
        if len(self._buffer) > self._limit:
            raise ProtocolError(f"a message of more than {self._limit} bytes was sent")

    def _drop_consumed(self) -> None:
        """Remove from the buffer the bytes of the objects that were returned."""
        del self._buffer[: self._start]
        self._position -= self._start
        self._searched -= self._start
        self._next_line -= self._start
        self._start = 0

    def _skip_space(self) -> int:
        """Skip what may stand between two objects; returns where the next one may begin."""
        space = self._notation.space.match(self._buffer, self._start)
        assert space is not None
        self._start = self._position = space.end()
        return self._start

    def _find_end(self) -> int | None:
        """Return where the next object ends in the buffer; None if it is not complete yet."""
        buffer = self._buffer
        if not self._depth:
            if self._skip_space() == len(buffer):
                return None
            if buffer[self._start] not in self._notation.openings:
                raise NoObjectError(_describe_peer(bytes(buffer[self._start : self._start + 200])))
            self._position += 1
            self._depth = 1
        while True:
            if self._quote:
                rest = self._notation.to_quote[self._quote].match(buffer, self._position)
                assert rest is not None
                self._position = rest.end()
                if self._position == len(buffer) or buffer[self._position] != self._quote:
                    return None
                self._position += 1
                self._quote = 0
            skipped = self._notation.to_bracket.match(buffer, self._position)
            assert skipped is not None
            self._position = skipped.end()
            bracket = skipped[1]
            if bracket in (b"{", b"["):
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise ProtocolError(f"a message nested more than {MAX_DEPTH} deep was sent")
            elif bracket in (b'"', b"'"):
                self._quote = bracket[0]
            elif bracket:
                self._depth -= 1
                if not self._depth:
                    return self._position
            else:
                return None


def _parse_lines(lines: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parse lines up to the first one that is not one object."""
    for text in lines:
        message = _parse_alone(text) if text.startswith("{") else None
        if message is None:
            return
        yield text, message


def _parse_alone(text: str) -> dict[str, Any] | None:
    """Parse what begins as an object; None: it is not exactly one, or one nested too deep."""
    try:
        message = parse_object(text)
    except ProtocolError:
        return None
    if len(text) > MAX_DEPTH and _is_deeper(message, text, MAX_DEPTH):
        return None
    return message


def decode_object(data: bytes) -> str:
    """The text of a JSON object, which is in UTF-8.

    :param data: what :meth:`Framer.next_object` returned.
    :raise ProtocolError: it cannot be decoded.
    """
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error.reason}") from None


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object. NaN and infinite numbers are not JSON.

    :param text: what :func:`decode_object` returned.
    :raise ProtocolError: the text is not valid JSON.
    """
    # A large message makes millions of Python objects. The garbage collector would traverse
    # all of them again and again, although none is garbage.
    pause_collector = len(text) > _LARGE_MESSAGE and gc.isenabled()
    if pause_collector:
        gc.disable()
    try:
        message: dict[str, Any]
        message, end = _DECODER.raw_decode(text)
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error}") from None
    except ValueError:
        raise ProtocolError("a broken message was sent: a number is too large") from None
    except RecursionError:
        raise ProtocolError("a message nested too deep was sent") from None
    finally:
        if pause_collector:
            gc.enable()
    return message


def _is_deeper(value: dict[str, Any], text: str, depth: int) -> bool:
    """Whether objects and lists are nested deeper than so many levels.

    :param text: the JSON of the value.
    """
    if text.count("{") + text.count("[") <= depth:
        return False
    level: list[Any] = [value]
    for _ in range(depth):
        level = [
            item
            for each in level
            for item in (each.values() if type(each) is dict else each)
            if type(item) in _CONTAINERS
        ]
        if not level:
            return False
    return True


def _parse_finite(text: str) -> float:
    value = float(text)
    if not -_LARGEST_FLOAT <= value <= _LARGEST_FLOAT:
        raise ValueError
    return value


_DECODER = json.JSONDecoder(parse_float=_parse_finite, parse_constant=_parse_finite)


def _describe_peer(data: bytes) -> str:
    """Say what the peer is, going by the first bytes it sent that are not QMP."""
    if _HUMAN_MONITOR.match(data):
        return "this is a human monitor, not QMP: give the address of a -qmp monitor (and -H)"
    shown = data.split(b"\n")[0].strip().decode("ascii", "backslashreplace")
    return f"the peer does not speak QMP: it sent {shown[:60]!r}"
