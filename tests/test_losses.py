"""What a command would lose: decided from answers, files of this host, and human monitor lines."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

import qmp_shell
from qmp_shell.session.confirmation import format_question
from qmp_shell.transport import open_stream, parse_address
from qmp_shell.transport.stream import SocketStream
from qmp_shell.vm import block_records
from qmp_shell.vm.guards import GUARDS
from qmp_shell.vm.host_files import HostFile, HostFiles
from qmp_shell.vm.human_actions import parse_human_action
from qmp_shell.vm.loss import Known, Loss
from qmp_shell.vm.losses import (
    describe_change,
    find_losses,
    guarded_actions,
    questions_about,
)
from qmp_shell.vm.question import Question
from tests.conftest import PipedProcess, RunningVm, StartVm
from tests.json_values import GivenAnswers, controls, damaged, texts, values

DEVICES = r"""bus: main-system-bus
  type System
  dev: i440FX-pcihost, id ""
    bus: pci.0
      type PCI
      dev: qemu-xhci, id "xhci"
        bus: xhci.0
          type usb-bus
          dev: usb-kbd, id "kbd"
            port = "1.1"
            addr 0.0, port 1.1, speed 12, name QEMU USB Keyboard, attached
          dev: usb-mouse, id ""
            port = ""
            addr 0.0, port 11, speed 480, name QEMU USB Mouse, attached
          dev: usb-hub, id "hub"
            port = ""
            addr 0.0, port 1, speed 12, name QEMU USB Hub, attached
      dev: virtio-scsi-pci, id "scsi0"
        bus: virtio-bus
          type virtio-pci-bus
          dev: virtio-scsi-device, id ""
            iothread = "/objects/io0"
            bus: scsi0.0
              type SCSI
              dev: scsi-hd, id "sd0"
                drive = "n1"
              dev: scsi-cd, id ""
                drive = "n2"
      dev: virtio-net-pci, id "nic1"
        bus: virtio-bus
          type virtio-pci-bus
          dev: virtio-net-device, id ""
            netdev = "net1"
      dev: virtio-blk-pci, id "vb0"
        bus: virtio-bus
          type virtio-pci-bus
          dev: virtio-blk-device, id ""
            drive = "d0"
            iothread = ""
      dev: pc-dimm, id "dimm0"
        memdev = "/objects/mem0"
"""
ANSWERS: dict[str, Any] = {
    "query-name": {"name": "vm1"},
    "query-status": {"status": "running"},
    "query-jobs": [
        {
            "id": "j0",
            "type": "mirror",
            "status": "running",
            "current-progress": 34,
            "total-progress": 100,
        },
        {"id": "j1", "type": "backup", "status": "concluded"},
    ],
    "query-named-block-nodes": [
        {
            "node-name": "d0",
            "drv": "qcow2",
            "file": "/srv/d0.qcow2",
            "dirty-bitmaps": [{"name": "b0", "count": 65536}, {"name": "clean", "count": 0}],
            "image": {"virtual-size": 134217728, "snapshots": [{"name": "s0"}]},
        },
        {
            "node-name": "lu",
            "drv": "luks",
            "file": 'json:{"driver": "luks", "file": {"driver": "file", "filename": "/srv/luks"}, '
            '"key-secret": "sec0"}',
        },
        {"node-name": "raw", "drv": "file", "file": "/srv/full"},
    ],
    "query-block": [{"device": "drive0", "inserted": {"node-name": "d0"}}],
    "human-monitor-command": DEVICES,
    "qom-get": "/objects/io9",
}
FILES = {"/srv/full": 2048, "full": 1 << 20, "/srv/luks": 4096}


def find_file(path: str) -> HostFile | None:
    """Of all files, there are some, and one block device."""
    if path == "/dev/sdb":
        return HostFile(path, None)
    return HostFile(path, FILES[path]) if path in FILES else None


def ask(message: dict[str, Any], view: GivenAnswers | None = None) -> str:
    """What would be asked before a message."""
    known = Known(view or GivenAnswers(ANSWERS), find_file)
    return format_question(find_losses(guarded_actions(message), known))


def command(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {
        "execute": name,
        "arguments": {key.replace("_", "-"): value for key, value in arguments.items()},
    }


def human(line: str) -> dict[str, Any]:
    return command("human-monitor-command", command_line=line)


RAW = {"driver": "raw", "file": {"driver": "file", "filename": "/srv/full"}}
CHARDEV = {"type": "file", "data": {"out": "full"}}
MAIN = {"channel-type": "main", "addr": {"transport": "file", "filename": "full", "offset": 0}}


@pytest.mark.parametrize(
    ("message", "question"),
    [
        (command("quit"), "quit ends the VM vm1 (running); lost with it: j0 (mirror 34%)"),
        ({"exec-oob": "quit"}, "quit ends the VM vm1 (running); lost with it: j0 (mirror 34%)"),
        (
            command("system_reset"),
            "system_reset resets the VM vm1 (running), as its reset button does",
        ),
        (
            command("system_powerdown"),
            "system_powerdown asks the guest of the VM vm1 (running) to shut down",
        ),
        (
            command("block_resize", node_name="d0", size=203),
            "block_resize d0: 134217728 to 203 bytes, 128 MiB are cut off",
        ),
        (
            command("block_resize", device="drive0", size=67108864),
            "block_resize drive0: 134217728 to 67108864 bytes, 64 MiB are cut off",
        ),
        (
            command("block-dirty-bitmap-clear", node="drive0", name="b0"),
            "block-dirty-bitmap-clear empties the bitmap b0 of drive0: 64 KiB are marked as "
            "changed in it",
        ),
        (
            command("block-dirty-bitmap-remove", node="d0", name="clean"),
            "block-dirty-bitmap-remove removes the bitmap clean of d0: 0 B are marked as changed "
            "in it",
        ),
        (
            command("snapshot-load", job_id="j", tag="s0", vmstate="d0", devices=["d0"]),
            "snapshot-load takes the VM back to the snapshot s0; its present state is lost",
        ),
        (
            command("snapshot-delete", job_id="j", tag="s0", devices=["d0", "d1"]),
            "snapshot-delete removes the snapshot s0 of d0, d1",
        ),
        (
            command("blockdev-snapshot-delete-internal-sync", device="drive0", id="1"),
            "blockdev-snapshot-delete-internal-sync removes the snapshot 1 of drive0",
        ),
        (
            command("blockdev-snapshot-sync", node_name="d0", snapshot_file="/srv/full"),
            "blockdev-snapshot-sync writes over /srv/full, 2 KiB",
        ),
        (
            command("drive-mirror", device="d0", target="file:full", sync="full"),
            "drive-mirror writes over full, 1 MiB",
        ),
        (
            command("drive-backup", device="d0", target="/dev/sdb", mode="absolute-paths"),
            "drive-backup writes over the block device /dev/sdb",
        ),
        (
            command("blockdev-create", options={"driver": "file", "filename": "full"}),
            "blockdev-create writes over full, 1 MiB",
        ),
        (
            command("blockdev-create", options={"driver": "qcow2", "file": "raw"}),
            "blockdev-create writes over /srv/full, 2 KiB",
        ),
        (
            command("blockdev-create", options={"driver": "qcow2", "file": RAW}),
            "blockdev-create writes over /srv/full, 2 KiB",
        ),
        (
            command("dump-guest-memory", paging=False, protocol="file:/srv/full"),
            "dump-guest-memory writes over /srv/full, 2 KiB",
        ),
        (
            command("chardev-change", id="c0", backend=CHARDEV),
            "chardev-change writes over full, 1 MiB",
        ),
        (human("chardev-change c0 file,path=full"), "chardev-change writes over full, 1 MiB"),
        (
            command("chardev-add", id="c0", backend={"type": "null", "data": {"logfile": "full"}}),
            "chardev-add writes over full, 1 MiB",
        ),
        (human("chardev-add null,id=c0,logfile=full"), "chardev-add writes over full, 1 MiB"),
        (human("wavcapture full snd0"), "wavcapture writes over full, 1 MiB"),
        (human("dump-skeys full"), "dump-skeys writes over full, 1 MiB"),
        (command("screendump", filename="full"), "screendump writes over full, 1 MiB"),
        (command("pmemsave", filename="full"), "pmemsave writes over full, 1 MiB"),
        (command("memsave", filename="full"), "memsave writes over full, 1 MiB"),
        (command("migrate", uri="file:full"), "migrate writes over full, 1 MiB"),
        (command("migrate", uri="file:full,offset=4K"), "migrate writes over full, 1 MiB"),
        (command("migrate", channels=[MAIN]), "migrate writes over full, 1 MiB"),
        (
            command("device_del", id="scsi0"),
            "device_del scsi0 removes what is attached to it, too: sd0, scsi-cd",
        ),
        (
            command("device_del", id="/machine/peripheral/hub"),
            "device_del hub removes what is attached to it, too: kbd",
        ),
        (command("netdev_del", id="net1"), "netdev_del removes net1, which is used by nic1"),
        (command("object-del", id="io0"), "object-del removes io0, which is used by scsi0"),
        (command("object-del", id="sec0"), "object-del removes sec0, which is used by lu"),
    ],
)
def test_what_is_asked_before_something_is_lost(message: dict[str, Any], question: str) -> None:
    assert ask(message) == question


@pytest.mark.parametrize(
    "message",
    [
        {},
        command("query-status"),
        command("qom-set", path="/machine", property="a", value=1),
        command("block_resize", node_name="d0", size=134217728),
        command("block_resize", node_name="d0", size=1 << 40),
        command("block_resize", node_name="d0", size=-1),
        command("block_resize", node_name="no such", size=1),
        command("block_resize", device="", size=1),
        command("block_resize", size=1),
        command("block-dirty-bitmap-clear", node="d0", name="clean"),
        command("block-dirty-bitmap-clear", node="d0", name="no such"),
        command("blockdev-snapshot-sync", snapshot_file="/srv/new"),
        command("drive-mirror", target="/srv/full", mode="existing"),
        command("drive-backup", target="nbd:/srv/full"),
        command("blockdev-create", options={"driver": "file", "filename": "file:full"}),
        command("blockdev-create", options={"driver": "qcow2", "file": "no such"}),
        command("dump-guest-memory", protocol="fd:/srv/full"),
        human("chardev-add file,id=c0,path=new,logfile=full,logappend=on"),
        command("migrate", uri="tcp:host:1"),
        command("migrate", uri="exec:cat > /srv/full"),
        command("migrate", channels=[{"addr": {"transport": "rdma", "filename": "full"}}, 5]),
        command("device_del", id="vb0"),
        command("device_del", id="kbd"),
        command("device_del", id="no such"),
        command("device_del", id=""),
        command("netdev_del", id="net9"),
        command("netdev_del", id=""),
        command("object-del", id="unused"),
        command("object-del", id=""),
        # QEMU refuses these.
        command("object-del", id="mem0"),
        command("blockdev-del", node_name="d0"),
        command("chardev-remove", id="c0"),
        human("info block"),
        human("savevm new"),
        human("savevm"),
        human("drive_del d9"),
        human("no such command"),
        human(""),
    ],
    ids=str,
)
def test_what_loses_nothing_is_not_asked_about(message: dict[str, Any]) -> None:
    assert ask(message) == ""


def test_the_actions_of_a_transaction_are_asked_about_at_once() -> None:
    def action(name: str, /, **data: Any) -> dict[str, Any]:
        return {"type": name, "data": command(name, **data)["arguments"]}

    clear = action("block-dirty-bitmap-clear", node="d0", name="b0")
    snapshot = action("blockdev-snapshot-sync", node_name="d0", snapshot_file="full")
    harmless = action("block-dirty-bitmap-add", node="d0", name="b1")
    assert ask(command("transaction", actions=[harmless])) == ""
    assert ask(command("transaction", actions=[clear, harmless, snapshot])) == (
        "block-dirty-bitmap-clear empties the bitmap b0 of d0: 64 KiB are marked as "
        "changed in it; blockdev-snapshot-sync writes over full, 1 MiB"
    )
    assert ask(command("transaction", actions=[snapshot] * 9)).endswith("full, 1 MiB; 4 more")


@pytest.mark.parametrize("message", [command("cont"), human("c"), human("cont")], ids=str)
def test_a_vm_that_has_migrated_is_not_continued_unasked(message: dict[str, Any]) -> None:
    migrated = GivenAnswers({"query-status": {"status": "postmigrate"}})
    question = "cont runs a VM that has migrated; if it runs in both places, its disks are damaged"
    assert ask(message, migrated) == question
    assert ask(message) == ""


def test_long_lists_and_names_are_bounded() -> None:
    devices = [f"d{number}" for number in range(1000)]
    question = ask(command("snapshot-delete", tag="x" * 1000, devices=devices))
    assert question.endswith("... of d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, 990 more")
    assert len(question) < 400


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_a_vm_that_does_not_answer_is_asked_about(name: str) -> None:
    """What depends on an answer may be lost; what does not is told as it is."""
    messages = {
        "block_resize": command(name, node_name="d0", size=1),
        "savevm": human("savevm s0"),
        "drive_del": human("drive_del d0"),
        "blockdev-create": command(name, options={"driver": "qcow2", "file": "d0"}),
        "chardev-add": command(name, backend=CHARDEV),
        "chardev-change": command(name, id="c0", backend=CHARDEV),
        "object-add": command(name, qom_type="filter-dump", file="full"),
    }

    class Silent(GivenAnswers):
        def lacks(self, _: Any, /) -> bool:
            return False

        def get(self, _: Any, /) -> None:
            return None

    if name == "cont":
        assert ask(command("cont"), Silent({})) == "", "most VMs have not migrated"
        return
    given = {"id": "x", "tag": "s0", "name": "b0", "node": "d0", "filename": "full"}
    given |= {"target": "full", "snapshot-file": "full", "protocol": "file:full", "path": "full"}
    message = messages.get(name, command(name, uri="file:full", **given))
    question = ask(message, Silent({}))
    depends = {
        *("block_resize", "block-dirty-bitmap-clear", "block-dirty-bitmap-remove", "savevm"),
        *("blockdev-create", "device_del", "object-del", "netdev_del", "drive_del"),
    }
    unknown = f"{name} may lose something, but the VM does not say what"
    assert question == unknown if name in depends else question not in ("", unknown)
    assert ask(command("quit"), Silent({})) == "quit ends the VM"


class Partial(GivenAnswers):
    """Answers of which one is not there: the VM lacks the command, or has not answered it."""

    def __init__(self, command: str, *, is_lacking: bool) -> None:
        text = DEVICES.replace('            iothread = ""\n', "")
        super().__init__({**ANSWERS, "human-monitor-command": text})
        self._command = command
        self._is_lacking = is_lacking

    def get(self, question: Question[Any], /) -> Any:
        return None if question.command == self._command else super().get(question)

    def lacks(self, question: Question[Any], /) -> bool:
        return self._is_lacking and question.command == self._command


def test_a_peer_without_devices_is_not_asked_about_them() -> None:
    """A storage daemon has no human monitor."""
    view = Partial("human-monitor-command", is_lacking=True)
    assert ask(command("object-del", id="io0"), view) == ""
    assert ask(command("object-del", id="sec0"), view) != ""


@pytest.mark.parametrize("missing", ["human-monitor-command", "query-named-block-nodes", "qom-get"])
def test_an_object_may_be_used_as_long_as_an_answer_is_missing(missing: str) -> None:
    question = ask(command("object-del", id="io0"), Partial(missing, is_lacking=False))
    assert question == "object-del may lose something, but the VM does not say what"


def test_links_that_the_vm_does_not_print_are_asked_for() -> None:
    text = DEVICES.replace('            iothread = ""\n', "")
    view = GivenAnswers({**ANSWERS, "human-monitor-command": text})
    question = ask(command("object-del", id="io9"), view)
    assert question == "object-del removes io9, which is used by vb0"


@pytest.mark.parametrize(
    ("line", "name", "command_", "arguments"),
    [
        ("q", "quit", "quit", {}),
        ("  system_reset ", "system_reset", "system_reset", {}),
        ("block_resize d0 20", "", "block_resize", {"device": "d0", "size": 20 << 20}),
        ("block_resize d0 1.5", "", "block_resize", {"device": "d0", "size": 3 << 19}),
        ("block_resize d0 1.5G", "", "block_resize", {"device": "d0", "size": 3 << 29}),
        ("block_resize d0 +1g", "", "block_resize", {"device": "d0", "size": 1 << 30}),
        ("block_resize d0 512B", "", "block_resize", {"device": "d0", "size": 512}),
        ("block_resize d0 0x1e", "", "block_resize", {"device": "d0", "size": 30 << 20}),
        ("block_resize d0 x", "", "block_resize", {"device": "d0", "size": None}),
        ("loadvm s0", "", "snapshot-load", {"tag": "s0"}),
        ("delvm s0", "", "snapshot-delete", {"tag": "s0"}),
        (r'screendump "a b\"c" -f png', "", "screendump", {"filename": 'a b"c'}),
        ('screendump "a b', "", "screendump", {"filename": "a b"}),
        ("pmemsave 0x100 + 1 16 x", "", "pmemsave", {"filename": "x"}),
        ("memsave", "", "memsave", {}),
        ("dump-guest-memory -z x", "", "dump-guest-memory", {"protocol": "file:x"}),
        ("migrate -d file:x", "", "migrate", {"uri": "file:x"}),
        (
            "drive_mirror -n -f d0 x qcow2",
            "",
            "drive-mirror",
            {"device": "d0", "target": "x", "mode": "existing"},
        ),
        ("snapshot_blkdev d0 x", "", "blockdev-snapshot-sync", {"device": "d0"}),
        ("object_del io0", "", "object-del", {"id": "io0"}),
        ("info block", "", "", {}),
        ("", "", "", {}),
        (None, "", "", {}),
        (5, "", "", {}),
    ],
)
def test_human_monitor_lines_as_qmp_commands(
    line: object, name: str, command_: str, arguments: dict[str, Any]
) -> None:
    found = parse_human_action(line)
    assert found.name == (name or (line.split() or [""])[0] if isinstance(line, str) else "")
    assert found.command == command_
    assert {key: found.arguments.get(key) for key in arguments} == arguments


def test_human_monitor_lines_are_asked_about_by_their_own_names() -> None:
    assert ask(human("block_resize drive0 64")).startswith("block_resize drive0: 134217728 to")
    assert ask(human("snapshot_blkdev d0 full")) == "snapshot_blkdev writes over full, 1 MiB"
    assert ask(human("savevm s0")) == "savevm replaces the snapshot s0"
    assert ask(human("drive_del n1")) == "drive_del removes n1, which is used by sd0"


# The VM's answers and a JSON line may hold anything.

arguments = st.dictionaries(
    st.sampled_from(
        [
            *("id", "tag", "devices", "node", "name", "node-name", "device", "size", "target"),
            *("filename", "uri", "channels", "options", "protocol", "snapshot-file", "mode"),
            "command-line",
        ]
    ),
    st.one_of(values, st.sampled_from(["d0", "b0", "full", 5, [MAIN], RAW, "scsi0", "io0"])),
)


@hypothesis.given(answers=damaged(ANSWERS), other=values, given=arguments, text=texts)
def test_any_answers_and_arguments_make_one_safe_line(
    answers: Any, other: object, given: dict[str, Any], text: str
) -> None:
    view = GivenAnswers(answers if isinstance(answers, dict) else {}, other)
    known = Known(view, lambda path: HostFile(path, 5))
    actions = [{"type": name, "data": given} for name in GUARDS]
    for message in (
        *({"execute": name, "arguments": given} for name in GUARDS),
        command("transaction", actions=other),
        command("transaction", actions=actions),
        *(human(f"{name} {text}") for name in ("block_resize", "drive_del", "savevm", "migrate")),
        {"execute": other, "arguments": other},
    ):
        actions_found = guarded_actions(message)
        assert isinstance(questions_about(actions_found), list)
        losses = find_losses(actions_found, known)
        shown = format_question([*losses, ("", describe_change(known))])
        assert (controls(shown), shown.count("\n")) == ("", 0)
        assert shown


def test_a_brace_in_a_name_is_a_brace() -> None:
    loss = Loss("{} is lost", ("{0} {x} {",))
    assert format_question([("a", loss)]) == "a {0} {x} { is lost"


@pytest.mark.parametrize(
    ("file", "ids"),
    [
        ('json:{"driver": "luks", "key-secret": "s"}', {"s"}),
        ('json:{"encrypt": {"format": "luks", "key-secret": "s"}}', {"s"}),
        ('json:{"encrypt.key-secret": "s", "tls-creds": "t"}', {"s", "t"}),
        ('json:{"driver": "raw", "file": {"key-secret": "s"}}', set()),
        ('json:{"key-secret": 5}', set()),
        ("json:" + '{"a":' * 5000 + "1" + "}" * 5000, set()),
        ("json:[]", set()),
        ("/srv/secret", set()),
        (None, set()),
    ],
)
def test_the_secrets_of_a_node(file: object, ids: set[str]) -> None:
    assert block_records.parse_secrets(file) == ids


# Files of this host


def test_files_that_qemu_would_write_over(start_vm: StartVm, tmp_path: Path) -> None:
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    vm = start_vm(cwd=cwd)
    (cwd / "full").write_text("contents")
    (cwd / "empty").touch()
    (cwd / "link").symlink_to("full")
    os.mkfifo(cwd / "pipe")
    with qmp_shell.connect(vm.address) as client:
        files = HostFiles(client.peer_pid)
        for path in ("full", str(cwd / "full"), "link", f"../{cwd.name}/full"):
            assert files.find(path) == HostFile(path, 8)
        none = ("", "empty", "new", "pipe", ".", "no/such", "/dev/null", "a\0b", "\ud800")
        assert [path for path in none if files.find(path) is not None] == []


def test_a_block_device_has_no_size(vm: RunningVm, monkeypatch: pytest.MonkeyPatch) -> None:
    with qmp_shell.connect(vm.address) as client:
        files = HostFiles(client.peer_pid)
    status = os.stat_result((0o060660, *[0] * 9))
    monkeypatch.setattr(os, "stat", lambda _: status)
    assert files.find("/dev/sdb") == HostFile("/dev/sdb", None)


def test_what_only_the_owner_of_qemu_may_see_is_looked_up_directly(
    vm: RunningVm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").write_text("contents")
    stat: Callable[[str], os.stat_result] = os.stat

    def refuse(path: str) -> os.stat_result:
        if path.startswith("/proc/"):
            raise PermissionError
        return stat(path)

    with qmp_shell.connect(vm.address) as client:
        files = HostFiles(client.peer_pid)
    monkeypatch.setattr(os, "stat", refuse)
    assert files.find(str(tmp_path / "full")) == HostFile(str(tmp_path / "full"), 8)
    assert files.find("full") is None, "the working directory is not known"


_FORWARDER = """
import socket, sys
open("/proc/self/comm", "w").write("ssh")
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
sys.stdin.read()
"""


def test_a_forwarded_socket_leads_to_no_files(folder: Path) -> None:
    """The VM that ssh forwards a socket of is on another host."""
    (folder / "full").write_text("contents")
    near = str(folder / "near.sock")
    with (
        PipedProcess(sys.executable, "-c", _FORWARDER, near, env={}) as process,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        assert process.read_line() == "listening\n"
        connection.connect(near)
        assert HostFiles(SocketStream(connection).peer_pid).find(str(folder / "full")) is None
        process.close_input()


def test_a_vm_on_another_host_leads_to_no_files(vm: RunningVm, folder: Path) -> None:
    """The program that carries the connection is on this one."""
    (folder / "full").write_text("contents")
    address = parse_address(f"exec:socat - UNIX-CONNECT:{vm.address}", programs=True)
    with qmp_shell.connect(address) as client:
        assert HostFiles(client.peer_pid).find(str(folder / "full")) is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = open_stream(parse_address(f"127.0.0.1:{server.getsockname()[1]}"), timeout=20)
        assert stream.peer_pid is None
        stream.close()
