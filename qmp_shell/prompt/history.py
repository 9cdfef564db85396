"""What was typed, kept from one run to the next; only its owner can read it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from ..complete import Draft
from ..complete.draft import TRANSACTION
from ..errors import explain_os_error
from ..language.secrets import may_hold_secret
from ..output import Writer
from ..session import Session
from ..session.private_file import open_private
from ..user_folders import user_folder


class PrivateFileHistory(FileHistory):
    """A history file of mode 0600."""

    def __init__(self, filename: str, warn: Callable[[str], None]) -> None:
        """:param warn: is called, once, with the reason why texts cannot be written any more."""
        super().__init__(filename)
        self._path = filename
        self._warn: Callable[[str], None] | None = warn

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError as error:
            self._give_up(error)
            return []

    def store_string(self, string: str) -> None:
        """Append a text in one piece: another shell may write to the same file."""
        if self._warn is None:
            return
        lines = ["", f"# {datetime.now()}", *(f"+{line}" for line in string.split("\n")), ""]
        try:
            descriptor = open_private(self._path)
            try:
                data = "\n".join(lines).encode("utf-8", "replace")
                Writer(descriptor, self._path).write_bytes(data)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        warn, self._warn = self._warn, None
        if warn is not None:
            warn(_format_failure(self._path, error))


class StatementHistory(History):
    """What was typed in one mode. A transaction of several lines is one entry.

    Its lines are entries of their own as long as it is open, so that they can be recalled. What may
    hold a secret is no entry, not even in this run: it would be shown as a suggestion.
    """

    def __init__(self, store: History) -> None:
        """:param store: where entries are kept from one run to the next."""
        super().__init__()
        self._store = store
        self._open_lines: list[str] = []
        self._offered = ""

    def load_history_strings(self) -> list[str]:
        return list(self._store.load_history_strings())

    @property
    def _strings(self) -> list[str]:
        """The entries, the last one first. They are read here if prompt_toolkit has not yet.

        What is added before they are read would be lost with them.
        """
        if not self._loaded:
            self._loaded_strings = self.load_history_strings()
            self._loaded = True
        return self._loaded_strings

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
            if not may_hold_secret(text):
                self._strings.insert(0, text)
        else:
            self._add_entry(text)

    def offer(self, text: str) -> None:
        """Have Up bring a text that was not typed; it is no entry, and stays until the next one.

        :param text: empty: none any more.
        """
        if self._offered:
            self._strings.remove(self._offered)
        self._offered = text if text and self._strings[:1] != [text] else ""
        if self._offered:
            self._strings.insert(0, self._offered)

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
            if not may_hold_secret(line):
                self._strings.remove(line)
        self._add_entry("\n".join(lines))

    def _add_entry(self, text: str) -> None:
        if self._strings[:1] != [text] and not may_hold_secret(text):
            super().append_string(text)


def open_history(name: str, warn: Callable[[str], None]) -> StatementHistory:
    """A history of the user's, or one for this run only if its file cannot be kept.

    :param warn: is called with the reason why it cannot be kept.
    """
    folder = user_folder("XDG_STATE_HOME", ".local/state")
    if not folder:
        warn("there is no home directory; no history is kept")
        return StatementHistory(InMemoryHistory())
    path = os.path.join(folder, name)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.close(open_private(path, readable=True))
        return StatementHistory(PrivateFileHistory(path, warn))
    except OSError as error:
        warn(_format_failure(error.filename or path, error))
        return StatementHistory(InMemoryHistory())


def _format_failure(path: object, error: OSError) -> str:
    return f"{path}: {explain_os_error(error)}; no history is kept"


class Histories:
    """What was typed in each mode; what was typed in one is of no use in the other."""

    def __init__(self, qmp: StatementHistory, human: StatementHistory) -> None:
        self.qmp = qmp
        self.human = human

    def of_mode(self, *, human: bool) -> StatementHistory:
        return self.human if human else self.qmp

    def add(self, text: str, session: Session) -> None:
        """Add what was typed, in the mode that the session is in."""
        if session.is_human:
            self.human.add(text, is_open=False)
            return
        may_open = session.parser.in_transaction or bool(TRANSACTION.match(text))
        self.qmp.add(text, is_open=may_open and not Draft(text).is_own_word)
