"""The toolbar under the line that is being typed: pure functions of what is known."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_width
from prompt_toolkit.utils import get_cwidth

from ..complete import Signature
from ..render.status_line import format_status
from ..render.text import sanitize_line
from ..vm.status import VmStatus


def signature_toolbar(signature: Signature, columns: int) -> StyleAndTextTuples:
    """The signature of a command, with the argument that the cursor is in underlined."""
    words: StyleAndTextTuples = []
    current = 0
    for part in signature.parts:
        style = "class:toolbar.given" if part.name in signature.given else "class:toolbar.argument"
        if part.name == signature.current:
            style = "class:toolbar.current"
            current = len(words)
        words.append((style, sanitize_line(part.text)))
    name = sanitize_line(signature.name)
    fragments: StyleAndTextTuples = [("class:toolbar.name", name)]
    for word in _fit(words, current, columns - 1 - get_cwidth(name)):
        fragments += [("", " "), word]
    return fragments


def status_toolbar(status: VmStatus, columns: int) -> StyleAndTextTuples:
    """The VM's name, run state, jobs and migration."""
    words: StyleAndTextTuples = [("", part) for part in format_status(status)]
    # Two blanks stand between two parts, of which _fit() counts one.
    fitting = _fit(words, 0, columns - 1 - len(words))
    return [("", "  ".join(text for _, text, *_ in fitting))]


def _fit(words: StyleAndTextTuples, current: int, columns: int) -> StyleAndTextTuples:
    """As many words as there is room for, the current one among them; ``...`` for the others."""
    start, end = current, min(current + 1, len(words))
    ellipsis: StyleAndTextTuples = [("", "...")]

    def fits(*groups: StyleAndTextTuples) -> bool:
        return sum(fragment_list_width(group) + len(group) for group in groups) <= columns

    while True:
        left_out = ellipsis * ((start > 0) + (end < len(words)))
        if end < len(words) and fits(words[start : end + 1], left_out):
            end += 1
        elif start > 0 and fits(words[start - 1 : end], left_out):
            start -= 1
        else:
            break
    return [*ellipsis * (start > 0), *words[start:end], *ellipsis * (end < len(words))]
