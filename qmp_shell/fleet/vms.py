"""Which VMs a script is for, and its lines, before any of them is asked."""

from __future__ import annotations

from collections.abc import Sequence

from ..configuration import Configuration
from ..configuration.addresses import MARK, ConfiguredAddresses
from ..errors import UsageError
from ..polling import read_input
from ..script import ReadInput, StandardInput, complain
from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..session import Target
    from ..session.scripts import Input
    from ..transport.stream import Address

_READ_BYTES = 1 << 16


def find_vms(
    texts: Sequence[str], addresses: ConfiguredAddresses, configured: Configuration | None
) -> dict[str, Target]:
    """The VMs that a script is for, by their names.

    :param texts: addresses and names that the user gave.
    :param configured: whose VMs are all meant, too.
    :raise UsageError: one of them is wrong, or there are none.
    """
    names = [f"{MARK}{name}" for name in configured.vms] if configured is not None else []
    if configured is not None and not names:
        raise UsageError(f"--all: {configured.problem or f'{configured.path} names no VM'}")
    found: dict[str, Target] = {}
    seen: dict[Address, str] = {}
    for name in dict.fromkeys([*names, *texts]):
        target = addresses.resolve(name, is_own=True)
        other = seen.setdefault(target.address, name)
        if other == name:
            found[name] = target
        else:  # QEMU serves one client at a time
            complain(f"{name} is the same VM as {other}")
    return found


def read_standard_input(inputs: Sequence[Input]) -> list[Input]:
    """Inputs that each of several processes can read."""
    return [ReadInput(_read_all()) if isinstance(each, StandardInput) else each for each in inputs]


def _read_all() -> bytes:
    data = bytearray()
    while piece := read_input(0, _READ_BYTES):
        data += piece
    return bytes(data)
