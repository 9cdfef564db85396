"""prompt_toolkit's completers, fed from the completion engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import time
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

from ..complete import Candidate, Completions, Kind, complete, insertion
from ..errors import ConnectionLost
from ..render.text import sanitize_line
from ..session import Session
from ..session.names import SessionNames
from ..vm.answers import PATIENCE

# What stands before a path.
_PATH_SCHEMES = ("unix:", "file:")
# A menu on a terminal of fewer columns has no room for descriptions.
_NARROW = 60


class SessionCompleter(Completer):
    """Completes what the session knows, those names first that match what is typed best.

    :param on_lost: is told when the VM turns out to be lost.
    """

    def __init__(self, session: Session, on_lost: Callable[[ConnectionLost], None]) -> None:
        self._session = session
        self._on_lost = on_lost
        self._names = SessionNames(session)
        self._paths = PathCompleter(expanduser=True)
        self._sockets = PathCompleter(expanduser=True, file_filter=_is_socket_or_folder)
        self._waiter: asyncio.Future[None] | None = None

    def heard(self) -> None:
        """The VM has said something."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _hear(self, seconds: float) -> None:
        """Wait for the VM to say something, if it does so in time."""
        self._waiter = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waiter, seconds)

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """What is known, and what a VM that answers at once makes known; typing goes on."""
        found = list(self.get_completions(document, complete_event))
        end = time.monotonic() + PATIENCE
        while self._session.knowledge.catalog.awaited and (left := end - time.monotonic()) > 0:
            await self._hear(left)
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
        if options.files is not None:
            yield from self._files(options, complete_event)
        if options.typed or before.endswith("=") or complete_event.completion_requested:
            yield from _matching(options)

    def _files(self, options: Completions, complete_event: CompleteEvent) -> Iterator[Completion]:
        scheme, path = "", options.typed
        if options.files != Kind.FILE:
            scheme, path = _split_scheme(options.typed)
        if options.files == Kind.URI and scheme not in _PATH_SCHEMES:
            return
        paths = self._sockets if options.files == Kind.SOCKET else self._paths
        for found in paths.get_completions(Document(path), complete_event):
            full = os.path.expanduser(path + found.text)
            is_folder = os.path.isdir(full)
            text = scheme + full + "/" * is_folder
            yield from _completion(
                Candidate(text), options, is_open=is_folder, display=found.display
            )


def _is_socket_or_folder(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISSOCK(mode) or stat.S_ISDIR(mode)


def _split_scheme(text: str) -> tuple[str, str]:
    """``unix:/run/x`` to ``unix:`` and ``/run/x``."""
    scheme = next((each for each in _PATH_SCHEMES if text.startswith(each)), "")
    return scheme, text[len(scheme) :]


def _matching(options: Completions) -> Iterator[Completion]:
    """What is typed, what begins so, what has a word in it that does, what has it in the midst;
    or else its letters in order."""
    folded = _folded(options.typed)
    near = [each for each in options.candidates if folded in _folded(each.text)]

    def rank(candidate: Candidate) -> int:
        text = _folded(candidate.text)
        if text == folded:
            return 0
        at = text.index(folded)
        return 1 if at == 0 else 2 if not text[at - 1].isalnum() else 3

    for candidate in sorted(near, key=rank):
        yield from _completion(candidate, options)
    if not near:
        words = {each.text: each.description for each in options.candidates if each.text}
        fuzzy = FuzzyWordCompleter(list(words), words, WORD=True)
        for found in fuzzy.get_completions(Document(options.typed), CompleteEvent()):
            candidate = Candidate(found.text, words[found.text])
            is_plain = candidate.text.isprintable()
            yield from _completion(candidate, options, display=found.display if is_plain else None)


def _folded(text: str) -> str:
    """QEMU has - and _ in its names, and who can tell where."""
    return text.lower().replace("_", "-")


def _completion(
    candidate: Candidate,
    options: Completions,
    *,
    is_open: bool = False,
    display: AnyFormattedText = None,
) -> Iterator[Completion]:
    """What is put in the place of what is typed; nothing, if it can't be written there.

    :param is_open: more is to follow, so a string is not closed.
    """
    text = insertion(candidate, options, is_open=is_open)
    if text is None:
        return
    narrow = shutil.get_terminal_size().columns < _NARROW
    yield Completion(
        text,
        start_position=-len(options.quote + options.typed),
        display=display or sanitize_line(candidate.text),
        display_meta="" if narrow else sanitize_line(candidate.description),
    )
