"""Every message in a file: one JSON line each, with a time stamp and a direction."""

from __future__ import annotations

import json
import os
import time

from ..errors import UsageError
from ..protocol import Message


class MessageLog:
    """A log file, for its owner's eyes only. Lines are added to what is there."""

    def __init__(self, path: str) -> None:
        """:raise UsageError: it can't be written."""
        self.path = path
        try:
            descriptor = os.open(
                os.path.expanduser(path),
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; no log is kept") from None
        self._file = open(descriptor, "ab", buffering=0)  # noqa: SIM115 (lives with the log)

    def write(self, direction: str, message: Message) -> None:
        """Add a message, whose secrets are hidden already.

        Nothing is buffered, so nothing is left to fail in :meth:`close`.

        :param direction: ``>`` for one sent, ``<`` for one received.

        :raise OSError: it can't be written.
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
