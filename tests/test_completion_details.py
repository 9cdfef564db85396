"""Details of completion and of the shell's own questions, which mutants and coverage pointed to."""

from __future__ import annotations

import json
import platform
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from qmp_shell.cli import exit_status
from qmp_shell.complete import (
    Candidate,
    Completions,
    Draft,
    NameRequest,
    Syntax,
    complete,
    complete_human,
    find_signature,
    find_unknown_names,
    insertion,
)
from qmp_shell.errors import ConnectError, ReportedError, Timeout, UsageError
from qmp_shell.launch import demo
from qmp_shell.prompt.assistant import Assistant
from qmp_shell.prompt.completer import SessionCompleter, _LateRequest
from qmp_shell.prompt.matching import find_letters
from qmp_shell.schema import Schema
from qmp_shell.session.hints import feature_notes
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.human import parse_help
from qmp_shell.vm.questions import NAME, driver_properties
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm, own_vm
from tests.peer import ACCEPTED, GREETING, HOLD, ScriptedPeer
from tests.sessions import attach, offline_session, offline_types
from tests.terminal import Terminal

Start = Callable[..., Terminal]
Peer = Callable[..., ScriptedPeer]

# A schema in which each kind of type occurs once, and what is deprecated or unstable.
SMALL = Schema(
    [
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
        {"name": "any", "meta-type": "builtin", "json-type": "value"},
        {"name": "nothing", "meta-type": "object", "members": []},
        {
            "name": "cmd",
            "meta-type": "command",
            "arg-type": "args",
            "ret-type": "nothing",
            "features": ["deprecated"],
        },
        {
            "name": "args",
            "meta-type": "object",
            "members": [
                {"name": "text", "type": "str"},
                {"name": "texts", "type": "[str]", "default": None},
                {"name": "list", "type": "[inner]", "default": None},
                {"name": "rows", "type": "[[str]]", "default": None},
                {"name": "either", "type": "alternate", "default": None},
                {"name": "whatever", "type": "any", "default": None},
                {"name": "old", "type": "enum", "default": None, "features": ["deprecated"]},
            ],
        },
        {"name": "[str]", "meta-type": "array", "element-type": "str"},
        {"name": "[[str]]", "meta-type": "array", "element-type": "[str]"},
        {"name": "[inner]", "meta-type": "array", "element-type": "inner"},
        {"name": "inner", "meta-type": "object", "members": [{"name": "a", "type": "str"}]},
        {
            "name": "alternate",
            "meta-type": "alternate",
            "members": [{"type": "inner"}, {"type": "str"}],
        },
        {
            "name": "enum",
            "meta-type": "enum",
            "members": [{"name": "one"}, {"name": "two", "features": ["unstable"]}],
        },
    ]
)
TYPES = offline_types(SMALL)


class Names:
    """Knows no names, and notes what it is asked for."""

    def __init__(self) -> None:
        self.requests: list[NameRequest] = []

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        self.requests.append(request)
        return []


def draft(marked: str) -> Draft:
    """The draft of a text in which ``^`` marks the cursor; without one, it is at the end."""
    before, mark, after = marked.partition("^")
    return Draft(before + after, len(before) if mark else None)


def completed(marked: str) -> Completions:
    found = complete(draft(marked), Names(), TYPES)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("marked", "keys"),
    [
        ("cmd te", {"text=": True, "texts.0=": True, "list.0.": False}),
        ("cmd texts.", {"texts.0=": True}),
        ("cmd texts.0=x texts.", {"texts.1=": True}),
        ("cmd rows.", {"rows.0.0=": True}),
        ("cmd list.", {"list.0.": False}),
        ("cmd list.0.", {"list.0.a=": True}),
        ("cmd list.0.a=x list.", {"list.0.": False, "list.1.": False}),
        ("cmd either", {"either.": False, "either=": True}),
        ("cmd either.", {"either.a=": True}),
    ],
)
def test_a_key_ends_in_an_equals_sign_or_a_dot(marked: str, keys: dict[str, bool]) -> None:
    offered = {each.text: each.is_key for each in completed(marked).candidates}
    assert {text: offered.get(text) for text in keys} == keys
    assert all(text.endswith("=") is is_key for text, is_key in offered.items())


@pytest.mark.parametrize(
    ("marked", "missing"),
    [
        ("cmd text=x ", "text="),
        ("cmd ^ text=x", "text="),
        ("cmd either.a=x ei", "either="),
        ("cmd either=x ei", "either."),
    ],
)
def test_what_is_given_is_not_offered_again(marked: str, missing: str) -> None:
    assert missing not in [each.text for each in completed(marked).candidates]


@pytest.mark.parametrize("marked", ["cmd ", "cmd m", "cmd m.", "cmd m.0.0."])
def test_a_list_whose_element_is_itself_ends(marked: str) -> None:
    schema = Schema(
        [
            {"name": "cmd", "meta-type": "command", "arg-type": "o", "ret-type": "o"},
            {"name": "o", "meta-type": "object", "members": [{"name": "m", "type": "list"}]},
            {"name": "list", "meta-type": "array", "element-type": "list"},
        ]
    )
    found = complete(draft(marked), Names(), offline_types(schema))
    assert found is not None
    assert found.candidates == []


@pytest.mark.parametrize("marked", ["cmd nonsense.", "cmd text.", "cmd text.x.y", "nonsense x"])
def test_a_path_that_leads_nowhere_has_no_keys(marked: str) -> None:
    assert completed(marked).candidates == []


@pytest.mark.parametrize(
    ("marked", "is_any"),
    [
        ("cmd text=", False),
        ("cmd either=", True),
        ("cmd whatever=", True),
        ("cmd old=", False),
    ],
)
def test_a_value_of_more_than_one_type(marked: str, is_any: bool) -> None:
    assert completed(marked).is_any is is_any


@pytest.mark.parametrize(
    ("marked", "name", "current", "given"),
    [
        ("cmd text=x ol", "cmd", "ol", {"text"}),
        ("cmd text=x ^ old=one", "cmd", "", {"text", "old"}),
        ("cmd either.a=", "cmd either.", "a", set()),
        ("cmd list.0.a=x", "cmd list.0.", "a", set()),
        ("cmd text.x=", "cmd", "text", set()),
        ("cmd text.x.y=", "cmd", "text", set()),
        ("cmd nonsense.x=", "cmd", "nonsense", set()),
    ],
)
def test_the_signature_at_the_cursor(marked: str, name: str, current: str, given: set[str]) -> None:
    command = draft(marked).command
    assert command is not None
    found = find_signature(command, TYPES)
    assert found is not None
    assert (found.name, found.current, found.given) == (name, current, given)


@pytest.mark.parametrize(
    ("marked", "unknown"),
    [
        ("cmd text=x", []),
        ("cmd text.x=1 ", ["text.x"]),
        ("cmd nonsense=1 ", ["nonsense"]),
        ("cmd list.0.a=1 list.x.a=2 ", ["list.x.a"]),
        ("nonsense x=1", ["nonsense"]),
        ("nonsen", ["nonsen"]),
        ("cm", []),
    ],
)
def test_unknown_names(marked: str, unknown: list[str]) -> None:
    found = draft(marked)
    assert found.command is not None
    spans = find_unknown_names(found.command, TYPES)
    assert [found.before[start:end] for start, end in spans] == unknown


# Members with a dot in their names, as some drivers have.
DOTTED = offline_types(
    Schema(
        [
            {"name": "cmd", "meta-type": "command", "arg-type": "o", "ret-type": "none"},
            {"name": "none", "meta-type": "object", "members": []},
            {
                "name": "o",
                "meta-type": "object",
                "members": [
                    {"name": "zoned", "type": "bool", "default": None},
                    {"name": "zoned.on", "type": "bool", "default": None},
                    {"name": "zoned.off", "type": "bool", "default": None},
                    {"name": "inner", "type": "o", "default": None},
                ],
            },
            {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
        ]
    )
)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("cmd ", ["zoned=", "zoned.on=", "zoned.off=", "inner."]),
        ("cmd zoned.", ["zoned.on=", "zoned.off="]),
        ("cmd zoned.o", ["zoned.on=", "zoned.off="]),
        ("cmd zoned.on=true ", ["zoned.off=", "inner."]),
        ("cmd zoned=true ", ["inner."]),
        ("cmd inner.", ["inner.zoned=", "inner.zoned.on=", "inner.zoned.off=", "inner.inner."]),
        ("cmd inner.zoned.on=true inner.zoned.", ["inner.zoned.off="]),
        ("cmd zoned.on=", ["true", "false"]),
        ("cmd inner.zoned.on=", ["true", "false"]),
        ("cmd zoned.x=", []),
        ("cmd nonsense.", []),
        ("cmd zoned.on.", []),
    ],
)
def test_a_name_with_a_dot_in_it_is_completed(text: str, offered: list[str]) -> None:
    found = complete(Draft(text), Names(), DOTTED)
    assert found is not None
    assert [each.text for each in found.candidates] == offered


def test_a_name_with_a_dot_in_it_is_known() -> None:
    command = Draft("cmd zoned.on=true inner.zoned.off=true zoned.x=1 inner.x.on=1 ").command
    assert command is not None
    line = "cmd zoned.on=true inner.zoned.off=true zoned.x=1 inner.x.on=1 "
    spans = find_unknown_names(command, DOTTED)
    assert [line[start:end] for start, end in spans] == ["zoned.x", "inner.x.on"]


@pytest.mark.parametrize(
    ("text", "name", "current", "given"),
    [
        ("cmd zoned.on=", "cmd", "zoned.on", set()),
        ("cmd zoned.on=true zoned.of", "cmd", "zoned", {"zoned.on"}),
        ("cmd inner.zoned.on=true inner.zo", "cmd inner.", "zo", {"zoned.on"}),
    ],
)
def test_a_name_with_a_dot_in_it_in_the_signature(
    text: str, name: str, current: str, given: set[str]
) -> None:
    command = Draft(text).command
    assert command is not None
    found = find_signature(command, DOTTED)
    assert found is not None
    assert (found.name, found.current, found.given) == (name, current, given)


def test_the_arguments_behind_the_cursor_belong_to_its_own_action() -> None:
    command = draft("transaction(b node=d0 c ^node=d1 name=x").command
    assert command is not None
    assert [each.given for each in command.actions] == [{"node": "d0"}, {"name": "x"}]


@pytest.mark.parametrize(
    ("text", "is_key", "is_written"),
    [
        ("a=", True, True),
        ("a b=", True, False),
        ("a'=", True, False),
        ("=", True, False),
        ("exit", False, False),
        ("help", False, False),
        ("ab", False, True),
    ],
)
def test_words_that_can_be_written(text: str, is_key: bool, is_written: bool) -> None:
    found = insertion(Candidate(text, is_key=is_key), Completions("", []))
    assert found == (text if is_written else None)


# The human monitor


def test_words_in_quotes_before_the_cursor_are_read() -> None:
    names = Names()
    assert complete_human(r'qom-get "/a \"b\"\n" p', TYPES, names) is not None
    assert names.requests[-1].given["path"] == '/a "b"\n'


@pytest.mark.parametrize(
    "line",
    ["device_add e1000,nonsense=x", "device_add e1000,", "cont x", "info block x y", 'stop "'],
)
def test_nothing_is_offered_to_the_human_monitor(line: str) -> None:
    found = complete_human(line, offline_types(Schema([])), Names())
    assert found is None or found.candidates == []


def test_files_for_the_human_monitor() -> None:
    found = complete_human("screendump /tm", TYPES, Names())
    assert found is not None
    assert (found.files, found.typed, found.syntax) == (
        "a file on this host",
        "/tm",
        Syntax.HUMAN,
    )


@pytest.mark.parametrize(
    ("text", "prefix", "found"),
    [
        ("a|b x y -- s\r\n", "", [("a", "x y", "s"), ("b", "x y", "s")]),
        ("a\n [x] -- s", "", [("a", "[x]", "s")]),
        ("\n x -- s", "", []),
        (" rest\n[more] -- s", "", []),
        ("other x -- s", "info", []),
        ("info -- s", "info", []),
        ("info x y -- s", "info", [("x", "y", "s")]),
    ],
)
def test_help_of_the_human_monitor(
    text: str, prefix: str, found: list[tuple[str, str, str]]
) -> None:
    assert parse_help(text, prefix) == found


# What the editor inserts


@pytest.fixture
def inserted(schema: Schema) -> Callable[[str], list[Completion]]:
    """The completions of a text in the editor."""
    session = offline_session(schema)
    completer = SessionCompleter(session, Assistant(session), lambda: None)

    def complete_text(text: str) -> list[Completion]:
        event = CompleteEvent(completion_requested=True)
        return list(completer.get_completions(Document(text), event))

    return complete_text


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ('{"execute": "set_link", "arguments": {"up":', True),
        ('{"execute": "set_link", "arguments": {"up": ', True),
        ('{"execute": "set_link", "arguments": {"', True),
        ('{"execute": "set_link", "arguments": {"u', True),
        ('{"execute": "set_link", "arguments": {', False),
        ('{"execute": "set_link", "arguments": {"up": true, ', False),
        ('{"execute": "set_link", "arguments": {"up": true', True),
        ("send-key keys=[", False),
        ("set_link up=", True),
        ("device_del id='", False),
    ],
)
def test_a_menu_opens_by_itself_where_a_value_or_a_string_begins(
    schema: Schema, text: str, is_open: bool
) -> None:
    session = offline_session(schema)
    completer = SessionCompleter(session, Assistant(session), lambda: None)
    event = CompleteEvent(text_inserted=True)
    assert bool(list(completer.get_completions(Document(text), event))) is is_open


def test_a_menu_that_was_late_is_looked_up_as_before(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only Tab may insert what all completions have in common."""
    session = offline_session(schema)
    completer = SessionCompleter(session, Assistant(session), lambda: None)
    buffer, typed = Buffer(), CompleteEvent(text_inserted=True)
    begun: list[dict[str, CompleteEvent]] = []
    monkeypatch.setattr(buffer, "start_completion", lambda **given: begun.append(given))
    completer._late = _LateRequest(buffer.document, typed)
    completer.note_answer(buffer)
    assert begun == [{"complete_event": typed}]
    assert not completer.is_late(buffer.document)


def test_the_toolbar_has_the_signature_of_a_message(schema: Schema) -> None:
    assistant = Assistant(offline_session(schema))
    for text, name in (
        ('{"execute": "set_link", "arguments": {', "set_link"),
        ("send-key keys=[{", "send-key keys.0."),
        ("send-key keys=[]", "send-key"),
        ("send-key hold-", "send-key"),
    ):
        assistant.read(Document(text))
        assert assistant.signature is not None
        assert assistant.signature.name == name
    for text in ("{}", ".set ", "{} | ", "help"):
        assistant.read(Document(text))
        assert assistant.signature is None


def test_sockets_and_folders_are_offered_to_connect_to(
    inserted: Callable[[str], list[Completion]], folder: Path
) -> None:
    (folder / "s-file").touch()
    (folder / "s-folder").mkdir()
    (folder / "s-dangling").symlink_to(folder / "nothing")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s-ocket"))
        found = {each.text for each in inserted(f".connect {folder}/s-")}
    assert found == {f"{folder}/s-folder/", f"{folder}/s-ocket"}


def test_files_in_a_uri(inserted: Callable[[str], list[Completion]], folder: Path) -> None:
    (folder / "dump").touch()
    assert [each.text for each in inserted(f"dump-guest-memory protocol=file:{folder}/du")] == [
        f"file:{folder}/dump"
    ]
    assert inserted(f"dump-guest-memory protocol=fd:{folder}/du") == []


def test_names_that_cannot_be_written_are_not_offered(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = offline_session(schema)
    hostile = [Candidate("good"), Candidate("go\n| touch x"), Candidate("go od")]
    monkeypatch.setattr(session.attachment.names, "candidates", lambda _: hostile)
    completer = SessionCompleter(session, Assistant(session), lambda: None)
    event = CompleteEvent(completion_requested=True)
    assert [each.text for each in completer.get_completions(Document("go"), event)] == ["good"]


def test_a_narrow_terminal_has_no_room_for_descriptions(
    inserted: Callable[[str], list[Completion]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns, has_room in ((59, False), (60, True)):
        monkeypatch.setenv("COLUMNS", str(columns))
        (found,) = inserted(".set verbos")
        assert (found.display_meta_text != "") is has_room


# The shell's own questions


def test_a_question_that_is_too_long_is_not_asked(vm: RunningVm) -> None:
    session = attach(vm.address)
    answers = session.attachment.answers
    assert answers.immediate.get(driver_properties("x" * 3000)) is None
    assert not answers.has_open_questions
    assert answers.immediate.get(driver_properties("e1000")) is None
    assert answers.has_open_questions
    answers.settle(20)
    assert answers.immediate.get(driver_properties("e1000"))
    session.attachment.close()


def test_without_a_vm_nothing_is_known_but_the_schema() -> None:
    answers = Answers(None)
    answers.settle()
    assert answers.waiting.get(NAME) is None
    assert VmTypes(answers.immediate).commands() == []
    assert VmTypes(Answers(None, SMALL).immediate).commands() == ["cmd"]


def test_notes_of_what_is_deprecated_or_unstable() -> None:
    message = {"execute": "cmd", "arguments": {"text": "x", "old": "two"}}
    assert list(feature_notes(message, TYPES)) == [
        *("cmd is deprecated", "cmd: old is deprecated", "cmd: old=two is unstable")
    ]
    assert list(feature_notes({"execute": "nonsense"}, TYPES)) == []


def test_watching_ends_when_the_command_fails(peer: Peer, run: Run) -> None:
    server = peer(
        GREETING,
        ACCEPTED,
        b'{"return": {"n": 1}, "id": 2}\r\n',
        b'{"error": {"class": "GenericError", "desc": "gone"}, "id": 3}\r\n',
    )
    done = run(server.address, "-c", ".watch .01 query-x")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"return": {"n": 1}},
        {"error": {"class": "GenericError", "desc": "gone"}},
    ]
    assert done.stderr == "qmp-shell: query-x: GenericError: gone\n"
    assert done.returncode == 1


def test_a_dry_run_watches_once(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "-n", "-c", ".watch 5 query-name")
    assert done.stdout == '{"execute": "query-name"}\n'
    assert (done.stderr, done.returncode) == ("", 0)


def test_help_in_human_mode_is_the_monitors(run: Run, vm: RunningVm) -> None:
    done = run("-H", vm.address, "-c", ".help stop # c")
    assert done.stdout.startswith("stop")
    assert " -- stop emulation" in done.stdout


def test_help_on_a_branch_that_is_not_there(run: Run, vm: RunningVm) -> None:
    done = run(vm.address, "-c", ".help blockdev-add driver=qcow22")
    assert "\ndriver has no value 'qcow22'; did you mean qcow2 or qcow?\n" in done.stdout


def test_the_status_of_an_error_that_was_reported() -> None:
    assert exit_status(None) == 0
    assert exit_status(ReportedError(UsageError("x"))) == 2
    assert exit_status(ReportedError(Timeout("x"))) == exit_status(Timeout("x")) == 5


def test_an_answer_to_nothing_at_the_prompt(peer: Peer, terminal: Start) -> None:
    status = b'{"return": {"status": "running"}, "id": 2}\r\n'
    name = b'{"return": {"name": "peer"}, "id": 3}\r\n'
    stray = b'{"return": {"stray": true}, "id": "nobody"}\r\n'
    server = peer(GREETING, ACCEPTED, status, name + stray, HOLD)
    shell = terminal(server.address)
    shell.wait_for("^a reply that answers no command:$")
    shell.wait_for('"stray": true')


# The demo


@pytest.mark.skipif(platform.machine() != "x86_64", reason="qemu-kvm emulates the host's own")
def test_the_demo_with_nothing_but_qemu_kvm(run: Run, qemu: str, tmp_path: Path) -> None:
    (tmp_path / "qemu-kvm").symlink_to(qemu)
    done = run("--demo", "-c", "query-name", PATH=str(tmp_path))
    assert (done.stdout, done.returncode) == ('{"return": {"name": "demo"}}\n', 0)


def test_the_package_to_install_on_an_unknown_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file() -> dict[str, str]:
        raise OSError("there is no os-release")

    monkeypatch.setattr("platform.freedesktop_os_release", no_file)
    assert demo._advice() == "install the package that holds qemu-system-x86_64"


def test_what_a_vm_prints_before_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    script = ["/bin/sh", "-c", "echo 'cannot \033[1mstart'; exit 3"]
    with own_vm(script) as vm, pytest.raises(ConnectError):
        vm.connect(None, lambda *_: None)
    assert capfd.readouterr().err == "cannot [1mstart\n"


def test_help_on_a_command_of_the_guest_agent(guest_agent: Path, run: Run) -> None:
    if not Path("/usr/share/man/man7/qemu-ga-ref.7.gz").exists():
        pytest.skip("the guest agent's manual is not installed")
    done = run("-w", "20", "--agent", str(guest_agent), "-c", ".help guest-ping")
    assert done.stdout.startswith("guest-ping: a command")
    assert "Members:" not in done.stdout


# How a name is written


@pytest.mark.parametrize(
    ("text", "is_any", "is_word", "written"),
    [
        ("5", True, False, '"5"'),
        ("on", True, False, '"on"'),
        ("true", True, False, '"true"'),
        ("true", True, True, "true"),
        ("null", True, True, "null"),
        ("5", False, False, "5"),
        ("d0", True, False, "d0"),
        ("a b", False, False, '"a b"'),
        (">x", False, False, '">x"'),
        ("<x", False, False, '"<x"'),
        ("|x", False, False, '"|x"'),
        ("x>|<", False, False, "x>|<"),
    ],
)
def test_a_value_is_quoted_where_it_would_be_read_as_another(
    text: str, is_any: bool, is_word: bool, written: str
) -> None:
    completions = Completions("", [], syntax=Syntax.VALUE, is_any=is_any)
    assert insertion(Candidate(text, is_word=is_word), completions) == written
    if not is_any:  # which is how it is unless it is said
        completions = Completions("", [], syntax=Syntax.VALUE)
        assert insertion(Candidate(text, is_word=is_word), completions) == written


@pytest.mark.parametrize("syntax", [Syntax.VALUE, Syntax.PATH])
@pytest.mark.parametrize(
    ("text", "quote", "is_open", "written"),
    [
        ("/a/b", "", False, "/a/b"),
        ("/a/b/", "", True, "/a/b/"),
        ("/a/b", '"', False, '"/a/b"'),
        ("/a/b/", '"', True, '"/a/b/'),
        ("/a\n", "", False, '"/a\\n"'),
        ("/a\n/", "", True, '"/a\\n/'),
        ("it's", "", False, '"it\'s"'),
    ],
)
def test_a_path_is_quoted_where_it_has_to_be(
    syntax: Syntax, text: str, quote: str, is_open: bool, written: str
) -> None:
    completions = Completions("", [], quote, syntax=syntax)
    assert insertion(Candidate(text), completions, is_open=is_open) == written


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("syntax", [Syntax.VALUE, Syntax.PATH])
def test_a_path_whose_quote_is_closed_is_not_closed_again(syntax: Syntax, quote: str) -> None:
    completions = Completions("", [], quote, syntax=syntax, is_closed=True)
    assert insertion(Candidate("/a b"), completions) == f"{quote}/a b"
    assert insertion(Candidate("/a b/"), completions, is_open=True) == f"{quote}/a b/"


@pytest.mark.parametrize(
    ("text", "written"),
    [("/a b", "/a b"), (" /a", '" /a"'), ("/a#b", '"/a#b"'), ("/a\\", '"/a\\\\"')],
)
def test_a_path_may_have_blanks_within_it(text: str, written: str) -> None:
    assert insertion(Candidate(text), Completions("", [], syntax=Syntax.PATH)) == written


@pytest.mark.parametrize(
    ("text", "quote", "is_open", "written"),
    [
        ("d0", "", False, "d0"),
        ("d 0", "", False, '"d 0"'),
        ("d 0/", "", True, '"d 0/'),
        ("d0", '"', False, '"d0"'),
        ("a\n", "", False, '"a\\n"'),
        ("\x1b", "", False, None),
        ("-f", "", False, '"-f"'),
    ],
)
def test_a_word_for_the_human_monitor(
    text: str, quote: str, is_open: bool, written: str | None
) -> None:
    completions = Completions("", [], quote, syntax=Syntax.HUMAN)
    assert insertion(Candidate(text), completions, is_open=is_open) == written


@pytest.mark.parametrize(
    ("line", "typed", "quote"),
    [
        ("info ", "", ""),
        ("info bl", "bl", ""),
        ('info "bl', "bl", '"'),
        ('"info" bl', "bl", ""),
        ('"info" ', "", ""),
        ('info "a ', "a ", '"'),
        ('info "a\\" ', 'a\\" ', '"'),
    ],
)
def test_the_word_that_the_human_monitor_is_given(line: str, typed: str, quote: str) -> None:
    names = Names()
    found = complete_human(line, TYPES, names)
    assert found is not None
    assert (found.typed, found.quote) == (typed, quote)
    assert [each.kind for each in names.requests] == ["a topic of the human monitor's info"]


def test_the_words_of_a_type() -> None:
    types = offline_types(
        Schema(
            [
                {"name": "c", "meta-type": "command", "arg-type": "o", "ret-type": "o"},
                {"name": "o", "meta-type": "object", "members": [{"name": "a", "type": "alt"}]},
                {
                    "name": "alt",
                    "meta-type": "alternate",
                    "members": [{"type": each} for each in ("bool", "null", "e", "str")],
                },
                {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
                {"name": "null", "meta-type": "builtin", "json-type": "null"},
                {"name": "str", "meta-type": "builtin", "json-type": "string"},
                {"name": "e", "meta-type": "enum", "members": [{"name": "x", "features": ["y"]}]},
            ]
        )
    )
    found = complete(Draft("c a="), Names(), types)
    assert found is not None
    assert found.candidates == [
        Candidate("true", "or on, yes", is_word=True),
        Candidate("false", "or off, no", is_word=True),
        Candidate("null", "nothing", is_word=True),
        Candidate("x", "y", is_word=True),
    ]
    keys = complete(Draft("c "), Names(), types)
    assert keys is not None
    assert keys.candidates == [Candidate("a=", "bool, required", is_key=True)]


@pytest.mark.parametrize(
    ("text", "syntax", "written"),
    [
        ("a,b", Syntax.WORD, "a,b"),
        ("a,b", Syntax.HUMAN_OPTION, None),
        ("-f", Syntax.WORD, "-f"),
        ("-f", Syntax.HUMAN_OPTION, None),
        ("a(b", Syntax.WORD, None),
        ("a(b", Syntax.HUMAN_OPTION, "a(b"),
    ],
)
def test_a_word_and_a_part_of_one_are_written_differently(
    text: str, syntax: Syntax, written: str | None
) -> None:
    assert insertion(Candidate(text), Completions("", [], syntax=syntax)) == written


def test_keys_of_an_option_of_the_human_monitor(schema: Schema) -> None:
    found = complete_human("netdev_add user,ho", offline_types(schema), Names())
    assert found is not None
    assert found.typed == "ho"
    keys = {each.text: each.is_key for each in found.candidates}
    assert keys["hostname="] is True
    assert "type=" not in keys, "it is given by the first word"


def test_a_value_before_the_name_of_a_command_is_no_argument() -> None:
    command = draft("x=1 a y=2 ").command
    assert command is not None
    assert [(each.name.key, each.given) for each in command.actions] == [("a", {"y": "2"})]


# What is typed at a prompt that no keyboard would type


def test_alt_minus_and_up_go_down(shell: Terminal) -> None:
    shell.type('{"execute": [\r1\r2')
    shell.wait_for("^ +2$")
    for keys in ("\x1b-\x1b[A", "\x1b-\x1b[B", "\x1b3\x1b[A", "\x1b0\x1b[B"):
        shell.type(keys)
    shell.interrupt()
    shell.wait_for_prompt()


_NO_TEXT = [
    ".source a\0b",
    ".source \udcff",
    ".log \udcff/x",
    '.log "a\\u0000b"',
    '.log "\\ud800"',
    '.source "\\ud800"',
    '.source "a\\u0000b"',
    '.connect "\\ud800"',
    '.connect "tcp:\\ud800:1"',
    '.connect "unix-abstract:\\ud800"',
    'getfd fdname=f <"\\u0000"',
    'getfd fdname=f <"\\ud800"',
    "query-name | \udcff",
    "getfd fdname=f <\udcff",
    "getfd fdname=f <a\0",
    ".hmp \udcff",
    "\udcff",
    "\0",
    'device_add driver="\\ud800"',
]


def test_bytes_that_are_no_text(shell: Terminal) -> None:
    """They are pasted, and completed."""
    for line in _NO_TEXT:
        shell.type(b"\x1b[200~" + line.encode("utf-8", "surrogateescape") + b"\x1b[201~")
        shell.press("tab", "escape")
        shell.press("enter")
        shell.interrupt()
        shell.wait_for_prompt()
        shell.wait_for_reply()


@pytest.mark.parametrize("typed", ["aaaaaaaab", "qy-nm"])
def test_letters_are_found_in_long_names_in_linear_time(typed: str) -> None:
    assert find_letters("ac", "abcabc") == [0, 2]
    assert find_letters("ca", "ab") is None
    assert find_letters(typed, "a" * 1_000_000) is None


def test_file_names_are_harmless_in_the_menu(shell: Terminal, tmp_path: Path) -> None:
    for name in ("ia\u202ej", "ib\x1b[31mx", "ic\u200bk"):
        (tmp_path / name).touch()
    shell.type(f".source {tmp_path}/i")
    shell.press("tab")
    shell.wait_for("^ +iaj")
    assert "\u202e" not in shell.raw.decode(errors="replace")
    assert "\u200b" not in shell.raw.decode(errors="replace")
