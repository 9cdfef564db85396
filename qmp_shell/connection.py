"""One connection to a monitor: a stream of bytes, and the state of the conversation over it.

Everything that waits or can be interrupted is here. Knows nothing of commands or of who waits
for which reply; ``client.py`` does.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from .errors import ConnectionLost, Timeout
from .messages import Received, ReceivedMessage, Violation
from .polling import EagerPolling
from .protocol import Conversation
from .signals import SignalsBlocked, poll_timeout
from .static_typing import TYPE_CHECKING, NoReturn, Protocol, Self

if TYPE_CHECKING:
    from .transport.stream import Stream

# How many bytes are received and handled at once. The objects made of more do not fit the
# processor's cache: with four times as many bytes, 100,000 events took an eighth longer. And at a
# prompt, a key has to wait until they are handled: 16 ms instead of 6 if a VM sends events without
# end.
_RECEIVE_BYTES = 1 << 14
_MOST_JOINED = 1 << 14  # bytes of several messages that are sent together
_INTERRUPT = (signal.SIGINT,)


class Observer(Protocol):
    """Somebody who has something to do after what happened on a connection."""

    def after_delivery(self) -> None:
        """Messages were delivered, perhaps several."""

    def at_end(self) -> None:
        """The connection has ended. What came before was delivered."""


class Transmission:
    """Bytes on their way to the peer.

    :ivar unsent: those that were not sent yet.
    :ivar descriptors: open file descriptors that go along with the next byte.
    """

    __slots__ = ("_owns_descriptors", "_size", "descriptors", "unsent")

    def __init__(
        self, data: bytes, descriptors: Sequence[int] = (), *, owns_descriptors: bool = False
    ) -> None:
        """:param owns_descriptors: they are closed as soon as they are not needed any more."""
        self.unsent = memoryview(data)
        self.descriptors = descriptors
        self._size = len(data)
        self._owns_descriptors = owns_descriptors

    @property
    def is_begun(self) -> bool:
        """Whether a part was sent, so that the peer expects the rest."""
        return len(self.unsent) < self._size

    def note_sent(self, size: int) -> None:
        """So many bytes more were sent."""
        self.unsent = self.unsent[size:]
        self.close()

    def close(self) -> None:
        """The descriptors are not needed any more."""
        if self._owns_descriptors:
            for descriptor in self.descriptors:
                os.close(descriptor)
        self.descriptors = ()


class Connection:
    """A stream and the conversation over it. A subclass says what is done with each message."""

    def __init__(self, stream: Stream, *, agent: bool = False) -> None:
        """
        :param stream: a fresh connection; this object owns and closes it.
        :param agent: the peer is a guest agent (qemu-ga).
        """
        self._stream: Stream | None = stream
        self._conversation = Conversation(agent=agent)
        self._undelivered: deque[Received] = deque()
        self._watched: dict[int, Callable[[], object]] = {}
        self._end_reason = "there is no connection to a VM"
        self._queue: deque[Transmission] = deque()
        self._observers: list[Observer] = []
        self._polling = EagerPolling()

    def _handle(self, received: ReceivedMessage) -> None:
        """Do what is to be done with a received message.

        SIGINT is blocked meanwhile, except while something is written (``output.py``).
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the connection is open; that the peer closed it is noticed when receiving."""
        return self._stream is not None

    @property
    def end_reason(self) -> str | None:
        """Why the connection ended, in words; None while it is open."""
        return None if self.connected else self._end_reason

    def fileno(self) -> int:
        """Return the connection's file descriptor, to be watched for readable data.

        :raise ConnectionLost: the connection has ended.
        """
        return self._require_stream().fileno()

    @property
    def peer_pid(self) -> int | None:
        """The VM's process, if it is on this host, at the other end of a UNIX socket.

        :return: None: it is on another host, or not known.
        :raise ConnectionLost: the connection has ended.
        """
        return self._require_stream().peer_pid

    def close(self) -> None:
        """Close the connection. The VM goes on; what it still sends is not received."""
        # A signal may come at any moment: a stream that is closed must not seem to be open.
        stream, self._stream = self._stream, None
        while self._queue:
            self._queue.popleft().close()
        if stream is not None:
            stream.close()
            for observer in self._observers[:]:
                observer.at_end()

    def add_observer(self, observer: Observer) -> None:
        """Tell somebody what happens from now on."""
        self._observers.append(observer)

    def remove_observer(self, observer: Observer) -> None:
        """Undo :meth:`add_observer`; it is no error if that was not called."""
        if observer in self._observers:
            self._observers.remove(observer)

    def watch(self, descriptor: int, callback: Callable[[], object]) -> None:
        """Have ``callback`` called whenever a descriptor is readable during a :meth:`wait`."""
        self._watched[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        """Undo :meth:`watch`; it is no error if the descriptor was not watched."""
        self._watched.pop(descriptor, None)

    @property
    def watched(self) -> dict[int, Callable[[], object]]:
        """The descriptors to watch for readable data, and what to call; the connection's too."""
        if self._stream is None:
            return self._watched
        # What a VM printed before its end is read before that end is noticed.
        return {**self._watched, self._stream.fileno(): self.receive}

    def wait(self, done: Callable[[], bool], deadline: float | None = None) -> bool:
        """Receive and deliver messages until ``done()``.

        :param deadline: by the monotonic clock; None: no limit.
        :return: whether it is done; False: the deadline has passed.
        :raise ConnectionLost: the connection has ended, and what is waited for did not come.
        """
        if self.connected and self._undelivered:
            with SignalsBlocked(_INTERRUPT):
                self._deliver()
        while not done():
            try:
                self._require_stream()
                if not self._poll_once(deadline):
                    return done()
            except ConnectionLost:
                if done():  # the last messages were what is waited for
                    return True
                raise
        return True

    def wait_until_readable(
        self,
        descriptor: int,
        deadline: float | None = None,
        *,
        unless: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Receive and deliver messages until another descriptor is readable.

        :param deadline: by the monotonic clock; None: no limit.
        :param unless: ends the wait, too.
        :return: whether it is readable.
        :raise ConnectionLost: the connection has ended before.
        """
        is_readable = False

        def note_readable() -> None:
            nonlocal is_readable
            is_readable = True

        self.watch(descriptor, note_readable)
        try:
            self.wait(lambda: is_readable or unless(), deadline)
        finally:
            self.unwatch(descriptor)
        return is_readable

    def _poll_once(self, deadline: float | None) -> bool:
        """Wait until a descriptor is readable, and have it read; send what is queued.

        :return: False once the deadline has passed.
        """
        poll = select.poll()
        watched = self.watched
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        if self._queue:
            poll.register(self.fileno(), select.POLLIN | select.POLLOUT)
        has_buffered = self._has_buffered
        timeout = 0.0 if has_buffered else poll_timeout(deadline)
        for descriptor, flags in self._polling.poll(poll, timeout):
            if flags & ~select.POLLOUT:
                watched[descriptor]()
            if flags & select.POLLOUT:
                self._send_queue()
        if has_buffered:
            self.receive()
        return deadline is None or time.monotonic() < deadline

    def receive(self) -> bool:
        """Receive what has arrived, without waiting, and deliver it.

        :return: whether anything had arrived.
        :raise ConnectionLost: the connection has ended, or the peer does not speak QMP.
        """
        with SignalsBlocked(_INTERRUPT):
            self._deliver()
            received = self._receive_chunk()
            while received and self._has_buffered:
                self._receive_chunk()
            return received

    @property
    def _has_buffered(self) -> bool:
        return self._stream is not None and self._stream.has_buffered

    def _receive_chunk(self) -> bool:
        try:
            data = self._require_stream().receive(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionResetError:
            data = b""  # the VM ended before it read all that was sent to it
        except OSError as error:
            self._lose(f"the connection was lost: {error.strerror or error}")
        if not data:
            middle = " in the middle of a message" if self._conversation.receive_eof() else ""
            self._lose(f"the VM closed the connection{middle}")
        self._undelivered.extend(self._conversation.receive_data(data))
        self._deliver()
        return True

    def _deliver(self) -> None:
        """Pass on received messages. What an interrupt leaves queued is delivered next time.

        SIGINT must be blocked, or it could come between taking a message and passing it on.
        """
        if not self._undelivered:
            return
        try:
            while self._undelivered:
                self._deliver_one(self._undelivered.popleft())
        finally:
            self._after_delivery()

    def _after_delivery(self) -> None:
        for observer in self._observers:
            observer.after_delivery()

    def _deliver_one(self, received: Received) -> None:
        if isinstance(received, Violation):
            self._end_reason = str(received.error)
            self.close()
            raise received.error
        self._handle(received)

    def _send(self, sending: Transmission, deadline: float | None) -> None:
        """Send all of it, behind what is queued.

        Meanwhile messages are received, for otherwise a VM whose output buffer is full would
        not read either. A message that was sent in part can't be taken back, so the connection
        ends with it.

        :raise Timeout: not all could be sent in time.
        """
        try:
            self._queue.append(sending)
            self._send_queue()
            while sending.unsent:
                if not self._poll_once(deadline) and sending.unsent:
                    raise Timeout("the VM did not accept the data in time")
        except BaseException:
            if self.connected and sending.unsent:
                if sending.is_begun:
                    self._end_reason = "the connection was closed: a command was sent only in part"
                    self.close()
                elif sending in self._queue:
                    self._queue.remove(sending)
            raise

    def _send_later(self, sending: Transmission) -> None:
        """Send it, behind what is queued, at the next :meth:`flush` or during a :meth:`wait`."""
        self._queue.append(sending)

    @property
    def has_unsent(self) -> bool:
        """Whether something is queued; :meth:`flush` sends it when :meth:`fileno` is writable."""
        return bool(self._queue)

    def flush(self) -> None:
        """Send what is queued, as much as the peer accepts at once.

        It does not raise: that the connection is lost is found by whoever receives from it.
        """
        with suppress(OSError), SignalsBlocked(_INTERRUPT):
            self._send_some()

    def _send_queue(self) -> None:
        """Send what is queued, as much as the peer accepts at once.

        :raise ConnectionLost: the connection is broken; what the VM sent before was delivered.
        """
        try:
            with SignalsBlocked(_INTERRUPT):
                self._send_some()
        except OSError as error:
            while self.receive():  # what the VM sent before its end, and then its end
                pass
            self._lose(f"the connection was lost: {error.strerror or error}")

    def _send_some(self) -> None:
        """Send what is queued, as much as the peer accepts at once.

        SIGINT must be blocked: if an interrupt came between sending and noting it, the reply would
        seem to be a stray.

        :raise OSError: the connection is broken.
        """
        while self._queue:
            first, *others = self._next_transmissions()
            data = first.unsent
            if others:
                data = memoryview(b"".join([data, *(each.unsent for each in others)]))
            try:
                sent = self._require_stream().send(data, first.descriptors)
            except (BlockingIOError, InterruptedError):
                return
            self._note_sent(sent)

    def _next_transmissions(self) -> list[Transmission]:
        """What can be sent at once: something long, or several that are short."""
        found = [self._queue[0]]
        size = len(found[0].unsent)
        for each in islice(self._queue, 1, None):
            size += len(each.unsent)
            if size > _MOST_JOINED or each.descriptors:  # which go along with the first byte
                break
            found.append(each)
        return found

    def _note_sent(self, sent: int) -> None:
        while sent:
            first = self._queue[0]
            size = min(sent, len(first.unsent))
            first.note_sent(size)
            sent -= size
            if not first.unsent:
                self._queue.popleft()

    def _lose(self, why: str) -> NoReturn:
        self._end_reason = why
        self.close()
        raise ConnectionLost(why) from None

    def _require_stream(self) -> Stream:
        if self._stream is None:
            raise ConnectionLost(self._end_reason)
        return self._stream
