"""Running the lines of a script, one after the other."""

from __future__ import annotations

import os
import select
import stat
from collections import deque
from collections.abc import Callable, Iterator

from ..errors import ConnectionLost, QMPError, ReportedError, UsageError, explain_os_error
from ..language import LineJoiner, LogicalLine, ParseError, StatementParser
from ..messages import Message
from ..polling import read_input
from ..static_typing import TYPE_CHECKING, Protocol
from ..vm import Attachment
from .ahead import SentCommand
from .settings import Settings

if TYPE_CHECKING:
    from io import BufferedReader

    from .display import Display
    from .user import User

# A script that runs itself would never end.
_DEEPEST = 16
# How many commands are read before the reply to the first of them is shown.
_MOST_AHEAD = 64
LONGEST_LINE = 64 << 20
"""Bytes that a line of a script may have; QEMU accepts no longer JSON token."""
_READ_BYTES = 1 << 16

Reporter = Callable[[QMPError, str], bool]
"""Tells the user of a failure in a script, and of its place; returns whether to go on."""


class ScriptSession(Protocol):
    """What a script needs of a :class:`~qmp_shell.session.Session`."""

    attachment: Attachment
    display: Display
    settings: Settings
    parser: StatementParser
    user: User | None
    is_finished: bool

    def join_line(self, joiner: LineJoiner, line: str) -> LogicalLine | None:
        """Add a physical line to those before it."""

    def run(self, line: LogicalLine) -> None:
        """Do what a logical line says."""

    def read_ahead(self, line: LogicalLine) -> Message | None:
        """The message of a line that may be sent before earlier replies are shown."""

    def send_ahead(
        self, line: LogicalLine, message: Message, after: SentCommand | None
    ) -> SentCommand:
        """Send it, if what was sent before succeeds."""

    def show(self, sent: SentCommand) -> None:
        """Show the reply to it."""


class Input(Protocol):
    """Where the lines of a script come from."""

    def place(self, line: int, column: int | None = None) -> str:
        """What stands before an error: the place in this input, numbered from 1."""

    def lines(self, session: ScriptSession) -> Iterator[bytes | None]:
        """Yield physical lines, with or without their newlines; None: the next one may take long.

        :raise UsageError: they cannot be read.
        """


class FileInput:
    """A script file, or what a program writes to a FIFO."""

    def __init__(self, path: str) -> None:
        self.path = path

    def place(self, line: int, column: int | None = None) -> str:
        return format_place(self.path, line, column)

    def lines(self, session: ScriptSession) -> Iterator[bytes | None]:
        with self._open() as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield from self._lines_of(file)
            else:
                yield from lines_as_they_come(session, file.fileno(), self.path)

    def _open(self) -> BufferedReader:
        try:
            return open(self.path, "rb", opener=_open_at_once)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from None

    def _lines_of(self, file: BufferedReader) -> Iterator[bytes]:
        try:
            while line := file.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise _line_too_long(self.path)
                yield line
        except OSError as error:
            raise _unreadable(self.path, error) from None


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; for a FIFO that nobody writes to yet, the first line is waited for later."""
    return os.open(path, flags | os.O_NONBLOCK)


def lines_as_they_come(
    session: ScriptSession, descriptor: int, name: str
) -> Iterator[bytes | None]:
    """The lines of an input that another program writes meanwhile; see :meth:`Input.lines`.

    While the next one is awaited, what the VM sends is received.

    :param name: what the input is called in an error message.
    :raise UsageError: they cannot be read.
    :raise ConnectionLost: the VM has ended, whose events the script waits for.
    """
    buffer = bytearray()
    while True:
        if not select.select([descriptor], [], [], 0)[0]:
            yield None
        if session.attachment.is_connected:
            _receive_until_readable(session, descriptor)
        try:
            data = read_input(descriptor, _READ_BYTES)
        except OSError as error:
            raise _unreadable(name, error) from None
        if not data:
            break
        scanned = len(buffer)
        buffer += data
        start = 0
        while (end := buffer.find(b"\n", max(start, scanned))) >= 0:
            yield bytes(buffer[start : end + 1])
            start = end + 1
        del buffer[:start]
        if len(buffer) > LONGEST_LINE:
            raise _line_too_long(name)
    if buffer:
        yield bytes(buffer)


def _receive_until_readable(session: ScriptSession, descriptor: int) -> None:
    try:
        session.attachment.client.wait_until_readable(descriptor)
    except ConnectionLost:
        # Only a line that needs the VM suffers from that, and will say so; unless the script
        # waits for events.
        if session.user is None and session.settings.events:
            raise


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    return UsageError(f"{name}: {explain_os_error(error)}")


def _line_too_long(name: str) -> UsageError:
    """The error for a line that may have no end."""
    return UsageError(f"{name}: a line of more than {LONGEST_LINE >> 20} MiB")


def format_place(name: str, line: int, column: int | None) -> str:
    """A place in a file as compilers name it."""
    return f"{name}:{line}: " if column is None else f"{name}:{line}:{column}: "


class _SentLine:
    """A line whose command was sent ahead, and where it stands.

    :ivar place: see :meth:`.display.Display.begin_script_line`.
    """

    def __init__(
        self, sent: SentCommand, script: Input, number: int, place: tuple[int, ...]
    ) -> None:
        self.sent = sent
        self.script = script
        self.number = number
        self.place = place


class ScriptRunner:
    """Runs scripts in a session, and the scripts that they run."""

    def __init__(self, session: ScriptSession, report: Reporter, *, keep_going: bool) -> None:
        """:param keep_going: ``report`` does not end a script because of a failed command."""
        self._session = session
        self._report = report
        self._keep_going = keep_going
        self._depth = 0
        self._counts = [0]  # of inputs and of lines, in turn, from the outermost script to this one
        self._ahead: deque[_SentLine] = deque()  # sent, and not shown yet

    def run_file(self, path: str) -> None:
        """Run the lines of a file, from within a script or at a prompt.

        :raise ReportedError: a failure ended it.
        :raise UsageError: it cannot be read, or scripts are nested too deep.
        """
        if self._depth == _DEEPEST:
            raise UsageError(f"{path}: scripts are nested more than {_DEEPEST} deep")
        parser = self._session.parser
        was_in_transaction = parser.in_transaction
        self._depth += 1
        try:
            self.run(FileInput(path), continues=was_in_transaction)
        except BaseException:
            if not was_in_transaction:  # what is typed next is not for the one that the file began
                parser.discard_transaction()
            raise
        finally:
            self._depth -= 1

    def run(self, script: Input, *, continues: bool = False) -> None:
        """Run the lines of an input.

        :param continues: a transaction may stay open at its end.
        :raise ReportedError: a failure ended it.
        :raise UsageError, ConnectionLost: the lines cannot be read (any more).
        """
        self._counts[-1] += 1
        self._counts.append(0)
        try:
            self._run_lines(script, continues=continues)
        finally:
            self._counts.pop()

    def _run_lines(self, script: Input, *, continues: bool) -> None:
        session = self._session
        joiner = LineJoiner()
        number = 0
        try:
            for raw in script.lines(session):
                if raw is None:
                    self._show_all()
                    continue
                number += 1
                line = session.join_line(joiner, _decode(raw, is_first=number == 1))
                if line is not None:
                    self._take(line, script, number)
                if session.is_finished:
                    break
            self._show_all()
        except (UsageError, ConnectionLost):  # no more lines can be read
            self._show_all()
            raise
        finally:
            self._ahead.clear()
        if joiner.needs_more:
            self._attempt(joiner.finish(), script, number)
        is_last = session.is_finished or not continues
        if is_last and session.parser.in_transaction:
            session.parser.discard_transaction()
            error = UsageError("a transaction( is open at the end; close it with )")
            self._fail(error, script.place(number))

    def _take(self, line: LogicalLine, script: Input, number: int) -> None:
        """Send a line before earlier replies are shown if that is allowed, else run it after that.

        :raise ReportedError: a failure ends the script.
        """
        message = self._session.read_ahead(line)
        if message is None:
            self._show_all()
            self._attempt(line, script, number)
            return
        self._counts[-1] += 1
        after = self._ahead[-1].sent if self._ahead and not self._keep_going else None
        try:
            sent = self._session.send_ahead(line, message, after)
        except QMPError as error:
            self._show_all()
            self._fail(error, script.place(number))
            return
        self._ahead.append(_SentLine(sent, script, number, tuple(self._counts)))
        if len(self._ahead) > _MOST_AHEAD:
            self._show_first()
            while len(self._ahead) > 1 and self._ahead[0].sent.is_answered:
                self._show_first()

    def _show_all(self) -> None:
        while self._ahead:
            self._show_first()

    def _show_first(self) -> None:
        """Show what was sent first, when its reply is there.

        :raise ReportedError: a failure ends the script.
        """
        first = self._ahead[0]
        self._session.display.begin_script_line(first.place)
        try:
            try:
                self._session.show(first.sent)
            finally:
                self._ahead.popleft()
        except QMPError as error:
            self._fail(error, first.script.place(first.number))

    def show_in_turn(self, show: Callable[[], None]) -> None:
        """Show an event that was received, once the replies received before it are shown."""
        last: SentCommand | None = None
        for each in self._ahead:
            if not each.sent.is_answered:
                break
            last = each.sent
        if last is None:
            show()
        else:
            last.later.append(show)

    def _attempt(self, line: LogicalLine, script: Input, number: int) -> None:
        """Run a line; a failure is reported with its place.

        :param number: the number of the line's last physical line.
        :raise ReportedError: a failure ends the script.
        """
        self._counts[-1] += 1
        self._session.display.begin_script_line(tuple(self._counts))
        try:
            self._session.run(line)
        except ReportedError:
            raise
        except QMPError as error:
            self._fail(error, _place(script, error, number))

    def _fail(self, error: QMPError, place: str) -> None:
        self._session.parser.mark_invalid()
        if not self._report(error, place):
            raise ReportedError(error) from None


def _place(script: Input, error: QMPError, line: int) -> str:
    if isinstance(error, ParseError) and error.source is not None:
        position = error.source.position(error.offset)
        return script.place(position.line, position.column)
    return script.place(line)


def _decode(raw: bytes, *, is_first: bool) -> str:
    """A line's text. A byte that is not UTF-8 becomes a surrogate, which _check_text() finds."""
    text = raw.decode("utf-8", "surrogateescape")
    return (text.removeprefix("\ufeff") if is_first else text).rstrip("\r\n")
