"""VMs of the shell's own: qmp-shell-wrap and --demo, and that nothing of them is left."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from qmp_shell.language import ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.launch import demo
from qmp_shell.launch.qemu import start_vm
from tests.conftest import PipedProcess, Run, StartTerminal, require_program, shell_command

EMPTY = ("-M", "none", "-display", "none")


def pids_of(tag: str) -> list[int]:
    """The QEMUs that have a text in their command line and have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended since
            continue
        if tag.encode() in words and b"\0-qmp\0" in words and b"main_wrap" not in words:
            found.append(int(folder.name))
    return found


@pytest.fixture
def tag() -> str:
    """A name for a VM that no other on this machine has."""
    return f"vm-{uuid.uuid4()}"


def wait_for_end(tag: str) -> None:
    """Wait until no QEMU of that name runs any more."""
    for pid in pids_of(tag):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(descriptor, "rb") as handle:
            assert select.select([handle], [], [], 20)[0], f"QEMU {pid} still runs"


@pytest.fixture
def wrap(run: Run, qemu: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    def start(*options: str, arguments: tuple[str, ...] = EMPTY, **more: str) -> object:
        return run(*options, "--", qemu, *arguments, program="main_wrap", **more)

    return start  # type: ignore[return-value]


def test_wrap_runs_a_script(
    wrap: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, tag: str
) -> None:
    result = wrap("-c", "query-name", arguments=(*EMPTY, "-name", tag), TMPDIR=str(tmp_path))
    assert json.loads(result.stdout) == {"return": {"name": tag}}
    assert (result.stderr, result.returncode) == ("", 0)
    assert list(tmp_path.iterdir()) == []
    assert pids_of(tag) == []


def test_wrap_without_dashes_and_in_human_mode(run: Run, qemu: str) -> None:
    result = run("-H", "-c", "info name", qemu, *EMPTY, "-name", "w2", program="main_wrap")
    assert (result.stdout, result.stderr, result.returncode) == ("w2\n", "", 0)


def test_wrap_tells_what_qemu_says(wrap: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = wrap(arguments=("-nonesuch",))
    first, second = result.stderr.splitlines()
    assert "-nonesuch: invalid option" in first
    assert second.startswith("qmp-shell: ")
    assert second.endswith("ended with status 1, before its monitor was ready")
    assert (result.stdout, result.returncode) == ("", 3)


def test_wrap_of_what_is_not_there(run: Run) -> None:
    result = run("nonesuch", program="main_wrap")
    assert (result.stderr, result.returncode) == ("qmp-shell: nonesuch: no such program\n", 3)
    assert run(program="main_wrap").returncode == 2


def test_wrap_of_a_qemu_that_ends_first(
    wrap: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    result = wrap("-c", "quit", "-c", "query-name")
    assert result.stdout == '{"return": {}}\n'
    assert result.stderr == "qmp-shell: the VM closed the connection\n"
    assert result.returncode == 4


def test_wrap_of_a_qemu_that_goes_into_the_background(
    wrap: Callable[..., subprocess.CompletedProcess[str]], tag: str
) -> None:
    result = wrap("-c", "query-name", arguments=(*EMPTY, "-name", tag, "-daemonize"))
    assert json.loads(result.stdout) == {"return": {"name": tag}}
    assert result.returncode == 0
    wait_for_end(tag)


@pytest.mark.parametrize("name", ["a=b,c", "\u00e9" * 60, "d" * 90])
def test_wrap_with_an_odd_folder_for_temporary_files(
    wrap: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    result = wrap("-c", "query-name", arguments=(*EMPTY, "-name", "odd"), TMPDIR=str(folder))
    assert (result.stdout, result.stderr) == ('{"return": {"name": "odd"}}\n', "")


@pytest.mark.usefixtures("chosen_qemu")
def test_the_demo_without_standard_input(environment: dict[str, str]) -> None:
    result = subprocess.run(
        ["bash", "-c", '"$0" -m qmp_shell --demo -c query-name <&-', sys.executable],
        capture_output=True,
        env=environment,
        timeout=60,
        check=True,
    )
    assert (result.stdout, result.stderr) == (b'{"return": {"name": "demo"}}\n', b"")


def test_nohup_is_heeded(qemu: str, environment: dict[str, str], tag: str) -> None:
    command = ["nohup", *shell_command("main_wrap"), qemu, *EMPTY, "-name", tag]
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
def test_wrap_ends_its_qemu_however_it_ends(
    qemu: str,
    environment: dict[str, str],
    tmp_path: Path,
    tag: str,
    number: signal.Signals,
    status: int,
) -> None:
    command = [*shell_command("main_wrap"), qemu, *EMPTY, "-name", tag]
    with PipedProcess(*command, env=environment | {"TMPDIR": str(tmp_path)}) as shell:
        shell.write_line("query-name")
        assert json.loads(shell.read_line())["return"] == {"name": tag}
        assert len(pids_of(tag)) == 1
        shell.send_signal(number)
        assert shell.wait(20) == status
    wait_for_end(tag)
    assert list(tmp_path.iterdir()) == []


def test_wrap_at_a_terminal(terminal: StartTerminal, qemu: str, tag: str) -> None:
    trace = ("-trace", "handle_qmp_command")
    shell = terminal(qemu, *EMPTY, "-name", tag, *trace, program="main_wrap")
    shell.wait_for_prompt()
    assert shell.lines[0] != ""
    shell.type("query-na")
    shell.wait_for("query-na")
    shell.enter("me")
    shell.wait_for(r"handle_qmp_command .*query-name")
    shell.wait_for(f'"{tag}"')
    shell.wait_for_prompt()
    (pid,) = pids_of(tag)
    os.kill(pid, signal.SIGKILL)
    assert shell.wait_for_end() == 4
    assert "was ended by SIGKILL" in shell.text


def test_ctrl_c_is_not_for_qemu(terminal: StartTerminal, qemu: str, tag: str) -> None:
    shell = terminal(qemu, *EMPTY, "-name", tag, program="main_wrap")
    shell.wait_for_prompt()
    (pid,) = pids_of(tag)
    assert os.getpgid(pid) == pid
    shell.enter(".connect /other.sock")
    shell.wait_for("ends with its own VM")
    shell.wait_for_prompt()
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    wait_for_end(tag)


def test_quit_at_a_wrapped_terminal_ends_the_shell(terminal: StartTerminal, qemu: str) -> None:
    shell = terminal(qemu, *EMPTY, program="main_wrap")
    shell.wait_for_prompt()
    shell.enter("quit")
    shell.wait_for(r"quit ends the VM .*\[y/N\]$")
    shell.type("y\r")
    assert shell.wait_for_end() == 0
    assert shell.text.endswith(f"{Path(qemu).name} ended with status 0")


@pytest.fixture
def chosen_qemu(qemu: str, environment: dict[str, str], tmp_path: Path) -> None:
    """Have ``--demo`` find the QEMU that is tested against, and no other."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "qemu-system-x86_64").symlink_to(qemu)
    environment["PATH"] = f"{folder}:{environment['PATH']}"


@pytest.mark.usefixtures("chosen_qemu")
def test_the_demo(terminal: StartTerminal, environment: dict[str, str], tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    shell = terminal("--demo")
    shell.wait_for_prompt()
    assert shell.lines[0].startswith("demo, QEMU ")
    tried = [line.strip().split("   ")[0] for line in shell.lines[3:6]]
    assert len(tried) == 3
    for line in tried:
        shell.enter(line)
        shell.wait_for_prompt()
    assert '"error"' not in shell.text
    shell.wait_for("RESUME")
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    assert list(temporary.iterdir()) == []
    wait_for_end(str(temporary))


@pytest.mark.usefixtures("chosen_qemu")
def test_the_demos_disk_can_be_written(run: Run) -> None:
    result = run("--demo", "-c", "query-block", "-c", ".hmp qemu-io disk0 'write 0 64k'")
    (block,) = json.loads(result.stdout.splitlines()[0])["return"]
    assert block["inserted"]["node-name"] == "disk0"
    assert block["inserted"]["ro"] is False
    assert (result.stderr, result.returncode) == ("", 0)


def test_the_demo_without_any_qemu(run: Run, tmp_path: Path) -> None:
    result = run("--demo", PATH=str(tmp_path))
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.startswith("qmp-shell: no QEMU is installed here; install ")
    assert result.stderr.count("\n") == 1


INSTALLED = [
    target
    for target in demo._TARGETS
    if target.name == "x86_64" or shutil.which(f"qemu-system-{target.name}")
]


@pytest.mark.parametrize("target", INSTALLED, ids=lambda target: target.name)
def test_the_demo_of_each_architecture_that_is_installed(target: demo._Target) -> None:
    program = require_program(f"qemu-system-{target.name}")
    with tempfile.TemporaryFile() as disk:
        disk.truncate(1 << 20)
        command = [program, *demo._arguments(target, disk.fileno())]
        with start_vm(command, capture=False, descriptors=(disk.fileno(),)) as vm:
            client, _ = vm.connect(None, lambda *_: None)
            client.execute("cont")
            for line, _ in demo._tips(target):
                statement = StatementParser().parse(LineJoiner().add_raw_line(line))
                assert isinstance(statement, ExecuteStatement)
                assert not client.request(statement.message).is_error


@pytest.mark.parametrize(
    ("release", "advice"),
    [
        ({"ID": "debian"}, "apt install qemu-system-x86"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt install qemu-system-x86"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install qemu-kvm"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install qemu-x86"),
        ({"ID": "unheard-of"}, "install the package that holds qemu-system-x86_64"),
    ],
)
def test_the_package_to_install(
    release: dict[str, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    assert advice in demo._advice()
