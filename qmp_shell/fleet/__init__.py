"""One script on many VMs at the same time: a process for each VM, and one that prints.

The process of a VM (``worker.py``) runs the ordinary script front end. What that would print goes
through a pipe, as records and text (``display.py``, ``channel.py``), to the process that all are
started by (``fleet.py``). It alone prints (``printer.py``): whole lines, with the VM's name.
"""

from __future__ import annotations

from .fleet import run_fleet
from .vms import find_vms, read_standard_input

__all__ = ["find_vms", "read_standard_input", "run_fleet"]
