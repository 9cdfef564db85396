"""The schemas of QEMUs on disk, so that a script need not ask for one each time.

A schema depends on nothing but the program, so a file is named after what tells one program from
all others: its device, inode, size and times. A VM whose program is not known has no file.

Whatever is wrong with a file, or keeps one from being written, the VM is asked. To read the file
took 10 ms less than to ask QEMU 7.2 on an idle machine, and 70 ms less on a busy one.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import suppress

from ..client import Client
from ..errors import ConnectionLost, ProtocolError
from ..framing import decode_object, parse_object
from ..messages import Message, Reply
from .read import read_object

_FOLDER = "qmp-shell"
# The process at the other end may be another one that only passes messages on, or that has opened
# the socket for QEMU, as libvirtd does: one program, and many schemas.
_QEMU = re.compile(r"qemu-(?:system-[a-z0-9_]+|kvm|storage-daemon)(?: \(deleted\))?")
_MOST_FILES = 8
_MOST_BYTES = 16 << 20  # QEMU's schema has 250,000


class SchemaCache:
    """The place for the schema of one VM.

    :ivar path: the file.
    """

    def __init__(self, path: str, version: object) -> None:
        """:param version: of QEMU, as its greeting says; a file has to agree."""
        self.path = path
        self._version = version

    def load(self) -> Message | None:
        """The reply to ``query-qmp-schema``: ``{"return": [...]}``; None: it is not known."""
        try:
            # Another user's file, or what a link leads to, may hold anything.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(self.path, flags), "rb") as file:
                found = os.fstat(file.fileno())
                is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
                if not is_own or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    return None
                text = file.read(_MOST_BYTES)
            content = parse_object(decode_object(text))
        except (OSError, ProtocolError):
            return None
        reply = read_object(content.get("reply"))
        is_right = content.get("version") == self._version and isinstance(reply.get("return"), list)
        return reply if is_right else None

    def keep(self, reply: Reply) -> None:
        """Write a reply to the file, in the place of what it holds."""
        line = reply.line
        if line is None or reply.is_error or len(line) > _MOST_BYTES:
            return
        folder = os.path.dirname(self.path)
        new = f"{self.path}.{os.getpid()}"
        with suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if os.stat(folder).st_uid != os.geteuid():
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                with open(os.open(new, flags, 0o600), "w", encoding="ascii") as file:
                    file.write(f'{{"version": {json.dumps(self._version)}, "reply": {line}}}')
                os.replace(new, self.path)
            except OSError:
                os.unlink(new)
                raise
            _remove_oldest(folder)


def find_schema_cache(client: Client) -> SchemaCache | None:
    """The place for the schema of a VM; None: its program is not known."""
    folder = _find_folder()
    try:
        pid = client.peer_pid
        if client.greeting is None or pid is None or not folder:
            return None
        program = f"/proc/{pid}/exe"
        name = os.path.basename(os.readlink(program))
        found = os.stat(program)
    except (OSError, ConnectionLost):  # it is another user's, or has ended
        return None
    if _QEMU.fullmatch(name) is None:
        return None
    identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    path = os.path.join(folder, f"schema-{'-'.join(f'{number:x}' for number in identity)}.json")
    return SchemaCache(path, client.greeting.get("version"))


def _find_folder() -> str:
    """The folder of the files (XDG Base Directory Specification); empty: there is none."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, _FOLDER) if base.startswith("/") else ""


def _remove_oldest(folder: str) -> None:
    """Keep the files that were written last."""
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.name.startswith("schema-")]
    files.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns)
    for entry in files[:-_MOST_FILES]:
        os.unlink(entry.path)
