"""What is done once the screen shows what was typed, since it may take long or ask the VM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.application import get_app


def call_when_drawn(callback: Callable[[], object]) -> None:
    """Call a function once, after the prompt that runs now is next drawn, which is soon."""
    app = get_app()
    loop = asyncio.get_running_loop()

    def call(_: object) -> None:
        app.after_render -= call
        loop.call_soon(callback)  # not amid the drawing, which a fault of it would end

    app.after_render += call
    app.invalidate()
