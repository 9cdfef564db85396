"""The loop at the prompt: read what is typed, and have it run."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.utils import is_dumb_terminal

from ..errors import ConnectionLost, InternalError, QMPError
from ..render.formatter import Formatter
from ..session import Session, Settings
from ..static_typing import TYPE_CHECKING
from .editor import Editor
from .faults import FaultReporter
from .guide import Guide
from .history import Histories, open_history
from .interlude import Interlude
from .line_runner import LineRunner, show_hint
from .signals import PromptSignals
from .terminal import TerminalDisplay, typing_ahead
from .user import TerminalUser
from .vm_notices import VmNotices

if TYPE_CHECKING:
    from ..launch.qemu import OwnVm
    from ..launch.tour import Tour
    from ..session import Display, Reporter, User
    from .plain_editor import PlainEditor

# After so many faults in a row nothing can be typed any more, and the shell ends.
_MOST_FAULTS = 3

SessionFactory = Callable[["Display", "Reporter", "User"], Session]
"""Makes a session of a display, a reporter and a user."""


def run_prompt(
    settings: Settings,
    formatter: Formatter,
    new_session: SessionFactory,
    *,
    colour: bool,
    vm: OwnVm | None,
    tour: Tour | None,
) -> QMPError | None:
    """Serve a person at a terminal until they leave.

    :param vm: a VM that ends with this prompt; None: it is somebody else's.
    :param tour: of that VM; None: there is none.
    :return: the error that ended the prompt, if one did; it was reported.
    :raise ConnectError: there is no VM to begin with.
    """
    is_dumb = is_dumb_terminal()
    display = TerminalDisplay(
        settings, formatter, lambda: session.outputs.background(), is_dumb=is_dumb
    )
    histories = Histories(
        open_history("history", display.warning), open_history("history-hmp", display.warning)
    )
    if vm is not None:
        vm.relay_output_to(lambda text: display.quote(text.rstrip("\n")))

    def report(error: QMPError, place: str) -> bool:
        """Tell of a failure in a script that was run from the prompt; it does not go on."""
        display.warning(f"{place}{error}")
        show_hint(display, error)
        return False

    signals = PromptSignals(lambda error: faults.report(error))
    user = TerminalUser(display, signals, histories, lambda: session, is_dumb=is_dumb, tour=tour)
    session = new_session(display, report, user)
    faults = FaultReporter(display, session)
    try:
        loop = PromptLoop(session, display, user, histories, vm, signals, faults, colour=colour)
        with signals.handled(), typing_ahead(keeps_lines=is_dumb):
            return loop.run()
    finally:
        session.close(ends_connection=vm is None)


class PromptLoop:
    """Reads and runs what is typed, one text after the other."""

    def __init__(
        self,
        session: Session,
        display: TerminalDisplay,
        user: TerminalUser,
        histories: Histories,
        vm: OwnVm | None,
        signals: PromptSignals,
        faults: FaultReporter,
        *,
        colour: bool,
    ) -> None:
        self._signals = signals
        self._faults = faults
        self._session = session
        self._display = display
        self._user = user
        self._histories = histories
        self._vm = vm
        self._notices = notices = VmNotices(session, display, owns_vm=vm is not None)
        self._runner = LineRunner(session, display, user, signals, faults, notices)
        self._editor: Editor | PlainEditor
        lost = self._lost_while_editing
        if is_dumb_terminal():
            from .plain_editor import PlainEditor

            self._editor = PlainEditor(
                session,
                display,
                histories,
                lost,
                signals,
                Guide(user.tour, session),
                on_reattachable=lambda: self._do_between(Interlude.REATTACHMENT),
                on_polled=notices.tell_failed_migration,
            )
        else:
            self._editor = Editor(
                session,
                user,
                histories,
                lost,
                signals,
                faults,
                on_status=notices.note_status,
                colour=colour,
            )

    def run(self) -> QMPError | None:
        """:return: the error that ended the prompt, if one did; it was reported."""
        with self._signals.raised():
            self._notices.greet()
        is_going_on = True
        faults = 0
        try:
            while is_going_on:
                try:
                    is_going_on = self._read_and_run_once()
                    faults = 0
                except KeyboardInterrupt:
                    self._session.parser.discard_transaction()
                    if self._session.transcript is not None:
                        self._session.transcript.drop_transaction()
                except Exception as error:
                    self._faults.report(error)
                    faults += 1
                    if faults == _MOST_FAULTS:  # nothing can be typed, it seems
                        return InternalError(error)
                if not self._session.parser.in_transaction:
                    self._histories.qmp.end_transaction()
        finally:
            self._histories.qmp.end_transaction()
        self._display.flush()
        if self._session.parser.in_transaction:
            self._display.remark("the transaction was not sent")
        if self._vm is None or self._session.attachment.is_connected:
            return None
        self._vm.wait()
        outcome = f"{self._vm.name} {self._vm.outcome}"
        self._display.remark(outcome)
        return ConnectionLost(outcome) if self._vm.has_failed else None

    def _read_and_run_once(self) -> bool:
        """:return: whether to go on."""
        self._display.flush()  # what came with Ctrl-C, at which the line before was given up
        self._display.events.show_sums(all_at_once=True)
        self._faults.forget()
        self._session.attachment.watch_end()
        try:
            text = self._editor.read()
        except EOFError:
            return False
        finally:
            self._display.make_way()
        self._display.flush()
        if isinstance(text, Interlude):
            self._do_between(text)
            return True
        was_open = self._session.parser.in_transaction
        if not self._runner.run(text) and was_open and self._session.parser.in_transaction:
            self._histories.qmp.drop_last_open_line()
        return not self._session.is_finished and not self._has_own_vm_ended()

    def _do_between(self, interlude: Interlude) -> None:
        """Do what a key asked for; what was typed is in the next line then."""
        try:
            with self._signals.raised():
                if interlude is Interlude.NEXT_VIEW:
                    self._session.replies.show_in_next_view()
                elif interlude is Interlude.REATTACHMENT:
                    self._session.attach()
                    self._notices.note_attached()
                elif self._user.draft is not None:
                    self._user.edit(self._user.draft.text)
        except QMPError as error:
            self._display.warning(str(error))
        except KeyboardInterrupt:
            self._display.remark("interrupted")

    def _has_own_vm_ended(self) -> bool:
        return self._vm is not None and not self._session.attachment.is_connected

    def _lost_while_editing(self, error: ConnectionLost) -> None:
        if self._vm is None:
            self._notices.show_lost(error)
        else:
            self._editor.end()
