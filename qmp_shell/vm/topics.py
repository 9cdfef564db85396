"""Search a VM's commands, devices, events and types by their names and descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from ..complete import Candidate
from ..manual import Manual, Section
from ..schema import Enum, Object, Type
from ..schema.types import branches, innermost_element
from .types import VmTypes

# What people say, and what QEMU says in its place.
_SYNONYMS = {
    "disk": ("block", "blockdev", "drive", "image"),
    "image": ("block", "blockdev"),
    "nic": ("netdev", "net", "network"),
    "network": ("netdev", "net"),
    "ram": ("memory", "mem"),
    "memory": ("mem", "ram"),
    "core": ("cpu", "vcpu"),
    "screenshot": ("screendump",),
    "pause": ("stop",),
    "resume": ("cont",),
    "unpause": ("cont",),
    "shutdown": ("powerdown", "quit"),
    "reboot": ("reset",),
    "unplug": ("del",),
    "hotplug": ("add",),
    "plug": ("add",),
    "attach": ("add",),
    "detach": ("del",),
    "remove": ("del", "delete"),
    "delete": ("del", "remove"),
    "create": ("add",),
    "new": ("add", "create"),
    "show": ("query",),
    "list": ("query",),
    "cdrom": ("medium", "eject"),
    "serial": ("chardev",),
    "key": ("send-key", "input"),
    "copy": ("mirror", "backup"),
}
# They say nothing of what is looked for.
_STOP_WORDS = (
    *("a", "an", "and", "another", "at", "by", "for", "from", "how", "i", "in", "into", "is"),
    *("of", "on", "or", "the", "to", "vm", "with"),
)
# Endings without which a word is looked for, so that "resized" is found by "resizing".
_ENDINGS = ("ing", "ed", "es", "s", "e")
_SHORTEST_STEM = 4
# How many texts of one command are searched, and how deep; a VM may send any number.
_MOST_PASSAGES = 3_000
_DEEPEST = 4
_MOST_TEXT = 20_000  # characters of a section

# What a match counts, by where it is; that of a synonym counts less.
_IN_NAME, _IN_SUMMARY, _IN_MEMBER, _IN_VALUE, _IN_TEXT = 10.0, 6.0, 4.0, 3.0, 2.0
_BEGINNING_OF_WORD, _INNER_PART_OF_NAME = 0.7, 0.4
_SYNONYM = 0.7
_KINDS = {"command": 1.0, "event": 0.8, "device": 0.7, "type": 0.5}
_HAS_ALL = 2.0
# What is found must have so much of the score of the best.
_LEAST = 0.3

Matcher = Callable[[str, bool], float]
"""Says how well a text has a word, 0 to 1, and is told whether the text is a name."""


class Topic(NamedTuple):
    """Something that was found.

    :ivar kind: ``command``, ``event``, ``device`` or ``type``.
    :ivar text: what matched: a sentence of the manual, or an argument or a value; what a
        device is.
    """

    name: str
    kind: str
    text: str


class _Passage(NamedTuple):
    """A text in which words are looked for.

    :ivar weight: what a match in it counts.
    :ivar shown: what is shown if it matches; empty: the summary.
    """

    weight: float
    text: str
    shown: str = ""


def find_topics(
    words: Iterable[str], types: VmTypes, manual: Manual | None, devices: Iterable[Candidate] = ()
) -> list[Topic]:
    """Find what has some words, best first.

    :param manual: None: only names are searched.
    :param devices: the drivers that can be plugged.
    """
    words = list(words)
    matchers = [
        _matcher(word) for word in words if word.lower() not in _STOP_WORDS or len(words) == 1
    ]
    found: list[tuple[float, Topic]] = []
    for name, kind, passages in chain(_documents(types, manual), _device_documents(devices)):
        score, shown = _rate(islice(passages, _MOST_PASSAGES), matchers)
        if score:
            summary = manual.summary(name) if manual is not None else ""
            found.append((score * _KINDS[kind], Topic(name, kind, shown or summary)))
    found.sort(key=lambda each: (-each[0], len(each[1].name), each[1].name))
    return [topic for score, topic in found if score >= _LEAST * found[0][0]]


def _documents(
    types: VmTypes, manual: Manual | None
) -> Iterator[tuple[str, str, Iterator[_Passage]]]:
    """The name and the kind of everything that can be found, and its texts."""
    for name in types.commands():
        command = types.command(name)
        inner = {"argument": command.arguments, "returns": command.returns} if command else {}
        yield name, "command", _passages(name, inner, manual)
    schema = types.schema
    for name in types.events():
        event = schema.event(name) if schema is not None else None
        yield name, "event", _passages(name, {"data": event.data} if event else {}, manual)
    for name in manual.type_names() if manual is not None else ():
        yield name, "type", _passages(name, {}, manual)


def _device_documents(
    devices: Iterable[Candidate],
) -> Iterator[tuple[str, str, Iterator[_Passage]]]:
    """As :func:`_documents`, of devices."""
    for device in devices:
        shown = ", ".join(filter(None, ("a device", device.description)))
        texts = ((_IN_NAME, device.text), (_IN_SUMMARY, device.description))
        passages = [_Passage(weight, text, shown) for weight, text in texts]
        yield device.text, "device", iter(passages)


def _passages(name: str, inner: Mapping[str, Type], manual: Manual | None) -> Iterator[_Passage]:
    """
    :param inner: the types that it consists of, each by what it is.
    """
    yield _Passage(_IN_NAME, name)
    section = manual.section(name) if manual is not None else None
    if section is not None and manual is not None:
        yield _Passage(_IN_SUMMARY, manual.summary(name))
        for member, text in section.members.items():
            yield _Passage(_IN_MEMBER, f"{member} {text.text}", f"{member}: {text.text}")
        for sentence in _sentences(section):
            yield _Passage(_IN_TEXT, sentence, sentence)
    for what, type_ in inner.items():
        for path, of_member in _members(type_, "", ()):
            yield _Passage(_IN_MEMBER, path.rpartition(".")[2], f"{what} {path}")
            if isinstance(of_member, Enum):
                for value in of_member.values:
                    yield _Passage(_IN_VALUE, value, f"{what} {path}={value}")


def _members(type_: Type, path: str, outer: tuple[Type, ...]) -> Iterator[tuple[str, Type]]:
    """All members in a type, those of its branches and of inner types too, by dotted path."""
    for branch in branches(innermost_element(type_)):
        if not isinstance(branch, Object) or branch in outer or len(outer) == _DEEPEST:
            continue
        cases = [branch, *filter(None, map(branch.branch, branch.cases))]
        for case in cases:
            for member in case.members.values():
                inner = f"{path}.{member.name}" if path else member.name
                yield inner, innermost_element(member.type)
                yield from _members(member.type, inner, (*outer, branch, case))


def _sentences(section: Section) -> list[str]:
    text = " ".join(" ".join(section.text(1_000)).split())[:_MOST_TEXT]
    return re.split(r"(?<=[.])\s+(?=[A-Z])", text)


def _rate(passages: Iterable[_Passage], matchers: list[Matcher]) -> tuple[float, str]:
    """How well some texts have some words, and what of them to show."""
    best = [0.0] * len(matchers)
    shown, shown_score = "", 0.0
    for passage in passages:
        is_name = passage.weight == _IN_NAME
        scores = [passage.weight * matches(passage.text, is_name) for matches in matchers]
        best = list(map(max, best, scores))
        # What has more of the words is shown, even if another passage counts more.
        score = sum(scores) + 10 * sum(1 for each in scores if each)
        if score > shown_score:
            shown, shown_score = passage.shown, score
    return sum(best) * (_HAS_ALL if all(best) else 1), shown


def _matcher(word: str) -> Matcher:
    """Looks for a word in any case, with ``_`` for ``-``, with other endings; or for a synonym."""
    word = word.lower().replace("_", "-")
    patterns = [(1.0, _pattern(word))]
    patterns += [(_SYNONYM, _pattern(each)) for each in _SYNONYMS.get(word, ())]

    def rate(text: str, is_name: bool) -> float:
        text = text.lower().replace("_", "-")
        found = 0.0
        for weight, pattern in patterns:
            for match in pattern.finditer(text):
                before = text[match.start() - 1 : match.start()]
                after = text[match.end() : match.end() + 1]
                if not before.isalnum():
                    found = max(found, weight * (_BEGINNING_OF_WORD if after.isalnum() else 1))
                elif is_name:
                    found = max(found, weight * _INNER_PART_OF_NAME)
        return found

    return rate


def _pattern(word: str) -> re.Pattern[str]:
    """The word, with any ending."""
    stem = next(
        (
            word.removesuffix(ending)
            for ending in _ENDINGS
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM
        ),
        word,
    )
    endings = "(?:ing|ed|es|s|e)?" if len(stem) >= _SHORTEST_STEM else "s?"
    return re.compile(re.escape(stem) + endings)
