"""QEMU's command line: which VM it starts, and where its QMP monitors are. Pure.

Another process chose these texts, so nothing is taken for granted of them: whatever they are, the
functions return what is understood of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

_PROGRAM = re.compile(r"\.?(?:qemu-system-.+|qemu-kvm|kvm|qemu-storage-daemon)")
_STORAGE_DAEMON = "qemu-storage-daemon"

# Options whose values tell something; "append" may have one that begins with a dash.
_OPTIONS = frozenset(
    (
        *("name", "M", "machine", "m", "append"),
        *("qmp", "qmp-pretty", "mon", "monitor", "chardev", "object"),
    )
)
_MONITOR_OBJECT = "monitor-qmp"
_ON = ("on", "yes", "true", "y")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([BKMGTPE]?)B?", re.IGNORECASE)
_MOST_MONITORS = 64

# What libvirt calls its own monitor, and what a path of the daemon that all users share contains.
_LIBVIRT_CHARDEV = "charmonitor"
_LIBVIRT_FOLDER = "/libvirt/"
_LIBVIRT_SYSTEM_FOLDER = "var/lib/libvirt/"


class UnixTarget(NamedTuple):
    """A UNIX socket's path, as QEMU was given it."""

    path: str


class AbstractTarget(NamedTuple):
    """A name in the abstract namespace."""

    name: str


class TcpTarget(NamedTuple):
    """A TCP port; without a host, of all addresses."""

    host: str
    port: int
    tls: bool


class DescriptorTarget(NamedTuple):
    """A listening socket that QEMU has inherited."""

    number: int


class LibvirtTarget(NamedTuple):
    """The monitor that libvirt has for itself.

    :ivar is_system: of the daemon that all users share; else of a user's own.
    """

    is_system: bool


Target = UnixTarget | AbstractTarget | TcpTarget | DescriptorTarget | LibvirtTarget
"""Where a monitor can be connected to."""


class CommandLine(NamedTuple):
    """What a command line tells of a VM.

    :ivar name: empty: it has none.
    :ivar machine: the machine's type; empty: the default.
    :ivar memory: in bytes; None: the default.
    :ivar monitors: those that QEMU listens at; others cannot be connected to.
    """

    program: str
    name: str
    machine: str
    memory: int | None
    monitors: tuple[Target, ...]


def is_qemu(program: str) -> bool:
    """Whether the path of a program is that of QEMU."""
    return _PROGRAM.fullmatch(_base_name(program)) is not None


def parse_command_line(arguments: Sequence[str], program: str = "") -> CommandLine:
    """Read a command line.

    :param arguments: all of it, beginning with the program.
    :param program: the program, if the command line calls it otherwise.
    """
    program = _base_name(program if is_qemu(program) else arguments[0] if arguments else "")
    is_daemon = program.lstrip(".").startswith(_STORAGE_DAEMON)
    reader = _Reader(is_daemon=is_daemon)
    for option, value in _split(arguments, joined=is_daemon):
        reader.read(option, value)
    is_system = any(_LIBVIRT_SYSTEM_FOLDER in argument for argument in arguments)
    targets = islice(reader.find_targets(is_system=is_system), _MOST_MONITORS)
    return CommandLine(program, reader.name, reader.machine, reader.memory, tuple(targets))


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


def _split(arguments: Sequence[str], *, joined: bool) -> Iterator[tuple[str, str]]:
    """The options that tell something, and their values.

    :param joined: ``--option=value`` is an option with a value.
    """
    left = iter(arguments[1:])
    for argument in left:
        option = argument.removeprefix("-").removeprefix("-")
        name, equals, value = option.partition("=")
        if argument.startswith("--") and joined and equals:
            yield name, value
        elif argument.startswith("-") and option in _OPTIONS:
            yield option, next(left, "")


class _Reader:
    """Takes the options of a command line one after the other."""

    def __init__(self, *, is_daemon: bool) -> None:
        """:param is_daemon: the program is the storage daemon, all monitors of which speak QMP."""
        self.name = ""
        self.machine = ""
        self.memory: int | None = None
        self._is_daemon = is_daemon
        self._chardevs: dict[str, Mapping[str, str]] = {}
        self._monitors: list[str | Mapping[str, str]] = []  # a chardev's name or options

    def read(self, option: str, value: str) -> None:
        """Take note of an option."""
        if option == "name":
            self.name = parse_options(value, "guest").get("guest", self.name)
        elif option in ("M", "machine"):
            self.machine = parse_options(value, "type").get("type", self.machine)
        elif option == "m":
            self.memory = _parse_size(parse_options(value, "size").get("size", ""))
        elif option == "chardev":
            options = parse_options(value, "backend")
            if options.get("backend") == "socket":
                self._chardevs[options.get("id", "")] = options
        elif option in ("qmp", "qmp-pretty"):
            self._add_short(value.removeprefix("mon:"))
        elif option == "object":
            self._add_object(value)
        elif option == "mon" or (option == "monitor" and self._is_daemon):
            options = parse_options(value, "chardev")
            if options.get("mode", "control" if self._is_daemon else "") == "control":
                self._monitors.append(options.get("chardev", ""))

    def _add_object(self, value: str) -> None:
        """Take note of a monitor that is an object, as QEMU 11 has them."""
        if _MONITOR_OBJECT not in value:
            return
        options: object = parse_options(value, "qom-type")
        if value.startswith("{"):
            try:
                options = json.loads(value)
            except (ValueError, RecursionError):
                return
        if isinstance(options, dict) and options.get("qom-type") == _MONITOR_OBJECT:
            self._monitors.append(str(options.get("chardev", "")))

    def _add_short(self, value: str) -> None:
        """Take note of a monitor in the notation of ``-qmp``."""
        scheme, _, target = value.partition(":")
        if scheme == "chardev":
            self._monitors.append(target)
        elif scheme == "unix":
            self._monitors.append(parse_options(target, "path"))
        elif scheme == "tcp":
            options = parse_options(target, "port")
            host, _, port = options.get("port", "").rpartition(":")
            self._monitors.append({**options, "host": host, "port": port})

    def find_targets(self, *, is_system: bool) -> Iterator[Target]:
        """The monitors, each once."""
        found = set()
        for monitor in self._monitors:
            options = self._chardevs.get(monitor, {}) if isinstance(monitor, str) else monitor
            target = _find_target(options)
            if _is_of_libvirt(options, target):
                target = LibvirtTarget(is_system)
            if target is not None and target not in found:
                found.add(target)
                yield target


def _is_of_libvirt(options: Mapping[str, str], target: Target | None) -> bool:
    return options.get("id") == _LIBVIRT_CHARDEV and (
        isinstance(target, DescriptorTarget)
        or (isinstance(target, UnixTarget) and _LIBVIRT_FOLDER in target.path)
    )


def _find_target(options: Mapping[str, str]) -> Target | None:
    """Where a socket listens, by its options; None: it does not, or speaks another protocol."""
    speaks_otherwise = any(options.get(each) in _ON for each in ("telnet", "tn3270", "websocket"))
    if speaks_otherwise or options.get("server") not in _ON:
        return None
    if options.get("path"):
        is_abstract = options.get("abstract") in _ON
        return (AbstractTarget if is_abstract else UnixTarget)(options["path"])
    port = _parse_number(options.get("port", ""))
    if port is not None and 0 < port < 1 << 16:
        return TcpTarget(options.get("host", ""), port, tls="tls-creds" in options)
    number = _parse_number(options.get("fd", ""))
    return DescriptorTarget(number) if number is not None else None


def parse_options(text: str, implied: str) -> dict[str, str]:
    """The keys and values of a text like ``unix.sock,server=on,nowait``.

    :param implied: the key of the first value, if that has none.
    """
    options: dict[str, str] = {}
    # A doubled comma is one, within a value.
    for place, part in enumerate(text.replace("\0", "").replace(",,", "\0").split(",")):
        key, equals, value = part.partition("=")
        if equals and "\0" not in key:
            options[key] = value.replace("\0", ",")
        elif place == 0:
            options[implied] = part.replace("\0", ",")
        elif key.startswith("no"):
            options[key[2:]] = "off"
        else:
            options[key] = "on"
    return options


def _parse_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _parse_size(text: str) -> int | None:
    """A number of bytes; without a suffix it is of MiB."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    power = "BKMGTPE".index(match[2].upper() or "M")
    return int(float(match[1]) * 1024**power)
