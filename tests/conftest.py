"""What the tests need: real VMs with two monitors each, and a real terminal."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

import qmp_shell
from qmp_shell.schema import Schema, parse_schema
from tests.peer import ScriptedPeer
from tests.terminal import Terminal

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")
# What the programs under test get of the user's environment. The last is set by coverage, when
# it measures subprocesses too.
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_CONFIG")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--qemu", default="qemu-system-x86_64", help="the QEMU to test against (an x86_64 one)"
    )


def need(program: str) -> str:
    """The path of a program that a test needs; see :func:`lack`."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return found or lack(program)


def lack(what: str) -> NoReturn:
    """Something that a test needs is not here: a failure in CI, a skip for a person without it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI has to have it")
    pytest.skip(f"{what} is missing")


class Fed(subprocess.Popen[bytes]):
    """A program that is fed through a pipe, line by line, while it runs."""

    def __init__(self, *command: str, env: dict[str, str]) -> None:
        super().__init__(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )

    def say(self, line: str) -> None:
        assert self.stdin is not None
        self.stdin.write(line.encode() + b"\n")
        self.stdin.flush()

    def hear(self) -> str:
        """The next line it prints."""
        assert self.stdout is not None
        return self.stdout.readline().decode()

    def end(self) -> int:
        """End its input; its exit status."""
        assert self.stdin is not None
        self.stdin.close()
        return self.wait(20)

    def complaints(self) -> str:
        """What it wrote to standard error, up to its end."""
        assert self.stderr is not None
        return self.stderr.read().decode()


class RunningVm:
    """A QEMU with no guest, stopped, and two monitors; the second is there to make events."""

    def __init__(
        self,
        qemu: str,
        folder: Path,
        *arguments: str,
        name: str = "testvm",
        descriptors: tuple[int, ...] = (),
        cwd: Path | None = None,
    ) -> None:
        """Start it.

        :param folder: where its monitors are.
        :param descriptors: that QEMU inherits.
        :param cwd: where its relative paths lead; None: to the same folder.
        """
        self.folder = cwd or folder
        self.address = str(folder / "qmp.sock")
        self.second_address = str(folder / "second.sock")
        self.process = subprocess.Popen(
            [
                *(qemu, "-M", "pc", "-m", "64", "-name", name, "-display", "none"),
                *("-nodefaults", "-S"),
                *("-qmp", f"unix:{self.address},server=on,wait=off"),
                *("-qmp", f"unix:{self.second_address},server=on,wait=off"),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            cwd=self.folder,
        )

    @contextlib.contextmanager
    def second(self) -> Iterator[qmp_shell.Client]:
        """A client on the second monitor."""
        with qmp_shell.connect(self.second_address, wait=20) as client:
            yield client

    def run(self, *commands: str) -> None:
        """Run commands without arguments on the second monitor."""
        with self.second() as client:
            for command in commands:
                client.execute(command)

    def shut_down(self) -> None:
        """End it in good order, its images written."""
        self.process.terminate()
        self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session", autouse=True)
def default_signals() -> Iterator[None]:
    """Let SIGINT and SIGHUP act in tests and their subprocesses, even if the suite ignores them.

    ``nohup`` and a script's ``&`` start a suite with these signals ignored. Subprocesses would
    inherit that, and tests that send such a signal would wait in vain. A handler, unlike "ignore",
    becomes the default action in a subprocess. The handler of SIGHUP does nothing, so that the
    suite itself still survives the end of its terminal.
    """
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: lambda *_: None}
    ignored = [number for number in handlers if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, handlers[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def qemu(request: pytest.FixtureRequest) -> str:
    """The QEMU to test against."""
    return need(str(request.config.getoption("--qemu")))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a UNIX socket."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def start_vm(qemu: str, folder: Path) -> Iterator[Callable[..., RunningVm]]:
    """Starts a VM with more arguments; it ends with the test."""
    started: list[RunningVm] = []

    def start(*arguments: str, name: str = "testvm", cwd: Path | None = None) -> RunningVm:
        place = folder / f"vm{len(started)}"
        place.mkdir()
        started.append(RunningVm(qemu, place, *arguments, name=name, cwd=cwd))
        with started[-1].second():
            return started[-1]

    yield start
    for vm in started:
        vm.close()


@pytest.fixture
def vm(start_vm: Callable[..., RunningVm]) -> RunningVm:
    """A VM."""
    return start_vm()


@pytest.fixture(scope="session")
def schema_file(qemu: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this QEMU's ``query-qmp-schema`` returns, saved."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as folder:
        vm = RunningVm(qemu, Path(folder))
        with contextlib.closing(vm), vm.second() as client:
            path = tmp_path_factory.mktemp("schema") / "schema.json"
            path.write_text(json.dumps(client.execute("query-qmp-schema")))
            return path


@pytest.fixture(scope="session")
def schema(schema_file: Path) -> Schema:
    """This QEMU's schema."""
    return parse_schema(schema_file.read_text())


@pytest.fixture
def peer(folder: Path) -> Iterator[Callable[..., ScriptedPeer]]:
    """Starts a scripted peer, for the faults that a real VM can't be made to show."""
    started: list[ScriptedPeer] = []

    def start(*steps: bytes) -> ScriptedPeer:
        started.append(ScriptedPeer(folder / f"peer{len(started)}.sock", *steps))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user's own is read or written."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PAGER": "cat",
    }


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs ``qmp-shell`` to its end, as a script does."""

    def run(
        *arguments: str, stdin: str | bytes = "", program: str = "cli.main", **more: str
    ) -> subprocess.CompletedProcess[str]:
        code = f"import sys; from qmp_shell.cli import main, main_wrap; sys.exit({program[4:]}())"
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            input=data,
            capture_output=True,
            timeout=60,
            env=environment | more,
            cwd=tmp_path,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


@pytest.fixture
def shell(vm: RunningVm, terminal: Callable[..., Terminal]) -> Terminal:
    """The shell on a VM, at its first prompt."""
    started = terminal(vm.address)
    started.wait_for_prompt()
    return started


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts ``qmp-shell`` in a terminal whose screen can be read."""
    started: list[Terminal] = []

    def start(*arguments: str, module: str = "qmp_shell", **settings: int) -> Terminal:
        code = ["-m", "qmp_shell"]
        if module == "wrap":
            code = ["-c", "import sys; from qmp_shell.cli import main_wrap; sys.exit(main_wrap())"]
        started.append(
            Terminal([sys.executable, *code, *arguments], environment, tmp_path, **settings)
        )
        return started[-1]

    yield start
    for each in started:
        each.end()
