"""The look of the prompt: the palette's colours, as prompt_toolkit wants them."""

from __future__ import annotations

from prompt_toolkit.styles import Style

from ..render.palette import TOKEN_COLOURS

# The classes of the tokens that pygments finds in the notation.
_TOKEN_CLASSES = {
    "pygments.name.tag": "key",
    "pygments.literal.string": "string",
    "pygments.literal.number": "number",
    "pygments.keyword.constant": "constant",
    "pygments.comment": "comment",
}


def new_style() -> Style:
    """The style of the line that is being typed, of the menu and of the toolbar."""
    tokens = {name: f"ansi{TOKEN_COLOURS[token]}" for name, token in _TOKEN_CLASSES.items()}
    return Style.from_dict(
        {
            **tokens,
            "pygments.name.function": "bold",
            "prompt": "bold",
            "unknown": f"ansi{TOKEN_COLOURS['error']} underline",
            "bottom-toolbar": f"noreverse ansi{TOKEN_COLOURS['comment']}",
            "tour.title": "ansidefault",
            "tour.line": "ansidefault bold",
            "toolbar.name": "bold",
            "toolbar.given": f"ansi{TOKEN_COLOURS['comment']}",
            "toolbar.argument": "ansidefault",
            "toolbar.current": "ansidefault bold underline",
        }
    )
