"""Find a page of QEMU's manual among the installed manual pages, and read it.

This module does not know what is on the page.
"""

from __future__ import annotations

import contextlib
import os

from .reference import Manual

# Where Linux distributions, MacPorts and pkgsrc install manual pages. manpath(1) may know others,
# but it need not be installed.
_DIRECTORIES = ("/usr/local/share/man", "/usr/share/man", "/opt/local/share/man", "/usr/pkg/man")


def open_manual(title: str) -> Manual | None:
    """Find a page of section 7 in ``$MANPATH`` and the usual directories, and parse it.

    :param title: the name of the page without its section: ``qemu-qmp-ref``.
    :return: the page; None if it is not installed, or cannot be read.
    """
    paths = [path for path in os.environ.get("MANPATH", "").split(":") if path]
    for directory in (*paths, *_DIRECTORIES):
        for suffix in ("", ".gz"):
            path = f"{directory}/man7/{title}.7{suffix}"
            # gzip raises EOFError for a file that is cut short.
            with contextlib.suppress(OSError, EOFError):
                return Manual(f"{title}(7)", _read(path))
    return None


def _read(path: str) -> str:
    """Read a file, which is compressed if its name ends with ``.gz``.

    :raise OSError: the file cannot be opened, or is not compressed though its name says so.
    :raise EOFError: the compressed file is cut short.
    """
    if path.endswith(".gz"):
        import gzip

        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            return file.read()
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
