"""Print completions in the form that the shells' completion scripts read.

Each line is a candidate for the word that is being typed, a tab, and a description. A line that
begins with a tab tells the shell to complete something itself::

    <tab>files<tab>PREFIX             names of files, behind a part of the word
    <tab>sockets<tab>PREFIX           the same for sockets
    <tab>command<tab>INDEX<tab>START  the command line that begins at a word, and at a character
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from ..errors import QMPError
from ..output import STANDARD_OUTPUT, Output
from ..render.text import sanitize_line
from .offers import Offer
from .places import complete
from .shell_words import ShellWord, split_line

# What is inserted may be text of a VM, of its guest, or of another process. All three shells put
# these characters in quotes where they mean something, but for a "~" or a "=" at the beginning of a
# word or a value. What else a name may hold is not trusted to that.
_PLAIN = re.compile(r"[\w/.,:@%+=#~^ \[\]-]*")
_EXPANDED = re.compile(r"(?:\A|[=:])~|\A=")


def print_completions(arguments: Sequence[str], program: str) -> None:
    """Print what can stand at the end of a command line.

    :param arguments: the line; and in bash, the part of its last word that is to be replaced, for
        bash splits words at more than blanks, and selects nothing by what is typed.
    :param program: the name of the program that is completed.
    """
    line, *replaced = arguments or ("",)
    words = _own_words(split_line(line), program)
    *before, last = words
    typed, kept = "", 0
    if replaced:
        end = len(line) - len(replaced[0])
        typed, kept = last.text, sum(place < end for place in last.places)
    output = Output(STANDARD_OUTPUT)
    with suppress(QMPError):  # the line is wrong so far, and the shell has no place to say it
        for answer in complete([word.value for word in before], last.text, program):
            if isinstance(answer, Offer):
                if answer.word.startswith(typed) and is_insertable(answer):
                    output.write_line(sanitize_line(f"{answer.word[kept:]}\t{answer.description}"))
            elif answer.what == "command":
                start = words[answer.at].start
                output.write_line(sanitize_line(f"\tcommand\t{answer.at + 1}\t{start}"))
            else:
                output.write_line(sanitize_line(f"\t{answer.what}\t{answer.prefix[kept:]}"))


def _own_words(words: list[ShellWord], program: str) -> list[ShellWord]:
    """The words behind the program's name, before which others may stand, as ``time``."""
    names = [word.text.rpartition("/")[2].removesuffix(".pyz") for word in words[:-1]]
    return words[names.index(program) + 1 if program in names else bool(names) :]


def is_insertable(offer: Offer) -> bool:
    """Whether each shell inserts a word so that it is read as exactly that word."""
    inserted = offer.word[offer.start :]
    return (
        inserted.isprintable()
        and _PLAIN.fullmatch(inserted) is not None
        and _EXPANDED.search(offer.word, max(offer.start - 1, 0)) is None
    )
