"""What may be executed where a monitor is shared to be read only."""

from __future__ import annotations

from ..messages import Message, command_of
from ..vm.question import is_read_only

# They change nothing, but some QEMUs abort on the properties of some types: 7.2 without its module
# virtio-gpu-gl on those of virtio-gpu-gl-pci, for one.
_MAY_END_VM = ("device-list-properties", "qom-list-properties")
_MEMBERS = {"execute", "arguments"}


def find_refusal(message: Message) -> str:
    """Why a command is refused to those who may only read; empty: it is not.

    :param message: without ``id``.
    """
    name = command_of(message)
    is_plain = "execute" in message and message.keys() <= _MEMBERS
    if is_plain and is_read_only(message) and name not in _MAY_END_VM:
        return ""
    return f"{name or 'this'} is refused: the monitor is shared to be read only"


def allow_all(_: Message) -> str:
    """Nothing is refused."""
    return ""
