"""The synchronous client: negotiate, execute commands, receive replies and events.

One thread and one connection: ``with connect(...) as vm: vm.execute("query-status")``. A front
end with an event loop of its own watches :meth:`Client.fileno` and calls :meth:`Client.receive`;
nothing else reads the connection. Knows nothing of sockets, only of a ``Stream``, and leaves what
messages mean to ``protocol.py``.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from .connection import Connection, Transmission
from .errors import (
    ConnectError,
    ConnectionLost,
    MonitorBusy,
    NoGreeting,
    OutputTimeout,
    Timeout,
    UsageError,
)
from .messages import (
    CommandError,
    Event,
    LateReply,
    Message,
    Negotiated,
    Outgoing,
    ReceivedMessage,
    Reply,
    Request,
    StrayReply,
    Unsolicited,
)
from .protocol import State
from .static_typing import TYPE_CHECKING, Any
from .transport import (
    SILENCE_SECONDS,
    OnAbsence,
    OnSilence,
    address_of_path,
    open_stream,
    parse_address,
)
from .transport.stream import MOST_DESCRIPTORS, Address

if TYPE_CHECKING:
    from .transport.stream import Stream
    from .transport.tls import TlsOptions

GREETING_SECONDS = 5.0
"""How long a monitor may take to greet; QEMU does so at once, unless another client holds it."""

Tracer = Callable[[str, Message, "Request | None"], None]
"""See :attr:`Client.tracer`."""


class Client(Connection):
    """A QMP conversation with one monitor, over one connection.

    :ivar timeout: seconds that a command may take; None: no limit.
    :ivar tracer: called with every message exactly as it is on the wire: ``">"`` for one sent and
        ``"<"`` for one received, the message, and the command that it is or answers (None: none).
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
        super().__init__(stream, agent=agent)
        self.timeout = timeout
        self.tracer = tracer
        self._listener: Callable[[Unsolicited], None] | None = None
        self._with_descriptors: Request | None = None  # the last command that had any
        self._events: deque[Event] = deque()

    @property
    def greeting(self) -> Message | None:
        """``{"version": ..., "capabilities": [...]}``; None for a guest agent."""
        return self._conversation.greeting

    def negotiate(
        self, timeout: float | None = GREETING_SECONDS, *, on_silence: OnSilence | None = None
    ) -> None:
        """Receive the greeting and negotiate capabilities, or synchronize with a guest agent.

        Afterwards the connection accepts commands; if it fails, the connection is closed.

        :param timeout: seconds for all of it; None: no limit.
        :param on_silence: is called while nothing comes.
        :raise ConnectError: there was no greeting in time, or the negotiation failed.
        :raise OutputTimeout: the tracer could not write.
        """
        try:
            self._negotiate(timeout, on_silence)
        except BaseException as error:
            self.close()
            is_of_vm = isinstance(error, ConnectionLost | Timeout)
            if is_of_vm and not isinstance(error, OutputTimeout):
                raise ConnectError(str(error)) from None
            raise

    def _negotiate(self, timeout: float | None, on_silence: OnSilence | None) -> None:
        began, deadline = time.monotonic(), _deadline(timeout)
        if self._conversation.state is State.SYNCHRONIZING:
            no_answer = "the guest agent did not answer: is it running in the guest?"
        else:
            no_answer = "the VM sent a greeting, but did not answer qmp_capabilities"
            is_greeted = self._wait_for_peer(
                lambda: self.greeting is not None, began, deadline, on_silence
            )
            if not is_greeted:
                raise NoGreeting(
                    "no greeting came: another client may hold this monitor (QEMU serves one at"
                    " a time), or the VM is stuck, or it is a guest agent (-N)"
                )
            began = time.monotonic()
        token = int.from_bytes(os.urandom(4), "big") >> 1
        request = self._transmit(self._conversation.prepare_handshake(token), deadline)
        is_answered = self._wait_for_peer(
            lambda: request.reply is not None, began, deadline, on_silence
        )
        if not is_answered:
            raise ConnectError(no_answer)
        if request.reply is not None and request.reply.is_error:
            raise ConnectError(str(CommandError(request.reply)))

    def _wait_for_peer(
        self,
        done: Callable[[], bool],
        began: float,
        deadline: float | None,
        on_silence: OnSilence | None,
    ) -> bool:
        """Wait until ``done()``, as :meth:`wait` does; call ``on_silence`` at intervals meanwhile.

        :param began: the time from which on the peer is silent.
        """
        if on_silence is None:
            return self.wait(done, deadline)
        while True:
            end = time.monotonic() + SILENCE_SECONDS
            is_last = deadline is not None and deadline <= end
            if self.wait(done, deadline if is_last else end):
                return True
            if not on_silence(time.monotonic() - began) or is_last:
                return False

    def execute(self, name: str, arguments: Message | None = None, /, **others: Any) -> Any:
        """Execute one command and return its result.

        :param name: the command, for example ``query-status``.
        :param arguments: its arguments in a dictionary, for names that are no Python identifiers:
            ``execute("blockdev-del", {"node-name": "d0"})``.
        :param others: its arguments by name: ``execute("device_del", id="net1")``.
        :return: the ``return`` member of the reply.
        :raise CommandError: the VM refused the command.
        :raise Timeout: no reply came within :attr:`timeout` seconds.
        :raise ConnectionLost: the connection has ended.
        :raise TypeError, ValueError: an argument can't be written as JSON.
        """
        message: Message = {"execute": name}
        if arguments or others:
            message["arguments"] = {**(arguments or {}), **others}
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
    def owed_replies(self) -> list[Request]:
        """The commands whose replies may still come, each as a :class:`LateReply`."""
        if not self.connected:
            return []
        queued = (each.reply if isinstance(each, LateReply) else each for each in self._undelivered)
        received = (each.request for each in queued if isinstance(each, Reply))
        return self._conversation.owed_replies + [each for each in received if each.is_owed]

    @property
    def has_descriptors_under_way(self) -> bool:
        """Whether a command that had descriptors is not answered.

        QEMU may take the descriptors of a later command for those of an earlier one, so the later
        one has to wait.
        """
        last = self._with_descriptors
        return last is not None and self._conversation.is_pending(last)

    def post(
        self,
        message: Message,
        *,
        quiet: bool = False,
        deadline: float | None = None,
        descriptors: Sequence[int] = (),
        on_reply: Callable[[Reply], object] | None = None,
        is_queued: bool = False,
        after: Request | None = None,
    ) -> Request:
        """Send a message without waiting for its reply; several may be under way.

        :param message: ``{"execute": NAME, "arguments": {...}}`` or ``exec-oob``.
        :param quiet: if its reply comes after the caller stopped waiting, drop it.
        :param deadline: by the monotonic clock, for the VM to accept the data; None: no limit.
        :param descriptors: open file descriptors to send along.
        :param on_reply: is called with the reply when it is delivered. Such a message is queued.
        :param is_queued: it is only queued: it is sent by :meth:`flush`, or during a :meth:`wait`.
            Its descriptors are closed then, unless this method raises an error. It must not have
            any while :attr:`has_descriptors_under_way`, or it would have to wait.
        :param after: a command that was posted before. Only if its reply is good is this one,
            which must have no descriptors, sent, as soon as that reply is delivered.
        :return: to be given to :meth:`answer`; its ``reply`` is set when the reply comes.
        :raise UsageError: descriptors can't be sent over this connection, or not so many.
        :raise Timeout: the VM did not accept the data in time.
        :raise ConnectionLost: the connection has ended.
        :raise TypeError, ValueError: the message can't be written as JSON.
        :raise OSError: a descriptor is not open.
        """
        stream = self._require_stream()
        if descriptors and not stream.can_send_descriptors:
            raise UsageError("descriptors can be sent over a UNIX socket only")
        if len(descriptors) > MOST_DESCRIPTORS:
            raise UsageError(f"at most {MOST_DESCRIPTORS} descriptors can be sent with a command")
        if descriptors and not self.wait(lambda: not self.has_descriptors_under_way, deadline):
            raise Timeout("the VM has not answered the last command with descriptors in time")
        for descriptor in descriptors:
            os.fstat(descriptor)
        outgoing = self._conversation.prepare(message, quiet=quiet)
        outgoing.request.on_reply = on_reply
        if after is not None and (after.reply is None or after.reply.is_error):
            after.following.append(outgoing)
            return outgoing.request
        if descriptors:
            self._with_descriptors = outgoing.request
        is_queued = is_queued or on_reply is not None
        return self._transmit(outgoing, deadline, descriptors, is_queued=is_queued)

    def _transmit(
        self,
        outgoing: Outgoing,
        deadline: float | None,
        descriptors: Sequence[int] = (),
        *,
        is_queued: bool = False,
    ) -> Request:
        request = outgoing.request
        if self.tracer is not None:
            self.tracer(">", outgoing.message, request)
        if is_queued:
            self._conversation.expect(request)
            self._send_later(Transmission(outgoing.data, descriptors, owns_descriptors=True))
            return request
        sending = Transmission(outgoing.data, descriptors)
        try:
            self._conversation.expect(request)
            self._send(sending, deadline)
        except BaseException:
            if not sending.unsent:  # all was sent, so its reply will come
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
        self._after_delivery()

    def events(self, timeout: float | None = 0) -> Iterator[Event]:
        """Yield the events that came, in their order, each once; none is lost.

        :param timeout: seconds to wait for each further event; 0: yield only those already
            received; None: no limit.
        :raise ConnectionLost: the connection has ended, and all its events were yielded. With a
            timeout of 0 it is raised once; :attr:`connected` is False from then on.
        """
        while True:
            if not self._events and timeout != 0:
                self._require_stream()
            if not self._events and self.connected:
                self.wait(lambda: bool(self._events), _deadline(timeout))
            if not self._events:
                return
            yield self._events.popleft()

    def _handle(self, received: ReceivedMessage) -> None:
        try:
            if self.tracer is not None:
                self.tracer("<", received.wire, received.answered)
        finally:  # Ctrl-C may have ended a tracer whose output nobody reads
            self._pass_on(received)

    def _pass_on(self, received: ReceivedMessage) -> None:
        if isinstance(received, (Event, StrayReply)):
            self._notify(received)
        elif isinstance(received, (Reply, Negotiated, LateReply)):
            reply = received if isinstance(received, Reply) else received.reply
            reply.request.reply = reply
            self._send_following(reply)
            if reply.request.on_reply is not None:
                reply.request.on_reply(reply)
            # The caller may also have stopped waiting while the reply was queued here.
            elif reply.request.is_owed:
                self._notify(LateReply(reply))

    def _send_following(self, reply: Reply) -> None:
        """If a reply is good, send the commands that were posted to be sent after it."""
        following = reply.request.following
        if following and not reply.is_error and not reply.request.abandoned:
            for each in following:
                self._transmit(each, None, is_queued=True)
            with suppress(OSError):  # whoever receives finds that the connection is lost
                self._send_some()

    def _notify(self, unsolicited: Unsolicited) -> None:
        if self._listener is not None:
            self._listener(unsolicited)
        elif isinstance(unsolicited, Event):
            self._events.append(unsolicited)


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def connect(
    address: str | os.PathLike[str] | Address,
    *,
    agent: bool = False,
    timeout: float | None = None,
    greeting_timeout: float | None = GREETING_SECONDS,
    wait: float = 0,
    tls: TlsOptions | None = None,
    tracer: Tracer | None = None,
    on_silence: OnSilence | None = None,
    on_absence: OnAbsence | None = None,
) -> Client:
    """Connect to a QMP monitor and negotiate; the client then accepts commands.

    :param address: for example ``/run/vm.sock``, ``unix:/run/vm.sock`` or ``localhost:4444``; an
        object of ``pathlib`` is always the path of a UNIX socket.
    :param agent: the peer is a guest agent (qemu-ga): no greeting, no capabilities.
    :param timeout: seconds that each command may take; None: no limit.
    :param greeting_timeout: seconds for connecting, and again for negotiating; None: no limit.
    :param wait: seconds for which connecting is tried again while nobody listens there.
    :param tls: certificates for an address ``tls:HOST:PORT``; for what is no port, such as a UNIX
        socket, they have no use.
    :param tracer: see :attr:`Client.tracer`.
    :param on_silence: is called twice a second while the monitor is silent, with the seconds that
        were waited so far, and when the time is over; it returns whether to go on, and may raise
        :class:`MonitorBusy`.
    :param on_absence: is called twice a second while nobody listens there and ``wait`` is not
        over, with the seconds that were waited so far.
    :raise AddressError: the address can't be parsed.
    :raise UsageError: ``tls`` can't be used: a file that it names, or with a port without TLS.
    :raise ConnectError: nobody listens there, or the negotiation failed.
    """
    target = _to_address(address)
    if tls is not None:
        target = target.with_tls(tls)
    try:
        stream = open_stream(
            target,
            timeout=greeting_timeout,
            wait=wait,
            on_silence=on_silence,
            on_absence=on_absence,
        )
    except MonitorBusy as error:
        raise MonitorBusy(f"{target}: {error}") from None
    agent = agent or target.is_agent
    client = Client(stream, agent=agent, timeout=timeout, tracer=tracer)
    return _negotiated(client, target, greeting_timeout, on_silence)


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
    if isinstance(address, str):
        return parse_address(address)
    if isinstance(address, os.PathLike):
        return address_of_path(os.fspath(address))
    if not isinstance(address, Address):
        raise TypeError(f"an address is a text or a path, not {address!r}")
    return address


def _negotiated(
    client: Client, address: Address, timeout: float | None, on_silence: OnSilence | None = None
) -> Client:
    """Negotiate, naming the address if that fails."""
    try:
        client.negotiate(timeout, on_silence=on_silence)
    except MonitorBusy as error:
        raise MonitorBusy(f"{address}: {error}") from None
    except NoGreeting as error:
        raise NoGreeting(f"{address}: {error}{address.silent_because}") from None
    except ConnectError as error:
        raise ConnectError(f"{address}: {error}") from None
    return client
