"""Fuzz target: what a client of a shared monitor sends, cut into chunks anywhere."""

from __future__ import annotations

import json
from typing import Any

from qmp_shell.errors import ProtocolError
from qmp_shell.sharing.conversation import Command, ServerConversation
from qmp_shell.sharing.permissions import allow_all, find_refusal

# The first byte of the input chooses what was negotiated and what is allowed; for all others, all.
_NEGOTIATING = ord("n")
_READ_ONLY = ord("r")
_GREETING = {"version": {}, "capabilities": ["oob"]}
_NEGOTIATE = b'{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}'
# Whoever may only read executes no other commands.
_READING = (
    "query-",
    "x-query-",
    "qom-list",
    "qom-get",
    "human-monitor-command",
    "trace-event-get-state",
)


def check(data: bytes) -> None:
    """A byte that chooses the state, then what the client sends."""
    state, sent = data[0] if data else 0, data[1:]
    whole = _converse(state, [sent])
    single = [sent[place : place + 1] for place in range(len(sent))]
    odd = [sent[place : place + 7] for place in range(0, len(sent), 7)]
    assert _converse(state, single) == whole
    assert _converse(state, odd) == whole


def _converse(state: int, chunks: list[bytes]) -> list[str]:
    """What a conversation makes of the chunks: commands, then all that the client gets."""
    is_read_only = state == _READ_ONLY
    conversation = ServerConversation(_GREETING, find_refusal if is_read_only else allow_all)
    if state != _NEGOTIATING:
        conversation.receive_data(_NEGOTIATE)
        assert conversation.next_command() is not None
    commands: list[Command] = []
    end = ""
    try:
        for chunk in chunks:
            conversation.receive_data(chunk)
            while (command := conversation.next_command()) is not None:
                if command.reply is None:
                    _check_command(command, is_read_only=is_read_only)
                    commands.append(command)
    except ProtocolError as error:
        end = str(error)
        assert end.isprintable(), "an error is one line"
    # The VM answers in-band commands in their order, and these only after all that was sent.
    for number, command in enumerate(commands):
        command.set_reply({"return": number})
        conversation.note_reply(command)
    return [*(repr(command.message) for command in commands), *_outputs(conversation), end]


def _check_command(command: Command, *, is_read_only: bool) -> None:
    message: dict[str, Any] = command.message
    assert isinstance(message, dict)
    assert "id" not in message
    assert command.size > 0
    assert isinstance(command.name, str)
    json.dumps(message, allow_nan=False)
    if is_read_only:
        assert not command.is_out_of_band
        assert command.name.startswith(_READING)


def _outputs(conversation: ServerConversation) -> list[str]:
    """What the client gets, in order: replies, or errors in their place."""
    lines = conversation.take_output()
    assert json.loads(lines[0]) == {"QMP": _GREETING}
    numbers = []
    for line in lines:
        assert line.endswith(b"\r\n")
        assert line.isascii()
        message = json.loads(line)
        assert message.keys() & {"QMP", "return", "error"}
        if isinstance(message.get("return"), int):
            numbers.append(message["return"])
    assert sorted(numbers) == list(range(len(numbers))), "each command is answered once"
    return [line.decode() for line in lines]
