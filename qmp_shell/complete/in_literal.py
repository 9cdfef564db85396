"""Completion and signature within a literal: a message, an action, or the value of an argument.

What can stand there follows from the types of the command or action that the place belongs to.
This module does not read text (``literal.py`` does).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..schema import ANY, STRING, Builtin, Enum, Member, Object, Type, as_object, branches
from ..schema.text import describe_member, required_first
from .analysis import Signature, follow_path, follow_to_object, new_signature
from .arguments import kind_at, scalars
from .draft import CommandDraft, Draft
from .kinds import FILE_KINDS
from .literal import Expected, LiteralDraft, read_literal
from .protocols import Candidate, Completions, NameRequest, NameSource, Syntax, TypeSource

_TRANSACTION = "transaction"
# An integer of more digits names nothing.
_MOST_DIGITS = 18
_OBJECT = Object("object", ())
_ARGUMENTS = Member("arguments", lambda: _OBJECT)
_ID = Member("id", lambda: ANY, description="it comes back in the reply")
_EXECUTE = Member("execute", lambda: STRING, required=True)
_EXEC_OOB = Member("exec-oob", lambda: STRING, description="a command to execute out-of-band")
_ACTION = Object(
    "action",
    (
        Member("type", lambda: STRING, required=True),
        Member("data", lambda: _OBJECT, required=True),
    ),
)


class _Owner(NamedTuple):
    """What a place in a message belongs to: a command, an action, or the message itself.

    :ivar name: of the command or action; empty: the place is not among its arguments.
    :ivar type: the type of its arguments; None: it is unknown.
    :ivar given: its arguments, as far as they are typed.
    :ivar path: leads from there to the object or list that the place is in.
    """

    name: str
    type: Object | None
    given: dict[str, Any]
    path: list[str]


class _Place(NamedTuple):
    """A place in a literal, and what it belongs to."""

    literal: LiteralDraft
    owner: _Owner


def complete_in_literal(draft: Draft, names: NameSource, types: TypeSource) -> Completions | None:
    """What can stand at the cursor; None: nothing that is known, or it is not in a literal."""
    place = _find_place(draft, types)
    if place is None:
        return None
    literal, owner = place
    completions = Completions(
        literal.typed,
        [],
        literal.quote,
        syntax=Syntax.LITERAL,
        usual_quote=literal.usual_quote,
    )
    if literal.expected is Expected.KEY:
        completions.candidates.extend(_keys(owner))
    elif literal.expected is Expected.VALUE:
        completions = _add_values(completions, place, names)
    return completions if completions.candidates or completions.files is not None else None


def find_literal_signature(draft: Draft, types: TypeSource) -> Signature | None:
    """The signature of the object in a literal that the cursor is in; None: it is unknown."""
    place = _find_place(draft, types)
    type_ = place.owner.type if place is not None else None
    if place is None or type_ is None:
        return None
    literal, owner = place
    inner, given, depth = follow_to_object(type_, owner.given, owner.path)
    path, rest = owner.path[:depth], owner.path[depth:]  # of a list, or what the type does not have
    current = rest[0] if rest else literal.key or literal.typed
    return new_signature(owner.name or type_.name, path, inner, given, current)


def _find_place(draft: Draft, types: TypeSource) -> _Place | None:
    """Where in a literal the cursor is."""
    if draft.message is not None:
        text, cursor, is_action = draft.message
        literal = read_literal(text, cursor)
        if literal is None:
            return None
        find_owner = _owner_in_action if is_action else _owner_in_message
        return _Place(literal, find_owner(literal.given, literal.path, types))
    command = draft.command
    if command is None or not command.is_in_literal or not command.actions:
        return None
    return _find_place_in_argument(command, types)


def _find_place_in_argument(command: CommandDraft, types: TypeSource) -> _Place | None:
    action, word = command.actions[-1], command.word
    literal = read_literal(command.whole_word.value or "", len(word.value or ""))
    if literal is None:
        return None
    path = word.key.split(".")
    given = _with_value(action.given, path, literal.given)
    path += literal.path
    name = action.name.key
    if action.is_action:
        return _Place(literal, _Owner(name, types.action(name), given, path))
    return _Place(literal, _owner_in_command(name, given, path, types))


def _with_value(given: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """A copy of arguments with one more value."""
    root = branch = dict(given)
    for part in path[:-1]:
        branch[part] = branch = dict(_as_dict(branch.get(part)))
    branch[path[-1]] = value
    return root


def _owner_in_message(given: dict[str, Any], path: list[str], types: TypeSource) -> _Owner:
    is_oob = "exec-oob" in given
    if path[:1] == ["arguments"]:
        name = given.get("exec-oob" if is_oob else "execute")
        return _owner_in_command(name, given.get("arguments"), path[1:], types)
    names = [_EXEC_OOB] if is_oob else [_EXECUTE] if "execute" in given else [_EXECUTE, _EXEC_OOB]
    return _Owner("", Object("message", (*names, _ARGUMENTS, _ID)), given, path)


def _owner_in_command(name: object, given: object, path: list[str], types: TypeSource) -> _Owner:
    arguments = _as_dict(given)
    if name == _TRANSACTION and path[:1] == ["actions"] and len(path) > 1:
        actions = _as_dict(arguments.get("actions"))
        return _owner_in_action(_as_dict(actions.get(path[1])), path[2:], types)
    if not isinstance(name, str) or not name:
        return _Owner("", None, arguments, path)
    return _Owner(name, types.arguments(name, arguments), arguments, path)


def _owner_in_action(given: dict[str, Any], path: list[str], types: TypeSource) -> _Owner:
    name = given.get("type")
    if path[:1] != ["data"]:
        return _Owner("", _ACTION, given, path)
    if not isinstance(name, str) or not name:
        return _Owner("", None, {}, path[1:])
    return _Owner(name, types.action(name), _as_dict(given.get("data")), path[1:])


def _as_dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _keys(owner: _Owner) -> Iterator[Candidate]:
    """The members that are not given yet."""
    place = follow_path(owner.type, owner.given, owner.path) if owner.type is not None else None
    of_object = as_object(place.type) if place is not None else None
    if place is None or of_object is None:
        return
    for member in required_first(of_object.members_for(place.given)):
        if member.name not in _as_dict(place.given):
            yield Candidate(member.name, describe_member(member, member.type), is_key=True)


def _add_values(completions: Completions, place: _Place, names: NameSource) -> Completions:
    """Add what can stand for a value: names of its kind, and the values of its type."""
    literal, owner = place
    if owner.type is None:
        return completions
    found = follow_path(owner.type, owner.given, [*owner.path, literal.key])
    if found is None:
        return completions
    takes_strings, takes_numbers = scalars(found.type)
    kind = kind_at(owner.name, ".".join(found.path), found.type)
    if kind in FILE_KINDS and takes_strings:
        completions = completions._replace(files=kind)
    elif kind is not None and kind not in FILE_KINDS:
        for each in names.candidates(NameRequest(kind, literal.typed, owner.given)):
            if takes_strings:
                completions.candidates.append(each)
            elif takes_numbers and not literal.quote and _is_number(each.text):
                completions.candidates.append(each._replace(is_word=True))
    completions.candidates.extend(_values(found.type, is_string=bool(literal.quote)))
    return completions


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _values(type_: Type, *, is_string: bool) -> Iterator[Candidate]:
    """The values of a type itself, as JSON has them.

    :param is_string: a quote is typed already.
    """
    for branch in branches(type_):
        if isinstance(branch, Enum):
            for value in branch.values.values():
                yield Candidate(value.name, ", ".join(value.features))
        elif isinstance(branch, Builtin) and not is_string:
            if branch.json_type == "boolean":
                yield Candidate("true", is_word=True)
                yield Candidate("false", is_word=True)
            elif branch.json_type == "null":
                yield Candidate("null", "nothing", is_word=True)
