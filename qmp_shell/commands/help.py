"""``.help``: the notation, the dot commands, the manual's topics, and the VM's own commands, events
and types.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from ..complete import (
    Candidate,
    Completions,
    Draft,
    Kind,
    NameRequest,
    NameSource,
    TypeSource,
    complete,
)
from ..correction import nearest
from ..documentation import TOPICS, read_topic, topic_of_command
from ..errors import UsageError
from ..language.command import parse_partial_arguments
from ..language.words import split_partial
from ..render.help_page import HelpWriter
from ..render.views import VIEWS
from ..schema.suggestions import suggest
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command
from .find import known_names, search

if TYPE_CHECKING:
    from ..documentation.markup import Block

_NOTATION = (
    ("NAME key=value ...", "device_add driver=e1000 id=net1"),
    ("dotted keys", "blockdev-add driver=raw file.driver=null-co"),
    ("literals", "send-key keys=[{'type':'qcode','data':'ctrl'}]"),
    ("strings", "\"with JSON escapes\" or 'as it is'"),
    ("help", "COMMAND ?"),
    ("JSON", '{"execute": "query-status"}'),
    ("transactions", "transaction( ... ) on one line or many"),
    ("more lines", "while a bracket is open, or after a \\ at the end"),
    ("views", "query-block | .table; also .tree, .csv, .json, .compact"),
    ("shell pipelines", "query-block | jq '.return[].device'"),
    ("files", "query-block > block.json"),
    ("variables", "query-block | .let disks, then $disks.0.device"),
    ("descriptors", "getfd fdname=f </path, or <>/path to write too"),
    ("comments", "# to the end of the line"),
)
_HUMAN_NOTATION = (
    ("NAME ARGUMENTS", "as the human monitor takes them: device_add e1000,id=net1"),
    ("help [NAME]", "the human monitor's own help"),
    ("shell pipelines", "info block | grep qcow2"),
    (".qmp [COMMAND]", "back to QMP, or one QMP line"),
)
_KEYS = (
    "Tab completes, Up and Ctrl-R search the history, Right takes what is suggested. "
    "Ctrl-C drops the line or gives up waiting, Ctrl-D leaves, Ctrl-Z suspends."
)
# Columns; longer lines are hard to read, and shorter ones are all broken words.
_WIDEST_PAGE = 100
_NARROWEST_PAGE = 20
_MOST_FOUND = 5
_KINDS = (Kind.COMMAND, Kind.EVENT, Kind.TYPE)


class Help(Command):
    name = "help"
    usage = "[TOPIC]"
    summary = "this, or help on a topic, command or event"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        topic = argument.partition("#")[0].strip()
        if not topic:
            session.display.document(_overview(session))
        elif _is_view(session, topic):
            _show_topic(session, "views")
        elif topic.startswith("."):
            session.display.lines(_dot_command_help(session, topic))
        elif topic in TOPICS:
            _show_topic(session, topic)
        elif session.is_human and not _is_qmp_only(session, topic):
            session.human_monitor.run(f"help {topic}")
        else:
            session.display.lines(_page(session, topic))

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        if " " in argument:
            return complete(Draft(argument), names, types)
        topics = [Candidate(name, topic.summary) for name, topic in TOPICS.items()]
        found = [each for kind in _KINDS for each in names.candidates(NameRequest(kind))]
        return Completions(argument, found + topics)


def _is_view(session: Session, topic: str) -> bool:
    """Whether a topic is what a reply can be shown as, and no command: ``.table``."""
    name = topic.removeprefix(".")
    return topic.startswith(".") and name in VIEWS and session.commands.find(name) is None


def _show_topic(session: Session, topic: str) -> None:
    from ..documentation.markup import parse_blocks

    session.display.document(parse_blocks(read_topic(topic)))


def _overview(session: Session) -> list[Block]:
    from ..documentation.markup import Item, Paragraph

    def items(pairs: Iterable[tuple[str, str]]) -> list[Block]:
        return [Item(f"``{term}``", (Paragraph(text),)) for term, text in pairs]

    commands = session.commands.all()
    return [
        *items(_NOTATION if not session.is_human else _HUMAN_NOTATION),
        Paragraph(_KEYS),
        Paragraph("Commands to this shell:"),
        *items((f".{each.name} {each.usage}".rstrip(), each.summary) for each in commands),
        Paragraph(f"Topics of the manual, as .help notation: {', '.join(TOPICS)}"),
    ]


def _dot_command_help(session: Session, topic: str) -> list[str]:
    name = topic.split()[0].removeprefix(".")
    command = session.commands.find(name)
    if command is None:
        suggestion = suggest(name, session.commands.names(), "there are", ".")
        raise UsageError(f"no command .{name}; {suggestion or '.help lists them'}")
    explained = topic_of_command(name)
    more = [f"more: .help {explained}"] if explained else []
    return [f".{command.name} {command.usage}".rstrip() + f"  {command.summary}", *more]


def _page(session: Session, topic: str) -> list[str]:
    name, _, rest = topic.partition(" ")
    attachment = session.attachment
    columns = shutil.get_terminal_size().columns
    width = min(max(columns, _NARROWEST_PAGE), _WIDEST_PAGE)
    words, last = split_partial(rest)
    given = parse_partial_arguments([*words, last])
    page = HelpWriter(attachment.types, attachment.manual, width).page(name, given)
    if not page and session.commands.find(name) is not None:
        return _dot_command_help(session, f".{name}")
    if not page:
        raise _unknown_topic(session, topic)
    return page


def _unknown_topic(session: Session, topic: str) -> UsageError:
    """The error for what neither the VM nor its manual has, with what is most like it."""
    name = topic.split()[0]
    problem = f"nothing is known of {name!r}"
    for kind, line, what in (
        (Kind.HUMAN, f".hmp help {topic}", "the human monitor has it"),
        (Kind.DRIVER, f".help device_add driver={name}", "it is a device"),
    ):
        if _has_name(session, kind, name):
            return session.corrector.error_with_line(problem, line, f"{what}: ")
    known = [*session.attachment.types.commands(), *TOPICS]
    suggestion = suggest(name, known, "there are")
    found = search(session, topic.split())
    found_there = ""
    if found:
        names = ", ".join(each.name for each in found[:_MOST_FOUND])
        more = f" and {len(found) - _MOST_FOUND} more" if len(found) > _MOST_FOUND else ""
        found_there = f".find {topic} has {names}{more}"
    similar = nearest(name, known)
    line = f".help {similar}" if similar else f".find {topic}" if found else ""
    session.corrector.offer(line)
    error = UsageError(problem)
    error.hint = " ".join(filter(None, (suggestion, found_there)))
    return error


def _has_name(session: Session, kind: str, name: str) -> bool:
    """Whether the VM has a name; False if it does not answer in time."""
    return any(each.text == name for each in known_names(session, kind))


def _is_qmp_only(session: Session, topic: str) -> bool:
    """Whether a topic is a command that the human monitor does not have."""
    name = topic.split()[0]
    is_known = name in session.attachment.types.commands()
    return is_known and not _has_name(session, Kind.HUMAN, name)


COMMAND = Help()
