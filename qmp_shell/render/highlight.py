"""Highlighting of the notation while it is typed, by pygments."""

from __future__ import annotations

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Text

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
