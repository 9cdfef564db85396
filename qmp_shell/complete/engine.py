"""What can stand at the end of what is typed: where the cursor is, and who knows what fits."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .arguments import complete_argument
from .human import complete_human
from .kinds import FILE_KINDS, Kind
from .line import Line, open_line
from .options import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource

_DOT = re.compile(r"\s*(?P<typed>\.\w*)")
_DOT_ARGUMENT = re.compile(r"\s*\.(?P<name>\w+)\s+(?P<argument>.*)", re.DOTALL)
_HELP = re.compile(r"^\s*(?:help|\?)\s+(?!.*=)")
_WATCH_SECONDS = re.compile(r"^[0-9.]+\s+")
_DOT_ARGUMENTS = {
    "commands": Kind.COMMAND,
    "events": Kind.EVENT,
    "connect": Kind.SOCKET,
    "help": Kind.HELP,
    "log": Kind.FILE,
    "source": Kind.FILE,
}


def complete(
    before: str,
    names: NameSource,
    types: TypeSource,
    *,
    after: str = "",
    human: bool = False,
    in_transaction: bool = False,
) -> Completions | None:
    """What can stand at the cursor.

    :param before: all that is typed up to the cursor.
    :param after: what stands behind it.
    :param human: it goes to the human monitor.
    :param in_transaction: it is an action, not a command.
    :return: None: nothing that is known.
    """
    text = open_line(before)
    if text is None:
        return None
    if not human:
        text = _HELP.sub(".help ", text)
    argument = _DOT_ARGUMENT.fullmatch(text)
    if argument is not None:
        return _dot_argument(argument["name"], argument["argument"], names, types)
    if (dot := _DOT.fullmatch(text)) is not None:
        return _named(Kind.DOT, dot["typed"], names, Syntax.DOT)
    if human:
        return complete_human(text.lstrip(), types, names)
    line = Line.read(before, after, in_transaction=in_transaction)
    if line is None:
        return None
    beginnings = list(_beginnings(line, names)) if line.may_begin else []
    if not line.groups:
        return Completions(line.word.key, beginnings)
    options = complete_argument(line, types, names)
    if options is not None:
        options.candidates.extend(beginnings)
    return options


def _beginnings(line: Line, names: NameSource) -> Iterable[Candidate]:
    """The names that a command or an action can begin with."""
    kind = Kind.ACTION if line.is_action else Kind.COMMAND
    return names.candidates(NameRequest(kind, line.word.key))


def _dot_argument(
    name: str, argument: str, names: NameSource, types: TypeSource
) -> Completions | None:
    if name == "hmp":
        return complete_human(argument, types, names)
    if name == "watch":
        argument = _WATCH_SECONDS.sub("", argument)
    if name in ("oob", "watch") or (name == "help" and " " in argument):
        is_dot = argument.lstrip().startswith((".", "help", "?"))
        return complete(argument, names, types) if not is_dot else None
    if name == "wait":
        return _wait_argument(argument, names)
    if name == "set":
        option, blank, value = argument.partition(" ")
        return _named(Kind.SWITCH, value, names) if blank else _named(Kind.OPTION, option, names)
    kind = _DOT_ARGUMENTS.get(name)
    if kind not in FILE_KINDS:
        return _named(kind, argument, names) if kind is not None else None
    return _named(kind, argument, names, Syntax.PATH)


def _wait_argument(argument: str, names: NameSource) -> Completions | None:
    *before, typed = argument.split(" ")
    key, equals, value = typed.partition("=")
    if equals:
        kind = {"job": Kind.JOB, "status": Kind.RUN_STATE}.get(key)
        return _named(kind, value, names, Syntax.VALUE) if kind is not None else None
    ends = [Candidate("timeout=", "seconds", is_key=True)]
    if before and before[0]:
        kind = Kind.EVENT_MEMBER
        members = names.candidates(NameRequest(kind, typed, {"event": before[0]}))
        return Completions(typed, [*members, *ends])
    forms = [
        Candidate("job=", "until a job has ended", is_key=True),
        Candidate("migration", "until it has ended"),
        Candidate("status=", "until the VM is in a run state", is_key=True),
    ]
    return Completions(typed, [*forms, *names.candidates(NameRequest(Kind.EVENT, typed))])


def _named(kind: str, typed: str, names: NameSource, syntax: Syntax = Syntax.WORD) -> Completions:
    quote = typed[:1] if typed[:1] in ('"', "'") and syntax != Syntax.WORD else ""
    typed = typed[len(quote) :]
    return Completions(
        typed,
        list(names.candidates(NameRequest(kind, typed))),
        quote,
        files=kind if kind in FILE_KINDS else None,
        syntax=syntax,
    )
