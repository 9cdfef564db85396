"""Call functions that are slow, or ask the VM, only after the prompt has been drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.application import get_app


def call_when_drawn(callback: Callable[[], object]) -> None:
    """Have the prompt drawn again, and call a function once after that.

    If the line was entered already, the prompt is not drawn again, and the function is called at
    once.
    """
    app = get_app()
    if app.is_done:
        callback()
        return
    loop = asyncio.get_running_loop()
    is_drawn = False

    def on_drawn(_: object) -> None:
        nonlocal is_drawn
        if not is_drawn and not loop.is_closed():
            is_drawn = True
            # Not amid the drawing, which a fault would end, and other handlers are called.
            loop.call_soon(call)

    def call() -> None:
        app.after_render -= on_drawn
        callback()

    app.after_render += on_drawn
    app.invalidate()
