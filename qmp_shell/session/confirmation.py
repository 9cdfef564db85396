"""The question that a person at a terminal is asked before something is lost.

What would be lost is decided in :mod:`qmp_shell.vm.losses`; here it becomes a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..messages import Message, command_of
from ..render.quantities import format_size
from ..render.text import shorten
from ..vm.answers import ANSWER_SECONDS
from ..vm.attachment import Attachment
from ..vm.guards import VM_QUESTIONS
from ..vm.host_files import HostFiles
from ..vm.loss import Known, Loss
from ..vm.losses import (
    action_name,
    describe_change,
    find_losses,
    guarded_actions,
    questions_about,
)
from ..vm.question import is_read_only

# So many names, and so many losses of one transaction, are named.
_MOST_NAMES = 10
_MOST_LOSSES = 5
# What is not in a list may be a path, whose end says most.
_LONGEST_VALUE = 200


def find_question(messages: Sequence[Message], attachment: Attachment, *, asks_all: bool) -> str:
    """What to ask before some messages are sent; empty: nothing.

    The VM is given some time to say what would be lost. What it does not say is asked about, too.

    :param asks_all: ask also about what loses nothing but may change the VM.
    :raise ConnectionLost: there is no VM any more.
    """
    actions = [action for message in messages for action in guarded_actions(message)]
    changing = [message for message in messages if asks_all and not is_read_only(message)]
    if not actions and not changing:
        return ""
    started = time.monotonic()
    files = HostFiles(attachment.client.peer_pid)
    known = Known(attachment.answers.immediate, files.find)
    questions = questions_about(actions) + (list(VM_QUESTIONS) if changing else [])
    attachment.ask_anew(questions)
    # An answer may lead to more questions. What else is unanswered is not waited for.
    left = max(0.0, ANSWER_SECONDS - (time.monotonic() - started)) if questions else 0.0
    found = attachment.known_within(lambda: find_losses(actions, known), left)
    if not found and changing:
        return format_question([(action_name(changing[0]), describe_change(known))])
    prefix = "transaction: " if list(map(command_of, messages)) == ["transaction"] else ""
    return prefix * bool(found) + format_question(found)


def format_question(found: Sequence[tuple[str, Loss]]) -> str:
    """What to ask, on one line; empty: nothing.

    :param found: what would be lost, with the name of each action that does it.
    """
    sentences = [f"{shorten(name) or 'this'} {_format(loss)}" for name, loss in found]
    return "; ".join(_bound(sentences, _MOST_LOSSES))


def _format(loss: Loss) -> str:
    return loss.text.format(*map(_format_value, loss.values))


def _format_value(value: str | int | tuple[str, ...]) -> str:
    if isinstance(value, int):
        return format_size(value)
    if isinstance(value, str):
        return shorten(value, _LONGEST_VALUE)
    return ", ".join(_bound([shorten(each) for each in value], _MOST_NAMES))


def _bound(parts: list[str], most: int) -> list[str]:
    """The first parts, and how many more there are."""
    return [*parts[:most], f"{len(parts) - most} more"] if len(parts) > most else parts
