"""The messages of QMP as Python values.

Knows nothing of the order in which they come, which ``protocol.py`` does, nor of bytes.
Sections named below are those of QEMU's ``docs/interop/qmp-spec.rst``.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import ProtocolError, QMPError
from .static_typing import Any

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


def human_message(line: str, cpu: int | None = None) -> Message:
    """The ``human-monitor-command`` that executes a line in the human monitor.

    :param cpu: the CPU that the line is about; None: QEMU's default.
    """
    arguments: Message = {"command-line": line}
    if cpu is not None:
        arguments["cpu-index"] = cpu
    return {"execute": "human-monitor-command", "arguments": arguments}


def is_out_of_band(message: Message) -> bool:
    """Whether a command is executed at once, and not behind those before it."""
    return "exec-oob" in message


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
    :ivar on_reply: the client calls it with the reply; None: somebody waits for that.
    :ivar following: the commands that the client sends when it delivers a good reply.
    """

    def __init__(self, message: Message, identity: Any, *, own_id: bool, quiet: bool) -> None:
        self.message = message
        self.identity = identity
        self.own_id = own_id
        self.quiet = quiet
        self.abandoned = False
        self.reply: Reply | None = None
        self.on_reply: Callable[[Reply], object] | None = None
        self.following: list[Outgoing] = []

    def __repr__(self) -> str:
        return f"<Request {self.name}>"

    @property
    def is_owed(self) -> bool:
        """Whether its reply, once it comes, is to be shown as a late one."""
        return self.abandoned and not self.quiet

    @property
    def is_out_of_band(self) -> bool:
        """Whether its reply may come before those to older commands."""
        return is_out_of_band(self.message)

    @property
    def name(self) -> str:
        """The command's name, to be shown; ``message`` if there is none."""
        return command_of(self.message) or "message"


class Outgoing:
    """A command ready to be sent.

    :ivar request: stands for the command until its reply comes.
    :ivar message: the message as it is on the wire, with its ``id``.
    :ivar data: the bytes to send.
    """

    __slots__ = ("data", "message", "request")

    def __init__(self, request: Request, message: Message, data: bytes) -> None:
        self.request = request
        self.message = message
        self.data = data


# Plain classes from here on: each start would have to wait for a NamedTuple to be made.


class ReceivedMessage:
    """One message from the peer; the subclasses say of which kind.

    :ivar wire: the message exactly as it was received.
    :ivar text: its JSON, as it was received; empty if it was not received over a connection.
    """

    __slots__ = ("text", "wire")

    def __init__(self, wire: Message) -> None:
        self.wire = wire
        self.text = ""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._members() == other._members()

    __hash__ = None  # type: ignore[assignment]  # a message is a dictionary

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._members()))})"

    def _members(self) -> tuple[object, ...]:
        return (self.wire,)

    @property
    def message(self) -> Message:
        """The message, as it is shown to the user."""
        return self.wire

    @property
    def answered(self) -> Request | None:
        """The command that this answers; None: it answers none."""
        return None

    @property
    def line(self) -> str | None:
        """The JSON of :attr:`message` as it was received, if that is one line of printable ASCII.

        Python would write the same values again, which takes longer than to receive them.
        """
        text = self.text
        # JSON has no other control characters. (One by one is ten times as fast as in a loop.)
        is_plain = "\n" not in text and "\r" not in text and "\t" not in text and "\x7f" not in text
        return text if text and text.isascii() and is_plain else None


class Greeting(ReceivedMessage):
    """The first message of a QMP monitor (section "Server Greeting").

    ``{"QMP": {"version": ..., "capabilities": [...]}}``
    """

    __slots__ = ()


class Event(ReceivedMessage):
    """An asynchronous event (section "Asynchronous events").

    ``{"event": NAME, "data": {...}, "timestamp": {"seconds": ..., "microseconds": ...}}``

    :ivar name: the event's name, for example ``STOP``.
    """

    __slots__ = ("name",)

    def __init__(self, wire: Message) -> None:
        super().__init__(wire)
        self.name = str(wire["event"])

    @property
    def data(self) -> Message:
        """The event's data; empty for an event that has none."""
        data = self.wire.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def timestamp(self) -> float:
        """Seconds since the epoch, by the host's clock; 0.0 if the host could not tell."""
        stamp = self.wire.get("timestamp")
        if not isinstance(stamp, dict):
            return 0.0
        seconds, micros = stamp.get("seconds"), stamp.get("microseconds")
        if not isinstance(seconds, int) or not isinstance(micros, int):
            return 0.0
        is_valid = 0 <= seconds < _LATEST_TIMESTAMP and 0 <= micros < 1_000_000
        return seconds + micros / 1e6 if is_valid else 0.0


class Reply(ReceivedMessage):
    """The answer to a command: ``{"return": ...}`` or ``{"error": {"class": ..., "desc": ...}}``.

    :ivar request: the command that it answers.
    """

    __slots__ = ("_message", "request")

    def __init__(self, wire: Message, request: Request) -> None:
        super().__init__(wire)
        self.request = request
        self._message = wire
        if request.own_id and "id" in wire:
            self._message = {key: value for key, value in wire.items() if key != "id"}

    def _members(self) -> tuple[object, ...]:
        return (self.wire, self.request)

    @property
    def message(self) -> Message:
        """The message as received, without the ``id`` unless the caller gave one."""
        return self._message

    @property
    def answered(self) -> Request:
        """The command that this answers."""
        return self.request

    @property
    def line(self) -> str | None:
        """The JSON of :attr:`message`; QEMU writes the ``id``, which is taken out, at the end."""
        text = super().line
        if text is None or self._message is self.wire:
            return text
        end = f', "id": {self.request.identity}}}'
        if not text.endswith(end):
            return None
        if text.count(end) == 1:
            return text.replace(end, "}")  # copies a text of 64 MiB once; a slice is one copy more
        return f"{text[: -len(end)]}}}"

    @property
    def name(self) -> str:
        """The name of the command that this answers."""
        return self.request.name

    @property
    def is_error(self) -> bool:
        """Whether the command was refused."""
        return "error" in self.wire


class _AboutReply(ReceivedMessage):
    """A reply, and what it means.

    :ivar reply: the reply.
    """

    __slots__ = ("reply",)

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.wire)
        self.reply = reply

    def _members(self) -> tuple[object, ...]:
        return (self.reply,)

    @property
    def answered(self) -> Request:
        """The command that this answers."""
        return self.reply.request


class Negotiated(_AboutReply):
    """The reply that ends the handshake: commands are accepted from now on."""

    __slots__ = ()


class LateReply(_AboutReply):
    """The reply to a command whose caller no longer waits for it."""

    __slots__ = ()


class StrayReply(ReceivedMessage):
    """A reply that answers none of the commands sent."""

    __slots__ = ()


class StaleReply(ReceivedMessage):
    """A guest agent's reply to an earlier client, received while synchronizing; to be ignored."""

    __slots__ = ()


class Violation:
    """The peer broke the protocol; nothing can be received or sent after this.

    :ivar error: what it did.
    """

    __slots__ = ("error",)

    def __init__(self, error: ProtocolError) -> None:
        self.error = error


Received = ReceivedMessage | Violation
"""One item of what :meth:`.protocol.Conversation.receive_data` returns."""

Unsolicited = Event | LateReply | StrayReply
"""What arrives without anyone waiting for it."""


class CommandError(QMPError):
    """The VM refused a command (section "Error").

    :ivar reply: the whole reply.
    :ivar error_class: QMP's error class; nearly always ``GenericError``.
    :ivar description: QEMU's own description.
    """

    def __init__(self, reply: Reply) -> None:
        error: Any = reply.message["error"]
        if not isinstance(error, dict):
            error = {"desc": error}
        self.reply = reply
        self.error_class = str(error.get("class", "GenericError"))
        self.description = str(error.get("desc", ""))
        super().__init__(f"{reply.name}: {self.error_class}: {self.description}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reply,)  # for copies, and other processes
