"""A program that stands in for a QEMU that does not do what it should; run as a process.

Arguments: words that say what it does, then what QEMU is given. It notes each thing that happens
to it as a line of the file that $FAKE_VM_LOG names.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import BinaryIO, NoReturn

GREETING = {"QMP": {"version": {"qemu": {"major": 9, "minor": 0, "micro": 0}}, "capabilities": []}}


def note(text: str) -> None:
    """Add a line to the log."""
    with open(os.environ["FAKE_VM_LOG"], "a", encoding="utf-8") as log:
        log.write(text + "\n")


def wait_for_signal() -> NoReturn:
    """Do nothing, until a signal ends this."""
    while True:
        time.sleep(1000)


def connect() -> socket.socket:
    """Connect to the monitor's socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[-1].removeprefix("unix:"))
    note("connected")
    return connection


def answer(connection: socket.socket, lines: BinaryIO, silent: set[str]) -> None:
    """Answer commands with an empty result, but note and ignore some.

    :param silent: those to ignore.
    """
    for line in lines:
        message = json.loads(line)
        if message["execute"] not in silent:
            connection.sendall(json.dumps({"return": {}, "id": message["id"]}).encode() + b"\n")
        note(message["execute"])
        if "last-words" in sys.argv and message["execute"] == "query-name":
            wait_for_log("go")
            print("last words", flush=True)  # noqa: T201
            return
        if message["execute"] == "quit" and "quit" not in silent:
            return


def main() -> None:
    words = set(sys.argv[1 : sys.argv.index("-qmp")])
    try:
        run(words)
    except FileNotFoundError:
        note("too late")
    except OSError:  # the shell has left
        if "stay" in words:
            wait_for_signal()


def run(words: set[str]) -> None:
    """Do what the words say."""
    if "ignore-sigterm" in words:
        signal.signal(signal.SIGTERM, lambda *_: note("SIGTERM"))
    if "daemonize" in words and os.fork():
        wait_for_log("connected")
        return
    if "daemonize" in words:
        os.setsid()
    note("started")
    if "print-much" in words:
        for _ in range(100_000):
            sys.stdout.write("y" * 99 + "\n")
        print("the end")  # noqa: T201
        return
    if "close-output" in words:
        os.close(1)
        os.close(2)
    if "never-connect" in words:
        wait_for_signal()
    connection = connect()
    if "hang-up" in words:
        connection.close()
        wait_for_signal()
    if "connect-twice" in words:
        with contextlib.suppress(OSError):  # the socket may have been removed
            connect().close()
    if "speak-http" in words:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")
        wait_for_signal()
    connection.sendall(json.dumps(GREETING).encode() + b"\n")
    silent = {word.removeprefix("no-") for word in words if word.startswith("no-")}
    answer(connection, connection.makefile("rb"), silent)
    note("disconnected")
    if "stay" in words:
        wait_for_signal()


def wait_for_log(line: str) -> None:
    """Wait until the log has a certain line."""
    while line not in Path(os.environ["FAKE_VM_LOG"]).read_text("utf-8").split("\n"):
        time.sleep(0.01)


if __name__ == "__main__":
    main()
