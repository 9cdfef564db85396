"""What the options and the configuration choose together."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection
from functools import cached_property

from .configuration import Configuration, default_path, load
from .configuration.addresses import ConfiguredAddresses
from .errors import UsageError
from .output import STANDARD_OUTPUT, Output
from .render.views import Look, find_width
from .script import complain
from .session import Settings
from .session.settings import OPTIONS
from .static_typing import TextIO

_MOST_MISTAKES = 10  # of a configuration, that are told one by one
_TLS_OPTIONS = ("ca", "cert", "key", "hostname", "psk")  # fields of TlsOptions


class Choices:
    """What this run of a program is to be like.

    :ivar options: the command line.
    :ivar configuration: the configuration file.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        """Read the configuration, and tell what is wrong in it.

        :raise UsageError: the file that the options name cannot be used.
        """
        self.options = options
        self.configuration = _read_configuration(options)

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return not self.options.inputs and is_terminal(sys.stdin) and is_terminal(sys.stdout)

    @property
    def must_capture(self) -> bool:
        """Whether what a QEMU of the shell's own prints would reach a terminal."""
        return self.is_interactive or is_terminal(sys.stderr)

    @property
    def tls(self) -> dict[str, str]:
        """The fields of ``TlsOptions`` that are given."""
        given = {name: getattr(self.options, f"tls_{name}") for name in _TLS_OPTIONS}
        return {name: value for name, value in given.items() if value is not None}

    @cached_property
    def addresses(self) -> ConfiguredAddresses:
        """The VMs that can be named."""
        return ConfiguredAddresses(
            self.configuration,
            tls=self.options.tls,
            tls_options=self.tls,
            settings=self._usable_settings,
        )

    @property
    def _usable_settings(self) -> Collection[str]:
        """The settings that the configuration may choose.

        What a program reads does not depend on a file that a person has for the prompt.
        """
        if self.is_interactive:
            return OPTIONS
        return ("timeout", "view") if is_terminal(sys.stdout) else ("timeout",)

    def new_settings(self) -> Settings:
        """The settings that a session begins with."""
        options, usable = self.options, self._usable_settings
        values = self.configuration.settings.items()
        configured = {name: value for name, value in values if name in usable}
        view = "json" if self.is_interactive else "compact"
        settings = Settings({"events": self.is_interactive, "view": view} | configured)
        if options.events:
            settings.events = True
        if options.verbose:
            settings.verbose = True
        if options.view is not None:
            settings.view = options.view
        if options.timeout is not None:
            settings.timeout = options.timeout
        return settings

    def new_look(self, *, for_person: bool | None = None) -> Look:
        """What standard output can show.

        :param for_person: a person reads it; None: if it is interactive.
        """
        reads = self.is_interactive if for_person is None else for_person
        supports_unicode = Output(STANDARD_OUTPUT).supports_unicode
        return Look(
            self._wants_colour(), not (reads and supports_unicode), find_width, supports_unicode
        )

    def _wants_colour(self) -> bool:
        at_terminal = is_terminal(sys.stdout)
        configured = self.configuration.color if at_terminal else None
        color = self.options.color or configured or "auto"
        if color != "auto":
            return bool(color == "always")
        is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not is_plain and at_terminal


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is a terminal; None: it was closed at the start."""
    return stream is not None and stream.isatty()


def _read_configuration(options: argparse.Namespace) -> Configuration:
    if options.no_config:
        return Configuration("", "--no-config leaves out the configuration")
    try:
        configuration = load(options.config)
    except UsageError as error:
        if options.config is not None:
            raise
        configuration = Configuration(default_path(), str(error))
        complain(str(error))
    for mistake in configuration.mistakes[:_MOST_MISTAKES]:
        complain(mistake)
    left = len(configuration.mistakes) - _MOST_MISTAKES
    if left > 0:
        complain(f"{configuration.path}: {left} more mistakes")
    return configuration
