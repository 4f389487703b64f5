"""What a client may ask of us after MAIL and RCPT, by the letter of the RFCs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.smtp.answers import Answer, Offer
from sendmail_cli.smtp.envelope import Demands, Notify, Reporting, Ret
from sendmail_cli.smtp.parameters import notify_parameter, report_parameters
from sendmail_cli.smtp.received_parameters import received_demands, received_reporting
from sendmail_cli.smtp.received_paths import parse_path

ALL = Offer("here", ("8BITMIME", "DSN", "SMTPUTF8", "REQUIRETLS"), 1000)
OURS = Demands(are_reports_ours=True)
S, F, D, N = Notify.SUCCESS, Notify.FAILURE, Notify.DELAY, Notify.NEVER


def given_parameters(text: str) -> dict[str, str]:
    found = parse_path("FROM:", f"FROM:<a@x> {text}")
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", OURS),
        ("SIZE=1 BODY=8BITMIME SMTPUTF8", OURS),
        ("body=7bit", OURS),
        ("RET=hdrs", OURS._replace(ret=Ret.HEADERS)),
        ("RET=FULL ENVID=QQ+2B+20x", OURS._replace(ret=Ret.FULL, envid="QQ+ x")),
        (f"ENVID={'x' * 100}", OURS._replace(envid="x" * 100)),
        ("REQUIRETLS", OURS._replace(require_tls=True)),
    ],
)
def test_what_mail_asks_for(text: str, expected: Demands) -> None:
    assert received_demands(given_parameters(text), ALL) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SIZE", "SIZE=-1", "SIZE=x", "SIZE=1" + "0" * 20, "BODY=BINARYMIME", "BODY", "SMTPUTF8=yes", "RET",
        "RET=HEADERS", "ENVID", "ENVID=a+2b", "ENVID=a+0D+0Ab", f"ENVID={'x' * 101}", "REQUIRETLS=1", "RET=FULL,HDRS",
    ],
)  # fmt: skip
def test_what_mail_can_not_mean_is_501(text: str) -> None:
    answer = received_demands(given_parameters(text), ALL)
    assert isinstance(answer, Answer)
    assert (answer.code, answer.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reporting()),
        ("NOTIFY=never", Reporting((N,))),
        ("NOTIFY=SUCCESS,failure,DELAY", Reporting((S, F, D))),
        ("NOTIFY=DELAY,DELAY", Reporting((D,))),
        ("ORCPT=rfc822;Bob+2Bx@example.org", Reporting((), "rfc822;Bob+2Bx@example.org")),
        ("NOTIFY=FAILURE ORCPT=utf-8;büro@x", Reporting((F,), r"utf-8;b\x{FC}ro@x")),
    ],
)
def test_what_rcpt_asks_for(text: str, expected: Reporting) -> None:
    assert received_reporting(given_parameters(text), ALL) == expected


@pytest.mark.parametrize(
    "text",
    [
        "NOTIFY", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,NEVER", "NOTIFY=ALWAYS", "NOTIFY=SUCCESS,", "NOTIFY=,DELAY",
        "NOTIFY=SUCCESS;DELAY", "ORCPT", "ORCPT=bob@example.org", "ORCPT=rfc822;a+0D+0ABcc:+20eve@x",
    ],
)  # fmt: skip
def test_what_rcpt_can_not_mean_is_501(text: str) -> None:
    answer = received_reporting(given_parameters(text), ALL)
    assert isinstance(answer, Answer)
    assert (answer.code, answer.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "text", ["RET=FULL", "ENVID=x", "SMTPUTF8", "BODY=7BIT", "SIZE=1", "REQUIRETLS", "XFOO=1", "NOTIFY=NEVER"]
)
def test_what_is_not_offered_to_mail_is_555(text: str) -> None:
    answer = received_demands(given_parameters(text), Offer("here", ()))
    assert isinstance(answer, Answer)
    assert answer.code == 555


@pytest.mark.parametrize("text", ["NOTIFY=NEVER", "ORCPT=rfc822;x", "SIZE=1", "RET=FULL"])
def test_what_is_not_offered_to_rcpt_is_555(text: str) -> None:
    answer = received_reporting(given_parameters(text), Offer("here", ("PIPELINING",)))
    assert isinstance(answer, Answer)
    assert answer.code == 555


@pytest.mark.parametrize("text", ["RET=FULL RET=FULL", "NOTIFY=NEVER notify=NEVER", "ENVID=x ENVID=x"])
def test_nothing_is_asked_twice(text: str) -> None:
    assert parse_path("FROM:", f"FROM:<a@x> {text}") is None


ENVIDS = st.none() | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=33)
NOTIFIES = st.just(()) | st.just((N,)) | st.lists(st.sampled_from([S, F, D]), min_size=1, unique=True).map(tuple)


@given(st.none() | st.sampled_from(Ret), ENVIDS, NOTIFIES)
def test_what_we_ask_another_server_we_understand(
    ret: Ret | None, envid: str | None, notify: tuple[Notify, ...]
) -> None:
    demands = OURS._replace(ret=ret, envid=envid)
    assert received_demands(given_parameters(" ".join(report_parameters(demands))), ALL) == demands
    asked = notify_parameter(notify) if notify else ""
    assert received_reporting(given_parameters(asked), ALL) == Reporting(notify)


@given(st.lists(st.sampled_from(["RET", "ENVID", "NOTIFY", "ORCPT", "SIZE", "BODY", "X"])), st.text(max_size=20))
def test_any_value_is_understood_or_refused(names: list[str], value: str) -> None:
    found = parse_path("FROM:", "FROM:<a@x> " + " ".join(f"{name}={value}" for name in names))
    for understand in (received_demands, received_reporting):
        answer = understand(found[1] if found is not None else {}, ALL)
        assert not isinstance(answer, Answer) or answer.code in {501, 555}
