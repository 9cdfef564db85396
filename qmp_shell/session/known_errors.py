"""What helps against errors that QEMU words in a way that does not say it.

The patterns are of QEMU 7.2 to 11.1; of others the error is shown without a hint.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple


class _KnownError(NamedTuple):
    """
    :ivar pattern: finds the error in QEMU's description.
    :ivar advice: what helps; names in braces are groups of the pattern, and home: the user's.
    :ivar command: the only command whose errors it is for; empty: it is for any.
    """

    pattern: re.Pattern[str]
    advice: str
    command: str


def _known(pattern: str, advice: str, command: str = "") -> _KnownError:
    return _KnownError(re.compile(pattern), advice, command)


_USER = ".{1,300}?"

# The texts are a VM's: each pattern begins with fixed words, and no gap in it is without limit, so
# that each takes linear time.
_KNOWN = (
    _known(
        r"Permission conflict on node '(?P<node>[^']*)': permissions '(?P<wanted>[^']*)' are both "
        rf"required by (?P<user>{_USER}) \(uses node '[^']*' as '(?P<role>[^']*)' child\) and "
        rf"unshared by (?P<owner>{_USER}) \(uses node '[^']*' as '(?P<other_role>[^']*)' child\)",
        "{user} wants '{wanted}' on {node} as its {role}, which {owner} does not share (it uses "
        "{node} as its {other_role}); .tree block {node} shows both",
    ),
    _known(
        rf"Conflicts with use by (?P<owner>{_USER}) as '(?P<role>[^']*)', which (?P<what>does not "
        r"allow|uses) '(?P<wanted>[^']*)' on (?P<node>\S+)",
        "{owner} uses {node} as its {role}, and {what} '{wanted}' on it; .tree block {node} shows "
        "who uses it",
    ),
    _known("does not support OOB", "it can only be executed in-band: write it without .oob"),
    _known("NBD server not running", "nbd-server-start starts it"),
    _known("NBD server already running", "nbd-server-stop ends it"),
    _known("Migration is not finalized yet", ".wait migration waits until it is"),
    _known(
        'Failed to get "(write|consistent read)" lock',
        "another process uses the image, or another node of this VM (.tree block); end that, or "
        "open the image with read-only=on",
    ),
    _known(
        'Failed to get shared "(write|consistent read)" lock',
        "another process writes to the image, or another node of this VM (.tree block); end that, "
        "or, if what is read may be half written, open it with force-share=on",
    ),
    _known(
        r"(?:open|create)[^']{0,40}'(?P<variable>~|\$HOME|\$\{HOME\})(?P<rest>/[^']*)'",
        "{variable} is not expanded; write {home}{rest}",
    ),
    _known(
        r"Bus '(?P<bus>[^']*)' does not support hotplugging",
        "what is on {bus} cannot be unplugged while the VM runs",
        command="device_del",
    ),
    _known(
        r"Bus '(?P<bus>(?:ide|isa|i2c|sd)[-.][^']*)' does not support hotplugging",
        "{bus} takes no new devices while the VM runs",
    ),
    _known(
        r"Bus '(?P<bus>[^']*)' does not support hotplugging",
        "{bus} takes no new devices while the VM runs; .tree pci shows which ports are free",
    ),
    _known(
        "Need a root block node|is not a root node",
        "another node is above it; .tree block shows the node on top",
    ),
    _known(
        r"Block (device|job) '?(?P<job>[^' ]*)'? (is in use|not found|not active)|^Job not found",
        "query-jobs lists the jobs; .tree block shows what uses which node",
    ),
    _known(
        r"Node '?(?P<node>[^' ]+)'? is (busy|in use)",
        ".tree block {node} shows what uses it",
    ),
    _known(
        r"Job '(?P<job>[^']*)' in state '(?P<state>[^']*)' cannot accept command verb",
        "job {job} is {state}; .wait job={job} waits for its end",
    ),
    _known(
        r"Job ID '(?P<job>[^']*)' already in use",
        "take another, or, if that job is concluded, job-dismiss id={job}",
    ),
    _known(
        "expects a valid migration protocol",
        'write tcp:HOST:PORT, unix:PATH, or to a file "exec:cat > FILE" (file:FILE from QEMU 8.2)',
    ),
    _known(
        "Source and target image have different sizes",
        "block_resize makes them equal; .tree block shows the sizes",
    ),
    _known("Invalid job ID ''", "write job-id=NAME, a name of your choice"),
    _known("New overlay node-name missing", "write snapshot-node-name=NAME, a name of your choice"),
    _known(
        "Invalid (?:node-name: |job ID )'[^']|Invalid block export id|expects an identifier",
        "it begins with a letter, and has only letters, digits, '-', '.' and '_'",
    ),
    _known(
        r"\.mac' doesn't take value",
        "write six bytes in hexadecimal digits: mac=52:54:00:12:34:56",
    ),
    _known(
        r"Duplicate (?:device )?ID '(?P<name>[^']*)'|"
        r"attempt to add duplicate property '(?P<object>[^']*)' to object \(type 'container'\)",
        "{name}{object} is there already; take another id",
    ),
    _known(
        "Throttle group '(?P<group>[^']*)' does not exist",
        "object-add qom-type=throttle-group id={group} makes it",
    ),
    _known(
        "slot \\d+ function \\d+ already occupied",
        "write another addr; on a PCIe port, which takes one device, another bus; .tree pci shows "
        "what is free",
    ),
    _known("'node-name' must be specified", "write node-name=NAME, a name of your choice"),
    _known("'protocol' must start with 'file:'", "write protocol=file:PATH"),
    _known("is not owned by the monitor", "it goes with the node that it was made for, above it"),
    _known("Snapshot with id '", ".tree block shows the names of snapshots"),
    _known(
        "No '(?P<bus>[^']*)' bus found",
        "a device that has such a bus must be there first; .tree devices shows the buses",
    ),
    _known("Capabilities negotiation is already complete", "leave it out: qmp-shell does that"),
    _known("permitted only after machine initialization", "x-exit-preconfig completes it"),
    _known("Guest agent is not responding|No guest agent", "start qemu-ga in the guest"),
)


def advice_for(description: str, command: str = "") -> str:
    """What helps against an error; empty if that is not known.

    :param command: what got it.
    """
    for pattern, advice, only_for in _KNOWN:
        match = pattern.search(description) if only_for in ("", command) else None
        if match is not None:
            groups = {name: value or "" for name, value in match.groupdict().items()}
            groups["home"] = os.path.expanduser("~")
            return advice.format_map(groups)
    return ""
