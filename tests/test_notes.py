"""Notes of what is deprecated or unstable: they cost neither a reply nor time."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmp_shell.language.references import Reference, parse_bare_word
from qmp_shell.session import Session
from qmp_shell.vm import Attachment
from tests.conftest import RunningVm, StartTableVm, StartTerminal
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


def test_a_vm_that_refuses_to_tell_its_schema_is_asked_once(table_vm: StartTableVm) -> None:
    def refuse(_: object) -> None:
        raise Refusal("GenericError", "not now")

    vm = table_vm("9.0.0", {"query-qmp-schema": refuse, "stop": {}})
    session = attach_user(vm.address)
    for _ in range(3):
        run_line(session, "stop")  # after which all that may have changed is asked anew
    assert vm.asked["stop"] == 3
    assert vm.asked["query-qmp-schema"] == 1


def test_a_line_that_ends_before_it_is_drawn_leaves_nothing_behind(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    """The line editor waits for a terminal that does not answer, while completions are found."""
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.replies = False
    for number in range(1, 6):
        before = shell.lines_ended
        shell.type("q")
        shell.type("uery-name\r")
        shell.wait_until(lambda before=before: shell.lines_ended > before, "the end of the line")  # type: ignore[misc]
        shell.wait_until(
            lambda number=number: shell.raw.count(b"testvm") > number,  # type: ignore[misc]
            "the reply",
        )
    assert b"internal error" not in shell.raw
