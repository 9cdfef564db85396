"""Events at the prompt, the toolbar, ``.watch``, ``.info``, and confirmation of commands."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections import deque
from pathlib import Path

import pytest

from qmp_shell.prompt.event_limiter import EventLimiter, EventSum
from qmp_shell.render.changes import ChangeReport, flatten
from qmp_shell.render.progress import ProgressBar
from qmp_shell.render.quantities import format_size, format_sparkline
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
    shell.wait_for(r"^\d\d:\d\d:\d\d RTC_CHANGE x 412$")
    shell.wait_for(r"^\(QEMU\) te")
    assert shell.text.count('RTC_CHANGE {"offset": 1}') == 10


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


QUIT_QUESTION = r"^quit ends the VM testvm \(prelaunch\)\. Go on\? \[y/N\]$"


def test_quit_is_sent_if_the_user_confirms_it(shell: Terminal, vm: RunningVm) -> None:
    shell.enter("quit")
    shell.wait_for(QUIT_QUESTION)
    shell.type("y\r")
    shell.wait_for("closed the connection")
    vm.process.wait(20)


@pytest.mark.parametrize("answer", ["", "n"])
def test_quit_is_not_sent_if_the_user_does_not_confirm_it(
    shell: Terminal, vm: RunningVm, answer: str
) -> None:
    shell.enter("quit")
    shell.wait_for(QUIT_QUESTION)
    shell.type(f"{answer}\r")
    shell.wait_for("^note: not sent$")
    assert vm.process.poll() is None


def test_ctrl_c_at_a_question_means_no(shell: Terminal) -> None:
    shell.enter("system_reset")
    shell.wait_for(r"\[y/N\]$")
    shell.press("ctrl-c")
    shell.wait_for("^note: not sent$")


def test_the_question_before_quit_names_running_jobs(shell: Terminal, vm: RunningVm) -> None:
    vm.start_mirror(speed=1)
    shell.enter("quit")
    shell.wait_for(r"lost with it: job0 \(mirror \d+%\)")


def test_quit_is_to_be_confirmed_in_human_monitor_mode(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    shell.enter("q")
    shell.wait_for("^quit ends the VM")
    shell.type("n\r")
    shell.wait_for_prompt("(qemu) ")
    assert vm.process.poll() is None


def test_set_confirm_off_disables_questions(shell: Terminal) -> None:
    shell.enter(".set confirm off")
    shell.wait_for_prompt()
    shell.enter("system_reset")
    shell.wait_for("RESET")
    assert "y/N" not in shell.text


def test_scripts_need_no_confirmation(vm: RunningVm, run: Run) -> None:
    assert run(vm.address, "-c", "quit").returncode == 0
    vm.process.wait(20)


def test_a_reply_is_flattened_to_dotted_keys() -> None:
    reply = {"a": 1, "b": [{"id": "x", "n": 2}, {"n": 3}], "c": {"d": None}, "e": []}
    assert dict(flatten(reply)) == {"a": 1, "b.x.id": "x", "b.x.n": 2, "b.1.n": 3, "c.d": None}


def test_changes_between_replies_are_reported_with_their_rates() -> None:
    report = ChangeReport(supports_unicode=True)
    assert report.add({"n": 1, "s": "a", "gone": 1}, 10.0) == []
    assert report.add({"n": 5, "s": "b", "new": True}, 12.0) == [
        "- gone",
        "  n  5 (+4, 2/s)",
        "  s  a -> b",
        "+ new  True",
    ]
    assert report.add({"n": 5, "s": "b", "new": True}, 13.0) == []
    assert report.add({"n": 6, "s": "b", "new": False}, 14.0) == [
        "  n  6 (+1, 1/s)  █▁▄",
        "  new  True -> False",
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
    lines = result.stdout.splitlines()
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
    shell.wait_for(r"^job0: +\d+%\|.*\| [0-9.]+M?/1.00G \[.*B/s, running\]$")
    vm.run("cont")
    shell.wait_for(" RESUME$")
    with vm.second() as client:
        client.execute("block-job-cancel", device="job0")
    shell.wait_for("^job job0 failed: it was cancelled$")
    shell.wait_for_prompt()
    assert "%|" not in shell.text


def test_a_progress_bar_starts_no_thread(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with contextlib.closing(ProgressBar("test")) as bar:
        bar.update(Progress(1, 2))
        assert threading.active_count() == before
    assert "50%" in capsys.readouterr().err


def test_keys_that_the_line_editor_has_read_ahead_do_not_answer_a_question(
    shell: Terminal,
) -> None:
    shell.type("system_reset\ry\r")
    shell.wait_for(r"\[y/N\]")
    shell.type("n\r")
    shell.wait_for("note: not sent| RESET")
    assert " RESET" not in shell.text


def test_keys_typed_while_a_command_runs_do_not_answer_its_question(
    shell: Terminal, vm: RunningVm
) -> None:
    vm.process.send_signal(signal.SIGSTOP)
    shell.enter("system_reset")
    # The question names the VM's run state, for which the shell now waits.
    shell.wait_until(lambda: not shell.is_editing, "the end of editing")
    shell.type("y\r")
    shell.wait_until(lambda: shell.unread_bytes == 2, "the keys in the terminal's buffer")
    vm.process.send_signal(signal.SIGCONT)
    shell.wait_for(r"\[y/N\]")
    shell.type("n\r")
    shell.wait_for("note: not sent| RESET")
    assert " RESET" not in shell.text


def test_pasted_lines_after_an_unconfirmed_command_are_not_run(shell: Terminal) -> None:
    shell.type("\x1b[200~system_reset\nquery-name\x1b[201~")
    shell.wait_for("query-name")
    shell.press("enter")
    shell.wait_for(r"\[y/N\]$")
    shell.type("n\r")
    shell.wait_for("^the rest is not run: 1 line$")


def test_human_monitor_command_is_to_be_confirmed_for_the_same_commands(shell: Terminal) -> None:
    shell.enter("human-monitor-command command-line=system_reset")
    shell.wait_for("^system_reset resets the VM")
