"""Reads what the VM sends while a line is edited, and keeps its state up to date.

This is the only place where the prompt finds that the VM is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from ..errors import ConnectionLost
from ..session import Session
from ..vm import Attachment
from .drawing import call_when_drawn
from .timer import Timer

# How often, in seconds, the screen is brought up to date while the VM sends without end.
_SHORTEST_INTERVAL = 0.05


class VmWatcher:
    """Watches the VM that a session is attached to."""

    def __init__(
        self,
        session: Session,
        on_change: Callable[[], None],
        on_lost: Callable[[ConnectionLost], None],
    ) -> None:
        """
        :param on_change: is called after the VM has sent something, or its state was polled.
        :param on_lost: is given the reason when the VM is lost while a line is edited.
        """
        self._session = session
        self._on_change = on_change
        self._on_lost = on_lost
        self._poll_timer = Timer(self._poll_and_report)
        self._report_timer = Timer(self._poll_and_report)
        self._reported_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptors: set[int] = set()
        self._connected: Attachment | None = None

    def start(self) -> None:
        """Begin to watch, in the event loop of the prompt that runs now.

        What the toolbar shows is asked for once the prompt is drawn.
        """
        self._loop = asyncio.get_running_loop()
        self._descriptors = set(self._session.attachment.watched)
        for descriptor in self._descriptors:
            self._loop.add_reader(descriptor, self._read, descriptor)
        attachment = self._session.attachment
        self._connected = attachment if attachment.is_connected else None
        call_when_drawn(self._poll_and_report)

    def stop(self) -> None:
        """Watch nothing any more; the event loop has ended."""
        self._loop = None
        self._descriptors.clear()

    def check(self) -> None:
        """Report the VM as lost, once, if a question that was sent has found that it is."""
        attachment = self._connected
        if attachment is not None and not attachment.is_connected:
            self._connected = None
            self._on_lost(ConnectionLost(attachment.client.end_reason or "the VM is gone"))

    def _read(self, descriptor: int) -> None:
        callback = self._session.attachment.watched.get(descriptor)
        with suppress(ConnectionLost):  # check() reports it
            if callback is not None:
                callback()
        self._forget_closed()
        # Those who share the VM may have it send much that is of no interest here.
        due = self._reported_at + _SHORTEST_INTERVAL
        if time.monotonic() < due and self._session.attachment.is_connected:
            self._report_timer.set(due)
        else:
            self._poll_and_report()

    def _forget_closed(self) -> None:
        for closed in self._descriptors - set(self._session.attachment.watched):
            if self._loop is not None:
                self._loop.remove_reader(closed)
            self._descriptors.discard(closed)

    def _poll_and_report(self) -> None:
        self._reported_at = time.monotonic()
        self._poll()
        self._on_change()
        self.check()

    def _poll(self) -> None:
        attachment = self._session.attachment
        if attachment.is_offline or attachment.is_agent or not attachment.is_connected:
            return
        again_at = attachment.poller.poll(time.monotonic())
        if again_at is not None and self._loop is not None:
            self._poll_timer.set(again_at)
