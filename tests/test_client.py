"""The client with a real QEMU, and with scripted peers that break the protocol."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import qmp_shell
from qmp_shell.cli import exit_status
from qmp_shell.client import Client
from qmp_shell.messages import LateReply, Message, Unsolicited
from qmp_shell.transport.stream import SocketStream
from tests.conftest import RunningVm, StartPeer, StartVm
from tests.peer import ACCEPTED, GREETING, HOLD


def test_execute_returns_the_result(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        assert client.execute("query-name") == {"name": "testvm"}
        assert client.execute("human-monitor-command", {"command-line": "info name"}) == (
            "testvm\r\n"
        )


def test_a_refused_command_raises_an_error_with_qemus_description(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        with pytest.raises(qmp_shell.CommandError) as caught:
            client.execute("device_add", driver="nonesuch")
        assert caught.value.error_class == "GenericError"
        assert "nonesuch" in caught.value.description
        assert str(caught.value).startswith("device_add: GenericError: ")
        assert client.execute("query-name") == {"name": "testvm"}


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_client_connects_over_ipv4_and_ipv6(start_vm: StartVm, host: str) -> None:
    vm = start_vm(
        *("-chardev", f"socket,id=tcp,host={host.strip('[]')},port=0,server=on,wait=off"),
        *("-mon", "chardev=tcp,mode=control"),
    )
    with vm.second() as client:
        devices = {each["label"]: each["filename"] for each in client.execute("query-chardev")}
    port = devices["tcp"].removesuffix(",server=on").rpartition(":")[2]
    with qmp_shell.connect(f"{host}:{port}") as client:
        assert client.execute("query-name") == {"name": "testvm"}


def test_indented_messages_are_received_from_a_monitor_with_pretty_on(
    start_vm: StartVm, folder: Path
) -> None:
    path = folder / "pretty.sock"
    start_vm(
        *("-chardev", f"socket,id=c,path={path},server=on,wait=off"),
        *("-mon", "chardev=c,mode=control,pretty=on"),
    )
    with qmp_shell.connect(str(path)) as client:
        assert client.execute("query-name") == {"name": "testvm"}
        assert len(client.execute("query-qmp-schema")) > 500


def test_out_of_band_execution_is_enabled(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        reply = client.request({"exec-oob": "migrate-recover", "arguments": {"uri": "x"}, "id": 7})
        assert reply.message["id"] == 7
        assert "Out-of-band" not in str(reply.message)


def test_events_are_yielded_in_order_each_once(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        vm.run("cont", "stop")
        client.execute("query-name")
        names = []
        for event in client.events(timeout=10):
            names.append(event.name)
            if len(names) == 2:
                break
        assert names == ["RESUME", "STOP"]
        assert list(client.events()) == []


def test_an_event_has_data_and_a_time_stamp(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        client.execute("quit")
        event = next(event for event in client.events(timeout=10) if event.name == "SHUTDOWN")
        assert event.data["reason"] == "host-qmp-quit"
        assert event.timestamp > 1e9


def test_the_end_of_the_vm_is_reported_after_its_last_event(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        client.execute("quit")
        seen = []

        def collect() -> None:
            for event in client.events(timeout=None):
                seen.append(event.name)

        with pytest.raises(qmp_shell.ConnectionLost, match="closed the connection"):
            collect()
        assert seen == ["SHUTDOWN"]
        with pytest.raises(qmp_shell.ConnectionLost, match="closed the connection"):
            client.execute("query-status")


def test_a_listener_is_called_with_events_during_a_command(peer: StartPeer) -> None:
    server = peer(
        GREETING,
        ACCEPTED,
        b'{"event": "A"}{"event": "B"}{"return": 1, "id": 2}{"event": "C"}',
        HOLD,
    )
    received: list[Unsolicited] = []
    with qmp_shell.connect(server.address) as client:
        client.listen(received.append)
        assert client.execute("test") == 1
        client.wait(lambda: len(received) == 3)
    assert [each.name for each in received if isinstance(each, qmp_shell.Event)] == ["A", "B", "C"]


def test_messages_are_one_line_of_ascii_with_an_id(peer: StartPeer) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": {}, "id": 2}', HOLD)
    with qmp_shell.connect(server.address) as client:
        client.execute("test", text="\u00e9\n")
    assert [json.loads(line) for line in server.received] == [
        {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 1},
        {"execute": "test", "arguments": {"text": "\u00e9\n"}, "id": 2},
    ]
    assert b"".join(server.received).isascii()


def test_a_reply_of_64_mib_is_received(peer: StartPeer) -> None:
    size = 64 << 20
    server = peer(GREETING, ACCEPTED, b'{"id": 2, "return": "' + b"x" * size + b'"}\r\n', HOLD)
    with qmp_shell.connect(server.address) as client:
        assert len(client.execute("test")) == size


def test_a_command_larger_than_the_socket_buffer_is_sent(vm: RunningVm) -> None:
    with socket.socket(socket.AF_UNIX) as unconnected:
        # QEMU reads one byte at a time, so that a much larger command would take many seconds.
        size = unconnected.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + (1 << 16)
    with qmp_shell.connect(vm.address) as client:
        with pytest.raises(qmp_shell.CommandError, match="unexpected"):
            client.execute("query-name", text="x" * size)
        assert client.execute("query-name") == {"name": "testvm"}


def test_after_a_timeout_the_late_reply_goes_to_the_listener_only(peer: StartPeer) -> None:
    server = peer(
        GREETING,
        ACCEPTED,
        b"",
        b'{"return": "late", "id": 2}{"return": "mine", "id": 3}',
        HOLD,
    )
    received: list[Unsolicited] = []
    with qmp_shell.connect(server.address, timeout=0.05) as client:
        client.listen(received.append)
        with pytest.raises(qmp_shell.Timeout, match=r"slow: no reply within 0\.05 s"):
            client.execute("slow")
        client.timeout = 20
        assert client.execute("test") == "mine"
    assert len(received) == 1
    assert isinstance(received[0], LateReply)
    assert received[0].reply.message == {"return": "late"}
    assert received[0].reply.name == "slow"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((b"",), "closed the connection"),
        ((b'{"QMP": {"ver',), "in the middle of a message"),
        ((b"QEMU 7.2.0 monitor - type 'help'\r\n(qemu) ", HOLD), "human monitor"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n", HOLD), "SSH-2.0-OpenSSH"),
        ((b'{"return": {}}', HOLD), "guest agent"),
        ((GREETING, b""), "closed the connection"),
        (
            (GREETING, b'{"error": {"class": "GenericError", "desc": "no oob"}, "id": 1}', HOLD),
            "qmp_capabilities: GenericError: no oob",
        ),
        ((GREETING, b"\x00\x01", HOLD), "does not speak QMP"),
    ],
)
def test_a_failed_negotiation_raises_connect_error_with_the_reason(
    peer: StartPeer, steps: tuple[bytes, ...], reason: str
) -> None:
    server = peer(*steps)
    with pytest.raises(qmp_shell.ConnectError, match=reason) as caught:
        qmp_shell.connect(server.address)
    assert exit_status(caught.value) == 3
    assert str(caught.value).startswith(server.address)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", qmp_shell.ConnectionLost),
        (b'{"return": ', qmp_shell.ConnectionLost),
        (b'{"what": 1}', qmp_shell.ProtocolError),
        (b"garbage", qmp_shell.ProtocolError),
        (b'{"return": 1e}', qmp_shell.ProtocolError),
    ],
)
def test_a_closed_connection_and_a_protocol_violation_end_the_connection_with_an_error(
    peer: StartPeer, answer: bytes, error: type[Exception]
) -> None:
    server = peer(GREETING, ACCEPTED, answer)
    with qmp_shell.connect(server.address) as client:
        with pytest.raises(error):
            client.execute("test")
        assert not client.connected
        with pytest.raises(qmp_shell.ConnectionLost):
            client.execute("test")


def test_connecting_to_a_monitor_in_use_names_that_as_a_possible_reason(vm: RunningVm) -> None:
    with (
        qmp_shell.connect(vm.address),
        pytest.raises(qmp_shell.ConnectError, match="another client may hold this monitor"),
    ):
        qmp_shell.connect(vm.address, greeting_timeout=0.2)


def test_connecting_to_a_socket_with_a_full_backlog_says_that_it_is_busy(folder: Path) -> None:
    path = str(folder / "full.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
        server.bind(path)
        server.listen(0)
        first.connect(path)
        with pytest.raises(qmp_shell.ConnectError, match="busy"):
            qmp_shell.connect(path, greeting_timeout=0.2)


def test_connecting_to_a_socket_without_a_listener_gives_the_reason(folder: Path) -> None:
    path = folder / "gone.sock"
    with pytest.raises(qmp_shell.ConnectError, match="no such socket; start QEMU with -qmp unix:"):
        qmp_shell.connect(str(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    with pytest.raises(qmp_shell.ConnectError, match="nobody listens there"):
        qmp_shell.connect(str(path))
    (folder / "file").touch()
    with pytest.raises(qmp_shell.ConnectError, match="is a file and not a socket"):
        qmp_shell.connect(str(folder / "file"))
    with pytest.raises(qmp_shell.ConnectError, match="nobody listens there"):
        qmp_shell.connect("127.0.0.1:1")
    with pytest.raises(qmp_shell.ConnectError, match="no such socket; a TCP port is written :4444"):
        qmp_shell.connect("4444")


def test_a_folder_in_the_place_of_a_socket_is_searched_for_sockets(folder: Path) -> None:
    def error() -> str:
        with pytest.raises(qmp_shell.ConnectError) as caught:
            qmp_shell.connect(str(folder))
        return str(caught.value).replace(str(folder), "FOLDER")

    (folder / "file").touch()
    (folder / "folder").mkdir()
    assert error() == "FOLDER is a folder without a socket"
    for name in "cbda":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / name))
    sockets = "FOLDER/a, FOLDER/b, FOLDER/c, 1 more"
    assert error() == f"FOLDER is a folder; the sockets in it: {sockets}"


def test_connect_waits_for_the_socket_to_appear(start_vm: StartVm, folder: Path) -> None:
    path = str(folder / "late.sock")
    with pytest.raises(qmp_shell.ConnectError, match=r"no such socket after waiting 0\.1 s"):
        qmp_shell.connect(path, wait=0.1)
    start_vm("-qmp", f"unix:{path},server=on,wait=off")
    with qmp_shell.connect(path, wait=20) as client:
        assert client.execute("query-name") == {"name": "testvm"}


def test_a_socket_with_a_long_path_is_connected_to(vm: RunningVm, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    (deep / "link").symlink_to(vm.address)
    with qmp_shell.connect(str(deep / "link")) as client:
        assert client.execute("query-name") == {"name": "testvm"}


def test_sending_to_a_peer_that_does_not_read_times_out_and_ends_the_connection(
    peer: StartPeer,
) -> None:
    server = peer(GREETING, ACCEPTED, HOLD)
    with qmp_shell.connect(server.address, timeout=0.1) as client:
        with pytest.raises(qmp_shell.Timeout, match="did not accept the data in time"):
            client.execute("test", text="x" * (8 << 20))
        assert not client.connected, "the peer has received a part of a message"


def test_the_end_reason_is_kept_if_the_connection_ends_within_a_command() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(GREETING)

    def react(direction: str, message: Message, _: object) -> None:
        if direction == ">" and message["execute"] == "qmp_capabilities":
            theirs.sendall(ACCEPTED)
        elif direction == ">":
            theirs.close()

    class PartialStream(SocketStream):
        """Sends only a part of a large command, after which the peer closes the connection."""

        def send(self, data: memoryview, descriptors: Sequence[int] = ()) -> int:
            return 5 if len(data) > 1000 else super().send(data, descriptors)

    with Client(PartialStream(ours), tracer=react) as client:
        client.negotiate()
        with pytest.raises(qmp_shell.ConnectionLost, match="closed the connection"):
            client.execute("test", text="x" * 1000)
        assert client.end_reason == "the VM closed the connection"


def test_sigint_is_unblocked_after_an_interrupt_while_it_was_being_blocked() -> None:
    ours, theirs = socket.socketpair()
    mask = signal.pthread_sigmask

    def interrupted(how: int, signals: Sequence[int]) -> object:
        before = mask(how, signals)
        if how == signal.SIG_BLOCK:
            raise KeyboardInterrupt
        return before

    with theirs, Client(SocketStream(ours)) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("qmp_shell.signals.set_mask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.receive()
    assert signal.SIGINT not in mask(signal.SIG_BLOCK, ())


def test_no_reply_is_expected_to_a_command_whose_sending_was_interrupted(
    peer: StartPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": "mine"}', HOLD)

    def interrupted(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with qmp_shell.connect(server.address, timeout=20) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Client, "_require_stream", lambda _: FullStream())
            patch.setattr(Client, "_poll_once", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.post({"execute": "lost"})
        assert client.execute("test") == "mine"


class FullStream:
    """A connection whose send buffer is full."""

    def send(self, _: memoryview, __: object) -> int:
        raise BlockingIOError


def test_events_sent_before_the_end_are_received_when_sending_fails() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(GREETING)

    def accept(direction: str, _: Message, __: object) -> None:
        if direction == ">":
            theirs.sendall(ACCEPTED)

    with Client(SocketStream(ours), tracer=accept) as client:
        client.negotiate()
        client.tracer = None
        theirs.sendall(b'{"event": "LAST"}')
        theirs.close()
        with pytest.raises(qmp_shell.ConnectionLost):
            client.execute("test")
        assert [event.name for event in client.events()] == ["LAST"]


def test_a_command_times_out_while_events_arrive_without_end() -> None:
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def flood() -> None:
        theirs.sendall(GREETING)
        theirs.recv(1000)
        theirs.sendall(ACCEPTED)
        with contextlib.suppress(OSError):  # the client has closed the connection
            while not over.is_set():
                theirs.sendall(b'{"event": "AGAIN"}' * 100)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with Client(SocketStream(ours), timeout=0.2) as client:
            client.negotiate()
            with pytest.raises(qmp_shell.Timeout):
                client.execute("test")
    finally:
        over.set()
        thread.join()
        theirs.close()


def test_messages_before_a_protocol_violation_are_delivered_first(peer: StartPeer) -> None:
    server = peer(
        GREETING,
        ACCEPTED,
        b'{"event": "A"}{"return": "good", "id": 2}{"event": "B"} garbage',
        HOLD,
    )
    with qmp_shell.connect(server.address) as client:
        assert client.execute("test") == "good"
        assert [event.name for event in client.events()] == ["A", "B"]
        with pytest.raises(qmp_shell.ConnectionLost, match="does not speak QMP: it sent 'garbage'"):
            client.execute("test")


def test_too_many_descriptors_are_refused_and_cost_nothing(vm: RunningVm) -> None:
    with (
        qmp_shell.connect(vm.address) as client,
        contextlib.ExitStack() as opened,
    ):
        files = [opened.enter_context(open("/dev/null")) for _ in range(254)]
        message = {"execute": "getfd", "arguments": {"fdname": "f"}}
        with pytest.raises(qmp_shell.UsageError, match="at most 253 descriptors"):
            client.request(message, [file.fileno() for file in files])
        client.request(message, [file.fileno() for file in files[:253]])
        assert client.execute("query-name") == {"name": "testvm"}


def test_no_event_is_lost_when_a_listener_is_interrupted(peer: StartPeer) -> None:
    events = b"".join(b'{"event": "E%d"}' % number for number in range(100))
    server = peer(GREETING, ACCEPTED, events + b'{"return": {}, "id": 2}', b"{}", HOLD)
    received: list[str] = []

    def listen(unsolicited: Unsolicited) -> None:
        if isinstance(unsolicited, qmp_shell.Event):
            received.append(unsolicited.name)
        if len(received) == 50:
            raise KeyboardInterrupt

    with qmp_shell.connect(server.address) as client:
        client.listen(listen)
        with pytest.raises(KeyboardInterrupt):
            client.execute("test")
        client.wait(lambda: len(received) == 100, time.monotonic() + 20)
    assert received == [f"E{number}" for number in range(100)]


def test_a_reply_queued_behind_an_interrupt_is_delivered_late_and_in_order(peer: StartPeer) -> None:
    stream = b'{"event": "A"}{"event": "B"}{"return": 1, "id": 2}{"event": "C"}'
    server = peer(GREETING, ACCEPTED, stream, HOLD)
    order: list[str] = []
    traced: list[str] = []

    def listen(unsolicited: Unsolicited) -> None:
        order.append(getattr(unsolicited, "name", "") or type(unsolicited).__name__)
        if order == ["A"]:
            raise KeyboardInterrupt

    with qmp_shell.connect(server.address) as client:
        client.tracer = lambda _, message, __: traced.append(next(iter(message)))
        client.listen(listen)
        with pytest.raises(KeyboardInterrupt):
            client.execute("test")
        assert order == ["A"]
        assert client.owed_replies
        client.wait(lambda: "C" in order, time.monotonic() + 20)
        assert not client.owed_replies
    assert order == ["A", "B", "LateReply", "C"]
    assert traced == ["execute", "event", "event", "return", "event"]


def test_messages_queued_behind_an_interrupt_are_delivered_before_the_end(peer: StartPeer) -> None:
    server = peer(GREETING, ACCEPTED, b'{"event": "A"}{"event": "B"}{"half')
    received: list[str] = []

    def listen(unsolicited: Unsolicited) -> None:
        assert isinstance(unsolicited, qmp_shell.Event)
        received.append(unsolicited.name)
        if received == ["A"]:
            raise KeyboardInterrupt

    def receive_all(client: Client) -> None:
        while client.connected:
            client.receive()

    with qmp_shell.connect(server.address) as client:
        client.listen(listen)
        with pytest.raises(KeyboardInterrupt):
            client.execute("test")
        with pytest.raises(qmp_shell.ConnectionLost, match="in the middle of a message"):
            receive_all(client)
    assert received == ["A", "B"]


def test_a_listener_is_called_with_events_queued_before_it(peer: StartPeer) -> None:
    server = peer(GREETING, b'{"event": "EARLY"}' + ACCEPTED, HOLD)
    received: list[Unsolicited] = []
    with qmp_shell.connect(server.address) as client:
        client.listen(received.append)
    assert [each.message for each in received if isinstance(each, qmp_shell.Event)] == [
        {"event": "EARLY"}
    ]


@pytest.mark.parametrize(
    ("value", "error"), [({1, 2}, TypeError), (object(), TypeError), (float("nan"), ValueError)]
)
def test_no_reply_is_expected_to_a_command_that_cannot_be_encoded(
    peer: StartPeer, value: object, error: type[Exception]
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": "mine"}', HOLD)
    with qmp_shell.connect(server.address, timeout=20) as client:
        with pytest.raises(error):
            client.execute("test", value=value)
        assert client.execute("test") == "mine"


@pytest.mark.parametrize("seconds", [3e6, float("inf")])
def test_very_long_and_infinite_timeouts_are_accepted(vm: RunningVm, seconds: float) -> None:
    with qmp_shell.connect(
        Path(vm.address), timeout=seconds, greeting_timeout=seconds, wait=seconds
    ) as client:
        assert client.execute("query-name") == {"name": "testvm"}
        vm.run("cont")
        assert next(client.events(timeout=seconds)).name == "RESUME"


@pytest.mark.parametrize("seconds", [0, -1, 1e-9])
@pytest.mark.parametrize("scheme", ["", "tls:"])
def test_no_time_to_connect_to_a_port_is_too_short(scheme: str, seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{scheme}127.0.0.1:{server.getsockname()[1]}"
        short = "no greeting came|took too long|not finished within"
        with pytest.raises(qmp_shell.ConnectError, match=short):
            qmp_shell.connect(address, greeting_timeout=seconds)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "y" * 300])
def test_invalid_host_names_are_connect_errors(host: str) -> None:
    with pytest.raises(qmp_shell.ConnectError, match="not the name of a host"):
        qmp_shell.connect(f"{host}:44")


def test_waiting_for_events_raises_connection_lost_after_the_end_of_the_vm(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        vm.close()
        with pytest.raises(qmp_shell.ConnectionLost):
            list(client.events(timeout=20))
        with pytest.raises(qmp_shell.ConnectionLost):
            list(client.events(timeout=1))
        assert list(client.events()) == []


def test_sigint_is_blocked_while_received_data_is_processed(
    peer: StartPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": {}, "id": 2}', HOLD)
    blocked = []

    def read(text: str) -> Message:
        blocked.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return dict(json.loads(text))

    with qmp_shell.connect(server.address) as client:
        monkeypatch.setattr("qmp_shell.framing.parse_object", read)
        client.execute("test")
    assert blocked == [True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_reply_received_during_an_interrupt_is_delivered_as_late(
    peer: StartPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": "late", "id": 2}', HOLD)
    received: list[Unsolicited] = []
    receive = Client.receive

    def interrupted(client: Client) -> bool:
        receive(client)
        raise KeyboardInterrupt

    with qmp_shell.connect(server.address) as client:
        client.listen(received.append)
        monkeypatch.setattr(Client, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.execute("test")
    (late,) = received
    assert isinstance(late, LateReply)
    assert late.reply.message == {"return": "late"}


def test_waiting_for_a_reply_raises_connection_lost_after_the_end_of_the_vm(
    peer: StartPeer,
) -> None:
    server = peer(GREETING, ACCEPTED, b"", b"")
    with qmp_shell.connect(server.address) as client:
        requests = [client.post({"execute": "test"}), client.post({"execute": "test"})]
        for request in requests:
            with pytest.raises(qmp_shell.ConnectionLost):
                client.answer(request, None)


def test_stale_replies_of_a_guest_agent_do_not_end_the_synchronization(peer: StartPeer) -> None:
    stale = b'{"return": {}}\n\xff{"return": 7, "id": 1}\n\xff{"return": 8}\n'
    server = peer(b"", stale, HOLD)
    with pytest.raises(qmp_shell.ConnectError, match="did not answer"):
        qmp_shell.connect(server.address, agent=True, greeting_timeout=0.3)


def test_other_descriptors_are_served_while_waiting(vm: RunningVm) -> None:
    read_end, write_end = os.pipe()
    received = []
    with qmp_shell.connect(vm.address) as client:
        client.watch(read_end, lambda: received.append(os.read(read_end, 10)))
        os.write(write_end, b"hello")
        client.wait(lambda: bool(received))
        client.unwatch(read_end)
    os.close(read_end)
    os.close(write_end)
    assert received == [b"hello"]


class InterruptedSocket(socket.socket):
    """A socket whose user presses Ctrl-C immediately after data was sent."""

    interrupts = False

    def send(self, *arguments: Any) -> int:
        sent = super().send(*arguments)
        if self.interrupts:
            # A signal to the process could arrive in the thread of the scripted peer.
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return sent


def test_the_reply_to_an_interrupted_quiet_command_is_not_reported(peer: StartPeer) -> None:
    server = peer(GREETING, ACCEPTED, b'{"return": 1, "id": 2}', b'{"return": 2, "id": 3}', HOLD)
    stream = InterruptedSocket(socket.AF_UNIX)
    stream.connect(server.address)
    unsolicited: list[object] = []
    with Client(SocketStream(stream)) as client:
        client.listen(unsolicited.append)
        client.negotiate()
        stream.interrupts = True
        with pytest.raises(KeyboardInterrupt):
            client.post({"execute": "quiet"}, quiet=True)
        stream.interrupts = False
        assert client.execute("test") == 2
    assert unsolicited == []


class Log:
    """An observer that notes what it is told. (:class:`qmp_shell.connection.Observer`)"""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def after_delivery(self) -> None:
        self.calls.append("delivery")

    def at_end(self) -> None:
        self.calls.append("end")


def test_posted_commands_are_answered_to_whom_they_name(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address, timeout=20) as client:
        replies: list[Message] = []
        log = Log()
        client.add_observer(log)
        for _ in range(3):
            message = {"execute": "query-name", "id": "mine"}
            client.post(message, on_reply=lambda reply: replies.append(reply.message))
        assert client.has_unsent, "they are only queued"
        assert client.execute("query-status")["status"] == "prelaunch", "it is sent behind them"
        assert replies == [{"return": {"name": "testvm"}, "id": "mine"}] * 3
        assert not client.has_unsent
        assert set(log.calls) == {"delivery"}
        client.post({"execute": "query-name"}, on_reply=lambda _: replies.clear())
        client.flush()
        assert not client.has_unsent
        client.wait(lambda: not replies, time.monotonic() + 20)
        client.post({"execute": "cont"}, on_reply=lambda _: None)
        client.wait(lambda: not client.has_unsent, time.monotonic() + 20)
        assert next(client.events(timeout=20)).name == "RESUME"
        client.remove_observer(log)
        client.remove_observer(log)
        log.calls.clear()
    assert log.calls == []


def negotiated_pair() -> tuple[Client, socket.socket]:
    """A client that accepts commands, and the other end of its connection."""
    ours, theirs = socket.socketpair()
    theirs.sendall(GREETING)

    def accept(direction: str, _: Message, __: object) -> None:
        if direction == ">":
            theirs.sendall(ACCEPTED)

    client = Client(SocketStream(ours), tracer=accept)
    client.negotiate()
    client.tracer = None
    return client, theirs


def test_posted_commands_that_are_not_sent_hold_up_nobody() -> None:
    """Their descriptors are closed, and observers are told of the end once."""
    client, theirs = negotiated_pair()
    read_end, write_end = os.pipe()
    with theirs, client:
        log = Log()
        client.add_observer(log)
        large = {"execute": "test", "arguments": {"text": "x" * (4 << 20)}}
        client.post(large, on_reply=lambda _: None)
        client.post({"execute": "getfd"}, descriptors=[write_end], on_reply=lambda _: None)
        client.flush()
        client.flush()
        assert client.has_unsent, "the peer does not read"
        client.timeout = 0.1
        with pytest.raises(qmp_shell.Timeout, match="did not accept"):
            client.execute("query-name")
        assert client.connected, "nothing of it was sent"
        client.close()
        client.close()
    assert log.calls == ["end"]
    assert os.read(read_end, 1) == b"", "the other end was closed"
    os.close(read_end)


def test_a_posted_command_can_depend_on_the_one_before() -> None:
    client, theirs = negotiated_pair()
    sent: list[object] = []
    client.tracer = lambda direction, message, _: (
        sent.append(message["id"]) if direction == ">" else None
    )

    def answer(text: str, identity: int) -> None:
        theirs.sendall(f'{{{text}, "id": {identity}}}\r\n'.encode())

    with theirs, client:
        first = client.post({"execute": "a"})
        second = client.post({"execute": "b"}, after=first)
        third = client.post({"execute": "c"}, after=second)
        assert sent == [2]
        answer('"return": 1', 2)
        assert client.answer(first, 20).message == {"return": 1}
        assert sent == [2, 3], "it is sent when the reply is delivered"
        theirs.sendall(b'{"error": {"class": "GenericError", "desc": "no"}}\r\n')
        assert client.answer(second, 20).is_error, "what was not sent yet is not answered"
        assert client.post({"execute": "d"}, after=second).reply is None
        assert sent == [2, 3], "nothing is sent after a failure"
        fifth = client.post({"execute": "e"}, after=first, is_queued=True)
        assert client.has_unsent, "it can be sent at once"
        answer('"return": 5', 6)
        assert client.answer(fifth, 20).message == {"return": 5}
        late = client.post({"execute": "f"})
        client.post({"execute": "g"}, after=late)
        with pytest.raises(qmp_shell.Timeout):
            client.answer(late, 0)
        answer('"return": 7', 7)
        client.wait(lambda: late.reply is not None, time.monotonic() + 20)
        assert sent == [2, 3, 6, 7], "nobody waits any more"
        assert third.reply is None
        assert not client.owed_replies


def test_several_commands_are_posted_after_the_same_one(peer: StartPeer) -> None:
    replies = (b'{"return": "%d", "id": %d}' % (n, n) for n in (2, 3, 4))
    server = peer(GREETING, ACCEPTED, *replies, HOLD)
    with qmp_shell.connect(server.address) as client:
        first = client.post({"execute": "a"})
        others = [client.post({"execute": name}, after=first) for name in "bc"]
        assert [client.answer(each, 20).message for each in (first, *others)] == [
            {"return": "2"},
            {"return": "3"},
            {"return": "4"},
        ]


def test_descriptors_of_posted_commands_are_closed_when_they_are_sent(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address, timeout=20) as client:
        replies: list[Message] = []
        descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
        for name, descriptor in zip("fg", descriptors, strict=True):
            client.post(
                {"execute": "getfd", "arguments": {"fdname": name}},
                descriptors=[descriptor],
                on_reply=lambda reply: replies.append(reply.message),
            )
            assert client.has_descriptors_under_way
        client.flush()
        for descriptor in descriptors:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)
        assert client.execute("closefd", fdname="g") == {}
        assert replies == [{"return": {}}] * 2


def test_the_end_is_found_while_commands_are_queued() -> None:
    client, theirs = negotiated_pair()
    with client:
        theirs.close()
        client.post({"execute": "test"}, on_reply=lambda _: None)
        client.flush()  # does not raise
        with pytest.raises(qmp_shell.ConnectionLost):
            client.wait(lambda: False, time.monotonic() + 20)
        assert not client.has_unsent


def test_an_error_of_a_command_can_be_copied_and_pickled(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client, pytest.raises(qmp_shell.CommandError) as caught:
        client.execute("nonesuch")
    for other in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert isinstance(other, qmp_shell.CommandError)
        assert str(other) == str(caught.value)
        assert other.reply.message == caught.value.reply.message


def test_a_descriptor_that_is_not_open_is_the_callers_error(vm: RunningVm) -> None:
    with qmp_shell.connect(vm.address) as client:
        message = {"execute": "getfd", "arguments": {"fdname": "k"}}
        with pytest.raises(OSError, match="Bad file descriptor"):
            client.request(message, descriptors=[1 << 20])
        assert client.execute("query-name") == {"name": "testvm"}


def test_what_is_no_address_is_refused() -> None:
    for wrong in (None, 5):
        with pytest.raises(TypeError, match=f"an address is a text or a path, not {wrong}"):
            qmp_shell.connect(wrong)  # type: ignore[arg-type]


def test_arguments_are_given_by_name_or_in_a_dictionary(peer: StartPeer) -> None:
    server = peer(GREETING, ACCEPTED, *(b'{"return": {}, "id": %d}' % n for n in range(2, 5)))
    with qmp_shell.connect(server.address) as client:
        client.execute("test", {"node-name": "d0"}, id=5)
        client.execute("test", {})
        client.execute("test", **{"node-name": "d0"})
        with pytest.raises(TypeError):
            client.execute("test", "d0")  # type: ignore[arg-type]
    assert [json.loads(line).get("arguments") for line in server.received[1:]] == [
        {"node-name": "d0", "id": 5},
        None,
        {"node-name": "d0"},
    ]


def test_the_public_names_are_listed() -> None:
    public = {name for name in dir(qmp_shell) if not name.startswith("__")}
    assert public == set(qmp_shell.__all__)


@pytest.mark.parametrize("name", ["vm:4444", "fd:3", "a,id", "~x", "a\udcff", "b"])
def test_a_path_is_that_of_a_unix_socket_whatever_it_looks_like(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fsencode(f"./{name}"))
        server.listen()
        with pytest.raises(qmp_shell.ConnectError, match="no greeting came"):
            qmp_shell.connect(Path(name), greeting_timeout=0)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
def test_what_can_be_no_path_is_refused(name: str) -> None:
    with pytest.raises(qmp_shell.AddressError):
        qmp_shell.connect(Path(name))
