"""Formatting of output, which must be safe for a terminal and exact for a program."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import TerminalFormatter
from pygments.lexers.data import JsonLexer
from pygments.token import Keyword, Name, Number, String, Token

from qmp_shell.messages import Event, Message
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.highlight import NotationLexer
from qmp_shell.render.palette import JSON_MARKS, TOKEN_COLOURS
from qmp_shell.render.text import (
    format_compact,
    format_event,
    format_pretty,
    format_version,
    sanitize,
)
from qmp_shell.render.views import VIEWS, Look, Subject
from qmp_shell.vm.records import parse_version

# What Pygments makes of JSON, in the colours of the shell.
PYGMENTS = TerminalFormatter(
    colorscheme={Token: ("", "")}
    | {
        token: (TOKEN_COLOURS[kind],) * 2
        for token, kind in (
            (Name.Tag, "key"),
            (String, "string"),
            (Number, "number"),
            (Keyword, "constant"),
        )
    }
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)
    ),
)
CONTROL_CHARACTERS = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))} - {"\n", "\t"}


@given(st.text())
def test_sanitized_text_has_no_control_characters(text: str) -> None:
    assert not CONTROL_CHARACTERS & set(sanitize(text))
    sanitize(text).encode()


def test_sanitizing_keeps_all_other_characters() -> None:
    assert (
        sanitize("a\tb\r\nc\x1b[31m\x9b1m\x7f\u00e9 \U0001f600") == "a\tb\nc[31m1m\u00e9 \U0001f600"
    )


@given(st.text(), st.booleans())
def test_formatted_json_has_no_control_characters_and_the_same_value(
    text: str, ascii_only: bool
) -> None:
    for formatted in (
        format_compact({text: text}),
        format_pretty({text: text}, ascii_only=ascii_only),
    ):
        assert not CONTROL_CHARACTERS & set(formatted)
        formatted.encode()
        assert json.loads(formatted) == {text: text}


def test_indented_json_keeps_the_order_of_members_and_all_characters() -> None:
    assert (
        format_pretty({"b": ["\u00e9"], "a": 1}) == '{\n  "b": [\n    "\u00e9"\n  ],\n  "a": 1\n}'
    )


@given(JSON_VALUES)
def test_coloured_json_looks_as_pygments_would_have_it(value: Any) -> None:
    for format_json in (format_pretty, format_compact):
        plain, coloured = format_json(value), format_json(value, marks=JSON_MARKS)
        assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
        lexer = JsonLexer(ensurenl=False, stripnl=False)
        assert coloured == highlight(plain, lexer, PYGMENTS).removesuffix("\n").replace(
            "\x1b[39;49;00m", "\x1b[0m"
        )


def test_json_is_nested_deeper_than_it_is_indented() -> None:
    value: Any = {"a": [1]}
    for _ in range(60):
        value = [value, "x"]
    text = format_pretty(value)
    assert json.loads(text) == value
    assert max(len(line) - len(line.lstrip()) for line in text.split("\n")) == 80
    for _ in range(440):
        value = [value]
    for format_json in (format_pretty, format_compact):
        coloured = format_json(value, marks=JSON_MARKS)
        assert json.loads(re.sub("\x1b\\[[0-9;]*m", "", coloured)) == value


def test_colours_do_not_change_the_text() -> None:
    formatter = Formatter(Look(colour=True, ascii_only=True))
    assert formatter.error("a", "", "b") == "\x1b[31ma\x1b[0m\n\n\x1b[31mb\x1b[0m"


@pytest.mark.timeout(20)
def test_highlighting_a_line_takes_linear_time() -> None:
    """With a pattern that backtracks, this took minutes."""
    text = "a b=" + "' \\" * 20_000
    tokens = list(NotationLexer().get_tokens(text))
    assert "".join(part for _, part in tokens) == text + "\n"
    assert [part for kind, part in tokens if kind is String] == [text[4:-1]]


@pytest.mark.parametrize(
    ("greeting", "text"),
    [
        (
            {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2"}},
            "7.2.22 (Debian 1:7.2)",
        ),
        ({"version": {"qemu": {"micro": 0, "minor": 1, "major": 9}, "package": ""}}, "9.1.0"),
        ({"version": {"qemu": "0.12.50", "package": " (rpm)"}}, "0.12.50 (rpm)"),
        ({"version": "0.11"}, "0.11"),
    ],
)
def test_versions_of_all_greetings_are_formatted(greeting: Message, text: str) -> None:
    assert format_version(parse_version(greeting.get("version"))) == text


def test_an_event_is_formatted_as_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    stamp = {"seconds": 3661, "microseconds": 250999}
    event = Event({"event": "ST\nOP\x1b", "data": {"a": "\n\x9b"}, "timestamp": stamp})
    assert format_event(event).endswith('.250 ST OP {"a": "\\n\\u009b"}')
    formatter = Formatter(Look(colour=False, ascii_only=True))
    assert formatter.event_sum("ST\nOP", 3).endswith(" ST OP x 3")


def test_an_event_without_a_valid_timestamp_is_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    event = Event({"event": "STOP", "timestamp": {"seconds": -1, "microseconds": -1}})
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d\d\d STOP", format_event(event))


@pytest.mark.parametrize("view", VIEWS)
@given(text=st.text(), member=st.sampled_from(["return", "error"]))
def test_every_view_shows_any_reply_safely(view: str, text: str, member: str) -> None:
    for value in ({text: [text, {text: None}]}, [{text: text}] * 2, [text], text, None, 5):
        shown = VIEWS[view].draw(Subject({member: value}), Look(colour=False, ascii_only=False))
        assert not CONTROL_CHARACTERS & set(shown)
        shown.encode()
