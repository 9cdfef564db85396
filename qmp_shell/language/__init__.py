"""Text to messages and back. Pure: no socket, no terminal, no VM.

Lines go through a :class:`Reader`, which puts together what belongs together, and then
through an :class:`Assembler`, which turns them into messages. Their bare words are typed
(``typing.py``) by the VM's schema, where one of them needs it.
"""

from __future__ import annotations

from .reader import Reader
from .source import ParseError, Source
from .statement import Assembler, Dot, Execute, File, is_dot
from .values import has_ambiguous_words

__all__ = [
    "Assembler",
    "Dot",
    "Execute",
    "File",
    "ParseError",
    "Reader",
    "Source",
    "has_ambiguous_words",
    "is_dot",
]
