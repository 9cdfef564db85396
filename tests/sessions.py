"""Sessions without a front end, and argument types from a saved schema."""

from __future__ import annotations

import qmp_shell
from qmp_shell.client import Client, Tracer
from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Candidate, Draft
from qmp_shell.errors import QMPError
from qmp_shell.language import LineJoiner
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.views import Look
from qmp_shell.schema import Schema
from qmp_shell.script import ScriptDisplay
from qmp_shell.session import Connector, Session, Settings, Target
from qmp_shell.session.user import User
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.types import VmTypes


def stop_at_error(_error: QMPError, _place: str) -> bool:
    """Report nothing, and have a script end at its first error."""
    return False


def offline_session(schema: Schema) -> Session:
    """Return a session without a VM, which checks lines with a schema."""

    def connector(_: Target | None, _tracer: Tracer) -> tuple[Client, Target | None]:
        raise qmp_shell.ConnectError("there is no VM")

    return _new_session(connector, schema)


def attach(address: str, *, user: User | None = None) -> Session:
    """Return a session that is connected to a VM, and prints what a script prints but events.

    :param user: is asked before something is lost; None: nobody is.
    """

    def connector(_: Target | None, tracer: Tracer) -> tuple[Client, Target | None]:
        return qmp_shell.connect(address, wait=20, timeout=20, tracer=tracer), None

    session = _new_session(connector, None, user)
    session.attach()
    return session


def _new_session(connector: Connector, schema: Schema | None, user: User | None = None) -> Session:
    settings = Settings()
    settings.events, settings.pretty = False, False
    display = ScriptDisplay(settings, Formatter(Look(colour=False, ascii_only=True)))
    return Session(
        display, settings, connector, Registry(), stop_at_error, user=user, schema=schema
    )


def run_line(session: Session, text: str) -> None:
    """Run one line, which must be a complete statement."""
    line = session.join_line(LineJoiner(), text)
    assert line is not None
    session.run(line)


def offered_names(session: Session, text: str, *, human: bool = False) -> dict[str, str]:
    """Return the candidates for completion, with descriptions, once the VM has replied."""
    attachment = session.attachment
    while True:
        draft = Draft(text, human=human)
        completions = complete_draft(
            draft, session.commands, attachment.names, attachment.known_types
        )
        if not attachment.answers.has_open_questions:
            found: list[Candidate] = completions.candidates if completions is not None else []
            return {candidate.text: candidate.description for candidate in found}
        attachment.answers.settle()


def offline_types(schema: Schema) -> VmTypes:
    """Return the types that a schema alone defines."""
    return VmTypes(Answers(None, schema).immediate)
