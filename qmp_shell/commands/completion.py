"""Completion of any line: a command, its view, a dot command or a line for the human monitor."""

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
from ..complete.draft import CommandDraft
from ..complete.literal import is_closed_at
from ..language.words import PIPE
from ..messages import Reply
from ..render.views import VIEWS
from ..session import DotCommands
from .candidates import last_word

# How many objects of a reply are searched for columns.
_MOST_ROWS = 100


def complete_draft(
    draft: Draft,
    commands: DotCommands,
    names: NameSource,
    types: TypeSource,
    last_reply: Reply | None = None,
) -> Completions | None:
    """What can stand at the cursor; None: nothing that is known."""
    found = _complete_draft(draft, commands, names, types, last_reply)
    if found is None or len(found.quote + found.typed) > len(draft.before) - draft.joined:
        return None  # what is typed begins on the line before, which is not to be replaced
    is_closed = found.quote != "" and is_closed_at(draft.after, 0, found.quote)
    return found._replace(is_closed=is_closed)


def _complete_draft(
    draft: Draft,
    commands: DotCommands,
    names: NameSource,
    types: TypeSource,
    last_reply: Reply | None,
) -> Completions | None:
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
    if draft.command is not None and draft.command.pipe is not None:
        return _complete_pipe(draft.command, draft.command.pipe, types, last_reply)
    return complete(draft, names, types)


def _complete_pipe(
    command: CommandDraft, pipe: str, types: TypeSource, last_reply: Reply | None
) -> Completions | None:
    """A view, or one of its columns, or ``.let``; None: it is a shell pipeline, or a new name."""
    if not command.actions or (pipe and not pipe.startswith(".")) or PIPE in pipe:
        return None
    if pipe.split() == [pipe] or not pipe:
        candidates = [Candidate(f".{name}", view.summary) for name, view in VIEWS.items()]
        candidates.append(Candidate(".let", "keep what is returned, as $NAME"))
        return Completions(pipe, candidates, syntax=Syntax.DOT_NAME)
    if pipe.startswith(".let"):
        return None
    from ..render.cells import make_rows, typed_columns

    name = command.actions[-1].name.key
    columns = typed_columns(types.returns(name))
    if last_reply is not None and last_reply.name == name:
        value = last_reply.message.get("return")
        rows = make_rows(value[:_MOST_ROWS] if isinstance(value, list) else [value])
        columns += [path for row in rows for path in row]
    return Completions(last_word(pipe), [Candidate(path) for path in dict.fromkeys(columns)])
