"""The command-line options of both programs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from math import inf
from typing import Any, NoReturn

from . import __version__
from .configuration.addresses import MARK
from .errors import UsageError
from .render.text import sanitize_line
from .render.views import VIEWS
from .script import WRAP, LineInput, StandardInput, WordsInput
from .session import parse_seconds
from .session.scripts import FileInput, Input
from .shell_scripts import SHELLS, read_script

# How many VMs are served at the same time. Each takes a process, and three file descriptors here.
_PROCESSES, _MOST_PROCESSES = 64, 256


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal. (The base class asks shutil, whose import takes time.)"""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=width - 2)


class _PrintCompletion(argparse.Action):
    """Prints a script that has a shell complete command lines, and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> None:
        sys.stdout.write(read_script(arguments[1]))
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """Reports an error on one line, as all of qmp-shell does."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {sanitize_line(message)}; see {self.prog} --help\n")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``qmp-shell``.

    Options stand before and behind ADDRESS, and end where a command begins, whose words may look
    like options. With -c or -f there is no such command, and all other words are addresses.
    Otherwise only the first one is, and names of VMs behind it.

    :param arguments: without the program's name; None: those of this process.
    :return: the options, and ``addresses``; a command is one of the ``inputs``.
    :raise UsageError: what follows -w is no number of seconds.
    """
    parser = build_parser()
    options = argparse.Namespace()
    rest = list(sys.argv[1:] if arguments is None else arguments)
    addresses: list[str] = []
    is_ended = False
    is_parsed = False
    while rest or not is_parsed:
        if not is_ended:
            parser.parse_args(rest, options)
            is_parsed = True
            rest = _take_words(options, addresses)
            if rest[:1] == ["--"]:
                is_ended = True
                del rest[0]
        takes_all = options.inputs or not (addresses or options.all)
        if rest and not takes_all and not rest[0].startswith(MARK):
            break
        addresses += rest[:1]
        del rest[:1]
    options.addresses = addresses
    if rest:
        options.inputs = [WordsInput(rest)]
    return options


def _take_words(options: argparse.Namespace, addresses: Sequence[str]) -> list[str]:
    """The words from the first on that is no option.

    What follows -w may be the first of them.

    :raise UsageError: it is meant to be a number of seconds.
    """
    words: list[str] = options.words
    first = options.wait
    if not isinstance(first, str):
        return words
    options.wait = inf
    is_command = addresses and not options.inputs
    is_address = is_command or not (addresses or words) or any(mark in first for mark in "/:.@")
    if first[:1].isdigit() or not is_address:
        raise UsageError(f"-w takes a number of seconds, not {first!r}")
    return [first, *words]


def build_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell``, up to the first word that is none."""
    parser = _Parser(
        prog="qmp-shell",
        usage="%(prog)s [OPTIONS] [ADDRESS ...] [COMMAND key=value ...]",
        description="A shell for QEMU's machine protocol (QMP).",
        epilog="Without a COMMAND, -c and -f, lines are typed at a prompt, or read from a pipe. "
        "Options stand before the COMMAND. "
        "Exit status: 0 all well, 1 a command failed, 2 usage or a line that cannot be parsed, "
        "3 no connection, 4 connection lost, 5 timed out, 70 a fault of qmp-shell itself, "
        "130 interrupted.",
    )
    parser.add_argument(
        "words",
        metavar="ADDRESS",
        nargs=argparse.REMAINDER,
        help="of the monitor: PATH, HOST:PORT and others (default: $QMP_SOCKET, or the only VM)",
    )
    parser.add_argument(
        "--all", action="store_true", help="all VMs of the configuration, at the same time"
    )
    parser.add_argument(
        "--parallel",
        metavar="N",
        type=_processes,
        default=_PROCESSES,
        help=f"of several VMs, how many at the same time (default: {_PROCESSES})",
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
        help="wait for the socket to appear, and to be free (no SECONDS: for any time)",
    )
    parser.add_argument(
        "--schema",
        metavar="FILE",
        help="a dry run without a VM: types come from a file, the reply to query-qmp-schema",
    )
    _add_lists(parser)
    _add_tls(parser)
    _add_common(parser)
    return parser


def _add_lists(parser: argparse.ArgumentParser) -> None:
    """The options that list VMs, and attach to none."""
    parser.add_argument(
        "--list", action="store_true", help="list the running VMs, their monitors and who is there"
    )
    parser.add_argument(
        "--json", action="store_true", help="with --list: a JSON object for each VM"
    )


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
        prog=WRAP,
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
        "--print-completion",
        choices=SHELLS,
        action=_PrintCompletion,
        help="print what has a shell complete command lines, and exit",
    )
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
        "--share",
        metavar="PATH",
        help="serve the VM's monitor to others, too, on a UNIX socket",
    )
    parser.add_argument(
        "--share-readonly",
        action="store_true",
        help="with --share: others may only execute what changes nothing",
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
        help="colours (auto, the default: at a terminal, unless $NO_COLOR is set)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        metavar="FILE",
        help="the configuration file (default: ~/.config/qmp-shell/config.toml)",
    )
    which.add_argument("--no-config", action="store_true", help="read no configuration file")


def _processes(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:4]) <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_PROCESSES}")
    return int(text)


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
