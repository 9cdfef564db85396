"""Fuzz target: everything that a user may type or paste, and messages formatted as lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from qmp_shell.commands import Registry, base, candidates
from qmp_shell.commands.wait import parse_wait
from qmp_shell.configuration.reader import parse_configuration
from qmp_shell.errors import AddressError, UsageError
from qmp_shell.language import (
    ExecuteStatement,
    LineJoiner,
    LogicalLine,
    ParseError,
    StatementParser,
    has_ambiguous_words,
)
from qmp_shell.language.destination import DISPLAY
from qmp_shell.language.literal import parse_literal
from qmp_shell.language.notation import format_message, format_string
from qmp_shell.language.secrets import may_hold_secret, redact
from qmp_shell.language.shell_words import format_words
from qmp_shell.language.values import BareWord, parse_string
from qmp_shell.language.word_types import apply_types, parse_word
from qmp_shell.language.words import Word, split_partial
from qmp_shell.messages import Message
from qmp_shell.schema import BOOLEAN, INTEGER, NUMBER, STRING
from qmp_shell.session.settings import parse_seconds
from qmp_shell.transport import parse_address
from tests.fuzz.source import CHARACTERS, Source

WORDS = (
    *CHARACTERS,
    *("transaction(", "transaction (", ") ", " | ", " <", " <>", "\\\n", "# ", "=", ".0.", ".1="),
    *('"', "'", "[", "]", "{", "}", '\\"', "\\'", "\\u", "\\ud800", "\\udc00", "\\x41", "\\q"),
    *('{"execute": "', '{"execute": "x", "arguments": {', '{"type": "', '"data": {', "exec-oob"),
    *("true", "null", "None", "on", "1e999", "0x1F", "1.5G", "4KiB", "1_0", "-", "+1", "5" * 5000),
    *(".wait ", ".watch 1 ", ".help ", ".set ", "help ", "exit", "? ", "job=", "timeout=", "inf"),
    *("tcp:", "unix:", "unix-abstract:", "fd:", "[::1]:", ",server=on", "password=", "secret,data"),
    *("execute", "arguments", "a=", "a.b=", "[" * 120, "a." * 120),
    *("[settings]\n", "[vm.a]\n", "view = ", "timeout = ", "address = ", '"""', "'''", "[[", "\n"),
)


def check(data: bytes) -> None:
    """A line that describes a JSON value, then a text of any lines."""
    first, _, rest = data.partition(b"\n")
    _check_formatting(Source(first).value())
    text = Source(rest).text(WORDS)
    _check_lines(text)
    _check_parts(text)
    _check_shell_words(text)
    parse_configuration("config.toml", text)
    for line in text.split("\n"):
        _check_arguments(line)


def _check_formatting(value: object) -> None:
    """A message is formatted as a line that is parsed as the same message."""
    arguments = value if isinstance(value, dict) else {"a": value}
    message: Message = {"execute": "test"} | ({"arguments": arguments} if arguments else {})
    action = {"type": "test", "data": arguments}
    transaction = {"execute": "transaction", "arguments": {"actions": [action, action]}}
    for each in (message, transaction):
        _check_round_trip(each)
        before = json.dumps(each)
        assert json.dumps(redact(each)).count("{") <= before.count("{")
        assert json.dumps(each) == before, "redact() has changed the message"


def _check_round_trip(message: Message) -> None:
    line = format_message(message)
    assert line.isprintable(), "a line is safe to print"
    if not _can_be_parsed(message):
        return
    (source,) = _join(line)
    statement = StatementParser().parse(source)
    assert isinstance(statement, ExecuteStatement)
    assert json.dumps(apply_types(statement.message, None)) == json.dumps(message)
    assert (statement.files, statement.destination) == ((), DISPLAY)


def _can_be_parsed(value: object, depth: int = 0) -> bool:
    """Whether a value is within the notation's limits of depth and digits."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return depth < 90 and all(_can_be_parsed(item, depth + 1) for item in items)
    return not isinstance(value, int) or value.bit_length() < 14_000


def _join(text: str) -> Iterator[LogicalLine]:
    """The logical lines of a text, the last of which may be incomplete."""
    joiner = LineJoiner()
    for line in text.split("\n"):
        source = joiner.add_line(line)
        if source is not None:
            yield source
    if joiner.needs_more:
        yield joiner.finish()


def _check_lines(text: str) -> None:
    """A script: each line is a statement that can be sent, or raises an error with its place."""
    parser = StatementParser()
    lines = text.split("\n")
    for source in _join(text):
        try:
            statement = parser.parse(source)
        except ParseError as error:
            _check_place(error, lines)
            parser.mark_invalid()
            continue
        if isinstance(statement, ExecuteStatement):
            message = apply_types(statement.message, None)
            json.dumps(message, allow_nan=False)
            redact(message)
            has_ambiguous_words(statement.message)
            _check_round_trip(message)


def _check_place(error: ParseError, lines: list[str]) -> None:
    assert error.source is not None
    place = error.source.position(error.offset)
    assert place.text == lines[place.line - 1]
    assert 1 <= place.column <= len(place.text) + 1
    assert "\n" not in str(error)


def _check_parts(text: str) -> None:
    """The functions that get a part of a line."""
    with contextlib.suppress(ParseError):
        json.dumps(parse_literal(text, 0), allow_nan=False)
    assert isinstance(may_hold_secret(text), bool)
    assert parse_string(format_string(text), 0) == text
    for type_ in (None, STRING, BOOLEAN, INTEGER, NUMBER):
        json.dumps(apply_types(BareWord(text), type_), allow_nan=False)
    assert parse_word(BareWord(text), STRING) == text


def _check_shell_words(text: str) -> None:
    """Words of the command line: a text is one argument as it is, and any words are one line."""
    (source,) = _join(" ".join(format_words(["test", f"a={text}"], human=False)))
    statement = StatementParser().parse(source)
    assert isinstance(statement, ExecuteStatement)
    value = statement.message["arguments"]["a"]
    assert value == text or text.startswith(("{", "["))
    words = text.split(" ")
    with contextlib.suppress(UsageError):
        assert len(list(_join(" ".join(format_words(words, human=False))))) == 1
    with contextlib.suppress(UsageError):
        assert "\n" not in " ".join(format_words(words, human=True))


def _check_arguments(line: str) -> None:
    """What front ends and dot commands make of one line."""
    words, last = split_partial(line)
    _check_words([*words, last], line)
    for parse in (base.split_arguments, base.parse_path, parse_wait, parse_seconds):
        with contextlib.suppress(UsageError):
            parse(line)
    with contextlib.suppress(UsageError):
        base.parse_command(line)
    with contextlib.suppress(AddressError):
        str(parse_address(line))
    name, _, argument = line.removeprefix(".").partition(" ")
    Registry().find(name)
    candidates.last_word(argument)


def _check_words(words: list[Word], line: str) -> None:
    """The words are parts of the line, in their order."""
    end = 0
    for word in words:
        assert word.start >= end
        assert line.startswith(word.key, word.start)
        end = word.start + len(word.key)
        if word.value is not None:
            assert line.startswith(word.value, word.value_start)
            end = word.value_start + len(word.value)
