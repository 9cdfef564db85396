"""What the manual and the README say, for tests that compare it with what the shell does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from qmp_shell.documentation import read_topic
from qmp_shell.documentation.markup import (
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    parse_blocks,
    parse_spans,
)

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def find_items(topic: str, heading: str = "") -> list[tuple[str, str]]:
    """The terms that a topic of the manual defines, and their texts, both with marks.

    :param heading: only what is below it; empty: all.
    """
    top = parse_blocks(read_topic(topic))
    if heading:
        top = top[top.index(Heading(heading)) + 1 :]
        top = tuple(takewhile(lambda block: not isinstance(block, Heading), top))
    blocks = _all_blocks(top)
    items = [block for block in blocks if isinstance(block, Item) and block.term]
    return [
        (item.term, " ".join(each.text for each in item.body if isinstance(each, Paragraph)))
        for item in items
    ]


def find_code(topic: str) -> list[str]:
    """The pieces of code of a topic, each with a newline at its end."""
    blocks = _all_blocks(parse_blocks(read_topic(topic)))
    return ["\n".join([*block.lines, ""]) for block in blocks if isinstance(block, Code)]


def code_in(text: str) -> list[str]:
    """The pieces of code within a text."""
    return [span.text for span in parse_spans(text) if span.kind == "code"]


def without_marks(text: str) -> str:
    """A text as it is read."""
    return "".join(span.text for span in parse_spans(text))


def words_of(blocks: Iterable[Block]) -> Iterator[str]:
    """All words of blocks, in their order."""
    for block in _all_blocks(blocks):
        if isinstance(block, Code):
            yield from " ".join(block.lines).split()
        elif isinstance(block, Item):
            yield from without_marks(block.term).split()
        elif isinstance(block, Heading):
            yield from block.text.split()
        else:
            yield from without_marks(block.text).split()


def table_below(text: str, heading: str) -> list[list[str]]:
    """The body rows of the first Markdown table below a heading."""
    part = text.partition(f"\n{heading}\n")[2]
    rows = re.findall(r"^\|(.*)\|$", part.partition("\n## ")[0], re.MULTILINE)[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


def code_below(text: str, heading: str) -> list[str]:
    """The fenced code below a heading of a text in Markdown."""
    part = text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def _all_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Item):
            yield from _all_blocks(block.body)
