"""Ctrl-C, SIGTERM and SIGHUP at the prompt.

A signal is acted on at two places only: in the event loop of the prompt that is being edited, and
while a command runs. Anywhere else, in the midst of prompt_toolkit or asyncio, it is only noted;
an exception there would end the session or leave it stuck.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application
from prompt_toolkit.document import Document
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.keys import Keys

from ..signals import ended_by_signals, postpone_where_lost
from ..static_typing import Any

# How long the event loop may take to end, in seconds.
_STUCK_SECONDS = 3.0


class PromptSignals:
    """What the signals do, as long as :meth:`handled` lasts."""

    def __init__(self, on_fault: Callable[[BaseException], None]) -> None:
        """:param on_fault: is given an exception that was raised in a prompt's event loop."""
        self._on_fault = on_fault
        self._app: Application[str] | None = None
        self._may_raise = False
        self._may_interrupt = False
        self._is_interrupted = False
        self._end: SystemExit | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals here.

        SIGINT stays ignored if it was. After a signal that ends the shell, it does nothing.
        """
        before = signal.getsignal(signal.SIGINT)
        if before != signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._note_interrupt)
        try:
            with ended_by_signals(self._note_end):
                yield
        finally:
            if self._end is None:
                signal.signal(signal.SIGINT, before)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Have the signals raise exceptions, as while a command runs.

        :raise KeyboardInterrupt: Ctrl-C was pressed, perhaps just before.
        :raise SystemExit: SIGTERM or SIGHUP came.
        """
        with self._state(may_raise=True):
            self._raise_end()
            if self._is_interrupted:
                self._is_interrupted = False
                raise KeyboardInterrupt
            yield

    def read(
        self,
        prompt: PromptSession[str],
        message: str | None = None,
        *,
        start: Callable[[], object],
        default: Document | None = None,
    ) -> str:
        """Have a line edited.

        :param message: what stands before the line; None: what the prompt itself says.
        :param default: what stands in the line already, and the cursor in it.
        :param start: is called when the event loop runs.
        :raise EOFError, KeyboardInterrupt: Ctrl-D on an empty line, Ctrl-C.
        :raise SystemExit: SIGTERM or SIGHUP came.
        """

        def begin() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(self._handle_fault)
            loop.call_soon(self._act)
            start()

        with self._state(may_raise=False):
            self._raise_end()
            self._is_interrupted = False
            self._app = prompt.app
            try:
                text = prompt.prompt(
                    message,
                    default=default or "",
                    pre_run=begin,
                    set_exception_handler=False,
                    handle_sigint=False,
                )
                self._note_typed_interrupt(prompt)
            finally:
                self._app = None
                self._raise_end()
        return text

    @contextmanager
    def _state(self, *, may_raise: bool) -> Iterator[None]:
        before = self._may_raise, self._may_interrupt
        self._may_raise = self._may_interrupt = may_raise
        try:
            yield
        finally:
            self._may_raise, self._may_interrupt = before

    def _raise_end(self) -> None:
        if self._end is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise self._end

    def _note_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._end is not None:
            return  # an exception for this one would take the place of that for the end
        if self._may_interrupt:
            if postpone_where_lost(number, frame):
                return
            self._may_interrupt = False  # a second one must not interrupt what the first one causes
            with suppress(termios.error):  # the terminal is gone
                termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before is dropped
            raise KeyboardInterrupt
        self._is_interrupted = True
        self._wake()

    def _note_end(self, end: SystemExit) -> bool:
        """:return: whether the exception is raised later."""
        self._end = end
        if self._may_raise:
            return False
        self._wake()
        # If the terminal takes nothing any more, the event loop is stuck in writing to it.
        signal.signal(signal.SIGALRM, self._end_at_once)
        signal.setitimer(signal.ITIMER_REAL, _STUCK_SECONDS)
        return True

    @staticmethod
    def _end_at_once(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    def _wake(self) -> None:
        """Have the running event loop act on what was noted."""
        if self._app is not None and self._app.loop is not None:
            self._app.loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        app = self._app
        if app is None or not app.is_running or app.is_done:
            return  # the line has just been entered
        if self._end is not None:
            app.exit(exception=self._end)
        elif self._is_interrupted:
            self._is_interrupted = False
            app.key_processor.send_sigint()

    def _note_typed_interrupt(self, prompt: PromptSession[str]) -> None:
        """A Ctrl-C that was typed right behind Enter is for the command, as it is a bit later."""
        keys = get_typeahead(prompt.input)
        typed = [index for index, press in enumerate(keys) if press.key == Keys.ControlC]
        if typed:
            self._is_interrupted = True
            del keys[: typed[-1] + 1]
        store_typeahead(prompt.input, keys)

    def _handle_fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._on_fault(context.get("exception") or RuntimeError(context["message"]))
