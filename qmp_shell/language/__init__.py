"""The command notation: text typed by a user to QMP messages, and messages back to text.

Physical lines go through a :class:`LineJoiner`, which joins those that belong together, and
the logical lines it returns go through a :class:`StatementParser`. The values that are bare
words then get their types from the VM's schema (``word_types.py``).

This package is pure: it knows nothing of sockets, terminals or VMs.
"""

from __future__ import annotations

from .destination import Destination, OutputFile, ViewRequest, split_destination
from .line_joiner import LineJoiner
from .logical_line import LogicalLine, ParseError
from .statement import (
    DescriptorFile,
    DotStatement,
    ExecuteStatement,
    StatementParser,
    is_dot_command,
    is_help_line,
)
from .values import has_ambiguous_words

__all__ = [
    "DescriptorFile",
    "Destination",
    "DotStatement",
    "ExecuteStatement",
    "LineJoiner",
    "LogicalLine",
    "OutputFile",
    "ParseError",
    "StatementParser",
    "ViewRequest",
    "has_ambiguous_words",
    "is_dot_command",
    "is_help_line",
    "split_destination",
]
