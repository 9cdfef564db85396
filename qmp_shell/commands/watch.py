"""``.watch``: repeat a command, and show what changes in its reply."""

from __future__ import annotations

import re
import time

from ..errors import UsageError
from ..language.destination import DISPLAY
from ..messages import CommandError, Message
from ..render.changes import ChangeReport
from ..session import Session, parse_seconds
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_command

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_DEFAULT_SECONDS = 1.0
_SECONDS = re.compile(r"(?P<seconds>[0-9.]+)(?:\s+|$)")


class Watch(Command):
    name = "watch"
    usage = "[SECONDS] COMMAND"
    summary = "repeat a command, and show what changes"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        seconds, start = _split_seconds(argument)
        interval = parse_seconds(seconds) if seconds else _DEFAULT_SECONDS
        statement = parse_command(argument, start)
        if statement is None or statement.files:
            raise UsageError("write .watch [SECONDS] COMMAND key=value ...")
        if statement.destination != DISPLAY:
            raise self.output_error()
        message = session.executor.resolve(statement.message)
        with session.settings.overridden(pager=False):
            _watch(session, message, interval)

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        from ..complete import Draft, complete

        seconds, start = _split_seconds(argument)
        if seconds and seconds == argument:
            return None  # the number is still being typed
        return complete(Draft(argument[start:]), names, types)


def _split_seconds(argument: str) -> tuple[str, int]:
    """Return the number before the command, empty if there is none, and where the command begins.

    It need not be a valid number.
    """
    match = _SECONDS.match(argument)
    return (match["seconds"], match.end()) if match is not None else ("", 0)


def _watch(session: Session, message: Message, interval: float) -> None:
    reply = session.executor.execute(message)
    report = ChangeReport(supports_unicode=session.display.supports_unicode)
    while reply is not None:
        if reply.is_error:
            session.replies.show(reply)
            raise CommandError(reply)
        now = time.monotonic()
        lines = report.add(reply.message.get("return"), now)
        if lines:
            session.display.lines([time.strftime("%H:%M:%S"), *lines])
        session.attachment.client.wait(lambda: False, now + interval)
        reply = session.attachment.request(message)


COMMAND = Watch()
