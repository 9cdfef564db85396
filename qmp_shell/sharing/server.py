"""The socket on which a VM's monitor is shared, and the clients that have connected to it.

One descriptor, that of an epoll(7), stands for all of them: whoever waits for the VM watches it
too, and calls :meth:`MonitorServer.serve`. Nothing here waits, except a moment at the end.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from ..client import Client
from ..messages import Event
from ..signals import SignalsBlocked, is_signal_pending
from ..transport.stream import find_credentials
from ..transport.unix import UnixAddress
from ..vm import Attachment
from .conversation import ServerConversation, encode
from .dispatcher import Dispatcher
from .peer import CutOff, Peer
from .permissions import allow_all, find_refusal

MOST_CLIENTS = 500

_BACKLOG = 128
_MOST_ACCEPTED = 32  # at once
_LAST_SECONDS = 1.0  # for clients to read what was sent to them before the end
# So many notices are given in so many seconds, whatever clients do.
_MOST_NOTICES = 10
_NOTICE_SECONDS = 60.0
_LONGEST_POLL = 0.1  # seconds
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class MonitorServer:
    """Serves the monitor of one VM after the other on one socket.

    :ivar address: of the socket.
    :ivar is_read_only: only what changes nothing is executed.
    :ivar refused: how many clients were not served, or not any more.
    """

    def __init__(
        self, address: UnixAddress, notify: Callable[[str], object], *, read_only: bool
    ) -> None:
        """
        :param notify: is given a line for the user when a client is refused, for example.
        """
        self.address = address
        self.is_read_only = read_only
        self.refused = 0
        self._notify = notify
        self._noted_at: deque[float] = deque(maxlen=_MOST_NOTICES)
        self._epoll = select.epoll()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wakeup, select.EPOLLIN)
        # Is closed for a client to be accepted and refused when no more files can be opened.
        self._spare: int | None = _open_spare()
        self._notices: deque[str] = deque()
        self._opened = ExitStack()
        self._listener: socket.socket | None = None
        self._client: Client | None = None
        self._dispatcher: Dispatcher | None = None
        self._peers: dict[int, Peer] = {}
        self._unsettled: dict[Peer, None] = {}
        # The connection to the VM, while that does not take all commands.
        self._blocked: int | None = None

    @property
    def peers(self) -> Sequence[Peer]:
        """The clients, in the order in which they came."""
        return list(self._peers.values())

    @property
    def is_serving(self) -> bool:
        """Whether there is a VM."""
        return self._dispatcher is not None

    def attach(self, attachment: Attachment) -> None:
        """Begin to serve a VM's monitor; the one before has ended.

        :param attachment: connected to the VM.
        :raise ConnectError: the address can't be used.
        """
        self._listener = self._opened.enter_context(self.address.open(_BACKLOG))
        self._listener.setblocking(False)
        self._epoll.register(self._listener, select.EPOLLIN)
        self._client = client = attachment.client
        self._dispatcher = Dispatcher(attachment, self)
        client.watch(self._epoll.fileno(), self.serve)
        client.add_observer(self)

    def serve(self) -> None:
        """Do what clients have asked for."""
        if self._epoll.closed:
            return
        with SignalsBlocked():
            for descriptor, events in self._epoll.poll(0):
                if descriptor == self._wakeup:
                    os.eventfd_read(self._wakeup)
                elif descriptor == self._blocked:
                    pass  # the VM takes commands again
                elif descriptor in self._peers:
                    self._serve_peer(self._peers[descriptor], events)
                elif self._listener is not None and descriptor == self._listener.fileno():
                    self._accept(self._listener)
        with SignalsBlocked((signal.SIGINT,)):  # a log may be written, which may take long
            self.after_delivery()
        self._give_notices()

    def after_delivery(self) -> None:
        """Send clients what they are to get, and the VM their commands."""
        is_finished = False  # unless it is interrupted
        try:
            self._settle_all()
            if self._dispatcher is not None:
                self._dispatcher.run()
                self._settle_all()
                self._watch_vm()
            is_finished = self._dispatcher is None or not self._dispatcher.is_unfinished
        finally:
            if not is_finished:
                self._wake()

    def _watch_vm(self) -> None:
        """If the VM has not taken all commands, wait until it takes them."""
        client = self._client
        has_unsent = client is not None and client.has_unsent
        if client is not None and has_unsent and self._blocked is None:
            self._blocked = client.fileno()
            self._epoll.register(self._blocked, select.EPOLLOUT)
        elif self._blocked is not None and not has_unsent:
            self._epoll.unregister(self._blocked)
            self._blocked = None

    def add_event(self, event: Event) -> None:
        """Pass an event of the VM on to all clients."""
        if self._dispatcher is None or not self._peers:
            return
        data = encode(event.wire)
        for peer in self.peers:
            peer.add_event(data)
            self.settle(peer)

    def close(self) -> None:
        """End the sharing. Clients have a moment to read what was sent to them."""
        with SignalsBlocked():
            self._epoll.unregister(self._wakeup)  # from now on, only clients are waited for
            if self._blocked is not None:
                self._epoll.unregister(self._blocked)
            self.at_end()
            if self._client is not None:
                self._client.unwatch(self._epoll.fileno())
            deadline = time.monotonic() + _LAST_SECONDS
            while self._peers and time.monotonic() < deadline and not is_signal_pending():
                for descriptor, events in self._epoll.poll(_LONGEST_POLL):
                    if descriptor in self._peers:
                        self._serve_peer(self._peers[descriptor], events)
                self._settle_all()
            for peer in self.peers:
                self._remove(peer)
            self._epoll.close()
            os.close(self._wakeup)
            if self._spare is not None:
                os.close(self._spare)
        self._give_notices()

    def at_end(self) -> None:
        """There is no VM any more: clients get what it has sent, and then the end."""
        if self._client is not None:
            self._client.remove_observer(self)
        self._dispatcher = self._listener = self._blocked = None
        self._opened.close()
        for peer in self.peers:
            peer.end()
            self.settle(peer)
        self._settle_all()

    def _serve_peer(self, peer: Peer, events: int) -> None:
        if events & select.EPOLLHUP:
            peer.note_left()
        if events & ~select.EPOLLOUT and peer.awaited_events & select.EPOLLIN:
            peer.receive()
        self.settle(peer)

    def settle(self, peer: Peer) -> None:
        """Something was done for a client: send what it is to get, and wait for what it does."""
        self._unsettled[peer] = None

    def _settle_all(self) -> None:
        while self._unsettled:
            peer, _ = self._unsettled.popitem()
            try:
                self._settle(peer)
            except CutOff as reason:
                self.cut_off(peer, reason)
            except Exception:
                self._remove(peer)  # what it does must not fail again and again
                raise

    def _settle(self, peer: Peer) -> None:
        if not peer.is_open:  # it was cut off
            return
        peer.send_output()
        if peer.is_done:
            self._remove(peer)
            return
        if peer.has_unexamined and peer.may_go_on and self._dispatcher is not None:
            self._dispatcher.add(peer)
        awaited, polled = peer.awaited_events, peer.polled_events
        if awaited == polled:
            return
        peer.polled_events = awaited
        if not polled:
            self._epoll.register(peer, awaited)
        elif awaited:
            self._epoll.modify(peer, awaited)
        else:  # one that has left would be reported all the time
            self._epoll.unregister(peer)

    def _wake(self) -> None:
        """Have :meth:`serve` called soon."""
        if not self._epoll.closed:
            os.eventfd_write(self._wakeup, 1)

    def cut_off(self, peer: Peer, reason: CutOff) -> None:
        """Close the connection of a client that cannot be served any more, and say why."""
        with suppress(CutOff):
            peer.send_output()
        self._remove(peer)
        self._refuse(f"{_describe(peer)} was cut off: {reason}")

    def _remove(self, peer: Peer) -> None:
        self._peers.pop(peer.fileno(), None)
        peer.close()  # what is closed is not polled any more

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_MOST_ACCEPTED):
            try:
                connection, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._close_next(listener)
                self._refuse(f"a client was refused: {error.strerror}")
                return
            self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        credentials = find_credentials(connection)
        client = self._client
        if credentials is None or not credentials.is_own_user:
            connection.close()
            whom = f"process {credentials.pid} of user {credentials.uid}" if credentials else "one"
            self._refuse(f"{whom} was refused: only your own processes, and root's, are served")
        elif len(self._peers) >= MOST_CLIENTS:
            connection.close()
            self._refuse(
                f"process {credentials.pid} was refused: {MOST_CLIENTS} clients are served"
            )
        elif client is None or client.greeting is None:
            connection.close()
        else:
            rules = find_refusal if self.is_read_only else allow_all
            peer = Peer(connection, credentials, ServerConversation(client.greeting, rules))
            self._peers[peer.fileno()] = peer
            self.settle(peer)

    def _close_next(self, listener: socket.socket) -> None:
        """Accept a connection and close it, though nothing can be opened any more.

        It would be reported as waiting all the time otherwise.
        """
        spare, self._spare = self._spare, None
        if spare is not None:
            os.close(spare)
        with suppress(OSError):  # another process may have taken the place
            listener.accept()[0].close()
        self._spare = _open_spare()

    def _refuse(self, reason: str) -> None:
        """Count a client that is not served, and tell the user, if not too often."""
        self.refused += 1
        now, noted = time.monotonic(), self._noted_at
        if len(noted) < _MOST_NOTICES or now >= noted[0] + _NOTICE_SECONDS:
            noted.append(now)
            self._notices.append(f"{self.address}: {reason}")
            self._wake()

    def _give_notices(self) -> None:
        """Show what is to be told. It may be interrupted, and is the last that is done."""
        while self._notices:
            self._notify(self._notices.popleft())


def _open_spare() -> int | None:
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _describe(peer: Peer) -> str:
    return f"process {peer.pid} ({peer.program})" if peer.program else f"process {peer.pid}"
