"""The VMs that the shell starts itself, by qmp-shell-wrap and --demo, and their end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import (
    PipedProcess,
    Run,
    StartTerminal,
    lack,
    shell_command,
)

# Options of a QEMU that starts fast.
NO_MACHINE = ("-M", "none", "-display", "none")

RunWrap = Callable[..., subprocess.CompletedProcess[str]]


def find_qemus(tag: str) -> list[int]:
    """Return the process ids of the running QEMUs whose command line contains a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:  # the process has ended in the meantime
            continue
        if tag.encode() in command and b"\0-qmp\0" in command and b"main_wrap" not in command:
            found.append(int(folder.name))
    return found


@pytest.fixture
def tag() -> str:
    """A VM name that is unique on this machine."""
    return f"vm-{uuid.uuid4()}"


def wait_for_end_of_qemus(tag: str) -> None:
    """Wait until all QEMUs whose command line contains a text have ended."""
    for pid in find_qemus(tag):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(descriptor, "rb") as handle:
            assert select.select([handle], [], [], 20)[0], f"QEMU {pid} is still running"


@pytest.fixture
def run_wrap(run: Run, qemu: str) -> RunWrap:
    """A function that runs ``qmp-shell-wrap OPTIONS -- QEMU ARGUMENTS`` and returns its result."""

    def run_wrap(
        *options: str, arguments: tuple[str, ...] = NO_MACHINE, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return run(*options, "--", qemu, *arguments, program="main_wrap", **variables)

    return run_wrap


def test_wrap_runs_a_script_and_ends_qemu(run_wrap: RunWrap, tmp_path: Path, tag: str) -> None:
    result = run_wrap(
        "-c", "query-name", arguments=(*NO_MACHINE, "-name", tag), TMPDIR=str(tmp_path)
    )
    assert json.loads(result.stdout) == {"return": {"name": tag}}
    assert (result.stderr, result.returncode) == ("", 0)
    assert list(tmp_path.iterdir()) == []
    assert find_qemus(tag) == []


def test_wrap_accepts_the_qemu_command_without_two_dashes_before_it(run: Run, qemu: str) -> None:
    result = run("-H", "-c", "info name", qemu, *NO_MACHINE, "-name", "w2", program="main_wrap")
    assert (result.stdout, result.stderr, result.returncode) == ("w2\n", "", 0)


def test_wrap_reports_an_error_of_qemu_with_status_3(run_wrap: RunWrap) -> None:
    result = run_wrap(arguments=("-nonesuch",))
    first, second = result.stderr.splitlines()
    assert "-nonesuch: invalid option" in first
    assert second.startswith("qmp-shell: ")
    assert second.endswith("ended with status 1, before its monitor was ready")
    assert (result.stdout, result.returncode) == ("", 3)


def test_wrap_reports_a_program_that_does_not_exist_with_status_3(run: Run) -> None:
    result = run("nonesuch", program="main_wrap")
    assert (result.stderr, result.returncode) == ("qmp-shell: nonesuch: no such program\n", 3)


def test_wrap_calls_itself_by_its_own_name(environment: dict[str, str]) -> None:
    program = Path(sys.executable).parent / "qmp-shell-wrap"
    if not program.exists():
        lack(f"{program} (pip install -e .)")
    for arguments in (["/nonesuch"], ["-c", "quer", "/nonesuch"], ["-f", "/nonesuch", "/nonesuch"]):
        result = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert result.stderr.startswith("qmp-shell-wrap: /nonesuch")


def test_wrap_without_a_command_is_a_usage_error(run: Run) -> None:
    result = run(program="main_wrap")
    assert "QEMU" in result.stderr
    assert result.returncode == 2


def test_wrap_reports_a_qemu_that_ends_before_the_script_with_status_4(
    run_wrap: RunWrap,
) -> None:
    result = run_wrap("-c", "quit", "-c", "query-name")
    assert result.stdout == '{"return": {}}\n'
    assert result.stderr == "qmp-shell: -c 2: the VM closed the connection\n"
    assert result.returncode == 4


def test_wrap_connects_to_a_qemu_that_daemonizes(run_wrap: RunWrap, tag: str) -> None:
    result = run_wrap("-c", "query-name", arguments=(*NO_MACHINE, "-name", tag, "-daemonize"))
    assert json.loads(result.stdout) == {"return": {"name": tag}}
    assert result.returncode == 0
    wait_for_end_of_qemus(tag)


@pytest.mark.parametrize("name", ["a=b,c", "\u00e9" * 60, "d" * 90])
def test_wrap_works_with_any_path_of_the_temporary_directory(
    run_wrap: RunWrap, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    result = run_wrap(
        "-c", "query-name", arguments=(*NO_MACHINE, "-name", "vm0"), TMPDIR=str(folder)
    )
    assert (result.stdout, result.stderr) == ('{"return": {"name": "vm0"}}\n', "")


def test_wrap_survives_sighup_under_nohup(qemu: str, environment: dict[str, str], tag: str) -> None:
    command = ["nohup", *shell_command("main_wrap"), qemu, *NO_MACHINE, "-name", tag]
    with PipedProcess(*command, env=environment) as shell:
        for _ in range(2):
            shell.write_line("query-name")
            assert json.loads(shell.read_line())["return"] == {"name": tag}
            shell.send_signal(signal.SIGHUP)
        assert shell.close_input() == 0


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_qemu_ends_when_a_signal_ends_wrap(
    qemu: str,
    environment: dict[str, str],
    tmp_path: Path,
    tag: str,
    number: signal.Signals,
    status: int,
) -> None:
    command = [*shell_command("main_wrap"), qemu, *NO_MACHINE, "-name", tag]
    with PipedProcess(*command, env=environment | {"TMPDIR": str(tmp_path)}) as shell:
        shell.write_line("query-name")
        assert json.loads(shell.read_line())["return"] == {"name": tag}
        assert len(find_qemus(tag)) == 1
        shell.send_signal(number)
        assert shell.wait(20) == status
    wait_for_end_of_qemus(tag)
    assert list(tmp_path.iterdir()) == []


def test_wrap_at_a_terminal_shows_qemus_output_and_ends_with_status_4_when_qemu_is_killed(
    terminal: StartTerminal, qemu: str, tag: str
) -> None:
    trace = ("-trace", "handle_qmp_command")
    shell = terminal(qemu, *NO_MACHINE, "-name", tag, *trace, program="main_wrap")
    shell.wait_for_prompt()
    assert "handle_qmp_command" in shell.text
    assert shell.lines[0].strip(), "no blank row is printed above QEMU's output"
    shell.type("query-na")
    shell.wait_for("query-na")
    shell.enter("me")
    shell.wait_for(r"handle_qmp_command .*query-name")
    shell.wait_for(f'"{tag}"')
    shell.wait_for_prompt()
    (pid,) = find_qemus(tag)
    os.kill(pid, signal.SIGKILL)
    assert shell.wait_for_end() == 4
    assert "was ended by SIGKILL" in shell.text


def test_qemu_has_its_own_process_group_and_ends_with_the_shell(
    terminal: StartTerminal, qemu: str, tag: str
) -> None:
    shell = terminal(qemu, *NO_MACHINE, "-name", tag, program="main_wrap")
    shell.wait_for_prompt()
    (pid,) = find_qemus(tag)
    assert os.getpgid(pid) == pid
    shell.enter(".connect /other.sock")
    shell.wait_for("ends with its own VM")
    shell.wait_for_prompt()
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    wait_for_end_of_qemus(tag)


def test_quit_in_wrap_ends_the_shell_with_qemu(terminal: StartTerminal, qemu: str) -> None:
    shell = terminal(qemu, *NO_MACHINE, program="main_wrap")
    shell.wait_for_prompt()
    shell.enter("quit")
    shell.wait_for(r"quit ends the VM .*\[y/N\]$")
    shell.type("y\r")
    assert shell.wait_for_end() == 0
    assert shell.text.endswith(f"{Path(qemu).name} ended with status 0")
