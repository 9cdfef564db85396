"""The messages of QMP as Python values.

Knows nothing of the order in which they come, which ``protocol.py`` does, nor of bytes.
Sections named below are those of QEMU's ``docs/interop/qmp-spec.rst``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import ProtocolError, QMPError

Message = dict[str, Any]
"""A JSON object, as it is sent or received."""

_LATEST_TIMESTAMP = 1 << 40  # seconds; the C library can't convert much later times to a date


def command_of(message: Message) -> str:
    """Return the name of the command that a message executes.

    :param message: ``{"execute": NAME, ...}`` or ``{"exec-oob": NAME, ...}``.
    :return: empty if the message executes none.
    """
    name = message.get("execute", message.get("exec-oob", ""))
    return name if isinstance(name, str) else ""


def arguments_of(message: Message) -> Message:
    """Return the ``arguments`` of a command; empty if there are none, or they are no object."""
    arguments = message.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


class Request:
    """A command that was sent, or is about to be.

    :ivar message: the message as the caller gave it.
    :ivar identity: the ``id`` that it was sent with.
    :ivar own_id: whether that ``id`` was added here; it is then removed from the reply.
    :ivar quiet: nobody wants to see a late reply to it.
    :ivar abandoned: set by the client when the caller stops waiting for the reply.
    :ivar reply: set by the client when it delivers the reply; None until then.
    """

    def __init__(self, message: Message, identity: Any, *, own_id: bool, quiet: bool) -> None:
        self.message = message
        self.identity = identity
        self.own_id = own_id
        self.quiet = quiet
        self.abandoned = False
        self.reply: Reply | None = None

    def __repr__(self) -> str:
        return f"<Request {self.name}>"

    @property
    def name(self) -> str:
        """The command's name, to be shown; ``message`` if there is none."""
        return command_of(self.message) or "message"


class Outgoing(NamedTuple):
    """A command ready to be sent.

    :ivar request: stands for the command until its reply comes.
    :ivar message: the message as it is on the wire, with its ``id``.
    :ivar data: the bytes to send.
    """

    request: Request
    message: Message
    data: bytes


class Greeting(NamedTuple):
    """The first message of a QMP monitor (section "Server Greeting").

    :ivar message: ``{"QMP": {"version": ..., "capabilities": [...]}}``.
    """

    message: Message


class Reply(NamedTuple):
    """The answer to a command: ``{"return": ...}`` or ``{"error": {"class": ..., "desc": ...}}``.

    :ivar message: as received, members in the same order, without an ``id`` added here.
    :ivar request: the command that it answers.
    :ivar wire: exactly as received.
    """

    message: Message
    request: Request
    wire: Message

    @property
    def name(self) -> str:
        """The name of the command that this answers."""
        return self.request.name

    @property
    def is_error(self) -> bool:
        """Whether the command was refused."""
        return "error" in self.message


class Negotiated(NamedTuple):
    """The handshake has ended well: commands are accepted from now on.

    :ivar reply: the reply to ``qmp_capabilities`` or ``guest-sync-delimited``.
    """

    reply: Reply


class CommandError(QMPError):
    """The VM refused a command (section "Error").

    :ivar reply: the whole reply.
    :ivar error_class: QMP's error class; nearly always ``GenericError``.
    :ivar description: QEMU's own description.
    :ivar hint: advice, if more is known than the VM says; else empty.
    """

    hint = ""

    def __init__(self, reply: Reply) -> None:
        error: Any = reply.message["error"]
        if not isinstance(error, dict):
            error = {"desc": error}
        self.reply = reply
        self.error_class = str(error.get("class", "GenericError"))
        self.description = str(error.get("desc", ""))
        super().__init__(f"{reply.name}: {self.error_class}: {self.description}")


class Event(NamedTuple):
    """An asynchronous event (section "Asynchronous events").

    :ivar message: ``{"event": NAME, "data": {...}, "timestamp": {...}}``.
    """

    message: Message

    @property
    def name(self) -> str:
        """The event's name, for example ``STOP``."""
        return str(self.message["event"])

    @property
    def data(self) -> Message:
        """The event's data; empty for an event that has none."""
        data = self.message.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def timestamp(self) -> float:
        """Seconds since the epoch, by the host's clock; 0.0 if the host could not tell."""
        stamp = self.message.get("timestamp")
        if not isinstance(stamp, dict):
            return 0.0
        seconds, micros = stamp.get("seconds"), stamp.get("microseconds")
        if not isinstance(seconds, int) or not isinstance(micros, int):
            return 0.0
        return seconds + micros / 1e6 if 0 <= seconds < _LATEST_TIMESTAMP and micros >= 0 else 0.0


class LateReply(NamedTuple):
    """The reply to a command whose caller no longer waits for it.

    :ivar reply: the reply.
    """

    reply: Reply


class StrayReply(NamedTuple):
    """A reply that answers none of the commands sent.

    :ivar message: as received.
    """

    message: Message


class StaleReply(NamedTuple):
    """A guest agent's reply to an earlier client, received while synchronizing; to be ignored.

    :ivar message: as received.
    """

    message: Message


class Violation(NamedTuple):
    """The peer broke the protocol; nothing can be received or sent after this.

    :ivar error: what it did.
    """

    error: ProtocolError


Unsolicited = Event | LateReply | StrayReply
"""What arrives without anyone waiting for it."""

ReceivedMessage = Greeting | Negotiated | Reply | LateReply | StrayReply | StaleReply | Event
"""One message from the peer."""

Received = ReceivedMessage | Violation
"""One item of what :meth:`.protocol.Conversation.receive_data` returns."""


def wire_message(received: ReceivedMessage) -> Message:
    """Return a received message exactly as it was on the wire."""
    if isinstance(received, (Negotiated, LateReply)):
        return received.reply.wire
    return received.wire if isinstance(received, Reply) else received.message


def reply_of(received: Received) -> Reply | None:
    """Return the reply to a command; None if what was received is something else."""
    if isinstance(received, (Negotiated, LateReply)):
        return received.reply
    return received if isinstance(received, Reply) else None


def is_quiet(received: ReceivedMessage) -> bool:
    """Return whether a received message answers a quiet command."""
    reply = reply_of(received)
    return reply is not None and reply.request.quiet
