"""Running what was typed at the prompt, and telling what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from prompt_toolkit.document import Document
from prompt_toolkit.utils import get_cwidth

from ..errors import ConnectionLost, QMPError, ReportedError
from ..language import LineJoiner, LogicalLine, ParseError
from ..language.secrets import may_hold_secret
from ..messages import CommandError, Request
from ..render.text import sanitize_line, shorten
from ..session import Session
from ..session.execution import NotSent
from .faults import FaultReporter
from .signals import PromptSignals
from .terminal import TerminalDisplay, is_typed_ahead
from .user import TerminalUser
from .vm_notices import VmNotices


class LineRunner:
    """Runs the lines of what was typed, and tells of those that fail."""

    def __init__(
        self,
        session: Session,
        display: TerminalDisplay,
        user: TerminalUser,
        signals: PromptSignals,
        faults: FaultReporter,
        notices: VmNotices,
    ) -> None:
        self._session = session
        self._display = display
        self._user = user
        self._signals = signals
        self._faults = faults
        self._notices = notices

    def run(self, text: str) -> bool:
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
                self._notices.note_attached()
            elif was_connected and not attachment.is_connected:
                self._notices.note_lost(attachment)
        except ParseError as error:
            self._display.warning(*_format_marked(error, prompt))
            show_hint(self._display, error)
            return str(error)
        except ReportedError as error:
            return str(error)
        except CommandError as error:  # its reply was displayed
            show_hint(self._display, error)
            return str(error)
        except ConnectionLost as error:
            self._notices.show_lost(error)
            return str(error)
        except QMPError as error:
            self._display.warning(str(error))
            show_hint(self._display, error)
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


def show_hint(display: TerminalDisplay, error: QMPError) -> None:
    """Show what may help after an error, if that is known."""
    if error.hint:
        display.hint(error.hint)


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
