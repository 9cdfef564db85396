"""``.let``: the values that were kept with ``COMMAND | .let NAME``."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..language.references import VARIABLE_NAME
from ..render.text import format_compact, format_pretty
from ..session import Session
from ..static_typing import TYPE_CHECKING
from .base import Command, split_arguments

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Let(Command):
    name = "let"
    usage = "[NAME]"
    summary = "show what COMMAND | .let NAME has kept"
    has_output = True
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        values = dict(session.variables)
        if not words:
            rows = [(f"${name}", session.variables.describe(name)) for name in values]
            if rows:
                session.display.pairs(rows)
            return
        name = words[0].removeprefix("$")
        if len(words) > 1 or re.fullmatch(VARIABLE_NAME, name) is None:
            raise UsageError("COMMAND | .let NAME keeps a reply, and .let NAME shows it")
        if name not in values:
            raise UsageError(f"${name} is not set; COMMAND | .let {name} sets it")
        format_json = format_pretty if session.settings.pretty else format_compact
        session.display.lines(format_json(values[name]).split("\n"))

    def complete(self, argument: str, names: NameSource, _: TypeSource) -> Completions | None:
        from ..complete import Kind
        from .candidates import complete_kind

        return complete_kind(Kind.VARIABLE, argument, names)


COMMAND = Let()
