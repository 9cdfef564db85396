"""Colours, by pygments: replies in JSON, and the notation while it is typed."""

from __future__ import annotations

from pygments import highlight
from pygments.formatters import TerminalFormatter
from pygments.lexer import RegexLexer, bygroups
from pygments.lexers.data import JsonLexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Punctuation,
    String,
    Text,
    Token,
    _TokenType,
)

# Colouring takes half a second a megabyte; who reads more than that reads it elsewhere.
_LONGEST = 1 << 20

# The terminal's own sixteen colours, which its user chose to be readable.
_SCHEME: dict[_TokenType, tuple[str, str]] = {
    Token: ("", ""),
    Name.Tag: ("cyan", "cyan"),
    String: ("green", "green"),
    Number: ("yellow", "yellow"),
    Keyword: ("magenta", "magenta"),
    Error: ("red", "red"),
}
_ESCAPES = {"red": "\x1b[31m", "yellow": "\x1b[33m", "bold": "\x1b[1m", "dim": "\x1b[2m"}


def colour_json(text: str) -> str:
    """JSON with terminal escapes."""
    if len(text) > _LONGEST:
        return text
    formatter = TerminalFormatter(colorscheme=_SCHEME)
    return highlight(text, JsonLexer(ensurenl=False, stripnl=False), formatter).removesuffix("\n")


def colour(text: str, how: str) -> str:
    """Each line of a text in one colour: red, yellow, bold or dim."""
    return "\n".join(f"{_ESCAPES[how]}{line}\x1b[0m" if line else "" for line in text.split("\n"))


# Where a value begins; a : within a bare word is a part of it.
_BEFORE = r"(?:(?<=[=\s\[,(])|(?<=[\"']:))"
_AFTER = r"\b(?![^\s,}\]])"


class NotationLexer(RegexLexer):
    """This shell's notation, lenient: it colours what is being typed, right or wrong."""

    name = "qmp-shell"
    tokens = {  # noqa: RUF012 (pygments wants a class attribute)
        "root": [
            (r"\s*#.*\n", Comment),
            (r"\s*\.\w*", Name.Function, "dot"),
            (r"\s*(?=[{\[])", Text, "arguments"),
            (r"(\s*transaction\s*)(\()", bygroups(Name.Function, Punctuation)),
            (r"\s*\)", Punctuation),
            (r"\s*[^\s=]+", Name.Function, "arguments"),
            (r"\s+", Text),
        ],
        "dot": [(r"\n", Text, "#pop"), (r"[^\n]+", Text)],
        "arguments": [
            (r"([^\s=\"'{}\[\],:]+)(=)", bygroups(Name.Tag, Punctuation)),
            (r'"(\\.|[^"\\\n])*("|$)', String),
            (r"'(\\.|[^'\\\n])*('|$)", String),
            (
                rf"{_BEFORE}(true|false|null|True|False|None|on|off)\b(?![^\s,}}\]])",
                Keyword.Constant,
            ),
            (rf"{_BEFORE}[+-]?\d+(\.\d+)?\b(?![^\s,}}\]])", Number),
            (r"[{}\[\],:]", Punctuation),
            (r"\s#.*", Comment),
            (r"\s+", Text),
            (r"[^\s{}\[\],:\"']+", Text),
            (r".", Text),
        ],
    }
