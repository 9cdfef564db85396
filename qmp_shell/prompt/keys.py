"""The keys that work differently from prompt_toolkit's own."""

from __future__ import annotations

from prompt_toolkit.application import get_app
from prompt_toolkit.document import Document
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    control_is_searchable,
    has_completions,
    is_searching,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.search import SearchDirection, start_search, stop_search


def new_key_bindings() -> KeyBindings:
    """Tab, Up and Escape in the completion menu; Ctrl-R and what aborts its search."""
    keys = KeyBindings()
    _add_menu_keys(keys)
    _add_search_keys(keys)
    return keys


def _add_menu_keys(keys: KeyBindings) -> None:

    @Condition
    def is_completing() -> bool:  # has_completions is not true while they are looked up
        return get_app().current_buffer.complete_state is not None

    @Condition
    def is_only_completion() -> bool:
        state = get_app().current_buffer.complete_state
        return state is not None and len(state.completions) == 1

    @keys.add("tab", filter=completion_is_selected & is_only_completion)
    def _(event: KeyPressEvent) -> None:
        """The only completion is accepted, and Tab completes what can follow it."""
        event.current_buffer.complete_state = None
        event.current_buffer.start_completion(insert_common_part=True)

    @keys.add("up", filter=is_completing & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """With nothing selected in the menu, Up recalls the history."""
        event.current_buffer.cancel_completion()
        event.current_buffer.auto_up(count=event.arg)

    @keys.add("escape", filter=has_completions, eager=True)
    def _(event: KeyPressEvent) -> None:
        """Escape closes the menu, and restores what was typed."""
        event.current_buffer.cancel_completion()


def _add_search_keys(keys: KeyBindings) -> None:
    before_search = Document()

    @keys.add("c-r", filter=control_is_searchable & ~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Search the history, and note what an aborted search is to restore."""
        nonlocal before_search
        before_search = event.current_buffer.document
        start_search(direction=SearchDirection.BACKWARD)

    @keys.add("c-c", filter=is_searching, eager=True)
    @keys.add("c-g", filter=is_searching, eager=True)
    def _(event: KeyPressEvent) -> None:
        """Abort a search; prompt_toolkit alone would leave what was found on the line."""
        stop_search()
        event.app.current_buffer.reset(before_search)
