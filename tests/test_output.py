"""Standard output, standard error and logs: nothing is lost, and nothing waits for ever."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmp_shell.errors import Timeout
from qmp_shell.output import Writer
from qmp_shell.prompt.history import PrivateFileHistory
from qmp_shell.session.private_file import open_private
from tests.conftest import NAME_REPLY, Run, RunningVm, StartPeer, StartTerminal, shell_command
from tests.peer import ACCEPTED, GREETING, HOLD

# Fills the buffer of a pipe many times.
LARGE = "x" * 1_000_000
LARGE_REPLY = b'{"return": "%s", "id": 2}' % LARGE.encode()


@contextlib.contextmanager
def unread_pipe() -> Iterator[int]:
    """A pipe that takes nothing, because it is full and nobody reads it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


def start(
    environment: dict[str, str],
    *arguments: str,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*shell_command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment,
    )


# Standard output


def test_a_large_reply_is_written_whole_to_a_pipe_that_does_not_block(
    peer: StartPeer, environment: dict[str, str]
) -> None:
    started = peer(GREETING, ACCEPTED, LARGE_REPLY)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = start(environment, started.address, "-c", "query-name", stdout=writer)
    os.close(writer)
    with open(reader, "rb") as file:
        assert json.loads(file.read()) == {"return": LARGE}
    assert process.wait(20) == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_time_out_ends_writing_to_a_reader_that_has_stopped(
    quiet_vm: RunningVm, environment: dict[str, str], stream: str
) -> None:
    with unread_pipe() as pipe:
        arguments = (quiet_vm.address, "-v", "-t", "0.2", "-c", "query-name")
        process = start(environment, *arguments, **{stream: pipe})
        assert process.wait(20) == 5


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_ctrl_c_ends_writing_to_a_reader_that_has_stopped(
    peer: StartPeer, environment: dict[str, str], stream: str
) -> None:
    """The message that it is about to write has arrived together with others."""
    started = peer(GREETING, ACCEPTED + b'{"event": "A"}{"event": "B"}', HOLD)
    with unread_pipe() as pipe:
        arguments = (started.address, "-v", "-e", "-c", ".sleep 60")
        process = start(environment, *arguments, **{stream: pipe})
        deadline = time.monotonic() + 20
        try:
            while not _is_blocked_in_write(Path(f"/proc/{process.pid}")):
                assert process.poll() is None
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        finally:
            process.kill()


def _is_blocked_in_write(process: Path) -> bool:
    """Whether a process is in a call of write() (the number 1 on x86-64, 64 on others)."""
    call = (process / "syscall").read_text().split()
    return call[0] in ("1", "64") and call[1] in ("0x1", "0x2", "0x4", "0x5", "0x6")


@pytest.mark.parametrize(
    ("line", "status"), [("query-name", 0), ("no-such-command", 1), ("query-name ]=", 2)]
)
def test_exit_statuses_are_kept_when_standard_error_is_full(
    quiet_vm: RunningVm, environment: dict[str, str], line: str, status: int
) -> None:
    with open("/dev/full", "wb") as full:
        process = start(environment, quiet_vm.address, "-c", line, stderr=full.fileno())
        process.communicate(timeout=20)
    assert process.returncode == status


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_wrong_usage_is_known_by_its_status_without_standard_error(
    environment: dict[str, str], redirection: str
) -> None:
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *shell_command(), "--nonesuch"]
    assert subprocess.run(command, env=environment, check=False).returncode == 2


def test_a_full_standard_output_is_told(quiet_vm: RunningVm, environment: dict[str, str]) -> None:
    with open("/dev/full", "wb") as full:
        process = start(environment, quiet_vm.address, "-c", "query-name", stdout=full.fileno())
        errors = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert errors == f"qmp-shell: standard output: {os.strerror(errno.ENOSPC)}\n".encode()


def test_a_file_that_is_full_is_told_with_what_was_done(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", "query-name > /dev/full")
    problem = os.strerror(errno.ENOSPC)
    assert result.stderr == f"qmp-shell: /dev/full: {problem}; the command was executed\n"
    assert result.returncode == 1


def test_a_time_out_ends_writing_to_a_file_that_is_a_pipe_whose_reader_has_stopped(
    peer: StartPeer, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    started = peer(GREETING, ACCEPTED, LARGE_REPLY)
    process = start(environment, started.address, "-t", "3", "-c", f"query-name > {path}")
    output, errors = process.communicate(timeout=20)
    os.close(reader)
    assert (process.returncode, output) == (5, b"")
    told = f"qmp-shell: {path} was not read within 3 s; the command was executed\n"
    assert errors == told.encode()


def test_a_large_reply_is_written_whole_to_a_file_that_is_a_pipe(
    peer: StartPeer, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "fifo"
    os.mkfifo(path)
    started = peer(GREETING, ACCEPTED, LARGE_REPLY)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    process = start(environment, started.address, "-c", f"query-name > {path}")
    os.set_blocking(reader, True)
    with open(reader, "rb") as file:
        assert select.select([file], [], [], 20)[0]
        assert json.loads(file.read()) == {"return": LARGE}
    assert process.wait(20) == 0


def test_no_other_module_writes_to_the_terminal() -> None:
    """What is printed goes through ``output.py``, and only ``render/`` makes text for that."""
    package = Path(__file__).parent.parent / "qmp_shell"
    writes = re.compile(r"(?<!\.)\bprint\(|\bsys\.(?:__)?std(?:out|err)|\bos\.write\(")
    # They look at them, or have an example; the bridge is a program of its own, which is read; and
    # a pipeline is another program's input.
    allowed = {"output.py", "cli.py", "choices.py", "connecting.py", "__init__.py"}
    allowed |= {"libvirt_bridge.py", "pipeline.py"}
    for module in package.rglob("*.py"):
        source = module.read_text()
        assert writes.search(source) is None or module.name in allowed, module
        if module.parent.name != "render" and module.name != "output.py":
            assert "SafeText(" not in source, module


def test_a_writer_gives_up_when_its_reader_has_stopped() -> None:
    with unread_pipe() as pipe, pytest.raises(Timeout, match=r"^p was not read within 0.01 s$"):
        Writer(pipe, "p", timeout=lambda: 0.01).write_bytes(b"x")


# Logs


def test_a_log_that_is_a_pipe_without_a_reader(run: Run, quiet_vm: RunningVm, folder: Path) -> None:
    path = folder / "log"
    os.mkfifo(path)
    done = run(quiet_vm.address, "-l", str(path), "-c", "query-name")
    assert (done.returncode, done.stdout) == (2, "")
    reason = "it is a socket, or nobody reads from it"
    assert done.stderr == f"qmp-shell: {path}: {reason}; no log is kept\n"


def test_a_log_that_is_a_pipe_whose_reader_has_stopped(
    peer: StartPeer, environment: dict[str, str], folder: Path
) -> None:
    path = folder / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    started = peer(GREETING, ACCEPTED, LARGE_REPLY)
    arguments = (started.address, "-t", "3", "-l", str(path), "-c", "query-name")
    process = start(environment, *arguments)
    output, errors = process.communicate(timeout=20)
    os.close(reader)
    assert (process.returncode, output) == (5, b"")
    assert errors == f"qmp-shell: {path} was not read within 3 s\n".encode()


def test_a_log_that_is_a_pipe(run: Run, quiet_vm: RunningVm, folder: Path) -> None:
    path = folder / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert run(quiet_vm.address, "-l", str(path), "-c", "query-name").stdout == NAME_REPLY
    with open(reader) as file:
        assert [json.loads(line)["direction"] for line in file][-2:] == ["sent", "received"]


# Files that only their owner can read


@pytest.fixture
def shared(folder: Path) -> Path:
    """A folder that everybody may write to, like /tmp."""
    path = folder / "shared"
    path.mkdir()
    path.chmod(0o1777)
    return path


def test_a_link_in_a_shared_folder_redirects_no_log(
    run: Run, quiet_vm: RunningVm, folder: Path, shared: Path
) -> None:
    (shared / "log").symlink_to(folder / "victim")
    done = run(quiet_vm.address, "-l", str(shared / "log"), "-c", "query-name")
    assert done.returncode == 2
    assert "is a link that someone else may have made; no log is kept" in done.stderr
    assert not (folder / "victim").exists()


def test_a_link_in_a_shared_folder_redirects_no_history(
    terminal: StartTerminal, quiet_vm: RunningVm, folder: Path, shared: Path
) -> None:
    (folder / "victim").mkdir()
    (shared / "qmp-shell").symlink_to(folder / "victim")
    shell = terminal(quiet_vm.address, XDG_STATE_HOME=str(shared))
    shell.wait_for_prompt()
    text = " ".join(shell.text.split())
    assert "is a link that someone else may have made; no history is kept" in text
    shell.enter("query-name")
    shell.wait_for_prompt()
    assert not list((folder / "victim").iterdir())


def test_a_history_that_is_a_pipe(
    terminal: StartTerminal, quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    path = Path(environment["XDG_STATE_HOME"]) / "qmp-shell/history"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    shell = terminal(quiet_vm.address, columns=200)  # the path may be long
    shell.wait_for_prompt()
    assert "history: not a regular file; no history is kept" in " ".join(shell.text.split())
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')


def test_links_of_ones_own_are_followed(folder: Path) -> None:
    (folder / "link").symlink_to("file")
    os.close(open_private(str(folder / "link")))
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o600


def test_a_link_behind_a_link_is_refused_too(folder: Path, shared: Path) -> None:
    (shared / "inner").symlink_to(folder / "victim")
    (folder / "link").symlink_to(shared / "inner")
    with pytest.raises(OSError, match="may have made"):
        open_private(str(folder / "link"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_link_of_ones_own_to_another_users_file_in_a_shared_folder_is_refused(
    folder: Path, shared: Path
) -> None:
    (shared / "file").touch()
    os.chown(shared / "file", 12345, 12345)
    (folder / "link").symlink_to(shared / "file")
    with pytest.raises(OSError, match="another user's file in a shared folder"):
        open_private(str(folder / "link"))


def test_the_open_files_of_a_process_can_be_named(run: Run, quiet_vm: RunningVm) -> None:
    done = run(quiet_vm.address, "-l", "/dev/stderr", "-c", "query-name")
    assert (done.returncode, done.stdout) == (0, NAME_REPLY)
    assert '"query-name"' in done.stderr


def test_a_link_to_itself_is_refused(folder: Path) -> None:
    (folder / "link").symlink_to("link")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        open_private(str(folder / "link"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_the_file_of_another_user_in_a_shared_folder_is_refused(shared: Path) -> None:
    (shared / "file").touch()
    os.chown(shared / "file", 12345, 12345)
    with pytest.raises(OSError, match="another user's file in a shared folder"):
        open_private(str(shared / "file"))


@pytest.mark.parametrize("path", ["a\0b", "a\ud800", "a\udc80\ud800b"])
def test_a_path_that_is_none(path: str) -> None:
    with pytest.raises(OSError, match="not a valid path"):
        open_private(path)


def test_two_shells_mix_nothing_in_their_history(folder: Path) -> None:
    path = folder / "history"
    code = (
        "import sys; from qmp_shell.prompt.history import PrivateFileHistory\n"
        "history = PrivateFileHistory(sys.argv[1], print)\n"
        "for number in range(100):\n"
        "    history.store_string(f'{sys.argv[2]}{number} ' + 'x' * 20_000 + '\\n' + 'y')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, path, name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    history = PrivateFileHistory(str(path), lambda _: None)
    entries = list(history.load_history_strings())
    rest = "x" * 20_000 + "\ny"
    expected = [f"{name}{number} {rest}" for name in ("a", "b") for number in range(100)]
    assert sorted(entries) == sorted(expected)


@pytest.mark.parametrize("option", ["-h", "--help", "--version"])
def test_help_that_cannot_be_written_is_an_error(environment: dict[str, str], option: str) -> None:
    with open("/dev/full", "wb") as full:
        process = start(environment, option, stdout=full.fileno())
        errors = process.communicate(timeout=20)[1]
    message = f"qmp-shell: standard output: {os.strerror(errno.ENOSPC)}\n".encode()
    assert (process.returncode, errors) == (1, message)
