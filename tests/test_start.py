"""An interrupt at the start or end of a program, when it cannot be caught."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Starts a program, and interrupts it when it begins to import a module.
_INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from qmp_shell.start import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["qmp_shell.cli", "qmp_shell.options", "qmp_shell.client"])
def test_an_interrupt_during_the_imports_shows_no_traceback(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_IMPORT, module],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == -signal.SIGINT


def test_an_ignored_interrupt_stays_ignored() -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + _INTERRUPTED_IMPORT
    done = subprocess.run(
        [sys.executable, "-c", code, "qmp_shell.client"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={},
    )
    assert done.stderr.startswith("qmp-shell: ")
    assert done.returncode == 3  # no such socket


def test_an_interrupt_while_the_interpreter_ends_shows_no_traceback() -> None:
    code = (
        "import atexit, os, signal, sys; from qmp_shell.start import main;"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT); sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--schema", "/nonesuch", "-c", "stop"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "qmp-shell: /nonesuch: No such file or directory\n"
    assert done.returncode == 2


@pytest.mark.parametrize("program", ["qmp-shell", "qmp-shell-wrap"])
def test_the_installed_programs_begin_with_the_signal(program: str) -> None:
    """Nothing is imported before it that is not in memory at Python's own start."""
    script = Path(sys.executable).parent / program
    code = (
        "import os, sys\n"
        "def interrupt(*_): os.kill(os.getpid(), 2)\n"
        "class Interrupter:\n"
        "    def find_spec(self, *_): interrupt()\n"
        "sys.meta_path.insert(0, Interrupter())\n"
        f"exec(compile(open({str(script)!r}).read(), 'script', 'exec'), {{'__name__': '__main__'}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith(f"{program} ")
