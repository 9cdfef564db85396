"""Values that are used again: ``$_``, ``.let``, ``.each``; and where the output of a line goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from qmp_shell.complete import Candidate, Kind, NameRequest, Syntax, insertion
from qmp_shell.complete.protocols import Completions
from qmp_shell.language import (
    Destination,
    LineJoiner,
    OutputFile,
    ParseError,
    StatementParser,
    ViewRequest,
    split_destination,
)
from qmp_shell.language.command import parse_value
from qmp_shell.language.notation import format_message
from qmp_shell.language.references import Reference, parse_bare_word
from qmp_shell.session.variable_names import SessionNames
from qmp_shell.session.variables import Variables, describe_value
from tests.conftest import NAME_REPLY, Run, RunningVm
from tests.json_values import is_sendable, values
from tests.terminal import Terminal

DISKS = [
    {"device": "d0", "qdev": "/a", "inserted": {"node-name": "n0", "size": 5}},
    {"device": "d1", "qdev": "/b", "up": True},
]


def find(text: str, value: Any = DISKS) -> Any:
    variables = Variables()
    variables.note_return(value)
    reference = parse_bare_word(text, 3)
    assert isinstance(reference, Reference)
    return variables.find(reference)


# References


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$_", DISKS),
        ("$_.0", DISKS[0]),
        ("$_.0.inserted.node-name", "n0"),
        ("$_.0.inserted.size", 5),
        ("$_.1.up", True),
    ],
)
def test_a_reference_stands_for_a_part_of_a_value(text: str, value: object) -> None:
    assert find(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("$x", "'$x' is not set; COMMAND | .let x sets it, and a text needs quotes"),
        ("$_.2", "'$_.2' is not there: it is a list of 2"),
        ("$_.0.x", "'$_.0.x' is not there; there are device, qdev, inserted"),
        ("$_.0.devise", "'$_.0.devise' is not there; did you mean device?"),
        ("$_.0.device.x", "'$_.0.device.x' is not there: what is before it has no members"),
        ("$_.-1", "'$_.-1' is not there: it is a list of 2"),
        ("$_.*", "* is for .each; write an index or a name"),
    ],
)
def test_a_reference_to_nothing_is_an_error_at_its_place(text: str, error: str) -> None:
    with pytest.raises(ParseError) as caught:
        find(text)
    assert (str(caught.value), caught.value.offset) == (error, 3)


def test_the_members_in_an_error_may_have_any_name() -> None:
    with pytest.raises(ParseError, match=r"there are {}, {x}") as caught:
        find("$_.y", {"{}": 1, "{x}": 2})
    assert str(caught.value).startswith("'$_.y' is not there")


def test_nothing_was_returned_yet() -> None:
    reference = parse_bare_word("$_", 0)
    assert isinstance(reference, Reference)
    with pytest.raises(ParseError, match=r"nothing was returned yet, so there is no '\$_'"):
        Variables().find(reference)


@pytest.mark.parametrize(
    "text", ["$", "$1", "$5.00", "$a/b", "$(x)", "a$b", "$a-b", "$_.", "$_..x"]
)
def test_other_bare_words_with_a_dollar_are_texts(text: str) -> None:
    assert not isinstance(parse_value(text, 0), Reference)


@pytest.mark.parametrize("text", ['"$_"', "'$_.0'"])
def test_a_dollar_in_quotes_is_a_dollar(text: str) -> None:
    assert parse_value(text, 0) == text[1:-1]
    assert not isinstance(parse_value(text, 0), Reference)


def test_a_message_with_a_dollar_is_formatted_in_quotes() -> None:
    message = {"execute": "a", "arguments": {"b": "$_", "c": "x$y"}}
    assert format_message(message) == 'a b="$_" c=x$y'


@given(values.filter(is_sendable))
def test_any_value_can_be_followed_and_described(value: Any) -> None:
    """What completion offers for a value stands for a part of it, and is read as that."""
    variables = Variables()
    variables.note_return(value)
    names = SessionNames(NoNames(), variables)
    for typed in ("$", "$_.", "$_.*."):
        for candidate in names.candidates(NameRequest(Kind.REFERENCE, typed)):
            completions = Completions(typed, [], syntax=Syntax.REFERENCE)
            text = insertion(candidate, completions)
            if text is None or text.endswith("."):
                continue
            line = LineJoiner().add_line(f"a b={text}")
            assert line is not None
            statement = StatementParser().parse(line)
            assert statement is not None
            reference = statement.message["arguments"]["b"]  # type: ignore[union-attr]
            assert isinstance(reference, Reference)
            found = variables.find_each(reference)
            assert describe_value(found[0]) == candidate.description


def test_members_that_cannot_be_referred_to_are_not_offered() -> None:
    variables = Variables()
    variables.note_return({"a.b": 1, "a": {"b": 2}, "*": 3, "c d": 4, "": 5})
    names = SessionNames(NoNames(), variables)
    offered = [each.text for each in names.candidates(NameRequest(Kind.REFERENCE, "$_."))]
    assert offered == ["$_.a", "$_.a."]


def test_members_are_offered_that_only_some_of_several_have() -> None:
    variables = Variables()
    variables.note_return([{"a": 1}, {"a": 2, "b": 3}])
    names = SessionNames(NoNames(), variables)
    offered = {each.text for each in names.candidates(NameRequest(Kind.REFERENCE, "$_.*."))}
    assert offered == {"$_.*.a", "$_.*.b"}
    with pytest.raises(ParseError, match="there are a, b"):
        variables.find_each(parse_reference("$_.*.c"))


def parse_reference(text: str) -> Reference:
    reference = parse_bare_word(text, 0)
    assert isinstance(reference, Reference)
    return reference


def test_a_value_that_is_nested_too_deep_cannot_be_sent() -> None:
    value: Any = 1
    for _ in range(480):
        value = [value]
    with pytest.raises(ParseError, match=r"'\$_' is nested more than 100 levels deep"):
        find("$_", value)


class NoNames:
    """A VM without names."""

    def candidates(self, _: NameRequest) -> list[Candidate]:
        return []


# Where output goes


@pytest.mark.parametrize(
    ("text", "before", "destination"),
    [
        ("info", "info", Destination()),
        ("a | grep b | c", "a", Destination(pipeline="grep b | c")),
        ("a > 'x y'", "a", Destination(file=OutputFile("x y", False))),
        ("a >>x", "a", Destination(file=OutputFile("x", True))),
        ("a 'b | c' > x", "a 'b | c'", Destination(file=OutputFile("x", False))),
        ("a b|c x>y", "a b|c x>y", Destination()),
        ("a # b | c > d", "a # b | c > d", Destination()),
    ],
)
def test_output_of_text_is_split_off(text: str, before: str, destination: Destination) -> None:
    assert split_destination(text) == (before, destination)


@pytest.mark.parametrize(
    "line",
    [
        *("p 1 | 2", "p $rax |$rbx", "xp/4x (1 | 2) ", "x | -1", "p 1 | ~2"),
        *('migrate "exec:a | b > c"', "a |b", "a >b", "set_password vnc |x"),
    ],
)
def test_an_expression_of_the_human_monitor_is_no_pipeline(line: str) -> None:
    assert split_destination(line, human=True) == (line, Destination())


@pytest.mark.parametrize(
    "line", ["migrate -d exec:a > b", "migrate exec:a | b", "m exec:a -b >> c"]
)
def test_a_command_of_the_vms_host_is_not_cut_in_the_human_monitor(line: str) -> None:
    with pytest.raises(ParseError, match="put quotes around all that exec: is to run"):
        split_destination(line, human=True)


@pytest.mark.parametrize("line", ["info # x | less", "info | less", "info pci | /bin/cat"])
def test_a_line_of_the_human_monitor_can_have_a_pipeline(line: str) -> None:
    assert split_destination(line, human=True)[1].pipeline in ("less", "/bin/cat")


@pytest.mark.parametrize(
    ("line", "destination"),
    [
        ("a >x", Destination(file=OutputFile("x", False))),
        ('a b=1 >> "x y"', Destination(file=OutputFile("x y", True))),
        (
            "a | .table b > x",
            Destination(ViewRequest("table", ("b",)), file=OutputFile("x", False)),
        ),
        ("a | .let x", Destination(variable="x")),
        ("transaction(abort) > x", Destination(file=OutputFile("x", False))),
    ],
)
def test_output_of_a_command(line: str, destination: Destination) -> None:
    source = LineJoiner().add_line(line)
    assert source is not None
    statement = StatementParser().parse(source)
    assert statement is not None
    assert statement.destination == destination  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "error", "offset"),
    [
        ("a >", "a path is missing after >", 2),
        ("a > x > y", "nothing can follow > FILE", 6),
        ("a > x | y", "nothing can follow > FILE", 6),
        ("a > [x]", "expected a path", 4),
        ("a | .csv | .table", "only a shell command or > FILE can follow .csv", 9),
        ("a | .csv b c | .let x", "only a shell command or > FILE can follow .csv", 13),
        ("a | .let", "write | .let NAME, and nothing after it", 4),
        ("a | .let x y", "write | .let NAME, and nothing after it", 4),
        ("a | .let 1x", "write | .let NAME, and nothing after it", 4),
        ("a | .let x | y", "write | .let NAME, and nothing after it", 4),
    ],
)
def test_output_that_cannot_be_parsed(line: str, error: str, offset: int) -> None:
    source = LineJoiner().add_line(line)
    assert source is not None
    with pytest.raises(ParseError) as caught:
        StatementParser().parse(source)
    assert (str(caught.value), caught.value.offset) == (error, offset)


# On a real VM


def replies(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_script_uses_a_generated_node_name(vm: RunningVm, run: Run) -> None:
    add = "blockdev-add driver=raw node-name=top file={'driver': 'null-co', 'read-zeroes': true}"
    script = f"""
        {add}
        query-named-block-nodes | .let nodes
        query-status
        blockdev-add driver=raw node-name=again file=$nodes.0.node-name
        query-named-block-nodes flat=true | grep -c again
    """
    result = run(vm.address, stdin=script)
    assert result.returncode == 0, result.stderr
    assert '"error"' not in result.stdout
    assert result.stdout.endswith("1\n")


def test_a_value_keeps_its_type(vm: RunningVm, run: Run) -> None:
    lines = [
        "qom-get path=/machine property=usb",
        "qom-set path=/machine property=usb value=$_",
        "query-version",
        "netdev_del id=$_.qemu.major",
        "human-monitor-command command-line=$_",
    ]
    result = run(vm.address, "-k", *(f"-c{line}" for line in lines))
    assert replies(result.stdout)[1] == {"return": {}}
    assert "Invalid parameter type for 'id', expected: string" in result.stdout
    assert (
        "human-monitor-command: GenericError: Invalid parameter type" in result.stderr
    )  # $_ is still an object


NOT_USABLE = (
    ("query-status x=$nope", "column 16: '$nope' is not set; COMMAND | .let nope sets it"),
    (".oob query-status x=$nope", "column 21: '$nope' is not set"),
    (".each $nope.* stop", "column 7: '$nope' is not set"),
    ("query-status | .let it", "$it is set by the shell; choose another name"),
    (".info | .table", ": a view is for the reply to a command"),
    (".info | .let x", ": .let keeps what a command returns"),
    ("query-status > /nowhere/x", ": /nowhere/x: No such file or directory"),
    (".info | exit 3", ": the pipeline ended with status 3"),
    (
        "query-name |  table name",
        ": the pipeline ended with status 127 (hint: the view is | .table name)",
    ),
)


def test_what_cannot_be_used_or_written(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-k", quiet_vm.address, *(f"-c{line}" for line, _ in NOT_USABLE))
    assert result.returncode in (1, 2)
    errors = [each for each in result.stderr.splitlines() if not each.startswith("/bin/sh: ")]
    for (line, error), found in zip(NOT_USABLE, errors, strict=True):
        assert error in found, line


def test_references_in_a_transaction_are_looked_up_line_by_line(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("a")
    script = """
        query-named-block-nodes
        transaction(
            block-dirty-bitmap-add node=$_.0.node-name name=x
            block-dirty-bitmap-add node=$nope name=y
        )
        transaction(block-dirty-bitmap-add node=$_.0.node-name name=z)
    """
    result = run("-k", vm.address, stdin=script)
    assert "<stdin>:5:41: '$nope' is not set" in result.stderr
    assert "<stdin>:6:" in result.stderr, "the transaction is not sent"
    assert result.stdout.splitlines()[1:] == ['{"return": {}}']


def test_a_failed_command_keeps_the_last_value(quiet_vm: RunningVm, run: Run) -> None:
    lines = ["query-name", "stop x=1", "query-name", "qom-list path=$_.name"]
    result = run(quiet_vm.address, "-k", *(f"-c{line}" for line in lines))
    assert "Device 'testvm' not found" in result.stdout


def test_a_file_is_empty_if_there_was_nothing_to_run(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    """``> FILE`` is given all replies, of which there are none."""
    (tmp_path / "old").write_text("old\n")
    (tmp_path / "kept").write_text("kept\n")
    ends = ("> old", "> new", ">> kept")
    lines = ["query-jobs | .let jobs", *(f".each $jobs query-name {end}" for end in ends)]
    assert run(quiet_vm.address, *(f"-c{line}" for line in lines)).returncode == 0
    assert [(tmp_path / name).read_text() for name in ("old", "new", "kept")] == ["", "", "kept\n"]


def test_a_pipeline_that_the_locale_cannot_encode_is_refused_before_the_command(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(
        *(quiet_vm.address, "-f", "-", "-k"),
        stdin="nonesuch | echo é\nquery-name\n",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert result.stdout == NAME_REPLY
    assert "the locale's encoding, " in result.stderr
    assert result.returncode == 2


def test_each_runs_a_command_for_each_value(vm: RunningVm, run: Run) -> None:
    vm.add_nodes("a", "b")
    lines = [
        "query-named-block-nodes | .let nodes",
        ".each $nodes.*.node-name block-dirty-bitmap-add node=$it name=x",
        ".each $nodes block-dirty-bitmap-add node=$it.node-name name=y",
        ".each $nodes.*.node-name block-dirty-bitmap-add node=$it name=x",
        "query-named-block-nodes | .table node-name dirty-bitmaps",
    ]
    result = run(vm.address, "-k", *(f"-c{line}" for line in lines))
    assert result.stdout.count('{"return": {}}') == 4
    assert result.stdout.count("already exists") == 1, "it stops at the first failure"
    assert result.returncode == 1


NO_EACH = (
    (".each $_ stop", "'$_' is no list; a * in its path stands for all of one"),
    (".each x stop", "write .each $NAME.PATH COMMAND key=$it ..."),
    (".each $_.*", "a command is missing; $it in it is the value"),
    (".each $_.* .info", "a command is missing; $it in it is the value"),
    (".each $_.*.x stop", "'$_.*.x' is not there: what is before it has no members"),
    ("query-status x=$it", "'$it' is set within .each only"),
)


def test_each_needs_values_and_a_command(quiet_vm: RunningVm, run: Run) -> None:
    lines = [each for line, _ in NO_EACH for each in ("-cquery-status", f"-c{line}")]
    result = run("-k", quiet_vm.address, *lines)
    for (line, error), found in zip(NO_EACH, result.stderr.splitlines(), strict=True):
        assert error in found, line


def test_output_goes_to_files(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    lines = [
        "query-status > one",
        "query-name >> one",
        "query-status | .table > 'a table'",
        ".hmp info status > hmp",
        ".info >> hmp",
        ".hmp info version | tr 0-9 '#' >> hmp",
        "stop x=1 > one",
    ]
    result = run(quiet_vm.address, "-k", *(f"-c{line}" for line in lines))
    first, second = (tmp_path / "one").read_text().splitlines()
    assert (json.loads(first)["return"]["status"], json.loads(second)["return"]) == (
        "prelaunch",
        {"name": "testvm"},
    )
    assert (tmp_path / "a table").read_text().startswith("status ")
    assert (tmp_path / "hmp").read_text().startswith("VM status: paused (prelaunch)\nthe VM has")
    assert "#.#" in (tmp_path / "hmp").read_text()
    assert "Parameter 'x' is unexpected" in result.stdout, "an error is displayed"


def test_a_failed_line_leaves_no_file_that_was_not_there(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "old").write_text("old")
    assert run(quiet_vm.address, "-c", "stop x=1 > new").returncode == 1
    assert run(quiet_vm.address, "-c", "stop x=1 > old").returncode == 1
    assert run(quiet_vm.address, "-c", ".nonsense > new").returncode == 2
    assert (tmp_path / "old").read_text() == "old"
    assert not (tmp_path / "new").exists()


def test_a_dry_run_writes_no_files_and_runs_no_programs(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    lines = [".set > out", ".info | touch out", ".hmp info status > out", "query-status > out"]
    result = run("-n", quiet_vm.address, *(f"-c{line}" for line in lines))
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "out").exists()
    assert "confirm" in result.stdout


def test_each_writes_all_replies_to_a_file(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before\n")
    lines = ["query-version", ".each $_.* query-name > out", ".each $_.* query-name | .let x"]
    result = run("-k", quiet_vm.address, *(f"-c{line}" for line in lines))
    assert ".each has many return values; | .let keeps one" in result.stderr
    assert (tmp_path / "out").read_text() == '{"return": {"name": "testvm"}}\n' * 2


def test_nothing_is_sent_whose_output_cannot_go_there(quiet_vm: RunningVm, run: Run) -> None:
    for line in (".hmp cont | .table", ".hmp cont | .let x", ".hmp cont > /x/y", "cont > /x/y"):
        assert run(quiet_vm.address, "-c", line).returncode == 2
    assert '"prelaunch"' in run(quiet_vm.address, "-c", "query-status").stdout


def test_a_fifo_without_a_reader_is_an_error(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    result = run(quiet_vm.address, "-c", "query-status > fifo")
    assert result.stderr == "qmp-shell: fifo: it is a socket, or nobody reads from it\n"


def test_kept_secrets_are_not_described(vm: RunningVm, run: Run) -> None:
    lines = [
        "object-add qom-type=secret id=s data=hunter2",
        "qom-get path=/objects/s property=data | .let k",
        ".let",
    ]
    result = run(vm.address, *(f"-c{line}" for line in lines))
    assert result.stdout.splitlines()[1:] == ["$_  ***", "$k  ***"]


def test_the_human_monitor_has_pipelines(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    result = run("-H", quiet_vm.address, stdin="info status | wc -w\np 1 | 2\ninfo name > name\n")
    assert result.stdout.split() == ["4", "0x3"]
    assert (tmp_path / "name").read_text() == "testvm\n"


def test_a_dry_run_takes_references_for_values_of_any_type(quiet_vm: RunningVm, run: Run) -> None:
    script = """
        query-block | .let disks
        block_resize node-name=$disks.0.inserted.node-name size=$_.0.x
        .each $disks.* eject id=$it.qdev
        .each $_.* eject x=$it
        stop x=$_
        query-status x=$nope
    """
    result = run("-n", quiet_vm.address, stdin=script)
    shown = replies(result.stdout)
    assert shown[1]["arguments"] == {
        "node-name": "$disks.0.inserted.node-name",
        "size": "$_.0.x",
    }
    assert shown[2] == {"execute": "eject", "arguments": {"id": "$it.qdev"}}
    assert result.stderr.splitlines() == [
        "qmp-shell: <stdin>:5: eject: no argument x; it takes: device, id, force",
        "qmp-shell: <stdin>:6: stop: no argument x; it takes no arguments",
        "qmp-shell: <stdin>:7:24: '$nope' is not set; COMMAND | .let nope sets it, and a text "
        "needs quotes",
    ]


# At the prompt


def test_references_are_completed_with_their_values(shell: Terminal) -> None:
    shell.enter("query-version | .let v")
    shell.wait_for_prompt()
    assert "$v: {qemu, package}" in shell.text
    shell.type("device_add id=$v.qemu.")
    shell.wait_for(r"^ +\$v\.qemu\.micro +\d+")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.type(".each $")
    shell.wait_for(r"^ +\$v +\{qemu, package\}")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter(".let")
    shell.wait_for_prompt()
    assert [line.split()[0] for line in shell.lines if line.startswith("$")][-2:] == ["$_", "$v"]


def test_each_shows_what_could_lose_data_and_asks_once(
    start_vm: Callable[..., RunningVm], terminal: Callable[..., Terminal]
) -> None:
    shell = terminal(start_vm().address)
    shell.wait_for_prompt()
    shell.enter("query-version")
    shell.wait_for_prompt()
    shell.enter(".each $_.* system_reset")
    shell.wait_for("Go on")
    assert shell.lines.count("system_reset") == 2
    shell.type("n\r")
    shell.wait_for("not sent")
