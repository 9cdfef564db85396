"""The names that exist in the VM, as it tells them now; it is asked, and not waited for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..complete import Candidate, Kind, NameRequest
from ..protocol import Message
from ..schema.check import warning_features
from ..schema.text import format_arguments, format_type
from .answers import Catalog, dictionary, dicts
from .human import read_drivers, read_help
from .types import DEVICE_TYPES, VmTypes


class _Source(NamedTuple):
    """Where names of a kind are: a command that returns a list of objects.

    :ivar name: the member that is the name; dotted, if it lies deeper.
    :ivar about: the members that describe what has that name; with a word before one or not.
    """

    command: str
    arguments: Message | None
    name: str
    about: tuple[str, ...] = ()


_NODES = ("query-named-block-nodes", {"flat": True})
_SOURCES = {
    Kind.QOM_TYPE: _Source("qom-list-types", {"abstract": True}, "name", ("parent",)),
    Kind.IOTHREAD: _Source("query-iothreads", None, "id", ("thread thread-id",)),
    Kind.MEMORY_BACKEND: _Source("query-memdev", None, "id", ("size", "policy")),
    Kind.NODE: _Source(*_NODES, "node-name", ("drv", "file")),
    Kind.BLOCK_DEVICE: _Source("query-block", None, "device", ("inserted.drv", "inserted.file")),
    Kind.BLOCK_QDEV: _Source("query-block", None, "qdev", ("inserted.file",)),
    Kind.EXPORT: _Source("query-block-exports", None, "id", ("type", "node-name")),
    Kind.JOB: _Source("query-jobs", None, "id", ("type", "status")),
    Kind.BLOCK_JOB: _Source("query-block-jobs", None, "device", ("type", "status")),
    Kind.CHARDEV: _Source("query-chardev", None, "label", ("filename",)),
    Kind.NIC: _Source("query-rx-filter", None, "name", ("main-mac",)),
    Kind.CPU_MODEL: _Source("query-cpu-definitions", None, "name", ("typename", "alias-of")),
    Kind.CPU: _Source("query-cpus-fast", None, "cpu-index", ("qom-path",)),
    Kind.TRACE_EVENT: _Source("trace-event-get-state", {"name": "*"}, "name", ("state",)),
    Kind.FDSET: _Source("query-fdsets", None, "fdset-id", ()),
    Kind.COMMAND_LINE_OPTION: _Source("query-command-line-options", None, "option"),
}
# Objects that were made with object-add, by what their type begins with.
_OBJECTS = {
    Kind.OBJECT: "",
    Kind.SECRET: "secret",
    Kind.TLS_CREDS: "tls-creds-",
    Kind.THROTTLE_GROUP: "throttle-group",
}
# The schema's own lists: a command and its argument.
_IN_SCHEMA = {
    Kind.KEY: ("send-key", ("keys", "data")),
    Kind.RUN_STATE: ("query-status", ("status",)),
    Kind.CAPABILITY: ("migrate-set-capabilities", ("capabilities", "capability")),
}
_CHILD = re.compile(r"child<(.*)>")
_NET_CLIENT = re.compile(r"\d+,type=(?P<type>[\w-]+),?(?P<about>.*)")
_BUS = re.compile(r"^ *bus: (?P<name>\S+)\r?\n *type (?P<type>\S+)", re.MULTILINE)


class VmNames:
    """What the VM knows by name. (A :class:`~qmp_shell.complete.Names`.)"""

    def __init__(
        self,
        catalog: Catalog,
        types: VmTypes,
        summary: Callable[[str], str],
        type_names: Callable[[], list[str]],
    ) -> None:
        """
        :param types: those that are here; the VM is not waited for.
        :param summary: what the manual says of something, in a sentence; or nothing.
        :param type_names: the types that the manual tells of.
        """
        self._catalog = catalog
        self._types = types
        self._summary = summary
        self._special: dict[str, Callable[[NameRequest], Iterable[Candidate]]] = {
            Kind.COMMAND: self._commands,
            Kind.ACTION: self._actions,
            Kind.EVENT: self._events,
            Kind.TYPE: lambda _: (
                Candidate(name, summary(name) or "a type") for name in type_names()
            ),
            Kind.EVENT_MEMBER: self._event_members,
            Kind.HUMAN: self._human_commands,
            Kind.TOPIC: self._human_topics,
            Kind.DRIVER: self._drivers,
            Kind.DEVICE: self._devices,
            Kind.DEVICE_PATH: self._device_paths,
            Kind.QOM_PATH: self._qom_paths,
            Kind.QOM_PROPERTY: self._qom_properties,
            Kind.BLOCK: self._blocks,
            Kind.BITMAP: self._bitmaps,
            Kind.SNAPSHOT: self._snapshots,
            Kind.NETDEV: lambda _: self._net_clients(nics=False),
            Kind.NET_CLIENT: lambda _: self._net_clients(nics=True),
            Kind.BUS: self._buses,
            Kind.PARAMETER: self._parameters,
        }

    def candidates(self, wanted: NameRequest) -> Iterable[Candidate]:
        """The names of a kind, as far as they are known, in the order that people expect."""
        if wanted.kind in _IN_SCHEMA:
            return self._in_schema(*_IN_SCHEMA[wanted.kind])
        return sorted(self._candidates(wanted), key=_order)

    def _candidates(self, wanted: NameRequest) -> Iterable[Candidate]:
        if wanted.kind in self._special:
            return self._special[wanted.kind](wanted)
        if wanted.kind in _SOURCES:
            return self._listed(_SOURCES[wanted.kind])
        if wanted.kind in _OBJECTS:
            return self._children("/objects", _OBJECTS[wanted.kind])
        return []

    def _ask(self, command: str, arguments: Message | None = None) -> Any:
        return self._catalog.peek(command, arguments)

    def _human(self, line: str) -> str:
        catalog = self._catalog
        return catalog.human(catalog.peek, line).replace("\r\n", "\n")

    def _listed(self, source: _Source) -> Iterator[Candidate]:
        for each in dicts(self._ask(source.command, source.arguments)):
            name = _at(each, source.name)
            if name not in (None, ""):
                yield Candidate(str(name), ", ".join(_told(each, source.about)))

    def _in_schema(self, command: str, path: tuple[str, ...]) -> Iterator[Candidate]:
        schema = self._types.schema
        for type_ in schema.enums_at(command, path) if schema is not None else ():
            yield from (Candidate(v.name, ", ".join(v.features)) for v in type_.values.values())

    # Commands

    def _commands(self, _: NameRequest) -> Iterator[Candidate]:
        types = self._types
        for name in types.commands():
            command = types.command(name)
            notes = warning_features(command.features) if command is not None else []
            yield Candidate(name, ": ".join(filter(None, (", ".join(notes), self._about(name)))))

    def _actions(self, _: NameRequest) -> Iterator[Candidate]:
        actions = self._types.actions()
        for value in actions.values.values() if actions is not None else ():
            yield Candidate(value.name, ", ".join([*value.features, self._about(value.name)]))

    def _about(self, name: str) -> str:
        """What the manual says of a command or an event, or else its arguments."""
        about = self._summary(name)
        command = self._types.command(name)
        if not about and command is not None:
            about = format_arguments(command)
        return about

    def _events(self, _: NameRequest) -> Iterator[Candidate]:
        schema = self._types.schema
        for name in schema.events() if schema is not None else ():
            yield Candidate(name, self._about(name) or "an event")

    def _event_members(self, wanted: NameRequest) -> Iterator[Candidate]:
        schema = self._types.schema
        event = schema.event(str(wanted.given.get("event"))) if schema is not None else None
        for member in event.data.members.values() if event is not None else ():
            yield Candidate(f"{member.name}=", format_type(member.type), is_key=True)

    def _human_commands(self, _: NameRequest) -> Iterator[Candidate]:
        return (Candidate(c.name, c.summary) for c in read_help(self._human("help")))

    def _human_topics(self, _: NameRequest) -> Iterator[Candidate]:
        text = self._human("help info")
        return (Candidate(c.name, c.summary) for c in read_help(text, prefix="info "))

    def _parameters(self, _: NameRequest) -> Iterator[Candidate]:
        type_ = self._types.arguments("migrate-set-parameters", {})
        for member in type_.members.values() if type_ is not None else ():
            yield Candidate(member.name, format_type(member.type))

    # Devices and objects

    def _drivers(self, _: NameRequest) -> Iterator[Candidate]:
        """Drivers, less those that QEMU's own list marks as not for users."""
        types = self._ask("qom-list-types", DEVICE_TYPES)
        listed = {each.name: each for each in read_drivers(self._human("info qdm"))}
        for name in (str(each.get("name")) for each in dicts(types)):
            driver = listed.get(name)
            if not listed:
                yield Candidate(name)
            elif driver is not None and driver.is_pluggable:
                yield Candidate(name, driver.about)
                if driver.alias:
                    yield Candidate(driver.alias, f"the same as {name}")

    def _children(self, path: str, kind: str = "") -> Iterator[Candidate]:
        for each in dicts(self._ask("qom-list", {"path": path})):
            child = _CHILD.fullmatch(str(each.get("type")))
            if child is not None and child[1].startswith(kind):
                yield Candidate(str(each.get("name")), child[1])

    def _devices(self, _: NameRequest) -> Iterator[Candidate]:
        return self._children("/machine/peripheral")

    def _device_paths(self, wanted: NameRequest) -> Iterable[Candidate]:
        return self._qom_paths(wanted) if wanted.typed.startswith("/") else self._devices(wanted)

    def _qom_paths(self, wanted: NameRequest) -> Iterator[Candidate]:
        """One level of the tree, below what is typed."""
        parent, slash, _ = wanted.typed.rpartition("/")
        if slash:
            for child in self._children(parent or "/"):
                yield Candidate(f"{parent}/{child.text}", child.description)
        else:
            yield Candidate("/machine", "the machine")
            yield Candidate("/objects", "what was made with object-add")
            yield Candidate("/chardevs", "character devices")
            yield Candidate("/backend", "consoles and the like")

    def _qom_properties(self, wanted: NameRequest) -> Iterator[Candidate]:
        path = wanted.given.get("path")
        if not isinstance(path, str):
            return
        for each in dicts(self._ask("qom-list", {"path": str(path)})):
            if not str(each.get("type")).startswith("child<"):
                yield Candidate(str(each.get("name")), str(each.get("type")))

    def _buses(self, wanted: NameRequest) -> Iterator[Candidate]:
        """Those that the driver can be plugged into; all, if it is not given or fits none."""
        buses = {m["name"]: m["type"] for m in _BUS.finditer(self._human("info qtree"))}
        drivers = read_drivers(self._human("info qdm"))
        named = str(wanted.given.get("driver"))
        plug = next((each.bus for each in drivers if named in (each.name, each.alias)), "")
        fitting = {name: kind for name, kind in buses.items() if plug and kind.startswith(plug)}
        for name, kind in (fitting or buses).items():
            yield Candidate(name, kind)

    # The block layer

    def _blocks(self, _: NameRequest) -> Iterator[Candidate]:
        yield from self._listed(_SOURCES[Kind.BLOCK_DEVICE])
        yield from self._listed(_SOURCES[Kind.NODE])

    def _nodes(self, given: Message) -> Iterator[Message]:
        """The nodes that a command's other arguments name; all of them if there are none."""
        nodes = dicts(self._ask(*_NODES))
        named = {str(given[key]) for key in ("node", "device", "target") if key in given}
        yield from [node for node in nodes if node.get("node-name") in named] or nodes

    def _bitmaps(self, wanted: NameRequest) -> Iterator[Candidate]:
        for node in self._nodes(wanted.given):
            for bitmap in dicts(node.get("dirty-bitmaps")):
                if bitmap.get("name"):
                    about = f"of {node.get('node-name')}, {bitmap.get('count', 0)} bytes dirty"
                    yield Candidate(str(bitmap["name"]), about)

    def _snapshots(self, _: NameRequest) -> Iterator[Candidate]:
        seen = set()
        for node in self._nodes({}):
            for snapshot in dicts(dictionary(node.get("image")).get("snapshots")):
                name = str(snapshot.get("name"))
                if name not in seen:
                    seen.add(name)
                    yield Candidate(name, f"of {node.get('node-name')}")

    # The network

    def _net_clients(self, *, nics: bool) -> Iterator[Candidate]:
        """QMP has no list of these; the human monitor does.

        A line is ``NAME: index=0,type=user,...``, behind a ``\\`` if it is the other's peer; a
        port of a hub is ``PORT``, with its peer behind it.
        """
        for line in self._human("info network").splitlines():
            before, _, told = line.removeprefix(" \\ ").partition(": index=")
            client = _NET_CLIENT.fullmatch(told)
            names = before.split(": ") if client is not None or line.startswith(" \\ ") else []
            for name in names:
                kind, about = "hubport", ""
                if client is not None and name == names[-1]:
                    kind, about = client["type"], client["about"].replace(",", ", ")
                if nics or kind != "nic":
                    yield Candidate(name, ", ".join(filter(None, (kind, about))))


def _order(candidate: Candidate) -> tuple[Any, ...]:
    """Names of the user's before generated ones, numbers by their value, CPU types last."""
    text = candidate.text
    parts = re.split(r"([0-9]+)", text.lower())
    natural = [int(part) if index % 2 else part for index, part in enumerate(parts)]
    return text.startswith("#"), text.endswith("-cpu"), natural


def _told(value: Message, about: Iterable[str]) -> Iterator[str]:
    for each in about:
        *label, key = each.split(" ")
        told = _at(value, key)
        if told:
            yield " ".join([*label, str(told)])


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = dictionary(value).get(key)
    return value
