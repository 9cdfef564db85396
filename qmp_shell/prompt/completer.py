"""prompt_toolkit's completer, fed by the completion of commands and of dot commands."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    PathCompleter,
)
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import (
    AnyFormattedText,
    StyleAndTextTuples,
    fragment_list_to_text,
    to_formatted_text,
)

from ..commands.completion import complete_draft
from ..complete import Candidate, Completions, Draft, Kind, Syntax, insertion
from ..render.text import sanitize_line
from ..session import Session
from ..vm.answers import SILENCE_SECONDS
from .assistant import Assistant
from .drawing import call_when_drawn
from .insertion import NameCompletion, ends_open, insert_common, show_menu
from .matching import matching

# What can stand before a path.
_PATH_SCHEMES = ("unix:", "file:")
# A menu on a terminal of fewer columns has no room for descriptions.
_NARROW_COLUMNS = 60
# How many characters of a name or a description are displayed; no menu is wider.
_LONGEST_SHOWN = 500


_REQUESTED = CompleteEvent(completion_requested=True)
_TYPED = CompleteEvent(text_inserted=True)


class _LateRequest(NamedTuple):
    """What is to be completed once the VM has answered."""

    document: Document
    event: CompleteEvent


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
        self._waiting: set[asyncio.Future[None]] = set()  # for an answer
        self._late: _LateRequest | None = None

    def begin_line(self) -> None:
        """Forget the completions of the line before, which the VM has not sent yet."""
        self._late = None

    def is_late(self, document: Document) -> bool:
        """Whether completions of a document are still to come, because the VM is slow."""
        return self._late is not None and self._late.document == document

    def insert_common(self, buffer: Buffer) -> None:
        """Insert what all completions have in common, and show the menu of what is left."""
        self._complete(buffer, _REQUESTED, self._insert)

    def accept_selected(self, buffer: Buffer) -> None:
        """Take the selected completion; if more can follow it at once, show the next menu.

        That is the one which typing would show, also if the VM is slow: it inserts nothing.
        """
        buffer.complete_state = None
        if ends_open(buffer.document):
            self._complete(buffer, _TYPED, show_menu)

    def _complete(
        self,
        buffer: Buffer,
        event: CompleteEvent,
        use: Callable[[Buffer, list[NameCompletion]], None],
    ) -> None:
        """Use the completions at once, or when the VM has answered if it is asked for them."""
        found = list(self.get_completions(buffer.document, event))
        answers = self._session.attachment.answers
        if answers.is_awaiting:
            later = self._complete_later(buffer, buffer.document, event, use)
            get_app().create_background_task(later)
            return
        if answers.has_open_questions:
            self._remember(buffer.document, event)
        use(buffer, found)

    async def _complete_later(
        self,
        buffer: Buffer,
        document: Document,
        event: CompleteEvent,
        use: Callable[[Buffer, list[NameCompletion]], None],
    ) -> None:
        completions = self.get_completions_async(document, event)
        found = [completion async for completion in completions]
        is_edited = buffer.document == document and not get_app().is_done
        if is_edited and not self.is_late(document):
            use(buffer, found)

    def _insert(self, buffer: Buffer, completions: list[NameCompletion]) -> None:
        if insert_common(buffer, completions):
            show_menu(buffer, list(self.get_completions(buffer.document, _REQUESTED)))
        else:
            buffer.complete_state = None

    def note_answer(self, buffer: Buffer) -> None:
        """The VM has sent something, which may be an answer that is waited for.

        :param buffer: what is being edited; if it was left without completions because the VM
            was slow, they are looked up again.
        """
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        if self._late is not None and not self._session.attachment.answers.is_silent:
            late, self._late = self._late, None
            if buffer.document == late.document:
                if late.event.completion_requested:
                    self.insert_common(buffer)
                else:
                    buffer.complete_state = None  # a menu is not replaced otherwise
                    buffer.start_completion(complete_event=late.event)

    async def _wait_for_answer(self, seconds: float) -> None:
        answered = asyncio.get_running_loop().create_future()
        self._waiting.add(answered)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(answered, seconds)
        finally:
            self._waiting.discard(answered)

    def _remember(self, document: Document, event: CompleteEvent) -> None:
        """Complete a document, if it is still what is typed, once the VM has answered.

        What Tab asked for is more than the menu that typing asks for, whichever comes last.
        """
        is_more = event.completion_requested or not self.is_late(document)
        if is_more and document == get_app().current_buffer.document:
            self._late = _LateRequest(document, event)

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[NameCompletion, None]:
        """What is known, and what a VM that answers soon makes known. Typing goes on meanwhile."""
        if self._late is not None and self._late.document != get_app().current_buffer.document:
            self._late = None
        if not complete_event.completion_requested:
            await _until_drawn()
        found = list(self.get_completions(document, complete_event))
        end = time.monotonic() + SILENCE_SECONDS
        answers = self._session.attachment.answers
        while answers.is_awaiting and (left := end - time.monotonic()) > 0:
            await self._wait_for_answer(left)
            found = list(self.get_completions(document, complete_event))
        if answers.has_open_questions:
            self._remember(document, complete_event)
            get_app().invalidate()  # the toolbar tells of it
        for completion in found:
            yield completion

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[NameCompletion]:
        """What is known already."""
        is_narrow = shutil.get_terminal_size().columns < _NARROW_COLUMNS
        for completion in self._find(document, complete_event):
            yield _without_description(completion) if is_narrow else completion

    def _find(self, document: Document, complete_event: CompleteEvent) -> Iterator[NameCompletion]:
        session = self._session
        draft = self._assistant.draft_of(document)
        attachment = session.attachment
        completions = complete_draft(
            draft,
            session.commands,
            session.names,
            attachment.known_types,
            session.replies.last,
        )
        self._after_asking()
        if completions is None:
            return
        names = set()
        is_requested = complete_event.completion_requested or _begins_value(draft, completions)
        if completions.typed or is_requested:
            for match in matching(completions.candidates, completions.typed):
                display = _marked(match.candidate.text, match.places) if match.places else None
                names.add(match.candidate.text)
                yield from _completion(match.candidate, completions, display=display)
        if completions.files is not None:
            for file in self._files.complete(completions, complete_event):
                if file.name not in names:  # what was described is not offered twice
                    yield file


async def _until_drawn() -> None:
    """Wait until what was typed has been drawn, so that completion does not delay that."""
    drawn = asyncio.Event()
    call_when_drawn(drawn.set)
    await drawn.wait()


def _begins_value(draft: Draft, completions: Completions) -> bool:
    """Whether what was typed last shows that a value, or a string in a literal, is to follow."""
    if completions.syntax is Syntax.LITERAL:
        return completions.quote != "" or draft.before.rstrip().endswith(":")
    return draft.before.endswith("=")


def _without_description(completion: NameCompletion) -> NameCompletion:
    text, start = completion.text, completion.start_position
    return NameCompletion(
        text, start, completion.name, completion.typed, display=completion.display
    )


class _FileCompleter:
    """Completes the names of files and of sockets on this host."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)
        self._sockets = PathCompleter(expanduser=True, file_filter=_is_socket_or_directory)

    def complete(
        self, completions: Completions, complete_event: CompleteEvent
    ) -> Iterator[NameCompletion]:
        scheme, path = "", completions.typed
        if completions.files != Kind.FILE:
            scheme, path = _split_scheme(completions.typed)
        if completions.files == Kind.URI and scheme not in _PATH_SCHEMES:
            return
        if not _is_path(path):
            return
        completer = self._sockets if completions.files == Kind.SOCKET else self._paths
        shows_hidden = os.path.basename(path) != ""
        for found in completer.get_completions(Document(path), complete_event):
            if found.text.startswith(".") and not shows_hidden:
                continue
            full_path = os.path.expanduser(path + found.text)
            is_directory = os.path.isdir(full_path)
            candidate = Candidate(scheme + full_path + "/" * is_directory)
            yield from _completion(
                candidate,
                completions,
                is_open=is_directory,
                display=sanitize_line(fragment_list_to_text(to_formatted_text(found.display))),
            )


def _is_path(text: str) -> bool:
    """Whether a text can be a path at all: a NUL or half a surrogate pair cannot be in one."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


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


def _marked(text: str, places: Collection[int]) -> StyleAndTextTuples | None:
    """A text to display, with the letters at some places marked."""
    if not text.isprintable() or len(text) > _LONGEST_SHOWN:
        return None
    style = ("class:fuzzymatch.outside", "class:fuzzymatch.inside.character")
    return [(style[index in places], letter) for index, letter in enumerate(text)]


def _completion(
    candidate: Candidate,
    completions: Completions,
    *,
    is_open: bool = False,
    display: AnyFormattedText = None,
) -> Iterator[NameCompletion]:
    """What takes the place of what is typed; nothing, if it cannot be written there.

    :param is_open: more is to follow, so a string in quotes is not closed.
    """
    text = insertion(candidate, completions, is_open=is_open)
    if text is None:
        return
    yield NameCompletion(
        text,
        -len(completions.quote + completions.typed),
        candidate.text,
        completions.typed,
        display=display or sanitize_line(candidate.text[:_LONGEST_SHOWN]),
        description=sanitize_line(candidate.description[:_LONGEST_SHOWN]),
    )
