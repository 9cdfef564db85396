"""Which client's command the VM is given next, and who gets its reply.

Each client has its turn after the others, and the VM has only a few commands at a time. So no
client has to wait for all that another one has sent, and neither has the shell. Knows nothing of
sockets.
"""

from __future__ import annotations

import os
import time
from typing import Protocol

from ..errors import ConnectionLost, UsageError
from ..protocol import Reply
from ..vm import Attachment
from .conversation import Command
from .peer import CutOff, Peer

# QEMU takes 8 commands before it stops reading, and then nothing could be executed out-of-band
# (qmp-spec, "Out-of-band execution"). Two are left for the shell itself.
_MOST_IN_BAND = 6
# How long, in seconds, commands may be examined until others have their turn.
_TURN_SECONDS = 0.01


class PeerOwner(Protocol):
    """Who accepts clients, waits for what they send, and closes them."""

    def settle(self, peer: Peer) -> None:
        """A command of a client was taken or answered: wait for what it does next."""

    def cut_off(self, peer: Peer, reason: CutOff) -> None:
        """Close the connection of a client that cannot be served any more."""

    def wake(self) -> None:
        """Have :meth:`Dispatcher.run` called soon."""


class Dispatcher:
    """Gives one VM the commands of all clients."""

    def __init__(self, attachment: Attachment, owner: PeerOwner) -> None:
        """:param attachment: connected to the VM."""
        self._attachment = attachment
        self._owner = owner
        # Whose turn it is, each client once: to have a command taken, and to have one sent.
        self._unexamined: dict[Peer, None] = {}
        self._waiting: dict[Peer, None] = {}
        self._in_band = 0  # commands that the VM has
        self._descriptors: set[int] = set()  # that go along with them
        attachment.client.at_end(self._close_descriptors)

    def add(self, peer: Peer) -> None:
        """A client has sent something that may be a command."""
        self._unexamined[peer] = None

    def run(self) -> None:
        """Take commands, and send as many as the VM may have."""
        end = time.monotonic() + _TURN_SECONDS
        while self._unexamined:
            self._take_command(_pop_first(self._unexamined))
            if time.monotonic() >= end:
                break
        while self._waiting and self._in_band < _MOST_IN_BAND:
            peer = _pop_first(self._waiting)
            if peer.waiting:
                self._send(peer, *peer.waiting.popleft())
            if peer.waiting:
                self._waiting[peer] = None
        if self._unexamined:
            self._owner.wake()

    def _take_command(self, peer: Peer) -> None:
        if not peer.is_open or not peer.may_go_on:
            return
        try:
            command = peer.next_command()
        except CutOff as reason:
            self._owner.cut_off(peer, reason)
            return
        if command is not None and command.reply is None:
            if command.is_out_of_band:
                self._send(peer, *peer.waiting.pop())
            else:
                self._waiting[peer] = None
        self._owner.settle(peer)

    def _send(self, peer: Peer, command: Command, descriptor: int | None) -> None:
        """Give the VM a command."""

        def finish(reply: Reply) -> None:
            self._forget(command, descriptor)
            command.set_reply(reply.message)
            self._note_reply(peer, command)
            self.run()

        self._in_band += not command.is_out_of_band
        descriptors = () if descriptor is None else (descriptor,)
        self._descriptors.update(descriptors)
        try:
            self._attachment.forward(command.message, finish, descriptors)
            peer.commands += 1
        except (UsageError, TypeError, ValueError) as error:
            self._forget(command, descriptor)
            command.refuse(str(error))
            self._note_reply(peer, command)
        except ConnectionLost:
            self._forget(command, descriptor)  # the owner has closed all clients
        except BaseException:  # a log could not be written, for one, and the command was not sent
            self._in_band -= not command.is_out_of_band
            self._descriptors.difference_update(descriptors)
            peer.waiting.appendleft((command, descriptor))
            self._waiting[peer] = None
            raise

    def _forget(self, command: Command, descriptor: int | None) -> None:
        """The VM does not have a command any more."""
        self._in_band -= not command.is_out_of_band
        if descriptor in self._descriptors:
            self._descriptors.discard(descriptor)
            os.close(descriptor)

    def _note_reply(self, peer: Peer, command: Command) -> None:
        if not peer.is_open:  # it has left
            return
        try:
            peer.note_reply(command)
        except CutOff as reason:
            self._owner.cut_off(peer, reason)
        else:
            self._owner.settle(peer)

    def _close_descriptors(self) -> None:
        """The VM is gone, and what it had gets no reply any more."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def _pop_first(peers: dict[Peer, None]) -> Peer:
    peer = next(iter(peers))
    del peers[peer]
    return peer
