"""The VM at a glance, in a line: its name, run state, jobs and migration; kept true by events."""

from __future__ import annotations

import time

from ..protocol import Message
from .answers import Catalog, dictionary, dicts

# Not more often than this are jobs asked how far they are, and only while there are any.
POLL_SECONDS = 1.0
# A flood of events is no reason to ask more often.
_LEAST_SECONDS = 0.2


class Status:
    """What a toolbar shows. It asks, and does not wait.

    :ivar again_at: when to look again, by the monotonic clock; None: when something was heard.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._asked_at = 0.0
        self._text: list[str] = []
        self.again_at: float | None = None

    def parts(self) -> list[str]:
        """Name, run state, and a part for each job and for the migration."""
        now = time.monotonic()
        if now >= self._asked_at + _LEAST_SECONDS:
            self._asked_at = now
            self._text = self._ask(now)
        else:
            self.again_at = self._asked_at + _LEAST_SECONDS
        return self._text

    def _ask(self, now: float) -> list[str]:
        catalog = self._catalog
        if catalog.is_agent or catalog.is_offline:
            return []
        jobs = [_job_text(job) for job in dicts(catalog.latest("query-jobs"))]
        migration = _migration_text(dictionary(catalog.latest("query-migrate")))
        name = dictionary(catalog.latest("query-name")).get("name")
        state = dictionary(catalog.latest("query-status")).get("status")
        self.again_at = None
        if any(jobs) or migration:
            self.again_at = now + POLL_SECONDS
            catalog.refresh("query-jobs", "query-migrate")
        return [str(part) for part in (name, state, *jobs, migration) if part]


def _job_text(job: Message) -> str:
    """A job that runs, with its percentage; empty for one that has ended."""
    status = str(job.get("status"))
    if status == "concluded":
        return ""
    about = percentage(job) if status == "running" else f" {status}"
    return f"{job.get('id')} {job.get('type')}{about}"


def percentage(job: Message) -> str:
    """How far a job is, as `` 34%``; empty if it does not tell."""
    done, total = job.get("current-progress"), job.get("total-progress")
    if not isinstance(done, int) or not isinstance(total, int) or total <= 0:
        return ""
    return f" {100 * done // total}%"


def _migration_text(told: Message) -> str:
    status = str(told.get("status", "none"))
    if status in ("none", "completed", "failed", "cancelled"):
        return ""
    ram = dictionary(told.get("ram"))
    total, left = ram.get("total"), ram.get("remaining")
    if isinstance(total, int) and isinstance(left, int) and total:
        return f"migration {100 * (total - left) // total}%"
    return f"migration {status}"
