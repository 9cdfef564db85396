"""Events on a terminal: a few of each name in a second, and one line for what belongs together."""

from __future__ import annotations

import time

from prompt_toolkit.application import get_app_or_none

from ..messages import Event
from ..output import SafeText
from ..render.formatter import Formatter
from ..render.job_lines import JobLine, JobLines
from ..session import Settings
from ..static_typing import Protocol
from ..vm.records import Job
from .event_limiter import EventLimiter
from .event_run import EventRun
from .timer import Timer

JOB_KEY = "job "
"""How the key of a job's line begins."""

_JOB_EVENT = "JOB_STATUS_CHANGE"


class LinePrinter(Protocol):
    """Prints lines, of which the last one may be replaced."""

    @property
    def last_key(self) -> str:
        """What the last line is about; empty: it cannot be replaced."""

    def print_line(self, text: SafeText, *, key: str = "", replaces: bool = False) -> None:
        """Print a line, perhaps in place of the last one if that is about the same."""


class EventPrinter:
    """Prints events: the steps of a job, and events that come again, on one line that changes."""

    def __init__(
        self, printer: LinePrinter, settings: Settings, formatter: Formatter, *, may_replace: bool
    ) -> None:
        """:param may_replace: a line that was printed can be replaced."""
        self._printer = printer
        self._settings = settings
        self._format = formatter
        self._may_replace = may_replace
        self._limiter = EventLimiter()
        self._sum_timer = Timer(self.show_sums)
        self._jobs = JobLines()
        self._run = EventRun()

    def show(self, event: Event) -> None:
        """Print an event, or count it if there are too many of its name."""
        line = self._jobs.add(event)
        if line is not None and not line.has_changed and self._folds(event):
            return
        if not self.allows(event.name):
            return
        if not self._folds(event):
            self._printer.print_line(self._format.event(event))
        elif line is not None:
            self._show_job(line)
        else:
            self._show_run(event)

    def _folds(self, event: Event) -> bool:
        return self._may_replace and self._settings.folds_event(event.name)

    def allows(self, name: str) -> bool:
        """Whether one more message of a name may be shown; if not, it will be in a sum."""
        if self._limiter.allows(name, time.monotonic()):
            return True
        self.show_sums()
        return False

    @property
    def next_due(self) -> float | None:
        """When counted events are to be shown, by the monotonic clock; None: there are none."""
        return self._limiter.next_due

    def show_sums(self, *, all_at_once: bool = False) -> None:
        """Say how many events were not shown one by one: what is due now, and the rest later."""
        for name, events in self._limiter.take_sums(time.monotonic(), all_at_once=all_at_once):
            key = self._begin(name)
            shares = self._run.add_sum(name, events) and self._may_replace
            count = self._run.count if shares else events
            text = self._format.event_sum(name, count)
            self._printer.print_line(text, key=key, replaces=shares)
        due = self._limiter.next_due
        if is_editing() and due is not None:  # otherwise they are shown before the next prompt
            self._sum_timer.set(due)

    def update_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Show what the VM reports of its jobs, where that is the last line, or a failure."""
        for line in self._jobs.update(jobs):
            if not self._settings.folds_event(_JOB_EVENT):
                continue
            if self._printer.last_key == _job_key(line) or line.has_failed:
                self._show_job(line)

    def _show_job(self, line: JobLine) -> None:
        text = self._format.job(line)
        self._printer.print_line(text, key=_job_key(line), replaces=True)

    def _show_run(self, event: Event) -> None:
        """Print an event, in place of the line of those before it that are like it."""
        key = self._begin(event.name)
        shares = self._run.add(event)
        text = self._format.event(event)
        if shares:
            text = self._format.repeated_event(event, self._run.count, self._run.since)
        self._printer.print_line(text, key=key, replaces=shares)

    def _begin(self, name: str) -> str:
        """The key of a line of events. They share none if something else was printed since."""
        key = f"event {name}"
        if self._printer.last_key != key:
            self._run.end()
        return key


def _job_key(line: JobLine) -> str:
    return f"{JOB_KEY}{line.id}"


def is_editing() -> bool:
    """Whether a line is being edited."""
    app = get_app_or_none()
    return app is not None and app.is_running
