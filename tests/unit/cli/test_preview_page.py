"""The page of `--preview`: what stands in it."""

from __future__ import annotations

import html
import re
from email import message_from_bytes
from email.message import EmailMessage

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.cli import preview_page
from sendmail_cli.cli.looked import Looked
from sendmail_cli.cli.preview_page import page
from sendmail_cli.config.settings import Settings
from sendmail_cli.message.anatomy import anatomy_of
from sendmail_cli.message.linting.letter import letter_of
from sendmail_cli.message.linting.rules import lint
from sendmail_cli.server import Server
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission

BOB = AddrSpec("bob", "example.org")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def shown(message: EmailMessage, recipients: tuple[AddrSpec, ...] = (BOB,), sender: AddrSpec | None = BOB) -> str:
    octets = bytes(message)
    letter = letter_of(anatomy_of(iter([octets])), sender, recipients, len(octets), 1_700_000_000.0)
    submission = Submission(envelope_of(ReversePath(sender), recipients), None, "")  # type: ignore[arg-type]
    settings = Settings("work", None, Server("mx.example.org", 465), (), {})
    return page(Looked(settings, submission, letter, lint(letter), has_server=True)).decode()


def frame(shown: str) -> str:
    found = re.search('srcdoc="([^"]*)"', shown)
    assert found is not None
    return html.unescape(found[1])


def test_messages_that_hold_nothing_but_messages_are_shown_once_each() -> None:
    """They were shown once by each that they stand in, so forty of them took minutes and 10 GB."""
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 8 + b"Subject: deep\r\n\r\nhello\r\n"
    found = shown(message_from_bytes(octets))  # type: ignore[arg-type]

    assert found.count("<summary>The message in part 1:") == preview_page.MAX_DEPTH


def test_what_has_no_name_is_called_what_it_is(message: EmailMessage) -> None:
    forwarded = EmailMessage()
    forwarded["Subject"] = "x" * 60
    forwarded.set_content("hello\n")
    message.add_attachment(forwarded)
    message.add_attachment("BEGIN:VCALENDAR\n", subtype="calendar", filename=None)
    found = shown(message)

    assert "<b>a message</b>" in found
    assert "<b>a calendar</b>" in found
    octets = int(re.findall('<span class="size">([0-9]+) octets', found)[0])
    assert len(bytes(forwarded)) <= octets < len(bytes(forwarded)) + 20  # lines end in CR LF


@pytest.fixture
def message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "bob@example.org"
    message["To"] = "Zoë <bob@example.org>"
    message["Subject"] = "grüße"
    message.set_content("one\n\ttwo\n")
    message.add_alternative('<a href="x">cid:logo</a><img src="cid:logo"><img src=cid:logo>', subtype="html")
    page = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(page, EmailMessage)
    page.add_related(PNG, "image", "png", cid="<logo>", disposition="inline")
    return message


def test_the_header_is_decoded_and_raw_below(message: EmailMessage) -> None:
    found = shown(message)

    assert "<h1>grüße</h1>" in found
    assert "<dd>Zoë &lt;bob@example.org&gt;</dd>" in found
    assert "To: =?utf-8?" in found
    assert "<pre>one\n    two\n</pre>" in found
    assert "mx.example.org:465" in found
    assert "<dd>work</dd>" in found


def test_pictures_come_along_and_words_stay(message: EmailMessage) -> None:
    found = frame(shown(message))

    assert found.startswith('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')
    assert found.count("data:image/png;base64,iVBORw0KGgo") == 2
    assert ">cid:logo</a>" in found


def test_pictures_are_shown_while_there_is_room(message: EmailMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_page, "MAX_PICTURES", len(PNG) + 10)

    assert frame(shown(message)).count("data:image/png") == 1


def test_what_is_no_picture_is_not_shown_as_one(message: EmailMessage) -> None:
    for part in message.walk():
        if part.get_content_type() == "image/png":
            part.replace_header("Content-Type", "image/x-evil")

    assert "data:" not in frame(shown(message)).replace("img-src data:", "").replace("font-src data:", "")


def test_what_would_call_home_is_defused() -> None:
    message = EmailMessage()
    message.set_content("<LINK rel=preconnect href=http://a/><iframe src=http://b/></iframe><p>links", subtype="html")
    found = frame(shown(message))

    assert "<x-LINK" in found
    assert "<x-iframe" in found
    assert "<p>links" in found


def test_the_remote_is_named() -> None:
    message = EmailMessage()
    message.set_content("".join(f"<img src=http://a.example/{number}>" for number in range(60)), subtype="html")
    found = shown(message)

    assert "60 remote sources are not loaded here" in found
    assert "http://a.example/49<" in found
    assert "and 10 more" in found


def test_attachments_and_messages_within(message: EmailMessage) -> None:
    message.add_attachment(bytes(1_500_000), maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment(PNG, maintype="image", subtype="png", filename="small.png")
    message.add_attachment(PNG + bytes(400_000), maintype="image", subtype="png", filename="large.png")
    within = EmailMessage()
    within["Subject"] = "inside"
    within.set_content("<p>nested", subtype="html")
    within.add_attachment(b"x", maintype="application", subtype="zip", filename="deep.zip")
    message.add_attachment(within)
    found = shown(message)

    assert "<b>a.pdf</b>" in found
    assert '<span class="size">1.5 MB</span>' in found
    assert found.count('<img src="data:image/png;base64,') == 1
    assert "The message in part 5: inside" in found
    assert "<b>deep.zip</b>" in found
    assert found.count("<iframe") == 2
    assert "4 attachments" in found


def test_messages_within_messages_end_somewhere() -> None:
    message = EmailMessage()
    message.set_content("innermost")
    for _ in range(10):
        outer = EmailMessage()
        outer["Subject"] = "outer"
        outer.add_attachment(message)
        message = outer

    assert shown(message).count("The message in part") == preview_page.MAX_DEPTH


def test_whom_no_header_names_stands_in_the_envelope_alone(message: EmailMessage) -> None:
    found = shown(message, (BOB, AddrSpec("eve", "example.org")))
    envelope = found[found.index("<dt>to</dt>") :]

    assert envelope.index("bob@") < envelope.index("in no header") < envelope.index("eve@")


def test_many_recipients_are_counted(message: EmailMessage) -> None:
    found = shown(message, tuple(AddrSpec(f"b{number}", "example.org") for number in range(1600)))

    assert "and 1,100 more" in found


def test_the_null_sender() -> None:
    message = EmailMessage()
    message.set_content("hi")

    assert "failures are not reported" in shown(message, sender=None)


def test_no_text_and_no_subject() -> None:
    message = EmailMessage()
    message["From"] = "bob@example.org"
    message.add_attachment(b"x", maintype="application", subtype="zip")
    found = shown(message)

    assert "<h1>No subject</h1>" in found
    assert "There is no text." in found
    assert "without a name" in found


def test_endless_text_ends_somewhere() -> None:
    message = EmailMessage()
    message.set_content("a\u202eb\n" * 100_000)
    found = shown(message)

    assert "more characters)" in found
    assert "a\\u202eb\n" in found


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (0, "0 octets"),
        (999, "999 octets"),
        (1234, "1.23 kB"),
        (999_999, "1 MB"),
        (25_400_000, "25.4 MB"),
        (2e9, "2 GB"),
    ],
)
def test_sizes(octets: int, expected: str) -> None:
    assert preview_page._size(int(octets)) == expected
