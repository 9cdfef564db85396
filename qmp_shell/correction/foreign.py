"""Read lines as other tools write them: what stands around a command, and between its words.

This is syntax only; no names and no types are known here.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import NamedTuple

from ..language import ParseError
from ..language.destination import HOST_COMMAND
from ..language.notation import format_string, is_plain
from ..language.words import DOUBLE_QUOTED, OPERATORS, SINGLE_QUOTED, literal_end, skip_blank

# What stands before a line in a terminal or in documentation.
_PROMPT = re.compile(r"\s*(?:(?P<prompt>\(QEMU\)|TRANS>|\(qemu\))|->)\s*")
_VIRSH = re.compile(r"(?:virsh\s+)?qemu-monitor-command\s+(?P<words>.+)")
_FORMATS = {"img": "raw", "iso": "raw", "qcow2": "qcow2", "raw": "raw", "vmdk": "vmdk"}
_FOR_HUMAN = "--hmp"  # the option of virsh
_QUOTES = "\"'"
_QUOTED = re.compile(rf"{DOUBLE_QUOTED}|{SINGLE_QUOTED}")
# A word: a value in quotes, perhaps after a key, or all up to a blank.
_WORD = re.compile(rf"""(?:[^\s="'\[{{]*=)?(?:{DOUBLE_QUOTED}|{SINGLE_QUOTED})(?=\s|$)|\S+""")
_LITERAL = re.compile(r"""(?:[^\s="'\[{]*=)?(?=[\[{])""")
_SEPARATORS = (";", "&&", ";;")
_VALUE_MARKS = {*"=\"'{}[]"}
_COLON = re.compile(r"[A-Za-z][\w-]*:")
_HOST_COMMAND = re.compile(rf"(?<=\s)(?:uri=)?(?P<run>{HOST_COMMAND}\S)")
_VIEW = " | ."  # a program begins with ./, if with a dot
_KEY = re.compile(r"""(?P<key>[^\s="'{}\[\],]+)=(?P<value>.*)""", re.DOTALL)


class Unwrapped(NamedTuple):
    """A line without what stands around it.

    :ivar is_human: it stood behind the prompt of the human monitor.
    """

    text: str
    is_human: bool = False


def unwrap(text: str) -> Unwrapped:
    """Remove what a line was copied with: a prompt, an arrow, quotes, or virsh's command."""
    text = text.strip()
    match = _VIRSH.fullmatch(text)
    if match is not None:
        return _unwrap_virsh(match["words"])
    match = _PROMPT.match(text)
    if match is not None:
        return Unwrapped(text[match.end() :], match["prompt"] == "(qemu)")
    inner = unquote(text)
    return Unwrapped(inner if inner.startswith("{") else text)


def _unwrap_virsh(text: str) -> Unwrapped:
    """``[--hmp] [--pretty] DOMAIN LINE``: the line, which may be in quotes, or be missing."""
    is_human = has_domain = False
    word, _, rest = text.partition(" ")
    while rest and (word.startswith("-") or not has_domain):
        is_human |= word == _FOR_HUMAN
        has_domain |= not word.startswith("-")
        text = rest.lstrip()
        word, _, rest = text.partition(" ")
    if not has_domain:
        return Unwrapped("")
    return Unwrapped(unquote(text), is_human)


def unquote(text: str) -> str:
    """The text within quotes, if one pair encloses all of it; else the text as it is."""
    return text[1:-1] if _QUOTED.fullmatch(text) is not None else text


def is_path(text: str) -> bool:
    """Whether a text can hardly be anything but the path of an image."""
    is_nested = "/" in text and text[0] not in "{["
    return (is_nested or format_of(text) != "") and not has_protocol(text)


def has_protocol(image: str) -> bool:
    """Whether QEMU's command line takes an image for an address: ``nbd:host:10809``, ``rbd:p/i``.

    There, only a name that has no colon before its first slash is a path.
    """
    return ":" in image.partition("/")[0]


def format_of(path: str) -> str:
    """The format of an image, as the ending of its name says; empty: it does not."""
    _, dot, ending = path.rpartition(".")
    return _FORMATS.get(ending.lower(), "") if dot else ""


class HostCommand(NamedTuple):
    """A line whose last argument is a command that QEMU is to run on its host.

    :ivar words: what stands before it.
    :ivar value: it, as it is to be written: in quotes, if it has blanks in it.
    """

    words: list[str]
    value: str


def split_host_command(text: str) -> HostCommand | None:
    """Split ``migrate uri=exec:gzip > f`` where the command begins; None: there is none."""
    text = text.strip()
    match = _HOST_COMMAND.search(text)
    if match is None:
        return None
    before, run = text[: match.start()], text[match.start("run") :]
    is_viewed = _VIEW in run and f"{_VIEW}/" not in run
    if is_viewed or '"' in before or "'" in before:
        return None
    words = before.removesuffix(" uri ").split()
    return HostCommand(words, run if is_plain(run) else format_string(run))


class Words(NamedTuple):
    """The words of a line.

    :ivar words: each as it is written.
    :ivar tail: what follows them: a pipeline, a redirection or a comment, with a blank before it.
    """

    words: list[str]
    tail: str = ""


def split_line(text: str) -> Words | None:
    """Split a line into words, which may be anything but unbalanced.

    :return: None: a bracket is not closed, or a quote that begins a word.
    """
    words: list[str] = []
    position = skip_blank(text, 0)
    while position < len(text):
        if text[position] == "#" or text.startswith(OPERATORS, position):
            return Words(words, f" {text[position:].rstrip()}")
        if text[position] in _QUOTES and text[position] not in text[position + 1 :]:
            return None
        literal = _LITERAL.match(text, position)
        word = _WORD.match(text, position)
        assert word is not None  # it does not begin with a blank
        end = word.end()
        if literal is not None:
            try:
                end = literal_end(text, literal.end())
            except ParseError:
                return None
        words.append(text[position:end])
        position = skip_blank(text, end)
    return Words(words)


def split_commands(text: str) -> list[str]:
    """The commands of a line that a shell would take for several: ``a; b``, ``a;b``, ``a && b``."""
    found = split_line(text)
    if found is None:
        return [text]
    commands: list[list[str]] = [[]]
    is_one = True
    for word in chain.from_iterable(map(_split_at_semicolons, found.words)):
        is_last = word in _SEPARATORS or word.endswith(";")
        kept = "" if word in _SEPARATORS else word.rstrip(";") if is_last else word
        commands[-1] += [kept] if kept else []
        if is_last:
            is_one = False
            commands.append([])
    lines = [" ".join(words) for words in commands if words]
    return [text] if is_one or not lines else [*lines[:-1], lines[-1] + found.tail]


def _split_at_semicolons(word: str) -> list[str]:
    """``a;b`` as ``a;`` and ``b``; a value may have semicolons in it."""
    return [word] if set(word) & _VALUE_MARKS else re.findall("[^;]+;*|;+", word)


def join_around_equals(words: list[str]) -> list[str]:
    """Words in which ``key = value``, ``key= value`` and ``key: value`` are one word each."""
    joined: list[str] = []
    for word in words:
        last = joined[-1] if joined else ""
        begins_value = word.startswith("=") and last and "=" not in last
        ends_key = last.endswith("=") and len(last) > 1
        if begins_value or (ends_key and "=" not in word):
            joined[-1] = last + word
        elif "=" not in word and _COLON.fullmatch(last) is not None:
            joined[-1] = f"{last[:-1]}={word}"
        else:
            joined.append(word)
    return joined


def split_key(word: str) -> tuple[str, str]:
    """The key and the value of a word; the key is empty if there is none."""
    match = _KEY.fullmatch(word)
    return (match["key"], match["value"]) if match is not None else ("", word)


def split_options(word: str) -> list[str]:
    """The parts of a word in the notation of QEMU's command line: ``e1000,id=n1,netdev=n0``.

    There, a comma within a value is written twice.
    """
    if "," not in word or any(mark in word for mark in "\"'{}[]"):
        return [word]
    parts = word.replace(",,", "\0").split(",")
    return [part.replace("\0", ",") for part in parts if part]
