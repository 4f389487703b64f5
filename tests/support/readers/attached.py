"""What is attached: files of any type and name, and whole messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.readers.features import Choice, Feature, File, part
from tests.support.readers.texts import PNG

if TYPE_CHECKING:
    from tests.support.readers.reading import Reading

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def _attached(name: str, media_type: str, *files: File) -> Choice:
    """Files as they are, all of one type."""
    words = tuple(word for file in files for word in ("-a", file))
    return Choice(name, words, parts=tuple(part(media_type, file.name, file.octets) for file in files))


def _attached_by(name: str, media_type: str, option: str, value: str, file: File) -> Choice:
    return Choice(name, (option, value, file), parts=(part(media_type, file.name, file.octets),))


def _named(name: str, shown: str) -> Choice:
    """A file under another name."""
    octets = b"\x00\x01\x02" + name.encode()
    words = ("--attach-as", shown, File("data", octets), "--attach-type", "application/x-data", File("data", octets))
    return Choice(name, words, parts=(part("application/x-data", shown, octets),))


FILES = Feature(
    "files",
    (
        Choice("none"),
        _attached("csv", "text/csv", File("table.csv", b"a;b\r\n1;2\r\n")),
        _attached("utf-8", "text/plain", File("Grüße.txt", "Grüße\nohne Ende".encode())),
        _attached("latin-1", "text/plain", File("latin.txt", "Gr\xfc\xdfe aus K\xf6ln, s\xfc\xdf\n".encode("latin-1"))),
        _attached("utf-16", "text/plain", File("wide.txt", "Grüße und Küsse\r\n".encode("utf-16"))),
        _attached("empty", "text/plain", File("empty.txt", b"")),
        _attached("image", "image/png", File("dot.png", PNG)),
        _attached("pdf", "application/pdf", File("a b.pdf", PDF)),
        _attached("mixed line ends", "text/plain", File("ends.txt", b"\n\r\n\r\r\nFrom x\r")),
        _attached("two of one name", "image/png", File("dot.png", PNG), File("dot.png", PNG + b"\x00")),
        _attached("every octet", "application/octet-stream", File("octets", bytes(range(255, -1, -1)) * 40)),
        _named("typed and named", "weekly report.data"),
        _attached_by("charset said", "text/plain", "--attach-charset", "koi8-r", File("hello.txt", b"\xf0\xd2\xc9")),
        _attached_by("shown within", "image/png", "--attach-disposition", "inline", File("dot.png", PNG)),
    ),
)
NAMES = Feature(
    "file name",
    (
        Choice("none"),
        _named("spaces", "  two  spaces .data"),
        _named("umlauts", "Übergrößenträger.data"),
        _named("japanese, 255 octets", "日" * 83 + ".data"),
        _named("emoji", "👩‍👩‍👧‍👦🎉.data"),
        _named("right to left", "שלום עולם.data"),
        _named("quotes", 'say "yes", it\'s; 100%=true.data'),
        _named("percent", "100%20%C3%BC''x*0.data"),
        _named("encoded-word", "=?utf-8?q?x?=.data"),
        _named("hidden", ".profile"),
        _named("dot at the end", "name."),
        _named("long ascii", "a" * 250 + ".data"),
        _named("parentheses", "(comment) [x] <y> @ , : ?.data"),
        _named("composed", "e\u0301 å Å.data"),
        _named("dashes", "--=_1.data"),
    ),
)


def _forwarded(name: str, shown: str, octets: bytes, message: Reading, *, sent: bytes | None = None) -> Choice:
    """`sent` is what of it stands in our message, where it isn't what was given."""
    subject = str(message["fields"].get("subject", ""))
    return Choice(
        name,
        ("--forward", File("other.eml", octets)),
        implied=(("subject", f"Fwd: {subject}".rstrip()), *_references(message)),
        parts=(part("message/rfc822", shown, octets if sent is None else sent, message),),
    )


def _references(message: Reading) -> tuple[tuple[str, str], ...]:
    message_id = message["fields"].get("message-id")
    return () if message_id is None else (("references", message_id),)


PLAIN = b"From: Carl <carl@example.com>\r\nSubject: Lunch\r\nX-Any: y\r\n\r\nAt noon?\r\n.\r\nFrom here\r\n"
NESTED = (
    b"From: carl@example.com\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="=_1_"\r\n\r\nfor nobody\r\n--=_1_\r\n\r\nAt noon?\r\n--=_1_\r\n'
    b'Content-Type: application/x-y; name="y"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--=_1_\r\n'
    b"Content-Type: message/rfc822\r\n\r\nSubject: deeper\r\n\r\nboundary --=_1_ in a line\r\n--=_1_--\r\n"
    b"\r\nnor this\r\n"
)
EIGHT_BIT = (
    "From: carl@example.com\nSubject: Mittag\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nGrüße\n"
)
IN_BASE64 = EIGHT_BIT.replace("\n\nGrüße\n", "\nContent-Transfer-Encoding: base64\n\nR3LDvMOfZQ0K\n").replace(
    "\n", "\r\n"
)
FORWARDS = Feature(
    "forwards",
    (
        Choice("nothing"),
        _forwarded(
            "plain",
            "Lunch.eml",
            PLAIN,
            {
                "fields": {"from": [["Carl", "carl@example.com"]], "subject": "Lunch", "x-any": "y"},
                "text": "At noon?\n.\nFrom here\n",
                "html": "",
                "parts": [],
            },
        ),
        _forwarded(
            "parts and a message within",
            "Grüße.eml",
            NESTED,
            {
                "fields": {"from": [["", "carl@example.com"]], "subject": "Grüße"},
                "text": "At noon?",
                "html": "",
                "parts": [
                    part("application/x-y", "y", b"\x00\x01\x02"),
                    part(
                        "message/rfc822",
                        "",
                        b"Subject: deeper\r\n\r\nboundary --=_1_ in a line",
                        {
                            "fields": {"subject": "deeper"},
                            "text": "boundary --=_1_ in a line",
                            "html": "",
                            "parts": [],
                        },
                    ),
                ],
            },
        ),
        _forwarded(
            "eight bits",
            "Mittag.eml",
            EIGHT_BIT.encode(),
            {
                "fields": {"from": [["", "carl@example.com"]], "subject": "Mittag"},
                "text": "Grüße\n",
                "html": "",
                "parts": [],
            },
            sent=IN_BASE64.encode(),
        ),
        Choice(
            "as a file of a type",
            ("--attach-type", "message/rfc822", File("saved.eml", b"Subject: saved\r\n\r\nx\r\n")),
            parts=(
                part(
                    "message/rfc822",
                    "saved.eml",
                    b"Subject: saved\r\n\r\nx\r\n",
                    {"fields": {"subject": "saved"}, "text": "x\n", "html": "", "parts": []},
                ),
            ),
        ),
    ),
)


def _calendar(name: str, summary: str, method: str) -> Choice:
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n"
        f"DTSTAMP:20240101T000000Z\r\nDTSTART:20240102T000000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()
    return Choice(
        name,
        ("--calendar", File("lunch.ics", text)),
        parts=(part("text/calendar", "", text), part("application/ics", "lunch.ics", text)),
    )


CALENDARS = Feature(
    "calendar",
    (
        Choice("none"),
        _calendar("an invitation", "Lunch", "REQUEST"),
        _calendar("a cancellation", "Frühstück", "CANCEL"),
    ),
)
