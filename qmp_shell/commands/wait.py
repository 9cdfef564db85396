"""``.wait``: wait for an event, a job, a migration or a run state."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..errors import Timeout, UsageError, WaitError
from ..language import ParseError
from ..language.values import parse_string
from ..language.words import Word, split_partial, split_words
from ..session import Session, parse_seconds
from ..static_typing import TYPE_CHECKING
from ..vm.waiting import (
    Condition,
    EventCondition,
    JobCondition,
    MigrationCondition,
    RunStateCondition,
    TimeIsOver,
    Waiter,
)
from .base import Command, refuse_output

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_USAGE = "write .wait EVENT [path=value ...], job=ID, migration or status=STATE, [timeout=SECONDS]"
_KEYS = ("job", "status")


class Wait(Command):
    name = "wait"
    usage = "WHAT [timeout=S]"
    summary = "wait for an event, job, migration or run state"

    def run(self, session: Session, argument: str) -> None:
        refuse_output(self, argument)
        condition, timeout = parse_wait(argument)
        deadline = None if timeout is None else time.monotonic() + timeout
        if isinstance(condition, EventCondition):
            _check_event(session, condition, timeout)
        elif isinstance(condition, RunStateCondition):
            _check_run_state(session, condition.state, timeout)
        if session.is_dry_run:
            return
        attachment = session.attachment
        display = session.display
        with display.progress(condition.title) as indicator:
            client, events = attachment.client, attachment.events
            waiter = Waiter(client, events, deadline, indicator, on_awaited=display.note)
            try:
                waiter.wait(condition)
            except TimeIsOver:
                session.corrector.offer(waiter.awaited)
                error = Timeout(f".wait {condition}: not within {timeout:g} s")
                error.hint = waiter.situation
                raise error from None
            except WaitError:
                if isinstance(condition, MigrationCondition):
                    attachment.incidents.forget_migration()
                raise
            except KeyboardInterrupt:
                session.corrector.offer(waiter.awaited)
                raise
        display.note(condition.outcome)

    def complete(self, argument: str, names: NameSource, _: TypeSource) -> Completions | None:
        from ..complete import Candidate, Completions, Kind, NameRequest

        words, word = split_partial(argument)
        if word.value is not None:
            return _complete_value(word, names)
        typed = word.key
        timeout = Candidate("timeout=", "seconds", is_key=True)
        if words:
            event = words[0].key if words[0].value is None else ""
            request = NameRequest(Kind.EVENT_MEMBER, typed, {"event": event})
            return Completions(typed, [*names.candidates(request), timeout])
        forms = (
            Candidate("job=", "until a job has ended", is_key=True),
            Candidate("migration", "until it has ended"),
            Candidate("status=", "until the VM is in a run state", is_key=True),
        )
        events = names.candidates(NameRequest(Kind.EVENT, typed))
        return Completions(typed, [*forms, *events])


def parse_wait(argument: str) -> tuple[Condition, float | None]:
    """Parse what follows ``.wait``.

    :return: the condition, and the timeout in seconds; None: no limit.
    :raise UsageError: it is nothing that can be waited for.
    """
    condition: Condition | None = None
    timeout = None
    try:
        words = [(word.key, _value(word)) for word in split_words(argument)]
    except ParseError as error:
        raise UsageError(f"{error}; {_USAGE}") from None
    for key, value in words:
        if key == "timeout" and value is not None:
            if timeout is not None:
                raise UsageError("timeout is given twice")
            timeout = parse_seconds(value)
        elif condition is None:
            condition = _parse_condition(key, value)
        elif isinstance(condition, EventCondition) and value is not None:
            if key in condition.filters:
                raise UsageError(f"{key} is given twice")
            condition.filters[key] = value
        elif isinstance(condition, EventCondition) and condition.name in _KEYS:
            raise UsageError(f"write .wait {condition.name}={key}")
        else:
            raise UsageError(_USAGE)
    if condition is None:
        raise UsageError(_USAGE)
    return condition, timeout


def _parse_condition(key: str, value: str | None) -> Condition:
    if value is None:
        return MigrationCondition() if key == "migration" else EventCondition(key, {})
    if key == "job" and value:
        return JobCondition(value)
    if key == "status" and value:
        return RunStateCondition(value)
    raise UsageError(_USAGE)


def _value(word: Word) -> str | None:
    """What stands after ``=``; None: there is no ``=``."""
    if word.value is None or not word.value.startswith(('"', "'")):
        return word.value
    return parse_string(word.value, word.value_start)


def _complete_value(word: Word, names: NameSource) -> Completions | None:
    from ..complete import Completions, Kind, NameRequest, Syntax

    kind = {"job": Kind.JOB, "status": Kind.RUN_STATE}.get(word.key)
    if kind is None:
        return None
    value = word.value or ""
    quote = value[:1] if value[:1] in ('"', "'") else ""
    typed = value[len(quote) :]
    candidates = list(names.candidates(NameRequest(kind, typed)))
    return Completions(typed, candidates, quote, syntax=Syntax.VALUE)


def _check_event(session: Session, condition: EventCondition, timeout: float | None) -> None:
    """Refuse to wait for an event that never comes.

    :raise UsageError: the VM has no such event, or its data has no such member.
    """
    attachment, name = session.attachment, condition.name
    if attachment.is_agent:
        raise UsageError("a guest agent sends no events")
    members = dict.fromkeys(path.split(".")[0] for path in condition.filters)
    if attachment.events.find(name, lambda data: members.keys() <= data.keys()) is not None:
        return
    events = attachment.known_within(attachment.known_types.events, timeout)
    if events and name not in events:
        if name in _KEYS:
            raise UsageError(_USAGE)
        key = _key_of(session, name, timeout)
        if key:
            limit = "" if timeout is None else f" timeout={timeout:g}"
            line = f".wait {key}={name}{limit}"
            raise session.corrector.error_with_line(f"the VM has no event {name}", line)
        from ..schema.suggestions import format_suggestion

        suggestion = format_suggestion(name.upper(), events, "there are")
        raise UsageError(f"the VM has no event {name}{suggestion}")
    if members:
        _check_members(session, name, members)


def _key_of(session: Session, name: str, timeout: float | None) -> str:
    """``job`` if a name is that of a job, ``status`` if it is a run state; empty: neither."""
    from ..complete import Kind, NameRequest

    names = session.attachment.names

    def find() -> str:
        kinds = {"job": Kind.JOB, "status": Kind.RUN_STATE}
        found = {key: names.candidates(NameRequest(kind, name)) for key, kind in kinds.items()}
        return next((key for key in found if any(each.text == name for each in found[key])), "")

    return session.attachment.known_within(find, timeout)


def _check_members(session: Session, event: str, members: Iterable[str]) -> None:
    """:raise UsageError: the data of an event lacks one of these members."""
    from ..schema.suggestions import format_suggestion, similar_names
    from ..schema.types import members_named

    schema = session.attachment.known_types.schema
    found = schema.event(event) if schema is not None else None
    if found is None or found.data.is_incomplete:
        return
    for name in members:
        if not any(members_named(name, found.data)):
            words = [*found.data.members, "timeout"]
            known = words if similar_names(name, words) else found.data.members
            suggestion = format_suggestion(name, known, "there are")
            raise UsageError(f"the event {event} has no member {name}{suggestion}")


def _check_run_state(session: Session, state: str, timeout: float | None) -> None:
    """:raise UsageError: there is no such run state."""
    attachment = session.attachment
    schema = attachment.known_within(lambda: attachment.known_types.schema, timeout)
    states = schema.enums_at("query-status", ["status"]) if schema is not None else []
    if states and state not in states[0].values:
        raise UsageError(f"there is no run state {state}; one of {', '.join(states[0].values)}")


COMMAND = Wait()
