"""The colours, defined once: for replies, for the line being typed, and for the toolbar.

They are the terminal's own sixteen colours, which its user chose to be readable.
"""

from __future__ import annotations

TOKEN_COLOURS = {
    "key": "cyan",
    "string": "green",
    "number": "yellow",
    "constant": "magenta",
    "error": "red",
    "comment": "brightblack",
}
"""The colour of each kind of token, in replies and in the notation."""

TEXT_COLOURS = {"error": "red", "event": "yellow", "heading": "bold", "note": "dim"}
"""The colour or the weight of each kind of text that is not JSON."""

ESCAPES = {"red": "\x1b[31m", "yellow": "\x1b[33m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
"""The terminal escape of each colour in :data:`TEXT_COLOURS`."""

RESET = "\x1b[0m"
