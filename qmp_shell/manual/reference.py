"""QEMU's own reference, as it is installed on this machine.

It is made by docutils, with a section for each command, event and type. QEMU 7 has a heading
for each (``.SS \\fBdevice_add\\fP (Command)``), later ones a term (``.B Command device_add``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..protocol import Message
from ..schema import Object, Schema, Type
from ..schema.types import innermost_element
from .troff import Block, lay_out, plain_text, read_blocks

_FOLDERS = ("/usr/local/share/man", "/usr/share/man", "/opt/local/share/man", "/usr/pkg/man")
_KINDS = "Command|Event|Object|Union|Enum|Alternate"
_SECTION = re.compile(
    rf"^(?:\.SS \\fB(?P<old>.+?)\\fP \((?P<old_kind>{_KINDS})\)|"
    rf"\.B (?P<kind>{_KINDS}) (?P<name>\S+)(?: \(Since: (?P<since>[^)]*)\))?|\.SH .*)$",
    re.MULTILINE,
)
_MEMBER_HEADINGS = {"Arguments", "Members", "Values", "Data"}
_OLD_MEMBER = re.compile(r"(?P<name>[\w.-]+)(?:: (?P<type>[^(]+?))?(?: \(.*\))?")
_MEMBER = re.compile(r"(?P<name>[\w.-]+)(?: \((?P<type>[^)]+?)(?:, optional)?\))? --(?P<text>.*)")
_INCLUDED = re.compile(r"(?:When \S+ is (?P<case>\S+): )?The members of (?P<type>\w+)")
_OLD_CASE = re.compile(r' when \S+ is "(?P<case>[^"]*)"')
_EXAMPLE = re.compile(r"->\s*(\{.*?\})\s*(?=<-|->|\Z)", re.DOTALL)


class MemberText(NamedTuple):
    """What the manual says of a member: the name of its type, and a text."""

    type_name: str
    text: str


class Section:
    """What the manual says of one command, event or type.

    :ivar kind: ``Command``, ``Event``, ``Object``, ``Enum`` or ``Alternate``.
    :ivar members: what it says of the arguments, members or values.
    :ivar included: types whose members are members here, and the tag's value that adds them.
    """

    def __init__(self, name: str, kind: str, source: str, since: str = "") -> None:
        self.name = name
        self.kind = kind
        self.since = since
        self.members: dict[str, MemberText] = {}
        self.included: list[tuple[str, str | None]] = []
        self._blocks = list(self._without_members(read_blocks(source)))

    def text(self, width: int) -> list[str]:
        """All that is said but of the members, and but examples."""
        said = (
            block
            for block in self._blocks
            if not block.is_code and not block.term.startswith("Example")
        )
        return list(lay_out(said, width))

    def examples(self) -> list[Message]:
        """The messages that are shown as examples of the command."""
        found = []
        for block in self._blocks:
            for match in _EXAMPLE.finditer("\n".join(block.lines)) if block.is_code else ():
                try:
                    message = json.loads(match[1])
                except ValueError:  # there are dots in it for what was left out
                    continue
                if isinstance(message, dict) and message.get("execute") == self.name:
                    found.append(message)
        return found

    def _without_members(self, blocks: list[Block]) -> Iterator[Block]:
        """Take the members out of the text; and the version, for which there is no room."""
        heading: Block | None = None
        scope: tuple[int, ...] | None = None  # that of the members
        for block in blocks:
            if block.is_heading or (block.term in _MEMBER_HEADINGS and not block.text):
                heading, scope = block, None
            elif heading is not None and heading.term in _MEMBER_HEADINGS and scope is None:
                scope = block.scope
            if heading is None or heading.term not in (*_MEMBER_HEADINGS, "Since"):
                yield block
            elif scope is not None and block.scope[: len(scope)] == scope:
                self._add_member(block)
            elif scope is not None:
                heading = None
                yield block

    def _add_member(self, block: Block) -> None:
        is_bullet = len(block.term) <= 1
        said = block.text if is_bullet else block.term
        included = _INCLUDED.match(said)
        if included is not None:
            case = _OLD_CASE.search(said)
            self.included.append((included["type"], included["case"] or (case and case["case"])))
        elif is_bullet and (member := _MEMBER.fullmatch(said)) is not None:
            self.members[member["name"]] = MemberText(member["type"] or "", member["text"].strip())
        elif not is_bullet and (member := _OLD_MEMBER.fullmatch(said)) is not None:
            self.members[member["name"]] = MemberText(member["type"] or "", block.text)
        elif self.members and not block.term and not block.is_code:  # one more paragraph
            name, (type_name, text) = self.members.popitem()
            self.members[name] = MemberText(type_name, f"{text} {block.text}".strip())


class Manual:
    """One page of the manual.

    :ivar title: as ``qemu-qmp-ref(7)``.
    """

    def __init__(self, title: str, source: str) -> None:
        self.title = title
        self._source = source
        self._summaries: dict[str, str] = {}
        self._sections: dict[str, tuple[str, int, int, str]] = {}
        last = ""
        for match in _SECTION.finditer(source):
            if last:
                kind, start, _, since = self._sections[last]
                self._sections[last] = (kind, start, match.start(), since)
            last = plain_text(match["old"] or match["name"] or "")
            if last:
                kind = match["old_kind"] or match["kind"]
                self._sections[last] = (kind, match.end() + 1, len(source), match["since"] or "")

    def section(self, name: str) -> Section | None:
        """What is said of a command, an event or a type."""
        if name not in self._sections:
            return None
        kind, start, end, since = self._sections[name]
        return Section(name, kind, self._source[start:end], since)

    def type_names(self) -> list[str]:
        """The types that there is a section of."""
        return [
            name for name, (kind, *_) in self._sections.items() if kind not in ("Command", "Event")
        ]

    def summary(self, name: str) -> str:
        """The first sentence that says what something is; empty: the manual does not."""
        if name not in self._summaries:
            _, start, end, _ = self._sections.get(name, ("", 0, 0, ""))
            self._summaries[name] = _first_sentence(self._source[start : min(end, start + 2000)])
        return self._summaries[name]

    def member(self, section: Section, name: str, cases: set[str]) -> MemberText | None:
        """What is said of a member, in a section or in the types it includes.

        :param cases: the tags' values that add members.
        """
        if name in section.members:
            return section.members[name]
        for type_name, case in section.included:
            inner = self.section(type_name) if case is None or case in cases else None
            found = self.member(inner, name, cases) if inner is not None else None
            if found is not None:
                return found
        return None

    def types(self, schema: Schema) -> dict[str, Type]:
        """The schema's types by the manual's names, which the schema itself does not tell."""
        found: dict[str, Type] = {}
        for names, find in ((schema.commands(), schema.command), (schema.events(), schema.event)):
            for name in names:
                section, entity = self.section(name), find(name)
                if section is None or entity is None:
                    continue
                inner = getattr(entity, "arguments", None) or getattr(entity, "data", None)
                if isinstance(inner, Object):
                    self._name_members(section, inner, found)
        return found

    def _name_members(self, section: Section, type_: Object, found: dict[str, Type]) -> None:
        for name, text in section.members.items():
            if name in type_.members:
                self._name_type(text.type_name, type_.members[name].type, found)
        for name, case in section.included:
            inner = type_ if case is None else type_.branch(case)
            if inner is not None:
                self._name_type(name, inner, found)

    def _name_type(self, name: str, type_: Type, found: dict[str, Type]) -> None:
        type_ = innermost_element(type_)
        name = name.strip("[]").removeprefix("array of ")
        if not name[:1].isupper() or name in found:
            return
        found[name] = type_
        section = self.section(name)
        if section is not None and isinstance(type_, Object):
            self._name_members(section, type_, found)


def _first_sentence(source: str) -> str:
    # What is still to be written is no description, though some sections begin with it.
    source = re.split(r"^\.SS |TODO", source, maxsplit=1, flags=re.MULTILINE)[0]
    for paragraph in re.split(r"^\.\w.*\n", source, flags=re.MULTILINE):
        text = " ".join(plain_text(paragraph).split())
        if text and "deprecated" not in text:
            return re.split(r"(?<=[a-z)'\"][.])\s+(?=[A-Z])", text)[0].rstrip(".")
    return ""


def open_manual(title: str) -> Manual | None:
    """Find a page, as ``qemu-qmp-ref``, and read it; None: it is not installed."""
    paths = [path for path in os.environ.get("MANPATH", "").split(":") if path]
    for folder in (*paths, *_FOLDERS):
        for ending in ("", ".gz"):
            path = f"{folder}/man7/{title}.7{ending}"
            with contextlib.suppress(OSError, EOFError):  # not there, or not readable
                return Manual(f"{title}(7)", _read(path))
    return None


def _read(path: str) -> str:
    if path.endswith(".gz"):
        import gzip

        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            return file.read()
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
