"""The protocol without a socket: framing, the handshake, who gets which reply."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell import framing
from qmp_shell.errors import ConnectError, ProtocolError
from qmp_shell.framing import MAX_DEPTH, Framer
from qmp_shell.protocol import (
    Conversation,
    Event,
    LateReply,
    Message,
    News,
    Request,
    State,
    StrayReply,
)

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)
messages = st.dictionaries(st.text(), json_values)


def talk(conversation: Conversation, *sent: Message) -> list[News]:
    """Have the VM say something; what is news in it."""
    conversation.feed(b"".join(json.dumps(message).encode() for message in sent))
    found = [conversation.sort(message) for message in conversation.messages()]
    return [news for news in found if news is not None]


def feed(framer: Framer, data: bytes) -> list[bytes]:
    framer.feed(data)
    found = []
    while (text := framer.next_object()) is not None:
        found.append(text)
    return found


def ready() -> Conversation:
    conversation = Conversation()
    talk(conversation, {**GREETING})
    request, *_ = conversation.send(conversation.begin_handshake())
    talk(conversation, {"return": {}, "id": request.identity})
    conversation.ready()
    return conversation


def ask(conversation: Conversation, **message: Any) -> Request:
    return conversation.send({"execute": "query-status", **message})[0]


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
        found += feed(framer, stream[start : start + size])
    assert [json.loads(text.decode("utf-8", "surrogatepass")) for text in found] == sent


def test_messages_need_nothing_between_them() -> None:
    assert [json.loads(text) for text in feed(Framer(), b'{"a":1}{"b":"}\\"{"} {"c":[{}]}')] == [
        {"a": 1},
        {"b": '}"{'},
        {"c": [{}]},
    ]


def test_a_complete_message_does_not_wait_for_the_next_byte() -> None:
    framer = Framer()
    assert feed(framer, b'{"a": [1, {"b": "x"}]') == []
    assert framer
    assert feed(framer, b"}") == [b'{"a": [1, {"b": "x"}]}']
    assert not framer


class Counting:
    """A pattern that counts how many bytes it goes over."""

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
def test_each_byte_is_looked_at_once(
    text: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = [Counting(framing._NEXT), Counting(framing._IN_STRING)]
    monkeypatch.setattr(framing, "_NEXT", patterns[0])
    monkeypatch.setattr(framing, "_IN_STRING", patterns[1])
    framer = Framer()
    found = [m for i in range(0, len(text), size) for m in feed(framer, text[i : i + size])]
    assert found == [text]
    assert sum(pattern.bytes for pattern in patterns) <= len(text)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (b"QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ", "human monitor"),
        (b"[1]", "does not speak QMP"),
        (b"\xff\xfe", "does not speak QMP"),
        (b'{"a": ' * (MAX_DEPTH + 1), "nested"),
    ],
)
def test_what_is_not_qmp_is_told_at_once(data: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        feed(Framer(), data)


def test_a_message_without_end_is_refused_before_memory_is_full() -> None:
    framer = Framer(limit=1000)
    feed(framer, b'{"a": "' + b"x" * 900)
    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        feed(framer, b"x" * 100)


@pytest.mark.parametrize(
    "text",
    [b'{"a": 1,}', b'{"a" 1}', b'{"a": "\xff"}', b'{"a": ' + b"9" * 5000 + b"}", b"{]"]
    + [b'{"a": %s}' % number for number in (b"NaN", b"-Infinity", b"1e999")],
)
def test_broken_json_is_a_protocol_error(text: bytes) -> None:
    conversation = Conversation()
    conversation.feed(text)
    with pytest.raises(ProtocolError, match="broken message"):
        list(conversation.messages())


def test_the_handshake_enables_out_of_band_where_it_is_offered() -> None:
    conversation = Conversation()
    assert conversation.state == State.GREETING
    talk(conversation, {"QMP": {"version": {}, "capabilities": ["oob", "new"]}})
    assert conversation.state == State.NEGOTIATING
    assert conversation.begin_handshake() == {
        "execute": "qmp_capabilities",
        "arguments": {"enable": ["oob"]},
    }


def test_an_old_greeting_is_answered_without_arguments() -> None:
    conversation = Conversation()
    talk(conversation, {"QMP": {"version": {"qemu": "0.12.50", "package": ""}, "capabilities": []}})
    assert conversation.begin_handshake() == {"execute": "qmp_capabilities"}


def test_nothing_is_sent_before_its_time() -> None:
    conversation = Conversation()
    with pytest.raises(ConnectError, match="waiting for the greeting"):
        ask(conversation)
    talk(conversation, {**GREETING})
    with pytest.raises(ConnectError, match="negotiating"):
        ask(conversation)


@pytest.mark.parametrize("first", [{"return": {}}, {"event": "STOP"}, {"QMP": 1}, {}])
def test_the_first_message_must_be_a_greeting(first: Message) -> None:
    with pytest.raises(ProtocolError, match="greeting"):
        talk(Conversation(), first)


def test_replies_find_their_commands_by_id() -> None:
    conversation = ready()
    first, second = ask(conversation), ask(conversation)
    assert talk(conversation, {"id": second.identity, "error": {"class": "X", "desc": "y"}}) == []
    assert first.reply is None
    assert second.reply is not None
    assert second.reply.is_error
    talk(conversation, {"return": {"b": 1, "a": 2}, "id": first.identity})
    assert first.reply is not None
    assert list(first.reply.message["return"]) == ["b", "a"]


def test_an_id_is_shown_only_to_who_gave_it() -> None:
    conversation = ready()
    own, given_one = ask(conversation), ask(conversation, id={"my": "id"})
    talk(conversation, {"return": 1, "id": own.identity}, {"return": 2, "id": {"my": "id"}})
    assert own.reply is not None
    assert own.reply.message == {"return": 1}
    assert given_one.reply is not None
    assert given_one.reply.message == {"return": 2, "id": {"my": "id"}}


def test_a_reply_without_id_answers_the_oldest_command() -> None:
    conversation = ready()
    first, second = ask(conversation), ask(conversation)
    talk(conversation, {"error": {"class": "GenericError", "desc": "JSON parse error"}})
    assert first.reply is not None
    assert second.reply is None


def test_a_late_reply_is_told_from_others() -> None:
    conversation = ready()
    given_up, quiet, awaited = ask(conversation), ask(conversation), ask(conversation)
    given_up.abandoned = True
    quiet.abandoned = quiet.quiet = True
    news = talk(
        conversation,
        *({"return": request.identity, "id": request.identity} for request in (given_up, quiet)),
        {"return": "mine", "id": awaited.identity},
    )
    assert [type(each) for each in news] == [LateReply]
    assert awaited.reply is not None
    assert awaited.reply.message == {"return": "mine"}


def test_events_and_stray_replies_are_news() -> None:
    event = {"event": "STOP", "timestamp": {"seconds": 2, "microseconds": 500000}}
    news = talk(ready(), event, {"return": {}, "id": 99})
    assert news == [Event(event), StrayReply({"return": {}, "id": 99})]
    assert isinstance(news[0], Event)
    assert (news[0].name, news[0].data, news[0].timestamp) == ("STOP", {}, 2.5)


def test_an_event_before_the_capabilities_reply_is_an_event() -> None:
    conversation = Conversation()
    talk(conversation, {**GREETING})
    conversation.send(conversation.begin_handshake())
    assert talk(conversation, {"event": "STOP"}) == [Event({"event": "STOP"})]


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not QMP"):
        talk(ready(), {"what": "ever"})


def test_an_agent_is_heard_only_after_its_delimiter() -> None:
    conversation = Conversation(agent=True)
    message = conversation.begin_handshake(77)
    request, *_ = conversation.send(message)
    conversation.feed(b'{"return": "stale"} garbage {')
    assert list(conversation.messages()) == []
    conversation.feed(b'"x\xff{"return": 77, "id": 1}\n')
    assert list(conversation.messages()) == [{"return": 77, "id": 1}]
    assert message["arguments"] == {"id": 77}
    assert request.reply is None


@pytest.mark.parametrize(
    "stamp",
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
def test_an_odd_event_is_an_event_all_the_same(stamp: Any) -> None:
    event = Event({"event": None, "timestamp": stamp, "data": None})
    assert (event.name, event.data, event.timestamp) == ("None", {}, 0.0)


@pytest.mark.parametrize("offered", [None, 5, "oob", {}])
def test_odd_capabilities_are_none(offered: Any) -> None:
    conversation = Conversation()
    talk(conversation, {"QMP": {"capabilities": offered}})
    assert conversation.begin_handshake() == {"execute": "qmp_capabilities"}
