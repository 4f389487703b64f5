"""What the header of a message or of a part says of its body (RFC 2045 §4 to §6), and the same header relabelled."""

from __future__ import annotations

import re

from sendmail_cli.message.headers import parameter_field, structured_field
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.message.raw_header import Field

IDENTITIES = frozenset(("7bit", "8bit", "binary"))  # the body stands as it is; RFC 2045 §6.2
MAX_BOUNDARY = 200  # octets; RFC 2046 §5.1.1 says 70

_TYPE = "content-type"
_ENCODING = "content-transfer-encoding"
_WORD = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rf"[ \t]*({_WORD})/({_WORD})[ \t]*(?=[;(]|\Z)")
_MECHANISM = re.compile(rf"[ \t]*({_WORD})[ \t;]*(?=\(|\Z)")
_PARAMETER = re.compile(rf'[ \t]*({_WORD})[ \t]*=[ \t]*(?:"((?>[^"\\]+|\\.)*)"|([^\s;"]+))')
_QUOTED_PAIR = re.compile(r"\\(.)")


class MimeHeader(NamedTuple):
    """The header of a message or of a part of one, and what it says of the body below."""

    fields: tuple[Field, ...]
    is_message: bool  # a whole message's; else a part's
    media_type: str  # "text/plain", in lower case
    boundary: bytes | None  # of a multipart that has one
    encoding: str  # the Content-Transfer-Encoding, in lower case
    problem: str  # why the body must not be touched, as the end of a sentence; "" for nothing

    @property
    def has_type(self) -> bool:
        """True when a Content-Type stands there."""
        return any(field.name == _TYPE for field in self.fields)

    @property
    def main_type(self) -> str:
        """What stands before the slash of the media type."""
        return self.media_type.partition("/")[0]

    def relabelled(self, encoding: str, charset: str | None = None) -> bytes:
        """The fields with that transfer encoding; with `charset`, with the Content-Type of plain text too.

        All else stays as it is, but that a whole message gets the MIME-Version it lacks (RFC 2045 §4).
        """
        field = structured_field("Content-Transfer-Encoding", encoding)
        octets = [field if given.name == _ENCODING else given.octets for given in self.fields]
        names = {given.name for given in self.fields}
        if self.is_message and "mime-version" not in names:
            octets.append(b"MIME-Version: 1.0\r\n")
        if charset is not None:
            octets.append(parameter_field("Content-Type", "text/plain", [f"charset={charset}"]))
        if _ENCODING not in names:
            octets.append(field)
        return b"".join(octets)


def mime_header(
    fields: tuple[Field, ...], *, is_message: bool, default_type: str = "text/plain", problem: str = ""
) -> MimeHeader:
    """What `fields` say; a `problem` that is known already goes before those found here."""
    found: dict[str, Field] = {}
    for field in fields:
        if field.name in {_TYPE, _ENCODING}:
            if field.name in found:
                problem = problem or f"the field {field.name} stands twice above it"
            found.setdefault(field.name, field)
    media_type, boundary, encoding = default_type, None, "7bit"
    if _TYPE in found:
        text = found[_TYPE].text
        match = _MEDIA_TYPE.match(text)
        if match is None:
            problem = problem or f"its Content-Type is none: “{printable(text.strip(), 60)}”"
        else:
            media_type = f"{match[1]}/{match[2]}".lower()
            boundary = _boundary(text, match.end()) if media_type.startswith("multipart/") else None
    if _ENCODING in found:
        text = found[_ENCODING].text
        match = _MECHANISM.match(text)
        encoding = match[1].lower() if match is not None else printable(text.strip(), 60)
    return MimeHeader(fields, is_message, media_type, boundary, encoding, problem)


def _boundary(text: str, at: int) -> bytes | None:
    """The parameter of that name; one that is empty, too long or in the form of RFC 2231 is none."""
    while True:
        at = text.find(";", at) + 1
        if at == 0:
            return None
        match = _PARAMETER.match(text, at)
        if match is None:
            continue
        at = match.end()
        if match[1].lower() == "boundary":
            value = match[3] if match[2] is None else _QUOTED_PAIR.sub(r"\1", match[2])
            boundary = value.rstrip(" \t").encode()
            return boundary if 0 < len(boundary) <= MAX_BOUNDARY else None
