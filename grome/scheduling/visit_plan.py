"""Plan the visit for requested services: its duration, its gaps and the rules that apply."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from grome.common.figures import duration_of
from grome.scheduling.daily_caps import Cap, cap_on_service, cap_on_visits
from grome.scheduling.models import BookingRules, OfferRules
from grome.scheduling.offers import ChosenService
from grome.scheduling.ticks import Span, ticks_for


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """Holds the duration, gaps, travel times and daily caps of a visit.

    `duration_min` is the duration that the customer sees. In the `gaps`, in minutes from the start, the barber is free
    for other customers. Travel to the customer takes `travel_min`, and as much back, in whole five minutes;
    `exact_travel_min` is the travel time to the minute, if known. Raises ValueError if the duration is not positive:
    the booking would occupy no time.
    """

    duration_min: int
    gaps: tuple[tuple[int, int], ...] = ()
    travel_min: int = 0
    caps: tuple[Cap, ...] = ()
    exact_travel_min: int | None = None

    def __post_init__(self) -> None:
        if self.duration_min <= 0:
            raise ValueError(f"a visit of {self.duration_min} minutes occupies no time")

    @property
    def ticks(self) -> int:
        """Count the ticks that the visit touches, from its start on."""
        return ticks_for(self.duration_min)

    def busy_spans(self) -> list[Span]:
        """Return the spans in which the barber is busy with the customer, in ticks from the start."""
        spans, begin = [], 0
        for gap_start, gap_end in self.gaps:
            spans.append(Span(begin, ticks_for(gap_start)))
            begin = ticks_for(gap_end)
        return [*spans, Span(begin, self.ticks)]

    def occupied_spans(self, rules: BookingRules) -> list[Span]:
        """Return the spans that a booking blocks, in ticks from the start: work, travel both ways, and buffers."""
        spans = self.busy_spans()
        before = ticks_for(rules.buffer_before_min + self.travel_min)
        after = ticks_for(rules.buffer_after_min + self.travel_min)
        spans[0] = Span(spans[0].start - before, spans[0].end)
        spans[-1] = Span(spans[-1].start, spans[-1].end + after)
        return spans

    def presence_span(self, rules: BookingRules) -> Span:
        """Return the span that time off must not overlap: the visit with gaps, travel and buffers.

        The span is in ticks from the start. In a gap the customer is still in the shop, so the barber cannot be away.
        Travel counts to the minute: time off may reach into the minutes that rounding up to five adds.
        """
        travel = self.travel_min if self.exact_travel_min is None else self.exact_travel_min
        before, after = ticks_for(rules.buffer_before_min + travel), ticks_for(rules.buffer_after_min + travel)
        return Span(-before, self.ticks + after)


def plan_visit(
    rules: BookingRules, services: Sequence[ChosenService], travel_min: int = 0, exact_travel_min: int | None = None
) -> VisitPlan:
    """Build the visit for these services in this order, under the barber's `rules`.

    The daily cap in `rules` counts every visit. On a house call the barber is not free for other customers in the gaps.
    """
    caps = [cap_on_visits(rules.daily_cap)] if rules.daily_cap else []
    offers = (service.offer for service in services)
    caps += [cap_on_service(offer.service_id, limit) for offer in offers if (limit := offer.rules.daily_cap)]
    gaps = () if travel_min else tuple(_gaps(services))
    return VisitPlan(duration_of(services), gaps, travel_min, tuple(caps), exact_travel_min)


def rules_for(rules: BookingRules, services: Sequence[ChosenService]) -> BookingRules:
    """Return the strictest rules of these services; a service without an own rule follows the barber's rule.

    The buffers are the buffer before the first service and the buffer after the last service.
    """
    merged = [_merged(rules, service.offer.rules) for service in services]
    if all(each is rules for each in merged):
        return rules
    return msgspec.structs.replace(
        rules,
        slot_step_min=max(each.slot_step_min for each in merged),
        min_notice_min=max(each.min_notice_min for each in merged),
        horizon_days=min(each.horizon_days for each in merged),
        buffer_before_min=merged[0].buffer_before_min,
        buffer_after_min=merged[-1].buffer_after_min,
        auto_accept=all(each.auto_accept for each in merged),
    )


_NO_OWN_RULES = OfferRules()


def _merged(rules: BookingRules, own: OfferRules) -> BookingRules:
    if own == _NO_OWN_RULES:
        return rules
    differing = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
    return msgspec.structs.replace(rules, **differing)


def _gaps(services: Sequence[ChosenService]) -> Iterator[tuple[int, int]]:
    begin = 0
    for service in services:
        if gap := service.offer.processing:
            yield begin + gap.after_min, begin + gap.after_min + gap.duration_min
        begin += service.total_min
