"""Text to messages and back. Pure: no socket, no terminal, no VM.

Lines go through a :class:`Reader`, which puts together what belongs together, and then
through an :class:`Assembler`, which turns them into messages. Their bare words are typed
(``typing.py``) by the VM's schema, where one of them needs it.
"""

from __future__ import annotations

from .line_joiner import LineJoiner
from .logical_line import LogicalLine, ParseError
from .statement import (
    DescriptorFile,
    DotStatement,
    ExecuteStatement,
    StatementParser,
    is_dot_command,
)
from .values import has_ambiguous_words

__all__ = [
    "DescriptorFile",
    "DotStatement",
    "ExecuteStatement",
    "LineJoiner",
    "LogicalLine",
    "ParseError",
    "StatementParser",
    "has_ambiguous_words",
    "is_dot_command",
]
