"""The user's configuration file: VMs by name, and settings.

Most runs have none, so what reads it (``reader.py``) is imported only if there is a file. This
package does not know how a VM is connected to.
"""

from __future__ import annotations

import os
import sys

from ..static_typing import TYPE_CHECKING, Any
from ..user_folders import user_folder

if TYPE_CHECKING:
    from .vm import ConfiguredVm

_NAME = "config.toml"


class Configuration:
    """What the file says.

    :ivar path: of the file; empty: there can be none.
    :ivar problem: why nothing of it is known; empty: it was read.
    :ivar vms: the VMs, by their names.
    :ivar settings: values of settings.
    :ivar color: when to use colours: a value of ``--color``; None: not said.
    :ivar mistakes: what is wrong in the file, each with its place; the rest holds.
    """

    def __init__(self, path: str, problem: str = "") -> None:
        self.path = path
        self.problem = problem
        self.vms: dict[str, ConfiguredVm] = {}
        self.settings: dict[str, Any] = {}
        self.color: str | None = None
        self.mistakes: list[str] = []


def load(path: str | None) -> Configuration:
    """Read a configuration file.

    :param path: None: the user's own file, which need not exist.
    :raise UsageError: it cannot be read, or others may write to it.
    """
    used = default_path() if path is None else path
    if path is None and not os.path.exists(used):
        return Configuration(used, f"there is no {used}" if used else "there is no home directory")
    from .reader import read_configuration

    return read_configuration(used)


def default_path() -> str:
    """Where the user's own file is, as platformdirs says; empty: there is no home directory.

    Where the XDG Base Directory Specification holds, it is not asked: its import takes longer than
    a whole command.
    """
    if sys.platform == "darwin":
        import platformdirs

        return os.path.join(platformdirs.user_config_dir("qmp-shell", appauthor=False), _NAME)
    folder = user_folder("XDG_CONFIG_HOME", ".config")
    return folder and os.path.join(folder, _NAME)
