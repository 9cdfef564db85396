"""Format QMP messages as lines of the notation, as a user would type them.

This is the inverse of parsing. It does not know the schema, so what it writes means the same
whatever types the schema has.
"""

from __future__ import annotations

import json
import re

from ..messages import Message
from ..static_typing import Any
from .values import is_ambiguous

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_PLAIN = re.compile(r"""[^\s"'{}\[\]#$\\][^\s"'\\]*""")
# The escapes that differ in single quotes.
_QUOTES = r"'|\\."
_IN_SINGLE_QUOTES = {"'": "\\'", '\\"': '"'}


def format_message(message: Message) -> str:
    """Format a message as one line.

    Parsing the line returns the same message, both without a schema and with one that the
    message conforms to. A message that ``key=value`` words cannot express (``exec-oob``, an
    ``id``, a key with a dot in it) is formatted as JSON.
    """
    if not _is_expressible(message):
        return json.dumps(message)
    if message["execute"] == "transaction" and set(message.get("arguments", {})) == {"actions"}:
        actions = [_format_action(action) for action in _as_list(message["arguments"]["actions"])]
        if None not in actions:
            return " ".join(["transaction(", *filter(None, actions), ")"])
    words = [message["execute"]]
    for key, value in message.get("arguments", {}).items():
        words += _format_argument(key, value)
    return " ".join(words)


def _format_action(action: object) -> str | None:
    """Format one action of a transaction; return None if only JSON can express it."""
    if not isinstance(action, dict) or set(action) != {"type", "data"}:
        return None
    data = action["data"]
    command = {"execute": action["type"]} | ({"arguments": data} if data != {} else {})
    return format_message(command) if _is_expressible(command) else None


def _as_list(value: object) -> list[object]:
    """Return ``value`` if it is a list, or a list of one item that is not a valid action."""
    return value if isinstance(value, list) else [None]


def _is_expressible(message: Message) -> bool:
    """Whether ``NAME key=value ...`` can express a message."""
    name = message.get("execute")
    arguments = message.get("arguments", {})
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and name not in ("help", "exit")
        and set(message) <= {"execute", "arguments"}
        and isinstance(arguments, dict)
        and bool(arguments) == ("arguments" in message)
        and all(
            _NAME.fullmatch(key) and _is_expressible_value(item) for key, item in arguments.items()
        )
    )


def _is_expressible_value(value: Any) -> bool:
    """Whether ``key=value`` can express a value.

    Bare words for a float and for null depend on the schema; without one they are strings.
    """
    return not isinstance(value, float | None)


def _format_argument(key: str, value: Any) -> list[str]:
    """Format an argument as one word, or an object as one word for each of its members."""
    if isinstance(value, dict) and value and all(_can_be_dotted(*item) for item in value.items()):
        return [
            word for name, item in value.items() for word in _format_argument(f"{key}.{name}", item)
        ]
    if isinstance(value, str):
        return [f"{key}={format_text(value)}"]
    return [f"{key}={json.dumps(value)}"]


def _can_be_dotted(name: str, value: Any) -> bool:
    """Whether a dotted key can express a member of an object.

    A name that is a number cannot be in one, because it would be parsed as a list index.
    """
    is_name = _NAME.fullmatch(name) is not None and not name.isdecimal()
    return is_name and _is_expressible_value(value)


def format_text(text: str) -> str:
    """Format a string as a value: without quotes, if it is parsed as that string then."""
    return text if is_plain(text) else json.dumps(text)


def format_string(text: str) -> str:
    """Format a string in double quotes, with escapes for all characters that are not printable.

    Parsing the result returns the same string.
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in quoted)


def escape(text: str, quote: str) -> str:
    """Escape a string that stands between quotes of one kind in a literal."""
    escaped = format_string(text)[1:-1]
    if quote == '"':
        return escaped
    return re.sub(_QUOTES, lambda found: _IN_SINGLE_QUOTES.get(found[0], found[0]), escaped)


def is_plain(text: str) -> bool:
    """Whether a string, written as a bare word, is parsed as that string whatever its type."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.isprintable()
        and text.isascii()
        and not is_ambiguous(text)
    )
