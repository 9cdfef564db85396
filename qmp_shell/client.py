"""The synchronous client: connect, negotiate, execute, events.

One thread, one socket, no callbacks needed: ``with connect(...) as vm:
vm.execute("query-status")``. A front end with an event loop of its own watches
:meth:`Client.fileno` and calls :meth:`Client.receive`; nothing else reads the socket.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from .address import Address, parse_address
from .errors import ConnectError, ConnectionLost, ProtocolError, Timeout, UsageError
from .protocol import (
    AGENT_DELIMITER,
    CommandError,
    Conversation,
    Event,
    LateReply,
    Message,
    News,
    Reply,
    Request,
    State,
)
from .transport import open_stream

GREETING_SECONDS = 5.0
"""How long a monitor may take to greet; QEMU does so at once, unless another client holds it."""

_RECEIVE_BYTES = 1 << 16
_LONGEST_POLL = 86_400.0  # seconds; poll() counts milliseconds in an int

Tracer = Callable[[str, Message, bool], None]


class Client:
    """A conversation with one monitor over one connected stream socket.

    :ivar timeout: seconds that a command may take; None: any time.
    :ivar tracer: is given every message as it is on the wire, with ``">"`` for one sent
        and ``"<"`` for one received, and whether it belongs to a quiet command.
    """

    def __init__(
        self,
        stream: socket.socket,
        *,
        agent: bool = False,
        timeout: float | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        stream.setblocking(False)
        self.timeout = timeout
        self.tracer = tracer
        self._listener: Callable[[News], None] | None = None
        self._stream: socket.socket | None = stream
        self._conversation = Conversation(agent=agent)
        self._events: deque[Event] = deque()
        self._watched: dict[int, Callable[[], object]] = {}
        self._end = "there is no connection to a VM"
        self._unsent = memoryview(b"")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def greeting(self) -> Message | None:
        """``{"version": ..., "capabilities": [...]}``; None for a guest agent."""
        return self._conversation.greeting

    @property
    def connected(self) -> bool:
        return self._stream is not None

    def fileno(self) -> int:
        """The socket's descriptor, to be watched for readable data.

        :raise ConnectionLost: it is closed.
        """
        return self._open_stream().fileno()

    def close(self) -> None:
        """End the conversation. The VM goes on; what it still has to say is not heard."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def negotiate(self, timeout: float | None = GREETING_SECONDS) -> None:
        """Bring a fresh connection to where it takes commands.

        :param timeout: seconds for all of it; None: any time.
        :raise ConnectError: there was no greeting in time, or no agreement.
        """
        try:
            self._negotiate(_deadline(timeout))
        except ConnectionLost as error:
            self.close()
            raise ConnectError(str(error)) from None
        except BaseException:
            self.close()
            raise
        self._conversation.ready()

    def _negotiate(self, deadline: float | None) -> None:
        if self._conversation.state == State.SYNCHRONIZING:
            # See qemu-ga-ref, "guest-sync-delimited": a 0xFF resets the agent's parser, and one
            # before the reply tells what is new from what an earlier client left behind.
            self._send(bytes([AGENT_DELIMITER]), deadline)
            silence = "the guest agent did not answer: is it running in the guest?"
        else:
            if not self.wait(lambda: self.greeting is not None, deadline):
                raise ConnectError(
                    "no greeting came: another client may hold this monitor (QEMU serves one at"
                    " a time), or the VM is stuck, or it is a guest agent (-N)"
                )
            silence = "the VM greeted, but did not answer qmp_capabilities"
        token = int.from_bytes(os.urandom(4), "big") >> 1
        request = self.post(self._conversation.begin_handshake(token))
        if not self.wait(lambda: request.reply is not None, deadline):
            raise ConnectError(silence)
        if request.reply is not None and request.reply.is_error:
            raise ConnectError(str(CommandError(request.reply)))

    def execute(self, name: str, /, **arguments: Any) -> Any:
        """Run one command and return what it returns.

        :param name: the command, as ``query-status``.
        :param arguments: its arguments; names that Python can't spell go in a dictionary:
            ``execute("blockdev-del", **{"node-name": "d0"})``.
        :raise CommandError: the VM refused it.
        :raise Timeout: no reply within :attr:`timeout` seconds.
        :raise ConnectionLost: there is no VM any more.
        """
        message: Message = {"execute": name}
        if arguments:
            message["arguments"] = arguments
        reply = self.request(message)
        if reply.is_error:
            raise CommandError(reply)
        return reply.message["return"]

    def request(self, message: Message, descriptors: Sequence[int] = ()) -> Reply:
        """Send a whole message and wait for its reply, good or bad.

        :param descriptors: of open files, to go along (``getfd``, ``add-fd``).

        Interrupted or out of time, it leaves the late reply to be told apart from others.

        :raise Timeout: no reply within :attr:`timeout` seconds.
        :raise ConnectionLost: there is no VM any more.
        """
        deadline = _deadline(self.timeout)
        request = self.post(message, deadline=deadline, descriptors=descriptors)
        return self._answer(request, self.timeout, deadline)

    def answer(self, request: Request, timeout: float | None) -> Reply:
        """Wait for the reply to what was posted.

        :raise Timeout: no reply within ``timeout`` seconds.
        :raise ConnectionLost: there is no VM any more.
        """
        return self._answer(request, timeout, _deadline(timeout))

    def _answer(self, request: Request, timeout: float | None, deadline: float | None) -> Reply:
        try:
            if request.reply is None:
                self._open_stream()
            if not self.wait(lambda: request.reply is not None, deadline):
                raise Timeout(f"{request.name}: no reply within {timeout:g} s")
        except BaseException:
            request.abandoned = True
            if request.reply is not None and not request.quiet:  # it came with an interrupt
                self._tell(LateReply(request.reply))
            raise
        assert request.reply is not None
        return request.reply

    @property
    def owed_replies(self) -> bool:
        """Whether a reply that is no longer waited for may still come, and be told."""
        return self.connected and self._conversation.owed_replies

    def post(
        self,
        message: Message,
        *,
        quiet: bool = False,
        deadline: float | None = None,
        descriptors: Sequence[int] = (),
    ) -> Request:
        """Send a message and do not wait; several may be under way.

        :param quiet: if its reply is given up waiting for, it is dropped when it comes.
        :param deadline: by the monotonic clock, for the VM to take it; None: any time.
        :param descriptors: of open files, to go along with it.
        :raise UsageError: there are descriptors, and this is no UNIX socket.
        :raise Timeout: the VM did not take it in time.
        :raise ConnectionLost: there is no VM any more.
        :raise TypeError, ValueError: it can't be written as JSON.
        """
        stream = self._open_stream()
        if descriptors and stream.family != socket.AF_UNIX:
            raise UsageError("descriptors can be sent over a UNIX socket only")
        request, wire, data = self._conversation.send(message, quiet=quiet)
        if self.tracer is not None:
            self.tracer(">", wire, quiet)
        try:
            self._send(data, deadline, descriptors)
        except BaseException:
            if not self._unsent:
                request.abandoned = True
            elif self.connected:  # it would not be, if a part of it had been sent
                self._conversation.forget(request)
            raise
        return request

    def listen(self, listener: Callable[[News], None]) -> None:
        """Have all news given to ``listener`` as it arrives, what came before at once.

        Without a listener, events queue up for :meth:`events`, and replies that nobody waits
        for are dropped.
        """
        self._listener = listener
        while self._events:
            listener(self._events.popleft())

    def events(self, timeout: float | None = 0) -> Iterator[Event]:
        """Yield the events that came, in their order, each once; none is ever lost.

        :param timeout: seconds to wait for one more; 0: only those already here;
            None: for ever.
        :raise ConnectionLost: there is no VM any more, and all its events were yielded.
        """
        while True:
            if not self._events and timeout != 0:
                self._open_stream()
            if not self._events and self.connected:
                self.wait(lambda: bool(self._events), _deadline(timeout))
            if not self._events:
                return
            yield self._events.popleft()

    def watch(self, descriptor: int, callback: Callable[[], object]) -> None:
        """Have ``callback`` called whenever a descriptor is readable during a :meth:`wait`."""
        self._watched[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        """Undo :meth:`watch`."""
        self._watched.pop(descriptor, None)

    @property
    def watched(self) -> dict[int, Callable[[], object]]:
        """All that has to be read while a front end waits, and how; the socket among it."""
        if self._stream is None:
            return self._watched
        return {self._stream.fileno(): self.receive, **self._watched}

    def wait(self, done: Callable[[], bool], deadline: float | None = None) -> bool:
        """Read what comes until ``done()``.

        :param deadline: by the monotonic clock; None: never.
        :return: whether it is done; False: the deadline has passed.
        :raise ConnectionLost: the VM was lost during the wait.
        """
        if self.connected:
            self._hear()  # what an interrupted wait left over
        while not done():
            try:
                if not self._turn(deadline):
                    return done()
            except ConnectionLost:
                if done():  # the last that was said was what is waited for
                    return True
                raise
        return True

    def _turn(self, deadline: float | None, *, writable: bool = False) -> bool:
        """Wait for something to read (or to write to) and read it; False: the time is over."""
        poll = select.poll()
        watched = self.watched
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        if writable:
            poll.register(self.fileno(), select.POLLIN | select.POLLOUT)
        left = _LONGEST_POLL if deadline is None else deadline - time.monotonic()
        for descriptor, what in poll.poll(min(max(left, 0), _LONGEST_POLL) * 1000):
            if what & ~select.POLLOUT:
                watched[descriptor]()
        return deadline is None or time.monotonic() < deadline

    def receive(self) -> bool:
        """Read what is there without waiting, and hand it to those concerned.

        :return: whether there was anything.
        :raise ConnectionLost: there is no VM any more, or it does not speak QMP.
        """
        # An interrupt waits until what was received has been handed on, or it would be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        try:
            return self._receive()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _receive(self) -> bool:
        try:
            data = self._open_stream().recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionResetError:
            data = b""  # it ended before it took all that was sent to it
        except OSError as error:
            self._lose(f"the connection was lost: {error.strerror or error}")
        if not data:
            middle = " in the middle of a message" if self._conversation.in_message else ""
            self._lose(f"the VM closed the connection{middle}")
        self._conversation.feed(data)
        self._hear()
        return True

    def _hear(self) -> None:
        """Hand what was received to those concerned. An interrupted one goes on the next time."""
        try:
            for message in self._conversation.messages():
                if self.tracer is not None:
                    self.tracer("<", message, self._conversation.is_quiet(message))
                self._tell(self._conversation.sort(message))
        except ProtocolError as error:
            self._end = str(error)
            self.close()
            raise

    def _tell(self, news: News | None) -> None:
        if news is None:
            return
        if self._listener is not None:
            self._listener(news)
        elif isinstance(news, Event):
            self._events.append(news)

    def _send(self, data: bytes, deadline: float | None, descriptors: Sequence[int] = ()) -> None:
        """Send all of it, and descriptors with its first byte.

        Meanwhile it goes on reading, or two full buffers would wait for each other.
        A message that was cut short can't be taken back: the connection ends with it.

        :raise Timeout: not all could be sent in time.
        """
        self._unsent = memoryview(data)
        try:
            while self._unsent:
                try:
                    self._push(descriptors if len(self._unsent) == len(data) else ())
                except (BlockingIOError, InterruptedError):
                    if not self._turn(deadline, writable=True):
                        raise Timeout("the VM took no more data in time") from None
                except OSError as error:
                    while self.receive():  # what it said before it went; then its end is told
                        pass
                    self._lose(f"the connection was lost: {error.strerror or error}")
        except BaseException:
            if 0 < len(self._unsent) < len(data):
                self._end = "the connection was closed, for a command could be sent only in part"
                self.close()
            raise

    def _push(self, descriptors: Sequence[int]) -> None:
        """Send what the socket takes at once."""
        # An interrupt waits until what was sent is noted, or a reply would be a surprise.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        try:
            if descriptors:
                sent = socket.send_fds(self._open_stream(), [self._unsent], descriptors)
            else:
                sent = self._open_stream().send(self._unsent)
            self._unsent = self._unsent[sent:]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _lose(self, why: str) -> NoReturn:
        self._end = why
        self.close()
        raise ConnectionLost(why) from None

    def _open_stream(self) -> socket.socket:
        if self._stream is None:
            raise ConnectionLost(self._end)
        return self._stream


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def connect(
    address: str | os.PathLike[str] | Address,
    *,
    agent: bool = False,
    timeout: float | None = None,
    greeting_timeout: float | None = GREETING_SECONDS,
    wait: float = 0,
    tracer: Tracer | None = None,
) -> Client:
    """Connect to a QMP monitor and negotiate; the client is ready for commands.

    :param address: as ``/run/vm.sock``, ``unix:/run/vm.sock``, ``localhost:4444``.
    :param agent: it is a guest agent (qemu-ga): no greeting, no capabilities.
    :param timeout: seconds that each command may take; None: any time.
    :param greeting_timeout: seconds for connecting, and again for greeting and capabilities.
    :param wait: seconds to go on trying while nobody listens there yet.
    :param tracer: see :attr:`Client.tracer`.
    :raise AddressError: the address can't be read.
    :raise ConnectError: nobody is there, or no conversation comes about.
    """
    if isinstance(address, str | os.PathLike):
        address = parse_address(os.fspath(address))
    stream = open_stream(address, timeout=greeting_timeout, wait=wait)
    client = Client(stream, agent=agent, timeout=timeout, tracer=tracer)
    try:
        client.negotiate(greeting_timeout)
    except ConnectError as error:
        raise ConnectError(f"{address}: {error}") from None
    return client
