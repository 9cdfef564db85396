"""The VMs of libvirt: how they are addressed, and whether this user may.

libvirt has the only monitor of its VMs, and passes commands on. Its QEMUs are found as all others
are, so neither libvirt nor its client is asked: that could start a daemon or ask for a password.
"""

from __future__ import annotations

import os

from ..static_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..transport.libvirt import LibvirtAddress

_SYSTEM, _SESSION = "qemu:///system", "qemu:///session"
# The sockets of the daemon for all users: that of one daemon for each driver, and of one for all.
_SYSTEM_SOCKETS = ("/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock")


def make_libvirt_address(domain: str, *, is_system: bool) -> LibvirtAddress:
    """The address of a domain, with libvirt's URI unless it is what libvirt takes for granted."""
    from ..transport.libvirt import LibvirtAddress

    uri = _SYSTEM if is_system else _SESSION
    usual = os.environ.get("LIBVIRT_DEFAULT_URI") or (_SESSION if os.geteuid() else _SYSTEM)
    return LibvirtAddress("" if uri == usual else uri, domain)


def find_libvirt_problem(user: int | None, *, is_system: bool) -> str:
    """Why this user cannot use libvirt for a domain; empty: they can.

    :param user: whose domain it is.
    """
    if is_system:
        return "" if may_use_system() else "permission denied by libvirt"
    return "" if user == os.geteuid() else "in the libvirt session of its user"


def may_use_system() -> bool:
    """Whether this user may connect to the daemon for all users."""
    return any(os.access(path, os.W_OK) for path in _SYSTEM_SOCKETS)
