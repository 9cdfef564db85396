"""The completion scripts in completions/, in the shells that use them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from typing import Protocol

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.completing import print_completions, vm_words
from qmp_shell.completing.shell_words import split_line
from qmp_shell.documentation import TOPICS, read_topic
from qmp_shell.documentation.markup import Code, parse_blocks
from qmp_shell.options import build_parser, build_wrap_parser
from qmp_shell.vm import attachment
from qmp_shell.vm.question import is_read_only
from tests.conftest import (
    Run,
    RunningVm,
    StartPeer,
    StartTableVm,
    create_image,
    create_image_snapshot,
    require_program,
    shell_command,
)
from tests.peer import ACCEPTED, GREETING, HOLD

COMPLETIONS = Path(__file__).parents[1] / "completions"
PARSERS = {parser.prog: parser for parser in (build_parser(), build_wrap_parser())}
PROMPT = "ready> "
# The names of snapshots: those that are inserted, and those that might be taken for more.
SAFE = {"plain-1", "a[0]", "#1"}
SNAPSHOTS = (
    *(*SAFE, "two words", "$(touch harmed)", "`touch harmed`", "a;touch harmed", "a|touch harmed"),
    *("a&touch harmed", "a\ntouch harmed", "a'b", 'a"b', "a\\b", "!!", "~root", "=ls", "$HOME"),
    *("*", "a>harmed", "(x)"),
)
CONFIGURATION = """
[vm.web1]
address = "/run/web 1.sock"
[vm.web2]
address = "ssh://host/x"
"""
# The program, with more time for a VM's answers than somebody at a keyboard would wait.
PATIENT = """
import sys
from qmp_shell.completing import vm_words
from qmp_shell.start import {entry}
from qmp_shell.vm import attachment
vm_words._SECONDS = attachment.ANSWER_SECONDS = 20.0
vm_words._LAST_SECONDS = 60
sys.exit({entry}())
"""
ERROR_MESSAGE = re.compile(r"\b(bash|zsh): |:\d+: ")  # of the shell itself, or of a function in zsh

each_program = pytest.mark.parametrize("program", PARSERS)


# The shells, in a directory with files and sockets to complete


class Shell(Protocol):
    """A shell that has loaded the completion scripts."""

    def offered(self, line: str) -> set[str]:
        """Return the candidates for the last word of a line."""


class TerminalShell:
    """bash or zsh in a pseudo-terminal."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self._child = child

    def run(self, keys: str) -> list[str]:
        """Type keys and Enter, and return the arguments with which the command was started."""
        self._child.send(f"{keys}\r")
        self._child.expect("\x02(.*)\x03")
        assert not ERROR_MESSAGE.search(self._child.before or "")
        match = self._child.match
        self._child.expect_exact(PROMPT)
        assert isinstance(match, re.Match)
        return match[1].split("\x1f") if match[1] else []

    def offered(self, line: str) -> set[str]:
        """Replace the last word of a line by all candidates, and return them."""
        *before, last = _split(line)
        words = self.run(f"{line}\x1b*")[len(before) - 1 :]
        return {_normalize(word) for word in words if word != last}

    def shows(self, line: str, pattern: str) -> None:
        """Press Tab after a line, wait until a pattern appears, and clear the line."""
        self._child.send(f"{line}\t\t")
        self._child.expect(pattern)
        self._child.send("\x15")


class Fish:
    """fish, which has a command that prints completions."""

    def __init__(self, path: str, directory: Path) -> None:
        self._path = path
        self._directory = directory

    def described(self, line: str, setup: str = "") -> dict[str, str]:
        """Return the candidates for the last word of a line, with their descriptions."""
        script = f"set fish_complete_path $argv[1]; {setup}; complete -C $argv[2]"
        result = subprocess.run(
            [self._path, "--no-config", "-c", script, COMPLETIONS, line],
            cwd=self._directory,
            env=_environment(self._directory),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        assert result.stderr == ""
        lines = (line.partition("\t") for line in result.stdout.splitlines())
        return {candidate: description for candidate, _, description in lines}

    def offered(self, line: str) -> set[str]:
        last = _split(line)[-1]
        # It offers also what contains the letters in their order.
        return {_normalize(word) for word in self.described(line) if word.startswith(last)}


def _split(line: str) -> list[str]:
    """The words of a line; the last one may be empty, or lack a quote at its end."""
    try:
        words = shlex.split(f"{line}|")
    except ValueError:
        words = shlex.split(f"{line}|'")
    return [*words[:-1], words[-1].removesuffix("|")]


def _normalize(word: str) -> str:
    """Remove an option or scheme that some shells repeat, and the slash after a directory."""
    return re.sub(r"^(--\w+=|unix:)", "", word).removesuffix("/")


def _environment(directory: Path) -> dict[str, str]:
    return {
        "PATH": str(directory / "bin"),
        "HOME": str(directory),
        "TERM": "xterm",
        "LC_ALL": "C",
        "INPUTRC": os.devnull,
        "PS1": PROMPT,
    }


def _write_program(directory: Path, name: str, completer: str) -> None:
    """Write a fake program that prints its arguments.

    ``--complete`` prints the file ``~/.answer`` if there is one; else it calls the real program.
    """
    program = directory / "bin" / name
    program.write_text(
        rf"""#!/bin/sh
if [ "$1" = --complete ]; then
  if [ -e "$HOME/.answer" ]; then
    while IFS= read -r line; do printf '%s\n' "$line"; done <"$HOME/.answer"
    exit
  fi
  exec {completer} "$@"
fi
IFS=$(printf '\037')
printf '\002%s\003' "$*"
"""
    )
    program.chmod(0o755)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("completion")
    (directory / "bin").mkdir()
    for name, entry in (("qmp-shell", "main"), ("qmp-shell-wrap", "main_wrap")):
        command = [sys.executable, "-c", PATIENT.format(entry=entry)]
        _write_program(directory, name, shlex.join(command))
    for name in ("qemu_fake", "qemu-system-x86_64"):
        _write_program(directory, name, "false")
    configuration = directory / ".config" / "qmp-shell" / "config.toml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(CONFIGURATION)
    (directory / "monitors").mkdir()
    for name in ("monitor.log", "notes.txt", "monitors/notes.txt"):
        (directory / name).touch()
    with chdir(directory):  # since the path of a socket must be short
        for name in ("monitor.sock", "my vm.sock", "monitors/inner.sock"):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name)
    (directory / "linked.sock").symlink_to("monitor.sock")
    return directory


@contextmanager
def _start_shell(directory: Path, command: list[str], setup: str) -> Iterator[TerminalShell]:
    (directory / ".setup").write_text(setup)
    with pexpect.spawn(
        require_program(command[0]),
        command[1:],
        cwd=directory,
        env=_environment(directory),
        dimensions=(60, 200),
        encoding="utf-8",
        timeout=30,
    ) as child:
        child.delaybeforesend = None
        child.expect_exact(PROMPT)
        child.send("source ~/.setup\r")
        child.expect_exact(PROMPT)
        assert not ERROR_MESSAGE.search(child.before or "")
        yield TerminalShell(child)


@pytest.fixture(scope="module")
def bash(directory: Path) -> Iterator[TerminalShell]:
    setup = "".join(f"source '{COMPLETIONS}/{program}.bash'\n" for program in PARSERS)
    with _start_shell(directory, ["bash", "--noprofile", "--norc", "-i"], setup) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def zsh(directory: Path) -> Iterator[TerminalShell]:
    setup = f"""
        bindkey -e
        LISTMAX=0  # ask before a list is shown only if it does not fit on the screen
        fpath=('{COMPLETIONS}' $fpath)
        autoload -Uz compinit
        compinit -D -u
        zstyle ':completion:*' format '%d'

        zle -C all-matches complete-word _generic  # has the same key in bash
        zstyle ':completion:all-matches:*' completer _all_matches _complete
        zstyle ':completion:all-matches:*' insert yes
        bindkey '\\e*' all-matches
    """
    with _start_shell(directory, ["zsh", "-f", "-i"], setup) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def fish(directory: Path) -> Fish:
    return Fish(require_program("fish"), directory)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> Shell:
    shell: Shell = request.getfixturevalue(request.param)
    return shell


@pytest.fixture(scope="module", params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest) -> TerminalShell:
    terminal: TerminalShell = request.getfixturevalue(request.param)
    return terminal


# What the program says, whatever the shell

Printed = Callable[..., list[str]]
Answer = Callable[..., set[str]]


@pytest.fixture
def printed(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Printed:
    """What ``--complete`` prints for a program and its arguments, as a function.

    It is called in this process, where it sees what the shells see.
    """
    monkeypatch.chdir(directory)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(directory / ".config"))
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("PATH", str(directory / "bin"))
    # The program's own alarm would stop the clock with which pytest ends a test.
    monkeypatch.setattr(signal, "alarm", lambda _seconds: 0)
    # What a VM answers does not depend on how soon it does; the limits have their own test.
    monkeypatch.setattr(vm_words, "_SECONDS", 60.0)
    monkeypatch.setattr(attachment, "ANSWER_SECONDS", 60.0)

    def printed(program: str, *arguments: str) -> list[str]:
        print_completions(arguments, program)
        return capfd.readouterr().out.splitlines()  # the shells throw away standard error

    return printed


@pytest.fixture
def answer(printed: Printed) -> Answer:
    """What can stand at the end of a line, without descriptions, as a function.

    It is asked as bash asks: what does not fit what is typed is left out.
    """

    def answer(line: str, *replaced: str) -> set[str]:
        lines = printed(line.split()[0], line, *(replaced or (_split(line)[-1],)))
        return {each if each.startswith("\t") else each.partition("\t")[0] for each in lines}

    return answer


def test_the_values_of_options_are_known(answer: Answer) -> None:
    for program in PARSERS:
        expected = {
            "--ti": {"--timeout"},
            "--color ": {"auto", "always", "never"},
            "--color a": {"auto", "always"},
            "--color=": {"--color=auto", "--color=always", "--color=never"},
            "--color=a": {"--color=auto", "--color=always"},
            "-t ": set(),
            "--timeout ": set(),
            **{
                f"{option}{typed}": {f"\tfiles\t{option.strip() if '=' in option else ''}"}
                for option in ("-f ", "--file ", "--file=", "-l ", "--logfile=")
                for typed in ("", "mon", "monitors/n")
            },
        }
        assert {line: answer(f"{program} {line}") for line in expected} == expected


# What may stand before an address.
BEFORE_ADDRESS = (
    *("", "-v", "-vp", "-t 5", "-t5", "--timeout=5", "-w", "--wait", "-w 5", "--wait=5"),
    *("-l monitor.log -N", "--", "-c x monitor.sock", "monitor.sock -c x", "-c x -- y"),
)


def test_an_address_may_stand_behind_options_and_other_addresses(answer: Answer) -> None:
    lines = [f"qmp-shell {before} mon" for before in BEFORE_ADDRESS]
    assert [line for line in lines if answer(line) != {"\tsockets\t"}] == []


def test_qemu_and_its_arguments_are_told_from_options(answer: Answer) -> None:
    programs = {"qemu_fake", "qemu-system-x86_64"}
    expected: dict[str, set[str]] = {}
    for options in ("", "-v ", "-f monitor.log ", "--timeout=5 ", "-t 5 ", "-- "):
        before = f"qmp-shell-wrap {options}"
        expected |= {before: programs, f"{before}qem": programs}
        command = {f"\tcommand\t{len(before.split())}\t{len(before)}"}
        for arguments in ("", "-drive ", "-t ", "-f 1 --color ", "-m 1G ", "disk.img "):
            for typed in ("mon", "-", "--ti"):
                expected[f"{before}qemu_fake {arguments}{typed}"] = command
    assert {line: answer(line) for line in expected} == expected


# Options and their values, in each shell


@each_program
def test_every_option_is_offered_after_a_dash(shell: Shell, program: str) -> None:
    options = {option for action in PARSERS[program]._actions for option in action.option_strings}
    assert shell.offered(f"{program} -") == options


def test_options_and_their_values_are_completed(shell: Shell) -> None:
    expected = {
        "qmp-shell --ti": {"--timeout"},
        "qmp-shell-wrap --ti": {"--timeout"},
        "qmp-shell --color a": {"auto", "always"},
        "qmp-shell-wrap --color=": {"auto", "always", "never"},
        "qmp-shell --color=a": {"auto", "always"},
        "qmp-shell -t ": set(),
        "qmp-shell -f mon": {"monitor.log", "monitor.sock", "monitors"},
        "qmp-shell-wrap --file=mon": {"monitor.log", "monitor.sock", "monitors"},
        "qmp-shell -l monitors/n": {"monitors/notes.txt"},
        "qmp-shell --logfile=monitors/n": {"monitors/notes.txt"},
    }
    assert {line: shell.offered(line) for line in expected} == expected
    for line in ("qmp-shell --file ", "qmp-shell --logfile="):
        assert shell.offered(line) >= {"monitor.log", "monitors", "my vm.sock"}, line


# ADDRESS


def test_sockets_and_directories_are_offered_for_an_address(shell: Shell, directory: Path) -> None:
    assert shell.offered("qmp-shell mon") == {"monitor.sock", "monitors"}
    assert shell.offered("qmp-shell monitors/") == {"monitors/inner.sock"}
    assert shell.offered("qmp-shell linked") == {"linked.sock"}
    assert shell.offered(f"qmp-shell {directory}/my") == {f"{directory}/my vm.sock"}
    assert shell.offered("qmp-shell notes") == set()


def test_names_of_the_configuration_are_known(answer: Answer) -> None:
    names = {"@web1", "@web2"}
    expected = {
        "qmp-shell @": {*names, "\tsockets\t"},
        "qmp-shell @web1 @": names,  # it might be a command
        "qmp-shell -c x @web1 @": {*names, "\tsockets\t"},
        "qmp-shell --wait=@": {"--wait=@web1", "--wait=@web2", "\tsockets\t--wait="},
    }
    assert {line: answer(line) for line in expected} == expected


def test_names_of_the_configuration_are_offered(shell: Shell, fish: Fish) -> None:
    assert shell.offered("qmp-shell -c x @web1 @") == {"@web1", "@web2"}
    assert shell.offered("qmp-shell --wait=@") == {"@web1", "@web2"}
    assert shell.offered("qmp-shell ") >= {"@web1", "@web2", "monitor.sock", "monitors"}
    assert fish.described("qmp-shell @") == {"@web1": "/run/web 1.sock", "@web2": "ssh://host/x"}


def test_monitors_of_running_vms_are_offered(
    shell: Shell, fish: Fish, vm: RunningVm, answer: Answer
) -> None:
    beginning = vm.address.removesuffix("p.sock")
    assert vm.address in answer(f"qmp-shell -w {beginning}")
    assert shell.offered(f"qmp-shell {beginning}") == {vm.address}
    assert shell.offered(f"qmp-shell --wait={beginning}") == {vm.address}
    assert vm.address in shell.offered(f"qmp-shell {str(Path(vm.address).parent)[:-2]}")
    assert "testvm" in fish.described(f"qmp-shell {beginning}")[vm.address]


def test_the_address_of_a_running_vm_is_inserted(terminal: TerminalShell, vm: RunningVm) -> None:
    beginning = vm.address.removesuffix("p.sock")
    assert terminal.run(f"qmp-shell {beginning}\t-v") == [vm.address, "-v"]


def test_a_name_is_inserted(terminal: TerminalShell) -> None:
    assert terminal.run("qmp-shell @w\t1 @web2\t-v") == ["@web1", "@web2", "-v"]


def test_an_address_may_begin_with_a_tilde(shell: Shell) -> None:
    found = shell.offered("qmp-shell ~/mon")
    assert {Path(path).name for path in found} == {"monitor.sock", "monitors"}


def test_an_address_is_completed_after_its_scheme(shell: Shell) -> None:
    assert shell.offered("qmp-shell unix:") >= {"monitor.sock", "monitors", "my vm.sock"}
    assert shell.offered("qmp-shell unix:mon") == {"monitor.sock", "monitors"}
    assert shell.offered("qmp-shell unix:monitors/") == {"monitors/inner.sock"}


def test_an_address_is_completed_after_other_words(shell: Shell) -> None:
    lines = [
        f"qmp-shell {before} mon"
        for before in ("--timeout=5 -vp", "-l monitor.log -N", "-c x -- monitor.sock")
    ]
    sockets = {"monitor.sock", "monitors"}
    assert {line: shell.offered(line) for line in lines} == dict.fromkeys(lines, sockets)


def test_options_are_completed_after_the_address(shell: Shell) -> None:
    assert shell.offered("qmp-shell monitor.sock --ti") == {"--timeout"}
    assert shell.offered("qmp-shell -- --ti") == set()


# A command, and a line behind -c


@pytest.fixture(scope="module")
def vm(qemu: str, directory: Path) -> Iterator[RunningVm]:
    """A VM with a disk that has snapshots."""
    image = directory / "disk.qcow2"
    create_image(image)
    for name in SNAPSHOTS:
        create_image_snapshot(image, name)
    with (
        tempfile.TemporaryDirectory(prefix="qmp-test-", dir="/tmp") as folder,
        closing(RunningVm(qemu, Path(folder), "-drive", f"file={image}")) as vm,
        vm.second(),
    ):  # it has started
        yield vm


def test_what_the_vm_knows_is_known(answer: Answer, vm: RunningVm) -> None:
    """A command and its arguments in words, and a line behind -c."""
    status = {"query-stats", "query-stats-schemas", "query-status"}
    expected = {
        "query-st": status,
        "-v query-statu": {"query-status"},
        ".wat": {".watch"},
        "qom-list path=/obj": {"path=/objects"},
        ".wait status=runn": {"status=running"},
        "-H info statu": {"status"},
        "-c query-statu": {"query-status"},
        "-c query-st": status,
    }
    line = f"qmp-shell {vm.address}"
    assert {typed: answer(f"{line} {typed}") for typed in expected} == expected
    assert "id=" in answer(f"{line} device_add driver=virtio-rng-pci i")
    assert answer(f"{line} -v --command=query-statu") >= {"--command=query-status"}
    assert answer(f"qmp-shell -c x {vm.address} -c qom-list\\ path=/obj", "/obj") == {"/objects"}


def test_a_command_is_completed(shell: Shell, vm: RunningVm) -> None:
    line = f"qmp-shell {vm.address}"
    assert shell.offered(f"{line} .wat") == {".watch"}
    assert shell.offered(f"{line} qom-list path=/obj") == {"path=/objects"}
    assert "id=" in shell.offered(f"{line} device_add driver=virtio-rng-pci i")


def test_a_line_is_completed(shell: Shell, vm: RunningVm) -> None:
    assert shell.offered(f"qmp-shell {vm.address} -v --command=query-statu") >= {"query-status"}
    assert shell.offered(f"qmp-shell -c x {vm.address} -c qom-list\\ path=/obj") == {
        "qom-list path=/objects"
    }


def test_what_is_completed_is_inserted(terminal: TerminalShell, vm: RunningVm) -> None:
    address = vm.address
    assert terminal.run(f"qmp-shell {address} device_ad\tdri\tvirtio-balloon-pci-t\tid\tr1") == [
        *(address, "device_add", "driver=virtio-balloon-pci-transitional", "id=r1")
    ]
    assert terminal.run(f"qmp-shell {address} -c 'device_add driver=virtio-balloon-pci-t\t") == [
        *(address, "-c", "device_add driver=virtio-balloon-pci-transitional")
    ]
    assert terminal.run(f'qmp-shell {address} screendump filename="my\t') == [
        *(address, "screendump", "filename=my vm.sock")
    ]
    assert terminal.run(f"qmp-shell {address} qom-get path=/machine/unattached/device\\[0\t") == [
        *(address, "qom-get", "path=/machine/unattached/device[0]")
    ]


@pytest.mark.parametrize("option", ["-c", "--command"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_quote_of_a_line_stays_open_where_that_goes_on(
    bash: TerminalShell, vm: RunningVm, option: str, quote: str
) -> None:
    line = f"{quote}device_ad\t driv\te1000 id=5{quote}"
    assert bash.run(f"qmp-shell {vm.address} {option} {line}") == [
        *(vm.address, option, "device_add driver=e1000 id=5")
    ]


def test_what_needs_no_quotes_is_inserted_as_it_is(terminal: TerminalShell, vm: RunningVm) -> None:
    terminal.shows(f"qmp-shell {vm.address} .wait st", "status=")


def test_the_address_may_be_written_in_any_way(
    shell: Shell, vm: RunningVm, directory: Path, answer: Answer
) -> None:
    folder, name = os.path.split(vm.address)
    (directory / "vms").unlink(missing_ok=True)
    (directory / "vms").symlink_to(folder)
    for address in (f'"$HOME/vms/{name}"', f"~/vms/{name}", f"vms/{name}", f"'vms/'\\{name}"):
        assert answer(f"qmp-shell {address} query-statu") == {"query-status"}, address
    assert shell.offered(f"""qmp-shell "$HOME"/'vms'/\\{name} query-statu""") == {"query-status"}


def test_no_name_is_taken_for_more_than_a_name(
    shell: Shell, vm: RunningVm, directory: Path, printed: Printed
) -> None:
    """Snapshots are in an image, which others may have made."""
    assert shell.offered(f"qmp-shell {vm.address} -H delvm ") == SAFE | {"two words"}
    assert not (directory / "harmed").exists()
    lines = printed("qmp-shell", f"qmp-shell {vm.address} -H -c 'delvm ")
    names = {line.partition("\t")[0].removeprefix("delvm ") for line in lines}
    assert names == SAFE | {"=ls", "~root"}


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("name", [*sorted(SAFE), "~root"])
def test_a_name_is_inserted_into_a_line(
    terminal: TerminalShell, vm: RunningVm, quote: str, name: str
) -> None:
    line = f"{quote}delvm {name[:2]}" if quote else f"delvm\\ {name[:1]}"
    assert terminal.run(f"qmp-shell {vm.address} -Hc {line}\t") == [
        *(vm.address, "-Hc", f"delvm {name}")
    ]


def test_a_vm_that_does_not_answer_gives_nothing(run: Run, peer: StartPeer) -> None:
    answers = ((HOLD,), (GREETING, HOLD), (GREETING, ACCEPTED, HOLD), (b"\0" * 100, HOLD), ())
    for steps in answers:
        result = run("--complete", f"qmp-shell {peer(*steps).address} query-st")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), steps


def test_a_vm_that_cannot_be_asked_gives_nothing(shell: Shell, directory: Path) -> None:
    assert shell.offered("qmp-shell /tmp/nobody.sock query-st") == set()
    assert shell.offered("qmp-shell exec:touch\\ harmed query-st") == set()
    assert not (directory / "harmed").exists()


# QEMU and ARGS


def test_commands_named_qemu_are_offered_for_qemu(shell: Shell) -> None:
    programs = {"qemu_fake", "qemu-system-x86_64"}
    lines = ["qmp-shell-wrap ", "qmp-shell-wrap -f monitor.log qem", "qmp-shell-wrap -- qem"]
    assert {line: shell.offered(line) for line in lines} == dict.fromkeys(lines, programs)


def test_paths_of_programs_are_offered_for_qemu(shell: Shell) -> None:
    programs = {"bin/qemu_fake", "bin/qemu-system-x86_64", "bin/qmp-shell", "bin/qmp-shell-wrap"}
    assert shell.offered("qmp-shell-wrap bin/") == programs


def test_qemus_arguments_are_completed_as_without_the_wrapper(shell: Shell) -> None:
    """As those of a command that the shell does not know: names of files, and no options."""
    files = {"monitor.log", "monitor.sock", "monitors"}
    expected = {
        "qmp-shell-wrap qemu_fake mon": files,
        "qmp-shell-wrap -- qemu_fake -drive mon": files,
        "qmp-shell-wrap -t 5 qemu_fake -f 1 --color mon": files,
        "qmp-shell-wrap qemu_fake -m 1G -": set(),
        "qmp-shell-wrap qemu_fake disk.img --ti": set(),
    }
    assert {line: shell.offered(line) for line in expected} == expected


@pytest.fixture(scope="module")
def bash_with_qemu(directory: Path) -> Iterator[TerminalShell]:
    """bash with bash-completion, which knows QEMU's options."""
    setup = (
        f"source /usr/share/bash-completion/bash_completion; source {COMPLETIONS}/qmp-shell.bash\n"
    )
    with _start_shell(directory, ["bash", "--noprofile", "--norc", "-i"], setup) as terminal:
        yield terminal


@pytest.mark.parametrize("before", ["", "-v --timeout=5 -- ", "-f qemu-system-x86_64 "])
@pytest.mark.parametrize("shell_name", ["bash_with_qemu", "zsh"])
def test_qemus_own_options_are_completed(
    request: pytest.FixtureRequest, shell_name: str, before: str
) -> None:
    shell: TerminalShell = request.getfixturevalue(shell_name)
    line = f"qmp-shell-wrap {before}qemu-system-x86_64 -m 1G -k fr-c"
    assert shell.offered(line) == {"fr-ca", "fr-ch"}


def test_fish_completes_qemu_as_any_command(fish: Fish) -> None:
    own = "complete -c qemu-system-x86_64 -o no-shutdown -d own"
    line = "qmp-shell-wrap -v -- qemu-system-x86_64 -m 1G -no-shut"
    assert fish.described(line, own) == {"-no-shutdown": "own"}


# What is asked


WRONG_LINES = (
    *("", "qmp-shell", "qmp-shell --color", "qmp-shell --co x", "qmp-shell -w x -w "),
    *("qmp-shell '", 'qmp-shell "', "qmp-shell \\", "qmp-shell --help ", "qmp-shell --version x"),
    *("qmp-shell -t x ", "qmp-shell --listen x y", "qmp-shell --all ", "qmp-shell @none "),
    *("qmp-shell tls:x y", "qmp-shell --config none.toml -c x", "qmp-shell --schema x -c y"),
    *("qmp-shell -c x -c ", "qmp-shell '' x y", "qmp-shell \udcff \udcff", "qmp-shell ssh://x/y z"),
    *("qmp-shell $NONE/ x", "qmp-shell exec:false y", "qmp-shell x y=z 'a", "qmp-shell x .hmp "),
)


def test_nothing_goes_wrong_at_a_line_that_is_wrong(printed: Printed) -> None:
    """It says nothing either, and does not end the process."""
    for line in WRONG_LINES:
        for replaced in ((), ("",), ("x" * 99,)):
            try:
                printed("qmp-shell", line, *replaced)
            except BaseException as error:
                raise AssertionError((line, replaced)) from error


def test_a_wrong_line_has_no_message_and_no_exit_status(run: Run) -> None:
    for line in ("qmp-shell --color", "qmp-shell \udcff \udcff", "qmp-shell fd:0 x"):
        result = run("--complete", line)
        assert (result.returncode, result.stderr) == (0, ""), line


def test_the_vm_is_asked_what_changes_nothing(printed: Printed, table_vm: StartTableVm) -> None:
    vm = table_vm("7.2.0", {})
    printed("qmp-shell", f"qmp-shell {vm.address} device_add driver=")
    assert all(is_read_only(message) for message in vm.messages[1:])
    assert vm.messages[0]["execute"] == "qmp_capabilities"
    assert len(vm.messages) > 2


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="$~\n\x00"))))
def test_words_are_split_as_by_a_shell(words: list[str]) -> None:
    line = shlex.join(words)
    assert [word.value for word in split_line(f"{line} ")[:-1]] == words
    for end in range(len(line)):
        assert "".join(word.text for word in split_line(line[:end])) is not None


# Where the scripts are


def test_the_scripts_are_installed_as_the_manual_says(tmp_path: Path) -> None:
    [code] = [
        "\n".join(block.lines)
        for block in parse_blocks(read_topic("completion"))
        if isinstance(block, Code) and "--print-completion" in block.lines[-1]
    ]
    for name, entry in (("qmp-shell", "main"), ("qmp-shell-wrap", "main_wrap")):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(shell_command(entry))} "$@"\n')
        program.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", "-ec", code], env=environment, check=True, timeout=60)
    share = tmp_path / ".local" / "share"
    bash = share / "bash-completion" / "completions"
    fish = tmp_path / ".config" / "fish" / "completions"
    for installed, source in (
        (bash / "qmp-shell", "qmp-shell.bash"),
        (bash / "qmp-shell-wrap", "qmp-shell-wrap.bash"),
        (fish / "qmp-shell.fish", "qmp-shell.fish"),
        (fish / "qmp-shell-wrap.fish", "qmp-shell-wrap.fish"),
        (share / "zsh" / "site-functions" / "_qmp-shell", "_qmp-shell"),
    ):
        assert installed.read_text() == (COMPLETIONS / source).read_text()


@each_program
@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_the_program_prints_its_scripts(run: Run, program: str, shell_name: str) -> None:
    entry = "main" if program == "qmp-shell" else "main_wrap"
    result = run("--print-completion", shell_name, program=entry)
    name = {"zsh": "_qmp-shell"}.get(shell_name, f"{program}.{shell_name}")
    assert result.stdout == (COMPLETIONS / name).read_text()
    assert result.returncode == 0


# The display


def test_the_tab_key_inserts_completions(terminal: TerminalShell) -> None:
    assert terminal.run("qmp-shell --ti\t") == ["--timeout"]
    assert terminal.run("qmp-shell --ti\t 5 my\t") == ["--timeout", "5", "my vm.sock"]
    assert terminal.run("qmp-shell -f monitors/n\t--color=al\t") == [
        "-f",
        "monitors/notes.txt",
        "--color=always",
    ]
    assert terminal.run("qmp-shell-wrap qemu_\t-drive no\t") == [
        "qemu_fake",
        "-drive",
        "notes.txt",
    ]


def test_zsh_shows_help_texts(zsh: TerminalShell) -> None:
    guest_agent = "the address is a guest agent's (qemu-ga): no greeting, no capabilities"
    zsh.shows("qmp-shell --", re.escape(f"-- {guest_agent}"))
    zsh.shows("qmp-shell monitor.sock --", re.escape(f"-- {guest_agent}"))
    zsh.shows("qmp-shell @", "-- ssh://host/x")
    # They have no descriptions, and so no column for these.
    zsh.shows("qmp-shell --view ", "compact +csv +json +table +tree")


@each_program
def test_the_topics_of_the_manual_are_completed(fish: Fish, program: str) -> None:
    topics = {name: topic.summary for name, topic in TOPICS.items()}
    assert fish.described(f"{program} --help ") == topics
    assert fish.described(f"{program} --help no") == {"notation": topics["notation"]}


@each_program
def test_fish_shows_the_help_text_of_each_option(fish: Fish, program: str) -> None:
    assert fish.described(f"{program} -") == {
        option: action.help
        for action in PARSERS[program]._actions
        for option in action.option_strings
    }


def test_fish_shows_no_help_text_for_files(fish: Fish) -> None:
    assert fish.described("qmp-shell moni") == {"monitor.sock": "", "monitors/": ""}
    assert fish.described("qmp-shell -f note") == {"notes.txt": ""}
    assert fish.described("qmp-shell -f none") == {}
    assert fish.described("qmp-shell-wrap qemu_") == {"qemu_fake": ""}
