"""The command-line options of both programs."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from math import inf

from . import __version__
from .configuration.addresses import MARK
from .errors import UsageError
from .output import STANDARD_OUTPUT, Output
from .render.text import fold, sanitize, sanitize_line, shorten
from .render.views import VIEWS
from .script import WRAP, LineInput, StandardInput, WordsInput
from .session import parse_seconds
from .session.scripts import FileInput, Input
from .shell_scripts import SHELLS, read_script
from .static_typing import Any, NoReturn

# How many VMs are served at the same time. Each takes a process, and three file descriptors here.
_PROCESSES, _MOST_PROCESSES = 64, 256
# The options on the page of -h, in the form that stands there.
_SHOWN_FIRST = (
    *("-c", "-f", "-H", "-n", "-w", "-t", "-v", "--view", "--list", "--share", "--demo"),
    "--help",
)
_IN_LINES = frozenset(" \t\n\"'=|<>#{}()[]")  # what an address in the place of a command has not
_EXAMPLE_WIDTH = 48
_USUAL_WIDTH = 80
_INDENT = " " * 6  # of what is left of a line on a narrow terminal


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal. (The base class asks shutil, whose import takes time.)"""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)


# What argparse says is English, as is all else; to look for a translation took 5 % of a start.
argparse._ = str  # type: ignore[attr-defined]


class _PrintCompletion(argparse.Action):
    """Prints a script that has a shell complete command lines, and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> NoReturn:
        _write(read_script(arguments[1]))
        parser.exit()


class _ShortHelp(argparse.Action):
    """``-h``: what most people need, on one screen."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        assert isinstance(parser, _Parser)
        _write(parser.format_short_help())
        parser.exit()


class _FullHelp(argparse.Action):
    """``--help``: all options, or a topic of the manual."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        options: argparse.Namespace,
        topic: object,
        *_: object,
    ) -> NoReturn:
        if isinstance(topic, str):
            _print_topic(topic, options)
        else:
            parser.print_help()
        parser.exit()


def _terminal_width() -> int:
    try:
        return os.get_terminal_size().columns or _USUAL_WIDTH  # of some pseudo-terminals it is 0
    except OSError:
        return _USUAL_WIDTH


def _write(text: str) -> None:
    """Write a text of the program's own to standard output."""
    Output(STANDARD_OUTPUT).write(sanitize(text))


def _print_topic(name: str, options: argparse.Namespace) -> None:
    """Print a topic of the manual, as ``.help`` shows it.

    :param options: those before it.
    :raise UsageError: there is no such topic.
    """
    from .choices import Choices
    from .documentation import TOPICS, read_topic
    from .documentation.markup import parse_blocks
    from .render.formatter import Formatter

    if name not in TOPICS:
        raise UsageError(f"no topic {shorten(name)!r}; there are {', '.join(TOPICS)}")
    formatter = Formatter(Choices(options).new_look(for_person=True))
    Output(STANDARD_OUTPUT).write_line(formatter.document(parse_blocks(read_topic(name))))


class _Parser(argparse.ArgumentParser):
    """Has a page of help that fits a screen, and reports an error on one line.

    :ivar purpose: what that page begins with.
    :ivar examples: what it ends with: command lines, and what they do.
    """

    def __init__(
        self, *, purpose: str, examples: Sequence[tuple[str, str]], **settings: Any
    ) -> None:
        super().__init__(formatter_class=_Help, add_help=False, **settings)
        self.color = False  # of Python 3.14, which would put terminal escapes into the usage
        self.purpose = purpose
        self.examples = examples

    def format_short_help(self) -> str:
        """The page of ``-h``: the options that most people need, and examples."""
        rows = []
        for action in self._actions:
            form = next((each for each in action.option_strings if each in _SHOWN_FIRST), None)
            if form is not None:
                value = f" [{action.metavar}]" if action.nargs == "?" else f" {action.metavar}"
                rows.append((form + value * (action.nargs != 0), str(action.help)))
        form_width = max(len(form) for form, _ in rows)
        lines = [
            *self.format_usage().rstrip().split("\n"),
            *self.purpose.split("\n"),
            "",
            *(f"  {form:<{form_width}}  {text}" for form, text in rows),
            "",
            "examples:",
            *(f"  {line:<{_EXAMPLE_WIDTH}}  {text}" for line, text in self.examples),
        ]
        width = _terminal_width()
        return "\n".join([*(fold(sanitize_line(line), width, _INDENT) for line in lines), ""])

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print the help or the version. An OSError then names standard output as its file."""
        try:
            super()._print_message(message, file)
            file.flush()
        except OSError as error:
            error.filename = "standard output"
            raise

    def error(self, message: str) -> NoReturn:
        """:raise UsageError: always; ``cli.py`` prints it, and has the exit status for it."""
        raise UsageError(f"{sanitize_line(message)}; see {self.prog} --help")


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
        _check_command(rest, human=options.hmp)
        options.inputs = [WordsInput(rest)]
    _name_lines(options.inputs or [])
    return options


def parse_wrap_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``qmp-shell-wrap``, as :func:`parse_arguments` does.

    :return: the options, the program ``qemu`` and its ``arguments``.
    """
    options = build_wrap_parser().parse_args(arguments)
    _name_lines(options.inputs or [])
    return options


def _name_lines(inputs: Sequence[Input]) -> None:
    """Have errors tell a line that -c gives from other inputs."""
    if len(inputs) > 1:
        lines = (each for each in inputs if isinstance(each, LineInput))
        for number, line in enumerate(lines, 1):
            line.name = f"-c {number}"


def _check_command(words: Sequence[str], *, human: bool) -> None:
    """:raise UsageError: what is in the place of a command is another address, or means a file.

    :param words: the command, and what follows it.
    :param human: it is one of the human monitor.
    """
    word = words[0]
    if word == "-":
        raise UsageError("without the -, lines are read from standard input")
    mode = 0
    with suppress(OSError, ValueError):
        mode = os.stat(word).st_mode
    is_command = human or not _is_like_address(word)
    if not is_command and stat.S_ISREG(mode):
        raise UsageError(f"{word} is no command; write -f before it to run its lines")
    if not is_command or stat.S_ISSOCK(mode):
        is_file = any(each.startswith(("-f", "--file")) for each in words)
        option = "-f FILE" if is_file else "-c LINE"
        raise UsageError(f"{word} is no command; for several addresses, write {option} before them")


def _is_like_address(word: str) -> bool:
    """Whether a word can be an address, or a file, but no command of QEMU's."""
    if _IN_LINES & set(word) or word.startswith("__"):  # names of vendors: __com.redhat_x
        return False
    return "/" in word or ":" in word[:-1] or "." in word[1:-1]


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
    has_mark = any(mark in first for mark in "/:@")
    is_number = first[:1].isdigit() and not has_mark and not os.path.exists(first)
    is_only_word = not (addresses or words)
    if is_number or not (is_command or is_only_word or has_mark or "." in first):
        advice = "" if is_command else "; an address goes behind -w --"
        raise UsageError(f"-w takes a number of seconds, not {first!r}{advice}")
    return [first, *words]


def build_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell``, up to the first word that is none."""
    parser = _Parser(
        prog="qmp-shell",
        usage="%(prog)s [OPTIONS] [ADDRESS ...] [COMMAND key=value ...]",
        purpose="A shell for QEMU's machine protocol (QMP). ADDRESS is a socket's PATH,\n"
        "HOST:PORT, @NAME, ... (default: $QMP_SOCKET, or the only VM that runs).",
        examples=(
            ("qmp-shell /run/vm.sock", "a prompt"),
            ("qmp-shell /run/vm.sock query-block | jq .", "one command"),
            ("qmp-shell-wrap -- qemu-system-x86_64 -m 256", "start QEMU, too"),
        ),
        description="A shell for QEMU's machine protocol (QMP).",
        epilog="Without a COMMAND, -c and -f, lines are typed at a prompt, or read from a pipe. "
        "Options stand before the COMMAND. "
        "Exit status: 0 all well, 1 a command failed, 2 usage or a line that cannot be parsed, "
        "3 no connection, 4 connection lost, 5 timed out, 70 a fault of qmp-shell itself, "
        "130 interrupted. "
        "The manual: man 7 qmp-shell, or --help TOPIC, as --help notation.",
    )
    parser.add_argument(
        "words",
        metavar="ADDRESS",
        nargs=argparse.REMAINDER,
        help="of the monitor: PATH, HOST:PORT and others (default: $QMP_SOCKET, or the only VM)",
    )
    _add_vms(parser.add_argument_group("which VM"))
    _add_inputs(parser)
    _add_looks(parser)
    _add_tls(parser.add_argument_group("TLS"))
    _add_others(parser)
    return parser


def build_wrap_parser() -> argparse.ArgumentParser:
    """The options of ``qmp-shell-wrap``."""
    parser = _Parser(
        prog=WRAP,
        usage="%(prog)s [OPTIONS] [--] QEMU [ARGS ...]",
        purpose="Start QEMU and a QMP shell on it; the VM ends with the shell.",
        examples=(
            ("qmp-shell-wrap -- qemu-system-x86_64 -m 256", "a prompt"),
            ("qmp-shell-wrap -c query-pci -- qemu-system-x86_64", "one command"),
            ("qmp-shell-wrap -f test.qmp -- ./start-vm", "a script on a VM of its own"),
        ),
        description="Start QEMU and a QMP shell on it; the VM ends with the shell.",
        epilog="The manual: man qmp-shell-wrap, man 7 qmp-shell, or --help TOPIC.",
    )
    _add_inputs(parser)
    _add_looks(parser)
    _add_others(parser)
    parser.add_argument("qemu", metavar="QEMU", help="the program, as qemu-system-x86_64")
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")
    return parser


def _add_vms(group: argparse._ArgumentGroup) -> None:
    """The options that say which VM is meant, and those that list VMs."""
    group.add_argument(
        "--all", action="store_true", help="all VMs of the configuration, at the same time"
    )
    group.add_argument(
        "--parallel",
        metavar="N",
        type=_processes,
        default=_PROCESSES,
        help=f"of several VMs, how many at the same time (default: {_PROCESSES})",
    )
    group.add_argument(
        "--demo",
        action="store_true",
        help="start a temporary VM, and attach to it with a guided tour",
    )
    group.add_argument(
        "-N",
        "--skip-negotiation",
        "--agent",
        dest="agent",
        action="store_true",
        help="the address is a guest agent's (qemu-ga): no greeting, no capabilities",
    )
    group.add_argument(
        "--listen",
        action="store_true",
        help="wait until QEMU connects to ADDRESS (its option lacks server=on), at most -w SECONDS",
    )
    group.add_argument(
        "-w",
        "--wait",
        metavar="SECONDS",
        nargs="?",
        type=_seconds_or_address,
        const=inf,
        default=0.0,
        help="wait until the socket exists and is free, at most SECONDS",
    )
    group.add_argument(
        "--schema",
        metavar="FILE",
        help="a dry run without a VM: types come from a file, the reply to query-qmp-schema",
    )
    group.add_argument(
        "--list", action="store_true", help="list the running VMs, their monitors and who is there"
    )
    group.add_argument("--json", action="store_true", help="with --list: a JSON object for each VM")


def _add_tls(group: argparse._ArgumentGroup) -> None:
    """The options of TLS; ``tls_NAME`` is the field NAME of ``TlsOptions``."""
    group.add_argument("--tls", action="store_true", help="HOST:PORT means tls:HOST:PORT")
    for name, metavar, description in (
        ("ca", "FILE", "CA certificates that the server is verified by (default: the system's)"),
        ("cert", "FILE", "the client's certificate, if the server wants one"),
        ("key", "FILE", "the key of the client's certificate (default: it is in the same file)"),
        ("hostname", "NAME", "the name in the server's certificate (default: HOST)"),
        ("psk", "FILE", "a shared key instead of certificates, as USER:HEXKEY"),
    ):
        group.add_argument(f"--tls-{name}", metavar=metavar, help=description)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    """The options that say what is run; both programs have them."""
    group = parser.add_argument_group("what is run")
    group.add_argument(
        "-c",
        "--command",
        metavar="LINE",
        dest="inputs",
        action="append",
        type=LineInput,
        help="run this line and exit (may be given again)",
    )
    group.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        dest="inputs",
        action="append",
        type=_file_input,
        help="run the lines of a file and exit; - is standard input",
    )
    group.add_argument("-k", "--keep-going", action="store_true", help="go on after a failed line")
    group.add_argument(
        "-n",
        "--dry-run",
        action="store_true",
        help="print and check the JSON that each line would send; send none",
    )
    group.add_argument(
        "-H", "--hmp", action="store_true", help="human monitor mode: lines are HMP commands"
    )
    group.add_argument(
        "-t",
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="how long one reply may take (default: no limit)",
    )


def _add_looks(parser: argparse.ArgumentParser) -> None:
    """The options that say what is shown; both programs have them."""
    group = parser.add_argument_group("what is shown")
    group.add_argument(
        "-p",
        "--pretty",
        dest="view",
        action="store_const",
        const="json",
        help="replies over many lines, indented (default at the prompt)",
    )
    group.add_argument(
        "--compact",
        dest="view",
        action="store_const",
        const="compact",
        help="each reply on one line (default in scripts)",
    )
    group.add_argument(
        "--view",
        metavar="VIEW",
        choices=tuple(VIEWS),
        help=f"how replies are shown: {', '.join(VIEWS)}",
    )
    group.add_argument(
        "-e", "--events", action="store_true", help="print events in a script's output too"
    )
    group.add_argument(
        "-v", "--verbose", action="store_true", help="show each message sent and received"
    )
    group.add_argument("-l", "--logfile", metavar="FILE", help="append every message to a file")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        help="colours (auto, the default: at a terminal, unless $NO_COLOR is set)",
    )


def _add_others(parser: argparse.ArgumentParser) -> None:
    """All other options that both programs have."""
    group = parser.add_argument_group("other options")
    group.add_argument(
        "--share",
        metavar="PATH",
        help="serve the VM's monitor to others, too, on a UNIX socket",
    )
    group.add_argument(
        "--share-readonly",
        action="store_true",
        help="with --share: others may only execute what changes nothing",
    )
    group.add_argument(
        "--no-cache",
        action="store_true",
        help="ask the VM for its schema, and keep none in ~/.cache/qmp-shell",
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        metavar="FILE",
        help="the configuration file (default: ~/.config/qmp-shell/config.toml)",
    )
    which.add_argument("--no-config", action="store_true", help="read no configuration file")
    group.add_argument("-h", action=_ShortHelp, nargs=0, help="a short help, on one screen")
    group.add_argument(
        "--help",
        action=_FullHelp,
        nargs="?",
        metavar="TOPIC",
        help="all options, or a topic of the manual, as notation",
    )
    group.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group.add_argument(
        "--print-completion",
        metavar="SHELL",
        choices=SHELLS,
        action=_PrintCompletion,
        help="print the completion script for bash, zsh or fish",
    )


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
