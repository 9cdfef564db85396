"""``--demo``: its VM, the guest in it, and the tour."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import qmp_shell
from qmp_shell.commands import Registry
from qmp_shell.errors import ConnectError
from qmp_shell.launch import demo
from qmp_shell.launch.boot_sector import make_boot_sector
from qmp_shell.launch.qcow2 import CLUSTER, LARGEST, make_image
from qmp_shell.launch.tour import Step, Tour
from tests.conftest import Run, StartTerminal, own_vm, require_program
from tests.terminal import Terminal
from tests.test_vm import wait_for_end_of_qemus
from tests.waiting import wait_until

X86 = demo._TARGETS[0]
# Change the speed of the disk that the tour copies to; 0 is no limit.
SPEED = "qom-set path=/objects/slow property=limits value={'bps-write': %d}"
UNLIMITED = SPEED % 0
KEYS_ROW = "Right takes this line, Enter runs it. F2 skips it, F3 ends the tour."
END = "That was the tour."


def trace(*_: object) -> None:
    """Traces nothing."""


@contextmanager
def demo_vm(
    qemu: str, prepare: Callable[[demo._Target, qmp_shell.Client], None] = demo._prepare
) -> Iterator[qmp_shell.Client]:
    """A client that is connected to the VM of the demo."""
    with demo._new_images(X86) as images:
        command = [qemu, *demo._arguments(X86, images)]
        with own_vm(command, descriptors=images, prepare=lambda client: prepare(X86, client)) as vm:
            yield vm.connect(None, trace)[0]


@pytest.fixture
def demo_qemu(qemu: str, environment: dict[str, str], tmp_path: Path) -> None:
    """Put the QEMU to test against first in PATH, where ``--demo`` finds it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "qemu-system-x86_64").symlink_to(qemu)
    environment["PATH"] = f"{folder}:{environment['PATH']}"


@pytest.fixture
def shell(demo_qemu: None, terminal: StartTerminal) -> Terminal:  # noqa: ARG001
    """The demo, at its first prompt."""
    started = terminal("--demo")
    started.wait_for_prompt()
    return started


# The image


def check_image(path: Path) -> None:
    """Check an image as QEMU's own tool does."""
    tool = require_program("qemu-img")
    subprocess.run([tool, "check", "-q", "-f", "qcow2", str(path)], check=True)


@pytest.mark.parametrize("letters", [b"", b"a", b"aa", b"abc", b"abbbab" * 20])
def test_an_image_is_as_qemu_wants_it(tmp_path: Path, letters: bytes) -> None:
    image, raw = tmp_path / "image", tmp_path / "raw"
    contents = [bytes([letter]) * CLUSTER for letter in letters]
    image.write_bytes(make_image(16 << 20, contents))
    check_image(image)
    assert image.stat().st_size == (5 + len(set(letters))) * CLUSTER
    tool = require_program("qemu-img")
    subprocess.run([tool, "convert", "-f", "qcow2", "-O", "raw", image, raw], check=True)
    assert raw.read_bytes() == b"".join(contents).ljust(16 << 20, b"\0")


def test_the_largest_image_is_sound(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(make_image(LARGEST, [b"a" * CLUSTER] * (LARGEST // CLUSTER)))
    check_image(image)
    with pytest.raises(AssertionError):
        make_image(LARGEST + 1)


# The VM


def test_the_boot_sector_is_one_that_a_pc_boots_from() -> None:
    sector = make_boot_sector()
    assert len(sector) == 512
    assert sector.endswith(b"\x55\xaa")
    assert sector[0x30:].startswith(b"\r\nThe demo of qmp-shell")  # where its code expects it


def test_the_guest_of_the_demo_sleeps_and_lets_devices_go(qemu: str) -> None:
    with demo_vm(qemu) as client:

        def human(line: str) -> Any:
            return client.execute("human-monitor-command", **{"command-line": line})

        def is_asleep() -> bool:
            return "HLT=1" in human("info registers")

        def screen() -> str:
            """The letters of the first lines on the VGA's screen."""
            cells = re.findall(r"0x([0-9a-f]{2})\b", human("xp /960xb 0xb8000"))
            return bytes.fromhex("".join(cells[::2])).decode("cp437")

        assert client.execute("query-status")["status"] == "running"
        wait_until(lambda: "The demo of qmp-shell: a guest that sleeps." in screen(), "its text")
        for device in ("nic0", "vd0"):
            wait_until(is_asleep, "sleep")
            client.execute("device_del", id=device)
            deleted = (event for event in client.events(20) if event.name == "DEVICE_DELETED")
            assert any(event.data.get("device") == device for event in deleted)
        wait_until(is_asleep, "sleep")


def test_the_nic_of_the_demo_is_connected_to_the_host(qemu: str) -> None:
    with demo_vm(qemu) as client:
        text = client.execute("human-monitor-command", **{"command-line": "info network"})
    assert re.search(r"^nic0: .*model=virtio-net-pci", text, re.MULTILINE)
    assert re.search(r"^ \\ net0: .*type=user", text, re.MULTILINE)
    assert re.search(r"^net1: .*type=user", text, re.MULTILINE)


class WithoutUserNetwork:
    """A client of a QEMU that was built without libslirp."""

    def __init__(self, client: qmp_shell.Client) -> None:
        self._client = client

    def execute(self, name: str, /, **arguments: Any) -> Any:
        if arguments.get("type") == "user":
            # What QEMU says of a type that it lacks.
            arguments["type"] = "none-such"
        return self._client.execute(name, **arguments)


def test_the_demo_needs_no_user_network(qemu: str) -> None:
    def prepare(target: demo._Target, client: qmp_shell.Client) -> None:
        demo._prepare(target, WithoutUserNetwork(client))  # type: ignore[arg-type]

    with demo_vm(qemu, prepare) as client:
        client.execute("device_add", driver="virtio-net-pci", id="nic1", netdev="net1")
        text = client.execute("human-monitor-command", **{"command-line": "info network"})
    hubs = re.findall(r"hub (\d)\s+\\ (net\d): (nic\d):", text)
    assert sorted(hubs) == [("0", "net0", "nic0"), ("1", "net1", "nic1")]


def test_a_vm_that_cannot_be_prepared_ends_the_shell(qemu: str) -> None:
    def prepare(_: demo._Target, client: qmp_shell.Client) -> None:
        client.execute("device_add", driver="none-such")

    with (
        pytest.raises(ConnectError, match=r"cannot be used: .*'none-such' is not a valid"),
        demo_vm(qemu, prepare),
    ):
        pass


def test_a_vm_that_ends_while_it_is_prepared(qemu: str) -> None:
    def prepare(_: demo._Target, client: qmp_shell.Client) -> None:
        client.execute("quit")
        client.execute("query-status")

    with pytest.raises(ConnectError, match="ended with status 0"), demo_vm(qemu, prepare):
        pass


def test_what_is_prepared_is_not_shown(run: Run, demo_qemu: None) -> None:  # noqa: ARG001
    result = run("--demo", "-v", "-e", "-c", "query-name")
    executed = re.findall(r'"execute": "([^"]*)"', result.stdout + result.stderr)
    assert executed == ["qmp_capabilities", "query-name"]
    assert "RESUME" not in result.stdout
    assert result.returncode == 0


@pytest.mark.usefixtures("demo_qemu")
def test_the_demo_runs_with_standard_input_closed(environment: dict[str, str]) -> None:
    result = subprocess.run(
        ["bash", "-c", '"$0" -m qmp_shell --demo -c query-name <&-', sys.executable],
        capture_output=True,
        env=environment,
        timeout=60,
        check=True,
    )
    assert (result.stdout, result.stderr) == (b'{"return": {"name": "demo"}}\n', b"")


@pytest.mark.usefixtures("demo_qemu")
def test_the_demo_where_there_is_no_space(environment: dict[str, str], tmp_path: Path) -> None:
    environment["TMPDIR"] = str(tmp_path)
    result = subprocess.run(
        ["bash", "-c", 'ulimit -f 100; "$0" -m qmp_shell --demo -c query-name', sys.executable],
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    advice = "File too large; set TMPDIR to a directory for temporary files"
    assert result.stderr.decode() == f"qmp-shell: {tmp_path}: {advice}\n"
    assert result.returncode == 3


@pytest.mark.usefixtures("demo_qemu")
def test_the_disk_of_the_demo_is_writable(run: Run) -> None:
    result = run("--demo", "-c", "query-block", "-c", ".hmp qemu-io disk0 'write 0 64k'")
    (block,) = json.loads(result.stdout.splitlines()[0])["return"]
    assert block["inserted"]["node-name"] == "disk0"
    assert block["inserted"]["drv"] == "qcow2"
    assert block["inserted"]["ro"] is False
    assert (result.stderr, result.returncode) == ("", 0)


def test_the_demo_names_the_package_to_install_if_there_is_no_qemu(
    run: Run, tmp_path: Path
) -> None:
    result = run("--demo", PATH=str(tmp_path))
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.startswith("qmp-shell: no QEMU is installed here; install ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("release", "advice"),
    [
        ({"ID": "debian"}, "apt install qemu-system-x86"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt install qemu-system-x86"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install qemu-kvm"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install qemu-x86"),
        ({"ID": "unheard-of"}, "install the package that holds qemu-system-x86_64"),
    ],
)
def test_the_package_to_install_depends_on_the_distribution(
    release: dict[str, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    assert advice in demo._advice()


# The tour


def lines_of(target: demo._Target) -> list[str]:
    return [line for step in demo._steps(target) for line in step.lines]


INSTALLED = [
    target
    for target in demo._TARGETS
    if target.name == "x86_64" or shutil.which(f"qemu-system-{target.name}")
]


@pytest.mark.parametrize("target", INSTALLED, ids=lambda target: target.name)
def test_the_tour_of_the_demo_works_with_each_installed_architecture(
    target: demo._Target, run: Run, qemu: str, tmp_path: Path
) -> None:
    name = f"qemu-system-{target.name}"
    program = qemu if target is X86 else require_program(name)
    (tmp_path / name).symlink_to(program)
    options = ["-c", UNLIMITED]
    for line in (*lines_of(target), ".wait DEVICE_DELETED device=rng1 timeout=20"):
        options += ["-c", line]
    result = run("--demo", *options, PATH=str(tmp_path))
    assert result.returncode == 0
    assert "error" not in result.stdout


@pytest.mark.parametrize("target", demo._TARGETS, ids=lambda target: target.name)
def test_each_line_of_the_tour_fits_in_a_row(target: demo._Target) -> None:
    assert max(map(len, lines_of(target))) < 80 - len("(QEMU) ")


def test_a_tour_goes_on_when_a_command_has_succeeded() -> None:
    tour = Tour((Step("One.", (".info",), "With a key."), Step("Two.", ("job-pause id=a", "b"))))
    assert (tour.title, tour.aid, tour.line) == ("Tour 1/2: One.", "With a key.", ".info")
    for other in ("", "query-block", "infos"):
        tour.note_success(other)
    assert tour.line == ".info"
    tour.note_success(" .info  > vm.txt")
    assert (tour.title, tour.aid, tour.line) == ("Tour 2/2: Two.", "", "job-pause id=a")
    tour.note_success("job-pause id=other")
    assert (tour.title, tour.line) == ("Tour 2/2: Two.", "b")
    tour.note_success("b")
    check_over(tour)


def check_over(tour: Tour) -> None:
    assert tour.is_over
    assert (tour.title, tour.aid, tour.line) == ("", "", "")
    tour.note_success("")
    tour.go_on()
    assert tour.is_over


def test_a_step_can_be_passed_over_and_a_tour_ended() -> None:
    steps = (Step("One.", ("a", "b")), Step("Two.", ("c", "d")))
    tour = Tour(steps)
    tour.note_success("a")
    tour.go_on()
    assert tour.line == "c"
    tour.go_on()
    check_over(tour)
    tour = Tour(steps)
    tour.end()
    check_over(tour)


def suggested(shell: Terminal) -> str:
    """The line that the tour shows below the prompt."""
    return shell.lines[shell.lines.index(KEYS_ROW) - 1].strip()


def wait_for_step(shell: Terminal, number: int, line: str) -> None:
    """Wait until the tour shows a line."""
    shell.wait_for_prompt()
    shell.wait_for(rf"^Tour {number}/5: (.*\n){{1,2}}  {re.escape(line)}\n{re.escape(KEYS_ROW)}$")


@pytest.mark.usefixtures("demo_qemu")
def test_each_line_of_the_tour_is_typed_as_shown_and_leaves_no_files(
    terminal: StartTerminal,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    shell = terminal("--demo")
    shell.wait_for_prompt()
    assert re.fullmatch(r"demo, QEMU .*, running", shell.lines[0])
    assert shell.lines[1] == "Tab completes, .help helps, Ctrl-D leaves and ends the VM."
    assert shell.lines[2] == "(QEMU) .info"  # in grey

    def follow(number: int, line: str, outcome: str) -> None:
        """Type the line that the tour shows, and wait for what it does."""
        wait_for_step(shell, number, line)
        shell.enter(suggested(shell))
        shell.wait_for(rf"^\(QEMU\) {re.escape(line)}\n(.*\n)*{outcome}")

    done = r'\{\n  "return": \{\}\n\}\n'
    follow(1, ".info", r"Disks +vd0  16 MiB, qcow2")
    follow(2, "device_add driver=virtio-net-pci id=nic1 netdev=net1", done)
    follow(3, "blockdev-snapshot-internal-sync device=disk0 name=first", done)
    follow(3, ".tree block", ".* disk0  qcow2  16 MiB .* snapshot first\n")
    shell.wait_for_prompt()
    shell.enter(SPEED % (1 << 19))
    follow(4, "blockdev-mirror job-id=m0 device=disk0 target=copy sync=full", ".* m0 mirror: ")
    follow(4, ".wait BLOCK_JOB_READY device=m0", r"BLOCK_JOB_READY +\d+% .* of 16 MiB")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted$")
    shell.wait_for_prompt()
    shell.enter(UNLIMITED)
    follow(4, ".wait BLOCK_JOB_READY device=m0", ".* ready: job-complete id=m0\n")
    follow(5, "device_add driver=virtio-rng-pci id=rng1", done)
    follow(5, "device_del id=rng1", r'.* DEVICE_DELETED \{"device": "rng1"')
    shell.wait_for_prompt()
    assert END in shell.text
    assert "Tour" not in shell.text.replace(END, "")
    assert '"error"' not in shell.history
    shell.press("ctrl-d")
    assert shell.wait_for_end() == 0
    assert list(temporary.iterdir()) == []
    wait_for_end_of_qemus(str(temporary))


def test_keys_take_the_line_of_the_tour_and_go_on_and_end_it(shell: Terminal) -> None:
    wait_for_step(shell, 1, ".info")
    assert shell.colours(".info") != {"default"}
    shell.press("right")
    shell.wait_until(lambda: shell.cursor_column == len("(QEMU) .info"), "the line")
    shell.press("home", "right")  # in a line, Right is what it always is
    shell.wait_until(lambda: shell.cursor_column == len("(QEMU) ."), "the cursor")
    shell.press("f2")
    nic = "device_add driver=virtio-net-pci id=nic1 netdev=net1"
    shell.wait_for(rf"^  {nic}$")
    assert "(QEMU) .info" in shell.text
    shell.interrupt()
    wait_for_step(shell, 2, nic)
    shell.type("device_a")
    shell.wait_for(rf"^\(QEMU\) {nic}$")  # the rest of it in grey
    shell.press("f3")
    shell.wait_until(lambda: "Tour" not in shell.text, "the end of the tour")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.press("right", "f2", "f3")
    shell.enter("query-name")
    shell.wait_for('"name": "demo"')
    shell.wait_for_prompt()
    assert "Tour" not in shell.text
    assert END not in shell.text


def test_a_key_brings_the_next_line_in_grey(shell: Terminal) -> None:
    wait_for_step(shell, 1, ".info")
    shell.press("f2")
    shell.wait_for(r"^\(QEMU\) device_add driver=virtio-net-pci")
    shell.press("f2", "f2", "f2", "f2")
    shell.wait_until(lambda: "Tour" not in shell.text, "the end of the tour")
    shell.wait_for(r"^\(QEMU\)$")


def test_what_undoes_a_change_is_suggested_during_the_tour_too(shell: Terminal) -> None:
    wait_for_step(shell, 1, ".info")
    shell.enter("device_add driver=virtio-rng-pci id=rng7")
    wait_for_step(shell, 1, ".info")
    shell.type("device_")
    shell.wait_for(r"^\(QEMU\) device_del id=rng7$")


def test_the_tour_is_shown_where_its_lines_can_be_run(shell: Terminal) -> None:
    nic = "device_add driver=virtio-net-pci id=nic1 netdev=net1"
    shell.press("f2")
    wait_for_step(shell, 2, nic)
    shell.enter(".hmp")
    shell.wait_for_prompt("(qemu) ")
    assert "Tour" not in shell.text
    shell.press("right", "f2", "f3")
    shell.enter("device_add virtio-rng-pci,id=rng9")
    shell.wait_for_prompt("(qemu) ")
    shell.enter(".qmp")
    wait_for_step(shell, 2, nic)
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    assert "Tour" not in shell.text
    shell.interrupt()
    wait_for_step(shell, 2, nic)


@pytest.mark.usefixtures("demo_qemu")
def test_the_tour_of_the_demo_on_a_narrow_screen(terminal: StartTerminal) -> None:
    shell = terminal("--demo", columns=40)
    keys = r"Right takes this line, Enter runs it\.\nF2 skips it, F3 ends the tour\.\n"
    shell.wait_for(rf"^Tour 1/5: Look at this VM\.\n  \.info\n{keys}")
    shell.press("f2")
    line = r"  device_add driver=virtio-net-pci\n  id=nic1 netdev=net1\n"
    shell.wait_for(rf"\n{line}{keys}")


@pytest.mark.usefixtures("demo_qemu")
def test_the_tour_leaves_room_for_what_is_typed(terminal: StartTerminal) -> None:
    shell = terminal("--demo", rows=9)
    shell.wait_for_prompt()
    wait_for_step(shell, 1, ".info")
    shell.type("query-st")
    shell.wait_for("^ +query-stats ")  # the menu
    shell.wait_for("^Tour 1/5")
    shell.child.setwinsize(8, 80)
    shell.wait_until(
        lambda: "Tour" not in shell.text and "demo  running" in shell.lines,
        "a toolbar without the tour",
    )


@pytest.mark.usefixtures("demo_qemu")
def test_the_tour_without_colours(terminal: StartTerminal) -> None:
    """What is suggested could not be told from what was typed."""
    shell = terminal("--demo", "--color", "never")
    wait_for_step(shell, 1, ".info")
    assert "(QEMU)" in shell.lines
    shell.press("right")
    shell.wait_for(r"^\(QEMU\) \.info$")


@pytest.mark.usefixtures("demo_qemu")
def test_the_tour_on_a_plain_terminal(terminal: StartTerminal) -> None:
    shell = terminal("--demo", TERM="dumb")
    shell.wait_for(
        r"^# Tour 1/5: Look at this VM\.\n#   \.info\n"
        r"# \(\.tour next goes on without it, \.tour off ends the tour\.\)\n\(QEMU\)$"
    )
    shell.type("query-name\r")
    shell.wait_for(r'"demo"\n  \}\n\}\n\(QEMU\)$')  # nothing is said twice
    shell.type(".info\r")
    shell.wait_for(
        r"^# Tour 2/5: Plug in a NIC\.\n#   device_add driver=virtio-net-pci.*\n\(QEMU\)$"
    )
    shell.type(".tour next\r")
    shell.wait_for(r"^# Tour 3/5: .*\n#   blockdev-snap.*\n\(QEMU\)$")
    shell.type(".tour\r")
    shell.wait_for(r"^\(QEMU\) \.tour\nTour 3/5: .*\n  blockdev-snap.*\n\(QEMU\)$")
    shell.type(".tour off\r")
    shell.wait_for(r"^\(QEMU\) \.tour off\n\(QEMU\)$")
    shell.type(".tour next\r")
    shell.wait_for(r"^the tour is over; .*\n\(QEMU\)$")
    assert b"\x1b" not in shell.raw


@pytest.mark.usefixtures("demo_qemu")
def test_the_command_of_the_tour(run: Run, shell: Terminal) -> None:
    wait_for_step(shell, 1, ".info")
    shell.type(".tour n")
    shell.wait_for("^ +next +skip the step")
    shell.enter("o")
    shell.wait_for(r"write \.tour \[next\|off\]")
    shell.enter(".help")
    shell.wait_for(r"^ *\.tour \[next\|off\] +show the step of the tour")
    result = run("--demo", "-c", ".tour")
    assert result.stderr.endswith("the tour is for the prompt\n")
    assert "tour" not in {command.name for command in Registry().all()}
