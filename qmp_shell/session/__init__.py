"""One session with a VM: runs a line, dot commands, the human monitor. No terminal in it."""

from __future__ import annotations

from ..commands.dot import COMMANDS
from .display import Display
from .log import MessageLog
from .session import Connector, DotCommand, Session
from .settings import Settings, read_seconds

__all__ = [
    "COMMANDS",
    "Connector",
    "Display",
    "DotCommand",
    "MessageLog",
    "Session",
    "Settings",
    "read_seconds",
]
