"""The header: subject, people, threads, and what lists, programs and urgent persons say."""

from __future__ import annotations

from typing import Any

from tests.support.readers.features import Choice, Feature, File
from tests.support.readers.texts import JAPANESE


def _subject(name: str, text: str) -> Choice:
    return Choice(name, ("-s", text), (("subject", text),))


def _from(name: str, display: str, address: str = "ada@example.org", wire: str | None = None) -> Choice:
    quoted = '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'
    word = f"{quoted} <{address}>" if display else address
    return Choice(name, ("-f", word), (("from", [[display, wire or address]]),))


def _header(name: str, words: tuple[str, ...], **fields: Any) -> Choice:
    return Choice(name, words, tuple((key.replace("_", "-"), value) for key, value in fields.items()))


SUBJECTS = Feature(
    "subject",
    (
        _subject("ascii", "Report"),
        Choice("none"),
        _subject("empty", ""),
        _subject("umlauts", "Größe: 5 m² – naïve"),
        _subject("japanese, long", JAPANESE * 6),
        _subject("emoji", "👩‍👩‍👧‍👦🎉" * 9),
        _subject("right to left", "שלום עולם ومرحبا"),
        _subject("encoded-word", "=?utf-8?q?x?= and =?"),
        _subject("white space", "  two  spaces\tand a tab  "),
        _subject("long ascii", "word " * 60 + "end"),
        _subject("one long word", "x" * 1500),
        _subject("punctuation", '"a" <b@c>, (d); e: f\\ [PATCH 1/2] 100% =3D'),
    ),
)
AUTHORS = Feature(
    "from",
    (
        _from("ascii", "Ada Lovelace"),
        _from("address alone", ""),
        _from("umlauts", "Ädä Lövelace"),
        _from("japanese, long", "山田太郎" * 12),
        _from("emoji", "Ada 👩‍🚀"),
        _from("right to left", "עדה לאבלייס"),
        _from("comma", "Lovelace, Ada"),
        _from("quotes and backslash", 'Ada "The \\ Countess"'),
        _from("dots", "A. B. Lovelace"),
        _from("encoded-word", "=?utf-8?q?x?="),
        _from("looks like an address", "root@example.com"),
        _from("comment", "Ada (at home)"),
        _from("long ascii", "Ada Augusta " * 8 + "Byron"),
        _from("international domain", "Ada", "ada@bücher.example", "ada@xn--bcher-kva.example"),
        Choice(
            "several and who sends",
            ("-f", "Ada <ada@example.org>, Bob Ü <bob@example.org>", "--sender", "Eve <eve@example.org>"),
            (
                ("from", [["Ada", "ada@example.org"], ["Bob Ü", "bob@example.org"]]),
                ("sender", [["Eve", "eve@example.org"]]),
            ),
        ),
        Choice(
            "several",
            ("-f", "Ada <ada@example.org>, Bob <bob@example.org>"),
            (
                ("from", [["Ada", "ada@example.org"], ["Bob", "bob@example.org"]]),
                ("sender", [["Ada", "ada@example.org"]]),
            ),
        ),
    ),
)
RECIPIENTS = Feature(
    "to",
    (
        Choice("one", ("-t", "Bob <bob@example.org>"), (("to", [["Bob", "bob@example.org"]]),)),
        Choice("argument alone", ("--to", "bob@example.org"), (("to", [["", "bob@example.org"]]),)),
        Choice("undisclosed", ("-b", "bob@example.org"), implied=(("to", [["undisclosed-recipients", []]]),)),
        Choice("copy alone", ("-c", "bob@example.org"), (("cc", [["", "bob@example.org"]]),)),
        Choice(
            "alias",
            ("-t", "team"),
            (("to", [["Ädä", "ada@example.org"], ["", "bob@example.org"]]),),
        ),
        Choice(
            "group",
            ("-t", 'Freunde: Bob <bob@example.org>, "Müller, Eve" <eve@example.org>;', "-c", "carl@example.org"),
            (
                ("to", [["Freunde", [["Bob", "bob@example.org"], ["Müller, Eve", "eve@example.org"]]]]),
                ("cc", [["", "carl@example.org"]]),
            ),
        ),
        Choice(
            "group in japanese among others",
            ("-t", "a@example.org, 友達: b@example.org;, 空:;"),
            (("to", [["", "a@example.org"], ["友達", [["", "b@example.org"]]], ["空", []]]),),
        ),
        Choice(
            "many",
            tuple(word for n in range(60) for word in ("-t", f"Übér Nr {n} <u{n}@example.org>")),
            (("to", [[f"Übér Nr {n}", f"u{n}@example.org"] for n in range(60)]),),
        ),
        Choice(
            "quoted local part",
            ("-t", '"Bob, B." <"b o,b"@example.org>', "-b", "eve@example.org"),
            (("to", [["Bob, B.", '"b o,b"@example.org']]),),
        ),
        Choice(
            "every script",
            (
                "-t",
                "Ωμέγα <o@example.org>, Борис <b@example.org>, ไทย <t@example.org>, हिन्दी <h@example.org>",
                "-t",
                "한국 <k@例え.jp>",
            ),
            (
                (
                    "to",
                    [
                        ["Ωμέγα", "o@example.org"],
                        ["Борис", "b@example.org"],
                        ["ไทย", "t@example.org"],
                        ["हिन्दी", "h@example.org"],
                        ["한국", "k@xn--r8jz45g.jp"],
                    ],
                ),
            ),
        ),
    ),
)


ANSWERED = (
    b"From: Carl <carl@example.com>\r\nTo: ada@example.org\r\nSubject: =?utf-8?q?Fr=C3=BChst=C3=BCck?=\r\n"
    b"Message-ID: <3@example.com>\r\nReferences: <1@example.com>\r\n <2@example.com>\r\n\r\nWhen?\r\n"
)
LONG_THREAD = b"From: carl@example.com\nMessage-ID: <%b@example.com>\nReferences: %b\n\nWhen?\n" % (
    b"x" * 200,
    b"\n ".join(b"<%d%b@example.com>" % (n, b"y" * 60) for n in range(40)),
)
ANSWERS = Feature(
    "answers",
    (
        Choice("nothing"),
        Choice("an id", ("--in-reply-to", "<1@x>"), (("in-reply-to", "<1@x>"), ("references", "<1@x>"))),
        Choice(
            "a message",
            ("--reply-to-message", File("question.eml", ANSWERED)),
            (
                ("in-reply-to", "<3@example.com>"),
                ("references", "<1@example.com> <2@example.com> <3@example.com>"),
            ),
            implied=(("subject", "Re: Frühstück"), ("to", [["Carl", "carl@example.com"]])),
        ),
        Choice(
            "a long thread",
            ("--reply-to-message", File("thread.eml", LONG_THREAD)),
            (
                ("in-reply-to", f"<{'x' * 200}@example.com>"),
                (
                    "references",
                    " ".join(
                        [f"<{n}{'y' * 60}@example.com>" for n in (0, *range(21, 40))] + [f"<{'x' * 200}@example.com>"]
                    ),
                ),
            ),
            implied=(("to", [["", "carl@example.com"]]),),
        ),
    ),
)


MARKS = Feature(
    "header",
    (
        Choice("nothing"),
        _header(
            "unsubscribe with one click",
            ("--list-unsubscribe", "https://example.org/u?id=1&x=" + "y" * 90),
            list_unsubscribe="<https://example.org/u?id=1&x=" + "y" * 90 + ">",
            list_unsubscribe_post="List-Unsubscribe=One-Click",
        ),
        _header("generated", ("--auto-submitted", "generated"), auto_submitted="auto-generated"),
        _header("important", ("--importance", "high"), importance="high", x_priority="1 (Highest)"),
        _header(
            "a receipt",
            ("--request-receipt=Ädä <ada@example.org>",),
            disposition_notification_to=[["Ädä", "ada@example.org"]],
        ),
        _header(
            "answers elsewhere",
            ("--reply-to", "Büro <office@example.org>, g: x@example.org;"),
            reply_to=[["Büro", "office@example.org"], ["g", [["", "x@example.org"]]]],
        ),
        _header("umlauts", ("-H", f"X-Any: Größe {'word ' * 30}ü"), x_any=f"Größe {'word ' * 30}ü"),
        _header("encoded-words pass", ("-H", "X-Any: a =?utf-8?q?=C3=BC?= b"), x_any="a ü b"),
        _header("a long word", ("-H", "X-Any: " + "y" * 1500), x_any="y" * 1500),
        _header(
            "a list",
            ("-H", "List-Id: Büro <b.example.org>", "-H", "Precedence: bulk"),
            precedence="bulk",
            list_id="Büro <b.example.org>",
        ),
    ),
)
