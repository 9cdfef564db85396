"""The readers of a VM's answers: what they make of real ones, and that they never raise."""

from __future__ import annotations

import inspect
import math
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.complete import Candidate, Kind, NameRequest
from qmp_shell.messages import Event
from qmp_shell.render.changes import ChangeReport
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.overview import format_overview
from qmp_shell.render.quantities import (
    format_number,
    format_percent,
    format_size,
    format_sparkline,
)
from qmp_shell.render.status_line import format_status
from qmp_shell.render.text import format_version
from qmp_shell.render.views import VIEWS, Look, Subject
from qmp_shell.schema import Type
from qmp_shell.vm import block_records, human, overview, plugging, read, records
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.open_commands import OPEN_COMMANDS
from qmp_shell.vm.property_types import property_type
from qmp_shell.vm.records import Progress
from qmp_shell.vm.status import StatusPoller
from qmp_shell.vm.types import VmTypes
from tests.json_values import (
    GivenAnswers,
    OfflineAnswers,
    Parser,
    controls,
    damaged,
    sendable_values,
    texts,
    values,
)


def functions(module: object, prefix: str) -> list[tuple[str, Parser]]:
    return [
        (name, function)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith(prefix)
    ]


PARSERS = [
    *functions(records, "parse_"),
    *functions(block_records, "parse_"),
    *functions(human, "parse_"),
    *functions(plugging, "parse_"),
]
READERS = {
    read.read_object: dict,
    read.read_objects: list,
    read.read_string: str,
    read.read_scalar: str,
}
KINDS = sorted(value for name, value in vars(Kind).items() if name.isupper())

# One answer to each question, as QEMU 7.2 gave it or would give it.
ANSWERS: dict[str, Any] = {
    "query-name": {"name": "vm1"},
    "query-uuid": {"UUID": "a2f9e4a0-0000-0000-0000-000000000001"},
    "query-status": {"status": "running", "running": True, "singlestep": False},
    "query-version": {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": "Debian 1:7.2"},
    "qom-get": "pc-i440fx-7.2-machine",
    "query-accelerators": {"enabled": "tcg", "present": ["tcg"]},
    "query-kvm": {"enabled": False, "present": True},
    "query-cpus-fast": [
        {"cpu-index": 0, "qom-path": "/machine/unattached/device[0]", "qom-type": "qemu64-x86-cpu"}
    ],
    "query-target": {"arch": "x86"},
    "query-memory-size-summary": {"base-memory": 1 << 28, "plugged-memory": 1 << 20},
    "query-balloon": {"actual": 1 << 27},
    "query-block": [
        {
            "device": "",
            "qdev": "/machine/peripheral/disk0/virtio-backend",
            "inserted": {
                "drv": "qcow2",
                "ro": True,
                "file": 'json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/a"}}',
                "image": {"virtual-size": 1 << 32},
            },
        },
        {"device": "ide1-cd0", "qdev": "/machine/unattached/device[5]"},
    ],
    "query-display-options": {"type": "gtk"},
    "query-vnc": {"enabled": True, "host": "127.0.0.1", "service": "5900"},
    "query-spice": {"enabled": True, "host": "::1", "tls-port": 5901},
    "query-jobs": [
        {
            "id": "j0",
            "type": "mirror",
            "status": "running",
            "current-progress": 34,
            "total-progress": 100,
        },
        {
            "id": "j1",
            "type": "backup",
            "status": "concluded",
            "current-progress": 1,
            "total-progress": 1,
            "error": "No space left on device",
        },
    ],
    "query-migrate": {"status": "active", "ram": {"total": 200, "remaining": 50}},
    "query-named-block-nodes": [
        {
            "node-name": "d0",
            "drv": "qcow2",
            "file": "/a",
            "dirty-bitmaps": [{"name": "b0", "count": 65536}],
            "image": {"snapshots": [{"name": "s0"}]},
        }
    ],
    "qom-list": [
        {"name": "type", "type": "string"},
        {"name": "rng1", "type": "child<virtio-rng-pci>"},
    ],
    "device-list-properties": [
        {"name": "mac", "type": "str", "description": "Ethernet 6-byte MAC Address"},
        {"name": "addr", "type": "int32", "description": "Slot, example: 06.0"},
        {"name": "disable-legacy", "type": "OnOffAuto", "description": "on/off/auto"},
    ],
    "qom-list-types": [{"name": "e1000", "parent": "pci-device"}],
    "query-commands": [{"name": "query-name"}, {"name": "cont"}],
    "human-monitor-command": 'name "e1000", bus PCI, alias "nic", desc "a NIC"\r\n',
    "query-qmp-schema": [
        {"name": "transaction", "meta-type": "command", "arg-type": "1", "ret-type": "2"},
        {
            "name": "1",
            "meta-type": "object",
            "members": [{"name": "actions", "type": "[3]"}],
        },
        {"name": "2", "meta-type": "object", "members": []},
        {"name": "[3]", "meta-type": "array", "element-type": "3"},
        {
            "name": "3",
            "meta-type": "object",
            "tag": "type",
            "members": [{"name": "type", "type": "4"}],
            "variants": [{"case": "abort", "type": "5"}],
        },
        {"name": "4", "meta-type": "enum", "values": ["abort"]},
        {"name": "5", "meta-type": "object", "members": [{"name": "data", "type": "2"}]},
        {"name": "RESUME", "meta-type": "event", "arg-type": "2"},
    ],
}


@hypothesis.given(value=values)
def test_parsers_read_any_value(value: object) -> None:
    """A parser returns the same kind of result for any value, and does not change the value."""
    before = repr_of(value)
    for name, parse in PARSERS:
        empty, result = parse(None), parse(value)
        if empty is not None and result is not None:
            assert type(result) is type(empty), name
    assert repr_of(value) == before


def repr_of(value: object) -> str:
    """A value as text; Python writes no number of more than 4,300 digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{repr_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(repr_of, value)) + "]"
    return hex(value) if isinstance(value, int) else repr(value)


@hypothesis.given(
    text=st.lists(
        st.one_of(
            st.sampled_from(
                [*'\n"|:,= -\\[', " -- ", "\r\n", "bus: ", "type ", "name ", "index=0", " \\ "]
            ),
            texts,
        ),
        max_size=12,
    ).map("".join)
)
def test_parsers_of_the_human_monitor_read_any_text(text: str) -> None:
    for name, parse in functions(human, "parse_"):
        assert type(parse(text)) is type(parse(None)), name


@hypothesis.given(value=values)
def test_readers_return_the_type_they_promise(value: object) -> None:
    for reader, type_ in READERS.items():
        assert type(reader(value)) is type_
    integer = read.read_integer(value)
    assert integer is None or (type(integer) is int and abs(integer) <= 1 << 64)
    assert all(isinstance(each, dict) for each in read.read_objects(value))


@hypothesis.given(value=values, path=st.sampled_from(["id", "inserted.drv", "a.b.c", "", ".."]))
def test_a_path_leads_to_a_member_or_nowhere(value: object, path: str) -> None:
    expected: Any = value
    for key in path.split("."):
        expected = expected.get(key) if isinstance(expected, dict) else None
    assert read.read_path(value, path) is expected


def test_scalars_of_real_answers() -> None:
    assert [read.read_scalar(each) for each in (5, 1.5, "x", True, None, 10**30)] == [
        *("5", "1.5", "x", "", "", "")
    ]
    assert read.read_path({"image": {"virtual-size": 7}}, "image.virtual-size") == 7


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("/srv/disk.img", "/srv/disk.img"),
        ("nbd://host/x", "nbd://host/x"),
        ('json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/a"}}', "/a"),
        ('json:{"driver": "null-co", "size": 1024}', "null-co"),
        ("json:{}", "json:{}"),
        ("json:[1]", "json:[1]"),
        ("json:{broken", "json:{broken"),
        ("json:" + "[" * 100_000, "json:" + "[" * 100_000),
        (None, ""),
    ],
)
def test_the_innermost_file_of_a_name(value: object, file: str) -> None:
    assert block_records.parse_file_name(value) == file


@pytest.mark.parametrize(
    ("value", "number", "package"),
    [
        (
            {"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": " (Debian)"},
            "7.2.22",
            "Debian",
        ),
        ({"qemu": {"major": 7}}, "7.?.?", ""),
        ({"qemu": "0.12.1", "package": ""}, "0.12.1", ""),
        ("0.12", "0.12", ""),
        (None, "", ""),
    ],
)
def test_versions(value: object, number: str, package: str) -> None:
    assert records.parse_version(value) == records.Version(number, package)


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, 0, None), (1, -5, None), (1, 3, 33), (-1, 3, 0), (9, 3, 100), (1 << 64, 1 << 64, 100)],
)
def test_percentages(done: int, total: int, percent: int | None) -> None:
    assert Progress(done, total).percent == percent
    shown = "" if percent is None else f" {percent}%"
    assert format_percent(Progress(done, total), " ") == shown


def test_remote_displays_that_are_off() -> None:
    assert records.parse_vnc({"enabled": False, "host": "h"}) is None
    assert records.parse_spice({}) is None
    spice = records.parse_spice({"enabled": True, "host": "h", "port": 1, "tls-port": 2})
    assert spice == records.RemoteDisplay("h", "1")


def test_jobs_of_a_qemu_that_has_only_block_jobs() -> None:
    listed = [{"device": "j", "type": "stream", "offset": 5, "len": 10}, {"type": "nameless"}]
    assert records.parse_block_jobs(listed) == [
        records.Job("j", "stream", "running", Progress(5, 10))
    ]


# Names


class NoManual:
    """The manual is not installed."""

    def __call__(self) -> None:
        return None


class OneTypeManual:
    """A manual with one type and no summaries."""

    def summary(self, _name: str) -> str:
        return ""

    def type_names(self) -> list[str]:
        return ["JobInfo"]


def names_of(view: GivenAnswers) -> VmNames:
    return VmNames(view, VmTypes(view), NoManual())


def texts_of(kind: str, given: dict[str, Any] | None = None, typed: str = "") -> list[str]:
    names = names_of(GivenAnswers(ANSWERS))
    return [each.text for each in names.candidates(NameRequest(kind, typed, given or {}))]


@hypothesis.given(
    answers=damaged(ANSWERS),
    other=values,
    typed=texts,
    given=st.dictionaries(
        st.sampled_from(["driver", "path", "node", "device", "bus", "top-node", "core-id"]), values
    ),
    event=texts,
)
def test_names_of_any_answer(
    answers: Any, other: object, typed: str, given: dict[str, Any], event: str
) -> None:
    """Candidates of every kind are texts, whatever the VM answers to whatever is asked."""
    view = GivenAnswers(answers if isinstance(answers, dict) else {}, other)
    names = names_of(view)
    for kind in KINDS:
        for found in names.candidates(NameRequest(kind, typed, {"event": event, **given})):
            assert isinstance(found.text, str)
            assert isinstance(found.description, str)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Kind.COMMAND, ["cont", "query-name"]),
        (Kind.ACTION, ["abort"]),
        (Kind.EVENT, ["RESUME"]),
        (Kind.DEVICE, ["rng1"]),
        (Kind.DEVICE_PATH, ["rng1"]),
        (Kind.OBJECT, ["rng1"]),
        (Kind.SECRET, []),
        (Kind.DRIVER, ["e1000", "nic"]),
        (Kind.NODE, ["d0"]),
        (Kind.BLOCK, ["d0", "ide1-cd0"]),
        (Kind.BITMAP, ["b0"]),
        (Kind.SNAPSHOT, ["s0"]),
        (Kind.JOB, ["j0", "j1"]),
        (Kind.CPU, ["0"]),
        (Kind.QOM_TYPE, ["e1000"]),
        (Kind.BUS, []),
        (Kind.TYPE, []),
        (Kind.NEW, []),
        ("no kind at all", []),
    ],
)
def test_names_of_answers_as_qemu_gives_them(kind: str, found: list[str]) -> None:
    assert texts_of(kind) == found


def test_names_that_depend_on_what_is_typed() -> None:
    assert texts_of(Kind.QOM_PATH, typed="/machine/p")[0] == "/machine/rng1"
    assert texts_of(Kind.QOM_PATH) == ["/backend", "/chardevs", "/machine", "/objects"]
    assert texts_of(Kind.DEVICE_PATH, typed="/")[0] == "/rng1"
    assert texts_of(Kind.QOM_PROPERTY, {"path": "/machine"}) == ["type"]
    assert texts_of(Kind.QOM_PROPERTY, {"path": 5}) == []
    assert texts_of(Kind.BITMAP, {"node": "no such node"}) == ["b0"]


def test_commands_that_a_guest_agent_has_later_are_offered() -> None:
    returned: dict[str, object] = {"guest-info": {"supported_commands": []}}
    view = GivenAnswers(returned)
    names = VmNames(view, VmTypes(view, is_agent=True), NoManual())
    for commands in (["guest-ping"], ["guest-ping", "guest-sync"], []):
        listed = [{"name": name, "enabled": True} for name in commands]
        returned["guest-info"] = {"supported_commands": listed}
        assert [each.text for each in names.candidates(NameRequest(Kind.COMMAND))] == commands


def test_the_types_that_the_manual_describes() -> None:
    view = GivenAnswers(ANSWERS)
    names = VmNames(view, VmTypes(view), OneTypeManual)
    (found,) = names.candidates(NameRequest(Kind.TYPE))
    assert found == Candidate("JobInfo", "a type")


@pytest.mark.parametrize("command", sorted(OPEN_COMMANDS))
@hypothesis.given(data=st.data())
def test_open_arguments_of_any_answer(command: str, data: st.DataObject) -> None:
    """The arguments that a VM adds to a command are members with types, whatever it answers."""
    answers = data.draw(damaged(ANSWERS))
    names = st.sampled_from(["driver", "path", "property", "addr"])
    given = data.draw(st.dictionaries(names, st.one_of(values, st.just("e1000"))))
    view = GivenAnswers(answers if isinstance(answers, dict) else {}, data.draw(values))
    row = OPEN_COMMANDS[command]
    for member in row.find_members(view, given, row.own_arguments()).members:
        assert isinstance(member.name, str)
        assert isinstance(member.type, Type)


@hypothesis.given(name=texts, description=texts)
def test_the_type_of_any_property(name: str, description: str) -> None:
    assert isinstance(property_type(name, description), Type)


# What is shown of answers


@hypothesis.given(answers=damaged(ANSWERS), other=values)
def test_the_overview_of_any_answers(answers: Any, other: object) -> None:
    view = GivenAnswers(answers if isinstance(answers, dict) else {}, other)
    text = format_overview(overview.gather_overview(OfflineAnswers(view)))
    shown = Formatter(Look(colour=False, ascii_only=False)).pairs(text)
    assert controls(shown) == ""
    assert shown.count("\n") == max(len(text) - 1, 0)
    if answers == ANSWERS:
        assert "Memory" in shown


@hypothesis.given(answers=damaged(ANSWERS), other=values)
def test_the_status_line_of_any_answers(answers: Any, other: object) -> None:
    view = GivenAnswers(answers if isinstance(answers, dict) else {}, other)
    poller = StatusPoller(OfflineAnswers(view))
    poller.poll(100.0)
    for part in format_status(poller.status):
        assert (controls(part), part.count("\n")) == ("", 0)
        assert part != ""


def test_the_status_line_of_answers_as_qemu_gives_them() -> None:
    poller = StatusPoller(OfflineAnswers(GivenAnswers(ANSWERS)))
    assert poller.poll(100.0) == 101.0, "progress is asked for each second"
    assert poller.poll(100.1) == 100.2, "a flood of events causes no flood of questions"
    assert format_status(poller.status) == ["vm1", "running", "j0 mirror 34%", "migration 75%"]


def test_the_status_keeps_what_is_not_answered_again() -> None:
    answers = OfflineAnswers(GivenAnswers(ANSWERS))
    poller = StatusPoller(answers)
    poller.poll(0.0)

    class Nothing(GivenAnswers):
        def get(self, _: Any, /) -> None:
            return None

    answers.immediate = Nothing({})
    poller.poll(1.0)
    assert format_status(poller.status)[:2] == ["vm1", "running"]
    answers.immediate = GivenAnswers({"query-migrate": {"status": "setup"}})
    poller.poll(2.0)
    assert format_status(poller.status) == ["migration setup"]


@hypothesis.given(value=values)
def test_any_version_is_one_line(value: object) -> None:
    text = format_version(records.parse_version(value))
    assert (controls(text), text.count("\n")) == ("", 0)


@hypothesis.given(values_seen=st.lists(sendable_values, min_size=2, max_size=4))
def test_changes_between_any_replies(values_seen: list[Any]) -> None:
    report = ChangeReport(supports_unicode=True)
    formatter = Formatter(Look(colour=False, ascii_only=False))
    assert report.add(values_seen[0], 0.0) == []
    for number, value in enumerate(values_seen[1:], 1):
        for line in report.add(value, float(number)):
            shown = formatter.lines([line])
            assert (controls(shown), shown.count("\n")) == ("", 0)
        assert report.add(value, number + 0.5) == [], "nothing changes between two equal replies"


messages = st.dictionaries(st.sampled_from(["return", "error", "event", "id"]), sendable_values)


@hypothesis.given(message=messages, ascii_only=st.booleans(), view=st.sampled_from(list(VIEWS)))
def test_any_message_is_safe_to_print(message: dict[str, Any], ascii_only: bool, view: str) -> None:
    formatter = Formatter(Look(colour=False, ascii_only=ascii_only))
    assert controls(formatter.reply(Subject(message), view)) == ""
    assert controls(formatter.message(message, view)) == ""
    trace = formatter.trace("<", message)
    assert (controls(trace), trace.count("\n")) == ("", 0)


@hypothesis.given(name=texts, data=sendable_values, stamp=sendable_values)
def test_any_event_is_safe_to_print(name: str, data: object, stamp: object) -> None:
    formatter = Formatter(Look(colour=False, ascii_only=True))
    shown = formatter.event(Event({"event": name, "data": data, "timestamp": stamp}))
    assert controls(shown) == ""
    assert controls(formatter.event_sum(name, 3)) == ""


@hypothesis.given(text=texts)
def test_any_text_is_safe_to_print(text: str) -> None:
    formatter = Formatter(Look(colour=False, ascii_only=True))
    for format_ in (formatter.note, formatter.heading, formatter.error):
        shown = format_(text)
        assert (controls(shown), shown.count("\n")) == ("", 0)
    assert controls(formatter.quoted(text)) == ""
    assert formatter.lines([text, text]).count("\n") == 1


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1 MiB"),
        (1023 * 1024, "1023 KiB"),
        (1 - (1 << 30), "-1 GiB"),
        (1 << 32, "4 GiB"),
        (1 << 64, "16777216 TiB"),
        (-2048, "-2 KiB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (12, "12"),
        (0.5, "0.5"),
        (99.96, "100"),
        (100.4, "100"),
        (3.0, "3"),
        (-0.25, "-0.25"),
    ],
)
def test_numbers(number: float, text: str) -> None:
    assert format_number(number) == text


@hypothesis.given(st.lists(st.floats(0, 1e18), max_size=30))
def test_a_sparkline_has_a_bar_for_each_value(rates: list[float]) -> None:
    line = format_sparkline(rates)
    assert len(line) == len(rates)
    assert set(line) <= set("▁▂▃▄▅▆▇█")
    if rates and max(rates) > 0:
        assert line[rates.index(max(rates))] == "█"


def test_numbers_of_no_size_are_finite() -> None:
    assert math.isfinite(float(records.parse_balloon({"actual": 1 << 64}) or 0))
    assert records.parse_balloon({"actual": 10**5000}) is None


@pytest.mark.parametrize(
    ("text", "uses_tcg"),
    [
        ("Translation buffer state:\ngen code size", True),
        ("Accelerator settings:\none-insn-per-tb: off\n\nTranslation buffer state:\n", True),
        ("JIT information is only available with accel=tcg", False),
        (5, False),
    ],
)
def test_tcg_is_told_from_other_accelerators(text: object, uses_tcg: bool) -> None:
    assert records.parse_uses_tcg(text) is uses_tcg


@pytest.mark.timeout(30)
def test_many_nodes_below_one_node_take_linear_time() -> None:
    below = [{"node-name": f"n{number}"} for number in range(50_000)]
    stats = [{"node-name": "top", "backing": each} for each in below]
    edges = block_records.parse_stats_graph([*stats, *stats]).of_nodes["top"]
    assert sorted(edges) == sorted(
        block_records.BlockEdge("backing", each["node-name"]) for each in below
    )
