"""prompt_toolkit's completer, fed by the completion of commands and of dot commands."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    FuzzyWordCompleter,
    PathCompleter,
)
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import AnyFormattedText

from ..commands.completion import complete_draft
from ..complete import Candidate, Completions, Kind, insertion
from ..render.text import sanitize_line
from ..session import Session
from ..vm.answers import SILENCE_SECONDS
from .assistant import Assistant

# What can stand before a path.
_PATH_SCHEMES = ("unix:", "file:")
# A menu on a terminal of fewer columns has no room for descriptions.
_NARROW_COLUMNS = 60


class SessionCompleter(Completer):
    """Completes what is typed, the names first that match it best."""

    def __init__(
        self, session: Session, assistant: Assistant, after_asking: Callable[[], None]
    ) -> None:
        """:param after_asking: is called after the VM may have been asked for names."""
        self._session = session
        self._assistant = assistant
        self._after_asking = after_asking
        self._files = _FileCompleter()
        self._answer: asyncio.Future[None] | None = None
        self._incomplete: Document | None = None

    def note_answer(self, buffer: Buffer) -> None:
        """The VM has sent something, which may be an answer that is waited for.

        :param buffer: what is being edited; if it was left without completions because the VM
            was slow, they are looked up again.
        """
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        elif self._incomplete is not None and not self._session.attachment.answers.is_silent:
            document, self._incomplete = self._incomplete, None
            if buffer.document == document:
                buffer.start_completion()

    async def _wait_for_answer(self, seconds: float) -> None:
        self._answer = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._answer, seconds)

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """What is known, and what a VM that answers soon makes known. Typing goes on meanwhile."""
        self._incomplete = None
        found = list(self.get_completions(document, complete_event))
        end = time.monotonic() + SILENCE_SECONDS
        answers = self._session.attachment.answers
        while answers.is_awaiting and (left := end - time.monotonic()) > 0:
            await self._wait_for_answer(left)
            found = list(self.get_completions(document, complete_event))
        self._incomplete = document if answers.has_open_questions else None
        for completion in found:
            yield completion

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """What is known already."""
        session = self._session
        draft = self._assistant.draft_of(document)
        attachment = session.attachment
        completions = complete_draft(
            draft, session.commands, attachment.names, attachment.known_types
        )
        self._after_asking()
        if completions is None:
            return
        if completions.files is not None:
            yield from self._files.complete(completions, complete_event)
        is_requested = complete_event.completion_requested or draft.before.endswith("=")
        if completions.typed or is_requested:
            yield from _matching(completions)


class _FileCompleter:
    """Completes the names of files and of sockets on this host."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)
        self._sockets = PathCompleter(expanduser=True, file_filter=_is_socket_or_directory)

    def complete(
        self, completions: Completions, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        scheme, path = "", completions.typed
        if completions.files != Kind.FILE:
            scheme, path = _split_scheme(completions.typed)
        if completions.files == Kind.URI and scheme not in _PATH_SCHEMES:
            return
        completer = self._sockets if completions.files == Kind.SOCKET else self._paths
        for found in completer.get_completions(Document(path), complete_event):
            full_path = os.path.expanduser(path + found.text)
            is_directory = os.path.isdir(full_path)
            candidate = Candidate(scheme + full_path + "/" * is_directory)
            yield from _completion(
                candidate, completions, is_open=is_directory, display=found.display
            )


def _is_socket_or_directory(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISSOCK(mode) or stat.S_ISDIR(mode)


def _split_scheme(text: str) -> tuple[str, str]:
    """``unix:/run/x`` to ``unix:`` and ``/run/x``."""
    scheme = next((each for each in _PATH_SCHEMES if text.startswith(each)), "")
    return scheme, text[len(scheme) :]


def _matching(completions: Completions) -> Iterator[Completion]:
    """The candidates that contain what is typed, the best match first.

    That is: equal, beginning so, with a word that begins so, others. If there is none, those
    that have its letters in their order.
    """
    folded = _fold(completions.typed)
    matching = [each for each in completions.candidates if folded in _fold(each.text)]

    def rank(candidate: Candidate) -> int:
        text = _fold(candidate.text)
        if text == folded:
            return 0
        at = text.index(folded)
        return 1 if at == 0 else 2 if not text[at - 1].isalnum() else 3

    for candidate in sorted(matching, key=rank):
        yield from _completion(candidate, completions)
    if not matching:
        by_text = {each.text: each for each in completions.candidates if each.text}
        fuzzy = FuzzyWordCompleter(list(by_text), WORD=True)
        for found in fuzzy.get_completions(Document(completions.typed), CompleteEvent()):
            display = found.display if found.text.isprintable() else None
            yield from _completion(by_text[found.text], completions, display=display)


def _fold(text: str) -> str:
    """Text to be compared: QEMU uses both ``-`` and ``_`` in names."""
    return text.lower().replace("_", "-")


def _completion(
    candidate: Candidate,
    completions: Completions,
    *,
    is_open: bool = False,
    display: AnyFormattedText = None,
) -> Iterator[Completion]:
    """What takes the place of what is typed; nothing, if it cannot be written there.

    :param is_open: more is to follow, so a string in quotes is not closed.
    """
    text = insertion(candidate, completions, is_open=is_open)
    if text is None:
        return
    is_narrow = shutil.get_terminal_size().columns < _NARROW_COLUMNS
    yield Completion(
        text,
        start_position=-len(completions.quote + completions.typed),
        display=display or sanitize_line(candidate.text),
        display_meta="" if is_narrow else sanitize_line(candidate.description),
    )
