"""Whatever comes from outside: nothing that steers a terminal is shown, and no secret."""

import unicodedata
from base64 import b64encode

from hypothesis import assume, given
from hypothesis import strategies as st

from sendmail_cli.printable import MAX_SHOWN, printable
from sendmail_cli.secret import Redactor

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
SECRETS = st.text(st.characters(exclude_characters="*"), min_size=1, max_size=12)


@given(st.text(st.one_of(st.characters(), st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])), max_size=80))
def test_trap16_duty23_no_control_is_shown(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)
    assert not any(unicodedata.bidirectional(character) in BIDI for character in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == shown


@given(st.text(max_size=40), st.integers(0, 30))
def test_duty23_a_text_has_a_limit(text: str, limit: int) -> None:
    assert len(printable(text, limit)) <= limit * len(r"\U00000000") + len("… (40 more characters)")
    assert len(printable("x" * 10**6)) < MAX_SHOWN + 40


@given(SECRETS, st.text(max_size=20), st.text(max_size=20), st.sampled_from([str, str.upper, str.lower, str.swapcase]))
def test_trap21_duty37_a_redactor_never_leaks(secret: str, before: str, after: str, change: type[str]) -> None:
    redactor = Redactor()
    redactor.add(secret)
    encoded = b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    for form in (secret, encoded, encoded.rstrip("=")):
        shown = redactor.redact(before + form + after)
        assert secret not in shown
        assert form not in shown
    changed = change(secret)
    assume(len(changed) == len(secret) and changed.casefold() == secret.casefold())
    assert changed not in redactor.redact(before + changed + after) or not changed.isascii()
