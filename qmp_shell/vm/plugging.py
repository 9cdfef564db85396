"""Where a device can be plugged, and what devices use, from the human monitor's ``info qtree``.

QEMU decides what can be plugged; this only knows the rules by which it usually does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .device_tree import PCI_BUSES, Bus, Device, PlacedBus, parse_device_tree, walk_buses

# The properties of devices that name a backend.
_BACKENDS = ("netdev", "chardev")
# Types of bus that nothing can be plugged into while the VM runs (QEMU 7.2 and 11.1, x86).
_FIXED_BUSES = ("System", "IDE", "ISA", "HDA", "i2c-bus", "floppy-bus", "pxb-pcie-bus", "pxb-bus")
_SLOT = re.compile(r"(?P<slot>[0-9a-f]{1,2})\.[0-7]")
_PCI_SLOTS = 32


class PlugBus(NamedTuple):
    """A bus that devices are plugged into.

    :ivar type: as ``PCIE`` or ``SCSI``; empty if it is not known.
    :ivar can_plug: whether devices can be plugged while the VM runs, as far as that is known.
    :ivar slots: the numbers of its slots; empty if it is no PCI bus.
    :ivar taken: the names of the devices in each slot that is taken.
    """

    name: str
    type: str
    can_plug: bool
    slots: range
    taken: dict[int, str]

    @property
    def free(self) -> list[int]:
        """The slots that are not taken."""
        return [slot for slot in self.slots if slot not in self.taken]

    @property
    def is_pci(self) -> bool:
        return self.type in PCI_BUSES


class DeviceUses(NamedTuple):
    """What the devices of a VM use.

    :ivar buses: by name, in the order in which QEMU looks for one that fits.
    :ivar users: the name of the device that uses a backend, by property and backend.
    """

    buses: dict[str, PlugBus]
    users: dict[tuple[str, str], str]


def parse_device_uses(value: object) -> DeviceUses:
    """Parse the answer to ``info qtree``."""
    uses = DeviceUses({}, {})
    for placed in walk_buses(parse_device_tree(value)):
        taken: dict[int, list[str]] = {}
        for each in placed.devices():
            slot = _SLOT.fullmatch(each.device.properties.get("addr", ""))
            if slot is not None:
                taken.setdefault(int(slot["slot"], 16), []).append(each.name)
            for backend in _BACKENDS:
                used = each.device.text(backend)
                if used:
                    uses.users.setdefault((backend, used), each.name)
        bus = placed.bus
        names = {slot: ", ".join(each) for slot, each in taken.items()}
        slots = _slots(bus, placed.provider)
        uses.buses.setdefault(
            bus.name, PlugBus(bus.name, bus.type, _can_plug(placed), slots, names)
        )
    return uses


def _can_plug(placed: PlacedBus) -> bool:
    bus, provider, _ = placed
    if bus.type in _FIXED_BUSES or placed.is_inner:
        return False
    if provider is None:
        return True
    # pcie.0 is on no PCI device.
    is_root = bus.type in PCI_BUSES and bus.type != "PCI" and provider.pci is None
    return not is_root and provider.properties.get("hotplug") != "false"


def _slots(bus: Bus, provider: Device | None) -> range:
    if bus.type not in PCI_BUSES:
        return range(0)
    properties = provider.properties if provider is not None else {}
    if "chassis" in properties and "slot" in properties:
        return range(1)  # a port has one device
    if properties.get("shpc") == "true":
        return range(1, _PCI_SLOTS)  # its hot-plug controller does not know slot 0
    return range(_PCI_SLOTS)
