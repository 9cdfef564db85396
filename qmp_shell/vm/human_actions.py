"""What a human monitor line does, as the QMP command that does the same.

Only commands are known here that may lose something (:mod:`.guards`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..language.values import SWITCH_WORDS, BareWord, parse_integer
from ..messages import Message

_ALIASES = {"c": "cont", "q": "quit"}
_WORD = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"?|(?P<bare>\S+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_REUSE_FLAG = "-n"
_MEBIBYTE = 1 << 20


class _Form(NamedTuple):
    """
    :ivar command: the one in QMP; of the monitor's own if QMP has none.
    :ivar names: of the arguments, by the places of the words; the name after ``...`` is that of
        the last word.
    """

    command: str
    names: tuple[str, ...]


# The arguments are those of QEMU 7.2 and 11.1 (hmp-commands.hx); flags come first.
_FORMS = {
    "block_resize": _Form("block_resize", ("device", "size")),
    "chardev-add": _Form("chardev-add", ("backend",)),
    "chardev-change": _Form("chardev-change", ("id", "backend")),
    "cont": _Form("cont", ()),
    "delvm": _Form("snapshot-delete", ("tag",)),
    "device_del": _Form("device_del", ("id",)),
    "drive_backup": _Form("drive-backup", ("device", "target")),
    "drive_del": _Form("drive_del", ("id",)),
    "drive_mirror": _Form("drive-mirror", ("device", "target")),
    "dump-guest-memory": _Form("dump-guest-memory", ("protocol",)),
    "dump-skeys": _Form("dump-skeys", ("filename",)),
    "dumpdtb": _Form("dumpdtb", ("filename",)),
    "loadvm": _Form("snapshot-load", ("tag",)),
    # Addresses may be expressions of several words.
    "memsave": _Form("memsave", ("...", "filename")),
    "migrate": _Form("migrate", ("uri",)),
    "netdev_del": _Form("netdev_del", ("id",)),
    "object_add": _Form("object-add", ("options",)),
    "object_del": _Form("object-del", ("id",)),
    "pmemsave": _Form("pmemsave", ("...", "filename")),
    "quit": _Form("quit", ()),
    "savevm": _Form("savevm", ("tag",)),
    "screendump": _Form("screendump", ("filename",)),
    "snapshot_blkdev": _Form("blockdev-snapshot-sync", ("device", "snapshot-file")),
    "snapshot_delete_blkdev_internal": _Form(
        "blockdev-snapshot-delete-internal-sync", ("device", "name", "id")
    ),
    "system_powerdown": _Form("system_powerdown", ()),
    "system_reset": _Form("system_reset", ()),
    "wavcapture": _Form("wavcapture", ("path",)),
}


class HumanAction(NamedTuple):
    """
    :ivar name: the human monitor's name of the command.
    :ivar command: that of QMP; empty: it is none that is known here.
    :ivar arguments: those of QMP.
    """

    name: str
    command: str
    arguments: Message


def parse_human_action(line: object) -> HumanAction:
    """What a line does; it may be anything."""
    name, *words = _split(line) or [""]
    name = _ALIASES.get(name, name)
    form = _FORMS.get(name)
    if form is None:
        return HumanAction(name, "", {})
    flags = [word for word in words if word.startswith("-")]
    words = [word for word in words if word not in flags]
    arguments: Message
    if form.names[:1] == ("...",):
        arguments = {form.names[1]: words[-1]} if words else {}
    else:
        arguments = dict(zip(form.names, words, strict=False))
    if _REUSE_FLAG in flags:
        arguments["mode"] = "existing"
    for argument, convert in _CONVERSIONS.items():
        if argument in arguments:
            arguments[argument] = convert(arguments[argument])
    arguments |= arguments.pop("options", {})
    return HumanAction(name, form.command, arguments)


def _split(line: object) -> list[str]:
    """The words of a line; one in double quotes may have blanks, and escapes."""
    if not isinstance(line, str):
        return []
    return [
        match["bare"] if match["quoted"] is None else _ESCAPE.sub(r"\1", match["quoted"])
        for match in _WORD.finditer(line)
    ]


def _parse_size(word: str) -> int | None:
    """A size as the human monitor takes it: a number without a unit is one of MiB.

    A ``+`` before it has no meaning there.
    """
    word = word.removeprefix("+")
    has_unit = word[-1:].isalpha() and not word.lower().startswith("0x")
    if has_unit:
        return parse_integer(BareWord(word))
    size = parse_integer(BareWord(f"{word}M"))
    if size is None and (number := parse_integer(BareWord(word))) is not None:
        return number * _MEBIBYTE  # hexadecimal
    return size


def _parse_chardev(word: str) -> Message:
    """The ``backend`` of ``chardev-add``, as far as it writes to files."""
    from ..discovery.command_line import parse_options

    options = parse_options(word, "backend")
    files: Message = {
        "out": options.get("path", ""),
        "append": SWITCH_WORDS.get(options.get("append", ""), False),
        "logfile": options.get("logfile", ""),
        "logappend": SWITCH_WORDS.get(options.get("logappend", ""), False),
    }
    return {"type": options.get("backend", ""), "data": files}


def _parse_object(word: str) -> Message:
    """The arguments of ``object-add``."""
    from ..discovery.command_line import parse_options

    return {**parse_options(word, "qom-type")}


_CONVERSIONS: dict[str, Any] = {
    "backend": _parse_chardev,
    "options": _parse_object,
    "size": _parse_size,
    "protocol": lambda word: f"file:{word}",
}
