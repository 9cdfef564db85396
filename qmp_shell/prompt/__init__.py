"""The interactive front end, and the only user of prompt_toolkit."""

from __future__ import annotations

from .loop import run_prompt

__all__ = ["run_prompt"]
