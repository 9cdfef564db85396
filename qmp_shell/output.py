"""Standard output, standard error and log files: what is written is written whole, but for Ctrl-C.

All text of a VM is written here. An :class:`Output` takes :data:`SafeText` only, which ``render/``
alone makes, so such text cannot reach a terminal with its control characters. This module knows
nothing of what a text means.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from .errors import OutputTimeout
from .signals import Interruptible, poll_timeout
from .static_typing import NewType

SafeText = NewType("SafeText", str)
"""Text without control characters but newline, tab, and the colours that ``render/`` has added."""

STANDARD_OUTPUT = 1
STANDARD_ERROR = 2

# What is reported as writable takes so many bytes without blocking (pipe(7), PIPE_BUF).
_CHUNK = 4096
_LONG = 1 << 20  # characters
# Ends an escape sequence, a colour and a line, where a text was cut.
_AFTER_CUT = b"\x18\x1b[0m\r\n"


def _no_limit() -> None:
    return None


class Writer:
    """Writes bytes to a file descriptor, whether that blocks or not. SIGINT can interrupt it."""

    def __init__(
        self, descriptor: int, name: str, *, timeout: Callable[[], float | None] = _no_limit
    ) -> None:
        """
        :param descriptor: the caller closes it.
        :param name: what it is called in an error message.
        :param timeout: returns the seconds for which a reader may take nothing; None: no limit.
        """
        self.descriptor = descriptor
        self._name = name
        self._timeout = timeout
        self._has_begun = False  # to write something that may have been cut

    def write_bytes(self, data: bytes) -> None:
        """Write all of it.

        :raise OutputTimeout: its reader has stopped reading.
        :raise OSError: it cannot be written; ``BrokenPipeError``: it has no reader any more.
        """
        left = memoryview(data)
        self._has_begun = False
        with Interruptible():
            while left:
                left = left[self._write_some(left) :]

    def _write_some(self, data: memoryview) -> int:
        timeout = self._timeout()
        if timeout is not None:
            self._wait(timeout)
            data = data[:_CHUNK]
        self._has_begun = True
        try:
            return os.write(self.descriptor, data)
        except BlockingIOError:
            self._wait(timeout)
            return 0
        except OSError as error:
            error.filename = self._name
            raise

    def _wait(self, timeout: float | None) -> None:
        """Wait until something can be written.

        :raise OutputTimeout: that takes too long.
        """
        if not self._is_writable(timeout):
            raise OutputTimeout(f"{self._name} was not read within {timeout:g} s")

    def _is_writable(self, timeout: float | None) -> bool:
        """Whether something can be written within some seconds; None: they are not limited."""
        deadline = None if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(self.descriptor, select.POLLOUT)
        while not poll.poll(poll_timeout(deadline)):
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True


class Output(Writer):
    """Standard output or standard error.

    :ivar supports_unicode: characters beyond ASCII can be shown there.
    """

    def __init__(self, descriptor: int, *, timeout: Callable[[], float | None] = _no_limit) -> None:
        """:param descriptor: :data:`STANDARD_OUTPUT` or :data:`STANDARD_ERROR`."""
        is_output = descriptor == STANDARD_OUTPUT
        name = "standard output" if is_output else "standard error"
        super().__init__(descriptor, name, timeout=timeout)
        stream = sys.stdout if is_output else sys.stderr
        # There is no stream if the descriptor was closed when the program started.
        self._encoding = (stream.encoding if stream is not None else None) or "ascii"
        self.supports_unicode = self._encoding.lower().startswith("utf")

    @property
    def is_terminal(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.descriptor)

    def write(self, text: SafeText) -> None:
        """Write a text; what the encoding lacks is written as a backslash escape.

        :raise OutputTimeout, OSError: see :meth:`write_bytes`.
        """
        data = text.encode(self._encoding, "backslashreplace")
        try:
            self.write_bytes(data)
        except KeyboardInterrupt:  # a short text is written at once, and not cut
            may_be_cut = self._has_begun and len(data) > _CHUNK
            if may_be_cut and self.is_terminal and self._is_writable(0):
                os.write(self.descriptor, _AFTER_CUT)
            raise

    def write_if_possible(self, text: SafeText) -> None:
        """Write a short text, unless that cannot be done at once."""
        if self._is_writable(0):
            with suppress(OSError):
                os.write(self.descriptor, text.encode(self._encoding, "backslashreplace"))

    def write_line(self, text: SafeText) -> None:
        """Write a text and a newline."""
        if len(text) > _LONG:
            # In pieces, for a copy of all of it would need as much memory again.
            for start in range(0, len(text), _LONG):
                self.write(SafeText(text[start : start + _LONG]))
            text = SafeText("")
        self.write(SafeText(f"{text}\n"))

    def write_lines(self, texts: Sequence[SafeText]) -> None:
        """Write several texts, and a newline behind each."""
        self.write_line(SafeText("\n".join(texts)))
