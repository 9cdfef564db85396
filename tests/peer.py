"""A scripted peer, which replaces the VM in tests that need behaviour no real QEMU shows."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path
from typing import BinaryIO

GREETING = (
    b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 9}, "package": ""},'
    b' "capabilities": ["oob"]}}\r\n'
)
# The reply to qmp_capabilities.
ACCEPTED = b'{"return": {}, "id": 1}\r\n'
# As the last step: keep the connection open.
HOLD = b"<hold>"
# The steps until the shell's first prompt, which asks for query-name and query-status at once. The
# next command, at the first key press, is query-commands with the id 4.
UNTIL_PROMPT = (GREETING, ACCEPTED, b"", b'{"return": {}, "id": 2}{"return": {}, "id": 3}')

# The prompt may send these commands at any time, for its toolbar and to describe what is typed.
_BACKGROUND_COMMANDS = (
    b'"query-jobs"',
    b'"query-block-jobs"',  # since the one before is refused
    b'"query-migrate"',
    b'"query-qmp-schema"',
)
# The toolbar sends this one too, but the first one is for the heading of the prompt.
_STATUS_COMMAND = b'"query-status"'
_ID = re.compile(rb'"id": ?(\d+)')


class ScriptedPeer:
    """Accepts one connection and sends its steps, each after the next line it has received.

    The first step is sent at once, as a greeting is. The step ``b""`` waits for a line and sends
    nothing. After the last step the connection is closed, unless the last step is ``HOLD``.

    An ``"id": N`` in a step, counted from 1, stands for the id of the Nth line received.
    """

    def __init__(self, path: Path, *steps: bytes, at_prompt: bool = True) -> None:
        """:param at_prompt: what a prompt asks at any time is refused, and is no step."""
        self.address = str(path)
        self._at_prompt = at_prompt
        self.received: list[bytes] = []
        self._steps = steps
        self._ids: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(1)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _receive_line(self, lines: BinaryIO, stream: socket.socket) -> bytes:
        """Return the next line, without the commands of the prompt itself, which are refused."""
        while True:
            try:
                line = lines.readline()
            except ConnectionResetError:  # the client has ended with something unread
                line = b""
            if not self._at_prompt or not self._is_of_prompt(line):
                return line
            with contextlib.suppress(OSError):
                stream.sendall(b'{"error": {}, "id": %s}\r\n' % _ID.findall(line)[-1])

    def _is_of_prompt(self, line: bytes) -> bool:
        is_repeated = _STATUS_COMMAND in line and any(
            _STATUS_COMMAND in each for each in self.received
        )
        return is_repeated or any(command in line for command in _BACKGROUND_COMMANDS)

    def _serve(self) -> None:
        try:
            stream, _ = self._listener.accept()
        except OSError:  # end() was called before any client connected
            return
        with stream, stream.makefile("rb") as lines:
            for number, step in enumerate(self._steps):
                if step == HOLD:
                    self._is_over.wait()
                    return
                if number:
                    self.received.append(self._receive_line(lines, stream))
                    ids = _ID.findall(self.received[-1])
                    self._ids.append(ids[-1] if ids else b"")
                try:
                    stream.sendall(_ID.sub(self._actual_id, step))
                except OSError:  # the client has closed the connection, as some tests intend
                    return

    def _actual_id(self, match: re.Match[bytes]) -> bytes:
        """Replace the number of a received line by the id in that line."""
        number = int(match[1])
        actual = self._ids[number - 1] if 0 < number <= len(self._ids) else b""
        return b'"id": ' + (actual or match[1])

    def end(self) -> None:
        """Stop listening, and close a connection that is held open."""
        self._is_over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
