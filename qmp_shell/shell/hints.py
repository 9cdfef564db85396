"""What the schema can say about a message, and about the error that it got."""

from __future__ import annotations

from collections.abc import Iterator

from ..protocol import CommandError, Message, command_of
from ..schema.check import faults, marked, marks, suggestion
from .types import VmTypes


def hint(error: CommandError, types: VmTypes) -> str:
    """What is likely to be wrong with the command that got an error; empty: nothing known."""
    return faults_of(error.reply.request.message, types)


def faults_of(message: Message, types: VmTypes, *, strict: bool = True) -> str:
    """What the schema does not allow in a message; empty: nothing.

    :param strict: a driver's properties must be as the VM lists them, which not all QEMUs insist
        on. Those of a driver that the VM does not know are never held against a message.
    """
    schema = types.schema
    name = command_of(message)
    if schema is None or not name:
        return ""
    command = types.command(name)
    if command is None:
        near = suggestion(name, schema.commands(), "there are")
        return f"no command {name}" + (f"; {near}" if near else "")
    arguments = message.get("arguments", {})
    type_ = types.arguments(name, arguments) if isinstance(arguments, dict) else None
    if type_ is None:
        return ""
    if name == "device_add" and (type_ is command.arguments or not strict):
        type_ = command.arguments
        arguments = {key: arguments[key] for key in arguments if key in type_.members}
    return "; ".join(list(faults(arguments, type_))[:2])


def marks_of(message: Message, types: VmTypes) -> Iterator[str]:
    """Tell what a message uses that is marked ``deprecated`` or ``unstable``."""
    command = types.command(command_of(message))
    if command is None:
        return
    yield from (f"{command.name} is {mark}" for mark in marked(command.features))
    for mark in marks(message.get("arguments", {}), command.arguments):
        yield f"{command.name}: {mark}"
