"""QEMU's answers as typed records.

Each ``parse_*`` function takes whatever a command returned, and never raises; what
is missing or of a wrong type becomes an empty value. The shapes are those of QEMU's reference
(qemu-qmp-ref(7)), in which each command named here has a section.
"""

from __future__ import annotations

from typing import NamedTuple

from .read import (
    read_integer,
    read_object,
    read_objects,
    read_scalar,
    read_string,
)


class Progress(NamedTuple):
    """How far a long operation is, in units of its own (bytes, for block jobs and migration).

    :ivar total: 0 if it is not known.
    """

    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int | None:
        """0 to 100, rounded down; None if the total is not known."""
        return 100 * min(max(self.done, 0), self.total) // self.total if self.total > 0 else None


def _parse_progress(done: object, total: object) -> Progress:
    return Progress(read_integer(done) or 0, read_integer(total) or 0)


AWAITED_COMMANDS = {
    "ready": "job-complete",
    "pending": "job-finalize",
    "concluded": "job-dismiss",
    "paused": "job-resume",
}
"""The command that a job waits for, by its status (QAPI doc: ``JobStatus`` in qapi/job.json)."""


class Job(NamedTuple):
    """A job: one entry of ``query-jobs``.

    :ivar status: a ``JobStatus``, as ``running``, ``ready``, ``concluded``.
    :ivar error: why it failed; empty if it has not.
    """

    id: str
    type: str
    status: str
    progress: Progress
    error: str = ""

    @property
    def has_ended(self) -> bool:
        return self.status == "concluded"

    @property
    def awaited_command(self) -> str:
        """The command that it waits for; empty if it waits for none."""
        return AWAITED_COMMANDS.get(self.status, "")


def parse_jobs(value: object) -> list[Job]:
    """Parse the answer to ``query-jobs``."""
    return [
        Job(
            read_string(entry.get("id")),
            read_string(entry.get("type")),
            read_string(entry.get("status")),
            _parse_progress(entry.get("current-progress"), entry.get("total-progress")),
            read_string(entry.get("error")),
        )
        for entry in read_objects(value)
        if read_string(entry.get("id")) and read_string(entry.get("status"))
    ]


def parse_block_jobs(value: object) -> list[Job]:
    """Parse the answer to ``query-block-jobs``, which is all that QEMU before 3.0 has."""
    return [
        Job(
            read_string(entry.get("device")),
            read_string(entry.get("type")),
            "running",
            _parse_progress(entry.get("offset"), entry.get("len")),
        )
        for entry in read_objects(value)
        if read_string(entry.get("device"))
    ]


class Migration(NamedTuple):
    """The answer to ``query-migrate``.

    :ivar status: a ``MigrationStatus``; ``none`` if there has been no migration.
    :ivar progress: of the guest's memory, in bytes.
    :ivar error: why it failed; empty if that is not known.
    """

    status: str
    progress: Progress
    error: str = ""

    @property
    def is_active(self) -> bool:
        return self.status not in ("none", "completed", "failed", "cancelled")

    @property
    def awaited_command(self) -> str:
        """The command that it waits for; empty if it waits for none."""
        return "migrate-recover" if self.status == "postcopy-paused" else ""


def parse_migration(value: object) -> Migration:
    """Parse the answer to ``query-migrate``; it is an empty object before the first migration."""
    entry = read_object(value)
    ram = read_object(entry.get("ram"))
    total, remaining = read_integer(ram.get("total")), read_integer(ram.get("remaining"))
    progress = Progress()
    if total is not None and remaining is not None:
        progress = Progress(total - remaining, total)
    error = read_string(entry.get("error-desc"))
    return Migration(read_string(entry.get("status")) or "none", progress, error)


class Dump(NamedTuple):
    """The answer to ``query-dump``: how far a dump of the guest's memory is, in bytes."""

    status: str
    progress: Progress


def parse_dump(value: object) -> Dump:
    entry = read_object(value)
    return Dump(
        read_string(entry.get("status")),
        _parse_progress(entry.get("completed"), entry.get("total")),
    )


def parse_name(value: object) -> str:
    """The VM's name, from the answer to ``query-name``."""
    return read_string(read_object(value).get("name"))


def parse_run_state(value: object) -> str:
    """The VM's run state, from the answer to ``query-status``."""
    return read_string(read_object(value).get("status"))


class Version(NamedTuple):
    """QEMU's version, from the greeting or from ``query-version``.

    :ivar number: as ``7.2.22``.
    :ivar package: the distribution's name of the package; may be empty.
    """

    number: str
    package: str = ""


def parse_version(value: object) -> Version:
    """Parse a ``VersionInfo``; QEMU 0.12 sent the number as one string."""
    if not isinstance(value, dict):
        return Version(read_string(value))
    number = value.get("qemu")
    package = read_string(value.get("package")).strip(" ()")
    if not isinstance(number, dict):
        return Version(read_string(number), package)
    parts = (read_scalar(number.get(part)) or "?" for part in ("major", "minor", "micro"))
    return Version(".".join(parts), package)


class Property(NamedTuple):
    """A property of a QOM object or of a driver: one entry of ``qom-list`` and the like.

    :ivar type: QOM's name for its type, as ``uint32``, ``str``, ``child<TYPE>``, ``link<TYPE>``.
    :ivar default: None if the VM does not report it.
    """

    name: str
    type: str
    description: str = ""
    default: object = None

    @property
    def child_type(self) -> str:
        """The type of the child object that this is; empty if it is not one."""
        is_child = self.type.startswith("child<") and self.type.endswith(">")
        return self.type[len("child<") : -1] if is_child else ""


def parse_properties(value: object) -> list[Property]:
    """Parse the answer to ``qom-list`` or ``device-list-properties``, in the VM's order."""
    return [
        Property(
            read_string(entry.get("name")),
            read_string(entry.get("type")),
            read_string(entry.get("description")),
            entry.get("default-value"),
        )
        for entry in read_objects(value)
        if read_string(entry.get("name"))
    ]


def parse_names(value: object) -> list[str]:
    """The ``name`` of each entry, as of ``query-commands`` or ``qom-list-types``."""
    names = (read_string(entry.get("name")) for entry in read_objects(value))
    return [name for name in names if name]


def parse_agent_commands(value: object) -> list[str]:
    """The enabled commands of a guest agent, from the answer to ``guest-info``."""
    listed = read_objects(read_object(value).get("supported_commands"))
    return parse_names([entry for entry in listed if entry.get("enabled")])


class Cpu(NamedTuple):
    """A CPU: one entry of ``query-cpus-fast``.

    :ivar thread: the number of its thread on QEMU's host; None: it is not known.
    """

    number: int | None
    qom_type: str
    thread: int | None = None


def parse_cpus(value: object) -> list[Cpu]:
    return [
        Cpu(
            read_integer(entry.get("cpu-index")),
            read_string(entry.get("qom-type")),
            read_integer(entry.get("thread-id")),
        )
        for entry in read_objects(value)
    ]


class Memory(NamedTuple):
    """The guest's memory in bytes, from ``query-memory-size-summary``; None: not known."""

    base: int | None
    plugged: int | None


def parse_memory(value: object) -> Memory:
    entry = read_object(value)
    return Memory(read_integer(entry.get("base-memory")), read_integer(entry.get("plugged-memory")))


def parse_balloon(value: object) -> int | None:
    """The guest's memory less the balloon's, in bytes, from ``query-balloon``."""
    return read_integer(read_object(value).get("actual"))


def parse_architecture(value: object) -> str:
    """The emulated architecture, from ``query-target``."""
    return read_string(read_object(value).get("arch"))


def parse_uuid(value: object) -> str:
    """The VM's UUID, from ``query-uuid``; empty if it was not given one."""
    uuid = read_string(read_object(value).get("UUID"))
    return uuid if uuid.strip("0-") else ""


def parse_accelerator(value: object) -> str:
    """The accelerator in use, from ``query-accelerators`` (QEMU 11 and later)."""
    return read_string(read_object(value).get("enabled"))


def parse_kvm(value: object) -> bool | None:
    """Whether KVM is in use, from ``query-kvm``; None: not known."""
    enabled = read_object(value).get("enabled")
    return enabled if isinstance(enabled, bool) else None


def parse_uses_tcg(value: object) -> bool:
    """Whether the processors are emulated (TCG), from ``info jit``, which tells of nothing else."""
    # From QEMU 8.1 on, settings come first.
    return isinstance(value, str) and "Translation buffer state" in value[:1000]


class RemoteDisplay(NamedTuple):
    """Where a VNC or SPICE server listens."""

    host: str
    port: str


def parse_display_type(value: object) -> str:
    """The local display, from ``query-display-options``; empty if there is none."""
    kind = read_string(read_object(value).get("type"))
    return "" if kind == "none" else kind


def parse_vnc(value: object) -> RemoteDisplay | None:
    """The VNC server, from ``query-vnc``; None if there is none."""
    entry = read_object(value)
    if entry.get("enabled") is not True:
        return None
    return RemoteDisplay(read_string(entry.get("host")), read_scalar(entry.get("service")))


def parse_spice(value: object) -> RemoteDisplay | None:
    """The SPICE server, from ``query-spice``; None if there is none."""
    entry = read_object(value)
    if entry.get("enabled") is not True:
        return None
    port = read_scalar(entry.get("port")) or read_scalar(entry.get("tls-port"))
    return RemoteDisplay(read_string(entry.get("host")), port)


class CpuSlot(NamedTuple):
    """Where a CPU is or can be: one entry of ``query-hotpluggable-cpus``.

    :ivar driver: the type of the CPU.
    :ivar place: the driver's properties that say where it is, as ``socket-id``.
    """

    driver: str
    place: dict[str, int]
    is_used: bool


def parse_cpu_slots(value: object) -> list[CpuSlot]:
    """Parse the answer to ``query-hotpluggable-cpus``."""
    return [
        CpuSlot(
            read_string(entry.get("type")),
            {
                name: number
                for name, each in read_object(entry.get("props")).items()
                if (number := read_integer(each)) is not None
            },
            "qom-path" in entry,
        )
        for entry in read_objects(value)
    ]


def parse_open_chardevs(value: object) -> list[str]:
    """The chardevs whose front end is open, from the answer to ``query-chardev``."""
    entries = [each for each in read_objects(value) if each.get("frontend-open") is True]
    return [label for each in entries if (label := read_string(each.get("label")))]
