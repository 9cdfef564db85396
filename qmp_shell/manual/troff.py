"""Parse the troff source that docutils generates from QEMU's reference into blocks of text.

Only the macros that occur there are known: ``.SS``, ``.TP``, ``.IP``, ``.INDENT``, ``.nf``, ``.EX``
and ``.sp`` (groff_man(7)). This module does not know what the text is about.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_ESCAPE = re.compile(r"\\(?:f[A-Z]|f\[\w*\]|\((..)|[%&]|(.))")
# The special characters that are written \(xx; see groff_char(7).
_CHARACTERS = {
    "aq": "'",
    "cq": "'",
    "oq": "'",
    "dq": '"',
    "lq": '"',
    "rq": '"',
    "bu": "-",
    "ha": "^",
    "ti": "~",
    "ga": "`",
    "em": "--",
    "en": "-",
}
_MACRO = re.compile(r"\.(?P<name>[A-Za-z]+) *(?P<argument>.*)")
# QEMU's reference nests indented parts five deep. What is nested deeper than this counts as nested
# this deep: each block has a number for each part that it is in, so its size has to be bounded.
_DEEPEST = 20


class Block:
    """A heading, a paragraph, a term with its description, or a piece of code.

    :ivar scope: a number for each indented part of the source that the block is in, the outermost
        first. A block whose scope begins with that of another one is within the same part.
    :ivar level: by how many levels the block is indented when it is displayed.
    :ivar term: the heading, or the term that the text describes; ``-`` for an item of a list;
        empty for a paragraph.
    :ivar is_heading: whether ``term`` is a heading.
    :ivar is_code: whether the text is code, whose line breaks must be kept.
    :ivar lines: the lines of the text.
    """

    def __init__(
        self,
        scope: tuple[int, ...],
        level: int,
        term: str = "",
        *,
        is_heading: bool = False,
        is_code: bool = False,
    ) -> None:
        self.scope = scope
        self.level = level
        self.term = term
        self.is_heading = is_heading
        self.is_code = is_code
        self.lines: list[str] = []

    @property
    def text(self) -> str:
        """The text on one line."""
        return " ".join(" ".join(self.lines).split())


def plain_text(text: str) -> str:
    """Remove fonts from troff text, and replace its escape sequences."""

    def character(match: re.Match[str]) -> str:
        if match[1]:
            return _CHARACTERS.get(match[1], "?")
        return {"e": "\\", None: ""}.get(match[2], match[2] or "")

    return _ESCAPE.sub(character, text)


def parse_blocks(source: str) -> list[Block]:
    """Parse troff source into blocks; blocks without a term and a text are left out."""
    parser = _BlockParser()
    for line in source.splitlines():
        parser.add_line(line)
    return [block for block in parser.blocks if block.lines or block.term]


class _Indent(NamedTuple):
    """An indented part of the source.

    :ivar number: is unique for each of them.
    :ivar is_visible: whether it is indented when it is displayed too.
    """

    number: int
    is_visible: bool


class _BlockParser:
    """Collects the blocks of a source, line by line.

    :ivar blocks: all blocks so far, the empty ones included.
    """

    def __init__(self) -> None:
        self.blocks = [Block((), 0)]
        self._indents: list[_Indent] = []
        self._indent_count = 0
        self._in_code = False
        self._term_follows = False

    def add_line(self, line: str) -> None:
        """Parse one line."""
        macro = _MACRO.fullmatch(line)
        if self._term_follows:
            self._term_follows = False
            self._begin_block(plain_text(macro["argument"] if macro is not None else line))
        elif macro is None:
            self.blocks[-1].lines.append(plain_text(line))
        else:
            self._apply_macro(macro["name"], macro["argument"])

    def _begin_block(self, term: str = "", *, is_heading: bool = False) -> None:
        indents = self._indents[:_DEEPEST]
        scope = tuple(indent.number for indent in indents)
        level = sum(indent.is_visible for indent in indents)
        block = Block(scope, level, term, is_heading=is_heading, is_code=self._in_code)
        self.blocks.append(block)

    def _apply_macro(self, name: str, argument: str) -> None:
        """Apply a macro; those that are not known are ignored."""
        if name == "SS":
            self._begin_block(plain_text(argument), is_heading=True)
        elif name == "TP":
            self._term_follows = True
        elif name == "IP":
            self._begin_block(_parse_tag(plain_text(argument)))
        elif name in ("INDENT", "UNINDENT"):
            self._change_indent(name == "INDENT", argument)
        elif name in ("nf", "EX", "fi", "EE"):
            self._in_code = name in ("nf", "EX")
            self._begin_block()
        elif name == "sp" and self._in_code:
            self.blocks[-1].lines.append("")
        elif name == "sp":
            self._begin_block()

    def _change_indent(self, is_deeper: bool, argument: str) -> None:
        if is_deeper:
            self._indent_count += 1
            is_visible = argument not in ("0.0", "0")
            self._indents.append(_Indent(self._indent_count, is_visible))
        else:
            del self._indents[-1:]
        self._begin_block()


def _parse_tag(argument: str) -> str:
    """Parse the argument of ``.IP``: the tag of a paragraph, and the width of the tag."""
    quoted = re.match(r'"([^"]*)"', argument)
    return quoted[1].rstrip(":") if quoted is not None else argument.split(" ")[0]


def format_blocks(blocks: Iterable[Block], width: int) -> Iterator[str]:
    """Format blocks for display, and yield the lines.

    :param width: the columns that a line may take. Longer words and code are not broken.
    """
    needs_blank_line = False
    for block in blocks:
        if needs_blank_line and (not block.term or block.term[0].isupper()):
            yield ""
        needs_blank_line = not block.is_heading and bool(block.text)
        yield from _format_block(block, width)


def _format_block(block: Block, width: int) -> Iterator[str]:
    indent = "  " * block.level
    if block.is_heading:
        yield f"{block.term}:"
        return
    if block.is_code:
        yield from (f"{indent}{line}".rstrip() for line in block.lines)
        return
    lead = indent
    if block.term and len(block.term) <= 2:  # the bullet or the number of an item
        lead = f"{indent}{block.term} "
    elif block.term:
        yield f"{indent}{block.term}{':' * (not block.text)}"
        lead = indent + "  "
    if block.text:
        yield from wrap(block.text, width, lead, " " * len(lead))


def wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Break a paragraph into lines, only at blanks, so that names stay in one piece.

    :param width: the columns that a line may take.
    :param first: what the first line begins with.
    :param rest: what the other lines begin with.
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
