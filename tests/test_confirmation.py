"""The question before something is lost: at a real QEMU, and at a real terminal."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from qmp_shell.errors import QMPError, ReportedError
from qmp_shell.messages import CommandError
from qmp_shell.session import Session
from tests.conftest import (
    Run,
    RunningVm,
    StartPeer,
    StartTableVm,
    StartTerminal,
    StartVm,
    create_image,
    create_image_snapshot,
)
from tests.peer import HOLD, UNTIL_PROMPT
from tests.sessions import attach, run_line
from tests.table_vm import Refusal
from tests.terminal import Terminal

# What is asked at a real QEMU


class AskedSession:
    """A session, and its user, who answers each question with no.

    :ivar questions: those that were asked.
    """

    tour = None

    def __init__(self, address: str) -> None:
        self.questions: list[str] = []
        self.session: Session = attach(address, user=self)

    def confirm(self, question: str) -> bool:
        self.questions.append(question)
        return False

    def history(self, *, human: bool) -> Sequence[str]:
        raise NotImplementedError

    def edit(self, text: str) -> None:
        raise NotImplementedError

    def ask(self, line: str) -> str:
        """The question before a line; empty: it was sent without one."""
        self.questions.clear()
        with suppress(ReportedError, CommandError):
            run_line(self.session, line)
        return self.questions[0] if self.questions else ""

    def run(self, *lines: str) -> None:
        """Run lines that nothing is asked about, and that the VM does not refuse."""
        self.questions.clear()
        for line in lines:
            run_line(self.session, line)
        assert self.questions == []


StartAsked = Callable[[str], AskedSession]


@pytest.fixture
def start_asked() -> Iterator[StartAsked]:
    started: list[AskedSession] = []

    def start(address: str) -> AskedSession:
        started.append(AskedSession(address))
        return started[-1]

    yield start
    for each in started:
        each.session.attachment.close()


@pytest.fixture
def asked(vm: RunningVm, start_asked: StartAsked) -> AskedSession:
    return start_asked(vm.address)


def test_a_disk_that_would_become_smaller(asked: AskedSession, vm: RunningVm) -> None:
    (vm.folder / "disk").write_bytes(bytes(1 << 20))
    asked.run("blockdev-add driver=file node-name=data filename=disk")
    question = "block_resize data: 1048576 to 512 bytes, 1023.5 KiB are cut off"
    assert asked.ask("block_resize node-name=data size=512") == question
    assert asked.ask('{"execute": "block_resize", "arguments": {"node-name": "data", "size": 512}}')
    assert asked.ask("block_resize node-name=data size=2M") == "", "it grows"
    with vm.second() as client:  # what was known before is not taken for granted
        client.execute("block_resize", size=4 << 20, **{"node-name": "data"})
    assert "4194304 to 1048576 bytes" in asked.ask("block_resize node-name=data size=1M")
    assert (vm.folder / "disk").stat().st_size == 4 << 20


def test_a_drive_in_the_human_monitor(start_vm: StartVm, start_asked: StartAsked) -> None:
    vm = start_vm(
        *("-drive", "if=none,id=dr0,driver=null-co,size=64M", "-device", "ide-hd,drive=dr0,id=d0")
    )
    asked = start_asked(vm.address)
    question = "block_resize dr0: 67108864 to 20971520 bytes, 44 MiB are cut off"
    assert asked.ask(".hmp block_resize dr0 20") == question
    assert asked.ask(".hmp block_resize dr0 +20M") == question
    assert asked.ask("block_resize device=dr0 size=20M") == question
    assert asked.ask(".hmp drive_del dr0") == "drive_del removes dr0, which is used by d0"
    run_line(asked.session, ".hmp")
    assert asked.ask("block_resize dr0 20") == question
    assert asked.ask("info block") == ""


def test_files_that_exist(asked: AskedSession, vm: RunningVm, tmp_path: Path) -> None:
    asked.run("blockdev-add driver=null-co node-name=d0 size=64M")
    (vm.folder / "full").write_bytes(bytes(2048))
    written = tmp_path / "a file"
    written.write_text("contents")
    for line in (
        "pmemsave val=0 size=8 filename=full",
        "memsave val=0 size=8 filename=full",
        "screendump filename=full",
        "dump-guest-memory paging=off protocol=file:full",
        "migrate uri=file:full",
        "drive-backup device=d0 target=full sync=none",
        "drive-mirror device=d0 target=full sync=none",
        "blockdev-snapshot-sync node-name=d0 snapshot-file=full snapshot-node-name=s",
        "blockdev-create job-id=j options.driver=file options.filename=full options.size=0",
        "chardev-add id=c backend={'type': 'file', 'data': {'out': 'full'}}",
        "object-add qom-type=filter-dump id=f netdev=n file=full",
        "xen-save-devices-state filename=full",
    ):
        assert asked.ask(line) == f"{line.split()[0]} writes over full, 2 KiB"
    assert asked.ask(f'.hmp pmemsave 0 8 "{written}"') == f"pmemsave writes over {written}, 8 B"
    copied = tmp_path / "a,b"
    copied.write_text("contents")
    commas = f"{tmp_path}/a,,b"
    for line in (
        f"chardev-add file,id=c,path={commas}",
        f"object_add filter-dump,id=f,file={commas}",
    ):
        assert asked.ask(f".hmp {line}") == f"{line.split()[0]} writes over {copied}, 8 B"
    assert asked.ask(f".hmp chardev-add backend=file,id=c,path={commas},append=on") == ""
    assert written.read_text() == copied.read_text() == "contents"
    for name in ("new", "/dev/null"):
        assert asked.ask(f"pmemsave val=0 size=8 filename={name}") == ""
    assert (vm.folder / "new").stat().st_size == 8
    in_json = '{"execute": "migrate", "arguments": {"channels": [{"channel-type": "main", "addr": '
    in_json += '{"transport": "file", "filename": "full", "offset": 0}}]}}'
    assert asked.ask(in_json) == "migrate writes over full, 2 KiB"


def test_a_file_of_a_node_that_is_formatted(asked: AskedSession, vm: RunningVm) -> None:
    asked.run(
        "blockdev-create job-id=j0 options={'driver': 'file', 'filename': 'disk', 'size': 0}",
        ".wait job=j0",
        "blockdev-add driver=file node-name=f filename=disk",
    )
    line = "blockdev-create job-id=j1 options={'driver': 'qcow2', 'file': 'f', 'size': 65536}"
    asked.run(line, ".wait job=j1")
    size = (vm.folder / "disk").stat().st_size
    question = asked.ask(line.replace("j1", "j2"))
    assert question == f"blockdev-create writes over disk, {size // 1024} KiB"


def test_snapshots_and_bitmaps(
    start_vm: StartVm, start_asked: StartAsked, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "disk.qcow2"
    create_image(image)
    create_image_snapshot(image, "s0")
    asked = start_asked(start_vm("-drive", f"if=ide,id=dr0,file={image}").address)
    assert asked.ask(".hmp savevm s1") == ""
    assert capfd.readouterr().out == ""
    assert asked.ask(".hmp savevm s1") == "savevm replaces the snapshot s1"
    loads = "takes the VM back to the snapshot s1; its present state is lost"
    assert asked.ask(".hmp loadvm s1") == f"loadvm {loads}"
    line = "snapshot-load job-id=j tag=s1 vmstate=d devices=['d']"
    assert asked.ask(line) == f"snapshot-load {loads}"
    assert asked.ask(".hmp delvm s0") == "delvm removes the snapshot s0"
    line = "blockdev-snapshot-delete-internal-sync device=dr0 name=s0"
    assert asked.ask(line).endswith(" removes the snapshot s0 of dr0")
    asked.run("block-dirty-bitmap-add node=dr0 name=b0")
    assert asked.ask("block-dirty-bitmap-clear node=dr0 name=b0") == "", "nothing has changed"
    (tmp_path / "overlay").write_bytes(bytes(10))
    removed = "block-dirty-bitmap-remove removes the bitmap b0 of dr0: 0 B are marked as changed"
    assert asked.ask("block-dirty-bitmap-remove node=dr0 name=b0").startswith(removed)
    question = asked.ask(
        f"transaction( blockdev-snapshot-sync device=dr0 snapshot-file={tmp_path}/overlay "
        "block-dirty-bitmap-remove node=dr0 name=b0 )"
    )
    assert question.startswith(
        f"transaction: blockdev-snapshot-sync writes over {tmp_path}/overlay, 10 B; {removed}"
    )
    assert (tmp_path / "overlay").stat().st_size == 10


def test_what_others_use(asked: AskedSession) -> None:
    asked.run(
        "object-add qom-type=iothread id=io0",
        "object-add qom-type=iothread id=io1",
        "object-add qom-type=rng-builtin id=rng0",
        "netdev_add type=hubport id=net0 hubid=0",
        "netdev_add type=hubport id=net1 hubid=0",
        "device_add driver=e1000 netdev=net0 id=nic0",
        "device_add driver=virtio-scsi-pci id=scsi0 iothread=io0",
        "device_add driver=virtio-rng-pci id=vrng rng=rng0",
        "blockdev-add driver=null-co node-name=n1 size=1M",
        "device_add driver=scsi-hd drive=n1 id=sd0 bus=scsi0.0",
        "device_add driver=qemu-xhci id=xhci",
        "device_add driver=usb-hub id=hub bus=xhci.0",
        "device_add driver=usb-kbd id=kbd bus=xhci.0 port=1.1",
    )
    too = "removes what is attached to it, too"
    assert asked.ask("device_del id=scsi0") == f"device_del scsi0 {too}: sd0"
    assert asked.ask(".hmp device_del hub") == f"device_del hub {too}: kbd"
    assert asked.ask("device_del id=/machine/peripheral/hub") == f"device_del hub {too}: kbd"
    assert asked.ask("object-del id=io0") == "object-del removes io0, which is used by scsi0"
    assert asked.ask("object-del id=rng0") == "object-del removes rng0, which is used by vrng"
    assert asked.ask("netdev_del id=net0") == "netdev_del removes net0, which is used by nic0"
    # Nothing else uses these.
    for line in ("object-del id=io1", "netdev_del id=net1", "device_del id=sd0"):
        assert asked.ask(line) == ""


def test_qemu_itself_refuses_what_is_not_asked_about(
    start_vm: StartVm, start_asked: StartAsked
) -> None:
    """Nodes, chardevs, throttle groups and memory backends that are in use."""
    asked = start_asked(start_vm("-m", "64,slots=2,maxmem=1G").address)
    asked.run(
        "blockdev-add driver=null-co node-name=n0 size=1M",
        "object-add qom-type=throttle-group id=tg0",
        "blockdev-add driver=throttle node-name=t0 file=n0 throttle-group=tg0",
        "device_add driver=virtio-blk-pci drive=t0 id=vb0",
        "blockdev-add driver=null-co node-name=n1 size=1M",
        "nbd-server-start addr={'type': 'unix', 'data': {'path': 'nbd'}}",
        "block-export-add type=nbd id=e0 node-name=n1",
        "blockdev-add driver=null-co node-name=n2 size=1G",
        "blockdev-add driver=null-co node-name=n3 size=1G",
        "blockdev-mirror job-id=j0 device=n2 target=n3 sync=full speed=1",
        "chardev-add id=c0 backend={'type': 'null', 'data': {}}",
        "device_add driver=virtio-serial-pci id=vs0",
        "device_add driver=virtconsole chardev=c0",
        "object-add qom-type=memory-backend-ram id=mem0 size=128M",
        "device_add driver=pc-dimm memdev=mem0",
    )
    for line in (
        *(f"blockdev-del node-name={node}" for node in ("n0", "t0", "n1", "n2", "n3")),
        "chardev-remove id=c0",
        "object-del id=tg0",
        "object-del id=mem0",
    ):
        with pytest.raises(CommandError, match=r"in use|busy|active references|mapped"):
            run_line(asked.session, line)
    assert asked.questions == []


def test_a_qemu_before_5_0_is_asked_otherwise(
    table_vm: StartTableVm, start_asked: StartAsked
) -> None:
    """It refuses the argument ``flat`` of ``query-named-block-nodes``."""

    def list_nodes(given: dict[str, Any]) -> object:
        if given:
            raise Refusal("GenericError", "Parameter 'flat' is unexpected")
        return [{"node-name": "d0", "image": {"virtual-size": 2048}}]

    answers = {"query-named-block-nodes": list_nodes, "block_resize": {}}
    asked = start_asked(table_vm("4.2.0", answers).address)
    line = '{{"execute": "block_resize", "arguments": {{"node-name": "d0", "size": {}}}}}'
    assert asked.ask(line.format(512)).startswith("block_resize d0: 2048 to 512 bytes")
    assert asked.ask(line.format(4096)) == ""


def test_a_qemu_before_3_0_has_block_jobs(table_vm: StartTableVm, start_asked: StartAsked) -> None:
    job = {"device": "drive0", "type": "commit", "len": 100, "offset": 50}
    vm = table_vm("2.9.0", {"query-block-jobs": [job], "quit": {}})
    asked = start_asked(vm.address)
    assert "lost with it: drive0 (commit 50%)" in asked.ask("quit")


def test_a_command_for_each_of_some_values_is_asked_about_once(
    asked: AskedSession, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        asked.run(f"blockdev-add driver=null-co node-name=n{number} size=1M")
    asked.run("query-named-block-nodes | .let nodes")
    capfd.readouterr()
    question = asked.ask(".each $nodes.*.node-name block_resize node-name=$it size=512K")
    cut = "1048576 to 524288 bytes, 512 KiB are cut off"
    assert sorted(question.split("; ")) == [f"block_resize n{n}: {cut}" for n in range(2)]
    assert capfd.readouterr().out.count("block_resize node-name=n") == 2, "they are shown first"
    asked.ask(".each $nodes.*.node-name block_resize node-name=$it size=2M")
    assert asked.questions == []
    asked.run(".set confirm all")
    assert asked.ask(".each $nodes.*.node-name query-status") == ""
    asked.questions.clear()
    question = asked.ask(".each $nodes.*.node-name blockdev-del node-name=$it")
    assert question == "blockdev-del may change the VM testvm (prelaunch)"
    assert len(asked.questions) == 1


def test_out_of_band(asked: AskedSession) -> None:
    assert asked.ask(".oob quit").startswith("quit ends the VM testvm")


def test_what_is_asked_about_can_be_chosen(asked: AskedSession) -> None:
    asked.run("blockdev-add driver=null-co node-name=d0 size=1M", ".set confirm all")
    resize = "block_resize node-name=d0 size=0"
    may = "may change the VM testvm (prelaunch)"
    assert asked.ask("query-status") == ""
    assert asked.ask(".hmp info status") == ""
    assert asked.ask("device_add driver=e1000") == f"device_add {may}"
    assert asked.ask("block_resize node-name=d0 size=2M") == f"block_resize {may}"
    assert asked.ask(".hmp savevm x") == f"savevm {may}"
    assert asked.ask(".hmp set_link a on") == f"set_link {may}"
    assert asked.ask("transaction( abort )") == f"transaction {may}"
    assert asked.ask('{"execute": 5}') == f"this {may}"
    assert "cut off" in asked.ask(resize)
    asked.run(".set confirm on")
    assert asked.ask("stop") == ""
    assert "cut off" in asked.ask(resize)
    run_line(asked.session, ".set confirm off")
    assert asked.ask(resize) == ""


def test_arguments_of_any_type(asked: AskedSession) -> None:
    names = (
        *("node-name", "device", "size", "filename", "uri", "channels", "options", "tag", "id"),
        *("target", "protocol", "command-line", "actions"),
    )
    commands = (
        *("block_resize", "pmemsave", "migrate", "blockdev-create", "snapshot-load"),
        *("device_del", "object-del", "human-monitor-command", "transaction"),
    )
    values: tuple[Any, ...] = (None, 5, -1.5, [], {"a": {}}, "", "\ud800", 10**4000)
    for value, name in itertools.product(values, commands):
        message = {"execute": name, "arguments": dict.fromkeys(names, value)}
        try:
            with suppress(QMPError):
                asked.session.executor.execute(message)
        except Exception as error:
            raise AssertionError((name, value)) from error
        assert asked.session.attachment.is_connected, (name, value)


# At a terminal


def test_a_shrinking_disk_at_a_terminal(shell: Terminal, vm: RunningVm) -> None:
    vm.add_nodes("data", size=134217728)
    shell.enter("block_resize node-name=data size=203")
    shell.wait_for(
        r"^block_resize data: 134217728 to 203 bytes, 128 MiB are cut off\. Go on\? \[y/N\]"
    )
    shell.type("n\r")
    shell.wait_for("^note: not sent$")
    shell.wait_for_prompt()


def test_a_file_is_written_over_if_the_user_confirms_it(shell: Terminal, vm: RunningVm) -> None:
    (vm.folder / "full").write_text("contents")
    for answer, size in (("n", 8), ("y", 4)):
        shell.enter("pmemsave val=0 size=4 filename=full")
        shell.wait_for(r"pmemsave writes over full, 8 B\. Go on\? \[y/N\]$")
        shell.type(f"{answer}\r")
        shell.wait_for_prompt()
        assert (vm.folder / "full").stat().st_size == size


def test_a_file_that_exists_in_human_monitor_mode(vm: RunningVm, terminal: StartTerminal) -> None:
    (vm.folder / "full").write_text("contents")
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    shell.enter("pmemsave 0 4 full")
    shell.wait_for(r"pmemsave writes over full, 8 B\. Go on\? \[y/N\]$")
    shell.type("n\r")
    shell.wait_for_prompt("(qemu) ")
    assert (vm.folder / "full").read_text() == "contents"


def test_a_vm_that_does_not_answer_is_asked_about_all_the_same(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    shell = terminal(peer(*UNTIL_PROMPT, HOLD).address)
    shell.wait_for_prompt()
    resize = '{"execute": "block_resize", "arguments": {"node-name": "d0", "size": 1}}'
    shell.enter(resize)
    shell.wait_for(r"block_resize may lose something, but the VM does not say what\. Go on\?")
    shell.type("n\r")
    shell.wait_for("^note: not sent$")


def test_nothing_is_asked_about_a_vm_that_is_gone(shell: Terminal, vm: RunningVm) -> None:
    vm.close()
    shell.wait_for("closed the connection")
    for line in ("quit", "pmemsave val=0 size=4 filename=full", ".set confirm all", ".hmp stop"):
        shell.enter(line)
        shell.wait_for_prompt()
    assert "y/N" not in shell.text


def test_scripts_overwrite_without_a_question(vm: RunningVm, run: Run) -> None:
    (vm.folder / "full").write_text("contents")
    line = "pmemsave val=0 size=4 filename=full"
    assert run(vm.address, "-c", line).returncode == 0
    assert (vm.folder / "full").stat().st_size == 4


QUIT_QUESTION = r"^quit ends the VM testvm \(prelaunch\)\. Go on\? \[y/N\]$"


def test_quit_is_sent_if_the_user_confirms_it(shell: Terminal, vm: RunningVm) -> None:
    shell.enter("quit")
    shell.wait_for(QUIT_QUESTION)
    shell.type("y\r")
    shell.wait_for("closed the connection")
    vm.process.wait(20)


@pytest.mark.parametrize("answer", ["", "n"])
def test_quit_is_not_sent_if_the_user_does_not_confirm_it(
    shell: Terminal, vm: RunningVm, answer: str
) -> None:
    shell.enter("quit")
    shell.wait_for(QUIT_QUESTION)
    shell.type(f"{answer}\r")
    shell.wait_for("^note: not sent$")
    assert vm.process.poll() is None


def test_ctrl_c_at_a_question_means_no(shell: Terminal) -> None:
    shell.enter("system_reset")
    shell.wait_for(r"\[y/N\]$")
    shell.press("ctrl-c")
    shell.wait_for("^note: not sent$")


def test_the_question_before_quit_names_running_jobs(shell: Terminal, vm: RunningVm) -> None:
    vm.start_mirror(speed=1)
    shell.enter("quit")
    shell.wait_for(r"lost with it: job0 \(mirror \d+%\)")


def test_quit_is_to_be_confirmed_in_human_monitor_mode(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    shell.enter("q")
    shell.wait_for("^quit ends the VM")
    shell.type("n\r")
    shell.wait_for_prompt("(qemu) ")
    assert vm.process.poll() is None


def test_set_confirm_off_disables_questions(shell: Terminal) -> None:
    shell.enter(".set confirm off")
    shell.wait_for_prompt()
    shell.enter("system_reset")
    shell.wait_for("RESET")
    assert "y/N" not in shell.text


def test_scripts_need_no_confirmation(vm: RunningVm, run: Run) -> None:
    assert run(vm.address, "-c", "quit").returncode == 0
    vm.process.wait(20)


def test_keys_that_the_line_editor_has_read_ahead_do_not_answer_a_question(
    shell: Terminal,
) -> None:
    shell.type("system_reset\ry\r")
    shell.wait_for(r"\[y/N\]")
    shell.type("n\r")
    shell.wait_for("note: not sent| RESET")
    assert " RESET" not in shell.text


def test_ctrl_z_suspends_the_shell_and_is_no_part_of_an_answer(shell: Terminal) -> None:
    """Nobody could continue this one, which has no shell above it, so the system goes on."""
    shell.enter("quit")
    shell.wait_for(r"Go on\? \[y/N\]")
    shell.type("\x1ay\r")
    shell.wait_for("QEMU was ended by quit")


def test_keys_typed_while_a_command_runs_do_not_answer_its_question(
    shell: Terminal, vm: RunningVm
) -> None:
    vm.process.send_signal(signal.SIGSTOP)
    shell.enter("system_reset")
    # The question names the VM's run state, for which the shell now waits.
    shell.wait_until(lambda: not shell.is_editing, "the end of editing")
    shell.type("y\r")
    shell.wait_until(lambda: shell.unread_bytes == 2, "the keys in the terminal's buffer")
    vm.process.send_signal(signal.SIGCONT)
    shell.wait_for(r"\[y/N\]")
    shell.type("n\r")
    shell.wait_for("note: not sent| RESET")
    assert " RESET" not in shell.text


def test_a_question_is_broken_at_blanks(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(vm.address, columns=42)
    shell.wait_for_prompt()
    shell.enter("quit")
    shell.wait_for(r"^quit ends the VM testvm \(prelaunch\)\.\nGo on\? \[y/N\]$")
    shell.type("y\r")
    shell.wait_for("closed the connection")


def test_pasted_lines_after_an_unconfirmed_command_are_not_run(shell: Terminal) -> None:
    shell.type("\x1b[200~system_reset\nquery-name\x1b[201~")
    shell.wait_for("query-name")
    shell.press("enter")
    shell.wait_for(r"\[y/N\]$")
    shell.type("n\r")
    shell.wait_for("^the rest is not run: 1 line; Enter runs it$")


def test_human_monitor_command_is_to_be_confirmed_for_the_same_commands(shell: Terminal) -> None:
    shell.enter("human-monitor-command command-line=system_reset")
    shell.wait_for("^system_reset resets the VM")
