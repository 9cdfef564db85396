"""What is understood of QEMU's command line: options in all their spellings, and any other text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.discovery.command_line import (
    AbstractTarget,
    CommandLine,
    DescriptorTarget,
    LibvirtTarget,
    Target,
    TcpTarget,
    UnixTarget,
    is_qemu,
    parse_command_line,
)

SERVER = "server=on,wait=off"


def parse(*options: str, program: str = "qemu-system-x86_64") -> CommandLine:
    """The command line of a QEMU with some options."""
    return parse_command_line([f"/usr/bin/{program}", *options])


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (("-qmp", f"unix:/run/vm.sock,{SERVER}"), UnixTarget("/run/vm.sock")),
        (("--qmp", f"unix:/run/vm.sock,{SERVER}"), UnixTarget("/run/vm.sock")),
        (("-qmp-pretty", f"unix:/run/vm.sock,{SERVER}"), UnixTarget("/run/vm.sock")),
        (("-qmp", "unix:vm.sock,server,nowait"), UnixTarget("vm.sock")),
        (("-qmp", "unix:/run/a,,b.sock,server=yes"), UnixTarget("/run/a,b.sock")),
        (("-qmp", f"unix:name,{SERVER},abstract=on"), AbstractTarget("name")),
        (("-qmp", f"tcp:127.0.0.1:4444,{SERVER}"), TcpTarget("127.0.0.1", 4444, tls=False)),
        (("-qmp", f"tcp::4444,{SERVER}"), TcpTarget("", 4444, tls=False)),
        (("-qmp", "tcp:host:4444,server,nowait"), TcpTarget("host", 4444, tls=False)),
        (
            ("-chardev", f"socket,id=c,path=/c.sock,{SERVER}", "-mon", "chardev=c,mode=control"),
            UnixTarget("/c.sock"),
        ),
        (
            ("-mon", "c,mode=control,pretty=on", "-chardev", "socket,path=/c,server=on,id=c"),
            UnixTarget("/c"),
        ),
        (
            ("-chardev", "socket,id=c,path=/c.sock,server=on", "-qmp", "chardev:c"),
            UnixTarget("/c.sock"),
        ),
        (
            ("-chardev", "socket,id=c,host=::1,port=44,server=on", "-mon", "c,mode=control"),
            TcpTarget("::1", 44, tls=False),
        ),
        (
            (
                *("-chardev", "socket,id=c,host=h,port=4,server=on,tls-creds=t"),
                *("-mon", "c,mode=control"),
            ),
            TcpTarget("h", 4, tls=True),
        ),
        (
            ("-chardev", "socket,id=c,fd=9,server=on", "-mon", "c,mode=control"),
            DescriptorTarget(9),
        ),
    ],
)
def test_a_monitor_is_found_in_each_notation(options: tuple[str, ...], target: Target) -> None:
    assert parse(*options).monitors == (target,)


@pytest.mark.parametrize(
    "options",
    [
        ("-qmp", "stdio"),
        ("-qmp", "unix:/run/vm.sock"),  # QEMU connects to it
        ("-qmp", "unix:/run/vm.sock,server=off"),
        ("-qmp", f"telnet:localhost:44,{SERVER}"),
        ("-qmp", f"tcp:localhost:44,{SERVER},telnet=on"),
        ("-qmp", f"tcp:localhost:http,{SERVER}"),
        ("-qmp", f"tcp:localhost:99999,{SERVER}"),
        ("-qmp", "chardev:nonesuch"),
        ("-qmp",),
        ("-monitor", f"unix:/run/human.sock,{SERVER}"),
        ("-chardev", f"socket,id=c,path=/c.sock,{SERVER}", "-mon", "chardev=c"),
        ("-chardev", f"socket,id=c,path=/c.sock,{SERVER}", "-mon", "c,mode=readline"),
        ("-chardev", f"socket,id=c,path=/c.sock,{SERVER}"),
        ("-chardev", "stdio,id=c", "-mon", "c,mode=control"),
        ("-append", "-qmp", f"unix:/run/vm.sock,{SERVER}"),
    ],
)
def test_what_cannot_be_connected_to_is_no_monitor(options: tuple[str, ...]) -> None:
    assert parse(*options).monitors == ()


@pytest.mark.parametrize(
    "monitor",
    [
        '{"qom-type":"monitor-qmp","id":"m","chardev":"c"}',
        "monitor-qmp,id=m,chardev=c",
        "qom-type=monitor-qmp,id=m,chardev=c",
    ],
)
def test_a_monitor_that_is_an_object_is_found(monitor: str) -> None:
    """So does libvirt 12 start QEMU 11."""
    chardev = "socket,id=c,path=/run/c.sock,server=on,wait=off"
    line = parse("-chardev", chardev, "-object", monitor)
    assert line.monitors == (UnixTarget("/run/c.sock"),)


@pytest.mark.parametrize(
    "value",
    [
        *('{"qom-type":"monitor-qmp","chardev":["c"]}', '{"monitor-qmp"', '["monitor-qmp"]'),
        *("monitor-qmp", '{"qom-type":"x","chardev":"c","id":"monitor-qmp"}'),
        '{"a":' * 5000 + '"monitor-qmp"',
    ],
)
def test_other_objects_are_no_monitors(value: str) -> None:
    chardev = "socket,id=c,path=/run/c.sock,server=on,wait=off"
    assert parse("-chardev", chardev, "-object", value).monitors == ()


def test_each_monitor_is_found_once_and_in_order() -> None:
    chardev = ("-chardev", f"socket,id=c,path=/b,{SERVER}")
    line = parse(
        *chardev, "-qmp", f"unix:/a,{SERVER}", "-mon", "c,mode=control", "-qmp", "chardev:c"
    )
    assert line.monitors == (UnixTarget("/a"), UnixTarget("/b"))


@pytest.mark.parametrize(
    ("options", "name", "machine", "memory"),
    [
        ((), "", "", None),
        (("-name", "web"), "web", "", None),
        (("-name", "web,debug-threads=on"), "web", "", None),
        (("-name", "guest=a,,b,process=qemu-web"), "a,b", "", None),
        (("--name", "web", "-name", "process=x"), "web", "", None),
        (("-M", "q35"), "", "q35", None),
        (("-machine", "type=pc-i440fx-7.2,accel=tcg"), "", "pc-i440fx-7.2", None),
        (("-M", "pc", "-machine", "usb=off"), "", "pc", None),
        (("-m", "512"), "", "", 512 << 20),
        (("-m", "1.5G"), "", "", 3 << 29),
        (("-m", "size=1048576k,slots=4,maxmem=8G"), "", "", 1 << 30),
        (("-m", "4G", "-m", "2G"), "", "", 2 << 30),
        (("-m", "much"), "", "", None),
        (("-m", "9" * 5000), "", "", None),
    ],
)
def test_a_vm_is_described(
    options: tuple[str, ...], name: str, machine: str, memory: int | None
) -> None:
    line = parse(*options)
    assert (line.name, line.machine, line.memory) == (name, machine, memory)


@pytest.mark.parametrize(
    "options",
    [
        ("--chardev", f"socket,path=/s.sock,{SERVER},id=c", "--monitor", "chardev=c"),
        (f"--chardev=socket,path=/s.sock,{SERVER},id=c", "--monitor=c,pretty=on"),
    ],
)
def test_all_monitors_of_a_storage_daemon_speak_qmp(options: tuple[str, ...]) -> None:
    line = parse(*options, program="qemu-storage-daemon")
    assert line.program == "qemu-storage-daemon"
    assert line.monitors == (UnixTarget("/s.sock"),)


# As libvirt 9 starts QEMU, but for what does not matter here.
LIBVIRT = (
    *("-name", "guest=web,debug-threads=on", "-S"),
    *("-object", '{"qom-type":"secret","id":"masterKey0","file":"{}domain-7-web/master-key.aes"}'),
    *("-machine", "pc-i440fx-7.2,usb=off,memory-backend=pc.ram", "-accel", "tcg", "-m", "64"),
    *("-chardev", "socket,id=charmonitor,fd=25,server=on,wait=off"),
    *("-mon", "chardev=charmonitor,id=monitor,mode=control"),
    *("-chardev", "socket,id=charchannel0,fd=24,server=on,wait=off"),
)


@pytest.mark.parametrize(
    ("folder", "is_system"),
    [("/var/lib/libvirt/qemu/", True), ("/home/me/.config/libvirt/qemu/lib/", False)],
)
def test_the_monitor_of_libvirt_is_told_from_others(folder: str, *, is_system: bool) -> None:
    options = [option.replace("{}", folder) for option in LIBVIRT]
    extra = ("-qmp", f"unix:/run/extra.sock,{SERVER}")
    line = parse(*options, *extra)
    assert line.monitors == (LibvirtTarget(is_system), UnixTarget("/run/extra.sock"))
    assert (line.name, line.machine, line.memory) == ("web", "pc-i440fx-7.2", 64 << 20)


def test_the_monitor_of_an_old_libvirt_is_at_a_path() -> None:
    path = "/var/lib/libvirt/qemu/domain-1-web/monitor.sock"
    chardev = ("-chardev", f"socket,id=charmonitor,path={path},server,nowait")
    line = parse("-name", "web", *chardev, "-mon", "chardev=charmonitor,id=monitor,mode=control")
    assert line.monitors == (LibvirtTarget(is_system=True),)


def test_a_chardev_with_the_name_of_libvirts_is_not_enough() -> None:
    chardev = ("-chardev", f"socket,id=charmonitor,path=/run/mine.sock,{SERVER}")
    line = parse(*chardev, "-mon", "charmonitor,mode=control")
    assert line.monitors == (UnixTarget("/run/mine.sock"),)


@pytest.mark.parametrize(
    "program",
    [
        *("qemu-system-x86_64", "/usr/bin/qemu-system-aarch64", "/usr/libexec/qemu-kvm"),
        *("/usr/bin/kvm", ".qemu-system-x86_64-wrapped", "qemu-storage-daemon"),
    ],
)
def test_qemu_is_recognized(program: str) -> None:
    assert is_qemu(program)


@pytest.mark.parametrize(
    "program",
    ["", "qemu-img", "/usr/bin/qmp-shell-wrap", "vi", "/srv/qemu-system-x86_64/run", "kvmd"],
)
def test_other_programs_are_not_taken_for_qemu(program: str) -> None:
    assert not is_qemu(program)


_WORDS = st.sampled_from(
    [
        *("-qmp", "--qmp", "-mon", "-chardev", "-name", "-m", "-M", "-monitor", "--monitor="),
        *("unix:", "tcp:", "socket,id=c,path=", "chardev:c", "c,mode=control", "server=on", "c"),
        *(",", ",,", "=", "host=", "port=", "fd=", "guest=", "charmonitor", "1e9", "9" * 30, "²"),
    ]
)


@given(st.lists(st.lists(_WORDS | st.text(), max_size=5).map("".join), max_size=12))
def test_any_command_line_can_be_read(arguments: list[str]) -> None:
    for line in (arguments, ["qemu-storage-daemon", *arguments], ["qemu-system-x", *arguments]):
        found = parse_command_line(line, "/usr/bin/kvm")
        assert isinstance(found.name, str)
        assert all(isinstance(each, tuple) for each in found.monitors)
