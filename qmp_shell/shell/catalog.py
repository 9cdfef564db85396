"""The names a VM knows, asked for when they are first wanted and then kept.

A look-up waits for a moment only. The answer of a slow VM is there the next time.
"""

from __future__ import annotations

from typing import Any

from ..client import Client
from ..errors import QMPError
from ..protocol import Message, Request
from .human import HumanCommand, HumanMonitor, read_help

# What a person at a prompt does not notice.
_LOOKUP_SECONDS = 0.2


class Catalog:
    """Names for completion and help. One for each connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._requests: dict[str, Request] = {}
        self._is_agent = client.greeting is None

    def commands(self) -> list[str]:
        """The names of all commands; empty while the VM does not tell them."""
        if self._is_agent:
            info = self._look_up("commands", {"execute": "guest-info"}) or {}
            entries = [
                entry for entry in info.get("supported_commands", []) if entry.get("enabled")
            ]
        else:
            entries = self._look_up("commands", {"execute": "query-commands"}) or []
        return sorted(str(entry["name"]) for entry in entries)

    def human_commands(self) -> list[HumanCommand]:
        """The commands that the human monitor's ``help`` lists."""
        return read_help(self._look_up("help", HumanMonitor().message("help")) or "")

    def human_topics(self) -> list[HumanCommand]:
        """The topics that the human monitor's ``info`` lists."""
        text = self._look_up("help info", HumanMonitor().message("help info")) or ""
        return read_help(text, prefix="info ")

    def identity(self) -> tuple[str, str]:
        """The VM's name and run state; each empty while it is not told."""
        if self._is_agent:
            return "", ""
        self._post("name", {"execute": "query-name"})
        status = self._look_up("status", {"execute": "query-status"}) or {}
        name = self._look_up("name", {"execute": "query-name"}) or {}
        return str(name.get("name", "")), str(status.get("status", ""))

    def _post(self, key: str, message: Message) -> Request:
        if key not in self._requests:
            self._requests[key] = self._client.post(message, quiet=True)
        return self._requests[key]

    def _look_up(self, key: str, message: Message) -> Any:
        """What the VM returned; None: an error, or nothing yet, or there is no VM any more."""
        try:
            request = self._post(key, message)
            if request.reply is None:
                self._client.answer(request, _LOOKUP_SECONDS)
        except QMPError:
            return None
        assert request.reply is not None
        return request.reply.message.get("return")
