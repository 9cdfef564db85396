"""The line editor: history, completion menu, highlighting, keys, and an ear for the VM."""

from __future__ import annotations

import asyncio
import sys
import termios
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition, completion_is_selected, has_completions
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import DynamicLexer, PygmentsLexer, SimpleLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from ..errors import ConnectionLost
from ..language import LineJoiner
from ..render.colour import NotationLexer
from ..session import Session
from .completer import SessionCompleter
from .guide import Guide
from .history import Histories

# The terminal's own colours, as in the replies (render/colour.py).
_STYLE = Style.from_dict(
    {
        "pygments.name.function": "bold",
        "pygments.name.tag": "ansicyan",
        "pygments.literal.string": "ansigreen",
        "pygments.literal.number": "ansiyellow",
        "pygments.keyword.constant": "ansimagenta",
        "pygments.comment": "ansibrightblack",
        "prompt": "bold",
        "unknown": "ansired underline",
        "bottom-toolbar": "noreverse ansibrightblack",
        "toolbar.name": "bold",
        "toolbar.given": "ansibrightblack",
        "toolbar.argument": "ansidefault",
        "toolbar.current": "ansidefault bold underline",
    }
)
_MENU_ROWS = 6


class Editor:
    """Reads lines from a terminal, and lets the VM be heard meanwhile."""

    def __init__(
        self,
        session: Session,
        histories: Histories,
        on_lost: Callable[[ConnectionLost], None],
        *,
        colour: bool,
    ) -> None:
        """:param on_lost: is told when the VM is lost while a line is edited."""
        self._session = session
        self._on_lost = on_lost
        self._colour = colour
        self._completer = SessionCompleter(session, on_lost)
        self._guide = Guide(session, on_lost)
        self._qmp = self._make(histories.qmp)
        self._human = self._make(histories.human)

    @property
    def _prompt(self) -> PromptSession[str]:
        """The one for the present mode; what was typed in the other is of no use."""
        return self._qmp if self._session.human is None else self._human

    def _make(self, history: History) -> PromptSession[str]:
        session = self._session
        notation = PygmentsLexer(NotationLexer)
        prompt: PromptSession[str] = PromptSession(
            message=lambda: [("class:prompt", session.prompt)],
            history=history,
            completer=self._completer,
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            lexer=DynamicLexer(lambda: SimpleLexer() if session.human else notation),
            style=_STYLE,
            include_default_pygments_style=False,
            color_depth=None if self._colour else ColorDepth.DEPTH_1_BIT,
            multiline=Condition(self._wants_more),
            prompt_continuation=lambda width, _, wraps: "" if wraps else " " * width,
            key_bindings=_keys(),
            reserve_space_for_menu=_MENU_ROWS,
            input_processors=[self._guide],
            bottom_toolbar=self._toolbar,
            enable_suspend=True,
        )
        # The menu while typing and Up for what begins alike exclude each other in
        # PromptSession; its buffer can do both.
        prompt.default_buffer.enable_history_search = Condition(lambda: True)
        return prompt

    def read(self) -> str:
        """Read what is typed, of one line or more.

        :raise EOFError: Ctrl-D on an empty line.
        :raise KeyboardInterrupt: Ctrl-C.
        """
        if self._session.connected:
            self._session.knowledge.catalog.forget()  # other clients may have changed things
        ear = _Ear(self._session, self._on_lost, self._heard)
        try:
            return self._prompt.prompt(pre_run=ear.listen)
        finally:
            ear.close()

    def end_soon(self, end: SystemExit) -> bool:
        """Have :meth:`read` raise an exception when the event loop comes to it.

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

    def ask(self, question: str) -> bool:
        """Ask whether to go on; anything but yes is no."""
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before is no answer
        clear_typeahead(self._prompt.app.input)
        try:
            answer = PromptSession[str]().prompt(f"{question}. Go on? [y/N] ")
        except (EOFError, KeyboardInterrupt):
            return False
        return answer.strip().lower() in ("y", "yes")

    def _heard(self) -> None:
        self._completer.heard()
        self._prompt.app.invalidate()

    def end(self) -> None:
        """Stop reading, as if Ctrl-D had been typed, and take the prompt off the screen."""
        app = self._prompt.app
        if app.is_running and not app.is_done:
            app.erase_when_done = True
            app.exit(exception=EOFError)

    def _toolbar(self) -> StyleAndTextTuples:
        document = self._prompt.default_buffer.document
        return self._guide.toolbar(document.text_before_cursor, document.text_after_cursor)

    def _wants_more(self) -> bool:
        """Whether Enter is to begin one more line, for a bracket is open."""
        if self._session.human is not None:
            return False
        reader = LineJoiner()
        for line in self._prompt.default_buffer.text.split("\n"):
            reader.add_line(line)
        return reader.needs_more


class _Ear:
    """Has the client read whatever arrives while prompt_toolkit's event loop runs."""

    def __init__(
        self,
        session: Session,
        on_lost: Callable[[ConnectionLost], None],
        heard: Callable[[], None],
    ) -> None:
        """:param heard: is called after something was read."""
        self._session = session
        self._on_lost = on_lost
        self._heard = heard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptors: set[int] = set()

    def listen(self) -> None:
        """Watch all that there is to watch now."""
        self._loop = asyncio.get_running_loop()
        for descriptor in self._session.watched:
            self._loop.add_reader(descriptor, self._read, descriptor)
            self._descriptors.add(descriptor)

    def close(self) -> None:
        """Watch nothing any more; the loop is gone, and its watches with it."""
        self._loop = None

    def _read(self, descriptor: int) -> None:
        assert self._loop is not None
        callback = self._session.watched.get(descriptor)
        try:
            if callback is not None:
                callback()
        except ConnectionLost as error:
            self._on_lost(error)
        self._heard()
        for gone in self._descriptors - set(self._session.watched):
            self._loop.remove_reader(gone)
            self._descriptors.discard(gone)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def is_completing() -> bool:  # has_completions is not true while they are looked up
        return get_app().current_buffer.complete_state is not None

    @Condition
    def is_single() -> bool:
        state = get_app().current_buffer.complete_state
        return state is not None and len(state.completions) == 1

    @keys.add("tab", filter=completion_is_selected & is_single)
    def _(event: KeyPressEvent) -> None:
        """What was the only choice is taken, and Tab goes on to what can follow it."""
        event.current_buffer.complete_state = None
        event.current_buffer.start_completion(insert_common_part=True)

    @keys.add("up", filter=is_completing & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """With nothing chosen in the menu, Up is for the history."""
        event.current_buffer.cancel_completion()
        event.current_buffer.auto_up(count=event.arg)

    @keys.add("escape", filter=has_completions, eager=True)
    def _(event: KeyPressEvent) -> None:
        """Escape closes the menu, and what was typed is there again."""
        event.current_buffer.cancel_completion()

    return keys
