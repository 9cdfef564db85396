"""The VMs of this host as text: a table, JSON for a program, one line, and who holds a monitor."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import dropwhile

from ..output import SafeText
from ..static_typing import TYPE_CHECKING
from .parts import Node, Part, join_parts
from .quantities import format_duration, format_size
from .text import format_compact, sanitize_line, shorten

if TYPE_CHECKING:
    from ..discovery import FoundMonitor, FoundProcess, FoundVm, Use
    from .views import Look

_HEADINGS = ("number", "name", "pid", "machine", "memory", "uptime", "user", "monitor", "state")
_ALIGNED_RIGHT = ("number", "pid", "memory")
# What stands before a text that no heading explains.
_LABELS = {"pid": "PID ", "uptime": "up "}
_WIDEST = {"state": 24}  # columns; longer ones may be wrapped
_GAP = 2  # columns between two columns
_UNKNOWN = "-"
_STORAGE_DAEMON = "storage-daemon"  # what stands for the machine of a program that has none
_NO_MONITOR = "no QMP monitor to connect to"
# Programs whose first argument says more of what runs than their own name, and what may stand
# before that, of Python.
_FLAG = re.compile("-[A-Zbdiqsuvx]+")
_INTERPRETER = re.compile(r"python[0-9.]*|perl|ruby|node|(?:ba|da|z)?sh")
_LONGEST_COMMAND = 50
_SHELLS = (["qmp-shell"], ["qmp-shell-wrap"])


def draw_vms(
    vms: Sequence[FoundVm], look: Look, *, with_users: bool, is_choice: bool = False
) -> SafeText:
    """A table: a row for each monitor. Where there is no room for it, a tree.

    :param with_users: tell whose they are.
    :param is_choice: give each VM a number, and tell only of its best monitor.
    """
    if is_choice:
        vms = [vm._replace(monitors=(vm.best_monitor,)) for vm in vms if vm.best_monitor]
    left_out = {"number": not is_choice, "user": not with_users}
    headings = [each for each in _HEADINGS if not left_out.get(each)]
    blocks = [_make_rows(vm, number) for number, vm in enumerate(vms, 1)]
    rows = [row for block in blocks for row in block]
    width = look.find_width()
    if width is None or _find_width(headings, rows) <= width:
        return _draw_table(headings, rows, look)
    from .tree import draw_forest

    return draw_forest((_make_node(headings, block) for block in blocks), look)


def _make_rows(vm: FoundVm, number: int) -> list[Mapping[str, str]]:
    """A row for each monitor of a VM, the first of them with what there is to say of the VM."""
    daemon = _STORAGE_DAEMON * vm.program.endswith(_STORAGE_DAEMON)
    about = {
        "number": str(number),
        "name": shorten(vm.name),
        "pid": "" if vm.pid is None else str(vm.pid),
        "machine": shorten(vm.machine or daemon),
        "memory": format_size(vm.memory),
        "uptime": "" if vm.uptime is None else format_duration(vm.uptime),
        "user": shorten(vm.user),
    }
    first = {heading: text.strip() or _UNKNOWN for heading, text in about.items()}
    if not vm.monitors:
        return [{**first, "monitor": _UNKNOWN, "state": _NO_MONITOR}]
    monitors = [
        {"monitor": sanitize_line(each.address), "state": format_state(each)}
        for each in vm.monitors
    ]
    return [{**first, **monitors[0]}, *monitors[1:]]


def _find_width(headings: Sequence[str], rows: Sequence[Mapping[str, str]]) -> int:
    """How many columns of a terminal a table needs at least."""
    from rich.cells import cell_len

    widths = []
    for heading in headings:
        widest = max(cell_len(row.get(heading, "")) for row in rows)
        widths.append(max(len(heading), min(widest, _WIDEST.get(heading, widest))))
    return sum(widths) + _GAP * (len(widths) - 1)


def _draw_table(headings: Sequence[str], rows: Sequence[Mapping[str, str]], look: Look) -> SafeText:
    from rich.table import Table

    from .drawing import draw_table, make_text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for heading in headings:
        table.add_column(
            make_text(Part("" if heading == "number" else heading, "bold")),
            justify="right" if heading in _ALIGNED_RIGHT else "left",
            no_wrap=heading not in _WIDEST,
        )
    for row in rows:
        table.add_row(*(make_text(Part(row.get(heading, ""))) for heading in headings))
    return draw_table(table, look)


def _make_node(headings: Sequence[str], block: Sequence[Mapping[str, str]]) -> Node:
    about = (
        Part(_LABELS.get(each, "") + block[0][each], "bold" * (each == "name"))
        for each in headings
        if each not in ("monitor", "state") and block[0][each] != _UNKNOWN
    )
    cells = ([row["monitor"], row["state"]] for row in block)
    monitors = (join_parts(Part(cell) for cell in row if cell != _UNKNOWN) for row in cells)
    return Node(join_parts(about), [Node(each) for each in monitors])


def format_state(monitor: FoundMonitor) -> SafeText:
    """Whether a monitor can be connected to, and who holds it."""
    if monitor.problem:
        return sanitize_line(monitor.problem)
    if monitor.is_busy is None:
        return SafeText(_UNKNOWN)
    if not monitor.is_busy:
        return SafeText("through libvirt" if monitor.address.startswith("libvirt:") else "free")
    return SafeText(f"busy: {_format_client(monitor.holder, _find_host(monitor))}")


def _find_host(monitor: FoundMonitor) -> str:
    return monitor.client.host if monitor.client is not None else ""


def _format_client(holder: FoundProcess | None, host: str) -> SafeText:
    if holder is not None:
        return format_process(holder)
    return sanitize_line(f"a client on {host}" if host else "another client")


def format_process(process: FoundProcess) -> SafeText:
    """A process as people know it: ``PID 77 (qmp-shell vm.sock)``."""
    if process.pid == os.getpid():
        return SafeText("this shell")
    command = _format_command(process)
    return SafeText(f"PID {process.pid} ({command})" if command else f"PID {process.pid}")


def _format_command(process: FoundProcess) -> SafeText:
    """A command line in short, without the interpreter of a script, and without secrets."""
    from ..language.secrets import may_hold_secret

    words = _command_words(process)
    text = " ".join(words)
    return shorten(words[0] if words and may_hold_secret(text) else text, _LONGEST_COMMAND)


def _command_words(process: FoundProcess) -> list[str]:
    program, *words = [*process.arguments] or [""]
    name = _name_of(program)
    if _INTERPRETER.fullmatch(name):
        script = [*dropwhile(_FLAG.fullmatch, words)]
        if script and not script[0].startswith("-"):
            return [_name_of(script[0]), *script[1:]]
    return [name, *words] if name else words


def _name_of(path: str) -> str:
    return os.path.basename(path).removesuffix(".pyz")


def describe_monitor(vm: FoundVm, monitor: FoundMonitor) -> SafeText:
    """A VM and the state of one of its monitors, on one line."""
    row = _make_rows(vm, 0)[0]
    known = [each for each in ("name", "pid", "machine", "memory") if row[each] != _UNKNOWN]
    about = [_LABELS.get(each, "") + row[each] for each in known]
    return SafeText(", ".join([*about, format_state(monitor)]).replace("\t", " "))


def format_vm_json(vm: FoundVm) -> SafeText:
    """A VM as one line of JSON, with members that stay the same."""
    return format_compact(
        {
            "name": vm.name or None,
            "pid": vm.pid,
            "program": vm.program or None,
            "machine": vm.machine or None,
            "memory": vm.memory,
            "uptime": None if vm.uptime is None else int(vm.uptime),
            "user": vm.user or None,
            "manager": vm.manager or None,
            "monitors": [_make_monitor_json(each) for each in vm.monitors],
        }
    )


def _make_monitor_json(monitor: FoundMonitor) -> dict[str, object]:
    holder, host = monitor.holder, _find_host(monitor)
    is_known = holder is not None or host != ""
    return {
        "address": monitor.address,
        "busy": monitor.is_busy,
        "holder": {
            "pid": holder.pid if holder is not None else None,
            "command": _format_command(holder) if holder is not None else None,
            "host": host or None,
        }
        if is_known
        else None,
        "problem": monitor.problem or None,
    }


def format_choice(vm: FoundVm, monitor: FoundMonitor) -> SafeText:
    """Which VM was chosen, and how it is reached."""
    about = [f"PID {vm.pid}"] if vm.pid is not None else []
    if vm.user and not vm.is_own:
        about.append(f"user {shorten(vm.user)}")
    what = f" ({', '.join(about)})" if about else ""
    return SafeText(
        f"{shorten(vm.name).strip() or 'a VM'}{what} at {sanitize_line(monitor.address)}"
    )


def explain_busy(use: Use, vm: FoundVm | None, *, agent: bool = False) -> SafeText:
    """Who holds a monitor, and what to do.

    :param vm: the VM; None: it is not known.
    :param agent: it is the channel of a guest agent.
    """
    way_out = _find_way_to_agent(vm) if agent else _find_way_out(use, vm)
    return SafeText(
        f"held by {format_holder(use)}, and QEMU serves one client at a time: {way_out}"
    )


def format_holder(use: Use) -> SafeText:
    """Who holds a monitor."""
    host = use.connection.host if use.connection is not None else ""
    return _format_client(use.holder, host)


def _find_way_out(use: Use, vm: FoundVm | None) -> SafeText:
    best = vm.best_monitor if vm is not None else None
    if best is not None and best.is_busy is False:
        return SafeText(f"{sanitize_line(best.address)} leads to the same VM")
    words = _command_words(use.holder) if use.holder is not None else []
    if words[:1] in _SHELLS or words[1:3] == ["-m", "qmp_shell"]:
        if use.offers:
            return SafeText(f"it shares this monitor at {sanitize_line(use.offers[0])}")
        return SafeText("leave that shell; if it is this program, .share PATH in it lets others in")
    return SafeText("end that client, or start QEMU with one more -qmp")


def _find_way_to_agent(vm: FoundVm | None) -> SafeText:
    addresses = (each.address for each in vm.monitors) if vm is not None else ()
    for address in addresses:
        scheme, colon, domain = sanitize_line(address).partition(":")
        if scheme == "libvirt":
            return SafeText(f"{scheme}-agent{colon}{domain} leads to the same agent")
    return SafeText("end that client")
