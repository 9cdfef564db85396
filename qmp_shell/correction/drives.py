"""``-drive`` of QEMU's command line, as the commands that do the same on a running VM."""

from __future__ import annotations

from ..language.notation import format_message
from ..language.values import SWITCH_WORDS
from ..messages import Message
from .correction import Correction, Vocabulary
from .foreign import format_of, has_protocol, split_key, split_options

# For each interface, what a disk and what a CD is plugged as; empty: it is not plugged. (No bus of
# IDE takes a device while the VM runs.)
_DEVICES = {
    "ide": ("", ""),
    "none": ("", ""),
    "scsi": ("scsi-hd", "scsi-cd"),
    "virtio": ("virtio-blk-pci", "virtio-blk-pci"),
}
_KNOWN = {"file", "format", "id", "if", "media", "readonly", "read-only"}


def correct_drive(options: str, vocabulary: Vocabulary) -> Correction | None:
    """The lines that do what ``-drive`` with some options does.

    Without ``if=`` it is for the interface of the machine, so it is not plugged here.

    :param options: ``file=/vm/a.qcow2,if=virtio``.
    :return: None: it has options that mean more, the format of the file is not known, or it is
        none of the host's.
    """
    given = dict(split_key(part) for part in split_options(options))
    file, interface = given.get("file", ""), given.get("if", "none")
    format_ = given.get("format") or format_of(file)
    words = [given[key].lower() for key in ("readonly", "read-only") if key in given]
    switches = [SWITCH_WORDS.get(word) for word in words]
    is_known = given.keys() <= _KNOWN and interface in _DEVICES and None not in switches
    if not is_known or not file or not format_ or has_protocol(file):
        return None
    name = given.get("id") or vocabulary.free_node_name()
    node: Message = {
        "driver": format_,
        "node-name": name,
        "file": {"driver": "file", "filename": file},
    }
    is_cd = given.get("media") == "cdrom"
    if is_cd or any(switches):
        node["read-only"] = True
    lines = [format_message({"execute": "blockdev-add", "arguments": node})]
    device = _DEVICES[interface][is_cd]
    if device:
        arguments = {"driver": device, "drive": name}
        lines.append(format_message({"execute": "device_add", "arguments": arguments}))
    before = "write " if len(lines) == 1 else "one command a line: "
    return Correction("\n".join(lines), before=before)
