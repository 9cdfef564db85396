"""``libvirt:[URI#]DOMAIN``: the monitor of a VM that libvirt manages.

libvirt's library waits in threads, so it is used by a program of its own, ``libvirt_bridge.py``.
"""

from __future__ import annotations

import os
import re
import select
import sys
from urllib.parse import unquote

from ..errors import AddressError
from ..signals import poll_timeout
from .program import ProgramStream, start_program
from .stream import Address

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_BRIDGE = os.path.join(_FOLDER, "libvirt_bridge.py")
# Runs it if this package is in a zip file, of which Python runs no other part than the main one.
_BRIDGE_IN_ZIP = """
import sys, zipimport
folder = sys.argv.pop(1)
__file__ = folder + "/libvirt_bridge.py"
exec(zipimport.zipimporter(folder).get_code("libvirt_bridge"))
"""
# Distributions have libvirt's module for their own Python only.
_SYSTEM_PYTHON = "/usr/bin/python3"

_URI = re.compile(
    r"[a-z][a-z0-9]*(?:\+(?P<transport>[a-z0-9]+))?://(?P<server>[^/?]*)(?:/[^?]*)?"
    r"(?:\?(?P<parameters>.*))?"
)
_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")  # for a URI, in libvirt.conf
# What reaches the user's ssh_config may become a part of a command there.
_SSH_SERVER = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?"
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
)
# Parameters of a URI that libvirt runs.
_COMMANDS = ("command", "netcat")


class LibvirtAddress(Address):
    """The monitor of a domain.

    :ivar uri: libvirt's; empty: the one that it takes by default.
    :ivar domain: a name, a UUID or an id.
    """

    scheme = "libvirt"
    kind = "monitor"
    can_be_tried = False
    note = "libvirt marks the domain as tainted: it may miss what you change here"

    def __init__(self, uri: str, domain: str) -> None:
        self.uri = uri
        self.domain = domain

    def __str__(self) -> str:
        needs_mark = self.uri or "#" in self.domain
        return f"{self.scheme}:{self.uri}{'#' * bool(needs_mark)}{self.domain}"

    def connect(self, timeout: float | None) -> ProgramStream:
        seconds = "" if timeout is None else str(timeout)
        program = [_BRIDGE] if os.path.exists(_BRIDGE) else ["-c", _BRIDGE_IN_ZIP, _FOLDER]
        command = [*_find_python(), *program, self.kind, seconds, self.uri, self.domain]
        stream = start_program(command, name="libvirt", uses_terminal=True)
        try:
            # It has a limit of its own, which depends on who may be asked for a password.
            poll = select.poll()
            poll.register(stream, select.POLLIN)
            while not poll.poll(poll_timeout(None)):
                pass
        except BaseException:
            stream.close()
            raise
        return stream


def parse(target: str) -> LibvirtAddress:
    """:raise AddressError: the target is not a domain, or not behind a URI of libvirt's."""
    return LibvirtAddress(*parse_domain(target))


def parse_domain(target: str) -> tuple[str, str]:
    """Parse ``[URI#]DOMAIN``.

    :return: the URI, which may be empty, and the domain.
    :raise AddressError: the target is no such thing.
    """
    uri, mark, domain = target.partition("#")
    if not mark:
        uri, domain = "", target
    if not domain or "/" in domain or "\0" in target:
        raise AddressError("[URI#]DOMAIN is needed, for example qemu:///system#web1")
    if uri:
        _check_uri(uri)
    return uri, domain


def _check_uri(uri: str) -> None:
    """:raise AddressError: it is no URI of libvirt's, or names a command."""
    if _ALIAS.fullmatch(uri):
        return
    match = _URI.fullmatch(uri)
    if match is None or re.search("[^!-~]", uri):
        raise AddressError("what is before the # is not a URI of libvirt's")
    names = (part.partition("=")[0] for part in re.split("[&;]", match["parameters"] or ""))
    transport = match["transport"] or ""
    if transport == "ext" or any(unquote(name).lower() in _COMMANDS for name in names):
        raise AddressError("this URI names a command; give it a name in libvirt.conf (uri_aliases)")
    if "ssh" in transport and not _SSH_SERVER.fullmatch(match["server"]):
        raise AddressError("this is not the name of a host, or not that of a user")


def _find_python() -> list[str]:
    """The command of a Python that has libvirt's module, if there is one."""
    from importlib.util import find_spec

    spec = find_spec("libvirt")
    if spec is not None and spec.origin and sys.executable:
        return [sys.executable, "-P"]  # or this file would be imported as the module
    return [_SYSTEM_PYTHON, "-I"]
