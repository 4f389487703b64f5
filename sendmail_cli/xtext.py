"""Values that DSN puts into one word: xtext (RFC 3461 §4), and whom a message was first for (ORCPT, RFC 6533 §3)."""

from __future__ import annotations

import re

from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.addresses import AddrSpec

MAX_ORCPT = 500  # octets as sent; RFC 3461 §5.4

# Patterns, compiled by re when they are used: all of them at every start would be felt.
_NOT_XTEXT = r"[^!-*,-<>-~]"  # neither "+" nor "=" stands for itself
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"
_NOT_UNITEXT = r"[^!-*,-<>-\[\]-~]"  # RFC 6533 §3: the backslash doesn't either
_UNITEXT = r"(?:[!-*,-<>-\[\]-~\x80-\U0010ffff]|\\x\{[0-9A-F]{2,6}\})+"
_EMBEDDED = r"\\x\{([0-9A-Fa-f]{1,6})\}"
_ORIGINAL = r"([A-Za-z0-9!#$%&'*/?^_`{|}~-]+);(.+)"  # an atom for the kind of address
_OF_UTF8 = "utf-8"


def xtext(text: str) -> str:
    """ASCII `text` as xtext."""
    return re.sub(_NOT_XTEXT, lambda match: f"+{ord(match[0]):02X}", text)


def parse_xtext(text: str) -> str:
    """What the xtext says: printable ASCII, spaces among it. Raises `ValueError` (RFC 3461 §4.2, §4.4)."""
    if not re.fullmatch(_XTEXT, text):
        raise ValueError("no xtext")
    said = re.sub(r"\+(..)", lambda match: chr(int(match[1], 16)), text)
    if not all(" " <= character <= "~" for character in said):
        raise ValueError("not printable ASCII")
    return said


def original_recipient(address: AddrSpec) -> str:
    """`address` as ORCPT names it: by RFC 3461 §4.2, beyond ASCII by RFC 6533 §3, in ASCII either way."""
    if address.is_ascii:
        return f"rfc822;{xtext(str(address))}"
    return f"{_OF_UTF8};{embedded(str(address))}"


def embedded(text: str) -> str:
    """`text` in ASCII, what is beyond it by number: `\\x{FC}` (RFC 6533 §3)."""
    return re.sub(_NOT_UNITEXT, lambda match: f"\\x{{{ord(match[0]):02X}}}", text)


def parse_original_recipient(text: str) -> str:
    """The value of ORCPT, as it may be sent on: to the letter, but for characters beyond ASCII (`embedded`).

    Raises `ValueError` where that is none, or would not fit into a report's field.
    """
    match = re.fullmatch(_ORIGINAL, text)
    if match is None:
        raise ValueError("no type of address and address")
    kind, address = match.groups()
    if kind.lower() != _OF_UTF8:
        parse_xtext(address)
    elif re.fullmatch(_UNITEXT, address) and (said := extracted(address)).isprintable() and "\\x{" not in said:
        text = f"{kind};" + re.sub(r"[^ -~]", lambda match: embedded(match[0]), address)
    else:
        raise ValueError("no address of this type")
    if len(text) > MAX_ORCPT:
        raise ValueError("too long")
    return text


def original_field(text: str) -> str:
    """What a report's Original-Recipient says of that (RFC 3464 §2.3.1), in printable ASCII."""
    kind, _, address = text.partition(";")
    try:
        return f"{kind}; {address if kind.lower() == _OF_UTF8 else parse_xtext(address)}"
    except ValueError:  # a row that was damaged
        return f"{kind}; {xtext(address)}"


def extracted(text: str) -> str:
    """What is embedded by number, as characters again."""

    def character(match: re.Match[str]) -> str:
        number = int(match[1], 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else match[0]

    return re.sub(_EMBEDDED, character, text)
