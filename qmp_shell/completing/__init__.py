"""Completion on the command line of bash, zsh and fish: ``qmp-shell --complete TEXT``.

The scripts in ``completions/`` only pass on what is typed, and insert what is answered.
"""

from __future__ import annotations

from .answer import print_completions

__all__ = ["print_completions"]
