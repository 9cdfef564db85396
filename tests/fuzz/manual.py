"""Fuzz target: a page of QEMU's manual, and the help pages made with it."""

from __future__ import annotations

from qmp_shell.manual import Manual
from qmp_shell.manual.troff import format_blocks, parse_blocks, plain_text
from qmp_shell.render.help_page import HelpWriter
from qmp_shell.schema import Schema
from qmp_shell.vm.answers import Answers
from qmp_shell.vm.types import VmTypes
from tests.fuzz.source import CHARACTERS, Source

SCHEMA = Schema(
    [
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
        {"name": "0", "meta-type": "object", "members": []},
        {"name": "thing-add", "meta-type": "command", "arg-type": "1", "ret-type": "[1]"},
        {
            "name": "1",
            "meta-type": "object",
            "members": [
                {"name": "kind", "type": "2"},
                {"name": "id", "type": "str"},
                {"name": "mode", "type": "3", "default": None},
                {"name": "more", "type": "[1]"},
            ],
            "tag": "kind",
            "variants": [{"case": "file", "type": "4"}, {"case": "none", "type": "0"}],
        },
        {"name": "[1]", "meta-type": "array", "element-type": "1"},
        {"name": "2", "meta-type": "enum", "values": ["file", "none"]},
        {"name": "3", "meta-type": "enum", "members": [{"name": "fast"}]},
        {"name": "4", "meta-type": "object", "members": [{"name": "filename", "type": "str"}]},
        {"name": "THING_GONE", "meta-type": "event", "arg-type": "4"},
    ]
)
# What docutils writes for QEMU 7.2 and for QEMU 11, in parts.
WORDS = (
    *CHARACTERS,
    *(".SS \\fB", "\\fP (Command)\n", "\\fP (Object)\n", "\\fP (Enum)\n", "thing\\-add", ".SH A\n"),
    *(".B Command ", ".B Object ", ".B Enum ", " (Since: ", ")\n", "thing-add", "ThingMode"),
    *(".SS Arguments\n", ".SS Members\n", ".SS Values\n", ".SS Since\n", ".SS Example\n"),
    *(
        ".B Members\n",
        ".B Arguments\n",
        ".B Values\n",
        ".TP\n",
        ".IP \\(bu 2\n",
        '.IP "Example:"\n',
    ),
    *(".INDENT 0.0\n", ".INDENT 7.0\n", ".UNINDENT\n", ".sp\n", ".nf\n", ".fi\n", ".EX\n", ".EE\n"),
    *("\\fB", "\\fP", "\\fI", "\\(aq", "\\(dq", "\\(bu", "\\-", "\\&", "\\e", "\\f[", "\\(", "\n."),
    *(": ", " (optional)", ", \\fIoptional\\fP", " \\-\\- ", "mode", "kind", "fast", "array of "),
    *("The members of ", "When \\fBkind\\fP is \\fBfile\\fP: ", " when \\fBkind\\fP is \\(dqfile"),
    *("\\-> ", "<\\- ", '{"execute": "thing-add"}', "TODO", "deprecated", ". A", "ThingFile"),
)


def check(data: bytes) -> None:
    """The source of a page."""
    text = Source(data).text(WORDS)
    plain_text(text)
    for _ in format_blocks(parse_blocks(text), 40):
        pass
    page = Manual("thing-ref(7)", text)
    names = [*page.type_names(), "thing-add", "THING_GONE", "ThingMode", ""]
    for name in names:
        assert "\n" not in page.summary(name)
        section = page.section(name)
        if section is not None:
            _check_section(page, section.name)
    page.types(SCHEMA)
    types = VmTypes(Answers(None, SCHEMA).immediate)
    for width in (20, 100):
        writer = HelpWriter(types, page, width)
        for name in names:
            writer.page(name, {"kind": "file"})


def _check_section(page: Manual, name: str) -> None:
    section = page.section(name)
    assert section is not None
    for width in (1, 20, 80):
        assert all("\n" not in line for line in section.text(width))
    for message in section.examples():
        assert message["execute"] == name
    for member in (*section.members, "filename", ""):
        page.member(section, member, {"driver": "file"})
        summary = page.argument_summary(name, [member, "0", "filename"], {"driver": "file"})
        assert "\n" not in summary
