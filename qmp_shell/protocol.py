"""Bytes to messages, and the state of a QMP conversation. No I/O, no clock.

Feed it what was received and send what it hands out; every fault of a peer can be
shown to it without a socket. The wire is described in QEMU's own
``docs/interop/qmp-spec.rst``; the sections named below are of that document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from .errors import ConnectError, ProtocolError, QMPError
from .framing import Framer, read_json

Message = dict[str, Any]

_END_OF_TIME = 1 << 40  # what the C library can still make a date of


def command_of(message: Message) -> str:
    """The name of the command that a message executes; empty: there is none."""
    name = message.get("execute", message.get("exec-oob", ""))
    return name if isinstance(name, str) else ""


def arguments_of(message: Message) -> Message:
    """What a command is executed with; empty: nothing, or what is no object."""
    arguments = message.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


class Request:
    """A command sent, and its reply once that has come.

    :ivar message: the message as the caller gave it.
    :ivar reply: None while it is awaited.
    :ivar abandoned: nobody waits any more; the reply will come as a :class:`LateReply`.
    :ivar quiet: a late reply is of no interest to anyone.
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
        """The command's name, for people."""
        return command_of(self.message) or "message"


class Reply(NamedTuple):
    """What the VM answered: ``{"return": ...}`` or ``{"error": {"class": ..., "desc": ...}}``.

    ``message`` is as the VM sent it, in its order, less an ``id`` that this side put in.
    """

    message: Message
    request: Request

    @property
    def name(self) -> str:
        """The name of the command that this answers."""
        return self.request.name

    @property
    def is_error(self) -> bool:
        return "error" in self.message


class CommandError(QMPError):
    """The VM refused a command.

    :ivar reply: the whole reply.
    :ivar error_class: QMP's error class, ``GenericError`` for most.
    :ivar description: the VM's own words.
    :ivar hint: what to do about it, if more is known than the VM says; else empty.
    """

    exit_status = 1
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
    """Something happened in the VM: ``{"event": NAME, "data": {...}, "timestamp": {...}}``."""

    message: Message

    @property
    def name(self) -> str:
        return str(self.message["event"])

    @property
    def data(self) -> Message:
        """What the event tells, by name; empty for an event that tells nothing more."""
        data = self.message.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def timestamp(self) -> float:
        """Seconds since the epoch, by the host's clock; 0.0 where the host had none."""
        stamp = self.message.get("timestamp")
        if not isinstance(stamp, dict):
            return 0.0
        seconds, fraction = stamp.get("seconds"), stamp.get("microseconds")
        if not isinstance(seconds, int) or not isinstance(fraction, int):
            return 0.0
        return seconds + fraction / 1e6 if 0 <= seconds < _END_OF_TIME and fraction >= 0 else 0.0


class LateReply(NamedTuple):
    """The reply to a command that nobody waits for any more."""

    reply: Reply


class StrayReply(NamedTuple):
    """A reply that answers nothing that was asked."""

    message: Message


News = Event | LateReply | StrayReply
"""What comes without being waited for."""


class State:
    """Where a conversation stands (section "Capabilities Negotiation")."""

    GREETING = "waiting for the greeting"
    NEGOTIATING = "negotiating capabilities"
    SYNCHRONIZING = "synchronizing with the guest agent"
    READY = "ready"


# The only command each state lets out; None: any.
_ALLOWED: dict[str, str | None] = {
    State.GREETING: "",
    State.NEGOTIATING: "qmp_capabilities",
    State.SYNCHRONIZING: "guest-sync-delimited",
    State.READY: None,
}

# A byte that JSON in UTF-8 never has. It resets a guest agent's parser, and a guest agent
# puts it before its reply to guest-sync-delimited (qemu-ga-ref, "guest-sync-delimited").
AGENT_DELIMITER = 0xFF


class Conversation:
    """One side of a QMP conversation, ours.

    :ivar state: one of :class:`State`.
    :ivar greeting: the ``QMP`` member of the greeting: ``{"version": ..., "capabilities": [...]}``;
        None before it came, and for a guest agent, which has none.
    """

    def __init__(self, *, agent: bool = False) -> None:
        """:param agent: the other side is a guest agent: no greeting, no capabilities."""
        self.state = State.SYNCHRONIZING if agent else State.GREETING
        self.greeting: Message | None = None
        self._framer = Framer()
        self._pending: list[Request] = []
        self._last_id = 0
        self._token = 0

    @property
    def in_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._framer)

    def begin_handshake(self, token: int = 0) -> Message:
        """Return the command whose reply ends the present state.

        :param token: a number for the guest agent to give back, another one each time.
        """
        if self.state == State.SYNCHRONIZING:
            self._framer.skip_through(AGENT_DELIMITER)
            self._token = token
            return {"execute": "guest-sync-delimited", "arguments": {"id": token}}
        assert self.greeting is not None
        # Section "Capabilities": out-of-band execution must be enabled to be used.
        offered = self.greeting.get("capabilities")
        oob = isinstance(offered, list) and "oob" in offered
        return {"execute": "qmp_capabilities"} | ({"arguments": {"enable": ["oob"]}} if oob else {})

    @property
    def owed_replies(self) -> bool:
        """Whether a :class:`LateReply` may still come."""
        return any(request.abandoned and not request.quiet for request in self._pending)

    def ready(self) -> None:
        """The handshake was answered well."""
        self.state = State.READY

    def send(self, message: Message, *, quiet: bool = False) -> tuple[Request, Message, bytes]:
        """Register a command; return it, the message for the wire, and that as bytes.

        :param message: ``{"execute": NAME, "arguments": {...}}`` or ``exec-oob``. An ``id``
            of its own is kept, and shown again in the reply.
        :param quiet: if nobody waits for the reply when it comes, forget it.
        :raise TypeError, ValueError: it can't be written as JSON.
        """
        allowed = _ALLOWED[self.state]
        if allowed is not None and message.get("execute") != allowed:
            raise ConnectError(f"no commands are taken yet: {self.state}")
        wire = message if "id" in message else {**message, "id": self._last_id + 1}
        data = json.dumps(wire, allow_nan=False).encode("ascii") + b"\n"
        self._last_id += 1
        request = Request(message, wire["id"], own_id="id" not in message, quiet=quiet)
        self._pending.append(request)
        return request, wire, data

    def forget(self, request: Request) -> None:
        """Expect no reply to a command: it came, or nothing of the command was sent after all."""
        self._pending = [each for each in self._pending if each is not request]

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._framer.feed(data)

    def messages(self) -> Iterator[Message]:
        """Yield the messages that are complete, each once, to be given to :meth:`sort`.

        :raise ProtocolError: what comes next is not QMP.
        """
        while (text := self._framer.next_object()) is not None:
            yield read_json(text)

    def sort(self, message: Message) -> News | None:
        """Tell what a message is, and let those who wait for it have it.

        :return: the news in it; None for the greeting and for a reply that is awaited.
        :raise ProtocolError: it is none of QMP's messages, or not in its place.
        """
        if self.state == State.GREETING:
            self._greet(message)
            return None
        if "event" in message:
            return Event(message)
        if "return" in message or "error" in message:
            return self._answer(message)
        raise ProtocolError(f"a message that is not QMP was sent, with {_keys(message)}")

    def is_quiet(self, message: Message) -> bool:
        """Whether a message, not sorted yet, answers a quiet command."""
        request = self._answered_by(message) if "event" not in message else None
        return request is not None and request.quiet

    def _greet(self, message: Message) -> None:
        greeting = message.get("QMP")
        if not isinstance(greeting, dict):
            if "return" in message or "error" in message:
                raise ProtocolError("no greeting was sent: is this a guest agent? (then use -N)")
            raise ProtocolError(f"no greeting was sent, but a message with {_keys(message)}")
        self.greeting = greeting
        self.state = State.NEGOTIATING

    def _answer(self, message: Message) -> News | None:
        if self.state == State.SYNCHRONIZING and message.get("return", self._token) != self._token:
            return None  # an earlier client asked for it, and did not wait
        request = self._answered_by(message)
        if request is None:
            return StrayReply(message)
        self.forget(request)
        if request.own_id:
            message.pop("id", None)
        request.reply = Reply(message, request)
        if request.abandoned and not request.quiet:
            return LateReply(request.reply)
        return None

    def _answered_by(self, message: Message) -> Request | None:
        """Find what a reply answers.

        In-band commands are answered in their order, so of two with one ``id`` the older
        comes first; and what has no ``id`` (the VM could not read the command, section
        "Error") answers the oldest.
        """
        for request in self._pending:
            if "id" not in message or request.identity == message["id"]:
                return request
        return None


def _keys(message: Message) -> str:
    return "the keys " + ", ".join(repr(key)[:40] for key in list(message)[:4]) if message else "{}"
