"""Address to connected socket. Knows nothing of what is said over it."""

from __future__ import annotations

import os
import socket
import struct
import time

from .address import Address, TcpAddress, UnixAddress
from .errors import ConnectError

# How often a socket that is waited for is tried again; nothing tells of a new listener.
_RETRY_SECONDS = 0.05
_SUN_PATH_MAX = 107
_LONGEST = 1e6  # seconds that the system calls take without an overflow


def open_stream(address: Address, *, timeout: float | None, wait: float = 0) -> socket.socket:
    """Connect to a monitor.

    :param timeout: seconds that one attempt may take; None: any time.
    :param wait: seconds to go on trying while nobody listens there.
    :return: a connected stream socket, non-blocking.
    :raise ConnectError: it did not work out.
    """
    deadline = time.monotonic() + wait
    if timeout is not None and timeout > _LONGEST:
        timeout = None
    while True:
        try:
            stream = _connect(address, timeout)
        except UnicodeError:  # what it says speaks of Python's idna codec
            raise ConnectError(f"{address}: this is no name of a host") from None
        except OSError as error:
            if not _may_come(error) or time.monotonic() >= deadline:
                raise ConnectError(_explain(address, error, waited=wait)) from None
            time.sleep(_RETRY_SECONDS)
        else:
            stream.setblocking(False)
            return stream


def _connect(address: Address, timeout: float | None) -> socket.socket:
    if isinstance(address, UnixAddress):
        return _connect_unix(os.path.expanduser(address.path), timeout)
    stream = socket.create_connection((address.host, address.port), timeout)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return stream


def _connect_unix(path: str, timeout: float | None) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A socket whose backlog is full makes connect() wait, for as long as this says;
        # Python's own time-out would turn that into an error at once.
        limit = timeout or 0
        span = struct.pack("ll", int(limit), int(limit % 1 * 1e6))
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
        if len(os.fsencode(path)) <= _SUN_PATH_MAX:
            stream.connect(path)
        else:
            _connect_far(stream, path)
    except BaseException:
        stream.close()
        raise
    return stream


def _connect_far(stream: socket.socket, path: str) -> None:
    """Connect to a path longer than a UNIX address holds, through its open directory."""
    folder, name = os.path.split(path)
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        stream.connect(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def _may_come(error: OSError) -> bool:
    """Whether this is what one meets before a VM has opened its monitor."""
    return isinstance(error, FileNotFoundError | ConnectionRefusedError | ConnectionResetError)


def _explain(address: Address, error: OSError, *, waited: float) -> str:
    """One line: what happened, and what to do."""
    after = f" after waiting {waited:g} s" if waited else ""
    if isinstance(error, BlockingIOError):
        return f"{address} is busy: other clients already wait for this monitor"
    if isinstance(error, TimeoutError):
        return f"{address}: connecting took too long"
    if isinstance(error, PermissionError):
        return f"{address}: permission denied; only the VM's owner (or root) may connect"
    if isinstance(address, TcpAddress):
        if isinstance(error, socket.gaierror):
            return f"{address}: unknown host {address.host!r}"
        if isinstance(error, ConnectionRefusedError):
            start = f"-qmp tcp:{address},server=on,wait=off"
            return f"{address}: nobody listens there{after}; start QEMU with {start}"
    elif isinstance(error, FileNotFoundError):
        start = f"-qmp unix:{address},server=on,wait=off"
        return f"{address}: no such socket{after}; start QEMU with {start}"
    elif isinstance(error, ConnectionRefusedError):
        if os.path.isfile(os.path.expanduser(address.path)):
            return f"{address} is a file, not a socket"
        return f"{address}: nobody listens there{after}; what did has probably ended"
    return f"{address}: {error.strerror or error}"
