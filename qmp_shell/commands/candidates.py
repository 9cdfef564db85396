"""What can stand at the end of a dot command that is being typed; scripts do not need it."""

from __future__ import annotations

from ..complete import Candidate, Completions, NameRequest, NameSource, Syntax


def last_word(argument: str) -> str:
    """The word that is being typed at the end of an argument; empty between two words."""
    return argument.rsplit(None, 1)[-1] if argument and not argument[-1].isspace() else ""


def complete_path(kind: str, argument: str) -> Completions:
    """Completes the one path that an argument is.

    :param kind: :attr:`Kind.FILE` or :attr:`Kind.SOCKET`.
    """
    quote = argument[:1] if argument[:1] in ('"', "'") else ""
    return Completions(argument[len(quote) :], [], quote, files=kind, syntax=Syntax.PATH)


def complete_kind(kind: str, argument: str, names: NameSource) -> Completions:
    """Completes the last word of an argument with the names of a kind."""
    typed = last_word(argument)
    return Completions(typed, list(names.candidates(NameRequest(kind, typed))))


def complete_words(typed: str, words: tuple[str, ...]) -> Completions:
    """Completes a word with words that are known without a VM."""
    return Completions(typed, [Candidate(word) for word in words])
