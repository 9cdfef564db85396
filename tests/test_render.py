"""What is printed: safe for a terminal, exact for a program."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.protocol import Event, Message
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.highlight import highlight_json
from qmp_shell.render.text import (
    format_compact,
    format_event,
    format_pretty,
    format_version,
    sanitize,
)
from qmp_shell.render.views import Look
from qmp_shell.vm.records import parse_version

CONTROL = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))} - {"\n", "\t"}


@given(st.text())
def test_clean_text_has_nothing_that_a_terminal_acts_on(text: str) -> None:
    assert not CONTROL & set(sanitize(text))
    sanitize(text).encode()


def test_clean_text_is_otherwise_as_it_was() -> None:
    assert (
        sanitize("a\tb\r\nc\x1b[31m\x9b1m\x7f\u00e9 \U0001f600") == "a\tb\nc[31m1m\u00e9 \U0001f600"
    )


@given(st.text(), st.booleans())
def test_json_is_safe_and_exact(text: str, ascii_only: bool) -> None:
    for shown in (format_compact({text: text}), format_pretty({text: text}, ascii_only=ascii_only)):
        assert not CONTROL & set(shown)
        shown.encode()
        assert json.loads(shown) == {text: text}


def test_pretty_keeps_order_and_characters() -> None:
    assert (
        format_pretty({"b": ["\u00e9"], "a": 1}) == '{\n  "b": [\n    "\u00e9"\n  ],\n  "a": 1\n}'
    )


def test_colours_change_nothing_else() -> None:
    import re

    text = format_pretty({"b": ["x\\", None, True, 1.5e3, {}], "a": ""})
    assert re.sub("\x1b\\[[0-9;]*m", "", highlight_json(text)) == text
    formatter = Formatter(Look(colour=True, ascii_only=True))
    assert formatter.error("a\n\nb") == "\x1b[31ma\x1b[0m\n\n\x1b[31mb\x1b[0m"


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
def test_versions(greeting: Message, text: str) -> None:
    assert format_version(parse_version(greeting.get("version"))) == text


def test_an_event_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    stamp = {"seconds": 3661, "microseconds": 250999}
    event = Event({"event": "STOP\x1b", "data": {"a": "\n\x9b"}, "timestamp": stamp})
    assert format_event(event).endswith('.250 STOP {"a": "\\n\\u009b"}')
    assert format_event(Event({"event": "X", "timestamp": {"seconds": -1, "microseconds": -1}}))
