"""``vsock:CID:PORT``: a port of a VM, or of its host, without a network (vsock(7)).

A guest agent may listen there (``qemu-ga -m vsock-listen``).
"""

from __future__ import annotations

import errno
import re
import socket
import sys

from ..errors import AddressError, ConnectError
from .stream import Address, SocketStream, limit_timeout

_LARGEST = (1 << 32) - 2  # the number above stands for any (VMADDR_CID_ANY, VMADDR_PORT_ANY)


class VsockAddress(Address):
    """A port of a VM or of its host.

    :ivar cid: the number of the VM (QEMU: ``vhost-vsock-pci,guest-cid=CID``); 2: of the host.
    """

    def __init__(self, cid: int, port: int) -> None:
        self.cid = cid
        self.port = port

    def __str__(self) -> str:
        return f"vsock:{self.cid}:{self.port}"

    def connect(self, timeout: float | None) -> SocketStream:
        if sys.platform != "linux":
            raise ConnectError(f"{self}: this system has no vsock")
        try:
            connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        except OSError:
            raise ConnectError(f"{self}: this kernel has no vsock") from None
        try:
            connection.settimeout(limit_timeout(timeout))
            connection.connect((self.cid, self.port))
            return SocketStream(connection)
        except BaseException:
            connection.close()
            raise

    def explain(self, error: OSError, after: str) -> str:
        if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):
            return f"{self}: nobody listens there{after}"
        if error.errno in (errno.ENODEV, errno.EHOSTUNREACH, errno.ENETUNREACH):
            return f"{self}: no VM has the CID {self.cid} (or the module vhost_vsock is missing)"
        return super().explain(error, after)


def parse(target: str) -> VsockAddress:
    """:raise AddressError: the target is not a CID and a port."""
    match = re.fullmatch(r"0*([0-9]{1,10}):0*([0-9]{1,10})", target)
    if match is None:
        raise AddressError("the CID of a VM and the number of a port are needed")
    cid, port = int(match[1]), int(match[2])
    if max(cid, port) > _LARGEST:
        raise AddressError(f"the largest CID and the largest port are {_LARGEST}")
    return VsockAddress(cid, port)
