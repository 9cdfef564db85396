"""The kinds of completions: candidates, and what the shell is told to complete itself."""

from __future__ import annotations

from typing import NamedTuple


class Offer(NamedTuple):
    """A word that can stand in the place of the one that is being typed.

    :ivar start: so many characters of it are as the user has typed them.
    """

    word: str
    description: str = ""
    start: int = 0


class Delegation(NamedTuple):
    """Something that the shell itself completes.

    :ivar what: ``files``, ``sockets`` or ``command``.
    :ivar prefix: what of the word stands before the name of a file or socket.
    :ivar at: the word at which the command begins.
    """

    what: str
    prefix: str = ""
    at: int = 0


Answer = Offer | Delegation
