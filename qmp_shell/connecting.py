"""Which VM the shell is started for, and how it and others are connected to."""

from __future__ import annotations

import argparse
import os
import sys
from math import inf

from .choices import Choices, is_terminal
from .client import GREETING_SECONDS, Client, Tracer, connect, listen
from .errors import ConnectError, UsageError
from .script import WordsInput, complain
from .session import Connector, Target
from .signals import ended_by_signals
from .static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .silence import SilenceWatch


def first_target(choices: Choices) -> Target:
    """The VM that the options name, or the environment, or the one of this host.

    :raise UsageError: they name none, or there is more than one.
    """
    options = choices.options
    if "" in options.addresses:  # another VM than the one that was meant could be ended
        raise UsageError("the address is empty; is a variable not set?")
    text = "".join(options.addresses) or os.environ.get("QMP_SOCKET")
    if text:
        target = choices.addresses.resolve(text, is_own=True)
        check_for_mistakes(options)
        return target
    if options.agent or options.listen or options.tls or choices.tls:
        raise UsageError("no address: give one, or set QMP_SOCKET")
    from .finding import choose_address

    return Target(choose_address(choices.new_look(), is_interactive=choices.is_interactive))


def new_connector(options: argparse.Namespace, first: Target) -> Connector:
    """What connects to the VM that the shell was started for, and to others later."""

    def connector(other: Target | None, tracer: Tracer) -> tuple[Client, Target]:
        target = first if other is None else other
        with ended_by_signals():  # nothing is left behind of a login, or of a socket to listen on
            if options.listen and target.address == first.address:
                return _listen(target, options, tracer), target
            wait = options.wait if other is None else 0
            return _connect(target, options, wait, tracer), target

    return connector


def refuse_to_connect(_: Target | None, _tracer: Tracer) -> tuple[Client, Target | None]:
    """Connects to nothing, for there is only a schema."""
    raise UsageError("--schema stands in for the VM; there is nothing to connect to")


def _connect(target: Target, options: argparse.Namespace, wait: float, tracer: Tracer) -> Client:
    watch: SilenceWatch | None = None
    agent = options.agent or target.agent

    def find_watch() -> SilenceWatch:
        nonlocal watch
        if watch is None:  # most monitors answer at once
            from .silence import SilenceWatch

            watch = SilenceWatch(target.address, wait=wait, agent=agent)
        return watch

    return connect(
        target.address,
        agent=agent,
        wait=wait,
        greeting_timeout=None if wait == inf else max(GREETING_SECONDS, wait),
        tracer=tracer,
        on_silence=lambda seconds: find_watch()(seconds),
        on_absence=lambda seconds: find_watch().note_absence(seconds),
    )


def _listen(target: Target, options: argparse.Namespace, tracer: Tracer) -> Client:
    """Wait until QEMU connects to an address."""

    def announce(qemu_option: str) -> None:
        if is_terminal(sys.stderr):
            complain(f"listening; start QEMU with {qemu_option} to connect (Ctrl-C gives up)")

    return listen(
        target.address,
        agent=options.agent or target.agent,
        wait=options.wait or None,
        on_listening=announce,
        tracer=tracer,
    )


def check_for_mistakes(options: argparse.Namespace) -> None:
    """:raise ConnectError: an address seems to be the name of a VM, or a command without one."""
    if options.wait or options.listen:  # it may lead somewhere later
        return
    for address in options.addresses:
        if not os.path.exists(address) and not any(mark in address for mark in "/:@"):
            _check_for_mistake(address, options)


def _check_for_mistake(address: str, options: argparse.Namespace) -> None:
    from .finding import find_by_name

    found = find_by_name(address)
    if found:
        raise ConnectError(f"{address}: no such socket; the VM of that name is at {found}")
    if address == "help":
        raise ConnectError(f"{address}: no such socket; write --help")
    is_name = address.removeprefix(".").replace("-", "").replace("_", "").isalnum()
    is_several = len(options.addresses) > 1
    default = os.environ.get("QMP_SOCKET")
    is_likely = is_name and (default or is_several or any(mark in address for mark in "-_."))
    if not is_likely:
        return
    reason = "the first word is the address, and a command follows it"
    if is_several or (options.inputs and not isinstance(options.inputs[0], WordsInput)):
        reason = "with -c or -f, all other words are addresses"
    elif default:
        reason += f'; write qmp-shell "$QMP_SOCKET" {address}'
    elif not options.inputs:
        reason += f"; for the only VM that runs here, write qmp-shell -c {address}"
    raise ConnectError(f"{address}: no such socket; {reason}")
