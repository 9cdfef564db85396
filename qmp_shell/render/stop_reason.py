"""Why a VM does not run, in sentences: what happened, and what would go on from there."""

from __future__ import annotations

from collections.abc import Iterator

from ..vm.device_names import format_device_name
from ..vm.incidents import BlockError
from ..vm.stop_reason import StopReason
from .status_line import format_failed_migration
from .text import format_clock

# How an interrupted postcopy migration goes on, at its source.
_RECOVERY = (
    "to go on, migrate-recover uri=URI at its destination, then migrate uri=URI resume=true here"
)
# Beside the run states: restore-vm without a job, and finish-migrate with a migration that waits.
_LOADED, _INTERRUPTED = "loaded", "interrupted"
# For each run state (qemu-qmp-ref(7), RunState): what it means, and what can be done.
_STATES = {
    "running": ("the VM is running", ""),
    "debug": ("a debugger has stopped the VM", "the debugger, or cont, lets it go on"),
    "finish-migrate": ("the VM is paused to finish a migration", ".wait migration waits for that"),
    "inmigrate": ("the VM waits for a migration to come in", "migrate on the other host starts it"),
    "internal-error": (
        "QEMU cannot run the guest any further",
        "system_reset restarts the guest; its log may say more",
    ),
    "io-error": ("the VM is paused because of a disk error", "cont tries again"),
    "paused": ("the VM is paused", "cont lets it go on"),
    "postmigrate": (
        "the VM was migrated to another QEMU or to a file",
        "quit ends this one; cont only if no other goes on with it",
    ),
    "prelaunch": ("the VM has not started yet", "cont starts it"),
    "restore-vm": ("a snapshot of the VM is being loaded", "it goes on by itself"),
    "save-vm": ("a snapshot of the VM is being saved", "it goes on by itself"),
    "shutdown": (
        "the guest has shut down",
        "system_reset and then cont start it again; quit ends QEMU",
    ),
    "suspended": ("the guest has suspended itself", "system_wakeup wakes it"),
    "watchdog": ("the watchdog has paused the VM", "cont lets it go on; system_reset restarts it"),
    "guest-panicked": ("the guest has crashed", "system_reset and then cont restart it"),
    # QEMU does not leave these states by itself.
    _LOADED: ("the loading of a snapshot of the VM has ended", "cont lets the VM go on"),
    _INTERRUPTED: ("the VM is paused, and its migration is interrupted", _RECOVERY),
    "colo": ("the VM is paused for a COLO checkpoint", "it goes on by itself"),
    "preconfig": ("the VM is being configured", "x-exit-preconfig goes on"),
}


def format_stop_reason(reason: StopReason) -> list[str]:
    """A sentence for why the VM does not run, then one for each thing that failed or waits."""
    sentence = format_state(reason)
    return [sentence, *_format_devices(reason), *_format_jobs(reason), *_format_migration(reason)]


def format_state(reason: StopReason) -> str:
    """Why the VM does not run, and what would go on from there, in one sentence."""
    state = reason.run_state
    meaning, advice = _STATES.get(
        _situation(reason), (f"the VM is in the state {state or 'unknown'}", "")
    )
    if state == "prelaunch" and reason.incidents.stop is not None:
        meaning = "the VM was reset while it was paused"
    since = "" if reason.is_running or state == "prelaunch" else _format_since(reason)
    cause = _format_cause(reason)
    return f"{meaning}{since}{cause}{'; ' if advice else ''}{advice}"


def _situation(reason: StopReason) -> str:
    """The run state, or what has become of it."""
    if reason.run_state == "restore-vm" and not reason.is_loading:
        return _LOADED
    if reason.run_state == "finish-migrate" and _is_interrupted(reason):
        return _INTERRUPTED
    return reason.run_state


def _is_interrupted(reason: StopReason) -> bool:
    return reason.migration is not None and reason.migration.awaited_command != ""


def _format_since(reason: StopReason) -> str:
    """Since when, and by whose command; that is known only if the shell was attached then."""
    stop = reason.incidents.stop
    if stop is None:
        if reason.run_state == "postmigrate":  # a VM that was paused has not stopped once more
            return " (since when is unknown)"
        whom = ", and by whom," if reason.run_state == "paused" else ""
        return f" (since when{whom} is unknown: it was so before this shell attached)"
    since = f" since {format_clock(stop.at)}"
    if stop.command:
        return f"{since}, by {stop.command} in this shell"
    return f"{since}, by another client or QEMU itself" if reason.run_state == "paused" else since


def _format_cause(reason: StopReason) -> str:
    """What the events and the disks tell of the cause."""
    incidents = reason.incidents
    if reason.run_state == "io-error":
        errors = [each for each in incidents.block_errors if each.action == "stop"]
        causes = [_format_error(each) for each in errors]
        return f": {', '.join(causes)}" if causes else ""
    if reason.run_state == "watchdog" and incidents.watchdog is not None:
        return f": its timer expired at {format_clock(incidents.watchdog.timestamp)}"
    if reason.run_state == "guest-panicked" and incidents.panic is not None:
        return f" at {format_clock(incidents.panic.timestamp)}"
    if reason.run_state == "shutdown" and incidents.shutdown is not None:
        cause = incidents.shutdown.data.get("reason")
        return f" ({cause})" if isinstance(cause, str) else ""
    return ""


def _format_error(error: BlockError) -> str:
    name = format_device_name(error.device) or error.node or "a disk"
    operation = f" cannot {error.operation}" if error.operation else " has failed"
    return f"{name}{operation}{': ' if error.reason else ''}{error.reason}"


def _format_devices(reason: StopReason) -> Iterator[str]:
    for device in reason.failed_devices:
        name = device.device or format_device_name(device.qdev)
        file = f" ({device.medium.file})" if device.medium is not None else ""
        what = "there is no space left for it" if device.io_status == "nospace" else "I/O error"
        yield f"disk {name}{file}: {what}"


def _format_jobs(reason: StopReason) -> Iterator[str]:
    for job in reason.jobs:
        if job.error:
            yield f"job {job.id} ({job.type}) has failed: {job.error}"
        else:
            yield f"job {job.id} ({job.type}) is {job.status}: {job.awaited_command} id={job.id}"


def _format_migration(reason: StopReason) -> Iterator[str]:
    migration = reason.migration
    if migration is not None and migration.status == "failed":
        yield format_failed_migration(migration)
    elif _is_interrupted(reason) and reason.run_state != "finish-migrate":
        yield "the migration to this VM is interrupted; migrate-recover uri=URI takes it up again"
