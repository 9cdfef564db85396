"""A QEMU process that is started with a private monitor, and ends with the shell.

The monitor is a socket in a directory that only this user can enter. Both are removed as soon as
QEMU has connected.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..client import Client, Tracer
from ..errors import ConnectError, ConnectionLost, Timeout, UsageError
from ..render.text import sanitize
from ..signals import ended_by_signals, poll_timeout
from ..transport.stream import SocketStream

if TYPE_CHECKING:
    from ..transport.stream import Address

# How long QEMU may take to end, in seconds, once it was asked to or its monitor was closed.
_END_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_READ_BYTES = 1 << 16
# In bytes; the address of a UNIX socket holds 107, which has to do for the names below it too.
_LONGEST_DIRECTORY = 80


class OwnVm:
    """A running QEMU, its monitor and what it prints.

    :ivar name: the name of the program.
    """

    def __init__(self, command: list[str], *, capture: bool, descriptors: tuple[int, ...]) -> None:
        """Start it; :func:`start_vm` has the parameters and errors."""
        self.name = Path(command[0]).name
        self._show_output: Callable[[str], None] = _write_to_standard_error
        self._client: Client | None = None
        self._directory = Path(tempfile.mkdtemp(prefix="qmp-shell-", dir=_short_directory()))
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # QEMU holds the other end until it ends, in whatever way.
        self._alive, held = os.pipe()
        self._output: int | None = None
        output = 2
        if capture:
            self._output, output = os.pipe()
            os.set_blocking(self._output, False)
        try:
            path = self._directory / "qmp"
            self._listener.bind(str(path))
            self._listener.listen(1)
            self._process = subprocess.Popen(
                [*command, "-qmp", f"unix:{path}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(held, *descriptors),
                # Ctrl-C at the prompt is for the shell alone.
                process_group=0,
                preexec_fn=_die_with_parent(),
            )
        except OSError as error:
            self._remove_socket()
            os.close(self._alive)
            missing = isinstance(error, FileNotFoundError)
            reason = "no such program" if missing else error.strerror or error
            raise ConnectError(f"{command[0]}: {reason}") from None
        finally:
            os.close(held)
            if capture:
                os.close(output)

    def connect(self, address: Address | None, tracer: Tracer) -> tuple[Client, None]:
        """Connect to this QEMU, once. (:data:`~qmp_shell.session.Connector`)

        :raise ConnectError: it ended before its monitor was ready.
        """
        if address is not None:
            raise UsageError("this shell ends with its own VM; start another for another VM")
        if self._client is not None:
            raise ConnectError(f"{self.name} {self.outcome}; it can be attached to only once")
        self._client = Client(SocketStream(self._accept()), tracer=tracer)
        if self._output is not None:
            self._client.watch(self._output, self._relay_output)
        try:
            self._client.negotiate(timeout=None)
        except ConnectError:
            self.wait()
            raise ConnectError(f"{self.name} {self.outcome}") from None
        return self._client, None

    def relay_output_to(self, show: Callable[[str], None]) -> None:
        """Have what QEMU prints shown by a function, which is given text safe for a terminal."""
        self._show_output = show

    @property
    def outcome(self) -> str:
        """How it ended, as the rest of a sentence that begins with its name."""
        status = self._process.poll()
        if status is None:
            return "is still running"
        if status < 0:
            return f"was ended by {_signal_name(-status)}"
        return f"ended with status {status}"

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error or by a signal."""
        return bool(self._process.poll())

    def stop(self) -> None:
        """End it by its monitor, else by SIGTERM, else by SIGKILL; and remove its files."""
        if not self._quit():
            self._process.terminate()
        if not self.wait():
            self._process.kill()
            self._process.wait()
        if self._output is not None:
            self._relay_output()
        self._remove_socket()
        os.close(self._alive)

    def _quit(self) -> bool:
        """Have QEMU end by its monitor; returns whether it has ended."""
        if self._client is None:
            return False
        try:
            if self._client.connected:
                self._client.tracer = None
                self._client.listen(lambda _: None)
                self._client.timeout = _END_SECONDS
                self._client.post({"execute": "quit"}, quiet=True)
                self._client.wait(lambda: False, time.monotonic() + _END_SECONDS)
        except (ConnectionLost, Timeout):
            pass  # it is ending, or a signal will end it
        finally:
            self._client.close()
        return self.wait()

    def wait(self, seconds: float = _END_SECONDS) -> bool:
        """Wait until it has ended, and relay what it prints; False: it has not ended."""
        deadline = time.monotonic() + seconds
        while not self._process_ended(deadline):
            if time.monotonic() >= deadline:
                return False
        self._process.wait()
        return True

    def _process_ended(self, deadline: float | None, *more: int) -> bool:
        """Wait for a while until QEMU ends or there is something to read.

        :return: whether it has ended.
        """
        poll = select.poll()
        for descriptor in (self._alive, self._output, *more):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(poll_timeout(deadline))}
        if self._output in ready:
            self._relay_output()
        return self._alive in ready

    def _accept(self) -> socket.socket:
        """Wait until QEMU connects.

        :raise ConnectError: it ended before.
        """
        self._listener.setblocking(False)
        while True:
            ended = self._process_ended(None, self._listener.fileno())
            with contextlib.suppress(BlockingIOError):
                stream, _ = self._listener.accept()
                self._remove_socket()
                return stream
            if ended:
                self._process.wait()
                raise ConnectError(f"{self.name} {self.outcome}, before its monitor was ready")

    def _relay_output(self) -> None:
        """Show what QEMU has printed."""
        assert self._output is not None
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._show_output(sanitize(data.decode("utf-8", "replace")))
            return
        if self._client is not None:
            self._client.unwatch(self._output)
        os.close(self._output)
        self._output = None

    def _remove_socket(self) -> None:
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)


@contextlib.contextmanager
def start_vm(
    command: list[str], *, capture: bool, descriptors: tuple[int, ...] = ()
) -> Iterator[OwnVm]:
    """Start QEMU for as long as the ``with`` block runs.

    :param command: the program and its arguments; a monitor is added to them.
    :param capture: what it prints is relayed (:meth:`OwnVm.relay_output_to`), so that it does
        not appear in the line that is being edited.
    :param descriptors: file descriptors for it to inherit.
    :raise ConnectError: it could not be started.
    """
    with ended_by_signals():
        vm = OwnVm(command, capture=capture, descriptors=descriptors)
        try:
            yield vm
        finally:
            vm.stop()


def _die_with_parent() -> Callable[[], None] | None:
    """Return a function for the new process to call, so that the kernel ends it with this one.

    None: only Linux can do that.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # Python names no real-time signals but the first and the last


def _short_directory() -> str | None:
    """The directory for temporary files, or /tmp if a socket's address cannot name it.

    QEMU's option parser takes a comma or an equals sign for its own.
    """
    directory = tempfile.gettempdir()
    unfit = len(os.fsencode(directory)) > _LONGEST_DIRECTORY or set(",=") & set(directory)
    return "/tmp" if unfit else None


def _write_to_standard_error(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
