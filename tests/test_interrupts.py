"""Signals and Ctrl-C at any moment: the session goes on, or ends in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qmp_shell.client import Client
from qmp_shell.errors import ConnectionLost
from qmp_shell.transport.stream import SocketStream
from tests.conftest import RunningVm, StartPeer, StartTerminal, StartVm, shell_command
from tests.peer import HOLD, UNTIL_PROMPT
from tests.terminal import Terminal
from tests.waiting import has_handled_signals, process_state, wait_until

# System calls, by their numbers on x86-64 and on arm64 (which has ppoll only).
_CALLS = {"1": "write", "64": "write", "7": "poll", "73": "poll"}
# What must never be seen, whatever happens.
TRACES = (b"Traceback", b"Exception ignored", b"internal error", b"Unhandled exception")

# Starts the shell. While there is a file "late", a line ends only when the VM has sent something.
_LINES_END_LATE = """
import asyncio, os, sys
from asyncio import BaseEventLoop
from prompt_toolkit.application import Application
from qmp_shell.prompt.watcher import VmWatcher
from qmp_shell.start import main

received = []
read, end = VmWatcher._read, {place}

def read_and_note(watcher, descriptor):
    read(watcher, descriptor)
    received.append(descriptor)

async def end_late(owner):
    await end(owner)
    before = len(received)
    while os.path.exists("late") and len(received) == before:
        await asyncio.sleep(0.01)

VmWatcher._read, {place} = read_and_note, end_late
sys.exit(main())
"""


def assert_clean(shell: Terminal) -> None:
    for trace in TRACES:
        assert trace not in shell.raw, shell.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("milliseconds", [0, 1, 3, 10, 30])
def test_a_signal_right_behind_enter_ends_the_shell(
    shell: Terminal, number: signal.Signals, milliseconds: int
) -> None:
    shell.enter("query-name")
    time.sleep(milliseconds / 1000)  # the moments themselves are what is tested
    shell.child.kill(number)
    assert shell.wait_for_end() == 128 + number
    assert_clean(shell)


@pytest.mark.parametrize("as_key", [False, True], ids=["signal", "key"])
def test_ctrl_c_right_behind_enter(shell: Terminal, as_key: bool) -> None:
    for milliseconds in range(0, 60, 2):
        shell.enter("query-name")
        time.sleep(milliseconds / 1000)  # the moments themselves are what is tested
        if as_key:
            shell.type("\x03")
        else:
            shell.child.kill(signal.SIGINT)
        shell.wait_for_prompt()
        shell.wait_for_reply()
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    assert_clean(shell)


def test_a_storm_of_interrupts(shell: Terminal) -> None:
    for number in range(60):
        shell.type("query-name\r" if number % 3 else "\x03")
        shell.child.kill(signal.SIGINT)
        shell.read_available()
    # An interrupt drops what was typed before it is handled.
    shell.wait_until(lambda: has_handled_signals(shell.pid), "the last interrupt")
    shell.enter("")
    shell.wait_for_prompt()
    shell.enter("query-uuid")
    shell.wait_for('"UUID"')
    assert_clean(shell)


@pytest.mark.parametrize(
    "place",
    ["Application.cancel_and_wait_for_background_tasks", "BaseEventLoop.shutdown_asyncgens"],
)
def test_an_answer_that_comes_while_a_line_ends_completes_nothing(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path, place: str
) -> None:
    """A completion that is begun then would outlive the event loop that it runs in."""
    command = [sys.executable, "-c", _LINES_END_LATE.format(place=place), vm.address]
    shell = Terminal(command, environment, tmp_path)
    try:
        shell.wait_for_prompt()
        vm.process.send_signal(signal.SIGSTOP)
        shell.type("device_del id=")
        shell.wait_for(r"^asking the VM\.\.\.")
        (tmp_path / "late").touch()
        shell.interrupt()
        vm.process.send_signal(signal.SIGCONT)
        shell.wait_for_prompt()
        (tmp_path / "late").unlink()
        shell.enter("query-uuid")
        shell.wait_for('"UUID"')
        assert_clean(shell)
    finally:
        shell.end()


def test_an_event_that_comes_with_ctrl_c_is_shown_before_the_next_prompt(
    shell: Terminal, vm: RunningVm
) -> None:
    """The shell is stopped meanwhile, so that it reads the key and the event in one round."""
    shell.wait_for("^testvm  prelaunch$")
    wait_until(lambda: process_state(shell.pid) == "S")
    os.kill(shell.pid, signal.SIGSTOP)
    wait_until(lambda: process_state(shell.pid) == "T")
    shell.interrupt()
    vm.run("system_reset")
    os.kill(shell.pid, signal.SIGCONT)
    shell.wait_for_prompt()
    shell.wait_for(r" RESET .*\n\(QEMU\)")


def test_ctrl_c_that_was_typed_with_enter_is_for_the_command(shell: Terminal) -> None:
    shell.type(".sleep 60\r\x03")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) \.sleep 60")


def test_what_becomes_of_an_interrupted_line_is_told(shell: Terminal, vm: RunningVm) -> None:
    """The VM answers nothing. A reply to an earlier line is none to this one."""
    late = "interrupted; the reply will be shown when it comes"
    told: list[str] = []
    vm.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: process_state(vm.process.pid) == "T")
    for line, remark in (
        ("query-name", late),
        (".info", "interrupted"),
        (".wait status=paused", "interrupted"),
        ("stop", "interrupted; stop was not sent"),
        ("quit", "interrupted; quit was not sent"),
        (".hmp quit", "interrupted; quit was not sent"),
        ("query-name", late),
    ):
        told.append(remark)
        shell.enter(line)
        # A command waits for the VM in poll(); a prompt that is edited waits in epoll_wait().
        shell.wait_until(lambda: _call(shell.pid) == "poll", "a wait for the VM")
        shell.press("ctrl-c")
        shell.wait_until(lambda: len(_remarks(shell)) == len(told), "a remark")
        shell.wait_for_prompt()
    assert _remarks(shell) == told
    vm.process.send_signal(signal.SIGCONT)
    shell.wait_until(lambda: shell.text.count("late reply to query-name") == 2, "the late replies")
    shell.enter("query-status")
    shell.wait_for('"status": "prelaunch"')


def _remarks(shell: Terminal) -> list[str]:
    return [row for row in shell.lines if row.startswith("interrupted")]


@pytest.mark.parametrize("line", ["query-name | (trap '' INT; touch t; sleep 60)", "query-name"])
def test_a_signal_ends_the_shell_whatever_a_program_does_with_ctrl_c(
    vm: RunningVm, terminal: StartTerminal, tmp_path: Path, line: str
) -> None:
    """A pipeline and a pager are given Ctrl-C, which they ignore; SIGTERM is for the shell."""
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\ntrap '' INT\ntouch t\nsleep 60\n")
    pager.chmod(0o755)
    shell = terminal(vm.address, rows=8, PAGER=str(pager))
    shell.wait_for_prompt()
    shell.enter("query-commands" if line == "query-name" else line)
    shell.wait_until((tmp_path / "t").exists, "the program")
    shell.press("ctrl-c")
    shell.press("ctrl-c")
    shell.child.kill(signal.SIGTERM)
    assert shell.wait_for_end() == 128 + signal.SIGTERM
    assert_clean(shell)


def test_a_command_can_be_interrupted_after_a_pager_was(
    vm: RunningVm, terminal: StartTerminal, tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\ntrap 'exit 0' INT\ntouch t\nsleep 60 & wait\n")
    pager.chmod(0o755)
    (tmp_path / "script").write_text("query-commands\nquery-name | touch t2\n.sleep 60\n")
    shell = terminal(vm.address, rows=8, PAGER=str(pager))
    shell.wait_for_prompt()
    shell.enter(".source script")
    shell.wait_until((tmp_path / "t").exists, "the pager")
    shell.press("ctrl-c")
    shell.wait_until((tmp_path / "t2").exists, "the line after it")
    shell.wait_until(lambda: _children(shell.pid) == "", "the end of the pipeline")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()


def _children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def test_a_terminal_that_takes_nothing_any_more(peer: StartPeer, terminal: StartTerminal) -> None:
    """SIGTERM ends the shell all the same."""
    reply = b'{"return": "%s", "id": 99}' % (b"x" * 1_000_000)
    shell = terminal(peer(*UNTIL_PROMPT, b'{"return": [], "id": 4}' + reply, HOLD).address)
    shell.wait_for_prompt()
    shell.type("x")
    deadline = time.monotonic() + 20
    while _call(shell.pid) != "write" and time.monotonic() < deadline:
        pass  # nothing is read from it
    shell.child.kill(signal.SIGTERM)
    deadline = time.monotonic() + 20
    while shell.child.isalive() and time.monotonic() < deadline:
        pass
    assert not shell.child.isalive()


def _call(pid: int) -> str:
    """The system call that a process is in: ``write``, or ``poll``; empty: another one, or none."""
    return _CALLS.get(Path(f"/proc/{pid}/syscall").read_text().split()[0], "")


def test_a_terminal_that_is_hung_up(shell: Terminal) -> None:
    shell.child.ptyproc.fileobj.close()  # type: ignore[attr-defined]
    assert shell.child.wait() == 129


def test_an_interrupt_while_a_question_is_asked_is_a_no(shell: Terminal) -> None:
    shell.enter("quit")
    shell.wait_for(r"\[y/N\]")
    shell.child.kill(signal.SIGINT)
    shell.wait_for("not sent")
    shell.wait_for_prompt()


def test_a_signal_while_a_question_is_asked_ends_the_shell(shell: Terminal) -> None:
    shell.enter("quit")
    shell.wait_for(r"\[y/N\]")
    shell.child.kill(signal.SIGTERM)
    assert shell.wait_for_end() == 128 + signal.SIGTERM
    assert_clean(shell)


def test_a_vms_name_in_a_question_is_harmless(start_vm: StartVm, terminal: StartTerminal) -> None:
    shell = terminal(start_vm(name="a\u202eb\x1b[31mc").address)
    shell.wait_for_prompt()
    shell.enter("quit")
    shell.wait_for(r"quit ends the VM ab\[31mc \(prelaunch\)\. Go on\? \[y/N\]")


@pytest.mark.parametrize("numbers", [(2, 2, 2), (2, 15), (15, 2), (1, 2)])
@pytest.mark.parametrize("gap", range(5))
def test_a_listening_shell_leaves_no_socket(
    environment: dict[str, str], folder: Path, numbers: tuple[int, ...], gap: int
) -> None:
    path = folder / "listen.sock"
    process = subprocess.Popen(
        [*shell_command(), "--listen", str(path)], env=environment, stderr=subprocess.PIPE
    )
    while not path.exists():
        assert process.poll() is None
    for number in numbers:
        process.send_signal(number)
        time.sleep(gap / 10_000)  # the moments themselves are what is tested
    _, errors = process.communicate(timeout=20)
    # The last signal may come when all is cleaned up, and then ends the process by itself.
    assert process.returncode in {*(128 + number for number in numbers), -numbers[-1]}
    assert errors == b""
    assert not path.exists()


def test_a_vm_that_is_lost_while_the_shell_sleeps_is_told(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".sleep 1")
    vm.close()
    shell.wait_for(r"^\.connect attaches again")
    shell.wait_for_prompt()


def test_stray_replies_without_end_are_counted(peer: StartPeer, terminal: StartTerminal) -> None:
    replies = b'{"return": 1, "id": 99}' * 400
    shell = terminal(peer(*UNTIL_PROMPT, b'{"return": [], "id": 4}' + replies, HOLD).address)
    shell.wait_for_prompt()
    shell.type("x")
    shell.wait_for(r"replies that answer no command x 390$")


class InterruptedStream(SocketStream):
    """A stream that a second Ctrl-C interrupts just after it was closed."""

    def close(self) -> None:
        super().close()
        raise KeyboardInterrupt


def test_a_connection_is_closed_though_its_closing_is_interrupted() -> None:
    near, far = socket.socketpair()
    with far:
        client = Client(InterruptedStream(near))
        with pytest.raises(KeyboardInterrupt):
            client.close()
        assert not client.connected
        assert client.watched == {}
        with pytest.raises(ConnectionLost):
            client.fileno()
        client.close()
