"""Enhanced status codes, and which exit code follows from a refusal."""

import pytest

from sendmail_cli.status import EnhancedStatusCode, ExitCode, exit_code_for_reply, parse_enhanced_status_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.7.1 Relaying denied", (5, 7, 1)),
        ("2.0.0", (2, 0, 0)),
        ("4.999.999 x", (4, 999, 999)),
        ("5.07.001 x", (5, 7, 1)),
        ("", None),
        ("Relaying denied 5.7.1", None),
        ("3.7.1 no such class", None),
        ("5.7 x", None),
        ("5.7.1.2 x", None),
        ("5.7.1000 x", None),
        ("5.7. x", None),
        ("5.7.+1 x", None),
        ("5.7.١ Arabic", None),
        ("5.7.² raised", None),
        ("55.7.1 x", None),
        ("5.7.1-x", None),
    ],
)
def test_an_enhanced_code_is_taken_from_the_beginning_of_a_text(text: str, expected: tuple[int, int, int]) -> None:
    assert parse_enhanced_status_code(text) == expected


def test_an_enhanced_code_is_written_with_dots() -> None:
    assert str(EnhancedStatusCode(5, 7, 1)) == "5.7.1"


@pytest.mark.parametrize(
    ("code", "enhanced", "verb", "expected"),
    [
        (354, None, "MAIL", ExitCode.PROTOCOL),
        (250, None, "DATA", ExitCode.PROTOCOL),
        (421, None, "MAIL", ExitCode.TEMPFAIL),
        (450, "4.7.1", "RCPT", ExitCode.TEMPFAIL),
        (454, "4.7.0", "AUTH", ExitCode.TEMPFAIL),
        (499, None, "RCPT", ExitCode.TEMPFAIL),
        # RCPT without an enhanced code, or with one that says nothing
        (550, None, "RCPT", ExitCode.NOUSER),
        (551, None, "RCPT", ExitCode.NOUSER),
        (553, None, "RCPT", ExitCode.NOUSER),
        (550, "5.0.0", "RCPT", ExitCode.NOUSER),
        (552, None, "RCPT", ExitCode.DATAERR),
        (554, None, "RCPT", ExitCode.UNAVAILABLE),
        (599, None, "RCPT", ExitCode.UNAVAILABLE),
        (501, None, "RCPT", ExitCode.PROTOCOL),
        (550, None, "MAIL", ExitCode.UNAVAILABLE),
        (550, None, "CONTENT", ExitCode.UNAVAILABLE),
        (552, None, "CONTENT", ExitCode.DATAERR),
        (554, None, "GREETING", ExitCode.UNAVAILABLE),
        *((code, None, "EHLO", ExitCode.PROTOCOL) for code in (500, 501, 502, 503, 504)),
        *((code, None, "AUTH", ExitCode.NOPERM) for code in (530, 534, 535, 538)),
        (530, "5.5.1", "MAIL", ExitCode.NOPERM),  # Gmail's way of asking for a sign-in
        # the enhanced code says more
        (550, "5.1.1", "RCPT", ExitCode.NOUSER),
        (550, "5.1.2", "RCPT", ExitCode.NOHOST),
        (550, "5.1.3", "RCPT", ExitCode.NOUSER),
        (550, "5.1.7", "RCPT", ExitCode.DATAERR),
        (550, "5.1.8", "RCPT", ExitCode.DATAERR),
        (550, "5.1.1", "MAIL", ExitCode.DATAERR),
        (550, "5.1.2", "MAIL", ExitCode.DATAERR),
        (553, "5.1.8", "MAIL", ExitCode.DATAERR),
        (550, "5.2.1", "RCPT", ExitCode.UNAVAILABLE),
        (552, "5.2.2", "RCPT", ExitCode.UNAVAILABLE),
        (552, "5.2.3", "CONTENT", ExitCode.DATAERR),
        (552, "5.3.4", "MAIL", ExitCode.DATAERR),
        (554, "5.3.0", "CONTENT", ExitCode.UNAVAILABLE),
        (554, "5.4.6", "CONTENT", ExitCode.UNAVAILABLE),
        (501, "5.5.2", "RCPT", ExitCode.DATAERR),
        (501, "5.5.2", "MAIL", ExitCode.PROTOCOL),
        (501, "5.5.4", "RCPT", ExitCode.PROTOCOL),
        (554, "5.6.0", "CONTENT", ExitCode.DATAERR),
        (550, "5.7.1", "RCPT", ExitCode.NOPERM),
        (554, "5.7.1", "CONTENT", ExitCode.NOPERM),
        (554, "5.9.9", "CONTENT", ExitCode.UNAVAILABLE),
    ],
)
def test_exit_code_of_a_refusal(code: int, enhanced: str | None, verb: str, expected: ExitCode) -> None:
    parsed = parse_enhanced_status_code(enhanced or "")
    assert exit_code_for_reply(code, parsed, verb) is expected


def test_exit_codes_are_those_of_sysexits_and_no_two_are_the_same() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "USAGE": 64,
        "DATAERR": 65,
        "NOINPUT": 66,
        "NOUSER": 67,
        "NOHOST": 68,
        "UNAVAILABLE": 69,
        "SOFTWARE": 70,
        "OSERR": 71,
        "CANTCREAT": 73,
        "IOERR": 74,
        "TEMPFAIL": 75,
        "PROTOCOL": 76,
        "NOPERM": 77,
        "CONFIG": 78,
        "PARTIAL": 80,
        "IN_DOUBT": 81,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
