"""``exec:COMMAND``: a program whose standard input and output are the monitor.

For what has no address of its own: a container's shell, a relay, a login on another host.
"""

from __future__ import annotations

import shlex

from ..errors import AddressError, ConnectError
from .program import ProgramStream, start_program
from .stream import Address


class ExecAddress(Address):
    """A program that carries the connection.

    :ivar command: its words; no shell is involved.
    """

    can_be_tried = False

    def __init__(self, text: str, command: list[str]) -> None:
        """:param text: the command as it was written."""
        self.command = command
        self._text = text

    def __str__(self) -> str:
        return f"exec:{self._text}"

    def connect(self, _timeout: float | None) -> ProgramStream:
        try:
            return start_program(self.command, name=self.command[0])
        except ConnectError as error:
            raise ConnectError(f"{self}: {error}") from None


def parse(target: str) -> ExecAddress:
    """:raise AddressError: the target is not a command."""
    try:
        command = shlex.split(target)
    except ValueError as error:
        raise AddressError(f"the command has a quote that is not closed ({error})") from None
    if not command or not command[0] or "\0" in target:
        raise AddressError("the command of a program is needed")
    return ExecAddress(target, command)
