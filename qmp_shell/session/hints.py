"""What the schema can say about a message, and about the error that it got."""

from __future__ import annotations

from collections.abc import Iterator

from ..complete import NameRequest, NameSource
from ..complete.arguments import kind_at
from ..protocol import CommandError, Message, arguments_of, command_of
from ..schema import ANY
from ..schema.check import (
    check_arguments,
    feature_warnings,
    format_suggestion,
    similar_names,
    warning_features,
)
from ..vm.answers import dicts
from ..vm.types import VmTypes


def hint(error: CommandError, types: VmTypes, names: NameSource) -> str:
    """What is likely to be wrong with the command that got an error; empty: nothing known."""
    message = error.reply.request.message
    wrong = faults_of(message, types) or near_name(message, types, names)
    return "; ".join(filter(None, [wrong, *marks_of(message, types)]))


def faults_of(message: Message, types: VmTypes, *, strict: bool = True) -> str:
    """What the schema does not allow in a message; empty: nothing.

    :param strict: a driver's properties must have the types that the VM lists, which not all
        QEMUs insist on. Those of a driver that the VM does not know are never held against a
        message.
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
        return "; ".join(_action_faults(arguments.get("actions"), types)[:2])
    type_ = types.arguments(name, arguments) or command.arguments
    if name == "qom-set":  # QOM has one name for a type and for a list of it
        type_ = command.arguments
    if name == "device_add" and not strict:
        properties = [m for n, m in type_.members.items() if n not in command.arguments.members]
        type_ = type_.with_members(
            (member._replace(find_type=lambda: ANY) for member in properties),
            is_incomplete=type_.is_incomplete,
        )
    return "; ".join(check_arguments(arguments, type_)[:2])


def _action_faults(actions: object, types: VmTypes) -> list[str]:
    """The same of a transaction's actions, each named as it is written."""
    known = types.actions()
    found: list[str] = []
    for action in dicts(actions):
        name, type_ = str(action.get("type")), types.action(str(action.get("type")))
        if known is not None and name not in known.values:
            found.append(f"no action {name}{format_suggestion(name, known.values, 'there are')}")
        elif type_ is not None:
            found += [
                f"{name}: {fault}" for fault in check_arguments(action.get("data", {}), type_)
            ]
    return found


def near_name(message: Message, types: VmTypes, names: NameSource) -> str:
    """What a name in a message was probably meant to be, among those that exist in the VM."""
    command, given = command_of(message), arguments_of(message)
    type_ = types.arguments(command, given)
    for key, value in given.items() if type_ is not None else ():
        member = type_.members_for(given).get(key) if type_ is not None else None
        kind = kind_at(command, key, member.type) if member is not None else None
        if kind is None or not isinstance(value, str):
            continue
        known = [candidate.text for candidate in names.candidates(NameRequest(kind, "", given))]
        close = similar_names(value, known) if value not in known else []
        if close:
            return f"{key} {value} is not there; did you mean {' or '.join(close)}?"
    return ""


def marks_of(message: Message, types: VmTypes) -> Iterator[str]:
    """Tell what a message uses that is marked ``deprecated`` or ``unstable``."""
    command = types.command(command_of(message))
    if command is None:
        return
    yield from (f"{command.name} is {mark}" for mark in warning_features(command.features))
    for mark in feature_warnings(message.get("arguments", {}), command.arguments):
        yield f"{command.name}: {mark}"
