"""A scripted peer: it stands in for a VM only where a real one can't be made to misbehave."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

GREETING = (
    b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 9}, "package": ""},'
    b' "capabilities": ["oob"]}}\r\n'
)
ACCEPTED = b'{"return": {}, "id": 1}\r\n'


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
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

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
                    self.received.append(lines.readline())
                try:
                    stream.sendall(step)
                except OSError:  # the client has left; some tests want it to
                    return

    def end(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
