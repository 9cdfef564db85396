"""The session: runs what one user types or a script says, on one VM at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import cached_property, partial

from ..client import Client, Tracer
from ..errors import CheckError, ConnectionLost, ReportedError, UsageError
from ..language import (
    DotStatement,
    LineJoiner,
    LogicalLine,
    ParseError,
    StatementParser,
    is_dot_command,
    is_help_line,
    split_destination,
)
from ..language.destination import DISPLAY
from ..messages import CommandError, Event, LateReply, Message, StrayReply, Unsolicited
from ..static_typing import TYPE_CHECKING, Protocol
from ..vm import Attachment
from .ahead import SentCommand, read_message
from .correcting import Corrector
from .execution import Executor
from .log import MessageTracer
from .outputs import Outputs
from .replies import ReplyPresenter
from .scripts import Reporter, ScriptRunner
from .settings import Settings
from .sharing import Sharing
from .target import AddressBook, Target
from .variables import Variables

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource
    from ..schema import Schema, Type
    from .display import Display
    from .human import HumanMonitor
    from .known_addresses import KnownAddresses
    from .transcript import Transcript
    from .user import User


Connector = Callable[["Target | None", Tracer], tuple[Client, "Target | None"]]
"""Connects to a VM; given None, to the one that the shell was started for.

It returns the client, and what it is connected to, if that has an address.
"""


class DotCommand(Protocol):
    """A command to the shell itself.

    :ivar name: without the dot.
    :ivar usage: its argument as help shows it; empty: it takes none.
    :ivar summary: what it does, in a few words.
    :ivar has_output: what it prints can go to a file or a shell command.
    :ivar is_saved: a script that does again what was typed has it, at least with some arguments.
    """

    name: str
    usage: str
    summary: str
    has_output: bool
    is_saved: bool

    def is_saved_with(self, argument: str) -> bool:
        """Whether a script that does again what was typed has it with this argument.

        :raise UsageError: the argument cannot be understood.
        """

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

    def names(self) -> Collection[str]:
        """The names of all commands, without the dot, sorted."""


class Session:
    """One user's work with VMs, one VM at a time.

    :ivar attachment: the VM, and what is known of it.
    :ivar addresses: knows the VMs that can be attached to.
    :ivar display: where replies, events and the output of dot commands go.
    :ivar parser: turns logical lines into statements; it holds an open transaction.
    :ivar is_human: lines are for the human monitor; otherwise they are QMP.
    :ivar scripts: runs the lines of a script.
    :ivar tracer: logs messages.
    :ivar user: the person who types the lines; None: they are a script's.
    :ivar executor: executes commands.
    :ivar outputs: where the output of lines goes.
    :ivar replies: shows replies.
    :ivar transcript: what the user typed, and how it went; None: there is no user.
    :ivar variables: values that can be used again.
    :ivar sharing: whether the VM's monitor is shared.
    :ivar corrector: says what refused lines should have been.
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
        addresses: AddressBook | None = None,
        user: User | None = None,
        log: str | None = None,
        vm_name: str = "",
        human: bool = False,
        dry_run: bool = False,
        schema: Schema | None = None,
        keep_going: bool = False,
        uses_disk: bool = False,
    ) -> None:
        """
        :param report: reports a failure in a script to the user; returns whether to go on.
        :param addresses: knows the VMs that the user can name; None: there are only addresses.
        :param user: who can be asked; None: nobody can.
        :param log: the file that messages are logged to.
        :param vm_name: tells this VM from others, on which the same script runs at the same time.
        :param human: begin in human monitor mode.
        :param dry_run: send nothing; show and check what would be sent.
        :param schema: the types of a VM that is not there.
        :param uses_disk: the schemas of VMs are kept on disk.
        :param keep_going: ``report`` does not end a script because of a failed command.
        :raise UsageError: the log cannot be written.
        """
        self.display = display
        self.settings = settings
        self.commands = commands
        self.variables = _new_variables(dry_run=dry_run)
        self.executor = Executor(self)
        self.outputs = Outputs(self, is_one_of_many=bool(vm_name))
        self.parser = StatementParser(self.executor.replace_references)
        self.scripts = ScriptRunner(self, report, keep_going=keep_going)
        self.tracer = MessageTracer(display, settings, is_interactive=user is not None, vm=vm_name)
        if log:
            self.tracer.log_to(log)
        self.user = user
        self.sharing = Sharing(display, has_user=user is not None)
        self.is_human = human
        self._human_monitor: HumanMonitor | None = None
        self.is_dry_run = dry_run
        self.is_finished = False
        self._uses_disk = uses_disk
        self.attachment = Attachment(None, self._show_unsolicited, schema=schema)
        self.replies = ReplyPresenter(
            display, settings, self._find_return_type, keep=user is not None
        )
        self.transcript = _new_transcript() if user is not None else None
        self.corrector = Corrector(self)
        self.addresses = addresses or AddressBook()
        self._connector = connector
        self._target: Target | None = None  # what the attachment is to, or was last
        self._shown_notes = {""}

    @property
    def prompt(self) -> str:
        """What stands before a line that is to be typed."""
        if self.is_human:
            return "(qemu) "
        return "TRANS> " if self.parser.in_transaction else "(QEMU) "

    def is_saved(self, line: LogicalLine) -> bool:
        """Whether a script that does again what was typed needs a line."""
        if not is_dot_command(line.text):
            is_help = not self.is_human and is_help_line(line.text)
            return bool(line.text.strip()) and not is_help
        name, argument, *_ = [*line.text.split(maxsplit=1), ""]
        command = self.commands.find(name.removeprefix("."))
        if command is None:
            return False
        destination = DISPLAY
        try:
            if command.has_output:
                argument, destination = split_destination(argument)
            # What only shows something is needed if that goes to a file or a program.
            return command.is_saved_with(argument) or not destination.is_display
        except UsageError:
            return command.is_saved

    @property
    def names(self) -> NameSource:
        """The names that can be typed: those of the VM, values to use again, other VMs."""
        from .variable_names import SessionNames

        return SessionNames(self.attachment.names, self.variables, self._known_addresses.recent)

    @cached_property
    def _known_addresses(self) -> KnownAddresses:
        from .known_addresses import KnownAddresses

        return KnownAddresses(self.addresses.list)

    def attach(self, text: str | None = None) -> None:
        """Attach to a VM. The attachment to another VM ends only once the new one stands.

        An open transaction stays open if it is the same VM, or one in its place. If a monitor is
        shared, that is then the one of this VM.

        :param text: an address, or the name of a VM; None: the VM that this session is attached
            to, or was last.
        :raise UsageError: it stands for no VM, or for one that cannot be attached to again; or a
            transaction is open, and it is another VM.
        :raise ConnectError: no connection, no greeting, or no capabilities.
        """
        before = self.attachment
        target = self.addresses.resolve(text) if text is not None else self._target
        address = target.address if target is not None else None
        if address == before.address:
            if address is None and before.is_connected:
                raise UsageError("the shell's own VM can be attached to only once")
            if address is not None and not address.can_reconnect:
                raise UsageError(f"{address} can be attached to only once")
            before.close()  # QEMU serves one client at a time, which must not be this one
        elif self.parser.in_transaction:
            raise UsageError("a transaction( is open for this VM; end it with ) first")
        client, self._target = self._connector(target, self.tracer)
        before.close()
        connected_to = self._target.address if self._target is not None else None
        # Events may have come already, which are shown, or not, as it is to be with this VM.
        self.settings.use_for_vm(self._target.settings if self._target is not None else {})
        client.add_observer(self.display)
        self.attachment = Attachment(
            client, self._show_unsolicited, address=connected_to, uses_disk=self._uses_disk
        )
        self.replies.last = None
        self.executor.inverse = ""
        if connected_to is not None and connected_to.note not in self._shown_notes:
            self._shown_notes.add(connected_to.note)
            self.display.note(connected_to.note)
        self._human_monitor = None
        self.sharing.follow(self.attachment)

    def close(self, *, ends_connection: bool) -> None:
        """End the sharing, and the connection to the VM.

        :param ends_connection: False: it belongs to somebody else, who ends the VM.
        """
        self.sharing.stop()
        if ends_connection:
            self.attachment.close()

    @property
    def human_monitor(self) -> HumanMonitor:
        """The human monitor of the VM."""
        if self._human_monitor is None:
            from .human import HumanMonitor

            self._human_monitor = HumanMonitor(self)
        return self._human_monitor

    def join_line(self, joiner: LineJoiner, line: str) -> LogicalLine | None:
        """Add a physical line to those before it, as the present mode joins lines."""
        if self.is_human and not joiner.needs_more:
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
        self.corrector.offer("")
        was_in_transaction = self.parser.in_transaction
        try:
            self._run(line)
        except (UsageError, CommandError, CheckError) as error:
            # What is wrong with a transaction need not be in the line that closes it.
            if was_in_transaction == self.parser.in_transaction:
                self.corrector.explain(line.text, error)
            raise
        except ReportedError:
            self.corrector.offer("")  # it is that of a line in a script
            raise

    def read_ahead(self, line: LogicalLine) -> Message | None:
        """The message of a line that may be sent before earlier replies are shown.

        :return: None: the line is to be run in its turn.
        """
        if self.user or self.is_human or self.is_dry_run or self.settings.verbose:
            return None
        return read_message(self.parser, line)

    def send_ahead(
        self, line: LogicalLine, message: Message, after: SentCommand | None
    ) -> SentCommand:
        """Send what :meth:`read_ahead` found, at the latest when a reply is waited for.

        :param after: the command before it, if this one is only to be sent if that succeeds.
        :return: to be given to :meth:`show`.
        :raise ConnectionLost: there is no VM any more.
        """
        previous = after.request if after is not None else None
        request = self.attachment.client.post(message, is_queued=True, after=previous)
        return SentCommand(line, request)

    def show(self, sent: SentCommand) -> None:
        """Show the reply to a command that was sent ahead.

        :raise CommandError, Timeout, ConnectionLost: see :meth:`run`.
        """
        try:
            reply = self.attachment.client.answer(sent.request, self.settings.timeout)
            self.executor.finish(sent.request.message, reply, DISPLAY)
        except CommandError as error:
            self.corrector.explain(sent.line.text, error)
            raise
        finally:
            for show in sent.later:
                show()
            self.display.after_delivery()

    def _run(self, line: LogicalLine) -> None:
        start = 0  # of what a position in an error is counted from
        try:
            if self.is_human and not line.text.lstrip().startswith("."):
                self.human_monitor.run(line.text)
                return
            statement = self.parser.parse(line)
            if isinstance(statement, DotStatement):
                start = len(line.text.rstrip()) - len(statement.argument)
                self._run_dot_command(statement, line)
            elif statement is not None:
                message = self.executor.resolve(statement.message)
                self.executor.execute(message, statement.files, statement.destination)
        except ParseError as error:
            if error.source is None:
                error.offset += start
                error.source = line
            raise

    def _run_dot_command(self, statement: DotStatement, line: LogicalLine) -> None:
        command = self.commands.find(statement.name)
        if command is None:
            error = ParseError(
                f"no command .{statement.name}; .help lists them", line.text.index(".")
            )
            error.source = line
            raise error
        argument, destination = statement.argument, DISPLAY
        if command.has_output:
            argument, destination = split_destination(argument)
        with self.outputs.redirected(destination):
            command.run(self, argument)

    def _find_return_type(self, command: str) -> Type | None:
        """The type of what a command returns; None: it is not known, or not in time."""
        attachment = self.attachment
        with suppress(ConnectionLost):
            return attachment.known_within(lambda: attachment.known_types.returns(command))
        return None

    def _show_unsolicited(self, message: Unsolicited) -> None:
        """Display what the VM sent unasked."""
        if isinstance(message, Event):
            self.sharing.add_event(message)
            if self.transcript is not None:
                self.transcript.note_event(message)
            if self.settings.shows_event(message.name):
                self.scripts.show_in_turn(partial(self.display.event, message))
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


def _new_transcript() -> Transcript:
    from .transcript import Transcript

    return Transcript()


def _new_variables(*, dry_run: bool) -> Variables:
    if not dry_run:
        return Variables()
    from .unknown_variables import UnknownVariables

    return UnknownVariables()
