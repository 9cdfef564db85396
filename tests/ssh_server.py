"""A real SSH server on this machine, and a client configuration of its own for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.ports import reserved_port

_SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""

# Names of hosts that can be logged in to, or not; any other name can. (Of each setting, the first
# value counts; but each IdentityFile is tried.)
_CLIENT = """
Host unknown-key
    UserKnownHostsFile /dev/null
Host no-login
    IdentityFile {folder}/other
Host asks
    IdentityFile {folder}/locked
Host nobody-listens
    Port 9
Host jumps
    ProxyJump vmhost
Host * !no-login !asks
    IdentityFile {folder}/user
Host *
    HostName 127.0.0.1
    Port {port}
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""


class SshServer:
    """An SSH server that accepts one key.

    :ivar programs: a folder to be searched for ``ssh``, which then has a configuration for this
        server, and no other one.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start it.

        :param environment: more environment variables of the programs that it starts.
        """
        self._folder = folder
        os.makedirs("/run/sshd", exist_ok=True)
        for name, passphrase in (("host", ""), ("user", ""), ("other", ""), ("locked", "sesame")):
            self._make_key(name, passphrase)
        public = [(folder / f"{name}.pub").read_text() for name in ("user", "locked")]
        (folder / "user.pub").write_text("".join(public))
        self._reserved = contextlib.ExitStack()
        self.port = self._reserved.enter_context(reserved_port())
        words = {"folder": folder, "port": self.port}
        key = (folder / "host.pub").read_text().split()[:2]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {' '.join(key)}\n")
        pairs = " ".join(f'"{name}={value}"' for name, value in (environment or {}).items())
        more = f"SetEnv {pairs}\n" if pairs else ""
        (folder / "sshd_config").write_text(_SERVER.format(**words) + more)
        (folder / "ssh_config").write_text(_CLIENT.format(**words))
        self.programs = folder / "bin"
        self.programs.mkdir()
        client = self.programs / "ssh"
        client.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
        client.chmod(0o755)
        server = ["/usr/sbin/sshd", "-f", str(folder / "sshd_config")]
        # OpenSSH 9.8 and newer refuse a host from which several logins failed, as tests intend.
        option = ["-o", "PerSourcePenalties=no"]
        test = subprocess.run([*server, *option, "-t"], capture_output=True, check=False)
        if test.returncode == 0:
            server += option
        self._process = subprocess.Popen(
            [*server, "-D", "-e"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        assert b"listening" in line, line

    def _make_key(self, name: str, passphrase: str) -> None:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", self._folder / name],
            check=True,
        )

    def drop_clients(self) -> None:
        """End the processes that serve clients, as if the host had gone."""
        assert _kill_children(self._process.pid)

    def end(self) -> None:
        _kill_children(self._process.pid)
        self._process.kill()
        self._process.communicate()
        self._reserved.close()


def _kill_children(pid: int) -> bool:
    """Kill what a process has started, and what that has; returns whether there was anything."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    children = [int(line) for line in found.stdout.split()]
    for child in children:
        _kill_children(child)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return bool(children)
