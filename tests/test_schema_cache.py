"""The schema of a VM on disk: read in place of asking the VM, and only if it is that VM's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from qmp_shell.vm.schema_cache import SchemaCache
from tests.conftest import Run, RunningVm, StartTableVm, StartVm

# "5" is a string for this argument, which only the schema tells.
TYPED = "set_link name=5 up=on"
NOT_FOUND = "DeviceNotFound: Device '5' not found"

AskedForSchema = Callable[..., bool]
Spoil = Callable[[Path], object]


@pytest.fixture
def cache_folder(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_CACHE_HOME"], "qmp-shell")


@pytest.fixture
def asks(quiet_vm: RunningVm, run: Run) -> AskedForSchema:
    """A function that runs a line whose word needs a type, and returns whether the VM was asked."""

    def asks(*options: str, **variables: str) -> bool:
        result = run(*options, "-l", "/dev/stderr", quiet_vm.address, "-c", TYPED, **variables)
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


def let_others_write(path: Path) -> None:
    path.chmod(0o666)


def link_elsewhere(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("spoil", [truncate, let_others_write, link_elsewhere, make_fifo])
def test_the_vm_is_asked_if_its_file_cannot_be_trusted(
    asks: AskedForSchema, cache_folder: Path, spoil: Spoil
) -> None:
    asks()
    path = only_file(cache_folder)
    content = path.read_bytes()
    spoil(path)
    assert asks()
    assert only_file(cache_folder).read_bytes() == content
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert not asks()


def test_a_file_that_is_no_schema_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    cache = SchemaCache(str(path))
    path.write_text('{"return": [{"meta-type": "command"}]}')
    assert cache.load() == {"return": [{"meta-type": "command"}]}
    for text in (
        *("", "[]", "null", "7", "[" * 100_000, '{"a":' * 100_000),
        *('{"return": "x"}', '{"return": []}', '{"return": [1, {}]}'),
    ):
        path.write_text(text)
        assert cache.load() is None, text[:20]


def test_a_folder_that_cannot_be_written_is_no_failure(
    asks: AskedForSchema, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for base in (str(tmp_path / "file"), "/proc"):
        assert asks(XDG_CACHE_HOME=base)


def test_a_relative_folder_is_not_used(asks: AskedForSchema, tmp_path: Path) -> None:
    assert asks(XDG_CACHE_HOME="cache", HOME=str(tmp_path))
    assert list((tmp_path / ".cache/qmp-shell").iterdir())


def test_the_oldest_files_are_removed_and_no_others(
    asks: AskedForSchema, cache_folder: Path
) -> None:
    cache_folder.mkdir(parents=True)
    names = [f"schema-{number:x}.json" for number in range(17)]
    kept = ["schema-5.json.77", "schema.json", "schema-a.sql", "other"]
    for number, name in enumerate([*names, *kept]):
        path = cache_folder / name
        path.touch()
        os.utime(path, (number, number))
    assert asks()
    left = {path.name for path in cache_folder.iterdir()}
    assert {*names[2:], *kept} < left
    assert len(left) == 16 + len(kept)
    assert not asks()


def test_a_folder_of_others_is_left_alone(
    asks: AskedForSchema, cache_folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cache_folder.parent.mkdir()
    cache_folder.symlink_to(elsewhere)
    assert asks()
    assert not list(elsewhere.iterdir())


def test_a_vm_with_another_schema_has_a_file_of_its_own(
    start_vm: StartVm, run: Run, cache_folder: Path
) -> None:
    # The program and its version are the same, but drive-backup, which is deprecated, is hidden.
    one, other = start_vm("-compat", "deprecated-output=hide"), start_vm()
    assert NOT_FOUND in run(one.address, "-c", TYPED).stderr
    line = "drive-backup device=5 target=x sync=full"
    assert "Cannot find device='5'" in run(other.address, "-c", line).stderr
    assert len(list(cache_folder.iterdir())) == 2


def test_nothing_is_kept_of_a_vm_that_ends_with_the_shell(
    qemu: str, run: Run, cache_folder: Path
) -> None:
    machine = (qemu, "-M", "none", "-display", "none")
    result = run("-c", TYPED, "--", *machine, program="main_wrap")
    assert NOT_FOUND in result.stderr
    assert not cache_folder.exists()


def test_nothing_is_kept_of_a_program_that_is_no_qemu(
    table_vm: StartTableVm, run: Run, cache_folder: Path
) -> None:
    vm = table_vm("9.0.0", {"query-qmp-schema": [], "set_link": {}})
    for _ in range(2):
        assert run(vm.address, "-c", TYPED).returncode == 0
    assert vm.asked["query-qmp-schema"] == 2
    assert not cache_folder.exists()
