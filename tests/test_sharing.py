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
from typing import Any

import pytest

import qmp_shell
from tests.conftest import (
    PipedProcess,
    Run,
    RunningVm,
    StartTableVm,
    StartTerminal,
    StartVm,
    shell_command,
)
from tests.plain_client import Message, PlainClient
from tests.sessions import attach, run_line
from tests.terminal import Terminal
from tests.unix_server import UnixServer

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
    with shared.connect() as first, shared.connect() as second:
        with shared.connect(negotiates=False) as not_ready:
            second.execute("cont")
            second.execute("stop")
            assert [first.receive()["event"] for _ in range(2)] == ["RESUME", "STOP"]
            assert [event["event"] for event in second.events] == ["RESUME", "STOP"]
            not_ready.send(query("qmp_capabilities"))
            assert not_ready.receive() == {"return": {}}, "they came before it was ready"
    status, output, errors = shared.end()
    assert (status, errors) == (0, "")
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["RESUME", "STOP"]


def test_descriptors_go_through(
    vm: RunningVm, shared: SharingShell, run: Run, folder: Path
) -> None:
    path = folder / "disk.raw"
    path.write_bytes(bytes(12 << 20))
    with shared.connect() as client, shared.connect() as other, open(path, "rb") as file:
        before = len(os.listdir(f"/proc/{shared.process.pid}/fd"))
        # Descriptors come with any message, and are for the command that takes them.
        client.send(query("query-name"), descriptors=(file.fileno(),))
        assert client.receive_reply() == {"return": {"name": "testvm"}}
        assert "error" in other.execute("add-fd", fdset_id=8), "it is not for another client"
        assert client.execute("add-fd", fdset_id=7)["return"]["fdset-id"] == 7
        assert "return" in client.execute("getfd", (file.fileno(), file.fileno()), fdname="f")
        assert "return" in other.execute("closefd", fdname="f")
        assert "error" in client.execute("getfd", fdname="f"), "it came without one"
        assert run(shared.path, "-c", f"add-fd fdset-id=9 <{path}").returncode == 0
        assert len(os.listdir(f"/proc/{shared.process.pid}/fd")) == before, "none is left open"
    with vm.second() as direct:
        sets = direct.execute("query-fdsets")
        assert sorted(each["fdset-id"] for each in sets) == [7, 9]
        for number in (7, 9):
            node = {"node-name": f"n{number}", "read-only": True}
            direct.execute("blockdev-add", driver="file", filename=f"/dev/fdset/{number}", **node)
        nodes = direct.execute("query-named-block-nodes")
        assert [node["image"]["virtual-size"] for node in nodes] == [12 << 20] * 2


def test_descriptors_of_clients_that_leave_are_closed(shared: SharingShell) -> None:
    with shared.connect() as watcher:
        watcher.execute("query-name")
        before = len(os.listdir(f"/proc/{shared.process.pid}/fd"))
        for _ in range(5):
            with shared.connect() as client:
                client.send(b'{"execute": "getfd"', descriptors=(0, 0, 0))
        wait_until(lambda: len(os.listdir(f"/proc/{shared.process.pid}/fd")) == before)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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


def test_no_info_command_ends_the_vm_or_changes_its_state(
    vm: RunningVm, share: StartSharing
) -> None:
    """Those who may only read may execute all of them."""
    shared = share(vm.address, "--share-readonly")
    with shared.connect() as client:
        help_text = client.execute("human-monitor-command", command_line="help info")["return"]
        lines = [line.split() for line in help_text.splitlines() if line.startswith("info ")]
        names = [words[1] for words in lines]
        assert len(names) > 40
        for name in names:
            assert "return" in client.execute("human-monitor-command", command_line=f"info {name}")
        assert client.execute("query-status")["return"]["status"] == "prelaunch"
        assert client.events == []


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
def test_another_user_is_refused_and_root_is_not(
    shared: SharingShell, folder: Path, run: Run
) -> None:
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
            for _ in range(100):
                bad.send(b"x" * (1 << 20))
        (error,) = bad.wait_for_end()
        assert "a message of more than 8388608 bytes" in error["error"]["desc"]
        assert good.execute("query-name")["return"] == {"name": "testvm"}
        assert shared.memory() < 80 << 20


def test_garbage_without_end_takes_no_memory_at_all(shared: SharingShell) -> None:
    with shared.connect() as good, shared.connect() as bad:
        for _ in range(100):
            bad.send(b"x" * (1 << 20))
        assert good.execute("query-name")["return"] == {"name": "testvm"}
        bad.send(b"\n", query("query-name", id=1))
        assert "error" in bad.receive_reply()
        assert bad.receive_reply()["id"] == 1
        assert shared.memory() < 50 << 20


def test_one_that_does_not_read_holds_up_nobody(shared: SharingShell) -> None:
    """It is not cut off either: no more of its commands are executed until it reads."""
    with shared.connect() as good, shared.connect() as slow:
        slow.send(*(query("query-qmp-schema", id=number) for number in range(60)))
        for _ in range(20):
            assert good.execute("query-name")["return"] == {"name": "testvm"}
        assert shared.memory() < 100 << 20
        assert [slow.receive_reply()["id"] for _ in range(60)] == list(range(60))


def test_killed_clients_hurt_nobody(shared: SharingShell) -> None:
    """They are killed with replies outstanding, and in the middle of a message."""
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        's.sendall(b\'{"execute": "qmp_capabilities"}\''
        ' + b\'{"execute": "query-qmp-schema"}\' * 500 + b\'{"exec\');'
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
    assert 1 <= len(notices) <= 10, "they are limited"
    assert "a client was refused: Too many open files" in notices[0]


# VMs that misbehave


class HeldVm(UnixServer):
    """A VM that answers ``held`` only after ``release``, and floods with events at ``flood``.

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
                reply = b'{"return": "%s", "id": %d}\r\n' % (name.encode(), message["id"])
                if name == "held":
                    held.append(reply)
                    continue
                if name == "flood":
                    event = json.dumps({"event": "BIG", "data": {"text": "x" * 100_000}})
                    for _ in range(300):
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


def test_each_client_has_its_turn(held_vm: HeldVm, share: StartSharing) -> None:
    shared = share(held_vm.address)
    with shared.connect() as greedy, shared.connect() as modest:
        greedy.send(*(query("many") for _ in range(3000)))
        greedy.receive()
        modest.execute("single")
        assert held_vm.names.index("single") < 1500
        for _ in range(2999):
            assert greedy.receive() == {"return": "many"}


def test_one_that_reads_no_events_is_cut_off(held_vm: HeldVm, share: StartSharing) -> None:
    shared = share(held_vm.address)
    with shared.connect() as deaf, shared.connect() as client:
        client.send(query("flood", id=1))
        assert client.receive_reply() == {"return": "flood", "id": 1}
        assert len(client.events) == 300
        messages = []
        with pytest.raises((EOFError, json.JSONDecodeError)):
            while True:  # up to the one in which it was cut off
                messages.append(deaf.receive())
        assert 0 < len(messages) < 10
    (notice,) = shared.end()[2].splitlines()
    assert notice.endswith("was cut off: more than 16 MiB wait for it to read them")


def test_while_the_vm_stands_still_clients_are_served_as_far_as_possible(
    vm: RunningVm, shared: SharingShell
) -> None:
    line = "info " + "x" * 300_000  # more than the socket's buffer takes
    with shared.connect() as client, shared.connect() as other:
        vm.process.send_signal(signal.SIGSTOP)
        try:
            for number in range(3):
                arguments = {"command-line": line}
                client.send(query("human-monitor-command", arguments=arguments, id=number))
            client.send(query("query-name", id=3))
            other.send(query("query-name", id=4), b"x\n")
            with shared.connect() as third:
                assert "error" in third.execute("qmp_capabilities")
        finally:
            vm.process.send_signal(signal.SIGCONT)
        assert [client.receive_reply()["id"] for _ in range(4)] == [0, 1, 2, 3]
        assert other.receive_reply() == {"return": {"name": "testvm"}, "id": 4}
        assert "error" in other.receive_reply()


# The end


def test_at_the_end_of_the_vm_clients_get_all_and_then_the_end(
    vm: RunningVm, shared: SharingShell
) -> None:
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
