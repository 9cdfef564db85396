"""``.find``: search by names, and by the words of QEMU's manual."""

from __future__ import annotations

import re

import pytest

from qmp_shell.complete import Candidate
from qmp_shell.manual import Manual
from qmp_shell.vm.topics import Topic, find_topics
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm, StartTerminal
from tests.json_values import GivenAnswers

# A page as docutils makes it for QEMU 11, with words that the names do not have.
PAGE = r"""
.SH THINGS
.TP
.B Command block_resize (Since: 0.14)
Resize a block image while a guest is running.
.INDENT 7.0
.TP
.B Arguments
.INDENT 7.0
.IP \(bu 2
\fBsize\fP (\fBint\fP) \-\- new image size in furlongs
.UNINDENT
.UNINDENT
.TP
.B Command screendump (Since: 0.14)
Capture the contents of a screen. Nobody was rejected. A vicuna is an animal.
.TP
.B Enum ScreenKind (Since: 1.0)
The kinds of screen.
.TP
.B Event RESET (Since: 0.12)
Emitted when the virtual machine is reset.
"""


@pytest.fixture
def manual() -> Manual:
    return Manual("qemu-qmp-ref(7)", PAGE)


def names(found: list[Topic]) -> list[str]:
    return [topic.name for topic in found]


def test_what_has_all_words_comes_first_with_what_it_does(types: VmTypes, manual: Manual) -> None:
    found = find_topics(["resize", "disk"], types, manual)
    sentence = "Resize a block image while a guest is running"
    assert found[0] == Topic("block_resize", "command", sentence)


@pytest.mark.parametrize(
    ("words", "name", "text"),
    [
        ("vicuna", "screendump", "A vicuna is an animal."),
        ("furlong", "block_resize", "size: new image size in furlongs"),
        ("Captured the SCREEN", "screendump", "Capture the contents of a screen"),
        ("screenshot", "screendump", "Capture the contents of a screen"),
        ("powerdown", "system_powerdown", ""),
        ("system-powerdown", "system_powerdown", ""),
        ("xbzrle", "migrate-set-capabilities", "argument capabilities.capability=xbzrle"),
    ],
)
def test_words_of_the_manual_synonyms_members_and_values_are_found(
    types: VmTypes, manual: Manual, words: str, name: str, text: str
) -> None:
    found = find_topics(words.split(), types, manual)
    commands = {topic.name: topic.text for topic in found if topic.kind == "command"}
    assert commands[name] == text


def test_the_middle_of_a_word_counts_in_names_only(types: VmTypes, manual: Manual) -> None:
    assert "screendump" not in names(find_topics(["eject"], types, manual))  # "rejected"
    assert "eject" in names(find_topics(["eject"], types, manual))
    assert "system_powerdown" in names(find_topics(["down"], types, manual))


def test_words_that_say_nothing_are_left_out(types: VmTypes, manual: Manual) -> None:
    assert find_topics(["how", "to", "resize", "a", "disk"], types, manual) == find_topics(
        ["resize", "disk"], types, manual
    )


def test_types_and_events_are_found_behind_commands(types: VmTypes, manual: Manual) -> None:
    found = find_topics(["screen"], types, manual)
    kinds = [topic.kind for topic in found]
    assert kinds.index("command") < kinds.index("type")
    assert "RESET" in names(find_topics(["reset"], types, manual))


DEVICES = (
    Candidate("e1000", "bus PCI, Intel Gigabit Ethernet"),
    Candidate("virtio-net-pci", "bus PCI"),
    Candidate("usb-screen", ""),
)


def test_devices_are_found_by_their_names_and_descriptions(types: VmTypes, manual: Manual) -> None:
    found = find_topics(["ETHERNET"], types, manual, DEVICES)
    assert found == [Topic("e1000", "device", "a device, bus PCI, Intel Gigabit Ethernet")]
    assert find_topics(["virtio-net"], types, manual, DEVICES)[0].name == "virtio-net-pci"
    found = find_topics(["screen"], types, manual, DEVICES)
    assert [names(found).index(each) for each in ("screendump", "usb-screen")] == [0, 1]
    assert find_topics(["usb"], types, None, DEVICES)[-1].text == "a device"


def test_without_a_manual_names_are_found(types: VmTypes) -> None:
    assert names(find_topics(["resize"], types, None))[0] == "block_resize"


def test_a_schema_of_types_within_themselves_is_searched() -> None:
    entries = [
        {"name": "a", "meta-type": "command", "arg-type": "1", "ret-type": "1"},
        {"name": "1", "meta-type": "object", "members": [{"name": "x", "type": "1"}] * 50},
    ]
    view = GivenAnswers({"query-qmp-schema": entries, "query-commands": [{"name": "a"}]}, None)
    assert names(find_topics(["x"], VmTypes(view), None)) == ["a"]


def test_find_shows_names_and_what_matched(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".find resize disk")
    assert result.stdout.startswith("block_resize")
    result = run(vm.address, "-c", ".find gigabit")
    line = r"^e1000 +a device, bus PCI, .*Intel Gigabit Ethernet$"
    assert re.search(line, result.stdout, re.MULTILINE)
    refused = run(vm.address, "-k", "-c", ".find", "-c", ".find zzzz")
    assert refused.stderr.splitlines() == [
        "qmp-shell: -c 1: write .find WORDS",
        "qmp-shell: -c 2: nothing is found for 'zzzz'; .commands lists all commands",
    ]


def test_a_program_gets_all_that_is_found_and_a_person_the_best(
    vm: RunningVm, run: Run, terminal: StartTerminal
) -> None:
    found = run(vm.address, "-c", ".find block").stdout.splitlines()
    assert len(found) > 100
    shell = terminal(vm.address, columns=200, rows=40)
    shell.wait_for_prompt()
    shell.enter(".find block")
    note = f"note: {len(found) - 15} more; add a word to find fewer, or | less to see all"
    shell.wait_for(re.escape(note))
    shell.wait_for_prompt()
    names = [line.split()[0] for line in found]
    assert [row.split()[0] for row in shell.lines if row.split()[:1]][3:18] == names[:15]
    shell.enter(".find block | wc -l")
    shell.wait_for(rf"^ *{len(found)}$")


def test_help_of_something_unknown_names_what_find_has(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".help resize")
    message = "qmp-shell: nothing is known of 'resize' (hint: did you mean block_resize? "
    message += ".find resize has block_resize, "
    assert result.stderr.startswith(message)
    result = run(vm.address, "-c", ".help e1000")
    hint = "(hint: it is a device: .help device_add driver=e1000)\n"
    assert result.stderr == f"qmp-shell: nothing is known of 'e1000' {hint}"
    result = run(vm.address, "-c", ".help gigabit")
    assert re.search(r"\(hint: \.find gigabit has (igb, )?e1000, ", result.stderr)
    result = run(vm.address, "-c", ".help query-statu")
    assert "(hint: did you mean query-status?" in result.stderr
    result = run(vm.address, "-c", ".help query")
    assert re.search(r"\.find query has (\S+, ){4}\S+ and \d+ more\)$", result.stderr)
    result = run(vm.address, "-c", ".help savevm")
    assert result.stderr.endswith("(hint: the human monitor has it: .hmp help savevm)\n")
