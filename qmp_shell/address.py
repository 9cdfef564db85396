"""What all addresses have in common: a scheme, a target, and QEMU's own options behind them.

Pure: nothing is looked up or opened here. Knows nothing of single schemes, except which one an
address without a scheme belongs to; each file in ``transport/`` reads its own targets.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .errors import AddressError

# ``HOST:PORT``, ``[IPV6]:PORT`` or ``:PORT``; re compiles it when it is first used.
HOST_PORT = r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:/\[\]]*)):(?P<port>[0-9]+)"

# The schemes of addresses that may stand in QEMU's options.
_QEMU_SCHEMES = frozenset(("unix", "unix-abstract", "tcp", "tls", "fd", "vsock"))

# How the argument of QEMU's option -chardev begins, if it is a socket.
_CHARDEV = "socket,"

_SCHEME = r"[a-z][a-z0-9+-]*:"

# The options that QEMU allows behind a socket address on its command line (-qmp). They say how QEMU
# opens its end, so they are dropped from an address pasted from there.
_QEMU_OPTIONS = frozenset(
    (
        *("server", "wait", "nowait", "reconnect", "reconnect-ms", "to", "ipv4", "ipv6", "delay"),
        *("nodelay", "telnet", "tn3270", "websocket", "tls-creds", "tls-authz", "abstract"),
        *("tight", "mux", "logfile", "logappend", "pretty", "id"),
    )
)


def split_address(text: str, schemes: Collection[str]) -> tuple[str, str]:
    """Split an address into its scheme and its target.

    Without a scheme, ``HOST:PORT`` belongs to ``tcp`` and all else to ``unix``. QEMU's own notation
    is understood: the argument of ``-chardev`` (``socket,path=PATH,...``), and the options that may
    follow an address in that of ``-qmp`` (``unix:PATH,server=on,wait=off``). Options that say how
    QEMU opens its end are dropped; only two have a meaning here: with ``abstract=on`` the target is
    in ``unix-abstract``, with ``tls-creds=ID`` in ``tls``.

    :param schemes: the known schemes.
    :return: the scheme, for example ``unix``, and what is behind it, for example a path.
    :raise AddressError: it has a scheme that is not known, or is no address of a socket.
    """
    scheme, colon, target = text.partition(":")
    if scheme in schemes and scheme not in _QEMU_SCHEMES:  # whatever follows belongs to it
        return scheme, target
    if text.startswith(_CHARDEV):
        return _split_chardev(text[len(_CHARDEV) :])
    text, options = _split_options(text)
    scheme, colon, target = text.partition(":")
    if scheme not in schemes:
        if colon and re.fullmatch(HOST_PORT, text):
            scheme, target = "tcp", text
        elif colon and re.match(_SCHEME, text):
            raise AddressError(f"unknown kind of address {scheme + ':'!r}")
        else:
            scheme, target = "unix", text
    return _apply_options(scheme, options), target


def _split_options(text: str) -> tuple[str, set[str]]:
    """Split an address from the options of QEMU that follow it.

    If there are any, it was copied from QEMU's command line, where a comma in a path is doubled.
    """
    options = set()
    parts = text.split(",")
    while len(parts) > 1 and parts[-1].partition("=")[0] in _QEMU_OPTIONS:
        options.add(parts.pop())
    text = ",".join(parts)
    return text.replace(",,", ",") if options else text, options


def _split_chardev(text: str) -> tuple[str, str]:
    """Split what follows ``socket,`` in the option ``-chardev`` into a scheme and a target.

    :raise AddressError: it names no socket.
    """
    if "\0" in text:
        raise AddressError("there is a NUL byte in it")
    # A doubled comma is one, within a value.
    parts = [part.replace("\0", ",") for part in text.replace(",,", "\0").split(",")]
    options = dict(part.partition("=")[::2] for part in parts)
    if "path" in options:
        scheme, target = "unix", options["path"]
    elif "port" in options:
        host, port = options.get("host", ""), options["port"]
        scheme, target = "tcp", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    elif "fd" in options:
        scheme, target = "fd", options["fd"]
    else:
        raise AddressError("a path=, port= or fd= is needed behind socket,")
    return _apply_options(scheme, set(parts)), target


def _apply_options(scheme: str, options: set[str]) -> str:
    """The scheme that QEMU's options make of another."""
    if scheme == "unix" and not options.isdisjoint(("abstract", "abstract=on")):
        return "unix-abstract"
    if scheme == "tcp" and any(option.startswith("tls-creds=") for option in options):
        return "tls"
    return scheme
