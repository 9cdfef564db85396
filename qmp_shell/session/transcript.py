"""What was typed at a prompt, and how it went: a script that does the same again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language.notation import format_text
from ..language.secrets import may_hold_secret
from ..messages import Event
from ..vm.events import JOB_MEMBERS

# What a person waits for before the next line, by the event: how .wait says it of the device or the
# job that the event names.
_AWAITED = {
    "DEVICE_DELETED": ".wait DEVICE_DELETED device={}",
    "BLOCK_JOB_READY": ".wait BLOCK_JOB_READY device={}",
    "BLOCK_JOB_PENDING": ".wait BLOCK_JOB_PENDING id={}",
    "BLOCK_JOB_COMPLETED": ".wait job={}",
    "BLOCK_JOB_CANCELLED": ".wait BLOCK_JOB_CANCELLED device={}",
    "JOB_STATUS_CHANGE": ".wait job={}",
    "DUMP_COMPLETED": ".wait DUMP_COMPLETED",
}
_NAMED_BY = {**JOB_MEMBERS, "DEVICE_DELETED": "device"}
# QEMU sends events about a migration only if it was told to.
_MIGRATE = re.compile(r"\s*migrate(?:\s|$)")
_MIGRATED = ".wait migration"
# So many events are waited for behind one line.
_MOST_WAITS = 20
_WORD = re.compile(r"[^\s=\"'{}\[\],:()]+")


class _Entry:
    """A statement that was typed: a line, or a whole transaction.

    :ivar lines: its logical lines.
    :ivar failure: what went wrong; empty: nothing.
    :ivar waits: lines that wait for what happened before the next statement.
    """

    def __init__(self, line: str) -> None:
        self.lines = [line]
        self.failure = ""
        self.waits: dict[str, None] = {}

    @property
    def is_wait(self) -> bool:
        return self.lines[0].lstrip().startswith(".wait")

    def script(self, *, with_waits: bool) -> Iterator[str]:
        """Its lines in a script. What failed is a comment; so is what may hold a secret."""
        if any(map(may_hold_secret, self.lines)):
            yield "# a line that may hold a secret is left out"
        elif self.failure:
            yield f"# failed: {self.failure}"
            yield from (f"#   {line}" for text in self.lines for line in text.split("\n"))
        else:
            yield from (line for text in self.lines for line in text.split("\n"))
            yield from self.waits if with_waits else ()


class Transcript:
    """The statements that were typed since the shell was started."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._is_open = False
        self._words: set[str] = set()
        self._aborted: set[str] = set()  # jobs

    def begin(self, line: str, *, human: bool) -> None:
        """Add a logical line that is about to be run.

        :param human: the human monitor is given it.
        """
        if human and not line.lstrip().startswith("."):
            line = f".hmp {line.strip()}"
            if line.endswith("\\"):  # behind which a script's line would go on
                line += " "
        self._words.update(_WORD.findall(line))
        if self._is_open:
            self._entries[-1].lines.append(line)
        else:
            self._entries.append(_Entry(line))

    def end(self, *, failure: str, in_transaction: bool) -> None:
        """The line that was added last has been run.

        :param failure: what went wrong; empty: nothing.
        :param in_transaction: a transaction is open now, to which the line belongs.
        """
        entry = self._entries[-1]
        if failure and in_transaction and self._is_open:
            entry.lines.pop()  # a line that is refused is no part of the transaction
        else:
            entry.failure = failure
        self._is_open = in_transaction
        if not failure and _MIGRATE.match(entry.lines[0]) is not None:
            entry.waits[_MIGRATED] = None

    def drop_transaction(self) -> None:
        """The open transaction, if there is one, was dropped."""
        if self._is_open:
            self._entries[-1].failure = "the transaction was dropped"
            self._is_open = False

    def note_event(self, event: Event) -> None:
        """An event has come, which may be what the person waits for."""
        if event.name not in _AWAITED or not self._entries:
            return
        entry = self._entries[-1]
        member = _NAMED_BY.get(event.name)
        name = event.data.get(member) if member is not None else ""
        is_about_typed = member is None or (isinstance(name, str) and name in self._words)
        if not is_about_typed or (event.name == "JOB_STATUS_CHANGE" and not self._ends_well(event)):
            return
        if not entry.is_wait and len(entry.waits) < _MOST_WAITS:
            entry.waits[_AWAITED[event.name].format(format_text(str(name)))] = None

    def _ends_well(self, event: Event) -> bool:
        """Whether a job has done its work, by an event about its status."""
        job, status = str(event.data.get("id")), event.data.get("status")
        if status == "aborting":
            self._aborted.add(job)
        elif status == "created":
            self._aborted.discard(job)
        return status == "concluded" and job not in self._aborted

    def script(self, count: int | None) -> Iterator[str]:
        """The lines of a script that does the same again.

        :param count: of how many statements that were typed last; None: of all.
        """
        entries = self._entries[-count:] if count is not None else self._entries
        parts: list[list[str]] = []
        is_waited_for = False  # by the statement that follows
        for entry in reversed(entries):
            parts.append(list(entry.script(with_waits=not is_waited_for)))
            if not entry.failure:
                is_waited_for = entry.is_wait
        for part in reversed(parts):
            yield from part
