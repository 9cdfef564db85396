"""Recognize secrets: passwords, and the data of ``secret`` objects.

They are masked in logs and in verbose output, and kept out of the history. This module does not
know the schema; it goes by the names of arguments.
"""

from __future__ import annotations

import re
from typing import Any

from ..protocol import Message

HIDDEN = "***"

# The names of arguments that hold a secret in any command: set_password, change-vnc-password,
# guest-set-user-password, and block devices that are reached over a network.
_SECRET_KEYS = {"password", "passwd", "passphrase"}
# The qom-type, in object-add, of objects whose "data" member is the secret itself.
_SECRET_OBJECT = "secret"

# Secrets in a human monitor command. Objects are written as options there, in which a comma in
# a value is doubled ("object_add secret,data=a,,b"), or as JSON.
_KEY = r"passw(?:or)?d|passphrase"
_QUOTED = r"\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?"
_HUMAN = re.compile(
    rf"(?P<head>\b(?:set_password\s+\S+|change\s+\S+\s+(?:{_KEY}))\s+)(?:{_QUOTED}|\S+)"
    rf"|(?P<key>\b(?:{_KEY}|data)[\"']?\s*[=:]\s*)(?:{_QUOTED}|[^\s,]*(?:,,[^\s,]*)*)"
)
# Signs of a secret in a line as it was typed: in any notation, possibly with syntax errors.
_TYPED = re.compile(
    rf"\b(?:{_KEY})[\"']?\s*[=:]|\bset_password\b|\bchange\b.*\b(?:{_KEY})\b"
    r"|\bsecret\b.*\bdata\b|\bdata\b.*\bsecret\b",
    re.DOTALL,
)


def redact(message: Message) -> Message:
    """Return a copy of a message with each secret replaced by ``***``."""
    redacted: Message = _redact(message, in_secret=False)
    return redacted


def may_hold_secret(line: str) -> bool:
    """Whether a line, as it was typed, may contain a secret.

    The line need not be valid. An error on the safe side is possible: it may contain none.
    """
    return _TYPED.search(line) is not None


def _redact(value: Any, *, in_secret: bool) -> Any:
    """Return a copy of a value with its secrets replaced.

    :param in_secret: whether the value is part of a ``secret`` object.
    """
    if isinstance(value, list):
        return [_redact(item, in_secret=in_secret) for item in value]
    if not isinstance(value, dict):
        return value
    in_secret = in_secret or value.get("qom-type") == _SECRET_OBJECT
    return {key: _redact_member(key, item, in_secret) for key, item in value.items()}


def _redact_member(key: str, value: Any, in_secret: bool) -> Any:
    if key in _SECRET_KEYS or (in_secret and key == "data"):
        return HIDDEN
    if key == "command-line" and isinstance(value, str):
        return _HUMAN.sub(lambda match: (match["head"] or match["key"]) + HIDDEN, value)
    return _redact(value, in_secret=in_secret)
