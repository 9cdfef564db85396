"""How soon the prompt takes a key, and how soon a key is drawn, in a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Sequence

from tests.bench.timing import Cost

_CURSOR_REQUEST = b"\x1b[6n"
_CURSOR_REPLY = b"\x1b[1;1R"
_SECONDS = 20.0  # after which something is wrong


class Prompt:
    """A program in a pseudo-terminal."""

    def __init__(self, command: Sequence[str]) -> None:
        self.start = time.perf_counter()
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execvp(command[0], list(command))
        self._output = b""

    def wait_for(self, text: bytes) -> float:
        """Wait until a text has been printed since the last call; returns when that was."""
        deadline = time.perf_counter() + _SECONDS
        while text not in self._output:
            if not select.select([self._terminal], [], [], deadline - time.perf_counter())[0]:
                raise RuntimeError(f"{text!r} was not printed, but {self._output!r}")
            data = os.read(self._terminal, 1 << 16)
            for _ in range(data.count(_CURSOR_REQUEST)):
                os.write(self._terminal, _CURSOR_REPLY)
            self._output += data
        now = time.perf_counter()
        self._output = b""
        return now

    def type(self, text: bytes) -> None:
        os.write(self._terminal, text)

    def drain(self, seconds: float) -> None:
        """Read what is printed for some time."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                self._output += os.read(self._terminal, 1 << 16)
        self._output = b""

    def end(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


def measure_start(command: Sequence[str], prompt: bytes) -> Cost:
    """How long it takes from the start until a key that was pressed at the prompt is drawn."""
    program = Prompt(command)
    try:
        program.wait_for(prompt)
        program.type(b"Z")
        return Cost(program.wait_for(b"Z") - program.start)
    finally:
        program.end()


def measure_keys(command: Sequence[str], prompt: bytes, line: bytes) -> list[float]:
    """The seconds until each key of a line is drawn. Blanks are typed, but not measured.

    Keys are pressed one after the other, each 50 ms after the one before was drawn. For a blank,
    the cursor is only moved.
    """
    program = Prompt(command)
    try:
        program.wait_for(prompt)
        program.drain(1.0)
        times = []
        for key in line:
            start = time.perf_counter()
            program.type(bytes([key]))
            if key != ord(" "):
                times.append(program.wait_for(bytes([key])) - start)
            program.drain(0.05)
        return times
    finally:
        program.end()
