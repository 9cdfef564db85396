"""Each transport with a real QEMU, and the interface between transport and client."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import pytest

import qmp_shell
from qmp_shell.client import Client
from qmp_shell.transport import open_stream, parse_address, unix
from qmp_shell.transport.listen import accept_stream
from qmp_shell.transport.stream import SocketStream
from qmp_shell.transport.unix import UnixAddress
from qmp_shell.transport.unix_abstract import UnixAbstractAddress
from tests.conftest import NAME_REPLY, Run, RunningVm, StartTerminal, StartVm, shell_command
from tests.peer import GREETING
from tests.waiting import wait_until

NAME_RESULT = {"name": "testvm"}


@pytest.fixture
def abstract_name() -> str:
    """A name of an abstract socket that no other program uses."""
    return f"qmp-test-{uuid.uuid4()}"


def connect_socket(path: str) -> socket.socket:
    """Return a UNIX socket that is connected to a path."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def is_listening(path: Path) -> bool:
    """Whether a program listens on a UNIX socket, found out without connecting to it."""
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return any(row[-1] == str(path) and row[3] == "00010000" for row in rows)


# The interface between client and transport


class BufferingStream(SocketStream):
    """A stream that reads ahead, as TLS does, and returns a few bytes at a time."""

    _buffer = b""

    @property
    def has_buffered(self) -> bool:  # type: ignore[override]
        return bool(self._buffer)

    def receive(self, limit: int) -> bytes:
        if not self._buffer:
            self._buffer = super().receive(limit)
        data, self._buffer = self._buffer[:7], self._buffer[7:]
        return data

    def read_ahead(self) -> None:
        """Fill the buffer before the first call of receive(), as the end of a TLS handshake may."""
        wait_until(lambda: bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)))
        self._buffer = super().receive(1 << 16)


def test_data_that_a_transport_has_buffered_is_received(vm: RunningVm) -> None:
    connection = connect_socket(vm.address)
    assert connection.recv(1, socket.MSG_PEEK) == b"{", "waits for the greeting"
    stream = BufferingStream(connection)
    stream.read_ahead()
    with Client(stream, timeout=20) as client:
        client.negotiate()
        assert client.execute("query-name") == NAME_RESULT
        vm.run("cont")
        assert next(client.events(timeout=20)).name == "RESUME"


def test_one_receive_processes_all_buffered_data() -> None:
    """A front end polls the descriptor only, which does not become readable again."""
    ours, theirs = socket.socketpair()
    events: list[object] = []
    with theirs, Client(BufferingStream(ours)) as client:
        theirs.sendall(GREETING)
        while client.greeting is None:
            client.receive()
        client.listen(events.append)
        theirs.sendall(b'{"event": "A", "data": {}} {"event": "B", "data": {}}')
        assert client.receive()
        assert len(events) == 2


class NoDescriptors(SocketStream):
    """A transport that carries no descriptors."""

    @property
    def can_send_descriptors(self) -> bool:
        return False


def test_descriptors_are_refused_where_they_cannot_be_sent(vm: RunningVm) -> None:
    connection = connect_socket(vm.address)
    with Client(NoDescriptors(connection)) as client:
        client.negotiate()
        with pytest.raises(qmp_shell.UsageError, match="UNIX socket only"):
            client.request({"execute": "getfd", "arguments": {"fdname": "f"}}, [0])
        assert client.execute("query-name") == NAME_RESULT


def test_the_end_reason_of_a_connection_is_kept(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        assert client.end_reason is None
        vm.close()
        with pytest.raises(qmp_shell.ConnectionLost) as caught:
            client.wait(lambda: False)
        assert client.end_reason == str(caught.value) == "the VM closed the connection"
        client.close()
        assert client.end_reason == "the VM closed the connection"


def test_only_the_transport_in_use_is_imported(vm: RunningVm) -> None:
    code = (
        "import sys, qmp_shell; qmp_shell.connect(sys.argv[1]).close();"
        "print(*sorted(name for name in sys.modules if name.startswith('qmp_shell.transport')))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, vm.address], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [
        "qmp_shell.transport",
        "qmp_shell.transport.stream",
        "qmp_shell.transport.unix",
    ]


# unix-abstract:NAME


def test_a_client_connects_to_an_abstract_socket(
    start_vm: StartVm, abstract_name: str, run: Run
) -> None:
    start_vm(
        *("-chardev", f"socket,id=c,path={abstract_name},abstract=on,server=on,wait=off"),
        *("-mon", "chardev=c,mode=control"),
    )
    result = run(f"unix-abstract:{abstract_name}", "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")
    with qmp_shell.connect(f"unix:{abstract_name},abstract=on,server=on,wait=off") as client:
        client.request({"execute": "getfd", "arguments": {"fdname": "f"}}, [0])
        assert client.execute("closefd", fdname="f") == {}


def test_connect_waits_for_an_abstract_socket_and_advises_how_to_create_it(
    start_vm: StartVm, abstract_name: str
) -> None:
    address = f"unix-abstract:{abstract_name}"
    with pytest.raises(qmp_shell.ConnectError) as caught:
        qmp_shell.connect(address, wait=0.1)
    advice = f"-qmp unix:{abstract_name},abstract=on,server=on,wait=off"
    assert str(caught.value) == (
        f"{address}: nobody listens there after waiting 0.1 s; start QEMU with {advice}"
    )
    start_vm(*shlex.split(advice))  # QEMU accepts the advised option
    with qmp_shell.connect(address, wait=20) as client:
        assert client.execute("query-name") == NAME_RESULT


def test_connecting_to_an_abstract_socket_with_a_full_backlog_says_that_it_is_busy(
    abstract_name: str,
) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
        server.bind(f"\0{abstract_name}")
        server.listen(0)
        first.connect(f"\0{abstract_name}")
        with pytest.raises(qmp_shell.ConnectError, match="busy: other clients already wait"):
            qmp_shell.connect(f"unix-abstract:{abstract_name}", greeting_timeout=0.2)


# fd:N


def run_with_descriptor(
    descriptor: int, *arguments: str, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``qmp-shell fd:N`` with an inherited file descriptor N, and return its result."""
    return subprocess.run(
        [*shell_command(), f"fd:{descriptor}", *arguments],
        pass_fds=(descriptor,),
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


def test_an_inherited_connection_carries_commands_and_descriptors(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with connect_socket(vm.address) as connection:
        result = run_with_descriptor(
            connection.fileno(),
            *("-c", "query-name", "-c", "getfd fdname=f </dev/null", "-c", "closefd fdname=f"),
            environment=environment,
        )
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout == NAME_REPLY + '{"return": {}}\n' * 2


def test_a_client_uses_one_end_of_a_socket_pair_shared_with_qemu(qemu: str, folder: Path) -> None:
    ours, theirs = socket.socketpair()
    vm = RunningVm(
        qemu,
        folder,
        *("-chardev", f"socket,id=c,fd={theirs.fileno()}", "-mon", "chardev=c,mode=control"),
        descriptors=(theirs.fileno(),),
    )
    with contextlib.closing(vm):
        theirs.close()
        # The client closes the descriptor that it was given; ``ours`` must not do so again.
        with qmp_shell.connect(f"fd:{ours.detach()}", greeting_timeout=20) as client:
            assert client.execute("query-name") == NAME_RESULT


def test_connect_to_an_inherited_connection_is_refused_and_keeps_it(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with connect_socket(vm.address) as connection:
        result = run_with_descriptor(
            connection.fileno(),
            *("-k", "-c", ".connect", "-c", "query-name"),
            environment=environment,
        )
        address = f"fd:{connection.fileno()}"
    assert result.stderr == f"qmp-shell: -c 1: {address} can be attached to only once\n"
    assert result.stdout == NAME_REPLY  # it is still attached


def test_no_other_file_gets_the_number_of_a_used_descriptor(vm: RunningVm) -> None:
    connection = connect_socket(vm.address)
    number = connection.detach()
    try:
        with qmp_shell.connect(f"fd:{number}") as client:
            assert client.execute("query-name") == NAME_RESULT
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(vm.address)
            assert other.fileno() != number
            with pytest.raises(qmp_shell.ConnectError, match="only once"):
                qmp_shell.connect(f"fd:{number}")
    finally:
        os.close(number)


def test_a_descriptor_other_than_a_connected_stream_socket_is_refused(folder: Path) -> None:
    def connect_error(number: int) -> str:
        with pytest.raises(qmp_shell.ConnectError) as caught:
            qmp_shell.connect(f"fd:{number}", wait=20)
        return str(caught.value).removeprefix(f"fd:{number}")

    with (folder / "file").open("w") as file:
        assert connect_error(file.fileno()) == " is not a socket"
        number = file.fileno()
    assert connect_error(number) == ": no such file descriptor was inherited"
    with socket.socket(socket.AF_UNIX) as server:
        assert "is not connected" in connect_error(server.fileno())
        server.bind(str(folder / "sock"))
        server.listen()
        assert connect_error(server.fileno()) == " is a listening socket; a connected one is needed"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        assert connect_error(ours.fileno()) == " is not a stream socket"


# Listening


def test_qemu_connects_to_a_unix_socket(start_vm: StartVm, folder: Path) -> None:
    path = folder / "listen,er.sock"
    modes = []

    def start(option: str) -> None:
        modes.append(stat.filemode(path.stat().st_mode))
        start_vm(*shlex.split(option))

    with qmp_shell.listen(path, wait=20, on_listening=start) as client:
        assert not path.exists(), "the socket is removed after the first connection"
        assert client.execute("query-name") == NAME_RESULT
        client.request({"execute": "getfd", "arguments": {"fdname": "f"}}, [0])
    assert modes == ["srw-------"]


def test_qemu_connects_to_a_chardev_without_server(start_vm: StartVm, folder: Path) -> None:
    path = folder / "chardev.sock"
    chardev = f"socket,id=c,path={path},server=off"
    with qmp_shell.listen(
        f"unix:{path},server=off",
        wait=20,
        on_listening=lambda _: start_vm("-chardev", chardev, "-mon", "chardev=c,mode=control"),
    ) as client:
        assert client.execute("query-name") == NAME_RESULT


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_qemu_connects_to_a_tcp_port(start_vm: StartVm, port: int, host: str) -> None:
    with qmp_shell.listen(
        f"{host}:{port}",
        wait=20,
        on_listening=lambda option: start_vm(*shlex.split(option)),
    ) as client:
        assert client.execute("query-name") == NAME_RESULT


@pytest.mark.parametrize(("family", "host"), [("AF_INET", "127.0.0.1"), ("AF_INET6", "::1")])
def test_all_addresses_of_a_name_are_listened_on(
    port: int, family: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        loopback = (socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")
        found = [(family, socket.SOCK_STREAM, 6, "", (host, port)) for family, host in loopback]
        return [*found, found[0]]  # an address may be listed twice in /etc/hosts

    connections: list[socket.socket] = []

    def connect(_: str) -> None:
        connections.append(socket.socket(getattr(socket, family)))
        connections[0].connect((host, port))

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    accept_stream(parse_address(f":{port}"), wait=20, on_listening=connect)
    assert connections[0].getpeername()[0] == host


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_qemu_accepts_the_advised_option_for_a_tcp_port(
    start_vm: StartVm, port: int, host: str
) -> None:
    with pytest.raises(qmp_shell.ConnectError, match="start QEMU with -") as caught:
        qmp_shell.connect(f"{host}:{port}")
    start_vm(*shlex.split(str(caught.value).partition("start QEMU with ")[2]))
    with qmp_shell.connect(f"{host}:{port}", wait=20) as client:
        assert client.execute("query-name") == NAME_RESULT


def test_qemu_connects_to_an_abstract_socket(start_vm: StartVm, abstract_name: str) -> None:
    with qmp_shell.listen(
        f"unix-abstract:{abstract_name}",
        wait=20,
        on_listening=lambda option: start_vm(*shlex.split(option)),
    ) as client:
        assert client.execute("query-name") == NAME_RESULT


def test_another_user_cannot_connect_to_an_abstract_socket(
    abstract_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1]);"
        "print('connected', flush=True); print(s.recv(1))"
    )
    processes: list[subprocess.Popen[bytes]] = []

    def connect_as_other_user(_: str) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        process = subprocess.Popen(
            ["/usr/bin/python3", "-c", code, abstract_name],
            stdout=subprocess.PIPE,
            user=65534 if os.getuid() == 0 else None,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"connected\n"

    address = UnixAbstractAddress(abstract_name)
    with pytest.raises(qmp_shell.ConnectError, match="no VM connected within"):
        accept_stream(address, wait=0, on_listening=connect_as_other_user)
    stdout, _ = processes[0].communicate(timeout=20)
    assert stdout == b"b''\n", "the connection is closed at once"


def test_listening_on_a_long_path_is_possible(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    address = UnixAddress(str(folder / "sock"))
    clients = []
    accept_stream(address, wait=20, on_listening=lambda _: clients.append(address.connect(1)))
    assert len(clients) == 1
    assert list(folder.iterdir()) == []


def test_exactly_one_connection_is_accepted(folder: Path) -> None:
    address = UnixAddress(str(folder / "one.sock"))
    clients: list[SocketStream] = []

    def connect(_: str) -> None:
        clients.extend((address.connect(1), address.connect(1)))

    stream = accept_stream(address, wait=20, on_listening=connect)
    clients[0].send(memoryview(b"first"))
    wait_until(lambda: is_readable(stream.fileno()))
    assert stream.receive(10) == b"first"
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        clients[1].send(memoryview(b"second"))


def is_readable(descriptor: int) -> bool:
    """Whether a descriptor has data to read."""
    return bool(select.select([descriptor], [], [], 0)[0])


def test_listening_replaces_a_stale_socket(start_vm: StartVm, folder: Path) -> None:
    path = folder / "stale.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with qmp_shell.listen(
        path, wait=20, on_listening=lambda option: start_vm(*shlex.split(option))
    ) as client:
        assert client.execute("query-name") == NAME_RESULT
    assert not path.exists()


def test_listening_on_a_path_in_use_is_refused(vm: RunningVm, folder: Path) -> None:
    def connect_error(path: str) -> str:
        with pytest.raises(qmp_shell.ConnectError) as caught:
            qmp_shell.listen(path, wait=0)
        return str(caught.value)

    assert connect_error(vm.address) == f"{vm.address}: another program listens there already"
    with qmp_shell.connect(vm.address, wait=20) as client:
        assert client.execute("query-name") == NAME_RESULT
        assert connect_error(vm.address) == f"{vm.address}: another program listens there already"
    file = folder / "file"
    file.write_text("content")
    assert connect_error(str(file)) == f"{file} exists already, and is not a socket"
    assert file.read_text() == "content"
    (folder / "dangling").symlink_to("/nonesuch/file")
    assert "not a socket" in connect_error(str(folder / "dangling"))
    assert "No such file" in connect_error("/nonesuch/vm.sock")


def test_listening_on_a_socket_with_a_full_backlog_is_refused(folder: Path) -> None:
    path = str(folder / "full.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
        server.bind(path)
        server.listen(0)
        first.connect(path)
        with pytest.raises(qmp_shell.ConnectError, match="another program listens there already"):
            qmp_shell.listen(path, wait=0)


def test_listening_on_a_port_in_use_or_another_machine_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(qmp_shell.ConnectError, match="Address already in use"):
            qmp_shell.listen(address, wait=0)
    with pytest.raises(qmp_shell.ConnectError, match="not an address of this machine"):
        qmp_shell.listen("192.0.2.1:4444", wait=0)
    with pytest.raises(qmp_shell.ConnectError, match="not the name of a host"):
        qmp_shell.listen("a..b:4444", wait=0)


def test_a_socket_that_another_program_has_replaced_is_not_removed(folder: Path) -> None:
    path = folder / "replaced.sock"

    def replace(_: str) -> None:
        path.unlink()
        path.write_text("content")

    with pytest.raises(qmp_shell.ConnectError, match=r"no VM connected within 0\.01 s"):
        qmp_shell.listen(path, wait=0.01, on_listening=replace)
    assert path.read_text() == "content"


def test_a_relative_path_in_a_folder_that_is_gone_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(qmp_shell.ConnectError, match=r"^vm\.sock: No such file or directory$"):
        qmp_shell.listen("vm.sock", wait=0)


def test_a_connecting_peer_that_does_not_speak_qmp_is_reported(folder: Path) -> None:
    path = folder / "vm.sock"
    clients: list[SocketStream] = []

    def connect(_: str) -> None:
        clients.append(UnixAddress(str(path)).connect(1))
        clients[0].send(memoryview(b"GET / HTTP/1.1\r\n"))

    with pytest.raises(qmp_shell.ConnectError) as caught:
        qmp_shell.listen(path, on_listening=connect)
    assert str(caught.value) == (f"{path}: the peer does not speak QMP: it sent 'GET / HTTP/1.1'")


# --listen


def test_a_script_listens_until_qemu_connects(
    start_vm: StartVm, folder: Path, environment: dict[str, str]
) -> None:
    path = folder / "script.sock"
    with subprocess.Popen(
        [*shell_command(), "--listen", str(path), "-c", "query-name"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as shell:
        wait_until(lambda: is_listening(path))
        start_vm("-qmp", f"unix:{path}")
        stdout, stderr = shell.communicate(timeout=20)
    assert (stdout.decode(), stderr.decode(), shell.returncode) == (NAME_REPLY, "", 0)


def test_listening_ends_after_the_time_limit_with_status_3(run: Run, folder: Path) -> None:
    path = folder / "nobody.sock"
    result = run("--listen", "-w", "0.1", str(path), "-c", "query-name")
    assert result.stderr == f"qmp-shell: {path}: no VM connected within 0.1 s\n"
    assert (result.stdout, result.returncode) == ("", 3)
    assert not path.exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_listening_and_removes_the_socket(
    number: signal.Signals, status: int, folder: Path, environment: dict[str, str]
) -> None:
    path = folder / "interrupted.sock"
    with subprocess.Popen(
        [*shell_command(), "--listen", str(path), "-c", "query-name"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as shell:
        wait_until(lambda: is_listening(path))
        shell.send_signal(number)
        stdout, stderr = shell.communicate(timeout=20)
    assert (stdout, stderr, shell.returncode) == (b"", b"", status)
    assert not path.exists()


def test_connect_at_the_prompt_listens_again(
    terminal: StartTerminal, start_vm: StartVm, folder: Path
) -> None:
    path = folder / "prompt.sock"
    shell = terminal("--listen", str(path), columns=120)
    shell.wait_for(f"^qmp-shell: listening; start QEMU with -qmp unix:{path}")
    first = start_vm("-qmp", f"unix:{path}")
    shell.wait_for_prompt()
    first.close()
    shell.wait_for("^the VM closed the connection$")
    shell.enter(".connect")
    # A terminal that says late where the cursor is makes the first line scroll off the screen.
    shell.wait_until(
        lambda: shell.history.count("listening; start QEMU with") == 2, "listening once more"
    )
    start_vm("-qmp", f"unix:{path}", name="second")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"name": "second"')
    shell.enter(f".connect unix:{path}")
    shell.wait_until(
        lambda: shell.history.count("listening; start QEMU with") == 3, "listening once more"
    )
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for_prompt()
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--listen",), "no address"),
        (("--listen", "--demo"), "--demo brings its own VM"),
        (
            ("--listen", "--schema", "file"),
            "--schema stands in for the VM: no ADDRESS, -N, --listen or --share with it;"
            " write commands with -c LINE\n",
        ),
        (("--listen", "fd:0"), "fd:0 can't be listened on"),
    ],
)
def test_options_that_contradict_listen_are_refused(
    run_here: Run, arguments: Sequence[str], message: str
) -> None:
    result = run_here(*arguments, "-c", "query-name")
    assert message in result.stderr
    assert result.returncode == 2


@contextlib.contextmanager
def signals(handle: Callable[[FrameType], object]) -> Iterator[None]:
    """Send a signal without end, and have it handled in the place where it comes."""
    is_over = threading.Event()
    receiver = threading.get_ident()

    def send() -> None:
        while not is_over.wait(0.01):
            signal.pthread_kill(receiver, signal.SIGUSR1)

    def act(_: int, frame: FrameType | None) -> None:
        assert frame is not None
        handle(frame)

    before = signal.signal(signal.SIGUSR1, act)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("seconds", [None, 20.0])
def test_a_signal_does_not_end_the_wait_for_a_place_in_a_full_backlog(
    folder: Path, seconds: float | None
) -> None:
    path = str(folder / "full.sock")
    signals_seen = 0

    def make_room(frame: FrameType) -> None:
        nonlocal signals_seen
        if frame.f_code is unix.connect_socket.__code__:
            signals_seen += 1
            if signals_seen == 3:
                server.accept()[0].close()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        with connect_socket(path), signals(make_room):
            stream = UnixAddress(path).connect(seconds)
        with contextlib.closing(stream):
            assert stream.peer_pid == os.getpid(), "it is connected"
    assert signals_seen >= 3


def test_signals_do_not_make_the_wait_for_a_place_in_a_full_backlog_longer(folder: Path) -> None:
    path = str(folder / "full.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        with connect_socket(path), signals(lambda _: None), pytest.raises(BlockingIOError):
            UnixAddress(path).connect(0.1)


def test_every_attempt_to_connect_closes_its_socket(folder: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))  # earlier tests may have left some that go now
    for text in (str(folder / "gone.sock"), "127.0.0.1:1", "unix-abstract:gone", "fd:0"):
        with contextlib.suppress(qmp_shell.ConnectError):
            open_stream(parse_address(text), timeout=1)
        with contextlib.suppress(qmp_shell.QMPError):
            accept_stream(parse_address(text), wait=0)
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_socket_that_goes_while_the_error_is_explained(folder: Path) -> None:
    address = parse_address(str(folder / "gone"))
    assert "nobody listens there" in address.explain(ConnectionRefusedError(), "")
