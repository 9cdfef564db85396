"""All that is known of the VM at the other end: its answers, its types, its manual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..client import Client
from ..protocol import CommandError, Message
from ..schema import Schema
from ..session.hints import hint, marks_of
from .answers import Catalog
from .names import VmNames
from .status import Status
from .types import VmTypes

if TYPE_CHECKING:
    from ..manual import Manual


class Knowledge:
    """One for each connection; for a saved schema, one without.

    :ivar catalog: the VM's answers.
    :ivar types: the types of its arguments; the VM is waited for.
    :ivar known_types: the same as far as they are here; the VM is not waited for.
    :ivar status: what it is at.
    :ivar names: the names that exist in it, as far as they are here.
    """

    def __init__(self, client: Client | None, schema: Schema | None) -> None:
        """:param schema: that of a VM which is not there."""
        self.catalog = Catalog(client, schema)
        self.types = VmTypes(self.catalog, self.catalog.ask)
        self.known_types = VmTypes(self.catalog, self.catalog.peek)
        self.names = VmNames(self.catalog, self.known_types, self._summary, self._type_names)
        self.status = Status(self.catalog)
        self._manual: Manual | None = None
        self._sought_manual = False
        self._marked: set[str] = set()

    @property
    def manual(self) -> Manual | None:
        """QEMU's reference for what is at the other end, if this machine has it."""
        if not self._sought_manual:
            from ..manual import open_manual

            self._sought_manual = True
            found = (open_manual(title) for title in self._titles())
            self._manual = next((manual for manual in found if manual is not None), None)
        return self._manual

    def _summary(self, name: str) -> str:
        return self.manual.summary(name) if self.manual is not None else ""

    def _titles(self) -> Iterator[str]:
        """The manual's pages that may tell of what is at the other end, the likeliest first."""
        if self.catalog.is_agent:
            yield "qemu-ga-ref"
            return
        commands = self.known_types.commands()
        if commands and "query-status" not in commands:  # there is no guest to have a state
            yield "qemu-storage-daemon-qmp-ref"
        yield "qemu-qmp-ref"
        yield "qemu-storage-daemon-qmp-ref"

    def _type_names(self) -> list[str]:
        return self.manual.type_names() if self.manual is not None else []

    def hint(self, error: CommandError) -> str:
        """What the schema knows about an error; empty: nothing, or the VM does not tell at once."""
        while True:
            found = hint(error, self.known_types, self.names)
            if not self.catalog.awaited:
                return found
            self.catalog.settle()

    def schema_at_once(self) -> Schema | None:
        """The schema; None: there is none, or it takes the VM longer than a moment to tell it."""
        if self.known_types.schema is None:
            self.catalog.settle()
        return self.known_types.schema

    def new_marks(self, message: Message) -> list[str]:
        """What a message uses that is deprecated or unstable, each of it once."""
        if not self.catalog.knows_schema:
            return []
        marks = [mark for mark in marks_of(message, self.known_types) if mark not in self._marked]
        self._marked.update(marks)
        return marks
