"""Names that fit what else is given on the line: free ones first, those in use with their users."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Candidate, Draft, Kind, NameRequest, insertion
from qmp_shell.complete.kinds import CPU_PLACE, kind_of
from qmp_shell.language import ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.messages import CommandError
from qmp_shell.session import Session
from qmp_shell.vm.inspection import DEVICE_USES
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.plugging import parse_device_uses
from qmp_shell.vm.question import Question
from qmp_shell.vm.questions import object_properties
from qmp_shell.vm.types import VmTypes
from tests.conftest import RunningVm, create_image
from tests.json_values import GivenAnswers, values
from tests.sessions import attach, offered_names

QTREE = """\
bus: main-system-bus
  type System
  dev: q35-pcihost, id ""
    bus: pcie.0
      type PCIE
      dev: pcie-root-port, id "rp1"
        chassis = 1 (0x1)
        slot = 1 (0x1)
        hotplug = true
        addr = 02.0
        class PCI bridge, addr 00:02.0, pci id 1b36:000c (sub 0000:0000)
        bus: rp1
          type PCIE
      dev: pcie-root-port, id "rp2"
        chassis = 2 (0x2)
        slot = 2 (0x2)
        hotplug = true
        addr = 03.0
        class PCI bridge, addr 00:03.0, pci id 1b36:000c (sub 0000:0000)
        bus: rp2
          type PCIE
          dev: virtio-net-pci, id "nic0"
            addr = 00.0
            bus: virtio-bus
              type virtio-pci-bus
              dev: virtio-net-device, id ""
                netdev = "net0"
      dev: pcie-root-port, id "rp3"
        chassis = 3 (0x3)
        slot = 3 (0x3)
        hotplug = false
        addr = 1f.0
        class PCI bridge, addr 00:1f.0, pci id 1b36:000c (sub 0000:0000)
        bus: rp3
          type PCIE
      dev: pci-bridge, id "br0"
        shpc = true
        addr = 1f.1
        class PCI bridge, addr 00:1f.1, pci id 1b36:0001 (sub 0000:0000)
        bus: br0
          type PCI
          dev: isa-serial, id ""
            chardev = "serial0"
"""
QDM = 'name "e1000", bus PCI\r\nname "pc-dimm"\r\nname "scsi-hd", bus SCSI\r\n'


class TextAnswers(GivenAnswers):
    """Answers that are given; those of the human monitor by its line."""

    def get(self, question: Any, /) -> Any:
        if question.command == "human-monitor-command":
            return question.parse(self._returned.get(question.arguments["command-line"]))
        is_known = question.fallback is not None or not self.lacks(question)
        return super().get(question) if is_known else None


def names_of(
    kind: str,
    given: dict[str, Any] | None = None,
    answers: Mapping[str, object] | None = None,
    key: str = "",
) -> list[Candidate]:
    """The names of a kind, as the menu has them.

    :param answers: what commands return, besides the human monitor's.
    """
    view = TextAnswers({"info qtree": QTREE, "info qdm": QDM} | dict(answers or {}))
    names = VmNames(view, VmTypes(view), lambda: None)
    return list(names.candidates(NameRequest(kind, "", given or {}, key)))


def menu(found: list[Candidate]) -> list[tuple[str, str]]:
    return [(each.text, each.description) for each in found]


def test_buses_with_a_free_place_stand_first() -> None:
    assert menu(names_of(Kind.BUS, {"driver": "e1000"})) == [
        ("br0", "PCI, 31 free slots"),
        ("rp1", "PCIE, free"),
        ("rp2", "PCIE, has nic0"),
        ("pcie.0", "PCIE, no hot-plug"),
        ("rp3", "PCIE, no hot-plug"),
    ]


def test_a_driver_that_fits_no_bus_is_offered_all() -> None:
    found = menu(names_of(Kind.BUS, {"driver": "scsi-hd"}))
    assert ("main-system-bus", "System, no hot-plug") in found
    assert ("virtio-bus", "virtio-pci-bus, no hot-plug") in found
    assert found[0][0] == "br0"


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({"bus": "rp1"}, ("0x0", "free, on rp1"), ("0x0", "free, on rp1")),
        ({"bus": "rp2"}, ("0x0", "has nic0, on rp2"), ("0x0", "has nic0, on rp2")),
        ({"bus": "br0"}, ("0x1", "free, on br0"), ("0x1f", "free, on br0")),
        (
            {},
            ("0x0", "free, but pcie.0 has no hot-plug"),
            ("0x1f", "has rp3, br0, but pcie.0 has no hot-plug"),
        ),
    ],
)
def test_free_slots_of_the_bus_stand_first(
    given: dict[str, Any], first: tuple[str, str], last: tuple[str, str]
) -> None:
    found = menu(names_of(Kind.PCI_SLOT, given))
    assert (found[0], found[-1]) == (first, last)


def test_slots_are_in_the_order_of_their_numbers() -> None:
    found = [each.text for each in names_of(Kind.PCI_SLOT)]
    assert found == [f"0x{n:x}" for n in [0, 1, *range(4, 31), 2, 3, 31]]


@pytest.mark.parametrize(
    "given", [{"bus": "virtio-bus"}, {"bus": "nothing"}, {"driver": "pc-dimm"}, {"bus": ""}]
)
def test_what_is_no_pci_bus_has_no_slots(given: dict[str, Any]) -> None:
    assert names_of(Kind.PCI_SLOT, given) == []


def test_without_an_answer_there_are_no_places() -> None:
    view = GivenAnswers({})
    names = VmNames(view, VmTypes(view), lambda: None)
    for kind in (Kind.BUS, Kind.PCI_SLOT, Kind.CPU_PLACE, Kind.CHAIN_NODE):
        assert list(names.candidates(NameRequest(kind, "", {"driver": "x"}))) == []


def test_buses_are_in_the_order_in_which_qemu_looks_for_one() -> None:
    """From the top down, and below each before beside it (``qbus_find_recursive``)."""
    found = [line.split()[1] for line in QTREE.splitlines() if line.lstrip().startswith("bus:")]
    assert list(parse_device_uses(QTREE).buses) == found


@pytest.mark.parametrize("depth", [10, 5000])
def test_buses_in_buses_without_end(depth: int) -> None:
    text = "".join(
        f'{" " * 2 * n}bus: b{n}\n{" " * (2 * n + 1)}dev: d, id "i{n}"\n' for n in range(depth)
    )
    assert len(parse_device_uses(text).buses) == depth


# The block layer


def node(name: str, driver: str = "qcow2", **more: object) -> dict[str, object]:
    return {"node-name": name, "drv": driver, "file": f"/{name}.img", **more}


GRAPH: dict[str, list[dict[str, object]]] = {
    "nodes": [
        {"id": number, "type": "block-driver", "name": name}
        for number, name in enumerate(["base", "mid", "filter", "top", "storage", "other"])
    ]
    + [{"id": 9, "type": "block-backend", "name": "/machine/peripheral/disk0/virtio-backend"}],
    "edges": [
        {"parent": 9, "name": "root", "child": 3},
        {"parent": 3, "name": "file", "child": 4},
        {"parent": 3, "name": "backing", "child": 2},
        {"parent": 2, "name": "file", "child": 1},
        {"parent": 1, "name": "backing", "child": 0},
    ],
}
DISK = {
    "device": "",
    "qdev": "/machine/peripheral/disk0/virtio-backend",
    "removable": False,
    "inserted": {"node-name": "top", "drv": "qcow2", "file": "/top.img"},
}
CDROM = {"device": "cd", "qdev": "cd0", "removable": True, "tray_open": True}
FLOPPY = {
    "device": "floppy0",
    "qdev": "/machine/unattached/device[7]",
    "removable": True,
    "inserted": {"node-name": "other", "drv": "raw", "file": "/other.img"},
}
SPARE = {"device": "spare", "removable": True}
BLOCK: dict[str, object] = {
    "query-named-block-nodes": [
        *(node("base"), node("filter", "throttle"), node("mid"), node("other", "raw")),
        *(node("storage", "file"), node("top"), node("free")),
    ],
    "x-debug-query-block-graph": GRAPH,
    "query-block": [DISK, CDROM, FLOPPY, SPARE],
    "query-jobs": [],
    "query-block-exports": [{"id": "export0", "type": "nbd", "node-name": "base"}],
}


def texts_of(kind: str, given: dict[str, Any]) -> list[str]:
    return [each.text for each in names_of(kind, given, BLOCK)]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (Kind.CHAIN_NODE, {"device": "top"}, ["top", "filter", "mid", "base"]),
        (Kind.BACKING_NODE, {"device": "top"}, ["filter", "mid", "base"]),
        (Kind.BACKING_NODE, {"device": "top", "top-node": "mid"}, ["base"]),
        (Kind.BACKING_NODE, {"device": "top", "top-node": "free"}, ["filter", "mid", "base"]),
        (Kind.BACKING_NODE, {"device": "base"}, []),
        (Kind.CHAIN_NODE, {"device": "floppy0"}, ["other"]),
        (
            Kind.CHAIN_FILE,
            {"device": "top"},
            ["/top.img", "/filter.img", "/mid.img", "/base.img"],
        ),
        (Kind.BACKING_FILE, {"device": "top", "top-node": "filter"}, ["/mid.img", "/base.img"]),
        (
            Kind.BACKING_NODE,
            {},
            ["base", "filter", "free", "mid", "other", "storage", "top"],
        ),
        (
            Kind.CHAIN_NODE,
            {"device": "nothing"},
            ["base", "filter", "free", "mid", "other", "storage", "top"],
        ),
    ],
)
def test_only_the_chain_of_the_device_is_offered(
    kind: str, given: dict[str, Any], expected: list[str]
) -> None:
    assert texts_of(kind, given) == expected


@pytest.mark.parametrize("member", ["x-debug-query-block-graph", "children"])
def test_the_chain_is_known_to_each_qemu(member: str) -> None:
    """10.1 has the children of nodes; older ones have a graph, or nested statistics."""
    answers = {**BLOCK, "x-debug-query-block-graph": None}
    if member == "children":
        below = {"top": [{"child": "backing", "node-name": "base"}]}
        answers["query-named-block-nodes"] = [
            node(name, children=below.get(name, [])) for name in ("base", "top")
        ]
    else:
        backing = {"node-name": "base"}
        answers["query-blockstats"] = [{"node-name": "top", "backing": backing}]
    found = names_of(Kind.CHAIN_NODE, {"device": "top"}, answers)
    assert menu(found) == [("top", "qcow2, /top.img"), ("base", "qcow2, /base.img")]


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    loop = [{"parent": 0, "name": "backing", "child": 3}, *GRAPH["edges"]]
    answers = {**BLOCK, "x-debug-query-block-graph": {**GRAPH, "edges": loop}}
    found = names_of(Kind.CHAIN_NODE, {"device": "top"}, answers)
    assert [each.text for each in found] == ["top", "filter", "mid", "base"]


def test_what_is_in_use_stands_last() -> None:
    assert menu(names_of(Kind.DEVICE_DRIVE, answers=BLOCK)) == [
        ("free", "qcow2, /free.img"),
        ("spare", ""),
        ("base", "used by export0, qcow2, /base.img"),
        ("cd", "used by cd0"),
        ("filter", "used by top, throttle, /filter.img"),
        ("floppy0", "used by device[7], raw, /other.img"),
        ("mid", "used by filter, qcow2, /mid.img"),
        ("other", "used by device[7], raw, /other.img"),
        ("storage", "used by top, file, /storage.img"),
        ("top", "used by disk0, qcow2, /top.img"),
    ]


def test_block_devices_are_offered_as_the_block_tree_names_them() -> None:
    found = names_of(Kind.DISK, answers=BLOCK)
    assert menu(found) == [
        ("cd", "empty"),
        ("disk0", "qcow2, /top.img"),
        ("floppy0", "raw, /other.img"),
        ("spare", "empty"),
    ]


def test_only_what_is_removable_is_offered() -> None:
    assert menu(names_of(Kind.REMOVABLE_QDEV, answers=BLOCK)) == [
        ("/machine/unattached/device[7]", "floppy0, raw, /other.img"),
        ("cd0", "cd, empty, tray open"),
    ]
    assert menu(names_of(Kind.REMOVABLE, answers=BLOCK)) == [
        ("cd", "cd0, empty, tray open"),
        ("floppy0", "/machine/unattached/device[7], raw, /other.img"),
        ("spare", "empty"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        *("eject", "blockdev-open-tray", "blockdev-close-tray"),
        *("blockdev-change-medium", "blockdev-insert-medium", "blockdev-remove-medium"),
    ],
)
def test_the_commands_that_take_what_is_removable(command: str) -> None:
    assert kind_of(command, "id", "str") == Kind.REMOVABLE_QDEV
    assert kind_of(command, "device", "str") == Kind.REMOVABLE


def test_backends_in_use_stand_last() -> None:
    network = "nic0: index=0,type=nic,model=x\r\n \\ net0: index=0,type=user,a\r\n"
    network += "net1: index=0,type=tap,b\r\n"
    found = names_of(Kind.DEVICE_NETDEV, answers={"info network": network})
    assert menu(found) == [("net1", "tap, b"), ("net0", "used by nic0, user, a")]
    chardevs = [
        {"label": "mon", "filename": "x", "frontend-open": True},
        {"label": "serial0", "filename": "y", "frontend-open": True},
        {"label": "spare", "filename": "z", "frontend-open": False},
    ]
    found = names_of(Kind.DEVICE_CHARDEV, answers={"query-chardev": chardevs})
    assert menu(found) == [
        ("spare", "z"),
        ("mon", "used by QEMU, x"),
        ("serial0", "used by isa-serial, y"),
    ]


# CPUs

CPU = "qemu64-x86_64-cpu"
CPU_SLOTS = [
    {"type": CPU, "props": {"core-id": 1, "thread-id": 0, "socket-id": 1}},
    {"type": CPU, "props": {"core-id": 0, "thread-id": 0, "socket-id": 1}},
    {"type": CPU, "props": {"core-id": 0, "thread-id": 0, "socket-id": 0}, "qom-path": "/x"},
    {"type": "other-cpu", "props": {"core-id": 7}},
]


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ({}, "", ["socket-id=1 core-id=0 thread-id=0", "socket-id=1 core-id=1 thread-id=0"]),
        ({}, "core-id", ["0 socket-id=1 thread-id=0", "1 socket-id=1 thread-id=0"]),
        ({"socket-id": "1"}, "", ["core-id=0 thread-id=0", "core-id=1 thread-id=0"]),
        ({"core-id": "1"}, "socket-id", ["1 thread-id=0"]),
        ({"socket-id": 0}, "", []),
        ({"socket-id": "1", "core-id": "1", "thread-id": "0"}, "", []),
    ],
)
def test_the_whole_place_of_a_cpu_is_offered_at_once(
    given: dict[str, Any], key: str, expected: list[str]
) -> None:
    answers = {"query-hotpluggable-cpus": CPU_SLOTS}
    found = names_of(Kind.CPU_PLACE, {"driver": CPU, **given}, answers, key)
    assert [each.text for each in found] == expected


def test_no_other_driver_has_a_place_for_a_cpu() -> None:
    drivers: list[dict[str, Any]] = [{}, {"driver": "e1000"}, {"driver": ["x"]}]
    for given in drivers:
        assert not names_of(Kind.CPU_PLACE, given, {"query-hotpluggable-cpus": CPU_SLOTS})


@hypothesis.given(
    place=st.dictionaries(
        st.sampled_from([*CPU_PLACE, "x y", "a=b"]), st.one_of(st.integers(), values), max_size=5
    ),
    key=st.sampled_from(["", *CPU_PLACE]),
    socket=st.none() | st.integers(0, 3),
)
def test_what_is_inserted_for_a_cpu_is_parsed_as_its_place(
    place: dict[str, Any], key: str, socket: int | None
) -> None:
    """Whatever a VM says that the place is: integers are inserted, and nothing else."""
    view = GivenAnswers(
        {
            "query-hotpluggable-cpus": [{"type": CPU, "props": place}],
            "qom-list-types": [{"name": CPU}],
            "device-list-properties": [{"name": name, "type": "int32"} for name in CPU_PLACE],
        }
    )
    names = VmNames(view, VmTypes(view), lambda: None)
    text = f"device_add driver={CPU} "
    if socket is not None and key != "socket-id":
        place["socket-id"] = socket
        text += f"socket-id={socket} "
    text += f"{key}=" * bool(key)
    options = complete_draft(Draft(text), Registry(), names, VmTypes(view))
    assert options is not None
    wanted = {name: place[name] for name in CPU_PLACE if is_integer(place.get(name))}
    for candidate in options.candidates:
        if candidate.is_arguments:
            inserted = insertion(candidate, options)
            assert inserted is not None
            source = LineJoiner().add_line(text + inserted)
            assert source is not None
            statement = StatementParser().parse(source)
            assert isinstance(statement, ExecuteStatement)
            arguments = statement.message["arguments"]
            assert arguments == {"driver": CPU} | {k: str(v) for k, v in wanted.items()}


def is_integer(value: object) -> bool:
    return type(value) is int and abs(value) <= 1 << 64


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("device_add core-id=", "core-id=1"),
        ("device_add core-id=", "1 thread-id=0 | touch pwned"),
        ("device_add core-id=", "1 thread-id=0\nquit"),
        ("device_add core-id=", "1 a.b =0"),
        ("device_add core-id=", "\u0661"),
        ("device_add core-id=", ""),
        ('device_add core-id="', "1 thread-id=0"),
        ("device_add ", "1 thread-id=0"),
        ("device_add ", "core-id=1 thread-id=x"),
        ("device_add ", "core-id=1 {a}=0"),
        ("screendump ", ""),
    ],
)
def test_what_is_no_list_of_arguments_is_not_inserted(
    types: VmTypes, text: str, candidate: str
) -> None:
    class OneName:
        def candidates(self, _: NameRequest) -> list[Candidate]:
            return []

    options = complete_draft(Draft(text), Registry(), OneName(), types)
    assert options is not None
    assert insertion(Candidate(candidate, is_arguments=True), options) is None


# A real VM


@pytest.fixture(scope="module")
def session(qemu: str) -> Iterator[Session]:
    """A session with a VM of the kind that people hot-plug into."""
    with tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as name:
        folder = Path(name)
        create_image(folder / "base.qcow2")
        create_image(folder / "mid.qcow2", backing=folder / "base.qcow2")
        create_image(folder / "top.qcow2", backing=folder / "mid.qcow2")
        top = folder / "top.qcow2"
        vm = RunningVm(
            qemu,
            folder,
            *("-M", "q35", "-smp", "1,maxcpus=4,sockets=2,cores=2"),
            *("-device", "pcie-root-port,id=rp1,chassis=1"),
            *("-device", "pcie-root-port,id=rp2,chassis=2"),
            *("-device", "pcie-root-port,id=rp3,chassis=3,hotplug=off"),
            *("-blockdev", f"qcow2,node-name=d0,file.driver=file,file.filename={top}"),
            *("-blockdev", "null-co,node-name=free0"),
            *("-device", "virtio-blk-pci,id=disk0,drive=d0,bus=rp2"),
            *("-drive", "if=none,id=drive0,media=cdrom"),
            *("-device", "ide-cd,id=cd0,drive=drive0"),
            *("-netdev", "user,id=net0", "-netdev", "user,id=net1"),
            *("-device", "virtio-net-pci,id=nic0,netdev=net0"),
            *("-chardev", "ringbuf,id=ring0", "-chardev", "ringbuf,id=ring1"),
            *("-device", "virtio-serial-pci", "-device", "virtserialport,id=port0,chardev=ring0"),
        )
        session = attach(vm.address)
        yield session
        session.attachment.close()
        vm.close()


def first_offered(session: Session, text: str, count: int = 2) -> list[tuple[str, str]]:
    return list(offered_names(session, text).items())[:count]


def test_what_fits_in_a_real_vm(session: Session) -> None:
    assert first_offered(session, "device_add driver=virtio-rng-pci bus=", 9) == [
        ("rp1", "PCIE, free"),
        ("rp2", "PCIE, has disk0"),
        ("pcie.0", "PCIE, no hot-plug"),
        ("rp3", "PCIE, no hot-plug"),
    ]
    slots = offered_names(session, "device_add driver=virtio-rng-pci bus=pcie.0 addr=")
    assert slots["0x1f"].startswith("has ")
    assert next(iter(slots.values())) == "free, but pcie.0 has no hot-plug"
    drives = first_offered(session, "device_add driver=virtio-blk-pci drive=", 3)
    assert [name for name, _ in drives] == ["free0", "d0", "drive0"]
    assert [user.split(",")[0] for _, user in drives[1:]] == ["used by disk0", "used by cd0"]
    assert [name for name, _ in first_offered(session, "device_add driver=e1000 netdev=")] == [
        "net1",
        "net0",
    ]
    chardevs = offered_names(session, "device_add driver=virtserialport chardev=")
    assert next(iter(chardevs)) == "ring1"
    assert chardevs["ring0"] == "used by port0, ringbuf"


def test_qemu_agrees_where_nothing_can_be_plugged(session: Session) -> None:
    execute = session.attachment.client.execute
    for bus in ("pcie.0", "rp3"):
        with pytest.raises(CommandError, match="does not support hotplugging"):
            execute("device_add", driver="virtio-rng-pci", id="rng1", bus=bus)
    (name, _), *_ = first_offered(session, "device_add driver=virtio-rng-pci bus=", 1)
    execute("device_add", driver="virtio-rng-pci", id="rng1", bus=name)
    session.attachment.answers.forget_changeable()
    assert offered_names(session, "device_add driver=e1000 bus=")[name] == "PCIE, has rng1"


def test_chains_and_media_in_a_real_vm(session: Session) -> None:
    files = [
        description.rpartition("/")[2]
        for _, description in first_offered(session, "block-commit device=d0 top-node=", 9)
    ]
    assert files == ["top.qcow2", "mid.qcow2", "base.qcow2"]
    below = [name for name, _ in first_offered(session, "block-commit device=d0 base=", 9)]
    assert [name.rpartition("/")[2] for name in below] == ["mid.qcow2", "base.qcow2"]
    assert len(offered_names(session, "block-stream base-node=")) > 3
    assert offered_names(session, "eject id=") == {"cd0": "drive0, empty"}
    assert offered_names(session, "eject device=") == {"drive0": "cd0, empty"}
    assert list(offered_names(session, "eject ", human=True)) == ["drive0"]


def test_a_cpu_is_added_where_the_menu_says(session: Session) -> None:
    (driver,) = {
        each["type"] for each in session.attachment.client.execute("query-hotpluggable-cpus")
    }
    line = f"device_add driver={driver} "
    places = [name for name in offered_names(session, line) if " " in name]
    assert len(places) == 3
    properties = dict(word.split("=") for word in places[0].split())
    arguments = {name: int(value) for name, value in properties.items()}
    session.attachment.client.execute("device_add", driver=driver, id="cpu1", **arguments)
    session.attachment.answers.forget_changeable()
    left = [name for name in offered_names(session, line) if " " in name]
    assert left == places[1:]
    assert len(offered_names(session, f"{line}core-id=")) == 2


def test_what_people_set_stands_first_in_the_menu(session: Session) -> None:
    keys = list(offered_names(session, "device_add driver=virtio-net-pci "))
    assert keys[:5] == ["id=", "bus=", "addr=", "netdev=", "mac="]


def test_a_device_gets_the_slot_that_the_menu_has_on_the_bus_that_qemu_chooses(
    vm: RunningVm,
) -> None:
    session = attach(vm.address)
    slots = offered_names(session, "device_add driver=virtio-rng-pci addr=")
    assert slots["0x1a"] == "free, on pci.0"
    assert slots["0x0"] == "has i440FX, on pci.0"
    session.attachment.client.execute("device_add", driver="virtio-rng-pci", id="rng1", addr="0x1a")
    session.attachment.answers.forget_changeable()
    slots = offered_names(session, "device_add driver=virtio-rng-pci addr=")
    assert slots["0x1a"] == "has rng1, on pci.0"
    session.attachment.close()


def test_a_question_that_the_vm_refuses_has_no_other_answers(vm: RunningVm) -> None:
    session = attach(vm.address)
    answers = session.attachment.answers
    refused = object_properties("/nothing")
    unknown = Question("query-nothing", str)
    questions: list[Question[Any]] = [refused, unknown, DEVICE_USES]
    for question in questions:
        assert not answers.refuses(question)
        answers.waiting.get(question)
    assert [answers.refuses(each) for each in questions] == [True, True, False]
    assert answers.waiting.lacks(unknown)
    assert not answers.waiting.lacks(refused)
    session.attachment.close()
