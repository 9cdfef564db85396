"""Scripts: their output and error messages, where they end, and their exit statuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import qmp_shell
from tests.conftest import (
    NAME_REPLY,
    PipedProcess,
    Run,
    RunningVm,
    StartPeer,
    StartVm,
    require_program,
    shell_command,
)
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.terminal import Terminal
from tests.waiting import wait_until


def test_lines_from_standard_input_are_run(quiet_vm: RunningVm, run: Run) -> None:
    result = run(quiet_vm.address, stdin="# a comment\n\nquery-name\nquery-name")
    assert (result.stdout, result.stderr, result.returncode) == (NAME_REPLY * 2, "", 0)


@pytest.mark.parametrize(
    ("redirected", "is_told"),
    [
        ("| cat", True),
        ("-f - | cat", False),
        ("query-name | cat", False),
        ("</dev/null | cat", False),
    ],
)
def test_lines_that_are_typed_without_a_prompt(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path, redirected: str, is_told: bool
) -> None:
    command = shlex.join([*shell_command(), vm.address])
    shell = Terminal(["/bin/sh", "-c", f"{command} {redirected}"], environment, tmp_path)
    try:
        if is_told:
            shell.wait_for(
                "^qmp-shell: standard output is no terminal, so lines are run as a scrip"
            )
        shell.type("query-name\r\x04")
        assert shell.wait_for_end() == 0
        assert ("is no terminal" in shell.text) == is_told
        assert ('"testvm"' in shell.text) == ("null" not in redirected)
    finally:
        shell.end()


def test_lines_and_files_are_run_in_the_order_of_their_options(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    script = tmp_path / "script.qmp"
    script.write_bytes(b"\xef\xbb\xbfquery-name\r\n{'execute':\r\n 'query-uuid'}\r\n")
    result = run(
        *(quiet_vm.address, "-c", "query-kvm", "-f", str(script), "-f", "-", "-c", "query-name"),
        stdin="query-version\n",
    )
    replies = [json.loads(line)["return"] for line in result.stdout.splitlines()]
    assert [min(reply) for reply in replies] == ["enabled", "name", "UUID", "package", "name"]
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_failed_command_ends_the_script_with_status_1(quiet_vm: RunningVm, run: Run) -> None:
    result = run(quiet_vm.address, stdin="query-name\nnonesuch\nquery-name\n")
    name, error = result.stdout.splitlines(keepends=True)
    assert name == NAME_REPLY
    assert json.loads(error)["error"]["class"] == "CommandNotFound"
    assert result.stderr.startswith("qmp-shell: <stdin>:2: nonesuch: CommandNotFound: ")
    assert result.stderr.count("\n") == 1
    assert result.returncode == 1


def test_arguments_other_than_an_object_are_sent_and_refused(quiet_vm: RunningVm, run: Run) -> None:
    lines = [
        f'{{"execute": "{command}", "arguments": {arguments}}}'
        for command in ("device_add", "human-monitor-command", "query-name")
        for arguments in ("[1]", '"x"', "7", "null")
        for _ in range(2)
    ]
    result = run("-k", quiet_vm.address, stdin="\n".join([*lines, "query-name"]))
    *errors, name = result.stdout.splitlines(keepends=True)
    found = [
        (line, json.loads(error)["error"]["class"])
        for line, error in zip(lines, errors, strict=True)
    ]
    assert found == [(line, "GenericError") for line in lines]
    assert (name, result.returncode) == (NAME_REPLY, 1)
    assert result.stderr.count("\n") == len(lines)
    assert "Traceback" not in result.stderr


def test_keep_going_runs_all_lines_and_returns_the_status_of_the_first_failure(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run("-k", quiet_vm.address, stdin="nonesuch\nquery-name x\nquery-name\n")
    assert result.stdout.endswith(NAME_REPLY)
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "<stdin>:1",
        "<stdin>:2:12",
    ]
    assert result.returncode == 1  # the status of the first failure, not of the second one


@pytest.mark.parametrize(
    ("script", "position", "message"),
    [
        ("query-name\n  query-name oops\n", "<stdin>:2:14", "'oops' has no value"),
        ("test a=[1,\n 2,\n oops]\n", "<stdin>:3:2", "'oops' is not a value"),
        ("\ntest a=[1,\n", "<stdin>:2:8", "never closed"),
        ("query-name \\\n oops", "<stdin>:2:2", "has no value"),
        ("transaction(\nabort\n", "<stdin>:2", "is open at the end"),
        (".nonesuch", "<stdin>:1:1", "no command .nonesuch"),
        (".exit now", "<stdin>:1", "takes no argument"),
        (b"query-name\na=\xff\n", "<stdin>:2:3", "not UTF-8"),
        (b"test a=[1,\n\xff,\n2]\n", "<stdin>:2:1", "not UTF-8"),
    ],
)
def test_a_syntax_error_is_reported_with_its_position_and_status_2(
    quiet_vm: RunningVm, run: Run, script: str | bytes, position: str, message: str
) -> None:
    result = run(quiet_vm.address, stdin=script)
    assert result.stderr.startswith(f"qmp-shell: {position}: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.returncode == 2


def test_a_transaction_with_an_invalid_line_is_not_sent(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-k", quiet_vm.address, stdin="transaction(\nabort oops\n)\nquery-name\n")
    assert result.stdout == NAME_REPLY
    assert "<stdin>:3:1: not sent" in result.stderr
    assert result.returncode == 2


def test_transactions_are_executed_as_a_whole(start_vm: StartVm, run: Run, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    vm = start_vm("-blockdev", f"driver=file,node-name=d0,filename={disk}")
    result = run(
        vm.address,
        stdin="transaction(\nblock-dirty-bitmap-add node=d0 name=b0\n"
        "block-dirty-bitmap-add node=d0 name=b1\n)\n"
        "transaction( block-dirty-bitmap-disable node=d0 name=b0 abort )\n",
    )
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == {"return": {}}
    assert "error" in second
    assert result.returncode == 1


def test_a_transaction_may_extend_over_several_options_but_must_be_closed(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "-c", "transaction(", "-c", ")", "-c", "query-name")
    assert (result.stdout, result.returncode) == ('{"return": {}}\n' + NAME_REPLY, 0)
    result = run(quiet_vm.address, "-c", "transaction(", "-f", "/dev/null")
    assert result.stderr == "qmp-shell: -c 1: a transaction( is open at the end; close it with )\n"
    assert result.returncode == 2


def test_events_are_printed_with_the_option_e_only(vm: RunningVm, run: Run) -> None:
    without = run(vm.address, "-c", "cont", "-c", "stop")
    assert without.stdout == '{"return": {}}\n' * 2
    result = run("-e", vm.address, "-c", "cont", "-c", "stop", "-c", "query-name")
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["event"] for each in messages if "event" in each] == ["RESUME", "STOP"]


def test_events_are_printed_while_the_shell_waits_for_input(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with PipedProcess(*shell_command(), "-e", vm.address, env=environment) as shell:
        shell.write_line("query-name")
        assert shell.read_line() == NAME_REPLY
        vm.run("cont")
        assert json.loads(shell.read_line())["event"] == "RESUME"
        assert shell.close_input() == 0


def test_replies_are_indented_with_pretty_and_one_line_with_compact(
    quiet_vm: RunningVm, run: Run
) -> None:
    assert run("-p", quiet_vm.address, "-c", "query-name").stdout == (
        '{\n  "return": {\n    "name": "testvm"\n  }\n}\n'
    )
    assert run("--compact", quiet_vm.address, "-c", "query-name").stdout == NAME_REPLY


def test_color_always_overrides_no_color_and_auto_means_none_in_a_pipe(
    quiet_vm: RunningVm, run: Run
) -> None:
    coloured = run("--color", "always", quiet_vm.address, "-c", "query-name", NO_COLOR="1").stdout
    assert "\x1b[" in coloured
    assert run("--color=auto", quiet_vm.address, "-c", "query-name").stdout == NAME_REPLY


def test_the_address_is_taken_from_qmp_socket_in_the_environment(
    quiet_vm: RunningVm, run: Run
) -> None:
    assert run("-c", "query-name", QMP_SOCKET=quiet_vm.address).stdout == NAME_REPLY
    assert (
        run("-c", "query-name", QMP_SOCKET=f"unix:{quiet_vm.address},server=on").stdout
        == NAME_REPLY
    )


def test_connect_switches_to_another_vm_unless_a_transaction_is_open(
    start_vm: StartVm, vm: RunningVm, run: Run
) -> None:
    """What is meant for the transaction would be run by itself, and on the other VM."""
    other = start_vm(name="other")
    result = run(vm.address, stdin=f"transaction(\n.connect {other.address}\nquery-name\n")
    assert "<stdin>:2: a transaction( is open for this VM; end it with ) first" in result.stderr
    assert (result.stdout, result.returncode) == ("", 2)
    result = run(
        vm.address,
        stdin=f"query-name\n.connect\nquery-name\n.connect {other.address}\n"
        "query-name\n.connect\nquery-name\n",
    )
    names = [json.loads(line)["return"]["name"] for line in result.stdout.splitlines()]
    assert names == ["testvm", "testvm", "other", "other"]
    assert (result.stderr, result.returncode) == ("", 0)


def test_human_monitor_mode_prints_the_monitors_output(vm: RunningVm, run: Run) -> None:
    result = run("-H", vm.address, stdin="info name\n\nstop\n.qmp\nquery-name\n.hmp info name\n")
    assert result.stdout == f"testvm\n{NAME_REPLY}testvm\n"
    assert (result.stderr, result.returncode) == ("", 0)


def test_exit_ends_a_script_with_status_0(quiet_vm: RunningVm, run: Run) -> None:
    result = run(quiet_vm.address, "-c", "query-name\nexit\nquery-name", "-c", "query-name")
    assert (result.stdout, result.returncode) == (NAME_REPLY, 0)


def test_exit_does_not_hide_that_a_transaction_was_not_sent(quiet_vm: RunningVm, run: Run) -> None:
    result = run(
        quiet_vm.address, "-c", "transaction(\nabort", "-c", "query-name\n.exit", "-c", ")"
    )
    where = "-c 2: a transaction( is open at the end; close it with )"
    assert (result.stdout, result.stderr) == ("", f"qmp-shell: {where}\n")
    assert result.returncode == 2


def test_quit_as_the_last_command_succeeds(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, stdin="quit\n")
    assert (result.stdout, result.stderr, result.returncode) == ('{"return": {}}\n', "", 0)


@pytest.mark.parametrize("options", [[], ["-k"]])
def test_a_lost_connection_ends_a_script_with_status_4(
    peer: StartPeer, run: Run, options: list[str]
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return"')
    result = run(*options, server.address, stdin="test\ntest\n")
    assert result.stdout == ""
    assert result.stderr == (
        "qmp-shell: <stdin>:1: the VM closed the connection in the middle of a message\n"
    )
    assert result.returncode == 4


def test_a_timeout_ends_a_script_with_status_5(peer: StartPeer, run: Run) -> None:
    server = peer(GREETING, ACCEPTED, HOLD)
    result = run("-t", "0.1", server.address, "-c", "slow")
    assert result.stderr == "qmp-shell: slow: no reply within 0.1 s\n"
    assert result.returncode == 5


def test_a_late_reply_is_not_taken_for_the_next_commands_reply(peer: StartPeer, run: Run) -> None:
    server = peer(
        GREETING, ACCEPTED, b"", b'{"return": "late", "id": 2}{"return": "mine", "id": 3}', HOLD
    )
    result = run(
        "-k", "-t", "0.5", server.address, "-c", "slow", "-c", ".set timeout 20", "-c", "test"
    )
    assert result.stdout == '{"return": "mine"}\n'
    assert result.returncode == 5


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_signal_ends_a_script_without_a_message(
    peer: StartPeer, environment: dict[str, str], number: signal.Signals, status: int
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"event": "STARTED"}', HOLD)
    command = [*shell_command(), "-e", server.address, "-c", "slow"]
    with PipedProcess(*command, env=environment) as shell:
        assert "STARTED" in shell.read_line()
        shell.send_signal(number)
        assert shell.wait(20) == status
        assert shell.read_errors() == ""


def test_a_closed_pipe_ends_a_script_with_the_status_of_sigpipe(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    result = subprocess.run(
        [
            *("bash", "-c", '"$0" -m qmp_shell "$1" | head -1; echo ${PIPESTATUS[0]}'),
            *(sys.executable, quiet_vm.address),
        ],
        input=b"query-name\n" * 2000,
        capture_output=True,
        env=environment,
        timeout=60,
        check=True,
    )
    assert result.stdout.decode() == f"{NAME_REPLY}141\n"
    assert result.stderr == b""


def test_a_full_output_device_ends_a_script_with_status_1(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "qmp_shell", quiet_vm.address, "-c", "query-name"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=60,
            check=False,
        )
    assert result.stderr == b"qmp-shell: standard output: No space left on device\n"
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--nonesuch"], 2, "see qmp-shell --help"),
        (["a", "--nonesuch", "b"], 2, "unrecognized arguments: --nonesuch"),
        (["-t", "0", "a"], 2, "'0' is not a number of seconds greater than 0"),
        (["-t", "nan", "a"], 2, "is not a number of seconds"),
        (["nonsense://host/x"], 2, "unknown kind of address"),
        (["--a\x1b[31m\nb"], 2, "unrecognized arguments: --a[31m b; see"),
        (["--demo", "x"], 2, "brings its own VM"),
        (["/nonesuch/vm.sock"], 3, "no such socket"),
    ],
)
def test_invalid_options_and_addresses_are_reported_in_one_line(
    run_here: Run, arguments: list[str], status: int, message: str
) -> None:
    result = run_here(*arguments)
    assert result.returncode == status
    assert message in result.stderr
    assert result.stderr.startswith("qmp-shell: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_script_file_that_cannot_be_opened_is_reported_with_status_2(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "-f", "nonesuch.qmp")
    assert result.stderr == "qmp-shell: nonesuch.qmp: No such file or directory\n"
    assert result.returncode == 2
    result = run(quiet_vm.address, "-f", quiet_vm.address)
    told = f"qmp-shell: {quiet_vm.address}: it is a socket, or nobody reads from it\n"
    assert (result.returncode, result.stderr) == (2, told)


def test_help_and_version_are_printed(run: Run) -> None:
    assert run("--version").stdout.startswith("qmp-shell 0.")
    text = " ".join(run("--help").stdout.split())
    for option in ("--hmp", "--wait [SECONDS]", "--demo", "ADDRESS"):
        assert option in text
    assert "Exit status: 0 all well, 1 a command failed" in text


@pytest.mark.parametrize("name", ["qmp-shell", "qmp-shell-wrap"])
def test_the_programs_are_installed_and_print_their_version(name: str) -> None:
    program = Path(sys.executable).parent / name
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"{name} {qmp_shell.__version__}\n"


def test_set_changes_shows_and_lists_options(quiet_vm: RunningVm, run: Run) -> None:
    result = run(
        quiet_vm.address,
        stdin=".set pretty on\nquery-name\n.set pretty\n.set pretty off\nquery-name\n",
    )
    assert result.stdout == '{\n  "return": {\n    "name": "testvm"\n  }\n}\non\n' + NAME_REPLY
    assert run(quiet_vm.address, "-c", ".set").stdout.splitlines()[2].startswith("events    off   ")


def test_set_refuses_unknown_options_and_invalid_values(quiet_vm: RunningVm, run: Run) -> None:
    messages = {
        ".set nonesuch on": "no setting 'nonesuch'",
        ".set pretty maybe": "pretty is on or off",
        ".set timeout 0": "'0' is not a number of seconds greater than 0",
    }
    result = run("-k", quiet_vm.address, stdin="\n".join(messages))
    assert result.returncode == 2
    for (line, message), error in zip(messages.items(), result.stderr.splitlines(), strict=True):
        assert message in error, line


def test_verbose_shows_messages_without_secrets(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-v", quiet_vm.address, "-c", "set_password protocol=vnc password=hunter2")
    sent = [json.loads(line[2:]) for line in result.stderr.splitlines() if line.startswith("> ")]
    assert [message["execute"] for message in sent] == ["qmp_capabilities", "set_password"]
    assert sent[1]["arguments"] == {"protocol": "vnc", "password": "***"}
    assert '< {"QMP": ' in result.stderr
    assert "hunter2" not in result.stderr


def test_the_log_has_all_messages_without_passwords_and_is_private(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    log = tmp_path / "qmp.log"
    run("-l", str(log), quiet_vm.address, "-c", "set_password protocol=vnc password=hunter2")
    run("-l", str(log), quiet_vm.address, "-c", "query-name")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    exchange = ["sent", "received"]
    run_without_error = ["received", *exchange * 2]  # the greeting, capabilities and the command
    run_with_error = [*run_without_error, *exchange]  # and the schema, for a hint
    assert [each["direction"] for each in entries] == run_with_error + run_without_error
    assert entries[-1]["message"]["return"] == {"name": "testvm"}
    assert entries[-1]["time"].startswith("20")
    assert entries[-1]["time"].endswith("Z")
    assert "hunter2" not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_logging_ends_when_the_disk_is_full_and_the_script_continues(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run("-l", "/dev/full", quiet_vm.address, "-c", "query-name", "-c", ".log off")
    assert result.stderr == "qmp-shell: /dev/full: No space left on device; logging is off\n"
    assert (result.stdout, result.returncode) == (NAME_REPLY, 0)


def test_a_log_file_that_cannot_be_created_ends_the_shell_with_status_2(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run("-l", "/nonesuch/log", quiet_vm.address, "-c", "query-name")
    assert result.stderr == "qmp-shell: /nonesuch/log: No such file or directory; no log is kept\n"
    assert (result.stdout, result.returncode) == ("", 2)


def test_control_characters_from_the_vm_are_escaped_or_removed(peer: StartPeer, run: Run) -> None:
    string = "\x1b]0;owned\x07\x9b31m\x7f"
    reply = json.dumps({"return": string, "id": 2}, ensure_ascii=False).encode()
    server = peer(GREETING, ACCEPTED, reply, reply.replace(b"2}", b"3}"), HOLD)
    result = run(server.address, "-c", "test", "-c", ".hmp x")
    compact, text = result.stdout.splitlines()
    assert json.loads(compact)["return"] == string
    assert compact.isascii()
    assert compact.isprintable()
    assert text == "]0;owned31m"


def test_a_monitor_is_no_guest_agent(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-N", quiet_vm.address, "-c", "guest-ping")
    assert result.returncode == 3
    assert result.stderr.endswith(": this is a QMP monitor, not a guest agent (leave out -N)\n")
    assert result.stderr.count("\n") == 1


def test_a_guest_agent_is_synchronized_and_its_commands_are_executed(
    guest_agent: Path, run: Run
) -> None:
    first = run("-w", "20", "-N", str(guest_agent), "-c", "guest-ping")
    assert (first.stdout, first.returncode) == ('{"return": {}}\n', 0)
    with socket.socket(socket.AF_UNIX) as client:  # and leave half a command
        client.connect(str(guest_agent))
        client.sendall(b'{"execute": "guest-ping"}\n{"execute": "gue')
        assert client.recv(100) == b'{"return": {}}\n'
    result = run("-w", "20", "--agent", str(guest_agent), "-c", "guest-ping", "-c", "nonesuch")
    assert result.stdout.startswith('{"return": {}}\n{"error": ')
    assert result.returncode == 1
    page = run("-w", "20", "-N", str(guest_agent), "-c", "guest-file-open ?").stdout
    assert page.startswith("guest-file-open: a command")
    assert "  path  string" in page.splitlines()
    assert "qemu-ga-ref(7):" in page
    untyped = run("-n", "-w", "20", "-N", str(guest_agent), "-c", "guest-file-close handle=5 x=4G")
    assert '{"handle": 5, "x": "4G"}' in untyped.stdout


def test_the_storage_daemon_executes_commands_and_has_help(folder: Path, run: Run) -> None:
    path = folder / "qsd.sock"
    chardev = f"socket,path={path},server=on,wait=off,id=c"
    daemon = subprocess.Popen(
        [require_program("qemu-storage-daemon"), "--chardev", chardev, "--monitor", "chardev=c"]
    )
    try:
        add = "blockdev-add driver=null-co node-name=n5 size=1M read-only=on"
        result = run("-w", "20", str(path), "-c", add, "-c", "blockdev-del node-name=n5")
        assert (result.returncode, result.stderr) == (0, "")
        page = run("-w", "20", str(path), "-c", "blockdev-add ?").stdout
        assert page.startswith("blockdev-add: a command")
        assert re.search("^  driver  .*enum, required$", page, re.MULTILINE)
        drawn = run(str(path), "-k", "-c", add, "-c", ".tree block", "-c", ".tree pci")
        assert drawn.stdout.splitlines()[1].startswith("n5  null-co  1 MiB  null-co  read-only")
        assert drawn.stderr == ""
    finally:
        daemon.terminate()
        daemon.wait()


def test_a_closed_standard_output_is_an_error_and_a_closed_standard_error_is_not(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    def run_with(redirection: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [
                *("bash", "-c", f'exec "$0" -m qmp_shell "$1" -c query-name -c x {redirection}'),
                *(sys.executable, quiet_vm.address),
            ],
            capture_output=True,
            env=environment,
            timeout=60,
            check=False,
        )

    no_output = run_with(">&-")
    assert no_output.stderr == b"qmp-shell: standard output is closed\n"
    assert no_output.returncode == 1
    no_errors = run_with("2>&-")
    assert no_errors.stdout.startswith(NAME_REPLY.encode())
    assert no_errors.stdout.count(b"\n") == 2
    assert no_errors.returncode == 1


def test_a_pipeline_has_a_standard_error_though_this_one_is_closed(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    line = "query-name | sh -c 'cat; echo warning >&2'"
    command = f'exec "$0" -m qmp_shell "$1" -c "{line}" -c query-name 2>&-'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, vm.address],
        stdout=subprocess.PIPE,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert b"".join(done.stdout.split()).count(b'"testvm"') == 2


def test_characters_that_the_output_encoding_lacks_are_escaped(peer: StartPeer, run: Run) -> None:
    reply = '{"return": "caf\u00e9 \u2603", "id": 2}'.encode()
    server = peer(GREETING, ACCEPTED, reply, HOLD)
    result = run("-H", server.address, "-c", "x", PYTHONIOENCODING="ascii")
    assert (result.stdout, result.stderr) == ("caf\\xe9 \\u2603\n", "")


def test_the_option_w_may_have_a_number_of_seconds(vm: RunningVm, run: Run) -> None:
    assert run("-w", vm.address, "-c", "query-name").stdout == NAME_REPLY
    assert run(vm.address, "-w", "-c", "query-name").stdout == NAME_REPLY
    assert run("-w5", vm.address, "-c", "query-name").stdout == NAME_REPLY
    result = run("-w", "soon", vm.address, "-c", "query-name")
    assert result.stderr == (
        "qmp-shell: -w takes a number of seconds, not 'soon'; an address goes behind -w --\n"
    )
    assert run("-w", "0.1", "/nonesuch/vm.sock").returncode == 3


def test_the_end_of_the_vm_while_waiting_for_input_is_reported_with_status_4(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    with PipedProcess(*shell_command(), "-e", vm.address, env=environment) as shell:
        shell.write_line("query-name")
        assert shell.read_line() == NAME_REPLY
        vm.run("cont")
        assert json.loads(shell.read_line())["event"] == "RESUME"
        vm.close()
        assert shell.wait(20) == 4
        assert shell.read_errors() == "qmp-shell: the VM closed the connection\n"


def test_the_vm_is_listened_to_while_a_fifo_has_no_line(
    vm: RunningVm, environment: dict[str, str], folder: Path
) -> None:
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    command = [*shell_command(), "-e", vm.address, "-f", str(fifo)]
    with PipedProcess(*command, env=environment) as shell, fifo.open("wb", 0) as script:
        script.write(b"query-name\n")
        assert shell.read_line() == NAME_REPLY
        vm.shut_down()
        assert json.loads(shell.read_line())["event"] == "SHUTDOWN"
        assert shell.wait(20) == 4
        assert shell.read_errors() == "qmp-shell: the VM closed the connection\n"


def test_a_closed_standard_input_is_an_empty_script(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    result = subprocess.run(
        ["bash", "-c", 'exec "$0" -m qmp_shell "$1" <&-', sys.executable, quiet_vm.address],
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "query-name"],
        ["query-name"],
        ["qom-list", "path=/machine"],
        ["-c", "query-name > /dev/null"],
        ["-H", "info", "name"],
        ["-c", ".hmp info name"],
        ["-c", ".set events on", "-c", ".sleep 0.01", "-c", ".log"],
        ["-e", "-k", "-t", "20", "-c", "query-name"],
    ],
)
def test_scripts_import_no_module_that_only_the_prompt_needs(
    quiet_vm: RunningVm, environment: dict[str, str], arguments: list[str]
) -> None:
    code = (
        "import sys, argparse, json, select, socket;"
        "argparse.ArgumentParser().add_argument('-x'); own = set(sys.modules);"
        "from qmp_shell.cli import main; status = main(sys.argv[1:]);"
        "print(status, sorted({'prompt_toolkit', 'pygments', 'asyncio', 'rich', 'tqdm', 'inspect',"
        " 'dataclasses', 'typing', 'pathlib', 'subprocess', 'tempfile', 'qmp_shell.schema',"
        " 'qmp_shell.complete', 'difflib'}"
        " & set(sys.modules) - own), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", code, quiet_vm.address, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )
    assert result.stderr == "0 []\n"


# A line, and how the hint about the VM's error begins.
HINTS = (
    ("device_dle id=x", "did you mean device_del or device_add?)"),
    ("device_del idd=x", "no argument idd; did you mean id?"),
    ("set_link name=x", "write set_link name=x up=...)"),
    ("set_link name=x up=5", "up must be true or false"),
    ("watchdog-set-action action=pasue", "did you mean pause?)"),
    ("balloon value=12x", "value must be an integer"),
    ("query-status a=1", "it takes no arguments)"),
    (
        "blockdev-add driver=raw file.driver=file file.filname=x",
        "no argument file.filname; did you mean file.filename?",
    ),
    ("blockdev-add driver=qcow2 file.filename=/x", "write blockdev-add driver=qcow2 "),
    ("device_add driver=e1000 iid=x", "did you mean id?)"),
    ("x-query-roms a=1", "it takes no arguments; x-query-roms is unstable)"),
    ("device_add driver=e1001", "did you mean e1000 or"),
    ("transaction( abrot )", "did you mean abort?)"),
    (
        "transaction( block-dirty-bitmap-add node=a nam=b )",
        "block-dirty-bitmap-add: no argument nam; did you mean name?",
    ),
    ("nbd-server-stop", "nbd-server-start starts it"),
    (
        "chardev-add id=c backend.type=socket backend.data.path=/x",
        "no argument backend.data.path)",
    ),
)


def test_a_hint_explains_why_the_vm_refused_a_command(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_text("".join(f"{line}\n" for line, _ in HINTS))
    result = run("-k", quiet_vm.address, "-f", "lines")
    assert result.returncode == 1
    errors = result.stderr.splitlines()
    assert len(errors) == len(HINTS), result.stderr
    for (line, hint), error in zip(HINTS, errors, strict=True):
        assert f"(hint: {hint}" in error, line


def test_a_conflict_of_permissions_names_both_users_of_the_node(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("n0")
    add = "device_add driver=virtio-blk-pci drive=n0 id="
    assert run(vm.address, "-c", f"{add}disk0").returncode == 0
    error = run(vm.address, "-c", f"{add}disk1").stderr
    hint = re.search(r"\(hint: (.*)\)$", error)
    assert hint is not None
    assert re.fullmatch(
        "block device '.*disk[01].*' wants 'write' on n0 as its root, which block device "
        r"'.*disk[01].*' does not share \(it uses n0 as its root\); \.tree block n0 shows both",
        hint[1],
    )


def test_an_error_that_the_schema_does_not_explain_has_no_hint(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "-c", "device_del id=x")
    assert "DeviceNotFound" in result.stderr
    assert "hint" not in result.stderr


def test_a_hint_suggests_an_existing_name_similar_to_a_missing_one(vm: RunningVm, run: Run) -> None:
    run(vm.address, "-c", "object-add qom-type=iothread id=iothread0")
    result = run(vm.address, "-c", "object-del id=iothraed0")
    assert "(hint: did you mean iothread0?)" in result.stderr


def test_a_dry_run_prints_messages_and_sends_none_of_them(quiet_vm: RunningVm, run: Run) -> None:
    script = (
        "stop\n"
        "transaction(\n"
        "abort\n"
        ")\n"
        '{"execute": "cont", "id": 7}\n'
        ".hmp info status\n"
        "query-status\n"
    )
    result = run("-n", quiet_vm.address, stdin=script)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        '{"execute": "stop"}',
        '{"execute": "transaction", "arguments": {"actions": [{"type": "abort", "data": {}}]}}',
        '{"execute": "cont", "id": 7}',
        '{"execute": "human-monitor-command", "arguments": {"command-line": "info status"}}',
        '{"execute": "query-status"}',
    ]
    status = json.loads(run(quiet_vm.address, "-c", "query-status").stdout)["return"]["status"]
    assert status == "prelaunch"


def test_a_dry_run_reports_the_errors_of_all_lines(run: Run, schema_file: Path) -> None:
    script = "stopp\nset_link name=5 up=yes\ndevice_add driver=x foo=1\ndevice_del\na=\n"
    result = run("--schema", str(schema_file), stdin=script)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr.splitlines() == [
        "qmp-shell: <stdin>:1: stopp: no command stopp; did you mean stop?",
        "qmp-shell: <stdin>:4: device_del: missing: id",
        "qmp-shell: <stdin>:5:1: a command's name comes first, then key=value",
    ]


def test_an_invalid_schema_file_is_reported_with_status_2(run_here: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in ("[]", "{", "[1, {}]", '{"return": 5}'):
        file.write_text(content)
        result = run_here("--schema", str(file), "-c", "stop")
        assert "this is not a QMP schema" in result.stderr, content
        assert result.returncode == 2
    result = run_here("--schema", str(tmp_path / "none"), "-c", "stop")
    assert "No such file" in result.stderr
    assert result.returncode == 2
    result = run_here("--schema", str(file), "vm.sock")
    assert "no ADDRESS" in result.stderr
    assert result.returncode == 2


def test_the_schema_is_queried_for_ambiguous_words_and_dry_runs_only(
    vm: RunningVm, run: Run
) -> None:
    def log(line: str, *options: str) -> str:
        return run("--no-cache", "-l", "/dev/stderr", *options, vm.address, "-c", line).stderr

    assert "query-qmp-schema" not in log("object-add qom-type=iothread id=io0")
    assert "query-qmp-schema" in log("set_link name=5 up=on")
    assert "query-qmp-schema" in log("stop", "-n")


def test_a_reply_is_piped_into_a_shell_command_whose_failure_is_reported(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "-c", "query-name | tr a-z A-Z", "-c", "query-name|wc -l")
    assert result.stdout == '{"RETURN": {"NAME": "TESTVM"}}\n1\n'
    assert (result.stderr, result.returncode) == ("", 0)
    result = run(quiet_vm.address, "-c", "query-name | exit 3", "-c", "query-name")
    assert (result.returncode, result.stdout) == (1, "")
    assert "the pipeline ended with status 3" in result.stderr
    result = run(quiet_vm.address, "-c", "no-such-command | cat")
    assert "CommandNotFound" in result.stdout
    assert result.returncode == 1


def test_a_pipeline_need_not_read_its_input(quiet_vm: RunningVm, run: Run) -> None:
    result = run(quiet_vm.address, "-c", "query-qmp-schema | true", "-c", "query-name")
    assert (result.returncode, result.stdout) == (0, NAME_REPLY)


def test_redirections_send_file_descriptors(vm: RunningVm, run: Run, tmp_path: Path) -> None:
    disk, pipe = tmp_path / "some disk", tmp_path / "pipe"
    disk.write_bytes(b"x" * 65536)
    os.mkfifo(pipe)
    script = (
        f'add-fd fdset-id=1 <>"{disk}"\n'
        "query-fdsets\n"
        "blockdev-add driver=raw node-name=d0 file.driver=file file.filename=/dev/fdset/1\n"
        "query-named-block-nodes flat=on | grep -c /dev/fdset/1\n"
        f'getfd fdname=out <>"{pipe}"\n'
        "migrate uri=fd:out\n"
        ".wait migration timeout=30\n"
    )
    stream: list[bytes] = []
    reader = threading.Thread(target=lambda: stream.append(pipe.read_bytes()))
    reader.start()
    result = run(vm.address, stdin=script)
    assert result.stderr == ""
    assert result.returncode == 0
    reader.join(20)
    assert stream[0].startswith(b"QEVM")
    result = run(vm.address, "-c", f"getfd fdname=f <{tmp_path}/none")
    assert "No such file" in result.stderr
    assert result.returncode == 2


def test_redirections_are_refused_on_a_tcp_connection(
    start_vm: StartVm, run: Run, port: int
) -> None:
    start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    result = run(f"127.0.0.1:{port}", "-c", "getfd fdname=f </dev/null")
    assert "UNIX socket only" in result.stderr
    assert result.returncode == 2


def test_oob_executes_a_command_out_of_band(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-v", quiet_vm.address, "-c", ".oob migrate-pause")
    assert '"exec-oob": "migrate-pause"' in result.stderr
    assert "only supported during postcopy" in result.stdout
    result = run(quiet_vm.address, "-c", ".oob")
    assert "write .oob COMMAND" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("line", [".commands", ".help stop", "set_link name=5 up=on"])
def test_the_timeout_applies_to_queries_of_the_shell_itself(
    peer: StartPeer, run: Run, line: str
) -> None:
    server = peer(GREETING, ACCEPTED, HOLD)
    result = run("-t", "0.3", server.address, "-c", line)
    assert "no reply within 0.3 s" in result.stderr
    assert result.returncode == 5


def test_an_error_reply_before_a_lost_connection_is_reported_as_the_error(
    peer: StartPeer, run: Run
) -> None:
    refused = b'{"error": {"class": "GenericError", "desc": "no"}, "id": 2}'
    result = run(peer(GREETING, ACCEPTED, refused).address, "-c", "stop")
    assert (result.returncode, result.stderr) == (1, "qmp-shell: stop: GenericError: no\n")


def test_qom_set_accepts_a_structure_as_its_value(vm: RunningVm, run: Run) -> None:
    run(vm.address, "-c", "object-add qom-type=throttle-group id=g0")
    line = "qom-set path=/objects/g0 property=limits value.iops-total=100"
    assert run("-n", vm.address, "-c", line).stderr == ""
    assert run(vm.address, "-c", line).returncode == 0


@pytest.mark.parametrize(
    "entries",
    [
        [{"name": "1", "meta-type": "object", "members": [], "tag": ["x"]}],
        [
            {
                "name": "1",
                "meta-type": "object",
                "tag": "t",
                "variants": [{"case": "a", "type": "1"}],
            }
        ],
        [
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "t", "type": "str"}, {"name": "a", "type": "2"}],
                "tag": "t",
                "variants": [{"case": "5", "type": "1"}],
            },
            {"name": "2", "meta-type": "array", "element-type": "2"},
        ],
        [
            {"name": "1", "meta-type": "object", "members": [{"name": "a", "type": "2"}]},
            {"name": "2", "meta-type": "alternate", "members": [{"type": "2"}]},
        ],
        [{"name": "1", "meta-type": "object", "members": [{"name": "a", "type": "1"}]}],
        [{"name": "1", "meta-type": "object", "members": 5, "variants": [3]}, 7],
    ],
)
def test_an_inconsistent_schema_does_not_crash_the_shell(
    run_here: Run, tmp_path: Path, entries: list[object]
) -> None:
    command = {"name": "test", "meta-type": "command", "arg-type": "1", "ret-type": "2"}
    transaction = {**command, "name": "transaction"}
    saved = tmp_path / "schema"
    saved.write_text(json.dumps([command, transaction, *entries]))
    statuses = {
        "test t=5 a.0.0=5": 1,
        "test t=a a=on": 1,
        "test ?": 0,
        "transaction( test a=5 )": 1,
    }
    for line, status in statuses.items():
        result = run_here("--schema", str(saved), "-c", line)
        assert (result.returncode, "Traceback" in result.stderr) == (status, False), line


def test_an_error_in_a_sourced_script_is_reported_with_that_scripts_name(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "inner").write_text("query-name\nno-such-command\nquery-kvm\n")
    (tmp_path / "outer").write_text("# comment\n.source inner\nquery-uuid\n")
    result = run(quiet_vm.address, "-f", "outer")
    assert result.returncode == 1
    assert result.stderr.startswith("qmp-shell: inner:2: no-such-command: CommandNotFound: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout.startswith(NAME_REPLY)
    assert "UUID" not in result.stdout
    result = run("-k", quiet_vm.address, "-f", "outer")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "enabled" in result.stdout
    assert "UUID" in result.stdout
    (tmp_path / "inner").write_text('query-name a="\n')
    result = run(quiet_vm.address, "-c", ".source inner")
    assert (result.returncode, result.stderr) == (
        2,
        "qmp-shell: inner:1:14: this string is never closed\n",
    )


def test_sourcing_a_file_that_does_not_exist_is_an_error_of_the_outer_script(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "outer").write_text("query-name\n.source none\n")
    result = run(quiet_vm.address, "-f", "outer")
    assert result.stderr == "qmp-shell: outer:2: none: No such file or directory\n"
    assert result.returncode == 2
    result = run(quiet_vm.address, "-c", ".source")
    assert "write .source FILE" in result.stderr
    assert result.returncode == 2


def test_a_script_that_sources_itself_ends_at_a_depth_of_16(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "loop").write_text("query-name\n.source loop\n")
    result = run(quiet_vm.address, "-f", "loop")
    assert result.returncode == 2
    assert result.stderr == "qmp-shell: loop:2: loop: scripts are nested more than 16 deep\n"
    assert result.stdout == NAME_REPLY * 17


def test_exit_in_a_sourced_script_ends_the_outer_script_too(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "inner").write_text("query-name\n.exit\nquery-name\n")
    result = run(quiet_vm.address, "-c", ".source inner", "-c", "query-name")
    assert (result.returncode, result.stdout) == (0, NAME_REPLY)


def test_a_connection_lost_in_a_sourced_script_is_reported_once_with_status_4(
    vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "inner").write_text("quit\n.wait SHUTDOWN timeout=20\nquery-name\n")
    result = run("-k", vm.address, "-c", ".source inner", "-c", "query-name")
    assert result.returncode == 4
    assert result.stderr.count("\n") == 1
    assert "inner:" in result.stderr


def test_a_nul_byte_in_a_line_is_an_error(quiet_vm: RunningVm, run: Run) -> None:
    lines = ("query-status | echo a\0b", ".source a\0b", "getfd fdname=f <a\0b", ".log a\0b")
    result = run("-k", quiet_vm.address, stdin="\n".join(lines))
    assert result.returncode == 2
    errors = result.stderr.splitlines()
    assert [error.split(":")[2] for error in errors] == ["1", "2", "3", "4"]
    assert [
        line for line, error in zip(lines, errors, strict=True) if "NUL byte" not in error
    ] == []


def test_sigint_during_a_pipeline_ends_the_script_with_status_130(
    quiet_vm: RunningVm, environment: dict[str, str]
) -> None:
    command = [*shell_command(), quiet_vm.address]
    lines = ["-c", "query-name | (echo started; sleep 60)", "-c", "query-name"]
    with subprocess.Popen(
        [*command, *lines], stdout=subprocess.PIPE, env=environment, start_new_session=True
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"started\n"
        os.killpg(shell.pid, signal.SIGINT)
        assert shell.wait(20) == 130
        assert shell.stdout.read() == b""


def test_dot_commands_accept_quotes_and_comments(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "a script").write_text("query-name\n")
    result = run(quiet_vm.address, "-c", ".sleep 0.01 # seconds", "-c", '.source "a script" # file')
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


@pytest.mark.parametrize(
    "arguments", [("-c", ".source /dev/zero"), ("-f", "/dev/zero"), ("--schema", "/dev/zero")]
)
def test_a_file_without_end_is_given_up(
    quiet_vm: RunningVm, run: Run, arguments: tuple[str, ...]
) -> None:
    address = () if "--schema" in arguments else (quiet_vm.address,)
    done = run(*address, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"qmp-shell: /dev/zero: (?:a line of more|this is too long).*\n", done.stderr
    )


def test_an_input_that_does_not_block_is_waited_for(
    schema_file: Path, environment: dict[str, str]
) -> None:
    """As that of a terminal or pipe which another program has set so."""
    theirs, ours = os.pipe()
    os.set_blocking(theirs, False)
    with subprocess.Popen(
        [*shell_command(), "--schema", str(schema_file)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        env=environment,
    ) as shell:
        os.close(theirs)
        assert shell.stdout is not None
        state = Path(f"/proc/{shell.pid}/stat")
        with open(ours, "wb", buffering=0) as script:
            script.write(b"query-name\n")
            assert shell.stdout.readline() == b'{"execute": "query-name"}\n'
            wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] in "SZ")
            script.write(b"query-status\n")
        assert shell.stdout.read() == b'{"execute": "query-status"}\n'
        assert shell.wait(20) == 0


def test_an_input_without_end_is_given_up(quiet_vm: RunningVm, environment: dict[str, str]) -> None:
    with open("/dev/zero", "rb") as zeros:
        done = subprocess.run(
            [*shell_command(), quiet_vm.address],
            stdin=zeros,
            capture_output=True,
            env=environment,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == b"qmp-shell: <stdin>: a line of more than 64 MiB\n"


def test_an_error_says_in_which_of_several_lines_it_is(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-k", "-c", "x", "-c", "query-name", "-c", "query-name =")
    first, second = result.stderr.splitlines()
    assert first.startswith("qmp-shell: -c 1: x: CommandNotFound: ")
    assert second.startswith("qmp-shell: -c 3: column 12: a key is missing")
    assert run(vm.address, "-c", "x").stderr.startswith("qmp-shell: x: CommandNotFound: ")


def test_comments_are_not_sent_to_the_human_monitor(vm: RunningVm, run: Run) -> None:
    result = run("-H", vm.address, stdin="# a comment\ninfo name\n  # another one\n")
    assert (result.stdout, result.stderr, result.returncode) == ("testvm\n", "", 0)


def test_a_script_that_waits_for_events_ends_with_the_vm_while_it_sleeps(
    vm: RunningVm, environment: dict[str, str]
) -> None:
    shell = PipedProcess(*shell_command(), vm.address, "-e", env=environment)
    shell.write_line("query-name")
    shell.read_line()
    shell.write_line(".sleep 1000")
    vm.close()
    assert "the VM closed the connection" in shell.read_errors()
    assert shell.close_input() == 4


def test_a_cpu_stays_selected(start_vm: StartVm, run: Run) -> None:
    lines = ("cpu 1", ".qmp", ".hmp", "info cpus")
    result = run("-H", start_vm("-smp", "2").address, stdin="\n".join(lines))
    assert re.search(r"^\* CPU #1:", result.stdout, re.MULTILINE)
