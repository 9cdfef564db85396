"""Reads TOML statement by statement, so that each has a line, and a wrong one costs only itself.

``tomllib`` reads each statement; it tells no lines, and takes a file as a whole. This module does
not know which keys there are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

# A statement of more lines is one that is not closed.
_MOST_LINES = 100
# Tables in tables. No key that there is has as many, and a longer one is a value.
_DEEPEST = 8
_AT_END = "(at end of document)"
_PLACE = re.compile(r" \(at (?:line (?P<line>[0-9]+), column [0-9]+|end of document)\)$")
# What a user has probably done.
_PLAINER = {
    "Invalid value": "invalid value; a text has quotes around it",
    "Illegal character '\\n'": "a quote is missing at the end",
}


class Entry(NamedTuple):
    """A value, or a table that a header begins.

    :ivar path: its dotted key from the top of the file.
    :ivar value: a table: an empty dictionary.
    :ivar line: the line that it begins in, from 1.
    """

    path: tuple[str, ...]
    value: Any
    line: int


class Mistake(NamedTuple):
    """What is wrong in a line."""

    text: str
    line: int


def parse_toml(text: str) -> Iterator[Entry | Mistake]:
    """Parse the statements of a text, in their order.

    What follows a wrong header, up to the next one, is left out.

    :param text: bytes in it that were not UTF-8 are surrogates.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    table: tuple[str, ...] | None = ()
    index = told = 0
    while index < len(lines):
        number = index + 1
        is_header = lines[index].lstrip().startswith("[")
        found, count = _parse_statement(lines, index)
        index += count
        if isinstance(found, Mistake):
            line = found.line + number - 1
            if line > told and (table is not None or is_header):
                yield found._replace(line=line)
            told = line
            table = None if is_header else table
        elif is_header:
            table = _path_of(found)
            yield Entry(table, {}, number)
        elif table is not None:
            for path, value in _leaves(found, table):
                yield Entry(path, value, number)


def _parse_statement(lines: list[str], start: int) -> tuple[dict[str, Any] | Mistake, int]:
    """Parse the statement that begins in a line.

    :return: its part of the document, or what is wrong; and how many lines that takes, but for the
        last one of several that are wrong, in which another statement may begin.
    """
    mistake = None
    for count in range(1, min(_MOST_LINES, len(lines) - start) + 1):
        part = "".join(lines[start : start + count])
        try:
            part.encode()
            return tomllib.loads(part), count
        except UnicodeEncodeError:
            return Mistake("this is not UTF-8", count), max(count - 1, 1)
        except RecursionError:
            return Mistake("this is nested too deep", count), max(count - 1, 1)
        except ValueError as error:
            mistake = mistake or _explain(error)
            if not str(error).endswith(_AT_END):
                return _explain(error), max(count - 1, 1)
    assert mistake is not None
    return mistake, 1


def _explain(error: ValueError) -> Mistake:
    """What is wrong in a statement, and in which of its lines."""
    place = _PLACE.search(str(error))
    text = _PLACE.sub("", str(error))
    return Mistake(_PLAINER.get(text, text), int(place["line"] or 1) if place is not None else 1)


def _path_of(table: Any) -> tuple[str, ...]:
    """The dotted key of the table that a header begins.

    A ``[[table]]`` of several is called ``table[]``.
    """
    path: list[str] = []
    while table:
        if isinstance(table, list):
            path[-1] += "[]"
            (table,) = table
        else:
            ((name, table),) = table.items()
            path.append(name)
    return tuple(path)


def _leaves(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values in a table, by their dotted keys.

    :param path: its own.
    """
    for name, item in table.items():
        if isinstance(item, dict) and item and len(path) < _DEEPEST:
            yield from _leaves(item, (*path, name))
        else:
            yield (*path, name), item
