"""Options to a front end, and its outcome to an exit status."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable

from .choices import Choices, is_terminal
from .commands import Registry
from .connecting import check_for_mistakes, first_target, new_connector, refuse_to_connect
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
from .importing import importing
from .options import parse_arguments, parse_wrap_arguments
from .output import STANDARD_ERROR, Output
from .render.formatter import Formatter
from .script import (
    WRAP,
    ErrorReport,
    ServedMonitor,
    StandardInput,
    WordsInput,
    complain,
    open_script_output,
    run_script,
)
from .session import AddressBook, Session
from .session.scripts import Input
from .session.sharing import AGENT_REASON
from .signals import interrupt
from .static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch.qemu import OwnVm
    from .launch.tour import Tour
    from .schema import Schema
    from .session import Connector, Display, Reporter, User

Run = Callable[[], "QMPError | int | None"]
NewOutput = Callable[..., tuple["Display", ErrorReport]]

# The exit status for each kind of error, the first that fits; 1 for all others.
_STATUSES: tuple[tuple[type[QMPError], int], ...] = (
    (UsageError, 2),
    (ConnectError, 3),
    (ConnectionLost, 4),
    (Timeout, 5),
    (InternalError, 70),  # EX_SOFTWARE of sysexits(3)
)
_PROGRAM = "qmp-shell"
_COMPLETE = "--complete"  # is no option for users, and the first word
_LONGEST_SCHEMA = 64 << 20  # characters; QEMU's has 250,000
_NO_PROMPT = (
    "standard output is no terminal, so lines are run as a script; "
    "at a prompt, .log FILE records a session"
)
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
    return _guard(lambda: _run_or_complete(argv, _PROGRAM, lambda: _run(parse_arguments(argv))))


def main_wrap(argv: list[str] | None = None) -> int:
    """``qmp-shell-wrap``; returns its exit status."""
    return _guard(
        lambda: _run_or_complete(argv, WRAP, lambda: _run_wrap(parse_wrap_arguments(argv)))
    )


def _run_or_complete(argv: list[str] | None, program: str, run: Run) -> QMPError | int | None:
    """Run a program, unless a shell asks it for what can stand on its command line."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] != [_COMPLETE]:
        return run()
    from .completing import print_completions

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the shell has its own line there
    print_completions(arguments[1:], program)
    return None


def _guard(run: Run) -> int:
    """Turn what goes wrong into one line on standard error and an exit status.

    :param run: returns the error, if there was one, that was reported to the user; or the status.
    """
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # by start.py
            signal.signal(signal.SIGINT, interrupt)
        if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:  # no exit status would be kept
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _open_standard_streams()
        if sys.stdout is None:
            raise QMPError("standard output is closed")
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
        if is_terminal(sys.stderr):  # which shows ^C
            from .render.controls import NEW_LINE

            Output(STANDARD_ERROR).write_if_possible(NEW_LINE)
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        _drop_output()
        complain(": ".join(filter(None, (error.filename, error.strerror))) or str(error))
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
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # for pipelines


def _drop_output() -> None:
    """Nothing can be written any more, and Python must not try it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(options: argparse.Namespace) -> QMPError | int | None:
    """:return: the error that was reported, or an exit status; None: all went well."""
    choices = Choices(options)
    if options.list or options.json:
        _list_vms(choices)
        return None
    _check_sharing(options, is_agent=options.agent)
    if options.agent and options.hmp:
        raise UsageError("a guest agent has no human monitor; leave out -H")
    has_vm = options.addresses or options.all or options.agent or options.listen
    if options.demo:
        if has_vm:
            raise UsageError(
                "--demo brings its own VM: no ADDRESS, -N or --listen; write commands with -c LINE"
            )
        from .launch.demo import run_with_demo

        return run_with_demo(
            lambda vm, tour: _run_front_end(choices, vm.connect, vm=vm, tour=tour),
            capture=choices.must_capture,
        )
    if options.schema is not None:
        if has_vm or options.share:
            raise UsageError(
                "--schema stands in for the VM: no ADDRESS, -N, --listen or --share with it;"
                " write commands with -c LINE"
            )
        options.dry_run = True
        return _run_front_end(choices, refuse_to_connect, schema=_read_schema(options.schema))
    if options.all or len(options.addresses) > 1:
        return _run_fleet(choices)
    first = first_target(choices)
    _prepare_words(options)
    return _run_front_end(choices, new_connector(options, first), addresses=choices.addresses)


def _list_vms(choices: Choices) -> None:
    if choices.options.json and not choices.options.list:
        raise UsageError("--json goes with --list; replies are JSON without it")
    if choices.options.addresses:
        raise UsageError("--list takes no ADDRESS")
    from .finding import print_vms

    print_vms(choices.new_look(for_person=True), as_json=choices.options.json)


def _run_wrap(options: argparse.Namespace) -> QMPError | None:
    _check_sharing(options)
    from .launch.qemu import run_with_vm

    choices = Choices(options)
    return run_with_vm(
        [options.qemu, *options.arguments],
        lambda vm: _run_front_end(choices, vm.connect, vm=vm),
        capture=choices.must_capture,
    )


def _prepare_words(options: argparse.Namespace) -> None:
    """:raise UsageError: the words of the command line are no command."""
    for each in options.inputs or ():
        if isinstance(each, WordsInput):
            each.prepare(human=options.hmp)


def _run_fleet(choices: Choices) -> int:
    """Run a script on several VMs; returns the highest exit status.

    :raise UsageError: that is not possible, or one of them has a wrong address.
    """
    options = choices.options
    if options.listen:
        raise UsageError("--listen is for one VM")
    if options.share is not None:
        raise UsageError("--share is for one VM")
    if not options.inputs:
        raise UsageError("several VMs need a command, -c LINE or -f FILE (- is standard input)")
    _prepare_words(options)
    from .fleet import find_vms, read_standard_input, run_fleet
    from .fleet.display import VmOutput
    from .fleet.printer import Printer

    addresses = choices.addresses
    vms = find_vms(options.addresses, addresses, choices.configuration if options.all else None)
    check_for_mistakes(options)
    options.inputs = read_standard_input(options.inputs)
    is_json = not options.hmp and not options.dry_run

    def serve(name: str, mark: bytes) -> int:
        os.environ["QMP_VM"] = name  # for shell pipelines
        output = VmOutput(mark, is_json=is_json)
        connector = new_connector(options, vms[name])

        def run() -> QMPError | None:
            try:
                return _run_front_end(
                    choices, connector, addresses=addresses, new_output=output.open, vm_name=name
                )
            except QMPError as error:
                output.note(error)
                raise

        return _guard(run)

    printer = Printer(Formatter(choices.new_look()), tuple(vms), lambda: options.timeout)
    return run_fleet(tuple(vms), serve, printer, parallel=options.parallel)


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


def _run_front_end(
    choices: Choices,
    connector: Connector,
    *,
    addresses: AddressBook | None = None,
    vm: OwnVm | None = None,
    tour: Tour | None = None,
    schema: Schema | None = None,
    new_output: NewOutput = open_script_output,
    vm_name: str = "",
) -> QMPError | None:
    """Run the front end that the options ask for, on one session.

    :param addresses: the VMs that the user can name.
    :param vm: a VM that ends with it.
    :param tour: of that VM, for a person at a prompt.
    :param schema: types that stand in for a VM.
    :param new_output: makes what a script prints to.
    :param vm_name: tells the VM from others, on which the same script runs.
    :return: the error, if there was one, that was reported to the user.
    """
    options = choices.options
    settings = choices.new_settings()
    look = choices.new_look()
    formatter = Formatter(look)
    keep_going = options.keep_going or options.dry_run

    def new_session(display: Display, report: Reporter, user: User | None = None) -> Session:
        session = Session(
            display,
            settings,
            connector,
            Registry(("tour",) if tour is not None else ()),
            report,
            addresses=addresses,
            user=user,
            vm_name=vm_name,
            log=options.logfile,
            human=options.hmp,
            dry_run=options.dry_run,
            schema=schema,
            keep_going=keep_going,
            uses_disk=vm is None and not options.no_cache,  # the file of its own VM is of no use
        )
        if schema is None:
            _attach(session, options)
        return session

    if choices.is_interactive:
        with importing():
            from .prompt import run_prompt

        return run_prompt(settings, formatter, new_session, colour=look.colour, vm=vm, tour=tour)
    display, report = new_output(settings, formatter, keep_going=keep_going)
    return _run_script(new_session(display, report), options, report, vm)


def _attach(session: Session, options: argparse.Namespace) -> None:
    """Attach a new session to its VM, and share that one's monitor if the options say so."""
    session.attach()
    if options.share is not None:
        session.sharing.start(options.share, session.attachment, read_only=options.share_readonly)


def _run_script(
    session: Session, options: argparse.Namespace, report: ErrorReport, vm: OwnVm | None
) -> QMPError | None:
    """Run the lines that the options name, and close the session.

    :param vm: a VM that ends with it, and whose own failure is one of the script.
    :return: the error, if there was one, that was reported to the user.
    """
    if not options.inputs and is_terminal(sys.stdin):  # there is a person, but no prompt
        complain(_NO_PROMPT)
    try:
        failure = run_script(session, options.inputs or [_default_input(options)], report)
    except Exception as error:
        if not isinstance(error, QMPError | OSError):
            session.tracer.note_fault(error)
        raise
    finally:
        session.close(ends_connection=vm is None)
    if failure is None and vm is not None:
        has_ended = vm.wait(0) if session.attachment.is_connected else vm.wait()
        if has_ended and vm.has_failed:
            failure = ConnectionLost(f"{vm.name} {vm.outcome}")
            report(failure, "")
    return failure


def _default_input(options: argparse.Namespace) -> Input:
    """Where lines come from if neither -c nor -f says so and nobody types them."""
    is_without_lines = os.path.samestat(os.fstat(0), os.stat(os.devnull))
    return ServedMonitor() if options.share is not None and is_without_lines else StandardInput()


def _check_sharing(options: argparse.Namespace, *, is_agent: bool = False) -> None:
    """:raise UsageError: the options for sharing do not fit the others."""
    if options.share is None:
        if options.share_readonly:
            raise UsageError("--share-readonly goes with --share PATH")
    elif is_agent:
        raise UsageError(AGENT_REASON)
    elif options.dry_run:
        raise UsageError("a dry run sends nothing, so that there is nothing to --share")
