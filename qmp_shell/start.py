"""Where both programs begin and end: modules are imported quietly and fast.

Python turns Ctrl-C into an exception, whose traceback is printed if nothing catches it, and while
modules are imported nothing does.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .importing import importing
from .signals import set_mask


def main() -> int:
    """``qmp-shell``; returns its exit status."""
    with _start():
        from .cli import main

    return _run(main)


def main_wrap() -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    with _start():
        from .cli import main_wrap

    return _run(main_wrap)


@contextmanager
def _start() -> Iterator[None]:
    _let_interrupts_kill()
    with importing():
        yield


def _run(program: Callable[[], int]) -> int:
    """Run a program, of which nothing can be interrupted once it has ended."""
    try:
        try:
            return program()
        finally:  # if one came just before, this call raises it when they are blocked
            set_mask(signal.SIG_BLOCK, (signal.SIGINT,))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _let_interrupts_kill() -> None:
    """Have SIGINT end this process, unless it is ignored. ``cli.py`` undoes that."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
