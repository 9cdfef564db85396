"""Whatever completion puts on the line is read back as exactly the name that was chosen."""

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
from qmp_shell.schema import Schema
from qmp_shell.vm.types import VmTypes
from qmp_shell.vm.waiting import JobCondition
from tests.sessions import offline_types

# Text that means something to the notation, to a shell or to a terminal.
HOSTILE = [
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
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(alphabet="ab \t\n\r\"'\\|<>#(){}[]=,.;$`\x00\x1b\x7f\x9b\u2028\ud800é", max_size=8),
    st.text(max_size=8),
)


class OneName:
    """Whatever is wanted has this name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def candidates(self, _: NameRequest) -> Iterable[Candidate]:
        return [Candidate(self._name)]


@pytest.fixture(scope="module")
def types(schema: Schema) -> VmTypes:
    return offline_types(schema)


def completed(before: str, name: str, types: VmTypes, *, human: bool = False) -> str | None:
    """The line after the name was chosen; None: it is not offered."""
    options = complete_draft(Draft(before, human=human), Registry(), OneName(name), types)
    assert options is not None
    chosen = next(each for each in options.candidates if each.text == name)
    written = insertion(chosen, options)
    if written is None:
        return None
    assert written.isprintable()
    return before[: len(before) - len(options.quote + options.typed)] + written


def run_through(line: str, types: VmTypes) -> ExecuteStatement | DotStatement:
    """The statement that a line is, its words typed."""
    source = LineJoiner().add_line(line)
    assert source is not None, "more lines are wanted"
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
@hypothesis.given(name=TEXTS)
def test_values_are_read_back(
    types: VmTypes, line: str, path: list[str | int], quote: str, name: str
) -> None:
    written = completed(line + quote, name, types)
    assert written is not None
    statement = run_through(written + " )" * written.startswith("transaction"), types)
    assert isinstance(statement, ExecuteStatement)
    assert statement.pipeline is None
    assert statement.files == ()
    value = statement.message["arguments"]
    for part in path:
        value = value[part]
    assert value == name


@hypothesis.given(name=TEXTS)
def test_commands_are_read_back(types: VmTypes, name: str) -> None:
    written = completed("", name, types)
    if written is not None:
        statement = run_through(written, types)
        assert isinstance(statement, ExecuteStatement)
        assert statement.message == {"execute": name, "arguments": {}}
        assert statement.pipeline is None


@pytest.mark.parametrize("name", ["query-status", "guest-info", "x-query-roms", "__org.me_test"])
def test_ordinary_commands_are_offered(types: VmTypes, name: str) -> None:
    assert completed("", name, types) == name


@pytest.mark.parametrize("line", [".events ", ".commands ", ".help ", ".wait "])
@hypothesis.given(name=TEXTS)
def test_words_of_dot_commands_are_read_back(types: VmTypes, line: str, name: str) -> None:
    written = completed(line, name, types)
    if written is not None:
        statement = run_through(written, types)
        assert statement == DotStatement(line[1:].strip(), name)


@hypothesis.given(name=TEXTS)
def test_jobs_that_are_waited_for_are_read_back(types: VmTypes, name: str) -> None:
    written = completed(".wait job=", name, types)
    assert written is not None
    if name:
        assert parse_wait(written.removeprefix(".wait ")).condition == JobCondition(name)


@hypothesis.given(name=TEXTS)
def test_paths_are_read_back(types: VmTypes, name: str) -> None:
    for quote in ("", '"'):
        completions = complete_draft(Draft(f".source {quote}"), Registry(), OneName(""), types)
        assert completions is not None
        written = insertion(Candidate(name), completions)
        assert written is not None
        check_path(f".source {written}", name, types)


def check_path(line: str, name: str, types: VmTypes) -> None:
    statement = run_through(line, types)
    assert isinstance(statement, DotStatement)
    assert parse_path(statement.argument) == name


def human_words(line: str) -> list[str]:
    """A line's words as QEMU's monitor reads them (get_str() in monitor/hmp.c)."""
    escapes = {"n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
    words = []
    for quoted, bare in re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', line):
        words.append(re.sub(r"\\(.)", lambda match: escapes[match[1]], quoted) if quoted else bare)
    return words


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("line", ["device_del ", "loadvm ", "info block ", "set_link "])
@hypothesis.given(name=TEXTS)
def test_words_of_the_human_monitor_are_read_back(
    types: VmTypes, line: str, quote: str, name: str
) -> None:
    for before, human in ((line, True), (f".hmp {line}", False)):
        written = completed(before + quote, name, types, human=human)
        if written is not None and name:
            assert human_words(written)[-1] == name
            assert not written.startswith(".") or before.startswith(".")
