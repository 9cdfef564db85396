"""Giving what a line prints to a file or to a shell command."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import nullcontext, suppress

from ..errors import (
    OutputTimeout,
    PipelineError,
    UsageError,
    explain_encode_error,
    explain_os_error,
)
from ..language import Destination
from ..output import Writer
from ..render.views import VIEWS
from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pipeline import Background


class Delivery:
    """Where the output of one line goes. It is a context, in which a file is open.

    The file is opened before anything is run, so that nothing is lost if it cannot be written; but
    what it held is kept until there is something new, for the line may fail. A new file is
    removed if nothing was written to it.
    """

    def __init__(
        self,
        destination: Destination,
        timeout: Callable[[], float | None],
        background: Background = nullcontext,
    ) -> None:
        """
        :param timeout: returns the seconds for which the reader of a FIFO may take nothing; None:
            no limit.
        :param background: what is done while a shell command runs.
        :raise UsageError: the file cannot be written, or the shell command not be run.
        """
        self._destination = destination
        self._timeout = timeout
        self._background = background
        self._descriptor: int | None = None
        self._unused_file = ""
        if destination.pipeline is not None:
            _check_encoding(destination.pipeline)
        if destination.file is not None:
            path = os.path.expanduser(destination.file.path)
            try:
                self._descriptor = self._open(path, appends=destination.file.appends)
            except (OSError, ValueError) as error:
                raise UsageError(self._explain(error)) from None

    def _open(self, path: str, *, appends: bool) -> int:
        # A FIFO that nobody reads is an error, instead of being waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags | os.O_EXCL, 0o666)
        except FileExistsError:
            return os.open(path, flags, 0o666)
        if not appends:  # which several processes may do
            self._unused_file = path
        return descriptor

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if self._unused_file:
            with suppress(OSError):  # somebody else has removed it
                os.unlink(self._unused_file)

    def clear(self) -> None:
        """There is nothing to give.

        :raise PipelineError, OutputTimeout: the file cannot be written.
        """
        if self._descriptor is not None:
            self._write_file("")

    def deliver(self, text: str) -> None:
        """Give it a text.

        :raise PipelineError: the shell command failed, or the file cannot be written.
        :raise OutputTimeout: the reader of a FIFO has stopped reading.
        """
        if self._destination.pipeline is not None:
            from .pipeline import run_pipeline

            try:
                run_pipeline(self._destination.pipeline, text, self._background)
            except PipelineError as error:
                if self._destination.pipeline.split()[:1] in [[view] for view in VIEWS]:
                    error.hint = f"the view is | .{self._destination.pipeline.lstrip()}"
                raise
        elif self._descriptor is not None:
            self._write_file(f"{text}\n")

    def _write_file(self, text: str) -> None:
        assert self._descriptor is not None
        self._unused_file = ""
        try:
            self._write(text, self._descriptor)
        except OutputTimeout as error:
            raise OutputTimeout(f"{error}; the command was executed") from None
        except (OSError, ValueError) as error:
            raise PipelineError(f"{self._explain(error)}; the command was executed") from None

    def _write(self, text: str, descriptor: int) -> None:
        file = self._destination.file
        assert file is not None
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and not file.appends:
            os.ftruncate(descriptor, 0)
        Writer(descriptor, file.path, timeout=self._timeout).write_bytes(text.encode())

    def _explain(self, error: OSError | ValueError) -> str:
        path = self._destination.file.path if self._destination.file is not None else ""
        return f"{path}: {explain_os_error(error)}"


def _check_encoding(pipeline: str) -> None:
    """:raise UsageError: a program cannot be given this text."""
    try:
        os.fsencode(pipeline)
    except UnicodeEncodeError as error:
        raise UsageError(f"{pipeline}: {explain_encode_error(error)}") from None
