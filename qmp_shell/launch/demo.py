"""Start a temporary VM to try the shell on, with a tour of what can be done with it.

This module chooses the emulator and its arguments; ``qemu.py`` starts the process and ends it.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

from ..client import Client
from ..errors import ConnectError
from ..messages import CommandError
from ..output import Writer
from ..signals import SignalsBlocked
from .boot_sector import make_boot_sector
from .monitor import explain_no_place
from .qcow2 import CLUSTER, make_image
from .qemu import OwnVm, run_with_vm
from .tour import Step, Tour

T = TypeVar("T")

# The disk is full, so that there is something to copy. The disk that it can be copied to is so slow
# that one can watch it: 16 MiB take eight seconds.
_DISK_CLUSTERS = 256
_COPY_BYTES_PER_SECOND = 2 << 20
_FILLING = b"qmp-shell demo. " * (CLUSTER // 16)
# Red Hat and its relatives install qemu-kvm in /usr/libexec, which is not in $PATH.
_EXTRA_PATH = "/usr/bin:/usr/local/bin:/usr/libexec"


class _Target(NamedTuple):
    """An architecture that QEMU emulates, and a machine type of it that supports hot-plug.

    :ivar name: the architecture, as in the name of QEMU's program.
    :ivar machine: the arguments that select the machine type.
    :ivar kind: what the names of its virtio devices end in.
    :ivar ports: the buses that take one plugged device each; none: all are on one bus.
    :ivar boots: there is a guest for it, which runs. A VM that has none is stopped: its processor
        would be busy with nothing.
    """

    name: str
    machine: tuple[str, ...]
    kind: str = "pci"
    ports: tuple[str, ...] = ()
    boots: bool = False


_PC = ("-machine", "pc", "-device", "VGA")
_PORTS = ("port0", "port1", "port2")
_PCIE = (
    *("-machine", "virt"),
    *(
        argument
        for number, port in enumerate(_PORTS, 1)
        for argument in ("-device", f"pcie-root-port,id={port},chassis={number}")
    ),
)
_TARGETS = (
    _Target("x86_64", _PC, boots=True),
    _Target("aarch64", _PCIE, ports=_PORTS),
    _Target("i386", _PC, boots=True),
    _Target("ppc64", ("-machine", "pseries")),
    _Target("s390x", ("-machine", "s390-ccw-virtio"), "ccw"),
    _Target("riscv64", _PCIE, ports=_PORTS),
    _Target("loongarch64", (*_PCIE, "-m", "2G"), ports=_PORTS),
    _Target("arm", _PCIE, ports=_PORTS),
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


def run_with_demo(use: Callable[[OwnVm, Tour], T], *, capture: bool) -> T:
    """Start the VM, and end it when a function that uses it has returned.

    :param use: is given the VM, and the tour.
    :param capture: see :func:`~qmp_shell.launch.qemu.run_with_vm`.
    :return: what ``use`` returned.
    :raise ConnectError: no QEMU is installed, or it does not start.
    """
    program, target = _find_qemu()
    with _new_images(target) as images:
        return run_with_vm(
            [program, *_arguments(target, images)],
            lambda vm: use(vm, Tour(_steps(target))),
            capture=capture,
            descriptors=images,
            prepare=lambda client: _prepare(target, client),
        )


@contextmanager
def _new_images(target: _Target) -> Iterator[tuple[int, ...]]:
    """Create the image of the disk, and the one that it can be copied to.

    Their files have no names, so none is left, however the shell ends.

    :return: their file descriptors.
    :raise ConnectError: there is no place for them.
    """
    size = _DISK_CLUSTERS * CLUSTER
    with ExitStack() as opened:
        directory = None
        try:
            directory = tempfile.gettempdir()
            with SignalsBlocked():  # some file systems need a name for a moment
                disk, copy = (
                    opened.enter_context(tempfile.TemporaryFile(dir=directory)).fileno()
                    for _ in range(2)
                )
            Writer(disk, "disk").write_bytes(make_image(size, _contents(target)))
            Writer(copy, "copy").write_bytes(make_image(size))
        except OSError as error:
            raise explain_no_place(error, directory) from None
        yield disk, copy


def _contents(target: _Target) -> list[bytes]:
    """What is on the disk."""
    boot = make_boot_sector() if target.boots else b""
    return [boot + _FILLING[len(boot) :], *[_FILLING] * (_DISK_CLUSTERS - 1)]


def _arguments(target: _Target, images: Sequence[int]) -> list[str]:
    """Return QEMU's arguments.

    :param images: the file descriptors of the images.
    """
    disk, copy = images
    # The firmware in a NIC's ROM is of no use here, may not be installed, and delays the guest.
    without_rom = ("-global", "virtio-net-pci.romfile=") if target.kind == "pci" else ()
    return [
        *("-name", "demo"),
        *("-m", "256"),
        *target.machine,
        *("-display", "none"),
        "-nodefaults",
        # A machine that finds nothing to boot may shut down, which must not end the VM.
        *("-S", "-no-shutdown"),
        *without_rom,
        *("-add-fd", f"fd={disk},set=1,opaque=disk"),
        *("-blockdev", "driver=file,node-name=file0,filename=/dev/fdset/1"),
        *("-blockdev", "driver=qcow2,node-name=disk0,file=file0"),
        *("-device", f"virtio-blk-{target.kind},drive=disk0,id=vd0"),
        *("-add-fd", f"fd={copy},set=2,opaque=copy"),
        *("-blockdev", "driver=file,node-name=file1,filename=/dev/fdset/2"),
        *("-blockdev", "driver=qcow2,node-name=disk1,file=file1"),
        *("-object", f"throttle-group,id=slow,x-bps-write={_COPY_BYTES_PER_SECOND}"),
        *("-blockdev", "driver=throttle,node-name=copy,throttle-group=slow,file=disk1"),
    ]


def _prepare(target: _Target, client: Client) -> None:
    """Plug in the NIC, leave a network for another one, and let the guest run.

    The networks are not among QEMU's arguments because not every QEMU can connect a guest to the
    host's network (libslirp may be missing); a hub, which every QEMU has, then takes their place.
    """
    for number, name in enumerate(("net0", "net1")):
        try:
            client.execute("netdev_add", type="user", id=name)
        except CommandError:
            client.execute("netdev_add", type="hubport", id=name, hubid=number)
    bus = {"bus": target.ports[0]} if target.ports else {}
    client.execute(
        "device_add", driver=f"virtio-net-{target.kind}", id="nic0", netdev="net0", **bus
    )
    if target.boots:
        client.execute("cont")


def _steps(target: _Target) -> tuple[Step, ...]:
    """The steps of the tour. Each works whether those before it were taken or not."""
    nic_bus, rng_bus = (f" bus={port}" for port in target.ports[1:]) if target.ports else ("", "")
    return (
        Step("Look at this VM.", (".info",)),
        Step(
            "Plug in a NIC.",
            (f"device_add driver=virtio-net-{target.kind} id=nic1 netdev=net1{nic_bus}",),
            "If you type it, Tab completes every word with what fits this VM.",
        ),
        Step(
            "Take a snapshot of the qcow2 disk, and look at all disks.",
            (
                "blockdev-snapshot-internal-sync device=disk0 name=first",
                ".tree block",
            ),
        ),
        Step(
            "Copy the disk while it is in use, and wait for the copy.",
            (
                "blockdev-mirror job-id=m0 device=disk0 target=copy sync=full",
                ".wait BLOCK_JOB_READY device=m0",
            ),
        ),
        Step(
            "Undo a change.",
            (
                f"device_add driver=virtio-rng-{target.kind} id=rng1{rng_bus}",
                "device_del id=rng1",
            ),
            "With colours, the prompt suggests in grey what undoes the last one.",
        ),
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
