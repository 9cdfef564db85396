"""What a device is called: QMP has QOM paths, people have the ids that they gave."""

from __future__ import annotations

# Where users' own devices are in the QOM tree, and what virtio puts below them.
_PREFIXES = ("/machine/peripheral/", "/machine/peripheral-anon/", "/machine/unattached/")
_SUFFIX = "/virtio-backend"


def format_device_name(path: str) -> str:
    """The device's own name, from its QOM path."""
    for prefix in _PREFIXES:
        path = path.removeprefix(prefix)
    return path.removesuffix(_SUFFIX)
