"""The dot commands: commands to the shell itself.

Each is a file of its own, which holds all of it: usage, summary, the parser of its argument, its
completion, and what it does. A command's file is imported when the command is first needed.
"""

from __future__ import annotations

from .registry import Registry

__all__ = ["Registry"]
