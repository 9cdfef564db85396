"""The socket to which QEMU connects its monitor, in a directory that only this user can enter.

Knows nothing of processes, or of what is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile

from ..errors import ConnectError

# More than ever connect at once; who waits for a place could not be told from who came too late.
_BACKLOG = 16
# In bytes; the address of a UNIX socket holds 107, which has to do for the names below it too.
_LONGEST_DIRECTORY = 80


class MonitorSocket:
    """A listening socket, which never blocks.

    :ivar path: its path, without characters that QEMU's option parser takes for its own.
    """

    def __init__(self) -> None:
        """:raise ConnectError: there is no place for it."""
        parent = None
        self.path = ""
        self._directory: str | None = None
        try:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(f"no socket can be made: {error.strerror or error}") from None
        try:
            parent = _short_directory()
            self._directory = tempfile.mkdtemp(prefix="qmp-shell-", dir=parent)
            self.path = os.path.join(self._directory, "qmp")
            self._listener.bind(self.path)
            self._listener.listen(_BACKLOG)
            self._listener.setblocking(False)
        except OSError as error:
            self._remove_directory()
            self._listener.close()
            raise explain_no_place(error, parent) from None

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> socket.socket | None:
        """Return a connection; None: nobody has connected yet."""
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            return self._listener.accept()[0]
        return None

    def close(self) -> list[socket.socket]:
        """Remove it; nobody can connect any more.

        :return: the connections that were made before, and not accepted.
        """
        if self._listener.fileno() < 0:
            return []
        self._remove_directory()
        waiting: list[socket.socket] = []
        with contextlib.suppress(OSError):  # too many open files: those left are closed unseen
            waiting.extend(iter(self.accept, None))
        self._listener.close()
        return waiting

    def _remove_directory(self) -> None:
        """Remove the socket and its folder; unlike rmtree() this needs no file descriptor."""
        if self._directory is None:
            return
        with contextlib.suppress(OSError):  # it was not created, or somebody has removed it
            os.unlink(self.path)
        with contextlib.suppress(OSError):
            os.rmdir(self._directory)


def explain_no_place(error: OSError, directory: str | None) -> ConnectError:
    """Return an error that says why no temporary file can be created.

    :param directory: where it was to be; None: no place was found for it.
    """
    place = f"{directory}: " if directory is not None else ""
    reason = error.strerror or error
    return ConnectError(f"{place}{reason}; set TMPDIR to a directory for temporary files")


def _short_directory() -> str:
    """Return the directory for temporary files, or /tmp if a socket's address cannot name it.

    QEMU's option parser takes a comma or an equals sign for its own.

    :raise OSError: there is none.
    """
    directory = tempfile.gettempdir()
    unfit = len(os.fsencode(directory)) > _LONGEST_DIRECTORY or set(",=") & set(directory)
    return "/tmp" if unfit else directory
