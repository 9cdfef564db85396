"""The scripts in completions/: fresh, and right by the word of the shells that read them."""

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
from qmp_shell.transport import FORMS
from tests.conftest import lack, require_program

COMPLETIONS = Path(__file__).parents[1] / "completions"
GENERATOR = COMPLETIONS / "generate.py"
REFRESH = "python completions/generate.py"
PARSERS = {parser.prog: parser for parser in (build_parser(), build_wrap_parser())}
PROMPT = "ready> "
COMPLAINT = re.compile(r"\b(bash|zsh): |:\d+: ")  # of a shell, of a function in zsh

each_program = pytest.mark.parametrize("program", PARSERS)


# Freshness


@pytest.mark.parametrize("columns", [30, 300])
def test_the_files_are_what_the_generator_writes(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    for name, text in expected.items():
        fresh = (COMPLETIONS / name).read_text(encoding="utf-8") == text
        assert fresh, f"completions/{name} is stale; refresh it with: {REFRESH}"


@each_program
def test_bash_gets_no_function_of_a_common_name(program: str) -> None:
    script = (COMPLETIONS / f"{program}.bash").read_text(encoding="utf-8")
    functions = re.findall(r"^(\w+)\(\)", script, re.MULTILINE)
    assert f"_shtab_{program.replace('-', '_')}" in functions
    assert [name for name in functions if "qmp_shell" not in name] == []


# The shells, in a directory with something to complete


class Shell(Protocol):
    """A shell that knows the completions."""

    def offered(self, line: str) -> set[str]:
        """What completes the last word of a line."""


class Terminal:
    """bash or zsh, as someone at the keyboard meets it."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self._child = child

    def run(self, keys: str) -> list[str]:
        """Type a command; the arguments it was started with."""
        self._child.send(f"{keys}\r")
        self._child.expect("\x02(.*)\x03")
        assert not COMPLAINT.search(self._child.before or "")
        match = self._child.match
        self._child.expect_exact(PROMPT)
        assert isinstance(match, re.Match)
        return match[1].split("\x1f") if match[1] else []

    def offered(self, line: str) -> set[str]:
        """Have all candidates put into the line, in place of its last word."""
        words = shlex.split(f"{line}|")  # so that an empty last word is one too
        last = words.pop().removesuffix("|")
        return {_bare(word) for word in self.run(f"{line}\x1b*")[len(words) - 1 :] if word != last}

    def shows(self, line: str, text: str) -> None:
        """Press TAB behind a line, see the text appear, and clear the line."""
        self._child.send(f"{line}\t\t")
        self._child.expect_exact(text)
        self._child.send("\x15")


class Fish:
    """fish, which tells its completions when asked."""

    def __init__(self, path: str, place: Path) -> None:
        self._path = path
        self._place = place

    def described(self, line: str) -> dict[str, str]:
        """What completes the last word of a line, and what fish says about it."""
        ask = "set fish_complete_path $argv[1]; complete -C $argv[2]"
        answer = subprocess.run(
            [self._path, "--no-config", "-c", ask, COMPLETIONS, line],
            cwd=self._place,
            env=_environment(self._place),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        assert not answer.stderr
        lines = (line.partition("\t") for line in answer.stdout.splitlines())
        return {candidate: description for candidate, _, description in lines}

    def offered(self, line: str) -> set[str]:
        return {_bare(word) for word in self.described(line)}


def _bare(word: str) -> str:
    """A candidate without what some shells repeat in front of it, or add to a directory."""
    return re.sub(r"^(--\w+=|unix:)", "", word).removesuffix("/")


def _environment(place: Path) -> dict[str, str]:
    return {
        "PATH": str(place / "bin"),
        "HOME": str(place),
        "TERM": "xterm",
        "LC_ALL": "C",
        "INPUTRC": os.devnull,
        "PS1": PROMPT,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    (place / "bin").mkdir()
    for name in (*PARSERS, "qemu-system-fake"):
        program = place / "bin" / name
        program.write_text(
            r"""#!/bin/sh
IFS=$(printf '\037')
printf '\002%s\003' "$*"
"""
        )
        program.chmod(0o755)
    (place / "monitors").mkdir()
    for name in ("monitor.log", "notes.txt", "monitors/notes.txt"):
        (place / name).touch()
    with chdir(place):  # the path of a socket must be short
        for name in ("monitor.sock", "my vm.sock", "monitors/inner.sock"):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name)
    (place / "linked.sock").symlink_to("monitor.sock")
    return place


@contextmanager
def _terminal(place: Path, command: list[str], setup: str) -> Iterator[Terminal]:
    (place / ".setup").write_text(setup)
    with pexpect.spawn(
        require_program(command[0]),
        command[1:],
        cwd=place,
        env=_environment(place),
        dimensions=(60, 200),
        encoding="utf-8",
        timeout=30,
    ) as child:
        child.delaybeforesend = None
        child.expect_exact(PROMPT)
        child.send("source ~/.setup\r")
        child.expect_exact(PROMPT)
        assert not COMPLAINT.search(child.before or "")
        yield Terminal(child)


@pytest.fixture(scope="module")
def bash(place: Path) -> Iterator[Terminal]:
    setup = "".join(f"source '{COMPLETIONS}/{program}.bash'\n" for program in PARSERS)
    with _terminal(place, ["bash", "--noprofile", "--norc", "-i"], setup) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def zsh(place: Path) -> Iterator[Terminal]:
    setup = f"""
        bindkey -e
        fpath=('{COMPLETIONS}' $fpath)
        autoload -Uz compinit
        compinit -D -u
        zstyle ':completion:*' format '%d'

        zle -C all-matches complete-word _generic  # as bash has it on the same key
        zstyle ':completion:all-matches:*' completer _all_matches _complete
        zstyle ':completion:all-matches:*' insert yes
        bindkey '\\e*' all-matches
    """
    with _terminal(place, ["zsh", "-f", "-i"], setup) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def fish(place: Path) -> Fish:
    return Fish(require_program("fish"), place)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> Shell:
    shell: Shell = request.getfixturevalue(request.param)
    return shell


@pytest.fixture(scope="module", params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest) -> Terminal:
    terminal: Terminal = request.getfixturevalue(request.param)
    return terminal


# Options and their values


@each_program
def test_a_dash_offers_every_option(shell: Shell, program: str) -> None:
    options = {option for action in PARSERS[program]._actions for option in action.option_strings}
    assert shell.offered(f"{program} -") == options


@each_program
def test_a_long_option_is_completed(shell: Shell, program: str) -> None:
    assert shell.offered(f"{program} --ti") == {"--timeout"}


@each_program
@pytest.mark.parametrize("option", ["--color ", "--color="])
def test_a_choice_is_completed(shell: Shell, program: str, option: str) -> None:
    assert shell.offered(f"{program} {option}") == {"auto", "always", "never"}
    assert shell.offered(f"{program} {option}a") == {"auto", "always"}


@each_program
@pytest.mark.parametrize("option", ["-f ", "--file ", "--file=", "-l ", "--logfile="])
def test_a_file_is_completed(shell: Shell, program: str, option: str) -> None:
    assert shell.offered(f"{program} {option}") >= {"monitor.log", "monitors", "my vm.sock"}
    assert shell.offered(f"{program} {option}mon") == {"monitor.log", "monitor.sock", "monitors"}
    assert shell.offered(f"{program} {option}monitors/n") == {"monitors/notes.txt"}


@each_program
@pytest.mark.parametrize("option", ["-c", "--command", "-t", "--timeout"])
def test_for_another_value_nothing_is_offered(shell: Shell, program: str, option: str) -> None:
    assert shell.offered(f"{program} {option} ") == set()


# ADDRESS


def test_an_address_is_a_socket_or_on_the_way_to_one(shell: Shell, place: Path) -> None:
    assert shell.offered("qmp-shell mon") == {"monitor.sock", "monitors"}
    assert shell.offered("qmp-shell monitors/") == {"monitors/inner.sock"}
    assert shell.offered("qmp-shell linked") == {"linked.sock"}
    assert shell.offered(f"qmp-shell {place}/my") == {f"{place}/my vm.sock"}
    assert shell.offered("qmp-shell notes") == set()


def test_an_address_may_begin_at_home(shell: Shell) -> None:
    found = shell.offered("qmp-shell ~/mon")
    assert {Path(path).name for path in found} == {"monitor.sock", "monitors"}


def test_an_address_may_have_its_scheme(shell: Shell) -> None:
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
def test_an_address_may_follow_options(shell: Shell, options: str) -> None:
    assert shell.offered(f"qmp-shell {options} mon") == {"monitor.sock", "monitors"}


@pytest.mark.parametrize("before", ["monitor.sock", "unix:monitor.sock", "localhost:4444", "-- x"])
def test_an_address_is_offered_in_its_place_only(shell: Shell, before: str) -> None:
    assert shell.offered(f"qmp-shell {before} mon") == set()


def test_options_may_follow_the_address(shell: Shell) -> None:
    assert shell.offered("qmp-shell monitor.sock --ti") == {"--timeout"}
    assert shell.offered("qmp-shell -- --ti") == set()


# QEMU and ARGS


@pytest.mark.parametrize("before", ["", "-v ", "-f monitor.log ", "--timeout=5 ", "-- "])
def test_qemu_is_a_command_of_that_name(shell: Shell, before: str) -> None:
    assert shell.offered(f"qmp-shell-wrap {before}qem") == {"qemu-system-fake"}
    assert shell.offered(f"qmp-shell-wrap {before}") == {"qemu-system-fake"}


def test_qemu_may_be_a_path(shell: Shell) -> None:
    programs = {"bin/qemu-system-fake", "bin/qmp-shell", "bin/qmp-shell-wrap"}
    assert shell.offered("qmp-shell-wrap bin/") == programs


@pytest.mark.parametrize("before", ["", "-- ", "-t 5 "])
@pytest.mark.parametrize("arguments", ["", "-drive ", "-t ", "-f 1 --color "])
def test_arguments_of_qemu_are_files(shell: Shell, before: str, arguments: str) -> None:
    line = f"qmp-shell-wrap {before}qemu-system-fake {arguments}mon"
    assert shell.offered(line) == {"monitor.log", "monitor.sock", "monitors"}


@pytest.mark.parametrize("arguments", ["", "-m 1G ", "disk.img "])
def test_no_option_is_offered_behind_qemu(shell: Shell, arguments: str) -> None:
    assert shell.offered(f"qmp-shell-wrap qemu-system-fake {arguments}-") == set()
    assert shell.offered(f"qmp-shell-wrap qemu-system-fake {arguments}--ti") == set()


# What is seen


def test_tab_completes(terminal: Terminal) -> None:
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


def test_zsh_shows_the_help(zsh: Terminal) -> None:
    guest_agent = "the address is a guest agent's (qemu-ga): no greeting, no capabilities"
    zsh.shows("qmp-shell --", f"-- {guest_agent}")
    zsh.shows("qmp-shell ", f"{FORMS} (default: $QMP_SOCKET)")
    zsh.shows("qmp-shell monitor.sock ", f"-- {guest_agent}")
    zsh.shows("qmp-shell-wrap qemu-system-fake ", "its arguments")


@each_program
def test_fish_shows_the_help(fish: Fish, program: str) -> None:
    assert fish.described(f"{program} -") == {
        option: action.help
        for action in PARSERS[program]._actions
        for option in action.option_strings
    }


def test_fish_does_not_show_it_with_each_file(fish: Fish) -> None:
    assert fish.described("qmp-shell moni") == {"monitor.sock": "", "monitors/": ""}
    assert fish.described("qmp-shell -f note") == {"notes.txt": ""}
    assert fish.described("qmp-shell -f none") == {}
    assert fish.described("qmp-shell-wrap q") == {"qemu-system-fake": ""}
