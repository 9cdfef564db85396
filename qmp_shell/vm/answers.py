"""Answers of one VM to the shell's own questions, kept until something may have changed them.

There are two views of them. :attr:`Answers.waiting` waits for an answer that was not received yet,
as a line that is to be sent has to. :attr:`Answers.immediate` asks, but never waits: a slow VM
does not hold up the user's typing, and the answer will be known the next time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property

from ..client import Client
from ..errors import ConnectionLost, Timeout
from ..messages import Message, Reply, Request
from ..static_typing import TYPE_CHECKING, Any, TypeVar
from .question import Question, is_read_only
from .read import read_object

if TYPE_CHECKING:
    from ..schema import Schema
    from .schema_cache import SchemaCache

T = TypeVar("T")

SILENCE_SECONDS = 0.3
"""How long a VM may leave a question unanswered before it counts as not answering."""

ANSWER_SECONDS = 2.0
"""How long a line that was entered waits for answers that it can do without."""

# Commands that the schema of QEMU 2.5 to 2.7 lacks, though it has them.
_LEFT_OUT = ("device_add", "qmp_capabilities")

_QUERY_SCHEMA = "query-qmp-schema"

# A question that fills the socket's buffer would have to be waited for; none is longer.
_LONGEST_QUESTION = 2000


class _Entry:
    """A question that was asked.

    :ivar asked_at: by the monotonic clock, in seconds.
    """

    def __init__(self, request: Request, question: Question[Any]) -> None:
        self.request = request
        self.question = question
        self.asked_at = time.monotonic()
        self._parsed: dict[Callable[[object], Any], Any] = {}

    @property
    def is_answered(self) -> bool:
        return self.request.reply is not None

    @property
    def is_constant(self) -> bool:
        """Whether it holds an answer that cannot change."""
        return self.is_answered and (self.question.is_constant or self.is_unknown_command)

    @property
    def is_unknown_command(self) -> bool:
        """Whether the VM has answered that it has no such command."""
        reply = self.request.reply
        error = read_object(reply.message.get("error")) if reply is not None else {}
        return error.get("class") == "CommandNotFound"

    def answer(self, parse: Callable[[object], T]) -> T | None:
        """What a parser makes of the answer, once for each parser; None without an answer."""
        reply = self.request.reply
        if reply is None or "return" not in reply.message:
            return None
        if parse not in self._parsed:
            self._parsed[parse] = parse(reply.message["return"])
        answer: T = self._parsed[parse]
        return answer


class Answers:
    """The cached answers of one VM.

    :ivar waiting: the view that waits.
    :ivar immediate: the view that does not.
    """

    def __init__(
        self, client: Client | None, schema: Schema | None = None, *, uses_disk: bool = False
    ) -> None:
        """
        :param client: None: there is no VM, and the only answer is ``schema``.
        :param schema: a schema that stands in for the VM's own.
        :param uses_disk: the VM's schema is kept on disk.
        """
        self._client = client
        self._uses_disk = uses_disk
        self._schema = schema
        self._entries: dict[tuple[str, str], _Entry] = {}
        # Those that were asked and perhaps not answered yet, in that order; see _first_open().
        self._open: deque[_Entry] = deque()
        self._unknown_commands: set[str] = set()
        self.waiting = AnswerView(self, waits=True)
        self.immediate = AnswerView(self, waits=False)

    def wait_for(self, question: Question[T]) -> T | None:
        """The answer, which is waited for as long as a command may take.

        :raise Timeout: no answer within the client's time-out.
        :raise ConnectionLost: there is no VM any more.
        """
        if self._client is None:
            return self._offline_answer(question)
        key = _key(question)
        entry = self._entries.get(key) or self._load(question)
        if entry is None:
            if self.lacks(question):
                return None
            request = self._client.post(question.message, quiet=True)
            entry = self._add(question, request)
        if not entry.is_answered:
            try:
                self._client.answer(entry.request, self._client.timeout)
            except (KeyboardInterrupt, Timeout):
                self._entries.pop(key, None)
                self._open.remove(entry)
                raise
        return entry.answer(question.parse)

    def look_up(self, question: Question[T]) -> T | None:
        """The answer if it was received. If not, it is asked for, unless the VM does not answer.

        It never raises: a lost connection is found by whoever reads from it.
        """
        if self._client is None:
            return self._offline_answer(question)
        entry = self._entries.get(_key(question)) or self._load(question)
        if entry is None and self._client.connected and not self.is_silent:
            self._ask(self._client, question)
        return entry.answer(question.parse) if entry is not None else None

    def _ask(self, client: Client, question: Question[Any]) -> None:
        """Send a question without waiting, if the connection takes it at once."""
        key = _key(question)
        if len(key[1]) > _LONGEST_QUESTION or self.lacks(question):
            return
        try:
            request = client.post(question.message, quiet=True, deadline=time.monotonic())
        except (Timeout, ConnectionLost):
            return
        self._add(question, request)

    def _add(self, question: Question[Any], request: Request) -> _Entry:
        entry = _Entry(request, question)
        self._entries[_key(question)] = entry
        self._open.append(entry)
        if question.command == _QUERY_SCHEMA and self._schema_cache is not None:
            request.on_reply = self._schema_cache.keep
        return entry

    @cached_property
    def _schema_cache(self) -> SchemaCache | None:
        """Where the schema is kept, if it is."""
        if self._client is None or not self._uses_disk:
            return None
        from .schema_cache import find_schema_cache

        return find_schema_cache(self._client)

    @cached_property
    def _schema_on_disk(self) -> Message | None:
        """The reply to ``query-qmp-schema`` that was read from disk; None: there is none."""
        return self._schema_cache.load() if self._schema_cache is not None else None

    def _load(self, question: Question[Any]) -> _Entry | None:
        """Read the answer from disk, if the question is for the schema and there is a file."""
        message = self._schema_on_disk if question.command == _QUERY_SCHEMA else None
        if message is None:
            return None
        request = Request(question.message, None, own_id=False, quiet=True)
        request.reply = Reply(message, request)
        entry = self._entries[_key(question)] = _Entry(request, question)
        return entry

    def _first_open(self) -> _Entry | None:
        """The question that has waited longest for its answer. A VM answers in order."""
        while self._open and self._open[0].is_answered:
            entry = self._open.popleft()
            if entry.is_unknown_command:
                self._unknown_commands.add(entry.request.name)
        return self._open[0] if self._open else None

    def _offline_answer(self, question: Question[T]) -> T | None:
        """What is known without a VM: the schema that stands in for it."""
        answer: Any = None
        if question.command == _QUERY_SCHEMA:
            answer = self._schema
        elif question.command == "query-commands" and self._schema is not None:
            answer = self._schema.commands()
            if "device_del" in answer:  # not so in that of a storage daemon
                answer = sorted({*answer, *_LEFT_OUT})
        return answer  # type: ignore[no-any-return]

    def lacks(self, question: Question[Any]) -> bool:
        """Whether the VM has answered that it has no such command, whatever its arguments."""
        self._first_open()
        return question.command in self._unknown_commands

    def refuses(self, question: Question[Any]) -> bool:
        """Whether the VM has answered the question with an error."""
        entry = self._entries.get(_key(question))
        reply = entry.request.reply if entry is not None else None
        return self.lacks(question) or (reply is not None and reply.is_error)

    def settle(self, seconds: float = ANSWER_SECONDS) -> None:
        """Give the VM some time to answer what was asked.

        :raise ConnectionLost: the VM was lost meanwhile.
        """
        if self._client is not None:
            self._client.wait(lambda: not self.has_open_questions, time.monotonic() + seconds)

    @property
    def has_open_questions(self) -> bool:
        """Whether the VM has not answered a question yet."""
        return self._first_open() is not None

    @property
    def is_awaiting(self) -> bool:
        """Whether a question is unanswered, and the VM usually answers at once."""
        return self.has_open_questions and not self.is_silent

    @property
    def is_silent(self) -> bool:
        """Whether the VM has left a question unanswered for :data:`SILENCE_SECONDS`."""
        first = self._first_open()
        return first is not None and first.asked_at <= time.monotonic() - SILENCE_SECONDS

    def refresh(self, questions: Iterable[Question[Any]]) -> None:
        """Forget what can change, and ask some questions at once, without waiting."""
        self.forget_changeable()
        for question in questions:
            self.look_up(question)

    def forget(self, *questions: Question[Any]) -> None:
        """Have these asked anew the next time. What is under way is not asked twice."""
        for question in (*questions, *filter(None, (each.fallback for each in questions))):
            entry = self._entries.get(_key(question))
            if entry is not None and entry.is_answered and not entry.is_unknown_command:
                del self._entries[_key(question)]

    def note_command(self, message: Message) -> None:
        """A command was executed, which may have changed some answers."""
        if not is_read_only(message):
            self.forget_changeable()

    def forget_changeable(self) -> None:
        """Something may have changed: have everything asked anew that can change."""
        if self._entries:
            self._entries = {
                key: entry
                for key, entry in self._entries.items()
                if not entry.is_answered or entry.is_constant
            }


class AnswerView:
    """One of the two ways to look up answers."""

    def __init__(self, answers: Answers, *, waits: bool) -> None:
        self._get = answers.wait_for if waits else answers.look_up
        self._lacks = answers.lacks
        self._refuses = answers.refuses

    def get(self, question: Question[T], /) -> T | None:
        """The answer; None if the VM refused to answer, or if it was not received yet.

        If the VM refused, it is that of the question's fallback.
        """
        answer = self._get(question)
        if answer is None and question.fallback is not None and self._refuses(question):
            return self.get(question.fallback)
        return answer

    def lacks(self, question: Question[Any], /) -> bool:
        """Whether the VM is known not to have the command that the question is."""
        return self._lacks(question)


def _key(question: Question[Any]) -> tuple[str, str]:
    return question.command, repr(question.arguments)
