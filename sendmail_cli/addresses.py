"""Addresses of RFC 5322 §3.4 with the UTF-8 of RFC 6532: parse, print, IDNA. One parser, strict and linear.

What SMTP can't carry is refused here, before it reaches an envelope or a header (RFC 5321 §4.1.2, §4.5.3.1).
"""

from __future__ import annotations

import re

from sendmail_cli.errors import AddressError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

MAX_LOCAL_PART = 64  # octets; RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets; RFC 5321 §4.5.3.1.2
MAX_PATH = 256  # octets, with the angle brackets; RFC 5321 §4.5.3.1.3
MAX_LABEL = 63  # octets; RFC 1035 §2.3.4
MAX_NESTING = 20  # comments within comments; nobody means more

# RFC 5322 atext and dots, with everything beyond ASCII (RFC 6532 §3.2): as what it is not, since a class that names all
# of Unicode takes 9 ms to compile. A dot in a name ("John Q. Public") is obsolete but usual.
_WORD = re.compile(r'[^\x00-\x20"(),:;<>@\[\\\]\x7f-\x9f]+')
# Compiled by re when they are used: most addresses have nothing of it.
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_DOMAIN_LITERAL = r"\[([!-Z^-~]*)\]"
_QUOTED_PAIR = r"\\(.)"


class AddrSpec(NamedTuple):
    """local-part@domain. The local part is unquoted, the domain in A-labels or a literal such as `[192.0.2.1]`."""

    local_part: str
    domain: str

    def __str__(self) -> str:
        return f"{_quoted_local_part(self.local_part)}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """False when only a server with SMTPUTF8 (RFC 6531) can take it."""
        return self.local_part.isascii()


class Mailbox(NamedTuple):
    """An address with the name shown for it; no name is ""."""

    name: str
    address: AddrSpec

    def __str__(self) -> str:
        return f"{quote_phrase(self.name)} <{self.address}>" if self.name else str(self.address)


class Group(NamedTuple):
    """A named group (RFC 5322 §3.4), `undisclosed-recipients:;` for one."""

    name: str
    mailboxes: tuple[Mailbox, ...]

    def __str__(self) -> str:
        return group_text(self.name, self.mailboxes)


Address = Mailbox | Group


def group_text(name: str, members: Iterable[object]) -> str:
    """A group as it stands in a header (RFC 5322 §3.4); `members` as their texts."""
    listed = ", ".join(map(str, members))
    return f"{quote_phrase(name)}:{' ' if listed else ''}{listed};"


def parse_addr_spec(text: str) -> AddrSpec:
    """The bare address in `text` ("ada@example.org"). Raises `AddressError` for anything else, a name included."""
    parser = AddressParser(text)
    if text.rstrip().endswith(">"):
        parser.fail("it must be an address alone, without a name or angle brackets")
    parser.skip_space()
    address = parser.addr_spec(is_quoted=parser.peek('"'))
    parser.skip_space()
    if parser.at < len(text):
        parser.fail("it must be one address alone")
    return address


def parse_mailbox(text: str) -> Mailbox:
    """The one mailbox in `text` ("Ada <ada@example.org>"). Raises `AddressError` for none, several or a group."""
    addresses = parse_address_list(text)
    if len(addresses) != 1 or isinstance(addresses[0], Group):
        raise AddressError(f"“{printable(text)}” must be one address")
    return addresses[0]


def parse_address_list(text: str) -> tuple[Address, ...]:
    """The mailboxes and groups in `text`, written as in a header: names, commas, groups, comments.

    An empty text is an empty tuple. Raises `AddressError` with the place of the fault.
    """
    return AddressParser(text).address_list()


def mailboxes_of(addresses: tuple[Address, ...]) -> tuple[Mailbox, ...]:
    """Every mailbox in `addresses`, those inside groups included, in order."""
    return tuple(
        mailbox
        for address in addresses
        for mailbox in (address.mailboxes if isinstance(address, Group) else (address,))
    )


def quote_phrase(name: str) -> str:
    """`name` as a phrase of RFC 5322: as it is where that is allowed, else as a quoted string."""
    return name if "." not in name and all(map(_WORD.fullmatch, name.split(" "))) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def encode_domain(domain: str) -> str:
    """`domain` in A-labels (IDNA 2008 with the mapping of UTS 46), checked by RFC 5321 §4.1.2.

    Raises `AddressError` for what no mail domain can be.
    """
    if domain.isascii() or len(domain) > MAX_DOMAIN:  # no A-label is shorter than what it stands for
        encoded = domain
    else:
        import idna

        try:
            encoded = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise AddressError(f"“{printable(domain)}” is no domain name: {printable(str(error))}") from None
    if len(encoded) > MAX_DOMAIN:
        raise AddressError(f"the domain “{printable(domain, 80)}” is longer than {MAX_DOMAIN} characters")
    for label in encoded.split("."):
        if len(label) > MAX_LABEL or not _is_label(label):
            raise AddressError(f"“{printable(domain, 80)}” is no domain name: look at “{printable(label, 70)}”")
    return encoded


def _is_label(text: str) -> bool:
    """True for ASCII letters, digits, “_”, and “-” where it is neither the first nor the last."""
    return text.isascii() and text.replace("-", "_").replace("_", "0").isalnum() and "-" not in {text[0], text[-1]}


def _is_address_literal(text: str) -> bool:
    """True for the two kinds that anybody ever registered (RFC 5321 §4.1.3)."""
    from ipaddress import IPv4Address, IPv6Address

    is_ipv6 = text[:5].lower() == "ipv6:"
    try:
        if is_ipv6:
            return "%" not in text and bool(IPv6Address(text[5:]).packed)
        return bool(IPv4Address(text).packed)
    except ValueError:
        return False


def _quoted_local_part(local_part: str) -> str:
    is_dot_atom = _WORD.fullmatch(local_part) and _stray_dot(local_part) is None
    return local_part if is_dot_atom else _quoted(local_part)


def _stray_dot(word: str) -> int | None:
    """Where in `word` a dot has no other character on one of its sides; None where each has both (RFC 5322 §3.2.3)."""
    at = 0 if word.startswith(".") else word.find("..")
    if at < 0 and word.endswith("."):
        at = len(word) - 1
    return None if at < 0 else at


class AddressParser:
    """Recursive descent over one text; `at` only moves forward, so every text costs linear time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.comment = ""  # the last comment passed: in `ada@example.org (Ada)` it is the name
        control = find_control(text.replace("\t", " "))
        if control is not None:
            self.at = control
            what = "is not valid UTF-8" if text[control] >= "\ud800" else "has a control character"
            self.fail(what)

    def address_list(self) -> tuple[Address, ...]:
        found: list[Address] = []
        while True:
            self.skip_space_and_comments()
            if self.at == len(self.text):
                return tuple(found)
            if self.take(","):  # RFC 5322 §4.4 lets empty elements stand
                continue
            found.append(self.address())
            self.skip_space_and_comments()
            if self.at < len(self.text) and not self.peek(","):
                self.fail("expected a comma")

    def address(self) -> Address:
        start = self.at
        words, _ = self.phrase()
        if words and self.take(":"):
            return Group(" ".join(words), self.group_members())
        self.at = start
        return self.mailbox()

    def mailbox(self) -> Mailbox:
        start = self.at
        words, quoted = self.phrase()
        if self.peek("<"):
            return Mailbox(" ".join(words), self.angle_address())
        self.at = start
        return self.bare_mailbox(is_quoted=quoted)

    def group_members(self) -> tuple[Mailbox, ...]:
        members: list[Mailbox] = []
        while True:
            self.skip_space_and_comments()
            if self.take(";"):
                return tuple(members)
            if self.take(","):
                continue
            if self.at == len(self.text):
                self.fail("a group must end with a semicolon")
            members.append(self.mailbox())
            self.skip_space_and_comments()
            if not (self.peek(",") or self.peek(";")):
                self.fail("expected a comma or the semicolon that ends the group")

    def bare_mailbox(self, *, is_quoted: bool) -> Mailbox:
        self.comment = ""
        address = self.addr_spec(is_quoted=is_quoted)
        self.skip_space_and_comments()
        return Mailbox(self.comment.strip(), address)

    def phrase(self) -> tuple[list[str], bool]:
        """The words of a display name, and whether it begins with a quoted string."""
        words: list[str] = []
        quoted = self.peek('"')
        while True:
            self.skip_space_and_comments()
            if self.peek('"'):
                words.append(self.quoted_string())
                continue
            match = _WORD.match(self.text, self.at)
            if match is None:
                return words, quoted
            words.append(match[0])
            self.at = match.end()

    def angle_address(self) -> AddrSpec:
        self.at += 1
        self.skip_space_and_comments()
        if self.peek("@"):
            self.fail("source routes (<@a,@b:c@d>) are obsolete and refused")
        address = self.addr_spec(is_quoted=self.peek('"'))
        self.skip_space_and_comments()
        if not self.take(">"):
            self.fail("expected “>”")
        return address

    def addr_spec(self, *, is_quoted: bool) -> AddrSpec:
        start = self.at
        local_part = self.quoted_string() if is_quoted else self.dot_atom("an address")
        self.skip_space_and_comments()
        if not self.take("@"):
            self.at = start
            self.fail("an address needs “@” and a domain")
        self.skip_space_and_comments()
        return self.checked(local_part, self.domain(), start)

    def domain(self) -> str:
        literal = re.compile(_DOMAIN_LITERAL).match(self.text, self.at) if self.peek("[") else None
        if literal is not None:
            if not _is_address_literal(literal[1]):
                self.fail("expected an IP address in the brackets, as [192.0.2.1] or [IPv6:2001:db8::1]")
            self.at = literal.end()
            return literal[0]
        start = self.at
        name = self.dot_atom("a domain after “@”")
        try:
            return encode_domain(name)
        except AddressError as error:
            self.at = start
            self.fail(error.sentence)

    def checked(self, local_part: str, domain: str, start: int) -> AddrSpec:
        address = AddrSpec(local_part, domain)
        if "\t" in local_part:  # RFC 5322 lets it stand, RFC 5321 §4.1.2 doesn't
            self.at = start
            self.fail("has a tab before “@”")
        if len(_quoted_local_part(local_part).encode()) > MAX_LOCAL_PART:
            self.at = start
            self.fail(f"the part before “@” is longer than {MAX_LOCAL_PART} octets")
        if len(str(address).encode()) > MAX_PATH - len("<>"):
            self.at = start
            self.fail(f"the address is longer than {MAX_PATH - len('<>')} octets")
        return address

    def dot_atom(self, expected: str) -> str:
        match = _WORD.match(self.text, self.at)
        if match is None or match[0].startswith("."):
            self.fail(f"expected {expected}")
        stray = _stray_dot(match[0])
        if stray is not None:
            self.at += stray
            self.fail("a dot must stand between two other characters; put such a name in double quotes")
        self.at = match.end()
        return match[0]

    def quoted_string(self) -> str:
        match = re.compile(_QUOTED).match(self.text, self.at)
        if match is None:
            self.fail("a double quote is never closed")
        self.at = match.end()
        return re.sub(_QUOTED_PAIR, r"\1", match[1])

    def skip_space(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

    def skip_space_and_comments(self) -> None:
        while True:
            self.skip_space()
            if not self.peek("("):
                return
            self.comment = self.skip_comment()

    def skip_comment(self) -> str:
        """Pass one comment, nested ones with it, and give its text."""
        start, depth, at = self.at, 0, self.at
        while at < len(self.text):
            character = self.text[at]
            if character == "\\":
                at += 1
            elif character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
                if depth == 0:
                    self.at = at + 1
                    return re.sub(_QUOTED_PAIR, r"\1", self.text[start + 1 : at])
            if depth > MAX_NESTING:
                break
            at += 1
        self.fail("a comment is never closed")

    def peek(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def take(self, character: str) -> bool:
        if not self.peek(character):
            return False
        self.at += 1
        return True

    def fail(self, what: str) -> NoReturn:
        place = f", at character {self.at + 1}" if self.at else ""
        raise AddressError(f"“{printable(self.text, 120)}” is no valid address: {what}{place}")
