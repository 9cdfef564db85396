"""What a VM is doing: rates of its disks, NICs, vCPUs, jobs and migration, between two samples."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from .answers import AnswerView
from .counters import DiskCounters
from .inspection import CPUS, DISK_COUNTERS, NETWORK, VIRTIO_NICS, virtio_queue
from .question import Question
from .questions import JOBS, MIGRATION, NAME, RUN_STATE
from .records import Cpu, Job, Migration, Progress

HISTORY = 20
"""How many samples a sparkline shows."""

# As many disks, NICs and vCPUs as one could look at.
_MOST_ROWS = 200
_SMOOTHED = 5  # samples
_MOST_NICS = 50  # each takes two questions
_WRAP = 1 << 16  # the indexes of a virtqueue have 16 bits


_ALL: tuple[Question[Any], ...] = (
    NAME,
    RUN_STATE,
    DISK_COUNTERS,
    CPUS,
    NETWORK,
    JOBS,
    MIGRATION,
    VIRTIO_NICS,
)


class Sample(NamedTuple):
    """What the VM told at one time.

    :ivar at: by the monotonic clock, in seconds.
    :ivar nics: name and driver of each NIC.
    :ivar queues: the receive queue and the transmit queue of each virtio NIC, by its name.
    """

    at: float
    name: str
    run_state: str
    disks: list[DiskCounters]
    cpus: list[Cpu]
    nics: list[str]
    queues: dict[str, tuple[int | None, int | None]]
    jobs: list[Job]
    migration: Migration | None


def read_sample(view: AnswerView, now: float) -> Sample:
    """What the VM's answers tell. A view that does not wait has the rest asked for."""
    found = [view.get(question) for question in _ALL]
    name, run_state, disks, cpus, network, jobs, migration, nics = found
    queues = {
        _device_of(path): (view.get(virtio_queue(path, 0)), view.get(virtio_queue(path, 1)))
        for path in (nics or [])[:_MOST_NICS]
    }
    return Sample(
        now,
        name or "",
        run_state or "",
        list({disk.name: disk for disk in disks or [] if disk.name}.values())[:_MOST_ROWS],
        (cpus or [])[:_MOST_ROWS],
        [client.name for client in network or [] if client.type == "nic"][:_MOST_ROWS],
        queues,
        (jobs or [])[:_MOST_ROWS],
        migration if migration is not None and migration.is_active else None,
    )


class DiskActivity(NamedTuple):
    """What a disk has done between two samples, a second.

    :ivar latency: seconds that an operation took on average; None: there was none.
    :ivar queue: how many operations were under way on average.
    """

    name: str
    read: float
    written: float
    operations: float
    latency: float | None
    queue: float
    history: list[float]


class NicActivity(NamedTuple):
    """Buffers a second that a NIC received and sent; None: the VM does not tell."""

    name: str
    received: float | None
    sent: float | None
    history: list[float]


class CpuActivity(NamedTuple):
    """The share of a host CPU that a vCPU has used; None: the host does not tell."""

    number: int
    share: float | None
    history: list[float]


class OperationActivity(NamedTuple):
    """A job or a migration.

    :ivar rate: of its progress, a second.
    :ivar left: seconds until its end at this rate; None: it is not known.
    """

    name: str
    status: str
    percent: int | None
    rate: float
    left: float | None
    history: list[float]


class Activity:
    """Computes rates from the samples of a VM.

    :ivar sample: the last one; None: there was none yet.
    """

    def __init__(self, cpu_seconds: Callable[[int | None], float | None]) -> None:
        """:param cpu_seconds: returns the CPU time of a thread of QEMU; None: not known."""
        self._cpu_seconds = cpu_seconds
        self.sample: Sample | None = None
        self._before: Sample | None = None
        self._cpu_before: dict[int, float] = {}
        self._cpu_now: dict[int, float] = {}
        self._histories: dict[str, deque[float]] = {}
        self._progress: dict[str, deque[tuple[float, int]]] = {}
        self.disks: list[DiskActivity] = []
        self.nics: list[NicActivity] = []
        self.cpus: list[CpuActivity] = []
        self.operations: list[OperationActivity] = []

    def add(self, sample: Sample) -> None:
        """Add a sample; the rates are those since the one before."""
        self._before, self.sample = self.sample, sample
        self._cpu_before = self._cpu_now
        times = {cpu.number: self._cpu_seconds(cpu.thread) for cpu in sample.cpus}
        self._cpu_now = {
            number: seconds
            for number, seconds in times.items()
            if number is not None and seconds is not None
        }
        self.disks = list(self._find_disks())
        self.nics = list(self._find_nics())
        self.cpus = list(self._find_cpus())
        self.operations = list(self._find_operations())
        alive = {f"{kind} {each.name}" for kind, rows in self._named() for each in rows}
        alive |= {f"cpu {each.number}" for each in self.cpus}
        self._histories = {key: kept for key, kept in self._histories.items() if key in alive}
        self._progress = {key: kept for key, kept in self._progress.items() if key in alive}

    def _named(self) -> list[tuple[str, list[Any]]]:
        return [("disk", self.disks), ("nic", self.nics), ("job", self.operations)]

    @property
    def _seconds(self) -> float:
        if self.sample is None or self._before is None:
            return 0.0
        return self.sample.at - self._before.at

    def _rate(self, growth: float) -> float:
        """A second; what becomes less was reset, and has no rate."""
        return growth / self._seconds if growth > 0 and self._seconds > 0 else 0.0

    def _note(self, key: str, value: float) -> list[float]:
        """Add a value to a history of a fixed number of samples, which begins with zeros."""
        kept = self._histories.setdefault(key, deque([0.0] * HISTORY, HISTORY))
        kept.append(value)
        return list(kept)

    def _find_disks(self) -> Iterator[DiskActivity]:
        known = {disk.name: disk for disk in self._before.disks} if self._before else {}
        for disk in self.sample.disks if self.sample else ():
            before = known.get(disk.name, disk)
            operations = disk.operations - before.operations
            busy = max(disk.nanoseconds - before.nanoseconds, 0) / 1e9
            read = self._rate(disk.read_bytes - before.read_bytes)
            written = self._rate(disk.written_bytes - before.written_bytes)
            latency = busy / operations if operations > 0 else None
            history = self._note(f"disk {disk.name}", read + written)
            queue = self._rate(busy)
            yield DiskActivity(
                disk.name, read, written, self._rate(operations), latency, queue, history
            )

    def _find_nics(self) -> Iterator[NicActivity]:
        for name in self.sample.nics if self.sample else ():
            received, sent = (self._queue_rate(name, number) for number in (0, 1))
            total = (received or 0.0) + (sent or 0.0)
            yield NicActivity(name, received, sent, self._note(f"nic {name}", total))

    def _queue_rate(self, nic: str, number: int) -> float | None:
        now, before = (
            sample.queues.get(nic, (None, None))[number] if sample is not None else None
            for sample in (self.sample, self._before)
        )
        if now is None or before is None:
            return None
        growth = (now - before) % _WRAP
        return self._rate(growth if growth < _WRAP // 2 else 0)  # else the guest has reset it

    def _find_cpus(self) -> Iterator[CpuActivity]:
        for cpu in self.sample.cpus if self.sample else ():
            if cpu.number is None:
                continue
            now, before = self._cpu_now.get(cpu.number), self._cpu_before.get(cpu.number)
            share = self._rate(now - before) if now is not None and before is not None else None
            yield CpuActivity(cpu.number, share, self._note(f"cpu {cpu.number}", share or 0.0))

    def _find_operations(self) -> Iterator[OperationActivity]:
        for job in self.sample.jobs if self.sample else ():
            yield self._operation(f"{job.id} {job.type}", job.status, job.progress)
        migration = self.sample.migration if self.sample else None
        if migration is not None:
            yield self._operation("migration", migration.status, migration.progress)

    def _operation(self, name: str, status: str, progress: Progress) -> OperationActivity:
        """A job or a migration. Its rate is that of some seconds, for many move in bursts."""
        key = f"job {name}"
        at = self.sample.at if self.sample else 0.0
        done = self._progress.setdefault(key, deque(maxlen=_SMOOTHED + 1))
        done.append((at, progress.done))
        rates = [self._rate_between(before, after) for before, after in pairwise(done)]
        history = self._note(key, rates[-1] if rates else 0.0)
        rate = self._rate_between(done[0], done[-1])
        left = progress.total - progress.done
        seconds = left / rate if rate and left > 0 else None
        return OperationActivity(name, status, progress.percent, rate, seconds, history)

    @staticmethod
    def _rate_between(before: tuple[float, int], after: tuple[float, int]) -> float:
        seconds, growth = after[0] - before[0], after[1] - before[1]
        return growth / seconds if growth > 0 and seconds > 0 else 0.0


def _device_of(path: str) -> str:
    """The id of the device that a virtio backend is a part of, from its QOM path."""
    return path.rpartition("/")[0].rpartition("/")[2]
