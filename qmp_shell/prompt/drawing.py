"""What is done once the screen shows what was typed, since it may take long or ask the VM."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import get_app


def call_when_drawn(callback: Callable[[], object]) -> None:
    """Call a function once, when the prompt that runs now is next drawn, which is soon."""
    app = get_app()

    def call(_: object) -> None:
        app.after_render -= call
        callback()

    app.after_render += call
    app.invalidate()
