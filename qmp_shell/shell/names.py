"""The names for completion: the VM's from its catalog, this shell's from its tables."""

from __future__ import annotations

from collections.abc import Iterable

from ..complete import Candidate, Kind
from .human import read_help
from .session import Session
from .settings import OPTIONS


class SessionNames:
    """What a session knows by name. (A :class:`~qmp_shell.complete.Names`.)"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def candidates(self, kind: str) -> Iterable[Candidate]:
        session = self._session
        if kind == Kind.DOT:
            return [Candidate(f".{dot.name}", dot.summary) for dot in session.dots]
        if kind == Kind.OPTION:
            return [Candidate(option.name, option.summary) for option in OPTIONS]
        if kind == Kind.SWITCH:
            return [Candidate("on"), Candidate("off")]
        catalog = session.catalog
        if kind == Kind.COMMAND:
            return [Candidate(name) for name in catalog.commands(catalog.peek)]
        if kind == Kind.HUMAN:
            text = catalog.human(catalog.peek, "help")
            return [Candidate(c.name, c.summary) for c in read_help(text)]
        if kind == Kind.TOPIC:
            text = catalog.human(catalog.peek, "help info")
            return [Candidate(c.name, c.summary) for c in read_help(text, prefix="info ")]
        return []
