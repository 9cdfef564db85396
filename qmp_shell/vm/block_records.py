"""QEMU's answers about block devices and nodes as typed records; see ``records.py``."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..messages import Message
from .read import read_integer, read_object, read_objects, read_path, read_string


class Medium(NamedTuple):
    """What is inserted in a block device.

    :ivar size: virtual size in bytes; None if it is not known.
    """

    driver: str
    file: str
    size: int | None
    is_read_only: bool


class BlockDevice(NamedTuple):
    """A block device: one entry of ``query-block``.

    :ivar device: the name of its backend; may be empty.
    :ivar qdev: the QOM path or id of the device that it belongs to; may be empty.
    :ivar medium: None if it is empty.
    :ivar node: the block node that is inserted; may be empty.
    :ivar io_status: ``ok``, ``failed`` or ``nospace``; empty if it is not known.
    :ivar is_open: its tray is open.
    """

    device: str
    qdev: str
    medium: Medium | None
    node: str = ""
    io_status: str = ""
    is_removable: bool = False
    is_open: bool = False


def parse_block_devices(value: object) -> list[BlockDevice]:
    """Parse the answer to ``query-block``."""
    return [
        BlockDevice(
            read_string(entry.get("device")),
            read_string(entry.get("qdev")),
            _parse_medium(read_object(entry.get("inserted"))),
            read_string(read_path(entry, "inserted.node-name")),
            read_string(entry.get("io-status")),
            entry.get("removable") is True,
            entry.get("tray_open") is True,
        )
        for entry in read_objects(value)
    ]


def _parse_medium(entry: Message) -> Medium | None:
    if not entry:
        return None
    return Medium(
        read_string(entry.get("drv")),
        parse_file_name(entry.get("file")),
        read_integer(read_path(entry, "image.virtual-size")),
        entry.get("ro") is True,
    )


def parse_file_name(value: object) -> str:
    """The innermost file of a block node's file name.

    Where options cannot be put into a name, QEMU reports it as ``json:{...}``: an object like the
    arguments of ``blockdev-add``, in which ``file`` leads to the node below.
    """
    name = read_string(value)
    node = _parse_options(name)
    while isinstance(node.get("file"), dict):
        node = node["file"]
    return read_string(node.get("filename")) or read_string(node.get("driver")) or name


def _parse_options(name: str) -> Message:
    """The object in a file name of the form ``json:{...}``; empty if it has another form."""
    try:
        return read_object(json.loads(name.removeprefix("json:"))) if name[:5] == "json:" else {}
    except (ValueError, RecursionError):
        return {}


# The options of a node that lead to nodes below it, which have file names of their own.
_BELOW = ("backing", "children", "data-file", "file", "image", "test")
_SECRET_OPTIONS = ("secret", "tls-creds")


def parse_secrets(value: object) -> set[str]:
    """The ids of the secret and TLS objects that a block node uses, from its file name."""
    found = set()
    unseen: list[tuple[str, object]] = [("", _parse_options(read_string(value)))]
    while unseen:
        key, part = unseen.pop()
        if isinstance(part, dict):
            unseen += [(name, each) for name, each in part.items() if name not in _BELOW]
        elif isinstance(part, str) and key.endswith(_SECRET_OPTIONS):
            found.add(part)
    return found


class Bitmap(NamedTuple):
    """A dirty bitmap of a block node.

    :ivar is_recording: it records writes.
    """

    name: str
    dirty_bytes: int
    is_recording: bool


class BlockEdge(NamedTuple):
    """A use of a block node by what is above it.

    :ivar role: what it is there, as ``file``, ``backing``, ``root`` or ``main node``.
    :ivar node: its name.
    """

    role: str
    node: str


class BlockNode(NamedTuple):
    """A block node: one entry of ``query-named-block-nodes``.

    :ivar snapshots: the names of the internal snapshots of its image.
    :ivar size: virtual size in bytes; None if it is not known.
    :ivar children: the nodes below it; empty before QEMU 10.1, which does not report them here.
    """

    name: str
    driver: str
    file: str
    bitmaps: list[Bitmap]
    snapshots: list[str]
    size: int | None = None
    is_read_only: bool = False
    children: tuple[BlockEdge, ...] = ()


def parse_block_nodes(value: object) -> list[BlockNode]:
    """Parse the answer to ``query-named-block-nodes``."""
    return [
        BlockNode(
            read_string(entry.get("node-name")),
            read_string(entry.get("drv")),
            read_string(entry.get("file")),
            [
                Bitmap(
                    read_string(each.get("name")),
                    read_integer(each.get("count")) or 0,
                    each.get("recording") is True,
                )
                for each in read_objects(entry.get("dirty-bitmaps"))
                if read_string(each.get("name"))
            ],
            [
                read_string(each.get("name"))
                for each in read_objects(read_path(entry, "image.snapshots"))
            ],
            read_integer(read_path(entry, "image.virtual-size")),
            entry.get("ro") is True,
            tuple(
                BlockEdge(read_string(each.get("child")), read_string(each.get("node-name")))
                for each in read_objects(entry.get("children"))
            ),
        )
        for entry in read_objects(value)
        if read_string(entry.get("node-name"))
    ]


class BlockExport(NamedTuple):
    """An export of a block node: one entry of ``query-block-exports``."""

    id: str
    type: str
    node: str


def parse_block_exports(value: object) -> list[BlockExport]:
    """Parse the answer to ``query-block-exports``."""
    return [
        BlockExport(
            read_string(entry.get("id")),
            read_string(entry.get("type")),
            read_string(entry.get("node-name")),
        )
        for entry in read_objects(value)
    ]


class BlockEdges(NamedTuple):
    """What uses which block nodes.

    :ivar of_nodes: by the name of the node above.
    :ivar of_jobs: by the id of the job.
    :ivar of_devices: by the name of the block device, or the QOM path or id of its device.
    """

    of_nodes: dict[str, list[BlockEdge]]
    of_jobs: dict[str, list[BlockEdge]]
    of_devices: dict[str, list[BlockEdge]]


def parse_block_graph(value: object) -> BlockEdges:
    """Parse the answer to ``x-debug-query-block-graph``, whose nodes have numbers."""
    entry = read_object(value)
    found = BlockEdges({}, {}, {})
    kinds = {
        "block-driver": found.of_nodes,
        "block-job": found.of_jobs,
        "block-backend": found.of_devices,
    }
    numbered: dict[int | None, tuple[str, dict[str, list[BlockEdge]]]] = {
        read_integer(each.get("id")): (
            read_string(each.get("name")),
            kinds.get(read_string(each.get("type")), {}),
        )
        for each in read_objects(entry.get("nodes"))
    }
    for each in read_objects(entry.get("edges")):
        name, kind = numbered.get(read_integer(each.get("parent")), ("", {}))
        child, of_nodes = numbered.get(read_integer(each.get("child")), ("", {}))
        if name and child and of_nodes is found.of_nodes:
            kind.setdefault(name, []).append(BlockEdge(read_string(each.get("name")), child))
    return found


def parse_stats_graph(value: object) -> BlockEdges:
    """Parse the answer to ``query-blockstats``: what is below a node is nested in its entry.

    :return: files and backing files only; other children of nodes are not there.
    """
    of_nodes: dict[str, dict[BlockEdge, None]] = {}
    unseen = read_objects(value)
    while unseen:
        entry = unseen.pop()
        node = read_string(entry.get("node-name"))
        for role, member in (("file", "parent"), ("backing", "backing")):
            below = read_object(entry.get(member))
            edge = BlockEdge(role, read_string(below.get("node-name")))
            if below:
                unseen.append(below)
            if node and edge.node:
                of_nodes.setdefault(node, {})[edge] = None
    return BlockEdges({node: list(edges) for node, edges in of_nodes.items()}, {}, {})
