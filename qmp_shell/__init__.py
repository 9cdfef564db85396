"""A shell for QEMU's machine protocol, and the synchronous client under it.

>>> import qmp_shell
>>> with qmp_shell.connect("/run/vm.sock") as vm:
...     vm.execute("query-status")
...     for event in vm.events(timeout=1):
...         print(event.name, event.data)
"""

from __future__ import annotations

from importlib import import_module

from .static_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from .messages import CommandError, Event, Reply
    from .transport.tls import TlsOptions

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
    "TlsOptions",
    "UsageError",
    "connect",
    "listen",
]

_MODULES = {
    **dict.fromkeys(("Client", "connect", "listen"), "client"),
    **dict.fromkeys(("CommandError", "Event", "Reply"), "messages"),
    "TlsOptions": "transport.tls",
}


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    """Import what is used, when it is first used: programs of this package start with less."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'errors')}", __name__), name)
