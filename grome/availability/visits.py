"""What a wish for services asks of a barber's calendar: how long, with which gaps, by whose rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from grome.availability.caps import Cap, cap_on_service, cap_on_visits
from grome.availability.models import BookingRules, OfferRules
from grome.availability.ticks import Span, ticks_for
from grome.barbers.models import ChosenService
from grome.common.figures import duration_of


@dataclass(frozen=True, slots=True)
class Visit:
    """`duration_min` is what the customer sees. In `gaps`, minutes from the start, the barber is free for others.

    The way to the customer takes `travel_min`, and as much back, in whole five minutes; `way_min` is the same to the
    minute, where that is known. Raises ValueError for a duration that is not positive:
    such a booking would occupy nothing.
    """

    duration_min: int
    gaps: tuple[tuple[int, int], ...] = ()
    travel_min: int = 0
    caps: tuple[Cap, ...] = ()
    way_min: int | None = None

    def __post_init__(self) -> None:
        if self.duration_min <= 0:
            raise ValueError(f"a visit of {self.duration_min} minutes occupies no time")

    @property
    def ticks(self) -> int:
        """How many it touches from its start on."""
        return ticks_for(self.duration_min)

    def at_work(self) -> list[Span]:
        """When the barber is busy with the customer, in ticks from the start."""
        spans, begin = [], 0
        for gap_start, gap_end in self.gaps:
            spans.append(Span(begin, ticks_for(gap_start)))
            begin = ticks_for(gap_end)
        return [*spans, Span(begin, self.ticks)]

    def kept(self, rules: BookingRules) -> list[Span]:
        """What a booking keeps from others, in ticks from the start: work, the way there and back, and buffers."""
        spans = self.at_work()
        before = ticks_for(rules.buffer_before_min + self.travel_min)
        after = ticks_for(rules.buffer_after_min + self.travel_min)
        spans[0] = Span(spans[0].start - before, spans[0].end)
        spans[-1] = Span(spans[-1].start, spans[-1].end + after)
        return spans

    def whole(self, rules: BookingRules) -> Span:
        """All that time off must leave alone, in ticks from the start: travel and buffers, and gaps as well.

        In a gap the customer is still in the shop, so a barber who is away cannot use it. Travel counts to the minute:
        what rounding up to five minutes adds is no reason against a time off that ends within it.
        """
        way = self.travel_min if self.way_min is None else self.way_min
        before, after = ticks_for(rules.buffer_before_min + way), ticks_for(rules.buffer_after_min + way)
        return Span(-before, self.ticks + after)


def visit_for(
    rules: BookingRules, services: Sequence[ChosenService], travel_min: int = 0, way_min: int | None = None
) -> Visit:
    """These services in this order. `rules` are the barber's, whose daily cap counts every visit.

    Who has gone to a customer is free for others in none of the gaps.
    """
    caps = [cap_on_visits(rules.daily_cap)] if rules.daily_cap else []
    caps += [cap_on_service(one.offer.service_id, most) for one in services if (most := one.offer.rules.daily_cap)]
    gaps = () if travel_min else tuple(_gaps(services))
    return Visit(duration_of(services), gaps, travel_min, tuple(caps), way_min)


def rules_for(rules: BookingRules, services: Sequence[ChosenService]) -> BookingRules:
    """The rules that hold for these services together: each its own or else the barber's, the strictest of all.

    Only the buffers are those of the ends: before the first service and after the last.
    """
    own = [_merged(rules, one.offer.rules) for one in services]
    if all(one is rules for one in own):
        return rules
    return msgspec.structs.replace(
        rules,
        slot_step_min=max(one.slot_step_min for one in own),
        min_notice_min=max(one.min_notice_min for one in own),
        horizon_days=min(one.horizon_days for one in own),
        buffer_before_min=own[0].buffer_before_min,
        buffer_after_min=own[-1].buffer_after_min,
        auto_accept=all(one.auto_accept for one in own),
    )


_NONE_OF_ITS_OWN = OfferRules()


def _merged(rules: BookingRules, own: OfferRules) -> BookingRules:
    if own == _NONE_OF_ITS_OWN:
        return rules
    differing = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
    return msgspec.structs.replace(rules, **differing)


def _gaps(services: Sequence[ChosenService]) -> Iterator[tuple[int, int]]:
    begin = 0
    for one in services:
        if works := one.offer.processing:
            yield begin + works.after_min, begin + works.after_min + works.duration_min
        begin += one.total_min
