"""The keys that work differently from prompt_toolkit's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    control_is_searchable,
    emacs_mode,
    has_completions,
    is_searching,
    shift_selection_mode,
    vi_navigation_mode,
    vi_selection_mode,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys
from prompt_toolkit.search import SearchDirection, accept_search, start_search, stop_search

from .completer import SessionCompleter
from .interlude import Interlude


def new_key_bindings(
    completer: SessionCompleter, ask_for: Callable[[Interlude], None]
) -> KeyBindings:
    """The keys of a prompt.

    :param ask_for: has something done before the line is edited on.
    """
    keys = KeyBindings()
    _add_line_keys(keys)
    keys.add("f4", filter=~is_searching)(lambda _: ask_for(Interlude.NEXT_VIEW))
    keys.add("c-x", "c-e", filter=emacs_mode & ~is_searching)(lambda _: ask_for(Interlude.EDITOR))
    keys.add("v", filter=vi_navigation_mode & ~is_searching)(lambda _: ask_for(Interlude.EDITOR))
    _add_menu_keys(keys, completer)
    _add_search_keys(keys)
    return keys


def _add_line_keys(keys: KeyBindings) -> None:

    @keys.add("up", filter=~is_searching & ~shift_selection_mode)
    def _(event: KeyPressEvent) -> None:
        """Up, or down if Alt-minus was pressed before; prompt_toolkit alone takes no such count."""
        _go_up(event.current_buffer, event.arg)

    @keys.add("down", filter=~is_searching & ~shift_selection_mode)
    def _(event: KeyPressEvent) -> None:
        _go_up(event.current_buffer, -event.arg)


def _go_up(buffer: Buffer, count: int) -> None:
    if count > 0:
        buffer.auto_up(count)
    elif count < 0:
        buffer.auto_down(-count)


def _add_menu_keys(keys: KeyBindings, completer: SessionCompleter) -> None:

    @Condition
    def is_completing() -> bool:  # has_completions is not true while they are looked up
        return get_app().current_buffer.complete_state is not None

    @keys.add("tab", filter=~is_searching)
    def _(event: KeyPressEvent) -> None:
        """Insert what is certain; the next Tab goes into the menu, as in fish.

        So what is typed after Tab is never added to a completion that was merely the first.
        """
        buffer = event.current_buffer
        state = buffer.complete_state
        count = len(state.completions) if state is not None else 0
        is_selected = state is not None and state.complete_index is not None
        if event.is_repeat and count == 1 and not is_selected:
            buffer.complete_next()
            buffer.complete_state = None  # nothing is left to be chosen
        elif (event.is_repeat and count) or (is_selected and count > 1):
            buffer.complete_next()
        else:
            buffer.complete_state = None  # the only completion is accepted; more may follow it
            completer.insert_common(buffer)

    @keys.add("enter", filter=completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """Enter takes what is selected in the menu; it does not send the line."""
        completer.accept_selected(event.current_buffer)

    @keys.add("up", filter=is_completing & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """With nothing selected in the menu, Up recalls the history."""
        event.current_buffer.cancel_completion()
        _go_up(event.current_buffer, event.arg)

    @keys.add("escape", filter=has_completions, eager=True)
    def _(event: KeyPressEvent) -> None:
        """Escape closes the menu, and restores what was typed.

        In vi's mode it ends insertion, too.
        """
        buffer = event.current_buffer
        buffer.cancel_completion()
        if buffer.auto_suggest is not None:
            buffer.suggestion = buffer.auto_suggest.get_suggestion(buffer, buffer.document)
        if event.app.editing_mode == EditingMode.VI:
            event.app.vi_state.input_mode = InputMode.NAVIGATION


def _add_search_keys(keys: KeyBindings) -> None:
    before_search = Document()

    def start(direction: SearchDirection, event: KeyPressEvent) -> None:
        """Search the history, and note what an aborted search is to restore."""
        nonlocal before_search
        before_search = event.current_buffer.document
        start_search(direction=direction)

    may_start = control_is_searchable & ~is_searching
    in_vi = may_start & (vi_navigation_mode | vi_selection_mode)
    for backward, forward, where in (("c-r", "c-s", may_start), ("/", "?", in_vi)):
        keys.add(backward, filter=where)(partial(start, SearchDirection.BACKWARD))
        keys.add(forward, filter=where)(partial(start, SearchDirection.FORWARD))

    @keys.add("enter", filter=is_searching)
    def _(event: KeyPressEvent) -> None:
        """Take what was found, and do with it what Enter does.

        If nothing was found, or nothing was searched for, the line is as it was, and is not sent.
        """
        searched = event.current_buffer.text
        if not searched:
            stop_search()
            return
        accept_search()
        buffer = event.current_buffer
        if searched in buffer.text:
            buffer.cursor_position = len(buffer.text)  # where a line that is not complete goes on
            event.key_processor.feed(KeyPress(Keys.Enter, "\r"), first=True)

    @keys.add("c-c", filter=is_searching, eager=True)
    @keys.add("c-g", filter=is_searching, eager=True)
    def _(event: KeyPressEvent) -> None:
        """Abort a search; prompt_toolkit alone would leave what was found on the line."""
        stop_search()
        event.app.current_buffer.reset(before_search)
        event.app.current_buffer.on_text_changed.fire()  # a reset does not tell of it
