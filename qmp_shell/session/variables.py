"""Values that can be used again: ``$_``, the last return value, and what ``.let`` kept.

They are JSON values as a VM returned them, of any type and size.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from ..errors import UsageError
from ..language import ParseError
from ..language.references import EACH, Reference
from ..language.words import MAX_DEPTH
from ..render.text import shorten
from ..static_typing import Any

LAST, ITEM = "_", "it"
"""The variables that the shell sets itself: the last return value, and an item of ``.each``."""

# No list has as many items as a number of more digits counts.
_MOST_DIGITS = 10
# So many members of a value are named in an error message, and offered by completion.
_MOST_NAMED = 8
_LONGEST_SHOWN = 60


class Variables:
    """The variables of a session."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._secret: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Names and values, the last return value first."""
        return iter(self._values.items())

    def note_return(self, value: Any, *, is_secret: bool = False) -> None:
        """A command has returned a value."""
        self.keep(LAST, value, is_secret=is_secret)

    def check_name(self, name: str) -> None:
        """:raise UsageError: the shell sets the variable itself."""
        if name in (LAST, ITEM):
            raise UsageError(f"${name} is set by the shell; choose another name")

    def keep(self, name: str, value: Any, *, is_secret: bool = False) -> None:
        """Set a variable.

        :param is_secret: the value is not to be described.
        """
        self._values[name] = value
        (self._secret.add if is_secret else self._secret.discard)(name)

    def describe(self, name: str) -> str:
        """The value of a variable in a few words."""
        if name in self._secret:
            from ..language.secrets import HIDDEN

            return HIDDEN
        return describe_value(self._values[name])

    @contextmanager
    def item(self, value: Any) -> Iterator[None]:
        """A value is the item of ``.each`` as long as this context lasts."""
        self.keep(ITEM, value)
        try:
            yield
        finally:
            self._values.pop(ITEM, None)

    def find(self, reference: Reference) -> Any:
        """The value that a reference stands for.

        :raise ParseError: there is none.
        """
        if EACH in reference.path:
            raise ParseError(f"{EACH} is for .each; write an index or a name", reference.offset)
        value = self.find_each(reference)[0]
        if _is_deeper(value, MAX_DEPTH):
            text = f"{{}} is nested more than {MAX_DEPTH} levels deep"
            raise ParseError(text, reference.offset, quoted=str(reference))
        return value

    def find_each(self, reference: Reference) -> list[Any]:
        """All values that a reference stands for; without a ``*`` in its path it is one.

        Where a ``*`` stands for several, those that have no such part are left out.

        :raise ParseError: no value has it.
        """
        found = [self._root(reference)]
        for index, part in enumerate(reference.path):
            inner = list(_step(found, part))
            if found and not inner and part != EACH:
                path = ".".join([f"${reference.name}", *reference.path[: index + 1]])
                raise ParseError(_explain_missing(part, found), reference.offset, quoted=path)
            found = inner
        return found

    def _root(self, reference: Reference) -> Any:
        """The value of a reference's variable.

        :raise ParseError: it is not set.
        """
        if reference.name not in self._values:
            text = _explain_unset(reference.name)
            raise ParseError(text, reference.offset, quoted=f"${reference.name}")
        return self._values[reference.name]


def _explain_unset(name: str) -> str:
    if name == LAST:
        return "nothing was returned yet, so there is no {}; a text needs quotes"
    if name == ITEM:
        return "{} is set within .each only; a text needs quotes"
    return f"{{}} is not set; COMMAND | .let {name} sets it, and a text needs quotes"


def describe_value(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return shorten(f"{{{', '.join(list(value)[:_MOST_NAMED])}}}")
    return shorten(json.dumps(value, ensure_ascii=False)[:_LONGEST_SHOWN])


def members(value: Any) -> Iterator[str]:
    """The parts of a path that can follow a value."""
    if isinstance(value, dict):
        yield from value
    elif isinstance(value, list):
        yield from map(str, range(len(value)))


def member(value: Any, part: str) -> Any:
    """What a part of a path leads to.

    :raise LookupError: there is no such member.
    """
    if isinstance(value, dict):
        return value[part]
    if isinstance(value, list) and part.isascii() and part.isdecimal() and len(part) < _MOST_DIGITS:
        return value[int(part)]
    raise LookupError


def _step(values: Iterable[Any], part: str) -> Iterator[Any]:
    """What one part of a path leads to, in those values that have it."""
    for value in values:
        for each in members(value) if part == EACH else (part,):
            with suppress(LookupError):
                yield member(value, each)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether a value is nested deeper than so many levels."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(layer)


def _explain_missing(part: str, values: list[Any]) -> str:
    """
    :param part: the member, or the index.
    :param values: those that might have had it.
    """
    value = values[0]
    if len(values) > 1 and any(isinstance(each, dict) for each in values):
        value = {name: None for each in values if isinstance(each, dict) for name in each}
    if isinstance(value, list):
        return f"{{}} is not there: it is a list of {len(value)}"
    if not isinstance(value, dict):
        return "{} is not there: what is before it has no members"
    from ..schema.suggestions import similar_names

    similar = similar_names(part, value)
    listed = shorten(" or ".join(similar) or ", ".join(list(value)[:_MOST_NAMED]))
    names = listed.replace("{", "{{").replace("}", "}}")
    if similar:
        return f"{{}} is not there; did you mean {names}?"
    more = ", ..." if len(value) > _MOST_NAMED else ""
    return f"{{}} is not there; there are {names}{more}" if value else "{} is not there"
