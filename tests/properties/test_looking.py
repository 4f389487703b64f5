"""Any message can be looked at: no exception, and a page in which nothing of it is markup."""

from __future__ import annotations

from email.message import EmailMessage
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.cli.looked import Looked
from sendmail_cli.cli.preview_page import page
from sendmail_cli.config.settings import Settings
from sendmail_cli.message.anatomy import anatomy_of
from sendmail_cli.message.html_facts import html_facts
from sendmail_cli.message.linting.letter import letter_of
from sendmail_cli.message.linting.rules import lint
from sendmail_cli.server import Server
from sendmail_cli.smtp.envelope import ReversePath, envelope_of
from sendmail_cli.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Sequence

VOID = {"meta", "img", "br", "path", "wbr"}
OURS = VOID | {
    "html", "head", "title", "style", "body", "main", "header", "footer", "section", "div", "p", "h1", "h2", "h3", "ul",
    "li", "dl", "dt", "dd", "code", "pre", "span", "b", "details", "summary", "iframe", "svg",
}  # fmt: skip

WORDS = st.sampled_from((
    "<script>", "</script>", "</iframe>", "<iframe srcdoc=", '"', "'", ">", "<", "&", "&lt;", "</pre>", "</title>",
    "]]>", "<!--", "-->", "\u202e", "\0", "\x1b[2J", "javascript:", "data:text/html,", "cid:a", "<img src=cid:a>",
    "grüße", "\ud800", "http://evil.example/", "<link rel=x>", "=", "\n", " ",
))  # fmt: skip
TEXT = st.lists(WORDS | st.text(max_size=5), max_size=12).map("".join)
LINES = st.sampled_from((
    b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: multipart/alternative; boundary=y", b"--x", b"--y",
    b"--x--", b"--y--", b"", b"Content-Type: text/html", b"Content-Type: message/rfc822", b"Subject: <script>",
    b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment; filename*0*=x''%", b"MZ", b"PK\x03\x04",
    b'Content-Type: image/png; name="><script>"', b"Content-ID: <a>", b"From: x@y", b"Date: 99", b"To: ;,<@",
    b"Content-Type: text/plain; charset=utf-7", b"List-Id: x", b"Content-Transfer-Encoding: quoted-printable",
))  # fmt: skip


def one_line(text: str) -> str:
    """What the library takes for a header."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


class Outline(HTMLParser):
    """The elements of a page, which must be ours and nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert tag in OURS, tag
        assert not any(name.startswith("on") for name, _ in attrs), attrs
        if tag == "iframe":
            assert ("sandbox", "") in attrs
        if tag == "img":
            assert str(dict(attrs)["src"]).startswith("data:image/")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def shown(octets: bytes) -> str:
    message = anatomy_of(iter([octets]))
    bob = AddrSpec("bob", "example.org")
    letter = letter_of(message, None, (bob,), len(octets), 1_700_000_000.0)
    settings = Settings(None, None, Server("localhost", 25), (), {})
    submission = Submission(envelope_of(ReversePath(None), (bob,)), None, "<1@x>")  # type: ignore[arg-type]
    found = page(Looked(settings, submission, letter, lint(letter), has_server=True))
    return found.decode("utf-8")


def check(octets: bytes) -> None:
    outline = Outline()
    outline.feed(shown(octets))
    outline.close()
    assert outline.open == []


@given(TEXT, TEXT, TEXT, TEXT)
def test_a_message_with_any_words(subject: str, text: str, html: str, name: str) -> None:
    message = EmailMessage()
    message["Subject"] = one_line(subject)
    message.set_content(text.encode("utf-8", "replace").decode())
    message.add_alternative(html.encode("utf-8", "replace").decode(), subtype="html")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename=one_line(name), cid="<a>")
    check(bytes(message))


@given(st.lists(LINES | st.binary(max_size=20), max_size=30))
def test_any_lines(lines: list[bytes]) -> None:
    check(b"\r\n".join(lines))


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    check(octets)


@given(TEXT)
def test_any_html_is_read(html: str) -> None:
    html_facts(html)
