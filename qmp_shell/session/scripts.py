"""The lines of a script: run one after the other, each failure told with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..errors import QMPError, Told, UsageError
from ..language import LineJoiner, LogicalLine, ParseError

if TYPE_CHECKING:
    from .session import Session

# A script that runs itself would go on for ever.
_DEEPEST = 16


class Input(Protocol):
    """Where lines come from."""

    def place(self, line: int, column: int | None = None) -> str:
        """How a place in it is named in front of an error."""

    def lines(self, session: Session) -> Iterator[bytes]:
        """Yield physical lines; the newline may be there or not.

        :raise UsageError: they can't be read.
        """


class FileInput(NamedTuple):
    """A script file."""

    path: str

    def place(self, line: int, column: int | None = None) -> str:
        return place_in(self.path, line, column)

    def lines(self, _: Session) -> Iterator[bytes]:
        try:
            with open(self.path, "rb") as file:
                yield from file
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from None


def place_in(name: str, line: int, column: int | None) -> str:
    """A place as compilers name it."""
    return f"{name}:{line}: " if column is None else f"{name}:{line}:{column}: "


def run_lines(session: Session, item: Input, *, goes_on: bool = False) -> None:
    """Run an input's lines; ``session.report`` is told of failures, and says whether to go on.

    :param goes_on: a transaction may stay open at the end.
    :raise Told: a failure ends it.
    :raise UsageError, ConnectionLost: the lines can't be read (any more).
    """
    reader = LineJoiner()
    number = 0

    def attempt(step: Callable[[], None]) -> None:
        try:
            step()
        except Told:
            raise
        except QMPError as error:
            session.spoil_transaction()
            if not session.report(error, _where(item, error, number)):
                raise Told(error) from None

    for raw in item.lines(session):
        number += 1
        source = session.read(reader, _decode(raw, number))
        if source is not None:
            attempt(lambda source=source: _run(session, source))  # type: ignore[misc]
        if session.done:
            return
    if reader.needs_more:
        attempt(lambda: _run(session, reader.finish()))
    if not goes_on:
        attempt(session.end_transaction)


def source_file(session: Session, path: str) -> None:
    """Run the lines of a file, from within a script or a prompt.

    :raise Told: a failure ends it.
    :raise UsageError: it can't be read, or files are nested too deep.
    """
    if session.depth == _DEEPEST:
        raise UsageError(f"{path}: scripts are nested more than {_DEEPEST} deep")
    was_open = session.in_transaction
    session.depth += 1
    try:
        run_lines(session, FileInput(path), goes_on=was_open)
    except KeyboardInterrupt:
        if not was_open:
            session.drop_transaction()
        raise
    finally:
        session.depth -= 1


def _run(session: Session, source: LogicalLine) -> None:
    """Run a whole line.

    :raise ParseError: a byte of it is not UTF-8, or is NUL.
    """
    if "\0" in source.text:
        error = ParseError("there is a NUL byte in this line", source.text.index("\0"))
        error.source = source
        raise error
    if not source.text.isascii():
        try:
            source.text.encode()
        except UnicodeEncodeError as where:
            error = ParseError("this is not UTF-8", where.start)
            error.source = source
            raise error from None
    session.run(source)


def _where(item: Input, error: QMPError, line: int) -> str:
    if isinstance(error, ParseError) and error.source is not None:
        position = error.source.position(error.offset)
        return item.place(position.line, position.column)
    return item.place(line)


def _decode(raw: bytes, number: int) -> str:
    """A line's text; a byte that is not UTF-8 becomes a surrogate, for :func:`_run` to find."""
    text = raw.decode("utf-8", "surrogateescape")
    return (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r\n")
