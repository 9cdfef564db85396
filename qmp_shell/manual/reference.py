"""The sections of a page of QEMU's reference: one for each command, event and type.

docutils generates the page from QEMU's QAPI documentation. A section begins with a heading in QEMU
7.2 (``.SS \\fBdevice_add\\fP (Command)``), and with a term in QEMU 11 (``.B Command device_add``).
This module opens no files, and does not know the VM.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..messages import Message
from ..schema import Object, Schema, Type
from ..schema.types import innermost_element
from .troff import Block, format_blocks, parse_blocks, plain_text

# A page is large (1 MB), so none of these patterns may take more than linear time.
_KINDS = "Command|Event|Object|Union|Enum|Alternate"
_SECTION = re.compile(
    rf"^(?:\.SS \\fB(?P<old>.+?)\\fP \((?P<old_kind>{_KINDS})\)|"
    rf"\.B (?P<kind>{_KINDS}) (?P<name>\S+)(?: \(Since: (?P<since>[^)\n]*)\))?|\.SH .*)$",
    re.MULTILINE,
)
_MEMBER_HEADINGS = {"Arguments", "Members", "Values", "Data", "Alternatives"}
# The heading of what QEMU's developers note for themselves.
_FOR_DEVELOPERS = "TODO"
_OLD_MEMBER = re.compile(r"(?P<name>[\w.-]+)(?:: (?P<type>[^(]+?))?(?: \(.*\))?")
_MEMBER = re.compile(r"(?P<name>[\w.-]+)(?: \((?P<type>[^)]+?)(?:, optional)?\))? --(?P<text>.*)")
_INCLUDED = re.compile(r"(?:When \S+ is (?P<case>\S+): )?The members of (?P<type>\w+)")
_REFERENCE = re.compile(r"^For the arguments, see the documentation of (?P<type>\w+)", re.MULTILINE)
_OLD_CASE = re.compile(r' when \S+ is "(?P<case>[^"]*)"')
_ARROW = re.compile(r"(<-|->)")
_SENTENCE_END = re.compile(r"(?<=[a-z)'\"][.])\s+(?=[A-Z])")
# Texts of members do not always begin their sentences with capital letters.
_CLAUSE_END = re.compile(r"(?<=[a-z)'\"]{2}[.])\s+")
_SINCE = re.compile(r"\s*\([Ss]ince:? [^()\n]{1,20}\)")
# The longest summary of an argument, in characters: what a terminal of 160 columns has room for.
_LONGEST_SUMMARY = 100
# How much of a section is searched for its first sentence, in characters.
_SUMMARY_SOURCE = 2000
# What may stand before the first sentence (QEMU 9 and 10), or before what is said of the return
# value where nothing else is said.
_BEFORE_SUMMARY = re.compile(
    r"(?:This \w+ is unstable/experimental\.\s*)?(?:Availability: .*|\[\w+\]$|\[?\w+\]? -- )?"
)
_SUMMARY_END = re.compile(rf"^\.SS |{_FOR_DEVELOPERS}", re.MULTILINE)


class MemberText(NamedTuple):
    """What the manual says about a member of a type, or a value of an enumeration.

    :ivar type_name: the name of the member's type; empty if it is not given.
    :ivar text: the description.
    """

    type_name: str
    text: str


class Section:
    """What the manual says about one command, event or type.

    :ivar kind: ``Command``, ``Event``, ``Object``, ``Union``, ``Enum`` or ``Alternate``.
    :ivar since: the QEMU version that introduced it; empty if it is not in the heading.
    :ivar members: the descriptions of its arguments, members or values, by name.
    :ivar included: the names of types whose members are members of this one too, each with the
        value of the tag that adds them; None if they are always there.
    """

    def __init__(self, name: str, kind: str, source: str, since: str = "") -> None:
        """Parse a section.

        :param source: its troff source, without the heading.
        """
        self.name = name
        self.kind = kind
        self.since = since
        self.members: dict[str, MemberText] = {}
        self.included: list[tuple[str, str | None]] = []
        self._blocks: list[Block] = []
        self._add_blocks(parse_blocks(source))
        self.included += [(match["type"], None) for match in _REFERENCE.finditer(source)]

    def text(self, width: int) -> list[str]:
        """Return the lines of the text, without members, examples and notes for developers.

        :param width: the columns that a line may take.
        """
        return list(format_blocks(self._told_blocks(), width))

    def _told_blocks(self) -> Iterator[Block]:
        is_told = True
        for block in self._blocks:
            if block.is_heading:
                is_told = block.term != _FOR_DEVELOPERS
            if is_told and not block.is_code and not block.term.startswith("Example"):
                yield block

    def examples(self) -> list[Message]:
        """Return the messages that the section shows as examples of its command."""
        texts = ["\n".join(block.lines) for block in self._blocks if block.is_code]
        messages = [message for text in texts for message in _sent_messages(text)]
        return [message for message in messages if message.get("execute") == self.name]

    def _add_blocks(self, blocks: list[Block]) -> None:
        """Sort the blocks into the members and the text.

        What is below the heading ``Since`` is dropped; it only repeats the version.
        """
        heading = ""
        scope: tuple[int, ...] | None = None  # of the list of members
        for block in blocks:
            if block.is_heading or (block.term in _MEMBER_HEADINGS and not block.text):
                heading, scope = block.term, None
            elif heading in _MEMBER_HEADINGS and scope is None:
                scope = block.scope
            if heading not in _MEMBER_HEADINGS and heading != "Since":
                self._blocks.append(block)
            elif scope is not None and block.scope[: len(scope)] == scope:
                self._add_member(block)
            elif scope is not None:  # the list of members has ended without another heading
                heading = ""
                self._blocks.append(block)

    def _add_member(self, block: Block) -> None:
        """Add what a block in a list of members says: a member, included members, or more text."""
        is_bullet = len(block.term) <= 1  # the list of a newer QEMU; older ones have terms
        entry = block.text if is_bullet else block.term
        included = _INCLUDED.match(entry)
        if included is not None:
            old_case = _OLD_CASE.search(entry)
            case = included["case"] or (old_case["case"] if old_case is not None else None)
            self.included.append((included["type"], case))
        elif is_bullet and (member := _MEMBER.fullmatch(entry)) is not None:
            self.members[member["name"]] = MemberText(member["type"] or "", member["text"].strip())
        elif not is_bullet and (member := _OLD_MEMBER.fullmatch(entry)) is not None:
            self.members[member["name"]] = MemberText(member["type"] or "", block.text)
        elif self.members and not block.term and not block.is_code:  # another paragraph
            name, (type_name, text) = self.members.popitem()
            self.members[name] = MemberText(type_name, f"{text} {block.text}".strip())


class _Extent(NamedTuple):
    """Where a section is in the source of a page."""

    kind: str
    start: int
    end: int
    since: str


class Manual:
    """A page of the manual.

    :ivar title: the name of the page with its section: ``qemu-qmp-ref(7)``.
    """

    def __init__(self, title: str, source: str) -> None:
        """Find the sections of a page. A section is parsed when it is looked up.

        :param source: the page's troff source.
        """
        self.title = title
        self._source = source
        self._summaries: dict[str, str] = {}
        # What was parsed for summaries of arguments, which are wanted at each key press.
        self._parsed: dict[str, Section | None] = {}
        self._argument_summaries: dict[str, str] = {}
        self._sections = _find_sections(source)

    def section(self, name: str) -> Section | None:
        """Return the section about a command, an event or a type; None if there is none."""
        extent = self._sections.get(name)
        if extent is None:
            return None
        return Section(name, extent.kind, self._source[extent.start : extent.end], extent.since)

    def type_names(self) -> list[str]:
        """Return the names of all types that have a section."""
        return [
            name
            for name, extent in self._sections.items()
            if extent.kind not in ("Command", "Event")
        ]

    def summary(self, name: str) -> str:
        """Return the first sentence of a section, without its full stop; empty if there is none."""
        if name not in self._summaries:
            extent = self._sections.get(name, _Extent("", 0, 0, ""))
            end = min(extent.end, extent.start + _SUMMARY_SOURCE)
            self._summaries[name] = _first_sentence(self._source[extent.start : end])
        return self._summaries[name]

    def argument_summary(self, command: str, path: Iterable[str], given: object) -> str:
        """Return the first sentence about an argument, or about a member in it, cut if it is long.

        :param path: the parts of its key, list indexes among them.
        :param given: the arguments of the command, as far as they are known, by their keys;
            indexes are keys, too.
        :return: empty if nothing is said about it.
        """
        section = self._parsed_section(command)
        said: MemberText | None = None
        for part in path:
            if part.isdecimal():
                given = _inner(given, part)
                continue
            if said is not None:
                section = self._parsed_section(_type_in_list(said.type_name))
            if section is None:
                return ""
            said = self.member(section, part, given)
            if said is None:
                return ""
            given = _inner(given, part)
        text = said.text if said is not None else ""
        if text not in self._argument_summaries:
            self._argument_summaries[text] = _member_summary(text)
        return self._argument_summaries[text]

    def _parsed_section(self, name: str) -> Section | None:
        if name not in self._parsed and name in self._sections:
            self._parsed[name] = self.section(name)
        return self._parsed.get(name)

    def member(self, section: Section, name: str, given: object) -> MemberText | None:
        """Return what is said about a member, in a section or in those of the included types.

        :param given: what is known of the value that it is a member of; the values of unions'
            tags choose the types that are included.
        :return: None if nothing is said about it.
        """
        values = given.values() if isinstance(given, dict) else ()
        cases = {value for value in values if isinstance(value, str)}
        return self._find_member(section, name, cases, set())

    def _find_member(
        self, section: Section, name: str, cases: set[str], visited: set[str]
    ) -> MemberText | None:
        if name in section.members and section.kind != "Alternate":
            return section.members[name]
        visited.add(section.name)
        included_types = section.included
        if section.kind == "Alternate":  # its members are the types that a value may be of
            branches = (_type_in_list(each.type_name) for each in section.members.values())
            included_types = [(branch, None) for branch in branches]
        for type_name, case in included_types:
            if type_name in visited or not (case is None or case in cases):
                continue
            included = self._parsed_section(type_name)
            if included is not None:
                found = self._find_member(included, name, cases, visited)
                if found is not None:
                    return found
        return None

    def types(self, schema: Schema) -> dict[str, Type]:
        """Return the types of a schema by the names that the manual has for them.

        The schema itself has numbers instead of these names. They are found by going through the
        sections of all commands and events, together with the types of their members.
        """
        found: dict[str, Type] = {}
        for name in schema.commands():
            command = schema.command(name)
            if command is not None:
                self._name_members(name, command.arguments, found)
        for name in schema.events():
            event = schema.event(name)
            if event is not None:
                self._name_members(name, event.data, found)
        return found

    def _name_members(self, section_name: str, type_: Object, found: dict[str, Type]) -> None:
        """Add the names of the types of an object's members, and of the types in these."""
        section = self.section(section_name)
        if section is None:
            return
        for name, text in section.members.items():
            if name in type_.members:
                self._name_type(text.type_name, type_.members[name].type, found)
        for name, case in section.included:
            inner = type_ if case is None else type_.branch(case)
            if inner is not None:
                self._name_type(name, inner, found)

    def _name_type(self, name: str, type_: Type, found: dict[str, Type]) -> None:
        """Add the name of a type, and of the types in it, unless it is known already."""
        type_ = innermost_element(type_)
        name = _type_in_list(name)
        # The names of QAPI's built-in types begin with a small letter.
        if not name[:1].isupper() or name in found:
            return
        found[name] = type_
        if isinstance(type_, Object):
            self._name_members(name, type_, found)


def _type_in_list(name: str) -> str:
    """Return the name of the type of a list's elements; other names are returned unchanged."""
    return name.strip("[]").removeprefix("array of ")


def _inner(given: object, part: str) -> object:
    return given.get(part) if isinstance(given, dict) else None


def _find_sections(source: str) -> dict[str, _Extent]:
    """Return where each section of a page is, by the name of what it is about."""
    sections: dict[str, _Extent] = {}
    last = ""
    for match in _SECTION.finditer(source):
        if last:
            sections[last] = sections[last]._replace(end=match.start())
        last = plain_text(match["old"] or match["name"] or "")
        if last:
            kind = match["old_kind"] or match["kind"]
            sections[last] = _Extent(kind, match.end() + 1, len(source), match["since"] or "")
    return sections


def _sent_messages(text: str) -> list[Message]:
    """Return the messages in an example that the client sends, which follow an arrow ``->``.

    Those that are not valid JSON are left out; many have dots in place of some members.
    """
    found = []
    parts = _ARROW.split(text)
    for arrow, body in zip(parts[1::2], parts[2::2], strict=True):
        if arrow == "->":
            try:
                message = json.loads(body)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                found.append(message)
    return found


def _first_sentence(source: str) -> str:
    """Return the first sentence of a section's source; empty if it has no text."""
    # Some sections begin with a note of what is still to be documented.
    source = _SUMMARY_END.split(source, maxsplit=1)[0]
    for paragraph in re.split(r"^\.\w.*\n?", source, flags=re.MULTILINE):
        text = " ".join(plain_text(paragraph).split())
        text = _BEFORE_SUMMARY.sub("", text, count=1)
        if text and "deprecated" not in text:
            return _SENTENCE_END.split(text, 1)[0].rstrip(".")
    return ""


def _member_summary(text: str) -> str:
    """Return the first sentence of the text about a member, cut between two words if it is long."""
    sentence = _CLAUSE_END.split(_SINCE.sub("", text), 1)[0].strip(" .")
    if sentence == "Not documented":
        return ""
    if len(sentence) <= _LONGEST_SUMMARY:
        return sentence
    return sentence[: _LONGEST_SUMMARY + 1].rpartition(" ")[0].rstrip(" ,;:") + "..."
