"""The colours, defined once: for replies, for the line being typed, and for the toolbar.

They are of the terminal's own sixteen colours, and readable on a light background and on a dark
one: black, white, yellow and plain blue are not among them.
"""

from __future__ import annotations

TOKEN_COLOURS = {
    "key": "cyan",
    "string": "green",
    "number": "brightblue",
    "constant": "magenta",
    "error": "red",
    "comment": "brightblack",
}
"""The colour of each kind of token, in replies and in the notation."""

TEXT_COLOURS = {
    "error": "red",
    "event": "magenta",
    "heading": "bold",
    "hint": "cyan",
    "note": "dim",
}
"""The colour or the weight of each kind of text that is not JSON."""

ESCAPES = {
    "red": "\x1b[31m",
    "magenta": "\x1b[35m",
    "cyan": "\x1b[36m",
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
}
"""The terminal escape of each colour in :data:`TEXT_COLOURS`."""

RESET = "\x1b[0m"
