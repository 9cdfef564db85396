"""The registry of the dot commands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib import import_module

from ..session import DotCommand

# The module commands/NAME.py defines COMMAND.
_NAMES = (
    "commands",
    "connect",
    "each",
    "edit",
    "events",
    "exit",
    "find",
    "help",
    "history",
    "hmp",
    "info",
    "let",
    "log",
    "oob",
    "qmp",
    "save",
    "set",
    "share",
    "sleep",
    "source",
    "top",
    "tree",
    "wait",
    "watch",
    "why",
)


class Registry:
    """Finds dot commands. (:class:`~qmp_shell.session.DotCommands`)"""

    def __init__(self, more: Iterable[str] = ()) -> None:
        """:param more: the names of commands that only some sessions have."""
        self._names = tuple(sorted((*_NAMES, *more)))

    def find(self, name: str) -> DotCommand | None:
        """The command of a name; None: there is none."""
        if name not in self._names:
            return None
        command: DotCommand = import_module(f".{name}", __package__).COMMAND
        return command

    def names(self) -> Collection[str]:
        """The names of all commands, without the dot, sorted."""
        return self._names

    def all(self) -> Iterable[DotCommand]:
        """All commands, sorted by name."""
        found = map(self.find, self._names)
        return [command for command in found if command is not None]
