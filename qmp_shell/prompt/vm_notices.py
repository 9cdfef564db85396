"""What is told at the prompt of the VM that the session is attached to."""

from __future__ import annotations

from prompt_toolkit.utils import is_dumb_terminal

from ..errors import ConnectionLost
from ..render.ending import format_ending
from ..render.status_line import format_failed_migration
from ..render.text import format_version, shorten
from ..session import Session
from ..vm import Attachment
from ..vm.questions import NAME, RUN_STATE
from ..vm.records import parse_version
from ..vm.status import VmStatus
from .reattachment import Reattachment
from .terminal import TerminalDisplay


class VmNotices:
    """Tells what the VM is, what becomes of it, and when it is lost or attached to again."""

    def __init__(self, session: Session, display: TerminalDisplay, *, owns_vm: bool) -> None:
        """:param owns_vm: the VM ends with the shell."""
        self._session = session
        self._display = display
        self._owns_vm = owns_vm

    def greet(self) -> None:
        """Say which VM this is, and what can be done with it."""
        self._display.heading(_describe(self._session.attachment))
        keys = "" if is_dumb_terminal() else "Tab completes, "
        end = " and ends the VM" if self._owns_vm else ""
        self._display.remark(f"{keys}.help helps, Ctrl-D leaves{end}.")

    def note_status(self, status: VmStatus) -> None:
        """Tell what has become of jobs and of a migration."""
        self._display.events.update_jobs((*status.jobs, *status.ended_jobs))
        self.tell_failed_migration()

    def tell_failed_migration(self) -> None:
        """Tell, once, that a migration has failed."""
        migration = self._session.attachment.incidents.take_failed_migration()
        if migration is not None:
            self._display.alert(format_failed_migration(migration))

    def note_lost(self, attachment: Attachment) -> None:
        """Tell that a VM was lost while a command ran that does not need it, as ``.sleep``."""
        if not self._owns_vm and not self._session.is_finished:
            self.show_lost(ConnectionLost(attachment.client.end_reason or "the VM is gone"))

    def show_lost(self, error: ConnectionLost) -> None:
        """Tell that the VM was lost, how it has ended, and how to go on."""
        self._display.alert(str(error))
        ending = self._session.attachment.find_ending()
        how = format_ending(ending) if ending is not None else ""
        if how:
            self._display.remark(how)
        if not self._owns_vm:
            is_wanted = Reattachment(self._session).is_wanted
            again = (
                "this shell attaches again when it can" if is_wanted else ".connect attaches again"
            )
            self._display.remark(f"{again}; .exit leaves.")

    def note_attached(self) -> None:
        """Say which VM the session is attached to now."""
        self._session.attachment.watch_end()
        self._display.heading(f"attached to {_describe(self._session.attachment)}")


def _describe(attachment: Attachment) -> str:
    if attachment.is_offline:
        return "no VM, only its schema: lines are checked and not sent"
    if attachment.is_agent:
        return "a guest agent"
    view = attachment.answers.immediate
    for question in (NAME, RUN_STATE):  # both are under way before one is waited for
        view.get(question)
    attachment.answers.settle()
    greeting = attachment.client.greeting or {}
    version = format_version(parse_version(greeting.get("version")))
    about = (shorten(view.get(NAME) or ""), f"QEMU {version}", shorten(view.get(RUN_STATE) or ""))
    return ", ".join(part for part in about if part)
