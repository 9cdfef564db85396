"""What has happened to one VM since the shell attached that tells why it does not run.

Each kind of event is kept once, the last one; it does not know the VM's present state.
"""

from __future__ import annotations

from ..messages import Event, Message, arguments_of, command_of
from ..record import Record
from ..static_typing import TYPE_CHECKING
from .read import read_string

if TYPE_CHECKING:
    from .records import Migration

# Of how many block devices and nodes the last error is kept.
_KEPT_ERRORS = 100
# The commands that stop or restart the CPUs themselves.
_STOPPING = ("stop", "migrate", "snapshot-save", "snapshot-load", "system_reset", "quit")
_STOPPING_HUMAN = ("stop", "savevm", "loadvm", "migrate", "system_reset", "quit")
_ALIASES = {"s": "stop", "q": "quit"}


class Stop(Record):
    """That the VM's CPUs stopped.

    :ivar at: when, in seconds since the epoch, by the VM's clock.
    :ivar command: the command of this shell that was being executed and stops VMs; empty if it
        was somebody else, or QEMU itself.
    """

    def __init__(self, at: float, command: str) -> None:
        self.at = at
        self.command = command


class BlockError(Record):
    """An error in reading or writing a disk: the event ``BLOCK_IO_ERROR``.

    :ivar device: the block device, or the QOM path of the device; may be empty.
    :ivar operation: ``read`` or ``write``.
    :ivar reason: the error in the host's words, as ``No space left on device``.
    :ivar action: what QEMU did then: ``stop``, ``report`` or ``ignore``.
    """

    def __init__(self, device: str, node: str, operation: str, reason: str, action: str) -> None:
        self.device = device
        self.node = node
        self.operation = operation
        self.reason = reason
        self.action = action


class Incidents:
    """What has happened.

    :ivar was_quit: this shell has executed ``quit``.
    :ivar is_migrating: a migration was begun here, or seen under way, and no end of it is known.
    :ivar stop: None: the VM has not stopped, or not since it went on.
    :ivar panic: the event ``GUEST_PANICKED``; None: there was none.
    :ivar watchdog: the event ``WATCHDOG``; None: there was none.
    :ivar shutdown: the event ``SHUTDOWN``; None: there was none.
    """

    def __init__(self) -> None:
        self._command = ""
        self.was_quit = False
        self.is_migrating = False
        self._failed_migration: Migration | None = None
        self.stop: Stop | None = None
        self._forget_causes()

    def _forget_causes(self) -> None:
        self.panic: Event | None = None
        self.watchdog: Event | None = None
        self.shutdown: Event | None = None
        self._block_errors: dict[str, Event] = {}

    @property
    def block_errors(self) -> list[BlockError]:
        """The most recent error of each block device or node, in the order of their times."""
        return [_block_error(event) for event in self._block_errors.values()]

    def begin(self, message: Message) -> None:
        """A command of this shell is about to be executed."""
        command, stopping = command_of(message), _STOPPING
        if command == "human-monitor-command":
            line = read_string(arguments_of(message).get("command-line"))
            word = "".join(line.split()[:1])
            command, stopping = _ALIASES.get(word, word), _STOPPING_HUMAN
        self._command = command if command in stopping else ""

    def end(self, *, was_refused: bool = False) -> None:
        """The command was executed, or given up."""
        if self._command == "migrate" and not was_refused:
            self.is_migrating = True
        if self._command == "quit" and not was_refused:
            self.was_quit = True
        self._command = ""

    def note_migration(self, migration: Migration) -> None:
        """Note what the VM has answered, after each command that was executed since."""
        if self.is_migrating and migration.status == "failed":
            self._failed_migration = migration
        self.is_migrating = migration.is_active

    def take_failed_migration(self) -> Migration | None:
        """A migration that was begun, or was seen under way, and has failed since.

        :return: None: there is none, or it was taken already.
        """
        migration, self._failed_migration = self._failed_migration, None
        return migration

    def forget_migration(self) -> None:
        """The user was told how the migration has ended."""
        self.is_migrating = False
        self._failed_migration = None

    def add(self, event: Event) -> None:
        """Note an event of the VM."""
        if event.name == "STOP":
            self.stop = Stop(event.timestamp, self._command)
        elif event.name in ("RESUME", "RESET"):
            self._forget_causes()
            if event.name == "RESUME":
                self.stop = None
        elif event.name == "GUEST_PANICKED":
            self.panic = event
        elif event.name == "WATCHDOG":
            self.watchdog = event
        elif event.name == "SHUTDOWN":
            self.shutdown = event
        elif event.name == "BLOCK_IO_ERROR":
            errors, key = self._block_errors, _failed(event)
            errors.pop(key, None)
            errors[key] = event
            if len(errors) > _KEPT_ERRORS:
                del errors[next(iter(errors))]


def _failed(event: Event) -> str:
    """What a ``BLOCK_IO_ERROR`` event is about: its ``device``, ``qom-path`` or ``node-name``.

    :return: the first of them that is not empty.
    """
    data = event.data
    return (
        read_string(data.get("device"))
        or read_string(data.get("qom-path"))
        or read_string(data.get("node-name"))
    )


def _block_error(event: Event) -> BlockError:
    data = event.data
    return BlockError(
        read_string(data.get("device")) or read_string(data.get("qom-path")),
        read_string(data.get("node-name")),
        read_string(data.get("operation")),
        read_string(data.get("reason")),
        read_string(data.get("action")),
    )
