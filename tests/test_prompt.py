"""The prompt in a real terminal, its screen read back, on a real QEMU."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.questions import COMMANDS, RUN_STATE
from tests.conftest import (
    RunningVm,
    StartPeer,
    StartTerminal,
    StartVm,
    create_image,
    create_image_snapshot,
)
from tests.peer import ACCEPTED, GREETING, HOLD
from tests.terminal import Terminal


def test_the_banner_names_the_vm_and_its_version(shell: Terminal, vm: RunningVm) -> None:
    with vm.second() as client:
        assert client.greeting is not None
        version = client.greeting["version"]["qemu"]
    number = f"{version['major']}.{version['minor']}.{version['micro']}"
    assert shell.lines[0].startswith(f"testvm, QEMU {number}")
    assert shell.lines[0].endswith(", prelaunch")


def test_a_command_and_its_reply(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    assert '(QEMU) query-name\n{\n  "return": {\n    "name": "testvm"\n  }\n}\n' in shell.text
    assert shell.colours('"name"') == {"cyan"}
    assert shell.colours('"testvm"') == {"green"}


def test_an_error_reply_is_red(shell: Terminal) -> None:
    shell.enter("device_del id=nonesuch")
    shell.wait_for('"DeviceNotFound"')
    assert shell.colours('"DeviceNotFound"') == {"red"}


def test_without_colours(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal("--color", "never", vm.address)
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    assert not re.search(rb"\x1b\[[0-9;]*3[1-6]m", shell.raw)


def test_a_line_that_cannot_be_read_is_marked(shell: Terminal) -> None:
    shell.enter("device_add driver=e1000 id")
    shell.wait_for("no value")
    at = shell.lines.index("(QEMU) device_add driver=e1000 id")
    assert shell.lines[at + 1] == " " * 31 + "^ 'id' has no value; write key=value"
    shell.wait_for_prompt()


def test_the_column_of_an_error_is_named_if_the_line_is_wider_than_the_terminal(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, columns=40)
    shell.wait_for_prompt()
    shell.enter("device_add driver=virtio-net-pci id=a0 oops")
    shell.wait_for("column 40: 'oops' has no value")


def test_a_bracket_that_is_open_goes_on_on_the_next_line(shell: Terminal) -> None:
    shell.type("send-key keys=[{'type': 'qcode',")
    shell.press("enter")
    shell.wait_until(lambda: shell.cursor_line == "", "a second line")
    shell.enter("'data': 'ret'}]")
    shell.wait_for(r'"return": \{\}')
    assert "(QEMU) send-key keys=[{'type': 'qcode',\n       'data': 'ret'}]\n" in shell.text


def test_lines_that_are_pasted_are_run_one_by_one(shell: Terminal) -> None:
    shell.type("\x1b[200~query-name\n\nquery-kvm\x1b[201~")
    shell.wait_for("query-kvm")
    shell.press("enter")
    shell.wait_for('"testvm"')
    shell.wait_for('"enabled"')


def test_a_transaction(start_vm: StartVm, terminal: StartTerminal, folder: Path) -> None:
    disk = folder / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    vm = start_vm("-blockdev", f"driver=file,node-name=d0,filename={disk}")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.enter("block-dirty-bitmap-add node=d0 name=b0")
    shell.enter("oops oops")
    shell.wait_for("'oops' has no value")
    shell.wait_for_prompt("TRANS> ")
    shell.enter(")")
    shell.wait_for(r'"return": \{\}')
    shell.wait_for_prompt()
    with vm.second() as client:
        (node,) = client.execute("query-named-block-nodes")
        assert [bitmap["name"] for bitmap in node["dirty-bitmaps"]] == ["b0"]


def test_ctrl_c_drops_the_line_and_the_transaction(shell: Terminal) -> None:
    shell.type("query-na")
    shell.wait_for("query-na")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


def test_ctrl_d_leaves_and_the_vm_goes_on(shell: Terminal, vm: RunningVm) -> None:
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    with qmp_shell.connect(vm.address) as client:
        assert client.execute("query-name") == {"name": "testvm"}


def test_an_event_appears_above_the_line_being_typed(shell: Terminal, vm: RunningVm) -> None:
    vm.run("cont")
    shell.wait_for("RESUME")
    shell.type("query-st\x1b[D\x1b[D")
    shell.wait_until(lambda: shell.cursor_line.endswith("query-st"), "the typed line")
    shell.wait_until(lambda: shell.cursor_column == 13, "the cursor between its letters")
    vm.run("stop")
    shell.wait_for(r"^\d\d:\d\d:\d\d\.\d\d\d STOP$")
    shell.wait_until(lambda: shell.cursor_line.startswith("(QEMU) query-st"), "the line below")
    assert shell.cursor_column == 13
    event = next(y for y, line in enumerate(shell.lines) if line.endswith("STOP"))
    typed = next(y for y, line in enumerate(shell.lines) if line.startswith("(QEMU) query-st"))
    assert typed == event + 1


def test_an_event_leaves_what_is_typed_ready_to_run(shell: Terminal, vm: RunningVm) -> None:
    shell.type("query-")
    shell.wait_for("query-")
    vm.run("cont")
    shell.wait_for("RESUME")
    shell.enter("name")
    shell.wait_for('"testvm"')


def test_a_flood_of_events_leaves_none_out(peer: StartPeer, terminal: StartTerminal) -> None:
    events = b"".join(b'{"event": "E%d"}' % number for number in range(500))
    commands = json.dumps({"return": [{"name": "test"}], "id": 4}).encode()
    name = b'{"return": {"name": "flood"}, "id": 2}{"return": {"status": "running"}, "id": 3}'
    server = peer(GREETING, ACCEPTED, b"", name, commands + events, HOLD)
    shell = terminal(server.address, rows=50)
    shell.wait_for_prompt()
    shell.type("te")
    shell.wait_for("E499$")
    shell.wait_for(r"^\(QEMU\) te")
    seen = re.findall(rb"E(\d+)\r?\n", re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shell.raw))
    assert list(map(int, seen)) == list(range(500))


def test_completion_of_command_names(shell: Terminal) -> None:
    shell.type("query-na")
    shell.wait_for("^ +query-name ")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) query-name$")
    shell.press("enter")
    shell.wait_for('"testvm"')


def test_completion_is_fuzzy(shell: Terminal) -> None:
    shell.type("qnbn")
    shell.wait_for("query-named-block-nodes")


def test_completion_offers_what_has_all_letters_in_a_row_if_anything_has(shell: Terminal) -> None:
    shell.type("query-st")
    shell.wait_for("^ +query-status ")
    assert "query-fdsets" not in shell.text
    shell.press("escape")
    shell.wait_until(lambda: "query-status" not in shell.text, "the menu's end")
    shell.type("atus")
    shell.wait_for(r"^\(QEMU\) query-status$")


def test_completion_of_dot_commands_has_descriptions(shell: Terminal) -> None:
    shell.type(".co")
    shell.wait_for(r"^ +\.connect +attach to this VM again")


def test_completion_of_arguments_and_values(shell: Terminal) -> None:
    shell.type("set_link na")
    shell.wait_for(r"^ +name= +str, required")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) set_link name=$")
    shell.type("x up=f")
    shell.wait_for(r"^ +false +or off, no")
    shell.press("tab", "enter")
    shell.wait_for("DeviceNotFound")
    assert "(QEMU) set_link name=x up=false" in shell.lines


def test_completion_of_a_drivers_properties(shell: Terminal) -> None:
    shell.type("device_add driver=e100")
    shell.wait_for(r"^ +e1000 +bus PCI")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) device_add driver=e1000$")
    shell.type(" mac")
    shell.wait_for(r"^ +mac= +str, optional: Ethernet")


def test_completion_in_quotes(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some disk").touch()
    shell.type('memsave val=0 size=1 filename="some')
    shell.wait_for("^ +some disk$")
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some disk"$')
    shell.interrupt()
    shell.wait_for_prompt()
    shell.type("memsave val=0 size=1 filename=some")
    shell.wait_for("^ +some disk$")
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some disk"$')


def test_completion_goes_down_into_folders(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some folder").mkdir()
    (tmp_path / "some folder" / "a disk").touch()
    shell.type("memsave val=0 size=1 filename=some")
    shell.wait_for("^ +some folder/$")
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some folder/$')
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some folder/a disk"$')


def test_an_exact_name_comes_first(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    shell.type("stop")
    shell.wait_for("^ +stopcapture ")
    shell.press("tab", "enter")
    shell.wait_for_prompt("(qemu) ")
    assert "(qemu) stop" in shell.lines


def test_a_dash_is_as_good_as_an_underscore(shell: Terminal) -> None:
    shell.type("device-ad")
    shell.wait_for("^ +device_add ")


def test_help_from_the_midst_of_a_line(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(vm.address, rows=90)
    shell.wait_for_prompt()
    shell.enter("object-add qom-type=iothread ?")
    shell.wait_for("poll-max-ns")


def test_the_toolbar_shows_the_signature(shell: Terminal) -> None:
    shell.type("set_link nam")
    shell.wait_for(r"^set_link name=str up=bool$")
    shell.type("e=x ")
    shell.wait_until(lambda: shell.colours("name=str") == {"brightblack"}, "what is given, dimmed")
    shell.type("up")
    shell.wait_until(lambda: shell.is_bold("up=bool"), "the argument that is typed, in bold")


def test_the_toolbar_fits_a_narrow_terminal(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(vm.address, columns=40)
    shell.wait_for_prompt()
    shell.type("blockdev-mirror device=a on-target-error=")
    shell.wait_for(r"^blockdev-mirror \.\.\. \[on-target-error=")


def test_what_is_unknown_is_marked_while_typing(shell: Terminal) -> None:
    shell.type("device_del ")
    shell.wait_for(r"^device_del id=str$")
    shell.type("idd=x")
    shell.wait_for("idd=x$")
    shell.wait_until(lambda: shell.colours("idd") == {"red"}, "the mark")
    assert "red" not in shell.colours("device_del")


def test_hints(shell: Terminal) -> None:
    shell.enter("device_del idd=x")
    shell.wait_for_prompt()
    assert "hint: no argument idd; did you mean id?" in shell.lines
    shell.enter("quer-status")
    shell.wait_for_prompt()
    assert "hint: no command quer-status; did you mean query-status or" in shell.text


def test_what_is_unstable_is_noted_once(shell: Terminal) -> None:
    line = "x-query-roms"
    for _ in range(2):
        shell.enter(line)
        shell.wait_for_prompt()
    assert shell.text.count("note: x-query-roms is unstable") == 1


def test_help_for_a_command(shell: Terminal) -> None:
    shell.enter("set_link ?")
    shell.wait_for_prompt()
    assert "      true to set the link status to be up" in shell.lines
    assert any(line.startswith("  set_link name=") for line in shell.lines)


def test_a_prompt_without_a_vm(terminal: StartTerminal, schema_file: Path, vm: RunningVm) -> None:
    shell = terminal("--schema", str(schema_file))
    shell.wait_for_prompt()
    assert shell.lines[0] == "no VM, only its schema: lines are checked and not sent"
    shell.type("set_li")
    shell.wait_for(r"^ +set_link ")
    shell.enter("nk name=5 up=on")
    shell.wait_for_prompt()
    sent = '{"execute": "set_link", "arguments": {"name": "5", "up": true}}'
    assert sent in shell.lines
    shell.enter("set_link nam=5")
    shell.wait_for("^set_link: no argument nam; did you mean name.$")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.address}")
    shell.wait_for("there is nothing to connect to")


def test_history_lasts_from_one_run_to_the_next(
    shell: Terminal, vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    for line in ("query-name", "query-kvm", "set_password protocol=vnc password=hunter2"):
        shell.enter(line)
        shell.wait_for_prompt()
    shell.press("ctrl-d")
    shell.wait_for_end()

    again = terminal(vm.address)
    again.wait_for_prompt()
    again.press("up")
    again.wait_for(r"^\(QEMU\) query-kvm$")
    again.interrupt()
    again.wait_for_prompt()
    again.type("query-n")
    again.wait_for(r"^\(QEMU\) query-name$")  # the suggestion
    again.press("up")
    again.wait_until(lambda: again.cursor_column == 17, "the cursor at the end of query-name")
    again.interrupt()
    again.wait_for_prompt()
    again.press("ctrl-r")
    again.type("nam")
    again.wait_for("i-search.*nam.*query-name")
    again.press("enter", "enter")
    again.wait_for('"testvm"')

    path = Path(environment["XDG_STATE_HOME"]) / "qmp-shell" / "history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "hunter2" not in path.read_text()


def test_each_mode_has_a_history(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.enter(".hmp")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("info name")
    shell.wait_for("^testvm$")
    shell.wait_for_prompt("(qemu) ")
    shell.press("up")
    shell.wait_for(r"^\(qemu\) info name$")
    shell.press("up")
    shell.interrupt()
    shell.wait_for_prompt("(qemu) ")
    shell.enter(".qmp")
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) .hmp$")


def test_the_history_command(shell: Terminal) -> None:
    for line in ("query-name", "query-kvm", "query-uuid"):
        shell.enter(line)
        shell.wait_for_prompt()
    shell.enter(".history 2")
    shell.wait_for("query-uuid\n.history 2\n")
    assert "query-kvm\nquery-uuid" not in shell.text


def test_a_tall_reply_goes_to_the_pager(
    vm: RunningVm, terminal: StartTerminal, environment: dict[str, str], tmp_path: Path
) -> None:
    paged = tmp_path / "paged"
    environment["PAGER"] = f"tee {paged}"
    shell = terminal(vm.address, rows=12)
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    assert not paged.exists()
    shell.enter("query-commands")
    shell.wait_until(paged.exists, "the pager")
    shell.wait_for_prompt()
    assert "query-block" in paged.read_text()
    paged.unlink()
    shell.enter(".set pager off")
    shell.wait_for_prompt()
    shell.enter("query-commands")
    shell.wait_until(lambda: shell.lines[-2] == "}" or "}" in shell.lines, "the end of the reply")
    shell.wait_for_prompt()
    assert not paged.exists()


def test_a_pager_that_is_not_there(
    vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    environment["PAGER"] = "/nonesuch/pager"
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("query-commands")
    shell.wait_for("^}$")
    shell.wait_for_prompt()


def test_human_monitor_mode(shell: Terminal) -> None:
    shell.enter(".hmp info name")
    shell.wait_for("^testvm$")
    shell.wait_for_prompt()
    shell.enter(".hmp")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("info status")
    shell.wait_for(r"^VM status: paused")
    shell.type("info na")
    shell.wait_for("name +show the current VM name")
    shell.press("tab")
    shell.wait_for(r"^\(qemu\) info name$")
    shell.interrupt()
    shell.wait_for_prompt("(qemu) ")
    shell.type("device_a")
    shell.wait_for("device_add +add device, like -device")
    shell.interrupt()
    shell.enter(".qmp")
    shell.wait_for_prompt()


def test_human_monitor_remembers_the_cpu(start_vm: StartVm, terminal: StartTerminal) -> None:
    shell = terminal("-H", start_vm("-smp", "2").address)
    shell.wait_for_prompt("(qemu) ")
    shell.enter("cpu 1")
    shell.enter("info cpus")
    shell.wait_for(r"^\* CPU #1")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("cpu 7")
    shell.wait_for("invalid CPU index")
    shell.enter("info cpus")
    shell.wait_until(lambda: shell.text.count("* CPU #1") == 2, "CPU 1 once more")


def test_a_lost_vm_can_be_attached_again(shell: Terminal, vm: RunningVm, start_vm: StartVm) -> None:
    shell.enter(".set pretty off")
    shell.wait_for_prompt()
    shell.type("query-na")
    shell.wait_for("query-na")
    vm.close()
    shell.wait_for("^the VM closed the connection$")
    shell.wait_for(r"^\.connect attaches again")
    shell.enter("me")
    shell.wait_until(
        lambda: shell.text.count("the VM closed the connection") == 2, "why it can't be run"
    )
    shell.enter(".connect")
    shell.wait_for("nobody listens there")
    shell.enter(f".connect {start_vm(name='other').address}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('^{"return": {"name": "other"}}$')


def test_ctrl_c_gives_the_prompt_back_and_the_late_reply_is_shown_as_such(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    server = peer(
        GREETING,
        ACCEPTED,
        b"",
        b'{"return": {}, "id": 2}{"return": {"status": "running"}, "id": 3}',
        b'{"return": [], "id": 4}',  # query-commands, for completion
        b'{"event": "STARTED"}',
        b'{"return": "late", "id": 5}{"return": "mine", "id": 6}',
        HOLD,
    )
    shell = terminal("--compact", server.address)
    shell.wait_for_prompt()
    shell.enter("slow")
    shell.wait_for("STARTED")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()
    shell.enter("test")
    shell.wait_for('^late reply to slow:\n{"return": "late"}\n{"return": "mine"}')


def test_nothing_that_the_terminal_acts_on_is_printed(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    evil = "\x1b]0;owned\x07\x9b31mred\x7f"
    name = json.dumps({"return": {"name": evil}, "id": 2}, ensure_ascii=False).encode()
    status = b'{"return": {"status": "running"}, "id": 3}'
    event = json.dumps({"event": evil, "data": {"x": evil}}, ensure_ascii=False).encode()
    error = json.dumps({"error": {"class": evil, "desc": evil}, "id": 5}, ensure_ascii=False)
    server = peer(GREETING, ACCEPTED, b"", name + status, event, error.encode(), HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.enter("test")
    shell.wait_for_prompt()
    assert "]0;owned31mred" in shell.text
    assert b"\x1b]0;owned" not in shell.raw
    assert "\x9b31m".encode() not in shell.raw
    assert b"\x07" not in shell.raw


def test_help_lists_the_commands_to_the_shell(shell: Terminal) -> None:
    shell.enter("help")
    shell.wait_for(r"\.connect \[ADDRESS\] +attach to this VM again")
    shell.enter(".commands name")
    shell.wait_for("query-named-block-nodes")


def test_a_history_that_cannot_be_kept(
    vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    environment["XDG_STATE_HOME"] = "/proc/nonesuch"
    shell = terminal(vm.address)
    shell.wait_for("no history is kept")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    script = (
        'stty -a >before; "$0" -m qmp_shell "$1"; echo "status $?"; stty -a >after;'
        " cmp before after && echo as it was"
    )
    shell = Terminal(["bash", "-c", script, sys.executable, vm.address], environment, tmp_path)
    try:
        shell.wait_for_prompt()
        shell.type("query")
        shell.wait_for("query")
        children = Path(f"/proc/{shell.child.pid}/task/{shell.child.pid}/children")
        os.kill(int(children.read_text()), number)
        shell.wait_for(f"^status {128 + number}$")
        shell.wait_for("^as it was$")
    finally:
        shell.end()
    assert shell.raw.rindex(b"\x1b[?2004l") > shell.raw.rindex(b"\x1b[?2004h")


def test_what_is_typed_while_a_command_runs_is_for_the_next_prompt(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    status = b'{"return": {}, "id": 2}{"return": {}, "id": 3}'
    names = b'{"return": [], "id": 4}'
    server = peer(GREETING, ACCEPTED, b"", status, names, b'{"event": "NOW"}', HOLD)
    shell = terminal("-t", "0.5", server.address)
    shell.wait_for_prompt()
    shell.enter("slow")
    shell.wait_for("NOW")
    shell.type("ahead")
    shell.wait_for(r"no reply within 0\.5 s\n\(QEMU\) ahead$")
    assert shell.text.count("ahead") == 1


def test_a_log_that_fills_its_disk_is_no_lost_vm(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".log /dev/full")
    shell.wait_for_prompt()
    shell.type("query-n")
    shell.wait_for("query-n")
    vm.run("cont")
    shell.wait_for("/dev/full: No space left on device; logging is off")
    shell.wait_for("RESUME")
    shell.enter("ame")
    shell.wait_for('"testvm"')


def test_odd_events_are_shown(peer: StartPeer, terminal: StartTerminal) -> None:
    odd = b'{"event": "A", "timestamp": null}{"event": "B", "timestamp": {"seconds": 1e300}}'
    status = b'{"return": {}, "id": 2}{"return": {}, "id": 3}'
    server = peer(GREETING, ACCEPTED, b"", status, b'{"return": [], "id": 4}' + odd, HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.type("x")
    shell.wait_for("000 A$")
    shell.wait_for("000 B$")
    shell.wait_for(r"^\(QEMU\) x$")


def test_the_rest_of_what_was_pasted_is_not_lost_silently(shell: Terminal) -> None:
    shell.type("\x1b[200~oops oops\nquery-name\n\nquery-kvm\x1b[201~")
    shell.wait_for("query-kvm")
    shell.press("enter")
    shell.wait_for("'oops' has no value")
    shell.wait_for("the rest is not run: 2 lines")
    shell.wait_for_prompt()
    assert '"testvm"' not in "\n".join(shell.lines[1:])


def test_an_address_that_is_none_does_not_end_the_shell(shell: Terminal) -> None:
    shell.enter(".connect a..b:44")
    shell.wait_for("not the name of a host")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


def test_names_of_the_wrong_shape_are_none(peer: StartPeer, terminal: StartTerminal) -> None:
    about = b'{"return": [1], "id": 2}{"return": "x", "id": 3}'
    names = b'{"return": ["x", {}, {"name": "test"}], "id": 4}'
    server = peer(GREETING, ACCEPTED, b"", about, names, HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    assert shell.lines[0] == "QEMU 9.0.0"
    shell.type("te")
    shell.wait_for("^ +test *$")


def test_a_vm_that_does_not_answer_is_not_waited_for(
    peer: StartPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with qmp_shell.connect(peer(GREETING, ACCEPTED, HOLD).address) as client:
        answers = Answers(client)
        assert not answers.is_awaiting
        assert answers.immediate.get(COMMANDS) is None
        assert answers.is_awaiting
        later = time.monotonic() + 1
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert answers.is_silent
        assert answers.immediate.get(RUN_STATE) is None
        assert not answers.is_awaiting


def test_a_vm_lost_while_its_names_are_asked_for_is_told(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    about = b'{"return": {}, "id": 2}{"return": {}, "id": 3}'
    server = peer(GREETING, ACCEPTED, b"", about, b"")
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.type("q")
    shell.wait_for("^the VM closed the connection$")
    shell.wait_for(r"^\(QEMU\) q$")


def test_completion_of_files(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some-log").touch()
    shell.type(".log ./so")
    shell.wait_for("^ +some-log *$")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) \.log \./some-log$")


def test_connecting_to_what_is_held_already(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".connect")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.second_address}")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.second_address}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    assert "hold" not in shell.text


def test_nothing_is_run_after_exit(shell: Terminal, vm: RunningVm) -> None:
    shell.type("\x1b[200~exit\nquit\x1b[201~")
    shell.wait_for("quit")
    shell.press("enter")
    assert shell.wait_for_end() == 0
    vm.run("query-name")


def test_enter_with_escape_ends_a_line_though_a_bracket_is_open(shell: Terminal) -> None:
    shell.type("test a=[1")
    shell.wait_for("test")
    shell.press("escape", "enter")
    shell.wait_for(r"^ {14}\^ this bracket is never closed$")


def test_a_history_that_can_be_kept_no_more(shell: Terminal, environment: dict[str, str]) -> None:
    state = Path(environment["XDG_STATE_HOME"])
    shutil.rmtree(state / "qmp-shell")
    shell.enter("query-kvm")
    shell.wait_for("no history is kept")
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) query-name$")


def test_ctrl_z_suspends(vm: RunningVm, environment: dict[str, str], tmp_path: Path) -> None:
    shell = Terminal(["bash", "--norc", "-i"], environment | {"PS1": "bash$ "}, tmp_path)
    try:
        shell.wait_for(r"bash\$")
        shell.enter(f"{sys.executable} -m qmp_shell {vm.address}")
        shell.wait_for_prompt()
        shell.type("query-na\x1a")
        shell.wait_for("Stopped")
        shell.enter("fg")
        shell.wait_until(lambda: shell.cursor_line.startswith("(QEMU) query-na"), "the line again")
        shell.type("me\r")
        shell.wait_for('"testvm"')
    finally:
        shell.end()


def test_help_that_cannot_be_read_ends_nothing(shell: Terminal) -> None:
    shell.enter('.help set_link name="x')
    shell.wait_for("true to set the link status")
    shell.wait_for_prompt()
    shell.enter('.wait STOP device="x')
    shell.wait_for_prompt()


def test_this_shells_own_words_are_not_marked(shell: Terminal) -> None:
    shell.type("exit")
    shell.wait_for(r"^\(QEMU\) exit$")
    shell.type(" x")
    shell.wait_until(lambda: "red" in shell.colours("exit"), "the mark on what is no command")
    shell.press("backspace", "backspace")
    shell.wait_until(lambda: "red" not in shell.colours("exit"), "no mark")


def test_completion_under_a_stream_of_events(peer: StartPeer, terminal: StartTerminal) -> None:
    event = b'{"event": "TEST"}'
    about = b'{"return": {}, "id": 2}{"return": {}, "id": 3}'
    names = event * 50 + b'{"return": [{"name": "test-me"}], "id": 4}' + event * 50
    shell = terminal(peer(GREETING, ACCEPTED, b"", about, names, HOLD).address)
    shell.wait_for_prompt()
    shell.type("te")
    shell.wait_for("^ +test-me")


def test_a_script_run_from_the_prompt(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some script").write_text("query-name\nquer-status\nquery-kvm\n")
    shell.enter(".source some script")
    shell.wait_for("^some script:2: quer-status: CommandNotFound: ")
    shell.wait_for("^hint: no command quer-status; did you mean query-status")
    shell.wait_for_prompt()
    assert "enabled" not in shell.text


@pytest.mark.parametrize(
    ("opened_before", "prompt"),
    [
        pytest.param(False, "(QEMU) ", id="opened by the script"),
        pytest.param(True, "TRANS> ", id="opened before it"),
    ],
)
def test_ctrl_c_in_a_script_discards_a_transaction_that_the_script_opened(
    shell: Terminal, tmp_path: Path, opened_before: bool, prompt: str
) -> None:
    opening = "" if opened_before else "transaction(\n"
    (tmp_path / "script").write_text(f"{opening}abort\n.set pretty\n.sleep 60\n")
    if opened_before:
        shell.enter("transaction(")
        shell.wait_for_prompt("TRANS> ")
    shell.enter(".source script")
    shell.wait_for("^on$")  # the output of .set
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for_prompt(prompt)


def test_a_hostile_name_is_completed_as_one_string(
    start_vm: StartVm, terminal: StartTerminal, tmp_path: Path
) -> None:
    disk = tmp_path / "disk.qcow2"
    create_image(disk)
    create_image_snapshot(disk, "tag\n| touch pwned")
    vm = start_vm("-blockdev", f"qcow2,node-name=d0,file.driver=file,file.filename={disk}")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.type("snapshot-load job-id=j vmstate=d0 devices.0=d0 tag=ta")
    shell.wait_for(r"^ +tag \| touch pwned +of d0")
    shell.press("tab")
    shell.wait_for(r'tag="tag\\n\| touch pwned"$')
    shell.press("enter")
    shell.wait_for(r'"return": \{\}')
    shell.wait_for_prompt()
    assert not (tmp_path / "pwned").exists()
