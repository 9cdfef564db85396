"""What is saved of what was typed."""

from __future__ import annotations

import time

import pytest

from qmp_shell.messages import Event
from qmp_shell.session.inverse import find_inverse
from qmp_shell.session.transcript import Transcript
from qmp_shell.vm import Attachment


def event(name: str, **data: object) -> Event:
    message = {"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 0}}
    return Event(message)


def transcript(*lines: tuple[str, str, bool]) -> Transcript:
    """Lines, what went wrong with each, and whether a transaction was open then."""
    found = Transcript()
    for text, failure, in_transaction in lines:
        found.begin(text, human=False)
        found.end(failure=failure, in_transaction=in_transaction)
    return found


def test_a_transaction_that_fails_is_a_comment_as_a_whole() -> None:
    found = transcript(
        ("transaction(", "", True), ("a", "", True), (")", "refused", False), ("b", "", False)
    )
    assert list(found.script(None)) == [
        *("# failed: refused", "#   transaction(", "#   a", "#   )", "b")
    ]
    assert next(found.script(2)) == "# failed: refused", "it counts as one"
    assert list(found.script(1)) == ["b"]


def test_a_line_that_is_refused_is_no_part_of_a_transaction() -> None:
    found = transcript(
        ("transaction(", "", True), ("=", "wrong", True), ("a", "", True), (")", "", False)
    )
    assert list(found.script(None)) == ["transaction(", "a", ")"]


def test_a_dropped_transaction_is_a_comment() -> None:
    found = transcript(("transaction(", "", True), ("a", "", True))
    found.drop_transaction()
    found.drop_transaction()
    found.begin("b", human=False)
    found.end(failure="", in_transaction=False)
    assert next(found.script(None)) == "# failed: the transaction was dropped"
    assert list(found.script(None))[-1] == "b"


def test_a_secret_in_a_transaction_hides_it() -> None:
    found = transcript(("transaction(", "", True), ("a password=x", "", True), (")", "", False))
    assert list(found.script(None)) == ["# a line that may hold a secret is left out"]


def test_waits_stand_where_the_person_waited() -> None:
    found = transcript(("device_del id=net1", "", False))
    found.note_event(event("DEVICE_DELETED", device="net1", path="/x"))
    found.note_event(event("DEVICE_DELETED", device="net1", path="/x"))
    found.note_event(event("DEVICE_DELETED", device="net", path="/x"))
    found.note_event(event("DEVICE_DELETED", path="/x"))
    found.note_event(event("RESUME"))
    found.begin("block-job-cancel device=m0", human=False)
    found.end(failure="", in_transaction=False)
    found.note_event(event("BLOCK_JOB_CANCELLED", device="m0"))
    found.begin("dump-guest-memory paging=false", human=False)
    found.end(failure="interrupted", in_transaction=False)
    found.note_event(event("DUMP_COMPLETED"))
    assert list(found.script(None)) == [
        "device_del id=net1",
        ".wait DEVICE_DELETED device=net1",
        "block-job-cancel device=m0",
        ".wait BLOCK_JOB_CANCELLED device=m0",
        "# failed: interrupted",
        "#   dump-guest-memory paging=false",
    ]


def test_a_job_that_has_done_its_work_is_waited_for() -> None:
    def job(status: str) -> Event:
        return event("JOB_STATUS_CHANGE", id="c0", status=status)

    found = transcript(("blockdev-create job-id=c0", "", False))
    for status in ("created", "running", "waiting", "pending", "concluded"):
        found.note_event(job(status))
    found.begin("job-dismiss id=c0", human=False)
    found.end(failure="", in_transaction=False)
    found.note_event(job("null"))
    found.begin("blockdev-create job-id=c0 x=y", human=False)
    found.end(failure="", in_transaction=False)
    for status in ("created", "running", "aborting", "concluded"):
        found.note_event(job(status))
    assert list(found.script(None)) == [
        "blockdev-create job-id=c0",
        ".wait job=c0",
        "job-dismiss id=c0",
        "blockdev-create job-id=c0 x=y",
    ]


def test_what_was_waited_for_is_not_waited_for_twice() -> None:
    found = transcript(("device_del id=a", "", False))
    found.note_event(event("DEVICE_DELETED", device="a"))
    found.begin(".wait DEVICE_DELETED device=a", human=False)
    found.note_event(event("DEVICE_DELETED", device="a"))
    found.end(failure="", in_transaction=False)
    assert list(found.script(None)) == ["device_del id=a", ".wait DEVICE_DELETED device=a"]


def test_a_migration_is_waited_for() -> None:
    found = transcript(("migrate uri=exec:true", "", False), ("cont", "", False))
    assert list(found.script(None)) == ["migrate uri=exec:true", ".wait migration", "cont"]


@pytest.mark.timeout(30)
def test_events_of_many_names_take_little_time_and_memory() -> None:
    found = transcript(("a " + " ".join(f"x{number}" for number in range(100_000)), "", False))
    start = time.process_time()
    for number in range(50_000):
        found.note_event(event("DEVICE_DELETED", device=f"x{number}"))
    assert time.process_time() - start < 10
    assert len(list(found.script(None))) < 30


def test_a_long_inverse_is_not_suggested() -> None:
    message = {"execute": "device_add", "arguments": {"id": "x" * 20}}
    offline = Attachment(None, lambda _: None)
    assert find_inverse(message, offline) == f"device_del id={'x' * 20}"
    message["arguments"] = {"id": "x" * 400}
    assert find_inverse(message, offline) == ""
