"""What a line that the human monitor refused should have been.

QEMU does not report that it refused a line; it prints so, in words that all its versions share.
"""

from __future__ import annotations

import re

from ..complete import complete_human
from ..complete.kinds import HUMAN_OPTIONS
from ..schema.suggestions import plain
from .correction import (
    EXIT,
    Correction,
    Form,
    Vocabulary,
    is_suggestible,
    nearest,
    nearest_command,
)
from .foreign import split_commands, split_host_command, split_key, split_line, unwrap
from .other_tools import BESIDES, EVERYDAY, VIRSH

_UNKNOWN = re.compile(r"\s*unknown command: ")
_EXTRA = re.compile(r"\s*[\w-]+: extraneous characters at the end of line")

# An error about a value of the line, which it quotes; some quote the name of a parameter before it.
_WRONG = re.compile(
    r"\s*Error: (?:Parameter '[\w-]+' does not accept value )?(?:\w+ )?'(?P<value>[^']+)'"
)

_QUERY = "query-"


def _is_refused(answer: str) -> bool:
    """Whether the human monitor's answer says that it did not understand a line."""
    return _UNKNOWN.match(answer) is not None or _EXTRA.match(answer) is not None


def correct_human_line(text: str, answer: str, vocabulary: Vocabulary) -> Correction | None:
    """The line that was probably meant by one that the human monitor refused.

    :param answer: what the human monitor printed.
    :return: None: that is not known, or it was not refused.
    """
    if not is_suggestible(text):
        return None
    wrong = _WRONG.match(answer)
    if wrong is not None:
        return _correct_value(text.strip(), wrong["value"], vocabulary)
    if not _is_refused(answer):
        return None
    inner, is_human = unwrap(text)
    if not inner:
        return None
    if inner.startswith("{"):
        return Correction(inner)
    if inner != text.strip():
        return Correction(inner, Form.HUMAN if is_human else Form.QMP)
    human = vocabulary.human_commands()
    commands = split_commands(inner)
    if len(commands) > 1 and all(each.split(None, 1)[0] in human for each in commands):
        return Correction("\n".join(commands), Form.HUMAN, "one command a line: ")
    name, _, rest = inner.partition(" ")
    if name in human:
        return _correct_known(name, rest.strip(), vocabulary)
    return _correct_unknown(name, rest.strip(), vocabulary)


def _correct_known(name: str, rest: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that exists: ``info blok``, ``device_add driver=e1000 id=n1``."""
    if name in HUMAN_OPTIONS:
        line = split_line(rest)
        words = line.words if line is not None else []
        if len(words) > 1 and all(split_key(word)[0] for word in words[1:]):
            return Correction(f"{name} {','.join(words)}", Form.HUMAN)
        return None
    run = split_host_command(f"{name} {rest}")
    if run is not None:
        return Correction(" ".join([*run.words, run.value]), Form.HUMAN)
    topics = {"info": vocabulary.human_topics(), "help": list(vocabulary.human_commands())}
    topic, _, after = rest.partition(" ")
    if name == "help" and topic in vocabulary.commands():
        return Correction(f".help {rest}", Form.DOT)
    similar = nearest(topic, topics[name]) if name in topics and topic else ""
    if not similar or similar == topic:
        return None
    return Correction(f"{name} {similar} {after}".rstrip(), Form.HUMAN, "did you mean ", "?")


def _correct_value(line: str, value: str, vocabulary: Vocabulary) -> Correction | None:
    """A value that the VM does not know: ``device_del id=n1``, ``device_add e10000,id=n1``."""
    name, _, rest = line.partition(" ")
    if name not in HUMAN_OPTIONS:
        words = rest.split()
        if value not in words or not split_key(value)[0]:
            return None  # who has misspelt a thing that exists may mean none that exists
        values = (split_key(word)[1] for word in words)
        return Correction(f"{name} {' '.join(values)}", Form.HUMAN)
    # It stands alone, or after a comma or a key; it is no key itself, and no part of another value.
    place = re.compile(rf"(?<=[\s,=]){re.escape(value)}(?![^\s,])").search(line)
    if place is None:
        return None
    before, after = line[: place.start()], line[place.end() :]
    known = complete_human(before, vocabulary.types, vocabulary.names)
    candidates = known.candidates if known is not None else []
    similar = nearest(value, [each.text for each in candidates])
    if not similar:
        return None
    return Correction(f"{before}{similar}{after}", Form.HUMAN, "did you mean ", "?")


def _correct_unknown(name: str, rest: str, vocabulary: Vocabulary) -> Correction | None:
    """A QMP command, a dot command without its dot, or a misspelt one."""
    line = f"{name} {rest}".rstrip()
    human = list(vocabulary.human_commands())
    same = nearest(name, [each for each in human if plain(each) == plain(name)])
    if same and not set(rest) & set(" {"):
        return Correction(f"{same} {rest}".rstrip(), Form.HUMAN)
    if name in vocabulary.commands():
        topic = name.removeprefix(_QUERY)
        is_known = name.startswith(_QUERY) and topic in vocabulary.human_topics()
        here = f" (HMP: info {topic})" if is_known else ""
        return Correction(line, Form.QMP, f"{name} is a QMP command: ", here)
    if name.removesuffix("()") in EXIT:
        return Correction(".exit", Form.DOT)
    meant = EVERYDAY.get(name) or VIRSH.get(name, "")
    if meant in human and (name in VIRSH or not rest):
        return Correction(meant, Form.HUMAN, after=BESIDES.get(name, ""))
    after = f" {rest}" if rest else ""
    if name in vocabulary.dot_commands.names():
        return vocabulary.dot_line(name, after, "write ")
    for form, names in ((Form.HUMAN, human), (Form.QMP, list(vocabulary.commands()))):
        similar = nearest_command(name, names)
        if similar:
            return Correction(similar + after, form, "did you mean ", "?")
    similar = nearest(name, vocabulary.dot_commands.names())
    return vocabulary.dot_line(similar, after, "did you mean ", "?") if similar else None
