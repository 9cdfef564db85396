"""What the VM said by itself, kept for those who will wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..protocol import Event

# How many events of one name are kept; a VM may send them for days between two commands.
_KEPT = 10_000
# Commands that change nothing.
_HARMLESS = ("query-", "qom-list", "qom-get", "device-list-properties", "trace-event-get-state")


def is_harmless(command: str) -> bool:
    """Whether a command changes nothing in the VM, so that no event can come of it."""
    return command.startswith(_HARMLESS)


class EventMemory:
    """The events since the last command that could have caused any, and how jobs ended.

    :ivar count: how many events there were in all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._events: dict[str, deque[Event]] = {}
        self._outcomes: dict[str, str] = {}
        self._aborting: set[str] = set()

    def heard(self, event: Event) -> None:
        """An event came."""
        self.count += 1
        self._events.setdefault(event.name, deque(maxlen=_KEPT)).append(event)
        self._note_job(event)

    def command_sent(self) -> None:
        """What was heard before is of no interest any more, but how jobs ended."""
        self._events.clear()

    def find(self, name: str, matches: Callable[[Event], bool]) -> Event | None:
        """The first event that matches."""
        return next((event for event in self._events.get(name, ()) if matches(event)), None)

    def forget(self, event: Event) -> None:
        """An event was waited for; it is not the next one."""
        self._events[event.name].remove(event)

    def outcome(self, job: str) -> str | None:
        """How a job ended: its error, empty if it went well; None: it was not heard to end."""
        return self._outcomes.get(job)

    def _note_job(self, event: Event) -> None:
        """Events of the job API name the job ``id``, the older ones of block jobs ``device``."""
        data = event.data
        if event.name == "BLOCK_JOB_COMPLETED":
            self._outcomes[str(data.get("device"))] = str(data.get("error", ""))
        elif event.name == "BLOCK_JOB_CANCELLED":
            self._outcomes[str(data.get("device"))] = "it was cancelled"
        elif event.name == "JOB_STATUS_CHANGE":
            job, status = str(data.get("id")), data.get("status")
            if status == "created":
                self._outcomes.pop(job, None)
                self._aborting.discard(job)
            elif status == "aborting":
                self._aborting.add(job)
            elif status == "null":
                failed = job in self._aborting
                self._outcomes.setdefault(job, "it was aborted" if failed else "")
