"""The header of a ready message, field by field, without a change to any of them (RFC 5322 §2.2, §4.5)."""

from __future__ import annotations

import re

from sendmail_cli.addressees import LocalName, addressees_of, parse_addressees
from sendmail_cli.addresses import Mailbox, mailboxes_of, parse_address_list
from sendmail_cli.errors import AddressError, DataError
from sendmail_cli.message.headers import MAX_LINE
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn, TypeVar

    from sendmail_cli.message.source import Source

    Person = TypeVar("Person", Mailbox, Mailbox | LocalName)


MAX_HEADER = 8 * 1024 * 1024  # octets; held in memory, and no server takes nearly as much

_EMPTY_LINE = rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)"  # compiled by re when it is used: a header of sendmail(1) ends otherwise
_BLIND = frozenset(("bcc", "resent-bcc"))
_SPACES = bytes.maketrans(b"\r\0", b"  ")


class Field(NamedTuple):
    """A header field as it stands there, with its continuation lines."""

    name: str  # in lower case
    octets: bytes  # lines in CR LF
    line: int  # number of its first line in what was given

    @property
    def is_blind(self) -> bool:
        """True for Bcc and Resent-Bcc, which never leave."""
        return self.name in _BLIND

    @property
    def text(self) -> str:
        """What stands after the colon, unfolded (RFC 5322 §2.2.3). What is not UTF-8 shows as U+FFFD."""
        value = self.octets.partition(b":")[2].replace(b"\r\n", b"")
        return value.decode("utf-8", "replace")


class RawHeader(NamedTuple):
    """All fields, and where the body begins."""

    fields: tuple[Field, ...]
    lines: int  # up to the body, the empty one between and an mbox's first one counted
    body_start: int  # octets into the source
    is_ended: bool  # by an empty line; without one there is no body


def read_header(source: Source) -> RawHeader:
    """The header at the beginning of `source`; an mbox's `From ` line before it is passed over.

    Raises `DataError` with the number of the line that is no header field, is too long or has a NUL.
    """
    head, body_start, is_ended = _split_off(source)
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    first = 1 if lines[0].startswith(b"From ") and field_name(lines[0]) is None else 0
    fields = _fields_of(lines[first:], first + 1)
    if not fields:  # nothing but an mbox's line
        _fail_no_field(b"", first + 1, is_first=True)
    for field in fields:
        _check(field)
    return RawHeader(fields, len(lines) + is_ended, body_start, is_ended)


def read_loose_header(source: Source) -> RawHeader:
    """As `read_header`, but the first line that is no field begins the body, empty or not: so sendmail(8) reads it.

    There may be no field at all. A CR or NUL within a line is read as a space: it is a slip, and no line of its own,
    or whoever lets only LF stand could be made to name a Bcc. Raises `DataError` for a header without end.
    """
    lines, body_start = _loose_lines(source)
    first = 1 if lines and lines[0].startswith(b"From ") else 0
    return RawHeader(_fields_of(lines[first:], first + 1), len(lines), body_start, is_ended=True)


def _loose_lines(source: Source) -> tuple[list[bytes], int]:
    """The lines of the header without their ends, and where the body begins."""
    lines: list[bytes] = []
    at = 0
    for line in _lines_of(source):
        bare = line.rstrip(b"\r\n").translate(_SPACES)
        is_more = bare.startswith((b" ", b"\t")) and bool(lines)
        is_mailbox = not lines and bare.startswith(b"From ")
        if field_name(bare) is None and not is_more and not is_mailbox:
            return lines, at if bare else at + len(line)
        at += len(line)
        if at > MAX_HEADER:
            _fail_endless()
        lines.append(bare)
    return lines, at


def _lines_of(source: Source) -> Iterator[bytes]:
    """The lines with their LF, or CR where there is no LF; one that is as long as a header may be comes in pieces."""
    held = end = b""
    for chunk in source.chunks():
        end = end or (b"\r" if b"\r" in chunk and b"\n" not in chunk else b"\n")
        *whole, held = (held + chunk).split(end)
        for line in whole:
            yield line + end
        if len(held) > MAX_HEADER:
            yield held
            held = b""
    if held:
        yield held


def _fields_of(lines: list[bytes], number: int) -> tuple[Field, ...]:
    """The fields in `lines`, of which the first has that number. Raises `DataError` for a line that is none."""
    fields: list[Field] = []
    collected: list[bytes] = []
    name, begun = "", number
    for at, line in enumerate(lines, number):
        if collected and line.startswith((b" ", b"\t")):
            collected.append(line)
            continue
        if collected:
            fields.append(Field(name, b"\r\n".join([*collected, b""]), begun))
        name, collected, begun = _name(line, at, is_first=at == number), [line], at
    if collected:
        fields.append(Field(name, b"\r\n".join([*collected, b""]), begun))
    return tuple(fields)


def topmost_resent_block(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The Resent fields of who sent it on last; () when nobody did (RFC 5322 §3.6.6).

    Blocks stand one above the other: one ends where another field comes, or where one of its own comes again.
    """
    block: dict[str, Field] = {}
    for field in fields:
        is_resent = field.name.startswith("resent-")
        if block and (not is_resent or field.name in block):
            break
        if is_resent:
            block[field.name] = field
    return tuple(block.values())


def mailboxes_in(fields: tuple[Field, ...], name: str, hint: str) -> tuple[Mailbox, ...]:
    """The mailboxes in each of `fields` that is called `name`, groups opened, names as they are written there.

    Raises `AddressError` with the line and `hint` for a field that can't be understood.
    """
    return _people_in(fields, name, hint, lambda text: mailboxes_of(parse_address_list(text)))


def addressees_in(fields: tuple[Field, ...], name: str, hint: str) -> tuple[Mailbox | LocalName, ...]:
    """As `mailboxes_in`, with names that have no domain."""
    return _people_in(fields, name, hint, lambda text: addressees_of(parse_addressees(text)))


def _people_in(
    fields: tuple[Field, ...], name: str, hint: str, parse: Callable[[str], tuple[Person, ...]]
) -> tuple[Person, ...]:
    found: list[Person] = []
    for field in fields:
        if field.name != name:
            continue
        try:
            people = parse(field.text.strip(" \t"))
        except AddressError as error:
            raise AddressError(f"line {field.line}, {name}: {error.sentence}", hint=hint) from None
        if any("\ufffd" in str(person[1]) for person in people):
            raise AddressError(f"line {field.line}, {name}: an address is not valid UTF-8", hint=hint)
        found += people
    return tuple(found)


def _split_off(source: Source) -> tuple[bytes, int, bool]:
    """The header with the end of its last line, where the body begins, and whether an empty line stands between."""
    head = bytearray()
    for chunk in source.chunks():
        looked_at = max(len(head) - 3, 0)  # CR LF CR may have come already
        head += chunk
        found = re.compile(_EMPTY_LINE).search(head, looked_at)
        # A CR that comes last may be the first half of a CR LF.
        if found is not None and (found.end() < len(head) or not head.endswith(b"\r")):
            return _parts(head, found)
        if found is None and len(head) > MAX_HEADER:
            _fail_endless()
    found = re.compile(_EMPTY_LINE).search(head, max(len(head) - 4, 0))
    return (bytes(head), len(head), False) if found is None else _parts(head, found)


def _fail_endless() -> NoReturn:
    raise DataError(f"the header of the message is longer than {MAX_HEADER} octets: no empty line ends it")


def _parts(head: bytearray, found: re.Match[bytes]) -> tuple[bytes, int, bool]:
    _refuse_mixed_ends(bytes(head[: found.end()]), is_mixed=b"\n" in head)
    first_end = 2 if found[0].startswith(b"\r\n") else 1
    return bytes(head[: found.start() + first_end]), found.end(), True


def _refuse_mixed_ends(head: bytes, *, is_mixed: bool) -> None:
    """Raises `DataError` where CR alone ends a line of the header and LF others (`is_mixed`), as in CR CR LF.

    It would be one empty line to us and none to the author: the fields below it, a Bcc among them, would be text.
    """
    if is_mixed and b"\r" in head.replace(b"\r\n", b""):
        at = next(at for at in range(len(head)) if head[at : at + 1] == b"\r" and head[at + 1 : at + 2] != b"\n")
        number = head.count(b"\n", 0, at) + 1
        raise DataError(
            f"line {number} of the message ends in a CR of its own, and other lines in LF",
            hint="Something converted its line ends twice. Write the header's lines with LF or CR LF alone.",
        )


def field_name(line: bytes) -> str | None:
    """The name, in lower case, of the field that begins with `line`; None where none does."""
    octets, colon, _ = line.partition(b":")
    name = octets.rstrip(b" \t").decode("latin-1")  # RFC 5322 §4.5 lets white space stand before the colon
    is_name = name.isascii() and name.isprintable() and " " not in name
    return name.lower() if colon and name and is_name else None


def fields_of(lines: list[bytes], first_line: int) -> tuple[Field, ...]:
    """The fields that `lines` are, each with the lines that continue it (RFC 5322 §2.2.3)."""
    fields: list[Field] = []
    collected: list[bytes] = []
    for number in range(len(lines) - 1, -1, -1):  # a field is known when its first line is met
        collected.append(lines[number])
        name = None if lines[number].startswith((b" ", b"\t")) else field_name(lines[number])
        if name is not None:
            fields.append(Field(name, b"\r\n".join([*reversed(collected), b""]), first_line + number))
            collected.clear()
    return tuple(reversed(fields))


def _name(line: bytes, number: int, *, is_first: bool) -> str:
    name = field_name(line)
    if name is None:
        _fail_no_field(line, number, is_first=is_first)
    return name


def _fail_no_field(line: bytes, number: int, *, is_first: bool) -> NoReturn:
    shown = printable(line.decode("utf-8", "replace"), 60)
    if is_first:
        raise DataError(
            f"line {number} is no header field: “{shown}”",
            hint="A ready message begins with its header; for a plain text body use --body-file.",
        )
    raise DataError(
        f"line {number} is no header field: “{shown}”", hint="An empty line must stand between header and body."
    )


def _check(field: Field) -> None:
    """Raises `DataError` for a line that can't leave as it is."""
    if field.is_blind:  # it doesn't leave
        return
    for at, line in enumerate(field.octets.split(b"\r\n"), field.line):
        if len(line) > MAX_LINE:
            raise DataError(
                f"line {at} of the message has more than {MAX_LINE} octets, which no server must take",
                hint="Fold it: a header may go on in a next line that begins with a space.",
            )
        if b"\0" in line:
            raise DataError(
                f"line {at} of the message has a NUL, which no mail can hold",
                hint="Take it out: a header is lines of text.",
            )
