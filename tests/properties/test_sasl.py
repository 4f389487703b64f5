"""Whatever a server asks of a mechanism: an answer that fits in a line, or RemoteProtocolError, and nothing else."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmail_cli.errors import RemoteProtocolError
from sendmail_cli.printable import printable
from sendmail_cli.secret import Secret
from sendmail_cli.smtp import commands
from sendmail_cli.smtp.replies import MAX_REPLY_LINE, ReplyParser
from sendmail_cli.smtp.sasl import MECHANISMS, Mechanism, Proof

NONCE = b"NONCE"  # stands for the client's own, which no server can guess
MAX_CHALLENGE = (MAX_REPLY_LINE - len("334 \r\n")) // 4 * 3  # octets, before base64

# A server's first message, each field right, wrong, or missing; the right iterations are few, since they are work.
NONCES = st.sampled_from([b"r=NONCEabc", b"r=NONCE", b"r=abc", b"r=NONCE\xff", b"r=NONCE\x00", b"r=", b""])
SALTS = st.sampled_from([b"s=MTIzNDU2Nzg5MDEy", b"s=MTIz", b"s=", b"s=%%%", b"s=MTIz\xc3\xa4", b"s====", b""])
ITERATIONS = st.sampled_from(
    [
        *(
            b"i=4096",
            b"i=4095",
            b"i=0",
            b"i=-4096",
            b"i=10000001",
            b"i=" + b"9" * 50,
            b"i=04096",
            b"i=4096.0",
            b"i= 4096",
        ),
        *("i=٤٠٩٦".encode(), b"i=\xb2", b"i=", b""),
    ]
)
EXTRAS = st.sampled_from([b"", b",m=x", b",x=y", b",", b",i=4096", b",\xff"])
FIRSTS = st.tuples(NONCES, SALTS, ITERATIONS, EXTRAS).map(lambda fields: b",".join(fields[:3]) + fields[3])
FINALS = st.sampled_from(
    [b"v=MTIz", b"v=", b"v=%%", b"e=unknown-user", b"e=", b"e=\x1b[31m", b"", b"\xff", b"v=a,e=b", b"\x01\0\0\0"]
)
SIZES = st.sampled_from([b"x" * 4000, b"x" * 5000, b"r=NONCE" + b"x" * 9000 + b",s=MTIzNDU2Nzg5MDEy,i=4096"])
CHALLENGES = st.lists(st.one_of(FIRSTS, FINALS, SIZES, st.binary(max_size=60)), max_size=4)


class AnyTicket:
    """A GSS-API context that believes every token and protects nothing: what is left is what we say."""

    is_complete = False

    def step(self, token: bytes | None) -> bytes:
        self.is_complete = token is not None
        return b"token"

    def unwrap(self, message: bytes) -> bytes:
        return message

    def wrap(self, message: bytes) -> bytes:
        return message


def begun(name: str) -> Mechanism:
    """A sign-in by this mechanism."""
    choice = MECHANISMS[name]
    return choice.make("ada", AnyTicket() if choice.proof is Proof.TICKET else Secret("hunter2"))


@pytest.mark.parametrize("name", MECHANISMS)
@given(challenges=CHALLENGES)
@settings(max_examples=150, deadline=None)
def test_duty35_any_challenges_have_answers_or_end_it(name: str, challenges: list[bytes]) -> None:
    mechanism = begun(name)
    initial = mechanism.initial_response()
    commands.auth(name, initial)
    nonce = (initial or b"").rpartition(b"r=")[2] if name.startswith("SCRAM") else b"eavesdropped"
    fault = ""
    try:
        for challenge in challenges:
            answer = commands.response(mechanism.respond(challenge.replace(NONCE, nonce)))
            assert answer.line.count(b"\r\n") == 1
            assert "hunter2" not in answer.shown
    except RemoteProtocolError as error:
        fault = error.sentence + error.server_reply
    assert printable(fault, 10_000) == fault
    assert printable(mechanism.why, 10_000) == mechanism.why
    assert "hunter2" not in fault + mechanism.why


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(b64encode)))
@settings(max_examples=300)
def test_trap16_any_text_of_a_challenge_is_octets_or_none(text: bytes) -> None:
    parser = ReplyParser()
    text = text.replace(b"\n", b"").replace(b"\r", b"")
    parser.feed(b"334 " + text + b"\r\n")
    reply = parser.next_reply()
    assert reply is not None
    challenge = reply.challenge()
    assert challenge is None or b64encode(challenge) == text.strip()


def test_the_longest_challenge_there_may_be_has_an_answer_or_ends_it() -> None:
    for name in MECHANISMS:
        mechanism = begun(name)
        mechanism.initial_response()
        try:
            answer = commands.response(mechanism.respond(b"x" * MAX_CHALLENGE))
        except RemoteProtocolError:
            assert name.startswith("SCRAM") or name == "GSSAPI"
        else:
            assert answer.verb == "RESPONSE"
