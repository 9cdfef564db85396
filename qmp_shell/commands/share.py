"""``.share``: serve the VM's monitor to others, too."""

from __future__ import annotations

from ..render.quantities import format_size
from ..session import Session
from ..sharing import MonitorServer, Peer
from ..static_typing import TYPE_CHECKING
from .base import Command, require_vm, split_arguments

if TYPE_CHECKING:
    from ..complete import Completions, NameSource, TypeSource

_OFF = "off"
_READ_ONLY = "readonly"


class Share(Command):
    name = "share"
    usage = "[PATH [readonly]|off]"
    summary = "serve the VM's monitor to others on a socket"
    has_output = True

    def is_saved_with(self, argument: str) -> bool:
        return bool(split_arguments(argument))

    def run(self, session: Session, argument: str) -> None:
        words = split_arguments(argument)
        if not words:
            server = session.sharing.server
            session.display.lines(_format(server) if server is not None else [_OFF])
            return
        path, *options = words
        ends = path == _OFF and argument.startswith(_OFF)  # a path can be in quotes
        if options not in ([], [_READ_ONLY]) or (ends and options):
            raise self.usage_error()
        require_vm(session)
        if session.is_dry_run:
            return
        if ends:
            session.sharing.stop()
            session.display.note("the VM's monitor is not shared")
        else:
            server = session.sharing.start(path, session.attachment, read_only=bool(options))
            session.display.note(f"the VM's monitor is shared on {server.address}")

    def complete(self, argument: str, _names: NameSource, _types: TypeSource) -> Completions:
        from ..complete import Kind
        from .candidates import complete_path, complete_words, last_word

        if len(argument.split()) > len(last_word(argument).split()):  # behind the path
            return complete_words(last_word(argument), (_READ_ONLY,))
        return complete_path(Kind.SOCKET, argument)


def _format(server: MonitorServer) -> list[str]:
    """The state of a server, and a line for each client."""
    peers = server.peers
    states = [_count(len(peers), "client")]
    if server.is_read_only:
        states.insert(0, "read only")
    if server.refused:
        states.append(f"{server.refused} refused")
    if not server.is_serving:
        states.append("there is no VM; .connect goes on")
    return [f"{server.address}: {', '.join(states)}", *map(_format_peer, peers)]


def _format_peer(peer: Peer) -> str:
    unread = f", {format_size(peer.unread_bytes)} unread" if peer.unread_bytes else ""
    program = peer.program or "?"
    return f"  {peer.pid:<8}{program:<16} {_count(peer.commands, 'command')}{unread}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


COMMAND = Share()
