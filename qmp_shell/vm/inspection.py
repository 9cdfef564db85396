"""Questions about details of a VM, for ``.info``, ``.tree``, ``.top``, undo and completion.

Like those in :mod:`.questions`, each must be harmless: it can neither change nor end the VM.
"""

from __future__ import annotations

from collections.abc import Callable

from ..static_typing import Any, TypeVar
from . import block_records, counters, former_values, records
from .device_tree import parse_device_tree
from .human import parse_help, parse_network
from .plugging import parse_device_uses
from .question import Question
from .questions import human_question
from .read import read_object, read_string

T = TypeVar("T")

BLOCK_NODES = Question(
    "query-named-block-nodes",
    block_records.parse_block_nodes,
    {"flat": True},
    # Before QEMU 5.0 it takes no argument.
    fallback=Question("query-named-block-nodes", block_records.parse_block_nodes),
)

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

BLOCK_GRAPH = Question(
    "x-debug-query-block-graph",
    block_records.parse_block_graph,
    fallback=Question("query-blockstats", block_records.parse_stats_graph),
)


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
