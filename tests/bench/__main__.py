"""``python -m tests.bench``: a table of what things take, side by side with the peers.

``tests/bench/run`` installs the peers and starts it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.growth import measure_growth
from tests.bench.prompt import measure_keys, measure_start
from tests.bench.timing import Comparison, Cost, Run, compare, run_program
from tests.waiting import wait_until

PYTHON = sys.executable
PEERS = [PYTHON, "-m", "tests.bench.peers"]
OURS = str(Path(PYTHON).with_name("qmp-shell"))
KEYS = b"blockdev-add driver=qcow2 node-name=x file.driver=file file.filename=y cache.direct=on"


class Bench:
    """What is measured, and what it needs.

    :ivar vm: the address of a QEMU.
    :ivar server: the address of a server for what no QEMU sends (``server.py``).
    :ivar flood: the address of one that sends events without end.
    """

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.folder = folder
        self.classic: str | None = options.classic
        self.is_quick: bool = options.quick
        self.vm = str(folder / "vm.sock")
        self.server = str(folder / "server.sock")
        self.flood = str(folder / "flood.sock")

    def count(self, usual: int) -> int:
        """How often something is measured."""
        return 1 if self.is_quick else usual

    def size(self, usual: int) -> int:
        """How large something is that is measured."""
        return max(1, usual // 100) if self.is_quick else usual

    def write(self, name: str, text: str) -> str:
        """Write a file, and return its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def rows(self) -> Iterator[tuple[str, str, Comparison]]:
        """What was measured, over what, and how it compares."""
        yield from self._start_rows()
        yield from self._command_rows()
        yield from self._reply_rows()
        yield from self._event_rows()

    def _start_rows(self) -> Iterator[tuple[str, str, Comparison]]:
        one = [OURS, self.vm, "-c", "query-status"]
        ours: Run = lambda: run_program(one)  # noqa: E731
        many = self.count(40)
        if self.classic is not None:
            script = self.write("one", "query-status\n")
            classic = [self.classic, self.vm]
            yield (
                "one query-status, the whole process",
                "the classic qmp-shell",
                compare(ours, lambda: run_program(classic, stdin=script), many),
            )
        imports = [PYTHON, "-c", "import json, socket, argparse"]
        yield (
            "the same",
            "python -c 'import json, socket, argparse'",
            compare(ours, lambda: run_program(imports), many),
        )
        # 486 is a name here, which the schema tells.
        expansion = "query-cpu-model-expansion type=static model.name="
        typed = [OURS, self.vm, "-c", f"{expansion}486"]
        untyped = [OURS, self.vm, "-c", f'{expansion}"486"']
        for title, options in (("", ()), (", not kept on disk", ("--no-cache",))):
            command = [*typed, *options]
            yield (
                f"one command that needs the schema{title}",
                "one that does not",
                compare(
                    lambda command=command: run_program(command),  # type: ignore[misc]
                    lambda: run_program(untyped),
                    many,
                ),
            )
        toolkit = [PYTHON, "-c", "import prompt_toolkit"]
        yield (
            "from the start to a prompt that takes a key",
            "python -c 'import prompt_toolkit'",
            compare(
                lambda: measure_start([OURS, self.vm], b"(QEMU)"),
                lambda: run_program(toolkit),
                self.count(20),
            ),
        )

    def _command_rows(self) -> Iterator[tuple[str, str, Comparison]]:
        number = self.size(5000)
        script = self.write("many", "query-status\n" * number)
        for title, options, peer in (
            (f"{number} commands from a pipe", (), "lockstep"),
            (f"{number} commands with -k", ("-k",), "pipelined"),
        ):
            command = [OURS, self.vm, *options]
            yield (
                title,
                f"a bare socket, {peer}",
                compare(
                    lambda command=command: run_program(command, stdin=script),  # type: ignore[misc]
                    lambda peer=peer: run_program([*PEERS, peer, self.vm, str(number)]),  # type: ignore[misc]
                    self.count(5),
                ),
            )

    def _reply_rows(self) -> Iterator[tuple[str, str, Comparison]]:
        schema = [OURS, self.vm, "-c", "query-qmp-schema"]
        text = subprocess.run(schema, check=True, capture_output=True, text=True).stdout
        pretty = self.write("pretty", json.dumps(json.loads(text), indent=2))
        coloured = [*schema, "--pretty", "--color=always"]
        yield (
            "query-qmp-schema, indented and coloured",
            "Pygments, the colouring alone",
            compare(
                lambda: run_program(coloured),
                lambda: Cost(float(subprocess.check_output([*PEERS, "colour", pretty]))),
                self.count(10),
            ),
        )
        one = [OURS, self.vm, "-c", "query-status"]
        yield (
            "query-qmp-schema, compact",
            "one query-status",
            compare(lambda: run_program(schema), lambda: run_program(one), self.count(20)),
        )
        size = self.size(64 << 20)
        large = str(self.folder / "large")
        subprocess.run([*PEERS, "save", large, str(size)], check=True)
        yield (
            f"a reply of {size / (1 << 20):.3g} MiB",
            "json.loads and json.dumps of it",
            compare(
                lambda: run_program([OURS, self.server, "-c", f"query-{size}"]),
                lambda: run_program([*PEERS, "reload", large]),
                self.count(5),
            ),
        )

    def _event_rows(self) -> Iterator[tuple[str, str, Comparison]]:
        number = self.size(100_000)
        command = [OURS, self.server, "-c", f"events-{number}"]
        events = self.write("events", subprocess.check_output([*command, "-e"], text=True))
        for title, options in (("printed", ("-e",)), ("not printed", ())):
            yield (
                f"{number} events before a reply, {title}",
                "json.loads and json.dumps of each line",
                compare(
                    lambda options=options: run_program([*command, *options]),  # type: ignore[misc]
                    lambda: run_program([*PEERS, "reload_lines", events]),
                    self.count(5),
                ),
            )


def print_comparisons(bench: Bench) -> None:
    print("| what | ours | over | theirs | ratio | lowest and highest | memory |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for title, peer, found in bench.rows():
        memory = f"{found.memory:.2f}" if found.memory is not None else ""
        low, high = found.spread
        print(
            f"| {title} | {found.ours * 1000:.0f} ms | {peer} | {found.peers * 1000:.0f} ms"
            f" | {found.ratio:.2f} | {low:.2f} to {high:.2f} | {memory} |",
            flush=True,
        )


def print_keys(bench: Bench) -> None:
    print("\n| a key press at a terminal | median | 95 % within |\n| --- | --- | --- |")
    line = KEYS[:10] if bench.is_quick else KEYS
    for title, address in (
        ("at a quiet VM", bench.vm),
        ("while a VM sends events without end", bench.flood),
    ):
        times = sorted(measure_keys([OURS, address], b"(QEMU)", line))
        p95 = times[min(len(times) - 1, len(times) * 95 // 100)]
        print(f"| {title} | {statistics.median(times) * 1000:.1f} ms | {p95 * 1000:.1f} ms |")


@contextlib.contextmanager
def started(command: Sequence[str], socket: str) -> Iterator[None]:
    """Have a program serve a socket."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(
                lambda: os.path.exists(socket) or process.poll() is not None,
                f"{command} to serve {socket}",
            )
            if process.poll() is not None:
                raise RuntimeError(f"{command} does not serve {socket}")
            yield
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--classic", metavar="PROGRAM", help="the classic qmp-shell")
    parser.add_argument("--qemu", metavar="PROGRAM", default="qemu-system-x86_64")
    parser.add_argument("--quick", action="store_true", help="only see whether it works")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qmp-bench-", dir="/tmp") as name:
        bench = Bench(options, Path(name))
        for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ[variable] = name  # no file of the user is read or written
        qemu = (options.qemu, "-M", "pc", "-m", "64", "-display", "none", "-nodefaults", "-S")
        monitor = ("-qmp", f"unix:{bench.vm},server=on,wait=off")
        server = (PYTHON, "-m", "tests.bench.server")
        with (
            started((*qemu, *monitor), bench.vm),
            started((*server, bench.server), bench.server),
            started((*server, bench.flood, "--flood"), bench.flood),
        ):
            run_program([OURS, "-w", "20", bench.vm, "-c", "query-status"])
            print(
                f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n"
            )
            print_comparisons(bench)
            print_keys(bench)
            measure_growth(OURS, bench.vm, bench.server, is_quick=bench.is_quick)


if __name__ == "__main__":
    main()
