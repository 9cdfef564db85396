"""What is known of the line that is being typed: worked out when it changes, not when it is drawn.

To work it out may ask the VM for types. Drawing then only reads what is stored here.
"""

from __future__ import annotations

from prompt_toolkit.document import Document

from ..complete import (
    Draft,
    Signature,
    find_literal_signature,
    find_signature,
    find_unknown_names,
)
from ..session import Session


class Assistant:
    """Holds the draft that is being typed, and what is known of it.

    :ivar draft: the text, the cursor and the mode, read once.
    :ivar signature: of the command that is being typed; None: its type is unknown.
    :ivar unknown_names: where names stand in the draft's line that the VM does not know: start
        and end.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._key: tuple[str, int, bool, bool] | None = None
        self.draft = Draft("")
        self.signature: Signature | None = None
        self.unknown_names: list[tuple[int, int]] = []

    def read(self, document: Document) -> None:
        """Read what is being edited now, if it has changed."""
        if not self.has_read(document):
            self.draft = self._new_draft(document)
            self._key = self._key_of(document)
            self.update()

    def has_read(self, document: Document) -> bool:
        """Whether the draft is that of a document, in the session's present mode."""
        return self._key_of(document) == self._key

    def draft_of(self, document: Document) -> Draft:
        """The draft of a document, which may be older than what is being edited now."""
        if self.has_read(document):
            return self.draft
        return self._new_draft(document)

    def _key_of(self, document: Document) -> tuple[str, int, bool, bool]:
        human = self._session.is_human
        in_transaction = self._session.parser.in_transaction
        return document.text, document.cursor_position, human, in_transaction

    def _new_draft(self, document: Document) -> Draft:
        text, cursor, human, in_transaction = self._key_of(document)
        return Draft(text, cursor, human=human, in_transaction=in_transaction)

    def update(self) -> None:
        """Look up again what is known of the draft, after the VM has sent something."""
        command = self.draft.command
        self.signature, self.unknown_names = None, []
        if self.draft.is_own_word:
            return
        types = self._session.attachment.known_types
        self.signature = find_literal_signature(self.draft, types)
        if command is None:
            return
        if self.signature is None:
            self.signature = find_signature(command, types)
        self.unknown_names = list(find_unknown_names(command, types))
