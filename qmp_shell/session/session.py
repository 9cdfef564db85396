"""The session: takes whole lines, does what they say, and has the answers displayed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from ..client import Client, Tracer
from ..errors import CheckError, ConnectionLost, QMPError, Told, UsageError
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
from ..vm.events import EventMemory, is_harmless
from .display import Display
from .log import MessageLog
from .settings import Settings

if TYPE_CHECKING:
    from ..schema import Schema
    from ..vm.attachment import Knowledge
    from ..vm.human import HumanMonitor


# Connects to an address, or, given None, to the VM that the session is for.
Connector = Callable[[str | None, Tracer], Client]


class DotCommand(NamedTuple):
    """One command to the shell. ``usage`` is its argument as help shows it."""

    name: str
    usage: str
    summary: str
    run: Callable[[Session, str], None]

    @property
    def takes_argument(self) -> bool:
        return bool(self.usage)


class Session:
    """One user's conversation with VMs, one VM at a time.

    :ivar done: the user wants to leave.
    :ivar dots: the dot commands there are.
    :ivar report: is told of a script's failure and of its place; whether to go on.
    :ivar ask: asks the user whether to go on; None: there is none to be asked.
    :ivar depth: how many scripts run each other.
    :ivar memory: the events that :mod:`.waiting` may be asked for.
    :ivar dry_run: what is to be sent is displayed instead, and checked.
    """

    def __init__(
        self,
        display: Display,
        settings: Settings,
        connector: Connector,
        *,
        dots: tuple[DotCommand, ...],
        human: bool = False,
        log: MessageLog | None = None,
        dry_run: bool = False,
        schema: Schema | None = None,
    ) -> None:
        """
        :param human: begin in human monitor mode.
        :param dry_run: send nothing, and display what would be sent.
        :param schema: the types of a VM that is not there; the session is never connected.
        """
        self.display = display
        self.settings = settings
        self.dots = tuple(sorted(dots))
        self.done = False
        self.report: Callable[[QMPError, str], bool] = lambda *_: False
        self.depth = 0
        self.ask: Callable[[str], bool] | None = None
        self.human: HumanMonitor | None = None
        self._connector = connector
        self._log = log
        self.dry_run = dry_run
        self._schema = schema
        self._assembler = StatementParser()
        self._client: Client | None = None
        self._address: str | None = None
        self._knowledge: Knowledge | None = None
        self.memory = EventMemory()
        if human:
            self.enter_human()

    @property
    def client(self) -> Client:
        """The connection to the VM.

        :raise ConnectionLost: there never was one; only a schema.
        """
        if self._client is None:
            raise ConnectionLost("there is no VM, only its schema")
        return self._client

    @property
    def connected(self) -> bool:
        """Whether there is a VM to talk to."""
        return self._client is not None and self._client.connected

    @property
    def watched(self) -> dict[int, Callable[[], object]]:
        """What has to be read while a front end waits (see :attr:`Client.watched`)."""
        return self._client.watched if self._client is not None else {}

    @property
    def knowledge(self) -> Knowledge:
        """What is known of the VM."""
        if self._knowledge is None:
            from ..vm.attachment import Knowledge

            self._knowledge = Knowledge(self._client, self._schema)
        return self._knowledge

    @property
    def prompt(self) -> str:
        """What stands before the line to be typed."""
        if self.human is not None:
            return "(qemu) "
        return "TRANS> " if self._assembler.in_transaction else "(QEMU) "

    @property
    def in_transaction(self) -> bool:
        return self._assembler.in_transaction

    def connect(self, address: str | None = None) -> None:
        """Attach to a VM. The connection to another one ends only once the new one stands.

        :param address: None: the VM that this session is attached to, or was last.
        :raise AddressError: the address can't be read.
        :raise ConnectError: no conversation came about.
        """
        if address is None or address == self._address:
            self.close()  # QEMU serves one client at a time, and it would be this one
        client = self._connector(address or self._address, self._trace)
        self.close()
        self._address = address or self._address
        self.drop_transaction()
        self._client = client
        self._knowledge = None
        self.memory = EventMemory()
        client.listen(self._hear)
        if self.human is not None:
            self.enter_human()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._client is not None:
            self._client.close()

    def read(self, reader: LineJoiner, line: str) -> LogicalLine | None:
        """Add a physical line to those before it, as the present mode reads lines."""
        if self.human is not None and not reader.needs_more:
            return reader.add_raw_line(line)
        return reader.add_line(line)

    def run(self, source: LogicalLine) -> None:
        """Do what a whole line says.

        :raise ParseError: it can't be read.
        :raise UsageError: it asks for what can't be.
        :raise CommandError: the VM refused it; its reply was displayed.
        :raise CheckError: in a dry run, the VM would refuse it.
        :raise Timeout: no reply in time.
        :raise ConnectionLost: there is no VM any more.
        """
        if self._client is not None:
            self._client.timeout = self.settings.timeout
        if self.human is not None and not source.text.lstrip().startswith("."):
            self.run_human(source.text)
            return
        statement = self._assembler.parse(source)
        if isinstance(statement, DotStatement):
            self._run_dot(statement, source)
        elif statement is not None:
            message = self.typed(statement.message)
            self.execute(message, statement.files, statement.pipeline)

    def execute(
        self, message: Message, files: Sequence[DescriptorFile] = (), pipeline: str | None = None
    ) -> Reply | None:
        """Send a message and display its reply.

        :param files: to be opened, and their descriptors sent along.
        :param pipeline: a shell command that is given the reply, if that is a good one.
        :return: the reply, a good one; None: it was not sent.
        :raise UsageError: a file can't be opened.
        :raise CommandError: the VM refused it; its reply was displayed.
        :raise PipelineError: the shell command failed.
        """
        if self.dry_run:
            self._draft(message)
            return None
        self._check_meant(message)
        with ExitStack() as opened:
            reply = self.request(message, [_open(file, opened) for file in files])
        if pipeline is None or reply.is_error:
            self.display.reply(reply)
        if self._knowledge is not None:
            for mark in self._knowledge.new_marks(message):
                self.display.remark(mark)
        if reply.is_error:
            error = CommandError(reply)
            with suppress(ConnectionLost):  # the next line that needs the VM will say so
                error.hint = self.knowledge.hint(error) if self.connected else ""
            raise error
        if pipeline is not None:
            from ..render.text import format_compact
            from .pipeline import run_pipeline

            run_pipeline(pipeline, format_compact(reply.message))
        return reply

    def _draft(self, message: Message) -> None:
        """Display what would be sent.

        :raise CheckError: the schema does not allow it.
        """
        from .hints import faults_of

        self.display.draft(message)
        fault = faults_of(message, self.knowledge.types, strict=False)
        if fault:
            raise CheckError(f"{command_of(message)}: {fault}")

    def typed(self, message: Message) -> Message:
        """A message with a value for each bare word, by the VM's types if one of them needs it."""
        arguments = arguments_of(message)
        # What looks like a path may be the name of a property (language/typing.py).
        has_paths = command_of(message) == "device_add" and any(
            isinstance(value, dict) for value in arguments.values()
        )
        if not has_ambiguous_words(message) and not has_paths:
            return message
        from ..language.word_types import apply_types

        type_ = self.knowledge.types.arguments(command_of(message), arguments)
        return {**message, "arguments": apply_types(arguments, type_)}

    def run_human(self, line: str) -> None:
        """Have the human monitor run a line, and display what it says.

        :raise CommandError: there is no such monitor; its reply was displayed.
        """
        line = line.strip()
        if not line:
            return
        if line == "exit":
            self.done = True
            return
        human = self.human or self._new_human()
        message = human.message(line)
        if self.dry_run:
            self.display.draft(message)
            human.answered(line, "")
            return
        self._check_meant(message)
        reply = self.request(message)
        if reply.is_error:
            self.display.reply(reply)
            raise CommandError(reply)
        answer = reply.message["return"]
        if not isinstance(answer, str):
            self.display.reply(reply)
            return
        human.answered(line, answer)
        if answer.strip():
            self.display.text(answer.rstrip())

    def _check_meant(self, message: Message) -> None:
        """Ask the user, if there is one, about a command that can't be undone.

        :raise Told: it is not meant, and all that was typed behind it is not either.
        """
        if self.ask is None or not self.settings.confirm:
            return
        from .confirmation import dangerous, question

        name = dangerous(message)
        if name and not self.ask(question(name, self.knowledge.catalog)):
            self.display.remark("not sent")
            raise Told(UsageError("not sent"))

    def request(self, message: Message, descriptors: Sequence[int] = ()) -> Reply:
        """Send a message, and return its reply, good or bad."""
        self.client.receive()  # what came before is older than the command
        before = self.memory.count
        refused = False
        try:
            reply = self.client.request(message, descriptors)
            refused = reply.is_error
            return reply
        finally:
            if not refused and not is_harmless(message):
                self.memory.outdate(before, message)
            if self._knowledge is not None:
                self._knowledge.catalog.sent(message)

    def enter_human(self) -> None:
        """Go over to human monitor mode, with CPU 0 chosen."""
        self.human = self._new_human()

    @staticmethod
    def _new_human() -> HumanMonitor:
        from ..vm.human import HumanMonitor

        return HumanMonitor()

    def leave_human(self) -> None:
        """Go back to QMP."""
        self.human = None

    def drop_transaction(self) -> None:
        """Forget the actions of an open transaction."""
        self._assembler.discard_transaction()

    def spoil_transaction(self) -> None:
        """An action of an open transaction failed to be read: none of it will be sent."""
        self._assembler.mark_invalid()

    def end_transaction(self) -> None:
        """There are no more lines.

        :raise UsageError: a transaction is open.
        """
        if self.in_transaction:
            self.drop_transaction()
            raise UsageError("a transaction( is open at the end; close it with )")

    def log_to(self, path: str | None) -> None:
        """Log to another file, or to none.

        :raise UsageError: it can't be written.
        """
        log = MessageLog(path) if path is not None else None
        if self._log is not None:
            self._log.close()
        self._log = log

    @property
    def log_path(self) -> str | None:
        """The file that messages are logged to."""
        return self._log.path if self._log is not None else None

    def _run_dot(self, dot: DotStatement, source: LogicalLine) -> None:
        command = next((each for each in self.dots if each.name == dot.name), None)
        if command is None:
            error = ParseError(f"no command .{dot.name}; .help lists them", source.text.index("."))
            error.source = source
            raise error
        if not command.takes_argument and dot.argument:
            raise UsageError(f".{dot.name} takes no argument")
        command.run(self, dot.argument)

    def _hear(self, news: Unsolicited) -> None:
        if isinstance(news, Event):
            self.memory.heard(news)
            if self._knowledge is not None:
                self._knowledge.catalog.forget()
            if self.settings.shows_event(news.name):
                self.display.event(news)
        elif isinstance(news, LateReply):
            self.display.late(news.reply)
        elif isinstance(news, StrayReply):
            self.display.stray(news.message)

    def _trace(self, direction: str, message: Message, quiet: bool) -> None:
        """Log a message, and show it if it is the user's own."""
        shown = self.settings.verbose and not quiet
        if self._log is None and not shown:
            return
        if direction == ">":
            from ..language.secrets import redact

            message = redact(message)
        if self._log is not None:
            try:
                self._log.write(direction, message)
            except OSError as error:
                self.display.warn(f"{self._log.path}: {error.strerror}; logging is off")
                self.log_to(None)
        if shown:
            self.display.trace(direction, message)


def _open(file: DescriptorFile, opened: ExitStack) -> int:
    """A file's descriptor, until ``opened`` is closed.

    :raise UsageError: it can't be opened.
    """
    try:
        descriptor = os.open(
            os.path.expanduser(file.path),
            (os.O_RDWR if file.writable else os.O_RDONLY) | os.O_CLOEXEC,
        )
    except OSError as error:
        raise UsageError(f"{file.path}: {error.strerror}") from None
    opened.callback(os.close, descriptor)
    return descriptor
