"""Make the manual pages: python .build/man_pages.py FOLDER

They come from the topics in qmp_shell/documentation, which ``.help TOPIC`` shows as well, and from
the option parsers, which print ``--help``. docutils is needed, and nothing else.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree

sys.path.insert(0, str(Path(__file__).parent.parent))

from qmp_shell import __version__
from qmp_shell.documentation import TOPICS, read_topic
from qmp_shell.options import build_parser, build_wrap_parser

SOURCES = Path(__file__).parent.parent / "qmp_shell" / "documentation"
PAGES = ("qmp-shell.1", "qmp-shell-wrap.1", "qmp-shell.7")
_PARSERS = {"qmp-shell.1": build_parser, "qmp-shell-wrap.1": build_wrap_parser}
# In a page's source, what stands for text that is made here.
_OPTIONS, _TOPIC_LIST, _TOPICS = ".. OPTIONS", ".. TOPIC LIST", ".. TOPICS"
# Many words are typed, so they are neither broken nor set apart: groff 1.22, and from 1.23 on.
_LEFT_ALIGNED = ".nr HY 0\n.nh\n.ad l\n.ds AD l"
# What stands for the lines and bars of drawings on terminals that have none.
_FALLBACKS = dict(zip("─│├└▁▂▃▄▅▆▇█", "-|++.._-==##", strict=True))
_SETTINGS = {
    "halt_level": 2,  # warnings
    "report_level": 2,
    "file_insertion_enabled": False,
    "smart_quotes": False,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
}


def make_page(name: str) -> str:
    """The troff source of a manual page.

    :param name: one of :data:`PAGES`.
    """
    document = publish_doctree(read_source(name), settings_overrides=_SETTINGS)
    for section in document.findall(nodes.section):
        if section.parent is document:
            _convert_to_capitals(section[0])
    text: str = publish_from_doctree(document, writer="manpage", settings_overrides=_SETTINGS)
    # The writer's own first title.
    title = re.compile(r"^\.SH name$", re.IGNORECASE | re.MULTILINE)
    head = "\n".join([_LEFT_ALIGNED, *_define_fallbacks(text), ".SH NAME"])
    return title.sub(lambda _: head, text, count=1)


def _define_fallbacks(text: str) -> list[str]:
    """The requests by which troff knows what stands for the characters of a page."""
    found = {each for each in text if each in _FALLBACKS}
    return [f".fchar \\[u{ord(each):04X}] {_FALLBACKS[each]}" for each in sorted(found)]


def read_source(name: str) -> str:
    """The reStructuredText of a manual page, with all that is made."""
    source = (SOURCES / f"{name}.rst").read_text(encoding="utf-8")
    source = source.replace("VERSION", __version__, 1)
    if name in _PARSERS:
        source = source.replace(_OPTIONS, _describe_options(_PARSERS[name]()))
    topics = ((f"``{topic}``", each.summary) for topic, each in TOPICS.items())
    source = source.replace(_TOPIC_LIST, _define(topics))
    return source.replace(_TOPICS, "\n".join(map(read_topic, TOPICS)))


def _convert_to_capitals(title: nodes.Node) -> None:
    """Manual pages have their main titles in capitals."""
    for text in title.findall(nodes.Text):
        text.parent.replace(text, nodes.Text(text.upper()))


def _describe_options(parser: argparse.ArgumentParser) -> str:
    """A definition list of all options, group by group, as --help has them."""
    groups = []
    for group in parser._action_groups:
        options = [action for action in group._group_actions if action.option_strings]
        if options:
            rows = ((_format_option(option), _escape(option.help or "")) for option in options)
            title = str(group.title)
            heading = f"{title[0].upper()}{title[1:]}\n{'-' * 40}"
            groups.append(f"{heading}\n\n{_define(rows)}")
    return "\n\n".join(groups)


def _format_option(option: argparse.Action) -> str:
    """All forms of an option, each with its value."""
    value = ""
    if option.nargs != 0:
        value = (
            option.metavar if isinstance(option.metavar, str) else "|".join(option.choices or ())
        )
        value = f" [{value}]" if option.nargs == "?" else f" {value}"
    return ", ".join(f"``{form}{value}``" for form in option.option_strings)


def _define(rows: object) -> str:
    """A definition list."""
    return "\n\n".join(f"{term}\n    {text}" for term, text in rows)


def _escape(text: str) -> str:
    """Text without anything that reStructuredText would take for markup."""
    return re.sub(r"([\\*`_|])", r"\\\1", text)


def main() -> None:
    """Write all pages into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (folder / name).write_text(make_page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
