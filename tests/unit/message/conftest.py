"""A world that stands still, and a message read as its recipient's program reads it."""

from __future__ import annotations

import email
import email.policy
import re
import time
from email.header import decode_header
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import mailboxes_of, parse_address_list
from sendmail_cli.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from sendmail_cli.submission import Content

NOON = 1_783_425_600.0  # 2026-07-07 12:00:00 UTC


class StillEnvironment(Environment):
    """Always the same moment, random octets and host."""

    offset = 2 * 3600  # seconds east of Greenwich

    def now(self) -> float:
        return NOON

    def local_time(self, moment: float) -> time.struct_time:
        at = time.gmtime(moment + self.offset)
        return time.struct_time(tuple(at), {"tm_gmtoff": self.offset, "tm_zone": "X"})

    def random_bytes(self, count: int) -> bytes:
        return b"\xab" * count

    def hostname(self) -> str:
        return "host.example"


def octets_of(content: Content) -> bytes:
    """All octets, after what every message owes the wire has been checked."""
    octets = b"".join(content.chunks())
    assert len(octets) == content.size
    assert b"".join(content.chunks()) == octets  # each call starts anew
    assert octets.endswith(b"\r\n")
    assert octets.replace(b"\r\n", b"").isascii() or not content.is_7bit
    bare = octets.replace(b"\r\n", b"")
    assert b"\r" not in bare
    assert b"\n" not in bare
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    return octets


def names_in(field: bytes) -> list[str]:
    """The display names of an address field, read by RFC 2047 §6.2: white space between encoded-words is none.

    Python's own reader up to 3.12 keeps that white space in names (not in subjects).
    """
    line = field.decode("ascii").replace("\r\n", "").partition(":")[2]
    quoted = _ENCODED_RUN.sub(lambda run: '"' + re.sub(r'(["\\])', r"\\\1", _decode(run[0])) + '"', line)
    return [mailbox.name for mailbox in mailboxes_of(parse_address_list(quoted))]


_ENCODED_RUN = re.compile(r"=\?utf-8\?[bq]\?[^?]*\?=(?: +=\?utf-8\?[bq]\?[^?]*\?=)*")


def _decode(run: str) -> str:
    return "".join(
        octets.decode("utf-8") if isinstance(octets, bytes) else octets
        for word in run.split()
        for octets, _ in decode_header(word)
    )


@pytest.fixture
def environment() -> StillEnvironment:
    return StillEnvironment()


@pytest.fixture
def names() -> Callable[[bytes], list[str]]:
    return names_in


@pytest.fixture
def octets() -> Callable[[Content], bytes]:
    return octets_of


@pytest.fixture
def parsed() -> Callable[[Content], EmailMessage]:
    def parse(content: Content) -> EmailMessage:
        message: EmailMessage = email.message_from_bytes(octets_of(content), policy=email.policy.default)
        assert not any(part.defects for part in message.walk())
        return message

    return parse
