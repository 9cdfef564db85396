"""Names that the session knows: variables, the members of their values, addresses of VMs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from ..complete import Candidate, Kind, NameRequest, NameSource
from ..language import ParseError
from ..language.references import EACH, Reference, parse_bare_word
from ..static_typing import Any
from .known_addresses import KnownAddress
from .variables import Variables, describe_value, member, members

_MOST_OFFERED = 500
_MOST_SEARCHED = 100


class SessionNames:
    """The names of a VM, and of a session. (A :class:`~qmp_shell.complete.NameSource`.)"""

    def __init__(
        self,
        names: NameSource,
        variables: Variables,
        find_addresses: Callable[[], Iterable[KnownAddress]] = lambda: (),
    ) -> None:
        """:param find_addresses: returns those that can be attached to."""
        self._names = names
        self._variables = variables
        self._find_addresses = find_addresses

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        if request.kind == Kind.REFERENCE:
            return list(islice(self._references(request.typed), _MOST_OFFERED))
        if request.kind == Kind.VARIABLE:
            return [Candidate(name, self._variables.describe(name)) for name, _ in self._variables]
        if request.kind == Kind.SOCKET:
            typed = request.typed.lower()  # other letters of a path may be those by chance
            return [Candidate(*each) for each in self._find_addresses() if typed in each[0].lower()]
        return self._names.candidates(request)

    def _references(self, typed: str) -> Iterator[Candidate]:
        """References that begin as the typed one does, and what they stand for."""
        before, dot, _ = typed.rpartition(".")
        if not dot:
            for name, value in self._variables:
                yield from _offer(f"${name}", (), value, self._variables.describe(name))
            return
        reference = parse_bare_word(before, 0)
        if not isinstance(reference, Reference):
            return
        try:
            values = self._variables.find_each(reference)
        except ParseError:
            return
        # Where a "*" stands for several, one may have members that another lacks.
        found = {
            part: value for value in reversed(values[:_MOST_SEARCHED]) for part in members(value)
        }
        for part, value in found.items():
            inner = member(value, part)
            path = (*reference.path, part)
            yield from _offer(f"{before}.{part}", path, inner, describe_value(inner))


def _offer(text: str, path: tuple[str, ...], value: Any, description: str) -> Iterator[Candidate]:
    """A reference as a candidate, and with a dot if its value has members.

    :param path: what it is to be read as; a member whose name has a dot cannot be referred to.
    """
    reference = parse_bare_word(text, 0)
    if isinstance(reference, Reference) and reference.path == path and path[-1:] != (EACH,):
        yield Candidate(text, description)
        if isinstance(value, dict | list) and value:
            yield Candidate(f"{text}.", "its members")
