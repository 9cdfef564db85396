"""Why a VM does not run: its state, what has happened to it, and what has failed."""

from __future__ import annotations

from typing import Any, NamedTuple

from .answers import Answers, AnswerView
from .block_records import BlockDevice
from .incidents import Incidents
from .inspection import BLOCK_DEVICES
from .question import Question
from .questions import JOBS, MIGRATION, RUN_STATE
from .records import Job, Migration

_ALL: tuple[Question[Any], ...] = (RUN_STATE, BLOCK_DEVICES, JOBS, MIGRATION)
_LOADING = "snapshot-load"  # the type of a job


class StopReason(NamedTuple):
    """All that tells why a VM does not run.

    :ivar run_state: empty if it is not known.
    :ivar failed_devices: the block devices with an I/O error.
    :ivar jobs: those that wait for a command, or have failed.
    :ivar is_loading: whether a snapshot of the VM is being loaded, as far as is known.
    """

    run_state: str
    incidents: Incidents
    failed_devices: list[BlockDevice]
    jobs: list[Job]
    migration: Migration | None
    is_loading: bool = True

    @property
    def is_running(self) -> bool:
        return self.run_state == "running"


def gather_stop_reason(answers: Answers, incidents: Incidents) -> StopReason:
    """Ask the VM for its state, the questions at once, and wait for the answers.

    :param incidents: what has happened to it.
    :raise Timeout, ConnectionLost: it does not answer.
    """
    answers.refresh(_ALL)
    return read_stop_reason(answers.waiting, incidents)


def read_stop_reason(view: AnswerView, incidents: Incidents) -> StopReason:
    """What the VM's answers tell, of which those that are known are not asked for again."""
    devices = view.get(BLOCK_DEVICES) or []
    jobs = view.get(JOBS)
    return StopReason(
        view.get(RUN_STATE) or "",
        incidents,
        [device for device in devices if device.io_status not in ("", "ok")],
        [job for job in jobs or [] if job.error or job.awaited_command],
        view.get(MIGRATION),
        jobs is None or any(job.type == _LOADING and not job.has_ended for job in jobs),
    )
