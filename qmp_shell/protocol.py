"""The state of a QMP conversation: received bytes to typed results, and commands to bytes.

No I/O and no clock, so every fault of a peer can be tested without a socket. Knows nothing of
sockets, time-outs, or which caller waits for a reply; ``client.py`` does.
Sections named below are those of QEMU's ``docs/interop/qmp-spec.rst``.
"""

from __future__ import annotations

import json
import re
from enum import Enum, auto

from .errors import ConnectError, ConnectionLost, ProtocolError
from .framing import Framer
from .messages import (
    Event,
    Greeting,
    LateReply,
    Message,
    Negotiated,
    Outgoing,
    Received,
    ReceivedMessage,
    Reply,
    Request,
    StaleReply,
    StrayReply,
    Violation,
)


class State(Enum):
    """The states of a conversation; the values complete the sentence "the connection is ..."."""

    GREETING = "waiting for the greeting"
    NEGOTIATING = "negotiating capabilities"
    SYNCHRONIZING = "synchronizing with the guest agent"
    READY = "ready for commands"
    CLOSED = "closed"
    FAILED = "failed"


class Trigger(Enum):
    """What changes the state of a conversation."""

    GREETED = auto()
    HANDSHAKE_ACCEPTED = auto()
    END_OF_STREAM = auto()
    VIOLATION = auto()


_OPEN_STATES = (State.GREETING, State.NEGOTIATING, State.SYNCHRONIZING, State.READY)

# A QMP monitor begins in GREETING (section "Capabilities Negotiation"), a guest agent in
# SYNCHRONIZING. A refused handshake changes nothing: it may be tried again.
TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.GREETING, Trigger.GREETED): State.NEGOTIATING,
    (State.NEGOTIATING, Trigger.HANDSHAKE_ACCEPTED): State.READY,
    (State.SYNCHRONIZING, Trigger.HANDSHAKE_ACCEPTED): State.READY,
    **{(state, Trigger.END_OF_STREAM): State.CLOSED for state in _OPEN_STATES},
    **{(state, Trigger.VIOLATION): State.FAILED for state in _OPEN_STATES},
}

# A byte that JSON in UTF-8 never contains. It resets a guest agent's parser (sections "Forcing
# the JSON parser into known-good state" and "QGA Synchronization"), and a guest agent sends it
# before its reply to guest-sync-delimited (qemu-ga-ref, "guest-sync-delimited").
AGENT_DELIMITER = b"\xff"
_AGENT_DELIMITER = re.compile(AGENT_DELIMITER)

# What a QMP monitor begins with, and a guest agent never sends (section "Server Greeting").
_GREETING = b'{"QMP":'

# QEMU reads byte by byte, so blanks would cost it time.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class Conversation:
    """The client's side of a QMP conversation.

    Send what :meth:`prepare_handshake` and :meth:`prepare` return, and say so by :meth:`expect`;
    give what is received to :meth:`receive_data`. After a violation every other method raises the
    same :class:`ProtocolError`.

    :ivar state: one of :class:`State`; it changes as :data:`TRANSITIONS` says.
    :ivar greeting: the ``QMP`` member of the greeting: ``{"version": ..., "capabilities": [...]}``;
        None before it came, and for a guest agent, which sends none.
    """

    def __init__(self, *, agent: bool = False) -> None:
        """:param agent: the peer is a guest agent (qemu-ga): no greeting, no capabilities."""
        self.state = State.SYNCHRONIZING if agent else State.GREETING
        self.greeting: Message | None = None
        self._framer = Framer()
        if agent:
            self._framer.skip_to(_AGENT_DELIMITER)
        self._pending: dict[Request, None] = {}  # in the order in which they were sent
        self._last_id = 0
        self._handshake: Request | None = None
        self._token = 0
        self._beginning = b""  # of what was received
        self._violation: ProtocolError | None = None

    @property
    def owed_replies(self) -> list[Request]:
        """The commands whose replies may still come, each as a :class:`LateReply` for the user."""
        return [request for request in self._pending if request.is_owed]

    def prepare_handshake(self, token: int = 0) -> Outgoing:
        """Prepare the command whose reply ends the handshake.

        That is ``qmp_capabilities``, which enables out-of-band execution if the greeting offers
        it (section "Capabilities"), or ``guest-sync-delimited`` for a guest agent.

        :param token: a number for the guest agent to return, a different one each time, so that
            the reply can be told from those to earlier clients.
        :raise ConnectError: the greeting has not come yet, or the handshake is over.
        """
        self._require(State.NEGOTIATING, State.SYNCHRONIZING)
        if self.state is State.SYNCHRONIZING:
            self._framer.clear()
            self._framer.skip_to(_AGENT_DELIMITER)
            self._token = token
            message: Message = {"execute": "guest-sync-delimited", "arguments": {"id": token}}
            outgoing = self._prepare(message)
            outgoing.data = AGENT_DELIMITER + outgoing.data
        else:
            offered = (self.greeting or {}).get("capabilities")
            message = {"execute": "qmp_capabilities"}
            if isinstance(offered, list) and "oob" in offered:
                message["arguments"] = {"enable": ["oob"]}
            outgoing = self._prepare(message)
        self._handshake = outgoing.request
        return outgoing

    def prepare(self, message: Message, *, quiet: bool = False) -> Outgoing:
        """Give a command its ``id``, and write it as JSON; no reply is expected yet.

        :param message: ``{"execute": NAME, "arguments": {...}}`` or ``exec-oob``. If it has an
            ``id``, that is kept, and stays in the reply.
        :param quiet: see :class:`Request`.
        :raise ConnectError: the handshake is not over.
        :raise ConnectionLost: the peer has closed the connection.
        :raise TypeError, ValueError: the message can't be written as JSON.
        """
        self._require(State.READY)
        return self._prepare(message, quiet=quiet)

    def expect(self, request: Request) -> None:
        """Expect the reply to a prepared command. To be called when the command is sent."""
        self._pending[request] = None

    def forget(self, request: Request) -> None:
        """Stop expecting the reply to a command, for example because it could not be sent."""
        self._pending.pop(request, None)

    def is_pending(self, request: Request) -> bool:
        """Whether a reply to a command is expected."""
        return request in self._pending

    def receive_data(self, data: bytes) -> list[Received]:
        """Process received bytes.

        :param data: some bytes of the stream, cut anywhere.
        :return: the messages that are complete, in their order. If what follows them is not
            QMP, the last item is a :class:`Violation`.
        :raise ProtocolError: there was a violation before.
        :raise ConnectionLost: the end of the stream was reported before.
        """
        self._require(*_OPEN_STATES)
        received: list[Received] = []
        try:
            if self.state is State.SYNCHRONIZING and self._is_greeted(data):
                raise ProtocolError("this is a QMP monitor, not a guest agent (leave out -N)")
            self._framer.feed(data)
            for text, wire in self._framer.next_lines():
                received.append(self._classify(text, wire))
            while (found := self._framer.next_message()) is not None:
                text, wire = found
                del found
                received.append(self._classify(text, wire))
        except ProtocolError as error:
            self._violation = error
            self._advance(Trigger.VIOLATION)
            received.append(Violation(error))
        return received

    def _is_greeted(self, data: bytes) -> bool:
        """Whether what was received begins as the greeting of a QMP monitor, with any blanks."""
        missing = len(_GREETING) - len(self._beginning)
        if missing:
            self._beginning += data.translate(None, b" \r\n")[:missing]
        return self._beginning == _GREETING

    def receive_eof(self) -> bool:
        """Process the end of the stream: the peer has closed the connection.

        :return: whether it ended in the middle of a message.
        :raise ProtocolError: there was a violation before.
        :raise ConnectionLost: the end of the stream was reported before.
        """
        self._require(*_OPEN_STATES)
        self._advance(Trigger.END_OF_STREAM)
        return bool(self._framer)

    def _require(self, *states: State) -> None:
        """Raise an error unless the conversation is in one of these states."""
        if self.state in states:
            return
        if self._violation is not None:
            raise self._violation.with_traceback(None)
        if self.state is State.CLOSED:
            raise ConnectionLost("the connection is closed")
        if self.state is State.READY:
            raise ConnectError("the handshake is over")
        raise ConnectError(f"commands are not accepted yet: the connection is {self.state.value}")

    def _advance(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS[self.state, trigger]

    def _prepare(self, message: Message, *, quiet: bool = False) -> Outgoing:
        wire = message if "id" in message else {**message, "id": self._last_id + 1}
        data = _ENCODER.encode(wire).encode("ascii") + b"\n"
        self._last_id += 1
        request = Request(message, wire["id"], own_id="id" not in message, quiet=quiet)
        return Outgoing(request, wire, data)

    def _classify(self, text: str, wire: Message) -> ReceivedMessage:
        """Make of a message what it is.

        :param text: its JSON.
        :raise ProtocolError: see :meth:`_match`.
        """
        message = self._match(wire)
        message.text = text
        return message

    def _match(self, message: Message) -> ReceivedMessage:
        """Tell what kind of message this is.

        :raise ProtocolError: it is not a message of QMP, or not allowed in this state.
        """
        if self.state is State.GREETING:
            return self._greet(message)
        if "event" in message:
            return Event(message)
        if "return" in message or "error" in message:
            return self._match_reply(message)
        raise ProtocolError(f"a message that is not QMP was sent, with {_format_keys(message)}")

    def _greet(self, message: Message) -> Greeting:
        greeting = message.get("QMP")
        if not isinstance(greeting, dict):
            if "return" in message or "error" in message:
                raise ProtocolError("no greeting was sent: is this a guest agent? (then use -N)")
            raise ProtocolError(f"no greeting was sent, but a message with {_format_keys(message)}")
        self.greeting = greeting
        self._advance(Trigger.GREETED)
        return Greeting(message)

    def _match_reply(self, wire: Message) -> ReceivedMessage:
        """Find the command that a reply answers."""
        if self.state is State.SYNCHRONIZING and wire.get("return", self._token) != self._token:
            return StaleReply(wire)
        request = self._find_request(wire)
        if request is None:
            return StrayReply(wire)
        self.forget(request)
        reply = Reply(wire, request)
        if request is self._handshake and not reply.is_error:
            self._advance(Trigger.HANDSHAKE_ACCEPTED)
            return Negotiated(reply)
        return LateReply(reply) if request.abandoned else reply

    def _find_request(self, wire: Message) -> Request | None:
        """Return the oldest command with the reply's ``id``; without one, the oldest in-band one.

        In-band commands are answered in the order in which they were sent (section "Out-of-band
        execution"). A reply lacks the ``id`` if the VM could not parse the command ("Error").
        """
        for request in self._pending:
            if "id" in wire:
                if request.identity == wire["id"]:
                    return request
            elif not request.is_out_of_band:
                return request
        return None


def _format_keys(message: Message) -> str:
    if not message:
        return "no members"
    return "the keys " + ", ".join(repr(key)[:40] for key in list(message)[:4])
