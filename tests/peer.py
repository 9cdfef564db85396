"""A scripted peer: it stands in for a VM only where a real one can't be made to misbehave."""

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
ACCEPTED = b'{"return": {}, "id": 1}\r\n'

# What the prompt's toolbar asks at any time.
_ASIDE = (b'"query-jobs"', b'"query-migrate"')
_STATUS = b'"query-status"'  # which is also asked once for the heading
_ID = re.compile(rb'"id": (\d+)')


class ScriptedPeer:
    """Accepts one connection and sends its steps, each after the next line it receives.

    The first step is sent at once, as a greeting is. ``b"..."`` as a step waits for a line
    and sends nothing; after the last step the connection is closed, unless that is ``HOLD``.
    """

    HOLD = b"<hold>"

    def __init__(self, path: Path, *steps: bytes) -> None:
        self.address = str(path)
        self.received: list[bytes] = []
        self._steps = steps
        self._ids: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _next_line(self, lines: BinaryIO, stream: socket.socket) -> bytes:
        """The next line that counts; what a toolbar asks is refused and does not."""
        while True:
            line = lines.readline()
            again = _STATUS in line and any(_STATUS in each for each in self.received)
            if not again and not any(each in line for each in _ASIDE):
                return line
            with contextlib.suppress(OSError):
                stream.sendall(b'{"error": {}, "id": %s}\r\n' % _ID.findall(line)[-1])

    def _serve(self) -> None:
        try:
            stream, _ = self._listener.accept()
        except OSError:  # the test is over, and nobody came
            return
        with stream, stream.makefile("rb") as lines:
            for number, step in enumerate(self._steps):
                if step == self.HOLD:
                    self._over.wait()
                    return
                if number:
                    self.received.append(self._next_line(lines, stream))
                    identity = _ID.findall(self.received[-1])
                    self._ids.append(identity[-1] if identity else b"")
                try:
                    stream.sendall(_ID.sub(self._identity, step))
                except OSError:  # the client has left; some tests want it to
                    return

    def _identity(self, match: re.Match[bytes]) -> bytes:
        """An ``id`` in a step is the number of a line; its own may be another."""
        number = int(match[1])
        known = 0 < number <= len(self._ids) and self._ids[number - 1]
        return b'"id": ' + (known or match[1])

    def end(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
