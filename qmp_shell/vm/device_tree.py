"""The devices of a VM by the buses that they are on, from the human monitor's ``info qtree``.

QMP has ``query-pci``, but that lists what is behind a bridge only once the guest has numbered it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .human import split_lines

PCI_BUSES = ("PCI", "PCIE", "pxb-pcie-bus", "pxb-bus", "pxb-cxl-bus", "CXL")
"""The types of bus that PCI devices are on."""

# A virtio device for another bus consists of two devices; the bus of this name joins them.
_PART_BUS = "virtio-bus"

_BUS = re.compile(r"bus: (?P<name>.*)")
_TYPE = re.compile(r"type (?P<type>.*)")
_DEVICE = re.compile(r'dev: (?P<driver>[^,]*), id "(?P<id>.*)"')
_PROPERTY = re.compile(r"(?P<name>[^\s=]+) = (?P<value>.*)")
# class Ethernet controller, addr 00:05.0, pci id 8086:100e (sub 1af4:1100)
_PCI = re.compile(r"class (?P<class>.*), addr [0-9a-f:.]+, pci id (?P<id>[0-9a-f:]+).*")
# addr 0.1, port 1.2, speed 12, name QEMU USB Mouse, attached
_USB = re.compile(r"addr [0-9.]+, port (?P<port>[0-9.]+), .*")


class PciFunction(NamedTuple):
    """What a PCI device tells of itself.

    :ivar class_name: as ``Ethernet controller``, or ``Class 00ff``.
    :ivar id: vendor and device, as ``8086:100e``.
    """

    class_name: str
    id: str


class Device:
    """A device.

    :ivar driver: the name of its type.
    :ivar id: empty if the user gave it none.
    :ivar properties: their values as the human monitor writes them.
    :ivar pci: None if it is no PCI device.
    :ivar usb_port: as ``1.2``, which is port 2 of the hub at port 1; empty if it is no USB device.
    :ivar buses: those that it provides.
    """

    def __init__(self, driver: str, id_: str) -> None:
        self.driver = driver
        self.id = id_
        self.properties: dict[str, str] = {}
        self.pci: PciFunction | None = None
        self.usb_port = ""
        self.buses: list[Bus] = []

    def text(self, name: str) -> str:
        """The value of a property that is a string, which is printed in quotes; empty: none."""
        return self.properties.get(name, "").strip('"')


class Bus:
    """A bus, and the devices on it.

    :ivar type: as ``PCIE`` or ``SCSI``; empty if it is not known.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.type = ""
        self.devices: list[Device] = []


class PlacedDevice(NamedTuple):
    """A device on its bus.

    :ivar owner: the device that users know it by: itself, or what a virtio device is a part of.
    """

    device: Device
    bus: Bus
    owner: Device

    @property
    def name(self) -> str:
        """The id; that of a device without one is its driver."""
        return self.owner.id or self.owner.driver


class PlacedBus(NamedTuple):
    """A bus, and what it is on.

    :ivar provider: the device that it is on; None: it is on none.
    :ivar owner: the device that users know the provider by.
    """

    bus: Bus
    provider: Device | None
    owner: Device | None

    @property
    def is_inner(self) -> bool:
        """Whether it joins the two parts of one device."""
        return self.bus.name == _PART_BUS

    def devices(self) -> Iterator[PlacedDevice]:
        """The devices on it."""
        for device in self.bus.devices:
            owner = self.owner if self.is_inner and not device.id else None
            yield PlacedDevice(device, self.bus, owner or device)


def walk_buses(buses: Iterable[Bus], provider: Device | None = None) -> Iterator[PlacedBus]:
    """Some buses, and those of the devices on them, in the order in which QEMU looks for one.

    :param provider: the device that has the buses; None: they are on no device.
    """
    unseen = [PlacedBus(bus, provider, provider) for bus in reversed(list(buses))]
    while unseen:
        placed = unseen.pop()
        yield placed
        for device, _, owner in reversed(list(placed.devices())):
            unseen += [PlacedBus(inner, device, owner) for inner in reversed(device.buses)]


def walk_devices(buses: Iterable[Bus], provider: Device | None = None) -> Iterator[PlacedDevice]:
    """All devices on some buses, and on the buses of those.

    :param provider: the device that has the buses; None: they are on no device.
    """
    for placed in walk_buses(buses, provider):
        yield from placed.devices()


def find_device(buses: Iterable[Bus], id_: str) -> PlacedDevice | None:
    """The device with an id; None: there is none."""
    return next((each for each in walk_devices(buses) if each.device.id == id_), None)


def parse_device_tree(value: object) -> list[Bus]:
    """Parse the answer to ``info qtree``: the buses that are on no device."""
    roots: list[Bus] = []
    # What the lines below belong to, each indented further than the one before.
    open_ones: list[tuple[int, Bus | Device]] = []
    for line in split_lines(value):
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        while open_ones and open_ones[-1][0] >= indent:
            open_ones.pop()
        parent = open_ones[-1][1] if open_ones else None
        found: Bus | Device | None = None
        if (bus := _BUS.fullmatch(text)) is not None:
            found = Bus(bus["name"])
            (parent.buses if isinstance(parent, Device) else roots).append(found)
        elif (device := _DEVICE.fullmatch(text)) is not None and isinstance(parent, Bus):
            found = Device(device["driver"], device["id"])
            parent.devices.append(found)
        elif parent is not None:
            _add_detail(parent, text)
        if found is not None:
            open_ones.append((indent, found))
    return roots


def _add_detail(parent: Bus | Device, text: str) -> None:
    if isinstance(parent, Bus):
        bus_type = _TYPE.fullmatch(text)
        parent.type = bus_type["type"] if bus_type is not None else parent.type
    elif (member := _PROPERTY.fullmatch(text)) is not None:
        parent.properties[member["name"]] = member["value"]
    elif (pci := _PCI.fullmatch(text)) is not None:
        parent.pci = PciFunction(pci["class"], pci["id"])
    elif (usb := _USB.fullmatch(text)) is not None:
        parent.usb_port = usb["port"]
