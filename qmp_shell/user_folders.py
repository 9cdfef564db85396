"""Where a user's files are kept (XDG Base Directory Specification)."""

from __future__ import annotations

import os

_PROGRAM = "qmp-shell"


def user_folder(variable: str, usual: str) -> str:
    """This program's own folder.

    :param variable: of the environment, that names the folder above it; ignored if that is not
        absolute.
    :param usual: the folder above it if the variable does not name one; within the home directory.
    :return: empty: there is no home directory.
    """
    above = os.environ.get(variable, "")
    if not above.startswith("/"):
        above = os.path.expanduser(f"~/{usual}")
    return os.path.join(above, _PROGRAM) if above.startswith("/") else ""
