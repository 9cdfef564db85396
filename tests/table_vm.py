"""A peer that answers each command from a table, as a VM of another version would.

It stands in for QEMUs that cannot be installed: those that are too old, and states of a VM that
are over before they can be seen.
"""

from __future__ import annotations

import copy
import json
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.unix_server import UnixServer

Answer = Callable[[dict[str, Any]], Any]


class Refusal(Exception):
    """Raised by an answer: the command fails with this class and description."""

    def __init__(self, error_class: str, description: str) -> None:
        super().__init__(description)
        self.error = {"class": error_class, "desc": description}


class TableVm(UnixServer):
    """Accepts connections one after the other, and answers by command name.

    :ivar address: of its UNIX socket.
    :ivar asked: how often each command has come.
    :ivar messages: the messages that have come, in their order.
    """

    def __init__(self, path: Path, version: str, answers: Mapping[str, object]) -> None:
        """
        :param version: as ``2.4.0``.
        :param answers: what each command returns, or a function that is given its arguments and
            returns that. Other commands do not exist. ``query-commands`` lists what there is.
        """
        self.asked: Counter[str] = Counter()
        self.messages: list[dict[str, Any]] = []
        self._greeting = _greeting(version)
        self._answers: dict[str, object] = {"qmp_capabilities": {}} | dict(answers)
        names = [{"name": name} for name in (*self._answers, "query-commands")]
        self._answers.setdefault("query-commands", names)
        super().__init__(path, self._converse)

    def _converse(self, stream: socket.socket) -> None:
        stream.sendall(_encode(self._greeting))
        with stream.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                self.messages.append(message)
                reply = self._reply(message)
                if "id" in message:
                    reply["id"] = message["id"]
                stream.sendall(_encode(reply))

    def _reply(self, message: dict[str, Any]) -> dict[str, Any]:
        name = str(message.get("execute", message.get("exec-oob")))
        self.asked[name] += 1
        if name not in self._answers:
            text = f"The command {name} has not been found"
            return {"error": {"class": "CommandNotFound", "desc": text}}
        answer = self._answers[name]
        if not callable(answer):
            return {"return": answer}
        try:
            return {"return": answer(message.get("arguments", {}))}
        except Refusal as refusal:
            return {"error": refusal.error}


def _greeting(version: str) -> dict[str, Any]:
    major, minor, micro = map(int, version.split("."))
    capabilities = ["oob"] if (major, minor) >= (2, 12) else []
    number = {"major": major, "minor": minor, "micro": micro}
    return {"QMP": {"version": {"qemu": number, "package": ""}, "capabilities": capabilities}}


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\r\n"


def in_turn(*returned: object) -> Answer:
    """An answer that returns one value after the other, and then the last one for ever."""
    left = list(returned)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


class SchemaEditor:
    """Makes the schema of an older QEMU out of that of the one that is installed.

    :ivar entries: the list that ``query-qmp-schema`` returns.
    """

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        """:param entries: a schema, which is not changed."""
        self.entries = copy.deepcopy(entries)

    def drop(self, *commands: str) -> SchemaEditor:
        """Remove commands."""
        self.entries = [each for each in self.entries if each["name"] not in commands]
        return self

    def set_arguments(self, command: str, **members: str) -> SchemaEditor:
        """Replace what a command takes.

        :param members: the type of each; after a ``*`` if it is optional. A ``_`` in a name
            stands for ``-``.
        """
        name = f"{command}-arguments"
        described = [
            {"name": member.replace("_", "-"), "type": type_.removeprefix("*")}
            | ({"default": None} if type_.startswith("*") else {})
            for member, type_ in members.items()
        ]
        self.drop(command)
        self.entries += [
            {"name": command, "meta-type": "command", "arg-type": name, "ret-type": name},
            {"name": name, "meta-type": "object", "members": described},
        ]
        return self
