"""Scripts send commands that change nothing before the replies to earlier ones are shown."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
from pathlib import Path

import pytest

from qmp_shell import cli
from qmp_shell.session import Session
from qmp_shell.session.scripts import LONGEST_LINE
from tests.conftest import Run, RunningVm, StartPeer, StartVm, shell_command
from tests.peer import ACCEPTED, GREETING, HOLD

# Those that change nothing, good and bad; those that change something; and those that use what
# was returned, or go elsewhere.
LINES = (
    *("query-status", "query-name", "query-uuid", "qom-list path=/", "query-block"),
    *("query-nothing", "qom-list path=/nowhere", "qom-get path=/machine property=type"),
    *("qom-list path=5", "query-status x=1", "query-named-block-nodes flat=true", "query-status ]"),
    *('{"execute": "query-version"}', '{"execute": "query-name", "id": "mine"}'),
    *("object-add qom-type=memory-backend-ram id=m0 size=1M", "object-del id=m0", "stop"),
    *("qom-list path=/objects", "query-memdev", "nonsense", "block_resize node-name=a size=1"),
    *("human-monitor-command command-line='info name'", "query-name | .let a", "qom-list path=$_"),
    *("query-name > /dev/null", "query-name | cat", ".set view compact", "# a comment", ""),
    *("query-name | .table", "transaction(", "abort", ")", "query-status \\", ".hmp info name"),
)


def run_here(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = cli.main(arguments)
    captured = capfd.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("options", [[], ["-k"]])
@pytest.mark.parametrize("seed", range(6))
def test_the_outcome_is_as_if_each_line_was_run_after_the_one_before(
    start_vm: StartVm,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    options: list[str],
) -> None:
    chance = random.Random(seed)
    lines = chance.choices(LINES, k=150)
    if not options:  # most scripts would end at once
        good = [*LINES[:5], *LINES[7:8], *LINES[12:14]]
        lines = chance.choices(good, k=99)
        lines.insert(chance.randrange(40, 99), chance.choice(LINES))
    script = tmp_path / "script"
    script.write_text("\n".join(lines) + "\n")
    found = []
    for _ in range(2):  # a VM of its own for each
        vm = start_vm()
        found.append(run_here([vm.address, *options, "-f", str(script)], capfd))
        monkeypatch.setattr(Session, "read_ahead", lambda *_: None)
    assert found[0] == found[1]
    assert found[0][1].count("\n") > 30


@pytest.mark.parametrize("options", [[], ["-k"]])
def test_replies_are_shown_although_the_next_line_cannot_be_read(
    vm: RunningVm,
    run: Run,
    tmp_path: Path,
    options: list[str],
) -> None:
    script = tmp_path / "script"
    with script.open("wb") as file:
        file.write(b"query-name\nquery-name\n")
        file.truncate(LONGEST_LINE + 100)
    result = run(vm.address, *options, "-f", str(script))
    assert result.stdout == '{"return": {"name": "testvm"}}\n' * 2
    assert result.stderr == f"qmp-shell: {script}: a line of more than 64 MiB\n"


def received_after(peer: StartPeer, run: Run, *options: str) -> list[str]:
    """The commands of a script whose first one fails."""
    error = b'{"error": {"class": "GenericError", "desc": "no"}, "id": 2}'
    server = peer(GREETING, ACCEPTED, error, *[b'{"return": 1, "id": %d}' % n for n in (3, 4)])
    run(server.address, *options, stdin="query-a\nquery-b\nquery-c\n")
    names = [json.loads(line)["execute"] for line in server.received[1:] if line]
    return [name for name in names if len(name) == len("query-a")]  # no question of the shell's own


def test_nothing_is_sent_after_a_failure(peer: StartPeer, run: Run) -> None:
    assert received_after(peer, run) == ["query-a"]
    assert received_after(peer, run, "-k") == ["query-a", "query-b", "query-c"]


def test_without_k_a_command_is_sent_once_the_one_before_has_succeeded(
    peer: StartPeer, run: Run
) -> None:
    server = peer(GREETING, ACCEPTED, b"", HOLD)
    result = run(server.address, "-t", "0.3", stdin="query-a\nquery-b\n")
    assert (result.returncode, result.stdout) == (5, "")
    assert result.stderr == "qmp-shell: <stdin>:1: query-a: no reply within 0.3 s\n"
    assert len(server.received) == 2


def test_with_k_several_commands_are_under_way(peer: StartPeer, run: Run) -> None:
    """The VM answers none of them until it has got all of them."""
    replies = b"".join(b'{"return": %d, "id": %d}\r\n' % (n, n) for n in range(2, 12))
    server = peer(GREETING, ACCEPTED, *[b""] * 9, replies)
    result = run(server.address, "-k", stdin="query-a\n" * 10)
    assert result.stdout == "".join(f'{{"return": {number}}}\n' for number in range(2, 12))


def test_each_command_under_way_has_the_whole_time_limit(peer: StartPeer, run: Run) -> None:
    server = peer(GREETING, ACCEPTED, b"", b"", b'{"return": 1, "id": 4}', HOLD)
    result = run(server.address, "-k", "-t", "0.3", stdin="query-a\nquery-b\nquery-c\n")
    assert result.stderr.splitlines() == [
        "qmp-shell: <stdin>:1: query-a: no reply within 0.3 s",
        "qmp-shell: <stdin>:2: query-b: no reply within 0.3 s",
    ]
    assert (result.returncode, result.stdout) == (5, '{"return": 1}\n')


@pytest.mark.parametrize("options", [[], ["-k"]])
def test_events_are_printed_between_the_replies_where_they_came(
    peer: StartPeer, run: Run, options: list[str]
) -> None:
    def event(name: str) -> bytes:
        return b'{"event": "%s"}' % name.encode()

    replies = [b'{"return": %d, "id": %d}' % (number, number) for number in (2, 3, 4)]
    mixed = event("A") + replies[0] + event("B")
    if options:
        steps = [b"", b"", mixed + event("C") + replies[1] + event("D") + replies[2] + event("E")]
    else:
        steps = [mixed, event("C") + replies[1] + event("D"), replies[2] + event("E")]
    server = peer(GREETING, ACCEPTED, *steps)
    result = run(server.address, "-e", *options, stdin="query-a\nquery-b\nquery-c\n")
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    found = [each.get("event") or each["return"] for each in shown]
    assert found == ["A", 2, "B", "C", 3, "D", 4, "E"]


@pytest.mark.parametrize("options", [[], ["-k"]])
def test_a_vm_that_ends_is_reported_for_the_first_command_that_it_left_out(
    peer: StartPeer, run: Run, options: list[str]
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": 1, "id": 2}')
    result = run(server.address, *options, stdin="query-a\nquery-b\nquery-c\n")
    assert (result.returncode, result.stdout) == (4, '{"return": 1}\n')
    assert result.stderr.startswith("qmp-shell: <stdin>:2: the ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [[], ["-k"]])
@pytest.mark.parametrize("source", ["standard input", "named pipe"])
def test_a_reply_is_shown_before_the_next_line_comes(
    vm: RunningVm,
    environment: dict[str, str],
    tmp_path: Path,
    source: str,
    options: list[str],
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = [vm.address, *options, *(["-f", str(pipe)] if source == "named pipe" else [])]
    with subprocess.Popen(
        [*shell_command(), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = pipe.open("wb", 0) if source == "named pipe" else process.stdin
        with lines:
            for _ in range(3):
                lines.write(b"query-name\n")
                lines.flush()
                assert select.select([process.stdout], [], [], 20)[0]
                assert process.stdout.readline() == b'{"return": {"name": "testvm"}}\n'
    assert process.returncode == 0
