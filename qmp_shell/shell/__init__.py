"""One session with a VM: runs a line, dot commands, the human monitor. No terminal in it."""

from __future__ import annotations

from .display import Display
from .dot import COMMANDS
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
