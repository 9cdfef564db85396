"""What is done in a new process before it becomes another program.

Knows nothing of the programs.
"""

from __future__ import annotations

import os
import signal
import sys
from _thread import get_native_id
from collections.abc import Callable

from .signals import unblock_signals

_PR_SET_PDEATHSIG = 1


def prepare_child(*, ignores_interrupts: bool = False) -> Callable[[], None]:
    """Return what a new process has to call before it becomes the program (``preexec_fn``).

    Linux then sends it SIGTERM when this program ends, however that ends. (Not if it is started in
    another thread than the main one: the signal would come at the end of that thread.)

    :param ignores_interrupts: Ctrl-C, which reaches all that the terminal's user has started, is
        for this program alone.
    """
    # Imported here, and not in the new process, which must not do much.
    prctl, parent = None, os.getpid()
    # The main thread has the number of its process.
    if sys.platform == "linux" and get_native_id() == parent:
        import ctypes

        prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # that has ended just before
                os._exit(128 + signal.SIGTERM)
        if ignores_interrupts:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        unblock_signals()

    return prepare
