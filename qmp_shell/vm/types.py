"""The types of a command's arguments, as one VM has them: its schema's, and what QOM adds."""

from __future__ import annotations

from collections.abc import Callable

from ..messages import Message
from ..schema import Command, Enum, Object, Schema, Type
from ..static_typing import TYPE_CHECKING
from .answers import AnswerView
from .open_commands import OPEN_COMMANDS
from .questions import AGENT_COMMANDS, COMMANDS, EVENTS, SCHEMA

if TYPE_CHECKING:
    from ..manual import Manual


class VmTypes:
    """The types of a VM's commands. (A :class:`~qmp_shell.complete.TypeSource`.)"""

    def __init__(
        self,
        answers: AnswerView,
        *,
        is_agent: bool = False,
        find_manual: Callable[[], Manual | None] = lambda: None,
    ) -> None:
        """
        :param answers: a view that waits for the VM, or one that does not.
        :param is_agent: it is a guest agent, which has no schema.
        :param find_manual: finds QEMU's manual when it is first needed; None: not installed.
        """
        self._answers = answers
        self._is_agent = is_agent
        self._find_manual = find_manual

    @property
    def schema(self) -> Schema | None:
        """The VM's schema; None: it has none, or it was not received yet."""
        return None if self._is_agent else self._answers.get(SCHEMA)

    def command(self, name: str) -> Command | None:
        """A command as the schema describes it, or as every QEMU has it that has it at all."""
        schema = self.schema
        found = schema.command(name) if schema is not None else None
        return found or self._undescribed_command(name)

    def _undescribed_command(self, name: str) -> Command | None:
        """A command that the schema lacks, but whose most important arguments are known.

        The schema of QEMU 2.5 to 2.7 lacks ``device_add``, and before 2.5 there is no schema.
        """
        open_command = OPEN_COMMANDS.get(name) if not self._is_agent else None
        if open_command is None or not self._may_exist(name):
            return None
        return Command(name, open_command.own_arguments(), Object("", ()), (), out_of_band=False)

    def _may_exist(self, name: str) -> bool:
        schema = self.schema
        if schema is None:
            return self._answers.lacks(SCHEMA)
        return name in self.commands()

    def commands(self) -> list[str]:
        """The names of all commands, sorted; empty while they are not known."""
        return sorted(self._answers.get(AGENT_COMMANDS if self._is_agent else COMMANDS) or ())

    def lacks(self, name: str) -> bool:
        """Whether the VM is known not to have a command.

        The schema does not tell it: that of QEMU 2.5 to 3.1 has commands of other targets.
        """
        known = self.commands()
        return bool(known) and name not in known

    def events(self) -> list[str]:
        """The names of all events, sorted; empty while they are not known."""
        schema = self.schema
        if schema is not None:
            return schema.events()
        if self._is_agent or not self._answers.lacks(SCHEMA):
            return []
        return sorted(self._answers.get(EVENTS) or ())

    def arguments(self, name: str, given: Message) -> Object | None:
        """The type of a command's arguments.

        :param given: the arguments that are known; they may decide what others there are.
        :return: None: nothing is known of the command.
        """
        command = self.command(name)
        if command is None:
            return self._unknown_arguments()
        open_command = OPEN_COMMANDS.get(name)
        if open_command is None:
            return command.arguments
        found = open_command.find_members(self._answers, given, command.arguments)
        return command.arguments.with_members(
            found.members,
            is_incomplete=found.is_incomplete,
            decided_by=open_command.decided_by,
        )

    def argument_summary(self, command: str, path: list[str], given: Message) -> str:
        """What the manual says of an argument, or of a member in it, in one sentence.

        :param path: the parts of its key, list indexes among them.
        :param given: the arguments of the command, as far as they are known.
        :return: empty: nothing is known.
        """
        manual = self._find_manual()
        return manual.argument_summary(command, path, given) if manual is not None else ""

    def returns(self, name: str) -> Type | None:
        """The type of what a command returns; None: it is not known."""
        schema = self.schema
        command = schema.command(name) if schema is not None else None
        return command.returns if command is not None else None

    def _unknown_arguments(self) -> Object | None:
        """For a VM without a schema: any arguments; their names still tell what some of them are.

        :return: None: the VM may have a schema.
        """
        if self._is_agent or not self._answers.lacks(SCHEMA):
            return None
        return Object("", ()).with_members((), is_incomplete=True)

    def action_object(self) -> Object | None:
        """The type of an action of a transaction: its name and its arguments."""
        schema = self.schema
        return schema.action() if schema is not None else None

    def actions(self) -> Enum | None:
        """The types of action that a transaction takes."""
        action = self.action_object()
        type_ = action.members[str(action.tag)].type if action is not None else None
        return type_ if isinstance(type_, Enum) else None

    def action(self, name: str) -> Object | None:
        """The type of an action's arguments; None: the type is unknown."""
        action = self.action_object()
        data = action.members_for({action.tag: name}).get("data") if action is not None else None
        type_ = data.type if data is not None else None
        return type_ if isinstance(type_, Object) else None
