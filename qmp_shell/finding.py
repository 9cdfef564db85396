"""The VMs of this host: a list of them, and which one the shell is for if no address says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .discovery import FoundVm, find_vms
from .errors import UsageError
from .output import STANDARD_OUTPUT, Output, SafeText
from .polling import read_input
from .render.controls import NEW_LINE
from .render.text import sanitize_line
from .render.views import Look
from .render.vms import draw_vms, format_choice, format_vm_json
from .script import complain
from .transport import parse_address
from .transport.stream import Address

_NO_ADDRESS = "no address: give one, set QMP_SOCKET, or try --demo"
_MOST_LISTED = 10  # VMs in an error message, which is one line
_LONGEST_ANSWER = 4096  # bytes, as a terminal has it


def print_vms(look: Look, *, as_json: bool) -> None:
    """Print a table of the VMs that this user can reach, or a line of JSON for each."""
    vms = find_vms()
    output = Output(STANDARD_OUTPUT)
    if not vms:
        complain("no running VM was found" + " of this user" * (os.geteuid() != 0))
    elif as_json:
        for vm in vms:
            output.write_line(format_vm_json(vm))
    else:
        output.write_line(draw_vms(vms, look, with_users=os.geteuid() == 0))


def choose_address(look: Look, *, is_interactive: bool) -> Address:
    """The address of the only VM, or of the one that the user chooses.

    :param is_interactive: there is a user.
    :raise UsageError: there is none, or nobody who could choose from several.
    """
    vms = find_vms()
    usable = [vm for vm in vms if vm.best_monitor is not None]
    if not vms:
        raise UsageError(_NO_ADDRESS)
    if not usable:
        raise UsageError("no address, and no VM that was found can be connected to; see --list")
    chosen = usable[0]
    if len(usable) == 1:
        complain(f"the only VM found is {_describe(chosen)}")
    elif is_interactive:
        chosen = usable[_ask(usable, look)]
    else:
        raise UsageError(f"no address, and there are several VMs: {_join(usable)}")
    monitor = chosen.best_monitor
    assert monitor is not None
    return parse_address(monitor.address)


def find_by_name(name: str) -> str:
    """Where the VMs of a name can be connected to, as a list in words; empty: nowhere."""
    monitors = [vm.best_monitor for vm in find_vms() if vm.name == name]
    return ", ".join(each.address for each in monitors if each is not None)


def _describe(vm: FoundVm) -> SafeText:
    monitor = vm.best_monitor
    assert monitor is not None
    return format_choice(vm, monitor)


def _join(vms: Sequence[FoundVm]) -> str:
    texts = [_describe(vm) for vm in vms[:_MOST_LISTED]]
    left_out = len(vms) - len(texts)
    return ", ".join(texts) + (f" and {left_out} more (see --list)" if left_out else "")


def _ask(vms: Sequence[FoundVm], look: Look) -> int:
    """Have the user choose from several VMs.

    :return: the place of the one that was chosen.
    :raise UsageError: the input has ended.
    """
    output = Output(STANDARD_OUTPUT)
    output.write_line(draw_vms(vms, look, with_users=os.geteuid() == 0, is_choice=True))
    while True:
        output.write(sanitize_line(f"Which VM? [1-{len(vms)}] "))
        answer = read_input(sys.stdin.fileno(), _LONGEST_ANSWER)
        if not answer:
            output.write(NEW_LINE)
            raise UsageError("no VM was chosen")
        text = answer.strip()
        if text.isdigit() and len(text) < 10 and 1 <= int(text) <= len(vms):
            return int(text) - 1
        output.write_line(sanitize_line(f"write a number from 1 to {len(vms)}; Ctrl-C leaves"))
