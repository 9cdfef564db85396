"""The line that undoes the last change, on real VMs."""

from __future__ import annotations

import itertools

from qmp_shell.session import Session
from qmp_shell.vm.inspection import LIMITS as LIMITS_OF_DEVICES
from tests.conftest import RunningVm, StartVm
from tests.sessions import attach, run_line

DISK = ("-blockdev", "null-co,node-name=n0,size=1048576", "-device", "virtio-blk-pci,drive=n0,id=d")
BACKEND = "/machine/peripheral/d/virtio-backend"
LIMITS = f"block_set_io_throttle id={BACKEND} bps_rd=0 bps_wr=0 iops_rd=0 iops_wr=0"


class NoQuestions:
    """Somebody who types, and is never asked."""

    def confirm(self, question: str) -> bool:
        raise AssertionError(question)


def session_of(vm: RunningVm) -> Session:
    return attach(vm.address, user=NoQuestions())  # type: ignore[arg-type]


def limits_of(session: Session) -> dict[str, int]:
    """What of the disk's limits is not as usual."""
    (entry,) = session.attachment.client.execute("query-block")
    keys = ("bps", "iops")
    found = {k: v for k, v in entry["inserted"].items() if k.startswith(keys) and v}
    return {key: value for key, value in found.items() if not key.endswith("_length") or value > 1}


BEFORE = (
    "bps=0 iops=0",
    "bps=1000000 iops=0 bps_max=2000000 bps_max_length=10",
    "bps=1000000 iops=1000 iops_size=4096",
)
CHANGES = (
    "bps=500000 iops=0",
    "bps=1000 iops=500 bps_max=2000 iops_size=8192",
    "bps=1000 iops=0",
)


def test_undoing_a_change_of_limits_restores_all_of_them(start_vm: StartVm) -> None:
    session = session_of(start_vm(*DISK))
    for before, change in itertools.product(BEFORE, CHANGES):
        run_line(session, f"{LIMITS} {before}")
        limits = limits_of(session)
        run_line(session, f"{LIMITS} {change}")
        assert limits_of(session) != limits, (before, change)
        run_line(session, session.executor.inverse)
        assert limits_of(session) == limits, (before, change)


def test_former_values_are_those_just_before_the_change(start_vm: StartVm) -> None:
    """Though the shell has asked for them earlier, and somebody else has changed them since."""
    vm = start_vm(*DISK)
    session = session_of(vm)
    run_line(session, f"{LIMITS} bps=1 iops=0")
    session.attachment.ask_anew([LIMITS_OF_DEVICES])
    with vm.second() as client:
        zeros = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
        client.execute("block_set_io_throttle", id=BACKEND, bps=1_000_000, **zeros)
    run_line(session, f"{LIMITS} bps=500000 iops=0")
    assert "bps=1000000 " in session.executor.inverse


def test_what_changes_nothing_has_no_inverse(start_vm: StartVm) -> None:
    session = session_of(start_vm(*DISK))
    run_line(session, "block-dirty-bitmap-add node=n0 name=b0")
    run_line(session, "block-dirty-bitmap-enable node=n0 name=b0")
    assert session.executor.inverse == ""
    run_line(session, "block-dirty-bitmap-disable node=n0 name=b0")
    assert session.executor.inverse == "block-dirty-bitmap-enable node=n0 name=b0"
    run_line(session, session.executor.inverse)
    assert session.executor.inverse == "block-dirty-bitmap-disable node=n0 name=b0"
