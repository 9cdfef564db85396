"""``.wait``: for an event, a job, a migration, or a run state; never past its limit.

Nothing is missed: events are heard in their order with the replies, so what is not in a reply
yet comes as an event after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from ..client import Client
from ..errors import Timeout, UsageError, WaitError
from ..language import ParseError
from ..language.values import SWITCH_WORDS, BareWord, parse_float, parse_integer, parse_string
from ..language.words import Word, split_words
from ..protocol import Event, Message
from ..session.settings import read_seconds
from .answers import dictionary, dicts
from .events import EventMemory

USAGE = "write .wait EVENT [path=value ...], job=ID, migration or status=STATE, [timeout=SECONDS]"

# How often progress is asked for, and what no event tells.
_POLL_SECONDS = 0.25

_JOB_EVENTS = ("BLOCK_JOB_READY", "BLOCK_JOB_PENDING")


class Progress(Protocol):
    """Shows how far something is."""

    def update(self, done: int, total: int, note: str = "") -> None:
        """:param total: 0: not known."""


class Wish(NamedTuple):
    """What is waited for.

    :ivar kind: ``event``, ``job``, ``migration`` or ``status``.
    :ivar name: of the event, the job or the state.
    :ivar filters: dotted paths into the event's data, and the values there.
    :ivar timeout: seconds; None: any time.
    """

    kind: str
    name: str
    filters: dict[str, str]
    timeout: float | None

    def __str__(self) -> str:
        if self.kind == "migration":
            return self.kind
        name = self.name if self.kind == "event" else f"{self.kind}={self.name}"
        return " ".join([name, *(f"{path}={word}" for path, word in self.filters.items())])


def read_wish(argument: str) -> Wish:
    """Read what stands behind ``.wait``.

    :raise UsageError: it is nothing that can be waited for.
    """
    kind = name = ""
    filters: dict[str, str] = {}
    timeout = None
    for word in _words(argument):
        value = _value(word)
        if word.key == "timeout" and value is not None:
            timeout = read_seconds(value)
        elif not kind and value is None:
            kind, name = ("migration", "") if word.key == "migration" else ("event", word.key)
        elif not kind and value and word.key in ("job", "status"):
            kind, name = word.key, value
        elif kind == "event" and value is not None:
            filters[word.key] = value
        else:
            raise UsageError(USAGE)
    if not kind:
        raise UsageError(USAGE)
    return Wish(kind, name, filters, timeout)


def _words(argument: str) -> list[Word]:
    try:
        return list(split_words(argument))
    except ParseError as error:
        raise UsageError(f"{error}; {USAGE}") from None


def _value(word: Word) -> str | None:
    """What stands behind ``=``; None: there is no ``=``."""
    if word.value is None or not word.value.startswith(('"', "'")):
        return word.value
    return parse_string(word.value, word.value_start)


class Waiter:
    """Waits on one VM.

    :param progress: shows progress; None: nobody looks.
    """

    def __init__(self, client: Client, memory: EventMemory, progress: Progress | None) -> None:
        self._client = client
        self._memory = memory
        self._progress = progress
        self._deadline: float | None = None
        self._has_old_jobs = False

    def wait(self, wish: Wish) -> None:
        """Return when it has come about.

        :raise WaitError: it failed, or can't come about any more.
        :raise Timeout: it has not come about in time.
        :raise ConnectionLost: there is no VM any more.
        """
        what = f".wait {wish}"
        if wish.timeout is not None:
            self._deadline = time.monotonic() + wish.timeout
        with _named(what, wish.timeout):
            if wish.kind == "event":
                self._event(wish)
            elif wish.kind == "job":
                self._job(wish.name)
            elif wish.kind == "migration":
                self._migration()
            else:
                self._status(wish.name)

    def _event(self, wish: Wish) -> None:
        def matches(event: Event) -> bool:
            return all(_is_at(event.data, path, word) for path, word in wish.filters.items())

        job = wish.filters.get("device") if wish.name in _JOB_EVENTS else None
        while True:
            before = self._memory.count
            event = self._memory.find(wish.name, matches)
            if event is not None:
                self._memory.forget(event)
                if event.name == "DUMP_COMPLETED" and "error" in event.data:
                    raise WaitError(f"the dump failed: {event.data['error']}")
                return
            if job is not None and (outcome := self._memory.outcome(job)) is not None:
                raise WaitError(f"job {job} has ended: {outcome or 'it went well'}")
            if job is not None and self._progress is not None:
                self._show_job(next((each for each in self._jobs() if each["id"] == job), {}))
            if wish.name == "DUMP_COMPLETED" and self._progress is not None:
                dump = dictionary(self._ask("query-dump"))
                self._show(dump.get("completed"), dump.get("total"), str(dump.get("status", "")))
            self._next_event(before, poll=self._progress is not None)

    def _job(self, name: str) -> None:
        seen = False
        while True:
            before = self._memory.count
            job = next((each for each in self._jobs() if each["id"] == name), None)
            outcome = self._memory.outcome(name)
            if job is not None and job["status"] == "concluded":
                outcome = str(job.get("error", ""))
            elif job is not None:
                outcome = None
            elif outcome is None:
                if not seen:
                    raise WaitError(f"there is no job {name}")
                outcome = ""
            if outcome:
                raise WaitError(f"job {name} failed: {outcome}")
            if outcome is not None:
                return
            seen = True
            self._show_job(job or {})
            self._next_event(before, poll=self._progress is not None or self._has_old_jobs)

    def _jobs(self) -> list[Message]:
        """The jobs, as ``query-jobs`` tells them; QEMU before 3.0 has only block jobs."""
        listed = self._ask("query-jobs") if not self._has_old_jobs else None
        if listed is not None:
            return [each for each in dicts(listed) if "id" in each and "status" in each]
        self._has_old_jobs = True
        return [
            {
                "id": each.get("device"),
                "status": "running",
                "current-progress": each.get("offset"),
                "total-progress": each.get("len"),
            }
            for each in dicts(self._ask("query-block-jobs"))
        ]

    def _show_job(self, job: Message) -> None:
        self._show(
            job.get("current-progress"), job.get("total-progress"), str(job.get("status", ""))
        )

    def _migration(self) -> None:
        begun = False
        while True:
            before = self._memory.count
            told = dictionary(self._ask("query-migrate"))
            status = str(told.get("status", "none"))
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                why = told.get("error-desc")
                raise WaitError(f"the migration {status}" + (f": {why}" if why else ""))
            if status == "none" and not begun and self._run_state() != "inmigrate":
                raise WaitError("there is no migration")
            begun = True
            ram = dictionary(told.get("ram"))
            total, left = ram.get("total"), ram.get("remaining")
            if isinstance(total, int) and isinstance(left, int):
                self._show(total - left, total, status)
            self._next_event(before, poll=True)

    def _status(self, state: str) -> None:
        before = self._memory.count
        while self._run_state() != state:
            self._next_event(before, poll=True)
            before = self._memory.count

    def _run_state(self) -> object:
        return dictionary(self._ask("query-status")).get("status")

    def _show(self, done: object, total: object, note: str) -> None:
        if self._progress is not None and isinstance(done, int) and isinstance(total, int):
            self._progress.update(done, total, note)

    def _ask(self, command: str) -> Any:
        """What a command returns; None: it failed."""
        request = self._client.post({"execute": command}, quiet=True, deadline=self._deadline)
        limit = self._client.timeout
        soon = time.monotonic() + limit if limit is not None else None
        if soon is not None and (self._deadline is None or soon < self._deadline):
            self._client.answer(request, limit)
        self._until(lambda: request.reply is not None)
        return request.reply.message.get("return") if request.reply is not None else None

    def _next_event(self, before: int, *, poll: bool) -> None:
        """Wait for one more event.

        :param before: how many there had been before the VM was asked; a reply and the events
            behind it may come at once.
        :param poll: and not for longer than until the VM is asked again.
        """
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise Timeout
        if poll:
            soon = time.monotonic() + _POLL_SECONDS
            soon = soon if self._deadline is None else min(soon, self._deadline)
            if self._client.wait(lambda: self._memory.count > before, soon):
                return
            if self._deadline is None or time.monotonic() < self._deadline:
                return
        self._until(lambda: self._memory.count > before)

    def _until(self, done: Callable[[], bool]) -> None:
        if not self._client.wait(done, self._deadline):
            raise Timeout


@contextmanager
def _named(what: str, timeout: float | None) -> Iterator[None]:
    """Say in a time-out what was waited for."""
    try:
        yield
    except Timeout as error:
        if str(error):  # the VM did not answer a question
            raise
        raise Timeout(f"{what}: not within {timeout:g} s") from None


def _is_at(data: Message, path: str, word: str) -> bool:
    """Whether a value in an event's data is what a word says."""
    value: Any = data
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return False
    if isinstance(value, bool):
        return SWITCH_WORDS.get(word.lower()) is value
    if isinstance(value, int | float):
        bare = BareWord(word)
        return value in (parse_integer(bare), parse_float(bare))
    return bool(value == word) or (value is None and word == "null")
