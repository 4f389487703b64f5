"""Our `NamedTuple` is the one of `typing`: whatever the fields, whatever is asked of it."""

from __future__ import annotations

import keyword
import typing
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.typing import NamedTuple

NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,6}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
FIELDS = st.lists(NAMES, max_size=30, unique=True)


def made(maker: object, fields: list[str], defaults: int) -> Any:
    """A class of these fields, the last of which have defaults."""
    first = len(fields) - defaults
    lines = [f"    {name}: int" + (f" = {place}" if place >= first else "") for place, name in enumerate(fields)]
    source = "\n".join(["from __future__ import annotations", "class Made(NamedTuple):", *lines, "    pass"])
    names = {"NamedTuple": maker, "__name__": "made"}
    exec(source, names)  # noqa: S102
    return names["Made"]


def both(fields: list[str], defaults: int) -> tuple[Any, Any]:
    return made(NamedTuple, fields, defaults), made(typing.NamedTuple, fields, defaults)


def seen(work: typing.Callable[[], Any]) -> Any:
    """What comes of it, as far as one can see: the value and its type's name, or the error."""
    try:
        value = work()
    except (TypeError, ValueError, AttributeError) as error:
        return str(error)
    return type(value).__name__, repr(value)


@given(data=st.data(), fields=FIELDS)
def test_is_constructed_alike_or_refused_alike(data: st.DataObject, fields: list[str]) -> None:
    defaults = data.draw(st.integers(0, len(fields)))
    values = data.draw(st.lists(st.integers(), max_size=len(fields) + 1))
    named = data.draw(st.dictionaries(st.sampled_from([*fields, "other"]), st.integers()))
    ours, theirs = both(fields, defaults)
    assert seen(lambda: ours(*values, **named)) == seen(lambda: theirs(*values, **named))


@given(data=st.data(), fields=FIELDS)
def test_answers_alike(data: st.DataObject, fields: list[str]) -> None:
    values = data.draw(st.lists(st.integers(), min_size=len(fields), max_size=len(fields)))
    changes = data.draw(st.dictionaries(st.sampled_from([*fields, "other"]), st.integers()))
    ours, theirs = both(fields, data.draw(st.integers(0, len(fields))))
    for name in ("_fields", "_field_defaults", "__match_args__", "__slots__", "__module__"):
        assert getattr(ours, name) == getattr(theirs, name)
    mine, other = ours(*values), theirs(*values)
    assert (tuple(mine), mine._asdict(), repr(mine)) == (tuple(other), other._asdict(), repr(other))
    assert [getattr(mine, name) for name in fields] == values
    assert seen(lambda: mine._replace(**changes)) == seen(lambda: other._replace(**changes))


@given(fields=FIELDS, values=st.lists(st.integers(), max_size=31))
def test_is_made_of_as_many_values_as_it_has_fields(fields: list[str], values: list[int]) -> None:
    ours, theirs = both(fields, 0)
    assert seen(lambda: ours._make(values)) == seen(lambda: theirs._make(values))
