"""Which kind of name each argument takes, as tables.

A new kind of name is a constant of :class:`Kind`, rows in the tables below for the arguments that
take it, and its source, most often a row of ``NAME_LISTS`` in ``vm/name_lists.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


class Kind:
    """The kinds of name that an argument can take."""

    COMMAND = "a command of the VM"
    ACTION = "an action of a transaction"
    HUMAN = "a command of the human monitor"
    TOPIC = "a topic of the human monitor's info"
    SWITCH = "on or off"
    FILE = "a file on this host"
    SOCKET = "a socket on this host"
    URI = "a scheme, and for some a file on this host"

    DEVICE = "a device's id"
    DEVICE_PATH = "a device's id or QOM path"
    QOM_PATH = "a QOM path"
    QOM_PROPERTY = "a property of a QOM path"
    QOM_TYPE = "a QOM type"
    DRIVER = "a driver that can be plugged"
    BUS = "a bus"
    PCI_SLOT = "a slot of a PCI bus"
    DEVICE_DRIVE = "a block device or node-name for a new device"
    DEVICE_NETDEV = "a netdev for a new device"
    DEVICE_CHARDEV = "a chardev for a new device"
    CPU_PLACE = "the place of a CPU that can be added"
    OBJECT = "an object's id"
    CRYPTODEV = "the id of a cryptodev object"
    RNG = "the id of a random number generator"
    SECRET = "a secret's id"
    TLS_CREDS = "the id of TLS credentials"
    THROTTLE_GROUP = "a throttle group"
    IOTHREAD = "an iothread"
    MEMORY_BACKEND = "a memory backend"
    NODE = "a node-name"
    BLOCK_DEVICE = "a block device"
    BLOCK_QDEV = "the device that a medium is in"
    DISK = "a block device, as the block tree names it"
    BLOCK = "a block device or node-name"
    REMOVABLE = "a block device whose medium can be removed"
    REMOVABLE_QDEV = "the device of a medium that can be removed"
    CHAIN_NODE = "a node of a device's chain"
    BACKING_NODE = "a node of a device's chain, but the first one"
    CHAIN_FILE = "a file of a device's chain"
    BACKING_FILE = "a file of a device's chain, but the first one"
    BITMAP = "a dirty bitmap"
    SNAPSHOT = "an internal snapshot"
    EXPORT = "a block export"
    JOB = "a job"
    BLOCK_JOB = "a block job"
    CHARDEV = "a chardev"
    NETDEV = "a netdev"
    NET_CLIENT = "a netdev or a NIC"
    NIC = "a NIC"
    CPU_MODEL = "a CPU model"
    CPU = "a CPU's number"
    TRACE_EVENT = "a trace event"
    EVENT = "an event"
    TYPE = "a type that the manual describes"
    EVENT_MEMBER = "a member of an event's data"
    RUN_STATE = "a run state"
    KEY = "a key code"
    CAPABILITY = "a migration capability"
    PARAMETER = "a migration parameter"
    FDSET = "a set of file descriptors"
    COMMAND_LINE_OPTION = "an option of QEMU's command line"
    REFERENCE = "a reference to a value"
    VARIABLE = "a variable"
    NEW = "a new name"


FILE_KINDS = (Kind.FILE, Kind.SOCKET, Kind.URI)

CPU_PLACE = (
    *("node-id", "drawer-id", "book-id", "socket-id", "die-id"),
    *("cluster-id", "module-id", "core-id", "thread-id"),
)
"""What says where a CPU is, from the outside to the inside (``CpuInstanceProperties``)."""

# Arguments that stand first in the menu, by command: what people set.
_FIRST = {"device_add": ("driver", "id", "bus", "addr", "netdev", "drive", "chardev", "mac")}
# Kinds of names that are several arguments at once, by command, and which arguments.
_SEVERAL = {"device_add": (Kind.CPU_PLACE, CPU_PLACE)}

# Command, argument (a dotted path without list indexes), kind; * is any text, the first line
# that fits holds. Other arguments are completed by their type. An empty command is none: what
# is named stands in a message itself.
_ARGUMENTS = (
    # a message and an action of a transaction, as JSON
    ("", "execute", Kind.COMMAND),
    ("", "exec-oob", Kind.COMMAND),
    ("", "type", Kind.ACTION),
    # a new name, which is not completed
    ("blockdev-add", "node-name", Kind.NEW),
    ("*-add", "id", Kind.NEW),
    ("*_add", "id", Kind.NEW),
    ("block-dirty-bitmap-add", "name", Kind.NEW),
    ("snapshot-save", "tag", Kind.NEW),
    ("blockdev-snapshot-internal-sync", "name", Kind.NEW),
    ("blockdev-snapshot-sync", "snapshot-node-name", Kind.NEW),
    ("nbd-server-add", "name", Kind.NEW),
    ("block-export-add", "name", Kind.NEW),
    ("drive-mirror", "node-name", Kind.NEW),
    ("*", "filter-node-name", Kind.NEW),
    # devices and QOM
    ("device_add", "driver", Kind.DRIVER),
    ("device_add", "bus", Kind.BUS),
    ("device_add", "addr", Kind.PCI_SLOT),
    ("device_add", "netdev", Kind.DEVICE_NETDEV),
    ("device_add", "chardev", Kind.DEVICE_CHARDEV),
    *(("device_add", each, Kind.CPU_PLACE) for each in CPU_PLACE),
    ("device_add", "failover_pair_id", Kind.DEVICE),
    ("device_del", "id", Kind.DEVICE_PATH),
    ("device-sync-config", "id", Kind.DEVICE_PATH),
    ("device-list-properties", "typename", Kind.DRIVER),
    ("qom-list-properties", "typename", Kind.QOM_TYPE),
    ("qom-list-types", "implements", Kind.QOM_TYPE),
    ("qom-[gs]et", "property", Kind.QOM_PROPERTY),
    ("qom-*", "path", Kind.QOM_PATH),
    ("qom-list-get", "paths", Kind.QOM_PATH),
    ("cxl-*", "path", Kind.QOM_PATH),
    ("x-query-virtio-*", "path", Kind.QOM_PATH),
    ("object-del", "id", Kind.OBJECT),
    ("input-send-event", "device", Kind.DEVICE),
    ("screendump", "device", Kind.DEVICE),
    ("query-cpu-model-*", "model*.name", Kind.CPU_MODEL),
    ("query-command-line-options", "option", Kind.COMMAND_LINE_OPTION),
    ("trace-event-*", "name", Kind.TRACE_EVENT),
    # objects that others refer to
    ("*", "*iothread", Kind.IOTHREAD),
    ("*", "*-secret", Kind.SECRET),
    ("object-add", "passwordid", Kind.SECRET),
    ("*", "*tls-creds", Kind.TLS_CREDS),
    ("*", "throttle-group", Kind.THROTTLE_GROUP),
    ("*", "memdev", Kind.MEMORY_BACKEND),
    # the network
    ("netdev_del", "id", Kind.NETDEV),
    ("set_link", "name", Kind.NET_CLIENT),
    ("query-rx-filter", "name", Kind.NIC),
    ("announce-self", "interfaces", Kind.NIC),
    ("*", "netdev", Kind.NETDEV),
    # character devices
    ("chardev-add", "backend.data.chardev", Kind.CHARDEV),
    ("chardev-*", "id", Kind.CHARDEV),
    ("ringbuf-*", "device", Kind.CHARDEV),
    ("yank", "instances.id", Kind.CHARDEV),
    ("*", "chardev", Kind.CHARDEV),
    # jobs
    ("block-job-dismiss", "id", Kind.JOB),
    ("block-job-finalize", "id", Kind.JOB),
    ("block-job-change", "id", Kind.JOB),
    ("block-job-*", "device", Kind.BLOCK_JOB),
    ("job-*", "id", Kind.JOB),
    # block exports
    ("block-export-del", "id", Kind.EXPORT),
    ("nbd-server-remove", "name", Kind.EXPORT),
    # bitmaps and snapshots
    ("block-dirty-bitmap-merge", "target", Kind.BITMAP),
    ("*block-dirty-bitmap-*", "name", Kind.BITMAP),
    ("*", "bitmap", Kind.BITMAP),
    ("*", "bitmaps", Kind.BITMAP),
    ("*", "*bitmap*.name", Kind.BITMAP),
    ("snapshot-*", "tag", Kind.SNAPSHOT),
    ("blockdev-snapshot-delete-internal-sync", "name", Kind.SNAPSHOT),
    ("snapshot-*", "devices", Kind.NODE),
    ("snapshot-*", "vmstate", Kind.NODE),
    # block devices and nodes
    ("blockdev-*-tray", "id", Kind.REMOVABLE_QDEV),
    ("blockdev-*-tray", "device", Kind.REMOVABLE),
    ("blockdev-*-medium", "id", Kind.REMOVABLE_QDEV),
    ("blockdev-*-medium", "device", Kind.REMOVABLE),
    ("blockdev-change-medium", "filename", Kind.FILE),
    ("block_set_io_throttle", "id", Kind.BLOCK_QDEV),
    ("block-latency-histogram-set", "id", Kind.BLOCK_QDEV),
    ("eject", "id", Kind.REMOVABLE_QDEV),
    ("eject", "device", Kind.REMOVABLE),
    ("drive-*", "target", Kind.FILE),
    ("*", "*snapshot-file", Kind.FILE),
    ("*", "*node-name", Kind.NODE),
    ("block-commit", "top-node", Kind.CHAIN_NODE),
    ("block-commit", "top", Kind.CHAIN_FILE),
    ("block-*", "base-node", Kind.BACKING_NODE),
    ("block-*", "base", Kind.BACKING_FILE),
    ("block-stream", "bottom", Kind.BACKING_NODE),
    ("blockdev-backup", "target", Kind.BLOCK),
    ("blockdev-mirror", "target", Kind.BLOCK),
    ("blockdev-snapshot", "*", Kind.NODE),
    ("*block-*", "node", Kind.NODE),
    ("*", "bitmaps.node", Kind.NODE),
    ("*", "replaces", Kind.NODE),
    ("x-blockdev-change", "parent", Kind.NODE),
    ("x-blockdev-change", "node", Kind.NODE),
    ("block_resize", "device", Kind.BLOCK_DEVICE),
    ("block_set_io_throttle", "device", Kind.BLOCK_DEVICE),
    ("blockdev-snapshot-sync", "device", Kind.BLOCK_DEVICE),
    ("block*", "device", Kind.BLOCK),
    ("drive-*", "device", Kind.BLOCK),
    ("nbd-server-add", "device", Kind.BLOCK),
    ("change-backing-file", "device", Kind.BLOCK_DEVICE),
    ("device_add", "drive", Kind.DEVICE_DRIVE),
    # files of this host
    ("*", "*filename", Kind.FILE),
    ("*", "*logfile", Kind.FILE),
    ("*", "*backing-file", Kind.FILE),
    ("*", "*path", Kind.FILE),
    ("*", "*.dir", Kind.FILE),
    ("object-add", "dir", Kind.FILE),
    ("*", "*.in", Kind.FILE),
    ("*", "*.out", Kind.FILE),
    ("chardev-*", "backend.data.device", Kind.FILE),
    ("netdev_add", "*script", Kind.FILE),
    ("netdev_add", "tftp", Kind.FILE),
    ("netdev_add", "smb", Kind.FILE),
    ("device_add", "romfile", Kind.FILE),
    ("object-add", "file", Kind.FILE),
    ("dump-guest-memory", "protocol", Kind.URI),
    ("migrate*", "uri", Kind.URI),
    # others
    ("remove-fd", "fdset-id", Kind.FDSET),
)
# The types of values that name something, whatever the command.
_TYPES = (
    ("link<cryptodev-backend>", Kind.CRYPTODEV),
    ("link<iothread>", Kind.IOTHREAD),
    ("link<memory-backend*>", Kind.MEMORY_BACKEND),
    ("link<rng-backend>", Kind.RNG),
    ("link<*>", Kind.OBJECT),
)
# The human monitor's commands, and what their arguments are: a kind, or a QMP command and its
# argument which takes the same. Words that begin with - are flags and not counted.
HUMAN_ARGUMENTS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "?": (Kind.HUMAN,),
    "help": (Kind.HUMAN,),
    "info": (Kind.TOPIC,),
    "info block": (Kind.BLOCK,),
    "info qom-tree": (Kind.QOM_PATH,),
    "info rocker": (Kind.NIC,),
    "info trace-events": (Kind.TRACE_EVENT,),
    "announce_self": (Kind.NIC,),
    "block_job_cancel": (Kind.BLOCK_JOB,),
    "block_job_complete": (Kind.BLOCK_JOB,),
    "block_job_pause": (Kind.BLOCK_JOB,),
    "block_job_resume": (Kind.BLOCK_JOB,),
    "block_job_set_speed": (Kind.BLOCK_JOB,),
    "block_resize": (Kind.BLOCK_DEVICE,),
    "block_set_io_throttle": (Kind.BLOCK_DEVICE,),
    "block_stream": (Kind.BLOCK, Kind.FILE),
    "change": (Kind.REMOVABLE, Kind.FILE),
    "chardev-change": (Kind.CHARDEV,),
    "chardev-remove": (Kind.CHARDEV,),
    "chardev-send-break": (Kind.CHARDEV,),
    "commit": (Kind.BLOCK_DEVICE,),
    "cpu": (Kind.CPU,),
    "device_del": (Kind.DEVICE_PATH,),
    "drive_backup": (Kind.BLOCK_DEVICE, Kind.FILE),
    "drive_del": (Kind.BLOCK,),
    "drive_mirror": (Kind.BLOCK_DEVICE, Kind.FILE),
    "delvm": (Kind.SNAPSHOT,),
    "dump-guest-memory": (Kind.FILE,),
    "dumpdtb": (Kind.FILE,),
    "eject": (Kind.REMOVABLE,),
    "expire_password": (("expire_password", "protocol"),),
    "loadvm": (Kind.SNAPSHOT,),
    "logfile": (Kind.FILE,),
    "memsave": ("", "", Kind.FILE),
    "migrate_set_capability": (Kind.CAPABILITY, Kind.SWITCH),
    "migrate_set_parameter": (Kind.PARAMETER,),
    "nbd_server_add": (Kind.BLOCK,),
    "nbd_server_remove": (Kind.EXPORT,),
    "netdev_del": (Kind.NETDEV,),
    "object_del": (Kind.OBJECT,),
    "pcie_aer_inject_error": (Kind.DEVICE,),
    "pmemsave": ("", "", Kind.FILE),
    "qemu-io": (Kind.BLOCK,),
    "qom-get": (Kind.QOM_PATH, Kind.QOM_PROPERTY),
    "qom-list": (Kind.QOM_PATH,),
    "qom-set": (Kind.QOM_PATH, Kind.QOM_PROPERTY),
    "ringbuf_read": (Kind.CHARDEV,),
    "ringbuf_write": (Kind.CHARDEV,),
    "savevm": (Kind.SNAPSHOT,),
    "screendump": (Kind.FILE, Kind.DEVICE),
    "set_link": (Kind.NET_CLIENT, Kind.SWITCH),
    "set_password": (("set_password", "protocol"),),
    "snapshot_blkdev": (Kind.BLOCK_DEVICE, Kind.FILE),
    "snapshot_blkdev_internal": (Kind.BLOCK_DEVICE,),
    "snapshot_delete_blkdev_internal": (Kind.BLOCK_DEVICE, Kind.SNAPSHOT),
    "trace-event": (Kind.TRACE_EVENT, Kind.SWITCH),
    "watchdog_action": (("watchdog-set-action", "action"),),
    "wavcapture": (Kind.FILE,),
}
# Those whose argument is "FIRST,key=value,...": the QMP command that takes the same, and the
# argument that comes first.
HUMAN_OPTIONS = {
    "chardev-add": ("chardev-add", "backend.type"),
    "device_add": ("device_add", "driver"),
    "netdev_add": ("netdev_add", "type"),
    "object_add": ("object-add", "qom-type"),
}


# What chardev-add takes in the human monitor, by backend: the options of -chardev.
CHARDEV_OPTIONS = {
    "socket": (
        *("path", "host", "port", "server", "wait", "telnet", "websocket", "tls-creds"),
        *("tls-authz", "nodelay", "to", "ipv4", "ipv6", "abstract", "tight"),
    ),
    "udp": ("host", "port", "localaddr", "localport", "ipv4", "ipv6"),
    "file": ("path", "append"),
    "pipe": ("path",),
    "serial": ("path",),
    "parallel": ("path",),
    "vc": ("width", "height", "cols", "rows"),
    "ringbuf": ("size",),
    "memory": ("size",),
    "stdio": ("signal",),
    "mux": ("chardev",),
    "spicevmc": ("name",),
    "spiceport": ("name",),
    "dbus": ("name",),
    "qemu-vdagent": ("mouse", "clipboard"),
}
COMMON_CHARDEV_OPTIONS = ("mux", "logfile", "logappend")
# Those of them that are on or off.
CHARDEV_SWITCHES = frozenset(
    (
        *("server", "wait", "telnet", "websocket", "nodelay", "ipv4", "ipv6", "abstract"),
        *("tight", "append", "signal", "mouse", "clipboard", "mux", "logappend"),
    )
)


def kind_of(command: str, path: str, type_name: str) -> str | None:
    """The kind of name that an argument takes.

    :param path: the argument, dotted, without list indexes.
    :param type_name: the name of its type.
    :return: None: it is completed by its type alone.
    """
    for of_command, of_path, kind in _ARGUMENTS:
        if fnmatchcase(path, of_path) and fnmatchcase(command, of_command):
            return kind
    return next((kind for name, kind in _TYPES if fnmatchcase(type_name, name)), None)


def kind_of_several(command: str, members: Iterable[str]) -> str | None:
    """The kind of name that is several arguments at once; None: there is none.

    :param members: the arguments that the command takes.
    """
    kind, names = _SEVERAL.get(command, (None, ()))
    return None if set(names).isdisjoint(members) else kind


def place_in_menu(command: str, argument: str) -> int:
    """Where an argument stands in a menu: a lower number is further up; the rest are equal."""
    first = _FIRST.get(command, ())
    return first.index(argument) if argument in first else len(first)
