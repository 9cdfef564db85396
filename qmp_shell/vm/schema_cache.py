"""A cache on disk of the schemas of QEMU processes on this host, so that scripts start faster.

The file belongs to one process, since a QEMU's schema also depends on how it was started
(``-compat``), and what one VM says must not decide what another one is sent. It is named after what
tells a process from all others: the kernel's start, the process and its start, and the program.

If a file cannot be read, used or written, the VM is asked.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

from ..client import Client
from ..errors import ConnectionLost, ProtocolError
from ..framing import decode_object, parse_object
from ..messages import Message, Reply
from ..user_folders import user_folder

# The process at the other end may be another one that only passes messages on, or that has opened
# the socket for QEMU, as libvirtd does: one process, and many schemas.
_QEMU = re.compile(r"qemu-(?:system-[a-z0-9_]+|kvm|storage-daemon)(?: \(deleted\))?")
_OWN_FILE = re.compile(r"schema-[0-9a-f-]+\.json(?P<new>\.[0-9]+)?")
_MOST_FILES = 16
_MOST_BYTES = 16 << 20  # QEMU's schema has 250,000
_STARTED = 19  # the index of "starttime" behind the name in /proc/PID/stat, see proc(5)


class SchemaCache:
    """The place for the schema of one VM.

    :ivar path: the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path

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
            reply: object = parse_object(decode_object(text))
        except (OSError, ProtocolError, RecursionError):
            return None
        entries = reply.get("return") if isinstance(reply, dict) else None
        if not entries or not isinstance(entries, list):
            return None
        are_types = all(isinstance(each, dict) and "meta-type" in each for each in entries)
        return {"return": entries} if are_types else None

    def keep(self, reply: Reply) -> None:
        """Write a reply to the file, in the place of what it holds."""
        line = reply.line
        if line is None or reply.is_error or len(line) > _MOST_BYTES:
            return
        folder = os.path.dirname(self.path)
        with suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            found = os.lstat(folder)  # in a shared folder it may be anybody's, or a link
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                _replace(self.path, line)
                _remove_oldest(folder)


def find_schema_cache(client: Client) -> SchemaCache | None:
    """The place for the schema of a VM; None: its process is not known."""
    folder = user_folder("XDG_CACHE_HOME", ".cache")
    try:
        pid = client.peer_pid
        if client.greeting is None or pid is None or not folder:
            return None
        program = f"/proc/{pid}/exe"
        name = os.path.basename(os.readlink(program))
        found = os.stat(program)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            started = int(file.read().rpartition(")")[2].split()[_STARTED])
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except (OSError, ValueError, IndexError, ConnectionLost):  # another user's, or it has ended
        return None
    if _QEMU.fullmatch(name) is None:
        return None
    numbers = (pid, started, found.st_dev, found.st_ino, found.st_mtime_ns)
    identity = "-".join((boot, *(f"{number:x}" for number in numbers)))
    return SchemaCache(os.path.join(folder, f"schema-{identity}.json"))


def _replace(path: str, line: str) -> None:
    """Replace the content of a file atomically: others read the old content or the new one."""
    new = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "w", encoding="ascii") as file:
        try:
            file.write(line)
            file.flush()
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise


def _remove_oldest(folder: str) -> None:
    """Keep the files that were written last, and those that others write just now."""
    complete: list[tuple[int, str]] = []
    new: list[tuple[int, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _OWN_FILE.fullmatch(entry.name)
            if match is not None:
                modified = entry.stat(follow_symlinks=False).st_mtime_ns
                (new if match["new"] else complete).append((modified, entry.path))
    for files in (complete, new):
        for _, path in sorted(files)[:-_MOST_FILES]:
            os.unlink(path)
