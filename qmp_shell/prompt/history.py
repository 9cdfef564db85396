"""Lines that were typed, kept from one run to the next; for their owner's eyes only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from ..language.secrets import may_hold_secret


class PrivateHistory(FileHistory):
    """A history file of mode 0600. A line that may hold a secret is forgotten with the run.

    :param warn: is told, once, that lines can't be kept any more.
    """

    def __init__(self, filename: str, warn: Callable[[str], None]) -> None:
        super().__init__(filename)
        self._warn: Callable[[str], None] | None = warn

    def store_string(self, string: str) -> None:
        if self._warn is None or may_hold_secret(string):
            return
        try:
            super().store_string(string)
        except OSError as error:
            warn, self._warn = self._warn, None
            warn(_trouble(self.filename, error))


class Histories(NamedTuple):
    """What was typed in each mode."""

    qmp: History
    human: History


def open_histories(warn: Callable[[str], None]) -> Histories:
    """The user's histories; where their files can't be kept, some for this run.

    :param warn: is told that and why a file can't be kept.
    """
    return Histories(_open_history("history", warn), _open_history("history-hmp", warn))


def _open_history(name: str, warn: Callable[[str], None]) -> History:
    base = os.environ.get("XDG_STATE_HOME") or ""
    folder = (Path(base) if base.startswith("/") else Path.home() / ".local/state") / "qmp-shell"
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        warn(_trouble(path, error))
        return InMemoryHistory()
    return PrivateHistory(str(path), warn)


def _trouble(path: object, error: OSError) -> str:
    return f"{path}: {error.strerror}; no history is kept"
