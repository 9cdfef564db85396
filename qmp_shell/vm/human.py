"""What QEMU's human monitor prints, parsed.

Some things are known to the human monitor only: device buses, network clients, the aliases of
drivers. Each ``parse_*`` function takes whatever the monitor returned, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# name "e1000", bus PCI, alias "...", desc "..."
_DRIVER = re.compile(
    r'name "(?P<name>[^"]+)"(?:, bus (?P<bus>[^,]+))?(?:, alias "(?P<alias>[^"]+)")?'
    r'(?:, desc "(?P<summary>.*)")?(?P<hidden>, no-user)?'
)
_NET_CLIENT = re.compile(r"\d+,type=(?P<type>[\w-]+),?(?P<details>.*)")
_HELP_NAMES = re.compile(r"(?P<names>[^\s\[]\S*)(?P<rest>.*)")


class HumanCommand(NamedTuple):
    """A command as the human monitor's ``help`` lists it."""

    name: str
    usage: str
    summary: str


def parse_help(value: object, prefix: str = "") -> list[HumanCommand]:
    """Parse the answer to ``help``, or to ``help info`` with the prefix ``info``.

    An entry is ``NAME|ALIAS ARGUMENTS -- SUMMARY``. The arguments may go on over lines that
    begin with a blank or a bracket; only the first line of a summary is kept.
    """
    commands = []
    for head, summary in _help_entries(split_lines(value)):
        match = _HELP_NAMES.match(head)
        if match is None:
            continue
        names, usage = match["names"], " ".join(match["rest"].split())
        if prefix:
            if names != prefix or not usage:
                continue
            names, _, usage = usage.partition(" ")
        for name in names.split("|"):
            commands.append(HumanCommand(name, usage.strip(), summary.strip()))
    return commands


def _help_entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The two sides of the ``--`` of each entry."""
    head: list[str] = []
    for line in lines:
        if not line[:1].isspace() and not line.startswith("["):
            head = []  # the entry before had no summary
        elif not head:
            continue  # the rest of a summary
        before, dashes, summary = line.partition(" -- ")
        head.append(before)
        if dashes:
            yield " ".join(head), summary
            head = []


class Driver(NamedTuple):
    """A driver as ``info qdm`` lists it.

    :ivar is_pluggable: users may add a device of it; otherwise it is a part of a machine.
    """

    name: str
    bus: str
    alias: str
    summary: str
    is_pluggable: bool

    @property
    def description(self) -> str:
        """All that is known of it, on one line."""
        alias = f'alias "{self.alias}"' if self.alias else ""
        bus = f"bus {self.bus}" if self.bus else ""
        return ", ".join(filter(None, (bus, alias, self.summary)))


def parse_drivers(value: object) -> list[Driver]:
    """Parse the answer to ``info qdm``."""
    matches = (_DRIVER.fullmatch(line) for line in split_lines(value))
    return [
        Driver(
            match["name"],
            match["bus"] or "",
            match["alias"] or "",
            match["summary"] or "",
            match["hidden"] is None,
        )
        for match in matches
        if match is not None
    ]


class NetClient(NamedTuple):
    """A network device or backend; ``type`` is ``nic``, ``user``, ``hubport``, ..."""

    name: str
    type: str
    details: str = ""


def parse_network(value: object) -> list[NetClient]:
    r"""Parse the answer to ``info network``.

    A line is ``NAME: index=0,type=user,...``, after a ``\`` if it is the peer of the one above;
    a port of a hub is ``PORT``, followed by its peer.
    """
    clients = []
    for line in split_lines(value):
        before, _, after = line.removeprefix(" \\ ").partition(": index=")
        client = _NET_CLIENT.fullmatch(after)
        names = before.split(": ") if client is not None or line.startswith(" \\ ") else []
        for name in names:
            if client is not None and name == names[-1]:
                details = client["details"].replace(",", ", ")
                clients.append(NetClient(name, client["type"], details))
            else:
                clients.append(NetClient(name, "hubport"))
    return clients


def split_lines(value: object) -> list[str]:
    """The lines of what the monitor printed; newer QEMUs end them with CR LF."""
    return value.replace("\r\n", "\n").split("\n") if isinstance(value, str) else []
