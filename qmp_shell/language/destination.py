"""Where the output of a line goes: what ``|``, ``>`` and ``>>`` at its end mean.

This module opens no files and runs no programs, and does not know which views there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..record import Record
from .logical_line import ParseError
from .references import VARIABLE_NAME
from .values import parse_string
from .words import APPEND, DOUBLE_QUOTED, PIPE, SINGLE_QUOTED, WRITE, Word, split_words

HOST_COMMAND = "exec:"
"""What stands before a command that QEMU is to run on its host, as where a migration goes."""

# Patterns; re compiles each when it is first used, since most lines need none of them.
# "./program" and "../program" are programs.
_VIEW = r"\.[^\s/.|]*(?=[\s|]|$)"
_KEEP = "let"
_TARGETS = (PIPE, WRITE, APPEND)
# A word of free text, which may be in quotes, and the blanks before it.
_FREE_WORD = rf"(?:^|(?<=\s))(?:{DOUBLE_QUOTED}|{SINGLE_QUOTED}|(?P<bare>\S+))"
# A "|" between the numbers, registers and brackets of an expression of the human monitor.
_OR = r"\|\s*(?:[^\sA-Za-z_/.~]|~[^/]|$)"
# In the human monitor, an operator is a word of its own.
_ALONE = r"(?:\||>>?)(?=\s)"


class ViewRequest(Record):
    """How a reply is to be shown: what follows ``|`` if that begins with a dot.

    :ivar name: of the view, without the dot. There may be none of that name.
    :ivar columns: the words after it.
    """

    def __init__(self, name: str, columns: tuple[str, ...] = ()) -> None:
        self.name = name
        self.columns = columns


class OutputFile(Record):
    """A file that output is written to.

    :ivar appends: what it holds already is kept.
    """

    def __init__(self, path: str, appends: bool) -> None:
        self.path = path
        self.appends = appends


class Destination(Record):
    """Where the output of a line goes. By default it is displayed.

    :ivar view: how a reply is to be shown; None: as the settings say, and on one line for a
        program or a file.
    :ivar variable: the variable that keeps what a command returns, which is not displayed then.
    :ivar file: the file that it is written to.
    :ivar pipeline: the shell command that gets it as its input.
    """

    def __init__(
        self,
        view: ViewRequest | None = None,
        variable: str | None = None,
        file: OutputFile | None = None,
        pipeline: str | None = None,
    ) -> None:
        self.view = view
        self.variable = variable
        self.file = file
        self.pipeline = pipeline

    @property
    def is_display(self) -> bool:
        """Whether the output is displayed."""
        return self.variable is None and self.file is None and self.pipeline is None


DISPLAY = Destination()


def check_host_command(values: Iterable[str], operator: Word) -> None:
    """Refuse ``uri=exec:cat > FILE``: QEMU is to run all of ``cat > FILE``, which needs quotes.

    :param values: what stands before an operator, as it is written.
    :raise ParseError: one of them is such a command, without quotes around it.
    """
    is_view = operator.key == PIPE and re.match(_VIEW, operator.value or "") is not None
    if not is_view and any(value.startswith(HOST_COMMAND) for value in values):
        raise ParseError(
            f"this would be for the reply; put quotes around all that {HOST_COMMAND} is to run",
            operator.start,
        )


def parse_destination(operators: Iterable[Word]) -> Destination:
    """Parse the words that begin with ``|``, ``>`` or ``>>``.

    :raise ParseError: an operand is missing or of a wrong kind, or there are two places to go to.
    """
    found = DISPLAY
    for word in operators:
        if not found.is_display:
            raise ParseError(f"nothing can follow {_name(found)}", word.start)
        if not word.value:
            what = "a shell command" if word.key == PIPE else "a path"
            raise ParseError(f"{what} is missing after {word.key}", word.start)
        if word.key == PIPE:
            found = _parse_pipe(word.value, word.value_start)
        else:
            found = found.replaced(file=_parse_file(word))
    return found


def _name(destination: Destination) -> str:
    return "> FILE" if destination.file is not None else "| COMMAND"


def _parse_file(word: Word) -> OutputFile:
    text = word.value or ""
    if text.startswith(("{", "[")):
        raise ParseError("expected a path", word.value_start)
    is_quoted = text.startswith(('"', "'"))
    path = parse_string(text, word.value_start) if is_quoted else text
    return OutputFile(path, word.key == APPEND)


def _parse_pipe(text: str, start: int) -> Destination:
    """Parse what follows a ``|``: a shell pipeline, a view with what follows it, or ``.let``.

    :param start: where it stands in the line.
    """
    if re.match(_VIEW, text) is None:
        return Destination(pipeline=text)
    try:
        view, *words = split_words(text)
        name = view.key[1:]
        operators = [word for word in words if word.key in _TARGETS]
        columns = tuple(word.key for word in words if word not in operators)
        if name == _KEEP:
            return Destination(variable=_parse_variable(columns, operators))
        target = parse_destination(operators)
        if target.view is not None or target.variable is not None:
            raise ParseError(
                f"only a shell command or > FILE can follow .{name}", operators[0].start
            )
        return target.replaced(view=ViewRequest(name, columns))
    except ParseError as error:
        error.offset += start
        raise


def _parse_variable(names: tuple[str, ...], operators: list[Word]) -> str:
    if len(names) != 1 or operators or re.fullmatch(VARIABLE_NAME, names[0]) is None:
        raise ParseError("write | .let NAME, and nothing after it", 0)
    return names[0]


def split_destination(text: str, *, human: bool = False) -> tuple[str, Destination]:
    """Split a text that is not made of arguments into itself and where its output goes.

    :param human: it is a line for the human monitor, which has no comments, and whose
        expressions may have a ``|`` between two numbers.
    :raise ParseError: as :func:`parse_destination`.
    """
    alone, expression = re.compile(_ALONE), re.compile(_OR)
    before: list[str] = []
    for match in re.finditer(_FREE_WORD, text):
        word, start = match["bare"] or "", match.start()
        if word.startswith("#") and not human:
            break
        is_operator = word.startswith((PIPE, WRITE))
        if is_operator and human:
            is_operator = bool(alone.match(text, start)) and not expression.match(text, start)
        if is_operator:
            operators = list(split_words(text, start))
            extra = next((each for each in operators if each.key not in _TARGETS), None)
            if extra is not None:
                raise ParseError("nothing may follow here", extra.start)
            if human:
                check_host_command(before, operators[0])
            return text[:start].rstrip(), parse_destination(operators)
        before.append(word)
    return text, DISPLAY
