"""What a user reads about a reply, a status code or an exit code."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.smtp.explanations.exit_codes import EXIT_CODES
from sendmail_cli.smtp.explanations.lookup import explain, explain_exit_code, explain_reply
from sendmail_cli.smtp.explanations.phrases import COMMON_REPLIES
from sendmail_cli.smtp.explanations.providers import PROVIDER_REPLIES
from sendmail_cli.smtp.explanations.reply_codes import NOT_A_REPLY, REPLY_CLASSES, REPLY_CODES, VAGUE_REPLY_CODES
from sendmail_cli.smtp.explanations.status_codes import ENHANCED_CODES
from sendmail_cli.status import EnhancedStatusCode, ExitCode

if TYPE_CHECKING:
    from sendmail_cli.smtp.explanations.explanation import Explanation

EVERY_EXPLANATION = [
    *REPLY_CODES.values(),
    *ENHANCED_CODES.values(),
    *EXIT_CODES.values(),
    *REPLY_CLASSES.values(),
    *(known.explanation for known in PROVIDER_REPLIES + COMMON_REPLIES),
    NOT_A_REPLY,
]

# What may stand between backquotes: commands and options that exist.
COMMANDS = {
    "sendmail-cli login PROFILE",
    "sendmail-cli check",
    "sendmail-cli profile set",
    "sendmail-cli --help",
    "--tls implicit",
    "--tls starttls",
    "-S HOST:PORT",
    "--from",
}

VERIFIED = "Amazon SES, SendGrid, Postmark, Resend"
APP_PASSWORDS = "https://myaccount.google.com/apppasswords"


# The sentences


@pytest.mark.parametrize("explanation", EVERY_EXPLANATION, ids=lambda explanation: explanation.meaning[:40])
def test_says_what_happened_and_what_to_do_in_one_short_sentence_each(explanation: Explanation) -> None:
    assert explanation.source
    assert explanation.meaning
    for sentence in filter(None, (explanation.meaning, explanation.advice)):
        assert len(sentence) <= 160
        assert sentence.isprintable()
        assert sentence.startswith("sendmail-cli ") or sentence[0].isupper()
        assert sentence.endswith(".")
        assert ". " not in sentence
        assert set(re.findall(r"`([^`]*)`", sentence)) <= COMMANDS
        assert sentence.count("`") % 2 == 0
        assert "sendmail-cli" not in re.sub(r"`[^`]*`", "", sentence).replace("sendmail-cli made", "")


@pytest.mark.parametrize(
    "explanation",
    [
        *(entry for code, entry in REPLY_CODES.items() if code >= 400),
        *(entry for (class_, _, _), entry in ENHANCED_CODES.items() if class_ != 2),
        *(entry for code, entry in EXIT_CODES.items() if code != ExitCode.OK),
        *(known.explanation for known in PROVIDER_REPLIES + COMMON_REPLIES),
    ],
    ids=lambda explanation: explanation.meaning[:40],
)
def test_every_failure_comes_with_advice(explanation: Explanation) -> None:
    assert explanation.advice


@pytest.mark.parametrize("code", [211, 214, 220, 221, 235, 250, 251, 334, 354])
def test_nothing_needs_to_be_done_about_good_news(code: int) -> None:
    assert explain_reply(code).advice == ""


def test_every_known_word_can_be_found_in_a_normalised_reply() -> None:
    for known in PROVIDER_REPLIES + COMMON_REPLIES:
        for word in known.words:
            assert word == " ".join(word.lower().split())
        assert known.codes or known.enhanced or known.words


# Codes with an entry of their own


@pytest.mark.parametrize(
    "code",
    [
        *(101, 211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 432),
        *(450, 451, 452, 453, 454, 455),
        *(500, 501, 502, 503, 504, 510, 521, 523, 525, 530, 534, 535, 538, 541),
        *(550, 551, 552, 553, 554, 555, 556),
    ],
)
def test_reply_code_has_its_own_explanation(code: int) -> None:
    assert explain_reply(code) == explain(str(code)) == REPLY_CODES[code]
    assert explain_reply(code) != REPLY_CLASSES[code // 100]


REGISTERED = {
    0: [0],
    1: range(11),
    2: range(5),
    3: range(7),
    4: range(8),
    5: range(7),
    6: range(11),
    7: range(31),
}
# Registered for success only; every other code for refusals, whatever else.
ONLY_SUCCESS = {(1, 5), (1, 9), (3, 6)}


@pytest.mark.parametrize(
    ("subject", "detail"), [(subject, detail) for subject in REGISTERED for detail in REGISTERED[subject]]
)
def test_every_registered_status_code_has_its_own_explanation(subject: int, detail: int) -> None:
    class_ = 2 if (subject, detail) in ONLY_SUCCESS else 5
    explanation = explain_reply(None, (class_, subject, detail))
    assert explanation in ENHANCED_CODES.values()
    assert explanation == explain(f"{class_}.{subject}.{detail}")
    if detail != 0:
        assert explanation.meaning != explain_reply(None, (class_, subject, 0)).meaning


def test_every_exit_code_has_its_own_explanation() -> None:
    assert set(EXIT_CODES) == set(ExitCode)
    assert len({explanation.meaning for explanation in EXIT_CODES.values()}) == len(ExitCode)
    for code in ExitCode:
        assert explain_exit_code(code) == explain(f"exit {code}") == explain(str(int(code))) == EXIT_CODES[code]


def test_exit_codes_that_a_script_must_not_confuse() -> None:
    assert "again" in explain_exit_code(75).advice
    assert "twice" in explain_exit_code(80).advice
    assert "twice" in explain_exit_code(81).advice


# The most exact wins


def test_words_of_a_provider_beat_the_pair_of_codes_and_that_beats_the_status_code() -> None:
    words = explain_reply(535, (5, 7, 139), "Authentication unsuccessful, basic authentication is disabled.")
    pair = explain_reply(535, (5, 7, 139), "Authentication unsuccessful")
    assert words.source == pair.source == "Microsoft"
    assert words != pair
    assert explain_reply(535, (5, 7, 3)).source == "Microsoft"
    assert explain_reply(554, (5, 7, 3)) == ENHANCED_CODES[None, 7, 3]


def test_status_code_beats_the_reply_code() -> None:
    assert explain_reply(550, (5, 1, 1)) == ENHANCED_CODES[None, 1, 1]
    assert explain_reply(550, (5, 2, 2)) == ENHANCED_CODES[None, 2, 2]
    assert explain_reply(500, (5, 5, 2)) == ENHANCED_CODES[None, 5, 2]
    assert explain_reply(550) == explain_reply(550, (5, 9, 9)) == REPLY_CODES[550]


def test_status_code_of_the_class_beats_that_of_both_classes() -> None:
    assert explain_reply(450, (4, 1, 1)) == ENHANCED_CODES[4, 1, 1]
    assert explain_reply(450, (4, 2, 2)) == ENHANCED_CODES[None, 2, 2]


@pytest.mark.parametrize(
    ("code", "enhanced"),
    [
        (220, (2, 0, 0)),
        (235, (2, 7, 0)),
        (250, (2, 6, 0)),
        (421, (4, 7, 0)),
        (454, (4, 7, 0)),
        (530, (5, 7, 0)),
        (535, (5, 7, 0)),
        (550, (5, 0, 0)),
        (554, (5, 0, 0)),
        (503, (5, 5, 99)),
    ],
)
def test_reply_code_beats_a_status_code_that_gives_no_detail(code: int, enhanced: tuple[int, int, int]) -> None:
    assert explain_reply(code, enhanced) == REPLY_CODES[code]


@pytest.mark.parametrize("code", sorted(VAGUE_REPLY_CODES))
@pytest.mark.parametrize("detail", [0, 999])
def test_reply_code_that_says_little_gives_way_to_the_subject(code: int, detail: int) -> None:
    class_ = code // 100
    expected = ENHANCED_CODES[4, 7, 0] if class_ == 4 else ENHANCED_CODES[None, 7, 0]
    assert explain_reply(code, (class_, 7, detail)) == expected


def test_first_digit_of_the_reply_decides_when_the_codes_contradict_each_other() -> None:
    assert explain_reply(550, (2, 1, 5)) == REPLY_CODES[550]
    assert explain_reply(250, (5, 1, 1)) == REPLY_CODES[250]


def test_success_is_never_explained_as_a_refusal() -> None:
    assert explain_reply(250, (2, 1, 1)) == REPLY_CODES[250]
    assert explain_reply(None, (2, 7, 1)) == REPLY_CLASSES[2]
    assert explain_reply(250, None, "queued by spamhaus.example: user unknown") == REPLY_CODES[250]


@pytest.mark.parametrize(("code", "class_"), [(199, 1), (299, 2), (399, 3), (499, 4), (599, 5), (571, 5)])
def test_unknown_reply_code_is_explained_by_its_first_digit(code: int, class_: int) -> None:
    assert explain_reply(code) == explain(str(code)) == REPLY_CLASSES[class_]


@pytest.mark.parametrize(
    ("enhanced", "expected"),
    [
        ((4, 9, 9), REPLY_CLASSES[4]),
        ((5, 9, 0), REPLY_CLASSES[5]),
        ((5, 7, 999), ENHANCED_CODES[None, 7, 0]),
        ((2, 0, 0), ENHANCED_CODES[2, 0, 0]),
    ],
)
def test_unknown_status_code_is_explained_by_its_subject_or_class(
    enhanced: tuple[int, int, int], expected: Explanation
) -> None:
    assert explain_reply(None, enhanced) == expected


@pytest.mark.parametrize("code", [None, -1, 0, 42, 600, 10**9])
def test_what_is_no_reply_is_called_that(code: int | None) -> None:
    assert explain_reply(code) == NOT_A_REPLY
    assert "sendmail-cli check" in NOT_A_REPLY.advice


def test_takes_the_status_code_of_the_rest_of_the_program() -> None:
    assert explain_reply(550, EnhancedStatusCode(5, 1, 1)) == ENHANCED_CODES[None, 1, 1]


# What providers say; the replies are theirs, cut where the rest does not matter


@pytest.mark.parametrize(
    ("reply", "source", "in_advice"),
    [
        # Google
        ("534-5.7.9 Application-specific password required. For more information, go to", "Google", APP_PASSWORDS),
        ("535-5.7.8 Username and Password not accepted. For more information, go to", "Google", APP_PASSWORDS),
        ("535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-gsmtp", "Google", APP_PASSWORDS),
        (
            "534-5.7.14 <https://accounts.google.com/signin/continue?x> Please log in via\n534-5.7.14 your web browser",
            "Google",
            "web browser",
        ),
        ("550 5.4.5 Daily sending quota exceeded. x-gsmtp", "Google", "24 hours"),
        ("550-5.4.5 Daily user sending limit exceeded. For more information on Gmail", "Google", "24 hours"),
        ("550 5.4.5", "Google", "24 hours"),
        ("450 4.2.1 The user you are trying to contact is receiving mail too quickly.", "Google", "an hour"),
        ("550 5.7.1 Invalid credentials for relay [192.0.2.1].", "Google", "sendmail-cli login PROFILE"),
        ("550-5.7.0 Mail relay denied [192.0.2.1].", "common usage", "sendmail-cli login PROFILE"),
        ("421-4.7.28 Gmail has detected an unusual rate of unsolicited mail", "Google", "slowly"),
        (
            "552-5.7.0 This message was blocked because its content presents a potential security issue",
            "Google",
            "link",
        ),
        (
            "550-5.7.26 This mail has been blocked because the sender\n550-5.7.26 is unauthenticated. Gmail requires",
            "Google",
            "SPF, DKIM and DMARC",
        ),
        ("550-5.7.26 Unauthenticated email from example.com is not accepted", "Google", "SPF, DKIM and DMARC"),
        ("421 4.7.32", "Google", "DMARC"),
        ("550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record", "RFC 7372", "-S"),
        (
            "550-5.7.1 The IP you're using is not authorized to\n550-5.7.1 send email directly to our servers.",
            "Google",
            "-S HOST:PORT",
        ),
        # Microsoft
        ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", "Microsoft", "allow"),
        (
            "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit",
            "Microsoft",
            "24 hours",
        ),
        ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "Microsoft", "Wait"),
        (
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
            "Microsoft",
            "--oauth microsoft",
        ),
        ("550 5.7.30 Basic authentication is not supported for Client Submission.", "Microsoft", "--oauth microsoft"),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "Microsoft",
            "https://aka.ms/smtp_auth_disabled",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
            "Microsoft",
            "https://aka.ms/smtp_auth_disabled",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
            "Microsoft",
            "administrator",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            "Microsoft",
            "sendmail-cli login PROFILE",
        ),
        ("535 5.7.3 Authentication unsuccessful", "Microsoft", "sendmail-cli login PROFILE"),
        ("530 5.7.57 Client not authenticated to send mail.", "Microsoft", "sendmail-cli login PROFILE"),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "Microsoft", "--from"),
        (
            "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
            "Microsoft",
            "--from",
        ),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", "Microsoft", "24 hours"),
        ("550 5.1.90 Your message can't be sent because you've reached your daily limit", "Microsoft", "24 hours"),
        ("554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException", "Microsoft", "administrator"),
        ("432 4.3.2 Concurrent connections limit exceeded.", "Microsoft", "Wait"),
        ("451 4.7.500 Server busy. Please try again later from [192.0.2.1].", "Microsoft", "quarter of an hour"),
        ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "Microsoft", "address"),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "RFC 3463 §3.2", "@"),
        ("550 5.7.515 Access denied, sending domain doesn't meet the required authentication level", "RFC 7489", "SPF"),
        # others
        ("554 5.7.9 Message not accepted for policy reasons.", "Yahoo", "--from"),
        ("535 5.7.0 (#AUTH005) Too many bad auth attempts.", "Yahoo", "https://login.yahoo.com/account/security"),
        ("550 5.7.0 From address is not one of your addresses", "iCloud", "--from"),
        ("551 5.7.1 Not authorised to send from this header address", "Fastmail", "--from"),
        ("553 Relaying disallowed as someone@example.com", "Zoho", "--from"),
        ("550 5.4.6 Unusual sending activity detected. Please try after sometime.", "Zoho", "UnblockMe"),
        ("554 5.1.8 Sender Address Blocked", "Zoho", "UnblockMe"),
        (
            "535 5.7.8 Error: authentication failed: This user does not have access rights to this service",
            "Yandex",
            "https://id.yandex.com",
        ),
        ("554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/x", "Yandex", "fewer links"),
        ("550-Sender address is not allowed.", "GMX, web.de, IONOS", "--from"),
        ("535 Authentication credentials invalid", "GMX, web.de, IONOS, Amazon SES", "sendmail-cli login PROFILE"),
        # services for programs
        ("554 Message rejected: Email address is not verified.", VERIFIED, "--from"),
        ("550 The from address does not match a verified Sender Identity.", VERIFIED, "--from"),
        ("403 You are not authorized to send from that email address", VERIFIED, "--from"),
        ("554 The 'From' address you supplied is not a Sender Signature on your account.", VERIFIED, "--from"),
        ("550 The example.com domain is not verified. Please, add and verify your domain", VERIFIED, "--from"),
        ("454 Throttling failure: Maximum sending rate exceeded.", "Amazon SES", "fewer"),
        ("454 Throttling failure: Daily message quota exceeded.", "Amazon SES", "24 hours"),
        (
            "554 Access denied: User `arn:aws:iam::1:user/a' is not authorized to perform `ses:SendRawEmail' on",
            "Amazon SES",
            "IAM policy",
        ),
        ("550 Unauthenticated senders not allowed", "SendGrid", "--user apikey"),
        ("451 Authentication failed: Maximum credits exceeded", "SendGrid", "plan"),
        (
            "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked",
            "SendGrid",
            "sendmail-cli login PROFILE",
        ),
        ("535 5.7.0 Mailgun is not loving your login or password", "Mailgun", "sendmail-cli login PROFILE"),
        ("554 Sandbox subdomains are for test purposes only. Please add your own domain", "Mailgun", "--from"),
        (
            "421 Domain sandbox1.mailgun.org is not allowed to send: Sandbox subdomains are for test purposes only.",
            "Mailgun",
            "--from",
        ),
        ("525 5.7.1 Unauthorized IP address", "Brevo", "sendmail-cli check"),
        # many
        ("501 mail from address must be same as authorization user", "common usage", "--from"),
        ("550 Daily sending limit exceeded for this account", "common usage", "fewer"),
        ("535 5.7.8 Please use an application-specific password", "common usage", "login PROFILE"),
        ("454 4.7.0 Too many login attempts, please try again later.", "common usage", "Wait"),
        ("454 Throttling failure.", "common usage", "fewer"),
        # any server
        ("530 5.7.0 Must issue a STARTTLS command first", "RFC 3207 §4", "--tls starttls"),
        ("503 5.5.1 Error: authentication not enabled", "common usage", "--tls starttls"),
        ("503 AUTH command used when not advertised", "common usage", "--tls starttls"),
        ("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b", "common usage", "--from"),
        (
            "553 5.7.1 <a@example.com>: Sender address rejected: not logged in",
            "common usage",
            "sendmail-cli login PROFILE",
        ),
        (
            "550 5.1.0 <a@example.com>: Sender address rejected: User unknown in local recipient table",
            "common usage",
            "--from",
        ),
        ("530 SMTP authentication is required.", "common usage", "sendmail-cli login PROFILE"),
        ("550 5.7.9 Mail to submission port must be authenticated", "common usage", "sendmail-cli login PROFILE"),
        ("554 5.7.1 <a@example.com>: Relay access denied", "common usage", "sendmail-cli login PROFILE"),
        ("454 4.7.1 <a@example.com>: Relay access denied", "common usage", "sendmail-cli login PROFILE"),
        ("550 5.7.1 <a@example.com>... Relaying denied", "common usage", "sendmail-cli login PROFILE"),
        ("550 relay not permitted", "common usage", "sendmail-cli login PROFILE"),
        (
            "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            "common usage",
            "sendmail-cli login PROFILE",
        ),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            "Spamhaus",
            "-S HOST:PORT",
        ),
        ("550 5.7.1 Client host [192.0.2.1] blocked using bl.example.org", "common usage", "-S HOST:PORT"),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "common usage", "-S HOST:PORT"),
        ("450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted", "RFC 6647", "again"),
        ("451 4.7.1 Greylisting in action, please come back later", "RFC 6647", "again"),
        ("450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", "RFC 7372", "-S HOST:PORT"),
        ("504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname", "Postfix", "name"),
        ("550 5.7.1 Email rejected per DMARC policy for example.com", "RFC 7489", "SPF, DKIM and DMARC"),
        ("550 5.7.23 The message was rejected because of Sender Policy Framework violation", "RFC 7489", "SPF"),
        ("554 5.7.1 Message contains a virus: Eicar-Test-Signature", "common usage", "virus scanner"),
        ("550 5.7.1 Our system has detected that this message is likely unsolicited mail.", "common usage", "Reword"),
        ("550 No such user here", "RFC 3463 §3.2", "address"),
        ("550 5.1.1 <a@example.com>: Recipient address rejected: User unknown", "RFC 3463 §3.2", "address"),
        ("452 4.5.3 Your message has too many recipients.", "RFC 3463 §3.6", "another message"),
        ("452 4.2.2 The email account that you tried to reach is over quota", "RFC 3463 §3.3", "room"),
        ("454 4.7.0 Temporary authentication failure", "RFC 4954 §6, RFC 3207 §4", "few minutes"),
    ],
)
def test_known_reply_names_the_cause_and_the_next_step(reply: str, source: str, in_advice: str) -> None:
    explanation = explain(reply)
    assert explanation.source == source
    assert in_advice in explanation.advice


def test_every_known_reply_is_seen_by_some_reply() -> None:
    """No entry stands in the shadow of one before it."""
    known_replies = PROVIDER_REPLIES + COMMON_REPLIES
    for known in known_replies:
        code = (*known.codes, None)[0]
        enhanced = (*known.enhanced, None)[0]
        if code is None:
            code = 450 if enhanced is not None and enhanced[0] == 4 else 550
        for text in known.words or ("",):
            assert explain_reply(code, enhanced, text) == known.explanation


def test_greylisting_is_only_what_may_be_tried_again() -> None:
    assert explain("550 5.7.1 no greylisting here") == ENHANCED_CODES[None, 7, 1]


# What a user may type


@pytest.mark.parametrize(
    "argument",
    [
        "550 5.7.1",
        "550 5.7.1 Access denied by the policy of this site",
        "550-5.7.1 Access denied by the policy of this site",
        "550-5.7.1",
        "550- 5.7.1 Access denied",
        "  550\t5.7.1  \n",
        "550 #5.7.1 Access denied",
        "550 (5.7.1) Access denied",
        "5.7.1",
        "5.7.1 Access denied",
        "550-5.7.1 Access denied\n550-5.7.1 Come back\n550 5.7.1 never",
    ],
)
def test_understands_a_pasted_reply(argument: str) -> None:
    assert explain(argument) == ENHANCED_CODES[None, 7, 1]


@pytest.mark.parametrize("argument", ["550", "550 ", "550-", "550 Requested action not taken", "550-Requested action"])
def test_understands_a_reply_without_status_code(argument: str) -> None:
    assert explain(argument) == REPLY_CODES[550]


@pytest.mark.parametrize("argument", ["75", " 75 ", "exit 75", "EXIT  75", "exit 75\n"])
def test_understands_an_exit_code(argument: str) -> None:
    assert explain(argument) == EXIT_CODES[75]


def test_100_is_a_reply_and_a_status_code_may_have_words() -> None:
    assert explain("100") == REPLY_CLASSES[1]
    assert explain("5.7.9 Application-specific password required") == explain(
        "534 5.7.9 Application-specific password required"
    )


def test_130_and_143_alone_are_exit_codes() -> None:
    assert explain("130") == EXIT_CODES[130]
    assert explain("143") == EXIT_CODES[143]
    assert explain("131") == explain("130 some text of a server") == REPLY_CLASSES[1]


@pytest.mark.parametrize("argument", ["1", "12", "72", "99", "exit 12", "exit 550"])
def test_an_exit_code_of_others_is_refused_with_a_list_of_ours(argument: str) -> None:
    with pytest.raises(ValueError, match="is not an exit code of sendmail-cli; these are: 0, 64, 65") as refusal:
        explain(argument)
    assert all(str(int(code)) in str(refusal.value) for code in ExitCode)


@pytest.mark.parametrize(
    "argument",
    [
        "",
        " ",
        "abc",
        "600",
        "000",
        "075",
        "exit 075",
        "5",
        "5500",
        "55-0",
        "75 5.7.1",
        "exit",
        "exit x",
        "exit 75 now",
        "5.7",
        "5.7.1.2",
        "3.7.1",
        "5.7.1000",
        "-550",
        "+550",
        "5_0",
        "X5.7.1",
        "٥٥٠",
        "５５０",
        "²50",
        "٧٥",
        "5.٧.1",
        "\x1b[31m550",
        "5" * 100_000,
    ],
)
def test_anything_else_is_refused_in_a_helpful_sentence(argument: str) -> None:
    with pytest.raises(ValueError, match=r"exit code") as refusal:
        explain(argument)
    sentence = str(refusal.value)
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_what_is_refused_is_shown_and_not_at_length() -> None:
    with pytest.raises(ValueError, match="cannot be explained") as refusal:
        explain("x" * 50)
    assert str(refusal.value) == (
        f"'{'x' * 40}' cannot be explained; give an SMTP reply code from 100 to 599, an enhanced status "
        "code such as 5.7.1, a whole reply of a server, or an exit code such as 75"
    )


# Whatever a server says


@given(code=st.none() | st.integers(), enhanced=st.none() | st.tuples(*[st.integers()] * 3), text=st.text())
def test_every_reply_is_explained(code: int | None, enhanced: tuple[int, int, int] | None, text: str) -> None:
    assert explain_reply(code, enhanced, text) in EVERY_EXPLANATION


@given(
    code=st.integers(100, 599),
    enhanced=st.builds(EnhancedStatusCode, st.sampled_from([2, 4, 5]), st.integers(0, 9), st.integers(0, 40)),
    text=st.text(st.characters(categories=["Cc", "Cf", "Cs", "Lu", "Zl"])),
)
def test_a_pasted_reply_is_explained_like_the_reply_itself(code: int, enhanced: EnhancedStatusCode, text: str) -> None:
    assert explain(f"{code} {enhanced} {text}") == explain_reply(code, enhanced, text)


@given(st.text() | st.from_regex(r"(exit )?[0-9]{1,4}([- .][0-9.]{0,9})?( \w+)?", fullmatch=True))
def test_an_argument_is_explained_or_refused(argument: str) -> None:
    with suppress(ValueError):
        assert explain(argument) in EVERY_EXPLANATION


@pytest.mark.parametrize("filling", ["a", "starttl", "5.7.1 ", "-", "\0", "\n", "issue a start", "é", "\ud800"])
def test_a_huge_reply_is_explained_by_words_at_its_end(filling: str) -> None:
    text = filling * (1_000_000 // len(filling))
    assert explain_reply(550, (5, 7, 1), text) == ENHANCED_CODES[None, 7, 1]
    assert explain_reply(550, (5, 7, 1), f"{text} relay access denied").source == "common usage"
