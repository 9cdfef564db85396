"""Options to a front end, and its outcome to an exit status."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, TextIO

from .client import Client, Tracer, connect, listen
from .commands import Registry
from .errors import (
    ConnectError,
    ConnectionLost,
    InternalError,
    OutputTimeout,
    QMPError,
    ReportedError,
    Timeout,
    UsageError,
)
from .options import build_parser, build_wrap_parser
from .output import STANDARD_OUTPUT, Output
from .render.formatter import Formatter
from .render.views import Look, find_width
from .script import (
    ErrorReport,
    ScriptDisplay,
    StandardInput,
    complain,
    run_script,
)
from .session import Session, Settings
from .signals import ended_by_signals
from .transport import parse_address

if TYPE_CHECKING:
    from .launch.demo import Tips
    from .launch.qemu import OwnVm
    from .schema import Schema
    from .session import Connector, Display, Reporter, User
    from .transport.stream import Address
    from .transport.tls import TlsOptions

# The exit status for each kind of error, the first that fits; 1 for all others.
_STATUSES: tuple[tuple[type[QMPError], int], ...] = (
    (UsageError, 2),
    (ConnectError, 3),
    (ConnectionLost, 4),
    (Timeout, 5),
    (InternalError, 70),  # EX_SOFTWARE of sysexits(3)
)
_LONGEST_SCHEMA = 64 << 20  # characters; QEMU's has 250,000
_FAILED = 1
_INTERRUPTED = 130  # what a shell shows for a program that SIGINT ended
_BROKEN_PIPE = 141  # and SIGPIPE
_LAST_SECONDS = 1.0  # for the last error message after a time-out


def exit_status(error: QMPError | None) -> int:
    """Return the program's exit status after an error; 0 if there was none."""
    if error is None:
        return 0
    if isinstance(error, ReportedError):
        error = error.error
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), _FAILED)


def main(argv: list[str] | None = None) -> int:
    """``qmp-shell``; returns its exit status."""
    parser = build_parser()
    return _guard(lambda: _run(parser.parse_args(argv)), parser.prog)


def main_wrap(argv: list[str] | None = None) -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    parser = build_wrap_parser()
    return _guard(lambda: _run_wrap(parser.parse_args(argv)), parser.prog)


def _guard(run: Callable[[], QMPError | None], program: str) -> int:
    """Turn what goes wrong into one line on standard error and an exit status.

    :param run: returns the error, if there was one, that was reported to the user.
    :param program: as which it is reported.
    """
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # by start.py
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _open_standard_streams()
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        try:
            status = exit_status(run())
        except SystemExit as end:
            if end.code:  # by a signal, perhaps because the terminal is gone
                _drop_output()
            else:  # --help was printed
                sys.stdout.flush()
            raise
        sys.stdout.flush()
        return status
    except QMPError as error:
        # Who has set a limit does not want to wait for the reader of standard error either.
        limit = _LAST_SECONDS if isinstance(error, OutputTimeout) else None
        complain(str(error), limit, program)
        return exit_status(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        _drop_output()
        complain(f"{error.strerror or error}", program=program)
        return _FAILED
    except Exception as error:
        fault = InternalError(error)
        complain(str(fault), program=program)
        return exit_status(fault)
    finally:
        # The interpreter ends next; without this it would first search all objects for cycles.
        gc.freeze()


def _open_standard_streams() -> None:
    """Open closed ones on /dev/null, or the next file opened would be taken for them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _drop_output() -> None:
    """Nothing can be written any more, and Python must not try it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(options: argparse.Namespace) -> QMPError | None:
    if options.demo:
        if options.address or options.agent or options.listen:
            raise UsageError("--demo brings its own VM: no ADDRESS, -N or --listen with it")
        from .launch.demo import run_with_demo

        return run_with_demo(
            lambda vm, tips: _run_front_end(options, vm.connect, vm=vm, tips=tips),
            capture=_must_capture(options),
        )
    if options.schema is not None:
        if options.address or options.agent or options.listen:
            raise UsageError("--schema stands in for the VM: no ADDRESS, -N or --listen with it")
        return _run_front_end(options, _refuse_to_connect, schema=_read_schema(options.schema))
    return _run_front_end(options, _new_connector(options))


def _run_wrap(options: argparse.Namespace) -> QMPError | None:
    from .launch.qemu import run_with_vm

    return run_with_vm(
        [options.qemu, *options.arguments],
        lambda vm: _run_front_end(options, vm.connect, vm=vm),
        capture=_must_capture(options),
    )


def _new_connector(options: argparse.Namespace) -> Connector:
    """What connects to the VM that the options name, and to others later.

    :raise UsageError: they name none.
    """
    if isinstance(options.wait, str):
        if options.address:
            raise UsageError(f"-w takes a number of seconds, not {options.wait!r}")
        options.address, options.wait = options.wait, inf
    text = options.address or os.environ.get("QMP_SOCKET")
    if not text:
        raise UsageError("no address: give one, set QMP_SOCKET, or try --demo")
    first = parse_address(text, tls=options.tls, programs=True)
    tls = _tls_options(options)

    def connector(address: Address | None, tracer: Tracer) -> tuple[Client, Address | None]:
        target = first if address is None else address
        if tls is not None:
            target = target.with_tls(tls)
        if options.listen and target == first:
            return _listen(target, options, tracer), target
        wait = options.wait if address is None else 0
        return connect(target, agent=options.agent, wait=wait, tracer=tracer), target

    return connector


def _tls_options(options: argparse.Namespace) -> TlsOptions | None:
    """The options for TLS, of this address and of those that are connected to later."""
    names = ("ca", "cert", "key", "hostname", "psk")
    given = {name: getattr(options, f"tls_{name}") for name in names}
    if not any(value is not None for value in given.values()):
        return None
    from .transport.tls import TlsOptions

    return TlsOptions(**given)


def _listen(address: Address, options: argparse.Namespace, tracer: Tracer) -> Client:
    """Wait until QEMU connects to an address."""

    def announce(qemu_option: str) -> None:
        if _is_terminal(sys.stderr):
            complain(f"listening; start QEMU with {qemu_option} to connect (Ctrl-C gives up)")

    with ended_by_signals():
        wait = options.wait or None
        return listen(address, agent=options.agent, wait=wait, on_listening=announce, tracer=tracer)


def _refuse_to_connect(_address: Address | None, _tracer: Tracer) -> tuple[Client, Address | None]:
    raise UsageError("--schema stands in for the VM; there is nothing to connect to")


def _read_schema(path: str) -> Schema:
    """Read a schema that was saved to a file.

    :raise UsageError: the file cannot be read, or does not contain a schema.
    """
    from .schema import parse_schema

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LONGEST_SCHEMA + 1)
            if len(text) > _LONGEST_SCHEMA:
                raise UsageError(f"{path}: this is too long to be a QMP schema")
            return parse_schema(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        reason = f"this is not a QMP schema: {error}"
        raise UsageError(f"{path}: {reason}; save one with -c query-qmp-schema") from None


def _is_interactive(options: argparse.Namespace) -> bool:
    """Whether a person sits at both ends."""
    return not options.inputs and _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def _must_capture(options: argparse.Namespace) -> bool:
    """Whether what a QEMU of the shell's own prints would reach a terminal."""
    return _is_interactive(options) or _is_terminal(sys.stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _wants_colour(options: argparse.Namespace) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not is_plain and _is_terminal(sys.stdout)


def _run_front_end(
    options: argparse.Namespace,
    connector: Connector,
    *,
    vm: OwnVm | None = None,
    tips: Tips = (),
    schema: Schema | None = None,
) -> QMPError | None:
    """Run the front end that the options ask for, on one session.

    :param vm: a VM that ends with it.
    :param tips: lines to try at a prompt.
    :param schema: types that stand in for a VM.
    :return: the error, if there was one, that was reported to the user.
    """
    is_interactive = _is_interactive(options)
    settings = _new_settings(options, is_interactive=is_interactive)
    colour = _wants_colour(options)
    supports_unicode = Output(STANDARD_OUTPUT).supports_unicode
    ascii_only = not (is_interactive and supports_unicode)
    formatter = Formatter(Look(colour, ascii_only, find_width, supports_unicode))

    def new_session(
        display: Display,
        report: Reporter,
        user: User | None = None,
    ) -> Session:
        session = Session(
            display,
            settings,
            connector,
            Registry(),
            report,
            user=user,
            log=options.logfile,
            human=options.hmp,
            dry_run=options.dry_run or schema is not None,
            schema=schema,
        )
        if schema is None:
            session.attach()
        return session

    if is_interactive:
        from .prompt import run_prompt

        return run_prompt(settings, formatter, new_session, colour=colour, vm=vm, tips=tips)
    is_dry_run = options.dry_run or schema is not None
    keep_going = options.keep_going or is_dry_run
    report = ErrorReport(settings, keep_going=keep_going, program=options.program)
    session = new_session(ScriptDisplay(settings, formatter, options.program), report)
    try:
        return run_script(session, options.inputs or [StandardInput()], report)
    except Exception as error:
        if not isinstance(error, QMPError | OSError):
            session.tracer.note_fault(error)
        raise
    finally:
        if vm is None:
            session.attachment.close()


def _new_settings(options: argparse.Namespace, *, is_interactive: bool) -> Settings:
    settings = Settings()
    settings.events = is_interactive or options.events
    settings.view = options.view or ("json" if is_interactive else "compact")
    settings.timeout = options.timeout
    settings.verbose = options.verbose
    return settings
