"""What the shell asks by itself, about everything that a VM lists, leaves the VM alive."""

from __future__ import annotations

import contextlib

import pytest

from qmp_shell.complete import Kind, NameRequest
from qmp_shell.errors import CheckError
from qmp_shell.schema import INTEGER, Object
from qmp_shell.session import Session
from qmp_shell.session.inverse import find_inverse
from qmp_shell.vm.name_lists import NAME_LISTS
from qmp_shell.vm.open_commands import MEMORY_DRIVERS
from qmp_shell.vm.questions import DEVICE_TYPES, DRIVERS
from tests.conftest import RunningVm
from tests.sessions import attach, offered_names, run_line

# How many drivers may be left out, because a part of theirs is not installed.
_MOST_LEFT_OUT = 10


def list_drivers(session: Session) -> list[str]:
    """All that may be taken for a driver: types of devices, drivers by their names and aliases."""
    view = session.attachment.answers.waiting
    listed = view.get(DRIVERS) or []
    names = {name for each in listed for name in (each.name, each.alias) if name}
    found = names | set(view.get(DEVICE_TYPES) or ())
    assert len(found) > 400
    return sorted(found)


def list_types(session: Session) -> list[str]:
    """All QOM types, abstract ones too."""
    listed = session.attachment.answers.waiting.get(NAME_LISTS[Kind.QOM_TYPE].question) or []
    found = sorted(str(each["name"]) for each in listed)
    assert len(found) > 600
    return found


def ask_about_drivers(session: Session) -> None:
    """Ask what completion and marks of ``device_add`` ask, for each driver."""
    attachment = session.attachment
    types, names = attachment.known_types, attachment.names
    left_out, in_memory = set(), set()
    for driver in list_drivers(session):
        given = {"driver": driver}

        def ask(given: dict[str, str] = given) -> Object | None:
            list(names.candidates(NameRequest(Kind.BUS, "", given)))
            return types.arguments("device_add", given)

        found = attachment.known_within(ask)
        assert found is not None
        if found.is_incomplete:
            left_out.add(driver)
        if "addr" in found.members and found.members["addr"].type is INTEGER:
            in_memory.add(driver)
    assert len(left_out) <= _MOST_LEFT_OUT, left_out
    # What is known of addresses without a VM is true of this one.
    assert {"nvdimm", "pc-dimm"} <= in_memory <= MEMORY_DRIVERS


def try_lines(session: Session) -> None:
    """Complete lines, and try one for each driver and each type in a dry run."""
    for line in ("device_add driver=", "object-add qom-type=", "device_add virtio-"):
        assert offered_names(session, line, human=line.endswith("-"))
    session.is_dry_run = True
    drivers = set(list_drivers(session))
    lines = [f"device_add driver={driver} id=a" for driver in drivers]
    for type_ in set(list_types(session)) - drivers:
        lines += [f"object-add qom-type={type_} id=a", f"device_add driver={type_} id=a"]
    for line in lines:
        with contextlib.suppress(CheckError):
            run_line(session, line)
    session.is_dry_run = False


def show_help(session: Session) -> None:
    """Show help on each driver."""
    for driver in list_drivers(session):
        run_line(session, f".help device_add driver={driver}")


def ask_about_objects(session: Session) -> None:
    """Ask what typing and sending ``qom-set`` ask, for each property in the QOM tree."""
    attachment = session.attachment
    types, names = attachment.known_types, attachment.names
    paths, asked = [""], 0
    while paths:
        path = paths.pop()
        below = NameRequest(Kind.QOM_PATH, f"{path}/")
        properties = NameRequest(Kind.QOM_PROPERTY, "", {"path": path or "/"})

        def names_of(request: NameRequest) -> list[str]:
            return attachment.known_within(
                lambda: [each.text for each in names.candidates(request)]
            )

        paths += names_of(below)
        for name in names_of(properties):
            given = {"path": path or "/", "property": name}
            assert types.arguments("qom-set", given) is not None
            find_inverse({"execute": "qom-set", "arguments": given}, attachment)
            asked += 1
    assert asked > 500


def test_questions_about_everything_that_a_vm_lists_leave_it_alive(
    vm: RunningVm, capfd: pytest.CaptureFixture[str]
) -> None:
    """QEMU 7.2 without its virtio-gpu-gl module ends when it is asked about two of its drivers."""
    session = attach(vm.address)
    ask_about_drivers(session)
    ask_about_objects(session)
    try_lines(session)
    assert len(capfd.readouterr().out.splitlines()) > 1000
    show_help(session)
    assert capfd.readouterr().out.count("device_add: a command") > 400
    assert session.attachment.client.execute("query-status")["status"] == "prelaunch"
    assert vm.process.poll() is None
    session.attachment.close()
