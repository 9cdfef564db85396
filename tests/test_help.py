"""Help pages: of everything in the VM's schema, with and without the manual."""

from __future__ import annotations

import copy
import gzip
from pathlib import Path
from typing import Any

import pytest

from qmp_shell.commands import Registry
from qmp_shell.commands.completion import complete_draft
from qmp_shell.complete import Candidate, Draft
from qmp_shell.language import ExecuteStatement, LineJoiner, StatementParser
from qmp_shell.language.word_types import apply_types
from qmp_shell.manual import Manual, open_manual
from qmp_shell.render.help_page import HelpWriter
from qmp_shell.schema import Command, Schema
from qmp_shell.schema.check import check_arguments
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.names import VmNames
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm, lack
from tests.sessions import offline_types

# What docutils generates from the same documentation, in QEMU 7 and in QEMU 11.
OLD = r"""
.SH THINGS
.SS \fBThingMode\fP (Enum)
.sp
How a thing behaves.
.SS Values
.INDENT 0.0
.TP
.B \fBfast\fP
It doesn\(aqt wait.
.UNINDENT
.SS \fBThingOptions\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBmode\fP: \fBThingMode\fP (optional)
How it
behaves (since 1.1)
.TP
.B The members of \fBThingFile\fP when \fBkind\fP is \fB\(dqfile\(dq\fP
.UNINDENT
.SS \fBThingFile\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBfilename\fP: \fBstring\fP
The file\-name.
.UNINDENT
.SS \fBthing\-add\fP (Command)
.sp
Add a thing. It can be removed again.
.SS Arguments
.INDENT 0.0
.TP
.B \fBid\fP: \fBstring\fP
A name for it.
.TP
.B The members of \fBThingOptions\fP
.UNINDENT
.SS Returns
.INDENT 0.0
.IP \(bu 2
Nothing on success
.UNINDENT
.SS Since
.sp
1.0
.SS Example
.INDENT 0.0
.INDENT 3.5
.sp
.nf
.ft C
\-> { \(dqexecute\(dq: \(dqthing\-add\(dq,
     \(dqarguments\(dq: { \(dqid\(dq: \(dqt 0\(dq, \(dqkind\(dq: \(dqnone\(dq } }
<\- { \(dqreturn\(dq: {} }
.ft P
.fi
.UNINDENT
.UNINDENT
.SH COPYRIGHT
nobody
"""
NEW = r"""
.SH THINGS
.INDENT 0.0
.TP
.B Enum ThingMode (Since: 1.0)
How a thing behaves.
.INDENT 7.0
.TP
.B Values
.INDENT 7.0
.IP \(bu 2
\fBfast\fP \-\- It doesn\(aqt wait.
.UNINDENT
.UNINDENT
.UNINDENT
.INDENT 0.0
.TP
.B Object ThingOptions (Since: 1.0)
.INDENT 7.0
.TP
.B Members
.INDENT 7.0
.IP \(bu 2
\fBmode\fP (\fBThingMode\fP, \fIoptional\fP) \-\-
.sp
How it
behaves (since 1.1)
.IP \(bu 2
When \fBkind\fP is \fBfile\fP: The members of \fBThingFile\fP\&.
.UNINDENT
.UNINDENT
.UNINDENT
.INDENT 0.0
.TP
.B Object ThingFile (Since: 1.0)
.INDENT 7.0
.TP
.B Members
.INDENT 7.0
.IP \(bu 2
\fBfilename\fP (\fBstring\fP) \-\- The file\-name.
.UNINDENT
.UNINDENT
.UNINDENT
.INDENT 0.0
.TP
.B Command thing\-add (Since: 1.0)
Add a thing. It can be removed again.
.INDENT 7.0
.TP
.B Arguments
.INDENT 7.0
.IP \(bu 2
\fBid\fP (\fBstring\fP) \-\- A name for it.
.IP \(bu 2
The members of \fBThingOptions\fP\&.
.UNINDENT
.TP
.B Returns
Nothing on success
.UNINDENT
.INDENT 7.0
.INDENT 3.5
.IP "Example:"
.sp
.EX
\-> { \(dqexecute\(dq: \(dqthing\-add\(dq,
     \(dqarguments\(dq: { \(dqid\(dq: \(dqt 0\(dq, \(dqkind\(dq: \(dqnone\(dq } }
<\- { \(dqreturn\(dq: {} }
.EE
.UNINDENT
.UNINDENT
.UNINDENT
.SH COPYRIGHT
nobody
"""
# The older markup has a heading before what a command returns, and no version in the heading.
RETURNS = {"": ["Returns:", "- Nothing on success"], "1.0": ["  Returns", "    Nothing on success"]}
ENTRIES: list[dict[str, Any]] = [
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "0", "meta-type": "object", "members": []},
    {"name": "thing-add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
    {
        "name": "1",
        "meta-type": "object",
        "members": [
            {"name": "kind", "type": "2"},
            {"name": "id", "type": "str"},
            {"name": "mode", "type": "3", "default": None, "features": ["unstable"]},
        ],
        "tag": "kind",
        "variants": [{"case": "file", "type": "4"}, {"case": "none", "type": "0"}],
    },
    {"name": "2", "meta-type": "enum", "values": ["file", "none"]},
    {"name": "3", "meta-type": "enum", "members": [{"name": "fast", "features": ["deprecated"]}]},
    {"name": "4", "meta-type": "object", "members": [{"name": "filename", "type": "str"}]},
    {"name": "THING_GONE", "meta-type": "event", "arg-type": "4"},
]


def helper(schema: Schema, manual: Manual | None, width: int = 80) -> HelpWriter:
    return HelpWriter(offline_types(schema), manual, width)


@pytest.fixture(params=[OLD, NEW], ids=["old", "new"])
def manual(request: pytest.FixtureRequest) -> Manual:
    return Manual("thing-ref(7)", str(request.param))


def test_a_page_of_a_command_with_the_manual(manual: Manual) -> None:
    page = "\n".join(helper(Schema(ENTRIES), manual).page("thing-add", {"kind": "file"}))
    assert page.splitlines()[0].startswith("thing-add: a command")
    assert page.splitlines()[0].endswith("Add a thing.")
    for line in (
        "  thing-add kind=file|none id=str filename=str [mode=fast]",
        "  id  str, required",
        "      A name for it.",
        "  mode  ThingMode: fast, optional, unstable",
        "      How it behaves (since 1.1)",
        "      The file-name.",
        "Returns: nothing",
        "  thing-add kind=file id=ID filename=FILENAME",
        "thing-ref(7):",
        "  Add a thing. It can be removed again.",
    ):
        assert line in page.splitlines()
    assert "nobody" not in page
    assert page.count("A name for it") == 1
    for given in ({}, {"kind": "none"}):
        page = "\n".join(helper(Schema(ENTRIES), manual).page("thing-add", given))
        assert '  thing-add id="t 0" kind=none' in page.splitlines()


def test_an_example_of_the_manual_is_shown_only_if_the_vm_takes_it(manual: Manual) -> None:
    entries = copy.deepcopy(ENTRIES)
    for entry in entries:
        if entry["name"] == "2":  # another QEMU has other kinds
            entry["values"] = ["file"]
    lines = helper(Schema(entries), manual).page("thing-add", {})
    assert lines[lines.index("Example:") + 1] == "  thing-add kind=file id=ID filename=FILENAME"


def test_pages_of_types_with_the_manual(manual: Manual) -> None:
    pages = helper(Schema(ENTRIES), manual)
    page = "\n".join(pages.page("ThingMode", {}))
    assert "  fast" in page.splitlines()
    assert "      deprecated: It doesn't wait." in page.splitlines()
    page = "\n".join(pages.page("ThingOptions", {}))
    assert "  More depend on kind, as in: .help ThingOptions kind=file" in page.splitlines()
    assert manual.summary("ThingMode") == "How a thing behaves"


def test_pages_without_the_manual() -> None:
    pages = helper(Schema(ENTRIES), None)
    page = "\n".join(pages.page("thing-add", {}))
    assert "  More depend on kind, as in: .help thing-add kind=file" in page.splitlines()
    assert "  thing-add kind=file id=ID filename=FILENAME" in page.splitlines()
    page = "\n".join(pages.page("THING_GONE", {}))
    assert "  filename  str, required" in page.splitlines()
    page = "\n".join(pages.page("3", {}))
    assert page.startswith("3: an enum")
    assert pages.page("nothing", {}) == []


def check_example(page: str, command: Command) -> None:
    """Check that the example on a page is a line that the VM's schema allows."""
    example = page.splitlines()[page.splitlines().index("Example:") + 1]
    source = LineJoiner().add_line(example)
    assert source is not None
    statement = StatementParser().parse(source)
    assert isinstance(statement, ExecuteStatement)
    message = statement.message
    assert message["execute"] == command.name
    if command.name != "device_add":  # the schema has not all that it takes
        arguments = apply_types(message.get("arguments", {}), command.arguments)
        assert check_arguments(arguments, command.arguments) == []


def test_every_command_and_event_has_a_page(schema: Schema) -> None:
    pages = helper(schema, None, width=60)
    for name in [*schema.commands(), *schema.events()]:
        page = "\n".join(pages.page(name, {}))
        assert page.startswith(f"{name}: a")
        command = schema.command(name)
        if command is not None:
            assert all(member in page for member in command.arguments.members)
            check_example(page, command)


def test_every_command_and_event_has_a_page_with_the_installed_manual(schema: Schema) -> None:
    manual = open_manual("qemu-qmp-ref")
    if manual is None:
        lack("qemu-qmp-ref(7)")
    pages = helper(schema, manual)
    summaries = 0
    for name in [*schema.commands(), *schema.events()]:
        page = "\n".join(pages.page(name, {}))
        assert "\\" not in page.replace("\\n", "").replace('\\"', "").replace("\\\\", "")
        summaries += bool(manual.summary(name))
        command = schema.command(name)
        if command is not None:
            check_example(page, command)
    assert summaries > 200
    assert len(manual.types(schema)) > 300
    for name in manual.types(schema):
        assert pages.page(name, {})


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\\fIAvailability\\fP: \\fBCONFIG_PIXMAN\\fP\n.sp\n",
        "This command is unstable/experimental.\n.sp\n",
        "This command is unstable/experimental.\n\\fIAvailability\\fP: \\fBCONFIG_X\\fP\n.sp\n",
        ".INDENT 7.0\n.TP\n.B Return\n\\fB[\\fP\\fI\\%Thing\\fP\\fB]\\fP \\-\\- ",
        ".INDENT 7.0\n.TP\n.B Return\n\\fB[\\fP\\fI\\%Thing\\fP\\fB]\\fP\n.UNINDENT\n",
    ],
)
def test_a_summary_is_the_first_sentence_that_says_what_it_is(before: str) -> None:
    """QEMU 10 has notes before it, and some commands only say what they return."""
    source = f".B Command thing\\-show (Since: 0.14)\n{before}Show a thing.  It is large.\n.SH X\n"
    assert Manual("thing-ref(7)", source).summary("thing-show") == "Show a thing"


def test_the_manual_is_found_in_manpath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "man7").mkdir()
    with gzip.open(tmp_path / "man7" / "qemu-thing-ref.7.gz", "wt") as file:
        file.write(NEW)
    (tmp_path / "man7" / "qemu-bad-ref.7.gz").write_bytes(b"no gzip")
    monkeypatch.setenv("MANPATH", str(tmp_path))
    found = open_manual("qemu-thing-ref")
    assert found is not None
    assert found.title == "qemu-thing-ref(7)"
    assert found.summary("thing-add") == "Add a thing"
    assert open_manual("qemu-bad-ref") is None
    assert open_manual("qemu-none-ref") is None


def test_what_a_section_says(manual: Manual) -> None:
    section = manual.section("thing-add")
    assert section is not None
    assert section.kind == "Command"
    assert section.text(80) == [
        "Add a thing. It can be removed again.",
        "",
        *RETURNS[section.since],
    ]
    assert section.text(20)[:2] == ["Add a thing. It can", "be removed again."]
    assert {name: text.text for name, text in section.members.items()} == {"id": "A name for it."}
    assert section.included == [("ThingOptions", None)]
    assert [message["arguments"] for message in section.examples()] == [
        {"id": "t 0", "kind": "none"}
    ]
    assert manual.section("nothing") is None
    assert manual.type_names() == ["ThingMode", "ThingOptions", "ThingFile"]


def test_a_member_is_found_in_the_types_that_a_section_includes(manual: Manual) -> None:
    section = manual.section("thing-add")
    assert section is not None
    assert manual.member(section, "filename", {}) is None
    found = manual.member(section, "filename", {"driver": "file"})
    assert found is not None
    assert (found.type_name, found.text) == ("string", "The file-name.")


@pytest.mark.parametrize(
    ("path", "given", "summary"),
    [
        (["id"], {}, "A name for it"),
        (["mode"], {}, "How it behaves"),
        (["filename"], {"kind": "file"}, "The file-name"),
        (["filename"], {"kind": ["file"]}, ""),
        (["filename"], None, ""),
        (["nothing"], {}, ""),
        (["id", "inner"], {}, ""),
        (["0"], {}, ""),
        ([], {}, ""),
    ],
)
def test_what_is_said_of_an_argument_in_a_menu(
    manual: Manual, path: list[str], given: object, summary: str
) -> None:
    assert manual.argument_summary("thing-add", path, given) == summary
    assert manual.argument_summary("nothing", path, given) == ""


NESTED = r"""
.SS \fBthing\-add\fP (Command)
.SS Arguments
.INDENT 0.0
.TP
.B \fBref\fP: \fBThingRef\fP
which one. it is needed
.TP
.B \fBlist\fP: \fBarray of ThingOptions\fP (optional)
Many things, e.g. two (default: none) (Since 8.2). More of it.
.TP
.B \fBempty\fP: \fBstring\fP
Not documented
.TP
.B \fBlong\fP: \fBstring\fP
LONG
.UNINDENT
.SS \fBthing\-change\fP (Command)
.sp
Change it.
.sp
For the arguments, see the documentation of ThingOptions.
.SS \fBThingRef\fP (Alternate)
.SS Members
.INDENT 0.0
.TP
.B \fBdefinition\fP: \fBThingOptions\fP
defines it
.TP
.B \fBreference\fP: \fBstring\fP
names it
.UNINDENT
.SS \fBThingOptions\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBdefinition\fP: \fBstring\fP
A text (since: 1.1).
.TP
.B \fBref\fP: \fBThingRef\fP
One more
.UNINDENT
""".replace("LONG", "long words " * 40)


@pytest.mark.parametrize(
    ("path", "summary"),
    [
        ("ref", "which one"),
        ("ref.definition", "A text"),
        ("ref.ref.ref.definition", "A text"),
        ("ref.reference", ""),
        ("list", "Many things, e.g. two (default: none)"),
        ("list.0.definition", "A text"),
        ("list.0.ref.definition", "A text"),
        ("empty", ""),
    ],
)
def test_what_is_said_of_a_member_in_an_argument(path: str, summary: str) -> None:
    page = Manual("thing-ref(7)", NESTED)
    assert page.argument_summary("thing-add", path.split("."), {}) == summary


def test_arguments_may_be_described_elsewhere() -> None:
    page = Manual("thing-ref(7)", NESTED)
    assert page.argument_summary("thing-change", ["definition"], {}) == "A text"


def test_what_is_said_of_an_argument_is_cut_between_words() -> None:
    summary = Manual("thing-ref(7)", NESTED).argument_summary("thing-add", ["long"], {})
    assert len(summary) < 110
    assert summary.endswith(("long...", "words..."))


def test_what_is_for_developers_is_left_out() -> None:
    notes = [("Returns", "what was made"), ("TODO", "make it better"), ("Note", "it is slow")]
    text = "".join(f".SS {heading}\n.sp\n{text}\n" for heading, text in notes)
    page = Manual("thing-ref(7)", f".SS \\fBthing\\fP (Command)\n.sp\nMakes a thing.\n{text}")
    section = page.section("thing")
    assert section is not None
    told = "\n".join(section.text(80))
    assert "what was made" in told
    assert "it is slow" in told
    assert "TODO" not in told
    assert "better" not in told


def test_menus_have_the_manuals_sentences(schema: Schema) -> None:
    source = NESTED.replace(r"thing\-add", "blockdev-mirror").replace("ref", "sync")
    page = Manual("thing-ref(7)", source)
    types = VmTypes(Answers(None, schema).immediate, find_manual=lambda: page)
    names = VmNames(Answers(None).immediate, types, lambda: None)
    options = complete_draft(Draft("blockdev-mirror "), Registry(), names, types)
    assert options is not None
    assert Candidate("sync=", "enum, required: which one", is_key=True) in options.candidates
    assert Candidate("device=", "str, required", is_key=True) in options.candidates


def test_menus_have_the_installed_manuals_sentences(schema: Schema) -> None:
    """Of nearly all arguments, because nearly all are documented."""
    manual = open_manual("qemu-qmp-ref")
    if manual is None:
        lack("qemu-qmp-ref(7)")
    known = [
        bool(manual.argument_summary(name, [member], {}))
        for name in schema.commands()
        if (command := schema.command(name)) is not None and manual.section(name) is not None
        for member in command.arguments.members
    ]
    assert sum(known) > 0.8 * len(known) > 200
    nested = {"driver": "qcow2", "file": {"driver": "file"}}
    assert manual.argument_summary("blockdev-add", ["file", "filename"], nested)


def test_types_that_include_each_other_are_searched_once() -> None:
    source = "".join(
        f".B Object {name} (Since: 1.0)\n.INDENT 7.0\n.TP\n.B Members\n.INDENT 7.0\n"
        f".IP \\(bu 2\nThe members of \\fB{other}\\fP\\&.\n.UNINDENT\n.UNINDENT\n"
        for name, other in (("One", "Two"), ("Two", "One"))
    )
    page = Manual("thing-ref(7)", source)
    section = page.section("One")
    assert section is not None
    assert section.included == [("Two", None)]
    assert page.member(section, "nothing", {}) is None


@pytest.mark.parametrize(
    "source",
    [
        ".B Command thing (Since: " * 50_000,
        ".B Command thing (Since: \n" * 50_000,
        ".SS \\fB" * 50_000,
        ".B Command thing\n.EX\n" + "-> {" * 50_000,
        ".B Command thing\n.EX\n" + "-> {\n" * 50_000,
        ".B Command thing\n-> " + "[" * 50_000,
        ".B Command thing\n.TP\n.B Members\n.INDENT 0\n.IP - 2\n" + "a (" * 50_000,
        ".B Command thing\n.TP\n.B Members\n.INDENT 0\n.IP - 2\n" + " when a is " * 50_000,
        ".B Command thing\n" + "\\f[" * 50_000,
        ".B Command thing\n" + ".INDENT 7.0\n" * 50_000,
    ],
    ids=lambda source: repr(source[-12:]),
)
@pytest.mark.timeout(20)
def test_a_page_takes_linear_time(source: str) -> None:
    """With patterns that backtrack, these pages took minutes."""
    page = Manual("thing-ref(7)", source)
    page.summary("thing")
    section = page.section("thing")
    if section is not None:
        assert section.examples() == []
        section.text(80)


def test_help_in_a_script(vm: RunningVm, run: Run) -> None:
    done = run(vm.address, "-c", "set_link ?", "-c", ".help STOP", "-c", "help query-status")
    assert done.returncode == 0
    assert "set_link name=str up=bool" in done.stdout
    assert "STOP: an event" in done.stdout
    assert "query-status: a command" in done.stdout
    done = run(vm.address, "-c", ".help qury-status")
    assert done.returncode == 2
    assert "did you mean query-status" in done.stderr
    done = run(vm.address, "-c", ".help .table", "-c", ".help .tree", "-c", ".help")
    assert done.stdout.startswith("Views of a reply\n"), "a view is no command"
    assert "\n.tree WHAT [NAME]  draw" in done.stdout, "but this one is"
    assert "\nviews  " in done.stdout


def test_help_with_a_drivers_properties(vm: RunningVm, run: Run) -> None:
    done = run(vm.address, "-c", ".help device_add driver=e1000")
    assert "  mac  str, optional" in done.stdout.splitlines()


def test_types_that_contain_each_other_again_and_again_make_no_endless_page() -> None:
    """Each has two required members of the next one: 2 to the power of 200 values in all."""
    chain: list[dict[str, object]] = [
        {
            "name": f"t{number}",
            "meta-type": "object",
            "members": [{"name": name, "type": f"t{number + 1}"} for name in ("a", "b")],
        }
        for number in range(200)
    ]
    command = {"name": "c", "meta-type": "command", "arg-type": "t0", "ret-type": "t0"}
    page = "\n".join(helper(Schema([command, *chain]), None).page("c", {}))
    assert page.startswith("c: a command")
    assert len(page) < 10_000


def test_alternates_of_many_branches_make_no_endless_page() -> None:
    branch_types = [{"type": f"[{number}]"} for number in range(1000)]
    arrays: list[dict[str, object]] = [
        {"name": each["type"], "meta-type": "array", "element-type": "alt"} for each in branch_types
    ]
    entries: list[dict[str, object]] = [
        {"name": "alt", "meta-type": "alternate", "members": branch_types},
        *arrays,
        {"name": "args", "meta-type": "object", "members": [{"name": "a", "type": "alt"}]},
        {"name": "c", "meta-type": "command", "arg-type": "args", "ret-type": "alt"},
        {"name": "self", "meta-type": "alternate", "members": [{"type": "self"}]},
    ]
    pages = helper(Schema(entries), None)
    assert len("\n".join(pages.page("c", {}))) < 100_000
    assert "any" in "\n".join(pages.page("self", {}))
