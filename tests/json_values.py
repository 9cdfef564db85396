"""JSON values of any shape, for tests of what reads a VM's answers, and views that return them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hypothesis import strategies as st

from qmp_shell.vm.answers import Answers, AnswerView
from qmp_shell.vm.question import Question

T = TypeVar("T")

# The keys that the readers look for, and two that a VM might send to do harm.
KEYS = [
    *("id", "name", "type", "status", "error", "device", "qdev", "label", "option", "parent"),
    *("current-progress", "total-progress", "offset", "len", "ram", "total", "remaining"),
    *("error-desc", "completed", "qemu", "package", "major", "minor", "micro", "inserted", "drv"),
    *("file", "image", "virtual-size", "ro", "node-name", "dirty-bitmaps", "count", "snapshots"),
    *("description", "default-value", "supported_commands", "enabled", "cpu-index", "qom-path"),
    *("qom-type", "base-memory", "plugged-memory", "actual", "arch", "UUID", "host", "service"),
    *("port", "tls-port", "filename", "driver", "fdset-id", "thread-id", "size", "main-mac"),
    *("meta-type", "arg-type", "ret-type", "members", "variants", "case", "tag", "default"),
    *("element-type", "values", "features", "json-type", "data", "actions"),
    *("removable", "tray_open", "frontend-open", "props", "socket-id", "core-id", "nodes"),
    *("edges", "parent", "child", "children", "backing"),
    *("a\x1b[2J\nb", "\ud800"),
]
# What the readers make something of, and text that is dangerous on a terminal.
TEXTS = [
    *("", "running", "concluded", "active", "completed", "none", "vm", "command", "event"),
    *("object", "array", "enum", "alternate", "builtin", "string", "int", "transaction", "query"),
    *("child<virtio-net-pci>", "link<iothread>", "child<", "child<>", "uint32", "OnOffAuto"),
    *('json:{"file": {"file": {"filename": "/a"}}}', "json:", "json:[]", "json:" + "[" * 5000),
    *('name "e1000", bus PCI, alias "e", desc "a NIC"', "0-0-0", "#block1", "x1y22", "1" * 5000),
    *('bus: b\n dev: d, id "i"\n  addr = 1f.7\n  bus: c\n   type PCI',),
    *("info a|b x -- summary", "  bus: b\n  type PCI", "n: index=0,type=nic,model=e1000"),
    *("\x1b[31mred", "a\nb", "a\tb", "\x9b2J", "\x7f", "\ud800", "\u202e", "\0", "é", "١٢"),
]
# How many digits integers have. Python reads and writes no more than 4,300 of them.
DIGITS = [2, 19, 20, 21, 25, 40, 309, 310, 4300, 5000]
INTEGERS = [0, -1, 7, 1 << 63, 1 << 64, (1 << 64) + 1]

texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=6))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.integers(-10, 1 << 40),
    st.sampled_from(INTEGERS),
    st.sampled_from(DIGITS).map(lambda digits: 10 ** (digits - 1)),
    st.sampled_from(DIGITS).map(lambda digits: -(10 ** (digits - 1))),
    st.floats(allow_nan=False, allow_infinity=False),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=3))


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(keys, children, max_size=5)
    return st.one_of(st.lists(children, max_size=4), st.lists(objects, max_size=3), objects)


values: st.SearchStrategy[Any] = st.recursive(scalars, _containers, max_leaves=12)


def is_sendable(value: object) -> bool:
    """Whether a VM can send a value: Python reads no number of more than 4,300 digits."""
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return all(map(is_sendable, items))
    return not isinstance(value, int) or abs(value) < 10**4300


sendable_values = values.filter(is_sendable)


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """A value in which one part, at any depth, is replaced by another value."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 5)):
        copy: Any = value.copy()
        places = list(value) if isinstance(value, dict) else range(len(value))
        place = draw(st.sampled_from(places))
        copy[place] = draw(damaged(value[place]))
        return copy
    return draw(values)


class GivenAnswers(AnswerView):
    """A view of answers that are given: what each command returns, whatever its arguments."""

    def __init__(self, returned: Mapping[str, object], default: object = None) -> None:
        """:param default: what all other commands return."""
        self._returned = returned
        self._default = default

    def get(self, question: Question[T], /) -> T | None:
        if question.fallback is not None and self.lacks(question):
            return self.get(question.fallback)
        return question.parse(self._returned.get(question.command, self._default))

    def lacks(self, question: Question[Any], /) -> bool:
        return self._returned.get(question.command, self._default) is None


class OfflineAnswers(Answers):
    """Answers of a VM that is not there, both views of which are given."""

    def __init__(self, view: AnswerView) -> None:
        super().__init__(None)
        self.waiting = self.immediate = view


def controls(text: str) -> str:
    """The control characters in a text that a terminal may act on, but newline and tab."""
    return "".join(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text))


Parser = Callable[[object], object]
