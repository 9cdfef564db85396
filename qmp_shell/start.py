"""Where both programs begin: an interrupt ends them silently while modules are still imported.

Python turns Ctrl-C into an exception, whose traceback is printed if nothing catches
it, and at the start nothing does.
"""

from __future__ import annotations

import signal


def main() -> int:
    """``qmp-shell``; returns its exit status."""
    _let_interrupts_kill()
    from .cli import main

    return main()


def main_wrap() -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    _let_interrupts_kill()
    from .cli import main_wrap

    return main_wrap()


def _let_interrupts_kill() -> None:
    """Have SIGINT end this process, unless it is ignored. ``cli.py`` undoes that."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
