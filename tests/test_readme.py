"""The tables of the README agree with the program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from qmp_shell.commands import Registry
from qmp_shell.render.views import VIEWS
from qmp_shell.session.settings import OPTIONS
from qmp_shell.transport import SCHEMES
from tests import picture

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_all_dot_commands_are_listed_with_their_usage_and_summary() -> None:
    for command in Registry().all():
        usage = f".{command.name} {command.usage}".rstrip()
        row = f"`{usage}` | {command.summary}".replace("|", "\\|").replace("` \\| ", "` | ", 1)
        assert f"| {row} |\n" in README


def test_all_settings_are_listed_with_their_summary() -> None:
    for name, option in OPTIONS.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.replace("`", "").startswith(f"| {name} | {option.summary}")


def test_all_views_and_kinds_of_address_are_named() -> None:
    for name in VIEWS:
        assert f"`{name}`" in README
    for forms in SCHEMES.values():
        for form in forms:
            assert f"`{form}`" in README


def test_the_files_that_hold_the_promises_exist() -> None:
    links = re.findall(r"\]\(((?:tests|\.github)/[^)]*)\)", README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_picture_shows_what_the_shell_shows(qemu: str) -> None:
    version = subprocess.check_output([qemu, "--version"], text=True)
    if f"version {picture.QEMU}." not in version:
        pytest.skip(f"the picture is of QEMU {picture.QEMU}")
    is_same = picture.make_picture(qemu) == picture.PATH.read_text(encoding="utf-8")
    assert is_same, "look at it, and make it again: .venv/bin/python -m tests.picture"
