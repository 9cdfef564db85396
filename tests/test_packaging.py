"""What is built of the project: a source archive, a wheel, and a program in one file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import qmp_shell
from tests.conftest import NAME_REPLY, StartVm, require_program
from tests.terminal import Terminal

ROOT = Path(__file__).parents[1]
# What git would not have in a checkout, and the folders of those who work on it.
NOT_BUILT = (
    ".git",
    ".venv",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "build",
    "dist",
    "*.egg-info",
)
REPOSITORY = "https://github.com/qmp-shell/qmp-shell"
WHEEL = "qmp_shell-*.whl"
SHARED = {
    "bash-completion/completions/qmp-shell": "qmp-shell.bash",
    "bash-completion/completions/qmp-shell-wrap": "qmp-shell.bash",
    "zsh/site-functions/_qmp-shell": "_qmp-shell",
    "fish/vendor_completions.d/qmp-shell.fish": "qmp-shell.fish",
    "fish/vendor_completions.d/qmp-shell-wrap.fish": "qmp-shell.fish",
}


def build(source: Path, folder: Path, *targets: str, umask: int = -1) -> dict[str, bytes]:
    """Build in a folder of its own, and return the files by their names."""
    options = [option for target in targets for option in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *options]
    subprocess.run(command, cwd=source, check=True, capture_output=True, umask=umask)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def only(folder: Path, pattern: str) -> Path:
    """The only file in a folder that matches a pattern."""
    (path,) = folder.glob(pattern)
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source archive and the wheel, built from a copy of the checkout."""
    source = tmp_path_factory.mktemp("source") / "first"
    shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*NOT_BUILT))
    folder = tmp_path_factory.mktemp("built")
    build(source, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix in which the wheel is installed, without what it depends on."""
    prefix = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed"]
    command += ["--no-index", "--no-warn-script-location", "--prefix", str(prefix)]
    subprocess.run([*command, only(built, WHEEL)], check=True)
    return prefix


def test_the_same_is_built_from_the_source_archive_elsewhere_and_later(
    built: Path, tmp_path: Path
) -> None:
    subprocess.run(["tar", "-C", tmp_path, "-xf", only(built, "*.tar.gz")], check=True)
    source = only(tmp_path, "qmp_shell-*")
    for path in source.rglob("*"):
        os.utime(path, (10**9, 10**9), follow_symlinks=False)
    again = build(source, tmp_path / "again", "wheel", umask=0o077)
    assert again == {path.name: path.read_bytes() for path in built.glob(WHEEL)}


def test_the_source_archive_is_the_same_each_time(built: Path, tmp_path: Path) -> None:
    source = tmp_path / "second"
    shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*NOT_BUILT))
    for path in source.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (10**9, 10**9))
    again = build(source, tmp_path / "again", "sdist", umask=0o077)
    assert again == {path.name: path.read_bytes() for path in built.glob("*.tar.gz")}


def test_the_wheel_has_the_completion_scripts_and_the_licence(built: Path) -> None:
    with zipfile.ZipFile(only(built, WHEEL)) as wheel:
        files = {name.partition("/")[2]: wheel.read(name) for name in wheel.namelist()}
    for path, name in SHARED.items():
        assert files[f"data/share/{path}"] == (ROOT / "completions" / name).read_bytes()
        assert files[f"completions/{name}"] == (ROOT / "completions" / name).read_bytes()
    assert "data/share/man/man1/qmp-shell.1" in files
    assert files["licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_metadata_is_complete(built: Path) -> None:
    with zipfile.ZipFile(only(built, WHEEL)) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = Metadata.from_email(wheel.read(name), validate=True)
    assert metadata.license_expression == "MIT"
    assert metadata.description_content_type == "text/markdown"
    urls = metadata.project_urls or {}
    assert {"Homepage", "Documentation", "Repository", "Issues", "Changelog"} <= set(urls)
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    classifiers = metadata.classifiers or []
    for version in ("3.11", "3.12", "3.13", "3.14"):
        assert f"Programming Language :: Python :: {version}" in classifiers
    for topic in ("Development Status", "Intended Audience", "Operating System"):
        assert any(each.startswith(f"{topic} :: ") for each in classifiers)


# The installed wheel

SCRIPTS = {"bash": "qmp-shell.bash", "zsh": "_qmp-shell", "fish": "qmp-shell.fish"}


def environment(prefix: Path) -> dict[str, str]:
    (library,) = prefix.glob("lib/python*/site-packages")
    return {
        "PATH": f"{prefix / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(library),
        "HOME": str(prefix),
        "XDG_DATA_DIRS": str(prefix / "share"),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_installed_program_prints_its_completion(installed: Path, shell: str) -> None:
    command = [str(installed / "bin" / "qmp-shell"), "--print-completion", shell]
    output = subprocess.check_output(command, env=environment(installed), cwd="/")
    assert output == (ROOT / "completions" / SCRIPTS[shell]).read_bytes()


# How completion begins: with the files that are installed, and with what the program prints.
BEGINNINGS = {
    "bash": ("source /usr/share/bash-completion/bash_completion", 'eval "$({})"'),
    "zsh": (
        "fpath=($XDG_DATA_DIRS/zsh/site-functions $fpath); autoload -U compinit; compinit -D -u",
        'autoload -U compinit; compinit -D -u; eval "$({})"',
    ),
    "fish": ("true", "set fish_complete_path; {} | source"),
}
INTERACTIVE = {"bash": ["--noprofile", "--norc", "-i"], "zsh": ["-f", "-i"]}


PROGRAMS = ("qmp-shell", "qmp-shell-wrap")


def print_scripts(shell: str, beginning: str) -> str:
    """What is to be run so that a shell completes both programs."""
    commands = (f"{program} --print-completion {shell}" for program in PROGRAMS)
    return "; ".join(dict.fromkeys(beginning.format(command) for command in commands))


@pytest.mark.parametrize("way", ["installed", "printed"])
@pytest.mark.parametrize("shell", INTERACTIVE)
def test_each_shell_completes_what_is_installed(
    installed: Path, tmp_path: Path, shell: str, way: str
) -> None:
    """Nothing else is needed."""
    path = require_program(shell)
    child = Terminal([path, *INTERACTIVE[shell]], environment(installed), tmp_path)
    try:
        child.type(f"{print_scripts(shell, BEGINNINGS[shell][way == 'printed'])}; echo rea''dy\r")
        child.wait_for("^ready")
        for program in PROGRAMS:
            child.type(f"{program} --keep\t")
            child.wait_for(f"{program} --keep-going")
            child.type("\x15")
    finally:
        child.end()


def test_fish_completes_what_is_installed(installed: Path) -> None:
    path = require_program("fish")
    for beginning in BEGINNINGS["fish"]:
        lines = [f"complete -C '{program} --keep'" for program in PROGRAMS]
        script = "; ".join((print_scripts("fish", beginning), *lines))
        output = subprocess.check_output([path, "-c", script], env=environment(installed))
        found = [line.partition(b"\t")[0] for line in output.splitlines()]
        assert found == [b"--keep-going"] * 2, beginning


# One file


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs in one file each."""
    folder = tmp_path_factory.mktemp("archives")
    command = [ROOT / ".ci" / "zipapp", folder]
    subprocess.run(command, env=os.environ | {"PYTHON": sys.executable}, check=True)
    return folder


def bare_python(program: Path) -> list[str]:
    """The command of a program, for a Python that finds no package."""
    return [os.path.realpath(sys.executable), "-I", "-S", str(program)]


def test_the_archive_needs_nothing_but_python(
    archives: Path, start_vm: StartVm, tmp_path: Path
) -> None:
    vm, other = start_vm(), start_vm(name="other")
    for address in (vm.second_address, other.second_address):
        qmp_shell.connect(address, wait=20).close()

    def run(*arguments: str, program: str = "qmp-shell") -> subprocess.CompletedProcess[str]:
        command = [*bare_python(archives / f"{program}.pyz"), *arguments]
        return subprocess.run(
            command, env={}, cwd=tmp_path, text=True, capture_output=True, check=False
        )

    assert run("--version").stdout == f"qmp-shell {qmp_shell.__version__}\n"
    assert run(vm.address, "query-name").stdout == NAME_REPLY
    assert run(vm.address, "no-such-command").returncode == 1
    assert run("-c", "query-name", vm.address, other.address).stdout.count('"name"') == 2
    assert "testvm" in run(vm.address, "--view=table", "--color=always", "query-name").stdout
    assert run("--print-completion", "bash").stdout.startswith("# Completion of qmp-shell")
    answer = run("--complete", f"./qmp-shell.pyz {vm.address} query-nam").stdout
    assert "\nquery-name\t" in answer
    failed = run("-x", program="qmp-shell-wrap")
    assert failed.stderr.startswith("qmp-shell-wrap: ")
    started = run("-c", "query-name", "--", *vm_command(), program="qmp-shell-wrap")
    assert started.stdout == '{"return": {}}\n'


def vm_command() -> list[str]:
    return [require_program("qemu-system-x86_64"), "-S", "-display", "none", "-nodefaults"]


def test_the_archive_has_a_prompt_and_a_demo(archives: Path, tmp_path: Path) -> None:
    size = {"columns": 80, "rows": 24}
    variables = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": str(tmp_path)}
    variables["PATH"] = os.environ["PATH"]
    shell = Terminal(
        [*bare_python(archives / "qmp-shell.pyz"), "--demo"], variables, tmp_path, **size
    )
    try:
        shell.wait_for_prompt()
        shell.type("device_add driver=virtio-rng-p")
        shell.wait_for("virtio-rng-pci")
        shell.interrupt()
        shell.wait_for_prompt()
        shell.enter("query-name | .table")
        shell.wait_for_prompt()
        shell.enter(".exit")
        assert shell.wait_for_end() == 0
    finally:
        shell.end()


def test_the_archive_can_be_run_as_a_program(archives: Path) -> None:
    program = archives / "qmp-shell.pyz"
    assert program.stat().st_mode & 0o555 == 0o555
    assert program.read_bytes().startswith(b"#!/usr/bin/env python3\n")
