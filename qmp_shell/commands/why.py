"""``.why``: why the VM does not run."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, refuse_argument, require_vm


class Why(Command):
    name = "why"
    summary = "why the VM does not run, and what helps"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        require_vm(session)
        from ..render.parts import Node, Part
        from ..render.stop_reason import format_stop_reason
        from ..vm.stop_reason import gather_stop_reason

        attachment = session.attachment
        reason = gather_stop_reason(attachment.answers, attachment.incidents)
        if not reason.run_state:
            raise UsageError("the VM does not tell its run state")
        session.display.draw(Node((Part(line),)) for line in format_stop_reason(reason))


COMMAND = Why()
