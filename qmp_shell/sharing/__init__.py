"""Sharing the monitor of a VM, which serves one client at a time, with any number of clients.

Each of them has the greeting, negotiates capabilities and chooses its own ids, as if the VM were
its own. It knows nothing of the session that shares the monitor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..errors import UsageError
from ..transport import parse_address
from ..transport.unix import UnixAddress
from .peer import Peer
from .server import MonitorServer

__all__ = ["MonitorServer", "Peer", "open_server"]


def open_server(path: str, notify: Callable[[str], object], *, read_only: bool) -> MonitorServer:
    """Return a server that shares the monitors it is attached to.

    :param path: of its socket, or ``unix:`` and the path.
    :param notify: is given a line for the user when a client is refused, for example.
    :param read_only: only what changes nothing may be executed.
    :raise UsageError: that is not possible.
    """
    if sys.platform != "linux":
        raise UsageError("sharing is possible on Linux only")
    address = parse_address(path)
    if not isinstance(address, UnixAddress):
        raise UsageError(f"a monitor is shared on a UNIX socket, not on {address}")
    try:
        return MonitorServer(address, notify, read_only=read_only)
    except OSError as error:  # too many files are open
        raise UsageError(f"nothing can be shared: {error.strerror}") from None
