"""The views: how a reply can be shown. Each is a function and a row of :data:`VIEWS`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ..errors import UsageError
from ..messages import Message, ReceivedMessage
from ..output import SafeText
from ..record import Record
from ..static_typing import TYPE_CHECKING, Any
from .text import PLAIN, JsonMarks, format_compact, format_pretty

if TYPE_CHECKING:
    from ..schema import Type


def _return_none() -> None:
    return None


class Look(Record):
    """What an output can show.

    :ivar colour: terminal escapes for colours.
    :ivar ascii_only: JSON has no characters beyond ASCII.
    :ivar find_width: returns how many characters fit on a line; None: any number.
    :ivar supports_unicode: tables and trees may have characters beyond ASCII.
    """

    def __init__(
        self,
        colour: bool,
        ascii_only: bool,
        find_width: Callable[[], int | None] = _return_none,
        supports_unicode: bool = True,
    ) -> None:
        self.colour = colour
        self.ascii_only = ascii_only
        self.find_width = find_width
        self.supports_unicode = supports_unicode


class Subject(Record):
    """What is to be shown.

    :ivar message: the reply, which has a member ``return`` or ``error``.
    :ivar columns: those that were asked for; empty: a view that has columns chooses them.
    :ivar find_type: looks up the type of what was returned; None: it is not known.
    :ivar received: the same as it was received; None: it was not, or it was changed.
    """

    def __init__(
        self,
        message: Message,
        columns: tuple[str, ...] = (),
        find_type: Callable[[], Type | None] = _return_none,
        received: ReceivedMessage | None = None,
    ) -> None:
        self.message = message
        self.columns = columns
        self.find_type = find_type
        self.received = received

    @property
    def value(self) -> Any:
        """What was returned, or the error."""
        return self.message.get("return", self.message.get("error"))

    @property
    def text(self) -> str | None:
        """The text of several lines that was returned, alone or as an object's only member.

        As of the commands that return a ``HumanReadableText``; None: it is something else.
        """
        value = self.value
        if isinstance(value, dict) and len(value) == 1:
            [value] = value.values()
        return value if isinstance(value, str) and "\n" in value.strip() else None


View = Callable[[Subject, Look], SafeText]
"""Makes text of a reply."""


def view_json(subject: Subject, look: Look) -> SafeText:
    """JSON over many lines, indented."""
    return format_pretty(subject.message, ascii_only=look.ascii_only, marks=_marks(look))


def view_compact(subject: Subject, look: Look) -> SafeText:
    """JSON on one line."""
    if subject.received is not None and not look.colour:
        line = subject.received.line
        if line is not None:
            return SafeText(line)
    return format_compact(subject.message, _marks(look))


def _marks(look: Look) -> JsonMarks:
    if not look.colour:
        return PLAIN
    from .palette import JSON_MARKS

    return JSON_MARKS


def find_width() -> int | None:
    """Return the width of a line in characters: ``$COLUMNS``, or that of the terminal.

    :return: None: standard output is no terminal, so there is no limit.
    """
    import shutil

    return shutil.get_terminal_size((0, 0)).columns or None


class ViewType(Record):
    """A view as users choose it.

    :ivar draw: makes the text.
    :ivar summary: what it is, in a few words.
    :ivar most_values: a reply of more values takes too long in it, and is shown as JSON.
    """

    def __init__(self, draw: View, summary: str, most_values: int | None = None) -> None:
        self.draw = draw
        self.summary = summary
        self.most_values = most_values


def _late(module: str, function: str) -> View:
    """A view whose module is imported when it is first used."""

    def draw(subject: Subject, look: Look) -> SafeText:
        view: View = getattr(import_module(f".{module}", __package__), function)
        return view(subject, look)

    return draw


VIEWS: dict[str, ViewType] = {
    "json": ViewType(view_json, "JSON, indented"),
    "table": ViewType(_late("table", "view_table"), "a table that fits the width", 50_000),
    "tree": ViewType(_late("tree", "view_tree"), "an indented tree", 50_000),
    "compact": ViewType(view_compact, "JSON on one line"),
    "csv": ViewType(_late("table", "view_csv"), "comma-separated values, for a spreadsheet"),
}
"""All views, by the names that users choose them by."""


# Those in which one key shows a reply in turn.
_CYCLE = ("json", "table", "tree")
FOR_PROGRAMS = Look(colour=False, ascii_only=False)
"""What another program reads: without colours, and as wide as it is."""


def check_view(name: str) -> None:
    """:raise UsageError: there is no view of this name."""
    if name not in VIEWS:
        from ..schema.suggestions import similar_names

        listed = ", ".join(f".{each}" for each in VIEWS)
        similar = "".join(f"; did you mean .{each}?" for each in similar_names(name, VIEWS)[:1])
        raise UsageError(f"no view .{name}; there are {listed}{similar}")


def next_view(view: str) -> str:
    """The view in which to show what is shown in one already."""
    after = _CYCLE.index(view) + 1 if view in _CYCLE else 0
    return _CYCLE[after % len(_CYCLE)]


def format_for_program(subject: Subject, view: str) -> SafeText:
    """A reply as another program reads it: without colours, and as wide as it is."""
    return VIEWS[view].draw(subject, FOR_PROGRAMS)


def json_view(view: str) -> str:
    """The view of JSON in which to show what is not a reply, where replies have some view."""
    return view if view in ("json", "compact") else "compact"


def fitting_view(view: str, message: Message) -> str:
    """The view, or that of JSON if it would take too long for so long a reply."""
    most = VIEWS[view].most_values
    return "json" if most is not None and _has_more_values(message, most) else view


def _has_more_values(value: Any, most: int) -> bool:
    """Whether there are more scalars, lists and objects in a value than so many."""
    unseen = [value]
    seen = 0
    while unseen and seen + len(unseen) <= most:
        value = unseen.pop()
        seen += 1
        if isinstance(value, dict | list):
            unseen.extend(value.values() if isinstance(value, dict) else value)
    return bool(unseen)
