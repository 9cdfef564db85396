"""Devices as trees: by the buses that they are on, and the PCI devices alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ..vm.device_tree import PCI_BUSES, Bus, Device
from .parts import Node, Part, join_parts


def format_device_tree(buses: Iterable[Bus]) -> Iterator[Node]:
    """All buses and devices."""
    for bus in buses:
        parts = join_parts((Part(f"bus {bus.name}", "key"), Part(bus.type)))
        yield Node(parts, _devices(bus.devices))


def _devices(devices: Iterable[Device]) -> Iterator[Node]:
    for device in devices:
        yield Node(join_parts(_describe(device)), format_device_tree(device.buses))


def format_pci_tree(buses: Iterable[Bus]) -> Iterator[Node]:
    """The PCI buses, with the slot of each device, and the buses behind bridges."""
    for bus in _outermost_pci_buses(buses):
        parts = join_parts((Part(f"bus {bus.name}", "key"), Part(bus.type)))
        yield Node(parts, _pci_devices(bus.devices))


def _outermost_pci_buses(buses: Iterable[Bus]) -> Iterator[Bus]:
    unseen = list(reversed(list(buses)))
    while unseen:
        bus = unseen.pop()
        if bus.type in PCI_BUSES:
            yield bus
        else:
            below = (inner for device in bus.devices for inner in device.buses)
            unseen += reversed(list(below))


def _pci_devices(devices: Iterable[Device]) -> Iterator[Node]:
    """The devices on a bus in the order of their slots."""
    for device in sorted(devices, key=lambda device: device.properties.get("addr", "")):
        slot = Part(device.properties.get("addr", ""), "number")
        inner = [bus for bus in device.buses if bus.type in PCI_BUSES]
        without = ", without hot-plug" if device.properties.get("hotplug") == "false" else ""
        free = [
            Part(f"bus {bus.name} is free{without}", "string") for bus in inner if not bus.devices
        ]
        below = chain.from_iterable(_pci_devices(bus.devices) for bus in inner)
        parts = (slot, *_describe(device), *_describe_function(device), *free)
        yield Node(join_parts(parts), below)


def _describe(device: Device) -> tuple[Part, ...]:
    return Part(device.id, "key"), Part(device.driver)


def _describe_function(device: Device) -> tuple[Part, ...]:
    if device.pci is None:
        return ()
    return Part(device.pci.class_name), Part(device.pci.id, "dim")
