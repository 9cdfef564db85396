"""Tables of names and options of other programs, and of the QEMU commands that do the same."""

from __future__ import annotations

COMMANDS_OF_OPTIONS = {
    "device": "device_add",
    "netdev": "netdev_add",
    "object": "object-add",
    "blockdev": "blockdev-add",
    "chardev": "chardev-add",
}
"""Options of QEMU's command line, and the command that does the same on a running VM."""

DISK_OPTIONS = {
    **dict.fromkeys(("-hda", "-hdb", "-hdc", "-hdd"), ""),
    "-cdrom": ",media=cdrom,format=raw",
}
"""Options that add a disk, and what follows ``-drive file=FILE`` to do the same."""

_OPTION_NOTE = "{} is an option of QEMU's command line"

NOTES = (
    (r"!!", "Up brings back the last line, and Ctrl-R finds earlier ones"),
    (r"!.*", "! runs no program here; start it in your own shell"),
    (r"clear|cls", "Ctrl-L clears the screen"),
    (r"guest-[\w-]+", "{} is a command of the guest agent: qmp-shell -N SOCKET"),
    (
        r"echo|virsh|qemu-(?:ga|img|nbd|storage-daemon|system-[\w-]+)",
        "{} is a program; start it in your own shell",
    ),
    ("dumpxml", "the VM has no XML; .info and .tree devices show what it has"),
    (r"--?(?:net|nic)", f"{_OPTION_NOTE}; on a running VM, netdev_add and device_add do the same"),
    (
        r"--?(?:accel|append|bios|boot|cpu|display|dtb|enable-kvm|initrd|kernel|M|m|machine|monitor"
        r"|name|nographic|numa|parallel|qmp|rtc|serial|smbios|smp|spice|usb|uuid|vga|vnc)",
        f"{_OPTION_NOTE}, which a running VM cannot take",
    ),
)
"""What a VM cannot do, by a pattern of the first word of the line, and what is told of it."""

EVERYDAY = {
    "continue": "cont",
    "kill": "quit",
    "pause": "stop",
    "poweroff": "system_powerdown",
    "query-disk": "query-block",
    "query-disks": "query-block",
    "query-nodes": "query-named-block-nodes",
    "restart": "system_reset",
    "status": "query-status",
    "unpause": "cont",
}
"""Common words, and the commands that they stand for."""

VIRSH = {
    "attach-device": "device_add",
    "attach-disk": "blockdev-add",
    "attach-interface": "netdev_add",
    "blockcommit": "block-commit",
    "blockcopy": "blockdev-mirror",
    "blockpull": "block-stream",
    "destroy": "quit",
    "detach-device": "device_del",
    "detach-disk": "device_del",
    "detach-interface": "device_del",
    "domblkinfo": "query-block",
    "domblklist": "query-block",
    "domblkstat": "query-blockstats",
    "domdisplay": "query-vnc",
    "domif-setlink": "set_link",
    "domiflist": ".hmp info network",
    "dominfo": ".info",
    "domjobinfo": "query-migrate",
    "domname": "query-name",
    "domstate": "query-status",
    "domuuid": "query-uuid",
    "dump": "dump-guest-memory",
    "list": ".info",
    "reboot": "system_reset",
    "reset": "system_reset",
    "resume": "cont",
    "screenshot": "screendump",
    "setmem": "balloon",
    "shutdown": "system_powerdown",
    "snapshot-create": "snapshot-save",
    "snapshot-create-as": "snapshot-save",
    "snapshot-list": "query-named-block-nodes",
    "snapshot-revert": "snapshot-load",
    "start": "cont",
    "suspend": "stop",
    "vcpuinfo": "query-cpus-fast",
    "version": "query-version",
    "vncdisplay": "query-vnc",
}
"""Commands of virsh, which mostly begin with the name of a VM, and the lines that do the same."""

BESIDES = {
    "attach-disk": "; device_add drive=NODE plugs it",
    "attach-interface": "; device_add netdev=ID plugs it",
    "destroy": "; it ends the VM",
    "kill": "; it ends the VM",
    "list": "; qmp-shell --list in your own shell lists the VMs",
}
"""Words of these two tables, and what the hint says after the command."""

REMOVED = {
    "migrate-set-cache-size": "xbzrle-cache-size",
    "migrate-set-downtime": "downtime-limit",
    "migrate-set-speed": "max-bandwidth",
}
"""Commands of QEMU before 6.0, and the parameter of a migration that each has set."""

SET_PARAMETERS = "migrate-set-parameters"
"""The command that sets these parameters."""

CACHE_MODES = {
    "none": {"direct": "on"},
    "unsafe": {"no-flush": "on"},
    "writeback": {},
}
"""The values of ``cache`` of ``-drive``, and the members of a block node's that do the same.

The two that write through are left out: they are set at the device, too.
"""
