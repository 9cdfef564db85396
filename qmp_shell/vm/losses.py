"""What a message would lose, in QMP or for the human monitor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..messages import Message, arguments_of, command_of
from .guards import GUARDS, describe_on_vm
from .human_actions import parse_human_action
from .loss import Known, Loss, Unanswered
from .question import Question
from .read import read_object, read_objects, read_string


class Action(NamedTuple):
    """One thing that a message does.

    :ivar name: what the user calls it.
    :ivar command: the command in QMP that does it.
    """

    name: str
    command: str
    arguments: Message


def guarded_actions(message: Message) -> list[Action]:
    """The actions in a message, in QMP or for the human monitor, that may lose something."""
    return [action for action in _actions(message) if action.command in GUARDS]


def action_name(message: Message) -> str:
    """What the user calls the command in a message; empty if it has none."""
    action = next(_actions(message), None) if command_of(message) != "transaction" else None
    return action.name if action is not None else command_of(message)


def ends_vm(message: Message) -> bool:
    """Whether the VM is to end at once."""
    return any(action.command == "quit" for action in _actions(message))


def _actions(message: Message) -> Iterator[Action]:
    command, arguments = command_of(message), arguments_of(message)
    if command == "transaction":
        for each in read_objects(arguments.get("actions")):
            name = read_string(each.get("type"))
            yield Action(name, name, read_object(each.get("data")))
    elif command == "human-monitor-command":
        human = parse_human_action(arguments.get("command-line"))
        yield Action(human.name, human.command, human.arguments)
    else:
        yield Action(command, command, arguments)


def questions_about(actions: Iterable[Action]) -> list[Question[Any]]:
    """What to ask the VM before :func:`find_losses`, each question once."""
    asked = (question for action in actions for question in GUARDS[action.command].questions)
    return list(dict.fromkeys(asked))


def find_losses(actions: Iterable[Action], known: Known) -> list[tuple[str, Loss]]:
    """What guarded actions would lose, with the name of each.

    Where the VM has not answered, it may be something.
    """
    found = []
    for action in actions:
        try:
            losses = list(GUARDS[action.command].find(action.arguments, known))
        except Unanswered:
            losses = [Loss("may lose something, but the VM does not say what")]
        found += [(action.name, loss) for loss in losses]
    return found


def describe_change(known: Known) -> Loss:
    """What is said of a command that is not known to lose anything."""
    return describe_on_vm("may change the VM%s", known)
