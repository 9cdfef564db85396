"""The prompt in a pseudo-terminal, with a real QEMU."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from prompt_toolkit import Application, PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.renderer import CPR_Support

import qmp_shell
from qmp_shell.messages import Event
from qmp_shell.prompt.assistant import Assistant
from qmp_shell.prompt.completer import SessionCompleter
from qmp_shell.prompt.terminal import TerminalDisplay
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.views import Look
from qmp_shell.schema import Schema
from qmp_shell.session import Settings
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.questions import COMMANDS, RUN_STATE
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
from tests.peer import ACCEPTED, GREETING, HOLD, UNTIL_PROMPT
from tests.sessions import offline_session
from tests.table_vm import SchemaEditor
from tests.terminal import Terminal


def test_the_heading_shows_the_vm_name_its_version_and_its_run_state(
    shell: Terminal, vm: RunningVm
) -> None:
    with vm.second() as client:
        assert client.greeting is not None
        version = client.greeting["version"]["qemu"]
    number = f"{version['major']}.{version['minor']}.{version['micro']}"
    assert re.fullmatch(rf"testvm, QEMU {number}( \(.*\))?, prelaunch", shell.lines[0])


def test_a_reply_is_indented_and_coloured(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    assert '(QEMU) query-name\n{\n  "return": {\n    "name": "testvm"\n  }\n}\n' in shell.text
    assert shell.colours('"name"') == {"cyan"}
    assert shell.colours('"testvm"') == {"green"}


def test_an_error_reply_is_red(shell: Terminal) -> None:
    shell.enter("device_del id=nonesuch")
    shell.wait_for('"DeviceNotFound"')
    assert shell.colours('"DeviceNotFound"') == {"red"}


def test_color_never_disables_colours(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal("--color", "never", vm.address)
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    assert not re.search(rb"\x1b\[[0-9;]*3[1-6]m", shell.raw)


def test_an_overview_is_broken_at_blanks_and_within_paths(
    start_vm: StartVm, terminal: StartTerminal, folder: Path
) -> None:
    disk = folder / "a-folder-of-images" / "a disk-of-a-vm.img"
    disk.parent.mkdir()
    disk.write_bytes(bytes(1 << 20))
    vm = start_vm(*("-drive", f"if=none,id=d0,format=raw,file={disk}"))
    shell = terminal(vm.address, columns=44)
    shell.wait_for_prompt()
    shell.enter(".info")
    shell.wait_for_prompt()
    rows = shell.text.partition("\nDisks")[2].split("\n")[:4]
    assert [row.strip() for row in rows] == [
        "d0  1 MiB, raw  /tmp/",
        f"{folder.name}/",
        "a-folder-of-images/a",
        "disk-of-a-vm.img",
    ]
    assert all(row.startswith(" " * 13) for row in rows[1:])


def test_a_syntax_error_is_marked_below_the_line(shell: Terminal) -> None:
    shell.enter("device_add driver=e1000 id")
    shell.wait_for("no value")
    row = shell.lines.index("(QEMU) device_add driver=e1000 id")
    assert shell.lines[row + 1] == " " * 31 + "^ 'id' has no value; write key=value"
    shell.wait_for_prompt()


def test_the_column_of_an_error_is_named_if_the_line_is_wider_than_the_terminal(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, columns=40)
    shell.wait_for_prompt()
    shell.enter("device_add driver=virtio-net-pci id=a0 oops")
    shell.wait_for("column 40: 'oops' has no value")


def test_enter_continues_a_line_with_an_open_bracket(shell: Terminal) -> None:
    shell.type("send-key keys=[{'type': 'qcode',")
    shell.press("enter")
    shell.wait_until(lambda: shell.cursor_line == "", "a continuation line")
    shell.enter("'data': 'ret'}]")
    shell.wait_for(r'"return": \{\}')
    assert "(QEMU) send-key keys=[{'type': 'qcode',\n       'data': 'ret'}]\n" in shell.text


def test_pasted_lines_are_run_one_after_the_other(shell: Terminal) -> None:
    shell.type("\x1b[200~query-name\n\nquery-kvm\x1b[201~")
    shell.wait_for("query-kvm")
    shell.press("enter")
    shell.wait_for('"testvm"')
    shell.wait_for('"enabled"')


def test_a_transaction_is_executed_at_its_closing_parenthesis(
    start_vm: StartVm, terminal: StartTerminal, folder: Path
) -> None:
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


@pytest.mark.parametrize(
    "line",
    [
        'transaction(block-dirty-bitmap-add node=d0 name="b 0)")',
        "transaction({'type': 'block-dirty-bitmap-add', 'data': {'node': 'd0', 'name': 'b 0)'}})",
    ],
)
def test_enter_ends_a_transaction_whose_bracket_follows_quotes_or_a_literal(
    start_vm: StartVm, terminal: StartTerminal, folder: Path, line: str
) -> None:
    disk = folder / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    vm = start_vm("-blockdev", f"driver=file,node-name=d0,filename={disk}")
    shell = terminal(vm.address, columns=120)
    shell.wait_for_prompt()
    shell.enter(line)
    shell.wait_for(r'"return": \{\}')
    shell.wait_for_prompt()
    with vm.second() as client:
        (node,) = client.execute("query-named-block-nodes", flat=True)
    assert node["dirty-bitmaps"][0]["name"] == "b 0)"


def test_ctrl_c_discards_the_line_and_the_open_transaction(shell: Terminal) -> None:
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


def test_ctrl_d_ends_the_shell_but_not_the_vm(shell: Terminal, vm: RunningVm) -> None:
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    with qmp_shell.connect(vm.address) as client:
        assert client.execute("query-name") == {"name": "testvm"}


@pytest.mark.parametrize("leave", ["\x04", ".exit\r"])
def test_leaving_says_that_an_open_transaction_was_not_sent(shell: Terminal, leave: str) -> None:
    shell.enter("transaction(abort")
    shell.wait_for_prompt("TRANS> ")
    shell.type(leave)
    assert shell.wait_for_end() == 0
    assert shell.text.endswith("\nthe transaction was not sent")


def test_an_event_appears_above_the_line_being_typed(shell: Terminal, vm: RunningVm) -> None:
    vm.run("cont")
    shell.wait_for("RESUME")
    shell.type("query-st\x1b[D\x1b[D")
    shell.wait_until(lambda: shell.cursor_line.endswith("query-st"), "the typed line")
    shell.wait_until(lambda: shell.cursor_column == 13, "the cursor before the last two letters")
    vm.run("stop")
    shell.wait_for(r"^\d\d:\d\d:\d\d\.\d\d\d STOP$")
    shell.wait_until(
        lambda: shell.cursor_line.startswith("(QEMU) query-st") and shell.cursor_column == 13,
        "the typed line below the event, and the cursor in it",
    )
    assert re.search(r" STOP\n\(QEMU\) query-st", shell.text)


def test_a_value_is_completed_within_its_quotes(shell: Terminal) -> None:
    shell.type('watchdog-set-action action="inject"')
    shell.press("left", "tab")
    shell.wait_until(lambda: shell.cursor_line.endswith('="inject-nmi"'), "the whole value")
    shell.press("enter")
    shell.wait_for(r'"return": \{\}')


def test_an_event_is_not_taken_for_the_end_of_a_line(shell: Terminal, vm: RunningVm) -> None:
    """Other tests wait for the end of the line that they entered, and events may come first."""
    shell.enter("query-name")
    shell.wait_for_prompt()
    vm.run("cont")
    shell.wait_for(r"RESUME\n\(QEMU\)$")
    assert shell.lines_ended == 1
    shell.enter("query-name")
    shell.wait_for_prompt()
    assert shell.lines_ended == 2


def test_a_line_can_be_completed_and_run_after_an_event(shell: Terminal, vm: RunningVm) -> None:
    shell.type("query-")
    shell.wait_for("query-")
    vm.run("cont")
    shell.wait_for("RESUME")
    shell.enter("name")
    shell.wait_for('"testvm"')


def test_hundreds_of_different_events_are_all_shown_in_order(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    events = b"".join(b'{"event": "E%d"}' % number for number in range(500))
    commands = json.dumps({"return": [{"name": "test"}], "id": 4}).encode()
    server = peer(*UNTIL_PROMPT, commands + events, HOLD)
    shell = terminal(server.address, rows=50)
    shell.wait_for_prompt()
    shell.type("te")
    shell.wait_for("E499$")
    shell.wait_for(r"^\(QEMU\) te")
    output = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shell.raw)
    assert [int(number) for number in re.findall(rb"E(\d+)\r?\n", output)] == list(range(500))


def test_a_migration_that_fails_is_told_once(
    shell: Terminal, vm: RunningVm, terminal: StartTerminal
) -> None:
    failed = "^the migration has failed: .*refused$"
    shell.enter("migrate uri=tcp:localhost:1")
    shell.wait_for(failed)
    shell.wait_for_prompt()
    shell.wait_for_reply()
    shell.enter("migrate uri=tcp:localhost:1")
    shell.wait_for(rf"{failed}(.|\n)+{failed}")
    shell.wait_for_prompt()
    shell.wait_for_reply()
    assert len(re.findall(failed, shell.history, re.MULTILINE)) == 2
    shell.press("ctrl-d")
    shell.wait_for_end()

    second = terminal(vm.address)
    second.wait_for_prompt()
    second.wait_for_reply()
    assert "migration" not in second.text, "it has failed before"


def test_the_end_of_a_migration_that_was_waited_for_is_told_once(shell: Terminal) -> None:
    shell.enter("\x1b[200~migrate uri='exec:exit 1'\n.wait migration\x1b[201~")
    shell.wait_for("^the migration failed")
    shell.wait_for_prompt()
    shell.wait_for_reply()
    assert "the migration has failed" not in shell.text


def test_a_failed_migration_is_told_after_something_else_was_waited_for(shell: Terminal) -> None:
    shell.enter("\x1b[200~migrate uri='exec:exit 1'\n.wait job=none\x1b[201~")
    shell.wait_for("^there is no job none$")
    shell.wait_for("^the migration has failed")


def test_a_migration_of_somebody_else_that_is_under_way_and_fails_is_told(
    shell: Terminal, vm: RunningVm, folder: Path
) -> None:
    os.mkfifo(folder / "end")
    with vm.second() as client:
        client.execute("migrate", uri=f"exec:read x <{folder}/end; exit 1")
    shell.enter("query-name")
    shell.wait_for("migration [0-9a-z]+%?$")
    (folder / "end").write_text("\n")
    shell.wait_for("^the migration has failed: ")
    shell.wait_for(r"^testvm +prelaunch$")


def test_tab_completes_a_command_name(shell: Terminal) -> None:
    shell.type("query-na")
    shell.wait_for("^ +query-name ")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) query-name$")
    shell.press("enter")
    shell.wait_for('"testvm"')


def test_completion_matches_letters_that_are_not_adjacent(shell: Terminal) -> None:
    shell.type("qnbn")
    shell.wait_for("query-named-block-nodes")


def test_fuzzy_matches_are_not_offered_if_a_name_contains_the_typed_text(shell: Terminal) -> None:
    shell.type("query-st")
    shell.wait_for("^ +query-status ")
    assert "query-fdsets" not in shell.text


def test_dot_commands_are_offered_with_their_summaries(shell: Terminal) -> None:
    shell.type(".co")
    shell.wait_for(r"^ +\.connect +attach to this VM again")


def test_a_literal_is_completed_while_it_is_typed(shell: Terminal) -> None:
    shell.type("send-key keys=[{'type': '")
    shell.wait_for("^ +number$")
    shell.wait_for("^send-key keys.0. type=number")
    shell.type("q")
    shell.wait_for("^ +qcode$")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) send-key keys=\[\{'type': 'qcode'$")
    shell.type(", ")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) send-key keys=\[\{'type': 'qcode', 'data':$")


def test_a_literal_of_several_lines_is_completed(shell: Terminal) -> None:
    shell.enter('{"execute": "set_link",')
    shell.enter(' "arguments":')
    shell.type('{"up": tr')
    shell.wait_for("^ +true$")
    shell.wait_for("^set_link name=str up=bool")
    shell.press("tab")
    shell.wait_for('^ +{"up": true$')


def test_no_menu_opens_in_a_literal_where_nothing_is_known(shell: Terminal) -> None:
    shell.type('{"execute": "human-monitor-command", "arguments": {"command-line": "device_d')
    shell.wait_for("^human-monitor-command ")
    shell.press("tab")
    shell.type("x")
    shell.wait_for("^e_dx$")


def test_argument_names_and_values_are_completed(shell: Terminal) -> None:
    shell.type("set_link na")
    shell.wait_for(r"^ +name= +str, required")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) set_link name=$")
    shell.type("x up=f")
    shell.wait_for(r"^ +false +or off, no")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) set_link name=x up=false$")
    shell.press("enter")
    shell.wait_for("DeviceNotFound")


def test_drivers_and_their_properties_are_completed_for_device_add(shell: Terminal) -> None:
    shell.type("device_add driver=e100")
    shell.wait_for(r"^ +e1000 +bus PCI")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) device_add driver=e1000$")
    shell.type(" mac")
    shell.wait_for(r"^ +mac= +str, optional: Ethernet")


def test_a_menu_is_shown_anew_when_the_vm_has_told_more(
    table_vm: StartTableVm, terminal: StartTerminal, schema_editor: SchemaEditor
) -> None:
    """A busy VM may send the names first, and their descriptions a second later."""
    may_tell = threading.Event()

    def answer(arguments: dict[str, str]) -> str:
        if arguments["command-line"] == "info qdm":
            assert may_tell.wait(60)
        return 'name "e1000", bus PCI, desc "a NIC"\nname "e1000e", bus PCI, desc "a NIC"\n'

    answers = {
        "query-qmp-schema": schema_editor.entries,
        "qom-list-types": [{"name": "e1000"}, {"name": "e1000e"}],
        "device_add": {},
        "human-monitor-command": answer,
    }
    shell = terminal(table_vm("9.0.0", answers).address)
    shell.wait_for_prompt()
    shell.type("device_add driver=e100")
    shell.wait_for(r"^ +e1000e$")
    may_tell.set()
    shell.wait_for(r"^ +e1000e +bus PCI, a NIC")


def test_hidden_files_are_offered_once_a_dot_is_typed(shell: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in (".hidden", "one", "two"):
        (folder / name).touch()
    shell.type(".source files/")
    shell.press("tab")
    shell.wait_for("^ +two$")
    assert "hidden" not in shell.text
    shell.type(".h")
    shell.wait_for(r"^ +\.hidden$")


def test_a_file_name_with_a_space_is_completed_in_quotes(shell: Terminal, tmp_path: Path) -> None:
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


def test_completion_continues_in_a_completed_directory(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some folder").mkdir()
    (tmp_path / "some folder" / "a disk").touch()
    shell.type("memsave val=0 size=1 filename=some")
    shell.wait_for("^ +some folder/$")
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some folder/$')
    shell.press("tab")
    shell.wait_for(r'^\(QEMU\) memsave val=0 size=1 filename="some folder/a disk"$')


def test_an_exact_match_is_offered_first(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    shell.type("stop")
    shell.wait_for("^ +stopcapture ")
    shell.press("tab", "enter")
    shell.wait_for_prompt("(qemu) ")
    assert "(qemu) stop" in shell.lines


def test_completion_treats_dash_and_underscore_as_equal(shell: Terminal) -> None:
    shell.type("device-ad")
    shell.wait_for("^ +device_add ")


def test_a_question_mark_shows_help_for_the_arguments_before_it(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, rows=90)
    shell.wait_for_prompt()
    shell.enter("object-add qom-type=iothread ?")
    shell.wait_for("poll-max-ns")


def test_the_toolbar_shows_the_signature_of_the_typed_command(shell: Terminal) -> None:
    shell.type("set_link nam")
    shell.wait_for(r"^set_link name=str up=bool$")
    shell.type("e=x ")
    shell.wait_until(
        lambda: shell.colours("name=str") == {"brightblack"}, "the given argument in grey"
    )
    shell.type("up")
    shell.wait_until(lambda: shell.is_bold("up=bool"), "the current argument in bold")


def test_a_long_signature_is_shortened_to_the_current_argument(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, columns=40)
    shell.wait_for_prompt()
    shell.type("blockdev-mirror device=a on-target-error=")
    shell.wait_for(r"^blockdev-mirror \.\.\. \[on-target-error=")


def test_unknown_arguments_are_red_while_typing(shell: Terminal) -> None:
    shell.type("device_del ")
    shell.wait_for(r"^device_del id=str$")
    shell.type("idd=x")
    shell.wait_for("idd=x$")
    shell.wait_until(lambda: shell.colours("idd") == {"red"}, "the unknown argument in red")
    assert "red" not in shell.colours("device_del")


def test_a_hint_follows_the_error_about_a_misspelt_name(shell: Terminal) -> None:
    shell.enter("device_del idd=x")
    shell.wait_for_prompt()
    assert "hint: no argument idd; did you mean id?" in shell.lines
    shell.enter("quer-status")
    shell.wait_for_prompt()
    assert "hint: did you mean query-status or" in shell.text


def test_the_use_of_an_unstable_command_is_noted_once(shell: Terminal) -> None:
    for _ in range(2):
        shell.enter("x-query-roms")
        shell.wait_for_prompt()
    assert shell.text.count("note: x-query-roms is unstable") == 1


def test_a_question_mark_after_a_command_shows_its_help(shell: Terminal) -> None:
    shell.enter("set_link ?")
    shell.wait_for_prompt()
    # Of a newer QEMU, the first rows have scrolled away.
    assert "      true to set the link status to be up" in shell.history.splitlines()
    assert re.search("^  set_link name=", shell.text, re.MULTILINE)


def test_a_prompt_with_a_saved_schema_checks_lines_and_sends_nothing(
    terminal: StartTerminal, schema_file: Path, vm: RunningVm
) -> None:
    shell = terminal("--schema", str(schema_file))
    shell.wait_for_prompt()
    assert shell.lines[0] == "no VM, only its schema: lines are checked and not sent"
    shell.type("set_li")
    shell.wait_for(r"^ +set_link ")
    shell.enter("nk name=5 up=on")
    shell.wait_for_prompt()
    assert '{"execute": "set_link", "arguments": {"name": "5", "up": true}}' in shell.lines
    shell.enter("set_link nam=5")
    shell.wait_for("^set_link: no argument nam; did you mean name.$")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.address}")
    shell.wait_for("there is nothing to connect to")


def test_history_without_passwords_is_kept_for_the_next_run(
    shell: Terminal, vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    for line in ("query-name", "query-kvm", "set_password protocol=vnc password=hunter2"):
        shell.enter(line)
        shell.wait_for_prompt()
    shell.press("ctrl-d")
    shell.wait_for_end()

    second = terminal(vm.address)
    second.wait_for_prompt()
    second.press("up")
    second.wait_for(r"^\(QEMU\) query-kvm$")
    second.interrupt()
    second.wait_for_prompt()
    second.type("query-n")
    second.wait_for(r"^\(QEMU\) query-name$")  # with the suggestion from the history
    second.press("up")
    second.wait_until(lambda: second.cursor_column == 17, "the cursor at the end of query-name")
    second.interrupt()
    second.wait_for_prompt()
    second.press("ctrl-r")
    second.type("nam")
    second.wait_for("i-search.*nam.*query-name")
    second.press("enter")
    second.wait_for('"testvm"')

    path = Path(environment["XDG_STATE_HOME"]) / "qmp-shell" / "history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "hunter2" not in path.read_text()


def test_qmp_and_human_monitor_mode_have_separate_histories(shell: Terminal) -> None:
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


@pytest.mark.parametrize(
    ("options", "lines", "prompt", "offered"),
    [
        ([], ".hmp\nquery-name", "(qemu) ", ".qmp query-name"),
        (["--hmp"], ".qmp\nquery-nam", "(QEMU) ", "query-name"),
    ],
)
def test_a_line_refused_in_a_mode_that_was_not_used_before_does_not_end_the_shell(
    vm: RunningVm,
    terminal: StartTerminal,
    options: list[str],
    lines: str,
    prompt: str,
    offered: str,
) -> None:
    shell = terminal(*options, vm.address)
    shell.wait_for_prompt("(qemu) " if options else "(QEMU) ")
    shell.enter(f"\x1b[200~{lines}\x1b[201~")
    shell.wait_for_prompt(prompt)
    shell.press("up")
    shell.wait_until(lambda: shell.cursor_column == len(prompt + offered), "what Up brings")
    assert shell.cursor_line == prompt + offered
    shell.press("enter")
    shell.wait_for('"name": "testvm"')
    assert "internal error" not in shell.text


def test_the_history_command_lists_the_last_lines(shell: Terminal) -> None:
    for line in ("query-name", "query-kvm", "query-uuid"):
        shell.enter(line)
        shell.wait_for_prompt()
    shell.enter(".history 2")
    shell.wait_for("query-uuid\n.history 2\n")
    assert "query-kvm\nquery-uuid" not in shell.text


def test_a_reply_taller_than_the_terminal_is_paged(
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
    shell.wait_for("^}$")
    shell.wait_for_prompt()
    assert not paged.exists()


def test_a_reply_is_printed_if_the_pager_does_not_exist(
    vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    environment["PAGER"] = "/nonesuch/pager"
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    shell.enter("query-commands")
    shell.wait_for("^}$")
    shell.wait_for_prompt()


def test_human_monitor_mode_runs_and_completes_its_commands(shell: Terminal) -> None:
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


def test_human_monitor_commands_apply_to_the_selected_cpu(
    start_vm: StartVm, terminal: StartTerminal
) -> None:
    shell = terminal("-H", start_vm("-smp", "2").address)
    shell.wait_for_prompt("(qemu) ")
    shell.enter("cpu 1")
    shell.enter("info cpus")
    shell.wait_for(r"^\* CPU #1")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("cpu 7")
    shell.wait_for("invalid CPU index")
    shell.enter("info cpus")
    shell.wait_until(lambda: shell.text.count("* CPU #1") == 2, "CPU 1 marked again")


def test_what_was_typed_in_human_monitor_mode_is_saved_for_the_same_cpu(
    start_vm: StartVm, terminal: StartTerminal, run: Run
) -> None:
    vm = start_vm("-smp", "2")
    shell = terminal("-H", vm.address)
    shell.wait_for_prompt("(qemu) ")
    for line in ("cpu 1", "info cpus", "print 1 + 1 \\", "print 3", ".save script"):
        shell.enter(line)
        shell.wait_for_prompt("(qemu) ")
    shell.press("ctrl-d")
    shell.wait_for_end()
    result = run(vm.address, "-f", "script")
    assert "* CPU #1" in result.stdout
    assert result.stdout.endswith("0x3\n")


def test_connect_attaches_to_another_vm_after_the_connection_was_lost(
    shell: Terminal, vm: RunningVm, start_vm: StartVm
) -> None:
    shell.enter(".set pretty off")
    shell.wait_for_prompt()
    shell.type("query-na")
    shell.wait_for("query-na")
    vm.close()
    shell.wait_for("^the VM closed the connection")  # perhaps in the middle of a message
    shell.wait_for(r"^\.connect attaches again")
    shell.enter("me")
    shell.wait_until(
        lambda: shell.text.count("the VM closed the connection") == 2, "the error of the command"
    )
    shell.enter(".connect")
    shell.wait_for("nobody listens there")
    shell.enter(f".connect {start_vm(name='other').address}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('^{"return": {"name": "other"}}$')


def test_ctrl_c_returns_to_the_prompt_and_the_reply_is_shown_as_late(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    server = peer(
        *UNTIL_PROMPT,
        b'{"return": [], "id": 4}',
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


def test_control_characters_from_the_vm_are_not_printed(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    text = "\x1b]0;owned\x07\x9b31mred\x7f"
    name = json.dumps({"return": {"name": text}, "id": 2}, ensure_ascii=False).encode()
    status = b'{"return": {"status": "running"}, "id": 3}'
    event = json.dumps({"event": text, "data": {"x": text}}, ensure_ascii=False).encode()
    error = json.dumps({"error": {"class": text, "desc": text}, "id": 5}, ensure_ascii=False)
    server = peer(GREETING, ACCEPTED, b"", name + status, event, error.encode(), HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.enter("test")
    shell.wait_for_prompt()
    assert "]0;owned31mred" in shell.text
    assert b"\x1b]0;owned" not in shell.raw
    assert "\x9b31m".encode() not in shell.raw
    assert b"\x07" not in shell.raw


def test_help_lists_the_dot_commands(shell: Terminal) -> None:
    shell.enter("help")
    shell.wait_for_prompt()
    assert re.search(r"\.connect \[ADDRESS\] +attach to this VM again", shell.history)
    shell.enter(".commands name")
    shell.wait_for("query-named-block-nodes")


def test_the_prompt_works_if_the_history_file_cannot_be_created(
    vm: RunningVm, terminal: StartTerminal, environment: dict[str, str]
) -> None:
    environment["XDG_STATE_HOME"] = "/proc/nonesuch"
    shell = terminal(vm.address)
    shell.wait_for("no history is kept")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_shell_and_restores_the_terminal(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    script = (
        'stty -a >before; "$0" -m qmp_shell "$1"; echo "status $?"; stty -a >after;'
        " cmp before after && echo unchanged"
    )
    shell = Terminal(["bash", "-c", script, sys.executable, vm.address], environment, tmp_path)
    try:
        shell.wait_for_prompt()
        shell.type("query")
        shell.wait_for("query")
        children = Path(f"/proc/{shell.child.pid}/task/{shell.child.pid}/children")
        os.kill(int(children.read_text()), number)
        shell.wait_for(f"^status {128 + number}$")
        shell.wait_for("^unchanged$")
    finally:
        shell.end()
    assert shell.raw.rindex(b"\x1b[?2004l") > shell.raw.rindex(b"\x1b[?2004h")


def test_keys_typed_while_a_command_runs_appear_at_the_next_prompt(
    shell: Terminal, vm: RunningVm
) -> None:
    shell.enter(".wait status=running")
    shell.wait_until(lambda: not shell.is_editing, "the command")
    shell.type("ahead")
    vm.run("cont")
    shell.wait_for(r"^note: the VM is running\n\(QEMU\) ahead$")
    assert shell.text.count("ahead") == 1


def test_a_full_disk_ends_logging_but_not_the_connection(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".log /dev/full")
    shell.wait_for_prompt()
    shell.type("query-n")
    shell.wait_for("query-n")
    vm.run("cont")
    shell.wait_for("/dev/full: No space left on device; logging is off")
    shell.wait_for("RESUME")
    shell.enter("ame")
    shell.wait_for('"testvm"')


def test_events_with_invalid_timestamps_are_shown(peer: StartPeer, terminal: StartTerminal) -> None:
    events = b'{"event": "A", "timestamp": null}{"event": "B", "timestamp": {"seconds": 1e300}}'
    server = peer(*UNTIL_PROMPT, b'{"return": [], "id": 4}' + events, HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.type("x")
    shell.wait_for("000 A$")
    shell.wait_for("000 B$")
    shell.wait_for(r"^\(QEMU\) x$")


def test_pasted_lines_after_a_failed_one_are_not_run_and_stand_in_the_next_line(
    shell: Terminal,
) -> None:
    shell.type("\x1b[200~oops oops\nquery-name\n\nquery-kvm\x1b[201~")
    shell.wait_for("query-kvm")
    shell.press("enter")
    shell.wait_for(r"^\(QEMU\) oops oops\n +\^ 'oops' has no value; write key=value$")
    shell.wait_for("^the rest is not run: 2 lines; Enter runs them$")
    shell.wait_for(r"Enter runs them\n\(QEMU\) query-name\n\n +query-kvm$")
    assert '"testvm"' not in "\n".join(shell.lines[1:])
    shell.enter("")
    shell.wait_for('"enabled"')
    shell.wait_for_prompt()
    assert shell.text.count('"testvm"') == 1


def test_what_was_typed_ahead_is_not_added_to_pasted_lines_that_were_not_run(
    shell: Terminal,
) -> None:
    shell.type("\x1b[200~query-block\noops oops\nquery-name\x1b[201~\rquery-kvm\r")
    shell.wait_for("^the rest is not run: 1 line$")
    shell.wait_for('"enabled"')
    shell.wait_for_prompt()
    assert '"testvm"' not in "\n".join(shell.lines[1:])


def test_each_line_of_a_block_stands_above_its_reply(shell: Terminal) -> None:
    lines = ["query-name | .compact", "", "query-block | .compact # [", "{'execute':"]
    lines += ["'query-uuid'} | .compact", ".hmp", "info name"]
    shell.enter("\x1b[200~" + "\n".join(lines) + "\x1b[201~")
    shell.wait_for_prompt("(qemu) ")
    nothing = "00000000-0000-0000-0000-000000000000"
    assert shell.text.partition("info name\n")[2].split("\n")[:10] == [
        "(QEMU) query-name | .compact",
        '{"return": {"name": "testvm"}}',
        "(QEMU) query-block | .compact # [",
        '{"return": []}',
        "(QEMU) {'execute':",
        "       'query-uuid'} | .compact",
        f'{{"return": {{"UUID": "{nothing}"}}}}',
        "(QEMU) .hmp",
        "(qemu) info name",
        "testvm",
    ]


def test_a_line_alone_is_not_shown_again(shell: Terminal) -> None:
    shell.enter("\x1b[200~send-key keys=[{'type': 'qcode',\n'data': 'ret'}]\n\x1b[201~")
    shell.wait_for_prompt()
    assert shell.text.count("send-key") == 1


def test_connect_to_an_invalid_address_keeps_the_connection(shell: Terminal) -> None:
    shell.enter(".connect a..b:44")
    shell.wait_for("not the name of a host")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')


def test_replies_of_unexpected_types_are_ignored(peer: StartPeer, terminal: StartTerminal) -> None:
    name_and_status = b'{"return": [1], "id": 2}{"return": "x", "id": 3}'
    commands = b'{"return": ["x", {}, {"name": "test"}], "id": 4}'
    server = peer(GREETING, ACCEPTED, b"", name_and_status, commands, HOLD)
    shell = terminal(server.address)
    shell.wait_for_prompt()
    assert shell.lines[0] == "QEMU 9.0.0"
    shell.type("te")
    shell.wait_for("^ +test *$")


def test_a_vm_that_has_not_replied_for_a_second_is_not_asked_again(
    peer: StartPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with qmp_shell.connect(peer(GREETING, ACCEPTED, HOLD).address) as client:
        answers = Answers(client)
        assert not answers.is_awaiting
        assert answers.immediate.get(COMMANDS) is None
        assert answers.is_awaiting
        in_a_second = time.monotonic() + 1
        monkeypatch.setattr(time, "monotonic", lambda: in_a_second)
        assert answers.is_silent
        assert answers.immediate.get(RUN_STATE) is None
        assert not answers.is_awaiting


def test_a_connection_lost_during_completion_is_reported(
    peer: StartPeer, terminal: StartTerminal
) -> None:
    server = peer(*UNTIL_PROMPT, b"")
    shell = terminal(server.address)
    shell.wait_for_prompt()
    shell.type("q")
    shell.wait_for("^the VM closed the connection$")
    shell.wait_for(r"^\(QEMU\) q$")


class SlowTerminal(DummyOutput):
    """A terminal that does not report its cursor's position; the test does that instead."""

    def get_rows_below_cursor_position(self) -> int:
        raise NotImplementedError


def edit_on_slow_terminal(act: Callable[[Application[str]], Coroutine[None, None, None]]) -> None:
    """Edit a line, and run ``act`` in the event loop meanwhile."""
    with create_pipe_input() as keys, create_app_session(keys, SlowTerminal()):
        app = PromptSession[str]().app
        app.renderer.cpr_support = CPR_Support.SUPPORTED

        def begin() -> None:
            app.create_background_task(act(app))

        app.run(pre_run=begin)


async def wait_for_loop() -> None:
    """Let the event loop run what is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def display() -> TerminalDisplay:
    look = Look(colour=False, ascii_only=True)
    return TerminalDisplay(Settings(), Formatter(look), is_dumb=False)


def test_nothing_is_printed_before_the_terminal_has_said_where_the_cursor_is(
    display: TerminalDisplay, capfd: pytest.CaptureFixture[str]
) -> None:
    """It would count the rows from a place that the cursor has left."""
    printed = []

    async def print_and_answer(app: Application[str]) -> None:
        assert app.renderer.waiting_for_cpr
        display.warning("first")
        display.warning("second")
        for is_answered in (False, True):
            if is_answered:
                app.renderer.report_absolute_cursor_row(1)
            await wait_for_loop()
            printed.append(capfd.readouterr().out)
        app.exit(result="")

    edit_on_slow_terminal(print_and_answer)
    assert printed == ["", "first\nsecond\n"]


def test_what_waits_for_the_terminal_is_printed_at_the_end_of_the_line(
    display: TerminalDisplay, capfd: pytest.CaptureFixture[str]
) -> None:
    async def print_and_enter(app: Application[str]) -> None:
        display.warning("first")
        await wait_for_loop()
        app.renderer.report_absolute_cursor_row(1)
        app.exit(result="")

    edit_on_slow_terminal(print_and_enter)
    display.warning("second")
    assert capfd.readouterr().out == "first\nsecond\n"


def test_an_answer_that_comes_with_enter_changes_nothing(schema: Schema) -> None:
    """What is drawn then would not be what was sent."""
    session = offline_session(schema)
    completer = SessionCompleter(session, Assistant(session), lambda: None)
    used: list[object] = []

    async def enter_and_answer(app: Application[str]) -> None:
        app.exit(result="")
        buffer, requested = app.current_buffer, CompleteEvent(completion_requested=True)
        await completer._complete_later(
            buffer, buffer.document, requested, lambda *given: used.append(given)
        )

    edit_on_slow_terminal(enter_and_answer)
    assert used == []


def test_each_of_two_floods_of_events_is_summed_up_while_a_line_is_edited(
    display: TerminalDisplay, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second flood begins half a second later, so its count is due half a second later."""
    printed = ""

    def flood(name: str) -> None:
        for _ in range(12):
            display.event(Event({"event": name}))

    async def flood_twice(app: Application[str]) -> None:
        nonlocal printed
        loop = asyncio.get_running_loop()
        flood("FIRST")
        due = display.events.next_due
        assert due is not None
        loop.call_at(due - 0.5, flood, "SECOND")
        while " SECOND x 2\n" not in printed and loop.time() < due + 20:
            if app.renderer.waiting_for_cpr:
                app.renderer.report_absolute_cursor_row(1)
            await asyncio.sleep(0.01)
            printed += capfd.readouterr().out
        app.exit(result="")

    edit_on_slow_terminal(flood_twice)
    assert " FIRST x 2\n" in printed
    assert " SECOND x 2\n" in printed


def test_file_names_are_completed_for_dot_commands(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some-log").touch()
    shell.type(".log ./so")
    shell.wait_for("^ +some-log *$")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) \.log \./some-log$")


def test_connect_to_the_attached_address_connects_again(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".connect")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.second_address}")
    shell.wait_for_prompt()
    shell.enter(f".connect {vm.second_address}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    assert "hold" not in shell.text


def test_lines_pasted_after_exit_are_not_run(shell: Terminal, vm: RunningVm) -> None:
    shell.type("\x1b[200~exit\nquit\x1b[201~")
    shell.wait_for("quit")
    shell.press("enter")
    assert shell.wait_for_end() == 0
    vm.run("query-name")


def test_escape_enter_ends_a_line_with_an_open_bracket(shell: Terminal) -> None:
    shell.type("test a=[1")
    shell.wait_for("test")
    shell.type("\x1b\r")  # at once, for Escape alone is another key
    shell.wait_for(r"^ {14}\^ this bracket is never closed$")


def test_the_prompt_works_if_the_history_file_disappears(
    shell: Terminal, environment: dict[str, str]
) -> None:
    state = Path(environment["XDG_STATE_HOME"])
    shutil.rmtree(state / "qmp-shell")
    shell.enter("query-kvm")
    shell.wait_for("no history is kept")
    shell.enter("query-name")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) query-name$")


def test_ctrl_z_suspends_the_shell_and_fg_shows_the_line_again(
    vm: RunningVm, environment: dict[str, str], tmp_path: Path
) -> None:
    shell = Terminal(["bash", "--norc", "-i"], environment | {"PS1": "bash$ "}, tmp_path)
    try:
        shell.wait_for(r"bash\$")
        shell.type(f"{sys.executable} -m qmp_shell {vm.address}\r")
        shell.wait_for_prompt()
        shell.type("query-na\x1a")
        shell.wait_for("Stopped")
        shell.type("fg\r")
        shell.wait_until(
            lambda: shell.cursor_line.startswith("(QEMU) query-na"), "the line that was edited"
        )
        shell.type("me\r")
        shell.wait_for('"testvm"')
    finally:
        shell.end()


def test_an_unclosed_string_in_a_dot_command_does_not_end_the_shell(shell: Terminal) -> None:
    shell.enter('.help set_link name="x')
    shell.wait_for("true to set the link status")
    shell.wait_for_prompt()
    shell.enter('.wait STOP device="x')
    shell.wait_for_prompt()


def test_exit_is_not_marked_as_an_unknown_command(shell: Terminal) -> None:
    shell.type("exit")
    shell.wait_for(r"^\(QEMU\) exit$")
    shell.type(" x")
    shell.wait_until(lambda: "red" in shell.colours("exit"), "the unknown command in red")
    shell.press("backspace", "backspace")
    shell.wait_until(lambda: "red" not in shell.colours("exit"), "exit in another colour")


def test_completion_works_while_events_arrive(peer: StartPeer, terminal: StartTerminal) -> None:
    events = b'{"event": "TEST"}' * 50
    commands = b'{"return": [{"name": "test-me"}], "id": 4}'
    shell = terminal(peer(*UNTIL_PROMPT, events + commands + events, HOLD).address)
    shell.wait_for_prompt()
    shell.type("te")
    shell.wait_for("^ +test-me")


def test_source_reports_the_line_of_an_error_with_a_hint(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "some script").write_text("query-name\nquer-status\nquery-kvm\n")
    shell.enter(".source some script")
    shell.wait_for("^some script:2: quer-status: CommandNotFound: ")
    shell.wait_for("^hint: did you mean query-status or ")
    shell.wait_for_prompt()
    assert "enabled" not in shell.text


def test_source_goes_on_after_the_end_of_the_vm_while_a_fifo_has_no_line(
    shell: Terminal, vm: RunningVm, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    shell.enter(".source fifo")
    with (tmp_path / "fifo").open("wb", 0) as script:
        vm.run("cont")
        shell.wait_for("RESUME$")
        vm.shut_down()
        shell.wait_for("SHUTDOWN")
        script.write(b".set pretty\nquery-name\n")
        shell.wait_for("^on$")
        shell.wait_for("^fifo:2: ")
    shell.wait_for_prompt()


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


def test_a_name_that_contains_a_pipeline_is_completed_as_one_string(
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
    shell.wait_for(r"snapshot-load takes the VM back to the snapshot tag \| touch pwned")
    shell.type("y\r")
    shell.wait_for(r'"return": \{\}')
    shell.wait_for_prompt()
    assert not (tmp_path / "pwned").exists()


def test_the_vm_is_asked_little_before_the_prompt_is_drawn(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    # The log goes where the prompt goes, so that the order of both is seen.
    shell = terminal("-l", "/dev/tty", vm.address, columns=400)
    shell.wait_until(lambda: b"(QEMU)" in shell.raw, "the prompt is drawn")
    before = shell.raw.partition(b"(QEMU)")[0]
    sent = re.findall(rb'"direction": "sent", "message": {"execute": "([^"]+)"', before)
    assert sent[0] == b"qmp_capabilities"
    assert sorted(sent[1:]) == [b"query-commands", b"query-name", b"query-status"]


def test_a_line_that_ends_while_completions_are_found_leaves_nothing_behind(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    """Before it ends, the line editor waits for a reply that this terminal never sends."""
    shell = terminal(vm.address)
    shell.replies = False
    shell.wait_until(lambda: b"(QEMU)" in shell.raw, "the prompt")
    replies = '"name": "testvm"'
    for number in range(1, 4):
        shell.type("q")
        shell.wait_for(r"^\(QEMU\) q(?:.|\n)*" * number)  # and perhaps what is suggested
        shell.type("uery-name\r")
        shell.wait_until(lambda count=number: shell.text.count(replies) == count, "the reply")  # type: ignore[misc]
    assert b"internal error" not in shell.raw
