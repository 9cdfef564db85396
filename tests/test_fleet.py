"""One script on many VMs at the same time: what is printed, in which order, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.fleet import printer
from qmp_shell.fleet.channel import ChannelReader, Record, format_record
from qmp_shell.fleet.printer import Printer
from qmp_shell.options import parse_arguments
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.many import JOINERS, tag_line
from qmp_shell.render.text import format_compact
from qmp_shell.render.views import FOR_PROGRAMS
from tests.conftest import (
    PipedProcess,
    Run,
    RunningVm,
    StartPeer,
    StartTableVm,
    StartTerminal,
    StartVm,
    shell_command,
)
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.table_vm import Refusal
from tests.waiting import process_state, wait_until

VERSION = "9.0.0"
MARK = b"\0mark\0"


class Names:
    """The configuration file of a test, and the VMs in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, **addresses: str) -> None:
        """Name VMs."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a", encoding="utf-8") as file:
            for name, address in addresses.items():
                file.write(f"[vm.{name}]\naddress = '{address}'\n")
        self._path.chmod(0o600)

    def limit(self, seconds: float) -> None:
        """Write a ``timeout`` for the VM that was added last."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"timeout = {seconds}\n")


@pytest.fixture
def names(environment: dict[str, str]) -> Names:
    return Names(Path(environment["XDG_CONFIG_HOME"]) / "qmp-shell" / "config.toml")


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., PipedProcess]]:
    """A function that starts the shell with pipes; it has ended when the test has."""
    started = []

    def start(*arguments: str) -> PipedProcess:
        started.append(PipedProcess(*shell_command(), *arguments, env=environment))
        return started[-1]

    yield start
    for each in started:
        with each:  # closes its pipes
            each.kill()


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def by_vm(text: str) -> dict[str, list[Any]]:
    """What each VM has returned, or refused, in its order."""
    found: dict[str, list[Any]] = {}
    for line in lines_of(text):
        found.setdefault(line.pop("vm"), []).append(line)
    return found


def processes_of(parent: int) -> list[int]:
    """The processes that a process has started, but for those that have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, ppid = path.read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return process_state(pid) != "Z"
    except OSError:
        return False


# What is printed


def test_each_reply_is_a_line_with_the_name_of_its_vm(
    start_vm: StartVm, run: Run, names: Names
) -> None:
    one, two, three = (start_vm(name=name) for name in ("one", "two", "three"))
    names.add(one=one.address, two=two.address)
    kvm = {"return": {"enabled": False, "present": True}}
    expected = {f"@{name}": [{"return": {"name": name}}, kvm] for name in ("one", "two")}
    for arguments in (
        ("@one", "@two", "-c", "query-name", "-c", "query-kvm"),
        ("-c", "query-name", "@one", "-c", "query-kvm", "@two"),
        ("--all", "-c", "query-name", "-c", "query-kvm"),
    ):
        result = run(*arguments)
        assert by_vm(result.stdout) == expected
        assert (result.stderr, result.returncode) == ("", 0)
    result = run("-c", "query-name", "--all", three.address)
    assert {name: each["return"]["name"] for name, (each,) in by_vm(result.stdout).items()} == {
        "@one": "one",
        "@two": "two",
        three.address: "three",
    }


def test_names_before_a_command_are_addresses(start_vm: StartVm, run: Run, names: Names) -> None:
    one, two = start_vm(name="one"), start_vm(name="two")
    names.add(one=one.address, two=two.address)
    pairs = ("@one", "@two"), ("@one", "-k", "@two", "--"), ("--all",), ("--all", "@one")
    for arguments in pairs:
        result = run(*arguments, "qom-get", "path=/machine", "property=graphics")
        assert by_vm(result.stdout) == {"@one": [{"return": True}], "@two": [{"return": True}]}
        assert (result.stderr, result.returncode) == ("", 0)
    options = parse_arguments(["@a", "b", "@c"])
    assert (options.addresses, len(options.inputs)) == (["@a"], 1)


def test_one_vm_of_all_is_named_too(vm: RunningVm, run: Run, names: Names) -> None:
    names.add(a=vm.address)
    assert run("--all", "query-name").stdout == '{"vm": "@a", "return": {"name": "testvm"}}\n'
    assert run("@a", "query-name").stdout == '{"return": {"name": "testvm"}}\n'


def test_what_fails_is_a_line_on_both_outputs(
    table_vm: StartTableVm, peer: StartPeer, run: Run, names: Names
) -> None:
    def refuse(_: object) -> None:
        raise Refusal("GenericError", "not now")

    names.add(
        good=table_vm(VERSION, {"stop": {}}).address,
        bad=table_vm(VERSION, {"stop": refuse}).address,
        gone="/nonesuch/vm.sock",
        lost=peer(GREETING, ACCEPTED, b"").address,
        slow=peer(GREETING, ACCEPTED, HOLD).address,
    )
    names.limit(0.5)
    result = run("--all", "stop")
    found = {name: each for name, (each,) in by_vm(result.stdout).items()}
    assert found["@good"] == {"return": {}}
    assert found["@bad"] == {"error": {"class": "GenericError", "desc": "not now"}}
    classes = {name: found[name]["error"]["class"] for name in ("@gone", "@lost", "@slow")}
    assert classes == {"@gone": "ConnectError", "@lost": "ConnectionLost", "@slow": "Timeout"}
    errors = sorted(result.stderr.splitlines())
    assert [line.split(": ")[1] for line in errors] == ["@bad", "@gone", "@lost", "@slow"]
    assert all(line.startswith("qmp-shell: @") for line in errors)
    assert found["@slow"]["error"]["desc"] in errors[3]
    assert result.returncode == 5  # the highest of 0, 1, 3, 4, 5


def test_the_status_is_the_highest(table_vm: StartTableVm, run: Run, names: Names) -> None:
    names.add(a=table_vm(VERSION, {"stop": {}}).address, b=table_vm(VERSION, {"stop": {}}).address)
    assert run("--all", "stop").returncode == 0
    assert run("--all", "cont").returncode == 1
    result = run("--all", "-k", "-c", "cont", "-c", "stop x", "-c", "stop")
    assert [[*each] for each in by_vm(result.stdout)["@a"]] == [["error"], ["error"], ["return"]]
    assert result.returncode == 1, "of each VM it is the status of the first failure"
    names.add(c="/nonesuch")
    assert run("--all", "cont").returncode == 3
    assert run("--all", "-c", "stop x").returncode == 3
    assert run("--all", "stop", "=x").returncode == 2


def test_text_has_the_name_before_each_line(start_vm: StartVm, run: Run, names: Names) -> None:
    names.add(one=start_vm(name="one").address, two=start_vm(name="two").address)
    result = run("--all", "-H", "info", "name")
    assert sorted(result.stdout.splitlines()) == ["@one: one", "@two: two"]
    script = r"query-name | printf 'x\033[31m\n\n%s\n\0%s' é $QMP_VM; echo oops >&2"
    result = run("--all", "-c", script)
    assert sorted(result.stdout.splitlines()) == [
        f"{name}: {line}" for name in ("@one", "@two") for line in ("", name, "x[31m", "é")
    ]
    assert sorted(result.stderr.splitlines()) == ["@one: oops", "@two: oops"]


def test_text_of_a_vm_is_made_safe(table_vm: StartTableVm, run: Run, names: Names) -> None:
    hostile = '\x1b[31m{"vm": "@other"}\n\0\x9b\u202e'
    vm = table_vm(VERSION, {"query-name": {"name": hostile}, "human-monitor-command": hostile})
    names.add(a=vm.address, b="/nonesuch")
    result = run("--all", "-c", "query-name", "-c", ".hmp x")
    reply, *text = [line for line in result.stdout.splitlines() if "@b" not in line]
    assert json.loads(reply) == {"vm": "@a", "return": {"name": hostile}}
    assert reply.isascii()
    assert all(line.startswith("@a: ") and line.isprintable() for line in text)


def test_views_are_one_for_all_vms(table_vm: StartTableVm, run: Run, names: Names) -> None:
    def disks(*sizes: int) -> list[object]:
        return [{"device": f"d{size}", "inserted": {"size": size}} for size in sizes]

    for name, sizes in {"b": (1024, 2048), "a": (), "c": (512,)}.items():
        answers = {"query-block": disks(*sizes), "query-name": {"name": name}, "query-uuid": 5}
        names.add(**{name: table_vm(VERSION, answers).address})
    names.add(gone="/nonesuch")
    result = run("--view", "table", "--all", "-c", "query-block", "-c", "query-name")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["vm", "device"],
        ["@b", "d1024"],
        ["@b", "d2048"],
        ["@c", "d512"],
        ["vm", "name"],
        ["@b", "b"],
        ["@a", "a"],
        ["@c", "c"],
    ]
    assert result.stderr.startswith("qmp-shell: @gone: /nonesuch: no such socket")
    result = run("-c", "stop", "/nonesuch", "/neither")
    assert sorted(result.stderr.splitlines())[1].startswith("qmp-shell: /nonesuch: no such socket")
    assert result.returncode == 3
    result = run("--all", "-c", "query-block | .csv size device")
    assert (
        result.stdout.partition("\n")[2]
        == "vm,inserted.size,device\n@b,1024,d1024\n@b,2048,d2048\n@c,512,d512\n"
    )
    result = run("--all", "--view", "tree", "query-name")
    lines = result.stdout.splitlines()
    assert lines == [line for name in "bac" for line in (f"@{name} {name}", f"└── name {name}")]
    result = run("--all", "--view", "csv", "query-uuid")
    assert result.stdout == "vm,value\n@b,5\n@a,5\n@c,5\n"
    result = run("--all", "--view", "table", "nonesuch")
    assert (result.stdout, result.returncode) == ("", 3)
    result = run("--all", "-p", "query-name")
    assert '{\n  "vm": "@b",\n  "return": {\n    "name": "b"\n  }\n}\n' in result.stdout


def test_what_is_too_long_for_a_table_is_shown_as_json(
    table_vm: StartTableVm, run: Run, names: Names
) -> None:
    for name in ("a", "b"):
        answer = {"query-block": [{"device": str(number)} for number in range(20_000)]}
        names.add(**{name: table_vm(VERSION, answer).address})
    result = run("--view", "table", "--all", "query-block")
    assert [(line["vm"], len(line["return"])) for line in lines_of(result.stdout)] == [
        ("@a", 20_000),
        ("@b", 20_000),
    ]
    assert result.stderr == (
        "qmp-shell: replies are too long for one table, so they are shown as JSON\n"
    )


def test_colours_and_views_at_a_terminal(
    table_vm: StartTableVm, terminal: StartTerminal, names: Names
) -> None:
    for name in ("a", "b"):
        names.add(**{name: table_vm(VERSION, {"query-name": {"name": name}}).address})
    shell = terminal("--all", "query-name")
    assert shell.wait_for_end() == 0
    assert sorted(shell.lines[:2]) == [
        '{"vm": "@a", "return": {"name": "a"}}',
        '{"vm": "@b", "return": {"name": "b"}}',
    ]
    assert shell.colours('"@a"') == {"green"}


def test_events_are_named_too(start_vm: StartVm, run: Run, names: Names) -> None:
    names.add(a=start_vm().address, b=start_vm().address)
    result = run("--all", "-e", "-c", "cont", "-c", ".wait RESUME")
    for found in by_vm(result.stdout).values():
        assert {"event" if "event" in each else "return" for each in found} == {"event", "return"}
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_dry_run_of_all(start_vm: StartVm, run: Run, names: Names) -> None:
    names.add(a=start_vm().address, b=start_vm().address)
    result = run("--all", "-n", "device_add", "driver=e1000", "id=5")
    message = {"execute": "device_add", "arguments": {"driver": "e1000", "id": "5"}}
    assert by_vm(result.stdout) == {"@a": [message], "@b": [message]}
    result = run("--all", "-n", "nonesuch")
    assert [each["execute"] for each in lines_of(result.stdout)] == ["nonesuch"] * 2
    assert result.returncode == 1


def test_a_log_has_the_names(
    table_vm: StartTableVm, run: Run, names: Names, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        names.add(**{name: table_vm(VERSION, {"stop": {}}).address})
    log = tmp_path / "log"
    assert run("--all", "-l", str(log), "stop").returncode == 0
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    sent = [each["vm"] for each in entries if each["message"].get("execute") == "stop"]
    assert sorted(sent) == ["@a", "@b"]


def test_files(table_vm: StartTableVm, run: Run, names: Names, tmp_path: Path) -> None:
    for name in ("a", "b"):
        names.add(**{name: table_vm(VERSION, {"query-name": {"name": name}}).address})
    result = run("--all", "-c", "query-name > both.json")
    assert "all VMs would write over the same file" in result.stderr
    assert (result.returncode, (tmp_path / "both.json").exists()) == (2, False)
    assert run("--all", "-c", "query-name >> both.json").returncode == 0
    assert sorted((tmp_path / "both.json").read_text().splitlines()) == [
        '{"return": {"name": "a"}}',
        '{"return": {"name": "b"}}',
    ]
    assert run("--all", "-c", 'query-name | cat > "$QMP_VM.json"').returncode == 0
    assert (tmp_path / "@b.json").read_text() == '{"return": {"name": "b"}}\n'


def test_standard_input_is_for_all(table_vm: StartTableVm, run: Run, names: Names) -> None:
    for name in ("a", "b"):
        names.add(**{name: table_vm(VERSION, {"stop": {}, "cont": {}}).address})
    result = run("--all", "-f", "-", stdin="stop\ncont\nnonesuch\n")
    assert by_vm(result.stdout)["@b"][:2] == [{"return": {}}] * 2
    assert "qmp-shell: @a: <stdin>:3: nonesuch: CommandNotFound" in result.stderr
    assert result.returncode == 1


def test_a_carriage_return_ends_no_line(vm: RunningVm, start_vm: StartVm, run: Run) -> None:
    text = "# a comment\rquit\nquery-name\r\n"
    for addresses in ([vm.address], [vm.address, start_vm().address]):
        result = run("-f", "-", *addresses, stdin=text)
        assert result.stdout.count("testvm") == len(addresses)
        assert (result.stderr, result.returncode) == ("", 0)


def test_a_table_has_the_replies_to_one_line(
    table_vm: StartTableVm, run: Run, names: Names, tmp_path: Path
) -> None:
    """Though a line before it had more replies on one VM than on another, or none."""
    for name, devices in {"a": ["x", "y"], "b": ["x"]}.items():
        answers = {
            "query-block": [{"device": device} for device in devices],
            "query-uuid": {"uuid": name},
            "query-name": {"name": name},
        } | ({"query-status": {"status": name}} if name == "a" else {})
        names.add(**{name: table_vm(VERSION, answers).address})
    script = tmp_path / "script"
    script.write_text("query-status\nquery-uuid\n")
    for lines in (
        ("query-block | .let b", ".each $b.*.device query-uuid", "query-name"),
        ("query-status", "query-name"),
        (f".source {script}", "query-name"),
        (f".source {script}", "query-status", "query-name"),
    ):
        options = [part for line in lines for part in ("-c", line)]
        result = run("--all", "-k", "--view", "csv", *options)
        assert result.stdout.endswith("vm,name\n@a,a\n@b,b\n"), result.stdout
    assert "vm,uuid\n@a,a\n@b,b\n" in result.stdout


# What is refused before any VM is asked


def test_what_is_not_for_several_vms_is_refused(
    table_vm: StartTableVm, run: Run, names: Names, terminal: StartTerminal
) -> None:
    vm = table_vm(VERSION, {"stop": {}})
    names.add(a=vm.address, b="/nonesuch")
    for arguments, says in (
        (("@a", "@b"), "several VMs need a command, -c LINE or -f FILE (- is standard input)"),
        (("--all",), "several VMs need a command"),
        (("--listen", "--all", "stop"), "--listen is for one VM"),
        (("--demo", "--all", "stop"), "--demo brings its own VM"),
        (("--schema", "x", "--all"), "--schema stands in for the VM"),
        (("-c", "stop", "@a", "@c"), "@c: no such VM"),
        (("-c", "stop", "@a", "x:y"), "unknown kind of address"),
        (("--no-config", "--all", "stop"), "--all: --no-config leaves out the configuration"),
        (("--parallel", "0", "--all", "stop"), "'0' is not a number from 1 to 256"),
        (("--parallel", "257", "--all", "stop"), "'257' is not a number"),
        (("--parallel", "x", "--all", "stop"), "'x' is not a number"),
        (("@a", "/nonesuch", "-c", "stop"), "for several addresses, write -c LINE before them"),
    ):
        result = run(*arguments)
        assert says in result.stderr
        assert (result.stdout, result.stderr.count("\n"), result.returncode) == ("", 1, 2)
    assert vm.messages == []
    shell = terminal("@a", "@b")
    assert shell.wait_for_end() == 2


def test_all_needs_a_name(run: Run, names: Names, environment: dict[str, str]) -> None:
    path = f"{environment['XDG_CONFIG_HOME']}/qmp-shell/config.toml"
    assert run("--all", "stop").stderr == f"qmp-shell: --all: there is no {path}\n"
    names.add()
    Path(path).touch()
    assert run("--all", "stop").stderr == f"qmp-shell: --all: {path} names no VM\n"


def test_a_vm_with_two_names_is_asked_once(table_vm: StartTableVm, run: Run, names: Names) -> None:
    vm = table_vm(VERSION, {"stop": {}})
    names.add(a=vm.address, b=vm.address)
    result = run("-c", "stop", "@a", "@b", "@a", f"unix:{vm.address}")
    assert by_vm(result.stdout) == {"@a": [{"return": {}}]}
    assert result.stderr == (
        f"qmp-shell: @b is the same VM as @a\nqmp-shell: unix:{vm.address} is the same VM as @a\n"
    )


# At the same time


def test_forty_vms_are_asked_at_once(table_vm: StartTableVm, run: Run, names: Names) -> None:
    """Each answers only when all have been asked."""
    barrier = threading.Barrier(40)

    def answer(_: object) -> int:
        barrier.wait(60)
        return 5

    for number in range(40):
        names.add(**{f"vm{number}": table_vm(VERSION, {"query-name": answer}).address})
    result = run("--all", "query-name")
    assert by_vm(result.stdout) == {f"@vm{number}": [{"return": 5}] for number in range(40)}
    assert (result.stderr, result.returncode) == ("", 0)


def test_only_some_are_asked_at_the_same_time(
    table_vm: StartTableVm, run: Run, names: Names
) -> None:
    barrier = threading.Barrier(3)
    lock = threading.Lock()
    at_once = most = 0

    def answer(_: object) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        barrier.wait(60)
        with lock:
            at_once -= 1
        return 5

    for number in range(9):
        names.add(**{f"vm{number}": table_vm(VERSION, {"query-name": answer}).address})
    assert len(by_vm(run("--all", "--parallel", "3", "query-name").stdout)) == 9
    assert most == 3


def test_one_that_hangs_does_not_hold_back_the_others(
    table_vm: StartTableVm, peer: StartPeer, names: Names, start: Callable[..., PipedProcess]
) -> None:
    names.add(slow=peer(GREETING, ACCEPTED, HOLD).address)
    for name in ("a", "b"):
        names.add(**{name: table_vm(VERSION, {"stop": {}}).address})
    shell = start("--all", "-k", "-c", "stop", "-c", "cont", "-c", "stop")
    found = by_vm("".join(shell.read_line() for _ in range(6)))
    assert {name: [[*line] for line in lines] for name, lines in found.items()} == {
        "@a": [["return"], ["error"], ["return"]],
        "@b": [["return"], ["error"], ["return"]],
    }
    wait_until(lambda: len(processes_of(shell.pid)) == 1)
    assert shell.poll() is None


def test_a_table_of_those_that_answered_is_shown_at_an_interrupt(
    table_vm: StartTableVm, peer: StartPeer, names: Names, start: Callable[..., PipedProcess]
) -> None:
    names.add(slow=peer(GREETING, ACCEPTED, HOLD).address)
    answers = {"query-name": {"name": "x"}, "human-monitor-command": "done"}
    names.add(a=table_vm(VERSION, answers).address)
    shell = start("--all", "--view", "table", "-c", "query-name", "-c", ".hmp x")
    assert shell.read_line() == "@a: done\n"
    shell.send_signal(signal.SIGINT)
    assert shell.wait(20) == 130
    assert shell.read_line().split() == ["vm", "name"]
    assert shell.read_line().split() == ["@a", "x"]
    assert shell.read_errors() == ""


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_a_signal_ends_all(
    peer: StartPeer,
    names: Names,
    start: Callable[..., PipedProcess],
    number: signal.Signals,
    status: int,
) -> None:
    for name in ("a", "b", "c"):
        names.add(**{name: peer(GREETING, ACCEPTED, HOLD).address})
    shell = start("--all", "stop")
    wait_until(lambda: len(processes_of(shell.pid)) == 3)
    workers = processes_of(shell.pid)
    shell.send_signal(number)
    assert shell.wait(20) == status
    wait_until(lambda: not any(is_running(pid) for pid in workers))
    assert shell.read_errors() == ""
    assert shell.read_line() == ""


def test_an_interrupt_of_the_terminal_ends_all(
    peer: StartPeer, names: Names, terminal: StartTerminal
) -> None:
    for name in ("a", "b"):
        names.add(**{name: peer(GREETING, ACCEPTED, HOLD).address})
    shell = terminal("--all", "stop")
    wait_until(lambda: len(processes_of(shell.pid)) == 2)
    workers = processes_of(shell.pid)
    shell.press("ctrl-c")
    assert shell.wait_for_end() == 130
    assert shell.text == "^C"
    assert not any(is_running(pid) for pid in workers)


def test_those_that_ignore_signals_are_killed(
    peer: StartPeer, names: Names, start: Callable[..., PipedProcess]
) -> None:
    for name in ("a", "b"):
        names.add(**{name: peer(GREETING, ACCEPTED, HOLD).address})
    shell = start("--all", "stop")
    wait_until(lambda: len(processes_of(shell.pid)) == 2)
    workers = processes_of(shell.pid)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    shell.send_signal(signal.SIGTERM)
    assert shell.wait(20) == 143
    assert not any(map(is_running, workers))


def test_one_that_is_killed_is_told(
    table_vm: StartTableVm, peer: StartPeer, names: Names, start: Callable[..., PipedProcess]
) -> None:
    names.add(a=peer(GREETING, ACCEPTED, HOLD).address)
    names.add(b=table_vm(VERSION, {"stop": {}}).address)
    shell = start("--all", "stop")
    assert json.loads(shell.read_line()) == {"vm": "@b", "return": {}}
    wait_until(lambda: len(processes_of(shell.pid)) == 1)
    os.kill(processes_of(shell.pid)[0], signal.SIGKILL)
    assert shell.wait(20) == 137
    assert shell.read_errors() == "qmp-shell: @a: its process was ended by signal 9\n"


def test_all_end_if_nobody_reads(
    table_vm: StartTableVm, names: Names, environment: dict[str, str]
) -> None:
    for number in range(4):
        answer = {"query-name": "x" * 200_000}
        names.add(**{f"vm{number}": table_vm(VERSION, answer).address})
    words = subprocess.list2cmdline([*shell_command(), "--all"])
    repeated = " ".join(["-c query-name"] * 20)
    script = f"{{ {words} {repeated}; echo $? >&2; }} | head -c 10"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == '{"vm": "@v'
    assert done.stderr == "141\n"


def test_a_reader_that_stops_is_not_waited_for(
    table_vm: StartTableVm, names: Names, start: Callable[..., PipedProcess]
) -> None:
    for number in range(3):
        answer = {"query-name": "x" * 200_000}
        names.add(**{f"vm{number}": table_vm(VERSION, answer).address})
    # The VMs have any time to answer.
    shell = start("--all", "-t", "0.3", "-c", ".set timeout off", "-c", "query-name")
    assert shell.wait(20) == 5
    assert shell.read_errors() == "qmp-shell: standard output was not read within 0.3 s\n"
    assert processes_of(shell.pid) == []


def test_long_replies_are_not_mixed(table_vm: StartTableVm, run: Run, names: Names) -> None:
    for name in ("a", "b", "c"):
        answers = {"query-name": name * (6 << 20), "stop": name}
        names.add(**{name: table_vm(VERSION, answers).address})
    arguments = [word for line in ("query-name", "stop") * 3 for word in ("-c", line)]
    result = run("--all", *arguments)
    assert result.returncode == 0
    for name, lines in by_vm(result.stdout).items():
        found = [line["return"] for line in lines]
        assert found == [name[1] * (6 << 20), name[1]] * 3


def test_a_program_that_goes_on_in_the_background_is_not_waited_for(
    table_vm: StartTableVm, run: Run, names: Names
) -> None:
    if not hasattr(os, "pidfd_open"):
        pytest.skip("the system does not tell the end of a process that others outlive")
    names.add(a=table_vm(VERSION, {"stop": {}}).address, b="/nonesuch")
    before = time.monotonic()
    result = run("--all", "-c", "stop | sh -c 'sleep 60 & echo $!'")
    assert time.monotonic() - before < 50
    (text,) = [line for line in result.stdout.splitlines() if line.startswith("@a: ")]
    os.kill(int(text.removeprefix("@a: ")), signal.SIGKILL)


def test_only_so_much_is_held_back_for_a_table(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printer, "_MOST_HELD", 100)
    shown = Printer(Formatter(FOR_PROGRAMS), ("a", "b", "c", "d"), lambda: None)
    for name in ("c", "a", "b", "d"):
        body = format_compact({"return": {"x": name * 30}})
        shown.show(name, Record((1, 1, 1), "table", ("x",), False, body))
    shown.finish()
    printed = capfd.readouterr()
    rows = [line.split()[0] for line in printed.out.splitlines()]
    assert rows == ["vm", "a", "c", "vm", "b", "d"]
    assert printed.err.startswith("qmp-shell: replies are too long for one table, so those that")


# The channel between the processes


@st.composite
def _items(draw: st.DrawFn) -> list[Record | bytes]:
    text = st.text(st.sampled_from('\0mark x{"')).map(str.encode)
    record = st.builds(
        Record,
        st.lists(st.integers(0, 9)).map(tuple),
        st.sampled_from(["compact", "table"]),
        st.lists(st.text()).map(tuple),
        st.booleans(),
        st.dictionaries(st.text(), st.text()).map(format_compact),
    )
    return draw(st.lists(text.filter(lambda line: MARK not in line) | record, max_size=8))


@hypothesis.given(_items(), st.data())
def test_records_and_text_come_through_in_any_pieces(
    items: list[Record | bytes], data: st.DataObject
) -> None:
    sent = b"".join(
        item + b"\n" if isinstance(item, bytes) else format_record(item, MARK) for item in items
    )
    reader = ChannelReader(MARK)
    found: list[Record | bytes] = []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        found += reader.feed(sent[:size])
        sent = sent[size:]
    assert found == items
    assert not reader.is_amid_record
    assert list(reader.finish()) == []


def test_text_without_a_newline_and_without_an_end() -> None:
    reader = ChannelReader(MARK)
    record = Record((1, 1, 1), "compact", (), False, "{}")
    assert list(reader.feed(b"abc" + format_record(record, MARK) + b"def")) == [b"abc", record]
    assert list(reader.finish()) == [b"def"]
    pieces = list(reader.feed(b"x" * 200_000))
    assert [len(piece) for piece in pieces] == [65_536] * 3
    assert list(reader.finish()) == [b"x" * (200_000 - 3 * 65_536)]
    reader = ChannelReader(MARK)
    assert list(reader.feed(format_record(record, MARK)[:-3])) == []
    assert reader.is_amid_record
    assert list(reader.finish()) == []


def test_a_message_gets_the_name() -> None:
    assert tag_line("@a", '{"return": 5}') == '{"vm": "@a", "return": 5}'
    assert tag_line('"\n', "{}") == '{"vm": "\\"\\n"}'
    assert tag_line("@a", '{"return": 5, "vm": "b"}') == '{"vm": "@a", "return": 5}'
    assert tag_line("@a", r'{"return": 5, "\u0076m": "b"}') == '{"vm": "@a", "return": 5}'


def test_what_vms_return_is_joined() -> None:
    replies = [("a", [{"x": 1}, 5]), ("b", {"vm": "a", "x": 2}), ("c", []), ("d", {})]
    assert JOINERS["table"](replies) == [
        {"vm": "a", "x": 1},
        {"vm": "a", "value": 5},
        {"vm": "b", "x": 2},
        {"vm": "d"},
    ]
    assert JOINERS["tree"](replies) == dict(replies)
