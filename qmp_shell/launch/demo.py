"""Start a temporary VM to try the shell on: with a disk, and a bus for hot-plugged devices.

This module chooses the emulator and its arguments; ``qemu.py`` starts the process and ends it.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from typing import IO, NamedTuple, TypeVar

from ..errors import ConnectError
from ..signals import SignalsBlocked
from .monitor import explain_no_place
from .qemu import OwnVm, run_with_vm

T = TypeVar("T")

_DISK_BYTES = 64 << 20
# Red Hat and its relatives install qemu-kvm in /usr/libexec, which is not in $PATH.
_EXTRA_PATH = "/usr/bin:/usr/local/bin:/usr/libexec"


# Commands for a user to try, each with a text that says what it does.
Tips = tuple[tuple[str, str], ...]


class _Target(NamedTuple):
    """An architecture that QEMU emulates, and a machine type of it that supports hot-plug.

    :ivar name: the architecture, as in the name of QEMU's program.
    :ivar machine: the arguments that select the machine type.
    :ivar disk: the driver of the disk.
    :ivar plug: the arguments of a ``device_add`` that works on this machine.
    """

    name: str
    machine: tuple[str, ...]
    disk: str = "virtio-blk-pci"
    plug: str = "driver=virtio-rng-pci id=rng1"


_PC = ("-machine", "pc")
_PCIE = ("-machine", "virt", "-device", "pcie-root-port,id=port1")
_INTO_PORT = "driver=virtio-rng-pci id=rng1 bus=port1"
_TARGETS = (
    _Target("x86_64", _PC),
    _Target("aarch64", _PCIE, plug=_INTO_PORT),
    _Target("i386", _PC),
    _Target("ppc64", ("-machine", "pseries")),
    _Target(
        "s390x", ("-machine", "s390-ccw-virtio"), "virtio-blk-ccw", "driver=virtio-rng-ccw id=rng1"
    ),
    _Target("riscv64", _PCIE, plug=_INTO_PORT),
    _Target("loongarch64", (*_PCIE, "-m", "2G"), plug=_INTO_PORT),
    _Target("arm", _PCIE, plug=_INTO_PORT),
)

# How to install QEMU, by distribution: ID or ID_LIKE in os-release(5).
_PACKAGES = {
    "debian": "apt install qemu-system-x86",
    "ubuntu": "apt install qemu-system-x86",
    "fedora": "dnf install qemu-system-x86",
    "rhel": "dnf install qemu-kvm",
    "suse": "zypper install qemu-x86",
    "opensuse": "zypper install qemu-x86",
    "arch": "pacman -S qemu-system-x86",
    "alpine": "apk add qemu-system-x86_64",
    "gentoo": "emerge app-emulation/qemu",
    "nixos": "nix-shell -p qemu",
}


def run_with_demo(use: Callable[[OwnVm, Tips], T], *, capture: bool) -> T:
    """Start the VM, and end it when a function that uses it has returned.

    :param use: is given the VM, and commands to try on it. The VM is stopped; ``cont`` starts it.
    :param capture: see :func:`~qmp_shell.launch.qemu.run_with_vm`.
    :return: what ``use`` returned.
    :raise ConnectError: no QEMU is installed, or it does not start.
    """
    program, target = _find_qemu()
    with _new_disk() as disk:
        return run_with_vm(
            [program, *_arguments(target, disk.fileno())],
            lambda vm: use(vm, _tips(target)),
            capture=capture,
            descriptors=(disk.fileno(),),
        )


def _new_disk() -> IO[bytes]:
    """Return an empty disk image. Its file has no name, so none is left, however the shell ends.

    :raise ConnectError: there is no place for it.
    """
    directory = None
    try:
        directory = tempfile.gettempdir()
        with SignalsBlocked():  # some file systems need a name for a moment
            disk = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115
        disk.truncate(_DISK_BYTES)
    except OSError as error:
        raise explain_no_place(error, directory) from None
    return disk


def _arguments(target: _Target, disk: int) -> list[str]:
    """Return QEMU's arguments.

    :param disk: the file descriptor of the disk image.
    """
    return [
        *("-name", "demo"),
        *("-m", "256"),
        *target.machine,
        *("-display", "none"),
        "-nodefaults",
        # A machine that finds nothing to boot may shut down, which must not end the VM.
        *("-S", "-no-shutdown"),
        *("-add-fd", f"fd={disk},set=1,opaque=disk"),
        *("-blockdev", "driver=file,node-name=file0,filename=/dev/fdset/1"),
        *("-blockdev", "driver=raw,node-name=disk0,file=file0"),
        *("-device", f"{target.disk},drive=disk0,id=vd0"),
    ]


def _tips(target: _Target) -> Tips:
    return (
        ("query-block", "the VM's disk"),
        (f"device_add {target.plug}", "plug in a device"),
        ("cont", "let it run; RESUME appears"),
    )


def _find_qemu() -> tuple[str, _Target]:
    """Find an installed QEMU, preferably one for the host's own architecture.

    :return: the path of the program, and the target that it emulates.
    :raise ConnectError: none is installed.
    """
    native = platform.machine()
    for target in sorted(_TARGETS, key=lambda target: target.name != native):
        program = shutil.which(f"qemu-system-{target.name}")
        if program is not None:
            return program, target
    kvm = shutil.which("qemu-kvm") or shutil.which("qemu-kvm", path=_EXTRA_PATH)
    target = next((target for target in _TARGETS if target.name == native), _TARGETS[0])
    if kvm is not None:
        return kvm, target
    raise ConnectError(f"no QEMU is installed here; {_advice()}")


def _advice() -> str:
    """Return a text that says how to install QEMU on this distribution."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "install the package that holds qemu-system-x86_64"
    for name in [release.get("ID", ""), *release.get("ID_LIKE", "").split()]:
        if name in _PACKAGES:
            return f"install it with: {_PACKAGES[name]}"
    return "install the package that holds qemu-system-x86_64"
