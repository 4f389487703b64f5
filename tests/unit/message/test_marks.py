"""What lists and machines say in a header, in the words of their RFCs."""

from __future__ import annotations

import pytest

from sendmail_cli.errors import HeaderError
from sendmail_cli.message.marks import auto_submitted_fields, importance_fields, parse_unsubscribe, unsubscribe_fields

PAGE = "https://example.org/u?id=4711,x"
MAIL = "mailto:leave@example.org?subject=leave"
ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def test_an_https_page_takes_one_click() -> None:
    assert unsubscribe_fields((MAIL, PAGE)) == (("List-Unsubscribe", f"<{MAIL}>, <{PAGE}>"), ONE_CLICK)
    assert unsubscribe_fields(("HTTPS://x.example",))[1:] == (ONE_CLICK,)


@pytest.mark.parametrize("urls", [(MAIL,), ("http://example.org/u",), (MAIL, "http://example.org/u")])
def test_nothing_else_does(urls: tuple[str, ...]) -> None:
    assert [name for name, _ in unsubscribe_fields(urls)] == ["List-Unsubscribe"]


def test_two_pages_are_one_too_many() -> None:
    with pytest.raises(HeaderError, match="2 pages"):
        unsubscribe_fields((PAGE, "http://example.org/u"))


@pytest.mark.parametrize("text", [PAGE, f" {MAIL} ", "http://[2001:db8::1]/"])
def test_a_url_is_taken(text: str) -> None:
    assert parse_unsubscribe(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "leave@example.org", "ftp://example.org/", "https://", "https:///u", "mailto:leave", "https://bücher.example/",
     "https://example.org/a b", "https://example.org/\r\nBcc: x", "<https://example.org/>", "mailto:a@b>, <c"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HeaderError, match="no URL") as caught:
        parse_unsubscribe(text)
    assert caught.value.hint
    assert str(caught.value.sentence).isprintable()


def test_the_words_of_machines_and_of_urgency() -> None:
    kinds = ("generated", "replied", "notified", "no")
    assert [auto_submitted_fields(kind)[0][1] for kind in kinds] == [
        "auto-generated", "auto-replied", "auto-notified", "no"
    ]  # fmt: skip
    assert importance_fields("high") == (("Importance", "high"), ("X-Priority", "1 (Highest)"))
    assert importance_fields("normal") == (("Importance", "normal"), ("X-Priority", "3 (Normal)"))
    assert importance_fields("low") == (("Importance", "low"), ("X-Priority", "5 (Lowest)"))
