"""Puts the manual pages into the wheel."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPages(BuildHookInterface):
    """Makes them for each wheel, which installs them where ``man`` looks."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, before the files of the wheel are collected."""
        del version  # an editable installation has them, too
        if self.target_name != "wheel":
            return
        self._folder = tempfile.TemporaryDirectory()
        program = Path(self.root) / ".build" / "man_pages.py"
        subprocess.run([sys.executable, program, self._folder.name], check=True)
        for page in Path(self._folder.name).iterdir():
            section = page.suffix.removeprefix(".")
            build_data["shared_data"][str(page)] = f"share/man/man{section}/{page.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove them again, once they are in the wheel."""
        del version, build_data, artifact_path
        if self.target_name == "wheel":
            self._folder.cleanup()
