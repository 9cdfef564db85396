"""The variables of a dry run, which has no replies: it is known which there are, but no values."""

from __future__ import annotations

from ..language.references import Reference
from ..schema import UnknownValue
from ..static_typing import Any
from .variables import Variables


class UnknownVariables(Variables):
    """Variables that stand for something of each type. They are shown as they are written."""

    def find_each(self, reference: Reference) -> list[Any]:
        self._root(reference)
        return [UnknownValue(reference)]
