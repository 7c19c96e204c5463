"""Test the notifications of each event."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from grome.common.ids import new_id
from grome.infrastructure.outbox.models import Event, EventType
from grome.notifications.channel_rules import RULES
from grome.notifications.models import Channel, ChannelDelivery, MessageKind
from grome.notifications.planner import Planner, plan_notifications
from tests.notifications.recorders import RecordedJobs

CUSTOMER, BARBER, ADMIN = new_id(), new_id(), new_id()
NAMES = {CUSTOMER: "customer", BARBER: "barber"}


def event(kind: EventType, actor_id: UUID | None, people: tuple[UUID, ...] = (CUSTOMER, BARBER)) -> Event:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    return Event(id=new_id(), type=kind, at=at, subject_id=new_id(), version=3, people=people, actor_id=actor_id)


@pytest.mark.parametrize(
    ("kind", "actor_id", "told"),
    [
        (EventType.BOOKING_REQUESTED, CUSTOMER, {("booking_requested", "customer"), ("booking_requested", "barber")}),
        (EventType.BOOKING_ACCEPTED, BARBER, {("booking_accepted", "customer")}),
        (EventType.BOOKING_ACCEPTED, CUSTOMER, {("booking_accepted", "customer"), ("booking_accepted", "barber")}),
        (EventType.BOOKING_DECLINED, BARBER, {("booking_declined", "customer")}),
        (EventType.BOOKING_DECLINED, CUSTOMER, set()),
        (EventType.BOOKING_STARTED, BARBER, set()),
        (EventType.BOOKING_COMPLETED, BARBER, {("receipt", "customer"), ("review_request", "customer")}),
        (EventType.BOOKING_CANCELLED, CUSTOMER, {("booking_cancelled", "customer"), ("booking_cancelled", "barber")}),
        (EventType.BOOKING_CANCELLED, BARBER, {("booking_cancelled", "customer")}),
        (EventType.BOOKING_CANCELLED, ADMIN, {("booking_cancelled", "customer"), ("booking_cancelled", "barber")}),
        (EventType.BOOKING_NO_SHOW, BARBER, {("booking_cancelled", "customer")}),
        (EventType.BOOKING_NO_SHOW_UNDONE, BARBER, {("booking_accepted", "customer")}),
        (EventType.BOOKING_START_UNDONE, BARBER, set()),
        (EventType.BOOKING_TIPPED, CUSTOMER, {("booking_tipped", "barber")}),
        (EventType.BOOKING_OFFERED, None, {("booking_offered", "customer")}),
        (EventType.BOOKING_DELAYED, BARBER, {("booking_delayed", "customer")}),
        (EventType.BOOKING_ON_THE_WAY, BARBER, {("booking_on_the_way", "customer")}),
        (EventType.BOOKING_ON_THE_WAY_ENDED, BARBER, set()),
        (EventType.BOOKING_ARRIVED, None, {("booking_arrived", "customer")}),
        (EventType.BOOKING_RESCHEDULED, CUSTOMER, {("booking_changed", "barber")}),
        (EventType.BOOKING_RESCHEDULED, BARBER, {("booking_changed", "customer")}),
        (EventType.BOOKING_RESCHEDULED, ADMIN, {("booking_changed", "customer"), ("booking_changed", "barber")}),
        (EventType.BOOKING_TIME_PROPOSED, CUSTOMER, {("booking_time_proposed", "barber")}),
        (EventType.BOOKING_TIME_PROPOSED, BARBER, {("booking_time_proposed", "customer")}),
        (EventType.BOOKING_PROPOSAL_REJECTED, CUSTOMER, {("booking_time_kept", "barber")}),
        (EventType.BOOKING_PROPOSAL_WITHDRAWN, CUSTOMER, {("booking_time_kept", "barber")}),
        (
            EventType.BOOKING_PROPOSAL_LAPSED,
            None,
            {("booking_time_kept", "customer"), ("booking_time_kept", "barber")},
        ),
        (EventType.BOOKING_NOTED, CUSTOMER, set()),
        (EventType.MESSAGE_SENT, CUSTOMER, {("message_received", "barber")}),
        (EventType.MESSAGE_SENT, BARBER, {("message_received", "customer")}),
        (EventType.MESSAGE_EDITED, BARBER, set()),
        (EventType.MESSAGE_DELETED, ADMIN, set()),
        (EventType.MESSAGE_READ, CUSTOMER, set()),
        (EventType.REVIEW_POSTED, CUSTOMER, {("review_posted", "barber")}),
        (EventType.REVIEW_ANSWERED, BARBER, {("review_answered", "customer")}),
        (EventType.REVIEW_REMOVED, ADMIN, set()),
        (EventType.BOOKING_EXPIRED, None, {("booking_cancelled", "customer"), ("booking_cancelled", "barber")}),
    ],
)
def test_plan_for_booking_and_review_events(kind: EventType, actor_id: UUID | None, told: set[tuple[str, str]]) -> None:
    planned = list(plan_notifications(event(kind, actor_id)))
    assert {(notice.kind.value, NAMES[notice.user_id]) for notice in planned} == told
    assert len(planned) == len(told)


@pytest.mark.parametrize("kind", [kind for kind in EventType if kind.startswith("booking.")])
def test_plan_for_a_guest_is_empty(kind: EventType) -> None:
    """The barber gets no message either, because barbers book for guests."""
    assert list(plan_notifications(event(kind, BARBER, (BARBER,)))) == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (EventType.ACCOUNT_REGISTERED, "welcome"),
        (EventType.ACCOUNT_NEW_DEVICE, "new_device"),
        (EventType.ACCOUNT_SESSION_REUSED, "session_ended"),
        (EventType.ACCOUNT_FACTOR_ADDED, "factor_added"),
        (EventType.ACCOUNT_FACTOR_REMOVED, "factor_removed"),
        (EventType.ACCOUNT_RECOVERY_CODE_USED, "recovery_code_used"),
        (EventType.ACCOUNT_SUSPICIOUS_SIGN_IN, "suspicious_sign_in"),
        (EventType.ACCOUNT_EXPORTED, "export_ready"),
        (EventType.ACCOUNT_DELETION_REQUESTED, "account_deleted"),
    ],
)
def test_plan_for_account_events(kind: EventType, told: str) -> None:
    assert [(one.kind.value, one.user_id) for one in plan_notifications(event(kind, CUSTOMER, (CUSTOMER,)))] == [
        (told, CUSTOMER)
    ]


def test_plan_covers_every_event_type() -> None:
    for kind in EventType:
        assert all(notice.kind in RULES for notice in plan_notifications(event(kind, None, (CUSTOMER, BARBER))))
    assert set(RULES) == set(MessageKind)


async def test_planner_with_a_repeated_event_adds_no_second_job() -> None:
    jobs = RecordedJobs()
    happened = event(EventType.BOOKING_COMPLETED, BARBER)
    await Planner(jobs).handle([happened])
    await Planner(jobs).handle([happened, happened])
    kinds = ("receipt", "review_request")
    assert list(jobs.added) == [f"{happened.id}:notify:{kind}:{CUSTOMER}" for kind in kinds]


def test_channel_deliveries_have_distinct_ids() -> None:
    happened = event(EventType.BOOKING_REQUESTED, CUSTOMER)
    deliveries = [ChannelDelivery(notice, channel) for notice in plan_notifications(happened) for channel in Channel]
    assert (
        len({delivery.job_id for delivery in deliveries})
        == len({delivery.entry_id for delivery in deliveries})
        == 2 * len(Channel)
    )
    assert len({delivery.notification.message_id for delivery in deliveries}) == 2
