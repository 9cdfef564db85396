"""What may be meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from .types import Member, Object, as_object

# If no name is similar to a wrong one, at most this many possible names are listed.
_MAX_LISTED = 8
_MAX_SIMILAR = 3
# No name of QEMU's has as many characters. Comparing two texts takes quadratic time.
_LONGEST_NAME = 200

# The member of an object that takes the properties of something, which the schema does not have:
# of a CPU model, and of a new object up to QEMU 5.2.
_PROPERTIES = "props"

# What QEMU calls by different names in different commands and options.
_SAME_MEANING = (
    ("id", "node-name", "name"),
    ("driver", "qom-type", "type"),
    ("filename", "file", "path"),
)
# How deep a member is looked for, and in how many objects of a level: an object may hold itself.
_MAX_DEPTH = 4
_MAX_OBJECTS = 100


def plain(name: str) -> str:
    """A name as people may confuse it with others: in any case, with ``_`` for ``-``."""
    return name.lower().replace("_", "-")


def similar_names(word: str, names: Iterable[str]) -> list[str]:
    """Return at most three of ``names`` that are similar to a word, the most similar first.

    Those come first that begin with the word, and are not much longer.
    """
    if not word or len(word) > _LONGEST_NAME:
        return []
    import difflib

    typed = plain(word)
    known = {plain(name): name for name in names}
    longer = (each for each in known if each.startswith(typed) and len(each) <= 2 * len(typed))
    close = difflib.get_close_matches(typed, known, n=_MAX_SIMILAR, cutoff=0.7)
    found = dict.fromkeys([*sorted(longer, key=len), *close])
    return [known[each] for each in islice(found, _MAX_SIMILAR)]


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


def similar_members(word: str, names: Iterable[str]) -> list[str]:
    """Which of the names of members may be meant by one that does not exist.

    :return: one that means the same elsewhere; else those that :func:`similar_names` finds.
    """
    names = list(names)
    same = next((group for group in _SAME_MEANING if word in group), ())
    return [name for name in same if name in names][:1] or similar_names(word, names)


class InnerMember(NamedTuple):
    """A member of an object that is itself a member of another one.

    :ivar key: its dotted key.
    :ivar tags: dotted keys, and the values without which the member does not exist.
    """

    key: str
    tags: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([*(f"{key}={value}" for key, value in self.tags), self.key])


class _Level(NamedTuple):
    """An object in which a member is looked for.

    :ivar path: its dotted key, with a dot behind it; empty for the outermost one.
    :ivar given: what is known of its value.
    :ivar tags: see :class:`InnerMember`.
    :ivar is_sure: it has to be there, or is, and its members do not depend on what is not known.
    """

    path: str
    members: dict[str, Member]
    given: object
    tags: tuple[tuple[str, str], ...] = ()
    is_sure: bool = True


def find_inner_member(name: str, members: dict[str, Member], given: object) -> InnerMember | None:
    """Find a member in the members of an object: ``filename`` is ``file.filename`` in qcow2 nodes.

    In some commands, QEMUs of different age want the same members at different levels
    (``object-add props.size=1G``, ``blockdev-add options.driver=file``).

    :param members: those of the object, which has none of that name.
    :param given: what is known of its value.
    """
    levels = [_Level("", members, given)]
    for _ in range(_MAX_DEPTH):
        levels = [*islice(chain.from_iterable(map(_inner_levels, levels)), _MAX_OBJECTS)]
        found = next((each for each in levels if name in each.members), None)
        if found is not None:
            return InnerMember(found.path + name, found.tags)
        levels = [each for each in levels if each.is_sure]
    return None


def _inner_levels(outer: _Level) -> Iterator[_Level]:
    """The objects in an object, those first that have to be there."""
    for member in sorted(outer.members.values(), key=lambda each: not each.required):
        given = outer.given.get(member.name) if isinstance(outer.given, dict) else None
        is_sure = member.required or given is not None
        type_ = as_object(member.type) if is_sure else member.type
        if not isinstance(type_, Object) or not isinstance(given, dict | None):
            continue
        path = f"{outer.path}{member.name}."
        yield _Level(path, type_.members_for(given), given, outer.tags, is_sure)
        tag = type_.tag
        if is_sure and tag is not None and tag not in (given or ()):
            for case in type_.cases:
                branch = type_.branch(case)
                if branch is not None:
                    tags = (*outer.tags, (path + tag, case))
                    yield _Level(path, branch.members, given, tags, is_sure=False)


def suggest_member(key: str, given: dict[str, Any], members: dict[str, Member], path: str) -> str:
    """What is probably meant by a member that does not exist.

    :param given: the object that it is given in.
    :param members: what the object can have.
    :param path: the dotted key of the object; empty: it is that of all arguments.
    :return: empty: nothing is known.
    """
    prefix = f"{path}." if path else ""
    inner = find_inner_member(key, members, given)
    if inner is not None:
        tags = tuple((prefix + tag, value) for tag, value in inner.tags)
        return f"did you mean {InnerMember(prefix + inner.key, tags)}?"
    value = given[key]
    own = [name for name in value if name in members] if isinstance(value, dict) else []
    if own:
        return f"{', '.join(own)} must stand {f'in {path}' if path else 'at the top'}, not in it"
    others = [name for name in members if name not in given]
    likely = similar_members(key, others)
    if _PROPERTIES in members and not likely:
        return f"did you mean {prefix}{_PROPERTIES}.{key}?"
    return _suggest(likely, others, "it takes", prefix) if members else "it takes no arguments"
