"""Waiting for an event, a job, a migration or a run state, and never past a time limit.

No event is missed: events are received in order with the replies, so what is not yet in a reply
comes as an event after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple, Protocol, TypeVar

from ..client import Client
from ..errors import Timeout, WaitError
from ..language.notation import format_message
from ..language.values import SWITCH_WORDS, BareWord, parse_float, parse_integer
from ..messages import Message
from . import records
from .events import JOB_MEMBERS, EventHistory
from .inspection import CAPABILITIES
from .question import Question
from .questions import BLOCK_JOBS, DEVICES, DUMP, JOBS, MIGRATION, RUN_STATE

T = TypeVar("T")

# How often, in seconds, the VM is asked for what no event reports, such as progress.
_POLL_INTERVAL = 0.25
# The last such question leaves the VM at least so long, in seconds, until the time limit.
_SHORTEST_PAUSE = 0.01

# The event that comes instead of DEVICE_DELETED. It tells the same of the device.
_REFUSAL = "DEVICE_UNPLUG_GUEST_ERROR"

# QEMU tells of a device that is gone when nothing refers to it any more.
_LATE_SECONDS = 2.0

# The run states of the last part of a migration, at its source, and of a destination.
_MIGRATION_RUN_STATES = ("finish-migrate", "inmigrate")

# Block jobs are so for a moment, too, while QEMU changes the graph of block nodes.
_BRIEF = ("paused",)

# The events of a job, none of which it sends once it has ended, and the statuses of one that has
# sent such an event.
_REACHED: dict[str, tuple[str, ...]] = {
    "BLOCK_JOB_READY": ("ready", "standby"),
    "BLOCK_JOB_PENDING": ("pending",),
    "BLOCK_JOB_COMPLETED": (),
    "BLOCK_JOB_CANCELLED": (),
}


class ProgressIndicator(Protocol):
    """Shows a user how far something is."""

    def update(self, progress: records.Progress, note: str = "") -> None:
        """Show new figures."""


class EventCondition(NamedTuple):
    """An event of a name, whose data has certain values at certain dotted paths."""

    name: str
    filters: dict[str, str]

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{path}={word}" for path, word in self.filters.items())])

    @property
    def title(self) -> str:
        """What a progress bar is labelled with."""
        return self.name

    @property
    def outcome(self) -> str:
        """What has happened once it is met."""
        return f"{self} has come"


class JobCondition(NamedTuple):
    """The end of a job."""

    id: str

    def __str__(self) -> str:
        return f"job={self.id}"

    @property
    def title(self) -> str:
        return self.id

    @property
    def outcome(self) -> str:
        return f"job {self.id} has ended"


class MigrationCondition(NamedTuple):
    """The end of a migration, on either side."""

    def __str__(self) -> str:
        return "migration"

    @property
    def title(self) -> str:
        return "migration"

    @property
    def outcome(self) -> str:
        return "the migration has ended"


class RunStateCondition(NamedTuple):
    """A run state of the VM, as ``running``."""

    state: str

    def __str__(self) -> str:
        return f"status={self.state}"

    @property
    def title(self) -> str:
        return self.state

    @property
    def outcome(self) -> str:
        return f"the VM is {self.state}"


Condition = EventCondition | JobCondition | MigrationCondition | RunStateCondition


class TimeIsOver(Timeout):
    """A condition was not met in time."""


class Waiter:
    """Waits for one condition on one VM.

    :ivar situation: how far it is, as the VM has told last; empty: that is not known.
    :ivar awaited: the command that a job waits for before it ends; empty: for none.
    """

    def __init__(
        self,
        client: Client,
        events: EventHistory,
        deadline: float | None,
        indicator: ProgressIndicator | None,
        on_awaited: Callable[[str], object],
    ) -> None:
        """
        :param deadline: when to stop waiting, by the monotonic clock; None: never.
        :param indicator: shows progress; None: it is not shown.
        :param on_awaited: is told the situation when a job begins to wait for a command.
        """
        self.situation = ""
        self.awaited = ""
        self._on_awaited = on_awaited
        self._client = client
        self._events = events
        self._deadline = deadline
        self._indicator = indicator
        self._has_only_block_jobs = False

    def wait(self, condition: Condition) -> None:
        """Return when the condition is met.

        :raise WaitError: it failed, or cannot be met any more.
        :raise TimeIsOver: it was not met in time.
        :raise Timeout: the VM did not answer a question in time.
        :raise ConnectionLost: there is no VM any more.
        """
        if isinstance(condition, EventCondition):
            self._wait_for_event(condition)
        elif isinstance(condition, JobCondition):
            self._wait_for_job(condition.id)
        elif isinstance(condition, MigrationCondition):
            self._wait_for_migration()
        else:
            self._wait_for_run_state(condition.state)

    def _wait_for_event(self, condition: EventCondition) -> None:
        job_id = None
        if condition.name in _REACHED:
            job_id = condition.filters.get(JOB_MEMBERS[condition.name])
        obstacle, hope_end, is_checked = "", 0.0, False
        while True:
            count = self._events.count
            if self._take_event(condition):
                return
            if obstacle and time.monotonic() >= hope_end:
                raise WaitError(obstacle)
            outcome = self._events.job_outcome(job_id) if job_id is not None else None
            if not is_checked or outcome is not None:
                is_checked = True
                job = self._find_job(job_id) if job_id is not None else None
                if job is not None and job.status in _REACHED[condition.name]:
                    return
                obstacle = self._find_obstacle(condition, job_id, job)
                self.situation = obstacle or self.situation
                if condition.name == "DEVICE_DELETED":
                    hope_end = time.monotonic() + _LATE_SECONDS
                if obstacle or self._events.count > count:
                    continue  # the event may have come with the answers
            if self._indicator is not None:
                self._show_progress_towards(condition.name, job_id)
            self._wait_for_more(count, poll=self._indicator is not None or bool(obstacle))

    def _take_event(self, condition: EventCondition) -> bool:
        """Return whether the event has come, and remove it from the history: it counts only once.

        :raise WaitError: it reports a failure, or another event says that it will not come.
        """

        def matches(data: Message) -> bool:
            return all(_has_value(data, path, word) for path, word in condition.filters.items())

        data = self._events.find(condition.name, matches)
        if data is not None:
            self._events.remove(condition.name, data)
            if condition.name == "DUMP_COMPLETED" and "error" in data:
                raise WaitError(f"the dump failed: {data['error']}")
            return True
        if condition.name == "DEVICE_DELETED" and condition.filters:
            refusal = self._events.find(_REFUSAL, matches)
            if refusal is not None:
                self._events.remove(_REFUSAL, refusal)
                device = refusal.get("device", refusal.get("path"))
                raise WaitError(f"the guest refused to release {device}")
        return False

    def _find_obstacle(
        self, condition: EventCondition, job_id: str | None, job: records.Job | None
    ) -> str:
        """Why an event will not come; empty: it may.

        :param job_id: the job that it is about; None: none.
        :param job: that job, if it exists.
        """
        device = condition.filters.get("device")
        if job_id is not None and (job is None or job.has_ended):
            outcome = self._events.job_outcome(job_id)
            if outcome is None and job is not None:
                outcome = job.error
            if outcome is None:
                return f"there is no job {job_id}"
            return f"job {job_id} has already ended: {outcome or 'it succeeded'}"
        if condition.name == "DEVICE_DELETED" and device is not None:
            devices = self._ask(DEVICES)
            if devices is not None and device not in [each.name for each in devices]:
                return f"there is no device {device}; it may have been removed before"
            self.situation = f"{device} is still there: the guest has not released it"
        if condition.name == "MIGRATION":
            capabilities = self._ask(CAPABILITIES) or {}
            if not capabilities.get("events", True):
                return (
                    "MIGRATION is not sent, for the capability events is off; write .wait migration"
                )
        return ""

    def _show_progress_towards(self, event_name: str, job_id: str | None) -> None:
        if job_id is not None:
            job = self._find_job(job_id)
            self._show(job.progress if job is not None else None, job.status if job else "")
        elif event_name == "DUMP_COMPLETED":
            dump = self._ask(DUMP)
            self._show(dump.progress if dump is not None else None, dump.status if dump else "")

    def _wait_for_job(self, job_id: str) -> None:
        was_seen = False
        while True:
            count = self._events.count
            job = self._find_job(job_id)
            outcome = self._events.job_outcome(job_id)
            if job is not None:
                outcome = job.error if job.has_ended else None
            elif outcome is None and not was_seen:
                raise WaitError(f"there is no job {job_id}")
            elif outcome is None:
                outcome = ""
            if outcome:
                raise WaitError(f"job {job_id} failed: {outcome}")
            if outcome is not None:
                return
            was_seen = True
            if job is not None:
                self._note_job(job)
            poll = self._indicator is not None or self._has_only_block_jobs
            self._wait_for_more(count, poll=poll)

    def _note_job(self, job: records.Job) -> None:
        """Show how far a job is, and tell, once, what it waits for."""
        before, self.awaited = self.awaited, _awaited_by(job)
        self._note_situation(f"job {job.id}", job.status, self.awaited, job.progress)
        if self.awaited not in ("", before) and job.status not in _BRIEF:
            self._on_awaited(self.situation)

    def _note_situation(
        self, what: str, status: str, awaited: str, progress: records.Progress
    ) -> None:
        """Show the status and the progress of a job or a migration, and keep them for the hint.

        :param awaited: the command that it waits for; empty: it waits for none.
        """
        self.situation = f"{what} is {status}" + (f" and waits for {awaited}" if awaited else "")
        self._show(progress, f"{status}: {awaited}" if awaited else status)

    def _find_job(self, job_id: str) -> records.Job | None:
        return next((job for job in self._jobs() if job.id == job_id), None)

    def _jobs(self) -> list[records.Job]:
        """All jobs; QEMU before 3.0 has only block jobs."""
        jobs = None if self._has_only_block_jobs else self._ask(JOBS)
        if jobs is None:
            self._has_only_block_jobs = True
            jobs = self._ask(BLOCK_JOBS)
        return jobs or []

    def _wait_for_migration(self) -> None:
        has_begun = False
        while True:
            count = self._events.count
            migration = self._ask(MIGRATION) or records.parse_migration(None)
            if migration.status in ("failed", "cancelled"):
                reason = f": {migration.error}" if migration.error else ""
                was = "was " * (migration.status == "cancelled")
                raise WaitError(f"the migration {was}{migration.status}{reason}")
            # QEMU reports the end before its run state is that of after the migration, and
            # refuses "cont" until then.
            if migration.status in ("completed", "none"):
                is_over = (self._ask(RUN_STATE) or "") not in _MIGRATION_RUN_STATES
                if is_over and migration.status == "none" and not has_begun:
                    raise WaitError("there is no migration")
                if is_over:  # old QEMUs tell a destination's state only so
                    return
            has_begun = True
            awaited = migration.awaited_command
            self._note_situation("the migration", migration.status, awaited, migration.progress)
            self._wait_for_more(count, poll=True)

    def _wait_for_run_state(self, state: str) -> None:
        while True:
            count = self._events.count
            present = self._ask(RUN_STATE)
            if present == state:
                return
            if not present:
                raise WaitError("the VM does not tell its run state")
            self.situation = f"the VM is {present}"
            self._wait_for_more(count, poll=True)

    def _show(self, progress: records.Progress | None, note: str) -> None:
        if self._indicator is not None and progress is not None and progress.total:
            self._indicator.update(progress, note)

    def _ask(self, question: Question[T]) -> T | None:
        """The answer to a question; None: the VM refused it.

        The client's own time-out limits it as it does any command.
        """
        try:
            request = self._client.post(question.message, quiet=True, deadline=self._deadline)
        except Timeout:
            if self._ends_within(0):
                raise TimeIsOver from None
            raise
        limit = self._client.timeout
        if limit is not None and not self._ends_within(limit):
            self._client.answer(request, limit)
        self._wait_until(lambda: request.reply is not None)
        reply = request.reply
        if reply is None or "return" not in reply.message:
            return None
        return question.parse(reply.message["return"])

    def _ends_within(self, seconds: float) -> bool:
        return self._deadline is not None and self._deadline <= time.monotonic() + seconds

    def _wait_for_more(self, count: int, *, poll: bool) -> None:
        """Wait for one more event.

        :param count: how many events there were before the VM was asked; a reply and the events
            after it may come at once.
        :param poll: return after a moment without one, so that the VM is asked again.
        """
        now = time.monotonic()
        left = inf if self._deadline is None else self._deadline - now
        if left <= 0:
            raise TimeIsOver
        pause = min(_POLL_INTERVAL, left / 2)
        if poll and pause > _SHORTEST_PAUSE:
            self._client.wait(lambda: self._events.count > count, now + pause)
        else:
            self._wait_until(lambda: self._events.count > count)

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        if not self._client.wait(is_done, self._deadline):
            raise TimeIsOver


def _awaited_by(job: records.Job) -> str:
    """The line with the command that a job waits for; empty: it waits for none."""
    command = job.awaited_command
    return format_message({"execute": command, "arguments": {"id": job.id}}) if command else ""


def _has_value(data: Message, path: str, word: str) -> bool:
    """Whether the value at a dotted path is what a word on the command line means."""
    value: object = data
    for part in path.split("."):
        index = parse_integer(BareWord(part)) if isinstance(value, list) else None
        if isinstance(value, list) and index is not None and 0 <= index < len(value):
            value = value[index]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return False
    if isinstance(value, bool):
        return SWITCH_WORDS.get(word.lower()) is value
    if isinstance(value, int | float):
        bare = BareWord(word)
        return value in (parse_integer(bare), parse_float(bare))
    return value == word or (value is None and word == "null")
