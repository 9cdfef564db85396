"""Where this program finds a UNIX socket that another process names. (proc(5), namespaces(7))

A relative path begins where that process was started; one in a container, or below another root
(chroot(2)), may be reached through that process's root only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from .processes import Processes

_ELSEWHERE = "in another mount namespace, as of a container"


def find_place(processes: Processes, pid: int, path: str) -> tuple[str, str]:
    """The path by which this program reaches a process's socket, and why it cannot.

    :return: the second is empty if it can; the first one then leads to a socket.
    """
    is_elsewhere = processes.shares_namespace(pid, "mnt") is False
    has_own_view = is_elsewhere or processes.has_other_root(pid)
    problem = ""
    absolute = path
    for absolute, theirs in _candidates(processes, pid, path):
        file = None
        if has_own_view:
            try:
                file = _identify(os.stat(theirs))
            except PermissionError:
                problem = _ELSEWHERE
            except OSError:
                pass  # it is not there
        if file is not None:
            place = absolute if _find_socket(absolute) == file else theirs
            return place, _find_obstacle(place)
        # QEMU may have made it before it changed its root.
        if not is_elsewhere and _find_socket(absolute) is not None:
            return absolute, _find_obstacle(absolute)
    return absolute, problem or "there is no such socket any more"


def _candidates(processes: Processes, pid: int, path: str) -> Iterator[tuple[str, str]]:
    """The paths that it may have here, and how each is reached through the process."""
    if path.startswith("/"):
        yield path, processes.path_of(pid, "root", path.lstrip("/"))
        return
    for folder in processes.working_folders(pid):
        absolute = os.path.normpath(os.path.join(folder, path))
        yield absolute, processes.path_of(pid, "root", absolute.lstrip("/"))


def _find_socket(path: str) -> tuple[int, int] | None:
    """Which file is a socket at a path; None: there is none, or it cannot be looked at."""
    try:
        return _identify(os.stat(path))
    except (OSError, ValueError):
        return None


def _identify(status: os.stat_result) -> tuple[int, int] | None:
    return (status.st_dev, status.st_ino) if stat.S_ISSOCK(status.st_mode) else None


def _find_obstacle(path: str) -> str:
    """Why a socket cannot be connected to; empty: it can."""
    return "" if os.access(path, os.W_OK) else "permission denied"
