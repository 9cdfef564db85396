"""The session: runs what one user types or a script says, on one VM at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Protocol

from ..client import Client, Tracer
from ..errors import CheckError, ConnectionLost, ReportedError, UsageError
from ..language import (
    DescriptorFile,
    DotStatement,
    LineJoiner,
    LogicalLine,
    ParseError,
    StatementParser,
    has_ambiguous_words,
)
from ..protocol import (
    CommandError,
    Event,
    LateReply,
    Message,
    Reply,
    StrayReply,
    Unsolicited,
    arguments_of,
    command_of,
)
from ..transport import parse_address
from ..vm import Attachment
from .log import MessageLog, MessageTracer
from .scripts import Reporter, ScriptRunner
from .settings import Settings

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource
    from ..schema import Schema
    from ..transport.stream import Address
    from .display import Display
    from .human import HumanMonitor


Connector = Callable[["Address | None", Tracer], tuple[Client, "Address | None"]]
"""Connects to an address; given None, to the VM that the shell was started for.

It returns the client, and the address that it is connected to, if there is one.
"""


class DotCommand(Protocol):
    """A command to the shell itself.

    :ivar name: without the dot.
    :ivar usage: its argument as help shows it; empty: it takes none.
    :ivar summary: what it does, in a few words.
    """

    name: str
    usage: str
    summary: str

    def run(self, session: Session, argument: str) -> None:
        """Do it.

        :param argument: what follows the name, without the blanks around it.
        """

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        """What can stand at the end of the argument that is being typed."""


class DotCommands(Protocol):
    """The dot commands that there are."""

    def find(self, name: str) -> DotCommand | None:
        """The command of a name; None: there is none."""

    def all(self) -> Iterable[DotCommand]:
        """All commands, sorted by name."""


class Session:
    """One user's work with VMs, one VM at a time.

    :ivar attachment: the VM, and what is known of it.
    :ivar display: where replies, events and the output of dot commands go.
    :ivar parser: turns logical lines into statements; it holds an open transaction.
    :ivar human: the state of human monitor mode; None in QMP mode.
    :ivar scripts: runs the lines of a script.
    :ivar tracer: logs messages.
    :ivar history: returns the lines that were typed; None: the lines are a script's.
    :ivar is_dry_run: what would be sent is shown and checked instead.
    :ivar is_finished: the user wants to leave.
    """

    def __init__(
        self,
        display: Display,
        settings: Settings,
        connector: Connector,
        commands: DotCommands,
        report: Reporter,
        *,
        confirm: Callable[[str], bool] | None = None,
        history: Callable[[], Sequence[str]] | None = None,
        log: MessageLog | None = None,
        human: bool = False,
        dry_run: bool = False,
        schema: Schema | None = None,
    ) -> None:
        """
        :param report: reports a failure in a script to the user; returns whether to go on.
        :param confirm: asks the user a question and returns whether the answer is yes; None:
            there is no user to ask.
        :param human: begin in human monitor mode.
        :param dry_run: send nothing; show and check what would be sent.
        :param schema: the types of a VM that is not there.
        """
        self.display = display
        self.settings = settings
        self.commands = commands
        self.parser = StatementParser()
        self.scripts = ScriptRunner(self, report)
        self.tracer = MessageTracer(display, settings, log)
        self.history = history
        self.human = _new_human_monitor() if human else None
        self.is_dry_run = dry_run
        self.is_finished = False
        self.attachment = Attachment(None, self._show_unsolicited, schema=schema)
        self._connector = connector
        self._confirm = confirm

    @property
    def prompt(self) -> str:
        """What stands before a line that is to be typed."""
        if self.human is not None:
            return "(qemu) "
        return "TRANS> " if self.parser.in_transaction else "(QEMU) "

    def attach(self, address: str | None = None) -> None:
        """Attach to a VM. The attachment to another VM ends only once the new one stands.

        :param address: None: the VM that this session is attached to, or was last.
        :raise AddressError: the address cannot be parsed.
        :raise ConnectError: no connection, no greeting, or no capabilities.
        """
        before = self.attachment
        target = parse_address(address) if address is not None else before.address
        if target == before.address:
            if target is not None and not target.can_reconnect:
                raise UsageError(f"{target} can be attached to only once")
            before.close()  # QEMU serves one client at a time, which must not be this one
        client, connected_to = self._connector(target, self.tracer)
        before.close()
        self.parser.discard_transaction()
        self.attachment = Attachment(client, self._show_unsolicited, address=connected_to)
        if self.human is not None:
            self.enter_human_mode()

    def enter_human_mode(self) -> None:
        """Take lines as human monitor commands, with QEMU's default CPU selected."""
        self.human = _new_human_monitor()

    def join_line(self, joiner: LineJoiner, line: str) -> LogicalLine | None:
        """Add a physical line to those before it, as the present mode joins lines."""
        if self.human is not None and not joiner.needs_more:
            return joiner.add_raw_line(line)
        return joiner.add_line(line)

    def run(self, line: LogicalLine) -> None:
        """Do what a logical line says.

        :raise ParseError: it cannot be parsed.
        :raise UsageError: it asks for what is not possible.
        :raise CommandError: the VM refused it; its reply was displayed.
        :raise CheckError: in a dry run, the VM would refuse it.
        :raise Timeout: no reply in time.
        :raise ConnectionLost: there is no VM any more.
        """
        _check_text(line)
        if not self.attachment.is_offline:
            self.attachment.client.timeout = self.settings.timeout
        if self.human is not None and not line.text.lstrip().startswith("."):
            self.run_human(line.text)
            return
        statement = self.parser.parse(line)
        if isinstance(statement, DotStatement):
            self._run_dot_command(statement, line)
        elif statement is not None:
            message = self.apply_types(statement.message)
            self.execute(message, statement.files, statement.pipeline)

    def _run_dot_command(self, statement: DotStatement, line: LogicalLine) -> None:
        command = self.commands.find(statement.name)
        if command is None:
            error = ParseError(
                f"no command .{statement.name}; .help lists them", line.text.index(".")
            )
            error.source = line
            raise error
        try:
            command.run(self, statement.argument)
        except ParseError as error:
            if error.source is None:  # then its offset is that in the argument
                error.offset += len(line.text.rstrip()) - len(statement.argument)
                error.source = line
            raise

    def apply_types(self, message: Message) -> Message:
        """A message with a value for each bare word, by the VM's types where they matter."""
        arguments = arguments_of(message)
        has_dotted_keys = any(isinstance(value, dict) for value in arguments.values())
        if not has_ambiguous_words(message) and not (
            has_dotted_keys and _has_dotted_names(message)
        ):
            return message
        from ..language.word_types import apply_types

        type_ = self.attachment.types.arguments(command_of(message), arguments)
        return {**message, "arguments": apply_types(arguments, type_)}

    def execute(
        self,
        message: Message,
        files: Sequence[DescriptorFile] = (),
        pipeline: str | None = None,
    ) -> Reply | None:
        """Send a message and display its reply.

        :param files: files to be opened, whose descriptors are sent with it.
        :param pipeline: a shell command that is given the reply, unless that is an error.
        :return: the reply; None: it was not sent.
        :raise UsageError: a file cannot be opened.
        :raise CommandError: the VM refused it; its reply was displayed.
        :raise PipelineError: the shell command failed.
        """
        if self.is_dry_run:
            self._check(message)
            return None
        self._ask_for_confirmation(message)
        with ExitStack() as opened:
            descriptors = [_open(file, opened) for file in files]
            reply = self.attachment.request(message, descriptors)
        if pipeline is None or reply.is_error:
            self.display.reply(reply)
        self._note_features(message)
        if reply.is_error:
            raise self._explained(CommandError(reply))
        if pipeline is not None:
            from ..render.text import format_compact
            from .pipeline import run_pipeline

            run_pipeline(pipeline, format_compact(reply.message))
        return reply

    def run_human(self, line: str) -> None:
        """Have the human monitor run a line, and display what it prints.

        :raise CommandError: there is no human monitor; the reply was displayed.
        """
        line = line.strip()
        if not line:
            return
        if line == "exit":
            self.is_finished = True
            return
        human = self.human or _new_human_monitor()
        message = human.message(line)
        if self.is_dry_run:
            self.display.dry_run(message)
            human.note_answer(line, "")
            return
        self._ask_for_confirmation(message)
        reply = self.attachment.request(message)
        answer = reply.message.get("return")
        if not isinstance(answer, str):
            self.display.reply(reply)
        else:
            human.note_answer(line, answer)
            if answer.strip():
                self.display.text(answer.rstrip())
        if reply.is_error:
            raise CommandError(reply)

    def _check(self, message: Message) -> None:
        """Show what would be sent.

        :raise CheckError: the schema does not allow it.
        """
        from .hints import schema_faults

        self.display.dry_run(message)
        fault = schema_faults(message, self.attachment.types, after_error=False)
        if fault:
            raise CheckError(f"{command_of(message)}: {fault}")

    def _ask_for_confirmation(self, message: Message) -> None:
        """Ask the user, if there is one, about a command that cannot be undone.

        :raise ReportedError: it is not to be sent, and nothing that was typed after it either.
        """
        if self._confirm is None or not self.settings.confirm:
            return
        from .confirmation import confirmation_question, needs_confirmation

        command = needs_confirmation(message)
        if not command:
            return
        if not self._confirm(confirmation_question(command, self.attachment.answers)):
            self.display.note("not sent")
            raise ReportedError(UsageError("not sent"))

    def _note_features(self, message: Message) -> None:
        """Note what a message used that is deprecated or unstable, each of it once for each VM."""
        if not self.attachment.answers.has_schema:
            return
        from .hints import feature_notes

        for note in feature_notes(message, self.attachment.known_types):
            if note not in self.attachment.noted_features:
                self.attachment.noted_features.add(note)
                self.display.note(note)

    def _explained(self, error: CommandError) -> CommandError:
        """An error with a hint, if there is one."""
        from .hints import find_hint

        if self.attachment.is_connected:
            with suppress(ConnectionLost):  # the next line that needs the VM will say so
                error.hint = find_hint(error, self.attachment)
        return error

    def _show_unsolicited(self, message: Unsolicited) -> None:
        """Display what the VM sent unasked."""
        if isinstance(message, Event):
            if self.settings.shows_event(message.name):
                self.display.event(message)
        elif isinstance(message, LateReply):
            self.display.late_reply(message.reply)
        elif isinstance(message, StrayReply):
            self.display.unexpected_reply(message.message)


def _check_text(line: LogicalLine) -> None:
    """Refuse what cannot be sent.

    :raise ParseError: a byte of the line is not UTF-8, or is NUL.
    """
    error: ParseError | None = None
    if "\0" in line.text:
        error = ParseError("there is a NUL byte in this line", line.text.index("\0"))
    elif not line.text.isascii():
        try:
            line.text.encode()
        except UnicodeEncodeError as invalid:
            error = ParseError("this is not UTF-8", invalid.start)
    if error is not None:
        error.source = line
        raise error


def _new_human_monitor() -> HumanMonitor:
    from .human import HumanMonitor

    return HumanMonitor()


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
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UsageError(f"{file.path}: {reason}") from None
    opened.callback(os.close, descriptor)
    return descriptor
