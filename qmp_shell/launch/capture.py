"""What a program prints, captured in a pipe and decoded.

Knows nothing of the program, or of how its output is shown.
"""

from __future__ import annotations

import codecs
import os

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
