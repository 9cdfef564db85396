"""Signals: ending in good order, and when Ctrl-C may interrupt."""

from __future__ import annotations

import _frozen_importlib
import _signal  # type: ignore[import-not-found]
import contextlib
import signal
import time
from collections.abc import Callable, Collection, Iterator
from types import FrameType

from .static_typing import TypeVar

T = TypeVar("T")
Result = TypeVar("Result")

set_mask = _signal.pthread_sigmask
"""What :func:`signal.pthread_sigmask` is without its wrapper in Python, at whose beginning a signal
could be acted on. The wrapper also makes enum members of the numbers, which takes four times as
long as the system call.
"""

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_ALL = (signal.SIGINT, *_ENDING)
# A signal that arrives just before poll() is called is acted on when poll() returns.
_LONGEST_POLL = 1.0  # seconds
_AGAIN_SECONDS = 0.01  # after which a signal is sent again that came where it would be lost
_WEAK_REFERENCES = ("weakref", "_weakrefset")


@contextlib.contextmanager
def ended_by_signals(end_soon: Callable[[SystemExit], bool] | None = None) -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``SystemExit`` in the context, so that it is left properly.

    Only the first signal counts: a second one must not interrupt the cleaning up. A signal that
    is ignored, as ``nohup`` has it, stays ignored. Within another such context, that one goes on
    to handle them.

    :param end_soon: is given the exception first, also within another such context. An event loop
        returns True and raises it between two of its tasks; raised within a task, it would count
        as that task's failure.
    """
    is_ending = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal is_ending
        if number in set_mask(signal.SIG_BLOCK, ()):
            signal.raise_signal(number)  # it came just before it was blocked, and has to wait too
        elif postpone_where_lost(number, frame):
            return
        elif not is_ending:
            is_ending = True
            error = SystemExit(128 + number)
            if end_soon is None or not end_soon(error):
                raise error

    before = {
        number: signal.signal(number, end)
        for number in _ENDING
        if (handler := signal.getsignal(number)) != signal.SIG_IGN
        and (handler == signal.SIG_DFL or end_soon is not None)
    }
    try:
        yield
    finally:
        # Python prints a traceback if one comes while it is given back to the system.
        with SignalsBlocked(before):
            for number, handler in before.items():
                if not is_ending and signal.getsignal(number) == end:
                    signal.signal(number, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """A handler of SIGINT.

    :raise KeyboardInterrupt: always, but where it would be lost only a moment later.
    """
    if not postpone_where_lost(number, frame):
        raise KeyboardInterrupt


def postpone_where_lost(number: int, frame: FrameType | None) -> bool:
    """Send a signal again 10 ms later, if it came where Python would drop an exception.

    That is so in what Python calls when an object is deleted, at any place of the program: methods
    ``__del__``, callbacks of weak references, and that of the import system's locks.

    :param frame: what was interrupted.
    :return: whether it is sent again, so that nothing is to be done now.
    """
    if frame is None or not (_may_be_callback(frame) or _is_in_deletion(frame)):
        return False
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    return True


def _may_be_callback(frame: FrameType) -> bool:
    module = frame.f_globals
    return module is vars(_frozen_importlib) or module.get("__name__") in _WEAK_REFERENCES


def _is_in_deletion(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


class SignalsBlocked:
    """Delays signals until the end of a ``with`` block."""

    # Used for each command, and faster than a generator with @contextmanager.
    def __init__(self, numbers: Collection[int] = _ALL) -> None:
        self._numbers = numbers

    def __enter__(self) -> None:
        self._before = set_mask(signal.SIG_BLOCK, ())
        try:
            set_mask(signal.SIG_BLOCK, self._numbers)
        except BaseException:  # one came just before, and is reported once it is blocked
            set_mask(signal.SIG_SETMASK, self._before)
            raise

    def __exit__(self, *_: object) -> None:
        set_mask(signal.SIG_SETMASK, self._before)


def use_uninterrupted(
    start: Callable[[], T], use: Callable[[T], Result], stop: Callable[[T], None]
) -> Result:
    """Start something, use it, and stop it, where no signal can interrupt the start and the stop.

    Signals that come meanwhile are delayed. They then interrupt the use, or what comes after the
    stop; but if the use was ended by an exception, that one counts. ``stop`` can ask
    :func:`is_signal_pending`, to be quick.

    (With a context manager a signal could come after the block, and before its ``__exit__``.)

    :param stop: is called whatever ends ``use``.
    """
    numbers = {number for number in _ALL if signal.getsignal(number) != signal.SIG_IGN}
    with SignalsBlocked(numbers):
        thing = start()
        is_failed = True
        try:
            set_mask(signal.SIG_UNBLOCK, numbers)
            result = use(thing)
            is_failed = False
        finally:
            try:
                # Python acts on signals where a function begins and where a call returns. So none
                # can come before this call; at its return, when they are blocked, one can.
                set_mask(signal.SIG_BLOCK, numbers)
            finally:
                stop(thing)
                while is_failed and (pending := signal.sigpending() & numbers):
                    signal.sigwait(pending)
        return result


def is_signal_pending() -> bool:
    """Whether a signal that ends this program has come, and is delayed."""
    return not signal.sigpending().isdisjoint(_ALL)


def unblock_signals() -> None:
    """Delay none of the signals that end a program."""
    set_mask(signal.SIG_UNBLOCK, _ALL)


def poll_timeout(deadline: float | None, longest: float = _LONGEST_POLL) -> float:
    """How long ``poll()`` may wait now, in milliseconds; the caller calls it again until then.

    :param deadline: a time of :func:`time.monotonic`; None: no limit.
    :param longest: seconds after which the caller has something else to look at.
    """
    left = longest if deadline is None else deadline - time.monotonic()
    return min(max(left, 0.0), longest) * 1000


class Interruptible:
    """Unblocks SIGINT until the end of a ``with`` block, if it is blocked around that."""

    def __enter__(self) -> None:
        self._before = set_mask(signal.SIG_BLOCK, ())
        self._is_blocked = signal.SIGINT in self._before
        if self._is_blocked:
            try:
                set_mask(signal.SIG_UNBLOCK, (signal.SIGINT,))
            except BaseException:  # one has come already
                set_mask(signal.SIG_SETMASK, self._before)
                raise

    def __exit__(self, *_: object) -> None:
        if self._is_blocked:
            set_mask(signal.SIG_SETMASK, self._before)
