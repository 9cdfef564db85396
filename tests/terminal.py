"""A program in a pseudo-terminal, whose screen is emulated and can be read."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

_TIMEOUT = 20.0  # seconds

# When a line is complete, the line editor wraps lines again, resets the colours, and switches
# bracketed paste off. It does so in another order before something is printed above the line.
_LINE_ENDED = re.compile(rb"\x1b\[\?7h\x1b\[0m(?:\x1b\[\?12l\x1b\[\?25h)?\x1b\[\?2004l")
_LONGEST_MARK = 40  # bytes; at least as long as what the expression matches

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
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
}


def _open_terminal(path: str, flags: int) -> int:
    """Open a terminal that does not become the controlling terminal of this process."""
    return os.open(path, flags | os.O_NOCTTY)


class _Screen(pyte.HistoryScreen):
    """A screen that replies to requests for the cursor's position, as terminals do."""

    def __init__(self, columns: int, rows: int, send_reply: Callable[[str], object]) -> None:
        super().__init__(columns, rows, history=10_000)
        self._send_reply = send_reply

    def write_process_input(self, data: str) -> None:
        self._send_reply(data)


class Terminal:
    """A program in a pseudo-terminal.

    Keys are sent at once; the methods whose names begin with ``wait`` read the program's output
    until the screen fulfils a condition, and fail after 20 s.
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        folder: Path,
        *,
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        """Start a program.

        :param command: the program and its arguments.
        :param folder: its working directory.
        """
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            command[1:],
            env=environment,
            cwd=str(folder),
            dimensions=(rows, columns),
            timeout=_TIMEOUT,
        )
        self.child.delaybeforesend = None
        self.raw = b""  # all output, with its escape sequences
        self.lines_ended = 0  # how many lines the line editor was left with
        self._lines_expected = 0
        self._replies = 0  # of wait_for_reply()
        self.replies = True  # to requests for the cursor's position
        self._screen = _Screen(columns, rows, self._reply)
        self._stream = pyte.ByteStream(self._screen)
        self._rows = [""] * rows  # the texts of the screen's rows, with trailing blanks

    def _reply(self, data: str) -> None:
        if self.replies:
            self.child.send(data)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without trailing blanks."""
        return [row.rstrip() for row in self._rows]

    @property
    def text(self) -> str:
        """The text of the whole screen."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def history(self) -> str:
        """The text of the rows that have scrolled off the screen, and of the screen."""
        rows = self._screen.history.top
        texts = ("".join(row[x].data for x in sorted(row)).rstrip() for row in rows)
        return "\n".join([*texts, self.text])

    @property
    def pid(self) -> int:
        """The program's process number."""
        assert self.child.pid is not None
        return int(self.child.pid)

    @property
    def cursor_line(self) -> str:
        """The text of the row that contains the cursor."""
        return self._rows[self._screen.cursor.y].rstrip()

    @property
    def cursor_column(self) -> int:
        """The column of the cursor, counted from 0."""
        return int(self._screen.cursor.x)

    @property
    def cursor_row(self) -> int:
        """The screen row in which the cursor is; 0 is the top row."""
        return int(self._screen.cursor.y)

    def cell(self, row: int, column: int) -> pyte.screens.Char:
        """A character on the screen, and how it looks."""
        return self._screen.buffer[row][column]

    def colours(self, text: str) -> set[str]:
        """Return the foreground colours of the first occurrence of a text on the screen."""
        return {character.fg for character in self._characters(text)}

    def is_bold(self, text: str) -> bool:
        """Whether the first occurrence of a text on the screen is bold."""
        return all(character.bold for character in self._characters(text))

    def _characters(self, text: str) -> list[pyte.screens.Char]:
        for y, row in enumerate(self._rows):
            x = row.find(text)
            if x >= 0:
                return [self._screen.buffer[y][x + i] for i in range(len(text))]
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def type(self, text: str | bytes) -> None:
        """Type characters, which may be control characters and escape sequences."""
        self.child.send(text)

    def press(self, *keys: str) -> None:
        """Press named keys."""
        for key in keys:
            self.child.send(KEYS[key])

    def enter(self, line: str) -> None:
        """Type a line and press Enter. ``wait_for_prompt()`` then waits for the prompt after it."""
        self.type(line)
        self._end_line("enter")

    def wait_for_reply(self) -> None:
        """Run a command with an ``id`` of its own, and wait for its reply and the next prompt."""
        self._replies += 1
        self.enter(f'{{"execute": "query-uuid", "id": {self._replies}}}')
        self.wait_for(rf'^ +"id": {self._replies}$')
        self.wait_for_prompt()

    def interrupt(self) -> None:
        """Press Ctrl-C at a prompt. ``wait_for_prompt()`` then waits for the prompt after it."""
        self._end_line("ctrl-c")

    def _end_line(self, key: str) -> None:
        self._lines_expected = max(self._lines_expected, self.lines_ended) + 1
        self.press(key)

    @property
    def is_editing(self) -> bool:
        """Whether the line editor, which switches signals off, reads the keys."""
        return not termios.tcgetattr(self.child.fileno())[3] & termios.ISIG

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed at once, as it does not while a command runs."""
        return bool(termios.tcgetattr(self.child.fileno())[3] & termios.ECHO)

    @property
    def unread_bytes(self) -> int:
        """The number of bytes that were typed and that the program has not read."""
        with open(f"/proc/{self.child.pid}/fd/0", "rb", buffering=0, opener=_open_terminal) as file:
            return int.from_bytes(fcntl.ioctl(file, termios.FIONREAD, bytes(4)), sys.byteorder)

    def wait_until(self, condition: Callable[[], bool], expected: str) -> None:
        """Read the program's output until a condition is true.

        :param expected: what the condition stands for, in the message of a failure.
        """
        deadline = time.monotonic() + _TIMEOUT
        while not condition():
            remaining = deadline - time.monotonic()
            assert remaining > 0, f"timed out waiting for {expected}; the screen:\n{self.text}"
            try:
                data = self.child.read_nonblocking(1 << 16, timeout=min(remaining, 0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                while not self._at_end():  # it may have written more just before it ended
                    pass
                assert condition(), f"the program ended before {expected}; the screen:\n{self.text}"
                return
            self._receive(data)

    def read_available(self) -> None:
        """Read what the program has written so far."""
        self._at_end()

    def wait_for(self, pattern: str) -> None:
        """Wait until the screen matches a regular expression; ^ and $ match at each row."""
        self.wait_until(lambda: re.search(pattern, self.text, re.MULTILINE) is not None, pattern)

    def wait_for_prompt(self, prompt: str = "(QEMU) ") -> None:
        """Wait for an empty prompt, after the line that was entered last."""
        self.wait_until(
            lambda: (
                self.lines_ended >= self._lines_expected
                and self.cursor_line.startswith(prompt.rstrip())
                and self.cursor_column == len(prompt)  # grey text may follow
            ),
            f"the prompt {prompt!r}",
        )

    def wait_for_end(self) -> int:
        """Wait until the program has ended, and return its exit status, or minus its signal."""
        self.wait_until(
            lambda: not self.child.isalive() and self._at_end(), "the end of the program"
        )
        self.child.close()
        status = self.child.exitstatus
        return status if status is not None else -(self.child.signalstatus or 0)

    def _at_end(self) -> bool:
        try:
            data = self.child.read_nonblocking(1 << 16, timeout=0)
        except (pexpect.EOF, pexpect.TIMEOUT):
            return True
        self._receive(data)
        return False

    def _receive(self, data: bytes) -> None:
        # A mark may be in two parts.
        known = max(len(self.raw) - _LONGEST_MARK + 1, 0)
        before = len(_LINE_ENDED.findall(self.raw, known))
        self.raw += data
        self.lines_ended += len(_LINE_ENDED.findall(self.raw, known)) - before
        self._stream.feed(data)
        self._note_changed_rows()

    def _note_changed_rows(self) -> None:
        """Take the texts of changed rows from the screen, whose own ``display`` makes all anew."""
        buffer, columns = self._screen.buffer, range(self._screen.columns)
        for y in self._screen.dirty.intersection(range(len(self._rows))):  # there may be no rows
            row = buffer[y]
            self._rows[y] = "".join([row[x].data for x in columns])
        self._screen.dirty.clear()

    def end(self) -> None:
        """Have the program end, or kill it."""
        for number, seconds in ((signal.SIGHUP, 3.0), (signal.SIGKILL, _TIMEOUT)):
            if self.child.isalive():
                self.child.kill(number)
                self._wait_until_dead(seconds)
        self.child.close(force=True)

    def _wait_until_dead(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.child.isalive() and time.monotonic() < deadline:
            self._at_end()  # it may have to write something before it ends
            time.sleep(0.01)
