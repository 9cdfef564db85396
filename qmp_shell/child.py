"""What the programs that this one starts have in common: they end with it, and are listened to.

Knows nothing of the programs, or of how their output is shown.
"""

from __future__ import annotations

import codecs
import os
import signal
import sys
from collections.abc import Callable

from .signals import unblock_signals

_PR_SET_PDEATHSIG = 1
# More than fits into a pipe, so that one read empties it.
_READ_BYTES = 1 << 20


class CapturedOutput:
    """The reading end of a pipe, which never blocks.

    :ivar descriptor: its file descriptor, to be watched for readable data; None: it is closed.
    :ivar pipe: the other end, for the program to inherit.
    """

    def __init__(self) -> None:
        """:raise OSError: too many files are open."""
        self.descriptor: int | None
        self.descriptor, self.pipe = os.pipe()
        os.set_blocking(self.descriptor, False)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""

    def read(self) -> None:
        """Read what has been printed. At the end of the output it closes the pipe.

        Signals must be blocked: if one came in between, something would be lost.
        """
        if self.descriptor is None:
            return
        try:
            data = os.read(self.descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        self._text += self._decoder.decode(data, final=not data)
        if not data:
            self.close()

    def take(self) -> str:
        """Return what was read since the last call. A character is not cut in two."""
        text, self._text = self._text, ""
        return text

    def close(self) -> None:
        """Close the pipe; what was read can still be taken."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def prepare_child(*, ignores_interrupts: bool = False) -> Callable[[], None]:
    """Return what a new process has to call before it becomes the program (``preexec_fn``).

    Linux then sends it SIGTERM when this program ends, however that ends.

    :param ignores_interrupts: Ctrl-C, which reaches all that the terminal's user has started, is
        for this program alone.
    """
    # Imported here, and not in the new process, which must not do much.
    prctl = None
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if ignores_interrupts:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        unblock_signals()

    return prepare
