"""The example scripts of the manual's cookbook, on real VMs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, RunningVm, StartVm, create_image, require_program, shell_command
from tests.documents import find_code

EXAMPLES = Path(__file__).parent / "scripts"


def run_image_tool(*arguments: str, folder: Path) -> str:
    """Run qemu-img in a directory, and return its output."""
    command = [require_program("qemu-img"), *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def create_disks(folder: Path, *names: str) -> None:
    """Create images of 16 MiB, and write 1 MiB of data to the first one."""
    for name in names:
        create_image(folder / name)
    subprocess.run(
        [require_program("qemu-io"), "-c", "write -P 0x42 0 1M", names[0]],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def run_example(run: Run, vm: RunningVm, name: str) -> list[Any]:
    """Run an example, which must succeed, and return the replies."""
    result = run(vm.address, "-f", str(EXAMPLES / name))
    assert (result.stderr, result.returncode) == ("", 0)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hot_plug_adds_and_removes_devices(vm: RunningVm, run: Run) -> None:
    assert run_example(run, vm, "hot-plug.qmp") == [{"return": {}}] * 6
    with vm.second() as client:
        devices = client.execute("qom-list", path="/machine/peripheral")
    assert [each["name"] for each in devices] == ["type"]


def test_mirror_makes_an_identical_image(vm: RunningVm, run: Run) -> None:
    create_disks(vm.folder, "source.qcow2", "target.qcow2")
    run_example(run, vm, "mirror.qmp")
    vm.shut_down()
    compared = run_image_tool("compare", "source.qcow2", "target.qcow2", folder=vm.folder)
    assert compared == "Images are identical.\n"


def test_backup_makes_a_full_and_an_incremental_image(vm: RunningVm, run: Run) -> None:
    create_disks(vm.folder, "disk.qcow2", "full.qcow2")
    run_image_tool(
        *("create", "-f", "qcow2", "-b", "full.qcow2", "-F", "qcow2", "increment.qcow2"),
        folder=vm.folder,
    )
    result = run(vm.address, "-f", str(EXAMPLES / "backup.qmp"))
    assert (result.stderr, result.returncode) == ("", 0)
    vm.shut_down()
    compared = run_image_tool("compare", "disk.qcow2", "increment.qcow2", folder=vm.folder)
    assert compared == "Images are identical.\n"
    with pytest.raises(subprocess.CalledProcessError):  # it is older than the increment
        run_image_tool("compare", "disk.qcow2", "full.qcow2", folder=vm.folder)


def test_migrate_moves_the_running_guest(
    start_vm: StartVm, run: Run, environment: dict[str, str]
) -> None:
    source = start_vm()
    # Both QEMUs have the same working directory, in which the example creates migrate.sock.
    target = start_vm("-incoming", "defer", cwd=source.folder)
    incoming = subprocess.Popen(
        [*shell_command(), target.address, "-f", str(EXAMPLES / "migrate-in.qmp")],
        env=environment,
        stdout=subprocess.PIPE,
    )
    with target.second() as client:  # wait until it listens
        while not (source.folder / "migrate.sock").exists():
            next(client.events(timeout=0.02), None)
    run_example(run, source, "migrate.qmp")
    assert incoming.wait(20) == 0
    assert incoming.stdout is not None
    assert incoming.stdout.read().count(b"return") == 2
    with target.second() as client:
        assert client.execute("query-status")["status"] == "running"
    with source.second() as client:
        assert client.execute("query-migrate")["status"] == "completed"


def test_snapshot_saves_and_loads_the_state(vm: RunningVm, run: Run) -> None:
    create_disks(vm.folder, "disk.qcow2")
    assert run_example(run, vm, "snapshot.qmp")[-1]["return"]["status"] == "paused"
    vm.shut_down()
    assert "before" in run_image_tool("snapshot", "-l", "disk.qcow2", folder=vm.folder)


def test_dump_writes_the_memory_as_an_elf_file(vm: RunningVm, run: Run) -> None:
    found = run_example(run, vm, "dump.qmp")[-1]["return"]
    assert found["status"] == "completed"
    assert found["completed"] == found["total"] > 0
    assert (vm.folder / "memory.elf").read_bytes().startswith(b"\x7fELF")


def test_human_prints_the_output_of_the_human_monitor(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-f", str(EXAMPLES / "human.qmp"))
    assert (result.stderr, result.returncode) == ("", 0)
    version, status, *_, last = result.stdout.splitlines()
    assert version[0].isdecimal()
    assert status == "VM status: paused (prelaunch)"
    assert json.loads(last)["return"]["status"] == "prelaunch"


def test_resize_makes_the_image_larger(vm: RunningVm, run: Run) -> None:
    create_disks(vm.folder, "disk.qcow2")
    assert run_example(run, vm, "resize.qmp") == [{"return": {}}] * 3
    vm.shut_down()
    assert "32 MiB (33554432 bytes)" in run_image_tool("info", "disk.qcow2", folder=vm.folder)


def test_medium_exchanges_an_image_and_takes_it_out(vm: RunningVm, run: Run) -> None:
    for name in ("first.iso", "second.iso"):
        (vm.folder / name).write_bytes(bytes(1 << 20))
    *_, query, _ = run_example(run, vm, "medium.qmp")
    [drive] = query["return"]
    assert drive["inserted"]["file"] == "second.iso"
    with vm.second() as client:
        [drive] = client.execute("query-block")
    assert "inserted" not in drive


def test_export_lets_other_programs_read_the_disk(vm: RunningVm, run: Run, tmp_path: Path) -> None:
    create_disks(vm.folder, "disk.qcow2")
    first, comment, second = (EXAMPLES / "export.qmp").read_text().partition("# Now: qemu-img ")
    command, _, rest = second.partition("\n")
    for name, text in (("first", first), ("second", rest)):
        (tmp_path / name).write_text(text)
    assert comment
    run_example(run, vm, str(tmp_path / "first"))
    run_image_tool(*command.split(), folder=vm.folder)
    run_example(run, vm, str(tmp_path / "second"))
    compared = run_image_tool("compare", "-U", "disk.qcow2", "copy.qcow2", folder=vm.folder)
    assert compared == "Images are identical.\n"
    with vm.second() as client:
        assert client.execute("query-block-exports") == []


def test_the_examples_pass_a_dry_run(run_here: Run, schema_file: Path) -> None:
    scripts = sorted(EXAMPLES.glob("*.qmp"))
    assert scripts
    for path in scripts:
        result = run_here("--schema", str(schema_file), "-f", str(path))
        assert (result.stderr, result.returncode) == ("", 0), path.name


def test_the_cookbook_has_each_example_and_no_other_script() -> None:
    scripts = [script for script in find_code("cookbook") if not script.startswith("qmp-shell ")]
    assert sorted(scripts) == sorted(path.read_text() for path in EXAMPLES.glob("*.qmp"))
