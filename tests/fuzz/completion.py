"""Fuzz target: completion, hints and help, with any schema, any names and any line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from qmp_shell.commands import Registry
from qmp_shell.commands.base import parse_path
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import (
    Candidate,
    Completions,
    Draft,
    NameRequest,
    Syntax,
    find_literal_signature,
    find_signature,
    find_unknown_names,
    insertion,
)
from qmp_shell.complete.analysis import follow_path
from qmp_shell.complete.draft import CommandDraft
from qmp_shell.complete.literal import Expected, read_literal
from qmp_shell.correction import Vocabulary, correct_human_line, correct_line
from qmp_shell.language.command import parse_value
from qmp_shell.language.literal import parse_literal
from qmp_shell.language.word_types import apply_types
from qmp_shell.messages import Message
from qmp_shell.render.help_page import HelpWriter
from qmp_shell.schema import Alternate, Builtin, Enum, Type
from qmp_shell.session.hints import feature_notes
from qmp_shell.vm.message_faults import find_faults
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.question import Question
from qmp_shell.vm.questions import COMMANDS, SCHEMA
from qmp_shell.vm.types import VmTypes
from tests.fuzz.source import CHARACTERS, Source
from tests.json_values import GivenAnswers

T = TypeVar("T")

# Entries of a schema to which those of the input are added; a name of the input replaces them.
ENTRIES: list[Any] = [
    *(
        {"name": name, "meta-type": "builtin", "json-type": json_type}
        for name, json_type in (
            ("str", "string"),
            ("int", "int"),
            ("bool", "boolean"),
            ("null", "null"),
            ("any", "value"),
            ("number", "number"),
        )
    ),
    {"name": "transaction", "meta-type": "command", "arg-type": "t1", "ret-type": "0"},
    {"name": "0", "meta-type": "object", "members": []},
    {"name": "t1", "meta-type": "object", "members": [{"name": "actions", "type": "[t2]"}]},
    {"name": "[t2]", "meta-type": "array", "element-type": "t2"},
    {
        "name": "t2",
        "meta-type": "object",
        "tag": "type",
        "members": [{"name": "type", "type": "t3"}],
        "variants": [{"case": "abort", "type": "t4"}, {"case": "blockdev-backup", "type": "t4"}],
    },
    {"name": "t3", "meta-type": "enum", "values": ["abort", "blockdev-backup"]},
    {"name": "t4", "meta-type": "object", "members": [{"name": "data", "type": "1"}]},
    {"name": "test", "meta-type": "command", "arg-type": "1", "ret-type": "[2]"},
    *(
        {"name": name, "meta-type": "command", "arg-type": "1", "ret-type": "0"}
        for name in (
            "device_add",
            "qom-set",
            "blockdev-add",
            "netdev_add",
            "object-add",
            "migrate-set-parameters",
            "set_password",
            "job-pause",
            "device_del",
            "blockdev-del",
            "qom-get",
            "chardev-add",
        )
    ),
    {
        "name": "1",
        "meta-type": "object",
        "tag": "type",
        "members": [
            {"name": "type", "type": "2"},
            {"name": "id", "type": "str"},
            {"name": "driver", "type": "str", "default": None},
            {"name": "size", "type": "int", "features": ["deprecated"]},
            {"name": "up", "type": "bool", "default": None},
            {"name": "list", "type": "[1]", "default": None},
            {"name": "node-name", "type": "a", "default": None},
            {"name": "path", "type": "any", "default": None},
        ],
        "variants": [{"case": "on", "type": "4"}],
    },
    {"name": "[1]", "meta-type": "array", "element-type": "1"},
    {"name": "2", "meta-type": "enum", "members": [{"name": "on", "features": ["unstable"]}]},
    {"name": "[2]", "meta-type": "array", "element-type": "2"},
    {"name": "4", "meta-type": "object", "members": [{"name": "file", "type": "a"}]},
    {"name": "a", "meta-type": "alternate", "members": [{"type": "str"}, {"type": "1"}]},
    {"name": "GONE", "meta-type": "event", "arg-type": "1"},
]
WORDS = (
    *CHARACTERS,
    *(
        "test ",
        "transaction( ",
        "abort ",
        "blockdev-backup ",
        "device_add ",
        "qom-set ",
        ") ",
        "# ",
    ),
    *("type=on ", "id=", "driver=", "size=", "up=", "list.0.", "node-name=", "node-name.", "path="),
    *(".help ", ".wait ", ".hmp ", ".watch 2 ", ".set ", ".source ", ".events ", "job=", "help "),
    *(
        "cont; ",
        "-device ",
        "device_del ",
        " && ",
        "(QEMU) ",
        "-> ",
        "driver: ",
        ",help",
        ", id = ",
    ),
    *("info ", "sendkey ctrl-", "object_add ", "netdev_add on,", ",id=", "migrate_set_parameter "),
    *('"', "'", "[", "]", "{", "}", "\\\n", " | ", " <", "=", ".", "\n", "on", "null", "0x10"),
    *(
        '{"execute": "test", ',
        '"arguments": {',
        '"actions": [',
        '"data": {',
        '"type": "on", ',
        "}, ",
    ),
    *(
        '"list": [{"',
        "list=[{",
        "'",
        '", "',
        '": "',
        "either=",
        '"id": ',
        '"size": ',
        '"node-name": "',
    ),
)
# The longest text of any of the pages and lists below, in characters. An input has 4,000 bytes.
_LONGEST = 4_000_000
_MOST_CANDIDATES = 12


class CachedAnswers(GivenAnswers):
    """Answers that are given, each of which is read once."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._read: dict[str, Any] = {}

    def get(self, question: Question[T], /) -> T | None:
        key = f"{question.command} {question.arguments} {question.parse}"
        if key not in self._read:
            self._read[key] = super().get(question)
        answer: T | None = self._read[key]
        return answer


class Names:
    """The names that a VM's answers have, and one more of every kind."""

    def __init__(self, found: VmNames, name: str) -> None:
        self._found = found
        self._name = name

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        return [Candidate(self._name), *self._found.candidates(request)]


def check(data: bytes) -> None:
    """Entries of a schema, an answer to all other questions, a name, arguments, and a line."""
    source = Source(data)
    entries, answer, name, arguments = (source.value() for _ in range(4))
    text = source.text(WORDS)
    answers = {
        SCHEMA.command: [*ENTRIES, *(entries if isinstance(entries, list) else [])],
        COMMANDS.command: [*ENTRIES, *(answer if isinstance(answer, list) else [])],
    }
    view = CachedAnswers(answers, answer)
    types = VmTypes(view)
    names = Names(VmNames(view, types, lambda: None), name if isinstance(name, str) else "a b")
    for cursor in {0, 1, len(text) // 2, len(text) - 1, len(text)}:
        if 0 <= cursor <= len(text):
            _check_draft(Draft(text, cursor), types, names)
    _check_draft(Draft(text, human=True), types, names)
    _check_draft(Draft(text, in_transaction=True), types, names, in_transaction=True)
    for line in text.split("\n"):
        _check_corrections(line, types, names)
    _check_hints(types, arguments if isinstance(arguments, dict) else {})


def _check_draft(
    draft: Draft, types: VmTypes, names: Names, *, in_transaction: bool = False
) -> None:
    options = complete_draft(draft, Registry(), names, types)
    find_literal_signature(draft, types)
    if draft.command is not None:
        find_signature(draft.command, types)
        for start, end in find_unknown_names(draft.command, types):
            assert 0 <= start <= end
    if options is not None and options.candidates:
        replaced = options.quote + options.typed
        assert draft.before.endswith(replaced), (draft.before, replaced)
        for candidate in options.candidates[:_MOST_CANDIDATES]:
            _check_candidate(candidate, options, draft, types, in_transaction)


def _check_candidate(
    candidate: Candidate,
    options: Completions,
    draft: Draft,
    types: VmTypes,
    in_transaction: bool,
) -> None:
    """What is inserted for a candidate is read as exactly the candidate."""
    inserted = insertion(candidate, options)
    if inserted is None:
        return
    assert inserted.isprintable()
    line = draft.before[: len(draft.before) - len(options.quote + options.typed)] + inserted
    if options.syntax == Syntax.LITERAL:
        _check_literal(candidate, options, inserted, line)
        return
    line += options.quote * options.is_closed
    if options.syntax == Syntax.PATH:
        argument = re.sub(r"\A\s*\.\S+\s+", "", line)
        assert parse_path(argument) == candidate.text
    elif options.syntax == Syntax.HUMAN and candidate.text:
        assert split_human_line(line)[-1] == candidate.text
    elif options.syntax == Syntax.HUMAN_OPTION:
        assert split_human_line(line)[-1].endswith(candidate.text)
    elif draft.command is not None and draft.command.pipe is not None:
        assert inserted == candidate.text  # a column of a view
    elif draft.command is not None and options.syntax in (Syntax.WORD, Syntax.VALUE):
        _check_word(candidate, options, Draft(line, in_transaction=in_transaction).command, types)


def _check_corrections(line: str, types: VmTypes, names: Names) -> None:
    """What is offered in the place of a line is short, on lines of its own, and runs no program."""
    vocabulary = Vocabulary(types, names, Registry())
    answers = (f"unknown command: '{line}'", "x: extraneous characters at the end of line")
    for found in (
        correct_line(line, vocabulary),
        correct_line(line, vocabulary._replace(in_transaction=True)),
        *(correct_human_line(line, answer, vocabulary) for answer in answers),
    ):
        if found is not None:
            offered = found.typed(human=False)
            assert all(each.isprintable() for each in offered.split("\n"))
            assert len(offered) + len(found.hint(human=True)) < _LONGEST
            assert all(offered.count(mark) <= line.count(mark) for mark in "|<>")


def _check_literal(candidate: Candidate, options: Completions, inserted: str, line: str) -> None:
    """What is inserted in a literal, and what the literal is then up to the cursor."""
    string = inserted.removesuffix(": " * candidate.is_key) + options.quote * options.is_closed
    (value,) = parse_literal(f"[{string}]", 0)
    if candidate.is_word:
        assert json.dumps(value) == candidate.text
    else:
        assert value == candidate.text
    # The literal may stand in a dot command, whose arguments are read by that.
    draft = Draft(line + options.quote * options.is_closed)
    if draft.message is not None:
        read = read_literal(*draft.message[:2])
    elif draft.command is not None:
        read = read_literal(draft.command.word.value or "", len(draft.command.word.value or ""))
    else:
        return
    assert read is not None
    if candidate.is_key:
        assert read.key == candidate.text
        assert read.expected is (Expected.COLON if options.is_closed else Expected.VALUE)
    elif not candidate.is_word:
        assert read.expected is Expected.COMMA
        for key in read.path:
            read = read._replace(given=read.given[key])
        assert read.given[read.key] == candidate.text


def _check_word(
    candidate: Candidate, options: Completions, command: CommandDraft | None, types: VmTypes
) -> None:
    """The word that the line ends in, after a candidate was inserted."""
    assert command is not None
    word = command.word
    if candidate.is_arguments:
        last = candidate.text.split(" ")[-1]
        assert word.value == last.rpartition("=")[2]
        assert "=" not in last or last.startswith(f"{word.key}=")
        return
    if options.syntax == Syntax.WORD:
        expected = candidate.text.removesuffix("=" * candidate.is_key)
        assert word.key == expected, (word, candidate, options)
        assert word.value == ("" if candidate.is_key else None)
        return
    assert word.value is not None
    value = parse_value(word.value, 0)
    assert value == candidate.text
    action = command.actions[-1]
    type_ = action.find_type(types)
    place = follow_path(type_, action.given, word.key.split(".")) if type_ is not None else None
    if place is not None and not candidate.is_word and _takes_any_string(place.type):
        assert apply_types(value, place.type) == candidate.text


def _takes_any_string(type_: Type) -> bool:
    if isinstance(type_, Alternate):
        return any(map(_takes_any_string, type_.branches))
    is_string = isinstance(type_, Builtin) and type_.json_type in ("string", "value")
    return is_string or isinstance(type_, Enum)


def split_human_line(line: str) -> list[str]:
    """Split a line into words as QEMU's human monitor does (get_str() in monitor/hmp.c)."""
    escapes = {"n": "\n", "r": "\r"}
    words = []
    for quoted, bare in re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', line):
        escaped = re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), quoted)
        words.append(bare or escaped)
    return words


def _check_hints(types: VmTypes, arguments: Message) -> None:
    """What is said of any arguments of a command, and its help page."""
    writer = HelpWriter(types, None, 80)
    for name in ("test", "transaction", "device_add"):
        message = {"execute": name, "arguments": arguments}
        for texts in (
            [str(fault) + fault.beyond("x") for fault in find_faults(message, types)],
            list(feature_notes(message, types)),
            list(_pages(writer, name, arguments)),
        ):
            assert sum(map(len, texts)) < _LONGEST
    for name in ("GONE", "1", "2", "a"):
        assert len("".join(_pages(writer, name, arguments))) < _LONGEST


def _pages(writer: HelpWriter, name: str, arguments: Message) -> Iterator[str]:
    for given in ({}, arguments):
        yield from writer.page(name, given)
