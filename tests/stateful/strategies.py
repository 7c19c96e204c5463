"""Draw the initial state of an example: two neighbouring shops in various zones, and a moment."""

from datetime import datetime
from typing import NamedTuple

from hypothesis import strategies as st

from grome.common.ids import new_id
from tests.stateful.shop_commands import RULES
from tests.stateful.shops import Day, Offer, Rules, Shop

# Clocks skip an hour in Berlin in the night after the second, and half an hour on Lord Howe after the third moment.
MOMENTS = ["2031-05-06T05:58Z", "2031-03-29T06:03Z", "2031-10-04T10:00Z", "2031-10-25T20:01Z"]
MORNING = Day(9 * 60, 13 * 60, ((11 * 60, 11 * 60 + 30),))
NIGHT = Day(22 * 60, 27 * 60, ((24 * 60 + 30, 25 * 60),))
LONG = Day(8 * 60, 20 * 60, ((12 * 60, 13 * 60), (16 * 60, 16 * 60 + 15)))
WEEKS = [(MORNING,) * 7, (NIGHT,) * 7, (LONG, None, LONG, None, LONG, None, LONG)]
ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata"]
OFFERS = [
    (Offer(30, 2500), Offer(60, 6000, gap=(20, 45)), Offer(45, 4100, before=10, after=20, auto=False)),
    (Offer(20, 1999), Offer(35, 3000, gap=(5, 30), before=5), Offer(90, 9000, cap=1)),
    (Offer(5, 300, auto=True), Offer(50, 5050, after=25), Offer(30, 2900, cap=2)),
]


class Plan(NamedTuple):
    now: int
    shops: list[tuple[str, tuple[Day | None, ...], tuple[Offer, ...], Rules, int]]

    def open(self) -> list[Shop]:
        return [
            Shop(new_id(), zone, week, offers, rules, notice_of_cancelling=notice, notice_of_moving=notice)
            for zone, week, offers, rules, notice in self.shops
        ]


def plans() -> st.SearchStrategy[Plan]:
    now = st.sampled_from([int(datetime.fromisoformat(text).timestamp()) // 60 for text in MOMENTS])
    notice = st.sampled_from([0, 120, 2 * 24 * 60])
    shop = st.tuples(st.sampled_from(ZONES), *map(st.sampled_from, (WEEKS, OFFERS, RULES)), notice)
    return st.builds(Plan, now, st.lists(shop, min_size=2, max_size=2))
