"""Which values are nobody's business: passwords and the data of secret objects."""

from __future__ import annotations

import re
from typing import Any

from ..protocol import Message

HIDDEN = "***"

# Arguments that hold a secret in any command: set_password, change-vnc-password,
# guest-set-user-password, block devices over the network.
_SECRET_KEYS = {"password", "passwd", "passphrase"}
# The type of object (object-add's qom-type) whose "data" is the secret itself.
_SECRET_OBJECT = "secret"

# The human monitor's commands, and the notations that objects have there: in
# "object_add secret,data=a,,b" a comma is doubled, and JSON may stand there too.
_KEY = r"passw(?:or)?d|passphrase"
_QUOTED = r"\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?"
_HUMAN = re.compile(
    rf"(?P<head>\b(?:set_password\s+\S+|change\s+\S+\s+(?:{_KEY}))\s+)(?:{_QUOTED}|\S+)"
    rf"|(?P<key>\b(?:{_KEY}|data)[\"']?\s*[=:]\s*)(?:{_QUOTED}|[^\s,]*(?:,,[^\s,]*)*)"
)
# The same in a line as it is typed, in whatever notation, and perhaps with mistakes in it.
_TYPED = re.compile(
    rf"\b(?:{_KEY})[\"']?\s*[=:]|\bset_password\b|\bchange\b.*\b(?:{_KEY})\b"
    r"|\bsecret\b.*\bdata\b|\bdata\b.*\bsecret\b",
    re.DOTALL,
)


def redact(message: Message) -> Message:
    """A copy of a message whose secrets are ``***``."""
    redacted: Message = _redact(message, in_secret=False)
    return redacted


def may_hold_secret(line: str) -> bool:
    """Whether a line, as it is typed, looks as if it held a secret."""
    return _TYPED.search(line) is not None


def _redact(value: Any, *, in_secret: bool) -> Any:
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
