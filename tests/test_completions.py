"""The completion scripts in completions/: up to date, and correct in the shells that use them."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import pexpect
import pytest

from qmp_shell.options import build_parser, build_wrap_parser
from tests.conftest import lack, require_program

COMPLETIONS = Path(__file__).parents[1] / "completions"
GENERATOR = COMPLETIONS / "generate.py"
GENERATE_COMMAND = "python completions/generate.py"
PARSERS = {parser.prog: parser for parser in (build_parser(), build_wrap_parser())}
PROMPT = "ready> "
# What the program lists as the monitors of running VMs.
FOUND = {
    "/run/web 1.sock": "web, PID 7, free",
    "/run/~a,b=c@d%e+f^g#h.sock": "odd, PID 8, busy: PID 9 (qmp-shell)",
    "@web1": "/run/web 1.sock",
    "@web2": "ssh://host/run/vm.sock",
    "libvirt:db": "db, PID 10, through libvirt",
    "libvirt:qemu:///system#mail": "mail, PID 11, through libvirt",
}
ERROR_MESSAGE = re.compile(r"\b(bash|zsh): |:\d+: ")  # of the shell itself, or of a function in zsh

each_program = pytest.mark.parametrize("program", PARSERS)


# The generated files


@pytest.mark.parametrize("columns", [30, 300])
def test_the_files_are_up_to_date(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    if find_spec("shtab") is None:
        lack("shtab")
    generator = runpy.run_path(str(GENERATOR))
    if version("shtab") != generator["SHTAB_VERSION"]:
        lack(f"shtab {generator['SHTAB_VERSION']}")
    expected: dict[str, str] = generator["completions"]()
    assert {path.name for path in COMPLETIONS.iterdir() if path.is_file()} == {
        GENERATOR.name,
        *expected,
    }
    outdated = [
        name
        for name, text in expected.items()
        if (COMPLETIONS / name).read_text(encoding="utf-8") != text
    ]
    assert outdated == [], f"generate the files again with: {GENERATE_COMMAND}"


@each_program
def test_all_functions_for_bash_have_qmp_shell_in_their_names(program: str) -> None:
    script = (COMPLETIONS / f"{program}.bash").read_text(encoding="utf-8")
    functions = re.findall(r"^(\w+)\(\)", script, re.MULTILINE)
    assert f"_shtab_{program.replace('-', '_')}" in functions
    assert [name for name in functions if "qmp_shell" not in name] == []


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
        words = shlex.split(f"{line}|")  # so that an empty last word is not dropped
        last = words.pop().removesuffix("|")
        return {
            _normalize(word) for word in self.run(f"{line}\x1b*")[len(words) - 1 :] if word != last
        }

    def shows(self, line: str, text: str) -> None:
        """Press Tab after a line, wait until a text appears, and clear the line."""
        self._child.send(f"{line}\t\t")
        self._child.expect_exact(text)
        self._child.send("\x15")


class Fish:
    """fish, which has a command that prints completions."""

    def __init__(self, path: str, directory: Path) -> None:
        self._path = path
        self._directory = directory

    def described(self, line: str) -> dict[str, str]:
        """Return the candidates for the last word of a line, with their descriptions."""
        script = "set fish_complete_path $argv[1]; complete -C $argv[2]"
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
        return {_normalize(word) for word in self.described(line)}


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


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("completion")
    (directory / "bin").mkdir()
    for name in (*PARSERS, "qemu-system-fake"):
        program = directory / "bin" / name
        program.write_text(
            r"""#!/bin/sh
if [ "$1" = --list-addresses ]; then
  while IFS= read -r line; do printf '%s\n' "$line"; done <"$HOME/.addresses"
  exit
fi
IFS=$(printf '\037')
printf '\002%s\003' "$*"
"""
        )
        program.chmod(0o755)
    found = "".join(f"{address}\t{what}\n" for address, what in FOUND.items())
    (directory / ".addresses").write_text(found)
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


# Options and their values


@each_program
def test_every_option_is_offered_after_a_dash(shell: Shell, program: str) -> None:
    options = {option for action in PARSERS[program]._actions for option in action.option_strings}
    assert shell.offered(f"{program} -") == options


@each_program
def test_a_long_option_is_completed(shell: Shell, program: str) -> None:
    assert shell.offered(f"{program} --ti") == {"--timeout"}


@each_program
@pytest.mark.parametrize("option", ["--color ", "--color="])
def test_the_choices_of_an_option_are_completed(shell: Shell, program: str, option: str) -> None:
    assert shell.offered(f"{program} {option}") == {"auto", "always", "never"}
    assert shell.offered(f"{program} {option}a") == {"auto", "always"}


@each_program
@pytest.mark.parametrize("option", ["-f ", "--file ", "--file=", "-l ", "--logfile="])
def test_file_names_are_completed_for_file_options(shell: Shell, program: str, option: str) -> None:
    assert shell.offered(f"{program} {option}") >= {"monitor.log", "monitors", "my vm.sock"}
    assert shell.offered(f"{program} {option}mon") == {"monitor.log", "monitor.sock", "monitors"}
    assert shell.offered(f"{program} {option}monitors/n") == {"monitors/notes.txt"}


@each_program
@pytest.mark.parametrize("option", ["-c", "--command", "-t", "--timeout"])
def test_nothing_is_offered_for_other_options_with_a_value(
    shell: Shell, program: str, option: str
) -> None:
    assert shell.offered(f"{program} {option} ") == set()


# ADDRESS


def test_sockets_and_directories_are_offered_for_an_address(shell: Shell, directory: Path) -> None:
    assert shell.offered("qmp-shell mon") == {"monitor.sock", "monitors"}
    assert shell.offered("qmp-shell monitors/") == {"monitors/inner.sock"}
    assert shell.offered("qmp-shell linked") == {"linked.sock"}
    assert shell.offered(f"qmp-shell {directory}/my") == {f"{directory}/my vm.sock"}
    assert shell.offered("qmp-shell notes") == set()


def test_known_addresses_are_offered(shell: Shell) -> None:
    assert shell.offered("qmp-shell /run/w") == {"/run/web 1.sock"}
    assert shell.offered("qmp-shell libv") == {"libvirt:db", "libvirt:qemu:///system#mail"}
    assert shell.offered("qmp-shell libvirt:d") == {"libvirt:db"}
    assert shell.offered("qmp-shell -w /run/w") == {"/run/web 1.sock"}
    assert shell.offered("qmp-shell --wait=/run/w") == {"/run/web 1.sock"}
    assert shell.offered("qmp-shell @") == {"@web1", "@web2"}
    assert shell.offered("qmp-shell @web1 @") == {"@web1", "@web2"}
    assert shell.offered("qmp-shell ") >= {*FOUND, "monitor.sock", "monitors"}


def test_a_known_address_is_inserted(terminal: TerminalShell) -> None:
    assert terminal.run("qmp-shell /run/w\t -v") == ["/run/web 1.sock", "-v"]
    assert terminal.run("qmp-shell libvirt:d\t -v") == ["libvirt:db", "-v"]
    assert terminal.run("qmp-shell libvirt:q\t -v") == ["libvirt:qemu:///system#mail", "-v"]
    assert terminal.run("qmp-shell @w\t1 @web2\t-v") == ["@web1", "@web2", "-v"]
    odd = next(address for address in FOUND if "~" in address)
    assert terminal.run("qmp-shell /run/~\t -v") == [odd, "-v"]


def test_fish_shows_what_is_at_an_address(fish: Fish) -> None:
    found = fish.described("qmp-shell /run/w")
    assert found == {"/run/web 1.sock": FOUND["/run/web 1.sock"]}
    assert fish.described("qmp-shell @")["@web2"] == FOUND["@web2"]


def test_an_address_may_begin_with_a_tilde(shell: Shell) -> None:
    found = shell.offered("qmp-shell ~/mon")
    assert {Path(path).name for path in found} == {"monitor.sock", "monitors"}


def test_an_address_is_completed_after_its_scheme(shell: Shell) -> None:
    assert shell.offered("qmp-shell unix:") >= {"monitor.sock", "monitors", "my vm.sock"}
    assert shell.offered("qmp-shell unix:mon") == {"monitor.sock", "monitors"}
    assert shell.offered("qmp-shell unix:monitors/") == {"monitors/inner.sock"}


@pytest.mark.parametrize(
    "options",
    [
        *("-v", "-vp", "-t 5", "-t5", "--timeout=5", "-w", "--wait", "-w 5", "--wait=5"),
        *("-l monitor.log -N", "--"),
    ],
)
def test_an_address_is_completed_after_options(shell: Shell, options: str) -> None:
    assert shell.offered(f"qmp-shell {options} mon") == {"monitor.sock", "monitors"}


@pytest.mark.parametrize("before", ["monitor.sock", "unix:monitor.sock", "localhost:4444", "-- x"])
def test_more_addresses_are_offered(shell: Shell, before: str) -> None:
    assert shell.offered(f"qmp-shell {before} mon") == {"monitor.sock", "monitors"}


def test_options_are_completed_after_the_address(shell: Shell) -> None:
    assert shell.offered("qmp-shell monitor.sock --ti") == {"--timeout"}
    assert shell.offered("qmp-shell -- --ti") == set()


# QEMU and ARGS


@pytest.mark.parametrize("before", ["", "-v ", "-f monitor.log ", "--timeout=5 ", "-- "])
def test_commands_named_qemu_are_offered_for_qemu(shell: Shell, before: str) -> None:
    assert shell.offered(f"qmp-shell-wrap {before}qem") == {"qemu-system-fake"}
    assert shell.offered(f"qmp-shell-wrap {before}") == {"qemu-system-fake"}


def test_paths_of_programs_are_offered_for_qemu(shell: Shell) -> None:
    programs = {"bin/qemu-system-fake", "bin/qmp-shell", "bin/qmp-shell-wrap"}
    assert shell.offered("qmp-shell-wrap bin/") == programs


@pytest.mark.parametrize("before", ["", "-- ", "-t 5 "])
@pytest.mark.parametrize("arguments", ["", "-drive ", "-t ", "-f 1 --color "])
def test_file_names_are_offered_for_qemus_arguments(
    shell: Shell, before: str, arguments: str
) -> None:
    line = f"qmp-shell-wrap {before}qemu-system-fake {arguments}mon"
    assert shell.offered(line) == {"monitor.log", "monitor.sock", "monitors"}


@pytest.mark.parametrize("arguments", ["", "-m 1G ", "disk.img "])
def test_no_options_are_offered_after_qemu(shell: Shell, arguments: str) -> None:
    assert shell.offered(f"qmp-shell-wrap qemu-system-fake {arguments}-") == set()
    assert shell.offered(f"qmp-shell-wrap qemu-system-fake {arguments}--ti") == set()


# The display


def test_the_tab_key_inserts_completions(terminal: TerminalShell) -> None:
    assert terminal.run("qmp-shell --ti\t") == ["--timeout"]
    assert terminal.run("qmp-shell --ti\t 5 my\t") == ["--timeout", "5", "my vm.sock"]
    assert terminal.run("qmp-shell -f monitors/n\t--color=al\t") == [
        "-f",
        "monitors/notes.txt",
        "--color=always",
    ]
    assert terminal.run("qmp-shell-wrap qem\t-drive no\t") == [
        "qemu-system-fake",
        "-drive",
        "notes.txt",
    ]


def test_zsh_shows_help_texts(zsh: TerminalShell) -> None:
    guest_agent = "the address is a guest agent's (qemu-ga): no greeting, no capabilities"
    zsh.shows("qmp-shell --", f"-- {guest_agent}")
    address = "of the monitor: PATH, HOST:PORT and others (default: $QMP_SOCKET, or the only VM)"
    zsh.shows("qmp-shell ", address)
    zsh.shows("qmp-shell monitor.sock --", f"-- {guest_agent}")
    zsh.shows("qmp-shell-wrap qemu-system-fake ", "its arguments")


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
    assert fish.described("qmp-shell-wrap q") == {"qemu-system-fake": ""}
