"""Lists of names that a VM reports as such, each name with what describes it.

The VM is asked through a view of its answers, which may be one that does not wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..complete import Candidate, Kind
from ..messages import Message
from .answers import AnswerView
from .inspection import NETWORK
from .question import Question
from .read import read_objects, read_path, read_scalar

# The ports of a hub that QEMU has made for -net: they are always in use, and cannot be deleted.
_HUB_PORT = re.compile(r"hub[0-9]+port[0-9]+")


class NameList(NamedTuple):
    """A command that lists the names of a kind as an array of objects.

    :ivar name: the member that is the name; a dotted path if it lies deeper.
    :ivar details: the members that describe what has that name, each perhaps after a label.
    :ivar is_constant: the list stays the same as long as QEMU runs.
    :ivar may_refuse_arguments: an older QEMU knows the command, but not the arguments.
    """

    command: str
    arguments: Message | None
    name: str
    details: tuple[str, ...] = ()
    is_constant: bool = False
    may_refuse_arguments: bool = False

    @property
    def question(self) -> Question[list[Message]]:
        """The question whose answer is the list."""
        older = Question(self.command, read_objects) if self.may_refuse_arguments else None
        return Question(self.command, read_objects, self.arguments, self.is_constant, older)


NAME_LISTS = {
    Kind.QOM_TYPE: NameList("qom-list-types", {"abstract": True}, "name", ("parent",), True),
    Kind.IOTHREAD: NameList("query-iothreads", None, "id", ("thread thread-id",)),
    Kind.MEMORY_BACKEND: NameList("query-memdev", None, "id", ("size", "policy")),
    Kind.NODE: NameList(
        "query-named-block-nodes",
        {"flat": True},
        "node-name",
        ("drv", "file"),
        may_refuse_arguments=True,
    ),
    Kind.BLOCK_DEVICE: NameList("query-block", None, "device", ("inserted.drv", "inserted.file")),
    Kind.BLOCK_QDEV: NameList("query-block", None, "qdev", ("inserted.file",)),
    Kind.EXPORT: NameList("query-block-exports", None, "id", ("type", "node-name")),
    Kind.JOB: NameList("query-jobs", None, "id", ("type", "status")),
    Kind.BLOCK_JOB: NameList("query-block-jobs", None, "device", ("type", "status")),
    Kind.CHARDEV: NameList("query-chardev", None, "label", ("filename",)),
    Kind.NIC: NameList("query-rx-filter", None, "name", ("main-mac",)),
    Kind.CPU_MODEL: NameList("query-cpu-definitions", None, "name", ("typename", "alias-of"), True),
    Kind.CPU: NameList("query-cpus-fast", None, "cpu-index", ("qom-path",)),
    Kind.TRACE_EVENT: NameList("trace-event-get-state", {"name": "*"}, "name", ("state",)),
    Kind.FDSET: NameList("query-fdsets", None, "fdset-id"),
    Kind.COMMAND_LINE_OPTION: NameList("query-command-line-options", None, "option"),
}


def listed(answers: AnswerView, source: NameList) -> Iterator[Candidate]:
    """The names of a list."""
    for entry in answers.get(source.question) or ():
        name = read_scalar(read_path(entry, source.name))
        if name:
            yield Candidate(name, ", ".join(_details(entry, source.details)))


def _details(entry: Message, paths: Iterable[str]) -> Iterator[str]:
    for each in paths:
        *label, path = each.split(" ")
        detail = read_scalar(read_path(entry, path))
        if detail:
            yield " ".join([*label, detail])


def net_clients(answers: AnswerView, *, with_nics: bool) -> Iterator[Candidate]:
    """The netdevs that users have made, or all of them and the NICs."""
    for client in answers.get(NETWORK) or ():
        is_netdev = client.type != "nic" and _HUB_PORT.fullmatch(client.name) is None
        if with_nics or is_netdev:
            yield Candidate(client.name, ", ".join(filter(None, (client.type, client.details))))
