"""Putting completions into the line, but for the one that is selected in the menu."""

from __future__ import annotations

from collections.abc import Sequence

from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import AnyFormattedText

from .matching import fold

# More can be completed behind these.
_OPEN_ENDS = ("=", ".", "/", '": ', "': ")


class NameCompletion(Completion):
    """A completion that knows which name it writes.

    :ivar name: without quotes and escapes.
    :ivar typed: what of it is typed already.
    """

    def __init__(
        self,
        text: str,
        start_position: int,
        name: str,
        typed: str,
        *,
        display: AnyFormattedText = None,
        description: str = "",
    ) -> None:
        super().__init__(text, start_position, display=display, display_meta=description or None)
        self.name = name
        self.typed = typed


def ends_open(document: Document) -> bool:
    """Whether more can be completed right behind what was completed."""
    return document.text_before_cursor.endswith(_OPEN_ENDS)


def insert_common(buffer: Buffer, completions: Sequence[NameCompletion]) -> bool:
    """Insert what is certain.

    :return: whether more can be completed then.
    """
    common = find_common(buffer.document, completions)
    if common is None:
        return bool(completions)
    buffer.delete_before_cursor(-common.start_position)
    buffer.insert_text(common.text, fire_event=False)
    return len(completions) > 1 or ends_open(buffer.document)


def show_menu(buffer: Buffer, completions: Sequence[NameCompletion]) -> None:
    """Show a menu at once, with nothing selected in it; none, if it would add nothing.

    (``Buffer.start_completion()`` shows it some time later, or not at all if one that was asked for
    before is still waiting for the VM.)
    """
    texts = {each.text for each in completions}
    is_needed = not all(buffer.document.text_before_cursor.endswith(text) for text in texts)
    buffer.complete_state = (
        CompletionState(buffer.document, list(completions)) if is_needed else None
    )
    buffer.on_completions_changed.fire()


def find_common(document: Document, completions: Sequence[NameCompletion]) -> NameCompletion | None:
    """What the only completion is, or what all names that continue the typed one begin with.

    :return: None: that is no more than what is typed, or one of the names is written with quotes or
        escapes, so that not all texts begin as the names do.
    """
    if len(completions) == 1:
        only = completions[0]
        is_typed = document.text_before_cursor.endswith(only.text)
        return None if is_typed and len(only.text) == -only.start_position else only
    continuing = [each for each in completions if fold(each.name).startswith(fold(each.typed))]
    if len(continuing) == 1:
        return continuing[0] if continuing[0].name != continuing[0].typed else None
    if not continuing or any(each.text != each.name for each in continuing):
        return None
    first = continuing[0]
    common = _common_beginning([each.name for each in continuing])
    if len(common) <= len(first.typed):
        return None
    return NameCompletion(common, first.start_position, common, first.typed)


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts, default=""), max(texts, default="")
    ends = (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(ends, len(first))]
