"""What is done between two moments in which one line is edited."""

from __future__ import annotations

from enum import Enum, auto


class Interlude(Enum):
    """What a key asks for while a line is edited, and is done before it is edited on."""

    NEXT_VIEW = auto()  # show the last reply in another view
    EDITOR = auto()  # have the line edited in the user's own editor
    REATTACHMENT = auto()  # attach to the VM that was lost, and answers again
