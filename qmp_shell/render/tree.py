"""Trees: any reply as an indented one, and how a tree of labels is drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ..output import SafeText
from ..static_typing import TYPE_CHECKING, Any
from .cells import is_size, name_of
from .parts import Node, Part
from .quantities import format_size
from .text import format_compact, sanitize

if TYPE_CHECKING:
    from .views import Look, Subject

# From this level of nesting on, JSON stays on one line, and lines are indented no further; nor are
# they where half of the width is used for that.
_DEEPEST = 40
_INDENT = 4  # columns for each level
# More than one would read; it takes some seconds to draw them.
_MOST_LINES = 50_000


def view_tree(subject: Subject, look: Look) -> SafeText:
    """A tree of what a command returned; see :data:`~qmp_shell.render.views.View`."""
    if subject.text is not None:
        return sanitize(subject.text.rstrip())
    return draw_forest(_children(subject.value, "", 0), look) or format_compact(subject.value)


def draw_forest(nodes: Iterable[Node], look: Look) -> SafeText:
    """Several trees, one below the other."""
    from rich.tree import Tree

    from .drawing import draw, make_text

    root = Tree("", hide_root=True, guide_style="dim")
    unfinished = [(root, iter(nodes))]
    lines = 0
    width = look.find_width()
    deepest = _DEEPEST if width is None else min(_DEEPEST, width // (2 * _INDENT))
    while unfinished:
        tree, left = unfinished[-1]
        node = next(left, None)
        if node is None or lines == _MOST_LINES:
            unfinished.pop()
            continue
        lines += 1
        below = tree.add(make_text(*node.parts))
        unfinished.append((below if len(unfinished) < deepest else tree, iter(node.children)))
    if lines == _MOST_LINES:
        root.add(make_text(Part(f"only the first {lines} lines are shown", "dim")))
    return draw(root, look)


def _children(value: Any, path: str, depth: int) -> Iterator[Node]:
    """A node for each member of an object, or for each item of a list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield _node(Part(str(key), "key"), item, f"{path}.{key}", depth)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield _node(Part(str(index), "number"), item, path, depth)
    elif value is not None:
        yield Node((_scalar(value),))


def _node(label: Part, value: Any, path: str, depth: int) -> Node:
    if isinstance(value, dict | list) and value and depth < _DEEPEST:
        name = name_of(value)
        return Node((label, Part(f" {name}" if name else "")), _children(value, path, depth + 1))
    parts = [label, Part(" "), _scalar(value)]
    if is_size(path, value):
        parts.append(Part(f" ({format_size(value)})", "dim"))
    return Node(tuple(parts))


def _scalar(value: Any) -> Part:
    if isinstance(value, str):
        return Part(value, "string")
    kind = "constant" if value is None or isinstance(value, bool) else "number"
    return Part(json.dumps(value), kind)
