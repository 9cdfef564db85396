"""Options to a front end, and its outcome to an exit status."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from . import __version__
from .client import Client, Tracer, connect, listen
from .errors import QMPError, UsageError
from .render.text import one_line
from .script import LineInput, ScriptDisplay, StandardInput, complain, run_script
from .shell import (
    COMMANDS,
    Connector,
    Display,
    DotCommand,
    MessageLog,
    Session,
    Settings,
    read_seconds,
)
from .shell.lines import FileInput, Input
from .signals import ended_by_signals
from .transport import FORMS, parse_address

if TYPE_CHECKING:
    from .demo import Tips
    from .schema import Schema
    from .transport.stream import Address
    from .vm import Vm

INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell shows for a program that SIGPIPE ended


class _Help(argparse.HelpFormatter):
    """As wide as the terminal. (By itself it asks shutil, and each start pays for the import.)"""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=width - 2)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all of qmp-shell does."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell``."""
    parser = _Parser(
        prog="qmp-shell",
        description="A shell for QEMU's machine protocol (QMP).",
        epilog="Without -c and -f, lines are typed at a prompt, or read from a pipe. "
        "Exit status: 0 all well, 1 a command failed, 2 usage or a line that can't be read, "
        "3 no connection, 4 connection lost, 5 timed out, 130 interrupted.",
    )
    parser.add_argument(
        "address", metavar="ADDRESS", nargs="?", help=f"{FORMS} (default: $QMP_SOCKET)"
    )
    parser.add_argument(
        "--demo", action="store_true", help="start a throw-away VM to play with, and attach to it"
    )
    parser.add_argument(
        "-N",
        "--skip-negotiation",
        "--agent",
        dest="agent",
        action="store_true",
        help="the address is a guest agent's (qemu-ga): no greeting, no capabilities",
    )
    parser.add_argument(
        "--listen",
        action="store_true",
        help="wait until QEMU connects to ADDRESS (its option lacks server=on), at most -w SECONDS",
    )
    parser.add_argument(
        "-w",
        "--wait",
        metavar="SECONDS",
        nargs="?",
        type=_seconds_or_address,
        const=inf,
        default=0.0,
        help="wait for the socket to appear (no SECONDS: for any time)",
    )
    parser.add_argument(
        "--schema",
        metavar="FILE",
        help="a dry run without a VM: types come from a file, the reply to query-qmp-schema",
    )
    _add_common(parser)
    return parser


def build_wrap_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell-wrap``."""
    parser = _Parser(
        prog="qmp-shell-wrap",
        usage="%(prog)s [OPTIONS] [--] QEMU [ARGS ...]",
        description="Start QEMU and a QMP shell on it; the VM ends with the shell.",
    )
    _add_common(parser)
    parser.add_argument("qemu", metavar="QEMU", help="the program, as qemu-system-x86_64")
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The options that both programs have."""
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "-H", "--hmp", action="store_true", help="human monitor mode: lines are HMP commands"
    )
    parser.add_argument(
        "-c",
        "--command",
        metavar="LINE",
        dest="inputs",
        action="append",
        type=LineInput,
        help="run this line and exit (may be given again)",
    )
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        dest="inputs",
        action="append",
        type=_file_input,
        help="run the lines of a file and exit; - is standard input",
    )
    parser.add_argument("-k", "--keep-going", action="store_true", help="go on after a failed line")
    parser.add_argument(
        "-n",
        "--dry-run",
        action="store_true",
        help="print the JSON that each line would send, and send none of it",
    )
    parser.add_argument(
        "-p",
        "--pretty",
        dest="pretty",
        action="store_true",
        default=None,
        help="replies over many lines, indented (default at a terminal)",
    )
    parser.add_argument(
        "--compact",
        dest="pretty",
        action="store_false",
        default=None,
        help="each reply on one line (default in scripts)",
    )
    parser.add_argument(
        "-e", "--events", action="store_true", help="print events in a script's output too"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show each message sent and received"
    )
    parser.add_argument("-l", "--logfile", metavar="FILE", help="append every message to a file")
    parser.add_argument(
        "-t",
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="how long one command may take (default: any time)",
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours (auto: at a terminal, unless $NO_COLOR is set)",
    )


def _seconds(text: str) -> float:
    try:
        return read_seconds(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds_or_address(text: str) -> float | str:
    """What follows ``-w``: its seconds are optional, so it may be the address already."""
    try:
        return read_seconds(text)
    except UsageError:
        return text


def _file_input(path: str) -> Input:
    return StandardInput() if path == "-" else FileInput(path)


def main(argv: list[str] | None = None) -> int:
    """``qmp-shell``; returns its exit status."""
    return _guard(lambda: _run(build_parser().parse_args(argv)))


def main_wrap(argv: list[str] | None = None) -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    return _guard(lambda: _run_wrap(build_wrap_parser().parse_args(argv)))


def _guard(run: Callable[[], int]) -> int:
    """Turn what goes wrong into one line on standard error and an exit status."""
    _open_standard_streams()
    try:
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        # The human monitor's text may have letters that the terminal's encoding lacks.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        status = run()
        sys.stdout.flush()
        return status
    except QMPError as error:
        complain(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        _drop_output()
        complain(f"{error.strerror or error}")
        return 1
    finally:
        # The interpreter ends next, and would first look for cycles in all there is.
        gc.freeze()


def _open_standard_streams() -> None:
    """Take the place of closed ones, or the next file opened would be taken for them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _drop_output() -> None:
    """Nothing can be written any more, and Python must not try it once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(options: argparse.Namespace) -> int:
    if options.demo:
        if options.address or options.agent or options.listen:
            raise UsageError("--demo brings its own VM: no ADDRESS, -N or --listen with it")
        from .demo import start_demo

        with start_demo(capture=_is_interactive(options)) as (vm, tips):
            return _shell(options, vm.connect, vm, tips)
    if options.schema is not None:
        if options.address or options.agent or options.listen:
            raise UsageError("--schema stands in for the VM: no ADDRESS, -N or --listen with it")
        from .schema.file import load_schema

        return _shell(options, _nowhere, schema=load_schema(options.schema))
    if isinstance(options.wait, str):
        if options.address:
            raise UsageError(f"-w takes a number of seconds, not {options.wait!r}")
        options.address, options.wait = options.wait, inf
    address = options.address or os.environ.get("QMP_SOCKET")
    if not address:
        raise UsageError("no address: give one, set QMP_SOCKET, or try --demo")

    target = parse_address(address)

    def connector(other: str | None, tracer: Tracer) -> Client:
        if options.listen and (other is None or parse_address(other) == target):
            return _listen(target, options, tracer)
        return connect(
            other or target,
            agent=options.agent,
            wait=options.wait if other is None else 0,
            tracer=tracer,
        )

    return _shell(options, connector)


def _listen(address: Address, options: argparse.Namespace, tracer: Tracer) -> Client:
    """Wait until QEMU connects to an address."""

    def announce(qemu_option: str) -> None:
        if _is_terminal(sys.stderr):
            complain(f"listening; start QEMU with {qemu_option} to connect (Ctrl-C gives up)")

    with ended_by_signals():
        wait = options.wait or None
        return listen(address, agent=options.agent, wait=wait, on_listening=announce, tracer=tracer)


def _nowhere(_address: str | None, _tracer: Tracer) -> Client:
    raise UsageError("--schema stands in for the VM; there is nothing to connect to")


def _run_wrap(options: argparse.Namespace) -> int:
    from .vm import start_vm

    command = [options.qemu, *options.arguments]
    with start_vm(command, capture=_is_interactive(options)) as vm:
        return _shell(options, vm.connect, vm)


def _is_interactive(options: argparse.Namespace) -> bool:
    """Whether a person sits at both ends."""
    return not options.inputs and _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _wants_colour(options: argparse.Namespace) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and _is_terminal(sys.stdout)


def _shell(
    options: argparse.Namespace,
    connector: Connector,
    vm: Vm | None = None,
    tips: Tips = (),
    schema: Schema | None = None,
) -> int:
    """Run the front end that the options ask for, on one session."""
    interactive = _is_interactive(options)
    settings = Settings(
        events=interactive or options.events,
        pretty=interactive if options.pretty is None else options.pretty,
        timeout=options.timeout,
        verbose=options.verbose,
    )
    log = MessageLog(options.logfile) if options.logfile else None
    colour = _wants_colour(options)

    def begin(display: Display, dots: tuple[DotCommand, ...]) -> Session:
        session = Session(
            display,
            settings,
            connector,
            dots=dots,
            human=options.hmp,
            log=log,
            dry_run=options.dry_run or schema is not None,
            schema=schema,
        )
        if schema is None:
            session.connect()
        return session

    if interactive:
        from .prompt import run_prompt

        return run_prompt(settings, begin, colour=colour, vm=vm, tips=tips)
    session = begin(ScriptDisplay(settings, colour=colour), COMMANDS)
    try:
        return run_script(
            session,
            options.inputs or [StandardInput()],
            keep_going=options.keep_going or session.dry_run,
        )
    finally:
        if vm is None:
            session.close()
