"""Completion of the arguments of dot commands; scripts do not import it."""

from __future__ import annotations

from ..complete import Candidate, Completions, NameRequest, NameSource, Syntax


def last_word(argument: str) -> str:
    """The last word of an argument; empty if the argument ends with a blank."""
    return argument.rsplit(None, 1)[-1] if argument and not argument[-1].isspace() else ""


def complete_path(kind: str, argument: str) -> Completions:
    """Complete an argument that is one path.

    :param kind: :attr:`Kind.FILE` or :attr:`Kind.SOCKET`.
    """
    quote = argument[:1] if argument[:1] in ('"', "'") else ""
    return Completions(argument[len(quote) :], [], quote, files=kind, syntax=Syntax.PATH)


def complete_kind(kind: str, argument: str, names: NameSource) -> Completions:
    """Complete the last word of an argument with the VM's names of one kind."""
    typed = last_word(argument)
    return Completions(typed, list(names.candidates(NameRequest(kind, typed))))


def complete_words(typed: str, words: tuple[str, ...]) -> Completions:
    """Complete a word with some fixed words."""
    return Completions(typed, [Candidate(word) for word in words])
