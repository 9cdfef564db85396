"""Bare words are converted to values of the types that the VM's schema gives the arguments."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.language import (
    ExecuteStatement,
    LineJoiner,
    StatementParser,
    has_ambiguous_words,
)
from qmp_shell.language.notation import format_message
from qmp_shell.language.values import BareWord, is_ambiguous, parse_float, parse_integer
from qmp_shell.language.word_types import apply_types, parse_word
from qmp_shell.schema import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Alternate,
    Array,
    Builtin,
    Enum,
    EnumValue,
    Member,
    Object,
    Schema,
    Type,
)
from qmp_shell.schema.check import check_arguments
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm
from tests.sessions import offline_types

NULL = Builtin("null", "null")
ON_OFF = Enum("OnOff", [EnumValue("on"), EnumValue("off")])


def alternate(*types: Type) -> Alternate:
    """Return an alternate of some types."""
    return Alternate("alternate", [lambda type_=type_: type_ for type_ in types])  # type: ignore[misc]


@pytest.mark.parametrize(
    ("type_", "word", "value"),
    [
        (STRING, "5", "5"),
        (STRING, "true", "true"),
        (STRING, "", ""),
        (ON_OFF, "on", "on"),
        (ON_OFF, "5", "5"),
        (INTEGER, "5", 5),
        (INTEGER, "0x1F", 31),
        (INTEGER, "4K", 4096),
        (INTEGER, "1.5", "1.5"),
        (INTEGER, "1e3", "1e3"),
        (INTEGER, "true", True),
        (NUMBER, "5", 5),
        (NUMBER, "-0x10", -16),
        (NUMBER, "4K", 4096),
        (NUMBER, "1.5K", 1536),
        (NUMBER, "1.5", 1.5),
        (NUMBER, "-.5", -0.5),
        (NUMBER, "1e3", 1000.0),
        (NUMBER, "1.25E-2", 0.0125),
        (NUMBER, "1e999", "1e999"),
        (NUMBER, "abc", "abc"),
        *((BOOLEAN, word, True) for word in ("true", "on", "yes", "y", "True", "ON")),
        *((BOOLEAN, word, False) for word in ("false", "off", "no", "n", "No")),
        (BOOLEAN, "1", 1),
        (NULL, "null", None),
        (NULL, "Null", "Null"),
        (NULL, "5", 5),
        (ANY, "5", 5),
        (ANY, "0x10", "0x10"),
        (ANY, "null", "null"),
        (ANY, "True", True),
        (Object("object", ()), "5", 5),
        (alternate(STRING, NULL), "null", None),
        (alternate(STRING, NULL), "nul", "nul"),
        (alternate(STRING, INTEGER), "5", 5),
        (alternate(ON_OFF, BOOLEAN), "on", True),
        (alternate(ON_OFF, BOOLEAN), "auto", "auto"),
        (alternate(INTEGER, NULL), "true", True),
        (alternate(), "5", 5),
    ],
)
def test_a_bare_word_is_converted_by_its_type(type_: Type, word: str, value: object) -> None:
    found = parse_word(BareWord(word), type_)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("0", 0),
        ("+5", 5),
        ("-007", -7),
        ("0XfF", 255),
        ("-0x10", -16),
        ("1b", 1),
        ("1k", 1 << 10),
        ("1M", 1 << 20),
        ("1G", 1 << 30),
        ("1T", 1 << 40),
        ("1P", 1 << 50),
        ("1E", 1 << 60),
        ("3KiB", 3 << 10),
        ("0.5K", 512),
        ("1.25M", 5 << 18),
        ("1.5G", 3 << 29),
        ("9" * 4200, int("9" * 4200)),
        ("0" * 4300, 0),
        ("0x" + "f" * 3500, 16**3500 - 1),
        # not whole numbers, or not numbers
        ("1.5B", None),
        ("1.0", None),
        ("0.3K", None),
        ("1.K", None),
        (".5K", None),
        ("5 ", None),
        ("5X", None),
        ("5Ki", None),
        ("0x", None),
        ("0x1K", None),
        ("--5", None),
        ("", None),
        # a sign before a unit
        ("+1G", None),
        ("-1.5G", None),
        ("+1KiB", None),
        ("-1b", None),
        # too many digits
        ("9" * 4300, None),
        ("0" * 4301, None),
        ("9" * 4200 + "E", None),
        ("0x" + "f" * 3501, None),
    ],
    ids=lambda each: str(each)[:10] if isinstance(each, str) else "",
)
def test_integers_are_decimal_hexadecimal_or_scaled(word: str, value: int | None) -> None:
    assert parse_integer(BareWord(word)) == value


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("1", 1.0), ("1.", 1.0), (".5", 0.5), ("+1.5", 1.5), ("-2e2", -200.0), ("1E+2", 100.0)),
        *((word, None) for word in ("", ".", "e5", "1e", "inf", "nan", "1e999", "-1e999", "1_0")),
    ],
)
def test_numbers_are_decimal_with_an_optional_exponent(word: str, value: float | None) -> None:
    assert parse_float(BareWord(word)) == value


@pytest.mark.parametrize(
    ("word", "ambiguous"),
    [
        *((word, True) for word in ("null", "ON", "n", "5", "0x1f", "4G", "1.5", "1e3")),
        *(
            (word, False)
            for word in ("", "x", "nul", "Null", "1.5.5", "d0", "0xg", "-", "4Gb", "+4G")
        ),
    ],
)
def test_the_value_of_a_word_may_depend_on_its_type(word: str, ambiguous: bool) -> None:
    assert is_ambiguous(word) is ambiguous
    assert has_ambiguous_words({"a": [{"b": "5"}, BareWord("x"), BareWord(word)]}) is ambiguous
    assert not has_ambiguous_words({"a": [word, 5, True, None]})


def test_words_are_converted_at_any_depth() -> None:
    inner = Object("inner", [Member("size", lambda: INTEGER), Member("a.b", lambda: BOOLEAN)])
    elements = Array("elements", lambda: alternate(STRING, inner))
    union = Object("union", [Member("kind", lambda: STRING)], "kind", {"5": lambda: inner})
    type_ = Object(
        "outer",
        [
            Member("list", lambda: elements),
            Member("flag", lambda: BOOLEAN),
            Member("union", lambda: union),
        ],
    )
    size, on, off = BareWord("4K"), BareWord("on"), BareWord("off")
    given = {
        "list": [{"a": {"b": on}, "size": size}, size, {"a": {"b": on, "c": off}, "size": "4K"}],
        "union": {"size": size, "kind": BareWord("5")},
        "flag": off,
        "unknown": {"flag": off, "count": BareWord("5")},
    }
    assert apply_types(given, type_) == {
        "list": [
            {"size": 4096, "a.b": True},
            "4K",
            {"a": {"c": "off"}, "a.b": True, "size": "4K"},
        ],
        "union": {"size": 4096, "kind": "5"},
        "flag": False,
        "unknown": {"flag": "off", "count": 5},
    }
    assert apply_types(given, None)["flag"] == "off"


# Lines, and the arguments that they send.
TYPED: list[tuple[str, Any]] = [
    # strings and enumerations: the word itself
    ("device_del id=5", {"id": "5"}),
    ("device_del id=true", {"id": "true"}),
    ("device_del id=0x10", {"id": "0x10"}),
    ('device_del id="5"', {"id": "5"}),
    ("set_link name=null up=on", {"name": "null", "up": True}),
    ("query-named-block-nodes flat=yes", {"flat": True}),
    ("query-named-block-nodes flat=False", {"flat": False}),
    ("query-named-block-nodes flat=NO", {"flat": False}),
    ("query-named-block-nodes flat=1", {"flat": 1}),
    ("watchdog-set-action action=none", {"action": "none"}),
    # integers: decimal, hexadecimal, scaled
    ("balloon value=512M", {"value": 512 << 20}),
    ("balloon value=1.5G", {"value": 3 << 29}),
    ("balloon value=64KiB", {"value": 65536}),
    ("balloon value=64k", {"value": 65536}),
    ("balloon value=512B", {"value": 512}),
    ("balloon value=0x1000", {"value": 4096}),
    ("balloon value=010", {"value": 10}),
    ("balloon value=-1", {"value": -1}),
    ("balloon value=+5", {"value": 5}),
    ("balloon value=1.5", {"value": "1.5"}),
    ("balloon value=+1G", {"value": "+1G"}),
    ("balloon value=abc", {"value": "abc"}),
    ("block_resize node-name=1 size=1T", {"node-name": "1", "size": 1 << 40}),
    ("memsave val=0x1000 size=4K filename=7", {"val": 4096, "size": 4096, "filename": "7"}),
    # at any depth, in lists and in unions, with the tag at any place in the line
    (
        "migrate-set-capabilities capabilities.0.state=on capabilities.0.capability=xbzrle",
        {"capabilities": [{"state": True, "capability": "xbzrle"}]},
    ),
    (
        "blockdev-add file.driver=file file.filename=7 node-name=1 read-only=on driver=qcow2"
        " l2-cache-size=1M cache.direct=off",
        {
            "file": {"driver": "file", "filename": "7"},
            "node-name": "1",
            "read-only": True,
            "driver": "qcow2",
            "l2-cache-size": 1 << 20,
            "cache": {"direct": False},
        },
    ),
    (
        "blockdev-add size=1G node-name=n driver=null-co read-zeroes=on",
        {"size": 1 << 30, "node-name": "n", "driver": "null-co", "read-zeroes": True},
    ),
    (
        "send-key keys.0.data=1 keys.0.type=qcode keys.1.type=number keys.1.data=0x1e hold-time=10",
        {
            "keys": [{"data": "1", "type": "qcode"}, {"type": "number", "data": 30}],
            "hold-time": 10,
        },
    ),
    (
        "object-add qom-type=memory-backend-ram id=1 size=128M share=on host-nodes.0=0",
        {
            "qom-type": "memory-backend-ram",
            "id": "1",
            "size": 128 << 20,
            "share": True,
            "host-nodes": [0],
        },
    ),
    (
        "nbd-server-start addr.type=inet addr.data.host=::1 addr.data.port=10809 max-connections=5",
        {
            "addr": {"type": "inet", "data": {"host": "::1", "port": "10809"}},
            "max-connections": 5,
        },
    ),
    (
        "netdev_add type=user id=1 restrict=on hostfwd.0.str=tcp::2222-:22",
        {"type": "user", "id": "1", "restrict": True, "hostfwd": [{"str": "tcp::2222-:22"}]},
    ),
    (
        "chardev-add id=2 backend.type=socket backend.data.addr.type=inet"
        " backend.data.addr.data.host=a backend.data.addr.data.port=1 backend.data.server=off",
        {
            "id": "2",
            "backend": {
                "type": "socket",
                "data": {
                    "addr": {"type": "inet", "data": {"host": "a", "port": "1"}},
                    "server": False,
                },
            },
        },
    ),
    # alternates: branches that are not strings come first
    ("blockdev-add driver=raw file=5", {"driver": "raw", "file": "5"}),
    (
        "blockdev-add driver=qcow2 file=d backing=null",
        {"driver": "qcow2", "file": "d", "backing": None},
    ),
    (
        "blockdev-add driver=qcow2 file=d overlap-check=none",
        {"driver": "qcow2", "file": "d", "overlap-check": "none"},
    ),
    (
        "blockdev-add driver=qcow2 file=d overlap-check.inactive-l2=on",
        {"driver": "qcow2", "file": "d", "overlap-check": {"inactive-l2": True}},
    ),
    (
        "migrate-set-parameters tls-creds=null max-bandwidth=1G",
        {"tls-creds": None, "max-bandwidth": 1 << 30},
    ),
    # a value of any type: as if there were no schema
    (
        "qom-set path=/machine property=nothing value=5",
        {"path": "/machine", "property": "nothing", "value": 5},
    ),
    # by the type of the QOM property
    (
        "qom-set path=/machine property=graphics value=off",
        {"path": "/machine", "property": "graphics", "value": False},
    ),
    (
        "qom-set path=/machine property=firmware value=5",
        {"path": "/machine", "property": "firmware", "value": "5"},
    ),
    (
        "qom-set value=3G property=max-ram-below-4g path=/machine",
        {"path": "/machine", "property": "max-ram-below-4g", "value": 3 << 30},
    ),
    # by the driver's properties
    (
        "device_add driver=virtio-net-pci id=1 netdev=2 mq=on vectors=0xa addr=5 disable-legacy=on",
        {
            "driver": "virtio-net-pci",
            "id": "1",
            "netdev": "2",
            "mq": True,
            "vectors": 10,
            "addr": "5",
            "disable-legacy": "on",
        },
    ),
    (
        "device_add bootindex=1 serial=5 logical_block_size=4K addr=06.0 drive=1"
        " driver=virtio-blk-pci",
        {
            "bootindex": 1,
            "serial": "5",
            "logical_block_size": 4096,
            "addr": "06.0",
            "driver": "virtio-blk-pci",
            "drive": "1",
        },
    ),
    (
        "device_add driver=no-such id=1 x=1 y=on",
        {"driver": "no-such", "id": "1", "x": 1, "y": "on"},
    ),
    (
        "device_add driver=virtio-net id=1 mq=on addr=5",
        {"driver": "virtio-net", "id": "1", "mq": True, "addr": "5"},
    ),
    ("device_add driver=no-such addr=5", {"driver": "no-such", "addr": "5"}),
    (
        "device_add driver=nvme id=n serial=x zoned.zasl=5",
        {"driver": "nvme", "id": "n", "serial": "x", "zoned.zasl": 5},
    ),
    # commands and arguments that are not in the schema
    ("query-status a=1 b=on c=true d=x", {"a": 1, "b": "on", "c": True, "d": "x"}),
    ("no-such-command a=1 b=4G", {"a": 1, "b": "4G"}),
    # literals and JSON have types of their own
    ("device_del id=[5]", {"id": [5]}),
    (
        "blockdev-add driver=raw file={'driver':'file','filename':5}",
        {"driver": "raw", "file": {"driver": "file", "filename": 5}},
    ),
    ('{"execute": "device_del", "arguments": {"id": 5}}', {"id": 5}),
    # transactions
    (
        "transaction(block-dirty-bitmap-add node=d name=b)",
        {"actions": [{"type": "block-dirty-bitmap-add", "data": {"node": "d", "name": "b"}}]},
    ),
    ("transaction(abort)", {"actions": [{"type": "abort", "data": {}}]}),
    (
        'transaction(abort block-dirty-bitmap-add node=d name="b)" )',
        {
            "actions": [
                {"type": "abort", "data": {}},
                {"type": "block-dirty-bitmap-add", "data": {"node": "d", "name": "b)"}},
            ]
        },
    ),
    # integers that are too long for any VM
    ("balloon value=0x" + "f" * 4000, {"value": "0x" + "f" * 4000}),
    ("balloon value=" + "9" * 4290 + "E", {"value": "9" * 4290 + "E"}),
    (
        "transaction( block-dirty-bitmap-add name=1 node=2 persistent=on granularity=64K abort )",
        {
            "actions": [
                {
                    "type": "block-dirty-bitmap-add",
                    "data": {"name": "1", "node": "2", "persistent": True, "granularity": 65536},
                },
                {"type": "abort", "data": {}},
            ]
        },
    ),
]


def dry_run(run: Run, *arguments: str, lines: str) -> list[Any]:
    """Return the messages that a dry run prints."""
    return [json.loads(line) for line in run("-n", *arguments, stdin=lines).stdout.splitlines()]


def test_words_are_converted_by_the_schema_of_the_vm(quiet_vm: RunningVm, run: Run) -> None:
    found = dry_run(run, quiet_vm.address, lines="\n".join(line for line, _ in TYPED))
    assert [
        (line, message["arguments"]) for (line, _), message in zip(TYPED, found, strict=True)
    ] == TYPED


def test_words_are_converted_by_a_saved_schema(
    quiet_vm: RunningVm, run: Run, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    saved.write_text(run(quiet_vm.address, "-c", "query-qmp-schema").stdout)
    cases = [(line, sent) for line, sent in TYPED if not line.startswith(("device_add", "qom-set"))]
    found = dry_run(run, "--schema", str(saved), lines="\n".join(line for line, _ in cases))
    assert [message["arguments"] for message in found] == [sent for _, sent in cases]


ADDRESSES: list[tuple[str, object]] = [
    ("device_add driver=e1000 addr=5", "5"),
    ("device_add driver=no-such addr=0x5", "0x5"),
    ("device_add addr=5", "5"),
    ("device_add driver={} addr=5", "5"),
    ("device_add driver=pc-dimm memdev=m0 addr=0x100000000", 1 << 32),
    ("device_add addr=4G driver=nvdimm", 1 << 32),
    ("device_add driver=loader addr=4096 data=5", 4096),
]


def test_an_address_without_a_vm_is_a_pci_slot_or_one_in_memory(
    schema_file: Path, run: Run
) -> None:
    lines = "\n".join(line for line, _ in ADDRESSES)
    messages = dry_run(run, "--schema", str(schema_file), "-k", lines=lines)
    assert [
        (line, message["arguments"]["addr"])
        for (line, _), message in zip(ADDRESSES, messages, strict=True)
    ] == ADDRESSES


def values_of(type_: Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type.

    :param depth: how deep the value is. Deep inside, optional parts are left out, because a type
        may contain itself.
    """
    if isinstance(type_, Alternate):
        branches = type_.branches
        if depth > 2:
            branches = [each for each in branches if not isinstance(each, Object)] or branches
        return st.one_of([values_of(branch, depth) for branch in branches])
    if isinstance(type_, Enum):
        return st.sampled_from(list(type_.values))
    if isinstance(type_, Array):
        return st.lists(values_of(type_.element, depth + 1), max_size=2 if depth < 3 else 0)
    if isinstance(type_, Object):
        return objects_of(type_, depth)
    assert isinstance(type_, Builtin)
    return {
        "string": st.text() | st.sampled_from(["on", "5", "0x10", "4G", "null", "a b", "1e3"]),
        "int": st.integers(),
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        "boolean": st.booleans(),
        "null": st.none(),
        "value": st.integers() | st.booleans() | st.text() | st.lists(st.text()),
    }[type_.json_type]


@st.composite
def objects_of(draw: st.DrawFn, type_: Object, depth: int) -> dict[str, Any]:
    """Draw an object with all required members and some of the others, those of branches too."""
    found: dict[str, Any] = {}
    while True:
        members = type_.members_for(found)
        left = [member for name, member in members.items() if name not in found]
        required = [member for member in left if member.required]
        if not required:
            break
        for member in required:
            found[member.name] = draw(values_of(member.type, depth + 1))
    if depth < 3:
        for member in (
            draw(st.lists(st.sampled_from(left), max_size=3, unique=True)) if left else ()
        ):
            found[member.name] = draw(values_of(member.type, depth + 1))
    return found


def test_parsing_a_formatted_message_of_any_command_returns_the_same_message(
    schema: Schema,
) -> None:
    types = offline_types(schema)

    def check(message: dict[str, Any]) -> None:
        source = LineJoiner().add_line(format_message(message))
        assert source is not None
        statement = StatementParser().parse(source)
        assert isinstance(statement, ExecuteStatement)
        given = statement.message.get("arguments", {})
        type_ = types.arguments(message["execute"], given)
        assert type_ is not None
        assert apply_types(given, type_) == message.get("arguments", {})
        assert list(check_arguments(apply_types(given, type_), type_)) == []

    few = hypothesis.settings(
        max_examples=10, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    for name in schema.commands():
        command = schema.command(name)
        assert command is not None
        messages = objects_of(command.arguments, 0).map(functools.partial(message_of, name))
        few(hypothesis.given(messages)(check))()


def message_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the message that executes a command."""
    return {"execute": name} | ({"arguments": arguments} if arguments else {})


def test_the_vm_survives_queries_for_the_properties_of_every_driver(vm: RunningVm) -> None:
    with vm.second() as client:
        drivers = [
            entry["name"]
            for entry in client.execute("qom-list-types", implements="device", abstract=False)
        ]
        types = VmTypes(Answers(client).waiting)
        known = [name for name in drivers if types.arguments("device_add", {"driver": name})]
        assert known == drivers
        complete = [
            name
            for name in drivers
            if not getattr(types.arguments("device_add", {"driver": name}), "is_incomplete", True)
        ]
        assert {"e1000", "virtio-net-pci", "virtio-vga", "vhost-scsi-pci"} <= set(complete)
        assert len(drivers) - len(complete) <= 2
        assert client.execute("query-status")["status"] == "prelaunch"
