"""``HOST:PORT``, ``tcp:HOST:PORT``, ``[IPV6]:PORT`` or ``:PORT``: a TCP port."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from abc import abstractmethod
from collections.abc import Iterator

from ..address import HOST_PORT
from ..errors import AddressError, ConnectError, UsageError
from ..static_typing import TYPE_CHECKING, Any
from .stream import Address, SocketStream, limit_timeout

if TYPE_CHECKING:
    from .listen import Listener
    from .tls import TlsOptions


class PortAddress(Address):
    """A TCP port, whatever is spoken there.

    :ivar host: a name or an IP address; IPv6 addresses without their brackets.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def open_socket(self, timeout: float | None) -> socket.socket:
        """Connect to the port; see :meth:`connect`."""
        try:
            connection = socket.create_connection((self.host, self.port), limit_timeout(timeout))
        except UnicodeError:  # from Python's idna codec, whose message says nothing of hosts
            raise ConnectError(self._bad_host) from None
        _tune(connection)
        return connection

    def explain(self, error: OSError, after: str) -> str:
        if isinstance(error, socket.gaierror):
            return f"{self}: unknown host {self.host!r}"
        if isinstance(error, PermissionError):
            return f"{self}: permission denied"
        if isinstance(error, ConnectionRefusedError):
            start = self._qemu_option(",server=on,wait=off")
            return f"{self}: nobody listens there{after}; start QEMU with {start}"
        return super().explain(error, after)

    @abstractmethod
    def _qemu_option(self, options: str = "") -> str:
        """Return the option that opens a monitor here."""

    @property
    def _bad_host(self) -> str:
        return f"{self}: this is not the name of a host"


class TcpAddress(PortAddress):
    """A TCP port, without TLS."""

    silent_because = ", or it wants TLS (--tls, or tls:HOST:PORT)"

    def with_tls(self, _: TlsOptions) -> Address:
        # Who gives certificates must not talk in clear text by mistake.
        raise UsageError(f"{self} is without TLS; use --tls, or tls:{self}")

    def connect(self, timeout: float | None) -> SocketStream:
        return SocketStream(self.open_socket(timeout))

    @contextlib.contextmanager
    def listen(self) -> Iterator[Listener]:
        """Open the port on all addresses that the host's name has.

        :raise ConnectError: the port is in use, or the host is not this machine.
        """
        from .listen import Listener

        with contextlib.ExitStack() as opened:
            try:
                listeners = self._open_listeners(opened)
            except OSError as error:
                raise ConnectError(self.explain(error, "")) from None
            if not listeners:
                raise ConnectError(f"{self}: {self.host!r} is not an address of this machine")
            yield Listener(listeners, self._qemu_option(), prepare=_tuned)

    def _open_listeners(self, opened: contextlib.ExitStack) -> list[socket.socket]:
        listeners = []
        for family, where in self._resolve():
            try:
                listener = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(where)
            except OSError as error:
                # "localhost" may have an IPv6 address although IPv6 is switched off.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
            else:
                listener.listen(1)
                listeners.append(listener)
        return listeners

    def _resolve(self) -> list[tuple[int, Any]]:
        """Return the families and socket addresses that the host's name has, each once."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise ConnectError(self._bad_host) from None
        return list(dict.fromkeys((family, where) for family, _, _, _, where in found))

    def _qemu_option(self, options: str = "") -> str:
        if ":" not in self.host:
            return f"-qmp tcp:{self}{options}"
        # QEMU does not parse "tcp:[::1]:4444".
        chardev = f"socket,id=qmp,host={self.host},port={self.port}{options}"
        return f"-chardev {chardev} -mon chardev=qmp,mode=control"


def parse(target: str) -> TcpAddress:
    """:raise AddressError: the target is not a host and a port."""
    return TcpAddress(*parse_port(target))


def parse_port(target: str) -> tuple[str, int]:
    """Parse ``HOST:PORT``.

    :return: the host, which is this one if there is none, and the port.
    :raise AddressError: the target is not a host and a port.
    """
    match = re.fullmatch(HOST_PORT, target)
    if match is None:
        raise AddressError("a host and the number of a port are needed")
    return match["ipv6"] or match["host"] or "localhost", parse_port_number(match["port"])


def parse_port_number(text: str) -> int:
    """Parse the digits of a port.

    :raise AddressError: there is no such port.
    """
    digits = text.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > 65535:
        raise AddressError("a port is between 1 and 65535")
    return int(digits)


def _tuned(connection: socket.socket) -> SocketStream:
    """Make a stream of an accepted connection."""
    _tune(connection)
    return SocketStream(connection)


def _tune(connection: socket.socket) -> None:
    """Have a connection send without delays, and check that the peer is alive."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
