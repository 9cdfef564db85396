"""Faults of the shell itself: one line each, and nothing of them is silent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningVm
from tests.terminal import Terminal

# Puts a fault into a function of the shell, and starts it.
_FAULTY = """
import importlib, sys

module, owner, name = {place!r}
target = importlib.import_module(module)
target = getattr(target, owner) if owner else target
original, calls = getattr(target, name), []

def fail(*arguments, **named):
    calls.append(1)
    if len(calls) > {works}:
        raise KeyError("a\\x1b[31mb")
    return original(*arguments, **named)

setattr(target, name, fail)
from qmp_shell.start import main
sys.exit(main())
"""
MESSAGE = "internal error: KeyError: 'a\\\\x1b[31mb'; please report it"

StartFaulty = Callable[..., Terminal]


def faulty(*place: str, works: int = 0) -> list[str]:
    """The command of a shell in which a function of a module (and a class) raises KeyError.

    :param works: how often the function works before.
    """
    return [sys.executable, "-c", _FAULTY.format(place=place, works=works)]


@pytest.fixture
def start_faulty(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path
) -> Iterator[StartFaulty]:
    """A function that starts such a shell in a terminal, attached to a VM."""
    started: list[Terminal] = []

    def start(*place: str, options: tuple[str, ...] = (), works: int = 0) -> Terminal:
        command = [*faulty(*place, works=works), vm.address, *options]
        started.append(Terminal(command, environment, tmp_path, columns=100))
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_a_fault_of_a_command_costs_one_line(start_faulty: StartFaulty, tmp_path: Path) -> None:
    log = tmp_path / "log"
    place = ("qmp_shell.commands.sleep", "Sleep", "run")
    shell = start_faulty(*place, options=("-l", str(log)))
    shell.wait_for_prompt()
    shell.enter(".sleep 1")
    shell.wait_for(f"^{MESSAGE.replace('[', '.')}")
    shell.wait_for_prompt()
    assert "Traceback" not in shell.text
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')
    faults = [entry["fault"] for entry in map(json.loads, log.open()) if "fault" in entry]
    assert len(faults) == 1
    assert faults[0].startswith("Traceback")
    assert "KeyError" in faults[0]


@pytest.mark.parametrize(
    ("place", "works"),
    [
        (("qmp_shell.prompt.editor", "", "status_toolbar"), 3),  # the first prompt is drawn
        (("qmp_shell.prompt.completer", "SessionCompleter", "get_completions"), 0),
        (("qmp_shell.prompt.assistant", "Assistant", "read"), 3),
        (("qmp_shell.prompt.watcher", "VmWatcher", "_poll_and_report"), 0),
        (("qmp_shell.render.formatter", "Formatter", "event"), 0),
    ],
)
def test_a_fault_while_a_line_is_edited_does_not_end_the_session(
    start_faulty: StartFaulty, vm: RunningVm, place: tuple[str, ...], works: int
) -> None:
    shell = start_faulty(*place, works=works)
    shell.wait_for(r"^\(QEMU\)")
    vm.run("cont")
    shell.type("query-na")
    shell.wait_for("internal error: KeyError")
    shell.type("me\r")
    shell.wait_for('"name": "testvm"')
    assert "Traceback" not in shell.text
    assert "Unhandled" not in shell.text


def test_a_prompt_that_cannot_be_shown_ends(start_faulty: StartFaulty) -> None:
    shell = start_faulty("qmp_shell.prompt.editor", "Editor", "_start")
    assert shell.wait_for_end() == 70
    assert "Traceback" not in shell.text


def test_a_fault_in_a_script(vm: RunningVm, environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = subprocess.run(
        [
            *faulty("qmp_shell.commands.sleep", "Sleep", "run"),
            *(vm.address, "-l", str(log), "-c", ".sleep 1"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == f"qmp-shell: {MESSAGE}\n".replace("\\\\", "\\")
    assert "KeyError" in log.read_text()
