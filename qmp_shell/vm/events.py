"""The events that one VM sent, kept for ``.wait``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ..messages import Event, Message, arguments_of
from ..static_typing import Any
from .read import read_scalar, read_string

JOB_MEMBERS = {
    "JOB_STATUS_CHANGE": "id",
    "BLOCK_JOB_READY": "device",
    "BLOCK_JOB_PENDING": "id",
    "BLOCK_JOB_COMPLETED": "device",
    "BLOCK_JOB_CANCELLED": "device",
}
"""The events about a job, and the member of their data that names it (QAPI doc: qapi/job.json and
qapi/block-core.json)."""

# How many events of one name are kept, and of how many names: a VM may send them for days between
# two commands.
_KEPT = 1_000
_KEPT_NAMES = 200
_KEPT_BYTES = 32 << 20  # of all together, as they were received
# Of how many jobs the end is kept.
_KEPT_JOBS = 10_000
# Why a job has failed that ends behind such a status, if nothing else says why.
_FAILURES = {"created": "it was not started", "aborting": "it was aborted"}
# The members of an event's data that name what it is about.
_SUBJECTS = ("device", "id", "node-name", "path", "qom-path")


# The number of an event, its data, and how many bytes it had. (Whole events, with text and
# timestamp, do not fit the processor's cache: to receive 100,000 took a fifth longer.)
_Kept = tuple[int, Message, int]


class EventHistory:
    """The events that a command may have caused, and how jobs ended.

    An event about a device, a job or a node is kept until a command names that again; an event
    about the VM as a whole, until the next command that could have caused one.

    :ivar count: how many events the VM has sent in all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._size = 0
        self._events: dict[str, deque[_Kept]] = {}
        # To examine all events at each command takes too long. Those up to this number are about
        # something, and these are the names of that, by the events' name.
        self._examined = 0
        self._subjects: dict[str, set[str]] = {}
        self._outcomes: dict[str, str] = {}
        self._failures: dict[str, str] = {}  # of jobs that have not ended

    def add(self, event: Event) -> None:
        """Record a received event."""
        self.count += 1
        # The names are in the order of their last events.
        name = event.name
        kept = self._events.pop(name, None) or deque()
        self._events[name] = kept
        size = len(event.text)
        kept.append((self.count, event.data, size))
        self._size += size
        if len(kept) > _KEPT:
            self._drop_first(name)
        while self._size > _KEPT_BYTES or len(self._events) > _KEPT_NAMES:
            self._drop_first(next(iter(self._events)))
        if name in JOB_MEMBERS:
            self._note_job(event)

    def _drop_first(self, name: str) -> None:
        """Drop the oldest event of a name."""
        kept = self._events[name]
        self._size -= kept.popleft()[2]
        if not kept:
            self._drop_name(name)

    def expire(self, count: int, message: Message) -> None:
        """A command was executed: drop the events before it that it may be about.

        :param count: :attr:`count` when the command was sent.
        """
        named = set(_strings(arguments_of(message)))
        for name, kept in list(self._events.items()):
            has_new = kept[-1][0] > self._examined
            may_concern = has_new or not self._subjects[name].isdisjoint(named)
            if may_concern and kept[0][0] <= count:
                self._drop_concerned(name, count, named)
        self._examined = max(count, self._examined)

    def _drop_concerned(self, name: str, count: int, named: set[str]) -> None:
        """Drop the events of a name that may be about something of these names.

        :param count: the number of the last one that may be dropped.
        """
        left: deque[_Kept] = deque()
        left_subjects: set[str] = set()
        for each in self._events[name]:
            subjects = _find_subjects(each[1])
            if each[0] > count or (subjects and subjects.isdisjoint(named)):
                left.append(each)
                left_subjects |= subjects
            else:
                self._size -= each[2]
        if left:
            self._events[name], self._subjects[name] = left, left_subjects
        else:
            self._drop_name(name)

    def _drop_name(self, name: str) -> None:
        del self._events[name]
        self._subjects.pop(name, None)

    def find(self, name: str, matches: Callable[[Message], bool]) -> Message | None:
        """The data of the first event of a name that matches."""
        return next((data for _, data, _ in self._events.get(name, ()) if matches(data)), None)

    def remove(self, name: str, data: Message) -> None:
        """Drop an event that was waited for, so that the next wait finds another one.

        :param data: what :meth:`find` returned.
        """
        kept = self._events[name]
        found = next(each for each in kept if each[1] is data)
        kept.remove(found)
        self._size -= found[2]
        if not kept:
            self._drop_name(name)

    def job_outcome(self, job: str) -> str | None:
        """How a job ended: its error, or empty if it succeeded; None: it is not known to have."""
        return self._outcomes.get(job)

    def _note_job(self, event: Event) -> None:
        data = event.data
        job = read_string(data.get(JOB_MEMBERS[event.name]))
        if event.name == "BLOCK_JOB_COMPLETED":
            self._outcomes[job] = read_string(data.get("error"))
        elif event.name == "BLOCK_JOB_CANCELLED":
            self._outcomes[job] = "it was cancelled"
        elif event.name == "JOB_STATUS_CHANGE":
            self._note_job_status(job, data.get("status"))
        _drop_oldest(self._outcomes, _KEPT_JOBS)
        _drop_oldest(self._failures, _KEPT_JOBS)

    def _note_job_status(self, job: str, status: object) -> None:
        if status == "null":
            self._outcomes.setdefault(job, self._failures.pop(job, ""))
            return
        if status == "created":
            self._outcomes.pop(job, None)
        failure = _FAILURES.get(str(status), "")
        if failure:
            self._failures[job] = failure
        elif self._failures.get(job) == _FAILURES["created"]:
            del self._failures[job]


def _drop_oldest(items: dict[str, Any], most: int) -> None:
    """Keep so many items of a dictionary, those that were added last."""
    while len(items) > most:
        del items[next(iter(items))]


def _find_subjects(data: Message) -> set[str]:
    """The names of what an event is about; none: it is about the VM as a whole."""
    return {read_scalar(data.get(key)) for key in _SUBJECTS} - {""}


def _strings(value: Any) -> Iterator[str]:
    """All strings in a message."""
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
