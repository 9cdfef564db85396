"""A server that greets, answers and ends as a scene says, whatever it is asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
from pathlib import Path
from typing import NamedTuple

from tests.unix_server import UnixServer

GREETING = (
    b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 9}, "package": ""},'
    b' "capabilities": ["oob"]}}\r\n'
)
# Stands for the id of the command that is answered.
ID = b"<id>"
OK = b'{"return": {}, "id": <id>}\r\n'
# The command that the scenes are about; all others are answered with OK.
COMMAND = "stop"


class Scene(NamedTuple):
    """What a server does, and how a script ends that sends it one command.

    :ivar status: the script's exit status.
    :ivar error: a part of what it says on standard error; empty: it says nothing.
    :ivar greeting: is sent at once.
    :ivar accepted: the reply to ``qmp_capabilities``.
    :ivar reply: the reply to :data:`COMMAND`.
    :ivar ends: the connection is closed after the reply; if there is no reply to
        ``qmp_capabilities`` either, after the greeting.
    :ivar resets: it is closed by a reset.
    :ivar pieces: so many bytes are sent at a time; 0: all at once.
    :ivar reads: False: nothing is read after the greeting.
    :ivar options: of the script.
    :ivar is_large: a terminal would take too long to show it.
    """

    name: str
    status: int
    error: str = ""
    greeting: bytes = GREETING
    accepted: bytes = OK
    reply: bytes = OK
    ends: bool = False
    resets: bool = False
    pieces: int = 0
    reads: bool = True
    options: tuple[str, ...] = ()
    is_large: bool = False


class Server(UnixServer):
    """Serves one scene, to one client after the other."""

    def __init__(self, path: Path, scene: Scene) -> None:
        self._scene = scene
        self._is_over = threading.Event()
        super().__init__(path, self._play)

    def _play(self, stream: socket.socket) -> None:
        self._answer(stream)
        if self._scene.resets:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _answer(self, stream: socket.socket) -> None:
        scene = self._scene
        self._send(stream, scene.greeting)
        if not scene.reads:
            self._is_over.wait()
        if scene.ends and not scene.accepted:
            return
        with stream.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                name = message.get("execute")
                answer = {"qmp_capabilities": scene.accepted, COMMAND: scene.reply}.get(name, OK)
                self._send(stream, answer.replace(ID, json.dumps(message.get("id")).encode()))
                if scene.ends and name == COMMAND:
                    return

    def _send(self, stream: socket.socket, data: bytes) -> None:
        size = self._scene.pieces or max(len(data), 1)
        for start in range(0, len(data), size):
            stream.sendall(data[start : start + size])

    def end(self) -> None:
        """Stop listening."""
        self._is_over.set()
        super().end()
