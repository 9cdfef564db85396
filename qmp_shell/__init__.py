"""A shell for QEMU's machine protocol, and the synchronous client under it.

>>> import qmp_shell
>>> with qmp_shell.connect("/run/vm.sock") as vm:
...     vm.execute("query-status")
...     for event in vm.events(timeout=1):
...         print(event.name, event.data)
"""

from __future__ import annotations

from .client import Client, connect, listen
from .errors import (
    AddressError,
    ConnectError,
    ConnectionLost,
    ProtocolError,
    QMPError,
    Timeout,
    UsageError,
)
from .protocol import CommandError, Event, Reply

__version__ = "0.1.0"

__all__ = [
    "AddressError",
    "Client",
    "CommandError",
    "ConnectError",
    "ConnectionLost",
    "Event",
    "ProtocolError",
    "QMPError",
    "Reply",
    "Timeout",
    "UsageError",
    "connect",
    "listen",
]
