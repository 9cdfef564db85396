"""A throw-away VM to play with: it can be hot-plugged, has a disk, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import platform
import shutil
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import ConnectError
from .qemu import Vm, start_vm

_DISK_BYTES = 64 << 20
_PATH = "/usr/bin:/usr/local/bin:/usr/libexec"


# Lines to try, and what each does.
Tips = tuple[tuple[str, str], ...]


class _Target(NamedTuple):
    """An architecture's emulator, and a machine of it that takes devices while it runs.

    ``plug`` says what can be plugged into it, and where.
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

# Which packages hold an emulator, by distribution (ID or ID_LIKE of os-release).
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


@contextlib.contextmanager
def start_demo(*, capture: bool) -> Iterator[tuple[Vm, Tips]]:
    """Start the VM for as long as the ``with`` block runs; it comes with three lines to try.

    :param capture: see :func:`~qmp_shell.vm.start_vm`.
    :raise ConnectError: there is no QEMU here, or it does not start.
    """
    program, target = _find_qemu()
    # The disk is a file without a name, so there is none to be removed.
    with tempfile.TemporaryFile() as disk:
        disk.truncate(_DISK_BYTES)
        command = [program, *_arguments(target, disk.fileno())]
        with start_vm(command, capture=capture, descriptors=(disk.fileno(),)) as vm:
            yield vm, _tips(target)


def _arguments(target: _Target, disk: int) -> list[str]:
    return [
        *("-name", "demo"),
        *("-m", "256"),
        *target.machine,
        *("-display", "none"),
        "-nodefaults",
        *("-S", "-no-shutdown"),  # a machine that finds nothing to boot may give up else
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
    """An installed emulator, best one for this machine's own architecture."""
    native = platform.machine()
    for target in sorted(_TARGETS, key=lambda target: target.name != native):
        program = shutil.which(f"qemu-system-{target.name}")
        if program is not None:
            return program, target
    kvm = shutil.which("qemu-kvm") or shutil.which("qemu-kvm", path=_PATH)
    target = next((target for target in _TARGETS if target.name == native), _TARGETS[0])
    if kvm is not None:
        return kvm, target
    raise ConnectError(f"no QEMU is installed here; {_advice()}")


def _advice() -> str:
    """How to install one on this distribution."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "install the package that holds qemu-system-x86_64"
    for name in [release.get("ID", ""), *release.get("ID_LIKE", "").split()]:
        if name in _PACKAGES:
            return f"install it with: {_PACKAGES[name]}"
    return "install the package that holds qemu-system-x86_64"
