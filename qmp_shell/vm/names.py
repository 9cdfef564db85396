"""The names that exist in a VM now, by their kind, as far as the VM has reported them.

The VM is asked and not waited for. Most kinds are a row of a table: the command that lists them
and the member that is the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from ..complete import Candidate, Kind, NameRequest
from ..messages import Message
from ..schema.check import warning_features
from ..schema.text import format_arguments, format_type
from ..static_typing import Protocol
from .answers import AnswerView
from .block_records import BlockNode
from .fitting_names import FITTING_NAMES
from .inspection import BLOCK_NODES, HUMAN_COMMANDS, HUMAN_TOPICS
from .name_lists import NAME_LISTS, listed, net_clients
from .natural_order import natural_key
from .questions import DEVICE_TYPES, DRIVERS, object_properties
from .types import VmTypes


class ManualTopics(Protocol):
    """What is taken from QEMU's manual."""

    def summary(self, name: str) -> str:
        """What is said of a command, an event or a type in one sentence; empty: nothing."""

    def type_names(self) -> list[str]:
        """The types that have a section."""


# Objects that were created with object-add, by what their QOM type begins with.
_OBJECT_TYPES = {
    Kind.OBJECT: "",
    Kind.CRYPTODEV: "cryptodev-",
    Kind.RNG: "rng-",
    Kind.SECRET: "secret",
    Kind.TLS_CREDS: "tls-creds-",
    Kind.THROTTLE_GROUP: "throttle-group",
}
# Enumerations of the schema: a command, and the path of an argument or a returned member.
_ENUMS = {
    Kind.KEY: ("send-key", ("keys", "data")),
    Kind.RUN_STATE: ("query-status", ("status",)),
    Kind.CAPABILITY: ("migrate-set-capabilities", ("capabilities", "capability")),
}
# Names that depend on nothing but the VM's commands, events, schema and manual.
_LASTING = (Kind.COMMAND, Kind.ACTION, Kind.EVENT, Kind.TYPE)
_QOM_ROOTS = (
    Candidate("/machine", "the machine"),
    Candidate("/objects", "objects created with object-add"),
    Candidate("/chardevs", "character devices"),
    Candidate("/backend", "consoles and other backends"),
)
# More are of no use in a menu, and would take long to sort at each key press.
_MOST_NAMES = 20_000


class VmNames:
    """The names in one VM. (A :class:`~qmp_shell.complete.NameSource`.)"""

    def __init__(
        self, answers: AnswerView, types: VmTypes, find_manual: Callable[[], ManualTopics | None]
    ) -> None:
        """
        :param answers: a view that does not wait.
        :param types: the VM's types, looked up without waiting.
        :param find_manual: finds QEMU's manual when it is first needed; None: not installed.
        """
        self._answers = answers
        self._types = types
        self._find_manual = find_manual
        self._sources: tuple[object, ...] = ()
        self._lasting: dict[str, list[Candidate]] = {}
        self._finders: dict[str, Callable[[NameRequest], Iterable[Candidate]]] = {
            Kind.COMMAND: self._commands,
            Kind.ACTION: self._actions,
            Kind.EVENT: self._events,
            Kind.TYPE: self._manual_types,
            Kind.EVENT_MEMBER: self._event_members,
            Kind.HUMAN: self._human_commands,
            Kind.TOPIC: self._human_topics,
            Kind.DRIVER: self._drivers,
            Kind.DEVICE: lambda _: self._children("/machine/peripheral"),
            Kind.DEVICE_PATH: self._device_paths,
            Kind.QOM_PATH: self._qom_paths,
            Kind.QOM_PROPERTY: self._qom_properties,
            Kind.BLOCK: self._blocks,
            Kind.BITMAP: self._bitmaps,
            Kind.SNAPSHOT: self._snapshots,
            Kind.NETDEV: lambda _: net_clients(self._answers, with_nics=False),
            Kind.NET_CLIENT: lambda _: net_clients(self._answers, with_nics=True),
            Kind.PARAMETER: self._parameters,
        }

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        """The names of a kind, in the order that people expect."""
        if request.kind in _ENUMS:
            return self._enum_values(*_ENUMS[request.kind])  # in the schema's order
        if request.kind in _LASTING:
            return self._lasting_candidates(request)
        return self._sorted_candidates(request)

    def _sorted_candidates(self, request: NameRequest) -> list[Candidate]:
        return sorted(islice(self._find(request), _MOST_NAMES), key=_sort_key)

    def _lasting_candidates(self, request: NameRequest) -> list[Candidate]:
        """Names that last as long as what they are made of; there are hundreds of them."""
        types = self._types
        sources = (types.commands(), types.events(), types.schema, self._find_manual())
        if sources != self._sources:
            self._sources = sources
            self._lasting.clear()
        if request.kind not in self._lasting:
            self._lasting[request.kind] = self._sorted_candidates(request)
        return self._lasting[request.kind]

    def _find(self, request: NameRequest) -> Iterable[Candidate]:
        if request.kind in self._finders:
            return self._finders[request.kind](request)
        if request.kind in FITTING_NAMES:
            return FITTING_NAMES[request.kind](self._answers, request)
        if request.kind in NAME_LISTS:
            return listed(self._answers, NAME_LISTS[request.kind])
        if request.kind in _OBJECT_TYPES:
            return self._children("/objects", _OBJECT_TYPES[request.kind])
        return ()

    def _enum_values(self, command: str, path: tuple[str, ...]) -> Iterator[Candidate]:
        schema = self._types.schema
        for type_ in schema.enums_at(command, path) if schema is not None else ():
            for value in type_.values.values():
                yield Candidate(value.name, ", ".join(value.features))

    # Commands and events

    def _commands(self, _: NameRequest) -> Iterator[Candidate]:
        names = self._types.commands()
        schema = self._types.schema if names else None
        for name in names:
            command = schema.command(name) if schema is not None else None
            warnings = warning_features(command.features) if command is not None else []
            notes = (", ".join(warnings), self._summary(name))
            yield Candidate(name, ": ".join(filter(None, notes)))

    def _actions(self, _: NameRequest) -> Iterator[Candidate]:
        actions = self._types.actions()
        for value in actions.values.values() if actions is not None else ():
            yield Candidate(value.name, ", ".join([*value.features, self._summary(value.name)]))

    def _summary(self, name: str) -> str:
        """What the manual says of a command or an event; without a manual, its arguments."""
        manual = self._find_manual()
        summary = manual.summary(name) if manual is not None else ""
        command = self._types.command(name) if not summary else None
        return format_arguments(command) if command is not None else summary

    def _events(self, _: NameRequest) -> Iterator[Candidate]:
        for name in self._types.events():
            yield Candidate(name, self._summary(name) or "an event")

    def _event_members(self, request: NameRequest) -> Iterator[Candidate]:
        schema = self._types.schema
        event = schema.event(str(request.given.get("event"))) if schema is not None else None
        for member in event.data.members.values() if event is not None else ():
            yield Candidate(f"{member.name}=", format_type(member.type), is_key=True)

    def _manual_types(self, _: NameRequest) -> Iterator[Candidate]:
        manual = self._find_manual()
        for name in manual.type_names() if manual is not None else ():
            yield Candidate(name, self._summary(name) or "a type")

    def _human_commands(self, _: NameRequest) -> Iterator[Candidate]:
        for command in self._answers.get(HUMAN_COMMANDS) or ():
            yield Candidate(command.name, command.summary)

    def _human_topics(self, _: NameRequest) -> Iterator[Candidate]:
        for command in self._answers.get(HUMAN_TOPICS) or ():
            yield Candidate(command.name, command.summary)

    def _parameters(self, _: NameRequest) -> Iterator[Candidate]:
        type_ = self._types.arguments("migrate-set-parameters", {})
        for member in type_.members.values() if type_ is not None else ():
            yield Candidate(member.name, format_type(member.type))

    # Devices and objects

    def _drivers(self, _: NameRequest) -> Iterator[Candidate]:
        """Drivers, without those that QEMU's own list marks as not for users."""
        names = self._answers.get(DEVICE_TYPES) or ()
        listed = {each.name: each for each in self._answers.get(DRIVERS) or ()}
        for name in names:
            driver = listed.get(name)
            if not listed:
                yield Candidate(name)
            elif driver is not None and driver.is_pluggable:
                yield Candidate(name, driver.description)
                if driver.alias:
                    yield Candidate(driver.alias, f"the same as {name}")

    def _children(self, path: str, type_prefix: str = "") -> Iterator[Candidate]:
        """The children of a QOM object whose type begins with a prefix."""
        for child in self._answers.get(object_properties(path)) or ():
            if child.child_type and child.child_type.startswith(type_prefix):
                yield Candidate(child.name, child.child_type)

    def _device_paths(self, request: NameRequest) -> Iterable[Candidate]:
        if request.typed.startswith("/"):
            return self._qom_paths(request)
        return self._children("/machine/peripheral")

    def _qom_paths(self, request: NameRequest) -> Iterator[Candidate]:
        """The level of the QOM tree that is being typed."""
        parent, slash, _ = request.typed.rpartition("/")
        if not slash:
            yield from _QOM_ROOTS
            return
        for child in self._children(parent or "/"):
            yield Candidate(f"{parent}/{child.text}", child.description)

    def _qom_properties(self, request: NameRequest) -> Iterator[Candidate]:
        path = request.given.get("path")
        if isinstance(path, str):
            for entry in self._answers.get(object_properties(str(path))) or ():
                if not entry.child_type:
                    yield Candidate(entry.name, entry.type)

    # The block layer and the network

    def _blocks(self, request: NameRequest) -> Iterator[Candidate]:
        """Block devices and nodes; what another argument names is last: no target is its source."""
        others = [value for value in request.given.values() if isinstance(value, str)]
        for kind in (Kind.BLOCK_DEVICE, Kind.NODE):
            for each in listed(self._answers, NAME_LISTS[kind]):
                yield each._replace(order=1) if each.text in others else each

    def _nodes(self, given: Message) -> list[BlockNode]:
        """The nodes that a command's other arguments name; all of them if there are none."""
        nodes = self._answers.get(BLOCK_NODES) or []
        named = [given[key] for key in ("node", "device", "target") if key in given]
        return [node for node in nodes if node.name in named] or nodes

    def _bitmaps(self, request: NameRequest) -> Iterator[Candidate]:
        for node in self._nodes(request.given):
            for bitmap in node.bitmaps:
                yield Candidate(bitmap.name, f"of {node.name}, {bitmap.dirty_bytes} bytes dirty")

    def _snapshots(self, _: NameRequest) -> Iterator[Candidate]:
        nodes: dict[str, str] = {}
        for node in self._nodes({}):
            for snapshot in node.snapshots:
                nodes.setdefault(snapshot, node.name)
        for snapshot, node_name in nodes.items():
            yield Candidate(snapshot, f"of {node_name}")


def _sort_key(candidate: Candidate) -> tuple[int, bool, bool, list[tuple[int, str]]]:
    """In the order that the finder wants; users' names before generated ones (``#block1``).

    Numbers by value, CPU types last.
    """
    text = candidate.text
    is_generated, is_cpu_type = text.startswith("#"), text.endswith("-cpu")
    return candidate.order, is_generated, is_cpu_type, natural_key(text.lower())
