"""A QMP client in a few lines of socket code, which uses nothing of the package under test."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

SECONDS = 20.0

Message = dict[str, Any]


class PlainClient:
    """A client of a monitor.

    :ivar greeting: the first message.
    :ivar events: those that came while a reply was awaited.
    :ivar socket: the connection.
    """

    def __init__(
        self, path: str, *, negotiates: bool = True, enables: tuple[str, ...] = ()
    ) -> None:
        """
        :param negotiates: negotiate capabilities at once.
        :param enables: capabilities.
        """
        self.socket = self.open(path)
        self._lines = self.socket.makefile("rb")
        self.events: list[Message] = []
        self.greeting = self.receive()
        if negotiates:
            assert self.execute("qmp_capabilities", enable=list(enables)) == {"return": {}}

    @staticmethod
    def open(path: str) -> socket.socket:
        """Connect to a server, which may still have to start."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                connection.connect(path)
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline, f"nobody serves {path}"
                time.sleep(0.01)

    def __enter__(self) -> PlainClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def send(self, *messages: Message | bytes, descriptors: tuple[int, ...] = ()) -> None:
        """Send messages, or any bytes, at once."""
        parts = [
            each if isinstance(each, bytes) else json.dumps(each).encode() for each in messages
        ]
        if descriptors:
            socket.send_fds(self.socket, [b"".join(parts)], descriptors)
        else:
            self.socket.sendall(b"".join(parts))

    def receive(self) -> Message:
        """The next message.

        :raise EOFError: the connection has ended.
        """
        try:
            line = self._lines.readline()
        except ConnectionResetError:
            line = b""
        if not line:
            raise EOFError
        message: Message = json.loads(line)
        return message

    def receive_reply(self) -> Message:
        """The next message that is no event; events are kept."""
        while "event" in (message := self.receive()):
            self.events.append(message)
        return message

    def execute(self, name: str, descriptors: tuple[int, ...] = (), **arguments: Any) -> Message:
        """Execute a command, and return the reply."""
        message = {
            "execute": name,
            "arguments": {k.replace("_", "-"): v for k, v in arguments.items()},
        }
        self.send(message, descriptors=descriptors)
        return self.receive_reply()

    def wait_for_event(self, name: str) -> Message:
        """An event of a name; others before it are dropped."""
        while self.events:
            if (event := self.events.pop(0))["event"] == name:
                return event
        while (message := self.receive()).get("event") != name:
            pass
        return message

    def wait_for_end(self) -> list[Message]:
        """All messages until the end of the connection."""
        messages = []
        try:
            while True:
                messages.append(self.receive())
        except EOFError:
            return messages
