"""What a value of TOML is called."""

from __future__ import annotations

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import find_control

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a table"),
)


def kind_of(value: object) -> str:
    """What `value` is, with its article, for who wrote it."""
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), "a date or time")


def expect_text(value: object) -> str:
    """`value`, if it is a text without control characters. Raises `ConfigError`."""
    if not isinstance(value, str):
        raise ConfigError(f"expected a text in quotes, not {kind_of(value)}")
    if find_control(value.replace("\t", " ")) is not None:
        raise ConfigError("a control character, or what is not UTF-8, stands in it")
    return value
