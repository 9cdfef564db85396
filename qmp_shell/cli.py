"""Options to a front end, and its outcome to an exit status."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, TextIO

from .client import Client, Tracer, connect, listen
from .commands import Registry
from .configuration import Configuration, default_path, load
from .configuration.addresses import ConfiguredAddresses
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
from .options import build_wrap_parser, parse_arguments
from .output import STANDARD_OUTPUT, Output, SafeText
from .render.formatter import Formatter
from .render.text import sanitize_line
from .render.views import Look, find_width
from .script import (
    ErrorReport,
    StandardInput,
    WordsInput,
    complain,
    open_script_output,
    run_script,
)
from .session import AddressBook, Session, Settings, Target
from .session.settings import OPTIONS
from .signals import ended_by_signals

if TYPE_CHECKING:
    from .launch.demo import Tips
    from .launch.qemu import OwnVm
    from .schema import Schema
    from .session import Connector, Display, Reporter, User
    from .transport.stream import Address

FrontEnd = Callable[..., QMPError | None]
NewOutput = Callable[..., tuple["Display", ErrorReport]]

# The exit status for each kind of error, the first that fits; 1 for all others.
_STATUSES: tuple[tuple[type[QMPError], int], ...] = (
    (UsageError, 2),
    (ConnectError, 3),
    (ConnectionLost, 4),
    (Timeout, 5),
    (InternalError, 70),  # EX_SOFTWARE of sysexits(3)
)
_LONGEST_SCHEMA = 64 << 20  # characters; QEMU's has 250,000
_MOST_MISTAKES = 10  # of a configuration, that are told one by one
_TLS_OPTIONS = ("ca", "cert", "key", "hostname", "psk")  # fields of TlsOptions
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
    return _guard(lambda: _run(parse_arguments(argv)))


def main_wrap(argv: list[str] | None = None) -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    return _guard(lambda: _run_wrap(build_wrap_parser().parse_args(argv)))


def _guard(run: Callable[[], QMPError | int | None]) -> int:
    """Turn what goes wrong into one line on standard error and an exit status.

    :param run: returns the error, if there was one, that was reported to the user; or the status.
    """
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # by start.py
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _open_standard_streams()
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        try:
            outcome = run()
            status = outcome if isinstance(outcome, int) else exit_status(outcome)
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
        complain(str(error), _LAST_SECONDS if isinstance(error, OutputTimeout) else None)
        return exit_status(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        _drop_output()
        complain(f"{error.strerror or error}")
        return _FAILED
    except Exception as error:
        fault = InternalError(error)
        complain(str(fault))
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


def _run(options: argparse.Namespace) -> QMPError | int | None:
    """:return: the error that was reported, or an exit status; None: all went well."""
    configuration = _read_configuration(options)
    addresses = _new_addresses(options, configuration)
    front_end = partial(_run_front_end, options, configuration, addresses)
    if options.list_addresses:
        _print_addresses(addresses)
        return None
    if options.demo:
        if options.addresses or options.all or options.agent or options.listen:
            raise UsageError("--demo brings its own VM: no ADDRESS, -N or --listen with it")
        from .launch.demo import run_with_demo

        return run_with_demo(
            lambda vm, tips: front_end(vm.connect, vm=vm, tips=tips),
            capture=_must_capture(options),
        )
    if options.schema is not None:
        if options.addresses or options.all or options.agent or options.listen:
            raise UsageError("--schema stands in for the VM: no ADDRESS, -N or --listen with it")
        return front_end(_refuse_to_connect, schema=_read_schema(options.schema))
    if options.all or len(options.addresses) > 1:
        return _run_fleet(options, configuration, addresses, front_end)
    return front_end(_new_connector(options, _first_target(options, addresses)))


def _run_wrap(options: argparse.Namespace) -> QMPError | None:
    from .launch.qemu import run_with_vm

    configuration = _read_configuration(options)
    return run_with_vm(
        [options.qemu, *options.arguments],
        lambda vm: _run_front_end(options, configuration, AddressBook(), vm.connect, vm=vm),
        capture=_must_capture(options),
    )


def _read_configuration(options: argparse.Namespace) -> Configuration:
    """Read the configuration, and tell what is wrong in it.

    :raise UsageError: the file that the options name cannot be used.
    """
    if options.no_config:
        return Configuration("", "--no-config leaves out the configuration")
    try:
        configuration = load(options.config)
    except UsageError as error:
        if options.config is not None:
            raise
        configuration = Configuration(default_path(), str(error))
        complain(str(error))
    for mistake in configuration.mistakes[:_MOST_MISTAKES]:
        complain(mistake)
    left = len(configuration.mistakes) - _MOST_MISTAKES
    if left > 0:
        complain(f"{configuration.path}: {left} more mistakes")
    return configuration


def _new_addresses(
    options: argparse.Namespace, configuration: Configuration
) -> ConfiguredAddresses:
    tls = {name: getattr(options, f"tls_{name}") for name in _TLS_OPTIONS}
    given = {name: value for name, value in tls.items() if value is not None}
    usable = _usable_settings(options)
    return ConfiguredAddresses(configuration, tls=options.tls, tls_options=given, settings=usable)


def _usable_settings(options: argparse.Namespace) -> Collection[str]:
    """The settings that the configuration may choose.

    What a program reads does not depend on a file that a person has for the prompt.
    """
    if _is_interactive(options):
        return OPTIONS
    return ("timeout", "view") if _is_terminal(sys.stdout) else ("timeout",)


def _print_addresses(addresses: AddressBook) -> None:
    """Print each address that can be completed, a tab, and what it is."""
    output = Output(STANDARD_OUTPUT)
    for address, description in addresses.list():
        output.write_line(SafeText(f"{sanitize_line(address)}\t{sanitize_line(description)}"))


def _first_target(options: argparse.Namespace, addresses: ConfiguredAddresses) -> Target:
    """The VM that the options name, or the environment.

    :raise UsageError: they name none.
    """
    text = "".join(options.addresses) or os.environ.get("QMP_SOCKET")
    if not text:
        raise UsageError("no address: give one, set QMP_SOCKET, or try --demo")
    target = addresses.resolve(text, is_own=True)
    if options.addresses and not options.wait and not options.listen:
        _check_for_command(text)
    _prepare_words(options)
    return target


def _prepare_words(options: argparse.Namespace) -> None:
    """:raise UsageError: the words of the command line are no command."""
    for each in options.inputs or ():
        if isinstance(each, WordsInput):
            each.prepare(human=options.hmp)


def _new_connector(options: argparse.Namespace, first: Target) -> Connector:
    """What connects to the VM that the shell was started for, and to others later."""

    def connector(other: Target | None, tracer: Tracer) -> tuple[Client, Target]:
        target = first if other is None else other
        if options.listen and target.address == first.address:
            return _listen(target.address, options, tracer), target
        wait = options.wait if other is None else 0
        agent = options.agent or target.agent
        return connect(target.address, agent=agent, wait=wait, tracer=tracer), target

    return connector


def _run_fleet(
    options: argparse.Namespace,
    configuration: Configuration,
    addresses: ConfiguredAddresses,
    front_end: FrontEnd,
) -> int:
    """Run a script on several VMs; returns the worst exit status.

    :raise UsageError: that is not possible, or one of them has a wrong address.
    """
    if options.listen:
        raise UsageError("--listen is for one VM")
    if not options.inputs:
        raise UsageError("several VMs need a command, -c LINE or -f FILE (- is standard input)")
    _prepare_words(options)
    from .fleet import find_vms, read_standard_input, run_fleet
    from .fleet.display import VmOutput
    from .fleet.printer import Printer

    vms = find_vms(options.addresses, addresses, configured=configuration if options.all else None)
    options.inputs = read_standard_input(options.inputs)
    is_json = not options.hmp and not options.dry_run

    def serve(name: str, mark: bytes) -> int:
        os.environ["QMP_VM"] = name  # for shell pipelines
        output = VmOutput(mark, is_json=is_json)

        def run() -> QMPError | None:
            connector = _new_connector(options, vms[name])
            try:
                return front_end(connector, new_output=output.open, vm_name=name)
            except QMPError as error:
                output.note(error)
                raise

        return _guard(run)

    formatter = Formatter(_new_look(options, configuration, is_interactive=False))
    printer = Printer(formatter, tuple(vms), lambda: options.timeout)
    return run_fleet(tuple(vms), serve, printer, parallel=options.parallel)


def _check_for_command(address: str) -> None:
    """:raise ConnectError: an address seems to be a command without an address before it."""
    is_name = address.removeprefix(".").replace("-", "").replace("_", "").isalnum()
    default = os.environ.get("QMP_SOCKET")
    is_likely = is_name and (default or any(mark in address for mark in "-_."))
    if is_likely and not os.path.exists(address):
        example = f'; write qmp-shell "$QMP_SOCKET" {address}' if default else ""
        reason = "the first word is the address, and a command follows it"
        raise ConnectError(f"{address}: no such socket; {reason}{example}")


def _listen(address: Address, options: argparse.Namespace, tracer: Tracer) -> Client:
    """Wait until QEMU connects to an address."""

    def announce(qemu_option: str) -> None:
        if _is_terminal(sys.stderr):
            complain(f"listening; start QEMU with {qemu_option} to connect (Ctrl-C gives up)")

    with ended_by_signals():
        wait = options.wait or None
        return listen(address, agent=options.agent, wait=wait, on_listening=announce, tracer=tracer)


def _refuse_to_connect(_target: Target | None, _tracer: Tracer) -> tuple[Client, Target | None]:
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


def _wants_colour(options: argparse.Namespace, configuration: Configuration) -> bool:
    configured = configuration.color if _is_terminal(sys.stdout) else None
    color = options.color or configured or "auto"
    if color != "auto":
        return bool(color == "always")
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not is_plain and _is_terminal(sys.stdout)


def _run_front_end(
    options: argparse.Namespace,
    configuration: Configuration,
    addresses: AddressBook,
    connector: Connector,
    *,
    vm: OwnVm | None = None,
    tips: Tips = (),
    schema: Schema | None = None,
    new_output: NewOutput = open_script_output,
    vm_name: str = "",
) -> QMPError | None:
    """Run the front end that the options ask for, on one session.

    :param vm: a VM that ends with it.
    :param new_output: makes what a script prints to.
    :param vm_name: tells the VM from others, on which the same script runs.
    :param tips: lines to try at a prompt.
    :param schema: types that stand in for a VM.
    :return: the error, if there was one, that was reported to the user.
    """
    is_interactive = _is_interactive(options)
    settings = _new_settings(options, configuration, is_interactive=is_interactive)
    look = _new_look(options, configuration, is_interactive=is_interactive)
    formatter = Formatter(look)

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
            addresses=addresses,
            user=user,
            vm_name=vm_name,
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

        return run_prompt(settings, formatter, new_session, colour=look.colour, vm=vm, tips=tips)
    is_dry_run = options.dry_run or schema is not None
    keep_going = options.keep_going or is_dry_run
    display, report = new_output(settings, formatter, keep_going=keep_going)
    session = new_session(display, report)
    try:
        return run_script(session, options.inputs or [StandardInput()], report)
    except Exception as error:
        if not isinstance(error, QMPError | OSError):
            session.tracer.note_fault(error)
        raise
    finally:
        if vm is None:
            session.attachment.close()


def _new_look(
    options: argparse.Namespace, configuration: Configuration, *, is_interactive: bool
) -> Look:
    """What standard output can show."""
    supports_unicode = Output(STANDARD_OUTPUT).supports_unicode
    ascii_only = not (is_interactive and supports_unicode)
    return Look(_wants_colour(options, configuration), ascii_only, find_width, supports_unicode)


def _new_settings(
    options: argparse.Namespace, configuration: Configuration, *, is_interactive: bool
) -> Settings:
    usable = _usable_settings(options)
    configured = {name: value for name, value in configuration.settings.items() if name in usable}
    view = "json" if is_interactive else "compact"
    settings = Settings({"events": is_interactive, "view": view} | configured)
    if options.events:
        settings.events = True
    if options.verbose:
        settings.verbose = True
    if options.view is not None:
        settings.view = options.view
    if options.timeout is not None:
        settings.timeout = options.timeout
    return settings
