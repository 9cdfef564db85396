"""``.top``: what a VM is doing, as one screen; a row for each disk, NIC, vCPU and operation."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..output import SafeText
from ..vm.activity import Activity, CpuActivity, DiskActivity, NicActivity, OperationActivity
from ..vm.device_names import format_device_name
from .parts import Part
from .quantities import format_number, format_size, format_sparkline
from .text import shorten
from .views import Look

_LONGEST_NAME = 30
_UNKNOWN = "-"
# The columns behind the name, by their numbers; those that are first are left out last.
_BY_IMPORTANCE = (1, 2, 4, 3, 5)
# A narrower terminal has no room for sparklines.
_NARROW_COLUMNS = 70
# A row: its cells, what its sparkline shows, and whether it is idle.
_Row = tuple[Sequence[str], Sequence[float], bool]


def draw_top(
    activity: Activity, look: Look, rows: int, *, is_held: bool, is_silent: bool
) -> SafeText:
    """A screen of so many rows.

    :param is_held: it is not to change; the heading tells so.
    :param is_silent: the VM does not answer; the heading tells so.
    """
    from .drawing import draw, make_text

    width = look.find_width() or _NARROW_COLUMNS
    look = look.replaced(find_width=lambda: width)
    title = draw(make_text(_heading(activity, is_held=is_held, is_silent=is_silent)), look)
    lines: list[str] = title.split("\n")[:1]
    for headings, found in (
        (("DISK", "read/s", "write/s", "ops/s", "latency", "queue"), map(_disk, activity.disks)),
        (("NIC", "received/s", "sent/s"), map(_nic, activity.nics)),
        (("CPU", "used"), map(_cpu, activity.cpus)),
        (("JOB", "status", "done", "rate", "left"), map(_operation, activity.operations)),
    ):
        entries = list(found)
        left_out = max(len(entries) - rows, 0)
        if entries:
            lines += _draw_section(headings, entries[:rows], look, width) + [""] * left_out
    return _cut(lines, rows)


def _draw_section(
    headings: Sequence[str], entries: list[_Row], look: Look, width: int
) -> list[str]:
    """As many columns as fit, and sparklines if there is room for them, too."""
    from rich.cells import cell_len
    from rich.table import Table

    from .drawing import draw, make_text, style_of

    widths = [
        max(map(cell_len, cells))
        for cells in zip(headings, *(row[0] for row in entries), strict=True)
    ]
    shown = [0]
    for number in _BY_IMPORTANCE[: len(headings) - 1]:
        if sum(widths[each] + 2 for each in shown) + widths[number] <= width:
            shown.append(number)
    shown.sort()
    shows_graphs = look.supports_unicode and width >= _NARROW_COLUMNS
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    for number in shown:
        is_text = number == 0 or headings[number] == "status"
        table.add_column(
            make_text(Part(headings[number], "dim")),
            justify="left" if is_text else "right",
            no_wrap=True,
        )
    if shows_graphs:
        table.add_column("", justify="right", no_wrap=True, ratio=1)
    for cells, history, is_idle in entries:
        graphs = [format_sparkline(history)] if shows_graphs else []
        texts = [make_text(Part(text)) for text in (*(cells[each] for each in shown), *graphs)]
        table.add_row(*texts, style=style_of("dim") if is_idle else None)
    return draw(table, look).split("\n")


def _cut(lines: list[str], rows: int) -> SafeText:
    """As many lines as there are rows; the last one tells of those that are left out."""
    left_out = len(lines) - rows
    if left_out > 0:
        lines = [*lines[: rows - 1], f"{left_out + 1} more rows"]
    return SafeText("\n".join(lines))


def _heading(activity: Activity, *, is_held: bool, is_silent: bool) -> Part:
    sample = activity.sample
    parts = (
        shorten(sample.name if sample is not None else "") or "VM",
        shorten(sample.run_state if sample is not None else ""),
        time.strftime("%H:%M:%S"),
        "(no answer)" if is_silent else "",
        "held; Space goes on" if is_held else "Space holds",
        "q leaves",
    )
    return Part("  ".join(part for part in parts if part), "bold")


def _disk(disk: DiskActivity) -> _Row:
    cells = (
        _name(format_device_name(disk.name)),
        format_size(int(disk.read)),
        format_size(int(disk.written)),
        format_number(round(disk.operations)),
        _UNKNOWN if disk.latency is None else _latency(disk.latency),
        f"{disk.queue:.1f}",
    )
    return cells, disk.history, not disk.operations


def _latency(seconds: float) -> str:
    if seconds < 0.001:
        return f"{format_number(round(seconds * 1e6))} us"
    return f"{format_number(seconds * 1000)} ms"


def _nic(nic: NicActivity) -> _Row:
    cells = (_name(nic.name), _packets(nic.received), _packets(nic.sent))
    return cells, nic.history, not nic.received and not nic.sent


def _packets(rate: float | None) -> str:
    return _UNKNOWN if rate is None else f"{format_number(round(rate))} packets"


def _cpu(cpu: CpuActivity) -> _Row:
    used = _UNKNOWN if cpu.share is None else f"{round(100 * cpu.share)}%"
    return (str(cpu.number), used), cpu.history, not cpu.share or cpu.share < 0.01


def _operation(operation: OperationActivity) -> _Row:
    cells = (
        _name(operation.name),
        shorten(operation.status),
        _UNKNOWN if operation.percent is None else f"{operation.percent}%",
        f"{format_size(int(operation.rate))}/s",
        _UNKNOWN if operation.left is None else _duration(operation.left),
    )
    return cells, operation.history, not operation.rate


def _name(name: str) -> str:
    return shorten(name, _LONGEST_NAME)


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(min(seconds, 1e8)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}"
