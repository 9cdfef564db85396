"""The names for completion: this shell's from its tables, the VM's from what is known of it."""

from __future__ import annotations

from collections.abc import Iterable

from ..complete import Candidate, Kind, NameRequest
from .session import Session
from .settings import OPTIONS


class SessionNames:
    """What a session knows by name. (A :class:`~qmp_shell.complete.Names`.)"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def candidates(self, wanted: NameRequest) -> Iterable[Candidate]:
        if wanted.kind == Kind.DOT:
            return [Candidate(f".{dot.name}", dot.summary) for dot in self._session.dots]
        if wanted.kind == Kind.OPTION:
            return [Candidate(option.name, option.summary) for option in OPTIONS]
        if wanted.kind == Kind.SWITCH:
            return [Candidate("on"), Candidate("off")]
        names = self._session.knowledge.names
        if wanted.kind == Kind.HELP:
            kinds = (Kind.COMMAND, Kind.EVENT, Kind.TYPE)
            return [each for kind in kinds for each in names.candidates(NameRequest(kind))]
        return names.candidates(wanted)
