"""Waiting for a condition, never for a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

_LIMIT_SECONDS = 20.0
_INTERVAL_SECONDS = 0.01


def wait_until(condition: Callable[[], object], expected: str = "a condition") -> None:
    """Wait until a condition is true, at most for 20 s.

    :param expected: what the error message names if it does not become true.
    """
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting for {expected}"
        time.sleep(_INTERVAL_SECONDS)


def has_handled_signals(pid: int) -> bool:
    """Whether a process sleeps, and no signal is left that it has to handle."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = re.findall(r"^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$", status, re.MULTILINE)
    return process_state(pid) == "S" and not any(int(mask, 16) for mask in pending)


def process_state(pid: int) -> str:
    """One letter; see proc_pid_stat(5).

    :raise OSError: there is no such process.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
