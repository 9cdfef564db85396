"""How cost grows with size. What is linear has about the same cost for each unit in all rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from qmp_shell import connect
from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Draft
from qmp_shell.vm import Attachment
from tests.bench.timing import run_program


def measure_growth(program: str, vm: str, server: str, *, is_quick: bool) -> None:
    """Print how cost grows.

    :param program: the shell.
    :param vm: the address of a QEMU, in which objects are created.
    :param server: the address of the server for large replies.
    """
    print("\n| what | size | ms | microseconds for each |\n| --- | --- | --- | --- |")
    base = run_program([program, server, "-c", "query-1"]).seconds
    for size in (1 << 10, 1 << 20) if is_quick else (1 << 10, 1 << 16, 1 << 20, 1 << 23, 1 << 26):
        seconds = run_program([program, server, "-c", f"query-{size}"]).seconds
        _print("a reply, by KiB", size >> 10, seconds - base)
    for number in (10, 100) if is_quick else (100, 1000, 10_000, 100_000):
        seconds = run_program([program, server, "-e", "-c", f"events-{number}"]).seconds
        _print("events, printed", number, seconds - base)
    with tempfile.TemporaryDirectory(prefix="qmp-bench-") as folder:
        script = Path(folder) / "script"
        for number in (10, 100) if is_quick else (100, 1000, 10_000):
            script.write_text("query-status\n" * number)
            seconds = run_program([program, vm], stdin=str(script)).seconds
            _print("lines of a script", number, seconds - base)
    _measure_objects(program, vm, base, (1, 10) if is_quick else (1, 10, 100, 1000, 10_000))


def _measure_objects(program: str, vm: str, base: float, sizes: tuple[int, ...]) -> None:
    """Create objects, and complete their ids.

    :param base: what a script takes that does nothing, in seconds.
    """
    created = 0
    for size in sizes:
        new = range(created, size)
        lines = "".join(f"object-add qom-type=rng-builtin id=o{each}\n" for each in new)
        with tempfile.NamedTemporaryFile("w", prefix="qmp-bench-") as script:
            script.write(lines)
            script.flush()
            seconds = run_program([program, vm], stdin=script.name).seconds
        _print("object-add", len(new), seconds - base)
        created = size
        with connect(vm) as client:
            attachment = Attachment(client, lambda _: None)
            draft = Draft("object-del id=o")
            start = time.perf_counter()
            while True:
                complete_draft(draft, Registry(), attachment.names, attachment.known_types)
                if not attachment.answers.has_open_questions:
                    break
                attachment.answers.settle(20)
            _print("completion of an object's id", size, time.perf_counter() - start)


def _print(title: str, size: int, seconds: float) -> None:
    print(
        f"| {title} | {size} | {seconds * 1000:.1f} | {seconds / max(size, 1) * 1e6:.1f} |",
        flush=True,
    )
