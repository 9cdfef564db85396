"""The notation: lines to messages and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.language import (
    DescriptorFile,
    DotStatement,
    ExecuteStatement,
    LineJoiner,
    LogicalLine,
    ParseError,
    StatementParser,
)
from qmp_shell.language.notation import format_message
from qmp_shell.language.secrets import may_hold_secret, redact
from qmp_shell.language.word_types import apply_types
from qmp_shell.language.words import Word, literal_end, split_words
from qmp_shell.protocol import Message


def read(text: str) -> list[LogicalLine]:
    reader = LineJoiner()
    found = [source for line in text.split("\n") if (source := reader.push(line)) is not None]
    assert not reader.open, "the text wants more lines"
    return found


def parse(text: str) -> Message:
    """The one message that a text means, where no types are known."""
    assembler = StatementParser()
    statements = [assembler.feed(source) for source in read(text)]
    found = [statement for statement in statements if statement is not None]
    assert len(found) == 1
    assert isinstance(found[0], ExecuteStatement)
    message: Message = apply_types(found[0].message, None)
    return message


def arguments(words: str) -> Any:
    return parse(f"test {words}").get("arguments", {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("query-status", {"execute": "query-status"}),
        ("  query-status  ", {"execute": "query-status"}),
        (
            "device_add driver=e1000 id=net1",
            {"execute": "device_add", "arguments": {"driver": "e1000", "id": "net1"}},
        ),
        (
            'blockdev-add driver=qcow2 node-name=d0 file.driver=file file.filename="/my disk"',
            {
                "execute": "blockdev-add",
                "arguments": {
                    "driver": "qcow2",
                    "node-name": "d0",
                    "file": {"driver": "file", "filename": "/my disk"},
                },
            },
        ),
        (
            "send-key keys=[{'type':'qcode','data':'ctrl'}, {'type':'qcode','data':'c'}]",
            {
                "execute": "send-key",
                "arguments": {
                    "keys": [{"type": "qcode", "data": "ctrl"}, {"type": "qcode", "data": "c"}]
                },
            },
        ),
        ('{ "execute": "query-status" }', {"execute": "query-status"}),
        ('{"exec-oob": "x", "id": [1, null]}', {"exec-oob": "x", "id": [1, None]}),
        ("__com.redhat_x a=1", {"execute": "__com.redhat_x", "arguments": {"a": 1}}),
    ],
)
def test_lines_become_messages(line: str, message: Message) -> None:
    assert parse(line) == message


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("a=5", 5),
        ("a=-12", -12),
        ("a=+3", 3),
        ("a=007", 7),
        ("a=18446744073709551615", 2**64 - 1),
        ("a=0x10", "0x10"),
        ("a=1.5", "1.5"),
        ("a=1e3", "1e3"),
        ("a=4G", "4G"),
        ("a=true", True),
        ("a=FALSE", False),
        ("a=on", "on"),
        ("a=null", "null"),
        ("a=", ""),
        ("a=a=b", "a=b"),
        ("a=x#y", "x#y"),
        ("a=x{y}", "x{y}"),
        ('a=it"s', 'it"s'),
        ("a=\N{LATIN SMALL LETTER E WITH ACUTE}", "\u00e9"),
        ("a=٣", "٣"),  # a digit, but none of JSON's
        ('a="5"', "5"),
        ('a=""', ""),
        ('a="a b"', "a b"),
        (r'a="\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"', '"\\/\b\f\n\r\t\u00e9\U0001f600'),
        ("a='a b'", "a b"),
        (r"a='it\'s C:\\new\dir'", r"it's C:\new\dir"),
        ("a='\"'", '"'),
        ('a=json:{"driver":"raw"}', 'json:{"driver":"raw"}'),
        ("a=[]", []),
        ("a={}", {}),
        ("a=[1, -2, 3.5, 1e2, 0x10, 'x', \"y\"]", [1, -2, 3.5, 100.0, 16, "x", "y"]),
        ("a=[true, True, false, False, null, None]", [True, True, False, False, None, None]),
        ("a={'b': {\"c\": ['}', \"]\"]}}", {"b": {"c": ["}", "]"]}}),
        ("a=[1, 2,]", [1, 2]),
        ("a=[(1, 2), ()]", [[1, 2], []]),
        (r"a=['\n\x41\u0042\103\'\q', " + r'"\x41\/"]', ["\nABC'\\q", "A/"]),
        ("a=[1,\n  2, # two\n  3]", [1, 2, 3]),
        ("a=[1, \\\n 2]", [1, 2]),
    ],
)
def test_values(words: str, value: Any) -> None:
    got = arguments(words)["a"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("a.b=1 a.c=2", {"a": {"b": 1, "c": 2}}),
        ("a.b.c=1 d=2 a.b.e=3", {"a": {"b": {"c": 1, "e": 3}}, "d": 2}),
        ("a.0=x a.1=y", {"a": ["x", "y"]}),
        ("a.1.n=y a.0.n=x", {"a": [{"n": "x"}, {"n": "y"}]}),
        ("a.0.0=x", {"a": [["x"]]}),
        ("a.00=x", {"a": {"00": "x"}}),
        ("0=x", {"0": "x"}),
        (
            "c.0.capability=xbzrle c.0.state=on",
            {"c": [{"capability": "xbzrle", "state": "on"}]},
        ),
        ("a=1 # and why", {"a": 1}),
        ("a=1 \\\n b=2 \\\nc=3", {"a": 1, "b": 2, "c": 3}),
        ("lo\\\nng=tex\\\nt", {"long": "text"}),
    ],
)
def test_keys(words: str, value: Any) -> None:
    assert arguments(words) == value


def statement(text: str) -> ExecuteStatement:
    (source,) = read(text)
    found = StatementParser().feed(source)
    assert isinstance(found, ExecuteStatement)
    return found


@pytest.mark.parametrize(
    ("line", "pipeline"),
    [
        ("test a=1 | jq '.return[] | {a: .b}'", "jq '.return[] | {a: .b}'"),
        ("test |cat", "cat"),
        ('{"execute": "test"} | head -1', "head -1"),
        ("transaction( abort ) | cat", "cat"),
        ("test a=x|y", None),
        ('test a="x | y"', None),
        ("test a=[1] | x \\\ny", "x y"),
    ],
)
def test_pipelines(line: str, pipeline: str | None) -> None:
    assert statement(line).pipeline == pipeline


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("getfd fdname=f </a/b", (DescriptorFile("/a/b", False),)),
        ("getfd </a/b fdname=f", (DescriptorFile("/a/b", False),)),
        ("getfd fdname=f < /a/b", (DescriptorFile("/a/b", False),)),
        ("add-fd <>/a/b", (DescriptorFile("/a/b", True),)),
        ('add-fd <>"/a b" <c | cat', (DescriptorFile("/a b", True), DescriptorFile("c", False))),
        ('{"execute": "getfd"} </a', (DescriptorFile("/a", False),)),
        ("test a=<x", ()),
    ],
)
def test_files(line: str, files: tuple[DescriptorFile, ...]) -> None:
    found = statement(line)
    assert found.files == files


def test_out_of_band() -> None:
    found = statement(".oob migrate-pause a=1 | cat")
    assert found.message == {"exec-oob": "migrate-pause", "arguments": {"a": "1"}}
    assert found.pipeline == "cat"


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("test a", 6, "'a' has no value; write key=value"),
        ("test =1", 6, "a key is missing"),
        ("a=1", 1, "name comes first"),
        ("te'st a=1", 1, "no command's name"),
        ("test 'a'=1", 6, "no quotes or brackets"),
        ("test a=1 a=2", 10, "'a' is given twice"),
        ("test a.b=1 a=2", 12, "'a' is given members already"),
        ("test a=1 a.b=2", 10, "'a' has a value already"),
        ("test a={'b':1} a.c=2", 16, "'a' has a value already"),
        ("test a..b=1", 8, "a name is missing"),
        ("test a.=1", 8, "a name is missing"),
        ("test .a=1", 6, "a name is missing"),
        ("test a.0=1 a.2=1", 6, "index 1 is missing"),
        ("test a.0=1 a.b=1", 6, "mixed"),
        ('test a="x', 8, "never closed"),
        ("test a='x", 8, "never closed"),
        ('test a="x"y', 11, "a blank is needed here, after the string"),
        ("test a=[1]2", 11, "a blank is needed"),
        (r'test a="a\q"', 10, r"\q is no escape"),
        (r'test a="a\x41"', 10, r"\x is no escape"),
        (r'test a="a\u12"', 10, r"\u is no escape"),
        (r'test a=["\q"]', 10, r"\q is no escape"),
        ("test a=[1 2]", 11, ", or ]"),
        ("test a=[1}", 10, ", or ]"),
        ("test a=[,]", 9, "a value is needed"),
        ("test a=[(1]", 11, ", or )"),
        ("test a={1: 2}", 9, "key in quotes"),
        ("test a={'b' 2}", 13, "a : is needed"),
        ("test a={'b':2 'c':3}", 15, ", or }"),
        ("test a={'b':2, 'b':3}", 16, "given twice"),
        ("test a=[yes]", 9, "'yes' is no value"),
        ("test a=[007x]", 9, "'007x' is no value"),
        ("test a=[nan]", 9, "'nan' is no value"),
        ("test a=[1e999]", 9, "too large"),
        ("test a=[" + "9" * 5000 + "]", 9, "too long"),
        ("test a=" + "[" * 300 + "]" * 300, 109, "nested"),
        ("test " + "a." * 5000 + "a=1", 6, "nested"),
        ("[1]", 1, "a message is an object"),
        ('{"a": 1} x', 10, "nothing may follow"),
        ('{"execute" "x"}', 12, "a : is needed"),
        ("transaction( a ) b", 18, "nothing may follow"),
        ("transaction( x=1 )", 14, "name comes first"),
        ("  )", 3, "no command's name"),
        ("| cat", 1, "name comes first"),
        ("test |", 6, "a shell command is missing"),
        ("test <", 6, "a path is missing"),
        ("test <[1]", 7, "a path is needed"),
        ('test <"a', 7, "never closed"),
        ("transaction( abort | cat", 20, "can only follow the )"),
    ],
)
def test_what_cannot_be_read_is_marked(line: str, column: int, says: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(line)
    assert says in str(caught.value)
    assert caught.value.source is not None
    assert caught.value.source.position(caught.value.offset)[:2] == (1, column)


def test_digits_without_end_are_a_string() -> None:
    assert arguments("a=" + "9" * 5000) == {"a": "9" * 5000}


def test_an_error_is_marked_in_its_own_physical_line() -> None:
    reader = LineJoiner(first=10)
    assert reader.push("test a=[1, \\") is None
    assert reader.push("  2,") is None
    source = reader.push("  oops]")
    assert source is not None
    with pytest.raises(ParseError) as caught:
        StatementParser().feed(source)
    assert source.position(caught.value.offset) == (12, 3, "  oops]")


@pytest.mark.parametrize("line", ["", "   ", "# a comment", "  # one with a [ in it", "# and \\"])
def test_blank_lines_and_comments_are_nothing(line: str) -> None:
    assert StatementParser().feed(read(line)[0]) is None


@pytest.mark.parametrize(
    ("line", "dot"),
    [
        (".hmp info block [", DotStatement("hmp", "info block [")),
        ("  .help", DotStatement("help", "")),
        ("help", DotStatement("help", "")),
        ("?", DotStatement("help", "")),
        ("exit ", DotStatement("exit", "")),
        ("transaction(\nhelp", DotStatement("help", "")),
        (".", DotStatement("", "")),
    ],
)
def test_dot_commands(line: str, dot: DotStatement) -> None:
    assembler = StatementParser()
    assert [assembler.feed(source) for source in read(line)][-1] == dot


@pytest.mark.parametrize(
    "line", ["test a=[", "test a={'b':", "test \\", "{", "test a=[ # x]", "x=["]
)
def test_an_open_bracket_wants_more_lines(line: str) -> None:
    reader = LineJoiner()
    assert reader.push(line) is None
    assert reader.open


def test_the_lines_of_a_literal_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def counting(text: str, start: int, depth: int = 0) -> int:
        nonlocal looked_at
        looked_at += len(text) - start
        return literal_end(text, start, depth)

    monkeypatch.setattr("qmp_shell.language.line_joiner.literal_end", counting)
    text = "test a=[\n" + "{'b': 1, 'c': '[{'},\n" * 1000 + "]"
    (source,) = read(text)
    assert source.text == text
    assert looked_at <= len(text)


def test_each_of_many_literals_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def counting(text: str, position: int) -> Iterator[Word]:
        nonlocal looked_at
        looked_at += len(text) - position
        return split_words(text, position)

    monkeypatch.setattr("qmp_shell.language.line_joiner.split_words", counting)
    text = "test a=[\n" + "".join(f"] a{number}=[\n" for number in range(1000)) + "]"
    assert len(parse(text)["arguments"]) == 1001
    assert looked_at <= len(text)


TRANSACTION = {
    "execute": "transaction",
    "arguments": {
        "actions": [
            {"type": "block-dirty-bitmap-add", "data": {"node": "d0", "name": "b0"}},
            {"type": "abort", "data": {}},
        ]
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "transaction( block-dirty-bitmap-add node=d0 name=b0 abort )",
        "transaction(block-dirty-bitmap-add node=d0 name=b0\nabort )",
        "transaction(\nblock-dirty-bitmap-add node=d0 name=b0\nabort\n)",
        "transaction (\n# a comment\n\n  block-dirty-bitmap-add node=d0 name=b0 \n abort\n  )",
        "transaction(\nblock-dirty-bitmap-add \\\nnode=d0 name=b0\n"
        "{'type': 'abort', 'data': {}}\n)",
    ],
)
def test_transactions(text: str) -> None:
    assert parse(text) == TRANSACTION


def test_an_empty_transaction_is_sent() -> None:
    assert parse("transaction( )")["arguments"] == {"actions": []}


def test_a_bad_line_drops_nothing_but_itself() -> None:
    assembler = StatementParser()

    def feed(line: str) -> object:
        return assembler.feed(read(line)[0])

    feed("transaction(")
    feed("block-dirty-bitmap-add node=d0 name=b0")
    for bad in ("abort now", "transaction(", "abort a=1 a=2"):
        with pytest.raises(ParseError):
            feed(bad)
        assert assembler.in_transaction
    feed("abort")
    assert feed(")") == ExecuteStatement(TRANSACTION)
    assert not assembler.in_transaction


def test_a_spoiled_transaction_is_not_sent() -> None:
    assembler = StatementParser()
    for line in ("transaction(", "abort"):
        assembler.feed(read(line)[0])
    assembler.spoil()
    with pytest.raises(ParseError, match="not sent"):
        assembler.feed(read(")")[0])
    assert not assembler.in_transaction


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,12}", fullmatch=True)


@given(
    st.fixed_dictionaries(
        {"execute": names},
        optional={
            "arguments": st.dictionaries(names | st.text(), json_values, min_size=1),
            "id": json_values,
        },
    )
)
def test_a_message_written_as_a_line_is_read_back_as_the_same(message: Message) -> None:
    line = format_message(message)
    assert "\n" not in line
    assert parse(line) == message


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True),
        st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.integers()),
        min_size=1,
    )
)
def test_common_messages_are_written_in_words(arguments: Message) -> None:
    assert format_message({"execute": "test", "arguments": arguments}).startswith("test ")


def test_transactions_are_written_in_words() -> None:
    actions = [{"type": "abort", "data": {}}, {"type": "a", "data": {"b": "c", "d": 1}}]
    message = {"execute": "transaction", "arguments": {"actions": actions}}
    assert format_message(message) == "transaction( abort a b=c d=1 )"
    assert parse(format_message(message)) == message
    odd = {"execute": "transaction", "arguments": {"actions": [{"type": "a"}]}}
    assert parse(format_message(odd)) == odd


@given(st.text(), st.booleans())
def test_no_text_breaks_the_parser(text: str, spoil: bool) -> None:
    """Whatever is typed is a statement, or refused with a place in it."""
    reader, assembler = LineJoiner(), StatementParser()
    sources = [reader.push(line) for line in ("test a=" * spoil + text).split("\n")]
    sources.append(reader.flush())
    for source in sources:
        if source is None:
            continue
        try:
            assembler.feed(source)
        except ParseError as error:
            line, column, text_there = source.position(error.offset)
            assert line >= 1
            assert 1 <= column <= len(text_there) + 1


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ({"arguments": {"password": "x"}}, {"arguments": {"password": "***"}}),
        (
            {"arguments": {"qom-type": "secret", "id": "s", "data": "x"}},
            {"arguments": {"qom-type": "secret", "id": "s", "data": "***"}},
        ),
        (
            {"arguments": {"qom-type": "secret", "props": {"data": "x"}}},
            {"arguments": {"qom-type": "secret", "props": {"data": "***"}}},
        ),
        (
            {"arguments": {"actions": [{"data": {"password": "x"}}]}},
            {"arguments": {"actions": [{"data": {"password": "***"}}]}},
        ),
        (
            {"arguments": {"command-line": "set_password vnc hunter2"}},
            {"arguments": {"command-line": "set_password vnc ***"}},
        ),
        (
            {"arguments": {"command-line": "change vnc passwd x"}},
            {"arguments": {"command-line": "change vnc passwd ***"}},
        ),
        (
            {"arguments": {"command-line": "object_add secret,data=a,,b,id=z"}},
            {"arguments": {"command-line": "object_add secret,data=***,id=z"}},
        ),
        (
            {"arguments": {"command-line": 'object_add {"qom-type":"secret","data":"X","id":"z"}'}},
            {"arguments": {"command-line": 'object_add {"qom-type":"secret","data":***,"id":"z"}'}},
        ),
        (
            {"arguments": {"command-line": 'set_password vnc "S1 S2" -d x'}},
            {"arguments": {"command-line": "set_password vnc *** -d x"}},
        ),
        (
            {"arguments": {"command-line": "object_add secret,data='S1 S2',id=z"}},
            {"arguments": {"command-line": "object_add secret,data=***,id=z"}},
        ),
        (
            {"arguments": {"command-line": "object_add secret,id=s,data=hunter2,format=raw"}},
            {"arguments": {"command-line": "object_add secret,id=s,data=***,format=raw"}},
        ),
    ],
)
def test_secrets_are_hidden(message: Message, hidden: Message) -> None:
    assert redact(message) == hidden


@pytest.mark.parametrize(
    "message", [{"data": {"data": 1}}, {"arguments": {"password-secret": "s0", "id": "x"}}]
)
def test_what_is_no_secret_is_shown(message: Message) -> None:
    assert redact(message) == message


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("set_password protocol=vnc password=x oops", True),
        ('{"execute": "y", "arguments": {"password": "x"}}', True),
        ("object-add qom-type=secret id=s data=x", True),
        ("change vnc password x", True),
        ("change vnc passwd x", True),
        ("blockdev-add file.password-secret=s0", False),
        ("query-status", False),
    ],
)
def test_lines_that_may_hold_secrets(line: str, secret: bool) -> None:
    assert may_hold_secret(line) is secret
