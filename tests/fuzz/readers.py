"""Fuzz target: the readers of a VM's answers and messages, and what is shown of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from qmp_shell.complete import Kind, NameRequest
from qmp_shell.messages import (
    CommandError,
    Event,
    Message,
    Reply,
    Request,
    arguments_of,
    command_of,
)
from qmp_shell.render.block_tree import BlockTree, format_dot
from qmp_shell.render.changes import ChangeReport
from qmp_shell.render.device_tree import format_device_tree, format_pci_tree
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.overview import format_overview
from qmp_shell.render.status_line import format_status
from qmp_shell.render.text import format_version
from qmp_shell.render.views import VIEWS, Look, Subject
from qmp_shell.schema import Object
from qmp_shell.session.confirmation import format_question
from qmp_shell.vm import (
    block_records,
    former_values,
    human,
    inspection,
    plugging,
    questions,
    records,
)
from qmp_shell.vm.block_graph import gather_block_graph
from qmp_shell.vm.device_tree import parse_device_tree
from qmp_shell.vm.events import EventHistory
from qmp_shell.vm.guards import GUARDS
from qmp_shell.vm.host_files import HostFile
from qmp_shell.vm.loss import Known
from qmp_shell.vm.losses import describe_change, find_losses, guarded_actions
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.open_commands import OPEN_COMMANDS
from qmp_shell.vm.overview import gather_overview
from qmp_shell.vm.property_types import property_member
from qmp_shell.vm.question import Question, is_read_only
from qmp_shell.vm.status import StatusPoller
from qmp_shell.vm.types import VmTypes
from qmp_shell.vm.waiting import _has_value
from tests.fuzz.source import CHARACTERS, Source
from tests.json_values import GivenAnswers, OfflineAnswers, controls

PARSERS: list[Callable[[Any], object]] = [
    function
    for module in (records, block_records, former_values, human, plugging)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("parse_")
]
QUESTIONS = [
    each
    for module in (questions, inspection)
    for each in vars(module).values()
    if isinstance(each, Question)
]
KINDS = [value for name, value in vars(Kind).items() if name.isupper()]
FORMATTERS = [
    Formatter(Look(colour=False, ascii_only=True)),
    Formatter(Look(colour=False, ascii_only=False)),
]
# Parts of what the human monitor prints, and of paths and words.
WORDS = (
    *CHARACTERS,
    *('name "', '", bus ', '", alias "', '", desc "', ", no-user", "  bus: ", "  type ", "PCI"),
    *(": index=0,type=", "nic", ",model=", " \\ ", "\r\n", "info ", " -- ", "|", "[", "]"),
    *("link<", "child<", ">", "on/off", " (a/b)", ", ", "example: 1", "int32", "OnOffAuto", "List"),
    *("0.", ".1", "a.", "device", "true", "null", "5" * 5000, "1e400", "virtio-", "-pci", "-vga"),
)


def check(data: bytes) -> None:
    """Two JSON values, then a text."""
    source = Source(data)
    value, other = source.value(), source.value()
    text = source.text(WORDS)
    for reader in (*PARSERS, *(question.parse for question in QUESTIONS)):
        for each in (value, text):
            reader(each)
    _check_properties(value, text)
    _check_names(value, other, text)
    _check_pages(value, other)
    _check_messages(value, other, text)
    _check_events([value, other], text)


def _check_properties(value: object, text: str) -> None:
    for entry in (*records.parse_properties(value), records.Property(text, text, text, value)):
        member = property_member(entry)
        assert member.type.name
        assert member.name == entry.name


def _check_names(value: Any, other: object, text: str) -> None:
    view = GivenAnswers(value if isinstance(value, dict) else {}, other)
    types = VmTypes(view)
    names = VmNames(view, types, lambda: None)
    given = {"path": text, "property": text, "driver": text, "event": other, "node": other}
    given |= {"device": text, "bus": other}
    for kind in KINDS:
        for candidate in names.candidates(NameRequest(kind, text, given, "core-id")):
            assert isinstance(candidate.text, str)
            assert isinstance(candidate.description, str)
    for command in OPEN_COMMANDS.values():
        command.find_members(view, given, Object("", ()))


def _check_pages(value: Any, other: object) -> None:
    """What is shown of a VM as a whole is safe for a terminal."""
    answers = OfflineAnswers(GivenAnswers(value if isinstance(value, dict) else {}, other))
    page = format_overview(gather_overview(answers))
    graph = gather_block_graph(answers)
    buses = parse_device_tree(value)
    trees = (BlockTree(graph).all(), format_device_tree(buses), format_pci_tree(buses))
    for formatter in FORMATTERS:
        assert controls("".join(map(formatter.draw, trees))) == ""
        assert controls(formatter.lines(format_dot(graph))) == ""
    poller = StatusPoller(answers)
    poller.poll(100.0)
    for part in (*format_status(poller.status), format_version(records.parse_version(value))):
        assert controls(part) == ""
        assert "\n" not in part
    report = ChangeReport(supports_unicode=True)
    lines = [
        line
        for number, each in enumerate((value, other, value, other))
        for line in report.add(each, float(number))
    ]
    for formatter in FORMATTERS:
        assert controls(formatter.pairs(page)) == ""
        assert controls(formatter.lines(lines)) == ""


def _check_messages(value: object, other: Any, text: str) -> None:
    """Replies of any shape, and messages of any shape that a user has sent."""
    message: Message = other if isinstance(other, dict) else {"execute": other, "arguments": value}
    is_read_only(message)
    _check_losses(message, value, text)
    command_of(message)
    arguments_of(message)
    for key in ("return", "error"):
        wire = {key: value, "id": other}
        reply = Reply(wire, Request(message, other, own_id=True, quiet=False))
        for formatter in FORMATTERS:
            shown = [formatter.reply(Subject(reply.message), view) for view in VIEWS]
            if key == "error":
                shown.append(formatter.error(str(CommandError(reply))))
            assert controls("".join(shown)) == ""
            for line in (formatter.trace("<", wire), formatter.event_sum(text, 3)):
                assert (controls(line), line.count("\n")) == ("", 0)
    colour = Look(colour=True, ascii_only=False)
    for view in VIEWS.values():
        coloured = view.draw(Subject({"return": value}), colour)
        assert controls(coloured).replace("\x1b", "") == ""


def _check_losses(message: Message, value: Any, text: str) -> None:
    """What messages of any shape would lose, by answers of any shape, is one line."""
    view = GivenAnswers(value if isinstance(value, dict) else {}, text)
    known = Known(view, lambda path: HostFile(path, len(path) or None))
    given = arguments_of(message)
    actions = [{"type": name, "data": given} for name in GUARDS]
    for each in (
        message,
        {"execute": "transaction", "arguments": {"actions": actions}},
        {"execute": "human-monitor-command", "arguments": {"command-line": text}},
        *({"execute": name, "arguments": given} for name in GUARDS),
    ):
        found = find_losses(guarded_actions(each), known)
        question = format_question([*found, (text, describe_change(known))])
        assert (controls(question), question.count("\n")) == ("", 0)


def _check_events(values: list[Any], text: str) -> None:
    """Events of any shape."""
    history = EventHistory()
    names = ("JOB_STATUS_CHANGE", "BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", values[0])
    for name in names:
        for data in values:
            event = Event({"event": name, "data": data, "timestamp": values[1]})
            history.add(event)
            for formatter in FORMATTERS:
                shown = formatter.event(event)
                assert (controls(shown), shown.count("\n")) == ("", 0)
            for path in (text, "a", "0"):
                assert isinstance(_has_value(event.data, path, text), bool)
    history.expire(history.count // 2, {"arguments": values[0]})
    for name in names[:3]:
        found = history.find(name, lambda _: True)
        if found is not None:
            history.remove(name, found)
    history.job_outcome(text)
