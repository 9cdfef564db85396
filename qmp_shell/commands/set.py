"""``.set``: the session's settings."""

from __future__ import annotations

from ..session import Session
from ..session.settings import OPTIONS
from ..static_typing import TYPE_CHECKING
from .base import Command, split_arguments

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource


class Set(Command):
    name = "set"
    usage = "[OPTION [VALUE]]"
    summary = "show the settings, or change one"
    has_output = True

    def is_saved_with(self, argument: str) -> bool:
        words = split_arguments(argument)
        return len(words) > 1 or "=" in "".join(words)

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if len(words) == 1:
            words = words[0].split("=", 1)  # as everywhere else
        settings = session.settings
        if len(words) > 2:
            raise self.usage_error()
        if len(words) == 2:
            settings.change(*words)
            session.display.note(f"the setting {words[0]} is {settings.format(words[0])} now")
        elif words:
            session.display.lines([settings.format(words[0])])
        else:
            session.display.pairs(
                (f"{name:<9} {settings.format(name)}", option.summary)
                for name, option in OPTIONS.items()
            )

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions | None:
        from ..complete import Candidate, Completions
        from .candidates import complete_words, last_word

        name, *values = argument.split() or [""]
        if argument == name:
            options = [Candidate(each.name, each.summary) for each in OPTIONS.values()]
            return Completions(name, options)
        typed = last_word(argument)
        if name not in OPTIONS or values not in ([], [typed]):
            return None
        return complete_words(typed, OPTIONS[name].candidates)


COMMAND = Set()
