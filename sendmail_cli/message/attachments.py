"""A file to attach: its octets, the name shown for it and its media type.

The type follows from the content (libmagic); the name's extension only makes it more exact. `text/*` carries its
charset, found by reading all of it: the first octets of a long file may well be ASCII and the rest not.
"""

from __future__ import annotations

import codecs
import os
import re

from sendmail_cli.errors import DataError, HeaderError
from sendmail_cli.message.charsets import parse_file_charset
from sendmail_cli.message.headers import check_text
from sendmail_cli.message.source import open_file, read_stream
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from sendmail_cli.message.raw import RawMessage
    from sendmail_cli.message.source import Source

MAX_NAME = 255  # octets of UTF-8: what file systems take
SNIFFED = 64 * 1024  # octets that libmagic gets to see; an ISO image is known by its octets from 32 KiB on
ANY_TYPE = "application/octet-stream"
MESSAGE_TYPE = "message/rfc822"
MAX_TYPE = 127  # characters on either side of the slash; RFC 6838 §4.2

_NAME_CHARACTERS = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"  # RFC 6838 §4.2
_MEDIA_TYPE = re.compile(f"({_NAME_CHARACTERS})/({_NAME_CHARACTERS})")
_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*([A-Za-z0-9!#$&^_.+-]+)=(?:([A-Za-z0-9!#$%&'*+.^_`{|}~-]+)|"((?:[^"\\]|\\.)*)")""", re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
# Text by what it is, whatever its top-level type is called.
_TEXTUAL = re.compile(r"text/.*|.*\+(?:xml|json)|application/(?:json|xml|javascript|sql|yaml|toml|x-sh|x-tex|rtf)")
# Containers, and the names of what is kept in them.
_KEPT_IN = {
    "application/zip": ("application/vnd.", "application/epub+zip", "application/java-archive"),
    "application/x-ole-storage": ("application/msword", "application/vnd.ms-"),
    "application/cdfv2": ("application/msword", "application/vnd.ms-"),
}
_EMPTY = ("application/x-empty", "inode/x-empty")


class MediaType(NamedTuple):
    """`type/subtype` and its parameters (RFC 2045 §5.1)."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()


class Attachment(NamedTuple):
    """A file ready to be sent, any number of times."""

    source: Source
    name: str  # without folders
    media_type: str  # in lower case, without parameters
    parameters: tuple[tuple[str, str], ...] = ()  # charset, or what was given with the type
    message: RawMessage | None = None  # what `source` is, fit for a message/rfc822
    disposition: str = "attachment"  # or "inline" (RFC 2183 §2)
    content_id: str | None = None  # without angle brackets, by which HTML shows it (RFC 2392)

    @property
    def size(self) -> int:
        """Octets, before they are encoded."""
        return self.source.size


def attachment_from_file(
    path: str,
    *,
    name: str | None = None,
    media_type: str | None = None,
    charset: str | None = None,
    note: Callable[[str], None],
) -> Attachment:
    """The file at `path`, opened and measured now.

    `media_type` and `charset` are found out where they are None; `note` gets what is worth knowing of how. Raises
    `InputError` when it can't be opened, `InputOutputError` when it can't be read, `HeaderError` for the name,
    `DataError` for the media type, the charset, or what isn't in it.
    """
    source = open_file(path)  # first: what is wrong with the file is not wrong with its name
    shown = name_of_file(path) if name is None else check_name(name)
    given = None if media_type is None else parse_media_type(media_type)
    return _attachment(source, shown, given, charset, note)


def attachment_from_stream(
    stream: IO[bytes],
    *,
    name: str,
    media_type: str | None = None,
    charset: str | None = None,
    note: Callable[[str], None],
) -> Attachment:
    """What is left in `stream`, read to its end. Raises as `attachment_from_file`."""
    given = None if media_type is None else parse_media_type(media_type)
    shown = check_name(name)
    return _attachment(read_stream(stream), shown, given, charset, note)


def check_name(name: str) -> str:
    """`name`, fit to be shown as that of a file (RFC 2183 §2.3). Raises `HeaderError`."""
    where = f"the file name “{printable(name, 80)}”"
    check_text(where, name)
    if "/" in name or "\\" in name:
        raise HeaderError(f"{where} must be a name alone, without “/” and “\\”")
    if not name.strip(" .") or len(name.encode()) > MAX_NAME:
        raise HeaderError(f"{where} can't be used: it must have a letter or a digit and at most {MAX_NAME} octets")
    return name


def name_of_file(path: str) -> str:
    """The name that the file at `path` is shown under. Raises `HeaderError` with the way out."""
    name = os.path.basename(path)
    try:
        return check_name(name.replace("\\", "_"))  # to half of the readers it separates folders
    except HeaderError as error:
        raise HeaderError(error.sentence, hint="Give it another name: --attach-as NAME FILE") from None


def parse_media_type(text: str) -> MediaType:
    """`type/subtype; name=value` (RFC 2045 §5.1). Raises `DataError`."""
    fault = DataError(f"“{printable(text, 80)}” is no media type", hint="It looks like text/csv; charset=utf-8.")
    stripped = text.strip(" \t")
    found = _MEDIA_TYPE.match(stripped)
    if found is None or len(found[1]) > MAX_TYPE or len(found[2]) > MAX_TYPE:
        raise fault
    parameters: dict[str, str] = {}
    at = found.end()
    while at < len(stripped):
        parameter = _PARAMETER.match(stripped, at)
        if parameter is None or parameter[1].lower() in parameters:
            raise fault
        value = parameter[2] if parameter[2] is not None else _QUOTED_PAIR.sub(r"\1", parameter[3])
        if not (value.isascii() and value.isprintable()):
            raise fault
        parameters[parameter[1].lower()] = value
        at = parameter.end()
    if "name" in parameters:
        raise DataError("the name of an attachment is no part of its type", hint="Use --attach-as NAME FILE.")
    return MediaType(found[0].lower(), tuple(parameters.items()))


def _attachment(
    source: Source, name: str, given: MediaType | None, charset: str | None, note: Callable[[str], None]
) -> Attachment:
    if given is not None and given.name == MESSAGE_TYPE:
        return _attached_message(source, name, given, charset)
    media_type = _found_type(source, name, note) if given is None else given
    if media_type.name.startswith(("message/", "multipart/")):
        # RFC 2046 §5 allows these no base64, and without it they might not be 7-bit.
        note(f"{source.label} is {media_type.name} and goes as {ANY_TYPE}, so that every server takes it as it is")
        media_type = MediaType(ANY_TYPE)
    if charset is not None:
        media_type = _in_charset(source, name, media_type, charset)
    elif media_type.name.startswith("text/") and "charset" not in dict(media_type.parameters):
        found = charset_of(source)
        if found is not None:
            media_type = MediaType(media_type.name, (*media_type.parameters, ("charset", found)))
    return Attachment(source, name, media_type.name, media_type.parameters)


def _attached_message(source: Source, name: str, given: MediaType, charset: str | None) -> Attachment:
    """A message as a message, by whoever asks for that (RFC 2046 §5.2.1)."""
    from sendmail_cli.message.raw import embedded_message

    if charset is not None or given.parameters:
        raise DataError(f"{MESSAGE_TYPE} has no parameters: a message says itself in which charset it is")
    return Attachment(source, name, MESSAGE_TYPE, message=embedded_message(source))


def _in_charset(source: Source, name: str, media_type: MediaType, charset: str) -> MediaType:
    """`media_type` with the charset that was given; what was taken for octets is text then. Raises `DataError`."""
    label = parse_file_charset(charset)
    if media_type.name == ANY_TYPE:
        by_name = _type_by_name(name)
        is_text = by_name is not None and _TEXTUAL.fullmatch(by_name) is not None
        media_type = MediaType(by_name if by_name is not None and is_text else "text/plain")
    if _TEXTUAL.fullmatch(media_type.name) is None:
        raise DataError(
            f"{source.label} is {media_type.name}, which is no text and so in no charset",
            hint="--attach-type text/plain FILE says that it is text all the same.",
        )
    _check_charset(source, label)
    others = tuple(pair for pair in media_type.parameters if pair[0] != "charset")
    return MediaType(media_type.name, (*others, ("charset", label)))


def _check_charset(source: Source, charset: str) -> None:
    """Raises `DataError` unless all of `source` is text in `charset`."""
    decoder = codecs.getincrementaldecoder(charset)()
    try:
        for chunk in source.chunks():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source.label} is no text in {charset}: {printable(error.reason)}",
            hint="A charset that isn't true makes readers show other characters than were meant.",
        ) from None


def _found_type(source: Source, name: str, note: Callable[[str], None]) -> MediaType:
    """The type by content, made more exact by the name; text in an 8-bit charset comes with its charset."""
    by_name = _type_by_name(name)
    beginning = next(source.chunks(SNIFFED), b"")
    try:
        from magic import Magic, MagicException
    except ImportError:
        note(f"the type of {source.label} was taken from its name, since libmagic is not installed")
        return MediaType(by_name or ANY_TYPE)
    try:
        found = Magic(mime=True, mime_encoding=True).from_buffer(beginning)
    except MagicException as error:
        note(f"the type of {source.label} was taken from its name, since libmagic failed: {printable(str(error), 200)}")
        return MediaType(by_name or ANY_TYPE)
    by_content, _, parameters = found.partition(";")
    media_type = _more_exact(by_content.strip().lower(), by_name)
    # Not to be told from other 8-bit charsets with certainty, but UTF-8 it is not, and this is what libmagic says.
    if media_type.startswith("text/") and parameters.strip() == "charset=iso-8859-1":
        return MediaType(media_type, _eight_bit_charset(source))
    return MediaType(media_type)


def _more_exact(by_content: str, by_name: str | None) -> str:
    """The type by content, or that by name where it is a kind of the former.

    Text that the name calls CSV is CSV; octets that the name calls a film may be one; but text is no film.
    """
    if not _MEDIA_TYPE.fullmatch(by_content):  # libmagic is known to say two types in one
        by_content = ANY_TYPE
    if by_content in _EMPTY:
        return by_name or ANY_TYPE
    if by_name is None:
        return by_content
    is_text = _TEXTUAL.fullmatch(by_name) is not None
    if by_content == "text/plain":
        return by_name if is_text else by_content
    if by_content == ANY_TYPE:
        return by_content if is_text else by_name
    return by_name if by_name.startswith(_KEPT_IN.get(by_content, ())) else by_content


def _type_by_name(name: str) -> str | None:
    import mimetypes

    guessed, compression = mimetypes.guess_type(name)
    # “.tar.gz” is named for what is inside
    return guessed if compression is None else None


def _eight_bit_charset(source: Source) -> tuple[tuple[str, str], ...]:
    return () if charset_of(source) is not None else (("charset", "iso-8859-1"),)


def charset_of(source: Source) -> str | None:
    """The charset in which all of `source` is text, where its octets leave no doubt."""
    first = next(source.chunks(4), b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None if first == codecs.BOM_UTF32_LE else "utf-16"  # RFC 2781 §4.3: the mark says which
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    try:
        for chunk in source.chunks():
            if not (is_ascii and chunk.isascii()):
                is_ascii = False
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return "us-ascii" if is_ascii else "utf-8"
