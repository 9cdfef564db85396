"""One VM that a session is attached to, with everything that is known of it: one lifetime.

``.connect`` replaces an attachment by another one; nothing of the first is left in the second.
What only completion, hints and help need is imported when it is first used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property

from ..client import Client
from ..errors import ConnectionLost
from ..messages import Event, Message, Reply, Unsolicited
from ..static_typing import TYPE_CHECKING, TypeVar
from .answers import ANSWER_SECONDS, Answers
from .events import EventHistory
from .incidents import Incidents
from .question import Question, is_read_only

if TYPE_CHECKING:
    from ..manual import Manual
    from ..schema import Schema
    from ..transport.stream import Address
    from .ending import Ending, EndWatch
    from .names import VmNames
    from .status import StatusPoller
    from .types import VmTypes

T = TypeVar("T")

# How often a connection is read before a command is sent: a VM may send more without end.
_MOST_READS = 1000


class Attachment:
    """One VM, or a saved schema that stands in for one.

    :ivar address: of the VM's monitor; None: the VM is the shell's own, or there is none.
    :ivar answers: the VM's answers to the shell's own questions.
    :ivar events: the events that it has sent.
    :ivar incidents: what they tell of why it does not run.
    :ivar noted_features: what the user was told of its deprecated and unstable features.
    """

    def __init__(
        self,
        client: Client | None,
        listener: Callable[[Unsolicited], None],
        *,
        address: Address | None = None,
        schema: Schema | None = None,
        uses_disk: bool = False,
    ) -> None:
        """
        :param client: None: there is no VM, only ``schema``.
        :param uses_disk: see :class:`~qmp_shell.vm.answers.Answers`.
        :param listener: is given what the VM sends unasked, after it has been recorded here.
        """
        self.address = address
        self.answers = Answers(client, schema, uses_disk=uses_disk)
        self.events = EventHistory()
        self.incidents = Incidents()
        self.noted_features: set[str] = set()
        self._client = client
        self._end_watch: EndWatch | None = None
        self._listener = listener
        self._manuals: dict[tuple[str, ...], Manual | None] = {}
        self._manual_titles: tuple[str, ...] | None = None
        if client is not None:
            client.listen(self._receive)

    @property
    def client(self) -> Client:
        """The connection to the VM.

        :raise ConnectionLost: there is none, only a schema.
        """
        if self._client is None:
            raise ConnectionLost("there is no VM, only its schema")
        return self._client

    @property
    def is_offline(self) -> bool:
        """Whether there is no VM, only a schema."""
        return self._client is None

    @property
    def is_agent(self) -> bool:
        """Whether it is a guest agent, which has no schema, no events and no run state."""
        return self._client is not None and self._client.greeting is None

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.connected

    @property
    def watched(self) -> dict[int, Callable[[], object]]:
        """What a front end has to read while it waits (see :attr:`Client.watched`)."""
        return self._client.watched if self._client is not None else {}

    def watch_end(self) -> None:
        """Find out how the VM ends, from now on."""
        if self._end_watch is None and self.is_connected:
            from .ending import EndWatch

            self._end_watch = EndWatch(self.client.peer_pid)

    def find_ending(self) -> Ending | None:
        """How the VM has ended; None: that was not watched."""
        return self._end_watch.find(self.incidents) if self._end_watch is not None else None

    @cached_property
    def types(self) -> VmTypes:
        """The types of arguments; the VM is waited for."""
        from .types import VmTypes

        return VmTypes(self.answers.waiting, is_agent=self.is_agent)

    @cached_property
    def known_types(self) -> VmTypes:
        """The types of arguments, as far as they are known; the VM is not waited for."""
        from .types import VmTypes

        return VmTypes(
            self.answers.immediate, is_agent=self.is_agent, find_manual=lambda: self.manual
        )

    @cached_property
    def names(self) -> VmNames:
        """The names that exist in the VM, as far as they are known."""
        from .names import VmNames

        return VmNames(self.answers.immediate, self.known_types, lambda: self.manual)

    @cached_property
    def poller(self) -> StatusPoller:
        """The VM's state, as far as it is known."""
        from .status import StatusPoller

        return StatusPoller(self.answers, self.incidents.note_migration)

    @property
    def manual(self) -> Manual | None:
        """QEMU's reference manual for what is at the other end, if this host has it."""
        if self.is_agent:
            return self._open_manual("qemu-ga-ref")
        if self._manual_titles is not None:
            return self._open_manual(*self._manual_titles)
        titles: tuple[str, ...] = ("qemu-qmp-ref", "qemu-storage-daemon-qmp-ref")
        commands = self.known_types.commands()
        if commands and "query-status" not in commands:  # a storage daemon has no guest
            titles = titles[::-1]
        if commands:  # it is wanted for each name in a menu, and what it depends on is known
            self._manual_titles = titles
        return self._open_manual(*titles)

    def _open_manual(self, *titles: str) -> Manual | None:
        """The first page that is installed; it is opened once."""
        if titles not in self._manuals:
            from ..manual import open_manual

            pages = (open_manual(title) for title in titles)
            self._manuals[titles] = next((page for page in pages if page is not None), None)
        return self._manuals[titles]

    def known_within(self, look_up: Callable[[], T], seconds: float | None = None) -> T:
        """What is known once the VM has answered, or has had some time to answer.

        :param look_up: looks it up without waiting; it may ask the VM. It is called again when
            the VM has answered, for one answer may lead to the next question.
        :param seconds: None: as long as a line waits for what it can do without. It never waits
            longer.
        :raise ConnectionLost: the VM was lost meanwhile.
        """
        limit = ANSWER_SECONDS if seconds is None else min(seconds, ANSWER_SECONDS)
        deadline = time.monotonic() + limit
        while True:
            known = look_up()
            left = deadline - time.monotonic()
            if not self.answers.has_open_questions or left <= 0:
                return known
            self.answers.settle(left)

    def ask_anew(self, questions: Sequence[Question[T]]) -> list[T | None]:
        """Ask the VM all questions at once, also those that it has answered before.

        :return: an answer to each; None: it has none, or it did not come in time.
        :raise ConnectionLost: the VM was lost meanwhile.
        """
        if not questions:  # known_within() would wait for the answers to others
            return []
        answers = self.answers
        if not answers.is_silent:  # else what is known already is all that will be known
            answers.forget(*(each for each in questions if not each.is_constant))
        return self.known_within(lambda: [answers.immediate.get(each) for each in questions])

    def request(self, message: Message, descriptors: Sequence[int] = ()) -> Reply:
        """Send a command of the user's, and wait for its reply, good or bad.

        :param descriptors: of open files, which go along with it.
        :raise Timeout: no reply in time.
        :raise ConnectionLost: there is no VM any more.
        """
        for _ in range(_MOST_READS):  # what has come already is older than the command
            if not self.client.receive():
                break
        count = self.events.count
        was_refused = False
        self.incidents.begin(message)
        try:
            reply = self.client.request(message, descriptors)
            was_refused = reply.is_error
            return reply
        finally:
            self.incidents.end(was_refused=was_refused)
            if not was_refused and not is_read_only(message):
                self.events.expire(count, message)
            self.answers.note_command(message)

    def forward(
        self,
        message: Message,
        on_reply: Callable[[Reply], object],
        descriptors: Sequence[int] = (),
    ) -> None:
        """Queue a command of somebody else's, who shares the VM; :meth:`flush` sends it.

        Unlike a command of the user's, it leaves the events that ``.wait`` may be about.

        :param on_reply: is called with the reply, good or bad, when it comes.
        :param descriptors: of open files; they are closed later, unless this raises an error.
            There must not be any while others are under way (:attr:`may_send_descriptors`).
        :raise UsageError: they cannot be sent to this VM.
        :raise ConnectionLost: there is no VM any more.
        """

        def note_reply(reply: Reply) -> None:
            self.answers.note_command(message)
            on_reply(reply)

        self.client.post(message, descriptors=descriptors, on_reply=note_reply)

    @property
    def may_send_descriptors(self) -> bool:
        """Whether all commands that had descriptors are answered."""
        return not self.client.has_descriptors_under_way

    def flush(self) -> None:
        """Send what :meth:`forward` has queued, as far as the VM accepts it."""
        if self._client is not None:
            self._client.flush()

    def close(self) -> None:
        """End the connection, if there is one. The VM goes on."""
        if self._client is not None:
            self._client.close()
        if self._end_watch is not None:
            self._end_watch.close()
            self._end_watch = None

    def _receive(self, message: Unsolicited) -> None:
        if isinstance(message, Event):
            self.events.add(message)
            self.incidents.add(message)
            self.answers.forget_changeable()
        self._listener(message)
