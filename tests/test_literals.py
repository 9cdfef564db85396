"""Completion and signature within a literal that is being typed: messages and arguments."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import (
    Candidate,
    Completions,
    Draft,
    Kind,
    NameRequest,
    Syntax,
    find_literal_signature,
    insertion,
)
from qmp_shell.complete.literal import Expected, LiteralDraft, read_literal
from qmp_shell.language.literal import parse_literal
from qmp_shell.schema import Schema
from qmp_shell.vm.types import VmTypes
from tests.conftest import RunningVm
from tests.fuzz.completion import ENTRIES
from tests.sessions import attach, offered_names, offline_types
from tests.test_complete import KindsAsNames, complete, names

# Reading a literal


def read(marked: str) -> LiteralDraft | None:
    """Read a literal in which ``^`` marks the cursor; without one, it is at the end."""
    before, _, after = marked.partition("^")
    return read_literal(before + after, len(before))


@pytest.mark.parametrize(
    ("marked", "path", "key", "expected", "typed", "quote"),
    [
        ("{", "", "", Expected.KEY, "", ""),
        ("{ ", "", "", Expected.KEY, "", ""),
        ('{"', "", "", Expected.KEY, "", '"'),
        ("{'a b", "", "", Expected.KEY, "a b", "'"),
        ("{a", "", "", Expected.KEY, "a", ""),
        ('{"a"', "", "a", Expected.COLON, "", ""),
        ('{"a":', "", "a", Expected.VALUE, "", ""),
        ('{"a": tr', "", "a", Expected.VALUE, "tr", ""),
        ('{"a": tr^ue}', "", "a", Expected.VALUE, "tr", ""),
        ("{'a': \"b'c", "", "a", Expected.VALUE, "b'c", '"'),
        (r'{"a": "b\"c', "", "a", Expected.VALUE, r"b\"c", '"'),
        (r'{"a": "b\\', "", "a", Expected.VALUE, "b\\\\", '"'),
        ('{"a": 1', "", "a", Expected.VALUE, "1", ""),
        ('{"a": 1 ', "", "a", Expected.COMMA, "", ""),
        ('{"a": "b"', "", "a", Expected.COMMA, "", ""),
        ('{"a": 1,', "", "", Expected.KEY, "", ""),
        ('{"a": {"b": 1}', "", "a", Expected.COMMA, "", ""),
        ('{"a": {"b": 1}, "c": {', "c", "", Expected.KEY, "", ""),
        (r'{"a\u0062\/": {', "ab/", "", Expected.KEY, "", ""),
        (r'{"a\y": {', r"a\y", "", Expected.KEY, "", ""),
        ("[", "", "0", Expected.VALUE, "", ""),
        ("[1, [], ", "", "2", Expected.VALUE, "", ""),
        ("[1, ({", "1 0", "", Expected.KEY, "", ""),
        ("[1, (2, 3), ", "", "2", Expected.VALUE, "", ""),
        ('[{"a": [{}, {"b": "', "0 a 1", "b", Expected.VALUE, "", '"'),
        ('{ # "x": {\n "a', "", "", Expected.KEY, "a", '"'),
        ('{"a": "#', "", "a", Expected.VALUE, "#", '"'),
        ('{"a" "b', "", "a", Expected.COLON, "b", '"'),
        ('{"a": "b" "c', "", "a", Expected.COMMA, "c", '"'),
        ('{^"a": 1}', "", "", Expected.KEY, "", ""),
        ('{: "b', "", "", Expected.KEY, "b", '"'),
        ('{"a": 1: "b', "", "a", Expected.COMMA, "b", '"'),
    ],
)
def test_the_place_of_the_cursor_in_a_literal(
    marked: str, path: str, key: str, expected: Expected, typed: str, quote: str
) -> None:
    found = read(marked)
    assert found is not None
    assert (found.path, found.key) == (path.split(), key)
    assert (found.expected, found.typed, found.quote) == (expected, typed, quote)


@pytest.mark.parametrize(
    "marked",
    [
        *("", "^{", "x", "{}", "{} ", '{"a": 1} "b', "{ # a", '{"a": 1 # "', "[}", "{]", "({})"),
        *('{"a\n"b": "', "{{'", "{'a' ['", "{['", "{1: ['", "[1 [", "[" * 101, "[(]"),
    ],
)
def test_nothing_is_said_outside_a_literal_and_of_what_is_none(marked: str) -> None:
    assert read(marked) is None


@pytest.mark.parametrize(
    ("marked", "given"),
    [
        ("{", {}),
        ('{"a": "b", "', {"a": "b"}),
        ('{"a": "b^', {}),
        ('{"^": "b", "c": 1}', {"c": None}),
        ('{"a": "^", "c": "d"}', {"c": "d"}),
        ('{"a": "^x", "c": "d"}', {"c": "d"}),
        ('{"a": "x^, "c": "d"}', {"c": "d"}),
        ('{"a": x^yz, "c": "d"} e f', {"c": "d"}),
        ('{"a": ^, "c": {"d": ["e", {}]}}', {"c": {"d": {"0": "e", "1": {}}}}),
        ('{"a": {"b": "^"}, "c": {"d": "e"}', {"a": {}, "c": {"d": "e"}}),
        ('{"a": {"^}, "c": "d"}', {"a": {}, "c": "d"}),
        ('{^"a": "b"}', {"a": "b"}),
        ('{"a": "b", ^}, "c": "d"', {"a": "b"}),
        ('{"a": [{}, ^, {"b": "c"}]', {"a": {"0": {}, "2": {"b": "c"}}}),
        (r'{"a": "\u0062\"", "^', {"a": 'b"'}),
        ('{"a": "b", ^"c": "d]', {"a": "b"}),
        ('{^, "a": 1', {"a": None}),
        ('{"^": {"a": "b"}, "c": "d"}', {"c": "d"}),
    ],
)
def test_what_is_given_in_a_literal_before_and_after_the_cursor(
    marked: str, given: dict[str, Any]
) -> None:
    found = read(marked)
    assert found is not None
    assert found.given == given


@pytest.mark.parametrize(
    ("marked", "is_closed"),
    [
        ('["b^"]', True),
        ('["b^cd"]', True),
        ('["b^', False),
        ('["b^, "c"', False),
        ("[\"b^'", False),
        ('[b^"', False),
    ],
)
def test_a_string_may_be_closed_behind_the_cursor(
    types: VmTypes, marked: str, is_closed: bool
) -> None:
    before, _, after = marked.partition("^")
    found = complete(f"snapshot-load devices={before}", types, after=after)
    assert found is not None
    assert found.is_closed is is_closed


@pytest.mark.parametrize(
    ("marked", "quote"),
    [("{", '"'), ("{'a': ", "'"), ("{'a': \"b\", ", "'"), ("{^, 'a': 1}", "'"), ("{'", "'")],
)
def test_the_usual_quote_of_a_literal_is_that_of_its_first_string(marked: str, quote: str) -> None:
    found = read(marked)
    assert found is not None
    assert found.usual_quote == quote


@hypothesis.given(text=st.text(alphabet="{}[](),:\"'\\#\n ab1é\ud800", max_size=30), data=st.data())
def test_any_text_can_be_read_as_a_literal(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    found = read_literal(text, cursor)
    if found is not None:
        assert text[:cursor].endswith(found.quote + found.typed)


def _as_given(value: Any) -> Any:
    """A value as the reader has it: lists are dictionaries, by index."""
    if isinstance(value, dict):
        return {key: _as_given(item) for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): _as_given(item) for index, item in enumerate(value)}
    return value


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3)


@hypothesis.given(value=st.recursive(st.text(max_size=4), _containers, max_leaves=8))
def test_a_valid_literal_is_read_as_its_parser_reads_it(value: Any) -> None:
    text = repr([value])
    found = read_literal(text[:-1], len(text) - 1)
    assert found is not None
    assert found.given == _as_given(parse_literal(text, 0))


# Completion


def inserted(options: Completions | None) -> list[str | None]:
    """What is inserted for each candidate."""
    assert options is not None
    assert options.syntax is Syntax.LITERAL
    return [insertion(each, options) for each in options.candidates]


DRIVER_OF_FILE = '{"execute": "blockdev-add", "arguments": {"driver": "qcow2", "file": {'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("{", "", ['"execute": ', '"exec-oob": ', '"arguments": ', '"id": ']),
        ("{'", "", ["'execute': ", "'exec-oob': ", "'arguments': ", "'id': "]),
        ('{"execute": "cont", "', "", ['"arguments": ', '"id": ']),
        ('{"exec-oob": "cont", "', "", ['"arguments": ', '"id": ']),
        ('{"', ', "execute": "cont"}', ['"arguments": ', '"id": ']),
        ('{"execute": "set_link", "arguments": {', "", ['"name": ', '"up": ']),
        ('{"exec-oob": "set_link", "arguments": {', "", ['"name": ', '"up": ']),
        ('{"arguments": {"', '}, "execute": "set_link"}', ['"name": ', '"up": ']),
        ('{"execute": "set_link", "arguments": {"name": "x", ', "", ['"up": ']),
        ('{"execute": "set_link", "arguments": {', '"name": "x"}', ['"up": ']),
        ('{"execute": "set_link", "arguments": {"na', 'me": "x"}', ['"name', '"up']),
        ('{"execute": "set_link", "arguments": {"up": ', "", ["true", "false"]),
        (DRIVER_OF_FILE, "", ['"driver": ', '"node-name": ']),
        (DRIVER_OF_FILE + '"driver": "file", "', "", ['"filename": ', '"node-name": ']),
        (DRIVER_OF_FILE, ', "driver": "file"}', ['"filename": ', '"node-name": ']),
        ('{"execute": "set-action", "arguments": {"reboot": "', "", ['"reset"', '"shutdown"']),
        ('{"execute": "set-action", "arguments": {"reboot": ', "", ['"reset"', '"shutdown"']),
        ('{"execute": "set-action", "arguments": {"reboot": "', '"', ['"reset', '"shutdown']),
        ("send-key keys=[{'type': '", "", ["'number'", "'qcode'"]),
        ('send-key keys=[{"type": ', "", ['"number"', '"qcode"']),
        ("send-key keys=[{'type': ", "", ["'number'", "'qcode'"]),
        ("send-key keys=[{'type': 'qcode', ", "", ["'data': "]),
        ("send-key keys=[{}, {'type': 'qcode', 'data': '", "", ["'unmapped'", "'shift'"]),
        ("send-key keys.0.type=qcode keys.1={'type': 'qcode', '", "", ["'data': "]),
        ('send-key keys=[\n{"type": "qcode",\n "', "\n}]", ['"data": ']),
        ('{"execute": "send-key",\n"arguments": {"', '\n}}\ncont a={"b', ['"keys": ']),
        ('{"arguments": {', '},\n"execute": "send-key"}', ['"keys": ']),
        ("blockdev-add driver=qcow2 file={'driver': 'file', '", "", ["'filename': "]),
        (
            "blockdev-add driver=raw file.driver=qcow2 file.file={'driver': 'file', '",
            "",
            ["'filename': "],
        ),
        ("transaction( block-dirty-bitmap-merge bitmaps=[{", "", ['"node": ', '"name": ']),
        ('transaction( {"', "", ['"type": ', '"data": ']),
        ('transaction( {"type": "blockdev-backup", "data": {"', "", ['"device": ', '"sync": ']),
        (
            '{"execute": "transaction", "arguments": {"actions": [{"type": "abort"}, {"data": {"',
            '}, "type": "blockdev-backup"}]}}',
            ['"device": ', '"sync": '],
        ),
        ("transaction actions=[{'type': 'blockdev-backup', 'data': {'", "", ["'device': "]),
        (".watch send-key keys=[{'type': '", "", ["'number'", "'qcode'"]),
        ('.watch 2 {"execute": "send-key", "arguments": {', "", ['"keys": ']),
        ('.oob {"execute": "set_link", "arguments": {"', "", ['"name": ', '"up": ']),
    ],
)
def test_a_literal_is_completed_by_its_types(
    types: VmTypes, before: str, after: str, expected: list[str]
) -> None:
    """A key is inserted with its quotes, a colon and a space, so that its value can be typed.

    Where a string is closed behind the cursor already, nothing is inserted behind the name.
    """
    assert inserted(complete(before, types, after=after))[: len(expected)] == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"execute": "', Kind.COMMAND),
        ('{"execute": ', Kind.COMMAND),
        ('{"exec-oob": "', Kind.COMMAND),
        ('{"execute": "device_del", "arguments": {"id": "', Kind.DEVICE_PATH),
        ('{"execute": "blockdev-add", "arguments": {"driver": "raw", "file": "', Kind.NODE),
        ('{"execute": "snapshot-load", "arguments": {"devices": ["', Kind.NODE),
        ('transaction( {"type": "', Kind.ACTION),
        ('{"execute": "transaction", "arguments": {"actions": [{"type": "', Kind.ACTION),
        ("transaction actions=[{'type': '", Kind.ACTION),
        (
            '{"execute": "transaction", "arguments": {"actions": ['
            '{"type": "block-dirty-bitmap-clear", "data": {"name": "',
            Kind.BITMAP,
        ),
        ("transaction( blockdev-backup device={'", None),
        ("snapshot-load devices=['", Kind.NODE),
        ('{"execute": "snapshot-load", "arguments": {"devices": "', None),
        ('{"execute": "blockdev-add", "arguments": {"node-name": "', Kind.NEW),
        ('{"execute": "human-monitor-command", "arguments": {"command-line": "', None),
        ('{"execute": "nonsense", "arguments": {"id": "', None),
        ('{"arguments": {"', None),
        ('{"execute": "transaction", "arguments": {"actions": ["', None),
        ('{"execute": {"', None),
        ('{"execute": "transaction", "arguments": {"actions": [{"data": {"', None),
        ('{"execute": "set_link", "arguments": {"up": "', None),
        ('{"execute": "set_link", "arguments": {"up": {"', None),
        ('{"execute": "set_link", "arguments": ["', None),
        ('{"execute": "cont"} ', None),
        ('{"id": {"', None),
        ("send-key keys=[{'type': 'qcode', 'data': 'x'}, 'y'", None),
    ],
)
def test_names_are_offered_in_a_literal_by_the_kind_that_the_place_accepts(
    types: VmTypes, text: str, kind: str | None
) -> None:
    options = complete(text, types)
    assert (names(options)[0] if options is not None else None) == kind


def test_an_action_of_an_open_transaction_is_completed_as_json(types: VmTypes) -> None:
    assert names(complete('{"type": "', types, transaction=True)) == [Kind.ACTION]
    assert names(complete("{", types, transaction=True)) == ["type", "data"]


def test_files_are_completed_in_a_literal(types: VmTypes) -> None:
    options = complete("blockdev-add driver=raw file={'driver': 'file', 'filename': '/tm", types)
    assert options is not None
    assert (options.files, options.typed, options.quote) == (Kind.FILE, "/tm", "'")
    assert insertion(Candidate("/tmp/"), options, is_open=True) == "'/tmp/"
    assert insertion(Candidate("/tmp/it's"), options) == r"'/tmp/it\'s'"


def test_keys_are_described_in_a_literal_as_they_are_elsewhere(types: VmTypes) -> None:
    options = complete('{"execute": "blockdev-mirror", "arguments": {"', types)
    assert options is not None
    descriptions = {each.text: each.description for each in options.candidates}
    assert descriptions["device"] == "str, required"
    assert descriptions["speed"] == "int, optional"


class NumberedSets:
    """Offers a number and what is none."""

    def candidates(self, _: object) -> list[Candidate]:
        return [Candidate("7"), Candidate("x"), Candidate("9" * 19), Candidate("٣")]


def test_a_name_that_is_a_number_is_inserted_without_quotes(types: VmTypes) -> None:
    text = '{"execute": "remove-fd", "arguments": {"fdset-id": '
    options = complete_draft(Draft(text), Registry(), NumberedSets(), types)
    assert inserted(options) == ["7"]
    assert complete_draft(Draft(text + '"'), Registry(), NumberedSets(), types) is None


def test_null_is_offered_in_a_literal_without_quotes_only(types: VmTypes) -> None:
    text = '{"execute": "blockdev-add", "arguments": {"driver": "qcow2", "backing": '
    assert inserted(complete(text, types)) == [f'"{Kind.NODE}"', "null"]
    assert inserted(complete(text + '"', types)) == [f'"{Kind.NODE}"']


def test_the_other_arguments_are_not_changed_by_a_literal(types: VmTypes) -> None:
    draft = Draft("blockdev-add driver=raw file.driver=qcow2 file.file={'driver': 'file', '")
    complete_draft(draft, Registry(), KindsAsNames(), types)
    assert draft.command is not None
    given = {"driver": "raw", "file": {"driver": "qcow2"}}
    assert draft.command.actions[0].given == given


def test_an_action_is_looked_up_among_the_actions() -> None:
    types = offline_types(Schema(ENTRIES))
    assert names(complete("transaction( abort list=[{'id': '', '", types))[:2] == ["type", "size"]
    assert complete("abort list=[{'id': '', '", types) is None


def test_files_are_offered_for_strings_only() -> None:
    members = [{"name": "filename", "type": "int"}, {"name": "backing-file", "type": "str"}]
    types = offline_types(
        Schema(
            [
                {"name": "int", "meta-type": "builtin", "json-type": "int"},
                {"name": "str", "meta-type": "builtin", "json-type": "string"},
                {"name": "0", "meta-type": "object", "members": []},
                {"name": "1", "meta-type": "object", "members": members},
                {"name": "test", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            ]
        )
    )
    options = complete('{"execute": "test", "arguments": {"backing-file": ', types)
    assert options is not None
    assert options.files == Kind.FILE
    assert complete('{"execute": "test", "arguments": {"filename": ', types) is None


def test_names_of_other_arguments_are_known_in_a_literal() -> None:
    """What is asked for names gets the arguments of the command or action that they belong to."""
    requests: list[Any] = []

    class Names:
        def candidates(self, request: Any) -> list[Candidate]:
            requests.append(request)
            return []

    schema = Schema(
        [
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "0", "meta-type": "object", "members": []},
            {"name": "qom-get", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "path", "type": "str"}, {"name": "property", "type": "str"}],
            },
        ]
    )
    text = '{"execute": "qom-get", "arguments": {"property": "a^b", "path": "/machine"}}'
    before, _, after = text.partition("^")
    draft = Draft(before + after, len(before))
    complete_draft(draft, Registry(), Names(), offline_types(schema))
    assert requests == [NameRequest(Kind.QOM_PROPERTY, "a", {"path": "/machine"})]


def test_the_properties_of_a_driver_are_completed_in_a_message(vm: RunningVm) -> None:
    session = attach(vm.address)
    try:
        text = '{"execute":"device_add","arguments":{"driver":"e1000","'
        found = offered_names(session, text)
        assert found["mac"].startswith("str, optional")
        assert "driver" not in found
        assert "e1000" in offered_names(session, text.removesuffix('e1000","'))
        assert "cont" in offered_names(session, '{"execute": "')
    finally:
        session.attachment.close()


# The signature


@pytest.mark.parametrize(
    ("text", "name", "first", "given", "current"),
    [
        ("{", "message", "execute=str", set(), ""),
        ('{"execute": "', "message", "execute=str", set(), "execute"),
        ('{"ar', "message", "execute=str", set(), "ar"),
        ('{"execute": "set_link", "arguments": {"up": ', "set_link", "name=str", set(), "up"),
        (
            '{"execute": "set_link", "arguments": {"up": true, "name": "',
            "set_link",
            "name=str",
            {"up"},
            "name",
        ),
        (DRIVER_OF_FILE, "blockdev-add file.", "driver=enum", set(), ""),
        (
            '{"execute": "transaction", "arguments": {"actions": [',
            "transaction",
            "actions=[{...}]",
            {"actions"},
            "actions",
        ),
        ("send-key keys=[", "send-key", "keys=[{...}]", {"keys"}, "keys"),
        ("send-key keys=[{'", "send-key keys.0.", "type=number|qcode", set(), ""),
        ('transaction( {"', "action", "type=str", set(), ""),
        ('transaction( {"type": "abort", "data": {', "abort", None, set(), ""),
        ("set_link up={'x': {'", "set_link", "name=str", {"up"}, "up"),
    ],
)
def test_the_signature_of_the_object_that_the_cursor_is_in(
    types: VmTypes, text: str, name: str, first: str | None, given: set[str], current: str
) -> None:
    found = find_literal_signature(Draft(text), types)
    assert found is not None
    assert (found.name, found.given, found.current) == (name, given, current)
    assert (found.parts[0].text if found.parts else None) == first


@pytest.mark.timeout(20)
def test_the_signature_behind_a_key_of_many_dots_takes_linear_time() -> None:
    """Each shorter path was followed from its beginning, too."""
    types = offline_types(Schema(ENTRIES))
    found = find_literal_signature(Draft("test path" + ".a" * 10_000 + "={"), types)
    assert found is not None
    assert (found.name, found.current) == ("test", "path")


@pytest.mark.parametrize(
    "text", ["set_link up=", "", '{"execute": "x", "arguments": {', "{}", "x={", '{"arguments": {']
)
def test_there_is_no_signature_outside_a_literal_or_of_what_is_unknown(
    types: VmTypes, text: str
) -> None:
    assert find_literal_signature(Draft(text), types) is None
