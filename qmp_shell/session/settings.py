"""What the user of a session may choose, and the one place where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UsageError
from ..language.values import SWITCH_WORDS


class Option(NamedTuple):
    """One thing to choose. ``kind`` is ``switch`` or ``seconds``."""

    name: str
    kind: str
    summary: str


OPTIONS = (
    Option("confirm", "switch", "ask before quit, system_reset and system_powerdown"),
    Option("events", "switch", "show events"),
    Option("pager", "switch", "show what is taller than the screen in $PAGER"),
    Option("pretty", "switch", "replies over many lines, indented"),
    Option("timeout", "seconds", "how long a command may take; off: any time"),
    Option("verbose", "switch", "show each message sent and received"),
)


class Settings:
    """The chosen values, each an attribute of its option's name."""

    def __init__(
        self,
        *,
        confirm: bool = True,
        events: bool = True,
        pager: bool = True,
        pretty: bool = True,
        timeout: float | None = None,
        verbose: bool = False,
    ) -> None:
        self.confirm = confirm
        self.events = events
        self.event_patterns: tuple[str, ...] = ()
        self.pager = pager
        self.pretty = pretty
        self.timeout = timeout
        self.verbose = verbose

    def shows_event(self, name: str) -> bool:
        """Whether events of a name are to be shown. A pattern with a ``!`` leaves some out."""
        if not self.events:
            return False
        wanted = [each for each in self.event_patterns if not each.startswith("!")]
        unwanted = [each[1:] for each in self.event_patterns if each.startswith("!")]
        return (not wanted or any(matches(name, each) for each in wanted)) and not any(
            matches(name, each) for each in unwanted
        )

    def show(self, name: str) -> str:
        """A value as the user would write it.

        :raise UsageError: there is no such option.
        """
        value = getattr(self, _find(name).name)
        if value is None or value is False:
            return "off"
        return "on" if value is True else f"{value:g}"

    def change(self, name: str, text: str) -> None:
        """Choose a value.

        :raise UsageError: there is no such option, or it has no such value.
        """
        option = _find(name)
        if option.kind == "switch":
            if text.lower() not in SWITCH_WORDS:
                raise UsageError(f"{name} is on or off")
            setattr(self, option.name, SWITCH_WORDS[text.lower()])
        else:
            setattr(self, option.name, None if text == "off" else read_seconds(text))

    def describe(self) -> Iterator[str]:
        """A line for each option: name, value, what it does."""
        for option in OPTIONS:
            yield f"{option.name:<10}{self.show(option.name):<6}{option.summary}"


def matches(name: str, pattern: str) -> bool:
    """Whether a name has a pattern in it; with ``*`` or ``?``, whether it is like that."""
    from fnmatch import fnmatchcase

    if not any(mark in pattern for mark in "*?["):
        pattern = f"*{pattern}*"
    return fnmatchcase(name.lower(), pattern.lower())


def read_seconds(text: str) -> float:
    """Read a time span that is above 0.

    :raise UsageError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e8:
        raise UsageError(f"{text!r} is no number of seconds")
    return seconds


def _find(name: str) -> Option:
    for option in OPTIONS:
        if option.name == name:
            return option
    raise UsageError(f"no option {name!r}; .set lists them")
