"""A guest's end of a virtio-serial port, without a guest: a test drives the device by qtest.

qtest is QEMU's protocol for tests of its devices: commands that read and write a guest's memory and
I/O ports. Names are those of the virtio specification (1.2, "Console Device", legacy interface).
"""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

from tests.libvirt_daemon import Domain
from tests.plain_client import PlainClient

_DEVICE = 0x1003_1AF4  # PCI device and vendor of a virtio console
_IO = 0xC000  # where its registers are to be
_FEATURES, _QUEUE_ADDRESS, _QUEUE_SIZE = _IO + 4, _IO + 8, _IO + 12
_QUEUE_SELECT, _QUEUE_NOTIFY, _STATUS = _IO + 14, _IO + 16, _IO + 18
_ACKNOWLEDGE, _DRIVER, _DRIVER_OK = 1, 2, 4
_F_MULTIPORT = 2
_DEVICE_READY, _PORT_READY, _PORT_OPEN = 0, 3, 6
_CONTROL_RECEIVE, _CONTROL_SEND, _PORT_RECEIVE, _PORT_SEND = 2, 3, 4, 5
_WRITABLE = 2  # by the device
_BUFFER_BYTES = 1024
_BUFFERS = 8
_PORT = 1
_LOOK_SECONDS = 0.005  # how often to look for data; nothing announces it


class _Qtest:
    """A connection to QEMU that takes the place of the guest's CPU."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._replies = self._socket.makefile("r")

    def run(self, *words: object) -> str:
        """Run a command, and return its result."""
        line = " ".join(hex(word) if isinstance(word, int) else str(word) for word in words)
        self._socket.sendall(line.encode() + b"\n")
        status, _, result = self._replies.readline().strip().partition(" ")
        assert status == "OK", line
        return result

    def write(self, address: int, data: bytes) -> None:
        self.run("write", address, len(data), "0x" + data.hex())

    def read(self, address: int, size: int) -> bytes:
        return bytes.fromhex(self.run("read", address, size)[2:])

    def configure(self, slot: int, register: int, value: int | None = None) -> int:
        """Write or read a register of a PCI device."""
        self.run("outl", 0xCF8, 0x8000_0000 | slot << 11 | register)
        if value is not None:
            self.run("outl", 0xCFC, value)
        return int(self.run("inl", 0xCFC), 16)

    def close(self) -> None:
        self._replies.close()
        self._socket.close()


class _Queue:
    """A virtqueue, with one buffer for each descriptor that is used."""

    def __init__(self, qtest: _Qtest, number: int) -> None:
        self._qtest = qtest
        self._number = number
        qtest.run("outw", _QUEUE_SELECT, number)
        self._size = int(qtest.run("inw", _QUEUE_SIZE), 16)
        self._table = 0x10_0000 + number * 0x1_0000
        self._available = self._table + 16 * self._size
        self._used = (self._available + 6 + 2 * self._size + 4095) & ~4095
        self._buffers = self._table + 0x8000  # behind the rings, however large
        self._offered = self._taken = 0
        qtest.run("outl", _QUEUE_ADDRESS, self._table >> 12)

    def offer(self, index: int, data: bytes | None = None) -> None:
        """Give a buffer to the device: with data for it, or to be filled."""
        address = self._buffers + index * _BUFFER_BYTES
        size, flags = (_BUFFER_BYTES, _WRITABLE) if data is None else (len(data), 0)
        if data is not None:
            self._qtest.write(address, data)
        self._qtest.write(self._table + 16 * index, struct.pack("<QIHH", address, size, flags, 0))
        entry = self._available + 4 + 2 * (self._offered % self._size)
        self._qtest.write(entry, struct.pack("<H", index))
        self._offered += 1
        self._qtest.write(self._available + 2, struct.pack("<H", self._offered & 0xFFFF))
        self._qtest.run("outw", _QUEUE_NOTIFY, self._number)

    def take(self) -> tuple[int, bytes] | None:
        """Take a buffer back from the device, and what it has written there; None: none is back."""
        (count,) = struct.unpack("<H", self._qtest.read(self._used + 2, 2))
        if count == self._taken & 0xFFFF:
            return None
        entry = self._used + 4 + 8 * (self._taken % self._size)
        index, size = struct.unpack("<II", self._qtest.read(entry, 8))
        self._taken += 1
        return index, self._qtest.read(self._buffers + index * _BUFFER_BYTES, size or 1)[:size]


class GuestPort:
    """The first port of a virtio console, opened by a guest, and relayed to a UNIX socket.

    :ivar domain: the VM.
    """

    def __init__(self, domain: Domain, target: Path) -> None:
        """:param target: the socket of what is to be at the guest's end."""
        self.domain = domain
        self._qtest = _Qtest(domain.qtest)
        self._target = PlainClient.open(str(target))  # it may have to start
        self._start_device()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._relay)
        self._thread.start()

    def _start_device(self) -> None:
        qtest = self._qtest
        slot = next(slot for slot in range(32) if qtest.configure(slot, 0) == _DEVICE)
        qtest.configure(slot, 0x10, _IO)
        qtest.configure(slot, 4, 7)  # it may use I/O and memory, and write there
        qtest.run("outb", _STATUS, _ACKNOWLEDGE | _DRIVER)
        qtest.run("outl", _FEATURES, _F_MULTIPORT)
        received, control = _Queue(qtest, _CONTROL_RECEIVE), _Queue(qtest, _CONTROL_SEND)
        self._incoming, self._outgoing = _Queue(qtest, _PORT_RECEIVE), _Queue(qtest, _PORT_SEND)
        qtest.run("outb", _STATUS, _ACKNOWLEDGE | _DRIVER | _DRIVER_OK)
        for index in range(_BUFFERS):
            received.offer(index)
            self._incoming.offer(index)
        messages = ((0xFFFF_FFFF, _DEVICE_READY), (_PORT, _PORT_READY), (_PORT, _PORT_OPEN))
        for port, event in messages:
            self._send(control, struct.pack("<IHH", port, event, 1))

    def _send(self, queue: _Queue, data: bytes) -> None:
        queue.offer(0, data)
        while queue.take() is None:
            pass

    def _relay(self) -> None:
        self._target.setblocking(False)
        while not self._is_closing.wait(_LOOK_SECONDS):
            try:
                received = self._incoming.take()
                if received is not None:
                    index, data = received
                    self._target.sendall(data)
                    self._incoming.offer(index)
                data = self._target.recv(_BUFFER_BYTES)
                self._send(self._outgoing, data)
            except BlockingIOError:
                continue
            except (AssertionError, OSError):  # QEMU or the target has ended
                return

    def close(self) -> None:
        """End the relay. The port stays open. This can be called more than once."""
        self._is_closing.set()
        self._thread.join()
        self._target.close()
        self._qtest.close()
