"""Completion with names of objects that exist in a real VM."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmp_shell.complete import Kind, NameRequest
from qmp_shell.session import Session
from tests.conftest import RunningVm, StartTableVm, StartVm, create_image, create_image_snapshot
from tests.sessions import attach, offered_names, run_line
from tests.table_vm import Refusal


@pytest.fixture(scope="module")
def session(qemu: str) -> Iterator[Session]:
    """A session connected to a VM that has an object of each kind."""
    with (
        tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as name,
        open(os.devnull, "rb") as null_device,
    ):
        folder = Path(name)
        disk = folder / "disk.qcow2"
        create_image(disk)
        create_image_snapshot(disk, "tag1")
        vm = RunningVm(
            qemu,
            folder,
            *("-blockdev", f"qcow2,node-name=disk0,file.driver=file,file.filename={disk}"),
            *("-m", "64M,slots=2,maxmem=1G"),
            *("-drive", "if=none,id=drive0,driver=null-co"),
            *("-device", "virtio-scsi-pci,id=scsi0"),
            *("-device", "scsi-cd,id=cd0,bus=scsi0.0,drive=drive0"),
            *("-add-fd", f"fd={null_device.fileno()},set=7"),
            descriptors=(null_device.fileno(),),
        )
        session = attach(vm.address)
        address = {"type": "unix", "data": {"path": f"{name}/nbd"}}
        session.attachment.client.execute("nbd-server-start", addr=address)
        for command, arguments in SETUP_COMMANDS:
            session.attachment.client.execute(command, **arguments)
        yield session
        session.attachment.close()
        vm.close()


def null_node(name: str) -> tuple[str, dict[str, object]]:
    """Return the command that adds a block node of 1 GiB."""
    return "blockdev-add", {"driver": "null-co", "node-name": name, "size": 1 << 30}


SETUP_COMMANDS: list[tuple[str, dict[str, object]]] = [
    null_node("null0"),
    null_node("null1"),
    null_node("null2"),
    ("block-dirty-bitmap-add", {"node": "disk0", "name": "bitmap0"}),
    ("block-export-add", {"type": "nbd", "id": "export0", "node-name": "null0"}),
    (
        "blockdev-mirror",
        {"job-id": "job0", "device": "null1", "target": "null2", "sync": "full", "speed": 1},
    ),
    ("chardev-add", {"id": "chardev0", "backend": {"type": "ringbuf", "data": {}}}),
    ("netdev_add", {"type": "hubport", "id": "netdev0", "hubid": 1}),
    ("device_add", {"driver": "virtio-net-pci", "id": "nic0", "netdev": "netdev0"}),
    ("object-add", {"qom-type": "iothread", "id": "iothread0"}),
    ("object-add", {"qom-type": "rng-builtin", "id": "random0"}),
    ("object-add", {"qom-type": "cryptodev-backend-builtin", "id": "crypto0"}),
    ("object-add", {"qom-type": "memory-backend-ram", "id": "memory0", "size": 1 << 20}),
    ("object-add", {"qom-type": "secret", "id": "secret0", "data": "x"}),
    ("object-add", {"qom-type": "tls-creds-anon", "id": "creds0", "endpoint": "server"}),
    ("object-add", {"qom-type": "throttle-group", "id": "group0"}),
    ("device_add", {"driver": "virtio-rng-pci", "id": "rng0"}),
    ("object-add", {"qom-type": "memory-backend-ram", "id": "memory1", "size": 128 << 20}),
    ("device_add", {"driver": "pc-dimm", "id": "dimm0", "memdev": "memory1"}),
]


@pytest.mark.parametrize(
    ("text", "name", "description"),
    [
        ("device_del id=", "rng0", "virtio-rng-pci"),
        ("device_del id=/machine/peripheral/", "/machine/peripheral/rng0", "virtio-rng-pci"),
        ("screendump filename=x device=", "rng0", "virtio-rng-pci"),
        ("device_del id=", "dimm0", "pc-dimm"),
        ("qom-list-properties typename=pc-", "pc-dimm", "device"),
        ("qom-list-properties typename=", "none-machine", "machine"),
        ("qom-list-properties typename=", "iothread", "event-loop-base"),
        ("qom-list path=", "/machine", "the machine"),
        ("qom-list path=/", "/machine", "pc"),
        ("qom-list path=/machine/", "/machine/peripheral", "container"),
        ("qom-list path=/objects/io", "/objects/iothread0", "iothread"),
        ("qom-get path=/machine/peripheral/rng0 property=", "hotplugged", "bool"),
        ("qom-get property=  path=/machine/peripheral/rng0 property=", "hotplugged", "bool"),
        ("device_add driver=", "virtio-rng-pci", "bus PCI"),
        ("device_add driver=e1000 ", "mac=", "str, optional: Ethernet"),
        ("device_add driver=virtio-net-pci ", "mq=", "default false"),
        ("device_add driver=virtio-net-pci netdev=", "netdev0", "hubport"),
        ("device_add driver=virtio-blk-pci drive=", "null0", "null-co"),
        ("device_add driver=virtio-blk-pci iothread=", "iothread0", "thread "),
        ("device_add driver=pc-dimm memdev=", "memory0", "1048576"),
        ("device_add driver=e1000 bus=", "pci.0", "PCI"),
        ("object-del id=", "memory0", "memory-backend-ram"),
        (
            "object-add qom-type=tls-creds-x509 id=x endpoint=server passwordid=",
            "secret0",
            "secret",
        ),
        ("nbd-server-start addr.type=unix addr.data.path=x tls-creds=", "creds0", "tls-creds-anon"),
        ("blockdev-add driver=throttle throttle-group=", "group0", "throttle-group"),
        ("blockdev-add driver=luks key-secret=", "secret0", "secret"),
        ("blockdev-del node-name=", "null0", "null-co"),
        ("blockdev-add driver=raw file=", "disk0", "qcow2"),
        ("block_resize device=", "drive0", "null-co"),
        ("eject id=", "cd0", "null-co"),
        ("block-dirty-bitmap-remove node=disk0 name=", "bitmap0", "of disk0"),
        ("block-dirty-bitmap-merge node=disk0 target=x bitmaps.0=", "bitmap0", "of disk0"),
        ("transaction( block-dirty-bitmap-clear node=disk0 name=", "bitmap0", "of disk0"),
        ("snapshot-load job-id=x tag=", "tag1", "of disk0"),
        ("job-pause id=", "job0", "mirror"),
        ("block-job-set-speed device=", "job0", "mirror"),
        ("block-export-del id=", "export0", "nbd, null0"),
        ("chardev-remove id=", "chardev0", "ringbuf"),
        ("ringbuf-read device=", "chardev0", "ringbuf"),
        ("netdev_del id=", "netdev0", "hubport"),
        ("set_link name=", "nic0", "nic"),
        ("query-rx-filter name=", "nic0", "52:54:00:12:34:56"),
        ("query-cpu-model-expansion type=static model.name=", "qemu64", "qemu64-x86_64-cpu"),
        ("trace-event-get-state name=", "qmp_job_pause", "disabled"),
        (".help BLOCK_JOB", "BLOCK_JOB_READY", "block job"),
        (".help ", "device_add", "device"),
        (".help Blockdev", "BlockdevOptions", "Options for creating a block device"),
        (".commands ", "query-jobs", "jobs"),
    ],
)
def test_existing_names_are_offered_with_a_description(
    session: Session, text: str, name: str, description: str
) -> None:
    assert description in offered_names(session, text)[name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("device_add driver=virtio-net-pci disable-legacy=", "auto"),
        ("object-add qom-type=", "memory-backend-ram"),
        ("remove-fd fdset-id=", "7"),
        ("query-command-line-options option=", "smp-opts"),
        ("migrate-set-capabilities capabilities.0.capability=", "xbzrle"),
        ("send-key keys.0.type=qcode keys.0.data=", "ctrl"),
    ],
)
def test_existing_names_are_offered_without_a_description(
    session: Session, text: str, name: str
) -> None:
    assert offered_names(session, text)[name] == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("device_del ", "rng0"),
        ("device_add virtio-", "virtio-rng-pci"),
        ("device_add virtio-net-pci,netdev=", "netdev0"),
        ("object_add ", "memory-backend-ram"),
        ("object_del ", "memory0"),
        ("chardev-add ", "socket"),
        ("chardev-remove ", "chardev0"),
        ("chardev-send-break ", "chardev0"),
        ("netdev_add ", "hubport"),
        ("netdev_del ", "netdev0"),
        ("set_link ", "netdev0"),
        ("sendkey ctrl-", "delete"),
        ("info ", "block"),
        ("info block ", "drive0"),
        ("migrate_set_capability ", "auto-converge"),
        ("migrate_set_parameter ", "max-bandwidth"),
        ("loadvm ", "tag1"),
        ("delvm ", "tag1"),
        ("watchdog_action ", "inject-nmi"),
        ("trace-event ", "qmp_job_pause"),
        ("ringbuf_write ", "chardev0"),
        ("block_job_set_speed ", "job0"),
        ("block_resize ", "drive0"),
        ("eject ", "drive0"),
        ("nbd_server_add ", "null0"),
        ("qom-list /machine/", "/machine/peripheral"),
        ("qom-get /machine/peripheral/rng0 hot", "hotplugged"),
        ("cpu ", "0"),
        ("help dev", "device_add"),
    ],
)
def test_existing_names_are_offered_in_human_monitor_mode(
    session: Session, text: str, name: str
) -> None:
    assert name in offered_names(session, text, human=True)


def test_buses_are_offered_that_fit_the_driver(session: Session) -> None:
    assert list(offered_names(session, "device_add driver=e1000 bus=")) == ["pci.0"]
    assert list(offered_names(session, "device_add driver=scsi-hd bus=")) == ["scsi0.0"]
    assert "i2c" in offered_names(session, "device_add bus=")


def test_objects_are_offered_that_fit_the_property(session: Session) -> None:
    offered = offered_names(session, "device_add driver=virtio-rng-pci rng=")
    assert list(offered) == ["random0"]
    offered = offered_names(session, "device_add driver=virtio-crypto-pci cryptodev=")
    assert list(offered) == ["crypto0"]


def test_properties_with_a_dot_in_their_names_are_offered(session: Session) -> None:
    line = "device_add driver=nvme zoned."
    assert "zoned.zasl=" in offered_names(session, line)
    offered = offered_names(session, "device_add driver=nvme zoned.zasl=5 zoned.")
    assert offered
    assert "zoned.zasl=" not in offered
    assert list(offered_names(session, "device_add driver=nvme-ns zoned.cross_read=")) == [
        "true",
        "false",
    ]


def test_names_with_numbers_are_sorted_by_the_numbers(session: Session) -> None:
    nodes = list(offered_names(session, "blockdev-del node-name="))
    assert nodes[:4] == ["disk0", "null0", "null1", "null2"]
    assert [node for node in nodes[4:] if not node.startswith("#")] == []
    devices = [
        p for p in offered_names(session, "qom-list path=/machine/unattached/") if "device[" in p
    ]
    assert devices == [f"/machine/unattached/device[{n}]" for n in range(len(devices))]


def test_a_target_that_is_the_source_stands_last(session: Session) -> None:
    targets = list(offered_names(session, "blockdev-mirror device=disk0 target="))
    assert {"disk0", "null0", "drive0"} <= set(targets)
    assert targets[-1] == "disk0"


def test_conditions_of_wait_are_offered(session: Session) -> None:
    assert "STOP" in offered_names(session, ".wait S")
    assert "job0" in offered_names(session, ".wait job=")
    assert "running" in offered_names(session, ".wait status=")
    assert list(offered_names(session, ".wait DEVICE_DELETED ")) == ["device=", "path=", "timeout="]


def test_drivers_that_cannot_be_hot_plugged_are_not_offered(session: Session) -> None:
    assert "i440FX-pcihost" not in offered_names(session, "device_add driver=")


def test_names_are_queried_again_after_a_command_that_changes_the_vm(
    session: Session, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "later0" not in offered_names(session, "object-del id=")
    session.executor.execute(
        {"execute": "object-add", "arguments": {"qom-type": "iothread", "id": "later0"}}
    )
    assert "later0" in offered_names(session, "object-del id=")
    session.executor.execute({"execute": "object-del", "arguments": {"id": "later0"}})
    assert "later0" not in offered_names(session, "object-del id=")
    assert capfd.readouterr().out == '{"return": {}}\n' * 2


def test_the_nodes_of_a_qemu_before_5_0_are_offered(table_vm: StartTableVm) -> None:
    """It refuses the argument ``flat`` of ``query-named-block-nodes``."""

    def list_nodes(given: dict[str, Any]) -> object:
        if given:
            raise Refusal("GenericError", "Parameter 'flat' is unexpected")
        return [{"node-name": "d0", "drv": "qcow2", "file": "/d0"}]

    answers = {"query-named-block-nodes": list_nodes, "blockdev-del": {}, "block-stream": {}}
    session = attach(table_vm("4.2.0", answers).address)
    nodes = session.attachment.names
    for kind in (Kind.NODE, Kind.BLOCK):
        while not (found := list(nodes.candidates(NameRequest(kind)))):
            session.attachment.answers.settle()
        assert [each.text for each in found] == ["d0"]
    session.attachment.close()


def test_two_vms_in_one_process_share_nothing(start_vm: StartVm) -> None:
    """Each session has its own connection, names, memory of events and settings."""
    sessions = [attach(start_vm(name=name).address) for name in ("one", "other")]
    one, other = sessions
    for session in sessions:
        assert offered_names(session, "blockdev-del node-name=") == {}
    run_line(one, "blockdev-add driver=null-co node-name=disk0")
    run_line(other, "blockdev-add driver=null-co node-name=disk1")
    run_line(other, ".set timeout 5")
    run_line(one, "cont")
    run_line(one, ".wait RESUME timeout=20")
    assert list(offered_names(one, "blockdev-del node-name=")) == ["disk0"]
    assert list(offered_names(other, "blockdev-del node-name=")) == ["disk1"]
    assert [session.attachment.events.count for session in sessions] == [1, 0]
    assert [session.settings.timeout for session in sessions] == [None, 5]
    one.attachment.close()
    assert [session.attachment.is_connected for session in sessions] == [False, True]
    reply = other.attachment.request({"execute": "query-name"})
    assert reply.message["return"] == {"name": "other"}
    other.attachment.close()
