"""Addresses as people write and paste them."""

from __future__ import annotations

import pytest

from qmp_shell.address import Address, TcpAddress, UnixAddress, parse_address
from qmp_shell.errors import AddressError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/run/vm.sock", UnixAddress("/run/vm.sock")),
        ("vm.sock", UnixAddress("vm.sock")),
        ("./a:b", UnixAddress("./a:b")),
        ("/srv/a,b.sock", UnixAddress("/srv/a,b.sock")),
        ("unix:/run/vm.sock", UnixAddress("/run/vm.sock")),
        ("unix:/run/vm.sock,server=on,wait=off", UnixAddress("/run/vm.sock")),
        ("unix:/run/a,b,server,nowait", UnixAddress("/run/a,b")),
        ("localhost:4444", TcpAddress("localhost", 4444)),
        ("tcp:127.0.0.1:4444", TcpAddress("127.0.0.1", 4444)),
        ("tcp:[::1]:4444,server=on,ipv6=on", TcpAddress("::1", 4444)),
        ("[::1]:4444", TcpAddress("::1", 4444)),
        (":4444", TcpAddress("localhost", 4444)),
        ("tcp::4444,server,nowait", TcpAddress("localhost", 4444)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert type(parse_address(text)) is type(address)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no socket"),
        ("unix:", "names no socket"),
        ("a\0b", "names no socket"),
        ("tcp:localhost", "no TCP address"),
        ("tcp:localhost:http", "no TCP address"),
        (":0", "between 1 and 65535"),
        ("localhost:65536", "between 1 and 65535"),
        (":" + "9" * 5000, "between 1 and 65535"),
        ("ssh://host/path", "no address known here"),
        ("vsock:3:5", "no address known here"),
    ],
)
def test_what_is_no_address(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        parse_address(text)


@pytest.mark.parametrize("text", ["/run/vm.sock", "localhost:4444", "[::1]:4444"])
def test_an_address_is_shown_as_it_can_be_typed(text: str) -> None:
    assert str(parse_address(text)) == text
