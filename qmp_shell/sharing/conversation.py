"""The server's side of one client's QMP conversation: bytes to commands, and replies to bytes.

No I/O and no clock. Knows nothing of sockets, of other clients, or of the VM; ``server.py`` does.
Sections named below are those of QEMU's ``docs/interop/qmp-spec.rst``. The errors are in this
program's words, and of the classes that QEMU gives them.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

from ..errors import ProtocolError
from ..messages import Message, command_of, is_out_of_band
from ..static_typing import Any
from .reader import RequestReader

MOST_FAULTS = 100
"""After so many faults in a row a client cannot mean to speak QMP."""

_UNKNOWN = "CommandNotFound"
_GENERIC = "GenericError"
_OOB = "oob"
_CAPABILITIES = "qmp_capabilities"


class Command:
    """A client's command, or something that stands in its place.

    :ivar message: the command, without the client's ``id``.
    :ivar size: its length in bytes, as it was received.
    :ivar reply: what the client gets, encoded; None: it has to be waited for.
    """

    __slots__ = ("_identity", "message", "reply", "size")

    def __init__(self, message: Message, size: int = 0) -> None:
        """:param message: as it was received."""
        # Whether there is an id, and which: null is one.
        self._identity = {"id": message["id"]} if "id" in message else {}
        self.message = {key: value for key, value in message.items() if key != "id"}
        self.size = size
        self.reply: bytes | None = None

    @property
    def name(self) -> str:
        """The command's name; empty: it has none."""
        return command_of(self.message)

    @property
    def is_out_of_band(self) -> bool:
        """Whether its reply need not wait for those before it (section "Out-of-band execution")."""
        return is_out_of_band(self.message)

    def set_reply(self, reply: Message) -> None:
        """:param reply: without ``id``."""
        self.reply = encode({**reply, **self._identity})

    def refuse(self, reason: str, error_class: str = _GENERIC) -> None:
        """Answer with an error."""
        self.set_reply(error_message(reason, error_class))


class ServerConversation:
    """One client's conversation.

    Give what is received to :meth:`receive_data`, take commands with :meth:`next_command`, and
    report the replies that were set with :meth:`note_reply`. :meth:`take_output` is what to send.

    :ivar is_ready: capabilities were negotiated.
    """

    def __init__(self, greeting: Message, find_refusal: Callable[[Message], str]) -> None:
        """
        :param greeting: the VM's: ``{"version": ..., "capabilities": [...]}``.
        :param find_refusal: why a command may not be executed, in words; empty: it may.
        """
        offered = greeting.get("capabilities")
        self._offers_oob = isinstance(offered, list) and _OOB in offered
        self._has_oob = False
        self._find_refusal = find_refusal
        self._reader = RequestReader()
        self._faults = 0
        # In-band commands in the order in which they came, from the first without a reply on.
        self._in_band: deque[Command] = deque()
        self.is_ready = False
        self._output = [encode({"QMP": greeting})]

    def receive_data(self, data: bytes) -> None:
        """Take some bytes of the stream, cut anywhere."""
        self._reader.feed(data)

    def next_command(self) -> Command | None:
        """The next command. One that has a reply already is not for the VM; it was answered here.

        :return: None: more must be received first.
        :raise ProtocolError: the client does not speak QMP. Nothing can be received any more.
        """
        incoming = self._reader.next_request()
        if incoming is None:
            return None
        command = Command(incoming.message, incoming.size)
        if incoming.fault:
            self._faults += 1
            command.refuse(incoming.fault)
        else:
            self._faults = 0
            self._examine(command)
        if self._faults == MOST_FAULTS:
            raise ProtocolError(f"{MOST_FAULTS} messages in a row were not valid")
        if not command.is_out_of_band:
            self._in_band.append(command)
        if command.reply is not None:
            self.note_reply(command)
        return command

    def note_reply(self, command: Command) -> None:
        """A command has got its reply, which is sent as soon as those before it are."""
        if command.is_out_of_band and command.reply is not None:
            self._output.append(command.reply)
        while self._in_band and (reply := self._in_band[0].reply) is not None:
            self._output.append(reply)
            self._in_band.popleft()

    def add_event(self, event: bytes) -> None:
        """Send an encoded event, unless capabilities are still negotiated."""
        if self.is_ready:
            self._output.append(event)

    def add_error(self, reason: str) -> None:
        """Send an error that answers no command."""
        self._output.append(encode(error_message(reason)))

    def take_output(self) -> list[bytes]:
        """Encoded messages to be sent, in this order; each is returned once."""
        output, self._output = self._output, []
        return output

    def _examine(self, command: Command) -> None:
        """Answer a command if it is not for the VM."""
        if not self.is_ready:
            self._negotiate(command)
        elif command.name == _CAPABILITIES:
            command.refuse("capabilities were negotiated already", _UNKNOWN)
        elif command.is_out_of_band and not self._has_oob:
            command.refuse("exec-oob needs the capability oob, which this client did not enable")
        elif refusal := self._find_refusal(command.message):
            command.refuse(refusal)

    def _negotiate(self, command: Command) -> None:
        """Only ``qmp_capabilities`` is accepted (section "Capabilities Negotiation")."""
        name, arguments = command.message.get("execute"), command.message.get("arguments", {})
        others = command.message.keys() - {"execute", "arguments"}
        if not isinstance(name, str):
            command.refuse("a command is executed by its name")
        elif name != _CAPABILITIES:
            command.refuse("capabilities are negotiated first: execute qmp_capabilities", _UNKNOWN)
        elif others or not isinstance(arguments, dict) or arguments.keys() - {"enable"}:
            command.refuse("qmp_capabilities takes the argument enable, and nothing else")
        else:
            self._enable(command, arguments.get("enable", []))

    def _enable(self, command: Command, enabled: Any) -> None:
        if not isinstance(enabled, list):
            command.refuse("enable is a list of capabilities")
        elif any(each != _OOB for each in enabled):
            command.refuse("there is no such capability")
        elif enabled and not self._offers_oob:
            command.refuse("the VM does not offer the capability oob")
        else:
            self._has_oob = bool(enabled)
            self.is_ready = True
            command.set_reply({"return": {}})


def encode(message: Message) -> bytes:
    """A message as it is sent: a line of JSON, which QEMU ends with CR LF."""
    return json.dumps(message).encode("ascii") + b"\r\n"


def error_message(reason: str, error_class: str = _GENERIC) -> Message:
    """A reply that is an error."""
    return {"error": {"class": error_class, "desc": reason}}
