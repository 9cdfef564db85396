"""A text of the manual, laid out for a terminal by rich.

This module does not know where texts come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..documentation.markup import Block, Code, Heading, Item, Paragraph, parse_spans
from ..output import SafeText
from .drawing import draw, make_text
from .parts import Part
from .views import Look

# Columns. Longer lines are hard to read, and shorter ones are all broken words.
_WIDEST, _NARROWEST = 80, 20
_INDENT = 4
# Texts stand beside their terms if no term is longer than this, or if none is longer than twice
# this and each text fits on the rest of its line; else below them, as all do on a narrow terminal.
_LONGEST_TERM = 18
_WIDE_ENOUGH = 60
_KINDS = {"code": "key", "strong": "bold", "emphasis": "italic", "": ""}
# Code is not broken at its blanks, unless it is longer than this.
_LONGEST_UNBROKEN = 30
# Stands for a blank within it until lines are broken; rich would break them at a no-break space.
_NO_BREAK = "\ue000"


def draw_document(blocks: Iterable[Block], look: Look) -> SafeText:
    """A text as wide as the terminal, but not too wide to be read."""
    width = min(max(look.find_width() or _WIDEST, _NARROWEST), _WIDEST)
    look = look.replaced(find_width=lambda: width)
    page = Group(*_Layout(look, width).blocks(blocks))
    return SafeText(draw(page, look).replace(_NO_BREAK, " "))


class _Layout:
    """Lays out blocks."""

    def __init__(self, look: Look, width: int) -> None:
        self._has_colour = look.colour
        self._blank = _NO_BREAK if look.supports_unicode else " "
        self._bullet = "\N{BULLET}" if look.supports_unicode else "-"
        self._width = width

    def blocks(self, blocks: Iterable[Block]) -> Iterator[RenderableType]:
        """Blocks with a blank line between two, but not between the items of a list."""
        is_first = True
        for _, group in groupby(blocks, _kind_of_item):
            members = list(group)
            items = [each for each in members if isinstance(each, Item)]
            for each in [self._list(items)] if items else map(self._block, members):
                if not is_first:
                    yield ""
                is_first = False
                yield each

    def _block(self, block: Block) -> RenderableType:
        if isinstance(block, Heading):
            return self._text(f"**{block.text}**")
        if isinstance(block, Code):
            lines = (make_text(Part(line, "string")) for line in block.lines)
            return Padding(Group(*lines), (0, 0, 0, _INDENT))
        assert isinstance(block, Paragraph)
        return self._text(block.text)

    def _list(self, items: Sequence[Item]) -> RenderableType:
        pairs = [(self._term(item.term), Group(*self.blocks(item.body))) for item in items]
        longest = max(len(term) for term, _ in pairs)
        if longest > self._most_beside(items, longest):
            indented = (Group(term, Padding(text, (0, 0, 0, _INDENT))) for term, text in pairs)
            return Group(*indented)
        gap = 1 if longest == 1 else 2
        table = Table.grid(padding=(0, gap, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for pair in pairs:
            table.add_row(*pair)
        return table

    def _most_beside(self, items: Sequence[Item], longest: int) -> int:
        """How long a term may be beside which its text stands."""
        if self._width < _WIDE_ENOUGH:
            return len(self._bullet)
        left = self._width - longest - 2
        texts = [block for item in items for block in item.body]
        is_short = all(isinstance(each, Paragraph) and len(each.text) <= left for each in texts)
        return 2 * _LONGEST_TERM if is_short else _LONGEST_TERM

    def _term(self, text: str) -> Text:
        return self._text(text, mark="") if text else Text(self._bullet)

    def _text(self, text: str, mark: str = "`") -> Text:
        """
        :param mark: stands around code where it has no colour.
        """
        parts = []
        for span in parse_spans(text):
            shown = span.text
            if span.kind == "code":
                shown = shown if self._has_colour else f"{mark}{shown}{mark}"
                if len(shown) <= _LONGEST_UNBROKEN:
                    shown = shown.replace(" ", self._blank)
            parts.append(Part(shown, _KINDS[span.kind]))
        return make_text(*parts)


def _kind_of_item(block: Block) -> str:
    """Tells lists from other blocks (empty), and lists with terms from those without."""
    if not isinstance(block, Item):
        return ""
    return "term" if block.term else "bullet"
