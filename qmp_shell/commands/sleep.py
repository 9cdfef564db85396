"""``.sleep``: do nothing for a while."""

from __future__ import annotations

import time

from ..errors import ConnectionLost
from ..session import Session, parse_seconds
from .base import Command, split_arguments


class Sleep(Command):
    name = "sleep"
    usage = "SECONDS"
    summary = "do nothing for a while"

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if len(words) != 1:
            raise self.usage_error()
        end = time.monotonic() + parse_seconds(words[0])
        if session.is_dry_run:
            return
        try:
            session.attachment.client.wait(lambda: False, end)
        except ConnectionLost:  # the next line that needs the VM will say so
            if session.user is None and session.settings.events:  # which a script waits for
                raise
        time.sleep(max(end - time.monotonic(), 0))


COMMAND = Sleep()
