"""Lines that were typed, kept from one run to the next; for their owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from ..language.secrets import may_hold_secret


class PrivateHistory(FileHistory):
    """A history file of mode 0600. A line that may hold a secret is forgotten with the run."""

    def store_string(self, string: str) -> None:
        if not may_hold_secret(string):
            super().store_string(string)


def open_history() -> tuple[History, str | None]:
    """The user's history; where its file can't be kept, one for this run, and why."""
    base = os.environ.get("XDG_STATE_HOME") or ""
    folder = (Path(base) if base.startswith("/") else Path.home() / ".local/state") / "qmp-shell"
    path = folder / "history"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return InMemoryHistory(), f"{path}: {error.strerror}; no history is kept"
    return PrivateHistory(str(path)), None
