"""Counts and mean of the ratings follow any sequence of added, changed and removed reviews."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import StarCounts, rating_delta

STARS = st.integers(1, 5)


def after(counts: StarCounts, taken: int | None, given: int | None) -> StarCounts:
    changes = rating_delta(taken, given)
    return StarCounts(**{name: getattr(counts, name) + change for name, change in changes.items()})


@given(st.lists(st.tuples(st.sampled_from(["give", "change", "take back"]), STARS, st.integers(0))))
@settings(max_examples=50)
def test_rating_deltas_add_up_to_the_remaining_reviews(steps: list[tuple[str, int, int]]) -> None:
    left: list[int] = []
    counts = StarCounts()
    for step, stars, which in steps:
        if step == "give" or not left:
            counts = after(counts, None, stars)
            left.append(stars)
            continue
        taken = left.pop(which % len(left))
        counts = after(counts, taken, stars if step == "change" else None)
        left += [stars] if step == "change" else []
        assert counts.count == len(left)
        assert counts.mean == (float(Fraction(sum(left), len(left))) if left else 0.0)
    assert [counts.one, counts.two, counts.three, counts.four, counts.five] == [
        left.count(stars) for stars in range(1, 6)
    ]


@given(st.one_of(st.none(), STARS))
def test_rating_delta_of_equal_stars_is_zero(stars: int | None) -> None:
    assert set(rating_delta(stars, stars).values()) == {0}
