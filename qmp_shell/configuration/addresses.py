"""From the text of an address, or the name of a configured VM, to what can be attached to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..errors import AddressError
from ..session.target import AddressBook, Target
from ..static_typing import TYPE_CHECKING
from ..transport import parse_address
from . import Configuration

if TYPE_CHECKING:
    from ..session.known_addresses import KnownAddress
    from ..transport.stream import Address
    from .vm import ConfiguredVm

MARK = "@"
"""Stands before the name of a configured VM."""


class ConfiguredAddresses(AddressBook):
    """The VMs of the configuration, and addresses of others."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        tls: bool,
        tls_options: dict[str, str],
        settings: Collection[str],
    ) -> None:
        """
        :param tls: a TCP port speaks TLS.
        :param tls_options: fields of ``TlsOptions`` that the user gave; they overrule a VM's own.
        :param settings: the names of the settings that may come from the configuration.
        """
        self._configuration = configuration
        self._tls = tls
        self._tls_options = tls_options
        self._settings = settings

    def resolve(self, text: str, *, is_own: bool = False) -> Target:
        """The VM that an address, or a name after ``@``, stands for.

        :param is_own: the user gave it when the shell was started, so it may name a program.
        :raise UsageError: it stands for none.
        """
        if not text.startswith(MARK):
            return Target(self._parse(text, {}, programs=is_own))
        vm = self._find(text)
        address = self._parse(vm.address, vm.tls, programs=True)
        settings = {name: value for name, value in vm.settings.items() if name in self._settings}
        return Target(address, vm.agent, settings)

    def list(self) -> Iterable[KnownAddress]:
        for name, vm in self._configuration.vms.items():
            yield f"{MARK}{name}", vm.address
        yield from super().list()

    def _find(self, name: str) -> ConfiguredVm:
        """:raise AddressError: the configuration has no such VM."""
        configuration = self._configuration
        if configuration.problem:
            raise AddressError(f"{name}: {configuration.problem}")
        vm = configuration.vms.get(name.removeprefix(MARK))
        if vm is None:
            from ..schema.suggestions import format_suggestion

            suggestion = format_suggestion(
                name.removeprefix(MARK), configuration.vms, "there are", prefix=MARK
            )
            raise AddressError(f"{name}: no such VM in {configuration.path}{suggestion}")
        return vm

    def _parse(self, text: str, tls_options: dict[str, str], *, programs: bool) -> Address:
        address = parse_address(text, tls=self._tls, programs=programs)
        given = {**tls_options, **self._tls_options}
        if not given:
            return address
        from ..transport.tls import TlsOptions

        return address.with_tls(TlsOptions(**given))
