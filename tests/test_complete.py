"""Completion: what can stand at a place, and the names that QEMU's own help lists."""

from __future__ import annotations

import pytest

from qmp_shell.complete import Candidate, Kind, Wanted, candidates, wanted
from qmp_shell.shell.human import HumanCommand, read_help
from tests.conftest import RunningVm


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", Wanted(Kind.COMMAND, "")),
        ("query-st", Wanted(Kind.COMMAND, "query-st")),
        ("  query", Wanted(Kind.COMMAND, "query")),
        ("a=[\n1]\nquery", Wanted(Kind.COMMAND, "query")),
        ("query-status ", None),
        ("device_add dri", None),
        ("test a=[\nquery", None),
        (".", Wanted(Kind.DOT, ".")),
        (".co", Wanted(Kind.DOT, ".co")),
        (".set ", Wanted(Kind.OPTION, "")),
        (".set pa", Wanted(Kind.OPTION, "pa")),
        (".set pager o", Wanted(Kind.SWITCH, "o")),
        (".commands que", Wanted(Kind.COMMAND, "que")),
        (".log /tm", Wanted(Kind.FILE, "/tm")),
        (".hmp inf", Wanted(Kind.HUMAN, "inf")),
        (".hmp info na", Wanted(Kind.TOPIC, "na")),
        (".exit ", None),
    ],
)
def test_what_can_stand_there(text: str, what: Wanted | None) -> None:
    assert wanted(text) == what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", Wanted(Kind.HUMAN, "")),
        ("dev", Wanted(Kind.HUMAN, "dev")),
        ("info ", Wanted(Kind.TOPIC, "")),
        ("info sta", Wanted(Kind.TOPIC, "sta")),
        ("help dev", Wanted(Kind.HUMAN, "dev")),
        ("info status x", None),
        (".qm", Wanted(Kind.DOT, ".qm")),
    ],
)
def test_what_can_stand_there_in_the_human_monitor(text: str, what: Wanted | None) -> None:
    assert wanted(text, human=True) == what


def test_an_action_is_no_command() -> None:
    assert wanted("que", in_transaction=True) is None
    assert wanted(".ex", in_transaction=True) == Wanted(Kind.DOT, ".ex")


def test_names_are_asked_for_by_kind() -> None:
    class Names:
        def candidates(self, kind: str) -> list[Candidate]:
            return [Candidate(kind)]

    assert candidates(".ex", Names()) == (Wanted(Kind.DOT, ".ex"), [Candidate(Kind.DOT)])
    assert candidates("query-status a", Names()) is None


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


def test_help_is_read() -> None:
    assert read_help(HELP) == [
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


def test_topics_are_read() -> None:
    text = (
        "info block [-n] [-v] [device] -- show info of one block device\r\n"
        "info balloon  -- show balloon information\r\n"
    )
    assert read_help(text, prefix="info ") == [
        HumanCommand("block", "[-n] [-v] [device]", "show info of one block device"),
        HumanCommand("balloon", "", "show balloon information"),
    ]


def test_all_that_the_vm_lists_is_read(vm: RunningVm) -> None:
    with vm.second() as client:
        text = client.execute("human-monitor-command", **{"command-line": "help"})
    listed = {
        name
        for line in text.splitlines()
        if line[:1] not in (" ", "\t", "[", "")
        for name in line.split()[0].split("|")
    }
    assert {command.name for command in read_help(text)} == listed
    assert len(listed) > 80
