"""A real pseudo-terminal around a program, and its screen as a person sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

_SECONDS = 20.0

# What an editor sends when it has read a line: no more bracketed paste.
_LINE_ENDED = b"\x1b[?2004l"

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "left": "\x1b[D",
    "right": "\x1b[C",
    "home": "\x1b[H",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-r": "\x12",
    "escape": "\x1b",
    "backspace": "\x7f",
}


class _Screen(pyte.HistoryScreen):
    """A screen that answers when it is asked where its cursor is, as terminals do."""

    def __init__(self, columns: int, rows: int, answer: Callable[[str], object]) -> None:
        super().__init__(columns, rows, history=10_000)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """A program in a terminal of the given size."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        folder: Path,
        *,
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            command[1:],
            env=environment,
            cwd=str(folder),
            dimensions=(rows, columns),
            timeout=_SECONDS,
        )
        self.child.delaybeforesend = None
        self.raw = b""
        self._lines_ended = 0
        self._screen = _Screen(columns, rows, lambda data: self.child.send(data))
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """The screen's rows, without the blanks at their ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """All that is on the screen."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def cursor_line(self) -> str:
        """The row that the cursor is in."""
        return self.lines[self._screen.cursor.y]

    @property
    def cursor_column(self) -> int:
        return int(self._screen.cursor.x)

    def colours(self, text: str) -> set[str]:
        """The foreground colours of a text's characters, where it stands first."""
        return {character.fg for character in self._characters(text)}

    def is_bold(self, text: str) -> bool:
        """Whether a text is bold, where it stands first."""
        return all(character.bold for character in self._characters(text))

    def _characters(self, text: str) -> list[pyte.screens.Char]:
        for y, row in enumerate(self._screen.display):
            x = row.find(text)
            if x >= 0:
                return [self._screen.buffer[y][x + i] for i in range(len(text))]
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def type(self, text: str) -> None:
        """Type characters."""
        self.child.send(text)

    def press(self, *keys: str) -> None:
        """Press named keys."""
        for key in keys:
            self.child.send(KEYS[key])

    def enter(self, line: str) -> None:
        """Type a line and press Enter, which ends it; the next prompt is another one."""
        self.type(line)
        self._end_line("enter")

    def interrupt(self) -> None:
        """Press Ctrl-C at a prompt; the next prompt is another one."""
        self._end_line("ctrl-c")

    def _end_line(self, key: str) -> None:
        self._lines_ended = max(self._lines_ended, self.raw.count(_LINE_ENDED)) + 1
        self.press(key)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the screen shows something."""
        deadline = time.monotonic() + _SECONDS
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain for {what}; the screen:\n{self.text}"
            try:
                data = self.child.read_nonblocking(1 << 16, timeout=min(left, 1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert condition(), f"it ended before {what}; the screen:\n{self.text}"
                return
            self.raw += data
            self._stream.feed(data)

    def wait_for(self, pattern: str) -> None:
        """Wait until a pattern is on the screen."""
        self.wait_until(lambda: re.search(pattern, self.text, re.MULTILINE) is not None, pattern)

    def wait_for_prompt(self, prompt: str = "(QEMU) ") -> None:
        """Wait until the cursor stands behind an empty prompt, after the last line's end."""
        self.wait_until(
            lambda: (
                self.raw.count(_LINE_ENDED) >= self._lines_ended
                and self.cursor_line == prompt.rstrip()
                and self.cursor_column == len(prompt)
            ),
            f"the prompt {prompt!r}",
        )

    def wait_for_end(self) -> int:
        """Wait until the program has ended; its exit status."""
        self.wait_until(lambda: not self.child.isalive() and self._at_end(), "the end")
        self.child.close()
        status = self.child.exitstatus
        return status if status is not None else -(self.child.signalstatus or 0)

    def _at_end(self) -> bool:
        try:
            data = self.child.read_nonblocking(1 << 16, timeout=0)
        except (pexpect.EOF, pexpect.TIMEOUT):
            return True
        self.raw += data
        self._stream.feed(data)
        return False

    def end(self) -> None:
        """Kill it."""
        self.child.close(force=True)
