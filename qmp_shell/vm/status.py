"""The state of a VM that changes while a user works: run state, jobs, migration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .answers import SILENCE_SECONDS, Answers
from .questions import JOBS, MIGRATION, NAME, RUN_STATE
from .records import Job, Migration

# While a job or a migration runs, its progress is asked for at this interval, in seconds.
_PROGRESS_INTERVAL = 1.0
# The shortest time between two polls, so that a flood of events does not cause a flood of
# questions.
_SHORTEST_INTERVAL = 0.2


class VmStatus(NamedTuple):
    """What is known of a VM's state.

    :ivar name: the VM's name; empty if it has none, or if it is not known.
    :ivar run_state: as ``running``; empty if it is not known.
    :ivar jobs: those that have not ended.
    :ivar migration: None if none is going on.
    :ivar is_silent: the VM does not answer at present.
    :ivar ended_jobs: those that have ended, and are to be dismissed.
    """

    name: str = ""
    run_state: str = ""
    jobs: tuple[Job, ...] = ()
    migration: Migration | None = None
    is_silent: bool = False
    ended_jobs: tuple[Job, ...] = ()

    @property
    def has_progress(self) -> bool:
        """Whether there is something whose progress can be shown."""
        return bool(self.jobs) or self.migration is not None


class StatusPoller:
    """Keeps a :class:`VmStatus` up to date. It asks the VM and never waits for it.

    Whoever owns the poller calls :meth:`poll` when the VM has sent something and at the times
    that it names.

    :ivar status: what was learned last.
    """

    def __init__(
        self, answers: Answers, on_migration: Callable[[Migration], object] = lambda _: None
    ) -> None:
        """:param on_migration: is given what is known of a migration, also that it has ended."""
        self._answers = answers
        self._on_migration = on_migration
        self._polled_at: float | None = None
        self.status = VmStatus()

    def poll(self, now: float) -> float | None:
        """Ask what may have changed, and store what has been answered.

        :param now: by the monotonic clock, in seconds.
        :return: when to poll again; None: not before the VM has sent something.
        """
        if self._polled_at is not None and now < self._polled_at + _SHORTEST_INTERVAL:
            return self._polled_at + _SHORTEST_INTERVAL
        self._polled_at = now
        view, before = self._answers.immediate, self.status
        name, run_state = view.get(NAME), view.get(RUN_STATE)
        jobs, migration = view.get(JOBS), view.get(MIGRATION)
        if migration is not None:
            self._on_migration(migration)
        self.status = VmStatus(
            before.name if name is None else name,
            before.run_state if run_state is None else run_state,
            before.jobs if jobs is None else tuple(job for job in jobs if not job.has_ended),
            before.migration if migration is None else migration if migration.is_active else None,
            self._answers.is_silent,
            before.ended_jobs if jobs is None else tuple(job for job in jobs if job.has_ended),
        )
        if self.status.has_progress:
            self._answers.forget(JOBS, MIGRATION)
            return now + _PROGRESS_INTERVAL
        return now + SILENCE_SECONDS if self._answers.is_awaiting else None
