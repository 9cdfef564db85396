"""The user's own editor, for a text of several lines."""

from __future__ import annotations

import os
import shlex
import tempfile

from ..errors import UsageError, explain_os_error
from ..session.pipeline import Background, run_program
from .terminal import usual_terminal

_DEFAULT = "vi"


def edit_text(text: str, background: Background) -> str:
    """Have the user edit a text in ``$VISUAL`` or ``$EDITOR``.

    :param background: what is done while the editor runs.
    :return: the new text, without newlines at its end.
    :raise UsageError: there is no such editor, it failed, or what it wrote is no text.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _DEFAULT
    try:
        command = shlex.split(editor)
    except ValueError:
        command = []
    if not command:
        raise UsageError("$EDITOR is no command")
    with tempfile.TemporaryDirectory(prefix="qmp-shell-") as folder:  # private to its owner
        path = os.path.join(folder, "line.qmp")
        with open(path, "wb") as file:
            file.write(f"{text}\n".encode("utf-8", "surrogateescape"))
        try:
            with usual_terminal():
                status = run_program([*command, path], background=background)
            with open(path, encoding="utf-8") as file:
                edited = file.read()
        except UnicodeDecodeError:
            raise UsageError("what the editor wrote is not UTF-8; the line is unchanged") from None
        except (OSError, ValueError) as error:
            reason = explain_os_error(error)
            raise UsageError(f"{command[0]}: {reason}; $EDITOR chooses another editor") from None
    if status:
        raise UsageError(f"{command[0]} ended with status {status}; the line is unchanged")
    return edited.rstrip("\n")
