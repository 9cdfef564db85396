"""One session with a VM: runs a line, dot commands, the human monitor. No terminal in it."""

from __future__ import annotations

from .dot import DotCommand
from .log import MessageLog
from .session import Connector, Display, Session
from .settings import Settings, read_seconds

__all__ = [
    "Connector",
    "Display",
    "DotCommand",
    "MessageLog",
    "Session",
    "Settings",
    "read_seconds",
]
