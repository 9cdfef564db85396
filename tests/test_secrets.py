"""Secrets: what is hidden in messages and texts, and what is kept out of the history."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.language.notation import format_message
from qmp_shell.language.secrets import (
    ANY,
    RETURN,
    SECRETS,
    Secret,
    holds_secret,
    may_hold_secret,
    reads_secret,
    redact,
)
from qmp_shell.messages import Message, Request
from qmp_shell.prompt.history import open_history
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.views import Look
from qmp_shell.schema import Alternate, Array, Builtin, Object, Schema, Type
from qmp_shell.script import ScriptDisplay
from qmp_shell.session.log import MessageTracer
from qmp_shell.session.settings import Settings
from tests.conftest import Run, RunningVm, StartPeer
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.terminal import Terminal

SECRET = "hunter2"
OBJECT = "object-add qom-type=secret id=s"


def command(name: str, /, **arguments: Any) -> Message:
    return {
        "execute": name,
        "arguments": {key.replace("_", "-"): value for key, value in arguments.items()},
    }


def human(line: str) -> Message:
    return {"execute": "human-monitor-command", "arguments": {"command-line": line}}


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ({"arguments": {"password": "x"}}, {"arguments": {"password": "***"}}),
        ({"arguments": {"password": 5}}, {"arguments": {"password": "***"}}),
        ({"arguments": {"passphrase": ["z"]}}, {"arguments": {"passphrase": "***"}}),
        (command("set_password", passwort="x"), command("set_password", passwort="***")),
        (
            {"arguments": {"qom-type": "secret", "id": "s", "data": "x"}},
            {"arguments": {"qom-type": "secret", "id": "s", "data": "***"}},
        ),
        (
            {"arguments": {"qom-type": "secret", "props": {"data": "x"}}},
            {"arguments": {"qom-type": "secret", "props": {"data": "***"}}},
        ),
        (command("object-add", id="s", data="x"), command("object-add", id="s", data="***")),
        (
            {"exec-oob": "object-add", "arguments": {"qom-type": "secrte", "data": "x"}},
            {"exec-oob": "object-add", "arguments": {"qom-type": "secrte", "data": "***"}},
        ),
        (
            {"arguments": {"actions": [{"data": {"password": "x"}}]}},
            {"arguments": {"actions": [{"data": {"password": "***"}}]}},
        ),
        (
            {"execute": "object-add", "arguments": {"secret,id": "s,data=x"}},
            {"execute": "object-add", "arguments": {"secret,id": "s,data=***"}},
        ),
        (
            command("object-add", id="secret,id=s,data=x"),
            command("object-add", id="secret,id=s,data=***"),
        ),
        (
            {"execute": "-object", "arguments": {"secret,id": "s,data=x"}},
            {"execute": "-object", "arguments": {"secret,id": "s,data=***"}},
        ),
        (
            command("qom-set", path="/objects/s", property="data", value="x"),
            command("qom-set", path="/objects/s", property="data", value="***"),
        ),
        (
            command("change", device="vnc", target="password", arg="x"),
            command("change", device="vnc", target="password", arg="***"),
        ),
        (
            command("sev-inject-launch-secret", packet_header="h", secret="x"),
            command("sev-inject-launch-secret", packet_header="h", secret="***"),
        ),
        (
            command("blockdev-add", driver="https", cookie="a=b; c=d", url="https://h/"),
            command("blockdev-add", driver="https", cookie="***", url="https://h/"),
        ),
        (
            command("device_add", driver="emmc", auth_key="x"),
            command("device_add", driver="emmc", auth_key="***"),
        ),
        (
            {"file.password": "x", "file.driver": "https"},
            {"file.password": "***", "file.driver": "https"},
        ),
        (
            {"driver": "rbd", "=keyvalue-pairs": '["key", "x"]'},
            {"driver": "rbd", "=keyvalue-pairs": "***"},
        ),
        (
            {"return": [{"properties": [{"name": "data", "type": "string", "value": "x"}]}]},
            {"return": [{"properties": [{"name": "data", "type": "string", "value": "***"}]}]},
        ),
    ],
)
def test_secrets_in_messages_are_hidden(message: Message, hidden: Message) -> None:
    assert redact(message) == hidden
    assert holds_secret(message)
    assert redact(hidden) == hidden


def test_secrets_are_hidden_in_lists_and_nowhere_else_in_the_message() -> None:
    inner = {"qom-type": "secret", "list": [{"data": "x", "text": "data=x"}]}
    hidden = {"qom-type": "secret", "list": [{"data": "***", "text": "data=x"}]}
    message = {"arguments": {"a": [inner, {"data": "y"}], "passphrase": ["z"], "command-line": 5}}
    assert redact(message) == {
        "arguments": {"a": [hidden, {"data": "y"}], "passphrase": "***", "command-line": 5}
    }
    assert inner["list"] == [{"data": "x", "text": "data=x"}]


@pytest.mark.parametrize(
    "message",
    [
        {"data": {"data": 1}},
        {"arguments": {"password-secret": "s0", "id": "x"}},
        {"arguments": {"encrypt.key-secret": "s0", "passwordid": "s1", "keyid": "s2"}},
        command("x-blockdev-amend", options={"driver": "luks", "secret": "s0", "old-secret": "s1"}),
        command("send-key", keys=[{"type": "qcode", "data": "a"}]),
        command("ringbuf-write", device="c", data="text"),
        command("qom-set", path="/x", property="speed", value="data"),
        command("qom-get", path="/objects/s", property="data"),
        command("change", device="ide0", target="disk.img", arg="raw"),
        command("blockdev-add", driver="rbd", image="key", key_secret="s"),
        command("set_link", name="data", up=True),
        {"event": "X", "data": {"key": "value", "text": "a: b, c=d"}},
        {"return": [{"name": "data", "type": "string"}], "id": 5},
        {"return": "key=value", "list": [None, True, 1.5, "password"]},
        {"return": [{"name": 1, "value": 2, "property": None}]},
    ],
)
def test_other_values_are_not_hidden(message: Message) -> None:
    assert redact(message) == message
    assert not holds_secret(message)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:p%40w@host:8080/a?b", "https://user:***@host:8080/a?b"),
        ("https://user:p@w@host/a@b", "https://user:***@host/a@b"),
        ("https://user:p/w@host/a", "https://user:***@host/a"),
        ("ftp://:pw@host", "ftp://:***@host"),
        ("ssh://user@host:22/path", None),
        ("https://host:8080/a@b", None),
        ("https://[fe80::1]:8080/a", None),
        ("https://user:@host", None),
        ("nbd://host", None),
        ("iscsi://user%pw@host/iqn/0", "iscsi://user%***@host/iqn/0"),
        ("https://us%65r@host", None),
        (
            "exec:curl http://a:b@c | tee ftp://d:e@f",
            "exec:curl http://a:***@c | tee ftp://d:***@f",
        ),
        ("https://h/?next=https://u:pw@i", "https://h/?next=https://u:***@i"),
        ("https://h/?token=abc&size=5", "https://h/?token=***&size=5"),
        ("https://h/?a=1&auth_token=abc&size=5", "https://h/?a=1&auth_token=***&size=5"),
        (r"rbd:pool/img:id=x:key=A\:B==:conf=/c", "rbd:pool/img:id=x:key=***:conf=/c"),
        ("rbd:pool/img:id=x:keyring=/k", None),
        ("key=value", None),
        ("--password=x", "--password=***"),
        ("user=u,password=a,,b,c=d", "user=u,password=***,c=d"),
        ("qom-type=secret,id=s,data=a b,format=raw", "qom-type=secret,id=s,data=***,format=raw"),
        ('json:{"driver": "https", "cookie": "a"}', 'json:{"driver": "https", "cookie": "***"}'),
        ('json:{"file":{"password":"a"}}', 'json:{"file": {"password": "***"}}'),
        ('json:{"driver":"raw","f":"é"}', None),
        ('json:{"password": "a", "b": "é"}', 'json:{"password": "***", "b": "é"}'),
        ('json:{"filename": "https://u:p@h"}', 'json:{"filename": "https://u:***@h"}'),
        (
            'json:{"a": "json:{\\"password\\": 5}"}',
            'json:{"a": "json:{\\"password\\": \\"***\\"}"}',
        ),
        ('json:{"password": "abc', 'json:{"password": ***'),
        (
            "json:" + '{"a":' * 5000 + '{"password": "abc"}',
            "json:" + '{"a":' * 5000 + '{"password": ***}',
        ),
    ],
)
def test_only_the_secret_part_of_a_string_is_hidden(text: str, hidden: str | None) -> None:
    assert redact({"return": [{"x": text}]}) == {"return": [{"x": hidden or text}]}


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("set_password vnc x", "set_password vnc ***"),
        ("  set_password vnc x keep", "  set_password vnc *** ***"),
        ('set_password vnc "S1 S2" -d x', "set_password vnc *** -d x"),
        ('set_password vnc "a\\" b" keep', "set_password vnc *** ***"),
        ('set_password vnc "a"b', "set_password vnc ***"),
        ("set_password -d x vnc y", "set_password -d x vnc ***"),
        ("set_password vnc", None),
        ("expire_password vnc never", None),
        ("set_pasword vnc x", "set_pasword *** ***"),
        ("change vnc password x", "change vnc password ***"),
        ("change vnc -f passwd x", "change vnc -f passwd ***"),
        ("change vnc password", None),
        ("change ide0 password.img raw", None),
        ("change ide0 https://u:p@h/x raw", "change ide0 https://u:***@h/x raw"),
        ("block_passwd ide0 x", "block_passwd ide0 ***"),
        ("qom-set /objects/s data x", "qom-set /objects/s data ***"),
        ('qom-set -j /objects/s "data" "x y"', 'qom-set -j /objects/s "data" ***'),
        ("qom-set /objects/s data x y", "qom-set /objects/s data *** ***"),
        ("qom-set /objects/s loaded data", None),
        ("qom-get /objects/s data", None),
        ("object_add secret,data=a,,b,id=z", "object_add secret,data=***,id=z"),
        (
            "object_add secret,id=s,data=hunter2,format=raw",
            "object_add secret,id=s,data=***,format=raw",
        ),
        ("object_add secret,data='S1 S2',id=z", "object_add secret,data=***,id=z"),
        ("object_add secret,data=S1 S2,id=z", "object_add secret,data=***,id=z"),
        (
            'object_add {"qom-type":"secret","data":"X","id":"z"}',
            'object_add {"qom-type":"secret","data":***,"id":"z"}',
        ),
        ("object_add secret,id=s,file=/p", None),
        ("object_add secret_keyring,id=s,serial=5", None),
        (
            "drive_add 0 file=rbd:p/i:key=AQ==:a=b,if=none",
            "drive_add 0 file=rbd:p/i:key=***:a=b,if=none",
        ),
        ("drive_add 0 file=https://u:p@h/i,if=none", "drive_add 0 file=https://u:***@h/i,if=none"),
        (
            "drive_add 0 file.driver=https,file.cookie=a=b; c=d,if=none",
            "drive_add 0 file.driver=https,file.cookie=***,if=none",
        ),
        (
            r'drive_add 0 "file=json:{\"driver\":\"https\",\"cookie\":\"c\"}"',
            r'drive_add 0 "file=json:{\"driver\":\"https\",\"cookie\":***}"',
        ),
        ("migrate tcp://u:p@h:44", "migrate tcp://u:***@h:44"),
        ("migrate exec:curl\t-F password=x", "migrate exec:curl\t-F password=***"),
        ("sendkey ctrl-alt-f1", None),
        ("info block", None),
    ],
)
def test_secrets_in_human_monitor_lines_are_hidden(line: str, hidden: str | None) -> None:
    assert redact(human(line)) == human(hidden or line)
    assert may_hold_secret(line) is (hidden is not None)
    assert may_hold_secret(f".hmp {line}") is (hidden is not None)


@pytest.mark.parametrize(
    "line",
    [
        "set-x password=,",
        "set-x password=,abc id=1",
        "set_password protocol=vnc password=x oops",
        "set_password protocol=vnc passwort=x",
        "set_password vnc x",
        "change-vnc-password password='it\\'s'",
        'change-vnc-password password="a\\"b"',
        "change-vnc-password password='a b' oops",
        "change-vnc-password password='not closed",
        "change-vnc-password password = x",
        "change device=vnc target=password arg=x",
        "guest-set-user-password username=u password=eA== crypted=false",
        "sev-inject-launch-secret packet-header=h secret=x",
        "block_passwd device=ide0 password=x",
        f"{OBJECT} data=x",
        f"{OBJECT} data='x",
        "object-add data=x id=s",
        "object-add qom-type=secret props={'data': 'x'}",
        "object-add qom-type=secret props.data=x",
        "qom-set path=/objects/s property=data value=x",
        "qom-set value=x property='data' path=/objects/s",
        ".watch 5 qom-set path=/objects/s property=data value=x",
        ".watch change-vnc-password password=x",
        ".oob change-vnc-password password=x",
        "{'exec-oob': 'x', 'arguments': {'password': 'x'}}",
        '{"execute": "y", "arguments": {"password": "x"}}',
        '{"execute": "y", "arguments": {"password" : "x"',
        '{"execute": "y", "arguments": {"p\\u0061ssword": "x"}}',
        "{'execute': 'y', 'arguments': {'p\\x61ssword': 'x'}}",
        "{'execute': 'y', 'arguments': {'p\\141ssword': 'x'}}",
        "{'execute': 'y', 'arguments': {'password' # the VM's\n : 'x'}}",
        '{"execute": "qom-set", "arguments": {"path": "/s", "property": "data", "value": "x"}}',
        '{"execute": "object-add", "arguments": {"qom-type": "secret", "data": "x"}}',
        '{"execute": "human-monitor-command", "arguments": {"command-line": "set_password vnc x"}}',
        'human-monitor-command command-line="object_add secret,id=s,data=x"',
        "human-monitor-command command-line='change vnc password x'",
        "transaction(\n blockdev-backup device=d\n a data.password=x\n)",
        "transaction(a password=x)",
        "blockdev-add driver=https file.cookie='a=b'",
        "blockdev-add driver=raw file={'driver': 'https', 'cookie': 'a'}",
        "blockdev-add driver=raw \\\nfile.coo\\\nkie=a",
        "blockdev-add driver=https url=https://user:pw@host/",
        '{"execute": "x", "arguments": {"url": "https:\\/\\/user:pw@host"}}',
        'blockdev-add driver=raw file=\'json:{"driver": "https", "cookie": "x"}\'',
        'blockdev-add driver=raw file="json:{\\"driver\\": \\"https\\", \\"cookie\\": \\"x\\"}"',
        "drive-mirror device=d target=rbd:pool/image:id=x:key=AQ==",
        "migrate uri=tcp://user:pw@host:44",
        "{'arguments': {'arguments.password': 'x'}}",
        "arguments.password=x",
        # not in this notation, or misspelt
        "-object secret,id=s,data=x",
        "--object secret,id=s,data=x",
        "object-add secret,id=s,data=x",
        "object-add --qom-type secret --id s --data x",
        "object-add qom-type secret id s data x",
        "device_add --driver emmc --auth-key x",
        "change-vnc-password x",
        "set_pasword vnc x",
        ".hmp set_pasword vnc x",
    ],
)
def test_lines_with_secrets_are_recognized(line: str) -> None:
    assert may_hold_secret(line)


@pytest.mark.parametrize(
    "line",
    [
        "query-status",
        "query-block | jq '.return[].device'",
        "blockdev-add file.password-secret=s0",
        "blockdev-add driver=luks node-name=l file=f key-secret=sec0",
        "blockdev-add driver=rbd pool=p image=key conf=/etc/ceph.conf key-secret=sec0",
        "blockdev-add driver=https url=https://host:8080/a@b username=u password-secret=s",
        "object-add qom-type=secret id=s file=/run/secret",
        "object-add qom-type=secret_keyring id=s serial=5",
        "object-add qom-type=tls-creds-x509 id=t dir=/d passwordid=s",
        "device_add driver=e1000 id=key1",
        "send-key keys=[{'type': 'qcode', 'data': 'ctrl'}]",
        "ringbuf-write device=c data=text",
        "qom-get path=/x property=y",
        "qom-get path=/objects/s property=data",
        "qom-set path=/objects/data property=size value=5",
        "qom-set path=/x property=y value=data",
        "expire_password protocol=vnc time=never",
        "set_password ?",
        "expire_password vnc never",
        "ringbuf-write device c data text",
        ".find password",
        ".help set_password",
        ".help change",
        "change device=ide0 target=disk.img arg=raw",
        "x-blockdev-amend options.driver=luks options.secret=s0 options.new-secret=s1",
        "x-blockdev-create job-id=j options={'driver': 'luks', 'key-secret': 'sec0'}",
        "change-vnc-password password=",
        ".wait BLOCK_JOB_READY device=password timeout=5",
        "migrate uri=unix:/run/socket",
        "getfd fdname=f </run/secret",
        "# a comment",
        "",
    ],
)
def test_lines_without_secrets_are_not_taken_for_such(line: str) -> None:
    assert not may_hold_secret(line)


def _example(row: Secret) -> Message:
    """A message with the secret of a row of the table."""
    names = {r".*pas+w": "password", "secret.*": "secret", ".*": "pool/image"}

    def name(pattern: str) -> str:
        return next((text for start, text in names.items() if pattern.startswith(start)), pattern)

    arguments = {name(row.argument): SECRET}
    if row.beside is not None:
        arguments[row.beside[0]] = name(row.beside[1])
    return {"execute": "x" if row.command == ANY else row.command, "arguments": arguments}


@pytest.mark.parametrize("row", [row for row in SECRETS if row.argument != RETURN])
def test_each_row_holds_for_messages_and_for_lines_in_each_notation(row: Secret) -> None:
    message = _example(row)
    assert holds_secret(message)
    assert SECRET not in json.dumps(redact(message))
    for line in (json.dumps(message), repr(message), format_message(message)):
        assert may_hold_secret(line), line


# What a typed line is about does not matter, as long as there is a secret in it.
_ROWS = st.sampled_from([row for row in SECRETS if row.argument != RETURN])
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(_ROWS, _TEXT, st.lists(st.sampled_from(["a", "b"])))
def test_a_secret_is_found_at_any_depth_and_whatever_characters_it_has(
    row: Secret, secret: str, path: list[str]
) -> None:
    message = _example(row)
    members = {
        key: secret if value == SECRET else value for key, value in message["arguments"].items()
    }
    for each in path:
        members = {each: [members]}
    message["arguments"] = members
    assert holds_secret(message) is (redact(message) != message)
    assert any(value == "***" for value in _leaves(redact(message)))
    for line in (json.dumps(message), repr(message), format_message(message)):
        assert may_hold_secret(line), line


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


@given(st.text("ab:=/@\\\"' \n#,;%?&{}[]-_.", max_size=60) | st.text())
def test_any_text_can_be_examined(text: str) -> None:
    may_hold_secret(text)
    redacted = redact({"x": text, "command-line": text})
    assert redact(redacted) == redacted


@pytest.mark.parametrize(
    ("message", "reads"),
    [
        (command("qom-get", path="/objects/s", property="data"), True),
        ({"exec-oob": "qom-get", "arguments": {"path": "/x", "property": "Password"}}, True),
        (command("qom-get", path="/x", property="size"), False),
        (command("qom-get", path="/x", property=5), False),
        (command("qom-set", path="/x", property="data", value="x"), False),
        (human("qom-get /objects/s data"), True),
        (human("qom-get /objects/s size"), False),
        (human("qom-get /objects/s"), False),
        (human("set_password vnc x"), False),
        ({"execute": "qom-get"}, False),
        ({}, False),
    ],
)
def test_commands_whose_reply_is_a_secret_are_recognized(message: Message, reads: bool) -> None:
    assert reads_secret(message) is reads


def test_a_reply_that_is_a_secret_is_hidden_as_a_whole() -> None:
    reply = {"return": {"x": 1}, "id": 5}
    assert redact(reply, hides_return=True) == {"return": "***", "id": 5}
    assert reply == {"return": {"x": 1}, "id": 5}
    error = {"error": {"class": "GenericError", "desc": "x"}}
    assert redact(error, hides_return=True) == error


def test_a_message_that_is_nested_as_deep_as_any_can_be_is_redacted() -> None:
    message: Any = {"password": "x"}
    for _ in range(249):
        message = {"x": [message]}
    assert list(_leaves(redact(message))) == ["***"]


# Repeated, each of them took quadratic time or might do so; tests/bench/secrets measures that.
TOKENS = [
    *("a", " ", "\n", "'", '"', "\\", '\\"', '"\\', "#", "=", ":", "-", "_", "{", "[{"),
    *("password", "password ", "password=", 'password="', "password=a,,", "passw", "pas-w"),
    *("change ", "change a password ", 'change "', "set_password ", "set_password -d "),
    *(
        "qom-set a data ",
        "qom-set -j ",
        "secret data ",
        "object-add ",
        "data=",
        "://",
        "://a:b",
    ),
    *("://a:b@", "https://a:b/", "rbd:", "rbd:a:key=\\:", "?token=", '{"password":', "json:{"),
    *("property=data value=", "\\\n", "cookie;", "pass\\u0077ord="),
]


def test_long_texts_are_examined_to_their_end() -> None:
    shown = []
    for token in TOKENS:
        text = f"{token * (20_000 // len(token))} password={SECRET}"
        message = redact({"x": text, "command-line": text})
        if SECRET in message["x"] + message["command-line"] or not may_hold_secret(text):
            shown.append(token)
    assert shown == []


# The members of commands whose names suggest secrets, and which are none.
_NO_SECRETS = {
    "password-secret": "a secret object's id",
    "proxy-password-secret": "a secret object's id",
    "key-secret": "a secret object's id",
    "cookie-secret": "a secret object's id",
    "new-secret": "a secret object's id",
    "old-secret": "a secret object's id",
    "x-blockdev-amend secret": "a secret object's id",
    "passwordid": "a secret object's id",
    "keyid": "a secret object's id",
    "object-add iv": "an initialization vector, which need not be secret",
    "keys": "keys of a keyboard",
    "key": "keys of a keyboard",
    "data": "of keys, ring buffers, events and character devices",
    "host-key-check": "how a public key is checked",
    "mnonce": "a number to be used once, which is public",
}
_SUSPICIOUS = re.compile(
    r"passw|passphrase|passcode|pwd|secret|cookie|key(?!slot)|token|credential|nonce|private|^data$|^pin$"
)


def _members(type_: Type, seen: tuple[Type, ...] = ()) -> Iterator[tuple[str, Type, Message]]:
    """Yield each member at any depth: its name, its type, and the members around it.

    The members around it have a value :data:`SECRET` at its place.
    """
    if type_ in seen:
        return
    seen = (*seen, type_)
    if isinstance(type_, Array):
        for name, inner, around in _members(type_.element, seen):
            yield name, inner, {"": [around]}
    elif isinstance(type_, Alternate):
        for branch in type_.branches:
            yield from _members(branch, seen)
    elif isinstance(type_, Object):
        for member in type_.members.values():
            yield member.name, member.type, {member.name: SECRET}
            for name, inner, around in _members(member.type, seen):
                yield name, inner, {member.name: around}
        for case in type_.cases:
            branch_type = type_.branch(case)
            if branch_type is not None:
                for name, inner, around in _members(branch_type, seen):
                    yield name, inner, {str(type_.tag): case, **around}


def _can_be_string(type_: Type) -> bool:
    """Whether a value can be a secret, as numbers of keys, switches and objects cannot."""
    if isinstance(type_, Alternate):
        return any(map(_can_be_string, type_.branches))
    if isinstance(type_, Array):
        return _can_be_string(type_.element)
    return isinstance(type_, Builtin) and type_.json_type in ("string", "value", "int", "number")


def test_each_member_of_the_schema_that_may_be_a_secret_is_hidden_or_known_to_be_none(
    schema: Schema,
) -> None:
    hidden = set()
    unknown = set()
    for name in schema.commands():
        found = schema.command(name)
        assert found is not None
        for member, type_, arguments in _members(found.arguments):
            if not _can_be_string(type_):
                continue
            message = {"execute": name, "arguments": arguments}
            if SECRET not in json.dumps(redact(message)):
                hidden.add(f"{name} {member}")
                assert may_hold_secret(json.dumps(message))
            elif _SUSPICIOUS.search(member) and not {member, f"{name} {member}"} & {*_NO_SECRETS}:
                unknown.add(f"{name} {member}")
    assert not unknown
    assert hidden == {
        "blockdev-add cookie",
        "blockdev-create cookie",
        "blockdev-reopen cookie",
        "change-vnc-password password",
        "netdev_add rxcookie",
        "netdev_add txcookie",
        "object-add data",
        "set_password password",
        "sev-inject-launch-secret secret",
    }


def exchanged(output: str) -> list[Message]:
    """The messages of verbose output, sent and received."""
    lines = [line for line in output.splitlines() if line.startswith(("> ", "< "))]
    return [json.loads(line[2:]) for line in lines]


LINES = (
    f"{OBJECT} data={SECRET}",
    "qom-get path=/objects/s property=data",
    '{"execute": "qom-get", "arguments": {"path": "/objects/s", "property": "data"}, "id": [1]}',
    "qom-get path=/objects/s property=format",
    ".hmp qom-get /objects/s data",
    f".hmp object_add secret,id=t,data={SECRET}",
    f".hmp set_password vnc {SECRET}",
    f"set_password protocol=vnc password={SECRET}",
    f"qom-set path=/objects/s property=data value={SECRET}",
    f"blockdev-add driver=null-co node-name=n0 file.cookie={SECRET}",
    f"blockdev-add driver=https node-name=n1 url=https://u:{SECRET}@localhost/",
    f"{{'execute': 'x', 'arguments': {{'list': [{{'passphrase': '{SECRET}'}}]}}}}",
)


@pytest.mark.parametrize("options", [("-v",), ("-l", "/dev/stderr")])
def test_neither_the_log_nor_verbose_output_has_secrets(
    vm: RunningVm, run: Run, options: tuple[str, ...]
) -> None:
    lines = [option for line in LINES for option in ("-c", line)]
    result = run("-k", *options, vm.address, *lines)
    sent_and_received = [line for line in result.stderr.splitlines() if not line.startswith("qmp")]
    assert len(sent_and_received) > 2 * len(LINES)
    # A QEMU may have its own error text in which there is a value; this is what the shell prints.
    assert SECRET not in "".join(line for line in sent_and_received if '"error"' not in line)
    assert result.stdout.count(SECRET) == 3, "the user has asked for the replies of qom-get"
    assert result.stdout.count('"return": "raw"') == 1


def test_the_reply_to_another_command_is_not_hidden(vm: RunningVm, run: Run) -> None:
    lines = (LINES[0], "qom-get path=/objects/nonesuch property=data", LINES[1], "query-name")
    result = run("-k", "-v", vm.address, *(each for line in lines for each in ("-c", line)))
    replies = {each["id"]: each["return"] for each in exchanged(result.stderr) if "return" in each}
    assert [each for each in replies.values() if each][-2:] == ["***", {"name": "testvm"}]


@pytest.mark.parametrize("reply", [b'{"return": 2}', b'{"return": 2, "QMP": 1, "id": 2}'])
def test_the_log_hides_what_the_client_takes_for_the_reply_to_a_command_that_reads_a_secret(
    peer: StartPeer, run: Run, tmp_path: Path, reply: bytes
) -> None:
    server = peer(
        *(GREETING, ACCEPTED, b'{"return": 1, "id": 99}' + reply + b'{"return": 3, "id": 2}', HOLD)
    )
    log = tmp_path / "log"
    line = "qom-get path=/objects/s property=data"
    result = run("--no-cache", "-l", str(log), server.address, "-c", line)
    assert json.loads(result.stdout)["return"] == 2
    messages = [json.loads(line)["message"] for line in log.read_text().splitlines()]
    assert [each["return"] for each in messages if "return" in each] == [{}, 1, "***", 3]


def test_file_names_with_passwords_are_hidden_when_they_are_received(
    peer: StartPeer, run: Run
) -> None:
    reply = b'{"return": [{"file": "https://u:hunter2@h/x"}, {"password": "hunter2"}]}'
    event = b'{"event": "X", "data": {"file": "json:{\\"cookie\\": \\"hunter2\\"}"}}'
    server = peer(GREETING, ACCEPTED, event + reply, HOLD)
    result = run("-v", server.address, "-c", "{'execute': 'x'}")
    received = [line for line in result.stderr.splitlines() if line.startswith("< ")]
    assert [SECRET in line for line in received] == [False] * 4
    assert "https://u:***@h/x" in received[-1]
    assert result.stdout.count(SECRET) == 2


def test_a_dry_run_shows_no_secrets(quiet_vm: RunningVm, run: Run) -> None:
    lines = [option for line in LINES for option in ("-c", line)]
    result = run("-k", "-n", quiet_vm.address, *lines)
    assert len(result.stdout.splitlines()) == len(LINES)
    assert "https://u:***@localhost/" in result.stdout
    assert SECRET not in result.stdout + result.stderr


# A line with a secret, and what is said of it.
WRONG_LINES = (
    (f"set_password protocol=vnc passwort={SECRET}", "no argument passwort"),
    (f"set_password protocol={SECRET} password=vnc", "protocol has no such value"),
    (f"set_password protocol=vnc password=a {SECRET}", "this has no value; write key=value"),
    (f"set_password protocol=vnc {SECRET}", "this has no value; write key=value"),
    (f"set_password protocol=vnc password='a'{SECRET}", "expected a space after the string"),
    (f"x a=b password='{SECRET}", "this string is never closed"),
    (f".oob set_password password=a {SECRET}", "this has no value; write key=value"),
    (f".watch set_password password=a {SECRET}", "this has no value; write key=value"),
    (f"x a={{'password': {SECRET}}}", "this is not a value; a string needs quotes"),
    (f"x a={{'password' '{SECRET}'}}", "expected : after the key"),
    (f"x a={{'password': 'x', '{SECRET}'}}", "expected : after the key this"),
    (f"change-vnc-password {SECRET}", "this has no value"),
    (f"password=x{{ {SECRET}", "a command's name comes first"),
    (f"x password=a {SECRET}=b {SECRET}=c", "this is given twice"),
    (f"x password=a {SECRET}=b {SECRET}.a=c", "this already has a value"),
)


def test_errors_and_hints_do_not_quote_lines_with_secrets(quiet_vm: RunningVm, run: Run) -> None:
    result = run(
        "-n", "-k", quiet_vm.address, *(each for line, _ in WRONG_LINES for each in ("-c", line))
    )
    errors = result.stderr.splitlines()
    assert len(errors) == len(WRONG_LINES), result.stderr
    for (line, message), error in zip(WRONG_LINES, errors, strict=True):
        assert message in error, line
    assert SECRET not in result.stderr


def test_hints_about_similar_names_do_not_quote_commands_with_secrets(
    quiet_vm: RunningVm, run: Run
) -> None:
    result = run(quiet_vm.address, "-c", "device_add driver=e1001 auth-key=x")
    assert "(hint: driver is not there; did you mean e1000" in result.stderr


def histories(environment: dict[str, str]) -> str:
    folder = Path(environment["XDG_STATE_HOME"]) / "qmp-shell"
    return "".join(path.read_text() for path in folder.iterdir())


def test_lines_with_secrets_are_kept_out_of_the_history_altogether(
    shell: Terminal, environment: dict[str, str]
) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    for line in LINES:
        if SECRET in line:
            shell.enter(line)
            shell.wait_for_prompt()
    shell.enter(".hmp")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("info name")
    shell.wait_for_prompt("(qemu) ")
    shell.enter(f"set_password vnc {SECRET}")
    shell.wait_for_prompt("(qemu) ")
    shell.enter(".history")
    shell.wait_for("^info name\n.history\n")
    shell.wait_for_prompt("(qemu) ")
    shell.enter(".qmp")
    shell.wait_for_prompt()
    shell.enter(".history")
    shell.wait_for("^query-name\n.hmp\n.history\n")
    shell.wait_for_prompt()
    shell.press("up", "up", "up")
    shell.wait_for(r"^\(QEMU\) query-name$")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.type("set_pass")
    shell.wait_for(r"^\(QEMU\) set_pass")
    assert not [each for each in shell.lines if each.startswith(f"(QEMU) {LINES[7][:20]}")][1:]
    assert SECRET not in shell.cursor_line
    written = histories(environment)
    assert "+query-name\n" in written
    assert "+info name\n" in written
    assert SECRET not in written


def test_a_transaction_with_a_secret_is_kept_out_of_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    history = open_history("history", pytest.fail)
    history.add("query-name", is_open=False)
    for line in ("transaction(", f"x password={SECRET}", "y a=b"):
        history.add(line, is_open=True)
    assert history.get_strings() == ["query-name", "transaction(", "y a=b"]
    history.end_transaction()
    assert history.get_strings() == ["query-name"]
    history.add("transaction(", is_open=True)
    history.add(f"x password={SECRET} oops", is_open=True)
    history.drop_last_open_line()
    history.add(")", is_open=True)
    history.end_transaction()
    assert history.get_strings() == ["query-name", "transaction(\n)"]
    assert SECRET not in (tmp_path / "qmp-shell/history").read_text()


def test_a_pasted_line_with_a_secret_is_not_shown_again_when_it_is_wrong(shell: Terminal) -> None:
    shell.type(f"\x1b[200~query-name\nset_password password={SECRET} oops\x1b[201~")
    shell.wait_for("oops")
    shell.press("enter")
    shell.wait_for("line 2, column 31: this has no value; write key=value")
    assert shell.text.count(SECRET) == 1, "where it was typed"


def test_the_reply_to_a_command_from_before_the_log_is_hidden(tmp_path: Path) -> None:
    """It may be a secret; it comes late, because the user did not wait for it."""
    settings = Settings()
    display = ScriptDisplay(settings, Formatter(Look(colour=False, ascii_only=True)))
    log = tmp_path / "log"
    trace = MessageTracer(display, settings, is_interactive=True)
    message = command("qom-get", path="/objects/s", property="data")
    request = Request(message, 1, own_id=True, quiet=False)
    trace(">", {**message, "id": 1}, request)
    trace.log_to(str(log))
    trace("<", {"return": "hunter2", "id": 1}, request)
    assert "hunter2" not in log.read_text()
