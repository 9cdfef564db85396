"""A QMP server for replies and events that no VM sends.

``python -m tests.bench.server PATH [--flood]`` answers ``query-N`` with about N bytes in small
objects, and ``events-N`` with N events before the reply. With ``--flood`` it sends events without
end, as fast as they are read. It serves one client after the other.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
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


def flood(client: socket.socket, lock: threading.Lock) -> None:
    """Send events without end, each as a whole.

    :param lock: is held while something is sent.
    """
    with contextlib.suppress(OSError):  # the client has gone
        while True:
            with lock:
                client.sendall((_EVENT + "\r\n").encode() * 100)


def main(path: str, *options: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        replies: dict[str, bytes] = {}
        while True:
            client, _ = listener.accept()
            lock = threading.Lock()
            gone = contextlib.suppress(OSError)
            with gone, client, client.makefile("rwb") as file:
                file.write(_GREETING)
                file.flush()
                if "--flood" in options:
                    threading.Thread(target=flood, args=(client, lock), daemon=True).start()
                serve(file, replies, lock)


def serve(file: BufferedRWPair, replies: dict[str, bytes], lock: threading.Lock) -> None:
    """Serve one client, which has had the greeting.

    :param replies: what was sent for each command before.
    :param lock: is held while something is sent.
    """
    for line in file:
        message = json.loads(line)
        name = message["execute"]
        kind, _, number = name.partition("-")
        if name not in replies:
            is_sized = kind == "query" and number.isdigit()
            replies[name] = reply_of(int(number)).encode() if is_sized else b"{}"
        identity = json.dumps(message.get("id")).encode()
        with lock:
            if kind == "events":
                file.write((_EVENT + "\r\n").encode() * int(number))
            file.write(b'{"return": ' + replies[name] + b', "id": ' + identity + b"}\r\n")
            file.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
