"""A name that completion inserts into a line is parsed as exactly that name."""

from __future__ import annotations

import re
from collections.abc import Iterable

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.commands import Registry
from qmp_shell.commands.base import parse_path
from qmp_shell.commands.completion import complete_draft
from qmp_shell.commands.wait import parse_wait
from qmp_shell.complete import Candidate, Draft, NameRequest, insertion
from qmp_shell.language import DotStatement, ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.language.word_types import apply_types
from qmp_shell.vm.types import VmTypes
from qmp_shell.vm.waiting import JobCondition

# Names with characters that are special in the notation, in a shell or at a terminal.
SPECIAL_NAMES = [
    "a\n| touch pwned\n",
    "\n| touch pwned",
    "a | touch pwned",
    "|touch",
    "a\r\nquit",
    "\x1b[2J",
    "a\x9b31m",
    "a b",
    "a\u2028b",
    "\u202eabc",
    'say "x"',
    "it's",
    "back\\",
    "#1",
    "a #1",
    "(a)",
    "{a}",
    "a]",
    "on",
    "null",
    "0x10",
    "\ud800",
    "-f",
    ".x",
    "a,b=c",
    "",
]
NAMES = st.one_of(
    st.sampled_from(SPECIAL_NAMES),
    st.text(alphabet="ab \t\n\r\"'\\|<>#(){}[]=,.;$`\x00\x1b\x7f\x9b\u2028\ud800é", max_size=8),
    st.text(max_size=8),
)


class SingleName:
    """A source of candidates with one name of every kind."""

    def __init__(self, name: str) -> None:
        self._name = name

    def candidates(self, _: NameRequest) -> Iterable[Candidate]:
        return [Candidate(self._name)]


def complete_line(text: str, name: str, types: VmTypes, *, human: bool = False) -> str | None:
    """Complete a line with a name.

    :param text: the line up to the cursor.
    :return: the completed line; None: the name is not offered.
    """
    options = complete_draft(Draft(text, human=human), Registry(), SingleName(name), types)
    assert options is not None
    candidate = next(each for each in options.candidates if each.text == name)
    inserted = insertion(candidate, options)
    if inserted is None:
        return None
    assert inserted.isprintable()
    return text[: len(text) - len(options.quote + options.typed)] + inserted


def parse_line(line: str, types: VmTypes) -> ExecuteStatement | DotStatement:
    """Parse a line, and convert its bare words by the types of the command's arguments."""
    source = LineJoiner().add_line(line)
    assert source is not None, "the line is incomplete"
    statement = StatementParser().parse(source)
    assert statement is not None
    if isinstance(statement, DotStatement):
        return statement
    message = statement.message
    type_ = types.arguments(message["execute"], message.get("arguments", {}))
    return statement._replace(
        message=message | {"arguments": apply_types(message.get("arguments", {}), type_)}
    )


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("device_del id=", ["id"]),
        ("blockdev-del node-name=", ["node-name"]),
        ("blockdev-add driver=raw file=", ["file"]),
        ("blockdev-add driver=qcow2 file.driver=null-co backing=", ["backing"]),
        ("device_add bus=", ["bus"]),
        ("qom-set value=1 path=/x property=", ["property"]),
        ("query-rx-filter name=", ["name"]),
        ("snapshot-load job-id=x vmstate=d devices.0=d tag=", ["tag"]),
        ("snapshot-load job-id=x vmstate=d tag=d devices.0=", ["devices", 0]),
        (
            "transaction(block-dirty-bitmap-clear node=d0 name=",
            ["actions", 0, "data", "name"],
        ),
    ],
)
@hypothesis.given(name=NAMES)
def test_completed_values_are_parsed_as_the_chosen_name(
    types: VmTypes, line: str, path: list[str | int], quote: str, name: str
) -> None:
    completed = complete_line(line + quote, name, types)
    assert completed is not None
    statement = parse_line(completed + " )" * line.startswith("transaction"), types)
    assert isinstance(statement, ExecuteStatement)
    assert statement.pipeline is None
    assert statement.files == ()
    value = statement.message["arguments"]
    for key in path:
        value = value[key]
    assert value == name


@hypothesis.given(name=NAMES)
def test_completed_commands_are_parsed_as_the_chosen_name(types: VmTypes, name: str) -> None:
    completed = complete_line("", name, types)
    if completed is not None:
        statement = parse_line(completed, types)
        assert isinstance(statement, ExecuteStatement)
        assert statement.message == {"execute": name, "arguments": {}}
        assert statement.pipeline is None


@pytest.mark.parametrize("line", ["", ".events ", ".commands ", ".help ", ".wait ", ".hmp loadvm "])
@pytest.mark.parametrize("name", ["query-status", "guest-info", "x-query-roms", "__org.me_test"])
def test_names_of_usual_characters_are_inserted_unchanged(
    types: VmTypes, line: str, name: str
) -> None:
    assert complete_line(line, name, types) == line + name


@pytest.mark.parametrize("line", [".events ", ".commands ", ".help ", ".wait "])
@hypothesis.given(name=NAMES)
def test_completed_words_of_dot_commands_are_parsed_as_the_chosen_name(
    types: VmTypes, line: str, name: str
) -> None:
    completed = complete_line(line, name, types)
    if completed is not None:
        assert parse_line(completed, types) == DotStatement(line[1:].strip(), name)


@hypothesis.given(name=NAMES)
def test_completed_jobs_of_wait_are_parsed_as_the_chosen_name(types: VmTypes, name: str) -> None:
    completed = complete_line(".wait job=", name, types)
    assert completed is not None
    if name:
        assert parse_wait(completed.removeprefix(".wait ")).condition == JobCondition(name)


@pytest.mark.parametrize("quote", ["", '"'])
@hypothesis.given(name=NAMES)
def test_completed_paths_are_parsed_as_the_chosen_path(
    types: VmTypes, quote: str, name: str
) -> None:
    completions = complete_draft(Draft(f".source {quote}"), Registry(), SingleName(""), types)
    assert completions is not None
    statement = parse_line(f".source {insertion(Candidate(name), completions)}", types)
    assert isinstance(statement, DotStatement)
    assert parse_path(statement.argument) == name


def split_human_line(line: str) -> list[str]:
    """Split a line into words as QEMU's human monitor does (get_str() in monitor/hmp.c)."""
    escapes = {"n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
    words = []
    for quoted, bare in re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', line):
        words.append(re.sub(r"\\(.)", lambda match: escapes[match[1]], quoted) if quoted else bare)
    return words


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(
    ("prefix", "human"),
    [pytest.param("", True, id="human monitor mode"), pytest.param(".hmp ", False, id=".hmp")],
)
@pytest.mark.parametrize("line", ["device_del ", "loadvm ", "info block ", "set_link "])
@hypothesis.given(name=NAMES)
def test_completed_words_of_the_human_monitor_are_parsed_as_the_chosen_name(
    types: VmTypes, line: str, prefix: str, human: bool, quote: str, name: str
) -> None:
    completed = complete_line(prefix + line + quote, name, types, human=human)
    if completed is not None and name:
        assert split_human_line(completed)[-1] == name
        assert completed.startswith(prefix + line)
