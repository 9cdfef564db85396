"""Running other programs: a shell pipeline, a pager or an editor."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import FrameType

from ..errors import PipelineError

_BROKEN_PIPE = 141  # the status of a program that SIGPIPE ended
_WRITE_BYTES = 1 << 16

Wait = Callable[[int], object]
"""Waits until a file descriptor is readable, and does something else meanwhile."""

Background = Callable[[], AbstractContextManager[Wait | None]]
"""Returns a context for as long as a program runs; its value is None if nothing else is done."""


def run_pipeline(pipeline: str, text: str, background: Background = nullcontext) -> None:
    """Run a shell command with a text as its input.

    :param background: what is done meanwhile.
    :raise PipelineError: the command failed.
    :raise BrokenPipeError: nobody reads its output, which is this program's own.
    :raise KeyboardInterrupt: Ctrl-C was pressed; the command has ended.
    """
    try:
        status = run_program(
            ["/bin/sh", "-c", pipeline], text, background=background, raise_interrupt=True
        )
    except OSError as error:
        raise PipelineError(f"/bin/sh: {error.strerror}") from None
    if status == _BROKEN_PIPE:
        raise BrokenPipeError
    if status:
        raise PipelineError(f"the pipeline ended with status {status}")


def run_program(
    command: Sequence[str],
    text: str | None = None,
    environment: dict[str, str] | None = None,
    *,
    background: Background = nullcontext,
    raise_interrupt: bool = False,
) -> int:
    """Run a program, and wait until it has ended.

    Ctrl-C interrupts the program, which may handle it; this one waits on.

    :param text: its input; None: it reads from this program's.
    :param environment: its environment variables; None: those of this program.
    :param background: what is done meanwhile.
    :param raise_interrupt: raise KeyboardInterrupt once the program has ended.
    :return: its exit status; 128 and the number of the signal that ended it.
    :raise OSError, ValueError: there is no such program.
    """
    is_interrupted = False

    def note_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True

    data = f"{text}\n".encode() if text is not None else None
    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, note_interrupt)
    try:
        # Its input is buffered, for unbuffered a signal would cut it: what was not written is lost.
        program = subprocess.Popen(
            command, stdin=subprocess.PIPE if data is not None else None, env=environment
        )
        with background() as wait:
            if wait is not None:
                _attend(program, data, wait)
            elif data is not None:
                program.communicate(data)
            program.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if is_interrupted and raise_interrupt:
        raise KeyboardInterrupt
    status: int = program.returncode
    return status if status >= 0 else 128 - status


def _attend(program: subprocess.Popen[bytes], data: bytes | None, wait: Wait) -> None:
    """Give a program its input as it reads it, until it has ended; something else is done, too."""
    left = memoryview(data or b"")
    end = os.pidfd_open(program.pid)
    with os.fdopen(end, "rb"), select.epoll() as ready:
        ready.register(end, select.EPOLLIN)
        if program.stdin is not None:
            os.set_blocking(program.stdin.fileno(), False)
            ready.register(program.stdin, select.EPOLLOUT)
        while end not in dict(ready.poll(0)):
            if program.stdin is not None and not program.stdin.closed:
                left = left[_write(program.stdin.fileno(), left) :]
                if not left:
                    program.stdin.close()
            wait(ready.fileno())


def _write(pipe: int, data: memoryview) -> int:
    """Write some of a program's input; returns how much is not to be written any more."""
    try:
        return os.write(pipe, data[:_WRITE_BYTES])
    except BlockingIOError:  # nothing can be written at present
        return 0
    except BrokenPipeError:  # it does not read all of it
        return len(data)
