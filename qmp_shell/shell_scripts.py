"""The completion scripts for bash, zsh and fish.

In the repository they are in ``completions/``, beside this package; wheels and zipapps have copies
inside the package.
"""

from __future__ import annotations

from .errors import UsageError

_FOLDERS = ("completions", "../completions")
_NAMES = {"bash": "qmp-shell.bash", "zsh": "_qmp-shell", "fish": "qmp-shell.fish"}

SHELLS = tuple(_NAMES)


def read_script(shell: str) -> str:
    """The script for a shell, one of :data:`SHELLS`; it is for both programs.

    :raise UsageError: this installation does not contain it.
    """
    import pkgutil

    for folder in _FOLDERS:
        try:
            data = pkgutil.get_data(__package__, f"{folder}/{_NAMES[shell]}")
        except OSError:
            continue
        if data is not None:
            return data.decode()
    raise UsageError(f"this installation lacks the completion script for {shell}")
