"""Which client's command the VM is given next, and who gets its reply.

Each client has its turn after the others, and the VM has only a few commands at a time. So no
client has to wait for all that another one has sent, and neither has the shell. Knows nothing of
sockets.
"""

from __future__ import annotations

import os
import time

from ..errors import ConnectionLost, UsageError
from ..messages import Message, Reply
from ..static_typing import Protocol
from ..vm import Attachment
from ..vm.losses import ends_vm
from .conversation import Command, error_message
from .peer import CutOff, Peer

# QEMU takes 8 commands before it stops reading, and then nothing could be executed out-of-band
# (qmp-spec, "Out-of-band execution"). Two are left for the shell itself.
_MOST_IN_BAND = 6
# Bytes of commands that the VM may have, if they are several: it takes a while to read them.
_MOST_BYTES = 1 << 15
# How long, in seconds, commands may be examined until others have their turn.
_TURN_SECONDS = 0.01


class PeerOwner(Protocol):
    """Who waits for what clients send, sends them what they are to get, and closes them."""

    def settle(self, peer: Peer) -> None:
        """Something was done for a client: send what it is to get, and wait for what it does."""

    def cut_off(self, peer: Peer, reason: CutOff) -> None:
        """Close the connection of a client that cannot be served any more."""


class Dispatcher:
    """Gives one VM the commands of all clients."""

    def __init__(self, attachment: Attachment, owner: PeerOwner) -> None:
        """:param attachment: connected to the VM."""
        self._attachment = attachment
        self._owner = owner
        # Whose turn it is, each client once: to have a command taken, and to have one sent.
        self._unexamined: dict[Peer, None] = {}
        self._waiting: dict[Peer, None] = {}
        self._in_band = 0  # commands that the VM has, and their bytes
        self._bytes = 0

    def add(self, peer: Peer) -> None:
        """A client has sent something that may be a command."""
        self._unexamined[peer] = None

    @property
    def is_unfinished(self) -> bool:
        """Whether :meth:`run` is to be called again as soon as others had their turn."""
        return bool(self._unexamined)

    def run(self) -> None:
        """Take commands, and send as many as the VM may have."""
        end = time.monotonic() + _TURN_SECONDS
        while self._unexamined:
            self._take_command(_pop_first(self._unexamined))
            if time.monotonic() >= end:
                break
        while self._send_next():
            pass
        self._attachment.flush()

    def _send_next(self) -> bool:
        """Give the VM the command whose turn it is; returns whether there may be more."""
        if not self._waiting or self._in_band == _MOST_IN_BAND:
            return False
        peer = next(iter(self._waiting))
        if peer.waiting:
            command, descriptor = peer.waiting[0]
            if self._in_band and self._bytes + command.size > _MOST_BYTES:
                return False
            if descriptor is not None and not self._attachment.may_send_descriptors:
                return False
            # What QEMU has not sent yet when it ends is lost: other replies, and that to quit.
            if self._in_band and ends_vm(command.message):
                return False
            peer.waiting.popleft()
            self._send(peer, command, descriptor)
        del self._waiting[peer]
        if peer.waiting:
            self._waiting[peer] = None
        return True

    def _take_command(self, peer: Peer) -> None:
        if not peer.is_open or not peer.may_go_on:
            return
        try:
            command = peer.next_command()
        except CutOff as reason:
            self._owner.cut_off(peer, reason)
            return
        if command is not None and command.reply is None:
            has_descriptor = peer.waiting[-1][1] is not None  # which may have to wait
            if command.is_out_of_band and not has_descriptor:
                self._send(peer, *peer.waiting.pop())
            else:
                self._waiting[peer] = None
        if peer.has_unexamined:
            self._unexamined[peer] = None
        self._owner.settle(peer)

    def _send(self, peer: Peer, command: Command, descriptor: int | None) -> None:
        """Give the VM a command."""

        def finish(reply: Reply) -> None:
            self._count(command, -1)
            self._answer(peer, command, reply.message)

        descriptors = () if descriptor is None else (descriptor,)
        try:
            self._attachment.forward(command.message, finish, descriptors)
            self._count(command, 1)
            peer.commands += 1
        except (UsageError, TypeError, ValueError, ConnectionLost) as error:
            for each in descriptors:
                os.close(each)
            self._answer(peer, command, error_message(str(error)))
        except BaseException:  # a log could not be written, for one, and the command was not sent
            peer.waiting.appendleft((command, descriptor))
            self._waiting[peer] = None
            raise

    def _count(self, command: Command, sign: int) -> None:
        """The VM has one more command, or one less."""
        if not command.is_out_of_band:
            self._in_band += sign
            self._bytes += sign * command.size

    def _answer(self, peer: Peer, command: Command, reply: Message) -> None:
        if peer.is_open:
            command.set_reply(reply)
            peer.note_reply(command)
            self._owner.settle(peer)


def _pop_first(peers: dict[Peer, None]) -> Peer:
    peer = next(iter(peers))
    del peers[peer]
    return peer
