"""Events at the prompt, the toolbar, ``.watch`` and ``.info``."""

from __future__ import annotations

import re
import shlex
import threading
from collections import deque
from pathlib import Path

import pytest

from qmp_shell.errors import ConnectionLost
from qmp_shell.messages import Event
from qmp_shell.output import STANDARD_ERROR, Output, SafeText
from qmp_shell.prompt.event_limiter import EventLimiter, EventSum
from qmp_shell.prompt.event_run import EventRun
from qmp_shell.render.changes import ChangeReport, flatten
from qmp_shell.render.controls import ERASE_LINE
from qmp_shell.render.progress import ProgressBar
from qmp_shell.render.quantities import format_size, format_sparkline
from qmp_shell.schema import Schema
from qmp_shell.session.settings import Settings, name_matches
from qmp_shell.vm.records import Progress
from tests.conftest import (
    PipedProcess,
    Run,
    RunningVm,
    StartPeer,
    StartTerminal,
    StartVm,
    shell_command,
)
from tests.peer import ACCEPTED, GREETING, HOLD, UNTIL_PROMPT
from tests.sessions import offline_session, run_line
from tests.terminal import Terminal


def test_up_to_ten_events_of_a_name_in_a_second_are_shown() -> None:
    limiter = EventLimiter()
    allowed = [limiter.allows(name, 0.1 * n) for n in range(9) for name in ("A", "B")]
    assert allowed == [True] * 18
    assert limiter.next_due is None
    assert limiter.take_sums(100) == []


def test_further_events_are_counted_and_not_shown() -> None:
    limiter = EventLimiter()
    shown = [limiter.allows("A", 0.001 * n) for n in range(422)]
    assert shown.count(True) == 10
    assert limiter.next_due == 1.0
    assert limiter.take_sums(0.9) == []
    assert limiter.take_sums(1.0) == [EventSum("A", 412)]
    assert limiter.take_sums(1.1) == []
    assert not limiter.allows("A", 1.5), "too many in the last second"
    assert limiter.allows("B", 1.5)
    assert limiter.take_sums(2.0) == [EventSum("A", 1)]
    assert limiter.allows("A", 3.1), "no event since 1.5 s"


def test_events_of_endless_names_are_counted_together() -> None:
    limiter = EventLimiter()
    shown = [limiter.allows(f"E{number}", 0.5) for number in range(100_000)]
    assert shown.count(True) == 1000
    assert limiter.take_sums(1.6) == [EventSum("other events", 99_000)]
    assert limiter.allows("new", 3), "the flood is over"
    assert len(limiter._counts) < 10


def test_counts_are_available_before_they_are_due() -> None:
    limiter = EventLimiter()
    for _ in range(12):
        limiter.allows("A", 0)
    assert limiter.take_sums(0, all_at_once=True) == [EventSum("A", 2)]


def test_events_are_shown_if_they_match_the_patterns() -> None:
    assert name_matches("BLOCK_JOB_READY", "job")
    assert name_matches("STOP", "st*")
    assert not name_matches("STOP", "t*")
    settings = Settings()
    settings.event_patterns = ("block", "STOP")
    shown = [settings.shows_event(name) for name in ("BLOCK_JOB_READY", "STOP", "RESUME")]
    assert shown == [True, True, False]
    settings.event_patterns = ("!rtc",)
    assert [settings.shows_event(name) for name in ("RTC_CHANGE", "STOP")] == [False, True]
    settings.events = False
    assert not settings.shows_event("STOP")


def test_hundreds_of_equal_events_are_counted_above_the_prompt(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    events = b'{"event": "RTC_CHANGE", "data": {"offset": 1}}' * 422
    commands = b'{"return": [{"name": "test"}], "id": 4}'
    shell = terminal(peer(*UNTIL_PROMPT, commands + events, HOLD).address)
    shell.wait_for_prompt()
    shell.type("te")
    shell.wait_for(r"^\d\d:\d\d:\d\d RTC_CHANGE x 422$")
    shell.wait_for(r"^\(QEMU\) te")
    assert shell.text.count("RTC_CHANGE") == 1


def test_slow_events_of_one_name_share_a_line() -> None:
    def event(name: str, **data: object) -> Event:
        return Event({"event": name, "data": data})

    run = EventRun()
    assert [run.add(event("A", n=1)) for _ in range(3)] == [False, True, True]
    assert (run.name, run.count) == ("A", 3)
    assert not run.add(event("B"))
    assert not run.add(event("A", n=1)), "another one came meanwhile"
    shares = [run.add(event("A", n=number)) for number in range(2, 7)]
    assert shares == [False, False, True, True, True], "three with different data have own lines"
    assert run.count == 4
    assert run.add_sum("A", 10)
    assert run.count == 14
    assert not run.add_sum("B", 5)
    assert (run.name, run.count) == ("B", 5)
    run.end()
    assert not run.add(event("B"))


def test_an_event_that_comes_again_changes_the_last_line(shell: Terminal, vm: RunningVm) -> None:
    for number in range(1, 4):
        vm.run("system_reset")
        times = "" if number == 1 else rf"\s+x\s+{number}\s+since\s+\S+"
        shell.wait_for(rf'^\S+ RESET \{{"guest": false, .*\}}{times}$')
    assert shell.text.count(" RESET ") == 1
    shell.enter("query-name")
    shell.wait_for_prompt()
    vm.run("system_reset")
    shell.wait_until(lambda: shell.text.count(" RESET ") == 2, "a line of its own")
    assert shell.text.index("query-name") < shell.text.rindex(" RESET ")


def test_events_selects_the_events_that_are_shown(shell: Terminal, vm: RunningVm, run: Run) -> None:
    shell.enter(".events res")
    shell.wait_for_prompt()
    vm.run("cont", "stop", "cont")
    shell.wait_until(lambda: shell.text.count(" RESUME") == 2, "both RESUME events")
    assert " STOP" not in shell.text
    shell.enter(".events off")
    shell.wait_for_prompt()
    shell.enter(".events")
    shell.wait_for(r"^shown \(\*\): none$")
    result = run(vm.second_address, "-c", ".events !BLOCK", "-c", ".events")
    lines = result.stdout.splitlines()
    assert "* STOP" in lines
    assert "  BLOCK_JOB_READY" in lines
    assert lines[-1] == "shown (*): !BLOCK"


def test_event_patterns_apply_in_a_script(vm: RunningVm, run: Run) -> None:
    result = run("-e", vm.address, "-c", ".events stop", "-c", "cont", "-c", "stop")
    assert '"event": "STOP"' in result.stdout
    assert '"event": "RESUME"' not in result.stdout


def test_wait_sees_events_that_are_not_shown(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".events off", "-c", "cont", "-c", ".wait RESUME timeout=10")
    assert (result.stderr, result.returncode) == ("", 0)


def test_the_toolbar_shows_the_run_state_and_the_progress_of_jobs(
    shell: Terminal, vm: RunningVm
) -> None:
    shell.wait_for("^testvm  prelaunch$")
    vm.run("cont")
    shell.wait_for("^testvm  running$")
    vm.run("stop")
    shell.wait_for("^testvm  paused$")
    vm.start_mirror(speed=1 << 26)
    shell.wait_for(r"^testvm  paused  job0 mirror \d+%$")
    first = shell.lines[-1]
    shell.wait_until(lambda: shell.lines[-1] not in (first, ""), "another percentage")
    with vm.second() as client:
        client.execute("job-cancel", id="job0")
    shell.wait_for("^testvm  paused$")
    vm.close()
    shell.wait_for("^no VM$")


def test_a_reply_is_flattened_to_dotted_keys() -> None:
    reply = {"a": 1, "b": [{"id": "x", "n": 2}, {"n": 3}], "c": {"d": None}, "e": []}
    assert dict(flatten(reply)) == {"a": 1, "b.x.id": "x", "b.x.n": 2, "b.1.n": 3, "c.d": None}
    named = [{"id": "x", "n": 1}, {"id": "x", "n": 2}]
    assert dict(flatten(named)) == {"x.id": "x", "x.n": 1, "1.id": "x", "1.n": 2}


def test_changes_between_replies_are_reported_with_their_rates() -> None:
    report = ChangeReport(supports_unicode=True)
    assert report.add({"n": 1, "s": "a", "gone": 1}, 10.0) == []
    assert report.add({"n": 5, "s": "b", "new": True}, 12.0) == [
        "- gone",
        "  n  5 (+4, 2/s)",
        "  s  a -> b",
        "+ new  true",
    ]
    assert report.add({"n": 5, "s": "b", "new": True}, 13.0) == []
    assert report.add({"n": 6, "s": "b", "new": False}, 14.0) == [
        "  n  6 (+1, 1/s)  █▁▄",
        "  new  true -> false",
    ]
    assert report.add({"n": None, "s": "None", "new": False}, 15.0) == [
        "  n  6 -> null",
        "  s  b -> None",
    ]
    plain = ChangeReport(supports_unicode=False)
    for n in range(3):
        lines = plain.add([{"id": "x", "n": n}], float(n))
    assert lines == ["  x.n  2 (+1, 1/s)"]


def test_a_sparkline_is_scaled_to_its_largest_value() -> None:
    assert format_sparkline(deque([0.0, 0.0])) == "▁▁"
    assert format_sparkline(deque([0.0, 4.0, 8.0])) == "▁▄█"


def test_watch_shows_changes_until_ctrl_c(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".watch 0.1 query-status")
    shell.wait_for('"prelaunch"')
    vm.run("cont")
    shell.wait_for("^ +status +prelaunch -> running$")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()
    shell.enter(".watch 1")
    shell.wait_for("write .watch")
    shell.wait_for_prompt()
    shell.enter(".watch no-such-command")
    shell.wait_for("CommandNotFound")


def test_watch_in_a_script_ends_with_the_vm_and_status_4(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    shell = PipedProcess(*shell_command(), vm.address, env=environment)
    shell.write_line(".watch 0.05 query-status")
    assert '"prelaunch"' in shell.read_line()
    vm.run("cont")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\n", shell.read_line())
    assert "prelaunch -> running" in shell.read_line() + shell.read_line()
    vm.close()
    assert shell.wait(20) == 4


def test_watch_does_not_choose_a_setting_for_the_user(schema: Schema) -> None:
    session = offline_session(schema)
    with pytest.raises(ConnectionLost):
        run_line(session, ".watch query-status")
    session.settings.use_for_vm({"pager": False})  # as .connect does
    assert not session.settings.pager


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1536, "1.5 KiB"), (4 << 30, "4 GiB"), (5 << 50, "5120 TiB"), (None, "")],
)
def test_sizes_are_formatted_with_binary_units(size: int | None, text: str) -> None:
    assert format_size(size) == text


def test_info_shows_the_machine_its_disks_and_nics(
    start_vm: StartVm, run: Run, folder: Path
) -> None:
    disk = folder / "disk"
    disk.write_bytes(b"")
    disk.open("r+b").truncate(1 << 20)
    vm = start_vm(
        *("-uuid", "12345678-1234-1234-1234-123456789abc", "-smp", "2"),
        *("-drive", f"if=none,id=drive0,format=raw,file={disk},read-only=on"),
        *("-device", "virtio-blk-pci,drive=drive0"),
        *("-netdev", "hubport,id=net0,hubid=1", "-device", "e1000,netdev=net0,id=nic0"),
    )
    result = run(vm.address, "-c", ".info")
    reason, *lines = result.stdout.splitlines()
    assert reason == "the VM has not started yet; cont starts it"
    rows = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in lines}
    assert rows["Name"] == "testvm"
    assert rows["UUID"] == "12345678-1234-1234-1234-123456789abc"
    assert rows["State"] == "prelaunch"
    assert rows["QEMU"][0].isdecimal()
    assert rows["Machine"].startswith("pc-i440fx-")
    assert rows["CPUs"].startswith("2 ")
    assert rows["Memory"] == "64 MiB"
    assert rows["Disks"] == f"drive0  1 MiB, raw, read-only  {disk}"
    assert rows["NICs"].startswith("nic0  model=e1000, macaddr=52:54:00:12:34:56")
    assert "Displays" not in rows
    assert "Migration" not in rows


def test_info_omits_what_the_vm_does_not_report(peer: StartPeer, run: Run) -> None:
    replies = [b'{"error": {}, "id": %d}' % number for number in range(2, 20)]
    result = run(peer(GREETING, ACCEPTED, *replies, HOLD).address, "-c", ".info")
    assert (result.returncode, result.stderr) == (0, "")


def test_wait_shows_a_progress_bar_until_the_job_ends(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    vm.add_nodes("a", "b")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("blockdev-backup job-id=job0 device=a target=b sync=full speed=16M")
    shell.wait_for_prompt()
    shell.enter(".wait job=job0 timeout=60")
    shell.wait_for(r"^job0 +\d+% .* [0-9.]+ (M|Ki)?i?B of 1 GiB  .*B/s .* running$")
    vm.run("cont")
    shell.wait_for(" RESUME$")
    with vm.second() as client:
        client.execute("block-job-cancel", device="job0")
    shell.wait_for("^job job0 failed: it was cancelled$")
    shell.wait_for_prompt()
    assert " of 1 GiB" not in shell.text


def test_a_progress_bar_starts_no_thread(capfd: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    bar = ProgressBar("test", Output(STANDARD_ERROR))
    bar.update(Progress(1, 2))
    assert threading.active_count() == before
    bar.hide()
    assert "50%" in capfd.readouterr().err


def draw_bar(
    width: int,
    title: str,
    note: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    supports_unicode: bool = True,
) -> str:
    monkeypatch.setattr("qmp_shell.render.progress.find_terminal_width", lambda _: width)
    output = Output(STANDARD_ERROR)
    output.supports_unicode = supports_unicode
    ProgressBar(title, output).update(Progress(1 << 20, 2 << 20), note)
    return capfd.readouterr().err.removeprefix(ERASE_LINE)


@pytest.mark.parametrize(("width", "has_sizes"), [(40, False), (50, True), (80, True)])
def test_a_progress_bar_is_as_long_as_the_figures_leave_room(
    width: int, has_sizes: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    line = draw_bar(width, "BLOCK_JOB_READY", "running", monkeypatch, capfd)
    assert len(line) == width - 1
    assert line.startswith("BLOCK_JOB_READY  50% ")
    assert line.endswith(" --:-- running")
    assert ("1 MiB of 2 MiB" in line) == has_sizes


READY = "ready: job-complete id=drive-virtio-disk0"


@pytest.mark.parametrize(
    ("width", "title", "shown"),
    [
        (90, "disk0", f"disk0  50% ━━━━━━━╸        1 MiB of 2 MiB --:-- {READY}"),
        (90, "宽" * 20, f"{'宽' * 10}…  50% 1 MiB of 2 MiB --:-- {READY}"),
        (80, "drive-virtio-disk0", f"drive-virtio-disk0  50% ━━━╸    --:-- {READY}"),
        (70, "drive-virtio-disk0", f"drive-virtio-di…  50% --:-- {READY}"),
        (50, "drive-virtio-disk0", f"…  50% --:-- {READY[:-5]}"),
    ],
)
def test_what_is_left_out_where_a_progress_bar_has_no_room(
    width: int,
    title: str,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert draw_bar(width, title, READY, monkeypatch, capfd) == shown


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("drive-virtio-disk0", f"drive-virtio-dis  50% --:-- {READY}"),
        ("宽" * 20, "\\u5bbd" * 8 + f"  50% --:-- {READY[:9]}"),
    ],
)
def test_a_progress_bar_without_unicode_fits_a_line(
    title: str, shown: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert draw_bar(70, title, READY, monkeypatch, capfd, supports_unicode=False) == shown


def test_a_progress_bar_is_as_wide_as_the_terminal_that_it_is_on(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path
) -> None:
    """Standard output is no terminal."""
    vm.add_nodes("a", "b")
    with vm.second() as client:
        job = {"job-id": "job-of-40-columns", "device": "a", "target": "b", "sync": "full"}
        client.execute("blockdev-backup", speed=1, **job)
    line = shlex.join([*shell_command(), vm.address, ".wait", "job=job-of-40-columns"])
    variables = environment | {"COLUMNS": "200"}
    shell = Terminal(["sh", "-c", f"{line} | cat"], variables, tmp_path, columns=40)
    shell.wait_until(
        lambda: (
            shell.raw.count(ERASE_LINE.encode()) > 3
            and re.fullmatch(r"job-of-40-columns +\d+% .* running", shell.text) is not None
        ),
        "one bar that was drawn again",
    )
    shell.end()


def test_a_progress_bar_whose_drawing_is_interrupted_is_erased_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Interrupted(Output):
        """Writes a text; at the first, Ctrl-C comes when it is on the screen."""

        count = 0

        def write(self, text: SafeText) -> None:
            super().write(text)
            self.count += 1
            if self.count == 1:
                raise KeyboardInterrupt

    bar = ProgressBar("test", Interrupted(STANDARD_ERROR))
    with pytest.raises(KeyboardInterrupt):
        bar.update(Progress(1, 2))
    bar.hide()
    assert capfd.readouterr().err.endswith(ERASE_LINE)
