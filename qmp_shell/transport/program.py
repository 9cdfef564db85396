"""A program that carries a connection: it is started, its complaints are kept, and it is ended.

Knows nothing of single programs; ``exec.py``, ``ssh.py`` and others start one each.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from ..child import prepare_child
from ..errors import ConnectError, explain_os_error
from ..signals import SignalsBlocked, is_signal_pending
from .stream import SocketStream

# How long, in seconds, a program may take to end: by itself, once it has closed the connection or
# the connection to it was closed; and by SIGTERM.
_END_SECONDS = 1.0
_TERMINATE_SECONDS = 1.0

_LONGEST_COMPLAINT = 4096  # bytes of it that are looked at
_MOST_COMPLAINTS = 1 << 20  # bytes that are kept


class Program:
    """A running program. What it writes to standard error is kept, for it may say why it fails.

    Linux ends it with this program, whatever happens, if the main thread starts it.

    :ivar name: what it is called in messages.
    """

    def __init__(
        self,
        command: Sequence[str],
        connection: socket.socket | None,
        *,
        name: str,
        uses_terminal: bool = False,
    ) -> None:
        """Start it.

        :param connection: its standard input and output; None: it has none.
        :param uses_terminal: it may ask for a password there. Then it has to ignore Ctrl-C, as
            OpenSSH does if it is told so, for that is meant for what runs in the shell.
        :raise ConnectError: it can't be started.
        """
        self.name = name
        self._has_own_group = not uses_terminal
        channel = subprocess.DEVNULL if connection is None else connection.fileno()
        try:
            # A pipe would have to be read all the time, or the program might wait for that.
            self._errors = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise ConnectError(f"{name}: {explain_os_error(error)}") from None
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=channel,
                stdout=channel,
                stderr=self._errors,
                process_group=0 if self._has_own_group else None,
                preexec_fn=prepare_child(ignores_interrupts=uses_terminal),
            )
        except (OSError, ValueError) as error:
            self._errors.close()
            raise ConnectError(f"{name}: {explain_os_error(error)}") from None

    def __del__(self) -> None:
        # An interrupt may come after it was started, and before anybody is there to stop it.
        if hasattr(self, "_popen"):
            self.stop()

    def limit_errors(self) -> None:
        """Forget what it has written to standard error, if that is much."""
        if os.fstat(self._errors.fileno()).st_size > _MOST_COMPLAINTS:
            self._errors.truncate(0)

    @property
    def complaint(self) -> str:
        """The last line that it has written to standard error; empty: there is none."""
        descriptor = self._errors.fileno()
        start = max(0, os.fstat(descriptor).st_size - _LONGEST_COMPLAINT)
        text = os.pread(descriptor, _LONGEST_COMPLAINT, start).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        return next((line for line in reversed(lines) if line), "")

    def wait(self, seconds: float) -> int | None:
        """Wait until it has ended.

        :return: its exit status, or minus the number of the signal that ended it; None: it still
            runs.
        """
        # An interrupt after waitpid(2) would lose the status.
        with SignalsBlocked(), suppress(subprocess.TimeoutExpired):
            self._popen.wait(0 if is_signal_pending() else seconds)
        return self._popen.returncode

    def explain_end(self, status: int) -> str:
        """Say why it has ended, in its own words if it has said anything."""
        if self.complaint:
            # Most begin with the name already, as "ssh: connect to host ...".
            has_name = self.complaint.startswith(f"{self.name}:")
            return self.complaint if has_name else f"{self.name}: {self.complaint}"
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"{self.name} ended {how}"

    def stop(self, *, patience: float = 0.0) -> None:
        """End it, and forget what it has written to standard error.

        :param patience: seconds for it to end by itself.
        """
        if self.wait(patience) is None:
            self._send(signal.SIGTERM)
            if self.wait(_TERMINATE_SECONDS) is None:
                self._send(signal.SIGKILL)
                with SignalsBlocked():
                    self._popen.wait()
        self._errors.close()

    def _send(self, number: signal.Signals) -> None:
        """Send a signal to it, and to what it has started in turn."""
        if self._has_own_group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, number)
        self._popen.send_signal(number)


class ProgramStream(SocketStream):
    """A connection that a program carries.

    :ivar program: it ends with the connection.
    """

    def __init__(
        self, program: Program, connection: socket.socket, *, reads_input: bool = True
    ) -> None:
        """
        :param connection: owned and closed by this object from now on; so is the program.
        :param reads_input: the program ends by itself when the connection is closed.
        """
        super().__init__(connection)
        self.program = program
        self._patience = _END_SECONDS if reads_input else 0.0
        self._has_data = False

    def receive(self, limit: int) -> bytes:
        self.program.limit_errors()
        try:
            data = super().receive(limit)
        except ConnectionResetError:  # it has ended before it read all that was sent to it
            data = b""
        if data:
            self._has_data = True
            return data
        status = self.program.wait(_END_SECONDS)
        if not self._has_data:
            raise ConnectError(self._explain_refusal(status))
        if status:
            raise OSError(errno.ECONNABORTED, self.program.explain_end(status))
        return b""

    def _explain_refusal(self, status: int | None) -> str:
        """Say why the connection has ended before anything was received.

        :param status: the program's exit status; None: it still runs.
        """
        if status is None:
            complaint = self.program.complaint
            return f"{self.program.name} has closed the connection" + f": {complaint}" * bool(
                complaint
            )
        return self.program.explain_end(status)

    def send(self, data: memoryview, _descriptors: Sequence[int] = ()) -> int:
        return super().send(data)

    @property
    def can_send_descriptors(self) -> bool:
        return False

    @property
    def peer_pid(self) -> int | None:
        return None  # it is only the program

    def close(self) -> None:
        super().close()
        self.program.stop(patience=self._patience)


def start_program(
    command: Sequence[str], *, name: str, uses_terminal: bool = False
) -> ProgramStream:
    """Start a program whose standard input and output are the connection.

    :param command: the program and its arguments; no shell is involved.
    :param name: what it is called in messages.
    :param uses_terminal: see :class:`Program`.
    :raise ConnectError: it can't be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            program = Program(command, theirs, name=name, uses_terminal=uses_terminal)
        return ProgramStream(program, ours)
    except BaseException:
        ours.close()
        raise
