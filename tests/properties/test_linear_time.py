"""What becomes a part of a message costs linear time: twice the text is twice the steps, and 200 kB come to an end."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from sendmail_cli.addressees import parse_addressees
from sendmail_cli.addresses import AddrSpec, Group, Mailbox, parse_address_list
from sendmail_cli.environment import Environment
from sendmail_cli.errors import MailError
from sendmail_cli.message.attachments import check_name, parse_media_type
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft, parse_header
from sendmail_cli.message.flowed import flow
from sendmail_cli.message.marks import parse_unsubscribe
from sendmail_cli.message.signature import sign_html

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ADA = Mailbox("", AddrSpec("ada", "example.org"))
DRAFT = Draft(ADA, to=(ADA,))
ENVIRONMENT = Environment()
SIZE = 200_000  # characters
COUNTED = 1_500  # characters of the shorter text whose steps are counted
UNITS = [
    "a", "a ", " ", "ü", "ü ", "a ü ", "\t", "=?", "=?utf-8?q?x?= ", "?=", '"', "\\", "(", ")", "<", ">", "@", ",", ";",
    ":", "a@b.example, ", "g: a@b.example; ", "<a@b> ", "[", ".", "-- ", "</body", "'", "%41", "//", "🎉", "e\u0301",
    "\u2028",
]  # fmt: skip
LARGE_UNITS = ["a", "a ", " ", "a ü ", "=?utf-8?q?x?= ", '"', "(", "<", "a@b.example, ", "g: a@b.example; ", "</body"]


def composed(**said: Any) -> None:
    b"".join(compose(DRAFT._replace(**said), ENVIRONMENT).chunks())


def in_header(name: str) -> Callable[[str], object]:
    return lambda text: composed(headers=((name, text),))


CONSUMERS: dict[str, Callable[[str], object]] = {
    "subject": lambda text: composed(subject=text),
    "name of the author": lambda text: composed(from_=Mailbox(text, ADA.address)),
    "name of a group": lambda text: composed(to=(Group(text, (ADA,)),)),
    "message that is answered": lambda text: composed(in_reply_to=text),
    "unstructured field": in_header("X-Any"),
    "address field": in_header("Reply-To"),
    "structured field": in_header("References"),
    "text": lambda text: composed(text=text),
    "addresses": parse_address_list,
    "recipients": parse_addressees,
    "header field": parse_header,
    "file name": check_name,
    "media type": lambda text: parse_media_type(f"text/plain; a={text}"),
    "quoted parameter": lambda text: parse_media_type(f'text/plain; a="{text}'),
    "page to unsubscribe at": lambda text: parse_unsubscribe(f"https://{text}"),
    "flowed text": flow,
    "flowed quotation": lambda text: flow(f"> {text}"),
    "signed HTML": lambda text: sign_html(text, "Ada"),
}


def steps(consume: Callable[[str], object], text: str) -> int:
    """Lines of Python that are run, in whatever function."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(MailError):
            consume(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_duty57_twice_the_text_is_twice_the_steps(consumer: str, unit: str) -> None:
    once = steps(CONSUMERS[consumer], unit * (COUNTED // len(unit)))
    twice = steps(CONSUMERS[consumer], unit * (2 * COUNTED // len(unit)))
    assert twice <= 2.1 * once + 200


@pytest.mark.parametrize("unit", LARGE_UNITS)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_duty57_200_kb_come_to_an_end(consumer: str, unit: str) -> None:
    """What isn't linear, be it in a regular expression, would be at this for hours."""
    with suppress(MailError):
        CONSUMERS[consumer](unit * (SIZE // len(unit)))
