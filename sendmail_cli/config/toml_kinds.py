"""What a value of TOML is called."""

from __future__ import annotations

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
