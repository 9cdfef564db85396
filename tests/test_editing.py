"""Editing at the prompt: searching the history, entries of several lines, reconnecting."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qmp_shell.errors import Timeout
from qmp_shell.render.changes import ChangeReport
from qmp_shell.render.overview import format_overview
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.block_records import parse_file_name
from qmp_shell.vm.overview import gather_overview
from tests.conftest import Run, RunningVm
from tests.json_values import GivenAnswers, OfflineAnswers
from tests.peer import ACCEPTED, GREETING, HOLD, ScriptedPeer
from tests.sessions import attach, run_line
from tests.terminal import Terminal

Start = Callable[..., Terminal]

TCG = "Translation buffer state:\r\ngen code size       0/1073736704\r\n"
NO_TCG = "JIT information is only available with accel=tcg\r\n"


@pytest.mark.parametrize("key", ["\x03", "\x07"], ids=["ctrl-c", "ctrl-g"])
def test_an_aborted_search_restores_what_was_typed(shell: Terminal, key: str) -> None:
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    shell.type("typed")
    shell.wait_for(r"^\(QEMU\) typed$")
    shell.press("ctrl-r")
    shell.type("quer")
    shell.wait_for("i-search.*quer")
    shell.press("ctrl-r")
    shell.wait_for("query-name")
    shell.type(key)
    shell.wait_for(r"^\(QEMU\) typed$")
    assert "i-search" not in shell.text


@pytest.mark.parametrize("key", ["/", "?", "\x13"], ids=["slash", "question mark", "ctrl-s"])
def test_an_aborted_search_by_another_key_restores_what_was_typed(
    shell: Terminal, key: str
) -> None:
    shell.enter(".set editing vi")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.type("typed\x1b")
    shell.wait_until(lambda: shell.cursor_column == len("(QEMU) type"), "vi's navigation mode")
    shell.type(f"{key}quer")
    shell.wait_for("i-search.*quer")
    shell.press("ctrl-c")
    shell.wait_for(r"^\(QEMU\) typed$")
    assert "i-search" not in shell.text


def test_a_transaction_typed_over_lines_is_one_history_entry(
    shell: Terminal, vm: RunningVm, terminal: Start, environment: dict[str, str]
) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.enter("abort")
    shell.wait_for_prompt("TRANS> ")
    shell.press("up")  # while it is open, its lines can be recalled
    shell.wait_for(r"^TRANS> abort\nTRANS> abort$")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.enter("abort")
    shell.wait_for_prompt("TRANS> ")
    shell.enter(")")
    shell.wait_for("Transaction aborted")
    shell.wait_for_prompt()
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0

    path = Path(environment["XDG_STATE_HOME"]) / "qmp-shell" / "history"
    entries = path.read_text().split("\n# ")[1:]
    texts = [entry.split("\n", 1)[1].strip("\n") for entry in entries]
    assert texts == ["+query-name", "+transaction(\n+abort", "+transaction(\n+abort\n+)"]
    again = terminal(vm.address)
    again.wait_for_prompt()
    again.press("up")
    again.wait_for(r"^\(QEMU\) transaction\(\n +abort\n +\)$")
    again.press("enter")
    again.wait_for("Transaction aborted")


def test_connecting_to_the_address_that_the_shell_was_started_with(
    shell: Terminal, vm: RunningVm
) -> None:
    for address in (vm.address, f"unix:{vm.address}", f"{Path(vm.address).parent}/./qmp.sock"):
        shell.enter(f'.connect "{address}"  # the same VM')
        shell.wait_for_prompt()
        shell.enter("query-name")
        shell.wait_for('"testvm"')
        shell.wait_for_prompt()
        assert "another client may hold this monitor" not in shell.text


@pytest.mark.parametrize(
    ("command", "question"),
    [
        ("quit", "quit ends the VM testvm (prelaunch). Go on? [y/N]"),
        (
            "system_reset",
            "system_reset resets the VM testvm (prelaunch), as its reset button",
        ),
        (
            "system_powerdown",
            "system_powerdown asks the guest of the VM testvm (prelaunch) to",
        ),
    ],
)
def test_the_question_before_a_command_names_the_vm(
    shell: Terminal, command: str, question: str
) -> None:
    shell.enter(command)
    shell.wait_for(r"\[y/N\]")
    assert question in shell.text
    shell.type("n\r")
    shell.wait_for("^note: not sent$")


def test_help_separates_the_usage_of_a_dot_command_from_its_summary(shell: Terminal) -> None:
    shell.enter(".help")
    shell.wait_for_prompt()
    usage = r"^\.events \[on\|off\|PATTERN \.\.\.\] +list events, and choose"
    assert re.search(usage, shell.history, re.MULTILINE)
    assert max(map(len, shell.history.split("\n"))) < 80


def test_the_toolbar_forgets_a_job_that_has_ended_though_its_events_are_hidden(
    shell: Terminal, vm: RunningVm
) -> None:
    shell.enter(".events !JOB !BLOCK")
    shell.wait_for_prompt()
    with vm.second() as client:
        for name in ("a", "b"):
            client.execute("blockdev-add", driver="null-co", size=1 << 30, **{"node-name": name})
        job = {"job-id": "job0", "device": "a", "target": "b", "sync": "full", "speed": 1 << 26}
        client.execute("blockdev-mirror", **job)
        shell.wait_for(r"^testvm  prelaunch  job0 mirror \d+%$")
        client.execute("job-cancel", id="job0")
        shell.wait_for("^testvm  prelaunch$")
    assert "JOB_STATUS_CHANGE" not in shell.text


@pytest.fixture
def device_vm(start_vm: Callable[..., RunningVm]) -> RunningVm:
    """A VM with a device of an id."""
    return start_vm("-device", "virtio-rng-pci,id=rng0")


@pytest.fixture
def device_shell(device_vm: RunningVm, terminal: Start) -> Terminal:
    """The shell at its prompt, attached to ``device_vm``."""
    started = terminal(device_vm.address)
    started.wait_for_prompt()
    return started


@contextmanager
def stopped(vm: RunningVm) -> Iterator[None]:
    """QEMU answers nothing in this context."""
    vm.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        vm.process.send_signal(signal.SIGCONT)


def test_the_menu_appears_when_a_slow_vm_answers(
    device_vm: RunningVm, device_shell: Terminal
) -> None:
    with stopped(device_vm):
        device_shell.type("device_del id=r")
        device_shell.wait_for(r"^asking the VM\.\.\.$")
        assert "rng0" not in device_shell.text
    device_shell.wait_for("^ +rng0 +virtio-rng-pci")  # no other key was pressed
    device_shell.press("tab")
    device_shell.wait_for(r"^\(QEMU\) device_del id=rng0$")


def test_tab_is_not_in_vain_when_the_vm_is_slow(
    device_vm: RunningVm, device_shell: Terminal
) -> None:
    with stopped(device_vm):
        device_shell.type("device_del id=")
        device_shell.wait_for(r"^asking the VM\.\.\.$")
        device_shell.press("tab")
    device_shell.wait_for(r"^\(QEMU\) device_del id=rng0$")
    device_shell.wait_for("^device_del id=str$")  # and no longer that the VM is asked


def test_tab_right_after_a_letter_is_not_in_vain_when_the_vm_is_slow(
    device_vm: RunningVm, device_shell: Terminal
) -> None:
    """Typing has asked for a menu, too, which is looked up after what Tab asked for."""
    with stopped(device_vm):
        device_shell.type("device_del id=r\t")
        device_shell.wait_for(r"^asking the VM\.\.\.$")
    device_shell.wait_for(r"^\(QEMU\) device_del id=rng0$")


def test_a_menu_after_a_choice_inserts_nothing_when_the_vm_is_slow(
    device_vm: RunningVm, device_shell: Terminal
) -> None:
    """Only Tab may insert what all completions have in common."""
    device_shell.type("device_del i")
    device_shell.wait_for("^ +id= ")
    device_shell.press("down")
    device_shell.wait_for(r"^\(QEMU\) device_del id=$")
    with stopped(device_vm):
        device_shell.press("enter")
        device_shell.wait_for(r"^asking the VM\.\.\.$")
    device_shell.wait_for("^ +rng0 +virtio-rng-pci")
    device_shell.wait_for(r"^\(QEMU\) device_del id=$")


def test_tab_before_ctrl_c_opens_no_menu_at_the_next_prompt(
    device_vm: RunningVm, device_shell: Terminal
) -> None:
    with stopped(device_vm):
        device_shell.press("tab")
        device_shell.wait_for(r"^asking the VM\.\.\.$")
        device_shell.interrupt()
        device_shell.wait_for_prompt()
        device_shell.wait_for("^testvm ")
        assert "asking" not in device_shell.text


def test_sparklines_of_one_screen_begin_together() -> None:
    report = ChangeReport(supports_unicode=True)
    for second, (steady, late) in enumerate([(0, 0), (1, 0), (2, 0)]):
        report.add({"steady": steady, "late": late}, float(second))
    assert report.add({"steady": 3, "late": 5}, 3.0) == [
        "  steady  3 (+1, 1/s)  ███",
        "  late  5 (+5, 5/s)  ▁▁█",
    ]
    assert report.add({"steady": 3, "late": 5, "new": 1}, 4.0) == ["+ new  1"]
    assert report.add({"steady": 3, "late": 5, "new": 2}, 5.0) == ["  new  2 (+1, 1/s)      █"]


def test_a_counter_that_was_reset_has_no_negative_rate() -> None:
    report = ChangeReport(supports_unicode=True)
    report.add({"n": 1_000_000}, 0.0)
    report.add({"n": 2_000_000}, 1.0)
    assert report.add({"n": 5}, 2.0) == ["  n  2000000 -> 5"]
    assert report.add({"n": 1_000_005}, 3.0) == ["  n  1000005 (+1000000, 1000000/s)  █▁█"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("/srv/disk.img", "/srv/disk.img"),
        (
            'json:{"driver": "qcow2", "file": {"driver": "throttle", "file": '
            '{"driver": "file", "filename": "/srv/disk.qcow2"}}}',
            "/srv/disk.qcow2",
        ),
        ('json:{"driver": "null-co", "size": 5}', "null-co"),
        ("json:{", "json:{"),
        ('json:["x"]', 'json:["x"]'),
        ("json:" + '{"file":' * 9000, "json:" + '{"file":' * 9000),
        (7, ""),
    ],
)
def test_the_innermost_file_of_a_file_name(name: object, file: str) -> None:
    assert parse_file_name(name) == file


def test_info_names_a_disk_by_its_devices_id_and_its_innermost_file(
    start_vm: Callable[..., RunningVm], folder: Path
) -> None:
    disk = folder / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    vm = start_vm(
        *("-object", "throttle-group,id=limits"),
        *("-blockdev", f"driver=file,node-name=file0,filename={disk}"),
        *("-blockdev", "driver=throttle,node-name=slow0,throttle-group=limits,file=file0"),
        *("-device", "virtio-blk-pci,id=disk0,drive=slow0"),
    )
    with vm.second() as client:
        page = format_overview(gather_overview(Answers(client)))
    assert dict(page)["Disks"] == f"disk0  1 MiB, throttle  {disk}"


@pytest.mark.parametrize(
    ("answers", "accelerator"),
    [
        ({"query-accelerators": {"enabled": "hvf"}, "query-kvm": {"enabled": False}}, "hvf"),
        ({"query-kvm": {"enabled": True}}, "kvm"),
        ({"query-kvm": {"enabled": False}, "human-monitor-command": TCG}, "tcg"),
        ({"query-kvm": {"enabled": False}, "human-monitor-command": NO_TCG}, "not KVM"),
        ({"query-kvm": {"enabled": False}}, "not KVM"),
        ({}, ""),
    ],
)
def test_info_says_what_runs_the_processors(answers: dict[str, object], accelerator: str) -> None:
    view = GivenAnswers(answers)
    assert gather_overview(OfflineAnswers(view)).accelerator == accelerator


@pytest.mark.parametrize(
    ("host", "port", "shown"),
    [
        ("127.0.0.1", "5900", "VNC  127.0.0.1:5900"),
        ("::", "5937", "VNC  [::]:5937"),
        ("", "/run/vnc.sock", "VNC  /run/vnc.sock"),
    ],
)
def test_info_says_where_a_display_is(host: str, port: str, shown: str) -> None:
    view = GivenAnswers({"query-vnc": {"enabled": True, "host": host, "service": port}})
    assert dict(format_overview(gather_overview(OfflineAnswers(view))))["Displays"] == shown


def test_info_says_tcg_of_a_vm_without_kvm(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".info")
    assert re.search("^Accelerator +tcg$", result.stdout, re.MULTILINE) is not None


def test_a_refused_line_is_no_part_of_the_transaction_in_the_history(shell: Terminal) -> None:
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    for line, shown in (("abort", ""), ("bad=", "bad="), (".set pager", "^on$")):
        shell.enter(line)
        shell.wait_for(shown or "abort")
        shell.wait_for_prompt("TRANS> ")
    shell.enter(")")
    shell.wait_for("Transaction aborted")
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) transaction\(\n +abort\n +\)$")


def test_lines_of_an_open_transaction_are_kept_when_the_shell_ends(
    shell: Terminal, environment: dict[str, str]
) -> None:
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.enter("abort")
    shell.wait_for_prompt("TRANS> ")
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    path = Path(environment["XDG_STATE_HOME"]) / "qmp-shell" / "history"
    assert "+transaction(\n+abort\n" in path.read_text()


def test_a_pipeline_that_is_ended_by_sigpipe_does_not_end_the_shell(shell: Terminal) -> None:
    shell.enter("query-name | sh -c 'kill -PIPE $$'")
    shell.wait_for("^the pipeline was ended by SIGPIPE$")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


def test_text_that_is_not_utf_8_is_refused_at_the_prompt(shell: Terminal) -> None:
    shell.child.send(b"query-name x=\xff\r")
    shell.wait_for("this is not UTF-8")
    shell.wait_for_prompt()


def test_watching_says_why_it_ends(shell: Terminal, vm: RunningVm) -> None:
    with vm.second() as client:
        client.execute("object-add", id="io1", **{"qom-type": "iothread"})
        shell.enter(".watch 0.1 qom-list path=/objects/io1")
        shell.wait_for('"poll-max-ns"')
        client.execute("object-del", id="io1")
    shell.wait_for("DeviceNotFound")
    shell.wait_for_prompt()


def test_waiting_on_a_lost_vm_fails_at_once(vm: RunningVm, run: Run) -> None:
    done = run(vm.address, "-k", "-c", "quit", "-c", ".sleep 0.5", "-c", ".wait RESUME")
    assert done.returncode == 4
    assert done.stderr == "qmp-shell: -c 3: the VM closed the connection\n"


def test_waiting_keeps_its_limit_though_the_vm_does_not_answer(
    peer: Callable[..., ScriptedPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of ``.wait`` also holds while the shell waits for the schema."""
    monkeypatch.setattr("qmp_shell.vm.attachment.ANSWER_SECONDS", 60.0)
    session = attach(peer(GREETING, ACCEPTED, b"", HOLD).address)
    before = time.monotonic()
    with pytest.raises(Timeout, match=r"^\.wait RESUME: not within 0\.2 s$"):
        run_line(session, ".wait RESUME timeout=0.2")
    assert time.monotonic() - before < 30
    session.attachment.close()


def test_an_inherited_connection_is_not_dropped_for_one_that_cannot_be_made(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(vm.address)
        number = connection.fileno()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "qmp_shell", f"fd:{number}", "-k"),
                *("-c", f".connect fd:{number}", "-c", "query-name"),
            ],
            env=environment,
            pass_fds=[number],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == f"qmp-shell: -c 1: fd:{number} can be attached to only once\n"
    assert '"testvm"' in done.stdout
