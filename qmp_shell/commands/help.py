"""``.help``: the notation, the dot commands, and the VM's own commands, events and types."""

from __future__ import annotations

import shutil

from ..complete import (
    Completions,
    Draft,
    Kind,
    NameRequest,
    NameSource,
    TypeSource,
    complete,
)
from ..errors import UsageError
from ..language.command import parse_partial_arguments
from ..language.words import split_partial
from ..render.help_page import HelpWriter
from ..schema.check import format_suggestion
from ..session import Session
from .base import Command

_NOTATION = """\
NAME key=value ...   device_add driver=e1000 id=net1
dotted keys          blockdev-add driver=raw file.driver=null-co
literals             send-key keys=[{'type':'qcode','data':'ctrl'}]
strings              "with JSON escapes" or 'as it is'
help                 COMMAND ?
JSON                 {"execute": "query-status"}
transactions         transaction( ... ) on one line or many
more lines           while a bracket is open, or after a \\ at the end
shell pipelines      query-block | jq '.return[].device'
descriptors          getfd fdname=f </path, or <>/path to write too
comments             # to the end of the line

Tab completes, Up and Ctrl-R search the history, Right takes what is suggested.
Ctrl-C drops the line or gives up waiting, Ctrl-D leaves, Ctrl-Z suspends.
"""

# Columns; longer lines are hard to read, and shorter ones are all broken words.
_WIDEST_PAGE = 100
_NARROWEST_PAGE = 20
_USAGE_WIDTH = 30
_MOST_FOUND = 5
_TOPICS = (Kind.COMMAND, Kind.EVENT, Kind.TYPE)


class Help(Command):
    name = "help"
    usage = "[TOPIC]"
    summary = "this, or help on a command, event or type"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        topic = argument.partition("#")[0].strip()
        if not topic:
            session.display.lines(_overview(session))
        elif topic.startswith("."):
            session.display.lines(_dot_command_help(session, topic))
        elif session.human is not None:
            session.run_human(f"help {topic}")
        else:
            session.display.lines(_page(session, topic))

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        if " " in argument:
            return complete(Draft.of_command(argument), names, types)
        found = [each for kind in _TOPICS for each in names.candidates(NameRequest(kind))]
        return Completions(argument, found)


def _overview(session: Session) -> list[str]:
    lines = [*_NOTATION.split("\n"), "Commands to this shell:"]
    for command in session.commands.all():
        usage = f".{command.name} {command.usage}"
        lines.append(f"  {usage:<{_USAGE_WIDTH}}{command.summary}")
    return lines


def _dot_command_help(session: Session, topic: str) -> list[str]:
    command = session.commands.find(topic.split()[0].removeprefix("."))
    if command is None:
        raise UsageError(f"no command {topic.split()[0]}; .help lists them")
    return [f".{command.name} {command.usage}".rstrip() + f"  {command.summary}"]


def _page(session: Session, topic: str) -> list[str]:
    name, _, rest = topic.partition(" ")
    attachment = session.attachment
    columns = shutil.get_terminal_size().columns
    width = min(max(columns, _NARROWEST_PAGE), _WIDEST_PAGE)
    words, last = split_partial(rest)
    given = parse_partial_arguments([*words, last])
    page = HelpWriter(attachment.types, attachment.manual, width).page(name, given)
    if not page:
        suggestion = format_suggestion(name, attachment.types.commands(), "there are")
        found = _found(session, topic)
        separator = " " if suggestion.endswith("?") else "; "
        raise UsageError(f"nothing is known of {name!r}{suggestion}{found and separator + found}")
    return page


def _found(session: Session, topic: str) -> str:
    """What a search for a topic finds, as the end of a message; empty: nothing."""
    from ..vm.topics import find_topics

    attachment = session.attachment
    found = find_topics(topic.split(), attachment.types, attachment.manual)[:_MOST_FOUND]
    names = ", ".join(each.name for each in found)
    return f".find has {names}" if names else ""


COMMAND = Help()
