"""What the user of a session can choose with ``.set``. Each setting is one row of Settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from ..errors import UsageError
from ..language.values import SWITCH_WORDS
from ..render.views import VIEWS
from ..static_typing import Any, Generic, TypeVar, overload

T = TypeVar("T")

_LONGEST_SECONDS = 1e8


class Option(Generic[T]):
    """One setting: its type, its default and what it is for.

    It is a descriptor: ``settings.NAME`` is the chosen value.

    :ivar name: what ``.set`` calls it: the name of the attribute.
    :ivar candidates: words that are completed as its value.
    """

    name: str
    candidates: tuple[str, ...] = ()

    def __init__(self, default: T, summary: str) -> None:
        self.default = default
        self.summary = summary

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type) -> Option[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> Option[T] | T:
        if settings is None:
            return self
        value: T = settings.values.get(self.name, self.default)
        return value

    def __set__(self, settings: Settings, value: T) -> None:
        settings.choose(self, value)

    def put(self, values: MutableMapping[str, Any], value: T) -> None:
        """Set it in values of settings by their names."""
        values[self.name] = value

    def parse(self, text: str) -> T:
        """The value that a word of the user means.

        :raise UsageError: it means none.
        """
        raise NotImplementedError

    def format(self, value: T) -> str:
        """The value as the user would write it."""
        raise NotImplementedError


class Choice(Option[T]):
    """One of a few values, each of which has one or more words."""

    def __init__(
        self, default: T, summary: str, words: Mapping[str, T], candidates: tuple[str, ...]
    ) -> None:
        """
        :param words: the value of each word that is understood.
        :param candidates: the words that are shown, one for each value.
        """
        super().__init__(default, summary)
        self._words = words
        self.candidates = candidates

    def parse(self, text: str) -> T:
        if text.lower() not in self._words:
            *others, last = self.candidates
            raise UsageError(f"{self.name} is {', '.join(others)} or {last}")
        return self._words[text.lower()]

    def format(self, value: T) -> str:
        return next(word for word in self.candidates if self._words[word] == value)


class Switch(Choice[bool]):
    """On or off."""

    def __init__(self, default: bool, summary: str) -> None:
        super().__init__(default, summary, SWITCH_WORDS, ("on", "off"))


class Seconds(Option[float | None]):
    """A time span in seconds, or ``off`` (None) for no limit."""

    candidates = ("off",)

    def parse(self, text: str) -> float | None:
        return None if text == "off" else parse_seconds(text)

    def format(self, value: float | None) -> str:
        return "off" if value is None else f"{value:g}"


class PrettySwitch(Switch):
    """On for the view ``json``, off for ``compact``: what ``-p`` and ``--compact`` choose."""

    def __get__(self, settings: Settings | None, owner: type) -> Any:
        return self if settings is None else Settings.view.__get__(settings, owner) == "json"

    def put(self, values: MutableMapping[str, Any], value: bool) -> None:
        Settings.view.put(values, "json" if value else "compact")


class Settings:
    """The values that hold: those that the user has chosen, else those of the VM, else defaults.

    :ivar values: all of them, by the settings' names, but for those that have the option's own.
    """

    def __init__(self, defaults: Mapping[str, Any] | None = None) -> None:
        """:param defaults: in place of the options' own."""
        self._defaults = dict(defaults or {})
        self._of_vm: dict[str, Any] = {}
        self._chosen: dict[str, Any] = {}
        self.values = self._defaults

    def use_for_vm(self, values: Mapping[str, Any]) -> None:
        """Use values that hold for one VM, in place of those for the one before."""
        self._of_vm = dict(values)
        self._update()

    def choose(self, option: Option[T], value: T) -> None:
        """Use a value that the user has chosen."""
        option.put(self._chosen, value)
        self._update()

    @contextmanager
    def overridden(self, **values: Any) -> Iterator[None]:
        """Use other values than the user's as long as this context lasts."""
        chosen = self._chosen
        self._chosen = {**chosen, **values}
        self._update()
        try:
            yield
        finally:
            self._chosen = chosen
            self._update()

    def _update(self) -> None:
        self.values = {**self._defaults, **self._of_vm, **self._chosen}

    confirm = Choice(
        "destructive",
        "ask before what loses something (destructive), or what may change the VM (all)",
        {word: "destructive" if is_on else "off" for word, is_on in SWITCH_WORDS.items()}
        | {"all": "all", "destructive": "destructive"},
        ("all", "destructive", "off"),
    )
    editing = Choice(
        "emacs",
        "the keys that edit a line: emacs or vi",
        {name: name for name in ("emacs", "vi")},
        ("emacs", "vi"),
    )
    events = Switch(True, "show events")
    pager = Switch(True, "show what is taller than the screen in $PAGER")
    pretty = PrettySwitch(True, "on: the view json; off: compact")
    reconnect = Switch(False, "attach again by itself as soon as a lost VM can be reached")
    timeout = Seconds(None, "how long a command may take, in seconds; off: no limit")
    verbose = Switch(False, "show each message sent and received")
    view = Choice(
        "json",
        "how replies are shown",
        {name: name for name in VIEWS} | {"pretty": "json"},
        tuple(VIEWS),
    )

    # Chosen with .events, not with .set: patterns of the names of events that are shown.
    event_patterns: tuple[str, ...] = ()

    def shows_event(self, name: str) -> bool:
        """Whether events of a name are shown. A pattern after ``!`` leaves events out."""
        if not self.events:
            return False
        if not self.event_patterns:
            return True
        included = [each for each in self.event_patterns if not each.startswith("!")]
        excluded = [each[1:] for each in self.event_patterns if each.startswith("!")]
        return (not included or any(name_matches(name, each) for each in included)) and not any(
            name_matches(name, each) for each in excluded
        )

    def folds_event(self, name: str) -> bool:
        """Whether an event may be shown with others on one line: it was not asked for by name."""
        return not any(
            name_matches(name, each) for each in self.event_patterns if not each.startswith("!")
        )

    def format(self, name: str) -> str:
        """A setting's value as the user would write it.

        :raise UsageError: there is no such setting.
        """
        option = find_option(name)
        return option.format(getattr(self, option.name))

    def change(self, name: str, text: str) -> None:
        """Choose a value.

        :raise UsageError: there is no such setting, or it has no such value.
        """
        option = find_option(name)
        option.__set__(self, option.parse(text))


OPTIONS: dict[str, Option[Any]] = {
    name: option for name, option in vars(Settings).items() if isinstance(option, Option)
}
"""Each setting's option, by the setting's name."""


def find_option(name: str) -> Option[Any]:
    """A setting.

    :raise UsageError: there is none of this name.
    """
    if name not in OPTIONS:
        from ..schema.suggestions import suggest

        advice = suggest(name, OPTIONS, "there are") or ".set lists them"
        raise UsageError(f"no setting {name!r}; {advice}")
    return OPTIONS[name]


def name_matches(name: str, pattern: str) -> bool:
    """Whether a name contains a pattern, in any case; with ``*`` or ``?``, whether it fits it."""
    from fnmatch import fnmatchcase

    if not any(mark in pattern for mark in "*?["):
        pattern = f"*{pattern}*"
    return fnmatchcase(name.lower(), pattern.lower())


def parse_seconds(text: str) -> float:
    """Parse a time span in seconds, greater than 0.

    :raise UsageError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < _LONGEST_SECONDS:
        raise UsageError(f"{text!r} is not a number of seconds greater than 0")
    return seconds
