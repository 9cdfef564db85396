"""How a VM has ended, in words."""

from __future__ import annotations

from ..vm.ending import Ending

# What the reasons of the event SHUTDOWN mean (qemu-qmp-ref(7), ShutdownCause).
_REASONS = {
    "guest-panic": "the guest has crashed",
    "guest-reset": "the guest has reset the VM, which ends it",
    "guest-shutdown": "the guest has shut the VM down",
    "host-error": "QEMU has ended because of an error",
    "host-qmp-quit": "QEMU was ended by quit",
    "host-qmp-system-reset": "system_reset has ended the VM",
    "host-signal": "QEMU was ended by a signal",
    "host-ui": "QEMU was ended at its window",
}


def format_ending(ending: Ending) -> str:
    """Say how a VM has ended, and what is left of it; empty: nothing is known."""
    if ending.reason:
        return _REASONS.get(ending.reason, f"the VM was shut down ({ending.reason})")
    if ending.pid is None:
        return ""
    if ending.has_process_ended:
        return f"QEMU (process {ending.pid}) has ended without a word: it crashed, or was killed"
    # It may be QEMU, or a program that shares QEMU's monitor.
    return f"process {ending.pid} still runs; it has only closed this connection"
