"""What the VM said by itself, kept for those who will wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ..protocol import Event, Message, arguments_of, command_of

# How many events of one name are kept; a VM may send them for days between two commands.
_KEPT = 1_000
# The members of an event's data that name what it is about.
_NAMES = ("device", "id", "node-name", "path", "qom-path")
# Commands that change nothing.
_HARMLESS = ("query-", "qom-list", "qom-get", "device-list-properties", "trace-event-get-state")


def is_harmless(message: Message) -> bool:
    """Whether a command changes nothing in the VM, so that no event can come of it."""
    command = command_of(message)
    if command == "human-monitor-command":
        line = str(arguments_of(message).get("command-line", ""))
        return line.split()[:1] in (["info"], ["help"])
    return command.startswith(_HARMLESS)


def _is_old(data: Message, named: set[str]) -> bool:
    """Whether an event is about the VM as a whole, or about something of these names."""
    about = {str(data[key]) for key in _NAMES if data.get(key)}
    return not about or not about.isdisjoint(named)


def _strings(value: object) -> Iterator[str]:
    """All the words in a message."""
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


class EventMemory:
    """The events that a command may have caused, and how jobs ended.

    An event about a device, a job or a node is kept until a command names that again; one about
    the VM as a whole, until the next command that could have caused one.

    :ivar count: how many events there were in all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._events: dict[str, deque[tuple[int, Event]]] = {}
        self._outcomes: dict[str, str] = {}
        self._aborting: set[str] = set()

    def heard(self, event: Event) -> None:
        """An event came."""
        self.count += 1
        kept = self._events.setdefault(event.name, deque(maxlen=_KEPT))
        kept.append((self.count, event))
        self._note_job(event)

    def outdate(self, before: int, message: Message) -> None:
        """A command was executed: what it may be about, and was heard before it, is old.

        :param before: how many events there had been when it was sent.
        """
        named = set(_strings(arguments_of(message)))
        for name, kept in self._events.items():
            if kept and kept[0][0] <= before:
                fresh = (
                    each for each in kept if each[0] > before or not _is_old(each[1].data, named)
                )
                self._events[name] = deque(fresh, maxlen=_KEPT)

    def find(self, name: str, matches: Callable[[Event], bool]) -> Event | None:
        """The first event that matches."""
        return next((event for _, event in self._events.get(name, ()) if matches(event)), None)

    def forget(self, event: Event) -> None:
        """An event was waited for; it is not the next one."""
        kept = self._events[event.name]
        kept.remove(next(each for each in kept if each[1] is event))

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
