"""The person at this terminal: what they are asked, what they have typed, what they edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.document import Document

from ..errors import UsageError
from ..launch.tour import Tour
from ..output import SafeText
from ..session import Session
from .confirm import confirm
from .external_editor import edit_text
from .history import Histories
from .signals import PromptSignals
from .terminal import TerminalDisplay
from .watcher import VmWatcher


class TerminalUser:
    """The person at this terminal. (A :class:`~qmp_shell.session.User`.)

    :ivar draft: what the next line begins with, and the cursor in it; None: nothing.
    :ivar tour: the tour that they are on; None: there is none of this VM.
    """

    def __init__(
        self,
        display: TerminalDisplay,
        signals: PromptSignals,
        histories: Histories,
        find_session: Callable[[], Session],
        *,
        is_dumb: bool,
        tour: Tour | None,
    ) -> None:
        """
        :param find_session: returns this person's session, which is made later.
        :param is_dumb: the terminal edits lines itself, so none can begin with something.
        """
        self.draft: Document | None = None
        self.tour = tour
        self._display = display
        self._signals = signals
        self._histories = histories
        self._find_session = find_session
        self._is_dumb = is_dumb

    def take_draft(self) -> Document | None:
        """What the next line begins with; it is taken only once."""
        draft, self.draft = self.draft, None
        return draft

    def confirm(self, question: str) -> bool:
        try:
            return confirm(question, self._read_plainly if self._is_dumb else self._read_answer)
        finally:
            self._display.make_way()  # the question stays on the screen

    def _read_answer(self, question: SafeText) -> str:
        # The VM is watched, for others may share its monitor; that it is lost, the command finds.
        watcher = VmWatcher(self._find_session(), lambda: None, lambda _: None)
        try:
            prompt: PromptSession[str] = PromptSession(enable_suspend=True)
            return self._signals.read(prompt, question, start=watcher.start)
        finally:
            watcher.stop()

    def _read_plainly(self, question: SafeText) -> str:
        from .plain_editor import read_answer

        attachment = self._find_session().attachment
        return read_answer(question, attachment, self._display, self._signals)

    def history(self, *, human: bool) -> Sequence[str]:
        return self._histories.of_mode(human=human).get_strings()

    def edit(self, text: str) -> None:
        if self._is_dumb:
            raise UsageError("on this terminal a line cannot be changed before it is sent")
        self._display.make_way()
        self.draft = Document(edit_text(text, self._find_session().outputs.background))
