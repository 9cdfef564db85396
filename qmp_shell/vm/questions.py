"""The questions that the shell asks a VM to know its types and its state.

They are asked while the user types, so each must be harmless: it can neither change nor end the
VM. (Why the properties of some drivers are not asked for: :mod:`.open_commands`.) All others that
it asks by itself are in :mod:`.inspection` and :mod:`.name_lists`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..messages import human_message
from ..static_typing import TYPE_CHECKING, TypeVar
from . import records
from .human import parse_drivers
from .question import Question

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
BLOCK_JOBS = Question("query-block-jobs", records.parse_block_jobs)
# QEMU before 3.0 has only block jobs.
JOBS = Question("query-jobs", records.parse_jobs, fallback=BLOCK_JOBS)
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
DRIVERS = human_question("info qdm", parse_drivers)


def driver_properties(driver: str) -> Question[list[records.Property]]:
    """The properties of a driver. Not harmless for each driver: see :mod:`.open_commands`."""
    arguments = {"typename": driver}
    return Question("device-list-properties", records.parse_properties, arguments, is_constant=True)


def object_properties(path: str) -> Question[list[records.Property]]:
    """The properties and children of the QOM object at a path."""
    return Question("qom-list", records.parse_properties, {"path": path})


DEVICES = object_properties("/machine/peripheral")
"""The devices that have ids."""
