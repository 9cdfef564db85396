"""Completion of a command, or of an action of a transaction."""

from __future__ import annotations

from collections.abc import Iterable

from .arguments import complete_argument
from .draft import CommandDraft, Draft
from .in_literal import complete_in_literal
from .kinds import Kind
from .protocols import Candidate, Completions, NameRequest, NameSource, TypeSource


def complete(draft: Draft, names: NameSource, types: TypeSource) -> Completions | None:
    """What can stand at the cursor of a command.

    :return: None: nothing that is known, or the line is of another kind.
    """
    command = draft.command
    if draft.message is not None or (command is not None and command.is_in_literal):
        return complete_in_literal(draft, names, types)
    if command is None or _closes_transaction(command):
        return None
    beginnings = list(_beginnings(command, names)) if command.may_begin_action else []
    if not command.actions:
        return Completions(command.word.key, beginnings)
    completions = complete_argument(command, types, names)
    if completions is not None:
        completions.candidates.extend(beginnings)
    return completions


def _closes_transaction(command: CommandDraft) -> bool:
    return command.word.value is None and command.word.key.startswith(")")


def _beginnings(command: CommandDraft, names: NameSource) -> Iterable[Candidate]:
    """The names that a command or an action can have."""
    kind = Kind.ACTION if command.is_action else Kind.COMMAND
    return names.candidates(NameRequest(kind, command.word.key))
