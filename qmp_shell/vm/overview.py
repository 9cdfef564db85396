"""A VM at a glance, gathered from many answers. What the VM does not report is left empty."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import block_records, records
from .answers import Answers, AnswerView
from .human import NetClient
from .inspection import (
    ACCELERATOR,
    ARCHITECTURE,
    BALLOON,
    BLOCK_DEVICES,
    CPUS,
    DISPLAY,
    KVM,
    MACHINE,
    MEMORY,
    NETWORK,
    SPICE,
    TCG,
    UUID,
    VERSION,
    VNC,
)
from .question import Question
from .questions import JOBS, MIGRATION, NAME, RUN_STATE

_ALL: tuple[Question[Any], ...] = (
    *(NAME, UUID, RUN_STATE, VERSION, MACHINE, ACCELERATOR, KVM, CPUS, ARCHITECTURE),
    *(MEMORY, BALLOON, BLOCK_DEVICES, NETWORK, DISPLAY, VNC, SPICE, JOBS, MIGRATION),
)


class Overview(NamedTuple):
    """What ``.info`` shows; each is None or empty if the VM does not report it."""

    name: str | None
    uuid: str | None
    run_state: str | None
    version: records.Version | None
    machine: str | None
    accelerator: str
    cpus: list[records.Cpu]
    architecture: str
    memory: records.Memory | None
    balloon: int | None
    block_devices: list[block_records.BlockDevice]
    nics: list[NetClient]
    display: str | None
    vnc: records.RemoteDisplay | None
    spice: records.RemoteDisplay | None
    jobs: list[records.Job]
    migration: records.Migration | None


def gather_overview(answers: Answers) -> Overview:
    """Ask the VM all of it, the questions at once, and wait for the answers.

    :raise Timeout, ConnectionLost: it does not answer.
    """
    answers.refresh(_ALL)
    view = answers.waiting
    return Overview(
        view.get(NAME),
        view.get(UUID),
        view.get(RUN_STATE),
        view.get(VERSION),
        view.get(MACHINE),
        _find_accelerator(view),
        view.get(CPUS) or [],
        view.get(ARCHITECTURE) or "",
        view.get(MEMORY),
        view.get(BALLOON),
        view.get(BLOCK_DEVICES) or [],
        [client for client in view.get(NETWORK) or [] if client.type == "nic"],
        view.get(DISPLAY),
        view.get(VNC),
        view.get(SPICE),
        view.get(JOBS) or [],
        view.get(MIGRATION),
    )


def _find_accelerator(view: AnswerView) -> str:
    """What runs the VM's processors; empty: that is not known."""
    accelerator, uses_kvm = view.get(ACCELERATOR), view.get(KVM)
    if accelerator or uses_kvm is None:
        return accelerator or ""
    if uses_kvm:
        return "kvm"
    return "tcg" if view.get(TCG) else "not KVM"
