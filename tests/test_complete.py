"""Completion: the candidates at each place of a line, and parsing of the human monitor's help."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import (
    Candidate,
    Completions,
    Draft,
    Kind,
    NameRequest,
    find_signature,
    find_unknown_names,
)
from qmp_shell.complete.kinds import (
    CHARDEV_OPTIONS,
    CHARDEV_SWITCHES,
    COMMON_CHARDEV_OPTIONS,
    HUMAN_ARGUMENTS,
    kind_of,
)
from qmp_shell.schema import Enum, Schema
from qmp_shell.vm.human import HumanCommand, parse_help
from qmp_shell.vm.types import VmTypes
from tests.conftest import RunningVm
from tests.sessions import offline_types


class KindsAsNames:
    """A source of candidates which offers, as the only name of each kind, the kind itself."""

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        return [Candidate(request.kind)]


def complete(
    before: str, types: VmTypes, *, after: str = "", human: bool = False, transaction: bool = False
) -> Completions | None:
    """Complete a line.

    :param before: the text before the cursor.
    :param after: the text after the cursor.
    :return: its candidates, whose names are their kinds.
    """
    draft = Draft(before + after, len(before), human=human, in_transaction=transaction)
    return complete_draft(draft, Registry(), KindsAsNames(), types)


def names(options: Completions | None) -> list[str]:
    """Return the texts of candidates."""
    assert options is not None
    return [candidate.text for candidate in options.candidates]


@pytest.mark.parametrize(
    ("text", "typed", "kind"),
    [
        ("", "", Kind.COMMAND),
        ("query-st", "query-st", Kind.COMMAND),
        ("  query", "query", Kind.COMMAND),
        ("a=[\n1]\nquery", "query", Kind.COMMAND),
        ("device_add \\\ndriver=x bus=", "", Kind.BUS),
        (".", ".", ".commands"),
        (".co", ".co", ".commands"),
        (".set ", "", "confirm"),
        (".set pa", "pa", "confirm"),
        (".set pager o", "o", "on"),
        (".set timeout ", "", "off"),
        (".commands que", "que", Kind.COMMAND),
        (".help dev", "dev", Kind.COMMAND),
        (".oob dev", "dev", Kind.COMMAND),
        (".wait job=j", "j", Kind.JOB),
        (".wait status=r", "r", Kind.RUN_STATE),
        (".wait DEVICE_DELETED d", "d", Kind.EVENT_MEMBER),
        ("help dev", "dev", Kind.COMMAND),
        ("? dev", "dev", Kind.COMMAND),
        (".hmp inf", "inf", Kind.HUMAN),
        (".hmp info na", "na", Kind.TOPIC),
        ("device_del id=ne", "ne", Kind.DEVICE_PATH),
        ('device_del id="ne', "ne", Kind.DEVICE_PATH),
        ("device_add bus=x driver=", "", Kind.DRIVER),
        (".help device_add driver=", "", Kind.DRIVER),
        ("qom-get path=/mach", "/mach", Kind.QOM_PATH),
        ("qom-set path=/machine property=", "", Kind.QOM_PROPERTY),
        ("blockdev-add driver=raw file=", "", Kind.NODE),
        ("blockdev-del node-name=", "", Kind.NODE),
        ("job-pause id=", "", Kind.JOB),
        ("block-job-pause device=", "", Kind.BLOCK_JOB),
        ("snapshot-load tag=", "", Kind.SNAPSHOT),
        ("snapshot-load devices.0=", "", Kind.NODE),
        ("block-dirty-bitmap-clear node=d0 name=", "", Kind.BITMAP),
        ("transaction( block-dirty-bitmap-clear node=d0 name=", "", Kind.BITMAP),
        ("chardev-remove id=", "", Kind.CHARDEV),
        ("netdev_del id=", "", Kind.NETDEV),
        ("set_link name=", "", Kind.NET_CLIENT),
        ("query-cpu-model-expansion model.name=", "", Kind.CPU_MODEL),
        ("trace-event-set-state name=", "", Kind.TRACE_EVENT),
        ("object-del id=", "", Kind.OBJECT),
        ("object-add qom-type=tls-creds-x509 id=t passwordid=", "", Kind.SECRET),
    ],
)
def test_candidates_are_of_the_kind_that_the_place_accepts(
    types: VmTypes, text: str, typed: str, kind: str
) -> None:
    options = complete(text, types)
    assert options is not None
    assert (options.typed, names(options)[0]) == (typed, kind)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("snapshot-save devices=", []),
        ("snapshot-save devices.0=", [Kind.NODE]),
        ("block-dirty-bitmap-merge node=d0 bitmaps=", []),
        ("block-dirty-bitmap-merge node=d0 bitmaps.0=", [Kind.BITMAP]),
        ("block-dirty-bitmap-merge node=d0 bitmaps.0.name=", [Kind.BITMAP]),
        ("announce-self interfaces=", []),
        ("query-stats target=vm providers=", []),
        ("blockdev-add driver=raw file=", [Kind.NODE]),
    ],
)
def test_names_are_offered_where_one_can_stand_and_not_for_a_list(
    types: VmTypes, text: str, kinds: list[str]
) -> None:
    assert names(complete(text, types)) == kinds


@pytest.mark.parametrize(
    "text", [".log /tm", ".connect /tm", "screendump filename=/tm", 'memsave filename="/tm']
)
def test_file_names_are_completed(types: VmTypes, text: str) -> None:
    options = complete(text, types)
    assert options is not None
    assert options.files
    assert options.typed == "/tm"
    assert options.quote == ('"' if '"' in text else "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("device_add ", ["driver=", "id=", "bus="]),
        ("device_add dri", ["driver=", "id=", "bus="]),
        ("device_add driver=x ", ["id=", "bus="]),
        ("device_add id=1 ", ["driver=", "bus="]),
        ("blockdev-add ", ["driver=", "node-name="]),
        ("blockdev-add driver=qcow2 ", ["file.", "file=", "node-name="]),
        ("blockdev-add driver=qcow2 file.", ["file.driver=", "file.node-name="]),
        ("blockdev-add driver=raw file.driver=file file.", ["file.filename=", "file.node-name="]),
        ("blockdev-add driver=qcow2 cache.", ["cache.direct=", "cache.no-flush="]),
        ("blockdev-add cache.direct=on cache.", ["cache.no-flush="]),
        ("migrate-set-capabilities ", ["capabilities.0."]),
        ("migrate-set-capabilities capabilities.", ["capabilities.0."]),
        (
            "migrate-set-capabilities capabilities.0.",
            ["capabilities.0.capability=", "capabilities.0.state="],
        ),
        (
            "migrate-set-capabilities capabilities.0.state=on capabilities.",
            ["capabilities.0.", "capabilities.1."],
        ),
        ("send-key keys.0.type=qcode keys.0.", ["keys.0.data="]),
        ("snapshot-save job-id=j tag=t vmstate=d devices.0=d ", ["devices.1="]),
        ("announce-self interfaces.1=x interfaces.", ["interfaces.0="]),
        ("announce-self interfaces.0=x interfaces.2=y interfaces.", ["interfaces.1="]),
        (
            "migrate-set-capabilities capabilities.2.state=on capabilities.",
            ["capabilities.2.", "capabilities.0."],
        ),
        ("set_link up=", ["true", "false"]),
        ("query-named-block-nodes flat=", ["true", "false"]),
        ("set-action reboot=", ["reset", "shutdown"]),
        ("blockdev-add driver=qcow2 backing=", [Kind.NODE, "null"]),
        ("transaction( block-dirty-bitmap-add ", ["node=", "name=", "granularity="]),
        ("nbd-server-start addr.type=unix addr.data.", ["addr.data.path="]),
    ],
)
def test_arguments_are_completed_by_their_types(
    types: VmTypes, text: str, expected: list[str]
) -> None:
    assert names(complete(text, types))[: len(expected)] == expected


def test_arguments_after_the_cursor_are_taken_into_account(types: VmTypes) -> None:
    options = complete("blockdev-add ", types, after=" driver=qcow2 node-name=x")
    found = names(options)
    assert found[:2] == ["file.", "file="]
    assert "lazy-refcounts=" in found
    assert "driver=" not in found
    assert "node-name=" not in found


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a=[\nquery", ""),
        ("query-status a={", ""),
        ("x #c", ""),
        ("query-\\\nst", ""),
        ("device_add | ca", "t"),
        ("| ", ""),
    ],
)
def test_nothing_is_offered_where_nothing_is_known(types: VmTypes, text: str, after: str) -> None:
    assert complete(text, types, after=after) is None


@pytest.mark.parametrize("text", ["getfd fdname=a <pa", "query-block > pa", "query-block >> 'pa"])
def test_files_are_offered_for_descriptors_and_output(types: VmTypes, text: str) -> None:
    found = complete(text, types)
    assert found is not None
    assert (found.typed, found.files) == ("pa", Kind.FILE)


def test_actions_and_their_arguments_are_offered_in_a_transaction(
    types: VmTypes, schema: Schema
) -> None:
    action = schema.action()
    assert action is not None
    tag = action.members["type"].type
    assert isinstance(tag, Enum)
    assert "block-dirty-bitmap-add" in tag.values
    assert names(complete("transaction(", types)) == [Kind.ACTION]
    assert names(complete("blo", types, transaction=True)) == [Kind.ACTION]
    more = names(complete("transaction( abort block-dirty-bitmap-add node=1 ", types))
    assert (more[0], more[-1]) == ("name=", Kind.ACTION)
    inside = complete("block-dirty-bitmap-add node=1 ", types, transaction=True)
    assert Kind.ACTION not in names(inside)


def test_all_values_of_every_enumeration_are_offered(types: VmTypes, schema: Schema) -> None:
    """Check each argument at a command's top level that is an enumeration."""
    count = 0
    for name in schema.commands():
        command = schema.command(name)
        assert command is not None
        for member in command.arguments.members.values():
            if isinstance(member.type, Enum):
                found = names(complete(f"{name} {member.name}=", types))
                assert found == list(member.type.values)
                count += 1
    assert count > 50


def test_arguments_are_described_by_their_types(types: VmTypes) -> None:
    options = complete("blockdev-mirror ", types)
    assert options is not None
    descriptions = {each.text: each.description for each in options.candidates}
    assert descriptions["device="] == "str, required"
    assert descriptions["speed="] == "int, optional"
    assert descriptions["copy-mode="].endswith(", optional")


def test_unstable_arguments_are_described_as_unstable(types: VmTypes) -> None:
    options = complete("blockdev-add driver=nbd ", types)
    assert options is not None
    descriptions = {each.text: each.description for each in options.candidates}
    assert descriptions["x-dirty-bitmap="] == "str, optional, unstable"


def test_deprecated_arguments_are_described_as_deprecated() -> None:
    schema = Schema(
        [
            {"name": "test", "meta-type": "command", "arg-type": "1", "ret-type": "1"},
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "old", "type": "str", "features": ["deprecated"]}],
            },
        ]
    )
    options = complete("test ", offline_types(schema))
    assert options is not None
    descriptions = {each.text: each.description for each in options.candidates}
    assert descriptions["old="] == "str, required, deprecated"


@pytest.mark.parametrize(
    ("text", "typed", "first"),
    [
        ("", "", Kind.HUMAN),
        ("dev", "dev", Kind.HUMAN),
        ("help dev", "dev", Kind.HUMAN),
        ("info ", "", Kind.TOPIC),
        ("info sta", "sta", Kind.TOPIC),
        ("info block d", "d", Kind.BLOCK),
        ("device_del n", "n", Kind.DEVICE_PATH),
        ("device_add e10", "e10", Kind.DRIVER),
        ("device_add e1000,ne", "ne", "bus="),
        ("device_add e1000,bus=", "", Kind.BUS),
        ("object_add memory-backend-ram,si", "si", "id="),
        ("object_add memory-backend-ram,share=", "", "on"),
        ("netdev_add user,restrict=o", "o", "on"),
        ("netdev_add us", "us", "none"),
        ("object_del x", "x", Kind.OBJECT),
        ("netdev_del x", "x", Kind.NETDEV),
        ("chardev-remove c", "c", Kind.CHARDEV),
        ("chardev-add so", "so", "file"),
        ("set_link n0 o", "o", "on"),
        ("sendkey ctrl-alt-f", "f", Kind.KEY),
        ("migrate_set_capability x", "x", Kind.CAPABILITY),
        ("migrate_set_capability xbzrle ", "", "on"),
        ("migrate_set_parameter max", "max", Kind.PARAMETER),
        ("migrate_set_parameter multifd-compression z", "z", "none"),
        ("loadvm s", "s", Kind.SNAPSHOT),
        ("delvm s", "s", Kind.SNAPSHOT),
        ("watchdog_action p", "p", "reset"),
        ("trace-event a", "a", Kind.TRACE_EVENT),
        ("trace-event a o", "o", "on"),
        ("ringbuf_read r", "r", Kind.CHARDEV),
        ("block_job_cancel -f d", "d", Kind.BLOCK_JOB),
        ("qom-get /machine a", "a", Kind.QOM_PROPERTY),
        ("cpu ", "", Kind.CPU),
        (".qm", ".qm", ".commands"),
    ],
)
def test_candidates_in_human_monitor_mode_are_of_the_kind_that_the_place_accepts(
    types: VmTypes, text: str, typed: str, first: str
) -> None:
    options = complete(text, types, human=True)
    assert options is not None
    assert (options.typed, names(options)[0]) == (typed, first)


@pytest.mark.parametrize(
    ("text", "offered", "objects"),
    [
        ("netdev_add stream,", "server=", ["addr="]),
        ("netdev_add dgram,", "id=", ["local=", "remote="]),
        ("object_add throttle-group,", "x-iops-total=", ["limits="]),
    ],
)
def test_an_object_is_no_option_of_the_human_monitor(
    types: VmTypes, text: str, offered: str, objects: list[str]
) -> None:
    found = names(complete(text, types, human=True))
    assert offered in found
    assert not set(objects) & set(found)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("chardev-add socket,", ["id=", "path=", "host=", "port=", "server=", "wait="]),
        ("chardev-add socket,id=c,path=/x,", ["host=", "port=", "server=", "wait="]),
        ("chardev-add file,id=c,", ["path=", "append="]),
        ("chardev-add null,", ["id=", "mux=", "logfile=", "logappend="]),
        ("chardev-add nonsense,", ["id=", "mux=", "logfile=", "logappend="]),
        ("chardev-add socket,server=", ["on", "off"]),
        ("chardev-add socket,tls-creds=", [Kind.TLS_CREDS]),
        ("chardev-add mux,chardev=", [Kind.CHARDEV]),
        ("chardev-add null,mux=o", ["on", "off"]),
    ],
)
def test_options_of_a_chardev_are_completed_in_the_human_monitor(
    types: VmTypes, text: str, offered: list[str]
) -> None:
    assert names(complete(text, types, human=True))[: len(offered)] == offered


@pytest.mark.parametrize("text", ["chardev-add socket,port=", "chardev-add file,nonsense="])
def test_an_option_of_a_chardev_whose_value_is_not_known(types: VmTypes, text: str) -> None:
    assert complete(text, types, human=True) is None


def test_the_files_of_a_chardev_are_completed_in_the_human_monitor(types: VmTypes) -> None:
    found = complete("chardev-add file,path=/tm", types, human=True)
    assert found is not None
    assert (found.typed, found.files) == ("/tm", Kind.FILE)


def test_the_table_of_chardev_options_has_existing_ones_only(vm: RunningVm) -> None:
    with vm.second() as client:
        (chardev,) = client.execute("query-command-line-options", option="chardev")
    known = {each["name"] for each in chardev["parameters"]}
    listed = {name for options in CHARDEV_OPTIONS.values() for name in options}
    assert listed.union(COMMON_CHARDEV_OPTIONS, CHARDEV_SWITCHES) <= known


def test_the_human_monitor_has_no_word_for_null(types: VmTypes) -> None:
    """It would set the text "null"."""
    options = complete("migrate_set_parameter tls-creds ", types, human=True)
    assert names(options) == [Kind.TLS_CREDS]
    assert "null" in names(complete("chardev-add nu", types, human=True)), "a backend of that name"


@pytest.mark.parametrize("text", ["info status x", "sendkey a b", "set_link a on x", "cont "])
def test_nothing_is_offered_after_the_last_argument(types: VmTypes, text: str) -> None:
    assert complete(text, types, human=True) is None


def test_the_table_of_human_monitor_commands_has_existing_commands_only(vm: RunningVm) -> None:
    with vm.second() as client:
        text = client.execute("human-monitor-command", **{"command-line": "help"})
        info = client.execute("human-monitor-command", **{"command-line": "help info"})
    listed = {each.name for each in parse_help(text)} | {"help", "?"}
    listed |= {f"info {each.name}" for each in parse_help(info, prefix="info")}
    unlisted = {name for name in HUMAN_ARGUMENTS if name not in listed}
    assert unlisted <= {"backup", "info vcpu"}, "no other command depends on QEMU's configuration"


def test_a_name_that_the_user_chooses_has_no_candidates() -> None:
    assert kind_of("blockdev-add", "node-name", "str") == Kind.NEW
    assert kind_of("query-status", "anything", "str") is None


def signature(types: VmTypes, before: str, after: str = "") -> tuple[str, list[str], str]:
    """Return the name, the arguments and the current argument of the signature at the cursor."""
    command = Draft(before + after, len(before)).command
    assert command is not None
    found = find_signature(command, types)
    assert found is not None
    return found.name, [part.text for part in found.parts], found.current


def test_a_signature_has_the_arguments_and_the_current_one(types: VmTypes) -> None:
    assert signature(types, "set_link na") == ("set_link", ["name=str", "up=bool"], "na")
    assert signature(types, "set_link name=x u")[2] == "u"
    assert signature(types, "set_link name=x", " up=on")[2] == "name"
    name, parts, _ = signature(types, "blockdev-add driver=raw file.driver=file file.")
    assert name == "blockdev-add file."
    assert parts[:2] == ["driver=enum", "filename=str"]
    assert signature(types, "transaction( blockdev-backup ")[1][0].startswith("device=")


def test_every_command_has_a_signature(types: VmTypes, schema: Schema) -> None:
    for name in schema.commands():
        assert signature(types, f"{name} ")[0] == name


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("device_add driver=x id=y ", []),
        ("device_ad", []),
        ("device_adx", ["device_adx"]),
        ("device_ad driver=x ", ["device_ad"]),
        ("device_del drvier=1 ", ["drvier"]),
        ("device_del drv", []),
        ("device_del id=1 x.y=2 ", ["x.y"]),
        ("blockdev-add driver=raw file.driver=null-co file.filename=x ", ["file.filename"]),
        ("blockdev-add driver=raw file.driver=file file.filename=x ", []),
        ("blockdev-add driver=raw file.foo=", ["file.foo"]),
        ("migrate-set-capabilities capabilities.0.foo=x ", ["capabilities.0.foo"]),
        ("blockdev-add driver=raw file.filename=x ", []),
        ("blockdev-add lazy-refcounts=on driver=qcow2", []),
        ("device_add mac=1 driver=e1000", []),
        ("query-cpu-model-expansion type=static model.name=a model.props.x=on ", []),
        ("transaction( abrot blockdev-backup x=1 ", ["abrot", "x"]),
        ("query-status | .compact", []),
        ("getfd fdname=f </dev/null", []),
        ("query-status x=1 | .table > f", ["x"]),
    ],
)
def test_unknown_names_in_a_line_are_found(types: VmTypes, text: str, unknown: list[str]) -> None:
    command = Draft(text).command
    assert command is not None
    assert [text[start:end] for start, end in find_unknown_names(command, types)] == unknown


HELP = (
    "announce_self [interfaces] [id] -- Trigger GARP/RARP announcements\r\n"
    "drive_add [-n] [[<domain>:]<bus>:]<slot>\r\n"
    "[file=file][,if=type][,bus=n]\r\n"
    "\t[,readonly=on|off] -- add drive to PCI storage controller\r\n"
    "block_job_cancel [-f] device -- stop an active background block operation (use -f\r\n"
    "\t\t\t if you want to abort the operation immediately\r\n"
    "\t\t\t instead of keep running until data is in sync)\r\n"
    "c|cont  -- resume emulation\r\n"
)


def test_the_human_monitors_help_is_parsed() -> None:
    assert parse_help(HELP) == [
        HumanCommand("announce_self", "[interfaces] [id]", "Trigger GARP/RARP announcements"),
        HumanCommand(
            "drive_add",
            "[-n] [[<domain>:]<bus>:]<slot> [file=file][,if=type][,bus=n] [,readonly=on|off]",
            "add drive to PCI storage controller",
        ),
        HumanCommand(
            "block_job_cancel",
            "[-f] device",
            "stop an active background block operation (use -f",
        ),
        HumanCommand("c", "", "resume emulation"),
        HumanCommand("cont", "", "resume emulation"),
    ]


def test_the_topics_of_info_are_parsed() -> None:
    text = (
        "info block [-n] [-v] [device] -- show info of one block device\r\n"
        "info balloon  -- show balloon information\r\n"
    )
    assert parse_help(text, prefix="info") == [
        HumanCommand("block", "[-n] [-v] [device]", "show info of one block device"),
        HumanCommand("balloon", "", "show balloon information"),
    ]


def test_all_commands_in_the_vms_help_are_parsed(vm: RunningVm) -> None:
    with vm.second() as client:
        text = client.execute("human-monitor-command", **{"command-line": "help"})
    listed = {
        name
        for line in text.splitlines()
        if line[:1] not in (" ", "\t", "[", "")
        for name in line.split()[0].split("|")
    }
    assert {command.name for command in parse_help(text)} == listed
    assert len(listed) > 80
