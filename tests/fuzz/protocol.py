"""Fuzz target: what a peer sends, in any state of the conversation, cut into chunks anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from qmp_shell.errors import ConnectError, ConnectionLost, ProtocolError
from qmp_shell.framing import Framer, decode_object, parse_object
from qmp_shell.messages import (
    CommandError,
    Event,
    LateReply,
    Negotiated,
    ReceivedMessage,
    Reply,
    Violation,
)
from qmp_shell.protocol import AGENT_DELIMITER, Conversation, State
from tests.conversations import send, send_handshake

GREETING = b'{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n'
ACCEPTED = b'{"return": {}, "id": 1}\r\n'
# The first byte of the input, and the state in which the other bytes are received.
STATES = {
    ord("g"): State.GREETING,
    ord("n"): State.NEGOTIATING,
    ord("s"): State.SYNCHRONIZING,
}
TOKEN = 7
_NO_QMP = ("the peer does not speak QMP: it sent ", "this is a human monitor, not QMP: ")


def check(data: bytes) -> None:
    """A byte that chooses the state, then what the peer sends.

    What it sends ends with a newline: a bracket or a comma too many may not be noticed before.
    """
    state = STATES.get(data[0], State.READY) if data else State.READY
    sent = data[1:] + b"\n"
    whole = _converse(state, [sent])
    single = [sent[place : place + 1] for place in range(len(sent))]
    odd = [sent[place : place + 7] for place in range(0, len(sent), 7)]
    assert _converse(state, single) == whole
    assert _converse(state, odd) == whole
    _check_frames(sent)


def _check_frames(sent: bytes) -> None:
    """Objects that are framed are parts of what was sent, and so is each object in them."""
    framer = Framer(limit=2000)
    found = []
    with contextlib.suppress(ProtocolError):
        framer.feed(sent)
        while (text := framer.next_object()) is not None:
            found.append(text)
    place = 0
    for text in found:
        place = sent.index(text, place) + len(text)
        with contextlib.suppress(ProtocolError):
            assert isinstance(parse_object(decode_object(text)), dict)


def _converse(state: State, chunks: list[bytes]) -> list[str]:
    """What a conversation makes of the chunks: each result as text, and how it ends."""
    conversation = _conversation(state)
    results: list[str] = []
    try:
        for chunk in chunks:
            for item in conversation.receive_data(chunk):
                results.append(_describe(item))
    except ProtocolError as error:
        again = _describe(Violation(error))
        assert again == results[-1], "it is that of an earlier chunk"
    results.append(f"{conversation.state} {conversation.owed_replies} {conversation.greeting}")
    _check_end(conversation)
    return results


def _conversation(state: State) -> Conversation:
    """A conversation in a state, in which some commands are not answered yet."""
    conversation = Conversation(agent=state is State.SYNCHRONIZING)
    if state is State.GREETING:
        return conversation
    if state is not State.SYNCHRONIZING:
        conversation.receive_data(GREETING)
    send_handshake(conversation, TOKEN)
    if state is State.READY:
        conversation.receive_data(ACCEPTED)
        identities: tuple[Any, ...] = (None, True, "x", [{}])
        for identity in identities:
            send(conversation, {"execute": "query-status", "id": identity})
        send(conversation, {"execute": "cont"}, quiet=True)
        send(conversation, {"execute": "stop"}).request.abandoned = True
        send(conversation, {"exec-oob": "x-ping"})
    assert conversation.state is state
    return conversation


def _describe(item: ReceivedMessage | Violation) -> str:
    """A result as text, after all that a client looks up in it."""
    if isinstance(item, Violation):
        text = str(item.error)
        assert text.isprintable(), "an error is one line"
        # What a peer is that does not speak QMP is told from as much of it as came at first.
        return f"Violation {'no QMP' if text.startswith(_NO_QMP) else text}"
    reply = item.reply if isinstance(item, LateReply | Negotiated) else item
    if isinstance(reply, Reply) and reply.is_error:
        str(CommandError(reply))
    if isinstance(item, Event):
        assert isinstance(item.name, str)
        assert isinstance(item.data, dict)
        assert item.timestamp >= 0
    return f"{item!r} {item.message} {item.answered}"


def _check_end(conversation: Conversation) -> None:
    """At the end of the stream, only the documented errors are raised."""
    has_failed = conversation.state is State.FAILED
    try:
        send(conversation, {"execute": "stop"})
        assert conversation.state is State.READY
    except (ConnectError, ConnectionLost):
        assert conversation.state is not State.READY
    try:
        conversation.receive_eof()
    except ProtocolError:
        assert has_failed
    for call in (lambda: conversation.receive_data(AGENT_DELIMITER), conversation.receive_eof):
        assert isinstance(_error_of(call), ProtocolError) == has_failed


def _error_of(call: Callable[[], object]) -> ConnectionLost:
    try:
        call()
    except ConnectionLost as error:
        return error
    raise AssertionError("nothing can be received after the end")
