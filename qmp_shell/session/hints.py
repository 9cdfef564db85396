"""What the schema says of a message, and of the error that it got."""

from __future__ import annotations

from collections.abc import Iterator

from ..complete import Kind, NameRequest, NameSource, kind_at
from ..language.secrets import holds_secret
from ..protocol import CommandError, Message, arguments_of, command_of
from ..schema.check import feature_warnings, similar_names, warning_features
from ..vm.attachment import Attachment
from ..vm.message_faults import describe_unknown_command, find_faults
from ..vm.types import VmTypes
from .known_errors import advice_for

# How many faults of one message are named.
_MOST_FAULTS = 2


def find_hint(error: CommandError, attachment: Attachment) -> str:
    """What is probably wrong with the command that got an error.

    The VM is given some time to answer the questions that this needs.

    :return: empty: nothing is known.
    :raise ConnectionLost: there is no VM any more.
    """
    return attachment.known_within(lambda: _hint(error, attachment.known_types, attachment.names))


def _hint(error: CommandError, types: VmTypes, names: NameSource) -> str:
    message = error.reply.request.message
    name = command_of(message)
    if error.error_class == "CommandNotFound":
        return describe_unknown_command(name, types) if types.lacks(name) else ""
    fault = (
        format_faults(find_faults(message, types))
        or _similar_name(message, types, names)
        or advice_for(error.description)
    )
    return "; ".join(filter(None, [fault, *feature_notes(message, types)]))


def format_faults(faults: list[str]) -> str:
    """The first faults of a message on one line."""
    return "; ".join(faults[:_MOST_FAULTS])


def _similar_name(message: Message, types: VmTypes, names: NameSource) -> str:
    """The name that was probably meant by one in a message, among those that exist in the VM."""
    command, given = command_of(message), arguments_of(message)
    type_ = types.arguments(command, given)
    members = type_.members_for(given) if type_ is not None else {}
    for key, value in given.items():
        kind = kind_at(command, key, members[key].type) if key in members else None
        if kind is None or not isinstance(value, str):
            continue
        # QOM paths are listed level by level.
        found = names.candidates(NameRequest(kind, value if kind == Kind.QOM_PATH else "", given))
        # QEMU makes up names that begin so, and similar ones mean nothing.
        known = [each.text for each in found if not each.text.startswith("#")]
        similar = similar_names(value, known) if value not in known else []
        if similar:
            shown = "" if holds_secret(message) else f" {value}"
            return f"{key}{shown} is not there; did you mean {' or '.join(similar)}?"
    return ""


def feature_notes(message: Message, types: VmTypes) -> Iterator[str]:
    """What a message uses that is deprecated or unstable, each of it as a short sentence."""
    command = types.command(command_of(message))
    if command is None:
        return
    yield from (f"{command.name} is {feature}" for feature in warning_features(command.features))
    for warning in feature_warnings(message.get("arguments", {}), command.arguments):
        yield f"{command.name}: {warning}"
