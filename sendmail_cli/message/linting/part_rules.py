"""Rules about how the parts are made (RFC 2045) and about what is attached."""

from __future__ import annotations

import codecs
from io import BytesIO

from sendmail_cli.message.linting.finding import Flaw
from sendmail_cli.message.linting.letter import place
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipInfo

    from sendmail_cli.message.anatomy import Part
    from sendmail_cli.message.linting.letter import Letter

MEGABYTE = 1024 * 1024  # octets
TOO_LARGE = 25 * MEGABYTE  # Gmail, Yahoo, Fastmail and others
LARGE = 10 * MEGABYTE  # what Postfix takes unless it is told otherwise (message_size_limit)
SHORTENED = 80  # characters of a name in a sentence

# support.google.com/mail/answer/6590, and what Outlook blocks at least as long.
EXECUTABLES = frozenset((
    "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl", "diagcab", "diagcfg",
    "diagpkg", "dll", "dmg", "ex", "ex_", "exe", "hta", "img", "ins", "iso", "isp", "jar", "jnlp", "js", "jse", "lib",
    "lnk", "mde", "mjs", "msc", "msi", "msix", "msixbundle", "msp", "mst", "nsh", "pif", "ps1", "reg", "scr", "sct",
    "shb", "sys", "vb", "vbe", "vbs", "vhd", "vxd", "wsc", "wsf", "wsh", "xll",
))  # fmt: skip
_PROGRAMS = (
    (b"MZ", "a program for Windows"),
    (b"\x7fELF", "a program for Linux"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS"),
    (b"\xca\xfe\xba\xbe", "a program for macOS or Java"),
)
_ZIP = b"PK\x03\x04"
_IS_ENCRYPTED = 1  # of a ZIP entry's flags (APPNOTE.TXT §4.4.4)
_MAX_NAMES = 10000  # of a ZIP


def mime_broken(letter: Letter) -> Iterator[Flaw]:
    """Each reader makes something else of it."""
    for part in letter.message.walk():
        if part.problem:
            yield Flaw(
                f"readers will not agree on what this is: {part.problem}",
                "Have the message made by a program that knows MIME, or composed here.",
                place(part),
                part.line,
            )


def mime_version_missing(letter: Letter) -> Iterator[Flaw]:
    """RFC 2045 §4: without it the fields of MIME mean nothing."""
    fields = [field for field in letter.message.fields if field.name.startswith("content-")]
    if fields and not letter.fields("mime-version"):
        yield Flaw(
            f"there is {fields[0].name} and no MIME-Version",
            "Add “MIME-Version: 1.0” to the header.",
            "MIME-Version",
            fields[0].line,
        )


def charset_missing(letter: Letter) -> Iterator[Flaw]:
    """RFC 2046 §4.1.2: without one it is ASCII."""
    for part in letter.leaves:
        if part.main_type == "text" and not part.charset and not part.beginning.isascii():
            yield Flaw(
                "the text is beyond ASCII, and no charset says how to read it",
                "Add “; charset=utf-8”, or what it is in, to the Content-Type.",
                place(part),
                part.line,
            )


def charset_wrong(letter: Letter) -> Iterator[Flaw]:
    """Unknown, or not what the text is in."""
    for part in letter.leaves:
        if part.main_type != "text" or not part.charset:
            continue
        what = _misfit(part)
        if what:
            yield Flaw(f"the charset “{printable(part.charset, 40)}” {what}", "Name the right one.", place(part))


def _misfit(part: Part) -> str:
    try:
        decoder = codecs.getincrementaldecoder(part.charset)()
    except (LookupError, ValueError, TypeError):
        return "is one that nobody knows"
    try:
        decoder.decode(part.beginning, final=False)
    except (ValueError, TypeError, AssertionError):
        return "is not what the text is in"
    return ""


def unlabelled_8bit(letter: Letter) -> Iterator[Flaw]:
    """RFC 2045 §6.1: without a label it is 7-bit."""
    for part in letter.leaves:
        if part.is_8bit and part.encoding not in {"8bit", "binary"}:
            yield Flaw(
                f"it holds 8-bit octets and says {part.encoding}",
                "Say “Content-Transfer-Encoding: 8bit”, or encode it as quoted-printable.",
                place(part),
                part.line,
            )


def executable(letter: Letter) -> Iterator[Flaw]:
    """By name or by what it is."""
    for part in letter.leaves:
        ending = _ending(part.name)
        kind = next((kind for magic, kind in _PROGRAMS if part.beginning.startswith(magic)), "")
        if ending in EXECUTABLES or (kind and part.main_type not in {"text", "image"}):
            what = kind or f"a .{ending}"
            yield Flaw(
                f"this is {what}, and nearly every receiver refuses programs",
                "Put it where it can be downloaded, and send the link.",
                place(part),
            )


def executable_packed(letter: Letter) -> Iterator[Flaw]:
    """Receivers look into ZIPs, too."""
    for part in letter.leaves:
        found = next((entry.filename for entry in _entries(part) if _ending(entry.filename) in EXECUTABLES), None)
        if found is not None:
            yield Flaw(
                f"in this ZIP is a program, “{printable(found, SHORTENED)}”",
                "Put it where it can be downloaded, and send the link.",
                place(part),
            )


def archive_locked(letter: Letter) -> Iterator[Flaw]:
    """What can't be looked into is refused by many, or kept back."""
    for part in letter.leaves:
        if any(entry.flag_bits & _IS_ENCRYPTED for entry in _entries(part)):
            yield Flaw(
                "this ZIP asks for a password, so no receiver can look into it",
                "Encrypt the whole message (OpenPGP, S/MIME), or send a link.",
                place(part),
            )


def _entries(part: Part) -> list[ZipInfo]:
    """What is in a ZIP, by its table of contents; nothing for another file."""
    if not part.beginning.startswith(_ZIP):
        return []
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(BytesIO(part.beginning if part.is_whole else part.end)) as archive:
            return archive.infolist()[:_MAX_NAMES]
    except (BadZipFile, ValueError, OSError, NotImplementedError, IndexError, OverflowError):
        return []


def _ending(name: str) -> str:
    return name.rstrip(". ").rpartition(".")[2].lower() if "." in name else ""


def name_hides(letter: Letter) -> Iterator[Flaw]:
    """A direction mark shows “exe.pdf” where “fdp.exe” is: what malware does."""
    for part in letter.leaves:
        if printable(part.name) != part.name[:1000] and len(part.name) <= 1000:
            yield Flaw(
                f"its name has characters that nobody sees: “{printable(part.name, SHORTENED)}”",
                "Name it without them: --attach-as.",
                f"part {part.number}",
            )


def attachment_empty(letter: Letter) -> Iterator[Flaw]:
    """Most likely a mistake."""
    for part in letter.leaves:
        if part.is_attachment and not part.size:
            yield Flaw("this attachment is empty", "Look at the file.", place(part))


def too_large(letter: Letter) -> Iterator[Flaw]:
    """More than most take."""
    if letter.size > TOO_LARGE:
        yield Flaw(
            f"the message has {letter.size / MEGABYTE:.1f} MB on the wire; most servers take 25 MB, many less",
            "Put the files where they can be downloaded, and send the link.",
        )


def large(letter: Letter) -> Iterator[Flaw]:
    """More than some take."""
    if LARGE < letter.size <= TOO_LARGE:
        yield Flaw(
            f"the message has {letter.size / MEGABYTE:.1f} MB on the wire; servers with small limits take 10 MB",
            "Put large files where they can be downloaded, and send the link.",
        )
