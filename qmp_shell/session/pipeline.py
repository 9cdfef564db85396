"""Running other programs: a shell pipeline, a pager or an editor."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType

from ..errors import PipelineError

_BROKEN_PIPE = 141  # the status of a program that SIGPIPE ended


def run_pipeline(pipeline: str, text: str) -> None:
    """Run a shell command with a text as its input.

    :raise PipelineError: the command failed.
    :raise BrokenPipeError: nobody reads its output, which is this program's own.
    :raise KeyboardInterrupt: Ctrl-C was pressed; the command has ended.
    """
    try:
        status = run_program(["/bin/sh", "-c", pipeline], text, raise_interrupt=True)
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
    raise_interrupt: bool = False,
) -> int:
    """Run a program, and wait until it has ended.

    Ctrl-C interrupts the program, which may handle it; this one waits on.

    :param text: its input; None: it reads from this program's.
    :param environment: its environment variables; None: those of this program.
    :param raise_interrupt: raise KeyboardInterrupt once the program has ended.
    :return: its exit status; 128 and the number of the signal that ended it.
    :raise OSError, ValueError: there is no such program.
    """
    is_interrupted = False

    def note_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True

    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, note_interrupt)
    try:
        program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if text is not None else None,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        if text is not None:
            with contextlib.suppress(BrokenPipeError):  # it does not read all of it
                program.communicate(text + "\n")
        program.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if is_interrupted and raise_interrupt:
        raise KeyboardInterrupt
    status: int = program.returncode
    return status if status >= 0 else 128 - status
