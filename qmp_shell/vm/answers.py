"""What a VM tells of itself, asked for when it is first wanted and then kept.

There are two ways to ask: :meth:`Catalog.ask` waits for the answer, as a line to be sent has to;
:meth:`Catalog.peek` never does, so that a slow VM costs a typist nothing: what is asked for is
there the next time.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..client import Client
from ..errors import Timeout
from ..protocol import Message, Request
from .events import is_harmless
from .human import HumanMonitor

if TYPE_CHECKING:
    from ..schema import Schema

# How long a VM may owe an answer before it counts as one that does not answer.
PATIENCE = 0.3

# No question is longer; one that fills a socket's buffer would have to be waited for.
_LONGEST_PEEK = 2000

# What does not change while QEMU runs. All else is asked for anew after any change.
_CONSTANT = {
    "device-list-properties",
    "qom-list-types",
    "query-commands",
    "query-cpu-definitions",
    "query-machines",
    "query-name",
    "query-qmp-schema",
}


class LookUp(Protocol):
    """Asks the VM something that changes nothing."""

    def __call__(self, command: str, arguments: Message | None = None, /) -> Any:
        """What the command returns; None: it failed, or no answer is here yet."""


class Catalog:
    """The answers of one VM. One for each connection.

    :ivar is_agent: it is a guest agent, which tells less.
    :ivar is_offline: there is no VM.
    """

    def __init__(self, client: Client | None, schema: Schema | None = None) -> None:
        """:param client: None: there is no VM, and nothing is known but ``schema``."""
        self.is_agent = client is not None and client.greeting is None
        self.is_offline = client is None
        self._client = client
        self._schema = schema
        self._requests: dict[tuple[str, str], _Asked] = {}
        self._last: dict[str, Any] = {}

    def ask(self, command: str, arguments: Message | None = None, /) -> Any:
        """What a command returns. It is waited for as long as a command may take.

        :raise Timeout: no reply within the client's time-out.
        :raise ConnectionLost: there is no VM any more.
        """
        if self._client is None:
            return None
        key = _key(command, arguments)
        if key not in self._requests:
            request = self._client.post(_message(command, arguments), quiet=True)
            self._requests[key] = _Asked(request, time.monotonic())
        request = self._requests[key].request
        if request.reply is None:
            try:
                self._client.answer(request, self._client.timeout)
            except (KeyboardInterrupt, Timeout):
                del self._requests[key]
                raise
        return _returned(request)

    def peek(self, command: str, arguments: Message | None = None, /) -> Any:
        """What a command returned, if its answer is here; else it is asked for.

        Nothing more is asked of a VM that does not answer.

        :raise ConnectionLost: there is no VM any more.
        """
        key = _key(command, arguments)
        if key in self._requests:
            return _returned(self._requests[key].request)
        if self._client is None or not self._client.connected or self.is_silent:
            return None
        message = _message(command, arguments)
        if len(key[1]) < _LONGEST_PEEK:
            with contextlib.suppress(Timeout):  # it takes nothing more at present
                request = self._client.post(message, quiet=True, deadline=time.monotonic())
                self._requests[key] = _Asked(request, time.monotonic())
        return None

    def settle(self) -> None:
        """Give the VM a moment to answer what was peeked for."""
        if self._client is not None:
            self._client.wait(lambda: not self.awaited, time.monotonic() + PATIENCE)

    def human(self, look_up: LookUp, line: str) -> str:
        """What the human monitor prints for a line; empty: nothing, or not here yet."""
        message = HumanMonitor().message(line)
        text = look_up(message["execute"], message["arguments"])
        return text if isinstance(text, str) else ""

    def latest(self, command: str) -> Any:
        """What a command returned last; if that may have changed, it is asked for anew."""
        value = self.peek(command)
        if value is not None:
            self._last[command] = value
        return self._last.get(command)

    def refresh(self, *commands: str) -> None:
        """Ask these anew the next time; what is still being asked is not asked twice."""
        for command in commands:
            asked = self._requests.get(_key(command, None))
            if asked is not None and asked.request.reply is not None:
                del self._requests[_key(command, None)]

    @property
    def awaited(self) -> bool:
        """Whether an answer is under way, and likely to come at once."""
        waiting = any(asked.request.reply is None for asked in self._requests.values())
        return waiting and not self.is_silent

    @property
    def is_silent(self) -> bool:
        """Whether the VM has owed an answer for longer than people notice."""
        late = time.monotonic() - PATIENCE
        return any(
            asked.request.reply is None and asked.at <= late for asked in self._requests.values()
        )

    @property
    def knows_schema(self) -> bool:
        """Whether the schema is here."""
        return self._schema is not None

    def schema(self, look_up: LookUp) -> Schema | None:
        """The VM's types; None: it does not tell them, or not yet."""
        if self._schema is None and not self.is_agent:
            entries = look_up("query-qmp-schema")
            if isinstance(entries, list) and entries:
                from ..schema import Schema

                self._schema = Schema(entries)
        return self._schema

    def commands(self, look_up: LookUp) -> list[str]:
        """The names of all commands; empty while the VM does not tell them."""
        if self._client is None:
            return self._schema.commands() if self._schema is not None else []
        if self.is_agent:
            listed = dicts(dictionary(look_up("guest-info")).get("supported_commands"))
            listed = [each for each in listed if each.get("enabled")]
        else:
            listed = dicts(look_up("query-commands"))
        return sorted(str(each.get("name")) for each in listed)

    def identity(self) -> tuple[str, str]:
        """The VM's name and run state; each empty if it is not told at once."""
        if self.is_agent:
            return "", ""
        asked = (("query-name", "name"), ("query-status", "status"))
        for command, _ in asked:  # both are under way before one is waited for
            self.peek(command)
        self.settle()
        name, status = (str(dictionary(self.peek(c)).get(key, "")) for c, key in asked)
        return name, status

    def sent(self, message: Message) -> None:
        """A command was executed; it may have changed what was known."""
        if not is_harmless(message):
            self.forget()

    def forget(self) -> None:
        """Something may have changed, so ask anew for whatever can change.

        What is still being asked is not asked twice.
        """
        self._requests = {
            key: asked
            for key, asked in self._requests.items()
            if asked.request.reply is None
            or (key[0] in _CONSTANT and not asked.request.reply.is_error)
        }


class _Asked(NamedTuple):
    """A question, and when it was put."""

    request: Request
    at: float


def _key(command: str, arguments: Message | None) -> tuple[str, str]:
    return command, repr(arguments)


def _message(command: str, arguments: Message | None) -> Message:
    return {"execute": command} | ({"arguments": arguments} if arguments else {})


def _returned(request: Request) -> Any:
    return request.reply.message.get("return") if request.reply is not None else None


def dictionary(value: object) -> Message:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def dicts(value: object) -> list[Message]:
    """The objects of a list; none if it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
