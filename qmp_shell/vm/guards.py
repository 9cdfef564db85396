"""The commands that may lose something: each is a row of :data:`GUARDS`.

What QEMU always refuses is no loss, so there is no row for it: ``blockdev-del`` of a node,
``chardev-remove`` of a chardev, or ``object-del`` of a throttle group or a memory backend that is
in use (measured on QEMU 7.2 and 11.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..messages import Message
from ..static_typing import Any
from .block_records import parse_file_name, parse_secrets
from .device_tree import Bus, Device, PlacedDevice, find_device, walk_devices
from .inspection import BLOCK_DEVICES, BLOCK_NODES, DEVICE_TREE, object_value
from .loss import Guard, Known, Loss, Unanswered
from .question import Question
from .questions import JOBS, NAME, RUN_STATE
from .read import read_integer, read_object, read_objects, read_string

VM_QUESTIONS: tuple[Question[Any], ...] = (NAME, RUN_STATE)
"""What :func:`describe_on_vm` asks."""


def describe_on_vm(text: str, known: Known) -> Loss:
    """What is done to the VM as a whole.

    :param text: with ``%s`` for the VM's name and run state, as far as they are known.
    """
    name, state = known.get(NAME) or "", known.get(RUN_STATE) or ""
    about = " {}" * bool(name) + " ({})" * bool(state)
    return Loss(text % about, tuple(filter(None, (name, state))))


# The VM as a whole


def _quit(_: Message, known: Known) -> Iterator[Loss]:
    loss = describe_on_vm("ends the VM%s", known)
    jobs = []
    for job in known.get(JOBS) or ():
        percent = job.progress.percent
        progress = "" if percent is None else f" {percent}%"
        if not job.has_ended:
            jobs.append(f"{job.id} ({job.type}{progress})")
    if jobs:
        loss = Loss(f"{loss.text}; lost with it: {{}}", (*loss.values, tuple(jobs)))
    yield loss


def _continue(_: Message, known: Known) -> Iterator[Loss]:
    if known.get(RUN_STATE) == "postmigrate":
        yield Loss("runs a VM that has migrated; if it runs in both places, its disks are damaged")


def _effect(text: str) -> Guard:
    return Guard(lambda _, known: iter((describe_on_vm(text, known),)), VM_QUESTIONS)


# Block nodes, bitmaps and snapshots


def _resize(given: Message, known: Known) -> Iterator[Loss]:
    size = read_integer(given.get("size"))
    name = read_string(given.get("node-name")) or read_string(given.get("device"))
    if size is None or size < 0 or not name:
        return  # QEMU refuses it
    node = known.find_node(name)
    if node is not None and node.size is not None and size < node.size:
        cut = node.size - size
        yield Loss("{}: {} to {} bytes, {} are cut off", (name, str(node.size), str(size), cut))


def _find_bitmap(given: Message, known: Known) -> tuple[str, str, int] | None:
    """The name of a bitmap, of its node, and how many bytes are dirty; None: there is none."""
    node = known.find_node(read_string(given.get("node")))
    name = read_string(given.get("name"))
    for bitmap in node.bitmaps if node is not None else ():
        if bitmap.name == name:
            return name, read_string(given.get("node")), bitmap.dirty_bytes
    return None


def _clear_bitmap(given: Message, known: Known) -> Iterator[Loss]:
    found = _find_bitmap(given, known)
    if found is not None and found[2]:
        yield Loss("empties the bitmap {} of {}: {} are marked as changed in it", found)


def _remove_bitmap(given: Message, known: Known) -> Iterator[Loss]:
    found = _find_bitmap(given, known)
    if found is not None:
        yield Loss("removes the bitmap {} of {}: {} are marked as changed in it", found)


def _load_snapshot(given: Message, _: Known) -> Iterator[Loss]:
    tag = read_string(given.get("tag"))
    if tag:
        yield Loss("takes the VM back to the snapshot {}; its present state is lost", (tag,))


def _delete_snapshot(given: Message, _: Known) -> Iterator[Loss]:
    tag, devices = read_string(given.get("tag")), given.get("devices")
    names = tuple(map(read_string, devices)) if isinstance(devices, list) else ()
    if tag and names:
        yield Loss("removes the snapshot {} of {}", (tag, names))
    elif tag:
        yield Loss("removes the snapshot {}", (tag,))


def _delete_device_snapshot(given: Message, _: Known) -> Iterator[Loss]:
    snapshot = read_string(given.get("name")) or read_string(given.get("id"))
    if snapshot:
        yield Loss("removes the snapshot {} of {}", (snapshot, read_string(given.get("device"))))


def _save_snapshot(given: Message, known: Known) -> Iterator[Loss]:
    """The human monitor replaces a snapshot of the same name; QMP refuses to."""
    tag = read_string(given.get("tag"))
    if tag and any(tag in node.snapshots for node in known.nodes()):
        yield Loss("replaces the snapshot {}", (tag,))


# Files


def _writes(argument: str, prefix: str = "", suffix: str = "") -> Guard:
    """The guard of a command that writes a file.

    :param argument: the one that names the file.
    :param prefix: what stands before the path; without it the value is no file.
    :param suffix: what may follow the path, and all after it.
    """

    def find(given: Message, known: Known) -> Iterator[Loss]:
        value = read_string(given.get(argument))
        if value.startswith(prefix):
            value = value.removeprefix(prefix)
            yield from _write_over(value.partition(suffix)[0] if suffix else value, known)

    return Guard(find)


def _writes_image(argument: str) -> Guard:
    """The guard of a command that makes an image; in the mode ``existing`` it makes none."""

    def find(given: Message, known: Known) -> Iterator[Loss]:
        if given.get("mode") != "existing":
            path = read_string(given.get(argument)).removeprefix("file:")
            yield from _write_over(path, known)

    return Guard(find)


def _write_over(path: str, known: Known) -> Iterator[Loss]:
    found = known.find_file(path)
    if found is None:
        return
    if found.size is None:
        yield Loss("writes over the block device {}", (found.path,))
    else:
        yield Loss("writes over {}, {}", (found.path, found.size))


def _migrate(given: Message, known: Known) -> Iterator[Loss]:
    yield from _FILE_MIGRATION.find(given, known)
    for channel in read_objects(given.get("channels")):
        address = read_object(channel.get("addr"))
        if address.get("transport") == "file":
            yield from _write_over(read_string(address.get("filename")), known)


_FILE_MIGRATION = _writes("uri", "file:", ",offset=")


def _create_image(given: Message, known: Known) -> Iterator[Loss]:
    options = read_object(given.get("options"))
    while options.get("driver") != "file" and isinstance(options.get("file"), dict):
        options = options["file"]
    node = options.get("file")
    if options.get("driver") == "file":
        yield from _write_over(read_string(options.get("filename")), known)
    elif isinstance(node, str):
        files = (parse_file_name(each.file) for each in known.nodes() if each.name == node)
        yield from _write_over(next(files, ""), known)


def _open_chardev(given: Message, known: Known) -> Iterator[Loss]:
    """QEMU truncates the file and the log of a chardev, unless it is told to append."""
    backend = read_object(given.get("backend"))
    options = read_object(backend.get("data"))
    if backend.get("type") == "file" and options.get("append") is not True:
        yield from _write_over(read_string(options.get("out")), known)
    if options.get("logappend") is not True:
        yield from _write_over(read_string(options.get("logfile")), known)


def _add_object(given: Message, known: Known) -> Iterator[Loss]:
    if given.get("qom-type") == "filter-dump":
        yield from _write_over(read_string(given.get("file")), known)


# Devices and what they use


def _remove_device(given: Message, known: Known) -> Iterator[Loss]:
    name = read_string(given.get("id")).rpartition("/")[2]  # it may be a QOM path
    found = find_device(known.need(DEVICE_TREE), name) if name else None
    if found is None:
        return
    below = [placed.name for placed in walk_devices(found.device.buses, found.device)]
    port = found.device.usb_port
    if port:  # what is behind a USB hub is on the same bus
        below += [
            each.id or each.driver
            for each in found.bus.devices
            if each.usb_port.startswith(f"{port}.")
        ]
    others = tuple(dict.fromkeys(each for each in below if each != name))
    if others:
        yield Loss("{} removes what is attached to it, too: {}", (name, others))


# QEMU 7.2 does not print what these parts of devices link to.
_LINKS = {
    "virtio-blk-device": "iothread",
    "virtio-rng-device": "rng",
    "virtio-scsi-device": "iothread",
}
# QEMU refuses to remove what is linked so.
_KEPT_LINKS = ("cryptodev", "memdev")


def _remove_object(given: Message, known: Known) -> Iterator[Loss]:
    name = read_string(given.get("id"))
    devices = list(walk_devices(known.need(DEVICE_TREE)))
    hidden = {placed.name: known.get(link) for placed in devices for link in _hidden_link(placed)}
    if None in hidden.values():
        raise Unanswered
    path = f"/objects/{name}"
    users = [
        placed.name
        for placed in devices
        if hidden.get(placed.name) == path or path in _shown_links(placed.device)
    ]
    users += [node.name for node in known.nodes() if name in parse_secrets(node.file)]
    yield from _used(name, users)


def _hidden_link(placed: PlacedDevice) -> Iterator[Question[str]]:
    """The question for a link that the VM has not printed."""
    link = _LINKS.get(placed.device.driver)
    if link is not None and link not in placed.device.properties and placed.owner.id:
        yield object_value(f"/machine/peripheral/{placed.owner.id}", link, read_string)


def _shown_links(device: Device) -> set[str]:
    return {device.text(key) for key in device.properties if key not in _KEPT_LINKS}


def _remove_netdev(given: Message, known: Known) -> Iterator[Loss]:
    name = read_string(given.get("id"))
    yield from _used(name, _users(known.need(DEVICE_TREE), "netdev", name))


def _remove_drive(given: Message, known: Known) -> Iterator[Loss]:
    """The human monitor's ``drive_del`` takes the drive of a device away."""
    name = read_string(given.get("id"))
    yield from _used(name, _users(known.need(DEVICE_TREE), "drive", name))


def _users(buses: list[Bus], key: str, value: str) -> list[str]:
    """The devices with a property of some value."""
    return [placed.name for placed in walk_devices(buses) if placed.device.text(key) == value]


def _used(name: str, users: list[str]) -> Iterator[Loss]:
    if name and users:
        yield Loss("removes {}, which is used by {}", (name, tuple(dict.fromkeys(users))))


_NODE = (BLOCK_NODES, BLOCK_DEVICES)

GUARDS: dict[str, Guard] = {
    "quit": Guard(_quit, (*VM_QUESTIONS, JOBS)),
    "cont": Guard(_continue, (RUN_STATE,)),
    "system_reset": _effect("resets the VM%s, as its reset button does"),
    "system_powerdown": _effect("asks the guest of the VM%s to shut down"),
    "block_resize": Guard(_resize, _NODE),
    "block-dirty-bitmap-clear": Guard(_clear_bitmap, _NODE),
    "block-dirty-bitmap-remove": Guard(_remove_bitmap, _NODE),
    "snapshot-load": Guard(_load_snapshot),
    "snapshot-delete": Guard(_delete_snapshot),
    "blockdev-snapshot-delete-internal-sync": Guard(_delete_device_snapshot),
    "savevm": Guard(_save_snapshot, (BLOCK_NODES,)),
    "blockdev-snapshot-sync": _writes_image("snapshot-file"),
    "drive-mirror": _writes_image("target"),
    "drive-backup": _writes_image("target"),
    "blockdev-create": Guard(_create_image, (BLOCK_NODES,)),
    "dump-guest-memory": _writes("protocol", "file:"),
    "screendump": _writes("filename"),
    "pmemsave": _writes("filename"),
    "memsave": _writes("filename"),
    "dumpdtb": _writes("filename"),
    "dump-skeys": _writes("filename"),
    "wavcapture": _writes("path"),
    "xen-save-devices-state": _writes("filename"),
    "chardev-add": Guard(_open_chardev),
    "chardev-change": Guard(_open_chardev),
    "object-add": Guard(_add_object),
    "migrate": Guard(_migrate),
    "device_del": Guard(_remove_device, (DEVICE_TREE,)),
    "object-del": Guard(_remove_object, (DEVICE_TREE, BLOCK_NODES)),
    "netdev_del": Guard(_remove_netdev, (DEVICE_TREE,)),
    "drive_del": Guard(_remove_drive, (DEVICE_TREE,)),
}
"""Each command that may lose something, by its name in QMP, or else in the human monitor."""
