"""The synchronous client: negotiate, execute commands, receive replies and events.

One thread and one connection: ``with connect(...) as vm: vm.execute("query-status")``. A front
end with an event loop of its own watches :meth:`Client.fileno` and calls :meth:`Client.receive`;
nothing else reads the connection. Knows nothing of sockets, only of a ``Stream``, and leaves what
messages mean to ``protocol.py``.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import ConnectError, ConnectionLost, Timeout, UsageError
from .protocol import (
    CommandError,
    Conversation,
    Event,
    LateReply,
    Message,
    Negotiated,
    Outgoing,
    Received,
    Reply,
    Request,
    State,
    StrayReply,
    Unsolicited,
    Violation,
    is_quiet,
    wire_message,
)
from .transport import open_stream, parse_address

if TYPE_CHECKING:
    from .transport.stream import Address, Stream

GREETING_SECONDS = 5.0
"""How long a monitor may take to greet; QEMU does so at once, unless another client holds it."""

_RECEIVE_BYTES = 1 << 16
_LONGEST_POLL = 86_400.0  # seconds; poll() counts milliseconds in an int

Tracer = Callable[[str, Message, bool], None]
"""See :attr:`Client.tracer`."""


class Client:
    """A QMP conversation with one monitor, over one connection.

    :ivar timeout: seconds that a command may take; None: no limit.
    :ivar tracer: called with every message exactly as it is on the wire: ``">"`` for one sent and
        ``"<"`` for one received, the message, and whether it belongs to a quiet command.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        agent: bool = False,
        timeout: float | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """
        :param stream: a fresh connection, for example ``SocketStream(connected_socket)``; the
            client owns and closes it. Call :meth:`negotiate` next.
        :param agent: the peer is a guest agent (qemu-ga): no greeting, no capabilities.
        """
        self.timeout = timeout
        self.tracer = tracer
        self._listener: Callable[[Unsolicited], None] | None = None
        self._stream: Stream | None = stream
        self._conversation = Conversation(agent=agent)
        self._undelivered: deque[Received] = deque()
        self._events: deque[Event] = deque()
        self._watched: dict[int, Callable[[], object]] = {}
        self._end_reason = "there is no connection to a VM"
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
        """Whether the connection is open, as far as is known."""
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

    def close(self) -> None:
        """Close the connection. The VM goes on; what it still sends is not received."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def negotiate(self, timeout: float | None = GREETING_SECONDS) -> None:
        """Receive the greeting and negotiate capabilities, or synchronize with a guest agent.

        Afterwards the connection accepts commands; if it fails, the connection is closed.

        :param timeout: seconds for all of it; None: no limit.
        :raise ConnectError: there was no greeting in time, or the negotiation failed.
        """
        try:
            self._negotiate(_deadline(timeout))
        except (ConnectionLost, Timeout) as error:
            self.close()
            raise ConnectError(str(error)) from None
        except BaseException:
            self.close()
            raise

    def _negotiate(self, deadline: float | None) -> None:
        if self._conversation.state is State.SYNCHRONIZING:
            silence = "the guest agent did not answer: is it running in the guest?"
        else:
            silence = "the VM sent a greeting, but did not answer qmp_capabilities"
            if not self.wait(lambda: self.greeting is not None, deadline):
                raise ConnectError(
                    "no greeting came: another client may hold this monitor (QEMU serves one at"
                    " a time), or the VM is stuck, or it is a guest agent (-N)"
                )
        token = int.from_bytes(os.urandom(4), "big") >> 1
        request = self._transmit(self._conversation.send_handshake(token), deadline)
        if not self.wait(lambda: request.reply is not None, deadline):
            raise ConnectError(silence)
        if request.reply is not None and request.reply.is_error:
            raise ConnectError(str(CommandError(request.reply)))

    def execute(self, name: str, /, **arguments: Any) -> Any:
        """Execute one command and return its result.

        :param name: the command, for example ``query-status``.
        :param arguments: its arguments; names that are no Python identifiers are passed in a
            dictionary: ``execute("blockdev-del", **{"node-name": "d0"})``.
        :return: the ``return`` member of the reply.
        :raise CommandError: the VM refused the command.
        :raise Timeout: no reply came within :attr:`timeout` seconds.
        :raise ConnectionLost: the connection has ended.
        :raise TypeError, ValueError: an argument can't be written as JSON.
        """
        message: Message = {"execute": name}
        if arguments:
            message["arguments"] = arguments
        reply = self.request(message)
        if reply.is_error:
            raise CommandError(reply)
        return reply.message["return"]

    def request(self, message: Message, descriptors: Sequence[int] = ()) -> Reply:
        """Send a whole message and wait for its reply, which may be an error.

        If the wait is interrupted or takes too long, the reply comes later as a
        :class:`LateReply`, and is not taken for the reply to another command.

        :param message: ``{"execute": NAME, "arguments": {...}}`` or ``exec-oob``.
        :param descriptors: open file descriptors to send along (``getfd``, ``add-fd``).
        :raise Timeout: no reply came within :attr:`timeout` seconds.
        :raise ConnectionLost: the connection has ended.
        :raise TypeError, ValueError: the message can't be written as JSON.
        """
        deadline = _deadline(self.timeout)
        request = self.post(message, deadline=deadline, descriptors=descriptors)
        return self._wait_for_reply(request, self.timeout, deadline)

    def answer(self, request: Request, timeout: float | None) -> Reply:
        """Wait for the reply to a command that was sent by :meth:`post`.

        :param timeout: seconds; None: no limit.
        :raise Timeout: no reply came in time.
        :raise ConnectionLost: the connection has ended.
        """
        return self._wait_for_reply(request, timeout, _deadline(timeout))

    def _wait_for_reply(
        self, request: Request, timeout: float | None, deadline: float | None
    ) -> Reply:
        try:
            if request.reply is None:
                self._require_stream()
            if not self.wait(lambda: request.reply is not None, deadline):
                raise Timeout(f"{request.name}: no reply within {timeout:g} s")
        except BaseException:
            request.abandoned = True
            if request.reply is not None and not request.quiet:  # it came with an interrupt
                self._notify(LateReply(request.reply))
            raise
        assert request.reply is not None
        return request.reply

    @property
    def owed_replies(self) -> bool:
        """Whether a :class:`LateReply` may still come."""
        if not self.connected:
            return False
        undelivered = (_reply_in(received) for received in self._undelivered)
        return self._conversation.owed_replies or any(
            reply.request.abandoned and not reply.request.quiet for reply in undelivered if reply
        )

    def post(
        self,
        message: Message,
        *,
        quiet: bool = False,
        deadline: float | None = None,
        descriptors: Sequence[int] = (),
    ) -> Request:
        """Send a message without waiting for its reply; several may be under way.

        :param message: ``{"execute": NAME, "arguments": {...}}`` or ``exec-oob``.
        :param quiet: if its reply comes after the caller stopped waiting, drop it.
        :param deadline: by the monotonic clock, for the VM to accept the data; None: no limit.
        :param descriptors: open file descriptors to send along.
        :return: to be given to :meth:`answer`; its ``reply`` is set when the reply comes.
        :raise UsageError: descriptors can't be sent over this connection.
        :raise Timeout: the VM did not accept the data in time.
        :raise ConnectionLost: the connection has ended.
        :raise TypeError, ValueError: the message can't be written as JSON.
        """
        stream = self._require_stream()
        if descriptors and not stream.can_send_descriptors:
            raise UsageError("descriptors can be sent over a UNIX socket only")
        outgoing = self._conversation.send(message, quiet=quiet)
        return self._transmit(outgoing, deadline, descriptors)

    def _transmit(
        self, outgoing: Outgoing, deadline: float | None, descriptors: Sequence[int] = ()
    ) -> Request:
        request = outgoing.request
        if self.tracer is not None:
            self.tracer(">", outgoing.message, request.quiet)
        try:
            self._send(outgoing.data, deadline, descriptors)
        except BaseException:
            if not self._unsent:
                request.abandoned = True
            elif self.connected:  # a message that was sent in part ends the connection
                self._conversation.forget(request)
            raise
        return request

    def listen(self, listener: Callable[[Unsolicited], None]) -> None:
        """Call ``listener`` with what arrives unsolicited, and at once with events queued so far.

        Without a listener, events are queued for :meth:`events`, and late and stray replies are
        dropped.
        """
        self._listener = listener
        while self._events:
            listener(self._events.popleft())

    def events(self, timeout: float | None = 0) -> Iterator[Event]:
        """Yield the events that came, in their order, each once; none is lost.

        :param timeout: seconds to wait for each further event; 0: yield only those already
            received; None: no limit.
        :raise ConnectionLost: the connection has ended, and all its events were yielded.
        """
        while True:
            if not self._events and timeout != 0:
                self._require_stream()
            if not self._events and self.connected:
                self.wait(lambda: bool(self._events), _deadline(timeout))
            if not self._events:
                return
            yield self._events.popleft()

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
        return {self._stream.fileno(): self.receive, **self._watched}

    def wait(self, done: Callable[[], bool], deadline: float | None = None) -> bool:
        """Receive and deliver messages until ``done()``.

        :param deadline: by the monotonic clock; None: no limit.
        :return: whether it is done; False: the deadline has passed.
        :raise ConnectionLost: the connection ended during the wait.
        """
        if self.connected and self._undelivered:
            with _sigint_blocked():
                self._deliver()
        while not done():
            try:
                if not self._poll_once(deadline):
                    return done()
            except ConnectionLost:
                if done():  # the last messages were what is waited for
                    return True
                raise
        return True

    def _poll_once(self, deadline: float | None, *, for_writing: bool = False) -> bool:
        """Wait until a descriptor is readable, and have it read.

        :param for_writing: return as soon as the connection is writable, too.
        :return: False once the deadline has passed.
        """
        poll = select.poll()
        watched = self.watched
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        if for_writing:
            poll.register(self.fileno(), select.POLLIN | select.POLLOUT)
        has_buffered = self._has_buffered
        left = _LONGEST_POLL if deadline is None else deadline - time.monotonic()
        seconds = 0.0 if has_buffered else min(max(left, 0), _LONGEST_POLL)
        for descriptor, flags in poll.poll(seconds * 1000):
            if flags & ~select.POLLOUT:
                watched[descriptor]()
        if has_buffered:
            self.receive()
        return deadline is None or time.monotonic() < deadline

    def receive(self) -> bool:
        """Receive what has arrived, without waiting, and deliver it.

        :return: whether anything had arrived.
        :raise ConnectionLost: the connection has ended, or the peer does not speak QMP.
        """
        with _sigint_blocked():
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
        while self._undelivered:
            self._dispatch(self._undelivered.popleft())

    def _dispatch(self, received: Received) -> None:
        if isinstance(received, Violation):
            self._end_reason = str(received.error)
            self.close()
            raise received.error
        if self.tracer is not None:
            self.tracer("<", wire_message(received), is_quiet(received))
        reply = _reply_in(received)
        if reply is not None:
            request = reply.request
            request.reply = reply
            # The caller may also have stopped waiting while the reply was queued here.
            if request.abandoned and not request.quiet:
                self._notify(LateReply(reply))
        elif isinstance(received, (Event, StrayReply)):
            self._notify(received)

    def _notify(self, unsolicited: Unsolicited) -> None:
        if self._listener is not None:
            self._listener(unsolicited)
        elif isinstance(unsolicited, Event):
            self._events.append(unsolicited)

    def _send(self, data: bytes, deadline: float | None, descriptors: Sequence[int] = ()) -> None:
        """Send all of it, with descriptors along with its first byte.

        Meanwhile messages are received, for otherwise a VM whose output buffer is full would
        not read either. A message that was sent in part can't be taken back, so the connection
        ends with it.

        :raise Timeout: not all could be sent in time.
        """
        self._unsent = memoryview(data)
        try:
            while self._unsent:
                try:
                    self._send_some(descriptors if len(self._unsent) == len(data) else ())
                except (BlockingIOError, InterruptedError):
                    if not self._poll_once(deadline, for_writing=True):
                        raise Timeout("the VM did not accept the data in time") from None
                except OSError as error:
                    while self.receive():  # what the VM sent before its end, and then its end
                        pass
                    self._lose(f"the connection was lost: {error.strerror or error}")
        except BaseException:
            if 0 < len(self._unsent) < len(data):
                self._end_reason = "the connection was closed: a command was sent only in part"
                self.close()
            raise

    def _send_some(self, descriptors: Sequence[int]) -> None:
        """Send as much as can be sent at once."""
        # If an interrupt came between sending and noting it, the reply would seem to be a stray.
        with _sigint_blocked():
            sent = self._require_stream().send(self._unsent, descriptors)
            self._unsent = self._unsent[sent:]

    def _lose(self, why: str) -> NoReturn:
        self._end_reason = why
        self.close()
        raise ConnectionLost(why) from None

    def _require_stream(self) -> Stream:
        if self._stream is None:
            raise ConnectionLost(self._end_reason)
        return self._stream


def _reply_in(received: Received) -> Reply | None:
    """Return the reply to a command, if that is what was received."""
    if isinstance(received, (Negotiated, LateReply)):
        return received.reply
    return received if isinstance(received, Reply) else None


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def connect(
    address: str | os.PathLike[str] | Address,
    *,
    agent: bool = False,
    timeout: float | None = None,
    greeting_timeout: float | None = GREETING_SECONDS,
    wait: float = 0,
    tracer: Tracer | None = None,
) -> Client:
    """Connect to a QMP monitor and negotiate; the client then accepts commands.

    :param address: for example ``/run/vm.sock``, ``unix:/run/vm.sock`` or ``localhost:4444``.
    :param agent: the peer is a guest agent (qemu-ga): no greeting, no capabilities.
    :param timeout: seconds that each command may take; None: no limit.
    :param greeting_timeout: seconds for connecting, and again for negotiating; None: no limit.
    :param wait: seconds for which connecting is tried again while nobody listens there.
    :param tracer: see :attr:`Client.tracer`.
    :raise AddressError: the address can't be parsed.
    :raise ConnectError: nobody listens there, or the negotiation failed.
    """
    target = _to_address(address)
    stream = open_stream(target, timeout=greeting_timeout, wait=wait)
    client = Client(stream, agent=agent, timeout=timeout, tracer=tracer)
    return _negotiated(client, target, greeting_timeout)


def listen(
    address: str | os.PathLike[str] | Address,
    *,
    agent: bool = False,
    timeout: float | None = None,
    greeting_timeout: float | None = GREETING_SECONDS,
    wait: float | None = None,
    on_listening: Callable[[str], object] = lambda _: None,
    tracer: Tracer | None = None,
) -> Client:
    """Wait for a VM to connect to an address, and negotiate; the client then accepts commands.

    QEMU connects where its option lacks ``server=on``: ``-qmp unix:/run/vm.sock``. Exactly one
    connection is accepted. A UNIX socket is created for its owner only, and removed afterwards.

    :param address: a UNIX socket's or TCP port's; see :func:`connect`.
    :param agent: see :func:`connect`; so are ``timeout``, ``tracer`` and the errors.
    :param greeting_timeout: seconds for negotiating, once the VM has connected; None: no limit.
    :param wait: seconds to wait for the connection; None: no limit.
    :param on_listening: called once a VM can connect, for example to start one, with the option
        that makes QEMU connect: ``-qmp unix:/run/vm.sock``.
    :raise UsageError: addresses of this kind can't be listened on.
    :raise ConnectError: the address can't be used, nobody connected in time, or the negotiation
        failed.
    """
    from .transport.listen import accept_stream

    target = _to_address(address)
    stream = accept_stream(target, wait=wait, on_listening=on_listening)
    client = Client(stream, agent=agent, timeout=timeout, tracer=tracer)
    return _negotiated(client, target, greeting_timeout)


def _to_address(address: str | os.PathLike[str] | Address) -> Address:
    if isinstance(address, (str, os.PathLike)):
        return parse_address(os.fspath(address))
    return address


def _negotiated(client: Client, address: Address, timeout: float | None) -> Client:
    """Negotiate, naming the address if that fails."""
    try:
        client.negotiate(timeout)
    except ConnectError as error:
        raise ConnectError(f"{address}: {error}") from None
    return client
