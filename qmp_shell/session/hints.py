"""What the schema says of a message, and of the error that it got."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..complete import NameRequest, NameSource, kind_at
from ..protocol import CommandError, Message, arguments_of, command_of
from ..schema.check import (
    check_arguments,
    feature_warnings,
    format_suggestion,
    similar_names,
    warning_features,
)
from ..vm.answers import ANSWER_SECONDS
from ..vm.attachment import Attachment
from ..vm.read import read_objects, read_string
from ..vm.types import VmTypes

# How many faults of one message are named.
_MOST_FAULTS = 2


def find_hint(error: CommandError, attachment: Attachment) -> str:
    """What is probably wrong with the command that got an error.

    The VM is given some time to answer the questions that this needs.

    :return: empty: nothing is known.
    :raise ConnectionLost: there is no VM any more.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        hint = _hint(error, attachment.known_types, attachment.names)
        left = deadline - time.monotonic()
        if not attachment.answers.has_open_questions or left <= 0:
            return hint
        attachment.answers.settle(left)


def _hint(error: CommandError, types: VmTypes, names: NameSource) -> str:
    message = error.reply.request.message
    fault = schema_faults(message, types) or _similar_name(message, types, names)
    return "; ".join(filter(None, [fault, *feature_notes(message, types)]))


def schema_faults(message: Message, types: VmTypes, *, after_error: bool = True) -> str:
    """What the VM's types do not allow in a message; empty: nothing.

    :param after_error: the VM has refused it (see :class:`~qmp_shell.schema.TypeCheck`).
    """
    schema = types.schema
    name = command_of(message)
    if schema is None or not name:
        return ""
    command = types.command(name)
    if command is None:
        return f"no command {name}{format_suggestion(name, schema.commands(), 'there are')}"
    arguments = message.get("arguments", {})
    if not isinstance(arguments, dict):
        return "arguments must be an object"
    if name == "transaction":
        return "; ".join(_action_faults(arguments.get("actions"), types)[:_MOST_FAULTS])
    type_ = types.arguments(name, arguments) or command.arguments
    faults = check_arguments(arguments, type_, after_error=after_error)
    return "; ".join(faults[:_MOST_FAULTS])


def _action_faults(actions: object, types: VmTypes) -> list[str]:
    """The same for the actions of a transaction, each fault after the action's name."""
    known = types.actions()
    found: list[str] = []
    for action in read_objects(actions):
        name = read_string(action.get("type"))
        type_ = types.action(name)
        if known is not None and name not in known.values:
            found.append(f"no action {name}{format_suggestion(name, known.values, 'there are')}")
        elif type_ is not None:
            faults = check_arguments(action.get("data", {}), type_)
            found += [f"{name}: {fault}" for fault in faults]
    return found


def _similar_name(message: Message, types: VmTypes, names: NameSource) -> str:
    """The name that was probably meant by one in a message, among those that exist in the VM."""
    command, given = command_of(message), arguments_of(message)
    type_ = types.arguments(command, given)
    members = type_.members_for(given) if type_ is not None else {}
    for key, value in given.items():
        kind = kind_at(command, key, members[key].type) if key in members else None
        if kind is None or not isinstance(value, str):
            continue
        known = [candidate.text for candidate in names.candidates(NameRequest(kind, "", given))]
        similar = similar_names(value, known) if value not in known else []
        if similar:
            return f"{key} {value} is not there; did you mean {' or '.join(similar)}?"
    return ""


def feature_notes(message: Message, types: VmTypes) -> Iterator[str]:
    """What a message uses that is deprecated or unstable, each of it as a short sentence."""
    command = types.command(command_of(message))
    if command is None:
        return
    yield from (f"{command.name} is {feature}" for feature in warning_features(command.features))
    for warning in feature_warnings(message.get("arguments", {}), command.arguments):
        yield f"{command.name}: {warning}"
