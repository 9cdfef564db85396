"""What completion asks for, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from ..schema import Enum, Object


class Candidate(NamedTuple):
    """Something that can stand at a place, and what it is."""

    text: str
    description: str = ""


class Wanted(NamedTuple):
    """A kind of name that can stand at a place.

    :ivar kind: one of :class:`~qmp_shell.complete.Kind`.
    :ivar typed: what of it stands there already.
    :ivar given: the command's other arguments, as far as they are typed.
    """

    kind: str
    typed: str = ""
    given: dict[str, Any] = {}  # noqa: RUF012 (never written to)


class Options(NamedTuple):
    """What can stand at the end of a text.

    :ivar typed: what of it stands there already.
    :ivar candidates: they take the place of what is typed.
    :ivar quote: a quote that stands before what is typed; it belongs behind it too.
    :ivar raw: what stands there is taken as it is, quotes and all.
    :ivar files: the kind of this host's files that can stand there; None: none can.
    """

    typed: str
    candidates: list[Candidate]
    quote: str = ""
    files: str | None = None
    raw: bool = False


class Names(Protocol):
    """Who knows the names."""

    def candidates(self, wanted: Wanted) -> Iterable[Candidate]:
        """The names of a kind."""


class Types(Protocol):
    """Who knows the types of arguments."""

    def commands(self) -> list[str]:
        """The names of all commands; empty while they are not known."""

    def arguments(self, name: str, given: dict[str, Any]) -> Object | None:
        """The type of a command's arguments, of which some are known."""

    def actions(self) -> Enum | None:
        """The types of action that a transaction takes."""

    def action(self, name: str) -> Object | None:
        """The type of an action's arguments."""
