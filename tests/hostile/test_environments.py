"""Odd terminals, locales, homes and pagers: the shell works, or says in one line what does not."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import NAME_REPLY, RunningVm, shell_command
from tests.terminal import Terminal

from .test_scenes import assert_harmless


class Environment(NamedTuple):
    """What differs from an ordinary environment.

    :ivar variables: environment variables; None: it is not set.
    :ivar says: what the prompt says of it; empty: nothing.
    :ivar size: columns and rows of the terminal.
    """

    name: str
    variables: dict[str, str | None]
    says: str = ""
    size: tuple[int, int] = (80, 24)


ENVIRONMENTS = (
    Environment("a dumb terminal", {"TERM": "dumb"}),
    Environment("no terminal type", {"TERM": None}),
    Environment("an empty terminal type", {"TERM": ""}),
    Environment("an unknown terminal type", {"TERM": "../../etc/passwd"}),
    Environment("a narrow terminal", {}, size=(12, 24)),
    Environment("a low terminal", {}, size=(80, 4)),
    Environment("a wide terminal", {}, size=(500, 24)),
    Environment("odd columns and lines", {"COLUMNS": "x", "LINES": "-1"}),
    Environment("the locale C", {"LANG": "C", "LC_ALL": "C"}),
    Environment("the locale POSIX", {"LANG": "POSIX", "LC_ALL": "POSIX"}),
    Environment("a locale that is not installed", {"LC_ALL": "xx_YY.ISO-8859-15"}),
    Environment("ASCII only", {"LANG": "C", "PYTHONIOENCODING": "ascii"}),
    Environment("Latin-1", {"PYTHONIOENCODING": "latin-1"}),
    Environment("no home", {"HOME": None, "XDG_STATE_HOME": None}),
    Environment("an empty home", {"HOME": "", "XDG_STATE_HOME": None}),
    Environment(
        "a home that is missing and cannot be made",
        {"HOME": "/proc/nowhere", "XDG_STATE_HOME": None},
        "no history is kept",
    ),
    Environment("a home that is a file", {"XDG_STATE_HOME": "/etc/passwd"}, "no history is kept"),
    Environment("a full disk", {"XDG_STATE_HOME": "{full}"}, "no history is kept"),
    Environment("a relative home", {"XDG_STATE_HOME": "somewhere"}),
    Environment("a pager with an open quote", {"PAGER": 'less "'}),
    Environment("a pager that does not exist", {"PAGER": "/nowhere/pager"}),
    Environment("an odd time zone", {"TZ": "../../etc/passwd"}),
    Environment("no colours", {"NO_COLOR": "1"}),
    Environment("no path", {"PATH": ""}),
)


@pytest.fixture(params=ENVIRONMENTS, ids=lambda each: each.name)
def odd(request: pytest.FixtureRequest) -> Environment:
    environment: Environment = request.param
    return environment


def _variables(odd: Environment, usual: dict[str, str], folder: Path) -> dict[str, str]:
    """The variables of an environment; a full disk is one whose history is ``/dev/full``."""
    (folder / "qmp-shell").mkdir()
    (folder / "qmp-shell/history").symlink_to("/dev/full")
    changed = {
        name: value.format(full=folder) if value is not None else None
        for name, value in odd.variables.items()
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def test_in_a_script(
    odd: Environment, quiet_vm: RunningVm, environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*shell_command(), quiet_vm.address, "-c", "query-name", "-c", "info"],
        env=_variables(odd, environment, folder),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith(NAME_REPLY)
    assert done.returncode == 1, "there is no command info"
    assert done.stderr.startswith("qmp-shell: -c 2: info: CommandNotFound: ")
    assert len(done.stderr.splitlines()) == 1


def test_at_the_prompt(
    odd: Environment, quiet_vm: RunningVm, environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    columns, rows = odd.size
    shell = Terminal(
        [*shell_command(), quiet_vm.address],
        _variables(odd, environment, folder),
        tmp_path,
        columns=columns,
        rows=rows,
    )
    try:
        shell.wait_until(lambda: b"(QEMU)" in shell.raw, "the prompt")
        shell.type("query-commands\r")
        shell.wait_until(lambda: b"query-status" in shell.raw, "the reply")
        shell.type("query-uuid\r")
        shell.wait_until(lambda: b"00000000-0000" in shell.raw, "the reply")
        shell.type(".exit\r")
        assert shell.wait_for_end() == 0
        assert "".join(odd.says.split()) in "".join(shell.history.split())
        assert ("no history" in shell.history) == bool(odd.says)
        assert b"internal error" not in shell.raw
        assert_harmless(shell.raw.decode(errors="replace"))
    finally:
        shell.end()
