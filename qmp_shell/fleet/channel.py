"""What the process of a VM writes to its standard output: messages as records, and text.

Text may come from other programs, whose output goes to the same pipe, and hold anything; but it
cannot hold the mark before a record, which only the two processes know. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

# A line of text that is longer is cut, for it may have no end. A record has an end.
_LONGEST_LINE = 1 << 16  # bytes


class Record(NamedTuple):
    """A message to be shown: a reply, an event, or what a dry run would send.

    :ivar place: which reply this is, to which line of the script, so that those of several VMs to
        one command can be found; empty: it is no reply.
    :ivar view: how it is to be shown.
    :ivar columns: those that were asked for.
    :ivar is_error: it is an error reply, or says what else went wrong.
    :ivar body: the message as JSON on one line, in ASCII.
    """

    place: tuple[int, ...]
    view: str
    columns: tuple[str, ...]
    is_error: bool
    body: str


def format_record(record: Record, mark: bytes) -> bytes:
    """Format a record, with the mark before it."""
    *header, body = record
    return mark + json.dumps(header).encode() + b"\n" + body.encode("ascii") + b"\n"


class ChannelReader:
    """Reads records and lines of text from pieces of bytes; takes linear time.

    :ivar is_amid_record: the rest of a record is to come, and will come soon.
    """

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer in which nothing is to be found any more
        self._header: bytes | None = None
        self.is_amid_record = False

    def feed(self, data: bytes) -> Iterator[Record | bytes]:
        """Yield what is complete now; text without its newlines."""
        self._buffer += data
        while (found := self._take()) is not None:
            yield found

    def finish(self) -> Iterator[bytes]:
        """Yield the text that no newline ends. A record that is not complete is dropped."""
        if self._buffer and not self.is_amid_record:
            yield bytes(self._buffer)
        self._buffer.clear()

    def _take(self) -> Record | bytes | None:
        if self.is_amid_record:
            return self._take_record()
        end = self._buffer.find(b"\n", self._scanned)
        until = end if end >= 0 else len(self._buffer)  # there is no newline in a mark
        start = self._buffer.find(self._mark, max(self._scanned - len(self._mark), 0), until)
        if start == 0:
            del self._buffer[: len(self._mark)]
            self._scanned = 0
            self.is_amid_record = True
            return self._take_record()
        if start > 0:
            return self._cut(start, 0)
        if end >= 0:
            return self._cut(end, 1)
        if len(self._buffer) > _LONGEST_LINE + len(self._mark):
            return self._cut(_LONGEST_LINE, 0)
        self._scanned = len(self._buffer)
        return None

    def _take_record(self) -> Record | None:
        for _ in range(2):  # the header's line, and that of the body
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(self._buffer)
                return None
            line = self._cut(end, 1)
            if self._header is not None:
                break
            self._header = line
        assert self._header is not None
        place, view, columns, is_error = json.loads(self._header)
        self._header = None
        self.is_amid_record = False
        return Record(tuple(place), view, tuple(columns), is_error, line.decode("ascii"))

    def _cut(self, end: int, newline: int) -> bytes:
        """Take bytes from the buffer, and the newline behind them."""
        taken = bytes(self._buffer[:end])
        del self._buffer[: end + newline]
        self._scanned = 0
        return taken
