"""One header field as octets (RFC 5322 §2.2, §3.6): checked, encoded, folded. Also a new Date and Message-ID.

Every way into a header passes here, and nothing with a control character passes: a line break in a value would be a
field of its own, or the end of the header.
"""

from __future__ import annotations

import re

from sendmail_cli.addresses import Group, quote_phrase
from sendmail_cli.errors import HeaderError
from sendmail_cli.printable import find_control, printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendmail_cli.addresses import Address, Mailbox
    from sendmail_cli.environment import Environment

MAX_LINE = 998  # octets before CR LF; RFC 5322 §2.1.1
FOLD_AT = 78  # octets; RFC 5322 §2.1.1
MAX_ENCODED_WORD = 75  # characters; RFC 2047 §2
FOLD_ENCODED_AT = 76  # octets of a line with an encoded-word; RFC 2047 §2
MAX_WORD = 900  # octets that may stand in a header without white space: leaves room for a name before it
MAX_FIELD_NAME = 76  # octets; RFC 5322 sets no limit of its own, but name and colon must fit one line

# Patterns, compiled by re when they are used: a ready message needs none.
_FIELD_NAME = "[!-9;-~]+"  # RFC 5322 §3.6.8: ftext
MESSAGE_ID = "<[!-;=?-~]+>"  # wider than RFC 5322 §3.6.4: there are mails without “@” to reply to
_WORDS = r"([ \t]*)([^ \t]+)"
_ENCODED_WORD = r"=\?[^?]+\?[BbQq]\?[^?]*\?="
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CHARACTER_NAMES = {"\0": "a NUL", "\t": "a tab", "\n": "a line break", "\r": "a line break (CR)", "\x1b": "an ESC"}

ADDRESS_FIELDS = frozenset((
    "from", "sender", "reply-to", "to", "cc", "resent-from", "resent-sender", "resent-to", "resent-cc",
    "resent-reply-to", "mail-followup-to", "mail-reply-to", "disposition-notification-to", "return-receipt-to",
    "errors-to",
))  # fmt: skip

Words = list[tuple[str, str]]  # each with the white space before it, where a line may be broken


def check_text(where: str, text: str) -> None:
    """Raises `HeaderError` that names `where` and the character if `text` has any control character, TAB included."""
    _refuse(find_control(text), text, where)


def check_line(where: str, text: str) -> None:
    """As `check_text`, for a value in which white space may be folded and so may be a TAB."""
    _refuse(find_control(text.replace("\t", " ")), text, where)


def _refuse(found: int | None, text: str, where: str) -> None:
    if found is None:
        return
    character = text[found]
    if character >= "\ud800":
        what = "an octet that is not valid UTF-8"
    else:
        what = _CHARACTER_NAMES.get(character, f"the control character U+{ord(character):04X}")
    raise HeaderError(
        f"{where} must not hold {what} (at character {found + 1})",
        hint="Nothing was sent. A header is one line of text.",
    )


def check_field_name(name: str) -> None:
    """Raises `HeaderError` for what can't name a header field (RFC 5322 §2.2)."""
    if not re.fullmatch(_FIELD_NAME, name):
        raise HeaderError(
            f"“{printable(name, 80)}” is no name of a header field: printable ASCII without space and colon"
        )
    if len(name) > MAX_FIELD_NAME:
        raise HeaderError(f"the header name “{name[:30]}…” is longer than {MAX_FIELD_NAME} characters")


def looks_encoded(text: str) -> bool:
    """True when a reader might take a part of `text` for an encoded-word and show something else."""
    return "=?" in text


def _encoded(text: str, room: int) -> list[str]:
    """`text` as encoded-words, the first of at most `room` characters."""
    from sendmail_cli.message.encoded_words import encoded_words

    return encoded_words(text, room)


def text_field(name: str, text: str) -> bytes:
    """An unstructured field, `Subject` above all, whose reader sees `text` exactly (RFC 5322 §2.2.1).

    Encoded where it must be: non-ASCII, what looks encoded already, white space at an end, words too long to fold.
    """
    check_line(_name_for_user(name), text)
    if text.isascii() and not looks_encoded(text) and text == text.strip(" \t") and _is_foldable(text):
        return fold(name, re.findall(_WORDS, text))
    return fold(name, [(" ", word) for word in _encoded(text, _room_after(name))])


def verbatim_text_field(name: str, value: str) -> bytes:
    """A field in which the user wrote `value` as it stands in a header: only words that ASCII or a line can't hold are
    encoded, and encoded-words pass.
    """
    check_line(f"the value of {name}", value)
    value = value.strip(" \t")
    if value.isascii() and _is_foldable(value):
        return fold(name, re.findall(_WORDS, value))
    return fold(name, _encode_where_needed(value, _room_after(name)))


def _encode_where_needed(value: str, room: int) -> Words:
    words: Words = []
    gap = run = ""  # neighbours to be encoded as one, as readers drop the white space between encoded-words
    for space, word in re.findall(_WORDS, value):
        if word.isascii() and len(word) <= MAX_WORD and len(space) <= MAX_WORD:
            if run and re.fullmatch(_ENCODED_WORD, word):
                run += space
            words += [*_encoded_run(gap, run, room if not words else MAX_ENCODED_WORD), (space, word)]
            run = ""
        elif run:
            run += space + word
        elif len(space) > MAX_WORD or (words and re.fullmatch(_ENCODED_WORD, words[-1][1])):
            gap, run = " ", space + word
        else:
            gap, run = space, word
    return words + _encoded_run(gap, run, room if not words else MAX_ENCODED_WORD)


def _encoded_run(gap: str, text: str, room: int) -> Words:
    words = _encoded(text, room) if text else []
    return [(" " if number else gap, word) for number, word in enumerate(words)]


def structured_field(name: str, value: str) -> bytes:
    """A field whose syntax knows no encoded-words: ASCII alone, folded, otherwise as it is. Raises `HeaderError`."""
    check_line(f"the value of {name}", value)
    if not value.isascii():
        raise HeaderError(f"the value of {name} must be ASCII: “{printable(value, 80)}”")
    return fold(name, re.findall(_WORDS, value.strip(" \t")))


def address_field(name: str, addresses: tuple[Address, ...]) -> bytes:
    """A list of mailboxes and groups (RFC 5322 §3.4). A local part beyond ASCII stands there in UTF-8 (RFC 6532 §3.2),
    and nothing else does: names are encoded-words, domains A-labels.
    """
    words: Words = []
    for address in addresses:
        if words:
            _append(words, ",")
        room = _room_after(name) if not words else FOLD_ENCODED_AT - 1
        words += _group_words(address, room) if isinstance(address, Group) else _mailbox_words(address, room)
    return fold(name, words)


def parameter_field(name: str, value: str, parts: Iterable[str]) -> bytes:
    """A field of MIME with parameters: `Content-Type: text/plain; charset=utf-8`; `parts` come from `parameters`."""
    words: Words = [(" ", value)]
    for part in parts:
        _append(words, ";")
        words.append((" ", part))
    return fold(name, words)


def message_id_field(name: str, message_ids: Iterable[str]) -> bytes:
    """`Message-ID`, `In-Reply-To` or `References` (RFC 5322 §3.6.4)."""
    return fold(name, [(" ", message_id) for message_id in message_ids])


def parse_message_id(text: str, where: str) -> str:
    """`text` as `<id@right>`, the brackets added where they are missing. Raises `HeaderError`."""
    check_line(where, text)
    stripped = text.strip(" \t")
    message_id = stripped if stripped.startswith("<") else f"<{stripped}>"
    if not re.fullmatch(MESSAGE_ID, message_id):
        raise HeaderError(f"{where} is no Message-ID: “{printable(text, 80)}”", hint="It looks like <id@example.org>.")
    return message_id


def new_message_id(domain: str, environment: Environment) -> str:
    """A `Message-ID` that nobody else makes (RFC 5322 §3.6.4)."""
    return f"<{environment.random_bytes(10).hex()}.{int(environment.now())}@{domain}>"


def new_date(environment: Environment) -> str:
    """Now, in local time with its offset, in English whatever the locale (RFC 5322 §3.3)."""
    at = environment.local_time(environment.now())
    minutes = (at.tm_gmtoff or 0) // 60
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    return (
        f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04}"
        f" {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} {sign}{hours:02}{minutes:02}"
    )


def fold(name: str, words: Words) -> bytes:
    """The field in UTF-8 with its CR LF, broken before the white space of `words` where a line would pass 78 octets.

    The first word stays beside the name, since some readers take a name without anything for an empty field; only an
    encoded-word gives way to its own limit. Raises `HeaderError` for a line that can't be made shorter than 998.
    """
    check_field_name(name)
    limit = FOLD_ENCODED_AT if any(word.startswith("=?") for _, word in words) else FOLD_AT
    lines: list[str] = []
    line = f"{name}:"
    for number, (space, word) in enumerate(words):
        gap = space or " "
        may_break = number > 0 or word.startswith("=?")
        if may_break and _width(line) + len(gap) + _width(word) > limit:
            lines.append(line)
            line = ""
        line += gap + word
    lines.append(line)
    if max(map(_width, lines)) > MAX_LINE:
        raise HeaderError(f"{name} has more than {MAX_LINE} octets in a row without a space where it could be folded")
    for line in lines:  # what came here unchecked would be a field of its own, or the end of the header
        check_line(f"the value of {name}", line)
    return ("\r\n".join(lines) + "\r\n").encode()


def _width(text: str) -> int:
    """Octets in UTF-8, which is what limits count (RFC 6532 §3.4)."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _is_foldable(text: str) -> bool:
    return all(len(part) <= MAX_WORD for pair in re.findall(_WORDS, text) for part in pair)


def _room_after(name: str) -> int:
    return FOLD_ENCODED_AT - len(f"{name}: ")


def _name_for_user(name: str) -> str:
    return "the subject" if name.lower() == "subject" else f"the value of {name}"


def _append(words: Words, mark: str) -> None:
    space, word = words[-1]
    words[-1] = (space, word + mark)


def _mailbox_words(mailbox: Mailbox, room: int) -> Words:
    address = str(mailbox.address)
    check_text("an address", address)
    if not mailbox.name:
        return [(" ", address)]
    return [*_phrase_words(mailbox.name, room), (" ", f"<{address}>")]


def _group_words(group: Group, room: int) -> Words:
    words = _phrase_words(group.name, room)
    if looks_encoded(words[-1][1]):  # RFC 2047 §5 (3): white space between an encoded-word and a special
        words.append((" ", ":"))
    else:
        _append(words, ":")
    for number, member in enumerate(group.mailboxes):
        if number:
            _append(words, ",")
        words += _mailbox_words(member, FOLD_ENCODED_AT - 1)
    _append(words, ";")
    return words


def _phrase_words(name: str, room: int) -> Words:
    """A display name (RFC 5322 §3.2.5) that is shown exactly as it is."""
    check_text(f"the name “{printable(name, 80)}”", name)
    phrase = quote_phrase(name)
    # A quoted string is kept whole: not every reader takes out a line break within.
    words = [phrase] if phrase.startswith('"') else phrase.split(" ")
    if not name.isascii() or looks_encoded(name) or max(map(len, words)) > MAX_WORD:
        words = _encoded(name, room)
    return [(" ", word) for word in words]
