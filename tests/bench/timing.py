"""Runs of two programs in turn, and what they took."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

Run = Callable[[], "Cost"]
"""Does something once, and returns what it took."""


class Cost(NamedTuple):
    """What one run took.

    :ivar seconds: by the clock.
    :ivar peak: the largest memory of a process, in bytes; 0: it is not known.
    """

    seconds: float
    peak: int = 0


class Comparison(NamedTuple):
    """What something took, over what its peer took.

    :ivar ours: the median, in seconds; so is ``peers``.
    :ivar ratio: of the medians.
    :ivar spread: the lowest and the highest ratio of a pair of runs.
    :ivar memory: the ratio of the peaks; None: they are not known.
    """

    ours: float
    peers: float
    ratio: float
    spread: tuple[float, float]
    memory: float | None


def compare(ours: Run, peers: Run, count: int) -> Comparison:
    """Run both in turn, so that what else the machine does hits both alike.

    :param count: how often; one more run of each, the first, does not count.
    """
    ours()
    peers()
    pairs = [(ours(), peers()) for _ in range(count)]
    mine = statistics.median(pair[0].seconds for pair in pairs)
    theirs = statistics.median(pair[1].seconds for pair in pairs)
    ratios = sorted(pair[0].seconds / pair[1].seconds for pair in pairs)
    peaks = [min(pair[index].peak for pair in pairs) for index in (0, 1)]
    return Comparison(
        mine,
        theirs,
        mine / theirs,
        (ratios[0], ratios[-1]),
        peaks[0] / peaks[1] if all(peaks) else None,
    )


def run_program(command: Sequence[str], *, stdin: str | None = None, status: int = 0) -> Cost:
    """Run a program, whose output goes to a pipe that is read at once.

    :param stdin: the path of the file that it reads; None: it reads nothing.
    :param status: the exit status that it must have.
    """
    start = time.perf_counter()
    with open(stdin or os.devnull, "rb") as file:
        process = subprocess.Popen(
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    assert process.stdout is not None
    while os.read(process.stdout.fileno(), 1 << 20):
        pass
    _, result, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(result)
    process.stdout.close()
    if process.returncode != status:
        raise RuntimeError(f"{command} ended with status {process.returncode}")
    # A process begins as a copy of this one, whose memory counts as its own.
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(seconds, usage.ru_maxrss * 1024 if usage.ru_maxrss > floor else 0)
