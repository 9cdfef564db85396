"""The types of a command's arguments, as one VM has them: its schema's, and what QOM adds."""

from __future__ import annotations

from ..protocol import Message
from ..schema import Command, Enum, Object, Schema
from .answers import AnswerView
from .open_commands import OPEN_COMMANDS
from .questions import AGENT_COMMANDS, COMMANDS, SCHEMA


class VmTypes:
    """The types of a VM's commands. (A :class:`~qmp_shell.complete.TypeSource`.)"""

    def __init__(self, answers: AnswerView, *, is_agent: bool = False) -> None:
        """
        :param answers: a view that waits for the VM, or one that does not.
        :param is_agent: it is a guest agent, which has no schema.
        """
        self._answers = answers
        self._is_agent = is_agent

    @property
    def schema(self) -> Schema | None:
        """The VM's schema; None: it has none, or it was not received yet."""
        return None if self._is_agent else self._answers.get(SCHEMA)

    def command(self, name: str) -> Command | None:
        """A command as the schema describes it."""
        schema = self.schema
        return schema.command(name) if schema is not None else None

    def commands(self) -> list[str]:
        """The names of all commands, sorted; empty while they are not known."""
        return sorted(self._answers.get(AGENT_COMMANDS if self._is_agent else COMMANDS) or ())

    def arguments(self, name: str, given: Message) -> Object | None:
        """The type of a command's arguments.

        :param given: the arguments that are known; they may decide what others there are.
        :return: None: nothing is known of the command.
        """
        command = self.command(name)
        if command is None:
            return None
        open_command = OPEN_COMMANDS.get(name)
        if open_command is None:
            return command.arguments
        found = open_command.find_members(self._answers, given)
        return command.arguments.with_members(
            found.members,
            is_incomplete=found.is_incomplete,
            decided_by=open_command.decided_by,
        )

    def actions(self) -> Enum | None:
        """The types of action that a transaction takes."""
        schema = self.schema
        action = schema.action() if schema is not None else None
        type_ = action.members[str(action.tag)].type if action is not None else None
        return type_ if isinstance(type_, Enum) else None

    def action(self, name: str) -> Object | None:
        """The type of an action's arguments; None: the type is unknown."""
        schema = self.schema
        action = schema.action() if schema is not None else None
        data = action.members_for({action.tag: name}).get("data") if action is not None else None
        type_ = data.type if data is not None else None
        return type_ if isinstance(type_, Object) else None
