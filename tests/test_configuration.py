"""The configuration file: VMs by name, settings, what is wrong in it, and who may write to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import platformdirs
import pytest
from hypothesis import strategies as st

from qmp_shell.configuration import Configuration, default_path, load
from qmp_shell.configuration.addresses import ConfiguredAddresses
from qmp_shell.configuration.toml import Entry, Mistake, parse_toml
from qmp_shell.errors import AddressError, UsageError
from qmp_shell.session import Settings
from qmp_shell.session.settings import OPTIONS
from qmp_shell.transport import parse_address
from qmp_shell.transport.tls import TlsAddress, TlsOptions
from tests.conftest import NAME_REPLY, Run, RunningVm, StartPeer, StartTerminal, StartVm
from tests.peer import ACCEPTED, GREETING, HOLD, UNTIL_PROMPT

Write = Callable[[str], Path]


@pytest.fixture
def write(environment: dict[str, str]) -> Write:
    """A function that writes the user's own configuration file, and returns its path."""
    path = Path(environment["XDG_CONFIG_HOME"]) / "qmp-shell" / "config.toml"

    def write(text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


def addresses_of(configuration: Configuration, **options: Any) -> ConfiguredAddresses:
    given: dict[str, Any] = {"tls": False, "tls_options": {}, "settings": OPTIONS}
    return ConfiguredAddresses(configuration, **(given | options))


# TOML, with lines


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict) or not value:
        return {path: value}
    found: dict[tuple[str, ...], Any] = {}
    for name, item in value.items():
        found |= leaves(item, (*path, name))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# x",
        "a = 1\r\nb = 'x'\r\n",
        'a.b."c d" = [1,\n # two\n 2,\n]\n[t]\nx = """\n[y]\nz = 1"""\ny=-1',
        "[ vm . 'web 1' ] # x\naddress = 'a = b'\n\n[vm.b]\ni = {x = 1, y = {z = [{}]}}\n",
    ],
)
def test_values_are_those_of_a_toml_parser(text: str) -> None:
    found = list(parse_toml(text))
    assert not any(isinstance(each, Mistake) for each in found)
    values = {
        each.path: each.value for each in found if isinstance(each, Entry) and each.value != {}
    }
    expected = leaves(tomllib.loads(text))
    assert values == {path: value for path, value in expected.items() if value != {}}


def test_values_have_the_line_that_they_begin_in() -> None:
    text = '\n# c\na = 1\n[t]\nb = [1,\n2]\n\nc = """\n\n"""\nd.e = {f = 1}\n'
    assert list(parse_toml(text)) == [
        Entry(("a",), 1, 3),
        Entry(("t",), {}, 4),
        Entry(("t", "b"), [1, 2], 5),
        Entry(("t", "c"), "\n", 8),
        Entry(("t", "d", "e", "f"), 1, 11),
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a = x\n", Mistake("invalid value; a text has quotes around it", 1)),
        ('a = "x\n', Mistake("a quote is missing at the end", 1)),
        ("a\n", Mistake("Expected '=' after a key in a key/value pair", 1)),
        ("a = 1 2\n", Mistake("Expected newline or end of document after a statement", 1)),
        ("a = [1,\n 2 3]\n", Mistake("Unclosed array", 2)),
        ('a = """\n', Mistake("Unterminated string", 1)),
        ("a = [1,\n\n", Mistake("invalid value", 4)),
        ("a = '\udcff'\n", Mistake("this is not UTF-8", 1)),
        ("a = " + "[" * 5000, Mistake("this is nested too deep", 1)),
        ("a = 1" + "0" * 5000, Mistake("Exceeds the limit", 1)),
    ],
)
def test_a_wrong_statement_costs_itself(text: str, mistake: Mistake) -> None:
    before, after = "[t]\nx = 1\n", "\ny = 2\n"
    found = list(parse_toml(before + text + after))
    assert [each for each in found if isinstance(each, Entry)][1:] == [
        Entry(("t", "x"), 1, 2),
        Entry(("t", "y"), 2, 3 + len(text.split("\n"))),
    ]
    wrong = next(each for each in found if isinstance(each, Mistake))
    assert wrong.line == mistake.line + 2
    assert wrong.text.lower().startswith(mistake.text.lower()[:10])


def test_what_follows_a_wrong_header_belongs_to_no_table() -> None:
    found = list(parse_toml("[a]\nx = 1\n[b\nx = 2\ny = \n[c]\nx = 3\n"))
    assert [each.line for each in found] == [1, 2, 3, 6, 7]
    assert isinstance(found[2], Mistake)


@hypothesis.given(
    st.text(st.sampled_from("ab1=.[]{}\"'#\n ,\\é\udcff") | st.characters(), max_size=60)
)
def test_any_text_is_read(text: str) -> None:
    found = list(parse_toml(text))
    lines = text.count("\n") + 1
    assert all(1 <= each.line <= lines for each in found)
    try:
        expected = leaves(tomllib.loads(text))
    except ValueError:
        return
    values = {each.path: each.value for each in found if isinstance(each, Entry)}
    assert not any(isinstance(each, Mistake) for each in found)
    for path, value in expected.items():
        if value != {} and "[]" not in str(path) and not isinstance(value, list):
            assert values[path] == value or value != value


# What is right and what is wrong in a file


def test_vms_and_settings_are_read(write: Write) -> None:
    path = write(
        """
        [settings]
        confirm = "all"
        pretty = false
        timeout = 2.5
        color = "never"

        [vm.web1]
        address = "unix:/run/web1.sock,server=on"
        agent = true
        timeout = "off"
        verbose = true

        [vm]
        db.address = "tls:db:4444"
        db.tls-ca = "~/ca.pem"
        db.tls-hostname = "~db"

        [vm."b.c:1"]
        address = "exec:ssh b socat - unix:/x"
        """
    )
    found = load(str(path))
    assert (found.mistakes, found.problem) == ([], "")
    assert found.settings == {"confirm": "all", "view": "compact", "timeout": 2.5}
    assert found.color == "never"
    addresses = addresses_of(found)
    web = addresses.resolve("@web1")
    assert (web.address, web.agent) == (parse_address("/run/web1.sock"), True)
    assert web.settings == {"timeout": None, "verbose": True}
    db = addresses.resolve("@db").address
    assert isinstance(db, TlsAddress)
    assert db.options == TlsOptions(ca=os.path.expanduser("~/ca.pem"), hostname="~db")
    assert str(addresses.resolve("@b.c:1").address) == "exec:ssh b socat - unix:/x"
    known = ["@web1", "@db", "@b.c:1"]
    assert [name for name, _ in addresses.list()][:3] == known  # and the monitors of this host
    only = addresses_of(found, settings=["timeout"])
    assert only.resolve("@web1").settings == {"timeout": None}


def test_options_for_tls_overrule_those_of_a_vm(write: Write) -> None:
    path = write("[vm.a]\naddress = 'tls:h:1'\ntls-ca = '/a'\ntls-cert = '/b'\n")
    given = {"tls_options": {"ca": "/c"}, "tls": True}
    address = addresses_of(load(str(path)), **given).resolve("@a").address
    assert isinstance(address, TlsAddress)
    assert address.options == TlsOptions(ca="/c", cert="/b")
    with pytest.raises(UsageError, match="without TLS"):
        addresses_of(load(str(path)), tls_options={"ca": "/c"}).resolve("h:1")


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("[settings]\nviw = 'table'", ["2: there is no key viw; did you mean view?"]),
        ("[settings]\nview = 'tabel'", ["2: view is json, table, tree, compact or csv"]),
        ("[settings]\nview = true", ["2: view is json, table"]),
        ("[settings]\nconfirm = 5", ["2: confirm is all, destructive or off"]),
        ("[settings]\ntimeout = 0", ["2: timeout: '0' is not a number of seconds greater than 0"]),
        (
            "[settings]\ntimeout = inf",
            ["2: timeout: 'inf' is not a number of seconds greater than 0"],
        ),
        ("[settings]\ntimeout = [5]", ["2: timeout is a text, a number, or true or false"]),
        ("[settings]\ntimeout = 2026-01-01", ["2: timeout is a text, a number, or"]),
        ("[settings]\ncolor = 'red'", ["2: color is auto, always or never"]),
        ("[settings]\ncolor = [1]", ["2: color is auto, always or never"]),
        ("[settings]\naddress = 'x'", ["2: there is no key address"]),
        ("[setings]\nview = 'table'", ["1: there is no setings here", "2: there is no setings"]),
        ("view = 'table'", ["1: there is no view here; there are [settings] and [vm.NAME]"]),
        ("vm = 5", ["1: there is no vm here"]),
        ("settings = 5", ["1: settings is a table, below [settings]"]),
        ("vm.a = 5", ["1: vm.a is a table", "1: VM a: it has no address"]),
        ("[vm.a]", ['1: VM a: it has no address; write address = "..." below [vm.a]']),
        ("[vm.a]\ntimeout = 5", ["1: VM a: it has no address"]),
        (
            "[vm.a]\nadress = 'x'",
            ["1: VM a: it has no address", "2: there is no key adress; did you mean address?"],
        ),
        ("[vm.a]\naddress = 5", ["2: address is a text in quotes"]),
        ("[vm.a]\n\naddress = 'x:y'", ["3: VM a: 'x:y': unknown kind of address 'x:'"]),
        ("[vm.a]\naddress = ''", ["2: VM a: '': a socket's path is needed"]),
        ("[vm.a]\naddress = 'h:1'\ntls-ca = '/x'", ["2: VM a: h:1 is without TLS"]),
        ("[vm.a]\naddress = '/x'\nagent = 'yes'", ["3: agent is true or false"]),
        ("[vm.a]\naddress = '/x'\ncolor = 'never'", ["3: there is no key color"]),
        ("[vm.a]\naddress = '/x'\naddress = '/y'", ["3: vm.a.address is given twice: in line 2"]),
        ("[vm.a]\naddress = '/x'\n[vm.a]", ["3: vm.a is given twice"]),
        (
            "[vm.'a b']\naddress = '/x'",
            ["1: 'a b' cannot be", "2: 'a b' cannot be the name of a VM"],
        ),
        ("[vm.'-a']", ["1: '-a' cannot be the name of a VM"]),
        ("[[vm.a]]\naddress = '/x'", ["1: 'a[]' cannot be", "2: 'a[]' cannot be the name of a VM"]),
        (
            "[vm.a.b]\nc = 1",
            ["1: there is no key b", "1: VM a: it has no", "2: there is no key b.c"],
        ),
        ("[settings]\n'a\x1b[31m\\nb' = 1", ["2: "]),
        # There is no "a" here, or it is nested too deep: newer Pythons refuse it themselves.
        (".".join(["a"] * 3000) + " = 1", ["1: th"]),
    ],
)
def test_mistakes_are_told_with_their_lines_and_the_rest_holds(
    write: Write, text: str, mistakes: list[str]
) -> None:
    path = write(f"{text}\n[vm.good]\naddress = '/run/good.sock'\n")
    found = load(str(path))
    assert len(found.mistakes) == len(mistakes)
    for told, expected in zip(found.mistakes, mistakes, strict=True):
        assert told.startswith(f"{path}:{expected}")
        assert len(told) < 500
    assert list(found.vms)[-1] == "good"
    assert "good" not in str(found.mistakes)


def test_mistakes_are_lines_on_standard_error(vm: RunningVm, run: Run, write: Write) -> None:
    path = write(f"[settings]\nx = 1\n[vm.a]\naddress = '{vm.address}'\ny = 1\nz =\n")
    result = run("@a", "-c", "query-name")
    assert (result.stdout, result.returncode) == (NAME_REPLY, 0)
    assert [line.partition(": there")[0] for line in result.stderr.splitlines()[:2]] == [
        f"qmp-shell: {path}:2",
        f"qmp-shell: {path}:5",
    ]
    assert result.stderr.splitlines()[2:] == [
        f"qmp-shell: {path}:6: invalid value; a text has quotes around it"
    ]


def test_only_the_first_of_many_mistakes_are_told(vm: RunningVm, run: Run, write: Write) -> None:
    path = write("x\n" * 50)
    lines = run(vm.address, "query-name").stderr.splitlines()
    assert len(lines) == 11
    assert lines[-1] == f"qmp-shell: {path}: 40 more mistakes"


# Names


def test_a_vm_is_reached_by_its_name(start_vm: StartVm, run: Run, write: Write) -> None:
    one, two = start_vm(name="one"), start_vm(name="two")
    path = write(f"[vm.one]\naddress='{one.address}'\n[vm.two-2]\naddress='unix:{two.address}'\n")
    for name, address in (("one", "@one"), ("two", "@two-2")):
        expected = NAME_REPLY.replace("testvm", name)
        assert run(address, "query-name").stdout == expected
        assert run("-w", "5", address, "-c", "query-name").stdout == expected
        assert run("-c", "query-name", QMP_SOCKET=address).stdout == expected
    result = run("@one", stdin="query-name\n.connect @two-2\nquery-name\n.connect\nquery-name\n")
    assert [line.split('"')[5] for line in result.stdout.splitlines()] == ["one", "two", "two"]
    result = run("@tow-2", "query-name")
    assert result.stderr == f"qmp-shell: @tow-2: no such VM in {path}; did you mean @two-2?\n"
    assert result.returncode == 2
    result = run("@x", "query-name")
    assert result.stderr.endswith("; there are: @one, @two-2\n")
    listed = run("--complete", "qmp-shell ").stdout
    assert listed.startswith(f"@one\t{one.address}\n@two-2\tunix:{two.address}\n")


def test_a_name_without_a_file_is_refused(run: Run, environment: dict[str, str]) -> None:
    path = f"{environment['XDG_CONFIG_HOME']}/qmp-shell/config.toml"
    result = run("@web1", "query-name")
    assert result.stderr == f"qmp-shell: @web1: there is no {path}\n"
    assert result.returncode == 2
    assert "@" not in run("--complete", "qmp-shell ").stdout[:1]


def test_other_files_and_none(vm: RunningVm, run: Run, write: Write, tmp_path: Path) -> None:
    write(f"[vm.a]\naddress = '{vm.address}'\n")
    other = tmp_path / "other.toml"
    other.write_text(f"[vm.b]\naddress = '{vm.address}'\n")
    assert run("--config", str(other), "@b", "query-name").stdout == NAME_REPLY
    assert "no such VM" in run("--config", str(other), "@a", "query-name").stderr
    result = run("--no-config", "@a", "query-name")
    assert result.stderr == "qmp-shell: @a: --no-config leaves out the configuration\n"
    for arguments, says in (
        (("--config", "nonesuch.toml"), "nonesuch.toml: No such file or directory"),
        (("--config", str(tmp_path)), "Is a directory"),
        (("--config", "x", "--no-config"), "not allowed with argument"),
    ):
        result = run(*arguments, vm.address, "query-name")
        assert says in result.stderr
        assert (result.stdout, result.stderr.count("\n"), result.returncode) == ("", 1, 2)


def test_an_agent_has_its_name(guest_agent: Path, run: Run, write: Write) -> None:
    write(f"[vm.guest]\naddress = '{guest_agent}'\nagent = true\n")
    result = run("-w", "20", "@guest", "guest-ping")
    assert (result.stdout, result.returncode) == ('{"return": {}}\n', 0)


def test_a_path_may_still_begin_with_an_at_sign(vm: RunningVm, run: Run, tmp_path: Path) -> None:
    os.symlink(vm.address, tmp_path / "@a")
    assert run("./@a", "query-name").stdout == NAME_REPLY
    assert run("unix:@a", "query-name").stdout == NAME_REPLY


def test_a_program_of_the_configuration_is_run_and_one_that_is_typed_is_not(
    vm: RunningVm, run: Run, write: Write
) -> None:
    program = f"exec:{sys.executable} -c 'import sys; print(sys.argv)' x"
    write(f"[vm.a]\naddress = \"{program}\"\n[vm.b]\naddress = '{vm.address}'\n")
    assert "['-c', 'x']" in run("@a", "query-name").stderr
    result = run("@b", stdin=f".connect {program}\n")
    assert "a program is run only for an address on the command line" in result.stderr
    assert result.returncode == 2
    assert "['-c', 'x']" in run("@b", stdin=".connect @a\n").stderr


# Who may write to the file


@pytest.mark.parametrize(
    ("mode", "owner", "says"),
    [
        (0o620, None, "others may write to it"),
        (0o602, None, "others may write to it"),
        (0o644, 1234, "is another user's file"),
    ],
)
def test_a_file_that_others_may_change_is_not_read(
    vm: RunningVm, run: Run, write: Write, mode: int, owner: int | None, says: str
) -> None:
    path = write(f"[vm.a]\naddress = '{vm.address}'\n")
    path.chmod(mode)
    if owner is not None:
        if os.geteuid():
            pytest.skip("only root can give files away")
        os.chown(path, owner, -1)
    result = run(vm.address, "query-name")
    assert (result.stdout, result.returncode) == (NAME_REPLY, 0)
    assert says in result.stderr
    result = run("@a", "query-name")
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.count(says) == 2
    assert run("--config", str(path), vm.address, "query-name").returncode == 2


def test_a_fifo_in_place_of_the_file_is_not_waited_for(
    vm: RunningVm, run: Run, write: Write
) -> None:
    path = write("")
    path.unlink()
    os.mkfifo(path)
    result = run(vm.address, "query-name")
    assert result.stderr == f"qmp-shell: {path} is not a regular file\n"
    assert (result.stdout, result.returncode) == (NAME_REPLY, 0)


def test_a_file_without_end_is_refused(run: Run, write: Write) -> None:
    path = write("")
    os.truncate(path, 1 << 21)
    assert run("@a").stderr.startswith(f"qmp-shell: {path} is longer than 1 MiB\n")


# Settings


def test_settings_of_the_prompt_do_not_change_what_a_program_reads(
    vm: RunningVm, run: Run, write: Write
) -> None:
    write(
        "[settings]\nview = 'table'\nevents = true\nverbose = true\ncolor = 'always'\n"
        f"[vm.a]\naddress = '{vm.address}'\nview = 'tree'\n"
    )
    for address in (vm.address, "@a"):
        result = run(address, stdin="stop\ncont\nquery-name\n")
        assert result.stdout == '{"return": {}}\n' * 2 + NAME_REPLY
        assert result.stderr == ""


def test_the_time_limit_holds_for_scripts_too(peer: StartPeer, run: Run, write: Write) -> None:
    def address() -> str:
        return peer(GREETING, ACCEPTED, HOLD).address

    write("[settings]\ntimeout = 0.1\n")
    assert "no reply within 0.1 s" in run(address(), "query-name").stderr
    assert "no reply within 0.2 s" in run("-t", "0.2", address(), "query-name").stderr
    write(f"[settings]\ntimeout = 50\n[vm.a]\naddress = '{address()}'\ntimeout = 0.1\n")
    assert "no reply within 0.1 s" in run("@a", "query-name").stderr
    write(f"[vm.a]\naddress = '{address()}'\ntimeout = 50\n")
    assert "no reply within 0.2 s" in run("-t", "0.2", "@a", "query-name").stderr


def test_the_prompt_has_the_settings_of_the_file_and_of_the_vm(
    start_vm: StartVm, terminal: StartTerminal, write: Write
) -> None:
    one, two = start_vm(name="one"), start_vm(name="two")
    path = write(
        "[settings]\nediting = 'vi'\nview = 'table'\ntimeout = 50\nnonesuch = 1\n"
        f"[vm.one]\naddress = '{one.address}'\nconfirm = 'all'\ntimeout = 20\n"
        f"[vm.two]\naddress = '{two.address}'\nview = 'compact'\n"
    )
    shell = terminal("@one")
    shell.wait_for_prompt()
    assert f"{path}:5: there is no key nonesuch" in shell.text.replace("\n", "")

    def show(name: str, value: str) -> None:
        shell.enter(f".set {name}")
        shell.wait_for_prompt()
        assert (
            shell.lines[[row.rstrip() for row in shell.lines].index(f"(QEMU) .set {name}") + 1]
            == value
        )
        shell.type("\x0c")  # clears the screen
        shell.wait_until(lambda: shell.lines[0].startswith("(QEMU)"), "an empty screen")

    for name, value in (
        ("editing", "vi"),
        ("view", "table"),
        ("timeout", "20"),
        ("confirm", "all"),
    ):
        show(name, value)
    shell.enter(".set confirm off")
    shell.wait_for_prompt()
    shell.enter(".connect @two")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for(r'^\{"return": \{"name": "two"\}\}$')
    shell.wait_for_prompt()
    shell.type("\x0c")
    shell.wait_until(lambda: shell.lines[0].startswith("(QEMU)"), "an empty screen")
    for name, value in (("view", "compact"), ("timeout", "50"), ("confirm", "off")):
        show(name, value)


def test_the_first_event_of_a_vm_is_shown_as_the_file_says(
    peer: StartPeer, terminal: StartTerminal, write: Write
) -> None:
    event = b'{"event": "STOP", "data": {}}\r\n'
    server = peer(UNTIL_PROMPT[0], UNTIL_PROMPT[1] + event, *UNTIL_PROMPT[2:], HOLD)
    write(f"[vm.one]\naddress = '{server.address}'\nevents = false\n")
    shell = terminal("@one")
    shell.wait_for_prompt()
    assert "STOP" not in shell.text


def test_options_overrule_the_file(vm: RunningVm, terminal: StartTerminal, write: Write) -> None:
    write("[settings]\nview = 'table'\ncolor = 'never'\n")
    shell = terminal(vm.address, "--compact", "--color", "always")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for(r'^\{"return": \{"name": "testvm"\}\}$')
    assert shell.colours('"testvm"') == {"green"}


def test_colours_and_views_hold_for_scripts_at_a_terminal(
    vm: RunningVm, terminal: StartTerminal, write: Write
) -> None:
    write("[settings]\nview = 'tree'\ncolor = 'never'\n")
    shell = terminal(vm.address, "query-name")
    assert shell.wait_for_end() == 0
    assert shell.text == "name testvm"
    assert b"\x1b" not in shell.raw
    write("[settings]\ncolor = 'always'\n")
    shell = terminal(vm.address, "query-name", NO_COLOR="1")
    assert shell.wait_for_end() == 0
    assert b"\x1b" in shell.raw


def test_names_are_completed_behind_connect(
    vm: RunningVm, terminal: StartTerminal, write: Write
) -> None:
    write(f"[vm.web1]\naddress = '{vm.address}'\n[vm.web2]\naddress = '/run/web2.sock'\n")
    shell = terminal("@web1")
    shell.wait_for_prompt()
    shell.type(".connect @")
    shell.wait_for("@web2 +/run/web2.sock")
    shell.type("web1")
    shell.press("enter")
    shell.wait_for_prompt()
    shell.enter("query-name")
    shell.wait_for('"name": "testvm"')


def test_values_of_a_vm_hold_until_the_next_one_and_chosen_ones_always() -> None:
    settings = Settings({"view": "compact", "timeout": 5.0})
    assert (settings.view, settings.timeout, settings.confirm) == ("compact", 5.0, "destructive")
    settings.use_for_vm({"timeout": None, "confirm": "all", "view": "tree"})
    assert (settings.view, settings.timeout, settings.confirm) == ("tree", None, "all")
    assert settings.pretty is False
    settings.change("confirm", "off")
    settings.change("pretty", "on")
    settings.use_for_vm({"confirm": "all"})
    assert (settings.view, settings.timeout, settings.confirm) == ("json", 5.0, "off")
    assert Settings().confirm == "destructive"


# Where the file is


@pytest.mark.parametrize("folder", ["/tmp/x", "", None])
def test_the_file_is_where_platformdirs_says(
    monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if folder is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", folder)
    expected = platformdirs.user_config_path("qmp-shell", appauthor=False) / "config.toml"
    assert default_path() == str(expected)


def test_a_relative_folder_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    assert default_path() == os.path.expanduser("~/.config/qmp-shell/config.toml")


def test_macos_has_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    code = (
        "import sys; sys.platform = 'darwin'; import qmp_shell.configuration as found;"
        "print(found.default_path())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("/Library/Application Support/qmp-shell/config.toml\n")


def test_nothing_is_imported_for_a_file_that_is_not_there(
    vm: RunningVm, environment: dict[str, str], write: Write
) -> None:
    plain = {name: value for name, value in environment.items() if "COVERAGE" not in name}

    def imported() -> str:
        return subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "qmp_shell", vm.address, "query-name"],
            env=plain,
            capture_output=True,
            text=True,
            check=True,
        ).stderr

    late = ("tomllib", "platformdirs", "qmp_shell.configuration.reader")
    assert not any(name in imported() for name in late)
    write("")
    assert "tomllib" in imported()


def test_there_may_be_no_home() -> None:
    with pytest.raises(AddressError, match="there is no home directory"):
        addresses_of(Configuration("", "there is no home directory")).resolve("@a")
