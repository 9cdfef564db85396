"""What the README says for people who know the classic shell: each line of its table, tried with
the ``qmp-shell`` of qemu.qmp and with this one, on a real VM.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PipedProcess, Run, RunningVm, create_image, shell_command
from tests.documents import README, table_below
from tests.terminal import Terminal

CLASSIC_SHELL = [sys.executable, "-m", "qemu.qmp.qmp_shell"]
ROWS = {
    "`blockdev-add driver=null-co node-name=n0 size=1G`",
    '`blockdev-add driver=null-co node-name="a5"`',
    "`... file.driver=file file.filename=a.img`",
    "`... capabilities.0.state=on`",
    "`... id=$x`, `... id=5`",
    r"`query-name \| jq .return`, `# a comment`",
    "wait for an event",
    "press Tab",
    "run a script in which a command fails",
    "attach to a monitor that is in use",
    "lose the VM",
}
"""What is compared here."""


def run_classic(
    vm: RunningVm, environment: dict[str, str], *lines: str
) -> subprocess.CompletedProcess[str]:
    """Run lines in the classic shell, which shows what it sends."""
    return subprocess.run(
        [*CLASSIC_SHELL, "-v", vm.address],
        env=environment,
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Environment variables with a temporary $HOME, where the classic shell keeps its history."""
    return environment | {"HOME": str(tmp_path)}


@pytest.fixture
def classic(vm: RunningVm, environment: dict[str, str]) -> Iterator[PipedProcess]:
    """The classic shell, attached to a VM."""
    process = PipedProcess(*CLASSIC_SHELL, vm.address, env=environment)
    assert process.read_line().startswith("Welcome")
    assert process.read_line().startswith("Connected to QEMU")
    assert process.read_line() == "\n"
    yield process
    process.kill()
    process.communicate()


def sent(run: Run, vm: RunningVm, line: str) -> Any:
    """The arguments that this shell sends, and that the VM takes."""
    dry = run("-n", vm.address, "-c", line)
    assert (dry.stderr, dry.returncode) == ("", 0)
    result = run(vm.address, "-c", line)
    assert (result.stderr, result.returncode) == ("", 0)
    return json.loads(dry.stdout)["arguments"]


def test_the_table_has_no_line_that_is_not_tried_here() -> None:
    assert {row[0] for row in table_below(README, "## Why not the classic shell")} == ROWS


def test_the_options_that_it_names_are_in_both(run: Run) -> None:
    classic = subprocess.run([*CLASSIC_SHELL, "--help"], capture_output=True, text=True, check=True)
    mine = run("--help").stdout
    for option in ("-H, --hmp", "-N, --skip-negotiation", "-v, --verbose", "-p, --pretty"):
        assert option in classic.stdout
        assert option in mine
    # Python 3.13 writes "-l, --logfile FILE", older ones "-l FILE, --logfile FILE".
    for shown in (classic.stdout, mine):
        assert re.search(r"^ +-l\b.* --logfile [A-Z]+\b", shown, re.MULTILINE)
    assert "`-H` and `-p`" in README


@pytest.mark.parametrize(
    ("line", "wrong", "right"),
    [
        (
            "blockdev-add driver=null-co node-name=n0 size=1G",
            {"size": "1G"},
            {"driver": "null-co", "node-name": "n0", "size": 1 << 30},
        ),
        (
            'blockdev-add driver=null-co node-name="a5"',
            {"driver": "null-co", "node-name": '"a5"'},
            {"driver": "null-co", "node-name": "a5"},
        ),
        (
            "blockdev-add driver=raw node-name=r0 file.driver=file file.filename=a.img",
            {"driver": "raw", "node-name": "r0", "file": {"driver": "file"}},
            {
                "driver": "raw",
                "node-name": "r0",
                "file": {"driver": "file", "filename": "a.img"},
            },
        ),
        (
            "migrate-set-capabilities capabilities.0.capability=events capabilities.0.state=on",
            {"capabilities": {"0": {"capability": "events"}}},
            {"capabilities": [{"capability": "events", "state": True}]},
        ),
    ],
    ids=["type", "quotes", "dotted", "list"],
)
def test_arguments(
    vm: RunningVm,
    run: Run,
    environment: dict[str, str],
    line: str,
    wrong: dict[str, Any],
    right: dict[str, Any],
) -> None:
    create_image(vm.folder / "a.img")
    shown = run_classic(vm, environment, line).stdout.splitlines()
    message = json.loads(next(each for each in shown if '"execute"' in each).partition(" ")[2])
    for key, value in wrong.items():
        found = message["arguments"][key]
        if isinstance(value, dict):  # what else it made of that is not the point
            assert found != right[key]
        else:
            assert found == value
    assert json.loads(next(each for each in shown if each.startswith('{"error"')))
    assert sent(run, vm, line) == right


def test_words(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    device = "device_add driver=virtio-rng-pci"
    shown = run_classic(vm, environment, f"{device} id=$x", f"{device} id=5").stdout
    assert '"id": "$x"' in shown
    assert re.search(r'"id": 5\b', shown)
    assert (
        json.loads(run("-n", vm.address, "-c", f"{device} id=5").stdout)["arguments"]["id"] == "5"
    )
    result = run(vm.address, "-c", "query-name | .let x", "-c", f"{device} id=$x.name")
    assert (result.stderr, result.returncode) == ("", 0)
    with vm.second() as client:
        found = client.execute("qom-list", path="/machine/peripheral")
    assert "testvm" in [each["name"] for each in found]


def test_pipelines_and_comments(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    for line in ("query-name | cat", "query-name # a comment"):
        assert "Error while parsing command line" in run_classic(vm, environment, line).stderr
        result = run(vm.address, "-c", line)
        assert (result.stdout, result.stderr) == ('{"return": {"name": "testvm"}}\n', "")


def test_events(vm: RunningVm, classic: PipedProcess) -> None:
    """In the classic shell one is there only after an empty line, whatever is typed before."""
    classic.write_line("query-name")
    assert "testvm" in classic.read_line()
    vm.run("cont")
    classic.write_line("query-name")
    assert "testvm" in classic.read_line()
    classic.write_line("query-name")
    assert "testvm" in classic.read_line()
    classic.write_line("")
    assert "RESUME" in classic.read_line()


def test_events_here(vm: RunningVm, shell: Terminal) -> None:
    vm.run("cont")
    shell.wait_for(r"^\d\d:\d\d:\d\d\.\d+ RESUME")


def test_tab(vm: RunningVm, shell: Terminal, environment: dict[str, str]) -> None:
    program = (
        "import sys; from qemu.qmp.qmp_shell import QMPShell; shell = QMPShell(sys.argv[1]);"
        "shell.connect(True); print(*shell._completer._matches); shell.close()"
    )
    command = [sys.executable, "-c", program, vm.second_address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    offered = done.stdout.split()
    with vm.second() as client:
        assert sorted(offered) == sorted(each["name"] for each in client.execute("query-commands"))
    shell.type("blockdev-mirror sy")
    shell.press("tab")
    shell.wait_for(r"blockdev-mirror sync=")
    shell.type("incr")
    shell.press("tab")
    shell.wait_for(r"blockdev-mirror sync=incremental")


def test_a_script_with_an_error(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    lines = ("device_del id=nonesuch", "query-name")
    classic = run_classic(vm, environment, *lines)
    assert "testvm" in classic.stdout
    assert classic.returncode == 0
    result = run(vm.address, stdin="\n".join(lines))
    assert "testvm" not in result.stdout
    assert result.returncode == 1


def test_a_busy_monitor(vm: RunningVm, run: Run, environment: dict[str, str]) -> None:
    with PipedProcess(*shell_command(), vm.address, env=environment) as holder:
        holder.write_line("query-name")
        assert "testvm" in holder.read_line()
        waiting = PipedProcess(*CLASSIC_SHELL, vm.address, env=environment)
        result = run(vm.address, "-c", "query-name")
        assert f"held by PID {holder.pid}" in result.stderr
        assert result.returncode == 3
        assert waiting.poll() is None
        waiting.kill()
        said, errors = waiting.communicate()
        assert b"Connected" not in said
        assert str(holder.pid).encode() not in said + errors
        assert holder.close_input() == 0


def test_a_lost_vm(vm: RunningVm, classic: PipedProcess) -> None:
    vm.close()
    classic.write_line("query-name")
    assert "Traceback" in classic.read_errors()
    assert classic.wait(20) == 1


def test_a_lost_vm_here(vm: RunningVm, shell: Terminal) -> None:
    vm.close()
    shell.wait_for(r"^QEMU \(process \d+\) has ended without a word")
    shell.wait_for_prompt()
    assert "Traceback" not in shell.text
