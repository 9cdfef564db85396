"""An interrupt at the start of a program, before it can be caught."""

from __future__ import annotations

import signal
import subprocess
import sys

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
