"""Fixtures: real VMs with two monitors each, the shell as a process, and pseudo-terminals."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

import hypothesis
import pytest

import qmp_shell
from qmp_shell import cli
from qmp_shell.launch.qemu import OwnVm
from qmp_shell.schema import Schema, parse_schema
from qmp_shell.vm.types import VmTypes
from tests.peer import ScriptedPeer
from tests.ports import reserved_port
from tests.sessions import offline_types
from tests.ssh_server import SshServer
from tests.table_vm import SchemaEditor, TableVm
from tests.terminal import Terminal

# A deadline for each example would make tests fail on a busy machine.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")
# The reply to ``query-name`` that the shell prints as a script, for a VM with the default name.
NAME_REPLY = '{"return": {"name": "testvm"}}\n'

# The variables of the user's environment that the programs under test inherit. Coverage sets the
# last one, to measure subprocesses too.
_INHERITED_VARIABLES = ("PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_CONFIG")

# What tells whether a test has changed a VM: commands of QEMU, and places in its object tree.
_STATE = ("status", "name", "named-block-nodes", "jobs", "fdsets", "migrate")
_OBJECTS = ("/objects", "/machine/peripheral", "/machine/peripheral-anon")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--qemu", default="qemu-system-x86_64", help="the QEMU to test against (an x86_64 one)"
    )


def require_program(name: str) -> str:
    """Return the path of a program that a test needs, or end the test with :func:`lack`."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return path or lack(name)


def lack(requirement: str) -> NoReturn:
    """End a test because something that it needs is not installed.

    The test is skipped on a contributor's machine, and fails in CI, where everything must be
    installed.
    """
    if os.environ.get("CI"):
        pytest.fail(f"{requirement} is missing, but CI must run all tests")
    pytest.skip(f"{requirement} is missing")


def shell_command(program: str = "main") -> list[str]:
    """Return the command that runs ``qmp-shell`` (``"main"``) or ``qmp-shell-wrap``."""
    if program == "main":
        return [sys.executable, "-m", "qmp_shell"]
    return [
        sys.executable,
        "-c",
        f"import sys, qmp_shell.start; sys.exit(qmp_shell.start.{program}())",
    ]


def create_image(path: Path, size: str = "16M", *, backing: Path | None = None) -> None:
    """Create an empty qcow2 image.

    :param backing: another one, which it has as its backing file.
    """
    image_tool = require_program("qemu-img")
    below: list[str | Path] = ["-b", backing, "-F", "qcow2"] if backing is not None else []
    subprocess.run([image_tool, "create", "-q", "-f", "qcow2", *below, path, size], check=True)


def create_image_snapshot(path: Path, tag: str) -> None:
    """Create an internal snapshot in a qcow2 image."""
    subprocess.run([require_program("qemu-img"), "snapshot", "-c", tag, path], check=True)


class PipedProcess(subprocess.Popen[bytes]):
    """A program whose standard streams are pipes, and whose input is written while it runs."""

    def __init__(
        self,
        *command: str,
        env: dict[str, str],
        stderr: int | BinaryIO = subprocess.PIPE,
    ) -> None:
        super().__init__(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=env
        )

    def write_line(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.stdin is not None
        self.stdin.write(line.encode() + b"\n")
        self.stdin.flush()

    def read_line(self) -> str:
        """Wait for the next line of its standard output, and return it with its newline."""
        assert self.stdout is not None
        return self.stdout.readline().decode()

    def close_input(self) -> int:
        """Close its standard input, wait until it has ended, and return its exit status."""
        assert self.stdin is not None
        self.stdin.close()
        return self.wait(20)

    def read_errors(self) -> str:
        """Return everything that it writes to standard error until it ends."""
        assert self.stderr is not None
        return self.stderr.read().decode()


class RunningVm:
    """A QEMU process whose guest is stopped and has no disk, with two QMP monitors.

    The shell under test uses the first monitor. Tests use the second one, for example to cause
    events.
    """

    def __init__(
        self,
        qemu: str,
        folder: Path,
        *arguments: str,
        name: str = "testvm",
        descriptors: tuple[int, ...] = (),
        cwd: Path | None = None,
    ) -> None:
        """Start QEMU, without waiting until its monitors can be connected to.

        :param folder: the directory of its monitors' sockets.
        :param arguments: more options of QEMU.
        :param descriptors: file descriptors that QEMU inherits.
        :param cwd: QEMU's working directory; None: ``folder``.
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
        """Connect a client to the second monitor."""
        with qmp_shell.connect(self.second_address, wait=20, greeting_timeout=20) as client:
            yield client

    def run(self, *commands: str) -> None:
        """Execute commands without arguments on the second monitor."""
        with self.second() as client:
            for command in commands:
                client.execute(command)

    def add_nodes(self, *names: str, size: int = 1 << 30) -> None:
        """Add block nodes that discard what is written."""
        with self.second() as client:
            for name in names:
                client.execute("blockdev-add", driver="null-co", size=size, **{"node-name": name})

    def start_mirror(self, speed: int) -> None:
        """Add the block nodes a and b, of 1 GiB, and mirror a to b in the job job0.

        :param speed: bytes per second.
        """
        self.add_nodes("a", "b")
        job = {"job-id": "job0", "device": "a", "target": "b", "sync": "full", "speed": speed}
        with self.second() as client:
            client.execute("blockdev-mirror", **job)

    def state(self) -> list[object]:
        """What commands of the tests may have changed."""
        with self.second() as client:
            return [
                *(client.execute(f"query-{name}") for name in _STATE),
                [device["label"] for device in client.execute("query-chardev")],
                *(client.execute("qom-list", path=path) for path in _OBJECTS),
            ]

    def shut_down(self) -> None:
        """Have QEMU quit, so that its images are completely written, and wait for its end."""
        self.process.terminate()
        self.process.wait(20)

    def close(self) -> None:
        """Kill QEMU."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def own_vm(
    command: Sequence[str],
    *,
    capture: bool = True,
    descriptors: tuple[int, ...] = (),
    prepare: Callable[[qmp_shell.Client], None] = lambda _: None,
) -> Iterator[OwnVm]:
    """Run a VM of the shell's own for a ``with`` block; see ``qmp_shell.launch.qemu``."""
    vm = OwnVm(list(command), capture=capture, descriptors=descriptors, prepare=prepare)
    try:
        yield vm
    finally:
        vm.stop()


Run = Callable[..., subprocess.CompletedProcess[str]]
StartVm = Callable[..., RunningVm]
StartPeer = Callable[..., ScriptedPeer]
StartTableVm = Callable[..., TableVm]
StartTerminal = Callable[..., Terminal]


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


@pytest.fixture(scope="session", autouse=True)
def no_user_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have what is tested in this process read and write no file of the user."""
    with pytest.MonkeyPatch.context() as patch:
        for name, path in _user_folders(tmp_path_factory.mktemp("user")).items():
            patch.setenv(name, path)
        yield


@pytest.fixture(scope="session")
def qemu(request: pytest.FixtureRequest) -> str:
    """The path of the QEMU to test against."""
    return require_program(str(request.config.getoption("--qemu")))


@pytest.fixture
def port() -> Iterator[int]:
    """A reserved TCP port, for a server that the test starts."""
    with reserved_port() as number:
        yield number


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary directory whose path is short enough for UNIX sockets."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def start_vm(qemu: str, folder: Path) -> Iterator[StartVm]:
    """A function that starts a VM with more QEMU options; the VM ends with the test."""
    started: list[RunningVm] = []

    def start(*arguments: str, name: str = "testvm", cwd: Path | None = None) -> RunningVm:
        sockets = folder / f"vm{len(started)}"
        sockets.mkdir()
        started.append(RunningVm(qemu, sockets, *arguments, name=name, cwd=cwd))
        with started[-1].second():
            return started[-1]

    yield start
    for vm in started:
        vm.close()


@pytest.fixture
def vm(start_vm: StartVm) -> RunningVm:
    """A VM for one test."""
    return start_vm()


@pytest.fixture(scope="module")
def shared_vm(qemu: str) -> Iterator[RunningVm]:
    """The VM that is :func:`quiet_vm` for all tests of a module."""
    with (
        tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as folder,
        contextlib.closing(RunningVm(qemu, Path(folder))) as vm,
    ):
        vm.state()  # it has started
        yield vm


@pytest.fixture
def quiet_vm(shared_vm: RunningVm) -> Iterator[RunningVm]:
    """A VM for a test that changes nothing in it. Other tests have used it before."""
    assert shared_vm.process.poll() is None, "a test before this one needs a VM of its own: vm"
    before = shared_vm.state()
    yield shared_vm
    assert shared_vm.state() == before, "this test needs a VM of its own: vm"


@pytest.fixture
def guest_agent(folder: Path) -> Iterator[Path]:
    """The socket of a guest agent (qemu-ga), which may not be listening yet."""
    path = folder / "agent.sock"
    agent = subprocess.Popen(
        [
            *(require_program("qemu-ga"), "-m", "unix-listen", "-p", str(path)),
            *("-t", str(folder), "-f", str(folder / "pid")),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield path
    agent.kill()  # a SIGTERM that comes while it starts is lost
    agent.wait()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """An SSH server, and a client that has a configuration for it."""
    require_program("ssh")
    if not os.path.exists("/usr/sbin/sshd"):
        require_program("sshd")
    if os.geteuid() != 0:
        pytest.skip("sshd needs root")
    server = SshServer(tmp_path_factory.mktemp("ssh"))
    yield server
    server.end()


@pytest.fixture(scope="session")
def schema_file(qemu: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the QEMU's reply to ``query-qmp-schema``."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as folder:
        vm = RunningVm(qemu, Path(folder))
        with contextlib.closing(vm), vm.second() as client:
            path = tmp_path_factory.mktemp("schema") / "schema.json"
            path.write_text(json.dumps(client.execute("query-qmp-schema")))
            return path


@pytest.fixture(scope="session")
def schema(schema_file: Path) -> Schema:
    """The QEMU's schema."""
    return parse_schema(schema_file.read_text())


@pytest.fixture(scope="session")
def types(schema: Schema) -> VmTypes:
    """The QEMU's argument types, as far as its schema defines them."""
    return offline_types(schema)


@pytest.fixture
def peer(folder: Path) -> Iterator[StartPeer]:
    """A function that starts a :class:`~tests.peer.ScriptedPeer`, which ends with the test."""
    started: list[ScriptedPeer] = []

    def start(*steps: bytes, at_prompt: bool = True) -> ScriptedPeer:
        path = folder / f"peer{len(started)}.sock"
        started.append(ScriptedPeer(path, *steps, at_prompt=at_prompt))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def table_vm(folder: Path) -> Iterator[StartTableVm]:
    """A function that starts a :class:`~tests.table_vm.TableVm`, which ends with the test."""
    started: list[TableVm] = []

    def start(version: str, answers: dict[str, object]) -> TableVm:
        started.append(TableVm(folder / f"table{len(started)}.sock", version, answers))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def schema_editor(schema_file: Path) -> SchemaEditor:
    """The QEMU's schema, to be made into that of an older one."""
    return SchemaEditor(json.loads(schema_file.read_text()))


def _user_folders(path: Path) -> dict[str, str]:
    """Environment variables that place a user's state, configuration and cache below one folder."""
    return {
        "XDG_STATE_HOME": str(path / "state"),
        "XDG_CONFIG_HOME": str(path / "configuration"),
        "XDG_CACHE_HOME": str(path / "cache"),
    }


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Environment variables with which no file of the user is read or written."""
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return inherited | {
        **_user_folders(tmp_path),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PAGER": "cat",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """A function that runs ``qmp-shell`` as a script does, and returns its result.

    Its positional arguments are the program's, and its keyword arguments are environment
    variables, except ``stdin`` and ``program`` (``"main"`` or ``"main_wrap"``).
    """

    def run(
        *arguments: str, stdin: str | bytes = "", program: str = "main", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*shell_command(program), *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=60,
            env=environment | variables,
            cwd=tmp_path,
            check=False,
        )
        assert b"internal error" not in result.stderr
        return subprocess.CompletedProcess(
            result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
        )

    return run


@pytest.fixture
def run_here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """The same in this process, which takes a fraction of the time, without standard input.

    It is for tables of what the program says of its options and files; not for what a process has
    of its own: signals, streams, exit status as others see it, what is imported.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMP_SOCKET", raising=False)
    # What the program does because its process ends next:
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(cli, "_drop_output", lambda: None)

    def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        try:
            status = cli.main(list(arguments))
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        done = capfd.readouterr()
        assert "internal error" not in done.err
        return subprocess.CompletedProcess(arguments, status, done.out, done.err)

    return run_here


@pytest.fixture
def shell(vm: RunningVm, terminal: StartTerminal) -> Terminal:
    """The shell in a pseudo-terminal, connected to a VM, at its first prompt."""
    started = terminal(vm.address)
    started.wait_for_prompt()
    return started


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Iterator[StartTerminal]:
    """A function that starts ``qmp-shell`` in a pseudo-terminal, which ends with the test.

    Its positional arguments are the program's, and its keyword arguments are environment
    variables, except ``program``, ``columns`` and ``rows``.
    """
    started: list[Terminal] = []

    def start(
        *arguments: str,
        program: str = "main",
        columns: int = 80,
        rows: int = 24,
        **variables: str,
    ) -> Terminal:
        command = [*shell_command(program), *arguments]
        size = {"columns": columns, "rows": rows}
        started.append(Terminal(command, environment | variables, tmp_path, **size))
        return started[-1]

    yield start
    for each in started:
        each.end()
    # A fault of the shell's own does not end the session, but it fails the test.
    assert not any(b"internal error" in each.raw for each in started)
