"""A VM of the configuration."""

from __future__ import annotations

from typing import Any, NamedTuple


class ConfiguredVm(NamedTuple):
    """A VM that the file names: a table ``[vm.NAME]``.

    :ivar address: as it is written.
    :ivar agent: it is a guest agent.
    :ivar tls: what it says about TLS, by the fields of ``TlsOptions``.
    :ivar settings: values of settings for this VM.
    """

    address: str
    agent: bool
    tls: dict[str, str]
    settings: dict[str, Any]
