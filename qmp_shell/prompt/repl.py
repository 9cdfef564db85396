"""The loop at the prompt: read, run, and say what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.utils import get_cwidth

from ..errors import ConnectionLost, QMPError, Told, UsageError
from ..language import LineJoiner, LogicalLine, ParseError
from ..protocol import CommandError
from ..render.text import format_version
from ..session import COMMANDS, Display, DotCommand, Session, Settings
from ..signals import ended_by_signals
from .editor import Editor
from .history import Histories, open_histories
from .terminal import TerminalDisplay, typing_ahead

if TYPE_CHECKING:
    from ..launch.demo import Tips
    from ..launch.qemu import Vm


def run_prompt(
    settings: Settings,
    begin: Callable[[Display, tuple[DotCommand, ...]], Session],
    *,
    colour: bool,
    vm: Vm | None,
    tips: Tips,
) -> int:
    """Serve a person at a terminal until they leave.

    :param begin: begins a session on a display, with these dot commands.
    :param vm: a VM that lives and dies with this prompt; None: it is somebody else's.
    :param tips: lines to try, and what each does.
    :return: the exit status.
    :raise ConnectError: there is no VM to begin with.
    """
    display = TerminalDisplay(settings, colour=colour)
    histories = open_histories(display.warn)
    dots = (*COMMANDS, _history_command(histories))
    if vm is not None:
        vm.relay = lambda text: display.note(text.rstrip("\n"))
    session = begin(display, dots)
    try:
        repl = Repl(session, display, histories, vm, colour=colour)
        with ended_by_signals(repl.ends_itself), typing_ahead():
            repl.greet(tips)
            return repl.run()
    finally:
        if vm is None:
            session.close()


def _history_command(histories: Histories) -> DotCommand:
    def show(session: Session, argument: str) -> None:
        if argument and not argument.isdecimal():
            raise UsageError(".history takes a number of lines")
        history = histories.qmp if session.human is None else histories.human
        lines = history.get_strings()
        wanted = lines[-int(argument) :] if argument else lines
        if argument != "0":
            session.display.text("\n".join(wanted))

    return DotCommand("history", "[N]", "show what was typed, or the last N lines", show)


class Repl:
    """Reads and runs lines, one after the other."""

    def __init__(
        self,
        session: Session,
        display: TerminalDisplay,
        histories: Histories,
        vm: Vm | None,
        *,
        colour: bool,
    ) -> None:
        self._session = session
        self._display = display
        self._vm = vm
        self._editor = Editor(session, histories, self._lost_while_editing, colour=colour)
        session.report = self._report
        session.ask = self._editor.ask

    def ends_itself(self, end: SystemExit) -> bool:
        """Whether a line is being edited, which then ends with this exception."""
        return self._editor.end_soon(end)

    def greet(self, tips: Tips) -> None:
        """Say which VM this is, and what to do with it."""
        session = self._session
        name, status = session.knowledge.catalog.identity()
        if session.knowledge.catalog.is_offline:
            about = "no VM, only its schema: lines are checked and not sent"
        elif session.knowledge.catalog.is_agent:
            about = "a guest agent"
        else:
            about = ", ".join(filter(None, (name, format_version(session.client.greeting), status)))
        self._display.heading(about)
        self._display.note("Tab completes, .help helps, Ctrl-D leaves.")
        if tips:
            self._display.note("Try:")
        for line, summary in tips:
            self._display.note(f"  {line:<44}{summary}")

    def run(self) -> int:
        """:return: the exit status."""
        going = True
        while going:
            try:
                going = self._turn()
            except KeyboardInterrupt:
                self._session.drop_transaction()
        self._display.flush()
        if self._vm is None or self._session.connected:
            return 0
        self._vm.wait()
        self._display.note(f"{self._vm.name} {self._vm.outcome}")
        return ConnectionLost.exit_status if self._vm.failed else 0

    def _turn(self) -> bool:
        """Read and run once; whether to go on."""
        self._display.sum_up(at_once=True)
        try:
            text = self._editor.read()
        except EOFError:
            return False
        self._display.flush()
        self._run_text(text)
        return not self._session.done and not self._is_over()

    def _is_over(self) -> bool:
        """Whether the VM that this prompt is for has ended."""
        return self._vm is not None and not self._session.connected

    def _lost_while_editing(self, error: ConnectionLost) -> None:
        if self._vm is None:
            self._say_lost(error)
        else:
            self._editor.end()

    def _report(self, error: QMPError, place: str) -> bool:
        """Say what failed in a script that was run from the prompt; it does not go on."""
        self._display.warn(f"{place}{error}")
        if isinstance(error, CommandError):
            self._say_hint(error)
        return False

    def _say_hint(self, error: CommandError) -> None:
        if error.hint:
            self._display.note(f"hint: {error.hint}")

    def _say_lost(self, error: ConnectionLost) -> None:
        self._display.warn(str(error))
        if self._vm is None:
            self._display.note(".connect attaches again; .exit leaves.")

    def _run_text(self, text: str) -> None:
        """Run all lines of what was typed or pasted, up to the first that fails."""
        reader = LineJoiner()
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            prompt = self._session.prompt if len(lines) == 1 else None
            source = self._session.read(reader, line)
            if source is None and number == len(lines):  # Enter with Escape: it is meant so
                source = reader.finish()
            if source is not None and not self._run_source(source, prompt):
                left = sum(1 for line in lines[number:] if line.strip())
                if left:
                    self._display.note(f"the rest is not run: {left} line{'s' * (left > 1)}")
                break

    def _run_source(self, source: LogicalLine, prompt: str | None) -> bool:
        """Run one whole line; whether it went well, and there is more to do."""
        try:
            self._session.run(source)
        except ParseError as error:
            self._display.warn(_marked(error, prompt))
        except Told:
            pass
        except CommandError as error:  # its reply was displayed
            self._say_hint(error)
        except ConnectionLost as error:
            self._say_lost(error)
        except QMPError as error:
            self._display.warn(str(error))
        except KeyboardInterrupt:
            late = "; the reply will be shown when it comes"
            owed = self._session.connected and self._session.client.owed_replies
            self._display.note("interrupted" + late * owed)
        else:
            return not self._session.done
        return False


def _marked(error: ParseError, prompt: str | None) -> str:
    """A mark under the place of an error, and what is wrong there.

    :param prompt: what stands before the line on the screen, right above; None: the line
        must be shown again.
    """
    if error.source is None:
        return str(error)
    position = error.source.position(error.offset)
    before = position.text[: position.column - 1].replace("\t", " ")
    indent = " " * get_cwidth((prompt or "") + before)
    width = shutil.get_terminal_size().columns
    if get_cwidth((prompt or "") + position.text) >= width:
        return f"column {position.column}: {error}"
    shown = "" if prompt is not None else position.text.replace("\t", " ") + "\n"
    gap = " " if len(indent) + len(str(error)) + 2 <= width else "\n"
    return f"{shown}{indent}^{gap}{error}"
