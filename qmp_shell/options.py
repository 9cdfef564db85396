"""The command-line options of both programs."""

from __future__ import annotations

import argparse
import os
from math import inf
from typing import Any, NoReturn

from . import __version__
from .errors import UsageError
from .render.text import sanitize_line
from .render.views import VIEWS
from .script import LineInput, StandardInput
from .session import parse_seconds
from .session.scripts import FileInput, Input


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal. (The base class asks shutil, whose import takes time.)"""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=width - 2)


class _Parser(argparse.ArgumentParser):
    """Reports an error on one line, as all of qmp-shell does.

    The program's name is the ``program`` among the options.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, **settings)
        self.set_defaults(program=self.prog)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {sanitize_line(message)}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell``."""
    parser = _Parser(
        prog="qmp-shell",
        description="A shell for QEMU's machine protocol (QMP).",
        epilog="Without -c and -f, lines are typed at a prompt, or read from a pipe. "
        "Exit status: 0 all well, 1 a command failed, 2 usage or a line that cannot be parsed, "
        "3 no connection, 4 connection lost, 5 timed out, 70 a fault of qmp-shell itself, "
        "130 interrupted.",
    )
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="?",
        help="of the monitor: PATH, HOST:PORT and others (default: $QMP_SOCKET)",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="start a temporary VM and attach to it, to try things",
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
    _add_tls(parser)
    _add_common(parser)
    return parser


def _add_tls(parser: argparse.ArgumentParser) -> None:
    """The options of TLS; ``tls_NAME`` is the field NAME of ``TlsOptions``."""
    parser.add_argument("--tls", action="store_true", help="HOST:PORT means tls:HOST:PORT")
    for name, metavar, description in (
        ("ca", "FILE", "CA certificates that the server is verified by (default: the system's)"),
        ("cert", "FILE", "the client's certificate, if the server wants one"),
        ("key", "FILE", "the key of the client's certificate (default: it is in the same file)"),
        ("hostname", "NAME", "the name in the server's certificate (default: HOST)"),
        ("psk", "FILE", "a shared key instead of certificates, as USER:HEXKEY"),
    ):
        parser.add_argument(f"--tls-{name}", metavar=metavar, help=description)


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
        dest="view",
        action="store_const",
        const="json",
        help="replies over many lines, indented (default at a terminal)",
    )
    parser.add_argument(
        "--compact",
        dest="view",
        action="store_const",
        const="compact",
        help="each reply on one line (default in scripts)",
    )
    parser.add_argument("--view", choices=tuple(VIEWS), help="how replies are shown")
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
        return parse_seconds(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds_or_address(text: str) -> float | str:
    """Parse what follows ``-w``. Its seconds are optional, so this may be the address already."""
    try:
        return parse_seconds(text)
    except UsageError:
        return text


def _file_input(path: str) -> Input:
    return StandardInput() if path == "-" else FileInput(path)
