"""The names of :mod:`typing` for the modules that every script imports.

They mean something to type checkers only. To import ``typing`` itself, and to make classes with it,
took a seventh of the instructions of a one-shot command.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers take this name for true."""

if TYPE_CHECKING:
    from typing import Any, Generic, NewType, NoReturn, Protocol, Self, TextIO, TypeVar, overload
else:
    Any = NoReturn = Self = TextIO = Protocol = object

    class Generic:
        """A base class that can be given types: ``Generic[T]``."""

        def __class_getitem__(cls, _):
            return cls

    def NewType(_, base):  # noqa: N802
        return base

    def TypeVar(name):  # noqa: N802
        return name

    def overload(function):
        return function


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "Generic",
    "NewType",
    "NoReturn",
    "Protocol",
    "Self",
    "TextIO",
    "TypeVar",
    "overload",
]
