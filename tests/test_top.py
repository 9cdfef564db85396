"""``.top``: the rates of a VM's disks, NICs, vCPUs and jobs, on a screen that draws itself anew."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from qmp_shell.render.top import draw_top
from qmp_shell.render.views import Look
from qmp_shell.vm.activity import HISTORY, Activity, Sample, read_sample
from qmp_shell.vm.counters import DiskCounters
from qmp_shell.vm.host_threads import HostThreads
from qmp_shell.vm.records import Cpu, Job, Migration, Progress
from tests.conftest import Run, RunningVm, StartTableVm, StartTerminal
from tests.json_values import GivenAnswers
from tests.terminal import Terminal

EMPTY = Sample(0.0, "vm1", "running", [], [], [], {}, [], None)


def activity(
    *samples: Sample, cpu: Callable[[int | None], float | None] = lambda _: None
) -> Activity:
    found = Activity(cpu)
    for sample in samples:
        found.add(sample)
    return found


def disk(name: str = "d0", **counters: int) -> DiskCounters:
    names = ("read_bytes", "written_bytes", "operations", "nanoseconds")
    return DiskCounters(name, *(counters.get(each, 0) for each in names))


def draw(found: Activity, *, width: int | None = 80, rows: int = 24, **flags: bool) -> list[str]:
    look = Look(colour=False, ascii_only=False, find_width=lambda: width)
    options = {"is_held": False, "is_silent": False, **flags}
    return draw_top(found, look, rows, **options).split("\n")


def test_the_rates_of_a_disk() -> None:
    before = EMPTY._replace(disks=[disk()])
    counters = disk(read_bytes=4096, written_bytes=2 << 20, operations=10, nanoseconds=50_000_000)
    found = activity(before, EMPTY._replace(at=2.0, disks=[counters]))
    (rates,) = found.disks
    assert rates[:6] == ("d0", 2048, 1 << 20, 5, 0.005, 0.025)
    assert rates.history == [0.0] * (HISTORY - 1) + [2048 + (1 << 20)]
    row = draw(found)[2]
    assert re.fullmatch(r"d0 +2 KiB +1 MiB +5 +5 ms +0\.0 +▁{19}█", row)


def test_a_counter_that_was_reset_and_a_disk_that_is_new_have_no_rate() -> None:
    before = EMPTY._replace(disks=[disk(read_bytes=100)])
    now = EMPTY._replace(at=1.0, disks=[disk(read_bytes=5), disk(name="new", read_bytes=9)])
    assert [each.read for each in activity(before, now).disks] == [0, 0]
    assert [each.latency for each in activity(before, now).disks] == [None, None]


def test_the_rates_of_a_nic_across_the_end_of_its_index() -> None:
    before = EMPTY._replace(nics=["net0", "old"], queues={"net0": (65_530, 10)})
    now = before._replace(at=2.0, queues={"net0": (4, 10)})
    net0, old = activity(before, now).nics
    assert net0[:3] == ("net0", 5.0, 0.0)
    assert old[:3] == ("old", None, None)
    reset = before._replace(at=2.0, queues={"net0": (0, 0)})
    assert activity(now, reset).nics[0].sent == 0.0


def test_the_share_of_a_cpu() -> None:
    seconds = iter([1.0, 1.5])
    before = EMPTY._replace(cpus=[Cpu(0, "", 77)])
    found = activity(before, before._replace(at=2.0), cpu=lambda _: next(seconds))
    assert found.cpus[0].share == 0.25
    assert "0     25%" in draw(found)[2]
    assert activity(before, before._replace(at=2.0)).cpus[0].share is None


def test_jobs_and_a_migration() -> None:
    job = Job("m0", "mirror", "running", Progress(0, 100 << 20))
    migration = Migration("active", Progress(10, 100))
    before = EMPTY._replace(jobs=[job], migration=migration)
    now = EMPTY._replace(
        at=1.0,
        jobs=[job._replace(progress=Progress(25 << 20, 100 << 20))],
        migration=migration._replace(progress=Progress(10, 100)),
    )
    lines = draw(activity(before, now))
    assert re.match(r"m0 mirror +running +25% +25 MiB/s +0:00:03 ", lines[2])
    assert re.match(r"migration +active +10% +0 B/s +- ", lines[3])


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("rows", [1, 5, 24])
def test_it_fits_any_terminal(width: int, rows: int) -> None:
    sample = EMPTY._replace(
        name="n" * 100,
        disks=[disk(name=f"disk{number}" * 9) for number in range(30)],
        cpus=[Cpu(number, "", None) for number in range(30)],
        nics=["net0"],
        jobs=[Job("j" * 50, "mirror", "s" * 90, Progress(1, 2))],
    )
    lines = draw(activity(sample, sample._replace(at=1.0)), width=width, rows=rows)
    assert len(lines) <= rows
    assert max(map(len, lines)) <= width


def test_a_terminal_may_not_tell_its_width() -> None:
    sample = EMPTY._replace(name="vm", disks=[disk()], cpus=[Cpu(0, "", None)])
    lines = draw(activity(sample, sample._replace(at=1.0)), width=None)
    assert max(map(len, lines)) <= 80


def test_wide_characters_of_a_name_take_two_columns() -> None:
    job = Job("宽" * 20, "mirror", "running", Progress(1, 1))
    before = EMPTY._replace(jobs=[job])
    lines = draw(activity(before, before._replace(at=1.0)), width=64)
    assert lines[1].split() == ["JOB", "status", "done"]
    assert re.fullmatch("宽+ +mirror +running +100%", lines[2])


def test_it_tells_that_it_holds_and_that_the_vm_does_not_answer() -> None:
    assert "Space holds" in draw(activity(EMPTY))[0]
    assert "held; Space goes on" in draw(activity(EMPTY), is_held=True)[0]
    assert "(no answer)" in draw(activity(EMPTY), is_silent=True)[0]
    assert draw(Activity(lambda _: None))[0].startswith("VM  ")


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], {}, [{}], [{"stats": 5, "name": []}], {"a": 1}]
)
def test_any_answer_is_drawn(value: Any) -> None:
    view = GivenAnswers({}, value)
    first = read_sample(view, 1.0)
    assert draw(activity(first, first._replace(at=2.0)))


def test_what_is_gone_is_forgotten() -> None:
    found = Activity(lambda _: None)
    for number in range(100):
        found.add(EMPTY._replace(at=number, disks=[disk(name=f"d{number}")]))
    assert len(found._histories) == 1


def test_the_threads_of_a_process_on_this_host(vm: RunningVm) -> None:
    with vm.second() as client:
        threads = HostThreads(client.peer_pid)
        cpu = client.execute("query-cpus-fast")[0]
        assert threads.seconds(cpu["thread-id"]) is not None
    assert threads.seconds(None) is None
    assert threads.seconds(os.getpid()) is None, "a thread of another process"
    assert HostThreads(None).seconds(1) is None


# On a terminal


def test_top_is_drawn_anew_and_leaves_the_screen_as_it_was(shell: Terminal, vm: RunningVm) -> None:
    vm.start_mirror(speed=32 << 20)
    shell.enter(".top")
    shell.wait_for("^testvm  prelaunch  .*  Space holds  q leaves$")
    shell.wait_for("^JOB +status +done +rate +left$")
    shell.wait_for("^job0 mirror +running +[0-9]+% +[0-9.]+ [KM]iB/s ")
    shell.wait_for("^CPU +used$")
    shell.type(" ")
    shell.wait_for("held; Space goes on")
    shell.type(" ")
    shell.wait_for("Space holds")
    vm.run("cont")
    shell.wait_for("^testvm  running ")
    assert "RESUME" not in shell.text
    shell.type("q")
    shell.wait_for(" RESUME$")
    shell.wait_for_prompt()
    assert "JOB" not in shell.text
    assert b"\x1b[?25h\x1b[?1049l" in shell.raw, "the screen before it is back"


@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d", "escape"])
def test_keys_that_leave(shell: Terminal, key: str) -> None:
    shell.enter(".top")
    shell.wait_for("q leaves$")
    shell.press(key)
    shell.wait_for_prompt()


def test_a_vm_that_is_lost_ends_it(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".top")
    shell.wait_for("q leaves$")
    vm.process.kill()
    shell.wait_for(r"^\.connect attaches again")
    shell.wait_for_prompt()


def test_no_key_has_the_vm_asked_sooner(table_vm: StartTableVm, terminal: StartTerminal) -> None:
    vm = table_vm("9.0.0", {"query-status": {"status": "running"}, "query-blockstats": []})
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    started = time.monotonic()
    shell.enter(".top")
    shell.wait_for("q leaves$")
    drawn = shell.raw.count(b"\x1b[H")

    def is_drawn_anew() -> bool:
        return shell.raw.count(b"\x1b[H") > drawn

    for _ in range(20):
        drawn = shell.raw.count(b"\x1b[H")
        shell.type("x")
        shell.wait_until(is_drawn_anew, "a redraw")
    asked = vm.asked["query-blockstats"]
    assert asked <= 1 + (time.monotonic() - started)
    shell.type("q")
    shell.wait_for_prompt()


def test_a_vm_that_answers_late_is_shown_nevertheless(
    table_vm: StartTableVm, terminal: StartTerminal
) -> None:
    def late(_: object) -> object:
        time.sleep(0.7)  # longer than the screen waits before it is drawn
        return []

    vm = table_vm("9.0.0", {"query-status": {"status": "running"}, "query-blockstats": late})
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter(".top")
    shell.wait_for(r"^VM  running  \S+  Space holds")
    shell.type("q")
    shell.wait_for_prompt()


def test_ctrl_z_does_not_leave_the_screen_behind(shell: Terminal) -> None:
    shell.enter(".top")
    shell.wait_for("q leaves$")
    shell.type("\x1a ")
    shell.wait_for("held; Space goes on")
    shell.type("q")
    shell.wait_for_prompt()


def test_sigterm_ends_it_and_gives_the_screen_back(shell: Terminal) -> None:
    shell.enter(".top")
    shell.wait_for("q leaves$")
    shell.child.kill(signal.SIGTERM)
    assert shell.wait_for_end() == 143
    assert b"\x1b[?1049l" in shell.raw


def test_it_needs_a_terminal(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".top")
    message = "qmp-shell: .top needs a terminal that can be drawn on\n"
    assert (result.returncode, result.stderr) == (2, message)
