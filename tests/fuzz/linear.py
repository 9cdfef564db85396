"""Measures time against length, for every function that reads text of a VM, a manual or a user.

Each function gets texts in which a short piece is repeated, made of the tokens that are special to
it. A text four times as long may take about four times as long; a pattern that backtracks, or a
loop that copies what it has, takes sixteen times as long. ``python -m tests.fuzz.linear`` runs it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from qmp_shell.commands import Registry, base
from qmp_shell.commands.completion import complete_draft
from qmp_shell.commands.save import _split_count
from qmp_shell.commands.wait import parse_wait
from qmp_shell.complete import (
    Candidate,
    Completions,
    Draft,
    Kind,
    NameRequest,
    Syntax,
    find_literal_signature,
    find_signature,
    find_unknown_names,
    insertion,
)
from qmp_shell.configuration.reader import parse_configuration
from qmp_shell.correction.foreign import (
    join_around_equals,
    split_commands,
    split_host_command,
    split_key,
    split_options,
    unwrap,
)
from qmp_shell.discovery.command_line import parse_command_line
from qmp_shell.discovery.unix_sockets import parse_table
from qmp_shell.errors import AddressError, ProtocolError, UsageError
from qmp_shell.fleet.channel import ChannelReader
from qmp_shell.framing import Framer, decode_object, parse_object
from qmp_shell.language import (
    LineJoiner,
    ParseError,
    StatementParser,
    is_dot_command,
    split_destination,
)
from qmp_shell.language.literal import parse_literal
from qmp_shell.language.notation import format_message, format_string
from qmp_shell.language.secrets import may_hold_secret, names_secret, redact
from qmp_shell.language.shell_words import format_words
from qmp_shell.language.values import BareWord, parse_string
from qmp_shell.language.word_types import parse_word
from qmp_shell.language.words import split_partial
from qmp_shell.manual import Manual
from qmp_shell.manual.troff import wrap
from qmp_shell.messages import Event
from qmp_shell.render.device_tree import format_device_tree, format_pci_tree
from qmp_shell.render.help_page import HelpWriter
from qmp_shell.render.highlight import NotationLexer
from qmp_shell.render.text import format_compact, format_event, format_pretty, sanitize_line
from qmp_shell.render.tree import draw_forest
from qmp_shell.render.views import VIEWS, Look, Subject
from qmp_shell.schema import ANY, BOOLEAN, INTEGER, NUMBER, Object, Schema
from qmp_shell.schema.check import has_word
from qmp_shell.schema.suggestions import similar_names
from qmp_shell.session.human import selected_cpu
from qmp_shell.session.known_errors import advice_for
from qmp_shell.session.settings import name_matches
from qmp_shell.session.transcript import Transcript
from qmp_shell.session.variable_names import SessionNames
from qmp_shell.session.variables import Variables
from qmp_shell.sharing.conversation import ServerConversation
from qmp_shell.sharing.permissions import allow_all
from qmp_shell.transport import parse_address
from qmp_shell.vm import human
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.block_records import parse_file_name, parse_secrets
from qmp_shell.vm.device_tree import parse_device_tree, walk_devices
from qmp_shell.vm.events import EventHistory
from qmp_shell.vm.human_actions import parse_human_action
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.open_commands import OPEN_COMMANDS
from qmp_shell.vm.plugging import parse_device_uses
from qmp_shell.vm.property_types import property_type
from qmp_shell.vm.topics import find_topics
from qmp_shell.vm.types import VmTypes
from qmp_shell.vm.waiting import _has_value
from tests.fuzz.completion import ENTRIES
from tests.json_values import GivenAnswers

# A text four times as long may take this many times as long; growth of noise and caches included.
_MOST_GROWTH = 8
# Up to this factor, growth is that of a linear function, and no longer text is tried.
_USUAL_GROWTH = 5.5
_FIRST_LENGTH = 1_000
# Shorter times, in seconds, are too short to be compared, and longer ones long enough.
_SHORTEST, _LONG_ENOUGH = 0.0004, 0.05
_LONGEST_LENGTH = 4_000_000
_MOST_SECONDS = 20


def _ignore(errors: type[Exception], function: Callable[[str], object]) -> Callable[[str], object]:
    """A function that may raise errors of a type."""

    def call(text: str) -> None:
        with contextlib.suppress(errors):
            function(text)

    return call


def _read_channel(text: str) -> None:
    """In pieces, as they come through a pipe."""
    reader = ChannelReader(b"mark")
    data = text.encode()
    with contextlib.suppress(ValueError):  # no process of the shell's own would send such a header
        for start in range(0, len(data), 1 << 12):
            for _ in reader.feed(data[start : start + (1 << 12)]):
                pass


def _format_words(text: str) -> None:
    format_words(["test", f"a={text}", f"b=[{text}]", f"{text}=c"], human=False)
    format_words(["test", *text.split(" ")], human=True)


def _join_and_parse(text: str) -> None:
    joiner, parser = LineJoiner(), StatementParser()
    for line in text.split("\n"):
        source = joiner.add_line(line)
        if source is not None:
            with contextlib.suppress(ParseError):
                parser.parse(source)
    with contextlib.suppress(ParseError):
        parser.parse(joiner.finish())


_SCHEMA = Schema(ENTRIES)
_VIEW = Answers(None, _SCHEMA).immediate
_TYPES = VmTypes(_VIEW)
_NAMES = VmNames(_VIEW, _TYPES, lambda: None)


def _type_line(text: str, *, human: bool = False, in_transaction: bool = False) -> None:
    """What one key press at the prompt has done."""
    draft = Draft(text, human=human, in_transaction=in_transaction)
    complete_draft(draft, Registry(), _NAMES, _TYPES)
    find_literal_signature(draft, _TYPES)
    if draft.command is not None:
        find_signature(draft.command, _TYPES)
        list(find_unknown_names(draft.command, _TYPES))


def _lex(text: str) -> None:
    for _ in NotationLexer().get_tokens(text):
        pass


def _parse_words(text: str) -> None:
    for type_ in (ANY, BOOLEAN, INTEGER, NUMBER):
        parse_word(BareWord(text), type_)


def _insert(text: str) -> None:
    for syntax in Syntax:
        for quote in ("", '"', "'"):
            for is_any in (False, True):
                options = Completions("", [], quote, syntax=syntax, is_any=is_any)
                insertion(Candidate(text), options)
    insertion(Candidate(text), Completions("", [], syntax=Syntax.LITERAL, usual_quote="'"))


def _type_before(text: str) -> None:
    """The cursor stands before nearly all of a literal."""
    begin = '{"execute": "test", "arguments": {"'
    complete_draft(Draft(begin + text, len(begin)), Registry(), _NAMES, _TYPES)


def _frame(text: str) -> None:
    framer = Framer()
    with contextlib.suppress(ProtocolError):
        framer.feed(b"{" + text.encode())
        while (found := framer.next_object()) is not None:
            with contextlib.suppress(ProtocolError):
                parse_object(decode_object(found))


def _frame_in_pieces(text: str) -> None:
    """The same, received in chunks: none may be examined again."""
    _receive(b"{" + text.encode(), 64)


def _frame_line(text: str) -> None:
    """The same, as a line that is received at once."""
    line = b"{" + text.encode() + b"\n"
    _receive(line, len(line))


def _receive(data: bytes, size: int) -> None:
    framer = Framer()
    with contextlib.suppress(ProtocolError):
        for place in range(0, len(data), size):
            framer.feed(data[place : place + size])
            framer.next_lines()
            while framer.next_message() is not None:
                pass


def _converse_in_pieces(text: str) -> None:
    """What a client of a shared monitor sends, up to where it is cut off."""
    conversation = ServerConversation({}, allow_all)
    data = text.encode("utf-8", "surrogatepass").replace(b"\x7f", b"\xff")
    with contextlib.suppress(ProtocolError):
        for place in range(0, len(data), 64):
            conversation.receive_data(data[place : place + 64])
            while conversation.next_command() is not None:
                pass


def _advise(text: str) -> None:
    advice_for(text)
    advice_for(f"Permission conflict on node '{text}")


def _draw_table(text: str) -> None:
    rows = [{text: text, "a": {"b": text}}, {text: 1}]
    sparse = [{f"{letter}{number}": 1} for number, letter in enumerate(text[:20_000])]
    for view in VIEWS.values():
        view.draw(Subject({"return": rows}), _LOOK)
    VIEWS["table"].draw(Subject({"return": sparse}), _LOOK)


def _draw_trees(text: str) -> None:
    buses = parse_device_tree(text)
    draw_forest(format_device_tree(buses), _LOOK)
    draw_forest(format_pci_tree(buses), _LOOK)


def _search_manual(text: str) -> None:
    page = Manual("x(7)", f"\n.B Command test\n{text}\n.SH X\n")
    find_topics([text[:20] or "x", "resize"], VmTypes(_VIEW), page)


def _read_human(text: str) -> None:
    for parse in (human.parse_drivers, parse_device_uses, human.parse_network):
        parse(text)
    human.parse_help(text)
    human.parse_help(text, prefix="info")


def _list_names(text: str) -> None:
    """Names that a VM reports, sorted for a menu."""
    entry = {"name": text, "type": "child<x>", "node-name": text, "id": text}
    view = GivenAnswers({}, [entry, entry | {"name": text + "1"}])
    names = VmNames(view, VmTypes(view), lambda: None)
    for kind in (Kind.QOM_PATH, Kind.NODE, Kind.DEVICE):
        names.candidates(NameRequest(kind, typed=text))


def _open_members(text: str) -> None:
    for command in OPEN_COMMANDS.values():
        given = {"driver": text, "path": text, "property": text}
        command.find_members(_VIEW, given, Object("", ()))


def _read_manual(text: str) -> None:
    page = Manual("x(7)", text)
    for name in ("test", *page.type_names()[:3]):
        page.summary(name)
        section = page.section(name)
        if section is not None:
            section.text(80)
            section.examples()
            page.member(section, "a", {"driver": "b"})
        page.argument_summary(name, ["a", "a"], {"driver": "b"})


def _write_help(text: str) -> None:
    writer = HelpWriter(_TYPES, Manual("x(7)", text), 80)
    writer.page("test", {"type": "on"})
    writer.page("GONE", {})


def _read_section(text: str) -> None:
    """A page that is one section, with a list of members."""
    _read_manual(".B Command test\n.INDENT 7.0\n.TP\n.B Arguments\n.INDENT 7.0\n" + text)
    _read_manual(".SS \\fBtest\\fP (Command)\n.SS Arguments\n.TP\n" + text)


def _note_event(text: str) -> None:
    history = EventHistory()
    event = Event({"event": text, "data": {"device": text, "a": {"b": [text]}}})
    history.add(event)
    history.expire(1, {"arguments": {"a": text}})
    format_event(event)
    _has_value(event.data, text, text)
    _has_value({"a": 5, "b": [1]}, "a", text)


def _split_destination(text: str) -> None:
    for is_human in (False, True):
        with contextlib.suppress(ParseError):
            split_destination(text, human=is_human)


def _note_typed(text: str) -> None:
    transcript = Transcript()
    transcript.begin(text, human=False)
    transcript.note_event(Event({"event": "DEVICE_DELETED", "data": {"device": text}}))
    transcript.end(failure="", in_transaction=False)
    list(transcript.script(None))


def _describe_value(text: str) -> None:
    variables = Variables()
    variables.note_return({text: [text]})
    names = SessionNames(VmNames(_VIEW, _TYPES, lambda: None), variables)
    list(names.candidates(NameRequest(Kind.REFERENCE, "$_.")))


def _split_options(text: str) -> None:
    for word in join_around_equals(text.split()):
        split_key(word)
        split_options(word)


def _redact(text: str) -> None:
    redact({"execute": "human-monitor-command", "arguments": {"command-line": text}})


_QUOTES = ('"', "'", "\\", " ", ",", "=")
_NOTATION = (*_QUOTES, "{", "]", "\n", "a", "#", ".", "|", "1")
_LITERAL = ('"', "'", "\\", " ", ",", ":", "{", "]", "\n", "a", "#", "1", "(", "\\ud800")
_SECRET = (*_QUOTES, "password", "data", "secret", "set_password ", "change ", ":", "vnc", "-", "a")
_HUMAN_TEXT = (
    *('name "', '"', ", bus ", ', alias "', ', desc "', ", no-user", "bus: ", "type "),
    *(": index=0,type=", " \\ ", "\n", " ", " -- ", "|", "info ", "[", "a", ","),
)
_NUMBERS = ("1", ".", "e", "+", "0x", "k", "iB", "a", "_")
_TROFF = (
    *(".SS \\fB", "\\fP (Command)\n", ".B Command ", " (Since: ", ")", "\n", ".TP\n", ".IP ", '"'),
    *(
        ".INDENT 0\n",
        ".UNINDENT\n",
        ".sp\n",
        ".EX\n",
        "\\f[",
        "\\(",
        "-> ",
        "{",
        " -- ",
        ": ",
        " (",
    ),
    *("The members of ", "When a is ", ' when a is "', "a", " ", ".", ". A", "TODO", "deprecated"),
    *("\r", ".SS Arguments\n", ".B Members\n", ", optional", "array of ", "test"),
)
_JSON = ('"', "\\", "{", "}", "[", "]", ",", ":", "1", "e", "a", " ", "\n", "\xff", "\\u")
_NAME = ("1", "a", "-", "_", "/", ".", " ", '"', "\\", "=", "#block", "\u2028", "(", "on", ",")
# difflib leaves out characters that are more than a hundredth of a text.
_MANY_CHARACTERS = "".join(map(chr, range(0x4E00, 0x4F00)))


_PIPES = (
    *("|", ">", ">>", " ", "a", "1", "$", "#", "=", "\n", ".let"),
    '"',
    "'",
    "\\",
    " | ",
    " > ",
)
_DEVICE_TREE = (
    *("bus: ", 'dev: a, id "', '"\n', "  ", "\n", "type ", "PCI", "x = 1", "    bus: b\n"),
    *("class x, addr 0, pci id 1:2", "addr", ":", "    "),
)
_ERROR = (
    *("Permission conflict on node '", "': permissions '", "' are both required by ", "a"),
    *(" (uses node '", "' as '", "' child)", " and unshared by ", "'", "Node '", "Block job ", " "),
    *("Conflicts with use by ", ", which uses '", "' on ", 'Failed to get "', "Job '", "is in use"),
)
_TOML_QUOTES = ('"', "'", '"""', "address=")
_LOOK = Look(colour=True, ascii_only=False, find_width=lambda: 80)


class Case(NamedTuple):
    """A function, and the tokens that its texts are made of."""

    function: Callable[[str], object]
    tokens: tuple[str, ...]


CASES: dict[str, Case] = {
    "join and parse lines": Case(_join_and_parse, _NOTATION),
    "parse a transaction": Case(lambda text: _join_and_parse("transaction(" + text), _NOTATION),
    "parse arguments": Case(lambda text: _join_and_parse("a b=" + text), _NOTATION),
    "parse a literal": Case(_ignore(ParseError, lambda text: parse_literal(text, 0)), _LITERAL),
    "parse a list": Case(_ignore(ParseError, lambda text: parse_literal("[" + text, 0)), _LITERAL),
    "parse a string": Case(_ignore(ParseError, lambda text: parse_string(f'"{text}"', 0)), _QUOTES),
    "parse a literal string": Case(lambda text: parse_string(f"'{text}'", 0), _QUOTES),
    "parse a word by type": Case(_parse_words, _NUMBERS),
    "split a partial line": Case(split_partial, _NOTATION),
    "format a word": Case(_ignore(UsageError, _format_words), _NOTATION),
    "format a string": Case(lambda text: format_string(text), _NAME),
    "format a message": Case(
        lambda text: format_message({"execute": "x", "arguments": {"a": {"b": text}}}), _NAME
    ),
    "find a secret in a line": Case(may_hold_secret, _SECRET),
    "find a word of secrets": Case(names_secret, _SECRET),
    "split commands": Case(split_commands, (*_NOTATION, ";", "&&")),
    "split options": Case(_split_options, (*_NOTATION, ",", ",,")),
    "split a host command": Case(split_host_command, (*_NOTATION, "exec:", " exec:", "uri=")),
    "unwrap a line": Case(unwrap, (*_NOTATION, "(QEMU) ", "-> ")),
    "find a word in an error": Case(lambda text: has_word(text, "a-1"), _NAME),
    "redact": Case(_redact, _SECRET),
    "type a line": Case(_type_line, _NOTATION),
    "type arguments": Case(lambda text: _type_line("test type=on " + text), _NOTATION),
    "type a message": Case(
        lambda text: _type_line('{"execute": "test", "arguments": {' + text), _LITERAL
    ),
    "type before a message": Case(_type_before, _LITERAL),
    "type a literal behind a key": Case(
        lambda text: _type_line(f"test path.{text}={{"), ("a", ".", "1", "list", "=")
    ),
    "type a literal": Case(lambda text: _type_line("test type=on list=[" + text), _LITERAL),
    "type an action": Case(lambda text: _type_line(text, in_transaction=True), _NOTATION),
    "type a dot command": Case(lambda text: _type_line(".wait " + text), _NOTATION),
    "type a repeated command": Case(
        lambda text: _type_line(".watch " + text), ("1", ".", " ", "a", "=", "\n", '"')
    ),
    "find a name by a pattern": Case(
        lambda text: name_matches(text, "*a*1?b*[a1]"), ("a", "1", "b", "*", "\n")
    ),
    "type a path": Case(lambda text: _type_line(".source " + text), _NOTATION),
    "type a help topic": Case(lambda text: _type_line("help " + text), _NOTATION),
    "type a human monitor line": Case(lambda text: _type_line(text, human=True), _NOTATION),
    "type options": Case(lambda text: _type_line(".hmp netdev_add on," + text), _NOTATION),
    "is it a dot command": Case(is_dot_command, (*_QUOTES, "help", "?", "exit", "\n", ".")),
    "highlight the notation": Case(_lex, (*_NOTATION, "true", "transaction(", ":")),
    "split arguments": Case(_ignore(UsageError, base.split_arguments), (*_QUOTES, "#", "a", "\n")),
    "parse a path": Case(_ignore(UsageError, base.parse_path), (*_QUOTES, "#", "a", "\n")),
    "parse .save": Case(_split_count, (" ", "1", "#", "a", "\n")),
    "parse .wait": Case(_ignore(UsageError, parse_wait), _NOTATION),
    "parse an address": Case(
        _ignore(AddressError, parse_address), ("[", "]", ":", ",", "=", "1", "a", "server=on", "/")
    ),
    "read what processes send": Case(
        _read_channel, ("mark", "m", "a", "\n", '[1,"json",[],false]\n{}\n', "markmark")
    ),
    "read a configuration": Case(
        lambda text: parse_configuration("config.toml", text),
        (*("[vm.a]", "[", "]", "{", "}", "a", ".", "=", "1", "\n", "#", ","), *_TOML_QUOTES),
    ),
    "read QEMU's command line": Case(
        lambda text: parse_command_line(["qemu-system-x86_64", *text.split("\n")]),
        ("-qmp\n", "unix:", "-mon\n", "-chardev\n", "socket,", "id=", ",", "=", "a", "1", "\n"),
    ),
    "read a table of sockets": Case(
        lambda text: parse_table(text.encode()),
        ("0: ", "2 ", "0 ", "00010000 ", "01 ", "03 ", "77 ", "/a", " ", "\n", "@"),
    ),
    "select a CPU": Case(lambda text: selected_cpu(text, text), ("cpu ", " ", "1", "\n", "a")),
    "find similar names": Case(
        lambda text: similar_names(text, [text[::-1], "a"]), (*_NAME, _MANY_CHARACTERS)
    ),
    "insert a name": Case(_insert, _NAME),
    "frame messages": Case(_frame, _JSON),
    "frame messages in pieces": Case(_frame_in_pieces, _JSON),
    "frame messages of a line": Case(_frame_line, _JSON),
    "read a client's commands": Case(_converse_in_pieces, (*_JSON, "'", "\x7f", "\x00", "{}", "x")),
    "format a text": Case(
        lambda text: (format_pretty(text), format_compact(text), sanitize_line(text)), _NAME
    ),
    "read the human monitor": Case(_read_human, _HUMAN_TEXT),
    "read a device tree": Case(
        lambda text: list(walk_devices(parse_device_tree(text))), _DEVICE_TREE
    ),
    "advise about an error": Case(_advise, _ERROR),
    "draw a table": Case(_draw_table, _NAME),
    "draw a tree": Case(lambda text: _draw_trees(text), (*_DEVICE_TREE, "\x1b[", "界")),
    "search the manual": Case(_search_manual, (*_TROFF, "disk", "resize")),
    "read a file name": Case(
        lambda text: (parse_file_name("json:" + text), parse_secrets("json:" + text)), _JSON
    ),
    "read a human monitor line": Case(
        lambda text: (parse_human_action(text), parse_human_action(f"block_resize {text}")),
        (*_QUOTES, *_NUMBERS, "savevm "),
    ),
    "read a property's type": Case(property_type, ("int", "_t", "List", "A", "1", "link<", " ")),
    "read a property's description": Case(
        lambda text: property_type("str", text), ("/", "(", ")", ",", " ", "a", "example: ", ".")
    ),
    "read a driver's name": Case(
        _open_members, ("virtio-", "vhost-", "-pci", "-vga", "-non", "a", "\n")
    ),
    "list names": Case(_list_names, _NAME),
    "note an event": Case(_note_event, _NAME),
    "note what is typed": Case(_note_typed, _NAME),
    "describe a value": Case(_describe_value, _NAME),
    "split a destination": Case(_split_destination, _PIPES),
    "read the manual": Case(_read_manual, _TROFF),
    "read a section": Case(_read_section, _TROFF),
    "write a help page": Case(_write_help, _TROFF),
    "wrap a paragraph": Case(lambda text: wrap(text, 40), (" ", "a", "-", "\n", "\t", "\u2028")),
}


# How many tokens a text begins with, repeats, and ends with.
_SHORT_SHAPES = ((0, 1, 0), (0, 2, 0), (1, 1, 0), (0, 1, 1))
_LONG_SHAPES = ((0, 3, 0), (1, 2, 0), (0, 2, 1), (1, 1, 1), (0, 4, 0), (1, 3, 0), (1, 2, 1))


class Piece(NamedTuple):
    """What a text begins with, what is repeated in it, and what it ends with."""

    begin: str
    repeated: str
    end: str

    def text(self, length: int) -> str:
        """A text of about so many characters."""
        return self.begin + self.repeated * max(1, length // len(self.repeated)) + self.end


def pieces(tokens: tuple[str, ...]) -> Iterator[Piece]:
    """All pieces of one and two tokens, then, without an end, some of three and four.

    They come in an order that is the same each time.
    """
    chance = random.Random(1)
    short = [
        _piece(shape, each)
        for shape in _SHORT_SHAPES
        for each in itertools.product(tokens, repeat=sum(shape))
    ]
    chance.shuffle(short)
    yield from short
    while True:
        shape = chance.choice(_LONG_SHAPES)
        yield _piece(shape, chance.choices(tokens, k=sum(shape)))


def _piece(shape: tuple[int, int, int], tokens: Sequence[str]) -> Piece:
    begin, repeated, _ = shape
    cut = begin + repeated
    return Piece("".join(tokens[:begin]), "".join(tokens[begin:cut]), "".join(tokens[cut:]))


class _TooLong(BaseException):
    """A call takes longer than :data:`_MOST_SECONDS`; nothing that is measured catches it."""


def _stop(*_: object) -> None:
    raise _TooLong


def measure(function: Callable[[str], object], text: str, times: int = 1) -> float:
    """The shortest processor time that a call takes, in seconds.

    :raise _TooLong: it was stopped.
    """
    taken = []
    for _ in range(times):
        signal.alarm(_MOST_SECONDS)
        before = time.thread_time()
        function(text)
        taken.append(time.thread_time() - before)
        signal.alarm(0)
    return min(taken)


def find_growth(function: Callable[[str], object], piece: Piece, length: int) -> str:
    """How much longer a text takes that is four times as long, if that is too much; else empty.

    :param length: of the shortest text that is tried, in characters. Longer ones are tried while
        the growth is suspicious and the time too short to be sure.
    """
    try:
        fixed = measure(function, piece.text(1), 2)
        before = measure(function, piece.text(length), 2) - fixed
        while length <= _LONGEST_LENGTH:
            length *= 4
            after = measure(function, piece.text(length)) - fixed
            if after > max(_SHORTEST, fixed):
                if after < _USUAL_GROWTH * before:
                    return ""
                # Something else may have delayed it.
                before = measure(function, piece.text(length // 4), 3) - fixed
                after = min(after, measure(function, piece.text(length), 2) - fixed)
                growth = after / max(before, 1e-9)
                if growth < _MOST_GROWTH:
                    return ""
                if after > _LONG_ENOUGH:
                    return f"{length} characters take {after:.3f} s, {growth:.0f} times a quarter"
            before = after
    except _TooLong:
        return f"{length} characters take over {_MOST_SECONDS} s"
    return ""


def check(name: str, seconds: float) -> tuple[int, str]:
    """Measure one function.

    :return: how many pieces were tried, and what was found; empty: nothing.
    """
    function, tokens = CASES[name]
    end = time.monotonic() + seconds
    number = 0
    for number, piece in enumerate(pieces(tokens), 1):
        # Longer texts show a small factor of what is not linear, but take longer.
        found = find_growth(function, piece, _FIRST_LENGTH * (1 if number % 8 else 16))
        if found:
            return number, f"{piece}: {found}"
        if time.monotonic() > end:
            break
    return number, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all functions together")
    parser.add_argument("names", nargs="*", metavar="FUNCTION", help="default: all")
    options = parser.parse_args()
    names = options.names or list(CASES)
    signal.signal(signal.SIGALRM, _stop)
    gc.disable()  # its time depends on how much else there is
    failures = 0
    for name in names:
        number, found = check(name, options.seconds / len(names))
        gc.collect()
        failures += bool(found)
        outcome = f"FAILED: {found}" if found else "linear"
        print(f"{name} ({number} texts): {outcome}", flush=True)  # noqa: T201 (a program)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
