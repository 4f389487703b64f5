"""Waits double, within their bounds; no leap of a clock makes a mail wait for ever or give up at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmail_cli.queue.schedule import (
    FIRST_PAUSE,
    FIRST_WAIT,
    JITTER,
    LONGEST_PAUSE,
    LONGEST_STEP,
    LONGEST_WAIT,
    Limit,
    expired_since,
    is_over,
    looked_on,
    pause_after,
    room,
    wait_after,
)

CHANCES = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempts", "wait"), [(0, 60), (1, 60), (2, 120), (3, 240), (7, 3840), (8, 7200), (10**9, 7200)]
)
def test_waits_double_up_to_the_longest(attempts: int, wait: float) -> None:
    assert wait_after(attempts, 0.0) == wait


@given(st.integers(0, 5000), CHANCES)
def test_no_wait_leaves_its_bounds(attempts: int, chance: float) -> None:
    assert FIRST_WAIT * (1 - JITTER) <= wait_after(attempts, chance) <= LONGEST_WAIT
    assert FIRST_PAUSE * (1 - JITTER) <= pause_after(attempts, chance) <= LONGEST_PAUSE


def test_mails_that_failed_together_come_back_apart() -> None:
    assert len({wait_after(3, chance / 10) for chance in range(10)}) == 10


@pytest.mark.parametrize(
    ("moment", "is_it"),
    [(999.0, True), (1000.0, True), (1001.0, False), (1000.0 + 7200, False), (1000.0 + 7201, True)],
    ids=["past", "now", "soon", "the longest wait", "no wait is so long: the clock was set back"],
)
def test_a_moment_is_over(moment: float, is_it: bool) -> None:
    assert is_over(moment, 1000.0, LONGEST_WAIT) is is_it


def test_a_leap_of_years_ages_a_mail_by_hours() -> None:
    assert looked_on(1000.0, 1060.0) == 60.0
    assert looked_on(1000.0, 1e9) == LONGEST_STEP
    assert looked_on(1e9, 1000.0) == 0.0


@given(st.lists(st.floats(0, 2e9), min_size=1, max_size=19))
def test_no_clock_gives_up_a_mail_before_it_was_looked_on_often_enough(looks: list[float]) -> None:
    age, last = 0.0, looks[0]
    for now in looks:
        age += looked_on(last, now)
        last = now

    assert expired_since(age) < 0.0  # 5 days are 30 of the longest steps


def test_a_mail_expires_after_five_days() -> None:
    assert expired_since(100.0 + 5 * 86400) == 100.0


@pytest.mark.parametrize(
    ("used", "free"), [((0, 0), 10), ((14, 0), 0), ((10, 0), 4), ((0, 1995), 5), ((20, 3000), 0)], ids=str
)
def test_the_narrowest_limit_holds(used: tuple[int, int], free: int) -> None:
    limits = zip((Limit(14, 1.0), Limit(2000, 86400.0)), used, strict=True)

    assert room(limits, 10) == free


def test_without_limits_all_may_go() -> None:
    assert room((), 10) == 10
