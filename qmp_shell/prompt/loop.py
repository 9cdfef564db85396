"""The loop at the prompt: read, run, and say what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from prompt_toolkit.document import Document
from prompt_toolkit.utils import get_cwidth, is_dumb_terminal

from ..errors import ConnectionLost, InternalError, QMPError, ReportedError
from ..language import LineJoiner, LogicalLine, ParseError
from ..language.secrets import may_hold_secret
from ..messages import CommandError, Request
from ..render.ending import format_ending
from ..render.formatter import Formatter
from ..render.status_line import format_failed_migration
from ..render.text import format_version, sanitize_line, shorten
from ..session import Session, Settings
from ..session.execution import NotSent
from ..static_typing import TYPE_CHECKING
from ..vm import Attachment
from ..vm.questions import NAME, RUN_STATE
from ..vm.records import parse_version
from ..vm.status import VmStatus
from .editor import Editor
from .faults import FaultReporter
from .guide import Guide
from .history import Histories, open_history
from .interlude import Interlude
from .reattachment import Reattachment
from .signals import PromptSignals
from .terminal import TerminalDisplay, is_typed_ahead, typing_ahead
from .user import TerminalUser

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
        _show_hint(display, error)
        return False

    signals = PromptSignals(lambda error: faults.report(error))
    user = TerminalUser(display, signals, histories, lambda: session, is_dumb=is_dumb, tour=tour)
    session = new_session(display, report, user)
    faults = FaultReporter(display, session)
    try:
        loop = PromptLoop(session, display, user, histories, vm, signals, faults, colour=colour)
        with signals.handled(), typing_ahead(keeps_lines=is_dumb):
            with signals.raised():
                _greet(display, session.attachment, owns_vm=vm is not None)
            return loop.run()
    finally:
        session.close(ends_connection=vm is None)


def _greet(display: TerminalDisplay, attachment: Attachment, *, owns_vm: bool) -> None:
    """Say which VM this is, and what can be done with it.

    :param owns_vm: it ends with the shell.
    """
    display.heading(_describe(attachment))
    keys = "" if is_dumb_terminal() else "Tab completes, "
    end = " and ends the VM" if owns_vm else ""
    display.remark(f"{keys}.help helps, Ctrl-D leaves{end}.")


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


def _show_hint(display: TerminalDisplay, error: QMPError) -> None:
    if error.hint:
        display.hint(error.hint)


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
                on_polled=self._tell_failed_migration,
            )
        else:
            self._editor = Editor(
                session,
                user,
                histories,
                lost,
                signals,
                faults,
                on_status=self._note_status,
                colour=colour,
            )

    def _note_status(self, status: VmStatus) -> None:
        self._display.events.update_jobs((*status.jobs, *status.ended_jobs))
        self._tell_failed_migration()

    def _tell_failed_migration(self) -> None:
        """Tell, once, that a migration has failed."""
        migration = self._session.attachment.incidents.take_failed_migration()
        if migration is not None:
            self._display.alert(format_failed_migration(migration))

    def run(self) -> QMPError | None:
        """:return: the error that ended the prompt, if one did; it was reported."""
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
        if not self._run_text(text) and was_open and self._session.parser.in_transaction:
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
                    self._note_attached()
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
            self._show_lost(error)
        else:
            self._editor.end()

    def _note_lost(self, attachment: Attachment) -> None:
        """Tell that a VM was lost while a command ran that does not need it, as ``.sleep``."""
        if self._vm is None and not self._session.is_finished:
            self._show_lost(ConnectionLost(attachment.client.end_reason or "the VM is gone"))

    def _show_lost(self, error: ConnectionLost) -> None:
        self._display.alert(str(error))
        ending = self._session.attachment.find_ending()
        how = format_ending(ending) if ending is not None else ""
        if how:
            self._display.remark(how)
        if self._vm is None:
            is_wanted = Reattachment(self._session).is_wanted
            again = (
                "this shell attaches again when it can" if is_wanted else ".connect attaches again"
            )
            self._display.remark(f"{again}; .exit leaves.")

    def _note_attached(self) -> None:
        """Say which VM the session is attached to now."""
        self._session.attachment.watch_end()
        self._display.heading(f"attached to {_describe(self._session.attachment)}")

    def _run_text(self, text: str) -> bool:
        """Run all lines of what was typed or pasted, up to the first that fails.

        :return: whether none failed.
        """
        joiner = LineJoiner()
        lines = text.rstrip("\n").split("\n")
        is_block = False  # of several logical lines
        for number, physical_line in enumerate(lines, 1):
            line = self._session.join_line(joiner, physical_line)
            if line is None and number == len(lines):  # Escape and Enter end it as it is
                line = joiner.finish()
            if line is None:
                continue
            is_block = is_block or number < len(lines)
            prompt = self._session.prompt if "\n" not in text else None
            if is_block:
                prompt = self._show_again(line)
            if not self._run_line(line, prompt):
                self._keep_rest(lines[number:])
                return False
        return True

    def _show_again(self, line: LogicalLine) -> str | None:
        """Show which line of a block is run now, above what it prints.

        :return: the prompt before it, if it is one row; see :meth:`_run_line`.
        """
        if not line.text.strip():
            return None
        prompt, source = self._session.prompt, line.source
        if line.may_hold_secret:
            place = line.position(0).line
            self._display.quote(f"{prompt}(line {place}, which may hold a secret)")
            return None
        indent = " " * get_cwidth(prompt)
        self._display.quote(prompt + source.replace("\n", f"\n{indent}"))
        return prompt if "\n" not in source else None

    def _keep_rest(self, lines: list[str]) -> None:
        """Have the next line begin with what was not run of a block, because a line failed."""
        left = sum(1 for each in lines if each.strip())
        if not left:
            return
        text = "\n".join(lines).strip("\n")
        how = ""
        # What was typed ahead would be added to it, and might be Enter.
        if not (self._session.is_finished or may_hold_secret(text) or is_typed_ahead()):
            self._user.draft = Document(text)
            how = f"; Enter runs {'it' if left == 1 else 'them'}"
        self._display.remark(f"the rest is not run: {left} line{'s' * (left > 1)}{how}")

    def _run_line(self, line: LogicalLine, prompt: str | None) -> bool:
        """Run one logical line, and note how it went.

        :param prompt: what stands before the line on the screen, right above; None: the line is
            not right above.
        :return: whether it succeeded, and the user does not want to leave.
        """
        session = self._session
        transcript = session.transcript if session.is_saved(line) else None
        if transcript is not None:
            transcript.begin(line.text, human=session.is_human)
        failure = self._attempt(line, prompt)
        if transcript is not None:
            in_transaction = session.parser.in_transaction
            transcript.end(failure=sanitize_line(failure), in_transaction=in_transaction)
        if not failure:
            self._go_on_with_tour(line)
        return not failure and not session.is_finished

    def _go_on_with_tour(self, line: LogicalLine) -> None:
        """Go on with a tour after a line that did not fail."""
        tour = self._user.tour
        if tour is None or tour.is_over or self._session.is_human:
            return
        tour.note_success(line.text)
        if tour.is_over:
            self._display.remark(
                "That was the tour. .help lists more, COMMAND ? explains a command."
            )

    def _attempt(self, line: LogicalLine, prompt: str | None) -> str:
        """Run one logical line, and tell what went wrong.

        :return: empty: nothing went wrong.
        """
        attachment = self._session.attachment
        was_connected = attachment.is_connected
        owed_before = self._owed_replies()
        try:
            with self._signals.raised():
                self._session.run(line)
            if self._session.attachment is not attachment:
                self._note_attached()
            elif was_connected and not attachment.is_connected:
                self._note_lost(attachment)
        except ParseError as error:
            self._display.warning(*_format_marked(error, prompt))
            _show_hint(self._display, error)
            return str(error)
        except ReportedError as error:
            return str(error)
        except CommandError as error:  # its reply was displayed
            _show_hint(self._display, error)
            return str(error)
        except ConnectionLost as error:
            self._show_lost(error)
            return str(error)
        except QMPError as error:
            self._display.warning(str(error))
            _show_hint(self._display, error)
            return str(error)
        except BrokenPipeError:
            self._display.warning("the pipeline was ended by SIGPIPE")
            return "the pipeline was ended by SIGPIPE"
        except NotSent as interrupt:
            self._display.remark(f"interrupted; {shorten(interrupt.command)} was not sent")
            return "interrupted"
        except KeyboardInterrupt:
            is_owed = any(each not in owed_before for each in self._owed_replies())
            late = "; the reply will be shown when it comes"
            self._display.remark("interrupted" + late * is_owed)
            return "interrupted"
        except Exception as error:
            self._faults.report(error)
            return "internal error"
        return ""

    def _owed_replies(self) -> Sequence[Request]:
        """The commands whose replies will be shown late, as far as they come."""
        attachment = self._session.attachment
        return attachment.client.owed_replies if attachment.is_connected else ()


def _format_marked(error: ParseError, prompt: str | None) -> list[str]:
    """A mark under the place of an error, and what is wrong there.

    :param prompt: what stands before the line on the screen, right above; None: the line must be
        shown again.
    """
    if error.source is None:
        return [str(error)]
    position = error.source.position(error.offset)
    if prompt is None and error.source.may_hold_secret:
        return [f"line {position.line}, column {position.column}: {error}"]
    before = position.text[: position.column - 1].replace("\t", " ")
    indent = " " * get_cwidth((prompt or "") + before)
    columns = shutil.get_terminal_size().columns
    if get_cwidth((prompt or "") + position.text) >= columns:
        return [f"column {position.column}: {error}"]
    shown = [] if prompt is not None else [position.text.replace("\t", " ")]
    if len(indent) + len(str(error)) + 2 <= columns:
        return [*shown, f"{indent}^ {error}"]
    return [*shown, f"{indent}^", str(error)]
