"""Listening for a VM that connects to this program (``-qmp unix:PATH`` without ``server=on``).

Knows nothing of single schemes: an address that can be listened on has a method ``listen``.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Protocol, runtime_checkable

from ..errors import ConnectError, UsageError
from ..signals import poll_timeout, use_uninterrupted
from .stream import Address, SocketStream, Stream


class Listener:
    """Sockets that wait for one connection.

    :ivar qemu_option: the option that makes QEMU connect to it.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        qemu_option: str,
        *,
        is_welcome: Callable[[socket.socket], bool] = lambda _: True,
        prepare: Callable[[socket.socket], SocketStream] = SocketStream,
    ) -> None:
        """
        :param sockets: listening sockets; the caller closes them.
        :param is_welcome: tells whether a connection may be used; others are closed.
        :param prepare: makes a stream of an accepted connection.
        """
        self.qemu_option = qemu_option
        self._sockets = sockets
        self._is_welcome = is_welcome
        self._prepare = prepare
        for each in sockets:
            each.setblocking(False)

    def accept(self, timeout: float | None) -> Stream:
        """Wait for a connection.

        :param timeout: seconds; None: no limit.
        :raise TimeoutError: nobody connected in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        for each in self._sockets:
            poll.register(each, select.POLLIN)
        while True:
            poll.poll(poll_timeout(deadline))
            for each in self._sockets:
                # Whoever connected may have gone again.
                with suppress(BlockingIOError, ConnectionAbortedError):
                    connection, _ = each.accept()
                    if self._is_welcome(connection):
                        return self._prepare(connection)
                    connection.close()
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError


@runtime_checkable
class ListenAddress(Protocol):
    """An address that can be listened on."""

    def listen(self) -> AbstractContextManager[Listener]:
        """Open it for a ``with`` block, at whose end nothing of it is left behind.

        :raise ConnectError: it can't be opened.
        """


def accept_stream(
    address: Address,
    *,
    wait: float | None = None,
    on_listening: Callable[[str], object] = lambda _: None,
) -> Stream:
    """Listen on an address until a VM connects; accept exactly one connection.

    :param wait: seconds to wait for the connection; None: no limit.
    :param on_listening: called once a VM can connect, with the option that makes QEMU do so,
        for example ``-qmp unix:/tmp/vm.sock``.
    :raise UsageError: addresses of this kind can't be listened on.
    :raise ConnectError: the address can't be opened, or nobody connected in time.
    """
    if not isinstance(address, ListenAddress):
        raise UsageError(f"{address} can't be listened on")

    def start() -> tuple[ExitStack, Listener]:
        opened = ExitStack()
        return opened, opened.enter_context(address.listen())

    def use(started: tuple[ExitStack, Listener]) -> Stream:
        _, listener = started
        on_listening(listener.qemu_option)
        try:
            return listener.accept(wait)
        except TimeoutError:
            raise ConnectError(f"{address}: no VM connected within {wait:g} s") from None

    return use_uninterrupted(start, use, lambda started: started[0].close())
