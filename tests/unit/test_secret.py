"""What is secret stays so."""

import copy
import pickle
import traceback
from base64 import b64encode

import pytest

from sendmail_cli.secret import MASK, Redactor, Secret


def test_trap21_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        f"{secret!s}",
        repr([secret]),
    ):
        assert "hunter2" not in shown
        assert MASK in shown


def test_trap21_a_secret_is_not_in_a_traceback() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError(f"bad {secret}")

    with pytest.raises(ValueError, match=r"bad \*\*\*") as caught:
        fail(Secret("hunter2"))
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "secret = ***" in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_duty37_a_secret_can_not_be_written_anywhere(protocol: int) -> None:
    with pytest.raises(TypeError, match="never written"):
        pickle.dumps(Secret("hunter2"), protocol)
    with pytest.raises(TypeError):
        copy.copy(Secret("hunter2"))
    assert not hasattr(Secret("hunter2"), "__dict__")


def test_secrets_compare_by_what_they_are() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("hunter2", "bad password hunter2!", "bad password ***!"),
        ("hunter2", "HUNTER2 Hunter2", "*** ***"),
        ("hunter2", b64encode(b"hunter2").decode(), "***"),
        ("hunter2", b64encode(b"hunter2").decode().rstrip("="), "***"),
        ("hunter2", "nothing of the kind", "nothing of the kind"),
        ("a", "banana", "b***n***n***"),
        ("aa", "aaaaa", "******a"),
        ("Hunter2", "İ Hunter2", "İ ***"),  # str.lower() makes this capital longer
        ("ΑΣ", "ΑΣx ας", "***x ***"),  # str.lower() looks at a sigma's neighbours
        ("Straße", "STRAßE straße", "*** ***"),
        ("ÄÖ", "äö", "***"),
        ("", "empty", "empty"),
        ("***", "a *** b", "a *** b"),
        ("\udc80x", "say \udc80x", "say ***"),
    ],
)
def test_duty37_redactor_erases(secret: str, text: str, expected: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    assert redactor.redact(text) == expected


def test_duty37_redactor_erases_the_longest_of_several_that_begin_alike() -> None:
    redactor = Redactor()
    redactor.add("hunter")
    redactor.add("hunter2")
    assert redactor.redact("hunter2 hunter") == "*** ***"


def test_a_redactor_takes_what_is_no_unicode() -> None:
    redactor = Redactor()
    redactor.add("\ud800x")
    assert redactor.redact("say \ud800x") == "say ***"


def test_a_redactor_that_knows_nothing_changes_nothing() -> None:
    assert Redactor().redact("a ***") == "a ***"


@pytest.mark.parametrize(
    "echo",
    [
        "535 bad password hunter2-S3cretP",
        "535-hunter2-S3 / 535 cretPassw0rd",
        f"535 {b64encode(b'hunter2-S3cretPassw0rd').decode()[:20]}",
        f"535 {b64encode(b'hunter2-S3cretPassw0rd').decode()[3:]}",
        "535 xxHUNTER2-s3cretPASSW0RDxx",
    ],
)
def test_duty37_a_piece_of_a_secret_is_erased_too(echo: str) -> None:
    redactor = Redactor()
    redactor.add("hunter2-S3cretPassw0rd")
    cleaned = redactor.redact(echo)
    assert MASK in cleaned
    for length in range(6, 23):
        for start in range(22 - length + 1):
            assert "hunter2-S3cretPassw0rd"[start : start + length].lower() not in cleaned.lower()


@pytest.mark.parametrize("before", ["", "x", "xx", "xxx", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
@pytest.mark.parametrize("secret", ["hunter2!", "hunter2!!", "hunter2!!!", "hünter2€"])
def test_duty37_a_secret_amid_others_in_base64_is_erased_too(before: str, secret: str, after: str) -> None:
    """In a challenge, or as proxies are told it: `Basic` and user:password."""
    redactor = Redactor()
    redactor.add(secret)
    encoded = b64encode(f"{before}{secret}{after}".encode()).decode()
    own_digits = len(secret.encode()) * 8 // 6 - 1  # those that say nothing of what stands before or after
    cleaned = redactor.redact(encoded)
    assert cleaned.count(MASK) == 1
    assert len(cleaned.replace(MASK, "")) <= len(encoded) - own_digits


def test_the_user_in_a_mechanism_s_message_is_no_secret() -> None:
    redactor = Redactor()
    redactor.add("\0alice@example.org\0hunter2-S3cretPassw0rd", "\\x00alice@example.org\\x00hunter2-S3cretPassw0rd")
    assert redactor.redact("550 alice@example.org is unknown") == "550 alice@example.org is unknown"
    assert redactor.redact("you said \\x00alice@example.org\\x00hunter2-S3cretPassw0rd") == "you said ***"


def test_duty37_a_secret_is_erased_as_it_is_shown_too() -> None:
    redactor = Redactor()
    redactor.add("hunt\x1bers", "hunt\\x1bers")
    assert redactor.redact("bad password hunt\\x1bers, hunt\\x1b") == "bad password ***, ***"
