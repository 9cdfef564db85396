"""Names that fit what else is given on the line, and what each is used for now.

Those that can be used stand first. QEMU decides what it accepts; nothing is left out that it might.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..complete import Candidate, Kind, NameRequest
from ..complete.kinds import CPU_PLACE
from .answers import AnswerView
from .block_graph import known_block_graph
from .block_records import BlockDevice
from .device_names import format_device_name
from .device_tree import PCI_BUSES
from .inspection import BLOCK_DEVICES, CPU_SLOTS, DEVICE_USES, FRONTENDS
from .name_lists import NAME_LISTS, listed, net_clients
from .open_commands import MEMORY_DRIVERS
from .plugging import DeviceUses, PlugBus
from .questions import DRIVERS

# Where names stand in a menu: those that can be used now, those in use, and others.
_FREE, _TAKEN, _IMPOSSIBLE = range(3)


def _device_uses(answers: AnswerView) -> DeviceUses:
    return answers.get(DEVICE_USES) or DeviceUses({}, {})


def _buses(answers: AnswerView, request: NameRequest) -> Iterator[Candidate]:
    """Buses that the driver can be plugged into; all, if it is not given or fits none.

    First those with a free place, at last those that nothing can be plugged into.
    """
    buses = list(_device_uses(answers).buses.values())
    driver = request.given.get("driver")
    drivers = answers.get(DRIVERS) or []
    plug = next((each.bus for each in drivers if driver and driver in (each.name, each.alias)), "")
    fitting = [
        bus
        for bus in buses
        if plug and (bus.is_pci if plug in PCI_BUSES else bus.type.startswith(plug))
    ]
    for bus in fitting or buses:
        is_free = bus.can_plug and (bus.free or not bus.slots)
        order = _FREE if is_free else _TAKEN if bus.can_plug else _IMPOSSIBLE
        yield Candidate(bus.name, _bus_description(bus), order=order, is_free=bool(is_free))


def _bus_description(bus: PlugBus) -> str:
    state = ""
    if not bus.can_plug:
        state = "no hot-plug"
    elif len(bus.slots) == 1:
        state = "".join(f"has {name}" for name in bus.taken.values()) or "free"
    elif bus.slots:
        state = f"{len(bus.free) or 'no'} free slot" + "s" * (len(bus.free) != 1)
    return ", ".join(filter(None, (bus.type, state)))


def _pci_slots(answers: AnswerView, request: NameRequest) -> Iterator[Candidate]:
    """The slots of the bus that is given, or else of the one that QEMU chooses.

    Their numbers are hexadecimal, as QEMU reads them.
    """
    buses = _device_uses(answers).buses
    driver, name = request.given.get("driver"), request.given.get("bus")
    bus = next((each for each in buses.values() if each.is_pci), None)
    if isinstance(name, str):
        bus = buses.get(name)
    if bus is None or (isinstance(driver, str) and driver in MEMORY_DRIVERS):
        return
    place = f"on {bus.name}" if bus.can_plug else f"but {bus.name} has no hot-plug"
    for slot in bus.slots:
        user = bus.taken.get(slot)
        state = "free" if user is None else f"has {user}"
        order = slot if user is None else slot + bus.slots.stop
        is_free = user is None and bus.can_plug
        yield Candidate(f"0x{slot:x}", f"{state}, {place}", order=order, is_free=is_free)


def _cpu_places(answers: AnswerView, request: NameRequest) -> Iterator[Candidate]:
    """The unused places of CPUs of the driver, as the arguments that are not given yet.

    If a value is wanted, it stands first, without its key.
    """
    given = request.given
    driver = given.get("driver")
    slots = (answers.get(CPU_SLOTS) or []) if driver else []
    for slot in slots:
        fits = all(
            name not in given or str(given[name]) == str(number)
            for name, number in slot.place.items()
        )
        left = [name for name in CPU_PLACE if name in slot.place and name not in given]
        is_wanted = request.key in left if request.key else bool(left)
        if slot.is_used or slot.driver != driver or not fits or not is_wanted:
            continue
        words = [f"{name}={slot.place[name]}" for name in left if name != request.key]
        if request.key:
            words = [str(slot.place[request.key]), *words]
        yield Candidate(" ".join(words), "a CPU that can be added", is_arguments=True)


def _drives(answers: AnswerView, _: NameRequest) -> Iterator[Candidate]:
    """Block devices and nodes."""
    graph = known_block_graph(answers)
    of_devices = {each.device: format_device_name(each.qdev) for each in graph.devices}
    yield from _marked(listed(answers, NAME_LISTS[Kind.BLOCK_DEVICE]), of_devices)
    yield from _marked(listed(answers, NAME_LISTS[Kind.NODE]), graph.users())


def _netdevs(answers: AnswerView, _: NameRequest) -> Iterator[Candidate]:
    yield from _marked(net_clients(answers, with_nics=False), _users_of(answers, "netdev"))


def _chardevs(answers: AnswerView, _: NameRequest) -> Iterator[Candidate]:
    # A monitor is no device, but has opened its chardev.
    opened = dict.fromkeys(answers.get(FRONTENDS) or (), "QEMU")
    users = opened | _users_of(answers, "chardev")
    yield from _marked(listed(answers, NAME_LISTS[Kind.CHARDEV]), users)


def _users_of(answers: AnswerView, backend: str) -> dict[str, str]:
    users = _device_uses(answers).users
    return {name: user for (kind, name), user in users.items() if kind == backend}


def _marked(candidates: Iterable[Candidate], users: Mapping[str, str]) -> Iterator[Candidate]:
    """Names, each with what uses it; those in use last."""
    for each in candidates:
        user = users.get(each.text)
        if user:
            notes = ", ".join(filter(None, (f"used by {user}", each.description)))
            yield each._replace(description=notes, order=_TAKEN, is_free=False)
        else:
            yield each


def _disks(answers: AnswerView, _: NameRequest) -> Iterator[Candidate]:
    """Block devices by the names that they have in the block tree."""
    for each in answers.get(BLOCK_DEVICES) or ():
        name = each.device or format_device_name(each.qdev)
        if name:
            yield Candidate(name, ", ".join(filter(None, _describe_medium(each))))


def _describe_medium(device: BlockDevice) -> tuple[str, ...]:
    return (device.medium.driver, device.medium.file) if device.medium else ("empty",)


def _removable(answers: AnswerView, request: NameRequest) -> Iterator[Candidate]:
    """What a medium can be removed from, and what is in it."""
    for each in answers.get(BLOCK_DEVICES) or ():
        name, other = each.device, each.qdev
        if request.kind == Kind.REMOVABLE_QDEV:
            name, other = other, name
        if each.is_removable and name:
            notes = (other, *_describe_medium(each), "tray open" if each.is_open else "")
            yield Candidate(name, ", ".join(filter(None, notes)))


def _chain(answers: AnswerView, request: NameRequest) -> Iterator[Candidate]:
    """The nodes of a device's chain from the top, or their files; without a device, all."""
    graph = known_block_graph(answers)
    device, top = request.given.get("device"), request.given.get("top-node")
    chain = graph.chain(device) if isinstance(device, str) else []
    is_file = request.kind in (Kind.CHAIN_FILE, Kind.BACKING_FILE)
    start = 0
    if request.kind in (Kind.BACKING_NODE, Kind.BACKING_FILE):
        names = [node.name for node in chain]
        start = names.index(top) + 1 if top in names else 1
    for order, node in enumerate(chain[start:] if chain else graph.nodes.values()):
        name, other = (node.file, node.name) if is_file else (node.name, node.file)
        if name:
            notes = ", ".join(filter(None, (node.driver, other)))
            yield Candidate(name, notes, order=order if chain else 0)


FITTING_NAMES: dict[str, Callable[[AnswerView, NameRequest], Iterator[Candidate]]] = {
    Kind.BUS: _buses,
    Kind.PCI_SLOT: _pci_slots,
    Kind.CPU_PLACE: _cpu_places,
    Kind.DEVICE_DRIVE: _drives,
    Kind.DEVICE_NETDEV: _netdevs,
    Kind.DEVICE_CHARDEV: _chardevs,
    Kind.DISK: _disks,
    Kind.REMOVABLE: _removable,
    Kind.REMOVABLE_QDEV: _removable,
    Kind.CHAIN_NODE: _chain,
    Kind.BACKING_NODE: _chain,
    Kind.CHAIN_FILE: _chain,
    Kind.BACKING_FILE: _chain,
}
"""The finders of these names, by kind."""
