"""Split a stream of bytes into JSON objects, and parse them.

No I/O. Knows nothing of QMP: which members an object has, and what they mean, is
``protocol.py``'s concern.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from typing import Any

from .errors import ProtocolError

# The largest message accepted, in bytes. QEMU itself limits one JSON token to 64 MiB; a peer
# that never ends its message must not use up all memory.
MAX_MESSAGE = 1 << 30
# QEMU nests its own messages a dozen deep; Python's JSON reader gives up near 1,000.
MAX_DEPTH = 500
_LARGE_MESSAGE = 1 << 20  # bytes
_LARGEST_FLOAT = sys.float_info.max

# Outside a string: skips everything that does not change the nesting depth, complete strings
# included, up to the next bracket or to the start of a string that is not complete yet.
# (No possessive quantifiers here: Python 3.11.2, which Debian 12 has, gets them wrong.)
_TO_BRACKET = re.compile(
    rb'[^"{}\[\]]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}\[\]]*)*([{}\[\]"]|\Z)', re.DOTALL
)
# Inside a string: skips to its closing quote, or to an escape sequence that is cut off.
_TO_QUOTE = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
# The guest agent's delimiter 0xFF counts as white space: an earlier client may have left one.
_WHITE_SPACE = re.compile(rb"[ \t\r\n\xff]*")
_HUMAN_MONITOR = re.compile(rb"QEMU [0-9.]+ monitor")


class Framer:
    """Splits a stream of bytes into JSON objects, however the stream is cut into chunks.

    QEMU ends a message with CR LF, but a monitor made with ``pretty=on`` spreads one message
    over many lines, so brackets are counted instead of lines. Each byte is examined once,
    so the cost is linear in the number of bytes received.

    ``bool(framer)`` tells whether an object has begun and is not complete yet.
    """

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        """:param limit: the largest object accepted, in bytes."""
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0  # where the next object begins in the buffer
        self._position = 0  # how far the buffer has been examined
        self._depth = 0
        self._in_string = False
        self._skip_through: int | None = None

    def __bool__(self) -> bool:
        return len(self._buffer) > self._start

    def skip_through(self, byte: int) -> None:
        """Discard what is buffered, and what will be fed up to and including the next ``byte``."""
        self._skip_through = byte
        self._buffer.clear()
        self._start = self._position = self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> None:
        """Append received bytes to the buffer."""
        if self._skip_through is not None:
            found = data.find(self._skip_through)
            if found < 0:
                return
            self._skip_through = None
            data = data[found + 1 :]
        self._buffer += data

    def next_object(self) -> bytes | None:
        """Return the text of the next complete object; None if more must be fed first.

        :raise ProtocolError: the buffered bytes can't be the beginning of a QMP message.
        """
        end = self._find_end()
        if end is None:
            del self._buffer[: self._start]
            self._position -= self._start
            self._start = 0
            if len(self._buffer) > self._limit:
                raise ProtocolError(f"a message of more than {self._limit} bytes was sent")
            return None
        text = bytes(self._buffer[self._start : end])
        self._start = end
        return text

    def _find_end(self) -> int | None:
        """Return where the next object ends in the buffer; None if it is not complete yet."""
        buffer = self._buffer
        if not self._depth:
            space = _WHITE_SPACE.match(buffer, self._start)
            assert space is not None
            self._start = self._position = space.end()
            if self._start == len(buffer):
                return None
            if buffer[self._start] != ord("{"):
                raise ProtocolError(_describe_peer(bytes(buffer[self._start : self._start + 200])))
        while True:
            if self._in_string:
                rest = _TO_QUOTE.match(buffer, self._position)
                assert rest is not None
                self._position = rest.end()
                if self._position == len(buffer) or buffer[self._position] != ord('"'):
                    return None
                self._position += 1
                self._in_string = False
            skipped = _TO_BRACKET.match(buffer, self._position)
            assert skipped is not None
            self._position = skipped.end()
            bracket = skipped[1]
            if bracket in (b"{", b"["):
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise ProtocolError(f"a message nested more than {MAX_DEPTH} deep was sent")
            elif bracket == b'"':
                self._in_string = True
            elif bracket:
                self._depth -= 1
                if not self._depth:
                    return self._position
            else:
                return None


def parse_object(text: bytes) -> dict[str, Any]:
    """Parse a JSON object in UTF-8. NaN and infinite numbers are not JSON.

    :param text: what :meth:`Framer.next_object` returned.
    :raise ProtocolError: the text is not valid JSON.
    """
    # A large message makes millions of Python objects. The garbage collector would traverse
    # all of them again and again, although none is garbage.
    pause_collector = len(text) > _LARGE_MESSAGE and gc.isenabled()
    if pause_collector:
        gc.disable()
    try:
        message: dict[str, Any] = json.loads(
            text, parse_float=_parse_finite, parse_constant=_parse_finite
        )
    except json.JSONDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error}") from None
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error.reason}") from None
    except ValueError:
        raise ProtocolError("a broken message was sent: a number is too large") from None
    finally:
        if pause_collector:
            gc.enable()
    return message


def _parse_finite(text: str) -> float:
    value = float(text)
    if not -_LARGEST_FLOAT <= value <= _LARGEST_FLOAT:
        raise ValueError
    return value


def _describe_peer(data: bytes) -> str:
    """Say what the peer is, going by the first bytes it sent that are not QMP."""
    if _HUMAN_MONITOR.match(data):
        return "this is a human monitor, not QMP: give the address of a -qmp monitor (and -H)"
    shown = data.split(b"\n")[0].strip().decode("ascii", "backslashreplace")
    return f"the peer does not speak QMP: it sent {shown[:60]!r}"
