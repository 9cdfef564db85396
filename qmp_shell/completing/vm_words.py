"""Completions that need the VM: the words of a QMP command, and a line behind ``-c``.

The VM is connected to for a moment, if that starts no program and asks nobody. It is asked what
completion at the prompt asks it, which is harmless. A VM that does not answer soon gives nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

from ..choices import Choices
from ..client import connect
from ..commands import Registry
from ..commands.completion import complete_draft
from ..complete import Candidate, Completions, Draft, Syntax, insertion
from ..configuration.addresses import MARK
from ..connecting import first_target
from ..errors import QMPError, UsageError
from ..language.shell_words import format_words
from ..language.values import is_ambiguous
from ..session.known_addresses import KnownAddresses
from ..session.variable_names import SessionNames
from ..session.variables import Variables
from ..vm import Attachment
from .offers import Answer, Delegation, Offer

# Time limits in seconds: for the greeting, for the answers, and (by SIGALRM) for the whole
# completion, since looking up a host's name has no time limit of its own.
_SECONDS = 1.0
_LAST_SECONDS = 3
# A value is quoted if it has one of these; within quotes they would be escaped.
_ESCAPED = ('"', "\\")


def complete_line(choices: Choices, typed: str, start: int) -> Iterator[Answer]:
    """What can stand at the end of a line behind ``-c``.

    :param start: where the line begins in what is typed.
    """
    line = typed[start:]
    completions = _look_up(choices, line)
    if completions is None:
        return
    end = len(typed) - len(completions.quote + completions.typed)
    if completions.files is not None:
        yield Delegation("files", typed[: end + len(completions.quote)])
    for candidate in completions.candidates:
        text = insertion(candidate, completions)
        if text is not None:
            yield Offer(typed[:end] + text, candidate.description, end)


def complete_words(choices: Choices, words: Sequence[str], typed: str) -> Iterator[Answer]:
    """What can be the last word of a command.

    :param words: those before it.
    """
    line = _format_line(words, typed, human=choices.options.hmp)
    completions = _look_up(choices, line) if line is not None else None
    if completions is None:
        return
    end = len(typed) - len(completions.typed)
    if completions.files is not None:
        yield Delegation("files", typed[:end])
    for candidate in completions.candidates:
        text = _format_word(candidate, completions)
        if text is not None:
            yield Offer(typed[:end] + text, candidate.description, end)


def _format_line(words: Sequence[str], typed: str, *, human: bool) -> str | None:
    """The line that words would be, if it ended here; None: they are no command."""
    try:
        line = "".join(f"{word} " for word in format_words(words, human=human)) if words else ""
    except UsageError:
        return None
    key, equals, value = typed.partition("=")
    if words and equals and " " in value:  # what has no quotes ends at a blank
        return None if any(mark in typed for mark in _ESCAPED) else f'{line}{key}="{value}'
    return line + typed


def _format_word(candidate: Candidate, completions: Completions) -> str | None:
    """A candidate as a part of a word; None: it would be read as something else there."""
    text = candidate.text
    if completions.syntax in (Syntax.PATH, Syntax.HUMAN):
        return text
    if completions.syntax is not Syntax.VALUE:
        return insertion(candidate, completions)
    is_other = text.startswith(("{", "[")) or (completions.is_any and is_ambiguous(text))
    is_one = not candidate.is_arguments and (candidate.is_word or not is_other)
    return text if is_one else None


def _look_up(choices: Choices, line: str) -> Completions | None:
    """What can stand at the end of a line; None: nothing, or the VM does not answer."""
    draft = Draft(line, human=choices.options.hmp)
    attachment = None
    try:
        attachment = _attach(choices)
        if attachment is None:
            return None
        known = attachment.known_types
        addresses = KnownAddresses(choices.addresses.list).recent
        names = SessionNames(attachment.names, Variables(), addresses)
        return attachment.known_within(
            lambda: complete_draft(draft, Registry(), names, known), _SECONDS
        )
    except QMPError:
        return None
    finally:
        if attachment is not None:
            attachment.close()


def _attach(choices: Choices) -> Attachment | None:
    """Attach to the VM that the options name, the environment, or the one of this host.

    :raise QMPError: there is none.
    """
    signal.alarm(_LAST_SECONDS)
    options = choices.options
    if options.all:
        options.addresses = [f"{MARK}{name}" for name in choices.configuration.vms]
    del options.addresses[1:]
    target = first_target(choices)
    if options.listen or not target.address.can_be_tried:
        return None
    client = connect(
        target.address,
        agent=options.agent or target.agent,
        timeout=_SECONDS,
        greeting_timeout=_SECONDS,
    )
    return Attachment(
        client, lambda _: None, address=target.address, uses_disk=not options.no_cache
    )
