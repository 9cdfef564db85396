"""Every message in a file or on the screen, with secrets hidden."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..protocol import Message
from .settings import Settings

if TYPE_CHECKING:
    from .display import Display


class MessageLog:
    """A log file that only its owner can read: one JSON line for each message."""

    def __init__(self, path: str) -> None:
        """:raise UsageError: the file cannot be opened for appending."""
        self.path = path
        try:
            descriptor = os.open(
                os.path.expanduser(path),
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; no log is kept") from None
        self._file = open(descriptor, "ab", buffering=0)  # noqa: SIM115 (open as long as the log)

    def write(self, direction: str, message: Message) -> None:
        """Append a message. Nothing is buffered, so nothing can fail in :meth:`close`.

        :param direction: ``>`` for a message sent, ``<`` for one received.
        :raise OSError: it cannot be written.
        """
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"
        entry = {
            "time": stamp,
            "direction": {">": "sent", "<": "received"}[direction],
            "message": message,
        }
        self._file.write(json.dumps(entry).encode("ascii") + b"\n")

    def close(self) -> None:
        self._file.close()


class MessageTracer:
    """Logs each message, and shows the user's own with ``-v``.

    It is the client's tracer (:data:`~qmp_shell.client.Tracer`).
    """

    def __init__(self, display: Display, settings: Settings, log: MessageLog | None) -> None:
        self._display = display
        self._settings = settings
        self._log = log

    def __call__(self, direction: str, message: Message, quiet: bool) -> None:
        """:param quiet: it belongs to a question of the shell's own."""
        shown = self._settings.verbose and not quiet
        if self._log is None and not shown:
            return
        if direction == ">":
            from ..language.secrets import redact

            message = redact(message)
        if self._log is not None:
            try:
                self._log.write(direction, message)
            except OSError as error:
                self._display.warning(f"{self._log.path}: {error.strerror}; logging is off")
                self.log_to(None)
        if shown:
            self._display.trace(direction, message)

    def log_to(self, path: str | None) -> None:
        """Log to another file, or to none.

        :raise UsageError: it cannot be written; the log before goes on.
        """
        log = MessageLog(path) if path is not None else None
        if self._log is not None:
            self._log.close()
        self._log = log

    @property
    def log_path(self) -> str | None:
        """The file that messages are logged to."""
        return self._log.path if self._log is not None else None
