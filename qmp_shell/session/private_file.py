"""Opening a file that only its owner can read, where nobody else can redirect it."""

from __future__ import annotations

import errno
import os
import stat

_FLAGS = os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
_MOST_LINKS = 40
# The links in here lead to open files, and their texts are no paths.
_OPEN_FILES = "/proc/"


def open_private(path: str, *, readable: bool = False) -> int:
    """Open a file for appending, and create it with mode 0600 if there is none.

    In a folder that everybody may write to, someone could have put a link to another file in its
    place, or a file of their own in order to read it; both are refused.

    :param path: ``~`` is expanded.
    :param readable: it can be read, too, and must be a regular file.
    :return: its descriptor, which does not block.
    :raise OSError: it cannot be opened; ``strerror`` says why.
    """
    try:
        path = _follow_links(os.path.abspath(os.path.expanduser(path)))
        # A link that has been put there since is not followed.
        link = 0 if path.startswith(_OPEN_FILES) else os.O_NOFOLLOW
        descriptor = os.open(path, _FLAGS | link | (os.O_RDWR if readable else os.O_WRONLY), 0o600)
    except ValueError:  # there is a NUL or a surrogate in it
        raise OSError(errno.EINVAL, "not a valid path") from None
    try:
        _check(descriptor, path, must_be_regular=readable)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(descriptor: int, path: str, *, must_be_regular: bool) -> None:
    """:raise OSError: the file must not be used."""
    found = os.fstat(descriptor)
    is_regular = stat.S_ISREG(found.st_mode)
    if must_be_regular and not is_regular:
        raise OSError(errno.EINVAL, "not a regular file")
    if is_regular and found.st_uid != os.geteuid() and _is_shared(os.path.dirname(path)):
        raise OSError(errno.EPERM, "another user's file in a shared folder")


def _follow_links(path: str) -> str:
    """Replace the symbolic links in a path.

    :param path: an absolute one; it may not exist.
    :raise OSError: someone else may have made one of them, or there are too many.
    """
    place = "/"
    links = 0
    names = path.split("/")[::-1]
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        folder, place = place, os.path.normpath(os.path.join(place, name))
        try:
            found = os.lstat(place)
        except FileNotFoundError:
            return os.path.join(place, *reversed(names))
        if not stat.S_ISLNK(found.st_mode) or folder.startswith(_OPEN_FILES):
            continue
        if found.st_uid not in (0, os.geteuid()) or _is_shared(folder):
            raise OSError(errno.ELOOP, f"{place} is a link that someone else may have made")
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(place)
        names += target.split("/")[::-1]
        place = "/" if target.startswith("/") else folder
    return place


def _is_shared(folder: str) -> bool:
    return bool(os.stat(folder).st_mode & stat.S_IWOTH)
