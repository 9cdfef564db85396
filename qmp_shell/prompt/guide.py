"""What the editor tells of the line while it is typed: its signature, and unknown names."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_width
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.utils import get_cwidth

from ..complete import Line, open_line, signature_of, unknown_words
from ..errors import ConnectionLost
from ..language import is_dot_command
from ..session import Session

UNKNOWN_STYLE = "class:unknown"


class Guide(Processor):
    """Marks names that the VM does not know, and writes the toolbar."""

    def __init__(self, session: Session, on_lost: Callable[[ConnectionLost], None]) -> None:
        """:param on_lost: is told when the VM turns out to be lost."""
        self._session = session
        self._on_lost = on_lost
        self._looking: asyncio.AbstractEventLoop | None = None

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Mark what is unknown in the line that the end of the text is in."""
        fragments = transformation_input.fragments
        document = transformation_input.document
        if transformation_input.lineno != document.line_count - 1:
            return Transformation(fragments)
        line = self._read(document.text)
        if line is None:
            return Transformation(fragments)
        characters = explode_text_fragments(fragments)
        try:
            spans = list(unknown_words(line, self._session.knowledge.known_types))
        except ConnectionLost as error:
            self._on_lost(error)
            return Transformation(fragments)
        joined = len(open_line(document.text) or "") - len(document.lines[-1])
        for start, end in spans:
            for index in range(max(start - joined, 0), min(end - joined, len(characters))):
                style, text, *_ = characters[index]
                characters[index] = (f"{style} {UNKNOWN_STYLE}", text)
        return Transformation(characters)

    def toolbar(self, before: str, after: str) -> StyleAndTextTuples:
        """The signature of the command being typed, with the argument that the cursor is in."""
        line = self._read(before, after)
        types = self._session.knowledge.known_types
        try:
            found = signature_of(line, types) if line is not None else None
        except ConnectionLost as error:
            self._on_lost(error)
            found = None
        if found is None:
            return self._status()
        words: StyleAndTextTuples = []
        at = 0
        for part in found.parts:
            style = "class:toolbar.given" if part.name in found.given else "class:toolbar.argument"
            if part.name == found.current:
                style = "class:toolbar.current"
                at = len(words)
            words.append((style, part.text))
        room = shutil.get_terminal_size().columns - 1 - get_cwidth(found.name)
        fragments: StyleAndTextTuples = [("class:toolbar.name", found.name)]
        for word in _fitted(words, at, room):
            fragments += [("", " "), word]
        return fragments

    def _status(self) -> StyleAndTextTuples:
        """The VM's name, run state, jobs and migration."""
        if not self._session.connected:
            return [("", "no VM")]
        status = self._session.knowledge.status
        try:
            parts = status.parts()
        except ConnectionLost as error:
            self._on_lost(error)
            return []
        loop = asyncio.get_running_loop()
        if status.again_at is not None and self._looking is not loop:
            self._looking = loop  # each prompt has one of its own, and its timers end with it
            loop.call_later(max(status.again_at - time.monotonic(), 0), self._look_again)
        if self._session.knowledge.catalog.is_silent:
            parts = [*parts, "(no answer)"]
        words: StyleAndTextTuples = [("", part) for part in parts]
        room = shutil.get_terminal_size().columns - 1
        return [("", "  ".join(text for _, text, *_ in _fitted(words, 0, room - len(words))))]

    def _look_again(self) -> None:
        self._looking = None
        get_app().invalidate()

    def _read(self, before: str, after: str = "") -> Line | None:
        session = self._session
        if session.human is not None or is_dot_command(before + after):
            return None
        return Line.read(before, after, in_transaction=session.in_transaction)


def _fitted(words: StyleAndTextTuples, at: int, room: int) -> StyleAndTextTuples:
    """As many words as there is room for, that at an index among them."""
    start, end = at, min(at + 1, len(words))
    more: StyleAndTextTuples = [("", "...")]

    def fits(*others: StyleAndTextTuples) -> bool:
        return sum(fragment_list_width(each) + len(each) for each in others) <= room

    while True:
        marks = more * ((start > 0) + (end < len(words)))
        if end < len(words) and fits(words[start : end + 1], marks):
            end += 1
        elif start > 0 and fits(words[start - 1 : end], marks):
            start -= 1
        else:
            break
    return [*more * (start > 0), *words[start:end], *more * (end < len(words))]
