"""QEMU's counters of disks and virtio queues as typed records; see ``records.py``."""

from __future__ import annotations

from typing import NamedTuple

from ..messages import Message
from .read import read_integer, read_object, read_objects, read_path, read_string


class DiskCounters(NamedTuple):
    """What a disk has done since it exists: operations, bytes, and the time that they took."""

    name: str
    read_bytes: int
    written_bytes: int
    operations: int
    nanoseconds: int


def parse_disk_counters(value: object) -> list[DiskCounters]:
    """Parse the answer to ``query-blockstats``."""
    return [
        DiskCounters(
            read_string(entry.get("device"))
            or read_string(entry.get("qdev"))
            or read_string(entry.get("node-name")),
            *_counters(read_object(entry.get("stats"))),
        )
        for entry in read_objects(value)
    ]


def _counters(stats: Message) -> tuple[int, int, int, int]:
    def total(suffix: str) -> int:
        names = (f"{kind}_{suffix}" for kind in ("rd", "wr", "flush", "unmap"))
        return sum(read_integer(stats.get(name)) or 0 for name in names)

    read, written = (read_integer(stats.get(f"{kind}_bytes")) or 0 for kind in ("rd", "wr"))
    return read, written, total("operations"), total("total_time_ns")


def parse_virtio_nics(value: object) -> list[str]:
    """The QOM paths of the virtio NICs, from the answer to ``x-query-virtio``."""
    return [
        read_string(entry.get("path"))
        for entry in read_objects(value)
        if read_string(entry.get("name")) == "virtio-net"
    ]


def parse_virtio_queue(value: object) -> int | None:
    """How many buffers the device has taken from a queue, modulo 65,536.

    :param value: the answer to ``x-query-virtio-queue-status``.
    """
    return read_integer(read_path(value, "last-avail-idx"))
