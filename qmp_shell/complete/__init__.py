"""What can come next on a line that is being typed. Pure: names and types come from the caller."""

from __future__ import annotations

from .analysis import Signature, find_signature, find_unknown_names
from .arguments import kind_at
from .commands import complete
from .draft import Draft, DraftKind
from .human import complete_human
from .in_literal import find_literal_signature
from .insertion import insertion
from .kinds import Kind
from .protocols import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource

__all__ = [
    "Candidate",
    "Completions",
    "Draft",
    "DraftKind",
    "Kind",
    "NameRequest",
    "NameSource",
    "Signature",
    "Syntax",
    "TypeSource",
    "complete",
    "complete_human",
    "find_literal_signature",
    "find_signature",
    "find_unknown_names",
    "insertion",
    "kind_at",
]
