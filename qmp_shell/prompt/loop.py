"""The loop at the prompt: read, run, and say what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.utils import get_cwidth

from ..errors import ConnectionLost, QMPError, ReportedError
from ..language import LineJoiner, LogicalLine, ParseError
from ..protocol import CommandError
from ..render.formatter import Formatter
from ..render.text import format_version
from ..session import Session, Settings
from ..signals import ended_by_signals
from ..vm import Attachment
from .confirm import confirm
from .editor import Editor, Histories
from .history import open_history
from .terminal import TerminalDisplay, typing_ahead

if TYPE_CHECKING:
    from ..launch.demo import Tips
    from ..launch.qemu import OwnVm
    from ..session import Display, Reporter

SessionFactory = Callable[
    ["Display", "Reporter", Callable[[str], bool], Callable[[], Sequence[str]]], Session
]
"""Makes a session of a display, a reporter, a function that asks the user, and the history."""


def run_prompt(
    settings: Settings,
    formatter: Formatter,
    new_session: SessionFactory,
    *,
    colour: bool,
    vm: OwnVm | None,
    tips: Tips,
) -> QMPError | None:
    """Serve a person at a terminal until they leave.

    :param vm: a VM that ends with this prompt; None: it is somebody else's.
    :param tips: lines to try, and what each does.
    :return: the error that ended the prompt, if one did; it was reported.
    :raise ConnectError: there is no VM to begin with.
    """
    display = TerminalDisplay(settings, formatter)
    histories = Histories(
        open_history("history", display.warning), open_history("history-hmp", display.warning)
    )
    if vm is not None:
        vm.relay_output_to(lambda text: display.remark(text.rstrip("\n")))

    def report(error: QMPError, place: str) -> bool:
        """Tell of a failure in a script that was run from the prompt; it does not go on."""
        display.warning(f"{place}{error}")
        _show_hint(display, error)
        return False

    def history() -> Sequence[str]:
        return histories.of_mode(human=session.human is not None).get_strings()

    session = new_session(display, report, confirm, history)
    try:
        loop = PromptLoop(session, display, histories, vm, colour=colour)
        with ended_by_signals(loop.end_soon), typing_ahead():
            _greet(display, session.attachment, tips)
            return loop.run()
    finally:
        if vm is None:
            session.attachment.close()


def _greet(display: TerminalDisplay, attachment: Attachment, tips: Tips) -> None:
    """Say which VM this is, and what can be done with it."""
    display.heading(_describe(attachment))
    display.remark("Tab completes, .help helps, Ctrl-D leaves.")
    if tips:
        display.remark("Try:")
    for line, summary in tips:
        display.remark(f"  {line:<44}{summary}")


def _describe(attachment: Attachment) -> str:
    if attachment.is_offline:
        return "no VM, only its schema: lines are checked and not sent"
    if attachment.is_agent:
        return "a guest agent"
    from ..vm.questions import NAME, RUN_STATE
    from ..vm.records import parse_version

    view = attachment.answers.immediate
    for question in (NAME, RUN_STATE):  # both are under way before one is waited for
        view.get(question)
    attachment.answers.settle()
    greeting = attachment.client.greeting or {}
    version = format_version(parse_version(greeting.get("version")))
    about = (view.get(NAME), f"QEMU {version}", view.get(RUN_STATE))
    return ", ".join(part for part in about if part)


def _show_hint(display: TerminalDisplay, error: QMPError) -> None:
    if isinstance(error, CommandError) and error.hint:
        display.remark(f"hint: {error.hint}")


class PromptLoop:
    """Reads and runs what is typed, one text after the other."""

    def __init__(
        self,
        session: Session,
        display: TerminalDisplay,
        histories: Histories,
        vm: OwnVm | None,
        *,
        colour: bool,
    ) -> None:
        self._session = session
        self._display = display
        self._histories = histories
        self._vm = vm
        self._editor = Editor(session, histories, self._lost_while_editing, colour=colour)

    def end_soon(self, end: SystemExit) -> bool:
        """Whether a line is being edited, which then ends with this exception."""
        return self._editor.end_soon(end)

    def run(self) -> QMPError | None:
        """:return: the error that ended the prompt, if one did; it was reported."""
        is_going_on = True
        try:
            while is_going_on:
                try:
                    is_going_on = self._read_and_run_once()
                except KeyboardInterrupt:
                    self._session.parser.discard_transaction()
                if not self._session.parser.in_transaction:
                    self._histories.qmp.end_transaction()
        finally:
            self._histories.qmp.end_transaction()
        self._display.flush()
        if self._vm is None or self._session.attachment.is_connected:
            return None
        self._vm.wait()
        outcome = f"{self._vm.name} {self._vm.outcome}"
        self._display.remark(outcome)
        return ConnectionLost(outcome) if self._vm.has_failed else None

    def _read_and_run_once(self) -> bool:
        """:return: whether to go on."""
        self._display.show_event_sums(all_at_once=True)
        try:
            text = self._editor.read()
        except EOFError:
            return False
        self._display.flush()
        was_open = self._session.parser.in_transaction
        if not self._run_text(text) and was_open and self._session.parser.in_transaction:
            self._histories.qmp.drop_last_open_line()
        return not self._session.is_finished and not self._has_own_vm_ended()

    def _has_own_vm_ended(self) -> bool:
        return self._vm is not None and not self._session.attachment.is_connected

    def _lost_while_editing(self, error: ConnectionLost) -> None:
        if self._vm is None:
            self._show_lost(error)
        else:
            self._editor.end()

    def _show_lost(self, error: ConnectionLost) -> None:
        self._display.warning(str(error))
        if self._vm is None:
            self._display.remark(".connect attaches again; .exit leaves.")

    def _run_text(self, text: str) -> bool:
        """Run all lines of what was typed or pasted, up to the first that fails.

        :return: whether none failed.
        """
        joiner = LineJoiner()
        lines = text.split("\n")
        for number, physical_line in enumerate(lines, 1):
            prompt = self._session.prompt if len(lines) == 1 else None
            line = self._session.join_line(joiner, physical_line)
            if line is None and number == len(lines):  # Escape and Enter end it as it is
                line = joiner.finish()
            if line is not None and not self._run_line(line, prompt):
                left = sum(1 for each in lines[number:] if each.strip())
                if left:
                    self._display.remark(f"the rest is not run: {left} line{'s' * (left > 1)}")
                return False
        return True

    def _run_line(self, line: LogicalLine, prompt: str | None) -> bool:
        """Run one logical line.

        :param prompt: what stands before the line on the screen, right above; None: the line is
            not right above.
        :return: whether it succeeded, and the user does not want to leave.
        """
        try:
            self._session.run(line)
        except ParseError as error:
            self._display.warning(_format_marked(error, prompt))
        except ReportedError:
            return False
        except CommandError as error:  # its reply was displayed
            _show_hint(self._display, error)
        except ConnectionLost as error:
            self._show_lost(error)
        except QMPError as error:
            self._display.warning(str(error))
        except BrokenPipeError:
            self._display.warning("the pipeline was ended by SIGPIPE")
        except KeyboardInterrupt:
            late = "; the reply will be shown when it comes"
            attachment = self._session.attachment
            owed = attachment.is_connected and attachment.client.owed_replies
            self._display.remark("interrupted" + late * owed)
        else:
            return not self._session.is_finished
        return False


def _format_marked(error: ParseError, prompt: str | None) -> str:
    """A mark under the place of an error, and what is wrong there.

    :param prompt: what stands before the line on the screen, right above; None: the line must be
        shown again.
    """
    if error.source is None:
        return str(error)
    position = error.source.position(error.offset)
    before = position.text[: position.column - 1].replace("\t", " ")
    indent = " " * get_cwidth((prompt or "") + before)
    columns = shutil.get_terminal_size().columns
    if get_cwidth((prompt or "") + position.text) >= columns:
        return f"column {position.column}: {error}"
    shown = "" if prompt is not None else position.text.replace("\t", " ") + "\n"
    gap = " " if len(indent) + len(str(error)) + 2 <= columns else "\n"
    return f"{shown}{indent}^{gap}{error}"
