"""The line editor: a prompt_toolkit prompt for each mode, while the VM is watched."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import cached_property

from prompt_toolkit import PromptSession
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import DynamicLexer, PygmentsLexer, SimpleLexer
from prompt_toolkit.output import ColorDepth

from ..errors import ConnectionLost
from ..render.highlight import NotationLexer
from ..session import Session
from ..vm.status import VmStatus
from .assistant import Assistant
from .completer import SessionCompleter
from .faults import FaultReporter
from .guide import Guide
from .highlighter import UnknownNameMarker
from .history import Histories, StatementHistory
from .interlude import Interlude
from .keys import new_key_bindings
from .reattachment import INTERVAL_SECONDS, Reattachment
from .signals import PromptSignals
from .style import new_style
from .suggestion import LineSuggestion
from .timer import Timer
from .toolbar import signature_toolbar, status_toolbar
from .user import TerminalUser
from .watcher import VmWatcher

_EDITING_MODES = {"emacs": EditingMode.EMACS, "vi": EditingMode.VI}
_MENU_ROWS = 6
_LOWEST_MENU = 3
_PROMPT_ROWS = 3  # the line and the toolbar, and one to spare


class Editor:
    """Reads what is typed at a terminal, and has the VM watched meanwhile."""

    def __init__(
        self,
        session: Session,
        user: TerminalUser,
        histories: Histories,
        on_lost: Callable[[ConnectionLost], None],
        signals: PromptSignals,
        faults: FaultReporter,
        *,
        on_status: Callable[[VmStatus], None],
        colour: bool,
    ) -> None:
        """
        :param on_lost: is given the reason when the VM is lost while a line is edited.
        :param on_status: is given the VM's state after the VM has sent something.
        """
        self._on_status = on_status
        self._faults = faults
        self._session = session
        self._signals = signals
        self._histories = histories
        self._colour = colour
        self._user = user
        self._interlude: Interlude | None = None
        self._needs_more = False
        self._assistant = Assistant(session)
        self._reattachment = Reattachment(session)
        self._reattachment_timer = Timer(self._try_to_reattach)
        self._on_lost = on_lost
        self._watcher = VmWatcher(session, self._redraw, self._note_lost)
        self._completer = SessionCompleter(session, self._assistant, self._watcher.check)
        self._guide = Guide(user.tour, session)
        self._suggestion = LineSuggestion(session, lambda: self._guide.line, colour=colour)

    # Each is made when it is first used: that takes as long as to start a script.

    @cached_property
    def _qmp_prompt(self) -> PromptSession[str]:
        return self._new_prompt(self._histories.qmp)

    @cached_property
    def _human_prompt(self) -> PromptSession[str]:
        return self._new_prompt(self._histories.human)

    @property
    def _prompt(self) -> PromptSession[str]:
        """The prompt of the present mode."""
        return self._human_prompt if self._session.is_human else self._qmp_prompt

    def _new_prompt(self, history: StatementHistory) -> PromptSession[str]:
        session = self._session
        notation = PygmentsLexer(NotationLexer)
        keys = new_key_bindings(self._completer, self._ask_for)
        self._guide.add_keys(keys, self._suggestion)
        prompt: PromptSession[str] = PromptSession(
            message=lambda: [("class:prompt", session.prompt)],
            history=history,
            completer=self._completer,
            complete_while_typing=True,
            auto_suggest=self._suggestion,
            lexer=DynamicLexer(lambda: SimpleLexer() if session.is_human else notation),
            style=new_style(),
            include_default_pygments_style=False,
            color_depth=None if self._colour else ColorDepth.DEPTH_1_BIT,
            multiline=Condition(self._is_multiline),
            prompt_continuation=lambda width, _, wraps: "" if wraps else " " * width,
            key_bindings=keys,
            input_processors=[UnknownNameMarker(self._assistant)],
            bottom_toolbar=self._toolbar,
            enable_suspend=True,
        )
        # Otherwise a key is drawn up to 10 ms later, as long as the VM sends something.
        prompt.app.max_render_postpone_time = 0.0
        buffer = prompt.default_buffer
        # PromptSession does not allow this together with completion while typing; its buffer does.
        buffer.enable_history_search = Condition(lambda: True)
        buffer.on_text_changed.add_handler(lambda _: self._read_draft())
        buffer.on_cursor_position_changed.add_handler(lambda _: self._read_draft())
        return prompt

    def read(self) -> str | Interlude:
        """Read what is typed, of one line or more.

        :return: an interlude: that is to be done first. What was typed so far is the user's draft,
            which is in the line again the next time.
        :raise EOFError: Ctrl-D on an empty line.
        :raise KeyboardInterrupt: Ctrl-C.
        :raise SystemExit: SIGTERM or SIGHUP.
        """
        # Other clients may have changed the VM since the prompt before.
        self._session.attachment.answers.forget_changeable()
        self._completer.begin_line()
        free_rows = shutil.get_terminal_size().lines - _PROMPT_ROWS
        free_rows -= len(self._guide_rows(_LOWEST_MENU))
        self._prompt.reserve_space_for_menu = max(min(_MENU_ROWS, free_rows), 0)
        self._interlude = None
        self._prompt.editing_mode = _EDITING_MODES[self._session.settings.editing]
        self._prompt.app.erase_when_done = False
        self._leave_search()
        draft = self._user.take_draft()
        history = self._histories.of_mode(human=self._session.is_human)
        history.offer(self._session.corrector.line)
        try:
            text = self._signals.read(self._prompt, start=self._start, default=draft)
        finally:
            history.offer("")
            self._watcher.stop()
        if self._interlude is not None:
            return self._interlude
        self._histories.add(text, self._session)
        return text

    def _leave_search(self) -> None:
        """Have what is typed go to the line, if a search was going on when the one before ended.

        prompt_toolkit then ends the search, but goes on editing what was searched for.
        """
        self._prompt.app.layout.focus(self._prompt.default_buffer)
        self._prompt.search_buffer.reset()

    def _start(self) -> None:
        self._suggestion.begin(self._prompt.default_buffer)
        self._watcher.start()
        self._read_draft()
        self._begin_to_reattach()

    def _note_lost(self, error: ConnectionLost) -> None:
        self._on_lost(error)
        self._begin_to_reattach()

    def _begin_to_reattach(self) -> None:
        if self._reattachment.is_wanted:
            self._reattachment_timer.set(time.monotonic() + INTERVAL_SECONDS)

    def _try_to_reattach(self) -> None:
        if not self._reattachment.is_wanted:
            return
        if self._reattachment.is_possible():
            self._ask_for(Interlude.REATTACHMENT)
        else:
            self._begin_to_reattach()

    def _read_draft(self) -> None:
        """What is typed has changed: find out what is known of it, before it is drawn."""
        try:
            self._assistant.read(self._prompt.default_buffer.document)
        except Exception as error:  # in the midst of a key press, of which nothing is to be lost
            self._faults.report(error)
        self._watcher.check()

    def _is_multiline(self) -> bool:
        """Whether Enter begins one more row.

        What a search of the history finds does not change it: prompt_toolkit has two places where
        the searched text can be typed, and would take the other one for the place that is in use.
        """
        if not is_searching():
            self._needs_more = self._assistant.draft.needs_more
        return self._needs_more

    def _redraw(self) -> None:
        """Update the screen after the VM has sent something that completion or hints use."""
        self._on_status(self._session.attachment.poller.status)
        if not self._is_edited:
            return  # a completion that is begun now would outlive its event loop
        self._assistant.update()
        self._completer.note_answer(self._prompt.default_buffer)
        self._prompt.app.invalidate()

    def _ask_for(self, interlude: Interlude) -> None:
        """Stop reading for a moment; the line is edited on later."""
        if not self._is_edited:  # the line was entered just now
            return
        self._interlude = interlude
        self._user.draft = self._prompt.default_buffer.document
        self._prompt.app.erase_when_done = True
        self._prompt.app.exit(result="")

    def end(self) -> None:
        """Stop reading, as if Ctrl-D had been typed, and take the prompt off the screen."""
        if self._is_edited:
            self._prompt.app.erase_when_done = True
            self._prompt.app.exit(exception=EOFError)

    @property
    def _is_edited(self) -> bool:
        """Whether a line is being edited; when it has ended, the event loop may still run."""
        return self._prompt.app.is_running and not self._prompt.app.is_done

    def _guide_rows(self, menu_rows: int) -> list[StyleAndTextTuples]:
        """The tour, if it leaves room for a menu."""
        size = shutil.get_terminal_size()
        return self._guide.rows(size.columns, size.lines - _PROMPT_ROWS - menu_rows)

    def _toolbar(self) -> StyleAndTextTuples:
        """Drawn from what is stored; it asks nothing."""
        rows: list[StyleAndTextTuples] = [
            *self._guide_rows(self._prompt.reserve_space_for_menu),
            self._state(),
        ]
        return [part for row in rows for part in (*row, ("", "\n"))][:-1]

    def _state(self) -> StyleAndTextTuples:
        """What is typed, or the VM's state."""
        columns = shutil.get_terminal_size().columns
        signature = self._assistant.signature
        attachment = self._session.attachment
        document = self._prompt.default_buffer.document
        if attachment.is_connected and self._completer.is_late(document):
            return [("", "asking the VM...")]
        if signature is not None:
            return signature_toolbar(signature, columns)
        if not attachment.is_connected:
            return [("", "no VM")]
        return status_toolbar(attachment.poller.status, columns)
