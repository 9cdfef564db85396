"""Text for another program: a shell pipeline, or a pager."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence

from ..errors import PipelineError


def run_pipeline(pipeline: str, text: str) -> None:
    """Give a text to a shell command.

    :raise PipelineError: it failed.
    """
    try:
        status = feed(["/bin/sh", "-c", pipeline], text)
    except OSError as error:
        raise PipelineError(f"/bin/sh: {error.strerror}") from None
    if status:
        raise PipelineError(f"the pipeline ended with status {status}")


def feed(command: Sequence[str], text: str, environment: dict[str, str] | None = None) -> int:
    """Run a program with a text as its input, and wait for its end; its exit status.

    An interrupt is the program's own affair.

    :raise OSError, ValueError: there is no such program.
    """
    sys.stdout.flush()
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
    )
    # Who leaves early has seen enough.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        program.communicate(text + "\n")
    while program.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):
            program.wait()
    status: int = program.returncode
    return status if status >= 0 else 128 - status
