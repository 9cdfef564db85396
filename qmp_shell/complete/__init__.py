"""What could come next on a line. Pure: the names come from whoever asks."""

from __future__ import annotations

from .engine import Candidate, Kind, Names, Wanted, candidates, wanted

__all__ = ["Candidate", "Kind", "Names", "Wanted", "candidates", "wanted"]
