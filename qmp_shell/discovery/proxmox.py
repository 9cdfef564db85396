"""The monitors of Proxmox VE's VMs, which have one folder for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..transport.unix import real_path

FOLDER = "/var/run/qemu-server"

_ENDING = ".qmp"
_MOST_FILES = 10_000


def find_proxmox_sockets(folder: str = FOLDER) -> Iterator[tuple[str, str]]:
    """The number of each VM, and the path of its monitor."""
    try:
        names = sorted(os.listdir(folder)[:_MOST_FILES])
    except OSError:
        return
    for name in names:
        if name.endswith(_ENDING):
            yield name.removesuffix(_ENDING), os.path.join(folder, name)


def is_of_proxmox(path: str, folder: str = FOLDER) -> bool:
    """Whether a monitor is one of Proxmox's."""
    return os.path.dirname(real_path(path)) == real_path(folder)
