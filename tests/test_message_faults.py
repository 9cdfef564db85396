"""What a VM's types do not allow: in a dry run, and as a hint."""

from __future__ import annotations

import json
import re

import pytest

from qmp_shell.errors import CheckError
from qmp_shell.schema import Schema
from tests.conftest import Run, RunningVm
from tests.sessions import offline_session, run_line


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"actions": []}, ""),
        ({"actions": [{"type": "abort", "data": {}}]}, ""),
        ({"actions": [], "properties": {"completion-mode": "grouped"}}, ""),
        ({}, "missing: actions"),
        ({"actions": 5}, "actions must be a list, each item an object"),
        ({"actions": {"type": "abort", "data": {}}}, "actions must be a list, each item an object"),
        ({"action": []}, "no argument action; did you mean actions?"),
        ({"actions": [], "foo": 1}, "no argument foo; it takes: properties"),
        (
            {"actions": [], "properties": {"foo": 1}},
            "no argument properties.foo; it takes: properties.completion-mode",
        ),
        (
            {"actions": [], "properties": {"completion-mode": "x"}},
            "properties.completion-mode has no value 'x'; properties.completion-mode is one of: "
            "individual, grouped",
        ),
        ({"actions": ["abort"]}, "actions.0 must be an object"),
        ({"actions": [{"data": {}}]}, "actions.0: missing: type"),
        ({"actions": [{"type": "abort"}]}, "abort: missing: data"),
        ({"actions": [{"type": "abort", "data": {}}, {}]}, "actions.1: missing: type"),
        (
            {"actions": [{"type": "abort", "data": {}, "dat": 1}]},
            "abort: no argument dat",
        ),
        ({"actions": [{"type": "abort", "dta": {}}]}, "abort: no argument dta; did you mean data?"),
        ({"actions": [{"type": "abort", "data": []}]}, "abort: arguments must be an object"),
        (
            {"actions": [{"type": "abort", "data": {"x": 1}}]},
            "abort: no argument x; it takes no arguments",
        ),
        ({"actions": [{"type": "abrot", "data": {}}]}, "no action abrot; did you mean abort?"),
        (
            {"actions": [{"type": "blockdev-backup", "data": {"device": "a", "sync": 5}}]},
            "blockdev-backup: sync must be one of ",
        ),
    ],
    ids=str,
)
def test_a_dry_run_checks_all_of_a_transaction(
    schema: Schema, arguments: dict[str, object], fault: str
) -> None:
    session = offline_session(schema)
    session.is_dry_run = True
    line = json.dumps({"execute": "transaction", "arguments": arguments})
    if not fault:
        run_line(session, line)
        return
    with pytest.raises(CheckError, match=f"^transaction: {re.escape(fault)}"):
        run_line(session, line)


def test_an_action_without_data_is_refused_as_the_dry_run_says(vm: RunningVm, run: Run) -> None:
    line = 'transaction actions=[{"type": "abort"}] properties.x=1'
    hint = "no argument properties.x; it takes: properties.completion-mode; abort: missing: data"
    assert run("-n", vm.address, "-c", line).stderr == f"qmp-shell: transaction: {hint}\n"
    assert run(vm.address, "-c", line).stderr.endswith(f"(hint: {hint})\n")
    assert run(vm.address, "-c", "transaction( )").returncode == 0


def test_an_address_of_either_type_is_no_fault_without_a_vm(schema: Schema) -> None:
    """Old QEMUs take both, and without a VM its age is not known."""
    session = offline_session(schema)
    session.is_dry_run = True
    for driver in ("e1000", "pc-dimm"):
        for address in (5, "5"):
            arguments = {"driver": driver, "addr": address}
            run_line(session, json.dumps({"execute": "device_add", "arguments": arguments}))
