"""``ssh://[USER@]HOST[:PORT]/PATH``: a UNIX socket on another host, through the user's OpenSSH.

The program ``ssh`` forwards the socket to one in a private folder, which is removed as soon as it
is connected to. So the user's configuration, keys, agent and known hosts hold, passwords are asked
for by ``ssh`` itself, and the other host needs nothing but its SSH server.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from contextlib import suppress

from ..errors import AddressError, ConnectError
from ..signals import use_uninterrupted
from .program import Program, ProgramStream
from .stream import Address
from .tcp import parse_port_number
from .unix import LONGEST_NAME, connect_socket

_URL = (
    r"//(?:(?P<user>[^/]*)@)?(?:\[(?P<ipv6>[^\]/]*)\]|(?P<host>[^/:\[]*))"
    r"(?::(?P<port>[0-9]+))?(?P<path>/.*)"
)
# What reaches the user's ssh_config as %h, %r or %n may become a part of a command there.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_IPV6 = r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?"
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]*"

# How often to look for the forwarded socket; nothing announces it.
_POLL_SECONDS = 0.02


class SshAddress(Address):
    """A UNIX socket on another host.

    :ivar host: as OpenSSH knows it: a name of its configuration, of the DNS, or an IP address.
    :ivar path: of the socket, there.
    """

    can_be_tried = False
    silent_because = ", on the other host"

    def __init__(self, host: str, path: str, *, user: str = "", port: int | None = None) -> None:
        """
        :param user: empty: whom OpenSSH chooses.
        :param port: None: the one that OpenSSH chooses.
        """
        self.host = host
        self.path = path
        self.user = user
        self.port = port

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"ssh://{user}{host}{port}{self.path}"

    def connect(self, _timeout: float | None) -> SshStream:
        """Log in. How long that may take is said in OpenSSH's configuration."""
        return use_uninterrupted(lambda: _Forwarding(self), _Forwarding.connect, _Forwarding.close)

    def command(self, local: str) -> list[str]:
        """The command that forwards a local socket to this one.

        :param local: the path of the socket, which ssh creates for its user only.
        """
        forwarding = f"{_escape(local)}:{_escape(self.path)}"
        words = ["ssh", "-N", "-T", "-L", forwarding]
        # A connection that is shared would keep the forwarding after this one has ended. That of
        # other sockets or ports, which the user has configured, may fail as it likes.
        for option in ("ControlPath=none", "ControlMaster=no", "ExitOnForwardFailure=no"):
            words += ["-o", option]
        if self.port is not None:
            words += ["-p", str(self.port)]
        if self.user:
            words += ["-l", self.user]
        return [*words, "--", self.host]


class SshStream(ProgramStream):
    """A connection that ssh forwards."""

    def __init__(self, program: Program, connection: socket.socket, address: SshAddress) -> None:
        """:param connection: to the socket that ssh listens on."""
        super().__init__(program, connection, reads_input=False)
        self._address = address

    def _explain_refusal(self, status: int | None) -> str:
        if status is not None:
            return self.program.explain_end(status)
        complaint = self.program.complaint
        return (
            f"nobody listens on {self._address.path} there, or this user may not connect to it"
            + f" (ssh: {complaint})" * bool(complaint)
        )


class _Forwarding:
    """ssh on its way to forward a socket."""

    def __init__(self, address: SshAddress) -> None:
        """:raise ConnectError: ssh can't be started."""
        self._address = address
        self._folder = _new_folder()
        self._local = os.path.join(self._folder, "s")
        self._program: Program | None = None
        try:
            self._program = Program(
                address.command(self._local), None, name="ssh", uses_terminal=True
            )
        except ConnectError:
            self.close()
            raise ConnectError(
                f"{address}: the program ssh can't be started; is OpenSSH installed?"
            ) from None
        except BaseException:
            self.close()
            raise

    def connect(self) -> SshStream:
        """Wait until ssh has logged in, and connect.

        :raise ConnectError: ssh has ended.
        """
        assert self._program is not None
        while True:
            try:
                connection = connect_socket(self._local, None)
            except (FileNotFoundError, ConnectionRefusedError):
                self._check(self._program)
            else:
                break
        stream = SshStream(self._program, connection, self._address)
        self._program = None  # it belongs to the stream now
        return stream

    def _check(self, program: Program) -> None:
        """Wait a moment.

        :raise ConnectError: ssh has ended.
        """
        status = program.wait(_POLL_SECONDS)
        if status is not None:
            raise ConnectError(f"{self._address}: {program.explain_end(status)}")

    def close(self) -> None:
        """Remove the folder, and end ssh unless a stream uses it."""
        if self._program is not None:
            self._program.stop()
        with suppress(OSError):
            shutil.rmtree(self._folder)


def parse(target: str) -> SshAddress:
    """:raise AddressError: the target is not that of an SSH address."""
    match = re.fullmatch(_URL, target, re.DOTALL)
    if match is None or len(match["path"]) < 2 or "\0" in target:
        raise AddressError("ssh://[USER@]HOST[:PORT]/PATH is needed")
    host, user, path = match["host"], match["user"], match["path"]
    if not (re.fullmatch(_IPV6, match["ipv6"]) if host is None else re.fullmatch(_NAME, host)):
        raise AddressError("this is not the name of a host")
    if user is not None and not re.fullmatch(_USER, user):
        raise AddressError("this is not the name of a user")
    if "${" in path:  # ssh would put a variable of the environment in its place
        raise AddressError("there can be no ${ in the path of a socket on another host")
    port = None if match["port"] is None else parse_port_number(match["port"])
    return SshAddress(host or match["ipv6"], path, user=user or "", port=port)


def _new_folder() -> str:
    """Make a private folder, whose sockets have names that are short enough."""
    prefix = "qmp-shell-"
    is_short = len(os.fsencode(tempfile.gettempdir())) < LONGEST_NAME - 2 * len(prefix)
    return tempfile.mkdtemp(prefix=prefix, dir=None if is_short else "/tmp")


def _escape(path: str) -> str:
    """Return a path as ssh reads it in ``-L``: it splits at colons, and replaces what follows %."""
    return re.sub(r"([\\:])", r"\\\1", path).replace("%", "%%")
