"""The server's side of the protocol without a connection: requests, states, order, permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.errors import ProtocolError
from qmp_shell.sharing.conversation import MOST_FAULTS, Command, ServerConversation
from qmp_shell.sharing.permissions import allow_all, find_refusal
from qmp_shell.sharing.reader import LONGEST_REQUEST, RequestReader

VM_GREETING = {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}
NEGOTIATE = {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}
FAULT = "a fault"


def read(*chunks: bytes) -> list[Any]:
    """What a reader makes of chunks: each request, or FAULT."""
    reader = RequestReader()
    found: list[Any] = []
    for chunk in chunks:
        reader.feed(chunk)
        while (incoming := reader.next_request()) is not None:
            found.append(FAULT if incoming.fault else incoming.message)
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": 1}{"b": 2}\n{"c": 3', [{"a": 1}, {"b": 2}]),
        (b'{"a":\r\n  [1,\r\n {"b": "}"}]}\r\n', [{"a": [1, {"b": "}"}]}]),
        (b"{'execute': 'stop', 'id': \"it's\"}", [{"execute": "stop", "id": "it's"}]),
        (b"{'a': '}{', 'b': \"'\"}{}", [{"a": "}{", "b": "'"}, {}]),
        (b'garbage\n{"a": 1}', [FAULT, {"a": 1}]),
        (b'abc def {"a": 1} x', [FAULT, {"a": 1}, FAULT]),
        (b'5 6\n"7"\n', [FAULT, FAULT]),
        (b'[1, {"a": 1}] {"b": 2}', [FAULT, {"b": 2}]),
        (b'{"a": ]}{"b": 2}', [FAULT, FAULT, {"b": 2}]),
        (b'{"a": NaN}{"a": 1e999}{"a": 1 2}', [FAULT, FAULT, FAULT]),
        (b'{"a": "\xc3("}{"a": "\xc3\xa9"}', [FAULT, {"a": "\xe9"}]),
        (b"{'a': \xc3('}", []),
        (b"{'a': '\xc3('}{'a': '\xc3\xa9'}", [FAULT, {"a": "\xe9"}]),
        (b'{"a": \xff{"b": 2}', [FAULT, {"b": 2}]),
        (b'{"a": "\x01{"b": 2}\x01\x00', [FAULT, {"b": 2}, FAULT, FAULT]),
        (b"what\x02 is this\n", [FAULT, FAULT, FAULT]),
        (b'{"a":' + b"9" * 5000 + b"}", [FAULT]),
        (b"{'a':" + b"[" * 200 + b"]" * 200 + b"}", [FAULT]),
        (b"{'a': '" + b"x" * 5000 + b"'}", [FAULT]),
        (b" \r\n\t", []),
    ],
)
def test_what_is_no_request_costs_only_itself(data: bytes, expected: list[Any]) -> None:
    assert read(data) == expected
    assert read(*(data[place : place + 1] for place in range(len(data)))) == expected


@given(st.lists(st.sampled_from([b"{", b"}", b'"', b"'", b"\\", b"a", b"\n", b"\xff", b"["])))
def test_how_requests_are_cut_does_not_matter(pieces: list[bytes]) -> None:
    assert read(*pieces) == read(b"".join(pieces))


def test_a_request_of_the_greatest_length_is_read_and_a_longer_one_is_not() -> None:
    text = b'{"execute": "%s"}' % (b"x" * (LONGEST_REQUEST - 15))
    assert len(text) == LONGEST_REQUEST
    assert len(read(text)) == 1
    with pytest.raises(ProtocolError, match=f"more than {LONGEST_REQUEST} bytes"):
        read(text[:-1] + b"xx")
    with pytest.raises(ProtocolError, match="nested"):
        read(b'{"a": ' * 1000)


class Exchange:
    """A conversation, what is sent to it, and what it answers."""

    def __init__(self, *, greeting: dict[str, Any] = VM_GREETING, is_ready: bool = True) -> None:
        self.conversation = ServerConversation(greeting, allow_all)
        if is_ready:
            assert self.send(NEGOTIATE) == [{"QMP": greeting}, {"return": {}}]

    def take(self, *messages: object) -> list[Command]:
        """Send messages; returns the commands for the VM."""
        data = b"".join(json.dumps(message).encode() for message in messages)
        self.conversation.receive_data(data)
        commands = []
        while (command := self.conversation.next_command()) is not None:
            if command.reply is None:
                commands.append(command)
        return commands

    def output(self) -> list[Any]:
        """What the client gets."""
        lines = self.conversation.take_output()
        assert all(line.endswith(b"\r\n") and line.isascii() for line in lines)
        return [json.loads(line) for line in lines]

    def send(self, *messages: object) -> list[Any]:
        """Send messages of which none is for the VM; returns what the client gets."""
        assert self.take(*messages) == []
        return self.output()

    def answer(self, command: Command, reply: dict[str, Any]) -> list[Any]:
        """The VM answers a command; returns what the client gets."""
        command.set_reply(reply)
        self.conversation.note_reply(command)
        return self.output()


def error_class(message: dict[str, Any]) -> str:
    return str(message["error"]["class"])


def test_the_greeting_is_the_vms_and_comes_first() -> None:
    exchange = Exchange(is_ready=False)
    assert exchange.output() == [{"QMP": VM_GREETING}]
    assert not exchange.conversation.is_ready


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"execute": "query-status"}, "CommandNotFound"),
        ({"execute": "qmp_capabilities", "arguments": {"enable": ["x"]}}, "GenericError"),
        ({"execute": "qmp_capabilities", "arguments": {"enable": [["oob"]]}}, "GenericError"),
        ({"execute": "qmp_capabilities", "arguments": {"enable": "oob"}}, "GenericError"),
        ({"execute": "qmp_capabilities", "arguments": {"other": 1}}, "GenericError"),
        ({"execute": "qmp_capabilities", "arguments": []}, "GenericError"),
        ({"execute": "qmp_capabilities", "other": 1}, "GenericError"),
        ({"exec-oob": "qmp_capabilities"}, "GenericError"),
        ({"execute": 5}, "GenericError"),
        ({}, "GenericError"),
    ],
)
def test_before_the_negotiation_nothing_else_is_accepted(
    message: dict[str, Any], expected: str
) -> None:
    exchange = Exchange(is_ready=False)
    exchange.output()
    (reply,) = exchange.send({**message, "id": [1]})
    assert error_class(reply) == expected
    assert reply["id"] == [1]
    exchange.conversation.add_event(b"event")
    assert exchange.output() == []
    assert exchange.send({"execute": "qmp_capabilities", "id": None}) == [
        {"return": {}, "id": None}
    ]
    (reply,) = exchange.send(NEGOTIATE)
    assert error_class(reply) == "CommandNotFound", "it is over"
    exchange.conversation.add_event(b'{"event": "STOP"}\r\n')
    assert exchange.output() == [{"event": "STOP"}]


def test_out_of_band_execution_has_to_be_offered_and_enabled() -> None:
    exchange = Exchange(greeting={"version": {}, "capabilities": []}, is_ready=False)
    exchange.output()
    (reply,) = exchange.send(NEGOTIATE)
    assert "does not offer" in reply["error"]["desc"]
    assert exchange.send({"execute": "qmp_capabilities"}) == [{"return": {}}]
    (reply,) = exchange.send({"exec-oob": "x", "id": 1})
    assert error_class(reply) == "GenericError"
    assert Exchange().take({"exec-oob": "x", "id": 1})[0].is_out_of_band


@pytest.mark.parametrize("greeting", [{}, {"capabilities": 5}, {"capabilities": [["oob"], 1]}])
def test_odd_greetings_of_a_vm_offer_nothing(greeting: dict[str, Any]) -> None:
    exchange = Exchange(greeting=greeting, is_ready=False)
    assert exchange.output() == [{"QMP": greeting}]
    assert "error" in exchange.send(NEGOTIATE)[0]


@pytest.mark.parametrize("identity", [0, "a", None, [1, {"b": 2}], {"id": 1}, True, 1.5])
def test_replies_have_the_clients_own_id_of_any_type(identity: object) -> None:
    exchange = Exchange()
    (command,) = exchange.take({"execute": "cont", "id": identity})
    assert command.message == {"execute": "cont"}
    assert exchange.answer(command, {"return": {}}) == [{"return": {}, "id": identity}]


def test_a_command_without_id_is_answered_without_id() -> None:
    exchange = Exchange()
    (command,) = exchange.take({"execute": "cont", "arguments": {"id": 5}})
    assert command.message == {"execute": "cont", "arguments": {"id": 5}}
    error = {"error": {"class": "GenericError", "desc": "no"}}
    assert exchange.answer(command, error) == [error]


def test_replies_come_in_the_order_of_the_commands_except_out_of_band() -> None:
    exchange = Exchange()
    first, second, third = exchange.take(
        {"execute": "a", "id": 1},
        {"execute": "b", "id": 2},
        "no request",
        {"execute": "qmp_capabilities", "id": 3},
        {"exec-oob": "c", "id": 4},
    )
    assert exchange.output() == []
    assert exchange.answer(third, {"return": 4}) == [{"return": 4, "id": 4}]
    assert exchange.answer(second, {"return": 2}) == []
    replies = exchange.answer(first, {"return": 1})
    assert replies[:2] == [{"return": 1, "id": 1}, {"return": 2, "id": 2}]
    assert ["error" in reply for reply in replies] == [False, False, True, True]
    assert replies[3]["id"] == 3


def test_a_client_that_sends_only_faults_does_not_speak_qmp() -> None:
    exchange = Exchange()
    for _ in range(3):
        exchange.conversation.receive_data(b"x\n" * (MOST_FAULTS - 1))
        assert len(exchange.take({"execute": "stop"})) == 1, "a command in between"
    exchange.conversation.receive_data(b"x\n" * MOST_FAULTS)
    with pytest.raises(ProtocolError, match="in a row"):
        exchange.take()


@pytest.mark.parametrize(
    ("message", "is_allowed"),
    [
        ({"execute": "query-status"}, True),
        ({"execute": "query-block", "arguments": {}}, True),
        ({"execute": "qom-list", "arguments": {"path": "/"}}, True),
        ({"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}}, True),
        ({"execute": "human-monitor-command", "arguments": {"command-line": "info qtree"}}, True),
        ({"execute": "human-monitor-command", "arguments": {"command-line": "stop"}}, False),
        ({"execute": "human-monitor-command", "arguments": {"command-line": "\xa0 stop"}}, False),
        ({"execute": "human-monitor-command", "arguments": {"command-line": 5}}, False),
        ({"execute": "human-monitor-command"}, False),
        ({"execute": "device-list-properties", "arguments": {"typename": "x"}}, False),
        ({"execute": "qom-list-properties", "arguments": {"typename": "x"}}, False),
        ({"execute": "quit"}, False),
        ({"execute": "qom-set"}, False),
        ({"execute": "getfd"}, False),
        ({"exec-oob": "query-status"}, False),
        ({"execute": "query-status", "exec-oob": "quit"}, False),
        ({"execute": "query-status", "control": {}}, False),
        ({"execute": ["query-status"]}, False),
        ({}, False),
    ],
)
def test_who_may_only_read_can_change_nothing(message: dict[str, Any], is_allowed: bool) -> None:
    assert (find_refusal(message) == "") == is_allowed
    if not is_allowed:
        assert "read only" in find_refusal(message)
    assert allow_all(message) == ""
