"""``.info``: the VM at a glance. What it does not tell is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..complete import Kind, NameRequest
from ..protocol import Message
from ..vm.answers import dictionary, dicts
from ..vm.attachment import Knowledge
from ..vm.human import HumanMonitor
from ..vm.status import percentage
from .text import format_version

_MACHINE = {"path": "/machine", "property": "type"}
_NETWORK = HumanMonitor().message("info network")
_QUESTIONS: tuple[tuple[str, Message | None], ...] = (
    ("query-name", None),
    ("query-uuid", None),
    ("query-status", None),
    ("query-version", None),
    ("qom-get", _MACHINE),
    ("query-accelerators", None),
    ("query-kvm", None),
    ("query-cpus-fast", None),
    ("query-target", None),
    ("query-memory-size-summary", None),
    ("query-balloon", None),
    ("query-block", None),
    (_NETWORK["execute"], _NETWORK["arguments"]),
    ("query-display-options", None),
    ("query-vnc", None),
    ("query-spice", None),
    ("query-jobs", None),
    ("query-migrate", None),
)


def info_text(knowledge: Knowledge) -> str:
    """A page about the VM.

    :raise Timeout, ConnectionLost: it does not answer.
    """
    catalog = knowledge.catalog
    catalog.forget()
    for command, arguments in _QUESTIONS:  # all are under way before one is waited for
        catalog.peek(command, arguments)
    answers = {command: catalog.ask(command, arguments) for command, arguments in _QUESTIONS}
    nics = [
        f"{each.text}  {each.description.removeprefix('nic, ')}"
        for each in knowledge.names.candidates(NameRequest(Kind.NET_CLIENT))
        if each.description.startswith("nic")
    ]
    rows = [*_rows(answers), *_listed("NICs", nics), *_listed("Displays", _displays(answers))]
    jobs = [
        f"{job.get('id')}  {job.get('type')}, {job.get('status')}{percentage(job)}"
        for job in dicts(answers["query-jobs"])
    ]
    rows += _listed("Jobs", jobs)
    migration = dictionary(answers["query-migrate"]).get("status")
    rows += _listed("Migration", [str(migration)] if migration not in (None, "none") else [])
    width = max((len(title) for title, _ in rows), default=0) + 2
    return "\n".join(f"{title:<{width}}{text}" for title, text in rows)


def size_text(size: object) -> str:
    """A number of bytes for people: ``4 GiB``; empty: it is none."""
    if not isinstance(size, int):
        return ""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


def _rows(answers: dict[str, Any]) -> Iterator[tuple[str, str]]:
    told = {command: dictionary(answer) for command, answer in answers.items()}
    name = told["query-name"].get("name")
    if name:
        yield "Name", str(name)
    uuid = str(told["query-uuid"].get("UUID", ""))
    if uuid.strip("0-"):
        yield "UUID", uuid
    if "status" in told["query-status"]:
        yield "State", str(told["query-status"]["status"])
    if told["query-version"]:
        yield "QEMU", format_version({"version": told["query-version"]}).removeprefix("QEMU ")
    machine = answers["qom-get"]
    if isinstance(machine, str):
        yield "Machine", machine.removesuffix("-machine")
    accelerator = told["query-accelerators"].get("enabled")
    if accelerator is None and "enabled" in told["query-kvm"]:
        accelerator = "kvm" if told["query-kvm"]["enabled"] is True else "no KVM"
    if accelerator is not None:
        yield "Accelerator", str(accelerator)
    yield from _cpus(dicts(answers["query-cpus-fast"]), str(told["query-target"].get("arch", "")))
    memory = told["query-memory-size-summary"]
    if "base-memory" in memory:
        plugged = memory.get("plugged-memory")
        more = f", {size_text(plugged)} plugged" if plugged else ""
        balloon = size_text(told["query-balloon"].get("actual"))
        more += f", balloon at {balloon}" if balloon else ""
        yield "Memory", size_text(memory["base-memory"]) + more
    yield from _listed("Disks", [_disk(each) for each in dicts(answers["query-block"])])


def _cpus(cpus: list[Message], arch: str) -> Iterator[tuple[str, str]]:
    if cpus:
        kinds = {str(cpu.get("qom-type", "")).removesuffix(f"-{arch}-cpu") for cpu in cpus}
        about = [str(len(cpus)), *sorted(filter(None, kinds)), f"({arch})" if arch else ""]
        yield "CPUs", " ".join(filter(None, about))


def _disk(block: Message) -> str:
    qdev = str(block.get("qdev", ""))
    name = str(block.get("device") or qdev.removeprefix("/machine/peripheral/"))
    inserted = dictionary(block.get("inserted"))
    if not inserted:
        return f"{name}  empty"
    image = dictionary(inserted.get("image"))
    notes = [size_text(image.get("virtual-size")), str(inserted.get("drv", ""))]
    notes += ["read-only"] * (inserted.get("ro") is True)
    return f"{name}  {', '.join(filter(None, notes))}  {inserted.get('file', '')}".rstrip()


def _displays(answers: dict[str, Any]) -> Iterator[str]:
    kind = dictionary(answers["query-display-options"]).get("type")
    if kind not in (None, "none"):
        yield str(kind)
    vnc = dictionary(answers["query-vnc"])
    if vnc.get("enabled") is True:
        yield f"VNC  {vnc.get('host', '')}:{vnc.get('service', '')}"
    spice = dictionary(answers["query-spice"])
    if spice.get("enabled") is True:
        yield f"SPICE  {spice.get('host', '')}:{spice.get('port', spice.get('tls-port', ''))}"


def _listed(title: str, items: Any) -> list[tuple[str, str]]:
    return [(title if number == 0 else "", item) for number, item in enumerate(items)]
