"""``.info``: the VM at a glance."""

from __future__ import annotations

from ..errors import UsageError
from ..session import Session
from .base import Command, require_vm, split_arguments


class Info(Command):
    name = "info"
    summary = "the VM at a glance"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        if split_arguments(argument):  # what the human monitor's own info takes
            line = f".hmp info {argument}"
            raise session.corrector.error_with_line(".info takes no argument", line)
        require_vm(session)
        if session.attachment.is_agent:
            raise UsageError(".info is about a VM; a guest agent has guest-info, guest-get-osinfo")
        from ..render.overview import format_overview
        from ..render.parts import Node, Part
        from ..render.stop_reason import format_state
        from ..vm.overview import gather_overview
        from ..vm.stop_reason import read_stop_reason

        attachment = session.attachment
        rows = format_overview(gather_overview(attachment.answers))
        reason = read_stop_reason(attachment.answers.waiting, attachment.incidents)
        if reason.run_state and not reason.is_running:
            session.display.draw([Node((Part(format_state(reason), "bold"),))])
        session.display.pairs(rows)


COMMAND = Info()
