"""Completion of any line: a command, a dot command or a line for the human monitor."""

from __future__ import annotations

from ..complete import (
    Candidate,
    Completions,
    Draft,
    DraftKind,
    NameSource,
    Syntax,
    TypeSource,
    complete,
    complete_human,
)
from ..session import DotCommands


def complete_draft(
    draft: Draft, commands: DotCommands, names: NameSource, types: TypeSource
) -> Completions | None:
    """What can stand at the cursor; None: nothing that is known."""
    if draft.kind is DraftKind.DOT_NAME:
        candidates = [Candidate(f".{each.name}", each.summary) for each in commands.all()]
        return Completions(draft.before.lstrip(), candidates, syntax=Syntax.DOT_NAME)
    if draft.dot is not None:
        command = commands.find(draft.dot.name)
        if command is None:
            return None
        return command.complete(draft.dot.argument, names, types)
    if draft.kind is DraftKind.HUMAN:
        return complete_human(draft.before.lstrip(), types, names)
    return complete(draft, names, types)
