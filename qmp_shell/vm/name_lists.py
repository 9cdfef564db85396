"""Lists of names that a VM reports as such, each name with what describes it.

The VM is asked through a view of its answers, which may be one that does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..complete import Candidate
from ..protocol import Message
from .answers import AnswerView
from .questions import NETWORK, NameList
from .read import read_path, read_scalar


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
    """The netdevs, and perhaps the NICs."""
    for client in answers.get(NETWORK) or ():
        if with_nics or client.type != "nic":
            yield Candidate(client.name, ", ".join(filter(None, (client.type, client.details))))
