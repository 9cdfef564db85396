"""``.why`` and the first line of ``.info``: why a VM does not run, and what would go on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qmp_shell.messages import Event, Message
from qmp_shell.render.stop_reason import format_stop_reason
from qmp_shell.vm.incidents import Incidents
from qmp_shell.vm.records import parse_jobs, parse_migration
from qmp_shell.vm.stop_reason import StopReason, read_stop_reason
from tests.conftest import (
    Run,
    RunningVm,
    StartTableVm,
    StartTerminal,
    StartVm,
    create_image,
)
from tests.json_values import GivenAnswers, OfflineAnswers
from tests.terminal import Terminal

# Options of blkdebug.
FAILING_READS = "inject-error.0.event=none,inject-error.0.iotype=read"
CLOCK = r"\d\d:\d\d:\d\d"


def event(name: str, **data: object) -> Event:
    return Event({"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 0}})


def why(state: str, *events: Event, command: Message | None = None) -> str:
    """The first sentence for a VM to which some things have happened."""
    incidents = Incidents()
    if command is not None:
        incidents.begin(command)
    for each in events:
        incidents.add(each)
    return format_stop_reason(StopReason(state, incidents, [], [], None))[0]


STOP = event("STOP")
PATH = "/machine/peripheral/disk0/virtio-backend"


@pytest.mark.parametrize(
    ("state", "events", "sentence"),
    [
        ("running", [], "the VM is running"),
        ("prelaunch", [], "the VM has not started yet; cont starts it"),
        (
            "paused",
            [],
            r"the VM is paused \(since when, and by whom, is unknown: it was so before this shell "
            r"attached\); cont lets it go on",
        ),
        (
            "paused",
            [STOP],
            f"the VM is paused since {CLOCK}, by another client or QEMU itself; cont lets it go on",
        ),
        ("paused", [STOP, event("RESUME")], r"the VM is paused \(since when, and by whom, .*"),
        (
            "io-error",
            [
                event(
                    "BLOCK_IO_ERROR",
                    **{"device": "", "qom-path": PATH, "node-name": "d0", "operation": "write"},
                    **{"reason": "No space left on device", "action": "stop"},
                ),
                event("BLOCK_IO_ERROR", device="d1", action="report"),
                STOP,
            ],
            f"the VM is paused because of a disk error since {CLOCK}: disk0 cannot write: "
            "No space left on device; cont tries again",
        ),
        (
            "io-error",
            [],
            r"the VM is paused because of a disk error \(since when is unknown: .*\); "
            "cont tries again",
        ),
        (
            "watchdog",
            [event("WATCHDOG", action="pause"), STOP],
            f"the watchdog has paused the VM since {CLOCK}: its timer expired at {CLOCK}; cont .*",
        ),
        (
            "guest-panicked",
            [event("GUEST_PANICKED", action="pause"), STOP],
            f"the guest has crashed since {CLOCK} at {CLOCK}; system_reset and then cont .*",
        ),
        (
            "shutdown",
            [event("SHUTDOWN", guest=True, reason="guest-shutdown"), STOP],
            rf"the guest has shut down since {CLOCK} \(guest-shutdown\); system_reset .*",
        ),
        ("odd\n\x1b", [], r"the VM is in the state odd\n\x1b \(since when is unknown: .*"),
    ],
)
def test_each_run_state_is_explained(state: str, events: list[Event], sentence: str) -> None:
    assert re.fullmatch(sentence, why(state, *events), re.DOTALL)


@pytest.mark.parametrize(
    ("command", "whom"),
    [
        ({"execute": "stop"}, "by stop in this shell"),
        ({"execute": "query-status"}, "by another client or QEMU itself"),
        (
            {"execute": "human-monitor-command", "arguments": {"command-line": " stop # x"}},
            "by stop in this shell",
        ),
        (
            {"execute": "human-monitor-command", "arguments": {"command-line": "s"}},
            "by stop in this shell",
        ),
        (
            {"execute": "human-monitor-command", "arguments": {"command-line": 5}},
            "by another client or QEMU itself",
        ),
    ],
)
def test_who_has_paused_the_vm(command: Message, whom: str) -> None:
    assert whom in why("paused", STOP, command=command)


def test_a_stop_after_the_command_is_not_blamed_on_it() -> None:
    incidents = Incidents()
    incidents.begin({"execute": "stop"})
    incidents.end()
    incidents.add(STOP)
    reason = StopReason("paused", incidents, [], [], None)
    assert "by another client" in format_stop_reason(reason)[0]


def test_a_reset_forgets_a_crash_and_is_told_itself() -> None:
    crash = event("GUEST_PANICKED", action="pause")
    assert "at" not in why("guest-panicked", crash, event("RESET")).partition(";")[0].split()
    assert why("prelaunch", STOP, event("RESET")) == (
        "the VM was reset while it was paused; cont starts it"
    )


def test_jobs_and_a_migration_that_failed_or_wait_are_told() -> None:
    jobs = parse_jobs(
        [
            {"id": "j0", "type": "mirror", "status": "ready"},
            {"id": "j1", "type": "backup", "status": "concluded", "error": "No space"},
            {"id": "j2", "type": "commit", "status": "running"},
        ]
    )
    waiting = [job for job in jobs if job.error or job.awaited_command]
    migration = parse_migration({"status": "failed", "error-desc": "no route"})
    reason = StopReason("running", Incidents(), [], waiting, migration)
    assert format_stop_reason(reason)[1:] == [
        "job j0 (mirror) is ready: job-complete id=j0",
        "job j1 (backup) has failed: No space",
        "the migration has failed: no route",
    ]


def test_an_interrupted_migration_is_told_on_both_sides() -> None:
    migration = parse_migration({"status": "postcopy-paused"})
    at_source = StopReason("finish-migrate", Incidents(), [], [], migration)
    [sentence] = format_stop_reason(at_source)
    assert sentence.startswith("the VM is paused, and its migration is interrupted")
    assert sentence.endswith(
        "; to go on, migrate-recover uri=URI at its destination, "
        "then migrate uri=URI resume=true here"
    )
    at_destination = StopReason("running", Incidents(), [], [], migration)
    assert format_stop_reason(at_destination) == [
        "the VM is running",
        "the migration to this VM is interrupted; migrate-recover uri=URI takes it up again",
    ]


@pytest.mark.parametrize(
    ("status", "begins"),
    [
        ("running", "a snapshot of the VM is being loaded"),
        ("concluded", "the loading of a snapshot of the VM has ended"),
    ],
)
def test_a_snapshot_is_being_loaded_as_long_as_its_job_runs(status: str, begins: str) -> None:
    answers = {
        "query-status": {"status": "restore-vm"},
        "query-jobs": [{"id": "j", "type": "snapshot-load", "status": status}],
    }
    reason = read_stop_reason(OfflineAnswers(GivenAnswers(answers)).waiting, Incidents())
    assert format_stop_reason(reason)[0].startswith(begins)


def test_the_loading_of_a_snapshot_that_failed_is_not_waited_for(
    start_vm: StartVm, run: Run, folder: Path
) -> None:
    disk = folder / "disk.qcow2"
    create_image(disk)
    file = f"file.driver=file,file.filename={disk}"
    vm = start_vm("-blockdev", f"driver=qcow2,node-name=d0,{file}")
    lines = (
        "cont",
        "snapshot-load job-id=l tag=none vmstate=d0 devices.0=d0",
        ".wait job=l",
        "job-dismiss id=l",
        ".why",
    )
    result = run("-k", vm.address, *(word for line in lines for word in ("-c", line)))
    last = result.stdout.splitlines()[-1]
    assert last.startswith("the loading of a snapshot of the VM has ended"), result
    assert last.endswith("by snapshot-load in this shell; cont lets the VM go on")


def test_what_happened_is_bounded() -> None:
    incidents = Incidents()
    for number in range(1_000):
        incidents.add(event("BLOCK_IO_ERROR", device=f"d{number}", action="stop"))
    assert len(incidents.block_errors) == 100
    assert incidents.block_errors[-1].device == "d999"


def test_a_disk_error_that_stops_a_vm_is_explained(
    start_vm: StartVm, terminal: StartTerminal, run: Run
) -> None:
    """SeaBIOS reads the disk, and QEMU injects an error."""
    vm = start_vm(
        *("-blockdev", "driver=null-co,node-name=n0,size=1048576"),
        *("-blockdev", f"driver=blkdebug,node-name=d0,image=n0,{FAILING_READS}"),
        *("-device", "ide-hd,drive=d0,id=disk0,rerror=stop,bootindex=0"),
    )
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("cont")
    shell.wait_for(" BLOCK_IO_ERROR ")
    shell.wait_for(" STOP$")
    shell.enter(".why")
    shell.wait_for(
        f"^the VM is paused because of a disk error since {CLOCK}: "
        r"(disk0|d0) cannot\s+read:\s+Input/output\s+error; cont tries again$"
    )
    shell.wait_for(r"^disk disk0 .*: I/O error$")
    shell.press("ctrl-d")
    shell.wait_for_end()
    late = run(vm.address, "-c", ".info").stdout
    assert late.startswith(
        "the VM is paused because of a disk error (since when is unknown: it was so before "
    )


def test_a_crashed_guest_is_explained(start_vm: StartVm, terminal: StartTerminal) -> None:
    """The guest reports it through the port of pvpanic, to which the human monitor writes."""
    vm = start_vm("-device", "pvpanic", "-action", "panic=pause")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("cont")
    shell.wait_for(" RESUME$")
    shell.wait_for_prompt()
    shell.enter(".hmp o /b 0x505 1")
    shell.wait_for(" GUEST_PANICKED ")
    shell.enter(".info")
    shell.wait_for(f"^the guest has crashed .*at {CLOCK}; system_reset and then")


def test_a_vm_that_this_shell_paused(shell: Terminal) -> None:
    shell.enter("cont")
    shell.wait_for(" RESUME$")
    shell.enter("stop")
    shell.wait_for(" STOP$")
    shell.enter(".why")
    shell.wait_for(f"^the VM is paused since {CLOCK}, by stop in this shell; cont lets it go on$")
    shell.enter("cont")
    shell.wait_for_prompt()
    shell.enter(".why")
    shell.wait_for("^the VM is running$")


def test_a_vm_without_a_run_state(table_vm: StartTableVm, run: Run) -> None:
    result = run(table_vm("9.0.0", {}).address, "-c", ".why")
    assert (result.returncode, result.stderr) == (
        2,
        "qmp-shell: the VM does not tell its run state\n",
    )


def test_a_paused_vm_that_was_migrated_to_a_file(vm: RunningVm, run: Run) -> None:
    migrate = "migrate uri=exec:cat>/dev/null"
    result = run(vm.address, "-c", migrate, "-c", ".wait migration", "-c", ".why")
    assert result.stdout.splitlines()[1].startswith(
        "the VM was migrated to another QEMU or to a file (since when is unknown); quit ends"
    )
