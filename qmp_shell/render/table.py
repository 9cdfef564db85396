"""A reply as a table: a row for each object of a list; of one object, a row for each member."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..errors import UsageError
from ..output import SafeText
from ..static_typing import TYPE_CHECKING, Any
from .cells import Row, format_cell, format_plain, make_record, make_rows, typed_columns
from .columns import Columns, ask_columns, choose_columns, fits, shorten_paths
from .parts import Part
from .text import sanitize, sanitize_line

if TYPE_CHECKING:
    from .views import Look, Subject

# A VM may send objects that all have other members.
_MOST_CSV_CELLS = 20_000_000
_GAP = 2  # columns between two columns

Cells = Mapping[str, str]


def view_table(subject: Subject, look: Look) -> SafeText:
    """A table of what a command returned; see :data:`~qmp_shell.render.views.View`.

    One object is shown whole: a line for each of its members. So are the objects of a list, one
    after the other, if there is no room for the columns that were asked for.
    """
    value = subject.value
    if subject.text is not None and not subject.columns:
        return sanitize(subject.text.rstrip())
    if not isinstance(value, list):
        return _view_record(value, subject.columns, look)
    rows = make_rows(value)
    cells = [_format_row(row) for row in rows]
    declared = typed_columns(subject.find_type()) if not rows or not subject.columns else []
    width = look.find_width()
    if not subject.columns:
        return _draw_rows(rows, cells, choose_columns(rows, cells, declared, width), look)
    given = [path for row in rows for path in row]
    columns = ask_columns(subject.columns, given or declared)
    if fits(columns.headings, cells, width):
        return _draw_rows(rows, cells, columns, look)
    return SafeText("\n\n".join(_draw_record(row, columns.headings, look) for row in cells))


def view_csv(subject: Subject, look: Look) -> SafeText:
    """Values separated by commas, for a spreadsheet: all columns, and numbers as they are."""
    del look
    value = subject.value
    rows = make_rows(value if isinstance(value, list) else [value])
    paths = list(dict.fromkeys(path for row in rows for path in row))
    if not rows:
        paths = typed_columns(subject.find_type())
    if subject.columns:
        paths = list(ask_columns(subject.columns, paths).headings)
    if len(paths) * len(rows) > _MOST_CSV_CELLS:
        raise UsageError(f"the reply has {len(paths)} columns; name those that you want")
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([sanitize_line(path) for path in paths])
    for row in rows:
        writer.writerow(
            [sanitize_line(format_plain(row[path])) if path in row else "" for path in paths]
        )
    return SafeText(file.getvalue().removesuffix("\n"))


def _format_row(row: Row) -> dict[str, str]:
    return {path: format_cell(path, value) for path, value in row.items()}


def _draw_rows(
    rows: Sequence[Row], cells: Sequence[Cells], columns: Columns, look: Look
) -> SafeText:
    from rich.table import Table

    from .drawing import draw_table, make_text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for path, heading in columns.headings.items():
        is_number = any(_is_number(row.get(path)) for row in rows)
        table.add_column(
            make_text(Part(heading, "bold")),
            justify="right" if is_number else "left",
            overflow="fold",
        )
    for row in cells:
        table.add_row(*(make_text(Part(row.get(path, ""))) for path in columns.headings))
    missing = _missing(rows, columns.headings) if rows else []
    lines = [draw_table(table, look)] if len(missing) < len(columns.headings) else []
    remarks = [*_remarks(rows, columns), *_tell_missing("no row has", missing, rows)]
    return SafeText("\n".join([*lines, *_draw_remarks(remarks, look)]))


def _draw_remarks(remarks: Iterable[str], look: Look) -> Iterator[SafeText]:
    """Each on a line, of which the end is left out if there is no room for it."""
    from .drawing import draw, make_text

    width = look.find_width()
    for line in remarks:
        cut = line if width is None or len(line) <= width else f"{line[: width - 3]}..."
        yield draw(make_text(Part(cut, "dim")), look)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _remarks(rows: Sequence[Row], columns: Columns) -> Iterable[str]:
    """What the rows have in common, and which columns there are besides."""
    if not rows:
        yield "no rows"
    for which, row in (("in all rows", columns.same), ("in some rows", columns.empty)):
        texts = [f"{path}={format_cell(path, value)}" for path, value in row.items()]
        if texts:
            yield f"{which}: {', '.join(texts)}"
    if columns.left_out:
        yield f"more columns: {', '.join(columns.left_out)}"


def _missing(rows: Sequence[Row], paths: Iterable[str]) -> list[str]:
    """The columns that no row has."""
    return [path for path in paths if not any(path in row for row in rows)]


def _tell_missing(before: str, missing: Iterable[str], rows: Sequence[Row]) -> Iterator[str]:
    """For each column that no row has: that, and which may be meant."""
    known: Collection[str] = ()
    for path in missing:
        from ..schema.suggestions import format_suggestion

        known = known or shorten_paths(dict.fromkeys(each for row in rows for each in row)).values()
        yield f"{before} {path}{format_suggestion(path, known, 'there are')}"


def _view_record(value: Any, asked: Sequence[str], look: Look) -> SafeText:
    record = make_record(value)
    headings = ask_columns(asked, record).headings if asked else {path: path for path in record}
    if not headings:
        return SafeText("{}")
    missing = _missing([record], headings)
    lines = [_draw_record(_format_row(record), headings, look)] * (len(missing) < len(headings))
    remarks = _tell_missing("there is no", missing, [record])
    return SafeText("\n".join([*lines, *_draw_remarks(remarks, look)]))


def _draw_record(cells: Cells, headings: Mapping[str, str], look: Look) -> SafeText:
    """One object: its members, each on a line."""
    return draw_pairs(((heading, cells.get(path, "")) for path, heading in headings.items()), look)


def draw_pairs(rows: Iterable[tuple[str, str]], look: Look) -> SafeText:
    """Two columns: names, and what they are or what value they have."""
    from rich.table import Table
    from rich.text import Text

    from .drawing import draw_table, make_text

    rows = list(rows)
    width = look.find_width()
    most = width and width * 3 // 5
    room = width and width - min(max((len(name) for name, _ in rows), default=0), most or 0) - _GAP
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=False)
    table.add_column(overflow="fold", max_width=most)
    table.add_column(overflow="fold")
    for name, text in rows:
        lines = [make_text(Part(line)) for line in _fold_paths(text, room)]
        table.add_row(make_text(Part(name, "key")), Text("\n").join(lines))
    return draw_table(table, look)


def _fold_paths(text: str, width: int | None) -> list[str]:
    """A text over several lines, broken at blanks, and after ``/`` in a word that is longer."""
    if width is None or len(text) <= width:
        return [text]
    lines = [""]
    for word in re.findall(r"\S+\s*", text):
        is_long = len(word.rstrip()) > width
        for part in re.findall(r"[^/]*/|[^/]+", word) if is_long else [word]:
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return lines
