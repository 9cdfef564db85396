"""Commands of a :class:`Conversation` that are sent as soon as they are prepared."""

from __future__ import annotations

from qmp_shell.messages import Message, Outgoing
from qmp_shell.protocol import Conversation


def send(conversation: Conversation, message: Message, *, quiet: bool = False) -> Outgoing:
    """Send a message."""
    return _expect(conversation, conversation.prepare(message, quiet=quiet))


def send_handshake(conversation: Conversation, token: int = 0) -> Outgoing:
    """Send the command that ends the handshake."""
    return _expect(conversation, conversation.prepare_handshake(token))


def _expect(conversation: Conversation, outgoing: Outgoing) -> Outgoing:
    conversation.expect(outgoing.request)
    return outgoing
