"""Exact properties of messages, of the conversation and of framing, which mutants would change."""

from __future__ import annotations

import gc
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from qmp_shell.errors import ProtocolError
from qmp_shell.framing import MAX_DEPTH, Framer, parse_object
from qmp_shell.messages import (
    CommandError,
    Event,
    Greeting,
    LateReply,
    Message,
    Negotiated,
    Reply,
    Request,
    StrayReply,
    Violation,
    arguments_of,
)
from qmp_shell.protocol import Conversation
from tests.conversations import send, send_handshake

GREETING = b'{"QMP": {"version": {}, "capabilities": []}}'


def ready() -> Conversation:
    """A conversation that accepts commands."""
    conversation = Conversation()
    conversation.receive_data(GREETING)
    outgoing = send_handshake(conversation)
    reply = {"return": {}, "id": outgoing.message["id"]}
    (received,) = conversation.receive_data(json.dumps(reply).encode())
    assert isinstance(received, Negotiated)
    return conversation


def violation(data: bytes) -> str:
    """What a peer did that sends this instead of a greeting."""
    (received,) = Conversation().receive_data(data)
    assert isinstance(received, Violation)
    return str(received.error)


# Numbers


@pytest.mark.parametrize(
    "text", ["1.7976931348623157e308", "-1.7976931348623157e308", "-0.5", "5e-324"]
)
def test_finite_numbers_are_read_exactly(text: str) -> None:
    assert parse_object(f'{{"a": {text}}}') == {"a": float(text)}


@pytest.mark.parametrize("text", ["1e309", "-1e309", "NaN", "Infinity", "-Infinity", "9" * 4301])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^a broken message was sent: a number is too large$"):
        parse_object(f'{{"a": {text}}}')


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ({"seconds": 0, "microseconds": 250_000}, 0.25),
        ({"seconds": 5, "microseconds": 0}, 5.0),
        ({"seconds": (1 << 40) - 1, "microseconds": 0}, float((1 << 40) - 1)),
        ({"seconds": 1 << 40, "microseconds": 0}, 0.0),
        ({"seconds": -1, "microseconds": 0}, 0.0),
        ({"seconds": 1, "microseconds": -1}, 0.0),
        ({"seconds": "1", "microseconds": 0}, 0.0),
        ({"seconds": 1, "microseconds": 1_000_000}, 0.0),
        ({"seconds": 1, "microseconds": 10**400}, 0.0),
        ({"seconds": 10**400, "microseconds": 1}, 0.0),
        ({"seconds": 1}, 0.0),
        (5, 0.0),
        (None, 0.0),
    ],
)
def test_timestamps(stamp: object, seconds: float) -> None:
    assert Event({"event": "X", "timestamp": stamp}).timestamp == seconds


# Framing


def collections_during(work: Callable[[], object]) -> int:
    """How often Python's garbage collector runs during some work."""
    runs: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        runs.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    try:
        work()
    finally:
        gc.callbacks.remove(note)
    return runs.count("start")


def text_of_many_objects(size: int) -> str:
    """A message of about a size in bytes, of nothing but small lists."""
    return f'{{"return": [{"[]," * (size // 3)}[]]}}'


def test_the_garbage_collector_pauses_for_a_large_message() -> None:
    """Traversing a million new objects again and again takes longer than to parse them."""
    assert gc.isenabled()
    large, small = text_of_many_objects((1 << 20) + 10_000), text_of_many_objects(1 << 19)
    assert collections_during(lambda: parse_object(large)) == 0
    assert gc.isenabled()
    if sys.version_info < (3, 14):  # whose collector works step by step
        assert collections_during(lambda: parse_object(small)) > 0
    assert gc.isenabled()


def test_a_paused_collector_stays_paused() -> None:
    gc.disable()
    try:
        parse_object(text_of_many_objects(1 << 21))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_goes_on_after_a_broken_message() -> None:
    with pytest.raises(ProtocolError):
        parse_object(text_of_many_objects(1 << 21)[:-1])
    assert gc.isenabled()


@pytest.mark.parametrize(("size", "is_accepted"), [(99, True), (100, True), (101, False)])
def test_the_largest_message(size: int, is_accepted: bool) -> None:
    framer = Framer(limit=100)
    framer.feed(b'{"a": "' + b"x" * (size - 7))
    if is_accepted:
        assert framer.next_object() is None
        assert framer
    else:
        with pytest.raises(ProtocolError, match="more than 100 bytes"):
            framer.next_object()


def test_a_message_of_many_is_measured_alone() -> None:
    framer = Framer(limit=20)
    for _ in range(10):
        framer.feed(b'{"a": 1}\r\n{"b')
        assert framer.next_object() == b'{"a": 1}'
        assert framer.next_object() is None
        framer.feed(b'": 2}')
        assert framer.next_object() == b'{"b": 2}'
    assert framer.next_object() is None
    assert not framer


@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a": ', b"}")])
@pytest.mark.parametrize("line_end", [b"", b"\r\n"])
@pytest.mark.parametrize(
    ("depth", "is_accepted"), [(MAX_DEPTH, True), (MAX_DEPTH + 4, False), (200_000, False)]
)
def test_the_deepest_message(
    start: bytes, end: bytes, line_end: bytes, depth: int, is_accepted: bool
) -> None:
    """Also where Python's JSON parser raises RecursionError; at which depth depends on Python."""
    text = b'{"a": ' + start * (depth - 1) + b"0" + end * (depth - 1) + b"}"
    framer = Framer()
    framer.feed(text + line_end)
    if is_accepted:
        assert framer.next_message() == (text.decode(), json.loads(text))
    else:
        with pytest.raises(ProtocolError, match="nested more than 500 deep"):
            framer.next_message()


def test_what_a_peer_sent_is_shown_in_short() -> None:
    shown = "x" * 60
    assert violation(b"x" * 300) == f"the peer does not speak QMP: it sent {shown!r}"
    assert violation(b"  SSH-2.0-x \r\nmore") == "the peer does not speak QMP: it sent 'SSH-2.0-x'"
    shown = "\0\\xe9"
    assert violation(b"\x00\xe9") == f"the peer does not speak QMP: it sent {shown!r}"
    assert "this is a human monitor" in violation(b"QEMU 7.2.22 monitor - type 'help'")


def test_the_keys_of_what_is_no_greeting() -> None:
    keys = {"a": 1, "b" * 50: 2, "c": 3, "d": 4, "e": 5}
    assert violation(json.dumps(keys).encode()) == (
        f"no greeting was sent, but a message with the keys 'a', '{'b' * 39}, 'c', 'd'"
    )
    assert violation(b"{}") == "no greeting was sent, but a message with no members"
    assert "is this a guest agent?" in violation(b'{"return": {}}')
    assert "is this a guest agent?" in violation(b'{"error": {}}')


# Messages


def test_messages_are_equal_by_kind_and_content() -> None:
    one: Message = {"event": "A"}
    assert Event(one) == Event({"event": "A"})
    assert Event(one) != Event({"event": "B"})
    assert Event(one) != Greeting(one)
    assert StrayReply(one) != one
    request = Request({"execute": "x"}, 1, own_id=True, quiet=False)
    other = Request({"execute": "x"}, 1, own_id=True, quiet=False)
    assert Reply({"id": 1}, request) == Reply({"id": 1}, request)
    assert Reply({"id": 1}, request) != Reply({"id": 1}, other)
    assert LateReply(Reply({"id": 1}, request)) == LateReply(Reply({"id": 1}, request))
    assert LateReply(Reply({"id": 1}, request)) != LateReply(Reply({"id": 2}, request))


def test_how_messages_are_printed() -> None:
    request = Request({"execute": "cont"}, 1, own_id=True, quiet=False)
    assert repr(request) == "<Request cont>"
    assert repr(Event({"event": "A"})) == "Event({'event': 'A'})"
    reply = Reply({"return": 1, "id": 1}, request)
    assert repr(reply) == "Reply({'return': 1, 'id': 1}, <Request cont>)"
    assert repr(LateReply(reply)) == f"LateReply({reply!r})"


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"execute": "cont"}, "cont"),
        ({"exec-oob": "yank"}, "yank"),
        ({"execute": 5}, "message"),
        ({}, "message"),
    ],
)
def test_the_name_of_a_command(message: Message, name: str) -> None:
    request = Request(message, 1, own_id=True, quiet=False)
    assert (request.name, Reply({}, request).name) == (name, name)


@pytest.mark.parametrize(
    ("own_id", "shown"), [(True, {"return": 5}), (False, {"return": 5, "id": 1})]
)
def test_an_id_that_was_added_is_not_shown(own_id: bool, shown: Message) -> None:
    wire = {"return": 5, "id": 1}
    reply = Reply(wire, Request({"execute": "x"}, 1, own_id=own_id, quiet=False))
    assert reply.message == shown
    assert reply.wire == {"return": 5, "id": 1}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"return": 5, "id": 1}', '{"return": 5}'),
        ('{"return": [{"a": 0, "id": 1}], "id": 1}', '{"return": [{"a": 0, "id": 1}]}'),
        ('{"return": ", \\"id\\": 1}", "id": 1}', '{"return": ", \\"id\\": 1}"}'),
        ('{"id": 1, "return": 5}', None),
        ('{"return": 5, "id":1}', None),
    ],
)
def test_the_id_is_taken_out_of_the_text_as_it_was_received(text: str, line: str | None) -> None:
    reply = Reply(json.loads(text), Request({"execute": "x"}, 1, own_id=True, quiet=False))
    reply.text = text
    assert reply.line == line
    assert line is None or json.loads(line) == reply.message


@pytest.mark.parametrize(
    ("abandoned", "quiet", "is_owed"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_late_reply_is_owed(abandoned: bool, quiet: bool, is_owed: bool) -> None:
    request = Request({"execute": "x"}, 1, own_id=True, quiet=quiet)
    request.abandoned = abandoned
    assert request.is_owed is is_owed
    reply = Reply({}, request)
    assert (reply.answered, LateReply(reply).answered, Event({"event": "A"}).answered) == (
        request,
        request,
        None,
    )


@pytest.mark.parametrize(
    ("error", "class_", "description"),
    [
        ({"class": "DeviceNotFound", "desc": "gone"}, "DeviceNotFound", "gone"),
        ({}, "GenericError", ""),
        ("broken", "GenericError", "broken"),
        (None, "GenericError", "None"),
        ({"class": 5, "desc": [1]}, "5", "[1]"),
    ],
)
def test_errors_of_any_shape(error: Any, class_: str, description: str) -> None:
    request = Request({"execute": "x"}, 1, own_id=True, quiet=False)
    found = CommandError(Reply({"error": error}, request))
    assert (found.error_class, found.description) == (class_, description)
    assert str(found) == f"x: {class_}: {description}"
    assert found.hint == ""


# The conversation


def test_ids_are_counted_from_the_handshake_on() -> None:
    conversation = ready()
    sent = [send(conversation, {"execute": "x"}).message["id"] for _ in range(3)]
    assert sent == [2, 3, 4]


def test_an_id_of_the_callers_takes_a_number_too() -> None:
    conversation = ready()
    assert send(conversation, {"execute": "x", "id": "mine"}).message["id"] == "mine"
    assert send(conversation, {"execute": "x"}).message["id"] == 3


@pytest.mark.parametrize(
    "function", [Conversation.__init__, Conversation.prepare, Request.__init__]
)
def test_flags_are_given_by_name(function: Callable[..., object]) -> None:
    flags = inspect.signature(function).parameters
    kinds = {flags[name].kind for name in ("agent", "quiet", "own_id") if name in flags}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_a_command_that_was_never_sent_is_forgotten_alone() -> None:
    conversation = ready()
    first, second = (send(conversation, {"execute": "x", "id": 7}).request for _ in range(2))
    conversation.forget(first)
    (received,) = conversation.receive_data(b'{"return": {}, "id": 7}')
    assert isinstance(received, Reply)
    assert received.request is second
    (received,) = conversation.receive_data(b'{"return": {}, "id": 7}')
    assert isinstance(received, StrayReply)


def test_what_is_shown_of_other_messages_is_the_whole() -> None:
    assert Event({"event": "A", "data": {}}).message == {"event": "A", "data": {}}
    assert StrayReply({"return": 1, "id": 5}).message == {"return": 1, "id": 5}


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ({"execute": "x", "arguments": {"a": 1}}, {"a": 1}),
        ({"execute": "x"}, {}),
        ({"execute": "x", "arguments": [1]}, {}),
        ({"execute": "x", "arguments": None}, {}),
    ],
)
def test_the_arguments_of_a_command(message: Message, arguments: Message) -> None:
    assert arguments_of(message) == arguments


def test_a_command_is_quiet_only_if_that_is_asked_for() -> None:
    conversation = Conversation()
    conversation.receive_data(GREETING)
    assert not send_handshake(conversation).request.quiet
    agent = send_handshake(Conversation(agent=True))
    assert agent.message["arguments"] == {"id": 0}, "a token is the caller's to choose"
    conversation = ready()
    assert not send(conversation, {"execute": "x"}).request.quiet
    assert send(conversation, {"execute": "x"}, quiet=True).request.quiet


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_json_is_not_sent(number: float) -> None:
    conversation = ready()
    with pytest.raises(ValueError, match="not JSON compliant"):
        send(conversation, {"execute": "x", "arguments": {"a": number}})
    assert send(conversation, {"execute": "x"}).message["id"] == 2, "it has taken no number"
