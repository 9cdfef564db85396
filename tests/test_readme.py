"""The README: what it says of the shell is so, and it stays short."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qmp_shell.documentation import TOPICS
from tests import picture
from tests.conftest import Run, RunningVm, create_image
from tests.documents import PROJECT, README, ROOT, code_below

MOST_LINES = 150
WIDEST = 140  # columns
REPOSITORY = PROJECT["project"]["urls"]["Repository"].removesuffix(".git")


def test_it_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= MOST_LINES
    prose = [line for line in lines if "](https://" not in line]
    assert max(map(len, prose)) <= WIDEST


def test_its_links_work_on_any_page_and_lead_to_files() -> None:
    """PyPI shows the README, too, and relative links do not work there."""
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > len(TOPICS)
    assert [link for link in links if not link.startswith("https://")] == []
    raw = REPOSITORY.replace("github.com", "raw.githubusercontent.com")
    paths = [
        link.removeprefix(prefix)
        for link in links
        for prefix in (f"{REPOSITORY}/blob/main/", f"{raw}/main/")
        if link.startswith(prefix)
    ]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert {f"qmp_shell/documentation/{topic}.rst" for topic in TOPICS} <= set(paths)


def test_its_dependencies_are_those_of_the_project() -> None:
    named = re.findall(r"^- .*?\[(\w+)\]\(https://", README.partition("made of")[2], re.MULTILINE)
    required = [re.split(r"\W", each)[0] for each in PROJECT["project"]["dependencies"]]
    assert sorted(named) == sorted(required)
    assert "libvirt-python" in README


def test_the_picture_shows_what_the_shell_shows(qemu: str) -> None:
    version = subprocess.check_output([qemu, "--version"], text=True)
    if f"version {picture.QEMU}." not in version:
        pytest.skip(f"the picture is of QEMU {picture.QEMU}")
    is_same = picture.make_picture(qemu) == picture.PATH.read_text(encoding="utf-8")
    assert is_same, "look at it, and make it again: .venv/bin/python -m tests.picture"


def test_it_clones_the_repository_of_the_project() -> None:
    assert f"git clone {REPOSITORY} " in README


def test_each_line_of_the_tour_works(vm: RunningVm, run: Run) -> None:
    [tour] = code_below(README, "## A tour in ten lines")
    first, *lines = tour.splitlines()
    assert first == "$ qmp-shell /tmp/vm.sock"
    assert len(lines) <= 10
    assert all(len(line) <= 110 for line in lines)
    with vm.second() as client:
        for name in ("d0", "d1"):
            create_image(vm.folder / name)
            file = {"driver": "file", "filename": str(vm.folder / name)}
            client.execute("blockdev-add", **{"driver": "qcow2", "node-name": name, "file": file})
        client.execute("device_add", driver="virtio-blk-pci", id="disk0", drive="d0")
    script = "\n".join(line.removeprefix("(QEMU) ") for line in lines)
    saved = ".save setup.qmp"
    assert saved in script
    # What was typed is known at a prompt only; tests/test_transcript.py saves it.
    result = run(vm.address, stdin=script.replace(saved, "#"))
    assert (result.stderr, result.returncode) == ("", 0)
    for shown in (
        "Machine",
        "node-name  ",
        "blockdev-mirror: a command",
        "job m0",
        "cont starts it",
    ):
        assert shown in result.stdout


def test_its_python_works(vm: RunningVm) -> None:
    [code] = [each for each in code_below(README, "## Three ways to use it") if "import" in each]
    ast.parse(code)
    code = code.replace("/tmp/vm.sock", vm.address)
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "prelaunch\n"


def test_its_command_lines_work(vm: RunningVm, run: Run, tmp_path: Path) -> None:
    """But for QEMU's own: those of tests/test_launch.py start one."""
    [code] = [each for each in code_below(README, "## Three ways to use it") if "| jq" in each]
    lines = [part for line in code.splitlines() for part in re.split(r" && | \| ", line)]
    script = tmp_path / "setup.qmp"
    script.write_text("cont\n")
    ours = [line.split() for line in lines if line.startswith("qmp-shell ")]
    assert len(ours) == 3
    for _, address, *words in ours:
        assert address == "/tmp/vm.sock"
        arguments = [str(script) if word == "setup.qmp" else word for word in words]
        result = run(vm.address, *arguments)
        assert (result.stderr, result.returncode) == ("", 0)
