"""The process of one VM, as the process that prints sees it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator

from ..child import prepare_child
from ..process import Process
from ..signals import SignalsBlocked
from ..static_typing import NoReturn
from .channel import ChannelReader, Record

Serve = Callable[[str, bytes], int]
"""Serves a VM: is given its name, and the mark of records; returns an exit status."""

_READ_BYTES = 1 << 16
# A line of standard error that is longer is cut.
_LONGEST_LINE = 1 << 16
_FAULT, _INTERRUPTED = 70, 130  # exit statuses, as those of cli.py


class ErrorLine(str):
    """A line of standard error."""


Printed = Record | ErrorLine | bytes
"""What a process prints: a record, a line of errors, or a line of text."""


class Worker:
    """A process that runs a script on one VM.

    :ivar name: the VM's, as the user gave it.
    :ivar descriptors: those that are to be polled: its output, its errors and its end.
    """

    def __init__(self, name: str, serve: Serve, others: Iterable[Worker]) -> None:
        """Start it.

        :param others: those that run, whose output is not for this one.
        :raise OSError: it could not be started.
        """
        self.name = name
        mark = b"\0" + os.urandom(16).hex().encode() + b"\0"
        self._reader = ChannelReader(mark)
        self._error_text = b""
        self.descriptors: set[int]
        self._output, output = os.pipe()
        self._errors, errors = os.pipe()
        unneeded = [self._output, self._errors, *(fd for each in others for fd in each.descriptors)]
        prepare = prepare_child()
        with SignalsBlocked():
            pid = os.fork()
            if pid == 0:
                _serve(lambda: serve(name, mark), unneeded, (output, errors), prepare)
            self._process = Process(pid)
        for descriptor in (output, errors):
            os.close(descriptor)
        for descriptor in (self._output, self._errors):
            os.set_blocking(descriptor, False)
        end = self._process.descriptor
        self.descriptors = {self._output, self._errors}
        if end is not None:
            self.descriptors.add(end)

    @property
    def is_amid_record(self) -> bool:
        """Whether the rest of a record is to come, as it will soon."""
        return self._reader.is_amid_record and self._output in self.descriptors

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be read any more."""
        return self.descriptors.isdisjoint((self._output, self._errors))

    def receive(self, descriptor: int) -> Iterator[Printed]:
        """Read from a descriptor that is ready, and yield what is complete."""
        if descriptor != self._process.descriptor:
            yield from self._receive(descriptor)
            return
        # It has ended. What other processes may still write does not count.
        for pipe in (self._output, self._errors):
            while pipe in self.descriptors and (found := list(self._receive(pipe))):
                yield from found
            yield from self._close(pipe)

    def _receive(self, pipe: int) -> Iterator[Printed]:
        try:
            data = os.read(pipe, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            yield from self._close(pipe)
        elif pipe == self._output:
            yield from self._reader.feed(data)
        else:
            yield from self._split_errors(data)

    def _split_errors(self, data: bytes) -> Iterator[ErrorLine]:
        *lines, self._error_text = (self._error_text + data).split(b"\n")
        if len(self._error_text) > _LONGEST_LINE:
            lines.append(self._error_text)
            self._error_text = b""
        for line in lines:
            yield ErrorLine(line.decode("utf-8", "backslashreplace"))

    def _close(self, pipe: int) -> Iterator[Printed]:
        """Close a pipe, and yield what no newline ends."""
        if pipe not in self.descriptors:
            return
        self.descriptors.remove(pipe)
        os.close(pipe)
        if pipe == self._output:
            yield from self._reader.finish()
        elif self._error_text:
            yield from self._split_errors(b"\n")

    def wait(self) -> int:
        """Wait for its end, which is near; returns its status as a shell has it."""
        _, status = os.waitpid(self._process.pid, 0)
        self._process.close()
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """Ask it to end."""
        self._process.send(signal.SIGTERM)
        self._process.send(signal.SIGCONT)  # a suspended process does not react to the other

    def kill(self, seconds: float) -> None:
        """Kill it, unless it ends within some seconds, and close its pipes."""
        if not self._process.wait(seconds):
            self._process.send(signal.SIGKILL)
        self.wait()
        for pipe in (self._output, self._errors):
            for _ in self._close(pipe):
                pass


def _serve(
    serve: Callable[[], int],
    unneeded: Collection[int],
    pipes: tuple[int, int],
    prepare: Callable[[], None],
) -> NoReturn:
    """Serve in the new process, and end it."""
    status = _FAULT
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        for descriptor in unneeded:
            os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for standard, descriptor in enumerate((nothing, *pipes)):
            os.dup2(descriptor, standard)
            if descriptor > 2:
                os.close(descriptor)
        prepare()
        status = serve()
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except SystemExit as end:  # by a signal
        status = int(end.code or 0)
    finally:
        os._exit(status)
