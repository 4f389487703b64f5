"""Every form of a text says what was typed, by readers that share no code with us."""

from __future__ import annotations

import email
import email.policy
import io
import os
import tempfile
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.addresses import AddrSpec, Mailbox
from sendmail_cli.environment import Environment
from sendmail_cli.errors import DataError, InputError
from sendmail_cli.message.attachments import attachment_from_stream
from sendmail_cli.message.calendar import Calendar
from sendmail_cli.message.charsets import parse_charset
from sendmail_cli.message.compose import compose
from sendmail_cli.message.draft import Draft, TextForm
from sendmail_cli.message.encoding import ENCODINGS
from sendmail_cli.message.flowed import flow
from sendmail_cli.message.html_text import text_of_html
from sendmail_cli.message.html_urls import url_places
from sendmail_cli.message.inline_images import Page, inline_images
from sendmail_cli.message.markdown import html_of_markdown
from sendmail_cli.message.signature import sign_html, sign_text

if TYPE_CHECKING:
    from email.message import EmailMessage, MIMEPart

    from sendmail_cli.message.attachments import Attachment
    from sendmail_cli.submission import Content

DRAFT = Draft(Mailbox("", AddrSpec("ada", "example.org")))
ENVIRONMENT = Environment()
CHARSETS = [
    parse_charset(name)
    for name in (
        "ascii", "utf-8", "latin1", "latin9", "cp1252", "koi8-r", "iso-2022-jp", "sjis", "euc-jp", "gb18030", "big5",
        "euc-kr", "tis-620",
    )
]  # fmt: skip

words = st.sampled_from(
    ["", " ", "  ", ">", ">>", "> ", "-- ", "--", "From ", "word", "word ", "x" * 80, "ü", "日本", "é ", ".", "=", "\t"]
)
typed = st.lists(st.lists(words, max_size=30).map("".join), max_size=8).map("\n".join)
any_text = st.one_of(typed, st.text(st.characters(exclude_categories=["Cs"])))
html_pieces = st.sampled_from(
    ["<", ">", "<img src=", "'", '"', "a.png", "=", " ", "<style>", "</style>", "url(", ")", "/*", "*/", "<!--", "-->",
     "<p style=", "srcset=", ",", "<base href=", "http://x/", "<script>", "</script>", "&quot;", "\n",
     "<td background=", "text", "\0", "ü", "<a href=", "<table>", "<tr>", "<td>", "</table>"]
)  # fmt: skip
html_text = st.lists(html_pieces, max_size=40).map("".join)


def parsed(content: Content) -> EmailMessage:
    octets = b"".join(content.chunks())
    assert len(octets) == content.size
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    message: EmailMessage = email.message_from_bytes(octets, policy=email.policy.default)
    assert not any(part.defects for part in message.walk())
    return message


def text_in(part: MIMEPart) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode(part["Content-Type"].params["charset"]).replace("\r\n", "\n")


def lines(text: str) -> str:
    return text.replace("\r\n", "\n")


@given(text=any_text, charset=st.none() | st.sampled_from(CHARSETS), encoding=st.none() | st.sampled_from(ENCODINGS))
def test_any_text_in_any_charset_and_encoding_arrives_or_is_refused(
    text: str, charset: str | None, encoding: str | None
) -> None:
    form = TextForm(charset, encoding)
    try:
        message = parsed(compose(DRAFT._replace(text=text, html=text, form=form), ENVIRONMENT))
    except DataError:
        assert encoding == "7bit" or not says(charset, text)
        return
    assert [text_in(part) for part in message.iter_parts()] == [lines(text)] * 2
    for part in message.iter_parts():
        assert charset in {None, part["Content-Type"].params["charset"]}
        assert encoding in {None, part["Content-Transfer-Encoding"]}


def says(charset: str | None, text: str) -> bool:
    try:
        text.encode(charset or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_flowed(text: str) -> list[tuple[int, str]]:
    """Quote depth and content of each paragraph, as RFC 3676 §4.1 to §4.5 tell a reader."""
    paragraphs: list[tuple[int, str]] = []
    is_open = False
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        if is_open and paragraphs[-1][0] == depth and content != "-- ":
            paragraphs[-1] = (depth, paragraphs[-1][1] + content)
        else:
            paragraphs.append((depth, content))
        is_open = content.endswith(" ") and content != "-- "
    return paragraphs


def as_meant(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    depth = len(line) - len(content)
    if depth:
        content = content.removeprefix(" ")
    return depth, content if content == "-- " else content.rstrip(" ")


@given(text=st.one_of(typed, st.text(st.characters(exclude_categories=["Cs", "Cc"]))))
def test_what_is_flowed_is_read_as_it_was_meant(text: str) -> None:
    assert read_flowed(flow(text)) == [as_meant(line) for line in text.split("\n")]
    message = parsed(compose(DRAFT._replace(text=text, html="x", form=TextForm(is_flowed=True)), ENVIRONMENT))
    plain = next(iter(message.iter_parts()))
    assert plain["Content-Type"].params["format"] == "flowed"
    assert read_flowed(text_in(plain)) == [as_meant(line) for line in text.split("\n")]


@given(html=html_text)
def test_html_is_changed_in_its_urls_alone(html: str) -> None:
    places = list(url_places(html))
    assert all(0 <= place.start <= place.end <= len(html) for place in places)
    assert all(one.end <= other.start for one, other in pairwise(places))
    assert text_of_html(html) is not None


@given(html=html_text, name=st.sampled_from(["a.png", "ü.png", "a b.png"]))
def test_what_is_inlined_is_shown_by_its_id(html: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
        page = Page("p", folder, folder)
        closed = html + f"--></style></script>'\"><img src='{name}'>"
        try:
            done = inline_images(closed, page, "i@x", lambda _: None)
        except (DataError, InputError):  # it names other files
            return
        for image in done.images:
            assert f"cid:{image.content_id}" in done.html
        message = parsed(compose(DRAFT._replace(html=done.html, images=done.images), ENVIRONMENT))
        named = [part["Content-ID"] for part in message.walk() if part["Content-ID"] is not None]
        assert named == [f"<{image.content_id}>" for image in done.images]


@given(
    forms=st.tuples(st.none() | any_text, st.none() | any_text, st.none() | any_text),
    images=st.integers(0, 2),
    files=st.lists(st.binary(max_size=200), max_size=2),
    is_flowed=st.booleans(),
)
def test_any_combination_is_a_tree_that_the_library_reads(
    forms: tuple[str | None, str | None, str | None], images: int, files: list[bytes], is_flowed: bool
) -> None:
    text, html, calendar = forms

    def attached(octets: bytes) -> Attachment:
        return attachment_from_stream(io.BytesIO(octets), name="f", media_type="application/x-f", note=print)

    pictures = tuple(
        attachment_from_stream(io.BytesIO(b"p"), name="p.png", media_type="image/png", note=print)._replace(
            disposition="inline", content_id=f"{number}.x@example.org"
        )
        for number in range(images)
    )
    draft = DRAFT._replace(
        text=text,
        html=html,
        calendar=None if calendar is None else Calendar(calendar, "REQUEST"),
        images=pictures if html is not None else (),
        attachments=tuple(attached(octets) for octets in files),
        form=TextForm(is_flowed=is_flowed),
    )
    message = parsed(compose(draft, ENVIRONMENT))
    found = {part.get_content_type(): part for part in message.walk()}
    if text is not None and not is_flowed:
        assert text_in(found["text/plain"]) == lines(text)
    if html is not None:
        assert text_in(found["text/html"]) == lines(html)
    if calendar is not None:
        assert text_in(found["text/calendar"]) == lines(calendar)
    sent = [part.get_payload(decode=True) for part in message.walk() if part.get_content_type() == "application/x-f"]
    assert sent == files
    assert [part.get_content_type() for part in message.walk()].count("image/png") == len(draft.images)


@given(markdown=any_text, signature=any_text)
def test_any_markdown_and_signature_is_a_message(markdown: str, signature: str) -> None:
    html = sign_html(html_of_markdown(markdown), signature)
    draft = DRAFT._replace(text=sign_text(markdown, signature), html=html)
    plain, shown = parsed(compose(draft, ENVIRONMENT)).iter_parts()

    assert text_in(plain).startswith(lines(markdown))
    assert "\n-- \n" in f"\n{text_in(plain)}"
    assert text_in(shown) == lines(html)


@pytest.mark.parametrize("name", ["ü.png", "a;b.png", "日本.png"])
def test_names_of_pictures_arrive(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
        done = inline_images(f"<img src='{name}'>", Page("p", folder, folder), "i@x", lambda _: None)
    message = parsed(compose(DRAFT._replace(html=done.html, images=done.images), ENVIRONMENT))
    assert [part.get_filename() for part in message.walk() if part["Content-ID"]] == [name]
