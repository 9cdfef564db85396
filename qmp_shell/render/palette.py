"""The colours, defined once: for replies, for the line being typed, and for the toolbar.

They are of the terminal's own sixteen colours, and readable on a light background and on a dark
one: black, white, yellow and plain blue are not among them.
"""

from __future__ import annotations

from .text import JsonMarks

TOKEN_COLOURS = {
    "key": "cyan",
    "string": "green",
    "number": "brightblue",
    "constant": "magenta",
    "error": "red",
    "comment": "brightblack",
}
"""The colour of each kind of token, in replies and in the notation."""

TEXT_COLOURS = {"error": "red", "event": "magenta", "heading": "bold", "note": "dim"}
"""The colour or the weight of each kind of text that is not JSON."""

ESCAPES = {
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "magenta": "\x1b[35m",
    "cyan": "\x1b[36m",
    "brightblue": "\x1b[94m",
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
}
"""The terminal escape of each colour and weight in which replies, events and remarks are."""

RESET = "\x1b[0m"

JSON_MARKS = JsonMarks(
    **{kind: ESCAPES[TOKEN_COLOURS[kind]] for kind in ("key", "string", "number", "constant")},
    end=RESET,
)
"""The colours of JSON."""
