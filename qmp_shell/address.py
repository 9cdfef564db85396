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

_SCHEME = r"[a-z][a-z0-9+-]*:"

# The options that QEMU allows behind a socket address on its command line (-qmp, -chardev
# socket). They say how QEMU opens its end, so they are dropped from an address pasted from there.
_QEMU_OPTIONS = frozenset(
    (
        *("server", "wait", "nowait", "reconnect", "reconnect-ms", "to", "ipv4", "ipv6", "delay"),
        *("nodelay", "telnet", "tn3270", "websocket", "tls-creds", "tls-authz", "abstract"),
        *("tight", "mux", "logfile", "logappend", "pretty"),
    )
)


def split_address(text: str, schemes: Collection[str]) -> tuple[str, str]:
    """Split an address into its scheme and its target.

    Without a scheme, ``HOST:PORT`` belongs to ``tcp`` and all else to ``unix``. QEMU's own comma
    options (``unix:PATH,server=on,wait=off``) are dropped; only two have a meaning here: with
    ``abstract=on`` the target is in ``unix-abstract``, with ``tls-creds=ID`` in ``tls``.

    :param schemes: the known schemes.
    :return: the scheme, for example ``unix``, and what is behind it, for example a path.
    :raise AddressError: it has a scheme that is not known.
    """
    text, options = _split_options(text)
    scheme, colon, target = text.partition(":")
    if scheme not in schemes:
        if colon and re.fullmatch(HOST_PORT, text):
            scheme, target = "tcp", text
        elif colon and re.match(_SCHEME, text):
            raise AddressError(f"unknown kind of address {scheme + ':'!r}")
        else:
            scheme, target = "unix", text
    if scheme == "unix" and not options.isdisjoint(("abstract", "abstract=on")):
        scheme = "unix-abstract"
    if scheme == "tcp" and any(option.startswith("tls-creds=") for option in options):
        scheme = "tls"
    return scheme, target


def _split_options(text: str) -> tuple[str, set[str]]:
    """Split an address from the options of QEMU that follow it."""
    options = set()
    parts = text.split(",")
    while len(parts) > 1 and parts[-1].partition("=")[0] in _QEMU_OPTIONS:
        options.add(parts.pop())
    return ",".join(parts), options
