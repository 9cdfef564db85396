"""What is probably wrong with a line that was refused: with its message, or with how it is written.

A hint says only what the error does not say already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..complete import Candidate, Kind, NameRequest, kind_at
from ..correction import (
    Correction,
    DotCommands,
    Vocabulary,
    correct_human_line,
    correct_line,
    is_plain,
)
from ..language.secrets import holds_secret, may_hold_secret, names_secret
from ..language.values import SWITCH_WORDS
from ..messages import CommandError, Message, arguments_of, command_of
from ..render.views import VIEWS
from ..schema.check import (
    Fault,
    feature_warnings,
    has_word,
    warning_features,
)
from ..schema.suggestions import similar_names, suggest
from ..vm.attachment import Attachment
from ..vm.device_names import format_device_name
from ..vm.inspection import BLOCK_DEVICES
from ..vm.message_faults import find_faults, unknown_command
from ..vm.types import VmTypes
from .known_errors import advice_for

_ALL_COMMANDS = ".commands lists the VM's commands"
# What a new device can use only if nothing else does, and what helps if none is free.
_FOR_ONE = {
    Kind.BUS: ".tree devices shows what uses which",
    Kind.DEVICE_CHARDEV: "chardev-add makes one",
    Kind.DEVICE_DRIVE: "blockdev-add makes one",
    Kind.DEVICE_NETDEV: "netdev_add makes one",
    Kind.PCI_SLOT: ".tree pci shows what is free",
}
# What a disk of the VM is taken for: the name of its node, or of its block device.
_BLOCK_KINDS = (Kind.BLOCK, Kind.BLOCK_DEVICE, Kind.NODE)
# The error about a device that has its block device elsewhere: virtio has it in a part of it.
_NO_BACKEND = "does not have a block device backend"
# How many faults of one message are named.
_MOST_FAULTS = 2


def find_hint(error: CommandError, attachment: Attachment) -> str:
    """What is probably wrong with the command that got an error.

    The VM is given some time to answer the questions that this needs.

    :return: empty: nothing is known.
    :raise ConnectionLost: there is no VM any more.
    """
    return attachment.known_within(lambda: _hint(error, attachment))


def _hint(error: CommandError, attachment: Attachment) -> str:
    types = attachment.known_types
    message = error.reply.request.message
    name = command_of(message)
    description = error.description
    if error.error_class == "CommandNotFound":
        advice = advice_for(description) or unknown_command(name, types).beyond(description)
        return advice or _ALL_COMMANDS
    faults = first_faults(find_faults(message, types))
    fault = (
        "; ".join(filter(None, (fault.beyond(description) for fault in faults)))
        or _unknown_name(message, description, attachment)
        or (_wrong_switch(message, description) if attachment.is_agent else "")
        or advice_for(description, name)
    )
    told = attachment.noted_features
    notes = (note for note in feature_notes(message, types) if note not in told)
    return "; ".join(filter(None, [fault, *notes]))


def first_faults(faults: list[Fault]) -> list[Fault]:
    """The faults of a message that are told."""
    return faults[:_MOST_FAULTS]


def _unknown_name(message: Message, description: str, attachment: Attachment) -> str:
    """What may be meant by a name in a message that does not exist in the VM."""
    command, given = command_of(message), arguments_of(message)
    type_ = attachment.known_types.arguments(command, given)
    members = type_.members_for(given) if type_ is not None else {}
    kinds = {key: kind_at(command, key, member.type) for key, member in members.items()}
    others = {key: kind for key, kind in kinds.items() if kind is not None and key not in given}
    for key, value in given.items():
        kind = kinds.get(key)
        if kind in (None, Kind.NEW) or not isinstance(value, str):
            continue
        name = _GivenName(key, value, kind, given, others, attachment)
        path = name.device_path
        if path and _NO_BACKEND in description:
            return f"write {key}={path}"
        advice = name.advice if name.is_doubtful(description) else ""
        if advice:
            is_secret = holds_secret(message)
            problem = f"{key} is not there" if is_secret else f"{key} {value} is not there"
            return Fault(problem, advice, () if is_secret else (value,)).beyond(description)
    return ""


class _GivenName:
    """A name in the arguments of a command that was refused."""

    def __init__(
        self,
        key: str,
        value: str,
        kind: str,
        given: Message,
        others: dict[str, str],
        attachment: Attachment,
    ) -> None:
        """
        :param key: its argument.
        :param kind: what names that takes.
        :param given: all arguments of the command.
        :param others: those that are not given, and what names they take.
        """
        self._key = key
        self._value = value
        self._kind = kind
        self._given = given
        self._others = others
        self._attachment = attachment
        # Names that QEMU has made up (#block123) and that are similar mean nothing.
        names = self._names_of(kind, value)
        self._found = [each for each in names if not each.text.startswith("#")]

    def _names_of(self, kind: str, value: str) -> list[Candidate]:
        """The names of a kind that exist in the VM."""
        typed = value if kind == Kind.QOM_PATH else ""  # QOM paths are listed level by level
        return list(self._attachment.names.candidates(NameRequest(kind, typed, self._given)))

    @property
    def device_path(self) -> str:
        """The QOM path that it is short for; empty: it is none, or not short."""
        paths = (each.text for each in self._found)
        path = next((each for each in paths if format_device_name(each) == self._value), "")
        return path if path != self._value and is_plain(path) else ""

    def is_doubtful(self, description: str) -> bool:
        """Whether it does not exist in the VM, and is probably what the error is about."""
        known = [each.text for each in self._found]
        is_suspect = similar_names(self._value, known) or has_word(description, self._value)
        return self._value not in known and self._value != "/" and bool(is_suspect)

    @property
    def advice(self) -> str:
        """What to write instead of the name; empty: nothing is known."""
        return self._inserted_node() or self._other_argument(self._value) or self._known_names()

    def _inserted_node(self) -> str:
        """For ``device=vd0``, where vd0 is the id of a disk: to write that disk's block node."""
        if self._kind not in _BLOCK_KINDS:
            return ""
        devices = self._attachment.answers.immediate.get(BLOCK_DEVICES) or ()
        nodes = (each.node for each in devices if format_device_name(each.qdev) == self._value)
        node = next(nodes, "")
        if not is_plain(node.removeprefix("#")) or node in self._given.values():
            return ""
        is_known = any(each.text == node for each in self._names_of(self._kind, node))
        advice = f"write {self._key}={node}" if is_known else self._other_argument(node)
        return advice and f"{advice}, the node that is inserted in {self._value}"

    def _other_argument(self, name: str) -> str:
        """``device=d0``, where d0 is a ``node-name``."""
        fitting = [
            key
            for key, kind in self._others.items()
            if any(each.text == name for each in self._names_of(kind, name))
        ]
        # Longer ones are of something else: a snapshot-node-name is a new name.
        is_written_so = is_plain(name.removeprefix("#"))
        return f"write {min(fitting, key=len)}={name}" if fitting and is_written_so else ""

    def _known_names(self) -> str:
        help_ = _FOR_ONE.get(self._kind)
        used = [each for each in self._given.values() if isinstance(each, str)]
        free = [
            each.text
            for each in self._found
            if each.text not in used and (help_ is None or each.is_free)
        ]
        if help_ is not None and not free:
            return f"there is no free {self._key}; {help_}"
        return suggest(self._value, free, f"{self._key} is one of")


def _wrong_switch(message: Message, description: str) -> str:
    """How ``on`` is written where no types are known, as those of a guest agent."""
    for name, value in arguments_of(message).items():
        switch = SWITCH_WORDS.get(value.lower()) if isinstance(value, str) else None
        is_refused = f"type for '{name}', expected: boolean" in description
        # Since QEMU 8.1, some arguments of a guest agent are a switch or a word.
        is_refused |= f"'{name}' does not accept value '{value}'" in description
        if switch is not None and is_refused:
            return f"write {name}={str(switch).lower()}"
    return ""


def feature_notes(message: Message, types: VmTypes) -> Iterator[str]:
    """What a message uses that is deprecated or unstable, each of it as a short sentence."""
    command = types.command(command_of(message))
    if command is None:
        return
    yield from (f"{command.name} is {feature}" for feature in warning_features(command.features))
    for warning in feature_warnings(message.get("arguments", {}), command.arguments):
        yield f"{command.name}: {warning}"


def find_correction(
    text: str, attachment: Attachment, dot_commands: DotCommands, *, in_transaction: bool
) -> Correction | None:
    """The line that was probably meant by one that was refused.

    :param in_transaction: it is part of a transaction.
    :raise ConnectionLost: there is no VM any more.
    """
    vocabulary = _vocabulary(attachment, dot_commands, in_transaction=in_transaction)
    return _known_correction(text, attachment, partial(correct_line, text, vocabulary))


def find_human_correction(
    text: str, answer: str, attachment: Attachment, dot_commands: DotCommands
) -> Correction | None:
    """The line that was probably meant by one that the human monitor refused.

    :param answer: what it printed.
    :raise ConnectionLost: there is no VM any more.
    """
    vocabulary = _vocabulary(attachment, dot_commands)
    look_up = partial(correct_human_line, text, answer, vocabulary)
    return _known_correction(text, attachment, look_up)


def _vocabulary(
    attachment: Attachment, dot_commands: DotCommands, *, in_transaction: bool = False
) -> Vocabulary:
    return Vocabulary(attachment.known_types, attachment.names, dot_commands, in_transaction, VIEWS)


def _known_correction(
    text: str, attachment: Attachment, look_up: Callable[[], Correction | None]
) -> Correction | None:
    """A correction, once the VM has had some time to answer; None: a secret may be in the line."""
    if names_secret(text):
        return None
    found = attachment.known_within(look_up)
    is_secret = found is not None and may_hold_secret(found.typed(human=False))
    return None if is_secret else found
