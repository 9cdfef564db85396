"""What a VM's types do not allow in a message: for a dry run, and to explain an error.

It informs; what is valid is for the VM to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from ..language.secrets import holds_secret
from ..messages import Message, command_of
from ..schema import ANY, Array, Object
from ..schema.check import Fault, check_arguments
from ..schema.suggestions import guessable_commands, suggest
from .types import VmTypes

# More actions than any QEMU has are not listed.
_MOST_ACTIONS = 30
# check_arguments(), with what is the same for all parts of a message.
_Check = Callable[[object, Object], list[Fault]]


def find_faults(message: Message, types: VmTypes, *, after_error: bool = True) -> list[Fault]:
    """What is wrong with a message, the most obvious first; empty: nothing that is known.

    :param after_error: the VM has refused it (see :class:`~qmp_shell.schema.TypeCheck`).
    """
    name = command_of(message)
    if not after_error and types.lacks(name):
        return [unknown_command(name, types)]
    command = types.command(name)
    if command is None:
        return []
    arguments = message.get("arguments", {})
    if not isinstance(arguments, dict):
        return [Fault("arguments must be an object")]
    type_ = types.arguments(name, arguments) or command.arguments
    shows_values = not holds_secret(message)
    check = partial(check_arguments, after_error=after_error, shows_values=shows_values)
    if name == "transaction" and types.actions() is not None:
        return list(_transaction_faults(arguments, type_, types, check))
    return check(arguments, type_)


def unknown_command(name: str, types: VmTypes) -> Fault:
    """That a command does not exist, and which one may be meant."""
    others = [each for each in types.commands() if each != name]  # an agent may refuse its own
    guessable = guessable_commands(name, others)
    return Fault(f"no command {name}", suggest(name, guessable, "there are"), (name,))


def _transaction_faults(
    arguments: Message, type_: Object, types: VmTypes, check: _Check
) -> Iterator[Fault]:
    """The faults of a transaction; those of an action come after its name."""
    actions = type_.members["actions"]
    anything = Object("action", ()).with_members((), is_incomplete=True)
    list_type = Array("actions", lambda: anything)
    outer = type_.with_members([actions._replace(find_type=lambda: list_type)])
    yield from check(arguments, outer)
    given = arguments.get("actions")
    for number, action in enumerate(given if isinstance(given, list) else []):
        yield from _action_faults(action, f"actions.{number}", types, check)


def _suggest_action(name: str, actions: Collection[str]) -> str:
    listed = f"there are: {', '.join(actions)}" if len(actions) <= _MOST_ACTIONS else ""
    return suggest(name, guessable_commands(name, actions), "there are") or listed


def _action_faults(action: object, place: str, types: VmTypes, check: _Check) -> Iterator[Fault]:
    """The faults of an action.

    :param place: where it is in the message; it names an action that has no name itself.
    """
    known, type_ = types.actions(), types.action_object()
    if known is None or type_ is None or not isinstance(action, dict):
        return
    name = action.get(type_.tag)
    if isinstance(name, str) and name not in known.values:
        yield Fault(f"no action {name}", _suggest_action(name, known.values), (name,))
        return
    label = name if isinstance(name, str) else place
    # What is in the data is checked on its own, so that it is named as it is typed in a line.
    members = type_.members_for(action)
    outer = Object(
        type_.name,
        (
            each._replace(find_type=lambda: ANY) if each.name == "data" else each
            for each in members.values()
        ),
    ).with_members((), is_incomplete=type_.is_open(action))
    faults = check(action, outer)
    data_type = types.action(label)
    if "data" in action and data_type is not None:
        faults += check(action["data"], data_type)
    # Several actions may have the same arguments, so an error does not tell which one it is about.
    yield from (fault._replace(problem=f"{label}: {fault.problem}", names=()) for fault in faults)
