"""What a command would lose, and what is known of a VM when that is decided.

Knows no command: :mod:`.guards` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from ..messages import Message
from .answers import AnswerView
from .block_records import BlockNode
from .host_files import HostFile
from .inspection import BLOCK_DEVICES, BLOCK_NODES
from .question import Question

T = TypeVar("T")


class Loss(NamedTuple):
    """What a command would lose.

    :ivar text: what follows the command's name, with ``{}`` for each value.
    :ivar values: names; numbers of bytes; tuples of names. They are the VM's or the user's, so
        they may have any character and any length.
    """

    text: str
    values: tuple[str | int | tuple[str, ...], ...] = ()


class Unanswered(Exception):
    """The VM has not answered what decides whether something would be lost."""


class Known:
    """What is known: the VM's answers, as far as they have come, and this host's files."""

    def __init__(self, view: AnswerView, find_file: Callable[[str], HostFile | None]) -> None:
        """:param find_file: returns what QEMU would write over at a path; None: nothing."""
        self.get = view.get
        self.find_file = find_file
        self._lacks = view.lacks

    def need(self, question: Question[list[T]]) -> list[T]:
        """An answer that decides; empty if the VM has no such command.

        :raise Unanswered: it has not come.
        """
        answer = self.get(question)
        if answer is None and not self._lacks(question):
            raise Unanswered
        return answer or []

    def nodes(self) -> list[BlockNode]:
        """All block nodes."""
        return self.need(BLOCK_NODES)

    def find_node(self, name: str) -> BlockNode | None:
        """A node by its own name, or by that of the block device that it is in."""
        nodes = {node.name: node for node in self.nodes()}
        if name not in nodes:
            devices = self.need(BLOCK_DEVICES)
            name = next((each.node for each in devices if name and each.device == name), "")
        return nodes.get(name)


class Guard(NamedTuple):
    """How to tell what a command would lose.

    :ivar find: yields it, given the command's arguments, of any types.
    :ivar questions: what it asks the VM, to be asked all at once.
    """

    find: Callable[[Message, Known], Iterator[Loss]]
    questions: tuple[Question[Any], ...] = ()
