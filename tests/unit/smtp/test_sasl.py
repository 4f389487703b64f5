"""Mechanisms: what each answers, and which is used."""

import hashlib
import hmac

import pytest
from scramp import ScramMechanism

from sendmail_cli.config.profile_keys import AUTH_CHOICES, NEEDS_NO_PASSWORD, SAFE_IN_THE_CLEAR
from sendmail_cli.errors import ConfigError, RemoteProtocolError
from sendmail_cli.secret import Secret
from sendmail_cli.smtp.sasl import (
    MECHANISMS,
    Choice,
    CramMD5,
    External,
    Login,
    OAuthBearer,
    Plain,
    Proof,
    Scram,
    XOAuth2,
    select_mechanisms,
)

SCRAMS = ["SCRAM-SHA-1", "SCRAM-SHA-256"]


def test_plain_says_all_at_once() -> None:
    plain = Plain("ada", Secret("pä ss"))
    message = "\0ada\0pä ss".encode()
    assert plain.initial_response() == plain.respond(b"") == message
    assert plain.secrets() == ("\0ada\0pä ss", "pä ss")


def test_login_answers_two_challenges_and_then_nothing() -> None:
    login = Login("ada", Secret("pä ss"))
    assert login.initial_response() is None
    assert [login.respond(b"whatever") for _ in range(3)] == [b"ada", "pä ss".encode(), b""]
    assert login.secrets() == ("pä ss",)


WITH_PASSWORD = [choice for choice in MECHANISMS.values() if choice.proof is Proof.PASSWORD]


@pytest.mark.parametrize("choice", WITH_PASSWORD)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("a\0b", "^user name and password can't hold a NUL character"),
        ("a\ud800", "^user name and password must be UTF-8"),
        ("\udfff", "^user name and password must be UTF-8"),
    ],
)
def test_what_neither_user_nor_password_can_hold(choice: Choice, bad: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        choice.make("ada", Secret(f"hunter2{bad}"))
    assert "hunter2" not in repr(caught.value)
    with pytest.raises(ConfigError, match=words):
        choice.make(bad, Secret("hunter2"))


@pytest.mark.parametrize("choice", WITH_PASSWORD)
def test_trap21_a_mechanism_does_not_show_its_password(choice: Choice) -> None:
    assert "hunter2" not in repr(choice.make("ada", Secret("hunter2")))


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("auto", ("LOGIN", "PLAIN"), ("PLAIN", "LOGIN")),
        ("Auto", ("LOGIN",), ("LOGIN",)),
        ("auto", ("GSSAPI",), ()),
        (
            "auto",
            ("CRAM-MD5", "SCRAM-SHA-1", "LOGIN", "PLAIN", "SCRAM-SHA-256"),
            ("SCRAM-SHA-256", "PLAIN", "LOGIN", "SCRAM-SHA-1", "CRAM-MD5"),
        ),
        ("auto", ("XOAUTH2", "OAUTHBEARER"), ()),
        ("xoauth2", ("PLAIN", "XOAUTH2"), ("XOAUTH2",)),
        ("scram-sha-256", ("PLAIN",), ()),
        ("plain", ("LOGIN", "PLAIN"), ("PLAIN",)),
        ("LOGIN", ("LOGIN", "PLAIN"), ("LOGIN",)),
        ("login", ("PLAIN",), ()),
        ("gssapi", ("PLAIN", "GSSAPI"), ("GSSAPI",)),
        ("auto", ("EXTERNAL",), ()),
        ("external", ("PLAIN", "EXTERNAL"), ("EXTERNAL",)),
    ],
)
def test_which_are_tried(wanted: str, offered: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert select_mechanisms(wanted, offered) == expected


def test_the_profile_may_name_just_what_there_is() -> None:
    assert set(AUTH_CHOICES) - {"auto", "none"} == {name.lower() for name in MECHANISMS}
    assert set(SAFE_IN_THE_CLEAR) == {name.lower() for name, choice in MECHANISMS.items() if not choice.needs_tls}


def test_the_profile_needs_no_password_where_nothing_proves_by_one() -> None:
    without = {name.lower() for name, choice in MECHANISMS.items() if choice.proof is not Proof.PASSWORD}
    assert set(NEEDS_NO_PASSWORD) == without
    assert not any(choice.is_automatic for choice in MECHANISMS.values() if choice.proof is not Proof.PASSWORD)


@pytest.mark.parametrize(("user", "said"), [("", b""), ("ada@example.org", b"ada@example.org"), ("ä", "ä".encode())])
def test_external_says_only_as_whom_to_act(user: str, said: bytes) -> None:
    external = MECHANISMS["EXTERNAL"].make(user, None)
    assert isinstance(external, External)
    assert external.initial_response() == external.respond(b"") == said
    assert external.secrets() == ()
    external.check_end()


def test_external_can_not_say_a_user_with_nul() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        External("a\0b")


def test_cram_md5_answers_with_a_digest() -> None:
    # The example of RFC 2195 §2.
    cram = CramMD5("tim", Secret("tanstaaftanstaaf"))
    assert cram.initial_response() is None
    answer = cram.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert answer.endswith(
        hmac.new(b"tanstaaftanstaaf", b"<1896.697170952@postoffice.reston.mci.net>", hashlib.md5).hexdigest().encode()
    )


def test_xoauth2_sends_the_token_and_lets_the_refusal_come() -> None:
    mechanism = XOAuth2("someuser@example.com", Secret("vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg=="))
    message = b"user=someuser@example.com\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\1\1"
    assert mechanism.initial_response() == message
    assert mechanism.respond(b'{"status":"401"}') == b""
    assert mechanism.why == '{"status":"401"}'
    assert mechanism.secrets() == (message.decode(), "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==")


@pytest.mark.parametrize("mechanism", [XOAuth2, OAuthBearer])
def test_trap21_why_a_token_was_refused_is_printable_and_not_endless(mechanism: type[XOAuth2]) -> None:
    it = mechanism("ada", Secret("token"))
    it.respond(b"\xff\x1b[2J" + b"x" * 1000)
    assert it.why.startswith(r"\xff\x1b[2Jxxx")
    assert 300 < len(it.why) < 350


def test_oauthbearer_escapes_the_user_and_answers_an_error_with_one_octet() -> None:
    # RFC 7628 §4.1, §3.2.3; RFC 5801 §4 for the user's name.
    mechanism = OAuthBearer("a=b,c@example.com", Secret("token"))
    assert mechanism.initial_response() == b"n,a=a=3Db=2Cc@example.com,\1auth=Bearer token\1\1"
    assert mechanism.respond(b'{"status":"invalid_token"}') == b"\1"


class ScramServer:
    """The other side, by the library; it can lie."""

    def __init__(self, name: str, password: str = "pä sswörd", iterations: int = 4096) -> None:
        mechanism = ScramMechanism(name)
        known = mechanism.make_auth_info(password, iteration_count=iterations)
        self.server = mechanism.make_server(lambda user: known)

    def first(self, client_first: bytes | None) -> bytes:
        assert client_first is not None
        self.server.set_client_first(client_first.decode())
        first: str = self.server.get_server_first()
        return first.encode()

    def final(self, client_final: bytes) -> bytes:
        self.server.set_client_final(client_final.decode())
        final: str = self.server.get_server_final()
        return final.encode()


@pytest.mark.parametrize("name", SCRAMS)
def test_scram_proves_the_password_and_sees_the_server_prove_it(name: str) -> None:
    client, server = Scram(name, "ada", Secret("pä sswörd")), ScramServer(name)
    final = server.final(client.respond(server.first(client.initial_response())))
    assert client.respond(final) == b""
    client.check_end()


@pytest.mark.parametrize("name", SCRAMS)
def test_scram_never_says_the_password(name: str) -> None:
    client, server = Scram(name, "ada", Secret("pä sswörd")), ScramServer(name)
    first = client.initial_response() or b""
    assert "pä sswörd".encode() not in first + client.respond(server.first(first))


@pytest.mark.parametrize("name", SCRAMS)
def test_scram_a_yes_without_proof_is_no_yes(name: str) -> None:
    client, server = Scram(name, "ada", Secret("pä sswörd")), ScramServer(name)
    with pytest.raises(RemoteProtocolError, match="without proving"):
        client.check_end()
    client.respond(server.first(client.initial_response()))
    with pytest.raises(RemoteProtocolError, match="without proving"):
        client.check_end()


@pytest.mark.parametrize("lie", [b"v=AAAA", b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", b"e=other-error", b"x", b"", b"\xff"])
def test_duty35_scram_a_wrong_proof_ends_it(lie: bytes) -> None:
    client, server = Scram("SCRAM-SHA-1", "ada", Secret("pä sswörd")), ScramServer("SCRAM-SHA-1")
    client.respond(server.first(client.initial_response()))
    with pytest.raises(RemoteProtocolError, match="SCRAM-SHA-1 is not right"):
        client.respond(lie)


@pytest.mark.parametrize(
    "first",
    [
        b"r=someone-elses-nonce,s=QSXCR+Q6sek8bf92,i=4096",
        b"r=%s,s=QSXCR+Q6sek8bf92,i=4095",
        b"r=%s,s=QSXCR+Q6sek8bf92,i=10000001",
        b"r=%s,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
        b"r=%s,s=QSXCR+Q6sek8bf92,i=-1",
        b"r=%s,s=QSXCR+Q6sek8bf92",
        b"r=%s,s=,i=4096",
        b"r=%s,s=%%%%,i=4096",
        b"m=ext,r=%s,s=QSXCR+Q6sek8bf92,i=4096",
        b"",
        b"\xff",
        b"=,=,=",
        b"r=%s" + b"x" * 9000 + b",s=QSXCR+Q6sek8bf92,i=4096",  # the answer would not fit in a line (RFC 4954 §4)
    ],
)
def test_duty35_scram_a_challenge_that_cheats_ends_it(first: bytes) -> None:
    client = Scram("SCRAM-SHA-256", "ada", Secret("pä sswörd"))
    nonce = (client.initial_response() or b"").rpartition(b"r=")[2] + b"more"
    with pytest.raises(RemoteProtocolError, match="SCRAM-SHA-256 is not right"):
        client.respond(first.replace(b"%s", nonce))


@pytest.mark.parametrize(
    ("iterations", "why"),
    [
        ("4095", "4095 iterations are not between 4096 and 10000000"),
        ("10000001", "10000001 iterations are not between 4096 and 10000000"),
        ("", "no iteration count"),
        ("-1", "no iteration count"),
        ("+5000", "no iteration count"),
        ("5_000", "no iteration count"),
        ("٥٠٠٠", "no iteration count"),
        ("9" * 20, "no iteration count"),
    ],
)
def test_duty35_scram_says_what_is_wrong_with_the_number_of_iterations(iterations: str, why: str) -> None:
    client = Scram("SCRAM-SHA-256", "ada", Secret("pä sswörd"))
    nonce = (client.initial_response() or b"").rpartition(b"r=")[2].decode() + "more"
    with pytest.raises(RemoteProtocolError) as caught:
        client.respond(f"r={nonce},s=QSXCR+Q6sek8bf92,i={iterations}".encode())
    assert str(caught.value) == f"the server's part of SCRAM-SHA-256 is not right: {why}"


@pytest.mark.parametrize(("octets", "answered"), [(4096, True), (4097, False)])
def test_duty35_scram_a_challenge_has_an_end(octets: int, answered: bool) -> None:
    client = Scram("SCRAM-SHA-256", "ada", Secret("pä sswörd"))
    nonce = (client.initial_response() or b"").rpartition(b"r=")[2]
    salt = b",s=QSXCR+Q6sek8bf92,i=4096"
    challenge = b"r=" + nonce + b"x" * (octets - len(b"r=" + nonce + salt)) + salt
    if answered:
        assert client.respond(challenge)
        return
    with pytest.raises(RemoteProtocolError, match=r"^the server's part of SCRAM-SHA-256 is not right: it has no end$"):
        client.respond(challenge)


def test_duty34_scram_ends_where_it_ends() -> None:
    client, server = Scram("SCRAM-SHA-1", "ada", Secret("pä sswörd")), ScramServer("SCRAM-SHA-1")
    client.respond(server.final(client.respond(server.first(client.initial_response()))))
    with pytest.raises(RemoteProtocolError, match="goes on after the end"):
        client.respond(b"more")


def test_scram_refuses_a_name_that_saslprep_refuses() -> None:
    with pytest.raises(ConfigError, match="can't be used with SCRAM-SHA-256"):
        Scram("SCRAM-SHA-256", "a\u0007b", Secret("hunter2"))
