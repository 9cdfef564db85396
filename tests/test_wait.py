"""``.wait``: races, timeouts, failures, and VMs that end during the wait."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from qmp_shell.cli import exit_status
from qmp_shell.commands.wait import parse_wait
from qmp_shell.errors import ConnectionLost, Timeout, UsageError, WaitError
from qmp_shell.messages import Event
from qmp_shell.vm.events import EventHistory
from qmp_shell.vm.waiting import (
    Condition,
    EventCondition,
    JobCondition,
    MigrationCondition,
    RunStateCondition,
    TimeIsOver,
    Waiter,
)
from tests.conftest import (
    PipedProcess,
    Run,
    RunningVm,
    StartPeer,
    StartTableVm,
    StartTerminal,
    StartVm,
    shell_command,
)
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.sessions import attach, run_line
from tests.table_vm import in_turn
from tests.terminal import Terminal
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("text", "condition", "timeout"),
    [
        ("STOP", EventCondition("STOP", {}), None),
        ("STOP timeout=2.5 # a comment", EventCondition("STOP", {}), 2.5),
        ("timeout=2 STOP", EventCondition("STOP", {}), 2),
        (
            'DEVICE_DELETED device=a path="/x y"',
            EventCondition("DEVICE_DELETED", {"device": "a", "path": "/x y"}),
            None,
        ),
        ("job=j0 timeout=1", JobCondition("j0"), 1),
        ("migration", MigrationCondition(), None),
        ("status=running", RunStateCondition("running"), None),
    ],
)
def test_the_arguments_of_wait_are_parsed(
    text: str, condition: Condition, timeout: float | None
) -> None:
    found = parse_wait(text)
    assert type(found[0]) is type(condition)
    assert found == (condition, timeout)


@pytest.mark.parametrize(
    "text",
    [
        *("", "timeout=2", "job=", "job=a b=c", "STOP RESUME", "STOP timeout=x", "a=b"),
        *("status running", "job m0", "X id=a id=b", "X timeout=1 timeout=2"),
    ],
)
def test_invalid_arguments_of_wait_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_wait(text)


def test_an_event_that_arrived_before_the_wait_ends_it(vm: RunningVm, run: Run) -> None:
    script = "cont\n.wait RESUME timeout=10\nstop\nquery-status\n.wait STOP timeout=10\n"
    result = run(vm.address, stdin=script)
    assert (result.stderr, result.returncode) == ("", 0)


def test_an_event_ends_one_wait_only(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "cont", "-c", ".wait RESUME", "-c", ".wait RESUME timeout=0.2")
    assert result.stderr == "qmp-shell: -c 3: .wait RESUME: not within 0.2 s\n"
    assert result.returncode == 5


def test_an_event_before_the_last_command_does_not_end_a_wait(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "cont", "-c", "stop", "-c", ".wait RESUME timeout=0.2")
    assert result.stderr == "qmp-shell: -c 3: .wait RESUME: not within 0.2 s\n"
    assert result.returncode == 5


def test_no_event_is_missed_when_it_arrives_as_the_wait_begins(
    vm: RunningVm, capfd: pytest.CaptureFixture[str]
) -> None:
    """Repeat it a thousand times, since the moments of the event and of the wait vary."""
    session = attach(vm.address)
    session.executor.execute({"execute": "cont"})
    for _ in range(500):
        run_line(session, "stop")
        run_line(session, ".wait STOP timeout=20")
        run_line(session, "cont")
        run_line(session, ".wait RESUME timeout=20")
    assert capfd.readouterr().out.count("return") == 1001
    session.attachment.close()


@pytest.mark.parametrize("order", ["events, reply", "reply, events", "event, reply, event"])
def test_the_end_of_a_job_is_noticed_before_with_or_after_the_reply_to_query_jobs(
    peer: StartPeer, order: str
) -> None:
    running = b'{"return": [{"id": "j", "status": "running"}], "id": 2}\r\n'
    none = b'{"return": [], "id": %d}\r\n'
    completed = b'{"event": "BLOCK_JOB_COMPLETED", "data": {"device": "j"}}\r\n'
    ended = b'{"event": "JOB_STATUS_CHANGE", "data": {"id": "j", "status": "null"}}\r\n'
    steps = {
        "events, reply": [completed + ended + none % 2],
        "reply, events": [running + completed + ended, none % 3],
        "event, reply, event": [completed + running + ended, none % 3],
    }[order]
    session = attach(peer(GREETING, ACCEPTED, *steps, HOLD, at_prompt=False).address)
    run_line(session, ".wait job=j timeout=20")
    assert session.attachment.events.job_outcome("j") == ""
    session.attachment.close()


def test_a_failed_job_ends_the_wait_with_its_error(vm: RunningVm, run: Run) -> None:
    script = (
        "blockdev-add driver=null-co node-name=a size=1M\n"
        "blockdev-add driver=blkdebug node-name=b image.driver=null-co image.size=1M"
        " inject-error.0.event=none inject-error.0.iotype=write inject-error.0.errno=28\n"
        "blockdev-backup job-id=j device=a target=b sync=full\n"
        ".wait job=j timeout=20\n"
    )
    result = run(vm.address, stdin=script)
    assert result.returncode == 1
    assert result.stderr == "qmp-shell: <stdin>:4: job j failed: No space left on device\n"


def test_a_failed_job_that_is_not_dismissed_ends_the_wait_and_stays_concluded(
    vm: RunningVm, run: Run
) -> None:
    line = "blockdev-create job-id=j options.driver=file options.filename=/no/x options.size=1M"
    result = run(vm.address, "-c", line, "-c", ".wait job=j timeout=20")
    assert result.returncode == 1
    assert "job j failed: Could not create" in result.stderr
    result = run(vm.address, "-c", "query-jobs")
    assert '"concluded"' in result.stdout


def test_a_cancelled_job_ends_the_wait_with_an_error(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("a", "b")
    result = run(
        vm.address,
        *("-c", "blockdev-backup job-id=j device=a target=b sync=full speed=1"),
        *("-c", "block-job-cancel device=j", "-c", ".wait job=j timeout=20"),
    )
    assert "job j failed: it was cancelled" in result.stderr
    assert result.returncode == 1


def test_a_job_that_has_ended_succeeds_and_an_unknown_job_is_an_error(
    vm: RunningVm, run: Run
) -> None:
    vm.add_nodes("a", "b", size=1 << 20)
    result = run(
        vm.address,
        *("-c", "blockdev-backup job-id=j device=a target=b sync=full"),
        *("-c", ".wait JOB_STATUS_CHANGE id=j status=null timeout=20"),
        *("-c", "stop", "-c", ".wait job=j timeout=20", "-c", ".wait job=k timeout=20"),
    )
    assert result.stderr == "qmp-shell: -c 5: there is no job k\n"
    assert result.returncode == 1


@pytest.mark.parametrize(
    "event", ["BLOCK_JOB_READY device=j", "BLOCK_JOB_PENDING id=j", "BLOCK_JOB_COMPLETED device=j"]
)
def test_waiting_for_an_event_of_a_job_fails_when_the_job_has_ended(
    vm: RunningVm, run: Run, event: str
) -> None:
    vm.add_nodes("a", "b")
    result = run(
        vm.address,
        *("-c", "blockdev-mirror job-id=j device=a target=b sync=full speed=1"),
        *("-c", "block-job-cancel device=j"),
        *("-c", f".wait {event} timeout=20"),
    )
    assert result.stderr == "qmp-shell: -c 3: job j has already ended: it was cancelled\n"


def test_the_end_of_a_job_that_is_not_dismissed_is_found_once(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("a", "b", size=1 << 20)
    line = "blockdev-backup job-id=j device=a target=b sync=full auto-dismiss=off"
    wait = ".wait BLOCK_JOB_COMPLETED device=j timeout=20"
    result = run(vm.address, "-c", line, "-c", wait, "-c", wait)
    assert result.stderr == "qmp-shell: -c 3: job j has already ended: it succeeded\n"
    result = run(vm.address, "-c", wait.replace("COMPLETED", "CANCELLED"))
    assert result.stderr == "qmp-shell: job j has already ended: it succeeded\n"


def test_a_job_of_an_old_vm_may_have_the_name_of_one_that_has_ended(
    table_vm: StartTableVm,
) -> None:
    """It has no event that tells of a job's beginning."""
    session = attach(table_vm("2.9.0", {"query-block-jobs": [{"device": "j"}]}).address)
    events = session.attachment.events
    events.add(Event({"event": "BLOCK_JOB_COMPLETED", "data": {"device": "j"}}))
    events.expire(events.count, {"execute": "x", "arguments": {"job-id": "j"}})
    for name in ("BLOCK_JOB_READY", "BLOCK_JOB_COMPLETED"):
        with pytest.raises(Timeout):
            run_line(session, f".wait {name} device=j timeout=0.5")
    session.attachment.close()


def test_what_has_come_about_already_is_not_waited_for(vm: RunningVm, run: Run) -> None:
    """Each command is a process of its own, which has seen no event of those before it."""
    vm.add_nodes("a", "b", size=1 << 20)
    with vm.second() as client:
        job = {"job-id": "j", "device": "a", "target": "b", "sync": "full"}
        client.execute("blockdev-mirror", **job)
        wait_until(lambda: client.execute("query-jobs")[0]["status"] == "ready")
        result = run(vm.address, ".wait", "BLOCK_JOB_READY", "device=j")
        assert (result.stderr, result.returncode) == ("", 0)
        client.execute("block-job-cancel", device="j")
        finished = {"auto-finalize": False, "job-id": "k"}
        client.execute("blockdev-backup", **{**job, **finished})
        wait_until(lambda: client.execute("query-jobs")[0]["status"] == "pending")
        result = run(vm.address, ".wait", "BLOCK_JOB_PENDING", "id=k")
        assert (result.stderr, result.returncode) == ("", 0)


def test_a_time_limit_may_end_before_it_is_certain_that_an_event_does_not_come(
    quiet_vm: RunningVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint needs QEMU's answers; three seconds are enough for them on a busy machine, too."""
    monkeypatch.setattr("qmp_shell.vm.waiting._LATE_SECONDS", 60.0)
    session = attach(quiet_vm.address)
    with pytest.raises(Timeout, match=r"^\.wait DEVICE_DELETED device=x: not within 3 s$") as over:
        run_line(session, ".wait DEVICE_DELETED device=x timeout=3")
    assert over.value.hint == "there is no device x; it may have been removed before"
    session.attachment.close()


@pytest.mark.parametrize(
    ("awaited", "problem"),
    [
        ("BLOCK_JOB_READY device=x", "there is no job x"),
        ("BLOCK_JOB_PENDING id=x", "there is no job x"),
        ("BLOCK_JOB_COMPLETED device=x", "there is no job x"),
        ("BLOCK_JOB_CANCELLED device=x", "there is no job x"),
        ("DEVICE_DELETED device=x", "there is no device x; it may have been removed before"),
        (
            "MIGRATION status=completed",
            "MIGRATION is not sent, for the capability events is off; write .wait migration",
        ),
    ],
)
def test_what_cannot_come_is_not_waited_for(
    vm: RunningVm, run: Run, awaited: str, problem: str
) -> None:
    result = run(vm.address, "-c", f".wait {awaited}")
    assert (result.stderr, result.returncode) == (f"qmp-shell: {problem}\n", 1)


def test_a_device_that_the_guest_keeps_is_told(start_vm: StartVm) -> None:
    session = attach(start_vm("-device", "virtio-rng-pci,id=r").address)
    attachment = session.attachment
    run_line(session, "device_del id=r")
    waiter = Waiter(attachment.client, attachment.events, time.monotonic() + 2, None, print)
    with pytest.raises(TimeIsOver):
        waiter.wait(EventCondition("DEVICE_DELETED", {"device": "r"}))
    assert waiter.situation == "r is still there: the guest has not released it"
    attachment.close()


def test_a_device_that_the_guest_refuses_to_release_is_not_waited_for(
    table_vm: StartTableVm,
) -> None:
    devices = [{"name": name, "type": "child<virtio-net-pci>"} for name in ("net1", "net2")]
    session = attach(table_vm("9.0.0", {"qom-list": devices}).address)
    data = {"device": "net1", "path": "/machine/peripheral/net1"}
    session.attachment.events.add(Event({"event": "DEVICE_UNPLUG_GUEST_ERROR", "data": data}))
    for other in ("", " device=net2"):
        with pytest.raises(Timeout):
            run_line(session, f".wait DEVICE_DELETED{other} timeout=0.5")
    with pytest.raises(WaitError, match=r"^the guest refused to release net1$"):
        run_line(session, ".wait DEVICE_DELETED device=net1 timeout=20")
    with pytest.raises(Timeout):  # it may be asked to again
        run_line(session, ".wait DEVICE_DELETED device=net1 timeout=0.5")
    session.attachment.close()


@pytest.mark.parametrize("answers", [{}, {"query-status": {}}])
def test_a_peer_without_run_states_is_not_waited_for(
    table_vm: StartTableVm, run: Run, answers: dict[str, object]
) -> None:
    """A storage daemon has none."""
    result = run(table_vm("9.0.0", answers).address, "-c", ".wait status=running timeout=20")
    assert result.stderr == "qmp-shell: the VM does not tell its run state\n"
    assert result.returncode == 1


def test_a_job_that_was_refused_has_not_succeeded(start_vm: StartVm, run: Run) -> None:
    nodes = ("null-co,node-name=a,read-zeroes=on", "null-co,node-name=b,read-zeroes=on")
    vm = start_vm(
        *(word for node in nodes for word in ("-blockdev", node)),
        *("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=a"),
    )
    script = "blockdev-mirror job-id=j device=b target=a sync=full\n.wait job=j\n"
    result = run(vm.address, "-k", stdin=script + ".wait BLOCK_JOB_READY device=j\n")
    assert result.stderr.splitlines()[1:] == [
        "qmp-shell: <stdin>:2: job j failed: it was not started",
        "qmp-shell: <stdin>:3: job j has already ended: it was not started",
    ]


def test_a_run_state_ends_the_wait(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    shell = PipedProcess(*shell_command(), vm.address, env=environment)
    shell.write_line(".wait status=running timeout=20")
    vm.run("cont")
    shell.write_line("query-name")
    assert '"testvm"' in shell.read_line()
    assert shell.close_input() == 0
    assert run(vm.address, "-c", ".wait status=shutdown timeout=0.3").returncode == 5


def test_waiting_without_a_migration_is_an_error(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait migration timeout=20")
    assert result.stderr == "qmp-shell: there is no migration\n"
    assert result.returncode == 1


def test_a_failed_migration_ends_the_wait_with_its_error(vm: RunningVm, run: Run) -> None:
    result = run(
        vm.address,
        *("-c", "migrate uri=unix:/nowhere/sock", "-k", "-c", ".wait migration timeout=20"),
    )
    assert result.returncode == 1
    assert "migration failed" in result.stderr


def test_the_vm_can_go_on_after_a_migration_was_waited_for(vm: RunningVm, run: Run) -> None:
    """QEMU reports the end shortly before it takes "cont"; so try it several times."""
    events = "migrate-set-capabilities capabilities.0.capability=events capabilities.0.state=on\n"
    migrate = "migrate uri=exec:cat>/dev/null\n.wait migration timeout=20\ncont\n"
    result = run(vm.address, stdin=events + "cont\n" + migrate * 20)
    assert (result.stderr, result.returncode) == ("", 0)


COMPLETED = {"status": "completed"}


@pytest.mark.parametrize(
    ("migrations", "run_states"),
    [
        ([COMPLETED], ["finish-migrate", "finish-migrate", "postmigrate"]),
        ([{"status": "active"}, COMPLETED], ["finish-migrate", "postmigrate"]),
        ([{}, {"status": "active"}, COMPLETED], ["inmigrate", "inmigrate", "running"]),
        ([{}], ["inmigrate", "inmigrate", "paused"]),  # an old QEMU's destination
    ],
)
def test_a_migration_has_ended_when_the_run_state_says_so_too(
    table_vm: StartTableVm, migrations: list[object], run_states: list[str]
) -> None:
    states = in_turn(*({"status": state} for state in run_states))
    answers = {"query-migrate": in_turn(*migrations), "query-status": states}
    vm = table_vm("9.0.0", answers)
    session = attach(vm.address)
    run_line(session, ".wait migration timeout=20")
    assert vm.asked["query-status"] == len(run_states)
    session.attachment.close()


def test_a_vm_without_a_run_state_is_not_waited_for(table_vm: StartTableVm) -> None:
    session = attach(table_vm("9.0.0", {"query-migrate": COMPLETED}).address)
    run_line(session, ".wait migration timeout=20")
    session.attachment.close()


def test_a_migration_that_is_interrupted_waits_for_a_command(table_vm: StartTableVm) -> None:
    answers = {"query-migrate": {"status": "postcopy-paused"}}
    session = attach(table_vm("9.0.0", answers).address)
    with pytest.raises(Timeout) as error:
        run_line(session, ".wait migration timeout=2")
    assert error.value.hint == "the migration is postcopy-paused and waits for migrate-recover"
    session.attachment.close()


def test_a_run_state_that_stays_lets_the_wait_time_out(table_vm: StartTableVm) -> None:
    answers = {"query-migrate": COMPLETED, "query-status": {"status": "finish-migrate"}}
    session = attach(table_vm("9.0.0", answers).address)
    with pytest.raises(Timeout, match=r"^\.wait migration: not within 0\.6 s$"):
        run_line(session, ".wait migration timeout=0.6")
    session.attachment.close()


def test_the_vm_is_asked_again_before_the_time_runs_out(
    table_vm: StartTableVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells of the change, which comes after the last full interval."""
    monkeypatch.setattr("qmp_shell.vm.waiting._POLL_INTERVAL", 60)
    states = in_turn({"status": "paused"}, {"status": "running"})
    session = attach(table_vm("9.0.0", {"query-status": states}).address)
    run_line(session, ".wait status=running timeout=4")
    session.attachment.close()


def start_ready_mirror(vm: RunningVm) -> None:
    """Start the job m0, a mirror that is ready and goes on until it is told to complete."""
    vm.add_nodes("a", "b", size=1 << 20)
    job = {"job-id": "m0", "device": "a", "target": "b", "sync": "full"}
    with vm.second() as client:
        client.execute("blockdev-mirror", **job)
        while client.execute("query-jobs")[0]["status"] != "ready":
            pass


def test_a_time_out_says_how_far_it_was(vm: RunningVm, run: Run) -> None:
    """Two seconds are enough for QEMU to answer, even on a busy machine."""
    start_ready_mirror(vm)
    result = run(vm.address, "-c", ".wait job=m0 timeout=2")
    assert result.stderr == (
        "qmp-shell: .wait job=m0: not within 2 s "
        "(hint: job m0 is ready and waits for job-complete id=m0)\n"
    )
    assert (result.returncode, result.stdout) == (5, "")
    # Up to two seconds more are for the schema, which tells what run states there are.
    result = run(vm.address, "-c", ".wait status=running timeout=4")
    assert result.stderr.endswith("not within 4 s (hint: the VM is prelaunch)\n")
    result = run(vm.address, "-c", ".wait STOP timeout=0.3")
    assert result.stderr.endswith(".wait STOP: not within 0.3 s\n")


def test_a_job_that_waits_for_a_command_is_told_of_at_the_prompt(
    vm: RunningVm, shell: Terminal
) -> None:
    start_ready_mirror(vm)
    shell.enter(".wait job=m0")
    shell.wait_for("^note: job m0 is ready and waits for job-complete id=m0$")
    shell.wait_for("^m0 100% .* ready: job-complete id=m0$")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for(r"^\(QEMU\) job-complete id=m0$")
    shell.press("right", "enter")
    shell.wait_for("m0 mirror: .*completed$")
    shell.wait_for_prompt()
    shell.enter(".wait job=m0")
    shell.wait_for("^note: job m0 has ended$")
    shell.wait_for_prompt()
    assert shell.text.count("waits for") == 1


def test_at_the_prompt_wait_says_what_has_happened(shell: Terminal) -> None:
    shell.enter(".wait status=prelaunch")
    shell.wait_for("^note: the VM is prelaunch$")
    shell.wait_for_prompt()
    shell.enter(".events off")
    shell.wait_for_prompt()
    shell.enter("cont")
    shell.wait_for_prompt()
    shell.enter(".wait RESUME")
    shell.wait_for("^note: RESUME has come$")
    shell.wait_for_prompt()
    shell.enter(".wait job m0")
    shell.wait_for(r"^write \.wait job=m0$")


def test_a_migrations_end_is_told(table_vm: StartTableVm, terminal: StartTerminal) -> None:
    answers = {"query-migrate": COMPLETED, "query-status": {"status": "paused"}}
    shell = terminal(table_vm("9.0.0", answers).address)
    shell.wait_for_prompt()
    shell.enter(".wait migration")
    shell.wait_for("^note: the migration has ended$")


def test_an_unknown_event_is_refused_with_a_suggestion(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait STPO")
    assert "no event STPO; did you mean STOP?" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("condition", ["STOP", "job=j", "migration", "status=paused"])
def test_the_timeout_applies_if_the_vm_sends_nothing(peer: StartPeer, condition: str) -> None:
    session = attach(peer(GREETING, ACCEPTED, HOLD).address)
    before = time.monotonic()
    with pytest.raises(Timeout, match=r"not within 0\.3 s"):
        run_line(session, f".wait {condition} timeout=0.3")
    assert time.monotonic() - before < 15


@pytest.mark.parametrize("condition", ["STOP", "job=j", "migration", "status=shutdown"])
def test_a_vm_killed_during_a_wait_is_reported_with_status_4(
    vm: RunningVm, environment: dict[str, str], condition: str
) -> None:
    shell = PipedProcess(*shell_command(), vm.address, env=environment)
    shell.write_line("blockdev-add driver=null-co node-name=a size=1G")
    shell.write_line("blockdev-add driver=null-co node-name=b size=1G")
    shell.write_line("blockdev-mirror job-id=j device=a target=b sync=full speed=1")
    shell.write_line("migrate-set-capabilities capabilities=[{'capability':'events','state':True}]")
    shell.write_line("migrate-set-parameters max-bandwidth=1")
    shell.write_line("cont")
    shell.write_line("migrate uri=exec:cat>/dev/null")
    for _ in range(7):
        shell.read_line()
    shell.write_line(f".wait {condition} timeout=60")
    vm.close()
    assert shell.wait(20) == 4
    assert re.search("the VM closed the connection|the connection was lost", shell.read_errors())


def test_filters_are_compared_with_values_of_each_type(peer: StartPeer) -> None:
    event = (
        b'{"event": "X", "data": {"n": 5, "b": true, "s": "5", "o": {"l": [1, {"k": "v"}]},'
        b' "z": null, "f": 1.5}}'
    )
    for matching in ("n=5", "n=0x5", "b=on", "b=true", "s=5", "o.l.1.k=v", "z=null", "f=1.5"):
        session = attach(peer(GREETING, ACCEPTED + event, HOLD).address)
        run_line(session, f".wait X {matching} timeout=20")
        session.attachment.close()
    for other in ("n=6", "b=off", "s=05", "o.l.2=x", "o.l.2=null", "o.l.k=v", "y=1", "z=0"):
        session = attach(peer(GREETING, ACCEPTED + event, HOLD).address)
        with pytest.raises(Timeout):
            run_line(session, f".wait X {other} timeout=0.05")
        session.attachment.close()


def test_sleep_lasts_the_given_number_of_seconds(vm: RunningVm, run: Run) -> None:
    before = time.monotonic()
    result = run(vm.address, "-c", ".sleep 0.3", "-c", "query-name")
    assert result.returncode == 0
    assert time.monotonic() - before >= 0.3


def test_sleep_refuses_what_is_not_a_number(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".sleep x")
    assert "'x' is not a number of seconds greater than 0" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("awaited", "said"),
    [
        ("m0", " (hint: write .wait job=m0)"),
        ("m0 timeout=1", " (hint: write .wait job=m0 timeout=1)"),
        ("prelaunch", " (hint: write .wait status=prelaunch)"),
        ("m1", ""),
    ],
)
def test_a_job_or_a_run_state_without_its_key_is_told(
    vm: RunningVm, run: Run, awaited: str, said: str
) -> None:
    vm.add_nodes("a", "b", size=1 << 20)
    with vm.second() as client:
        client.execute("blockdev-mirror", device="a", target="b", sync="full", **{"job-id": "m0"})
    result = run(vm.address, "-c", f".wait {awaited}")
    name = awaited.partition(" ")[0]
    assert result.stderr == f"qmp-shell: the VM has no event {name}{said}\n"
    assert result.returncode == 2


def test_the_errors_of_wait_have_exit_statuses() -> None:
    assert exit_status(WaitError("x")) == 1
    assert exit_status(Timeout("x")) == 5
    assert exit_status(ConnectionLost("x")) == 4


def test_a_command_keeps_events_about_objects_that_it_does_not_name(
    vm: RunningVm, run: Run
) -> None:
    vm.add_nodes("a", "b", "c", "d", size=1 << 20)
    script = (
        "blockdev-mirror job-id=m1 device=a target=b sync=full\n"
        ".wait JOB_STATUS_CHANGE id=m1 status=ready timeout=20\n"
        "blockdev-mirror job-id=m2 device=c target=d sync=full\n"
        ".wait BLOCK_JOB_READY device=m1 timeout=20\n"
        ".wait BLOCK_JOB_READY device=m2 timeout=20\n"
    )
    assert run(vm.address, stdin=script).stderr == ""


def test_a_command_expires_the_events_about_objects_that_it_names() -> None:
    named = Event({"event": "X", "data": {"device": "a"}})
    other = Event({"event": "X", "data": {"device": "b"}})
    without_object = Event({"event": "STOP"})
    later = Event({"event": "X", "data": {"device": "a", "n": 2}})
    history = EventHistory()
    for event in (named, other, without_object):
        history.add(event)
    history.expire(3, {"execute": "y", "arguments": {"l": [{"id": "a"}]}})
    history.add(later)
    assert history.find("STOP", lambda _: True) is None
    assert history.find("X", lambda data: data["device"] == "a") == later.data
    assert history.find("X", lambda data: data["device"] == "b") == other.data


def test_refused_commands_and_queries_expire_no_events(vm: RunningVm, run: Run) -> None:
    script = "cont\nno-such-command\n.hmp info status\nquery-status\n.wait RESUME timeout=10\n"
    result = run("-k", vm.address, stdin=script)
    assert result.stderr.startswith("qmp-shell: <stdin>:2: no-such-command: CommandNotFound: ")
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_kept_events_that_a_command_does_not_name_cost_no_time() -> None:
    """This test would take minutes if each command examined all kept events."""
    history = EventHistory()
    for number in range(1_000):
        for name in range(100):
            history.add(Event({"event": f"E{name}", "data": {"id": f"d{number}"}}))
    for number in range(5_000):
        history.expire(history.count, {"execute": "x", "arguments": {"id": f"x{number}"}})
    history.expire(history.count, {"execute": "x", "arguments": {"id": "d5"}})
    assert history.find("E5", lambda data: data["id"] == "d5") is None
    assert history.find("E5", lambda data: data["id"] == "d6") is not None


def test_only_so_many_events_and_jobs_are_kept() -> None:
    history = EventHistory()
    for number in range(20_000):
        history.add(Event({"event": f"E{number}", "data": {"id": "x"}}))
        job = {"id": f"j{number}", "status": "aborting"}
        history.add(Event({"event": "JOB_STATUS_CHANGE", "data": job}))
        history.add(Event({"event": "JOB_STATUS_CHANGE", "data": {**job, "status": "null"}}))
    assert history.find("E19999", lambda _: True) is not None
    assert history.find("E0", lambda _: True) is None
    assert history.job_outcome("j19999") == "it was aborted"
    assert len(history._events) == 200
    assert len(history._outcomes) == 10_000
    for number in range(20_000):
        job = {"id": f"j{number}", "status": "created"}
        history.add(Event({"event": "JOB_STATUS_CHANGE", "data": job}))
    assert len(history._failures) == 10_000
    history.expire(history.count, {"execute": "x", "arguments": {"id": "x"}})
    assert list(history._events) == ["JOB_STATUS_CHANGE"], "the others are about x"


def test_only_so_many_bytes_of_events_are_kept() -> None:
    history = EventHistory()
    for number in range(100):
        event = Event({"event": f"E{number % 3}"})
        event.text = " " * (1 << 20)
        history.add(event)
    assert sum(len(kept) for kept in history._events.values()) == 32
    last = history.find("E0", lambda _: True)
    assert last is not None
    history.remove("E0", last)
    history.expire(history.count, {"execute": "x"})
    assert (history._size, history._events) == (0, {})


def test_an_event_before_the_command_is_old_however_much_lies_before_it(
    peer: StartPeer, run: Run
) -> None:
    """They have arrived, but not been read, when the command is sent."""
    others = b'{"event": "A", "data": {"text": "%s"}}' % (b"x" * 50_000) * 3
    server = peer(GREETING, ACCEPTED + others + b'{"event": "B"}', b'{"return": {}, "id": 2}', HOLD)
    result = run(server.address, "-c", "stop", "-c", ".wait B timeout=0.2")
    assert result.stderr == "qmp-shell: -c 2: .wait B: not within 0.2 s\n"


def test_the_timeout_applies_while_events_arrive_without_end(folder: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "flood"))
    listener.listen()

    def flood() -> None:
        stream, _ = listener.accept()
        with contextlib.suppress(OSError):
            stream.sendall(GREETING)
            stream.recv(1000)
            stream.sendall(ACCEPTED)
            while True:
                stream.sendall(b'{"event": "STOP"}' * 100)

    threading.Thread(target=flood, daemon=True).start()
    session = attach(str(folder / "flood"))
    before = time.monotonic()
    with pytest.raises(Timeout, match=r"^\.wait STOP x=y: not within 0\.5 s$"):
        run_line(session, ".wait STOP x=y timeout=0.5")
    assert time.monotonic() - before < 15
    session.attachment.close()
    listener.close()


def test_the_timeout_of_commands_applies_to_the_queries_of_wait(peer: StartPeer, run: Run) -> None:
    server = peer(GREETING, ACCEPTED, HOLD)
    result = run("-t", "0.3", server.address, "-c", ".wait job=x")
    assert "query-jobs: no reply within 0.3 s" in result.stderr
    assert result.returncode == 5


def test_a_failed_dump_ends_the_wait_for_its_event(vm: RunningVm, run: Run) -> None:
    result = run(
        vm.address,
        *("-c", "dump-guest-memory paging=off protocol=file:/dev/full detach=on"),
        *("-c", ".wait DUMP_COMPLETED timeout=20"),
    )
    assert "the dump failed: " in result.stderr
    assert result.returncode == 1


def test_an_unknown_run_state_is_refused(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait status=runing timeout=1")
    assert "there is no run state runing" in result.stderr
    assert result.returncode == 2
