"""The schema of a VM on disk: read in place of asking the VM, and only if it is that VM's."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run, RunningVm, StartTableVm

# "5" is a string for this argument, which only the schema tells.
TYPED = "set_link name=5 up=on"
NOT_FOUND = "DeviceNotFound: Device '5' not found"

AskedForSchema = Callable[..., bool]


@pytest.fixture
def cache_folder(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_CACHE_HOME"], "qmp-shell")


@pytest.fixture
def asks(vm: RunningVm, run: Run) -> AskedForSchema:
    """A function that runs a line whose word needs a type, and returns whether the VM was asked."""

    def asks(*options: str, **variables: str) -> bool:
        result = run(*options, "-l", "/dev/stderr", vm.address, "-c", TYPED, **variables)
        assert result.returncode == 1
        assert NOT_FOUND in result.stderr
        return '"execute": "query-qmp-schema"' in result.stderr

    return asks


def only_file(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


def test_the_second_script_reads_the_schema_from_the_disk(
    asks: AskedForSchema, cache_folder: Path
) -> None:
    assert asks()
    path = only_file(cache_folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache_folder.stat().st_mode) == 0o700
    before = path.stat().st_mtime_ns
    assert not asks()
    assert path.stat().st_mtime_ns == before


def test_an_option_leaves_the_disk_alone(asks: AskedForSchema, cache_folder: Path) -> None:
    assert asks("--no-cache")
    assert not cache_folder.exists()
    asks()
    assert asks("--no-cache")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def change_version(path: Path) -> None:
    content = json.loads(path.read_text())
    content["version"]["qemu"]["major"] += 1
    path.write_text(json.dumps(content))


def leave_no_list(path: Path) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"version": content["version"], "reply": {"return": "x"}}))


def let_others_write(path: Path) -> None:
    path.chmod(0o666)


def link_elsewhere(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [truncate, change_version, leave_no_list, let_others_write, link_elsewhere, make_fifo],
)
def test_the_vm_is_asked_if_its_file_cannot_be_trusted(
    asks: AskedForSchema, cache_folder: Path, spoil: Callable[[Path], None]
) -> None:
    asks()
    path = only_file(cache_folder)
    content = path.read_bytes()
    spoil(path)
    assert asks()
    assert only_file(cache_folder).read_bytes() == content
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert not asks()


def test_a_folder_that_cannot_be_written_is_no_failure(
    asks: AskedForSchema, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for base in (str(tmp_path / "file"), "/proc", "relative"):
        assert asks(XDG_CACHE_HOME=base)
    assert not (tmp_path / "relative").exists()


def test_the_oldest_files_are_removed(asks: AskedForSchema, cache_folder: Path) -> None:
    cache_folder.mkdir(parents=True)
    for number in range(9):
        path = cache_folder / f"schema-{number}.json"
        path.touch()
        os.utime(path, (number, number))
    (cache_folder / "other").touch()
    assert asks()
    left = {path.name for path in cache_folder.iterdir()}
    assert {"other", *(f"schema-{number}.json" for number in range(2, 9))} < left
    assert len(left) == 1 + 8
    assert not asks()


def test_nothing_is_kept_of_a_program_that_is_no_qemu(
    table_vm: StartTableVm, run: Run, cache_folder: Path
) -> None:
    vm = table_vm("9.0.0", {"query-qmp-schema": [], "set_link": {}})
    for _ in range(2):
        assert run(vm.address, "-c", TYPED).returncode == 0
    assert vm.asked["query-qmp-schema"] == 2
    assert not cache_folder.exists()
