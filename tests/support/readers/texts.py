"""The texts of a message: plain, HTML, both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.readers.features import Choice, Feature, File, part

if TYPE_CHECKING:
    from tests.support.readers.reading import Reading

PICTURES = (
    "<p>Grüße<img src=dot.png alt=''> <img src='%C3%BC%202.png' alt=''><b style='background: url(dot.png)'></b>"
    "<img src='https://example.org/far.png' alt=''></p>\n"
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)
JAPANESE = "拝啓　時下ますますご清栄のこととお慶び申し上げます。"


def _body(name: str, text: str) -> Choice:
    return Choice(name, ("-m", text), text=text if text.endswith("\n") or not text else text + "\n")


def _file(name: str, octets: bytes, text: str) -> Choice:
    return Choice(name, ("--body-file", File("body.txt", octets)), text=text)


BODIES = Feature(
    "body",
    (
        _body("ascii", "Hello Bob,\n\nit works.\n"),
        _body("empty", ""),
        _body("latin", "Grüße aus Köln.\nNaïve façade, œuvre: 5 € × 3.\n"),
        _body("japanese", f"{JAPANESE}\n" * 9),
        _body("emoji and right to left", "👩‍👩‍👧‍👦 🎉 שלום עולם\nمرحبا بالعالم e\u0301\n"),
        _body("long lines", "word " * 400 + "\n" + "x" * 2500 + "\n" + "ü" * 1200 + "\n"),
        _body("what mailboxes mangle", "From here\n.\n..\n>From\n \n\t\n--\n-- \n--=_1_\nFrom\n\n\n"),
        _body("white space at ends", "one \ntwo\t\n  three  \n"),
        _body("looks encoded", "=?utf-8?q?x?= =3D=20 == =\n=E4=\nAGE=\n"),
        _file("no line break at the end", b"one\r\ntwo", "one\ntwo"),
        _file("with a mark", b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe\n", "Grüße\n"),
        _file("in latin-1", b"Gr\xfc\xdfe\n", "Grüße\n"),
        _file("a lone CR and a NUL", b"a\rb\0c\n", "a\rb\0c\n"),
    ),
)
HTMLS = Feature(
    "html",
    (
        Choice("none"),
        Choice(
            "ascii", ("--html", "<p>Hello <b>Bob</b></p>"), html="<p>Hello <b>Bob</b></p>\n", text_beside="Hello Bob\n"
        ),
        Choice(
            "umlauts",
            ("--html", "<p>Grüße &amp; Küsse €</p>"),
            html="<p>Grüße &amp; Küsse €</p>\n",
            text_beside="Grüße & Küsse €\n",
        ),
        Choice(
            "file of long lines",
            ("--html-file", File("page.html", b"<p>" + b"word " * 400 + b"</p>\r\n<hr>")),
            html="<p>" + "word " * 400 + "</p>\n<hr>",
            text_beside="word " * 399 + "word\n",
        ),
        Choice(
            "file in japanese",
            ("--html-file", File("page.html", f"<h1>{JAPANESE}</h1>\n".encode())),
            html=f"<h1>{JAPANESE}</h1>\n",
            text_beside=JAPANESE.replace("\u3000", " ") + "\n",
        ),
        Choice(
            "pictures",
            (
                "--inline",
                "--html-file",
                File("page.html", PICTURES.encode(), (("dot.png", PNG), ("ü 2.png", PNG + b"2"))),
            ),
            html=PICTURES.replace("dot.png", "cid:id0").replace("%C3%BC%202.png", "cid:id1"),
            text_beside="Grüße\n",
            parts=(
                part("image/png", "dot.png", PNG, content_id="id0"),
                part("image/png", "ü 2.png", PNG + b"2", content_id="id1"),
            ),
        ),
    ),
)


def _said_in(charset: str, text: str) -> Choice:
    return Choice(charset, ("-m", text, "--charset", charset), text=f"{text}\n")


CHARSETS = Feature(
    "body",
    (
        _said_in("us-ascii", "Hello"),
        _said_in("iso-8859-15", "Grüße, 5 €"),
        _said_in("windows-1252", "Grüße – 5 €"),
        _said_in("koi8-r", "Привет, мир"),
        _said_in("iso-2022-jp", "こんにちは、日本"),
        _said_in("shift_jis", "こんにちは、日本"),
        _said_in("euc-kr", "안녕하세요"),
        _said_in("big5", "你好"),
        _said_in("gbk", "你好, 鎔"),
    ),
)


def _markdown(name: str, text: str, html: str) -> Choice:
    page = f"<!DOCTYPE html>\n<html>\n<head></head>\n<body>\n{html}</body>\n</html>\n"
    return Choice(name, ("--markdown-file", File("text.md", text.encode())), text=text, html=page)


MARKDOWNS = Feature(
    "markdown",
    (
        _markdown("ascii", "# Hello\n\nit *works*.\n", "<h1>Hello</h1>\n<p>it <em>works</em>.</p>\n"),
        _markdown("umlauts", "- Grüße\n- <b>\n", "<ul>\n<li>Grüße</li>\n<li>&lt;b&gt;</li>\n</ul>\n"),
    ),
)


def _flowed(reading: Reading) -> Reading:
    """RFC 3676 §4.2: spaces at the end of a line are gone, and a quotation is what begins with “>”."""
    return {**reading, "text": "\n".join(map(_flowed_line, reading["text"].split("\n")))}


def _flowed_line(line: str) -> str:
    kept = line if line == "-- " else line.rstrip(" ")
    return f"> {kept.removeprefix('>').removeprefix(' ')}" if kept.startswith(">") else kept


SIGNATURE = "Ada Ü <ada@example.org>\nLondon"


def _signed(reading: Reading) -> Reading:
    text, html = reading["text"], reading["html"]
    below = '<div class="signature">-- <br>\nAda Ü &lt;ada@example.org&gt;<br>\nLondon</div>\n'
    head, end, tail = html.partition("</body>")
    if html and not head.endswith("\n"):
        head += "\n"
    if text and not text.endswith("\n"):
        text += "\n"
    return {**reading, "text": f"{text}-- \n{SIGNATURE}\n", "html": html and head + below + end + tail}


FORMS = Feature(
    "form",
    (
        Choice("as it is"),
        Choice("flowed", ("--format-flowed",), form=_flowed),
        Choice("signed", ("--signature", SIGNATURE), form=_signed),
        Choice(
            "flowed and signed",
            ("--format-flowed", "--signature-file", File("signature", f"-- \n{SIGNATURE}\n".encode())),
            form=lambda reading: _flowed(_signed(reading)),
        ),
        Choice("quoted-printable", ("--encoding", "quoted-printable")),
        Choice("base64", ("--encoding", "base64")),
        Choice("utf-8", ("--charset", "utf-8")),
        Choice("no text beside HTML", ("--no-alternative",), text_beside=""),
    ),
)
