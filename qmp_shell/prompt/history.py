"""What was typed, kept from one run to the next; only its owner can read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from ..language.secrets import may_hold_secret


class PrivateFileHistory(FileHistory):
    """A history file of mode 0600. A text that may hold a secret is not written to it."""

    def __init__(self, filename: str, warn: Callable[[str], None]) -> None:
        """:param warn: is called, once, with the reason why texts cannot be written any more."""
        super().__init__(filename)
        self._warn: Callable[[str], None] | None = warn

    def store_string(self, string: str) -> None:
        if self._warn is None or may_hold_secret(string):
            return
        try:
            super().store_string(string)
        except OSError as error:
            warn, self._warn = self._warn, None
            warn(_format_failure(self.filename, error))


class StatementHistory(History):
    """What was typed in one mode. A transaction of several lines is one entry.

    Its lines are entries of their own as long as it is open, so that they can be recalled.
    """

    def __init__(self, store: History) -> None:
        """:param store: where entries are kept from one run to the next."""
        super().__init__()
        self._store = store
        self._open_lines: list[str] = []

    def load_history_strings(self) -> list[str]:
        return list(self._store.load_history_strings())

    def append_string(self, string: str) -> None:
        """Nothing: prompt_toolkit adds each text, and :meth:`add` knows which belong together."""

    def store_string(self, string: str) -> None:
        self._store.store_string(string)

    def add(self, text: str, *, is_open: bool) -> None:
        """Add what was typed.

        :param is_open: it is a part of a transaction, or may begin one, which
            :meth:`end_transaction` ends.
        """
        if not text.strip():
            return
        if is_open:
            self._open_lines.append(text)
            self._loaded_strings.insert(0, text)
        else:
            self._add_entry(text)

    def drop_last_open_line(self) -> None:
        """The last line was refused, so it is no part of the transaction; it can be recalled."""
        if self._open_lines:
            self._open_lines.pop()

    def end_transaction(self) -> None:
        """Make one entry of the lines of a transaction that is open no more."""
        lines, self._open_lines = self._open_lines, []
        if not lines:
            return
        for line in lines:
            self._loaded_strings.remove(line)
        self._add_entry("\n".join(lines))

    def _add_entry(self, text: str) -> None:
        if self._loaded_strings[:1] != [text]:
            super().append_string(text)


def open_history(name: str, warn: Callable[[str], None]) -> StatementHistory:
    """A history of the user's, or one for this run only if its file cannot be kept.

    :param warn: is called with the reason why it cannot be kept.
    """
    base = os.environ.get("XDG_STATE_HOME") or ""
    try:
        # Path.home() fails for a user without a name and a home directory.
        home = Path(base) if base.startswith("/") else Path.home() / ".local/state"
        path = home / "qmp-shell" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        warn(_format_failure(error.filename or name, error))
        return StatementHistory(InMemoryHistory())
    except RuntimeError:
        warn("there is no home directory; no history is kept")
        return StatementHistory(InMemoryHistory())
    return StatementHistory(PrivateFileHistory(str(path), warn))


def _format_failure(path: object, error: OSError) -> str:
    return f"{path}: {error.strerror}; no history is kept"
