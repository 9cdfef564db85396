"""Bytes to JSON objects, wherever the stream is cut. Knows nothing of what is in them."""

from __future__ import annotations

import gc
import json
import re
import sys
from typing import Any

from .errors import ProtocolError

# The largest message taken in. QEMU itself limits one token to 64 MiB; a peer that
# never ends its message must not eat all memory.
MAX_MESSAGE = 1 << 30
# QEMU nests its own messages a dozen deep; Python's JSON reader gives up near 1,000.
MAX_DEPTH = 500
_LARGE = 1 << 20
_LARGEST = sys.float_info.max

# From outside a string: over everything that can't change the depth, complete strings
# among it, to the next bracket or to a string that is not complete yet.
# (No possessive quantifiers here: Python 3.11.2, which is Debian 12's, gets them wrong.)
_NEXT = re.compile(rb'[^"{}\[\]]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}\[\]]*)*([{}\[\]"]|\Z)', re.DOTALL)
# From inside a string: to its end, or to an escape that is cut off.
_IN_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
# The guest agent's delimiter is blank here too: an earlier client may have left one behind.
_BLANK = re.compile(rb"[ \t\r\n\xff]*")
_HUMAN_MONITOR = re.compile(rb"QEMU [0-9.]+ monitor")


class Framer:
    """Cuts a stream of bytes into JSON objects, wherever they begin and end.

    QEMU ends a message with CR LF, but a monitor made with ``pretty=on`` spreads one
    over many lines, so brackets are counted instead of lines. Each byte is looked at
    once, however the stream is cut into pieces.
    """

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0  # of the object being received
        self._position = 0  # up to where it was looked at
        self._depth = 0
        self._in_string = False
        self._skip_through: int | None = None

    def __bool__(self) -> bool:
        """Whether a message has begun and not ended."""
        return len(self._buffer) > self._start

    def skip_through(self, byte: int) -> None:
        """Drop all up to and including the next such byte (see ``guest-sync-delimited``)."""
        self._skip_through = byte
        self._buffer.clear()
        self._start = self._position = self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        if self._skip_through is not None:
            where = data.find(self._skip_through)
            if where < 0:
                return
            self._skip_through = None
            data = data[where + 1 :]
        self._buffer += data

    def next_object(self) -> bytes | None:
        """Return the next object that is complete; None: more has to be received first.

        :raise ProtocolError: what comes next can't be the beginning of a QMP message.
        """
        end = self._end_of_object()
        if end is None:
            del self._buffer[: self._start]
            self._position -= self._start
            self._start = 0
            if len(self._buffer) > self._limit:
                raise ProtocolError(f"a message of more than {self._limit} bytes was sent")
            return None
        found = bytes(self._buffer[self._start : end])
        self._start = end
        return found

    def _end_of_object(self) -> int | None:
        """Go on to the end of the object that begins next; None: not all of it is here yet."""
        buffer = self._buffer
        if not self._depth:
            blank = _BLANK.match(buffer, self._start)
            assert blank is not None
            self._start = self._position = blank.end()
            if self._start == len(buffer):
                return None
            if buffer[self._start] != ord("{"):
                raise ProtocolError(_not_qmp(bytes(buffer[self._start : self._start + 200])))
        while True:
            if self._in_string:
                inside = _IN_STRING.match(buffer, self._position)
                assert inside is not None
                self._position = inside.end()
                if self._position == len(buffer) or buffer[self._position] != ord('"'):
                    return None
                self._position += 1
                self._in_string = False
            step = _NEXT.match(buffer, self._position)
            assert step is not None
            self._position = step.end()
            bracket = step[1]
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


def read_json(text: bytes) -> dict[str, Any]:
    """Read an object as JSON has it: finite numbers, no NaN.

    :raise ProtocolError: it is none.
    """
    # A large message makes millions of objects, and the collector would go through them all,
    # again and again, though none is garbage.
    pause = len(text) > _LARGE and gc.isenabled()
    if pause:
        gc.disable()
    try:
        message: dict[str, Any] = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except json.JSONDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error}") from None
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a broken message was sent: {error.reason}") from None
    except ValueError:
        raise ProtocolError("a broken message was sent: a number is too large") from None
    finally:
        if pause:
            gc.enable()
    return message


def _finite(text: str) -> float:
    value = float(text)
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError
    return value


def _not_qmp(data: bytes) -> str:
    """Say what else the other side may be."""
    if _HUMAN_MONITOR.match(data):
        return "this is a human monitor, not QMP: give the address of a -qmp monitor (and -H)"
    shown = data.split(b"\n")[0].strip().decode("ascii", "backslashreplace")
    return f"this does not speak QMP: it sent {shown[:60]!r}"
