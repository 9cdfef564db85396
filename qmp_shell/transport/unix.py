"""``PATH`` or ``unix:PATH``: a UNIX socket in the file system."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from itertools import islice

from ..errors import AddressError, ConnectError
from ..static_typing import TYPE_CHECKING
from .stream import Address, SocketStream, limit_timeout

if TYPE_CHECKING:
    from .listen import Listener

LONGEST_NAME = 107
"""Bytes that the address of a UNIX socket can hold (unix(7), ``sun_path``)."""

# How many files of a folder are looked at, and how many sockets are named.
_MOST_ENTRIES = 5_000
_MOST_SHOWN = 3
_PROBE_SECONDS = 0.1  # for a listener with a full backlog to make room


def real_path(path: str) -> str:
    """A path with its links resolved; unchanged, if a link disappears meanwhile.

    Links in ``/proc`` disappear with their process; ``os.path.realpath()`` may then raise an error.
    """
    try:
        return os.path.realpath(path)
    except OSError:
        return path


class UnixAddress(Address):
    """A UNIX socket in the file system.

    :ivar path: as written; ``~`` is expanded when it is used.
    """

    waits_in_backlog = True

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def _identity(self) -> tuple[type, str]:
        return type(self), real_path(os.path.expanduser(self.path))

    def __str__(self) -> str:
        looks_like_scheme = ":" in self.path.partition("/")[0]
        return f"unix:{self.path}" if looks_like_scheme else self.path

    def connect(self, timeout: float | None) -> SocketStream:
        with _short_path(os.path.expanduser(self.path)) as path:
            return connect_unix(path, timeout)

    def explain(self, error: OSError, after: str) -> str:
        if isinstance(error, BlockingIOError):
            return explain_busy(self)
        if isinstance(error, PermissionError):
            return f"{self}: permission denied; only the VM's owner (or root) may connect"
        if isinstance(error, FileNotFoundError):
            if self.path.isdecimal():
                return f"{self}: no such socket{after}; a TCP port is written :{self.path}"
            start = f"{self._qemu_option},server=on,wait=off"
            return f"{self}: no such socket{after}; start QEMU with {start}"
        if isinstance(error, ConnectionRefusedError):
            with contextlib.suppress(OSError):  # it may be gone since
                mode = os.stat(os.path.expanduser(self.path)).st_mode
                if stat.S_ISDIR(mode):
                    return f"{self} is a folder{self._list_sockets()}"
                if not stat.S_ISSOCK(mode):
                    return f"{self} is {'a file and ' * stat.S_ISREG(mode)}not a socket"
            return f"{self}: nobody listens there{after}; the program that did has probably ended"
        return super().explain(error, after)

    def _list_sockets(self) -> str:
        """The end of a message about a folder: the sockets in it."""
        try:
            with os.scandir(os.path.expanduser(self.path)) as entries:
                found = sorted(
                    entry.name
                    for entry in islice(entries, _MOST_ENTRIES)
                    if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
                )
        except OSError:  # nothing more is known than that it is a folder
            return ""
        shown = [os.path.join(self.path, name) for name in found[:_MOST_SHOWN]]
        more = [f"{len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
        return f"; the sockets in it: {', '.join(shown + more)}" if found else " without a socket"

    @contextlib.contextmanager
    def listen(self) -> Iterator[Listener]:
        """Create the socket, for its owner only, and remove it in the end.

        A stale one is replaced.

        :raise ConnectError: the path is in use, or can't be used.
        """
        from .listen import Listener

        with self.open(backlog=1) as listener:
            yield Listener([listener], UnixAddress(self._find_absolute())._qemu_option)

    @contextlib.contextmanager
    def open(self, backlog: int) -> Iterator[socket.socket]:
        """Create the socket as :meth:`listen` does, for any number of connections.

        :param backlog: how many may wait to be accepted.
        :raise ConnectError: the path is in use, or can't be used.
        """
        path = self._find_absolute()
        created = None
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            try:
                try:
                    with _short_path(path) as short:
                        self._bind(listener, short)
                        created = _identity_of(short)
                    listener.listen(backlog)
                except OSError as error:
                    raise ConnectError(f"{self}: {error.strerror or error}") from None
                yield listener
            finally:
                with contextlib.suppress(OSError):
                    if created is not None and _identity_of(path) == created:
                        os.unlink(path)

    def _find_absolute(self) -> str:
        """Its absolute path.

        :raise ConnectError: there is none, for the current folder has been removed.
        """
        try:
            return os.path.abspath(os.path.expanduser(self.path))
        except OSError as error:
            raise ConnectError(f"{self}: {error.strerror or error}") from None

    @property
    def _qemu_option(self) -> str:
        """The option that opens a monitor here."""
        return f"-qmp unix:{escape_commas(self.path)}"

    def _bind(self, listener: socket.socket, path: str) -> None:
        # Nobody can connect between bind() and a later chmod(), but a stranger could replace
        # the file in a folder that anyone may write to; so it has the right mode at once.
        mask = os.umask(0o177)
        try:
            try:
                listener.bind(path)
            except OSError:
                if not os.path.lexists(path):
                    raise
                self._remove_stale(path)
                listener.bind(path)
        finally:
            os.umask(mask)

    def _remove_stale(self, path: str) -> None:
        """Remove a socket on which nobody listens any more.

        :raise ConnectError: the path is something else.
        """
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ConnectError(f"{self} exists already, and is not a socket")
        try:
            connect_unix(path, _PROBE_SECONDS).close()
        except ConnectionRefusedError:
            os.unlink(path)
        except BlockingIOError:  # its queue of clients is full
            raise ConnectError(f"{self}: another program listens there already") from None
        else:
            raise ConnectError(f"{self}: another program listens there already")


def parse(target: str) -> UnixAddress:
    """:raise AddressError: the path is empty, or can't be a path."""
    if not target or "\0" in target:
        raise AddressError("a socket's path is needed")
    return UnixAddress(target)


def connect_unix(name: str | bytes, timeout: float | None) -> SocketStream:
    """Connect to a UNIX socket; see :func:`connect_socket`."""
    return SocketStream(connect_socket(name, timeout))


def connect_socket(name: str | bytes, timeout: float | None) -> socket.socket:
    """Connect to a UNIX socket.

    :param name: its path, or a null byte and its abstract name.
    :param timeout: seconds to wait while the listener's backlog is full; None: no limit.
    :raise BlockingIOError: the backlog is still full.
    :raise OSError: it can't be connected to.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        while True:
            # connect() waits for a place in a full backlog as long as this option says (0: for
            # ever), while Python's own time-out would turn that into an error at once.
            left = limit_timeout(None if deadline is None else deadline - time.monotonic()) or 0.0
            limit = struct.pack("ll", int(left), int(left % 1 * 1e6))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            connection.connect(name)
            if _is_connected(connection):
                return connection
    except BaseException:
        connection.close()
        raise


def _is_connected(connection: socket.socket) -> bool:
    """Whether a socket is connected.

    If a signal has interrupted connect(), Python returns as if it were, but it is not.
    """
    try:
        connection.getpeername()
    except OSError as error:
        return error.errno != errno.ENOTCONN
    return True


def explain_busy(address: Address) -> str:
    """Say that the listener's backlog is full."""
    return f"{address} is busy: other clients already wait for this monitor"


def escape_commas(text: str) -> str:
    """Return a path or name as it is written in a QEMU option, where a comma is doubled."""
    return text.replace(",", ",,")


@contextlib.contextmanager
def _short_path(path: str) -> Iterator[str]:
    """Give a path that fits into a UNIX address, through the open folder if need be."""
    if len(os.fsencode(path)) <= LONGEST_NAME:
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def _identity_of(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
