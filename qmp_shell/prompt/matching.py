"""Which candidates match what is typed, the best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..complete import Candidate


class Match(NamedTuple):
    """A candidate that matches.

    :ivar places: where the typed letters stand in it, if they are not together; else empty.
    """

    candidate: Candidate
    places: tuple[int, ...] = ()


def matching(candidates: Iterable[Candidate], typed: str) -> Iterator[Match]:
    """The candidates that contain what is typed, the best match first.

    That is: equal, beginning so, with a word that begins so, others. If there is none, those
    that have its letters in their order.
    """
    candidates = list(candidates)
    folded = fold(typed)
    found = [each for each in candidates if folded in fold(each.text)]

    def rank(candidate: Candidate) -> int:
        text = fold(candidate.text)
        if text == folded:
            return 0
        at = text.index(folded)
        return 1 if at == 0 else 2 if not text[at - 1].isalnum() else 3

    for candidate in sorted(found, key=rank):
        yield Match(candidate)
    if not found:
        yield from _fuzzy_matching(candidates, folded)


def _fuzzy_matching(candidates: Iterable[Candidate], folded: str) -> Iterator[Match]:
    """The candidates that have the typed letters in their order, those close together first.

    (prompt_toolkit's own matching takes more than linear time for names that a VM could choose.)
    """
    found = []
    for candidate in candidates:
        places = find_letters(folded, fold(candidate.text))
        if places is not None:
            found.append((places[0], places[-1] - places[0], Match(candidate, tuple(places))))
    for _, _, match in sorted(found, key=lambda each: each[:2]):
        yield match


def find_letters(letters: str, text: str) -> list[int] | None:
    """Where some letters stand in a text, in their order; None: not all of them do."""
    places: list[int] = []
    start = 0
    for letter in letters:
        place = text.find(letter, start)
        if place < 0:
            return None
        places.append(place)
        start = place + 1
    return places


def fold(text: str) -> str:
    """Text to be compared: QEMU uses both ``-`` and ``_`` in names."""
    return text.lower().replace("_", "-")
