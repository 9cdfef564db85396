"""Help pages for commands, events and types, from the VM's schema and QEMU's manual."""

from __future__ import annotations

from collections.abc import Iterator

from ..language.notation import format_message
from ..manual import Manual, Section, wrap
from ..messages import arguments_of
from ..schema import (
    STRING,
    Array,
    Builtin,
    Enum,
    EventType,
    Member,
    Object,
    Schema,
    Type,
    as_object,
    branches,
)
from ..schema.check import check_arguments, warning_features
from ..schema.text import (
    describe_member_type,
    format_signature,
    format_type,
    kind_of_type,
    required_first,
)
from ..static_typing import Any
from ..vm.message_faults import find_faults
from ..vm.types import VmTypes

_INDENT = "  "
_PLACEHOLDER = "TEXT"
_MOST_EXAMPLE_VALUES = 100


class HelpWriter:
    """Writes help pages."""

    def __init__(self, types: VmTypes, manual: Manual | None, width: int) -> None:
        """
        :param types: the VM's types.
        :param manual: QEMU's manual; None: it is not installed.
        :param width: how many columns a page may take.
        """
        self._types = types
        self._manual = manual
        self._width = width
        self._named_types: dict[str, Type] | None = None

    def page(self, topic: str, given: dict[str, Any]) -> list[str]:
        """The page of a topic: a command, an event or a type; empty: nothing is known of it.

        :param given: arguments; the value of a union's tag or a driver decides which members
            are shown.
        """
        schema = self._types.schema
        section = self._manual.section(topic) if self._manual is not None else None
        lines = self._page(topic, given, schema, section)
        if section is not None and self._manual is not None:
            text = section.text(self._width - len(_INDENT))
            if " ".join(text).rstrip(".") != self._manual.summary(topic):
                lines.append(f"{self._manual.title}:")
                lines += [f"{_INDENT}{line}".rstrip() for line in text]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _page(
        self, topic: str, given: dict[str, Any], schema: Schema | None, section: Section | None
    ) -> list[str]:
        command = self._types.command(topic)
        if command is not None and not self._types.lacks(topic):
            type_ = self._types.arguments(topic, given) or command.arguments
            example = self._example(topic, given, section, type_)
            return [
                *self._head(topic, "a command", command.features, section),
                *self._wrong_values(given, type_),
                *self._synopsis(topic, type_, given),
                *self._members("Arguments", topic, type_, given, section),
                *self._returns(command.returns),
                *(["It may be executed out-of-band."] if command.out_of_band else []),
                "",
                "Example:",
                f"{_INDENT}{example}",
                "",
            ]
        event = schema.event(topic) if schema is not None else None
        if event is not None:
            return self._event_page(event, section)
        type_found = self._find_type(topic, schema)
        if type_found is not None:
            return [
                *self._head(topic, add_article(kind_of_type(type_found)), (), section),
                *self._type_page(topic, type_found, given, section),
            ]
        return [*self._manual_page(topic, section)] if section else []

    def _manual_page(self, topic: str, section: Section) -> Iterator[str]:
        """The page of a topic that the schema does not have; a guest agent has no schema."""
        yield from self._head(topic, add_article(section.kind), (), section)
        for name, (type_name, text) in section.members.items():
            yield from self._entry(name, type_name, text)
        if section.members:
            yield ""
        for message in section.examples()[:1]:
            yield from ("Example:", f"{_INDENT}{format_message(message)}", "")

    def _event_page(self, event: EventType, section: Section | None) -> list[str]:
        return [
            *self._head(event.name, "an event", event.features, section),
            *self._members("Data", event.name, event.data, {}, section),
        ]

    def _type_page(
        self, topic: str, type_: Type, given: dict[str, Any], section: Section | None
    ) -> Iterator[str]:
        if isinstance(type_, Object):
            yield from self._members("Members", topic, type_, given, section)
            return
        if isinstance(type_, Enum):
            yield "Values:"
            for value in type_.values.values():
                said = section.members.get(value.name) if section is not None else None
                notes = [*value.features, *([said.text] if said is not None else [])]
                yield from self._entry(value.name, "", ": ".join(filter(None, notes)))
        else:
            yield "One of:"
            yield from (_INDENT + self._type_text(branch) for branch in branches(type_))
        yield ""

    def _find_type(self, name: str, schema: Schema | None) -> Type | None:
        if schema is None:
            return None
        if schema.has_type(name):
            return schema.type(name)
        if self._named_types is None:
            self._named_types = self._manual.types(schema) if self._manual is not None else {}
        return self._named_types.get(name)

    def _head(
        self, name: str, kind: str, features: tuple[str, ...], section: Section | None
    ) -> Iterator[str]:
        since = f", since QEMU {section.since}" if section is not None and section.since else ""
        summary = self._manual.summary(name) if self._manual is not None else ""
        yield from self._wrapped(f"{name}: {kind}{since}" + (f". {summary}." if summary else ""))
        if warning_features(features):
            yield f"It is {' and '.join(warning_features(features))}."
        others = [each for each in features if each not in warning_features(features)]
        if others:
            yield from self._wrapped(f"Features: {', '.join(others)}")
        yield ""

    @staticmethod
    def _wrong_values(given: dict[str, Any], type_: Object) -> Iterator[str]:
        """Which of the given values, that decide what is shown, do not exist."""
        for fault in check_arguments(given, type_):
            if "has no value" in fault.problem:
                yield from (str(fault), "")

    def _synopsis(self, name: str, type_: Object, given: dict[str, Any]) -> Iterator[str]:
        parts = " ".join(
            [name, *(part.text for part in format_signature(type_.members_for(given)))]
        )
        yield from wrap(parts, self._width, _INDENT, _INDENT * 3)
        yield ""

    def _members(
        self, title: str, topic: str, type_: Object, given: dict[str, Any], section: Section | None
    ) -> Iterator[str]:
        fields = type_.members_for(given)
        if not fields:
            return
        yield f"{title}:"
        for member in required_first(fields):
            yield from self._member(member, given, section)
        if type_.tag is not None and given.get(type_.tag) is None and list(type_.cases):
            case = next(iter(type_.cases))
            yield f"{_INDENT}More depend on {type_.tag}, as in: .help {topic} {type_.tag}={case}"
        yield ""

    def _member(
        self, member: Member, given: dict[str, Any], section: Section | None
    ) -> Iterator[str]:
        said = None
        if section is not None and self._manual is not None:
            said = self._manual.member(section, member.name, given)
        type_name = said.type_name if said is not None else ""
        if type_name.startswith("array of "):
            type_name = f"[{type_name.removeprefix('array of ')}]"
        facts = describe_member_type(member, self._type_text(member.type, type_name))
        about = said.text if said is not None and said.text else member.description
        yield from self._entry(member.name, facts, about)
        for branch in branches(member.type):
            values = branch.element if isinstance(branch, Array) else branch
            if isinstance(values, Enum) and format_type(values) == "enum":
                yield from self._description("one of " + ", ".join(values.values))
            if isinstance(values, Object) and not is_qapi_type(type_name):
                inner = " ".join(part.text for part in format_signature(values.members))
                yield from self._description("{ " + inner + " }")

    @staticmethod
    def _type_text(type_: Type, name: str = "") -> str:
        text = format_type(type_)
        return f"{name}: {text}" if is_qapi_type(name) else text

    def _entry(self, name: str, notes: str, about: str) -> Iterator[str]:
        yield f"{_INDENT}{name}  {notes}".rstrip()
        if about:
            yield from self._description(about)

    def _description(self, text: str) -> list[str]:
        return wrap(text, self._width, _INDENT * 3, _INDENT * 3)

    def _returns(self, type_: Type) -> Iterator[str]:
        element = type_.element if isinstance(type_, Array) else type_
        of_object = as_object(element)
        if of_object is None:
            yield f"Returns: {format_type(type_)}"
        elif not of_object.members:
            yield "Returns: nothing"
        else:
            members = " ".join(
                f"{member.name}={format_type(member.type)}" for member in of_object.members.values()
            )
            listed = "a list of " if isinstance(type_, Array) else ""
            yield from self._wrapped(f"Returns: {listed}{{ {members} }}")

    def _wrapped(self, text: str) -> list[str]:
        return wrap(text, self._width, rest=_INDENT)

    def _example(
        self, name: str, given: dict[str, Any], section: Section | None, type_: Object
    ) -> str:
        """An example line: one of the manual's that this VM takes, or one with placeholders.

        :param given: arguments that it is to have.
        """
        examples = section.examples() if section is not None else []
        lines = [
            format_message(each)
            for each in examples
            if given.items() <= arguments_of(each).items() and not find_faults(each, self._types)
        ]
        if lines:
            return min(lines, key=len)
        made = minimal_value(type_, given)
        return format_message({"execute": name} | ({"arguments": made} if made else {}))


def add_article(kind: str) -> str:
    """``Enum`` to ``an enum``."""
    return f"{'an' if kind[0] in 'AEO' else 'a'} {kind.lower()}"


def is_qapi_type(name: str) -> bool:
    """Whether a type's name in the manual is one of QAPI's own types, which has a page."""
    return name.strip("[]")[:1].isupper()


def minimal_value(type_: Type, given: dict[str, Any] | None = None) -> Any:
    """An example value of a type, in which objects have only their required members.

    :param given: members that it has, too; objects among them may lack required members.
    """
    return _ExampleMaker().value(type_, (), given)


class _ExampleMaker:
    """Makes one example, of a size that people read: a VM may send types without end."""

    def __init__(self) -> None:
        self._left = _MOST_EXAMPLE_VALUES

    def value(
        self, type_: Type, outer: tuple[Type, ...], given: dict[str, Any] | None = None
    ) -> Any:
        """
        :param outer: the types that it is nested in; a VM may send one that contains itself.
        :param given: members of the object that it is to be; None: it may be anything.
        """
        self._left -= 1
        if self._left < 0 or (given is None and type_ in outer):
            return None
        outer = (*outer, type_)
        wanted = as_object(type_) if given is not None else None
        first = wanted or min(
            branches(type_), key=lambda branch: isinstance(branch, Object), default=STRING
        )
        if isinstance(first, Enum):
            return next(iter(first.values), "")
        if isinstance(first, Array):
            return [self.value(first.element, outer)]
        if isinstance(first, Object):
            return self._object(first, outer, given or {})
        kind = first.json_type if isinstance(first, Builtin) else ""
        return {"int": 1, "number": 1, "boolean": True, "null": None}.get(kind, _PLACEHOLDER)

    def _object(
        self, type_: Object, outer: tuple[Type, ...], given: dict[str, Any]
    ) -> dict[str, Any]:
        values = {name: value for name, value in given.items() if not isinstance(value, dict)}
        while missing := [  # the value of a tag may add required members
            member
            for member in type_.members_for(values).values()
            if member.name not in values and (member.required or member.name in given)
        ]:
            for member in missing:
                value = self.value(member.type, outer, given.get(member.name))
                placeholder = member.name.upper().replace("-", "_")
                values[member.name] = placeholder if value == _PLACEHOLDER else value
        return values
