"""What a line that was refused in QMP mode should have been."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..complete.kinds import HUMAN_OPTIONS
from .arguments import ArgumentReader
from .correction import Correction, Form, Vocabulary, nearest
from .foreign import Words, split_commands, split_key, split_line, unwrap

# Options of QEMU's command line, and the command that does the same on a running VM.
_OPTIONS = {
    "device": "device_add",
    "netdev": "netdev_add",
    "object": "object-add",
    "blockdev": "blockdev-add",
    "chardev": "chardev-add",
}
# The human monitor's own names of commands whose notation QEMU's command line shares.
_HUMAN_OPTIONS = {command: human for human, (command, _) in HUMAN_OPTIONS.items()}
# How other programs call what this one calls otherwise.
_EXIT = ("exit", "bye", "logout", "q", "quit", ":q", "\\q")
_HELP = ("help", "man", "?")
_HELP_WORDS = ("help", "?", "-h", "--help", "-help")
# What can follow the driver in QEMU's own notation, or stand in its place.
_HELP_OPTION = re.compile(r"(?:(?P<driver>[^,=]+),)?(?:help|\?)")
_HUMAN_MONITOR = "human-monitor-command"

# A longer line is no suggestion that anybody could read.
_LONGEST = 300


def correct_line(text: str, vocabulary: Vocabulary) -> Correction | None:
    """The line that was probably meant by one that was refused.

    :param text: one line for the VM, or a dot command that does not exist.
    :return: None: that is not known.
    """
    if len(text) > _LONGEST or not text.isprintable():
        return None
    inner, is_human = unwrap(text)
    if is_human:
        return Correction(inner, Form.HUMAN)
    commands = split_commands(inner)
    if len(commands) > 1:
        return _correct_several(commands, vocabulary)
    if commands[0] != inner:
        return _correct_command(commands[0], vocabulary) or Correction(commands[0])
    found = _correct_command(inner, vocabulary)
    return found or (Correction(inner) if inner != text.strip() else None)


def _correct_several(commands: list[str], vocabulary: Vocabulary) -> Correction | None:
    """Several commands, a line for each; None: they are not all known."""
    lines = []
    for command in commands:
        found = _correct_command(command, vocabulary)
        if found is not None and found.missing:
            return None
        known = command.split(None, 1)[0] in vocabulary.commands()
        if found is None and not known:
            return None
        lines.append(found.typed(human=False) if found is not None else command)
    return Correction("\n".join(lines), before="one command a line: ")


def _correct_command(text: str, vocabulary: Vocabulary) -> Correction | None:
    """One command; None: nothing is wrong with it that is known."""
    if not text or text[0] in "{[":
        return None
    line = split_line(text)
    if line is None or not line.words:
        return None
    name, *words = line.words
    return next(
        filter(None, (rule(name, Words(words, line.tail), text, vocabulary) for rule in _RULES)),
        None,
    )


def _dot_command(name: str, _: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A dot command that does not exist."""
    if not name.startswith("."):
        return None
    bare = name[1:]
    rest = text[len(name) :]
    if bare in vocabulary.dot_commands:
        return None
    if bare in _EXIT:
        return Correction(".exit", Form.DOT)
    if bare in vocabulary.commands():
        return Correction(text[1:])
    if bare in vocabulary.human_commands():
        return _human(text[1:])
    similar = nearest(bare, vocabulary.dot_commands)
    return Correction(f".{similar}{rest}", Form.DOT, "did you mean ", "?") if similar else None


def _human_line(name: str, line: Words, text: str, _: Vocabulary) -> Correction | None:
    """``human-monitor-command info block``."""
    words = line.words
    if name != _HUMAN_MONITOR or (len(words) < 2 and split_key("".join(words))[0]) or not words:
        return None
    rest = text[len(name) :].strip().removeprefix("command-line=")
    return Correction(rest.strip("\"'"), Form.HUMAN)


def _help(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``help device_add driver``, ``?device_add``, ``device_add help``."""
    topic, words = name, line.words
    if name in _HELP:
        topic, words = " ".join(words), []
    elif name.startswith("?"):
        topic, words = name[1:], []
    elif name not in vocabulary.commands() or len(words) != 1:
        return None
    elif words[0] in _HELP_WORDS:
        return _help_on(name, vocabulary)
    else:
        match = _HELP_OPTION.fullmatch(words[0].partition("=")[2] or words[0])
        if match is None:
            return None
        if not match["driver"]:
            return _help_on(name, vocabulary)
        implied = HUMAN_OPTIONS.get(_HUMAN_OPTIONS.get(name, ""), ("", "driver"))[1]
        topic = f"{name} {implied}={match['driver']}"
    return Correction(f".help {topic}".rstrip(), Form.DOT)


def _help_on(command: str, vocabulary: Vocabulary) -> Correction:
    """Help on a command; where QEMU lists what its first argument can be, that list."""
    human = _HUMAN_OPTIONS.get(command)
    if human not in vocabulary.human_commands():
        return Correction(f".help {command}", Form.DOT)
    after = f" lists what there is; .help {command} describes the command"
    return Correction(f"{human} help", Form.HUMAN, "", after)


def _arguments(name: str, line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that exists, whose arguments are written otherwise."""
    commands = vocabulary.commands()
    same = nearest(name, [each for each in commands if _plain(each) == _plain(name)])
    option = _OPTIONS.get(name.lstrip("-"), "") if name.startswith("-") else ""
    command = name if name in commands else option if option in commands else same
    if not command:
        return None
    human = vocabulary.human_commands()
    human_name = next((each for each in human if _plain(each) == _plain(command)), "")
    human_text = text.replace(name, human_name, 1)
    reader = ArgumentReader(command, vocabulary.arguments, vocabulary.names)
    found = reader.read(line.words)
    if found is None or (found.is_unitless and human_name):
        is_foreign = not all(split_key(word)[0] for word in line.words)
        return _human(human_text) if human_name and is_foreign else None
    corrected = " ".join([command, *found.words]) + line.tail
    if corrected == " ".join([name, *line.words]) + line.tail and not found.missing:
        return None
    is_rewritten = found.is_rewritten or command != name or bool(found.missing)
    missing = found.missing if not line.tail else ()
    return Correction(corrected, missing=missing, is_rewritten=is_rewritten)


def _known_elsewhere(name: str, _: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command of the human monitor, or a dot command without its dot."""
    human, commands = vocabulary.human_commands(), vocabulary.commands()
    if name in commands:
        return None
    if name in human:
        summary = human[name]
        synonyms = [each for each in human if summary and human[each] == summary]
        command = next((each for each in synonyms if each in commands), "")
        if command and text == name:
            return Correction(command)
        if name in vocabulary.dot_commands and text == name:
            return Correction(f".{name}", Form.DOT)
        return _human(text)
    if name in _EXIT:
        return Correction(".exit", Form.DOT)
    return Correction(f".{text}", Form.DOT) if name in vocabulary.dot_commands else None


def _misspelt(name: str, line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that does not exist, but is similar to one that does."""
    commands = vocabulary.commands()
    if not commands or name in commands or name.startswith("."):
        return None
    rest = text[len(name) :]
    similar = nearest(name, commands)
    if similar:
        found = _correct_command(f"{similar}{rest}", vocabulary)
        if found is None:
            is_readable = all(split_key(word)[0] for word in line.words)
            found = Correction(similar + rest * is_readable, is_rewritten=False)
        is_rewritten = found.is_rewritten and bool(line.words)
        return found._replace(before="did you mean ", after="?", is_rewritten=is_rewritten)
    similar = nearest(name, vocabulary.dot_commands)
    if similar:
        return Correction(f".{similar}{rest}", Form.DOT, "did you mean ", "?")
    similar = nearest(name, vocabulary.human_commands())
    if similar:
        return Correction(f"{similar}{rest}", Form.HUMAN, "did you mean ", "?")
    after = " lists the VM's commands"
    return Correction(".commands", Form.DOT, f"no command {name}; ", after, is_rewritten=False)


def _human(text: str) -> Correction:
    return Correction(text, Form.HUMAN, "the human monitor has it: ")


def _plain(name: str) -> str:
    """A name as people may confuse it with others."""
    return name.lower().replace("_", "-")


_Rule = Callable[[str, Words, str, Vocabulary], Correction | None]
# The first that finds a correction is taken. Each is given the first word, the others, and all.
_RULES: tuple[_Rule, ...] = (
    _dot_command,
    _human_line,
    _help,
    _arguments,
    _known_elsewhere,
    _misspelt,
)
