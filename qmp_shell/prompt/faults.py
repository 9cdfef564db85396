"""Reports exceptions that nobody expected, each in one line; the session goes on."""

from __future__ import annotations

from ..errors import InternalError
from ..session import Session
from .terminal import TerminalDisplay


class FaultReporter:
    """Tells the user of exceptions that nobody expected, and logs them."""

    def __init__(self, display: TerminalDisplay, session: Session) -> None:
        self._display = display
        self._session = session
        self._reported: set[str] = set()

    def report(self, error: BaseException) -> None:
        """Report an exception, once for each line: drawing may raise it again and again."""
        text = str(InternalError(error))
        if text in self._reported:
            return
        self._reported.add(text)
        self._display.warning(text)
        self._session.tracer.note_fault(error)

    def forget(self) -> None:
        """Report exceptions again that were reported for the line before."""
        self._reported.clear()
