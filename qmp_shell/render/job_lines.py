"""The steps of each job as one line that grows, in place of a line for each event of the job."""

from __future__ import annotations

import time

from ..messages import Event
from ..output import SafeText
from ..vm.events import JOB_MEMBERS
from ..vm.read import read_string
from ..vm.records import AWAITED_COMMANDS, Job
from .quantities import format_percent
from .text import format_clock, sanitize_line, shorten

# How the events of block jobs that have no status are called.
_STEPS = {"BLOCK_JOB_COMPLETED": "completed", "BLOCK_JOB_CANCELLED": "cancelled"}
_CONCLUDED = "concluded"
# What is left out: these follow others at once, and say nothing more. (A job that has to be
# dismissed stays concluded; a job that is ready is in standby while a command changes its nodes.)
_UNTOLD = ("standby", "waiting", _CONCLUDED, "null", "aborting")
# Behind these nobody needs to know that it was pending.
_LAST_STEPS = (*_STEPS.values(), _CONCLUDED)
_MOST_JOBS = 100
_MOST_STEPS = 6


class JobLine:
    """What has happened to one job.

    :ivar id: its id.
    :ivar has_changed: the last event has changed what is said of it.
    """

    def __init__(self, job: str) -> None:
        self.id = job
        self._at = time.time()
        self._type = ""
        self._steps: list[str] = []
        self._error = ""
        self._percent = ""
        self._has_ended = False
        self._must_be_dismissed = False
        self.has_changed = True

    def add(self, event: Event) -> None:
        """Add what an event tells."""
        before = self._said()
        data = event.data
        status = read_string(data.get("status"))
        if self._has_ended and status == "null":  # it was dismissed
            self._must_be_dismissed = self.has_changed = False
            return
        self._at = event.timestamp
        self._type = read_string(data.get("type")) or self._type
        self._error = read_string(data.get("error")) or self._error
        step = _STEPS.get(event.name) or shorten(status)
        if step and step not in _UNTOLD and not self._has_ended:
            self._add_step(step)
        if event.name in _STEPS or status == "null":
            self._has_ended = True
            self._must_be_dismissed = False
        self.has_changed = self._said() != before

    def _said(self) -> str:
        """The text without its time."""
        return self.text().partition(" ")[2]

    def _add_step(self, step: str) -> None:
        """Add a step; a job that is in a state again has only been held up meanwhile."""
        if step in self._steps:
            del self._steps[self._steps.index(step) :]
        elif step in _LAST_STEPS and self._steps[-1:] == ["pending"]:
            self._steps.pop()
        self._steps.append(step)
        del self._steps[: -_MOST_STEPS - 1]
        self._percent = ""

    def update(self, job: Job) -> None:
        """Add what the VM reports of the job."""
        self._type = job.type or self._type
        self._error = job.error or self._error
        # An event may have told since that it runs no more.
        runs = job.status == "running" and self._steps[-1:] in ([], ["running"])
        self._percent = format_percent(job.progress, " ") if runs else ""
        self._must_be_dismissed = job.has_ended
        if job.has_ended and not self._error and not self._has_ended:
            self._add_step(_CONCLUDED)

    @property
    def has_failed(self) -> bool:
        return bool(self._error)

    def text(self) -> SafeText:
        """All steps on one line."""
        clock = format_clock(self._at)
        name = " ".join(filter(None, (shorten(self.id), shorten(self._type))))
        left_out = ["..."] if len(self._steps) > _MOST_STEPS else []
        told = self._steps[:-1] if self._error and "completed" in self._steps[-1:] else self._steps
        steps = ", ".join([*left_out, *told[-_MOST_STEPS:]])
        last = self._steps[-1] if self._steps else ""
        command = AWAITED_COMMANDS.get(last, "") if not self._has_ended else ""
        awaited = f": {command} id={shorten(self.id)}" if command else ""
        if self._must_be_dismissed:
            awaited = f": job-dismiss id={shorten(self.id)}"
        if self._error:
            awaited = f", failed: {self._error}"
        elif self._has_ended and last not in _STEPS.values():
            awaited = ", ended"
        text = f"{clock} {name}: {steps}{self._percent}{awaited}"
        return sanitize_line(text.replace("\t", " "))


class JobLines:
    """The lines of the jobs of a VM."""

    def __init__(self) -> None:
        self._lines: dict[str, JobLine] = {}

    def add(self, event: Event) -> JobLine | None:
        """The line of the job that an event is about; None: it is about no job."""
        member = JOB_MEMBERS.get(event.name)
        job = read_string(event.data.get(member)) if member is not None else ""
        if not job:
            return None
        line = self._lines.get(job)
        if line is None or event.data.get("status") == "created":
            line = JobLine(job)
        self._lines.pop(job, None)
        self._lines[job] = line
        if len(self._lines) > _MOST_JOBS:
            del self._lines[next(iter(self._lines))]
        line.add(event)
        return line

    def update(self, jobs: tuple[Job, ...]) -> list[JobLine]:
        """Add what the VM reports of its jobs; returns the lines that say something else now."""
        changed = []
        for job in jobs:
            line = self._lines.get(job.id)
            if line is not None:
                before = line.text()
                line.update(job)
                if line.text() != before:
                    changed.append(line)
        return changed
