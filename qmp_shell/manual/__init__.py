"""QEMU's installed reference manual: find a page, parse it, and look up its sections.

The manual is on the user's disk (qemu-qmp-ref(7), qemu-ga-ref(7), qemu-storage-daemon-qmp-ref(7));
none of its text is part of this package. Only ``find.py`` opens files.
"""

from __future__ import annotations

from .find import open_manual
from .reference import Manual, MemberText, Section
from .troff import wrap

__all__ = ["Manual", "MemberText", "Section", "open_manual", "wrap"]
