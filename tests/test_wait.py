"""``.wait``: races, time-outs, failures, and a VM that goes away meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from qmp_shell.cli import exit_status
from qmp_shell.commands.wait import parse_wait
from qmp_shell.errors import ConnectionLost, QMPError, Timeout, UsageError, WaitError
from qmp_shell.protocol import Event
from qmp_shell.vm.events import EventHistory
from qmp_shell.vm.waiting import (
    Condition,
    EventCondition,
    JobCondition,
    MigrationCondition,
    RunStateCondition,
)
from tests.conftest import PipedProcess, Run, RunningVm, StartPeer, shell_command
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.sessions import attach, run_line


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
def test_what_can_be_waited_for(text: str, condition: Condition, timeout: float | None) -> None:
    found = parse_wait(text)
    assert type(found.condition) is type(condition)
    assert found == (condition, timeout)


@pytest.mark.parametrize(
    "text", ["", "timeout=2", "job=", "job=a b=c", "STOP RESUME", "STOP timeout=x", "a=b"]
)
def test_what_can_not(text: str) -> None:
    with pytest.raises(UsageError):
        parse_wait(text)


def test_events_that_came_already_count(vm: RunningVm, run: Run) -> None:
    script = "cont\n.wait RESUME timeout=10\nstop\nquery-status\n.wait STOP timeout=10\n"
    result = run(vm.address, stdin=script)
    assert (result.stderr, result.returncode) == ("", 0)


def test_an_event_counts_once(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "cont", "-c", ".wait RESUME", "-c", ".wait RESUME timeout=0.2")
    assert (result.returncode, result.stderr) == (
        5,
        "qmp-shell: .wait RESUME: not within 0.2 s\n",
    )


def test_an_event_before_the_command_does_not_count(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "cont", "-c", "stop", "-c", ".wait RESUME timeout=0.2")
    assert result.returncode == 5


def test_a_tight_race(vm: RunningVm, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand times, an event that comes at about the time when it is waited for."""
    session = attach(vm.address)
    session.execute({"execute": "cont"})
    for _ in range(500):
        run_line(session, "stop")
        run_line(session, ".wait STOP timeout=20")
        run_line(session, "cont")
        run_line(session, ".wait RESUME timeout=20")
    assert capsys.readouterr().out.count("return") == 1001
    session.attachment.close()


@pytest.mark.parametrize("order", ["event first", "reply first", "at once", "between"])
def test_a_job_ends_at_any_moment(peer: StartPeer, order: str) -> None:
    """The job's last events come before, with or behind the reply to query-jobs."""
    running = b'{"return": [{"id": "j", "status": "running"}], "id": 2}\r\n'
    none = b'{"return": [], "id": %d}\r\n'
    end = (
        b'{"event": "BLOCK_JOB_COMPLETED", "data": {"device": "j"}}\r\n'
        b'{"event": "JOB_STATUS_CHANGE", "data": {"id": "j", "status": "null"}}\r\n'
    )
    steps = {
        "event first": [end + none % 2],
        "reply first": [running + end, none % 3],
        "at once": [running + end[:20] + end[20:], none % 3],
        "between": [end[: end.index(b"\n") + 1] + running + end[end.index(b"\n") + 1 :], none % 3],
    }[order]
    session = attach(peer(GREETING, ACCEPTED, *steps, HOLD).address)
    run_line(session, ".wait job=j timeout=20")
    assert session.attachment.events.job_outcome("j") == ""
    session.attachment.close()


def test_a_job_that_fails(vm: RunningVm, run: Run) -> None:
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


def test_a_job_that_waits_to_be_dismissed(vm: RunningVm, run: Run) -> None:
    bad = "blockdev-create job-id=j options.driver=file options.filename=/no/x options.size=1M"
    result = run(vm.address, "-c", bad, "-c", ".wait job=j timeout=20")
    assert result.returncode == 1
    assert "job j failed: Could not create" in result.stderr
    result = run(vm.address, "-c", "query-jobs")
    assert '"concluded"' in result.stdout


def test_a_job_that_was_cancelled(vm: RunningVm, run: Run) -> None:
    for name in ("a", "b"):
        run(vm.address, "-c", f"blockdev-add driver=null-co node-name={name} size=1G")
    result = run(
        vm.address,
        *("-c", "blockdev-backup job-id=j device=a target=b sync=full speed=1"),
        *("-c", "block-job-cancel device=j", "-c", ".wait job=j timeout=20"),
    )
    assert "job j failed: it was cancelled" in result.stderr
    assert result.returncode == 1


def test_a_job_that_ended_before_others_were_started(vm: RunningVm, run: Run) -> None:
    for name in ("a", "b"):
        run(vm.address, "-c", f"blockdev-add driver=null-co node-name={name} size=1M")
    result = run(
        vm.address,
        *("-c", "blockdev-backup job-id=j device=a target=b sync=full"),
        *("-c", ".wait JOB_STATUS_CHANGE id=j status=null timeout=20"),
        *("-c", "stop", "-c", ".wait job=j timeout=20", "-c", ".wait job=k timeout=20"),
    )
    assert result.stderr == "qmp-shell: there is no job k\n"
    assert result.returncode == 1


def test_a_job_that_ends_before_it_is_ready(vm: RunningVm, run: Run) -> None:
    for name in ("a", "b"):
        run(vm.address, "-c", f"blockdev-add driver=null-co node-name={name} size=1G")
    result = run(
        vm.address,
        *("-c", "blockdev-mirror job-id=j device=a target=b sync=full speed=1"),
        *("-c", "block-job-cancel device=j"),
        *("-c", ".wait BLOCK_JOB_READY device=j timeout=20"),
    )
    assert result.stderr == "qmp-shell: job j has already ended: it was cancelled\n"


def test_a_run_state(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    fed = PipedProcess(*shell_command(), vm.address, env=environment)
    fed.write_line(".wait status=running timeout=20")
    vm.run("cont")
    fed.write_line("query-name")
    assert '"testvm"' in fed.read_line()
    assert fed.close_input() == 0
    assert run(vm.address, "-c", ".wait status=shutdown timeout=0.3").returncode == 5


def test_no_migration(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait migration timeout=20")
    assert (result.returncode, result.stderr) == (1, "qmp-shell: there is no migration\n")


def test_a_migration_that_fails(vm: RunningVm, run: Run) -> None:
    result = run(
        vm.address,
        *("-c", "migrate uri=unix:/nowhere/sock", "-k", "-c", ".wait migration timeout=20"),
    )
    assert result.returncode == 1
    assert "migration failed" in result.stderr


def test_an_event_that_there_is_not(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait STPO")
    assert "no event STPO; did you mean STOP?" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("what", ["STOP", "job=j", "migration", "status=paused"])
def test_the_limit_holds_though_the_vm_is_silent(peer: StartPeer, what: str) -> None:
    session = attach(peer(GREETING, ACCEPTED, HOLD).address)
    before = time.monotonic()
    with pytest.raises(Timeout, match=r"not within 0\.3 s"):
        run_line(session, f".wait {what} timeout=0.3")
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("what", ["STOP", "job=j", "migration", "status=shutdown"])
def test_a_vm_that_is_killed_meanwhile(
    vm: RunningVm, environment: dict[str, str], what: str
) -> None:
    fed = PipedProcess(*shell_command(), vm.address, env=environment)
    fed.write_line("blockdev-add driver=null-co node-name=a size=1G")
    fed.write_line("blockdev-add driver=null-co node-name=b size=1G")
    fed.write_line("blockdev-mirror job-id=j device=a target=b sync=full speed=1")
    fed.write_line("migrate-set-capabilities capabilities=[{'capability':'events','state':True}]")
    fed.write_line("migrate-set-parameters max-bandwidth=1")
    fed.write_line("cont")
    fed.write_line("migrate uri=exec:cat>/dev/null")
    for _ in range(7):
        fed.read_line()
    fed.write_line(f".wait {what} timeout=60")
    vm.close()
    assert fed.wait(20) == 4
    assert "closed the connection" in fed.read_errors() or "lost" in fed.read_errors()


def test_filters_are_compared_by_their_type(peer: StartPeer) -> None:
    event = (
        b'{"event": "X", "data": {"n": 5, "b": true, "s": "5", "o": {"l": [1, {"k": "v"}]},'
        b' "z": null, "f": 1.5}}'
    )
    for filters in ("n=5", "n=0x5", "b=on", "b=true", "s=5", "o.l.1.k=v", "z=null", "f=1.5"):
        session = attach(peer(GREETING, ACCEPTED + event, HOLD).address)
        run_line(session, f".wait X {filters} timeout=20")
        session.attachment.close()
    for filters in ("n=6", "b=off", "s=05", "o.l.2=x", "o.l.k=v", "y=1", "z=0"):
        session = attach(peer(GREETING, ACCEPTED + event, HOLD).address)
        with pytest.raises((Timeout, QMPError)):
            run_line(session, f".wait X {filters} timeout=0.05")
        session.attachment.close()


def test_sleep(vm: RunningVm, run: Run) -> None:
    before = time.monotonic()
    result = run(vm.address, "-c", ".sleep 0.3", "-c", "query-name")
    assert result.returncode == 0
    assert time.monotonic() - before >= 0.3
    assert run(vm.address, "-c", ".sleep x").returncode == 2


def test_the_errors_of_waiting_are_errors_of_ours() -> None:
    assert exit_status(WaitError("x")) == 1
    assert exit_status(Timeout("x")) == 5
    assert exit_status(ConnectionLost("x")) == 4


def test_events_about_other_things_outlive_a_command(vm: RunningVm, run: Run) -> None:
    for name in ("a", "b", "c", "d"):
        run(vm.address, "-c", f"blockdev-add driver=null-co node-name={name} size=1M")
    script = (
        "blockdev-mirror job-id=m1 device=a target=b sync=full\n"
        ".wait JOB_STATUS_CHANGE id=m1 status=ready timeout=20\n"
        "blockdev-mirror job-id=m2 device=c target=d sync=full\n"
        ".wait BLOCK_JOB_READY device=m1 timeout=20\n"
        ".wait BLOCK_JOB_READY device=m2 timeout=20\n"
    )
    assert run(vm.address, stdin=script).stderr == ""


def test_an_event_about_a_thing_is_old_once_a_command_names_it() -> None:
    def event(name: str, **data: object) -> Event:
        return Event({"event": name, "data": data})

    history = EventHistory()
    for each in (event("X", device="a"), event("X", device="b"), event("STOP")):
        history.add(each)
    history.expire(3, {"execute": "y", "arguments": {"l": [{"id": "a"}]}})
    history.add(event("X", device="a", n=2))
    assert history.find("STOP", lambda _: True) is None
    found = history.find("X", lambda event: event.data["device"] == "a")
    assert found is not None
    assert found.data["n"] == 2
    assert history.find("X", lambda event: event.data["device"] == "b") is not None


def test_what_was_refused_or_only_asked_makes_nothing_old(vm: RunningVm, run: Run) -> None:
    script = "cont\nno-such-command\n.hmp info status\nquery-status\n.wait RESUME timeout=10\n"
    result = run("-k", vm.address, stdin=script)
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_a_flood_does_not_outlast_the_limit(folder: Path) -> None:
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
    assert time.monotonic() - before < 5
    session.attachment.close()
    listener.close()


def test_the_commands_limit_holds_for_what_wait_asks(peer: StartPeer, run: Run) -> None:
    server = peer(GREETING, ACCEPTED, HOLD)
    result = run("-t", "0.3", server.address, "-c", ".wait job=x")
    assert "query-jobs: no reply within 0.3 s" in result.stderr
    assert result.returncode == 5


def test_a_dump_that_fails(vm: RunningVm, run: Run) -> None:
    result = run(
        vm.address,
        *("-c", "dump-guest-memory paging=off protocol=file:/dev/full detach=on"),
        *("-c", ".wait DUMP_COMPLETED timeout=20"),
    )
    assert "the dump failed: " in result.stderr
    assert result.returncode == 1


def test_a_run_state_that_there_is_not(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".wait status=runing timeout=1")
    assert "there is no run state runing" in result.stderr
    assert result.returncode == 2
