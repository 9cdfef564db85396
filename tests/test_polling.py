"""Waiting awake for replies, with a clock and a poll object that the tests control."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from qmp_shell.polling import EagerPolling, read_input

Ready = tuple[list[int], list[int], list[int]]

LONG = 1000.0  # milliseconds
QUESTION = 0.00001  # seconds that a question takes
READY = [(3, select.POLLIN)]


class Processor:
    """Time, and what stands for a poll object: its descriptor is ready at the ``answer_at``-th
    question. From the ``lost_at``-th one on, another process has the processor meanwhile.
    """

    def __init__(self) -> None:
        self.now = 100.0
        self.used = 0.0
        self.answer_at: int | None = None
        self.lost_at: int | None = None
        self.questions = 0
        self.sleeps: list[float] = []
        self.polling = EagerPolling(lambda: self.now, lambda: self.used)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        if timeout > 0:
            self.sleeps.append(timeout)
            return READY
        self.questions += 1
        self.now += QUESTION
        self.used += QUESTION
        if self.questions == self.lost_at:
            self.now += 0.0001
        return READY if self.questions == self.answer_at else []

    def wait(self, timeout: float = LONG) -> list[tuple[int, int]]:
        """Wait once, and count the questions of this wait alone."""
        self.questions = 0
        self.sleeps.clear()
        return self.polling.poll(self, timeout)  # type: ignore[arg-type]

    @property
    def slept_at_once(self) -> bool:
        return self.questions == 0 and bool(self.sleeps)

    def waits_until_pause(self) -> int:
        """How many waits there are, each of them of no use, until one that sleeps at once."""
        for number in range(100):
            self.wait()
            if self.slept_at_once:
                return number
        raise AssertionError("there is no pause")


@pytest.fixture
def processor() -> Processor:
    return Processor()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_what_is_ready_soon_is_found_without_sleeping(processor: Processor) -> None:
    processor.answer_at = 10
    for _ in range(200):
        assert processor.wait() == READY
        assert (processor.questions, processor.sleeps) == (10, [])


def test_after_a_moment_it_sleeps(processor: Processor) -> None:
    before = processor.now
    assert processor.wait(700.0) == READY
    assert processor.sleeps == [700.0]
    assert 0.0002 < processor.now - before < 0.0004


def test_without_time_it_asks_once(processor: Processor, pipe: tuple[int, int]) -> None:
    assert processor.wait(0.0) == []
    assert (processor.questions, processor.sleeps) == (1, [])
    poll = select.poll()
    poll.register(pipe[0], select.POLLIN)
    assert EagerPolling().poll(poll, 0.0) == []
    os.write(pipe[1], b"x")
    assert EagerPolling().poll(poll, 0.0) == [(pipe[0], select.POLLIN)]


def test_where_it_is_of_no_use_it_sleeps_at_once(processor: Processor) -> None:
    assert processor.waits_until_pause() == 25
    processor.now += 0.9
    processor.wait()
    assert processor.slept_at_once
    processor.now += 0.2
    assert processor.waits_until_pause() == 10, "the pause is over, but the credit is small"


def test_what_others_need_the_processor_for_is_of_no_use(processor: Processor) -> None:
    processor.answer_at = processor.lost_at = 10
    assert processor.waits_until_pause() == 25


def test_what_was_of_use_outweighs_a_quarter_as_much_that_was_not(processor: Processor) -> None:
    for _ in range(200):
        for answer_at in (5, 5, 5, 5, None):
            processor.answer_at = answer_at
            processor.wait()
            assert processor.questions, "it did not sleep at once"


def test_what_is_ready_already_says_nothing(processor: Processor) -> None:
    for _ in range(24):
        processor.wait()
    processor.answer_at = 1
    for _ in range(100):
        processor.wait()
    processor.answer_at = None
    assert processor.waits_until_pause() == 1


def test_input_is_not_waited_for_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python acts on a signal that came just before only when select() returns."""
    limits: list[float | None] = []

    def wait(reading: list[int], _w: object, _x: object, limit: float | None = None) -> Ready:
        limits.append(limit)
        return (reading if len(limits) > 2 else []), [], []

    reader, writer = os.pipe()
    os.write(writer, b"x")
    monkeypatch.setattr(select, "select", wait)
    assert read_input(reader, 5) == b"x"
    assert limits == [1.0] * 3
    os.close(reader)
    os.close(writer)
