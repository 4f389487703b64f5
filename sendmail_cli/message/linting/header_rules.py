"""Rules about the header and the envelope."""

from __future__ import annotations

import re

from sendmail_cli.message.linting.finding import Flaw
from sendmail_cli.message.linting.letter import MANY, organisation
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.linting.letter import Letter

DAY = 24 * 3600.0  # seconds
OLD = 7 * DAY  # seconds; SpamAssassin counts hours (DATE_IN_PAST_96_XX), Gmail sorts it where nobody looks
LONG_SUBJECT = 120  # characters; inboxes show 40 to 80
FEW_VISIBLE = 30  # recipients in To and Cc
SHOUTED = 8  # letters; “FYI” and “RFC 5322” are none

# RFC 5322 §3.6: at most once. Those of MIME (RFC 2045 §3) stand here since readers differ in which one counts.
ONCE = (
    "date", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject",
    "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip

FREE_MAIL = frozenset((
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com",
    "aol.com", "icloud.com", "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "proton.me",
    "protonmail.com", "mail.com", "mail.ru", "yandex.ru", "yandex.com", "qq.com", "163.com", "126.com", "zoho.com",
))  # fmt: skip
_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


def from_missing(letter: Letter) -> Iterator[Flaw]:
    """RFC 5322 §3.6: every message says whom it is from."""
    if not letter.authors:
        what = "From can't be understood" if letter.fields("from") else "nobody is named in From"
        yield Flaw(f"{what}: most servers refuse that", "Write one address there, with or without a name.", "From")


def from_not_aligned(letter: Letter) -> Iterator[Flaw]:
    """RFC 7489 §3.1.2: SPF is about the envelope, DMARC about From; they must agree in their organisation."""
    if letter.sender is None or not letter.authors or letter.is_resent:
        return
    visible, hidden = letter.authors[0].address.domain, letter.sender.domain
    if organisation(visible) != organisation(hidden):
        yield Flaw(
            f"From is at {visible}, the envelope's sender at {hidden}: SPF then says nothing for From (DMARC)",
            "Let --envelope-from be at the domain of From, or have the message signed for that domain (DKIM).",
            "From",
        )


def from_name_deceives(letter: Letter) -> Iterator[Flaw]:
    """A name that is another address than the one behind it: what phishing looks like."""
    for author in letter.authors:
        found = _ADDRESS.search(author.name or "")
        if found is not None and organisation(found[1]) != organisation(author.address.domain):
            yield Flaw(
                f"the name in From is an address at {found[1]}, the address itself is at {author.address.domain}",
                "Write a name there that is no address.",
                "From",
            )


def reply_to_elsewhere(letter: Letter) -> Iterator[Flaw]:
    """Answers to a free mailbox, while From is somebody else's: FREEMAIL_FORGED_REPLYTO of SpamAssassin."""
    domains = {author.address.domain.lower() for author in letter.authors}
    for box in letter.mailboxes("reply-to"):
        domain = box.address.domain.lower()
        if domain in FREE_MAIL and domain not in domains:
            yield Flaw(
                f"answers go to a free mailbox at {domain}, and From is elsewhere: fraud does that",
                "Use an address at the domain of From for --reply-to.",
                "Reply-To",
            )


def date_missing(letter: Letter) -> Iterator[Flaw]:
    """RFC 5322 §3.6: every message has one."""
    if not letter.fields("date"):
        yield Flaw("there is no Date", "--raw without --no-fixup adds it.", "Date")


def date_odd(letter: Letter) -> Iterator[Flaw]:
    """Far from now, or none at all."""
    fields = letter.fields("resent-date") or letter.fields("date")
    if not fields:
        return
    field = fields[0]
    moment = _moment(field.text)
    advice = "Leave the Date out, and now is written there."
    if moment is None:
        yield Flaw("the Date is none (RFC 5322 §3.3)", advice, "Date", field.line)
    elif moment > letter.now + DAY:
        yield Flaw("the Date is more than a day from now", advice, "Date", field.line)
    elif moment < letter.now - OLD:
        yield Flaw(f"the Date is {int((letter.now - moment) / DAY)} days old", advice, "Date", field.line)


def _moment(text: str) -> float | None:
    """Seconds since the epoch."""
    from email.utils import mktime_tz, parsedate_tz

    try:
        parsed = parsedate_tz(text[:200])
        return None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def message_id_missing(letter: Letter) -> Iterator[Flaw]:
    """MISSING_MID of SpamAssassin."""
    if not letter.fields("message-id"):
        yield Flaw("there is no Message-ID", "--raw without --no-fixup adds it.", "Message-ID")


def subject_missing(letter: Letter) -> Iterator[Flaw]:
    """MISSING_SUBJECT of SpamAssassin."""
    if not letter.message.value("subject").strip():
        yield Flaw("there is no subject", "Say in a few words what it is about: --subject.", "Subject")


def subject_shouts(letter: Letter) -> Iterator[Flaw]:
    """SUBJ_ALL_CAPS of SpamAssassin."""
    subject = letter.message.value("subject")
    letters = [each for each in subject if each.lower() != each.upper()]
    if len(letters) >= SHOUTED and " " in subject.strip() and subject == subject.upper():
        yield Flaw("the subject is all in capitals", "Write it as a sentence.", "Subject")


def subject_long(letter: Letter) -> Iterator[Flaw]:
    """Nobody reads it to its end."""
    length = len(letter.message.value("subject"))
    if length > LONG_SUBJECT:
        yield Flaw(f"the subject has {length} characters; inboxes show some 60", "Say it in fewer words.", "Subject")


def to_missing(letter: Letter) -> Iterator[Flaw]:
    """MISSING_HEADERS of SpamAssassin."""
    if not letter.fields("to") and not letter.fields("cc"):
        yield Flaw("there is neither To nor Cc", "Write “To: undisclosed-recipients:;”, or name the recipients.", "To")


def header_twice(letter: Letter) -> Iterator[Flaw]:
    """RFC 5322 §3.6. Gmail refuses it (5.7.1)."""
    for name in ONCE:
        fields = letter.fields(name)
        if len(fields) > 1:
            title = fields[1].octets.partition(b":")[0].decode("ascii").strip()
            yield Flaw(
                f"{title} stands {len(fields)} times in the header, and may stand there once",
                "Leave one of them: readers' programs differ in which they show.",
                title,
                fields[1].line,
            )


def header_8bit(letter: Letter) -> Iterator[Flaw]:
    """RFC 5322 §2.2 is ASCII; RFC 6532 needs SMTPUTF8 on every hop."""
    for field in letter.message.fields:
        if not field.octets.isascii():
            yield Flaw(
                f"the header has octets beyond ASCII in {field.name}: servers without SMTPUTF8 refuse that",
                "Write it with encoded-words (RFC 2047), as a message composed here has it.",
                field.name,
                field.line,
            )
            return


def recipients_visible(letter: Letter) -> Iterator[Flaw]:
    """Everybody sees everybody's address, and one “reply to all” reaches them."""
    count = len(letter.mailboxes("to")) + len(letter.mailboxes("cc"))
    if count > FEW_VISIBLE:
        yield Flaw(
            f"{count} recipients see one another's addresses in To and Cc",
            "Name them with --bcc, or send each a message of their own.",
            "To",
        )


def unsubscribe_missing(letter: Letter) -> Iterator[Flaw]:
    """Gmail and Yahoo ask it of bulk senders (support.google.com/a/answer/81126)."""
    if letter.is_bulk and not letter.fields("list-unsubscribe"):
        why = f"it goes to {len(letter.recipients)}" if len(letter.recipients) >= MANY else "it says that it is bulk"
        yield Flaw(f"{why}, and there is no List-Unsubscribe", "Add --list-unsubscribe https://….", "List-Unsubscribe")


def unsubscribe_clumsy(letter: Letter) -> Iterator[Flaw]:
    """RFC 8058: one click needs an https URL and List-Unsubscribe-Post."""
    fields = letter.fields("list-unsubscribe")
    if not letter.is_bulk or not fields:
        return
    if "<https:" not in fields[0].text.lower().replace(" ", "") or not letter.fields("list-unsubscribe-post"):
        yield Flaw(
            "one click does not unsubscribe: that needs an https URL and List-Unsubscribe-Post (RFC 8058)",
            "Let --list-unsubscribe be an https URL; the other field is added then.",
            "List-Unsubscribe",
            fields[0].line,
        )
