"""Every message in a file or on the screen, with secrets hidden."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

from ..errors import OutputTimeout, UsageError, explain_os_error
from ..messages import Message, Request
from ..output import Writer
from ..static_typing import TYPE_CHECKING, Any
from .settings import Settings

if TYPE_CHECKING:
    from .display import Display

# How long a log that is a pipe may hold up a prompt.
_PROMPT_SECONDS = 1.0


class MessageLog:
    """A log file that only its owner can read: one JSON line for each message."""

    def __init__(self, path: str, timeout: Callable[[], float | None], vm: str = "") -> None:
        """
        :param vm: is in each line, unless it is empty.
        :param timeout: returns the seconds for which a pipe's reader may take nothing; None: no
            limit.
        :raise UsageError: the file cannot be opened for appending.
        """
        from .private_file import open_private

        self.path = path
        self._same = {"vm": vm} if vm else {}
        try:
            descriptor = open_private(path)
        except OSError as error:
            raise UsageError(f"{path}: {explain_os_error(error)}; no log is kept") from None
        self._writer = Writer(descriptor, path, timeout=timeout)

    def write(self, direction: str, message: Message) -> None:
        """Append a message. Nothing is buffered, so nothing can fail in :meth:`close`.

        :param direction: ``>`` for a message sent, ``<`` for one received.
        :raise OutputTimeout, OSError: it cannot be written.
        """
        direction = {">": "sent", "<": "received"}[direction]
        self._append({"direction": direction, "message": message})

    def write_fault(self, traceback: str) -> None:
        """Append a fault of the shell itself.

        :raise OutputTimeout, OSError: it cannot be written.
        """
        self._append({"fault": traceback})

    def _append(self, entry: dict[str, Any]) -> None:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"
        line = json.dumps({"time": stamp, **self._same, **entry})
        self._writer.write_bytes(line.encode("ascii") + b"\n")

    def close(self) -> None:
        os.close(self._writer.descriptor)


class MessageTracer:
    """Logs each message, and shows the user's own with ``-v``.

    It is the client's tracer (:data:`~qmp_shell.client.Tracer`).
    """

    def __init__(
        self, display: Display, settings: Settings, *, is_interactive: bool, vm: str = ""
    ) -> None:
        """
        :param is_interactive: a log whose reader has stopped is given up, not waited for.
        :param vm: the VM's name, if others log to the same file.
        """
        self._is_interactive = is_interactive
        self._vm = vm
        self._display = display
        self._settings = settings
        self._log: MessageLog | None = None

    def __call__(self, direction: str, message: Message, request: Request | None) -> None:
        """:param request: the command that it is or answers; None: none."""
        shown = self._settings.verbose and not (request is not None and request.quiet)
        if self._log is None and not shown:
            return
        from ..language.secrets import reads_secret, redact

        hides_return = request is not None and reads_secret(request.message)
        message = redact(message, hides_return=hides_return)
        self._write(lambda log: log.write(direction, message))
        if shown:
            self._display.trace(direction, message)

    def note_fault(self, error: BaseException) -> None:
        """Log a fault of the shell itself."""
        import traceback

        text = "".join(traceback.format_exception(error))
        self._write(lambda log: log.write_fault(text))

    def _write(self, write: Callable[[MessageLog], None]) -> None:
        log = self._log
        if log is None:
            return
        try:
            write(log)
        except KeyboardInterrupt:  # within a line, behind which no other can be written
            self.log_to(None)
            self._display.warning(f"{log.path}: interrupted; logging is off")
            raise
        except OSError as error:
            if isinstance(error, OutputTimeout) and not self._is_interactive:
                raise
            self.log_to(None)
            reason = error.strerror or "nobody reads from it"
            self._display.warning(f"{log.path}: {reason}; logging is off")

    def log_to(self, path: str | None) -> None:
        """Log to another file, or to none.

        :raise UsageError: it cannot be written; the log before goes on.
        """
        log = MessageLog(path, self._timeout, self._vm) if path is not None else None
        if self._log is not None:
            self._log.close()
        self._log = log

    def _timeout(self) -> float | None:
        return _PROMPT_SECONDS if self._is_interactive else self._settings.timeout

    @property
    def log_path(self) -> str | None:
        """The file that messages are logged to."""
        return self._log.path if self._log is not None else None
