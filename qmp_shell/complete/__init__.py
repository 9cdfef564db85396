"""What could come next on a line. Pure: the names and types come from whoever asks."""

from __future__ import annotations

from .engine import complete
from .insertion import insertion
from .kinds import Kind
from .line import Line, open_line, signature_of, unknown_words
from .options import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource

__all__ = [
    "Candidate",
    "Completions",
    "Kind",
    "Line",
    "NameRequest",
    "NameSource",
    "Syntax",
    "TypeSource",
    "complete",
    "insertion",
    "open_line",
    "signature_of",
    "unknown_words",
]
