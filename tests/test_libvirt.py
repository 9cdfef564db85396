"""``libvirt:`` and ``libvirt-agent:`` with a real libvirtd, whose VMs have no guest."""

from __future__ import annotations

import ast
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qmp_shell
from qmp_shell.discovery import FoundMonitor, read_vm
from qmp_shell.errors import AddressError, ConnectError, ConnectionLost
from qmp_shell.messages import CommandError
from qmp_shell.transport import libvirt as transport
from qmp_shell.transport import parse_address, program
from qmp_shell.transport.libvirt import LibvirtAddress
from qmp_shell.transport.libvirt_agent import LibvirtAgentAddress
from tests.conftest import Run, StartTerminal, lack, require_program, shell_command
from tests.guest_port import GuestPort
from tests.libvirt_daemon import Domain, LibvirtDaemon
from tests.ssh_server import SshServer
from tests.terminal import Terminal
from tests.waiting import wait_until

BRIDGE = Path(transport.__file__).with_name("libvirt_bridge.py")
SYSTEM_PYTHON = "/usr/bin/python3"
MODULES = ("libvirt.py", "libvirt_qemu.py", "libvirtmod*.so")
NAME_REPLY = '{"return": {"name": "web1"}}\n'
NOTE = "note: libvirt marks the domain as tainted: it may miss what you change here"

StartDaemon = Callable[[], LibvirtDaemon]
StartDomain = Callable[..., Domain]


def new_folder() -> Path:
    """A folder that others can read, too, and whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="qmp-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def new_daemon(qemu: str) -> Iterator[StartDaemon]:
    """A function that starts a libvirtd."""
    require_program("virsh")
    program = require_program("libvirtd")
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as cache:
        yield lambda: LibvirtDaemon(program, qemu, new_folder(), Path(cache))


@pytest.fixture(scope="session")
def daemon(new_daemon: StartDaemon) -> Iterator[LibvirtDaemon]:
    """A libvirtd that all tests share."""
    started = new_daemon()
    yield started
    started.end()


@pytest.fixture
def other_daemon(new_daemon: StartDaemon) -> Iterator[LibvirtDaemon]:
    """A libvirtd for one test, which may end it."""
    started = new_daemon()
    yield started
    started.end()


@pytest.fixture(scope="session")
def web1(daemon: LibvirtDaemon) -> Domain:
    """A VM that all tests share, so they must not end it."""
    return daemon.start_domain("web1")


@pytest.fixture
def start_domain(daemon: LibvirtDaemon) -> Iterator[StartDomain]:
    """A function that starts a VM; it ends with the test."""
    started: list[Domain] = []

    def start(name: str = "") -> Domain:
        started.append(daemon.start_domain(name or f"vm-{uuid.uuid4().hex[:6]}"))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def domain(start_domain: StartDomain) -> Domain:
    """A VM for one test, which may end it."""
    return start_domain()


@pytest.fixture(scope="session")
def libvirt_module(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with libvirt's module, and nothing else that the system's Python has."""
    code = "import libvirt; print(libvirt.__file__)"
    command = [SYSTEM_PYTHON, "-I", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        lack("libvirt's module for Python (python3-libvirt)")
    folder = tmp_path_factory.mktemp("module")
    for pattern in MODULES:
        for path in Path(found.stdout.strip()).parent.glob(pattern):
            (folder / path.name).symlink_to(path)
    return str(folder)


@pytest.fixture
def environment(environment: dict[str, str], libvirt_module: str) -> dict[str, str]:
    """With libvirt's module beside the shell's, as if both were installed together."""
    return environment | {"PYTHONPATH": libvirt_module}


def has_bridge(domain: Domain) -> bool:
    """Whether a program between a shell and a domain runs."""
    pattern = f"libvirt_bridge.py .* {domain.name}$"
    command = ["pgrep", "-f", pattern]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def wait_in_shell(
    domain: Domain, environment: dict[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """Start the shell as a script that is attached, and waits for something that never comes."""
    shell = subprocess.Popen(
        [*shell_command(), domain.address, "-c", "query-name", "-c", ".wait POWERDOWN"],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert shell.stdout is not None
    assert domain.name.encode() in shell.stdout.readline()
    return shell


# Lines, replies and events


def test_the_monitor_of_a_domain_is_reached(web1: Domain, run: Run) -> None:
    lines = ("-c", "query-name", "-c", "qom-get path=/machine property=type")
    result = run(web1.address, *lines, "-c", ".hmp info name")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(NAME_REPLY + '{"return": "pc-i440fx-')
    assert result.stdout.endswith("\nweb1\n")


def test_the_bridge_runs_in_the_python_of_the_system(web1: Domain, run: Run) -> None:
    assert run(web1.address, "-c", "query-name", PYTHONPATH="").stdout == NAME_REPLY


def test_a_domain_can_be_named_by_its_uuid_and_its_id(
    web1: Domain, daemon: LibvirtDaemon, run: Run
) -> None:
    for name in (web1.virsh("domuuid"), web1.virsh("domid")):
        assert run(f"libvirt:{daemon.uri}#{name}", "-c", "query-name").stdout == NAME_REPLY


def test_a_name_that_looks_like_a_number_is_a_name(
    web1: Domain, start_domain: StartDomain, run: Run
) -> None:
    other = start_domain(web1.virsh("domid"))
    assert json.loads(run(other.address, "-c", "query-name").stdout) == {
        "return": {"name": other.name}
    }


def test_without_a_uri_libvirt_s_default_is_used(
    web1: Domain, daemon: LibvirtDaemon, run: Run
) -> None:
    result = run(f"libvirt:{web1.name}", "-c", "query-name", LIBVIRT_DEFAULT_URI=daemon.uri)
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


def test_a_name_may_hold_what_has_a_meaning_elsewhere(
    daemon: LibvirtDaemon, start_domain: StartDomain, run: Run
) -> None:
    name = """-a#b 'c' "$(x)"<>,to"""
    start_domain(name)
    for address in (f"libvirt:{daemon.uri}#{name}", f"libvirt:#{name}"):
        result = run(address, "-c", "query-name", LIBVIRT_DEFAULT_URI=daemon.uri)
        assert json.loads(result.stdout) == {"return": {"name": name}}


def test_errors_of_qemu_arrive_as_qemu_sent_them(web1: Domain, run: Run) -> None:
    result = run(web1.address, "-k", "-c", "query-nme", "-c", "qom-get path=/nowhere property=a")
    errors = [json.loads(line)["error"] for line in result.stdout.splitlines()]
    assert result.returncode == 1
    assert [error["class"] for error in errors] == ["CommandNotFound", "DeviceNotFound"]
    assert "did you mean query-name" in result.stderr


def test_the_id_of_a_command_is_that_of_the_reply(web1: Domain, run: Run) -> None:
    for identity in ('{"a": [1, null]}', "null", '"libvirt-1"'):
        line = f'{{"execute": "query-name", "id": {identity}}}'
        reply = json.loads(run(web1.address, "-c", line).stdout)
        assert reply == {"return": {"name": "web1"}, "id": json.loads(identity)}


def test_events_arrive_as_qemu_sends_them(domain: Domain, run: Run) -> None:
    before = time.time()
    result = run(domain.address, "-e", "-c", "stop", "-c", ".wait STOP")
    events = [json.loads(line) for line in result.stdout.splitlines() if "event" in line]
    assert [event["event"] for event in events] == ["STOP"]
    stamp = events[0]["timestamp"]
    assert before - 1 < stamp["seconds"] + stamp["microseconds"] / 1e6 < time.time() + 1
    assert "data" not in events[0]


def test_events_of_what_others_do_arrive(domain: Domain) -> None:
    with qmp_shell.connect(domain.address, timeout=20) as client:
        domain.virsh("suspend")
        domain.virsh("resume")
        events = client.events(timeout=20)
        assert [next(events).name, next(events).name] == ["STOP", "RESUME"]


def test_events_have_their_data(domain: Domain) -> None:
    with qmp_shell.connect(domain.address, timeout=20) as client:
        for name in ("a", "b"):
            client.execute("blockdev-add", driver="null-co", **{"node-name": name})
        job = {"job-id": "job0", "device": "a", "target": "b", "sync": "full"}
        client.execute("blockdev-mirror", **job)
        event = next(client.events(timeout=20))
        assert event.name == "JOB_STATUS_CHANGE"
        assert event.data == {"id": "job0", "status": "created"}


def test_long_replies_and_many_commands_pass(web1: Domain) -> None:
    with qmp_shell.connect(web1.address, timeout=20) as client:
        assert len(client.execute("query-qmp-schema")) > 500
        message = {"execute": "query-name"}
        requests = [client.post(message) for _ in range(300)]
        for request in requests:
            assert client.answer(request, 20).message == {"return": {"name": "web1"}}


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        (".oob query-name", 1, "libvirt executes no command out-of-band"),
        ("getfd fdname=f </etc/passwd", 2, "descriptors can be sent over a UNIX socket only"),
        (r'qom-get path="/mach\u0000ine" property=type', 1, "no text that contains a NUL charac"),
        (r'qom-get path="/\\u0000" property=type', 1, r"Device '/\u0000' not found"),
    ],
)
def test_what_libvirt_cannot_carry_is_refused(
    web1: Domain, run: Run, line: str, status: int, message: str
) -> None:
    result = run(web1.address, "-c", line)
    assert result.returncode == status
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


# Connecting


def test_what_cannot_be_connected_to_is_told_on_one_line(
    web1: Domain, daemon: LibvirtDaemon, run: Run
) -> None:
    daemon.define_domain("off")
    nowhere = "qemu+unix:///session?socket=/no/such"
    for target, message in {
        f"{daemon.uri}#nobody": "there is no such domain at qemu+unix:///session",
        f"{daemon.uri}#--help": "there is no such domain",
        f"{daemon.uri}#a\nb": "there is no such domain",
        f"{daemon.uri}#+{web1.virsh('domid')}": "there is no such domain",
        f"{daemon.uri}#\udcff": "there is no such domain",
        f"{daemon.uri}#off": "the domain is shut off",
        f"{nowhere}#web1": "'/no/such': No such file or directory; is libvirtd running?",
        "test:///default#test": "test:///default is not a URI of QEMU, but of TEST",
        "no-alias#web1": "libvirt: ",
    }.items():
        result = run(f"libvirt:{target}", "-c", "query-name")
        assert (result.returncode, result.stdout) == (3, ""), result
        assert result.stderr.startswith("qmp-shell: libvirt:"), result
        assert message in result.stderr
        assert result.stderr.count("\n") == 1, result


def test_a_python_without_libvirt_is_told(web1: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SYSTEM_PYTHON", sys.executable)
    with pytest.raises(ConnectError, match=r"libvirt is missing: install the package python3-lib"):
        qmp_shell.connect(web1.address)


def test_a_system_without_python_is_told(web1: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SYSTEM_PYTHON", "/no/python3")
    with pytest.raises(ConnectError, match="libvirt: No such file or directory"):
        qmp_shell.connect(web1.address)


def test_a_libvirtd_that_does_not_answer_is_told(other_daemon: LibvirtDaemon) -> None:
    address = f"libvirt:{other_daemon.uri}#web1"
    os.kill(other_daemon.pid, signal.SIGSTOP)
    with pytest.raises(ConnectError, match="libvirt: no answer of libvirtd within 1 s"):
        qmp_shell.connect(address, greeting_timeout=1)


def test_a_qemu_that_does_not_answer_is_told(domain: Domain) -> None:
    domain.stop_qemu()
    with pytest.raises(ConnectError, match="QEMU is stuck, or libvirt is busy with it: no answer"):
        qmp_shell.connect(domain.address, greeting_timeout=3)  # libvirt's own answers are in time


# The end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_bridge_ends_with_the_shell(
    start_domain: StartDomain,
    environment: dict[str, str],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    domain = start_domain()
    with wait_in_shell(domain, environment, tmp_path) as shell:
        assert has_bridge(domain)
        shell.send_signal(number)
        shell.communicate(timeout=20)
    wait_until(lambda: not has_bridge(domain))


def test_the_bridge_ends_at_once_although_libvirt_waits(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_END_SECONDS", 60.0)
    client = qmp_shell.connect(domain.address, timeout=20)
    domain.stop_qemu()
    client.post({"execute": "query-name"})
    before = time.monotonic()
    client.close()
    assert time.monotonic() - before < 20, "it was ended by a signal"
    assert not has_bridge(domain)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda domain: domain.virsh("destroy"), "the domain was destroyed"),
        (Domain.kill, "QEMU has ended unexpectedly"),
        (lambda domain: os.kill(domain.pid, signal.SIGTERM), "the domain has shut down"),
        (Domain.save, "the domain was saved to a file"),
    ],
)
def test_a_domain_that_ends_is_a_lost_connection(
    domain: Domain,
    environment: dict[str, str],
    tmp_path: Path,
    end: Callable[[Domain], object],
    reason: str,
) -> None:
    with wait_in_shell(domain, environment, tmp_path) as shell:
        end(domain)
        output, errors = shell.communicate(timeout=30)
    assert (shell.returncode, output) == (4, b"")
    assert errors.decode() == f"qmp-shell: -c 2: the connection was lost: libvirt: {reason}\n"


def test_the_end_of_a_domain_is_no_reply_to_a_command(domain: Domain) -> None:
    with qmp_shell.connect(domain.address) as client:
        domain.stop_qemu()
        request = client.post({"execute": "query-name"})
        domain.kill()
        with pytest.raises(ConnectionLost, match="libvirt: QEMU has ended unexpectedly"):
            client.answer(request, 20)


def test_quit_succeeds_however_fast_qemu_ends(start_domain: StartDomain, run: Run) -> None:
    """libvirt does not always read the reply before it notices the end."""
    for _ in range(2):
        result = run(start_domain().address, "-c", "quit", "-c", "query-name")
        assert (result.returncode, result.stdout) == (4, '{"return": {}}\n')
        assert result.stderr.endswith(" lost: libvirt: the domain has shut down\n")


def test_a_libvirtd_that_ends_is_a_lost_connection(
    other_daemon: LibvirtDaemon, environment: dict[str, str], tmp_path: Path
) -> None:
    domain = other_daemon.start_domain("other")
    with wait_in_shell(domain, environment, tmp_path) as shell:
        other_daemon.kill()
        output, errors = shell.communicate(timeout=20)
    assert (shell.returncode, output) == (4, b"")
    assert errors.decode().endswith(": libvirt: libvirtd, or the link to it, has ended\n")


# The conversation of the bridge


@pytest.fixture
def bridge(web1: Domain, daemon: LibvirtDaemon) -> Iterator[Callable[[bytes], Any]]:
    """A function that sends a line to the bridge, and returns what comes back.

    Given nothing, it returns the next message.
    """
    command = [SYSTEM_PYTHON, "-I", str(BRIDGE), "monitor", "", daemon.uri, web1.name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:

        def converse(line: bytes = b"") -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line and line + b"\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield converse


def test_the_bridge_negotiates_as_qemu_does(bridge: Callable[..., Any]) -> None:
    greeting = bridge()["QMP"]
    assert greeting["version"]["qemu"]["major"] >= 7
    assert greeting["capabilities"] == []
    early = bridge(b'{"execute": "query-name", "id": 1}')
    assert early["error"]["class"] == "CommandNotFound"
    assert early["id"] == 1
    for arguments in (b'{"enable": ["oob"]}', b"[]"):
        refused = bridge(b'{"execute": "qmp_capabilities", "arguments": %s}' % arguments)
        assert refused["error"]["class"] == "GenericError"
    assert bridge(b'{"execute": "qmp_capabilities", "arguments": {"enable": []}}') == {"return": {}}
    assert bridge(b'{"execute": "query-name", "id": 2}') == {"return": {"name": "web1"}, "id": 2}
    again = bridge(b'{"execute": "qmp_capabilities", "id": 3}')
    assert again["error"]["class"] == "CommandNotFound"


@pytest.mark.parametrize(
    "line",
    [b"{", b"[1]", b"null", b'{"a": "\xc3"}', b"[" * 100_000, b'{"a": %s}' % (b"9" * 9999)],
    ids=["open", "list", "null", "not UTF-8", "deep", "long number"],
)
def test_what_is_no_command_is_refused_by_the_bridge(
    bridge: Callable[..., Any], line: bytes
) -> None:
    bridge()
    assert "not readable as a JSON object" in bridge(line)["error"]["desc"]
    assert bridge(b'{"execute": "qmp_capabilities"}') == {"return": {}}
    assert "error" in bridge(b'{"execute": 5}')


def test_the_bridge_can_be_run_by_an_older_python() -> None:
    ast.parse(BRIDGE.read_text(), feature_version=(3, 9))


# At the prompt


def test_the_taint_is_told_once_and_only_to_a_person(
    web1: Domain, run: Run, terminal: StartTerminal
) -> None:
    shell = terminal(web1.address)
    shell.wait_for_prompt()
    # The first lines may have scrolled off the screen.
    first, second, *_ = shell.history.splitlines()
    assert first == NOTE
    assert second.startswith("web1, QEMU ")
    shell.enter(".connect")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"web1"')
    assert shell.history.count("tainted") == 1
    result = run(web1.address, "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


def test_the_prompt_completes_types_and_shows_events(
    domain: Domain, terminal: StartTerminal
) -> None:
    shell = terminal(domain.address)
    shell.wait_for_prompt()
    domain.virsh("suspend")
    shell.wait_for(r"^[0-9:.]+ STOP$")
    shell.type("device_add driver=virtio-rng")
    shell.wait_for("^ +virtio-rng-pci")
    shell.interrupt()
    shell.wait_for_prompt()
    domain.virsh("destroy")
    shell.wait_for("lost: libvirt: the domain was destroyed$")


def test_ctrl_c_leaves_the_connection(web1: Domain, terminal: StartTerminal) -> None:
    shell = terminal(web1.address)
    interrupt_a_command(shell)


def interrupt_a_command(shell: Terminal) -> None:
    """Press Ctrl-C while a command runs, and see that the next one is answered."""
    shell.wait_for_prompt()
    shell.enter(".wait POWERDOWN")
    shell.wait_until(lambda: not shell.is_editing, "the command that waits")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"web1"')


# Other hosts


@pytest.fixture
def remote(
    web1: Domain, daemon: LibvirtDaemon, ssh_server: SshServer, environment: dict[str, str]
) -> Callable[[str], str]:
    """Makes the address of a VM of a libvirtd on another host, which is this one."""
    environment["PATH"] = f"{ssh_server.programs}:{environment['PATH']}"
    socket_path = daemon.uri.partition("?")[2]
    return lambda host: f"libvirt:qemu+ssh://{host}/session?{socket_path}#{web1.name}"


def test_a_libvirtd_on_another_host_is_reached(remote: Callable[[str], str], run: Run) -> None:
    result = run(remote("vmhost"), "-c", "query-name")
    assert (result.returncode, result.stdout, result.stderr) == (0, NAME_REPLY, "")


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no-login", "Permission denied (publickey)"),
        ("unknown-key", "Host key verification failed."),
        ("nobody-listens", "ssh: connect to host 127.0.0.1 port 9: Connection refused"),
    ],
)
def test_a_refused_login_is_told_in_ssh_s_own_words(
    remote: Callable[[str], str], run: Run, host: str, message: str
) -> None:
    result = run(remote(host), "-c", "query-name")
    assert (result.returncode, result.stdout) == (3, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_ssh_asks_at_the_terminal_and_ctrl_c_is_not_for_it(
    remote: Callable[[str], str], terminal: StartTerminal
) -> None:
    shell = terminal(remote("asks"))
    shell.wait_for("Enter passphrase for key")
    shell.type("sesame\r")
    interrupt_a_command(shell)


def test_ctrl_c_ends_the_question_for_a_passphrase(
    remote: Callable[[str], str], terminal: StartTerminal, ssh_server: SshServer
) -> None:
    shell = terminal(remote("asks"))
    shell.wait_for("Enter passphrase for key")
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    wait_until(lambda: not find_asking(ssh_server))


def find_asking(server: SshServer) -> list[int]:
    """The processes of ssh that ask for a passphrase."""
    command = ["pgrep", "-f", f"{server.programs.parent}/ssh_config .* asks "]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nobody_asks_for_a_passphrase_once_the_shell_has_ended(
    remote: Callable[[str], str],
    environment: dict[str, str],
    tmp_path: Path,
    ssh_server: SshServer,
    number: signal.Signals,
) -> None:
    """If the shell led the terminal's session, the system would end them, too."""
    command = shlex.join([*shell_command(), remote("asks")])
    outer = Terminal(["/bin/sh", "-c", f"{command}; exec cat"], environment, tmp_path)
    try:
        outer.wait_for("Enter passphrase for key")
        (asking,) = find_asking(ssh_server)
        bridge = parent(asking)
        assert b"libvirt_bridge.py" in Path(f"/proc/{bridge}/cmdline").read_bytes()
        os.kill(parent(bridge), number)
        wait_until(lambda: not find_asking(ssh_server))
    finally:
        outer.end()


# From a zip file


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shell in a zip file, without what it depends on."""
    path = tmp_path_factory.mktemp("archive") / "qmp-shell.pyz"
    package = Path(qmp_shell.__file__).parent
    with zipfile.ZipFile(path, "w") as file:
        for source in (each for each in package.rglob("*") if each.is_file()):
            if source.suffix != ".pyc":
                file.write(source, source.relative_to(package.parent))
        file.write(package / "scripts" / "qmp-shell", "__main__.py")
    return str(path)


def test_a_program_in_a_zip_file_reaches_libvirt(
    web1: Domain,
    remote: Callable[[str], str],
    environment: dict[str, str],
    archive: str,
    tmp_path: Path,
) -> None:
    environment["TMPDIR"] = str(tmp_path)
    for address in (web1.address, remote("vmhost")):
        command = [sys.executable, archive, address, "-c", "query-name"]
        result = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (result.stdout.decode(), result.stderr) == (NAME_REPLY, b"")
    assert list(tmp_path.glob("qmp-shell-*")) == []


@pytest.mark.parametrize("key", ["ctrl-c", "answer"])
def test_a_program_in_a_zip_file_has_ssh_ask(
    remote: Callable[[str], str],
    environment: dict[str, str],
    archive: str,
    tmp_path: Path,
    ssh_server: SshServer,
    key: str,
) -> None:
    environment["TMPDIR"] = str(tmp_path)
    command = [sys.executable, archive, remote("asks"), "-c", "query-name", "-c", ".sleep 60"]
    shell = Terminal(command, environment, tmp_path)
    try:
        shell.wait_for("Enter passphrase for key")
        if key == "answer":
            shell.type("sesame\r")
            shell.wait_for("web1")
        shell.press("ctrl-c")
        assert shell.wait_for_end() == 130
        wait_until(lambda: not find_asking(ssh_server))
        wait_until(lambda: not list(tmp_path.glob("qmp-shell-*")))
    finally:
        shell.end()


def parent(pid: int) -> int:
    """The process that has started another one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


# The guest agent


@pytest.fixture
def agent_port(start_domain: StartDomain, guest_agent: Path) -> Iterator[GuestPort]:
    """What connects a VM with a real guest agent, for there is no guest between the two."""
    domain = start_domain()
    port = GuestPort(domain, guest_agent)
    wait_until(lambda: domain.has_agent)
    yield port
    port.close()


@pytest.fixture
def agent(agent_port: GuestPort) -> Domain:
    """A VM with a real guest agent."""
    return agent_port.domain


def test_a_guest_agent_is_reached(agent: Domain, run: Run) -> None:
    lines = ("guest-ping", "guest-sync id=5", "guest-get-time", "guest-sync-delimited id=6")
    result = run(agent.agent_address, *(word for line in lines for word in ("-c", line)))
    assert (result.returncode, result.stderr) == (0, "")
    replies = [json.loads(line)["return"] for line in result.stdout.splitlines()]
    assert (replies[0], replies[1], replies[3]) == ({}, 5, 6)
    assert abs(replies[2] / 1e9 - time.time()) < 60


def test_errors_of_a_guest_agent_arrive(agent: Domain, run: Run) -> None:
    result = run(agent.agent_address, "-k", "-c", "guest-pnig", "-c", "guest-file-close handle=9")
    errors = [json.loads(line)["error"] for line in result.stdout.splitlines()]
    assert result.returncode == 1
    assert errors[0]["class"] == "CommandNotFound"
    assert errors[1] == {"class": "GenericError", "desc": "handle '9' has not been found"}
    assert "hint: did you mean guest-ping" in result.stderr


def test_an_agent_address_needs_no_option(agent: Domain, terminal: StartTerminal) -> None:
    shell = terminal(agent.agent_address)
    shell.wait_for_prompt()
    assert shell.history.splitlines()[:2] == [NOTE, "a guest agent"]
    shell.enter(f".connect {agent.address}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for(f'"{agent.name}"')
    shell.enter(f".connect {agent.agent_address}")
    shell.wait_for_prompt()
    shell.enter("guest-ping")
    shell.wait_for(r"\{\}")


def test_a_guest_agent_that_is_not_there_is_told(web1: Domain, run: Run) -> None:
    result = run(web1.agent_address, "-c", "guest-ping")
    assert (result.returncode, result.stdout) == (3, "")
    assert "guest agent is not connected" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_guest_agent_of_a_vm_that_is_paused_is_told(agent: Domain) -> None:
    agent.virsh("suspend")
    with pytest.raises(ConnectError, match="domain is not running"):
        qmp_shell.connect(agent.agent_address)


def test_a_guest_agent_that_does_not_answer_is_told(agent_port: GuestPort) -> None:
    agent_port.close()
    with pytest.raises(ConnectError, match=r"libvirt: [Gg]uest agent .*respond"):
        qmp_shell.connect(agent_port.domain.agent_address, greeting_timeout=3)


def test_a_guest_agent_that_answers_no_more_is_told(agent_port: GuestPort) -> None:
    """libvirt synchronizes with it before each command, and waits five seconds for that."""
    with qmp_shell.connect(agent_port.domain.agent_address) as client:
        agent_port.close()
        with pytest.raises(CommandError, match=r"libvirt: [Gg]uest agent .*respond"):
            client.execute("guest-ping")


def test_a_domain_that_ends_during_a_command_of_its_agent_is_told(agent_port: GuestPort) -> None:
    with qmp_shell.connect(agent_port.domain.agent_address) as client:
        agent_port.close()
        request = client.post({"execute": "guest-ping"})
        agent_port.domain.virsh("destroy")
        with pytest.raises(ConnectionLost, match="libvirt: the domain was destroyed"):
            client.answer(request, 20)


def test_a_guest_agent_ends_with_its_domain(agent: Domain) -> None:
    with qmp_shell.connect(agent.agent_address) as client:
        assert client.execute("guest-ping") == {}
        agent.virsh("destroy")
        with pytest.raises(ConnectionLost, match="libvirt: the domain was destroyed"):
            client.execute("guest-ping")


# Addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("libvirt:web1", LibvirtAddress("", "web1")),
        ("libvirt:-x y,server=on", LibvirtAddress("", "-x y,server=on")),
        ("libvirt:#a#b", LibvirtAddress("", "a#b")),
        ("libvirt:qemu:///system#a#b", LibvirtAddress("qemu:///system", "a#b")),
        ("libvirt-agent:host_2#a", LibvirtAgentAddress("host_2", "a")),
        (
            "libvirt:qemu+ssh://me@[fe80::1]:22/system?no_tty=1&keyfile=/k#a",
            LibvirtAddress("qemu+ssh://me@[fe80::1]:22/system?no_tty=1&keyfile=/k", "a"),
        ),
    ],
)
def test_libvirt_addresses_are_parsed(text: str, address: LibvirtAddress) -> None:
    assert parse_address(text) == address
    assert str(address) == text


def test_an_agent_and_a_monitor_are_two_places() -> None:
    assert parse_address("libvirt:a") != parse_address("libvirt-agent:a")


@pytest.mark.parametrize(
    "text",
    [
        "libvirt:",
        "libvirt:#",
        "libvirt:qemu:///system#",
        "libvirt:qemu:///system",
        "libvirt:a/b",
        "libvirt:a\0b",
        "libvirt:-alias#web1",
        "libvirt:qemu:///sys tem#web1",
        "libvirt:qemu:///sys\ntem#web1",
        "libvirt:qemu+ssh://-oProxyCommand=touch%20x/system#web1",
        "libvirt:qemu+ssh://%2doProxyCommand=x/system#web1",
        "libvirt:qemu+ssh://-lroot@host/system#web1",
        "libvirt:qemu+ssh://$(x)/system#web1",
        "libvirt:qemu+libssh2://a;b/system#web1",
        "libvirt:qemu+ssh://host/system?command=/bin/x#web1",
        "libvirt:qemu+ssh://host/system?socket=/a&Comm%61nd=/bin/x#web1",
        "libvirt:qemu+ssh://host/system?socket=/a;netcat=/bin/x#web1",
        "libvirt:qemu+ext:///system#web1",
    ],
)
def test_what_could_be_misunderstood_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


# Found among the VMs of the host


def test_a_domain_is_found_as_one_vm(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.stat(f"/proc/{domain.pid}").st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    vm = read_vm(domain.pid)
    assert vm is not None
    assert (vm.name, vm.manager, vm.memory) == (domain.name, "libvirt", 64 << 20)
    assert vm.machine.startswith("pc")
    assert vm.monitors == (FoundMonitor(f"libvirt:{domain.name}", is_busy=False),)


def test_libvirts_own_monitor_says_that_libvirt_holds_it(
    domain: Domain, daemon: LibvirtDaemon, run: Run
) -> None:
    [path] = daemon.folder.glob(f"**/domain-*-{domain.name}/monitor.sock")
    result = run(str(path), "-c", "query-name")
    assert f"held by PID {daemon.pid} (" in result.stderr
    assert result.returncode == 3
