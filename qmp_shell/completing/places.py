"""What can stand at the end of a command line: options, their values, addresses, a command."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
from collections.abc import Iterator, Sequence

from ..choices import Choices
from ..configuration.addresses import MARK
from ..documentation import TOPICS
from ..errors import UsageError
from ..options import build_parser, build_wrap_parser, parse_arguments
from ..script import WRAP, WordsInput
from ..static_typing import Any
from .offers import Answer, Delegation, Offer
from .vm_words import complete_line, complete_words

_UNIX = "unix:"
_TOPIC = "TOPIC"  # of the manual; it may be left out, but no address stands in its place


def complete(words: Sequence[str], typed: str, program: str) -> Iterator[Answer]:
    """What can stand behind some words of a command line.

    :param typed: what of the last word is typed.
    :param program: the name of the program, to which the words are given.
    """
    if program == WRAP:
        return _Completer(build_wrap_parser()).complete_wrapped(words, typed)
    return _Completer(build_parser()).complete(words, typed)


class _Completer:
    """Completes the command line of one program."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser

    def complete(self, words: Sequence[str], typed: str) -> Iterator[Answer]:
        """Complete the command line of ``qmp-shell``."""
        options = _parse(words)
        if options is None:
            yield from self._pending_value(words, typed)
            return
        command = next(
            (each for each in options.inputs or () if isinstance(each, WordsInput)), None
        )
        if command is not None:
            yield from complete_words(Choices(options), command.words, typed)
        elif typed.startswith("-") and "--" not in words:
            yield from self._options(typed, words)
        elif options.inputs or not (options.addresses or options.all):
            yield from _addresses(options, typed)
        else:
            if typed.startswith(MARK) or not typed:
                yield from _known_addresses(options, MARK)
            yield from complete_words(Choices(options), (), typed)

    def complete_wrapped(self, words: Sequence[str], typed: str) -> Iterator[Answer]:
        """Complete the command line of ``qmp-shell-wrap``."""
        options = _quiet(self._parser.parse_args, words)
        if options is not None:
            yield Delegation("command", at=len(words) - len(options.arguments) - 1)
        elif self._find_pending(words) is not None:
            yield from self._pending_value(words, typed)
        elif typed.startswith("-") and "--" not in words:
            yield from self._options(typed, words)
        elif "/" in typed:
            yield Delegation("files")
        else:
            yield from _programs("qemu")

    def _options(self, typed: str, words: Sequence[str]) -> Iterator[Answer]:
        """Names of options; behind ``--NAME=`` or ``-x``, values of that option."""
        name, equals, value = typed.partition("=")
        if not typed.startswith("--"):
            name, equals, value = typed[:2], typed[:2], typed[2:]
        action = self._find_action(name)
        if typed.startswith("--") and not equals:
            action = None
        if action is not None and action.nargs != 0 and (equals == "=" or value):
            yield from _values(action, len(typed) - len(value), typed, words)
            return
        formatter = self._parser._get_formatter()
        for each in self._parser._actions:
            for option in each.option_strings:
                yield Offer(option, formatter._expand_help(each) if each.help else "")

    def _pending_value(self, words: Sequence[str], typed: str) -> Iterator[Answer]:
        """Values for the option that is the last word, if that option needs a value."""
        action = self._find_pending(words)
        if action is not None:
            last = words[-1]
            is_cluster = len(last) > 2 and not last.startswith("--")  # as -vc
            yield from _values(action, 0, typed, [*words[:-1], *[last[:-1]] * is_cluster])

    def _find_pending(self, words: Sequence[str]) -> argparse.Action | None:
        """The option that the words end with and that a value must follow."""
        last = words[-1] if words else ""
        if not last.startswith("-") or "--" in words:
            return None
        # -vt5 has a value already; -vt has none.
        names = [last] if last.startswith("--") else [f"-{letter}" for letter in last[1:]]
        actions = [self._find_action(name) for name in names]
        takes_value = [
            action is not None and (action.nargs is None or action.metavar == _TOPIC)
            for action in actions
        ]
        return actions[-1] if takes_value[-1:] == [True] and takes_value.count(True) == 1 else None

    def _find_action(self, name: str) -> argparse.Action | None:
        """The option of a name, which may be abbreviated."""
        known = self._parser._option_string_actions
        if name in known or not name.startswith("--"):
            return known.get(name)
        found = {id(action): action for key, action in known.items() if key.startswith(name)}
        return next(iter(found.values())) if len(found) == 1 else None


def _parse(words: Sequence[str]) -> argparse.Namespace | None:
    """The options of ``qmp-shell``; None: the words are none, or a value is to follow."""
    return _quiet(parse_arguments, words)


def _quiet(parse: Any, words: Sequence[str]) -> argparse.Namespace | None:
    """Parse words, of which nothing is printed if they are wrong, or ask for help."""
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        try:
            options: argparse.Namespace = parse(words)
        except (SystemExit, UsageError):
            return None
    return options


def _values(
    action: argparse.Action, start: int, typed: str, words: Sequence[str]
) -> Iterator[Answer]:
    """The values of an option.

    :param start: where the value begins in what is typed.
    :param words: the command line before the option.
    """
    prefix = typed[:start]
    if action.choices is not None:
        for choice in action.choices:
            yield Offer(f"{prefix}{choice}", start=start)
    elif action.metavar == _TOPIC:
        for name, topic in TOPICS.items():
            yield Offer(f"{prefix}{name}", topic.summary, start)
    elif action.metavar == "FILE":
        yield Delegation("files", prefix)
    elif action.metavar == "LINE":
        options = _parse(words)
        if options is not None:
            yield from complete_line(Choices(options), typed, start)
    elif action.metavar == "PATH":
        yield Delegation("sockets", prefix)
    elif action.nargs == "?":  # its value may be left out, and an address follow it
        options = _parse(words)
        if options is not None:
            yield from _addresses(options, typed, start)


def _addresses(options: argparse.Namespace, typed: str, start: int = 0) -> Iterator[Answer]:
    """Addresses, and sockets, which may have their scheme before them.

    :param start: where the address begins in what is typed.
    """
    yield from _known_addresses(options, typed[:start], start)
    has_scheme = typed.startswith(_UNIX, start)
    yield Delegation("sockets", typed[: start + len(_UNIX) * has_scheme])


def _known_addresses(options: argparse.Namespace, prefix: str, start: int = 0) -> Iterator[Answer]:
    for address, description in Choices(options).addresses.list():
        yield Offer(f"{prefix[:start]}{address}", description, start)


def _programs(beginning: str) -> Iterator[Answer]:
    """The executable programs in ``$PATH`` whose names begin with a text."""
    names = set()
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            names |= {
                entry.name
                for entry in entries
                if entry.name.startswith(beginning) and os.access(entry.path, os.X_OK)
            }
    for name in sorted(names):
        yield Offer(name)
