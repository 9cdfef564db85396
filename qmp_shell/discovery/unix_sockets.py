"""The UNIX sockets of this host: who listens, and who is connected to whom. (sock_diag(7), proc(5))

The kernel tells it in two ways. Netlink tells also which file a socket has, and which socket is at
the other end; where it is not permitted, /proc/net/unix still tells what is connected.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from .processes import Processes

_NETLINK_SOCK_DIAG = 4  # a protocol of netlink, and its messages
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_SHOW = 0x01 | 0x02 | 0x04  # UDIAG_SHOW_NAME, _VFS, _PEER
_NAME, _VFS, _PEER = range(3)  # the attributes that these show
_ESTABLISHED, _LISTEN = 1, 10  # states of TCP, which are used here, too
_STATES = 1 << _ESTABLISHED | 1 << _LISTEN
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_ASKED = struct.Struct("=BBHIIIII")  # struct unix_diag_req
_TOLD = struct.Struct("=BBBBIII")  # struct unix_diag_msg: family, type, state, _, inode, cookie
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type
_FILE = struct.Struct("=II")  # struct unix_diag_vfs: inode, device
_INODE = struct.Struct("=I")
_TOLD_INODE = 0xFFFF_FFFF  # the bits of a file's inode that are told
_MINOR_BITS = 20  # of a device's number, as the kernel has it
_ANSWER_BYTES = 1 << 16
_ANSWER_SECONDS = 1.0  # the kernel answers at once

_IS_LISTENING = 0x10000  # a flag in /proc/net/unix
_CONNECTED, _WAITING = b"03", b"02"  # and states there


class UnixSocket(NamedTuple):
    """A socket that listens or is connected.

    :ivar inode: its number, by which a process has it open; 0: it waits to be accepted.
    :ivar name: what it was bound to, as it was written; an abstract one begins with a null byte.
        An accepted one has that of the listening socket.
    :ivar peer: the inode of the socket at the other end; None: it is not known.
    :ivar file: the device and the inode of its file; None: not known, or it has none.
    """

    inode: int
    name: bytes
    is_listening: bool
    peer: int | None = None
    file: tuple[int, int] | None = None

    def may_be_at(self, path: str) -> bool:
        """Whether a path leads to this socket; also True if that is not known.

        One whose file was replaced by another keeps its name. It keeps the inode as well, so that
        the other file has a different one. Devices are not compared: stat() has others on btrfs.
        """
        try:
            return self.file is None or self.file[1] == os.stat(path).st_ino & _TOLD_INODE
        except (OSError, ValueError):
            return False


def list_unix_sockets(processes: Processes) -> list[UnixSocket]:
    """The UNIX sockets of this network namespace."""
    if processes.is_live:
        try:
            return list(_ask_kernel())
        except (OSError, AttributeError):  # not permitted, not in this kernel, or no Linux
            pass
    return parse_table(processes.read_table("unix"))


def parse_table(table: bytes) -> list[UnixSocket]:
    """The sockets in /proc/net/unix. A name may hold anything, and so imitate a line."""
    found = []
    for line in table.split(b"\n")[1:]:
        fields = line.split(b" ", 6)
        try:
            is_listening = bool(int(fields[3], 16) & _IS_LISTENING)
            inode, _, name = fields[6].lstrip().partition(b" ")
            number = int(inode)
        except (ValueError, IndexError):
            continue
        if is_listening or fields[5] == (_CONNECTED if number else _WAITING):
            name = b"\0" + name[1:] if name.startswith(b"@") else name
            found.append(UnixSocket(number, name, is_listening))
    return found


def _ask_kernel() -> Iterator[UnixSocket]:
    """
    :raise OSError: it refuses to answer.
    """
    asked = _ASKED.pack(socket.AF_UNIX, 0, 0, _STATES, 0, _SHOW, 0, 0)
    length = _HEADER.size + len(asked)
    header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_SECONDS)
        kernel.sendto(header + asked, (0, 0))
        while True:
            for kind, message in _split_messages(kernel.recv(_ANSWER_BYTES)):
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    raise OSError("the kernel does not tell of UNIX sockets")
                if len(message) >= _TOLD.size:
                    yield _parse_socket(message)


def _split_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The messages of netlink in an answer: their types, and what follows their headers."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        yield kind, data[at + _HEADER.size : at + length]
        at += max(_align(length), _HEADER.size)


def _parse_socket(message: bytes) -> UnixSocket:
    _, _, state, _, inode, _, _ = _TOLD.unpack_from(message)
    attributes = dict(_split_attributes(message[_TOLD.size :]))
    name = attributes.get(_NAME, b"")
    name = name if name.startswith(b"\0") else name.removesuffix(b"\0")
    peer, file = attributes.get(_PEER, b""), attributes.get(_VFS, b"")
    return UnixSocket(
        inode,
        name,
        is_listening=state == _LISTEN,
        peer=_INODE.unpack(peer)[0] or None if len(peer) == _INODE.size else None,
        file=_parse_file(file) if len(file) == _FILE.size else None,
    )


def _split_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += max(_align(length), _ATTRIBUTE.size)


def _parse_file(data: bytes) -> tuple[int, int]:
    """A file's device, as stat() has it, and its inode."""
    inode, device = _FILE.unpack(data)
    return os.makedev(device >> _MINOR_BITS, device & ((1 << _MINOR_BITS) - 1)), inode


def _align(length: int) -> int:
    return (length + 3) & ~3
