"""A name that completion inserts into a line is parsed as exactly that name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.commands import Registry
from qmp_shell.commands.base import parse_path
from qmp_shell.commands.completion import complete_draft
from qmp_shell.commands.wait import parse_wait
from qmp_shell.complete import Candidate, Draft, NameRequest, insertion
from qmp_shell.language import DotStatement, ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.language.destination import DISPLAY
from qmp_shell.language.word_types import apply_types
from qmp_shell.schema import Schema
from qmp_shell.vm.types import VmTypes
from qmp_shell.vm.waiting import JobCondition
from tests.fuzz.completion import split_human_line
from tests.sessions import offline_types

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


def complete_line(
    text: str, name: str, types: VmTypes, *, after: str = "", human: bool = False
) -> str | None:
    """Complete a line with a name.

    :param text: the line up to the cursor.
    :param after: the text after the cursor.
    :return: the completed line up to the cursor; None: the name is not offered.
    """
    draft = Draft(text + after, len(text), human=human)
    options = complete_draft(draft, Registry(), SingleName(name), types)
    assert options is not None
    candidate = next(each for each in options.candidates if each.text == name)
    inserted = insertion(candidate, options)
    if inserted is None:
        return None
    assert inserted.isprintable()
    return text[: len(text) - len(options.quote + options.typed)] + inserted


def parse_line(line: str, types: VmTypes) -> ExecuteStatement | DotStatement:
    """Parse a line, and convert its bare words by the types of the command's arguments."""
    joiner = LineJoiner()
    *_, source = [joiner.add_line(each) for each in line.split("\n")]
    assert source is not None, "the line is incomplete"
    statement = StatementParser().parse(source)
    assert statement is not None
    if isinstance(statement, DotStatement):
        return statement
    message = statement.message
    if "execute" not in message:
        return statement
    type_ = types.arguments(message["execute"], message.get("arguments", {}))
    arguments = apply_types(message.get("arguments", {}), type_)
    return statement.replaced(message=message | {"arguments": arguments})


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
    assert statement.destination == DISPLAY
    assert statement.files == ()
    value = statement.message["arguments"]
    for key in path:
        value = value[key]
    assert value == name


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('device_del id="fu', '"', 'device_del id="full"'),
        ('device_del id="', '"', 'device_del id="full"'),
        ('device_del id="fu', 'x" a=b', 'device_del id="fullx" a=b'),
        ("device_del id='fu", "' a=b", "device_del id='full' a=b"),
        ('device_del id="fu', ' a=""', 'device_del id="full" a=""'),
        ('device_del id="fu', "' a=b", 'device_del id="full"\' a=b'),
        ("device_del id=fu", '"', 'device_del id=full"'),
        ('.hmp device_del "fu', '"', '.hmp device_del "full"'),
    ],
)
def test_a_quote_that_is_closed_already_is_not_closed_again(
    types: VmTypes, before: str, after: str, line: str
) -> None:
    completed = complete_line(before, "full", types, after=after)
    assert completed is not None
    assert completed + after == line


def test_the_human_monitors_quote_is_not_closed_again(types: VmTypes) -> None:
    line = 'device_del "fu'
    assert complete_line(line, "full", types, after='"', human=True) == 'device_del "full'


def test_a_name_that_needs_another_quote_is_not_offered_within_closed_ones(types: VmTypes) -> None:
    assert complete_line("device_del id='", "a\n", types, after="'") is None
    assert complete_line("device_del id='", "a\n", types) == 'device_del id="a\\n"'


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('{"execute": ', "}", ["execute"]),
        ("{'exec-oob': ", "}", ["exec-oob"]),
        (
            '{"execute": "device_del", "arguments": {"id": ',
            "}}",
            ["arguments", "id"],
        ),
        ("snapshot-load devices=[", "]", ["arguments", "devices", 0]),
        ("snapshot-load devices=['d', ", ",]", ["arguments", "devices", 1]),
        ("snapshot-load devices=[\n# '\n", "\n]", ["arguments", "devices", 0]),
        (
            "blockdev-add driver=qcow2 backing={'driver': 'raw', 'file': ",
            "}",
            ["arguments", "backing", "file"],
        ),
        ('{"arguments": {"id": ', '}, "execute": "device_del"}', ["arguments", "id"]),
        (
            'transaction( {"type": "block-dirty-bitmap-clear", "data": {"name": ',
            "}} )",
            ["arguments", "actions", 0, "data", "name"],
        ),
    ],
)
@hypothesis.given(name=NAMES)
def test_completed_strings_in_literals_are_parsed_as_the_chosen_name(
    types: VmTypes, before: str, after: str, path: list[str | int], quote: str, name: str
) -> None:
    for end in {after, quote + after}:
        completed = complete_line(before + quote, name, types, after=end)
        assert completed is not None
        assert parsed_value(completed + end, types, path) == name


def parsed_value(text: str, types: VmTypes, path: list[str | int]) -> object:
    """The value to which a path leads in the message that some lines are parsed as."""
    statement = parse_line(text, types)
    assert isinstance(statement, ExecuteStatement)
    assert (statement.destination, statement.files) == (DISPLAY, ())
    value: Any = statement.message
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"execute": "test", "arguments": {', "1}}"),
        ("test ids=['x'] members={", "1 }"),
        ('test members={\n"x": 1,\n', "1\n}"),
    ],
)
@hypothesis.given(name=NAMES.filter(lambda name: name not in ("", "x", "members")))
def test_completed_keys_in_literals_are_parsed_as_the_chosen_name(
    before: str, after: str, quote: str, name: str
) -> None:
    member = {"name": name, "type": "int"}
    types = offline_types(
        Schema(
            [
                {"name": "int", "meta-type": "builtin", "json-type": "int"},
                {"name": "0", "meta-type": "object", "members": []},
                {"name": "1", "meta-type": "object", "members": [member]},
                {
                    "name": "2",
                    "meta-type": "object",
                    "members": [member, {"name": "members", "type": "1"}],
                },
                {"name": "test", "meta-type": "command", "arg-type": "2", "ret-type": "0"},
            ]
        )
    )
    completed = complete_line(before + quote, name, types)
    assert completed is not None
    path = ["arguments"] if before.startswith("{") else ["arguments", "members"]
    members = parsed_value(completed + after, types, [*path])
    assert isinstance(members, dict)
    assert members[name] == 1


@hypothesis.given(name=NAMES)
def test_completed_commands_are_parsed_as_the_chosen_name(types: VmTypes, name: str) -> None:
    completed = complete_line("", name, types)
    if completed is not None:
        statement = parse_line(completed, types)
        assert isinstance(statement, ExecuteStatement)
        assert statement.message == {"execute": name, "arguments": {}}
        assert statement.destination == DISPLAY


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
        assert parse_wait(completed.removeprefix(".wait "))[0] == JobCondition(name)


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
