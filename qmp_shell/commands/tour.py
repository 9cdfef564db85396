"""``.tour``: the guided tour of the demo. Only a session that has one has this command."""

from __future__ import annotations

from ..complete import Candidate, Completions, NameSource, TypeSource
from ..errors import UsageError
from ..session import Session
from .base import Command, split_arguments

_WORDS = (
    Candidate("next", "skip the step"),
    Candidate("off", "end the tour"),
)


class ShowTour(Command):
    name = "tour"
    usage = "[next|off]"
    summary = "show the step of the tour, skip it, or end it"
    is_saved = False

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if words not in ([], ["next"], ["off"]):
            raise self.usage_error()
        tour = session.user.tour if session.user is not None else None
        if tour is None:
            raise UsageError("the tour is for the prompt")
        if tour.is_over:
            session.display.lines(["the tour is over; the next --demo begins it again"])
        elif words == ["next"]:
            tour.go_on()
        elif words == ["off"]:
            tour.end()
        else:
            session.display.lines([tour.title, f"  {tour.line}"])

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions | None:
        return Completions(argument, list(_WORDS)) if " " not in argument else None


COMMAND = ShowTour()
