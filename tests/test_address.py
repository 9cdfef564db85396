"""Parsing of addresses, as users type them and as they stand in QEMU's options."""

from __future__ import annotations

import re

import pytest

from qmp_shell.address import split_address
from qmp_shell.errors import AddressError
from qmp_shell.transport import FORMS, SCHEMES, parse_address
from qmp_shell.transport.fd import FdAddress
from qmp_shell.transport.stream import Address
from qmp_shell.transport.tcp import TcpAddress
from qmp_shell.transport.tls import TlsAddress, TlsOptions
from qmp_shell.transport.unix import UnixAddress
from qmp_shell.transport.unix_abstract import UnixAbstractAddress
from qmp_shell.transport.vsock import VsockAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/run/vm.sock", UnixAddress("/run/vm.sock")),
        ("vm.sock", UnixAddress("vm.sock")),
        ("./a:b", UnixAddress("./a:b")),
        ("/srv/a,b.sock", UnixAddress("/srv/a,b.sock")),
        ("unix:/run/vm.sock", UnixAddress("/run/vm.sock")),
        ("unix:fd:3", UnixAddress("fd:3")),
        ("unix:/run/vm.sock,server=on,wait=off", UnixAddress("/run/vm.sock")),
        ("unix:/run/a,b,server,nowait", UnixAddress("/run/a,b")),
        ("unix-abstract:vm", UnixAbstractAddress("vm")),
        ("unix-abstract:a b/c", UnixAbstractAddress("a b/c")),
        ("unix-abstract:vm,server=on", UnixAbstractAddress("vm")),
        ("unix:vm,abstract=on,server=on,wait=off", UnixAbstractAddress("vm")),
        ("unix:vm,abstract=off,server=on,wait=off", UnixAddress("vm")),
        ("localhost:4444", TcpAddress("localhost", 4444)),
        ("tcp:127.0.0.1:4444", TcpAddress("127.0.0.1", 4444)),
        ("tcp:[::1]:4444,server=on,ipv6=on", TcpAddress("::1", 4444)),
        ("[::1]:4444", TcpAddress("::1", 4444)),
        (":4444", TcpAddress("localhost", 4444)),
        ("tcp::4444,server,nowait", TcpAddress("localhost", 4444)),
        ("tcp:fd:3", TcpAddress("fd", 3)),
        ("tls:localhost:4444", TlsAddress("localhost", 4444)),
        ("tls:[::1]:4444,server=on", TlsAddress("::1", 4444)),
        ("tls::4444", TlsAddress("localhost", 4444)),
        ("tcp:h:4444,server=on,wait=off,tls-creds=tls0", TlsAddress("h", 4444)),
        ("h:4444,tls-creds=tls0", TlsAddress("h", 4444)),
        ("unix:vm,tls-creds=tls0", UnixAddress("vm")),
        ("fd:3", FdAddress(3)),
        ("fd:03,server=off", FdAddress(3)),
        ("unix:/run/a,,b,server=on,wait=off", UnixAddress("/run/a,b")),
        ("unix:/run/a,,b", UnixAddress("/run/a,,b")),
        ("socket,id=mon0,path=/run/a,,b,server=on,wait=off", UnixAddress("/run/a,b")),
        ("socket,path=vm,id=c,abstract=on", UnixAbstractAddress("vm")),
        ("socket,host=h,port=4444,server,nowait,id=c", TcpAddress("h", 4444)),
        ("socket,port=4444,host=::1,server=on", TcpAddress("::1", 4444)),
        ("socket,id=c,host=h,port=4444,server=on,tls-creds=tls0", TlsAddress("h", 4444)),
        ("socket,port=4444", TcpAddress("localhost", 4444)),
        ("socket,id=c,fd=3", FdAddress(3)),
        ("vsock:3:5", VsockAddress(3, 5)),
        ("./socket,path=x", UnixAddress("./socket,path=x")),
    ],
)
def test_addresses_are_parsed(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert type(parse_address(text)) is type(address)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "path is needed"),
        ("unix:", "path is needed"),
        ("a\0b", "path is needed"),
        ("unix-abstract:", "name of 1 to 107 bytes"),
        ("unix-abstract:" + "é" * 54, "name of 1 to 107 bytes"),
        ("tcp:localhost", "a host and the number of a port"),
        ("tcp:localhost:http", "a host and the number of a port"),
        (":0", "between 1 and 65535"),
        ("localhost:65536", "between 1 and 65535"),
        (":" + "9" * 5000, "between 1 and 65535"),
        ("tls:localhost", "a host and the number of a port"),
        ("tls:h:0", "between 1 and 65535"),
        ("fd:", "number of a file descriptor"),
        ("fd:-1", "number of a file descriptor"),
        ("fd:\u0663", "number of a file descriptor"),
        ("fd:" + "9" * 5000, "number of a file descriptor"),
        ("socket,id=c,server=on", "a path=, port= or fd= is needed"),
        ("socket,path=", "path is needed"),
        ("socket,path=a\0b", "NUL"),
        ("socket,host=h,port=", "a host and the number of a port"),
        ("vsock:3", "the CID of a VM and the number of a port"),
        ("vsock:3:4294967295", "the largest CID and the largest port"),
        ("vsock:" + "9" * 5000 + ":1", "the CID of a VM"),
        ("ssh://host", "ssh://[USER@]HOST[:PORT]/PATH is needed"),
        ("telnet:h:1", "unknown kind of address 'telnet:'"),
    ],
)
def test_invalid_addresses_are_refused_with_the_valid_forms(text: str, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert str(caught.value).startswith(f"{text!r}: ")
    assert message in str(caught.value)
    assert str(caught.value).endswith(f"; use {FORMS}")


@pytest.mark.parametrize(
    "text",
    [
        *("/run/vm.sock", "./a:b", "unix:fd:3", "unix:vm:1/sock", "localhost:4444", "[::1]:4444"),
        *("unix-abstract:vm", "tls:[::1]:4444", "tls:vm.example:1", "fd:3", "vsock:3:4294967294"),
    ],
)
def test_a_parsed_address_is_formatted_as_it_was_typed(text: str) -> None:
    assert str(parse_address(text)) == text


def test_tls_can_be_asked_for_apart_from_the_address() -> None:
    for text in ("h:1", "tcp:h:1", "tls:h:1"):
        assert parse_address(text, tls=True) == TlsAddress("h", 1)
    with pytest.raises(AddressError, match=r"TLS \(--tls\) is for a TCP port"):
        parse_address("/run/vm.sock", tls=True)


def test_addresses_with_and_without_tls_differ() -> None:
    assert parse_address("tls:h:1") != parse_address("tcp:h:1")
    assert TlsAddress("h", 1, TlsOptions(ca="a")) == TlsAddress("h", 1)


def test_an_address_without_a_scheme_is_tcp_or_a_path() -> None:
    assert split_address("vm:1", ()) == ("tcp", "vm:1")
    assert split_address("vm", ()) == ("unix", "vm")
    assert split_address("vm:1", ("vm",)) == ("vm", "1")


def test_the_forms_of_all_schemes_are_listed_once() -> None:
    assert FORMS == (
        "PATH, unix:PATH, unix-abstract:NAME, HOST:PORT, tcp:HOST:PORT, [IPV6]:PORT, :PORT,"
        " tls:HOST:PORT, fd:N, vsock:CID:PORT, ssh://[USER@]HOST[:PORT]/PATH, exec:COMMAND,"
        " libvirt:[URI#]DOMAIN or libvirt-agent:[URI#]DOMAIN"
    )
    forms = [form for scheme in SCHEMES.values() for form in scheme]
    assert sorted(re.split(", | or ", FORMS)) == sorted(forms)


@pytest.mark.timeout(20)
def test_many_options_take_linear_time() -> None:
    """Options that were cut off one by one took minutes."""
    assert split_address("a" + ",server=on" * 300_000, ()) == ("unix", "a")
    assert split_address("a" + ",server=on,b" * 10, ()) == ("unix", "a" + ",server=on,b" * 10)
