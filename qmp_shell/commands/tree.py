"""``.tree``: what a VM consists of: its block graph, PCI devices, buses, or QOM objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..complete import Candidate, Completions, Kind, NameRequest, NameSource, TypeSource
from ..errors import UsageError
from ..render.parts import Node
from ..session import Session
from .base import Command, require_vm, split_arguments
from .candidates import last_word


class _Tree(NamedTuple):
    """A kind of tree.

    :ivar draw: shows it; the words are those after its name.
    :ivar summary: what it has, in a few words.
    :ivar kinds: the kinds of name that one of the words can be.
    :ivar option: a word that chooses what else is shown; empty: there is none.
    """

    draw: Callable[[Session, list[str]], None]
    summary: str
    kinds: tuple[str, ...] = ()
    option: str = ""


class Tree(Command):
    name = "tree"
    usage = "WHAT [NAME]"
    summary = "draw disks, PCI devices, buses or QOM objects"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        what, *words = split_arguments(argument) or [""]
        tree = TREES.get(what)
        if tree is None:
            *others, last = TREES
            raise UsageError(f"write .tree {', .tree '.join(others)} or .tree {last}")
        require_vm(session)
        tree.draw(session, words)

    def complete(self, argument: str, names: NameSource, _: TypeSource) -> Completions | None:
        typed = last_word(argument)
        words = argument.removesuffix(typed).split()
        if not words:
            return Completions(
                typed, [Candidate(name, each.summary) for name, each in TREES.items()]
            )
        tree = TREES.get(words[0])
        if tree is None:
            return None
        found = [each for kind in tree.kinds for each in names.candidates(NameRequest(kind, typed))]
        if tree.option and tree.option not in words:
            found.append(Candidate(tree.option))
        return Completions(typed, list(dict.fromkeys(found)))


def _split_option(words: list[str], option: str) -> tuple[str, bool]:
    """The one name among some words, and whether the option is among them, too.

    :raise UsageError: there are other words.
    """
    names = [word for word in words if word != option]
    if len(names) > 1 or (names and names[0].startswith("-")):
        raise UsageError(f"one name, and {option}, is all that can follow")
    return names[0] if names else "", option in words


def _show(session: Session, nodes: Iterable[Node]) -> bool:
    """Show trees; returns whether there are any."""
    found = list(nodes)
    if found:
        session.display.draw(found)
    return bool(found)


def _block(session: Session, words: list[str]) -> None:
    from ..render.block_tree import BlockTree, format_dot
    from ..vm.block_graph import gather_block_graph

    name, is_dot = _split_option(words, "--dot")
    graph = gather_block_graph(session.attachment.answers)
    if is_dot:
        session.display.lines(format_dot(graph))
    elif name:
        if not _show(session, BlockTree(graph).of(name)):
            missing = f"no block node, device, job or export {name!r}"
            raise UsageError(f"{missing}; .tree block shows all")
    elif not _show(session, BlockTree(graph).all()):
        session.display.note("the VM has no block devices or nodes")


def _pci(session: Session, words: list[str]) -> None:
    from ..render.device_tree import format_pci_tree
    from ..vm.inspection import DEVICE_TREE

    _refuse(words)
    buses = session.attachment.answers.waiting.get(DEVICE_TREE) or []
    if not _show(session, format_pci_tree(buses)):
        session.display.note("the VM has no PCI bus")


def _devices(session: Session, words: list[str]) -> None:
    from ..render.device_tree import format_device_tree
    from ..vm.inspection import DEVICE_TREE

    _refuse(words)
    buses = session.attachment.answers.waiting.get(DEVICE_TREE) or []
    if not _show(session, format_device_tree(buses)):
        raise UsageError("the VM does not tell its devices")


def _qom(session: Session, words: list[str]) -> None:
    from ..render.qom_tree import format_qom_tree
    from ..vm.qom_tree import gather_qom_tree

    path, values = _split_option(words, "-p")
    root = gather_qom_tree(session.attachment.answers, path or "/", values=values)
    if root is None:
        raise UsageError(f"no QOM object {path or '/'!r}")
    session.display.draw([format_qom_tree(root, values=values)])


def _refuse(words: list[str]) -> None:
    if words:
        raise UsageError("nothing can follow that")


TREES = {
    "block": _Tree(
        _block,
        "disks, nodes and backing files; jobs, exports, bitmaps",
        (Kind.DISK, Kind.NODE, Kind.JOB, Kind.EXPORT),
        "--dot",
    ),
    "pci": _Tree(_pci, "buses, slots and bridges, and which are free"),
    "devices": _Tree(_devices, "all devices, by the bus that they are on"),
    "qom": _Tree(
        _qom, "objects and their types; -p: their properties, too", (Kind.QOM_PATH,), "-p"
    ),
}

COMMAND = Tree()
