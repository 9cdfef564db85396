"""A real libvirtd with all its files in one folder, which needs neither systemd nor KVM."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from xml.sax.saxutils import escape

# As root, libvirtd would use the system's own folders, so it runs as somebody else then.
_NOBODY = 65534

# libvirtd would start a daemon of its own for what QEMU prints, which outlives it.
_SETTINGS = """
stdio_handler = "file"
"""

# A firmware that halts the CPU: the guest runs, and does nothing.
_FIRMWARE = bytes(0xFFF0) + b"\xfa\xf4\xeb\xfd" + bytes(12)  # cli; hlt; jmp to the hlt

_DOMAIN = """
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>{folder}/firmware</loader>
  </os>
  <devices>
    <emulator>{qemu}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qtest'/>
    <qemu:arg value='unix:{folder}/qtest-{number},server=on,wait=off'/>
    <qemu:arg value='-qtest-log'/>
    <qemu:arg value='/dev/null'/>
  </qemu:commandline>
</domain>
"""


# Ends what belongs to a folder, and removes the folder, when its standard input is closed: by the
# test, or by the end of all tests, however that comes.
_CLEANER = """
read line
while pkill -KILL -f -- "unix:$1/|--pid-file $1/"; do sleep 0.02; done
rm -rf -- "$1"
"""


class Domain:
    """A running VM that libvirt manages.

    :ivar name: its name.
    :ivar pid: of its QEMU.
    :ivar qtest: the path of a socket by which a test can take the place of the guest's CPU.
    """

    def __init__(self, daemon: LibvirtDaemon, name: str, qtest: Path) -> None:
        self.name = name
        self.qtest = qtest
        (self.pid,) = _find_processes(f"unix:{qtest},")
        self._daemon = daemon

    @property
    def address(self) -> str:
        """The address of its monitor."""
        return f"libvirt:{self._daemon.uri}#{self.name}"

    @property
    def agent_address(self) -> str:
        """The address of its guest agent."""
        return f"libvirt-agent:{self._daemon.uri}#{self.name}"

    @property
    def has_agent(self) -> bool:
        """Whether libvirt has noticed that there is a guest agent."""
        try:
            self._daemon.virsh("qemu-agent-command", self.name, '{"execute": "guest-ping"}')
        except AssertionError:
            return False
        return True

    def virsh(self, command: str) -> str:
        """Run a command of virsh's on it, and return what it prints."""
        return self._daemon.virsh(command, "--domain", self.name)

    def save(self) -> None:
        """Have libvirt save its state to a file, and end it."""
        self._daemon.virsh("save", self.name, str(self.qtest) + ".saved")

    def kill(self) -> None:
        """Kill its QEMU."""
        _kill(self.pid)

    def stop_qemu(self) -> None:
        """Have QEMU stand still, as if the host had suspended it."""
        os.kill(self.pid, signal.SIGSTOP)


class LibvirtDaemon:
    """A libvirtd for the VMs of one user, as ``qemu:///session`` means it.

    :ivar folder: all its files are there.
    :ivar uri: what leads to it.
    :ivar pid: its process.
    """

    def __init__(self, program: str, qemu: str, folder: Path, cache: Path) -> None:
        """Start it.

        :param program: the path of ``libvirtd``.
        :param folder: an empty one, whose path is short enough for sockets.
        :param cache: what it finds out about QEMU takes seconds; others need not do it again.
        """
        self._qemu = qemu
        self.folder = folder
        self._count = 0
        self._runtime = folder / "r"
        settings = folder / "c" / "libvirt" / "qemu.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS)
        (folder / "firmware").write_bytes(_FIRMWARE)
        self._runtime.mkdir()
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:
            self._user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            for path in (cache, folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)
        variables = {"CONFIG": folder / "c", "CACHE": cache, "STATE": folder / "s"}
        environment = {f"XDG_{name}_HOME": str(path) for name, path in variables.items()}
        environment |= {"XDG_RUNTIME_DIR": str(self._runtime), "HOME": str(folder)}
        environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
        self._cleaner = subprocess.Popen(
            ["sh", "-c", _CLEANER, "sh", str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        self._log = open(folder / "log", "wb")  # noqa: SIM115
        self._process = subprocess.Popen(
            [program, "--pid-file", str(folder / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            cwd=folder,
            **self._user,  # type: ignore[call-overload]
        )
        self._socket = self._runtime / "libvirt" / "libvirt-sock"
        self.uri = f"qemu+unix:///session?socket={self._socket}"
        self._wait_until_it_listens()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket(socket.AF_UNIX) as connection:
                try:
                    connection.connect(str(self._socket))
                    return
                except (FileNotFoundError, ConnectionRefusedError):
                    log = (self.folder / "log").read_text()
                    assert self._process.poll() is None, log
                    assert time.monotonic() < deadline, log
            time.sleep(0.01)

    def start_domain(self, name: str) -> Domain:
        """Start a VM whose guest runs and does nothing."""
        definition, qtest = self._write_definition(name)
        self.virsh("create", str(definition))
        return Domain(self, name, qtest)

    def define_domain(self, name: str) -> None:
        """Define a VM, and do not start it."""
        self.virsh("define", str(self._write_definition(name)[0]))

    def _write_definition(self, name: str) -> tuple[Path, Path]:
        self._count += 1
        path = self.folder / f"domain-{self._count}.xml"
        words = {"name": escape(name), "qemu": self._qemu, "folder": self.folder}
        path.write_text(_DOMAIN.format(number=self._count, **words))
        return path, self.folder / f"qtest-{self._count}"

    def virsh(self, *words: str) -> str:
        """Run a command of virsh's, and return what it prints."""
        result = subprocess.run(
            ["virsh", "--quiet", "--connect", self.uri, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def kill(self) -> None:
        """End it as a fault would. The VMs go on."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it and its VMs, and remove its files."""
        self.kill()
        self._log.close()
        self._cleaner.communicate()


def _find_processes(text: str) -> list[int]:
    """The processes whose command lines contain a text."""
    found = subprocess.run(["pgrep", "-f", "--", text], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def _kill(pid: int) -> None:
    """Kill a process that is no child of this one, and wait until it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    select.select([descriptor], [], [], 20)
    os.close(descriptor)
