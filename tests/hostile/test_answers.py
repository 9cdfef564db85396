"""VMs whose answers have odd types, and one on which every name is hostile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, StartTerminal
from tests.table_vm import TableVm
from tests.terminal import Terminal

from .scenes import ESCAPE
from .test_scenes import assert_harmless

# A name that would do harm on a terminal, in a shell, and as a line of the notation.
NAME = f"x\n| touch pwned\n{ESCAPE}; touch pwned; $(touch pwned) `touch pwned` ' \" \\"

# What an answer, or a member of one, can be instead of what it should be.
VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 5, 10**400, -(10**4000), 1.5, 1e308, "", "text", NAME, "x" * 20_000),
    *([], [None], [[]], [1, "a", {}], {}, {"": None}, {"a": {"b": {"c": []}}}),
    json.loads("[" * 400 + "]" * 400),
    [{"name": 5}, {"name": []}, {"name": {}}, {"name": None}, {"name": NAME}],
    {"name": [1], "status": {"a": 1}, "enabled": "yes", "return": 1, "error": 2},
)

# The answers that the shell asks for by itself, and one command for users.
ASKED = (
    *("query-name", "query-status", "query-jobs", "query-migrate", "query-qmp-schema"),
    *("query-named-block-nodes", "query-block", "query-block-jobs", "query-chardev"),
    *("query-iothreads", "query-memdev", "query-cpus-fast", "query-target", "query-uuid"),
    *("query-version", "query-kvm", "query-balloon", "query-vnc", "query-spice", "query-dump"),
    *("query-memory-size-summary", "query-display-options", "query-accelerators", "query-events"),
    *("qom-list", "qom-get", "qom-list-types", "device-list-properties", "query-rx-filter"),
    *("query-block-exports", "query-cpu-definitions", "human-monitor-command", "stop", "quit"),
    *("device_add", "device_del", "blockdev-add", "qom-set", "transaction", "job-cancel"),
)

# What a user may type, and whether Enter is pressed.
LINES = (
    *("stop", "query-block", ".info", ".events", ".commands", ".help device_add", ".help stop"),
    *(
        "query-block | .table",
        "query-jobs | .tree",
        "query-block | .csv",
        ".tree block",
        ".tree pci",
    ),
    *(".tree devices", ".tree qom / -p", ".tree block --dot", ".why", ".find a", ".find stop"),
    *("device_add driver=x a.b=1", "transaction(x node=1)", "qom-set path=/ property=x value=1"),
    *(".hmp info status", "query-name ?", "device_add driver={} a=1", "stop a=[{}] b={}"),
)
TYPED = (
    *("device_add driver=", "device_add driver=x ", "device_del id=", "qom-get path=/machine/"),
    *("blockdev-add node-name=x backing=", "job-cancel id=", ".wait ", ".help ", "transaction( "),
    *(".tree block ", ".tree qom ", "query-block | .table ", "query-block | ."),
    *("query-", "qom-set path=/ property=", ".hmp info ", ".hmp device_del "),
)

StartTable = Callable[[dict[str, object]], TableVm]


@pytest.fixture
def table_vm(folder: Path) -> Iterator[StartTable]:
    started: list[TableVm] = []

    def start(answers: dict[str, object]) -> TableVm:
        started.append(TableVm(folder / f"table{len(started)}.sock", "9.0.0", answers))
        return started[-1]

    yield start
    for each in started:
        each.end()


def use_everything(shell: Terminal) -> None:
    """Run and complete all kinds of line; each must come back to the prompt."""
    shell.wait_for_prompt()
    shell.enter(".set pager off")
    shell.wait_for_prompt()
    for line in LINES:
        shell.enter(line)
        shell.wait_for_prompt()
    for line in TYPED:
        shell.type(line)
        shell.press("tab", "tab")
        shell.interrupt()
        shell.wait_for_prompt()
    shell.enter("quit")
    shell.wait_for(r"Go on\? \[y/N\]")
    shell.enter("n")
    shell.wait_for("not sent")
    shell.wait_for_prompt()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_every_answer_is_this_value(
    value: object, table_vm: StartTable, terminal: StartTerminal, tmp_path: Path
) -> None:
    shell = terminal(table_vm(dict.fromkeys(ASKED, value)).address)
    use_everything(shell)
    assert_harmless(shell.raw.decode(errors="replace"))
    assert not (tmp_path / "pwned").exists()


def _in_place(value: Any, replaced: Callable[[str], str]) -> Any:
    """A copy of a value in which each string has been replaced."""
    if isinstance(value, dict):
        return {key: _in_place(item, replaced) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_place(item, replaced) for item in value]
    return replaced(value) if isinstance(value, str) else value


NODE = {
    "node-name": "n",
    "drv": "d",
    "file": "f",
    "dirty-bitmaps": [{"name": "b", "count": 1}],
    "image": {"snapshots": [{"name": "s"}], "virtual-size": 1},
}
NAMED: dict[str, object] = {
    "query-name": {"name": "v"},
    "query-status": {"status": "running"},
    "query-jobs": [{"id": "j", "type": "mirror", "status": "running", "error": "e"}],
    "query-migrate": {"status": "active", "error-desc": "e"},
    "query-named-block-nodes": [NODE],
    "query-block": [{"device": "d", "qdev": "q", "inserted": NODE | {"image": NODE["image"]}}],
    "query-chardev": [{"label": "c", "filename": "f"}],
    "query-iothreads": [{"id": "i", "thread-id": 1}],
    "query-version": {"qemu": {"major": "1", "minor": "2", "micro": "3"}, "package": "p"},
    "query-uuid": {"UUID": "u"},
    "query-cpus-fast": [{"cpu-index": 0, "qom-type": "t", "qom-path": "p"}],
    "query-target": {"arch": "a"},
    "query-vnc": {"enabled": True, "host": "h", "service": "s"},
    "query-events": [{"name": "E"}],
    "qom-list": [{"name": "a", "type": "child<t>"}, {"name": "b", "type": "str"}],
    "qom-get": "m",
    "qom-list-types": [{"name": "t", "parent": "p"}],
    "device-list-properties": [{"name": "p", "type": "t", "description": "d"}],
    "human-monitor-command": 'name "n", bus b, desc "d"\nn: index=0,type=nic,model=m\n a -- b',
    "stop": {"s": ["t"]},
    "quit": {},
    **{key: {} for key in ("device_add", "device_del", "blockdev-add", "job-cancel", "qom-set")},
}


@pytest.mark.parametrize("is_replaced", [False, True], ids=["appended", "replaced"])
def test_every_name_is_hostile(
    table_vm: StartTable,
    terminal: StartTerminal,
    tmp_path: Path,
    run_here: Run,
    is_replaced: bool,
) -> None:
    numbers = iter(range(10_000))

    def hostile(text: str) -> str:
        return f"{'' if is_replaced else text}{NAME}{next(numbers)}"

    answers = {
        name: value if name == "human-monitor-command" else _in_place(value, hostile)
        for name, value in NAMED.items()
    }
    address = table_vm(answers).address
    shell = terminal(address)
    use_everything(shell)
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0  # the VM serves one client at a time
    assert_harmless(shell.raw.decode(errors="replace"))
    for options in (
        *(("-c", line) for line in LINES),
        ("-c", ".wait job=j timeout=0.1"),
        ("-c", ".watch 0.1 query-block | cat"),
        ("-H", "-c", "info qdm"),
    ):
        done = run_here(address, "-t", "5", *options)
        assert done.returncode in (0, 1, 2, 5), options
        assert_harmless(done.stdout + done.stderr)
        assert len(done.stderr.splitlines()) <= 1, options
    assert not list(tmp_path.glob("pwned*"))


@pytest.mark.parametrize("line", ["blockdev-del node-name=", "device_del id=", "job-cancel id="])
def test_a_completed_name_is_sent_as_it_is(
    table_vm: StartTable, terminal: StartTerminal, tmp_path: Path, line: str
) -> None:
    """The name is inserted by Tab, and sent by Enter."""
    node = NODE | {"node-name": NAME}
    answers = NAMED | {
        "blockdev-del": {},
        "query-named-block-nodes": [node],
        "query-jobs": [{"id": NAME, "status": "concluded"}],
        "qom-list": [{"name": NAME, "type": "child<t>"}],
        "query-qmp-schema": SCHEMA,
    }
    vm = table_vm(answers)
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    command = line.split()[0]
    shell.type(line)
    shell.press("tab")
    shell.wait_for("touch pwned")
    shell.press("tab", "enter")
    shell.wait_until(lambda: vm.asked[command] == 1, "the command")
    sent = next(each for each in vm.messages if each.get("execute") == command)
    assert list(sent["arguments"].values()) == [NAME]
    assert not (tmp_path / "pwned").exists()


def _command(name: str, argument: str) -> list[dict[str, object]]:
    members = [{"name": argument, "type": "str"}]
    return [
        {"name": name, "meta-type": "command", "arg-type": f"{name}-0", "ret-type": f"{name}-0"},
        {"name": f"{name}-0", "meta-type": "object", "members": members},
    ]


SCHEMA = [
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    *_command("blockdev-del", "node-name"),
    *_command("device_del", "id"),
    *_command("job-cancel", "id"),
]
