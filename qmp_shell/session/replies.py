"""Showing replies, each in the view that was asked for, and the last one in others."""

from __future__ import annotations

from collections.abc import Callable

from ..language import ViewRequest
from ..messages import Reply
from ..render.views import Subject, fitting_view, format_for_program, next_view
from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..schema import Type
    from .display import Display
    from .settings import Settings


class ReplyPresenter:
    """Shows replies on a display.

    :ivar last: the last reply, if it is kept.
    """

    def __init__(
        self,
        display: Display,
        settings: Settings,
        find_type: Callable[[str], Type | None],
        *,
        keep: bool,
    ) -> None:
        """
        :param find_type: looks up what a command returns.
        :param keep: whether the last reply may be shown again.
        """
        self.last: Reply | None = None
        self._display = display
        self._settings = settings
        self._find_type = find_type
        self._keep = keep
        self._shown_as = settings.view

    def show(self, reply: Reply, view: ViewRequest | None = None) -> None:
        """Show a reply.

        :param view: None: as the settings say.
        """
        view = view or ViewRequest(self._settings.view)
        shown_as = fitting_view(view.name, reply.message)
        if shown_as != view.name:
            self._display.warning(
                f"this reply is too long for .{view.name}, so it is shown as JSON"
            )
        self.last = reply if self._keep else None
        self._shown_as = shown_as
        self._display.reply(self._subject(reply, view.columns), shown_as)

    def show_in_next_view(self) -> None:
        """Show the last reply once more, in another view; the VM is not asked again."""
        if self.last is None:
            self._display.note("there is no reply yet that could be shown in another view")
        else:
            self.show(self.last, ViewRequest(next_view(self._shown_as)))

    def format(self, reply: Reply, view: ViewRequest | None) -> str:
        """A reply as a program or a file gets it.

        :param view: None: JSON on one line.
        """
        self.last = reply if self._keep else None
        view = view or ViewRequest("compact")
        return format_for_program(self._subject(reply, view.columns), view.name)

    def _subject(self, reply: Reply, columns: tuple[str, ...]) -> Subject:
        return Subject(reply.message, columns, lambda: self._find_type(reply.name), reply)
