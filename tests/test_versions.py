"""QEMUs of other versions: schemas that lack much, or no schema at all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qmp_shell.complete import Draft, find_signature, find_unknown_names
from qmp_shell.errors import CheckError, UsageError
from qmp_shell.messages import CommandError
from qmp_shell.schema import Schema
from qmp_shell.session import Session
from qmp_shell.vm import Attachment
from qmp_shell.vm.questions import SCHEMA
from tests.conftest import StartTableVm
from tests.sessions import attach, offered_names, offline_session, run_line
from tests.table_vm import Refusal, SchemaEditor, TableVm

E1000 = [
    {"name": "addr", "type": "int32", "description": "Slot and optional function number"},
    {"name": "mac", "type": "str", "description": "Ethernet 6-byte MAC Address"},
    {"name": "multifunction", "type": "bool"},
    {"name": "bootindex", "type": "int32"},
    {"name": "extra_mac_registers", "type": "on/off"},
]


def list_properties(arguments: dict[str, Any]) -> list[dict[str, str]]:
    """An answer to ``device-list-properties``."""
    if arguments["typename"] != "e1000":
        raise Refusal("DeviceNotFound", "no such device")
    return E1000


# What all versions answer.
COMMON: dict[str, Any] = {
    "query-name": {"name": "old"},
    "query-status": {"status": "paused", "running": False, "singlestep": False},
    "query-migrate": {},
    "qom-list-types": [{"name": "e1000"}, {"name": "pc-dimm"}, {"name": "isa-fdc"}],
    "qom-set": {},
    "qom-list": [{"name": "net1", "type": "child<e1000>"}],
    "device-list-properties": list_properties,
    "human-monitor-command": 'name "e1000", bus PCI\r\nname "isa-fdc", bus ISA, no-user\r\n',
    "device_add": {},
    "device_del": {},
    "netdev_add": {},
    "object-add": {},
}
EVENTS = [{"name": "STOP"}, {"name": "RESUME"}, {"name": "DEVICE_DELETED"}]
OBJECT_ADD = {"qom_type": "str", "id": "str", "props": "*any"}

Start = Callable[[TableVm], Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that attaches a session to a VM."""
    sessions: list[Session] = []

    def start(vm: TableVm) -> Session:
        sessions.append(attach(vm.address))
        return sessions[-1]

    yield start
    for session in sessions:
        session.attachment.close()


@pytest.fixture
def old(table_vm: StartTableVm, schema_editor: SchemaEditor) -> TableVm:
    """QEMU 2.5: a schema, which lacks ``device_add``, and has commands that the VM lacks."""
    schema_editor.drop("device_add", "qmp_capabilities")
    schema_editor.set_arguments("netdev_add", type="str", id="str")
    schema_editor.set_arguments("object-add", **OBJECT_ADD)
    return table_vm("2.5.1", COMMON | {"query-qmp-schema": schema_editor.entries})


@pytest.fixture
def older(table_vm: StartTableVm) -> TableVm:
    """QEMU 2.4, which has no schema."""
    return table_vm("2.4.1", COMMON | {"query-events": EVENTS})


def unknown_names(session: Session, text: str) -> list[str]:
    """The words of a line that are marked, once the VM has answered."""
    draft = Draft(text)
    assert draft.command is not None
    command = draft.command
    types = session.attachment.known_types

    def find() -> list[str]:
        return [text[start:end] for start, end in find_unknown_names(command, types)]

    return session.attachment.known_within(find)


def faults(session: Session, text: str) -> str:
    """What a dry run says of a line; empty: nothing."""
    session.is_dry_run = True
    try:
        run_line(session, text)
    except CheckError as error:
        return str(error)
    finally:
        session.is_dry_run = False
    return ""


def sent(vm: TableVm) -> dict[str, Any]:
    """The arguments of the last command that the user sent."""
    own = [each for each in vm.messages if each["execute"] in ("device_add", "netdev_add")]
    arguments: dict[str, Any] = own[-1]["arguments"]
    return arguments


# device_add is completed and typed without the schema


@pytest.mark.parametrize("version", ["old", "older"])
def test_device_add_is_completed_where_the_schema_lacks_it(
    start: Start, request: pytest.FixtureRequest, version: str
) -> None:
    session = start(request.getfixturevalue(version))
    assert "device_add" in offered_names(session, "dev")
    assert list(offered_names(session, "device_add ")) == ["driver=", "id=", "bus="]
    assert list(offered_names(session, "device_add driver=")) == ["e1000"]
    keys = offered_names(session, "device_add driver=e1000 ")
    assert keys["mac="].startswith("str, optional: Ethernet")
    assert keys["addr="].startswith("str, ")
    assert keys["bootindex="].startswith("int, ")
    values = offered_names(session, "device_add driver=e1000 multifunction=")
    assert set(values) == {"true", "false"}
    line = "device_add driver=e1000 id=net1 mac=52:54:00:12:34:56 "
    assert unknown_names(session, line) == []
    assert unknown_names(session, line + "mc=5 ") == ["mc"]
    assert faults(session, line) == ""


@pytest.mark.parametrize("version", ["old", "older"])
def test_device_add_is_typed_where_the_schema_lacks_it(
    start: Start, request: pytest.FixtureRequest, version: str
) -> None:
    vm: TableVm = request.getfixturevalue(version)
    session = start(vm)
    run_line(
        session, "device_add driver=e1000 id=5 addr=5 bootindex=0x10 multifunction=on x=7 y=on"
    )
    assert sent(vm) == {
        **{"driver": "e1000", "id": "5", "addr": "5", "bootindex": 16, "multifunction": True},
        **{"x": 7, "y": "on"},
    }


def test_help_on_device_add_where_the_schema_lacks_it(
    start: Start, old: TableVm, capfd: pytest.CaptureFixture[str]
) -> None:
    run_line(start(old), ".help device_add driver=e1000")
    page = capfd.readouterr().out
    assert "  device_add driver=str [bus=str] [id=str] [addr=str] " in page
    assert "Ethernet 6-byte MAC Address" in page


def test_a_storage_daemon_has_no_device_add(
    start: Start, table_vm: StartTableVm, schema_editor: SchemaEditor
) -> None:
    """Its schema lacks the command as an old one does, but so does query-commands."""
    schema_editor.drop("device_add")
    answers = {"query-qmp-schema": schema_editor.entries, "qom-list-types": []}
    session = start(table_vm("7.2.0", answers))
    assert offered_names(session, "device_add ") == {}
    assert unknown_names(session, "device_add driver=e1000 ") == ["device_add"]
    assert faults(session, "device_add driver=e1000").startswith(
        "device_add: no command device_add"
    )


def test_a_saved_schema_that_lacks_device_add(
    schema_editor: SchemaEditor,
) -> None:
    schema_editor.drop("device_add", "qmp_capabilities")
    session = offline_session(Schema(schema_editor.entries))
    assert faults(session, "device_add driver=e1000 id=5 foo=1") == ""
    assert faults(session, "qmp_capabilities") == ""
    assert faults(session, "device_add id=5") == "device_add: missing: driver"
    schema_editor.drop("device_del")  # as in that of a storage daemon
    session = offline_session(Schema(schema_editor.entries))
    assert "no command device_add" in faults(session, "device_add driver=e1000")


# netdev_add is open up to QEMU 4.2


def test_netdev_add_takes_more_than_an_old_schema_has(start: Start, old: TableVm) -> None:
    session = start(old)
    line = "netdev_add type=user id=n0 hostfwd=tcp::1-:2 restrict=true n=5"
    assert unknown_names(session, line) == []
    assert faults(session, line) == ""
    assert list(offered_names(session, "netdev_add ")) == ["type=", "id="]
    run_line(session, line)
    expected = {"type": "user", "id": "n0", "hostfwd": "tcp::1-:2", "restrict": True, "n": 5}
    assert sent(old) == expected
    assert "missing: id" in faults(session, "netdev_add type=user")


def test_netdev_add_is_checked_where_the_schema_has_it_all(
    start: Start, table_vm: StartTableVm, schema_editor: SchemaEditor
) -> None:
    answers = COMMON | {"query-qmp-schema": schema_editor.entries}
    session = start(table_vm("7.2.0", answers))
    line = "netdev_add type=user id=n0 hostfw=x"
    assert faults(session, line).startswith("netdev_add: no argument hostfw; did you mean hostfwd")
    assert unknown_names(session, line + " ") == ["hostfw"]


# query-commands decides what exists


def test_a_command_that_only_the_schema_lists_does_not_exist(
    start: Start, old: TableVm, capfd: pytest.CaptureFixture[str]
) -> None:
    session = start(old)
    assert "query-rx-filter" not in offered_names(session, "query-")
    assert unknown_names(session, "query-rx-filter ") == ["query-rx-filter"]
    assert faults(session, "query-rx-filter").startswith(
        "query-rx-filter: no command query-rx-filter"
    )
    with pytest.raises(CommandError) as caught:
        run_line(session, "query-nam")
    assert caught.value.hint == "did you mean query-name?"
    assert session.corrector.line == "query-name"
    with pytest.raises(CommandError) as caught:
        run_line(session, "query-rx-filter")
    assert caught.value.hint == ".commands lists the VM's commands"
    capfd.readouterr()
    with contextlib.suppress(UsageError):  # unless the installed manual has a section on it
        run_line(session, ".help query-rx-filter")
    assert "[name=str]" not in capfd.readouterr().out


def test_a_command_that_only_query_commands_lists_exists(start: Start, old: TableVm) -> None:
    session = start(old)
    assert "qmp_capabilities" in offered_names(session, "qmp")
    assert unknown_names(session, "qmp_capabilities ") == []
    assert faults(session, "qmp_capabilities") == ""


# object-add takes props up to QEMU 5.2


def test_members_of_a_new_object_belong_into_props_up_to_4_2(start: Start, old: TableVm) -> None:
    session = start(old)
    assert set(offered_names(session, "object-add ")) == {"qom-type=", "id=", "props="}
    line = "object-add qom-type=memory-backend-ram id=m0 "
    fault = faults(session, line + "size=1048576")
    assert fault == "object-add: no argument size; did you mean props.size?"
    assert faults(session, line + "props.size=1048576") == ""
    assert unknown_names(session, line + "size=1048576 ") == ["size"]
    assert unknown_names(session, line + "props.size=1048576 ") == []


def test_members_of_a_new_object_stand_at_either_level_in_5_0(
    start: Start, table_vm: StartTableVm, schema_editor: SchemaEditor
) -> None:
    schema_editor.set_arguments("object-add", **OBJECT_ADD)
    session = start(table_vm("5.0.0", COMMON | {"query-qmp-schema": schema_editor.entries}))
    line = "object-add qom-type=memory-backend-ram id=m0 "
    for rest in ("size=1048576", "props.size=1048576"):
        assert faults(session, line + rest) == ""
        assert unknown_names(session, line + rest + " ") == []


def test_members_of_a_new_object_stand_at_the_top_since_6_0(
    start: Start, table_vm: StartTableVm, schema_editor: SchemaEditor
) -> None:
    session = start(table_vm("7.2.0", COMMON | {"query-qmp-schema": schema_editor.entries}))
    line = "object-add qom-type=memory-backend-ram id=m0 size=1M "
    assert faults(session, line + "props.share=on") == (
        "object-add: no argument props; share must stand at the top, not in it"
    )
    assert unknown_names(session, line + "props.share=on ") == ["props.share"]
    assert faults(session, line + "share=on") == ""


# Without a schema


def test_names_are_completed_without_a_schema(start: Start, older: TableVm) -> None:
    session = start(older)
    assert list(offered_names(session, "device_del id=")) == ["net1"]
    assert unknown_names(session, "device_del id=net1 x=1 ") == []
    assert unknown_names(session, "device_dle ") == ["device_dle"]
    assert unknown_names(session, "qom-set path=/machine property=nonsense value=5 ") == []
    assert session.attachment.answers.lacks(SCHEMA)
    draft = Draft("device_del id=net1").command
    assert draft is not None
    assert find_signature(draft, session.attachment.known_types) is None
    assert older.asked["query-qmp-schema"] == 1


def test_events_are_completed_listed_and_checked_without_a_schema(
    start: Start, older: TableVm, capfd: pytest.CaptureFixture[str]
) -> None:
    session = start(older)
    assert {"STOP", "RESUME"} <= set(offered_names(session, ".wait "))
    assert {"STOP", "RESUME"} <= set(offered_names(session, ".events "))
    run_line(session, ".events")
    listed = [line.split()[-1] for line in capfd.readouterr().out.splitlines()]
    assert listed[:3] == ["DEVICE_DELETED", "RESUME", "STOP"]
    with pytest.raises(UsageError, match=r"no event STPO; did you mean STOP\?$"):
        run_line(session, ".wait STPO timeout=5")


def test_a_hint_without_a_schema(start: Start, older: TableVm) -> None:
    session = start(older)
    with pytest.raises(CommandError) as caught:
        run_line(session, "query-nam")
    assert caught.value.hint == "did you mean query-name?"
    assert faults(session, "query-nam").endswith("did you mean query-name?")
    assert faults(session, "device_add driver=e1000 mc=x").endswith("did you mean mac?")


def test_a_new_qemu_is_not_asked_for_its_events(
    start: Start, table_vm: StartTableVm, schema_editor: SchemaEditor
) -> None:
    vm = table_vm("7.2.0", {"query-qmp-schema": schema_editor.entries, "query-name": {}})
    session = start(vm)
    assert "STOP" in offered_names(session, ".wait ")
    with pytest.raises(UsageError, match="no event STPO"):
        run_line(session, ".wait STPO timeout=5")
    assert vm.asked["query-events"] == 0


# What the VM lacks is asked for once


def poll(attachment: Attachment, times: int) -> None:
    """Have the toolbar ask for the VM's state, as it does while something changes."""
    for number in range(times):
        attachment.answers.forget_changeable()
        attachment.poller.poll(time.monotonic() + number)
        attachment.known_within(lambda: None)


def test_a_command_that_the_vm_lacks_is_asked_for_once(start: Start, older: TableVm) -> None:
    session = start(older)
    poll(session.attachment, 5)
    assert older.asked["query-jobs"] == 1
    assert older.asked["query-status"] == 5
    for driver in ("a", "b"):
        session.attachment.known_types.arguments("device_add", {"driver": driver})
        session.attachment.known_within(lambda: None)
    for line in ("netdev_add type=user id=5", "netdev_add type=tap id=6", ".events"):
        run_line(session, line)
    assert older.asked["query-qmp-schema"] == 1


def test_a_command_that_the_vm_lacks_is_not_asked_for_while_a_migration_runs(
    start: Start, table_vm: StartTableVm
) -> None:
    """The toolbar asks for the progress of jobs and migrations each second then."""
    vm = table_vm("2.4.1", COMMON | {"query-migrate": {"status": "active"}})
    attachment = start(vm).attachment
    for number in range(4):
        attachment.poller.poll(time.monotonic() + number)
        attachment.known_within(lambda: None)
    assert vm.asked["query-migrate"] > 1
    assert vm.asked["query-jobs"] == 1


def test_only_drivers_that_the_vm_lists_are_asked_about(start: Start, older: TableVm) -> None:
    session = start(older)
    for typed in ("e", "e1000x", "/machine", "nonsense"):
        offered_names(session, f"device_add driver={typed} id")
    assert older.asked["device-list-properties"] == 0
    offered_names(session, "device_add driver=e1000 id")
    assert older.asked["device-list-properties"] == 1


def test_questions_that_differ_in_arguments_are_one_command(
    start: Start, table_vm: StartTableVm
) -> None:
    answers = {**COMMON, "qom-list-types": [{"name": "a"}, {"name": "b"}]}
    del answers["device-list-properties"]
    vm = table_vm("1.0.0", answers)
    session = start(vm)
    for driver in ("a", "b", "a"):
        run_line(session, f"device_add driver={driver} id=5")
    assert vm.asked["device-list-properties"] == 1
    assert vm.asked["device_add"] == 3


def test_what_fails_otherwise_is_asked_for_again(start: Start, table_vm: StartTableVm) -> None:
    def refuse(_: object) -> None:
        raise Refusal("GenericError", "not now")

    vm = table_vm("9.0.0", COMMON | {"query-jobs": refuse})
    poll(start(vm).attachment, 3)
    assert vm.asked["query-jobs"] == 3


def test_another_connection_asks_anew(start: Start, older: TableVm) -> None:
    for count in (1, 2):
        session = start(older)
        poll(session.attachment, 2)
        assert older.asked["query-jobs"] == count
        session.attachment.close()
