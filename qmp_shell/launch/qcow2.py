"""A small disk image in QEMU's format qcow2, made without QEMU's tools, which may not be installed.

QEMU's documentation describes the format: docs/interop/qcow2. A table of numbers takes a whole
cluster here. All numbers are big-endian.
"""

from __future__ import annotations

import struct

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS  # bytes

# Where the tables are: the number of the cluster.
_COUNTS_TABLE, _COUNTS, _UPPER_TABLE, _LOWER_TABLE, _CONTENT = range(1, 6)

_MAGIC = b"QFI\xfb"
_VERSION = 3
_COUNT_BITS_LOG = 4  # a count has 16 bits
_HEADER_BYTES = 104
# Nobody else, as a snapshot, uses the cluster that an entry refers to.
_OWN = 1 << 63

LARGEST = _CLUSTER // 8 * _CLUSTER
"""The largest size of a disk, in bytes: what one lower table describes."""


def make_metadata(size: int, allocated: int = 0) -> bytes:
    """All of an image but its content, which is to be written behind this.

    :param size: of the disk, in bytes.
    :param allocated: how much of the disk has content, from its beginning; a whole number of
        clusters of 64 KiB. The rest reads as zeros.
    """
    assert allocated <= size <= LARGEST
    assert allocated % _CLUSTER == 0
    clusters = range(_CONTENT, _CONTENT + allocated // _CLUSTER)
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(_MAGIC, _VERSION),
        *(0, 0),  # no backing file
        *(_CLUSTER_BITS, size),
        0,  # no encryption
        *(1, _UPPER_TABLE << _CLUSTER_BITS),
        *(_COUNTS_TABLE << _CLUSTER_BITS, 1),
        *(0, 0),  # no snapshots
        *(0, 0, 0),  # no features
        *(_COUNT_BITS_LOG, _HEADER_BYTES),
    )
    counts = [1] * clusters.stop
    tables = (
        header,
        struct.pack(">Q", _COUNTS << _CLUSTER_BITS),
        struct.pack(f">{len(counts)}H", *counts),
        struct.pack(">Q", _LOWER_TABLE << _CLUSTER_BITS | _OWN),
        struct.pack(f">{len(clusters)}Q", *(each << _CLUSTER_BITS | _OWN for each in clusters)),
    )
    return b"".join(table.ljust(_CLUSTER, b"\0") for table in tables)
