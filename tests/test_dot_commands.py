"""Dot commands: how each reads its argument, with comments and quotes, and what completes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import qmp_shell
from qmp_shell.client import Client, Tracer
from qmp_shell.commands import Registry
from qmp_shell.commands.base import parse_path, split_arguments
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Candidate, Completions, Draft, Kind, NameRequest, Syntax
from qmp_shell.documentation import TOPICS
from qmp_shell.errors import ConnectError, QMPError, ReportedError, UsageError
from qmp_shell.language import LineJoiner, ParseError
from qmp_shell.render.formatter import Formatter
from qmp_shell.render.views import Look
from qmp_shell.schema import Schema
from qmp_shell.schema.suggestions import suggest
from qmp_shell.script import ScriptDisplay
from qmp_shell.session import Session, Settings, Target
from qmp_shell.transport import parse_address
from qmp_shell.transport.stream import Address
from tests.conftest import Run, RunningVm
from tests.sessions import attach, offline_session, offline_types, run_line, stop_at_error
from tests.terminal import Terminal

SETTINGS = [
    *("confirm", "editing", "events", "pager", "pretty", "reconnect", "timeout", "verbose", "view"),
]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def session(schema: Schema) -> Session:
    """A session without a VM, which knows this QEMU's schema."""
    return offline_session(schema)


class Names:
    """Names that are their kinds."""

    def candidates(self, wanted: NameRequest) -> Iterable[Candidate]:
        return [Candidate(wanted.kind)]


def error_of(session: Session, line: str) -> str:
    """The error that a line is refused with."""
    with pytest.raises(QMPError) as refused:
        run_line(session, line)
    return str(refused.value)


# Which lines a script that does again what was typed has


@pytest.mark.parametrize(
    ("line", "is_saved"),
    [
        *((each, False) for each in (".events", ".events # all", "  .set", ".set view", ".log")),
        *((each, False) for each in (".share", ".log # where", ".let", ".let x", ".info", "help")),
        *((each, True) for each in (".events on", ".events STOP", ".set view table")),
        *((each, True) for each in (".set view=table", ".log off", ".log a b", ".share off")),
        *((each, True) for each in (".events > f", ".set | cat", ".share >> f", ".info | cat")),
        *((each, True) for each in (".connect", ".hmp", ".hmp info status", ".sleep 1")),
        *((each, True) for each in (".log 'x", "query-name", ".wait job=x")),
        (".info >", False),
        (".nonesuch", False),
    ],
)
def test_what_only_shows_something_is_not_saved(
    session: Session, line: str, is_saved: bool
) -> None:
    logical = session.join_line(LineJoiner(), line)
    assert logical is not None
    assert session.is_saved(logical) is is_saved


# Words, paths and comments


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("", []),
        ("# all of it", []),
        ("a b", ["a", "b"]),
        ("  a\tb  ", ["a", "b"]),
        ("a # b", ["a"]),
        ("a #", ["a"]),
        ("a#b c", ["a#b", "c"]),
        ("'a # b' c", ["a # b", "c"]),
        ('"a b" # c', ["a b"]),
        (r'"a\n\u00e9"', ["a\né"]),
        (r"'C:\new'", [r"C:\new"]),
        ("''", [""]),
        ('a"b', ['a"b']),
    ],
)
def test_words_of_an_argument(argument: str, words: list[str]) -> None:
    assert split_arguments(argument) == words


@pytest.mark.parametrize("argument", ["'a", '"a b', "a 'b", '"a"b', "'a'#b"])
def test_a_word_in_quotes_has_to_be_closed(argument: str) -> None:
    with pytest.raises(UsageError, match="not closed by its quote"):
        split_arguments(argument)


def test_an_escape_that_is_none_is_refused() -> None:
    with pytest.raises(ParseError):
        split_arguments(r'"\q"')


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("", ""),
        ("# nothing", ""),
        ("/tmp/a b", "/tmp/a b"),
        ("/tmp/a b # comment", "/tmp/a b"),
        ("/tmp/a#b", "/tmp/a#b"),
        ("'/tmp/a # b'", "/tmp/a # b"),
        ('"/tmp/a b"  # comment', "/tmp/a b"),
        (r'"a\tb"', "a\tb"),
        ("it's", "it's"),
    ],
)
def test_the_path_that_an_argument_is(argument: str, path: str) -> None:
    assert parse_path(argument) == path


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("'/tmp/a", "this string is never closed"),
        ("'/tmp/a' b", "nothing but a # comment may follow a path in quotes"),
        ('"a" "b"', "nothing but a # comment may follow a path in quotes"),
    ],
)
def test_a_path_in_quotes_stands_alone(argument: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_path(argument)


@pytest.mark.timeout(20)
def test_a_path_with_many_blanks_takes_linear_time() -> None:
    """With a pattern that backtracks, this took minutes."""
    argument = "a" + " " * 200_000 + "b"
    assert parse_path(argument) == argument
    assert parse_path(f"{argument}  # comment") == argument


# What each command refuses


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (".commands a b", "write .commands [PATTERN]"),
        (".commands no-such-thing # c", "the VM has no command like 'no-such-thing'"),
        (".exit now", ".exit takes no argument"),
        (".info now", ".info takes no argument"),
        (".qmp .info", "write .qmp [COMMAND]"),
        (".set confirm on off", "write .set [OPTION [VALUE]]"),
        (".set nonsense", "no setting 'nonsense'; .set lists them"),
        (".set nonsense on", "no setting 'nonsense'; .set lists them"),
        (".set confirm maybe", "confirm is all, destructive or off"),
        (".set 'confirm", "'confirm is not closed by its quote"),
        (".set timeout on", "'on' is not a number of seconds greater than 0"),
        (".set timeout 0", "'0' is not a number of seconds greater than 0"),
        (".set timeout nan", "'nan' is not a number of seconds greater than 0"),
        (".sleep", "write .sleep SECONDS"),
        (".sleep # 1", "write .sleep SECONDS"),
        (".sleep 1 2", "write .sleep SECONDS"),
        (".sleep soon", "'soon' is not a number of seconds greater than 0"),
        (".sleep -1", "'-1' is not a number of seconds greater than 0"),
        (".sleep inf", "'inf' is not a number of seconds greater than 0"),
        (".history 5", ".history is for the prompt; nothing is typed in a script"),
        (".source", "write .source FILE"),
        (".source # nothing", "write .source FILE"),
        (".source 'a' b", "nothing but a # comment may follow a path in quotes"),
        (".source /no/such/file # c", "/no/such/file: No such file or directory"),
        (".log '/tmp/a' b", "nothing but a # comment may follow a path in quotes"),
        (
            ".log /no/such/folder/f # c",
            "/no/such/folder/f: No such file or directory; no log is kept",
        ),
        (".connect 'a' b", "nothing but a # comment may follow a path in quotes"),
        (".connect # again", "there is no VM"),
        (".oob", "write .oob COMMAND key=value ..."),
        (".watch 0 query-status", "'0' is not a number of seconds greater than 0"),
        (".watch 1.2.3 query-status", "'1.2.3' is not a number of seconds greater than 0"),
        (".watch", "write .watch [SECONDS] COMMAND key=value ..."),
        (".watch # nothing", "write .watch [SECONDS] COMMAND key=value ..."),
        (".watch query-block | jq .", ".watch takes neither | nor >"),
        (".watch 1 query-name | .table", ".watch takes neither | nor >"),
        (".watch query-name >f", ".watch takes neither | nor >"),
        (".wait RESUME | cat", ".wait takes neither | nor >"),
        (".wait job=a >f", ".wait takes neither | nor >"),
        (".top | head", ".top takes neither | nor >"),
        (".watch getfd fdname=f </dev/null", "write .watch [SECONDS] COMMAND key=value ..."),
        (".watch .info", "write .watch [SECONDS] COMMAND key=value ..."),
        (".watch query-status", "there is no VM, only its schema"),
        (".help .nonsense # c", "no command .nonsense; .help lists them"),
        (".nonsense", "no command .nonsense; .help lists them"),
    ],
)
def test_what_a_command_refuses(session: Session, line: str, error: str) -> None:
    assert error_of(session, line) == error


@pytest.mark.parametrize(
    "argument", ["a='b", "a b=1 c", "job=", "status=", "a x=1 job", "timeout=5"]
)
def test_what_cannot_be_waited_for(session: Session, argument: str) -> None:
    assert "write .wait EVENT [path=value ...]" in error_of(session, f".wait {argument}")


def test_waiting_for_what_the_vm_does_not_have(session: Session) -> None:
    assert error_of(session, ".wait STOPP # c") == ("the VM has no event STOPP; did you mean STOP?")
    assert error_of(session, ".wait status=flying # c").startswith("there is no run state flying;")


# What each command makes of a comment and of quotes


def test_commands_are_listed(session: Session, capfd: Output) -> None:
    run_line(session, ".commands 'query-statu' # those of the run state")
    assert re.fullmatch("query-status(  [A-Z].*)?\n", capfd.readouterr().out)
    run_line(session, ".commands # all of them")
    listed = [line.split()[0] for line in capfd.readouterr().out.splitlines()]
    assert {"query-status", "quit", "device_add"} <= set(listed)
    assert listed == sorted(listed)


def test_a_vm_that_does_not_tell_its_commands() -> None:
    assert error_of(offline_session(Schema([])), ".commands") == "the VM does not tell its commands"


@pytest.mark.parametrize(
    ("line", "shown", "patterns"),
    [
        (".events on # all", True, ()),
        (".events off # quiet", False, ()),
        (".events job '!RTC_CHANGE' # some", True, ("job", "!RTC_CHANGE")),
        (".events on off", True, ("on", "off")),
        ('.events "on"', True, ()),
    ],
)
def test_events_are_chosen(
    session: Session, line: str, shown: bool, patterns: tuple[str, ...]
) -> None:
    session.settings.events = not shown
    run_line(session, line)
    assert (session.settings.events, session.settings.event_patterns) == (shown, patterns)


def test_events_are_listed(session: Session, capfd: Output) -> None:
    run_line(session, ".events STOP")
    run_line(session, ".events # which are there?")
    lines = capfd.readouterr().out.splitlines()
    assert "* STOP" in lines
    assert "  RESUME" in lines
    assert lines[-1] == "shown (*): STOP"
    run_line(session, ".events off")
    run_line(session, ".events")
    assert capfd.readouterr().out.splitlines()[-1] == "shown (*): none"
    run_line(session, ".events on")
    run_line(session, ".events")
    assert capfd.readouterr().out.splitlines()[-1] == "shown (*): all"


def test_leaving(session: Session) -> None:
    run_line(session, ".exit # bye")
    assert session.is_finished


def test_modes(session: Session) -> None:
    run_line(session, ".hmp")
    assert (session.prompt, session.is_human) == ("(qemu) ", True)
    run_line(session, ".qmp # back")
    assert (session.prompt, session.is_human) == ("(QEMU) ", False)


def test_settings_are_shown_and_changed(session: Session, capfd: Output) -> None:
    run_line(session, ".set 'confirm' \"off\" # do not ask")
    run_line(session, ".set timeout 2.5 # seconds")
    run_line(session, ".set verbose YES")
    settings = session.settings
    assert (settings.confirm, settings.timeout, settings.verbose) == ("off", 2.5, True)
    run_line(session, ".set confirm # which?")
    run_line(session, ".set timeout")
    assert capfd.readouterr().out == "off\n2.5\n"
    run_line(session, ".set timeout off")
    assert session.settings.timeout is None
    run_line(session, ".set # all of them")
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == SETTINGS
    assert lines[SETTINGS.index("timeout")].split()[:2] == ["timeout", "off"]


@pytest.mark.parametrize("argument", ["", "# with a comment"])
def test_there_is_no_overview_without_a_vm(session: Session, argument: str) -> None:
    with pytest.raises(UsageError, match="there is no VM, only its schema"):
        run_line(session, f".info {argument}")


def test_a_command_that_one_session_has_more_is_among_the_names() -> None:
    assert "tour" in Registry(("tour",)).names()
    assert "tour" not in Registry().names()


def test_names_that_are_equally_similar_are_named_in_order() -> None:
    names = list(Registry(("tour",)).names())
    assert names == sorted(names)
    assert suggest("l", names, "there are", ".") == "did you mean .let or .log?"


def test_a_short_sleep_without_a_vm(session: Session) -> None:
    run_line(session, ".sleep 0.001 # a moment")
    run_line(session, ".sleep '0.001'")


class FixedUser:
    """A user who has typed some lines, and answers no question."""

    tour = None

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.edited: list[str] = []

    def confirm(self, _: str) -> bool:
        return False

    def history(self, *, human: bool) -> list[str]:
        return [] if human else self._lines

    def edit(self, text: str) -> None:
        self.edited.append(text)


def test_edit_takes_the_last_line(schema: Schema) -> None:
    session = offline_session(schema)
    session.user = user = FixedUser(["one", "transaction(\nabort\n)", ".edit"])
    run_line(session, ".edit # it")
    assert user.edited == ["transaction(\nabort\n)"]


def test_history(schema: Schema, capfd: Output) -> None:
    session = offline_session(schema)
    session.user = FixedUser(["one", "two", "three"])
    run_line(session, ".history # all")
    run_line(session, ".history 2 # the last ones")
    run_line(session, ".history 99")
    run_line(session, ".history 0")
    out = capfd.readouterr().out.splitlines()
    assert out == ["one", "two", "three", "two", "three", "one", "two", "three"]
    for argument in ("1 2", "-1", "x", "1" * 10, "²"):
        assert error_of(session, f".history {argument}") == ".history takes a number of lines"


@pytest.mark.parametrize("written", ["{}", "'{}'", '"{}"'])
def test_a_script_whose_name_has_a_blank(
    session: Session, tmp_path: Path, capfd: Output, written: str
) -> None:
    script = tmp_path / "a script.qmp"
    script.write_text(".set pager\n")
    run_line(session, f".source {written.format(script)} # a comment")
    assert capfd.readouterr().out == "on\n"


def test_a_script_in_the_home_directory(
    session: Session, tmp_path: Path, capfd: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.qmp").write_text(".set pager")
    run_line(session, ".source ~/x.qmp")
    assert capfd.readouterr().out == "on\n"


def test_a_script_that_fails_leaves_no_transaction_open(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "half.qmp"
    script.write_text("transaction(\nabort oops\n")
    with pytest.raises(ReportedError):
        run_line(session, f".source {script}")
    assert not session.parser.in_transaction
    run_line(session, "transaction(")
    with pytest.raises(ReportedError):
        run_line(session, f".source {script}")
    assert session.parser.in_transaction, "that of the user's goes on"


def test_a_script_that_runs_itself_ends(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "again.qmp"
    script.write_text(f".source {script}\n")
    with pytest.raises(ReportedError) as failed:
        run_line(session, f".source {script}")
    assert str(failed.value.error) == f"{script}: scripts are nested more than 16 deep"


def test_logs(vm: RunningVm, tmp_path: Path, capfd: Output) -> None:
    session = attach(vm.address)
    log = tmp_path / "a log"
    run_line(session, ".log # is there one?")
    run_line(session, f".log '{log}' # here")
    run_line(session, "query-name")
    run_line(session, ".log")
    run_line(session, ".log off # no more")
    run_line(session, "query-uuid")
    run_line(session, ".log")
    session.attachment.close()
    out = capfd.readouterr().out.splitlines()
    assert [out[0], out[2], out[4]] == ["off", str(log), "off"]
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["direction"] for entry in logged] == ["sent", "received"]
    assert logged[0]["message"]["execute"] == "query-name"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_file_may_be_called_off(
    vm: RunningVm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = attach(vm.address)
    run_line(session, ".log 'off'")
    assert session.tracer.log_path == "off"
    assert error_of(session, ".log /no/such/folder/f").endswith("no log is kept")
    assert session.tracer.log_path == "off", "the log before goes on"
    run_line(session, ".log off")
    assert session.tracer.log_path is None
    session.attachment.close()
    assert (tmp_path / "off").exists()


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("", None),
        ("# again", None),
        ("/tmp/a b.sock # there", "/tmp/a b.sock"),
        ("'/tmp/a # b.sock'", "/tmp/a # b.sock"),
        ("unix:/tmp/x # there", "/tmp/x"),
    ],
)
def test_addresses(schema: Schema, argument: str, path: str | None) -> None:
    """What .connect attaches to; this session's connector only notes it."""
    noted: list[Address | None] = []

    def connector(target: Target | None, _: Tracer) -> tuple[Client, Target | None]:
        noted.append(target.address if target is not None else None)
        raise ConnectError("nobody there")

    settings = Settings()
    display = ScriptDisplay(settings, Formatter(Look(colour=False, ascii_only=True)))
    session = Session(display, settings, connector, Registry(), stop_at_error, schema=schema)
    assert error_of(session, f".connect {argument}") == "nobody there"
    assert noted == [parse_address(path) if path is not None else None]


def test_a_bad_address_leaves_the_vm_attached(vm: RunningVm) -> None:
    session = attach(vm.address)
    with pytest.raises(qmp_shell.AddressError):
        run_line(session, ".connect nonsense:port")
    assert session.attachment.is_connected
    session.attachment.close()


def test_out_of_band_with_a_comment(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "-c", ".oob query-qmp-schema # c", "-c", ".oob")
    assert done.returncode == 1
    assert "query-qmp-schema" in done.stderr
    done = run(vm.address, "-n", "-c", ".oob migrate-pause # c")
    assert json.loads(done.stdout) == {"exec-oob": "migrate-pause"}


def test_a_line_of_the_human_monitor_has_no_comments(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "-c", ".hmp info name # c", "-n")
    message = json.loads(done.stdout)
    assert message["arguments"] == {"command-line": "info name # c"}


@pytest.mark.parametrize(
    ("topic", "begins"),
    [
        ("", "NAME key=value ...  device_add driver=e1000 id=net1\n"),
        ("# all", "NAME key=value ...  device_add driver=e1000 id=net1\n"),
        ("query-status # c", "query-status: a command"),
        ("STOP", "STOP: an event"),
        (".set # c", ".set [OPTION [VALUE]]  show the settings, or change one\n"),
        (".exit", ".exit  leave; the VM goes on, unless it is the shell's\n"),
    ],
)
def test_help(session: Session, capfd: Output, topic: str, begins: str) -> None:
    run_line(session, f".help {topic}")
    assert capfd.readouterr().out.startswith(begins)


def test_help_on_what_is_not_there(session: Session) -> None:
    with pytest.raises(UsageError, match=r"^nothing is known of 'query-statu'$") as caught:
        run_line(session, ".help query-statu # c")
    assert caught.value.hint.startswith("did you mean query-status?")
    assert session.corrector.line == ".help query-status"


def test_help_lists_each_command_with_its_usage(session: Session, capfd: Output) -> None:
    run_line(session, ".help")
    shown = capfd.readouterr().out
    for command in Registry().all():
        assert f"\n.{command.name} {command.usage}".rstrip() in shown
        assert command.summary in shown


@pytest.mark.parametrize(
    "line",
    [
        ".wait JOB_STATUS_CHANGE id=\"a b\" timeout='5' # c",
        ".wait job='a b' # c",
        ".wait migration # c",
        ".wait status=running timeout=0.5 # c",
        ".sleep 1000 # c",
    ],
)
def test_a_dry_run_waits_for_nothing(schema: Schema, line: str) -> None:
    session = offline_session(schema)
    session.is_dry_run = True
    run_line(session, line)
    assert not session.attachment.is_connected


# Completion


def completions(text: str, schema: Schema) -> Completions | None:
    return complete_draft(Draft(text), Registry(), Names(), offline_types(schema))


@pytest.mark.parametrize(
    ("text", "typed", "offered"),
    [
        (".", ".", [f".{each.name}" for each in Registry().all()]),
        (".set ", "", SETTINGS),
        (
            ".set  ver",
            "ver",
            SETTINGS,
        ),
        (".set verbose ", "", ["on", "off"]),
        (".set confirm ", "", ["all", "destructive", "off"]),
        (".set verbose  of", "of", ["on", "off"]),
        (".set timeout ", "", ["off"]),
        (".commands q", "q", [Kind.COMMAND]),
        (".commands ", "", [Kind.COMMAND]),
        (".events ", "", [Kind.EVENT, "on", "off"]),
        (".events o", "o", [Kind.EVENT, "on", "off"]),
        (".events STOP R", "R", [Kind.EVENT]),
        (".help ", "", [Kind.COMMAND, Kind.EVENT, Kind.TYPE, *TOPICS]),
        ("? qu", "qu", [Kind.COMMAND, Kind.EVENT, Kind.TYPE, *TOPICS]),
        (".help device_add bus=", "", [Kind.BUS]),
        (".hmp ", "", [Kind.HUMAN]),
        (".hmp info ", "", [Kind.TOPIC]),
        (".oob ", "", [Kind.COMMAND]),
        (".oob device_del id=", "", [Kind.DEVICE_PATH]),
        (".watch ", "", [Kind.COMMAND]),
        (".watch 2 que", "que", [Kind.COMMAND]),
        (".watch 0.5  que", "que", [Kind.COMMAND]),
        (".watch 0 que", "que", [Kind.COMMAND]),
        (".watch 1.2.3 que", "que", [Kind.COMMAND]),
        (".wait ", "", ["job=", "migration", "status=", Kind.EVENT]),
        (".wait job='a", "a", [Kind.JOB]),
        (".wait STOP ", "", [Kind.EVENT_MEMBER, "timeout="]),
    ],
)
def test_completion(schema: Schema, text: str, typed: str, offered: list[str]) -> None:
    found = completions(text, schema)
    assert found is not None
    assert found.typed == typed
    assert [each.text for each in found.candidates] == offered


@pytest.mark.parametrize(
    ("text", "kind", "typed", "quote"),
    [
        (".log ", Kind.FILE, "", ""),
        (".log '/tmp/a b", Kind.FILE, "/tmp/a b", "'"),
        (".source /tmp/a b", Kind.FILE, "/tmp/a b", ""),
        ('.connect "/tm', Kind.SOCKET, "/tm", '"'),
        (".connect unix:/tm", Kind.SOCKET, "unix:/tm", ""),
    ],
)
def test_completion_of_paths(schema: Schema, text: str, kind: str, typed: str, quote: str) -> None:
    found = completions(text, schema)
    assert found is not None
    # Monitors that run just now may be among the candidates.
    assert found._replace(candidates=[]) == Completions(
        typed, [], quote, files=kind, syntax=Syntax.PATH
    )


@pytest.mark.parametrize(
    "text",
    [
        *(".exit ", ".info ", ".history ", ".sleep ", ".nonsense x"),
        *(".set confirm on ", ".set confirm on o", ".set nonsense ", ".wait STOP id="),
        *(".wait job=j timeout=", ".oob .set ", ".watch # c"),
        *(".watch 0", ".watch 1.2.3", ".oob # c"),
    ],
)
def test_nothing_is_offered_where_nothing_is_known(schema: Schema, text: str) -> None:
    assert completions(text, schema) is None


def test_an_alias_without_a_dot_is_completed_as_help(schema: Schema) -> None:
    assert completions("help dev", schema) == completions(".help dev", schema)


Start = Callable[..., Terminal]


def test_watching_at_a_terminal_ends_with_ctrl_c(shell: Terminal, vm: RunningVm) -> None:
    shell.enter(".watch 0.1 query-status # what changes?")
    shell.wait_for('"status": "prelaunch"')
    vm.run("cont")
    shell.wait_for(r"status  prelaunch -> running")
    shell.press("ctrl-c")
    shell.wait_for("^interrupted")
    shell.wait_for_prompt()


def test_an_out_of_band_command_has_types_files_and_a_pipeline(
    run: Run, vm: RunningVm, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    done = run(vm.address, "-v", "-c", f".oob query-yank a=1 | cat > {output}")
    assert '"exec-oob": "query-yank"' in done.stderr
    assert '"a": 1' in done.stderr
    assert run(vm.address, "-c", ".oob {'a': 1}").returncode != 0
    assert "is never closed" in run(vm.address, "-c", '.oob x a="b').stderr
