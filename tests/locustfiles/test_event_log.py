"""The checks of live events: a sound series passes, and each kind of fault is named."""

from typing import Any

import pytest
from event_log import PATIENCE_S, USER, EventLog, change_of, message_of
from promises import Broken

BOOKING, OTHER = "b1", "b2"


def changed(version: int, booking: str = BOOKING) -> dict[str, Any]:
    return {"type": "booking.accepted", "subject": booking, "version": version, "data": {}}


def written(number: int) -> dict[str, Any]:
    data = {"booking_id": BOOKING, "number": number}
    return {"type": "message.sent", "subject": BOOKING, "version": 9, "data": data}


@pytest.fixture
def log() -> EventLog:
    log = EventLog()
    log.reload(USER)
    return log


def test_events_in_order_give_the_time_since_their_answers(log: EventLog) -> None:
    assert log.take(USER, changed(4), now=1.0) is None  # the first event of a booking may have any version
    assert not log.expect(change_of(BOOKING, 5), now=2.0)
    assert log.take(USER, {**changed(5), "type": "payment.paid"}, now=2.5) is None
    assert log.take("booking:b1", changed(5), now=3.0) is None  # counted in the person's own room
    assert log.take(USER, changed(5), now=4.0) == 2.0
    assert log.expect(change_of(BOOKING, 5), now=5.0)  # the event came before the answer
    assert not log.expect(message_of(BOOKING, 1), now=6.0)
    assert log.take(USER, written(1), now=6.5) == 0.5
    assert log.take(USER, changed(1, OTHER), now=7.0) is None
    assert log.pop_missed(now=1_000.0) == []


@pytest.mark.parametrize(
    ("second", "named"),
    [
        (changed(4), "comes twice or after a later one"),
        (changed(3), "comes twice or after a later one"),
        (changed(6), "an event before this one was missed"),
    ],
)
def test_event_out_of_order_is_reported_in_every_room(log: EventLog, second: dict[str, Any], named: str) -> None:
    for room in (USER, "shop:s1"):
        log.take(room, changed(4), now=1.0)
        with pytest.raises(Broken, match=named):
            log.take(room, second, now=2.0)


def test_missing_message_of_a_chat_is_reported(log: EventLog) -> None:
    log.take(USER, written(1), now=1.0)
    with pytest.raises(Broken, match="an event before this one was missed"):
        log.take(USER, written(3), now=2.0)


def test_change_without_event_is_reported_once_after_a_while(log: EventLog) -> None:
    log.expect(change_of(BOOKING, 1), now=1.0)
    log.expect(change_of(OTHER, 1), now=2.0)
    assert log.pop_missed(now=1.0 + PATIENCE_S) == []
    assert log.pop_missed(now=1.5 + PATIENCE_S) == [change_of(BOOKING, 1)]
    assert log.pop_missed(now=3.0 + PATIENCE_S) == [change_of(OTHER, 1)]


def test_reload_excuses_the_events_before_it(log: EventLog) -> None:
    log.take(USER, changed(1), now=1.0)
    log.expect(change_of(BOOKING, 2), now=2.0)
    log.reload(USER)
    assert log.take(USER, changed(4), now=3.0) is None
    assert log.pop_missed(now=1_000.0) == []
