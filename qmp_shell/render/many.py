"""What several VMs have answered, as one message that names them. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from ..messages import Message
from ..output import SafeText
from ..static_typing import Any
from .cells import VALUE, VM
from .text import format_compact

Replies = Iterable[tuple[str, Any]]
"""Names of VMs, and what each has returned."""


def tag_line(name: str, body: str) -> SafeText:
    """A message in JSON on one line, with the VM's name in it.

    :param body: the message as ``format_compact`` writes it.
    """
    if f'"{VM}"' in body or "\\u" in body:  # the VM may say another name
        return SafeText(format_compact(tag(name, json.loads(body))))
    rest = body[1:]
    return SafeText(f'{{"{VM}": {json.dumps(name)}{"" if rest == "}" else ", "}{rest}')


def tag(name: str, message: Message) -> Message:
    """A message with the VM's name in it, first, whatever the VM says of itself."""
    return {VM: name, **message, **{VM: name}}


def _join_rows(replies: Replies) -> list[dict[str, Any]]:
    """A row for each object that a VM has returned, with the VM's name before it."""
    return [
        tag(name, value if isinstance(value, dict) else {VALUE: value})
        for name, returned in replies
        for value in (returned if isinstance(returned, list) else [returned])
    ]


JOINERS: dict[str, Callable[[Replies], Any]] = {
    "table": _join_rows,
    "csv": _join_rows,
    "tree": dict,
}
"""The views of which there is one for all VMs, and what makes one value of all replies."""
