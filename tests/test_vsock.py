"""Addresses ``vsock:CID:PORT``, as far as the kernel here has vsock."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator

import pytest

import qmp_shell
from qmp_shell.errors import ConnectError
from qmp_shell.transport.vsock import VsockAddress
from tests.conftest import Run
from tests.peer import ACCEPTED, GREETING

LOOPBACK = 1  # VMADDR_CID_LOCAL, vsock(7)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens on this host."""
    try:
        listener = socket.socket(socket.AF_VSOCK)
        listener.bind((LOOPBACK, socket.VMADDR_PORT_ANY))
    except OSError as error:
        pytest.skip(f"this kernel has no vsock_loopback: {error.strerror}")
    with listener:
        listener.listen()
        yield listener


def test_a_monitor_on_this_host_is_reached(listener: socket.socket) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as file:
            file.write(GREETING)
            file.flush()
            file.readline()
            file.write(ACCEPTED)
            file.flush()
            file.readline()
            file.write(b'{"return": {"name": "testvm"}, "id": 2}\r\n')
            file.flush()

    thread = threading.Thread(target=serve)
    thread.start()
    with qmp_shell.connect(f"vsock:{LOOPBACK}:{listener.getsockname()[1]}", timeout=20) as vm:
        assert vm.execute("query-name") == {"name": "testvm"}
    thread.join()


def test_a_vm_that_is_not_there_is_told(run: Run) -> None:
    result = run("vsock:4294967294:5", "-c", "query-name")
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.startswith("qmp-shell: vsock:4294967294:5: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENODEV, "x"), "no VM has the CID 3 (or the module vhost_vsock is missing)"),
        (OSError(errno.EHOSTUNREACH, "x"), "no VM has the CID 3"),
        (ConnectionResetError(), "nobody listens there after waiting 5 s"),
        (ConnectionRefusedError(), "nobody listens there"),
        (TimeoutError(), "connecting took too long"),
        (OSError(errno.EPERM, "Operation not permitted"), "Operation not permitted"),
    ],
)
def test_a_failure_is_explained(error: OSError, message: str) -> None:
    assert message in VsockAddress(3, 5).explain(error, " after waiting 5 s")


def test_a_kernel_without_vsock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConnectError, match="vsock:3:5: this kernel has no vsock"):
        VsockAddress(3, 5).connect(None)
