"""``tls:HOST:PORT``: a TCP port where TLS is spoken, with certificates or a shared key.

The TLS itself is Python's ``ssl`` (OpenSSL). It works on bytes in memory, and only this module
moves them to and from the socket, which never blocks. Knows nothing of what is said over it.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import time
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import ConnectError, UsageError
from ..signals import poll_timeout
from .stream import SocketStream
from .tcp import PortAddress, parse_port

_READ_BYTES = 1 << 16
# Each byte is sent in a record of its own. QEMU's monitor takes one byte at a time, and QEMU 7.2
# polls only the socket for more: of a longer record it would read the first byte, and wait.
# (QEMU 11.1 knows what it has decrypted already.)
_MOST_RECORDS = 1 << 12  # for one send(); each makes 23 bytes of one

# How often the socket is read for one receive(): a peer may send records without data for ever.
_MOST_READS = 16

# The first byte of a TLS record that a server may begin with: alert, handshake (RFC 8446, 5.1).
_FIRST_BYTES = (21, 22)

# All but those that do not encrypt. The two first kinds protect what was recorded, should the key
# be stolen later.
_PSK_CIPHERS = "kECDHEPSK:kDHEPSK:kPSK:!eNULL"
_LONGEST_PSK_FILE = 1 << 20  # characters

# What is wrong with a certificate (OpenSSL, ``X509_V_ERR_*``), and what can be done about it.
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_CA = (2, 18, 19, 20, 21)
_OTHER_NAME = (62, 64)

_CLIENT_CERTIFICATE = "--tls-cert FILE and --tls-key FILE"


class TlsOptions(NamedTuple):
    """What the user says about TLS; None: not said.

    :ivar ca: a file of CA certificates, one of which must have signed the server's; None: the
        system's.
    :ivar cert: a file with the client's certificate.
    :ivar key: a file with its key; None: it is in ``cert``.
    :ivar hostname: the name that the server's certificate must have; None: that of the address.
    :ivar psk: a file with a user and a key that the server knows (``USER:HEXKEY``), in place of
        certificates.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    hostname: str | None = None
    psk: str | None = None


class TlsAddress(PortAddress):
    """A TCP port where TLS is spoken.

    :ivar options: what the user says about it; not a part of what makes two addresses equal.
    """

    def __init__(self, host: str, port: int, options: TlsOptions | None = None) -> None:
        super().__init__(host, port)
        self.options = options or TlsOptions()

    def __str__(self) -> str:
        return f"tls:{super().__str__()}"

    def with_tls(self, options: TlsOptions) -> TlsAddress:
        return TlsAddress(self.host, self.port, options)

    def connect(self, timeout: float | None) -> TlsStream:
        deadline = None if timeout is None else time.monotonic() + timeout
        # Files that can't be used are reported before anything is sent.
        context = _new_context(self.options)
        connection = self.open_socket(timeout)
        try:
            stream = TlsStream(connection, *self._new_session(context))
            try:
                stream.shake_hands(deadline)
            except TimeoutError:  # there may be no limit: the system has one of its own
                within = "in time" if timeout is None else f"within {timeout:g} s"
                raise ConnectError(
                    f"{self}: the TLS handshake was not finished {within}: another"
                    " client may hold this monitor (QEMU serves one at a time), or it is stuck,"
                    " or it is without TLS"
                ) from None
            except ssl.SSLCertVerificationError as error:
                raise ConnectError(f"{self}: {self._explain_certificate(error)}") from None
            except ConnectError as error:
                raise ConnectError(f"{self}: {error}") from None
            except OSError as error:
                raise ConnectError(f"{self}: {_explain_failure(error)}") from None
            return stream
        except BaseException:
            connection.close()
            raise

    def _new_session(
        self, context: ssl.SSLContext
    ) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
        """Return a TLS session, and the memory that it reads from and writes to."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            session = context.wrap_bio(incoming, outgoing, server_hostname=self._name)
        except (ValueError, TypeError):  # empty, not possible in the DNS, or a null byte
            raise UsageError(f"{self._name!r} is not the name of a host") from None
        return session, incoming, outgoing

    @property
    def _name(self) -> str:
        """The name that the server's certificate must have."""
        return self.host if self.options.hostname is None else self.options.hostname

    def _explain_certificate(self, error: ssl.SSLCertVerificationError) -> str:
        """Say why the server's certificate is not accepted, and what to do."""
        if error.verify_code in _OTHER_NAME:
            return (
                f"the server's certificate is not for {self._name!r};"
                " if it is the right server, give the name in its certificate: --tls-hostname NAME"
            )
        if error.verify_code == _EXPIRED:
            return "the server's certificate has expired; renew it, or check this host's clock"
        if error.verify_code == _NOT_YET_VALID:
            return "the server's certificate is not valid yet; check this host's clock"
        if error.verify_code in _UNKNOWN_CA:
            whose = "this system trusts" if self.options.ca is None else f"is in {self.options.ca}"
            return (
                f"no CA that {whose} has signed the server's certificate;"
                " give the CA that did: --tls-ca FILE"
            )
        return f"the server's certificate is not valid: {error.verify_message}"

    def _qemu_option(self, options: str = "") -> str:
        return (
            "-object tls-creds-x509,id=tls0,dir=DIR,endpoint=server,verify-peer=yes"
            f" -chardev socket,id=qmp,host={self.host},port={self.port}{options},tls-creds=tls0"
            " -mon chardev=qmp,mode=control"
        )


class TlsStream(SocketStream):
    """A connected socket over which TLS is spoken.

    Nothing that has arrived is left undecrypted, except with the end of the handshake, and what
    TLS itself has to send (an answer to a KeyUpdate) goes along with the next data, for the peer
    does not wait for it. So it is enough to poll the socket as if there were no TLS.
    """

    def __init__(
        self,
        connection: socket.socket,
        session: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        """:param connection: owned and closed by this object from now on; so are the others."""
        super().__init__(connection)
        self._session = session
        self._incoming = incoming
        self._outgoing = outgoing
        self._unsent = bytearray()  # encrypted
        self._owed = 0  # bytes of data that are in `_unsent`, and not yet counted as sent
        self._is_tls = False  # whether the peer has sent what looks like it
        self._has_data = False  # whether data was received, which proves that the peer accepts us
        self._end: ssl.SSLError | None = None

    def shake_hands(self, deadline: float | None) -> None:
        """Do the TLS handshake. A signal can interrupt it.

        :param deadline: by the monotonic clock; None: no limit.
        :raise TimeoutError: it was not finished in time.
        :raise ConnectError: the peer is not a TLS server, or has gone.
        :raise OSError: it failed.
        """
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                self._wait_until_sent(deadline)
                self._read_handshake(deadline)
            except OSError:
                self._send_alert()
                raise
            else:
                self._wait_until_sent(deadline)
                return

    def _read_handshake(self, deadline: float | None) -> None:
        self._wait(select.POLLIN, deadline)
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        if data and not self._is_tls and data[0] not in _FIRST_BYTES:
            raise ConnectError("the server does not speak TLS; use tcp:HOST:PORT, without --tls")
        self._is_tls = True
        self._feed(data)

    def _wait_until_sent(self, deadline: float | None) -> None:
        while True:
            try:
                self._flush()
                return
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        while True:
            is_ready = poll.poll(poll_timeout(deadline))
            # This counts for a peer that sends a byte now and then, too.
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            if is_ready:
                return

    def _send_alert(self) -> None:
        """Tell the peer why there will be no connection, if it can be told at once."""
        try:
            self._flush()
        except OSError:  # what went wrong before is reported
            return

    def receive(self, limit: int) -> bytes:
        for _ in range(_MOST_READS):
            data = self._decrypt(limit)
            if data:
                self._has_data = True
                return data
            if self._end is not None:
                return self._report_end(self._end)
            try:
                self._feed(self._socket.recv(_READ_BYTES))
            except ConnectionResetError:  # the peer has ended before it read all
                self._feed(b"")
        raise BlockingIOError

    def _feed(self, data: bytes) -> None:
        """Pass on received bytes to be decrypted; none: the peer has closed the connection."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _decrypt(self, limit: int) -> bytes:
        """Return data that has arrived completely, and note if the session has ended after it."""
        parts = []
        while limit > 0 and self._end is None:
            try:
                part = self._session.read(limit)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as error:
                self._end = error
                break
            if not part:  # Python's way to say that the peer has announced the end
                self._end = ssl.SSLZeroReturnError()
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)

    def _report_end(self, end: ssl.SSLError) -> bytes:
        # QEMU closes the socket without the alert that TLS has for it. Nothing can be passed off
        # as a message by that: a message that is cut off is recognized as such.
        is_closed = isinstance(end, (ssl.SSLZeroReturnError, ssl.SSLEOFError))
        if self._has_data:
            if is_closed:
                return b""
            raise OSError(errno.EPROTO, _explain_failure(end))
        # With TLS 1.3 the client's part of the handshake is done before its certificate is checked.
        if is_closed:
            raise ConnectError(
                "the server ended the connection right after the TLS handshake;"
                f" it may want a client certificate, or another one: {_CLIENT_CERTIFICATE}"
            )
        raise ConnectError(_explain_failure(end))

    def send(self, data: memoryview, _descriptors: Sequence[int] = ()) -> int:
        self._flush()
        if self._owed:
            owed, self._owed = self._owed, 0
            return owed
        data = data[:_MOST_RECORDS]
        for position in range(len(data)):
            self._session.write(data[position : position + 1])
        try:
            self._flush()
        except BlockingIOError:
            # The last byte counts as sent when all of it is: so the caller calls again, and knows
            # that a part was sent if it gives up.
            self._owed = 1
        return len(data) - self._owed

    def _flush(self) -> None:
        """Send what is encrypted.

        :raise BlockingIOError: not all of it can be sent now.
        """
        self._unsent += self._outgoing.read()
        while self._unsent:
            sent = self._socket.send(self._unsent)
            del self._unsent[:sent]

    @property
    def has_buffered(self) -> bool:  # type: ignore[override]
        return bool(self._incoming.pending or self._session.pending() or self._end is not None)

    @property
    def can_send_descriptors(self) -> bool:
        return False


def parse(target: str) -> TlsAddress:
    """:raise AddressError: the target is not a host and a port."""
    return TlsAddress(*parse_port(target))


def _new_context(options: TlsOptions) -> ssl.SSLContext:
    """Return what OpenSSL has to know.

    :raise UsageError: the options contradict each other, or a file can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
    context.options |= ssl.OP_NO_RENEGOTIATION  # of TLS 1.2: reading never has to wait for writing
    if options.psk is not None:
        if any((options.ca, options.cert, options.key, options.hostname)):
            raise UsageError("--tls-psk stands in for certificates: no other --tls-... with it")
        _use_shared_key(context, options.psk)
        return context
    if options.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _use_ca(context, options.ca)
    if options.cert is not None:
        _use_certificate(context, options.cert, options.key)
    elif options.key is not None:
        raise UsageError("--tls-key is the key of a certificate: --tls-cert FILE is needed, too")
    return context


def _use_ca(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UsageError(f"--tls-ca: {path} has no certificate in PEM format") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--tls-ca: {path}: {_reason(error)}") from None


def _use_certificate(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    for path in (cert, key or cert):  # OpenSSL does not say which one it can't open
        try:
            open(path, "rb").close()
        except (OSError, ValueError) as error:
            option = "--tls-cert" if path == cert else "--tls-key"
            raise UsageError(f"{option}: {path}: {_reason(error)}") from None

    def refuse_to_ask() -> str:
        raise UsageError(f"--tls-key: {key or cert} needs a passphrase; use a key without one")

    try:
        context.load_cert_chain(cert, key, password=refuse_to_ask)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"--tls-key: {key or cert} is not the key of {cert}") from None
        where = cert if key is None else f"{cert} and {key}"
        raise UsageError(
            f"--tls-cert, --tls-key: no certificate and key in PEM format in {where}"
        ) from None


def _use_shared_key(context: ssl.SSLContext, path: str) -> None:
    """Use a key that the server knows, in place of certificates."""
    if not hasattr(context, "set_psk_client_callback"):
        raise UsageError("--tls-psk needs Python 3.13 or newer, or TLS with certificates")
    user, key = _read_shared_key(path)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Nobody but who has the key is accepted only because there is no other kind of cipher: those
    # of TLS 1.3 can't be chosen here, and would accept any certificate.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_PSK_CIPHERS)
    context.set_psk_client_callback(lambda _hint: (user, key))


def _read_shared_key(path: str) -> tuple[str, bytes]:
    """Read the first line ``USER:HEXKEY`` of a file, as QEMU's ``keys.psk`` has it."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(_LONGEST_PSK_FILE).splitlines()
    except UnicodeDecodeError:
        lines = []
    except (OSError, ValueError) as error:
        raise UsageError(f"--tls-psk: {path}: {_reason(error)}") from None
    first = next((line.strip() for line in lines if line.strip() and line[0] != "#"), "")
    user, _, digits = first.rpartition(":")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if not user or not key:
        raise UsageError(f"--tls-psk: {path} does not begin with USER:HEXKEY")
    return user, key


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _explain_failure(error: OSError) -> str:
    """Say why TLS failed, where it was not the server's certificate."""
    reason = getattr(error, "reason", None) or ""
    _, alert, name = reason.partition("ALERT_")
    words = (name or reason).replace("_", " ").lower()
    if not alert:
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
            return (
                "the server ended the TLS handshake; it may want other credentials:"
                f" {_CLIENT_CERTIFICATE}, or --tls-psk FILE"
            )
        return f"TLS failed: {words or error.strerror or error}"
    help_text = ""
    if "CERT" in name or name.endswith("_CA") or name in ("ACCESS_DENIED", "HANDSHAKE_FAILURE"):
        help_text = f"; it wants a client certificate, or another one: {_CLIENT_CERTIFICATE}"
    elif "PSK" in name or name in ("DECRYPT_ERROR", "BAD_RECORD_MAC"):
        help_text = "; the user or the key in --tls-psk FILE may be wrong"
    return f"the server refused the connection (TLS alert: {words}){help_text}"
