"""What the shell is compared with: the least that has to be done, in plain Python.

``python -m tests.bench.peers NAME ARGUMENT ...`` does one of it.
"""

from __future__ import annotations

import json
import socket
import sys
import time

from tests.bench.server import reply_of

COMMAND = b'{"execute": "query-status"}\n'


def connect(path: str) -> socket.socket:
    """Connect to a monitor, and negotiate."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    connection.recv(1 << 16)
    connection.sendall(b'{"execute": "qmp_capabilities"}\n')
    connection.recv(1 << 16)
    return connection


def lockstep(path: str, count: str) -> None:
    """Send commands, each when the one before is answered."""
    with connect(path) as connection:
        for _ in range(int(count)):
            connection.sendall(COMMAND)
            data = connection.recv(1 << 16)
            sys.stdout.buffer.write(data)


def pipelined(path: str, count: str, window: int = 64) -> None:
    """Send commands without waiting, but no more than some ahead of the replies."""
    left, under_way = int(count), 0
    with connect(path) as connection:
        while left or under_way:
            ahead = min(left, window - under_way)
            if ahead:
                connection.sendall(COMMAND * ahead)
                left, under_way = left - ahead, under_way + ahead
            data = connection.recv(1 << 16)
            under_way -= data.count(b"\n")
            sys.stdout.buffer.write(data)


def reload(path: str) -> None:
    """Read a file as JSON, and write it again."""
    with open(path, encoding="ascii") as file:
        sys.stdout.write(json.dumps(json.loads(file.read())))


def reload_lines(path: str) -> None:
    """Read each line of a file as JSON, and write it again."""
    with open(path, encoding="ascii") as file:
        for line in file:
            sys.stdout.write(json.dumps(json.loads(line)) + "\n")


def save(path: str, size: str) -> None:
    """Write a reply of about so many bytes to a file."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f'{{"return": {reply_of(int(size))}}}')


def colour(path: str) -> None:
    """Colour JSON with Pygments; prints how many seconds that alone took."""
    from pygments import highlight
    from pygments.formatters import TerminalFormatter
    from pygments.lexers import JsonLexer

    with open(path, encoding="ascii") as file:
        text = file.read()
    lexer, formatter = JsonLexer(), TerminalFormatter()
    start = time.perf_counter()
    highlight(text, lexer, formatter)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
