"""``.info``: the VM at a glance."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, refuse_argument


class Info(Command):
    name = "info"
    summary = "the VM at a glance"

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        if session.attachment.is_offline:
            raise UsageError("there is no VM, only its schema")
        from ..render.overview import format_overview
        from ..vm.overview import gather_overview

        session.display.text(format_overview(gather_overview(session.attachment.answers)))


COMMAND = Info()
