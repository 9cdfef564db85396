"""``.info``: a VM at a glance, as a page. What the VM does not report is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..vm.block_records import BlockDevice
from ..vm.device_names import format_device_name
from ..vm.overview import Overview
from ..vm.records import Cpu, RemoteDisplay
from .quantities import format_percent, format_size
from .text import format_version

Row = tuple[str, str]


def format_overview(overview: Overview) -> list[Row]:
    """Titles and values, for two columns."""
    rows = [
        *_single_rows(overview),
        *_list_rows("Disks", map(_format_disk, overview.block_devices)),
        *_list_rows("NICs", (f"{nic.name}  {nic.details}" for nic in overview.nics)),
        *_list_rows("Displays", _format_displays(overview)),
        *_list_rows("Jobs", _format_jobs(overview)),
    ]
    if overview.migration is not None and overview.migration.status != "none":
        rows.append(("Migration", overview.migration.status))
    return rows


def _single_rows(overview: Overview) -> Iterator[Row]:
    version = format_version(overview.version) if overview.version is not None else ""
    values = (
        ("Name", overview.name),
        ("UUID", overview.uuid),
        ("State", overview.run_state),
        ("QEMU", version),
        ("Machine", (overview.machine or "").removesuffix("-machine")),
        ("Accelerator", overview.accelerator),
        ("CPUs", _format_cpus(overview.cpus, overview.architecture)),
        ("Memory", _format_memory(overview)),
    )
    yield from ((title, value) for title, value in values if value)


def _list_rows(title: str, items: Iterable[str]) -> list[Row]:
    return [(title if number == 0 else "", item) for number, item in enumerate(items)]


def _format_cpus(cpus: list[Cpu], architecture: str) -> str:
    if not cpus:
        return ""
    models = {cpu.qom_type.removesuffix(f"-{architecture}-cpu") for cpu in cpus} - {""}
    about = [str(len(cpus)), *sorted(models), f"({architecture})" if architecture else ""]
    return " ".join(filter(None, about))


def _format_memory(overview: Overview) -> str:
    if overview.memory is None or overview.memory.base is None:
        return ""
    text = format_size(overview.memory.base)
    if overview.memory.plugged:
        text += f", {format_size(overview.memory.plugged)} plugged"
    if overview.balloon is not None:
        text += f", balloon at {format_size(overview.balloon)}"
    return text


def _format_disk(block: BlockDevice) -> str:
    name = block.device or format_device_name(block.qdev)
    medium = block.medium
    if medium is None:
        return f"{name}  empty"
    notes = [format_size(medium.size), medium.driver, "read-only" if medium.is_read_only else ""]
    return f"{name}  {', '.join(filter(None, notes))}  {medium.file}".rstrip()


def _format_displays(overview: Overview) -> Iterator[str]:
    if overview.display:
        yield overview.display
    if overview.vnc is not None:
        yield f"VNC  {_format_place(overview.vnc)}"
    if overview.spice is not None:
        yield f"SPICE  {_format_place(overview.spice)}"


def _format_place(display: RemoteDisplay) -> str:
    """Where a server listens: ``HOST:PORT``, ``[IPV6]:PORT``, or the path of a UNIX socket."""
    host = f"[{display.host}]" if ":" in display.host else display.host
    return f"{host}:{display.port}" if host else display.port


def _format_jobs(overview: Overview) -> Iterator[str]:
    for job in overview.jobs:
        yield f"{job.id}  {job.type}, {job.status}{format_percent(job.progress, ' ')}"
