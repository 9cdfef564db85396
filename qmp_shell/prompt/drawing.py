"""Calls that wait until the prompt has been drawn, because they take long or ask the VM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.application import get_app


def call_when_drawn(callback: Callable[[], object]) -> None:
    """Call a function once, after the prompt that runs now is next drawn, which is soon.

    If its line has ended, it is not drawn any more, and the function is called at once.
    """
    app = get_app()
    if app.is_done:
        callback()
        return
    loop = asyncio.get_running_loop()
    is_drawn = False

    def note(_: object) -> None:
        nonlocal is_drawn
        if not is_drawn and not loop.is_closed():
            is_drawn = True
            # Not amid the drawing, which a fault would end, and other handlers are called.
            loop.call_soon(call)

    def call() -> None:
        app.after_render -= note
        callback()

    app.after_render += note
    app.invalidate()
