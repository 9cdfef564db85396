"""Notes that a command is deprecated or unstable. If one cannot be found, the reply is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmp_shell import CommandError
from qmp_shell.language.references import Reference, parse_bare_word
from qmp_shell.session import Session
from qmp_shell.vm import Attachment
from tests.conftest import RunningVm, StartTableVm
from tests.sessions import attach, run_line
from tests.table_vm import Refusal
from tests.test_dot_commands import FixedUser


def attach_user(address: str) -> Session:
    return attach(address, user=FixedUser([]))


def test_an_interrupt_of_the_wait_for_a_note_loses_no_reply(
    vm: RunningVm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    session = attach_user(vm.address)
    monkeypatch.setattr(Attachment, "known_within", interrupt)
    file = tmp_path / "reply"
    for line in (f"query-name > {file}", "query-name | .let name"):
        with pytest.raises(KeyboardInterrupt):
            run_line(session, line)
    assert file.read_text() == '{"return": {"name": "testvm"}}\n'
    reference = parse_bare_word("$name", 0)
    assert isinstance(reference, Reference)
    assert session.variables.find(reference) == {"name": "testvm"}


def test_what_is_deprecated_is_told_once(vm: RunningVm) -> None:
    """At a prompt a note tells of it, and the hint does not repeat that. Scripts have no notes."""
    session = attach_user(vm.address)
    for _ in range(2):
        with pytest.raises(CommandError) as refused:
            run_line(session, "drive-backup device=none target=/x sync=full")
        assert refused.value.hint == ""
    session.attachment.close()
    script = attach(vm.address)
    with pytest.raises(CommandError) as refused:
        run_line(script, "drive-backup device=none target=/x sync=full")
    assert refused.value.hint == "drive-backup is deprecated"


def test_a_vm_that_refuses_to_tell_its_schema_is_asked_once(table_vm: StartTableVm) -> None:
    def refuse(_: object) -> None:
        raise Refusal("GenericError", "not now")

    vm = table_vm("9.0.0", {"query-qmp-schema": refuse, "stop": {}})
    session = attach_user(vm.address)
    for _ in range(3):
        run_line(session, "stop")  # after which all that may have changed is asked anew
    assert vm.asked["stop"] == 3
    assert vm.asked["query-qmp-schema"] == 1
