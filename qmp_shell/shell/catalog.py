"""The names a VM knows, asked for when they are first wanted and then kept.

A look-up waits for a moment only. The answer of a slow VM is there the next time.
"""

from __future__ import annotations

import contextlib
from typing import TypeVar

from ..client import Client
from ..errors import Timeout
from ..protocol import Message, Request
from .human import HumanCommand, HumanMonitor, read_help

# What a person at a prompt does not notice.
_LOOKUP_SECONDS = 0.2

Shape = TypeVar("Shape", dict[str, object], list[object], str)


class Catalog:
    """Names for completion and help. One for each connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._requests: dict[str, Request] = {}
        self._waited_for: set[str] = set()
        self._is_agent = client.greeting is None

    def commands(self) -> list[str]:
        """The names of all commands; empty while the VM does not tell them.

        :raise ConnectionLost: (as all of these) there is no VM any more.
        """
        if self._is_agent:
            info = self._look_up("commands", {"execute": "guest-info"}, dict)
            every = _dicts(info.get("supported_commands"))
            listed = [each for each in every if each.get("enabled")]
        else:
            listed = _dicts(self._look_up("commands", {"execute": "query-commands"}, list))
        return sorted(str(each.get("name")) for each in listed)

    def human_commands(self) -> list[HumanCommand]:
        """The commands that the human monitor's ``help`` lists."""
        return read_help(self._look_up("help", HumanMonitor().message("help"), str))

    def human_topics(self) -> list[HumanCommand]:
        """The topics that the human monitor's ``info`` lists."""
        text = self._look_up("help info", HumanMonitor().message("help info"), str)
        return read_help(text, prefix="info ")

    def identity(self) -> tuple[str, str]:
        """The VM's name and run state; each empty while it is not told."""
        if self._is_agent:
            return "", ""
        messages: dict[str, Message] = {
            "name": {"execute": "query-name"},
            "status": {"execute": "query-status"},
        }
        for key, message in messages.items():  # both are under way before one is waited for
            self._post(key, message)
        name, status = (
            str(self._look_up(key, message, dict).get(key, "")) for key, message in messages.items()
        )
        return name, status

    def _look_up(self, key: str, message: Message, kind: type[Shape]) -> Shape:
        """What the VM returned, if it is of the shape wanted; else an empty one.

        Only the first look-up waits; while that has no answer, the later ones return at once.
        """
        request = self._post(key, message)
        if request.reply is None and key not in self._waited_for:
            self._waited_for.add(key)
            with contextlib.suppress(Timeout):
                self._client.answer(request, _LOOKUP_SECONDS)
        value = request.reply.message.get("return") if request.reply is not None else None
        return value if isinstance(value, kind) else kind()

    def _post(self, key: str, message: Message) -> Request:
        if key not in self._requests:
            self._requests[key] = self._client.post(message, quiet=True)
        return self._requests[key]


def _dicts(value: object) -> list[Message]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
