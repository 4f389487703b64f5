"""The explanation of a reply, of an enhanced status code, or of one of our exit codes."""

from __future__ import annotations

from sendmail_cli.smtp.explanations.exit_codes import EXIT_CODES
from sendmail_cli.smtp.explanations.phrases import COMMON_REPLIES
from sendmail_cli.smtp.explanations.providers import PROVIDER_REPLIES
from sendmail_cli.smtp.explanations.reply_codes import NOT_A_REPLY, REPLY_CLASSES, REPLY_CODES, VAGUE_REPLY_CODES
from sendmail_cli.smtp.explanations.status_codes import ENHANCED_CODES
from sendmail_cli.status import EnhancedStatusCode, parse_enhanced_status_code
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendmail_cli.smtp.explanations.explanation import Explanation


def explain_reply(code: int | None, enhanced: tuple[int, int, int] | None = None, text: str = "") -> Explanation:
    """The most exact explanation of a server's answer; there always is one.

    Known words come first, then the enhanced code, the reply code, the subject of the enhanced code, and last
    the first digit. A reply code that says next to nothing gives way to the subject.
    """
    if code is not None and enhanced is not None and enhanced[0] != code // 100:
        enhanced = None  # they contradict each other, and the reply's first digit decides (RFC 5321 §4.2.1)
    first_digit = code // 100 if code is not None else enhanced[0] if enhanced is not None else 0
    by_words = _by_words(code, enhanced, text) if first_digit in {4, 5} else None
    by_status, by_subject = (None, None) if enhanced is None else _by_status(enhanced)
    by_code = None if code is None else REPLY_CODES.get(code)
    by_class = REPLY_CLASSES.get(first_digit, NOT_A_REPLY)
    if code in VAGUE_REPLY_CODES and enhanced is not None and enhanced[1] != 0:  # x.0.z says even less
        return by_words or by_status or by_subject or by_code or by_class
    return by_words or by_status or by_code or by_subject or by_class


def explain_exit_code(code: int) -> Explanation:
    """What one of our exit codes means; ValueError when it is none of ours."""
    if code not in EXIT_CODES:
        ours = ", ".join(str(int(known)) for known in EXIT_CODES)
        raise ValueError(f"{code} is not an exit code of sendmail-cli; these are: {ours}")
    return EXIT_CODES[code]


def explain(argument: str) -> Explanation:
    """Explain what a user typed or pasted: "550", "5.7.1", "550-5.7.1 text", "75", "exit 75".

    One or two digits, 130 and 143 are exit codes, everything else from 100 to 599 is a reply.
    ValueError says what can be explained when this cannot.
    """
    argument = argument.strip()
    first, rest = (*argument.split(maxsplit=1), "", "")[:2]
    exit_code = _number(rest if first.lower() == "exit" else argument)
    if exit_code is not None and (first.lower() == "exit" or exit_code <= 99 or exit_code in EXIT_CODES):
        return explain_exit_code(exit_code)

    digits, _, joined = first.partition("-")  # "550-" begins a line that is not the last of a reply
    code = _number(digits)
    if code is not None and 100 <= code <= 599:
        said = f"{joined} {rest}"
        return explain_reply(code, _leading_status(said), said)
    enhanced = _leading_status(first)
    if enhanced is not None:
        return explain_reply(None, enhanced, rest)
    raise ValueError(
        f"{argument[:40]!r} cannot be explained; give an SMTP reply code from 100 to 599, an enhanced status "
        "code such as 5.7.1, a whole reply of a server, or an exit code such as 75"
    )


def _number(text: str) -> int | None:
    """Up to three ASCII digits as a number, as a code is written: int() takes "075" and the digits of any script."""
    return int(text) if len(text) <= 3 and text.isdecimal() and text == str(int(text)) else None


def _leading_status(text: str) -> EnhancedStatusCode | None:
    """The enhanced code in front of a reply's text; some servers write it as "#5.7.1" or "(5.7.1)"."""
    word = "".join(text.split(maxsplit=1)[:1])
    return parse_enhanced_status_code(word.strip("(#):,"))


def _by_words(code: int | None, enhanced: tuple[int, int, int] | None, text: str) -> Explanation | None:
    # A phrase may run over lines of a reply that each begin with the codes: leave out all that is only digits.
    said = " ".join(word for word in text.lower().split() if word.strip("0123456789.-"))
    known = PROVIDER_REPLIES + COMMON_REPLIES
    return next((reply.explanation for reply in known if reply.fits(code, enhanced, said)), None)


def _by_status(enhanced: tuple[int, int, int]) -> tuple[Explanation | None, Explanation | None]:
    """The entries of the code itself and of its subject: x.y.0 only says that no detail fits (RFC 3463 §3)."""
    class_, subject, detail = enhanced
    exact = _registered(class_, subject, detail) if detail != 0 else None
    return exact, _registered(class_, subject, 0)


def _registered(class_: int, subject: int, detail: int) -> Explanation | None:
    of_class = ENHANCED_CODES.get((class_, subject, detail))
    if of_class is not None or class_ not in {4, 5}:
        return of_class
    return ENHANCED_CODES.get((None, subject, detail))
