"""Highlighting, by pygments: of JSON, and of the notation while it is typed."""

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

from ..output import SafeText
from .palette import TOKEN_COLOURS

# Highlighting takes half a second a megabyte; longer texts are left plain.
_LONGEST = 1 << 20

_TOKENS: dict[str, _TokenType] = {
    "key": Name.Tag,
    "string": String,
    "number": Number,
    "constant": Keyword,
    "error": Error,
}
# A pair of colours, for a light and for a dark background.
_SCHEME: dict[_TokenType, tuple[str, str]] = {Token: ("", "")} | {
    token: (TOKEN_COLOURS[name], TOKEN_COLOURS[name]) for name, token in _TOKENS.items()
}


def highlight_json(text: SafeText) -> SafeText:
    """JSON with terminal escapes around its tokens."""
    if len(text) > _LONGEST:
        return text
    formatter = TerminalFormatter(colorscheme=_SCHEME)
    coloured = highlight(text, JsonLexer(ensurenl=False, stripnl=False), formatter)
    return SafeText(coloured.removesuffix("\n"))


# Where a value begins. A colon within a bare word is a part of the word.
_BEFORE = r"(?:(?<=[=\s\[,(])|(?<=[\"']:))"


class NotationLexer(RegexLexer):
    """The shell's notation. It highlights what is being typed, whether that is valid or not."""

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
            # They need not be closed; a pattern that could fail at the end would backtrack.
            (r'"(\\.|[^"\\\n])*"?', String),
            (r"'(\\.|[^'\\\n])*'?", String),
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
