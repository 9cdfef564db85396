"""QEMU's answers about block devices and nodes as typed records; see ``records.py``."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..protocol import Message
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
    """

    device: str
    qdev: str
    medium: Medium | None


def parse_block_devices(value: object) -> list[BlockDevice]:
    """Parse the answer to ``query-block``."""
    return [
        BlockDevice(
            read_string(entry.get("device")),
            read_string(entry.get("qdev")),
            _parse_medium(read_object(entry.get("inserted"))),
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
    if not name.startswith("json:"):
        return name
    try:
        node = read_object(json.loads(name.removeprefix("json:")))
    except (ValueError, RecursionError):
        return name
    while isinstance(node.get("file"), dict):
        node = node["file"]
    return read_string(node.get("filename")) or read_string(node.get("driver")) or name


class Bitmap(NamedTuple):
    """A dirty bitmap of a block node, and how many bytes are dirty."""

    name: str
    dirty_bytes: int


class BlockNode(NamedTuple):
    """A block node: one entry of ``query-named-block-nodes``.

    :ivar snapshots: the names of the internal snapshots of its image.
    """

    name: str
    driver: str
    file: str
    bitmaps: list[Bitmap]
    snapshots: list[str]


def parse_block_nodes(value: object) -> list[BlockNode]:
    """Parse the answer to ``query-named-block-nodes``."""
    return [
        BlockNode(
            read_string(entry.get("node-name")),
            read_string(entry.get("drv")),
            read_string(entry.get("file")),
            [
                Bitmap(read_string(each.get("name")), read_integer(each.get("count")) or 0)
                for each in read_objects(entry.get("dirty-bitmaps"))
                if read_string(each.get("name"))
            ],
            [
                read_string(each.get("name"))
                for each in read_objects(read_path(entry, "image.snapshots"))
            ],
        )
        for entry in read_objects(value)
        if read_string(entry.get("node-name"))
    ]
