"""Text to address: where a monitor can be reached.

Pure: nothing is looked up or opened here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import AddressError


class UnixAddress(NamedTuple):
    """A UNIX socket in the file system."""

    path: str

    def __str__(self) -> str:
        return self.path


class TcpAddress(NamedTuple):
    """A TCP port; IPv6 hosts are kept without their brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Address = UnixAddress | TcpAddress

FORMS = "PATH, unix:PATH, HOST:PORT, tcp:HOST:PORT, [IPV6]:PORT or :PORT"

# What QEMU allows behind a socket address on its command line (-qmp, -chardev socket).
# They tell QEMU how to open its end, so an argument pasted from there loses them.
_QEMU_OPTIONS = frozenset(
    (
        *("server", "wait", "nowait", "reconnect", "reconnect-ms", "to", "ipv4", "ipv6", "delay"),
        *("nodelay", "telnet", "tn3270", "websocket", "tls-creds", "tls-authz", "abstract"),
        *("tight", "mux", "logfile", "logappend", "pretty"),
    )
)
_TCP = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:/\[\]]*)):(?P<port>[0-9]+)")
_SCHEME = re.compile(r"[a-z][a-z0-9+-]*:")


def parse_address(text: str) -> Address:
    """Read an address as a person writes it.

    :param text: one of the forms in :data:`FORMS`; QEMU's own comma options behind it
        (``unix:PATH,server=on,wait=off``) are ignored.
    :raise AddressError: it is none of them.
    """
    bare = _without_options(text)
    if bare.startswith("unix:"):
        return _unix(bare.removeprefix("unix:"), text)
    if bare.startswith("tcp:"):
        return _tcp(bare.removeprefix("tcp:"), text)
    if _TCP.fullmatch(bare):
        return _tcp(bare, text)
    if _SCHEME.match(bare) and "\0" not in bare:
        raise AddressError(f"{text!r} is no address known here; use {FORMS}")
    return _unix(bare, text)


def _without_options(text: str) -> str:
    bare, comma, option = text.rpartition(",")
    while comma and option.partition("=")[0] in _QEMU_OPTIONS:
        text = bare
        bare, comma, option = text.rpartition(",")
    return text


def _unix(path: str, text: str) -> UnixAddress:
    if not path or "\0" in path:
        raise AddressError(f"{text!r} names no socket; use {FORMS}")
    return UnixAddress(path)


def _tcp(where: str, text: str) -> TcpAddress:
    match = _TCP.fullmatch(where)
    if match is None:
        raise AddressError(f"{text!r} is no TCP address; use HOST:PORT, [IPV6]:PORT or :PORT")
    port = int(match["port"][-6:])
    if not 0 < port < 65536 or len(match["port"]) > 5:
        raise AddressError(f"{text!r}: a port is between 1 and 65535")
    return TcpAddress(match["ipv6"] or match["host"] or "localhost", port)
