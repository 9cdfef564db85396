"""Sessions without a front end, and argument types from a saved schema."""

from __future__ import annotations

import qmp_shell
from qmp_shell.client import Client, Tracer
from qmp_shell.commands import Registry
from qmp_shell.errors import QMPError
from qmp_shell.language import LineJoiner
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.views import Look
from qmp_shell.schema import Schema
from qmp_shell.script import ScriptDisplay
from qmp_shell.session import Connector, Session, Settings
from qmp_shell.transport.stream import Address
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.types import VmTypes


def stop_at_error(_error: QMPError, _place: str) -> bool:
    """Report nothing, and have a script end at its first error."""
    return False


def offline_session(schema: Schema) -> Session:
    """Return a session without a VM, which checks lines with a schema."""

    def connector(_: Address | None, _tracer: Tracer) -> tuple[Client, Address | None]:
        raise qmp_shell.ConnectError("there is no VM")

    return _new_session(connector, schema)


def attach(address: str) -> Session:
    """Return a session that is connected to a VM, and prints what a script prints but events."""

    def connector(_: Address | None, tracer: Tracer) -> tuple[Client, Address | None]:
        return qmp_shell.connect(address, wait=20, timeout=20, tracer=tracer), None

    session = _new_session(connector, None)
    session.attach()
    return session


def _new_session(connector: Connector, schema: Schema | None) -> Session:
    settings = Settings()
    settings.events, settings.pretty = False, False
    display = ScriptDisplay(settings, Formatter(Look(colour=False, ascii_only=True)))
    return Session(display, settings, connector, Registry(), stop_at_error, schema=schema)


def run_line(session: Session, text: str) -> None:
    """Run one line, which must be a complete statement."""
    line = session.join_line(LineJoiner(), text)
    assert line is not None
    session.run(line)


def offline_types(schema: Schema) -> VmTypes:
    """Return the types that a schema alone defines."""
    return VmTypes(Answers(None, schema).immediate)
