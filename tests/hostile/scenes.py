"""The table of scenes. A new one is one line."""

from __future__ import annotations

import json

from .server import GREETING, OK, Scene

# Text that must not reach a terminal as it is: it would set the window's title.
ESCAPE = "\x1b]0;pwned\x07\x9b2J\x1b[2J\u202e\r\n(QEMU) "
EVENT = b'{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\r\n'


def reply(value: object) -> bytes:
    """A reply that returns a value."""
    return b'{"return": %s, "id": <id>}\r\n' % json.dumps(value).encode()


def event(**members: object) -> bytes:
    return json.dumps({"event": "E", **members}).encode()


def event_named(number: int) -> bytes:
    return event(event=f"E{number}")


def nested(depth: int) -> bytes:
    return b'{"return": ' + b"[" * depth + b"]" * depth + b', "id": <id>}'


HOSTILE_EVENT = event(event=ESCAPE, data={ESCAPE: 1})
NAMED_EVENTS = b"".join(map(event_named, range(5000)))
NOT_QMP = "the peer does not speak QMP: it sent"
BROKEN = "a broken message was sent"

SCENES = (
    # The greeting
    Scene("nothing, and then the end", 3, "closed", greeting=b"", accepted=b"", ends=True),
    Scene("half a greeting", 3, "middle", greeting=GREETING[:40], accepted=b"", ends=True),
    Scene("an HTTP server", 3, NOT_QMP, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    Scene("an SSH server", 3, NOT_QMP, greeting=b"SSH-2.0-OpenSSH_9.2\r\n"),
    Scene("a VNC server", 3, NOT_QMP, greeting=b"RFB 003.008\n"),
    Scene("a TLS alert", 3, NOT_QMP, greeting=b"\x15\x03\x01\x00\x02\x02\x28"),
    Scene("a human monitor", 3, "human monitor", greeting=b"QEMU 7.2.0 monitor - type 'help'\r\n"),
    Scene("escapes for a terminal", 3, NOT_QMP, greeting=ESCAPE.encode() + b"\n"),
    Scene("NULs", 3, NOT_QMP, greeting=bytes(1000)),
    Scene("a list", 3, NOT_QMP, greeting=b"[]\r\n"),
    Scene("an empty object", 3, "no greeting was sent", greeting=b"{}"),
    Scene("an event", 3, "no greeting was sent", greeting=EVENT + GREETING),
    Scene("a reply", 3, "is this a guest agent", greeting=b'{"return": {}}'),
    Scene("a greeting that is a string", 3, "no greeting", greeting=b'{"QMP": "hello"}'),
    Scene("no version", 0, greeting=b'{"QMP": {}}'),
    Scene("a version in odd types", 0, greeting=b'{"QMP": {"version": [{"qemu": 1}]}}'),
    Scene("a long version", 0, greeting=GREETING.replace(b'""', b'"%s"' % (b"x" * 1_000_000))),
    Scene("odd capabilities", 0, greeting=b'{"QMP": {"capabilities": [[], {"oob": 1}, 1e9]}}'),
    Scene("a greeting twice", 3, "is not QMP", greeting=GREETING * 2),
    Scene("a greeting, piece by piece", 0, pieces=1),
    Scene("a greeting after blank lines", 0, greeting=b"\r\n \t\r\n" + GREETING),
    # The capabilities
    Scene("refused capabilities", 3, "no thanks", accepted=b'{"error": {"desc": "no thanks"}}'),
    Scene("an error that is a number", 3, "GenericError: 5", accepted=b'{"error": 5}'),
    Scene("capabilities are answered with garbage", 3, NOT_QMP, accepted=b"garbage\n"),
    Scene("events before the capabilities", 0, accepted=EVENT * 1000 + OK),
    # Replies
    Scene("half a reply", 4, "middle of a message", reply=b'{"return": "', ends=True),
    Scene("the end instead of a reply", 4, "closed the connection", reply=b"", ends=True),
    Scene("a reset instead of a reply", 4, "connection", reply=b"", ends=True, resets=True),
    Scene("a reply and the end", 0, ends=True),
    Scene("a thousand messages at once", 0, reply=EVENT * 500 + OK + EVENT * 500),
    Scene("small pieces", 0, reply=reply("x" * 1_000_000), pieces=1000, is_large=True),
    Scene("64 MiB", 0, reply=reply("x" * (64 << 20)), is_large=True),
    Scene("many objects", 0, reply=reply([{"a": [1, {"b": None}]}] * 100_000), is_large=True),
    Scene("a hundred thousand levels", 4, "nested more than 500 deep", reply=nested(100_000)),
    Scene("as many levels as are allowed", 0, reply=nested(499)),
    Scene("invalid UTF-8", 4, BROKEN, reply=b'{"return": "\xff\xfe", "id": <id>}'),
    Scene("half a surrogate pair", 0, reply=b'{"return": "\\ud800", "id": <id>}'),
    Scene("a NUL", 0, reply=b'{"return": "\\u0000", "\\u0000": 1, "id": <id>}'),
    Scene("a raw NUL", 4, BROKEN, reply=b'{"return": "\x00", "id": <id>}'),
    Scene("escapes in a reply", 0, reply=reply({ESCAPE: [ESCAPE]})),
    Scene("a number of 5,000 digits", 4, "number is too large", reply=b'{"a": %s}' % (b"9" * 5000)),
    Scene("a number of 4,000 digits", 0, reply=b'{"return": %s, "id": <id>}' % (b"9" * 4000)),
    Scene("an infinite number", 4, "number is too large", reply=b'{"return": 1e999}'),
    Scene("no number", 4, "number is too large", reply=b'{"return": NaN}'),
    Scene("a key twice", 0, reply=b'{"return": 1, "return": 2, "id": <id>}'),
    Scene("return and error", 1, "GenericError", reply=b'{"return": 1, "error": {}, "id": <id>}'),
    Scene("an error without members", 1, "GenericError", reply=b'{"error": {}, "id": <id>}'),
    Scene("an error that is null", 1, "stop", reply=b'{"error": null, "id": <id>}'),
    Scene(
        "an error in odd types",
        1,
        "stop: [1]: {'a': 1}",
        reply=b'{"error": {"class": [1], "desc": {"a": 1}}, "id": <id>}',
    ),
    Scene(
        "escapes in an error",
        1,
        "pwned",
        reply=b'{"error": %s, "id": <id>}' % json.dumps({"class": ESCAPE, "desc": ESCAPE}).encode(),
    ),
    Scene("a list as message", 4, NOT_QMP, reply=b"[1]"),
    Scene("a string as message", 4, NOT_QMP, reply=b'"return"'),
    Scene("an object that is no message", 4, "is not QMP", reply=b'{"x": 1}'),
    Scene("an unknown id", 0, "answers no command", reply=b'{"return": 1, "id": "x"}' + OK),
    Scene("an id that is an object", 0, "no command", reply=b'{"return": 1, "id": {"a": []}}' + OK),
    Scene("a reply without id", 0, reply=b'{"return": 1}'),
    Scene("a reply twice", 0, "answers no command", reply=OK + OK, ends=True),
    Scene("many stray replies", 0, "no command", reply=b'{"return": 1, "id": 99}' * 200 + OK),
    Scene("garbage behind a reply", 0, reply=OK + b"garbage"),
    # Events
    Scene("an event in odd types", 0, reply=event(data=[], timestamp=5) + OK, options=("-e",)),
    Scene(
        "a late event",
        0,
        reply=event(timestamp={"seconds": 10**400, "microseconds": 10**400}) + OK,
        options=("-e",),
    ),
    Scene("an event without name", 0, reply=b'{"event": null}' + OK, options=("-e",)),
    Scene("an event named by an object", 0, reply=b'{"event": {"a": [1]}}' + OK, options=("-e",)),
    Scene(
        "escapes in an event", 0, reply=event(event=ESCAPE, data={ESCAPE: 1}) + OK, options=("-e",)
    ),
    Scene("ten thousand events", 0, reply=EVENT * 10_000 + OK, options=("-e",)),
    Scene("events of many names", 0, reply=NAMED_EVENTS + OK, options=("-e",)),
    # Silence
    Scene("no greeting", 3, "no greeting came", greeting=b""),
    Scene("no answer to the capabilities", 3, "did not answer qmp_capabilities", accepted=b""),
    Scene("no answer", 5, "no reply within 0.3 s", reply=b"", options=("-t", "0.3")),
    Scene("half an answer", 5, "no reply within", reply=OK[:9], options=("-t", "0.3")),
    Scene("a server that does not read", 3, "did not answer", reads=False),
)
