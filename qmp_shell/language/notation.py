"""Messages back to lines, in the notation that a person would type."""

from __future__ import annotations

import json
import re
from typing import Any

from ..protocol import Message
from .values import is_ambiguous

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"""[^\s"'{}\[\]#\\][^\s"'\\]*""")


def format_message(message: Message) -> str:
    """Write a message as one line, which is read back as the same message.

    That holds with the schema that the message fits, and without one. What the notation has
    no words for (``exec-oob``, an ``id``, a key with a dot in it) is written as JSON.
    """
    if not _has_words(message):
        return json.dumps(message)
    if message["execute"] == "transaction" and set(message.get("arguments", {})) == {"actions"}:
        actions = [_action_words(action) for action in _list(message["arguments"]["actions"])]
        if None not in actions:
            return " ".join(["transaction(", *filter(None, actions), ")"])
    words = [message["execute"]]
    for key, value in message.get("arguments", {}).items():
        words += _words(key, value)
    return " ".join(words)


def _action_words(action: object) -> str | None:
    """An action of a transaction in words; None: it can't be written so."""
    if not isinstance(action, dict) or set(action) != {"type", "data"}:
        return None
    data = action["data"]
    command = {"execute": action["type"]} | ({"arguments": data} if data != {} else {})
    return format_message(command) if _has_words(command) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [None]


def _has_words(message: Message) -> bool:
    name = message.get("execute")
    arguments = message.get("arguments", {})
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and name not in ("help", "exit")
        and set(message) <= {"execute", "arguments"}
        and isinstance(arguments, dict)
        and bool(arguments) == ("arguments" in message)
        and all(_NAME.fullmatch(key) and _is_writable(item) for key, item in arguments.items())
    )


def _is_writable(value: Any) -> bool:
    """Whether a value can stand behind ``key=``."""
    return not isinstance(value, float | None)


def _words(key: str, value: Any) -> list[str]:
    """The words for a value: one, or one for each member of an object."""
    if isinstance(value, dict) and value and all(_is_member(*item) for item in value.items()):
        return [word for name, item in value.items() for word in _words(f"{key}.{name}", item)]
    if isinstance(value, str) and _is_plain(value):
        return [f"{key}={value}"]
    return [f"{key}={json.dumps(value)}"]


def _is_member(name: str, value: Any) -> bool:
    """Whether a member can be written with a dotted key; a number would be a list's index."""
    return _NAME.fullmatch(name) is not None and not name.isdecimal() and _is_writable(value)


def format_string(text: str) -> str:
    """Write a string in double quotes, all of it printable, so that it is read back as it is."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in quoted)


def _is_plain(text: str) -> bool:
    """Whether a string may stand as a bare word, whatever type is wanted."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.isprintable()
        and text.isascii()
        and not is_ambiguous(text)
    )
