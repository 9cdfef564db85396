"""A QEMU that is started with a private monitor, and ends with the shell.

It has ended when the started program has, and the process that connected to the monitor: QEMU may
be another process than the started one, with ``-daemonize`` or if that is a script.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from ..client import Client, Tracer
from ..errors import ConnectError, ConnectionLost, QMPError, UsageError
from ..messages import CommandError
from ..output import STANDARD_ERROR, Output, SafeText
from ..process import Process
from ..render.text import sanitize, sanitize_line
from ..signals import (
    SignalsBlocked,
    ended_by_signals,
    is_signal_pending,
    poll_timeout,
    use_uninterrupted,
)
from ..static_typing import TypeVar
from ..transport.stream import SocketStream
from .capture import CapturedOutput
from .monitor import MonitorSocket
from .process import Child, find_peer

T = TypeVar("T")

# How long, in seconds, QEMU may take to react to "quit", or to end once its monitor was closed; to
# end after it has reacted, for it may have much to write; to end by SIGTERM; and by SIGKILL.
_REACT_SECONDS = 3.0
_QUIT_SECONDS = 7.0
_TERMINATE_SECONDS = 2.0
_KILL_SECONDS = 5.0
# When to tell why QEMU's monitor may never be there.
_SLOW_SECONDS = 5.0
_NOT_READY = 'its monitor is not there yet; a script has to pass on its arguments: exec qemu "$@"'
# How often to look for delayed signals, and for the end of a process that has no descriptor.
_LONGEST_POLL = 0.1  # seconds


class OwnVm:
    """A running QEMU, its monitor and what it prints.

    :ivar name: the name of the program.
    """

    def __init__(
        self,
        command: list[str],
        *,
        capture: bool,
        descriptors: tuple[int, ...],
        prepare: Callable[[Client], None] = lambda _: None,
    ) -> None:
        """Start it; :func:`run_with_vm` has the parameters and errors."""
        self.name = Path(command[0]).name
        self._prepare = prepare
        self._show_output: Callable[[SafeText], None] = _write_to_standard_error
        self._ends_by_itself = True  # when its monitor is closed
        self._client: Client | None = None
        self._watched: dict[int, Callable[[], object]] = {}
        self._processes: list[Process] = []
        self._output: CapturedOutput | None = None
        self._monitor = MonitorSocket()
        arguments = [*command, "-qmp", f"unix:{self._monitor.path}"]
        try:
            self._output = CapturedOutput() if capture else None
            self._child = _start(arguments, self._output, descriptors)
        except OSError as error:
            self._monitor.close()
            if self._output is not None:
                self._output.close()
            raise ConnectError(_explain(command[0], error)) from None
        if self._output is not None and self._output.descriptor is not None:
            self._watch(self._output.descriptor, self._relay_output)
        self._add_process(self._child)

    def connect(self, target: object | None, tracer: Tracer) -> tuple[Client, None]:
        """Connect to this QEMU, once. (:data:`~qmp_shell.session.Connector`)

        :param target: None: there is no other VM to connect to.
        :raise ConnectError: it ended before its monitor was ready, or does not speak QMP.
        """
        if target is not None:
            raise UsageError("this shell ends with its own VM; start another for another VM")
        if self._client is not None:
            raise ConnectError(f"{self.name} {self.outcome}; it can be attached to only once")
        client = self._accept(tracer)
        try:
            client.negotiate(timeout=None)
            self._run_prepare(client)
        except CommandError as error:
            raise ConnectError(f"{self.name} cannot be used: {error}") from None
        except (ConnectError, ConnectionLost) as error:
            how = self.outcome if self.wait() else f"cannot be used: {error}"
            raise ConnectError(f"{self.name} {how}") from None
        except BaseException:  # Ctrl-C has closed the monitor, and QEMU does not end by that
            self._ends_by_itself = False
            raise
        return client, None

    def _run_prepare(self, client: Client) -> None:
        """Have the VM prepared; neither this nor the events that it causes are the user's."""
        tracer, client.tracer = client.tracer, None
        self._prepare(client)
        list(client.events())
        client.tracer = tracer

    def relay_output_to(self, show: Callable[[SafeText], None]) -> None:
        """Have what QEMU prints shown by a function, which is given text safe for a terminal."""
        self._show_output = show

    @property
    def outcome(self) -> str:
        """How it ended, as the rest of a sentence that begins with its name."""
        status = self._child.status
        if status is None:
            return "is still running"
        if status < 0:
            return f"was ended by {_signal_name(-status)}"
        return f"ended with status {status}"

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error or by a signal."""
        return bool(self._child.status)

    def wait(self, seconds: float = _REACT_SECONDS) -> bool:
        """Wait until it has ended, and relay what it prints.

        :param seconds: how long to wait.
        :return: False: it has not ended in time, or a delayed signal asks for haste.
        """
        deadline = time.monotonic() + seconds
        while not self._has_ended():
            if is_signal_pending() or time.monotonic() >= deadline:
                self._ends_by_itself = False
                return False
            self._poll(deadline)
        return True

    def stop(self) -> None:
        """End it by its monitor, else by SIGTERM, else by SIGKILL; and remove its files.

        All signals that end this program must be blocked. One that comes has QEMU killed at once.
        """
        self._show_output = _show_if_possible(self._show_output)
        for late in self._monitor.close():
            self._add_peer(late)
            late.close()
        if not self._quit() and not self._terminate():
            self._kill()
        if self._client is not None:
            self._client.close()
        self._relay_output()  # the last of it; other processes may hold it open
        if self._output is not None:
            self._output.close()

    def _quit(self) -> bool:
        """Have QEMU end by its monitor; returns whether it has ended."""
        client = self._client
        if client is None:
            return self._has_ended()
        if not client.connected:
            return self.wait(_REACT_SECONDS if self._ends_by_itself else 0)
        client.tracer = None
        client.listen(lambda _: None)
        try:
            now = time.monotonic()
            request = client.post({"execute": "quit"}, quiet=True, deadline=now)
        except ConnectionLost:
            return self.wait(_REACT_SECONDS)
        except QMPError:  # it does not read, or the handshake is not over
            return self._has_ended()
        if self.wait(_REACT_SECONDS):
            return True
        reacts = request.reply is not None or not client.connected
        return reacts and self.wait(_QUIT_SECONDS)

    def _terminate(self) -> bool:
        """Have QEMU end by SIGTERM; returns whether it has ended."""
        if is_signal_pending():
            return False
        self._send(signal.SIGTERM)
        self._send(signal.SIGCONT)  # a suspended process does not react to the other
        return self.wait(_TERMINATE_SECONDS)

    def _kill(self) -> None:
        self._send(signal.SIGKILL)
        deadline = time.monotonic() + _KILL_SECONDS
        while not self._has_ended():
            if time.monotonic() >= deadline:
                numbers = ", ".join(str(process.pid) for process in self._processes)
                fault = f"{sanitize_line(self.name)} cannot be ended: process {numbers}"
                self._show_output(sanitize(f"qmp-shell: {fault}\n"))
                return
            self._poll(deadline)

    def _send(self, number: int) -> None:
        for process in self._processes:
            process.send(number)

    def _accept(self, tracer: Tracer) -> Client:
        """Wait until QEMU connects.

        :raise ConnectError: it ended before.
        """
        told_at: float | None = time.monotonic() + _SLOW_SECONDS
        while True:
            has_ended = self._has_ended()  # whoever connected before that is found here
            with SignalsBlocked():
                connection = self._monitor.accept()
                if connection is not None:
                    return self._use(connection, tracer)
            if has_ended:
                raise ConnectError(f"{self.name} {self.outcome}, before its monitor was ready")
            if told_at is not None and time.monotonic() >= told_at:
                told_at = None
                self._show_output(sanitize(f"{sanitize_line(self.name)}: {_NOT_READY}\n"))
            self._poll(None, self._monitor.fileno())

    def _use(self, connection: socket.socket, tracer: Tracer) -> Client:
        """Use a connection as QEMU's monitor; there will be no other."""
        self._add_peer(connection)
        for other in self._monitor.close():
            self._add_peer(other)
            other.close()
        self._client = Client(SocketStream(connection), tracer=tracer)
        for descriptor, callback in self._watched.items():
            self._client.watch(descriptor, callback)
        return self._client

    def _add_peer(self, connection: socket.socket) -> None:
        """Add the process that made a connection to those that end with the shell."""
        process = find_peer(connection)
        if process is None:
            return
        if any(process.pid == known.pid for known in self._processes):
            process.close()
        else:
            self._add_process(process)

    def _add_process(self, process: Process) -> None:
        self._processes.append(process)
        if process.descriptor is not None:
            self._watch(process.descriptor, self._has_ended)

    def _has_ended(self) -> bool:
        """Whether all processes have ended. Those that have are forgotten."""
        with SignalsBlocked():
            for process in self._processes[:]:
                if process.has_ended():
                    self._unwatch(process.descriptor)
                    process.close()
                    self._processes.remove(process)
        return not self._processes

    def _poll(self, deadline: float | None, *more: int) -> None:
        """Wait a moment for a process to end, or for something to read, and read it.

        :param more: other descriptors to wait for.
        """
        callbacks = dict(self._watched)
        if self._client is not None and self._client.connected:
            callbacks[self._client.fileno()] = self._client.receive
        poll = select.poll()
        for descriptor in (*callbacks, *more):
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(poll_timeout(deadline, _LONGEST_POLL)):
            if descriptor in callbacks:
                with contextlib.suppress(ConnectionLost):  # it is ending
                    callbacks[descriptor]()

    def _watch(self, descriptor: int, callback: Callable[[], object]) -> None:
        """Have a function called when a descriptor is readable, here or in the client's waits."""
        self._watched[descriptor] = callback
        if self._client is not None:
            self._client.watch(descriptor, callback)

    def _unwatch(self, descriptor: int | None) -> None:
        if descriptor is not None:
            self._watched.pop(descriptor, None)
            if self._client is not None:
                self._client.unwatch(descriptor)

    def _relay_output(self) -> None:
        """Show what QEMU has printed."""
        output = self._output
        if output is None:
            return
        with SignalsBlocked():
            descriptor = output.descriptor
            output.read()
            if output.descriptor is None:
                self._unwatch(descriptor)
        text = output.take()
        if text:
            self._show_output(sanitize(text))


def run_with_vm(
    command: list[str],
    use: Callable[[OwnVm], T],
    *,
    capture: bool,
    descriptors: tuple[int, ...] = (),
    prepare: Callable[[Client], None] = lambda _: None,
) -> T:
    """Start QEMU, and end it when a function that uses it has returned.

    :param command: the program and its arguments; a monitor is added to them.
    :param use: is given the VM. SIGTERM and SIGHUP end it as Ctrl-C does, by an exception.
    :param capture: what it prints is relayed (:meth:`OwnVm.relay_output_to`), so that it cannot
        control the terminal, and does not appear in the line that is being edited.
    :param descriptors: file descriptors for it to inherit.
    :param prepare: is given the connected client before anybody uses the VM. (The errors of
        :meth:`~qmp_shell.client.Client.execute` end the shell.)
    :return: what ``use`` returned.
    :raise ConnectError: it could not be started.
    """

    def start() -> OwnVm:
        return OwnVm(command, capture=capture, descriptors=descriptors, prepare=prepare)

    with ended_by_signals():
        return use_uninterrupted(start, use, OwnVm.stop)


def _start(
    command: list[str], output: CapturedOutput | None, descriptors: tuple[int, ...]
) -> Child:
    """Start a program, whose output is captured or goes to standard error.

    :raise OSError: it could not be started.
    """
    if output is None:
        return Child(command, output=2, descriptors=descriptors)
    try:
        return Child(command, output=output.pipe, descriptors=descriptors)
    finally:
        os.close(output.pipe)


def _explain(program: str, error: OSError) -> str:
    """Say why a program could not be started."""
    is_path = os.sep in program
    if isinstance(error, FileNotFoundError):
        exists = is_path and os.path.exists(program)
        return f"{program}: {'its interpreter does not exist' if exists else 'no such program'}"
    if is_path and os.path.isdir(program):
        return f"{program} is a directory, not a program"
    return f"{program or repr(program)}: {error.strerror or error}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # Python names no real-time signals but the first and the last


def _write_to_standard_error(text: SafeText) -> None:
    Output(STANDARD_ERROR).write(text)


def _show_if_possible(show: Callable[[SafeText], None]) -> Callable[[SafeText], None]:
    """Return a function that shows a text, but never fails or is interrupted."""

    def show_if_possible(text: SafeText) -> None:
        try:
            show(text)
        except OSError:  # the terminal is gone, which also ends the shell
            pass
        except KeyboardInterrupt:  # output.py lets it interrupt what is being written
            signal.raise_signal(signal.SIGINT)  # it is blocked, so it is pending again

    return show_if_possible
