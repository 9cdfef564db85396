"""The line editor: a prompt_toolkit prompt for each mode, while the VM is watched."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import DynamicLexer, PygmentsLexer, SimpleLexer
from prompt_toolkit.output import ColorDepth

from ..errors import ConnectionLost
from ..render.highlight import NotationLexer
from ..session import Session
from .assistant import Assistant
from .completer import SessionCompleter
from .highlighter import UnknownNameMarker
from .history import StatementHistory
from .keys import new_key_bindings
from .style import new_style
from .toolbar import signature_toolbar, status_toolbar
from .watcher import VmWatcher

_MENU_ROWS = 6
_OPENING = re.compile(r"\s*transaction\s*\(")


class Histories:
    """What was typed in each mode; what was typed in one is of no use in the other."""

    def __init__(self, qmp: StatementHistory, human: StatementHistory) -> None:
        self.qmp = qmp
        self.human = human

    def of_mode(self, *, human: bool) -> StatementHistory:
        return self.human if human else self.qmp


class Editor:
    """Reads what is typed at a terminal, and has the VM watched meanwhile."""

    def __init__(
        self,
        session: Session,
        histories: Histories,
        on_lost: Callable[[ConnectionLost], None],
        *,
        colour: bool,
    ) -> None:
        """:param on_lost: is given the reason when the VM is lost while a line is edited."""
        self._session = session
        self._histories = histories
        self._colour = colour
        self._assistant = Assistant(session)
        self._watcher = VmWatcher(session, self._redraw, on_lost)
        self._completer = SessionCompleter(session, self._assistant, self._watcher.check)
        self._qmp_prompt = self._new_prompt(histories.qmp)
        self._human_prompt = self._new_prompt(histories.human)

    @property
    def _prompt(self) -> PromptSession[str]:
        """The prompt of the present mode."""
        return self._qmp_prompt if self._session.human is None else self._human_prompt

    def _new_prompt(self, history: StatementHistory) -> PromptSession[str]:
        session = self._session
        notation = PygmentsLexer(NotationLexer)
        prompt: PromptSession[str] = PromptSession(
            message=lambda: [("class:prompt", session.prompt)],
            history=history,
            completer=self._completer,
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            lexer=DynamicLexer(lambda: SimpleLexer() if session.human else notation),
            style=new_style(),
            include_default_pygments_style=False,
            color_depth=None if self._colour else ColorDepth.DEPTH_1_BIT,
            multiline=Condition(lambda: self._assistant.draft.needs_more),
            prompt_continuation=lambda width, _, wraps: "" if wraps else " " * width,
            key_bindings=new_key_bindings(),
            reserve_space_for_menu=_MENU_ROWS,
            input_processors=[UnknownNameMarker(self._assistant)],
            bottom_toolbar=self._toolbar,
            enable_suspend=True,
        )
        buffer = prompt.default_buffer
        # PromptSession does not allow this together with completion while typing; its buffer does.
        buffer.enable_history_search = Condition(lambda: True)
        buffer.on_text_changed.add_handler(lambda _: self._read_draft())
        buffer.on_cursor_position_changed.add_handler(lambda _: self._read_draft())
        return prompt

    def read(self) -> str:
        """Read what is typed, of one line or more.

        :raise EOFError: Ctrl-D on an empty line.
        :raise KeyboardInterrupt: Ctrl-C.
        """
        # Other clients may have changed the VM since the prompt before.
        self._session.attachment.answers.forget_changeable()
        try:
            text = self._prompt.prompt(pre_run=self._start)
        finally:
            self._watcher.stop()
        human = self._session.human is not None
        self._histories.of_mode(human=human).add(text, is_open=not human and self._is_open(text))
        return text

    def _is_open(self, text: str) -> bool:
        """Whether a text belongs to an open transaction, or may start one."""
        if self._assistant.draft.is_own_word:
            return False
        return self._session.parser.in_transaction or bool(_OPENING.match(text))

    def _start(self) -> None:
        self._watcher.start()
        self._read_draft()

    def _read_draft(self) -> None:
        """What is typed has changed: find out what is known of it, before it is drawn."""
        self._assistant.read(self._prompt.default_buffer.document)
        self._watcher.check()

    def _redraw(self) -> None:
        """Update the screen after the VM has sent something that completion or hints use."""
        self._assistant.update()
        self._completer.note_answer(self._prompt.default_buffer)
        self._prompt.app.invalidate()

    def end_soon(self, end: SystemExit) -> bool:
        """Have :meth:`read` raise an exception from its event loop.

        :return: False: nothing is being read.
        """
        app = self._prompt.app
        if not app.is_running or app.loop is None:
            return False

        def leave() -> None:
            if not app.is_done:
                app.exit(exception=end)

        app.loop.call_soon_threadsafe(leave)
        return True

    def end(self) -> None:
        """Stop reading, as if Ctrl-D had been typed, and take the prompt off the screen."""
        app = self._prompt.app
        if app.is_running and not app.is_done:
            app.erase_when_done = True
            app.exit(exception=EOFError)

    def _toolbar(self) -> StyleAndTextTuples:
        """Drawn from what is stored; it asks nothing."""
        columns = shutil.get_terminal_size().columns
        signature = self._assistant.signature
        attachment = self._session.attachment
        if signature is not None:
            return signature_toolbar(signature, columns)
        if not attachment.is_connected:
            return [("", "no VM")]
        return status_toolbar(attachment.poller.status, columns)
