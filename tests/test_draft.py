"""What is being typed: the kind of line, and what of it stands at the cursor."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.complete import Draft, DraftKind
from qmp_shell.complete.draft import CommandDraft
from qmp_shell.language.command import parse_partial_arguments


def draft(marked: str, **modes: bool) -> Draft:
    """The draft of a text in which ``^`` marks the cursor; without one, it is at the end."""
    before, mark, after = marked.partition("^")
    return Draft(before + after, len(before) if mark else None, **modes)


def command(marked: str, **modes: bool) -> CommandDraft:
    found = draft(marked, **modes).command
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("marked", "kind"),
    [
        ("", DraftKind.COMMAND),
        ("query-status", DraftKind.COMMAND),
        ("  query-status", DraftKind.COMMAND),
        ("query-block | jq .", DraftKind.COMMAND),
        ("help", DraftKind.COMMAND),
        ("help key=value", DraftKind.COMMAND),
        ("^{", DraftKind.JSON),
        ('{"execute": ^"cont"}', DraftKind.JSON),
        ("  {^", DraftKind.JSON),
        ("# a comment", DraftKind.COMMENT),
        ("  # a comment", DraftKind.COMMENT),
        ("#", DraftKind.COMMENT),
        ("a x=1 # a com^ment", DraftKind.COMMENT),
        (".", DraftKind.DOT_NAME),
        (".set", DraftKind.DOT_NAME),
        ("  .se^t", DraftKind.DOT_NAME),
        (".set^ confirm", DraftKind.DOT_NAME),
        (".set ^confirm", DraftKind.DOT_ARGUMENT),
        (".set ", DraftKind.DOT_ARGUMENT),
        ("help dev", DraftKind.DOT_ARGUMENT),
        ("? dev", DraftKind.DOT_ARGUMENT),
        ("he^lp dev", DraftKind.COMMAND),
        ("a x={", DraftKind.COMMAND),
        ("a x={\n^1", DraftKind.COMMAND),
        ("a x=[\n1,\n2^]", DraftKind.COMMAND),
        ("a x=[\n1]^", DraftKind.COMMAND),
        ("{\n^", DraftKind.JSON),
        ("{\n}\n^", DraftKind.COMMAND),
        ("a x=[\n1]\nb", DraftKind.COMMAND),
        ("a x=[\n1]\n.set ", DraftKind.DOT_ARGUMENT),
        ("a \\\n.set ^", DraftKind.COMMAND),
        ("transaction(abort", DraftKind.COMMAND),
        ("transaction(\nabort", DraftKind.COMMAND),
        ("transaction( {'type': 'abort'})", DraftKind.JSON),
        ("-.set ", DraftKind.COMMAND),
    ],
)
def test_the_kind_of_a_line(marked: str, kind: DraftKind) -> None:
    found = draft(marked)
    assert found.kind is kind
    assert (found.command is not None) == (kind is DraftKind.COMMAND)
    assert (found.message is not None) == (kind is DraftKind.JSON)
    assert (found.dot is not None) == (kind is DraftKind.DOT_ARGUMENT)


@pytest.mark.parametrize(
    ("marked", "kind"),
    [
        ("info block", DraftKind.HUMAN),
        ("", DraftKind.HUMAN),
        ("{", DraftKind.HUMAN),
        ("# no comment", DraftKind.HUMAN),
        ("help info", DraftKind.HUMAN),
        ("? info", DraftKind.HUMAN),
        ("x [\ny", DraftKind.HUMAN),
        (".qm", DraftKind.DOT_NAME),
        (".set confirm ", DraftKind.DOT_ARGUMENT),
    ],
)
def test_the_kind_of_a_line_for_the_human_monitor(marked: str, kind: DraftKind) -> None:
    found = draft(marked, human=True)
    assert (found.kind, found.command) == (kind, None)
    assert not found.needs_more, "each line of the human monitor is whole"


@pytest.mark.parametrize(
    ("marked", "name", "argument"),
    [
        (".set confirm on", "set", "confirm on"),
        (".set confirm^ on", "set", "confirm"),
        ("  .log   /tmp/a b", "log", "/tmp/a b"),
        (".help .wa", "help", ".wa"),
        ("help device_add ^driver=x", "help", "device_add "),
        ("? x", "help", "x"),
        (".source 'a b", "source", "'a b"),
        (".log\t/tmp", "log", "/tmp"),
    ],
)
def test_a_dot_command_is_read_up_to_the_cursor(marked: str, name: str, argument: str) -> None:
    assert draft(marked).dot == (name, argument)


@pytest.mark.parametrize(
    ("text", "is_own"),
    [
        (".set", True),
        (".set x", True),
        ("help", True),
        ("help x", True),
        ("? x", True),
        ("?", True),
        ("exit", True),
        ("exit x=1", False),
        ("query-status ?", False),
        ("query-status", False),
        ("help x=1", False),
        ("", False),
    ],
)
def test_words_of_the_shell_itself(text: str, is_own: bool) -> None:
    assert draft(text).is_own_word is is_own


def test_the_human_monitor_has_an_exit_and_a_help_of_its_own() -> None:
    assert not draft("exit", human=True).is_own_word
    assert not draft("help", human=True).is_own_word
    assert draft(".exit", human=True).is_own_word


@pytest.mark.parametrize(
    ("marked", "key", "value", "whole"),
    [
        # between words, and right behind one
        ("a ^", "", None, ""),
        ("a x=1 ^ y=2", "", None, ""),
        ("a ^ x=1", "", None, ""),
        ("a x^", "x", None, "x"),
        ("a x=1^ y=2", "x", "1", "1"),
        # in the middle of a name, of a key and of a value
        ("que^ry-status", "que", None, "query-status"),
        ("a no^de-name=d", "no", None, "node-name"),
        ("a x.y^.z=d", "x.y", None, "x.y.z"),
        ("a node-name=d^isk", "node-name", "d", "disk"),
        ("a node-name=^disk", "node-name", "", "disk"),
        ("a node-name^=disk", "node-name", None, "node-name"),
        # in a string in quotes
        ('a x="one t^wo', "x", '"one t', '"one two'),
        ('a x="one t^wo" y=1', "x", '"one t', '"one two"'),
        ("a x='one ^two'", "x", "'one ", "'one two'"),
        ('a x="^"', "x", '"', '""'),
        # in a literal
        ("a x={'y': ^1}", "x", "{'y': ", "{'y': 1}"),
        ("a x=[1, ^2", "x", "[1, ", "[1, 2"),
        # behind an operator, which is never part of a name
        ("a|^", "|", "", ""),
        ("a |^ cat", "|", "", "cat"),
        ("a | ca^t", "|", "ca", "cat"),
        ("a <^ path", "<", "", "path"),
        ("a <^> path", "<>", "", "path"),
    ],
)
def test_the_word_at_the_cursor(marked: str, key: str, value: str | None, whole: str) -> None:
    found = command(marked)
    assert (found.word.key, found.word.value) == (key, value)
    whole_word = found.whole_word
    shown = whole_word.key if value is None else whole_word.value
    assert shown == whole


@pytest.mark.parametrize(
    ("marked", "is_in_literal"),
    [
        ("a x=[1", True),
        ("a x={", True),
        ("a x=[\n^1", True),
        ("a x=[^\n1]", True),
        ("a x=1", False),
        ("a x='{", False),
        ("a {", False),
        ("a <{", False),
    ],
)
def test_the_cursor_in_a_literal(marked: str, is_in_literal: bool) -> None:
    assert command(marked).is_in_literal is is_in_literal


@pytest.mark.parametrize(
    ("marked", "given"),
    [
        ("a x=1 y=^", {"x": "1"}),
        ("a x=^ y=2", {"y": "2"}),
        ("a x=1 ^y=2 z=3", {"x": "1", "z": "3"}),
        ("a x.y=1 ^", {"x": {"y": "1"}}),
        ("a x=on ^ stray y=2", {"x": "on"}),
    ],
)
def test_arguments_on_both_sides_of_the_cursor_are_given(
    marked: str, given: dict[str, Any]
) -> None:
    (action,) = command(marked).actions
    assert (action.name.key, action.is_action) == ("a", False)
    assert action.given == given


@pytest.mark.parametrize(
    ("marked", "in_transaction", "names", "may_begin"),
    [
        ("^", False, [], True),
        ("que^", False, [], True),
        ("a ^", False, ["a"], False),
        ("a x^", False, ["a"], False),
        ("a x=^", False, ["a"], False),
        ("x=^", False, [], False),
        # a transaction on one line
        ("transaction(^", False, [], True),
        ("transaction( abort^", False, [], True),
        ("transaction(abort ^", False, ["abort"], True),
        ("transaction(abort b n=1 ^", False, ["abort", "b"], True),
        ("transaction(abort b n=^1", False, ["abort", "b"], False),
        ("transaction(abort b n=1 ) ^", False, ["abort", "b"], True),
        ("transaction(abort)^", False, ["abort"], True),
        ("transaction(abort)  ^", False, ["abort"], True),
        ("transaction(abort^)", False, [], True),
        ("transaction(abort b n=1)^", False, ["abort", "b"], True),
        ("transaction(abort b n=^)", False, ["abort", "b"], False),
        ('transaction(abort b n="1 0")^', False, ["abort", "b"], True),
        ('transaction(abort b n="1 0"^)', False, ["abort", "b"], False),
        ('transaction(abort b n="1 0)^', False, ["abort", "b"], False),
        ("transaction(abort b n=[')'])^", False, ["abort", "b"], True),
        ("trans^action(abort", False, [], True),
        ("transaction^(abort", False, [], True),
        # an open one, which takes one action a line
        ("^", True, [], True),
        ("abort ^", True, ["abort"], False),
        ("abort b ^", True, ["abort"], False),
    ],
)
def test_actions_of_a_transaction(
    marked: str, in_transaction: bool, names: list[str], may_begin: bool
) -> None:
    found = command(marked, in_transaction=in_transaction)
    assert [action.name.key for action in found.actions] == names
    assert found.may_begin_action is may_begin
    is_within = in_transaction or marked.partition("^")[0].startswith("transaction(")
    assert found.is_action is is_within
    assert all(action.is_action is is_within for action in found.actions)


@pytest.mark.parametrize(
    ("marked", "value"),
    [
        ("transaction(b n=d0^)", "d0"),
        ("transaction(b n=d0)^", "d0"),
        ('transaction(b n="d 0")^', "d 0"),
        ('transaction(b n="d 0") ^', "d 0"),
        ('transaction(b n="d )^', None),
        ("transaction(b n=(d)^", "(d)"),
        ("b n=d0)^", "d0)"),
    ],
)
def test_the_bracket_that_closes_a_transaction_is_no_part_of_the_last_value(
    marked: str, value: str | None
) -> None:
    found = command(marked).actions[0].given
    current = command(marked).whole_word
    if value is None:
        assert (found, current.value) == ({}, '"d )')
    else:
        words = [current] if current.value is not None else []
        assert (found | parse_partial_arguments(words)) == {"n": value}


def test_each_action_has_its_own_arguments() -> None:
    found = command("transaction(b node=d0 name=b^0 x=1 c node=d1")
    assert [(each.name.key, each.given) for each in found.actions] == [
        ("b", {"node": "d0", "x": "1"})
    ]
    found = command("transaction(b node=d0 c node=d1 n^")
    assert [(each.name.key, each.given) for each in found.actions] == [
        ("b", {"node": "d0"}),
        ("c", {"node": "d1"}),
    ]


@pytest.mark.parametrize(
    ("marked", "before", "row", "joined"),
    [
        ("a x=1", "a x=1", 0, 0),
        ("a ^x=1", "a ", 0, 0),
        ("a\nb^c", "b", 1, 0),
        ("a\n^", "", 1, 0),
        ("\na^", "a", 1, 0),
        ("a^\nb", "a", 0, 0),
        ("a\n\nb c^", "b c", 2, 0),
        ("a \\\nx=^1", "a x=", 1, 2),
        ("a \\\nx=1 \\\ny^", "a x=1 y", 2, 6),
        ("a \\\n^", "a ", 1, 2),
        ("a x=[\n1^]", "a x=[\n1", 1, 6),
        ("a x=[\n1]\nb^", "b", 2, 0),
    ],
)
def test_the_line_at_the_cursor(marked: str, before: str, row: int, joined: int) -> None:
    found = draft(marked)
    assert (found.before, found.row, found.joined) == (before, row, joined)


@pytest.mark.parametrize(
    ("text", "needs_more"),
    [
        ("a x=1", False),
        ("a x=[", True),
        ("a x=[\n1", True),
        ("a x=[\n1]", False),
        ("{", True),
        ('{"a": 1}', False),
        ("a \\", True),
        ("a \\\nb", False),
        ("transaction(", False),
        ("# [", False),
        ("a x='['", False),
        ('transaction(a x="b 0")', False),
        ("transaction(a x=[')'])", False),
        ("transaction(a x=[')'", True),
        ("transaction(a x=[')'\n])", False),
    ],
)
def test_enter_ends_the_text_unless_a_bracket_is_open(text: str, needs_more: bool) -> None:
    assert draft(text).needs_more is needs_more


def test_a_line_continued_by_a_backslash_is_one_command() -> None:
    found = command("device_add \\\ndriver=e1000 \\\nid=n^1")
    assert (found.word.key, found.word.value) == ("id", "n")
    assert found.actions[0].given == {"driver": "e1000"}


def test_a_literal_over_several_lines_is_one_word() -> None:
    found = command("a x=[\n1,^\n2] y=3\nb z=4")
    assert found.word.value == "[\n1,"
    assert found.whole_word.value == "[\n1,\n2]"
    assert found.actions[0].given == {"y": "3"}


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ('{"a"^: 1}', ('{"a": 1}', 4, False)),
        (' ^ {"a": 1}', ('{"a": 1}', -1, False)),
        ('{\n"a^"\n: 1}\ncont', ('{\n"a"\n: 1}', 4, False)),
        ('{"a"^: 1}\nb x=[\n2]', ('{"a": 1}', 4, False)),
        ('transaction( {"a"^', ('{"a"', 4, True)),
    ],
)
def test_a_message_that_is_typed_as_json(marked: str, message: tuple[str, int, bool]) -> None:
    assert draft(marked).message == message
    assert draft("{", in_transaction=True).message == ("{", 1, True)


def test_a_command_within_another_line() -> None:
    inner = Draft("device_add driver=")
    assert inner.command is not None
    assert inner.command.word.key == "driver"


pieces = st.lists(
    st.sampled_from(
        [*" \n\t\\=#.?|^(){}[]\"'<>", "a", "help", ".set", "transaction(", "x=", "é", "\x1b", "-"]
    ),
    max_size=12,
).map("".join)


@hypothesis.given(text=pieces, data=st.data(), human=st.booleans(), in_transaction=st.booleans())
def test_any_text_is_a_draft(
    text: str, data: st.DataObject, human: bool, in_transaction: bool
) -> None:
    """Any text with the cursor anywhere is read, and what is before the cursor ends there."""
    cursor = data.draw(st.integers(0, len(text)))
    found = Draft(text, cursor, human=human, in_transaction=in_transaction)
    assert found.row == text[:cursor].count("\n")
    assert found.before[found.joined :] == text[:cursor].rpartition("\n")[2]
    if found.command is not None:
        word = found.command.word
        assert found.before.endswith(word.key if word.value is None else word.value)
        assert found.command.may_begin_action <= (word.value is None)
        assert all(each.name.start <= word.start for each in found.command.actions)


@pytest.mark.timeout(20)
def test_a_help_topic_with_many_blanks_takes_linear_time() -> None:
    """With a pattern that backtracks, this took minutes."""
    assert Draft("help " + " " * 200_000 + "=").kind is DraftKind.COMMAND
    found = Draft("help " + " " * 200_000 + "x").dot
    assert found is not None
    assert found.argument == "x"


def test_a_word_that_a_pipeline_follows_at_once_is_the_one_at_the_cursor() -> None:
    assert command("query-st^|cat").word.key == "query-st"
    assert command("query-status a^| cat").word.key == "a"
    assert command("query-status ^|cat").word.key == ""
