"""The VM's types: parsing a schema, whatever a VM sends, and checking arguments against it."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.language.word_types import apply_types
from qmp_shell.schema import (
    ANY,
    INTEGER,
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
    as_array,
    as_object,
    branches,
    parse_schema,
)
from qmp_shell.schema.check import (
    check_arguments,
    feature_warnings,
    warning_features,
)
from qmp_shell.schema.inner_members import find_inner_members
from qmp_shell.schema.suggestions import (
    format_suggestion,
    nearest_name,
    other_name,
    similar_names,
    suggest,
)
from qmp_shell.schema.text import (
    describe_member,
    describe_member_type,
    describe_type,
    format_arguments,
    format_signature,
    format_type,
    format_value,
    kind_of_type,
    required_first,
)
from qmp_shell.schema.types import innermost_element

UNION: list[dict[str, Any]] = [
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "create", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
    {
        "name": "1",
        "meta-type": "object",
        "members": [{"name": "kind", "type": "2"}],
        "tag": "kind",
        "variants": [{"case": "file", "type": "3"}],
    },
    {"name": "2", "meta-type": "enum", "values": ["file", "none"]},
    {"name": "3", "meta-type": "object", "members": [{"name": "path", "type": "str"}]},
]


# A schema in which each kind of type occurs. The names of types are numbers, as QEMU sends them.
ENTRIES: list[dict[str, Any]] = [
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "int", "meta-type": "builtin", "json-type": "int"},
    {"name": "number", "meta-type": "builtin", "json-type": "number"},
    {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
    {"name": "null", "meta-type": "builtin", "json-type": "null"},
    {"name": "any", "meta-type": "builtin", "json-type": "value"},
    {
        "name": "disk-add",
        "meta-type": "command",
        "arg-type": "10",
        "ret-type": "20",
        "allow-oob": True,
        "features": ["unstable", "json-cli"],
    },
    {"name": "abort", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
    {"name": "transaction", "meta-type": "command", "arg-type": "30", "ret-type": "0"},
    {"name": "STOP", "meta-type": "event", "arg-type": "0"},
    {
        "name": "GONE",
        "meta-type": "event",
        "arg-type": "12",
        "features": ["deprecated"],
    },
    {"name": "0", "meta-type": "object", "members": []},
    {
        "name": "10",
        "meta-type": "object",
        "members": [
            {"name": "size", "type": "int", "default": 5},
            {"name": "kind", "type": "11"},
            {"name": "rate", "type": "number", "default": None, "features": ["unstable"]},
            {"name": "flags", "type": "[bool]", "default": None},
            {"name": "backing", "type": "14", "default": None},
            {"name": "extra", "type": "any", "default": None},
        ],
        "tag": "kind",
        "variants": [{"case": "file", "type": "12"}, {"case": "copy", "type": "13"}],
    },
    {
        "name": "11",
        "meta-type": "enum",
        "values": ["file", "copy", "none"],
        "members": [
            {"name": "file"},
            {"name": "copy", "features": ["deprecated", "x", "unstable"]},
            {"name": "none"},
        ],
    },
    {"name": "12", "meta-type": "object", "members": [{"name": "path", "type": "str"}]},
    {
        "name": "13",
        "meta-type": "object",
        "members": [
            {"name": "mode", "type": "15"},
            {"name": "from", "type": "12"},
        ],
        "tag": "mode",
        "variants": [{"case": "slow", "type": "16"}],
    },
    {
        "name": "14",
        "meta-type": "alternate",
        "members": [{"type": "str"}, {"type": "null"}, {"type": "12"}, {"type": "[12]"}],
    },
    {"name": "15", "meta-type": "enum", "values": ["slow", "fast"]},
    {
        "name": "16",
        "meta-type": "object",
        "members": [{"name": "delay", "type": "int", "features": ["deprecated"]}],
    },
    {"name": "[bool]", "meta-type": "array", "element-type": "bool"},
    {"name": "[12]", "meta-type": "array", "element-type": "12"},
    {"name": "[20]", "meta-type": "array", "element-type": "20"},
    {"name": "[loop]", "meta-type": "array", "element-type": "[loop]"},
    {
        "name": "20",
        "meta-type": "object",
        "members": [{"name": "state", "type": "21"}, {"name": "parts", "type": "[20]"}],
    },
    {"name": "21", "meta-type": "enum", "values": ["idle", "busy", "a-very-long-state-name"]},
    {
        "name": "30",
        "meta-type": "object",
        "members": [{"name": "actions", "type": "[31]"}],
    },
    {"name": "[31]", "meta-type": "array", "element-type": "31"},
    {
        "name": "31",
        "meta-type": "object",
        "members": [{"name": "type", "type": "32"}],
        "tag": "type",
        "variants": [{"case": "abort", "type": "33"}],
    },
    {"name": "32", "meta-type": "enum", "values": ["abort"]},
    {"name": "33", "meta-type": "object", "members": [{"name": "data", "type": "0"}]},
]


@pytest.fixture
def small_schema() -> Schema:
    """The schema with each kind of type, built anew for each test."""
    return Schema(ENTRIES)


def arguments_type(schema: Schema, command: str) -> Object:
    """Return the type of the arguments of a command that must exist."""
    found = schema.command(command)
    assert found is not None
    return found.arguments


@pytest.mark.parametrize("tag", [{"a": 1}, ["file"], 5, None])
def test_a_tag_that_is_not_a_string_chooses_no_branch(tag: object) -> None:
    """A list or dictionary as the tag raised a TypeError, because it cannot be hashed."""
    type_ = arguments_type(Schema(UNION), "create")
    assert list(type_.members_for({"kind": tag})) == ["kind"]
    assert type_.is_open({"kind": tag})
    # The branch is not known, so nothing is said about the member of one.
    faults = check_arguments({"kind": tag, "path": "x"}, type_)
    assert list(map(str, faults)) == ["kind must be one of file, none"]


@pytest.mark.parametrize("text", [json.dumps(UNION), json.dumps({"return": UNION, "id": 1})])
def test_a_saved_schema_is_a_list_or_a_whole_reply(text: str) -> None:
    assert parse_schema(text).commands() == ["create"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value.*"),
        ("{", "Expecting property name.*"),
        ("[" * 100_000, "its JSON is nested too deeply"),
        ("5", "it is neither a list nor a reply that returns one"),
        ('{"return": {}}', "it is neither a list nor a reply that returns one"),
        ("[]", "it has no commands"),
        ('[1, {}, {"name": "x", "meta-type": "event"}]', "it has no commands"),
    ],
)
def test_a_text_that_is_not_a_schema_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        parse_schema(text)


def test_entries_that_are_not_valid_are_ignored() -> None:
    members = [{"name": ["x"]}, {"type": "str"}, 5, {"name": "a", "type": {}}]
    entries: list[Any] = [
        *(5, None, [], {}, {"name": ["x"], "meta-type": "command"}),
        {"name": "c", "meta-type": "command", "arg-type": "o", "ret-type": 5, "features": [{}]},
        {"name": "d", "meta-type": "command", "arg-type": ["o"], "features": 5},
        {"name": "o", "meta-type": "object", "members": members, "tag": {"a": 1}, "variants": 5},
        {"name": "e", "meta-type": "enum", "values": [1, ["x"], "y"]},
        {"name": "f", "meta-type": "enum", "members": [1, {"name": 5}, {"name": "z"}]},
        {"name": "g", "meta-type": ["object"]},
    ]
    schema = Schema(entries)
    assert schema.commands() == ["c", "d"]
    command = schema.command("c")
    assert command is not None
    assert (command.features, command.returns) == ((), ANY)
    assert {name: member.type for name, member in command.arguments.members.items()} == {"a": ANY}
    assert command.arguments.tag is None
    assert list(arguments_type(schema, "d").members) == []
    assert [format_type(schema.type(name)) for name in "efg"] == ["y", "z", "any"]


def test_an_alternate_in_an_alternate_is_ignored() -> None:
    """Describing an alternate of a hundred times itself would take exponential time."""
    itself = {"name": "a", "meta-type": "alternate", "members": [{"type": "a"}] * 100}
    text = {"name": "str", "meta-type": "builtin", "json-type": "string"}
    assert branches(Schema([itself]).type("a")) == [ANY]
    itself["members"] = [{"type": "a"}, {"type": "str"}]
    assert format_type(Schema([itself, text]).type("a")) == "str"


def test_commands_and_events_are_looked_up_by_name(small_schema: Schema) -> None:
    assert small_schema.commands() == ["abort", "disk-add", "transaction"]
    assert small_schema.events() == ["GONE", "STOP"]
    command = small_schema.command("disk-add")
    assert command is not None
    assert (command.name, command.arguments.name, command.returns.name) == ("disk-add", "10", "20")
    assert (command.features, command.out_of_band) == (("unstable", "json-cli"), True)
    other = small_schema.command("abort")
    assert other is not None
    assert (other.features, other.out_of_band) == ((), False)
    event = small_schema.event("GONE")
    assert event is not None
    assert (event.name, event.data.name, event.features) == ("GONE", "12", ("deprecated",))
    for name in ("nothing", "GONE", "str"):
        assert small_schema.command(name) is None
    for name in ("nothing", "abort", "str"):
        assert small_schema.event(name) is None


def test_types_are_looked_up_by_name(small_schema: Schema) -> None:
    assert [small_schema.has_type(name) for name in ("str", "10", "abort", "STOP", "99")] == [
        *(True, True, False, False, False)
    ]
    type_ = small_schema.type("int")
    assert isinstance(type_, Builtin)
    assert (type_.name, type_.json_type) == ("int", "int")
    assert small_schema.type("int") is type_
    assert small_schema.type("99") is ANY
    for name in ("str", "10", "11", "12", "14", "[12]"):
        assert small_schema.type(name).name == name
    members = arguments_type(small_schema, "disk-add").members
    assert [(name, m.required, m.default, m.features) for name, m in members.items()][:3] == [
        ("size", False, 5, ()),
        ("kind", True, None, ()),
        ("rate", False, None, ("unstable",)),
    ]
    assert [
        kind_of_type(small_schema.type(name)) for name in ("str", "10", "11", "12", "14", "[12]")
    ] == [*("Builtin", "Union", "Enum", "Object", "Alternate", "Array")]


def test_the_actions_of_a_transaction_are_a_union(small_schema: Schema) -> None:
    action = small_schema.action()
    assert action is not None
    assert (action.name, action.tag) == ("31", "type")
    assert list(action.members_for({"type": "abort"})) == ["type", "data"]
    assert Schema([]).action() is None
    assert Schema([{"name": "transaction", "meta-type": "command"}]).action() is None
    for element in ("str", "12"):  # neither a string nor an object without a tag
        entries: list[object] = [
            {"name": "transaction", "meta-type": "command", "arg-type": "0"},
            {"name": "0", "meta-type": "object", "members": [{"name": "actions", "type": "1"}]},
            {"name": "1", "meta-type": "array", "element-type": element},
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "12", "meta-type": "object", "members": []},
        ]
        assert Schema(entries).action() is None


@pytest.mark.parametrize(
    ("command", "path", "names"),
    [
        ("disk-add", ["kind"], ["11"]),
        ("disk-add", ["mode"], ["15"]),
        ("disk-add", ["state"], ["21"]),
        ("disk-add", ["parts", "parts", "state"], ["21"]),
        ("disk-add", ["size"], []),
        ("disk-add", ["nothing", "state"], []),
        ("nothing", ["kind"], []),
    ],
)
def test_enumerations_are_found_in_arguments_and_return_values(
    small_schema: Schema, command: str, path: list[str], names: list[str]
) -> None:
    assert [enum.name for enum in small_schema.enums_at(command, path)] == names


@pytest.mark.parametrize(
    ("given", "more", "is_open", "tags"),
    [
        ({}, [], True, ["kind"]),
        (None, [], False, ["kind"]),
        ({"kind": "none"}, [], False, ["kind"]),
        ({"kind": "other"}, [], True, ["kind"]),
        ({"kind": "file"}, ["path"], False, ["kind"]),
        ({"kind": "copy"}, ["mode", "from"], True, ["kind", "mode"]),
        ({"kind": "copy", "mode": "fast"}, ["mode", "from"], False, ["kind", "mode"]),
        ({"kind": "copy", "mode": "slow"}, ["mode", "from", "delay"], False, ["kind", "mode"]),
    ],
)
def test_tags_choose_the_members_of_a_union(
    small_schema: Schema, given: Any, more: list[str], is_open: bool, tags: list[str]
) -> None:
    type_ = arguments_type(small_schema, "disk-add")
    assert list(type_.cases) == ["file", "copy"]
    assert list(type_.members_for(given)) == [*type_.members, *more]
    assert type_.is_open(given) is is_open
    assert [name for name in type_.members_for(given) if type_.is_tag(name, given)] == tags


def test_a_union_that_is_its_own_branch_has_its_members_once() -> None:
    type_ = Object("loop", [Member("kind", lambda: STRING)], "kind", {"a": lambda: type_})
    assert list(type_.active_branches({"kind": "a"})) == [type_]
    assert type_.branch("b") is None
    assert Object("object", (), None, {"a": lambda: STRING}).branch("a") is None
    assert Object("object", (), "kind").tag is None


def test_a_copy_of_an_object_with_more_members(small_schema: Schema) -> None:
    type_ = arguments_type(small_schema, "disk-add")
    copy = type_.with_members([Member("size", lambda: STRING), Member("new", lambda: STRING)])
    assert (copy.name, copy.tag, copy.is_incomplete) == ("10", "kind", False)
    assert list(copy.members_for({"kind": "file"})) == [*type_.members, "new", "path"]
    assert copy.members["size"].type is STRING
    assert type_.members["size"].type.name == "int"
    assert not copy.is_open({"kind": "file"})
    open_copy = type_.with_members([], is_incomplete=True)
    assert open_copy.is_open({"kind": "file"})
    assert not type_.is_incomplete


def test_the_branches_of_a_type(small_schema: Schema) -> None:
    alternate = small_schema.type("14")
    assert [each.name for each in branches(alternate)] == ["str", "null", "12", "[12]"]
    assert branches(STRING) == [STRING]
    assert branches(None) == []
    assert as_object(alternate) is small_schema.type("12")
    assert as_array(alternate) is small_schema.type("[12]")
    assert (as_object(STRING), as_array(STRING), as_object(None), as_array(None)) == (None,) * 4
    assert innermost_element(
        Array("outer", lambda: small_schema.type("[12]"))
    ) is small_schema.type("12")
    assert innermost_element(STRING) is STRING
    assert innermost_element(small_schema.type("[loop]")) is small_schema.type("[loop]")


ALL = {"kind": "file", "path": "/a"}


@pytest.mark.parametrize(
    ("arguments", "faults"),
    [
        (ALL, []),
        (
            ALL | {"size": 1, "rate": 0.5, "flags": [True], "backing": None, "extra": [{}]},
            [],
        ),
        (ALL | {"rate": 5, "backing": [{"path": "x"}], "flags": []}, []),
        ({}, ["missing: kind"]),
        ({"kind": "copy"}, ["missing: mode, from"]),
        ({"kind": "copy", "mode": "fast", "from": {}}, ["missing: from.path"]),
        (
            {"kind": "none", "path": "/a"},
            ["no argument path; it takes: size, rate, flags, backing, extra"],
        ),
        ({"kind": "file", "pth": "/a"}, ["no argument pth; did you mean path?"]),
        ({"kind": "fil"}, ["kind has no value 'fil'; did you mean file?"]),
        ({"kind": "x"}, ["kind has no value 'x'; kind is one of: file, copy, none"]),
        (ALL | {"size": "5"}, ["size must be an integer (as 10, 0x10 or 4G)"]),
        *(
            (
                ALL | {"size": size},
                [
                    "size must be an integer (as 10, 0x10 or 4G); a number with a unit has no sign:"
                    " it is the new value, not a difference"
                ],
            )
            for size in ("+1G", "-1.5kib", "+5B")
        ),
        (ALL | {"size": "+G"}, ["size must be an integer (as 10, 0x10 or 4G)"]),
        (ALL | {"size": 1.5}, ["size must be an integer (as 10, 0x10 or 4G)"]),
        (ALL | {"size": True}, ["size must be an integer (as 10, 0x10 or 4G)"]),
        (ALL | {"rate": True}, ["rate must be a number"]),
        (ALL | {"rate": "1"}, ["rate must be a number"]),
        (ALL | {"flags": True}, ["flags must be a list, each item true or false"]),
        (
            ALL | {"flags": [True, 1, False, "x"]},
            ["flags.1 must be true or false", "flags.3 must be true or false"],
        ),
        (
            ALL | {"backing": 5},
            ["backing must be a string, or null, or an object, or a list, each item an object"],
        ),
        (
            ALL | {"backing": {"path": "x", "y": 1}},
            ["no argument backing.y"],
        ),
        (
            ALL | {"backing": {"pathe": "x"}},
            ["no argument backing.pathe; did you mean backing.path?"],
        ),
        (
            {"kind": "copy", "size": "x"},
            ["size must be an integer (as 10, 0x10 or 4G)", "missing: mode, from"],
        ),
    ],
    ids=str,
)
def test_arguments_are_checked_against_their_types(
    small_schema: Schema, arguments: object, faults: list[str]
) -> None:
    found = check_arguments(arguments, arguments_type(small_schema, "disk-add"))
    assert list(map(str, found)) == faults


LEVELS = Object(
    "outer",
    [
        Member("name", lambda: STRING),
        Member("options", lambda: Object("inner", [Member("size", lambda: INTEGER)])),
    ],
)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"size": 5}, "no argument size; did you mean options.size?"),
        ({"options": {"name": "x"}}, "no argument options.name; it takes: options.size"),
        ({"props": {"name": "x"}}, "no argument props; name must stand at the top, not in it"),
        (
            {"options": {"more": {"size": 5}}},
            "no argument options.more; size must stand in options, not in it",
        ),
        ({"props": {"x": 5}}, "no argument props; it takes: name, options"),
    ],
)
def test_a_member_at_the_wrong_level_is_found_at_the_right_one(
    arguments: object, fault: str
) -> None:
    assert list(map(str, check_arguments(arguments, LEVELS))) == [fault]


@pytest.mark.parametrize(
    ("command", "given", "inner"),
    [
        # what is required and not given yet, and the value that it needs
        ("blockdev-add", {"driver": "qcow2", "filename": "/a"}, "file.driver=file file.filename"),
        ("blockdev-add", {"driver": "qcow2", "size": 5, "filename": "/a"}, "file.filename"),
        # most of what is given tells which value, and so does a value that is given
        ("blockdev-add", {"driver": "raw", "image": "i", "pool": "p"}, "file.pool"),
        (
            "blockdev-add",
            {"driver": "raw", "pool": "p", "image": "i"},
            "file.driver=rbd file.pool, file.image",
        ),
        ("blockdev-add", {"driver": "raw", "url": "http://h/p"}, "file.url"),
        ("blockdev-create", {"job-id": "j", "size": 5, "driver": "qcow2"}, "options.driver"),
        # what is given already
        (
            "blockdev-add",
            {"driver": "qcow2", "file": {"driver": "nbd"}, "export": "x"},
            "file.export",
        ),
        (
            "chardev-add",
            {"id": "c0", "backend": {"type": "file"}, "out": "/a"},
            "backend.data.out",
        ),
        # nothing that is not wanted, and no value that does not fit
        ("blockdev-add", {"driver": "qcow2", "file": "d0", "filename": "/a"}, ""),
        ("blockdev-add", {"driver": "qcow2", "file": "d0", "format": "qcow2"}, ""),
        ("blockdev-add", {"driver": "qcow2", "file": "d0", "format": "luks"}, "encrypt.format"),
        ("chardev-add", {"id": "c0", "backend": {"type": "null"}, "out": "/a"}, ""),
    ],
    ids=str,
)
def test_a_member_is_found_in_the_other_members(
    schema: Schema, command: str, given: dict[str, Any], inner: str
) -> None:
    members = arguments_type(schema, command).members_for(given)
    found = find_inner_members(given, members)
    assert ", ".join(map(str, found.values())).endswith(inner)
    assert bool(found) == bool(inner)


def test_the_first_member_of_an_object_has_its_tag(schema: Schema) -> None:
    given = {"driver": "qcow2", "size": 5, "filename": "/a", "aio": "native"}
    members = arguments_type(schema, "blockdev-add").members_for(given)
    found = find_inner_members(given, members, "x.")
    tag = ("x.file.driver", "file")
    assert found["size"].tags + found["filename"].tags == (tag,)
    assert str(found["aio"]) == "x.file.aio"


@pytest.mark.parametrize(
    ("command", "word", "other"),
    [
        ("blockdev-add", "id", "node-name"),
        ("netdev_add", "driver", "type"),
        ("netdev_add", "NAME", "id"),
        ("object-add", "type", "qom-type"),
        ("block-dirty-bitmap-add", "node_name", "node"),
        ("block-dirty-bitmap-add", "id", "name"),
        # its node-name is that of the target
        ("drive-mirror", "id", ""),
        ("stop", "id", ""),
        ("netdev_add", "nonsense", ""),
    ],
)
def test_what_is_called_otherwise_elsewhere(
    schema: Schema, command: str, word: str, other: str
) -> None:
    assert other_name(word, arguments_type(schema, command).members_for({"driver": "raw"})) == other


@pytest.mark.timeout(20)
def test_members_are_not_looked_for_without_end() -> None:
    """An object may hold itself, many times, beside many other members."""

    def find_type() -> Object:
        return inner

    inner = Object(
        "inner",
        [
            *(Member(f"m{number}", find_type, required=True) for number in range(1000)),
            *(Member(f"s{number}", lambda: STRING) for number in range(10_000)),
        ],
    )
    given = {"x": 1, "y": {"m1": {"m2": {"m3": {"m4": {"m5": 5}}}}}, "m1": {"m2": {"z": 5}}}
    assert find_inner_members(given, inner.members) == {}


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"kind": "none", "backing": "x"}, []),
        ({"kind": 5}, ["kind must be one of file, copy, none"]),
        ({"x": "file"}, ["x must be an object; did you mean x.kind=file?"]),
        ({"x": "other"}, ["x must be an object"]),
        ({"x": []}, ["x must be an object"]),
    ],
    ids=str,
)
def test_the_tag_in_the_place_of_its_object(
    small_schema: Schema, given: dict[str, Any], faults: list[str]
) -> None:
    disk = arguments_type(small_schema, "disk-add")
    type_ = Object("", [Member("x", lambda: disk)]) if "x" in given else disk
    assert list(map(str, check_arguments(given, type_))) == faults


def test_what_is_unknown_may_belong_into_props() -> None:
    type_ = Object("new", [Member("id", lambda: STRING), Member("props", lambda: ANY)])
    (size,) = check_arguments({"size": 5}, type_)
    assert str(size) == "no argument size; did you mean props.size?"
    (idd,) = check_arguments({"idd": "x"}, type_)
    assert str(idd) == "no argument idd; did you mean id?"


def test_arguments_that_are_no_object_are_a_fault() -> None:
    (fault,) = check_arguments([], Object("", ()))
    assert str(fault) == "arguments must be an object"


@pytest.mark.parametrize(
    ("arguments", "warnings"),
    [
        ({"kind": "file"}, []),
        ({"kind": "copy"}, ["kind=copy is deprecated", "kind=copy is unstable"]),
        ({"rate": 1, "size": 1, "nothing": 1}, ["rate is unstable"]),
        (
            {"kind": "copy", "mode": "slow", "delay": 1},
            ["kind=copy is deprecated", "kind=copy is unstable", "delay is deprecated"],
        ),
        ({"kind": "x"}, []),
        (5, []),
    ],
)
def test_features_that_are_in_use_are_warned_of(
    small_schema: Schema, arguments: object, warnings: list[str]
) -> None:
    assert list(feature_warnings(arguments, arguments_type(small_schema, "disk-add"))) == warnings


def test_features_are_warned_of_at_any_depth() -> None:
    inner = Object("inner", [Member("old", lambda: STRING, features=("deprecated", "x"))])
    elements = Array("elements", lambda: inner)
    type_ = Object("outer", [Member("list", lambda: elements), Member("one", lambda: inner)])
    given = {"list": [{}, {"old": "x"}], "one": {"old": "x"}}
    assert list(feature_warnings(given, type_)) == [
        "list.old is deprecated",
        "one.old is deprecated",
    ]
    assert warning_features(["unstable", "x", "deprecated"]) == ["unstable", "deprecated"]


def test_an_alternate_has_one_list_at_most() -> None:
    """The JSON type tells branches apart; many lists of the alternate itself froze completion."""
    lists = [
        {"name": f"l{number}", "meta-type": "array", "element-type": "a"} for number in range(60)
    ]
    branches_of_a = [{"type": each["name"]} for each in lists] + [{"type": "a"}, {"type": "1"}]
    schema = Schema(
        [
            *lists,
            {"name": "a", "meta-type": "alternate", "members": branches_of_a},
            {"name": "1", "meta-type": "object", "members": [{"name": "x", "type": "a"}]},
        ]
    )
    assert [each.name for each in branches(schema.type("a"))] == ["l0", "1"]


def test_similar_names_are_found_whatever_their_case() -> None:
    names = ["query-status", "query_stats", "query-block", "STOP"]
    assert similar_names("QUERY_STATUS", names) == ["query-status"]
    assert similar_names("QUERY-STATES", names) == ["query_stats", "query-status"]
    assert similar_names("stpo", names) == ["STOP"]
    assert similar_names("zzz", names) == []
    assert similar_names("a_b", ["a-b"]) == ["a-b"]
    assert similar_names("a-b", ["a_b"]) == ["a_b"]
    assert similar_names("a-b", ["axb"]) == []
    assert len(similar_names("abcd", ["abcd1", "abcd2", "abcd3", "abcd4"])) == 3
    assert similar_names("", ["a", ""]) == []


@pytest.mark.parametrize(
    ("word", "similar", "nearest"),
    [
        # what begins with the word comes before what is as similar otherwise
        ("query-cpu", ["query-cpus-fast", "query-cpu-definitions"], "query-cpus-fast"),
        ("file", ["filename"], "filename"),
        ("system", ["system_reset", "system_wakeup", "system_powerdown"], ""),
        ("migrate-", ["migrate", "migrate-pause"], "migrate"),
        ("query-vn", ["query-vnc"], "query-vnc"),
        # letters in another order
        ("query-cvn", ["query-vnc"], "query-vnc"),
        # what many names begin with makes none of them similar
        ("query-pic", ["query-pci"], "query-pci"),
        ("query-ram", [], ""),
        ("gmirate", ["migrate"], "migrate"),
        # all parts of the word are parts of the name
        ("wakeup", ["system_wakeup"], "system_wakeup"),
        ("definitions-cpu", ["query-cpu-definitions"], "query-cpu-definitions"),
        ("cpus", [], ""),  # too short
        ("", [], ""),
    ],
)
def test_names_that_begin_with_the_word(word: str, similar: list[str], nearest: str) -> None:
    names = [
        *("query-vnc", "query-tpm", "query-pci", "query-cpus-fast", "query-cpu-definitions"),
        *("filename", "system_reset", "system_powerdown", "system_wakeup"),
        *("migrate", "migrate-pause", "migrate-continue", "migrate-recover", "migrate-incoming"),
    ]
    assert similar_names(word, names) == similar
    assert nearest_name(word, names) == nearest


@pytest.mark.timeout(20)
def test_no_name_is_similar_to_a_very_long_word() -> None:
    """To compare these took a minute; no name of QEMU's is as long."""
    word = "".join(map(chr, range(0x4E00, 0x4F00))) * 800
    assert similar_names(word, [word[::-1]]) == []
    assert similar_names("a" * 200, ["a" * 199 + "b"]) == ["a" * 199 + "b"]


@pytest.mark.parametrize(
    ("word", "names", "text"),
    [
        ("pth", ["path", "mode"], "did you mean x.path?"),
        ("path1", ["path", "paths"], "did you mean x.path or x.paths?"),
        ("zzz", ["path", "mode"], "there are: x.path, x.mode"),
        ("zzz", list("abcdefgh"), "there are: x.a, x.b, x.c, x.d, x.e, x.f, x.g, x.h"),
        ("zzz", list("abcdefghi"), ""),
        ("zzz", ["path"], "there are: x.path"),
        ("zzz", [], ""),
    ],
)
def test_a_suggestion_names_what_is_similar_or_all_if_few(
    word: str, names: list[str], text: str
) -> None:
    assert suggest(word, names, "there are", "x.") == text
    plain = text.replace("x.", "")
    assert suggest(word, iter(names), "there are") == plain
    assert format_suggestion(word, iter(names), "there are") == (f"; {plain}" if plain else "")


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("str", "str", "a string"),
        ("int", "int", "an integer (as 10, 0x10 or 4G)"),
        ("number", "number", "a number"),
        ("bool", "bool", "true or false"),
        ("null", "null", "null"),
        ("any", "any", "any value"),
        ("11", "file|copy|none", "one of file, copy, none"),
        ("21", "enum", "one of idle, busy, a-very-long-state-name"),
        ("12", "{...}", "an object"),
        ("[12]", "[{...}]", "a list, each item an object"),
        (
            "14",
            "str|null|{...}|[{...}]",
            "a string, or null, or an object, or a list, each item an object",
        ),
        ("[loop]", "[[[[[...]]]]]", "a list, each item " * 5 + "..."),
    ],
)
def test_a_type_is_described_in_a_few_characters_and_in_words(
    small_schema: Schema, name: str, short: str, long: str
) -> None:
    assert format_type(small_schema.type(name)) == short
    assert describe_type(small_schema.type(name)) == long


def test_types_are_described_to_a_depth_of_four() -> None:
    str_or_list = [{"type": "str"}, {"type": "list"}]
    schema = Schema(
        [
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "list", "meta-type": "array", "element-type": "loop"},
            {"name": "loop", "meta-type": "alternate", "members": str_or_list},
            {"name": "odd", "meta-type": "builtin", "json-type": "object"},
        ]
    )
    assert format_type(schema.type("loop")) == "str|[str|[...|...]]"
    item = "a string, or a list, each item "
    assert describe_type(schema.type("loop")) == item + item + "..., or ..."
    assert (format_type(schema.type("odd")), describe_type(schema.type("odd"))) == (
        *("any", "any value"),
    )


def test_of_a_long_enumeration_the_first_values_are_named() -> None:
    names = [f"key{number}" for number in range(21)]
    keys = [EnumValue(name) for name in names]
    assert describe_type(Enum("keys", keys[:20])) == f"one of {', '.join(names[:20])}"
    assert describe_type(Enum("keys", keys)) == f"one of {', '.join(names[:8])}, ..."


def test_an_enumeration_is_listed_up_to_24_characters() -> None:
    def enum(*values: str) -> Type:
        return Schema([{"name": "e", "meta-type": "enum", "values": values and [*values]}]).type(
            "e"
        )

    assert format_type(enum("a" * 12, "b" * 11)) == "a" * 12 + "|" + "b" * 11
    assert format_type(enum("a" * 12, "b" * 12)) == "enum"


def test_a_signature_has_the_required_arguments_first(small_schema: Schema) -> None:
    type_ = arguments_type(small_schema, "disk-add")
    members = type_.members_for({"kind": "file"})
    assert [member.name for member in required_first(members)] == [
        *("kind", "path", "size", "rate", "flags", "backing", "extra")
    ]
    assert [(part.name, part.text) for part in format_signature(members)][:3] == [
        ("kind", "kind=file|copy|none"),
        ("path", "path=str"),
        ("size", "[size=int]"),
    ]
    command = small_schema.command("disk-add")
    assert command is not None
    assert format_arguments(command) == (
        "kind=file|copy|none [size=int] [rate=number] [flags=[bool]] "
        "[backing=str|null|{...}|[{...}]] [extra=any]"
    )


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (Member("a", lambda: INTEGER), "int, optional"),
        (Member("a", lambda: INTEGER, required=True), "int, required"),
        (Member("a", lambda: INTEGER, default=5), "int, optional, default 5"),
        (Member("a", lambda: INTEGER, default=False), "int, optional, default false"),
        (Member("a", lambda: INTEGER, default=""), 'int, optional, default ""'),
        (
            Member("a", lambda: INTEGER, features=("x", "unstable"), description="A size."),
            "int, optional, x, unstable: A size.",
        ),
    ],
)
def test_a_member_is_described_on_one_line(member: Member, text: str) -> None:
    assert describe_member(member, member.type) == text
    described = describe_member_type(member, "T")
    assert described == text.replace("int", "T").removesuffix(": A size.")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), ("", '""'), (5, "5"), (True, "true"), (None, "null"), (["a"], '["a"]')],
)
def test_a_value_is_formatted_as_it_is_typed(value: object, text: str) -> None:
    assert format_value(value) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", "c"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), children, max_size=3)
    ),
    max_leaves=6,
)
references = st.sampled_from(["a", "b", "c"]) | values
members = st.lists(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("name", "type", "case", "default", "features", "members"), references
        ),
    ),
    max_size=4,
)
schema_entries = st.fixed_dictionaries(
    {
        "name": references,
        "meta-type": st.sampled_from(
            ["command", "event", "object", "enum", "array", "alternate", "builtin"]
        )
        | values,
    },
    optional={
        **dict.fromkeys(("arg-type", "ret-type", "element-type", "tag", "json-type"), references),
        **dict.fromkeys(("members", "variants", "values", "features"), members | values),
    },
)


@hypothesis.given(st.lists(schema_entries | values, max_size=8), values)
def test_no_schema_raises_an_error(entries: list[Any], arguments: Any) -> None:
    """Whatever a VM sends as its schema, it can be parsed, described and checked against."""
    schema = Schema(entries)
    schema.action()
    types: list[Type] = [schema.type(name) for name in "abc"]
    for name in schema.commands():
        command = schema.command(name)
        assert command is not None
        types += [command.arguments, command.returns]
        schema.enums_at(name, ["a", "b"])
    for name in schema.events():
        event = schema.event(name)
        assert event is not None
        types.append(event.data)
    for type_ in types:
        assert isinstance(format_type(type_) + describe_type(type_), str)
        assert not any(isinstance(branch, Alternate) for branch in branches(type_))
        list(feature_warnings(arguments, type_))
        apply_types(arguments, type_)
        if isinstance(type_, Object):
            check_arguments(arguments, type_)
            type_.is_open(arguments)
            format_signature(type_.members_for(arguments))
            for member in type_.members.values():
                describe_member(member, member.type)
