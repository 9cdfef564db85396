"""TLS: certificates that are accepted and refused, shared keys, and peers that misbehave."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell import TlsOptions
from qmp_shell.client import Client
from qmp_shell.transport.tls import TlsAddress, TlsStream, _new_context
from tests.conftest import (
    NAME_REPLY,
    PipedProcess,
    Run,
    RunningVm,
    StartTerminal,
    StartVm,
    require_program,
    shell_command,
)

NAME_RESULT = {"name": "testvm"}
HAS_SHARED_KEYS = hasattr(ssl.SSLContext, "set_psk_client_callback")


class Certificates:
    """Keys and certificates, in a folder; those of a server are also laid out as QEMU wants them.

    There are the CAs ``ca`` and ``other``; the servers ``server`` (of vm.example and 127.0.0.1)
    and ``expired``; and the clients ``client`` of ``ca`` and ``stranger`` of ``other``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for ca in ("ca", "other"):
            self._openssl(
                *("req", "-x509", *self._new_key(ca), "-out", self.path(f"{ca}.pem")),
                *("-subj", f"/CN={ca}", "-days", "2"),
            )
        names = "subjectAltName=DNS:vm.example,IP:127.0.0.1"
        self._sign("server", "ca", names)
        self._sign("expired", "ca", names, end="20010102000000Z")
        self._sign("client", "ca", "extendedKeyUsage=clientAuth")
        self._sign("stranger", "other", "extendedKeyUsage=clientAuth")
        for server in ("server", "expired"):
            qemu = folder / server
            qemu.mkdir()
            for source, name in (
                ("ca.pem", "ca-cert.pem"),
                (f"{server}.pem", "server-cert.pem"),
                (f"{server}.key", "server-key.pem"),
            ):
                (qemu / name).write_text((folder / source).read_text())

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def client(self, name: str) -> TlsOptions:
        """The options of a client that has a certificate."""
        return TlsOptions(self.path("ca.pem"), self.path(f"{name}.pem"), self.path(f"{name}.key"))

    def server_context(self) -> ssl.SSLContext:
        """Return what a server of a test needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        return context

    def _sign(self, name: str, ca: str, extension: str, end: str = "20491231000000Z") -> None:
        request, extensions, config = (self.folder / f"{name}.{end}" for end in ("csr", "e", "cnf"))
        extensions.write_text(extension + "\n")
        (self.folder / "index").write_text("")
        config.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nrand_serial=yes\n"
            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        self._openssl(
            "req", *self._new_key(name), "-new", "-out", str(request), "-subj", f"/CN={name}"
        )
        self._openssl(
            *("ca", "-batch", "-config", str(config), "-in", str(request), "-notext"),
            *("-cert", self.path(f"{ca}.pem"), "-keyfile", self.path(f"{ca}.key")),
            *("-startdate", "20010101000000Z", "-enddate", end),
            *("-extfile", str(extensions), "-out", self.path(f"{name}.pem")),
        )

    def _new_key(self, name: str) -> list[str]:
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        return [*kind, "-keyout", self.path(f"{name}.key")]

    @staticmethod
    def _openssl(*arguments: str) -> None:
        subprocess.run([require_program("openssl"), *arguments], capture_output=True, check=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


StartTlsVm = Callable[..., tuple[RunningVm, int]]


@pytest.fixture
def tls_vm(start_vm: StartVm, certificates: Certificates, port: int) -> StartTlsVm:
    """A function that starts a VM with one more monitor, on TLS, and returns its port, too."""

    def start(server: str = "server", *, verify_peer: str = "no") -> tuple[RunningVm, int]:
        credentials = f"tls-creds-x509,id=tls0,dir={certificates.path(server)},endpoint=server"
        vm = start_vm(
            *("-object", f"{credentials},verify-peer={verify_peer},sanity-check=no"),
            *(
                "-chardev",
                f"socket,id=c,host=127.0.0.1,port={port},server=on,wait=off,tls-creds=tls0",
            ),
            *("-mon", "chardev=c,mode=control"),
        )
        return vm, port

    return start


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A TCP port where a test answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


def address_of(listener: socket.socket) -> str:
    return f"tls:127.0.0.1:{listener.getsockname()[1]}"


# Certificates


@pytest.mark.parametrize(
    "form", ["tls:127.0.0.1:{}", "--tls 127.0.0.1:{}", "tcp:127.0.0.1:{},server=on,tls-creds=tls0"]
)
def test_a_monitor_with_tls_is_reached(
    tls_vm: StartTlsVm, certificates: Certificates, run: Run, form: str
) -> None:
    _, port = tls_vm()
    address = form.format(port).split()
    result = run(*address, "--tls-ca", certificates.path("ca.pem"), "-c", "query-name")
    assert (result.stdout, result.stderr, result.returncode) == (NAME_REPLY, "", 0)


def test_the_certificate_may_have_a_name_that_is_given(
    tls_vm: StartTlsVm, certificates: Certificates, run: Run
) -> None:
    _, port = tls_vm()
    options = ("--tls-ca", certificates.path("ca.pem"), "-c", "query-name")
    assert run(f"tls:localhost:{port}", *options).returncode == 3
    result = run(f"tls:localhost:{port}", *options, "--tls-hostname", "vm.example")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")


@pytest.mark.parametrize(
    ("server_name", "host", "ca", "message"),
    [
        (
            *("server", "127.0.0.1", "other.pem"),
            "no CA that is in {ca} has signed the server's certificate;"
            " give the CA that did: --tls-ca FILE",
        ),
        (
            *("server", "127.0.0.1", None),
            "no CA that this system trusts has signed the server's certificate;"
            " give the CA that did: --tls-ca FILE",
        ),
        (
            *("server", "localhost", "ca.pem"),
            "the server's certificate is not for 'localhost'; if it is the right server, give the"
            " name in its certificate: --tls-hostname NAME",
        ),
        (
            *("expired", "127.0.0.1", "ca.pem"),
            "the server's certificate has expired; renew it, or check this host's clock",
        ),
    ],
)
def test_a_server_that_cannot_be_trusted_is_refused(
    tls_vm: StartTlsVm,
    certificates: Certificates,
    run: Run,
    server_name: str,
    host: str,
    ca: str | None,
    message: str,
) -> None:
    _, port = tls_vm(server_name)
    options = ["--tls-ca", certificates.path(ca)] if ca else []
    result = run(f"tls:{host}:{port}", *options, "-c", "query-name")
    expected = message.format(ca=certificates.path(ca or ""))
    assert result.stderr == f"qmp-shell: tls:{host}:{port}: {expected}\n"
    assert (result.stdout, result.returncode) == ("", 3)


def test_a_client_certificate_is_presented(
    tls_vm: StartTlsVm, certificates: Certificates, run: Run
) -> None:
    _, port = tls_vm(verify_peer="yes")
    ca, cert, key, *_ = certificates.client("client")
    options = ["--tls-ca", ca or "", "--tls-cert", cert or "", "--tls-key", key or ""]
    result = run(f"tls:127.0.0.1:{port}", *options, "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")
    for options in (["--tls-ca", ca or ""], _as_options(certificates.client("stranger"))):
        result = run(f"tls:127.0.0.1:{port}", *options, "-c", "query-name")
        assert result.stderr == (
            f"qmp-shell: tls:127.0.0.1:{port}: the server ended the connection right after the TLS"
            " handshake; it may want a client certificate, or another one: --tls-cert FILE and"
            " --tls-key FILE\n"
        )
        assert result.returncode == 3


def _as_options(options: TlsOptions) -> list[str]:
    given = options._asdict().items()
    return [word for name, value in given if value for word in (f"--tls-{name}", value)]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_alert_says_that_a_client_certificate_is_wanted(
    server: socket.socket, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    """OpenSSL, unlike QEMU, says why it refuses a client."""
    context = certificates.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.path("ca.pem"))
    context.maximum_version = version

    def serve() -> None:
        connection, _ = server.accept()
        with contextlib.suppress(OSError), connection:
            context.wrap_socket(connection, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(qmp_shell.ConnectError, match=r"refused .*alert.*client certificate"):
        qmp_shell.connect(address_of(server), tls=TlsOptions(ca=certificates.path("ca.pem")))
    thread.join()


def test_files_that_cannot_be_used_are_named(
    certificates: Certificates, run: Run, tmp_path: Path
) -> None:
    path = certificates.path
    key, locked, empty = path("client.key"), tmp_path / "locked.key", tmp_path / "empty"
    empty.write_text("")
    openssl = [require_program("openssl"), "pkey", "-in", key, "-out", str(locked)]
    subprocess.run([*openssl, "-aes256", "-passout", "pass:secret"], check=True)
    for options, message in (
        (("--tls-ca", "gone"), "--tls-ca: gone: No such file or directory"),
        (("--tls-ca", str(empty)), f"--tls-ca: {empty} has no certificate in PEM format"),
        (("--tls-cert", "gone"), "--tls-cert: gone: No such file or directory"),
        (
            ("--tls-cert", path("client.pem"), "--tls-key", "gone"),
            "--tls-key: gone: No such file or directory",
        ),
        (
            ("--tls-cert", str(empty)),
            f"--tls-cert, --tls-key: no certificate and key in PEM format in {empty}",
        ),
        (
            ("--tls-cert", path("client.pem"), "--tls-key", path("stranger.key")),
            f"--tls-key: {path('stranger.key')} is not the key of {path('client.pem')}",
        ),
        (
            ("--tls-cert", path("client.pem"), "--tls-key", str(locked)),
            f"--tls-key: {locked} needs a passphrase; use a key without one",
        ),
        (
            ("--tls-key", key),
            "--tls-key is the key of a certificate: --tls-cert FILE is needed, too",
        ),
    ):
        result = run("tls:127.0.0.1:1", *options, "-c", "query-name")
        assert (result.stderr, result.returncode) == (f"qmp-shell: {message}\n", 2)


def test_what_is_not_possible_with_tls_is_refused(run: Run) -> None:
    for options, message in (
        (
            ("--tls", "/tmp/vm.sock"),
            "'/tmp/vm.sock': TLS (--tls) is for a TCP port; use HOST:PORT, tcp:HOST:PORT,"
            " [IPV6]:PORT, :PORT or tls:HOST:PORT\n",
        ),
        (("127.0.0.1:1", "--tls-ca", "x"), "127.0.0.1:1 is without TLS; use --tls, or tls:127.0"),
        (("--listen", "tls:127.0.0.1:1"), "tls:127.0.0.1:1 can't be listened on"),
        (("--listen", "127.0.0.1:1", "--tls-ca", "x"), "127.0.0.1:1 is without TLS"),
        (("tls:127.0.0.1:1", "--tls-psk", "x", "--tls-ca", "y"), "--tls-psk stands in for"),
    ):
        result = run(*options, "-c", "query-name")
        assert message in result.stderr
        assert (result.stderr.count("\n"), result.returncode) == (1, 2)


@pytest.mark.parametrize("name", ["", ".x", "a\0b", "a" * 70 + ".b"])
def test_a_name_that_no_host_can_have_is_refused(server: socket.socket, name: str) -> None:
    with pytest.raises(qmp_shell.UsageError, match="is not the name of a host"):
        qmp_shell.connect(address_of(server), tls=TlsOptions(hostname=name))


def test_the_advised_options_are_accepted_by_qemu(
    start_vm: StartVm, certificates: Certificates, port: int
) -> None:
    with pytest.raises(qmp_shell.ConnectError, match="nobody listens there") as caught:
        qmp_shell.connect(f"tls:127.0.0.1:{port}")
    advice = str(caught.value).partition("start QEMU with ")[2]
    start_vm(*shlex.split(advice.replace("dir=DIR", f"dir={certificates.path('server')}")))
    with qmp_shell.connect(f"tls:127.0.0.1:{port}", tls=certificates.client("client")) as client:
        assert client.execute("query-name") == NAME_RESULT


# A shared key


def test_a_shared_key_needs_a_new_python(run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "keys.psk"
    keys.write_text("rich:00112233445566778899aabbccddeeff\n")
    result = run("tls:127.0.0.1:1", "--tls-psk", str(keys), "-c", "query-name")
    if HAS_SHARED_KEYS:
        assert "nobody listens there" in result.stderr
    else:
        needs = "--tls-psk needs Python 3.13 or newer, or TLS with certificates"
        assert (result.stderr, result.returncode) == (f"qmp-shell: {needs}\n", 2)


@pytest.mark.skipif(not HAS_SHARED_KEYS, reason="this Python has no TLS-PSK")
def test_a_monitor_is_reached_with_a_shared_key(
    start_vm: StartVm, run: Run, port: int, tmp_path: Path
) -> None:
    (tmp_path / "keys.psk").write_text("qemu:00112233445566778899aabbccddeeff\n")
    (tmp_path / "wrong.psk").write_text("# comment\n\nqemu:ff\n")
    (tmp_path / "stranger.psk").write_text("nobody:00112233445566778899aabbccddeeff\n")
    (tmp_path / "not.psk").write_text("qemu:secret\n")
    start_vm(
        *("-object", f"tls-creds-psk,id=tls0,dir={tmp_path},endpoint=server"),
        *("-chardev", f"socket,id=c,host=127.0.0.1,port={port},server=on,wait=off,tls-creds=tls0"),
        *("-mon", "chardev=c,mode=control"),
    )
    address = f"tls:127.0.0.1:{port}"
    result = run(address, "--tls-psk", "keys.psk", "-c", "query-name")
    assert (result.stdout, result.stderr) == (NAME_REPLY, "")
    for name in ("wrong.psk", "stranger.psk"):
        result = run(address, "--tls-psk", name, "-c", "query-name")
        assert (result.stderr.count("\n"), result.returncode) == (1, 3)
        assert "--tls-psk FILE" in result.stderr
    result = run(address, "--tls-psk", "not.psk", "-c", "query-name")
    assert result.stderr == "qmp-shell: --tls-psk: not.psk does not begin with USER:HEXKEY\n"


@pytest.mark.skipif(not HAS_SHARED_KEYS, reason="this Python has no TLS-PSK")
def test_no_certificate_stands_in_for_the_shared_key(
    tls_vm: StartTlsVm, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "keys.psk").write_text("qemu:00112233445566778899aabbccddeeff\n")
    _, port = tls_vm()
    result = run(f"tls:127.0.0.1:{port}", "--tls-psk", "keys.psk", "-c", "query-name")
    assert (result.stderr.count("\n"), result.returncode) == (1, 3)


# Data


def test_large_messages_are_carried_both_ways(
    tls_vm: StartTlsVm, certificates: Certificates
) -> None:
    vm, port = tls_vm()
    tls = TlsOptions(ca=certificates.path("ca.pem"))
    with qmp_shell.connect(f"tls:127.0.0.1:{port}", tls=tls, timeout=60) as client:
        assert len(client.execute("query-qmp-schema")) > 500
        path = "/" + "x" * 100_000
        with pytest.raises(qmp_shell.CommandError) as caught:
            client.execute("qom-list", path=path)
        assert path in caught.value.description
        vm.run("cont")
        assert next(client.events(timeout=20)).name == "RESUME"
        with pytest.raises(qmp_shell.UsageError, match="UNIX socket only"):
            client.request({"execute": "getfd", "arguments": {"fdname": "f"}}, [0])
        vm.close()
        with pytest.raises(qmp_shell.ConnectionLost, match=r"^the VM closed the connection$"):
            client.wait(lambda: False)


def test_a_prompt_shows_events_and_connects_again(
    tls_vm: StartTlsVm, certificates: Certificates, terminal: StartTerminal
) -> None:
    vm, port = tls_vm(verify_peer="yes")
    address = f"tls:127.0.0.1:{port}"
    shell = terminal(address, *_as_options(certificates.client("client")))
    shell.wait_for_prompt()
    vm.run("cont")
    shell.wait_for("RESUME")
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')
    for line in (".connect", f".connect {vm.address}", f".connect {address}"):
        shell.enter(line)
        shell.wait_for_prompt()
    shell.enter("query-version | .compact")
    shell.wait_for('"package"')
    vm.run("stop")
    shell.wait_for("STOP")
    assert "refused" not in shell.history


def connected_streams(certificates: Certificates) -> tuple[TlsStream, ssl.SSLSocket]:
    """Return a stream, and the TLS socket at its other end."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    address = TlsAddress("vm.example", 1, TlsOptions(ca=certificates.path("ca.pem")))
    accepted: list[ssl.SSLSocket] = []
    context = certificates.server_context()
    theirs.settimeout(20)
    thread = threading.Thread(
        target=lambda: accepted.append(context.wrap_socket(theirs, server_side=True))
    )
    thread.start()
    ours.setblocking(False)
    stream = TlsStream(ours, *address._new_session(_new_context(address.options)))
    stream.shake_hands(time.monotonic() + 20)
    thread.join()
    return stream, accepted[0]


def receive(stream: TlsStream) -> bytes:
    """Return what has arrived, which may be nothing."""
    try:
        return stream.receive(1 << 16)
    except BlockingIOError:
        return b""


def test_data_counts_as_sent_only_when_all_of_it_is(certificates: Certificates) -> None:
    """Else nobody would poll for sending the rest, or a command sent in part would seem unsent."""
    stream, peer = connected_streams(certificates)
    data = memoryview(bytes(range(256)) * 256)
    sent = 0
    with contextlib.closing(stream), peer:
        try:
            while True:
                sent += stream.send(data[sent:])
        except BlockingIOError:
            assert 0 < sent < len(data)
            before = sent
        received = bytearray()
        peer.settimeout(20)
        while len(received) < len(data):
            with contextlib.suppress(BlockingIOError):
                while sent < len(data):
                    sent += stream.send(data[sent:])
            received += peer.recv(1 << 16)
        assert before < sent == len(data)
        assert received == data


def test_what_came_before_the_end_is_received_and_then_the_end(certificates: Certificates) -> None:
    """The descriptor shows nothing more when both came at once, and the socket stays open."""
    stream, peer = connected_streams(certificates)
    with contextlib.closing(stream):
        peer.sendall(b"last words")
        peer.settimeout(0)
        with contextlib.suppress(OSError):
            peer.unwrap()  # sends the alert close_notify
        data = b""
        while not data:
            data = receive(stream)
        assert data == b"last words"
        assert stream.has_buffered
        assert stream.receive(1 << 16) == b""
        peer.close()


def test_what_exceeds_the_limit_is_held_and_announced(certificates: Certificates) -> None:
    stream, peer = connected_streams(certificates)
    with contextlib.closing(stream), peer:
        peer.sendall(b"abcdef")
        data = b""
        while not data:
            with contextlib.suppress(BlockingIOError):
                data = stream.receive(4)
        assert data == b"abcd"
        assert stream.has_buffered
        assert stream.receive(4) == b"ef"
        assert not stream.has_buffered
        with pytest.raises(BlockingIOError):
            stream.receive(4)


def test_damaged_data_ends_the_connection(certificates: Certificates) -> None:
    stream, peer = connected_streams(certificates)
    raw = socket.socket(fileno=peer.detach())
    with raw, Client(stream) as client:
        stream._has_data = True  # as if there had been a greeting
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(qmp_shell.ConnectionLost, match=r"^the connection was lost: TLS failed"):
            client.wait(lambda: False, time.monotonic() + 20)


def test_keys_can_be_changed_while_the_connection_is_used(
    certificates: Certificates, port: int
) -> None:
    """``K`` has OpenSSL's server change its key, and ask for a change of the client's."""
    command = [
        require_program("openssl"),
        "s_server",
        "-accept",
        str(port),
        "-tls1_3",
        "-num_tickets",
        "0",
    ]
    keys = ["-cert", certificates.path("server.pem"), "-key", certificates.path("server.key")]
    process = PipedProcess(*command, *keys, env=dict(os.environ), stderr=subprocess.STDOUT)
    with process:
        try:
            while process.read_line() != "ACCEPT\n":
                pass
            tls = TlsOptions(ca=certificates.path("ca.pem"))
            with contextlib.closing(TlsAddress("127.0.0.1", port, tls).connect(20)) as stream:
                process.write_line("K")
                assert select.select([stream], [], [], 20)[0]
                assert receive(stream) == b""
                process.write_line("under the new key")
                assert select.select([stream], [], [], 20)[0]
                assert receive(stream) == b"under the new key\n"
                answer = memoryview(b"under another one\n")
                assert stream.send(answer) == len(answer)
                while process.read_line() != "under another one\n":
                    pass
        finally:
            process.kill()


# Peers that misbehave


def test_a_monitor_without_tls_is_recognized(start_vm: StartVm, port: int, run: Run) -> None:
    start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    result = run(f"tls:127.0.0.1:{port}", "-c", "query-name")
    assert result.stderr == (
        f"qmp-shell: tls:127.0.0.1:{port}: the server does not speak TLS;"
        " use tcp:HOST:PORT, without --tls\n"
    )
    assert result.returncode == 3


def test_a_monitor_with_tls_that_is_addressed_without_it_is_suspected(tls_vm: StartTlsVm) -> None:
    _, port = tls_vm()
    with pytest.raises(qmp_shell.ConnectError, match=r"or it wants TLS \(--tls, or tls:HOST:PORT"):
        qmp_shell.connect(f"127.0.0.1:{port}", greeting_timeout=0.3)


@pytest.mark.parametrize("first_bytes", [b"", b"\x16"])
def test_a_silent_peer_ends_the_handshake_in_time(
    server: socket.socket, first_bytes: bytes
) -> None:
    with SilentPeer(server, first_bytes), pytest.raises(qmp_shell.ConnectError) as caught:
        qmp_shell.connect(address_of(server), greeting_timeout=0.3)
    assert str(caught.value) == (
        f"{address_of(server)}: the TLS handshake was not finished within 0.3 s: another client may"
        " hold this monitor (QEMU serves one at a time), or it is stuck, or it is without TLS"
    )


def test_a_peer_that_sends_a_byte_now_and_then_does_not_prolong_the_handshake(
    server: socket.socket,
) -> None:
    # A handshake record of the greatest length, which never comes to its end.
    endless = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(16000)
    with SilentPeer(server, endless, seconds=0.01):
        started = time.monotonic()
        with pytest.raises(qmp_shell.ConnectError, match=r"within 0\.5 s"):
            qmp_shell.connect(address_of(server), greeting_timeout=0.5)
        assert time.monotonic() - started < 10


class SilentPeer:
    """Accepts one connection, and sends some bytes, one after the other, but no more."""

    def __init__(self, listener: socket.socket, data: bytes, *, seconds: float = 0) -> None:
        self._listener = listener
        self._data = data
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection, contextlib.suppress(OSError):
            for position in range(len(self._data)):
                connection.sendall(self._data[position : position + 1])
                if self._over.wait(self._seconds):
                    return
            self._over.wait(60)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_ctrl_c_ends_the_handshake(server: socket.socket, environment: dict[str, str]) -> None:
    command = [*shell_command(), address_of(server), "-c", "query-name"]
    with PipedProcess(*command, env=environment) as process:
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b"\x16", "the handshake has begun"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        assert process.read_errors() == ""


def test_ctrl_c_at_the_prompt_ends_the_handshake(
    server: socket.socket, vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter(f".connect {address_of(server)}")
    connection, _ = server.accept()
    with connection:
        assert connection.recv(1) == b"\x16"
        shell.press("ctrl-c")
        shell.wait_for("^interrupted$")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 400 \r\n"])
def test_whatever_answers_the_handshake_is_one_line(server: socket.socket, answer: bytes) -> None:
    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(qmp_shell.ConnectError) as caught:
        qmp_shell.connect(address_of(server))
    thread.join()
    expected = {
        b"": "the server ended the TLS handshake; it may want other credentials",
        b"H": "the server does not speak TLS",
        b"\x15": "the server refused the connection (TLS alert: handshake failure)",
    }[answer[:1]]
    assert str(caught.value).startswith(f"{address_of(server)}: {expected}")
    assert len(os.listdir("/proc/self/fd")) <= before


def test_ssl_is_imported_only_for_tls(vm: RunningVm) -> None:
    code = (
        "import sys, qmp_shell; qmp_shell.connect(sys.argv[1]).close(); print('ssl' in sys.modules)"
    )
    command = [sys.executable, "-c", code, vm.address]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"
