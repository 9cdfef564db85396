"""The troff that docutils makes of QEMU's reference, cut into blocks. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

_ESCAPE = re.compile(r"\\(?:f[A-Z]|f\[\w*\]|\((..)|[%&]|(.))")
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


class Block:
    """A paragraph, a term with what is said of it, a heading, or a piece of code.

    :ivar scope: the indentations it stands in, each with a number of its own.
    :ivar level: how deep it is indented; not all that encloses it shows.
    :ivar term: what the text is about; ``-`` in a list; empty for a paragraph.
    :ivar is_heading: the term stands over all that follows.
    """

    def __init__(
        self, scope: tuple[int, ...], level: int, term: str = "", *, is_heading: bool = False
    ) -> None:
        self.scope = scope
        self.level = level
        self.term = term
        self.is_heading = is_heading
        self.lines: list[str] = []
        self.is_code = False

    @property
    def text(self) -> str:
        """All of the text in one line."""
        return " ".join(" ".join(self.lines).split())


def plain_text(text: str) -> str:
    """Text without fonts and escapes."""

    def character(match: re.Match[str]) -> str:
        if match[1]:
            return _CHARACTERS.get(match[1], "?")
        return {"e": "\\", None: ""}.get(match[2], match[2] or "")

    return _ESCAPE.sub(character, text)


def read_blocks(source: str) -> list[Block]:
    """Cut a section's source into blocks; empty ones are left out."""
    blocks = [Block((), 0)]
    indents: list[tuple[int, bool]] = []
    opened = 0
    code = term_follows = False

    def begin(term: str = "", *, is_heading: bool = False) -> None:
        scope = tuple(number for number, _ in indents)
        level = sum(shows for _, shows in indents)
        blocks.append(Block(scope, level, term, is_heading=is_heading))
        blocks[-1].is_code = code

    for line in source.splitlines():
        macro = _MACRO.fullmatch(line)
        if term_follows:
            term_follows = False
            begin(plain_text(macro["argument"] if macro is not None else line))
        elif macro is None:
            blocks[-1].lines.append(plain_text(line))
        elif macro["name"] == "SS":
            begin(plain_text(macro["argument"]), is_heading=True)
        elif macro["name"] == "TP":
            term_follows = True
        elif macro["name"] == "IP":
            term = plain_text(macro["argument"])
            quoted = re.match(r'"([^"]*)"', term)
            begin(quoted[1].rstrip(":") if quoted is not None else term.split(" ")[0])
        elif macro["name"] == "INDENT":
            opened += 1
            indents.append((opened, macro["argument"] not in ("0.0", "0")))
            begin()
        elif macro["name"] == "UNINDENT":
            indents = indents[:-1]
            begin()
        elif macro["name"] in ("nf", "EX", "fi", "EE"):
            code = macro["name"] in ("nf", "EX")
            begin()
        elif macro["name"] == "sp" and not code:
            begin()
        elif macro["name"] == "sp":
            blocks[-1].lines.append("")
    return [block for block in blocks if block.lines or block.term]


def lay_out(blocks: Iterable[Block], width: int) -> Iterator[str]:
    """Blocks as lines no wider than ``width``, where words allow it."""
    after_heading = True
    for block in blocks:
        indent = "  " * block.level
        if not after_heading and (not block.term or block.term[0].isupper()):
            yield ""
        after_heading = block.is_heading or not block.text
        if block.is_heading:
            yield f"{block.term}:"
            continue
        if block.is_code:
            yield from (f"{indent}{line}".rstrip() for line in block.lines)
            continue
        lead = indent
        if block.term and len(block.term) <= 2:
            lead = f"{indent}{block.term} "
        elif block.term:
            yield f"{indent}{block.term}{':' * (not block.text)}"
            lead = indent + "  "
        if block.text:
            yield from wrap(block.text, width, lead, " " * len(lead))


def wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A paragraph's lines; names are not broken.

    :param first: what the first line begins with.
    :param rest: what the others do.
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
