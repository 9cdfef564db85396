"""The state of a VM on one line, for the prompt's toolbar."""

from __future__ import annotations

from ..vm.records import Job, Migration
from ..vm.status import VmStatus
from .quantities import format_percent
from .text import shorten


def format_status(status: VmStatus) -> list[str]:
    """Name, run state, and a part for each job and for a migration; each is safe to print."""
    parts = [status.name, status.run_state, *map(_format_job, status.jobs)]
    if status.migration is not None:
        parts.append(_format_migration(status.migration))
    if status.is_silent:
        parts.append("(no answer)")
    return [shorten(part) for part in parts if part]


def _format_job(job: Job) -> str:
    """``disk0 mirror 34%``, or its status while it does not run."""
    state = format_percent(job.progress, " ") if job.status == "running" else f" {job.status}"
    return f"{job.id} {job.type}{state}"


def format_failed_migration(migration: Migration) -> str:
    """That a migration has failed, and why."""
    return f"the migration has failed{': ' if migration.error else ''}{migration.error}"


def _format_migration(migration: Migration) -> str:
    return "migration " + (format_percent(migration.progress) or migration.status)
