"""Move arguments into the objects that they belong in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from ..schema import Alternate, Member, Object, as_object
from ..schema.inner_members import InnerMember, find_inner_members, find_tag
from .correction import is_plain
from .foreign import is_path
from .items import Item, KnownArguments, given_by
from .other_tools import CACHE_MODES
from .spelling import find_member

# The block driver that opens a file of the host, and the argument that names the file.
_FILE_DRIVER, _FILE_NAME = "file", "filename"
# How people write the address of a socket, and the case of SocketAddress that it is. The older type
# of that name has the members of each in an object.
_ADDRESSES = (
    (r"unix:(?P<path>.+)", "unix"),
    (r"(?:tcp:)?(?!(?:exec|fd|tcp|vsock):)(?P<host>[A-Za-z0-9_.-]+):(?P<port>\d+)", "inet"),
)
_DATA = "data"
_CACHE = "cache"


def move_into_objects(items: list[Item], known: KnownArguments) -> list[Item]:
    """Give items the dotted keys that they have in the objects of a command's arguments.

    ``filename=/a`` and ``file=/a`` of a qcow2 node are ``file.driver=file file.filename=/a``.
    """
    given = given_by(items)
    type_ = known.type_for(given)
    if type_ is None:
        return items
    members = type_.members_for(given)
    found = (members.get(key) or find_member(key, type_, given) for key, _ in items)
    pairs = zip(items, found, strict=True)
    items = [*chain.from_iterable(_in_place_of_object(*pair, known) for pair in pairs)]
    given = given_by(items)
    inner = find_inner_members(given, members) if not type_.is_open(given) else {}
    moved: list[Item] = []
    for item in items:
        name, dot, rest = item.key.partition(".")
        place = inner.get(name)
        if place is None or not _can_stand_in_line(place):
            moved.append(item)
            continue
        moved += [*(Item(*tag) for tag in place.tags), Item(place.key + dot + rest, item.value)]
        inner[name] = place._replace(tags=())
    return moved


def _read_address(value: str, type_: Object) -> dict[str, str]:
    """The members of an address that is written as one word; empty: it is none."""
    for pattern, case in _ADDRESSES:
        match = re.fullmatch(pattern, value)
        branch = type_.branch(case) if match is not None else None
        if match is None or branch is None or type_.tag is None:
            continue
        data = branch.members.get(_DATA)
        inner = as_object(data.type) if data is not None else branch
        if inner is not None and match.groupdict().keys() <= inner.members.keys():
            prefix = f"{_DATA}." if data is not None else ""
            members = {prefix + name: text for name, text in match.groupdict().items()}
            return {type_.tag: case, **members}
    return {}


def _read_cache_mode(item: Item, type_: Object | None) -> dict[str, str] | None:
    """The members of ``cache`` that ``cache=none`` and the like set; None: it is no such mode."""
    mode = CACHE_MODES.get(item.value) if item.key == _CACHE else None
    is_known = mode is not None and type_ is not None and mode.keys() <= type_.members.keys()
    return mode if is_known else None


def _can_stand_in_line(place: InnerMember) -> bool:
    """Whether the names, which come from the VM, have no special meaning in a line."""
    return all(map(is_plain, [place.key, *(text for tag in place.tags for text in tag)]))


def _in_place_of_object(item: Item, member: Member | None, known: KnownArguments) -> Iterator[Item]:
    """Replace an item that has a text where an object is expected; yield any other as it is."""
    key, value = item
    type_ = as_object(member.type) if member is not None else None
    tag = type_.tag if type_ is not None else None
    mode = _read_cache_mode(item, type_)
    if mode is not None:
        yield from (Item(f"{key}.{name}", text) for name, text in mode.items())
    elif member is None or type_ is None or tag is None or not is_plain(tag):
        yield item
    elif not isinstance(member.type, Alternate):
        address = _read_address(value, type_)
        if address:
            yield from (Item(f"{key}.{name}", text) for name, text in address.items())
        else:
            yield Item(f"{key}.{tag}", value) if find_tag(value, type_) else item
    else:
        branch = type_.branch(_FILE_DRIVER)
        # An optional file, as a backing file, may be of any format.
        is_file = member.required and is_path(value)
        is_node = value in known.names_for(member, "", {})
        if branch is None or _FILE_NAME not in branch.members or is_node or not is_file:
            yield item
            return
        yield Item(f"{key}.{tag}", _FILE_DRIVER)
        yield Item(f"{key}.{_FILE_NAME}", value)
