"""The scripts by which bash, zsh and fish complete a command line. They are kept once, in
``completions/`` beside this package; what is built of it has them inside the package.
"""

from __future__ import annotations

import pkgutil

from .errors import UsageError

_FOLDERS = ("completions", "../completions")
_NAMES = {"bash": "qmp-shell.bash", "zsh": "_qmp-shell", "fish": "qmp-shell.fish"}

SHELLS = tuple(_NAMES)


def read_script(shell: str) -> str:
    """The script for a shell, one of :data:`SHELLS`; it is for both programs.

    :raise UsageError: whoever has packed this package has left it out.
    """
    for folder in _FOLDERS:
        try:
            data = pkgutil.get_data(__package__, f"{folder}/{_NAMES[shell]}")
        except OSError:
            continue
        if data is not None:
            return data.decode()
    raise UsageError(f"this installation lacks the completion script for {shell}")
