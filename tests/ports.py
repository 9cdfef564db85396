"""Reserve TCP ports for servers that tests start."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a TCP port of both IPv4 and IPv6: the system assigns it to no other program.

    It is bound, but nobody listens on it. A server can bind it, too, if it sets ``SO_REUSEADDR``.
    """
    with socket.socket(socket.AF_INET6) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(("::", 0))
        yield int(bound.getsockname()[1])
