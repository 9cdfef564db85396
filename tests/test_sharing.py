"""``--share`` and ``.share``: one monitor of a real VM, and many clients of different kinds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

import qmp_shell
from qmp_shell.session import Session
from qmp_shell.sharing import server
from qmp_shell.vm import Attachment
from tests.conftest import (
    PipedProcess,
    Run,
    RunningVm,
    StartTerminal,
    StartVm,
    shell_command,
)
from tests.plain_client import Message, PlainClient
from tests.sessions import attach, offered_names, run_line
from tests.terminal import Terminal
from tests.unix_server import UnixServer
from tests.waiting import wait_until

T = TypeVar("T")
C = TypeVar("C", bound=contextlib.AbstractContextManager[Any])

CLASSIC_SHELL = [sys.executable, "-m", "qemu.qmp.qmp_shell"]


class SharingShell:
    """A shell that serves a monitor, and does nothing else.

    :ivar path: of the socket.
    """

    def __init__(self, address: str, path: Path, *options: str, env: dict[str, str]) -> None:
        self.path = str(path)
        self.process = subprocess.Popen(
            [*shell_command(), address, "--share", self.path, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )

    def connect(self, **options: Any) -> PlainClient:
        return PlainClient(self.path, **options)

    def memory(self) -> int:
        """The most memory that it has taken, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) << 10

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End it by a signal; returns its exit status and what it has printed."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        """Wait for its end; returns its exit status and what it has printed."""
        stdout, stderr = self.process.communicate(timeout=20)
        assert b"internal error" not in stderr
        return self.process.returncode, stdout.decode(), stderr.decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()


StartSharing = Callable[..., SharingShell]


@pytest.fixture
def share(environment: dict[str, str], folder: Path) -> Iterator[StartSharing]:
    """A function that shares the monitor at an address; its other arguments are options."""
    started: list[SharingShell] = []

    def start(address: str, *options: str) -> SharingShell:
        path = folder / f"shared{len(started)}.sock"
        started.append(SharingShell(address, path, *options, env=environment))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def shared(vm: RunningVm, share: StartSharing) -> SharingShell:
    """A shell that shares a VM's monitor."""
    return share(vm.address)


def query(name: str, **more: object) -> Message:
    return {"execute": name, **more}


# Clients of different kinds


def test_three_kinds_of_clients_at_once(shared: SharingShell, run: Run) -> None:
    with shared.connect() as plain:
        classic = subprocess.Popen(
            [*CLASSIC_SHELL, shared.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert classic.stdin is not None
        assert classic.stdout is not None
        assert "Connected to QEMU" in "".join(classic.stdout.readline() for _ in range(2))
        with qmp_shell.connect(shared.path, timeout=20) as client:
            assert run(shared.path, "-c", "query-name").stdout.count("testvm") == 1
            assert client.execute("query-name") == {"name": "testvm"}
            assert plain.execute("query-name") == {"return": {"name": "testvm"}}
            assert plain.execute("cont") == {"return": {}}
            assert next(client.events(timeout=20)).name == "RESUME"
            assert plain.wait_for_event("RESUME")["timestamp"]["seconds"] > 0
        output, _ = classic.communicate("query-name\n\n", timeout=20)
        assert '"RESUME"' in output or "'RESUME'" in output
        assert "testvm" in output
        assert classic.returncode == 0


def test_the_greeting_is_the_vms(vm: RunningVm, shared: SharingShell) -> None:
    with shared.connect() as client, PlainClient(vm.second_address) as direct:
        assert client.greeting == direct.greeting
        assert client.greeting["QMP"]["capabilities"] == ["oob"]
        for arguments in ({}, {"path": "/machine"}, {"unknown": 1}):
            mine, its = (
                client.execute("qom-list", **arguments),
                direct.execute("qom-list", **arguments),
            )
            assert mine == its, "replies and errors are those of the VM"


def test_a_hundred_clients(vm: RunningVm, shared: SharingShell) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(shared.connect(negotiates=False)) for _ in range(100)]
        for client in clients:
            client.send(query("qmp_capabilities", id="first"))
        for number, client in enumerate(clients):
            commands = [query("query-name", id=[number, each]) for each in range(20)]
            client.send(*commands)
        vm.run("cont")
        for number, client in enumerate(clients):
            assert client.receive_reply() == {"return": {}, "id": "first"}
            identities = [client.receive_reply()["id"] for _ in range(20)]
            assert identities == [[number, each] for each in range(20)]
            client.wait_for_event("RESUME")


def test_a_pipelined_client_gets_all_replies_in_order(shared: SharingShell) -> None:
    with shared.connect() as client:
        for number in range(500):
            client.send(query("query-name", id=number))
        assert [client.receive_reply()["id"] for _ in range(500)] == list(range(500))


def test_a_client_that_ends_its_input_gets_its_replies_and_then_the_end(
    shared: SharingShell,
) -> None:
    with shared.connect() as client:
        client.send(*(query("query-name", id=number) for number in range(100)))
        client.socket.shutdown(socket.SHUT_WR)
        assert [reply["id"] for reply in client.wait_for_end()] == list(range(100))


def test_commands_of_a_client_that_has_left_are_executed(shared: SharingShell) -> None:
    with shared.connect() as watcher:
        with PlainClient(shared.path, negotiates=False) as client:
            client.send(query("qmp_capabilities"), query("query-name"), query("cont"))
        watcher.wait_for_event("RESUME")


def test_out_of_band_commands_reach_the_vm(shared: SharingShell) -> None:
    with shared.connect(enables=("oob",)) as client, shared.connect() as other:
        client.send({"exec-oob": "migrate-pause", "id": 5})
        reply = client.receive_reply()
        assert reply["id"] == 5
        assert "postcopy" in reply["error"]["desc"]
        other.send({"exec-oob": "migrate-pause", "id": 5})
        assert "did not enable" in other.receive_reply()["error"]["desc"]


def test_events_go_to_all_clients_and_to_the_shell(vm: RunningVm, share: StartSharing) -> None:
    shared = share(vm.address, "-e")
    late = shared.connect(negotiates=False)
    with shared.connect() as first, shared.connect() as second, late:
        second.execute("cont")
        second.execute("stop")
        assert [first.receive()["event"] for _ in range(2)] == ["RESUME", "STOP"]
        assert [event["event"] for event in second.events] == ["RESUME", "STOP"]
        late.send(query("qmp_capabilities"))
        assert late.receive() == {"return": {}}, "they came before it was ready"
    status, output, errors = shared.end()
    assert (status, errors) == (0, "")
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["RESUME", "STOP"]


def test_descriptors_go_through(
    vm: RunningVm, shared: SharingShell, run: Run, folder: Path
) -> None:
    path = folder / "disk.raw"
    path.write_bytes(bytes(12 << 20))
    with shared.connect() as client, shared.connect() as other, open(path, "rb") as file:
        open_files = Path(f"/proc/{shared.process.pid}/fd")
        before = len([*open_files.iterdir()])
        # Descriptors come with any message, and are for the command that takes them.
        client.send(query("query-name"), descriptors=(file.fileno(),))
        assert client.receive_reply() == {"return": {"name": "testvm"}}
        assert "error" in other.execute("add-fd", fdset_id=8), "it is not for another client"
        assert client.execute("add-fd", fdset_id=7)["return"]["fdset-id"] == 7
        assert "return" in client.execute("getfd", (file.fileno(), file.fileno()), fdname="f")
        assert "return" in other.execute("closefd", fdname="f")
        assert "error" in client.execute("getfd", fdname="f"), "it came without one"
        assert run(shared.path, "-c", f"add-fd fdset-id=9 <{path}").returncode == 0
        wait_until(lambda: len([*open_files.iterdir()]) == before, "none is left open")
    with vm.second() as direct:
        sets = direct.execute("query-fdsets")
        assert sorted(each["fdset-id"] for each in sets) == [7, 9]
        for number in (7, 9):
            node = {"node-name": f"n{number}", "read-only": True}
            direct.execute("blockdev-add", driver="file", filename=f"/dev/fdset/{number}", **node)
        nodes = direct.execute("query-named-block-nodes")
        assert [node["image"]["virtual-size"] for node in nodes] == [12 << 20] * 2


def test_descriptors_of_several_clients_are_not_mixed_up(
    vm: RunningVm, session: Session, folder: Path
) -> None:
    """QEMU takes the descriptors of a later command for those of an earlier one."""

    def place(fd: int) -> str:
        return os.readlink(f"/proc/{vm.process.pid}/fd/{fd}")

    def add(name: str) -> list[str]:
        path = folder / name
        path.touch()
        with PlainClient(str(folder / "own.sock")) as client, open(path) as file:
            for _ in range(20):
                client.send(query("add-fd"), descriptors=(file.fileno(),))
            return [place(client.receive_reply()["return"]["fd"]) for _ in range(20)]

    results: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda name=name: results.append(add(name))) for name in ("a", "b")
    ]
    for thread in threads:
        thread.start()
    (folder / "own").touch()
    with open(folder / "own") as own:
        while any(thread.is_alive() for thread in threads):
            reply = session.attachment.request({"execute": "add-fd"}, [own.fileno()])
            assert place(reply.message["return"]["fd"]) == str(folder / "own")
    assert sorted(results) == [[str(folder / name)] * 20 for name in ("a", "b")]


def test_descriptors_of_clients_that_leave_are_closed(shared: SharingShell) -> None:
    with shared.connect() as watcher:
        watcher.execute("query-name")
        before = len(os.listdir(f"/proc/{shared.process.pid}/fd"))
        for _ in range(5):
            with shared.connect() as client:
                client.send(b'{"execute": "getfd"', descriptors=(0, 0, 0))
        wait_until(lambda: len(os.listdir(f"/proc/{shared.process.pid}/fd")) == before)


# What only may be read


def test_a_monitor_that_is_shared_to_be_read_only(vm: RunningVm, share: StartSharing) -> None:
    shared = share(vm.address, "--share-readonly")
    with shared.connect() as client, open("/dev/null") as file:
        refused = [
            "quit",
            "cont",
            "system_reset",
            "device_add",
            "qom-set",
            "device-list-properties",
        ]
        for name in refused:
            reply = client.execute(name)
            assert f"{name} is refused" in reply["error"]["desc"]
        assert "refused" in client.execute("getfd", (file.fileno(),), fdname="f")["error"]["desc"]
        assert client.execute("query-status")["return"]["status"] == "prelaunch"
        text = client.execute("human-monitor-command", command_line="info status")["return"]
        assert "prelaunch" in text
        assert "error" in client.execute("human-monitor-command", command_line="cont")
        vm.run("cont")
        client.wait_for_event("RESUME")


def test_who_may_only_read_cannot_end_the_vm_or_change_its_state(
    vm: RunningVm, share: StartSharing
) -> None:
    """All that is allowed is executed: queries, information, and each QOM property."""
    shared = share(vm.address, "--share-readonly")
    with shared.connect() as client:
        commands = [each["name"] for each in client.execute("query-commands")["return"]]
        queries = [name for name in commands if name.startswith(("query-", "x-query-"))]
        help_text = client.execute("human-monitor-command", command_line="help info")["return"]
        lines = [line for line in help_text.splitlines() if line.startswith("info ")]
        topics = [line.split()[1] for line in lines]
        assert len(queries) > 50
        assert len(topics) > 40
        for name in queries:
            client.execute(name)  # it may want arguments, or a guest with something special
        for topic in topics:
            reply = client.execute("human-monitor-command", command_line=f"info {topic}")
            assert "return" in reply
        assert _read_properties(client, "/") > 500
        assert client.execute("query-status")["return"]["status"] == "prelaunch"
        assert client.events == []


def _read_properties(client: PlainClient, path: str) -> int:
    """Read all properties of a QOM object and of those below it; returns how many there are."""
    found = client.execute("qom-list", path=path or "/").get("return", [])
    names = [each["name"] for each in found if not each["type"].startswith("child<")]
    client.send(*(query("qom-get", arguments={"path": path, "property": name}) for name in names))
    for _ in names:
        client.receive_reply()
    below = [each["name"] for each in found if each["type"].startswith("child<")]
    return len(names) + sum(
        _read_properties(client, f"{path.rstrip('/')}/{name}") for name in below
    )


# Who may connect


def test_the_socket_is_its_owners_only(shared: SharingShell) -> None:
    with shared.connect():
        found = os.stat(shared.path)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == os.geteuid()


_CONNECT = (
    "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
    "s.settimeout(20); print(s.recv(5))"
)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_and_root_is_not(shared: SharingShell, folder: Path) -> None:
    with shared.connect() as client:
        folder.chmod(0o711)
        os.chmod(shared.path, 0o777)  # not even then
        command = ["/usr/bin/python3", "-c", _CONNECT, shared.path]
        for user, expected in ((65534, b"b''\n"), (0, b"b'{\"QMP'\n")):
            done = subprocess.run(command, capture_output=True, user=user, check=True, timeout=20)
            assert done.stdout == expected
        assert client.execute("query-name")["return"] == {"name": "testvm"}
    status, _, errors = shared.end()
    assert status == 0
    assert "of user 65534 was refused: only your own processes, and root's, are served" in errors
    assert errors.count("\n") == 1


# Clients that misbehave


def test_garbage_is_answered_and_the_service_goes_on(shared: SharingShell) -> None:
    with shared.connect() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n{]", query("query-name", id=1), b"'x'\n\xff")
        replies = [client.receive_reply() for _ in range(5)]
        assert ["return" in reply for reply in replies] == [False, False, True, False, False]
        assert [reply.get("id") for reply in replies] == [None, None, 1, None, None]
        client.send(b"{'execute': 'query-name'}")
        assert client.receive_reply() == {"return": {"name": "testvm"}}


def test_one_that_sends_only_garbage_is_cut_off(shared: SharingShell) -> None:
    with shared.connect() as good, shared.connect() as bad:
        good.send(b'{"execute": ')
        bad.send(b"x\n" * 1000)
        errors = bad.wait_for_end()
        assert errors[-1]["error"]["desc"] == "100 messages in a row were not valid"
        assert len(errors) == 100
        good.send(b'"query-name"}')
        assert good.receive_reply() == {"return": {"name": "testvm"}}
    _, _, notice = shared.end()
    described = rf"qmp-shell: {shared.path}: process {os.getpid()} \(.*\) was cut off: 100 messages"
    assert re.match(described, notice)
    assert notice.count("\n") == 1


def test_a_message_without_end_is_cut_off_before_it_takes_much_memory(shared: SharingShell) -> None:
    with shared.connect() as good, shared.connect() as bad:
        bad.send(b'{"execute": "')
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            bad.send(b"x" * (100 << 20))
        (error,) = bad.wait_for_end()
        assert "a message of more than 1048576 bytes" in error["error"]["desc"]
        assert good.execute("query-name")["return"] == {"name": "testvm"}
        assert shared.memory() < 80 << 20


def test_garbage_without_end_takes_no_memory_at_all(shared: SharingShell) -> None:
    with shared.connect() as good, shared.connect() as bad:
        for _ in range(30):
            bad.send(b"x" * (1 << 20))
        assert good.execute("query-name")["return"] == {"name": "testvm"}
        bad.send(b"\n", query("query-name", id=1))
        assert "error" in bad.receive_reply()
        assert bad.receive_reply()["id"] == 1
        assert shared.memory() < 50 << 20


def test_killed_clients_hurt_nobody(shared: SharingShell) -> None:
    """They are killed with replies outstanding, and in the middle of a message."""
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        's.sendall(b\'{"execute": "qmp_capabilities"}\''
        ' + b\'{"execute": "query-commands"}\' * 500 + b\'{"exec\');'
        "print('sent', flush=True); sys.stdin.read()"
    )
    with shared.connect() as good:
        assert "return" in good.execute("query-name")
        descriptors = Path(f"/proc/{shared.process.pid}/fd")
        before = len(list(descriptors.iterdir()))
        for _ in range(3):
            command = [sys.executable, "-c", code, shared.path]
            with PipedProcess(*command, env=dict(os.environ)) as client:
                assert client.read_line() == "sent\n"
                client.kill()
            assert good.execute("query-name")["return"] == {"name": "testvm"}
        wait_until(lambda: len(list(descriptors.iterdir())) == before)
    assert shared.end()[2] == ""


def test_when_no_more_files_can_be_opened_clients_are_refused(shared: SharingShell) -> None:
    with shared.connect() as first:
        resource.prlimit(shared.process.pid, resource.RLIMIT_NOFILE, (20, 20))
        clients = [PlainClient.open(shared.path) for _ in range(30)]
        ends = [each.recv(1) == b"" for each in clients]
        assert ends.count(False) > 3
        assert ends.count(True) > 10, "they are told at once"
        assert first.execute("query-name")["return"] == {"name": "testvm"}
        for each in clients:
            each.close()
        with contextlib.suppress(EOFError), shared.connect() as another:
            assert another.execute("query-name")["return"] == {"name": "testvm"}
    notices = shared.end()[2].splitlines()
    assert 1 <= len(notices) <= 10, notices[-2:]
    assert "a client was refused: Too many open files" in notices[0]


# VMs that misbehave


class HeldVm(UnixServer):
    """A VM that answers ``held`` only after ``release``, ``big`` with much, ``flood`` with events.

    :ivar names: the commands that it got, in their order.
    """

    def __init__(self, path: Path) -> None:
        self.names: list[str] = []
        super().__init__(path, self._converse)

    def _converse(self, stream: socket.socket) -> None:
        held: list[bytes] = []
        stream.sendall(b'{"QMP": {"version": {}, "capabilities": ["oob"]}}')
        with stream.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                name = message.get("execute", message.get("exec-oob"))
                self.names.append(name)
                value = name.encode() if name != "big" else b"x" * 500_000
                reply = b'{"return": "%s", "id": %d}\r\n' % (value, message["id"])
                if name == "held":
                    held.append(reply)
                    continue
                if name == "flood":
                    event = json.dumps({"event": "BIG", "data": {"text": "x" * 100_000}})
                    for _ in range(30):
                        stream.sendall(event.encode())
                stream.sendall(reply)
                if name == "release":
                    stream.sendall(b"".join(held))


@pytest.fixture
def held_vm(folder: Path) -> Iterator[HeldVm]:
    vm = HeldVm(folder / "held.sock")
    yield vm
    vm.end()


def test_a_slow_command_of_one_client_does_not_hold_up_others(
    held_vm: HeldVm, share: StartSharing
) -> None:
    shared = share(held_vm.address)
    with shared.connect() as slow, shared.connect(enables=("oob",)) as other:
        slow.send(query("held", id=1), query("quick", id=2))
        assert other.execute("quick") == {"return": "quick"}
        other.send(*(query("held") for _ in range(7)), {"exec-oob": "now", "id": "oob"})
        assert other.receive() == {"return": "now", "id": "oob"}
        assert held_vm.names.count("held") <= 6, "the VM has to read the others"
        with shared.connect() as gone:
            gone.send(query("held"))
        with shared.connect(enables=("oob",)) as third:
            third.send({"exec-oob": "release", "id": 3})
            assert third.receive() == {"return": "release", "id": 3}
        assert [slow.receive()["id"] for _ in range(2)] == [1, 2], "in the order of the commands"


@pytest.mark.parametrize(
    "end", [query("quit"), query("human-monitor-command", arguments={"command-line": "q"})]
)
def test_the_vm_is_not_ended_before_it_has_sent_all_replies(
    held_vm: HeldVm, share: StartSharing, end: dict[str, object]
) -> None:
    """A QEMU that ends does not wait until all that it has to send is read."""
    name = str(end["execute"])
    shared = share(held_vm.address)
    with shared.connect(enables=("oob",)) as slow, shared.connect(enables=("oob",)) as other:
        for client, command in ((slow, query("held")), (other, end)):
            client.send(command, {"exec-oob": "now", "id": "oob"})
            assert client.receive()["return"] == "now"
        assert name not in held_vm.names
        other.send({"exec-oob": "release", "id": "oob"})
        assert [other.receive()["return"] for _ in range(2)] == ["release", name]
    assert held_vm.names.index(name) > held_vm.names.index("release")


def test_one_that_does_not_read_holds_up_nobody(held_vm: HeldVm, share: StartSharing) -> None:
    """It is not cut off either: no more of its commands are executed until it reads."""
    shared = share(held_vm.address)
    with shared.connect() as good, shared.connect() as slow:
        slow.send(*(query("big", id=number) for number in range(60)))
        for _ in range(60):
            assert good.execute("quick") == {"return": "quick"}
        assert held_vm.names.count("big") < 15
        assert [slow.receive()["id"] for _ in range(60)] == list(range(60))
        assert shared.memory() < 100 << 20


def test_each_client_has_its_turn(held_vm: HeldVm, share: StartSharing) -> None:
    shared = share(held_vm.address)
    with shared.connect() as greedy, shared.connect() as modest:
        shared.process.send_signal(signal.SIGSTOP)  # it finds the commands of both at once
        greedy.send(*(query("many") for _ in range(3000)))
        modest.send(query("single"))
        shared.process.send_signal(signal.SIGCONT)
        assert modest.receive() == {"return": "single"}
        assert held_vm.names.index("single") < 1500
        for _ in range(3000):
            assert greedy.receive() == {"return": "many"}


def test_one_that_reads_no_events_is_cut_off(held_vm: HeldVm, share: StartSharing) -> None:
    shared = share(held_vm.address)
    with shared.connect() as deaf, shared.connect() as client:
        for number in range(10):  # not all at once, or this one might be too slow as well
            client.send(query("flood", id=number))
            assert client.receive_reply() == {"return": "flood", "id": number}
        assert len(client.events) == 300
        received = 0
        while data := deaf.socket.recv(1 << 20):
            received += len(data)
        assert 0 < received < 1 << 20, "what its socket had taken before"
    (notice,) = shared.end()[2].splitlines()
    assert notice.endswith("was cut off: more than 16 MiB wait for it to read them")


def test_while_the_vm_stands_still_clients_are_served_as_far_as_possible(
    vm: RunningVm, shared: SharingShell
) -> None:
    line = "info " + "x" * 230_000  # more than the socket's buffer takes
    with shared.connect() as client, shared.connect() as other:
        vm.process.send_signal(signal.SIGSTOP)
        try:
            large = query("human-monitor-command", arguments={"command-line": line}, id=1)
            client.send(large, query("query-name", id=2))
            other.send(query("query-name", id=3), b"x\n")
            with shared.connect() as third:
                assert "error" in third.execute("qmp_capabilities")
        finally:
            vm.process.send_signal(signal.SIGCONT)
        assert [client.receive_reply()["id"] for _ in range(2)] == [1, 2]
        assert other.receive_reply() == {"return": {"name": "testvm"}, "id": 3}
        assert "error" in other.receive_reply()


@pytest.mark.parametrize("text", ["\ud800", "\uffff", "\ufdd0"])
def test_what_qemu_cannot_parse_is_answered_to_whom_has_sent_it(
    shared: SharingShell, text: str
) -> None:
    """QEMU's reply has no id then."""
    with shared.connect(enables=("oob",)) as bad, shared.connect() as good:
        good.send(*(query("query-name", id=number) for number in range(5)))
        bad.send(query("query-name", id=7, arguments={"a": text}), query("query-name", id=8))
        good.send(*(query("query-name", id=number) for number in range(5, 10)))
        error = bad.receive_reply()
        assert "is not a valid Unicode character" in error["error"]["desc"]
        assert error["id"] == 7
        assert bad.receive_reply() == {"return": {"name": "testvm"}, "id": 8}
        assert [good.receive_reply()["id"] for _ in range(10)] == list(range(10))


def test_a_message_that_would_end_a_qemu_is_not_passed_on(shared: SharingShell) -> None:
    """QEMU 7.2 aborts on one of more than two million JSON tokens."""
    with shared.connect() as good, shared.connect() as bad:
        with contextlib.suppress(OSError):
            bad.send(query("query-name", arguments={"a": [1] * 1_200_000}))
        assert good.execute("query-name")["return"] == {"name": "testvm"}


# The end


def test_at_the_end_of_the_vm_clients_get_all_and_then_the_end(shared: SharingShell) -> None:
    with shared.connect() as client, shared.connect() as other, shared.connect() as slow:
        slow.send(*(query("query-qmp-schema", id=number) for number in range(5)))
        slow.send(query("query-name", id=5))
        assert slow.receive()["id"] == 0
        assert client.execute("quit") == {"return": {}}
        events = [*client.events, *client.wait_for_end()]
        assert [event["event"] for event in events] == ["SHUTDOWN"]
        assert [event["event"] for event in other.wait_for_end()] == ["SHUTDOWN"]
        identities = [message.get("id") for message in slow.wait_for_end()]
        assert identities[-1] is None, "the event"
        assert identities[:-1] == list(range(1, len(identities)))
    status, output, errors = shared.wait()
    assert (status, output) == (4, "")
    assert errors == "qmp-shell: the VM closed the connection\n"
    assert not os.path.exists(shared.path)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_sharing_and_removes_the_socket(
    shared: SharingShell, number: signal.Signals, status: int
) -> None:
    with shared.connect() as client:
        assert shared.end(number) == (status, "", "")
        assert client.wait_for_end() == []
    assert not os.path.exists(shared.path)


def test_a_killed_shell_leaves_a_socket_that_the_next_one_replaces(
    vm: RunningVm, shared: SharingShell, run: Run
) -> None:
    with shared.connect():
        shared.process.kill()
        shared.process.wait()
    assert os.path.exists(shared.path)
    done = run(vm.address, "--share", shared.path, "-c", "query-name")
    assert (done.returncode, done.stderr) == (0, "")
    assert not os.path.exists(shared.path)


# The session that shares its monitor


def serve_while(session: Session, act: Callable[[], T]) -> T:
    """Have a session serve clients while a function runs, in a thread of its own."""
    results: list[T] = []
    ours, theirs = socket.socketpair()

    def run() -> None:
        with theirs:
            results.append(act())

    thread = threading.Thread(target=run)
    with ours:
        thread.start()
        assert session.attachment.client.wait_until_readable(ours.fileno(), time.monotonic() + 20)
        thread.join()
    (result,) = results
    return result


@pytest.fixture
def session(vm: RunningVm, folder: Path) -> Iterator[Session]:
    """A session that shares its monitor on ``folder / "own.sock"``."""
    attached = attach(vm.address)
    attached.sharing.start(str(folder / "own.sock"), attached.attachment, read_only=False)
    yield attached
    attached.close(ends_connection=True)


def execute_as_client(session: Session, folder: Path, name: str, **arguments: Any) -> Message:
    """Have a client of a session's execute a command."""

    def act() -> Message:
        with PlainClient(str(folder / "own.sock")) as client:
            return client.execute(name, **arguments)

    return serve_while(session, act)


def test_what_a_client_changes_is_asked_for_anew(session: Session, folder: Path) -> None:
    line = "blockdev-del node-name="
    assert "new-node" not in offered_names(session, line)
    reply = execute_as_client(
        session, folder, "blockdev-add", driver="null-co", node_name="new-node"
    )
    assert reply == {"return": {}}
    assert "new-node" in offered_names(session, line)


def test_a_clients_command_leaves_the_events_that_a_line_waits_for(
    session: Session, folder: Path
) -> None:
    run_line(session, "cont")
    assert execute_as_client(session, folder, "stop") == {"return": {}}
    run_line(session, ".wait RESUME timeout=1")
    run_line(session, ".wait STOP timeout=1")
    with pytest.raises(qmp_shell.Timeout):
        run_line(session, ".wait RESUME timeout=0.01")


def test_a_client_that_reads_what_the_shell_waits_for_does_not_end_the_wait(
    session: Session, folder: Path
) -> None:
    execute_as_client(session, folder, "query-status")
    with pytest.raises(qmp_shell.Timeout):
        run_line(session, ".wait status=running timeout=0.3")


def test_commands_of_the_shell_and_of_clients_get_their_own_replies(
    session: Session, folder: Path
) -> None:
    def act() -> list[object]:
        with PlainClient(str(folder / "own.sock")) as client:
            client.send(*(query("query-name", id=number) for number in range(300)))
            return [client.receive()["id"] for _ in range(300)]

    results: list[list[object]] = []
    thread = threading.Thread(target=lambda: results.append(act()))
    thread.start()
    while thread.is_alive():
        reply = session.attachment.request({"execute": "query-version", "id": 5})
        assert "qemu" in reply.message["return"]
        assert reply.message["id"] == 5
    assert results == [list(range(300))]


def test_an_interrupt_while_a_client_is_served_costs_it_nothing(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that nobody reads can be interrupted, and then nothing was sent."""
    calls: list[str] = []

    def interrupted(direction: str, message: Message, _: bool) -> None:
        calls.append(direction)
        if direction == ">" and message["execute"] == "query-name" and len(calls) == 1:
            raise KeyboardInterrupt

    with PlainClient.open(str(folder / "own.sock")) as client:
        client.sendall(b'{"execute": "qmp_capabilities"}{"execute": "query-name"}')
        monkeypatch.setattr(session.attachment.client, "tracer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.attachment.client.wait(lambda: len(calls) > 2, time.monotonic() + 20)
        session.attachment.client.wait(lambda: len(calls) > 2, time.monotonic() + 20)
        session.attachment.client.wait(lambda: False, time.monotonic() + 0.01)
        assert client.recv(1 << 16).count(b"testvm") == 1
    assert calls == [">", ">", "<"], "it was sent once"


def test_sharing_ends_and_begins_again_with_the_session_going_on(
    session: Session, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = folder / "own.sock"

    def converse() -> list[Message]:
        with PlainClient(str(path)) as client:
            ready.set()
            return client.wait_for_end()

    ready = threading.Event()
    thread = threading.Thread(target=converse)
    thread.start()
    session.attachment.client.wait(ready.is_set, time.monotonic() + 20)
    run_line(session, ".share")
    with pytest.raises(qmp_shell.UsageError, match=r"own.sock is shared already; .share off ends"):
        run_line(session, ".share other.sock")
    run_line(session, ".share off")
    thread.join(20)
    assert not path.exists()
    run_line(session, ".share")
    run_line(session, f".share '{path}' readonly  # for others")
    reply = execute_as_client(session, folder, "cont")
    assert "refused" in reply["error"]["desc"]
    run_line(session, ".share")
    output = capfd.readouterr().out.splitlines()
    assert output[0] == f"{path}: 1 client"
    assert re.fullmatch(rf"  {os.getpid()} +\S.* 0 commands", output[1])
    assert output[2:] == ["off", f"{path}: read only, 0 clients"]


def test_at_the_end_the_shell_sleeps_until_clients_read(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = session.sharing.server
    assert shared is not None
    rounds = 0

    def settle_all() -> None:
        nonlocal rounds
        rounds += 1
        settle_before()

    settle_before = shared._settle_all
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "own.sock"))
        client.sendall(b'{"execute": "qmp_capabilities"}' + b'{"execute": "query-qmp-schema"}' * 8)
        session.attachment.client.wait(
            lambda: any(peer.unread_bytes for peer in shared.peers), time.monotonic() + 20
        )
        monkeypatch.setattr(shared, "_settle_all", settle_all)
        shared._wake()  # as if there was more to be done
        run_line(session, ".share off")
    assert rounds < 100


def test_a_guest_agent_that_is_attached_to_is_not_shared(
    session: Session, folder: Path, guest_agent: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    session.attachment.close()
    with qmp_shell.connect(str(guest_agent), agent=True, wait=20, timeout=20) as agent:
        session.sharing.follow(Attachment(agent, lambda _: None))
    assert session.sharing.server is None
    assert not (folder / "own.sock").exists()
    assert "nothing is shared any more: a guest agent cannot" in capfd.readouterr().err


NOT_SHARED = (
    (".share a b", "write .share"),
    (".share a readonly c", "write .share"),
    (".share off readonly", "write .share"),
    (".share localhost:4444", "on a UNIX socket, not on localhost:4444"),
    (".share unix-abstract:a", "on a UNIX socket, not on unix-abstract:a"),
    (".share {vm}", "another program listens there already"),
    (".share {folder}", "exists already, and is not a socket"),
    (".share {folder}/none/own.sock", "No such file or directory"),
)


def test_what_cannot_be_shared_is_told(quiet_vm: RunningVm, folder: Path) -> None:
    session = attach(quiet_vm.address)
    with contextlib.closing(session.attachment):
        for line, error in NOT_SHARED:
            with pytest.raises(qmp_shell.UsageError) as raised:
                run_line(session, line.format(vm=quiet_vm.address, folder=folder))
            assert error in str(raised.value), line
            assert session.sharing.server is None, line


def test_more_clients_than_are_allowed_are_refused(
    session: Session,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(server, "MOST_CLIENTS", 2)

    def act() -> list[bytes]:
        connections = [PlainClient.open(str(folder / "own.sock")) for _ in range(20)]
        greetings = [each.recv(1) for each in connections]
        for each in connections:
            each.close()
        return greetings

    assert serve_while(session, act) == [b"{", b"{", *([b""] * 18)]
    notices = capfd.readouterr().err.splitlines()
    assert len(notices) == 10, "they are limited"
    assert notices[0].endswith(f"process {os.getpid()} was refused: 2 clients are served")
    run_line(session, ".share")
    assert "18 refused" in capfd.readouterr().out


# The command line


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["-N", "--share", "s"], "a guest agent cannot be shared"),
        (["-n", "--share", "s"], "a dry run sends nothing"),
        (["--share-readonly"], "--share-readonly goes with --share PATH"),
    ],
)
def test_options_that_do_not_fit(run_here: Run, arguments: list[str], error: str) -> None:
    done = run_here("vm.sock", *arguments, "-c", "query-name")
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_place_that_does_not_fit(quiet_vm: RunningVm, run: Run) -> None:
    done = run(quiet_vm.address, "--share", "localhost:1", "-c", "query-name")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "qmp-shell: a monitor is shared on a UNIX socket, not on localhost:1\n"


def test_a_schema_cannot_be_shared(schema_file: Path, run: Run) -> None:
    done = run("--schema", str(schema_file), "--share", "s", "-c", "query-name")
    assert done.returncode == 2
    assert "--share" in done.stderr
    done = run("--schema", str(schema_file), "-c", ".share s")
    assert (done.returncode, done.stderr) == (2, "qmp-shell: there is no VM, only its schema\n")


def test_a_guest_agent_cannot_be_shared(guest_agent: Path, run: Run) -> None:
    done = run(str(guest_agent), "-N", "-w", "20", "-c", ".share s")
    assert done.returncode == 2
    assert "a guest agent cannot be shared: it sends no greeting" in done.stderr


def test_a_dry_run_shares_nothing(vm: RunningVm, run: Run, tmp_path: Path) -> None:
    done = run(vm.address, "-n", "-c", ".share s.sock", "-c", "query-name")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "s.sock").exists()


def test_a_script_shares_while_it_runs(
    vm: RunningVm, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "script.sock"
    lines = [f".share {path}", ".wait RESUME timeout=20", "query-status"]
    options = [option for line in lines for option in ("-c", line)]
    script = PipedProcess(*shell_command(), vm.address, *options, env=environment)
    with script, PlainClient(str(path)) as client:
        client.execute("cont")
        assert json.loads(script.read_line())["return"]["status"] == "running"
        assert script.wait(20) == 0
        client.wait_for_end()
    assert not path.exists()


def test_a_script_from_a_pipe_shares_until_the_pipe_ends(
    vm: RunningVm, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "script.sock"
    command = [*shell_command(), vm.address, "--share", str(path)]
    with PipedProcess(*command, env=environment) as script:
        with PlainClient(str(path)) as client:
            assert client.execute("query-name") == {"return": {"name": "testvm"}}
            script.write_line("query-name")
            assert "testvm" in script.read_line()
            assert client.execute("query-name") == {"return": {"name": "testvm"}}
        assert script.close_input() == 0
    assert not path.exists()


def test_clients_are_served_before_anybody_writes_to_a_fifo(
    vm: RunningVm, environment: dict[str, str], folder: Path
) -> None:
    path, fifo = folder / "script.sock", folder / "fifo"
    os.mkfifo(fifo)
    command = [*shell_command(), vm.address, "--share", str(path), "-f", str(fifo)]
    with PipedProcess(*command, env=environment) as script:
        with PlainClient(str(path)) as client:
            assert client.execute("query-name") == {"return": {"name": "testvm"}}
        with fifo.open("wb", 0) as lines:
            lines.write(b"query-name\n")
            assert "testvm" in script.read_line()
        assert script.wait(20) == 0


def test_clients_are_served_while_a_pipeline_runs(
    vm: RunningVm, environment: dict[str, str], folder: Path
) -> None:
    path, fifo, copy = folder / "script.sock", folder / "fifo", folder / "copy"
    os.mkfifo(fifo)
    command = [*shell_command(), vm.address, "--share", str(path), "-e"]
    with PipedProcess(*command, env=environment) as script, PlainClient(str(path)) as client:
        script.write_line(f"query-qmp-schema | cat {fifo} - > {copy}; exit 3")
        with open(fifo, "wb"):
            client.execute("cont")
            client.wait_for_event("RESUME")
            assert "RESUME" in script.read_line()
        assert script.close_input() == 1
        assert "status 3" in script.read_errors()
    assert len(json.loads(copy.read_bytes())["return"]) > 500, "the whole reply"


def test_forwarded_messages_are_logged_without_secrets(
    vm: RunningVm, share: StartSharing, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    shared = share(vm.address, "-v", "-l", str(log))
    with shared.connect() as client:
        secret = {"qom-type": "secret", "id": "s0", "data": "hunter2"}
        client.send(query("object-add", arguments=secret, id="mine"))
        assert client.receive_reply() == {"return": {}, "id": "mine"}
        client.send(query("qom-get", arguments={"path": "/objects/s0", "property": "data"}))
        assert client.receive_reply() == {"return": "hunter2"}
    _, _, shown = shared.end()
    for text in (log.read_text(), shown):
        assert "hunter2" not in text
        assert '"object-add"' in text
        assert text.count("***") == 2


def test_a_vm_of_the_shells_own_can_be_shared(
    qemu: str, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "own.sock"
    options = ["--share", str(path), "--", qemu, "-M", "none", "-display", "none"]
    command = [*shell_command("main_wrap"), *options]
    with PipedProcess(*command, env=environment) as shell, PlainClient(str(path)) as client:
        assert "return" in client.execute("query-status")
        assert shell.close_input() == 0
        client.wait_for_end()


# At the prompt


@pytest.fixture
def sharing_prompt(vm: RunningVm, terminal: StartTerminal, folder: Path) -> Terminal:
    """A shell at its first prompt, which shares on ``folder / "own.sock"``."""
    started = terminal(vm.address, "--share", str(folder / "own.sock"))
    started.wait_for_prompt()
    return started


class Talker:
    """A client that executes commands without an end, in a thread."""

    def __init__(self, path: str) -> None:
        self.count = 0
        self._client = PlainClient(path)
        self._is_over = False
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def _talk(self) -> None:
        while not self._is_over:
            self._client.send(*[query("query-name", id=7)] * 20)
            for _ in range(20):
                assert self._client.receive_reply() == {"return": {"name": "testvm"}, "id": 7}
            self.count += 20

    def __enter__(self) -> Talker:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self._client.close()


def test_the_prompt_is_usable_while_clients_talk(sharing_prompt: Terminal, folder: Path) -> None:
    shell = sharing_prompt
    path = str(folder / "own.sock")
    with serving(shell, lambda: Talker(path)) as talker, serving(shell, lambda: Talker(path)):
        shell.type("query-nam")
        shell.wait_for(r"^\(QEMU\) query-nam")
        shell.press("tab")
        shell.wait_for(r"query-named-block-nodes")
        shell.interrupt()
        shell.wait_for_prompt()
        before = talker.count
        shell.enter("query-uuid")
        shell.wait_for('"UUID"')
        shell.wait_for_prompt()
        shell.wait_until(lambda: talker.count > before + 40, "the client goes on")
        shell.enter("cont")
        shell.wait_for("RESUME")
        shell.wait_for_prompt()
        shell.enter(".share")
        shell.wait_for(r"own.sock: 2 clients")
        shell.wait_for_prompt()
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    assert not os.path.exists(path)


@contextlib.contextmanager
def serving(shell: Terminal, connect: Callable[[], C]) -> Iterator[C]:
    """A client that is made while the output of the shell is read."""
    made: list[C] = []
    thread = threading.Thread(target=lambda: made.append(connect()))
    thread.start()
    shell.wait_until(lambda: not thread.is_alive(), "the client")
    (client,) = made
    with client:
        yield client


def test_after_connect_the_new_vm_is_shared(
    start_vm: StartVm, sharing_prompt: Terminal, folder: Path
) -> None:
    shell, path = sharing_prompt, str(folder / "own.sock")
    other = start_vm(name="other")
    with serving(shell, lambda: PlainClient(path)) as client:
        shell.enter(f".connect {other.address}")
        shell.wait_for_prompt()
        assert client.wait_for_end() == []
    with serving(shell, lambda: PlainClient(path)) as client:
        client.send(query("query-name"))
        assert client.receive_reply() == {"return": {"name": "other"}}
        other.run("quit")
        shell.wait_for("closed the connection")
        assert client.wait_for_end()[-1]["event"] == "SHUTDOWN"
    shell.wait_until(lambda: not os.path.exists(path), "the end of the socket")
    shell.enter(".share")
    shell.wait_for("own.sock: 0 clients, there is no VM; .connect goes on")
    shell.wait_for_prompt()
    third = start_vm(name="third")
    Path(path).write_text("in its place")
    shell.enter(f".connect {third.address}")
    shell.wait_for("nothing is shared any more")
    shell.wait_for_prompt()
    shell.enter(".share")
    shell.wait_for("^off$")


@pytest.mark.parametrize(
    ("line", "shown", "keys"),
    [
        ("query-commands", "^THE PAGER", "q"),
        ("quit", "Go on", "n\r"),
        (".edit", "^THE EDITOR", "q"),
        ("query-name | (echo THE PIPE; read x </dev/tty; cat)", "^THE PIPE", "\r"),
    ],
)
def test_clients_are_served_while_something_else_uses_the_terminal(
    vm: RunningVm, terminal: StartTerminal, folder: Path, line: str, shown: str, keys: str
) -> None:
    wait = "sh -c 'echo {}; stty -icanon; head -c 1 </dev/tty >/dev/null; stty icanon'"
    path = str(folder / "own.sock")
    programs = {"PAGER": wait.format("THE PAGER"), "EDITOR": wait.format("THE EDITOR")}
    shell = terminal(vm.address, "--share", path, **programs)
    shell.wait_for_prompt()
    shell.enter("query-uuid")
    shell.wait_for_prompt()
    shell.type(f"{line}\r")
    shell.wait_for(shown)
    with PlainClient(path) as client:
        assert client.execute("query-name") == {"return": {"name": "testvm"}}
        client.execute("cont")
        client.wait_for_event("RESUME")
    shell.read_available()
    assert shown == "Go on" or "RESUME" not in shell.text, "another program draws there"
    shell.type(keys)
    shell.wait_for("RESUME")
    shell.wait_for(r"^\(QEMU\)")


def test_without_a_cursor_clients_are_served(
    vm: RunningVm, terminal: StartTerminal, folder: Path
) -> None:
    path = str(folder / "own.sock")
    shell = terminal(vm.address, "--share", path, TERM="dumb")
    shell.wait_for(r"\(QEMU\)")
    with PlainClient(path) as client:
        assert client.execute("query-name") == {"return": {"name": "testvm"}}
