"""The VM's types: parsing a schema, whatever a VM sends, and checking arguments against it."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.language.word_types import apply_types
from qmp_shell.schema import ANY, Alternate, Object, Schema, Type, branches, parse_schema
from qmp_shell.schema.check import check_arguments, feature_warnings
from qmp_shell.schema.text import describe_member, describe_type, format_signature, format_type

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
    assert check_arguments({"kind": tag, "path": "x"}, type_) == ["kind must be one of file, none"]


@pytest.mark.parametrize("text", [json.dumps(UNION), json.dumps({"return": UNION, "id": 1})])
def test_a_saved_schema_is_a_list_or_a_whole_reply(text: str) -> None:
    assert parse_schema(text).commands() == ["create"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ("5", "neither a list nor a reply that returns one"),
        ('{"return": {}}', "neither a list nor a reply that returns one"),
        ("[]", "it has no commands"),
        ('[1, {}, {"name": "x", "meta-type": "event"}]', "it has no commands"),
    ],
)
def test_a_text_that_is_not_a_schema_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
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
    assert branches(Schema([itself]).type("a")) == []
    itself["members"] = [{"type": "a"}, {"type": "str"}]
    assert format_type(Schema([itself, text]).type("a")) == "str"


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
