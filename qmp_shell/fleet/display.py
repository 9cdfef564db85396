"""What the script front end prints in the process of a VM: records for the process that prints."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConnectError, ConnectionLost, QMPError, Timeout, UsageError
from ..messages import CommandError, Event, Message
from ..output import STANDARD_ERROR, STANDARD_OUTPUT, Output, Writer
from ..render.formatter import Formatter
from ..render.text import format_compact
from ..render.views import Subject, format_for_program, json_view
from ..script import ErrorReport, ScriptDisplay, complain
from ..session import Settings
from .channel import Record, format_record

# What is not the VM's own error is shown as one of these kinds (the topic "many" of the manual).
_KINDS = (UsageError, ConnectError, ConnectionLost, Timeout)


class Channel:
    """The pipe to the process that prints: this one's standard output."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._writer = Writer(STANDARD_OUTPUT, "standard output")

    def send(self, record: Record) -> None:
        self._writer.write_bytes(format_record(record, self._mark))

    def send_failure(self, error: QMPError, view: str) -> None:
        """Send an error that is not a VM's reply, in the form of one."""
        kind = next((each for each in _KINDS if isinstance(error, each)), type(error))
        message = {"error": {"class": kind.__name__, "desc": str(error)}}
        self.send(Record((), view, (), True, format_compact(message)))


class VmDisplay(ScriptDisplay):
    """Sends messages as records; text is written as it is. (:class:`~qmp_shell.session.Display`)

    Nothing has a time limit: if the other process cannot write for too long, it ends this one.
    """

    def __init__(self, settings: Settings, formatter: Formatter, channel: Channel) -> None:
        super().__init__(settings, formatter)
        self._output = Output(STANDARD_OUTPUT)
        self._errors = Output(STANDARD_ERROR)
        self._channel = channel
        self._place: tuple[int, ...] = ()
        self._replies = 0  # to this line

    def begin_script_line(self, place: tuple[int, ...]) -> None:
        self._place, self._replies = place, 0

    def reply(self, subject: Subject, view: str) -> None:
        self._replies += 1
        body = format_for_program(subject, "compact")
        is_error = "error" in subject.message
        place = (*self._place, self._replies)
        self._channel.send(Record(place, view, subject.columns, is_error, body))

    def dry_run(self, message: Message) -> None:
        self._channel.send(Record((), "compact", (), False, format_compact(message)))

    def event(self, event: Event) -> None:
        view = json_view(self._settings.view)
        body = format_for_program(Subject(event.message, received=event), "compact")
        self._channel.send(Record((), view, (), False, body))

    def warning(self, text: str) -> None:
        complain(text)


class VmErrorReport(ErrorReport):
    """Reports failures on standard error, and those that no reply tells of as records too."""

    def __init__(
        self, settings: Settings, note: Callable[[QMPError], None], *, keep_going: bool
    ) -> None:
        super().__init__(settings, keep_going=keep_going)
        self._note = note

    def __call__(self, error: QMPError, place: str) -> bool:
        self._note(error)
        return super().__call__(error, place)


class VmOutput:
    """What the script front end prints to, in the process of a VM."""

    def __init__(self, mark: bytes, *, is_json: bool) -> None:
        """:param is_json: replies are shown, so that failures can be shown as replies are."""
        self._channel = Channel(mark)
        self._is_json = is_json
        self._view = "compact"

    def open(
        self, settings: Settings, formatter: Formatter, *, keep_going: bool
    ) -> tuple[VmDisplay, VmErrorReport]:
        """A display, and what reports failures."""
        self._view = settings.view
        report = VmErrorReport(settings, self.note, keep_going=keep_going)
        return VmDisplay(settings, formatter, self._channel), report

    def note(self, error: QMPError) -> None:
        """Show a failure as a reply, unless it is one that was shown."""
        if self._is_json and not isinstance(error, CommandError):
            self._channel.send_failure(error, self._view)
