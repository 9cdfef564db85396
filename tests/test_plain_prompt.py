"""The prompt on a terminal that cannot move its cursor, as a screen reader and Emacs have it."""

from __future__ import annotations

import signal

import pytest

from qmp_shell.output import Output, SafeText
from qmp_shell.prompt.terminal import TerminalDisplay
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.text import sanitize_line
from qmp_shell.render.views import Look
from qmp_shell.session import Settings
from tests.conftest import RunningVm, StartTerminal
from tests.terminal import Terminal


@pytest.fixture
def shell(vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]) -> Terminal:
    environment["TERM"] = "dumb"
    shell = terminal(vm.address)
    wait_for_prompt(shell)
    return shell


def wait_for_prompt(shell: Terminal, prompt: str = "(QEMU) ") -> None:
    shell.wait_until(
        lambda: shell.cursor_line == prompt.rstrip() and shell.cursor_column == len(prompt), prompt
    )


def enter(shell: Terminal, line: str, prompt: str = "(QEMU) ") -> None:
    before = shell.raw.count(prompt.encode())
    shell.type(line + "\r")
    shell.wait_until(lambda: shell.raw.count(prompt.encode()) > before, "another prompt")
    wait_for_prompt(shell, prompt)


def test_lines_are_run_and_nothing_on_the_screen_is_changed(shell: Terminal) -> None:
    enter(shell, "query-name")
    assert '    "name": "testvm"' in shell.lines
    enter(shell, "query-block ?")  # longer than the screen: it is not given to a pager
    enter(shell, ".set verbose on")
    assert b"\x1b" not in shell.raw
    assert b"\x08" not in shell.raw
    assert "# .help helps" in shell.history
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0


def test_events_appear_below_what_is_typed_and_the_prompt_again(
    shell: Terminal, vm: RunningVm
) -> None:
    shell.type("query-")
    shell.wait_for(r"^\(QEMU\) query-$")
    vm.run("cont")
    shell.wait_for(r"^\(QEMU\) query-\n\S+ RESUME\n\(QEMU\)$")
    enter(shell, "name")
    assert '    "name": "testvm"' in shell.lines


def test_a_literal_and_a_transaction_go_on_over_lines(shell: Terminal) -> None:
    enter(shell, "qom-list path=[", "... ")
    enter(shell, "]")
    assert '"error"' in shell.text
    enter(shell, "transaction(", "TRANS> ")
    enter(shell, "abort", "TRANS> ")
    enter(shell, ")")
    assert "aborted using Abort action" in shell.text
    enter(shell, ".history")
    assert "transaction(" in shell.text


def test_interrupts_drop_the_line(shell: Terminal) -> None:
    shell.type("abc")
    shell.wait_for("abc$")
    shell.press("ctrl-c")
    wait_for_prompt(shell)
    enter(shell, "query-name")
    assert '    "name": "testvm"' in shell.lines


def test_an_interrupt_right_behind_the_prompt_begins_a_new_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    display = TerminalDisplay(
        Settings(), Formatter(Look(colour=False, ascii_only=True)), is_dumb=True
    )
    write = Output.write

    def interrupted(output: Output, text: SafeText) -> None:
        write(output, text)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Output, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            display.begin_line(sanitize_line("(QEMU) "))
    display.end_line()
    assert capfd.readouterr().out == "(QEMU) \n"


def test_a_question_is_asked(shell: Terminal) -> None:
    shell.type("quit\r")
    shell.wait_for(r"\[y/N\]")
    shell.type("n\r")
    shell.wait_for("^# note: not sent$")
    wait_for_prompt(shell)
    assert b"\x1b" not in shell.raw


@pytest.mark.parametrize("keys", ["\x03", "\x04", "y\x04\x7fn\r"])
def test_a_question_that_is_not_answered_is_a_no(shell: Terminal, keys: str) -> None:
    shell.type("quit\r")
    shell.wait_for(r"\[y/N\]$")
    shell.wait_until(lambda: shell.echoes, "the terminal to show what is typed")
    shell.type(keys)
    shell.wait_for("^# note: not sent$")
    wait_for_prompt(shell)


def test_a_question_is_asked_again_below_an_event(shell: Terminal, vm: RunningVm) -> None:
    shell.type("quit\r")
    shell.wait_for(r"\[y/N\]$")
    vm.run("cont")
    shell.wait_for(r"\[y/N\]\n.* RESUME\nquit .* Go on\? \[y/N\]$")
    shell.type("y\r")
    shell.wait_for("closed the connection")


def test_a_vm_that_is_lost_while_a_question_is_asked(shell: Terminal, vm: RunningVm) -> None:
    shell.type("quit\r")
    shell.wait_for(r"\[y/N\]$")
    vm.process.kill()
    shell.type("y\r")
    shell.wait_for("^# the VM closed the connection")
    wait_for_prompt(shell)


def test_a_lost_vm_is_reported_while_a_line_is_typed(shell: Terminal, vm: RunningVm) -> None:
    shell.type("query-na")
    shell.wait_for("query-na$")
    vm.process.kill()
    shell.wait_for("^# the VM closed the connection")
    shell.wait_for(r"^# \.connect attaches again; \.exit leaves\.$")
    shell.wait_for(r"^\(QEMU\)$")
    enter(shell, "me")
    assert shell.text.count("closed the connection") == 2
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0


def test_a_migration_that_fails_is_told_below_what_is_typed(shell: Terminal) -> None:
    enter(shell, "migrate uri=tcp:localhost:1")
    shell.wait_for("^# the migration has failed: Failed")
    shell.wait_for(r"^\(QEMU\)$")
    enter(shell, "query-name")
    assert shell.text.count("has failed") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it(shell: Terminal, number: signal.Signals) -> None:
    shell.child.kill(number)
    assert shell.wait_for_end() == 128 + number


def test_the_end_of_a_vm_of_its_own_ends_it(
    terminal: StartTerminal, environment: dict[str, str], qemu: str
) -> None:
    environment["TERM"] = "dumb"
    shell = terminal("--", qemu, "-M", "none", "-display", "none", program="main_wrap")
    wait_for_prompt(shell)
    shell.type(".hmp quit\r")
    shell.wait_for(r"\[y/N\]")
    shell.type("y\r")
    assert shell.wait_for_end() == 0


def test_what_is_typed_ahead_is_run_only_once_it_is_a_whole_line(
    shell: Terminal, vm: RunningVm
) -> None:
    enter(shell, ".set verbose on")
    shell.type(".wait status=running\r")
    shell.wait_for("status=running$")
    shell.wait_until(lambda: not shell.echoes, "the command that waits")
    shell.type("query-na")
    vm.run("cont")
    wait_for_prompt(shell)
    shell.type("me\r")
    shell.wait_for('^> .*"execute": "query-name"')
    wait_for_prompt(shell)
    assert '"query-na"' not in shell.text


def test_several_lines_that_are_pasted_are_run_up_to_the_last_end_of_a_line(
    shell: Terminal,
) -> None:
    shell.type("query-kvm\rquery-name\rquery-stat")
    shell.wait_for('"name": "testvm"')
    shell.wait_until(lambda: shell.raw.count(b"(QEMU) ") >= 3, "three prompts")
    shell.type("us\r")
    shell.wait_for('"status": "prelaunch"')
    assert '"error"' not in shell.text


def test_ctrl_d_within_a_line_does_not_send_it(shell: Terminal) -> None:
    shell.type("query-na")
    shell.wait_for("query-na$")
    shell.press("ctrl-d")
    enter(shell, "me")
    assert '    "name": "testvm"' in shell.lines
