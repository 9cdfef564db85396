"""What a line that was refused in QMP mode should have been."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile

from ..complete import Kind
from ..complete.kinds import HUMAN_OPTIONS
from ..language import ParseError
from ..language.literal import parse_literal
from ..language.notation import format_message, format_text
from ..language.references import VARIABLE_NAME
from ..language.words import DOUBLE_QUOTED, SINGLE_QUOTED
from ..schema.check import is_signed_size
from ..schema.suggestions import plain
from .arguments import first_value, read_arguments
from .correction import (
    EXIT,
    Correction,
    Form,
    Vocabulary,
    is_plain,
    is_suggestible,
    nearest,
    nearest_command,
)
from .drives import correct_drive
from .foreign import (
    Words,
    is_path,
    split_commands,
    split_host_command,
    split_key,
    split_line,
    split_options,
    unquote,
    unwrap,
)
from .items import KnownArguments
from .other_tools import (
    BESIDES,
    COMMANDS_OF_OPTIONS,
    DISK_OPTIONS,
    EVERYDAY,
    NOTES,
    REMOVED,
    SET_PARAMETERS,
    VIRSH,
)
from .spelling import find_member

# An option without such a command, and what does nearly the same in the human monitor and in QMP.
_DRIVE, _ADD_DRIVE, _ADD_NODE = "-drive", "drive_add", "blockdev-add"
# The human monitor's own names of commands whose notation QEMU's command line shares.
_HUMAN_OPTIONS = {command: human for human, (command, _) in HUMAN_OPTIONS.items()}
# How other programs call help.
_HELP = ("help", "man", "?", "-h", "--help", "-help")
_ASK = "?"  # hardly a value
_HELP_WORDS = (_ASK, "help", "-h", "--help", "-help")
# What can follow the driver in QEMU's own notation, or stand in its place.
_HELP_OPTION = re.compile(r"(?:(?P<driver>[^,=]+),)?(?:help|\?)")
_CALL = re.compile(r"(?P<name>[A-Za-z][\w-]*)\(\d*\)")
_VARIABLE = re.compile(rf"\${VARIABLE_NAME}")
_PROGRAM_VIRSH, _VIRSH_OPTIONS = "virsh", re.compile(r"^(?:(?:-c|--connect)\s+\S+\s*|-\S+\s*)+")
_ATTACH_DISK = "attach-disk"
_JOB = "job-"
_TO_FILE = re.compile(rf" >>?\s*(?:(?P<quoted>{DOUBLE_QUOTED}|{SINGLE_QUOTED})|(?P<bare>\S+))")
_QUERY = "query-"  # what the commands begin with that only ask
_SEND_KEYS, _KEYS = "sendkey", re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)+")
# The commands that take the address of a migration, and a flag for what they do in QMP anyway.
_MIGRATIONS = ("migrate", "migrate-incoming")
_DETACHED = "-d"
_HUMAN_MONITOR = "human-monitor-command"

# What the usage of a dot command has that takes a command, a reference to values, or any name.
_COMMAND = re.compile(r"(?:\[\w+\] )?\[?COMMAND\b")
_REFERENCE = "$"
_OF_NAMES = ("WORDS", "[PATTERN]", "[TOPIC]")
_KEEPERS = ("declare", "export", "let", "local", "setenv")  # how other shells keep a value
_VIEW_OPTION = re.compile(r" --view[ =](?=[\w-]+$)")
_LET = re.compile(rf"let\s+{VARIABLE_NAME}")
_TRANSACTION = re.compile(r"transaction\s*\(")
_NAME = re.compile(r"[A-Za-z][\w-]*")


def correct_line(text: str, vocabulary: Vocabulary) -> Correction | None:
    """The line that was probably meant by one that was refused.

    :param text: one line for the VM, or a dot command that does not exist.
    :return: None: that is not known.
    """
    if not is_suggestible(text):
        return None
    inner, is_human = unwrap(text)
    if not inner:
        return None
    if is_human:
        return Correction(inner, Form.HUMAN)
    if _TRANSACTION.match(inner) is not None:
        return None
    commands = _split(inner, vocabulary)
    if len(commands) > 1:
        return _correct_several(commands, vocabulary)
    if commands[0] != inner:
        return _correct_command(commands[0], vocabulary) or Correction(commands[0])
    found = _correct_command(inner, vocabulary)
    if found is None and inner != text.strip():
        return Correction(inner)
    return found or _note_unknown(inner, vocabulary)


def _split(text: str, vocabulary: Vocabulary) -> list[str]:
    """The commands of a line: ``stop; cont``, ``stop cont``; but ``balloon`` may be an id."""
    if split_host_command(text) is not None:
        return [text]
    names, known = text.split(), vocabulary.commands()
    are_commands = all(each in known and not _required(each, vocabulary) for each in names)
    return names if len(names) > 1 and are_commands else split_commands(text)


def _correct_several(commands: list[str], vocabulary: Vocabulary) -> Correction | None:
    """Several commands, a line for each; None: they are not all known."""
    lines = []
    for command in commands:
        found = _correct_command(command, vocabulary)
        if found is not None and (found.missing or not found.line):
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
    if bare in vocabulary.dot_commands.names():
        return None
    if bare in EXIT:
        return Correction(".exit", Form.DOT)
    if bare in vocabulary.commands():
        return Correction(text[1:])
    if bare in vocabulary.human_commands():
        return _human(text[1:])
    if bare in vocabulary.views:
        return Correction(f"{rest.strip()} | {name}" if rest.strip() else f".set view {bare}")
    similar = nearest(bare, vocabulary.dot_commands.names())
    return vocabulary.dot_line(similar, rest, "did you mean ", "?") if similar else None


def _variable(name: str, line: Words, _text: str, _: Vocabulary) -> Correction | None:
    """``$disk`` alone, whose value ``.let disk`` shows; ``let disk=5``, which keeps no value."""
    key = split_key(line.words[0])[0] if line.words and name in _KEEPERS else ""
    if key:
        shown = key if re.fullmatch(VARIABLE_NAME, key) is not None else "NAME"
        return Correction("", before=f"COMMAND | .let {shown} keeps what a command returns")
    is_alone = not line.words and not line.tail and _VARIABLE.fullmatch(name) is not None
    return Correction(f".let {name[1:]}", Form.DOT) if is_alone else None


def _host_command(_: str, _line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """``migrate -d exec:gzip > f``: the last argument is a command with blanks in it."""
    found = split_host_command(text)
    if found is None:
        return None
    name, *words = found.words
    command = plain(name)
    if command not in _MIGRATIONS or command not in vocabulary.commands():
        return None
    flags = [word for word in words if word.startswith("-")]
    others = [word for word in words if word not in flags]
    if set(flags) <= {_DETACHED} and all(split_key(word)[0] for word in others):
        corrected = " ".join([command, *others, f"uri={found.value}"])
        return Correction(corrected) if corrected != text.strip() else None
    human = command.replace("-", "_")
    if others or human not in vocabulary.human_commands():
        return None
    return _human(" ".join([human, *flags, found.value]))


def _view(_name: str, line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """``query-block .table``, ``query-block .let a``: what takes a reply, without the ``|``.

    ``query-block --view table`` is how the shell's own options name a view.
    """
    before, dot, view = _VIEW_OPTION.sub(" .", text.rstrip()).rpartition(" .")
    is_taker = view in vocabulary.views or _LET.fullmatch(view) is not None
    if not dot or not line.words or line.tail or not is_taker:
        return None
    found = _correct_command(before, vocabulary) or Correction(before)
    if not found.line or found.missing or found.form is not Form.QMP:
        return None
    return found._replace(line=f"{found.line} | .{view}", is_rewritten=True)


def _human_line(name: str, line: Words, text: str, _: Vocabulary) -> Correction | None:
    """``human-monitor-command info block``."""
    words = line.words
    if name != _HUMAN_MONITOR or (len(words) < 2 and split_key("".join(words))[0]) or not words:
        return None
    rest = text[len(name) :].strip().removeprefix("command-line=")
    return Correction(unquote(rest), Form.HUMAN)


def _called(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``exit()``, ``query-status()``: a command as a function of Python."""
    match = _CALL.fullmatch(name)
    if match is None or line.words:
        return None
    if match["name"] in EXIT:
        return _exit(vocabulary)
    return Correction(match["name"] + line.tail) if match["name"] in vocabulary.commands() else None


def _exit(vocabulary: Vocabulary) -> Correction:
    """``.exit``: who types ``q`` or ``quit()`` may want to leave the shell, not to end the VM."""
    after = "; quit ends the VM" if "quit" in vocabulary.commands() else ""
    return Correction(".exit", Form.DOT, after=after)


def _help(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``help device_add driver``, ``?device_add``, ``device_add?``, ``device_add help``."""
    topic, words = name, line.words
    if name.endswith(_ASK) and name[:-1] in vocabulary.commands():
        return _help_on(name[:-1], vocabulary)
    if name in _HELP:
        topic, words = " ".join(words), []
    elif name.startswith("?"):
        topic, words = name[1:], []
    elif name not in vocabulary.commands() or not words:
        return None
    elif words[0] == _ASK or (len(words) == 1 and words[0] in _HELP_WORDS):
        return _help_on(name, vocabulary)
    elif len(words) > 1:
        return None
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


def _command_of(name: str) -> str:
    """The command that corresponds to an option of QEMU's; other names are returned unchanged."""
    return COMMANDS_OF_OPTIONS.get(name.lstrip("-"), name) if name.startswith("-") else name


def _object(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``device_add {"driver": "e1000"}``, ``-device {"driver": "e1000"}``."""
    name = _command_of(name)
    if name not in vocabulary.commands() or len(line.words) != 1 or line.words[0][0] != "{":
        return None
    try:
        arguments = parse_literal(line.words[0], 0)
    except ParseError:
        return None
    if "execute" in arguments:
        return Correction(line.words[0] + line.tail)
    type_ = vocabulary.arguments(name, arguments) if arguments else None
    if type_ is None or not arguments.keys() <= type_.members_for(arguments).keys():
        return None
    return Correction(format_message({"execute": name, "arguments": arguments}) + line.tail)


def _joined(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``query status``: the name of a command, written as several words."""
    commands = vocabulary.commands()
    if name in commands:
        return None
    known = {_letters(each): each for each in commands if is_plain(each)}
    bare = [*takewhile(lambda word: not split_key(word)[0], line.words)]
    for count in range(len(bare), 0, -1):
        found = known.get(_letters("".join([name, *bare[:count]])))
        if found is not None:
            rest = " ".join([found, *line.words[count:]]) + line.tail
            is_whole = count == len(bare) or vocabulary.has_arguments(found)
            return (_correct_command(rest, vocabulary) or Correction(rest)) if is_whole else None
    return None


def _letters(name: str) -> str:
    return plain(name).replace("-", "")


def _arguments(name: str, line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that exists, whose arguments are written otherwise."""
    commands = vocabulary.commands()
    same = nearest(name, [each for each in commands if plain(each) == plain(name)])
    option = _command_of(name)
    command = option if option in commands else same
    if not command:
        return None
    found = read_arguments(command, line.words, vocabulary)
    if found is None:
        has_keys = any(split_key(word)[0] or word.startswith("=") for word in line.words)
        if not line.words or has_keys or (command in _HUMAN_OPTIONS and len(line.words) > 1):
            return None  # the human monitor would refuse the line, too
        if any(map(is_signed_size, line.words)):
            return None  # the human monitor would take the difference for the new size
        several = _one_each(command, line, vocabulary)
        return several or _in_human(name, command, text, vocabulary)
    if found.unfinished and line.tail:
        return None  # it would be lost
    file = _TO_FILE.fullmatch(line.tail)
    if file is not None and len(found.missing) == 1:
        [argument] = found.missing
        member = find_member(argument, vocabulary.arguments(command, {}), {})
        if member is not None and KnownArguments(command, vocabulary).kind_of(member) == Kind.FILE:
            path = file["quoted"] or format_text(file["bare"])
            return Correction(" ".join([command, *found.words, f"{argument}={path}"]))
    corrected = " ".join([command, *found.words])
    missing = found.missing if not line.tail else ()  # it would not stand at the end
    if corrected == " ".join([name, *line.words]) and not missing:
        return None
    is_rewritten = found.is_rewritten or command != name
    correction = Correction(corrected + line.tail, missing=missing, is_rewritten=is_rewritten)
    if found.is_unitless:
        return _in_human(name, command, text, vocabulary) or correction
    return correction


def _one_each(command: str, line: Words, vocabulary: Vocabulary) -> Correction | None:
    """Correct ``device_del a b`` to two commands, ``device_del id=a`` and ``device_del id=b``."""
    type_ = vocabulary.arguments(command, {})
    if type_ is None or len(type_.members) != 1 or line.tail or not all(map(is_plain, line.words)):
        return None
    [argument] = type_.members
    lines = [f"{command} {argument}={word}" for word in line.words]
    return Correction("\n".join(lines), before="one command a line: ")


def _in_human(name: str, command: str, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command whose arguments cannot be read: for the human monitor, if that has it, too.

    :param name: what the text calls the command.
    """
    human = vocabulary.human_commands()
    human_name = next((each for each in human if _letters(each) == _letters(command)), "")
    if human_name:
        return _human(text.replace(name, human_name, 1))
    if "=" in text:
        return None  # what is known of the arguments would be lost
    required = _required(command, vocabulary)
    return Correction(command, missing=required) if required else None


def _required(command: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Where what has to be given for a command begins."""
    type_ = vocabulary.arguments(command, {})
    members = type_.members.values() if type_ is not None else ()
    needed = [each for each in members if each.required and is_plain(each.name)]
    return tuple(first_value(each.name, each) for each in needed)


def _drive(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``-drive file=/a,if=virtio``, ``drive_add`` without a PCI address, ``blockdev-add /a``."""
    if name == _ATTACH_DISK and len(line.words) > 1:
        return correct_drive(f"file={line.words[1].replace(',', ',,')},if=virtio", vocabulary)
    if len(line.words) != 1:
        return None
    options = unquote(line.words[0])
    if name in DISK_OPTIONS:
        name, options = _DRIVE, f"file={options.replace(',', ',,')}{DISK_OPTIONS[name]}"
    if name == _ADD_NODE and is_path(options) and not set(options) & set("=,"):
        return correct_drive(f"file={options}", vocabulary)
    if name not in (_DRIVE, _ADD_DRIVE) or "=" not in options:
        return None
    found = correct_drive(options, vocabulary) if _ADD_NODE in vocabulary.commands() else None
    is_one_word = not set(options) & set(" \"'")  # to the human monitor
    if found is None and is_one_word and _ADD_DRIVE in vocabulary.human_commands():
        parts = (part.replace(",", ",,") for part in split_options(options))
        others = [part for part in parts if split_key(part)[0] != "if"]
        found = _human(f"{_ADD_DRIVE} 0 if=none,{','.join(others)}")
    return found


def _known_elsewhere(
    name: str, line: Words, text: str, vocabulary: Vocabulary
) -> Correction | None:
    """A command of the human monitor, or a dot command without its dot."""
    commands = vocabulary.commands()
    if name in commands:
        return None
    human = vocabulary.human_commands()
    if line.words and line.words[0] in commands:  # print query-status
        return _before_command(name, line.words, text[len(name) :], vocabulary)
    if name in EXIT:  # q is quit in the human monitor
        return _exit(vocabulary)
    if name in human:
        summary = human[name]
        synonyms = [each for each in human if summary and human[each] == summary]
        command = next((each for each in synonyms if each in commands and is_plain(each)), "")
        if command and text == name:
            return Correction(command)
        if name in vocabulary.dot_commands.names() and text == name:
            return Correction(f".{name}", Form.DOT)
        keyed = [split_key(word) for word in line.words]
        if name not in HUMAN_OPTIONS and any(key for key, _ in keyed):
            # Values without keys have an order, which is not known here.
            is_one = len(keyed) == 1
            return _human(f"{name} {keyed[0][1]}{line.tail}" if is_one else f"help {name}")
        return _human(text)
    if name not in vocabulary.dot_commands.names():
        return None
    return _own_command(name, line.words, text[len(name) :], vocabulary)


def _own_command(name: str, words: list[str], rest: str, vocabulary: Vocabulary) -> Correction:
    """A dot command that was typed without its dot. If its argument cannot be right, its usage."""
    if _can_follow(name, words, vocabulary):
        return vocabulary.dot_line(name, rest, "write ")
    return Correction("", before=f"write .{name} {_usage(name, vocabulary)}")


def _before_command(
    name: str, words: list[str], rest: str, vocabulary: Vocabulary
) -> Correction | None:
    """``watch query-status``: a dot command that a command follows, without its dot."""
    known = vocabulary.dot_commands.names()
    if name in known:
        return _own_command(name, words, rest, vocabulary)
    similar = nearest(name, [each for each in known if _COMMAND.match(_usage(each, vocabulary))])
    return vocabulary.dot_line(similar, rest, "did you mean ", "?") if similar else None


def _usage(name: str, vocabulary: Vocabulary) -> str:
    command = vocabulary.dot_commands.find(name)
    return command.usage if command is not None else ""


def _can_follow(name: str, words: list[str], vocabulary: Vocabulary) -> bool:
    """Whether some words can follow the name of a dot command."""
    usage, commands = _usage(name, vocabulary), vocabulary.commands()
    if not words or not usage:
        return True
    if usage.startswith(_REFERENCE):
        return words[0].startswith(_REFERENCE)
    if _COMMAND.match(usage) is not None:
        return any(word in commands for word in words)
    return words[0] not in commands or usage in _OF_NAMES


def _everyday(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``reboot``, ``resume vm1``: a common word for a command that has another name in QEMU."""
    words = line.words
    if name == _PROGRAM_VIRSH:
        name, *words = _VIRSH_OPTIONS.sub("", " ".join(words)).split() or [""]
    meant = EVERYDAY.get(name) or VIRSH.get(name, "")
    if not meant or name in vocabulary.commands():
        return None
    known = next((word for word in words if vocabulary.has_name(word)), "")
    if known:  # what is to happen to it, and not to the VM
        job_command = f"{_JOB}{name}"
        is_job = job_command in vocabulary.commands() and known in vocabulary.jobs()
        return Correction(f"{job_command} id={known}") if is_job and is_plain(known) else None
    after = BESIDES.get(name, "")
    if meant.startswith(".") and _HUMAN_MONITOR in vocabulary.commands():  # it is a VM
        return Correction(meant, Form.DOT, after=after)
    if meant not in vocabulary.commands():
        return None
    required = _required(meant, vocabulary)
    takes_rest = not words or name in VIRSH or meant.startswith(_QUERY)
    return Correction(meant, after=after, missing=required) if required or takes_rest else None


def _removed(name: str, _line: Words, _text: str, vocabulary: Vocabulary) -> Correction | None:
    """``migrate_set_speed 1G``: a command that became an argument of another one."""
    parameter = REMOVED.get(plain(name), "")
    type_ = vocabulary.arguments(SET_PARAMETERS, {})
    is_known = type_ is not None and parameter in type_.members
    is_there = name in vocabulary.commands()
    return Correction(SET_PARAMETERS, missing=(parameter,)) if is_known and not is_there else None


def _for_others(name: str, _line: Words, _text: str, vocabulary: Vocabulary) -> Correction | None:
    """``qemu-img info a``, ``-m 256``: a line for another program. A note says so."""
    for pattern, note in NOTES:
        if re.fullmatch(pattern, name) and not any(
            re.fullmatch(pattern, each) for each in vocabulary.commands()
        ):
            return Correction("", before=note.format(name))
    return None


def _keys(name: str, line: Words, _: str, vocabulary: Vocabulary) -> Correction | None:
    """``send-key keys=ctrl-alt-f1``: keys at once, as the human monitor takes them."""
    keys = line.words[0].removeprefix("keys=") if len(line.words) == 1 else ""
    is_known = _SEND_KEYS in vocabulary.human_commands()
    if _letters(name) != _SEND_KEYS or _KEYS.fullmatch(keys) is None or not is_known:
        return None
    return _human(f"{_SEND_KEYS} {keys}")


def _misspelt(name: str, line: Words, text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that does not exist, but is similar to one that does."""
    commands = vocabulary.commands()
    is_unknown = name not in commands and name not in VIRSH
    if not commands or not is_unknown or _NAME.fullmatch(name) is None:
        return None
    rest = text[len(name) :]
    similar = nearest_command(name, commands)
    if similar:
        found = _correct_command(f"{similar}{rest}", vocabulary)
        if found is None:
            is_readable = all(split_key(word)[0] for word in line.words)
            found = Correction(similar + rest * is_readable, is_rewritten=False)
        is_rewritten = found.is_rewritten and bool(line.words)
        return found._replace(before="did you mean ", after="?", is_rewritten=is_rewritten)
    human = vocabulary.human_commands()
    similar = nearest(name, vocabulary.dot_commands.names())
    is_possible = similar and _can_follow(similar, line.words, vocabulary)
    if is_possible and not (line.words and similar in human):
        return vocabulary.dot_line(similar, rest, "did you mean ", "?")
    similar = nearest_command(name, human)
    if not similar or name in human:
        return None
    return Correction(f"{similar}{rest}", Form.HUMAN, "did you mean ", "?")


def _note_unknown(text: str, vocabulary: Vocabulary) -> Correction | None:
    """A command that does not exist, and is not like any that does."""
    name, commands = text.partition(" ")[0], vocabulary.commands()
    if not commands or name in commands or _NAME.fullmatch(name) is None:
        return None
    note = f"no command {name}; .commands lists the VM's commands"
    is_human = name in vocabulary.human_commands()
    return None if is_human else Correction("", before=note, is_rewritten=False)


def _human(text: str) -> Correction:
    return Correction(text, Form.HUMAN, "the human monitor has it: ")


_Rule = Callable[[str, Words, str, Vocabulary], Correction | None]
# The first that finds a correction is taken. Each is given the first word, the others, and all.
_RULES: tuple[_Rule, ...] = (
    _dot_command,
    _variable,
    _host_command,
    _view,
    _human_line,
    _called,
    _help,
    _object,
    _drive,
    _keys,
    _arguments,
    _joined,
    _known_elsewhere,
    _everyday,
    _removed,
    _for_others,
    _misspelt,
)
