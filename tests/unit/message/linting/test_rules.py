"""Each rule finds what it is for, and nothing in a sound message."""

from __future__ import annotations

import io
import zipfile
from base64 import encodebytes
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.addresses import AddrSpec, parse_addr_spec
from sendmail_cli.message.anatomy import anatomy_of
from sendmail_cli.message.linting.finding import Severity
from sendmail_cli.message.linting.letter import letter_of, organisation
from sendmail_cli.message.linting.rules import MAX_FLAWS, RULES, lint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendmail_cli.message.linting.finding import Finding

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 +0000
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
TEXT = "Dear Bob, here is what we spoke about yesterday: figures, pictures and a link to look at.\n"
PAGE = f'<html><body><p>{TEXT}</p><a href="https://example.org/x">example.org</a><img src="cid:logo"></body></html>'
ADA = parse_addr_spec("ada@example.org")
BOB = parse_addr_spec("bob@example.net")


def sound() -> EmailMessage:
    """What nobody finds fault with: text, HTML with a picture, an attachment."""
    message = EmailMessage()
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "Bob <bob@example.net>"
    message["Subject"] = "What we spoke about"
    message["Date"] = "Tue, 14 Nov 2023 22:00:00 +0000"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(TEXT)
    message.add_alternative(PAGE, subtype="html")
    page = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(page, EmailMessage)
    page.add_related(PNG, "image", "png", cid="<logo>", filename="logo.png")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="report.pdf")
    return message


def found(
    octets: bytes, *, sender: AddrSpec | None = ADA, recipients: tuple[AddrSpec, ...] = (BOB,), size: int | None = None
) -> tuple[Finding, ...]:
    size = len(octets) if size is None else size
    return lint(letter_of(anatomy_of(iter([octets])), sender, recipients, size, NOW))


def codes(octets: bytes, **envelope: object) -> set[str]:
    return {finding.code for finding in found(octets, **envelope)}  # type: ignore[arg-type]


def test_a_sound_message_has_no_flaw() -> None:
    assert found(bytes(sound())) == ()


def header(name: str, value: str | None) -> Callable[[EmailMessage], None]:
    def change(message: EmailMessage) -> None:
        del message[name]
        if value is not None:
            message[name] = value

    return change


def html(page: str) -> Callable[[EmailMessage], None]:
    """The HTML says `page`."""

    def change(message: EmailMessage) -> None:
        for part in message.walk():
            if part.get_content_type() == "text/html":
                part.set_content(page, subtype="html")

    return change


def file(octets: bytes, name: str, kind: str = "application/octet-stream") -> Callable[..., None]:
    def change(message: EmailMessage) -> None:
        main, _, sub = kind.partition("/")
        message.add_attachment(octets, maintype=main, subtype=sub, filename=name)

    return change


def picture(octets: bytes, cid: str) -> Callable[[EmailMessage], None]:
    def change(message: EmailMessage) -> None:
        related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
        related.add_related(octets, "image", "png", cid=cid, disposition="inline")

    return change


def zipped(name: str, *, is_locked: bool = False, padding: int = 0) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        if padding:
            archive.writestr("padding.bin", b"\0" * padding)
        archive.writestr(name, b"hello")
    whole = bytearray(octets.getvalue())
    if is_locked:
        whole[whole.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(whole)


COMPOSED: list[tuple[str, Callable[[EmailMessage], None]]] = [
    ("from-missing", header("From", None)),
    ("from-name-deceives", header("From", '"service@bank.example" <ada@example.org>')),
    ("reply-to-elsewhere", header("Reply-To", "ada.x@gmail.com")),
    ("to-missing", header("To", None)),
    ("recipients-visible", header("To", ", ".join(f"b{number}@example.net" for number in range(40)))),
    ("date-missing", header("Date", None)),
    ("date-odd", header("Date", "Tue, 14 Nov 2034 22:00:00 +0000")),
    ("date-odd", header("Date", "Sun, 05 Nov 2023 22:00:00 +0000")),
    ("message-id-missing", header("Message-ID", None)),
    ("subject-missing", header("Subject", None)),
    ("subject-shouts", header("Subject", "BUY THIS NOW")),
    ("subject-long", header("Subject", "and so on " * 13)),
    ("unsubscribe-missing", header("Precedence", "bulk")),
    ("unsubscribe-missing", header("List-Id", "<news.example.org>")),
    ("html-clipped", html(PAGE + "<p>x</p>" * 20_000)),
    ("html-active", html(PAGE.replace("</p>", "</p><script>alert(1)</script>"))),
    ("html-pictures-only", html('<img src="cid:logo">')),
    ("picture-local", html(PAGE.replace("</p>", '<img src="photo.png"></p>'))),
    ("picture-local", html(PAGE.replace("</p>", '<img src="file:///home/ada/photo.png"></p>'))),
    ("picture-missing", html(PAGE.replace("</p>", '<img src="cid:other"></p>'))),
    ("picture-unused", picture(PNG, "<unused>")),
    ("picture-broken", picture(b"<html>404</html>", "<unused>")),
    ("picture-huge", picture(PNG + b"\0" * 1_100_000, "<unused>")),
    ("pictures-remote", html(PAGE.replace("</p>", '<img src="https://cdn.example.org/x.png"></p>'))),
    ("pictures-remote", html(PAGE.replace("<p>", "<p style=\"background: url('//cdn.example.org/x.png')\">"))),
    ("tracker", html(PAGE.replace("</p>", '<img width="1" height=1 src="https://t.example.org/x.gif"></p>'))),
    ("tracker", html(PAGE.replace("</p>", '<img style="width:1px;height:1px" src="https://t.example.org/x"></p>'))),
    ("link-deceives", html(PAGE.replace("https://example.org/x", "https://evil.example/x"))),
    ("texts-differ", html("<p>" + "quite another story about something else entirely, which nobody mentioned" * 2)),
    ("executable", file(b"hello", "setup.EXE")),
    ("executable", file(b"hello", "invoice.pdf.js ")),
    ("executable", file(b"MZ\x90\0", "innocent.dat")),
    ("executable", file(b"\x7fELF", "innocent")),
    ("executable-packed", file(zipped("a/b.scr"), "all.zip")),
    ("executable-packed", file(zipped("a/b.scr", padding=3_000_000), "large.zip")),
    ("archive-locked", file(zipped("a.txt", is_locked=True), "all.zip")),
    ("name-hides", file(b"hello", "harmless\u202efdp.txt")),
    ("attachment-empty", file(b"", "nothing.txt")),
]


@pytest.mark.parametrize(("code", "change"), COMPOSED)
def test_a_flaw_is_found(code: str, change: Callable[[EmailMessage], None]) -> None:
    message = sound()
    change(message)

    assert code in codes(bytes(message))


HEAD = (
    "From: ada@example.org\nTo: bob@example.net\nSubject: hello there\nMessage-ID: <1@example.org>\n"
    "Date: Tue, 14 Nov 2023 22:00:00 +0000\n"
)
RAW: list[tuple[str, str]] = [
    ("header-twice", f"Subject: again\n{HEAD}\nhello\n"),
    ("header-8bit", HEAD.replace("hello there", "grüße an alle") + "\nhello\n"),
    ("date-odd", HEAD.replace("Tue, 14 Nov 2023 22:00:00 +0000", "yesterday") + "\nhello\n"),
    ("empty", f"{HEAD}\n"),
    ("html-without-text", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/html\n\n<p>hello\n"),
    ("mime-version-missing", f"{HEAD}Content-Type: text/plain\n\nhello\n"),
    ("mime-broken", f"{HEAD}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n"),
    ("mime-broken", f"{HEAD}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\nhello\n"),
    ("mime-broken", f"{HEAD}MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nhello\n"),
    ("mime-broken", f"{HEAD}MIME-Version: 1.0\nContent-Transfer-Encoding: x-none\n\nhello\n"),
    ("mime-broken", f"{HEAD}MIME-Version: 1.0\nContent-Type: nonsense\n\nhello\n"),
    ("8bit-unlabelled", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\ngrüße\n"),
    ("charset-missing", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/plain\n\ngrüße\n"),
    ("charset-wrong", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset=nonsense\n\nhello\n"),
    ("charset-wrong", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\ngrüße\n"),
    ("charset-wrong", f"{HEAD}MIME-Version: 1.0\nContent-Type: text/plain; charset=hex\n\nhello\n"),
]


@pytest.mark.parametrize(("code", "message"), RAW)
def test_a_flaw_of_a_ready_message_is_found(code: str, message: str) -> None:
    assert code in codes(message.replace("\n", "\r\n").encode())


ENVELOPES: list[tuple[str, dict[str, object]]] = [
    ("from-not-aligned", {"sender": parse_addr_spec("bounce@mailer.example.com")}),
    ("unsubscribe-missing", {"recipients": tuple(AddrSpec(f"b{number}", "example.net") for number in range(100))}),
    ("large", {"size": 11 * 1024 * 1024}),
    ("too-large", {"size": 26 * 1024 * 1024}),
]


@pytest.mark.parametrize(("code", "envelope"), ENVELOPES)
def test_a_flaw_of_the_envelope_is_found(code: str, envelope: dict[str, object]) -> None:
    assert codes(bytes(sound()), **envelope) == {code}


def test_unsubscribing_by_one_click() -> None:
    message = sound()
    message["Precedence"] = "list"
    message["List-Unsubscribe"] = "<mailto:leave@example.org>"
    assert codes(bytes(message)) == {"unsubscribe-clumsy"}

    del message["List-Unsubscribe"]
    message["List-Unsubscribe"] = "<https://example.org/leave>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    assert codes(bytes(message)) == set()


@pytest.mark.parametrize(
    "change",
    [
        header("From", '"Ada at example.org" <ada@example.org>'),
        header("From", '"ada@example.org" <ada@mail.example.org>'),
        header("Reply-To", "ada@elsewhere.example"),
        header("Subject", "FYI: RFC 5322"),
        header("Subject", "МОСКВА"),
        header("To", "undisclosed-recipients:;"),
        html(PAGE.replace("https://example.org/x", "https://www.example.org/y")),
        html(PAGE.replace(">example.org<", ">Look here<")),
        html(PAGE.replace(">example.org<", ">report.pdf<")),
        html(PAGE.replace("cid:logo", "CID:%6cogo")),
        html(PAGE.replace("</p>", '<img src="data:image/png;base64,AAAA"></p>')),
        file(b"plain", "README"),
        file(zipped("a/b.txt"), "all.zip"),
        file(b"PK\x03\x04 and rubbish", "broken.zip"),
        file(b"MZ is how this text begins", "about.txt", "text/plain"),
        file("naïve résumé".encode(), "Zoë résumé.pdf"),
    ],
)
def test_nothing_is_found_where_nothing_is(change: Callable[[EmailMessage], None]) -> None:
    message = sound()
    try:
        change(message)
    except TypeError:  # text goes in as text
        message.add_attachment("MZ is how this text begins", filename="about.txt")

    assert codes(bytes(message)) == set()


def test_a_mail_sent_on_keeps_its_old_date_and_its_author() -> None:
    message = sound()
    del message["Date"]
    block = b"Resent-From: bob@example.net\r\nResent-Date: Tue, 14 Nov 2023 22:00:00 +0000\r\n"
    octets = block + b"Date: Tue, 14 Nov 2017 22:00:00 +0000\r\n" + bytes(message)

    assert codes(octets, sender=BOB) == set()


def test_the_null_sender_is_aligned_with_everybody() -> None:
    assert codes(bytes(sound()), sender=None) == set()


def test_every_rule_is_tested() -> None:
    tested = {code for code, *_ in [*COMPOSED, *RAW, *ENVELOPES]} | {"unsubscribe-clumsy"}

    assert tested == {rule.code for rule in RULES}
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_the_worst_comes_first_and_says_where() -> None:
    message = sound()
    message.replace_header("Subject", "and so on " * 13)
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="setup.exe")
    findings = found(bytes(message), sender=BOB)

    assert [finding.severity for finding in findings] == [Severity.ERROR, Severity.WARNING, Severity.NOTE]
    assert findings[0].where == "part 3 (setup.exe)"
    assert all(finding.sentence and finding.advice.endswith(".") for finding in findings)


def test_a_flaw_a_thousand_times_is_told_some_times() -> None:
    message = sound()
    html("<p>" + '<a href="https://evil.example/">example.org</a>' * 500)(message)

    assert sum(finding.code == "link-deceives" for finding in found(bytes(message))) == MAX_FLAWS


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.org", "example.org"),
        ("a.b.Example.org.", "example.org"),
        ("mail.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
    ],
)
def test_the_organisation_of_a_domain(domain: str, expected: str) -> None:
    assert organisation(domain) == expected


def test_base64_without_padding_is_read() -> None:
    octets = encodebytes(b"MZ" + b"\0" * 100).rstrip(b"=\n")
    head = f"{HEAD}MIME-Version: 1.0\nContent-Type: application/x-thing\nContent-Transfer-Encoding: base64\n\n"

    assert "executable" in codes(head.replace("\n", "\r\n").encode() + octets)


def test_every_rule_is_documented() -> None:
    lines = (Path(__file__).parents[4] / "docs" / "lint.md").read_text(encoding="utf-8").splitlines()
    rows = [tuple(cell.strip(" `") for cell in line.split("|")[1:3]) for line in lines if line.startswith("| `")]

    assert rows == [(rule.code, rule.severity.value) for rule in RULES]
