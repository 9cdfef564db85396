"""The addresses that can be chosen from a list: for ``.connect`` and for completion in shells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

# Processes are not looked at again at each key.
_FRESH_SECONDS = 2.0

KnownAddress = tuple[str, str]
"""An address, and what is there, in a few words."""


class KnownAddresses:
    """The known addresses, as they were a moment ago."""

    def __init__(self, find: Callable[[], Iterable[KnownAddress]]) -> None:
        """:param find: finds them."""
        self._find = find
        self._found: Sequence[KnownAddress] = ()
        self._found_at: float | None = None

    def recent(self) -> Sequence[KnownAddress]:
        """What was found lately."""
        now = time.monotonic()
        if self._found_at is None or now - self._found_at > _FRESH_SECONDS:
            self._found = list(self._find())
            self._found_at = time.monotonic()
        return self._found


def find_addresses() -> Iterator[KnownAddress]:
    """The monitors of the VMs on this host, but for those that cannot be written on a line."""
    from ..discovery import find_vms
    from ..render.vms import describe_monitor

    for vm in find_vms():
        for monitor in vm.monitors:
            if not monitor.problem and monitor.address.isprintable():
                yield monitor.address, describe_monitor(vm, monitor)
