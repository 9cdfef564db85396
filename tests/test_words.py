"""A command in words of the command line: what each word means, and where options end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.errors import UsageError
from qmp_shell.language import DotStatement, ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.language.destination import DISPLAY
from qmp_shell.language.literal import parse_literal
from qmp_shell.language.shell_words import format_words
from qmp_shell.language.values import is_ambiguous
from qmp_shell.language.word_types import apply_types
from qmp_shell.options import parse_arguments
from tests.conftest import NAME_REPLY, Run, RunningVm

# What has a meaning in a line of the notation, and not in a word.
SPECIAL = """a1 "'\\|<>#$(){}[]=.,:\n\t\r%é\ud800☃"""


def parse(*words: str) -> ExecuteStatement | DotStatement:
    """What the line that some words make is parsed as."""
    joiner, parser = LineJoiner(), StatementParser()
    found = None
    for line in " ".join(format_words(words, human=False)).split("\n"):
        source = joiner.add_line(line)
        if source is not None:
            assert found is None, "the words are one line"
            found = parser.parse(source)
    if joiner.needs_more:  # a message that is not complete
        found = parser.parse(joiner.finish())
    assert found is not None
    return found


def message_of(*words: str) -> dict[str, Any]:
    statement = parse(*words)
    assert isinstance(statement, ExecuteStatement)
    assert (statement.files, statement.destination) == ((), DISPLAY)
    message: dict[str, Any] = apply_types(statement.message, None)
    return message


def arguments_of(*words: str) -> dict[str, Any]:
    arguments: dict[str, Any] = message_of("x", *words)["arguments"]
    return arguments


def error_of(*words: str, human: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        parse(*words) if not human else format_words(words, human=True)
    return str(caught.value)


# Values


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=net 1", "net 1"),
        ("a=b=c d", "b=c d"),
        ("a=", ""),
        ("a= ", " "),
        ('a="5"', '"5"'),
        ("a='x y'", "'x y'"),
        ("a=$_", "$_"),
        ("a=$HOME/x", "$HOME/x"),
        ("a=x | y > z # w", "x | y > z # w"),
        ("a=#x", "#x"),
        ("a=>x", ">x"),
        ("a=C:\\new\\", "C:\\new\\"),
        ("a=x\ny\\\nz", "x\ny\\\nz"),
        ("a=é☃", "é☃"),
        ("a=)", ")"),
        ("a=?", "?"),
        ('a=json:{"driver": "file"}', 'json:{"driver": "file"}'),
        ("a=5", 5),
        ("a=-1", -1),
        ("a=TRUE", True),
        ("a=on", "on"),
        ("a={'b': [1, null, True]}", {"b": [1, None, True]}),
        ('a=[1,\n  "x|y" # one\n]', [1, "x|y"]),
        ("a=[1] # one", [1]),
        ('a=["\\ud83d\\ude00", "\\ud800"]', ["\U0001f600", "\ud800"]),
        ("a=[1", "[1"),
        ("a={x}", "{x}"),
        ("a=[1] x", "[1] x"),
        ("a=[1e999]", "[1e999]"),
    ],
)
def test_all_behind_the_first_equals_sign_is_the_value(word: str, value: object) -> None:
    assert arguments_of(word) == {"a": value}


def test_keys_are_dotted_paths_and_values_have_the_types_of_the_schema(
    quiet_vm: RunningVm, run: Run
) -> None:
    words = ("blockdev-add", "driver=qcow2", "node-name=5", "file.driver=file", "read-only=on")
    result = run("-n", quiet_vm.address, *words, "file.filename=/srv/my disk.img")
    assert (result.stderr, result.returncode) == ("", 0)
    assert json.loads(result.stdout)["arguments"] == {
        "driver": "qcow2",
        "node-name": "5",
        "file": {"driver": "file", "filename": "/srv/my disk.img"},
        "read-only": True,
    }


_values = st.text(st.sampled_from(SPECIAL) | st.characters(), max_size=12)


@hypothesis.given(
    st.lists(st.tuples(st.from_regex(r"[a-z#|$<>(){}.\" -]+", fullmatch=True), _values))
)
def test_any_word_is_an_argument_as_it_is_or_is_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        arguments = arguments_of(*(f"{key}={value}" for key, value in pairs), "last=x")
    except UsageError:
        return
    for key, value in [*pairs, ("last", "x")]:
        found: Any = arguments
        for part in key.split("."):
            found = found[part]
        try:
            expected = parse_literal(value, 0) if value[:1] in ("{", "[") else value
        except UsageError:
            expected = value
        assert found == expected or (is_ambiguous(value) and not isinstance(found, str))


@hypothesis.given(st.lists(_values, min_size=1, max_size=4))
def test_any_words_are_one_line_or_are_refused(words: list[str]) -> None:
    try:
        statement = parse(*words)
    except UsageError:
        return
    assert not isinstance(statement, ExecuteStatement) or statement.destination == DISPLAY


# Other words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["query name"], "word 1: 'query name' is not a command name; a whole line goes behind -c"),
        ([""], "word 1: '' is not a command name"),
        (["# x"], "word 1: '# x' is not a command name"),
        (["|"], "word 1: '|' is not a command name"),
        (["id=5"], "word 1: 'id=5' is not a command name"),
        (["x\\"], "is not a command name"),
        ([".x\\"], "is not the name of a dot command"),
        (['{"execute": "x"}', "y"], "is not a command name"),
        (["x", "a=1", "-k"], "word 3: '-k' has no value; write key=value; options of qmp-shell"),
        (["x", "--"], "options of qmp-shell stand before the command"),
        (["x", "|", "jq"], "word 2: '|' has no value; write key=value; |, > and < have a meaning"),
        (["x", "</path"], "have a meaning behind -c only"),
        (["x", "# y"], "word 2: '# y' has no value"),
        (["x", "y z"], "word 2: 'y z' has no value"),
        (["x", "{y"], "word 2: '{y' has no value"),
        (["x", "?", "a=1"], "word 2: '?' has no value"),
        (["x", "=1"], "word 2: a key is missing before ="),
        (["x", "#a=1"], "word 2: '#a' cannot be a key"),
        (["x", ">a=1"], "word 2: '>a' cannot be a key"),
        (["x", "a b=1"], "word 2: 'a b' cannot be a key"),
        (["x", '"a"=1'], "cannot be a key"),
        ([". x"], "word 1: '. x' is not the name of a dot command"),
        ([".x|y"], "word 1: '.x|y' is not the name of a dot command"),
    ],
)
def test_what_is_no_command_is_refused_with_its_place(words: list[str], says: str) -> None:
    assert says in error_of(*words)


def test_what_cannot_be_parsed_is_refused_with_its_word(quiet_vm: RunningVm, run: Run) -> None:
    for words, says in (
        (["x", "y"], "word 2: 'y' has no value; write key=value"),
        (["x", "a=1", "b..c=1"], "word 3: a name is missing here"),
        (["x", "a=1", "a=2"], "word 3: 'a' is given twice"),
        (["x", "a.0=1", "a.2=1"], "word 2: list index 1 is missing"),
        (["x", "a=1", "b=é\udcff"], "word 3: this is not UTF-8"),
        (["x", "a=1", "b=['\udcff']"], "word 3: this is not UTF-8"),
        ([".nonesuch", "x"], "word 1: no command .nonesuch"),
        (['{"execute":\n "x"; }'], "word 1: "),
    ):
        result = run(quiet_vm.address, *words)
        assert result.stderr.startswith("qmp-shell: ")
        assert says in result.stderr
        assert (result.stdout, result.stderr.count("\n"), result.returncode) == ("", 1, 2)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["device_add", "e1000"], "write device_add driver=e1000"),
        (["device_add", '{"driver":\n"e1000"}'], "write device_add driver=e1000"),
        (["qom-get", "/machine", "type"], "write qom-get path=/machine property=type"),
        (["info", "status"], "the human monitor has it: .hmp info status"),
        (["stop", "cont"], "one command a line: stop, then cont"),
    ],
)
def test_what_was_meant_is_told_as_it_is_of_a_line(
    quiet_vm: RunningVm, run: Run, words: list[str], hint: str
) -> None:
    result = run(quiet_vm.address, *words)
    assert result.stderr.startswith("qmp-shell: word 2: ")
    assert result.stderr.endswith(f" has no value; write key=value (hint: {hint})\n")
    assert (result.stdout, result.returncode) == ("", 2)


@pytest.mark.parametrize("secret", ["hunter2", "hunter2 x"])
def test_a_word_beside_a_secret_is_not_quoted(quiet_vm: RunningVm, run: Run, secret: str) -> None:
    result = run(quiet_vm.address, "set_password", "protocol=vnc", "password=x", secret)
    assert result.stderr == "qmp-shell: word 4: this has no value; write key=value\n"


def test_a_message_in_json_is_one_word(quiet_vm: RunningVm, run: Run) -> None:
    message = '{"execute":\n\n"query-name"}'
    for words in ([message], [".qmp", message]):
        assert run(quiet_vm.address, *words).stdout == NAME_REPLY
    assert "executed in-band" in run(quiet_vm.address, ".oob", message).stderr


def test_a_transaction_ends_with_a_word_of_its_own() -> None:
    words = ["block-dirty-bitmap-add", "node=d 0", "name=x)", "abort", ")"]
    for opening in (["transaction("], ["transaction", "("]):
        message = message_of(*opening, *words)
        assert message == {
            "execute": "transaction",
            "arguments": {
                "actions": [
                    {"type": "block-dirty-bitmap-add", "data": {"node": "d 0", "name": "x)"}},
                    {"type": "abort", "data": {}},
                ]
            },
        }
        assert error_of(*opening, *words[:-1]) == (
            f"word {len(opening) + 4}: the last word of a transaction( is )"
        )
        assert "is not a command name" in error_of(*opening, "a b", ")")
    assert "transaction" in error_of("transaction(", "x=5)")


def test_a_question_mark_asks_for_help(quiet_vm: RunningVm, run: Run) -> None:
    assert parse("device_add", "driver=e 1", "?") == DotStatement("help", 'device_add driver="e 1"')
    assert parse("device_add", "driver=e1000", "--help") == parse("device_add", "driver=e1000", "?")
    assert parse("stop", "-h") == DotStatement("help", "stop")
    assert run(quiet_vm.address, "stop", "?").stdout == run(quiet_vm.address, "-c", "stop ?").stdout


# Dot commands and the human monitor


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        ([".wait", "job=m 0", "timeout=5"], 'job="m 0" timeout=5'),
        ([".source", "my file.qmp"], '"my file.qmp"'),
        ([".source", "dir/a=b c"], '"dir/a=b c"'),
        ([".source", "dir\\"], '"dir\\\\"'),
        ([".events", "!RTC*", "#x", "a|b", ">x"], '!RTC* "#x" "a|b" ">x"'),
        ([".find", ""], '""'),
        ([".connect", "unix:/x,server=on"], "unix:/x,server=on"),
        ([".hmp", "p", "$pc"], "p $pc"),
        ([".hmp", "drive_add", "0", "file=/my x,if=none"], 'drive_add 0 "file=/my x,if=none"'),
    ],
)
def test_words_behind_a_dot_command_are_quoted_as_it_reads_them(
    words: list[str], argument: str
) -> None:
    assert parse(*words) == DotStatement(words[0][1:], argument)


def test_dot_commands_run(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    assert run(quiet_vm.address, ".wait", "status=prelaunch").returncode == 0
    assert run(quiet_vm.address, ".wait", "status=running", "timeout=0.01").returncode == 5
    (tmp_path / "a = b.qmp").write_text("query-name\n")
    assert run(quiet_vm.address, ".source", "./a = b.qmp").stdout == NAME_REPLY
    assert run(quiet_vm.address, ".hmp", "info", "name").stdout == "testvm\n"
    assert run(quiet_vm.address, ".hmp", "info name").stdout == "testvm\n"


def test_what_stands_in_the_place_of_a_command_is_told(quiet_vm: RunningVm, run: Run) -> None:
    several = (
        f"{quiet_vm.second_address} is no command; for several addresses, write -c LINE before them"
    )
    for words, problem in (
        ((quiet_vm.second_address,), several),
        ((quiet_vm.second_address, "-c", "query-name"), several),
        ((quiet_vm.second_address, "query-name"), several),
        *(
            ((word, *more), f"{word} is no command; for several addresses, write {before} them")
            for word in ("nope.sock", "localhost:4444", ":4444", "./nope", "ssh://a/b")
            for more, before in (
                ((), "-c LINE before"),
                (("query-name",), "-c LINE before"),
                (("-f", "a.qmp"), "-f FILE before"),
                (("--file=a.qmp",), "-f FILE before"),
            )
        ),
        ((__file__,), f"{__file__} is no command; write -f before it to run its lines"),
        (("-",), "without the -, lines are read from standard input"),
        (("-N", "-H"), "a guest agent has no human monitor; leave out -H"),
    ):
        result = run(quiet_vm.address, *words)
        assert (result.stderr, result.returncode) == (f"qmp-shell: {problem}\n", 2)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["info", "name"], "info name"),
        (["x/10i", "$pc"], "x/10i $pc"),
        (["p", "1|2", ">5", "a'b"], "p 1|2 >5 a'b"),
        (["p", "|", ">", ">>"], 'p "|" ">" ">>"'),
        (["change", "d", 'a "b"\\\n'], 'change d "a \\"b\\"\\\\\\n"'),
        (["change", '"', ""], 'change "\\"" ""'),
    ],
)
def test_words_for_the_human_monitor_are_quoted_as_it_reads_them(
    words: list[str], line: str
) -> None:
    assert " ".join(format_words(words, human=True)) == line


def test_human_monitor_mode(quiet_vm: RunningVm, run: Run, tmp_path: Path) -> None:
    assert run("-H", quiet_vm.address, "info", "name").stdout == "testvm\n"
    # The monitor's own expressions, which have a "|" and a "$".
    assert run("-H", quiet_vm.address, "p", "5|8").stdout == "0xd\n"
    # (Newer QEMUs have no register of that name.)
    assert run("-H", quiet_vm.address, "p", "$eax").stdout.startswith(("0", "unknown register"))
    path = tmp_path / 'my "dump"'
    assert run("-H", quiet_vm.address, "pmemsave", "0", "16", str(path)).stdout == ""
    assert path.stat().st_size == 16
    assert run("-H", quiet_vm.address, ".wait", "status=prelaunch").returncode == 0
    assert run("-H", quiet_vm.address, "info name").stdout == "testvm\n", "a whole line in quotes"
    assert "word 1" in error_of("info\nname x", human=True)


# The command line


@pytest.mark.parametrize(
    ("line", "addresses", "words"),
    [
        ("a query-name", ["a"], ["query-name"]),
        ("-k a -p query-name -k --pretty", ["a"], ["query-name", "-k", "--pretty"]),
        ("a x id=-1 -t 5 --nonesuch", ["a"], ["x", "id=-1", "-t", "5", "--nonesuch"]),
        ("-- a x -k", ["a"], ["x", "-k"]),
        ("a -- -x", ["a"], ["-x"]),
        ("a x --", ["a"], ["x", "--"]),
        ("-w ./a x", ["./a"], ["x"]),
        ("a -w x y=1", ["a"], ["x", "y=1"]),
        ("-w 5 a x", ["a"], ["x"]),
        ("-w 127.0.0.1:4444 x", ["127.0.0.1:4444"], ["x"]),
        ("-w 9p/vm.sock x", ["9p/vm.sock"], ["x"]),
        ("-w -- 1.sock x", ["1.sock"], ["x"]),
        ("-w a", ["a"], None),
        ("a", ["a"], None),
        ("", [], None),
        ("-H a info -x", ["a"], ["info", "-x"]),
    ],
)
def test_the_first_word_is_the_address_and_options_end_where_the_command_begins(
    line: str, addresses: list[str], words: list[str] | None
) -> None:
    options = parse_arguments(line.split())
    assert options.addresses == addresses
    found = [each.words for each in options.inputs] if options.inputs else [None]
    assert found == [words]
    assert options.keep_going == line.startswith("-k")


def test_what_begins_with_a_digit_behind_w_is_a_number_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    told = "-w takes a number of seconds, not '1.sock'"
    with pytest.raises(UsageError, match=f"^{told}; an address goes behind -w --$"):
        parse_arguments(["-w", "1.sock"])
    with pytest.raises(UsageError, match=f"^{told}$"):
        parse_arguments(["a", "-w", "1.sock"])
    (tmp_path / "1.sock").touch()
    assert parse_arguments(["-w", "1.sock"]).addresses == ["1.sock"]


def test_all_words_are_addresses_beside_a_line() -> None:
    for line in ("-c x a", "a -c x", "-c x -- a"):
        assert parse_arguments(line.split()).addresses == ["a"]
    assert parse_arguments(["-f", "x", "a", "-k", "b"]).addresses == ["a", "b"]


def test_the_words_are_run_without_a_prompt_and_standard_input(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "query-name", stdin="quit\n")
    assert (result.stdout, result.stderr, result.returncode) == (NAME_REPLY, "", 0)
    failed = run(quiet_vm.address, "device_add", "driver=nonesuch")
    assert failed.stderr.startswith("qmp-shell: device_add: GenericError: ")
    assert failed.returncode == 1


@pytest.mark.parametrize("name", ["query-status", ".info", "device_add"])
def test_a_command_without_an_address_is_told(run: Run, name: str) -> None:
    result = run(name, "id=5")
    assert result.stderr == (
        f"qmp-shell: {name}: no such socket; the first word is the address, "
        "and a command follows it\n"
    )
    assert result.returncode == 3
    assert run(name).stderr == result.stderr.replace(
        "follows it", f"follows it; for the only VM that runs here, write qmp-shell -c {name}"
    )
    result = run(name, "id=5", QMP_SOCKET="/run/vm.sock")
    assert result.stderr.endswith(f'follows it; write qmp-shell "$QMP_SOCKET" {name}\n')
    assert run("cont", QMP_SOCKET="/x").stderr.endswith('write qmp-shell "$QMP_SOCKET" cont\n')
    assert "start QEMU with" in run("cont").stderr


@pytest.mark.parametrize("name", ["query-status", ".info", "cont"])
def test_a_command_among_the_addresses_is_told_before_anything_is_run(
    quiet_vm: RunningVm, run: Run, tmp_path: Path, name: str
) -> None:
    told = f"qmp-shell: {name}: no such socket; with -c or -f, all other words are addresses\n"
    script = tmp_path / "a.qmp"
    script.write_text("query-name\n")
    for option in (("-c", "query-name"), ("-f", str(script))):
        for words in ((quiet_vm.address, *option, name), (*option, name, quiet_vm.address)):
            result = run(*words)
            assert (result.stdout, result.stderr, result.returncode) == ("", told, 3)
    result = run(quiet_vm.address, "-w", "0.01", "-c", "query-name", name)
    assert '"return": {"name": "testvm"}' in result.stdout, "the other may begin to listen"


def test_a_name_of_a_vendor_is_one_of_a_command(quiet_vm: RunningVm, run: Run) -> None:
    assert "CommandNotFound" in run(quiet_vm.address, "__org.example_x").stderr


def test_a_socket_may_have_the_name_of_a_command(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    os.symlink(quiet_vm.address, tmp_path / "query-status")
    assert run("query-status", "query-name").stdout == NAME_REPLY
