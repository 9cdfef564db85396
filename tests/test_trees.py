"""``.tree``: the block graph, PCI devices, buses and QOM objects, on a real VM and as parsed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from qmp_shell.render.block_tree import BlockTree, format_dot
from qmp_shell.render.device_tree import format_device_tree, format_pci_tree
from qmp_shell.render.tree import draw_forest
from qmp_shell.render.views import Look
from qmp_shell.vm import block_records, records
from qmp_shell.vm.block_graph import BlockGraph
from qmp_shell.vm.device_tree import parse_device_tree
from tests.conftest import Run, RunningVm, StartTableVm, StartTerminal, StartVm
from tests.table_vm import Refusal

LOOK = Look(colour=False, ascii_only=True, supports_unicode=False)


@pytest.fixture
def disks(vm: RunningVm, tmp_path: Path) -> RunningVm:
    """A VM with a disk of three images, one on top of the other, in another device a node."""
    below: list[str] = []
    for name in ("base", "middle", "top"):
        path = str(tmp_path / f"{name}.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *below, path, "64M"], check=True)
        below = ["-b", path, "-F", "qcow2"]
    vm.add_nodes("empty")
    with vm.second() as client:
        backing: dict[str, object] = {}
        for name in ("base", "middle", "top"):
            file = {"driver": "file", "filename": str(tmp_path / f"{name}.qcow2")}
            options = {"node-name": name, "file": file, **backing}
            client.execute("blockdev-add", driver="qcow2", **options)
            backing = {"backing": name}
        client.execute("device_add", driver="virtio-blk-pci", id="disk0", drive="top")
    return vm


def tree(run: Run, vm: RunningVm, line: str) -> list[str]:
    result = run(vm.address, "-c", line)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def test_the_block_graph_has_disks_with_their_backing_files_in_order(
    disks: RunningVm, run: Run, tmp_path: Path
) -> None:
    lines = tree(run, disks, ".tree block")
    start = lines.index("disk0")
    assert lines[start + 1 : start + 4] == [
        f"└── top  qcow2  64 MiB  {tmp_path}/top.qcow2",
        f"    └── backing: middle  qcow2  64 MiB  {tmp_path}/middle.qcow2",
        f"        └── backing: base  qcow2  64 MiB  {tmp_path}/base.qcow2",
    ]
    assert "empty  null-co  1 GiB  null-co  not in use" in lines
    assert tree(run, disks, ".tree block base") == lines[start : start + 4]
    assert tree(run, disks, ".tree block disk0") == lines[start : start + 4]


def test_snapshots_within_an_image_are_in_the_block_graph(disks: RunningVm, run: Run) -> None:
    for names, shown in (
        (["s0"], "snapshot s0"),
        (["s1", "s2"], "snapshots s0, s1, s2"),
        (["s3", "s4"], "snapshots s0, s1, s2 and 2 more"),
    ):
        with disks.second() as client:
            for name in names:
                client.execute("blockdev-snapshot-internal-sync", device="top", name=name)
        assert tree(run, disks, ".tree block disk0")[1].endswith(f"top.qcow2  {shown}")


def test_jobs_exports_and_bitmaps_are_in_the_block_graph(
    disks: RunningVm, run: Run, folder: Path
) -> None:
    disks.add_nodes("target", size=64 << 20)
    with disks.second() as client:
        client.execute("block-dirty-bitmap-add", node="top", name="b0")
        client.execute(
            "blockdev-mirror",
            **{"job-id": "m0", "device": "top", "target": "target", "sync": "full", "speed": 1},
        )
        address = {"type": "unix", "data": {"path": str(folder / "nbd.sock")}}
        client.execute("nbd-server-start", addr=address)
        options = {"type": "nbd", "id": "exp0", "node-name": "middle"}
        client.execute("block-export-add", **options)
    text = "\n".join(tree(run, disks, ".tree block"))
    assert re.search(r"^disk0\n└── #block\d+  mirror_top  .*  job m0( \d+%)?$", text, re.MULTILINE)
    assert re.search(r"backing: top  qcow2 .*  bitmap b0, 0 B dirty$", text, re.MULTILINE)
    assert re.search(r"^m0  mirror job  (running|ready)", text, re.MULTILINE)
    assert "target: target  null-co" in text
    assert "exp0  nbd export\n└── middle  see above" in text
    dot = tree(run, disks, ".tree block --dot")
    assert (dot[0], dot[-1]) == ("digraph block {", "}")
    assert '  "node top" -> "node middle" [label="backing"];' in dot
    assert '  "job m0" -> "node target" [label="target"];' in dot
    assert '  "export exp0" -> "node middle" [label=""];' in dot


NOT_DRAWN = (
    (".tree", "write .tree block, .tree pci, .tree devices or .tree qom"),
    (".tree block nix", "no block node, device, job or export 'nix'; .tree block shows all"),
    (".tree qom /nix", "no QOM object '/nix'"),
    (".tree qom / -x", "one name, and -p, is all that can follow"),
    (".tree pci x", "nothing can follow that"),
)


def test_a_tree_that_cannot_be_drawn(quiet_vm: RunningVm, run: Run) -> None:
    result = run("-k", quiet_vm.address, *(f"-c{line}" for line, _ in NOT_DRAWN))
    assert result.stderr.splitlines() == [
        f"qmp-shell: -c {number}: {message}" for number, (_, message) in enumerate(NOT_DRAWN, 1)
    ]
    assert result.returncode == 2


def test_the_graph_of_an_old_qemu_is_taken_from_its_statistics(
    table_vm: StartTableVm, run: Run
) -> None:
    node = {"node-name": "top", "drv": "qcow2", "file": "/top", "image": {"virtual-size": 1024}}
    below = {"node-name": "base", "drv": "raw", "file": "/base", "ro": True}
    stats = {
        "device": "d0",
        "node-name": "top",
        "parent": {"node-name": "#block1"},
        "backing": {"node-name": "base", "parent": {"node-name": "file0"}},
    }

    def nodes(arguments: dict[str, object]) -> object:
        if arguments:
            raise Refusal("GenericError", "Parameter 'flat' is unexpected")
        return [node, below]

    answers = {
        "query-block": [{"device": "d0", "qdev": "", "inserted": node}],
        "query-named-block-nodes": nodes,
        "query-blockstats": [stats],
        "query-block-jobs": [{"device": "j0", "type": "commit", "len": 10, "offset": 5}],
    }
    result = run(table_vm("2.6.0", answers).address, "-c", ".tree block")
    assert result.stdout.splitlines() == [
        "d0",
        "└── top  qcow2  1 KiB  /top",
        "    └── backing: base  raw  /base  read-only",
        "        └── file: file0",
        "j0  commit job  running  50%",
    ]


def test_children_that_the_vm_lists_itself_are_used() -> None:
    children = [{"child": "quorum.0", "node-name": "a"}, {"child": "backing", "node-name": "b"}]
    listed = [{"node-name": "top", "children": children}, {"node-name": "a"}]
    nodes = block_records.parse_block_nodes(listed)
    assert nodes[0].children == (("quorum.0", "a"), ("backing", "b"))


def test_a_block_graph_that_goes_in_circles_is_drawn() -> None:
    edge = block_records.BlockEdge
    graph = BlockGraph(
        [],
        {name: block_records.BlockNode(name, "raw", "", [], []) for name in "ab"},
        {"a": [edge("file", "b")], "b": [edge("file", "a"), edge("x", "b")]},
        [records.Job("j", "mirror", "ready", records.Progress())],
        {"j": [edge("main node", "a")]},
        [],
    )
    shown = draw_forest(BlockTree(graph).all(), LOOK)
    assert shown.split("\n") == [
        "j  mirror job  ready",
        "`-- main node: a  raw  job j",
        "    `-- file: b  raw",
        "        +-- file: a  see above",
        "        `-- x: b  see above",
    ]
    assert list(BlockTree(graph).of("b"))
    assert len(format_dot(graph)) == 10


def test_a_node_below_one_that_is_not_in_use_is_found() -> None:
    edge = block_records.BlockEdge
    nodes = {name: block_records.BlockNode(name, "raw", "", [], []) for name in "ab"}
    graph = BlockGraph([], nodes, {"a": [edge("file", "b")]}, [], {}, [])
    shown = draw_forest(BlockTree(graph).of("b"), LOOK)
    assert shown.split("\n") == ["a  raw  not in use", "`-- file: b  raw"]
    assert list(BlockTree(graph).of("c")) == []


def test_buses_of_any_depth() -> None:
    text = ""
    for depth in range(0, 6_000, 4):
        text += f"{' ' * depth}bus: b{depth}\n{' ' * depth}  type PCI\n"
        text += f'{" " * depth}  dev: d, id "i{depth}"\n'
    for format_ in (format_device_tree, format_pci_tree):
        assert "i5996" in draw_forest(format_(parse_device_tree(text)), LOOK)
    assert draw_forest(format_pci_tree(parse_device_tree(text.replace("PCI", "X"))), LOOK) == ""


def test_ports_behind_an_expander_bridge_are_found() -> None:
    text = (
        'bus: main\n  type System\n  dev: host, id ""\n    bus: pxb1\n      type pxb-pcie-bus\n'
        '      dev: pcie-root-port, id "rp9"\n        addr = 00.0\n        hotplug = false\n'
        "        bus: rp9\n          type PCIE\n"
    )
    assert draw_forest(format_pci_tree(parse_device_tree(text)), LOOK).split("\n") == [
        "bus pxb1  pxb-pcie-bus",
        "`-- 00.0  rp9  pcie-root-port  bus rp9 is free, without hot-plug",
    ]


def test_slots_and_free_ports_of_pci(start_vm: StartVm, run: Run) -> None:
    vm = start_vm(
        *("-M", "q35", "-device", "pcie-root-port,id=rp1,chassis=1,addr=3"),
        *("-device", "pcie-root-port,id=rp2,chassis=2,addr=4"),
        *("-device", "virtio-rng-pci,id=rng0,bus=rp2"),
    )
    lines = tree(run, vm, ".tree pci")
    assert lines[0] == "bus pcie.0  PCIE"
    assert "├── 03.0  rp1  pcie-root-port  PCI bridge  1b36:000c  bus rp1 is free" in lines
    at = lines.index("├── 04.0  rp2  pcie-root-port  PCI bridge  1b36:000c")
    assert re.match(r"│   └── 00.0  rng0  virtio-rng-pci  .*1af4:", lines[at + 1])
    devices = "\n".join(tree(run, vm, ".tree devices"))
    assert "rp1  pcie-root-port\n" in devices
    assert "bus virtio-bus  virtio-pci-bus" in devices
    assert devices.startswith("bus main-system-bus  System\n")


def test_anything_is_parsed_as_a_device_tree() -> None:
    text = (
        'dev: lost, id "x"\nbus: a\r\n  type T\n  dev: d, id "i"\n    p = v\n    odd\n'
        "    bus: b\n  bus: c\n        bus: deep\n"
    )
    roots = parse_device_tree(text)
    assert draw_forest(format_device_tree(roots), LOOK).split("\n") == [
        "bus a  T",
        "`-- i  d",
        "    `-- bus b",
        "bus c",
        "bus deep",
    ]
    assert list(format_pci_tree(roots)) == []
    assert parse_device_tree(None) == []


def test_the_qom_tree_with_properties_hides_secrets(vm: RunningVm, run: Run) -> None:
    with vm.second() as client:
        client.execute("object-add", **{"qom-type": "secret", "id": "s0", "data": "geheim"})
    assert "└── s0  secret" in tree(run, vm, ".tree qom /objects")
    lines = tree(run, vm, ".tree qom /objects -p")
    assert "    ├── data = ***  string" in lines
    assert '    └── type = "secret"  string' in lines
    assert not [line for line in lines if "geheim" in line]


def test_the_whole_qom_tree_is_shown(quiet_vm: RunningVm, run: Run) -> None:
    lines = tree(run, quiet_vm, ".tree qom")
    assert lines[0].startswith("/  ")
    objects = {re.sub("^[│ ├└─]*", "", line).split("  ")[0] for line in lines}
    assert {"machine", "peripheral", "unattached", "device[0]", "device[10]"} <= objects
    numbers = [int(found[1]) for line in lines if (found := re.search(r"─ device\[(\d+)\]", line))]
    assert numbers == sorted(numbers), "device[10] comes after device[9]"
    assert len(tree(run, quiet_vm, ".tree qom / -p")) > len(lines)


def test_a_qom_tree_without_end_is_cut(table_vm: StartTableVm, run: Run) -> None:
    answers = {"qom-list": [{"name": "x", "type": "child<t>"}], "qom-get": "t"}
    result = run(table_vm("9.0.0", answers).address, "-c", ".tree qom /a")
    lines = result.stdout.splitlines()
    assert lines[0] == "/a  t"
    assert 20 < len(lines) < 50
    assert "too many objects; .tree qom /a/x/x/" in lines[-1]


def test_what_a_tree_can_be_of_is_completed(disks: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(disks.address)
    shell.wait_for_prompt()
    shell.type(".tree bl")
    shell.wait_for("^ +block +disks, nodes and backing files")
    shell.press("tab")
    shell.type(" mid")
    shell.wait_for("^ +middle +qcow2")
    shell.press("tab", "enter")
    shell.wait_for("^        └── backing: base")
    shell.wait_for_prompt()
    shell.type(".tree block dis")  # as the tree itself names the device
    shell.wait_for("^ +disk0 +qcow2")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.type(".tree qom /machine/peri")
    shell.wait_for("^ +/machine/peripheral ")
