"""The command that undoes another one, as a line that the user may take.

Each command that has an inverse is a row of a table. It is only ever suggested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..correction import is_suggestible
from ..language.notation import format_message
from ..language.secrets import may_hold_secret
from ..messages import Message, arguments_of, command_of
from ..vm.attachment import Attachment
from ..vm.inspection import (
    BALLOON,
    BLOCK_JOB_SPEEDS,
    BLOCK_NODES,
    CAPABILITIES,
    LIMITS,
    PARAMETERS,
    former_value,
)
from ..vm.question import Question
from ..vm.questions import RUN_STATE
from ..vm.read import read_object, read_objects

T = TypeVar("T")

# What such a command creates or changes is named by these arguments, the same in its inverse.
_RENAMED = {
    "device_add": ("device_del", ("id",)),
    "netdev_add": ("netdev_del", ("id",)),
    "object-add": ("object-del", ("id",)),
    "chardev-add": ("chardev-remove", ("id",)),
    "blockdev-add": ("blockdev-del", ("node-name",)),
    "block-export-add": ("block-export-del", ("id",)),
    "block-dirty-bitmap-add": ("block-dirty-bitmap-remove", ("node", "name")),
    "block-dirty-bitmap-enable": ("block-dirty-bitmap-disable", ("node", "name")),
    "block-dirty-bitmap-disable": ("block-dirty-bitmap-enable", ("node", "name")),
    "blockdev-open-tray": ("blockdev-close-tray", ("id",)),
    "blockdev-close-tray": ("blockdev-open-tray", ("id",)),
    "getfd": ("closefd", ("fdname",)),
    "job-pause": ("job-resume", ("id",)),
    "job-resume": ("job-pause", ("id",)),
    "block-job-pause": ("block-job-resume", ("device",)),
    "block-job-resume": ("block-job-pause", ("device",)),
    "nbd-server-start": ("nbd-server-stop", ()),
}
# What these commands make of a bitmap's recording.
_IS_RECORDING = {"block-dirty-bitmap-enable": True, "block-dirty-bitmap-disable": False}
# The run states in which these commands change something, and what undoes them then.
_RUN_STATES = {
    "stop": (("running",), "cont"),
    "cont": (("paused", "prelaunch", "postmigrate", "io-error", "watchdog", "suspended"), "stop"),
}


class _Restored(NamedTuple):
    """A command that is undone by giving it former values.

    :ivar question: asks for the values, given the command's arguments; None: they are not known.
    :ivar restore: the arguments of the inverse, given the command's and the answer; empty: none.
    """

    question: Callable[[Message], Question[Any] | None]
    restore: Callable[[Message, Any], Message]


def _restore_limits(given: Message, limits: dict[str, dict[str, int]]) -> Message:
    named = {key: given[key] for key in ("id", "device") if isinstance(given.get(key), str)}
    before = next((limits[name] for name in named.values() if name in limits), {})
    return {**named, **before} if before else {}


def _restore_capabilities(given: Message, before: dict[str, bool]) -> Message:
    changed = [each.get("capability") for each in read_objects(given.get("capabilities"))]
    return {
        "capabilities": [
            {"capability": name, "state": before[name]}
            for name in changed
            if isinstance(name, str) and name in before
        ]
    }


def _restore_parameters(given: Message, before: Message) -> Message:
    return {key: before[key] for key in given if key in before}


def _restore_speed(given: Message, before: dict[str, int]) -> Message:
    name = given.get("device")
    known = isinstance(name, str) and name in before
    return {"device": name, "speed": before[str(name)]} if known else {}


def _ask_for_property(given: Message) -> Question[Any] | None:
    path, name = given.get("path"), given.get("property")
    if not isinstance(path, str) or not isinstance(name, str):
        return None
    return former_value(path, name)


def _restore_property(given: Message, before: list[Any]) -> Message:
    return {**given, "value": before[0]} if before else {}


_RESTORED = {
    "block_set_io_throttle": _Restored(lambda _: LIMITS, _restore_limits),
    "migrate-set-capabilities": _Restored(lambda _: CAPABILITIES, _restore_capabilities),
    "migrate-set-parameters": _Restored(lambda _: PARAMETERS, _restore_parameters),
    "block-job-set-speed": _Restored(lambda _: BLOCK_JOB_SPEEDS, _restore_speed),
    "balloon": _Restored(lambda _: BALLOON, lambda _, before: {"value": before}),
    "qom-set": _Restored(_ask_for_property, _restore_property),
}


def find_inverse(message: Message, attachment: Attachment) -> str:
    """The line that undoes a command; it is asked for before the command is sent.

    :return: empty: it has no inverse, or that cannot be known in time.
    :raise ConnectionLost: there is no VM any more.
    """
    inverse = _invert(message, attachment)
    if not inverse:
        return ""
    line = format_message(inverse)
    return line if is_suggestible(line) and not may_hold_secret(line) else ""


def _ask(question: Question[T], attachment: Attachment) -> T | None:
    """What the VM answers now; None: nothing, or not in time."""
    (answer,) = attachment.ask_anew([question])
    return answer


def _is_recording(given: Message, attachment: Attachment) -> bool | None:
    """Whether a bitmap records writes; None: that is not known."""
    for node in _ask(BLOCK_NODES, attachment) or ():
        for bitmap in node.bitmaps:
            if (node.name, bitmap.name) == (given.get("node"), given.get("name")):
                return bitmap.is_recording
    return None


def _invert(message: Message, attachment: Attachment) -> Message:
    command, given = command_of(message), read_object(arguments_of(message))
    if command == "set_link" and isinstance(given.get("up"), bool):
        return {"execute": command, "arguments": {**given, "up": not given["up"]}}
    if command in _RUN_STATES:
        states, inverse = _RUN_STATES[command]
        state = _ask(RUN_STATE, attachment)
        return {"execute": inverse} if state in states else {}
    if command in _IS_RECORDING and _is_recording(given, attachment) is _IS_RECORDING[command]:
        return {}  # nothing changes
    if command in _RENAMED:
        name, keys = _RENAMED[command]
        arguments = {key: given[key] for key in keys if isinstance(given.get(key), str)}
        if len(arguments) < len(keys):
            return {}
        return {"execute": name} | ({"arguments": arguments} if arguments else {})
    if command in _RESTORED:
        row = _RESTORED[command]
        question = row.question(given)
        if question is None:
            return {}
        before = _ask(question, attachment)
        arguments = row.restore(given, before) if before is not None else {}
        return {"execute": command, "arguments": arguments} if arguments else {}
    return {}
