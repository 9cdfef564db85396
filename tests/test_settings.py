"""What a user chooses, and what the prompt keeps: settings, timers, floods of events, history."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.utils import get_cwidth

from qmp_shell.complete import Signature
from qmp_shell.errors import UsageError
from qmp_shell.prompt.event_limiter import EventLimiter, EventSum
from qmp_shell.prompt.history import PrivateFileHistory, StatementHistory, open_history
from qmp_shell.prompt.timer import Timer
from qmp_shell.prompt.toolbar import signature_toolbar, status_toolbar
from qmp_shell.schema.text import Part
from qmp_shell.session import Settings, parse_seconds
from qmp_shell.session.settings import OPTIONS, Option, find_option, name_matches
from qmp_shell.vm.records import Job, Migration, Progress
from qmp_shell.vm.status import VmStatus

# Settings


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_each_candidate_of_a_setting_is_a_value_that_reads_back(name: str) -> None:
    settings, option = Settings(), find_option(name)
    assert option.summary
    for word in option.candidates:
        settings.change(name, word)
        assert settings.format(name) == word
        assert getattr(settings, name) == option.parse(word)


def test_settings_of_two_sessions_are_apart() -> None:
    one, other = Settings(), Settings()
    one.change("confirm", "off")
    one.timeout = 5.0
    assert (one.confirm, one.timeout) == ("off", 5.0)
    assert (other.confirm, other.timeout) == ("destructive", None)
    assert isinstance(Settings.confirm, Option), "on the class, it is the option itself"
    assert Settings.confirm.default == "destructive"


@pytest.mark.parametrize("word", ["on", "ON", "yes", "true", "True"])
def test_words_for_on(word: str) -> None:
    assert find_option("verbose").parse(word) is True
    assert find_option("confirm").parse(word) == "destructive", "its words were those of a switch"


@pytest.mark.parametrize("word", ["off", "Off", "no", "false"])
def test_words_for_off(word: str) -> None:
    assert find_option("verbose").parse(word) is False
    assert find_option("confirm").parse(word) == "off"


@pytest.mark.parametrize("word", ["", "o", "maybe", "1", "on "])
def test_other_words_are_no_switch(word: str) -> None:
    with pytest.raises(UsageError, match=r"^verbose is on or off$"):
        find_option("verbose").parse(word)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1", 1.0), ("0.25", 0.25), ("1e3", 1000.0), ("99999999", 99999999.0)]
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds
    assert find_option("timeout").parse(text) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "1e8", "inf", "-inf", "nan", "", "on", "1s", "1,5"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_seconds(text)
    assert str(refused.value) == f"{text!r} is not a number of seconds greater than 0"


def test_a_base_option_parses_and_formats_nothing() -> None:
    option: Option[int] = Option(1, "no kind of its own")
    with pytest.raises(NotImplementedError):
        option.parse("1")
    with pytest.raises(NotImplementedError):
        option.format(1)


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [
        ((), ["STOP", "JOB_STATUS_CHANGE", "RTC_CHANGE"]),
        (("job",), ["JOB_STATUS_CHANGE"]),
        (("!rtc*",), ["STOP", "JOB_STATUS_CHANGE"]),
        (("change", "!RTC"), ["JOB_STATUS_CHANGE"]),
        (("st?p", "*_CHANGE"), ["STOP", "JOB_STATUS_CHANGE", "RTC_CHANGE"]),
        (("t*",), []),
    ],
)
def test_patterns_choose_events(patterns: tuple[str, ...], shown: list[str]) -> None:
    settings = Settings()
    settings.event_patterns = patterns
    names = ["STOP", "JOB_STATUS_CHANGE", "RTC_CHANGE"]
    assert [name for name in names if settings.shows_event(name)] == shown
    settings.events = False
    assert not any(map(settings.shows_event, names))


@pytest.mark.parametrize(
    ("pattern", "matches"), [("[", False), ("[S]TOP", True), ("", True), ("to", True)]
)
def test_a_pattern_may_have_brackets(pattern: str, matches: bool) -> None:
    assert name_matches("STOP", pattern) is matches


# Timers


def run(*steps: Callable[[Timer, asyncio.AbstractEventLoop], None]) -> list[float]:
    """When a timer fired, after steps in one event loop that lasts until it has fired."""
    fired: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def fire() -> None:
            fired.append(time.monotonic())
            done.set()

        timer = Timer(fire)
        for step in steps:
            step(timer, loop)
        await asyncio.wait_for(done.wait(), 20)

    asyncio.run(main())
    return fired


def test_a_timer_fires_once_and_not_too_early() -> None:
    due = time.monotonic() + 0.02
    (fired,) = run(lambda timer, _: timer.set(due))
    assert fired >= due - 0.002  # by the granularity of the event loop's clock


def test_a_time_that_has_passed_is_now() -> None:
    assert len(run(lambda timer, _: timer.set(0.0))) == 1


def test_the_earlier_time_counts() -> None:
    begin = time.monotonic()
    (fired,) = run(
        lambda timer, _: timer.set(begin + 3600),
        lambda timer, _: timer.set(begin),
        lambda timer, _: timer.set(begin + 7200),
    )
    assert fired < begin + 3600


def test_a_timer_can_be_set_again_from_its_own_callback() -> None:
    fired: list[int] = []

    async def main() -> None:
        done = asyncio.Event()

        def fire() -> None:
            fired.append(len(fired))
            if len(fired) < 3:
                timer.set(time.monotonic())
            else:
                done.set()

        timer = Timer(fire)
        timer.set(time.monotonic())
        await asyncio.wait_for(done.wait(), 20)

    asyncio.run(main())
    assert fired == [0, 1, 2]


def test_a_timer_of_a_loop_that_has_ended_counts_as_not_set() -> None:
    fired: list[str] = []
    events: list[asyncio.Event] = []

    def fire() -> None:
        fired.append("fired")
        events[-1].set()

    timer = Timer(fire)

    async def leave_it_set() -> None:
        timer.set(time.monotonic() + 3600)

    async def set_it_later() -> None:
        events.append(asyncio.Event())
        timer.set(time.monotonic())
        await asyncio.wait_for(events[-1].wait(), 20)

    asyncio.run(leave_it_set())
    assert fired == []
    asyncio.run(set_it_later())
    assert fired == ["fired"]


# Floods of events


@hypothesis.given(
    st.lists(st.tuples(st.sampled_from("AB"), st.floats(0, 0.4)), max_size=80), st.booleans()
)
def test_no_event_is_lost(events: list[tuple[str, float]], take_at_once: bool) -> None:
    """Each event is either shown or counted in exactly one sum, and no second shows too many."""
    limiter = EventLimiter()
    now, shown, summed = 0.0, 0, 0
    for name, pause in events:
        now += pause
        shown += limiter.allows(name, now)
        summed += sum(count for _, count in limiter.take_sums(now))
    due = limiter.next_due
    end = now if take_at_once or due is None else due
    summed += sum(count for _, count in limiter.take_sums(end, all_at_once=take_at_once))
    summed += sum(count for _, count in limiter.take_sums(end + 10))
    assert shown + summed == len(events)
    assert limiter.next_due is None


def test_the_next_sum_is_that_of_the_oldest_flood() -> None:
    limiter = EventLimiter()
    for name, begin in (("A", 5.0), ("B", 5.5)):
        for _ in range(11):
            limiter.allows(name, begin)
    assert limiter.next_due == 6.0
    assert limiter.take_sums(6.0) == [EventSum("A", 1)]
    assert limiter.next_due == 6.5


def test_a_flood_is_over_after_a_second_without_a_hidden_event() -> None:
    limiter = EventLimiter()
    assert [limiter.allows("A", 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert limiter.take_sums(1.0) == [EventSum("A", 1)]
    assert not limiter.allows("A", 1.9)
    assert limiter.take_sums(2.0) == [EventSum("A", 1)]
    assert [limiter.allows("A", 3.0) for _ in range(11)] == [True] * 10 + [False]


# History


@pytest.fixture
def history() -> StatementHistory:
    return StatementHistory(InMemoryHistory())


def test_a_transaction_is_one_entry(history: StatementHistory) -> None:
    history.add("query-name", is_open=False)
    for line in ("transaction(", "abort"):
        history.add(line, is_open=True)
    assert history.get_strings() == ["query-name", "transaction(", "abort"]
    history.add(")", is_open=True)
    history.end_transaction()
    assert history.get_strings() == ["query-name", "transaction(\nabort\n)"]
    history.end_transaction()
    assert history.get_strings() == ["query-name", "transaction(\nabort\n)"]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_line_is_no_entry(history: StatementHistory, text: str) -> None:
    history.add(text, is_open=False)
    history.add(text, is_open=True)
    history.end_transaction()
    assert history.get_strings() == []


def test_a_line_typed_twice_is_one_entry(history: StatementHistory) -> None:
    for text in ("a", "a", "b", "a"):
        history.add(text, is_open=False)
    assert history.get_strings() == ["a", "b", "a"]


def test_prompt_toolkit_adds_nothing_by_itself(history: StatementHistory) -> None:
    history.append_string("query-name")
    assert history.get_strings() == []


def test_history_is_kept_from_one_run_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    warnings: list[str] = []
    first = open_history("history", warnings.append)
    first.add("query-name", is_open=False)
    first.add("transaction(\nabort\n)", is_open=False)
    first.add("set_password protocol=vnc password=hunter2", is_open=False)
    assert first.get_strings() == ["query-name", "transaction(\nabort\n)"]
    file = tmp_path / "qmp-shell" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "hunter2" not in file.read_text()
    again = open_history("history", warnings.append)
    assert list(again.load_history_strings()) == ["transaction(\nabort\n)", "query-name"]
    assert warnings == []


def test_a_relative_state_folder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    open_history("history", pytest.fail).add("a", is_open=False)
    assert "+a" in (tmp_path / ".local/state/qmp-shell/history").read_text()


def test_a_history_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qmp-shell").write_text("this is no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    warnings: list[str] = []
    history = open_history("history", warnings.append)
    history.add("a", is_open=False)
    assert history.get_strings() == ["a"], "it is kept for this run"
    (warning,) = warnings
    assert warning.startswith(f"{tmp_path}/qmp-shell")
    assert warning.endswith("; no history is kept")


def test_a_user_without_a_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for an unknown user
    warnings: list[str] = []
    history = open_history("history", warnings.append)
    history.add("a", is_open=False)
    assert history.get_strings() == ["a"]
    assert warnings == ["there is no home directory; no history is kept"]


def test_a_history_that_cannot_be_written_any_more_says_so_once(tmp_path: Path) -> None:
    warnings: list[str] = []
    file = PrivateFileHistory(str(tmp_path), warnings.append)  # a folder
    file.store_string("a")
    file.store_string("b")
    assert warnings == [f"{tmp_path}: {os.strerror(21)}; no history is kept"]


# The toolbar


def toolbar_text(signature: Signature, columns: int) -> str:
    return fragment_list_to_text(signature_toolbar(signature, columns))


PARTS = [Part(name, f"{name}=str") for name in ("one", "two", "three", "four")]


@pytest.mark.parametrize(
    ("columns", "current", "text"),
    [
        (80, "", "cmd one=str two=str three=str four=str"),
        (28, "one", "cmd one=str two=str ..."),
        (31, "three", "cmd ... three=str four=str"),
        (24, "four", "cmd ... four=str"),
        (1, "two", "cmd ... two=str ..."),
    ],
)
def test_a_signature_that_does_not_fit_is_cut(columns: int, current: str, text: str) -> None:
    assert toolbar_text(Signature("cmd", PARTS, set(), current), columns) == text


@hypothesis.given(st.integers(1, 60), st.sampled_from([part.name for part in PARTS]))
def test_the_current_argument_is_always_shown(columns: int, current: str) -> None:
    fragments = signature_toolbar(Signature("cmd", PARTS, {"one"}, current), columns)
    assert [text for style, text, *_ in fragments if style == "class:toolbar.current"] == [
        f"{current}=str"
    ]
    shown = fragment_list_to_text(fragments)
    assert get_cwidth(shown) < columns or shown.count("=str") == 1


def test_a_signature_without_arguments() -> None:
    assert toolbar_text(Signature("query-name", [], set(), ""), 80) == "query-name"


def test_the_status_of_a_vm_at_work() -> None:
    jobs = (
        Job("j0", "mirror", "running", Progress(1, 4)),
        Job("j1", "backup", "ready", Progress()),
    )
    status = VmStatus("vm\x1b[2J", "running", jobs, Migration("active", Progress(0, 0)), True)
    (fragment,) = status_toolbar(status, 200)
    assert fragment[1] == (
        "vm[2J  running  j0 mirror 25%  j1 backup ready  migration active  (no answer)"
    )
    (fragment,) = status_toolbar(status, 30)
    assert get_cwidth(fragment[1]) < 30
    assert fragment[1].startswith("vm[2J  running")
    assert fragment[1].endswith("...")
    assert status_toolbar(VmStatus(), 80) == [("", "")]


def test_a_history_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    warnings: list[str] = []
    file = PrivateFileHistory(str(tmp_path), warnings.append)  # a folder
    assert list(file.load_history_strings()) == []
    assert warnings == [f"{tmp_path}: {os.strerror(21)}; no history is kept"]
