"""The state of human monitor mode."""

from __future__ import annotations

import re

from ..messages import Message, human_message

# A CPU's number has a few digits; Python refuses to read thousands of them.
_SELECT_CPU = re.compile(r"\s*cpu\s+(?P<number>[0-9]{1,9})\s*")


class HumanMonitor:
    """What is remembered between two human monitor commands: the selected CPU.

    Each ``human-monitor-command`` gets a monitor of its own in QEMU, so a CPU that was selected
    with ``cpu N`` stays selected only if ``cpu-index`` names it in all later ones.
    """

    def __init__(self) -> None:
        self.cpu: int | None = None

    def message(self, line: str) -> Message:
        """The message that has a line run."""
        return human_message(line, self.cpu)

    def note_answer(self, line: str, answer: str) -> None:
        """Note what a line has changed. QEMU answers a valid ``cpu N`` with nothing."""
        selected = _SELECT_CPU.fullmatch(line)
        if selected is not None and not answer.strip():
            self.cpu = int(selected["number"])
