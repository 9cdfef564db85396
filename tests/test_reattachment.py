"""A VM that is lost at the prompt: how it ended is told, and it is attached to again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell.messages import Event, Message
from qmp_shell.render.ending import format_ending
from qmp_shell.vm.ending import Ending, EndWatch
from qmp_shell.vm.incidents import Incidents
from tests.conftest import RunningVm, StartPeer, StartTerminal, StartVm
from tests.peer import HOLD, UNTIL_PROMPT
from tests.terminal import Terminal

AGAIN = r"^# ?\.connect attaches again|^\.connect attaches again"


@pytest.fixture
def monitor(folder: Path) -> str:
    """The option of a monitor at a path where VMs come and go."""
    return f"unix:{folder}/again.sock,server=on,wait=off"


@pytest.fixture
def waiting(start_vm: StartVm, monitor: str, folder: Path, terminal: StartTerminal) -> Terminal:
    """A shell that attaches again by itself, whose VM has just been killed."""
    vm = start_vm("-qmp", monitor, name="first")
    shell = terminal(f"{folder}/again.sock")
    shell.wait_for_prompt()
    shell.enter(".set reconnect on")
    shell.wait_for_prompt()
    vm.close()
    shell.wait_for("^this shell attaches again when it can; .exit leaves.$")
    shell.wait_for(r"^\(QEMU\)$")
    return shell


def test_a_vm_that_comes_back_is_attached_to_again(
    waiting: Terminal, start_vm: StartVm, monitor: str
) -> None:
    waiting.type("query-na")
    waiting.wait_for(r"^\(QEMU\) query-na")
    start_vm("-qmp", monitor, name="second")
    waiting.wait_for("^attached to second, QEMU .*, prelaunch$")
    waiting.wait_until(lambda: waiting.cursor_line.startswith("(QEMU) query-na"), "what was typed")
    waiting.type("me\r")
    waiting.wait_for('"second"')


def test_a_vm_that_comes_back_during_a_search_of_the_history(
    waiting: Terminal, start_vm: StartVm, monitor: str
) -> None:
    waiting.type("query-na")
    waiting.wait_for(r"^\(QEMU\) query-na")
    waiting.press("ctrl-r")
    waiting.type("recon")
    waiting.wait_for("i-search.*recon.*set reconnect on")
    start_vm("-qmp", monitor, name="second")
    waiting.wait_for("^attached to second, QEMU .*, prelaunch$")
    waiting.wait_until(lambda: waiting.cursor_line.startswith("(QEMU) query-na"), "what was typed")
    waiting.type("me\r")
    waiting.wait_for('"second"')


def test_an_open_transaction_stays_open(
    waiting: Terminal, start_vm: StartVm, monitor: str, tmp_path: Path
) -> None:
    """It was not sent yet, and a line that was meant for it must not be run by itself."""
    waiting.enter("transaction(")
    waiting.wait_for_prompt("TRANS> ")
    waiting.type("block-dirty-bitmap-add node=n name=b")
    waiting.wait_for("^TRANS> block-dirty-bitmap-add node=n name=b")
    start_vm("-qmp", monitor, "-blockdev", "null-co,node-name=n", name="second")
    waiting.wait_for("^attached to second, QEMU .*, prelaunch$")
    waiting.wait_until(lambda: waiting.cursor_line.startswith("TRANS> block"), "what was typed")
    waiting.enter("")
    waiting.wait_for_prompt("TRANS> ")
    waiting.enter(f".connect {tmp_path}/other")
    waiting.wait_for(r"^a transaction\( is open for this VM; end it with \) first$")
    waiting.wait_for_prompt("TRANS> ")
    waiting.enter(")")
    waiting.wait_for_prompt()
    waiting.enter(".save script")
    waiting.wait_for_prompt()
    saved = (tmp_path / "script").read_text()
    assert "\ntransaction(\nblock-dirty-bitmap-add node=n name=b\n" in saved
    assert saved.endswith("\n)\n")


def test_types_and_names_are_those_of_the_vm_that_came(
    waiting: Terminal, start_vm: StartVm, monitor: str
) -> None:
    start_vm("-qmp", monitor, "-blockdev", "null-co,node-name=of-the-second", name="second")
    waiting.wait_for("^attached to second")
    waiting.type("block_resize node-name=")
    waiting.wait_for("of-the-second")


def test_a_monitor_that_is_held_by_another_client_is_waited_for(
    waiting: Terminal, start_vm: StartVm, monitor: str, folder: Path
) -> None:
    listener = socket.socket(socket.AF_UNIX)
    os.unlink(folder / "again.sock")
    listener.bind(f"{folder}/again.sock")
    listener.listen()
    held, _ = listener.accept()  # the shell's first try
    held.close()
    held, _ = listener.accept()
    waiting.type("x")
    waiting.wait_for(r"^\(QEMU\) x$")
    assert "attached to" not in waiting.text
    listener.close()
    held.close()
    os.unlink(folder / "again.sock")
    start_vm("-qmp", monitor, name="third")
    waiting.wait_for("^attached to third")


def test_it_stops_to_try_when_told_so(
    waiting: Terminal, start_vm: StartVm, monitor: str, folder: Path
) -> None:
    waiting.enter(".set reconnect off")
    waiting.wait_for_prompt()
    start_vm("-qmp", monitor, name="second")
    waiting.enter("query-name")
    waiting.wait_for(r"^\.connect attaches again; \.exit leaves\.$")
    with qmp_shell.connect(f"{folder}/again.sock", timeout=20) as client:
        assert client.execute("query-name") == {"name": "second"}
    waiting.enter(".connect")
    waiting.wait_for("^attached to second")


def test_a_plain_prompt_attaches_again_too(
    start_vm: StartVm, monitor: str, folder: Path, terminal: StartTerminal
) -> None:
    vm = start_vm("-qmp", monitor, name="first")
    shell = terminal(f"{folder}/again.sock", TERM="dumb")
    shell.wait_for(r"^\(QEMU\)$")
    shell.type(".set reconnect on\r")
    shell.wait_until(lambda: shell.raw.count(b"(QEMU) ") == 2, "the next prompt")
    vm.close()
    shell.wait_for("^# this shell attaches again when it can")
    start_vm("-qmp", monitor, name="second")
    shell.wait_for("^attached to second")
    shell.wait_until(lambda: shell.cursor_line == "(QEMU)", "the prompt")
    shell.type("query-name\r")
    shell.wait_for('"second"')


def test_a_killed_qemu_is_told(shell: Terminal, vm: RunningVm) -> None:
    vm.process.send_signal(signal.SIGKILL)
    vm.process.wait(20)
    shell.wait_for(rf"^QEMU \(process {vm.process.pid}\) has ended without a word: it crashed, or")
    shell.wait_for(AGAIN)


def test_a_qemu_that_was_ended_by_another_client_is_told(shell: Terminal, vm: RunningVm) -> None:
    vm.run("quit")
    shell.wait_for("^QEMU was ended by quit$")
    shell.wait_for(AGAIN)


def test_a_qemu_that_was_ended_by_a_signal_is_told(shell: Terminal, vm: RunningVm) -> None:
    vm.process.send_signal(signal.SIGTERM)
    shell.wait_for("^QEMU was ended by a signal$")


def test_a_peer_that_only_closes_the_monitor_is_told(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    shell = terminal(peer(*UNTIL_PROMPT, b'{"return": [], "id": 4}', b"").address)
    shell.wait_for_prompt()
    shell.type("query-name\r")
    shell.wait_for(f"^process {os.getpid()} still runs; it has only closed this connection$")


def test_what_the_vm_says_of_its_end_is_made_safe(peer: StartPeer, terminal: StartTerminal) -> None:
    event = b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "\\u001b[31mred\\nx"}}'
    shell = terminal(peer(*UNTIL_PROMPT, event + b'{"return": [], "id": 4}', b"").address)
    shell.wait_for_prompt()
    shell.type("query-name\r")
    shell.wait_for(r"^the VM was shut down \(.*red.*x\)$")
    assert b"\x1b[31mred" not in shell.raw


def test_connecting_says_what_it_is_attached_to(
    shell: Terminal, start_vm: StartVm, vm: RunningVm
) -> None:
    del vm
    other = start_vm(name="other")
    shell.enter(f".connect {other.address}")
    shell.wait_for("^attached to other, QEMU .*, prelaunch$")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("guest-shutdown", "the guest has shut the VM down"),
        ("host-qmp-quit", "QEMU was ended by quit"),
        ("host-future", "the VM was shut down (host-future)"),
    ],
)
def test_the_reason_is_that_of_the_last_event(reason: str, words: str) -> None:
    incidents = Incidents()
    incidents.add(Event({"event": "SHUTDOWN", "data": {"guest": False, "reason": reason}}))
    ending = EndWatch(None).find(incidents)
    assert ending == Ending(reason, None, has_process_ended=False)
    assert format_ending(ending) == words


@pytest.mark.parametrize(
    ("command", "was_refused", "words"),
    [
        ({"execute": "quit"}, False, "QEMU was ended by quit"),
        ({"execute": "quit"}, True, ""),
        ({"execute": "stop"}, False, ""),
        (
            {"execute": "human-monitor-command", "arguments": {"command-line": "q"}},
            False,
            "QEMU was ended by quit",
        ),
    ],
)
def test_an_end_without_an_event_is_due_to_quit(
    command: Message, was_refused: bool, words: str
) -> None:
    """As a storage daemon's."""
    incidents = Incidents()
    incidents.begin(command)
    incidents.end(was_refused=was_refused)
    assert format_ending(EndWatch(None).find(incidents)) == words


@pytest.mark.parametrize("reason", [None, 5, [], {"a": 1}])
def test_an_odd_reason_is_none(reason: object) -> None:
    incidents = Incidents()
    incidents.add(Event({"event": "SHUTDOWN", "data": {"reason": reason}}))
    assert format_ending(EndWatch(None).find(incidents)) == ""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_a_process_is_watched(sleeper: subprocess.Popen[bytes]) -> None:
    watch = EndWatch(sleeper.pid)
    assert watch.find(Incidents()) == Ending("", sleeper.pid, has_process_ended=False)
    sleeper.kill()
    assert watch.find(Incidents()) == Ending("", sleeper.pid, has_process_ended=True)
    watch.close()
    sleeper.wait()
    assert EndWatch(sleeper.pid).find(Incidents()) == Ending("", None, has_process_ended=False)


def test_the_peer_of_a_held_connection_is_not_lost(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    shell = terminal(peer(*UNTIL_PROMPT, HOLD).address)
    shell.wait_for_prompt()
    shell.enter(".set reconnect on")
    shell.wait_for_prompt()
    assert "attached to" not in shell.text
