from __future__ import annotations

from sendmail_cli.config.origins import DEFAULT, Origin, Origins


def test_the_first_value_that_is_set_counts_even_an_empty_one() -> None:
    origins = Origins()
    flag = Origin("flag", "--x")
    assert origins.first("a", (None, flag), ("b", DEFAULT)) == "b"
    assert origins.first("empty", ("", flag), ("b", DEFAULT)) == ""
    assert origins.first("nothing", (None, flag)) is None
    assert origins.by_name == {"a": DEFAULT, "empty": flag}
