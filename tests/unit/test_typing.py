from __future__ import annotations

import copy
import pickle

import pytest

from sendmail_cli.typing import NamedTuple


class Place(NamedTuple):
    """Where something is."""

    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"

    @property
    def is_first(self) -> bool:
        return self == self.first()

    @classmethod
    def first(cls) -> Place:
        return cls(1)


class NamedPlace(Place):
    """What is made of one has whatever it adds."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"at {super().__str__()}"


def test_fields_are_read_by_name_and_by_place() -> None:
    line, column = place = Place(3, column=4)
    assert (line, column) == (place.line, place.column) == (3, 4) == place
    assert hash(place) == hash((3, 4))


def test_body_keeps_what_else_stands_in_it() -> None:
    assert (Place.__doc__, str(Place(2)), Place(2).is_first) == ("Where something is.", "2:1", False)
    assert Place.first().is_first


def test_value_has_no_other_attributes_and_does_not_change() -> None:
    place = Place(1)
    assert not hasattr(place, "__dict__")
    with pytest.raises(AttributeError):
        place.line = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        place.page = 2  # type: ignore[attr-defined]


def test_it_is_an_ordinary_tuple_of_an_ordinary_class() -> None:
    assert Place.__bases__ == (tuple,)
    assert type(Place) is type
    assert (Place.__module__, Place.__qualname__) == (__name__, "Place")


def test_class_made_of_one_is_of_its_kind() -> None:
    place = NamedPlace(5)._replace(column=2)
    assert type(place) is NamedPlace
    assert place.__replace__(line=5) == place  # type: ignore[attr-defined,unused-ignore]  # of copy.replace
    assert (str(place), repr(place)) == ("at 5:2", "NamedPlace(line=5, column=2)")


def test_it_matches_by_place_and_by_name() -> None:
    match Place(7, 8):
        case Place(7, column=column):
            assert column == 8
        case _:
            pytest.fail("it does not match")


def test_it_can_be_copied_and_pickled() -> None:
    place = Place(7, 8)
    for other in (copy.copy(place), copy.deepcopy(place), pickle.loads(pickle.dumps(place))):  # noqa: S301
        assert (type(other), other) == (Place, place)
