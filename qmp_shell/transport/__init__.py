"""Connections to a monitor: one file a scheme, and the registry of all schemes.

Knows nothing of what is said over a connection. To add a transport, write ``transport/NAME.py``
with a function ``parse(target)`` that returns an :class:`~.stream.Address`, and add a row to
:data:`SCHEMES`. A scheme's file is imported when an address of that scheme is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from math import inf

from ..address import split_address
from ..errors import AddressError, ConnectError, UsageError, explain_encode_error
from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stream import Address, Stream


# Each scheme, and how its addresses are written, for help and error messages. Its file has the
# same name, with an underscore for a dash.
SCHEMES: dict[str, tuple[str, ...]] = {
    "unix": ("PATH", "unix:PATH"),
    "unix-abstract": ("unix-abstract:NAME",),
    "tcp": ("HOST:PORT", "tcp:HOST:PORT", "[IPV6]:PORT", ":PORT"),
    "tls": ("tls:HOST:PORT",),
    "fd": ("fd:N",),
    "vsock": ("vsock:CID:PORT",),
    "ssh": ("ssh://[USER@]HOST[:PORT]/PATH",),
    "exec": ("exec:COMMAND",),
    "libvirt": ("libvirt:[URI#]DOMAIN",),
    "libvirt-agent": ("libvirt-agent:[URI#]DOMAIN",),
}

# Those whose addresses are commands. They are run only if they are the user's own words.
_COMMANDS = ("exec",)

# Those that can be meant where TLS is asked for.
_WITH_TLS = ("tcp", "tls")


def _list_forms(schemes: Iterable[str]) -> str:
    forms = [form for scheme in schemes for form in SCHEMES[scheme]]
    return ", ".join(forms[:-1]) + " or " + forms[-1]


FORMS = _list_forms(SCHEMES)
"""How addresses are written, for help and error messages."""

SILENCE_SECONDS = 0.5
"""How often a caller is told that a monitor is silent."""

OnSilence = Callable[[float], bool]
"""Is called twice a second while a monitor does not answer, and when the time is over.

It is given the seconds waited so far. It returns whether to go on waiting, and may raise
:class:`~qmp_shell.errors.MonitorBusy`.
"""

OnAbsence = Callable[[float], object]
"""Is called twice a second while nobody listens, with the seconds waited so far."""

# How often connecting is tried again while waiting for a listener; nothing announces one.
_RETRY_SECONDS = 0.05
# What is reported before a VM has opened its monitor.
_NOT_YET = (FileNotFoundError, ConnectionRefusedError, ConnectionResetError)


def parse_address(text: str, *, tls: bool = False, programs: bool = False) -> Address:
    """Parse the text of an address.

    :param text: one of the forms in :data:`FORMS`; QEMU's own comma options behind it
        (``unix:PATH,server=on,wait=off``) are ignored.
    :param tls: a TCP port speaks TLS, as with ``tls:``; other addresses are refused.
    :param programs: it may name a program to be run (``exec:``), because it comes from the user's
        own command line or configuration.
    :raise AddressError: it is none of them.
    :raise UsageError: it names a program, and may not.
    """
    try:
        if not text.isascii():
            _check_encoding(text)
        scheme, target = split_address(text, SCHEMES)
        if tls:
            if scheme not in _WITH_TLS:
                raise AddressError("TLS (--tls) is for a TCP port")
            scheme = "tls"
        if scheme in _COMMANDS and not programs:
            raise UsageError(
                f"{text!r}: a program is run only for an address on the command line, in"
                " $QMP_SOCKET or in the configuration"
            )
        module = import_module("." + scheme.replace("-", "_"), __name__)
        address: Address = module.parse(target)
    except AddressError as error:
        forms = _list_forms(_WITH_TLS) if tls else FORMS
        raise AddressError(f"{text!r}: {error}; use {forms}") from None
    return address


def address_of_path(path: str) -> Address:
    """The UNIX socket at a path, which may look like another address.

    :raise AddressError: it can be no path.
    """
    from .unix import parse

    try:
        _check_encoding(path)
        return parse(path)
    except AddressError as error:
        raise AddressError(f"{path!r}: {error}") from None


def _check_encoding(text: str) -> None:
    """:raise AddressError: a text can be no name or path, because half a character is in it."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise AddressError(explain_encode_error(error)) from None


def open_stream(
    address: Address,
    *,
    timeout: float | None,
    wait: float = 0,
    on_silence: OnSilence | None = None,
    on_absence: OnAbsence | None = None,
) -> Stream:
    """Connect to a monitor.

    :param timeout: seconds that one attempt may take; None: no limit.
    :param wait: seconds for which connecting is tried again while nobody listens there.
    :param on_silence: is called while other clients wait there, too.
    :param on_absence: is called while nobody listens there.
    :return: the connection.
    :raise ConnectError: no connection could be made.
    """
    began = told = time.monotonic()
    while True:
        try:
            return _connect(address, timeout, on_silence)
        except _NOT_YET as error:
            now = time.monotonic()
            if now >= began + wait:
                after = f" after waiting {wait:g} s" if wait else ""
                raise ConnectError(address.explain(error, after)) from None
            if on_absence is not None and now >= told + SILENCE_SECONDS:
                told = now
                on_absence(now - began)
            time.sleep(_RETRY_SECONDS)
        except OSError as error:
            raise ConnectError(address.explain(error, "")) from None


def _connect(address: Address, timeout: float | None, on_silence: OnSilence | None) -> Stream:
    """Connect once; if the listener's backlog is full, again and again until the time is over.

    :raise OSError: it did not work.
    """
    if on_silence is None or not address.waits_in_backlog:
        return address.connect(timeout)
    began = time.monotonic()
    while True:
        left = inf if timeout is None else began + timeout - time.monotonic()
        try:
            return address.connect(min(SILENCE_SECONDS, left))
        except BlockingIOError:
            if not on_silence(time.monotonic() - began) or left <= SILENCE_SECONDS:
                raise
