"""Recognize secrets: passwords, cookies, the data of ``secret`` objects.

They are replaced by ``***`` in logs, in verbose output and in a dry run, and a line that may hold
one is kept out of the history. All of that follows from one table, :data:`SECRETS`. This module
does not know the schema, nor what the VM holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from ..messages import Message, arguments_of, command_of

HIDDEN = "***"
ANY = "*"
RETURN = "return"


class Secret(NamedTuple):
    """A row of the table: an argument whose value is a secret.

    All names are in lower case, with ``-`` for ``_``. Patterns match a name as a whole.

    :ivar command: the command that takes the argument, of QMP or of the human monitor;
        :data:`ANY`: any command, and any object in a message.
    :ivar argument: a pattern of the argument's name, at any depth and without a dotted path
        before it; :data:`RETURN`: the reply to the command is the secret.
    :ivar beside: the name of another argument and a pattern of its value, with which alone it is a
        secret. That argument stands in the same object, or in one around it.
    """

    command: str
    argument: str
    beside: tuple[str, str] | None = None


# The end of a name is a part of it, so that references to secret objects stay visible:
# password-secret, key-secret, passwordid. Misspelt passwords are secrets, too.
_PASSWORD = r".*pas+w(?!ordid)[a-z]*|.*pass-?phrase"
_NAMES = rf"{_PASSWORD}|.*cookie|(?:.*-)?token|auth-key"
_PROPERTIES = rf"{_NAMES}|data"

# What is in the names of secrets, in any notation.
_SECRET_WORDS = r"(?i)pas+w|pass[-_]?phrase|cookie|token|auth[-_]?key|secret|\bdata\b(?!\.)|\bkey\b"

# Keys pressed at once are no part of a password; with shift, they may be.
_COMBINATION = r"\s*send-?key\s+(?:keys=)?(?:(?:ctrl|alt|altgr|meta_l|meta_r)(?:_r)?-)+\w+\s*"

SECRETS = (
    # set_password, guest-set-user-password, ...; cookies of curl and l2tpv3; auth-key of emmc.
    Secret(ANY, _NAMES),
    Secret("object-add", "data"),
    Secret("object", "data"),  # QEMU's option -object, in place of a command
    Secret(ANY, "data", beside=("qom-type", "secret.*")),
    Secret("qom-set", "value", beside=("property", _PROPERTIES)),
    Secret("qom-get", RETURN, beside=("property", _PROPERTIES)),
    Secret(ANY, "value", beside=("name", _PROPERTIES)),  # in the reply to qom-list-get
    Secret("change", "arg", beside=("target", _PASSWORD)),  # up to QEMU 5.2, and in HMP
    Secret("sev-inject-launch-secret", "secret"),
    Secret(ANY, "key", beside=("rbd", ".*")),  # rbd:POOL/IMAGE:id=ID:key=KEY
    Secret(ANY, "=keyvalue-pairs"),  # how QEMU shows the options of rbd:POOL/IMAGE:OPTIONS
)

# The human monitor's commands that take or read a secret without its name, and the names of their
# arguments as the table has them. The last one is all words that are left.
_POSITIONAL = {
    "set-password": ("protocol", "password"),
    "block-passwd": ("device", "password"),
    "change": ("device", "target", "arg"),
    "qom-set": ("path", "property", "value"),
    "qom-get": ("path", "property", RETURN),
}
_POSITIONAL_ROWS = {
    command: [
        row
        for row in SECRETS
        if row.command in (ANY, command) and re.fullmatch(row.argument, arguments[-1])
    ]
    for command, arguments in _POSITIONAL.items()
}
# Commands whose names look like the name of a secret, but whose words are not all secret.
_WITH_OTHER_WORDS = {*_POSITIONAL, "expire-password"}
_HUMAN_LINE = "command-line"  # the argument of human-monitor-command
_JSON_FILE = "json:"

_BESIDE = {row.beside[0] for row in SECRETS if row.beside is not None}
_LONGEST = 64  # characters of a name or a value that are compared with patterns


def _commands(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds commands in a text, written with ``-`` or ``_``."""
    either = "|".join(name.replace("-", "[-_]") for name in sorted(set(names)))
    return re.compile(rf"(?<!\w)(?<!\w-)(?:{either})(?![\w-])")


# Each pattern takes time that is linear in the length of the text: a match can begin only where a
# name begins, nothing follows a repetition that could fail, and what was matched is not searched
# again.
_COMMAND = _commands(row.command for row in SECRETS if row.command != ANY)
_POSITIONAL_COMMAND = _commands(_POSITIONAL)
# NAME=VALUE or "NAME": VALUE, in any notation, also within a string with escaped quotes.
_MEMBER = re.compile(r"(?<![\w-])(?P<name>=?[\w-]+)\\*[\"']?\s*(?P<separator>[=:])\s*")
_WORD_OF_VALUE = re.compile(r"[\\\"']*(?P<word>[\w-]*)")
_QUOTED = r"(?s:\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?)"
_JSON_VALUE = re.compile(rf"{_QUOTED}|\\+[\"'][^\"']*[\"']?|[\[{{].*|[^\s,}}\]]*")
# An option ends where the next one begins: at the character that stands before it. A comma within
# an option of QEMU is doubled; a colon within one of an rbd: file name has a backslash.
# (One at its beginning may be a part of it: in the notation of this shell a comma is a character.)
_OPTION_VALUE = re.compile(rf"(?:{_QUOTED}|,(?!,))?[^,\n]*(?:,,[^,\n]*)*")
_OPTION_VALUES = {
    ":": re.compile(r"(?:\\.|,,|[^:,\s\\])*"),
    "?": re.compile(r"[^&\s]*"),
    "&": re.compile(r"[^&\s]*"),
    ";": re.compile(r"[^;\s]*"),
}
_HUMAN_WORD = re.compile(
    r"[^\S\n]+(?=\S)(?P<word>(?P<flag>-[a-z](?!\S))|(?:\"(?:\\.|[^\"\\\n])*\"?)?\S*)"
)
# A name whose value may be the next word, as in --password VALUE or in a misspelt command.
_NAME_AND_BLANK = re.compile(r"(?<!\S)(?P<name>[\w-]+)(?=[^\S\n]+[^\s=:]+(?!\S))")
_FLAG_WITH_VALUE = "-d"  # set_password ... -d DISPLAY
_MOST_FLAGS = 4  # no command has more
_AFTER_SCHEME = re.compile(r"(?P<authority>[^\s\"/?#]*)[^\s\"]*")


def redact(message: Message, *, hides_return: bool = False) -> Message:
    """Return a copy of a message, sent or received, with each secret replaced by ``***``.

    :param hides_return: what it returns is a secret (see :func:`reads_secret`).
    """
    redacted: Message = _redact_value(message, _rows_for({command_of(message)}))
    if hides_return and "return" in redacted:
        redacted["return"] = HIDDEN
    return redacted


def holds_secret(message: Message) -> bool:
    """Whether a message has a value that :func:`redact` replaces."""
    return redact(message) != message


def reads_secret(message: Message) -> bool:
    """Whether the reply to a command is a secret."""
    arguments = arguments_of(message)
    line = arguments.get(_HUMAN_LINE)
    if isinstance(line, str):
        return any(argument == RETURN for argument, _ in _positional_secrets(line))
    beside = [(_normalize(name), value) for name, value in arguments.items()]
    rows = _rows_for({command_of(message)})
    return any(row.argument == RETURN and _is_fulfilled(row, beside) for row in rows)


def may_hold_secret(line: str) -> bool:
    """Whether a line, as it was typed, may contain a secret.

    The line may be in any mode and notation, and need not be valid. An error on the safe side is
    possible: it may contain none.
    """
    from .literal import ESCAPE

    joined = line.replace("\\\n", "")
    texts = {joined, re.sub(r"#[^\n]*", "", joined)}
    readings = {line, *(ESCAPE.sub(_unescape, text) for text in texts)}
    return any(_redact_text(text) != text for text in readings)


def names_secret(line: str) -> bool:
    """Whether a line has a word that secrets are called by, even where none can follow it.

    What a line means that cannot be parsed is a guess, so it is quoted only if it has no such word.
    """
    is_secret = re.search(_SECRET_WORDS, line) is not None or may_hold_secret(line)
    return is_secret and re.fullmatch(_COMBINATION, line) is None


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits or match[4]:
        return chr(int(digits, 16) if digits else int(match[4], 8))
    return match[5]


def _normalize(name: str) -> str:
    """A name as the table has it."""
    return name[-_LONGEST:].rpartition(".")[2].lower().replace("_", "-").lstrip("-")


def _rows_for(commands: Collection[str]) -> frozenset[Secret]:
    """The rows for any of some commands."""
    names = {_normalize(command) for command in commands} | {ANY}
    return frozenset(row for row in SECRETS if row.command in names)


def _is_fulfilled(row: Secret, beside: Collection[tuple[str, object]]) -> bool:
    """Whether the condition of a row, if it has one, is fulfilled.

    :param beside: the names, as the table has them, and values of the arguments beside it.
    """
    if row.beside is None:
        return True
    wanted, pattern = row.beside
    return any(
        name == wanted
        and isinstance(value, str)
        and re.fullmatch(pattern, value[:_LONGEST].lower()) is not None
        for name, value in beside
    )


@cache
def _arguments(rows: frozenset[Secret]) -> re.Pattern[str]:
    """A pattern of the names of the arguments in some rows."""
    return re.compile("|".join(f"(?:{row.argument})" for row in rows) or r"(?!)")


def _redact_value(
    value: Any, rows: frozenset[Secret], active: frozenset[Secret] = frozenset()
) -> Any:
    """Return a copy of a value with its secrets replaced.

    A message may be nested 500 deep, so each level takes only one call here.

    :param rows: those for the command.
    :param active: those of them whose condition an object around the value fulfils.
    """
    if isinstance(value, str):
        return _redact_string(value, rows)
    if isinstance(value, list):
        items = []
        for item in value:
            items.append(_redact_value(item, rows, active))
        return items
    if not isinstance(value, dict):
        return value
    names = {name: _normalize(name) for name in value}
    beside = [(names[name], item) for name, item in value.items() if names[name] in _BESIDE]
    active |= {row for row in rows if _is_fulfilled(row, beside)}
    is_secret = _arguments(active).fullmatch
    redacted: dict[str, Any] = {}
    for name, item in value.items():
        if is_secret(names[name]):
            redacted[name] = HIDDEN
        elif name == _HUMAN_LINE and isinstance(item, str):
            redacted[name] = _redact_text(item)
        else:
            redacted[name] = _redact_value(item, rows, active)
    return redacted


def _redact_string(text: str, rows: frozenset[Secret]) -> str:
    """Replace the secrets in a string of a message: in URLs, options, and ``json:`` file names.

    :param rows: those for the command.
    """
    if "=" not in text and ":" not in text:
        return text
    if text.startswith(_JSON_FILE):
        try:
            content = json.loads(text.removeprefix(_JSON_FILE))
            redacted = _redact_value(content, _rows_for(()))
        except (ValueError, RecursionError):
            pass  # it is no valid file name, and treated as any other text
        else:
            is_same = redacted == content
            return text if is_same else _JSON_FILE + json.dumps(redacted, ensure_ascii=False)
    return _redact_members(text, rows)


def _redact_text(text: str) -> str:
    """Replace the secrets in a text that may contain commands, possibly of the human monitor."""
    rows = _rows_for({match[0] for match in _COMMAND.finditer(text)})
    text = _replace(text, _find_words(text))
    text = _replace(text, _find_next_words(text, rows))
    return _redact_members(text, rows)


def _redact_members(text: str, rows: frozenset[Secret]) -> str:
    text = _redact_urls(text)
    return _replace(text, _find_members(text, rows))


def _replace(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace parts of a text by ``***``.

    :param spans: where each of them begins and ends, in their order.
    """
    parts = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], HIDDEN]
        position = end
    return "".join([*parts, text[position:]]) if parts else text


def _redact_urls(text: str) -> str:
    """Replace the passwords in ``SCHEME://USER:PASSWORD@HOST``; iSCSI has ``%`` for the colon."""
    before, *parts = text.split("://")
    redacted = [before]
    for part in parts:
        separators = "[:%]" if before.lower().endswith(("iscsi", "iser")) else ":"
        redacted.append(_redact_authority(part, separators))
        before = part
    return "://".join(redacted)


def _redact_authority(text: str, separators: str) -> str:
    """Replace the password at the beginning of what follows ``SCHEME://``.

    :param separators: a pattern of what stands between user and password.
    """
    if "@" not in text:
        return text
    match = _AFTER_SCHEME.match(text)
    assert match is not None, "it may be empty"
    end = match.end("authority")
    if "@" not in match["authority"]:
        # A slash in a password should have been written as %2F. What is no port is a password.
        port = match["authority"].partition(":")[2]
        if not port or port.isdecimal():
            return text
        end = match.end()
    at = text.rfind("@", 0, end)
    separator = re.compile(separators).search(text, 0, max(at, 0))
    if separator is None or separator.end() == at:
        return text
    return text[: separator.end()] + HIDDEN + text[at:]


def _find_members(text: str, rows: frozenset[Secret]) -> Iterator[tuple[int, int]]:
    """Yield where in a text the values of secret arguments begin and end.

    The argument that a row has beside it may stand anywhere in the text.
    """
    relevant = re.compile("|".join([_arguments(rows).pattern, *_BESIDE])).fullmatch
    names: dict[str, str] = {}  # those that were found; empty: one that is in no row
    members = []
    for member in _MEMBER.finditer(text):
        name = member["name"]
        if name not in names:
            normalized = _normalize(name)
            names[name] = normalized if relevant(normalized) else ""
        if names[name]:
            members.append((names[name], member))
    beside = {(name, _word_at(text, member.end())) for name, member in members if name in _BESIDE}
    active = frozenset(row for row in rows if _is_fulfilled(row, beside))
    is_secret = _arguments(active).fullmatch
    position = 0
    for name, member in members:
        if member.start() >= position and is_secret(name):
            position = _value_end(text, member)
            if position > member.end():
                yield member.end(), position


def _word_at(text: str, position: int) -> str:
    """The word with which a value begins, without quotes."""
    match = _WORD_OF_VALUE.match(text, position)
    assert match is not None, "it may be empty"
    return match["word"]


def _value_end(text: str, member: re.Match[str]) -> int:
    """Where the value of ``NAME=VALUE`` or ``NAME: VALUE`` ends."""
    pattern = _JSON_VALUE
    if member["separator"] == "=":
        before = text[max(member.start() - 1, 0) : member.start()]
        pattern = _OPTION_VALUES.get(before, _OPTION_VALUE)
    value = pattern.match(text, member.end())
    assert value is not None, "it may be empty"
    return value.end()


def _find_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield where in a text the secrets begin and end that are arguments without their names."""
    position = 0
    for argument, start in _positional_secrets(text):
        if argument != RETURN and start >= position:
            for word in _human_words(text, start):
                position = word.end()
                yield word.span("word")


def _find_next_words(text: str, rows: frozenset[Secret]) -> Iterator[tuple[int, int]]:
    """Yield where in a text the words begin and end that stand behind the name of a secret.

    All words on the rest of the line are meant, for the name may be a misspelt command's.
    """
    is_secret = _arguments(frozenset(row for row in rows if row.beside is None)).fullmatch
    position = 0
    for found in _NAME_AND_BLANK.finditer(text):
        name = _normalize(found["name"])
        if found.start() < position or name in _WITH_OTHER_WORDS or not is_secret(name):
            continue
        for word in _human_words(text, found.end()):
            position = word.end()
            yield word.span("word")


def _positional_secrets(text: str) -> Iterator[tuple[str, int]]:
    """Yield the commands of the human monitor in a text that take or read a secret.

    :return: the name of the argument that is a secret, and where the arguments before it end.
    """
    for found in _POSITIONAL_COMMAND.finditer(text):
        command = found[0].replace("_", "-")
        *names, last = _POSITIONAL[command]
        words = list(islice(_human_words(text, found.end()), len(names)))
        if len(words) == len(names):
            given = (word["word"].strip('"') for word in words)
            beside = list(zip(names, given, strict=True))
            if any(_is_fulfilled(row, beside) for row in _POSITIONAL_ROWS[command]):
                yield last, words[-1].end()


def _human_words(text: str, position: int) -> Iterator[re.Match[str]]:
    """Yield the words on the rest of a line, except a few flags and their values."""
    flags = 0
    is_value = False
    while (word := _HUMAN_WORD.match(text, position)) is not None:
        position = word.end()
        is_flag = word["flag"] is not None and flags < _MOST_FLAGS
        if not is_flag and not is_value:
            yield word
        flags += is_flag
        is_value = is_flag and word["flag"] == _FLAG_WITH_VALUE
