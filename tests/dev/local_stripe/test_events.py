"""Events of the local Stripe: their notifications, faults of delivery, and the list of v2."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import stripe

from grome.dev.local_stripe.events import EMITTED
from tests.dev.local_stripe.receiver import Receiver, receiving
from tests.support.eventually import until
from tests.support.processes import free_port
from tests.support.stripe import WEBHOOK_SECRET, LocalStripe, StripeControl, local_stripe


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(free_port()) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe"), receiver.url) as running:
        yield running


@pytest.fixture
async def control(server: LocalStripe) -> AsyncIterator[StripeControl]:
    calling = StripeControl(server.url)
    yield calling
    await calling.close()


@pytest.fixture
async def webhook(receiver: Receiver, control: StripeControl) -> Receiver:
    """Wait until the events of earlier tests are delivered, and forget them."""

    async def nothing_waits() -> bool:
        waiting: int = (await control.call("GET", "webhooks"))["waiting"]
        return waiting == 0

    await until(nothing_waits)
    receiver.received.clear()
    receiver.answers.clear()
    return receiver


async def create_customers(client: stripe.StripeClient, number: int) -> list[str]:
    return [(await client.v1.customers.create_async({"name": str(n)})).id for n in range(number)]


async def test_events_are_listed_over_pages_with_filters_and_forgotten_after_30_days(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    customers = await create_customers(api, 5)
    page = await api.v2.core.events.list_async({"limit": 2, "types": ["v1.customer.created"]})
    listed = [event async for event in page.auto_paging_iter()]
    assert [event.to_dict()["related_object"]["id"] for event in listed] == customers[::-1]
    oldest = datetime.fromisoformat(listed[-1].created)
    later = (oldest + timedelta(days=1)).isoformat()
    assert (await api.v2.core.events.list_async({"created": {"gte": later}})).data == []
    assert len((await api.v2.core.events.list_async({"created": {"gte": oldest.isoformat()}})).data) == 5
    only = await api.v2.core.events.list_async({"object_id": customers[0]})
    assert [event.id for event in only.data] == [listed[-1].id]

    await control.advance(31 * 86_400)
    assert (await api.v2.core.events.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError):
        await api.v2.core.events.retrieve_async(listed[0].id)


async def test_notification_is_signed_and_leads_to_its_object(api: stripe.StripeClient, webhook: Receiver) -> None:
    [customer] = await create_customers(api, 1)
    await until(lambda: len(webhook.received) == 1)
    [event] = webhook.events()
    assert (event.type, event.livemode, event.context) == ("v1.customer.created", False, None)
    body, header = webhook.received[0]
    notification = api.parse_event_notification(body, header, WEBHOOK_SECRET)
    fetched = (await api.v2.core.events.retrieve_async(notification.id)).to_dict()
    assert fetched["related_object"] == {
        "id": customer,
        "type": "customer",
        "url": f"/v1/customers/{customer}",
    }
    with pytest.raises(stripe.SignatureVerificationError):
        api.parse_event_notification(body, header, "whsec_other")


async def test_notification_is_sent_again_until_the_answer_is_2xx(api: stripe.StripeClient, webhook: Receiver) -> None:
    webhook.answers[:] = [500, 404]
    await create_customers(api, 1)
    await until(lambda: len(webhook.received) == 3)
    assert len(set(webhook.ids())) == 1


async def test_notification_waits_for_a_webhook_that_does_not_listen_yet(tmp_path: Path) -> None:
    port = free_port()
    with local_stripe(tmp_path, f"http://127.0.0.1:{port}/") as running:
        async with running.client() as client:
            await create_customers(client, 1)
        running.restart()
        async with receiving(port) as late:
            await until(lambda: bool(late.ids()))
            assert len(late.ids()) == 1


async def test_dropped_events_arrive_only_when_all_are_delivered(
    api: stripe.StripeClient, webhook: Receiver, control: StripeControl
) -> None:
    await control.call("POST", "webhooks", {"drop": 2})
    await create_customers(api, 3)
    await until(lambda: len(webhook.received) == 1)
    assert (await api.v2.core.events.list_async({"limit": 1})).data[0].id == webhook.ids()[0]
    assert await control.call("POST", "webhooks/deliver_all") == {"sent": 2}
    await until(lambda: len(webhook.received) == 3)
    assert len(set(webhook.ids())) == 3


async def test_doubled_event_arrives_twice(api: stripe.StripeClient, webhook: Receiver, control: StripeControl) -> None:
    await control.call("POST", "webhooks", {"double": 1})
    await create_customers(api, 2)
    await until(lambda: len(webhook.received) == 3)
    assert len(set(webhook.ids())) == 2


async def test_held_events_are_released_in_the_order_of_the_seed(
    api: stripe.StripeClient, webhook: Receiver, control: StripeControl
) -> None:
    await control.call("POST", "webhooks", {"hold": True})
    await create_customers(api, 8)
    assert (await control.call("GET", "webhooks"))["waiting"] == 8
    assert webhook.received == []
    assert await control.call("POST", "webhooks/release", {"seed": 4}) == {"sent": 8}
    await until(lambda: len(webhook.received) == 8)
    created = [event.id for event in (await api.v2.core.events.list_async({"limit": 8})).data]
    assert sorted(created) == sorted(webhook.ids())
    assert webhook.ids() not in (created, created[::-1])


async def test_paused_delivery_sends_nothing_until_it_goes_on(
    api: stripe.StripeClient, webhook: Receiver, control: StripeControl
) -> None:
    await control.call("POST", "webhooks", {"paused": True})
    await create_customers(api, 2)
    assert (await control.call("GET", "webhooks"))["waiting"] == 2
    await control.call("POST", "webhooks", {"paused": False})
    await until(lambda: len(webhook.received) == 2)
    await control.call("POST", "webhooks/resend", {"id": webhook.ids()[0]})
    await until(lambda: len(webhook.received) == 3)
    assert webhook.ids()[2] == webhook.ids()[0]


def test_every_type_of_event_is_known_to_the_sdk() -> None:
    from stripe.events._event_classes import get_v2_event_notification_class  # noqa: PLC0415 -- used here only

    unknown = [kind for kind in EMITTED if get_v2_event_notification_class(kind).__name__.startswith("Unknown")]
    assert unknown == []
