"""A base for classes that only hold values, for the modules that every script imports.

A named tuple or a dataclass would do the same, but to make one such class takes as long as to
import a module without one, since both compile code for it.
"""

from __future__ import annotations

from .static_typing import Any, Self


class Record:
    """Values that belong together. Two of a kind are equal if their values are."""

    __hash__ = None  # type: ignore[assignment]  # the values may be changed

    def __eq__(self, other: object) -> bool:
        return other is self or (type(other) is type(self) and vars(other) == vars(self))

    def replaced(self, **values: Any) -> Self:
        """A copy with some values replaced.

        :param values: by the names of the attributes.
        """
        copy = object.__new__(type(self))
        vars(copy).update(vars(self), **values)
        return copy

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"
