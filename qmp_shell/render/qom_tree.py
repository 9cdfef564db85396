"""QOM objects as a tree, with their types, and their properties if those were asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ..vm.qom_tree import QomObject
from .parts import Node, Part, join_parts
from .text import format_compact

_HIDDEN = "***"


def format_qom_tree(root: QomObject, *, values: bool) -> Node:
    """
    :param values: show properties and their values.
    """
    return _object(root, root.path, values=values)


def _object(found: QomObject, name: str, *, values: bool) -> Node:
    return Node(join_parts((Part(name, "key"), Part(found.type, "dim"))), _below(found, values))


def _below(found: QomObject, values: bool) -> Iterator[Node]:
    if values:
        for member in found.properties:
            parts = (Part(f"{member.name} = "), _value(found, member.name), Part("  "))
            yield Node((*parts, Part(member.type, "dim")))
    if found.is_cut:
        yield Node((Part(f"too many objects; .tree qom {found.path} shows those below", "dim"),))
    for child in found.children:
        yield _object(child, child.name, values=values)


def _value(found: QomObject, name: str) -> Part:
    if name in found.secrets:
        return Part(_HIDDEN)
    if name not in found.values:
        return Part("cannot be read", "dim")
    return Part(format_compact(found.values[name]), "string")
