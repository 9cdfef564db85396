"""Fuzz target: what other processes say of themselves, and what is shown of them."""

from __future__ import annotations

import json
import os

from qmp_shell.discovery import FoundMonitor, FoundProcess, FoundVm
from qmp_shell.discovery.command_line import UnixTarget, parse_command_line
from qmp_shell.discovery.unix_sockets import parse_table
from qmp_shell.render.views import Look
from qmp_shell.render.vms import describe_monitor, draw_vms, format_process, format_vm_json
from tests.fuzz.source import CHARACTERS, Source
from tests.json_values import controls

# Parts of command lines, the arguments of which are divided by newlines, and of /proc/net/unix.
WORDS = (
    *CHARACTERS,
    *("-qmp\n", "-qmp-pretty\n", "-mon\n", "-chardev\n", "-name\n", "-M\n", "-m\n", "--monitor\n"),
    *("unix:", "tcp:", "telnet:", "chardev:", "mon:", "socket,", "id=c", ",mode=control", "c"),
    *("path=", "host=", "port=", "fd=", ",server=on", ",server", ",nowait", ",abstract=on"),
    *("guest=", "type=", "size=", ",,", ",", "=", ":", "1G", "1.5", "9" * 30, "4444", "\n"),
    *("charmonitor", "/libvirt/", "/var/lib/libvirt/", "qemu-storage-daemon\n", "--monitor="),
    *("0: 2 0 ", "00010000 ", "00000000 ", "0001 ", "01 ", "03 ", "02 ", "77 ", "/vm.sock", "@"),
    *("python3\n", "-c\n", "password=x", "qmp-shell\n"),
)
LOOKS = [
    Look(colour=False, ascii_only=True),
    Look(colour=False, ascii_only=True, find_width=lambda: 30),
]


def check(data: bytes) -> None:
    """A command line, and a table of sockets."""
    table = Source(data).text(WORDS).encode("utf-8", "surrogatepass")
    text = os.fsdecode(table)
    for socket in parse_table(b"heading\n" + table):
        assert socket.inode >= 0
    arguments = tuple(text.split("\n"))
    for program in ("qemu-system-x86_64", ""):
        line = parse_command_line(arguments, program)
        assert line.memory is None or line.memory >= 0
        process = FoundProcess(7, arguments)
        monitors = tuple(
            FoundMonitor(target.path, is_busy=True, holder=process)
            for target in line.monitors
            if isinstance(target, UnixTarget)
        )
        _check_shown(
            FoundVm(
                5, line.program, line.name, line.machine, line.memory, 1.0, "", True, "", monitors
            )
        )
        shown = format_process(process)
        assert controls(shown) == ""
        assert "\n" not in shown


def _check_shown(vm: FoundVm) -> None:
    for look in LOOKS:
        assert controls(draw_vms([vm], look, with_users=True)) == ""
    assert json.loads(format_vm_json(vm))["name"] == (vm.name or None)
    for monitor in vm.monitors:
        shown = describe_monitor(vm, monitor)
        assert controls(shown) == ""
        assert not set("\n\t") & set(shown)
