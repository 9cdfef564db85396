"""A TCP port for a server that a test starts."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A TCP port that is free on both IPv4 and IPv6, and that the system gives to nobody else.

    It is bound, but nobody listens on it; servers can bind it, too, as they set ``SO_REUSEADDR``.
    """
    with socket.socket(socket.AF_INET6) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(("::", 0))
        yield int(bound.getsockname()[1])
