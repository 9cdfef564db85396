"""The VMs that run on this host, where their monitors are, and which process holds one.

All of it is read: from /proc, from the kernel, from folders. Nothing is started, asked or connected
to. What other processes say of themselves is not trusted: every reader takes any text, and none
raises. Only what is typed needs it, so it is imported when it is used.
"""

from __future__ import annotations

from .holders import Use, find_use
from .monitors import FoundMonitor
from .processes import FoundProcess, Processes
from .vms import FoundVm, find_vms, read_vm

__all__ = [
    "FoundMonitor",
    "FoundProcess",
    "FoundVm",
    "Processes",
    "Use",
    "find_use",
    "find_vms",
    "read_vm",
]
