"""prompt_toolkit's completers, fed from the completion engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    FuzzyWordCompleter,
    PathCompleter,
)
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import AnyFormattedText

from ..complete import Candidate, Options, complete
from ..errors import ConnectionLost
from ..shell import Session
from ..shell.catalog import PATIENCE
from ..shell.names import SessionNames

_NEED_QUOTES = " \t\"'"


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
        while self._session.knowledge.catalog.awaited:
            await self._hear()
            found = list(self.get_completions(document, complete_event))
        for completion in found:
            yield completion

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """What is known already."""
        before = document.text_before_cursor
        session = self._session
        try:
            options = complete(
                before,
                self._names,
                session.knowledge.known_types,
                after=document.text_after_cursor,
                human=session.human is not None,
                in_transaction=session.in_transaction,
            )
        except ConnectionLost as error:
            self._on_lost(error)
            return
        if options is None:
            return
        if options.files:
            yield from self._files(options, complete_event)
        if options.typed or before.endswith("=") or complete_event.completion_requested:
            yield from _matching(options)

    def _files(self, options: Options, complete_event: CompleteEvent) -> Iterator[Completion]:
        typed = options.typed.removeprefix("unix:")
        quote = options.quote
        for found in self._paths.get_completions(Document(typed), complete_event):
            path = typed + found.text
            yield _completion(Candidate(path), typed, quote, display=found.display)


def _matching(options: Options) -> Iterator[Completion]:
    """What begins as is typed, then what has it in the midst, or else its letters in order."""
    typed = options.typed
    near = [each for each in options.candidates if typed in each.text]
    for candidate in sorted(near, key=lambda each: not each.text.startswith(typed)):
        yield _completion(candidate, typed, options.quote)
    if not near:
        words = {each.text: each.description for each in options.candidates}
        fuzzy = FuzzyWordCompleter(list(words), words, WORD=True)
        for found in fuzzy.get_completions(Document(typed), CompleteEvent()):
            candidate = Candidate(found.text, words[found.text])
            yield _completion(candidate, typed, options.quote, display=found.display)


def _completion(
    candidate: Candidate, typed: str, quote: str, display: AnyFormattedText = None
) -> Completion:
    """What is put in the place of what is typed, in quotes if it needs them."""
    text = candidate.text
    if quote:
        text = quote + text + quote
    elif any(character in _NEED_QUOTES for character in text):
        text = json.dumps(text, ensure_ascii=False)
    return Completion(
        text,
        start_position=-len(quote + typed),
        display=display or candidate.text,
        display_meta=candidate.description,
    )
