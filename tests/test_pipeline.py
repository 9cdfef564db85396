"""What can go wrong around a line: pipelines, a VM of the shell's own, addresses, stray replies."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell.errors import ConnectError, PipelineError, UsageError
from qmp_shell.launch.qemu import OwnVm
from qmp_shell.session.pipeline import run_pipeline, run_program
from qmp_shell.transport import parse_address
from qmp_shell.vm.records import Progress
from qmp_shell.vm.waiting import EventCondition, Waiter
from tests.conftest import Run, RunningVm, own_vm, shell_command
from tests.peer import ACCEPTED, GREETING, HOLD, ScriptedPeer
from tests.sessions import attach, run_line
from tests.terminal import Terminal

Peer = Callable[..., ScriptedPeer]
Start = Callable[..., Terminal]


def trace(*_: object) -> None:
    """Traces nothing."""


# Pipelines


def test_a_pipeline_gets_the_text_and_its_own_newline(tmp_path: Path) -> None:
    run_pipeline(f"cat > {tmp_path}/out", "é\n")
    assert (tmp_path / "out").read_bytes() == "é\n\n".encode()


def test_the_status_of_a_failed_pipeline() -> None:
    with pytest.raises(PipelineError, match=r"^the pipeline ended with status 3$"):
        run_pipeline("exit 3", "text")


def test_a_signal_counts_as_a_shell_counts_it() -> None:
    assert run_program(["/bin/sh", "-c", "kill -KILL $$"], "text") == 128 + signal.SIGKILL


def test_a_program_that_reads_nothing_has_seen_enough() -> None:
    assert run_program(["/bin/sh", "-c", "exec <&-; exit 0"], "x" * (1 << 20)) == 0


def test_the_status_is_known_though_signals_of_ended_children_were_ignored_before_the_start(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    """That SIGCHLD is ignored is inherited, and the system then keeps no exit status."""
    done = subprocess.run(
        [*shell_command(), quiet_vm.address, "-c", "query-status | false"],
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.endswith("the pipeline ended with status 1\n")
    assert done.returncode == 1


# Interrupts who writes its input, once that has filled the pipe, and then reads all of it.
_INTERRUPTER = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_IGN)
capacity = fcntl.fcntl(0, fcntl.F_GETPIPE_SZ)
while int.from_bytes(fcntl.ioctl(0, termios.FIONREAD, bytes(4)), sys.byteorder) < capacity:
    pass
os.kill(os.getppid(), signal.SIGINT)
sys.exit(len(sys.stdin.read()) != int(sys.argv[1]))
"""


def test_ctrl_c_in_a_program_does_not_cut_what_it_reads() -> None:
    text = "x" * (1 << 20)
    command = [sys.executable, "-c", _INTERRUPTER, str(len(f"{text}\n"))]
    assert run_program(command, text) == 0


def test_a_reader_that_has_left_ends_the_pipeline() -> None:
    with pytest.raises(BrokenPipeError):
        run_pipeline("kill -PIPE $$", "text")


def test_a_pipeline_that_is_too_long() -> None:
    with pytest.raises(PipelineError, match=r"^/bin/sh: Argument list too long$"):
        run_pipeline(": " + "x" * (1 << 18), "text")


def test_a_reader_that_has_left_ends_the_script_quietly(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "-c", "query-name | kill -PIPE $$", "-c", "query-name")
    assert (done.stdout, done.stderr) == ("", "")
    assert done.returncode == 141


def test_ctrl_c_ends_a_pipeline(shell: Terminal) -> None:
    shell.enter("query-name | echo begun; exec sleep 1000")
    shell.wait_for("^begun")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()


def test_a_pipeline_may_take_ctrl_c_for_itself(shell: Terminal, tmp_path: Path) -> None:
    """The prompt comes back when the program has ended, however often Ctrl-C is pressed."""
    script = tmp_path / "stubborn"
    script.write_text(
        "trap 'echo caught' INT\necho begun\nwhile [ ! -e end ]; do sleep 0.05; done\n"
    )
    shell.enter("query-name | sh stubborn")
    shell.wait_for("^begun")
    for count in (1, 2):
        shell.press("ctrl-c")
        shell.wait_until(lambda count=count: shell.text.count("caught") == count, "the trap")  # type: ignore[misc]
    (tmp_path / "end").touch()
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()


@pytest.mark.parametrize("shown", ["no newline", "x" * 80, "x" * 79, "x" * 81])
def test_the_prompt_does_not_cover_what_a_program_printed(shell: Terminal, shown: str) -> None:
    shell.enter(f"query-name | printf %s {shlex.quote(shown)}")
    shell.wait_for_prompt()
    shell.enter("query-name | echo a whole line")
    shell.wait_for_prompt()
    rows = [shown[start : start + 80] for start in range(0, len(shown), 80)]
    expected = [*rows, "(QEMU) query-name | echo a whole line", "a whole line", "(QEMU)"]
    start = shell.lines.index(rows[0])
    assert shell.lines[start : start + len(expected)] == expected


def test_an_event_does_not_cover_what_a_program_printed(
    shell: Terminal, vm: RunningVm, tmp_path: Path
) -> None:
    """A shell that shares its monitor receives events while a program runs."""
    shell.enter(".share shared.sock")
    shell.wait_for_prompt()
    shell.enter("query-name | printf partial; while [ ! -e end ]; do sleep 0.05; done")
    shell.wait_for("^partial")
    vm.run("cont")
    (tmp_path / "end").touch()
    shell.wait_for(r"^partial\n\d\d:\d\d:\d\d\.\d+ RESUME$")
    shell.wait_for_prompt()
    assert "partial\n" in shell.text


def test_the_columns_of_the_environment_do_not_matter_after_a_program(
    terminal: Start, vm: RunningVm
) -> None:
    shell = terminal(vm.address, COLUMNS="150")
    shell.wait_for_prompt()
    shell.enter("query-name | printf partial")
    shell.wait_for_prompt()
    assert "\npartial\n(QEMU)" in shell.text


# A VM of the shell's own


class Output:
    """The output of a VM that the shell started."""

    def __init__(self, vm: OwnVm) -> None:
        self.text = ""
        vm.relay_output_to(self._add)

    def _add(self, text: str) -> None:
        self.text += text


def wait_for_output(vm: OwnVm, output: Output, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in output.text:
        assert time.monotonic() < deadline, f"{text!r} was not printed, but {output.text!r}"
        vm.wait(0.05)


def script_vm(script: str, *, capture: bool = True) -> contextlib.AbstractContextManager[OwnVm]:
    """A program that stands in for a QEMU that can't be made to fail so."""
    return own_vm(["/bin/sh", "-c", script], capture=capture)


@pytest.fixture
def empty_vm(qemu: str) -> Iterator[OwnVm]:
    with own_vm([qemu, "-M", "none", "-display", "none"], capture=True) as vm:
        yield vm


def test_the_own_vm_is_attached_to_only_once(empty_vm: OwnVm) -> None:
    client, address = empty_vm.connect(None, trace)
    assert (address, client.execute("query-status")["status"]) == (None, "running")
    assert empty_vm.outcome == "is still running"
    assert not empty_vm.has_failed
    with pytest.raises(ConnectError, match="is still running; it can be attached to only once"):
        empty_vm.connect(None, trace)
    client.execute("quit")
    assert empty_vm.wait(20)
    with pytest.raises(ConnectError, match="ended with status 0; it can be attached to only once"):
        empty_vm.connect(None, trace)


def test_the_own_shell_attaches_to_no_other_vm(empty_vm: OwnVm) -> None:
    with pytest.raises(UsageError, match="this shell ends with its own VM"):
        empty_vm.connect(parse_address("/tmp/x"), trace)


def test_a_program_that_connects_and_sends_no_greeting() -> None:
    code = "import socket, sys; socket.socket(1).connect(sys.argv[2][5:]); sys.exit(7)"
    with own_vm([sys.executable, "-c", code], capture=False) as vm:
        with pytest.raises(ConnectError) as failed:
            vm.connect(None, trace)
        assert str(failed.value) == f"{Path(sys.executable).name} ended with status 7"
        assert vm.has_failed


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGRTMIN + 1, "signal 35")]
)
def test_a_program_that_a_signal_ends(number: int, name: str) -> None:
    with script_vm(f"kill -{number:d} $$") as vm, pytest.raises(ConnectError) as failed:
        vm.connect(None, trace)
    assert str(failed.value) == f"sh was ended by {name}, before its monitor was ready"


def test_a_program_that_does_not_end_is_killed() -> None:
    with script_vm("trap '' TERM; echo ready; exec sleep 1000") as vm:
        output = Output(vm)
        wait_for_output(vm, output, "ready\n")
        assert not vm.wait(0)
    assert vm.outcome == "was ended by SIGKILL"


def test_what_a_program_prints_is_cleaned_for_the_terminal() -> None:
    script = r"printf 'a\033[2Jb\n\377'; exec >&- 2>&-; exec sleep 1000"
    with script_vm(script) as vm:
        output = Output(vm)
        wait_for_output(vm, output, "b\n")
        vm.wait(0.05)  # its end of the output is closed by now, and QEMU still runs
        assert vm.outcome == "is still running"
    assert output.text == "a[2Jb\n\ufffd"
    assert vm.outcome == "was ended by SIGTERM"


def test_what_is_not_captured_goes_to_standard_error(run: Run) -> None:
    done = run("-c", "query-name", "sh", "-c", "echo out; echo err >&2", program="main_wrap")
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        *("out", "err", "qmp-shell: sh ended with status 0, before its monitor was ready")
    ]
    assert done.returncode == 3


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_text("not executable")
    with pytest.raises(ConnectError) as failed, own_vm([str(file)], capture=True):
        pass
    assert str(failed.value) == f"{file}: Permission denied"


def test_a_crash_at_the_prompt_has_a_status(terminal: Start, qemu: str) -> None:
    """The shell ends with its VM, and its exit status tells that the VM failed."""
    shell = terminal("--", qemu, "-M", "none", "-display", "none", program="main_wrap")
    shell.wait_for_prompt()
    children = "/proc/$PPID/task/$PPID/children"  # the first is QEMU
    shell.enter(f"query-status | read qemu _ <{children}; kill -KILL $qemu")
    shell.wait_for("was ended by SIGKILL")
    assert shell.wait_for_end() == 4


# Addresses


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("h:1", PermissionError(13, "x"), "h:1: permission denied"),
        ("h:1", TimeoutError(), "h:1: connecting took too long"),
        ("h:1", OSError(101, "Network is unreachable"), "h:1: Network is unreachable"),
        ("h:1", socket.gaierror(-2, "x"), "h:1: unknown host 'h'"),
        ("[::1]:5", OSError("odd"), "[::1]:5: odd"),
        (
            "/x",
            PermissionError(13, "x"),
            "/x: permission denied; only the VM's owner (or root) may connect",
        ),
        (
            "/x",
            OSError(40, "Too many levels of symbolic links"),
            "/x: Too many levels of symbolic links",
        ),
        ("unix-abstract:x", OSError(1, "odd"), "unix-abstract:x: odd"),
        ("unix-abstract:x", TimeoutError(), "unix-abstract:x: connecting took too long"),
        ("fd:7", OSError(9, "Bad file descriptor"), "fd:7: Bad file descriptor"),
    ],
)
def test_why_connecting_failed(address: str, error: OSError, says: str) -> None:
    assert parse_address(address).explain(error, "") == says


def test_an_abstract_socket_that_nobody_listens_on() -> None:
    with pytest.raises(ConnectError, match="nobody listens there; start QEMU with -qmp unix:"):
        qmp_shell.connect("unix-abstract:qmp-shell-no-such-name")


def test_an_abstract_name_in_use(folder: Path) -> None:
    name = f"qmp-shell{folder}"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"\0{name}")
        with pytest.raises(ConnectError) as failed:
            qmp_shell.listen(f"unix-abstract:{name}", wait=1)
    assert str(failed.value) == f"unix-abstract:{name}: Address already in use"


def test_paths_that_lead_to_one_socket_are_one_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    written = ["vm.sock", "./vm.sock", "~/vm.sock", "link/vm.sock", f"unix:{tmp_path}/vm.sock"]
    assert len({parse_address(each) for each in written}) == 1
    assert parse_address("vm.sock") != parse_address("other.sock")
    assert parse_address("vm.sock") != parse_address("h:1")


def test_any_time_to_connect_by_tcp(start_vm: Callable[..., RunningVm], port: int) -> None:
    start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    with qmp_shell.connect(f"127.0.0.1:{port}", greeting_timeout=1e9, wait=20) as client:
        assert client.execute("query-name") == {"name": "testvm"}


# Replies that nobody waits for, and progress


STRAY = b'{"return": {"stray": true}, "id": "nobody"}\r\n'
NAME = b'{"return": {"name": "peer"}, "id": 2}\r\n'


def test_an_answer_to_nothing_in_a_script(peer: Peer, run: Run) -> None:
    server = peer(GREETING, ACCEPTED, STRAY + NAME)
    done = run(server.address, "-c", "query-name")
    assert json.loads(done.stdout) == {"return": {"name": "peer"}}
    assert done.stderr == (
        "qmp-shell: a reply that answers no command was received: "
        '{"return": {"stray": true}, "id": "nobody"}\n'
    )
    assert done.returncode == 0


def test_messages_are_shown_at_the_prompt(shell: Terminal) -> None:
    shell.enter(".set verbose on")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for(r'^> \{"execute": "query-name", "id": \d+\}$')
    shell.wait_for(r'^< \{"return": \{"name": "testvm"\}, "id": \d+\}$')
    shell.wait_for_prompt()
    assert "query-status" not in shell.text, "the shell's own questions are not shown"


def test_a_human_monitor_that_is_not_there(peer: Peer, run: Run) -> None:
    refusal = b'{"error": {"class": "CommandNotFound", "desc": "no monitor"}, "id": 2}\r\n'
    server = peer(GREETING, ACCEPTED, refusal)
    done = run("-H", server.address, "-c", "info status")
    assert json.loads(done.stdout) == {"error": {"class": "CommandNotFound", "desc": "no monitor"}}
    assert done.stderr == "qmp-shell: human-monitor-command: CommandNotFound: no monitor\n"
    assert done.returncode == 1


def test_exit_in_human_mode_leaves_the_vm_running(run: Run, vm: RunningVm) -> None:
    done = run("-H", vm.address, "-c", "exit", "-c", "quit")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    vm.run("query-status")


def test_the_status_of_an_error_in_a_script_that_is_run_by_a_script(
    run: Run, vm: RunningVm, tmp_path: Path
) -> None:
    (tmp_path / "inner.qmp").write_text("query-nonsense\n")
    done = run(vm.address, "-c", ".source inner.qmp")
    assert done.stderr.startswith("qmp-shell: inner.qmp:1: query-nonsense: CommandNotFound: ")
    assert done.returncode == 1


class Indicator:
    """Notes the progress that would be shown."""

    def __init__(self) -> None:
        self.updates: list[tuple[Progress, str]] = []

    def update(self, progress: Progress, note: str = "") -> None:
        self.updates.append((progress, note))


def test_progress_towards_the_readiness_of_a_job(vm: RunningVm) -> None:
    session = attach(vm.address)
    for name in ("source", "target"):
        run_line(session, f"blockdev-add driver=null-co node-name={name} size=64M")
    run_line(session, "blockdev-mirror job-id=j0 device=source target=target sync=full speed=1")

    class Releasing(Indicator):
        """Removes the job's speed limit when its progress is first shown."""

        def update(self, progress: Progress, note: str = "") -> None:
            if not self.updates:
                with vm.second() as other:
                    other.execute("block-job-set-speed", device="j0", speed=0)
            super().update(progress, note)

    indicator = Releasing()
    client, events = session.attachment.client, session.attachment.events
    waiter = Waiter(client, events, time.monotonic() + 60, indicator, print)
    waiter.wait(EventCondition("BLOCK_JOB_READY", {"device": "j0"}))
    assert indicator.updates
    done = [progress.done for progress, _ in indicator.updates]
    assert done == sorted(done)
    assert {progress.total for progress, _ in indicator.updates} == {64 << 20}
    notes = [note for _, note in indicator.updates]
    assert notes[0] == "running"
    assert set(notes) <= {"running", "ready"}, "the last look may come after the job is ready"
    run_line(session, "block-job-cancel device=j0")
    session.attachment.close()


def test_progress_of_a_memory_dump(peer: Peer) -> None:
    """A real dump of so small a VM may have ended before it is asked for the first time."""
    dumping = b'{"return": {"status": "active", "completed": 5, "total": 10}, "id": 2}\r\n'
    completed = b'{"event": "DUMP_COMPLETED", "data": {"result": {}}}\r\n'
    server = peer(GREETING, ACCEPTED, dumping + completed, HOLD)
    session = attach(server.address)
    indicator = Indicator()
    client, events = session.attachment.client, session.attachment.events
    waiter = Waiter(client, events, time.monotonic() + 20, indicator, print)
    waiter.wait(EventCondition("DUMP_COMPLETED", {}))
    assert indicator.updates == [(Progress(5, 10), "active")]
    session.attachment.close()


# Colours


def test_replies_of_scripts_are_coloured_when_asked_for(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "--color", "always", "-c", "query-name")
    key, string, end = "\x1b[36m", "\x1b[32m", "\x1b[0m"
    name = f'{key}"name"{end}: {string}"testvm"{end}'
    assert done.stdout == f'{{{key}"return"{end}: {{{name}}}}}\n'


# A guest agent at the prompt


def test_a_guest_agent_at_the_prompt(terminal: Start, guest_agent: Path) -> None:
    shell = terminal("-w", "20", "--agent", str(guest_agent))
    shell.wait_for("^a guest agent$")
    shell.wait_for_prompt()
    shell.enter("guest-ping")
    shell.wait_for(r'"return": \{\}')
    shell.wait_for_prompt()
