"""Addresses whose connection is carried by a program: ``exec:COMMAND`` and ``ssh://HOST/PATH``."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell.client import Client
from qmp_shell.errors import AddressError, ConnectError, ConnectionLost, UsageError
from qmp_shell.transport import open_stream, parse_address
from qmp_shell.transport.exec import ExecAddress
from qmp_shell.transport.ssh import SshAddress
from tests.conftest import Run, RunningVm, StartTerminal, StartVm, require_program, shell_command
from tests.peer import ACCEPTED, GREETING
from tests.ssh_server import SshServer
from tests.waiting import wait_until

NAME_REPLY = '{"return": {"name": "testvm"}}\n'
Url = Callable[..., str]
LOGIN_REFUSED = "Permission denied (publickey)."


def relay(vm: RunningVm) -> str:
    """The address of a program that relays a VM's monitor."""
    require_program("socat")
    return f"exec:socat - UNIX-CONNECT:{vm.address}"


def python_program(code: str) -> str:
    """The address of a program that is written in Python."""
    return f"exec:{sys.executable} -c {shlex.quote(code)}"


@pytest.fixture
def environment(
    environment: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> dict[str, str]:
    """With the SSH client of the tests' server, if there is one, and an empty folder."""
    if "ssh_server" in request.fixturenames:
        programs = request.getfixturevalue("ssh_server").programs
        environment["PATH"] = f"{programs}:{environment['PATH']}"
    (tmp_path / "temporary").mkdir()
    return environment | {"TMPDIR": str(tmp_path / "temporary")}


@pytest.fixture
def url(ssh_server: SshServer, vm: RunningVm) -> Url:
    """Makes the address of a VM on another host, which is this one."""
    del ssh_server  # it only has to run

    def make(host: str = "vmhost", path: object = vm.address) -> str:
        return f"ssh://{host}{path}"

    return make


def children(pid: int, name: str) -> list[int]:
    """The processes of a name that a process has started."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid), name], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# exec:


def test_a_program_can_carry_the_connection(vm: RunningVm, run: Run) -> None:
    result = run(relay(vm), "-c", "query-name", "-c", ".wait status=prelaunch")
    assert (result.returncode, result.stdout, result.stderr) == (0, NAME_REPLY, "")


def test_a_program_can_be_named_by_the_environment(vm: RunningVm, run: Run) -> None:
    assert run("-c", "query-name", QMP_SOCKET=relay(vm)).stdout == NAME_REPLY


def test_events_and_long_messages_pass_through_a_program(vm: RunningVm) -> None:
    with qmp_shell.connect(parse_address(relay(vm), programs=True), timeout=20) as client:
        vm.run("cont")
        assert next(client.events(timeout=20)).name == "RESUME"
        assert len(client.execute("query-qmp-schema")) > 500


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("false", "exec:false: false ended with status 1"),
        ("no-such-program", "exec:no-such-program: no-such-program: No such file or directory"),
        ("/", "exec:/: /: Permission denied"),
        ("sh -c 'kill -9 $$'", "exec:sh -c 'kill -9 $$': sh ended by signal 9"),
        ("sh -c 'echo a >&2; echo >&2 \"b\tc\"; exit 3'", ": sh: b\tc\n"),
        ("sh -c 'echo sh: d >&2; exit 3'", "exit 3': sh: d"),
        ("printf '\\033[31mno\\n' /dev/stderr", "the peer does not speak QMP"),
        ("sh -c 'exec >&- <&-; sleep 20 2>/dev/null'", "sh has closed the connection"),
    ],
)
def test_a_program_that_fails_says_why(run: Run, command: str, message: str) -> None:
    result = run(f"exec:{command}", "-c", "query-name")
    assert result.returncode in (3, 4)
    assert result.stdout == ""
    assert result.stderr.startswith("qmp-shell: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_a_program_complains_is_made_safe(run: Run) -> None:
    code = r"import sys; sys.exit('\x1b[31mred\x07\u202e')"
    result = run(python_program(code), "-c", "query-name")
    assert result.returncode == 3
    assert result.stderr.endswith("red\n")
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


def test_a_program_that_complains_without_end_does_not_stop_the_conversation() -> None:
    """What is written to standard error has to be read, or the program waits."""
    code = f"""
import sys
print({GREETING.decode()!r}, flush=True)
for line in sys.stdin:
    sys.stderr.write("x" * 300_000 + "\\n")
    id = line.split('"id":')[1].split("}}")[0]
    print('{{"return": {{}}, "id": ' + id + '}}', flush=True)
sys.exit(f"the last words")
"""
    client = qmp_shell.connect(parse_address(python_program(code), programs=True), timeout=20)
    for _ in range(5):
        assert client.execute("query-name") == {}
    client.close()


def test_a_program_that_ends_is_a_lost_connection(run: Run) -> None:
    code = f"""
import sys
print({GREETING.decode()!r}, flush=True)
input()
print({ACCEPTED.decode()!r}, flush=True)
input()
sys.exit("gone")
"""
    result = run(python_program(code), "-c", "query-name")
    assert result.returncode == 4
    assert result.stderr.startswith("qmp-shell: the connection was lost: ")
    assert result.stderr.endswith(": gone\n")


def test_a_vm_that_ends_behind_a_program_is_told(vm: RunningVm) -> None:
    client = qmp_shell.connect(parse_address(relay(vm), programs=True), timeout=20)
    client.execute("quit")
    with pytest.raises(ConnectionLost, match="the VM closed the connection"):
        list(client.events(timeout=20))


def test_descriptors_cannot_go_through_a_program(vm: RunningVm, run: Run) -> None:
    result = run(relay(vm), "-c", "getfd fdname=f </etc/passwd")
    assert result.returncode == 2
    assert result.stderr == "qmp-shell: descriptors can be sent over a UNIX socket only\n"


def test_a_program_is_run_only_if_the_user_has_said_so(
    vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    result = run(vm.address, "-c", ".connect exec:touch ran")
    assert result.returncode == 2
    assert "'exec:touch ran': a program is run only for an address on the command" in result.stderr
    with pytest.raises(UsageError, match="a program is run only"):
        qmp_shell.connect(f"exec:touch {tmp_path}/ran")
    assert not (tmp_path / "ran").exists()


def test_the_vm_behind_a_program_can_be_attached_again(vm: RunningVm, run: Run) -> None:
    result = run(relay(vm), "-c", ".connect", "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


def test_no_shell_reads_the_command(run: Run, tmp_path: Path) -> None:
    result = run("exec:echo a; touch ran", "-c", "query-name")
    assert result.returncode in (3, 4)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_says_nothing_ends_with_the_shell(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """It reads no input, so it does not notice the end of the connection."""
    command = [*shell_command(), "exec:sleep 300", "-c", "query-name"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE) as shell:
        wait_until(lambda: children(shell.pid, "sleep"))
        (program,) = children(shell.pid, "sleep")
        shell.send_signal(number)
        shell.communicate(timeout=20)
    wait_until(lambda: has_ended(program))


def test_ctrl_c_is_not_for_the_program(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(relay(vm))
    shell.wait_for_prompt()
    shell.enter(".wait SHUTDOWN")
    shell.wait_until(lambda: not shell.is_editing, "the command that waits")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


# ssh://


def test_a_vm_on_another_host_is_reached(url: Url, run: Run) -> None:
    result = run(url(), "-c", "query-name", "-c", ".connect", "-c", "query-name")
    assert (result.returncode, result.stdout, result.stderr) == (0, NAME_REPLY * 2, "")


def test_nothing_of_a_login_is_left(url: Url, vm: RunningVm, run: Run, tmp_path: Path) -> None:
    assert run(url(), "-c", "query-name").returncode == 0
    assert run(url("no-login"), "-c", "query-name").returncode == 3
    assert os.listdir(tmp_path / "temporary") == []
    assert subprocess.run(["pgrep", "-f", vm.address + "$"], check=False).returncode == 1


def test_other_programs_see_no_socket_of_a_login(
    url: Url, terminal: StartTerminal, tmp_path: Path
) -> None:
    shell = terminal(url())
    shell.wait_for_prompt()
    assert os.listdir(tmp_path / "temporary") == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("hosts", [["vmhost"], ["vmhost", "127.0.0.1"]])
def test_nothing_is_left_of_a_login_that_a_signal_ends(
    ssh_server: SshServer,
    environment: dict[str, str],
    tmp_path: Path,
    hosts: list[str],
    number: signal.Signals,
    status: int,
) -> None:
    del ssh_server  # its client is used
    temporary = tmp_path / "temporary"
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as clients:
        silent.settimeout(20)
        port = silent.getsockname()[1]
        addresses = [f"ssh://{host}:{port}/vm.sock" for host in hosts]
        command = [*shell_command(), "-c", "query-name", *addresses]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as shell:
            for _ in hosts:
                # Here ssh waits for what the server says.
                clients.enter_context(silent.accept()[0])
            assert len(os.listdir(temporary)) == len(hosts)
            shell.send_signal(number)
            assert (shell.communicate(timeout=20)[1], shell.returncode) == (b"", status)
    assert os.listdir(temporary) == []


def test_user_port_and_jump_hosts_are_openssh_s(
    url: Url, ssh_server: SshServer, vm: RunningVm, run: Run
) -> None:
    for address in (
        f"ssh://root@nobody-listens:{ssh_server.port}{vm.address}",
        url("jumps"),
        url("127.0.0.1"),
    ):
        result = run(address, "-c", "query-name")
        assert (result.stdout, result.stderr) == (NAME_REPLY, ""), address


def test_a_path_may_hold_what_ssh_has_a_meaning_for(
    url: Url, start_vm: StartVm, folder: Path, run: Run
) -> None:
    odd = folder / r"a:b %h\%d 'c' $HOME"
    vm = start_vm(
        "-chardev", f"socket,id=c,path={odd},server=on,wait=off", "-mon", "c,mode=control"
    )
    del vm
    result = run(url(path=odd), "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no-login", LOGIN_REFUSED),
        ("unknown-key", "Host key verification failed."),
        ("nobody-listens", "ssh: connect to host 127.0.0.1 port 9: Connection refused"),
    ],
)
def test_a_refused_login_is_told_in_ssh_s_own_words(
    url: Url, run: Run, host: str, message: str
) -> None:
    result = run(url(host), "-c", "query-name")
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.startswith(f"qmp-shell: {url(host)}: ssh: ")
    assert result.stderr.endswith(f"{message}\n")
    assert result.stderr.count("\n") == 1


def test_a_socket_that_is_not_there_is_told(url: Url, run: Run) -> None:
    result = run(url(path="/no/such.sock"), "-c", "query-name")
    assert result.returncode == 3
    assert "nobody listens on /no/such.sock there, or this user may not" in result.stderr


def test_a_missing_ssh_is_told(url: Url, run: Run) -> None:
    result = run(url(), "-c", "query-name", PATH="/nowhere")
    assert result.returncode == 3
    assert "the program ssh can't be started; is OpenSSH installed?" in result.stderr


def test_a_lost_link_is_a_lost_connection(
    url: Url, ssh_server: SshServer, environment: dict[str, str], tmp_path: Path
) -> None:
    command = [*shell_command(), url(), "-e", "-c", "cont", "-c", ".wait SHUTDOWN"]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        assert b"RESUME" in shell.stdout.readline() + shell.stdout.readline()
        (client,) = children(shell.pid, "ssh")
        ssh_server.drop_clients()
        _, errors = shell.communicate(timeout=20)
    assert shell.returncode == 4
    assert b"the connection was lost: ssh: " in errors
    wait_until(lambda: has_ended(client))


def test_a_vm_that_ends_on_another_host_is_told(url: Url, run: Run) -> None:
    result = run(url(), "-c", "quit", "-c", ".wait POWERDOWN")
    assert result.returncode == 4
    assert result.stderr == "qmp-shell: -c 2: the VM closed the connection\n"


def test_descriptors_cannot_go_through_ssh(url: Url, run: Run) -> None:
    result = run(url(), "-c", "getfd fdname=f </etc/passwd")
    assert result.returncode == 2
    assert result.stderr == "qmp-shell: descriptors can be sent over a UNIX socket only\n"


def test_ssh_asks_for_a_passphrase_at_the_terminal(url: Url, terminal: StartTerminal) -> None:
    shell = terminal(url("asks"))
    shell.wait_for("Enter passphrase for key")
    shell.type("sesame\r")
    shell.wait_for_prompt()
    assert "sesame" not in shell.text
    shell.enter("query-name")
    shell.wait_for('"testvm"')


def test_ctrl_c_ends_the_question_for_a_passphrase(
    url: Url, terminal: StartTerminal, tmp_path: Path
) -> None:
    shell = terminal(url("asks"))
    shell.wait_for("Enter passphrase for key")
    (client,) = children(shell.pid, "ssh")
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    assert has_ended(client)
    assert os.listdir(tmp_path / "temporary") == []


def test_the_prompt_attaches_to_another_host(
    url: Url, start_vm: StartVm, terminal: StartTerminal
) -> None:
    other = start_vm(name="other")
    shell = terminal(other.address)
    shell.wait_for_prompt()
    shell.enter(f".connect {url('no-login')}")
    shell.wait_for(r"on denied \(publickey\)")
    shell.wait_for_prompt()
    shell.enter(f".connect {url()}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.type("device_add driver=virtio-rng")
    shell.wait_for("^ +virtio-rng-pci")


@pytest.mark.parametrize(
    "text",
    [
        "ssh://-oProxyCommand=touch%20x/q.sock",
        "ssh://-lroot@vmhost/q.sock",
        "ssh://a;b/q.sock",
        "ssh://$(touch x)/q.sock",
        "ssh://`x`@vmhost/q.sock",
        "ssh://a b/q.sock",
        "ssh://vmhost",
        "ssh://vmhost/",
        "ssh:///q.sock",
        "ssh:vmhost/q.sock",
        "ssh://vmhost:0/q.sock",
        "ssh://vmhost:99999/q.sock",
        "ssh://vmhost/a\0b",
        "ssh://vmhost/${HOME}/q.sock",
        "ssh://[::1/q.sock",
        "ssh://@vmhost/q.sock",
    ],
)
def test_what_ssh_could_misunderstand_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://vmhost/run/q.sock", SshAddress("vmhost", "/run/q.sock")),
        ("ssh://u@h:22/a,server=on", SshAddress("h", "/a,server=on", user="u", port=22)),
        (
            "ssh://u@dom.x@[fe80::1%eth0]:22/a",
            SshAddress("fe80::1%eth0", "/a", user="u@dom.x", port=22),
        ),
    ],
)
def test_ssh_addresses_are_parsed(text: str, address: SshAddress) -> None:
    assert parse_address(text) == address
    assert str(parse_address(text)) == text


def test_exec_addresses_are_parsed() -> None:
    address = parse_address("exec:a 'b c',server=on", programs=True)
    assert isinstance(address, ExecAddress)
    assert address.command == ["a", "b c,server=on"]
    assert str(address) == "exec:a 'b c',server=on"
    for text in ("exec:", "exec: ", "exec:'a", "exec:''"):
        with pytest.raises(AddressError):
            parse_address(text, programs=True)


def test_a_program_outlives_the_thread_that_has_started_it(vm: RunningVm) -> None:
    clients: list[Client] = []

    def connect() -> None:
        clients.append(qmp_shell.connect(parse_address(relay(vm), programs=True)))

    thread = threading.Thread(target=connect)
    thread.start()
    number = thread.native_id
    thread.join()
    wait_until(lambda: not os.path.exists(f"/proc/self/task/{number}"))
    with clients[0] as client:
        assert client.execute("query-name") == {"name": "testvm"}


def test_a_program_that_is_dropped_is_ended() -> None:
    """As after an interrupt between its start and its first use."""
    stream = open_stream(parse_address("exec:sleep 300", programs=True), timeout=20)
    (program,) = children(os.getpid(), "sleep")
    del stream
    assert has_ended(program)


@pytest.mark.parametrize("text", ["exec:cat", "exec:no-such-program", "exec:sh -c 'exit 3'"])
def test_no_file_of_a_program_stays_open(text: str) -> None:
    script = """
import contextlib, sys
import qmp_shell
from qmp_shell.transport import parse_address

with contextlib.suppress(qmp_shell.ConnectError):
    qmp_shell.connect(parse_address(sys.argv[1], programs=True), greeting_timeout=0.5)
"""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", script, text],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""


def test_errors_of_the_library_are_its_own() -> None:
    with pytest.raises(ConnectError, match="exec:false: false ended with status 1"):
        qmp_shell.connect(parse_address("exec:false", programs=True))
