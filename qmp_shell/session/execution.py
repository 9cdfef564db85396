"""Executes commands on the VM of a session, and shows what they return."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from ..errors import CheckError, ConnectionLost, ReportedError, UsageError, explain_os_error
from ..language import DescriptorFile, Destination, has_ambiguous_words
from ..language.destination import DISPLAY
from ..language.references import replace_references
from ..messages import CommandError, Message, Reply, arguments_of, command_of
from ..render.views import check_view
from ..static_typing import TYPE_CHECKING, Protocol
from ..vm.question import is_read_only

if TYPE_CHECKING:
    from ..vm import Attachment
    from .display import Display
    from .outputs import Outputs
    from .replies import ReplyPresenter
    from .settings import Settings
    from .user import User
    from .variables import Variables


class ExecutingSession(Protocol):
    """A session, as far as it matters here."""

    attachment: Attachment
    display: Display
    is_dry_run: bool
    outputs: Outputs
    replies: ReplyPresenter
    settings: Settings
    user: User | None
    variables: Variables


class NotSent(KeyboardInterrupt):
    """Ctrl-C was pressed before a command was sent, while the VM was asked about it.

    :ivar command: what the user calls it.
    """

    def __init__(self, message: Message) -> None:
        from ..vm.losses import action_name

        self.command = action_name(message) or "the message"


class Executor:
    """Executes commands. In a dry run, it shows and checks them instead.

    :ivar inverse: the line that would undo the last change; empty: there is none.
    """

    def __init__(self, session: ExecutingSession) -> None:
        self._session = session
        self.inverse = ""

    def resolve(self, message: Message) -> Message:
        """A message with the values that references stand for, and bare words by their types.

        :raise ParseError: a reference stands for nothing.
        :raise NotSent: Ctrl-C was pressed.
        """
        replaced = self.replace_references(message)
        try:
            return self._apply_types(replaced)
        except KeyboardInterrupt:
            raise NotSent(message) from None

    def replace_references(self, message: Message) -> Message:
        """A message with the values that references stand for.

        :raise ParseError: a reference stands for nothing.
        """
        replaced: Message = replace_references(message, self._session.variables.find)
        return replaced

    def _apply_types(self, message: Message) -> Message:
        """A message with a value for each bare word, by the VM's types where they matter."""
        arguments = arguments_of(message)
        has_dotted_keys = any(isinstance(value, dict) for value in arguments.values())
        if not has_ambiguous_words(message) and not (
            has_dotted_keys and _has_dotted_names(message)
        ):
            return message
        from ..language.word_types import apply_types

        type_ = self._session.attachment.types.arguments(command_of(message), arguments)
        return {**message, "arguments": apply_types(arguments, type_)}

    def execute(
        self,
        message: Message,
        files: Sequence[DescriptorFile] = (),
        destination: Destination = DISPLAY,
        *,
        is_confirmed: bool = False,
    ) -> Reply | None:
        """Send a message and display its reply.

        :param files: files to be opened, whose descriptors are sent with it.
        :param destination: where the reply goes; an error is displayed.
        :param is_confirmed: the user was asked already.
        :return: the reply; None: it was not sent.
        :raise UsageError: a file cannot be opened or written, or there is no such view.
        :raise CommandError: the VM refused it; its reply was displayed.
        :raise PipelineError: the shell command failed.
        :raise NotSent: Ctrl-C was pressed before it was sent.
        """
        if destination.view is not None:
            check_view(destination.view.name)
        if destination.variable is not None:
            self._session.variables.check_name(destination.variable)
        if self._session.is_dry_run:
            self._note_unknown_return(destination)
            self._check(message)
            return None
        if not is_confirmed:
            self.confirm([message])
        try:
            inverse = self._find_inverse(message)
        except KeyboardInterrupt:
            if is_confirmed:  # it is one of several, and others may have been sent
                raise
            raise NotSent(message) from None
        with ExitStack() as opened:
            delivery = opened.enter_context(self._session.outputs.open(destination))
            descriptors = [_open(file, opened) for file in files]
            reply = self._session.attachment.request(message, descriptors)
            if not reply.is_error and not is_read_only(message):
                self.inverse = inverse
            self.finish(message, reply, destination)
            if delivery is not None:
                self._session.display.make_way()
                delivery.deliver(self._session.replies.format(reply, destination.view))
        self._note_features(message)
        return reply

    def finish(self, message: Message, reply: Reply, destination: Destination) -> None:
        """A command was executed: show its reply, unless that goes elsewhere, and keep it.

        :raise CommandError: the VM refused it; its reply was displayed.
        """
        if reply.is_error or destination.is_display:
            self._session.replies.show(reply, destination.view)
        if reply.is_error:
            self._note_features(message)
            raise self._explained(CommandError(reply))
        self._note_return(message, reply, destination)

    def _note_unknown_return(self, destination: Destination) -> None:
        """In a dry run, a command would return something."""
        self._session.variables.note_return(None)
        if destination.variable is not None:
            self._session.variables.keep(destination.variable, None)

    def _note_return(self, message: Message, reply: Reply, destination: Destination) -> None:
        """Keep what a command returned."""
        value = reply.message.get("return")
        is_secret = _reads_secret(message)
        self._session.variables.note_return(value, is_secret=is_secret)
        name = destination.variable
        if name is not None:
            self._session.variables.keep(name, value, is_secret=is_secret)
            self._session.display.note(f"${name}: {self._session.variables.describe(name)}")

    def _find_inverse(self, message: Message) -> str:
        """The line that would undo a command of the user's; empty: there is none."""
        if self._session.user is None or is_read_only(message):
            return ""
        from .inverse import find_inverse

        return find_inverse(message, self._session.attachment)

    def show_dry_run(self, message: Message) -> None:
        """Show what would be sent, without its secrets."""
        from ..language.secrets import redact

        self._session.display.dry_run(redact(message))

    def _check(self, message: Message) -> None:
        """Show and check what would be sent.

        :raise CheckError: the schema does not allow it.
        """
        from ..vm.message_faults import find_faults
        from .hints import first_faults

        self.show_dry_run(message)
        faults = find_faults(message, self._session.attachment.types, after_error=False)
        if faults:
            texts = map(str, first_faults(faults))
            raise CheckError(f"{command_of(message)}: {'; '.join(texts)}")

    def confirm(self, messages: Sequence[Message]) -> None:
        """Ask the user, if there is one, about commands that would lose something.

        Several are shown first.

        :raise ReportedError: they are not to be sent, and nothing that was typed after them either.
        :raise NotSent: Ctrl-C was pressed before the user was asked.
        """
        if self._session.user is None or self._session.settings.confirm == "off":
            return
        from .confirmation import find_question

        asks_all = self._session.settings.confirm == "all"
        try:
            question = find_question(messages, self._session.attachment, asks_all=asks_all)
        except KeyboardInterrupt:
            raise NotSent(messages[0]) from None
        if not question:
            return
        if len(messages) > 1:
            from ..language.notation import format_message
            from ..language.secrets import redact

            self._session.display.lines(format_message(redact(message)) for message in messages)
        if not self._session.user.confirm(question):
            self._session.display.note("not sent")
            raise ReportedError(UsageError("not sent"))

    def _note_features(self, message: Message) -> None:
        """Note what a message used that is deprecated or unstable, each of it once for each VM.

        Only a person is told. What says so is the schema, for which the VM is waited for if that
        was not needed before.
        """
        attachment = self._session.attachment
        if self._session.user is None or attachment.answers.is_silent:
            return
        from .hints import feature_notes

        notes: list[str] = []
        with suppress(ConnectionLost):  # the next line that needs the VM will say so
            notes += attachment.known_within(
                lambda: list(feature_notes(message, attachment.known_types))
            )
        for note in notes:
            if note not in attachment.noted_features:
                attachment.noted_features.add(note)
                self._session.display.note(note)

    def _explained(self, error: CommandError) -> CommandError:
        """An error with a hint, if there is one."""
        from .hints import find_hint

        if self._session.attachment.is_connected:
            with suppress(ConnectionLost):  # the next line that needs the VM will say so
                error.hint = find_hint(error, self._session.attachment)
        return error


def _reads_secret(message: Message) -> bool:
    """Whether a command returns a secret. Only few commands do."""
    if command_of(message) != "qom-get":
        return False
    from ..language.secrets import reads_secret

    return reads_secret(message)


def _has_dotted_names(message: Message) -> bool:
    """Whether a dotted key of a command may be the name of one argument."""
    from ..vm.open_commands import has_dotted_names

    return has_dotted_names(command_of(message))


def _open(file: DescriptorFile, opened: ExitStack) -> int:
    """A file's descriptor, which is closed with ``opened``.

    :raise UsageError: it cannot be opened.
    """
    try:
        descriptor = os.open(
            os.path.expanduser(file.path),
            (os.O_RDWR if file.writable else os.O_RDONLY) | os.O_CLOEXEC,
        )
    except (OSError, ValueError) as error:
        reason = explain_os_error(error)
        raise UsageError(f"{file.path}: {reason}") from None
    opened.callback(os.close, descriptor)
    return descriptor
