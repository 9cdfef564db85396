"""Running other programs on a text: a shell pipeline, or a pager."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence

from ..errors import PipelineError

_BROKEN_PIPE = 141  # the status of a program that SIGPIPE ended


def run_pipeline(pipeline: str, text: str) -> None:
    """Run a shell command with a text as its input.

    :raise PipelineError: the command failed.
    :raise BrokenPipeError: nobody reads its output, which is this program's own.
    :raise KeyboardInterrupt: Ctrl-C was pressed; the command has ended.
    """
    try:
        status = run_with_input(["/bin/sh", "-c", pipeline], text, raise_interrupt=True)
    except OSError as error:
        raise PipelineError(f"/bin/sh: {error.strerror}") from None
    if status == _BROKEN_PIPE:
        raise BrokenPipeError
    if status:
        raise PipelineError(f"the pipeline ended with status {status}")


def run_with_input(
    command: Sequence[str],
    text: str,
    environment: dict[str, str] | None = None,
    *,
    raise_interrupt: bool = False,
) -> int:
    """Run a program with a text as its input, and wait until it has ended.

    Ctrl-C interrupts the program, which may handle it; this one waits on.

    :param environment: its environment variables; None: those of this program.
    :param raise_interrupt: raise KeyboardInterrupt once the program has ended.
    :return: its exit status; 128 and the number of the signal that ended it.
    :raise OSError, ValueError: there is no such program.
    """
    sys.stdout.flush()
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
    )
    interrupted = False
    try:
        with contextlib.suppress(BrokenPipeError):  # it does not read all of it
            program.communicate(text + "\n")
    except KeyboardInterrupt:
        interrupted = True
    while program.returncode is None:
        try:
            program.wait()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and raise_interrupt:
        raise KeyboardInterrupt
    status: int = program.returncode
    return status if status >= 0 else 128 - status
