"""The program between ``libvirt:`` and libvirt: it speaks QMP on its standard input and output.

It is a process of its own, because libvirt's library waits in threads; ``libvirt.py`` starts it as
``libvirt_bridge.py monitor|agent SECONDS URI DOMAIN``. It uses nothing but the standard library and
libvirt's, and runs on Python 3.9, so that the system's own Python can run it. When it ends, the
last line on its standard error says why.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import threading
import zipimport
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

try:
    import libvirt
    import libvirt_qemu
except ImportError:
    libvirt = None

Message = dict[str, Any]

# The client may read nothing for a while; so many messages wait for it.
_MOST_UNREAD = 10_000
# libvirtd is given up after it was asked in vain so often, every so many seconds.
_KEEPALIVE_COUNT = 5
_KEEPALIVE_SECONDS = 5
# How long, in seconds, polkit may take to ask somebody at this terminal for a password.
_LOGIN_SECONDS = 60.0
# How long, in seconds, libvirt may take to stop a domain whose QEMU has ended, and to say so.
_STOP_SECONDS = 10.0
# The same for a command that has failed, and perhaps for that reason.
_FAILED_SECONDS = 1.0
# How long, in seconds, a guest agent may take to answer guest-ping.
_PING_SECONDS = 5

_DELIMITER = b"\xff"  # see guest-sync-delimited in the manual of qemu-ga
# An escaped NUL in JSON; an escaped backslash and "u0000" is none.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_AGENT_REFUSAL = re.compile(r".*unable to execute QEMU agent command '[^']*': (.*)")
_UNKNOWN_COMMAND = re.compile(r"The command .* has not been found")

_PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libvirt_programs")
_temporary_folders: list[str] = []  # to be removed when this program ends

# What became of a domain, by the detail of the event (virDomainEventStoppedDetailType).
_ENDS = {
    0: "the domain has shut down",
    1: "the domain was destroyed",
    2: "the domain has crashed",
    3: "the domain was migrated to another host",
    4: "the domain was saved to a file",
    5: "QEMU has ended unexpectedly",
    6: "the domain was reverted to a snapshot",
}

# What helps against an error of connecting.
_ADVICE = (
    ("Failed to connect socket.*(No such file|refused)", "is libvirtd running?"),
    ("authentication (failed|cancelled)", "names and passwords are taken from libvirt's auth.conf"),
    ("Failed to connect socket.*Permission|polkit", "be root, or a member of the group libvirt"),
)

_MISSING = (
    "Python's module libvirt is missing: install the package python3-libvirt, or libvirt-python"
    " from PyPI beside qmp-shell"
)


class Client:
    """The client, which sends commands, one on each line, and receives messages.

    :ivar ending: this program is about to end.
    :ivar has_quit: its last command was ``quit``.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._unread: queue.Queue[bytes] = queue.Queue(_MOST_UNREAD)
        self._answering = threading.RLock()
        self._ended = threading.Lock()
        self.ending = threading.Event()
        self.has_quit = False
        start_thread(self._read)
        start_thread(self._write)

    def serve(self, answer: Callable[[Message], Message | None]) -> NoReturn:
        """Have commands answered, in their order, until another thread ends this program.

        :param answer: returns the reply; None: there is none.
        """
        while True:
            line = self._lines.get()
            with self._answering:
                try:
                    reply = answer(parse_command(line))
                except (ValueError, RecursionError) as error:
                    reply = make_error(f"not readable as a JSON object: {error}")
                if reply is not None:
                    self.send(reply)

    def send(self, message: Message) -> None:
        """Send a message."""
        self.send_bytes(json.dumps(message).encode("ascii") + b"\r\n")

    def send_bytes(self, data: bytes) -> None:
        """Send bytes that belong to no message."""
        self._unread.put(data)

    def end(self, reason: str) -> NoReturn:
        """End this program as soon as the client has read everything.

        :param reason: what to say on standard error.
        """
        self._ended.acquire()  # and never released: the first reason is the right one
        self.ending.set()
        self._answering.acquire(timeout=_STOP_SECONDS)  # the reply may be there already
        self._unread.join()
        complain(reason)

    def _read(self) -> None:
        with open(0, "rb", closefd=False) as file:
            for line in file:
                if line.replace(_DELIMITER, b"").strip():
                    self._lines.put(line)
        leave(0)  # nobody wants to know any more what libvirt may still say

    def _write(self) -> None:
        with open(1, "wb", closefd=False) as file:
            while True:
                try:
                    file.write(self._unread.get())
                    file.flush()
                except OSError:
                    leave(0)  # as above
                self._unread.task_done()


class Monitor:
    """The QMP monitor of a domain."""

    def __init__(self, domain: Any, client: Client) -> None:
        self._domain = domain
        self._client = client
        self._is_negotiated = False

    def prepare(self, _seconds: float | None) -> None:
        """Send the greeting.

        :raise libvirtError: QEMU does not answer.
        """
        connection = self._domain.connect()
        libvirt_qemu.qemuMonitorEventRegister(
            connection, self._domain, None, self._pass_event, None
        )
        version = self._pass_command({"execute": "query-version"})["return"]
        self._client.send({"QMP": {"version": version, "capabilities": []}})

    def execute(self, message: Message) -> Message:
        """Execute a command, and return the reply.

        :raise libvirtError: libvirt has refused it, or QEMU does not answer.
        """
        if "exec-oob" in message:
            return make_error("libvirt executes no command out-of-band")
        if self._is_negotiated:
            return self._pass_command(message)
        if message.get("execute") != "qmp_capabilities":
            return make_error("qmp_capabilities must be executed first", "CommandNotFound")
        arguments = message.get("arguments", {})
        if not isinstance(arguments, dict) or arguments.get("enable"):
            return make_error("libvirt offers no capabilities that could be enabled")
        self._is_negotiated = True
        return {"return": {}}

    def is_lost(self, error: Any) -> bool:
        """Whether a libvirtError says that the monitor has gone."""
        return error.get_error_code() in (
            libvirt.VIR_ERR_INTERNAL_ERROR,  # end of file
            libvirt.VIR_ERR_SYSTEM_ERROR,  # reset by QEMU's end
            libvirt.VIR_ERR_OPERATION_FAILED,
            libvirt.VIR_ERR_OPERATION_INVALID,  # the domain does not run
            libvirt.VIR_ERR_NO_DOMAIN,
        )

    def _pass_command(self, message: Message) -> Message:
        reply: Message = json.loads(
            libvirt_qemu.qemuMonitorCommand(self._domain, json.dumps(message), 0)
        )
        return reply

    def _pass_event(
        self,
        _connection: object,
        _domain: object,
        name: str,
        seconds: int,
        microseconds: int,
        data: str | None,
        _opaque: object,
    ) -> None:
        if not self._is_negotiated:  # QEMU sends none then, either
            return
        event: Message = {"timestamp": {"seconds": seconds, "microseconds": microseconds}}
        event["event"] = name
        if data is not None:
            event["data"] = json.loads(data)
        self._client.send(event)


class Agent:
    """The guest agent of a domain."""

    def __init__(self, domain: Any, client: Client) -> None:
        self._domain = domain
        self._client = client

    def prepare(self, seconds: float | None) -> None:
        """Tell the client that there is a guest agent.

        :raise libvirtError: it does not answer.
        """
        self._ping(_PING_SECONDS if seconds is None else max(1, int(seconds) - 1))
        self._client.send_bytes(b"\n")

    def execute(self, message: Message) -> Message:
        """Execute a command, and return the reply.

        :raise libvirtError: libvirt has refused it, or the guest agent does not answer.
        """
        if message.get("execute") == "guest-sync-delimited":
            # libvirt synchronizes with the guest agent by itself.
            self._client.send_bytes(_DELIMITER)
            arguments = message.get("arguments")
            return {"return": arguments.get("id") if isinstance(arguments, dict) else None}
        # Meanwhile libvirt executes no other command there, whoever asks for it. So what may take
        # any time must not wait for a guest agent that has gone.
        self._ping(_PING_SECONDS)
        return self._pass_command(message, libvirt_qemu.VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK)

    def _ping(self, seconds: int) -> None:
        self._pass_command({"execute": "guest-ping"}, seconds)

    def _pass_command(self, message: Message, seconds: int) -> Message:
        try:
            text = libvirt_qemu.qemuAgentCommand(self._domain, json.dumps(message), seconds, 0)
        except libvirt.libvirtError as error:
            # Of an error reply, libvirt leaves only the description.
            refusal = _AGENT_REFUSAL.fullmatch(explain(error))
            if refusal is None:
                raise
            is_unknown = _UNKNOWN_COMMAND.fullmatch(refusal[1])
            return make_error(refusal[1], "CommandNotFound" if is_unknown else "GenericError")
        reply: Message = json.loads(text)
        return reply

    def is_lost(self, _: Any) -> bool:
        """Whether a libvirtError says that the guest agent has gone; it may always come again."""
        return False


def main(kind: str, limit: str, uri: str, name: str) -> None:
    """Serve the client until the end.

    :param kind: ``monitor`` or ``agent``.
    :param limit: seconds after which libvirt must have answered; empty: there is none.
    :param uri: libvirt's; empty: its default.
    :param name: the domain's; or its UUID, or its id.
    """
    if libvirt is None:
        complain(_MISSING)
    seconds = float(limit) if limit else None
    # A handler would have to wait for libvirt. What libvirt starts, reacts to the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    start_thread(wait_for_termination)
    client = Client()
    libvirt.registerErrorHandler(lambda *_: None, None)  # the default one prints every error
    libvirt.virEventRegisterDefaultImpl()
    start_thread(run_events)
    try:
        with limited(open_seconds(seconds), client, "no answer of libvirtd", unless=has_child):
            connection = open_connection(uri, client)
        with limited(seconds, client, "QEMU is stuck, or libvirt is busy with it: no answer"):
            domain = find_domain(connection, name, client)
            watch(domain, client)
            peer = (Agent if kind == "agent" else Monitor)(domain, client)
            peer.prepare(seconds)
    except libvirt.libvirtError as error:
        client.end(advise(explain(error)))
    client.serve(lambda message: answer(peer, client, message))


def open_connection(uri: str, client: Client) -> Any:
    """Connect to libvirtd.

    :raise libvirtError: that failed.
    """
    os.environ["PATH"] = f"{provide_programs()}:{os.environ.get('PATH', os.defpath)}"
    # Names and passwords are those of libvirt's auth.conf; nobody is asked for others.
    kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
    connection = libvirt.openAuth(uri or None, [kinds, lambda *_: -1, None])
    if connection.getType() != "QEMU":
        client.end(f"{connection.getURI()} is not a URI of QEMU, but of {connection.getType()}")
    connection.registerCloseCallback(
        lambda _connection, reason, _: client.end(explain_close(reason)), None
    )
    with contextlib.suppress(libvirt.libvirtError):  # an old libvirtd has no such thing
        connection.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT)
    return connection


def find_domain(connection: Any, name: str, client: Client) -> Any:
    """Find a domain by its name, its UUID or its id.

    :raise libvirtError: libvirt can't tell.
    """
    attempts: list[Callable[[], Any]] = [
        lambda: connection.lookupByName(name),
        lambda: connection.lookupByUUIDString(name),
    ]
    if re.fullmatch("[0-9]{1,9}", name):
        attempts.append(lambda: connection.lookupByID(int(name)))
    for attempt in attempts:
        try:
            return attempt()
        except UnicodeEncodeError:
            continue
        except libvirt.libvirtError as error:
            # The latter: this is no UUID.
            others = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_INVALID_ARG)
            if error.get_error_code() not in others:
                raise
    return client.end(f"there is no such domain at {connection.getURI().partition('?')[0]}")


def watch(domain: Any, client: Client) -> None:
    """Have this program end with the domain.

    :raise libvirtError: the domain has ended.
    """

    def note(_connection: object, _domain: object, event: int, detail: int, _: object) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            # libvirt may not have noticed that QEMU ended because it was told to.
            shutdown = libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN
            client.end(_ENDS.get(shutdown if client.has_quit else detail, "the domain has ended"))

    domain.connect().domainEventRegisterAny(
        domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, note, None
    )
    if not domain.isActive():
        client.end("the domain is shut off")


def parse_command(line: bytes) -> Message:
    """:raise ValueError: it is not a JSON object in UTF-8."""
    message = json.loads(line.replace(_DELIMITER, b""))
    if not isinstance(message, dict):
        raise ValueError("it is something else")
    return message


def answer(peer: Monitor | Agent, client: Client, message: Message) -> Message | None:
    """Execute a command.

    :return: the reply, with the command's ``id``; None: there is none, for all has ended.
    """
    client.has_quit = message.get("execute") == "quit"
    identity = {key: message.pop(key) for key in ("id",) if key in message}
    try:
        if _NUL.search(json.dumps(message)):  # libvirt would cut the text there
            reply = make_error("libvirt passes on no text that contains a NUL character")
        else:
            reply = peer.execute(message)
    except libvirt.libvirtError as error:
        is_lost = peer.is_lost(error)
        # The event that says why may be on its way.
        if client.ending.wait(_STOP_SECONDS if is_lost else _FAILED_SECONDS):
            # QEMU may end faster than libvirt reads its reply.
            return {"return": {}, **identity} if client.has_quit else None
        if is_lost:
            client.end(explain(error))
        reply = make_error(f"libvirt: {explain(error)}")
    reply.pop("id", None)  # that of libvirt
    return {**reply, **identity}


def make_error(description: str, error_class: str = "GenericError") -> Message:
    """Return an error reply."""
    return {"error": {"class": error_class, "desc": description}}


def explain(error: Any) -> str:
    """Return the message of a libvirtError, on one line."""
    return " ".join((error.get_error_message() or str(error)).split())


def advise(reason: str) -> str:
    """Add what helps to the reason why there is no connection."""
    advice = (text for pattern, text in _ADVICE if re.search(pattern, reason))
    return "; ".join([reason, *advice])


def explain_close(reason: int) -> str:
    """Say why libvirt has closed the connection."""
    if reason == libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
        return "libvirtd does not answer any more"
    return "libvirtd, or the link to it, has ended"


@contextlib.contextmanager
def limited(
    seconds: float | None, client: Client, failure: str, unless: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Limit the time that a ``with`` block may take; this program ends with it.

    :param seconds: None: there is no limit.
    :param failure: what to say then.
    :param unless: asked at the end of the time: there is no limit any more.
    """

    def expire() -> None:
        if not unless():
            client.end(f"{failure} within {seconds:g} s")

    timer = None if seconds is None else threading.Timer(seconds, expire)
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()


def open_seconds(seconds: float | None) -> float | None:
    """How long connecting to libvirtd may take."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return seconds
    return None if seconds is None else max(seconds, _LOGIN_SECONDS)


def has_child() -> bool:
    """Whether libvirt has started ssh, which may ask for a password and has limits of its own."""
    return bool(find_children()) or not sys.platform.startswith("linux")


def find_children() -> list[int]:
    """Return the ids of the processes that libvirt has started here, if the system tells them."""
    children: list[int] = []
    for path in glob.glob("/proc/self/task/*/children"):
        with contextlib.suppress(OSError), open(path) as file:
            children += map(int, file.read().split())
    return children


def wait_for_termination() -> None:
    """End this program when it is told to by a signal, or by the end of the shell."""
    signal.sigwait([signal.SIGTERM])
    leave(0)


def run_events() -> None:
    """Receive what libvirt sends unasked, for ever."""
    while True:
        libvirt.virEventRunDefaultImpl()


def provide_programs() -> str:
    """The folder of the programs that libvirt starts; those in a zip file are copied out of it."""
    if os.path.isdir(_PROGRAMS):
        return _PROGRAMS
    folder = tempfile.mkdtemp(prefix="qmp-shell-")
    _temporary_folders.append(folder)
    data = zipimport.zipimporter(os.path.dirname(_PROGRAMS)).get_data(f"{_PROGRAMS}/ssh")
    path = os.path.join(folder, "ssh")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "wb") as file:
        file.write(data)
    return folder


def start_thread(run: Callable[[], object]) -> None:
    """Run a function in a thread that ends with this program."""
    threading.Thread(target=guard, args=(run,), daemon=True).start()


def guard(run: Callable[[], object]) -> None:
    """Run a function. If it fails, this program ends, for the rest of it would wait in vain."""
    try:
        run()
    except Exception as error:
        complain(f"internal error: {error!r}; please report it")


def complain(reason: str) -> NoReturn:
    """Say on standard error why this program ends, and end it."""
    with contextlib.suppress(OSError):
        os.write(2, reason.encode("utf-8", "backslashreplace") + b"\n")
    leave(1)


def leave(status: int) -> NoReturn:
    """End this program at once, whatever libvirt does, and ssh, which may be asking something."""
    for child in find_children():
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGTERM)
    for folder in _temporary_folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(status)


if __name__ == "__main__":
    guard(lambda: main(*sys.argv[1:]))
