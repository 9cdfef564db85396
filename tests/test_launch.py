"""Starting a program with a monitor and ending it, whatever it does and whatever signals come."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmp_shell.errors import ConnectError
from qmp_shell.launch import qemu as qemu_module
from qmp_shell.launch.monitor import MonitorSocket
from qmp_shell.launch.process import find_peer
from qmp_shell.launch.qemu import OwnVm, run_with_vm
from qmp_shell.signals import Interruptible, SignalsBlocked
from tests.conftest import (
    NAME_REPLY,
    PipedProcess,
    Run,
    StartTerminal,
    own_vm,
    shell_command,
)
from tests.waiting import wait_until

NO_MACHINE = ("-M", "none", "-display", "none", "-name", "testvm")
FAKE_VM = (sys.executable, str(Path(__file__).parent / "fake_vm.py"))
FAKE = " ".join(FAKE_VM)
# A wrapper script that leaves a process behind, which holds what it has inherited.
WITH_HELPER = 'sleep 300 & exec "$0" "$@"'
# How long it may take to end a VM that does not react, in seconds, on a busy machine.
_LONGEST_END = 15.0


def trace(*_: object) -> None:
    """Traces nothing."""


class Left:
    """What a shell and all that it starts leave behind.

    :ivar variables: the environment with which the shell is to be started.
    :ivar folder: its directory for temporary files.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder / "tmp"
        self.folder.mkdir()
        self._log = folder / "log"
        self._log.touch()
        self._mark = f"QMP_TEST={uuid.uuid4()}"
        name, _, value = self._mark.partition("=")
        self.variables = environment | {
            "TMPDIR": str(self.folder),
            "FAKE_VM_LOG": str(self._log),
            name: value,
        }

    def processes(self) -> dict[int, str]:
        """Return the command lines of the shell, and of all processes that it has started."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes()
                    found[int(folder.name)] = command.replace(b"\0", b" ").decode()
            except OSError:  # it has ended in the meantime
                continue
        return found

    @property
    def log(self) -> list[str]:
        """What the fake VM has noted."""
        return self._log.read_text().splitlines()

    def add_to_log(self, line: str) -> None:
        """Let the fake VM go on, if it waits for a line of its log."""
        with self._log.open("a") as log:
            log.write(line + "\n")

    def find(self, start: str) -> list[int]:
        """Return the processes whose command line begins with a text."""
        return [pid for pid, line in self.processes().items() if line.startswith(start)]

    def wait_for_log(self, line: str) -> None:
        """Wait until the fake VM has noted something."""
        wait_until(lambda: line in self.log, repr(line))

    def set_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have a VM that the test starts itself leave nothing either."""
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tempfile, "tempdir", None)

    def check_nothing(self) -> None:
        """Check that nothing is left."""
        assert list(self.folder.iterdir()) == []
        self.check_processes()

    def check_processes(self) -> None:
        """Check that no process is left."""
        wait_until(lambda: not self.processes(), f"the end of {self.processes()}")

    def kill(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def left(folder: Path, environment: dict[str, str]) -> Iterator[Left]:
    """What is left behind, which is ended at last."""
    found = Left(folder, environment)
    yield found
    found.kill()


class Wrap(PipedProcess):
    """``qmp-shell-wrap``. Its standard error is a file, for what it starts may hold that open."""

    def __init__(self, left: Left, *arguments: str, program: str = "main_wrap") -> None:
        self._errors = left.folder.parent / "errors"
        with self._errors.open("wb") as errors:
            super().__init__(*shell_command(program), *arguments, env=left.variables, stderr=errors)

    def read_errors(self) -> str:
        """Return what it has written to standard error."""
        return self._errors.read_text()

    def check_end(self, status: int, *errors: str) -> None:
        """Wait for its end, and check its exit status and the lines of its standard error."""
        began = time.monotonic()
        assert self.wait(60) == status
        assert time.monotonic() - began < _LONGEST_END
        assert self.read_errors().splitlines() == list(errors)


class Output:
    """What a VM prints."""

    def __init__(self) -> None:
        self.text = ""

    def show(self, text: str) -> None:
        self.text += text


# The end of QEMU, and of processes around it


@pytest.mark.parametrize("status", [0, 1])
def test_a_process_that_a_program_leaves_behind_delays_nothing(left: Left, status: int) -> None:
    with Wrap(left, "--", "sh", "-c", f"sleep 300 & exit {status}") as shell:
        shell.check_end(
            3, f"qmp-shell: sh ended with status {status}, before its monitor was ready"
        )
        # At first it is another sh, which becomes sleep.
        wait_until(lambda: [*left.processes().values()] == ["sleep 300 "])


@pytest.mark.parametrize("capture", [False, True])
def test_a_process_beside_qemu_does_not_hide_its_end(qemu: str, capture: bool) -> None:
    helper = 0
    with own_vm(["sh", "-c", WITH_HELPER, qemu, *NO_MACHINE], capture=capture) as vm:
        client, _ = vm.connect(None, trace)
        children = Path(f"/proc/{vm._child.pid}/task/{vm._child.pid}/children").read_text()
        helper = int(children)
        client.execute("quit")
        assert vm.wait(60)
        assert vm.outcome == "ended with status 0"
    os.kill(helper, signal.SIGKILL)


def test_what_a_program_printed_is_shown_though_another_process_holds_its_output() -> None:
    output = Output()
    with own_vm(["sh", "-c", "sleep 300 & echo $!; echo last words; exit 1"]) as vm:
        vm.relay_output_to(output.show)
        with pytest.raises(ConnectError, match="ended with status 1"):
            vm.connect(None, trace)
    helper, words = output.text.splitlines()
    os.kill(int(helper), signal.SIGKILL)
    assert words == "last words"


def test_a_character_that_is_printed_in_two_parts_is_shown_as_one() -> None:
    output = Output()
    # Each part is shown before the next is printed.
    script = r"printf 'a\303'; read _ <go; printf '\251b'; exec sleep 300"
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(f"{folder}/go")
        with own_vm(["sh", "-c", f"cd {folder}; {script}"]) as vm:
            vm.relay_output_to(output.show)
            while output.text != "a":
                vm.wait(0.01)
            Path(folder, "go").write_text("\n")
            while not output.text.endswith("b"):
                vm.wait(0.01)
    assert output.text == "a\u00e9b"


def test_a_script_may_start_qemu_and_clean_up_after_it(left: Left, qemu: str) -> None:
    script = '"$0" "$@"; echo cleaned up'
    with Wrap(left, "-c", "query-name", "--", "sh", "-c", script, qemu, *NO_MACHINE) as shell:
        assert shell.read_line() == NAME_REPLY
        shell.check_end(0, "cleaned up")
    left.check_nothing()


def test_a_suspended_qemu_under_a_script_ends_with_the_shell(left: Left, qemu: str) -> None:
    with Wrap(left, "--", "sh", "-c", '"$0" "$@"; exit', qemu, *NO_MACHINE) as shell:
        shell.write_line("query-name")
        assert shell.read_line() == NAME_REPLY
        (pid,) = left.find(qemu)
        os.kill(pid, signal.SIGSTOP)
        assert shell.close_input() == 0
    left.check_nothing()


def test_a_suspended_qemu_ends_in_good_order(
    left: Left, qemu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left.set_variables(monkeypatch)
    monkeypatch.setattr(qemu_module, "_REACT_SECONDS", 0.1)
    monkeypatch.setattr(qemu_module, "_TERMINATE_SECONDS", 60.0)
    with own_vm([qemu, *NO_MACHINE]) as vm:
        vm.connect(None, trace)
        os.kill(vm._child.pid, signal.SIGSTOP)
    assert vm.outcome == "ended with status 0"
    left.check_nothing()


def test_a_daemon_is_used_and_ended_and_its_parent_is_reaped(left: Left, qemu: str) -> None:
    with Wrap(left, "--", qemu, *NO_MACHINE, "-daemonize") as shell:
        children = Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        shell.write_line("query-name")
        assert shell.read_line() == NAME_REPLY
        wait_until(lambda: not children.read_text(), "the end of the started process")
        shell.write_line("query-name")
        assert shell.read_line() == NAME_REPLY
        # QEMU forks twice; the process in between may need a moment to end.
        wait_until(lambda: len(left.find(qemu)) == 1, "the daemon alone")
        assert shell.close_input() == 0
        assert shell.read_errors() == ""
    left.check_nothing()


def test_a_daemon_that_does_not_react_is_killed(left: Left) -> None:
    with Wrap(left, "--", *FAKE_VM, "daemonize", "ignore-sigterm", "no-quit", "stay") as shell:
        shell.write_line("query-name")
        assert shell.read_line() == '{"return": {}}\n'
        shell.send_signal(signal.SIGTERM)
        shell.check_end(143)
    left.check_nothing()


def test_a_daemon_that_has_connected_but_is_not_used_yet_is_ended(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in a session of its own, so a signal to the started program does not reach it."""
    left.set_variables(monkeypatch)
    with own_vm([*FAKE_VM, "daemonize", "ignore-sigterm", "stay"]) as vm:
        left.wait_for_log("connected")
        wait_until(lambda: vm._child.status == 0, "the end of the started process")
        assert len(left.find(FAKE)) == 1
    left.check_nothing()


@pytest.mark.parametrize("words", [(), ("no-quit",), ("ignore-sigterm",)])
def test_processes_are_ended_on_systems_without_descriptors_for_them(
    left: Left, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    left.set_variables(monkeypatch)
    with own_vm([*FAKE_VM, "daemonize", *words]) as vm:
        client, _ = vm.connect(None, trace)
        client.execute("query-name")
        assert not vm.wait(0)
    left.check_nothing()


def test_this_process_itself_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert find_peer(ours) is None
        monkeypatch.setattr(sys, "platform", "other")
        assert find_peer(ours) is None


def test_a_process_that_hung_up_is_not_looked_for(folder: Path) -> None:
    """It may have ended, and another process may have its number."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        code = (
            "import socket, sys; s = socket.socket(1); s.connect(sys.argv[1]); s.close(); input()"
        )
        command = [sys.executable, "-c", code, str(folder / "socket")]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1) == b""
                assert find_peer(connection) is None
            process.communicate(b"\n")


# Signals

# Moments of a fake VM's life, and the signals that are sent when they have come. It ignores both
# "quit" and SIGTERM.
MOMENTS = [
    ("started", "started", signal.SIGINT),
    ("started", "SIGTERM", signal.SIGHUP),
    ("connected", "SIGTERM", signal.SIGINT),
    ("query-name", "query-name", signal.SIGINT),
    ("query-name", "quit", signal.SIGINT),
    ("query-name", "SIGTERM", signal.SIGINT),
    ("quit", "quit", signal.SIGTERM),
    ("quit", "SIGTERM", signal.SIGINT),
]


@pytest.mark.parametrize(("first", "second", "number"), MOMENTS)
def test_a_second_signal_has_a_vm_killed_that_does_not_react(
    left: Left, first: str, second: str, number: signal.Signals
) -> None:
    never = ("never-connect",) if second == "SIGTERM" and first == "started" else ()
    with Wrap(left, "--", *FAKE_VM, "ignore-sigterm", "no-quit", "stay", *never) as shell:
        shell.write_line("query-name")
        left.wait_for_log("started")
        if first == "quit":
            assert shell.stdin is not None
            shell.stdin.close()
        left.wait_for_log(first)
        shell.send_signal(number)
        # On a very busy machine it may have been killed before it could note that.
        wait_until(lambda: second in left.log or shell.poll() is not None, second)
        shell.send_signal(signal.SIGINT)
        assert shell.wait(60) in (128 + number, 130)
        assert shell.read_errors() == ""
    left.check_nothing()


def test_a_pending_signal_has_a_vm_killed_at_once(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    left.set_variables(monkeypatch)
    monkeypatch.setattr(qemu_module, "_REACT_SECONDS", 1000.0)
    with SignalsBlocked():
        with own_vm([*FAKE_VM, "ignore-sigterm", "no-quit", "stay"]) as vm:
            vm.connect(None, trace)
            signal.raise_signal(signal.SIGINT)
        assert signal.sigwait((signal.SIGINT,)) == signal.SIGINT
    assert vm.outcome == "was ended by SIGKILL"
    assert "SIGTERM" not in left.log
    left.check_nothing()


# Starts and ends a VM that is not used, while signals come at ever later moments. They are blocked
# elsewhere.
_SWEEP = """
import os, signal, tempfile, time
from qmp_shell.launch.qemu import run_with_vm

def send(numbers, delay):
    parent = os.getpid()
    if (child := os.fork()) == 0:
        for number in numbers:
            end = time.monotonic() + delay
            while time.monotonic() < end:
                pass
            os.kill(parent, number)
        os._exit(0)
    return child

signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
interrupted = 0
for number in range(120):
    for each in signals[1:]:
        signal.signal(each, signal.SIG_DFL)
    child = send([(2, 2), (2, 15), (15, 2), (1, 15)][number % 4], number * 0.0001)
    try:
        run_with_vm(["sh", "-c", "exec sleep 300"], lambda vm: time.sleep(0.002), capture=False)
    except (KeyboardInterrupt, SystemExit):
        interrupted += 1
    os.waitpid(child, 0)
    while pending := signal.sigpending():
        signal.sigwait(pending)
    assert not os.listdir(tempfile.gettempdir()), "a folder is left"
    path = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    assert not open(path).read(), "a process is left"
assert interrupted
print("done")
"""


def test_nothing_is_left_at_whatever_moment_signals_come(left: Left) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SWEEP],
        env=left.variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
    left.check_nothing()


def test_a_program_that_does_not_connect_soon_is_told(
    qemu: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(qemu_module, "_SLOW_SECONDS", 0.2)
    # It waits until it is told, in the file that is standard error here.
    script = 'until [ -s /proc/self/fd/2 ]; do sleep 0.1; done; exec "$@"'
    with own_vm(["sh", "-c", script, "slow", qemu, *NO_MACHINE], capture=False) as vm:
        vm.connect(None, trace)
    told = capfd.readouterr().err
    assert told.startswith("sh: its monitor is not there yet; a script has to pass on ")
    assert told.count("its monitor") == 1


def test_ctrl_c_ends_the_wait_for_a_program_that_never_connects(left: Left) -> None:
    """Nor is anything left that the program has started."""
    script = "trap '' TERM; sleep 300; exit"
    with Wrap(left, "--", "sh", "-c", script) as shell:
        wait_until(lambda: bool(left.find("sleep")), "the program")
        shell.send_signal(signal.SIGINT)
        shell.check_end(130)
    left.check_nothing()


def test_a_suspended_program_that_never_connects_is_ended(left: Left) -> None:
    with Wrap(left, "--", *FAKE_VM, "never-connect") as shell:
        left.wait_for_log("started")
        (pid,) = left.find(FAKE)
        os.kill(pid, signal.SIGSTOP)
        shell.send_signal(signal.SIGTERM)
        shell.check_end(143)
    left.check_nothing()


def test_a_program_ends_with_a_shell_that_is_killed_before_it_connects(left: Left) -> None:
    with Wrap(left, "--", *FAKE_VM, "never-connect") as shell:
        left.wait_for_log("started")
        shell.kill()
    left.check_processes()


def test_ctrl_c_during_the_negotiation_ends_the_program_at_once(left: Left) -> None:
    with Wrap(left, "--", *FAKE_VM, "no-qmp_capabilities", "ignore-sigterm", "stay") as shell:
        left.wait_for_log("qmp_capabilities")
        shell.send_signal(signal.SIGINT)
        wait_until(lambda: "SIGTERM" in left.log or shell.poll() is not None, "SIGTERM")
        shell.send_signal(signal.SIGINT)
        shell.check_end(130)
    left.check_nothing()


def test_a_process_that_cannot_be_ended_is_named(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example one of another user, started by sudo."""
    left.set_variables(monkeypatch)
    for name in ("_TERMINATE_SECONDS", "_KILL_SECONDS"):
        monkeypatch.setattr(qemu_module, name, 0.1)
    output = Output()

    def refuse(*_: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", refuse)
        with own_vm([*FAKE_VM, "never-connect"]) as vm:
            vm.relay_output_to(output.show)
    assert output.text == f"qmp-shell: {PYTHON} cannot be ended: process {vm._child.pid}\n"
    assert list(left.folder.iterdir()) == []
    vm._child.send(signal.SIGKILL)
    left.check_processes()


# Programs that do not do what QEMU does


NEVER_READY = "before its monitor was ready"
PYTHON = Path(sys.executable).name


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (["nonesuch"], 3, "nonesuch: no such program"),
        (["true"], 3, f"true ended with status 0, {NEVER_READY}"),
        (["sh", "-c", "kill -KILL $$"], 3, f"sh was ended by SIGKILL, {NEVER_READY}"),
        ([*FAKE_VM, "hang-up"], 3, f"{PYTHON} cannot be used: the VM closed the connection"),
        ([*FAKE_VM, "speak-http"], 3, f"{PYTHON} cannot be used: "),
    ],
)
def test_a_program_that_is_no_qemu_is_one_line(
    left: Left, words: list[str], status: int, error: str
) -> None:
    with Wrap(left, "--", *words) as shell:
        assert shell.wait(60) == status
        (line,) = shell.read_errors().splitlines()
        assert line.startswith("qmp-shell: " + error)
    left.check_nothing()


def test_why_a_program_cannot_be_started(
    left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left.set_variables(monkeypatch)
    for name, text in (("file", ""), ("script", "#!/nonesuch\n"), ("garbage", "\1\2\3\4")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644 if name == "file" else 0o755)
    for program, error in {
        "nonesuch": "nonesuch: no such program",
        "/nonesuch/qemu": "/nonesuch/qemu: no such program",
        "": "'': ",
        f"{tmp_path}": f"{tmp_path} is a directory, not a program",
        f"{tmp_path}/file": f"{tmp_path}/file: Permission denied",
        f"{tmp_path}/script": f"{tmp_path}/script: its interpreter does not exist",
        f"{tmp_path}/garbage": f"{tmp_path}/garbage: Exec format error",
    }.items():
        with pytest.raises(ConnectError) as raised, own_vm([program]):
            pass
        assert str(raised.value).startswith(error), program
        left.check_nothing()


def test_a_program_that_connects_twice_is_used_once(left: Left) -> None:
    command = [*FAKE_VM, "connect-twice"]
    with Wrap(left, "-c", "query-name", "--", *command) as shell:
        assert shell.read_line() == '{"return": {}}\n'
        shell.check_end(0)
    left.check_nothing()


def test_all_that_connect_are_ended(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a second daemon, which the shell does not use."""
    left.set_variables(monkeypatch)
    words = ["daemonize", "no-quit", "stay"]
    with own_vm(["sh", "-c", '"$@" & "$@"; wait', "sh", *FAKE_VM, *words]) as vm:
        wait_until(lambda: left.log.count("connected") == 2, "both daemons")
        client, _ = vm.connect(None, trace)
        client.execute("query-name")
    left.check_nothing()


def test_a_program_that_closes_its_output_is_used(left: Left) -> None:
    with Wrap(left, "-c", "query-name", "--", *FAKE_VM, "close-output") as shell:
        assert shell.read_line() == '{"return": {}}\n'
        shell.check_end(0)
    left.check_nothing()


@pytest.mark.parametrize("capture", [False, True])
def test_a_program_that_prints_much_and_ends(
    left: Left, monkeypatch: pytest.MonkeyPatch, capture: bool
) -> None:
    left.set_variables(monkeypatch)
    output = Output()

    def use(vm: OwnVm) -> None:
        vm.relay_output_to(output.show)
        vm.connect(None, trace)

    if capture:
        with pytest.raises(ConnectError, match=NEVER_READY):
            run_with_vm([*FAKE_VM, "print-much"], use, capture=True)
        printed = output.text
    else:
        with Wrap(left, "--", *FAKE_VM, "print-much") as shell:
            assert shell.wait(60) == 3
            *lines, last = shell.read_errors().splitlines(keepends=True)
        assert last.endswith(NEVER_READY + "\n")
        printed = "".join(lines)
    assert printed == ("y" * 99 + "\n") * 100_000 + "the end\n"
    left.check_nothing()


def test_output_that_nobody_can_show_any_more_does_not_stop_the_end() -> None:
    def fail(_: str) -> None:
        raise OSError(errno.EIO, "the terminal is gone")

    with own_vm(
        ["sh", "-c", "trap 'echo ending; exit 0' TERM; echo ready; sleep 300 & wait"]
    ) as vm:
        output = Output()
        vm.relay_output_to(output.show)
        while "ready" not in output.text:
            vm.wait(0.01)
        vm.relay_output_to(fail)
    assert vm.outcome == "ended with status 0"


def test_an_interrupt_while_the_last_output_is_written_does_not_stop_the_end() -> None:
    def be_interrupted(_: str) -> None:
        with Interruptible():
            signal.raise_signal(signal.SIGINT)

    script = "trap 'echo ending; while :; do sleep 0.1; done' TERM; echo ready; sleep 300 & wait"
    with SignalsBlocked():
        with own_vm(["sh", "-c", script]) as vm:
            output = Output()
            vm.relay_output_to(output.show)
            while "ready" not in output.text:
                vm.wait(0.01)
            vm.relay_output_to(be_interrupted)
        assert signal.sigwait((signal.SIGINT,)) == signal.SIGINT
    assert vm.outcome == "was ended by SIGKILL"


def test_qemu_inherits_its_standard_streams_only(left: Left) -> None:
    code = (
        "import os, signal; print(*signal.pthread_sigmask(signal.SIG_BLOCK, ()),"
        "*(n for n in range(1000) if os.path.exists(f'/proc/self/fd/{n}')))"
    )
    with Wrap(left, "--", sys.executable, "-c", code) as shell:
        assert shell.wait(60) == 3
        numbers, _ = shell.read_errors().splitlines()
    assert numbers == "0 1 2", "no signals are blocked, and no other files open"


# The directory for temporary files


def test_a_missing_temporary_directory_is_replaced_by_another(left: Left) -> None:
    left.variables["TMPDIR"] = "/nonesuch"
    with Wrap(left, "-c", "query-name", "--", *FAKE_VM) as shell:
        assert shell.read_line() == '{"return": {}}\n'
        shell.check_end(0)


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ("tempfile.tempdir = '/nonesuch'", "/nonesuch: No such file or directory"),
        ("os.mkdir = fail", f"{tempfile.gettempdir()}: No space left on device"),
        ("tempfile._candidate_tempdir_list = lambda: ['/a']", "No usable temporary directory"),
    ],
)
@pytest.mark.parametrize("program", ["main_wrap", "main"])
def test_without_a_place_for_temporary_files_nothing_is_started(
    environment: dict[str, str], program: str, setup: str, reason: str
) -> None:
    code = (
        "import errno, os, sys, tempfile\n"
        "def fail(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        f"{setup}\n"
        f"from qmp_shell.start import {program}; sys.exit({program}())"
    )
    arguments = ["--demo"] if program == "main" else ["sleep", "300"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"qmp-shell: {reason}")
    assert line.endswith("; set TMPDIR to a directory for temporary files")


def test_no_open_files_are_left_for_a_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that cannot be accepted do not keep the socket from being removed."""
    monitor = MonitorSocket()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(monitor.path)

        def fail() -> None:
            raise OSError(errno.EMFILE, "too many open files")

        monkeypatch.setattr(monitor, "accept", fail)
        assert monitor.close() == []
        assert monitor.close() == []
        assert not Path(monitor.path).parent.exists()


def test_connect_to_the_own_vm_is_refused_and_keeps_it(run: Run, qemu: str) -> None:
    options = ("-k", "-c", ".connect", "-c", "query-name")
    result = run(*options, "--", qemu, *NO_MACHINE, program="main_wrap")
    assert "-c 1: the shell's own VM can be attached to only once\n" in result.stderr
    assert result.stdout == NAME_REPLY
    assert result.returncode == 2


# At a terminal


ESCAPES = r"printf 'one\033]0;title\007\033[31mtwo\n'"


def test_a_script_fails_with_a_vm_that_was_killed(run: Run, qemu: str) -> None:
    """Though none of its lines needed the VM any more."""
    options = ("-c", "query-name | kill -KILL $(cat pid)", "-c", ".sleep 1")
    command = ("--", qemu, "-M", "none", "-nodefaults", "-display", "none", "-pidfile", "pid")
    result = run(*options, *command, program="main_wrap")
    assert "was ended by SIGKILL" in result.stderr
    assert result.returncode == 4


def test_what_qemu_prints_in_a_script_at_a_terminal_is_made_safe(
    terminal: StartTerminal, qemu: str
) -> None:
    script = f'{ESCAPES} >&2; exec "$0" "$@"'
    command = ["--", "sh", "-c", script, qemu, *NO_MACHINE]
    shell = terminal("--color=never", "-c", "query-name", *command, program="main_wrap")
    assert shell.wait_for_end() == 0
    assert "one]0;title[31mtwo" in shell.text
    assert '{"return": {"name": "testvm"}}' in shell.text
    assert b"\x1b" not in shell.raw


@pytest.mark.parametrize("line", [".sleep 1000", "no-reply", "-f"])
def test_what_qemu_prints_is_shown_while_a_script_at_a_terminal_waits(
    terminal: StartTerminal, environment: dict[str, str], folder: Path, line: str
) -> None:
    environment["FAKE_VM_LOG"] = str(folder / "log")
    (folder / "log").touch()
    os.mkfifo(folder / "go")
    script = f'(read _ <"{folder}/go"; {ESCAPES}) & exec "$0" "$@"'
    inputs = ["-f", "-"] if line == "-f" else ["-c", line]
    command = ["--", "sh", "-c", script, *FAKE_VM, "no-no-reply"]
    shell = terminal("--color=never", "-c", "query-name", *inputs, *command, program="main_wrap")
    shell.wait_for('"return"')
    (folder / "go").write_text("\n")
    shell.wait_for(r"^one\]0;title\[31mtwo")
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    assert b"\x1b" not in shell.raw


def test_the_last_words_of_qemu_are_shown_while_a_script_at_a_terminal_waits_for_input(
    terminal: StartTerminal, environment: dict[str, str], left: Left
) -> None:
    environment.update(left.variables)
    shell = terminal("-f", "-", "--", *FAKE_VM, "last-words", program="main_wrap")
    shell.type("query-name\r")
    shell.wait_for('"return"')
    pid = shell.child.pid
    assert pid is not None
    # The shell finds both at once: the words, and that the connection has ended.
    os.kill(pid, signal.SIGSTOP)
    left.add_to_log("go")
    wait_until(lambda: not left.find(FAKE), "the end of the VM")
    os.kill(pid, signal.SIGCONT)
    shell.wait_for("last words")
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0


@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
def test_the_demo_ends_like_any_vm(
    terminal: StartTerminal, left: Left, environment: dict[str, str], key: str
) -> None:
    """Its QEMU ignores both "quit" and SIGTERM, and is killed at a second Ctrl-C."""
    program = left.folder.parent / "bin" / "qemu-system-x86_64"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {FAKE} ignore-sigterm no-quit stay -qmp "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{environment['PATH']}"
    environment.update(left.variables | {"PATH": path})
    inputs = ["-c", "query-name", "-c", ".sleep 1000"] if key == "ctrl-c" else []
    shell = terminal("--demo", *inputs)
    if inputs:
        left.wait_for_log("query-name")  # during the negotiation, Ctrl-C closes the monitor
    else:
        shell.wait_for_prompt()
    shell.press(key)
    left.wait_for_log("quit")
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    assert "Traceback" not in shell.text
    left.check_nothing()
