"""One user's session: runs statements on one VM at a time. It knows no terminal."""

from __future__ import annotations

from ..static_typing import TYPE_CHECKING
from .scripts import Reporter
from .session import Connector, DotCommand, DotCommands, Session
from .settings import Settings, parse_seconds
from .target import AddressBook, Target

if TYPE_CHECKING:
    from .display import Display, Screen
    from .user import User

__all__ = [
    "AddressBook",
    "Connector",
    "Display",
    "DotCommand",
    "DotCommands",
    "Reporter",
    "Screen",
    "Session",
    "Settings",
    "Target",
    "User",
    "parse_seconds",
]
