"""What other processes say of themselves is not trusted: made-up processes, sockets and tables."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.discovery import FoundMonitor, FoundProcess, FoundVm, Processes, find_vms, read_vm
from qmp_shell.discovery import libvirt as libvirt_module
from qmp_shell.discovery.tcp_sockets import End, TcpSocket, list_tcp_sockets
from qmp_shell.discovery.unix_sockets import UnixSocket, parse_table
from qmp_shell.render.views import Look
from qmp_shell.render.vms import (
    describe_monitor,
    draw_vms,
    format_process,
    format_state,
    format_vm_json,
)
from qmp_shell.transport import parse_address
from tests.fake_proc import FakeProc
from tests.json_values import controls

QEMU = "/usr/bin/qemu-system-x86_64"
LOOK = Look(colour=False, ascii_only=True)
NARROW_LOOK = LOOK.replaced(find_width=lambda: 20)
STRANGER = 54321  # a user who is not the one of the tests


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path / "proc")


@pytest.fixture
def listener(folder: Path) -> Iterator[Path]:
    """The path of a UNIX socket on which somebody listens."""
    path = folder / "vm.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        yield path


def find(proc: FakeProc) -> list[FoundVm]:
    return find_vms(Processes(proc.root), proxmox_folder="/nonesuch")


def find_monitor(proc: FakeProc) -> FoundMonitor:
    """The only monitor of the only VM."""
    [vm] = find(proc)
    [monitor] = vm.monitors
    return monitor


def monitor_option(path: str | Path) -> tuple[str, str]:
    return "-qmp", f"unix:{path},server=on,wait=off"


# Which processes are VMs, and whose


def test_a_process_is_recognized_by_its_command_line_or_its_program(proc: FakeProc) -> None:
    proc.add(5, [QEMU, "-name", "a"])
    proc.add(6, ["my vm", "-name", "b"], program=f"{QEMU} (deleted)")
    proc.add(7, ["/usr/bin/vi", QEMU], program="/usr/bin/vi")
    proc.add(8, [], program=QEMU)  # it is ending
    assert [(vm.pid, vm.program, vm.name) for vm in find(proc)] == [
        (5, "qemu-system-x86_64", "a"),
        (6, "qemu-system-x86_64", "b"),
    ]


def test_vms_of_others_are_found_for_root_only(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(5, [QEMU], user=STRANGER)
    proc.add(6, [QEMU], user=0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [(vm.pid, vm.user) for vm in find(proc)] == [(5, str(STRANGER)), (6, "root")]
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert [vm.pid for vm in find(proc)] == [5]
    assert read_vm(6, Processes(proc.root)) is None


def test_vms_are_sorted_by_name(proc: FakeProc) -> None:
    for pid, name in ((5, "web"), (6, "db"), (7, "web")):
        proc.add(pid, [QEMU, "-name", name])
    assert [vm.pid for vm in find(proc)] == [6, 5, 7]


def test_a_folder_that_is_no_proc_has_no_vms(tmp_path: Path) -> None:
    assert find_vms(Processes(str(tmp_path)), proxmox_folder="/nonesuch") == []
    assert find_vms(Processes(str(tmp_path / "none")), proxmox_folder="/nonesuch") == []


# Where a monitor is


def test_a_relative_path_begins_in_the_working_directory(proc: FakeProc, listener: Path) -> None:
    proc.add(5, [QEMU, *monitor_option(listener.name)], cwd=str(listener.parent))
    assert find_monitor(proc).address == str(listener)


def test_a_daemon_has_left_the_directory_that_it_was_started_in(
    proc: FakeProc, listener: Path
) -> None:
    environment = b"A=B\0PWD=" + os.fsencode(listener.parent) + b"\0C=D"
    proc.add(5, [QEMU, *monitor_option(listener.name)], environment=environment)
    assert find_monitor(proc) == FoundMonitor(str(listener))


@pytest.mark.parametrize("environment", [b"", b"PWD=x", b"PWD=/nonesuch", b"PWD", b"\0\0"])
def test_a_relative_path_that_leads_nowhere_is_told(proc: FakeProc, environment: bytes) -> None:
    proc.add(5, [QEMU, *monitor_option("gone.sock")], environment=environment)
    assert find_monitor(proc).problem == "there is no such socket any more"


def test_a_file_that_is_no_socket_is_not_one(proc: FakeProc, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    proc.add(5, [QEMU, *monitor_option(tmp_path / "file")])
    assert find_monitor(proc).problem == "there is no such socket any more"


def test_a_socket_in_a_container_is_reached_through_the_process(
    proc: FakeProc, listener: Path
) -> None:
    elsewhere = {"mnt": "mnt:[2]"}
    root = listener.parent
    process = proc.add(5, [QEMU, *monitor_option("/vm.sock")], root=root, namespaces=elsewhere)
    assert find_monitor(proc) == FoundMonitor(f"{process}/root/vm.sock")


def test_a_socket_below_another_root_is_reached_through_the_process(
    proc: FakeProc, listener: Path
) -> None:
    process = proc.add(5, [QEMU, *monitor_option("/vm.sock")], root=listener.parent)
    assert find_monitor(proc) == FoundMonitor(f"{process}/root/vm.sock")


def test_a_socket_that_was_made_before_the_root_was_changed_has_its_own_path(
    proc: FakeProc, listener: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    proc.add(5, [QEMU, *monitor_option(listener)], root=tmp_path / "empty")
    assert find_monitor(proc) == FoundMonitor(str(listener))


def test_a_socket_that_a_container_shares_has_its_own_path(proc: FakeProc, listener: Path) -> None:
    elsewhere = {"mnt": "mnt:[2]"}
    proc.add(5, [QEMU, *monitor_option(listener)], namespaces=elsewhere)
    assert find_monitor(proc) == FoundMonitor(str(listener))


def test_a_socket_of_a_container_that_cannot_be_entered_is_told(
    proc: FakeProc, listener: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)], namespaces={"mnt": "mnt:[2]"})
    real_stat = os.stat

    def stat(path: str) -> os.stat_result:
        if "/root/" in path:
            raise PermissionError
        return real_stat(path)

    monkeypatch.setattr(os, "stat", stat)
    assert find_monitor(proc).problem == "in another mount namespace, as of a container"


@pytest.mark.parametrize(
    "option", ["unix:name,server=on,abstract=on", "tcp:127.0.0.1:4444,server=on"]
)
def test_a_name_or_port_of_another_network_cannot_be_reached(proc: FakeProc, option: str) -> None:
    proc.add(5, [QEMU, "-qmp", option], namespaces={"net": "net:[2]"})
    assert find_monitor(proc).problem == "in another network namespace, as of a container"


def test_a_socket_without_permission_is_told(
    proc: FakeProc, listener: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)])
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert find_monitor(proc).problem == "permission denied"


def test_an_address_that_would_be_read_as_another_one_is_not_used(
    proc: FakeProc, folder: Path
) -> None:
    """Its name ends as QEMU's own options do."""
    path = folder / "vm,server=on"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        proc.add(5, [QEMU, *monitor_option(f"{folder}/vm,,server=on")])
        assert find_monitor(proc).problem == "it has a name that cannot be written as an address"


@pytest.mark.parametrize("host", ["exec", "ssh", "fd", "unix", "a b", "-x", "\x1b[31m", "é\n"])
def test_no_host_becomes_an_address_of_another_kind(proc: FakeProc, host: str) -> None:
    proc.add(5, [QEMU, "-qmp", f"tcp:{host}:4444,server=on"])
    monitor = find_monitor(proc)
    assert monitor.problem or parse_address(monitor.address).__class__.__name__ == "TcpAddress"


def test_an_inherited_socket_is_found_by_its_descriptor(proc: FakeProc, listener: Path) -> None:
    chardev = ("-chardev", "socket,id=c,fd=9,server=on", "-mon", "c,mode=control")
    proc.add(5, [QEMU, *chardev], descriptors={9: 70})
    proc.add(6, [QEMU, *chardev], descriptors={8: 70})
    proc.set_unix_sockets(f"00010000 0001 01 70 {listener}")
    first, second = find(proc)
    assert first.monitors == (FoundMonitor(str(listener), is_busy=False),)
    assert second.monitors == ()


# Who is connected


def test_sockets_of_other_processes_with_the_same_name_do_not_count(
    proc: FakeProc, listener: Path
) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)], descriptors={3: 70})
    proc.set_unix_sockets(
        f"00010000 0001 01 70 {listener}",
        f"00010000 0001 01 80 {listener}",
        f"00000000 0001 03 81 {listener}",
    )
    assert find_monitor(proc).is_busy is False


def test_what_a_process_only_claims_to_listen_at_is_told(proc: FakeProc, listener: Path) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)], descriptors={3: 71})
    proc.set_unix_sockets(f"00010000 0001 01 70 {listener}")
    assert find_monitor(proc).problem == "nobody listens there any more"


def test_a_client_that_waits_does_not_make_a_monitor_busy(proc: FakeProc, listener: Path) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)], descriptors={3: 70})
    listening, waiting = f"00010000 0001 01 70 {listener}", f"00000000 0001 02     0 {listener}"
    proc.set_unix_sockets(listening, waiting)
    assert find_monitor(proc).is_busy is False
    proc.set_unix_sockets(listening, waiting, f"00000000 0001 03 72 {listener}")
    assert find_monitor(proc).is_busy is False, "it is the socket of another process"


def test_a_process_whose_sockets_are_not_known_is_judged_by_names(
    proc: FakeProc, listener: Path
) -> None:
    proc.add(5, [QEMU, *monitor_option(listener)])
    proc.set_unix_sockets()
    assert find_monitor(proc).is_busy is None
    listening, waiting = f"00010000 0001 01 70 {listener}", f"00000000 0001 02     0 {listener}"
    proc.set_unix_sockets(listening, waiting)
    assert find_monitor(proc).is_busy is False
    proc.set_unix_sockets(listening, f"00000000 0001 03 72 {listener}")
    monitor = find_monitor(proc)
    assert (monitor.is_busy, monitor.holder) == (True, None)
    assert format_state(monitor) == "busy: another client"


def test_a_listener_in_another_network_has_clients_in_this_one(
    proc: FakeProc, listener: Path
) -> None:
    elsewhere = {"net": "net:[2]"}
    descriptors = {3: 70, 4: 72}
    proc.add(5, [QEMU, *monitor_option(listener)], descriptors=descriptors, namespaces=elsewhere)
    proc.set_unix_sockets(f"00010000 0001 01 70 {listener}", pid=5)
    proc.set_unix_sockets()
    assert find_monitor(proc).is_busy is False
    proc.set_unix_sockets(f"00000000 0001 03 72 {listener}")
    assert find_monitor(proc).is_busy is True


def test_the_client_of_a_port_is_found_by_both_ends(proc: FakeProc) -> None:
    proc.add(5, [QEMU, "-qmp", "tcp:127.0.0.1:4444,server=on"], descriptors={3: 70, 4: 71})
    proc.add(6, ["/usr/bin/nc", "localhost", "4444"], descriptors={3: 72})
    proc.set_tcp_sockets(
        "0100007F:115C 00000000:0000 0A 70",
        "0100007F:115C 0100007F:C350 01 71",
        "0100007F:C350 0100007F:115C 01 72",
    )
    monitor = find_monitor(proc)
    assert monitor.address == "127.0.0.1:4444"
    assert monitor.holder == FoundProcess(6, ("/usr/bin/nc", "localhost", "4444"))
    assert format_state(monitor) == "busy: PID 6 (nc localhost 4444)"


def test_the_client_of_a_port_may_be_on_another_host(proc: FakeProc) -> None:
    proc.add(5, [QEMU, "-qmp", "tcp::4444,server=on"], descriptors={3: 70, 4: 71})
    proc.set_tcp_sockets("00000000:115C 00000000:0000 0A 70", "0200000A:115C 0300000A:C350 01 71")
    monitor = find_monitor(proc)
    assert monitor.address == "localhost:4444"
    assert format_state(monitor) == "busy: a client on 10.0.0.3"
    proc.set_tcp_sockets("00000000:115C 00000000:0000 0A 70", "0200000A:115C 0300000A:C350 01 0")
    assert find_monitor(proc).is_busy is False, "it has not been accepted"


def test_ipv6_and_mapped_ipv4_are_read(proc: FakeProc) -> None:
    mapped, host = f"{'0' * 16}FFFF0000{'0100007F'}", f"{'0' * 24}01000000"
    lines = (f"{mapped}:115C {mapped}:C350 01 71", f"{host}:115C {host}:0000 0A 70")
    proc.set_tcp_sockets(*lines, name="tcp6")
    first, second = list_tcp_sockets(Processes(proc.root))
    local, remote = End(bytes((127, 0, 0, 1)), 4444), End(bytes((127, 0, 0, 1)), 50000)
    assert first == TcpSocket(71, False, local, remote)
    assert second.is_listening
    assert (first.local.text, second.local.text) == ("127.0.0.1", "::1")


# libvirt and Proxmox

CHARMONITOR = (
    "-chardev",
    "socket,id=charmonitor,fd=25,server=on",
    "-mon",
    "charmonitor,mode=control",
)
SYSTEM = ("-object", "file=/var/lib/libvirt/qemu/domain-1-web/master-key.aes")


@pytest.fixture
def daemon_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for the socket of libvirt's daemon for all users."""
    path = tmp_path / "libvirt-sock"
    monkeypatch.setattr(libvirt_module, "_SYSTEM_SOCKETS", (str(path),))
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    return path


@pytest.mark.parametrize(
    ("user", "options", "address", "problem"),
    [
        (0, SYSTEM, "libvirt:web", ""),
        (0, (), "libvirt:qemu:///session#web", "in the libvirt session of its user"),
        (STRANGER, SYSTEM, "libvirt:qemu:///system#web", ""),
        (STRANGER, (), "libvirt:web", ""),
    ],
)
def test_a_vm_of_libvirt_is_addressed_through_it(
    proc: FakeProc,
    daemon_socket: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    options: tuple[str, ...],
    address: str,
    problem: str,
) -> None:
    daemon_socket.touch()
    owner = 0 if options else STRANGER
    proc.add(5, [QEMU, "-name", "guest=web", *options, *CHARMONITOR], user=owner)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    [vm] = find(proc)
    assert vm.manager == "libvirt"
    assert vm.monitors == (FoundMonitor(address, is_busy=False, problem=problem),)


def test_vms_of_a_daemon_that_may_not_be_asked_are_strangers(
    proc: FakeProc, daemon_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(5, [QEMU, "-name", "web", *SYSTEM, *CHARMONITOR], user=STRANGER - 1)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert find(proc) == []
    daemon_socket.touch()
    assert [vm.name for vm in find(proc)] == ["web"]


def test_the_usual_connection_of_libvirt_is_that_of_the_environment(
    proc: FakeProc, daemon_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon_socket.touch()
    proc.add(5, [QEMU, "-name", "web", *SYSTEM, *CHARMONITOR])
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu:///system")
    assert find_monitor(proc).address == "libvirt:web"
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://far/system")
    assert find_monitor(proc).address == "libvirt:qemu:///system#web"


def test_the_name_of_a_domain_may_have_a_hash(daemon_socket: Path, proc: FakeProc) -> None:
    daemon_socket.touch()
    proc.add(5, [QEMU, "-name", "a#b", *SYSTEM, *CHARMONITOR])
    assert find_monitor(proc).address.endswith("#a#b")
    assert find_monitor(proc).problem == ""


def test_a_domain_that_cannot_be_addressed_is_told(daemon_socket: Path, proc: FakeProc) -> None:
    daemon_socket.touch()
    proc.add(5, [QEMU, "-name", "a/b", *SYSTEM, *CHARMONITOR])
    assert find_monitor(proc).problem == "it has a name that cannot be written as an address"


def test_proxmox_vms_without_a_visible_process_are_found_by_their_files(
    proc: FakeProc, folder: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for number, server in ((100, first), (101, second)):
            server.bind(str(folder / f"{number}.qmp"))
        (folder / "102.qmp").touch()
        (folder / "100.pid").touch()
        proc.add(5, [QEMU, "-id", "100", "-name", "web", *monitor_option(folder / "100.qmp")])
        listening = (f"00010000 0001 01 {inode} {folder}/{inode}.qmp" for inode in (100, 101))
        proc.set_unix_sockets(*listening)
        unseen, seen = find_vms(Processes(proc.root), proxmox_folder=str(folder))
    assert (seen.pid, seen.name, seen.manager) == (5, "web", "proxmox")
    assert (unseen.pid, unseen.name, unseen.manager) == (None, "101", "proxmox")
    assert unseen.monitors == (FoundMonitor(str(folder / "101.qmp"), is_busy=False),)


def test_the_process_itself_is_called_this_shell() -> None:
    assert format_process(FoundProcess(os.getpid(), ("qmp-shell", "vm.sock"))) == "this shell"


# Hostile texts

NASTY = (
    *("\x1b[31mred\x1b]0;title\x07", "two\nlines\tand tabs", "\u202eevil\u200b", "\udcff\udc80"),
    *("[bold]markup[/]", "x" * 100_000, "'; rm -rf /", "$(touch hacked)", "-c", "\x9b31m", ""),
)


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_process_says_is_shown_without_harm(proc: FakeProc, nasty: str) -> None:
    name = nasty.replace(",", "")
    options = ("-name", f"guest={name}", "-M", nasty, "-m", nasty, *monitor_option(f"/{nasty}"))
    proc.add(5, [QEMU, *options, "-qmp", f"unix:{nasty},server=on,abstract=on"])
    proc.add(6, [nasty, nasty], descriptors={3: 72})
    vms = find(proc)
    assert len(vms) == 1
    for look in (LOOK, NARROW_LOOK):
        assert controls(draw_vms(vms, look, with_users=True)) == ""
    for monitor in vms[0].monitors:
        line = describe_monitor(vms[0], monitor)
        assert controls(line) == ""
        assert not set(line) & set("\n\t")
        assert len(line) < 500
    line = format_vm_json(vms[0])
    assert line.isascii()
    assert json.loads(line)["name"] == (name or None)
    text = format_process(FoundProcess(6, (nasty, nasty)))
    assert controls(text) == ""
    assert "\n" not in text
    assert len(text) < 100


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("status", each) for each in (b"", b"Uid:\n", b"Uid:\tx\ty\n", b"Name:\tUid:\t0\t0\n")),
        *(("stat", each) for each in (b"", b"5 (x) S", b"5 (x) " + b"x " * 60, b"\xff" * 100)),
        *(("cmdline", each) for each in (b"\0", b"\0\0\0", b"\xff\xfe", b"a" * 3_000_000)),
    ],
)
def test_a_file_of_a_process_may_hold_anything(proc: FakeProc, name: str, content: bytes) -> None:
    folder = proc.add(5, [QEMU], program=QEMU)
    (folder / name).write_bytes(content)
    processes = Processes(proc.root)
    processes.age(5)
    assert len(processes.process(5).arguments) < 10
    assert processes.user(5) == (None if name == "status" else os.geteuid())
    find(proc)


@pytest.mark.parametrize(
    "name", ["cmdline", "status", "stat", "environ", "fd", "ns", "cwd", "root"]
)
def test_a_process_may_end_at_any_moment(proc: FakeProc, name: str) -> None:
    """Each of its files may be gone when it is looked at."""
    folder = proc.add(5, [QEMU, *monitor_option("vm.sock")], program=QEMU, descriptors={})
    if (folder / name).is_dir() and not (folder / name).is_symlink():
        (folder / name).rename(folder / "moved")
    else:
        (folder / name).unlink()
    vms = find(proc)
    assert all(monitor.problem for vm in vms for monitor in vm.monitors)
    assert Processes(proc.root).find_owners([1, 2]) == {}


def test_the_owner_of_a_shared_socket_is_the_oldest_process(proc: FakeProc) -> None:
    for pid in (*range(100, 120), *range(99, 90, -1)):
        proc.add(pid, ["/usr/bin/client", str(pid)], descriptors={3: 70, 4: 71})
    proc.add(50, ["/usr/bin/other"], descriptors={})
    owners = Processes(proc.root).find_owners([70, 71, 72])
    assert owners == {inode: FoundProcess(91, ("/usr/bin/client", "91")) for inode in (70, 71)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"0: 2 0 00010000 0001 01 77 /a b", [UnixSocket(77, b"/a b", is_listening=True)]),
        (b"0: 2 0 00010000 0001 01    77 @a@b", [UnixSocket(77, b"\0a@b", is_listening=True)]),
        (b"0: 3 0 00000000 0001 03 78 /a", [UnixSocket(78, b"/a", is_listening=False)]),
        (b"0: 3 0 00000000 0001 03 78", [UnixSocket(78, b"", is_listening=False)]),
        (b"0: 3 0 00000000 0001 02     0 /a", [UnixSocket(0, b"/a", is_listening=False)]),
        (b"0: 3 0 00000000 0001 03     0 /a", []),
        (b"0: 3 0 00000000 0002 01 78 /a", []),
        (b"0: 3 0 x 0001 03 78 /a", []),
        (b"forged", []),
        (b"", []),
    ],
)
def test_a_line_of_the_table_of_sockets(line: bytes, expected: list[UnixSocket]) -> None:
    assert parse_table(b"heading\n" + line + b"\n") == expected


@given(st.binary())
def test_any_table_of_sockets_can_be_read(table: bytes) -> None:
    for each in parse_table(b"heading\n" + table):
        assert each.inode >= 0


@given(table=st.lists(st.text("0123456789ABCDEF: x", max_size=40), max_size=12).map("\n".join))
def test_any_table_of_ports_can_be_read(
    table: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    proc = FakeProc(tmp_path_factory.mktemp("proc"))
    (Path(proc.root) / "self" / "net").mkdir()
    (Path(proc.root) / "self" / "net" / "tcp").write_text("heading\n" + table)
    for each in list_tcp_sockets(Processes(proc.root)):
        assert isinstance(each.local.text, str)
