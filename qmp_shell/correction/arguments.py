"""Arguments in other notations, in the one of this shell, by the VM's own types.

``device_del rng1``, ``device_add e1000,id=n1`` and ``device_add --driver e1000`` leave the names
of arguments out, or write them otherwise; the types tell which are meant.
"""

from __future__ import annotations

from typing import NamedTuple

from ..language import ExecuteStatement, LineJoiner, ParseError, StatementParser
from ..language.word_types import apply_types
from ..messages import Message, arguments_of
from ..schema import Array, Member, Object, as_object
from ..schema.check import check_arguments
from .correction import Vocabulary, is_plain
from .foreign import split_key
from .items import KEY, ItemReader, KnownArguments, given_by
from .moving import move_into_objects
from .placing import place
from .spelling import Speller, find_member, spell_dotted_keys

# The argument without which QEMU adds no block node, though the schema does not say so.
_ADD_NODE, _NODE_NAME = "blockdev-add", "node-name"
_DEEPEST = 4  # objects in objects, of which the first value is offered


class Arguments(NamedTuple):
    """The arguments of a command, as they are written here.

    :ivar words: ``key=value`` each.
    :ivar missing: the names of arguments that have to be given, but are not.
    :ivar is_rewritten: they were in another notation; otherwise names are misspelt or missing.
    :ivar unfinished: the first of these, if the last word was its name; or empty.
    :ivar is_unitless: see :class:`~qmp_shell.correction.placing.Placement`.
    """

    words: tuple[str, ...]
    missing: tuple[str, ...]
    unfinished: str
    is_rewritten: bool
    is_unitless: bool


def read_arguments(command: str, words: list[str], vocabulary: Vocabulary) -> Arguments | None:
    """Read the words after a command's name.

    :return: None: they cannot be read, or nothing is known of the command.
    """
    known = KnownArguments(command, vocabulary)
    reader = ItemReader(known)
    items = reader.read(words)
    type_ = known.type_for(given_by(items or ()))
    placement = place(items, type_, known) if items is not None and type_ is not None else None
    if placement is None:
        return None
    spelt_keys = spell_dotted_keys(placement.items, known)
    moved = move_into_objects(spelt_keys, known)
    speller = Speller(known)
    spelt = tuple(speller.spell(moved))
    if any(KEY.fullmatch(split_key(word)[0]) is None for word in spelt):
        return None  # the VM has names that mean something else in a line
    given = _parse(spelt, known)
    missing = _find_missing(given, known) if given is not None else None
    if given is None or missing is None:
        return None
    type_ = known.type_for(given)
    empty = tuple(name for name in missing if _may_be_empty(name, type_, given))
    spelt += tuple(f"{name}={{}}" for name in empty)
    is_rewritten = (
        reader.is_rewritten
        or placement.items != items
        or moved != spelt_keys
        or speller.is_rewritten
    )
    last = reader.unfinished
    has_name = not spelt or _NODE_NAME in (*given, last)
    if command == _ADD_NODE and not has_name and not _is_wrong(given, type_):
        spelt += (f"{_NODE_NAME}={vocabulary.free_node_name()}",)
    missing = (*filter(None, [last]), *(name for name in missing if name not in (last, *empty)))
    missing = tuple(first_value(name, find_member(name, type_, given)) for name in missing)
    return Arguments(spelt, missing, last, is_rewritten, placement.is_unitless)


def _parse(words: tuple[str, ...], known: KnownArguments) -> Message | None:
    """Parse words as the arguments of the command; None: they cannot be parsed."""
    line = LineJoiner().add_line(" ".join([known.command, *words]))
    try:
        statement = StatementParser().parse(line) if line is not None else None
    except ParseError:
        return None
    return arguments_of(statement.message) if isinstance(statement, ExecuteStatement) else None


def first_value(name: str, member: Member | None) -> str:
    """Where what has to be given for an argument begins: ``capabilities.0.capability``.

    :param name: of the argument; it may be a dotted path.
    """
    for _ in range(_DEEPEST):
        type_ = member.type if member is not None else None
        if isinstance(type_, Array):
            type_, name = type_.element, f"{name}.0"
        if not isinstance(type_, Object):
            break
        member = next((each for each in type_.members.values() if each.required), None)
        if member is None or not is_plain(member.name):
            break
        name += f".{member.name}"
    return name


def _may_be_empty(name: str, type_: Object | None, given: Message) -> bool:
    """Whether a missing argument is an object that needs no members."""
    member = find_member(name, type_, given)
    inner = as_object(member.type) if member is not None else None
    return inner is not None and not any(each.required for each in inner.members.values())


def _is_wrong(given: Message, type_: Object | None) -> bool:
    """Whether arguments are refused for more than that some are missing."""
    faults = check_arguments(apply_types(given, type_), type_) if type_ is not None else []
    return not all(each.is_missing for each in faults)


def _find_missing(given: Message, known: KnownArguments) -> tuple[str, ...] | None:
    """The names of required arguments that are not given.

    :return: None: others are given that do not exist, so that the line would be refused again.
    """
    type_ = known.type_for(given)
    if type_ is None:
        return ()
    faults = check_arguments(apply_types(given, type_), type_)
    if any(each.is_unknown for each in faults):
        return None
    names = (name for fault in faults if fault.is_missing for name in fault.names)
    return tuple(name for name in names if KEY.fullmatch(name) is not None)
