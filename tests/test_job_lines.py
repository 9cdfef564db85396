"""The events of a job at the prompt: one line that grows as long as it is the last one."""

from __future__ import annotations

import re

from qmp_shell.messages import Event
from qmp_shell.render.job_lines import JobLines
from qmp_shell.session.settings import Settings
from qmp_shell.vm.records import Job, Progress
from tests.conftest import RunningVm, StartTerminal
from tests.terminal import Terminal

CLOCK = r"\d\d:\d\d:\d\d"


def event(name: str, **data: object) -> Event:
    return Event({"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 0}})


def status(*states: str, job: str = "m0") -> list[Event]:
    return [event("JOB_STATUS_CHANGE", id=job, status=state) for state in states]


def line_after(*events: Event, jobs: JobLines | None = None) -> str:
    """The line of the last event's job, without the time."""
    jobs = jobs or JobLines()
    lines = [jobs.add(each) for each in events]
    assert lines[-1] is not None
    return lines[-1].text().partition(" ")[2]


def test_the_steps_of_a_job_are_one_line() -> None:
    ready = event("BLOCK_JOB_READY", device="m0", type="mirror")
    events = [*status("created", "running", "ready"), ready]
    assert line_after(*events) == "m0 mirror: created, running, ready: job-complete id=m0"
    events += status("standby", "ready")
    assert line_after(*events) == "m0 mirror: created, running, ready: job-complete id=m0"
    events += [*status("waiting", "pending"), event("BLOCK_JOB_COMPLETED", device="m0")]
    assert line_after(*events) == "m0 mirror: created, running, ready, completed"
    events += status("concluded", "null")
    assert line_after(*events) == "m0 mirror: created, running, ready, completed"


def test_a_job_that_waits_says_for_what() -> None:
    events = status("created", "running", "waiting", "pending")
    assert line_after(*events) == "m0: created, running, pending: job-finalize id=m0"
    events = status("created", "running", "paused")
    assert line_after(*events) == "m0: created, running, paused: job-resume id=m0"


def test_a_job_that_fails_says_why() -> None:
    failed = event("BLOCK_JOB_COMPLETED", device="m0", type="commit", error="No\nspace")
    assert line_after(*status("running", "aborting"), failed) == (
        "m0 commit: running, failed: No space"
    )
    cancelled = event("BLOCK_JOB_CANCELLED", device="m0", type="commit")
    assert line_after(*status("running"), cancelled) == "m0 commit: running, cancelled"
    assert line_after(*status("created", "running", "null")) == "m0: created, running, ended"


def test_what_the_vm_reports_is_added() -> None:
    jobs = JobLines()
    line_after(*status("created", "running"), jobs=jobs)
    running = Job("m0", "mirror", "running", Progress(35, 100))
    (line,) = jobs.update((running, Job("other", "x", "running", Progress())))
    assert line.text().endswith(" m0 mirror: created, running 35%")
    assert jobs.update((running,)) == []
    line_after(*status("ready"), jobs=jobs)
    assert jobs.update((running,)) == []  # what was asked for before the event came
    line_after(*status("running"), jobs=jobs)
    (line,) = jobs.update((Job("m0", "mirror", "concluded", Progress(), "broken"),))
    assert line.text().endswith(" m0 mirror: created, running, failed: broken")


def test_a_job_of_the_same_name_begins_a_new_line() -> None:
    jobs = JobLines()
    line_after(*status("created", "running", "null"), jobs=jobs)
    assert line_after(*status("created"), jobs=jobs) == "m0: created"


def test_a_job_of_another_vm_has_not_the_error_of_one_that_was_not_dismissed() -> None:
    jobs = JobLines()
    line_after(*status("created", "running"), jobs=jobs)
    jobs.update((Job("m0", "mirror", "concluded", Progress(), "broken"),))
    assert line_after(*status("created"), jobs=jobs) == "m0: created"


def test_events_of_any_shape_and_number() -> None:
    jobs = JobLines()
    assert jobs.add(event("STOP")) is None
    assert jobs.add(event("JOB_STATUS_CHANGE", id=5, status=[])) is None
    assert line_after(event("JOB_STATUS_CHANGE", id="a\nb" * 100, status=3), jobs=jobs)
    for number in range(10_000):
        line = jobs.add(*status(f"state{number}"))
        assert line is not None
        assert len(line.text()) < 200
        assert len(line._steps) < 10
        jobs.add(*status("created", job=f"job{number}"))


def test_a_job_that_is_to_be_dismissed_says_so_and_its_dismissal_says_nothing() -> None:
    jobs = JobLines()
    line_after(*status("created", "running"), event("BLOCK_JOB_COMPLETED", device="m0"), jobs=jobs)
    (line,) = jobs.update((Job("m0", "backup", "concluded", Progress(1, 1)),))
    assert line.text().endswith(" m0 backup: created, running, completed: job-dismiss id=m0")
    dismissed = jobs.add(*status("null"))
    assert dismissed is not None
    assert not dismissed.has_changed


def test_a_job_without_events_of_block_jobs_is_concluded_until_it_is_dismissed() -> None:
    """``blockdev-create`` has no BLOCK_JOB_COMPLETED."""
    jobs = JobLines()
    line_after(*status("created", "running", "waiting", "pending", "concluded"), jobs=jobs)
    concluded = Job("m0", "create", "concluded", Progress(1, 1))
    (line,) = jobs.update((concluded,))
    assert line.text().endswith(" m0 create: created, running, concluded: job-dismiss id=m0")
    assert jobs.update((concluded,)) == []
    assert line_after(*status("null"), jobs=jobs) == "m0 create: created, running, concluded, ended"


def test_events_that_were_asked_for_by_name_are_shown_one_by_one() -> None:
    settings = Settings()
    assert settings.folds_event("JOB_STATUS_CHANGE")
    settings.event_patterns = ("!RTC_CHANGE",)
    assert settings.folds_event("JOB_STATUS_CHANGE")
    settings.event_patterns = ("job",)
    assert not settings.folds_event("JOB_STATUS_CHANGE")


# On a terminal


def start_backup(vm: RunningVm, **options: object) -> None:
    with vm.second() as client:
        arguments = {"job-id": "b0", "device": "a", "target": "b", "sync": "full", **options}
        client.execute("blockdev-backup", **arguments)


def test_a_job_at_the_prompt_is_one_line_that_changes(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    vm.add_nodes("a", "b", size=1 << 20)
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.type("query-")
    start_backup(vm)
    shell.wait_for(rf"^{CLOCK} b0 backup: created, running, completed$")
    shell.wait_for(r"^\(QEMU\) query-$")
    assert shell.text.count("b0 ") == 1
    vm.run("cont")
    shell.wait_for(" RESUME$")
    start_backup(vm)
    shell.wait_until(lambda: shell.text.count("b0 backup: created, running, completed") == 2, "two")
    assert shell.text.index("RESUME") < shell.text.rindex("b0 backup")


def test_the_percentage_changes_in_place_in_a_line_longer_than_the_screen_is_wide(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    vm.add_nodes("a", "b", size=1 << 30)
    shell = terminal(vm.address, columns=30)
    shell.wait_for_prompt()
    start_backup(vm, speed=16 << 20)
    shell.wait_for(r"^\S+ b0 backup: created, r\s*unning \d+%$")
    first = re.findall(r"(\d+)%", shell.text)[0]
    shell.wait_until(lambda: re.findall(r"unning (\d+)%", shell.text) not in ([first], []), "more")
    assert shell.text.count("b0 backup: created") == 1


def test_a_job_that_fails_is_told_at_the_prompt(shell: Terminal) -> None:
    options = "{'driver': 'file', 'filename': '/nonesuch/x', 'size': 1}"
    shell.enter(f"blockdev-create job-id=c0 options={options}")
    shell.wait_for(r"c0 (create|job): created, running, failed: Could not create")
    shell.wait_for_prompt()


def test_a_job_that_was_started_here_changes_its_line_below_the_reply(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    vm.add_nodes("a", "b", size=1 << 30)
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("blockdev-backup job-id=b0 device=a target=b sync=full speed=32M")
    shell.wait_for(rf'^  "return": \{{\}}\n\}}\n{CLOCK} b0 backup: created, running \d+%$')
    assert shell.text.count("b0 backup: created") == 1
    assert shell.text.count("b0: created") == 0
    shell.enter("query-name")
    shell.wait_for_prompt()
    assert shell.text.index("b0 backup: created") < shell.text.index('testvm"')


def test_a_pipeline_in_between_is_not_written_over(vm: RunningVm, terminal: StartTerminal) -> None:
    vm.add_nodes("a", "b", size=1 << 30)
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("blockdev-backup job-id=b0 device=a target=b sync=full speed=1M | sed s/return/ok/")
    shell.wait_for_prompt()
    with vm.second() as client:
        client.execute("block-job-cancel", device="b0")
    shell.wait_for("b0 backup: created, running, cancelled$")
    shell.wait_for(r'^\{"ok": \{\}\}$')


def test_events_that_were_asked_for_are_whole(shell: Terminal, vm: RunningVm) -> None:
    vm.add_nodes("a", "b", size=1 << 20)
    shell.enter(".events job")
    shell.wait_for_prompt()
    start_backup(vm)
    shell.wait_for(r'^\S+ JOB_STATUS_CHANGE \{"status": "null", "id": "b0"\}$')
    assert "b0 backup:" not in shell.text


def test_a_failure_is_not_told_twice_where_events_were_asked_for(shell: Terminal) -> None:
    shell.enter(".events job")
    shell.wait_for_prompt()
    options = "{'driver': 'file', 'filename': '/nonesuch/x', 'size': 1}"
    shell.enter(f"blockdev-create job-id=c0 options={options}")
    shell.wait_for('"status": "concluded", "id": "c0"')
    shell.wait_for_prompt()
    shell.enter("query-jobs")
    shell.wait_for("Could not create")
    shell.wait_for_prompt()
    assert "failed:" not in shell.text


def test_a_line_that_was_entered_is_not_written_over(shell: Terminal, vm: RunningVm) -> None:
    """The line editor waits for a slow terminal before it ends, and events come meanwhile."""
    vm.start_mirror(speed=1)
    shell.wait_for("job0 mirror: created, running")
    shell.replies = False
    with vm.second() as client:
        client.execute("job-pause", id="job0")
        shell.wait_for(r"job0 mirror: created, running, paused: job-resume id=job0\n\(QEMU\)$")
        before = shell.lines_ended
        shell.enter("query-name")
        shell.wait_until(lambda: shell.lines_ended > before, "the end of the line")
        client.execute("job-resume", id="job0")
    shell.wait_for('"name": "testvm"')
    assert "(QEMU) query-name" in shell.text
