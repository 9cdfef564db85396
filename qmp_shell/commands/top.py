"""``.top``: what the VM is doing, on a screen that is drawn anew each second."""

from __future__ import annotations

import time
from functools import partial

from ..errors import UsageError
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, refuse_argument, require_vm

if TYPE_CHECKING:
    from ..session import Screen

_INTERVAL = 1.0  # seconds; nothing is asked more often
_LONGEST_WAIT = 0.5  # seconds, for answers
_LEAVE = ("q", "Q", "\x1b", "\x04")


class Top(Command):
    name = "top"
    summary = "disks, NICs, CPUs and jobs at work; q leaves"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        refuse_argument(self, argument)
        require_vm(session)
        with session.display.screen() as screen:
            if screen is None:
                raise UsageError(".top needs a terminal that can be drawn on")
            _run(session, screen)


def _run(session: Session, screen: Screen) -> None:
    from ..render.top import draw_top
    from ..vm.activity import Activity, read_sample
    from ..vm.host_threads import HostThreads

    attachment = session.attachment
    answers = attachment.answers
    activity = Activity(HostThreads(attachment.client.peer_pid).seconds)
    is_held = False
    answers.forget_changeable()

    def draw() -> None:
        is_silent = answers.has_open_questions
        screen.draw(partial(draw_top, activity, is_held=is_held, is_silent=is_silent))

    while True:
        next_at = time.monotonic() + _INTERVAL
        if not is_held:
            sample = attachment.known_within(
                lambda: read_sample(answers.immediate, time.monotonic()), _LONGEST_WAIT
            )
            if not answers.has_open_questions:
                activity.add(sample)
                answers.forget_changeable()
        draw()
        while keys := screen.wait_for_keys(attachment.client, next_at):
            if any(key in _LEAVE for key in keys):
                return
            is_held ^= keys.count(" ") % 2 == 1
            draw()


COMMAND = Top()
