"""QEMU's human monitor, spoken to through ``human-monitor-command``."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..protocol import Message

_CPU = re.compile(r"\s*cpu\s+(?P<number>[0-9]+)\s*")
# A usage may go on over lines that begin with a blank or a [. A summary is cut at its line.
_HELP = re.compile(
    r"^(?P<names>[^\s\[]\S*)(?P<arguments>[^\n]*?(?:\n[ \t\[][^\n]*?)*?)\s+-- (?P<summary>.*)$",
    re.MULTILINE,
)


class HumanMonitor:
    """What is to be remembered between two human monitor commands: the CPU.

    Each ``human-monitor-command`` gets a monitor of its own, so a CPU chosen with
    ``cpu N`` holds only if ``cpu-index`` names it in all later ones.
    """

    def __init__(self) -> None:
        self.cpu: int | None = None

    def message(self, line: str) -> Message:
        """The message for a line as QEMU's own monitor takes it."""
        arguments: Message = {"command-line": line}
        if self.cpu is not None:
            arguments["cpu-index"] = self.cpu
        return {"execute": "human-monitor-command", "arguments": arguments}

    def answered(self, line: str, answer: str) -> None:
        """Note what a line has changed. QEMU answers a ``cpu N`` that is well with nothing."""
        chosen = _CPU.fullmatch(line)
        if chosen is not None and not answer.strip():
            self.cpu = int(chosen["number"])


class HumanCommand(NamedTuple):
    """A command as ``help`` lists it."""

    name: str
    usage: str
    summary: str


def read_help(text: str, prefix: str = "") -> list[HumanCommand]:
    """Read the answer to ``help``, or to ``help info`` with the prefix ``info ``.

    A line is ``NAME|ALIAS ARGUMENTS -- SUMMARY``; the lines that go on a summary are left out.
    """
    commands = []
    for match in _HELP.finditer(text.replace("\r\n", "\n")):
        names, usage = match["names"], " ".join(match["arguments"].split())
        if prefix:
            if names != prefix.strip() or not usage:
                continue
            names, _, usage = usage.partition(" ")
        for name in names.split("|"):
            commands.append(HumanCommand(name, usage.strip(), match["summary"].strip()))
    return commands
