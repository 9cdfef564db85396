"""What a refused line should have been: other tools' notations, and misspelt names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmp_shell.commands import Registry
from qmp_shell.complete import Candidate, Kind, NameRequest
from qmp_shell.correction import Vocabulary, correct_human_line, correct_line
from qmp_shell.errors import CheckError, QMPError, UsageError
from qmp_shell.messages import CommandError
from qmp_shell.schema import Schema
from qmp_shell.session import Session
from qmp_shell.session.known_errors import advice_for
from qmp_shell.vm.message_faults import unknown_command
from qmp_shell.vm.types import VmTypes
from tests.conftest import Run, RunningVm, StartPeer, StartTerminal, StartVm
from tests.documents import code_in, find_items
from tests.json_values import GivenAnswers
from tests.peer import HOLD, UNTIL_PROMPT
from tests.sessions import attach, offline_session, offline_types, run_line
from tests.terminal import Terminal

_HUMAN = {
    "info": "show various information about the system state",
    "c": "resume emulation",
    "cont": "resume emulation",
    "savevm": "save a VM snapshot",
    "device_add": "add device, like -device on the command line",
    "object_add": "create QOM object",
    "chardev-add": "add chardev",
    "block_resize": "resize a block image",
    "balloon": "request VM to change its memory allocation (in MB)",
    "nbd_server_start": "serve block devices on the given host and port",
    "drive_add": "add drive to PCI storage controller",
    "migrate": "migrate to URI",
    "help": "show the help",
    "log": "activate logging of the specified items",
    "sendkey": "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)",
    "set_link": "change the link status of a network adapter",
    "print": "print expression value (use $reg for CPU register access)",
    "odd": "",
    "query-odd": "",
}
_NAMES = {
    Kind.HUMAN: _HUMAN,
    Kind.TOPIC: dict.fromkeys(("block", "status", "qtree"), ""),
    Kind.NODE: dict.fromkeys(("d0", "d1"), ""),
    Kind.BLOCK: dict.fromkeys(("d0", "d1", "ide0"), ""),
    Kind.BLOCK_DEVICE: {"ide0": ""},
    Kind.DRIVER: dict.fromkeys(
        (
            *("e1000", "scsi-cd", "virtio-rng-pci", "virtio-blk-pci", "virtio-net-pci"),
            "virtio-scsi-pci",
        ),
        "",
    ),
    Kind.DEVICE: {"rng0": ""},
    Kind.DEVICE_PATH: {"rng0": ""},
    Kind.JOB: {"m0": ""},
    Kind.QOM_PATH: {"/machine": ""},
}


class Names:
    """The names of a VM. (A :class:`~qmp_shell.complete.NameSource`.)"""

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        return [Candidate(*each) for each in _NAMES.get(request.kind, {}).items()]


@pytest.fixture
def vocabulary(types: VmTypes) -> Vocabulary:
    return Vocabulary(types, Names(), Registry(), views=("table", "json"))


def corrected(text: str, vocabulary: Vocabulary) -> str:
    """The line that is offered, with what follows it in the hint; empty: there is none."""
    found = correct_line(text, vocabulary)
    if found is None:
        return ""
    hint = found.hint(human=False).removeprefix(found.before).removesuffix(found.after)
    assert found.missing or hint.replace(", then ", "\n") == found.typed(human=False)
    return hint


# Arguments as other tools write them


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # without the name of the argument
        ("device_del rng1", "device_del id=rng1"),
        ("device_del 5", "device_del id=5"),
        ("device_del balloon", "device_del id=balloon"),
        ("set_link n0 off", "set_link name=n0 up=off"),
        ("set_link off n0", "set_link up=off name=n0"),
        ("set_link n0", "set_link name=n0 up=..."),
        ("migrate tcp:localhost:4444", "migrate uri=tcp:localhost:4444"),
        ("qom-get /machine type", "qom-get path=/machine property=type"),
        ("qom-set /machine x 1", "qom-set path=/machine property=x value=1"),
        ("eject cd0", "eject device=cd0"),
        ("eject cd0 # now", "eject device=cd0 # now"),
        ("eject cd0 | jq .x", "eject device=cd0 | jq .x"),
        ("block_resize d0 1G", "block_resize node-name=d0 size=1G"),
        ("block_resize ide0 1G", "block_resize device=ide0 size=1G"),
        ("block_resize size=1G d0", "block_resize size=1G node-name=d0"),
        ("blockdev-mirror d0 d1", "blockdev-mirror device=d0 target=d1 sync=..."),
        ("blockdev-mirror d0 d1 ful", "blockdev-mirror device=d0 target=d1 sync=full"),
        ("job-complete 'a b'", "job-complete id='a b'"),
        ("send-key ctrl", ".hmp sendkey ctrl"),
        ("device_add driver e1000", "device_add driver=e1000"),
        (
            "migrate-set-capabilities capability=events state=on",
            "migrate-set-capabilities capabilities.0.capability=events capabilities.0.state=on",
        ),
        (
            "chardev-add id=c backend=socket",
            "chardev-add id=c backend.type=socket backend.data.addr.type=...",
        ),
        ("input-send-event", "input-send-event events.0.type=..."),
        ("migrate_set_speed 1G", "migrate-set-parameters max-bandwidth=..."),
        ("migrate-set-downtime 0.3", "migrate-set-parameters downtime-limit=..."),
        ("device_add id foo driver e1000", "device_add id=foo driver=e1000"),
        ("qom-get path /machine property type", "qom-get path=/machine property=type"),
        (
            "blockdev-snapshot-delete-internal-sync d0 first",
            "blockdev-snapshot-delete-internal-sync device=d0 name=first",
        ),
        ("query-status .table", "query-status | .table"),
        ("query-chardev .let c", "query-chardev | .let c"),
        ("qom-get /machine type .let t", "qom-get path=/machine property=type | .let t"),
        ("qom-get /machine type .table", "qom-get path=/machine property=type | .table"),
        (
            "blockdev-add driver=qcow2 file=a.qcow2 id=d0",
            "blockdev-add driver=qcow2 file.driver=file file.filename=a.qcow2 node-name=d0",
        ),
        (
            "blockdev-add a.qcow2",
            "blockdev-add driver=qcow2 node-name=drive0 file.driver=file file.filename=a.qcow2",
        ),
        ("query-status now", "query-status"),
        # a file that the command itself writes
        ("screendump > /a.ppm", "screendump filename=/a.ppm"),
        ('screendump >> "/a b"', 'screendump filename="/a b"'),
        ("screendump > $a", 'screendump filename="$a"'),
        ("pmemsave 0 size=4 > /a", "pmemsave val=0 size=4 filename=/a"),
        ("screendump | less", ""),
        ("job-cancel > /a", ""),
        # an option of the shell's
        ("query-block --view table", "query-block | .table"),
        ("query-block --view=table", "query-block | .table"),
        ("query-block --view nope", ""),
        # a quote that is not closed
        ('device_add "e1000', ""),
        ("device_add 'driver=e1000", ""),
        ("quit now please", "quit"),
        # a node needs a name
        (
            "blockdev-add driver=qcow2 file=/a",
            "blockdev-add driver=qcow2 file.driver=file file.filename=/a node-name=drive0",
        ),
        ("blockdev-add driver=null-co", "blockdev-add driver=null-co node-name=drive0"),
        ("blockdev-add", "blockdev-add driver=..."),
        # as an object
        ('device_add {"driver":"e1000", "id": "a b"}', 'device_add driver=e1000 id="a b"'),
        ("set_link {'name': 'n0', 'up': False} | cat", "set_link name=n0 up=false | cat"),
        ('device_add {"execute": "stop"}', '{"execute": "stop"}'),
        ("query-status {}", "query-status"),
        ('query-status {"a": 1}', "query-status"),
        # in the object that the command takes
        (
            "blockdev-add driver=qcow2 filename=/tmp/a id=d0",
            "blockdev-add driver=qcow2 file.driver=file file.filename=/tmp/a node-name=d0",
        ),
        (
            "blockdev-add qcow2,node-name=d0,file=/tmp/a,aio=native",
            "blockdev-add driver=qcow2 node-name=d0 file.driver=file file.filename=/tmp/a "
            "file.aio=native",
        ),
        (
            "blockdev-create job-id=j size=1G driver=qcow2 file=d1",
            "blockdev-create job-id=j options.size=1G options.driver=qcow2 options.file=d1",
        ),
        (
            "blockdev-add driver=raw filename=/a size=10M",
            "blockdev-add driver=raw file.driver=file file.filename=/a size=10M node-name=drive0",
        ),
        ("blockdev-del node=d0", "blockdev-del node-name=d0"),
        ("block-dirty-bitmap-add device=d0 name=b", "block-dirty-bitmap-add node=d0 name=b"),
        (
            "blockdev-add driver=raw server.type=inet server.host=h export=x",
            "blockdev-add driver=raw file.driver=nbd file.server.type=inet file.server.host=h "
            "file.export=x node-name=drive0 file.server.port=...",
        ),
        (
            "blockdev-add driver=raw url=http://h/a",
            "blockdev-add driver=raw file.url=http://h/a node-name=drive0 file.driver=...",
        ),
        (
            "blockdev-add driver=raw file.drivr=file filename=/a",
            "blockdev-add driver=raw file.driver=file file.filename=/a node-name=drive0",
        ),
        (
            "blockdev-add driver=qcow2 file=/a backing=/b",
            "blockdev-add driver=qcow2 file.driver=file file.filename=/a backing=/b "
            "node-name=drive0",
        ),
        ("chardev-add id=c0 backend=pty", "chardev-add id=c0 backend.type=pty backend.data={}"),
        (
            "blockdev-add driver=file path=/a node-name=n",
            "blockdev-add driver=file filename=/a node-name=n",
        ),
        # nothing that would be refused again
        ("blockdev-create driver=qcow2 filename=/tmp/new.qcow2 size=1G", ""),
        ("chardev-add id=c0 backend.type=socket path=/a", ""),
        ("-device virtio-rng-pci -device virtio-rng-pci", ""),
        ("clear; cont", ""),
        ("cont; qemu-img info /a", ""),
        # what is right stays
        ('blockdev-add driver=raw file={"driver":"file","filename":"/a"} node-name=n', ""),
        ("blockdev-add driver=raw file=nbd://host/a node-name=n", ""),
        ("blockdev-add driver=raw file=rbd:pool/a.raw node-name=n", ""),
        ("drive-mirror id=d0 target=/a sync=full", ""),
        ("netdev_add driver=user name=n0", "netdev_add type=user id=n0"),
        (
            '-device {"driver":"e1000","id":"n1"}',
            "device_add driver=e1000 id=n1",
        ),
        (
            '-blockdev {"driver":"null-co","node-name":"n"}',
            'blockdev-add driver=null-co node-name="n"',
        ),
        (
            "-drive file=/vm/a.qcow2,if=virtio",
            "blockdev-add driver=qcow2 node-name=drive0 file.driver=file file.filename=/vm/a.qcow2"
            ", then device_add driver=virtio-blk-pci drive=drive0",
        ),
        (
            "drive_add file=/a,,b,format=raw,media=cdrom,if=ide,id=cd",
            "blockdev-add driver=raw node-name=cd file.driver=file file.filename=/a,b "
            "read-only=true",
        ),
        (
            "-drive file=/vm/a.raw,readonly=true",
            "blockdev-add driver=raw node-name=drive0 file.driver=file file.filename=/vm/a.raw "
            "read-only=true",
        ),
        (
            "-drive file=/vm/a.raw,read-only=yes,if=virtio",
            "blockdev-add driver=raw node-name=drive0 file.driver=file file.filename=/vm/a.raw "
            "read-only=true, then device_add driver=virtio-blk-pci drive=drive0",
        ),
        (
            "-drive file=/vm/a.raw,readonly=maybe",
            ".hmp drive_add 0 if=none,file=/vm/a.raw,readonly=maybe",
        ),
        (
            "-drive file=/vm/a.raw",
            "blockdev-add driver=raw node-name=drive0 file.driver=file file.filename=/vm/a.raw",
        ),
        (
            "-drive file=/vm/a,,b.qcow2,if=virtio,cache=none",
            ".hmp drive_add 0 if=none,file=/vm/a,,b.qcow2,cache=none",
        ),
        (
            "blockdev-add /vm/a.qcow2",
            "blockdev-add driver=qcow2 node-name=drive0 file.driver=file file.filename=/vm/a.qcow2",
        ),
        ("send-key ctrl-alt-delete", ".hmp sendkey ctrl-alt-delete"),
        ("-drive file=nbd://h/a.raw", ".hmp drive_add 0 if=none,file=nbd://h/a.raw"),
        (
            "-drive file=rbd:pool/a,format=raw,if=virtio",
            ".hmp drive_add 0 if=none,file=rbd:pool/a,format=raw",
        ),
        (
            "-drive file=nbd:h:10809,format=raw",
            ".hmp drive_add 0 if=none,file=nbd:h:10809,format=raw",
        ),
        (
            "-drive file=/vm/a:b.raw",
            "blockdev-add driver=raw node-name=drive0 file.driver=file file.filename=/vm/a:b.raw",
        ),
        (
            "-hda /tmp/x,y.qcow2",
            "blockdev-add driver=qcow2 node-name=drive0 file.driver=file "
            "file.filename=/tmp/x,y.qcow2",
        ),
        (
            "-cdrom x",
            "blockdev-add driver=raw node-name=drive0 file.driver=file file.filename=x "
            "read-only=true",
        ),
        (
            '-cdrom "/vm/my disk.iso"',
            "blockdev-add driver=raw node-name=drive0 file.driver=file "
            'file.filename="/vm/my disk.iso" read-only=true',
        ),
        (
            "-drive 'file=/vm/a.qcow2,id=a'",
            "blockdev-add driver=qcow2 node-name=a file.driver=file file.filename=/vm/a.qcow2",
        ),
        ('-hda "/dev/my disk"', ""),
        ("-hda /dev/sdb", ".hmp drive_add 0 if=none,file=/dev/sdb"),
        # with a colon
        ("device_add driver:e1000", "device_add driver=e1000"),
        ("block_resize node-name:d0 size:1G", "block_resize node-name=d0 size=1G"),
        # a name in two words
        ("query status", "query-status"),
        ("query status | cat", "query-status | cat"),
        ("block resize d0 1G", "block_resize node-name=d0 size=1G"),
        ("query block stats", "query-blockstats"),
        ("query block jobs", "query-block-jobs"),
        # a value with a blank in it
        (
            "blockdev-add driver=null-co node-name=n size=1 G",
            "blockdev-add driver=null-co node-name=n size=1G",
        ),
        ("block_resize node-name=d0 size=1 G", "block_resize node-name=d0 size=1G"),
        (
            "blockdev-add driver=file filename=/tmp/my disk.img node-name=d",
            'blockdev-add driver=file filename="/tmp/my disk.img" node-name=d',
        ),
        (
            "blockdev-add driver=raw file.driver=file file.filename=/tmp/my old disk",
            'blockdev-add driver=raw file.driver=file file.filename="/tmp/my old disk" '
            "node-name=drive0",
        ),
        (
            "blockdev-snapshot-sync device=ide0 snapshot-file=/tmp/my disk.qcow2",
            'blockdev-snapshot-sync device=ide0 snapshot-file="/tmp/my disk.qcow2"',
        ),
        (
            "blockdev-snapshot-sync snapshot-file=/tmp/my d0",
            "blockdev-snapshot-sync snapshot-file=/tmp/my node-name=d0",
        ),
        (
            'object-add qom-type=rng-random id=r "filename=/dev/urandom"',
            "object-add qom-type=rng-random id=r filename=/dev/urandom",
        ),
        (
            "blockdev-add driver=file 'filename=/tmp/my disk.img'",
            'blockdev-add driver=file filename="/tmp/my disk.img" node-name=drive0',
        ),
        ("qom-set /machine x 'a=b'", "qom-set path=/machine property=x value='a=b'"),
        # a value that lacks its beginning
        ("dump-guest-memory /tmp/d", "dump-guest-memory protocol=file:/tmp/d paging=..."),
        (
            "dump-guest-memory protocol=/tmp/d paging=false",
            "dump-guest-memory protocol=file:/tmp/d paging=false",
        ),
        ("migrate uri=localhost:4444", "migrate uri=tcp:localhost:4444"),
        ("migrate localhost:4444", "migrate uri=tcp:localhost:4444"),
        ("migrate uri=fd:4", ""),
        ("migrate uri=/tmp/x", ""),
        # a command that QEMU is to run
        ("migrate exec:cat > /a", 'migrate uri="exec:cat > /a"'),
        ("migrate exec:cat | gzip > '/a b'", """migrate uri="exec:cat | gzip > '/a b'\""""),
        ("migrate exec:gzip -c", 'migrate uri="exec:gzip -c"'),
        ("migrate exec:cat", "migrate uri=exec:cat"),
        ("migrate -d exec:cat > /a", 'migrate uri="exec:cat > /a"'),
        ("migrate -b exec:cat > /a", '.hmp migrate -b "exec:cat > /a"'),
        ("migrate uri exec:cat > /a", 'migrate uri="exec:cat > /a"'),
        ("migrate blk=on uri=exec:cat >> /a", 'migrate blk=on uri="exec:cat >> /a"'),
        ("migrate_incoming exec:cat < /a", 'migrate-incoming uri="exec:cat < /a"'),
        ("migrate exec:cat; gzip && x > a", 'migrate uri="exec:cat; gzip && x > a"'),
        ("migrate exec:cat | .let m", "migrate uri=exec:cat | .let m"),
        ("migrate exec:cat | ./b", 'migrate uri="exec:cat | ./b"'),
        ("migrate uri=exec:cat", ""),
        ("migrate -b x=1 exec:cat > /a", ""),
        ("stop exec:cat > /a", "stop > /a"),
        # an address
        (
            "nbd-server-start addr=unix:/tmp/n.sock",
            "nbd-server-start addr.type=unix addr.data.path=/tmp/n.sock",
        ),
        (
            "nbd-server-start addr=localhost:10809",
            "nbd-server-start addr.type=inet addr.data.host=localhost addr.data.port=10809",
        ),
        (
            "blockdev-add driver=nbd server=tcp:h:10809",
            "blockdev-add driver=nbd server.type=inet server.host=h server.port=10809 "
            "node-name=drive0",
        ),
        ("nbd-server-start addr=fd:5", ""),
        (
            "chardev-add id=c backend.type=socket backend.data.addr=unix:/tmp/s",
            "chardev-add id=c backend.type=socket backend.data.addr.type=unix "
            "backend.data.addr.data.path=/tmp/s",
        ),
        # keys at once
        ("send-key keys=ctrl-alt-f1", ".hmp sendkey ctrl-alt-f1"),
        # what QEMU's command line calls otherwise
        (
            "chardev-add id=c3 backend.type=file backend.data.file=/a",
            "chardev-add id=c3 backend.type=file backend.data.out=/a",
        ),
        (
            "chardev-add id=c3 backend.type=file backend.data.path=/a",
            "chardev-add id=c3 backend.type=file backend.data.out=/a",
        ),
        # an item of a list
        (
            "migrate-set-capabilities xbzrle on",
            "migrate-set-capabilities capabilities.0.capability=xbzrle capabilities.0.state=on",
        ),
        (
            "migrate-set-capabilities xbzrle=on events=off",
            "migrate-set-capabilities capabilities.0.capability=xbzrle capabilities.0.state=on"
            " capabilities.1.capability=events capabilities.1.state=off",
        ),
        ("migrate-set-capabilities xbzrle=on nonesuch=off", ""),
        # what -drive calls otherwise
        (
            "blockdev-add driver=raw file=n0 cache=none",
            "blockdev-add driver=raw file=n0 cache.direct=on node-name=drive0",
        ),
        (
            "blockdev-add driver=raw file=n0 cache=unsafe",
            "blockdev-add driver=raw file=n0 cache.no-flush=on node-name=drive0",
        ),
        (
            "blockdev-add driver=raw file=n0 cache=writeback",
            "blockdev-add driver=raw file=n0 node-name=drive0",
        ),
        ("blockdev-add driver=raw file=n0 cache=writethrough", ""),
        # nobody knows which argument
        ("device_add =x", ""),
        ("blockdev-add driver=null-co =w1", ""),
        ("job-complete =x", ""),
        # an id has no blank
        ("device_add driver=virtio-rng-pci id=my rng", ""),
        ("device_add driver=virtio-rng-pci id=my bus", ""),
        (
            "blockdev-add driver=null-co node-name=n read-only",
            "blockdev-add driver=null-co node-name=n read-only=...",
        ),
        ("device_add e1000 id | cat", ""),
        ("qom-get path /machine", "qom-get path=/machine property=..."),
        # a name without its value
        ("blockdev-add driver=null-co node-name", "blockdev-add driver=null-co node-name=..."),
        ("device_add driver", "device_add driver=..."),
        ("device_add --driver", "device_add driver=..."),
        ("device_add e1000 id", "device_add driver=e1000 id=..."),
        ("set_link up", "set_link up=... name=..."),
        ("set_link name=n0 up", "set_link name=n0 up=..."),
        # as people say it
        ("reboot", "system_reset"),
        ("continue", "cont"),
        ("shutdown", "system_powerdown"),
        ("pause", "stop"),
        # of virsh, whose first argument is the VM
        (
            "snapshot-create-as vm1 s1",
            "snapshot-save job-id=... tag=... vmstate=... devices.0=...",
        ),
        ("snapshot-list vm1", "query-named-block-nodes"),
        ("dump /tmp/x", "dump-guest-memory paging=... protocol=..."),
        ("screenshot vm1 /tmp/x", "screendump filename=..."),
        ("blockcopy vm1 vda", "blockdev-mirror device=... target=... sync=..."),
        ("domif-setlink vm1 n0 down", "set_link name=... up=..."),
        ("setmem vm1 1G", "balloon value=..."),
        ("resume vm1", "cont"),
        ("start vm1 --paused", "cont"),
        ("shutdown vm1", "system_powerdown"),
        ("suspend vm1", "stop"),
        ("resume m0", "job-resume id=m0"),
        ("pause m0", "job-pause id=m0"),
        ("domstate vm1", "query-status"),
        ("attach-disk vm1 /a", "blockdev-add driver=..."),
        (
            "attach-disk vm1 /a.qcow2 vdb",
            "blockdev-add driver=qcow2 node-name=drive0 file.driver=file file.filename=/a.qcow2"
            ", then device_add driver=virtio-blk-pci drive=drive0",
        ),
        ("attach-interface vm1 network x", "netdev_add id=... type=..."),
        ("detach-interface vm1 network", "device_del id=..."),
        # what is in the VM is hardly the name of a VM
        ("reset rng0", ""),
        ("destroy d0", ""),
        ("shutdown ide0", ""),
        ("kill vm1", ""),
        # of QEMU's command line
        ("device_add e1000", "device_add driver=e1000"),
        ("device_add e1000,id=n1", "device_add driver=e1000 id=n1"),
        ("device_add e1000,mac=1:2,id=n1", "device_add driver=e1000 mac=1:2 id=n1"),
        ("device_add driver=e1000,id=n1", "device_add driver=e1000 id=n1"),
        ("device_add driver=e1000, id=n1", "device_add driver=e1000 id=n1"),
        ("device_add e1000,id=a,,b", "device_add driver=e1000 id=a,b"),
        ("device_add e1000,multifunction", "device_add driver=e1000 multifunction=on"),
        ("device_add e1001,id=n1", "device_add driver=e1000 id=n1"),
        ("-device e1000,id=n1", "device_add driver=e1000 id=n1"),
        ("-object iothread,id=io0", "object-add qom-type=iothread id=io0"),
        ("object_add iothread,id=io0", "object-add qom-type=iothread id=io0"),
        ("object_add qom-type=iothread id=io0", "object-add qom-type=iothread id=io0"),
        ("netdev_add user,id=n", "netdev_add type=user id=n"),
        ("netdev_add type=user,id=n", "netdev_add type=user id=n"),
        (
            "netdev_add user,id=n,hostfwd=tcp::1-:2,hostfwd=tcp::3-:4",
            "netdev_add type=user id=n hostfwd.0.str=tcp::1-:2 hostfwd.1.str=tcp::3-:4",
        ),
        ("netdev_add user,id=n,norestrict", "netdev_add type=user id=n restrict=off"),
        (
            "-blockdev driver=null-co,node-name=n,read-only=on",
            "blockdev-add driver=null-co node-name=n read-only=on",
        ),
        ("blockdev-add driver=raw,file.driver=nul", "blockdev-add driver=raw file.driver=nul"),
        # of other programs
        ("device_add driver = e1000", "device_add driver=e1000"),
        ("device_add driver= e1000 id =n1", "device_add driver=e1000 id=n1"),
        ("device_add driver: e1000", "device_add driver=e1000"),
        ("device_add --driver=e1000 --id n1", "device_add driver=e1000 id=n1"),
        ("device_add -driver e1000", "device_add driver=e1000"),
        # a text in the place of a list
        (
            "snapshot-save job-id=j tag=t vmstate=d0 devices=d0",
            "snapshot-save job-id=j tag=t vmstate=d0 devices.0=d0",
        ),
        # misspelt
        ("device_add drvier=e1000", "device_add driver=e1000"),
        ("device_add DRIVER=e1000", "device_add driver=e1000"),
        ("device_add driver=e1001", "device_add driver=e1000"),
        ("watchdog-set-action action=pasue", "watchdog-set-action action=pause"),
        (
            "blockdev-add driver=raw file.drver=null-co",
            "blockdev-add driver=raw file.driver=null-co node-name=drive0",
        ),
        (
            "migrate-set-capabilities capabilities.0.capabilty=xbzrle capabilities.0.state=on",
            "migrate-set-capabilities capabilities.0.capability=xbzrle capabilities.0.state=on",
        ),
        # missing
        ("device_add", "device_add driver=..."),
        ("device_add id=n1", "device_add id=n1 driver=..."),
        ("netdev_add", "netdev_add id=... type=..."),
        (
            "blockdev-add driver=qcow2 file.filename=/x",
            "blockdev-add driver=qcow2 file.filename=/x node-name=drive0 file.driver=...",
        ),
    ],
)
def test_arguments_are_read_in_other_notations(
    vocabulary: Vocabulary, typed: str, meant: str
) -> None:
    assert corrected(typed, vocabulary) == meant


def test_a_line_that_lacks_values_is_offered_up_to_the_first(vocabulary: Vocabulary) -> None:
    found = correct_line("netdev_add", vocabulary)
    assert found is not None
    assert found.typed(human=False) == "netdev_add id="


# Which commands are meant


@pytest.mark.parametrize(
    ("typed", "meant", "hint"),
    [
        (
            "device_del r1 r2",
            "device_del id=r1\ndevice_del id=r2",
            "one command a line: device_del id=r1, then device_del id=r2",
        ),
        ("device_del r1 'r 2'", "device_del id=", ""),
        ("info block", ".hmp info block", "the human monitor has it: .hmp info block"),
        ("savevm foo", ".hmp savevm foo", "the human monitor has it: .hmp savevm foo"),
        # in which order the human monitor takes them is not known
        ("drive_add value=a name=b", ".hmp help drive_add", ""),
        ("savevm name=foo", ".hmp savevm foo", "the human monitor has it: .hmp savevm foo"),
        ("savevm", ".hmp savevm", "the human monitor has it: .hmp savevm"),
        ("info pci | grep x", ".hmp info pci | grep x", ""),
        ("c", "cont", "write cont"),
        ("odd", ".hmp odd", ""),
        ("info", ".info", "write .info"),
        ("log", ".log", ""),
        ("log unimp", ".hmp log unimp", ""),
        # what the human monitor counts in another unit, has options for, or has otherwise
        ("balloon 64", ".hmp balloon 64", ""),
        ("balloon 64M", "balloon value=64M", "write balloon value=64M"),
        ("block_resize d0 128", ".hmp block_resize d0 128", ""),
        ("migrate -d tcp:a:1", ".hmp migrate -d tcp:a:1", ""),
        ("nbd-server-start a:1", ".hmp nbd_server_start a:1", ""),
        ("chardev-add null,id=c", ".hmp chardev-add null,id=c", ""),
        ("-chardev socket,id=c,path=/x", ".hmp chardev-add socket,id=c,path=/x", ""),
        ("-drive if=none,file=x", ".hmp drive_add 0 if=none,file=x", ""),
        ("human-monitor-command info block", ".hmp info block", "write .hmp info block"),
        ("human-monitor-command command-line=info block", ".hmp info block", ""),
        ("human-monitor-command 'info block'", ".hmp info block", ""),
        ('human-monitor-command screendump "/a b"', '.hmp screendump "/a b"', ""),
        # several on one line
        ("cont; stop", "cont\nstop", "one command a line: cont, then stop"),
        ("cont ; stop;", "cont\nstop", ""),
        ("cont;stop;;query-name", "cont\nstop\nquery-name", ""),
        ("cont stop", "cont\nstop", "one command a line: cont, then stop"),
        ("cont && stop && query-name | jq .", "cont\nstop\nquery-name | jq .", ""),
        ("cont; info block", "cont\n.hmp info block", ""),
        ("cont;", "cont", "write cont"),
        ("device_del a; cont", "device_del id=a\ncont", ""),
        # dot commands
        ("wait status=running", ".wait status=running", "write .wait status=running"),
        ("set view table", ".set view table", ""),
        ("top now", ".top", "write .top"),
        ("history", ".history", ""),
        ("watch query-status", ".watch query-status", "write .watch query-status"),
        ("watch 2 cont", ".watch 2 cont", ""),
        ("wach query-status", ".watch query-status", "did you mean .watch query-status?"),
        ("qmp query-status", ".qmp query-status", ""),
        ("oob cont", ".oob cont", ""),
        ("each $x cont", ".each $x cont", ""),
        ("find cont", ".find cont", ""),
        ("each cont", "", "write .each $VALUES COMMAND ..."),
        ("watch it", "", "write .watch [SECONDS] COMMAND"),
        ("wait cont", "", "write .wait WHAT [timeout=S]"),
        ("let x=5", "", "COMMAND | .let x keeps what a command returns"),
        ("export a-b=1", "", "COMMAND | .let NAME keeps what a command returns"),
        ("let x", ".let x", ""),
        ("eahc hi", "", "no command eahc; .commands lists the VM's commands"),
        (".wiat job=x", ".wait job=x", "did you mean .wait job=x?"),
        (".whyy x", ".why", "did you mean .why?"),
        ("trree block", ".tree block", "did you mean .tree block?"),
        (".query-status", "query-status", "write query-status"),
        (".savevm x", ".hmp savevm x", ""),
        (".quit", ".exit", "write .exit"),
        (".table query-block", "query-block | .table", ""),
        (".table", ".set view table", ""),
        ("exit now", ".exit", ""),
        ("\\q", ".exit", ""),
        ("exit()", ".exit", "write .exit; quit ends the VM"),
        ("quit();", ".exit", "write .exit; quit ends the VM"),
        ("exit(0)", ".exit", ""),
        ("query-status() | .table", "query-status | .table", "write query-status | .table"),
        # help
        ("help device_add driver", ".help device_add driver", ""),
        ("?device_add", ".help device_add", ""),
        ("--help", ".help", "write .help"),
        ("-h device_add", ".help device_add", ""),
        ("eject?", ".help eject", "write .help eject"),
        ("man cont", ".help cont", ""),
        ("cont help", ".help cont", ""),
        ("cont --help", ".help cont", ""),
        (
            "device_add help",
            ".hmp device_add help",
            ".hmp device_add help lists what there is; .help device_add describes the command",
        ),
        ("device_add ? x", ".hmp device_add help", ""),
        ("cont ? x", ".help cont", ""),
        ("device_add driver=?", ".hmp device_add help", ""),
        ("device_add e1000,help", ".help device_add driver=e1000", ""),
        ("object-add iothread,?", ".help object-add qom-type=iothread", ""),
        # copied with what stands around it
        ("(QEMU) query-status", "query-status", "write query-status"),
        ("(qemu) info status", ".hmp info status", ""),
        ('-> { "execute": "query-status" }', '{ "execute": "query-status" }', ""),
        ("""'{"execute": "stop"}'""", '{"execute": "stop"}', ""),
        ("TRANS> device_del rng1", "device_del id=rng1", ""),
        ("virsh qemu-monitor-command vm1 --hmp info block", ".hmp info block", ""),
        ('qemu-monitor-command --hmp vm1 "info block"', ".hmp info block", ""),
        ("qemu-monitor-command --pretty vm1 query-status", "query-status", ""),
        (
            """virsh qemu-monitor-command vm1 '{"execute": "stop"}'""",
            '{"execute": "stop"}',
            "",
        ),
        ("$disk", ".let disk", "write .let disk"),
        # of the human monitor, which knows no keys
        ("savevm name=s0", ".hmp savevm s0", "the human monitor has it: .hmp savevm s0"),
        ("info block", ".hmp info block", ""),
        # misspelt
        ("query_status", "query-status", "write query-status"),
        ("quer-status", "query-status", "did you mean query-status?"),
        ("query-block-nodes", "query-named-block-nodes", ""),
        ("reset", "system_reset", "write system_reset"),
        ("query-disks", "query-block", "write query-block"),
        ("device_dle rng1", "device_del id=rng1", "did you mean device_del id=rng1?"),
        ("migrate_set_params 1G", "migrate-set-parameters", ""),
        ("inof", ".info", "did you mean .info?"),
        ("inof block", ".hmp info block", "did you mean .hmp info block?"),
        ("savvm x", ".hmp savevm x", "did you mean .hmp savevm x?"),
        # of virsh
        ("list --all", ".info", "write .info; qmp-shell --list in your own shell lists the VMs"),
        ("dominfo vm1", ".info", ""),
        ("domiflist vm1", ".hmp info network", ""),
        ("destroy vm1", "quit", "write quit; it ends the VM"),
        ("kill", "quit", "write quit; it ends the VM"),
        ("virsh -c qemu:///system resume vm1", "cont", "write cont"),
        ("virsh list", ".info", ""),
        ("virsh edit vm1", "", "virsh is a program; start it in your own shell"),
        ("dumpxml vm1", "", "the VM has no XML; .info and .tree devices show what it has"),
        # for other programs
        ("!!", "", "Up brings back the last line, and Ctrl-R finds earlier ones"),
        ("!ls -l", "", "! runs no program here; start it in your own shell"),
        ("echo hi", "", "echo is a program; start it in your own shell"),
        ("clear", "", "Ctrl-L clears the screen"),
        ("qemu-img info /a", "", "qemu-img is a program; start it in your own shell"),
        (
            "qemu-system-x86_64 -m 64",
            "",
            "qemu-system-x86_64 is a program; start it in your own shell",
        ),
        ("clear .table", "", "Ctrl-L clears the screen"),
        ("guest-ping", "", "guest-ping is a command of the guest agent: qmp-shell -N SOCKET"),
        (
            "-m 256",
            "",
            "-m is an option of QEMU's command line, which a running VM cannot take",
        ),
        (
            "-nic user,model=e1000",
            "",
            "-nic is an option of QEMU's command line; on a running VM, netdev_add and device_add "
            "do the same",
        ),
        (
            "nothing-like this",
            "",
            "no command nothing-like; .commands lists the VM's commands",
        ),
    ],
)
def test_the_command_that_was_meant_is_found(
    vocabulary: Vocabulary, typed: str, meant: str, hint: str
) -> None:
    found = correct_line(typed, vocabulary)
    assert found is not None
    assert found.typed(human=False) == meant
    assert not hint or found.hint(human=False) == hint


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "#",
            "{",
            "[1]",
            '{"execute": "x"}',
            ")",
            "$",
            "!ls",
            "| jq",
            "a=b",
            "=",
            "'",
            '"',
        ),
        *(
            "transaction(abort",
            "transaction( blockdev-snapshot d0 d1 )",
            "stop x=[",
            "device_add [",
        ),
        *(
            "device_add driver=e1000",
            "cont",
            "query-block | .tabel",
            "(QEMU)",
            "(qemu) ",
            "virsh qemu-monitor-command web1",
            "virsh qemu-monitor-command --hmp",
            "stop x=1",
            "device_del id=rng9",
        ),
        *(
            "device_del id=rng1",
            "blockdev-add driver=raw file=a,b=c node-name=n",
            ".exit now",
            ".info block",
            ".",
        ),
        "cont; nonsense-like this",
        "print query-status",
        "device_add driver=e1000 id=a\tb\x1b",
        "query-status " + "x" * 300,
        "device_del   id=rng9",
        "device_add | jq .",
    ],
)
def test_nothing_is_made_of_what_is_right_or_means_nothing(
    vocabulary: Vocabulary, text: str
) -> None:
    assert corrected(text, vocabulary) == ""


def test_what_exists_is_not_put_in_the_place_of_what_does_not(vocabulary: Vocabulary) -> None:
    """To delete rng0 in place of rng1 would be worse than nothing."""
    assert corrected("device_del rng1", vocabulary) == "device_del id=rng1"
    assert corrected("device_del id=rng1", vocabulary) == ""


@pytest.mark.parametrize(
    ("typed", "guessed"),
    [
        ("snapshot-delet", "snapshot-delete job-id=... tag=... devices.0=..."),
        ("qiut", "quit"),
        ("device_d", "device_del id=..."),
        ("device_dle r1", "device_del id=r1"),
        ("device_deel r1", "device_del id=r1"),
        ("job-cancle j", "job-cancel id=j"),
        ("block-bitmap-remove d0 b", "block-dirty-bitmap-remove node=d0 name=b"),
        ("device_remove r1", "device_del id=r1"),
        ("remove-it", ""),
        ("quit-vm", ""),
        ("snapshot-lists", ""),
        ("snapshot-craete", ""),
        ("block-dirty-bitmap-crate d0 b", ""),
        ("system_start", ""),
    ],
)
def test_what_destroys_is_not_guessed_of_a_word_that_does_not_say_so(
    types: VmTypes, vocabulary: Vocabulary, typed: str, guessed: str
) -> None:
    assert corrected(typed, vocabulary) == guessed
    found = correct_human_line(typed, _UNKNOWN, vocabulary)
    assert found is None or "del" in guessed or found.line.split()[0] == guessed.split()[0]
    listed = unknown_command(typed.split()[0], types).advice
    assert bool(guessed) or re.search("delete|clear|reset|del", listed) is None


@pytest.mark.parametrize(
    ("typed", "guessed"),
    [
        ("job-delete id=m0", "job-dismiss id=m0"),
        ("chardev-del id=a", "chardev-remove id=a"),
        ("block-dirty-bitmap-del node=d0 name=b", "block-dirty-bitmap-remove node=d0 name=b"),
        ("block-dirty-bitmap-delete node=d0 name=b", "block-dirty-bitmap-remove node=d0 name=b"),
        ("snapshot-remove job-id=j", "snapshot-delete job-id=j tag=... devices.0=..."),
        ("nbd-server-del name=e", "nbd-server-remove name=e"),
        ("device_detach id=rng0", "device_del id=rng0"),
        ("migrate-stop", "migrate_cancel"),
        ("migrate-abort", "migrate_cancel"),
        ("block-job-abort device=j", "block-job-cancel device=j"),
        ("block-job-stop device=j", "block-job-cancel device=j"),
    ],
)
def test_a_word_that_says_that_something_is_to_end_means_nothing_else(
    types: VmTypes, vocabulary: Vocabulary, typed: str, guessed: str
) -> None:
    assert corrected(typed, vocabulary) == guessed
    assert guessed.split()[0] in unknown_command(typed.split()[0], types).advice


@pytest.mark.parametrize("typed", ["savevm_del x", "chardev-del c", "job-delete m0"])
def test_so_does_a_word_of_the_human_monitor(vocabulary: Vocabulary, typed: str) -> None:
    found = correct_human_line(typed, _UNKNOWN, vocabulary)
    assert found is None or re.search("del|dismiss|remove", found.line), found


def test_the_manual_tells_what_is_offered(vocabulary: Vocabulary) -> None:
    rows = find_items("hints", "Lines of other tools")
    assert len(rows) >= 10
    for row in rows:
        typed, offered = (code_in(cell) for cell in row)
        for each in typed:
            found = correct_line(each, vocabulary)
            assert found is not None
            assert found.typed(human=False) == "\n".join(offered), row


def test_the_lines_of_working_scripts_are_right(vocabulary: Vocabulary) -> None:
    lines = [
        line
        for path in (Path(__file__).parent / "scripts").glob("*.qmp")
        for line in path.read_text().replace("\\\n    ", "").splitlines()
        if line and path.name != "human.qmp" and not line.startswith(("#", ".", ")", " "))
    ]
    assert len(lines) > 20
    assert [line for line in lines if corrected(line, vocabulary)] == []


def test_actions_of_a_transaction_are_corrected(vocabulary: Vocabulary) -> None:
    vocabulary = vocabulary._replace(in_transaction=True)
    action = "block-dirty-bitmap-add"
    assert corrected(f"{action} d0 b0", vocabulary) == f"{action} node=d0 name=b0"
    assert corrected(f"{action}d node=d0 name=b0", vocabulary) == f"{action} node=d0 name=b0"
    assert corrected("query-status", vocabulary) == ""


class HostileNames(Names):
    """Names that do something else if they stand in a line."""

    def candidates(self, request: NameRequest) -> Iterable[Candidate]:
        names = ("e1000 | rm", "savevm;x", "e1000\n.x", "-savevm", "", request.kind)
        return [Candidate(name) for name in names]


def test_names_that_mean_something_else_are_never_offered(types: VmTypes) -> None:
    vocabulary = Vocabulary(types, HostileNames(), Registry())
    for line in ("device_add driver=e1000x", "device_add e1000x", "savevm x", "-savvm"):
        found = correct_line(line, vocabulary)
        typed = found.typed(human=False) if found is not None else ""
        assert not set(typed) & set("|;\n"), typed


@pytest.mark.parametrize("place", ["member", "tag", "value"])
@pytest.mark.parametrize(
    "name", ["a | touch b #", "a > b #", "a b=c", "a\nb=c", "a=1", "\x1b[2J", "$_", "'a"]
)
def test_no_name_of_the_schema_means_something_else_in_a_line(place: str, name: str) -> None:
    """The corrected line has names of members, of tags, and the values of these."""
    names = {"member": "node", "tag": "kind", "value": "disk"}
    assert _correct_by(names) == "add node.kind=disk node.filename=/a"
    assert _correct_by(names | {place: name}) in ("", "add filename=/a")


def _correct_by(names: dict[str, str]) -> str:
    """What ``add filename=/a`` should have been if a command takes an object with such names."""
    text = {"name": "str", "meta-type": "builtin", "json-type": "string"}
    outer = [{"name": names["member"], "type": "2"}]
    branch = [{"name": "filename", "type": "str"}]
    union = {
        "tag": names["tag"],
        "members": [{"name": names["tag"], "type": "3"}],
        "variants": [{"case": names["value"], "type": "4"}],
    }
    schema = [
        text,
        {"name": "add", "meta-type": "command", "arg-type": "1", "ret-type": "1"},
        {"name": "1", "meta-type": "object", "members": outer},
        {"name": "2", "meta-type": "object", **union},
        {"name": "3", "meta-type": "enum", "values": [names["value"]]},
        {"name": "4", "meta-type": "object", "members": branch},
    ]
    commands = [{"name": "add"}]
    view = GivenAnswers({"query-qmp-schema": schema, "query-commands": commands}, None)
    found = correct_line("add filename=/a", Vocabulary(VmTypes(view), Names(), Registry()))
    return found.typed(human=False) if found is not None else ""


_WORDS = (
    *(
        "device_add",
        "-device",
        "device_del",
        "netdev_add",
        "query-status",
        "savevm",
        "wait",
        "cont",
    ),
    *(
        "info",
        "driver",
        "id",
        "=",
        ",",
        ";",
        "&&",
        "|",
        ">",
        "#",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        ":",
    ),
    *(" ", " ", " ", "e1000", "user", "on", "5", "1G", "-", "--", ".", "$", "help", "?", "(QEMU)"),
    *("migrate", "uri", "exec:", "screendump", "watch", "resume", "virsh", "let", "()", "!"),
    *("human-monitor-command", "transaction(", ")", "hostfwd", "\\", "é", ".0.", "blockdev-add"),
)


@given(st.lists(st.sampled_from(_WORDS), max_size=20).map("".join), st.booleans())
def test_any_line_is_read(types: VmTypes, text: str, in_transaction: bool) -> None:
    vocabulary = Vocabulary(types, Names(), Registry(), in_transaction)
    found = correct_line(text, vocabulary)
    if found is not None:
        line = found.typed(human=False)
        assert line.replace("\n", "").isprintable()
        assert line != text
        assert line.count("|") <= text.count("|")
    for answer in (f"unknown command: '{text}'", "x: extraneous characters at the end of line"):
        correct_human_line(text, answer, vocabulary)


# Lines for the human monitor

_UNKNOWN = "unknown command: 'x'\r\n"
_EXTRA = 'device_add: extraneous characters at the end of line\r\nTry "help device_add"'


@pytest.mark.parametrize(
    ("typed", "answer", "meant", "hint"),
    [
        ("query-status", _UNKNOWN, ".qmp query-status", "(HMP: info status)"),
        ("query-name", _UNKNOWN, ".qmp query-name", "query-name is a QMP command: .qmp query-name"),
        ("blockdev-add driver=x", _UNKNOWN, ".qmp blockdev-add driver=x", ""),
        ('{"execute": "stop"}', _UNKNOWN, '.qmp {"execute": "stop"}', ""),
        ("(QEMU) query-status", _UNKNOWN, ".qmp query-status", ""),
        ("(qemu) info status", _UNKNOWN, "info status", ""),
        ("object-add iothread,id=i", _UNKNOWN, "object_add iothread,id=i", ""),
        (
            "object-add qom-type=iothread id=i",
            _UNKNOWN,
            ".qmp object-add qom-type=iothread id=i",
            "",
        ),
        ("resume vm1", _UNKNOWN, "cont", "write cont"),
        ("continue", _UNKNOWN, "cont", ""),
        ("wait status=running", _UNKNOWN, ".wait status=running", ""),
        ("exit now", _UNKNOWN, ".exit", ""),
        ("quit()", _UNKNOWN, ".exit", ""),
        (
            "cont; info block",
            _UNKNOWN,
            "cont\ninfo block",
            "one command a line: cont, then info block",
        ),
        ("infoo block", _UNKNOWN, "info block", "did you mean info block?"),
        ("info blok -v", _UNKNOWN, "info block -v", "did you mean info block -v?"),
        ("help query-status", _UNKNOWN, ".help query-status", ""),
        ("help savvm", _UNKNOWN, "help savevm", ""),
        ("quer-status", _UNKNOWN, ".qmp query-status", "did you mean .qmp query-status?"),
        ("trree block", _UNKNOWN, ".tree block", ""),
        ("device_add driver=e1000 id=n1", _EXTRA, "device_add driver=e1000,id=n1", ""),
        ("device_add e1000 id=n1", _EXTRA, "device_add e1000,id=n1", ""),
        ("device_del id=n1", "Error: Device 'id=n1' not found\r\n", "device_del n1", ""),
        ("set_link name=n1 off", "Error: Device 'name=n1' not found", "set_link n1 off", ""),
        (
            "migrate -d exec:gzip -c",
            "migrate: extraneous characters at the end of line",
            'migrate -d "exec:gzip -c"',
            "",
        ),
        (
            "device_add e10000,id=n1",
            "Error: 'e10000' is not a valid device model name",
            "device_add e1000,id=n1",
            "did you mean device_add e1000,id=n1?",
        ),
        ("device_add driver=e10000", "Error: 'e10000' is not", "device_add driver=e1000", ""),
        (
            "object_add iothred,id=i",
            "Error: Parameter 'qom-type' does not accept value 'iothred'",
            "object_add iothread,id=i",
            "",
        ),
    ],
)
def test_a_line_that_the_human_monitor_refused_is_corrected(
    vocabulary: Vocabulary, typed: str, answer: str, meant: str, hint: str
) -> None:
    found = correct_human_line(typed, answer, vocabulary)
    assert found is not None
    assert found.typed(human=True) == meant
    assert hint in found.hint(human=True)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("info status", "VM status: running"),
        ("info block", "unknown: unknown command: x"),
        ("device_add e1000 x", _EXTRA),
        ("nothing-like this", _UNKNOWN),
        ("(qemu)", _UNKNOWN),
        ("virsh qemu-monitor-command web1", _UNKNOWN),
        ("info nothing-like", _UNKNOWN),
        ("savevm a b", _EXTRA),
        ("device_add e1000,id=n1", "Error: 'n1' is not an identifier"),
        ("device_add e1000", "Error: No 'PCI' bus found for device 'e1000'"),
        ("device_add e10000", "Error: something else 'e10000'"),
        ("x", "Error: 'x' is no value"),
        ("object_add iothread,id=1x", "Error: Parameter 'id' expects an identifier"),
        ("device_del rng1", "Error: Device 'rng1' not found"),
        ("device_add e1000x", "Error: 'e1000' is not a valid device model name"),
    ],
)
def test_other_answers_of_the_human_monitor_need_no_hint(
    vocabulary: Vocabulary, typed: str, answer: str
) -> None:
    assert correct_human_line(typed, answer, vocabulary) is None


# On a VM


def hint_of(session: Session, line: str) -> str:
    """The hint on a line, which is refused."""
    with pytest.raises(QMPError) as refused:
        run_line(session, line)
    return refused.value.hint


def test_hints_come_from_the_vms_own_commands_types_and_names(vm: RunningVm) -> None:
    session = attach(vm.address)
    vm.add_nodes("d0")
    for line, hint in (
        ("info block", "the human monitor has it: .hmp info block"),
        ("device_del rng1", "write device_del id=rng1"),
        ("cont; stop", "one command a line: cont, then stop"),
        ("device_add virtio-rng-pci,id=r2", "write device_add driver=virtio-rng-pci id=r2"),
        ("device_add virtio-rng-pc,id=r2", "write device_add driver=virtio-rng-pci id=r2"),
        ("block_resize d0 1G", "write block_resize node-name=d0 size=1G"),
        ("block_resize d0 +1G", ""),
        ("object_del x", "write object-del id=x"),
        ("send-key ctrl-alt-f1", "the human monitor has it: .hmp sendkey ctrl-alt-f1"),
    ):
        assert hint_of(session, line) == hint, line
        assert hint.endswith(session.corrector.line.replace("\n", ", then ")), line
    assert hint_of(session, "q") == "write .exit; quit ends the VM"
    assert session.corrector.line == ".exit"
    run_line(session, "device_add driver=virtio-rng-pci id=r2")
    assert session.corrector.line == ""
    assert hint_of(session, "device_del id=nope") == "id is one of: r2"
    assert hint_of(session, "device_add driver=e1000 id=z y") == ""
    assert hint_of(session, "send-key shift-p-a") == ""  # it may be a password's
    done = "leave it out: qmp-shell does that"
    assert hint_of(session, '{"execute": "qmp_capabilities"}') == done
    session.attachment.close()


def test_a_name_of_another_kind_is_told_with_its_argument(vm: RunningVm) -> None:
    session = attach(vm.address)
    vm.add_nodes("d0")
    assert hint_of(session, "block_resize device=d0 size=1M") == "write node-name=d0"
    line = "blockdev-snapshot-sync device=d0 snapshot-file=/nonexistent/a"
    assert hint_of(session, line) == "write node-name=d0"
    assert hint_of(session, "block_resize device=d00 size=1M") == ""
    assert hint_of(session, "block_resize node-name=d00 size=1M") == "did you mean d0?"
    session.attachment.close()


def test_the_node_of_a_disk_is_told_if_the_disk_is_named(start_vm: StartVm) -> None:
    nodes = [
        f'{{"driver": "null-co", "node-name": "{name}", "size": 1048576}}' for name in ("d0", "d1")
    ]
    disk = "virtio-blk-pci,drive=d1,id=vd0"
    vm = start_vm("-blockdev", nodes[0], "-blockdev", nodes[1], "-device", disk)
    session = attach(vm.address)
    where = ", the node that is inserted in vd0"
    for line, hint in (
        ("blockdev-backup device=vd0 target=d0 sync=full", f"write device=d1{where}"),
        ("block-commit device=vd0", f"write device=d1{where}"),
        ("block_resize node-name=vd0 size=2M", f"write node-name=d1{where}"),
        ("blockdev-snapshot-sync device=vd0 snapshot-file=/none", f"write node-name=d1{where}"),
        ("blockdev-mirror device=d1 target=zz sync=full", "target is one of: d0"),
    ):
        assert hint_of(session, line) == hint, line
    session.attachment.close()


def test_the_node_of_a_disk_is_told_though_qemu_has_named_it(start_vm: StartVm) -> None:
    vm = start_vm(
        *("-blockdev", "null-co,node-name=other", "-blockdev", "null-co,node-name=third"),
        *("-drive", "if=none,id=hd0,driver=null-co", "-device", "virtio-blk-pci,id=vda,drive=hd0"),
    )
    session = attach(vm.address)
    lines = ("block_resize size=1M node-name=vda", "block-dirty-bitmap-add name=b node=vda")
    told = [hint_of(session, line) for line in lines]
    for hint in told:
        assert re.fullmatch(
            "write (?:node|node-name)=#block[0-9]+, the node that is inserted in vda", hint
        )
    run_line(session, f"block-dirty-bitmap-add name=b {told[1].split()[1].removesuffix(',')}")
    session.attachment.close()


def test_what_an_argument_has_is_not_told_for_another(start_vm: StartVm) -> None:
    vm = start_vm(
        *("-blockdev", "null-co,node-name=n0", "-device", "virtio-blk-pci,id=vda,drive=n0"),
        *("-blockdev", "null-co,node-name=n1", "-blockdev", "null-co,node-name=n2"),
    )
    session = attach(vm.address)
    hint = hint_of(session, "blockdev-mirror job-id=j device=n0 target=vda sync=full")
    assert hint == "target is one of: n1, n2"
    session.attachment.close()


def test_a_new_name_is_no_misspelt_one(start_vm: StartVm) -> None:
    vm = start_vm("-netdev", "hubport,id=net0,hubid=0", "-device", "virtio-net-pci,id=nic0")
    session = attach(vm.address)
    for line, name in (
        ("device_add driver=virtio-rng-pci id=nic0", "nic0"),
        ("netdev_add type=hubport id=net0 hubid=0", "net0"),
        ("object-add qom-type=iothread id=io0", "io0"),
    ):
        if name == "io0":
            run_line(session, line)
        assert hint_of(session, line) == f"{name} is there already; take another id"
    session.attachment.close()


def test_the_ports_of_qemus_own_hub_are_no_netdevs(start_vm: StartVm) -> None:
    session = attach(start_vm("-net", "nic", "-net", "user").address)
    line = "device_add driver=virtio-net-pci netdev=foo"
    assert hint_of(session, line) == "there is no free netdev; netdev_add makes one"
    assert hint_of(session, "netdev_del id=x") == ""
    session.attachment.close()


def test_the_actions_of_a_transaction_are_told(vm: RunningVm) -> None:
    session = attach(vm.address)
    for line in ("transaction( query-status )", "transaction( foo )"):
        assert hint_of(session, line).startswith("there are: abort, block-dirty-bitmap-add, ")
    for action in ("block-dirty-bitmap-ad", "block-dirty-bitmap-delete"):
        assert "did you mean" in hint_of(session, f"transaction( {action} node=a name=b )")
    assert "mean" not in hint_of(session, "transaction( block-dirty-bitmap-crate node=a name=b )")
    session.attachment.close()


def test_the_line_that_closes_a_transaction_is_not_corrected(vm: RunningVm) -> None:
    session = attach(vm.address)
    for last in ("abort )", ") # done", "block-dirty-bitmap-clear node=none name=b )"):
        run_line(session, "transaction(")
        run_line(session, "abort")
        assert hint_of(session, last) == ""
        assert session.corrector.line == ""
    session.attachment.close()


def test_what_a_shell_expands_in_a_file_name_is_told(
    vm: RunningVm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    session = attach(vm.address)
    for written in ("~", "$HOME"):
        hint = hint_of(session, f"blockdev-add driver=file filename={written}/a node-name=a")
        assert hint == f"{written} is not expanded; write /home/somebody/a"
    assert hint_of(session, "blockdev-add driver=file filename=/a/~/b node-name=a") == ""
    session.attachment.close()


def test_the_device_of_a_virtio_disk_is_told(start_vm: StartVm) -> None:
    vm = start_vm(
        *("-blockdev", "driver=null-co,node-name=n0"),
        *("-device", "virtio-blk-pci,id=vd0,drive=n0"),
    )
    session = attach(vm.address)
    limits = " ".join(f"{each}=0" for each in ("bps", "bps_rd", "bps_wr", "iops", "iops_rd"))
    line = f"block_set_io_throttle id=vd0 {limits} iops_wr=0"
    path = "/machine/peripheral/vd0/virtio-backend"
    assert hint_of(session, line) == f"write id={path}"
    run_line(session, line.replace("vd0", path))
    assert hint_of(session, "eject id=vd0") == ""  # it has no medium that can be removed
    session.attachment.close()


@pytest.mark.parametrize(
    ("command", "said"), [("device_add", "takes no new devices"), ("device_del", "be unplugged")]
)
def test_what_a_bus_cannot_do_is_told(command: str, said: str) -> None:
    assert said in advice_for("Bus 'pcie.0' does not support hotplugging", command)


def test_names_and_addresses_that_qemu_refuses_are_told(vm: RunningVm) -> None:
    session = attach(vm.address)
    vm.add_nodes("d0", "d1")
    for line in (
        "object-add qom-type=iothread id=5a",
        "blockdev-add driver=null-co node-name=5a",
        "blockdev-mirror job-id=5a device=d0 target=d1 sync=full",
        "block-export-add id=5a type=nbd node-name=d0",
    ):
        assert hint_of(session, line).startswith("it begins with a letter, and has only "), line
    hint = "write six bytes in hexadecimal digits: mac=52:54:00:12:34:56"
    assert hint_of(session, "device_add driver=virtio-net-pci mac=zz") == hint
    session.attachment.close()


def test_only_what_is_free_is_offered_to_a_new_device(start_vm: StartVm) -> None:
    vm = start_vm("-netdev", "hubport,hubid=0,id=used", "-device", "e1000,netdev=used,id=n")
    session = attach(vm.address)
    line = "device_add driver=e1000 netdev=other id=n1"
    assert hint_of(session, line) == "there is no free netdev; netdev_add makes one"
    run_line(session, "netdev_add type=hubport hubid=0 id=free")
    assert hint_of(session, line) == "netdev is one of: free"
    session.attachment.close()


def test_only_free_places_are_offered_to_a_new_device(start_vm: StartVm) -> None:
    ports = (f"pcie-root-port,id=rp{number},chassis={number}" for number in (1, 2))
    devices = (word for port in ports for word in ("-device", port))
    vm = start_vm("-M", "q35", *devices, "-device", "e1000e,bus=rp2")
    session = attach(vm.address)
    line = "device_add driver=e1000e addr=99 bus="
    assert hint_of(session, f"{line}rp1") == "addr is one of: 0x0"
    assert hint_of(session, f"{line}rp2").startswith("there is no free addr; .tree pci ")
    assert hint_of(session, "device_add driver=e1000e bus=rp9") == "bus is one of: rp1"
    run_line(session, "device_add driver=e1000e bus=rp1")
    assert hint_of(session, "device_add driver=e1000e bus=rp9").startswith("there is no free bus; ")
    session.attachment.close()


def test_the_line_that_opens_an_image_works(vm: RunningVm, tmp_path: Path) -> None:
    """For users who write a block node as on QEMU's command line."""
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    session = attach(vm.address)
    for number, words in enumerate((f"filename={image}", f"file={image}")):
        line = hint_of(session, f"blockdev-add driver=raw {words} id=d{number}")
        assert line.startswith("write blockdev-add driver=raw file.driver=file ")
        run_line(session, session.corrector.line)
    session.attachment.close()


def test_an_argument_of_another_driver_is_not_offered(vm: RunningVm) -> None:
    session = attach(vm.address)
    hint = hint_of(session, "blockdev-create driver=qcow2 filename=/tmp/new.qcow2 size=1G")
    assert hint.startswith("no argument driver; did you mean options.driver?")
    assert "options.filename" not in hint
    session.attachment.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("query-status | .tabel", "; did you mean .table?"),
        ("query-status | .let-x", ", .csv"),
        ("x a=[{'state': on}]", "'on' is not a value; write true"),
        ("x a=[no]", "'no' is not a value; write false"),
        ("x a=[onn]", "'onn' is not a value; a string needs quotes"),
    ],
)
def test_an_error_says_what_was_meant(schema: Schema, line: str, said: str) -> None:
    with pytest.raises(QMPError) as refused:
        run_line(offline_session(schema), line)
    assert str(refused.value).endswith(said)


def test_scripts_get_hints_in_the_line_of_the_error(vm: RunningVm, run: Run) -> None:
    script = "device_del rng1\ndevice_add virtio-rng-pci,id=r2\nstop; cont\n.wiat x\nls -l\n"
    result = run(vm.address, "-k", stdin=script)
    assert result.stderr.splitlines() == [
        "qmp-shell: <stdin>:1:12: 'rng1' has no value; write key=value "
        "(hint: write device_del id=rng1)",
        "qmp-shell: <stdin>:2: device_add: GenericError: Parameter 'driver' is missing "
        "(hint: write device_add driver=virtio-rng-pci id=r2)",
        "qmp-shell: <stdin>:3:7: 'cont' has no value; write key=value "
        "(hint: one command a line: stop, then cont)",
        "qmp-shell: <stdin>:4:1: no command .wiat; .help lists them (hint: did you mean .wait x?)",
        "qmp-shell: <stdin>:5:4: '-l' has no value; write key=value "
        "(hint: no command ls; .commands lists the VM's commands)",
    ]
    assert result.returncode == 2


def test_a_dry_run_has_hints_on_the_notation_alone(schema: Schema) -> None:
    session = offline_session(schema)
    session.is_dry_run = True
    assert hint_of(session, "device_add e1000,id=n1") == "write device_add driver=e1000 id=n1"
    for line in ("device_del", "device_ad", "device_add drvier=x"):
        with pytest.raises(CheckError) as refused:
            run_line(session, line)
        assert refused.value.hint == "", line


def test_info_is_not_about_a_guest_agent(guest_agent: Path, run: Run) -> None:
    result = run("-N", "-w", "20", str(guest_agent), "-c", ".info")
    assert result.stderr.startswith("qmp-shell: .info is about a VM; a guest agent has guest-info")
    assert (result.stdout, result.returncode) == ("", 2)


def test_a_guest_agents_commands_are_known(schema: Schema, guest_agent: Path, run: Run) -> None:
    assert offline_types(schema).commands()
    result = run(
        "-N", "-w", "20", str(guest_agent), "-k", stdin="guest-ping; guest-info\nguest-pin\n"
    )
    assert "(hint: one command a line: guest-ping, then guest-info)" in result.stderr
    assert "(hint: did you mean guest-ping" in result.stderr


def test_a_switch_of_a_guest_agent_is_told(guest_agent: Path, run: Run) -> None:
    """No types are known of it, so on is a text."""
    line = "guest-exec path=/bin/true capture-output=on"
    result = run("-N", "-w", "20", str(guest_agent), "-c", line)
    assert result.stderr.endswith("(hint: write capture-output=true)\n")


@pytest.mark.parametrize(
    "line",
    [
        "object_add secret,id=s,data=hunter2",
        "object-add secret,id=s,data=hunter2",
        "-object secret,id=s,data=hunter2",
        "set_password vnc hunter2",
        "change vnc password hunter2",
        "blockdev-add driver=http,password-secret=hunter2,url=x",
        "device_add usb-x,passwd=hunter2",
        "info password hunter2",
        "sev-inject-launch-secret hunter2",
        "wait password hunter2",
        "stop; set_password hunter2",
    ],
)
def test_a_line_with_a_secret_is_neither_quoted_nor_offered(vm: RunningVm, line: str) -> None:
    session = attach(vm.address)
    assert "hunter2" not in hint_of(session, line)
    assert session.corrector.line == ""
    session.attachment.close()


def test_a_vm_that_does_not_answer_does_not_hold_up_an_error(peer: StartPeer, run: Run) -> None:
    address = peer(*UNTIL_PROMPT, HOLD).address
    result = run(address, "-c", "device_del rng1")
    assert result.stderr == "qmp-shell: column 12: 'rng1' has no value; write key=value\n"
    assert result.returncode == 2


# At the prompt


def test_up_brings_the_corrected_line_and_then_what_was_typed(shell: Terminal) -> None:
    shell.enter("device_del rng1")
    shell.wait_for("^hint: write device_del id=rng1$")
    shell.wait_for(r"^\(QEMU\) device_del id=rng1$")  # in grey
    shell.wait_for_prompt()
    assert shell.colours("hint: write") == {"cyan"}
    shell.press("up")
    shell.wait_until(lambda: shell.cursor_column == len("(QEMU) device_del id=rng1"), "the line")
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) device_del rng1$")
    shell.press("down", "enter")
    shell.wait_for("DeviceNotFound")


def test_right_takes_the_corrected_line(shell: Terminal) -> None:
    shell.enter("device_add virtio-rng-pci,id=r2")
    shell.wait_for(r"^\(QEMU\) device_add driver=virtio-rng-pci id=r2$")
    shell.wait_for_prompt()
    shell.press("right", "enter")
    shell.wait_for(r"^\(QEMU\) device_del id=r2$")  # it was plugged: what undoes it is suggested
    shell.wait_for_prompt()
    shell.enter("devce_del")
    shell.wait_for(r"^\(QEMU\) device_del id=$")  # which comes first
    shell.wait_for_prompt()


def test_the_corrected_line_is_no_entry_of_the_history(shell: Terminal) -> None:
    shell.enter("device_del rng1")
    shell.wait_for("^hint: write device_del id=rng1$")
    shell.wait_for_prompt()
    shell.enter(".history")
    shell.wait_for("^device_del rng1$")
    shell.wait_for_prompt()
    assert re.search("^device_del id=rng1$", shell.text, re.MULTILINE) is None
    assert shell.cursor_line == "(QEMU)"
    shell.press("up", "up")
    shell.wait_for(r"^\(QEMU\) device_del rng1$")


def test_up_brings_several_commands_a_line_each(shell: Terminal) -> None:
    shell.enter("cont; stop")
    shell.wait_for("^hint: one command a line: cont, then stop$")
    shell.wait_for_prompt()
    assert shell.cursor_line == "(QEMU)"  # two lines are not suggested in grey
    shell.press("up")
    shell.wait_for("^ {7}stop$")
    shell.press("enter")
    shell.wait_for("STOP$")
    shell.wait_for_prompt()
    assert shell.text.count('"return": {}') == 2


def test_the_line_of_a_script_is_not_offered(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "x.qmp").write_text("device_del rng1\n")
    shell.enter(".source x.qmp")
    shell.wait_for("^hint: write device_del id=rng1$")
    shell.wait_for_prompt()
    assert shell.cursor_line == "(QEMU)"


def test_a_hint_without_colours_is_a_comment(vm: RunningVm, terminal: StartTerminal) -> None:
    shell = terminal(vm.address, NO_COLOR="1")
    shell.wait_for_prompt()
    shell.enter("device_del rng1")
    shell.wait_for("^# hint: write device_del id=rng1$")
    shell.wait_for_prompt()
    assert shell.cursor_line == "(QEMU)"  # grey could not be told from what was typed
    shell.press("up")
    shell.wait_for(r"^\(QEMU\) device_del id=rng1$")
    narrow = terminal(vm.second_address, NO_COLOR="1", columns=40)
    narrow.wait_for_prompt()
    narrow.enter("block-dirty-bitmap-aad")
    narrow.wait_for(r"^# hint: did you mean\n# block-dirty-bitmap-add or\n# block-dirty-bitmap-")


def test_what_is_said_breaks_no_word_on_a_narrow_terminal(
    vm: RunningVm, terminal: StartTerminal
) -> None:
    shell = terminal(vm.address, columns=40)
    shell.wait_for_prompt()
    assert "Tab completes, .help helps, Ctrl-D\nleaves." in shell.text
    shell.enter(".set")
    shell.wait_for(r"^pager +on +show what is\n +taller than the\n +screen in \$PAGER$")
    shell.wait_for_prompt()
    shell.enter("block-dirty-bitmap-aad")
    shell.wait_for(r"^hint: did you mean\nblock-dirty-bitmap-add or\nblock-dirty-bitmap-")
    shell.wait_for_prompt()
    shell.enter(".wait x job")
    shell.wait_for(
        r"^write \.wait EVENT \[path=value \.\.\.\],\njob=ID, migration or status=STATE,$"
    )


def test_the_human_monitor_has_hints_and_runs_qmp_lines(shell: Terminal) -> None:
    shell.enter(".hmp")
    shell.wait_for_prompt("(qemu) ")
    shell.enter("query-status")
    shell.wait_for(
        r"^hint: query-status is a QMP command: \.qmp query-status \(HMP: info status\)$"
    )
    shell.wait_for(r"^\(qemu\) \.qmp query-status$")
    shell.wait_for_prompt("(qemu) ")
    shell.press("right", "enter")
    shell.wait_for('"status": "prelaunch"')
    shell.wait_for_prompt("(qemu) ")
    shell.enter("info blok")
    shell.wait_for(r"^hint: did you mean info block\?$")
    shell.wait_for_prompt("(qemu) ")
    shell.press("up")
    shell.wait_for(r"^\(qemu\) info block$")
    shell.interrupt()
    shell.wait_for_prompt("(qemu) ")
    shell.enter(".qmp")
    shell.wait_for_prompt()
    shell.enter(".hmp query-name")
    shell.wait_for(r"^hint: query-name is a QMP command: query-name \(HMP: info name\)$")
    shell.wait_for(r"^\(QEMU\) query-name$")


def test_scripts_of_the_human_monitor_have_no_hints(vm: RunningVm, run: Run) -> None:
    result = run("-H", vm.address, "-c", "query-status", "-c", ".qmp query-name")
    assert result.stdout.splitlines() == [
        "unknown command: 'query-status'",
        '{"return": {"name": "testvm"}}',
    ]
    assert (result.stderr, result.returncode) == ("", 0)


def test_transactions_are_corrected_line_by_line(shell: Terminal) -> None:
    shell.enter("transaction(")
    shell.wait_for_prompt("TRANS> ")
    shell.enter("block-dirty-bitmap-add d0 b0")
    shell.wait_for("^hint: write block-dirty-bitmap-add node=d0 name=b0$")
    shell.wait_for_prompt("TRANS> ")
    shell.press("up")
    shell.wait_for("^TRANS> block-dirty-bitmap-add node=d0 name=b0$")


# What dot commands say by themselves


def test_info_points_to_the_human_monitors(vm: RunningVm) -> None:
    session = attach(vm.address)
    assert hint_of(session, ".info block") == "write .hmp info block"
    assert session.corrector.line == ".hmp info block"
    hint = "it can only be executed in-band: write it without .oob"
    assert hint_of(session, ".oob query-status") == hint
    session.attachment.close()


def test_a_setting_can_be_written_with_an_equals_sign(schema: Schema) -> None:
    session = offline_session(schema)
    run_line(session, ".set view=table")
    assert session.settings.view == "table"
    with pytest.raises(UsageError, match=r"^no setting 'pagr'; did you mean pager\?$"):
        run_line(session, ".set pagr off")
    with pytest.raises(UsageError, match=r"^no command \.wiat; did you mean \.wait\?$"):
        run_line(session, ".help .wiat")


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (".set view table", "the setting view is table now"),
        (".set timeout 2.50", "the setting timeout is 2.5 now"),
        (".events off", "no events are shown"),
        (".events on", "all events are shown"),
        (".events STOP JOB*", "events like STOP JOB* are shown"),
        (".events !RESET", "all events are shown, except those like RESET"),
        (".events STOP !RESET", "events like STOP are shown, except those like RESET"),
        (".log FOLDER/a.log", "every message is logged to FOLDER/a.log"),
        (".log off", "no messages are logged"),
        (".share FOLDER/shared.sock", "the VM's monitor is shared on FOLDER/shared.sock"),
        (".share off", "the VM's monitor is not shared"),
    ],
)
def test_a_prompt_says_what_was_changed(
    shell: Terminal, folder: Path, line: str, note: str
) -> None:
    shell.enter(line.replace("FOLDER", str(folder)))
    shell.wait_for(f"^note: {re.escape(note.replace('FOLDER', str(folder)))}$")
    shell.wait_for_prompt()


def test_events_that_there_are_not_are_noted_and_muted(shell: Terminal) -> None:
    shell.enter(".events foo")
    shell.wait_for("^note: the VM has no event like 'foo'$")
    shell.wait_for("^note: so no events are shown; .events on shows all$")
    shell.wait_for_prompt()
    shell.enter(".events !RSET STOP")
    shell.wait_for(r"^note: the VM has no event like 'RSET'; did you mean RESET\?$")
    shell.wait_for_prompt()
    assert shell.text.count("so no events") == 1
    shell.enter("cont")
    shell.wait_for_prompt()
    shell.enter("stop")
    shell.wait_for("STOP$")


def test_a_command_error_has_no_hint_that_repeats_it(vm: RunningVm) -> None:
    session = attach(vm.address)
    for line in (
        "quer-status",
        "query-status a=1",
        '{"execute": "set_link", "arguments": {"name": "x"}}',
        '{"execute": "device_del", "arguments": {"id": 5}}',
        "device_add driver=e1001",
        "netdev_add type=usr id=n",
    ):
        with pytest.raises(CommandError) as refused:
            run_line(session, line)
        repeated = r"no command|no argument\b|missing:|must be|not there|no value"
        assert re.search(repeated, refused.value.hint) is None, line
    session.attachment.close()
