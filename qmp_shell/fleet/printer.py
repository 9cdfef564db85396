"""Prints what the processes of all VMs send: lines at once, and one table of all at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ..output import STANDARD_ERROR, STANDARD_OUTPUT, Output
from ..render.cells import VM
from ..render.formatter import Formatter
from ..render.many import JOINERS, tag, tag_line
from ..render.text import sanitize_line
from ..render.views import Subject, fitting_view
from ..static_typing import Any
from .channel import Record
from .worker import ErrorLine, Printed

_MOST_HELD = 64 << 20  # bytes of replies that a table is to be made of
_PREFIX = "qmp-shell: "

_Group = tuple[tuple[int, ...], str, tuple[str, ...]]  # a reply's place, its view and columns


class Printer:
    """Prints whole lines, each with the name of its VM."""

    def __init__(
        self, formatter: Formatter, names: Sequence[str], timeout: Callable[[], float | None]
    ) -> None:
        """
        :param names: those of all VMs, in the order of a table.
        :param timeout: returns the seconds for which a reader may take nothing; None: no limit.
        """
        self._format = formatter
        self._names = names
        self._output = Output(STANDARD_OUTPUT, timeout=timeout)
        self._errors = Output(STANDARD_ERROR, timeout=timeout)
        self._groups: dict[_Group, dict[str, str]] = {}
        self._held = 0

    def show(self, name: str, item: Printed) -> None:
        """Show what the process of a VM has sent.

        :raise OutputTimeout, OSError: it cannot be written.
        """
        if isinstance(item, ErrorLine):
            text = item.removeprefix(_PREFIX)
            if not text.startswith(f"{name}: "):  # as that of an address that is not a name
                text = f"{name}: {text}"
            self._errors.write_line(
                sanitize_line(f"{_PREFIX}{text}" if item.startswith(_PREFIX) else text)
            )
        elif isinstance(item, bytes):
            text = item.decode("utf-8", "backslashreplace")
            self._output.write_line(sanitize_line(f"{name}: {text}"))
        elif item.view not in JOINERS:
            self._show_message(name, item.body, item.view)
        elif not item.is_error:  # standard error has told of it
            self._hold(name, item)

    def finish(self) -> None:
        """Show what has been held back for a table.

        :raise OutputTimeout, OSError: it cannot be written.
        """
        groups, self._groups = self._groups, {}
        for (_, view, columns), bodies in sorted(groups.items()):
            replies = [
                (name, json.loads(bodies[name])["return"]) for name in self._names if name in bodies
            ]
            self._show_joined(replies, view, columns)

    def _show_message(self, name: str, body: str, view: str) -> None:
        if view == "compact" and not self._format.look.colour:
            self._output.write_line(tag_line(name, body))
        else:
            self._output.write_line(self._format.message(tag(name, json.loads(body)), view))

    def _hold(self, name: str, item: Record) -> None:
        """Keep a reply for the table of all."""
        group = (item.place, item.view, item.columns)
        self._groups.setdefault(group, {})[name] = item.body
        self._held += len(item.body)
        if self._held > _MOST_HELD:
            self._warn("replies are too long for one table, so those that came are shown now")
            self.finish()
            self._held = 0

    def _show_joined(
        self, replies: list[tuple[str, Any]], view: str, columns: tuple[str, ...]
    ) -> None:
        message = {"return": JOINERS[view](replies)}
        if fitting_view(view, message) != view:
            self._warn(f"replies are too long for one {view}, so they are shown as JSON")
            for name, value in replies:
                tagged = tag(name, {"return": value})
                self._output.write_line(self._format.message(tagged, "compact"))
            return
        asked = (VM, *columns) if columns else ()
        self._output.write_line(self._format.reply(Subject(message, asked), view))

    def _warn(self, text: str) -> None:
        self._errors.write_line(sanitize_line(f"{_PREFIX}{text}"))
