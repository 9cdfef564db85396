"""Signals that end the shell."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from qmp_shell.prompt.signals import PromptSignals
from qmp_shell.signals import (
    Interruptible,
    SignalsBlocked,
    ended_by_signals,
    interrupt,
    is_signal_pending,
    poll_timeout,
    use_uninterrupted,
)


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    """Check that no signal stays blocked, and restore the handlers, which stay after a signal."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in (*numbers, signal.SIGALRM)}
    yield
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(numbers)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def raise_at_once(*numbers: int) -> None:
    """Have several signals come at the same time."""
    with SignalsBlocked():
        for number in numbers:
            signal.raise_signal(number)


def end_despite(*numbers: int) -> None:
    """Have SIGTERM come, and other signals while its exception ends this function."""
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number in numbers:
            signal.raise_signal(number)


def test_ctrl_c_does_not_undo_a_signal_that_ends_the_prompt() -> None:
    signals = PromptSignals(lambda _: None)
    with pytest.raises(SystemExit) as ended, signals.handled(), signals.raised():
        end_despite(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    assert ended.value.code == 143


def test_the_prompt_handles_the_signals_while_it_connects_too() -> None:
    signals = PromptSignals(lambda _: None)
    with pytest.raises(SystemExit), signals.handled(), signals.raised(), ended_by_signals():
        end_despite(signal.SIGINT)


def test_a_signal_whose_exception_was_lost_ends_the_prompt_at_the_next_line() -> None:
    signals = PromptSignals(lambda _: None)
    with signals.handled():
        with signals.raised(), contextlib.suppress(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit), signals.raised():
            pytest.fail("the prompt has not ended")


def test_only_the_first_signal_ends_the_program() -> None:
    with pytest.raises(SystemExit) as ended, ended_by_signals():
        end_despite(signal.SIGHUP, signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143


@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    ],
)
def test_signals_that_come_at_once_do_not_interrupt_the_stop(numbers: tuple[int, ...]) -> None:
    stopped: list[bool] = []
    with pytest.raises((KeyboardInterrupt, SystemExit)), ended_by_signals():
        use_uninterrupted(
            lambda: None,
            lambda _: raise_at_once(*numbers),
            lambda _: stopped.append(is_signal_pending()),
        )
    assert len(stopped) == 1
    assert not is_signal_pending()


def test_a_signal_that_came_just_before_it_was_blocked_is_delayed_too() -> None:
    was_delayed: list[bool] = []

    def handle_late() -> None:
        handler = signal.getsignal(signal.SIGTERM)
        assert callable(handler)
        with SignalsBlocked():
            handler(signal.SIGTERM, None)
            was_delayed.append(is_signal_pending())

    with pytest.raises(SystemExit), ended_by_signals():
        handle_late()
    assert was_delayed == [True]


def wait_for_signal_of_import(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have a signal come while the import system handles the end of one of its locks."""
    system: Any = importlib._bootstrap
    came: list[bool] = []
    lock = system._get_module_lock("a module that is imported")
    # What it calls when the lock goes. No function in Python is between them.
    send = functools.partial(signal.raise_signal, number)
    calls = SimpleNamespace(acquire_lock=send, release_lock=lambda: came.append(True))
    with monkeypatch.context() as patch:
        patch.setattr(system, "_imp", calls)
        del lock
    assert came
    time.sleep(20)  # is interrupted


def wait_for_signal_of_deletion(_: pytest.MonkeyPatch, number: int) -> None:
    """Have a signal come while an object is deleted."""
    came: list[bool] = []

    class Deleted:
        def __del__(self) -> None:
            self.send()
            came.append(True)

        def send(self) -> None:
            signal.raise_signal(number)

    Deleted()
    assert came
    time.sleep(20)  # is interrupted


def wait_for_signal_of_weak_reference(_: pytest.MonkeyPatch, number: int) -> None:
    """Have a signal come while a weak set forgets an object that is deleted."""
    kept: Any = weakref.WeakSet()
    kept.data = SimpleNamespace(discard=signal.raise_signal)  # is given the reference

    class Reference(weakref.ref[Any]):
        def __index__(self) -> int:
            return int(number)

    each = {"an object"}
    reference = Reference(each, kept._remove)
    del each
    assert reference() is None
    time.sleep(20)  # is interrupted


@contextmanager
def interrupted_script() -> Iterator[None]:
    """Have SIGINT do what it does in a script."""
    signal.signal(signal.SIGINT, interrupt)
    yield


@contextmanager
def interrupted_prompt() -> Iterator[None]:
    """Have SIGINT do what it does at the prompt, while a command runs."""
    signals = PromptSignals(lambda _: None)
    with signals.handled(), signals.raised():
        yield


@pytest.mark.parametrize(
    ("handled", "number", "error"),
    [
        (ended_by_signals, signal.SIGTERM, SystemExit),
        (interrupted_script, signal.SIGINT, KeyboardInterrupt),
        (interrupted_prompt, signal.SIGINT, KeyboardInterrupt),
    ],
)
@pytest.mark.parametrize(
    "wait",
    [
        wait_for_signal_of_import,
        wait_for_signal_of_deletion,
        wait_for_signal_of_weak_reference,
    ],
)
def test_a_signal_counts_after_a_callback_within_which_it_came(
    monkeypatch: pytest.MonkeyPatch,
    wait: Callable[[pytest.MonkeyPatch, int], None],
    handled: Callable[[], AbstractContextManager[None]],
    number: int,
    error: type[BaseException],
) -> None:
    """Python would print the exception that the signal is turned into, and go on."""
    with open(os.devnull) as no_terminal:
        monkeypatch.setattr(sys, "stdin", no_terminal)
        with pytest.raises(error), handled():
            wait(monkeypatch, number)


def test_an_interrupt_that_was_delayed_leaves_the_signal_blocked_as_it_was() -> None:
    def write() -> None:
        with SignalsBlocked():
            signal.raise_signal(signal.SIGINT)
            try:
                with Interruptible():
                    pass
            finally:
                masks.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    masks: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        write()
    assert masks == [True]


def test_a_signal_during_the_start_interrupts_the_use() -> None:
    steps: list[str] = []

    def start() -> None:
        signal.raise_signal(signal.SIGINT)
        steps.append("started")

    with pytest.raises(KeyboardInterrupt):
        use_uninterrupted(start, lambda _: steps.append("used"), lambda _: steps.append("stopped"))
    assert steps == ["started", "stopped"]


def test_a_signal_during_the_stop_is_known_there_and_counts_afterwards() -> None:
    steps: list[bool] = []

    def stop(_: None) -> None:
        steps.append(is_signal_pending())
        signal.raise_signal(signal.SIGINT)
        steps.append(is_signal_pending())

    with pytest.raises(KeyboardInterrupt):
        use_uninterrupted(lambda: None, lambda _: None, stop)
    assert steps == [False, True]


def test_an_error_counts_more_than_a_signal_during_the_stop() -> None:
    with pytest.raises(ZeroDivisionError):
        use_uninterrupted(
            lambda: 0, lambda zero: 1 / zero, lambda _: signal.raise_signal(signal.SIGINT)
        )
    assert not is_signal_pending()


def test_an_ignored_signal_asks_for_no_haste() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    pending: list[bool] = []

    def stop(_: None) -> None:
        signal.raise_signal(signal.SIGHUP)
        pending.append(is_signal_pending())

    use_uninterrupted(lambda: None, lambda _: None, stop)
    assert pending == [False]


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(None, 1000), (1e9, 1000), (0.5, 500), (0, 0), (-5, 0)]
)
def test_no_poll_is_so_long_that_a_signal_before_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, milliseconds: float
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    deadline = None if seconds is None else 1000.0 + seconds
    assert poll_timeout(deadline) == milliseconds


def test_no_signal_comes_while_its_handler_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would print ``Signal 15 ignored due to race condition``."""
    given_back = []
    set_handler = signal.signal

    def note(number: int, handler: Any) -> Any:
        if handler == signal.SIG_DFL:
            given_back.append(number)
            assert number in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return set_handler(number, handler)

    with monkeypatch.context() as patch:
        before = set_handler(signal.SIGTERM, signal.SIG_DFL)
        try:
            patch.setattr(signal, "signal", note)
            with ended_by_signals():
                pass
        finally:
            set_handler(signal.SIGTERM, before)
    assert signal.SIGTERM in given_back
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_child_whose_parent_has_ended_before_it_was_prepared_ends() -> None:
    script = """
import os
from qmp_shell.child import prepare_child

prepare, parent = prepare_child(), os.getpid()
if os.fork() == 0:
    while os.getppid() == parent:
        pass
    prepare()
    print("it goes on", flush=True)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
