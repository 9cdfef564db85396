"""What the text of an address stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..record import Record
from ..static_typing import TYPE_CHECKING, Any
from ..transport import parse_address

if TYPE_CHECKING:
    from ..transport.stream import Address
    from .known_addresses import KnownAddress


class Target(Record):
    """A VM that a session can attach to.

    :ivar agent: it is a guest agent.
    :ivar settings: values of :class:`~qmp_shell.session.settings.Settings` that hold while it is
        attached to, unless the user has chosen others.
    """

    def __init__(
        self, address: Address, agent: bool = False, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.address = address
        self.agent = agent
        self.settings = settings or {}


class AddressBook:
    """What knows the VMs that the user can name. This one knows those that run on this host."""

    def resolve(self, text: str) -> Target:
        """The VM that an address, or a name, of the user stands for.

        :raise UsageError: it stands for none.
        """
        return Target(parse_address(text))

    def list(self) -> Iterable[KnownAddress]:
        """The addresses and names that can be completed, and what each is."""
        from .known_addresses import find_addresses

        return find_addresses()
