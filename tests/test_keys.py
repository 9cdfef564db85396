"""Keys at the prompt: the menu, suggestions, the user's own editor; and saving what was typed."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.document import Document

from qmp_shell.complete import Candidate, Completions, Syntax, insertion
from qmp_shell.prompt.insertion import NameCompletion, find_common
from tests.conftest import Run, RunningVm
from tests.terminal import Terminal

Start = Callable[..., Terminal]


def _written(name: str) -> str:
    text = insertion(Candidate(name), Completions("", [], syntax=Syntax.VALUE))
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("typed", "texts", "line"),
    [
        ("driver=virtio-", ["virtio-blk-pci", "virtio-9p-pci", "x-virtio-y"], "driver=virtio-"),
        ("x vir", ["virtio-blk", "virtio-9p", "my-virtio"], "x virtio-"),
        ("block-res", ["block_resize"], "block_resize"),
        ("block-d", ["block-dirty-add", "block-dirty-clear", "x-block-d"], "block-dirty-"),
        ("resize", ["block_resize"], "block_resize"),
        ("stat", ["query-status", "query-stats"], "stat"),
        ("cont", ["cont", "x-continue"], "cont"),
        ("", ["a", "ab"], "a"),
        ("bus=", ["rp1", "rp2"], "bus=rp"),
        ("bus=", ["rp1", "pcie.0"], "bus="),
        ("name=b", ["b1", "b 2"], "name=b"),
        ("name=b", ["b 2", "xb"], 'name="b 2"'),
        ("name=a", ["a\nb", "a\tb"], "name=a"),
        ("", [], ""),
    ],
)
def test_tab_inserts_what_is_certain(typed: str, texts: list[str], line: str) -> None:
    last = typed.rpartition(" ")[2].rpartition("=")[2]
    found = [NameCompletion(_written(text), -len(last), text, last) for text in texts]
    common = find_common(Document(typed), found)
    inserted = common.text if common is not None else last
    assert typed.removesuffix(last) + inserted == line


def test_what_is_typed_after_tab_goes_on_with_what_is_certain(shell: Terminal) -> None:
    shell.type("device_add driver=virtio-")
    shell.wait_for("^ +virtio-")
    shell.type("\trng-pci")
    shell.wait_for(r"^\(QEMU\) device_add driver=virtio-rng-pci$")


def test_enter_takes_the_selected_completion_and_opens_the_next_menu(shell: Terminal) -> None:
    shell.type("set_link ")
    shell.press("tab")
    shell.wait_for("^ +up= +bool, required")
    shell.press("tab", "enter")
    shell.wait_for(r"^\(QEMU\) set_link name=$")
    shell.type("x u")
    shell.wait_for(r"^\(QEMU\) set_link name=x u\n +up= +bool, required")
    shell.press("down", "enter")
    shell.wait_for(r"^\(QEMU\) set_link name=x up=\n +true +or on, yes")
    shell.press("down", "down", "enter")
    shell.wait_for(r"^\(QEMU\) set_link name=x up=false$")
    assert "error" not in shell.text, "it was not sent"
    shell.press("enter")
    shell.wait_for("DeviceNotFound")


def test_tab_tab_selects_in_the_menu(shell: Terminal) -> None:
    shell.type("query-stat")
    shell.wait_for("^ +query-stats-schemas")
    shell.press("tab", "tab")
    shell.wait_for(r"^\(QEMU\) query-stats$")
    shell.press("tab")
    shell.wait_for(r"^\(QEMU\) query-stats-schemas$")


def test_a_menu_is_not_drawn_over_a_suggestion(shell: Terminal) -> None:
    def wait_for_suggestion() -> None:
        shell.wait_until(
            lambda: (
                shell.cursor_line.startswith(f"(QEMU) {line[:60]}")
                and shell.cursor_column == len("(QEMU) device_add ")
            ),
            "the suggestion",
        )

    line = "device_add driver=virtio-net-pci id=a0 mac=52:54:00:11:22:33 mq=on bootindex=oops"
    shell.enter(line)
    shell.wait_for_prompt()
    shell.type("device_add ")
    wait_for_suggestion()
    shell.press("tab")
    shell.wait_for("^ +driver= +str, required")
    shell.wait_until(lambda: shell.cursor_line == "(QEMU) device_add", "the line alone")
    shell.press("right")  # takes nothing that is not shown
    shell.press("escape")
    wait_for_suggestion()
    shell.press("tab", "tab")
    shell.wait_for(r"^\(QEMU\) device_add \w+=$")
    shell.press("escape")
    wait_for_suggestion()


def test_a_suggestion_beside_a_menu_is_shown(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.type("query-n")
    shell.wait_for(r"^\(QEMU\) query-name\n +query-name +")
    shell.press("right")
    shell.wait_until(lambda: shell.cursor_column == len("(QEMU) query-name"), "the suggestion")


def test_what_undoes_a_change_is_suggested_and_not_sent(shell: Terminal) -> None:
    shell.enter("object-add qom-type=iothread id=io0")
    shell.wait_for(r"^\(QEMU\) object-del id=io0$")
    shell.wait_for_prompt()  # the cursor is before it
    shell.enter("query-iothreads")
    shell.wait_for('"io0"')
    shell.wait_for(r"^\(QEMU\) object-del id=io0$")  # a query changes nothing
    shell.press("right", "enter")
    shell.wait_for_prompt()
    shell.enter("query-iothreads")
    shell.wait_for(r'"return": \[\]')


def test_limits_are_suggested_as_they_were(
    start_vm: Callable[..., RunningVm], terminal: Callable[..., Terminal]
) -> None:
    disk = "driver=null-co,read-zeroes=on,if=none,id=d0,throttling.iops-total=77"
    shell = terminal(start_vm("-drive", disk).address)
    shell.wait_for_prompt()
    shell.enter(
        "block_set_io_throttle device=d0 bps=0 bps_rd=0 bps_wr=0 iops=5 iops_rd=0 iops_wr=0"
    )
    shell.wait_for_prompt()
    shell.wait_for("iops=77 ")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter("migrate-set-parameters max-bandwidth=5M")
    shell.wait_for(r"^\(QEMU\) migrate-set-parameters max-bandwidth=134217728$")
    shell.enter("migrate-set-capabilities capabilities=[{'capability': 'xbzrle', 'state': true}]")
    shell.wait_for(r'"xbzrle", "state":\nfalse\}\]$')
    shell.enter("set_link name=nope up=off")
    shell.wait_for("DeviceNotFound")
    shell.wait_for(r'"xbzrle", "state":\nfalse\}\]$')  # a command that fails changes nothing


def test_a_line_is_changed_in_the_users_own_editor(vm: RunningVm, terminal: Start) -> None:
    shell = terminal(vm.address, EDITOR="sed -i s/status/name/")
    shell.wait_for_prompt()
    shell.type("query-status\x18\x05")
    shell.wait_for(r"^\(QEMU\) query-name$")
    shell.press("enter")
    shell.wait_for('"testvm"')
    shell.wait_for_prompt()
    shell.enter("# status")
    shell.wait_for_prompt()
    shell.enter(".edit")
    shell.wait_for(r"^\(QEMU\) # name$")


@pytest.mark.parametrize(
    ("editor", "error"),
    [
        ("/nowhere/vi", "/nowhere/vi: No such file or directory; $EDITOR chooses another editor"),
        ("'", "$EDITOR is no command"),
        ("false", "false ended with status 1; the line is unchanged"),
        (
            "sh -c 'head -c 4000 /bin/sh > $0'",
            "what the editor wrote is not UTF-8; the line is unchanged",
        ),
    ],
)
def test_an_editor_that_fails_loses_nothing(
    vm: RunningVm, terminal: Start, editor: str, error: str
) -> None:
    shell = terminal(vm.address, EDITOR=editor, LC_ALL="C.UTF-8")
    shell.wait_for_prompt()
    shell.type("query-na\x18\x05")
    shell.wait_for(re.escape(error))
    shell.wait_for(r"^\(QEMU\) query-na$")


def test_a_transaction_is_recalled_and_changed_as_one(shell: Terminal) -> None:
    for line in ("transaction(", "abort"):
        shell.enter(line)
        shell.wait_for_prompt("TRANS> ")
    shell.enter(")")
    shell.wait_for("Transaction aborted")
    shell.wait_for_prompt()
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) transaction\(\n +abort\n +\)$")
    shell.press("up")
    shell.type("\x05x")
    shell.wait_for(r"^ +abortx\n +\)$")
    shell.press("enter")
    shell.wait_for("abortx")
    shell.wait_for("does not accept value 'abortx'|Invalid parameter 'abortx'")


def test_vi_keys(shell: Terminal) -> None:
    shell.enter(".set editing vi")
    shell.wait_for_prompt()
    shell.type("query-nam")
    shell.wait_for("^ +query-named-block-nodes")
    shell.press("escape")
    # The cursor goes back once Escape is no longer taken for the beginning of a sequence.
    column = len("(QEMU) query-na")
    shell.wait_until(lambda: shell.cursor_column == column, "navigation")
    shell.type("Ae\r")
    shell.wait_for('"testvm"')


def test_what_was_typed_is_saved_as_a_script(
    vm: RunningVm, terminal: Start, run: Run, tmp_path: Path
) -> None:
    vm.add_nodes("source", "target")
    shell = terminal(vm.address)
    shell.wait_for_prompt()
    for line in (
        "blockdev-mirror job-id=m0 device=source target=target sync=full",
        ".info",
        "stop x=1",
        "object-add qom-type=secret id=s data=1234",
    ):
        shell.enter(line)
        shell.wait_for_prompt()
        if line.startswith("blockdev-mirror"):
            shell.wait_for("ready: job-complete id=m0")
    shown = (".info", "query-name ?", ".info > info.txt", ".hmp info status")  # two do not last
    for line in ("block-job-cancel device=m0", *shown, ".save script"):
        shell.enter(line)
        shell.wait_for_prompt()
    script = (tmp_path / "script").read_text().splitlines()
    assert script[:2] == [
        "blockdev-mirror job-id=m0 device=source target=target sync=full",
        ".wait BLOCK_JOB_READY device=m0",
    ]
    assert script[2].startswith("# failed: stop: GenericError: Parameter 'x' is unexpected")
    assert script[3:5] == ["#   stop x=1", "# a line that may hold a secret is left out"]
    assert script[5] == "block-job-cancel device=m0"
    assert script[-2:] == [".info > info.txt", ".hmp info status"]
    shell.enter(".save script 1")
    shell.wait_for("exists and is overwritten. Go on")
    shell.type("y\r")
    shell.wait_for_prompt()
    assert (tmp_path / "script").read_text() == ".hmp info status\n"
    shell.enter(".exit")
    shell.wait_for_end()
    text = "\n".join(script)
    result = run(vm.address, stdin=text)
    assert result.returncode == 0, result.stderr


def test_the_next_menu_opens_behind_a_key_of_a_literal(shell: Terminal) -> None:
    shell.type('{"execute": "set_link", "arguments": {"u')
    shell.wait_for("^ +up +bool, required")
    shell.press("down", "enter")
    shell.wait_for("^ +true$")
    shell.press("down", "enter")
    shell.wait_for(r'"up": true$')
    assert "error" not in shell.text, "it was not sent"


@pytest.mark.parametrize("key", ["\x1bOS", "\x18\x05"], ids=["F4", "Ctrl-X Ctrl-E"])
def test_keys_within_a_search_do_not_leave_the_prompt_stuck(
    vm: RunningVm, terminal: Start, key: str
) -> None:
    shell = terminal(vm.address, EDITOR="true")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.press("ctrl-r")
    shell.type(f"query{key}")
    shell.wait_for("query-name")
    shell.press("ctrl-c")
    shell.enter("query-version")
    shell.wait_for('"package"')


def test_a_signal_within_a_search_does_not_leave_the_prompt_stuck(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.press("ctrl-r")
    shell.type("name")
    shell.wait_for("i-search.*name': query-name$")
    shell.child.kill(signal.SIGINT)
    shell.wait_for_prompt()
    shell.enter("query-version")
    shell.wait_for('"package"')


@pytest.mark.parametrize("editing", ["emacs", "vi"])
def test_enter_runs_what_a_search_has_found(shell: Terminal, editing: str) -> None:
    shell.enter(f".set editing {editing}")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.press("ctrl-r")
    shell.type("set ed")
    shell.wait_for("i-search.*set ed.*editing")
    shell.press("ctrl-c")
    shell.wait_for_prompt()
    shell.press("ctrl-r")
    shell.type("-nam")
    shell.wait_for("i-search.*-nam.*query-name")
    shell.enter("")
    shell.wait_for_prompt()
    assert shell.text.count('"testvm"') == 2


def test_enter_in_a_search_that_has_found_nothing_sends_nothing(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.type("query-kv")
    for searched in ("", "nonesuch"):
        shell.wait_for(r"^\(QEMU\) query-kv")
        shell.press("ctrl-r")
        shell.type(searched)
        shell.wait_for(f"i-search.*`{searched}'")
        shell.press("enter")
    shell.wait_for(r"^\(QEMU\) query-kv")
    assert shell.text.count("return") == 1


def test_what_a_search_shows_has_no_marks_of_what_was_typed(shell: Terminal) -> None:
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.type("qurey-block ")
    shell.wait_for(r"^\(QEMU\) qurey-block$")
    shell.wait_until(lambda: shell.colours("qurey-block") == {"red"}, "a mark")
    shell.press("ctrl-r")
    shell.type("name")
    shell.wait_for("i-search.*name': query-name$")
    assert "red" not in shell.colours("name': query-name")
    shell.press("ctrl-c")
    shell.wait_for(r"^\(QEMU\) qurey-block$")
    assert shell.colours("qurey-block") == {"red"}


@pytest.mark.parametrize("key", ["\x03", "\x07"], ids=["ctrl-c", "ctrl-g"])
def test_a_line_that_is_not_complete_goes_on_after_an_aborted_search(
    shell: Terminal, key: str
) -> None:
    """What was found is complete, so that Enter would send it."""
    shell.enter("query-name")
    shell.wait_for_prompt()
    shell.type("send-key keys=[")
    shell.press("ctrl-r")
    shell.type("name")
    shell.wait_for("^I-search backward: name")
    shell.press("ctrl-r")  # only this replaces the line
    shell.wait_for("^testvm ")
    shell.type(key)
    shell.wait_for(r"^\(QEMU\) send-key keys=\[\n+send-key keys=")
    shell.type("\r]")
    shell.wait_for(r"^ +\]$")


def test_a_line_that_was_found_and_is_not_complete_goes_on(shell: Terminal) -> None:
    shell.type("\x1b[200~query-name\nsend-key keys=[\x1b[201~\x1b\r")
    shell.wait_for("this bracket is never closed")
    shell.wait_for_prompt()
    shell.press("ctrl-r")
    shell.type("keys")
    shell.wait_for("i-search.*keys.*send-key")
    shell.press("enter")
    shell.wait_for(r"^ +send-key keys=\[\n\n")
    shell.wait_until(lambda: shell.cursor_line == "", "a continuation line")
    shell.enter("]")
    shell.wait_for_prompt()
    assert shell.history.count('"testvm"') == 2


def test_an_editor_that_removes_the_file_loses_nothing(vm: RunningVm, terminal: Start) -> None:
    shell = terminal(vm.address, EDITOR="rm")
    shell.wait_for_prompt()
    shell.type("query-na\x18\x05")
    shell.wait_for("^rm: No such file or directory; ")
    shell.wait_for(r"^\(QEMU\) query-na$")


def test_what_undoes_nothing_any_more_is_not_suggested(shell: Terminal) -> None:
    shell.enter("stop")  # it is paused already
    shell.wait_for_prompt()
    assert "cont" not in shell.text
    shell.enter("cont")
    shell.wait_for(r"^\(QEMU\) stop$")
    shell.enter("object-add qom-type=iothread id=io0")
    shell.wait_for(r"^\(QEMU\) object-del id=io0$")
    shell.enter(".hmp object_del io0")
    shell.wait_until(lambda: shell.text.endswith("running"), "the next prompt")
    shell.wait_for_prompt()
    assert shell.cursor_line == "(QEMU)"


def test_suggestions_within_a_transaction_undo_nothing(shell: Terminal) -> None:
    shell.enter("object-add qom-type=iothread id=io0")
    shell.wait_for_prompt()
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.type("object-d")
    shell.wait_for(r"^TRANS> object-d$")
