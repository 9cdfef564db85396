"""``.each``: run a command once for each of some values."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..language import ParseError
from ..language.references import EACH, Reference, parse_bare_word
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, parse_command

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_VALUES = re.compile(r"\S+")


class Each(Command):
    name = "each"
    usage = "$VALUES COMMAND ..."
    summary = "run a command for each value, as $it"

    def run(self, session: Session, argument: str) -> None:
        match = _VALUES.match(argument)
        reference = parse_bare_word(match[0], 0) if match is not None else None
        if match is None or not isinstance(reference, Reference):
            raise UsageError("write .each $NAME.PATH COMMAND key=$it ..., with * for all of a list")
        statement = parse_command(argument, match.end())
        if statement is None:
            raise UsageError("a command is missing; $it in it is the value")
        if statement.destination.variable is not None:
            raise UsageError(".each has many return values; | .let keeps one")
        messages = []
        for value in _find_values(session, reference):  # a dry run has one, which is unknown
            with session.variables.item(value):
                messages.append(session.executor.resolve(statement.message))
        session.executor.confirm(messages)
        destination = statement.destination
        if not messages:
            session.outputs.clear(destination)
        for message in messages:
            session.executor.execute(message, statement.files, destination, is_confirmed=True)
            if destination.file is not None:  # the next one does not replace what this one wrote
                destination = destination.replaced(file=destination.file.replaced(appends=True))

    def complete(self, argument: str, names: NameSource, types: TypeSource) -> Completions | None:
        from ..complete import Completions, Draft, Kind, NameRequest, Syntax, complete

        match = _VALUES.match(argument)
        if match is not None and match.end() < len(argument):
            return complete(Draft(argument[match.end() :]), names, types)
        references = names.candidates(NameRequest(Kind.REFERENCE, argument))
        return Completions(argument, list(references), syntax=Syntax.REFERENCE)


def _find_values(session: Session, reference: Reference) -> list[object]:
    """
    :raise ParseError: there are none, or it is one value and no list.
    """
    found = session.variables.find_each(reference)
    if EACH in reference.path or session.is_dry_run:
        return found
    if not isinstance(found[0], list):
        text = "{} is no list; a * in its path stands for all of one"
        raise ParseError(text, reference.offset, quoted=str(reference))
    return found[0]


COMMAND = Each()
