"""Every question that the shell asks a VM by itself, and how its answer is read.

They are asked while the user types, so each must be harmless: it can neither change nor end the
VM. (Why the properties of some drivers are not asked for: :mod:`.open_commands`.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..complete import Kind
from ..protocol import Message
from . import block_records, counters, former_values, records
from .device_tree import parse_device_tree
from .human import human_message, parse_drivers, parse_help, parse_network
from .plugging import parse_device_uses
from .question import Question
from .read import read_object, read_objects, read_string

if TYPE_CHECKING:
    from ..schema import Schema

T = TypeVar("T")


def _parse_schema(value: object) -> Schema | None:
    if not isinstance(value, list) or not value:
        return None
    from ..schema import Schema

    return Schema(value)


def human_question(line: str, parse: Callable[[object], T]) -> Question[T]:
    """A question to the human monitor; its answer is text."""
    message = human_message(line)
    return Question(message["execute"], parse, message["arguments"])


NAME = Question("query-name", records.parse_name, is_constant=True)
RUN_STATE = Question("query-status", records.parse_run_state)
JOBS = Question("query-jobs", records.parse_jobs)
BLOCK_JOBS = Question("query-block-jobs", records.parse_block_jobs)
MIGRATION = Question("query-migrate", records.parse_migration)
DUMP = Question("query-dump", records.parse_dump)

SCHEMA = Question("query-qmp-schema", _parse_schema, is_constant=True)
# QEMU 5.2 was the last to have it; it is needed only where there is no schema, before 2.5.
EVENTS = Question("query-events", records.parse_names, is_constant=True)
COMMANDS = Question("query-commands", records.parse_names, is_constant=True)
AGENT_COMMANDS = Question("guest-info", records.parse_agent_commands)

# The types of all devices that can be created, parts of devices among them.
DEVICE_TYPES = Question(
    "qom-list-types",
    records.parse_names,
    {"implements": "device", "abstract": False},
    is_constant=True,
)
BLOCK_NODES = Question("query-named-block-nodes", block_records.parse_block_nodes, {"flat": True})


def driver_properties(driver: str) -> Question[list[records.Property]]:
    """The properties of a driver. Not harmless for each driver: see :mod:`.open_commands`."""
    arguments = {"typename": driver}
    return Question("device-list-properties", records.parse_properties, arguments, is_constant=True)


def object_properties(path: str) -> Question[list[records.Property]]:
    """The properties and children of the QOM object at a path."""
    return Question("qom-list", records.parse_properties, {"path": path})


# For .info

NETWORK = human_question("info network", parse_network)
UUID = Question("query-uuid", records.parse_uuid)
VERSION = Question("query-version", records.parse_version)
MACHINE = Question("qom-get", read_string, {"path": "/machine", "property": "type"})
ACCELERATOR = Question("query-accelerators", records.parse_accelerator)
KVM = Question("query-kvm", records.parse_kvm)
TCG = human_question("info jit", records.parse_uses_tcg)
CPUS = Question("query-cpus-fast", records.parse_cpus)
ARCHITECTURE = Question("query-target", records.parse_architecture)
MEMORY = Question("query-memory-size-summary", records.parse_memory)
BALLOON = Question("query-balloon", records.parse_balloon)
BLOCK_DEVICES = Question("query-block", block_records.parse_block_devices)
DISPLAY = Question("query-display-options", records.parse_display_type)
VNC = Question("query-vnc", records.parse_vnc)
SPICE = Question("query-spice", records.parse_spice)


# For .tree

# Before QEMU 5.0 it takes no argument.
ALL_BLOCK_NODES = Question("query-named-block-nodes", block_records.parse_block_nodes)
BLOCK_GRAPH = Question("x-debug-query-block-graph", block_records.parse_block_graph)
BLOCK_STATS_GRAPH = Question("query-blockstats", block_records.parse_stats_graph)


def object_value(path: str, name: str, parse: Callable[[object], T]) -> Question[T]:
    """The value of a property of a QOM object."""
    return Question("qom-get", parse, {"path": path, "property": name})


DEVICE_TREE = human_question("info qtree", parse_device_tree)
BLOCK_EXPORTS = Question("query-block-exports", block_records.parse_block_exports)


# For .top

DISK_COUNTERS = Question("query-blockstats", counters.parse_disk_counters)
VIRTIO_NICS = Question("x-query-virtio", counters.parse_virtio_nics)


def virtio_queue(path: str, number: int) -> Question[int | None]:
    """A queue of a virtio device: 0 is what a NIC receives, 1 what it sends."""
    arguments = {"path": path, "queue": number}
    return Question("x-query-virtio-queue-status", counters.parse_virtio_queue, arguments)


# For the suggestion of what undoes a command

LIMITS = Question("query-block", former_values.parse_limits)
CAPABILITIES = Question("query-migrate-capabilities", former_values.parse_switches)
PARAMETERS = Question("query-migrate-parameters", read_object)
BLOCK_JOB_SPEEDS = Question("query-block-jobs", former_values.parse_speeds)


def former_value(path: str, name: str) -> Question[list[Any]]:
    """The value of a property of a QOM object, in a list; it is empty if there is none."""
    return object_value(path, name, former_values.parse_value)


# For completion

HUMAN_COMMANDS = human_question("help", parse_help)
HUMAN_TOPICS = human_question("help info", lambda value: parse_help(value, prefix="info"))
DEVICE_USES = human_question("info qtree", parse_device_uses)
CPU_SLOTS = Question("query-hotpluggable-cpus", records.parse_cpu_slots)
FRONTENDS = Question("query-chardev", records.parse_open_chardevs)
DRIVERS = human_question("info qdm", parse_drivers)


class NameList(NamedTuple):
    """A command that lists the names of a kind as an array of objects.

    :ivar name: the member that is the name; a dotted path if it lies deeper.
    :ivar details: the members that describe what has that name, each perhaps after a label.
    :ivar is_constant: the list stays the same as long as QEMU runs.
    """

    command: str
    arguments: Message | None
    name: str
    details: tuple[str, ...] = ()
    is_constant: bool = False

    @property
    def question(self) -> Question[list[Message]]:
        """The question whose answer is the list."""
        return Question(self.command, read_objects, self.arguments, self.is_constant)


NAME_LISTS = {
    Kind.QOM_TYPE: NameList("qom-list-types", {"abstract": True}, "name", ("parent",), True),
    Kind.IOTHREAD: NameList("query-iothreads", None, "id", ("thread thread-id",)),
    Kind.MEMORY_BACKEND: NameList("query-memdev", None, "id", ("size", "policy")),
    Kind.NODE: NameList("query-named-block-nodes", {"flat": True}, "node-name", ("drv", "file")),
    Kind.BLOCK_DEVICE: NameList("query-block", None, "device", ("inserted.drv", "inserted.file")),
    Kind.BLOCK_QDEV: NameList("query-block", None, "qdev", ("inserted.file",)),
    Kind.EXPORT: NameList("query-block-exports", None, "id", ("type", "node-name")),
    Kind.JOB: NameList("query-jobs", None, "id", ("type", "status")),
    Kind.BLOCK_JOB: NameList("query-block-jobs", None, "device", ("type", "status")),
    Kind.CHARDEV: NameList("query-chardev", None, "label", ("filename",)),
    Kind.NIC: NameList("query-rx-filter", None, "name", ("main-mac",)),
    Kind.CPU_MODEL: NameList("query-cpu-definitions", None, "name", ("typename", "alias-of"), True),
    Kind.CPU: NameList("query-cpus-fast", None, "cpu-index", ("qom-path",)),
    Kind.TRACE_EVENT: NameList("trace-event-get-state", {"name": "*"}, "name", ("state",)),
    Kind.FDSET: NameList("query-fdsets", None, "fdset-id"),
    Kind.COMMAND_LINE_OPTION: NameList("query-command-line-options", None, "option"),
}
