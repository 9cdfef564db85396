"""The script front end: lines from a pipe, a file or ``-c``; one JSON reply a line.

Replies go to standard output, all else to standard error. Nothing here needs a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

from .errors import ConnectionLost, QMPError, UsageError
from .language import ParseError, Reader, Source
from .protocol import CommandError, Event, Message, Reply
from .render.text import clean, compact, one_line, pretty
from .shell import Session, Settings

_READ_BYTES = 1 << 16


class ScriptDisplay:
    """Writes a session's answers for a program to read."""

    def __init__(self, settings: Settings, *, colour: bool = False) -> None:
        self._settings = settings
        self._colour = colour

    def reply(self, reply: Reply) -> None:
        self._put(reply.message)

    def draft(self, message: Message) -> None:
        print(compact(message), flush=True)  # noqa: T201

    def remark(self, text: str) -> None:
        """A program reads this."""

    def text(self, text: str) -> None:
        print(clean(text), flush=True)  # noqa: T201

    def event(self, event: Event) -> None:
        self._put(event.message)

    def late(self, reply: Reply) -> None:
        """Who gave up waiting has been told so already."""

    def stray(self, message: Message) -> None:
        complain(f"an answer to nothing was sent: {compact(message)}")

    def warn(self, text: str) -> None:
        complain(text)

    def trace(self, direction: str, message: Message) -> None:
        print(direction, compact(message), file=sys.stderr, flush=True)  # noqa: T201

    def _put(self, message: Message) -> None:
        text = pretty(message, ascii_only=True) if self._settings.pretty else compact(message)
        if self._colour:
            from .render.colour import colour_json

            text = colour_json(text)
        print(text, flush=True)  # noqa: T201


class Input(Protocol):
    """Where lines come from."""

    def place(self, line: int, column: int | None = None) -> str:
        """How a place in it is named in front of an error."""

    def lines(self, session: Session) -> Iterator[bytes]:
        """Yield physical lines; the newline may be there or not.

        :raise UsageError: they can't be read.
        """


def _place(name: str, line: int, column: int | None) -> str:
    return f"{name}:{line}: " if column is None else f"{name}:{line}:{column}: "


class LineInput(NamedTuple):
    """A line given with ``-c``; it may hold newlines."""

    text: str

    def place(self, _: int, column: int | None = None) -> str:
        return "" if column is None else f"column {column}: "

    def lines(self, _: Session) -> Iterator[bytes]:
        return iter(os.fsencode(self.text).split(b"\n"))


class FileInput(NamedTuple):
    """A script file."""

    path: str

    def place(self, line: int, column: int | None = None) -> str:
        return _place(self.path, line, column)

    def lines(self, _: Session) -> Iterator[bytes]:
        try:
            with open(self.path, "rb") as file:
                yield from file
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from None


class StandardInput:
    """Standard input. While the next line is awaited, the VM is listened to."""

    def place(self, line: int, column: int | None = None) -> str:
        return _place("<stdin>", line, column)

    def lines(self, session: Session) -> Iterator[bytes]:
        if sys.stdin is None:  # Python's way to say that it was closed before the start
            return
        descriptor = sys.stdin.fileno()
        rest = bytearray()
        while data := self._read(session, descriptor):
            begin = len(rest)
            rest += data
            start = 0
            while (end := rest.find(b"\n", max(start, begin))) >= 0:
                yield bytes(rest[start : end + 1])
                start = end + 1
            del rest[:start]
        if rest:
            yield bytes(rest)

    def _read(self, session: Session, descriptor: int) -> bytes:
        if session.connected:
            self._listen_until_readable(session, descriptor)
        return os.read(descriptor, _READ_BYTES)

    @staticmethod
    def _listen_until_readable(session: Session, descriptor: int) -> None:
        readable = False

        def note() -> None:
            nonlocal readable
            readable = True

        client = session.client
        client.watch(descriptor, note)
        try:
            client.wait(lambda: readable)
        except ConnectionLost:
            # Only a line that needs the VM suffers from that, and will say so; unless it is
            # events that are waited for.
            if session.settings.events:
                raise
        finally:
            client.unwatch(descriptor)


def complain(message: str) -> None:
    """Say on standard error, in one line, what is wrong."""
    if sys.stderr is not None:
        print(f"qmp-shell: {one_line(message)}", file=sys.stderr, flush=True)  # noqa: T201


def run_script(session: Session, inputs: list[Input], *, keep_going: bool) -> int:
    """Run all lines of all inputs, and say what fails.

    :param keep_going: go on after a failed line.
    :return: the exit status: 0, or that of the first failure.
    """
    status = 0
    for item, following in zip(inputs, [*inputs[1:], None], strict=True):
        # A transaction may be given in several -c, one line each.
        goes_on = isinstance(item, LineInput) and isinstance(following, LineInput)
        try:
            for error in _failures(session, item, goes_on):
                status = status or error.exit_status
                if not keep_going or isinstance(error, ConnectionLost):
                    return status
        except (UsageError, ConnectionLost) as error:  # of the input as a whole
            complain(str(error))
            status = status or error.exit_status
            if not keep_going or isinstance(error, ConnectionLost):
                return status
        if session.done:
            break
    return status


def _failures(session: Session, item: Input, goes_on: bool) -> Iterator[QMPError]:
    """Run an input's lines; name each failure on standard error, and yield it.

    :param goes_on: a transaction may stay open at the end.
    """
    reader = Reader()
    number = 0

    def attempt(step: Callable[[], None]) -> Iterator[QMPError]:
        try:
            step()
        except QMPError as error:
            complain(_where(item, error, number) + str(error) + _hint(error))
            session.spoil_transaction()
            yield error

    for raw in item.lines(session):
        number += 1
        source = session.read(reader, _decode(raw, number))
        if source is not None:
            yield from attempt(partial(_run, session, source))
        if session.done:
            return
    if reader.open:
        yield from attempt(partial(_run, session, reader.flush()))
    if not goes_on:
        yield from attempt(session.end_transaction)


def _run(session: Session, source: Source) -> None:
    """Run a whole line.

    :raise ParseError: a byte of it is not UTF-8.
    """
    if not source.text.isascii():
        try:
            source.text.encode()
        except UnicodeEncodeError as where:
            error = ParseError("this is not UTF-8", where.start)
            error.source = source
            raise error from None
    session.run(source)


def _hint(error: QMPError) -> str:
    hint = error.hint if isinstance(error, CommandError) else ""
    return f" (hint: {hint})" if hint else ""


def _where(item: Input, error: QMPError, line: int) -> str:
    if isinstance(error, ParseError) and error.source is not None:
        position = error.source.position(error.offset)
        return item.place(position.line, position.column)
    return item.place(line)


def _decode(raw: bytes, number: int) -> str:
    """A line's text; a byte that is not UTF-8 becomes a surrogate, for :func:`_run` to find."""
    text = raw.decode("utf-8", "surrogateescape")
    return (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r\n")
