"""A server on a UNIX socket, in a thread: the common part of the tests' VMs that are none."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path


class UnixServer:
    """Accepts one connection after the other.

    :ivar address: of its socket.
    """

    def __init__(self, path: Path, serve: Callable[[socket.socket], None]) -> None:
        """:param serve: is given each connection, which is closed when it returns."""
        self.address = str(path)
        self._serve = serve
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(1)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:  # end() was called
                return
            with stream, contextlib.suppress(OSError):  # the client has closed the connection
                self._serve(stream)

    def end(self) -> None:
        """Stop listening. A connection that is open ends with its client."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
