"""Attachments: the right type by content, a name that is only a name, and a word where we had to guess."""

from __future__ import annotations

import builtins
import io
from typing import TYPE_CHECKING

import pytest

from sendmail_cli.errors import DataError, HeaderError
from sendmail_cli.message.attachments import (
    Attachment,
    MediaType,
    attachment_from_file,
    attachment_from_stream,
    check_name,
    parse_media_type,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_mock import MockerFixture

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"


def attached(octets: bytes, name: str, media_type: str | None = None) -> tuple[Attachment, list[str]]:
    notes: list[str] = []
    return attachment_from_stream(io.BytesIO(octets), name=name, media_type=media_type, note=notes.append), notes


@pytest.mark.parametrize(
    ("octets", "name", "expected"),
    [
        (b"%PDF-1.7\n", "report.txt", MediaType("application/pdf")),  # the content, not the name
        (PNG, "x", MediaType("image/png")),
        (b"a,b\n1,2\n", "t.csv", MediaType("text/csv", (("charset", "us-ascii"),))),
        (b"# Title\n", "a.md", MediaType("text/markdown", (("charset", "us-ascii"),))),
        (b"some notes\n", "a.json", MediaType("application/json")),
        (b"only words\n", "film.mp4", MediaType("text/plain", (("charset", "us-ascii"),))),
        (b"\0\1\2\x99", "film.mp4", MediaType("video/mp4")),
        (b"\0\1\2\x99", "notes.txt", MediaType("application/octet-stream")),
        (b"\0\1\2\x99", "notes", MediaType("application/octet-stream")),
        (b"\0\1\2\x99", "a.txt.gz", MediaType("application/octet-stream")),
        (b"", "a.csv", MediaType("text/csv", (("charset", "us-ascii"),))),
        (b"", "a", MediaType("application/octet-stream")),
        ("grün\n".encode(), "a.txt", MediaType("text/plain", (("charset", "utf-8"),))),
        (b"caf\xe9\n", "a.txt", MediaType("text/plain", (("charset", "iso-8859-1"),))),
        ("hi".encode("utf-16"), "a.txt", MediaType("text/plain", (("charset", "utf-16"),))),
        ("hi".encode("utf-32"), "a.txt", MediaType("text/plain")),
        (b"x\x80\x81", "a.txt", MediaType("text/plain")),
    ],
)
def test_the_type_follows_from_the_content_and_the_name_makes_it_exact(
    octets: bytes, name: str, expected: MediaType
) -> None:
    attachment, notes = attached(octets, name)
    assert (attachment.media_type, attachment.parameters) == expected
    assert attachment.size == len(octets)
    assert notes == []


@pytest.mark.parametrize(
    ("found", "name", "expected"),
    [
        ("application/zip; charset=binary", "a.odt", "application/vnd.oasis.opendocument.text"),
        ("application/zip; charset=binary", "a.zip", "application/zip"),
        ("application/zip; charset=binary", "a.png", "application/zip"),
        ("application/CDFV2; charset=binary", "a.doc", "application/msword"),
        ("application/octet-streamapplication/octet-stream; charset=binary", "a.mp4", "video/mp4"),
        ("cannot open", "a", "application/octet-stream"),
    ],
)
def test_a_container_is_named_for_what_is_in_it(mocker: MockerFixture, found: str, name: str, expected: str) -> None:
    mocker.patch("magic.Magic.from_buffer", return_value=found)
    assert attached(b"x", name)[0].media_type == expected


def test_the_charset_is_that_of_the_whole_file_not_of_its_beginning() -> None:
    ascii_part = b"a line of text\n" * 10_000
    assert attached(ascii_part, "a.txt")[0].parameters == (("charset", "us-ascii"),)
    assert attached(ascii_part + "ü".encode(), "a.txt")[0].parameters == (("charset", "utf-8"),)
    assert attached(ascii_part + b"\xfc", "a.txt")[0].parameters == ()
    straddling = b"a" * (64 * 1024 - 1) + "ü".encode() + b"z"
    assert attached(straddling, "a.txt")[0].parameters == (("charset", "utf-8"),)
    assert attached(straddling[:-2], "a.txt")[0].parameters != (("charset", "utf-8"),)


@pytest.mark.parametrize("missing", [ImportError, "magic"])
def test_without_libmagic_the_name_decides_and_a_note_says_so(
    missing: object, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    if missing is ImportError:
        real = builtins.__import__

        def importing(name: str, *rest: object) -> object:
            if name == "magic":
                raise ImportError("failed to find libmagic")
            return real(name, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(builtins, "__import__", importing)
    else:
        import magic

        mocker.patch("magic.Magic", side_effect=magic.MagicException("could not find any valid magic files"))
    attachment, notes = attached(b"\0\1", "film.mp4")
    assert attachment.media_type == "video/mp4"
    assert len(notes) == 1
    assert "from its name" in notes[0]
    assert attached(b"\0\1", "film")[0].media_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("octets", "given"), [(b"From: a@b.c\nSubject: x\n\nhi\n", None), (b"x", "multipart/mixed; boundary=x")]
)
def test_what_base64_is_forbidden_for_goes_as_octets(octets: bytes, given: str | None) -> None:
    attachment, notes = attached(octets, "mail.eml", given)
    assert (attachment.media_type, attachment.parameters) == ("application/octet-stream", ())
    assert "application/octet-stream" in notes[0]


def test_a_given_type_wins() -> None:
    assert attached(b"%PDF", "x", "Text/X-Log; Charset=koi8-r")[0][2:4] == ("text/x-log", (("charset", "koi8-r"),))
    assert attached("ü".encode(), "x", "text/csv; header=present")[0].parameters == (
        ("header", "present"),
        ("charset", "utf-8"),
    )
    assert attached(b"", "x", 'application/x-a; p="a \\"b\\""; q=1')[0].parameters == (("p", 'a "b"'), ("q", "1"))


@pytest.mark.parametrize(
    "text",
    [
        "", "text", "text/", "/plain", "text/plain;", "text/plain; x", "text/plain; x=", "text/plain x=1",
        "text/plain\r\nX: y", "text/plain; a=1; A=2", 'text/plain; a="ü"', 'text/plain; a="\n"', "te xt/plain",
        "text/ü", "a/" + "b" * 128, "text/plain; name=x", 'text/plain; a="open',
    ],
)  # fmt: skip
def test_what_is_no_media_type_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="type"):
        parse_media_type(text)


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a\\b",
        "",
        ".",
        "..",
        " ",
        "a\0",
        "a\r\nb",
        "a\tb",
        "\x1b[2J",
        "a\x85",
        "a\udcff",
        "ü" * 128,
        "/etc/passwd",
    ],
)
def test_duty53_a_name_must_be_a_name_alone(name: str) -> None:
    with pytest.raises(HeaderError, match="file name"):
        check_name(name)


def test_a_file_is_shown_without_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a\\b – ü.txt"
    path.write_bytes(b"x")
    assert attachment_from_file(str(path), note=print).name == "a_b – ü.txt"
    assert attachment_from_file(str(path), name="c.txt", note=print).name == "c.txt"


def test_a_file_with_an_impossible_name_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a\nb"
    path.write_bytes(b"x")
    with pytest.raises(HeaderError, match="line break") as caught:
        attachment_from_file(str(path), note=print)
    assert "--attach-as" in caught.value.hint
    attachment_from_file(str(path), name="ab", note=print)
