"""prompt_toolkit's completers, fed from the completion engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable

from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    FuzzyWordCompleter,
    PathCompleter,
)
from prompt_toolkit.document import Document

from ..complete import Candidate, Kind, Wanted, candidates
from ..errors import ConnectionLost
from ..shell import Session
from ..shell.catalog import PATIENCE
from ..shell.names import SessionNames


class SessionCompleter(Completer):
    """Completes what the session knows, those names first that match what is typed best.

    :param on_lost: is told when the VM turns out to be lost.
    """

    def __init__(self, session: Session, on_lost: Callable[[ConnectionLost], None]) -> None:
        self._session = session
        self._on_lost = on_lost
        self._names = SessionNames(session)
        self._paths = PathCompleter(expanduser=True)
        self._waiter: asyncio.Future[None] | None = None

    def heard(self) -> None:
        """The VM has said something."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _hear(self) -> None:
        """Wait for the VM to say something, if it does so at once."""
        self._waiter = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waiter, PATIENCE)

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """What is known, and what a VM that answers at once makes known; typing goes on."""
        found = list(self.get_completions(document, complete_event))
        while self._session.catalog.awaited:
            await self._hear()
            found = list(self.get_completions(document, complete_event))
        for completion in found:
            yield completion

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        session = self._session
        try:
            found = candidates(
                document.text_before_cursor,
                self._names,
                human=session.human is not None,
                in_transaction=session.in_transaction,
            )
        except ConnectionLost as error:
            self._on_lost(error)
            return
        if found is None:
            return
        what, names = found
        if what.kind == Kind.FILE:
            path = Document(what.typed.removeprefix("unix:"))
            yield from self._paths.get_completions(path, complete_event)
        elif what.typed or complete_event.completion_requested:
            near = [name for name in names if what.typed in name.text]
            for name in sorted(near, key=lambda name: not name.text.startswith(what.typed)):
                yield _completion(name, what)
            if not near:  # any letters in their order will do
                words = {name.text: name.description for name in names}
                fuzzy = FuzzyWordCompleter(list(words), words, WORD=True)
                yield from fuzzy.get_completions(document, complete_event)


def _completion(name: Candidate, what: Wanted) -> Completion:
    return Completion(name.text, start_position=-len(what.typed), display_meta=name.description)
