"""The worked examples that the README shows, on real VMs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, RunningVm, StartVm, require_program

EXAMPLES = Path(__file__).parent / "scripts"


def image_tool(*arguments: str, folder: Path) -> str:
    """Run qemu-img in a directory, and return its output."""
    command = [require_program("qemu-img"), *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def make_disk(folder: Path, *names: str) -> None:
    """Images of 16 MiB; the first has something in it."""
    for name in names:
        image_tool("create", "-f", "qcow2", name, "16M", folder=folder)
    subprocess.run(
        [require_program("qemu-io"), "-c", "write -P 0x42 0 1M", names[0]],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def replies(run: Run, vm: RunningVm, name: str) -> list[Any]:
    result = run(vm.address, "-f", str(EXAMPLES / name))
    assert (result.stderr, result.returncode) == ("", 0)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hot_plug(vm: RunningVm, run: Run) -> None:
    assert replies(run, vm, "hot-plug.qmp") == [{"return": {}}] * 6
    with vm.second() as client:
        devices = client.execute("qom-list", path="/machine/peripheral")
    assert [each["name"] for each in devices] == ["type"]


def test_mirror(vm: RunningVm, run: Run) -> None:
    make_disk(vm.folder, "source.qcow2", "target.qcow2")
    replies(run, vm, "mirror.qmp")
    vm.shut_down()
    compared = image_tool("compare", "source.qcow2", "target.qcow2", folder=vm.folder)
    assert compared == "Images are identical.\n"


def test_backup(vm: RunningVm, run: Run) -> None:
    make_disk(vm.folder, "disk.qcow2", "full.qcow2")
    image_tool(
        *("create", "-f", "qcow2", "-b", "full.qcow2", "-F", "qcow2", "increment.qcow2"),
        folder=vm.folder,
    )
    result = run(vm.address, "-f", str(EXAMPLES / "backup.qmp"))
    assert (result.stderr, result.returncode) == ("", 0)
    vm.shut_down()
    compared = image_tool("compare", "disk.qcow2", "increment.qcow2", folder=vm.folder)
    assert compared == "Images are identical.\n"
    with pytest.raises(subprocess.CalledProcessError):  # the full one is older
        image_tool("compare", "disk.qcow2", "full.qcow2", folder=vm.folder)


def test_migrate(start_vm: StartVm, run: Run, environment: dict[str, str]) -> None:
    source = start_vm()
    # The same folder is the two QEMUs' working folder, so that both see migrate.sock.
    target = start_vm("-incoming", "defer", cwd=source.folder)
    incoming = subprocess.Popen(
        [sys.executable, "-m", "qmp_shell", target.address, "-f", str(EXAMPLES / "migrate-in.qmp")],
        env=environment,
        stdout=subprocess.PIPE,
    )
    with target.second() as client:  # until it listens there
        while not (source.folder / "migrate.sock").exists():
            next(client.events(timeout=0.02), None)
    replies(run, source, "migrate.qmp")
    assert incoming.wait(20) == 0
    assert incoming.stdout is not None
    assert incoming.stdout.read().count(b"return") == 2
    with target.second() as client:
        assert client.execute("query-status")["status"] == "running"
    with source.second() as client:
        assert client.execute("query-migrate")["status"] == "completed"


def test_snapshot(vm: RunningVm, run: Run) -> None:
    make_disk(vm.folder, "disk.qcow2")
    assert replies(run, vm, "snapshot.qmp")[-1]["return"]["status"] == "paused"
    vm.shut_down()
    assert "before" in image_tool("snapshot", "-l", "disk.qcow2", folder=vm.folder)


def test_dump(vm: RunningVm, run: Run) -> None:
    found = replies(run, vm, "dump.qmp")[-1]["return"]
    assert found["status"] == "completed"
    assert found["completed"] == found["total"] > 0
    assert (vm.folder / "memory.elf").read_bytes().startswith(b"\x7fELF")


def test_the_human_monitor(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-f", str(EXAMPLES / "human.qmp"))
    assert (result.stderr, result.returncode) == ("", 0)
    version, status, *_, last = result.stdout.splitlines()
    assert version[0].isdecimal()
    assert status == "VM status: paused (prelaunch)"
    assert json.loads(last)["return"]["status"] == "prelaunch"


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_examples_pass_the_check(path: Path, run: Run, schema_file: Path) -> None:
    result = run("--schema", str(schema_file), "-f", str(path))
    assert (result.stderr, result.returncode) == ("", 0)


def test_the_readme_shows_the_examples() -> None:
    readme = (EXAMPLES.parent.parent / "README.md").read_text()
    for path in EXAMPLES.iterdir():
        assert f"tests/scripts/{path.name}" in readme
