"""Suggest existing names in place of one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .inner_members import InnerMember
from .types import Member

# If no name is similar to a wrong one, at most this many possible names are listed.
_MAX_LISTED = 8
_MAX_SIMILAR = 3
# No name of QEMU's has as many characters. Comparing two texts takes quadratic time.
_LONGEST_NAME = 200

# The member of an object that takes the properties of something, which the schema does not have:
# of a CPU model, and of a new object up to QEMU 5.2.
_PROPERTIES = "props"

# What QEMU calls by another name in other commands and options.
_OTHER_NAMES = {
    "id": ("node-name", "name"),
    "node": ("node-name",),
    "node-name": ("node",),
    "device": ("node", "node-name", "id"),
    "name": ("id",),
    "type": ("driver", "qom-type"),
    "driver": ("type",),
    "qom-type": ("driver",),
    "path": ("filename", "out"),
    "file": ("filename", "out"),
    "filename": ("path",),
}
# In commands with this argument, the others have different meanings.
_DEVICE = "device"

_SIMILAR = 0.7  # of 1.0, as difflib counts
_QUERY, _SIMILAR_REST = "query-", 0.6
_BONUS_OF_BEGINNING = 0.05
_TRANSPOSED = 0.99  # letters in another order
_SHORTEST_PART = 5  # characters; shorter ones, as id, are parts of many names
# All parts of the word, which "-" or "_" separate, are parts of the name; or are all of them.
_CONTAINED, _SAME_PARTS = 0.8, 0.9

# Parts of the names of commands that end something, and how else people say that. A word of one
# row never means a command with a word of another.
_ENDINGS = (
    ("del", "delete", "delvm", "destroy", "detach", "dismiss", "erase", "remove", "rm"),
    ("abort", "cancel", "stop"),
    ("clear", "discard", "reset"),
    ("load", "loadvm"),
    ("powerdown", "poweroff", "quit", "shutdown"),
)
_ENDING_OF = {word: row[0] for row in _ENDINGS for word in row}
_HARMLESS = {"dismiss", "stop"}  # what such a command ends can be begun again, or has ended


def plain(name: str) -> str:
    """A name in lower case with ``-`` for ``_``, for comparison with what users type."""
    return name.lower().replace("_", "-")


class _Similar(NamedTuple):
    """A name that is similar to a word.

    :ivar ratio: how similar, 0 to 1.
    :ivar is_longer: the word is its beginning.
    """

    name: str
    ratio: float
    is_longer: bool

    @property
    def score(self) -> float:
        return self.ratio + _BONUS_OF_BEGINNING * self.is_longer


def _compare(word: str, names: Iterable[str]) -> list[_Similar]:
    """The names that are similar to a word, the most similar first.

    Names that begin with the word, or have all its parts, count as similar if there are at most
    three of them. If the most similar name begins with the word, only names that do are returned.
    """
    if not word or len(word) > _LONGEST_NAME:
        return []
    from difflib import SequenceMatcher, get_close_matches

    typed = plain(word)
    known = {plain(name): name for name in names}
    longer = [each for each in known if each.startswith(typed)]
    close = get_close_matches(typed, known, n=_MAX_LISTED, cutoff=_SIMILAR)
    if typed.startswith(_QUERY):  # which so many names have that it makes none of them similar
        rest, rests = typed.removeprefix(_QUERY), [each.removeprefix(_QUERY) for each in close]
        similar = get_close_matches(rest, rests, n=_MAX_LISTED, cutoff=_SIMILAR_REST)
        close = [each for each in close if each.removeprefix(_QUERY) in similar]
    few = longer if len(longer) <= _MAX_SIMILAR else ()
    parts = _parts(typed)
    having = [each for each in known if parts <= _parts(each) and each not in longer]
    is_telling = len(typed) >= _SHORTEST_PART and len(having) <= _MAX_SIMILAR
    contained = having if is_telling else []
    letters = sorted(typed)
    transposed = [each for each in known if len(each) == len(typed) and sorted(each) == letters]
    found = []
    for each in dict.fromkeys([*close, *few, *transposed, *contained]):
        ratio = SequenceMatcher(None, each, typed).ratio()
        ratio = max(ratio, _TRANSPOSED) if each in transposed else ratio
        if each in contained:
            ratio = max(ratio, _SAME_PARTS if _parts(each) == parts else _CONTAINED)
        found.append(_Similar(known[each], ratio, each in longer))
    found.sort(key=lambda each: -each.score)
    return [each for each in found if each.is_longer or not found[0].is_longer]


def similar_names(word: str, names: Iterable[str]) -> list[str]:
    """Return at most three of ``names`` that are similar to a word, the most similar first."""
    return [each.name for each in _compare(word, names)[:_MAX_SIMILAR]]


def nearest_name(word: str, names: Iterable[str]) -> str:
    """The name that is most similar to a word; empty: none is, or several may be meant."""
    found = _compare(word, names)
    is_clear = found and (found[0].ratio >= _SIMILAR or len(found) == 1)
    return found[0].name if is_clear else ""


def guessable_commands(word: str, names: Iterable[str]) -> list[str]:
    """The commands that may be suggested in place of one that does not exist.

    One after which something is gone is suggested only for a word that is one typo away from it, is
    its beginning, or says in other words that the same thing is to go. If it is the most similar
    one, no other is meant either. A word that says that something is to go means no command that
    does something else.
    """
    names = [each for each in names if _ends_what_is_asked(word, each)]
    similar = similar_names(word, names)
    if similar and not _may_guess(word, similar[0]):
        return []
    return [each for each in names if _may_guess(word, each)]


def _ends_what_is_asked(word: str, name: str) -> bool:
    """Whether a command ends something, as the word that was typed says (``del``, ``cancel``).

    True, if the word does not say so, or is almost the command's name.
    """
    endings = _parts(word) & set(_ENDING_OF)
    return endings <= _parts(name) or _is_almost(word, name)


def _may_guess(word: str, name: str) -> bool:
    typed = _parts(word)
    ends_same = not typed.isdisjoint(_ENDING_OF) and not typed <= set(_ENDING_OF)
    return (
        _endings(name).issubset(_HARMLESS)
        or (ends_same and typed <= _parts(name))
        or _is_almost(word, name)
    )


def _parts(name: str) -> set[str]:
    """The parts of a name, and the same one for all that end something in the same way."""
    return {_ENDING_OF.get(part, part) for part in plain(name).split("-")}


def _is_almost(word: str, name: str) -> bool:
    """Whether a word is a command's name but for a typo, or its beginning with what it does."""
    typed, known = plain(word), plain(name)
    starts = [known.index(each) for each in _endings(name)] or [0]
    return _is_one_typo(typed, known) or (
        known.startswith(typed) and any(len(typed) > start for start in starts)
    )


def _endings(name: str) -> set[str]:
    return set(plain(name).split("-")) & set(_ENDING_OF)


def _is_one_typo(word: str, name: str) -> bool:
    """Whether a character is wrong, missing or too much, or two are in the wrong order."""
    rest, other = _without_common_beginning(word, name)
    rest, other = _without_common_beginning(rest[::-1], other[::-1])
    return max(len(rest), len(other)) < 2 or (len(rest) == 2 and rest == other[::-1])


def _without_common_beginning(first: str, second: str) -> tuple[str, str]:
    pairs = enumerate(zip(first, second, strict=False))
    length = min(len(first), len(second))
    start = next((index for index, (one, other) in pairs if one != other), length)
    return first[start:], second[start:]


def other_name(word: str, names: Iterable[str]) -> str:
    """The member that has the meaning which a word has in other commands; empty: there is none."""
    names = list(names)
    if _DEVICE in names:
        return ""
    return next((name for name in _OTHER_NAMES.get(plain(word), ()) if name in names), "")


def suggest(word: str, names: Iterable[str], what: str, prefix: str = "") -> str:
    """What may be meant by a name that does not exist.

    :param word: the name that does not exist.
    :param names: the names that do.
    :param what: how a list of the names begins: ``there are``.
    :param prefix: is put before each name that is shown.
    :return: ``did you mean a or b?`` if some names are similar; else ``there are: a, b`` if the
        names are few; else an empty string.
    """
    names = list(names)
    return _suggest(similar_names(word, names), names, what, prefix)


def _suggest(likely: list[str], names: list[str], what: str, prefix: str) -> str:
    if likely:
        return f"did you mean {' or '.join(prefix + name for name in likely)}?"
    listed = ", ".join(prefix + name for name in names)
    return f"{what}: {listed}" if 0 < len(names) <= _MAX_LISTED else ""


def format_suggestion(word: str, names: Iterable[str], what: str, prefix: str = "") -> str:
    """The end of a message about a name that does not exist: ``; `` and what :func:`suggest` says.

    :return: empty: nothing is known.
    """
    suggestion = suggest(word, names, what, prefix)
    return suggestion and f"; {suggestion}"


def suggest_member(
    key: str,
    given: dict[str, Any],
    members: dict[str, Member],
    inner: InnerMember | None,
    path: str,
) -> str:
    """What is probably meant by a member that does not exist.

    :param given: the object that it is given in.
    :param members: what the object can have.
    :param inner: where :func:`find_inner_members` has found it.
    :param path: the dotted key of the object; empty: it is that of all arguments.
    :return: empty: nothing is known.
    """
    if inner is not None:
        return f"did you mean {inner}?"
    prefix = f"{path}." if path else ""
    value = given[key]
    own = [name for name in value if name in members] if isinstance(value, dict) else []
    if own:
        return f"{', '.join(own)} must stand {f'in {path}' if path else 'at the top'}, not in it"
    others = [name for name in members if name not in given]
    other = other_name(key, others)
    likely = [other] if other else similar_names(key, others)
    if _PROPERTIES in members and not likely:
        return f"did you mean {prefix}{_PROPERTIES}.{key}?"
    return _suggest(likely, others, "it takes", prefix) if members else "it takes no arguments"
