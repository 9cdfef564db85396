"""Completion on the command line of bash, zsh and fish: ``qmp-shell --complete TEXT``.

The scripts in ``completions/`` pass the typed text to the program, and its answer to the shell.
"""

from __future__ import annotations

from .answer import print_completions

__all__ = ["print_completions"]
