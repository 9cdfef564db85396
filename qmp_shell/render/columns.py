"""Which columns a table has, in which order, and what is said of the others. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .cells import NAMES, VM, Row

# What people look for first.
_NAMES = (VM, *NAMES)
_FIRST = (
    *_NAMES,
    *("file", "filename", "virtual-size", "size", "status", "state", "drv", "driver", "type"),
)
# Long cells are wrapped, so that no column needs more room than this.
_WIDEST = 28
# A VM may send names with any number of dots.
_MOST_PARTS = 10
# rich takes some seconds for so many.
_MOST_CELLS = 20_000
_GAP = 2  # columns between two columns


class Columns(NamedTuple):
    """The columns of a table.

    :ivar headings: what stands above each, by its path; in the order from left to right.
    :ivar same: the values that all rows have, by path.
    :ivar empty: values that say nothing, by path, which all rows have that have any there.
    :ivar left_out: the paths of those for which there was no room.
    """

    headings: Mapping[str, str]
    same: Row
    empty: Row
    left_out: Sequence[str]


class _Survey:
    """What all rows together tell of their columns, found in one pass.

    :ivar widths: how wide each column's cells are, at most.
    :ivar same: the values that all rows have; those that say something come first.
    :ivar empty: the empty ones that only some rows have, without any other there.
    """

    def __init__(self, rows: Sequence[Row], cells: Sequence[Mapping[str, str]]) -> None:
        self.widths: dict[str, int] = {}
        counts: dict[str, int] = {}
        first: dict[str, Any] = {}
        varied: set[str] = set()
        for row, texts in zip(rows, cells, strict=True):
            for path, value in row.items():
                self.widths[path] = max(self.widths.get(path, 0), len(texts[path]))
                counts[path] = counts.get(path, 0) + 1
                if not _are_equal(first.setdefault(path, value), value):
                    varied.add(path)
        unvaried = {path: value for path, value in first.items() if path not in varied}
        same = {path: value for path, value in unvaried.items() if counts[path] == len(rows)}
        self.same = dict(sorted(same.items(), key=lambda item: not item[1]))
        self.empty = {
            path: value for path, value in unvaried.items() if path not in same and not value
        }


def choose_columns(
    rows: Sequence[Row],
    cells: Sequence[Mapping[str, str]],
    declared: Iterable[str],
    width: int | None,
) -> Columns:
    """Choose the columns that fit, the most interesting ones first.

    :param cells: the texts of the rows' values.
    :param declared: the columns that the type of the rows has.
    :param width: in characters; None: there is no limit.
    """
    survey = _Survey(rows, cells)
    known = survey.widths
    paths = [path for path in dict.fromkeys([*declared, *known]) if path in known or not rows]
    paths.sort(key=_rank)
    same, empty = (survey.same, survey.empty) if len(rows) > 1 else ({}, {})
    candidates = list(_without(dict.fromkeys(paths), [*same, *empty])) or paths[:1]
    most = max(_MOST_CELLS // max(len(rows), 1), 1)
    shown = candidates[:most]
    if width is not None:
        shown = _fitting(candidates, survey.widths, min(width, (_GAP + 1) * most))
    return Columns(
        shorten_paths(shown),
        _without(same, shown),
        _without(empty, shown),
        list(_without(dict.fromkeys(candidates), shown)),
    )


def _without(row: Row, paths: Iterable[str]) -> Row:
    left_out = set(paths)
    return {path: value for path, value in row.items() if path not in left_out}


def _fitting(candidates: Iterable[str], widths: Mapping[str, int], width: int) -> list[str]:
    """The columns that fit in a width, in their order; one at least."""
    shown: list[str] = []
    for path in candidates:
        headings = shorten_paths([*shown, path])
        if not shown or _total_width(headings, widths) <= width:
            shown.append(path)
        if _total_width(shorten_paths(shown), widths) + _GAP >= width:
            break
    return shown


def ask_columns(asked: Iterable[str], paths: Iterable[str]) -> Columns:
    """The columns that were asked for: by path, by its end, or all of an object.

    A column that no row has is empty, so that a program finds the columns that it wants.
    """
    known = list(dict.fromkeys(paths))
    found: list[str] = []
    for name in asked:
        found += [name] if name in known else _matching(name, known) or [name]
    return Columns(shorten_paths(dict.fromkeys(found)), {}, {}, [])


def _matching(name: str, paths: Iterable[str]) -> list[str]:
    """The columns of an object, or the outermost of those whose paths end so."""
    paths = list(paths)
    inside = [path for path in paths if path.startswith(f"{name}.")]
    ending = [path for path in paths if path.endswith(f".{name}")]
    depth = min((path.count(".") for path in ending), default=0)
    return inside or [path for path in ending if path.count(".") == depth]


def fits(
    headings: Mapping[str, str], cells: Sequence[Mapping[str, str]], width: int | None
) -> bool:
    """Whether columns fit in a width, long cells being wrapped."""
    if width is None:
        return True
    widths = {path: max((len(row.get(path, "")) for row in cells), default=0) for path in headings}
    return _total_width(headings, widths) <= width


def _total_width(headings: Mapping[str, str], widths: Mapping[str, int]) -> int:
    """What columns need, with the gaps between them.

    :param widths: of their cells, which are wrapped if they are long.
    """
    needed = (
        max(len(heading), min(widths.get(path, 0), _WIDEST)) for path, heading in headings.items()
    )
    return sum(needed) + _GAP * (len(headings) - 1)


def shorten_paths(paths: Iterable[str]) -> dict[str, str]:
    """For each path, the shortest end that no other one has: ``file`` of ``inserted.file``."""
    paths = list(paths)
    ends: dict[str, int] = {}
    for path in paths:
        for end in _ends(path):
            ends[end] = ends.get(end, 0) + 1
    return {path: next((end for end in _ends(path) if ends[end] == 1), path) for path in paths}


def _ends(path: str) -> list[str]:
    """``c``, ``b.c`` and ``a.b.c`` of ``a.b.c``."""
    parts = path.rsplit(".", _MOST_PARTS)
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]


def _rank(path: str) -> tuple[int, int]:
    """Its place among the columns; sorting keeps the order of those with the same."""
    depth = path.count(".")
    last = path.rpartition(".")[2]
    if depth == 0 and last in _NAMES:
        return 0, _NAMES.index(last)
    if last in _FIRST:
        return 1, depth * len(_FIRST) + _FIRST.index(last)
    return 2, depth


def _are_equal(value: Any, other: Any) -> bool:
    """Whether two values are equal, with 1 and True told apart."""
    return value is other or (
        value == other
        and type(value) is type(other)
        and (not isinstance(value, dict | list) or json.dumps(value) == json.dumps(other))
    )
