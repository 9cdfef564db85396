"""A VM at a glance, gathered from many answers. What the VM does not report is left empty."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import block_records, records
from .answers import Answers
from .human import NetClient, parse_network
from .question import Question
from .questions import JOBS, MIGRATION, NAME, RUN_STATE, human_question
from .read import read_string

_NETWORK = human_question("info network", parse_network)
_UUID = Question("query-uuid", records.parse_uuid)
_VERSION = Question("query-version", records.parse_version)
_MACHINE = Question("qom-get", read_string, {"path": "/machine", "property": "type"})
_ACCELERATOR = Question("query-accelerators", records.parse_accelerator)
_KVM = Question("query-kvm", records.parse_kvm)
_CPUS = Question("query-cpus-fast", records.parse_cpus)
_ARCHITECTURE = Question("query-target", records.parse_architecture)
_MEMORY = Question("query-memory-size-summary", records.parse_memory)
_BALLOON = Question("query-balloon", records.parse_balloon)
_BLOCK_DEVICES = Question("query-block", block_records.parse_block_devices)
_DISPLAY = Question("query-display-options", records.parse_display_type)
_VNC = Question("query-vnc", records.parse_vnc)
_SPICE = Question("query-spice", records.parse_spice)
_ALL: tuple[Question[Any], ...] = (
    *(NAME, _UUID, RUN_STATE, _VERSION, _MACHINE, _ACCELERATOR, _KVM, _CPUS, _ARCHITECTURE),
    *(_MEMORY, _BALLOON, _BLOCK_DEVICES, _NETWORK, _DISPLAY, _VNC, _SPICE, JOBS, MIGRATION),
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
    answers.forget_changeable()
    for question in _ALL:
        answers.immediate.get(question)
    view = answers.waiting
    accelerator, uses_kvm = view.get(_ACCELERATOR), view.get(_KVM)
    if not accelerator and uses_kvm is not None:
        accelerator = "kvm" if uses_kvm else "no KVM"
    return Overview(
        view.get(NAME),
        view.get(_UUID),
        view.get(RUN_STATE),
        view.get(_VERSION),
        view.get(_MACHINE),
        accelerator or "",
        view.get(_CPUS) or [],
        view.get(_ARCHITECTURE) or "",
        view.get(_MEMORY),
        view.get(_BALLOON),
        view.get(_BLOCK_DEVICES) or [],
        [client for client in view.get(_NETWORK) or [] if client.type == "nic"],
        view.get(_DISPLAY),
        view.get(_VNC),
        view.get(_SPICE),
        view.get(JOBS) or [],
        view.get(MIGRATION),
    )
