"""Finding the VMs of this host, and who holds a monitor: with real QEMUs, clients and terminals."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import qmp_shell
from qmp_shell import cli, connecting
from qmp_shell.discovery import (
    FoundMonitor,
    FoundProcess,
    FoundVm,
    Use,
    find_use,
    find_vms,
    read_vm,
)
from qmp_shell.discovery.holders import Connection
from qmp_shell.errors import MonitorBusy
from qmp_shell.render.views import Look
from qmp_shell.render.vms import describe_monitor, draw_vms, explain_busy, format_choice
from qmp_shell.silence import SilenceWatch
from qmp_shell.transport import parse_address
from qmp_shell.transport.stream import Address
from qmp_shell.transport.unix import real_path
from tests.conftest import (
    NAME_REPLY,
    PipedProcess,
    Run,
    RunningVm,
    StartTerminal,
    StartVm,
    require_program,
    shell_command,
)
from tests.terminal import Terminal
from tests.waiting import wait_until

# The shell in a world where only some processes are VMs: others may be tests that run just now.
ONLY = """
import sys
from qmp_shell.discovery import vms
shown = {int(each) for each in sys.argv.pop(1).split(",") if each}
read = vms._Finder.read
vms._Finder.read = lambda self, pid: read(self, pid) if pid in shown else None
from qmp_shell.start import main
sys.exit(main())
"""
MINIMAL = ("-M", "none", "-nodefaults", "-display", "none", "-S")


def only_command(*vms: RunningVm) -> list[str]:
    """The command that runs the shell so that it finds only some VMs."""
    return [sys.executable, "-c", ONLY, ",".join(str(vm.process.pid) for vm in vms)]


def found(vm: RunningVm) -> FoundVm:
    """What is found of a VM."""
    [each] = [each for each in find_vms() if each.pid == vm.process.pid]
    return each


def monitor_at(vm: RunningVm, address: str) -> FoundMonitor:
    [monitor] = [each for each in found(vm).monitors if each.address == address]
    return monitor


@pytest.fixture
def start_vm(start_vm: StartVm) -> StartVm:
    """As the fixture in ``conftest.py``, but QEMU lists its second monitor as free again."""

    def start(*arguments: str, name: str = "testvm") -> RunningVm:
        vm = start_vm(*arguments, name=name)
        wait_until(lambda: not monitor_at(vm, vm.second_address).is_busy)
        return vm

    return start


def stop(vm: RunningVm) -> None:
    """Stop QEMU itself, all its threads."""
    os.kill(vm.process.pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{vm.process.pid}/task")
    wait_until(lambda: all(") T " in (task / "stat").read_text() for task in tasks.iterdir()))


@contextlib.contextmanager
def held(address: str, environment: dict[str, str]) -> Iterator[PipedProcess]:
    """A shell that holds a monitor, and has been answered there."""
    with PipedProcess(*shell_command(), address, env=environment) as holder:
        holder.write_line("query-name")
        assert holder.read_line().startswith('{"return": ')
        yield holder
        holder.close_input()


def holder_text(holder: PipedProcess, address: str) -> str:
    """How the shell of :func:`held` is called."""
    python = os.path.basename(sys.executable)
    return f"PID {holder.pid} ({python} -m qmp_shell {address}"[:60]


def waits_in_backlog(path: str) -> bool:
    """Whether a client of a socket waits to be accepted (proc(5))."""
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return any(row[-1] == path and row[5] == "02" for row in rows)


# What is found


def test_the_name_of_a_vm_in_the_place_of_an_address(start_vm: StartVm, run: Run) -> None:
    name = f"vm-{uuid.uuid4()}"
    vm = start_vm(name=name)
    for words in ((name,), (name, "query-name")):
        result = run(*words)
        message = f"qmp-shell: {name}: no such socket; the VM of that name is at {vm.address}\n"
        assert (result.stderr, result.returncode) == (message, 3)
    assert run("help").stderr == "qmp-shell: help: no such socket; write --help\n"


def test_a_vm_is_found_with_all_its_monitors(qemu: str, folder: Path, port: int) -> None:
    name = f"vm-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX) as inherited:
        inherited.bind(str(folder / "inherited.sock"))
        inherited.listen(1)
        vm = RunningVm(
            qemu,
            folder,
            *("-m", "size=32M", "-qmp", "unix:rel.sock,server,nowait"),
            *("-qmp-pretty", f"unix:{folder}/with,,comma.sock,server=on,wait=off"),
            *("-mon", "chardev=long,mode=control"),
            *("-chardev", f"socket,path={folder}/long.sock,server=on,wait=off,id=long"),
            *("-chardev", f"socket,id=short,path={name},abstract=on,server=on,wait=off"),
            *("-mon", "short,mode=control,pretty=on"),
            *("-chardev", f"socket,id=fd,fd={inherited.fileno()},server=on,wait=off"),
            *("-mon", "fd,mode=control"),
            *("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off"),
            *("-monitor", f"unix:{folder}/human.sock,server=on,wait=off"),
            name=f"{name},debug-threads=on",
            descriptors=(inherited.fileno(),),
        )
    try:
        with vm.second():
            pass
        # QEMU takes a moment to notice that a client has left.
        wait_until(lambda: not any(each.is_busy for each in found(vm).monitors))
        vm_found = found(vm)
        assert (vm_found.name, vm_found.machine, vm_found.memory) == (name, "pc", 32 << 20)
        assert vm_found.program == "qemu-system-x86_64"
        assert 0 <= (vm_found.uptime or -1) < 60
        assert [each.address for each in vm_found.monitors] == [
            vm.address,
            vm.second_address,
            f"{folder}/rel.sock",
            f"{folder}/with,comma.sock",
            f"{folder}/long.sock",
            f"unix-abstract:{name}",
            f"{folder}/inherited.sock",
            f"127.0.0.1:{port}",
        ]
        for monitor in vm_found.monitors:
            assert (monitor.is_busy, monitor.problem) == (False, "")
            with qmp_shell.connect(monitor.address) as client:
                assert client.execute("query-name") == {"name": name}
                assert monitor_at(vm, monitor.address).holder is not None
    finally:
        vm.close()


def test_a_path_that_another_vm_has_taken_over_is_told(
    start_vm: StartVm, environment: dict[str, str]
) -> None:
    """QEMU removes what is at the path of its socket, also if another one listens there."""
    first = start_vm()
    second = start_vm("-qmp", f"unix:{first.second_address},server=on,wait=off")
    problem = "another socket has this path now"
    assert monitor_at(second, first.second_address).problem == ""
    assert monitor_at(first, first.second_address).problem == problem
    assert monitor_at(first, first.address).problem == ""
    second.close()
    assert os.path.exists(first.second_address)
    assert monitor_at(first, first.second_address).problem == problem

    stale = start_vm()
    for path in (first.address, first.second_address):
        os.unlink(path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
    result = subprocess.run(
        [*only_command(first, stale), "--no-cache", "-c", "query-name"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.startswith(
        f"qmp-shell: the only VM found is testvm (PID {stale.process.pid})"
    )
    assert result.stdout == NAME_REPLY


def test_a_daemon_is_found_by_the_folder_that_it_was_started_in(qemu: str, folder: Path) -> None:
    pid_file = folder / "pid"
    subprocess.run(
        [
            *(qemu, *MINIMAL, "-daemonize", "-pidfile", str(pid_file)),
            *("-qmp", "unix:relative.sock,server=on,wait=off"),
        ],
        cwd=folder,
        env={**os.environ, "PWD": str(folder)},
        check=True,
        timeout=60,
    )
    pid = int(pid_file.read_text())
    try:
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        vm = read_vm(pid)
        assert vm is not None
        assert vm.monitors == (FoundMonitor(str(folder / "relative.sock"), is_busy=False),)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_storage_daemon_is_found(folder: Path) -> None:
    path = folder / "storage.sock"
    daemon = subprocess.Popen(
        [
            require_program("qemu-storage-daemon"),
            *("--chardev", f"socket,path={path},server=on,wait=off,id=c", "--monitor", "chardev=c"),
        ]
    )
    try:
        wait_until(path.exists)
        vm = read_vm(daemon.pid)
        assert vm is not None
        assert (vm.program, vm.name) == ("qemu-storage-daemon", "")
        assert [each.address for each in vm.monitors] == [str(path)]
    finally:
        daemon.kill()
        daemon.wait()


def test_a_vm_in_a_container_is_reached_through_its_process(qemu: str, folder: Path) -> None:
    """It has its own view of the file system, and its own network."""
    namespaces = ["unshare", "--mount", "--net"] + ["--map-root-user"] * (os.geteuid() != 0)
    if subprocess.run([*namespaces, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system does not permit namespaces")
    inside = folder / "inside"
    inside.mkdir()
    start = (
        f"mount -t tmpfs none {inside} && exec {qemu} {' '.join(MINIMAL)}"
        f" -qmp unix:{inside}/vm.sock,server=on,wait=off"
        f" -qmp unix:{folder}/shared.sock,server=on,wait=off"
        " -qmp tcp:127.0.0.1:4444,server=on,wait=off"
    )
    vm = subprocess.Popen([*namespaces, "sh", "-c", start])
    try:
        with qmp_shell.connect(str(folder / "shared.sock"), wait=20):
            read = read_vm(vm.pid)
            assert read is not None
            hidden, shared, port = read.monitors
            assert hidden.address == f"/proc/{vm.pid}/root{inside}/vm.sock"
            assert (hidden.is_busy, hidden.problem) == (False, "")
            assert (shared.address, shared.is_busy) == (f"{folder}/shared.sock", True)
            assert port.problem == "in another network namespace, as of a container"
            with qmp_shell.connect(hidden.address) as client:
                assert client.execute("query-status")["status"] == "prelaunch"
                again = read_vm(vm.pid)
                assert again is not None
                assert again.monitors[0].is_busy
    finally:
        vm.kill()
        vm.wait()


def test_a_vm_of_libvirt_is_one_row(qemu: str, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as inherited:
        inherited.bind(str(folder / "monitor.sock"))
        inherited.listen(1)
        vm = subprocess.Popen(
            [
                *(qemu, *MINIMAL, "-name", "guest=lv"),
                *("-chardev", f"socket,id=charmonitor,fd={inherited.fileno()},server=on,wait=off"),
                *("-mon", "chardev=charmonitor,id=monitor,mode=control"),
            ],
            pass_fds=(inherited.fileno(),),
        )
    try:
        with qmp_shell.connect(str(folder / "monitor.sock"), wait=20):
            read = read_vm(vm.pid)
            assert read is not None
            assert read.manager == "libvirt"
            [monitor] = read.monitors
            assert monitor.address.startswith("libvirt:")
            assert monitor.address.endswith("lv")
            assert not monitor.is_busy, "libvirt passes commands on"
    finally:
        vm.kill()
        vm.wait()


# Who holds a monitor


def test_the_holder_of_a_monitor_is_found(vm: RunningVm, environment: dict[str, str]) -> None:
    with held(vm.address, environment) as holder:
        monitor = monitor_at(vm, vm.address)
        assert monitor.is_busy
        assert monitor.holder is not None
        assert monitor.holder.pid == holder.pid
        assert monitor.holder.arguments[-3:] == ("-m", "qmp_shell", vm.address)
        assert not monitor_at(vm, vm.second_address).is_busy
        best = found(vm).best_monitor
        assert best is not None
        assert best.address == vm.second_address
    wait_until(lambda: not monitor_at(vm, vm.address).is_busy)


def test_a_client_that_waits_does_not_hold_the_monitor(vm: RunningVm) -> None:
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        stop(vm)
        first.connect(vm.address)
        assert not monitor_at(vm, vm.address).is_busy
        os.kill(vm.process.pid, signal.SIGCONT)
        assert first.recv(1) == b"{"
        second.connect(vm.address)
        assert waits_in_backlog(vm.address)
        assert monitor_at(vm, vm.address).is_busy


@pytest.mark.parametrize("spelling", ["absolute", "relative", "link", "abstract"])
def test_the_use_of_an_address_is_found_however_it_is_written(
    start_vm: StartVm,
    environment: dict[str, str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
) -> None:
    name = f"qmp-test-{uuid.uuid4()}"
    vm = start_vm("-qmp", f"unix:{name},abstract=on,server=on,wait=off")
    (folder / "link").symlink_to(vm.address)
    monkeypatch.chdir(folder)
    text = {
        "absolute": vm.address,
        "relative": os.path.relpath(vm.address),
        "link": str(folder / "link"),
        "abstract": f"unix-abstract:{name}",
    }[spelling]
    address = parse_address(text)
    use = find_use(address)
    assert use is not None
    assert use.connection is None
    assert use.server is not None
    assert use.server.pid == vm.process.pid
    with held(text, environment) as holder:
        use = find_use(address)
        assert use is not None
        assert use.holder is not None
        assert use.holder.pid == holder.pid


def test_the_use_of_a_port_is_found(
    start_vm: StartVm, environment: dict[str, str], port: int
) -> None:
    vm = start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    address = parse_address(f"localhost:{port}")
    with held(f"127.0.0.1:{port}", environment) as holder:
        use = find_use(address)
        assert use is not None
        assert use.holder is not None
        assert use.server is not None
        assert (use.holder.pid, use.server.pid) == (holder.pid, vm.process.pid)
    assert find_use(parse_address(f"example.org:{port}")) is None
    assert find_use(parse_address("fd:0")) is None


def test_a_connection_of_this_process_does_not_count(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address):
        use = find_use(parse_address(vm.address))
        assert use is not None
        assert use.connection is None


def test_without_netlink_a_busy_monitor_is_still_told(
    vm: RunningVm, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_socket = socket.socket

    def refuse(family: int = socket.AF_INET, *arguments: int) -> socket.socket:
        if family == socket.AF_NETLINK:
            raise PermissionError
        return real_socket(family, *arguments)

    address = parse_address(vm.address)
    with held(vm.address, environment):
        monkeypatch.setattr(socket, "socket", refuse)
        monitor = monitor_at(vm, vm.address)
        assert (monitor.is_busy, monitor.holder) == (True, None)
        use = find_use(address)
        assert use is not None
        assert use.connection is None, "the client that is there may be this one"
        with real_socket(socket.AF_UNIX) as waiting:
            waiting.connect(vm.address)
            use = find_use(address)
            assert use is not None
            assert use.connection is not None
            assert "held by another client, and" in explain_busy(use, None)


# A monitor that is busy


def test_a_busy_monitor_says_who_holds_it_and_what_to_do(
    vm: RunningVm, environment: dict[str, str], run: Run
) -> None:
    with held(vm.address, environment) as holder:
        result = run(vm.address, "-c", "query-name")
    text = f"qmp-shell: {vm.address}: held by {holder_text(holder, vm.address)}"
    assert result.stderr.startswith(text)
    assert result.stderr.endswith(
        f"), and QEMU serves one client at a time: {vm.second_address} leads to the same VM\n"
    )
    assert result.stderr.count("\n") == 1
    assert (result.returncode, result.stdout) == (3, "")


def test_a_full_backlog_says_who_holds_the_monitor(
    vm: RunningVm, environment: dict[str, str], run: Run
) -> None:
    with contextlib.ExitStack() as opened, held(vm.address, environment) as holder:
        for _ in range(2):  # QEMU's backlog has room for so many
            waiting = opened.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            waiting.connect(vm.address)
        result = run(vm.address, "-c", "query-name")
    assert f"{vm.address}: held by PID {holder.pid} (" in result.stderr
    assert result.returncode == 3


@pytest.mark.parametrize("waiting", [0, 2])
def test_who_holds_a_monitor_is_said_when_the_time_is_over(
    vm: RunningVm, environment: dict[str, str], waiting: int
) -> None:
    """Also if the time runs out between two calls of ``on_silence``."""
    watch = SilenceWatch(parse_address(vm.address), wait=1.2)
    with contextlib.ExitStack() as opened, held(vm.address, environment) as holder:
        for _ in range(waiting):
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            client.connect(vm.address)
        with pytest.raises(MonitorBusy, match=f"held by PID {holder.pid} "):
            qmp_shell.connect(vm.address, greeting_timeout=1.2, on_silence=watch)


def test_a_guest_agents_channel_says_who_holds_it(
    start_vm: StartVm, folder: Path, run: Run
) -> None:
    """QEMU serves one client of its other sockets, too; the agent itself is not asked."""
    path = folder / "agent.sock"
    start_vm(
        *("-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=a,path={path},server=on,wait=off"),
        *("-device", "virtserialport,chardev=a,name=org.qemu.guest_agent.0"),
    )
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "connected\n"
        result = run("-N", str(path), "-c", "guest-ping")
        client.kill()
    assert f"{path}: held by PID {client.pid} (" in result.stderr
    assert result.stderr.endswith(": end that client\n")
    assert result.returncode == 3


_HOLD = """
import socket, sys, time
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    print("connected", flush=True)
    time.sleep(60)
"""


def test_a_monitor_that_is_silent_for_another_reason_is_not_called_busy(vm: RunningVm) -> None:
    stop(vm)
    watch = SilenceWatch(parse_address(vm.address), wait=30)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(vm.address)
        assert all(watch(seconds) for seconds in (0.5, 1.0, 4.5))
        assert not watch(5.0), "however long a busy one would be waited for"


def test_a_monitor_of_which_nothing_is_known_may_be_busy(folder: Path) -> None:
    path = str(folder / "forwarded.sock")
    with socket.socket(socket.AF_UNIX) as forwarder:
        forwarder.bind(path)
        forwarder.listen()
        for text in (path, "192.0.2.1:4444", f"exec:nc -U {path}"):
            watch = SilenceWatch(parse_address(text, programs=True), wait=30)
            assert all(watch(seconds) for seconds in (0.5, 1.0, 5.0, 29.5))
            assert not watch(30.0)
            watch = SilenceWatch(parse_address(text, programs=True), wait=2)
            assert watch(4.5)
            assert not watch(5.0)


@pytest.mark.parametrize(
    ("options", "seconds"), [([], 5.0), (["-w", "2"], 5.0), (["-w", "60"], 60.0), (["-w"], None)]
)
def test_how_long_a_silent_monitor_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, options: list[str], seconds: float | None
) -> None:
    """What a busy one costs at most; that it is waited for so long would take too long to try."""
    limits = []

    def connect(
        _address: Address, *, greeting_timeout: float | None, **_others: object
    ) -> NoReturn:
        limits.append(greeting_timeout)
        raise qmp_shell.ConnectError("nobody there")

    monkeypatch.setattr(connecting, "connect", connect)
    assert cli.main(["vm.sock", *options, "-c", "query-name"]) == 3
    assert limits == [seconds]


def test_the_terminal_shows_what_is_waited_for(
    vm: RunningVm, environment: dict[str, str], terminal: StartTerminal
) -> None:
    with held(vm.address, environment) as holder:
        shell = terminal("-w", "60", vm.address, columns=150)
        shell.wait_for(f"^qmp-shell: waiting for {vm.address}, held by PID {holder.pid} .*Ctrl-C")
        holder.close_input()
        shell.wait_for_prompt()


def test_the_terminal_shows_that_a_vm_is_silent(vm: RunningVm, terminal: StartTerminal) -> None:
    stop(vm)
    shell = terminal(vm.address, columns=150)
    shell.wait_for(rf"^qmp-shell: waiting for {vm.address} \(Ctrl-C gives up\)$")
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    assert shell.raw.endswith(b"^C\r\n")
    os.kill(vm.process.pid, signal.SIGCONT)


def test_the_terminal_shows_that_nobody_listens_yet(
    start_vm: StartVm, folder: Path, run: Run, terminal: StartTerminal
) -> None:
    path = folder / "late.sock"
    told = f"qmp-shell: waiting for somebody to listen at {path} (Ctrl-C gives up)"
    for words in ((), ("query-name",)):
        shell = terminal("-w", str(path), *words, columns=150)
        shell.wait_for(f"^{re.escape(told)}$")
        shell.press("ctrl-c")
        assert shell.wait_for_end() == 130
        assert shell.raw.endswith(b"^C\r\n")
    late = terminal("-w", str(path), columns=150)
    late.wait_for(f"^{re.escape(told)}$")
    start_vm("-qmp", f"unix:{path},server=on,wait=off")
    late.wait_for_prompt()
    assert late.history.count(told) == 1
    late.end()
    assert told not in run("-w", "1.6", f"{path}-2", "query-name").stderr, "it is for a person"


def test_at_the_prompt_a_busy_monitor_leaves_the_first_one_attached(
    vm: RunningVm, environment: dict[str, str], shell: Terminal
) -> None:
    with held(vm.second_address, environment) as holder:
        shell.enter(f".connect {vm.second_address}")
        shell.wait_for_prompt()
    assert f"held by PID {holder.pid}" in shell.text.replace("\n", "")
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')


def test_clients_that_take_turns_do_not_make_a_monitor_busy(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    """Only one that stays is a reason to give up."""
    watch = SilenceWatch(parse_address(vm.address), wait=0)
    for seconds in (0.5, 1.0, 1.5):
        with held(vm.address, environment):
            assert watch(seconds)
    with held(vm.address, environment):
        assert watch(2.0)
        with pytest.raises(MonitorBusy, match="held by PID"):
            watch(2.5)
    assert watch(3.0), "it may still come"
    assert not watch(5.0)


def test_how_long_to_wait_for_a_client_that_stays_is_the_users_choice(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    watch = SilenceWatch(parse_address(vm.address), wait=30)
    with held(vm.address, environment):
        for seconds in (0.5, 1.0, 10.0, 29.5):
            assert watch(seconds)
        with pytest.raises(MonitorBusy):
            watch(30.0)


def used_by(*arguments: str) -> Use:
    """The use of a monitor by a process."""
    return Use(Connection(70, 71), FoundProcess(900, arguments), None)


def vm_with(*monitors: FoundMonitor) -> FoundVm:
    """A VM with some monitors."""
    return FoundVm(5, "qemu-system-x86_64", "web", "pc", 1 << 30, 3700.0, "me", True, "", monitors)


@pytest.mark.parametrize(
    ("arguments", "monitors", "expected"),
    [
        (
            ("/usr/sbin/libvirtd", "--timeout", "120"),
            [FoundMonitor("libvirt:web", is_busy=False)],
            "PID 900 (libvirtd --timeout 120)|libvirt:web leads to the same VM",
        ),
        (
            ("/usr/bin/python3", "/usr/bin/qmp-shell", "vm.sock"),
            [FoundMonitor("/vm.sock", is_busy=True)],
            "PID 900 (qmp-shell vm.sock)|leave that shell; if it is this program,"
            " .share PATH in it lets others in",
        ),
        (
            ("/opt/v/bin/python", "-E", "/opt/v/bin/qmp-shell", "vm.sock"),
            [],
            "PID 900 (qmp-shell vm.sock)|leave that shell; if it is this program,"
            " .share PATH in it lets others in",
        ),
        (
            ("socat", "-", "UNIX:/vm.sock"),
            [FoundMonitor("/vm.sock", is_busy=True), FoundMonitor("/gone", problem="gone")],
            "PID 900 (socat - UNIX:/vm.sock)|end that client, or start QEMU with one more -qmp",
        ),
        (
            ("qmp-shell", "vm.sock", "-c", "set_password vnc secret-word"),
            [],
            "PID 900 (qmp-shell)|leave that shell; if it is this program,"
            " .share PATH in it lets others in",
        ),
        ((), [], "PID 900|end that client, or start QEMU with one more -qmp"),
    ],
)
def test_what_to_do_depends_on_who_holds_the_monitor(
    arguments: tuple[str, ...], monitors: list[FoundMonitor], expected: str
) -> None:
    who, what = expected.split("|")
    assert explain_busy(used_by(*arguments), vm_with(*monitors)) == (
        f"held by {who}, and QEMU serves one client at a time: {what}"
    )


def test_a_shell_that_shares_the_monitor_is_the_way_to_it(
    vm: RunningVm, environment: dict[str, str], run: Run, folder: Path
) -> None:
    shared = folder / "shared.sock"
    command = (*shell_command(), vm.address, "--share", str(shared))
    with PipedProcess(*command, env=environment) as sharing, held(vm.second_address, environment):
        sharing.write_line("query-name")
        assert sharing.read_line() == NAME_REPLY
        result = run(vm.address, "-c", "query-name")
        assert f"held by PID {sharing.pid} (" in result.stderr
        assert result.stderr.endswith(f": it shares this monitor at {shared}\n")
        assert run(str(shared), "-c", "query-name").stdout == NAME_REPLY
        sharing.close_input()


# The list


def test_the_list_is_a_table(start_vm: StartVm, environment: dict[str, str], run: Run) -> None:
    name = f"vm-{uuid.uuid4()}"
    vm = start_vm(name=name)
    with held(vm.address, environment) as holder:
        result = run("--list")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split()[:5] == ["name", "pid", "machine", "memory", "uptime"]
    assert lines[0].split()[-2:] == ["monitor", "state"]
    place = next(number for number, line in enumerate(lines) if line.startswith(name))
    first, second = lines[place : place + 2]
    assert re.match(rf"{name} +{vm.process.pid}  pc +64 MiB  \d+ s ", first)
    assert f"{vm.address}  " in first
    assert f"busy: {holder_text(holder, vm.address)}"[:60] in first
    assert second.split() == [vm.second_address, "free"]


def test_the_list_as_json_has_an_object_for_each_vm(
    start_vm: StartVm, environment: dict[str, str], run: Run
) -> None:
    name = f"vm-{uuid.uuid4()}"
    vm = start_vm(name=name)
    with held(vm.address, environment) as holder:
        result = run("--list", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    [line] = [json.loads(line) for line in result.stdout.splitlines() if name in line]
    assert 0 <= line.pop("uptime") < 60
    first, second = line.pop("monitors")
    assert line == {
        "name": name,
        "pid": vm.process.pid,
        "program": "qemu-system-x86_64",
        "machine": "pc",
        "memory": 64 << 20,
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "manager": None,
    }
    assert first.pop("holder")["pid"] == holder.pid
    assert first == {"address": vm.address, "busy": True, "problem": None}
    assert second == {
        "address": vm.second_address,
        "busy": False,
        "holder": None,
        "problem": None,
    }


@pytest.mark.parametrize("options", [["--list"], ["--list", "--json"]])
def test_a_list_of_nothing_is_empty(environment: dict[str, str], options: list[str]) -> None:
    command = [*only_command(), *options]
    result = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (0, b"")
    assert result.stderr.startswith(b"qmp-shell: no running VM was found")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list", "vm.sock"), "--list takes no ADDRESS"),
        (("--json",), "--json goes with --list; replies are JSON without it"),
        (("-N",), "no address: give one, or set QMP_SOCKET"),
        (("--tls",), "no address: give one, or set QMP_SOCKET"),
        (("--tls-ca", "ca.pem"), "no address: give one, or set QMP_SOCKET"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    run_here: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run_here(*arguments)
    assert result.stderr == f"qmp-shell: {message}\n"
    assert result.returncode == 2


BUSY = FoundMonitor("/run/web-2.sock", True, Connection(70, 71), FoundProcess(77, ("socat", "-")))
FREE = FoundMonitor("/run/web.sock", is_busy=False)


VMS = [
    vm_with(FREE, BUSY),
    FoundVm(12345, "qemu-storage-daemon", "", "", None, 300_000.0, "root", False, "", ()),
]

AS_TABLE = """\
name    pid  machine         memory  uptime     user  monitor          state
web       5  pc               1 GiB  1 h 1 min  me    /run/web.sock    free
                                                      /run/web-2.sock  busy: PID 77 (socat -)
-     12345  storage-daemon       -  3 d 11 h   root  -                no QMP monitor to connect to
"""
AS_TREE = """\
web  PID 5  pc  1 GiB  up 1 h 1 min  me
├── /run/web.sock  free
└── /run/web-2.sock  busy: PID 77 (socat -)
PID 12345  storage-daemon  up 3 d 11 h  root
└── no QMP monitor to connect to
"""


def draw(vms: list[FoundVm], *, width: int) -> list[str]:
    look = Look(colour=False, ascii_only=False, find_width=lambda: width)
    return draw_vms(vms, look, with_users=False).split("\n")


@pytest.mark.parametrize(("width", "expected"), [(None, AS_TABLE), (100, AS_TABLE), (44, AS_TREE)])
def test_the_list_is_a_tree_where_there_is_no_room_for_a_table(
    width: int | None, expected: str
) -> None:
    look = Look(colour=False, ascii_only=False, find_width=lambda: width)
    assert draw_vms(VMS, look, with_users=True) + "\n" == expected


def test_wide_characters_of_a_name_take_two_columns() -> None:
    vm = vm_with(FREE)._replace(name="宽" * 20)
    [_, row] = draw([vm], width=100)
    assert row.startswith("宽" * 20 + "    5  pc")
    assert draw([vm], width=80) == [
        "宽" * 20 + "  PID 5  pc  1 GiB  up 1 h 1 min",
        "└── /run/web.sock  free",
    ]


def test_a_machine_that_is_not_known_is_told_so() -> None:
    vm = vm_with(FREE)._replace(machine="", program="qemu-system-x86_64")
    [row] = draw_vms([vm], Look(colour=False, ascii_only=False), with_users=False).splitlines()[1:]
    assert row.split()[:4] == ["web", "5", "-", "1"]
    assert "system" not in describe_monitor(vm, FREE)


@pytest.mark.parametrize("name", [" ", "\t\n", "\u3000"])
def test_a_name_of_blanks_is_none(name: str) -> None:
    vm = vm_with(FREE)._replace(name=name, machine=name)
    [row] = draw_vms([vm], Look(colour=False, ascii_only=False), with_users=False).splitlines()[1:]
    assert row.split()[:4] == ["-", "5", "-", "1"]
    assert describe_monitor(vm, FREE) == "PID 5, 1 GiB, free"
    assert format_choice(vm, FREE).startswith("a VM (PID 5")


def test_a_name_that_ends_in_a_hyphen_is_told() -> None:
    vm = vm_with(FREE)._replace(name="a -")
    assert describe_monitor(vm, FREE) == "a -, PID 5, pc, 1 GiB, free"


def test_whose_a_vm_is_is_not_told_where_all_are_the_users_own() -> None:
    look = Look(colour=False, ascii_only=False)
    text = draw_vms(VMS, look, with_users=False)
    assert "user" not in text
    assert "root" not in text


def test_of_which_user_a_vm_is_is_told_unless_it_is_the_users_own() -> None:
    vm = vm_with(FREE)
    assert format_choice(vm, FREE) == "web (PID 5) at /run/web.sock"
    strangers = vm._replace(is_own=False)
    assert format_choice(strangers, FREE) == "web (PID 5, user me) at /run/web.sock"
    unknown = strangers._replace(pid=None, name="", user="")
    assert format_choice(unknown, FREE) == "a VM at /run/web.sock"


# The VM that is meant if no address says so


def run_only(
    environment: dict[str, str], arguments: list[str], *vms: RunningVm
) -> subprocess.CompletedProcess[str]:
    """Run the shell as a script that finds only some VMs."""
    return subprocess.run(
        [*only_command(*vms), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_an_address_the_only_vm_is_meant(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    result = run_only(environment, ["-c", "query-name"], vm)
    assert (result.returncode, result.stdout) == (0, NAME_REPLY)
    pid = vm.process.pid
    said = f"qmp-shell: the only VM found is testvm (PID {pid}) at {vm.address}\n"
    assert result.stderr == said


def test_of_the_only_vm_a_monitor_is_taken_that_is_free(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with held(vm.address, environment):
        result = run_only(environment, ["-c", "query-name"], vm)
    assert (result.returncode, result.stdout) == (0, NAME_REPLY)
    assert vm.second_address in result.stderr


def test_an_address_in_the_environment_goes_before_the_only_vm(
    start_vm: StartVm, environment: dict[str, str]
) -> None:
    first, second = start_vm(name="first"), start_vm(name="second")
    environment["QMP_SOCKET"] = second.address
    result = run_only(environment, ["-c", "query-name"], first)
    assert (result.stdout, result.stderr) == (NAME_REPLY.replace("testvm", "second"), "")


def test_of_several_vms_a_script_takes_none(start_vm: StartVm, environment: dict[str, str]) -> None:
    first, second = start_vm(name="first"), start_vm(name="second")
    result = run_only(environment, ["-c", "query-name"], first, second)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "qmp-shell: no address, and there are several VMs:"
        f" first (PID {first.process.pid}) at {first.address},"
        f" second (PID {second.process.pid}) at {second.address}\n"
    )


def test_without_a_vm_an_address_is_needed(environment: dict[str, str]) -> None:
    result = run_only(environment, [])
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "qmp-shell: no address: give one, set QMP_SOCKET, or try --demo\n"


def test_a_vm_that_ends_while_it_is_looked_at_is_no_error(
    vm: RunningVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM in a container is reached by a link in /proc, which disappears when the VM ends."""

    def read_link(path: str, **_: object) -> str:
        raise FileNotFoundError(path)

    link = vm.folder / "link"
    link.symlink_to(vm.address)
    assert real_path(str(link)) == os.path.realpath(vm.address)
    monkeypatch.setattr(os, "readlink", read_link)
    assert real_path(str(link)) == str(link)


def test_an_empty_address_is_not_the_only_vm(environment: dict[str, str], vm: RunningVm) -> None:
    """In a script, a variable that is not set must not end somebody else's VM."""
    for arguments in (["", "quit"], ["", "-c", "quit"], ["-c", "quit", "", "/other.sock"]):
        result = run_only(environment, arguments, vm)
        assert (result.returncode, result.stdout) == (2, ""), arguments
    vm.run("query-status")
    assert run_only(environment, ["", "quit"], vm).stderr == (
        "qmp-shell: the address is empty; is a variable not set?\n"
    )


def test_a_vm_without_a_monitor_is_not_meant(environment: dict[str, str], vm: RunningVm) -> None:
    os.unlink(vm.address)
    os.unlink(vm.second_address)
    result = run_only(environment, [], vm)
    assert result.returncode == 2
    assert "no VM that was found can be connected to; see --list" in result.stderr


@pytest.fixture
def choice(
    start_vm: StartVm, environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Terminal, RunningVm]]:
    """The shell in a terminal, which asks which of two VMs is meant; and the second of them."""
    first, second = start_vm(name="first"), start_vm(name="second")
    terminal = Terminal(only_command(first, second), environment, tmp_path, columns=100)
    terminal.wait_for(r"^Which VM\? \[1-2\]$")
    yield terminal, second
    terminal.end()


def test_at_a_terminal_one_of_several_vms_is_chosen(
    choice: tuple[Terminal, RunningVm],
) -> None:
    shell, second = choice
    assert re.search(r"^1  first +\d+ +pc +64 MiB ", shell.text, re.MULTILINE)
    assert re.search(rf"^2  second .* {second.address} +free$", shell.text, re.MULTILINE)
    assert second.second_address not in shell.text
    for wrong in ("0", "3", "x", "", "-1", "99999999999"):
        questions = shell.text.count("Which VM? [1-2]")
        shell.type(f"{wrong}\r")
        shell.wait_until(lambda: shell.text.count("Which VM? [1-2]") > questions, "another")  # noqa: B023
    again = "write a number from 1 to 2; Ctrl-C leaves\nWhich VM? [1-2]"
    assert shell.text.count(again) == 6
    shell.type("2\r")
    shell.wait_for("^second, QEMU ")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"name": "second"')
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0


@pytest.mark.parametrize(
    ("key", "status", "said"), [("ctrl-c", 130, ""), ("ctrl-d", 2, "no VM was chosen")]
)
def test_the_choice_can_be_left(
    choice: tuple[Terminal, RunningVm], key: str, status: int, said: str
) -> None:
    shell, _ = choice
    shell.press(key)
    assert shell.wait_for_end() == status
    assert said in shell.text
    assert "Traceback" not in shell.text
    assert shell.raw.endswith(b"\n")
    assert not shell.raw.endswith(b"\n\r\n")


def test_the_choice_is_waited_for_at_a_terminal_that_does_not_block(
    start_vm: StartVm, environment: dict[str, str], tmp_path: Path
) -> None:
    """As that on which a program has ended that has set it so."""
    set_so = "import os, sys; os.set_blocking(0, False); os.execv(sys.argv[1], sys.argv[1:])"
    vms = start_vm(name="first"), start_vm(name="second")
    command = [sys.executable, "-c", set_so, *only_command(*vms)]
    shell = Terminal(command, environment, tmp_path, columns=100)
    shell.wait_for(r"^Which VM\? \[1-2\]$")
    shell.type("2\r")
    shell.wait_for("^second, QEMU ")
    shell.end()


def test_at_a_terminal_the_only_vm_is_named(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path
) -> None:
    shell = Terminal(only_command(vm), environment, tmp_path, columns=120)
    try:
        shell.wait_for(f"^qmp-shell: the only VM found is testvm .* at {vm.address}$")
        shell.wait_for_prompt()
    finally:
        shell.end()


# Completion


def test_the_addresses_for_completion_have_descriptions(
    start_vm: StartVm, run: Run, folder: Path
) -> None:
    name = f"vm-{uuid.uuid4()}"
    odd = folder / "$(touch hacked).sock"
    vm = start_vm("-qmp", f"unix:{odd},server=on,wait=off", name=name)
    result = run("--complete", "qmp-shell ")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line for line in result.stdout.splitlines() if str(vm.process.pid) in line]
    about = f"{name}, PID {vm.process.pid}, pc, 64 MiB, free"
    assert lines == [f"{vm.address}\t{about}", f"{vm.second_address}\t{about}"]


def test_connect_completes_found_monitors(start_vm: StartVm, shell: Terminal) -> None:
    other = start_vm(name="another")
    shell.type(f".connect {other.address.removesuffix('.sock')}")
    shell.wait_for(rf"^ +{other.address} +another, PID {other.process.pid}, pc")
    assert not re.search(r"^ +qmp\.sock", shell.text, re.MULTILINE), "as a file once more"
    shell.press("tab")
    shell.wait_for(rf"^\(QEMU\) .connect {other.address}$")
    shell.press("enter")
    shell.wait_for("^attached to another, ")


def test_a_script_with_an_address_looks_at_no_process(vm: RunningVm) -> None:
    code = (
        "import atexit, sys; from qmp_shell.start import main;"
        "atexit.register(lambda: print(*(name for name in sys.modules if name.startswith("
        "('qmp_shell.discovery', 'qmp_shell.finding', 'qmp_shell.silence'))), file=sys.stderr));"
        "sys.exit(main())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, vm.address, "-c", "query-name"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (result.stdout, result.stderr) == (NAME_REPLY, "\n")
