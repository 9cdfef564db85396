"""The command notation: parsing lines into messages, and formatting messages as lines."""

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
    OutputFile,
    ParseError,
    StatementParser,
    is_dot_command,
)
from qmp_shell.language.command import parse_partial_arguments, parse_value
from qmp_shell.language.logical_line import Position
from qmp_shell.language.notation import format_message, format_string
from qmp_shell.language.word_types import apply_types
from qmp_shell.language.words import Word, literal_end, split_partial, split_words
from qmp_shell.messages import Message


def join(text: str) -> list[LogicalLine]:
    """Return the logical lines of a text, the last of which must be complete."""
    joiner = LineJoiner()
    found = [source for line in text.split("\n") if (source := joiner.add_line(line)) is not None]
    assert not joiner.needs_more, "the text ends in the middle of a logical line"
    return found


def parse(text: str) -> Message:
    """Parse a text that holds one message, with no types known."""
    parser = StatementParser()
    statements = [parser.parse(source) for source in join(text)]
    found = [statement for statement in statements if statement is not None]
    assert len(found) == 1
    assert isinstance(found[0], ExecuteStatement)
    message: Message = apply_types(found[0].message, None)
    return message


def arguments(words: str) -> Any:
    """Parse the arguments of a command, with no types known."""
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
def test_a_line_is_parsed_into_a_message(line: str, message: Message) -> None:
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
        ("a=٣", "٣"),  # a decimal digit in Unicode, but not in JSON
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
        ("a=[\n] ", []),
        ("a={'b':\n[\n]\n}", {"b": []}),
        (r"a=['\/', " + r'"\/"]', ["\\/", "/"]),
        (r'a="\ud800"', "\ud800"),
        ("a=[" + "0" * 4300 + "]", [0]),
        ("a=[0x" + "f" * 3500 + "]", [16**3500 - 1]),
        ("a=[007, +1]", [7, 1]),
    ],
)
def test_values_without_a_schema(words: str, value: Any) -> None:
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
def test_dotted_keys_build_objects_and_lists(words: str, value: Any) -> None:
    assert arguments(words) == value


def statement(text: str) -> ExecuteStatement:
    """Parse a text that holds one statement, without converting its bare words."""
    (source,) = join(text)
    found = StatementParser().parse(source)
    assert isinstance(found, ExecuteStatement)
    return found


@pytest.mark.parametrize(
    ("line", "pipeline"),
    [
        ("test a=1 | jq '.return[] | {a: .b}'", "jq '.return[] | {a: .b}'"),
        ("test |cat", "cat"),
        ("test|cat", "cat"),
        ('{"execute": "test"} | head -1', "head -1"),
        ("transaction( abort ) | cat", "cat"),
        ("test a=x|y", None),
        ('test a="x | y"', None),
        ("test a=[1] | x \\\ny", "x y"),
        ("transaction(abort) |cat", "cat"),
        ("transaction(abort a=b) |cat", "cat"),
        ('transaction(abort a="b")|cat', "cat"),
        ("transaction({'type': 'abort', 'data': {}})|cat", "cat"),
    ],
)
def test_a_pipeline_is_the_rest_of_the_line(line: str, pipeline: str | None) -> None:
    assert statement(line).destination.pipeline == pipeline


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("test>f", OutputFile("f", appends=False)),
        ("test>>f", OutputFile("f", appends=True)),
        ("test> f", OutputFile("f", appends=False)),
        ("transaction(abort)>f", OutputFile("f", appends=False)),
        ("transaction( abort )>f", OutputFile("f", appends=False)),
        ("test a=b>f", None),
    ],
)
def test_a_file_may_follow_a_name_without_a_space(line: str, file: OutputFile | None) -> None:
    assert statement(line).destination.file == file


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("getfd fdname=f </a/b", (DescriptorFile("/a/b", False),)),
        ("getfd </a/b fdname=f", (DescriptorFile("/a/b", False),)),
        ("getfd fdname=f < /a/b", (DescriptorFile("/a/b", False),)),
        ("add-fd <>/a/b", (DescriptorFile("/a/b", True),)),
        ('add-fd <>"/a b" <c | cat', (DescriptorFile("/a b", True), DescriptorFile("c", False))),
        ('{"execute": "getfd"} </a', (DescriptorFile("/a", False),)),
        ("getfd</a", (DescriptorFile("/a", False),)),
        ("test a=<x", ()),
    ],
)
def test_redirections_name_the_files_whose_descriptors_are_sent(
    line: str, files: tuple[DescriptorFile, ...]
) -> None:
    found = statement(line)
    assert found.files == files


_FOR_REPLY = "this would be for the reply; put quotes around all that exec: is to run"


def test_the_reply_to_a_command_for_the_vms_host_can_go_elsewhere() -> None:
    assert statement('test a="exec:x" > y').destination.file is not None
    assert statement("test a=exec:x>y").destination.is_display
    assert statement("test a=exec:x | .let y").destination.variable == "y"


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("test a", 6, "'a' has no value; write key=value"),
        ("test =1", 6, "a key is missing before ="),
        ("a=1", 1, "a command's name comes first, then key=value"),
        ("te'st a=1", 1, '"te\'st" is not a command name'),
        ("test 'a=1", 6, "this string is never closed"),
        ('test b=2 "a x=1', 10, "this string is never closed"),
        ('test "a b"', 6, """'"a' has no value; write key=value"""),
        ("test 'a=1 b=2'", 6, "a key cannot contain quotes or brackets; write key=value"),
        ("test 'a'=1", 6, "a key cannot contain quotes or brackets; write key=value"),
        ("test a=1 a=2", 10, "'a' is given twice"),
        ("test a.b=1 a=2", 12, "'a' already has members"),
        ("test a=1 a.b=2", 10, "'a' already has a value, so it cannot have members"),
        ("test a.b=1 a.b.c=2", 12, "'a.b' already has a value, so it cannot have members"),
        ("test a.b.c=1 a.b.c.d.e=2", 14, "'a.b.c' already has a value, so it cannot have members"),
        ("test " + "a." * 101 + "a=1", 6, "keys are nested more than 100 levels deep"),
        ("transaction(\nabort abort", 7, "'abort' has no value; write key=value"),
        ("test a={'b':1} a.c=2", 16, "'a' already has a value, so it cannot have members"),
        ("test a..b=1", 8, "a name is missing here, next to a dot"),
        ("test a.=1", 8, "a name is missing here, next to a dot"),
        ("test .a=1", 6, "a name is missing here, next to a dot"),
        ("test a.0=1 a.2=1", 6, "list index 1 is missing under this key"),
        ("test a.0=1 a.b=1", 6, "names and list indexes are mixed under this key"),
        ('test a="x', 8, "this string is never closed"),
        ("test a='x", 8, "this string is never closed"),
        ('test a="x"y', 11, "expected a space after the string"),
        ("test a=[1]2", 11, "expected a space after the [...]"),
        (r'test a="a\q"', 10, r"\q is not a valid escape; write a backslash as \\, or use '...'"),
        (r'test a="a\x41"', 10, r"\x is not a valid escape; write a backslash as \\, or use '...'"),
        (r'test a="a\u12"', 10, r"\u is not a valid escape; write a backslash as \\, or use '...'"),
        (r'test a=["\q"]', 10, r"\q is not a valid escape; write a backslash as \\"),
        ("test a=[1 2]", 11, "expected , or ]"),
        ("test a=[1}", 10, "expected , or ]"),
        ("test a=[,]", 9, "expected a value"),
        ("test a=[(1]", 11, "expected , or )"),
        ('test a=["x', 9, "this string is never closed"),
        ("test a=[1, 'x]", 12, "this string is never closed"),
        ("test a=[0x" + "f" * 3501 + "]", 9, "this number is too long"),
        (
            "test a=" + "{'a':" * 101 + "1" + "}" * 101,
            513,
            "brackets are nested more than 100 levels deep",
        ),
        ("transaction(\n transaction(", 2, "a transaction is already open; close it with )"),
        ("test a={1: 2}", 9, "expected a key in quotes, or }"),
        ("test a={'b' 2}", 13, "expected : after the key 'b'"),
        ("test a={'b':2 'c':3}", 15, "expected , or }"),
        ("test a={'b':2, 'b':3}", 16, "'b' is given twice"),
        ("test a=[yes]", 9, "'yes' is not a value; write true"),
        ("test a=[007x]", 9, "'007x' is not a value; a string needs quotes"),
        ("test a=[\u0663]", 9, "'\u0663' is not a value; a string needs quotes"),
        ("test a=[0x\uff11]", 9, "'0x\uff11' is not a value; a string needs quotes"),
        ("test a=[nan]", 9, "'nan' is not a value; a string needs quotes"),
        ("test a=[1e999]", 9, "this number is too large"),
        ("test a=[" + "9" * 5000 + "]", 9, "this number is too long"),
        ("test a=" + "[" * 300 + "]" * 300, 109, "brackets are nested more than 100 levels deep"),
        ("test " + "a." * 5000 + "a=1", 6, "keys are nested more than 100 levels deep"),
        ("[1]", 1, "a message must be an object: {...}"),
        ('{"a": 1} x', 10, "nothing may follow a message"),
        ('{"execute" "x"}', 12, "expected : after the key 'execute'"),
        ("transaction( a ) b", 18, "nothing may follow the ) of a transaction"),
        ('transaction(a x="1") b', 22, "nothing may follow the ) of a transaction"),
        ('transaction(a x="1")b', 20, "')b' is not a command name"),
        ('transaction(a x="1"b)', 20, "expected a space after the string"),
        ("transaction({'type': 'a'} b)", 27, "nothing may follow a message"),
        ('a x="1")', 8, "expected a space after the string"),
        ('transaction(\na x="1")', 8, "expected a space after the string"),
        ("transaction( x=1 )", 14, "a command's name comes first, then key=value"),
        ("  )", 3, "')' is not a command name"),
        ("| cat", 1, "a command's name comes first"),
        ("test |", 6, "a shell command is missing after |"),
        ("test <", 6, "a path is missing after <"),
        ("test <[1]", 7, "expected a path"),
        ('test <"a', 7, "this string is never closed"),
        ("transaction(\n{'data': {}}", 1, "an action must be {'type': NAME, 'data': {...}}"),
        ("test a=1 b=exec:x > y", 19, _FOR_REPLY),
        ("test a=exec:x | y", 15, _FOR_REPLY),
        ("test a=exec:x -y < z", 18, _FOR_REPLY),
        ("transaction( abort | cat", 20, "this can only follow the ) of a transaction"),
    ],
)
def test_a_parse_error_has_a_message_and_a_position(line: str, column: int, says: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(line)
    assert str(caught.value) == says
    assert caught.value.source is not None
    assert caught.value.source.position(caught.value.offset).column == column


def test_an_integer_with_too_many_digits_is_a_string() -> None:
    assert arguments("a=" + "9" * 4300) == {"a": int("9" * 4300)}
    assert arguments("a=" + "9" * 4301) == {"a": "9" * 4301}


def test_a_question_mark_asks_for_help_only_as_the_last_word() -> None:
    assert arguments("a=?") == {"a": "?"}
    assert arguments("?=1") == {"?": 1}
    with pytest.raises(ParseError, match=r"'\?' has no value"):
        parse("test ? a=1")


@pytest.mark.parametrize(
    ("text", "offset", "says"),
    [("[1] 2", 14, "nothing may follow here"), ("['x]", 11, "this cannot be parsed")],
)
def test_a_value_with_more_behind_it_is_an_error(text: str, offset: int, says: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_value(text, 10)
    assert (str(caught.value), caught.value.offset, caught.value.source) == (says, offset, None)


def test_objects_may_be_nested_a_hundred_levels_deep() -> None:
    value = arguments("a=" + "{'a':" * 100 + "1" + "}" * 100)["a"]
    for _ in range(100):
        value = value["a"]
    assert value == 1


def test_keys_may_be_nested_a_hundred_levels_deep() -> None:
    value = arguments("a." * 100 + "a=1")
    for _ in range(100):
        value = value["a"]
    assert value == {"a": 1}


def test_a_literal_that_is_not_closed_is_an_error_at_its_bracket() -> None:
    joiner = LineJoiner()
    assert joiner.add_line("test a=1 b=[{") is None
    with pytest.raises(ParseError) as caught:
        StatementParser().parse(joiner.finish())
    assert (str(caught.value), caught.value.offset) == ("this bracket is never closed", 11)


def test_the_position_of_an_error_is_in_its_physical_line() -> None:
    joiner = LineJoiner(first=10)
    assert joiner.add_line("test a=[1, \\") is None
    assert joiner.add_line("  2,") is None
    source = joiner.add_line("  oops]")
    assert source is not None
    with pytest.raises(ParseError) as caught:
        StatementParser().parse(source)
    assert source.position(caught.value.offset) == Position(12, 3, "  oops]")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a # in C:\\vm\\\nb", ["a # in C:\\vm\\", "b"]),
        ("a b=1 \\\nc=2 # in C:\\\nd", ["a b=1 c=2 # in C:\\", "d"]),
        ('a b="c" # C:\\\nd', ['a b="c" # C:\\', "d"]),
        ('transaction(a b="c") # C:\\\nd', ['transaction(a b="c") # C:\\', "d"]),
        ("{} # C:\\\nd", ["{} # C:\\", "d"]),
        ("a b=[ # C:\\\n1, # D:\\\n2] # E:\\\nc", ["a b=[ # C:\\\n1, # D:\\\n2] # E:\\", "c"]),
        ("a b={# C:\\\n}", ["a b={# C:\\\n}"]),
        ("a b=c# \\\nd=e", ["a b=c# d=e"]),
        ('a b=" # \\\nc"', ['a b=" # c"']),
        ("a b=[' # ', \\\n1]", ["a b=[' # ', 1]"]),
        ("a | sed 's/ # //' \\\n| cat", ["a | sed 's/ # //' | cat"]),
        (".hmp a # \\\nb", [".hmp a # b"]),
    ],
)
def test_a_backslash_in_a_comment_does_not_continue_the_line(text: str, lines: list[str]) -> None:
    assert [each.text for each in join(text)] == lines


@pytest.mark.parametrize(
    "line", ["", "   ", "# a comment", "  # one with a [ in it", "# and \\", "  # and \\"]
)
def test_blank_lines_and_comments_are_no_statements(line: str) -> None:
    assert StatementParser().parse(join(line)[0]) is None


@pytest.mark.parametrize(
    ("line", "dot"),
    [
        (".hmp info block [", DotStatement("hmp", "info block [")),
        ("  .help", DotStatement("help", "")),
        ("help", DotStatement("help", "")),
        ("?", DotStatement("help", "")),
        ("exit ", DotStatement("exit", "")),
        ("transaction(\nhelp", DotStatement("help", "")),
        ("help  query-status ", DotStatement("help", "query-status")),
        (" query-status ?", DotStatement("help", "query-status")),
        ("device_add driver=e1000  ?", DotStatement("help", "device_add driver=e1000")),
        ("  .hmp info {", DotStatement("hmp", "info {")),
        (".hmp a=[", DotStatement("hmp", "a=[")),
        ("  .hmp a=[", DotStatement("hmp", "a=[")),
        (".", DotStatement("", "")),
    ],
)
def test_dot_commands(line: str, dot: DotStatement) -> None:
    parser = StatementParser()
    assert [parser.parse(source) for source in join(line)][-1] == dot


@pytest.mark.parametrize(
    ("line", "is_dot"),
    [
        *(
            (line, True)
            for line in (".hmp x", "  .x", "help", " ? ", "help stop", "exit", " exit ")
        ),
        *((line, False) for line in ("", "stop", "help a=1", "help a b", "exit now", "exits")),
    ],
)
def test_dot_commands_are_recognized_with_and_without_the_dot(line: str, is_dot: bool) -> None:
    assert is_dot_command(line) is is_dot


@pytest.mark.parametrize(
    "line",
    [
        "test a=[",
        "test a={'b':",
        "test \\",
        "{",
        "  {",
        "[",
        "  [",
        "test a=[ # x]",
        "x=[",
        "{} a=[",
        "transaction( {",
        " transaction  (  {'type':",
    ],
)
def test_an_incomplete_line_needs_more_lines(line: str) -> None:
    joiner = LineJoiner()
    assert joiner.add_line(line) is None
    assert joiner.needs_more


def test_the_text_is_known_that_the_next_line_is_joined_to() -> None:
    joiner = LineJoiner()
    assert (joiner.continued_text, joiner.is_in_literal) == ("", False)
    joiner.add_line("test a=1 \\")
    assert (joiner.continued_text, joiner.is_in_literal) == ("test a=1 ", False)
    joiner.add_line("b=[")
    assert (joiner.continued_text, joiner.is_in_literal) == ("test a=1 b=[\n", True)
    joiner.add_line("1, \\")
    assert (joiner.continued_text, joiner.is_in_literal) == ("test a=1 b=[\n1, ", True)
    source = joiner.add_line("2]")
    assert source is not None
    assert source.text == "test a=1 b=[\n1, 2]"
    assert [source.position(offset) for offset in (0, 11, 13, 17)] == [
        Position(1, 1, "test a=1 \\"),
        Position(2, 3, "b=["),
        Position(3, 1, "1, \\"),
        Position(4, 2, "2]"),
    ]
    assert (joiner.continued_text, joiner.needs_more) == ("", False)


def test_a_raw_line_is_complete_whatever_is_in_it() -> None:
    joiner = LineJoiner(first=5)
    first, second = joiner.add_raw_line("info [ \\"), joiner.add_raw_line("x")
    assert (first.text, first.position(5)) == ("info [ \\", Position(5, 6, "info [ \\"))
    assert (second.text, second.position(0)) == ("x", Position(6, 1, "x"))
    assert not joiner.needs_more


@pytest.mark.parametrize(
    ("text", "words", "last"),
    [
        ("", [], Word(0, "", None, 0)),
        ("test", [], Word(0, "test", None, 4)),
        ("test  ", [Word(0, "test", None, 4)], Word(6, "", None, 6)),
        ("test a", [Word(0, "test", None, 4)], Word(5, "a", None, 6)),
        ("test a=1", [Word(0, "test", None, 4)], Word(5, "a", "1", 7)),
        ("test a=1 ", [Word(0, "test", None, 4), Word(5, "a", "1", 7)], Word(9, "", None, 9)),
        (' a="x y', [], Word(1, "a", '"x y', 3)),
        ("test  a=[1, {", [Word(0, "test", None, 4)], Word(6, "a", "[1, {", 8)),
        ('test <"x', [Word(0, "test", None, 4)], Word(5, "<", '"x', 6)),
        ("a=1 # why b=2", [Word(0, "a", "1", 2)], Word(4, "# why b=2", None, 13)),
        ("a | cat x=", [Word(0, "a", None, 1)], Word(2, "|", "cat x=", 4)),
    ],
)
def test_a_partial_line_has_complete_words_and_a_last_one(
    text: str, words: list[Word], last: Word
) -> None:
    assert split_partial(text) == (words, last)
    behind = [_moved(word, 3) for word in words]
    assert split_partial("xx " + text, 3) == (behind, _moved(last, 3))


def _moved(word: Word, by: int) -> Word:
    return word.replaced(start=word.start + by, value_start=word.value_start + by)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("a=1 b c=2", {"a": "1", "c": "2"}),
        ("a=[1 b=2", {}),
        ("a=[x] b=2", {"b": "2"}),
        ("a.b=1 a.c.d=2 a.b.e=3 a=4", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("a.0.b=1 a.2.b=2", {"a": {"0": {"b": "1"}, "2": {"b": "2"}}}),
        ("a=1 a=2 a.b=3 a.b.c=4", {"a": "1"}),
        ("a={'b': [5]}", {"a": {"b": [5]}}),
    ],
)
def test_partial_arguments_leave_out_what_is_wrong(words: str, value: Any) -> None:
    complete, last = split_partial(words)
    assert parse_partial_arguments([*complete, last][: len(complete) + 1]) == value


def test_the_lines_of_a_literal_are_scanned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = 0

    def counting(text: str, start: int, depth: int = 0) -> int:
        nonlocal scanned
        scanned += len(text) - start
        return literal_end(text, start, depth)

    monkeypatch.setattr("qmp_shell.language.line_joiner.literal_end", counting)
    text = "test a=[\n" + "{'b': 1, 'c': '[{'},\n" * 1000 + "]"
    (source,) = join(text)
    assert source.text == text
    assert scanned <= len(text)


@pytest.fixture
def split_lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each call of ``split_words`` by the line joiner, the number of characters to split."""
    lengths = []

    def counting(text: str, position: int, *, closing: str = "") -> Iterator[Word]:
        lengths.append(len(text) - position)
        return split_words(text, position, closing=closing)

    monkeypatch.setattr("qmp_shell.language.line_joiner.split_words", counting)
    return lengths


@pytest.mark.parametrize("line", ['"# ', " # ", "a # ", "a=1 c='# '"])
def test_lines_that_a_backslash_joins_are_scanned_once(split_lengths: list[int], line: str) -> None:
    text = 'a b="c \\\n' + f"{line}\\\n" * 1000
    joiner = LineJoiner()
    for each in text.split("\n"):
        joiner.add_line(each)
    assert sum(split_lengths) <= 2 * len(text)


def test_each_of_many_literals_is_scanned_once(split_lengths: list[int]) -> None:
    text = "test a=[\n" + "".join(f"] a{number}=[\n" for number in range(1000)) + "]"
    assert len(parse(text)["arguments"]) == 1001
    assert sum(split_lengths) <= len(text)


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
        "transaction(block-dirty-bitmap-add node=d0 name=b0 abort)",
        "transaction(block-dirty-bitmap-add node=d0 name=b0\nabort )",
        "transaction(\nblock-dirty-bitmap-add node=d0 name=b0\nabort\n)",
        "transaction(\nblock-dirty-bitmap-add node=d0 name=b0\nabort)",
        "transaction (\n# a comment\n\n  block-dirty-bitmap-add node=d0 name=b0 \n abort\n  )",
        "transaction(\nblock-dirty-bitmap-add \\\nnode=d0 name=b0\n"
        "{'type': 'abort', 'data': {}}\n)",
    ],
)
def test_transactions(text: str) -> None:
    assert parse(text) == TRANSACTION


@pytest.mark.parametrize(
    ("line", "data"),
    [
        ("transaction(a b=cde)", {"b": "cde"}),
        ("transaction(a b=c )", {"b": "c"}),
        ("transaction(a b=(c) )", {"b": "(c)"}),
        ("transaction(a b='c)' )", {"b": "c)"}),
        ('transaction(a b="c 0")', {"b": "c 0"}),
        ("transaction(a b='c)')", {"b": "c)"}),
        ('transaction(a b="(c")', {"b": "(c"}),
        ('transaction(a b="") ', {"b": ""}),
        ('transaction(a b="c") # )', {"b": "c"}),
        ("transaction(a b=[1, ')'])", {"b": [1, ")"]}),
        ("transaction(a b={'c': ')'})", {"b": {"c": ")"}}),
        ("transaction(a b={'c':\n')'\n})", {"b": {"c": ")"}}),
        ("transaction({'type': 'a', 'data': {'b': ')'}})", {"b": ")"}),
        ("transaction( {'type': 'a', 'data': {}} ) # )", {}),
        ("transaction( {'type': 'a',\n'data': {}} )", {}),
        ("  transaction ({'type': 'a', 'data':\n{'b': ')'\n}})", {"b": ")"}),
    ],
)
def test_a_closing_bracket_may_follow_the_last_word_without_a_space(
    line: str, data: Message
) -> None:
    assert parse(line)["arguments"] == {"actions": [{"type": "a", "data": data}]}


@pytest.mark.parametrize(
    "line",
    [
        *("transaction(a b=(c)", "transaction(a b=)", "transaction(a b='c)'"),
        *('transaction(a b="c)"', "transaction(a b=[')']", "transaction(a b={'c': 'd)'} e"),
        *("transaction(a b=c # )", "transaction({'type': 'a', 'data': {}}"),
    ],
)
def test_a_bracket_that_is_part_of_a_value_does_not_close_the_transaction(line: str) -> None:
    parser = StatementParser()
    assert parser.parse(join(line)[0]) is None
    assert parser.in_transaction


def test_an_empty_transaction_is_valid() -> None:
    assert parse("transaction( )")["arguments"] == {"actions": []}


def test_an_invalid_line_leaves_the_open_transaction_as_it_was() -> None:
    parser = StatementParser()

    def parse_line(line: str) -> object:
        return parser.parse(join(line)[0])

    parse_line("transaction(")
    parse_line("block-dirty-bitmap-add node=d0 name=b0")
    for bad in ("abort now", "transaction(", "abort a=1 a=2"):
        with pytest.raises(ParseError):
            parse_line(bad)
        assert parser.in_transaction
    parse_line("abort")
    assert parse_line(")") == ExecuteStatement(TRANSACTION)
    assert not parser.in_transaction


def test_an_action_that_is_refused_leaves_the_open_transaction_as_it_was() -> None:
    def resolve(action: Message) -> Message:
        if action["type"] == "bad":
            raise ParseError("no", 0)
        return action

    parser = StatementParser(resolve)
    parser.parse(join("transaction( block-dirty-bitmap-add node=d0 name=b0")[0])
    with pytest.raises(ParseError):
        parser.parse(join("bad")[0])
    parser.parse(join("abort")[0])
    assert parser.parse(join(")")[0]) == ExecuteStatement(TRANSACTION)
    with pytest.raises(ParseError):
        parser.parse(join("transaction( abort bad")[0])
    assert not parser.in_transaction


def test_a_line_of_a_transaction_does_not_copy_those_before_it() -> None:
    parser = StatementParser()
    parser.parse(join("transaction(")[0])
    actions = parser._actions
    parser.parse(join("abort")[0])
    assert parser._actions is actions


def test_a_transaction_that_is_marked_invalid_is_not_sent() -> None:
    parser = StatementParser()
    for line in ("transaction(", "abort"):
        parser.parse(join(line)[0])
    parser.mark_invalid()
    with pytest.raises(ParseError, match="not sent"):
        parser.parse(join(")")[0])
    assert not parser.in_transaction


def test_the_next_transaction_after_an_invalid_one_is_valid() -> None:
    parser = StatementParser()
    parser.mark_invalid()  # has no effect without an open transaction
    assert parser.parse(join("transaction( abort )")[0]) is not None
    parser.parse(join("transaction(")[0])
    parser.mark_invalid()
    with pytest.raises(ParseError) as caught:
        parser.parse(join("  abort a=1 )")[0])
    assert caught.value.offset == 2
    assert str(caught.value) == "not sent: a line of this transaction could not be parsed"
    assert parser.parse(join("transaction( abort )")[0]) is not None


def test_a_discarded_transaction_leaves_no_actions_behind() -> None:
    parser = StatementParser()
    parser.parse(join("transaction( abort")[0])
    parser.mark_invalid()
    parser.discard_transaction()
    assert not parser.in_transaction
    found = parser.parse(join("transaction( )")[0])
    assert found == ExecuteStatement({"execute": "transaction", "arguments": {"actions": []}})


def test_several_actions_on_one_line_need_the_opening_bracket_there() -> None:
    parser = StatementParser()
    parser.parse(join("transaction(abort")[0])
    with pytest.raises(ParseError, match="'abort' has no value"):
        parser.parse(join("abort abort")[0])
    parser.parse(join("  {'type': 'abort'}")[0])
    found = parser.parse(join("x a=b)")[0])
    assert found is None
    found = parser.parse(join(") | cat")[0])
    assert isinstance(found, ExecuteStatement)
    assert found.destination.pipeline == "cat"
    assert found.message["arguments"]["actions"] == [
        *({"type": "abort", "data": {}}, {"type": "abort"}, {"type": "x", "data": {"a": "b)"}})
    ]


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
def test_parsing_a_formatted_message_returns_the_same_message(message: Message) -> None:
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
def test_common_messages_are_formatted_as_words(arguments: Message) -> None:
    assert format_message({"execute": "test", "arguments": arguments}).startswith("test ")


def test_transactions_are_formatted_as_words() -> None:
    actions = [{"type": "abort", "data": {}}, {"type": "a", "data": {"b": "c", "d": 1}}]
    message = {"execute": "transaction", "arguments": {"actions": actions}}
    assert format_message(message) == "transaction( abort a b=c d=1 )"
    assert parse(format_message(message)) == message
    odd = {"execute": "transaction", "arguments": {"actions": [{"type": "a"}]}}
    assert parse(format_message(odd)) == odd


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"execute": "a"}, "a"),
        ({"execute": "a", "arguments": {"b": {"c": {"d": 1}, "e": "f"}}}, "a b.c.d=1 b.e=f"),
        ({"execute": "a", "arguments": {"b": {"5": 1}}}, 'a b={"5": 1}'),
        ({"execute": "a", "arguments": {"b": {"c.d": 1}}}, 'a b={"c.d": 1}'),
        ({"execute": "a", "arguments": {"b": {"c": 1.5}}}, 'a b={"c": 1.5}'),
        ({"execute": "a", "arguments": {"b": {"c": None}}}, 'a b={"c": null}'),
        ({"execute": "a", "arguments": {"b": {}}}, "a b={}"),
        ({"execute": "a", "arguments": {"b": "x y"}}, 'a b="x y"'),
        ({"execute": "a", "arguments": {"b": "5"}}, 'a b="5"'),
        ({"execute": "a", "arguments": {"b": "\u00e9"}}, 'a b="\\u00e9"'),
        (
            {"execute": "a", "arguments": {"b": None}},
            '{"execute": "a", "arguments": {"b": null}}',
        ),
        ({"execute": "a", "arguments": {}}, '{"execute": "a", "arguments": {}}'),
        ({"execute": "exit"}, '{"execute": "exit"}'),
        ({"execute": "help"}, '{"execute": "help"}'),
        ({"execute": "a", "id": 1}, '{"execute": "a", "id": 1}'),
        ({"execute": "a b"}, '{"execute": "a b"}'),
        ({"execute": "transaction"}, "transaction"),
        (
            {"execute": "transaction", "arguments": {"actions": 5}},
            "transaction actions=5",
        ),
        (
            {"execute": "transaction", "arguments": {"actions": {"type": "abort", "data": {}}}},
            "transaction actions.type=abort actions.data={}",
        ),
        (
            {
                "execute": "transaction",
                "arguments": {"actions": [{"type": "a", "data": {"b": None}}]},
            },
            'transaction actions=[{"type": "a", "data": {"b": null}}]',
        ),
        (
            {
                "execute": "transaction",
                "arguments": {"actions": [{"type": "abort", "data": {}, "x": 1}]},
            },
            'transaction actions=[{"type": "abort", "data": {}, "x": 1}]',
        ),
    ],
)
def test_a_message_is_formatted_as_words_where_they_can_express_it(
    message: Message, line: str
) -> None:
    assert format_message(message) == line
    assert parse(line) == message


@given(st.text())
def test_parsing_a_formatted_string_returns_the_same_string(text: str) -> None:
    line = format_string(text)
    assert line.isprintable()
    assert arguments(f"a={line}") == {"a": text}


def test_printable_characters_of_a_string_are_not_escaped() -> None:
    assert format_string('\u00e9 "\\\x1b\u2028\n') == '"\u00e9 \\"\\\\\\u001b\\u2028\\n"'


@given(st.text(), st.booleans())
def test_any_text_is_parsed_or_raises_a_parse_error(text: str, in_literal: bool) -> None:
    """A parse error has a position that is within the text."""
    joiner, parser = LineJoiner(), StatementParser()
    sources = [joiner.add_line(line) for line in ("test a=" * in_literal + text).split("\n")]
    sources.append(joiner.finish())
    for source in sources:
        if source is None:
            continue
        try:
            parser.parse(source)
        except ParseError as error:
            position = source.position(error.offset)
            assert position.line >= 1
            assert 1 <= position.column <= len(position.text) + 1


@pytest.mark.timeout(20)
def test_a_bare_word_takes_linear_time() -> None:
    """With a pattern that backtracks, this took minutes."""
    word = "1" * 200_000 + "x"
    assert arguments(f"a={word}") == {"a": word}
    assert format_message({"execute": "test", "arguments": {"a": word}}) == f"test a={word}"
