"""Messages back to lines, in the notation that a person would type."""

from __future__ import annotations

import json
import re
from typing import Any

from ..protocol import Message
from .values import Bare, read_untyped

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"""[^\s"'{}\[\]#\\][^\s"'\\]*""")


def format_message(message: Message) -> str:
    """Write a message as one line, which is read back as the same message.

    What the notation has no words for (``exec-oob``, an ``id``, a key with a dot in it)
    is written as JSON.
    """
    arguments = message.get("arguments", {})
    if not _has_words(message) or not all(_has_notation(*item) for item in arguments.items()):
        return json.dumps(message)
    words = [f"{key}={_format_value(value)}" for key, value in arguments.items()]
    return " ".join([message["execute"], *words])


def _has_words(message: Message) -> bool:
    name = message.get("execute")
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and name not in ("help", "exit")
        and (
            set(message) == {"execute"}
            or (set(message) == {"execute", "arguments"} and bool(message["arguments"]))
        )
        and isinstance(message.get("arguments", {}), dict)
    )


def _has_notation(key: str, value: Any) -> bool:
    return _NAME.fullmatch(key) is not None and not isinstance(value, float | None)


def _format_value(value: Any) -> str:
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether a string may stand as a bare word."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.isprintable()
        and text.isascii()
        and read_untyped(Bare.at(text, 0)) == text
    )
