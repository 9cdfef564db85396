"""A small disk image in QEMU's format qcow2, made without QEMU's tools, which may not be installed.

QEMU's documentation describes the format: docs/interop/qcow2. Each table of numbers takes one
cluster here. All numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence

_CLUSTER_BITS = 16
CLUSTER = 1 << _CLUSTER_BITS
"""The bytes of a cluster."""

# The numbers of the clusters that tables are in, and of the first that content is in.
_COUNTS_TABLE, _COUNTS, _UPPER_TABLE, _LOWER_TABLE, _CONTENT = range(1, 6)

_MAGIC = b"QFI\xfb"
_VERSION = 3
_HEADER_BYTES = 104
_COUNT_BITS_LOG2 = 4  # a count has 16 bits
# Nothing else refers to the cluster that an entry refers to, so it can be written to.
_ONLY_HERE = 1 << 63

LARGEST = CLUSTER // 8 * CLUSTER
"""The largest size of a disk, in bytes: what one lower table describes."""


def make_image(size: int, contents: Sequence[bytes] = ()) -> bytes:
    """The bytes of an image.

    :param size: of the disk, in bytes.
    :param contents: of the first clusters of the disk, :data:`CLUSTER` bytes each; equal ones are
        stored once. The rest of the disk reads as zeros.
    """
    assert len(contents) * CLUSTER <= size <= LARGEST
    places = {content: place for place, content in enumerate(dict.fromkeys(contents), _CONTENT)}
    uses = Counter(places[content] for content in contents)
    counts = [1] * _CONTENT + [uses[place] for place in places.values()]
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(_MAGIC, _VERSION),
        *(0, 0),  # no backing file
        *(_CLUSTER_BITS, size),
        0,  # no encryption
        *(1, _UPPER_TABLE * CLUSTER),
        *(_COUNTS_TABLE * CLUSTER, 1),
        *(0, 0),  # no snapshots
        *(0, 0, 0),  # no features
        *(_COUNT_BITS_LOG2, _HEADER_BYTES),
    )

    def refer(place: int) -> int:
        return place * CLUSTER | (_ONLY_HERE if counts[place] == 1 else 0)

    tables = (
        header,
        struct.pack(">Q", _COUNTS * CLUSTER),
        struct.pack(f">{len(counts)}H", *counts),
        struct.pack(">Q", refer(_LOWER_TABLE)),
        struct.pack(f">{len(contents)}Q", *(refer(places[content]) for content in contents)),
    )
    return b"".join(cluster.ljust(CLUSTER, b"\0") for cluster in (*tables, *places))
