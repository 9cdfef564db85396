"""Reads the configuration file; what is wrong in it is told with its line, and the rest holds."""

from __future__ import annotations

import os
import re
import stat

from ..errors import UsageError, explain_os_error
from ..render.text import shorten
from ..schema.suggestions import format_suggestion
from ..session.settings import OPTIONS
from ..static_typing import Any
from ..transport import parse_address
from . import Configuration
from .toml import Entry, Mistake, parse_toml
from .vm import ConfiguredVm

_LONGEST_FILE = 1 << 20  # bytes
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_COLORS = ("auto", "always", "never")
# Each key of a VM that is not a setting, and its type.
_VM_KEYS: dict[str, type] = {
    "address": str,
    "agent": bool,
    "tls-ca": str,
    "tls-cert": str,
    "tls-key": str,
    "tls-hostname": str,
    "tls-psk": str,
}
_TLS = "tls-"
_TLS_FILES = ("tls-ca", "tls-cert", "tls-key", "tls-psk")
_SETTINGS, _VM, _COLOR = "settings", "vm", "color"
# It stands after an @ on a line, and before other text in messages.
_VM_NAME = re.compile(r"\w[\w.:+-]*")
_KINDS = {bool: "true or false", str: "a text in quotes"}


def read_configuration(path: str) -> Configuration:
    """Read a configuration file.

    :raise UsageError: it cannot be read, or others may write to it: it names programs to run.
    """
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {explain_os_error(error)}") from None
    return parse_configuration(path, data.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))


def parse_configuration(path: str, text: str) -> Configuration:
    """Parse the text of a configuration file.

    :param path: for messages.
    :param text: bytes that were not UTF-8 are surrogates.
    """
    reader = _Reader(path)
    for found in parse_toml(text):
        reader.add(found)
    return reader.finish()


def _read(path: str) -> bytes:
    descriptor = os.open(os.path.expanduser(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{path} is not a regular file")
        if found.st_uid not in (0, os.geteuid()):
            raise UsageError(f"{path} is another user's file, and not read: it can name programs")
        if found.st_mode & _OTHERS_MAY_WRITE:
            raise UsageError(
                f"{path} is not read, for others may write to it, and it can name programs;"
                f" chmod go-w {path}"
            )
        data = file.read(_LONGEST_FILE + 1)
    if len(data) > _LONGEST_FILE:
        raise UsageError(f"{path} is longer than {_LONGEST_FILE >> 20} MiB")
    return data


class _Reader:
    """Makes a configuration of the statements of a file."""

    def __init__(self, path: str) -> None:
        self._found = Configuration(path)
        self._mistakes: list[Mistake] = []
        self._lines: dict[tuple[str, ...], int] = {}
        self._vms: dict[str, dict[str, Any]] = {}

    def add(self, found: Entry | Mistake) -> None:
        """Add a statement."""
        if isinstance(found, Mistake):
            self._mistakes.append(found)
            return
        before = self._lines.setdefault(found.path, found.line)
        try:
            if before != found.line:
                raise UsageError(f"{_join(found.path)} is given twice: in line {before}, too")
            self._take(found)
        except UsageError as error:
            self._mistakes.append(Mistake(str(error), found.line))

    def _take(self, entry: Entry) -> None:
        """:raise UsageError: it is not known, or has a wrong value."""
        table, *keys = entry.path
        if table not in (_SETTINGS, _VM) or (table == _VM and not keys and entry.value != {}):
            what = _join(entry.path[:1])
            raise UsageError(f"there is no {what} here; there are [settings] and [vm.NAME]")
        values = self._found.settings
        if table == _VM and keys:
            name = keys.pop(0)
            if _VM_NAME.fullmatch(name) is None:
                raise UsageError(f"{shorten(repr(name))} cannot be the name of a VM")
            values = self._vms.setdefault(name, {})
        if keys:
            self._set(values, ".".join(keys), entry.value, is_vm=table == _VM)
        elif entry.value != {}:
            raise UsageError(f"{_join(entry.path)} is a table, below [{_join(entry.path)}]")

    def _set(self, values: dict[str, Any], key: str, value: Any, *, is_vm: bool) -> None:
        """Set one value of a table.

        :raise UsageError: there is no such key, or it cannot have this value.
        """
        if is_vm and key in _VM_KEYS:
            if not isinstance(value, _VM_KEYS[key]):
                raise UsageError(f"{key} is {_KINDS[_VM_KEYS[key]]}")
            values[key] = os.path.expanduser(str(value)) if key in _TLS_FILES else value
        elif not is_vm and key == _COLOR:
            if value not in _COLORS:
                raise UsageError(f"{key} is {', '.join(_COLORS[:-1])} or {_COLORS[-1]}")
            self._found.color = str(value)
        elif key in OPTIONS:
            OPTIONS[key].put(values, _parse_setting(key, value))
        else:
            known = [*OPTIONS, *(_VM_KEYS if is_vm else (_COLOR,))]
            suggestion = format_suggestion(key, known, "there are")
            raise UsageError(f"there is no key {shorten(key)}{suggestion}")

    def finish(self) -> Configuration:
        """The configuration, with all that is right."""
        for name, values in self._vms.items():
            if "address" not in values and (_VM, name, "address") in self._lines:
                continue  # that it is wrong has been told
            try:
                self._found.vms[name] = _make_vm(name, values)
            except UsageError as error:
                line = self._find_line(name)
                self._mistakes.append(Mistake(f"VM {name}: {error}", line))
        self._mistakes.sort(key=lambda mistake: mistake.line)
        self._found.mistakes = [
            f"{self._found.path}:{mistake.line}: {mistake.text}" for mistake in self._mistakes
        ]
        return self._found

    def _find_line(self, name: str) -> int:
        """The line of a VM's address, or where the VM begins."""
        lines = {path: line for path, line in self._lines.items() if path[:2] == (_VM, name)}
        return lines.get((_VM, name, "address"), min(lines.values()))


def _join(path: tuple[str, ...]) -> str:
    return shorten(".".join(path))


def _parse_setting(name: str, value: Any) -> Any:
    """The value of a setting, which ``.set`` would have as text.

    :raise UsageError: it has no such value.
    """
    if isinstance(value, bool):
        text = "on" if value else "off"
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        raise UsageError(f"{name} is a text, a number, or true or false")
    try:
        return OPTIONS[name].parse(text)
    except UsageError as error:
        told = str(error)
        raise UsageError(told if told.startswith(name) else f"{name}: {told}") from None


def _make_vm(name: str, values: dict[str, Any]) -> ConfiguredVm:
    """:raise UsageError: it has no address, or one that cannot be used."""
    if "address" not in values:
        raise UsageError(f'it has no address; write address = "..." below [vm.{name}]')
    tls = {key.removeprefix(_TLS): value for key, value in values.items() if key.startswith(_TLS)}
    settings = {key: value for key, value in values.items() if key in OPTIONS}
    vm = ConfiguredVm(values["address"], bool(values.get("agent")), tls, settings)
    address = parse_address(vm.address, programs=True)
    if tls:
        from ..transport.tls import TlsOptions

        address.with_tls(TlsOptions(**tls))
    return vm
