"""The commands to this shell itself: a table, and what each does to the session."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING

from ..errors import ConnectionLost, UsageError
from ..protocol import CommandError, Message
from ..session.session import DotCommand, Session
from ..session.settings import matches, read_seconds

if TYPE_CHECKING:
    from ..render.changes import Watch

NOTATION = """\
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

_WATCH_SECONDS = 1.0
# Lines that are longer are hard to read.
_WIDEST_PAGE = 100


def _help(session: Session, topic: str) -> None:
    if topic and session.human is not None and not topic.startswith("."):
        session.run_human(f"help {topic}")
    elif topic:
        session.display.text(_help_page(session, topic))
    else:
        lines = [NOTATION, "Commands to this shell:"]
        for command in session.dots:
            lines.append(f"  {f'.{command.name} {command.usage}':<24}{command.summary}")
        session.display.text("\n".join(lines))


def _help_page(session: Session, topic: str) -> str:
    import shutil

    from ..language.command import parse_partial_arguments
    from ..language.words import split_partial
    from ..render.help_page import Helper
    from ..schema.check import format_suggestion

    name, _, rest = topic.partition(" ")
    dot = next((each for each in session.dots if name == f".{each.name}"), None)
    if dot is not None:
        return f"{name} {dot.usage}".rstrip() + f"  {dot.summary}"
    width = min(max(shutil.get_terminal_size().columns, 20), _WIDEST_PAGE)
    known = session.knowledge
    words, last = split_partial(rest)
    given = parse_partial_arguments([*words, last])
    page = Helper(known.types, known.manual, width).page(name, given)
    if page is None:
        near = format_suggestion(name, known.types.commands(), "there are")
        raise UsageError(f"nothing is known of {name!r}{near}")
    return page


def _commands(session: Session, pattern: str) -> None:
    names = session.knowledge.types.commands()
    if not names:
        raise UsageError("the VM does not tell its commands")
    found = [name for name in names if matches(name, pattern)]
    if not found:
        raise UsageError(f"the VM has no command like {pattern!r}")
    session.display.text("\n".join(found))


def _events(session: Session, argument: str) -> None:
    settings = session.settings
    if argument in ("on", "off"):
        settings.events, settings.event_patterns = argument == "on", ()
    elif argument:
        settings.events, settings.event_patterns = True, tuple(argument.split())
    else:
        schema = session.knowledge.types.schema
        lines = [
            f"{'*' if settings.shows_event(name) else ' '} {name}"
            for name in (schema.events() if schema is not None else ())
        ]
        shown = " ".join(settings.event_patterns) or "all"
        lines.append(f"shown (*): {shown if settings.events else 'none'}")
        session.display.text("\n".join(lines))


def _info(session: Session, _: str) -> None:
    from ..render.overview import info_text

    session.display.text(info_text(session.knowledge))


def _watch(session: Session, argument: str) -> None:
    from ..language import ExecuteStatement, LineJoiner, StatementParser
    from ..render.changes import Watch

    first, _, rest = argument.partition(" ")
    seconds = read_seconds(first) if first[:1].isdecimal() else _WATCH_SECONDS
    source = LineJoiner().add_line(rest if first[:1].isdecimal() else argument)
    statement = StatementParser().parse(source) if source is not None else None
    if not isinstance(statement, ExecuteStatement) or statement.pipeline or statement.files:
        raise UsageError("write .watch [SECONDS] COMMAND key=value ...")
    watch = Watch(unicode=session.display.unicode)
    message = session.typed(statement.message)
    pager, session.settings.pager = session.settings.pager, False
    try:
        _show_changes(session, watch, message, seconds)
    finally:
        session.settings.pager = pager


def _show_changes(session: Session, watch: Watch, message: Message, seconds: float) -> None:
    reply = session.execute(message)
    while reply is not None:
        if reply.is_error:
            raise CommandError(reply)
        end = time.monotonic() + seconds
        lines = watch.look(reply.message["return"], time.monotonic())
        if lines:
            session.display.text("\n".join([time.strftime("%H:%M:%S"), *lines]))
        session.client.wait(lambda: False, end)
        reply = session.request(message)


def _hmp(session: Session, line: str) -> None:
    if line:
        session.run_human(line)
    else:
        session.enter_human()


def _oob(_session: Session, _argument: str) -> None:
    # One with a command behind it is a command itself (language/statement.py).
    raise UsageError("write .oob COMMAND key=value ...")


def _qmp(session: Session, _: str) -> None:
    session.leave_human()


def _connect(session: Session, address: str) -> None:
    session.connect(_path(address) or None)


def _log(session: Session, path: str) -> None:
    if path:
        session.log_to(None if path == "off" else _path(path))
    else:
        session.display.text(session.log_path or "off")


def _set(session: Session, argument: str) -> None:
    name, _, value = argument.partition(" ")
    if value:
        session.settings.change(name, value.strip())
    elif name:
        session.display.text(session.settings.show(name))
    else:
        session.display.text("\n".join(session.settings.describe()))


def _source(session: Session, path: str) -> None:
    from ..session.scripts import source_file

    if not path:
        raise UsageError("write .source FILE")
    source_file(session, os.path.expanduser(_path(path)))


def _path(text: str) -> str:
    """A path as it is written behind a dot command: in quotes, or up to a comment."""
    if not text.startswith(('"', "'")):
        return re.split(r"(?:^|\s+)#", text, maxsplit=1)[0]
    from ..language.command import parse_value
    from ..language.words import value_end

    return str(parse_value(text[: value_end(text, 0)], 0))


def _wait(session: Session, argument: str) -> None:
    from ..vm.waiting import Waiter, read_wish

    wish = read_wish(argument)
    if session.dry_run:
        return
    if wish.kind == "event":
        _check_event(session, wish.name)
    elif wish.kind == "status":
        _check_state(session, wish.name)
    with session.display.progress(wish.name or wish.kind) as progress:
        Waiter(session.client, session.memory, progress).wait(wish)


def _check_event(session: Session, name: str) -> None:
    """Refuse to wait for what never comes; this much of the schema is certain.

    :raise UsageError: the VM has no such event.
    """
    from ..schema.check import format_suggestion

    if session.memory.find(name, lambda _: True) is not None:
        return
    schema = session.knowledge.schema_at_once()
    if schema is not None and name not in schema.events():
        near = format_suggestion(name.upper(), schema.events(), "there are")
        raise UsageError(f"the VM has no event {name}{near}")


def _check_state(session: Session, state: str) -> None:
    """:raise UsageError: there is no such run state."""
    schema = session.knowledge.schema_at_once()
    states = schema.enums_at("query-status", ["status"]) if schema is not None else []
    if states and state not in states[0].values:
        raise UsageError(f"there is no run state {state}; one of {', '.join(states[0].values)}")


def _sleep(session: Session, argument: str) -> None:
    seconds = read_seconds(argument.partition("#")[0].strip())
    end = time.monotonic() + seconds
    if not session.dry_run:
        with contextlib.suppress(ConnectionLost):  # the next line that needs the VM will say so
            session.client.wait(lambda: False, end)
        time.sleep(max(end - time.monotonic(), 0))


def _exit(session: Session, _: str) -> None:
    session.done = True


COMMANDS = (
    DotCommand("commands", "[PATTERN]", "list the VM's commands", _commands),
    DotCommand("connect", "[ADDRESS]", "attach to this VM again, or to another", _connect),
    DotCommand(
        "events", "[on|off|PATTERN ...]", "list events, and choose which are shown", _events
    ),
    DotCommand("info", "", "the VM at a glance", _info),
    DotCommand("watch", "[SECONDS] COMMAND", "repeat it, and show what changes", _watch),
    DotCommand("exit", "", "leave; the VM goes on, unless it is this shell's own", _exit),
    DotCommand("help", "[TOPIC]", "show this, or tell of a command, event or type", _help),
    DotCommand("hmp", "[LINE]", "run a human monitor line; no LINE: go over to it", _hmp),
    DotCommand("log", "[FILE|off]", "log every message to a file", _log),
    DotCommand("oob", "COMMAND ...", "execute out-of-band, before what the VM is at", _oob),
    DotCommand("qmp", "", "go back from the human monitor", _qmp),
    DotCommand("sleep", "SECONDS", "do nothing for a while", _sleep),
    DotCommand("set", "[OPTION [VALUE]]", "show options, or change one", _set),
    DotCommand("source", "FILE", "run the lines of a file", _source),
    DotCommand("wait", "WHAT [timeout=S]", "for EVENT, job=ID, migration or status=STATE", _wait),
)
