"""One client of a shared monitor: its socket, its commands, and what waits to be sent to it.

Nothing here waits. Knows nothing of the VM, or of other clients.
"""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from itertools import islice

from ..errors import ProtocolError, QMPError
from ..process import program_of
from ..signals import SignalsBlocked
from ..transport.stream import MOST_DESCRIPTORS, Credentials
from .conversation import Command, ServerConversation

MOST_UNREAD = 16 << 20
"""Bytes that may wait for a client to read them; the last message may exceed it."""

# So much of one client's may be under way; more commands are not read from it meanwhile. Of one
# that has left, no more are executed afterwards either. (QEMU, too, takes 8 commands at a time.)
_MOST_COMMANDS = 8
_MOST_COMMAND_BYTES = 1 << 20
_MOST_UNREAD_BYTES = 1 << 20
_RECEIVE_BYTES = 1 << 16
_MOST_BUFFERS = 64  # sent at once
_DESCRIPTOR_COMMANDS = ("getfd", "add-fd")


class CutOff(QMPError):
    """A client cannot be served any more."""


class Peer:
    """A client.

    :ivar pid: of its process.
    :ivar program: its name, which the process has chosen itself.
    :ivar commands: how many of its commands the VM was given.
    :ivar waiting: those that are to be given to the VM, each with the descriptor that came along
        with it, which is to be closed.
    :ivar unread_bytes: how much waits to be sent to it.
    :ivar has_unexamined: what was received from it may hold another command.
    :ivar polled_events: what its server waits for, as epoll(7) has it.
    """

    def __init__(
        self, connection: socket.socket, credentials: Credentials, conversation: ServerConversation
    ) -> None:
        """:param connection: owned and closed by this object from now on."""
        connection.setblocking(False)
        self._socket = connection
        self._conversation = conversation
        self._descriptor: int | None = None
        self._output: deque[memoryview] = deque()
        self._taken_bytes = 0
        self._taken_commands = 0
        self._has_ended = False  # it sends nothing any more
        self._is_over = False  # it is to get only what waits already
        self._has_left = False  # it receives nothing any more, either
        self._last_commands = 0  # how many may still be taken after that
        self.pid = credentials.pid
        self.program = program_of(credentials.pid)
        self.commands = 0
        self.waiting: deque[tuple[Command, int | None]] = deque()
        self.unread_bytes = 0
        self.has_unexamined = False
        self.polled_events = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def is_open(self) -> bool:
        """Whether it was not closed here."""
        return self._socket.fileno() >= 0

    @property
    def awaited_events(self) -> int:
        """What to wait for, as epoll(7) has it; 0: nothing at present."""
        is_idle = self.may_go_on and not self.has_unexamined
        wants_data = is_idle and not self._has_ended and not self._is_used_up
        return select.EPOLLIN * wants_data | select.EPOLLOUT * bool(self._output)

    @property
    def may_go_on(self) -> bool:
        """Whether more of its commands may be examined."""
        return (
            self._taken_commands < _MOST_COMMANDS
            and self._taken_bytes < _MOST_COMMAND_BYTES
            and self.unread_bytes < _MOST_UNREAD_BYTES
        )

    @property
    def is_done(self) -> bool:
        """Whether it has sent all that it wants to, and has got all that it is owed."""
        has_ended = self._has_ended or self._is_used_up
        is_owed = self._taken_commands or self._output
        return has_ended and not self.has_unexamined and not is_owed

    def receive(self) -> None:
        """Receive some of what it has sent."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._socket, _RECEIVE_BYTES, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # it has left without reading all that was sent to it
            data, descriptors = b"", []
        if descriptors:
            self._keep_descriptor(descriptors)
        self._has_ended = not data
        self.has_unexamined = bool(data)
        self._conversation.receive_data(data)

    def _keep_descriptor(self, received: list[int]) -> None:
        """QEMU uses the first one of those that came last."""
        self._close_descriptor()
        self._descriptor, *others = received
        for each in others:
            os.close(each)

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def next_command(self) -> Command | None:
        """Take the next command. One that is not for the VM has its reply, and is not waiting.

        :return: None: more must be received first.
        :raise CutOff: it does not speak QMP.
        """
        try:
            command = None if self._is_used_up else self._conversation.next_command()
        except ProtocolError as error:
            self._conversation.add_error(str(error))
            raise CutOff(str(error)) from None
        self.has_unexamined = command is not None
        self._last_commands -= self._has_left
        if command is not None and command.reply is None:
            self._taken_commands += 1
            self._taken_bytes += command.size
            self.waiting.append((command, self._take_descriptor(command)))
        return command

    def _take_descriptor(self, command: Command) -> int | None:
        if command.name not in _DESCRIPTOR_COMMANDS:
            return None
        descriptor, self._descriptor = self._descriptor, None
        return descriptor

    def note_reply(self, command: Command) -> None:
        """A command that was taken has got its reply, which is to be sent."""
        self._taken_commands -= 1
        self._taken_bytes -= command.size
        self._conversation.note_reply(command)

    def add_event(self, event: bytes) -> None:
        """An encoded event is to be sent."""
        if not self._is_over:
            self._conversation.add_event(event)

    def send_output(self) -> None:
        """Send what is to be sent, as much as it accepts at once.

        :raise CutOff: it does not read.
        """
        for data in self._conversation.take_output():
            self._add_output(data)
        while self._output:
            with SignalsBlocked():  # or what was sent might be sent again at the end
                try:
                    self._note_sent(self._socket.sendmsg(islice(self._output, _MOST_BUFFERS)))
                except (BlockingIOError, InterruptedError):
                    return
                except OSError:
                    self.note_left()

    def _add_output(self, data: bytes) -> None:
        if self._has_left:
            return
        if self.unread_bytes > MOST_UNREAD:
            raise CutOff(f"more than {MOST_UNREAD >> 20} MiB wait for it to read them")
        self._output.append(memoryview(data))
        self.unread_bytes += len(data)

    def _note_sent(self, sent: int) -> None:
        self.unread_bytes -= sent
        while sent:
            first = self._output[0]
            if sent < len(first):
                self._output[0] = first[sent:]
                return
            sent -= len(first)
            self._output.popleft()

    def note_left(self) -> None:
        """It has closed the connection, which may have been its way to end a few commands."""
        if not self._has_left:
            self._has_left = True
            self._last_commands = _MOST_COMMANDS - self._taken_commands
            self._drop_output()

    @property
    def _is_used_up(self) -> bool:
        """Whether no more of its commands are to be taken."""
        return self._has_left and self._last_commands <= 0

    def _drop_output(self) -> None:
        self._output.clear()
        self.unread_bytes = 0

    def end(self) -> None:
        """Execute no more of its commands, and owe it no more replies; what waits is sent."""
        self._is_over = self._has_ended = True
        self.has_unexamined = False
        self._close_descriptor()
        for _, descriptor in self.waiting:
            if descriptor is not None:
                os.close(descriptor)
        self.waiting.clear()
        self._taken_commands = self._taken_bytes = 0

    def close(self) -> None:
        """Close the connection."""
        self.end()
        self._socket.close()
        self._drop_output()
