"""GNU parallel and Ansible run qmp-shell on many hosts, as the manual describes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartVm, lack, require_program
from tests.documents import find_code
from tests.ssh_server import SshServer

ROOT = Path(__file__).parent.parent
PLAYBOOK = ROOT / "tests" / "scripts" / "vms.yml"
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def named(start_vm: StartVm, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a user who has named two VMs that run, and one that does not."""
    path = Path(environment["XDG_CONFIG_HOME"]) / "qmp-shell" / "config.toml"
    path.parent.mkdir(parents=True)
    addresses = {name: start_vm(name=name).address for name in ("web1", "web2")}
    tables = (f"[vm.{name}]\naddress = '{each}'\n" for name, each in addresses.items())
    path.write_text("".join([*tables, "[vm.gone]\naddress = '/nonesuch'\n"]))
    path.chmod(0o600)
    return environment | {"PATH": f"{PROGRAMS}:{environment['PATH']}"}


@pytest.fixture
def ssh_server(folder: Path, named: dict[str, str]) -> Iterator[SshServer]:
    """The host of the VMs, on which the shell is installed."""
    for program in ("sshd", "ssh", "ssh-keygen"):
        require_program(program)
    server = SshServer(folder, {name: named[name] for name in ("PATH", "XDG_CONFIG_HOME")})
    yield server
    server.end()


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_parallel_finds_statuses_and_replies(named: dict[str, str], tmp_path: Path) -> None:
    program = require_program("parallel")
    named["HOME"] = str(tmp_path)
    log = tmp_path / "log"
    line = [
        program,
        "--keep-order",
        "--tag",
        "--joblog",
        str(log),
        "qmp-shell",
        "@{}",
        "query-name",
    ]
    done = run([*line, ":::", "web1", "gone", "web2"], named)
    assert done.stdout == (
        'web1\t{"return": {"name": "web1"}}\nweb2\t{"return": {"name": "web2"}}\n'
    )
    assert done.stderr.startswith("gone\tqmp-shell: /nonesuch: no such socket")
    assert done.returncode == 1, "the number of jobs that failed"
    statuses = {row.split("\t")[8]: row.split("\t")[6] for row in log.read_text().splitlines()[1:]}
    assert statuses == {
        "qmp-shell @web1 query-name": "0",
        "qmp-shell @gone query-name": "3",
        "qmp-shell @web2 query-name": "0",
    }


def test_ansible_finds_changes_failures_and_replies(
    named: dict[str, str], ssh_server: SshServer, folder: Path
) -> None:
    """Here, and over ssh on the host of the VMs; what was changed first is there then."""
    program = PROGRAMS / "ansible-playbook"
    if not program.exists():
        lack("ansible-core")
    environment = named | {"HOME": str(folder), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    over_ssh = (
        f"ansible_host=127.0.0.1 ansible_port={ssh_server.port} ansible_user=root"
        f" ansible_ssh_common_args='-F {folder}/ssh_config'"
    )

    def play(place: str, *names: str) -> tuple[str, list[list[str]], int]:
        """What is printed, the words of the summary, and the status."""
        variables = f"{place} ansible_python_interpreter={sys.executable}"
        inventory = folder / "inventory"
        inventory.write_text("\n".join(["[vms]", *(f"{name} {variables}" for name in names), ""]))
        done = run([str(program), "-i", str(inventory), str(PLAYBOOK)], environment)
        recap = [line.split() for line in done.stdout.splitlines() if "unreachable=" in line]
        return done.stdout, recap, done.returncode

    _, recap, status = play("ansible_connection=local", "web1", "web2")
    assert [words[0] for words in recap] == ["web1", "web2"]
    assert all({"ok=3", "changed=1", "failed=0"} <= set(words) for words in recap)
    assert status == 0
    text, recap, status = play(over_ssh, "web1", "web2", "gone")
    assert [words[0] for words in recap] == ["gone", "web1", "web2"]
    assert {"ok=0", "failed=1"} <= set(recap[0])
    assert all({"ok=3", "changed=0", "failed=0"} <= set(words) for words in recap[1:])
    assert "/nonesuch: no such socket" in text
    assert '"rc": 3' in text
    assert status == 2


def test_the_manual_has_the_playbook() -> None:
    assert PLAYBOOK.read_text() in find_code("many")
    assert os.access(PROGRAMS / "qmp-shell", os.X_OK)
