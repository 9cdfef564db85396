"""The manual: ``.help TOPIC`` and the manual pages have one source, and it tells what is so."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import docutils.core
import pytest
from docutils import nodes

from qmp_shell.commands import Registry
from qmp_shell.documentation import TOPICS, read_topic, topic_of_command
from qmp_shell.documentation.markup import Block, Heading, parse_blocks
from qmp_shell.options import build_parser, build_wrap_parser
from qmp_shell.render.document import draw_document
from qmp_shell.render.views import VIEWS, Look
from qmp_shell.schema import Schema
from qmp_shell.session.settings import OPTIONS
from qmp_shell.transport import SCHEMES
from tests.conftest import Run, RunningVm, StartTerminal, require_program
from tests.documents import (
    CONTRIBUTING,
    ROOT,
    find_code,
    find_items,
    table_below,
    without_marks,
    words_of,
)
from tests.terminal import Terminal

PAGES = ("qmp-shell.1", "qmp-shell-wrap.1", "qmp-shell.7")
PARSERS = {"qmp-shell": build_parser, "qmp-shell-wrap": build_wrap_parser}
SCREEN = (24, 80)  # rows and columns
WIDEST_CODE = 72  # columns, so that it fits a screen where a page is indented

all_topics = pytest.mark.parametrize("topic", TOPICS)
both_programs = pytest.mark.parametrize("program", PARSERS)


def words(text: str) -> list[str]:
    """The words of a text as it is shown, without what stands for colours and bullets."""
    return re.sub("[`•]", " ", text).split()


def draw(blocks: tuple[Block, ...], columns: int) -> str:
    return str(draw_document(blocks, Look(False, False, lambda: columns)))


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The module that a build makes the pages with."""
    path = ROOT / ".build" / "man_pages.py"
    specification = importlib.util.spec_from_file_location("man_pages", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the manual pages, as a build makes them."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, str(ROOT / ".build" / "man_pages.py"), str(folder)]
    subprocess.run(command, check=True, cwd="/")
    return folder


def format_page(path: Path, *, columns: int = 80) -> str:
    """What man shows of a page, without backspaces."""
    command = [require_program("man"), "-l", "-Tutf8", str(path)]
    environment = os.environ | {"MANWIDTH": str(columns), "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)


# The manual pages


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("page", PAGES)
def test_man_has_no_warnings(pages: Path, page: str, locale: str) -> None:
    command = [require_program("man"), "--warnings", "-l", str(pages / page)]
    require_program("groff")
    environment = os.environ | {"LC_ALL": locale, "MANPAGER": "cat"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stderr == b""
    assert len(done.stdout) > 1000
    assert done.stdout.isascii() == (locale == "C" or page != "qmp-shell.7")


def test_the_page_of_section_7_has_all_topics(pages: Path) -> None:
    """Word for word: they have one source."""
    shown = words(format_page(pages / "qmp-shell.7"))
    text = " ".join(shown).casefold()
    position = 0
    for topic in TOPICS:
        blocks = parse_blocks(read_topic(topic))
        expected = " ".join(words(" ".join(words_of(blocks)))).casefold()
        found = text.find(expected, position)
        assert found >= 0, topic
        position = found + len(expected)


@both_programs
def test_the_pages_of_section_1_have_each_option_with_its_help(pages: Path, program: str) -> None:
    shown = " ".join(words(format_page(pages / f"{program}.1")))
    options = [each for each in PARSERS[program]()._actions if each.option_strings]
    assert len(options) >= 20
    for action in options:
        value = f" {action.metavar or '|'.join(action.choices or ())}" if action.nargs != 0 else ""
        value = f" [{value.strip()}]" if action.nargs == "?" else value
        forms = ", ".join(f"{form}{value}" for form in action.option_strings)
        text = " ".join((action.help or "").split())
        assert f" {forms} {text} " in shown


def test_a_page_that_has_a_mistake_is_not_made(
    maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maker, "read_source", lambda _: "An ``end that is missing")
    with pytest.raises(docutils.utils.SystemMessage):
        maker.make_page("qmp-shell.7")


def test_a_wheel_that_is_made_without_the_repository_has_the_pages(
    tmp_path: Path, pages: Path
) -> None:
    """From a source distribution, as distributors and pip make it."""
    build = (
        "import sys; from hatchling import build;"
        "print(getattr(build, 'build_' + sys.argv[1])(sys.argv[2]))"
    )

    def make(kind: str, cwd: Path) -> Path:
        command = [sys.executable, "-c", build, kind, str(tmp_path)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
        return tmp_path / done.stdout.splitlines()[-1]

    source = make("sdist", ROOT)
    subprocess.run(["tar", "-xf", source, "-C", tmp_path], check=True)
    unpacked = tmp_path / source.name.removesuffix(".tar.gz")
    with zipfile.ZipFile(make("wheel", unpacked)) as wheel:
        installed = {
            Path(name).name: wheel.read(name) for name in wheel.namelist() if "/man" in name
        }
        assert {name: data for name, data in installed.items() if name in PAGES} == {
            name: (pages / name).read_bytes() for name in PAGES
        }
        names = set(wheel.namelist())
    assert {f"qmp_shell/documentation/{topic}.rst" for topic in TOPICS} <= names
    assert any(name.endswith(".data/data/share/man/man7/qmp-shell.7") for name in names)
    assert not any(".build" in name for name in names)


# One source


@all_topics
def test_a_topic_is_read_as_docutils_reads_it(topic: str) -> None:
    """The parser of this package knows a part of reStructuredText only."""
    document = docutils.core.publish_doctree(
        read_topic(topic), settings_overrides={"halt_level": 2, "doctitle_xform": False}
    )
    kinds = (nodes.title, nodes.paragraph, nodes.term, nodes.literal_block)
    texts = [each.astext() for each in document.findall(lambda node: isinstance(node, kinds))]
    assert list(words_of(parse_blocks(read_topic(topic)))) == " ".join(texts).split()


@all_topics
def test_a_topic_begins_with_its_title_and_its_code_fits_a_screen(topic: str) -> None:
    title, *_ = parse_blocks(read_topic(topic))
    assert isinstance(title, Heading)
    widest = max((len(line) for code in find_code(topic) for line in code.splitlines()), default=0)
    assert widest <= WIDEST_CODE


@all_topics
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_topic_is_shown_whole_at_any_width(topic: str, columns: int) -> None:
    blocks = parse_blocks(read_topic(topic))
    shown = draw(blocks, columns)
    assert max(map(len, shown.split("\n"))) <= min(columns, 80)
    assert "".join(words(shown)) == "".join(words(" ".join(words_of(blocks))))


def test_help_shows_the_text_of_the_manual(vm: RunningVm, run: Run) -> None:
    for topic in ("notation", "wait", "views"):
        expected = draw(parse_blocks(read_topic(topic)), 80) + "\n"
        assert run(vm.address, "-c", f".help {topic}").stdout == expected
        assert run("--help", topic).stdout == expected
        assert run("--help", topic, program="main_wrap").stdout == expected


def test_help_at_the_prompt_is_as_wide_as_the_terminal(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, columns=40, rows=100)
    shell.wait_for_prompt()
    shell.enter(".help wait")
    shell.wait_for(
        r"^Waiting\n\nMuch of what QEMU does ends long after\nthe command that started it"
    )
    shell.wait_for_prompt()
    assert shell.is_bold("Waiting")
    assert "`" not in shell.text


def test_the_short_help_where_a_terminal_does_not_tell_its_width(terminal: StartTerminal) -> None:
    shell = terminal("-h", columns=0, rows=0)
    assert shell.wait_for_end() == 0


def test_the_list_of_commands_is_as_wide_as_the_terminal(
    vm: RunningVm, terminal: StartTerminal, run: Run
) -> None:
    words = " ".join(run(vm.address, "-c", ".help").stdout.split())
    shell = terminal(vm.address, columns=45, rows=120)
    shell.wait_for_prompt()
    shell.enter(".help")
    shell.wait_for_prompt()
    assert words in " ".join(shell.text.split())
    assert "\n.exit\n    leave; the VM goes on, unless it is the\n    shell's\n" in shell.text


def test_help_in_human_monitor_mode_is_about_its_lines(vm: RunningVm, run: Run) -> None:
    first, *_ = run("-H", vm.address, "-c", ".help").stdout.splitlines()
    assert first == "NAME ARGUMENTS   as the human monitor takes them: device_add e1000,id=net1"


def test_the_text_of_a_topic_can_go_to_a_program(vm: RunningVm, run: Run) -> None:
    result = run(vm.address, "-c", ".help wait | head -n 1")
    assert result.stdout == "Waiting\n"


def test_a_topic_that_does_not_exist_is_an_error_of_usage(run: Run) -> None:
    result = run("--help", "nonesuch")
    assert result.returncode == 2
    assert result.stderr.startswith("qmp-shell: no topic 'nonesuch'; there are demo, addresses, ")
    assert result.stderr.count("\n") == 1


def test_topics_are_listed_and_corrected(vm: RunningVm, run: Run) -> None:
    shown = run(vm.address, "-c", ".help").stdout
    listed = " ".join(shown.split()).partition("Topics of the manual, as .help notation: ")[2]
    assert listed.replace(",", " ").split() == list(TOPICS)
    assert max(map(len, shown.splitlines())) <= SCREEN[1]
    assert "did you mean wait" in run(vm.address, "-c", ".help wiat").stderr


def test_topics_are_completed_with_what_they_are_about(shell: Terminal) -> None:
    shell.type(".help confi")
    shell.wait_for(r"^ +configuration +names for VMs")


def test_names_that_are_topics_and_commands(vm: RunningVm, run: Run) -> None:
    """A word is a topic, then a command of the VM's, then one of the shell's."""

    def first(topic: str, *options: str) -> list[str]:
        return run(vm.address, *options, "-c", f".help {topic}").stdout.splitlines()

    assert first("wait")[0] == "Waiting"
    usage = ".wait WHAT [timeout=S]  wait for an event, job, migration or run state"
    assert first(".wait") == [usage, "more: .help wait"]
    assert first("watch")[0].startswith(".watch [SECONDS] COMMAND")
    assert first("query-status")[0].startswith("query-status: a command")
    assert first("wait", "-H")[0] == "Waiting"
    assert first("info", "-H")[0].startswith("info ")


def test_no_topic_hides_a_command_of_the_vm(vm: RunningVm, schema: Schema) -> None:
    names = {*schema.commands(), *schema.events()}
    with vm.second() as client:
        text = client.execute("human-monitor-command", **{"command-line": "help"})
    names.update(word for line in text.splitlines() for word in line.partition(" ")[0].split("|"))
    assert "device_add" in names
    assert names & set(TOPICS) == set()


# What it tells


def test_all_dot_commands_are_listed_with_their_usage_and_summary() -> None:
    found = [(without_marks(term), without_marks(text)) for term, text in find_items("commands")]
    expected = [
        (f".{command.name} {command.usage}".rstrip(), command.summary)
        for command in Registry().all()
    ]
    assert found == expected


def test_each_dot_command_is_explained_by_a_topic() -> None:
    for name in (*Registry().names(), "tour"):
        assert f"``.{name}" in read_topic(topic_of_command(name)), name


def test_all_settings_are_listed_with_their_summary() -> None:
    found = {without_marks(term): without_marks(text) for term, text in find_items("settings")}
    assert found.keys() == OPTIONS.keys()
    for name, option in OPTIONS.items():
        assert found[name].startswith(option.summary)


def test_all_views_and_kinds_of_address_are_named() -> None:
    views = " ".join(term for term, _ in find_items("views"))
    assert [name for name in VIEWS if f"``.{name}" not in views] == []
    addresses = " ".join(term for term, _ in find_items("addresses"))
    forms = [form for forms in SCHEMES.values() for form in forms]
    assert [form for form in forms if f"``{form}``" not in addresses] == []


def test_the_topics_that_others_refer_to_exist() -> None:
    texts = [read_topic(topic) for topic in TOPICS]
    texts += [
        path.read_text() for path in (ROOT / "qmp_shell/documentation").glob("qmp-shell*.rst")
    ]
    found = {name for text in texts for name in re.findall(r"``\.help ([a-z]+)``", text)}
    assert len(found) > 10
    assert found <= {*TOPICS}


def test_each_promise_is_held_by_tests_that_exist() -> None:
    rows = table_below(CONTRIBUTING, "## What holds the promises")
    promises = [term for term, _ in find_items("promises")]
    assert [name for name, _ in rows] == promises
    links = [re.findall(r"\]\(\.\./([^)]*)\)", tests) for _, tests in rows]
    assert all(links)
    assert [path for each in links for path in each if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("topic", ["notation", "wait", "variables"])
def test_its_lines_of_commands_can_be_parsed(topic: str, schema_file: Path, run: Run) -> None:
    """Lines with a $NAME are left out: they need a value that an earlier line has kept."""
    code = "".join(find_code(topic)).replace("</path", "</dev/null").replace("<>/srv/disk.img", "")
    result = run("--schema", str(schema_file), stdin=code)
    unknown = [line for line in result.stderr.splitlines() if "$" not in line]
    assert (unknown, result.returncode) == ([], 0)


# -h


@both_programs
def test_the_short_help_fits_a_screen_and_ends_in_three_examples(run: Run, program: str) -> None:
    name = "main" if program == "qmp-shell" else "main_wrap"
    result = run("-h", program=name)
    assert (result.stderr, result.returncode) == ("", 0)
    lines = result.stdout.splitlines()
    rows, columns = SCREEN
    assert len(lines) < rows  # the prompt of the user's shell stands below
    assert max(map(len, lines)) < columns
    assert lines[-4] == "examples:"
    assert all(line.startswith("  qmp-shell") for line in lines[-3:])


@both_programs
def test_the_short_help_breaks_no_word_on_a_narrow_terminal(
    run: Run, terminal: StartTerminal, program: str
) -> None:
    name = "main" if program == "qmp-shell" else "main_wrap"
    shell = terminal("-h", program=name, columns=40, rows=100)
    shell.wait_for_end()
    assert shell.text.split() == run("-h", program=name).stdout.split()


@both_programs
def test_the_short_help_is_a_part_of_the_long_one(run: Run, program: str) -> None:
    name = "main" if program == "qmp-shell" else "main_wrap"
    short = run("-h", program=name).stdout
    long = " ".join(run("--help", program=name).stdout.split())
    rows = re.findall(r"^  (-\S+)(?: (\S+))?  +(.*)", short, re.MULTILINE)
    assert len(rows) >= 8
    for option, value, text in rows:
        # Python 3.13 writes "-c, --command LINE", older ones "-c LINE, --command LINE".
        shown = re.escape(f"{value} {text}".strip())
        assert re.search(rf" {option}\b[^.;]* {shown}", long), option


def test_the_examples_of_the_short_help_work(vm: RunningVm, run: Run, qemu: str) -> None:
    example = "qmp-shell /run/vm.sock query-block | jq ."
    assert example in run("-h").stdout
    result = run(vm.address, "query-block")
    assert (result.stdout, result.stderr) == ('{"return": []}\n', "")
    example = "qmp-shell-wrap -c query-pci -- qemu-system-x86_64"
    assert example in run("-h", program="main_wrap").stdout
    result = run("-c", "query-pci", "--", qemu, "-display", "none", program="main_wrap")
    assert (result.stderr, result.returncode) == ("", 0)
    assert "Host bridge" in result.stdout
