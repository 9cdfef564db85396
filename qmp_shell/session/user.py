"""The person at a terminal, as a session knows them. A script has none."""

from __future__ import annotations

from collections.abc import Sequence

from ..static_typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..launch.tour import Tour


class User(Protocol):
    """A person who types lines and can be asked."""

    @property
    def tour(self) -> Tour | None:
        """The tour that they are on; None: there is none of this VM."""

    def confirm(self, question: str) -> bool:
        """Ask a question; returns whether the answer is yes."""

    def history(self, *, human: bool) -> Sequence[str]:
        """What was typed, the oldest first.

        :param human: in human monitor mode; else in QMP mode.
        """

    def edit(self, text: str) -> None:
        """Have them edit a text, which is then to be sent or changed further.

        :raise UsageError: that is not possible here.
        """
