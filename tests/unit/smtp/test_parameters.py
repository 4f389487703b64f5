"""What goes after MAIL and RCPT, and what may be asked for."""

import pytest

from sendmail_cli.addresses import AddrSpec
from sendmail_cli.errors import AddressError, DataError, MessageTooLarge, NotOffered, UsageError
from sendmail_cli.smtp.capabilities import Capabilities, Limits
from sendmail_cli.smtp.envelope import (
    Demands,
    ForwardPath,
    Notify,
    Recipient,
    Ret,
    ReversePath,
    envelope_of,
    fitting,
)
from sendmail_cli.smtp.parameters import (
    mail_parameters,
    parse_envid,
    parse_notify,
    parse_parameter,
    parse_ret,
    rcpt_parameters,
)
from sendmail_cli.xtext import original_recipient

ADA = AddrSpec("ada", "example.org")
BUERO = AddrSpec("büro", "example.org")


def offering(*extensions: str) -> Capabilities:
    return Capabilities("mx", tuple((line.split()[0], tuple(line.split()[1:])) for line in extensions))


def mail(demands: Demands, *extensions: str, sender: AddrSpec = ADA, is_secured: bool = True) -> tuple[str, ...]:
    envelope = envelope_of(ReversePath(sender), (ADA,), demands=demands)
    capabilities = offering(*extensions)
    return mail_parameters(envelope, capabilities, size=1, is_7bit=True, has_utf8_header=False, is_secured=is_secured)


def test_everything_at_once_in_the_order_of_the_rfcs() -> None:
    demands = Demands(Ret.FULL, "a=b", require_tls=True, mail_parameters=("BY=60;N",))
    offered = ("SIZE", "DSN", "REQUIRETLS", "DELIVERBY")
    assert mail(demands, *offered) == ("SIZE=1", "REQUIRETLS", "RET=FULL", "ENVID=a+3Db", "BY=60;N")


OPTION_HINT = "Nothing was sent. Leave the option out, or use a server that offers it."
PARAMETER_HINT = "Nothing was sent. `sendmail-cli check` shows what it offers."


@pytest.mark.parametrize(
    ("demands", "sentence", "hint"),
    [
        (
            Demands(ret=Ret.FULL),
            "the server doesn't offer reports of delivery (--ret, --envid): there is no DSN in its answer to EHLO",
            OPTION_HINT,
        ),
        (
            Demands(envid="x"),
            "the server doesn't offer reports of delivery (--ret, --envid): there is no DSN in its answer to EHLO",
            OPTION_HINT,
        ),
        (
            Demands(require_tls=True),
            (
                "the server doesn't offer that every server on the way uses TLS (--requiretls): "
                "there is no REQUIRETLS in its answer to EHLO"
            ),
            OPTION_HINT,
        ),
        (
            Demands(mail_parameters=("XFOO=a",)),
            "the server doesn't offer XFOO, which the parameter XFOO=a belongs to",
            PARAMETER_HINT,
        ),
        (
            Demands(mail_parameters=("by=60;N=",)),
            "the server doesn't offer DELIVERBY, which the parameter by=60;N= belongs to",
            PARAMETER_HINT,
        ),
        (
            Demands(mail_parameters=("A=" + "x" * 88,)),
            f"the server doesn't offer A, which the parameter A={'x' * 78}… (10 more characters) belongs to",
            PARAMETER_HINT,
        ),
    ],
)
def test_what_is_demanded_and_not_offered_is_69_and_says_so(demands: Demands, sentence: str, hint: str) -> None:
    with pytest.raises(NotOffered) as caught:
        mail(demands, "PIPELINING")
    assert caught.value.exit_code == 69
    assert (str(caught.value), caught.value.hint) == (sentence, hint)


def test_reports_about_a_recipient_that_are_not_offered() -> None:
    with pytest.raises(NotOffered) as caught:
        rcpt_parameters(Recipient(ForwardPath(ADA), (Notify.NEVER,)), offering("SIZE"))
    sentence = "the server doesn't offer reports of delivery (--notify): there is no DSN in its answer to EHLO"
    assert (str(caught.value), caught.value.hint) == (sentence, OPTION_HINT)


def test_a_parameter_of_ones_own_needs_only_its_own_extension() -> None:
    own = ("XFOO=a", "XBAR", "by=60;R")
    assert mail(Demands(mail_parameters=own), "XBAR", "XFOO", "DELIVERBY") == own


def test_duty30_requiretls_needs_tls_whatever_the_server_offers() -> None:
    with pytest.raises(NotOffered) as caught:
        mail(Demands(require_tls=True), "REQUIRETLS", is_secured=False)
    assert str(caught.value) == "--requiretls asks every server for verified TLS, and this connection has none"
    assert caught.value.hint == "Use --tls implicit or --tls starttls, without --insecure (RFC 8689 §2)."


def test_duty14_the_address_that_needs_smtputf8_is_named() -> None:
    for sender, recipient in ((BUERO, ADA), (ADA, BUERO), (None, BUERO)):
        envelope = envelope_of(ReversePath(sender), (recipient,))
        with pytest.raises(AddressError) as caught:
            mail_parameters(envelope, offering(), size=1, is_7bit=True, has_utf8_header=False, is_secured=True)
        assert str(caught.value) == (
            "the address büro@example.org is beyond ASCII, and the server doesn't take that (no SMTPUTF8, 5.6.7)"
        )
        assert caught.value.hint == (
            "Use an address with ASCII letters before the “@”; domains of any script are no trouble."
        )


def test_duty14_a_header_that_needs_smtputf8_is_said() -> None:
    envelope = envelope_of(ReversePath(None), (ADA,))
    with pytest.raises(AddressError, match=r"^a header field of this message is beyond ASCII, and the server doesn't"):
        mail_parameters(envelope, offering(), size=1, is_7bit=True, has_utf8_header=True, is_secured=True)


def test_duty13_what_is_too_large_is_said_with_both_sizes() -> None:
    envelope = envelope_of(ReversePath(ADA), (ADA,))
    at_most = mail_parameters(
        envelope, offering("SIZE 1000"), size=1000, is_7bit=True, has_utf8_header=False, is_secured=True
    )
    assert at_most == ("SIZE=1000",)
    with pytest.raises(MessageTooLarge) as caught:
        mail_parameters(
            envelope, offering("SIZE 1000"), size=1001, is_7bit=True, has_utf8_header=False, is_secured=True
        )
    assert str(caught.value) == "the message has 1,001 octets and the server takes at most 1,000"
    assert caught.value.hint == "Send less, or put the file where the recipients can fetch it."


def test_duty14_octets_that_the_server_does_not_take_are_said() -> None:
    envelope = envelope_of(ReversePath(ADA), (ADA,))
    with pytest.raises(DataError) as caught:
        mail_parameters(envelope, offering(), size=1, is_7bit=False, has_utf8_header=False, is_secured=True)
    assert str(caught.value) == (
        "the message holds 8-bit octets and the server takes 7-bit messages only (no 8BITMIME)"
    )


def test_a_recipient_asks_for_nothing_unless_told() -> None:
    assert rcpt_parameters(Recipient(ForwardPath(ADA)), offering("DSN")) == ()


def test_a_recipient_with_reports_and_parameters_of_ones_own() -> None:
    recipient = Recipient(ForwardPath(ADA), (Notify.NEVER,))
    assert rcpt_parameters(recipient, offering("DSN", "RRVS"), Demands(rcpt_parameters=("RRVS=x",))) == (
        "NOTIFY=NEVER",
        "ORCPT=rfc822;ada@example.org",
        "RRVS=x",
    )


def test_an_original_recipient_that_is_too_long_to_name_is_left_out() -> None:
    recipient = Recipient(ForwardPath(AddrSpec("ü" * 32, "a" * 63 + ".example.org")), (Notify.DELAY,))
    assert len(original_recipient(recipient.path.address)) < 500
    just_fits = AddrSpec("x" * 64, "y" * (500 - len("rfc822;") - 65))
    assert rcpt_parameters(Recipient(ForwardPath(just_fits), (Notify.DELAY,)), offering("DSN")) == (
        "NOTIFY=DELAY",
        f"ORCPT=rfc822;{just_fits}",
    )
    longer = Recipient(ForwardPath(AddrSpec("𝔞" * 64, "example.org")), (Notify.DELAY,))
    assert rcpt_parameters(longer, offering("DSN")) == ("NOTIFY=DELAY",)


@pytest.mark.parametrize("extensions", [(), ("DSN",)])
def test_reports_that_are_ours_are_asked_for_where_there_is_dsn_and_else_not_a_word_is_said(
    extensions: tuple[str, ...],
) -> None:
    demands = Demands(Ret.HEADERS, "a b", are_reports_ours=True)
    recipient = Recipient(ForwardPath(ADA), (Notify.SUCCESS,), "rfc822;first+2B@example.org")
    said = (*mail(demands, *extensions), *rcpt_parameters(recipient, offering(*extensions), demands))
    asked = ("RET=HDRS", "ENVID=a+20b", "NOTIFY=SUCCESS", "ORCPT=rfc822;first+2B@example.org")
    assert said == (asked if extensions else ())


def test_an_original_recipient_goes_along_without_notify() -> None:
    recipient = Recipient(ForwardPath(ADA), (), "rfc822;Ada@example.org")
    demands = Demands(are_reports_ours=True)
    assert rcpt_parameters(recipient, offering("DSN"), demands) == ("ORCPT=rfc822;Ada@example.org",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("never", (Notify.NEVER,)),
        ("success,Failure, delay", (Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)),
        ("delay,delay", (Notify.DELAY,)),
        ("never,NEVER", (Notify.NEVER,)),
    ],
)
def test_notify(text: str, expected: tuple[Notify, ...]) -> None:
    assert parse_notify(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "“” is none of never, success, failure, delay"),
        ("Always", "“always” is none of never, success, failure, delay"),
        ("success,", "“” is none of never, success, failure, delay"),
        ("success failure", "“success failure” is none of never, success, failure, delay"),
        ("x" * 50, f"“{'x' * 40}… (10 more characters)” is none of never, success, failure, delay"),
        ("never,delay", "“never” stands alone: no report at all, or some of success, failure, delay"),
    ],
)
def test_what_is_no_notify(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_notify(text)
    assert str(caught.value) == sentence


def test_ret() -> None:
    assert [parse_ret(text) for text in ("full", "Headers", "HDRS")] == [Ret.FULL, Ret.HEADERS, Ret.HEADERS]
    with pytest.raises(UsageError, match=r"^“half” is neither full nor headers$"):
        parse_ret("half")
    with pytest.raises(UsageError, match=r"^“x{40}… \(10 more characters\)” is neither full nor headers$"):
        parse_ret("x" * 50)


def test_an_envelope_id_has_100_octets_as_it_is_sent() -> None:
    assert parse_envid("x" * 100) == "x" * 100
    assert parse_envid("=" * 33) == "=" * 33
    for text, length in (("x" * 101, 101), ("=" * 34, 102)):
        with pytest.raises(UsageError) as caught:
            parse_envid(text)
        assert str(caught.value) == (f"an envelope id has at most 100 octets as it is sent, and this one has {length}")


def test_an_envelope_id_is_printable_ascii() -> None:
    assert parse_envid(" !~") == " !~"
    for text in ("", "ü", "a\tb", "a\x7f", "a\r\nRCPT TO:<eve@example.net>"):
        with pytest.raises(UsageError, match=r"^an envelope id is printable ASCII, and not empty$"):
            parse_envid(text)


@pytest.mark.parametrize("text", ["BY=60;N", "XVERP", "MT-PRIORITY=-3", "x=+3D"])
def test_a_parameter(text: str) -> None:
    assert parse_parameter(text) == text


@pytest.mark.parametrize(
    "text", ["", "=x", "-A=1", "A=", "A=1=2", "A=1 B=2", "A=ü", "A=1\r\nRSET", "A\x00", "A_B=1", " A=1"]
)
def test_duty50_what_is_no_parameter(text: str) -> None:
    with pytest.raises(UsageError, match="is no parameter") as caught:
        parse_parameter(text)
    assert caught.value.hint == (
        "What is not plain ASCII, and “+” and “=” in a value, may be written as xtext: +3D is “=”."
    )


def test_what_is_no_parameter_is_shown_and_not_at_length() -> None:
    words = "is no parameter: KEY=VALUE or KEY, without spaces, in ASCII (RFC 5321 §4.1.2)"
    for text, shown in (("a b", "a b"), (" " + "x" * 89, " " + "x" * 79 + "… (10 more characters)")):
        with pytest.raises(UsageError) as caught:
            parse_parameter(text)
        assert str(caught.value) == f"“{shown}” {words}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("size=1", "SIZE is set by this program itself, not as a parameter"),
        ("smtputf8", "SMTPUTF8 is set by this program itself, not as a parameter"),
        ("RET=FULL", "RET is set by --ret, not as a parameter"),
        ("notify=NEVER", "NOTIFY is set by --notify, not as a parameter"),
    ],
)
def test_a_parameter_that_has_an_option_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_parameter(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), [0, 1, 2, 3]),
        (Limits(rcpt_max=2), [0, 1]),
        (Limits(rcpt_domain_max=1), [0, 2]),
        (Limits(rcpt_domain_max=2, rcpt_max=3), [0, 1, 2]),
    ],
)
def test_duty12_what_fits_into_one_transaction(limits: Limits, expected: list[int]) -> None:
    domains = ("a.example", "b.example", "A.example", "c.example")
    recipients = [Recipient(ForwardPath(AddrSpec("x", domain))) for domain in domains]
    assert fitting(recipients, limits) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("LIMITS RCPTMAX=10 MAILMAX=2 RCPTDOMAINMAX=1", Limits(10, 1, 2)),
        ("LIMITS rcptmax=10", Limits(10)),
        ("LIMITS RCPTMAX=0 MAILMAX=-1 RCPTDOMAINMAX=1234567", Limits()),
        ("LIMITS RCPTMAX=١ MAILMAX RCPTDOMAINMAX=", Limits()),
        ("SIZE", Limits()),
    ],
)
def test_duty12_limits_that_a_server_names(line: str, expected: Limits) -> None:
    assert offering(line).limits == expected
