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
_DRIVER = re.compile(
    r'^name "(?P<name>[^"]+)"(?:, bus (?P<bus>[^,\n]+))?(?:, alias "(?P<alias>[^"]+)")?'
    r'(?:, desc "(?P<summary>.*?)")?(?P<hidden>, no-user)?$',
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


class Driver(NamedTuple):
    """A driver as ``info qdm`` lists it.

    :ivar is_pluggable: users may add one; else it is a part of a machine.
    """

    name: str
    bus: str
    alias: str
    summary: str
    is_pluggable: bool

    @property
    def about(self) -> str:
        """All that is told of it, in a line."""
        alias = f'alias "{self.alias}"' if self.alias else ""
        bus = f"bus {self.bus}" if self.bus else ""
        return ", ".join(filter(None, (bus, alias, self.summary)))


def read_drivers(text: str) -> list[Driver]:
    """Read the answer to ``info qdm``: ``name "e1000", bus PCI, alias "...", desc "..."``."""
    return [
        Driver(
            match["name"],
            match["bus"] or "",
            match["alias"] or "",
            match["summary"] or "",
            match["hidden"] is None,
        )
        for match in _DRIVER.finditer(text.replace("\r\n", "\n"))
    ]


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
