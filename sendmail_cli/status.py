"""Enhanced status codes (RFC 3463), our exit codes (sysexits.h and two of our own), and the table between them."""

from __future__ import annotations

from enum import IntEnum

from sendmail_cli.typing import NamedTuple


class ExitCode(IntEnum):
    """What the shell gets. 64 to 78 are those of sysexits.h; a calling mail server retries on 75 and 71 only."""

    OK = 0
    USAGE = 64
    DATAERR = 65
    NOINPUT = 66
    NOUSER = 67
    NOHOST = 68
    UNAVAILABLE = 69
    SOFTWARE = 70
    OSERR = 71
    CANTCREAT = 73
    IOERR = 74
    TEMPFAIL = 75
    PROTOCOL = 76
    NOPERM = 77
    CONFIG = 78
    PARTIAL = 80
    IN_DOUBT = 81
    INTERRUPTED = 130
    TERMINATED = 143


class EnhancedStatusCode(NamedTuple):
    """class.subject.detail of RFC 3463 §2."""

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


def parse_enhanced_status_code(text: str) -> EnhancedStatusCode | None:
    """The code that `text` begins with ("5.7.1 Relaying denied"), or None when it begins with none.

    Only ASCII digits count, one to three for subject and detail (RFC 3463 §2).
    """
    numbers = text.partition(" ")[0].split(".", 3)
    if len(numbers) != 3 or numbers[0] not in {"2", "4", "5"}:
        return None
    if not all(number.isascii() and number.isdigit() and len(number) <= 3 for number in numbers):
        return None
    return EnhancedStatusCode(*map(int, numbers))


# RFC 3463 subjects 5 to 7 have one meaning each; subjects 1 to 3 depend on what was refused.
_BY_SUBJECT = {5: ExitCode.PROTOCOL, 6: ExitCode.DATAERR, 7: ExitCode.NOPERM}
_BY_DETAIL = {
    (1, 2): ExitCode.NOHOST,
    (1, 7): ExitCode.DATAERR,  # bad sender's mailbox address syntax
    (1, 8): ExitCode.DATAERR,  # bad sender's system address
    (2, 3): ExitCode.DATAERR,  # message length exceeds administrative limit
    (3, 4): ExitCode.DATAERR,  # message too big for system
}
_SIGN_IN = (530, 534, 535, 538)  # RFC 4954 §6, whatever the enhanced code: “530 5.5.1” asks to sign in too
_BY_CODE = {
    **dict.fromkeys((500, 501, 502, 503, 504), ExitCode.PROTOCOL),
    552: ExitCode.DATAERR,
}


def exit_code_for_reply(code: int, enhanced: EnhancedStatusCode | None, verb: str) -> ExitCode:
    """What a refusal means for the caller. `verb` is the command that was refused ("RCPT", "AUTH", …).

    The enhanced code says more than the reply code and decides where there is one (x.0.0 says nothing).
    """
    if code < 400:
        return ExitCode.PROTOCOL
    if code < 500:
        return ExitCode.TEMPFAIL
    if code in _SIGN_IN:
        return ExitCode.NOPERM
    if enhanced is not None and enhanced.subject != 0:
        return _by_enhanced(enhanced, verb)
    if verb == "RCPT" and code in {550, 551, 553}:
        return ExitCode.NOUSER
    return _BY_CODE.get(code, ExitCode.UNAVAILABLE)


def _by_enhanced(enhanced: EnhancedStatusCode, verb: str) -> ExitCode:
    _, subject, detail = enhanced
    if verb == "RCPT" and (subject, detail) == (5, 2):  # bad syntax: the address is what we put into the command
        return ExitCode.DATAERR
    if subject == 1 and verb == "MAIL":  # whatever is wrong with an address here, it is the sender's
        return ExitCode.DATAERR
    by_subject = ExitCode.NOUSER if subject == 1 else _BY_SUBJECT.get(subject, ExitCode.UNAVAILABLE)
    return _BY_DETAIL.get((subject, detail), by_subject)
