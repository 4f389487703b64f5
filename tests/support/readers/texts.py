"""The texts of a message: plain, HTML, both."""

from __future__ import annotations

from tests.support.readers.features import Choice, Feature, File

JAPANESE = "拝啓　時下ますますご清栄のこととお慶び申し上げます。"


def _body(name: str, text: str) -> Choice:
    return Choice(name, ("-m", text), text=text if text.endswith("\n") or not text else text + "\n")


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
    ),
)
