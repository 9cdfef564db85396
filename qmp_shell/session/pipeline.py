"""Text for another program: a shell pipeline, or a pager."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence

from ..errors import PipelineError

_BROKEN_PIPE = 141  # the status of a program that SIGPIPE ended


def run_pipeline(pipeline: str, text: str) -> None:
    """Give a text to a shell command.

    :raise PipelineError: it failed.
    :raise BrokenPipeError: nobody reads what it writes, nor what this program would.
    :raise KeyboardInterrupt: Ctrl-C, after it has ended.
    """
    try:
        status = feed(["/bin/sh", "-c", pipeline], text, then_interrupted=True)
    except OSError as error:
        raise PipelineError(f"/bin/sh: {error.strerror}") from None
    if status == _BROKEN_PIPE:
        raise BrokenPipeError
    if status:
        raise PipelineError(f"the pipeline ended with status {status}")


def feed(
    command: Sequence[str],
    text: str,
    environment: dict[str, str] | None = None,
    *,
    then_interrupted: bool = False,
) -> int:
    """Run a program with a text as its input, and wait for its end; its exit status.

    An interrupt is the program's own affair.

    :param then_interrupted: and ours, once it has ended.
    :raise OSError, ValueError: there is no such program.
    """
    sys.stdout.flush()
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
    )
    # Who leaves early has seen enough.
    interrupted = False
    try:
        with contextlib.suppress(BrokenPipeError):
            program.communicate(text + "\n")
    except KeyboardInterrupt:
        interrupted = True
    while program.returncode is None:
        try:
            program.wait()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and then_interrupted:
        raise KeyboardInterrupt
    status: int = program.returncode
    return status if status >= 0 else 128 - status
