"""The protocol without a connection: framing, states, and classification of messages."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell import framing
from qmp_shell.errors import ConnectError, ConnectionLost, ProtocolError
from qmp_shell.framing import MAX_DEPTH, SENT_BY_VM, Framer, Notation, decode_object
from qmp_shell.messages import (
    Event,
    Greeting,
    LateReply,
    Message,
    Negotiated,
    Received,
    Reply,
    Request,
    StaleReply,
    StrayReply,
    Violation,
)
from qmp_shell.protocol import AGENT_DELIMITER, TRANSITIONS, Conversation, State, Trigger
from qmp_shell.sharing.reader import SENT_BY_CLIENT
from tests.conversations import send, send_handshake

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)
messages = st.dictionaries(st.text(max_size=5), json_values, max_size=3)


def encode(*sent: Message) -> bytes:
    return b"".join(json.dumps(message).encode() for message in sent)


def receive(conversation: Conversation, *sent: Message) -> list[Received]:
    """Have a conversation receive messages, and return the received items."""
    return conversation.receive_data(encode(*sent))


def violation_of(received: list[Received]) -> ProtocolError:
    """Return the error of the violation that must be the only received item."""
    (item,) = received
    assert isinstance(item, Violation)
    return item.error


def feed_framer(framer: Framer, data: bytes) -> list[bytes]:
    """Have a framer receive data, and return the complete messages."""
    framer.feed(data)
    found = []
    while (text := framer.next_object()) is not None:
        found.append(text)
    return found


def ready_conversation() -> Conversation:
    """Return a conversation whose handshake is over."""
    conversation = Conversation()
    receive(conversation, {**GREETING})
    request = send_handshake(conversation).request
    receive(conversation, {"return": {}, "id": request.identity})
    assert conversation.state is State.READY
    return conversation


def query(conversation: Conversation, **members: Any) -> Request:
    """Send ``query-status`` with more members, and return its request."""
    return send(conversation, {"execute": "query-status", **members}).request


def test_what_is_skipped_does_not_end_with_what_was_received() -> None:
    framer = Framer()
    framer.skip_to(re.compile(b"!"))
    for data in (b'{"old": 1}\n', b"", b'{"old": 2}\n'):
        framer.feed(data)
        assert framer.next_message() is None
    framer.skip_to(re.compile(rb"\{"))
    framer.feed(b'x{"a": 1}\n')
    assert framer.next_message() == ('{"a": 1}', {"a": 1})
    assert framer.next_message() is None


@given(st.lists(messages, max_size=4), st.sampled_from([None, 4]), st.integers(1, 40))
def test_framing_does_not_depend_on_how_the_stream_is_cut(
    sent: list[Message], indent: int | None, size: int
) -> None:
    stream = b"\r\n".join(
        json.dumps(message, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
        for message in sent
    )
    framer = Framer()
    found = []
    for start in range(0, len(stream), size):
        found += feed_framer(framer, stream[start : start + size])
    assert [json.loads(text.decode("utf-8", "surrogatepass")) for text in found] == sent


@given(
    st.lists(
        st.tuples(
            messages, st.sampled_from([None, 4]), st.sampled_from([b"", b"\n", b"\r\n", b" "])
        )
    ),
    st.lists(st.integers(1, 60), min_size=1),
    st.booleans(),
)
def test_messages_are_the_same_however_they_are_written_and_cut(
    sent: list[tuple[Message, int | None, bytes]], sizes: list[int], takes_lines: bool
) -> None:
    """Alone on a line or not, on one line or on several: the parser and the brackets agree."""
    texts = [json.dumps(message, indent=indent, ensure_ascii=False) for message, indent, _ in sent]
    stream = b"".join(
        text.encode("utf-8", "surrogatepass") + end
        for text, (_, _, end) in zip(texts, sent, strict=True)
    )
    framer = Framer()
    found = []
    for size in itertools.cycle(sizes):
        framer.feed(stream[:size])
        stream = stream[size:]
        found += framer.next_lines() if takes_lines else []
        while (message := framer.next_message()) is not None:
            found.append(message)
        if not stream:
            break
    assert found == [(text, message) for text, (message, _, _) in zip(texts, sent, strict=True)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_complete_lines_are_taken_together(newline: str) -> None:
    lines = ['{"event": "A"}', '{"event": "ü"}', '{"event": "C"}']
    first, second = f"{newline.join(lines)}{newline}".encode(), b'{"event": "D"}\n'
    framer = Framer()
    for chunk, complete in [
        (first + second[:4], [(line, json.loads(line)) for line in lines]),
        (second[4:8], []),
        (second[8:] + second, [('{"event": "D"}', {"event": "D"})] * 2),
    ]:
        framer.feed(chunk)
        assert framer.next_lines() == complete
        assert framer.next_message() is None
    assert not framer


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1} {"b": 2}',
        b'{"a": 1}  ',
        b' {"a": 1}',
        b'{"a": ',
        b"[1]",
        b"{}]",
        b"",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": %s}' % (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
        b'{"a": "%s"}' % (b"x" * (1 << 16)),
    ],
)
def test_a_line_that_may_not_be_one_object_is_left_to_be_examined(line: bytes) -> None:
    """What comes before it is the same, whether it is taken with it or not."""
    data = '{"a": "ü"}\r\n'.encode() + line + b'\r\n{"c": 3}\r\n'
    taking, examining = Framer(), Framer()
    taking.feed(data)
    examining.feed(data)
    taken = taking.next_lines()
    assert taken in ([('{"a": "ü"}', {"a": "ü"})], [])
    found: list[list[tuple[str, Message]]] = [taken, []]
    for framer, messages_found in zip((taking, examining), found, strict=True):
        with contextlib.suppress(ProtocolError):
            while (message := framer.next_message()) is not None:
                messages_found.append(message)
    assert found[0] == found[1]


def test_an_object_of_many_lines_is_not_decoded_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded = 0

    def decode(data: bytes) -> str:
        nonlocal decoded
        decoded += len(data)
        return decode_object(data)

    monkeypatch.setattr(framing, "decode_object", decode)
    data = json.dumps({"return": [1] * 2000}, indent=4).encode() + b"\r\n"
    framer = Framer()
    found = []
    for place in range(0, len(data), 100):
        framer.feed(data[place : place + 100])
        found += framer.next_lines()
        while (message := framer.next_message()) is not None:
            found.append(message)
    assert len(found) == 1
    assert decoded < 2 * len(data)


@pytest.mark.parametrize("line", [b'{"a": 1} {"b": 2}', b'{"a": "{"} {"b": "}"}', b'{"a": [}'])
def test_a_line_that_is_no_object_is_split_by_its_brackets(line: bytes) -> None:
    split, parsed = Framer(), Framer()
    split.feed(line + b"\r\n")
    parsed.feed(line + b"\r\n")
    expected = []
    while (text := split.next_object()) is not None:
        expected.append(text.decode())
    found = []
    with contextlib.suppress(ProtocolError):
        while (message := parsed.next_message()) is not None:
            found.append(message[0])
    assert found == expected[: len(found)]
    assert len(found) == (0 if line.endswith(b"[}") else 2)


@pytest.mark.parametrize("size", [1, 5, 100])
@pytest.mark.parametrize("indent", [None, 4])
def test_a_monitor_that_is_taken_for_a_guest_agent(size: int, indent: int | None) -> None:
    conversation = Conversation(agent=True)
    greeting = json.dumps(GREETING, indent=indent).encode()
    received: list[Received] = []
    for start in range(0, len(greeting), size):
        if conversation.state is not State.FAILED:
            received += conversation.receive_data(greeting[start : start + size])
    assert "this is a QMP monitor" in str(violation_of(received))


def test_messages_without_separators_are_split() -> None:
    assert [
        json.loads(text) for text in feed_framer(Framer(), b'{"a":1}{"b":"}\\"{"} {"c":[{}]}')
    ] == [
        {"a": 1},
        {"b": '}"{'},
        {"c": [{}]},
    ]


def test_a_complete_message_does_not_wait_for_the_next_byte() -> None:
    framer = Framer()
    assert feed_framer(framer, b'{"a": [1, {"b": "x"}]') == []
    assert framer
    assert feed_framer(framer, b"}") == [b'{"a": [1, {"b": "x"}]}']
    assert not framer


class CountingPattern:
    """A regular expression that counts the bytes of its matches."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.bytes = 0

    def match(self, data: bytearray, start: int) -> re.Match[bytes] | None:
        found = self._pattern.match(data, start)
        if found is not None:
            self.bytes += found.end() - start
        return found


@pytest.mark.parametrize(
    "text",
    [
        b'{"return": "' + b"x\\n\\\\" * 5000 + b'"}',
        b'{"return": [' + b'{"a": "b", "c": [1, 2]},' * 1000 + b"1]}",
        b'{"return": [' + b"1,\r\n" * 5000 + b"1]}",
    ],
)
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
@pytest.mark.parametrize("notation", [SENT_BY_VM, SENT_BY_CLIENT], ids=["vm", "client"])
def test_each_byte_is_examined_once(
    text: bytes, size: int, notation: Notation, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = [CountingPattern(notation.to_bracket), CountingPattern(notation.to_quote[ord('"')])]
    monkeypatch.setattr(notation, "to_bracket", patterns[0])
    monkeypatch.setitem(notation.to_quote, ord('"'), patterns[1])
    framer = Framer(notation=notation)
    found = [m for i in range(0, len(text), size) for m in feed_framer(framer, text[i : i + size])]
    assert found == [text]
    assert sum(pattern.bytes for pattern in patterns) <= len(text)


@pytest.mark.parametrize("size", [1, 100, 1 << 16, 1 << 20])
def test_the_brackets_of_an_object_alone_on_its_line_are_not_examined(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No chunk ends with a brace, after which the object might be complete."""

    class NoPattern:
        def match(self, *_: object) -> NoReturn:
            raise AssertionError("the brackets are examined")

    monkeypatch.setattr(SENT_BY_VM, "to_bracket", NoPattern())
    message = {"return": [{"name": "[5]", "list": [1, [2], "{"]}] * 2000, "id": 5}
    rest = json.dumps(message).encode() + b"\r\n"
    framer = Framer()
    found = []
    while rest:
        end = size
        while rest[:end].rstrip(b"\r").endswith(b"}"):
            end += 1
        framer.feed(rest[:end])
        rest = rest[end:]
        while (received := framer.next_message()) is not None:
            found.append(received[1])
    assert found == [message]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (b"QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ", "human monitor"),
        (b"[1]", "does not speak QMP"),
        (b"\xff\xfe", "does not speak QMP"),
        (b'{"a": ' * (MAX_DEPTH + 1), "nested"),
    ],
)
def test_data_that_is_not_qmp_is_refused_before_a_message_is_complete(
    data: bytes, message: str
) -> None:
    with pytest.raises(ProtocolError, match=message):
        feed_framer(Framer(), data)


def test_a_message_longer_than_the_limit_is_refused() -> None:
    framer = Framer(limit=1000)
    feed_framer(framer, b'{"a": "' + b"x" * 900)
    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        feed_framer(framer, b"x" * 100)


@pytest.mark.parametrize(
    "text",
    [b'{"a": 1,}', b'{"a" 1}', b'{"a": "\xff"}', b'{"a": ' + b"9" * 5000 + b"}", b"{]\n"]
    + [b'{"a": %s}' % number for number in (b"NaN", b"-Infinity", b"1e999")],
)
def test_broken_json_is_a_violation(text: bytes) -> None:
    assert "broken message" in str(violation_of(Conversation().receive_data(text)))


# States


def test_the_handshake_enables_out_of_band_execution_if_offered() -> None:
    conversation = Conversation()
    states = [conversation.state]
    greeting = {"QMP": {"version": {}, "capabilities": ["oob", "new"]}}
    assert receive(conversation, greeting) == [Greeting(greeting)]
    states.append(conversation.state)
    handshake = send_handshake(conversation)
    request, message = handshake.request, handshake.message
    assert message == {
        "execute": "qmp_capabilities",
        "arguments": {"enable": ["oob"]},
        "id": request.identity,
    }
    assert json.loads(handshake.data) == message
    reply = {"return": {}, "id": request.identity}
    assert receive(conversation, reply) == [Negotiated(Reply(reply, request))]
    states.append(conversation.state)
    assert states == [State.GREETING, State.NEGOTIATING, State.READY]


def test_a_refused_handshake_may_be_tried_again() -> None:
    conversation = Conversation()
    receive(conversation, {**GREETING})
    request = send_handshake(conversation).request
    refusal = {"error": {"class": "GenericError", "desc": "no"}, "id": request.identity}
    (reply,) = receive(conversation, refusal)
    assert isinstance(reply, Reply)
    assert reply.is_error
    assert conversation.state is State.NEGOTIATING
    request = send_handshake(conversation).request
    (accepted,) = receive(conversation, {"return": {}, "id": request.identity})
    assert isinstance(accepted, Negotiated)


def test_the_handshake_has_no_arguments_if_no_capability_is_offered() -> None:
    conversation = Conversation()
    version = {"qemu": "0.12.50", "package": ""}
    receive(conversation, {"QMP": {"version": version, "capabilities": []}})
    assert "arguments" not in send_handshake(conversation).message


@pytest.mark.parametrize("offered", [None, 5, "oob", {}])
def test_capabilities_other_than_a_list_are_ignored(offered: Any) -> None:
    conversation = Conversation()
    receive(conversation, {"QMP": {"capabilities": offered}})
    assert "arguments" not in send_handshake(conversation).message


def test_commands_are_refused_before_the_handshake_is_over() -> None:
    conversation = Conversation()
    with pytest.raises(ConnectError, match="waiting for the greeting"):
        query(conversation)
    with pytest.raises(ConnectError, match="waiting for the greeting"):
        send_handshake(conversation)
    receive(conversation, {**GREETING})
    with pytest.raises(ConnectError, match="negotiating"):
        query(conversation)
    with pytest.raises(ConnectError, match="synchronizing"):
        query(Conversation(agent=True))
    with pytest.raises(ConnectError, match="the handshake is over"):
        ready_conversation().prepare_handshake()


@pytest.mark.parametrize("first", [{"return": {}}, {"event": "STOP"}, {"QMP": 1}, {}])
def test_the_first_message_must_be_a_greeting(first: Message) -> None:
    assert "no greeting" in str(violation_of(receive(Conversation(), first)))


def test_an_event_may_come_before_the_reply_to_the_handshake() -> None:
    conversation = Conversation()
    receive(conversation, {**GREETING})
    send_handshake(conversation)
    assert receive(conversation, {"event": "STOP"}) == [Event({"event": "STOP"})]
    assert conversation.state is State.NEGOTIATING


def test_messages_before_a_violation_are_returned_first() -> None:
    conversation = ready_conversation()
    request = query(conversation)
    reply = {"return": 1, "id": request.identity}
    received = conversation.receive_data(encode({"event": "A"}, reply) + b" garbage")
    assert received[:2] == [Event({"event": "A"}), Reply(reply, request)]
    assert "it sent 'garbage'" in str(violation_of(received[2:]))
    assert conversation.state is State.FAILED


def test_after_a_violation_every_use_raises_it_again() -> None:
    conversation = ready_conversation()
    error = violation_of(receive(conversation, {"what": "ever"}))
    assert "not QMP" in str(error)
    for use in (
        lambda: query(conversation),
        conversation.prepare_handshake,
        lambda: receive(conversation, {"event": "STOP"}),
        conversation.receive_eof,
    ):
        with pytest.raises(ProtocolError) as caught:
            use()
        assert caught.value is error


@pytest.mark.parametrize(
    ("data", "in_message"), [(b"", False), (b'{"event": "A"}\r\n', False), (b'{"event"', True)]
)
def test_the_end_of_the_stream_closes_the_conversation_and_may_be_within_a_message(
    data: bytes, in_message: bool
) -> None:
    conversation = ready_conversation()
    conversation.receive_data(data)
    assert conversation.receive_eof() == in_message
    assert conversation.state is State.CLOSED
    for use in (lambda: query(conversation), lambda: conversation.receive_data(b"{}")):
        with pytest.raises(ConnectionLost, match="closed"):
            use()
    with pytest.raises(ConnectionLost, match="closed"):
        conversation.receive_eof()


def test_every_state_but_the_final_ones_has_transitions() -> None:
    final = {State.CLOSED, State.FAILED}
    assert {state for state, _ in TRANSITIONS} == set(State) - final
    for state in set(State) - final:
        assert TRANSITIONS[state, Trigger.VIOLATION] is State.FAILED
        assert TRANSITIONS[state, Trigger.END_OF_STREAM] is State.CLOSED


# Replies


def test_replies_are_matched_with_commands_by_id() -> None:
    conversation = ready_conversation()
    first, second = query(conversation), query(conversation)
    error = {"class": "X", "desc": "y"}
    (reply,) = receive(conversation, {"id": second.identity, "error": error})
    assert isinstance(reply, Reply)
    assert reply.request is second
    assert reply.is_error
    (reply,) = receive(conversation, {"return": {"b": 1, "a": 2}, "id": first.identity})
    assert isinstance(reply, Reply)
    assert reply.request is first
    assert list(reply.message["return"]) == ["b", "a"]


def test_an_id_stays_in_the_reply_only_if_the_caller_gave_it() -> None:
    conversation = ready_conversation()
    without, with_id = query(conversation), query(conversation, id={"my": "id"})
    replies = {"return": 1, "id": without.identity}, {"return": 2, "id": {"my": "id"}}
    received = receive(conversation, *replies)
    assert received == [Reply(replies[0], without), Reply(replies[1], with_id)]
    assert [each.message for each in received if isinstance(each, Reply)] == [
        {"return": 1},
        {"return": 2, "id": {"my": "id"}},
    ]


def test_a_reply_without_id_answers_the_oldest_command() -> None:
    conversation = ready_conversation()
    first, _ = query(conversation), query(conversation)
    error = {"error": {"class": "GenericError", "desc": "JSON parse error"}}
    assert receive(conversation, error) == [Reply(error, first)]


def test_a_reply_without_id_does_not_answer_an_out_of_band_command() -> None:
    conversation = ready_conversation()
    send(conversation, {"exec-oob": "migrate-pause"})
    oldest = send(conversation, {"execute": "stop"}).request
    (reply,) = conversation.receive_data(b'{"error": {}}')
    assert isinstance(reply, Reply)
    assert reply.request is oldest


def test_a_reply_to_an_abandoned_command_is_late() -> None:
    conversation = ready_conversation()
    abandoned, awaited = query(conversation), query(conversation)
    assert not conversation.owed_replies
    abandoned.abandoned = True
    assert conversation.owed_replies == [abandoned]
    received = receive(
        conversation,
        {"return": "late", "id": abandoned.identity},
        {"return": "mine", "id": awaited.identity},
    )
    assert [type(each) for each in received] == [LateReply, Reply]
    assert not conversation.owed_replies


def test_the_reply_to_an_abandoned_quiet_command_is_not_owed() -> None:
    conversation = ready_conversation()
    request = send(conversation, {"execute": "query-jobs"}, quiet=True).request
    request.abandoned = True
    assert not conversation.owed_replies


def test_a_reply_without_a_command_is_a_stray_reply() -> None:
    conversation = ready_conversation()
    forgotten = query(conversation)
    conversation.forget(forgotten)
    stray = {"return": {}, "id": forgotten.identity}
    assert receive(conversation, stray) == [StrayReply(stray)]


def test_each_received_item_has_the_message_as_it_was_received() -> None:
    conversation = Conversation()
    (greeting,) = receive(conversation, {**GREETING})
    assert isinstance(greeting, Greeting)
    assert greeting.wire == GREETING
    handshake = send_handshake(conversation).request
    (negotiated,) = receive(conversation, {"return": {}, "id": handshake.identity})
    assert isinstance(negotiated, Negotiated)
    assert negotiated.wire == {"return": {}, "id": handshake.identity}
    normal = query(conversation)
    quiet = send(conversation, {"execute": "query-jobs"}, quiet=True).request
    late = send(conversation, {"execute": "query-jobs"}, quiet=True).request
    late.abandoned = True
    sent: list[Message] = [
        {"event": "STOP"},
        {"id": normal.identity, "return": {}},
        {"return": {}, "id": quiet.identity},
        {"return": {}, "id": late.identity},
        {"return": {}, "id": 99},
    ]
    received = [each for each in receive(conversation, *sent) if not isinstance(each, Violation)]
    assert [json.dumps(each.wire) for each in received] == [json.dumps(each) for each in sent]
    assert [each.answered for each in received] == [None, normal, quiet, late, None]


# Events


def test_an_event_has_a_name_data_and_a_timestamp() -> None:
    message = {"event": "STOP", "timestamp": {"seconds": 2, "microseconds": 500000}}
    (event,) = receive(ready_conversation(), message)
    assert isinstance(event, Event)
    assert (event.name, event.data, event.timestamp) == ("STOP", {}, 2.5)


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        {},
        5,
        {"seconds": -1, "microseconds": -1},
        {"seconds": "x", "microseconds": 0},
        {"seconds": 1e300, "microseconds": 0},
        {"seconds": 10**18, "microseconds": 0},
    ],
)
def test_an_event_with_members_of_unexpected_types_has_default_values(timestamp: Any) -> None:
    event = Event({"event": None, "timestamp": timestamp, "data": None})
    assert (event.name, event.data, event.timestamp) == ("None", {}, 0.0)


# Guest agents


def test_output_of_a_guest_agent_before_its_delimiter_is_ignored() -> None:
    conversation = Conversation(agent=True)
    assert conversation.receive_data(b"old garbage") == []
    handshake = send_handshake(conversation, 77)
    request = handshake.request
    assert handshake.data.startswith(AGENT_DELIMITER)
    assert json.loads(handshake.data.removeprefix(AGENT_DELIMITER)) == handshake.message
    assert handshake.message["arguments"] == {"id": 77}
    assert conversation.receive_data(b'{"return": "stale"} garbage {') == []
    reply = {"return": 77, "id": 1}
    received = conversation.receive_data(b'"x\xff{"return": 77, "id": 1}\n')
    assert received == [Negotiated(Reply(reply, request))]
    assert conversation.state is State.READY


def test_a_guest_agents_replies_to_earlier_clients_are_stale() -> None:
    conversation = Conversation(agent=True)
    send_handshake(conversation, 77)
    data = b'\xff{"return": 7, "id": 1}\n\xff{"return": 77, "id": 1}\n'
    stale, negotiated = conversation.receive_data(data)
    assert stale == StaleReply({"return": 7, "id": 1})
    assert isinstance(negotiated, Negotiated)
