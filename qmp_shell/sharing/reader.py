"""Received bytes to requests, as QEMU reads them: what is wrong with one costs only that one.

No I/O. Knows nothing of what a request means; ``conversation.py`` does.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from ..errors import ProtocolError
from ..framing import Framer, NoObjectError, Notation, decode_object, parse_object
from ..language import ParseError
from ..language.literal import parse_literal
from ..messages import Message

# QEMU reads a monitor byte by byte, some 300 KB a second, and meanwhile takes nothing from others.
# And QEMU 7.2 aborts on one of more than two million JSON tokens.
LONGEST_REQUEST = 1 << 20
"""Bytes that a request may have."""

SENT_BY_CLIENT = Notation(space=rb" \t\r\n", openings=b"{[", quotes=b"\"'")
"""QEMU takes strings in single quotes, too. A list is no request, but it ends where it ends."""

# Never within JSON: with these a client has QEMU's parser begin anew (qmp-spec, "Forcing the JSON
# parser into known-good state").
_BREAK = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\xff]")
# What ends other text than requests.
_TEXT_END = re.compile(rb"[{\[\n]")
_NO_REQUEST = "a request is a JSON object"
# Single quotes are for what is written by hand; reading them takes much longer.
_LONGEST_HANDWRITTEN = 1 << 12


class Incoming(NamedTuple):
    """A request, or something that stands in its place.

    :ivar message: the request, which may be any JSON object.
    :ivar fault: why it is no request; empty: it is one.
    :ivar size: its length in bytes.
    """

    message: Message
    fault: str = ""
    size: int = 0


class RequestReader:
    """Reads the requests of one client, however they are cut into chunks."""

    def __init__(self) -> None:
        self._framer = Framer(LONGEST_REQUEST, SENT_BY_CLIENT)
        # What was not framed yet; there was a break before each but the first.
        self._pieces: deque[bytes] = deque((b"",))

    def feed(self, data: bytes) -> None:
        """Append received bytes."""
        first, *others = _BREAK.split(data)
        self._pieces[-1] += first
        self._pieces.extend(others)

    def next_request(self) -> Incoming | None:
        """The next request, or what stands in its place; None if more must be fed first.

        :raise ProtocolError: a request has no end, as far as can be told. Nothing can be read
            any more.
        """
        while True:
            if self._pieces[0]:
                self._framer.feed(self._pieces[0])
                self._pieces[0] = b""
            try:
                text = self._framer.next_object()
            except NoObjectError:
                self._framer.skip_to(_TEXT_END)
                return _fault(f"{_NO_REQUEST}, and other text was sent")
            if text is not None:
                return _parse(text)
            if len(self._pieces) == 1:
                return None
            self._pieces.popleft()
            self._framer.clear()
            return _fault("a control character was sent; what stood before it was dropped")


def _parse(text: bytes) -> Incoming:
    try:
        message = parse_object(decode_object(text))
    except ProtocolError as error:
        if b"'" not in text or len(text) > _LONGEST_HANDWRITTEN:
            return _fault(str(error))
        try:
            message = parse_literal(text.decode(), 0)
        except (ParseError, UnicodeDecodeError) as why:
            return _fault(f"a broken message was sent: {why}")
    return Incoming(message, size=len(text)) if isinstance(message, dict) else _fault(_NO_REQUEST)


def _fault(reason: str) -> Incoming:
    return Incoming({}, reason)
