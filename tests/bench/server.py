"""A QMP server for replies and events that no VM sends: ``python -m tests.bench.server PATH``.

It answers ``query-N`` with about N bytes in small objects, and ``events-N`` with N events before
the reply. It serves one client after the other.
"""

from __future__ import annotations

import json
import socket
import sys
from io import BufferedRWPair

_GREETING = b"""{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 9}, "package": ""},
"capabilities": []}}\r\n"""
_EVENT = json.dumps(
    {
        "timestamp": {"seconds": 1700000000, "microseconds": 123456},
        "event": "BLOCK_IO_ERROR",
        "data": {"device": "drive0", "node-name": "node0", "operation": "write", "nospace": False},
    }
)


def reply_of(size: int) -> str:
    """The JSON of a list of about so many bytes."""
    item = {"name": "object-%06d", "type": "virtio-blk-pci", "size": 1 << 30, "flags": [True, None]}
    text = json.dumps(item)
    count = max(1, size // (len(text) + 2))
    return "[" + ", ".join(text % number for number in range(count)) + "]"


def main(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        replies: dict[str, bytes] = {}
        while True:
            client, _ = listener.accept()
            with client, client.makefile("rwb") as file:
                try:
                    serve(file, replies)
                except OSError:  # the client has gone
                    continue


def serve(file: BufferedRWPair, replies: dict[str, bytes]) -> None:
    """Serve one client.

    :param replies: what was sent for each command before.
    """
    file.write(_GREETING)
    file.flush()
    for line in file:
        message = json.loads(line)
        name = message["execute"]
        kind, _, number = name.partition("-")
        if kind == "events":
            file.write((_EVENT + "\r\n").encode() * int(number))
        if name not in replies:
            is_sized = kind == "query" and number.isdigit()
            replies[name] = reply_of(int(number)).encode() if is_sized else b"{}"
        identity = json.dumps(message.get("id")).encode()
        file.write(b'{"return": ' + replies[name] + b', "id": ' + identity + b"}\r\n")
        file.flush()


if __name__ == "__main__":
    main(sys.argv[1])
