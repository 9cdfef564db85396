"""A question that the shell asks a VM by itself: a command that changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from ..messages import Message, arguments_of, command_of
from ..static_typing import Generic, TypeVar

T = TypeVar("T")

# What the names of commands that change nothing in the VM begin with.
READ_ONLY = (
    "query-",
    "x-query-",
    "qom-list",
    "qom-get",
    "device-list-properties",
    "trace-event-get-state",
)
_READ_ONLY_HUMAN = ("info", "help")


class Question(Generic[T]):
    """A command that changes nothing, and the parser of what it returns.

    :ivar parse: takes whatever the command returned, and does not raise.
    :ivar is_constant: the answer stays the same as long as QEMU runs.
    :ivar fallback: what a QEMU is asked that refuses it; None: nothing.
    """

    def __init__(
        self,
        command: str,
        parse: Callable[[object], T],
        arguments: Message | None = None,
        is_constant: bool = False,
        fallback: Question[T] | None = None,
    ) -> None:
        self.command = command
        self.parse = parse
        self.arguments = arguments
        self.is_constant = is_constant
        self.fallback = fallback

    @property
    def message(self) -> Message:
        """What is sent."""
        return {"execute": self.command} | ({"arguments": self.arguments} if self.arguments else {})


def is_read_only(message: Message) -> bool:
    """Whether a command changes nothing in the VM, so that no event can be caused by it."""
    command = command_of(message)
    if command == "human-monitor-command":
        line = arguments_of(message).get("command-line")
        words = line.split(None, 1) if isinstance(line, str) else []
        return bool(words) and words[0] in _READ_ONLY_HUMAN
    return command.startswith(READ_ONLY)
